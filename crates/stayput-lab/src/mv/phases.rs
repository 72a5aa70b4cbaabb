//! How the VMs of a plan go from phase to phase, and the calls that start, suspend, resume and cancel a plan.

use std::time::Duration;

use super::MoveEvent;
use super::actions;
use super::events;
use super::model::Phase;
use super::model::Plan;
use super::model::PlanVm;
use super::model::VmFault;
use super::plans;
use super::plans::state;
use super::prepare;
use super::status;
use super::wire::Answer;
use super::wire::Fault;
use crate::faults::Fate;
use crate::state::LabState;

/// `POST /plans/{id}/start`.
pub fn start(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    if plan.state != state::UNINITIALIZED {
        return Err(wrong_state("start", plan));
    }
    prepare::check(lab, mv, plan)?;
    let vms: Vec<String> = plan.vms.keys().cloned().collect();
    if let Some(plan) = lab.moves[mv].plans.get_mut(id) {
        plan.state = state::PREPARATION;
    }
    let delay = lab.timing.move_prepare;
    for vm in vms {
        enter(lab, mv, id, &vm, Phase::Preparing, Some(delay));
    }
    events::record(lab, mv, id, None, "Migration plan started", None);
    Ok(Answer::accepted())
}

/// `POST /plans/{id}/suspend`: preparing and copying pause; a cutover in progress continues.
pub fn suspend(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let now = lab.now();
    let plan = plans::find(lab, mv, id)?;
    if !matches!(plan.state, state::PREPARATION | state::IN_PROGRESS) {
        return Err(wrong_state("suspend", plan));
    }
    if let Some(plan) = lab.moves[mv].plans.get_mut(id) {
        plan.state = state::PAUSED;
        plan.paused_at = Some(now);
        for vm in plan.vms.values_mut().filter(|vm| held(vm)) {
            vm.generation += 1;
        }
    }
    events::record(lab, mv, id, None, "Migration plan suspended", None);
    Ok(Answer::ok(serde_json::json!({})))
}

/// `POST /plans/{id}/resume`: all times are moved by the length of the pause.
pub fn resume(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let now = lab.now();
    let plan = plans::find(lab, mv, id)?;
    let Some(paused_at) = plan.paused_at else {
        return Err(wrong_state("resume", plan));
    };
    let pause = now.since(paused_at);
    let mut queue = Vec::new();
    if let Some(plan) = lab.moves[mv].plans.get_mut(id) {
        plan.paused_at = None;
        for (key, vm) in plan.vms.iter_mut().filter(|(_, vm)| held(vm)) {
            vm.seeding_from = vm.seeding_from.map(|at| at.after(pause));
            vm.seeding_until = vm.seeding_until.map(|at| at.after(pause));
            vm.due = vm.due.map(|at| at.after(pause));
            if let Some(due) = vm.due {
                queue.push((key.clone(), vm.generation, due.since(now)));
            }
        }
        plan.state = state::PREPARATION;
    }
    for (vm, generation, delay) in queue {
        lab.after(
            delay,
            crate::state::LabEvent::Move(mv, MoveEvent::Phase(id.to_owned(), vm, generation)),
        );
    }
    settle_plan(lab, mv, id);
    events::record(lab, mv, id, None, "Migration plan resumed", None);
    Ok(Answer::ok(serde_json::json!({})))
}

/// Whether a suspended plan pauses the VM.
fn held(vm: &PlanVm) -> bool {
    matches!(vm.phase, Phase::Preparing | Phase::Seeding)
}

/// `POST /plans/{id}/cancel`: sources are not changed, copies are deleted. Refused while a VM is being cut over.
pub fn cancel(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    if plan.ended() || plan.state == state::UNINITIALIZED {
        return Err(wrong_state("cancel", plan));
    }
    if let Some(vm) = plan
        .vms
        .values()
        .find(|vm| matches!(vm.phase, Phase::CutoverInProgress | Phase::LastSync))
    {
        return Err(Fault::conflict(format!(
            "cancel not allowed while VM {} is being cut over",
            vm.name
        )));
    }
    let open: Vec<String> = plan
        .vms
        .iter()
        .filter(|(_, vm)| !terminal(vm.phase))
        .map(|(key, _)| key.clone())
        .collect();
    for vm in open {
        actions::drop_test_vm(lab, mv, id, &vm);
        enter(lab, mv, id, &vm, Phase::Aborted, None);
    }
    if let Some(plan) = lab.moves[mv].plans.get_mut(id) {
        plan.state = state::ABORTED;
        plan.paused_at = None;
    }
    events::record(lab, mv, id, None, "Migration plan cancelled", None);
    Ok(Answer::ok(serde_json::json!({})))
}

fn wrong_state(verb: &str, plan: &Plan) -> Fault {
    Fault::conflict(format!(
        "{verb} not allowed in current state {}",
        status::state_name(plan.state)
    ))
}

/// Whether a VM has reached its last phase.
pub fn terminal(phase: Phase) -> bool {
    match phase {
        Phase::Completed | Phase::Failed | Phase::Aborted => true,
        Phase::NotStarted
        | Phase::Preparing
        | Phase::Seeding
        | Phase::Ready
        | Phase::TestInProgress
        | Phase::TestReady
        | Phase::CutoverInProgress
        | Phase::LastSync => false,
    }
}

