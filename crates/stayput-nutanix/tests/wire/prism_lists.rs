//! Lists: odd objects, answers that are not lists, pages that do not add up.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::Limits;
use stayput_nutanix::ListProblem;
use stayput_nutanix::Looks;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;
use stayput_nutanix::SubnetSpec;
use stayput_world::ObjectKind;
use stayput_world::Prism;

use crate::prism_reads::small_world;
use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::long;
use crate::server::say;

const VMS: &str = "GET /api/vmm/v4.2/ahv/config/vms";

/// A Prism Central with one of everything, and `vms` as its list of VMs.
async fn with_vms(vms: Value) -> Server {
    Server::start(move |asked| match asked.line().as_str() {
        VMS => list(vms.clone()),
        _ => small_world(asked),
    })
    .await
}

async fn observe(server: &Server) -> Result<Prism, PrismError> {
    server.prism().observe(&KnownPrismObjects::default()).await
}

/// The list of VNICs of one subnet, whose pages are `page`.
async fn vnics(
    page: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
) -> (Server, Result<usize, PrismError>) {
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => page(asked),
    })
    .await;
    let found = server.prism().subnet_addresses_in_use(&"s".into()).await;
    (server, found.map(|vnics| vnics.len()))
}

fn number(asked: &Asked) -> usize {
    asked.query["$page"].parse().unwrap()
}

/// A hundred VNICs with ids from `first` on.
fn hundred(first: usize) -> Vec<Value> {
    (first..first + 100)
        .map(|id| json!({"extId": format!("n{id}"), "macAddress": "50:6b:8d:00:00:01"}))
        .collect()
}

fn problem(result: Result<usize, PrismError>) -> ListProblem {
    match result {
        Err(PrismError::List(error)) => error.problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unreadable_vm_of_another_owner_is_named_and_does_not_stop_the_observation() {
    let good = json!({"extId": "v", "name": "app01", "powerState": "ON"});
    let address = json!({"ipAddress": {"value": "10.0.1.9"}});
    let odd = |id: &str, nic: Value| json!({"extId": id, "name": "monitor", "nics": [nic]});
    let server = with_vms(json!([
        good,
        odd("empty-mac", json!({"extId": "n", "nicBackingInfo": {"macAddress": ""}, "nicNetworkInfo": {"subnet": {"extId": "s"}, "ipv4Config": address}})),
        odd("no-subnet", json!({"extId": "n", "nicNetworkInfo": {"subnet": {}}})),
        odd("no-value", json!({"extId": "n", "nicNetworkInfo": {"subnet": {"extId": "s"}, "ipv4Config": {"ipAddress": {"prefixLength": 32}}}})),
        {"extId": "no-cluster", "name": "monitor", "cluster": {"extId": null}},
        odd("no-nic-id", json!({"nicNetworkInfo": {"subnet": {"extId": "s"}}})),
        "not even an object",
    ]))
    .await;
    let prism = observe(&server).await.unwrap();
    assert_eq!(prism.vms[&"v".into()].name, "app01");
    assert_eq!(
        prism.vms[&"empty-mac".into()].nics[0].address,
        Some("10.0.1.9".parse().unwrap())
    );
    assert_eq!(prism.vms[&"no-subnet".into()].nics[0].subnet, None);
    assert_eq!(prism.vms[&"no-value".into()].nics[0].address, None);
    assert_eq!(prism.vms[&"no-cluster".into()].cluster, None);
    assert!(!prism.vms.contains_key(&"no-nic-id".into()));
    for id in [
        "empty-mac",
        "no-subnet",
        "no-value",
        "no-cluster",
        "no-nic-id",
    ] {
        let notes: Vec<_> = prism.unreadable_object(ObjectKind::Vm, id).collect();
        assert!(!notes.is_empty(), "{id}");
        assert!(
            notes
                .iter()
                .all(|note| note.name.as_deref() == Some("monitor"))
        );
        assert_eq!(notes[0].is_left_out(), id == "no-nic-id");
    }
    let nameless = prism.unreadable.iter().filter(|note| note.ext_id.is_none());
    assert_eq!(nameless.count(), 1);
}

#[tokio::test]
async fn parts_of_other_objects_that_fail_are_noted_at_their_objects() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.ends_with("/jobs/done/execution-steps")
            || path.ends_with("done/execution-steps") =>
        {
            say(400, json!({"data": {"error": [{"message": "no steps"}]}}))
        }
        path if path.ends_with("/recovery-plan-jobs/done") => {
            data(json!({"extId": "done", "recoveryPlanExtId": "rp"}))
        }
        path if path.ends_with("/recovery-plans/rp/network-mappings") => {
            list(json!([{"primaryNetwork": 7}, {"primaryNetwork": {"subnetExtId": "s1"}}]))
        }
        path if path.ends_with("/subnets/s/reserved-ips") => {
            list(json!([{"ipv4Address": {"value": "x"}}]))
        }
        _ => small_world(asked),
    })
    .await;
    let prism = observe(&server).await.unwrap();
    assert!(!prism.jobs.contains_key(&"done".into()));
    let of = |kind, id| prism.unreadable_object(kind, id).next().unwrap();
    let job = of(ObjectKind::RecoveryJob, "done");
    assert!(
        job.is_left_out() && job.reason.contains("no steps"),
        "{job}"
    );
    let plan = of(ObjectKind::RecoveryPlan, "rp");
    assert!(
        !plan.is_left_out() && plan.path.starts_with("network-mappings"),
        "{plan}"
    );
    assert_eq!(prism.recovery_plans[&"rp".into()].mappings.len(), 2);
    let subnet = of(ObjectKind::Subnet, "s");
    assert!(
        !subnet.is_left_out() && subnet.path.starts_with("reserved-ips"),
        "{subnet}"
    );
    assert!(prism.subnets.contains_key(&"s".into()));
}

