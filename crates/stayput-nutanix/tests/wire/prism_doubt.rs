//! Changes whose end is not known, and what is done about it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_messages::Message;
use stayput_nutanix::DoubtReason;
use stayput_nutanix::InDoubt;
use stayput_nutanix::Limits;
use stayput_nutanix::Looks;
use stayput_nutanix::NicSpec;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;
use stayput_nutanix::TaskProgress;
use stayput_nutanix::VpcSpec;
use stayput_world::prism::RecoveryAction;

use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::long;
use crate::server::say;
use crate::server::short;
use crate::server::tagged;
use crate::server::task_started;

const VM: &str = "GET /api/vmm/v4.1/ahv/config/vms/v1";
const VPCS: &str = "/api/networking/v4.0/config/vpcs";

fn probe(asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/api/vmm/unversioned/info" => data(json!("v4.1")),
        "/api/dataprotection/unversioned/info" => data(json!("v4.2")),
        _ => data(json!("v4.0")),
    }
}

fn is_task(asked: &Asked) -> bool {
    asked.path.contains("/config/tasks/")
}

fn task(status: &str) -> Answer {
    data(json!({"extId": "ZXJnb24=:t", "status": status}))
}

fn vm(power: &str, nics: Value) -> Answer {
    let vm = json!({"extId": "v1", "name": "app01", "powerState": power, "nics": nics});
    tagged("vm-1", vm)
}

/// A power-off whose POST and task are answered like this; the VM stays on.
async fn power_off(
    limits: Limits,
    answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) -> (Server, PrismError) {
    let server = vm_that_stays_on(answer).await;
    let prism = server.prism().with_limits(limits);
    let result = prism.power_off(&"v1".into(), RequestId::random()).await;
    (server, result.unwrap_err())
}

/// A server whose VM is on whatever is asked of it.
async fn vm_that_stays_on(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if !is_task(asked) => vm("ON", json!([])),
        _ => answer(asked),
    })
    .await
}

fn doubt(error: PrismError) -> InDoubt {
    assert!(error.may_have_taken_effect());
    match error {
        PrismError::InDoubt(doubt) => *doubt,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_each_time_may_have_taken_effect() {
    for answer in [
        || Answer::Cut,
        || Answer::Hang,
        || say(500, json!({})),
        || say(503, json!({})),
        || Answer::Half(202, "{".to_owned()),
        || Answer::Say(202, Vec::new(), "<html>".to_owned()),
        || say(202, json!({"weird": true})),
    ] {
        let server = vm_that_stays_on(move |_| answer()).await;
        let prism = server.hasty_prism();
        let result = prism.power_off(&"v1".into(), RequestId::random()).await;
        let error = result.unwrap_err();
        assert!(error.may_have_taken_effect(), "{error}");
        let posts = server.asked_with("POST").len() as u32;
        assert_eq!(error.call().unwrap().unclear_attempts, posts);
    }
}

#[tokio::test]
async fn a_change_that_was_certainly_not_processed_has_no_effect() {
    for status in [301, 400, 404, 409, 412, 422, 429] {
        let (_, error) = power_off(short(), move |_| say(status, json!({}))).await;
        assert!(!error.may_have_taken_effect(), "{error}");
    }
    let (_, error) = power_off(short(), |_| say(403, json!({}))).await;
    assert!(!error.may_have_taken_effect(), "{error}");
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_leaves_the_change_in_doubt() {
    let posts = AtomicUsize::new(0);
    let (_, error) = power_off(long(), move |_| {
        match posts.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Cut,
            _ => say(409, json!({})),
        }
    })
    .await;
    assert!(matches!(&error, PrismError::Api(error) if error.status == 409));
    assert!(error.may_have_taken_effect(), "the first may have");
}

#[tokio::test]
async fn a_look_that_fails_after_a_lost_answer_leaves_the_change_in_doubt() {
    let posted = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if posted.load(Ordering::SeqCst) > 0 => say(400, json!({})),
        "GET" => vm("ON", json!([])),
        _ => {
            posted.fetch_add(1, Ordering::SeqCst);
            Answer::Cut
        }
    })
    .await;
    let error = server
        .prism()
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap_err();
    let doubt = doubt(error);
    assert_eq!(doubt.reason, DoubtReason::NotLookedUp);
    assert!(doubt.source.unwrap().to_string().contains("HTTP 400"));
}

