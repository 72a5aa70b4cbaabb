//! v4 answers: envelope, type tags, ETags, errors (Prism reference §1.1–1.4).

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::http::Request;
use crate::http::Response;
use crate::prism::model::Failure;

/// Result of every handler: a response, or the error to answer.
pub type Answer = Result<Response, Problem>;

/// An authenticated request: its namespace, minor and the rest of its path.
#[derive(Debug)]
pub struct Call<'a> {
    /// The request.
    pub request: &'a Request,
    /// `vmm`, `networking`, …
    pub namespace: &'static str,
    /// Minor version in the path.
    pub minor: u32,
    /// Path after the version.
    pub path: Vec<&'a str>,
}

impl Call<'_> {
    /// Returns the body as JSON.
    ///
    /// # Errors
    /// 400 when it is missing or not a JSON object.
    pub fn body(&self) -> Result<Map<String, Value>, Problem> {
        match self.optional_body()? {
            Some(body) => Ok(body),
            None => Err(Problem::schema("body", "request body is missing")),
        }
    }

    /// Returns the body as JSON, `None` when it is empty.
    ///
    /// # Errors
    /// 400 when it is not empty and not a JSON object.
    pub fn optional_body(&self) -> Result<Option<Map<String, Value>>, Problem> {
        if self.request.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(body)) => Ok(Some(body)),
            Ok(_) => Err(Problem::schema("body", "must be a JSON object")),
            Err(error) => Err(Problem::schema("body", &format!("malformed JSON: {error}"))),
        }
    }

    /// Returns the `$reserved` member that every object has.
    pub fn reserved(&self) -> Value {
        json!({"$fv": format!("v4.r{}", self.minor)})
    }

    /// Adds type and version to an object.
    pub fn tag(&self, object_type: &str, mut object: Value) -> Value {
        if let Value::Object(map) = &mut object {
            map.insert("$objectType".to_owned(), json!(object_type));
            map.insert("$reserved".to_owned(), self.reserved());
        }
        object
    }

    /// Answers one entity with its ETag.
    pub fn entity(&self, status: u16, entity: Value, etag: Option<&str>) -> Response {
        let mut body = json!({
            "metadata": {
                "flags": [flag("hasError", false), flag("isPaginated", false)],
                "links": [{"href": format!("{}{}", self.request.base, self.request.path), "rel": "self"}],
            },
        });
        body["data"] = entity;
        let response = Response::json(status, &body);
        match etag {
            Some(etag) => response.with_header("ETag", etag),
            None => response,
        }
    }

    /// Answers 202 with a task reference.
    pub fn task(&self, task: &str) -> Response {
        let ext_id = super::tasks::ext_id(task);
        let href = format!(
            "{}/api/prism/v4.{}/config/tasks/{ext_id}",
            self.request.base, self.minor
        );
        Response::json(
            202,
            &json!({
                "data": self.tag("prism.v4.config.TaskReference", json!({"extId": ext_id})),
                "metadata": {
                    "flags": [flag("hasError", false), flag("isPaginated", false)],
                    "links": [{"href": href, "rel": "self"}],
                },
            }),
        )
    }

    /// Checks `If-Match` against the current ETags.
    ///
    /// # Errors
    /// 428 when it is missing and required, 412 when it matches none of them.
    pub fn if_match(&self, etags: &[String]) -> Result<(), Problem> {
        match self.request.header("if-match") {
            Some(given) if etags.iter().any(|etag| etag == given) => Ok(()),
            Some(_) => Err(Problem::stale()),
            None if etag_is_required(self.namespace, &self.request.method) => {
                Err(Problem::unconditional())
            }
            None => Ok(()),
        }
    }
}

/// Whether a call on an existing entity is refused without `If-Match`.
///
/// Assumption: vmm always requires it. In other namespaces a whole-object PUT requires it, while DELETE and actions only check it
/// when it is sent: the official Terraform provider deletes subnets, VPCs and policies without it (memory).
fn etag_is_required(namespace: &str, method: &str) -> bool {
    namespace == "vmm" || method == "PUT"
}

/// Returns the ETag of an entity at a version: opaque, and different after every change.
pub fn etag(id: &str, version: u64) -> String {
    let opaque = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        format!("etag {id} {version}").as_bytes(),
    );
    format!("\"{}\"", opaque.simple())
}

/// Returns one metadata flag.
pub fn flag(name: &str, value: bool) -> Value {
    json!({"$objectType": "common.v1.config.Flag", "name": name, "value": value})
}

