//! The emulated AWS: EC2 and STS over the Query protocol, DynamoDB, SSM and Direct Connect over JSON.
//!
//! One endpoint serves all of it. A request with `X-Amz-Target` belongs to a JSON service, any other to a Query service. The
//! region, and which Query service it is, come from the scope that the client signed.

mod actors;
pub mod direct_connect;
pub mod dynamodb;
pub mod ec2;
#[cfg(test)]
pub(crate) mod fixture;
pub mod json;
pub mod model;
pub mod query;
pub mod routing;
pub mod sigv4;
pub mod ssm;
pub(crate) mod sts;
pub mod xml;

use serde_json::json;

pub use self::actors::nc2_route_tables;
pub use self::actors::set_nc2_route;
pub use self::actors::start_instance;
pub use self::actors::stop_instance;
use self::query::Fault;
use self::query::Params;
use self::sigv4::AuthError;
use self::sigv4::Scope;
use crate::faults::dynamodb_actions;
use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// A change that AWS makes without a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsEvent {
    /// An instance reaches its next state: region, instance.
    InstanceSettles(String, String),
    /// A terminated instance is no longer listed: region, instance.
    InstanceForgotten(String, String),
    /// A Transit Gateway attachment reaches its next state: region, attachment.
    AttachmentSettles(String, String),
    /// A deleted Transit Gateway attachment is no longer listed: region, attachment.
    AttachmentForgotten(String, String),
    /// An event of a JSON service.
    Json(json::JsonServiceEvent),
}

impl AwsEvent {
    /// Returns the region it happens in; `None` for the global services.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::InstanceSettles(region, _)
            | Self::InstanceForgotten(region, _)
            | Self::AttachmentSettles(region, _)
            | Self::AttachmentForgotten(region, _)
            | Self::Json(json::JsonServiceEvent::CommandEnds(region, _, _)) => Some(region),
            Self::Json(json::JsonServiceEvent::AssociationSettles(_)) => None,
        }
    }
}

/// Answers one request to the AWS endpoint.
pub fn handle(lab: &mut LabState, request: &Request) -> Response {
    let request_id = lab.uuid();
    let verified = sigv4::verify(request, &lab.aws.keys);
    if request.header("x-amz-target").is_some() {
        return match verified {
            Ok(scope) => match denied_json(lab, request, &scope) {
                Some(message) => {
                    let dynamo = json::is_dynamodb(request);
                    json::error(400, "AccessDeniedException", &message, dynamo)
                        .with_header("x-amzn-requestid", request_id)
                }
                None => json::handle(lab, request, &scope.region),
            },
            Err(error) => refuse_json(&error, &request_id),
        };
    }
    let params = Params::of(request);
    let scope = match verified {
        Ok(scope) => scope,
        Err(error) => {
            let service = sigv4::claimed_scope(request).map(|scope| scope.service);
            return refuse_query(&error, service.as_deref() == Some("sts"), &request_id);
        }
    };
    let action = params.get("Action").unwrap_or_default();
    if let Some(message) = denied(lab, &scope, &format!("{}:{action}", scope.service)) {
        return match scope.service.as_str() {
            "ec2" => Fault::with_status(403, "UnauthorizedOperation", message).ec2(&request_id),
            _ => {
                Fault::with_status(403, "AccessDenied", message).plain(sts::NAMESPACE, &request_id)
            }
        };
    }
    match scope.service.as_str() {
        "ec2" => ec2::handle(lab, params, &scope.region, &request_id),
        "sts" => sts::handle(lab, &params, &scope.key, &request_id),
        other => Fault::bad(
            "InvalidAction",
            format!("The lab has no service signed as '{other}' with the Query protocol."),
        )
        .plain(sts::NAMESPACE, &request_id),
    }
}

/// Returns IAM's message when the caller's policy does not allow an action.
fn denied(lab: &LabState, scope: &Scope, action: &str) -> Option<String> {
    let denial = lab.policy.denial(action)?;
    let prefix = match scope.service.as_str() {
        "ec2" => "You are not authorized to perform this operation. ",
        _ => "",
    };
    Some(format!(
        "{prefix}User: arn:aws:iam::{}:user/{} is not authorized to perform: {action} {}",
        lab.aws.account,
        scope.key,
        denial.because(action)
    ))
}

/// The same for an operation of a JSON service.
fn denied_json(lab: &LabState, request: &Request, scope: &Scope) -> Option<String> {
    let target = request.header("x-amz-target").unwrap_or_default();
    let (_, operation) = target.split_once('.').unwrap_or(("", target));
    let actions = if json::is_dynamodb(request) {
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        dynamodb_actions(operation, &body)
    } else {
        vec![format!("{}:{operation}", scope.service)]
    };
    actions.iter().find_map(|action| denied(lab, scope, action))
}

fn refuse_query(error: &AuthError, sts: bool, request_id: &str) -> Response {
    let (status, code) = match error {
        AuthError::Missing => (403, "MissingAuthenticationToken"),
        AuthError::Incomplete(_) => (403, "IncompleteSignature"),
        AuthError::UnknownKey if sts => (403, "InvalidClientTokenId"),
        AuthError::UnknownKey => (401, "AuthFailure"),
        AuthError::Mismatch => (403, "SignatureDoesNotMatch"),
    };
    let fault = Fault::with_status(status, code, error.to_string());
    if sts {
        fault.plain(sts::NAMESPACE, request_id)
    } else {
        fault.ec2(request_id)
    }
}

fn refuse_json(error: &AuthError, request_id: &str) -> Response {
    let kind = match error {
        AuthError::Missing => "MissingAuthenticationTokenException",
        AuthError::Incomplete(_) => "IncompleteSignatureException",
        AuthError::UnknownKey => "UnrecognizedClientException",
        AuthError::Mismatch => "InvalidSignatureException",
    };
    Response::json(
        400,
        &json!({
            "__type": format!("com.amazon.coral.service#{kind}"),
            "message": error.to_string(),
        }),
    )
    .with_header("x-amzn-requestid", request_id)
}

/// Runs a due event.
pub fn handle_event(lab: &mut LabState, event: AwsEvent) {
    match event {
        AwsEvent::InstanceSettles(region, id) => actors::instance_settles(lab, &region, &id),
        AwsEvent::InstanceForgotten(region, id) => {
            if let Some(state) = lab.aws.regions.get_mut(&region) {
                state.instances.remove(&id);
            }
        }
        AwsEvent::AttachmentSettles(region, id) => ec2::attachment_settles(lab, &region, &id),
        AwsEvent::AttachmentForgotten(region, id) => {
            if let Some(state) = lab.aws.regions.get_mut(&region) {
                state.attachments.remove(&id);
            }
        }
        AwsEvent::Json(event) => json::handle_event(lab, event),
    }
}