#[tokio::test]
async fn a_job_deleted_while_it_is_read_is_no_trouble() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.contains("/recovery-plan-jobs/done") => say(404, json!({"data": {}})),
        _ => small_world(asked),
    })
    .await;
    let prism = observe(&server).await.unwrap();
    assert!(!prism.jobs.contains_key(&"done".into()));
    assert!(prism.unreadable.is_empty(), "{:?}", prism.unreadable);
}

#[tokio::test]
async fn answers_that_are_not_lists_are_errors_and_never_empty_lists() {
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "<html>please log in</html>",
        r#"{"data":null}"#,
        r#"{"metadata":{}}"#,
        r#"{"data":[{"extId":"a"}"#,
        r#"{"data":{"extId":"a"}}"#,
        r#"{"metadata":{"totalAvailableResults":3}}"#,
        r#"{"metadata":{"flags":[{"name":"hasError","value":true}],"totalAvailableResults":0}}"#,
        r#"{"data":[]} {"data":[]}"#,
    ];
    for body in bodies {
        let (server, found) = vnics(move |_| Answer::Say(200, Vec::new(), body.to_owned())).await;
        assert!(
            matches!(found, Err(PrismError::Decode(_))),
            "{body}: {found:?}"
        );
        assert_eq!(server.asked_with("GET").len(), 3, "asked again for {body}");
    }
}

#[tokio::test]
async fn a_malformed_answer_to_a_read_is_asked_for_again() {
    let times = AtomicUsize::new(0);
    let (_, found) = vnics(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Half(200, r#"{"data":["#.to_owned()),
        1 => say(200, json!({})),
        _ => list(json!([{"extId": "n"}])),
    })
    .await;
    assert_eq!(found.unwrap(), 1);
}

#[tokio::test]
async fn an_absurd_total_is_refused_and_not_followed() {
    let (server, found) = vnics(|_| {
        say(
            200,
            json!({"data": hundred(0), "metadata": {"totalAvailableResults": 1_000_000_000_000_000_u64}}),
        )
    })
    .await;
    assert!(matches!(problem(found), ListProblem::TooLong { .. }));
    assert_eq!(server.asked_with("GET").len(), 1);
}

