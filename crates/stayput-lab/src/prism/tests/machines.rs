//! Tests of VMs, NICs and their addresses.

use serde_json::Value;
use serde_json::json;

use super::fixture::*;
use crate::prism::MigratedVm;
use crate::prism::create_migrated_vm;

fn add_nic(lab: &mut Lab, vm: &str, nic: Value) -> Reply {
    let of = format!("{VMS}/{vm}");
    lab.with_etag(TOKYO, "POST", &format!("{of}/nics"), &of, Some(nic))
}

fn nics(lab: &mut Lab, vm: &str) -> Vec<Value> {
    lab.get(TOKYO, &format!("{VMS}/{vm}/nics")).list().to_vec()
}

fn address(nic: &Value) -> &str {
    nic["nicNetworkInfo"]["ipv4Config"]["ipAddress"]["value"]
        .as_str()
        .unwrap_or("")
}

#[test]
fn a_nic_is_replaced_by_one_with_the_original_address() {
    let mut lab = Lab::new();
    let app = id(TOKYO, "app");
    let moved = MigratedVm {
        name: "app01".to_owned(),
        on: true,
        shape: (2, 4 << 30),
        nics: vec![app.clone()],
    };
    let vm = create_migrated_vm(&mut lab.state, TOKYO, moved).unwrap();
    let wrong = nics(&mut lab, &vm).remove(0);
    assert_eq!(address(&wrong), "172.30.1.200");

    let of = format!("{VMS}/{vm}/nics/{}", wrong["extId"].as_str().unwrap());
    let reply = lab.with_etag(TOKYO, "DELETE", &of, &of, None);
    lab.done(TOKYO, &reply);
    assert!(nics(&mut lab, &vm).is_empty());

    let mut wanted = nic(&app, Some("172.30.1.34"));
    wanted["nicNetworkInfo"]["ipv4Config"]["secondaryIpAddressList"] =
        json!([{"value": "172.30.1.110"}, {"value": "172.30.1.111"}]);
    let reply = add_nic(&mut lab, &vm, wanted);
    let task = lab.done(TOKYO, &reply);
    let right = nics(&mut lab, &vm).remove(0);
    assert_eq!(address(&right), "172.30.1.34");
    assert!(
        right["nicBackingInfo"]["macAddress"]
            .as_str()
            .unwrap()
            .starts_with("50:6b:8d:")
    );
    assert!(
        !task.to_string().contains(right["extId"].as_str().unwrap()),
        "the new NIC is not in the task"
    );
    assert_eq!(
        lab.addresses(TOKYO, "app01").unwrap(),
        ["172.30.1.34", "172.30.1.110", "172.30.1.111"]
    );
}

#[test]
fn the_vms_etag_changes_with_its_nics_and_both_etags_can_delete_a_nic() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let of = format!("{VMS}/{vm}");
    let before = lab.get(TOKYO, &of).etag;
    let reply = add_nic(&mut lab, &vm, nic(&id(TOKYO, "app"), None));
    lab.done(TOKYO, &reply);
    assert_ne!(lab.get(TOKYO, &of).etag, before);
    let nics = nics(&mut lab, &vm);
    let first = format!("{of}/nics/{}", nics[0]["extId"].as_str().unwrap());
    let reply = lab.with_etag(TOKYO, "DELETE", &first, &of, None);
    lab.done(TOKYO, &reply);
    assert_eq!(lab.call(TOKYO, "DELETE", &first, None).status, 404);
}

#[test]
fn an_address_that_cannot_be_assigned_fails_the_task() {
    let mut lab = Lab::new();
    lab.vm(TOKYO, "holder", "172.30.1.10");
    let vm = lab.vm(TOKYO, "app01", "172.30.1.11");
    let app = id(TOKYO, "app");
    for (subnet, wanted, message) in [
        (
            &app,
            "172.30.1.10",
            "IP address 172.30.1.10 is already in use",
        ),
        (&app, "172.30.9.1", "is not in subnet"),
        (&app, "172.30.1.1", "is the default gateway"),
        (&app, "172.30.1.0", "network or broadcast"),
        (&app, "172.30.1.255", "network or broadcast"),
        (
            &id(TOKYO, "vlan"),
            "10.0.0.1",
            "Cannot assign IP address on an unmanaged network",
        ),
    ] {
        let reply = add_nic(&mut lab, &vm, nic(subnet, Some(wanted)));
        let failure = lab.failed(TOKYO, &reply);
        assert!(failure.contains(message), "{failure}");
    }
    assert_eq!(nics(&mut lab, &vm).len(), 1);
}

