//! What exists is compared before anything stops, and what a person added is never removed.

use std::collections::BTreeSet;

use serde_json::Value;
use stayput_estate::MacAddr;
use stayput_lab::prism::model::FlowSubnet;
use stayput_lab::prism::model::Nic;
use stayput_lab::prism::model::PcState;
use stayput_lab::prism::model::Vm;

use crate::lab::Lab;
use crate::world::addresses;

/// Changes the Prism Central of a site, as a person could.
fn bend(lab: &Lab, site: &str, change: impl FnOnce(&mut PcState)) {
    let state = lab.running().state();
    let mut state = state.lock().unwrap();
    let mut pcs = state.pcs.iter_mut();
    change(pcs.find(|pc| pc.name == site).unwrap());
}

/// The id of a network's overlay subnet.
fn subnet_id(pc: &PcState, name: &str) -> String {
    let mut vpcs = pc.vpcs.iter();
    let (production, _) = vpcs.find(|(_, vpc)| vpc.name == "prod").unwrap();
    let mut subnets = pc.subnets.iter();
    let found =
        subnets.find(|(_, subnet)| subnet.name == name && subnet.vpc.as_ref() == Some(production));
    found.unwrap().0.clone()
}

fn subnet<'p>(pc: &'p mut PcState, name: &str) -> &'p mut FlowSubnet {
    let id = subnet_id(pc, name);
    pc.subnets.get_mut(&id).unwrap()
}

fn vm<'p>(pc: &'p mut PcState, name: &str) -> &'p mut Vm {
    pc.vms.values_mut().find(|vm| vm.name == name).unwrap()
}

/// Asserts that a failover is refused with these texts, and that nothing is changed.
#[track_caller]
fn refused(lab: &Lab, says: &[&str]) {
    // Not whole worlds: recovery points are made all the time.
    let vms = || {
        lab.observe()
            .prism
            .into_values()
            .map(|prism| prism.vms)
            .collect::<Vec<_>>()
    };
    let before = vms();
    let apply = ["apply", "failover", "app", "db", "--to", "osaka", "--yes"];
    lab.run(&apply).exits(4).says(says).says(&["→ "]);
    assert!(vms() == before, "a VM was changed");
}

#[test]
fn a_failover_compares_every_object_before_a_machine_stops() {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let original = addresses(&lab.status());
    let plan = || -> Value { lab.json(&["plan", "failover", "app", "db", "--to", "osaka"]) };
    let before = plan();

    // A further NIC, added by a person.
    bend(&lab, "tokyo", |pc| {
        let id = subnet_id(pc, "app");
        vm(pc, "web-01").nics.push(Nic {
            id: "6f1f4d0c-2b7e-4c55-9a41-0c5f7d1e2a33".to_owned(),
            mac: MacAddr::new([0x50, 0x6b, 0x8d, 0, 0, 1]),
            subnet: id,
            address: Some("172.30.1.9".parse().unwrap()),
            secondary: Vec::new(),
            connected: true,
            version: 1,
        });
    });
    refused(&lab, &["web-01", "172.30.1.9", "not captured"]);
    lab.run(&["plan", "move", "app", "db"])
        .exits(4)
        .says(&["172.30.1.9", "not captured"]);
    bend(&lab, "tokyo", |pc| {
        vm(pc, "web-01").nics.pop();
    });

    // A VM that carries no category is not protected.
    let mut categories = BTreeSet::new();
    bend(&lab, "tokyo", |pc| {
        categories = std::mem::take(&mut vm(pc, "web-02").categories)
    });
    refused(&lab, &["web-02", "is not protected"]);
    bend(&lab, "tokyo", |pc| vm(pc, "web-02").categories = categories);

    // An overlay subnet with another gateway, and one without a DHCP pool.
    let mut gateway = None;
    bend(&lab, "osaka", |pc| {
        gateway = subnet(pc, "app")
            .gateway
            .replace("172.30.1.254".parse().unwrap());
    });
    refused(
        &lab,
        &["overlay subnet app at osaka is not as planned: gateway is 172.30.1.254"],
    );
    bend(&lab, "osaka", |pc| subnet(pc, "app").gateway = gateway);

    // A policy without its category, and a category on a VM of another team.
    let mut policies = Vec::new();
    bend(&lab, "tokyo", |pc| {
        for policy in pc.policies.values_mut() {
            policies.push((policy.body.clone(), policy.categories.clone()));
            policy.categories.clear();
            policy.body["categoryIds"] = serde_json::json!([]);
        }
    });
    refused(
        &lab,
        &["protection policy", "is not as planned: category is none"],
    );
    bend(&lab, "tokyo", |pc| {
        for (policy, (body, categories)) in pc.policies.values_mut().zip(policies) {
            (policy.body, policy.categories) = (body, categories);
        }
    });

    assert_eq!(plan()["plan"]["steps"], before["plan"]["steps"]);
    assert_eq!(addresses(&lab.status()), original);
}
