//! Tests of validation, failover, test failover and failback.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::fixture::*;
use super::protection::policy;
use crate::faults::Fate;
use crate::prism::model::JobStatus;

/// Two protected VMs in two stages, and a plan that maps `app` to `app`.
struct Protected {
    lab: Lab,
    plan: String,
    mapping: String,
    db: String,
}

impl Protected {
    fn new() -> Self {
        let mut lab = Lab::new();
        let (first, second) = (lab.category(TOKYO, "1"), lab.category(TOKYO, "2"));
        let mut body = policy(&first, 3600, 2);
        body["categoryIds"] = json!([first, second]);
        lab.create(TOKYO, POLICIES, body);
        let db = lab.vm(TOKYO, "db", "172.30.1.20");
        let app = lab.vm(TOKYO, "app", "172.30.1.10");
        let secondary = lab.state.pcs[TOKYO].vms.get_mut(&app).unwrap();
        secondary.nics[0].secondary = vec![ip("172.30.1.110")];
        lab.categorise(TOKYO, &db, &first);
        lab.categorise(TOKYO, &app, &second);
        let plan = lab.create(
            TOKYO,
            PLANS,
            json!({"name": "rp", "primaryLocation": {"domainManagerExtId": manager(TOKYO)},
                   "recoveryLocation": {"domainManagerExtId": manager(OSAKA)}}),
        );
        let network = |pc: usize, name: &str| json!({"subnetExtId": id(pc, name)});
        let mapping = json!({
            "primaryNetwork": network(TOKYO, "app"), "recoveryNetwork": network(OSAKA, "app"),
            "primaryTestNetwork": {"subnetName": "app-test", "vpc": {"extId": id(TOKYO, "lab")}},
            "recoveryTestNetwork": {"subnetName": "app-test", "vpc": {"extId": id(OSAKA, "lab")}},
            "isIpMappingEnabled": true,
        });
        let path = format!("{PLANS}/{plan}/network-mappings");
        let reply = lab.call(TOKYO, "POST", &path, Some(mapping));
        let task = lab.done(TOKYO, &reply);
        let mapping = task["entitiesAffected"][1]["extId"]
            .as_str()
            .unwrap()
            .to_owned();
        for (category, priority) in [(&first, 1), (&second, 2)] {
            let stage =
                json!({"entityType": "VM", "categoryExtIds": [category], "priority": priority});
            let reply = lab.call(
                TOKYO,
                "POST",
                &format!("{PLANS}/{plan}/stages"),
                Some(stage),
            );
            lab.done(TOKYO, &reply);
        }
        lab.pass(600);
        Self {
            lab,
            plan,
            mapping,
            db,
        }
    }

    fn act(&mut self, action: &str, from: usize, to: usize, extra: Value) -> Reply {
        let mut body = json!({"name": "run", "failoverDirections": [
            {"sourceDomainManagerExtId": manager(from), "targetDomainManagerExtId": manager(to)}]});
        for (key, value) in extra.as_object().unwrap() {
            body[key] = value.clone();
        }
        let path = format!(
            "/api/dataprotection/v4.2/operations/recovery-plans/{}/$actions/{action}",
            self.plan
        );
        self.lab.call(to, "POST", &path, Some(body))
    }

    /// Runs an action until its job ends and returns the job.
    fn run(&mut self, action: &str, from: usize, to: usize, extra: Value) -> Value {
        let reply = self.act(action, from, to, extra);
        let task = self.lab.wait(to, &reply);
        let job = task["entitiesAffected"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entity| entity["rel"] == "dataprotection:config:recovery-plan-job")
            .unwrap()["extId"]
            .as_str()
            .unwrap()
            .to_owned();
        self.lab.get(to, &format!("{JOBS}/{job}")).data().clone()
    }

    fn findings(&mut self, pc: usize, job: &Value) -> Vec<(String, String, String)> {
        let path = format!(
            "{JOBS}/{}/validation-errors",
            job["extId"].as_str().unwrap()
        );
        self.lab
            .get(pc, &path)
            .list()
            .iter()
            .map(|finding| {
                let text = |name: &str| finding[name].as_str().unwrap().to_owned();
                (text("errorGroup"), text("severity"), text("message"))
            })
            .collect()
    }

