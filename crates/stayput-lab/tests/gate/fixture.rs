//! A lab in process, in virtual time, and requests as its clients send them.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use stayput_lab::Exchange;
use stayput_lab::Lab;
use stayput_lab::Scenario;
use stayput_lab::Service;
use stayput_lab::clock::VTime;
use stayput_lab::faults::Rule;
use stayput_lab::http::Request;
use stayput_lab::http::Response;

/// Virtual time at the start.
pub const START: VTime = VTime(1_780_000_000_000);
/// The signing time of requests: the lab does not check it.
const SIGNED_AT: Duration = Duration::from_secs(1_780_000_000);
const KEY: &str = "AKIASTAYPUTEXAMPLE01";
const SECRET: &str = "stayput/lab/EXAMPLE/secret/access/key+01";
pub const TOKYO: &str = "ap-northeast-1";
pub const OSAKA: &str = "ap-northeast-3";

/// Prism Centrals in the order of their names.
pub const PRISM_OSAKA: Service = Service::Prism(0);
pub const PRISM_TOKYO: Service = Service::Prism(1);
pub const MOVE_TOKYO: Service = Service::Move(0);

/// A call of one service kind that reads, and one that changes something.
pub struct Sample {
    pub service: Service,
    /// Name for rules.
    pub rule: &'static str,
    pub read: fn() -> Request,
    pub change: fn() -> Request,
}

/// One of each kind of service.
pub fn samples() -> [Sample; 5] {
    [
        Sample {
            service: Service::Aws,
            rule: "ec2",
            read: || ec2(TOKYO, "Action=DescribeVpcs"),
            change: || ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16"),
        },
        Sample {
            service: Service::Aws,
            rule: "ssm",
            read: || target("ssm", "AmazonSSM.DescribeInstanceInformation", json!({})),
            change: || {
                let body = json!({ "DocumentName": "AWS-RunShellScript",
                    "Targets": [{ "Key": "tag:Name", "Values": ["web-01"] }],
                    "Parameters": { "commands": ["hostname"] } });
                target("ssm", "AmazonSSM.SendCommand", body)
            },
        },
        Sample {
            service: Service::Aws,
            rule: "dynamodb",
            read: || target("dynamodb", "DynamoDB_20120810.ListTables", json!({})),
            change: || {
                let body = json!({ "TableName": "facts", "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }] });
                target("dynamodb", "DynamoDB_20120810.CreateTable", body)
            },
        },
        Sample {
            service: PRISM_TOKYO,
            rule: "prism",
            read: || prism("GET", VMS, &json!(null)),
            change: || {
                prism(
                    "POST",
                    CATEGORIES,
                    &json!({ "key": "owner", "value": "us" }),
                )
            },
        },
        Sample {
            service: MOVE_TOKYO,
            rule: "move",
            read: || mv("POST", "/providers/list", &json!({})),
            change: || mv("POST", "/providers", &json!({})),
        },
    ]
}

pub const VMS: &str = "/api/vmm/v4.0/ahv/config/vms";
pub const CATEGORIES: &str = "/api/prism/v4.0/config/categories";
pub const TASKS: &str = "/api/prism/v4.0/config/tasks";

/// The default scenario, at the speed of the runtime.
pub fn lab() -> Lab {
    let scenario = Scenario::load("tokyo-osaka").unwrap();
    let lab = Lab::new(&scenario, START, 1.0, None).unwrap();
    // Any order of services would do; the constants above rely on this one.
    let names: Vec<String> = lab.services().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["aws", "prism-osaka", "prism-tokyo", "move-tokyo"]);
    lab
}

/// A lab with one rule, in TOML.
pub fn lab_with(rule: &str) -> Lab {
    let lab = lab();
    add(&lab, rule);
    lab
}

/// Adds a rule, in TOML.
pub fn add(lab: &Lab, rule: &str) -> u64 {
    let rule: Rule = toml::from_str(rule).unwrap();
    lab.add_fault(rule).unwrap()
}

/// The answer to a request that must be answered.
pub async fn answer(lab: &Lab, service: Service, request: &Request) -> Response {
    match lab.exchange(service, request).await {
        Exchange::Answer(response) => response,
        other => panic!("{} {}: {other:?}", request.method, request.path),
    }
}

pub fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

pub fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

fn request(method: &str, path: &str, body: Vec<u8>) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: BTreeMap::new(),
        body,
        base: "https://lab.test".to_owned(),
    }
}

