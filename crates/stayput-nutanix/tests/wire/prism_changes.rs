//! Changes: request ids, ETags, tasks, lost answers.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use serde_json::json;
use stayput_nutanix::NicDeletion;
use stayput_nutanix::NicSpec;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;

use crate::server::Answer;
use crate::server::Asked;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::say;
use crate::server::short;
use crate::server::tagged;
use crate::server::task_started;

const VM: &str = "/api/vmm/v4.1/ahv/config/vms/v1";
const TASK: &str = "/api/prism/v4.0/config/tasks/ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377";
const TASK_UUID: &str = "40a5ac91-83f6-4d35-8ae0-d8f013779377";

/// Answers version probes and looks at the task, which is over at the third; the rest is `otherwise`.
fn with_task(asked: &Asked, looks: &AtomicUsize, otherwise: impl Fn(&str) -> Answer) -> Answer {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("OPTIONS", "/api/vmm/unversioned/info") => data(json!("v4.1")),
        ("OPTIONS", _) => data(json!("v4.0")),
        ("GET", TASK) => {
            let status = match looks.fetch_add(1, Ordering::SeqCst) {
                0 => "QUEUED",
                1 => "RUNNING",
                _ => "SUCCEEDED",
            };
            data(json!({"extId": format!("ZXJnb24=:{TASK_UUID}"), "status": status}))
        }
        _ => otherwise(&asked.line()),
    }
}

fn spec() -> NicSpec {
    NicSpec {
        subnet: "s1".into(),
        address: "10.0.1.10".parse().unwrap(),
        secondary: Vec::new(),
        mac: None,
    }
}

fn vm(nics: Value) -> Value {
    json!({"extId": "v1", "name": "app01", "powerState": "ON", "nics": nics})
}

fn right_nic() -> Value {
    json!({"extId": "n2", "nicNetworkInfo": {"subnet": {"extId": "s1"}, "ipv4Config": {"ipAddress": {"value": "10.0.1.10"}}}})
}

#[tokio::test]
async fn a_nic_is_deleted_with_its_own_etag_and_the_callers_request_id() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            line if line == format!("GET {VM}/nics/n1") => tagged("nic-7", json!({"extId": "n1"})),
            line if line == format!("DELETE {VM}/nics/n1") => task_started(TASK_UUID),
            _ => say(500, json!({})),
        })
    })
    .await;
    let id = RequestId::random();
    server
        .prism()
        .delete_nic(&"v1".into(), &"n1".into(), id)
        .await
        .unwrap();
    let deletes = server.asked_with("DELETE");
    assert_eq!(deletes.len(), 1);
    assert_eq!(deletes[0].header("if-match"), "nic-7");
    assert_eq!(deletes[0].header("ntnx-request-id"), id.to_string());
    let looks = server
        .asked()
        .iter()
        .filter(|asked| asked.path == TASK)
        .count();
    assert_eq!(looks, 3);
}

#[tokio::test]
async fn a_nic_whose_addresses_changed_is_kept_and_named() {
    let nic = json!({"extId": "n1", "nicNetworkInfo": {"subnet": {"extId": "s"}, "ipv4Config": {"ipAddress": {"value": "10.0.1.9"}}}});
    let server = Server::start(move |asked| match asked.line() {
        line if line == format!("GET {VM}/nics/n1") => tagged("nic-7", nic.clone()),
        _ if asked.method == "OPTIONS" => data(json!("v4.1")),
        _ => say(500, json!({})),
    })
    .await;
    let pooled = Some("10.0.1.200".parse().unwrap());
    let deletion = server
        .prism()
        .delete_nic_if(&"v1".into(), &"n1".into(), RequestId::random(), |nic| {
            nic.address == pooled
        })
        .await
        .unwrap();
    match deletion {
        NicDeletion::Kept(nic) => assert_eq!(nic.address, Some("10.0.1.9".parse().unwrap())),
        NicDeletion::Gone => panic!("deleted"),
    }
    assert!(server.asked_with("DELETE").is_empty());
}

#[tokio::test]
async fn a_nic_that_is_gone_is_not_deleted_again() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.1")),
        _ => say(404, json!({})),
    })
    .await;
    let result = server
        .prism()
        .delete_nic(&"v1".into(), &"n1".into(), RequestId::random())
        .await;
    assert!(result.is_ok());
    assert!(server.asked_with("DELETE").is_empty());
}

