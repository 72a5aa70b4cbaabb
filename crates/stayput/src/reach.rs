//! Whether a packet's path says that a machine is reached: not if it ends at a VM that the machine was.

use std::collections::BTreeMap;

use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::VmExtId;
use stayput_fabric::Holder;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_plan::Survey;
use stayput_world::System;

/// What paths are judged with.
pub struct Reach {
    former: BTreeMap<VmExtId, InstanceId>,
}

impl Reach {
    /// Of the machines of a survey.
    pub fn new(survey: &Survey<'_>) -> Self {
        let former = survey.former.iter();
        Self {
            former: former
                .flat_map(|(machine, vms)| {
                    vms.iter().map(move |(_, vm)| (vm.clone(), machine.clone()))
                })
                .collect(),
        }
    }

    /// Whether a packet that ends so reached a machine that is no longer this one.
    pub fn former(&self, verdict: &Verdict) -> Option<&InstanceId> {
        match verdict {
            Verdict::Delivered {
                holder: Holder::Vm { id, .. },
                ..
            } => self.former.get(id),
            _ => None,
        }
    }

    /// Whether a packet that ends so reached a machine where it is now.
    pub fn is_reached(&self, verdict: &Verdict) -> bool {
        verdict.is_delivered() && self.former(verdict).is_none()
    }

    /// Why a path is not the answer.
    pub fn doubt(&self, verdict: &Verdict) -> Option<String> {
        let machine = self.former(verdict)?;
        Some(
            Message::new("doubt-former-vm")
                .with("machine", machine)
                .into(),
        )
    }
}

/// The edges that depend on a system.
pub fn edges_of<'e>(estate: &'e Estate, system: &System) -> Vec<&'e str> {
    let System::Aws(region) = system else {
        return Vec::new();
    };
    let edges = estate.edges.values();
    edges
        .filter(|edge| edge.region == *region)
        .map(|edge| edge.name.as_str())
        .collect()
}
