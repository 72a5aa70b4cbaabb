//! Guest preparation and readiness checks.

use serde_json::Value as Json;
use serde_json::json;

use super::events;
use super::inventory;
use super::model::Plan;
use super::model::VmFault;
use super::plans;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::state::LabState;

/// How many calls of `prepare` it takes until there is a result.
const PREPARED: u32 = 2;

/// Whether a plan's guests are prepared; those of a manual plan always are.
pub fn prepared(plan: &Plan) -> bool {
    let mode = wire::text(&plan.spec, &["Settings", "GuestPrepMode"]).unwrap_or("auto");
    mode.eq_ignore_ascii_case("manual") || plan.prepares >= PREPARED
}

/// Returns the VMs whose preparation fails.
fn failing(lab: &LabState, mv: usize, plan: &Plan) -> Vec<String> {
    plan.vms
        .iter()
        .filter(|(_, vm)| lab.moves[mv].faults.get(&vm.instance) == Some(&VmFault::PrepareFails))
        .map(|(key, _)| key.clone())
        .collect()
}

/// `POST /plans/{id}/prepare`: repeated with the same body until there is a result.
pub fn prepare(lab: &mut LabState, mv: usize, id: &str, body: &Json) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    let region = wire::need(body, &["Spec", "Region"])?;
    if region != plan.region {
        return Err(Fault::unprocessable(format!(
            "region {region} is not that of the plan, {}",
            plan.region
        )));
    }
    let requested = wire::list(body, &["Spec", "VMs"]);
    for requested in requested {
        let key = wire::need(requested, &["UUID"])?;
        if !plan.vms.contains_key(key) {
            return Err(Fault::unprocessable(format!("VM {key} is not in the plan")));
        }
    }
    let manual = requested.iter().any(|vm| {
        wire::text(vm, &["GuestPrepMode"]).is_some_and(|mode| mode.eq_ignore_ascii_case("manual"))
    });
    let failing = failing(lab, mv, plan);
    let prepares = plan.prepares + 1;
    let row = |key: &String, status: &str| json!({ "UUID": key, "Status": status });
    let (mut passed, mut failed, mut running) = (Vec::new(), Vec::new(), Vec::new());
    for key in plan.vms.keys() {
        if prepares < PREPARED {
            running.push(row(key, "InProgress"));
        } else if failing.contains(key) {
            let mut row = row(key, "Failed");
            row["Message"] = json!("the guest could not be reached with the given credentials");
            failed.push(row);
        } else {
            passed.push(row(key, "Passed"));
        }
    }
    let mut result = json!({
        "Passed": wire::null_if_empty(passed),
        "Failed": wire::null_if_empty(failed),
        "InstallationInProgress": wire::null_if_empty(running),
    });
    if manual {
        result["GuestScript"] = json!({
            "LinuxGuestScript": "sudo sh -c 'curl -k https://move/resources/uvm/linux/bootstrap.sh | sh'",
            "WindowsGuestScript": "powershell -Command \"iwr https://move/resources/uvm/win/bootstrap.ps1 | iex\"",
        });
    }
    if let Some(plan) = lab.moves[mv].plans.get_mut(id) {
        plan.prepares = prepares;
    }
    if prepares == PREPARED {
        events::record(lab, mv, id, None, "Guest preparation finished", None);
    }
    Ok(Answer::ok(json!({ "Status": { "Result": result } })))
}

/// `POST /plans/{id}/readiness`.
pub fn readiness(lab: &LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    let plan = plans::find(lab, mv, id)?;
    let checks = |items: Vec<(&str, String)>| {
        wire::null_if_empty(
            items
                .into_iter()
                .map(|(kind, message)| json!({ "CheckType": kind, "Message": message }))
                .collect(),
        )
    };
    let subnets = lab.pcs.get(lab.moves[mv].pc).map(|pc| &pc.subnets);
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    for target in plan.mappings.values() {
        if subnets.is_some_and(|subnets| subnets.contains_key(target)) {
            passed.push(("TargetNetwork", format!("network {target} exists")));
        } else {
            failed.push((
                "TargetNetwork",
                format!("network {target} no longer exists"),
            ));
        }
    }
    let workloads = inventory::all(lab, Some(&plan.region));
    let not_prepared = failing(lab, mv, plan);
    let (mut vms_passed, mut vms_failed) = (Vec::new(), Vec::new());
    for (key, vm) in &plan.vms {
        if !workloads.iter().any(|workload| workload.id == vm.instance) {
            vms_failed.push(("SourceVM", format!("{} no longer exists", vm.name)));
        } else if !prepared(plan) || not_prepared.contains(key) {
            vms_failed.push(("GuestPreparation", format!("{} is not prepared", vm.name)));
        } else {
            vms_passed.push(("GuestPreparation", format!("{} is prepared", vm.name)));
        }
    }
    Ok(Answer::ok(json!({ "Status": {
        "Passed": checks(passed),
        "Failed": checks(failed),
        "VMChecksResult": { "Passed": checks(vms_passed), "Failed": checks(vms_failed) },
    } })))
}

/// Refuses to start a plan that is not ready.
pub fn check(lab: &LabState, mv: usize, plan: &Plan) -> Result<(), Fault> {
    if !prepared(plan) || !failing(lab, mv, plan).is_empty() {
        return Err(Fault::unprocessable(
            "guest preparation has not passed for all VMs of the plan",
        ));
    }
    Ok(())
}
