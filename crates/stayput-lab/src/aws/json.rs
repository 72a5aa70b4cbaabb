//! The JSON services of AWS: DynamoDB, Systems Manager, Direct Connect.
//!
//! One protocol for three services: the operation is in `X-Amz-Target`, arguments and answer are JSON, and errors have `__type`.
//! The common parts are here; each service has its own module.

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::direct_connect;
use super::dynamodb;
use super::ssm;
use crate::http::Request;
use crate::http::Response;
use crate::state::LabState;

/// A change that a JSON service makes without a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonServiceEvent {
    /// An SSM command ends on one instance: region, command, instance.
    CommandEnds(String, String, String),
    /// A Direct Connect association settles, by id.
    AssociationSettles(String),
}

/// A service error as its client gets it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// Code without name space, such as `ValidationException`.
    pub code: &'static str,
    /// Message; empty where the service sends none.
    pub message: String,
    /// Members of the error other than the message.
    pub fields: Map<String, Json>,
}

impl Fault {
    /// Creates an error with a message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Map::new(),
        }
    }

    /// Creates a `ValidationException`: an argument is not valid.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: &str, value: Json) -> Self {
        self.fields.insert(member.to_owned(), value);
        self
    }
}

/// The arguments of a call, with the protocol's type checks.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(pub &'a Map<String, Json>);

impl<'a> Args<'a> {
    /// Returns a member that is present and not null.
    pub fn get(self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Returns a string.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.typed(name, "String", Json::as_str)
    }

    /// Returns a required string.
    ///
    /// # Errors
    /// `ValidationException` when it is missing, `SerializationException` when it is of another type.
    pub fn need_text(self, name: &str) -> Result<&'a str, Fault> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// Returns a whole number.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn integer(self, name: &str) -> Result<Option<i64>, Fault> {
        self.typed(name, "Integer", Json::as_i64)
    }

    /// Returns a boolean; absent is false.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn flag(self, name: &str) -> Result<bool, Fault> {
        Ok(self
            .typed(name, "Boolean", Json::as_bool)?
            .unwrap_or_default())
    }

    /// Returns a list; absent is empty.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn list(self, name: &str) -> Result<&'a [Json], Fault> {
        Ok(self
            .typed(name, "List", Json::as_array)?
            .map_or(&[], Vec::as_slice))
    }

    /// Returns a list of strings; absent is empty.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn texts(self, name: &str) -> Result<Vec<&'a str>, Fault> {
        self.list(name)?
            .iter()
            .map(|item| item.as_str().ok_or_else(|| wrong_type(name, "String")))
            .collect()
    }

    /// Returns a structure or map.
    ///
    /// # Errors
    /// `SerializationException` when it is of another type.
    pub fn object(self, name: &str) -> Result<Option<&'a Map<String, Json>>, Fault> {
        self.typed(name, "Map", Json::as_object)
    }

    /// Returns a required structure or map.
    ///
    /// # Errors
    /// `ValidationException` when it is missing, `SerializationException` when it is of another type.
    pub fn need_object(self, name: &str) -> Result<&'a Map<String, Json>, Fault> {
        self.object(name)?.ok_or_else(|| missing(name))
    }

    fn typed<T>(
        self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Json) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.get(name)
            .map(|value| read(value).ok_or_else(|| wrong_type(name, kind)))
            .transpose()
    }
}

/// Returns an element of a list as a structure.
///
/// # Errors
/// `SerializationException` when it is of another type.
pub fn structure<'a>(value: &'a Json, name: &str) -> Result<Args<'a>, Fault> {
    value
        .as_object()
        .map(Args)
        .ok_or_else(|| wrong_type(name, "Structure"))
}

fn missing(name: &str) -> Fault {
    let mut member = name.to_owned();
    if let Some(first) = member.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    Fault::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: \
         Member must not be null"
    ))
}

fn wrong_type(name: &str, kind: &str) -> Fault {
    Fault::new(
        "SerializationException",
        format!("member {name} can not be converted to {kind}"),
    )
}

/// Answers one request whose credentials have been checked.
pub fn handle(lab: &mut LabState, request: &Request, region: &str) -> Response {
    let target = request.header("x-amz-target").unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or(("", target));
    let dynamo = service == "DynamoDB_20120810";
    let result = match serde_json::from_slice::<Json>(&request.body) {
        Ok(Json::Object(members)) => {
            let args = Args(&members);
            match service {
                "DynamoDB_20120810" => dynamodb::handle(lab, region, operation, args),
                "AmazonSSM" => ssm::handle(lab, region, operation, args),
                "OvertureService" => direct_connect::handle(lab, operation, args),
                _ => Err(unknown_operation()),
            }
        }
        Ok(_) => Err(Fault::new(
            "SerializationException",
            "Start of structure or map found where not expected.",
        )),
        Err(error) => Err(Fault::new("SerializationException", error.to_string())),
    };
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(fault) => {
            let status = if fault.code == "InternalServerError" {
                500
            } else {
                400
            };
            (status, error_body(&fault, service))
        }
    };
    let request_id = lab.uuid();
    answer(status, &body, dynamo).with_header("x-amzn-requestid", request_id)
}

