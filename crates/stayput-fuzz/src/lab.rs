//! Requests to the emulated services of the lab.

use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use stayput_lab::Exchange;
use stayput_lab::Lab;
use stayput_lab::Service;
use stayput_lab::faults::Rule;
use stayput_lab::http::Request;
use stayput_lab::http::Response;

use crate::requests;
use crate::stage::Stage;
use crate::stage::in_virtual_time;
use crate::wires::url_of;

/// The longest answer of the lab, in bytes: it is small.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a call is waited for that a rule delays.
const DELAY_MAX: Duration = Duration::from_secs(3600);

/// A token of Move that the target gives to the lab, so that requests do not begin with a login.
const MOVE_TOKEN: &str = "fuzz";

/// Calls to which a rule may apply: reads and changes of each service.
const CALLS: [(Kind, &[u8]); 6] = [
    (
        Kind::Aws,
        b"POST /\nscope: ap-northeast-1/ec2\n\nAction=DescribeInstances&Version=2016-11-15",
    ),
    (
        Kind::Aws,
        b"POST /\nscope: ap-northeast-1/ec2\n\nAction=CreateVpc&CidrBlock=10.77.0.0/16&Version=2016-11-15",
    ),
    (
        Kind::Aws,
        b"POST /\nscope: ap-northeast-1/ssm\nx-amz-target: AmazonSSM.DescribeInstanceInformation\n\n{}",
    ),
    (Kind::Prism, b"GET /api/vmm/v4.2/ahv/config/vms?$page=0&$limit=10"),
    (
        Kind::Prism,
        b"POST /api/prism/v4.2/config/categories\nntnx-request-id: 5a26c0a1-2c2a-4c4e-9a43-0d2d2d9a0001\n\n{\"key\":\"k\",\"value\":\"v\"}",
    ),
    (Kind::Move, b"POST /move/v2/plans/list\n\n{}"),
];

/// A kind of service.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Aws,
    Prism,
    Move,
}

/// Gives requests to the emulated AWS, signed for the scope in their header `scope: REGION/SERVICE`.
///
/// Checked: no handler and no later event panics, each answer has a valid status, and is well-formed if it says to be JSON or XML.
pub fn lab_aws(data: &[u8]) {
    let _ = exchange(data, Kind::Aws);
}

/// Gives requests to the emulated Prism Central, with its credentials unless they have an authorization of their own.
///
/// Checked: as for [`lab_aws`].
pub fn lab_prism(data: &[u8]) {
    let _ = exchange(data, Kind::Prism);
}

/// Gives requests to the emulated Move, with a token of it unless they have an authorization of their own.
///
/// Checked: as for [`lab_aws`].
pub fn lab_move(data: &[u8]) {
    let _ = exchange(data, Kind::Move);
}

/// Sends requests; returns the statuses of their answers.
fn exchange(data: &[u8], kind: Kind) -> Vec<u16> {
    let stage = Stage::get();
    in_virtual_time(async {
        let lab = stage.after.lab();
        let mut statuses = Vec::new();
        for timed in requests::read(data, &url_of(kind.of(stage, &lab))) {
            tokio::time::advance(timed.pause).await;
            let exchange = send(stage, &lab, kind, timed.request).await;
            check(&exchange);
            if let Exchange::Answer(response) = exchange {
                statuses.push(response.status);
            }
        }
        until_all_has_happened(&lab).await;
        statuses
    })
}

/// Lets a rule apply to some calls.
pub(crate) fn with_fault(rule: Rule) {
    let stage = Stage::get();
    in_virtual_time(async {
        let lab = stage.after.lab();
        if let Err(error) = lab.add_fault(rule) {
            assert!(!error.to_string().is_empty(), "an error without a text");
            return;
        }
        for (kind, call) in CALLS {
            for timed in requests::read(call, &url_of(kind.of(stage, &lab))) {
                let sent = send(stage, &lab, kind, timed.request);
                // A rule may delay a call as long as it likes.
                if let Ok(exchange) = tokio::time::timeout(DELAY_MAX, sent).await {
                    check_spoiled(&exchange);
                }
            }
        }
        until_all_has_happened(&lab).await;
        let reports = serde_json::to_string(&lab.list_faults());
        assert!(reports.is_ok(), "{reports:?}");
    });
}

/// What requests start ends in this time.
async fn until_all_has_happened(lab: &Lab) {
    tokio::time::advance(Duration::from_secs(24 * 3600)).await;
    lab.look(|_| ());
}

