//! The control API of the lab: JSON over HTTPS, for clients that hold the token of `lab.json`.
//!
//! `GET /status`, `GET /guests`, `POST /speed {"speed": x}`, `POST /latency {"ms": n}`, `GET /walk?from=…&to=ADDRESS`, `POST /shutdown`; for faults
//! `GET`, `POST` and `DELETE /faults`, `DELETE /faults/ID`; for the world `POST /sites`, `/regions`, `/vms` and `/instances`. With
//! the kernel as data plane also `/kernel` and what is below it: the data plane answers that itself.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use stayput_messages::Message;
use stayput_messages::list::commas;

use crate::faults::Rule;
use crate::faults::RuleId;
use crate::http::Request;
use crate::http::Response;
use crate::operator::Availability;
use crate::operator::OperatorError;
use crate::operator::Power;
use crate::run::checked_latency;
use crate::run::checked_speed;
use crate::server::Shared;
use crate::walk;
use crate::walk::Origin;

/// Answers one request.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Response {
    if !is_allowed(shared, request) {
        return error(401, Message::new("lab-token-needed"))
            .with_header("www-authenticate", "Bearer");
    }
    if request.path == "/kernel" || request.path.starts_with("/kernel/") {
        return match shared.lab.data_plane() {
            Some(data_plane) => data_plane.handle(request),
            None => error(404, Message::new("lab-no-kernel")),
        };
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/status") => status(shared),
        ("GET", "/guests") => guests(shared),
        ("GET", "/walk") => walk_packet(shared, request),
        ("POST", "/speed") => speed(shared, request),
        ("POST", "/latency") => latency(shared, request),
        ("POST", "/shutdown") => {
            shared.stop();
            Response::json(200, &json!({ "stopping": true }))
        }
        ("GET", "/faults") => Response::json(200, &json!({ "faults": shared.lab.list_faults() })),
        ("POST", "/faults") => add_fault(shared, request),
        ("DELETE", "/faults") => {
            Response::json(200, &json!({ "cleared": shared.lab.clear_faults(None) }))
        }
        ("DELETE", path) if path.starts_with("/faults/") => clear_fault(shared, path),
        ("POST", "/sites") => site(shared, request),
        ("POST", "/regions") => region(shared, request),
        ("POST", "/vms") => vm(shared, request),
        ("POST", "/instances") => instance(shared, request),
        (
            _,
            "/status" | "/guests" | "/speed" | "/latency" | "/walk" | "/shutdown" | "/faults"
            | "/sites" | "/regions" | "/vms" | "/instances",
        ) => error(405, Message::new("lab-bad-method")),
        _ => error(404, Message::new("lab-bad-path")),
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

/// How the capture scripts of guests were run.
fn guests(shared: &Shared) -> Response {
    let lab = shared.lab.present();
    let runs: Vec<_> = lab
        .guests
        .runs
        .iter()
        .map(|run| {
            json!({
                "instance": run.instance, "command": run.command, "real": run.emulated.is_none(),
                "why_emulated": run.emulated,
            })
        })
        .collect();
    Response::json(
        200,
        &json!({
            "shell": lab.guests.has_shell, "why_no_shell": lab.guests.without_shell, "runs": runs,
        }),
    )
}

fn status(shared: &Shared) -> Response {
    let requests = shared.lab.requests();
    let faults = shared.lab.list_faults();
    let active = faults.iter().filter(|fault| fault.active).count();
    let lab = shared.lab.present();
    let passed = lab.now().since(shared.lab.started()).as_millis();
    Response::json(
        200,
        &json!({
            "scenario": shared.endpoints.scenario,
            "machines": shared.lab.machines(),
            "virtual_time": lab.now().rfc3339(),
            "virtual_ms": u64::try_from(passed).unwrap_or(u64::MAX),
            "speed": lab.clock.speed(),
            "latency_ms": u64::try_from(shared.lab.latency().as_millis()).unwrap_or(u64::MAX),
            "requests": requests,
            "faults": active,
            "sites_down": lab.pcs.iter().filter(|pc| pc.down).map(|pc| &pc.name).collect::<Vec<_>>(),
            "regions_down": lab.aws.down_regions,
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
        Err(wrong) => return error(400, bad_body("{\"speed\": x}", &wrong)),
    };
    match checked_speed(wanted) {
        Ok(speed) => {
            shared.lab.present().clock.set_speed(speed);
            Response::json(200, &json!({ "speed": speed }))
        }
        Err(wrong) => error(400, wrong),
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
                shared.lab.set_latency(latency);
                Response::json(200, &json!({ "ms": ms }))
            }
            Err(wrong) => error(400, wrong),
        },
        Err(wrong) => error(400, bad_body("{\"ms\": n}", &wrong)),
    }
}

fn add_fault(shared: &Shared, request: &Request) -> Response {
    let rule = match serde_json::from_slice::<Rule>(&request.body) {
        Ok(rule) => rule,
        Err(wrong) => return error(400, wrong_rule(&wrong)),
    };
    match shared.lab.add_fault(rule) {
        Ok(id) => Response::json(200, &json!({ "id": id })),
        Err(wrong) => error(400, wrong),
    }
}

/// Returns the message of an invalid rule without the position in the body, which its author does not see.
fn wrong_rule(wrong: &serde_json::Error) -> String {
    let text = wrong.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

fn clear_fault(shared: &Shared, path: &str) -> Response {
    let id = path.trim_start_matches("/faults/").parse::<RuleId>();
    match id {
        Ok(id) if shared.lab.clear_faults(Some(id)) > 0 => {
            Response::json(200, &json!({ "cleared": 1 }))
        }
        Ok(_) | Err(_) => {
            let known = shared.lab.list_faults();
            let what = match known.as_slice() {
                [] => Message::new("lab-no-such-fault-none"),
                known => Message::new("lab-no-such-fault")
                    .with("known", commas(known.iter().map(|fault| fault.id))),
            };
            error(404, what)
        }
    }
}

/// Body of `POST /sites` and `POST /regions`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    name: String,
    state: Availability,
}

/// Body of `POST /vms`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VmPower {
    vm: String,
    site: Option<String>,
    power: Power,
}

