//! What is left of a machine, everywhere it is or was, and whether any of it runs.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::aws::InstanceState;

use super::Power;
use super::Survey;
use super::VmSight;
use super::power_of;
use super::sight::InstanceSight;

/// An instance or VM that is or was a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Remains {
    /// Its EC2 instance.
    Instance {
        /// Region.
        region: Region,
        /// Whether it runs.
        state: RemainsState,
    },
    /// A VM that it is or was.
    Vm {
        /// Where.
        site: SiteName,
        /// Which.
        vm: VmExtId,
        /// Whether it runs.
        state: RemainsState,
    },
}

/// Whether what is left of a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemainsState {
    /// It runs.
    On,
    /// It was not observed, is not listed, or is in a state that says neither.
    Unknown,
    /// It is off.
    Off,
    /// It does not exist any more.
    Gone,
}

impl RemainsState {
    /// What it is, after the name of what it is of.
    fn message(self) -> Message {
        match self {
            Self::On => Message::new("remains-run"),
            Self::Unknown => Message::new("remains-unknown"),
            Self::Off => Message::new("remains-off"),
            Self::Gone => Message::new("remains-gone"),
        }
    }
}

impl Remains {
    /// Whether it runs.
    pub fn state(&self) -> RemainsState {
        match self {
            Self::Instance { state, .. } | Self::Vm { state, .. } => *state,
        }
    }
}

impl Remains {
    /// What is left and whether it runs, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Instance { region, state } => Message::new("remains-instance")
                .with("region", region)
                .part("is", state.message()),
            Self::Vm { site, vm, state } => Message::new("remains-vm")
                .with("vm", vm)
                .with("site", site)
                .part("is", state.message()),
        }
    }
}

impl fmt::Display for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl From<Power> for RemainsState {
    fn from(power: Power) -> Self {
        match power {
            Power::On => Self::On,
            Power::Off => Self::Off,
            Power::Unknown => Self::Unknown,
        }
    }
}

impl Survey<'_> {
    /// What is left of a machine: its instance, and every VM that some system says it is or was.
    pub fn remains(&self, id: &InstanceId, facts: &Facts) -> BTreeSet<Remains> {
        let state = match self.instance_sight(id) {
            InstanceSight::Seen(instance) => match &instance.state {
                InstanceState::Pending | InstanceState::Running | InstanceState::Stopping => {
                    RemainsState::On
                }
                InstanceState::Stopped => RemainsState::Off,
                InstanceState::ShuttingDown | InstanceState::Terminated => RemainsState::Gone,
                InstanceState::Unknown(_) => RemainsState::Unknown,
            },
            InstanceSight::Gone => RemainsState::Gone,
            InstanceSight::NotListed | InstanceSight::NotObserved => RemainsState::Unknown,
        };
        let instance = Remains::Instance {
            region: self.estate.source.region.clone(),
            state,
        };
        let vms = self.ever_was(id, facts).into_iter().map(|(site, vm)| {
            let state = match self.vm_sight(&site, &vm) {
                VmSight::Seen(seen) => power_of(&seen.power).into(),
                VmSight::Gone => RemainsState::Gone,
                VmSight::NotListed | VmSight::NotObserved => RemainsState::Unknown,
            };
            Remains::Vm { site, vm, state }
        });
        vms.chain([instance]).collect()
    }
}
