//! The wire: signature, form, pages, retries, time limits, TLS.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use stayput_estate::InstanceId;
use stayput_estate::Trust;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::error::ConnectReason;
use crate::error::TimeoutPhase;
use crate::list::VPCS;
use crate::observe::KnownAwsObjects;
use crate::parse::vpc;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/op</Arn><UserId>AIDA</UserId>\
    <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn caller_reply(_: &Seen) -> Reply {
    Reply::Answer(200, CALLER.to_owned())
}

/// Answers with `first` so many times, then well.
fn failing(times: usize, first: Reply) -> impl Fn(&Seen) -> Reply {
    let count = AtomicUsize::new(0);
    move |seen| {
        if count.fetch_add(1, Ordering::SeqCst) < times {
            first.clone()
        } else {
            caller_reply(seen)
        }
    }
}

#[tokio::test]
async fn a_call_is_a_signed_form_for_its_region_and_service() {
    let server = Server::start(caller_reply).await;
    let caller = server.client().caller(&server.region()).await.unwrap();
    assert_eq!(caller.account.as_str(), "123456789012");
    assert_eq!(caller.arn, "arn:aws:iam::123456789012:user/op");
    let seen = server.seen().remove(0);
    assert_eq!(seen.line, "POST / HTTP/1.1");
    assert_eq!(seen.body, "Action=GetCallerIdentity&Version=2011-06-15");
    let authorization = &seen.headers["authorization"];
    let date = &seen.headers["x-amz-date"][..8];
    let scope = format!("{date}/{}/sts/aws4_request", server.region());
    assert!(
        authorization.starts_with(&format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders="
        )),
        "{authorization}"
    );
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    assert_eq!(signature.len(), 64);
    assert!(authorization.contains("content-type;host;x-amz-date"));
    assert!(seen.headers["user-agent"].starts_with("stayput/"));
}

#[tokio::test]
async fn pages_are_followed_to_the_end_over_one_connection() {
    let vpc =
        |id: &str| format!("<item><vpcId>{id}</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item>");
    let server = Server::start(move |seen| match seen.form("NextToken").as_deref() {
        None => Reply::ec2(&format!(
            "<vpcSet>{}</vpcSet><nextToken>a+b/c=</nextToken>",
            vpc("vpc-1")
        )),
        Some("a+b/c=") => Reply::ec2("<vpcSet/><nextToken>2</nextToken>"),
        Some(_) => Reply::ec2(&format!("<vpcSet>{}</vpcSet>", vpc("vpc-2"))),
    })
    .await;
    let query = VPCS.query().with_filter("vpc-id", ["vpc-1", "vpc-2"]);
    let found = server
        .client()
        .list(&server.region(), VPCS, query, vpc::vpc)
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| request.connection == 0));
    assert!(
        seen.iter()
            .all(|request| request.form("MaxResults").is_some())
    );
    assert_eq!(
        seen[2].form("Filter.1.Value.2").as_deref(),
        Some("vpc-2"),
        "filters are repeated on every page"
    );
}

#[tokio::test]
async fn throttling_is_retried_and_named_when_it_does_not_end() {
    let throttle = Reply::ec2_error(503, "RequestLimitExceeded");
    let server = Server::start(failing(2, throttle.clone())).await;
    server.client().caller(&server.region()).await.unwrap();
    assert_eq!(server.seen().len(), 3);

    let endless = Server::start(move |_| throttle.clone()).await;
    let error = endless
        .client()
        .caller(&endless.region())
        .await
        .unwrap_err();
    assert!(error.is_throttle());
    assert_eq!(error.call().unwrap().attempts, 3);
    assert!(!error.may_have_taken_effect());
}