#[tokio::test]
async fn a_vanished_task_has_failed_if_looks_show_nothing_done() {
    let (server, error) = power_off(long(), |asked| {
        if is_task(asked) {
            say(404, json!({}))
        } else {
            task_started("t")
        }
    })
    .await;
    assert!(
        matches!(&error, PrismError::TaskLost(lost) if lost.task.as_str() == "ZXJnb24=:t"),
        "{error}"
    );
    assert!(!error.may_have_taken_effect());
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|asked| is_task(asked)).count(), 4);
}

#[tokio::test]
async fn a_task_that_vanishes_is_no_error_if_a_look_shows_it_done() {
    let posted = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if is_task(asked) => say(404, json!({})),
        "GET" if posted.load(Ordering::SeqCst) > 0 => vm("OFF", json!([])),
        "GET" => vm("ON", json!([])),
        _ => {
            posted.fetch_add(1, Ordering::SeqCst);
            task_started("t")
        }
    })
    .await;
    let prism = server.prism();
    let done = prism.power_off(&"v1".into(), RequestId::random()).await;
    assert!(done.is_ok(), "{done:?}");
}

#[tokio::test]
async fn a_vm_that_one_look_does_not_show_is_seen_by_the_next() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        _ if looks.fetch_add(1, Ordering::SeqCst) == 0 => say(404, json!({})),
        _ => vm("ON", json!([])),
    })
    .await;
    let prism = server.prism();
    let found = prism.find_vm(&"v1".into(), Looks::Several).await.unwrap();
    assert_eq!(found.unwrap().name, "app01");
}

#[tokio::test]
async fn an_empty_answer_to_a_change_is_in_doubt_and_not_success() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" => vm("ON", json!([])),
        _ => Answer::Say(200, Vec::new(), String::new()),
    })
    .await;
    let error = server
        .prism()
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap_err();
    assert!(error.may_have_taken_effect(), "{error}");
}

#[tokio::test]
async fn a_task_that_never_ends_is_in_doubt_when_its_time_is_over() {
    let (_, error) = power_off(short(), |asked| {
        if is_task(asked) {
            data(json!({"extId": "ZXJnb24=:t", "status": "RUNNING", "progressPercentage": 40}))
        } else {
            task_started("t")
        }
    })
    .await;
    let doubt = doubt(error);
    assert!(
        matches!(&doubt.reason, DoubtReason::TaskTooSlow { percent: Some(40), status, .. } if status == "RUNNING")
    );
    assert!(
        doubt.to_string().contains("it was `RUNNING` at 40 %"),
        "{doubt}"
    );
}

#[tokio::test]
async fn a_task_that_is_suspended_or_ends_in_an_unknown_status_is_in_doubt() {
    let (_, error) = power_off(long(), |asked| {
        if is_task(asked) {
            task("SUSPENDED")
        } else {
            task_started("t")
        }
    })
    .await;
    assert!(matches!(
        doubt(error).reason,
        DoubtReason::TaskSuspended { .. }
    ));
    let (_, error) = power_off(long(), |asked| {
        if is_task(asked) {
            data(json!({"extId": "ZXJnb24=:t", "status": "MELTED", "completedTime": "2026-11-20T10:00:00Z"}))
        } else {
            task_started("t")
        }
    })
    .await;
    assert!(
        matches!(doubt(error).reason, DoubtReason::TaskStatus { status, .. } if status == "MELTED")
    );
}

#[tokio::test]
async fn a_task_that_cannot_be_looked_at_is_in_doubt() {
    for answer in [
        || say(503, json!({})),
        || say(401, json!({})),
        || Answer::Say(200, Vec::new(), "<html>".to_owned()),
    ] {
        let (_, error) = power_off(short(), move |asked| {
            if is_task(asked) {
                answer()
            } else {
                task_started("t")
            }
        })
        .await;
        assert_eq!(doubt(error).reason, DoubtReason::NotLookedUp);
    }
}

