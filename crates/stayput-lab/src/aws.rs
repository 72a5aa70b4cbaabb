//! The emulated AWS: EC2 and STS over the Query protocol, DynamoDB, SSM and Direct Connect over JSON.

pub mod direct_connect;
pub mod dynamodb;
pub mod json;
pub mod model;
pub mod ssm;

use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// Something AWS does on its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// An instance reaches its next state: region, instance.
    InstanceSettles(String, String),
    /// Something of the JSON services.
    Json(json::Event),
}

/// Answers one request to the AWS endpoint.
pub fn handle(_lab: &mut LabState, _request: &Request) -> Response {
    Response::empty(501)
}

/// Runs an event that is due.
pub fn handle_event(lab: &mut LabState, event: Event) {
    match event {
        Event::InstanceSettles(_region, _instance) => {}
        Event::Json(event) => json::handle_event(lab, event),
    }
}
