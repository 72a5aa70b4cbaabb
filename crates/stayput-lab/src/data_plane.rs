//! What carries packets in a lab that does more than compute their paths.

use std::fmt;

use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// A data plane: it makes the state of a lab true for real packets.
///
/// Its methods are called from several threads. What it cannot apply it records, and reports in its answers: this never stops the
/// lab.
pub trait DataPlane: fmt::Debug + Send + Sync {
    /// Applies what has changed in the lab, if anything has. The state is locked meanwhile: no client gets an answer to a change
    /// before this has returned, and it must not call the lab.
    fn follow(&self, lab: &LabState);

    /// Answers a request of the control API whose path is `/kernel` or below it. The lab has checked the token.
    fn handle(&self, request: &Request) -> Response;

    /// Removes the data plane, so that nothing of it is left when the lab reports that it has stopped.
    fn stop(&self);
}
