//! Absence: what a list lacks is asked for by id.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::json;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::PrismError;
use stayput_world::ObjectKind;
use stayput_world::prism::AbsentObject;

use crate::prism_reads::small_world;
use crate::server::Answer;
use crate::server::Server;
use crate::server::data;
use crate::server::list;
use crate::server::say;
use crate::server::short;

const VMS: &str = "/api/vmm/v4.2/ahv/config/vms";

fn known(vms: &[&str]) -> KnownPrismObjects {
    KnownPrismObjects {
        vms: vms.iter().map(|&id| id.into()).collect(),
        ..KnownPrismObjects::default()
    }
}

#[tokio::test]
async fn a_vm_that_the_list_lacks_is_asked_for_by_id() {
    let server = Server::start(|asked| match asked.path.strip_prefix(VMS) {
        Some("") => list(json!([{"extId": "listed", "name": "a"}])),
        Some("/there") => data(json!({"extId": "there", "name": "b"})),
        Some("/odd") => data(json!({"extId": "odd", "nics": 7})),
        Some("/other") => data(json!({"extId": "there", "name": "b"})),
        Some(_) => say(404, json!({"data": {"error": [{"message": "not found"}]}})),
        None => small_world(asked),
    })
    .await;
    let known = known(&["listed", "there", "odd", "other", "gone"]);
    let prism = server.prism().observe(&known).await.unwrap();
    let vms: Vec<&str> = prism.vms.keys().map(|id| id.as_str()).collect();
    assert_eq!(vms, ["listed", "there"]);
    assert_eq!(prism.confirmed_absent, BTreeSet::from(["gone".into()]));
    for id in ["odd", "other"] {
        let note = prism.unreadable_object(ObjectKind::Vm, id).next().unwrap();
        assert!(note.is_left_out(), "{note}");
    }
    let asked = server.asked_with("GET");
    let by_id = asked
        .iter()
        .filter(|asked| asked.path.starts_with(&format!("{VMS}/")));
    assert_eq!(
        by_id.count(),
        4 + 2,
        "listed ones are not; an odd one three times"
    );
}

#[tokio::test]
async fn other_objects_that_the_list_lacks_are_asked_for_by_id_with_their_parts() {
    let server = Server::start(|asked| match asked.line().as_str() {
        "GET /api/networking/v4.2/config/subnets" => list(json!([])),
        "GET /api/networking/v4.2/config/subnets/s" => data(json!({"extId": "s", "vpcReference": "w"})),
        "GET /api/datapolicies/v4.2/config/recovery-plans" => list(json!([])),
        "GET /api/datapolicies/v4.2/config/recovery-plans/rp" => data(json!({"extId": "rp",
            "primaryLocation": {"domainManagerExtId": "pc1"}, "recoveryLocation": {"domainManagerExtId": "pc2"}})),
        "GET /api/networking/v4.2/config/vpcs/x" => say(404, json!({})),
        "GET /api/datapolicies/v4.2/config/protection-policies/y" => say(404, json!({})),
        _ => small_world(asked),
    })
    .await;
    let known = KnownPrismObjects {
        subnets: BTreeSet::from(["s".into()]),
        recovery_plans: BTreeSet::from(["rp".into()]),
        vpcs: BTreeSet::from(["x".into()]),
        policies: BTreeSet::from(["p".into(), "y".into()]),
        ..KnownPrismObjects::default()
    };
    let prism = server.prism().observe(&known).await.unwrap();
    let ten = "10.0.1.10".parse().unwrap();
    assert!(prism.subnets[&"s".into()].reserved.contains(&ten));
    assert_eq!(prism.recovery_plans[&"rp".into()].mappings.len(), 1);
    let absent = |kind, ext_id: &str| AbsentObject {
        kind,
        ext_id: ext_id.to_owned(),
    };
    assert_eq!(
        prism.confirmed_absent_objects,
        BTreeSet::from([
            absent(ObjectKind::FlowVpc, "x"),
            absent(ObjectKind::ProtectionPolicy, "y"),
        ])
    );
}

#[tokio::test]
async fn an_empty_list_where_vms_are_known_is_read_again() {
    let times = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.path.strip_prefix(VMS) {
        Some("") if times.fetch_add(1, Ordering::SeqCst) < 2 => list(json!([])),
        Some("") => list(json!([{"extId": "v", "name": "a"}])),
        Some(_) => say(500, json!({})),
        None => small_world(asked),
    })
    .await;
    let prism = server.prism().observe(&known(&["v"])).await.unwrap();
    assert!(prism.vms.contains_key(&"v".into()));
}

