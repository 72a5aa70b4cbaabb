//! Move: answers of another form, and changes whose end is not known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::DoubtReason;
use stayput_nutanix::GuestCredentials;
use stayput_nutanix::ListProblem;
use stayput_nutanix::Looks;
use stayput_nutanix::MoveClient;
use stayput_nutanix::MoveError;
use stayput_nutanix::MovePlanSpec;
use stayput_nutanix::PrepareSpec;
use stayput_world::MoveAppliance;
use stayput_world::ObjectKind;

use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::say;
use crate::server::short;

/// A server that accepts every login; the rest is `otherwise`.
async fn open_server(otherwise: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.path.as_str() {
        "/move/v2/users/login" => say(200, json!({"Status": {"Token": "token-of-move"}})),
        _ => otherwise(asked),
    })
    .await
}

/// A Move with a source, and these as its answers to the lists of workloads and plans.
async fn appliance(workloads: Value, plans: Value) -> Server {
    open_server(move |asked| match asked.path.as_str() {
        "/move/v2/providers/list" => say(
            200,
            json!({"Entities": [{"MetaData": {"UUID": "src"}, "Spec": {"Name": "aws", "Type": "AWS"}}]}),
        ),
        "/move/v2/providers/src/workloads/list" => say(200, workloads.clone()),
        "/move/v2/plans/list" => say(200, plans.clone()),
        _ => say(500, json!({"Message": asked.line()})),
    })
    .await
}

async fn observe(server: &Server) -> Result<MoveAppliance, MoveError> {
    let mv = server.mv();
    mv.observe("aws", "nc2", &"ap-northeast-1".into()).await
}

fn workload(number: usize) -> Value {
    json!({"VMUuid": format!("w{number}"), "VmID": format!("i-{number}"), "Networks": null})
}

#[tokio::test]
async fn a_list_is_read_under_either_key_and_in_any_case() {
    let one = json!([workload(1)]);
    for workloads in [
        json!({"Entities": one}),
        json!({"VMs": one}),
        json!({"vms": one, "metadata": {"count": 1}}),
        json!({"entities": null, "VMS": one}),
        json!({"Entities": one, "VMs": null}),
        json!({"ENTITIES": [{"vmuuid": "w1", "VMID": "i-1"}]}),
    ] {
        let server = appliance(workloads.clone(), json!({"entities": []})).await;
        let mv = observe(&server).await.unwrap();
        assert_eq!(mv.workloads[&"i-1".into()].id, "w1".into(), "{workloads}");
    }
}

#[tokio::test]
async fn an_answer_without_a_list_is_an_error_and_never_an_empty_list() {
    let empty = json!({"Entities": null});
    for odd in [
        json!({}),
        json!([]),
        json!(null),
        json!({"MetaData": {"Count": 0}}),
        json!({"Entities": {"a": 1}}),
        json!({"Status": {"VMs": []}}),
    ] {
        let server = appliance(odd.clone(), empty.clone()).await;
        let error = observe(&server).await.unwrap_err();
        assert!(matches!(&error, MoveError::Decode(_)), "{odd}: {error}");
        let server = appliance(empty.clone(), odd.clone()).await;
        let error = observe(&server).await.unwrap_err();
        assert!(matches!(&error, MoveError::Decode(_)), "{odd}: {error}");
    }
    let server = appliance(empty.clone(), empty).await;
    assert!(observe(&server).await.unwrap().workloads.is_empty());
}

