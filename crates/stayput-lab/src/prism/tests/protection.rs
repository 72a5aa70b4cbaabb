//! Tests of protection policies, recovery plans and their copies, and recovery points.

use serde_json::Value;
use serde_json::json;

use super::fixture::*;

/// Returns a policy from Tokyo to Osaka and back.
pub fn policy(category: &str, rpo: u64, kept: u64) -> Value {
    let schedule = json!({
        "recoveryPointType": "CRASH_CONSISTENT", "recoveryPointObjectiveTimeSeconds": rpo, "startTime": "00h:00m",
        "retention": {"local": 1, "remote": kept},
    });
    json!({
        "name": "pp-app", "categoryIds": [category],
        "replicationLocations": [
            {"label": "primary", "domainManagerExtId": manager(TOKYO), "isPrimary": true,
             "replicationSubLocation": {"clusterExtIds": [id(TOKYO, "cluster")]}},
            {"label": "recovery", "domainManagerExtId": manager(OSAKA), "isPrimary": false},
        ],
        "replicationConfigurations": [
            {"sourceLocationLabel": "primary", "remoteLocationLabel": "recovery", "schedule": schedule},
            {"sourceLocationLabel": "recovery", "remoteLocationLabel": "primary", "schedule": schedule},
        ],
    })
}

#[test]
fn a_policy_is_answered_with_types_that_every_client_can_decode() {
    let mut lab = Lab::new();
    let category = lab.category(TOKYO, "1");
    let id = lab.create(TOKYO, POLICIES, policy(&category, 3600, 2));
    let read = lab.get(TOKYO, &format!("{POLICIES}/{id}")).data().clone();
    assert_eq!(
        read["replicationLocations"][0]["replicationSubLocation"]["$objectType"],
        "datapolicies.v4.config.NutanixCluster"
    );
    let schedule = &read["replicationConfigurations"][0]["schedule"];
    assert_eq!(
        schedule["retention"]["$objectType"],
        "datapolicies.v4.config.LinearRetention"
    );
    assert!(schedule["scheduleExtId"].is_string());
}

#[test]
fn a_policy_is_copied_to_the_paired_side_with_its_category_ids() {
    let mut lab = Lab::new();
    // Osaka has Wave/1 under a different id; it does not have Wave/2.
    let own = lab.category(OSAKA, "1");
    let (one, two) = (lab.category(TOKYO, "1"), lab.category(TOKYO, "2"));
    let mut body = policy(&one, 3600, 2);
    body["categoryIds"] = json!([one, two]);
    let id = lab.create(TOKYO, POLICIES, body);
    let mut copied: Vec<Value> = lab.get(OSAKA, &format!("{POLICIES}/{id}")).data()["categoryIds"]
        .as_array()
        .unwrap()
        .clone();
    copied.sort_by_key(ToString::to_string);
    let mut expected = vec![json!(own), json!(two)];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(copied, expected);
    assert!(lab.state.pcs[OSAKA].categories.contains_key(&two));

    let reply = lab.call(OSAKA, "DELETE", &format!("{POLICIES}/{id}"), None);
    lab.done(OSAKA, &reply);
    assert_eq!(lab.get(TOKYO, &format!("{POLICIES}/{id}")).status, 404);
}

#[test]
fn an_invalid_policy_is_refused_at_once_or_in_the_task() {
    let mut lab = Lab::new();
    let category = lab.category(TOKYO, "1");
    let mut labels = policy(&category, 3600, 2);
    labels["replicationConfigurations"][0]["remoteLocationLabel"] = json!("nowhere");
    let mut primaries = policy(&category, 3600, 2);
    primaries["replicationLocations"][1]["isPrimary"] = json!(true);
    for body in [labels, primaries, policy(&category, 90, 2)] {
        assert_eq!(lab.call(TOKYO, "POST", POLICIES, Some(body)).status, 400);
    }
    let reply = lab.call(TOKYO, "POST", POLICIES, Some(policy(&id(9, "x"), 3600, 2)));
    assert!(lab.failed(TOKYO, &reply).contains("was not found"));
    lab.state.pcs[TOKYO].paired.clear();
    let reply = lab.call(TOKYO, "POST", POLICIES, Some(policy(&category, 3600, 2)));
    assert!(lab.failed(TOKYO, &reply).contains("is not paired"));
}

