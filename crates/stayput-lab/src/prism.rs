//! The emulated Prism Central: the v4 API of one NC2 cluster, and what the cluster does without a request.
//!
//! `handle` checks authentication, version and idempotency and passes the request to the module of its namespace. The modules
//! read and validate, and start a task whose `effects::Effect` is applied when the task completes. v3 would be a second API on
//! the same state: paths under `/api/nutanix/v3` are not found yet.

mod answer;
mod body;
mod categories;
pub(crate) mod effects;
mod ipam;
mod jobs;
mod machines;
mod members;
pub mod model;
mod networking;
mod nics;
mod odata;
mod pairing;
mod placement;
mod plans;
mod points;
mod policies;
mod protection;
mod recovery;
mod subnets;
pub(crate) mod tasks;
mod validation;
mod vms;
pub(crate) mod vpcs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use stayput_estate::Cidr;

use crate::faults;
use crate::http::Request;
use crate::http::Response;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::flag;
use crate::prism::model::PcState;
use crate::prism::model::Replay;
use crate::state::LabState;

pub use machines::MigratedVm;
pub use machines::create_migrated_vm;
pub(crate) use machines::remove as delete_vm;
pub(crate) use machines::switch as switch_vm;
pub(crate) use protection::protect as protect_vm;

/// A change that a Prism Central makes without a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrismEvent {
    /// A task reaches its next state: task UUID.
    Task(String),
    /// A recovery point is due: VM, policy, target domain manager.
    TakePoint(String, String, String),
    /// A recovery point reaches its target: point, policy, target domain manager.
    Replicate(String, String, String),
    /// A recovery plan job reaches its next state: job.
    Job(String),
    /// NC2 updates the route of one prefix in the AWS VPC's route tables.
    Nc2Route(Cidr),
}

/// The API namespaces. Each has its own highest minor version.
pub(crate) const NAMESPACES: [&str; 5] = [
    "vmm",
    "networking",
    "prism",
    "datapolicies",
    "dataprotection",
];

/// Answers one request to the Prism Central with this index.
pub fn handle(lab: &mut LabState, pc: usize, request: &Request) -> Response {
    let Some(state) = lab.pcs.get(pc) else {
        return Response::empty(404);
    };
    if state.down {
        return Response::empty(503);
    }
    let segments = request.segments();
    let (namespace, rest) = match segments.as_slice() {
        ["api", namespace, rest @ ..] => (
            NAMESPACES.iter().find(|known| *known == namespace).copied(),
            rest,
        ),
        _ => (None, &[][..]),
    };
    let shown = namespace.unwrap_or("prism");
    if !authenticated(state, request) {
        return Problem::new(401, "UNAUTHENTICATED", "Authentication required")
            .response(shown, 0, request)
            .with_header("WWW-Authenticate", "Basic realm=\"Prism Central\"");
    }
    let denial = lab
        .policy
        .denial(&format!("prism:{}", faults::path_name(request)));
    if denial.is_some() {
        return error(request, 403, "", "Access is denied");
    }
    let not_found = || Problem::no_route(&request.path).response(shown, 0, request);
    let Some((namespace, highest)) =
        namespace.and_then(|namespace| Some((namespace, *state.minors.get(namespace)?)))
    else {
        return not_found();
    };
    match rest {
        ["unversioned", "info"] => match request.method.as_str() {
            "OPTIONS" | "GET" => Response::json(
                200,
                &json!({"data": format!("v4.{highest}"), "metadata": {"flags": [flag("hasError", false)]}}),
            ),
            other => Problem::method(other).response(shown, 0, request),
        },
        [version, path @ ..] => match minor(version).filter(|minor| *minor <= highest) {
            Some(minor) => {
                let call = Call {
                    request,
                    namespace,
                    minor,
                    path: path.to_vec(),
                };
                let answer = replayed(lab, pc, &call);
                let response = match answer {
                    Ok(response) => response,
                    Err(problem) => problem.response(namespace, minor, request),
                };
                response
                    .with_header("X-Ntnx-Env", "pc")
                    .with_header("X-Ntnx-Product", "pc.7.5")
            }
            None => not_found(),
        },
        [] => not_found(),
    }
}

/// Runs a due event.
pub fn handle_event(lab: &mut LabState, pc: usize, event: PrismEvent) {
    match event {
        PrismEvent::Task(task) => tasks::step(lab, pc, &task),
        PrismEvent::TakePoint(vm, policy, target) => {
            protection::take_scheduled(lab, pc, vm, policy, target);
        }
        PrismEvent::Replicate(point, policy, target) => {
            protection::replicate(lab, pc, point, policy, target);
        }
        PrismEvent::Job(job) => recovery::advance(lab, pc, &job),
        PrismEvent::Nc2Route(prefix) => crate::nc2::write_route(lab, pc, prefix),
    }
}

