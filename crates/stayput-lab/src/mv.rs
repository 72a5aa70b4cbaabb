//! The emulated Move appliance (Move reference §1–8): from EC2 instances of the lab to VMs of one Prism Central.
//!
//! Every action is accepted at once and then polled: the plan's VMs go through their phases in virtual time. Only the lifetime of
//! tokens uses the wall clock, because clients measure it.

mod actions;
mod auth;
mod events;
mod inventory;
pub mod model;
mod phases;
mod plans;
mod prepare;
mod providers;
mod status;
mod wire;

use serde_json::Value as Json;
use serde_json::json;

use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;
use model::MoveState;
use wire::Answer;
use wire::Fault;

pub(crate) use wire::error_body;

/// A change that Move makes without a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoveEvent {
    /// A VM of a plan goes to its next phase: plan, VM, and the VM's generation when this was queued.
    Phase(String, String, u64),
}

/// Answers one request to the Move appliance with this index.
pub fn handle(lab: &mut LabState, mv: usize, request: &Request) -> Response {
    if mv >= lab.moves.len() {
        return Fault::not_found("no such appliance").into();
    }
    match route(lab, mv, request) {
        Ok(answer) => answer.into(),
        Err(fault) => fault.into(),
    }
}

/// Runs a due event.
pub fn handle_event(lab: &mut LabState, mv: usize, event: MoveEvent) {
    match event {
        MoveEvent::Phase(plan, vm, generation) => phases::next(lab, mv, &plan, &vm, generation),
    }
}

fn route(lab: &mut LabState, mv: usize, request: &Request) -> Result<Answer, Fault> {
    let segments = request.segments();
    let Some(path) = segments.strip_prefix(&["move", "v2"]) else {
        return Err(Fault::not_found("no such path"));
    };
    let method = request.method.as_str();
    match (method, path) {
        ("POST", ["users", "login"]) => return auth::login(lab, mv, request),
        ("POST", ["token"]) => return auth::token(lab, mv, request),
        ("GET", ["appinfo"]) => {
            return Ok(Answer::ok(
                json!({ "Status": { "Version": wire::VERSION } }),
            ));
        }
        _ => {}
    }
    auth::check(lab, mv, request)?;
    let body = wire::body(request)?;
    match (method, path) {
        ("GET", ["token", "status"]) => Ok(Answer::ok(json!({}))),
        ("POST", ["token", "revoke"]) => auth::revoke(appliance(lab, mv), &body),
        ("POST", ["configure"]) => auth::configure(appliance(lab, mv), &body),
        ("POST", ["events"]) => Ok(events::list(appliance(lab, mv))),
        (_, ["providers", rest @ ..]) => provider_route(lab, mv, method, rest, &body),
        (_, ["plans", rest @ ..]) => plan_route(lab, mv, method, rest, request, &body),
        _ => Err(Fault::not_found("no such path")),
    }
}

fn provider_route(
    lab: &mut LabState,
    mv: usize,
    method: &str,
    path: &[&str],
    body: &Json,
) -> Result<Answer, Fault> {
    match (method, path) {
        ("POST", []) => providers::create(lab, mv, body),
        ("POST", ["list"]) => Ok(providers::list(lab, mv)),
        ("GET", [id]) => providers::get(lab, mv, id),
        ("PUT", [id]) => providers::update(lab, mv, id, body),
        ("DELETE", [id]) => providers::delete(lab, mv, id),
        ("POST", [id, "validate"]) => providers::validate(lab, mv, id),
        ("POST", [id, "workloads", "list"]) => inventory::list(lab, mv, id, body),
        _ => Err(Fault::not_found("no such path")),
    }
}

fn plan_route(
    lab: &mut LabState,
    mv: usize,
    method: &str,
    path: &[&str],
    request: &Request,
    body: &Json,
) -> Result<Answer, Fault> {
    match (method, path) {
        ("POST", []) => plans::create(lab, mv, body),
        ("POST", ["list"]) => Ok(plans::list(lab, mv, request, body)),
        ("GET", [plan]) => plans::get(lab, mv, plan),
        ("PUT", [plan]) => plans::update(lab, mv, plan, body),
        ("DELETE", [plan]) => plans::delete(lab, mv, plan),
        ("POST", [plan, "prepare"]) => prepare::prepare(lab, mv, plan, body),
        ("POST", [plan, "readiness"]) => prepare::readiness(lab, mv, plan),
        ("POST", [plan, "start"]) => phases::start(lab, mv, plan),
        ("POST", [plan, "suspend"]) => phases::suspend(lab, mv, plan),
        ("POST", [plan, "resume"]) => phases::resume(lab, mv, plan),
        ("POST", [plan, "cancel"]) => phases::cancel(lab, mv, plan),
        ("POST", [plan, "workloads", "list"]) => status::workloads(lab, mv, plan),
        ("GET", [plan, "workloads", vm]) => status::workload(lab, mv, plan, vm),
        ("POST", [plan, "workloads", vm, "action"]) => actions::act(lab, mv, plan, vm, body),
        ("POST", [plan, "workloads", vm, "refresh"]) => status::workload(lab, mv, plan, vm),
        // Move has no cutover of a whole plan (Move reference §6).
        _ => Err(Fault::not_found("no such path")),
    }
}

fn appliance(lab: &mut LabState, mv: usize) -> &mut MoveState {
    &mut lab.moves[mv]
}

#[cfg(test)]
mod tests;
