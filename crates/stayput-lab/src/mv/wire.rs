//! Common parts of requests and answers.
//!
//! Keys of requests are matched without regard to case; answers are PascalCase (Move reference §1).

use serde_json::Value as Json;
use serde_json::json;

use crate::http::Request;
use crate::http::Response;

/// Version the appliance reports.
pub const VERSION: &str = "5.2.0";
/// Move's error number for a test network that equals the target network.
pub const SAME_TEST_NETWORK: i64 = 20_538;

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    body: Json,
}

impl Answer {
    /// Creates an answer with status 200.
    pub fn ok(body: Json) -> Self {
        Self { status: 200, body }
    }

    /// Changes the status to 201.
    pub fn into_created(self) -> Self {
        Self {
            status: 201,
            ..self
        }
    }

    /// Creates an answer with status 201.
    pub fn created(body: Json) -> Self {
        Self { status: 201, body }
    }

    /// Creates an answer with status 202.
    pub fn accepted() -> Self {
        Self {
            status: 202,
            body: json!({}),
        }
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self::json(answer.status, &answer.body)
    }
}

/// An error: status, message, and for some errors Move's error number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Message.
    pub message: String,
    /// Move's error number. Its key in JSON, `Code`, is (inferred).
    pub code: Option<i64>,
}

impl Fault {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            code: None,
        }
    }

    /// Creates a 401.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    /// Creates a 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// Creates a 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// Creates a 422.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, message)
    }

    /// Adds Move's error number.
    pub fn numbered(mut self, code: i64) -> Self {
        self.code = Some(code);
        self
    }
}

impl From<Fault> for Response {
    fn from(fault: Fault) -> Self {
        Self::json(fault.status, &error_body(&fault.message, fault.code))
    }
}

/// Returns the body of an error.
pub fn error_body(message: &str, code: Option<i64>) -> Json {
    let mut body = json!({ "Message": message });
    if let Some(code) = code {
        body["Code"] = json!(code);
    }
    body
}

/// Returns the body as JSON; an absent body counts as empty.
pub fn body(request: &Request) -> Result<Json, Fault> {
    if request.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| Fault::unprocessable(format!("the body is not valid JSON: {error}")))
}

/// Returns a member, without regard to case. An exact match has priority.
pub fn field<'a>(value: &'a Json, name: &str) -> Option<&'a Json> {
    let members = value.as_object()?;
    members
        .get(name)
        .or_else(|| {
            members
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
        .filter(|value| !value.is_null())
}

/// Returns a member of a member, and so on.
pub fn at<'a>(value: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter()
        .try_fold(value, |value, name| field(value, name))
}

/// Returns a string at a path; an empty string counts as absent.
pub fn text<'a>(value: &'a Json, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// Returns a string that is required.
pub fn need<'a>(value: &'a Json, path: &[&str]) -> Result<&'a str, Fault> {
    text(value, path).ok_or_else(|| Fault::unprocessable(format!("{} is missing", path.join("."))))
}

/// Returns a list at a path; an absent list counts as empty.
pub fn list<'a>(value: &'a Json, path: &[&str]) -> &'a [Json] {
    at(value, path)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Returns the `Spec` of a body.
pub fn spec(body: &Json) -> Result<&Json, Fault> {
    field(body, "Spec").ok_or_else(|| Fault::unprocessable("Spec is missing"))
}

/// Encodes a list as Move does: `null` when empty.
pub fn null_if_empty(list: Vec<Json>) -> Json {
    if list.is_empty() {
        Json::Null
    } else {
        Json::from(list)
    }
}