#[tokio::test]
async fn a_total_that_needs_absurdly_many_pages_is_refused() {
    let (server, found) = vnics(|_| {
        say(
            200,
            json!({"data": [{"extId": "n"}], "metadata": {"totalAvailableResults": 900_000}}),
        )
    })
    .await;
    assert!(matches!(problem(found), ListProblem::Endless { .. }));
    assert_eq!(server.asked_with("GET").len(), 1);
}

#[tokio::test]
async fn a_list_that_keeps_changing_is_an_error_after_some_reads() {
    let times = AtomicUsize::new(0);
    let (_, found) = vnics(move |_| {
        let total = 2 + times.fetch_add(1, Ordering::SeqCst) % 2;
        say(
            200,
            json!({"data": [{"extId": "n"}], "metadata": {"totalAvailableResults": total}}),
        )
    })
    .await;
    assert!(matches!(
        problem(found),
        ListProblem::Unsettled {
            reads: 5,
            got: 1,
            ..
        }
    ));
}

#[tokio::test]
async fn the_same_page_again_and_again_is_not_taken_for_the_whole_list() {
    let (_, found) = vnics(|_| {
        say(
            200,
            json!({"data": hundred(0), "metadata": {"totalAvailableResults": 300}}),
        )
    })
    .await;
    assert_eq!(
        problem(found),
        ListProblem::Unsettled {
            reads: 5,
            got: 100,
            expected: 300
        }
    );
    // Without a total it would never end.
    let (server, found) = vnics(|_| say(200, json!({"data": hundred(0)}))).await;
    assert_eq!(problem(found), ListProblem::Repeats { got: 100 });
    assert_eq!(server.asked_with("GET").len(), 10);
}

#[tokio::test]
async fn an_object_listed_twice_makes_the_list_be_read_again() {
    let times = AtomicUsize::new(0);
    let (_, found) = vnics(move |_| {
        let second = if times.fetch_add(1, Ordering::SeqCst) == 0 {
            "a"
        } else {
            "b"
        };
        list(json!([{"extId": "a"}, {"extId": second}]))
    })
    .await;
    assert_eq!(found.unwrap(), 2);
}

#[tokio::test]
async fn a_list_without_a_total_is_read_until_its_last_page() {
    let (_, found) = vnics(|asked| match number(asked) {
        0 => say(200, json!({"data": hundred(0)})),
        1 => say(
            200,
            json!({"data": [{"extId": "x"}], "metadata": {"links": [{"rel": "next", "href": "?"}]}}),
        ),
        2 => say(200, json!({"data": [{"extId": "y"}]})),
        _ => say(500, json!({})),
    })
    .await;
    assert_eq!(found.unwrap(), 102);
}

#[tokio::test]
async fn a_body_longer_than_the_limit_is_not_read() {
    let name = "x".repeat(3000);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => data(json!({"extId": "v1", "name": name})),
    })
    .await;
    let limits = Limits {
        body_bytes: 2000,
        ..long()
    };
    let prism = server.prism();
    assert!(prism.vm(&"v1".into()).await.unwrap().is_some());
    let error = prism
        .with_limits(limits)
        .vm(&"v1".into())
        .await
        .unwrap_err();
    let PrismError::Decode(error) = error else {
        panic!("{error}")
    };
    assert!(error.source.to_string().contains("longer than 2000 bytes"));
}