#[tokio::test]
async fn a_stale_etag_is_read_again_and_the_change_repeated_with_the_same_id() {
    let looks = AtomicUsize::new(0);
    let version = AtomicUsize::new(1);
    let made = Mutex::new(false);
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            line if line == format!("GET {VM}") => {
                let nics = if *made.lock().unwrap() { json!([right_nic()]) } else { json!([]) };
                tagged(&format!("vm-{}", version.load(Ordering::SeqCst)), vm(nics))
            }
            line if line == format!("POST {VM}/nics") => {
                if version.fetch_add(1, Ordering::SeqCst) == 1 {
                    // Another client changed the VM in between.
                    say(412, json!({"data": {"error": [{"message": "stale", "code": "VMM-30303", "errorGroup": "VM_ETAG_MISMATCH"}]}}))
                } else {
                    *made.lock().unwrap() = true;
                    task_started(TASK_UUID)
                }
            }
            _ => say(500, json!({})),
        })
    })
    .await;
    let id = RequestId::random();
    let prism = server.prism();
    let nic = prism.create_nic(&"v1".into(), &spec(), id).await.unwrap();
    assert_eq!(nic, "n2".into());
    let posts = server.asked_with("POST");
    let sent: Vec<(&str, &str)> = posts
        .iter()
        .map(|post| (post.header("if-match"), post.header("ntnx-request-id")))
        .collect();
    let id = id.to_string();
    assert_eq!(sent, [("vm-1", id.as_str()), ("vm-2", id.as_str())]);
    assert!(posts[1].json().get("nicBackingInfo").is_some());

    let again = prism
        .create_nic(&"v1".into(), &spec(), RequestId::random())
        .await
        .unwrap();
    assert_eq!(again, "n2".into());
    assert_eq!(server.asked_with("POST").len(), 2);
}

#[tokio::test]
async fn a_change_that_stays_stale_is_given_up() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.1")),
        "GET" => tagged("vm-1", vm(json!([]))),
        _ => say(412, json!({})),
    })
    .await;
    let error = server
        .prism()
        .with_limits(short())
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap_err();
    assert!(matches!(&error, PrismError::Api(error) if error.is_stale()));
    assert!(!error.may_have_taken_effect());
    let posts = server.asked_with("POST").len();
    let looks = server.asked_with("GET").len();
    assert_eq!(looks, posts, "each is sent from a look of its own");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_id() {
    let looks = AtomicUsize::new(0);
    let posts = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            line if line == format!("GET {VM}") => tagged("vm-1", vm(json!([]))),
            _ => match posts.fetch_add(1, Ordering::SeqCst) {
                0 => Answer::Cut,
                _ => task_started(TASK_UUID),
            },
        })
    })
    .await;
    let id = RequestId::random();
    server.prism().power_off(&"v1".into(), id).await.unwrap();
    let posts = server.asked_with("POST");
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(|post| {
        post.path == format!("{VM}/$actions/power-off")
            && post.header("ntnx-request-id") == id.to_string()
    }));
}

#[tokio::test]
async fn a_vm_that_is_on_is_not_switched_on() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.1")),
        _ => tagged("vm-1", vm(json!([]))),
    })
    .await;
    let result = server
        .prism()
        .power_on(&"v1".into(), RequestId::random())
        .await;
    assert!(result.is_ok());
    assert!(server.asked_with("POST").is_empty());
}

#[tokio::test]
async fn a_failed_task_says_why_with_its_code() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("OPTIONS", "/api/vmm/unversioned/info") => data(json!("v4.1")),
        ("OPTIONS", _) => data(json!("v4.0")),
        ("GET", VM) => tagged("vm-1", vm(json!([]))),
        ("GET", TASK) => data(json!({"extId": format!("ZXJnb24=:{TASK_UUID}"), "operation": "CreateNic", "status": "FAILED",
            "errorMessages": [{"message": "IP address 10.0.1.10 is already in use", "code": "VMM-20101", "errorGroup": "VM_NIC_IP_IN_USE"}]})),
        _ => task_started(TASK_UUID),
    })
    .await;
    let error = server
        .prism()
        .create_nic(&"v1".into(), &spec(), RequestId::random())
        .await
        .unwrap_err();
    assert!(!error.may_have_taken_effect());
    let text = error.to_string();
    let PrismError::TaskFailed(failed) = error else {
        panic!("{error}")
    };
    assert_eq!(failed.operation, "CreateNic");
    assert_eq!(failed.codes(), ["VMM-20101"]);
    assert_eq!(failed.groups(), ["VM_NIC_IP_IN_USE"]);
    assert!(text.contains("site `tokyo`"), "{text}");
    assert!(
        text.contains("already in use [VMM-20101 VM_NIC_IP_IN_USE]"),
        "{text}"
    );
}

