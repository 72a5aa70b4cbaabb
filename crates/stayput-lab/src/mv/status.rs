//! JSON of plans and their VMs (Move reference §7).

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::json;

use super::actions;
use super::model::Phase;
use super::model::Plan;
use super::model::PlanVm;
use super::model::ProviderKind;
use super::model::VmFault;
use super::plans;
use super::plans::state;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::clock::VTime;
use crate::state::LabState;

/// Bytes a second that are copied for a VM that is ready.
const DELTA_RATE: u64 = 4096;

/// Returns the name of a plan state, without its prefix.
pub fn state_name(state: u8) -> &'static str {
    match state {
        1 => "Validation",
        2 => "Scheduled",
        state::PREPARATION => "Preparation",
        state::IN_PROGRESS => "InProgress",
        state::PAUSED => "Paused",
        state::ABORTED => "Aborted",
        state::COMPLETED => "Completed",
        state::FAILED => "Failed",
        9 => "ValidationFailed",
        10 => "Aborting",
        _ => "Uninitialized",
    }
}

/// Returns the name of a VM's phase. Names that Move reference §7 does not have are (inferred).
fn phase_name(phase: Phase, paused: bool) -> &'static str {
    match phase {
        Phase::Preparing | Phase::Seeding if paused => "Paused",
        Phase::NotStarted => "NotStarted",
        Phase::Preparing => "Preparing",
        Phase::Seeding => "SeedingData",
        Phase::Ready => "ReadyToCutover",
        Phase::TestInProgress => "TestInProgress",
        Phase::TestReady => "TestVMReady",
        Phase::CutoverInProgress => "CutoverInProgress",
        Phase::LastSync => "CutoverLastSync",
        Phase::Completed => "Completed",
        Phase::Failed => "Failed",
        Phase::Aborted => "Aborted",
    }
}

fn plan_actions(plan: &Plan) -> Vec<&'static str> {
    match plan.state {
        state::PREPARATION | state::IN_PROGRESS => vec!["SUSPEND", "CANCEL"],
        state::PAUSED => vec!["RESUME", "CANCEL"],
        state::UNINITIALIZED => vec!["START", "UPDATE", "DELETE"],
        _ if plan.deletable() => vec!["DELETE"],
        _ => Vec::new(),
    }
}

/// Returns the bytes copied so far: the share of the seeding time that has passed, and the changes since.
fn copied(vm: &PlanVm, now: VTime) -> Option<u64> {
    let (from, until) = (vm.seeding_from?, vm.seeding_until?);
    let now = vm.synced.map_or(now, |synced| now.min(synced));
    if now >= until {
        return Some(vm.bytes + now.since(until).as_secs() * DELTA_RATE);
    }
    let (whole, passed) = (until.since(from).as_millis(), now.since(from).as_millis());
    let bytes = u128::from(vm.bytes) * passed / whole.max(1);
    u64::try_from(bytes).ok()
}

/// Returns one VM.
fn vm_json(lab: &LabState, mv: usize, plan: &Plan, key: &str, vm: &PlanVm) -> Json {
    // While suspended, the progress of the phases that pause does not change.
    let held = matches!(vm.phase, Phase::Preparing | Phase::Seeding);
    let now = plan.paused_at.filter(|_| held).unwrap_or(lab.now());
    let fault = lab.moves[mv].faults.get(&vm.instance).copied();
    let paused = plan.state == state::PAUSED;
    let mut json = json!({
        "UUID": key,
        "Name": vm.name,
        "StateString": phase_name(vm.phase, paused),
        "Actions": actions::advertised(plan, vm, fault),
        "TotalDataSizeInBytes": vm.bytes,
    });
    if let Some(copied) = copied(vm, now) {
        let percent = copied.min(vm.bytes) * 100 / vm.bytes.max(1);
        let percent = if vm.bytes == 0 { 100 } else { percent };
        json["Progress"] = json!(percent);
        json["ProgressPercentage"] = json!(percent);
        json["CopiedDataSizeInBytes"] = json!(copied);
        json["MigratedDataSizeInBytes"] = json!(copied);
        if let Some(until) = vm.seeding_until.filter(|until| *until > now) {
            json["ETAInSecs"] = json!(until.since(now).as_secs());
        }
    }
    if let Some(error) = &vm.error {
        json["ErrorMessage"] = json!(error);
    }
    if let Some(id) = &vm.vm
        && fault != Some(VmFault::NoConsoleLink)
    {
        let address = target_address(lab, mv, plan);
        json["VmConsoleLink"] = json!(format!(
            "https://{address}:9440/console/lib/noVNC/vnc_auto.html?path=vnc/vm/{id}/proxy&uuid={id}&attached=false"
        ));
        json["VmLink"] = json!(format!(
            "https://{address}:9440/console/#page/explore/vm/{id}"
        ));
    }
    json
}

