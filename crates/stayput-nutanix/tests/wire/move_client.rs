//! Move: tokens, pages, plans.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::GuestCredentials;
use stayput_nutanix::ListProblem;
use stayput_nutanix::MoveError;
use stayput_nutanix::MovePlanSpec;
use stayput_nutanix::PrepareSpec;
use stayput_world::mv::MovePlanState;

use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::say;

const UUID: &str = "bdbbad7a-a401-4f9a-a789-2b8406905b56";
const LOGIN: &str = "POST /move/v2/users/login";

fn token(text: &str) -> Answer {
    say(200, json!({"Status": {"Token": text}}))
}

/// A server that accepts every login; the rest is `otherwise`.
async fn open_server(otherwise: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.line().as_str() {
        LOGIN => token("t"),
        _ => otherwise(asked),
    })
    .await
}

fn logins(server: &Server) -> usize {
    let asked = server.asked();
    asked.iter().filter(|asked| asked.line() == LOGIN).count()
}

#[tokio::test]
async fn one_login_serves_many_calls() {
    let server = open_server(|_| say(202, json!({}))).await;
    let mv = server.mv();
    for _ in 0..3 {
        mv.start(&"p".into()).await.unwrap();
    }
    assert_eq!(logins(&server), 1);
    let asked = server.asked();
    assert_eq!(
        asked[0].json(),
        json!({"Spec": {"UserName": "nutanix", "Password": "secret"}})
    );
    assert_eq!(asked[1].header("authorization"), "Bearer t");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    // A token whose life is zero seconds: {"iat":1600,"exp":1600}.
    let server = Server::start(|asked| match asked.line().as_str() {
        LOGIN => token("e30.eyJpYXQiOjE2MDAsImV4cCI6MTYwMH0.c2ln"),
        _ => say(202, json!({})),
    })
    .await;
    let mv = server.mv();
    mv.start(&"p".into()).await.unwrap();
    mv.start(&"p".into()).await.unwrap();
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_and_the_call_made_once_more() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.line().as_str() {
        LOGIN => token(&format!("t{}", times.fetch_add(1, Ordering::SeqCst))),
        _ if asked.header("authorization") == "Bearer t1" => say(202, json!({})),
        _ => say(401, json!({"Message": "token expired"})),
    })
    .await;
    server.mv().start(&"p".into()).await.unwrap();
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_is_an_error() {
    let server = open_server(|_| say(401, json!({"Message": "go away"}))).await;
    let error = server.mv().start(&"p".into()).await.unwrap_err();
    assert!(matches!(&error, MoveError::Auth(error) if error.status == 401));
    assert!(
        error
            .to_string()
            .ends_with("user or password refused (HTTP 401): go away")
    );
    assert_eq!(logins(&server), 2);
}

#[tokio::test]
async fn a_refused_login_is_not_replayed() {
    let server = Server::start(|asked| match asked.line().as_str() {
        LOGIN => say(401, json!({"Message": "wrong password"})),
        _ => say(404, json!({})),
    })
    .await;
    let error = server.mv().start(&"p".into()).await.unwrap_err();
    assert!(matches!(&error, MoveError::Auth(_)));
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(logins(&server), 1);
}

#[tokio::test]
async fn the_newer_login_is_used_where_the_older_is_gone() {
    let server = Server::start(|asked| match asked.line().as_str() {
        LOGIN => say(404, json!({})),
        "POST /move/v2/token" => say(200, json!({"AccessToken": "new", "RefreshToken": "r"})),
        _ if asked.header("authorization") == "Bearer new" => say(202, json!({})),
        _ => say(401, json!({})),
    })
    .await;
    server.mv().start(&"p".into()).await.unwrap();
    let form = &server.asked()[1];
    assert_eq!(
        form.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        form.text,
        "grantType=PASSWORD&username=nutanix&password=secret"
    );
}

fn workloads(from: usize, to: usize) -> Vec<Value> {
    (from..to)
        .map(|number| {
            json!({"VMUuid": format!("w{number:03}"), "VmID": format!("i-{number:03}"), "VMName": "app",
                   "Networks": [{"ID": "vpc-1", "Name": "main"}]})
        })
        .collect()
}

