//! Actions on one VM of a plan: cutover, test, abort, retry.

use serde_json::Value as Json;

use super::events;
use super::inventory;
use super::model::Phase;
use super::model::Plan;
use super::model::PlanVm;
use super::model::VmFault;
use super::phases::enter;
use super::phases::fail;
use super::phases::settle_plan;
use super::phases::vm_mut;
use super::plans;
use super::plans::state;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::aws;
use crate::aws::model::InstanceState;
use crate::prism;
use crate::prism::MigratedVm;
use crate::state::LabState;

/// Returns the actions that are allowed for a VM now, in upper case.
pub fn advertised(plan: &Plan, vm: &PlanVm, fault: Option<VmFault>) -> Vec<&'static str> {
    if plan.state == state::PAUSED {
        return Vec::new();
    }
    match vm.phase {
        Phase::Preparing | Phase::Seeding => vec!["ABORT"],
        Phase::Ready if fault == Some(VmFault::NeverReady) => vec!["ABORT"],
        Phase::Ready if plans::test_mappings(plan).is_empty() => vec!["CUTOVER", "SYNC", "ABORT"],
        Phase::Ready => vec!["CUTOVER", "TEST", "SYNC", "ABORT"],
        Phase::TestReady => vec!["UNDOTEST", "RETEST"],
        Phase::Failed => vec!["RETRY", "DISCARD"],
        Phase::NotStarted
        | Phase::TestInProgress
        | Phase::CutoverInProgress
        | Phase::LastSync
        | Phase::Completed
        | Phase::Aborted => Vec::new(),
    }
}

/// `POST /plans/{p}/workloads/{w}/action`.
pub fn act(
    lab: &mut LabState,
    mv: usize,
    plan: &str,
    vm: &str,
    body: &Json,
) -> Result<Answer, Fault> {
    let action = wire::need(body, &["Spec", "Action"])?.to_ascii_uppercase();
    let found = plans::find(lab, mv, plan)?;
    let found_vm = found
        .vms
        .get(vm)
        .ok_or_else(|| Fault::not_found(format!("VM {vm} is not in the plan")))?;
    let fault = lab.moves[mv].faults.get(&found_vm.instance).copied();
    let allowed = advertised(found, found_vm, fault);
    if !allowed.contains(&action.as_str()) {
        return Err(Fault::conflict(format!(
            "action {} is not allowed for VM {} now; allowed: {}",
            action.to_ascii_lowercase(),
            found_vm.name,
            if allowed.is_empty() {
                "none".to_owned()
            } else {
                allowed.join(", ")
            }
        )));
    }
    match action.as_str() {
        "CUTOVER" => cutover(lab, mv, plan, vm)?,
        "TEST" | "RETEST" => {
            drop_test_vm(lab, mv, plan, vm);
            let delay = lab.timing.move_cutover;
            enter(lab, mv, plan, vm, Phase::TestInProgress, Some(delay));
        }
        "UNDOTEST" => {
            drop_test_vm(lab, mv, plan, vm);
            enter(lab, mv, plan, vm, Phase::Ready, None);
        }
        "RETRY" => {
            if let Some(other) = plans::active_with(lab, mv, vm, Some(plan)) {
                return Err(Fault::conflict(format!(
                    "the VM is now in the migration plan {}",
                    other.name
                )));
            }
            retry(lab, mv, plan, vm);
        }
        "ABORT" | "DISCARD" => {
            enter(lab, mv, plan, vm, Phase::Aborted, None);
            events::record(lab, mv, plan, Some(vm), "Migration aborted", None);
        }
        // A sync copies nothing more than the regular one.
        _ => {}
    }
    settle_plan(lab, mv, plan);
    Ok(Answer::accepted())
}

/// Starts the cutover: the source is stopped, never terminated.
fn cutover(lab: &mut LabState, mv: usize, plan: &str, vm: &str) -> Result<(), Fault> {
    let found = plans::find(lab, mv, plan)?;
    let region = found.region.clone();
    let Some(instance) = found.vms.get(vm).map(|vm| vm.instance.clone()) else {
        return Ok(());
    };
    let before = aws::stop_instance(lab, &region, &instance)
        .map_err(|error| Fault::conflict(format!("the source cannot be stopped: {error}")))?;
    if let Some(found) = vm_mut(lab, mv, plan, vm) {
        found.was_running = before == InstanceState::Running;
        found.error = None;
        found.synced = None;
    }
    let delay = lab.timing.instance;
    enter(lab, mv, plan, vm, Phase::CutoverInProgress, Some(delay));
    events::record(lab, mv, plan, Some(vm), "Cutover started", None);
    Ok(())
}

