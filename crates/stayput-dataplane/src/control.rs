//! The data plane of a running lab, and its part of the control API.
//!
//! `GET /kernel`, `GET /kernel/changes`, `POST /kernel/probe {"targets": [A, …], "interval_ms": n}`, `GET /kernel/probe`, `POST
//! /kernel/probe/stop`.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use stayput_lab::DataPlane;
use stayput_lab::http::Request;
use stayput_lab::http::Response;
use stayput_lab::state::LabState;

use crate::layout::NodeId;
use crate::linux::Plane;
use crate::linux::Prober;
use crate::privilege::Privilege;
use crate::report::Changes;
use crate::report::Status;

/// The shortest interval of a prober.
const MIN_INTERVAL_MS: u64 = 1;
/// The longest interval of a prober.
const MAX_INTERVAL_MS: u64 = 10_000;
/// Packets a prober may send in a second, over all addresses.
const MAX_RATE: u64 = 20_000;

/// A lab's data plane in the kernel of this machine. Its namespaces end when it is dropped.
#[derive(Debug)]
pub struct Kernel(Mutex<Running>);

#[derive(Debug)]
struct Running {
    plane: Plane,
    prober: Option<Prober>,
}

/// Body of `POST /kernel/probe`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    targets: Vec<Ipv4Addr>,
    interval_ms: u64,
}

impl Kernel {
    /// Builds the data plane for the lab's current state.
    ///
    /// # Errors
    /// When no thread can be started, or with the first operation that the kernel refused.
    pub fn start(privilege: Privilege, lab: &LabState) -> io::Result<Self> {
        let mut plane = Plane::new(privilege)?;
        plane.follow(lab);
        if let Some(failure) = plane.failures().first() {
            return Err(io::Error::other(failure.clone()));
        }
        Ok(Self(Mutex::new(Running {
            plane,
            prober: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DataPlane for Kernel {
    fn follow(&self, lab: &LabState) {
        self.lock().plane.follow(lab);
    }

    fn stop(&self) {
        let mut running = self.lock();
        running.prober = None;
        running.plane.clear();
    }

    fn handle(&self, request: &Request) -> Response {
        let mut running = self.lock();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/kernel") => running.status(),
            ("GET", "/kernel/changes") => said(&Changes {
                changes: running.plane.changes().to_vec(),
            }),
            ("POST", "/kernel/probe") => running.probe(&request.body),
            ("GET", "/kernel/probe") => running.report(),
            ("POST", "/kernel/probe/stop") => {
                if let Some(prober) = &running.prober {
                    prober.stop();
                }
                running.report()
            }
            (_, "/kernel" | "/kernel/changes" | "/kernel/probe" | "/kernel/probe/stop") => {
                error(405, "this path does not support that method")
            }
            _ => error(
                404,
                "the paths are /kernel, /kernel/changes, /kernel/probe and /kernel/probe/stop",
            ),
        }
    }
}

impl Running {
    fn status(&mut self) -> Response {
        let swallowed = self.plane.router_drops();
        let layout = self.plane.layout();
        said(&Status {
            privilege: self.plane.privilege().to_string(),
            namespaces: layout.nodes.len(),
            links: layout.links.len(),
            prober: layout.prober,
            failures: self.plane.failures().to_vec(),
            delay_us: self.plane.delays(),
            swallowed,
        })
    }

    fn probe(&mut self, body: &[u8]) -> Response {
        let wanted = match serde_json::from_slice::<Probe>(body) {
            Ok(wanted) => wanted,
            Err(wrong) => {
                let form = r#"the body must be {"targets": [ADDRESS, …], "interval_ms": n}"#;
                return error(400, &format!("{form}: {wrong}"));
            }
        };
        if !(MIN_INTERVAL_MS..=MAX_INTERVAL_MS).contains(&wanted.interval_ms) {
            return error(
                400,
                &format!("`interval_ms` must be from {MIN_INTERVAL_MS} to {MAX_INTERVAL_MS}"),
            );
        }
        let mut targets = wanted.targets;
        targets.sort_unstable();
        targets.dedup();
        let rate = targets.len() as u64 * 1000 / wanted.interval_ms;
        if targets.is_empty() || rate > MAX_RATE {
            return error(
                400,
                &format!(
                    "`targets` must not be empty, and the packets must not exceed {MAX_RATE} a second"
                ),
            );
        }
        let Some(prober) = self.plane.layout().prober else {
            return error(409, "on-prem has no address to send from");
        };
        let clock = self.plane.clock();
        let interval = Duration::from_millis(wanted.interval_ms);
        let started = self
            .plane
            .socket(&NodeId::OnPrem, prober)
            .and_then(|socket| Prober::start(socket, clock, targets, interval));
        match started {
            Ok(prober) => {
                self.prober = Some(prober);
                self.report()
            }
            Err(wrong) => error(500, &format!("the prober cannot start: {wrong}")),
        }
    }

    fn report(&self) -> Response {
        match self.prober.as_ref().map(Prober::report) {
            Some(report) => said(&report),
            None => error(404, "no prober runs; POST /kernel/probe starts one"),
        }
    }
}

fn said<T: Serialize>(what: &T) -> Response {
    match serde_json::to_value(what) {
        Ok(what) => Response::json(200, &what),
        Err(wrong) => error(500, &wrong.to_string()),
    }
}

fn error(status: u16, message: &str) -> Response {
    Response::json(status, &json!({ "error": message }))
}
