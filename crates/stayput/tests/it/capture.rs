//! `stayput capture --via ssm|both`: guests that run the script, guests that cannot, and what is lost on the way.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::lab::Answer;
use crate::lab::FAST;
use crate::lab::Lab;

/// Guests that are bound to their MAC address, and one without an agent.
const GUESTS: &str = r#"
extends = "tokyo-osaka"
summary = "guests that are bound to their MAC address"

[[machines]]
key = "bound"
name = "bound"
disk-gib = 30
guest = "netplan-mac"
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.221" }]

[[machines]]
key = "old"
name = "old"
disk-gib = 30
guest = "ifcfg-hwaddr"
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.222" }]

[[machines]]
key = "silent"
name = "silent"
disk-gib = 30
ssm = "none"
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.223" }]
"#;

fn lab_of(scenario: &str) -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.toml");
    std::fs::write(&file, scenario).unwrap();
    Lab::up(&["--speed", FAST, "--scenario", file.to_str().unwrap()])
}

fn capture(lab: &Lab, args: &[&str]) -> Answer {
    lab.run(&[&["capture", "--json", "--quiet", "--via"], args].concat())
}

/// Names of the machines with a finding of this rule.
fn found(lab: &Lab, report: &Value, rule: &str) -> BTreeSet<String> {
    let facts = lab.facts();
    let findings = report["findings"].as_array().unwrap().iter();
    let of_rule = findings.filter(|one| one["rule"] == rule);
    of_rule
        .map(|one| {
            let id = one["object"].as_str().unwrap();
            facts.machines[&id.into()].label(&id.into())
        })
        .collect()
}

#[test]
fn guests_of_the_plain_lab_agree_with_ec2() {
    let lab = Lab::fast();
    let report = capture(&lab, &["both"]).exits(0).json();
    let guests = &report["guests"];
    assert_eq!(guests["captured"].as_array().unwrap().len(), 11);
    let missing = guests["not_captured"].as_object().unwrap();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert!(missing.values().all(|why| why == "its instance is stopped"));
    assert_eq!(found(&lab, guests, "guest-differs"), BTreeSet::new());
    // What is on record is what check looks at.
    let checked = lab.run(&["check", "--json", "--quiet"]).json();
    for rule in ["guest-loses-address", "guest-loses-service"] {
        assert_eq!(found(&lab, &checked, rule), found(&lab, guests, rule));
    }
}

#[test]
fn a_guest_that_loses_its_address_is_named_with_the_commands_against_it() {
    let lab = lab_of(GUESTS);
    let report = capture(&lab, &["both", "app"]).exits(4).json();
    let guests = &report["guests"];
    let losing = found(&lab, guests, "guest-loses-address");
    assert!(
        losing.contains("bound") && losing.contains("old"),
        "{losing:?}"
    );
    assert!(!losing.contains("app-01"), "{losing:?}");
    let findings = guests["findings"].as_array().unwrap();
    let of_address = findings
        .iter()
        .filter(|one| one["rule"] == "guest-loses-address");
    for one in of_address {
        assert!(!one["commands"].as_array().unwrap().is_empty(), "{one:#}");
        assert_eq!(one["severity"], "error");
    }
    let missing = guests["not_captured"].as_object().unwrap();
    let why = missing
        .values()
        .find(|why| *why != "its instance is stopped");
    let why = why.unwrap().as_str().unwrap();
    assert!(why.contains("not registered with Systems Manager"), "{why}");
    // It is an error of check until it is accepted.
    let check = ["check", "--json", "--quiet", "app"];
    let checked = lab.run(&check).exits(4).json();
    assert_eq!(found(&lab, &checked, "guest-loses-address"), losing);
    let file = lab.estate_file();
    let accepted = "\n[accept.guests]\nrule = \"guest-loses-address\"\nreason = \"addresses are set by hand\"\nuntil = \"2999-12-31\"\n";
    let before = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, before + accepted).unwrap();
    lab.run(&check).exits(0);
}

#[test]
fn nothing_runs_in_a_guest_before_its_machine_is_recorded() {
    let lab = Lab::fast();
    capture(&lab, &["ssm"]);
    lab.run(&["capture", "--via", "ssm"]).exits(4).says(&[
        "no machine of these networks is recorded",
        "stayput capture",
    ]);
    lab.json(&["capture"]);
    capture(&lab, &["ssm", "db"]).exits(0);
    let recorded = lab.run(&["capture", "--via", "psychic"]);
    recorded.exits(2).says(&["api", "ssm", "both"]);
}

#[test]
fn guests_whose_command_may_be_lost_are_named_and_captured_the_next_time() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    lab.fault(&json!({ "service": "ssm", "call": "DescribeInstanceInformation", "page": 1, "forever": true }));
    lab.fault(&json!({ "service": "ssm", "call": "SendCommand", "nth": 1, "lose-answer": true, "close": true }));
    let report = capture(&lab, &["ssm", "app"]).exits(4).json();
    let missing = report["not_captured"].as_object().unwrap();
    let not_sent = |why: &&Value| {
        why.as_str()
            .unwrap()
            .contains("the command was not confirmed")
    };
    assert!(
        missing.values().filter(not_sent).count() > 1,
        "{missing:#?}"
    );
    capture(&lab, &["ssm", "app"]).exits(0);
}

#[test]
fn a_guest_whose_output_cannot_be_read_does_not_spoil_the_others() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    lab.fault(&json!({ "service": "ssm", "call": "GetCommandInvocation", "nth": 3, "times": 4, "refuse": 403 }));
    let report = capture(&lab, &["ssm", "db"]);
    let report = match report.code {
        0 => report.json(),
        _ => report.exits(4).json(),
    };
    let captured = report["captured"].as_array().unwrap().len();
    assert!(captured >= 2, "{report:#}");
    lab.fault(&json!({ "service": "ssm", "call": "GetCommandInvocation", "refuse": 403, "forever": true }));
    let report = capture(&lab, &["both", "db"]).exits(4).json();
    let missing = report["guests"]["not_captured"].as_object().unwrap();
    let is_unread = |why: &Value| why.as_str().unwrap().contains("could not be read");
    assert!(missing.values().all(is_unread), "{missing:#?}");
    assert_eq!(report["guests"]["captured"].as_array().unwrap().len(), 0);
    // What was captured before is still on record.
    let checked = lab.run(&["check", "--json", "--quiet", "db"]).json();
    assert!(!found(&lab, &checked, "guest-loses-service").is_empty());
}

#[test]
fn a_missing_document_is_refused_before_anything_runs() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    let file = lab.estate_file();
    let estate = std::fs::read_to_string(file).unwrap();
    let estate = estate.replacen(
        "\nvpc = ",
        "\ncapture-document = \"stayput-capture\"\nvpc = ",
        1,
    );
    std::fs::write(file, estate).unwrap();
    lab.run(&["capture", "--via", "ssm"])
        .exits(1)
        .says(&["InvalidDocument", "infra/modules/capture-document"]);
    let estate = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, estate.replacen("stayput-capture", "a b", 1)).unwrap();
    lab.run(&["capture", "--via", "ssm"])
        .exits(2)
        .says(&["`a b`", "name or ARN"]);
}