    fn recovered(&mut self, pc: usize, job: &Value) -> BTreeMap<String, String> {
        let path = format!("{JOBS}/{}/execution-steps", job["extId"].as_str().unwrap());
        self.lab
            .get(pc, &path)
            .list()
            .iter()
            .filter_map(|step| step["executionStepResults"].as_array().cloned())
            .flatten()
            .map(|result| {
                let text = |name: &str| result["result"][name].as_str().unwrap().to_owned();
                (text("sourceEntityExtId"), text("recoveredEntityExtId"))
            })
            .collect()
    }

    fn macs(&self, pc: usize) -> Vec<String> {
        let mut macs: Vec<String> = self.lab.state.pcs[pc]
            .vms
            .values()
            .flat_map(|vm| &vm.nics)
            .map(|nic| nic.mac.to_string())
            .collect();
        macs.sort();
        macs
    }

    fn map_to(&mut self, change: impl Fn(&mut Value)) {
        let of = format!("{PLANS}/{}/network-mappings/{}", self.plan, self.mapping);
        let mut body = self.lab.get(TOKYO, &of).data().clone();
        change(&mut body);
        let reply = self.lab.with_etag(TOKYO, "PUT", &of, &of, Some(body));
        self.lab.done(TOKYO, &reply);
    }
}

const LOST: &str = "IP address cannot be preserved for one or more VMs";

#[test]
fn a_valid_plan_has_no_validation_findings() {
    let mut p = Protected::new();
    let job = p.run("validate", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "SUCCEEDED");
    assert_eq!(job["actionType"], "VALIDATE");
    assert_eq!(p.findings(OSAKA, &job), []);
}

