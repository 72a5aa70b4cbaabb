//! The VMs of a job: powered off and synchronised at the source, recovered at the target stage by stage.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::add_step;
use super::end;
use super::job_and_plan;
use super::new_step;
use super::proceed_after;
use crate::prism::ipam;
use crate::prism::members;
use crate::prism::members::Member;
use crate::prism::members::StageMembers;
use crate::prism::model::Action;
use crate::prism::model::Job;
use crate::prism::model::JobStage;
use crate::prism::model::JobStatus;
use crate::prism::model::NextAction;
use crate::prism::model::Nic;
use crate::prism::model::Phase;
use crate::prism::model::Plan;
use crate::prism::pairing;
use crate::prism::placement::Direction;
use crate::prism::placement::Occupancy;
use crate::prism::protection;
use crate::state::LabState;

/// Powers off the sources, the last stage first, each after a final recovery point that still has its power state.
pub(super) fn power_off_and_synchronise(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    job: &Job,
    stages: &[StageMembers],
) {
    let Some(source) = pairing::peer(lab, pc, &job.source) else {
        return;
    };
    let mut entities = Vec::new();
    for member in stages.iter().rev().flat_map(|stage| &stage.members) {
        if entities.iter().any(|(known, _)| *known == member.id) {
            continue;
        }
        protection::synchronise(lab, source, pc, &member.id);
        if let Some(vm) = lab.pcs[source].vms.get_mut(&member.id) {
            vm.on = false;
            vm.version += 1;
        }
        entities.push((member.id.clone(), member.vm.name.clone()));
    }
    let mut step = new_step(lab, Phase::PreProcessing, "SYNC_RECOVERY_POINTS");
    step.description = format!("Powering off and synchronizing {} entities", entities.len());
    step.entities = entities;
    step.end(lab.now());
    add_step(lab, pc, id, step);
}

/// Starts a stage, or the completion when there is no further stage.
pub(super) fn enter_stage(lab: &mut LabState, pc: usize, id: &str, index: usize) {
    let Some(job) = lab.pcs[pc].jobs.get_mut(id) else {
        return;
    };
    let waited = index
        .checked_sub(1)
        .and_then(|before| job.stages.get(before))
        .map_or(0, |stage| stage.delay_secs);
    let delay = match job.stages.get_mut(index) {
        Some(stage) => {
            stage.status = JobStatus::Running;
            let stage_id = stage.id.clone();
            job.next = NextAction::Recover(index);
            let mut step = new_step(lab, Phase::EntityRecovery, "STAGE_RECOVERY");
            step.description = format!("Recovering stage {}", index + 1);
            step.stage = Some(stage_id);
            add_step(lab, pc, id, step);
            lab.timing.recovery_stage
        }
        None => {
            job.next = NextAction::Finish;
            lab.timing.prism_task
        }
    };
    proceed_after(lab, pc, id, delay + Duration::from_secs(waited));
}

/// A stage is done: its VMs are created at the target.
pub(super) fn recover(lab: &mut LabState, pc: usize, id: &str, index: usize) {
    let Some((job, plan)) = job_and_plan(lab, pc, id) else {
        end(
            lab,
            pc,
            id,
            JobStatus::Failed,
            Some("The recovery plan was deleted"),
        );
        return;
    };
    let source = pairing::peer(lab, pc, &job.source);
    let reachable = source.is_some_and(|source| pairing::connected(lab, pc, source));
    if job.action == Action::Planned && !reachable {
        // The sources are powered off and synchronised; they remain so.
        let why = Some("The connection to the source location was lost");
        end(lab, pc, id, JobStatus::Failed, why);
        return;
    }
    let stages = remaining(lab, pc, &job, &plan, index);
    let direction = Direction {
        plan: &plan,
        source,
        target: pc,
        forward: plan.primary == job.source,
        test: job.action == Action::Test,
    };
    if !direction.test {
        for name in members::replaced_originals(lab, pc, std::slice::from_ref(&stages)) {
            lab.pcs[pc].vms.remove(&name);
            lab.pcs[pc].stale.remove(&name);
        }
    }
    let mut occupancy = Occupancy::of(&lab.pcs[pc], &BTreeSet::new());
    for member in &stages.members {
        recover_one(
            lab,
            id,
            &job,
            &direction,
            &mut occupancy,
            &stages.id,
            member,
        );
    }
    let now = lab.now();
    if let Some(job) = lab.pcs[pc].jobs.get_mut(id) {
        if let Some(stage) = job.stages.get_mut(index) {
            stage.status = JobStatus::Succeeded;
        }
        for step in &mut job.steps {
            if step.operation == "STAGE_RECOVERY" && step.status == JobStatus::Running {
                step.end(now);
            }
        }
    }
    enter_stage(lab, pc, id, index + 1);
}