#[tokio::test]
async fn server_faults_broken_connections_and_silence_are_retried() {
    for first in [
        Reply::Answer(500, "<html>oops".to_owned()),
        Reply::Close,
        Reply::Hang,
    ] {
        let server = Server::start(failing(1, first.clone())).await;
        let outcome = server.client_for(&first).caller(&server.region()).await;
        assert!(outcome.is_ok(), "{first:?}: {outcome:?}");
        assert_eq!(server.seen().len(), 2, "{first:?}");
    }
}

#[tokio::test]
async fn a_refused_request_is_not_retried() {
    let server = Server::start(|_| Reply::ec2_error(400, "InvalidParameterValue")).await;
    let error = server
        .client()
        .instance(&server.region(), &InstanceId::new("i-1"))
        .await
        .unwrap_err();
    assert_eq!(server.seen().len(), 1);
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let text = error.to_string();
    assert!(text.contains("ec2 DescribeInstances in test-"), "{text}");
    assert!(text.contains(&format!("http://127.0.0.1:{}", server.port)));
    assert!(text.ends_with("as asked (request r-7)"), "{text}");
}

#[tokio::test]
async fn silence_to_the_end_is_a_timeout() {
    let server = Server::start(|_| Reply::Hang).await;
    let error = server
        .client_for(&Reply::Hang)
        .caller(&server.region())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            AwsError::Timeout {
                phase: TimeoutPhase::Answer,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.call().unwrap().attempts, 3);
    assert!(error.is_unreachable());
    assert!(!error.may_have_taken_effect(), "it only reads");
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_nothing_was_done() {
    let refused = Reply::ec2_error(400, "IncorrectInstanceState");
    for (first, requests, unclear) in [
        (Reply::Hang, 1, 1),
        (Reply::Close, 1, 1),
        (Reply::Answer(500, String::new()), 1, 1),
        (Reply::ec2_error(503, "RequestLimitExceeded"), 2, 0),
        (Reply::Answer(429, String::new()), 2, 0),
    ] {
        let count = AtomicUsize::new(0);
        let (once, then) = (first.clone(), refused.clone());
        let server = Server::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => once.clone(),
            _ => then.clone(),
        })
        .await;
        let error = server
            .client_for(&first)
            .stop_instances(&server.region(), &[InstanceId::new("i-1")])
            .await
            .unwrap_err();
        let call = error.call().unwrap();
        assert_eq!(
            (call.attempts, call.unclear_attempts),
            (requests, unclear),
            "{first:?}: {error:?}"
        );
        assert_eq!(call.effect, Effect::Writes);
        assert_eq!(error.may_have_taken_effect(), unclear > 0, "{first:?}");
    }
}

#[tokio::test]
async fn a_write_that_could_not_be_sent_is_retried_and_did_nothing() {
    let mut server = Server::start(caller_reply).await;
    server.port = 1;
    let error = server
        .client()
        .stop_instances(&server.region(), &[InstanceId::new("i-1")])
        .await
        .unwrap_err();
    assert_eq!(error.call().unwrap().attempts, 3);
    assert!(!error.may_have_taken_effect());
}

#[tokio::test]
async fn calls_can_be_spawned() {
    fn spawnable<T: Send + 'static>(_: &T) {}
    let client = Server::start(caller_reply).await.client();
    spawnable(&async move {
        let region = Region::new("ap-northeast-1");
        let _ = client.observe(&region, &KnownAwsObjects::default()).await;
        let _ = client.interfaces_of(&region, &[]).await;
        let _ = client.agents(&region, &[]).await;
    });
}

