//! The whole procedure: EC2 → NC2 Tokyo → NC2 Osaka → NC2 Tokyo, with the conditions of every stage.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;
use stayput_world::World;
use stayput_world::prism::PowerState;

use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;
use crate::world::assert_one_vm_each;
use crate::world::assert_two_models_agree;
use crate::world::assert_untouched;

/// What stays in EC2 and must be reached in every stage; the first is a load balancer's interface.
const STAYING: [&str; 5] = [
    "172.30.2.10",
    "172.30.2.20",
    "172.30.2.21",
    "172.30.2.22",
    "10.200.1.10",
];

/// Addresses that no machine has, one in each kind of range.
const UNUSED: [&str; 9] = [
    "172.30.1.99",
    "172.30.1.1",
    "172.30.3.200",
    "172.30.2.99",
    "172.30.99.9",
    "10.101.9.9",
    "10.102.9.9",
    "192.168.50.99",
    "203.0.113.77",
];

struct Story {
    lab: Lab,
    before: World,
    original: BTreeMap<String, Vec<String>>,
}

impl Story {
    fn begin() -> Self {
        let lab = Lab::fast();
        let before = lab.observe();
        // Before the capture, EC2 shows the machines.
        let original = addresses(&lab.status());
        Self {
            lab,
            before,
            original,
        }
    }

    /// The conditions of every stage.
    #[track_caller]
    fn assert_stage(&self, site: &str) {
        let status = self.lab.status();
        assert_kept(&status, site, &self.original);
        let world = self.lab.observe();
        assert_untouched(&self.before, &world);

        let mut all: BTreeSet<Ipv4Addr> = UNUSED.map(|text| text.parse().unwrap()).into();
        all.extend(STAYING.map(|text| text.parse::<Ipv4Addr>().unwrap()));
        all.extend(
            self.original
                .values()
                .flatten()
                .map(|text| text.parse::<Ipv4Addr>().unwrap()),
        );
        let verdicts = assert_two_models_agree(&self.lab, &world, &all);
        for staying in STAYING {
            let verdict = &verdicts[&staying.parse().unwrap()];
            assert!(verdict.is_delivered(), "{staying} at {site}: {verdict}");
        }
        for unused in UNUSED {
            let verdict = &verdicts[&unused.parse().unwrap()];
            assert!(!verdict.is_delivered(), "{unused} at {site}: {verdict}");
            assert!(!verdict.is_harmful(), "{unused} at {site}: {verdict}");
        }
        if site != "ec2" {
            assert_one_vm_each(&world, self.running_addresses());
        }
        self.assert_traces(site);
    }

    /// Addresses of machines that run.
    fn running_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let all = self.original.values().flatten();
        all.filter(|address| *address != "172.30.1.60")
            .map(|address| address.parse().unwrap())
    }

    /// The command agrees with the model.
    #[track_caller]
    fn assert_traces(&self, site: &str) {
        for (to, at) in [
            ("ad-win2019", site),
            ("172.30.3.110", site),
            ("172.30.2.10", "ec2"),
        ] {
            let trace = self.lab.json(&["trace", "on-prem", to]);
            let verdict = trace["verdict"].as_str().unwrap();
            assert!(
                verdict.starts_with(&format!("delivered at {at}")),
                "{to}: {verdict}"
            );
            assert_eq!(trace["works"], true, "{to}: {trace}");
        }
        let unused = self
            .lab
            .run(&["trace", "on-prem", "172.30.1.99", "--json"])
            .exits(1);
        assert_eq!(unused.json()["ok"], false);
    }

    /// Applies a goal, then again: the second time there is nothing to do.
    #[track_caller]
    fn apply(&self, goal: &[&str]) -> Value {
        let first = self.lab.apply(goal);
        assert_eq!(first["ok"], true);
        assert_eq!(first["changed"], true);
        let done = self.lab.steps_done();
        let again = self.lab.run(&apply(goal)).exits(0);
        assert!(again.out.contains("Nothing to do"), "{}", again.out);
        assert_eq!(self.lab.steps_done(), done, "a step was done twice");
        let plan = self
            .lab
            .json(&[&["plan"], &apply(goal)[1..apply(goal).len() - 1]].concat());
        assert_eq!(plan["plan"]["steps"], serde_json::json!([]));
        first
    }
}

#[test]
fn every_address_is_kept_from_ec2_to_tokyo_to_osaka_and_back() {
    let story = Story::begin();
    let lab = &story.lab;
    story.assert_stage("ec2");

    let captured = lab.json(&["capture"]);
    assert_eq!(captured["changed"], true);
    let facts = lab.steps_done();
    assert_eq!(lab.json(&["capture"])["changed"], false);
    assert_eq!(lab.steps_done(), facts);
    story.assert_stage("ec2");

    let moved = story.apply(&["move"]);
    assert_arrivals_were_wrong(&moved, &story.original);
    story.assert_stage("tokyo");
    let world = lab.observe();
    assert_names(&world, "tokyo");

    story.apply(&["protect"]);
    story.assert_stage("tokyo");

    // A test failover runs each time it is requested, and leaves nothing.
    let before = lab.observe();
    let tested = lab.apply(&["failover", "--to", "osaka", "--mode", "test"]);
    assert_eq!(tested["ok"], true);
    story.assert_stage("tokyo");
    let after = lab.observe();
    for (site, prism) in &before.prism {
        assert_eq!(prism.vms, after.prism[site].vms, "VMs of {site}");
        assert_eq!(prism.vpcs, after.prism[site].vpcs, "VPCs of {site}");
    }
    assert_eq!(before.aws, after.aws);

    story.apply(&["failover", "--to", "osaka"]);
    story.assert_stage("osaka");
    assert_names(&lab.observe(), "osaka");

    story.apply(&["failback"]);
    story.assert_stage("tokyo");
    assert_names(&lab.observe(), "tokyo");

    let runs = lab.json(&["journal"]);
    for run in runs["runs"].as_array().unwrap() {
        assert_eq!(run["state"]["state"], "reached", "{run}");
        assert!(run["who"].as_str().unwrap().contains('@'));
    }
}

/// Machines arrive with addresses from the pool, none of them captured: the restore corrects this.
#[track_caller]
fn assert_arrivals_were_wrong(moved: &Value, original: &BTreeMap<String, Vec<String>>) {
    let arrivals = moved["arrivals"].as_object().unwrap();
    assert_eq!(arrivals.len(), 12);
    let taken: BTreeSet<_> = original.values().flatten().map(String::as_str).collect();
    for (machine, nics) in arrivals {
        for nic in nics.as_array().unwrap() {
            if let Some(address) = nic["address"].as_str() {
                assert!(!taken.contains(address), "{machine} arrived with {address}");
            }
        }
    }
}

/// The machines at a site by name: both of one name, the one without, and the one that is off.
#[track_caller]
fn assert_names(world: &World, site: &str) {
    let prism = &world.prism[&stayput_estate::SiteName::new(site)];
    let ours = |name: &str| {
        let with_name = prism.vms.values().filter(|vm| vm.name == name);
        with_name.map(|vm| vm.power.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ours("batch"), [PowerState::On, PowerState::On]);
    assert_eq!(ours("report"), [PowerState::Off]);
    assert_eq!(ours("ad-win2019"), [PowerState::On]);
}
