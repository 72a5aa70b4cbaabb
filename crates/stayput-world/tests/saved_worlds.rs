//! Worlds saved by earlier builds still load.

use stayput_world::MoveAppliance;
use stayput_world::ObjectKind;
use stayput_world::Prism;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;

/// A Prism Central as version 1 saved it, before unreadable objects, DNS servers and job names were kept.
const PRISM: &str = r#"{
  "domain_manager": "pc1", "registrations": {"pc2": "Connected"},
  "vpcs": {}, "subnets": {"s": {"name": "app", "vpc": "w", "cidr": "10.0.1.0/24", "gateway": "10.0.1.1",
    "pools": [], "external": false, "nat": false, "reserved": []}},
  "vms": {"v": {"name": "web", "cluster": null, "power": "On", "categories": [], "nics": [
    {"id": "n", "mac": null, "subnet": "s", "address": "10.0.1.10", "secondary": [], "connected": true}]}},
  "categories": {},
  "policies": {"p": {"name": "pp", "categories": [], "locations": ["pc1", "pc2"],
    "replications": [{"source": "pc1", "target": "pc2", "rpo_seconds": 3600, "retention": 2}]}},
  "recovery_plans": {"r": {"name": "rp", "primary": "pc1", "recovery": "pc2", "categories": [],
    "mappings": [{"primary": "s", "recovery": null, "primary_test": null, "recovery_test": null, "keeps_addresses": true}]}},
  "jobs": {"j": {"plan": "r", "action": "Validate", "status": "Succeeded", "source": null, "target": null,
    "started": null, "recovered": {}}},
  "recovery_points": {}
}"#;

#[test]
fn a_prism_central_saved_by_version_1_loads_with_new_properties_unknown() {
    let prism: Prism = serde_json::from_str(PRISM).unwrap();
    assert_eq!(prism.subnets[&"s".into()].dns, None);
    assert!(prism.vms[&"v".into()].nics[0].learned.is_empty());
    let replication = &prism.policies[&"p".into()].replications[0];
    assert_eq!(
        (replication.rpo_seconds, replication.retention),
        (Some(3600), Some(2))
    );
    assert_eq!(replication.local_retention, None);
    let mapping = &prism.recovery_plans[&"r".into()].mappings[0];
    assert_eq!(mapping.keeps_addresses, Some(true));
    assert_eq!(prism.jobs[&"j".into()].name, None);
    assert!(prism.unreadable.is_empty() && prism.confirmed_absent.is_empty());
    let again: Prism = serde_json::from_str(&serde_json::to_string(&prism).unwrap()).unwrap();
    assert_eq!(again, prism);
}

#[test]
fn a_move_appliance_saved_by_version_1_loads() {
    let text = r#"{"providers": {}, "workloads": {}, "plans": {}}"#;
    let mv: MoveAppliance = serde_json::from_str(text).unwrap();
    assert_eq!(mv, MoveAppliance::default());
}

#[test]
fn an_object_left_out_without_a_readable_name_may_have_any_name() {
    let mut prism: Prism = serde_json::from_str(PRISM).unwrap();
    let note = |name: Option<&str>, extent| Unreadable {
        kind: ObjectKind::Subnet,
        ext_id: Some("x".to_owned()),
        name: name.map(str::to_owned),
        path: ".".to_owned(),
        reason: "odd".to_owned(),
        extent,
    };
    prism.unreadable = vec![
        note(None, UnreadableExtent::Whole),
        note(Some("db"), UnreadableExtent::Whole),
        note(Some("app"), UnreadableExtent::Property),
    ];
    let found = |kind, name| prism.unreadable_named(kind, name).count();
    assert_eq!(found(ObjectKind::Subnet, "app"), 1);
    assert_eq!(found(ObjectKind::Subnet, "db"), 2);
    assert_eq!(found(ObjectKind::Vm, "db"), 0);
    assert_eq!(prism.unreadable_object(ObjectKind::Subnet, "x").count(), 3);
    assert_eq!(
        prism.unreadable[1].to_string(),
        "subnet `db` (x) cannot be read at `.`: odd"
    );
}
