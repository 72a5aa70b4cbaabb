//! Secrets stay out of error texts, also when the other side repeats what it was sent.

use serde_json::json;
use stayput_nutanix::Credentials;
use stayput_nutanix::GuestCredentials;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::PrepareSpec;
use stayput_nutanix::RequestId;
use stayput_nutanix::Secret;

use crate::prism_reads::small_world;
use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::say;
use crate::server::tagged;
use crate::server::task_started;

/// Everything of a request, as a server that is being debugged would repeat it.
fn echo(asked: &Asked) -> String {
    format!(
        "cannot {}: {:?} {}",
        asked.line(),
        asked.headers,
        asked.text
    )
}

/// Everything an error shows, with its causes.
fn shown(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text} {cause:?} {cause}");
        next = cause.source();
    }
    text
}

fn is_clean(text: &str) -> bool {
    // The password, and `admin:secret` in base64.
    ["secret", "YWRtaW46c2VjcmV0", "c2VjcmV0"]
        .iter()
        .all(|secret| !text.contains(secret))
}

#[tokio::test]
async fn a_prism_central_that_repeats_the_request_gives_no_secret_away() {
    for status in [400, 401, 403, 409, 503] {
        for is_json in [true, false] {
            let server = Server::start(move |asked| match asked.method.as_str() {
                "OPTIONS" => data(json!("v4.1")),
                "GET" => tagged("e", json!({"extId": "v1", "powerState": "ON"})),
                _ if is_json => say(
                    status,
                    json!({"data": {"error": [{"message": echo(asked), "code": "X", "errorGroup": echo(asked)}]}}),
                ),
                _ => Answer::Say(status, Vec::new(), echo(asked)),
            })
            .await;
            let error = server
                .prism()
                .with_limits(crate::server::short())
                .power_off(&"v1".into(), RequestId::random())
                .await
                .unwrap_err();
            let text = shown(&error);
            assert!(is_clean(&text), "{text}");
            assert!(text.contains("power off VM v1"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_task_and_an_answer_that_is_not_understood_give_no_secret_away() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.ends_with("/info") => data(json!("v4.1")),
        path if path.contains("/tasks/") => data(json!({"extId": "a:b", "status": "FAILED",
            "errorMessages": [{"message": "user admin, password secret"}]})),
        path if path.ends_with("/odd") => {
            data(json!({"extId": "odd", "nics": "Basic YWRtaW46c2VjcmV0"}))
        }
        _ if asked.method == "POST" => task_started("t"),
        _ => data(json!({"extId": "v1", "powerState": "ON"})),
    })
    .await;
    let prism = server.prism();
    let error = prism
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap_err();
    assert!(shown(&error).contains("user admin, password [redacted]"));
    let error = prism.vm(&"odd".into()).await.unwrap_err();
    let text = shown(&error);
    assert!(is_clean(&text) && text.contains("[redacted]"), "{text}");
}

#[tokio::test]
async fn notes_of_unreadable_objects_give_no_secret_away() {
    let server = Server::start(|asked| match asked.line().as_str() {
        "GET /api/vmm/v4.2/ahv/config/vms" => {
            list(json!([{"extId": "v", "nics": "Basic YWRtaW46c2VjcmV0"}]))
        }
        _ => small_world(asked),
    })
    .await;
    let prism = server
        .prism()
        .observe(&KnownPrismObjects::default())
        .await
        .unwrap();
    let text = format!("{:?}", prism.unreadable);
    assert!(is_clean(&text) && text.contains("[redacted]"), "{text}");
}

#[tokio::test]
async fn a_move_that_repeats_the_request_gives_no_secret_away() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/move/v2/users/login" => say(200, json!({"Status": {"Token": "eyJ0b2tlbg.e30.sig"}})),
        _ => say(422, json!({"Message": echo(asked)})),
    })
    .await;
    let guests = GuestCredentials {
        linux: Some(Credentials::new("ec2-user", "linux-pass")),
        windows: Some(Credentials::new("Administrator", "win\"pass")),
        pem: Some(Secret::new(
            "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\n-----END KEY-----\n",
        )),
    };
    let spec = PrepareSpec {
        region: "ap-northeast-1".into(),
        credentials: guests,
        vms: vec!["w1".into()],
    };
    let error = server.mv().prepare(&"p".into(), &spec).await.unwrap_err();
    let text = shown(&error);
    for secret in [
        "eyJ0b2tlbg",
        "linux-pass",
        "win\\\"pass",
        "win\"pass",
        "MIIEow",
    ] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("ec2-user"), "{text}");
}

#[tokio::test]
async fn a_refused_login_that_repeats_the_password_gives_no_secret_away() {
    let server = Server::start(|asked| say(401, json!({"Message": echo(asked)}))).await;
    let error = server.mv().start(&"p".into()).await.unwrap_err();
    let text = shown(&error);
    assert!(is_clean(&text) && text.contains("[redacted]"), "{text}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| say(200, json!({}))).await;
    let url = elsewhere.url();
    let server = Server::start(move |_| {
        Answer::Say(
            302,
            vec![("Location", format!("{url}/login"))],
            String::new(),
        )
    })
    .await;
    let error = server.prism().vm(&"v1".into()).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 302"), "{error}");
    assert!(server.mv().start(&"p".into()).await.is_err());
    assert!(elsewhere.asked().is_empty());
}
