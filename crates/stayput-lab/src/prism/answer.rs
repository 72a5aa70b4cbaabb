//! How v4 answers look: envelope, type tags, ETags, errors (Prism reference §1.1–1.4).

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::http::Request;
use crate::http::Response;
use crate::prism::model::Failure;

/// What every handler gives back: a response, or why not.
pub type Answer = Result<Response, Problem>;

/// A request that has been let in: its namespace, minor and what follows in the path.
#[derive(Debug)]
pub struct Call<'a> {
    /// The request itself.
    pub request: &'a Request,
    /// `vmm`, `networking`, …
    pub namespace: &'static str,
    /// Minor asked for in the path.
    pub minor: u32,
    /// Path after the version.
    pub path: Vec<&'a str>,
}

impl Call<'_> {
    /// The body as JSON.
    ///
    /// # Errors
    /// 400 when it is missing or no JSON object.
    pub fn body(&self) -> Result<Map<String, Value>, Problem> {
        match self.optional_body()? {
            Some(body) => Ok(body),
            None => Err(Problem::schema("body", "request body is missing")),
        }
    }

    /// The body as JSON, `None` when it is empty.
    ///
    /// # Errors
    /// 400 when there is one that is no JSON object.
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

    /// The `$reserved` every object carries.
    pub fn reserved(&self) -> Value {
        json!({"$fv": format!("v4.r{}", self.minor)})
    }

    /// Marks an object with its type and version.
    pub fn tag(&self, object_type: &str, mut object: Value) -> Value {
        if let Value::Object(map) = &mut object {
            map.insert("$objectType".to_owned(), json!(object_type));
            map.insert("$reserved".to_owned(), self.reserved());
        }
        object
    }

    /// One entity with its ETag.
    pub fn entity(&self, status: u16, entity: Value, etag: Option<&str>) -> Response {
        let response = Response::json(
            status,
            &json!({
                "data": entity,
                "metadata": {
                    "flags": [flag("hasError", false), flag("isPaginated", false)],
                    "links": [{"href": format!("{}{}", self.request.base, self.request.path), "rel": "self"}],
                },
            }),
        );
        match etag {
            Some(etag) => response.with_header("ETag", etag),
            None => response,
        }
    }

    /// 202 with a task reference.
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

    /// Checks `If-Match` against the ETags that would be right now.
    ///
    /// # Errors
    /// 428 when it is missing and required, 412 when it is none of them.
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
/// Belief: vmm always wants it. Elsewhere a whole-object PUT does, while DELETE and actions only check it when it is sent:
/// the official Terraform provider deletes subnets, VPCs and policies without (memory).
fn etag_is_required(namespace: &str, method: &str) -> bool {
    namespace == "vmm" || method == "PUT"
}

/// The ETag of an entity at a version: opaque, another after every change.
pub fn etag(id: &str, version: u64) -> String {
    let opaque = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        format!("etag {id} {version}").as_bytes(),
    );
    format!("\"{}\"", opaque.simple())
}

/// One metadata flag.
pub fn flag(name: &str, value: bool) -> Value {
    json!({"$objectType": "common.v1.config.Flag", "name": name, "value": value})
}

/// Why a request is refused at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Such as `VMM-30303`; empty takes the namespace's general one.
    pub code: String,
    /// Such as `VM_ETAG_MISMATCH`.
    pub group: &'static str,
    /// In words.
    pub message: String,
    /// The attribute a schema violation is at.
    pub attribute: Option<String>,
}

impl Problem {
    /// A refusal.
    pub fn new(status: u16, group: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: String::new(),
            group,
            message: message.into(),
            attribute: None,
        }
    }

    /// 400: the body or a parameter is not what the schema says.
    pub fn schema(attribute: &str, message: &str) -> Self {
        Self {
            attribute: Some(attribute.to_owned()),
            ..Self::new(400, "SCHEMA_VALIDATION", message)
        }
    }

    /// 400: an argument is wrong although the schema holds.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// 404 for an entity.
    pub fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            404,
            "ENTITY_NOT_FOUND",
            format!("{kind} with extId {id} was not found"),
        )
    }

    /// 404 for a path nobody serves.
    pub fn no_route(path: &str) -> Self {
        Self::new(404, "API_NOT_FOUND", format!("no such API: {path}"))
    }

    /// 405.
    pub fn method(method: &str) -> Self {
        Self::new(
            405,
            "METHOD_NOT_ALLOWED",
            format!("method {method} is not supported here"),
        )
    }

    /// 409: something else is in the way.
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

    /// The error body of a namespace (Prism reference §1.4).
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

    /// Known: the stale VM ETag is `VMM-30303`. All other codes are made from namespace and status (inferred).
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

/// An `AppMessage` of a namespace.
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
    /// A failure that surfaces in the task.
    pub fn new(code: &'static str, group: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            group,
            message: message.into(),
        }
    }
}
