//! A plan as a person reads it. Plain text; colours and widths are the terminal's business.

use std::collections::BTreeMap;
use std::fmt::Write;

use stayput_world::aws::TgwTarget;

use crate::Action;
use crate::Names;
use crate::OverlayKind;
use crate::Plan;
use crate::Step;
use crate::StepId;
use crate::step::ErpScope;
use crate::step::RecoveryRun;

/// Machines named one by one before the rest is only counted.
const NAMED: usize = 12;

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
                count(machines.len(), "machine")
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
                    count(machines.len(), "machine")
                )
            }
            Self::Cutover { site, machine, .. } => {
                format!(
                    "{site}: {} stops in EC2 and starts as a VM",
                    names.name(machine.as_str())
                )
            }
            Self::RestoreNics { site, machine } => {
                format!(
                    "{site}: {} gets its own addresses",
                    names.name(machine.as_str())
                )
            }
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
                    count(machines.len(), "VM")
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
                count(*retention as usize, "recovery point"),
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
                    count(networks.len(), "network")
                )
            }
            Self::AwaitRecoveryPoints {
                recovery, machines, ..
            } => {
                format!(
                    "{recovery}: recovery points of {}",
                    count(machines.len(), "machine")
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
                    count(machines.len(), "machine")
                ),
                RecoveryRun::Test => format!(
                    "{to}: {plan} starts copies of {}",
                    count(machines.len(), "machine")
                ),
                RecoveryRun::CleanUp => format!("{to}: {plan} removes the copies"),
            },
            Self::Verify { site, networks } => {
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
            Self::TgwRoute { .. } | Self::Cutover { .. } | Self::RestoreNics { .. } => '~',
            Self::AwaitRecoveryPoints { .. } | Self::Verify { .. } => '?',
            Self::RunRecovery { run, .. } => match run {
                RecoveryRun::Validate => '?',
                RecoveryRun::Planned => '~',
                RecoveryRun::Test => '+',
                RecoveryRun::CleanUp => '-',
            },
        }
    }
}

fn count(n: usize, noun: &str) -> String {
    let plural = if noun.ends_with('s') { "es" } else { "s" };
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}{plural}")
    }
}

/// Steps as they are numbered for people: steps that touch one machine each, alike and in a row, share a number.
fn numbered(plan: &Plan) -> Vec<Vec<&Step>> {
    let mut groups: Vec<Vec<&Step>> = Vec::new();
    for step in &plan.steps {
        let single = matches!(
            step.action,
            Action::Cutover { .. } | Action::RestoreNics { .. }
        );
        let alike = |last: &&Step| {
            std::mem::discriminant(&last.action) == std::mem::discriminant(&step.action)
        };
        match groups.last_mut() {
            Some(group) if single && group.last().is_some_and(alike) => group.push(step),
            _ => groups.push(vec![step]),
        }
    }
    groups
}

fn warn(text: &mut String, plan: &Plan) {
    if plan.warnings.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nTo know:");
    for warning in &plan.warnings {
        let _ = writeln!(text, "  ! {warning}");
    }
}

/// The whole plan as text.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Plan: {} ({})", plan.goal, plan.estate);
    if plan.steps.is_empty() {
        let _ = writeln!(text, "\nNothing to do: this is so already.");
        warn(&mut text, plan);
        return text;
    }
    let _ = writeln!(text);
    let groups = numbered(plan);
    let mut number_of: BTreeMap<&StepId, usize> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let number = index + 1;
        number_of.extend(group.iter().map(|step| (&step.id, number)));
        for step in group.iter().take(NAMED) {
            let _ = writeln!(
                text,
                "  {number:>3} {} {}",
                step.action.mark(),
                step.action.describe(&plan.names)
            );
        }
        if group.len() > NAMED {
            let _ = writeln!(text, "  {number:>3}   … and {} more", group.len() - NAMED);
        }
        if let Some(first) = group.first() {
            let _ = writeln!(text, "        {}", first.why);
        }
    }
    warn(&mut text, plan);
    let _ = writeln!(text, "\n{}", plan.proof);
    let step = |id: &Option<StepId>, none: &str| match id.as_ref().and_then(|id| number_of.get(id))
    {
        Some(number) => format!("step {number}"),
        None => none.to_owned(),
    };
    for hole in &plan.proof.holes {
        let _ = writeln!(
            text,
            "  hole from {} to {}: {}, {}",
            step(&hole.opens, "now"),
            step(&hole.closes, "the end"),
            count(hole.addresses, "address"),
            hole.what,
        );
    }
    text
}
