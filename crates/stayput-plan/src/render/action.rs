//! A step as one line.

use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_world::aws::TgwTarget;

use crate::Action;
use crate::FormerVm;
use crate::Names;
use crate::OverlayKind;
use crate::PowerAfter;
use crate::step::ErpScope;
use crate::step::RecoveryRun;

impl Action {
    /// One line: what shall be true.
    pub fn describe(&self, names: &Names) -> Message {
        match self {
            Self::Capture { machines } => {
                Message::new("step-capture").count("machines", machines.len())
            }
            Self::EnsureFlowVpc { site, name } => Message::new("step-flow-vpc")
                .with("site", site)
                .with("name", name),
            Self::EnsureSubnet {
                site,
                kind,
                network,
                cidr,
                pools,
                ..
            } => match kind {
                OverlayKind::Production => Message::new("step-subnet")
                    .with("site", site)
                    .with("network", network)
                    .with("cidr", cidr)
                    .with("pools", commas(pools)),
                OverlayKind::Test => Message::new("step-test-subnet")
                    .with("site", site)
                    .with("network", network)
                    .with("cidr", cidr)
                    .with("pools", commas(pools)),
            },
            Self::Erp {
                site,
                scope,
                cidr,
                present,
            } => match (scope, present) {
                (ErpScope::User, true) => Message::new("step-prefix-on-user-vpc")
                    .with("site", site)
                    .with("cidr", cidr),
                (ErpScope::User, false) => Message::new("step-prefix-off-user-vpc")
                    .with("site", site)
                    .with("cidr", cidr),
                (ErpScope::Transit, true) => Message::new("step-prefix-on-transit-vpc")
                    .with("site", site)
                    .with("cidr", cidr),
                (ErpScope::Transit, false) => Message::new("step-prefix-off-transit-vpc")
                    .with("site", site)
                    .with("cidr", cidr),
            },
            Self::Replicate {
                site,
                move_plan,
                machines,
                ..
            } => Message::new("step-replicate")
                .with("site", site)
                .count("machines", machines.len())
                .with("plan", move_plan),
            Self::Cutover { site, machine, .. } => Message::new("step-cutover")
                .with("site", site)
                .with("machine", names.name(machine.as_str())),
            Self::RestoreNics {
                site,
                machine,
                nics,
                power,
            } => {
                let name = names.name(machine.as_str());
                match power {
                    PowerAfter::AsItIs => Message::new("step-restore")
                        .with("site", site)
                        .with("machine", name)
                        .part("nics", nics.message()),
                    PowerAfter::On => Message::new("step-restore-on")
                        .with("site", site)
                        .with("machine", name)
                        .part("nics", nics.message()),
                }
            }
            Self::TgwRoute {
                region,
                table,
                cidr,
                from,
                to,
            } => Message::new("step-route")
                .with("region", region)
                .with("cidr", cidr)
                .with("table", names.with_id(table.as_str()))
                .part("from", leads_to(from.as_ref(), names))
                .part("to", leads_to(to.as_ref(), names)),
            Self::Categorize {
                site,
                key,
                value,
                machines,
            } => Message::new("step-category")
                .with("site", site)
                .with("category", format_args!("{key}={value}"))
                .count("vms", machines.len()),
            Self::ProtectionPolicy {
                site,
                recovery,
                name,
                rpo_seconds,
                retention,
                ..
            } => Message::new("step-policy")
                .with("site", site)
                .with("name", name)
                .with("recovery", recovery)
                .with("rpo", rpo_seconds / 60)
                .count("points", *retention),
            Self::RecoveryPlan {
                site,
                recovery,
                name,
                networks,
                ..
            } => Message::new("step-recovery-plan")
                .with("site", site)
                .with("name", name)
                .with("recovery", recovery)
                .count("networks", networks.len()),
            Self::AwaitRecoveryPoints {
                recovery, machines, ..
            } => Message::new("step-recovery-points")
                .with("recovery", recovery)
                .count("machines", machines.len()),
            Self::RunRecovery {
                plan,
                run,
                from,
                to,
                machines,
            } => match run {
                RecoveryRun::Validate => Message::new("step-validate")
                    .with("to", to)
                    .with("plan", plan)
                    .with("from", from),
                RecoveryRun::Planned => Message::new("step-planned")
                    .with("to", to)
                    .with("plan", plan)
                    .count("machines", machines.len())
                    .with("from", from),
                RecoveryRun::Unplanned => Message::new("step-unplanned")
                    .with("to", to)
                    .with("plan", plan)
                    .count("machines", machines.len())
                    .with("from", from),
                RecoveryRun::Test => Message::new("step-test")
                    .with("to", to)
                    .with("plan", plan)
                    .count("machines", machines.len()),
                RecoveryRun::CleanUp => Message::new("step-test-clean-up")
                    .with("to", to)
                    .with("plan", plan),
            },
            Self::PowerOff { former } => {
                Message::new("step-power-off").part("former", of_former(former, names))
            }
            Self::ShutDown {
                site,
                machine,
                vm,
                name,
                addresses,
            } => {
                let machine = names.name(machine.as_str());
                match addresses.as_slice() {
                    [] => Message::new("step-shut-down-without-address")
                        .with("site", site)
                        .with("name", name)
                        .with("vm", vm)
                        .with("machine", machine),
                    addresses => Message::new("step-shut-down")
                        .with("site", site)
                        .with("name", name)
                        .with("vm", vm)
                        .with("addresses", commas(addresses))
                        .with("machine", machine),
                }
            }
            Self::StartSource {
                region,
                machine,
                start: true,
                ..
            } => Message::new("step-start-source")
                .with("region", region)
                .with("machine", names.with_id(machine.as_str())),
            Self::StartSource {
                region, machine, ..
            } => Message::new("step-source-stays-stopped")
                .with("region", region)
                .with("machine", names.with_id(machine.as_str())),
            Self::CancelMovePlan { site, move_plan } => Message::new("step-cancel-move-plan")
                .with("site", site)
                .with("plan", move_plan),
            Self::ReleaseNics {
                site,
                machine,
                vm,
                name,
            } => Message::new("step-release-nics")
                .with("site", site)
                .with("name", name)
                .with("vm", vm)
                .with("machine", names.name(machine.as_str())),
            Self::RemoveCopies { plan, site, .. } => Message::new("step-remove-copies")
                .with("site", site)
                .with("plan", plan),
            Self::DeleteVm { former } => {
                Message::new("step-delete").part("former", of_former(former, names))
            }
            Self::Verify {
                site,
                networks,
                machines,
                ..
            } => {
                let what = match machines.is_empty() {
                    true => commas(networks),
                    false => commas(machines.iter().map(|machine| names.name(machine.as_str()))),
                };
                Message::new("step-verify")
                    .with("what", what)
                    .with("site", site)
            }
        }
    }