#[tokio::test]
async fn an_outage_while_a_task_is_waited_for_does_not_end_it() {
    let looks = AtomicUsize::new(0);
    let power = Arc::new(Mutex::new("ON"));
    let seen = power.clone();
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if is_task(asked) => match looks.fetch_add(1, Ordering::SeqCst) {
            0 => task("RUNNING"),
            1 => say(502, json!({})),
            2 => Answer::Cut,
            3 => Answer::Half(200, "{".to_owned()),
            4 => say(404, json!({})),
            5 => Answer::Say(200, Vec::new(), String::new()),
            _ => {
                *seen.lock().unwrap() = "OFF";
                task("SUCCEEDED")
            }
        },
        "GET" => vm(*seen.lock().unwrap(), json!([])),
        _ => task_started("t"),
    })
    .await;
    let told: Arc<Mutex<Vec<TaskProgress>>> = Arc::default();
    let listener = told.clone();
    server
        .prism()
        .with_progress(move |progress| listener.lock().unwrap().push(progress.clone()))
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap();
    assert_eq!(*power.lock().unwrap(), "OFF");
    let told = told.lock().unwrap();
    let statuses: Vec<&str> = told.iter().map(|one| one.status.as_str()).collect();
    assert_eq!(statuses, ["RUNNING", "SUCCEEDED"]);
    assert_eq!(told[0].what.to_string(), "power off VM v1");
}

#[tokio::test]
async fn a_failed_task_of_something_that_is_as_wanted_is_fine() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if is_task(asked) => task("FAILED"),
        // Another client switched it off meanwhile.
        "GET" if looks.fetch_add(1, Ordering::SeqCst) == 0 => vm("ON", json!([])),
        "GET" => vm("OFF", json!([])),
        _ => task_started("t"),
    })
    .await;
    let prism = server.prism();
    let result = prism.power_off(&"v1".into(), RequestId::random()).await;
    result.unwrap();
}

#[tokio::test]
async fn a_vm_is_deleted_with_its_etag_and_waited_for_until_it_is_gone() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if is_task(asked) => task("SUCCEEDED"),
        "GET" if looks.fetch_add(1, Ordering::SeqCst) < 2 => vm("OFF", json!([])),
        "GET" => say(404, json!({})),
        _ => task_started("t"),
    })
    .await;
    let prism = server.prism();
    let id = RequestId::random();
    prism.delete_vm(&"v1".into(), id).await.unwrap();
    let deletes = server.asked_with("DELETE");
    assert_eq!(deletes.len(), 1);
    assert_eq!(deletes[0].header("if-match"), "vm-1");
    assert_eq!(deletes[0].header("ntnx-request-id"), id.to_string());
    prism
        .delete_vm(&"v1".into(), RequestId::random())
        .await
        .unwrap();
    assert_eq!(server.asked_with("DELETE").len(), 1);
}

#[tokio::test]
async fn a_vm_that_another_client_deletes_first_is_fine() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if looks.fetch_add(1, Ordering::SeqCst) == 0 => vm("OFF", json!([])),
        _ => say(404, json!({})),
    })
    .await;
    let prism = server.prism();
    let result = prism.delete_vm(&"v1".into(), RequestId::random()).await;
    result.unwrap();
}

fn vpc() -> VpcSpec {
    VpcSpec {
        name: "app-vpc".to_owned(),
        external_subnets: Default::default(),
        erps: Default::default(),
        dns: Vec::new(),
    }
}

/// A server with Flow VPCs that lists one only at the look `visible_at`, counted from 0 after it was made; its POSTs are answered
/// by `answer`.
async fn vpc_server(
    visible_at: usize,
    answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> Server {
    let posts = AtomicUsize::new(0);
    let looks = AtomicUsize::new(0);
    Server::start(
        move |asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("OPTIONS", _) => probe(asked),
            ("GET", VPCS) => {
                let is_made = posts.load(Ordering::SeqCst) > 0;
                let is_visible = is_made && looks.fetch_add(1, Ordering::SeqCst) >= visible_at;
                let made = json!([{"extId": "w", "name": "app-vpc"}]);
                list(if is_visible { made } else { json!([]) })
            }
            ("GET", _) => task("SUCCEEDED"),
            _ => answer(posts.fetch_add(1, Ordering::SeqCst)),
        },
    )
    .await
}