/// A signed request to AWS.
fn aws(region: &str, service: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let identity = Credentials::new(KEY, SECRET, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(UNIX_EPOCH + SIGNED_AT)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let signable = SignableRequest::new(
        "POST",
        "https://lab.test/",
        headers.iter().copied(),
        SignableBody::Bytes(body.as_bytes()),
    );
    let (signed, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
    let mut request = request("POST", "/", body.as_bytes().to_vec());
    for (name, value) in headers.iter().copied().chain(signed.headers()) {
        request.headers.insert(name.to_owned(), value.to_owned());
    }
    request
        .headers
        .insert("host".to_owned(), "lab.test".to_owned());
    request
}

/// A request to EC2.
pub fn ec2(region: &str, form: &str) -> Request {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = format!("{form}&Version=2016-11-15");
    aws(region, "ec2", &headers, &form)
}

/// A request to STS.
pub fn sts() -> Request {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    aws(TOKYO, "sts", &headers, form)
}

/// A request to a JSON service in Tokyo.
pub fn target(service: &str, target: &str, body: Value) -> Request {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target),
    ];
    aws(TOKYO, service, &headers, &body.to_string())
}

/// A request to a Prism Central.
pub fn prism(method: &str, path: &str, body: &Value) -> Request {
    let sent = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = request(method, path, sent);
    request.query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let account = BASE64_STANDARD.encode("admin:Lab/4u-prism");
    request
        .headers
        .insert("authorization".to_owned(), format!("Basic {account}"));
    request
}

/// A request to Move, without a token.
pub fn mv(method: &str, path: &str, body: &Value) -> Request {
    request(
        method,
        &format!("/move/v2{path}"),
        body.to_string().into_bytes(),
    )
}

/// Logs in to Move and returns a token.
pub async fn login(lab: &Lab) -> String {
    let account = json!({ "Spec": { "UserName": "nutanix", "Password": "Lab/4u-move" } });
    let response = answer(lab, MOVE_TOKYO, &mv("POST", "/users/login", &account)).await;
    let answer = body(&response);
    answer["Status"]["Token"].as_str().unwrap().to_owned()
}

/// The request with a token of Move.
pub fn with_token(mut request: Request, token: &str) -> Request {
    request
        .headers
        .insert("authorization".to_owned(), token.to_owned());
    request
}

/// Names of the VMs at a site, first page.
pub async fn vm_names(lab: &Lab, service: Service) -> Vec<String> {
    let response = answer(lab, service, &prism("GET", VMS, &json!(null))).await;
    let list = body(&response);
    let vms = list["data"].as_array().unwrap().iter();
    vms.map(|vm| vm["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether the category that the sample creates exists in Tokyo.
pub async fn has_category(lab: &Lab) -> bool {
    let path = format!("{CATEGORIES}?$filter=key eq 'owner'");
    let response = answer(lab, PRISM_TOKYO, &prism("GET", &path, &json!(null))).await;
    body(&response)["data"].is_array()
}

/// Whether the VPC that the sample creates exists in Tokyo.
pub async fn has_vpc(lab: &Lab) -> bool {
    vpcs(lab).await > 0
}

/// How many VPCs the sample has created in Tokyo.
pub async fn vpcs(lab: &Lab) -> usize {
    let form = "Action=DescribeVpcs&Filter.1.Name=cidr&Filter.1.Value.1=10.77.0.0/16";
    let response = answer(lab, Service::Aws, &ec2(TOKYO, form)).await;
    text(&response).matches("<vpcId>").count()
}

pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