#[test]
fn a_planned_failover_keeps_macs_and_addresses_and_reverses_protection() {
    let mut p = Protected::new();
    let macs = p.macs(TOKYO);
    let job = p.run("planned-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    assert_eq!(job["percentageComplete"], 100);
    let phases: Vec<&Value> = job["executionPhases"].as_array().unwrap().iter().collect();
    assert_eq!(phases.len(), 3);
    assert!(phases.iter().all(|phase| phase["status"] == "SUCCEEDED"));
    assert_eq!(phases[1]["stages"].as_array().unwrap().len(), 2);

    assert!(
        p.lab.state.pcs[TOKYO].vms.is_empty(),
        "the entities have moved"
    );
    assert_eq!(
        p.lab.addresses(OSAKA, "app").unwrap(),
        ["172.30.1.10", "172.30.1.110"]
    );
    assert_eq!(p.lab.addresses(OSAKA, "db").unwrap(), ["172.30.1.20"]);
    assert_eq!(p.macs(OSAKA), macs);
    assert!(p.lab.state.pcs[OSAKA].vms.values().all(|vm| vm.on));
    let recovered = p.recovered(OSAKA, &job);
    assert_eq!(recovered.len(), 2);
    assert!(p.lab.state.pcs[OSAKA].vms.contains_key(&recovered[&p.db]));

    p.lab.pass(600);
    let back = p.lab.get(TOKYO, POINTS);
    let from_osaka = back
        .list()
        .iter()
        .filter(|point| point["sourceLocation"]["domainManagerExtId"] == json!(manager(OSAKA)))
        .count();
    assert_eq!(from_osaka, 2, "replication goes in the other direction");
}

#[test]
fn the_same_plan_fails_back() {
    let mut p = Protected::new();
    let macs = p.macs(TOKYO);
    p.run("planned-failover", TOKYO, OSAKA, json!({}));
    let job = p.run("planned-failover", OSAKA, TOKYO, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    assert!(p.lab.state.pcs[OSAKA].vms.is_empty());
    assert_eq!(
        p.lab.addresses(TOKYO, "app").unwrap(),
        ["172.30.1.10", "172.30.1.110"]
    );
    assert_eq!(p.macs(TOKYO), macs);
    // An unplanned failover afterwards uses the current VMs, not recovery points from before the first failover.
    p.lab.pass(600);
    let job = p.run("unplanned-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    assert_eq!(p.lab.state.pcs[OSAKA].vms.len(), 2);
}

#[test]
fn stages_start_one_after_the_other() {
    let mut p = Protected::new();
    p.act("planned-failover", TOKYO, OSAKA, json!({}));
    p.lab.pass(30);
    assert!(p.lab.state.pcs[TOKYO].vms.values().all(|vm| !vm.on));
    assert!(p.lab.state.pcs[OSAKA].vms.is_empty());
    p.lab.pass(180);
    assert!(p.lab.addresses(OSAKA, "db").is_some());
    assert!(p.lab.addresses(OSAKA, "app").is_none());
    let jobs = p
        .lab
        .get(OSAKA, &format!("{JOBS}?$filter=status eq 'RUNNING'"));
    assert_eq!(jobs.list()[0]["percentageComplete"], 50);
    p.lab.pass(180);
    assert!(p.lab.addresses(OSAKA, "app").is_some());
}

#[test]
fn an_unplanned_failover_uses_recovery_points_new_macs_and_keeps_the_sources() {
    let mut p = Protected::new();
    let macs = p.macs(TOKYO);
    p.lab.state.pcs[TOKYO].down = true;
    let job = p.run("validate", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "FAILED");
    assert_eq!(p.findings(OSAKA, &job)[0].0, "CONNECTIVITY");
    let job = p.run(
        "planned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(job["status"], "FAILED");

    let job = p.run("unplanned-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    assert_eq!(
        p.lab.addresses(OSAKA, "app").unwrap(),
        ["172.30.1.10", "172.30.1.110"]
    );
    assert!(p.macs(OSAKA).iter().all(|mac| !macs.contains(mac)));
    assert_eq!(p.lab.state.pcs[TOKYO].vms.len(), 2, "the sources remain");
    assert!(p.lab.state.pcs[TOKYO].vms.values().all(|vm| vm.on));

    let again = p.run(
        "unplanned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(again["status"], "FAILED");
    assert_eq!(
        p.lab.state.pcs[OSAKA].vms.len(),
        2,
        "no VM is recovered twice"
    );
}

#[test]
fn a_failover_that_a_fault_fails_has_powered_its_sources_off() {
    let mut p = Protected::new();
    p.lab.state.fate = Some(Fate::Fails);
    let started = p.act("planned-failover", TOKYO, OSAKA, json!({}));
    p.lab.state.fate = None;
    p.lab.failed(OSAKA, &started);
    assert!(p.lab.state.pcs[TOKYO].vms.values().all(|vm| !vm.on));
    assert!(p.lab.state.pcs[OSAKA].vms.is_empty());
    let failed = p.lab.state.pcs[OSAKA].jobs.values();
    assert!(
        failed
            .into_iter()
            .all(|job| job.status == JobStatus::Failed)
    );
}

#[test]
fn a_failover_that_vanishes_has_recovered_its_machines() {
    let mut p = Protected::new();
    p.lab.state.fate = Some(Fate::Vanishes);
    let started = p.act("planned-failover", TOKYO, OSAKA, json!({}));
    p.lab.state.fate = None;
    p.lab.pass(3600);
    let task = started.data()["extId"].as_str().unwrap();
    assert_eq!(p.lab.get(OSAKA, &format!("{TASKS}/{task}")).status, 404);
    assert!(p.lab.get(OSAKA, JOBS).list().is_empty());
    assert!(p.lab.addresses(OSAKA, "app").is_some());
}

#[test]
fn a_failback_after_an_unplanned_failover_needs_the_originals_powered_off() {
    let mut p = Protected::new();
    p.lab.state.pcs[TOKYO].down = true;
    p.run("unplanned-failover", TOKYO, OSAKA, json!({}));
    p.lab.state.pcs[TOKYO].down = false;
    p.lab.pass(600);
    let job = p.run("validate", OSAKA, TOKYO, json!({}));
    assert_eq!(job["status"], "SUCCEEDED_WITH_VALIDATION_WARNING");
    assert_eq!(p.findings(TOKYO, &job)[0].2, LOST);
    let old: Vec<String> = p.lab.state.pcs[TOKYO].vms.keys().cloned().collect();
    for vm in &old {
        p.lab.power(TOKYO, vm, "power-off");
    }
    let job = p.run("planned-failover", OSAKA, TOKYO, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    assert_eq!(p.lab.state.pcs[TOKYO].vms.len(), 2);
    assert!(
        old.iter()
            .all(|vm| !p.lab.state.pcs[TOKYO].vms.contains_key(vm))
    );
    assert_eq!(
        p.lab.addresses(TOKYO, "app").unwrap(),
        ["172.30.1.10", "172.30.1.110"]
    );
}

#[test]
fn an_unplanned_failover_without_recovery_points_is_refused() {
    let mut p = Protected::new();
    let here = &mut p.lab.state.pcs[OSAKA];
    here.recovery_points.clear();
    here.points_of.clear();
    let job = p.run(
        "unplanned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(job["status"], "FAILED");
    assert!(
        p.findings(OSAKA, &job)
            .iter()
            .any(|(group, severity, _)| group == "RECOVERY_POINT" && severity == "ERROR")
    );
    let job = p.run("planned-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(
        job["status"], "SUCCEEDED",
        "a planned failover takes its own point"
    );
}

#[test]
fn an_address_that_cannot_be_kept_is_only_a_warning() {
    let mut p = Protected::new();
    p.lab.vm(OSAKA, "squatter", "172.30.1.20");
    let job = p.run("planned-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "FAILED");
    assert_eq!(
        p.findings(OSAKA, &job),
        [("NETWORK".to_owned(), "WARNING".to_owned(), LOST.to_owned())]
    );
    assert_eq!(p.lab.state.pcs[TOKYO].vms.len(), 2, "nothing has changed");
    assert!(p.lab.state.pcs[TOKYO].vms.values().all(|vm| vm.on));

    let job = p.run(
        "planned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(job["status"], "SUCCEEDED_WITH_VALIDATION_WARNING");
    assert_eq!(p.lab.addresses(OSAKA, "db").unwrap(), ["172.30.1.200"]);
}

#[test]
fn another_cidr_keeps_the_host_part_and_without_ip_mapping_nothing_is_kept() {
    let mut p = Protected::new();
    p.map_to(|mapping| mapping["recoveryNetwork"]["subnetExtId"] = json!(id(OSAKA, "other")));
    let job = p.run("validate", TOKYO, OSAKA, json!({}));
    assert_eq!(p.findings(OSAKA, &job)[0].2, LOST);
    p.map_to(|mapping| {
        mapping["recoveryNetwork"]["subnetExtId"] = json!(id(OSAKA, "app"));
        mapping["isIpMappingEnabled"] = json!(false);
    });
    let job = p.run("validate", TOKYO, OSAKA, json!({}));
    assert_eq!(p.findings(OSAKA, &job)[0].2, LOST);
    p.map_to(|mapping| {
        mapping["recoveryNetwork"]["subnetExtId"] = json!(id(OSAKA, "other"));
        mapping["isIpMappingEnabled"] = json!(true);
    });
    p.run(
        "planned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(
        p.lab.addresses(OSAKA, "app").unwrap(),
        ["172.31.0.10", "172.31.0.110"]
    );
}

#[test]
fn a_recovery_setting_sets_an_address_and_a_power_state() {
    let mut p = Protected::new();
    let address = |text: &str| json!({"ipv4": {"value": text, "prefixLength": 32}});
    let setting = json!({"recoverySetting": {
        "vm": {"extId": p.db}, "powerState": "OFF",
        "ipMappings": [{"networkMappingExtId": p.mapping, "primaryIp": address("172.30.1.20"),
            "recoveryIp": address("172.30.1.99")}],
    }});
    let path = format!("{PLANS}/{}/recovery-settings", p.plan);
    let reply = p.lab.call(TOKYO, "POST", &path, Some(setting));
    p.lab.done(TOKYO, &reply);
    p.run(
        "planned-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(p.lab.addresses(OSAKA, "db").unwrap(), ["172.30.1.99"]);
    let on: Vec<(&str, bool)> = p.lab.state.pcs[OSAKA]
        .vms
        .values()
        .map(|vm| (vm.name.as_str(), vm.on))
        .collect();
    assert!(on.contains(&("db", false)) && on.contains(&("app", true)));
}

#[test]
fn a_test_failover_creates_copies_in_the_test_network_and_cleans_up() {
    let mut p = Protected::new();
    let job = p.run("test-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "SUCCEEDED", "{job}");
    let copies = &p.lab.state.pcs[OSAKA].vms;
    assert_eq!(copies.len(), 2);
    assert!(copies.values().all(|vm| {
        vm.test_of.as_ref() == Some(&p.plan)
            && vm
                .nics
                .iter()
                .all(|nic| nic.subnet == id(OSAKA, "app-test"))
    }));
    assert!(
        p.lab.state.pcs[TOKYO].vms.values().all(|vm| vm.on),
        "the sources are still running"
    );

    let again = p.run("test-failover", TOKYO, OSAKA, json!({}));
    assert_eq!(
        again["status"], "FAILED",
        "the test copies must be deleted first"
    );
    let path = format!(
        "/api/dataprotection/v4.2/operations/recovery-plans/{}/$actions/clean-up-resources",
        p.plan
    );
    let reply = p.lab.call(OSAKA, "POST", &path, None);
    p.lab.done(OSAKA, &reply);
    assert!(p.lab.state.pcs[OSAKA].vms.is_empty());
}

#[test]
fn a_test_failover_without_a_test_network_is_refused() {
    let mut p = Protected::new();
    p.map_to(|mapping| {
        mapping
            .as_object_mut()
            .unwrap()
            .remove("recoveryTestNetwork");
    });
    let job = p.run(
        "test-failover",
        TOKYO,
        OSAKA,
        json!({"shouldIgnoreWarnings": true}),
    );
    assert_eq!(job["status"], "FAILED");
    assert_eq!(p.findings(OSAKA, &job)[0].0, "NETWORK");
}

#[test]
fn validation_finds_unmapped_networks_unprotected_vms_and_empty_stages() {
    let mut p = Protected::new();
    let path = format!("{PLANS}/{}/network-mappings/{}", p.plan, p.mapping);
    let reply = p.lab.call(TOKYO, "DELETE", &path, None);
    p.lab.done(TOKYO, &reply);
    let empty = p.lab.category(TOKYO, "empty");
    let stage = json!({"categoryExtIds": [empty], "priority": 3});
    let stages = format!("{PLANS}/{}/stages", p.plan);
    let reply = p.lab.call(TOKYO, "POST", &stages, Some(stage));
    p.lab.done(TOKYO, &reply);
    let bare = p.lab.vm(TOKYO, "bare", "172.30.1.77");
    let stage = json!({"entities": [{"extId": bare}], "priority": 4});
    let reply = p.lab.call(TOKYO, "POST", &stages, Some(stage));
    p.lab.done(TOKYO, &reply);
    let job = p.run("validate", TOKYO, OSAKA, json!({}));
    assert_eq!(job["status"], "FAILED");
    let messages: Vec<String> = p
        .findings(OSAKA, &job)
        .into_iter()
        .map(|(_, severity, message)| format!("{severity} {message}"))
        .collect();
    for expected in [
        "WARNING No entity found for recovery for a stage 3.",
        "ERROR Entities are not protected by any protection policy.",
        "ERROR Network mapping is missing for networks of one or more VMs",
    ] {
        assert!(
            messages.iter().any(|message| message == expected),
            "{messages:?}"
        );
    }
}

#[test]
fn a_plan_has_one_job_at_a_time_started_at_its_target_location() {
    let mut p = Protected::new();
    assert_eq!(
        p.act("planned-failover", TOKYO, OSAKA, json!({})).status,
        202
    );
    assert_eq!(p.act("validate", TOKYO, OSAKA, json!({})).status, 409);
    let path = format!(
        "/api/dataprotection/v4.2/operations/recovery-plans/{}/$actions/validate",
        p.plan
    );
    for (source, target, at) in [(TOKYO, 7, OSAKA), (TOKYO, OSAKA, TOKYO)] {
        let body = json!({"name": "x", "failoverDirections": [
            {"sourceDomainManagerExtId": manager(source), "targetDomainManagerExtId": manager(target)}]});
        assert_eq!(p.lab.call(at, "POST", &path, Some(body)).status, 400);
    }
    let unknown = path.replace("validate", "explode");
    assert_eq!(
        p.lab.call(OSAKA, "POST", &unknown, Some(json!({}))).status,
        404
    );
}

#[test]
fn an_unplanned_failover_can_start_from_an_earlier_point() {
    let mut p = Protected::new();
    p.lab.pass(3600);
    let db = p.db.clone();
    let nics = &mut p.lab.state.pcs[TOKYO].vms.get_mut(&db).unwrap().nics;
    nics[0].address = Some(ip("172.30.1.21"));
    let before = p.lab.state.now().rfc3339();
    p.lab.pass(3600);
    p.lab.state.pcs[TOKYO].down = true;
    p.run(
        "unplanned-failover",
        TOKYO,
        OSAKA,
        json!({"recoveryReferenceTime": before}),
    );
    assert_eq!(p.lab.addresses(OSAKA, "db").unwrap(), ["172.30.1.20"]);
}