/// Returns an error as the namespace of a request answers it; without a code, with the general one of the namespace.
pub fn error(request: &Request, status: u16, code: &str, message: &str) -> Response {
    let segments = request.segments();
    let (namespace, minor_called) = match segments.as_slice() {
        ["api", namespace, version, ..] => (
            NAMESPACES.iter().find(|known| *known == namespace).copied(),
            minor(version),
        ),
        _ => (None, None),
    };
    let group = match status {
        401 => "UNAUTHENTICATED",
        403 => "FORBIDDEN",
        404 => "ENTITY_NOT_FOUND",
        409 => "CONFLICT",
        412 => "ETAG_MISMATCH",
        429 => "TOO_MANY_REQUESTS",
        500.. => "INTERNAL_ERROR",
        _ => "INVALID_ARGUMENT",
    };
    let problem = Problem {
        code: code.to_owned(),
        ..Problem::new(status, group, message)
    };
    problem.response(
        namespace.unwrap_or("prism"),
        minor_called.unwrap_or(0),
        request,
    )
}

/// Accepts Basic authentication, or the password as an API key.
fn authenticated(pc: &PcState, request: &Request) -> bool {
    let (user, password) = &pc.credentials;
    if let Some(key) = request.header("x-ntnx-api-key") {
        return key == password;
    }
    request
        .header("authorization")
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| BASE64_STANDARD.decode(encoded.trim()).ok())
        .is_some_and(|decoded| decoded == format!("{user}:{password}").as_bytes())
}

/// Returns the minor of a version such as `v4.2` or, for a pre-release, `v4.0.b1`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("v4.")?;
    let (minor, pre_release) = match rest.split_once('.') {
        Some((minor, pre_release)) => (minor, Some(pre_release)),
        None => (rest, None),
    };
    let well_formed = pre_release.is_none_or(|text| {
        text.strip_prefix(['a', 'b'])
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    minor.parse().ok().filter(|_| well_formed)
}

/// Serves a call. An accepted mutation that is sent again with the same `NTNX-Request-Id` gets the same answer and changes
/// nothing.
///
/// Assumptions: only accepted calls are replayed, so a call refused for a stale ETag can be repeated under its id. An id that is
/// used again with another method or path is refused. A mutation without the header is accepted.
fn replayed(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    let id = match (
        call.request.method.as_str(),
        call.request.header("ntnx-request-id"),
    ) {
        ("GET" | "OPTIONS" | "HEAD", _) | (_, None) => None,
        (_, Some(_)) if lab.pcs[pc].forgets_requests => None,
        (_, Some(id)) => Some(id),
    };
    let target = format!("{} {}", call.request.method, call.request.path);
    if let Some(before) = id.and_then(|id| lab.pcs[pc].replay.get(id)) {
        return if before.target == target {
            Ok(before.response.clone())
        } else {
            Err(Problem::argument(
                "NTNX-Request-Id was already used for another request",
            ))
        };
    }
    let response = serve(lab, pc, call)?;
    if let Some(id) = id {
        let replay = Replay {
            target,
            response: response.clone(),
        };
        lab.pcs[pc].replay.insert(id.to_owned(), replay);
    }
    Ok(response)
}

fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    match (call.namespace, call.path.as_slice()) {
        ("vmm", _) => vms::serve(lab, pc, call),
        ("networking", _) => networking::serve(lab, pc, call),
        ("prism", ["config", "tasks", ..]) => tasks::serve(lab, pc, call),
        ("prism", ["config", "categories", rest @ ..]) => categories::serve(lab, pc, call, rest),
        ("prism", _) => pairing::serve(lab, pc, call),
        ("datapolicies", ["config", "protection-policies", rest @ ..]) => {
            policies::serve(lab, pc, call, rest)
        }
        ("datapolicies", ["config", "recovery-plans", rest @ ..]) if call.minor >= plans::SINCE => {
            plans::serve(lab, pc, call, rest)
        }
        ("dataprotection", ["operations", "recovery-plans", plan, "$actions", action])
            if call.minor >= recovery::SINCE =>
        {
            recovery::serve(lab, pc, call, plan, action)
        }
        ("dataprotection", ["config", "recovery-plan-jobs", rest @ ..])
            if call.minor >= recovery::SINCE =>
        {
            jobs::serve(lab, pc, call, rest)
        }
        ("dataprotection", ["config", "recovery-points", rest @ ..]) => {
            points::serve(lab, pc, call, rest)
        }
        ("dataprotection", ["config", "protected-resources", vm]) => {
            points::protected_resource(lab, pc, call, vm)
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

#[cfg(test)]
mod tests;
