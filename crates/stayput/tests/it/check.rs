//! `stayput check`: systems, rights and machines, against a lab with surprises.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lab::Answer;
use crate::lab::FAST;
use crate::lab::Lab;

/// A member of an Auto Scaling group with a role, an appliance that forwards, a machine on Graviton.
const SURPRISES: &str = r#"
extends = "tokyo-osaka"
summary = "machines that a move would lose something of"

[[machines]]
key = "member"
name = "member"
disk-gib = 30
instance-profile = "app"
tags = { Wave = "1", "aws:autoscaling:groupName" = "front" }
nics = [{ subnet = "legacy/app", address = "172.30.1.221" }]

[[machines]]
key = "router"
name = "router"
platform = "windows"
spot = true
boot-mode = "uefi"
product-codes = ["abc123"]
disk-gib = 30
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.222", source-dest-check = false }]

[[machines]]
key = "graviton"
instance-type = "m6gd.large"
root-device-type = "instance-store"
disk-gib = 30
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.223" }]
"#;

fn lab_of(scenario: &str) -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.toml");
    std::fs::write(&file, scenario).unwrap();
    Lab::up(&["--speed", FAST, "--scenario", file.to_str().unwrap()])
}

fn check(lab: &Lab, args: &[&str]) -> Answer {
    lab.run(&[&["check", "--json", "--quiet"], args].concat())
}

/// Severity and rule of each finding, as `error arm64`.
fn rules(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|one| format!("{} {}", text(&one["severity"]), text(&one["rule"])))
        .collect()
}

fn append(lab: &Lab, text: &str) {
    let file = lab.estate_file();
    let before = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, format!("{before}\n{text}")).unwrap();
}

#[test]
fn an_estate_without_surprises_passes_and_every_system_is_named() {
    let lab = Lab::fast();
    let report = check(&lab, &[]).exits(0).json();
    let systems = report["systems"].as_array().unwrap();
    assert_eq!(
        systems.len(),
        6,
        "two regions, two Prism Centrals, Move, ledger: {systems:#?}"
    );
    for system in systems {
        assert_eq!(system["problem"], Value::Null);
        assert_eq!(system["rights_denied"], Value::Array(Vec::new()));
    }
    let aws = &systems[0];
    assert!(
        aws["identity"].as_str().unwrap().contains("111122223333"),
        "{aws}"
    );
    assert!(aws["rights_asked"].as_u64() > Some(10), "{aws}");
    assert!(aws["clock_ahead_s"].is_i64(), "{aws}");
    assert_eq!(report["errors"], 0);
    let text = lab.run(&["check"]).exits(0).out;
    assert!(text.contains("No errors;"), "{text}");
}

#[test]
fn surprises_are_found_with_the_statements_that_are_missing() {
    let lab = lab_of(SURPRISES);
    let report = check(&lab, &[]).exits(4).json();
    let rules = rules(&report);
    for rule in [
        "error arm64",
        "error auto-scaling",
        "error instance-store-root",
        "error product-codes",
        "note no-name",
        "warning instance-profile",
        "warning instance-store-volumes",
        "warning source-dest-check-off",
        "warning spot-instance",
        "warning uefi-boot",
        "warning windows-activation",
    ] {
        assert!(rules.contains(rule), "{rule:?} is not in {rules:#?}");
    }
    let refused = lab.run(&["plan", "move", "app", "db"]);
    assert_ne!(refused.code, 0);
}

#[test]
fn a_right_to_read_that_is_missing_is_named_with_its_statement() {
    let lab = lab_of(
        "extends = \"tokyo-osaka\"\nsummary = \"may not read VPNs\"\n[policy]\ndeny = [\"ec2:DescribeVpnConnections\"]\n",
    );
    let report = check(&lab, &[]).exits(4).json();
    let rules = rules(&report);
    // The regions could not be read without it: nothing is known of their machines.
    for rule in ["error missing-right", "error not-observed"] {
        assert!(rules.contains(rule), "{rules:#?}");
    }
    let statement = &report["missing_statements"][0];
    assert_eq!(
        statement["Action"],
        serde_json::json!(["ec2:DescribeVpnConnections"])
    );
    assert_eq!(statement["Resource"], serde_json::json!(["*"]));
}

