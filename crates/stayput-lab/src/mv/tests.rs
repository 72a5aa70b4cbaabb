//! Tests of the appliance through its HTTP API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use super::handle;
use super::model::MoveState;
use super::model::Provider;
use super::model::ProviderKind;
use super::model::VmFault;
use crate::aws::json::tests as aws;
use crate::aws::model::InstanceState;
use crate::faults::Fate;
use crate::http::Request;
use crate::prism::model::FlowSubnet;
use crate::prism::model::PcState;
use crate::state::LabState;

const CLUSTER: &str = "00061c5e-0000-0000-0000-00000000c1u5";
const OVERLAY: &str = "5b0d0000-0000-4000-8000-000000000001";
const TEST_NET: &str = "5b0d0000-0000-4000-8000-000000000002";

/// A client with a token.
struct Client {
    lab: LabState,
    authorization: String,
}

fn subnet(name: &str, cidr: &str, pool: (&str, &str)) -> FlowSubnet {
    FlowSubnet {
        name: name.to_owned(),
        cidr: Some(cidr.parse().unwrap()),
        pools: vec![stayput_estate::AddrRange {
            first: pool.0.parse().unwrap(),
            last: pool.1.parse().unwrap(),
        }],
        ..FlowSubnet::default()
    }
}

fn client() -> Client {
    let mut lab = aws::lab();
    lab.aws
        .keys
        .insert("AKIALAB".to_owned(), "secret".to_owned());
    aws::machine(
        &mut lab,
        "i-web",
        Some("web-01"),
        "Linux/UNIX",
        &["172.30.1.10", "172.30.1.20"],
    );
    aws::machine(&mut lab, "i-win", Some("ad"), "Windows", &["172.30.1.34"]);
    lab.pcs.push(PcState {
        cluster: (CLUSTER.to_owned(), "nc2-tokyo".to_owned()),
        credentials: ("admin".to_owned(), "prism".to_owned()),
        subnets: BTreeMap::from([
            (
                OVERLAY.to_owned(),
                subnet("app", "172.30.1.0/24", ("172.30.1.200", "172.30.1.202")),
            ),
            (
                TEST_NET.to_owned(),
                subnet("test", "172.31.1.0/24", ("172.31.1.10", "172.31.1.20")),
            ),
        ]),
        ..PcState::default()
    });
    lab.moves.push(MoveState {
        name: "move".to_owned(),
        credentials: ("nutanix".to_owned(), "move".to_owned()),
        token_ttl_secs: 900,
        providers: BTreeMap::from([
            (
                "src".to_owned(),
                Provider {
                    name: "aws".to_owned(),
                    kind: ProviderKind::Aws {
                        access_key: "AKIALAB".to_owned(),
                    },
                },
            ),
            (
                "dst".to_owned(),
                Provider {
                    name: "nc2".to_owned(),
                    kind: ProviderKind::Aos {
                        address: "prism.lab".to_owned(),
                    },
                },
            ),
        ]),
        ..MoveState::default()
    });
    let mut client = Client {
        lab,
        authorization: String::new(),
    };
    let login = client.ok(
        "POST",
        "/users/login",
        json!({"Spec": {"UserName": "nutanix", "Password": "move"}}),
    );
    client.authorization = format!("Bearer {}", login["Status"]["Token"].as_str().unwrap());
    client
}

impl Client {
    fn send(&mut self, method: &str, path: &str, body: Vec<u8>) -> (u16, Json) {
        self.lab.catch_up();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let response = handle(
            &mut self.lab,
            0,
            &Request {
                method: method.to_owned(),
                path: format!("/move/v2{path}"),
                query: form_urlencoded::parse(query.as_bytes())
                    .into_owned()
                    .collect(),
                headers: BTreeMap::from([("authorization".to_owned(), self.authorization.clone())]),
                body,
                base: "https://127.0.0.1:1".to_owned(),
            },
        );
        let body = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
        (response.status, body)
    }