#[tokio::test]
async fn json_nested_without_end_is_an_error() {
    let deep = format!(r#"{{"data":[{}"#, "[".repeat(100_000));
    let (_, found) = vnics(move |_| Answer::Say(200, Vec::new(), deep.clone())).await;
    assert!(matches!(found, Err(PrismError::Decode(_))), "{found:?}");
}

fn spec() -> SubnetSpec {
    SubnetSpec {
        name: "app".to_owned(),
        vpc: "w".into(),
        cidr: "10.0.1.0/24".parse().unwrap(),
        gateway: "10.0.1.1".parse().unwrap(),
        pools: Vec::new(),
        dns: Vec::new(),
    }
}

fn subnet(id: &str) -> Value {
    json!({"extId": id, "name": "app", "vpcReference": "w", "ipConfig": [{"ipv4": {
        "ipSubnet": {"ip": {"value": "10.0.1.0"}, "prefixLength": 24}}}]})
}

#[tokio::test]
async fn an_unreadable_object_that_may_be_the_one_looked_for_is_an_error() {
    let subnets = |found: Value| async move {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "OPTIONS" => data(json!("v4.0")),
            "GET" => list(found.clone()),
            _ => say(500, json!({})),
        })
        .await;
        let found = server.prism().find_subnet(&spec(), Looks::Once).await;
        let made = server
            .prism()
            .create_subnet(&spec(), RequestId::random())
            .await;
        (found, made.is_ok(), server.asked_with("POST").len())
    };
    let mut odd = subnet("s");
    odd["ipConfig"] =
        json!([{"ipv4": {"ipSubnet": {"ip": {"value": "10.0.1.0"}, "prefixLength": 99}}}]);
    let (found, made, posts) = subnets(json!([odd])).await;
    assert!(
        matches!(&found, Err(PrismError::Decode(error)) if error.source.to_string().contains("`app` (s)")),
        "{found:?}"
    );
    assert!(!made && posts == 0, "nothing is made beside it");

    // One of another name is no matter.
    let other = json!({"extId": 7, "name": "db"});
    let (found, made, _) = subnets(json!([other, subnet("s")])).await;
    assert_eq!(found.unwrap(), Some("s".into()));
    assert!(made);
}

#[tokio::test]
async fn of_several_objects_that_match_none_is_taken() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => list(json!([subnet("s1"), subnet("s2")])),
    })
    .await;
    let error = server
        .prism()
        .create_subnet(&spec(), RequestId::random())
        .await
        .unwrap_err();
    let PrismError::Ambiguous(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.ids, ["s1", "s2"]);
    assert_eq!(error.what.to_string(), "subnet `app`");
    assert!(server.asked_with("POST").is_empty());
}

const POINTS: &str = "GET /api/dataprotection/v4.2/config/recovery-points";

#[tokio::test]
async fn a_recovery_point_missed_between_two_shifting_pages_is_read_again() {
    let point = |id: usize| {
        json!({"extId": format!("p{id}"), "status": "COMPLETE", "creationTime": "2026-11-20T09:00:00Z",
            "vmRecoveryPoints": [{"extId": "q", "vmExtId": format!("vm-{id}")}]})
    };
    let readings = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.line().as_str() {
        POINTS if number(asked) == 0 => {
            readings.fetch_add(1, Ordering::SeqCst);
            let points: Vec<_> = (0..100).map(point).collect();
            say(
                200,
                json!({"data": points, "metadata": {"totalAvailableResults": 101}}),
            )
        }
        POINTS => {
            // In the first reading another point has taken the place of vm-100's.
            let id = if readings.load(Ordering::SeqCst) == 1 {
                500
            } else {
                100
            };
            say(
                200,
                json!({"data": [point(id)], "metadata": {"totalAvailableResults": 101}}),
            )
        }
        _ => small_world(asked),
    })
    .await;
    let prism = server.prism();
    let expected = ["vm-7".into(), "vm-100".into()].into();
    let points = prism.recovery_points(&expected).await.unwrap();
    assert!(points.contains_key(&"vm-100".into()));
    assert_eq!(
        server
            .asked_with("GET")
            .iter()
            .filter(|asked| asked.line() == POINTS)
            .count(),
        4
    );
}

#[tokio::test]
async fn a_list_of_one_answer_is_not_read_again_for_unprotected_vms() {
    let server = Server::start(small_world).await;
    let expected = ["vm-100".into()].into();
    let points = server.prism().recovery_points(&expected).await.unwrap();
    assert!(!points.contains_key(&"vm-100".into()));
    assert_eq!(
        server
            .asked_with("GET")
            .iter()
            .filter(|asked| asked.line() == POINTS)
            .count(),
        1
    );
}
