//! Negotiation, pages, repeats, errors.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::Minor;
use stayput_nutanix::Namespace;
use stayput_nutanix::PrismError;
use stayput_world::prism::Connectivity;
use stayput_world::prism::JobStatus;

use crate::server::Answer;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::say;
use crate::server::short;

const PROBE: &str = "OPTIONS /api/vmm/unversioned/info";

#[tokio::test]
async fn the_version_is_asked_once_and_used_in_the_path() {
    let server = Server::start(|asked| match asked.line().as_str() {
        PROBE => data(json!("v4.2")),
        "GET /api/vmm/v4.2/ahv/config/vms/v1" => data(json!({"extId": "v1", "name": "app01"})),
        _ => say(404, json!({})),
    })
    .await;
    let prism = server.prism();
    assert_eq!(prism.vm(&"v1".into()).await.unwrap().unwrap().name, "app01");
    assert_eq!(prism.vm(&"v2".into()).await.unwrap(), None);
    assert_eq!(server.asked_with("OPTIONS").len(), 1);
    for asked in server.asked() {
        assert_eq!(asked.header("authorization"), "Basic YWRtaW46c2VjcmV0");
        assert_eq!(asked.header("ntnx-request-id").len(), 36);
    }
}

#[tokio::test]
async fn without_the_probe_the_oldest_version_is_tried() {
    let server = Server::start(|asked| match asked.line().as_str() {
        "GET /api/vmm/v4.0/ahv/config/vms" => list(json!([])),
        _ => say(404, json!({})),
    })
    .await;
    assert_eq!(
        server.prism().minor(Namespace::Vmm).await.unwrap(),
        Minor(0)
    );
}

#[tokio::test]
async fn a_prism_central_without_v4_is_named_as_such() {
    let server = Server::start(|_| say(404, json!({}))).await;
    let error = server.prism().minor(Namespace::Vmm).await.unwrap_err();
    assert!(matches!(&error, PrismError::Unsupported(error) if error.has.is_none()));
    assert_eq!(
        error.to_string(),
        "Prism Central of site `tokyo`: ask for the version of vmm needs vmm v4.0 or later; this one has no v4 at all"
    );
}

#[tokio::test]
async fn a_probe_that_fails_is_asked_again_by_the_next_call() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.line().as_str() {
        PROBE if times.fetch_add(1, Ordering::SeqCst) == 0 => say(400, json!({})),
        PROBE => data(json!("v4.1")),
        _ => say(404, json!({})),
    })
    .await;
    let prism = server.prism();
    assert!(prism.minor(Namespace::Vmm).await.is_err());
    assert_eq!(prism.minor(Namespace::Vmm).await.unwrap(), Minor(1));
}

/// One Prism Central with 250 subnet interfaces; `limit` is the most a page gives.
fn vnic_page(asked: &crate::server::Asked, limit: usize) -> Answer {
    let page: usize = asked.query["$page"].parse().unwrap();
    let rest = 250usize.saturating_sub(page * limit);
    let items: Vec<Value> = (0..rest.min(limit))
        .map(|one| {
            let number = page * limit + one;
            let address = format!("10.0.{}.{}", number / 200, number % 200);
            json!({"assignedIpv4Addresses": [address]})
        })
        .collect();
    say(
        200,
        json!({"data": items, "metadata": {"totalAvailableResults": 250}}),
    )
}

#[tokio::test]
async fn every_page_of_a_list_is_read() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => vnic_page(asked, 100),
    })
    .await;
    let found = server
        .prism()
        .subnet_addresses_in_use(&"s".into())
        .await
        .unwrap();
    assert_eq!(found.len(), 250);
    let pages = server.asked_with("GET");
    assert_eq!(pages.len(), 3);
    assert!(pages.iter().all(|page| page.query["$limit"] == "100"));
}

