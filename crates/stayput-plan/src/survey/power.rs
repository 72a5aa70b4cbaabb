//! Which machines run: what is seen, what is expected, and what two answer for.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_world::aws::InstanceState;
use stayput_world::prism::PowerState;

use super::Place;
use super::Survey;
use super::VmSight;
use super::sight::InstanceSight;
use crate::Obstacle;

/// Whether a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It runs.
    On,
    /// It does not.
    Off,
    /// It was not observed, or is in a state that says neither.
    Unknown,
}

/// Machines that ran when they were captured, by what they are now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedRunning {
    /// They run.
    pub running: BTreeSet<InstanceId>,
    /// They are off, although they ran.
    pub off: BTreeSet<InstanceId>,
    /// It is not known whether they run: not observed, in a state that says neither, or it is unknown which VM they are.
    pub unknown: BTreeSet<InstanceId>,
}

impl ExpectedRunning {
    /// How many there are.
    pub fn expected(&self) -> usize {
        self.running.len() + self.off.len() + self.unknown.len()
    }
}

impl Survey<'_> {
    /// Whether a machine runs where it is.
    pub fn power(&self, id: &InstanceId) -> Power {
        match self.places.get(id) {
            Some(Place::At(site, vm)) => match self.vm_sight(site, vm) {
                VmSight::Seen(vm) => power_of(&vm.power),
                VmSight::Gone | VmSight::NotListed | VmSight::NotObserved => Power::Unknown,
            },
            Some(Place::Ec2) => self.power_in_ec2(id),
            None => Power::Unknown,
        }
    }

    /// Whether a machine's EC2 instance runs, whatever the machine is now.
    pub(crate) fn power_in_ec2(&self, id: &InstanceId) -> Power {
        match self.instance_sight(id) {
            InstanceSight::Seen(instance) => match instance.state {
                InstanceState::Pending | InstanceState::Running => Power::On,
                InstanceState::Stopped | InstanceState::Terminated => Power::Off,
                InstanceState::Stopping
                | InstanceState::ShuttingDown
                | InstanceState::Unknown(_) => Power::Unknown,
            },
            InstanceSight::Gone | InstanceSight::NotListed | InstanceSight::NotObserved => {
                Power::Unknown
            }
        }
    }

    /// Whether the machine's addresses are answered for somewhere now, or will be when it has moved. Of a machine that moves, or that
    /// cannot be seen, what it did when captured counts.
    pub fn runs(&self, id: &InstanceId) -> bool {
        let ran = || {
            self.machines
                .get(id)
                .is_some_and(|machine| machine.was_running)
        };
        match self.places.get(id) {
            // A rollback starts what ran when it was captured.
            _ if self.returning.contains(id) => ran(),
            Some(Place::At(site, _)) if self.left.contains(site) => ran(),
            Some(Place::At(..)) => match self.power(id) {
                Power::On => true,
                Power::Off => self.is_to_be_on(id),
                Power::Unknown => ran(),
            },
            Some(Place::Ec2) | None => ran(),
        }
    }

    /// Whether a machine is off at its site and the goal powers it on, because it ran when it was captured.
    pub(crate) fn is_to_be_on(&self, id: &InstanceId) -> bool {
        let ran = |id: &InstanceId| self.machines.get(id).is_some_and(|of| of.was_running);
        let is_at_site = matches!(self.places.get(id), Some(Place::At(..)));
        self.powers_on
            && is_at_site
            && self.moving.contains(id)
            && ran(id)
            && self.power(id) == Power::Off
    }

    /// The goal's machines that ran when they were captured: what ran before a move or failover must run after it. A machine that was
    /// captured stopped may be off, and is not among them.
    pub fn expected_running(&self) -> ExpectedRunning {
        let mut expected = ExpectedRunning::default();
        let ran = self
            .machines
            .iter()
            .filter(|(id, machine)| machine.was_running && self.moving.contains(*id));
        for (id, _) in ran {
            let found = match self.power(id) {
                Power::On => &mut expected.running,
                Power::Off => &mut expected.off,
                Power::Unknown => &mut expected.unknown,
            };
            found.insert(id.clone());
        }
        let unplaced = self
            .unplaced
            .iter()
            .filter(|(_, machine)| machine.was_running);
        expected.unknown.extend(unplaced.map(|(id, _)| id.clone()));
        expected
    }

    /// What says that a machine's addresses are answered for twice (promise 2 of README.md): another VM that was the machine is not off, or
    /// its EC2 instance runs again.
    pub fn served_twice(&self) -> impl Iterator<Item = &Obstacle> {
        self.obstacles.iter().filter(|obstacle| match obstacle {
            Obstacle::RunsTwice { .. } | Obstacle::FormerVmRuns { .. } => true,
            Obstacle::SourceRuns { vm_is_off, .. } => !vm_is_off,
            _ => false,
        })
    }

    /// Notes machines that are VMs and whose EC2 instances run all the same. No step starts them, but people can.
    pub(super) fn sources_that_run(&mut self) {
        let again = self.places.iter().filter_map(|(id, place)| {
            let Place::At(site, _) = place else {
                return None;
            };
            let state = self.runs_in_ec2_again(id)?;
            Some(Obstacle::SourceRuns {
                machine: id.clone(),
                label: self.label(id),
                site: site.clone(),
                region: self.estate.source.region.clone(),
                state,
                vm_is_off: self.power(id) == Power::Off,
            })
        });
        let mut found = again.collect();
        self.obstacles.append(&mut found);
    }
}

/// What a VM's power state says.
pub(crate) fn power_of(state: &PowerState) -> Power {
    match state {
        PowerState::On => Power::On,
        PowerState::Off => Power::Off,
        PowerState::Other(_) => Power::Unknown,
    }
}