#[test]
fn automatic_addresses_come_from_the_pools_without_reserved_ones() {
    let mut lab = Lab::new();
    let app = id(TOKYO, "app");
    lab.state.pcs[TOKYO]
        .subnets
        .get_mut(&app)
        .unwrap()
        .reserved
        .insert(ip("172.30.1.201"), "wave".to_owned());
    let vm = lab.create(TOKYO, VMS, json!({"name": "many"}));
    for expected in ["172.30.1.200", "172.30.1.202", "172.30.1.203"] {
        let reply = add_nic(&mut lab, &vm, nic(&app, None));
        lab.done(TOKYO, &reply);
        assert_eq!(address(nics(&mut lab, &vm).last().unwrap()), expected);
    }
    let reply = add_nic(&mut lab, &vm, nic(&app, None));
    assert!(lab.failed(TOKYO, &reply).contains("No free IP address"));
    let reply = add_nic(&mut lab, &vm, nic(&app, Some("172.30.1.201")));
    lab.done(TOKYO, &reply);
    let moved = MigratedVm {
        name: "late".to_owned(),
        on: true,
        shape: (1, 1),
        nics: vec![app],
    };
    assert!(create_migrated_vm(&mut lab.state, TOKYO, moved).is_err());
    assert_eq!(lab.state.pcs[TOKYO].vms.len(), 1);
}

#[test]
fn a_mac_can_be_used_once_on_a_network() {
    let mut lab = Lab::new();
    let app = id(TOKYO, "app");
    let vm = lab.create(TOKYO, VMS, json!({"name": "m"}));
    let mut wanted = nic(&app, None);
    wanted["nicBackingInfo"]["macAddress"] = json!("06:1A:2B:3C:4D:5E");
    let reply = add_nic(&mut lab, &vm, wanted.clone());
    lab.done(TOKYO, &reply);
    assert_eq!(
        nics(&mut lab, &vm)[0]["backingInfo"]["macAddress"],
        "06:1a:2b:3c:4d:5e"
    );
    let reply = add_nic(&mut lab, &vm, wanted.clone());
    assert!(lab.failed(TOKYO, &reply).contains("already in use"));
    wanted["nicBackingInfo"]["macAddress"] = json!("nonsense");
    assert_eq!(add_nic(&mut lab, &vm, wanted).status, 400);
}

#[test]
fn the_old_nic_shape_is_accepted_and_the_new_one_wins() {
    let mut lab = Lab::new();
    let app = id(TOKYO, "app");
    let vm = lab.create(TOKYO, VMS, json!({"name": "m"}));
    let old = json!({
        "backingInfo": {"model": "VIRTIO", "isConnected": false},
        "networkInfo": {"subnet": {"extId": app}, "ipv4Config": {"ipAddress": {"value": "172.30.1.5"}}},
    });
    let reply = add_nic(&mut lab, &vm, old.clone());
    lab.done(TOKYO, &reply);
    let mut both = nic(&app, Some("172.30.1.6"));
    both["backingInfo"] = old["backingInfo"].clone();
    both["networkInfo"] = old["networkInfo"].clone();
    let reply = add_nic(&mut lab, &vm, both);
    lab.done(TOKYO, &reply);
    assert_eq!(
        lab.addresses(TOKYO, "m").unwrap(),
        ["172.30.1.5", "172.30.1.6"]
    );
    let nics = nics(&mut lab, &vm);
    assert_eq!(nics[0]["backingInfo"]["isConnected"], false);
    assert_eq!(nics[1]["backingInfo"]["isConnected"], true);
}

#[test]
fn an_address_is_assigned_released_changed_and_moved_to_another_subnet() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let nic_id = nics(&mut lab, &vm)[0]["extId"].as_str().unwrap().to_owned();
    let of = format!("{VMS}/{vm}/nics/{nic_id}");
    let act = |lab: &mut Lab, action: &str, body: Option<Value>| {
        let reply = lab.with_etag(TOKYO, "POST", &format!("{of}/$actions/{action}"), &of, body);
        lab.done(TOKYO, &reply);
        lab.addresses(TOKYO, "app01").unwrap()
    };
    assert!(act(&mut lab, "release-ip", None).is_empty());
    let wanted = json!({"ipAddress": {"value": "172.30.1.77"}});
    assert_eq!(act(&mut lab, "assign-ip", Some(wanted)), ["172.30.1.77"]);
    assert_eq!(act(&mut lab, "assign-ip", None), ["172.30.1.200"]);
    let migrate = json!({
        "subnet": {"extId": id(TOKYO, "other")},
        "migrateType": "ASSIGN_IP",
        "ipAddress": {"value": "172.31.1.9"},
    });
    assert_eq!(act(&mut lab, "migrate", Some(migrate)), ["172.31.1.9"]);

    let mut put = nic(&id(TOKYO, "other"), Some("172.31.1.10"));
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(put.clone()));
    lab.done(TOKYO, &reply);
    assert_eq!(lab.addresses(TOKYO, "app01").unwrap(), ["172.31.1.10"]);
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(put.clone()));
    assert!(
        lab.failed(TOKYO, &reply)
            .contains("invalid input arguments")
    );
    put["nicNetworkInfo"]["subnet"]["extId"] = json!(id(TOKYO, "app"));
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(put));
    assert!(lab.failed(TOKYO, &reply).contains("subnet"));
}