#[tokio::test]
async fn pages_shorter_than_asked_for_are_read_to_the_end() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => vnic_page(asked, 50),
    })
    .await;
    let found = server
        .prism()
        .subnet_addresses_in_use(&"s".into())
        .await
        .unwrap();
    assert_eq!(found.len(), 250);
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_is_read_again() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        // The first time one more is announced than given.
        _ if times.fetch_add(1, Ordering::SeqCst) == 0 => say(
            200,
            json!({"data": [{"macAddress": "50:6b:8d:00:00:01"}], "metadata": {"totalAvailableResults": 2}}),
        ),
        _ if asked.query["$page"] == "0" => list(json!([
            {"macAddress": "50:6b:8d:00:00:01"}, {"macAddress": "50:6b:8d:00:00:02"},
        ])),
        _ => say(200, json!({"metadata": {"totalAvailableResults": 2}})),
    })
    .await;
    let found = server
        .prism()
        .subnet_addresses_in_use(&"s".into())
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => match times.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Say(429, vec![("Retry-After", "0".to_owned())], String::new()),
            1 => Answer::Say(503, Vec::new(), "<html>".to_owned()),
            2 => Answer::Cut,
            3 => say(500, json!({})),
            4 => Answer::Half(200, r#"{"data":{"extId":"v1"}"#.to_owned()),
            5 => Answer::Say(200, Vec::new(), "<html>please wait</html>".to_owned()),
            _ => data(json!({"extId": "v1"})),
        },
    })
    .await;
    assert!(server.prism().vm(&"v1".into()).await.unwrap().is_some());
    assert_eq!(server.asked_with("GET").len(), 7);
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => say(503, json!({})),
    })
    .await;
    let prism = server.prism().with_limits(short());
    let error = prism.vm(&"v1".into()).await.unwrap_err();
    assert!(matches!(&error, PrismError::Api(error) if error.status == 503));
    assert!(error.is_unreachable());
    assert!(!error.may_have_taken_effect(), "a read changes nothing");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_timeout() {
    let server = Server::start(|_| Answer::Hang).await;
    let prism = server.hasty_prism();
    let error = prism.minor(Namespace::Vmm).await.unwrap_err();
    assert!(matches!(&error, PrismError::Timeout(_)), "{error}");
    assert!(
        error.to_string().contains("no answer within 1 s"),
        "{error}"
    );
}

#[tokio::test]
async fn no_client_listening_is_a_connect_error_that_says_so() {
    let server = Server::start(|_| Answer::Cut).await;
    let prism = server.prism();
    drop(server);
    let error = prism.minor(Namespace::Vmm).await.unwrap_err();
    assert!(matches!(&error, PrismError::Connect(error) if error.tls.is_none()));
    assert!(error.to_string().contains("no connection: "), "{error}");
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    let server = Server::start(|_| say(401, json!({}))).await;
    let error = server.prism().vm(&"v1".into()).await.unwrap_err();
    assert!(matches!(&error, PrismError::Auth(error) if error.status == 401));
    assert_eq!(server.asked().len(), 1);
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[tokio::test]
async fn an_answer_that_is_not_understood_names_the_place() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        _ => data(json!({"extId": "v1", "nics": [{"extId": "n", "networkInfo": {"subnet": {"extId": 7}}}]})),
    })
    .await;
    let error = server.prism().vm(&"v1".into()).await.unwrap_err();
    let PrismError::Decode(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.path, "data.nics[0].networkInfo.subnet.extId");
}