    fn ok(&mut self, method: &str, path: &str, body: Json) -> Json {
        let (status, answer) = self.send(method, path, body.to_string().into_bytes());
        assert!(
            (200..300).contains(&status),
            "{method} {path} → {status} {answer}"
        );
        answer
    }

    fn post(&mut self, path: &str) -> Json {
        let (status, answer) = self.send("POST", path, Vec::new());
        assert!(
            (200..300).contains(&status),
            "POST {path} → {status} {answer}"
        );
        answer
    }

    fn status_of(&mut self, method: &str, path: &str, body: Json) -> u16 {
        let (status, answer) = self.send(method, path, body.to_string().into_bytes());
        assert!(status < 300 || answer["Message"].is_string(), "{answer}");
        status
    }

    fn key(&mut self, name: &str) -> String {
        let answer = self.ok(
            "POST",
            "/providers/src/workloads/list",
            json!({"Query": name}),
        );
        answer["Entities"][0]["VMUuid"].as_str().unwrap().to_owned()
    }

    /// Creates and prepares a plan; returns its id.
    fn prepared(&mut self, names: &[&str]) -> String {
        let keys: Vec<String> = names.iter().map(|name| self.key(name)).collect();
        let made = self.ok("POST", "/plans", plan("wave1", &keys));
        let id = made["MetaData"]["UUID"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            self.ok(
                "POST",
                &format!("/plans/{id}/prepare"),
                json!({"Spec": {"Region": "ap-northeast-1"}}),
            );
        }
        id
    }

    fn pass(&mut self, seconds: u64) {
        self.lab.advance(Duration::from_secs(seconds));
    }

    /// Returns the status of the only, or first, VM.
    fn vm(&mut self, plan: &str) -> Json {
        self.post(&format!("/plans/{plan}/workloads/list"))["Status"]["VMStatus"][0].clone()
    }

    fn act(&mut self, plan: &str, action: &str) -> u16 {
        let vm = self.vm(plan)["UUID"].as_str().unwrap().to_owned();
        self.status_of(
            "POST",
            &format!("/plans/{plan}/workloads/{vm}/action"),
            json!({"Spec": {"Action": action}}),
        )
    }
}

fn plan(name: &str, keys: &[String]) -> Json {
    json!({"Spec": {
        "Name": name,
        "SourceInfo": {"ProviderUUID": "src", "AWSProviderAttrs": {"RegionID": "ap-northeast-1"}},
        "TargetInfo": {"ProviderUUID": "dst", "AOSProviderAttrs": {
            "ClusterUUID": CLUSTER, "ContainerUUID": super::providers::container(CLUSTER)}},
        "NetworkMappings": [{"SourceNetworkID": aws::VPC, "TargetNetworkID": OVERLAY, "TestNetworkID": TEST_NET}],
        "Settings": {"GuestPrepMode": "auto"},
        "Workload": {"Type": "VM", "VMs": keys.iter().map(|key| json!({
            "AllowUVMOps": true, "RetainMacAddress": false, "VMReference": {"UUID": key}})).collect::<Vec<_>>()},
    }})
}

#[test]
fn tokens_need_the_password_work_raw_and_as_bearer_and_expire() {
    let mut client = client();
    let token = client
        .authorization
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned();
    assert_eq!(client.status_of("GET", "/token/status", json!({})), 200);
    client.authorization.clone_from(&token);
    assert_eq!(client.status_of("GET", "/token/status", json!({})), 200);
    assert_eq!(
        client.status_of(
            "POST",
            "/users/login",
            json!({"spec": {"username": "nutanix", "password": "x"}})
        ),
        401
    );
    client.lab.moves[0].tokens.insert(token.clone(), 1);
    assert_eq!(client.status_of("POST", "/plans/list", json!({})), 401);
    let login = client.ok(
        "POST",
        "/users/login",
        json!({"spec": {"username": "nutanix", "password": "move"}}),
    );
    client.authorization = login["Status"]["Token"].as_str().unwrap().to_owned();
    client.ok(
        "POST",
        "/token/revoke",
        json!({"Spec": {"Token": client.authorization}}),
    );
    assert_eq!(client.status_of("GET", "/token/status", json!({})), 401);
}