/// Whether a request is one to DynamoDB.
pub fn is_dynamodb(request: &Request) -> bool {
    request
        .header("x-amz-target")
        .is_some_and(|target| target.starts_with("DynamoDB_20120810."))
}

/// Returns an answer of DynamoDB or of another JSON service.
fn answer(status: u16, body: &Json, dynamo: bool) -> Response {
    let content_type = if dynamo {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    };
    let response = Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.to_string().into_bytes(),
    };
    if dynamo {
        let checksum = crc32fast::hash(&response.body).to_string();
        return response.with_header("x-amz-crc32", checksum);
    }
    response
}

/// Returns an error of DynamoDB or of another JSON service. Errors that DynamoDB shares with the other services have the name space
/// of their protocol.
pub fn error(status: u16, code: &str, message: &str, dynamo: bool) -> Response {
    let name_space = if dynamo {
        "com.amazon.coral.service#"
    } else {
        ""
    };
    let body = json!({ "__type": format!("{name_space}{code}"), "message": message });
    answer(status, &body, dynamo)
}

/// Runs a due event.
pub fn handle_event(lab: &mut LabState, event: JsonServiceEvent) {
    match event {
        JsonServiceEvent::CommandEnds(region, command, instance) => {
            ssm::end(lab, &region, &command, &instance);
        }
        JsonServiceEvent::AssociationSettles(association) => {
            direct_connect::settle(lab, &association)
        }
    }
}

/// Returns the answer to an unknown operation.
pub fn unknown_operation() -> Fault {
    Fault::new("UnknownOperationException", "")
}

