//! The emulated Move appliance.

pub mod model;

use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// Something Move does on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A VM of a plan goes to its next phase: plan, VM.
    Phase(String, String),
}

/// Answers one request to the Move appliance with this index.
pub fn handle(_lab: &mut LabState, _mv: usize, _request: &Request) -> Response {
    Response::empty(501)
}

/// Runs an event that is due.
pub fn handle_event(_lab: &mut LabState, _mv: usize, _event: Event) {}