#[test]
fn the_token_endpoint_takes_a_form_and_its_refresh_token_works_once() {
    let mut client = client();
    let form = b"grantType=PASSWORD&username=nutanix&password=move&expiry=60".to_vec();
    let (status, answer) = client.send("POST", "/token", form);
    assert_eq!((status, &answer["AccessTokenExpiry"]), (200, &json!(60)));
    let refresh = answer["RefreshToken"].as_str().unwrap().to_owned();
    client.authorization.clone_from(&refresh);
    assert_eq!(client.status_of("GET", "/token/status", json!({})), 401);
    client.authorization = format!("refresh:{refresh}");
    assert_eq!(client.status_of("GET", "/token/status", json!({})), 401);
    let form = format!("grantType=REFRESH_TOKEN&refreshToken={refresh}").into_bytes();
    assert_eq!(client.send("POST", "/token", form.clone()).0, 200);
    assert_eq!(client.send("POST", "/token", form).0, 401);
}

#[test]
fn providers_are_checked_when_added_and_list_target_networks() {
    let mut client = client();
    let aws = |secret: &str| json!({"Spec": {"Name": "aws-2", "Type": "AWS", "AWSAccessInfo": {"AccessKey": "AKIALAB", "SecretKey": secret}}});
    assert_eq!(client.status_of("POST", "/providers", aws("wrong")), 422);
    let made = client.ok("POST", "/providers", aws("secret"));
    let id = made["MetaData"]["UUID"].as_str().unwrap().to_owned();
    assert!(!made.to_string().contains("secret"));
    assert_eq!(client.status_of("POST", "/providers", aws("secret")), 409);
    client.post(&format!("/providers/{id}/validate"));
    let listed = client.ok("POST", "/providers/list", json!({"Spec": {}}));
    assert_eq!(listed["MetaData"]["Count"], 3);
    let target = client.ok("GET", "/providers/dst", json!({}));
    let cluster = &target["Spec"]["AOSProperties"]["Clusters"][0];
    assert_eq!(cluster["UUID"], CLUSTER);
    assert_eq!(cluster["Containers"][0]["Name"], "default");
    assert_eq!(cluster["Networks"].as_array().unwrap().len(), 2);
    client.ok("DELETE", &format!("/providers/{id}"), json!({}));
    assert_eq!(
        client.status_of("GET", &format!("/providers/{id}"), json!({})),
        404
    );
}