#[tokio::test]
async fn an_endpoint_where_nothing_listens_is_said_to_refuse() {
    let mut server = Server::start(caller_reply).await;
    // Port 1 of loopback: reserved, and never ours.
    server.port = 1;
    let error = server.client().caller(&server.region()).await.unwrap_err();
    assert!(
        matches!(
            error,
            AwsError::Connect {
                reason: ConnectReason::Refused,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.may_have_taken_effect());
}

/// Everything that an error says, its sources included, and how it shows in a log.
fn every_text(error: &AwsError) -> String {
    let mut text = format!("{error:?}");
    for cause in crate::error::chain(error) {
        text.push_str(&cause.to_string());
    }
    text
}

/// How a server answers.
type Answering = dyn Fn(&Seen) -> Reply + Send + Sync;

/// What an endpoint may do with the request it got.
fn echo(seen: &Seen) -> String {
    let headers: Vec<String> = seen
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    format!("{}\n{}\n\n{}", seen.line, headers.join("\n"), seen.body)
}

#[tokio::test]
async fn an_endpoint_that_echoes_the_request_reveals_no_secret() {
    const TOKEN: &str = "IQoJb3JpZ2luX2VjEPz//////////wEaDmFwLW5vcnRoZWFzdC0xIkcwRQIhAJ+of/a+role";
    let escaped = |text: String| text.replace('&', "&amp;").replace('<', "&lt;");
    let in_form =
        |text: String| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let in_json = |text: String| serde_json::to_string(&text).unwrap().replace('/', "\\/");
    let echoes: [Box<Answering>; 9] = [
        Box::new(move |seen| Reply::not_found("SignatureDoesNotMatch", &escaped(echo(seen)))),
        Box::new(|seen| Reply::Answer(403, echo(seen))),
        Box::new(|seen| Reply::Answer(500, echo(seen))),
        Box::new(|seen| Reply::Answer(200, echo(seen))),
        Box::new(move |seen| Reply::Answer(400, in_form(echo(seen)))),
        Box::new(move |seen| Reply::Answer(400, in_json(echo(seen)))),
        Box::new(move |seen| {
            let code = escaped(seen.headers["x-amz-security-token"].clone());
            Reply::not_found(&code, &escaped(seen.headers["authorization"].clone()))
        }),
        Box::new(|seen| {
            let token = &seen.headers["x-amz-security-token"];
            Reply::Answer(200, format!("<{}/>", token.replace(['/', '+'], "")))
        }),
        Box::new(|seen| Reply::Answer(302, seen.headers["authorization"][..].to_owned())),
    ];
    for (number, reply) in echoes.into_iter().enumerate() {
        let server = Server::start(reply).await;
        let client = server.client_of_role(TOKEN);
        let error = client.caller(&server.region()).await.unwrap_err();
        let text = every_text(&error);
        let sent = server.seen().remove(0);
        assert_eq!(sent.headers["x-amz-security-token"], TOKEN);
        let (_, signature) = sent.headers["authorization"]
            .split_once("Signature=")
            .unwrap();
        for secret in [
            &TOKEN[..30],
            &TOKEN[30..],
            &signature[..16],
            &signature[40..],
            "very-secret",
        ] {
            assert!(!text.contains(secret), "{number}: {secret} in {text}");
        }
        // What is left is still of use.
        assert!(text.contains("GetCallerIdentity"), "{number}: {text}");
    }
}

#[tokio::test]
async fn secrets_show_in_no_debug_output() {
    let server = Server::start(caller_reply).await;
    let client = server.client();
    client.caller(&server.region()).await.unwrap();
    assert!(!format!("{client:?}").contains("very-secret"));
}

#[tokio::test]
async fn a_private_ca_is_trusted_when_named_and_only_then() {
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
        vec![certificate.der().clone()],
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
    )
    .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start_with(caller_reply, move |stream| acceptor.accept(stream)).await;

    let path = std::env::temp_dir().join(format!("stayput-aws-{}.pem", server.port));
    std::fs::write(&path, ca_certificate.pem()).unwrap();
    let trusting = server.client_with(Trust::CaFile(path.clone()), "https");
    std::fs::remove_file(&path).unwrap();
    trusting.caller(&server.region()).await.unwrap();

    let suspicious = server.client_with(Trust::System, "https");
    let error = suspicious.caller(&server.region()).await.unwrap_err();
    assert!(
        error.to_string().contains("certificate not trusted"),
        "{error}"
    );
}
