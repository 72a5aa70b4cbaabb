//! Errors that are answered instead of the service's own answer, and answers that no service sends.

use serde_json::json;
use stayput_lab::Exchange;
use stayput_lab::Service;

use crate::fixture::MOVE_TOKYO;
use crate::fixture::PRISM_TOKYO;
use crate::fixture::TOKYO;
use crate::fixture::answer;
use crate::fixture::body;
use crate::fixture::ec2;
use crate::fixture::has_category;
use crate::fixture::has_vpc;
use crate::fixture::lab_with;
use crate::fixture::login;
use crate::fixture::mv;
use crate::fixture::samples;
use crate::fixture::sts;
use crate::fixture::text;
use crate::fixture::vpcs;
use crate::fixture::with_token;

#[tokio::test(start_paused = true)]
async fn a_throttled_call_has_the_error_of_its_service() {
    for (rule, status, says) in [
        ("ec2", 503, "<Code>RequestLimitExceeded</Code>"),
        ("ssm", 400, "ThrottlingException"),
        ("dynamodb", 400, "#ThrottlingException"),
        ("prism", 429, "prism.v4.error.ErrorResponse"),
        ("move", 429, "\"Message\""),
    ] {
        let lab = lab_with(&format!(
            "service = '{rule}'\nthrottle = true\nretry-after = 3"
        ));
        let sample = samples()
            .into_iter()
            .find(|sample| sample.rule == rule)
            .unwrap();
        let response = answer(&lab, sample.service, &(sample.change)()).await;
        assert_eq!(response.status, status, "{rule}");
        assert!(text(&response).contains(says), "{}", text(&response));
        assert_eq!(response.header("retry-after"), Some("3"));
        // Only the first call.
        let response = answer(&lab, sample.service, &(sample.change)()).await;
        assert!(!text(&response).contains("Throttling"), "{rule}");
        assert_ne!(response.status, status, "{rule}");
    }
    let lab = lab_with("service = 'sts'\nthrottle = true");
    let response = answer(&lab, Service::Aws, &sts()).await;
    assert!(text(&response).contains("<Code>Throttling</Code>"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_not_applied_and_has_the_chosen_error() {
    let lab = lab_with(
        "call = 'CreateVpc'\nrefuse = 500\ncode = 'InternalFailure'\nmessage = 'try later'",
    );
    let create = ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16");
    let response = answer(&lab, Service::Aws, &create).await;
    assert_eq!(response.status, 500);
    let said = text(&response);
    assert!(
        said.contains("<Code>InternalFailure</Code><Message>try later</Message>"),
        "{said}"
    );
    assert!(!has_vpc(&lab).await);

    for sample in samples() {
        let lab = lab_with(&format!("service = '{}'\nrefuse = 503", sample.rule));
        let response = answer(&lab, sample.service, &(sample.read)()).await;
        assert_eq!(response.status, 503, "{}", sample.rule);
        assert!(!response.body.is_empty(), "{}", sample.rule);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_after_it_was_applied_has_taken_effect() {
    let lab = lab_with("kind = 'change'\nrefuse-after = 503\ntimes = 2");
    let [ec2, _, _, prism, _] = samples();
    for sample in [ec2, prism] {
        let response = answer(&lab, sample.service, &(sample.change)()).await;
        assert_eq!(response.status, 503);
    }
    assert!(has_vpc(&lab).await);
    assert!(has_category(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_applied_twice_has_the_second_answer() {
    let lab = lab_with("call = 'CreateVpc'\ntwice = true");
    let create = ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16");
    assert_eq!(answer(&lab, Service::Aws, &create).await.status, 200);
    assert_eq!(vpcs(&lab).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_sense_is_sent_whether_the_call_was_applied_or_not() {
    for (effect, content_type) in [
        ("garbage", "text/xml;charset=UTF-8"),
        ("html", "text/html; charset=utf-8"),
        ("empty", "text/xml;charset=UTF-8"),
    ] {
        let lab = lab_with(&format!("call = 'CreateVpc'\n{effect} = true"));
        let create = ec2(TOKYO, "Action=CreateVpc&CidrBlock=10.77.0.0/16");
        let response = answer(&lab, Service::Aws, &create).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some(content_type));
        assert_eq!(response.body.is_empty(), effect == "empty");
        assert_eq!(text(&response).contains("<html>"), effect == "html");
        assert!(has_vpc(&lab).await, "{effect}");

        let lab = lab_with(&format!(
            "call = 'CreateVpc'\n{effect} = true\nunapplied = true"
        ));
        assert_eq!(answer(&lab, Service::Aws, &create).await.status, 200);
        assert!(!has_vpc(&lab).await, "{effect}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_answer_is_announced_whole() {
    for sample in samples() {
        let lab = lab_with("cut = 10");
        let request = (sample.read)();
        let cut = match lab.exchange(sample.service, &request).await {
            Exchange::Cut(response, 10) => response,
            other => panic!("{}: {other:?}", sample.rule),
        };
        assert!(cut.body.len() > 10, "{}", sample.rule);
    }
    // More than there is: the last byte is missing.
    let lab = lab_with("cut = 1_000_000");
    let cut = lab.exchange(Service::Aws, &sts()).await;
    assert!(matches!(cut, Exchange::Cut(response, at) if at == response.body.len() - 1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_has_the_error_of_its_service_once() {
    for (rule, says) in [
        ("ec2", "<Code>RequestExpired</Code>"),
        ("ssm", "ExpiredTokenException"),
        ("dynamodb", "ExpiredTokenException"),
    ] {
        let lab = lab_with(&format!("service = '{rule}'\nexpire-token = true"));
        let sample = samples()
            .into_iter()
            .find(|sample| sample.rule == rule)
            .unwrap();
        let response = answer(&lab, Service::Aws, &(sample.read)()).await;
        assert!(text(&response).contains(says), "{}", text(&response));
        let response = answer(&lab, Service::Aws, &(sample.read)()).await;
        assert_eq!(response.status, 200, "{rule}");
    }

    let lab = lab_with("service = 'prism'\nexpire-token = true");
    let [.., prism, _] = samples();
    let response = answer(&lab, PRISM_TOKYO, &(prism.read)()).await;
    assert_eq!(response.status, 401);
    assert!(response.header("www-authenticate").is_some());
    assert_eq!(answer(&lab, PRISM_TOKYO, &(prism.read)()).await.status, 200);

    let lab = crate::fixture::lab();
    let token = login(&lab).await;
    let list = with_token(mv("POST", "/plans/list", &json!({})), &token);
    assert_eq!(answer(&lab, MOVE_TOKYO, &list).await.status, 200);
    crate::fixture::add(&lab, "service = 'move'\nexpire-token = true");
    assert_eq!(answer(&lab, MOVE_TOKYO, &list).await.status, 401);
    // The token stays invalid; a new one is valid.
    assert_eq!(answer(&lab, MOVE_TOKYO, &list).await.status, 401);
    let token = login(&lab).await;
    let list = with_token(mv("POST", "/plans/list", &json!({})), &token);
    let response = answer(&lab, MOVE_TOKYO, &list).await;
    assert_eq!(response.status, 200, "{}", body(&response));
}