/// A Move with an AWS and an AOS provider, `count` workloads of which it gives `given`, and one plan.
fn appliance(asked: &Asked, count: usize, given: usize) -> Answer {
    match asked.line().as_str() {
        "POST /move/v2/providers/list" => say(
            200,
            json!({"MetaData": {"Count": 2}, "Entities": [
                {"MetaData": {"UUID": "src"}, "Spec": {"Name": "aws", "Type": "AWS"}},
                {"MetaData": {"UUID": "dst"}, "Spec": {"Name": "nc2", "Type": "AOS", "AOSProperties": null}},
            ]}),
        ),
        "GET /move/v2/providers/dst" => say(
            200,
            json!({"MetaData": {"UUID": "dst"}, "Spec": {"Name": "nc2", "Type": "AOS",
                "AOSProperties": {"Clusters": [{"UUID": "c", "Name": "tokyo", "Containers": [{"UUID": "k", "Name": "default"}], "Networks": null}]}}}),
        ),
        "POST /move/v2/providers/src/workloads/list" => {
            let body = asked.json();
            assert_eq!(body["Filter"]["Datacenter"], json!(["ap-northeast-1"]));
            let from = body["AfterOffset"].as_u64().unwrap_or(0) as usize;
            let to = (from + 100).min(given);
            say(
                200,
                json!({"MetaData": {"Count": count}, "Entities": workloads(from.min(to), to)}),
            )
        }
        "POST /move/v2/plans/list" => say(
            200,
            json!({"Entities": [{"MetaData": {"UUID": "p", "Name": "wave1", "State": 4, "VMStatus": null}}]}),
        ),
        "POST /move/v2/plans/p/workloads/list" => say(
            200,
            json!({"Status": {"Actions": null, "VMStatus": [
                {"UUID": "w001", "StateString": "Completed", "Actions": null, "Progress": 100,
                 "VmConsoleLink": format!("https://pc/vm/{UUID}/proxy")},
                {"UUID": "w002", "StateString": "ReadyToCutover", "Actions": ["CUTOVER"]},
            ]}}),
        ),
        line => say(500, json!({"Message": line})),
    }
}

#[tokio::test]
async fn an_appliance_is_observed_with_all_its_workloads() {
    let server = open_server(|asked| appliance(asked, 200, 200)).await;
    let mv = server
        .mv()
        .observe("aws", "nc2", &"ap-northeast-1".into())
        .await
        .unwrap();
    assert_eq!(mv.workloads.len(), 200);
    assert_eq!(mv.workloads[&"i-007".into()].networks, ["vpc-1"]);
    let target = &mv.providers[&"dst".into()];
    assert_eq!(target.clusters[&"c".into()].containers["default"], "k");
    let plan = &mv.plans[&"p".into()];
    assert_eq!(plan.state, MovePlanState::InProgress);
    assert_eq!(plan.vms[&"w001".into()].vm, Some(UUID.into()));
    assert_eq!(plan.vms[&"w002".into()].vm, None);
}

#[tokio::test]
async fn fewer_workloads_than_announced_are_an_error() {
    let server = open_server(|asked| appliance(asked, 150, 120)).await;
    let error = server
        .mv()
        .observe("aws", "nc2", &"ap-northeast-1".into())
        .await
        .unwrap_err();
    let MoveError::List(error) = error else {
        panic!("{error}")
    };
    assert_eq!(
        error.problem,
        ListProblem::Unsettled {
            reads: 5,
            got: 120,
            expected: 150
        }
    );
}

#[tokio::test]
async fn without_the_source_provider_there_are_no_workloads() {
    let server = open_server(|asked| appliance(asked, 10, 10)).await;
    let mv = server
        .mv()
        .observe("other", "nc2", &"ap-northeast-1".into())
        .await
        .unwrap();
    assert!(mv.workloads.is_empty());
    assert_eq!(mv.providers.len(), 2);
}

fn spec() -> MovePlanSpec {
    MovePlanSpec {
        name: "wave1".to_owned(),
        source: "src".into(),
        region: "ap-northeast-1".into(),
        target: "dst".into(),
        cluster: "c".into(),
        container: "k".to_owned(),
        source_network: "vpc-1".to_owned(),
        target_subnet: "s".into(),
        vms: BTreeMap::from([("w1".into(), "i-1".into())]),
    }
}