#[test]
fn a_right_to_write_that_is_missing_names_its_tables() {
    let lab = lab_of(
        "extends = \"tokyo-osaka\"\nsummary = \"may not delete routes\"\n[policy]\ndeny = [\"ec2:DeleteTransitGatewayRoute\"]\n",
    );
    let report = check(&lab, &[]).exits(0).json();
    let rules = rules(&report);
    assert!(rules.contains("warning missing-write-right"), "{rules:#?}");
    let statement = &report["missing_statements"][0];
    assert_eq!(statement["Action"][0], "ec2:DeleteTransitGatewayRoute");
    let resources = statement["Resource"].to_string();
    let arn = "arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-";
    for kind in ["route-table/tgw-rtb-", "attachment/tgw-attach-"] {
        assert!(resources.contains(&format!("{arn}{kind}")), "{resources}");
    }
    let text = lab.run(&["check", "db"]).exits(0).out;
    assert!(text.contains("\"Effect\": \"Allow\""), "{text}");
}

#[test]
fn an_accepted_finding_no_longer_counts_until_its_last_day() {
    let lab = lab_of(SURPRISES);
    let errors = |report: &Value| report["errors"].as_u64().unwrap();
    let before = errors(&check(&lab, &[]).exits(4).json());
    append(
        &lab,
        "[accept.front]\nrule = \"auto-scaling\"\nreason = \"suspended\"\nuntil = \"2999-01-01\"\n",
    );
    let accepted = check(&lab, &[]).exits(4).json();
    assert_eq!(errors(&accepted), before - 1);
    assert_eq!(accepted["accepted"], 1);
    append(
        &lab,
        "[accept.past]\nrule = \"arm64\"\nreason = \"rebuilt\"\nuntil = \"2020-01-01\"\n",
    );
    let expired = check(&lab, &[]).exits(4).json();
    assert_eq!(errors(&expired), before - 1);
    assert!(rules(&expired).contains("warning acceptance-expired"));
    // It stops a move all the same.
    lab.json(&["capture"]);
    let refused = lab.run(&["plan", "move", "app", "db", "--json"]).exits(4);
    let found = refused.obstacles();
    assert!(
        found.iter().any(|one| one["rule"] == "auto-scaling"),
        "{found:#?}"
    );
}

#[test]
fn what_cannot_be_accepted_is_an_error_of_the_file() {
    let lab = Lab::fast();
    append(
        &lab,
        "[accept.dark]\nrule = \"not-reached\"\nreason = \"later\"\nuntil = \"2999-01-01\"\n",
    );
    let answer = check(&lab, &[]).exits(2);
    answer.says(&["cannot be accepted"]);
    let file = lab.estate_file();
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(
        file,
        text.replace("not-reached", "arm65")
            .replace("2999-01-01", "2999-02-30"),
    )
    .unwrap();
    let answer = lab.run(&["config", "check"]).exits(2);
    answer.says(&["arm65", "2999-02-30", "is not a date"]);
}

#[test]
fn systems_that_do_not_answer_are_errors_and_the_rest_is_checked() {
    let lab = Lab::fast();
    lab.manage(&["site", "down", "osaka"]);
    let file = lab.estate_file();
    let text = std::fs::read_to_string(file).unwrap();
    let impatient = text.replace("[engine]", "[engine]\ncall-timeout = \"2s\"");
    std::fs::write(file, impatient).unwrap();
    let report = check(&lab, &[]).exits(4).json();
    let findings = report["findings"].as_array().unwrap();
    let dark: Vec<_> = findings
        .iter()
        .filter(|one| one["rule"] == "not-reached")
        .map(|one| one["object"].as_str().unwrap())
        .collect();
    assert_eq!(dark, ["Prism Central of osaka"]);
    assert!(
        rules(&report).contains("note link-local-services"),
        "machines are checked"
    );
}

#[test]
fn a_world_on_file_is_checked_without_contact_and_as_sarif() {
    let lab = Lab::fast();
    let file = lab.folder().join("world.json");
    let file = file.to_str().unwrap();
    lab.json(&["world", "save", file]);
    lab.manage(&["down"]);
    let report = check(&lab, &["--world", file]).exits(0).json();
    assert_eq!(report["systems"], Value::Array(Vec::new()));
    let sarif = lab
        .run(&["check", "--world", file, "--sarif"])
        .exits(0)
        .json();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "stayput");
    let findings = report["findings"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    assert!(!results.is_empty());
    for result in results {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(
            rules.iter().any(|rule| rule["id"] == result["ruleId"]),
            "{result}"
        );
    }
}
