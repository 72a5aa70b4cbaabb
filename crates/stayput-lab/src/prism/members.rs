//! The VMs of each stage of a recovery plan job, and what each is recovered from.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::clock::VTime;
use crate::prism::body;
use crate::prism::categories;
use crate::prism::model::Action;
use crate::prism::model::Job;
use crate::prism::model::Plan;
use crate::prism::model::RecoveryPoint;
use crate::prism::model::Vm;
use crate::prism::pairing;
use crate::state::LabState;

/// A VM that a job recovers.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its id at the source.
    pub id: String,
    /// Its ids so far, this one first: entities and settings of the plan may use any of them.
    pub names: Vec<String>,
    /// The VM as it is or, from a recovery point, as it was, with categories as ids of the target.
    pub vm: Vm,
    /// Whether it exists at the source and the source can be reached.
    pub live: bool,
    /// Whether the target has a recovery point of it that the job may use.
    pub has_point: bool,
}

/// One stage with its members.
#[derive(Debug, Clone)]
pub struct StageMembers {
    /// Stage of the plan.
    pub id: String,
    /// Seconds to wait after it.
    pub delay_secs: u64,
    /// Members in order of their names.
    pub members: Vec<Member>,
}

/// Returns the plan's stages by priority, each with the VMs that this job recovers.
pub fn stages(lab: &LabState, target: usize, plan: &Plan, job: &Job) -> Vec<StageMembers> {
    let candidates = candidates(lab, target, job);
    let mut stages: Vec<(u64, StageMembers)> = plan
        .stages
        .iter()
        .filter_map(|(id, stage)| Some((id, stage.as_object()?)))
        .map(|(id, stage)| {
            let categories = body::texts(stage, "categoryExtIds");
            let entities = body::references(stage, "entities");
            let mut members: Vec<Member> = candidates
                .values()
                .filter(|member| {
                    categories
                        .iter()
                        .any(|category| member.vm.categories.contains(category))
                        || member.names.iter().any(|name| entities.contains(name))
                })
                .cloned()
                .collect();
            members.sort_by(|a, b| (&a.vm.name, &a.id).cmp(&(&b.vm.name, &b.id)));
            let delay_secs = body::list(stage, "postActions")
                .iter()
                .filter_map(|action| action.get("config")?.get("delaySecs")?.as_u64())
                .sum();
            let members = StageMembers {
                id: id.clone(),
                delay_secs,
                members,
            };
            (body::number(stage, "priority").unwrap_or(1), members)
        })
        .collect();
    stages.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    stages.into_iter().map(|(_, stage)| stage).collect()
}

/// Returns every VM of the source that the job could recover, by id: those that exist there, and for jobs that start from
/// recovery points also those of which the target has a point.
fn candidates(lab: &LabState, target: usize, job: &Job) -> BTreeMap<String, Member> {
    let source = pairing::peer(lab, target, &job.source);
    let mut candidates = BTreeMap::new();
    if let Some(source) = source.filter(|source| pairing::connected(lab, target, *source)) {
        let translation = categories::translation(lab, source, target);
        let there = &lab.pcs[source];
        for (id, vm) in &there.vms {
            if vm.test_of.is_some() || there.stale.contains(id) {
                continue;
            }
            let mut vm = vm.clone();
            vm.categories = vm
                .categories
                .iter()
                .filter_map(|category| translation.get(category).cloned())
                .collect();
            let member = Member {
                id: id.clone(),
                names: names(lab, Some(source), id),
                vm,
                live: true,
                has_point: newest_point(lab, target, id, job).is_some(),
            };
            candidates.insert(id.clone(), member);
        }
    }
    match job.action {
        Action::Validate | Action::Planned => {}
        Action::Unplanned | Action::Test => {
            let here = &lab.pcs[target];
            // A VM that was already recovered here is not recovered again from its old points.
            let arrived: BTreeSet<&String> = here
                .origins
                .values()
                .filter(|(manager, _)| *manager == job.source)
                .map(|(_, vm)| vm)
                .collect();
            for id in here.points_of.keys() {
                if arrived.contains(id) {
                    continue;
                }
                if let Some(point) = newest_point(lab, target, id, job) {
                    let live = candidates.contains_key(id);
                    let member = Member {
                        id: id.clone(),
                        names: names(lab, source, id),
                        vm: point.snapshot.clone(),
                        live,
                        has_point: true,
                    };
                    candidates.insert(id.clone(), member);
                }
            }
        }
    }
    candidates
}

/// Returns the newest recovery point of a VM at the target that the job may use.
pub fn newest_point<'a>(
    lab: &'a LabState,
    target: usize,
    vm: &str,
    job: &Job,
) -> Option<&'a RecoveryPoint> {
    let here = &lab.pcs[target];
    let until = job.reference_time.unwrap_or(VTime(u64::MAX));
    here.points_of
        .get(vm)?
        .iter()
        .filter_map(|id| here.recovery_points.get(id))
        .filter(|point| point.source == job.source && point.created <= until)
        .max_by_key(|point| point.created)
}

/// Returns the ids that a VM has had, this one first.
fn names(lab: &LabState, pc: Option<usize>, id: &str) -> Vec<String> {
    let mut names = vec![id.to_owned()];
    let mut at = pc;
    let mut current = id.to_owned();
    while let Some(pc) = at {
        let Some((manager, before)) = lab.pcs[pc].origins.get(&current) else {
            break;
        };
        if names.contains(before) {
            break;
        }
        names.push(before.clone());
        at = lab
            .pcs
            .iter()
            .position(|other| other.domain_manager == *manager);
        current.clone_from(before);
    }
    names
}

/// Returns the VMs at the target that a returning entity replaces: originals that an unplanned failover left behind and that are
/// powered off.
///
/// Assumption: a failback replaces an original that is powered off. An original that is powered on keeps its addresses, and the
/// returning VM cannot have them.
pub fn replaced_originals(
    lab: &LabState,
    target: usize,
    stages: &[StageMembers],
) -> BTreeSet<String> {
    let here = &lab.pcs[target];
    stages
        .iter()
        .flat_map(|stage| &stage.members)
        .flat_map(|member| &member.names)
        .filter(|name| here.stale.contains(*name) && here.vms.get(*name).is_some_and(|vm| !vm.on))
        .cloned()
        .collect()
}