#[tokio::test]
async fn a_plan_whose_answer_was_lost_is_found_by_its_name() {
    let plans: Mutex<Vec<Value>> = Mutex::new(Vec::new());
    let server = open_server(move |asked| match asked.path.as_str() {
        "/move/v2/plans/list" => say(200, json!({"Entities": plans.lock().unwrap().clone()})),
        _ => {
            let made =
                json!({"MetaData": {"UUID": "p"}, "Spec": {"Name": asked.json()["Spec"]["Name"]}});
            plans.lock().unwrap().push(made);
            Answer::Cut
        }
    })
    .await;
    let mv = server.mv();
    assert_eq!(mv.create_plan(&spec()).await.unwrap(), "p".into());
    assert_eq!(mv.create_plan(&spec()).await.unwrap(), "p".into());
    let made = server
        .asked()
        .iter()
        .filter(|asked| asked.path == "/move/v2/plans")
        .count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_refused_plan_says_why_with_moves_own_number() {
    let server = open_server(|asked| match asked.path.as_str() {
        "/move/v2/plans/list" => say(200, json!({"Entities": null})),
        _ => say(
            422,
            json!({"Message": "test network equals production network", "Code": 20538}),
        ),
    })
    .await;
    let error = server.mv().create_plan(&spec()).await.unwrap_err();
    assert!(matches!(&error, MoveError::Api(error) if error.code == Some(20538)));
    assert!(
        error
            .to_string()
            .ends_with("HTTP 422: test network equals production network [20538]")
    );
}

fn prepare() -> PrepareSpec {
    PrepareSpec {
        region: "ap-northeast-1".into(),
        credentials: GuestCredentials::default(),
        vms: vec!["w1".into(), "w2".into()],
    }
}

#[tokio::test]
async fn preparation_is_asked_for_until_every_guest_is_decided() {
    let times = AtomicUsize::new(0);
    let server = open_server(move |_| {
        let result = match times.fetch_add(1, Ordering::SeqCst) {
            0 => json!({"Passed": null, "Failed": null, "InstallationInProgress": [{}, {}]}),
            1 => json!({"Passed": [{}], "Failed": null, "InstallationInProgress": [{}]}),
            _ => json!({"Passed": [{}, {}], "Failed": null, "InstallationInProgress": null}),
        };
        say(200, json!({"Status": {"Result": result}}))
    })
    .await;
    server.mv().prepare(&"p".into(), &prepare()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[1].text, asked[3].text);
    assert_eq!(asked[1].json()["Spec"]["Region"], "ap-northeast-1");
    assert_eq!(asked[1].json()["Spec"]["CommonCredentials"]["PemFile"], "");
}

#[tokio::test]
async fn guests_that_cannot_be_prepared_are_named() {
    let server = open_server(|_| {
        let failed = json!([{"UUID": "w2", "Status": "Failed", "Message": "no SSH"}]);
        say(
            200,
            json!({"Status": {"Result": {"Passed": [{}], "Failed": failed}}}),
        )
    })
    .await;
    let error = server
        .mv()
        .prepare(&"p".into(), &prepare())
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("VM w2: no SSH"), "{error}");
    let MoveError::NotPrepared(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.problems[0].vm, Some("w2".into()));
}

#[tokio::test]
async fn a_plan_that_is_not_ready_says_what_is_missing() {
    let server = open_server(|_| {
        let failed = json!([{"CheckType": "Storage", "Message": "container is full"}]);
        say(
            200,
            json!({"Status": {"Failed": failed, "VMChecksResult": {"Failed": null}}}),
        )
    })
    .await;
    let error = server.mv().readiness(&"p".into()).await.unwrap_err();
    assert!(
        error.to_string().ends_with("Storage: container is full"),
        "{error}"
    );
}

#[tokio::test]
async fn a_plan_that_is_started_or_gone_already_is_fine() {
    let server = open_server(|asked| match asked.method.as_str() {
        "DELETE" => say(404, json!({})),
        "GET" => say(
            200,
            json!({"MetaData": {"UUID": "p", "Name": "wave1", "State": 4, "VMStatus": []}}),
        ),
        _ => say(409, json!({"Message": "already started"})),
    })
    .await;
    let mv = server.mv();
    mv.start(&"p".into()).await.unwrap();
    mv.delete_plan(&"p".into()).await.unwrap();
}

/// A plan with one VM in a state; whether its cutover was asked for, and how the call ended.
async fn cut_over(vm: Value) -> (usize, Result<(), MoveError>) {
    let server = open_server(move |asked| match asked.method.as_str() {
        "GET" => say(
            200,
            json!({"MetaData": {"UUID": "p", "Name": "wave1", "State": 4, "VMStatus": [vm]}}),
        ),
        _ => say(200, json!({})),
    })
    .await;
    let result = server.mv().cutover(&"p".into(), &"w1".into()).await;
    let actions = server.asked();
    let actions: Vec<&Asked> = actions
        .iter()
        .filter(|asked| asked.path == "/move/v2/plans/p/workloads/w1/action")
        .collect();
    for action in &actions {
        assert_eq!(action.json(), json!({"Spec": {"Action": "cutover"}}));
    }
    (actions.len(), result)
}

#[tokio::test]
async fn a_cutover_is_asked_for_only_where_move_offers_it() {
    let (asked, result) =
        cut_over(json!({"UUID": "w1", "StateString": "ReadyToCutover", "Actions": ["CUTOVER"]}))
            .await;
    assert!(result.is_ok());
    assert_eq!(asked, 1);

    for state in ["CutoverLastSync", "Completed"] {
        let (asked, result) =
            cut_over(json!({"UUID": "w1", "StateString": state, "Actions": null})).await;
        assert!(result.is_ok());
        assert_eq!(asked, 0);
    }

    let (asked, result) =
        cut_over(json!({"UUID": "w1", "StateString": "SeedingData", "Actions": ["ABORT"]})).await;
    assert!(matches!(result, Err(MoveError::NotOffered(error)) if error.offered == ["ABORT"]));
    assert_eq!(asked, 0);

    let (_, result) = cut_over(json!({"UUID": "w2", "StateString": "ReadyToCutover"})).await;
    assert!(matches!(result, Err(MoveError::Missing { .. })));
}