/// An error that is answered at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Error code, such as `VMM-30303`; empty for the general code of the namespace.
    pub code: String,
    /// Error group, such as `VM_ETAG_MISMATCH`.
    pub group: &'static str,
    /// Message.
    pub message: String,
    /// The attribute that violates the schema.
    pub attribute: Option<String>,
}

impl Problem {
    /// Creates an error.
    pub fn new(status: u16, group: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: String::new(),
            group,
            message: message.into(),
            attribute: None,
        }
    }

    /// Creates a 400: the body or a parameter does not match the schema.
    pub fn schema(attribute: &str, message: &str) -> Self {
        Self {
            attribute: Some(attribute.to_owned()),
            ..Self::new(400, "SCHEMA_VALIDATION", message)
        }
    }

    /// Creates a 400: the schema matches, but an argument is wrong.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// Creates a 404 for an entity.
    pub fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            404,
            "ENTITY_NOT_FOUND",
            format!("{kind} with extId {id} was not found"),
        )
    }

    /// Creates a 404 for a path without an API.
    pub fn no_route(path: &str) -> Self {
        Self::new(404, "API_NOT_FOUND", format!("no such API: {path}"))
    }

    /// Creates a 405.
    pub fn method(method: &str) -> Self {
        Self::new(
            405,
            "METHOD_NOT_ALLOWED",
            format!("method {method} is not supported here"),
        )
    }

    /// Creates a 409: the request conflicts with other state.
    pub fn conflict(group: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, group, message)
    }

    fn stale() -> Self {
        Self::new(
            412,
            "ETAG_MISMATCH",
            "If-Match header value passed is stale: the entity has changed since it was read",
        )
    }

    fn unconditional() -> Self {
        Self::new(
            428,
            "ETAG_REQUIRED",
            "If-Match header is required for this operation",
        )
    }

    /// Returns the error body of a namespace (Prism reference §1.4).
    pub fn response(self, namespace: &'static str, minor: u32, request: &Request) -> Response {
        let reserved = json!({"$fv": format!("v4.r{minor}")});
        let error = match &self.attribute {
            Some(attribute) => json!({
                "$objectType": format!("{namespace}.v4.error.SchemaValidationError"),
                "$reserved": reserved,
                "statusCode": self.status,
                "error": "Bad Request",
                "path": request.path,
                "validationErrorMessages": [{
                    "$objectType": format!("{namespace}.v4.error.SchemaValidationErrorMessage"),
                    "location": "request",
                    "message": self.message,
                    "attributePath": attribute,
                }],
            }),
            None => json!([app_message(
                namespace,
                &self.code(namespace),
                self.group(namespace),
                &self.message,
                minor
            )]),
        };
        Response::json(
            self.status,
            &json!({
                "data": {
                    "$objectType": format!("{namespace}.v4.error.ErrorResponse"),
                    "$reserved": reserved,
                    "error": error,
                },
                "metadata": {"flags": [flag("hasError", true), flag("isPaginated", false)]},
            }),
        )
    }

    /// Returns the error code. Only `VMM-30303`, for a stale VM ETag, is known; all others are built from namespace and status
    /// (inferred).
    fn code(&self, namespace: &str) -> String {
        if !self.code.is_empty() {
            return self.code.clone();
        }
        if namespace == "vmm" && self.group == "ETAG_MISMATCH" {
            return "VMM-30303".to_owned();
        }
        format!("{}-40{}", code_prefix(namespace), self.status)
    }

    fn group(&self, namespace: &str) -> &str {
        if namespace == "vmm" && self.group == "ETAG_MISMATCH" {
            "VM_ETAG_MISMATCH"
        } else {
            self.group
        }
    }
}

fn code_prefix(namespace: &str) -> &'static str {
    match namespace {
        "vmm" => "VMM",
        "networking" => "NET",
        "datapolicies" => "DPOL",
        "dataprotection" => "DPRO",
        _ => "PRISM",
    }
}

/// Returns an `AppMessage` of a namespace.
pub fn app_message(namespace: &str, code: &str, group: &str, message: &str, minor: u32) -> Value {
    json!({
        "$objectType": format!("{namespace}.v4.error.AppMessage"),
        "$reserved": {"$fv": format!("v4.r{minor}")},
        "message": message,
        "severity": "ERROR",
        "code": code,
        "locale": "en-US",
        "errorGroup": group,
        "argumentsMap": {},
    })
}

impl Failure {
    /// Creates a failure that is reported in the task.
    pub fn new(code: &'static str, group: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            group,
            message: message.into(),
        }
    }
}
