//! The control API of the lab: JSON over HTTPS, for clients that hold the token of `lab.json`.
//!
//! `GET /status`, `POST /speed {"speed": x}`, `POST /latency {"ms": n}`, `GET /walk?from=…&to=ADDRESS`, `POST /shutdown`. With
//! the kernel as data plane also what `kernel/control.rs` lists.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::http::Request;
use crate::http::Response;
use crate::run::checked_latency;
use crate::run::checked_speed;
use crate::server::Shared;
use crate::walk;
use crate::walk::Origin;

/// Answers one request.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Response {
    if !is_allowed(shared, request) {
        return error(401, "the token from lab.json is required")
            .with_header("www-authenticate", "Bearer");
    }
    if request.path == "/kernel" || request.path.starts_with("/kernel/") {
        return match shared.kernel() {
            Some(kernel) => kernel.handle(request),
            None => error(404, "this lab's data plane is not the kernel"),
        };
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/status") => status(shared),
        ("GET", "/walk") => walk_packet(shared, request),
        ("POST", "/speed") => speed(shared, request),
        ("POST", "/latency") => latency(shared, request),
        ("POST", "/shutdown") => {
            shared.stop();
            Response::json(200, &json!({ "stopping": true }))
        }
        (_, "/status" | "/speed" | "/latency" | "/walk" | "/shutdown") => {
            error(405, "this path does not support that method")
        }
        _ => error(
            404,
            "the paths are /status, /speed, /latency, /walk and /shutdown",
        ),
    }
}

fn is_allowed(shared: &Shared, request: &Request) -> bool {
    let token = request
        .header("authorization")
        .and_then(|header| header.strip_prefix("Bearer "))
        .unwrap_or("");
    let wanted = shared.endpoints.admin_token.as_bytes();
    // Compares all bytes, so that the time taken says nothing about the token.
    token.len() == wanted.len()
        && token
            .bytes()
            .zip(wanted)
            .fold(0, |differences, (a, b)| differences | (a ^ b))
            == 0
}

fn status(shared: &Shared) -> Response {
    let requests = shared.requests();
    let lab = shared.present();
    let passed = lab.now().since(shared.started).as_millis();
    Response::json(
        200,
        &json!({
            "scenario": shared.endpoints.scenario,
            "machines": shared.machines,
            "virtual_time": lab.now().rfc3339(),
            "virtual_ms": u64::try_from(passed).unwrap_or(u64::MAX),
            "speed": lab.clock.speed(),
            "latency_ms": u64::try_from(shared.latency().as_millis()).unwrap_or(u64::MAX),
            "requests": requests,
            "pid": shared.endpoints.pid,
        }),
    )
}

/// Body of `POST /speed`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Speed {
    speed: f64,
}

fn speed(shared: &Shared, request: &Request) -> Response {
    let wanted = match serde_json::from_slice::<Speed>(&request.body) {
        Ok(wanted) => wanted.speed,
        Err(wrong) => return error(400, &format!("the body must be {{\"speed\": x}}: {wrong}")),
    };
    match checked_speed(wanted) {
        Ok(speed) => {
            shared.present().clock.set_speed(speed);
            Response::json(200, &json!({ "speed": speed }))
        }
        Err(wrong) => error(400, &wrong.to_string()),
    }
}

/// Body of `POST /latency`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

fn latency(shared: &Shared, request: &Request) -> Response {
    match serde_json::from_slice::<Latency>(&request.body) {
        Ok(Latency { ms }) => match checked_latency(Duration::from_millis(ms)) {
            Ok(latency) => {
                shared.set_latency(latency);
                Response::json(200, &json!({ "ms": ms }))
            }
            Err(wrong) => error(400, &wrong.to_string()),
        },
        Err(wrong) => error(400, &format!("the body must be {{\"ms\": n}}: {wrong}")),
    }
}

/// Follows a packet: `from` is `on-prem` or an address, `to` an address.
fn walk_packet(shared: &Shared, request: &Request) -> Response {
    let origin = request.param("from").unwrap_or("on-prem").parse::<Origin>();
    let origin = match origin {
        Ok(origin) => origin,
        Err(wrong) => return error(400, &format!("from: {wrong}")),
    };
    let Some(to) = request
        .param("to")
        .and_then(|to| to.parse::<Ipv4Addr>().ok())
    else {
        return error(400, "`to` must be an IPv4 address");
    };
    let walk = walk::walk(&shared.present(), origin, to);
    match serde_json::to_value(&walk) {
        Ok(walk) => Response::json(200, &walk),
        Err(wrong) => error(500, &wrong.to_string()),
    }
}

fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({ "error": message }))
}