#[tokio::test]
async fn what_a_lost_create_made_is_found_by_its_name_first() {
    let server = vpc_server(2, |_| Answer::Cut).await;
    let made = server.prism().create_vpc(&vpc(), RequestId::random()).await;
    assert_eq!(made.unwrap(), "w".into());
    assert_eq!(server.asked_with("POST").len(), 1, "seen at the third look");
}

#[tokio::test]
async fn a_create_that_was_lost_and_made_nothing_is_repeated_with_the_same_id() {
    let server = vpc_server(usize::MAX, |post| {
        if post == 0 {
            Answer::Cut
        } else {
            say(202, json!({"data": {"extId": "w"}}))
        }
    })
    .await;
    let id = RequestId::random();
    let made = server.prism().create_vpc(&vpc(), id).await;
    assert_eq!(made.unwrap(), "w".into());
    let posts = server.asked_with("POST");
    assert_eq!(posts.len(), 2);
    assert!(
        posts
            .iter()
            .all(|post| post.header("ntnx-request-id") == id.to_string())
    );
    let looks = server.asked_with("GET");
    assert_eq!(
        looks.iter().filter(|asked| asked.path == VPCS).count(),
        4 + 4
    );
}

#[tokio::test]
async fn a_list_that_lacks_once_what_exists_makes_no_second_one() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        "GET" if looks.fetch_add(1, Ordering::SeqCst) == 0 => list(json!([])),
        _ => list(json!([{"extId": "w", "name": "app-vpc"}])),
    })
    .await;
    let made = server.prism().create_vpc(&vpc(), RequestId::random()).await;
    assert_eq!(made.unwrap(), "w".into());
    assert!(server.asked_with("POST").is_empty());
}

#[tokio::test]
async fn what_was_made_and_cannot_be_found_is_in_doubt() {
    let server = vpc_server(usize::MAX, |_| task_started("t")).await;
    let error = server.prism().create_vpc(&vpc(), RequestId::random()).await;
    let doubt = doubt(error.unwrap_err());
    assert_eq!(
        doubt.reason,
        DoubtReason::NotFound {
            what: Message::new("thing-flow-vpc-named").with("name", "app-vpc")
        }
    );
}

#[tokio::test]
async fn something_just_made_is_looked_for_several_times_only_when_asked_to() {
    let prism = |server: &Server| server.prism();
    let server = vpc_server(2, |_| task_started("t")).await;
    let none = prism(&server).find_vpc("app-vpc", Looks::Several).await;
    assert_eq!(none.unwrap(), None);
    let looks = server.asked_with("GET").len();
    assert_eq!(looks, 4);
    let none = prism(&server).find_vpc("app-vpc", Looks::Once).await;
    assert_eq!(none.unwrap(), None);
    assert_eq!(server.asked_with("GET").len(), looks + 1);
}

#[tokio::test]
async fn a_nic_that_a_lost_answer_made_is_found_by_its_address() {
    let posts = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.line().as_str() {
        _ if asked.method == "OPTIONS" => probe(asked),
        VM if posts.load(Ordering::SeqCst) > 0 => vm(
            "ON",
            json!([{"extId": "n", "nicNetworkInfo": {"subnet": {"extId": "s1"}, "ipv4Config": {"ipAddress": {"value": "10.0.1.10"}}}}]),
        ),
        VM => vm("ON", json!([])),
        _ => {
            posts.fetch_add(1, Ordering::SeqCst);
            Answer::Cut
        }
    })
    .await;
    let spec = NicSpec {
        subnet: "s1".into(),
        address: "10.0.1.10".parse().unwrap(),
        secondary: Vec::new(),
        mac: None,
    };
    let prism = server.prism();
    let nic = prism
        .create_nic(&"v1".into(), &spec, RequestId::random())
        .await
        .unwrap();
    assert_eq!(nic, "n".into());
    assert_eq!(server.asked_with("POST").len(), 1);
    let found = prism.find_nic(&"v1".into(), &spec, Looks::Once).await;
    assert_eq!(found.unwrap(), Some("n".into()));
}