#[tokio::test]
async fn odd_workloads_and_plans_of_others_are_named_and_do_not_stop_the_observation() {
    let workloads = json!({"MetaData": {"Count": 3}, "Entities": [
        workload(1),
        {"VMName": "odd", "VmID": "i-2"},
        {"VMUuid": "w3", "VmID": "i-3", "VMName": 7},
    ]});
    let plans = json!({"Entities": [
        {"MetaData": {"UUID": "p", "Name": "ours", "State": 4, "VMStatus": [{"UUID": "w1"}]}},
        {"MetaData": {"Name": "without id"}},
        {"MetaData": {"UUID": "q", "Name": "theirs", "VMStatus": [{"Name": "no id"}]}},
        {"MetaData": {"UUID": "r", "Name": "silent", "NumVMs": 2, "VMStatus": []}},
    ]});
    let server = open_server(move |asked| match asked.path.as_str() {
        "/move/v2/providers/list" => say(
            200,
            json!({"Entities": [{"MetaData": {"UUID": "src"}, "Spec": {"Name": "aws", "Type": "AWS"}}, {"Spec": {"Name": "no id"}}]}),
        ),
        "/move/v2/providers/src/workloads/list" => say(200, workloads.clone()),
        "/move/v2/plans/list" => say(200, plans.clone()),
        "/move/v2/plans/r/workloads/list" => say(200, json!({"Status": {"VMStatus": null}})),
        _ => say(500, json!({"Message": asked.line()})),
    })
    .await;
    let mv = observe(&server).await.unwrap();
    assert_eq!(mv.workloads.len(), 2);
    assert_eq!(mv.workloads[&"i-3".into()].name, "");
    assert_eq!(mv.plans.len(), 1);
    let left_out: Vec<(ObjectKind, Option<&str>, Option<&str>)> = mv
        .unreadable
        .iter()
        .filter(|note| note.is_left_out())
        .map(|note| (note.kind, note.ext_id.as_deref(), note.name.as_deref()))
        .collect();
    assert_eq!(
        left_out,
        [
            (ObjectKind::MoveProvider, None, Some("no id")),
            (ObjectKind::MoveWorkload, Some("i-2"), Some("odd")),
            (ObjectKind::MovePlan, None, Some("without id")),
            (ObjectKind::MovePlan, Some("q"), Some("theirs")),
            (ObjectKind::MovePlan, Some("r"), Some("silent")),
        ]
    );
    assert_eq!(mv.unreadable.len(), left_out.len() + 1);
}

#[tokio::test]
async fn workloads_are_not_followed_to_an_absurd_count_nor_round_in_circles() {
    let page: Vec<Value> = (0..100).map(workload).collect();
    let absurd = json!({"MetaData": {"Count": 1_000_000_000_000_000_u64}, "Entities": page});
    let server = appliance(absurd, json!({"Entities": null})).await;
    let error = observe(&server).await.unwrap_err();
    assert!(
        matches!(error, MoveError::List(error) if matches!(error.problem, ListProblem::TooLong { .. }))
    );
    let again = json!({"Entities": page});
    let server = appliance(again, json!({"Entities": null})).await;
    let error = observe(&server).await.unwrap_err();
    assert!(
        matches!(error, MoveError::List(error) if error.problem == ListProblem::Repeats { got: 100 })
    );
}

#[tokio::test]
async fn an_outage_while_a_plan_is_watched_does_not_end_it() {
    let times = AtomicUsize::new(0);
    let server = open_server(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => say(500, json!({})),
        1 => say(502, json!({})),
        2 => Answer::Cut,
        3 => Answer::Half(200, "{".to_owned()),
        4 => Answer::Say(200, Vec::new(), String::new()),
        5 => say(200, json!({"Spec": {"Name": "wave1"}})),
        6 => say(503, json!({})),
        _ => say(
            200,
            json!({"MetaData": {"UUID": "p", "State": 4, "VMStatus": []}}),
        ),
    })
    .await;
    server.mv().plan_status(&"p".into()).await.unwrap();
    assert_eq!(server.asked().len(), 1 + 8);
}