/// Returns the members of a stage as the validation found them, without VMs deleted since.
fn remaining(lab: &LabState, pc: usize, job: &Job, plan: &Plan, index: usize) -> StageMembers {
    let empty = JobStage {
        id: String::new(),
        delay_secs: 0,
        vms: Vec::new(),
        status: JobStatus::Queued,
    };
    let stage = job.stages.get(index).unwrap_or(&empty);
    let mut known: BTreeMap<String, Member> = members::stages(lab, pc, plan, job)
        .into_iter()
        .flat_map(|stage| stage.members)
        .map(|member| (member.id.clone(), member))
        .collect();
    StageMembers {
        id: stage.id.clone(),
        delay_secs: stage.delay_secs,
        members: stage.vms.iter().filter_map(|id| known.remove(id)).collect(),
    }
}

fn recover_one(
    lab: &mut LabState,
    job_id: &str,
    job: &Job,
    direction: &Direction<'_>,
    occupancy: &mut Occupancy,
    stage: &str,
    member: &Member,
) {
    let pc = direction.target;
    let Some(mut vm) =
        members::newest_point(lab, pc, &member.id, job).map(|point| point.snapshot.clone())
    else {
        return;
    };
    let sources = std::mem::take(&mut vm.nics);
    for nic in sources {
        let Ok(place) = direction.place(lab, occupancy, &member.names, &nic) else {
            continue;
        };
        // A planned failover keeps the MACs; all others create new ones (inferred).
        let keeps_mac = job.action == Action::Planned && !occupancy.has_mac(&place.subnet, nic.mac);
        let mac = if keeps_mac {
            nic.mac
        } else {
            ipam::fresh_mac(lab, pc, &place.subnet)
        };
        let nic = Nic {
            id: lab.uuid(),
            mac,
            subnet: place.subnet,
            address: place.address,
            secondary: place.secondary,
            connected: nic.connected,
            version: 1,
        };
        occupancy.add(&nic);
        vm.nics.push(nic);
    }
    vm.on = direction.powers_on(&member.names, &vm);
    vm.created = lab.now();
    vm.version = 1;
    vm.test_of = direction.test.then(|| job.plan.clone());
    let id = lab.uuid();
    let on = vm.on;
    let name = vm.name.clone();
    lab.pcs[pc].vms.insert(id.clone(), vm);
    if !direction.test {
        leave_source(lab, job, direction.source, &member.id);
        let origin = (job.source.clone(), member.id.clone());
        lab.pcs[pc].origins.insert(id.clone(), origin);
        // From here on replication goes in the other direction.
        protection::protect(lab, pc, &id);
    }
    record(
        lab,
        job_id,
        job,
        direction.target,
        stage,
        (&member.id, &id, &name),
        on,
    );
}

/// A planned failover removes the entity from the source; an unplanned one does not change it there.
fn leave_source(lab: &mut LabState, job: &Job, source: Option<usize>, vm: &str) {
    let Some(source) = source else {
        return;
    };
    let there = &mut lab.pcs[source];
    match job.action {
        Action::Planned => {
            there.vms.remove(vm);
        }
        Action::Unplanned => {
            if there.vms.contains_key(vm) {
                there.stale.insert(vm.to_owned());
            }
        }
        Action::Validate | Action::Test => {}
    }
}

fn record(
    lab: &mut LabState,
    job_id: &str,
    job: &Job,
    pc: usize,
    stage: &str,
    (source, recovered, name): (&str, &str, &str),
    on: bool,
) {
    let (operation, verb) = match job.action {
        Action::Planned => ("ENTITY_MIGRATION", "Migrating"),
        Action::Unplanned | Action::Test | Action::Validate => ("ENTITY_RESTORATION", "Restoring"),
    };
    let result = (source.to_owned(), recovered.to_owned(), name.to_owned());
    let now = lab.now();
    let mut step = new_step(lab, Phase::EntityRecovery, operation);
    step.description = format!("{verb} VM {name}");
    step.stage = Some(stage.to_owned());
    step.entities = vec![(source.to_owned(), name.to_owned())];
    step.results = vec![result.clone()];
    step.end(now);
    add_step(lab, pc, job_id, step);
    if on {
        let mut step = new_step(lab, Phase::EntityRecovery, "VM_POWER_ON");
        step.description = format!("Powering on VM {name}");
        step.stage = Some(stage.to_owned());
        step.entities = vec![(recovered.to_owned(), name.to_owned())];
        step.end(now);
        add_step(lab, pc, job_id, step);
    }
    if let Some(job) = lab.pcs[pc].jobs.get_mut(job_id) {
        job.recovered.push(result);
    }
}