#[test]
fn power_actions_change_the_state_and_fail_in_the_same_state() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let of = format!("{VMS}/{vm}");
    lab.power(TOKYO, &vm, "power-cycle");
    lab.power(TOKYO, &vm, "shutdown");
    assert_eq!(lab.get(TOKYO, &of).data()["powerState"], "OFF");
    let off = format!("{of}/$actions/power-off");
    let reply = lab.with_etag(TOKYO, "POST", &off, &of, None);
    assert!(lab.failed(TOKYO, &reply).contains("powered off"));
    lab.power(TOKYO, &vm, "power-on");
    let guest = format!("{of}/$actions/guest-shutdown");
    let reply = lab.with_etag(TOKYO, "POST", &guest, &of, None);
    assert!(lab.failed(TOKYO, &reply).contains("Guest Tools"));
    let unknown = format!("{of}/$actions/dance");
    assert_eq!(
        lab.with_etag(TOKYO, "POST", &unknown, &of, None).status,
        404
    );
}

#[test]
fn power_changes_and_deletion_happen_when_their_task_completes() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let of = format!("{VMS}/{vm}");
    let off = format!("{of}/$actions/power-off");
    let reply = lab.with_etag(TOKYO, "POST", &off, &of, None);
    assert_eq!(lab.get(TOKYO, &of).data()["powerState"], "ON");
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(TOKYO, &of).data()["powerState"], "OFF");
    let reply = lab.with_etag(TOKYO, "DELETE", &of, &of, None);
    assert_eq!(lab.get(TOKYO, &of).status, 200);
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(TOKYO, &of).status, 404);
    assert!(lab.get(TOKYO, VMS).list().is_empty());
}

#[test]
fn a_deleted_vm_frees_its_address() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let of = format!("{VMS}/{vm}");
    let mut body = lab.get(TOKYO, &of).data().clone();
    body["name"] = json!("renamed");
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(body));
    lab.done(TOKYO, &reply);
    assert_eq!(lab.addresses(TOKYO, "renamed").unwrap(), ["172.30.1.10"]);
    let reply = lab.with_etag(TOKYO, "DELETE", &of, &of, None);
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(TOKYO, &of).status, 404);
    lab.vm(TOKYO, "app02", "172.30.1.10");
}

#[test]
fn a_vm_whose_nic_cannot_be_created_is_not_created() {
    let mut lab = Lab::new();
    let app = id(TOKYO, "app");
    let twice = json!({"name": "x", "nics": [nic(&app, Some("172.30.1.5")), nic(&app, Some("172.30.1.5"))]});
    let reply = lab.call(TOKYO, "POST", VMS, Some(twice));
    assert!(lab.failed(TOKYO, &reply).contains("already in use"));
    assert!(lab.state.pcs[TOKYO].vms.is_empty());
}

#[test]
fn categories_are_unique_can_be_detached_and_cannot_be_deleted_while_used() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let category = lab.category(TOKYO, "1");
    let twice = lab.call(
        TOKYO,
        "POST",
        CATEGORIES,
        Some(json!({"key": "Wave", "value": "1"})),
    );
    assert_eq!(twice.status, 409);
    let bad = lab.call(
        TOKYO,
        "POST",
        CATEGORIES,
        Some(json!({"key": "a/b", "value": "1"})),
    );
    assert_eq!(bad.status, 400);
    lab.categorise(TOKYO, &vm, &category);
    let of = format!("{VMS}/{vm}");
    assert_eq!(
        lab.get(TOKYO, &of).data()["categories"][0]["extId"],
        json!(category)
    );
    let path = format!("{CATEGORIES}/{category}");
    assert_eq!(lab.call(TOKYO, "DELETE", &path, None).status, 409);
    let off = format!("{of}/$actions/disassociate-categories");
    let body = json!({"categories": [{"extId": category}]});
    let reply = lab.with_etag(TOKYO, "POST", &off, &of, Some(body));
    lab.done(TOKYO, &reply);
    assert_eq!(lab.call(TOKYO, "DELETE", &path, None).status, 204);
    let reply = lab.with_etag(
        TOKYO,
        "POST",
        &format!("{of}/$actions/associate-categories"),
        &of,
        Some(json!({"categories": [{"extId": category}]})),
    );
    assert!(lab.failed(TOKYO, &reply).contains("was not found"));
}
