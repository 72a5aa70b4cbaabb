//! Systems other than Linux: no data plane.

use std::io;

use stayput_lab::DataPlane;
use stayput_lab::http::Request;
use stayput_lab::http::Response;
use stayput_lab::state::LabState;

use crate::privilege::Privilege;

/// Has no value: the data plane needs Linux.
#[derive(Debug)]
pub enum Kernel {}

impl Kernel {
    /// Never called: [`crate::enter`] returns no [`Privilege`] here.
    ///
    /// # Errors
    /// Always.
    pub fn start(_: Privilege, _: &LabState) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl DataPlane for Kernel {
    fn follow(&self, _: &LabState) {
        match *self {}
    }

    fn stop(&self) {
        match *self {}
    }

    fn handle(&self, _: &Request) -> Response {
        match *self {}
    }
}