    /// The mark before the line: `+` makes, `~` changes, `-` removes, `?` only looks.
    pub fn mark(&self) -> char {
        match self {
            Self::Capture { .. }
            | Self::EnsureFlowVpc { .. }
            | Self::EnsureSubnet { .. }
            | Self::Replicate { .. }
            | Self::Categorize { .. }
            | Self::ProtectionPolicy { .. }
            | Self::RecoveryPlan { .. } => '+',
            Self::Erp { present: true, .. } => '+',
            Self::Erp { present: false, .. } => '-',
            Self::TgwRoute { from: None, .. } => '+',
            Self::TgwRoute { to: None, .. } => '-',
            Self::DeleteVm { .. }
            | Self::CancelMovePlan { .. }
            | Self::ReleaseNics { .. }
            | Self::RemoveCopies { .. } => '-',
            Self::PowerOff { .. } | Self::ShutDown { .. } | Self::StartSource { .. } => '~',
            Self::TgwRoute { .. } | Self::Cutover { .. } | Self::RestoreNics { .. } => '~',
            Self::AwaitRecoveryPoints { .. } | Self::Verify { .. } => '?',
            Self::RunRecovery { run, .. } => match run {
                RecoveryRun::Validate => '?',
                RecoveryRun::Planned | RecoveryRun::Unplanned => '~',
                RecoveryRun::Test => '+',
                RecoveryRun::CleanUp => '-',
            },
        }
    }
}

/// Where a static route leads.
fn leads_to(target: Option<&TgwTarget>, names: &Names) -> Message {
    match target {
        None => Message::new("route-absent"),
        Some(TgwTarget::Blackhole) => Message::new("route-blackhole"),
        Some(TgwTarget::Attachment(id)) => {
            Message::new("route-attachment").with("attachment", names.with_id(id.as_str()))
        }
    }
}

/// A former VM: where, which, whose, with its addresses.
fn of_former(former: &FormerVm, names: &Names) -> Message {
    let FormerVm {
        site,
        vm,
        name,
        addresses,
        machine,
        home,
        ..
    } = former;
    let machine = names.name(machine.as_str());
    match addresses.as_slice() {
        [] => Message::new("former-vm-without-address")
            .with("site", site)
            .with("name", name)
            .with("vm", vm)
            .with("machine", machine)
            .with("home", home),
        addresses => Message::new("former-vm")
            .with("site", site)
            .with("name", name)
            .with("vm", vm)
            .with("addresses", commas(addresses))
            .with("machine", machine)
            .with("home", home),
    }
}