#[tokio::test]
async fn a_change_of_a_vm_that_does_not_exist_is_missing() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.1")),
        _ => say(404, json!({})),
    })
    .await;
    let error = server
        .prism()
        .power_off(&"v1".into(), RequestId::random())
        .await
        .unwrap_err();
    assert!(matches!(&error, PrismError::Missing(error) if error.what.to_string() == "VM v1"));
}

#[tokio::test]
async fn prefixes_are_set_by_sending_everything_else_back() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            "GET /api/networking/v4.0/config/vpcs/w" => tagged(
                "vpc-1",
                json!({"extId": "w", "name": "app-vpc", "$reserved": {"$fv": "v4.r0"}, "unheardOf": true}),
            ),
            _ => task_started(TASK_UUID),
        })
    })
    .await;
    let erps = BTreeSet::from(["10.0.1.0/24".parse().unwrap()]);
    server
        .prism()
        .set_erps(&"w".into(), &erps, RequestId::random())
        .await
        .unwrap();
    let puts = server.asked_with("PUT");
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0].header("if-match"), "vpc-1");
    assert_eq!(
        puts[0].json(),
        json!({"extId": "w", "name": "app-vpc", "$reserved": {"$fv": "v4.r0"}, "unheardOf": true,
               "externallyRoutablePrefixes": [{"ipv4": {"ip": {"value": "10.0.1.0"}, "prefixLength": 24}}]})
    );
}

#[tokio::test]
async fn one_prefix_is_added_to_those_of_others_if_it_is_absent() {
    let looks = AtomicUsize::new(0);
    let other = json!({"ipv4": {"ip": {"value": "10.9.0.0"}, "prefixLength": 24}});
    let vpc = json!({"extId": "w", "externallyRoutablePrefixes": [other]});
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            "GET /api/networking/v4.0/config/vpcs/w" => tagged("vpc-1", vpc.clone()),
            _ => task_started(TASK_UUID),
        })
    })
    .await;
    let prism = server.prism();
    let set = async |cidr: &str, present| {
        let cidr = cidr.parse().unwrap();
        prism
            .set_erp(&"w".into(), cidr, present, RequestId::random())
            .await
            .unwrap()
    };
    assert!(!set("10.9.0.0/24", true).await);
    assert!(!set("10.0.1.0/24", false).await);
    assert!(server.asked_with("PUT").is_empty());
    assert!(set("10.0.1.0/24", true).await);
    let body = server.asked_with("PUT")[0].json();
    assert_eq!(
        body["externallyRoutablePrefixes"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn only_addresses_that_are_not_reserved_yet_are_reserved() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        with_task(asked, &looks, |line| match line {
            "GET /api/networking/v4.0/config/subnets/s" => tagged("s-1", json!({"extId": "s"})),
            "GET /api/networking/v4.0/config/subnets/s/reserved-ips" => {
                list(json!([{"ipv4Address": {"value": "10.0.1.10"}}]))
            }
            _ => task_started(TASK_UUID),
        })
    })
    .await;
    let addresses = ["10.0.1.10".parse().unwrap(), "10.0.1.11".parse().unwrap()];
    let prism = server.prism();
    prism
        .reserve_addresses(&"s".into(), &addresses, "wave-1", RequestId::random())
        .await
        .unwrap();
    prism
        .unreserve_addresses(&"s".into(), &addresses[1..], RequestId::random())
        .await
        .unwrap();
    let posts = server.asked_with("POST");
    assert_eq!(posts.len(), 1);
    assert!(
        posts[0]
            .path
            .ends_with("/subnets/s/addresses/$actions/reserve")
    );
    assert_eq!(
        posts[0].json(),
        json!({"reserveType": "IP_ADDRESS_LIST", "ipAddresses": [{"ipv4": {"value": "10.0.1.11"}}], "clientContext": "wave-1"})
    );
}

#[tokio::test]
async fn a_category_is_made_once() {
    let made = Mutex::new(false);
    let server = Server::start(move |asked| match asked.method.as_str() {
        "OPTIONS" => data(json!("v4.0")),
        "GET" if *made.lock().unwrap() => {
            list(json!([{"extId": "c", "key": "stayput", "value": "it's"}]))
        }
        "GET" => list(json!([])),
        _ => {
            *made.lock().unwrap() = true;
            say(
                201,
                json!({"data": {"extId": "c", "key": "stayput", "value": "it's"}}),
            )
        }
    })
    .await;
    let prism = server.prism();
    for _ in 0..2 {
        let id = prism.ensure_category("stayput", "it's").await.unwrap();
        assert_eq!(id, "c".into());
    }
    assert_eq!(server.asked_with("POST").len(), 1);
    assert_eq!(
        server.asked_with("GET")[0].query["$filter"],
        "key eq 'stayput' and value eq 'it''s'"
    );
}
