//! What a person does about what a command says: a table from obstacle to action, so that printed remedies are carried out.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Wrong;

/// What a person does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Remedy {
    /// Waits and runs the same command again.
    Again,
    /// Runs another command first.
    First(Goal),
    /// `stayput adopt MACHINE --vm UUID --site SITE`.
    Adopt(InstanceId, SiteName, VmExtId),
    /// `aws ec2 stop-instances`.
    StopInstance(InstanceId),
    /// Powers a VM off in Prism Central.
    PowerOff(SiteName, VmExtId),
    /// Powers the VM of a machine on there.
    PowerOn(SiteName, InstanceId),
}

/// What a person does about an obstacle. Those that only a change of the estate or of the scenario removes do not occur in a story; a story
/// that meets one is repeated and, as that does not help, stuck.
pub(crate) fn of(obstacle: &Obstacle) -> Remedy {
    match obstacle {
        Obstacle::StillRouted {
            networks,
            home,
            site,
            ..
        } => Remedy::First(Goal::Failover {
            networks: networks.clone(),
            to: home.clone(),
            mode: FailoverMode::Unplanned,
            path: EntryPath::Keep,
            lost: [site.clone()].into(),
        }),
        Obstacle::NotProtected { networks, .. } => Remedy::First(Goal::Protect {
            networks: networks.clone(),
        }),
        Obstacle::RunsTwice { at, vm, .. } => Remedy::PowerOff(at.clone(), vm.clone()),
        Obstacle::SourceRuns { machine, .. } => Remedy::StopInstance(machine.clone()),
        Obstacle::VmDeleted {
            machine,
            candidates,
            ..
        } => match one(candidates) {
            Some((site, vm)) => Remedy::Adopt(machine.clone(), site, vm),
            None => Remedy::Again,
        },
        _ => Remedy::Again,
    }
}

/// What a person does about what a verification found.
pub(crate) fn of_wrong(site: &SiteName, wrong: &Wrong) -> Remedy {
    match wrong {
        Wrong::NotRunning {
            machine,
            power: Some(_),
            ..
        } => Remedy::PowerOn(site.clone(), machine.clone()),
        Wrong::Unknown { obstacle } => of(obstacle),
        _ => Remedy::Again,
    }
}

fn one<T: Clone>(of: &BTreeSet<T>) -> Option<T> {
    let mut of = of.iter();
    let first = of.next()?;
    of.next().is_none().then(|| first.clone())
}