#[tokio::test]
async fn a_list_that_lacks_objects_is_complete_only_with_those_found_by_id() {
    // It says that there are two VMs and gives one of them.
    let server = Server::start(|asked| match asked.path.strip_prefix(VMS) {
        Some("") if asked.query["$page"] == "0" => say(
            200,
            json!({"data": [{"extId": "listed"}], "metadata": {"totalAvailableResults": 2}}),
        ),
        Some("") => say(200, json!({"metadata": {"totalAvailableResults": 2}})),
        Some("/hidden") => data(json!({"extId": "hidden"})),
        Some(_) => say(404, json!({"data": {}})),
        None => small_world(asked),
    })
    .await;
    let prism = server.prism();
    let world = prism.observe(&known(&["listed", "hidden"])).await.unwrap();
    assert_eq!(world.vms.len(), 2);
    for known in [known(&[]), known(&["listed", "gone"])] {
        let error = prism.observe(&known).await.unwrap_err();
        assert_eq!(
            error.to_string().rsplit_once("): ").unwrap().1,
            "the list was read 5 times and was never complete: 1 objects were given, 2 announced"
        );
    }
}

#[tokio::test]
async fn a_404_that_is_not_prism_centrals_own_is_no_proof_of_absence() {
    for body in [
        "",
        "<html>404 page not found</html>",
        "no healthy upstream",
        "[]",
    ] {
        let server = Server::start(move |asked| match asked.method.as_str() {
            "OPTIONS" => data(json!("v4.2")),
            _ => Answer::Say(404, Vec::new(), body.to_owned()),
        })
        .await;
        let error = server.prism().vm(&"v".into()).await.unwrap_err();
        assert!(
            matches!(&error, PrismError::Api(error) if error.status == 404),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_vm_that_does_not_answer_is_neither_there_nor_absent() {
    let server = Server::start(|asked| match asked.path.strip_prefix(VMS) {
        Some("") => list(json!([{"extId": "listed"}])),
        Some(_) => say(503, json!({})),
        None => small_world(asked),
    })
    .await;
    let prism = server.prism().with_limits(short());
    let error = prism.observe(&known(&["v"])).await.unwrap_err();
    assert!(
        matches!(&error, PrismError::Api(error) if error.status == 503),
        "{error}"
    );
}

#[tokio::test]
async fn single_objects_are_read_by_id_or_confirmed_as_absent() {
    let server = Server::start(|asked| match asked.line().as_str() {
        "GET /api/networking/v4.2/config/subnets/s" => data(json!({"extId": "s", "name": "app", "vpcReference": "w"})),
        "GET /api/networking/v4.2/config/vpcs/w" => data(json!({"extId": "w", "name": "app-vpc"})),
        "GET /api/datapolicies/v4.2/config/protection-policies/p" => data(json!({"extId": "p", "name": "pp"})),
        "GET /api/datapolicies/v4.2/config/recovery-plans/rp" => data(json!({"extId": "rp", "name": "rp",
            "primaryLocation": {"domainManagerExtId": "pc1"}, "recoveryLocation": {"domainManagerExtId": "pc2"}})),
        line if line.ends_with("/gone") => say(404, json!({"data": {}})),
        _ => small_world(asked),
    })
    .await;
    let prism = server.prism();
    let subnet = prism.subnet(&"s".into()).await.unwrap().unwrap();
    assert_eq!(subnet.reserved.len(), 1);
    assert_eq!(
        prism.flow_vpc(&"w".into()).await.unwrap().unwrap().name,
        "app-vpc"
    );
    let policy = prism.protection_policy(&"p".into()).await.unwrap().unwrap();
    assert_eq!(policy.name, "pp");
    let plan = prism.recovery_plan(&"rp".into()).await.unwrap().unwrap();
    assert_eq!(
        plan.mappings[0].recovery,
        Some("s".into()),
        "named, and resolved here"
    );
    assert_eq!(prism.subnet(&"gone".into()).await.unwrap(), None);
    assert_eq!(prism.flow_vpc(&"gone".into()).await.unwrap(), None);
    assert_eq!(prism.protection_policy(&"gone".into()).await.unwrap(), None);
    assert_eq!(prism.recovery_plan(&"gone".into()).await.unwrap(), None);
}