/// A Prism Central of v4.2 with one of everything.
pub fn small_world(asked: &crate::server::Asked) -> Answer {
    match asked.line().as_str() {
        line if line.starts_with("OPTIONS ") => data(json!("v4.2")),
        "GET /api/prism/v4.2/config/domain-managers" => list(json!([{"extId": "pc2"}])),
        "GET /api/prism/v4.2/management/domain-managers/pc2/registrations" => list(json!([
            {"remoteClusterExtId": "pc1", "connectivityStatus": "CONNECTED", "remoteClusterDetails": {"clusterType": "DOMAIN_MANAGER"}},
            {"remoteClusterExtId": "pe", "connectivityStatus": "CONNECTED", "remoteClusterDetails": {"clusterType": "AOS"}},
        ])),
        "GET /api/networking/v4.2/config/vpcs" => list(json!([{"extId": "w", "name": "app-vpc"}])),
        "GET /api/networking/v4.2/config/subnets" => list(json!([
            {"extId": "s", "name": "app", "vpcReference": "w", "reservedIpAddresses": ["10.0.1.9"]},
            {"extId": "u", "name": "uplink", "isExternal": true},
        ])),
        "GET /api/networking/v4.2/config/subnets/s/reserved-ips" => {
            list(json!([{"extId": "r", "ipv4Address": {"value": "10.0.1.10"}}]))
        }
        "GET /api/vmm/v4.2/ahv/config/vms" => {
            list(json!([{"extId": "v", "name": "app01", "powerState": "ON"}]))
        }
        "GET /api/prism/v4.2/config/categories" => {
            list(json!([{"extId": "c", "key": "k", "value": "v"}]))
        }
        "GET /api/datapolicies/v4.2/config/protection-policies" => {
            list(json!([{"extId": "p", "name": "pp", "categoryIds": ["c"]}]))
        }
        "GET /api/datapolicies/v4.2/config/recovery-plans" => list(json!([
            {"extId": "rp", "name": "rp", "primaryLocation": {"domainManagerExtId": "pc1"}, "recoveryLocation": {"domainManagerExtId": "pc2"}},
        ])),
        "GET /api/datapolicies/v4.2/config/recovery-plans/rp/stages" => {
            list(json!([{"categoryExtIds": ["c"]}]))
        }
        "GET /api/datapolicies/v4.2/config/recovery-plans/rp/network-mappings" => list(json!([
            {"primaryNetwork": {"subnetExtId": "s1"}, "recoveryNetwork": {"subnetName": "app", "vpc": {"extId": "w"}}, "isIpMappingEnabled": true},
        ])),
        "GET /api/dataprotection/v4.2/config/recovery-plan-jobs" => list(json!([
            {"extId": "done", "recoveryPlanExtId": "rp", "actionType": "UNPLANNED_FAILOVER", "status": "SUCCEEDED"},
            {"extId": "checked", "recoveryPlanExtId": "rp", "actionType": "VALIDATE", "status": "FAILED"},
        ])),
        "GET /api/dataprotection/v4.2/config/recovery-plan-jobs/done/execution-steps" => {
            list(json!([
                {"executionStepResults": [{"result": {"sourceEntityExtId": "old", "recoveredEntityExtId": "v", "entityType": "VM"}}]},
            ]))
        }
        "GET /api/dataprotection/v4.2/config/recovery-points" => list(json!([
            {"extId": "x", "status": "COMPLETE", "creationTime": "2026-11-20T10:00:00Z",
             "sourceLocation": {"domainManagerExtId": "pc1"}, "vmRecoveryPoints": [{"vmExtId": "old"}]},
        ])),
        _ => say(500, json!({"unexpected": asked.line()})),
    }
}

#[tokio::test]
async fn everything_is_observed_in_one_go() {
    let server = Server::start(small_world).await;
    let prism = server
        .prism()
        .observe(&KnownPrismObjects::default())
        .await
        .unwrap();
    assert_eq!(prism.domain_manager, "pc2".into());
    assert_eq!(prism.registrations.len(), 1);
    assert_eq!(prism.registrations[&"pc1".into()], Connectivity::Connected);
    assert_eq!(prism.subnets[&"s".into()].reserved.len(), 2);
    assert_eq!(prism.vms[&"v".into()].name, "app01");
    let plan = &prism.recovery_plans[&"rp".into()];
    assert_eq!(plan.mappings[0].recovery, Some("s".into()));
    assert!(plan.categories.contains(&"c".into()));
    let job = &prism.jobs[&"done".into()];
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(job.recovered[&"old".into()], "v".into());
    assert!(prism.jobs[&"checked".into()].recovered.is_empty());
    assert_eq!(prism.recovery_points[&"old".into()], "2026-11-20T10:00:00Z");
}

#[tokio::test]
async fn a_prism_central_too_old_for_recovery_plans_is_not_observed_in_part() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/datapolicies/unversioned/info" => data(json!("v4.1")),
        _ => small_world(asked),
    })
    .await;
    let error = server
        .prism()
        .observe(&KnownPrismObjects::default())
        .await
        .unwrap_err();
    let PrismError::Unsupported(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.needs, Minor(2));
    assert_eq!(error.has.as_deref(), Some("v4.1"));
    assert!(server.asked_with("GET").is_empty());
}