/// The time that the source needs to stop is over.
pub fn source_stopped(lab: &mut LabState, mv: usize, plan: &str, vm: &str) {
    let delay = lab.timing.move_cutover;
    match source_state(lab, mv, plan, vm) {
        Some(InstanceState::Stopped) => {
            let now = lab.now();
            enter(lab, mv, plan, vm, Phase::LastSync, Some(delay));
            if let Some(found) = vm_mut(lab, mv, plan, vm) {
                found.synced = Some(now);
            }
        }
        // The source was asked to stop before the cutover, and has not stopped yet.
        Some(InstanceState::Stopping) => {
            let delay = lab.timing.instance;
            enter(lab, mv, plan, vm, Phase::CutoverInProgress, Some(delay));
        }
        Some(InstanceState::Pending | InstanceState::Running | InstanceState::Terminated)
        | None => {
            fail(lab, mv, plan, vm, "the source VM is not powered off");
        }
    }
}

fn source_state(lab: &LabState, mv: usize, plan: &str, vm: &str) -> Option<InstanceState> {
    let plan = lab.moves.get(mv)?.plans.get(plan)?;
    let instance = &plan.vms.get(vm)?.instance;
    let region = lab.aws.regions.get(&plan.region)?;
    region.instances.get(instance).map(|found| found.state)
}

/// The last changes are copied: the VM is created on the target.
pub fn last_sync_finished(lab: &mut LabState, mv: usize, plan: &str, vm: &str) {
    let on = vm_mut(lab, mv, plan, vm).is_some_and(|vm| vm.was_running);
    match make(lab, mv, plan, vm, "", on) {
        Ok(id) => {
            enter(lab, mv, plan, vm, Phase::Completed, None);
            if let Some(found) = vm_mut(lab, mv, plan, vm) {
                found.vm = Some(id);
            }
            events::record(lab, mv, plan, Some(vm), "Cutover finished", None);
        }
        Err(error) => fail(lab, mv, plan, vm, &error),
    }
}

/// The test copy is ready, or could not be created.
pub fn test_finished(lab: &mut LabState, mv: usize, plan: &str, vm: &str) {
    match make(lab, mv, plan, vm, "-MoveTest", true) {
        Ok(id) => {
            enter(lab, mv, plan, vm, Phase::TestReady, None);
            if let Some(found) = vm_mut(lab, mv, plan, vm) {
                found.test_vm = Some(id);
            }
        }
        Err(error) => {
            enter(lab, mv, plan, vm, Phase::Ready, None);
            events::record(lab, mv, plan, Some(vm), "Test failed", Some(&error));
        }
    }
}

/// Creates the VM at the target: one NIC for each of the source, on the subnet that its VPC is mapped to. A name with a suffix is
/// that of a test copy, whose NICs are on the test networks.
fn make(
    lab: &mut LabState,
    mv: usize,
    plan: &str,
    vm: &str,
    suffix: &str,
    on: bool,
) -> Result<String, String> {
    let gone = || "the source VM no longer exists".to_owned();
    let state = &lab.moves[mv];
    let pc = state.pc;
    let found = state.plans.get(plan).ok_or_else(gone)?;
    let found_vm = found.vms.get(vm).ok_or_else(gone)?;
    let tests = plans::test_mappings(found);
    let workload = inventory::all(lab, Some(&found.region))
        .into_iter()
        .find(|workload| workload.id == found_vm.instance)
        .ok_or_else(gone)?;
    let nics = workload
        .networks()
        .into_iter()
        .map(|network| {
            let target = if suffix.is_empty() {
                found.mappings.get(network).map(String::as_str)
            } else {
                tests.get(network).copied()
            };
            target
                .map(str::to_owned)
                .ok_or_else(|| format!("the source network {network} is not mapped"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let migrated = MigratedVm {
        name: format!("{}{suffix}", found_vm.name),
        on,
        shape: workload.shape(),
        nics,
    };
    prism::create_migrated_vm(lab, pc, migrated)
}

/// Deletes the test copy, if there is one.
pub fn drop_test_vm(lab: &mut LabState, mv: usize, plan: &str, vm: &str) {
    let Some(id) = vm_mut(lab, mv, plan, vm).and_then(|vm| vm.test_vm.take()) else {
        return;
    };
    let pc = lab.moves[mv].pc;
    if let Some(pc) = lab.pcs.get_mut(pc) {
        pc.vms.remove(&id);
    }
}

/// Repeats the step that failed: the copy, or the cutover.
fn retry(lab: &mut LabState, mv: usize, plan: &str, vm: &str) {
    let seeded = vm_mut(lab, mv, plan, vm).is_some_and(|vm| {
        vm.error = None;
        vm.seeding_until.is_some()
    });
    if seeded {
        enter(lab, mv, plan, vm, Phase::Ready, None);
    } else {
        let delay = lab.timing.move_prepare;
        enter(lab, mv, plan, vm, Phase::Preparing, Some(delay));
    }
}