/// DynamoDB has a name space in front of its codes; the others have none.
fn error_body(fault: &Fault, service: &str) -> Json {
    let name_space = match (service, fault.code) {
        ("DynamoDB_20120810", "ValidationException") => "com.amazon.coral.validate#",
        (_, "UnknownOperationException" | "SerializationException") => "com.amazon.coral.service#",
        ("DynamoDB_20120810", _) => "com.amazonaws.dynamodb.v20120810#",
        _ => "",
    };
    let mut body = fault.fields.clone();
    body.insert(
        "__type".to_owned(),
        Json::from(format!("{name_space}{}", fault.code)),
    );
    if !fault.message.is_empty() {
        // The services disagree on the case of this member; clients accept both.
        let member = match (service, fault.code) {
            ("AmazonSSM", _) | (_, "TransactionCanceledException") => "Message",
            _ => "message",
        };
        body.insert(member.to_owned(), Json::from(fault.message.clone()));
    }
    Json::Object(body)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::aws::model::RegionState;
    use crate::clock::Clock;
    use crate::clock::VTime;
    use crate::state::Timing;

    /// Returns a lab with stopped time at a known instant, with Tokyo.
    pub fn lab() -> LabState {
        let mut lab = LabState::new(Clock::new(VTime(1_780_000_000_000), 0.0), Timing::default());
        lab.aws.account = "123456789012".to_owned();
        lab.aws
            .regions
            .insert("ap-northeast-1".to_owned(), RegionState::default());
        lab
    }

    /// The VPC and subnet of instances that [`machine`] creates.
    pub const VPC: &str = "vpc-0legacy";

    /// Creates a running instance with the agent and one interface for each address. The first has a secondary one higher by 100.
    pub fn machine(
        lab: &mut LabState,
        id: &str,
        name: Option<&str>,
        platform: &str,
        addresses: &[&str],
    ) {
        use crate::aws::model as m;
        let launched = lab.now();
        let region = lab.aws.regions.get_mut("ap-northeast-1").unwrap();
        let cidr = "172.30.0.0/16".parse().unwrap();
        region.vpcs.entry(VPC.to_owned()).or_insert(m::Vpc {
            cidrs: vec![cidr],
            tags: m::Tags::new(),
        });
        region
            .subnets
            .entry("subnet-0app".to_owned())
            .or_insert(m::Subnet {
                vpc: VPC.to_owned(),
                cidr: "172.30.1.0/24".parse().unwrap(),
                az: "ap-northeast-1a".to_owned(),
                tags: m::Tags::new(),
            });
        let mut enis = BTreeMap::new();
        for (index, address) in addresses.iter().enumerate() {
            let index = u32::try_from(index).unwrap();
            let primary: std::net::Ipv4Addr = address.parse().unwrap();
            let eni = format!("eni-{id}-{index}");
            region.enis.insert(
                eni.clone(),
                m::Eni {
                    vpc: VPC.to_owned(),
                    subnet: "subnet-0app".to_owned(),
                    mac: stayput_estate::MacAddr::new([6, 0, 0, 0, 1, primary.octets()[3]]),
                    kind: "interface".to_owned(),
                    description: String::new(),
                    requester_managed: false,
                    instance: Some((id.to_owned(), index)),
                    source_dest_check: true,
                    primary,
                    secondary: (index == 0)
                        .then(|| std::net::Ipv4Addr::from(u32::from(primary) + 100))
                        .into_iter()
                        .collect(),
                    tags: m::Tags::new(),
                },
            );
            enis.insert(index, eni);
        }
        region.instances.insert(
            id.to_owned(),
            m::Instance {
                state: m::InstanceState::Running,
                instance_type: "m5.xlarge".to_owned(),
                architecture: "x86_64".to_owned(),
                platform_details: platform.to_owned(),
                image: "ami-0".to_owned(),
                launched,
                enis,
                ssm_agent: m::SsmAgent::Online,
                guest: None,
                metadata_token_required: false,
                disk_bytes: 20_000_000_000,
                traits: stayput_world::aws::Traits::default(),
                tags: name
                    .map(|name| ("Name".to_owned(), name.to_owned()))
                    .into_iter()
                    .collect(),
            },
        );
    }

    /// Returns an instance of the lab.
    pub fn instance<'a>(lab: &'a mut LabState, id: &str) -> &'a mut crate::aws::model::Instance {
        lab.aws
            .regions
            .get_mut("ap-northeast-1")
            .unwrap()
            .instances
            .get_mut(id)
            .unwrap()
    }

    /// Sends one call; returns the answer's status and body.
    pub fn call(lab: &mut LabState, target: &str, body: &Json) -> (u16, Json) {
        lab.catch_up();
        let response = handle(
            lab,
            &Request {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                query: Vec::new(),
                headers: BTreeMap::from([("x-amz-target".to_owned(), target.to_owned())]),
                body: body.to_string().into_bytes(),
                base: "https://127.0.0.1:1".to_owned(),
            },
            "ap-northeast-1",
        );
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap(),
        )
    }

    /// Sends one call that must succeed.
    pub fn ok(lab: &mut LabState, target: &str, body: &Json) -> Json {
        let (status, answer) = call(lab, target, body);
        assert_eq!(status, 200, "{target} {body} → {answer}");
        answer
    }

    /// Sends one call that must fail; returns the code without name space, and the message.
    pub fn fails(lab: &mut LabState, target: &str, body: &Json) -> (String, String) {
        let (status, answer) = call(lab, target, body);
        assert_eq!(status, 400, "{target} {body} → {answer}");
        let code = answer["__type"].as_str().unwrap();
        let message = answer["message"].as_str().or(answer["Message"].as_str());
        (
            code.rsplit('#').next().unwrap().to_owned(),
            message.unwrap_or_default().to_owned(),
        )
    }

    /// Advances virtual time by seconds.
    pub fn pass(lab: &mut LabState, seconds: u64) {
        let later = lab.now().after(std::time::Duration::from_secs(seconds));
        lab.clock = Clock::new(later, 0.0);
        lab.catch_up();
    }

    #[test]
    fn an_unknown_operation_or_service_is_refused_with_the_protocols_error() {
        let mut lab = lab();
        for target in ["DynamoDB_20120810.Nope", "AmazonSSM.Nope", "Unknown.X", ""] {
            let (code, _) = fails(&mut lab, target, &json!({}));
            assert_eq!(code, "UnknownOperationException");
        }
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_a_serialization_error() {
        let mut lab = lab();
        let (code, _) = fails(&mut lab, "AmazonSSM.SendCommand", &json!([]));
        assert_eq!(code, "SerializationException");
    }

    #[test]
    fn dynamodb_answers_carry_the_checksum_of_their_body() {
        let mut lab = lab();
        let response = handle(
            &mut lab,
            &Request {
                method: "POST".to_owned(),
                path: "/".to_owned(),
                query: Vec::new(),
                headers: BTreeMap::from([(
                    "x-amz-target".to_owned(),
                    "DynamoDB_20120810.ListTables".to_owned(),
                )]),
                body: b"{}".to_vec(),
                base: String::new(),
            },
            "ap-northeast-1",
        );
        let checksum = crc32fast::hash(&response.body).to_string();
        assert!(
            response
                .headers
                .contains(&("x-amz-crc32".to_owned(), checksum))
        );
    }
}
