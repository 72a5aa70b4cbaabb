//! Whether a packet's path says that a machine is reached: not if it ends at a VM that the machine was, and not if an edge that on-prem may
//! prefer could not be read.

use std::collections::BTreeMap;

use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::VmExtId;
use stayput_fabric::Holder;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_plan::Survey;
use stayput_world::System;
use stayput_world::World;

/// What paths are judged with.
pub struct Reach {
    former: BTreeMap<VmExtId, InstanceId>,
    /// Edges of regions that were not observed: on-prem may know a longer or better prefix behind them.
    unread_edges: Vec<String>,
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
            unread_edges: unread_edges(survey.estate, survey.world),
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

    /// Edges that packets from a source may take, and of which nothing is known.
    pub fn unread_edges(&self, source: &Source) -> &[String] {
        match source {
            Source::OnPrem => &self.unread_edges,
            _ => &[],
        }
    }

    /// Why a path is not the answer, one line each.
    pub fn doubts(&self, source: &Source, verdict: &Verdict) -> Vec<String> {
        let mut doubts = Vec::new();
        if let Some(machine) = self.former(verdict) {
            doubts.push(format!(
                "this VM is not {machine} any more: see `stayput status`"
            ));
        }
        let edges = self.unread_edges(source);
        if !edges.is_empty() {
            doubts.push(format!(
                "unknown: whether packets from on-prem enter by edge {}, as its region could not be read",
                edges.join(" or ")
            ));
        }
        doubts
    }
}

fn unread_edges(estate: &Estate, world: &World) -> Vec<String> {
    let systems = world.unobserved.iter().map(|unobserved| &unobserved.system);
    systems
        .flat_map(|system| edges_of(estate, system))
        .map(str::to_owned)
        .collect()
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
