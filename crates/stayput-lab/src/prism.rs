//! The emulated Prism Central.

pub mod effects;
pub mod model;

use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// Something a Prism Central does on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A task moves on: task uuid.
    Task(String),
}

/// Answers one request to the Prism Central with this index.
pub fn handle(_lab: &mut LabState, _pc: usize, _request: &Request) -> Response {
    Response::empty(501)
}

/// Runs an event that is due.
pub fn handle_event(_lab: &mut LabState, _pc: usize, _event: Event) {}