fn target_address(lab: &LabState, mv: usize, plan: &Plan) -> String {
    let provider = wire::text(&plan.spec, &["TargetInfo", "ProviderUUID"])
        .and_then(|id| lab.moves[mv].providers.get(id));
    match provider.map(|provider| &provider.kind) {
        Some(ProviderKind::Aos { address }) => address.clone(),
        Some(ProviderKind::Aws { .. }) | None => String::new(),
    }
}

/// Returns `MetaData` of a plan.
pub fn metadata(lab: &LabState, mv: usize, id: &str, plan: &Plan, details: bool) -> Json {
    let paused = plan.state == state::PAUSED;
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for vm in plan.vms.values() {
        *counts.entry(phase_name(vm.phase, paused)).or_default() += 1;
    }
    let errors: Vec<Json> = plan
        .vms
        .values()
        .filter_map(|vm| {
            vm.error
                .as_ref()
                .map(|error| json!(format!("{}: {error}", vm.name)))
        })
        .collect();
    let status = match plan.state {
        state::COMPLETED => "StatusCompleted",
        state::FAILED => "StatusFailed",
        state::ABORTED => "StatusAborted",
        state::PAUSED => "StatusPaused",
        state::UNINITIALIZED => "StatusNotStarted",
        _ => "StatusInProgress",
    };
    let provider_name = |side: &str| {
        wire::text(&plan.spec, &[side, "ProviderUUID"])
            .and_then(|id| lab.moves[mv].providers.get(id))
            .map(|provider| provider.name.clone())
    };
    let cluster = lab.pcs.get(lab.moves[mv].pc).map(|pc| pc.cluster.1.clone());
    let now = lab.now();
    let migrated: u64 = plan.vms.values().filter_map(|vm| copied(vm, now)).sum();
    let mut metadata = json!({
        "UUID": id,
        "Name": plan.name,
        "State": plan.state,
        "StateString": format!("MigrationPlanState{}", state_name(plan.state)),
        "StatusString": status,
        "Actions": plan_actions(plan),
        "NumVMs": plan.vms.len(),
        "VMStateCounts": counts,
        "DataInBytes": plan.vms.values().map(|vm| vm.bytes).sum::<u64>(),
        "MigratedDataInBytes": migrated,
        "ElapsedTime": now.since(plan.created).as_secs(),
        "ErrorReasons": wire::null_if_empty(errors),
        "Schedule": { "ScheduleAtEpochSec": -1, "RWStartTimeAtEpochSec": 0, "RWEndTimeAtEpochSec": 0 },
        "SourceInfo": { "Name": provider_name("SourceInfo"), "Type": "AWS" },
        "TargetInfo": { "Name": provider_name("TargetInfo"), "Type": "AOS", "Cluster": { "Name": cluster } },
    });
    if details {
        metadata["VMStatus"] = vm_status(lab, mv, plan);
    }
    metadata
}

fn vm_status(lab: &LabState, mv: usize, plan: &Plan) -> Json {
    wire::null_if_empty(
        plan.vms
            .iter()
            .map(|(key, vm)| vm_json(lab, mv, plan, key, vm))
            .collect(),
    )
}

/// `POST /plans/{id}/workloads/list`.
pub fn workloads(lab: &LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    Ok(Answer::ok(json!({ "Status": {
        "Actions": plan_actions(plan),
        "State": plan.state,
        "StateString": format!("MigrationPlanState{}", state_name(plan.state)),
        "VMStatus": vm_status(lab, mv, plan),
    } })))
}

/// `GET /plans/{p}/workloads/{w}`.
pub fn workload(lab: &LabState, mv: usize, id: &str, key: &str) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    let vm = plan
        .vms
        .get(key)
        .ok_or_else(|| Fault::not_found(format!("VM {key} is not in the plan")))?;
    Ok(Answer::ok(
        json!({ "Status": vm_json(lab, mv, plan, key, vm) }),
    ))
}
