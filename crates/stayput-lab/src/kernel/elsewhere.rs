//! Systems other than Linux: no data plane.

use std::io;

use super::privilege::Privilege;
use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// Has no value: the data plane needs Linux.
#[derive(Debug)]
pub(crate) enum Kernel {}

impl Kernel {
    /// Never called: a [`Privilege`] has no value here.
    pub(crate) fn start(_: Privilege, _: &LabState) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called.
    pub(crate) fn follow(&self, _: &LabState) {
        match *self {}
    }

    /// Never called.
    pub(crate) fn stop(&self) {
        match *self {}
    }

    /// Never called.
    pub(crate) fn handle(&self, _: &Request) -> Response {
        match *self {}
    }
}
