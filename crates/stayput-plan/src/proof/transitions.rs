//! What each step changes about where packets go.

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_fabric::Change;

use crate::Action;
use crate::OverlayKind;
use crate::Step;
use crate::StepId;
use crate::step::ErpScope;
use crate::step::RecoveryRun;
use crate::survey::Survey;

/// One group of steps between two states.
///
/// Steps that touch one machine each (cutover, NICs) are a group: a machine's own steps are the only ones among them that touch
/// its addresses, so "before" and "after" cover every mix.
pub(crate) struct Transition {
    /// Its first step.
    pub(crate) first: StepId,
    /// Its last step.
    pub(crate) last: StepId,
    /// Whether it moves machines; otherwise it only changes where packets go.
    pub(crate) moves_machines: bool,
    /// Whether the steps are not done after it: it is the first half of what they change.
    pub(crate) is_halfway: bool,
    pub(crate) changes: Vec<Change>,
}

/// The groups of these steps that change where packets go, in their order.
pub(crate) fn transitions(survey: &Survey<'_>, steps: &[Step]) -> Vec<Transition> {
    let source = &survey.estate.source.name;
    let serve = |id: &InstanceId, site: &SiteName, serving: bool| -> Vec<Change> {
        let machine = survey.machines.get(id).filter(|_| survey.runs(id));
        let addresses = machine.into_iter().flat_map(|machine| machine.addresses());
        addresses
            .map(|address| Change::Serve {
                site: site.clone(),
                address,
                serving,
            })
            .collect()
    };
    let mut transitions: Vec<Transition> = Vec::new();
    let mut steps = steps.iter().peekable();
    while let Some(step) = steps.next() {
        match &step.action {
            Action::Cutover { .. }
            | Action::RestoreNics { .. }
            | Action::ShutDown { .. }
            | Action::StartSource { .. } => {
                let kind = std::mem::discriminant(&step.action);
                let mut interrupted = halfway(step);
                let mut changes = of_machine(step, source, &serve);
                let mut last = step;
                while let Some(next) =
                    steps.next_if(|next| std::mem::discriminant(&next.action) == kind)
                {
                    interrupted.extend(halfway(next));
                    changes.extend(of_machine(next, source, &serve));
                    last = next;
                }
                if !interrupted.is_empty() {
                    transitions.push(Transition {
                        first: step.id.clone(),
                        last: last.id.clone(),
                        moves_machines: true,
                        is_halfway: true,
                        changes: interrupted,
                    });
                }
                transitions.push(Transition {
                    first: step.id.clone(),
                    last: last.id.clone(),
                    moves_machines: true,
                    is_halfway: false,
                    changes,
                });
            }
            Action::RunRecovery {
                run: RecoveryRun::Planned | RecoveryRun::Unplanned,
                from,
                to,
                machines,
                ..
            } => {
                let stops = machines.iter().flat_map(|id| serve(id, from, false));
                let starts = machines.iter().flat_map(|id| serve(id, to, true));
                let changes = stops.chain(starts).collect();
                transitions.push(Transition {
                    first: step.id.clone(),
                    last: step.id.clone(),
                    moves_machines: true,
                    is_halfway: false,
                    changes,
                });
            }
            Action::PowerOff { former } => {
                // Beside the machine itself, what it was makes no difference to its site.
                let is_elsewhere = former.home != former.site;
                let addresses = former.addresses.iter().filter(|_| is_elsewhere);
                let stops = addresses.map(|address| Change::Serve {
                    site: former.site.clone(),
                    address: *address,
                    serving: false,
                });
                transitions.push(Transition {
                    first: step.id.clone(),
                    last: step.id.clone(),
                    moves_machines: true,
                    is_halfway: false,
                    changes: stops.collect(),
                });
            }
            action => {
                if let Some(change) = of_routing(action) {
                    transitions.push(Transition {
                        first: step.id.clone(),
                        last: step.id.clone(),
                        moves_machines: false,
                        is_halfway: false,
                        changes: vec![change],
                    });
                }
            }
        }
    }
    transitions
}

/// What a step of one machine changes first, and changes back before it is done: a NIC that is removed serves nothing until the new one is
/// there.
fn halfway(step: &Step) -> Vec<Change> {
    let Action::RestoreNics { site, nics, .. } = &step.action else {
        return Vec::new();
    };
    let interrupted = nics.interrupted().into_iter();
    let changes = interrupted.map(|address| Change::Serve {
        site: site.clone(),
        address,
        serving: false,
    });
    changes.collect()
}

/// What a step of one machine changes.
fn of_machine(
    step: &Step,
    source: &SiteName,
    serve: &impl Fn(&InstanceId, &SiteName, bool) -> Vec<Change>,
) -> Vec<Change> {
    match &step.action {
        Action::Cutover { machine, .. } => serve(machine, source, false),
        Action::RestoreNics {
            site,
            machine,
            nics,
            power: _,
        } => {
            let ends = nics.from_pools().into_iter().map(|address| Change::Serve {
                site: site.clone(),
                address,
                serving: false,
            });
            ends.chain(serve(machine, site, true)).collect()
        }
        Action::ShutDown {
            site, addresses, ..
        } => addresses
            .iter()
            .map(|address| Change::Serve {
                site: site.clone(),
                address: *address,
                serving: false,
            })
            .collect(),
        Action::StartSource {
            machine,
            start: true,
            ..
        } => serve(machine, source, true),
        _ => Vec::new(),
    }
}

/// What a step changes about where packets go, if it moves no machine.
pub(crate) fn of_routing(action: &Action) -> Option<Change> {
    match action {
        Action::Erp {
            site,
            scope,
            cidr,
            present,
        } => {
            let scope = match scope {
                ErpScope::User => stayput_fabric::ErpScope::UserVpc,
                ErpScope::Transit => stayput_fabric::ErpScope::TransitVpc,
            };
            Some(Change::Erp {
                site: site.clone(),
                scope,
                cidr: *cidr,
                present: *present,
            })
        }
        Action::TgwRoute {
            region,
            table,
            cidr,
            to,
            ..
        } => Some(Change::TgwRoute {
            region: region.clone(),
            table: table.clone(),
            cidr: *cidr,
            target: to.clone(),
        }),
        Action::EnsureSubnet {
            site,
            kind: OverlayKind::Production,
            network,
            cidr,
            ..
        } => Some(Change::Subnet {
            site: site.clone(),
            cidr: *cidr,
            name: network.to_string(),
            present: true,
        }),
        Action::Capture { .. }
        | Action::EnsureFlowVpc { .. }
        | Action::EnsureSubnet { .. }
        | Action::Replicate { .. }
        | Action::Cutover { .. }
        | Action::RestoreNics { .. }
        | Action::Categorize { .. }
        | Action::ProtectionPolicy { .. }
        | Action::RecoveryPlan { .. }
        | Action::AwaitRecoveryPoints { .. }
        | Action::RunRecovery { .. }
        | Action::PowerOff { .. }
        | Action::DeleteVm { .. }
        | Action::ShutDown { .. }
        | Action::StartSource { .. }
        | Action::CancelMovePlan { .. }
        | Action::ReleaseNics { .. }
        | Action::RemoveCopies { .. }
        | Action::Verify { .. } => None,
    }
}
