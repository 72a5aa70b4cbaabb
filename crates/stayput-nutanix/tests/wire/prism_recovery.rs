//! Recovery plans and failovers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::Direction;
use stayput_nutanix::MappedSubnet;
use stayput_nutanix::MappingSpec;
use stayput_nutanix::OnWarnings;
use stayput_nutanix::PlanSpec;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;

use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::say;
use crate::server::task_started;

const PLANS: &str = "/api/datapolicies/v4.2/config/recovery-plans";
const JOBS: &str = "/api/dataprotection/v4.2/config/recovery-plan-jobs";

/// What the server has: plans, mappings, stages.
#[derive(Default)]
struct Has {
    plans: Vec<Value>,
    mappings: Vec<Value>,
    stages: Vec<Value>,
}

fn answer(asked: &Asked, has: &mut Has) -> Answer {
    let collection = match asked.path.as_str() {
        PLANS => &mut has.plans,
        path if path.ends_with("/network-mappings") => &mut has.mappings,
        path if path.ends_with("/stages") => &mut has.stages,
        path if path.contains("/tasks/") => {
            return data(json!({"extId": "ZXJnb24=:t", "status": "SUCCEEDED"}));
        }
        _ => return data(json!("v4.2")),
    };
    if asked.method == "GET" {
        return list(collection.clone().into());
    }
    let mut made = asked.json();
    let number = collection.len();
    made["extId"] = if number == 0 {
        json!("made")
    } else {
        json!(format!("made{number}"))
    };
    collection.push(made);
    task_started("t")
}

async fn server(has: Has) -> Server {
    let has = Arc::new(Mutex::new(has));
    Server::start(move |asked| answer(asked, &mut has.lock().unwrap())).await
}

fn spec() -> PlanSpec {
    let mapped = |subnet: &str| MappedSubnet {
        subnet: subnet.into(),
        vpc: "w".into(),
        gateway: "10.0.1.1".parse().unwrap(),
        prefix_len: 24,
    };
    let mapping = |primary: &str, recovery: &str| MappingSpec {
        primary: mapped(primary),
        recovery: mapped(recovery),
        primary_test: None,
        recovery_test: None,
    };
    PlanSpec {
        name: "rp-app".to_owned(),
        primary: "pc1".into(),
        recovery: "pc2".into(),
        mappings: vec![mapping("a1", "a2"), mapping("b1", "b2")],
        categories: BTreeSet::from(["c".into()]),
    }
}

/// Path and request id of everything posted.
fn posted(server: &Server) -> Vec<(String, String)> {
    server
        .asked_with("POST")
        .iter()
        .map(|post| {
            let id = post.header("ntnx-request-id").to_owned();
            (post.path.clone(), id)
        })
        .collect()
}

#[tokio::test]
async fn each_part_of_a_plan_has_its_own_request_id() {
    let server = server(Has::default()).await;
    let prism = server.prism();
    let id = RequestId::random();
    let plan = prism.create_recovery_plan(&spec(), id).await.unwrap();
    assert_eq!(plan, "made".into());
    let posts = posted(&server);
    let paths: Vec<&str> = posts.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            PLANS.to_owned(),
            format!("{PLANS}/made/network-mappings"),
            format!("{PLANS}/made/network-mappings"),
            format!("{PLANS}/made/stages"),
        ]
    );
    let ids: BTreeSet<&str> = posts.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids.len(), 4);

    assert_eq!(prism.create_recovery_plan(&spec(), id).await.unwrap(), plan);
    assert_eq!(posted(&server).len(), 4);
}

#[tokio::test]
async fn a_plan_half_made_is_completed() {
    let server = server(Has {
        plans: vec![
            json!({"extId": "other", "name": "rp-app", "primaryLocation": {"domainManagerExtId": "pc2"}, "recoveryLocation": {"domainManagerExtId": "pc1"}}),
            json!({"extId": "half", "name": "rp-app", "primaryLocation": {"domainManagerExtId": "pc1"}, "recoveryLocation": {"domainManagerExtId": "pc2"}}),
        ],
        mappings: vec![
            json!({"primaryNetwork": {"subnetExtId": "a1"}, "recoveryNetwork": {"subnetExtId": "a2"}, "isIpMappingEnabled": true}),
        ],
        stages: Vec::new(),
    })
    .await;
    let plan = server
        .prism()
        .create_recovery_plan(&spec(), RequestId::random())
        .await
        .unwrap();
    assert_eq!(plan, "half".into());
    let posts = server.asked_with("POST");
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].json()["primaryNetwork"]["subnetExtId"], "b1");
    assert_eq!(posts[1].json()["categoryExtIds"], json!(["c"]));
}

#[tokio::test]
async fn a_plan_in_the_other_direction_is_no_reason_for_a_second() {
    let server = server(Has {
        plans: vec![
            json!({"extId": "other", "name": "rp-app", "primaryLocation": {"domainManagerExtId": "pc2"}, "recoveryLocation": {"domainManagerExtId": "pc1"}}),
        ],
        mappings: Vec::new(),
        stages: Vec::new(),
    })
    .await;
    let prism = server.prism();
    let error = prism
        .create_recovery_plan(&spec(), RequestId::random())
        .await
        .unwrap_err();
    assert!(matches!(error, PrismError::Differs(_)), "{error}");
    assert!(server.asked_with("POST").is_empty());
}

