//! A step as one line.

use std::net::Ipv4Addr;

use stayput_world::aws::TgwTarget;

use crate::Action;
use crate::FormerVm;
use crate::Names;
use crate::OverlayKind;
use crate::counted;
use crate::step::ErpScope;
use crate::step::RecoveryRun;
use crate::text::commas;

impl Action {
    /// One line: what shall be true.
    pub fn describe(&self, names: &Names) -> String {
        let target = |target: &Option<TgwTarget>| match target {
            None => "absent".to_owned(),
            Some(TgwTarget::Blackhole) => "blackhole".to_owned(),
            Some(TgwTarget::Attachment(id)) => names.with_id(id.as_str()),
        };
        match self {
            Self::Capture { machines } => format!(
                "capture {} into the ledger",
                counted(machines.len(), "machine")
            ),
            Self::EnsureFlowVpc { site, name } => format!("{site}: isolated Flow VPC {name}"),
            Self::EnsureSubnet {
                site,
                kind,
                network,
                cidr,
                pools,
                ..
            } => {
                let kind = match kind {
                    OverlayKind::Production => "overlay subnet",
                    OverlayKind::Test => "test subnet",
                };
                let pools: Vec<_> = pools.iter().map(ToString::to_string).collect();
                format!(
                    "{site}: {kind} {network} {cidr}, DHCP pool {}",
                    pools.join(", ")
                )
            }
            Self::Erp {
                site,
                scope,
                cidr,
                present,
            } => {
                let scope = match scope {
                    ErpScope::User => "user VPC",
                    ErpScope::Transit => "transit VPC",
                };
                let sign = if *present { "on" } else { "off" };
                format!("{site}: externally routable prefix {cidr} {sign} the {scope}")
            }
            Self::Replicate {
                site,
                move_plan,
                machines,
                ..
            } => {
                format!(
                    "{site}: Move replicates {} ({move_plan})",
                    counted(machines.len(), "machine")
                )
            }
            Self::Cutover { site, machine, .. } => {
                format!(
                    "{site}: {} stops in EC2 and starts as a VM",
                    names.name(machine.as_str())
                )
            }
            Self::RestoreNics {
                site,
                machine,
                nics,
            } => format!("{site}: {} {nics}", names.name(machine.as_str())),
            Self::TgwRoute {
                region,
                table,
                cidr,
                from,
                to,
            } => format!(
                "{region}: {cidr} in {}: {} → {}",
                names.with_id(table.as_str()),
                target(from),
                target(to)
            ),
            Self::Categorize {
                site,
                key,
                value,
                machines,
            } => {
                format!(
                    "{site}: category {key}={value} on {}",
                    counted(machines.len(), "VM")
                )
            }
            Self::ProtectionPolicy {
                site,
                recovery,
                name,
                rpo_seconds,
                retention,
                ..
            } => format!(
                "{site}: protection policy {name} ⇄ {recovery}, RPO {} min, {} kept",
                rpo_seconds / 60,
                counted(*retention as usize, "recovery point"),
            ),
            Self::RecoveryPlan {
                site,
                recovery,
                name,
                networks,
                ..
            } => {
                format!(
                    "{site}: recovery plan {name} ⇄ {recovery}, {} mapped",
                    counted(networks.len(), "network")
                )
            }
            Self::AwaitRecoveryPoints {
                recovery, machines, ..
            } => {
                format!(
                    "{recovery}: recovery points of {}",
                    counted(machines.len(), "machine")
                )
            }
            Self::RunRecovery {
                plan,
                run,
                from,
                to,
                machines,
            } => match run {
                RecoveryRun::Validate => format!("{to}: {plan} validates {from} → {to}"),
                RecoveryRun::Planned => format!(
                    "{to}: {plan} brings {} {from} → {to}",
                    counted(machines.len(), "machine")
                ),
                RecoveryRun::Unplanned => format!(
                    "{to}: {plan} starts {} of {from} from their recovery points",
                    counted(machines.len(), "machine")
                ),
                RecoveryRun::Test => format!(
                    "{to}: {plan} starts copies of {}",
                    counted(machines.len(), "machine")
                ),
                RecoveryRun::CleanUp => {
                    format!("{to}: {plan} removes the copies that its test made")
                }
            },
            Self::PowerOff { former } => format!("{} is powered off", of_former(former, names)),
            Self::DeleteVm { former } => format!("{} is deleted", of_former(former, names)),
            Self::ShutDown {
                site,
                machine,
                vm,
                name,
                addresses,
            } => format!(
                "{site}: VM {name} ({vm}, {}) of {} shuts down",
                listed(addresses),
                names.name(machine.as_str())
            ),
            Self::StartSource {
                region,
                machine,
                start,
                ..
            } => match start {
                true => format!(
                    "{region}: {} starts in EC2 again",
                    names.with_id(machine.as_str())
                ),
                false => format!(
                    "{region}: {} is in EC2 again, stopped as it was captured",
                    names.with_id(machine.as_str())
                ),
            },
            Self::CancelMovePlan { site, move_plan } => {
                format!("{site}: Move plan {move_plan} ends")
            }
            Self::ReleaseNics {
                site,
                machine,
                vm,
                name,
            } => format!(
                "{site}: VM {name} ({vm}), which was {}, has no NIC on the overlay",
                names.name(machine.as_str())
            ),
            Self::RemoveCopies { plan, site, .. } => {
                format!("{site}: {plan} removes the copies that its test made")
            }
            Self::Verify { site, machines, .. } if !machines.is_empty() => {
                let machines: Vec<_> = machines
                    .iter()
                    .map(|machine| names.name(machine.as_str()))
                    .collect();
                format!(
                    "every address of {} is delivered at {site}",
                    machines.join(", ")
                )
            }
            Self::Verify { site, networks, .. } => {
                let networks: Vec<_> = networks.iter().map(|network| network.as_str()).collect();
                format!(
                    "every address of {} is delivered at {site}",
                    networks.join(", ")
                )
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

/// A former VM: where, which, whose, with its addresses.
fn of_former(former: &FormerVm, names: &Names) -> String {
    let FormerVm {
        site,
        vm,
        name,
        addresses,
        machine,
        home,
        ..
    } = former;
    format!(
        "{site}: former VM {name} ({vm}, {}) of {}, which is at {home},",
        listed(addresses),
        names.name(machine.as_str())
    )
}

fn listed(addresses: &[Ipv4Addr]) -> String {
    match addresses {
        [] => "no address".to_owned(),
        addresses => commas(addresses),
    }
}
