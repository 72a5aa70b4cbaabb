//! Errors as the real services answer them (AWS reference §1.4–1.5, Prism reference §1 and §1.4, Move reference §1).

use super::call::Call;
use super::rule::Refusal;
use crate::aws::json;
use crate::aws::query;
use crate::aws::sts;
use crate::gate::Service;
use crate::http::Request;
use crate::http::Response;
use crate::mv;
use crate::prism;
use crate::state::LabState;

/// A service error: HTTP status, code, message.
struct Error<'a> {
    status: u16,
    code: &'a str,
    message: &'a str,
}

/// Returns the answer of a refusal.
pub(crate) fn refuse(
    lab: &mut LabState,
    (service, call, request): (Service, &Call, &Request),
    refusal: &Refusal,
) -> Response {
    let (code, message) = usual(&call.service, refusal.status);
    let error = Error {
        status: refusal.status,
        code: refusal.code.as_deref().unwrap_or(code),
        message: refusal.message.as_deref().unwrap_or(message),
    };
    let response = render(lab, (service, call, request), &error);
    with_retry_after(response, refusal.retry_after)
}

/// Returns the service's error for too many requests.
pub(crate) fn throttle(
    lab: &mut LabState,
    (service, call, request): (Service, &Call, &Request),
    retry_after: Option<u32>,
) -> Response {
    let (status, code, message) = match call.service.as_str() {
        "ec2" => (503, "RequestLimitExceeded", "Request limit exceeded."),
        "sts" | "aws" => (400, "Throttling", "Rate exceeded"),
        "prism" | "move" => (429, "", "Too many requests"),
        _ => (400, "ThrottlingException", "Rate exceeded"),
    };
    let error = Error {
        status,
        code,
        message,
    };
    let response = render(lab, (service, call, request), &error);
    with_retry_after(response, retry_after)
}

/// Returns the answer of AWS to expired temporary credentials, and of Prism Central to a session that has ended.
pub(crate) fn expired(
    lab: &mut LabState,
    (service, call, request): (Service, &Call, &Request),
) -> Response {
    let token = "The security token included in the request is expired";
    let (status, code, message) = match call.service.as_str() {
        "ec2" => (400, "RequestExpired", "Request has expired."),
        "sts" | "aws" => (403, "ExpiredToken", token),
        "prism" | "move" => (401, "", "Authentication required"),
        _ => (400, "ExpiredTokenException", token),
    };
    let error = Error {
        status,
        code,
        message,
    };
    let response = render(lab, (service, call, request), &error);
    match service {
        Service::Prism(_) => {
            response.with_header("WWW-Authenticate", "Basic realm=\"Prism Central\"")
        }
        Service::Aws | Service::Move(_) => response,
    }
}

fn with_retry_after(response: Response, seconds: Option<u32>) -> Response {
    match seconds {
        Some(seconds) => response.with_header("Retry-After", seconds.to_string()),
        None => response,
    }
}

/// Returns code and message of a service for a status.
fn usual(service: &str, status: u16) -> (&'static str, &'static str) {
    match (service, status) {
        ("prism", _) => ("", prism_message(status)),
        ("move", _) => ("", "the request was refused"),
        ("ec2", 500) => ("InternalError", "An internal error has occurred"),
        ("ec2", 503) => (
            "Unavailable",
            "The service is unavailable. Please try again shortly.",
        ),
        ("ec2", 403) => (
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        ),
        ("ec2", 500..) => ("InternalError", "An internal error has occurred"),
        ("ec2", _) => (
            "OperationNotPermitted",
            "The operation is not permitted in the current state.",
        ),
        ("sts" | "aws", 500..) => ("ServiceUnavailable", "Service is unavailable"),
        ("sts" | "aws", _) => ("AccessDenied", "Access denied"),
        (_, 503) => (
            "ServiceUnavailableException",
            "Service is unable to handle request.",
        ),
        (_, 500..) => ("InternalServerError", "Internal server error"),
        (_, 403) => ("AccessDeniedException", "Access denied"),
        (_, _) => ("ValidationException", "The request was refused."),
    }
}

fn prism_message(status: u16) -> &'static str {
    match status {
        401 => "Authentication required",
        403 => "Access is denied",
        404 => "The entity was not found",
        409 => "The request conflicts with the state of the entity",
        412 => "If-Match header value passed is stale: the entity has changed since it was read",
        429 => "Too many requests",
        500..600 => "The service is temporarily unavailable",
        _ => "The request was refused",
    }
}

fn render(
    lab: &mut LabState,
    (service, call, request): (Service, &Call, &Request),
    error: &Error<'_>,
) -> Response {
    match service {
        Service::Aws if request.header("x-amz-target").is_some() => {
            let id = lab.uuid();
            let dynamo = call.service == "dynamodb";
            let response = json::error(error.status, error.code, error.message, dynamo);
            response.with_header("x-amzn-requestid", id)
        }
        Service::Aws => {
            let id = lab.uuid();
            if call.service == "ec2" {
                query::ec2_error(error.status, error.code, error.message, &id)
            } else {
                query::plain_error(error.status, error.code, error.message, sts::NAMESPACE, &id)
            }
        }
        Service::Prism(_) => prism::error(request, error.status, error.code, error.message),
        Service::Move(_) => Response::json(error.status, &mv::error_body(error.message, None)),
    }
}