/// Body of `POST /instances`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstancePower {
    instance: String,
    power: Power,
}

fn body<T: DeserializeOwned>(request: &Request, form: &str) -> Result<T, Response> {
    serde_json::from_slice(&request.body).map_err(|wrong| error(400, bad_body(form, &wrong)))
}

fn bad_body(form: &str, wrong: &serde_json::Error) -> Message {
    Message::new("lab-bad-body")
        .with("form", form)
        .with("problem", wrong)
}

const PLACE: &str = r#"{"name": NAME, "state": "up" or "down"}"#;

fn site(shared: &Shared, request: &Request) -> Response {
    let place: Place = match body(request, PLACE) {
        Ok(place) => place,
        Err(response) => return response,
    };
    let before = shared
        .lab
        .with(|lab| lab.set_site(&place.name, place.state));
    changed(
        before.map(|before| json!({ "site": place.name, "state": place.state, "before": before })),
    )
}

fn region(shared: &Shared, request: &Request) -> Response {
    let place: Place = match body(request, PLACE) {
        Ok(place) => place,
        Err(response) => return response,
    };
    let (before, sites) = shared.lab.with(|lab| {
        let before = lab.set_region(&place.name, place.state);
        let sites = lab.pcs.iter().filter(|pc| pc.aws.0 == place.name);
        let sites: Vec<String> = sites.map(|pc| pc.name.clone()).collect();
        (before, sites)
    });
    changed(before.map(|before| {
        json!({ "region": place.name, "state": place.state, "before": before, "sites": sites })
    }))
}

fn vm(shared: &Shared, request: &Request) -> Response {
    let form = r#"{"vm": NAME or UUID, "site": NAME, "power": "on" or "off"}"#;
    let wanted: VmPower = match body(request, form) {
        Ok(wanted) => wanted,
        Err(response) => return response,
    };
    let done = shared
        .lab
        .with(|lab| lab.set_vm_power(&wanted.vm, wanted.site.as_deref(), wanted.power));
    changed(done.map(|(vm, before)| {
        json!({ "vm": vm.vm, "name": vm.name, "site": vm.site, "power": wanted.power, "before": before })
    }))
}

fn instance(shared: &Shared, request: &Request) -> Response {
    let form = r#"{"instance": ID or NAME, "power": "on" or "off"}"#;
    let wanted: InstancePower = match body(request, form) {
        Ok(wanted) => wanted,
        Err(response) => return response,
    };
    let done = shared
        .lab
        .with(|lab| lab.set_instance(&wanted.instance, wanted.power));
    changed(done.map(|(instance, before)| {
        json!({
            "instance": instance.instance,
            "name": instance.name,
            "region": instance.region,
            "power": wanted.power,
            "before": before.name(),
        })
    }))
}

fn changed(done: Result<Value, OperatorError>) -> Response {
    match done {
        Ok(answer) => Response::json(200, &answer),
        Err(wrong) => {
            let status = match wrong {
                OperatorError::Unknown(_) => 404,
                OperatorError::Ambiguous { .. } => 400,
                OperatorError::Refused(_) => 409,
            };
            error(status, wrong)
        }
    }
}

/// Follows a packet: `from` is `on-prem` or an address, `to` an address.
fn walk_packet(shared: &Shared, request: &Request) -> Response {
    let origin = request.param("from").unwrap_or("on-prem").parse::<Origin>();
    let origin = match origin {
        Ok(origin) => origin,
        Err(wrong) => return error(400, Message::new("lab-bad-from").with("problem", wrong)),
    };
    let Some(to) = request
        .param("to")
        .and_then(|to| to.parse::<Ipv4Addr>().ok())
    else {
        return error(400, Message::new("lab-bad-to"));
    };
    let walk = walk::walk(&shared.lab.present(), origin, to);
    match serde_json::to_value(&walk) {
        Ok(walk) => Response::json(200, &walk),
        Err(wrong) => error(500, wrong),
    }
}

fn error(status: u16, message: impl Display) -> Response {
    Response::json(status, &json!({ "error": message.to_string() }))
}