async fn send(stage: &Stage, lab: &Lab, kind: Kind, mut request: Request) -> Exchange {
    let known = &stage.endpoints.credentials;
    let own = request.headers.contains_key("authorization");
    match kind {
        Kind::Aws => {
            let scope = request.headers.remove("scope");
            let scope = scope.unwrap_or_else(|| "ap-northeast-1/ec2".to_owned());
            let scope = scope.split_once('/').unwrap_or((&scope, "ec2"));
            if !own {
                signed(&mut request, (&known.access_key, &known.secret_key), scope);
            }
        }
        Kind::Prism if !own => {
            let (user, password) = known.prism.as_ref().expect("the scenario has one");
            let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
            let value = format!("Basic {encoded}");
            request.headers.insert("authorization".to_owned(), value);
        }
        Kind::Move if !own => {
            lab.with(|state| {
                for mv in &mut state.moves {
                    mv.tokens.insert(MOVE_TOKEN.to_owned(), u64::MAX);
                }
            });
            let value = format!("Bearer {MOVE_TOKEN}");
            request.headers.insert("authorization".to_owned(), value);
        }
        Kind::Prism | Kind::Move => {}
    }
    lab.exchange(kind.of(stage, lab), &request).await
}

impl Kind {
    fn of(self, stage: &Stage, lab: &Lab) -> Service {
        let (prism, mv) = stage.services(lab);
        match self {
            Self::Aws => Service::Aws,
            Self::Prism => prism,
            Self::Move => mv,
        }
    }
}

/// Signs a request. One that cannot be signed is sent without a signature.
fn signed(request: &mut Request, key: (&str, &str), (region, service): (&str, &str)) {
    let identity = Credentials::new(key.0, key.1, None, None, "fuzz").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::UNIX_EPOCH)
        .settings(SigningSettings::default())
        .build();
    let Ok(params) = params else {
        return;
    };
    request
        .headers
        .insert("host".to_owned(), "aws.lab.invalid".to_owned());
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let url = url_of_request(request);
    let body = SignableBody::Bytes(&request.body);
    let Ok(signable) = SignableRequest::new(&request.method, url, headers, body) else {
        return;
    };
    let Ok(output) = sign(signable, &params.into()) else {
        return;
    };
    let (instructions, _) = output.into_parts();
    for (name, value) in instructions.headers() {
        request.headers.insert(name.to_owned(), value.to_owned());
    }
}

fn url_of_request(request: &Request) -> String {
    let text = requests::write(request, None);
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let path = String::from_utf8_lossy(line);
    let path = path.split_once(' ').map_or("/", |(_, path)| path);
    format!("{}{path}", request.base)
}

fn check(exchange: &Exchange) {
    let Some(response) = check_spoiled(exchange) else {
        return;
    };
    let body = &response.body;
    let text = String::from_utf8_lossy(body);
    let kind = response.header("content-type").unwrap_or_default();
    if kind.contains("json") && !body.is_empty() {
        let read = serde_json::from_slice::<serde_json::Value>(body);
        assert!(read.is_ok(), "the answer is not JSON: {text}");
    }
    if kind.contains("xml") && !body.is_empty() {
        let read = roxmltree::Document::parse(&text);
        assert!(read.is_ok(), "the answer is not XML: {text}");
    }
}

/// Checks what also holds for an answer that a rule has spoiled; returns it.
fn check_spoiled(exchange: &Exchange) -> Option<&Response> {
    let response = match exchange {
        Exchange::Answer(response) | Exchange::Cut(response, _) => response,
        Exchange::NotSent | Exchange::Silent | Exchange::Broken => return None,
    };
    let Response { status, body, .. } = response;
    assert!((200..600).contains(status), "status {status}");
    let text = String::from_utf8_lossy(body);
    let is_internal = text.contains("the lab has an internal error");
    assert!(!is_internal, "a handler panicked");
    assert!(body.len() <= ANSWER_BYTES_MAX, "{} bytes", body.len());
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_authorized_and_accepted_by_each_service() {
        for (kind, call) in CALLS {
            let shown = String::from_utf8_lossy(call);
            let statuses = exchange(call, kind);
            assert!(matches!(statuses[..], [200..300]), "{statuses:?}: {shown}");
        }
        let story = include_bytes!("../../../fuzz/corpus/lab_aws/dynamodb");
        let statuses = exchange(story, Kind::Aws);
        let accepted = statuses.iter().filter(|status| **status == 200).count();
        assert!(accepted > 6, "{statuses:?}");
    }
}