/// Puts a VM into a phase that ends after `delay` of virtual time, if it ends without a request.
pub fn enter(
    lab: &mut LabState,
    mv: usize,
    plan: &str,
    vm: &str,
    phase: Phase,
    delay: Option<Duration>,
) {
    let (now, fate) = (lab.now(), lab.fate);
    let Some(found) = vm_mut(lab, mv, plan, vm) else {
        return;
    };
    found.fate = fate;
    found.phase = phase;
    found.generation += 1;
    found.due = delay.map(|delay| now.after(delay));
    let generation = found.generation;
    if let Some(delay) = delay {
        lab.after(
            delay,
            crate::state::LabEvent::Move(
                mv,
                MoveEvent::Phase(plan.to_owned(), vm.to_owned(), generation),
            ),
        );
    }
}

/// Returns a VM of a plan.
pub fn vm_mut<'a>(
    lab: &'a mut LabState,
    mv: usize,
    plan: &str,
    vm: &str,
) -> Option<&'a mut PlanVm> {
    lab.moves.get_mut(mv)?.plans.get_mut(plan)?.vms.get_mut(vm)
}

/// Marks a VM as failed.
pub fn fail(lab: &mut LabState, mv: usize, plan: &str, vm: &str, error: &str) {
    enter(lab, mv, plan, vm, Phase::Failed, None);
    if let Some(found) = vm_mut(lab, mv, plan, vm) {
        found.error = Some(error.to_owned());
    }
    events::record(lab, mv, plan, Some(vm), "Migration failed", Some(error));
    settle_plan(lab, mv, plan);
}

/// Returns how long copying takes, to the millisecond.
fn copy_time(bytes: u64, rate: u64) -> Duration {
    let millis = u128::from(bytes) * 1000 / u128::from(rate);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// A phase has ended.
pub fn next(lab: &mut LabState, mv: usize, plan: &str, vm: &str, generation: u64) {
    let now = lab.now();
    let rate = lab.timing.move_bytes_per_second.max(1);
    let Some(found) = vm_mut(lab, mv, plan, vm).filter(|vm| vm.generation == generation) else {
        return;
    };
    if found.fate == Some(Fate::Fails) {
        let why = "internal error: the operation could not be completed";
        return fail(lab, mv, plan, vm, why);
    }
    let instance = found.instance.clone();
    let copy = copy_time(found.bytes, rate);
    let fault = lab.moves[mv].faults.get(&instance).copied();
    match vm_mut(lab, mv, plan, vm).map(|vm| vm.phase) {
        Some(Phase::Preparing) => {
            let fails = fault == Some(VmFault::SeedingFails);
            let delay = if fails { copy / 2 } else { copy };
            if let Some(found) = vm_mut(lab, mv, plan, vm) {
                found.seeding_from = Some(now);
                found.seeding_until = Some(now.after(copy));
            }
            enter(lab, mv, plan, vm, Phase::Seeding, Some(delay));
            events::record(lab, mv, plan, Some(vm), "Data seeding started", None);
        }
        Some(Phase::Seeding) if fault == Some(VmFault::SeedingFails) => {
            if let Some(found) = vm_mut(lab, mv, plan, vm) {
                found.seeding_from = None;
                found.seeding_until = None;
            }
            fail(
                lab,
                mv,
                plan,
                vm,
                "data seeding failed: reading snapshot blocks was refused",
            );
        }
        Some(Phase::Seeding) => {
            enter(lab, mv, plan, vm, Phase::Ready, None);
            events::record(lab, mv, plan, Some(vm), "Data seeding finished", None);
        }
        Some(Phase::TestInProgress) => actions::test_finished(lab, mv, plan, vm),
        Some(Phase::CutoverInProgress) => actions::source_stopped(lab, mv, plan, vm),
        Some(Phase::LastSync) => actions::last_sync_finished(lab, mv, plan, vm),
        Some(
            Phase::NotStarted
            | Phase::Ready
            | Phase::TestReady
            | Phase::Completed
            | Phase::Failed
            | Phase::Aborted,
        )
        | None => {}
    }
    settle_plan(lab, mv, plan);
}

/// Updates the state of a plan from its VMs.
pub fn settle_plan(lab: &mut LabState, mv: usize, id: &str) {
    let Some(plan) = lab.moves[mv].plans.get_mut(id) else {
        return;
    };
    if plan.state == state::PAUSED || plan.state == state::UNINITIALIZED {
        return;
    }
    let phases: Vec<Phase> = plan.vms.values().map(|vm| vm.phase).collect();
    plan.state = if phases.iter().all(|phase| terminal(*phase)) {
        if phases.contains(&Phase::Failed) {
            state::FAILED
        } else if phases.contains(&Phase::Completed) {
            state::COMPLETED
        } else {
            state::ABORTED
        }
    } else if phases
        .iter()
        .all(|phase| *phase == Phase::Preparing || terminal(*phase))
    {
        state::PREPARATION
    } else {
        state::IN_PROGRESS
    };
}
