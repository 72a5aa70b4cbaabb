//! The appliance's event log.

use serde_json::Value as Json;
use serde_json::json;

use super::model::EventRecord;
use super::model::MoveState;
use super::wire::Answer;
use crate::state::LabState;

/// `POST /events`: newest first.
pub fn list(state: &MoveState) -> Answer {
    let events: Vec<Json> = state
        .events
        .iter()
        .rev()
        .map(|event| {
            json!({ "Event": {
                "EventId": event.id,
                "EventName": event.name,
                "VmName": event.vm,
                "MpName": event.plan,
                "EventStatus": event.status,
                "FailureNotes": event.notes,
                "CreatedTime": event.at.0 * 1000,
            } })
        })
        .collect();
    Answer::ok(json!({ "Events": super::wire::null_if_empty(events) }))
}

/// Records an event of a plan or of one of its VMs; with an error its status is `Failed`.
pub fn record(
    lab: &mut LabState,
    mv: usize,
    plan: &str,
    vm: Option<&str>,
    name: &str,
    error: Option<&str>,
) {
    let at = lab.now();
    let state = &mut lab.moves[mv];
    let (plan_name, vm_name) = match state.plans.get(plan) {
        Some(found) => (
            found.name.clone(),
            vm.and_then(|vm| found.vms.get(vm))
                .map(|vm| vm.name.clone()),
        ),
        None => (plan.to_owned(), None),
    };
    let id = state.events.last().map_or(1, |last| last.id + 1);
    state.events.push(EventRecord {
        id,
        name: name.to_owned(),
        vm: vm_name,
        plan: plan_name,
        status: if error.is_some() { "Failed" } else { "Success" }.to_owned(),
        notes: error.unwrap_or_default().to_owned(),
        at,
    });
}