#[tokio::test]
async fn a_restart_of_move_while_a_plan_is_watched_does_not_end_it() {
    // The port is free at first, and the server takes it later.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let mv = crate::server::mv_at(&format!("http://{address}"));
    let watching = tokio::spawn(async move { mv.plan_status(&"p".into()).await });
    let mut server = None;
    while server.is_none() {
        tokio::task::yield_now().await;
        server = Server::start_at(address, |asked| match asked.path.as_str() {
            "/move/v2/users/login" => say(200, json!({"Status": {"Token": "token-of-move"}})),
            _ => say(
                200,
                json!({"MetaData": {"UUID": "p", "State": 4, "VMStatus": []}}),
            ),
        })
        .await;
    }
    watching.await.unwrap().unwrap();
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

/// A Move whose plans are listed from the look `visible_at` on after one was made.
async fn plan_server(
    visible_at: usize,
    answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> Server {
    let (made, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
    open_server(move |asked| match asked.path.as_str() {
        "/move/v2/plans/list" => {
            let is_made = made.load(Ordering::SeqCst) > 0;
            let is_visible = is_made && looks.fetch_add(1, Ordering::SeqCst) >= visible_at;
            let plans = if is_visible {
                json!([{"MetaData": {"UUID": "p", "Name": "wave1"}}])
            } else {
                json!(null)
            };
            say(200, json!({"Entities": plans}))
        }
        _ => answer(made.fetch_add(1, Ordering::SeqCst)),
    })
    .await
}

fn creates(server: &Server) -> usize {
    let asked = server.asked();
    asked
        .iter()
        .filter(|asked| asked.path == "/move/v2/plans")
        .count()
}

#[tokio::test]
async fn a_plan_in_doubt_is_looked_for_several_times_before_it_is_repeated() {
    for answer in [
        || Answer::Cut,
        || say(502, json!({})),
        || Answer::Half(201, "{".to_owned()),
    ] {
        let server = plan_server(2, move |_| answer()).await;
        assert_eq!(server.mv().create_plan(&spec()).await.unwrap(), "p".into());
        assert_eq!(creates(&server), 1);
    }
    let server = plan_server(usize::MAX, |number| {
        if number == 0 {
            Answer::Cut
        } else {
            say(201, json!({"MetaData": {"UUID": "q"}}))
        }
    })
    .await;
    assert_eq!(server.mv().create_plan(&spec()).await.unwrap(), "q".into());
    assert_eq!(creates(&server), 2);
}

#[tokio::test]
async fn a_plan_that_was_accepted_and_cannot_be_found_is_in_doubt() {
    let server = plan_server(usize::MAX, |_| say(201, json!({}))).await;
    let error = server.mv().create_plan(&spec()).await.unwrap_err();
    assert!(error.may_have_taken_effect());
    assert!(
        matches!(&error, MoveError::InDoubt(doubt) if matches!(doubt.reason, DoubtReason::NotFound { .. }))
    );
    let server = plan_server(usize::MAX, |_| Answer::Cut).await;
    let error = server
        .mv()
        .with_limits(short())
        .create_plan(&spec())
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
}

#[tokio::test]
async fn two_plans_of_a_name_or_an_unreadable_one_are_errors() {
    let plan = |id: &str| json!({"MetaData": {"UUID": id, "Name": "wave1"}});
    let server = appliance(
        json!({"Entities": null}),
        json!({"Entities": [plan("p"), plan("q")]}),
    )
    .await;
    let error = server.mv().create_plan(&spec()).await.unwrap_err();
    assert!(
        matches!(&error, MoveError::Ambiguous(error) if error.ids == ["p", "q"]),
        "{error}"
    );
    let odd = json!({"MetaData": {"UUID": "p", "Name": "wave1", "VMStatus": [{"Name": "x"}]}});
    let server = appliance(json!({"Entities": null}), json!({"Entities": [odd]})).await;
    let error = server
        .mv()
        .find_plan("wave1", Looks::Once)
        .await
        .unwrap_err();
    assert!(matches!(&error, MoveError::Decode(_)), "{error}");
    assert_eq!(creates(&server), 0);
}

/// A plan with one VM that goes from one state to another when its action is asked for; `answer` is that of the action, if it is
/// accepted it is 202.
async fn acted<F: Future<Output = Result<(), MoveError>>>(
    (before, after): (Value, Value),
    answers: &'static [fn() -> Answer],
    act: impl FnOnce(MoveClient) -> F,
) -> (Vec<String>, Result<(), MoveError>) {
    let now = Mutex::new(before);
    let asked_for = Arc::new(Mutex::new(Vec::new()));
    let seen = asked_for.clone();
    let server = open_server(move |asked| {
        if asked.method == "GET" {
            let vm = now.lock().unwrap().clone();
            return say(
                200,
                json!({"MetaData": {"UUID": "p", "State": 4, "VMStatus": [vm]}}),
            );
        }
        let mut seen = seen.lock().unwrap();
        seen.push(
            asked.json()["Spec"]["Action"]
                .as_str()
                .unwrap_or(&asked.path)
                .to_owned(),
        );
        let answer = answers
            .get(seen.len() - 1)
            .unwrap_or(&answers[answers.len() - 1]);
        if seen.len() == answers.len() {
            *now.lock().unwrap() = after.clone();
        }
        answer()
    })
    .await;
    let result = act(server.mv()).await;
    let asked_for = asked_for.lock().unwrap().clone();
    (asked_for, result)
}

fn vm(state: &str, actions: &[&str], error: Option<&str>) -> Value {
    json!({"UUID": "w1", "StateString": state, "Actions": actions, "ErrorMessage": error})
}

fn accepted() -> Answer {
    say(202, json!({}))
}

fn lost() -> Answer {
    Answer::Cut
}

#[tokio::test]
async fn a_vm_that_failed_is_retried_discarded_or_aborted_through_move() {
    let failed = || vm("Failed", &["RETRY", "DISCARD"], Some("no space"));
    let (asked, result) = acted(
        (failed(), vm("SeedingData", &["ABORT"], None)),
        &[accepted],
        async |mv| mv.retry_vm(&"p".into(), &"w1".into()).await,
    )
    .await;
    result.unwrap();
    assert_eq!(asked, ["retry"]);
    let (asked, result) = acted(
        (failed(), vm("Aborted", &[], None)),
        &[accepted],
        async |mv| mv.discard_vm(&"p".into(), &"w1".into()).await,
    )
    .await;
    result.unwrap();
    assert_eq!(asked, ["discard"]);
    let seeding = vm("SeedingData", &["ABORT"], None);
    let (asked, result) = acted((seeding, json!(null)), &[accepted], async |mv| {
        mv.abort_vm(&"p".into(), &"w1".into()).await
    })
    .await;
    result.unwrap();
    assert_eq!(asked, ["abort"]);
}

#[tokio::test]
async fn an_action_that_is_not_offered_is_fine_only_if_it_is_done() {
    let seeding = || (vm("SeedingData", &["ABORT"], None), json!(null));
    let (asked, result) = acted(seeding(), &[accepted], async |mv| {
        mv.retry_vm(&"p".into(), &"w1".into()).await
    })
    .await;
    result.unwrap();
    assert!(asked.is_empty());
    let (asked, result) = acted(seeding(), &[accepted], async |mv| {
        mv.discard_vm(&"p".into(), &"w1".into()).await
    })
    .await;
    assert!(matches!(result, Err(MoveError::NotOffered(_))));
    assert!(asked.is_empty());
}

#[tokio::test]
async fn a_cutover_whose_answer_was_lost_is_not_asked_for_twice_if_it_began() {
    let ready = || vm("ReadyToCutover", &["CUTOVER"], None);
    let cut = async |mv: MoveClient| mv.cutover(&"p".into(), &"w1".into()).await;
    let began = vm("CutoverInProgress", &[], None);
    let (asked, result) = acted((ready(), began.clone()), &[lost], cut).await;
    result.unwrap();
    assert_eq!(asked, ["cutover"]);
    // It had no effect: asked for again after several looks.
    let (asked, result) = acted((ready(), began), &[lost, accepted], cut).await;
    result.unwrap();
    assert_eq!(asked, ["cutover", "cutover"]);
    let (_, result) = acted((ready(), ready()), &[lost], async |mv: MoveClient| {
        mv.with_limits(short())
            .cutover(&"p".into(), &"w1".into())
            .await
    })
    .await;
    assert!(result.unwrap_err().may_have_taken_effect());
}

#[tokio::test]
async fn a_start_in_doubt_is_repeated_only_if_the_plan_has_not_begun() {
    let started = |state_after: i64| async move {
        let posts = AtomicUsize::new(0);
        let server = open_server(move |asked| {
            let posted = posts.load(Ordering::SeqCst);
            if asked.method == "GET" {
                let state = if posted > 0 { state_after } else { 0 };
                return say(
                    200,
                    json!({"MetaData": {"UUID": "p", "State": state, "VMStatus": []}}),
                );
            }
            match posts.fetch_add(1, Ordering::SeqCst) {
                0 => lost(),
                _ => accepted(),
            }
        })
        .await;
        server.mv().start(&"p".into()).await.unwrap();
        let asked = server.asked();
        asked
            .iter()
            .filter(|asked| asked.path == "/move/v2/plans/p/start")
            .count()
    };
    assert_eq!(started(4).await, 1);
    assert_eq!(started(0).await, 2);
}

#[tokio::test]
async fn a_conflict_about_a_plan_that_is_not_as_wanted_is_an_error() {
    let server = open_server(|asked| match asked.method.as_str() {
        "GET" => say(
            200,
            json!({"MetaData": {"UUID": "p", "State": 0, "VMStatus": []}}),
        ),
        _ => say(409, json!({"Message": "guest preparation has not passed"})),
    })
    .await;
    let mv = server.mv();
    let error = mv.start(&"p".into()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("guest preparation has not passed"),
        "{error}"
    );
    assert!(!error.may_have_taken_effect());
    mv.cancel_plan(&"p".into()).await.unwrap();
}

#[tokio::test]
async fn a_cancel_that_is_refused_during_a_cutover_is_an_error() {
    let server = open_server(|asked| match asked.method.as_str() {
        "GET" => say(
            200,
            json!({"MetaData": {"UUID": "p", "State": 4, "VMStatus": []}}),
        ),
        _ => say(409, json!({"Message": "a VM is being cut over"})),
    })
    .await;
    let error = server.mv().cancel_plan(&"p".into()).await.unwrap_err();
    assert!(error.to_string().contains("being cut over"), "{error}");
}

#[tokio::test]
async fn readiness_that_is_not_told_is_not_taken_for_ready() {
    for odd in [
        json!({}),
        json!({"Status": {}}),
        json!({"Status": null}),
        json!([]),
    ] {
        let server = open_server(move |_| say(200, odd.clone())).await;
        let error = server.mv().readiness(&"p".into()).await.unwrap_err();
        assert!(matches!(&error, MoveError::Decode(_)), "{error}");
        assert!(!error.may_have_taken_effect(), "it only checks");
    }
}

#[tokio::test]
async fn a_preparation_that_is_never_decided_is_in_doubt_when_its_time_is_over() {
    let prepare = |answer: Value| async move {
        let server = open_server(move |_| say(200, answer.clone())).await;
        let spec = PrepareSpec {
            region: "ap-northeast-1".into(),
            credentials: GuestCredentials::default(),
            vms: vec!["w1".into()],
        };
        let mv = server.mv().with_limits(short());
        mv.prepare(&"p".into(), &spec).await.unwrap_err()
    };
    let error = prepare(json!({"Status": {"Result": null}})).await;
    assert!(
        matches!(&error, MoveError::InDoubt(doubt) if matches!(doubt.reason, DoubtReason::TooSlow { .. }))
    );
    let error = prepare(json!({})).await;
    assert!(matches!(&error, MoveError::Decode(_)), "{error}");
    assert!(error.may_have_taken_effect(), "it may be preparing");
}