/// Asks for a NIC with 10.0.1.10; its task succeeds, and then the VM has these NICs.
async fn task_succeeds_and_the_vm_has(nics: Value) -> PrismError {
    let posts = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.line().as_str() {
        _ if asked.method == "OPTIONS" => probe(asked),
        VM if posts.load(Ordering::SeqCst) > 0 => vm("ON", nics.clone()),
        VM => vm("ON", json!([])),
        _ if is_task(asked) => task("SUCCEEDED"),
        _ => {
            posts.fetch_add(1, Ordering::SeqCst);
            task_started("t")
        }
    })
    .await;
    let spec = NicSpec {
        subnet: "s1".into(),
        address: "10.0.1.10".parse().unwrap(),
        secondary: Vec::new(),
        mac: None,
    };
    let id = RequestId::random();
    let added = server.prism().create_nic(&"v1".into(), &spec, id).await;
    added.unwrap_err()
}

#[tokio::test]
async fn a_nic_that_was_removed_after_its_task_succeeded_leaves_no_doubt() {
    let error = task_succeeds_and_the_vm_has(json!([])).await;
    assert!(matches!(error, PrismError::TaskUndone(_)), "{error}");
    assert!(!error.may_have_taken_effect());
    let text = error.to_string();
    assert!(text.contains("10.0.1.10 is not there"), "{text}");
}

#[tokio::test]
async fn a_nic_that_was_made_otherwise_stays_in_doubt() {
    let other = json!([{"extId": "n", "nicNetworkInfo": {"subnet": {"extId": "s1"}, "ipv4Config": {"ipAddress": {"value": "10.0.1.77"}}}}]);
    let error = task_succeeds_and_the_vm_has(other).await;
    assert!(matches!(error, PrismError::InDoubt(_)), "{error}");
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn the_job_of_a_change_is_found_by_its_request_id_and_no_other() {
    let id = RequestId::random();
    let name = format!("stayput-test-failover-{}", &id.to_string()[..8]);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => probe(asked),
        _ => list(json!([
            {"extId": "last-month", "name": "stayput-test-failover-00000000", "recoveryPlanExtId": "rp"},
            {"extId": "mine", "name": name, "recoveryPlanExtId": "rp", "percentageComplete": 12.5, "endTime": 7},
        ])),
    })
    .await;
    let prism = server.prism();
    let find = async |action, id| prism.find_job(&"rp".into(), &action, id, Looks::Once).await;
    let mine = find(RecoveryAction::TestFailover, id).await;
    assert_eq!(mine.unwrap(), Some("mine".into()));
    let planned = find(RecoveryAction::PlannedFailover, id).await;
    assert_eq!(planned.unwrap(), None);
    let another = find(RecoveryAction::TestFailover, RequestId::random()).await;
    assert_eq!(another.unwrap(), None);
}

#[tokio::test]
async fn calls_that_wait_for_their_next_attempt_do_not_hold_up_others() {
    // More calls than may be under way at once are told to come back in half a minute; another one gets through.
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/vmm/unversioned/info" => data(json!("v4.1")),
        path if path.ends_with("/vms/quick") => data(json!({"extId": "quick"})),
        _ => Answer::Say(429, vec![("Retry-After", "30".to_owned())], String::new()),
    })
    .await;
    let prism = server.prism();
    let slow: Vec<_> = (0..20)
        .map(|number| {
            let prism = prism.clone();
            tokio::spawn(async move { prism.vm(&format!("slow{number}").as_str().into()).await })
        })
        .collect();
    let asked = async |count| {
        while server.asked_with("GET").len() < count {
            tokio::task::yield_now().await;
        }
    };
    asked(20).await;
    assert!(prism.vm(&"quick".into()).await.unwrap().is_some());
    assert!(slow.iter().all(|call| !call.is_finished()));
    for call in slow {
        call.abort();
    }
}
