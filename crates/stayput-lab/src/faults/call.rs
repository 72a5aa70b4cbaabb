//! What a request calls: the names that rules and policies use.

use serde_json::Value as Json;

use super::form::CallKind;
use crate::aws::query::Params;
use crate::gate::Service;
use crate::http::Request;
use crate::state::LabState;

/// One request, described for rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `ec2`, `ssm`, `dynamodb`, `sts`, `directconnect`, `aws` (another service of AWS), `prism` or `move`.
    pub service: String,
    /// Site of the Prism Central or the Move appliance.
    pub site: Option<String>,
    /// Region that the call is signed for, or in which the site is.
    pub region: Option<String>,
    /// AWS action, or `METHOD /path` with `{id}` instead of ids.
    pub name: String,
    /// Whether it changes anything.
    pub kind: CallKind,
}

impl Call {
    /// Describes a request. It is not verified: a rule also applies to a call with a wrong signature.
    pub fn of(lab: &LabState, service: Service, request: &Request) -> Self {
        match service {
            Service::Aws => aws(request),
            Service::Prism(index) => {
                let pc = lab.pcs.get(index);
                Self {
                    service: "prism".to_owned(),
                    site: pc.map(|pc| pc.name.clone()),
                    region: pc.map(|pc| pc.aws.0.clone()),
                    name: path_name(request),
                    kind: match request.method.as_str() {
                        "GET" | "HEAD" | "OPTIONS" => CallKind::Read,
                        _ => CallKind::Change,
                    },
                }
            }
            Service::Move(index) => {
                let pc = lab.moves.get(index).and_then(|mv| lab.pcs.get(mv.pc));
                Self {
                    service: "move".to_owned(),
                    site: pc.map(|pc| pc.name.clone()),
                    region: pc.map(|pc| pc.aws.0.clone()),
                    name: path_name(request),
                    kind: move_kind(request),
                }
            }
        }
    }

    /// Whether reads of this call see the same stored objects as that one: same service, site and region.
    pub(super) fn sees_what(&self, other: &Self) -> bool {
        (&self.service, &self.site, &self.region) == (&other.service, &other.site, &other.region)
    }
}

fn aws(request: &Request) -> Call {
    let region = scope(request).and_then(|mut scope| scope.nth(REGION_OF_SCOPE));
    let (service, name, dry_run) = match request.header("x-amz-target") {
        Some(target) => {
            let (prefix, operation) = target.split_once('.').unwrap_or(("", target));
            let service = match prefix {
                "DynamoDB_20120810" => "dynamodb",
                "AmazonSSM" => "ssm",
                "OvertureService" => "directconnect",
                _ => "aws",
            };
            (service, operation.to_owned(), false)
        }
        None => {
            let params = Params::of(request);
            let service = match signed_service(request) {
                Some("ec2") => "ec2",
                Some("sts") => "sts",
                Some(_) | None => "aws",
            };
            let action = params.get("Action").unwrap_or_default().to_owned();
            (service, action, params.get("DryRun") == Some("true"))
        }
    };
    let reads = [
        "Describe",
        "Get",
        "List",
        "Search",
        "BatchGet",
        "TransactGet",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || ["Query", "Scan"].contains(&name.as_str());
    Call {
        service: service.to_owned(),
        site: None,
        region: region.map(str::to_owned),
        name,
        kind: if reads || dry_run {
            CallKind::Read
        } else {
            CallKind::Change
        },
    }
}

/// Position of the region in a credential scope.
const REGION_OF_SCOPE: usize = 2;
/// Position of the service.
const SERVICE_OF_SCOPE: usize = 3;

/// The scope a request is signed for: `KEY/DATE/REGION/SERVICE/aws4_request`.
fn scope(request: &Request) -> Option<std::str::Split<'_, char>> {
    let credential = request
        .header("authorization")?
        .split("Credential=")
        .nth(1)?;
    Some(credential.split('/'))
}

/// Returns the service that a request is signed for; the signature is not verified.
pub(crate) fn signed_service(request: &Request) -> Option<&str> {
    scope(request)?.nth(SERVICE_OF_SCOPE)
}

/// Returns `METHOD /path` with `{id}` for each segment that is an id.
pub fn path_name(request: &Request) -> String {
    let segments: Vec<&str> = request
        .path
        .split('/')
        .map(|segment| if is_id(segment) { "{id}" } else { segment })
        .collect();
    format!("{} {}", request.method, segments.join("/"))
}

/// Whether a segment of a path is a UUID, also after the service part of a task's id.
fn is_id(segment: &str) -> bool {
    let (_, id) = segment.rsplit_once(':').unwrap_or(("", segment));
    id.len() == 36 && uuid::Uuid::try_parse(id).is_ok()
}

fn move_kind(request: &Request) -> CallKind {
    let segments = request.segments();
    let path = segments.strip_prefix(&["move", "v2"]).unwrap_or(&segments);
    match (request.method.as_str(), path) {
        (_, ["token", ..] | ["users", "login"]) => CallKind::Session,
        ("GET", _) | ("POST", ["events"] | [.., "list" | "readiness" | "refresh"]) => {
            CallKind::Read
        }
        _ => CallKind::Change,
    }
}

/// Whether the path, the parameters or the body of a request contain a text.
pub(super) fn mentions(request: &Request, wanted: &str) -> bool {
    if request.path.contains(wanted) {
        return true;
    }
    let is_form = request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let form = form_urlencoded::parse(if is_form { &request.body } else { &[] }).into_owned();
    let mut params = request.query.iter().cloned().chain(form);
    if params.any(|(name, value)| name.contains(wanted) || value.contains(wanted)) {
        return true;
    }
    let body = String::from_utf8_lossy(&request.body);
    // A text inside JSON may be escaped, such as `\/`; its values are compared as they are meant.
    body.contains(wanted)
        || serde_json::from_slice::<Json>(&request.body).is_ok_and(|body| holds(&body, wanted))
}

fn holds(value: &Json, wanted: &str) -> bool {
    match value {
        Json::String(text) => text.contains(wanted),
        Json::Array(items) => items.iter().any(|item| holds(item, wanted)),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(wanted) || holds(value, wanted)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