#[test]
fn recovery_points_are_taken_replicated_and_kept_as_the_policy_says() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let category = lab.category(TOKYO, "1");
    lab.create(TOKYO, POLICIES, policy(&category, 3600, 2));
    lab.pass(7200);
    assert!(
        lab.get(OSAKA, POINTS).list().is_empty(),
        "not yet protected"
    );

    lab.categorise(TOKYO, &vm, &category);
    assert_eq!(
        lab.get(TOKYO, &format!("{VMS}/{vm}")).data()["protectionType"],
        "RULE_PROTECTED"
    );
    lab.pass(120);
    assert_eq!(lab.get(TOKYO, POINTS).list().len(), 1);
    assert!(
        lab.get(OSAKA, POINTS).list().is_empty(),
        "still replicating"
    );
    lab.pass(300);
    let here = lab.get(TOKYO, POINTS).list()[0].clone();
    let there = lab.get(OSAKA, POINTS).list()[0].clone();
    assert_eq!(here["locationAgnosticId"], there["locationAgnosticId"]);
    assert_ne!(here["extId"], there["extId"]);
    assert_eq!(there["vmRecoveryPoints"][0]["vmExtId"], json!(vm));
    assert_eq!(
        there["sourceLocation"]["domainManagerExtId"],
        json!(manager(TOKYO))
    );

    lab.pass(10 * 3600);
    let newest = lab.get(OSAKA, &format!("{POINTS}?$orderby=creationTime desc"));
    assert_eq!(newest.list().len(), 2, "two are kept at the target");
    assert!(newest.list()[0]["creationTime"].as_str() > newest.list()[1]["creationTime"].as_str());
    assert_eq!(lab.get(TOKYO, POINTS).list().len(), 1, "one at the source");

    let resource = lab.get(
        TOKYO,
        &format!("/api/dataprotection/v4.2/config/protected-resources/{vm}"),
    );
    assert_eq!(
        resource.data()["replicationStates"][0]["replicationStatus"],
        "IN_SYNC"
    );
    assert_eq!(resource.data()["categoryFqNames"], json!(["Wave/1"]));
}

#[test]
fn replication_waits_for_the_connection_and_stops_with_the_protection() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let category = lab.category(TOKYO, "1");
    lab.create(TOKYO, POLICIES, policy(&category, 3600, 2));
    lab.state.pcs[TOKYO].cut_off.insert(manager(OSAKA));
    lab.categorise(TOKYO, &vm, &category);
    lab.pass(1800);
    assert!(lab.get(OSAKA, POINTS).list().is_empty());
    lab.state.pcs[TOKYO].cut_off.clear();
    lab.pass(60);
    assert_eq!(lab.get(OSAKA, POINTS).list().len(), 1);

    let of = format!("{VMS}/{vm}");
    let body = json!({"categories": [{"extId": category}]});
    let path = format!("{of}/$actions/disassociate-categories");
    let reply = lab.with_etag(TOKYO, "POST", &path, &of, Some(body));
    lab.done(TOKYO, &reply);
    lab.pass(7200);
    assert_eq!(lab.get(OSAKA, POINTS).list().len(), 1);
    assert!(lab.state.pcs[TOKYO].schedules.is_empty());
}

#[test]
fn a_plan_and_its_parts_are_copied_changed_and_deleted_on_both_sides() {
    let mut lab = Lab::new();
    let category = lab.category(TOKYO, "1");
    let plan = lab.create(
        TOKYO,
        PLANS,
        json!({"name": "rp", "primaryLocation": {"domainManagerExtId": manager(TOKYO)},
               "recoveryLocation": {"domainManagerExtId": manager(OSAKA)}}),
    );
    let stage = json!({"entityType": "VM", "categoryExtIds": [category],
        "postActions": [{"config": {"delaySecs": 30}}]});
    let reply = lab.call(
        TOKYO,
        "POST",
        &format!("{PLANS}/{plan}/stages"),
        Some(stage),
    );
    let task = lab.done(TOKYO, &reply);
    let part = task["entitiesAffected"][1].clone();
    assert_eq!(part["rel"], "datapolicies:config:recovery-plan:stage");
    let part = part["extId"].as_str().unwrap().to_owned();
    let copy = lab.get(OSAKA, &format!("{PLANS}/{plan}/stages/{part}"));
    assert_eq!(copy.data()["priority"], 1);
    assert_eq!(
        copy.data()["postActions"][0]["config"]["$objectType"],
        "datapolicies.v4.config.DelayAction"
    );
    let neither = json!({"primaryNetwork": {}, "recoveryNetwork": {"subnetExtId": "x"}});
    let mappings = format!("{PLANS}/{plan}/network-mappings");
    assert_eq!(
        lab.call(TOKYO, "POST", &mappings, Some(neither)).status,
        400
    );
    assert!(lab.get(TOKYO, &mappings).list().is_empty());

    let of = format!("{PLANS}/{plan}/stages/{part}");
    let mut changed = lab.get(TOKYO, &of).data().clone();
    changed["priority"] = json!(7);
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(changed));
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(OSAKA, &of).data()["priority"], 7);
    let reply = lab.call(OSAKA, "DELETE", &format!("{PLANS}/{plan}"), None);
    lab.done(OSAKA, &reply);
    assert_eq!(lab.get(TOKYO, &of).status, 404);
}