#[tokio::test]
async fn a_subnet_that_is_mapped_differently_is_not_mapped_twice() {
    let plan = json!({"extId": "rp", "name": "rp-app", "primaryLocation": {"domainManagerExtId": "pc1"}, "recoveryLocation": {"domainManagerExtId": "pc2"}});
    let server = server(Has {
        plans: vec![plan],
        mappings: vec![
            json!({"primaryNetwork": {"subnetExtId": "a1"}, "recoveryNetwork": {"subnetExtId": "a2"}, "isIpMappingEnabled": false}),
        ],
        stages: Vec::new(),
    })
    .await;
    let error = server
        .prism()
        .create_recovery_plan(&spec(), RequestId::random())
        .await
        .unwrap_err();
    assert!(matches!(&error, PrismError::Differs(_)));
    assert!(
        error
            .to_string()
            .ends_with("the network mapping of subnet a1 exists, but it does not keep addresses"),
        "{error}"
    );
    assert!(server.asked_with("POST").is_empty());
}

#[tokio::test]
async fn before_v4_2_nothing_is_sent_for_a_plan() {
    let server = Server::start(|_| data(json!("v4.1"))).await;
    let error = server
        .prism()
        .create_recovery_plan(&spec(), RequestId::random())
        .await
        .unwrap_err();
    assert!(matches!(&error, PrismError::Unsupported(_)));
    assert_eq!(
        error.to_string(),
        "Prism Central of site `tokyo`: make recovery plan `rp-app` needs datapolicies v4.2 or later; this one has v4.1"
    );
    assert_eq!(server.asked().len(), 1);
}

fn directions() -> [Direction; 1] {
    [Direction {
        source: "pc1".into(),
        target: "pc2".into(),
    }]
}

#[tokio::test]
async fn the_job_of_a_failover_is_found_by_its_name_without_the_task() {
    let job: Mutex<Option<Value>> = Mutex::new(None);
    let server = Server::start(move |asked| match asked.path.as_str() {
        JOBS => list(job.lock().unwrap().iter().cloned().collect()),
        path if path.contains("/tasks/") => {
            data(json!({"extId": "ZXJnb24=:t", "status": "RUNNING"}))
        }
        path if path.ends_with("/recovery-plans/rp/$actions/planned-failover") => {
            let name = asked.json()["name"].clone();
            *job.lock().unwrap() = Some(
                json!({"extId": "j", "name": name, "recoveryPlanExtId": "rp", "status": "RUNNING"}),
            );
            task_started("t")
        }
        _ => data(json!("v4.2")),
    })
    .await;
    let prism = server.prism();
    let id = RequestId::random();
    for _ in 0..2 {
        let job = prism
            .planned_failover(&"rp".into(), &directions(), OnWarnings::Stop, id)
            .await
            .unwrap();
        assert_eq!(job, "j".into());
    }
    assert_eq!(server.asked_with("POST").len(), 1);
}

#[tokio::test]
async fn a_failover_refused_before_it_has_a_job_is_a_failed_task() {
    let server = Server::start(|asked| match asked.path.as_str() {
        JOBS => list(json!([])),
        path if path.contains("/tasks/") => data(json!({"extId": "ZXJnb24=:t", "status": "FAILED",
            "errorMessages": [{"message": "another job is running", "code": "DRP-1"}]})),
        path if path.ends_with("/$actions/test-failover") => task_started("t"),
        _ => data(json!("v4.2")),
    })
    .await;
    let error = server
        .prism()
        .test_failover(
            &"rp".into(),
            &directions(),
            OnWarnings::Stop,
            RequestId::random(),
        )
        .await
        .unwrap_err();
    assert!(matches!(&error, PrismError::TaskFailed(failed) if failed.codes() == ["DRP-1"]));
}

#[tokio::test]
async fn cleaning_up_waits_for_its_task_and_sends_no_body() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path.contains("/tasks/") => {
            data(json!({"extId": "ZXJnb24=:t", "status": "SUCCEEDED"}))
        }
        path if path.ends_with("/recovery-plans/rp/$actions/clean-up-resources") => {
            task_started("t")
        }
        _ => data(json!("v4.2")),
    })
    .await;
    server
        .prism()
        .clean_up(&"rp".into(), RequestId::random())
        .await
        .unwrap();
    assert_eq!(server.asked_with("POST")[0].text, "");
}

#[tokio::test]
async fn a_job_is_read_with_what_its_vms_became() {
    let server = Server::start(|asked| match asked.path.as_str() {
        path if path == format!("{JOBS}/j") => data(json!({"extId": "j", "name": "n", "recoveryPlanExtId": "rp",
            "actionType": "TEST_FAILOVER", "status": "RUNNING", "percentageComplete": 40})),
        path if path == format!("{JOBS}/j/execution-steps") => list(json!([
            {"executionStepResults": [{"result": {"sourceEntityExtId": "a", "recoveredEntityExtId": "b", "entityType": "VM"}}]},
            {"executionStepResults": null},
        ])),
        path if path.starts_with(JOBS) => say(404, json!({})),
        _ => data(json!("v4.2")),
    })
    .await;
    let prism = server.prism();
    let report = prism.job(&"j".into()).await.unwrap();
    assert_eq!(report.percent, Some(40));
    assert_eq!(report.job.recovered[&"a".into()], "b".into());
    let error = prism.job(&"k".into()).await.unwrap_err();
    assert!(matches!(error, PrismError::Missing(_)));
}