#[test]
fn workloads_are_the_regions_instances_with_name_filter_and_pages() {
    let mut client = client();
    let all = client.ok(
        "POST",
        "/providers/src/workloads/list",
        json!({"Filter": {"Datacenter": ["ap-northeast-1"]}, "ShowVMS": "all", "SortBy": "VMName", "Limit": 1}),
    );
    assert_eq!(all["MetaData"]["Count"], 2);
    assert_eq!(all["Entities"].as_array().unwrap().len(), 1);
    assert_eq!(all["Entities"][0]["VMName"], "ad");
    assert_eq!(all["Entities"][0]["OSType"], "Windows");
    for (offset, descending, names) in [
        (0, true, vec!["web-01"]),
        (1, true, vec!["ad"]),
        (1, false, vec!["web-01"]),
        (2, false, vec![]),
    ] {
        let page = client.ok(
            "POST",
            "/providers/src/workloads/list",
            json!({"SortBy": "VMName", "SortOrderDesc": descending, "AfterOffset": offset, "Limit": 1}),
        );
        let entities = page["Entities"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = entities.iter().map(|entity| &entity["VMName"]).collect();
        assert_eq!(found, names, "{offset} {descending}");
    }
    let rest = client.ok(
        "POST",
        "/providers/src/workloads/list",
        json!({"SortBy": "VMName", "AfterOffset": 1}),
    );
    let web = &rest["Entities"][0];
    assert_eq!(
        (&web["VmID"], &web["NumEthernetCards"]),
        (&json!("i-web"), &json!(2))
    );
    assert_eq!(web["Networks"], json!([{"ID": aws::VPC, "Name": aws::VPC}]));
    assert_eq!(web["VMUuid"], super::inventory::key("i-web"));
    let none = client.ok(
        "POST",
        "/providers/src/workloads/list",
        json!({"Query": "unknown"}),
    );
    assert_eq!(none["Entities"], Json::Null);
    let elsewhere = json!({"Filter": {"Datacenter": ["eu-west-9"]}});
    assert_eq!(
        client.status_of("POST", "/providers/src/workloads/list", elsewhere),
        422
    );
}

#[test]
fn a_plan_needs_existing_objects_and_vms_of_no_other_plan() {
    let mut client = client();
    let web = client.key("web-01");
    let keys = std::slice::from_ref(&web);
    let with = |change: fn(&mut Json)| {
        let mut body = plan("p", keys);
        change(&mut body["Spec"]);
        body
    };
    for body in [
        with(|spec| spec["NetworkMappings"][0]["TargetNetworkID"] = json!("nope")),
        with(|spec| spec["NetworkMappings"] = json!([])),
        with(|spec| spec["TargetInfo"]["AOSProviderAttrs"]["ClusterUUID"] = json!("nope")),
        with(|spec| spec["TargetInfo"]["AOSProviderAttrs"]["ContainerUUID"] = json!("nope")),
        with(|spec| spec["SourceInfo"]["AWSProviderAttrs"]["RegionID"] = json!("eu-west-9")),
        with(|spec| spec["SourceInfo"]["ProviderUUID"] = json!("dst")),
        with(|spec| spec["Workload"]["VMs"] = json!([])),
        with(|spec| spec["Workload"]["VMs"][0]["VMReference"]["VMID"] = json!("i-other")),
        plan("p", &vec![web.clone(); 51]),
        plan("p", &["unknown".to_owned()]),
        json!({}),
    ] {
        assert_eq!(
            client.status_of("POST", "/plans", body.clone()),
            422,
            "{body}"
        );
    }
    let same = with(|spec| spec["NetworkMappings"][0]["TestNetworkID"] = json!(OVERLAY));
    let (status, answer) = client.send("POST", "/plans", same.to_string().into_bytes());
    assert_eq!((status, &answer["Code"]), (422, &json!(20538)));
    let made = client.send("POST", "/plans", plan("p", keys).to_string().into_bytes());
    assert_eq!(made.0, 201);
    assert_eq!(
        client.status_of("POST", "/plans", plan("p", &["x".to_owned()])),
        409
    );
    assert_eq!(client.status_of("POST", "/plans", plan("q", keys)), 409);
    let id = made.1["MetaData"]["UUID"].as_str().unwrap().to_owned();
    client.ok("PUT", &format!("/plans/{id}"), plan("renamed", keys));
    client.ok("DELETE", &format!("/plans/{id}"), json!({}));
    assert_eq!(
        client.ok("POST", "/plans/list", json!({}))["Entities"],
        Json::Null
    );
}

#[test]
fn prepare_passes_on_the_second_call() {
    let mut client = client();
    let web = client.key("web-01");
    let made = client.ok("POST", "/plans", plan("p", &[web]));
    let id = made["MetaData"]["UUID"].as_str().unwrap().to_owned();
    assert_eq!(
        client.status_of("POST", &format!("/plans/{id}/start"), json!({})),
        422
    );
    assert_eq!(
        client.status_of("POST", &format!("/plans/{id}/prepare"), json!({"Spec": {}})),
        422
    );
    let body = json!({"Spec": {"Region": "ap-northeast-1"}});
    let first = client.ok("POST", &format!("/plans/{id}/prepare"), body.clone());
    let result = &first["Status"]["Result"];
    assert_eq!(
        (&result["Passed"], &result["Failed"]),
        (&Json::Null, &Json::Null)
    );
    assert!(result["InstallationInProgress"].is_array());
    let readiness = client.post(&format!("/plans/{id}/readiness"));
    assert!(readiness["Status"]["VMChecksResult"]["Failed"].is_array());
    let second = client.ok("POST", &format!("/plans/{id}/prepare"), body);
    assert_eq!(second["Status"]["Result"]["Passed"][0]["Status"], "Passed");
    let readiness = client.post(&format!("/plans/{id}/readiness"));
    assert_eq!(readiness["Status"]["Failed"], Json::Null);
    assert_eq!(readiness["Status"]["VMChecksResult"]["Failed"], Json::Null);
}

#[test]
fn a_machine_is_copied_and_cut_over_to_the_mapped_subnet() {
    let mut client = client();
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    assert_eq!(
        client.status_of("POST", &format!("/plans/{id}/start"), json!({})),
        409
    );
    assert_eq!(
        client.status_of("PUT", &format!("/plans/{id}"), plan("x", &[])),
        409
    );
    assert_eq!(
        client.status_of("DELETE", &format!("/plans/{id}"), json!({})),
        409
    );
    assert_eq!(client.vm(&id).get("Progress"), None);
    client.pass(120 + 500);
    // 20 GB at 20 MB/s take 1,000 s.
    let half = client.vm(&id);
    assert_eq!(
        (&half["Progress"], &half["ETAInSecs"]),
        (&json!(50), &json!(500))
    );
    assert_eq!(half["CopiedDataSizeInBytes"], json!(10_000_000_000_u64));
    assert_eq!(client.act(&id, "cutover"), 409);
    client.pass(500);
    let ready = client.vm(&id);
    assert_eq!(
        (&ready["StateString"], &ready["Progress"]),
        (&json!("ReadyToCutover"), &json!(100))
    );
    assert!(
        ready["Actions"]
            .as_array()
            .unwrap()
            .contains(&json!("CUTOVER"))
    );
    let shown = client.ok("GET", &format!("/plans/{id}"), json!({}));
    assert_eq!(shown["MetaData"]["State"], 4);
    assert_eq!(
        shown["MetaData"]["VMStateCounts"],
        json!({"ReadyToCutover": 1})
    );
    assert_eq!(
        client.status_of("POST", &format!("/plans/{id}/cutover"), json!({})),
        404
    );

    assert_eq!(client.act(&id, "cutover"), 202);
    assert_eq!(
        aws::instance(&mut client.lab, "i-web").state,
        InstanceState::Stopping
    );
    client.pass(30);
    assert_eq!(
        aws::instance(&mut client.lab, "i-web").state,
        InstanceState::Stopped
    );
    assert_eq!(client.vm(&id)["StateString"], "CutoverLastSync");
    client.pass(240);
    let done = client.vm(&id);
    assert_eq!(done["StateString"], "Completed");
    client.pass(5000);
    assert_eq!(
        client.vm(&id)["CopiedDataSizeInBytes"],
        done["CopiedDataSizeInBytes"],
        "nothing more is copied from a stopped source"
    );
    let link = done["VmConsoleLink"].as_str().unwrap();
    let vm_id = link
        .split("path=vnc/vm/")
        .nth(1)
        .unwrap()
        .split("/proxy")
        .next()
        .unwrap();
    let vm = &client.lab.pcs[0].vms[vm_id];
    assert_eq!(
        (vm.name.as_str(), vm.on, vm.shape),
        ("web-01", true, (4, 16 << 30))
    );
    let nics: Vec<_> = vm
        .nics
        .iter()
        .map(|nic| (nic.subnet.as_str(), nic.address.unwrap().to_string()))
        .collect();
    assert_eq!(
        nics,
        [
            (OVERLAY, "172.30.1.200".to_owned()),
            (OVERLAY, "172.30.1.201".to_owned())
        ]
    );
    let listed = client.ok("POST", "/plans/list?IncludeVMDetails=true", json!({}));
    let metadata = &listed["Entities"][0]["MetaData"];
    assert_eq!(metadata["StateString"], "MigrationPlanStateCompleted");
    assert_eq!(metadata["Actions"], json!(["DELETE"]));
    assert!(metadata["VMStatus"].is_array());
    let events = client.ok("POST", "/events", json!({}));
    assert_eq!(
        events["Events"][0]["Event"]["EventName"],
        "Cutover finished"
    );
}

#[test]
fn a_stopped_source_becomes_a_powered_off_vm() {
    let mut client = client();
    aws::instance(&mut client.lab, "i-win").state = InstanceState::Stopped;
    let id = client.prepared(&["ad"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    client.act(&id, "cutover");
    client.pass(300);
    assert_eq!(client.vm(&id)["StateString"], "Completed");
    assert!(client.lab.pcs[0].vms.values().all(|vm| !vm.on));
}

#[test]
fn an_exhausted_pool_fails_the_vm_and_a_retry_keeps_its_copy() {
    let mut client = client();
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    let pools = std::mem::take(&mut client.lab.pcs[0].subnets.get_mut(OVERLAY).unwrap().pools);
    client.act(&id, "cutover");
    client.pass(300);
    let failed = client.vm(&id);
    assert_eq!(failed["StateString"], "Failed");
    assert!(failed["ErrorMessage"].is_string());
    let shown = client.ok("GET", &format!("/plans/{id}"), json!({}));
    assert_eq!(
        (&shown["MetaData"]["State"], &shown["MetaData"]["Actions"]),
        (&json!(8), &json!(["DELETE"]))
    );
    client.lab.pcs[0].subnets.get_mut(OVERLAY).unwrap().pools = pools;
    assert_eq!(client.act(&id, "retry"), 202);
    assert_eq!(client.vm(&id)["StateString"], "ReadyToCutover");
    assert_eq!(client.act(&id, "cutover"), 202);
    client.pass(300);
    assert_eq!(client.vm(&id)["StateString"], "Completed");
}

#[test]
fn suspending_pauses_the_copy_and_resuming_continues_it() {
    let mut client = client();
    let id = client.prepared(&["web-01"]);
    assert_eq!(
        client.status_of("POST", &format!("/plans/{id}/suspend"), json!({})),
        409
    );
    client.post(&format!("/plans/{id}/start"));
    client.pass(120 + 300);
    client.post(&format!("/plans/{id}/suspend"));
    client.pass(5000);
    let paused = client.vm(&id);
    assert_eq!(
        (&paused["Progress"], &paused["StateString"]),
        (&json!(30), &json!("Paused"))
    );
    client.post(&format!("/plans/{id}/resume"));
    assert_eq!(client.vm(&id)["Progress"], 30);
    client.pass(690);
    assert_eq!(client.vm(&id)["Progress"], 99);
    client.pass(10);
    assert_eq!(client.vm(&id)["StateString"], "ReadyToCutover");
}

#[test]
fn cancelling_keeps_the_source_and_frees_it_for_another_plan() {
    let mut client = client();
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(500);
    client.post(&format!("/plans/{id}/cancel"));
    client.pass(5000);
    assert_eq!(client.vm(&id)["StateString"], "Aborted");
    assert_eq!(
        aws::instance(&mut client.lab, "i-web").state,
        InstanceState::Running
    );
    let web = client.key("web-01");
    assert_eq!(
        client.status_of("POST", "/plans", plan("again", &[web])),
        201
    );
}

#[test]
fn a_failed_machine_that_is_discarded_is_over_and_can_be_planned_again() {
    let mut client = client();
    client.lab.moves[0]
        .faults
        .insert("i-web".to_owned(), VmFault::SeedingFails);
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    assert_eq!(client.vm(&id)["Actions"], json!(["RETRY", "DISCARD"]));
    assert_eq!(client.act(&id, "discard"), 202);
    let discarded = client.vm(&id);
    assert_eq!(
        (&discarded["StateString"], &discarded["Actions"]),
        (&json!("Aborted"), &json!([]))
    );
    assert_eq!(client.act(&id, "retry"), 409);
    let web = client.key("web-01");
    assert_eq!(
        client.status_of("POST", "/plans", plan("again", &[web])),
        201
    );
}

#[test]
fn a_test_copy_is_in_the_test_network_until_undotest() {
    let mut client = client();
    let id = client.prepared(&["ad"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    assert_eq!(client.act(&id, "test"), 202);
    client.pass(240);
    assert_eq!(client.vm(&id)["StateString"], "TestVMReady");
    let copy = client.lab.pcs[0].vms.values().next().unwrap();
    assert_eq!(
        (copy.name.as_str(), copy.nics[0].subnet.as_str()),
        ("ad-MoveTest", TEST_NET)
    );
    assert_eq!(client.act(&id, "cutover"), 409);
    client.act(&id, "undotest");
    assert!(client.lab.pcs[0].vms.is_empty());
    assert_eq!(client.act(&id, "cutover"), 202);
}

#[test]
fn each_fault_has_the_symptoms_of_a_real_appliance() {
    let mut client = client();
    client.lab.moves[0]
        .faults
        .insert("i-web".to_owned(), VmFault::SeedingFails);
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    let failed = client.vm(&id);
    assert_eq!(failed["StateString"], "Failed");
    assert!(failed["ErrorMessage"].as_str().unwrap().contains("seeding"));
    client.lab.moves[0]
        .faults
        .insert("i-web".to_owned(), VmFault::NeverReady);
    client.act(&id, "retry");
    client.pass(2000);
    assert_eq!(client.vm(&id)["Actions"], json!(["ABORT"]));
    client.lab.moves[0]
        .faults
        .insert("i-web".to_owned(), VmFault::NoConsoleLink);
    client.act(&id, "cutover");
    client.pass(300);
    let done = client.vm(&id);
    assert_eq!(
        (&done["StateString"], done.get("VmConsoleLink")),
        (&json!("Completed"), None)
    );
    client.lab.moves[0]
        .faults
        .insert("i-win".to_owned(), VmFault::PrepareFails);
    let key = client.key("ad");
    let made = client.ok("POST", "/plans", plan("p2", &[key]));
    let path = format!(
        "/plans/{}/prepare",
        made["MetaData"]["UUID"].as_str().unwrap()
    );
    let body = json!({"Spec": {"Region": "ap-northeast-1"}});
    client.ok("POST", &path, body.clone());
    let result = client.ok("POST", &path, body);
    assert_eq!(result["Status"]["Result"]["Failed"][0]["Status"], "Failed");
}

#[test]
fn unknown_paths_return_404_and_invalid_json_returns_422() {
    let mut client = client();
    assert_eq!(client.status_of("GET", "/nope", json!({})), 404);
    assert_eq!(client.status_of("GET", "/plans/nope", json!({})), 404);
    assert_eq!(client.send("POST", "/plans", b"{".to_vec()).0, 422);
    assert_eq!(
        client.ok("GET", "/appinfo", json!({}))["Status"]["Version"],
        "5.2.0"
    );
}

#[test]
fn a_phase_that_a_fault_fails_fails_only_what_the_call_started() {
    let mut client = client();
    let id = client.prepared(&["web-01"]);
    client.post(&format!("/plans/{id}/start"));
    client.pass(2000);
    assert_eq!(client.vm(&id)["StateString"], "ReadyToCutover");
    client.lab.fate = Some(Fate::Fails);
    client.act(&id, "cutover");
    client.lab.fate = None;
    client.pass(300);
    let vm = client.vm(&id);
    assert!(vm.to_string().contains("internal error"), "{vm}");
}
