//! Obstacles in every form that their texts have.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::Value;
use serde_json::json;
use stayput_messages::Catalogue;
use stayput_plan::Obstacle;

use crate::findings;

/// How many variants [`Obstacle`] has.
const VARIANTS: usize = 53;

const AWS: [&str; 2] = ["aws", "ap-northeast-1"];
const PRISM: [&str; 2] = ["prism-central", "tokyo"];
const MOVE: [&str; 2] = ["move", "tokyo"];

fn machine(obstacle: &str, more: Value) -> Value {
    with(
        json!({"obstacle": obstacle, "machine": "i-web", "label": "web"}),
        more,
    )
}

fn network(obstacle: &str, more: Value) -> Value {
    with(json!({"obstacle": obstacle, "network": "app"}), more)
}

fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn not_observed([system, of]: [&str; 2], silence: Option<&str>, otherwise: Option<&str>) -> Value {
    let system = json!({"system": system, "of": of});
    let why = silence.map_or("", |_| "connection refused");
    json!({"obstacle": "not-observed", "system": system, "silence": silence, "why": why, "otherwise": otherwise})
}

/// Machines of EC2.
fn of_ec2() -> Vec<Value> {
    let unsettled = |status: Value, address: Option<&str>| {
        network(
            "unsettled-interface",
            json!({"eni": "eni-1", "address": address, "machine": null, "what": "interface", "status": status}),
        )
    };
    let doubt = |doubt: Value| {
        machine(
            "interface-in-doubt",
            json!({"eni": "eni-1", "doubt": doubt}),
        )
    };
    let waves = |waves: Value| machine("in-several-waves", json!({"waves": waves}));
    vec![
        json!({"obstacle": "source-not-seen", "vpc": "vpc-1", "region": "ap-northeast-1", "account": "123456789012"}),
        json!({"obstacle": "source-not-seen", "vpc": "vpc-1", "region": "ap-northeast-1", "account": null}),
        machine("spans-networks", json!({"network": "db"})),
        machine(
            "foreign-interface",
            json!({"eni": "eni-1", "address": "172.30.255.4"}),
        ),
        network(
            "unmovable-interface",
            json!({"eni": "eni-1", "address": "172.30.1.4", "what": "nat_gateway, NAT"}),
        ),
        unsettled(json!("Attaching"), Some("172.30.1.4")),
        unsettled(json!("Detaching"), None),
        unsettled(json!("Associated"), None),
        unsettled(json!({"Unknown": "odd"}), Some("172.30.1.4")),
        doubt(json!({"not-listed-by-machine": {"address": "172.30.1.4"}})),
        doubt(json!({"not-listed-by-machine": {"address": null}})),
        doubt(json!({"machine-not-shown": {"address": "172.30.1.4"}})),
        doubt(json!({"machine-not-shown": {"address": null}})),
        doubt(json!("not-shown")),
        machine("no-ipv4-address", json!({"network": "app"})),
        machine("being-terminated", json!({"network": "app"})),
        machine("in-no-wave", json!({"network": "app"})),
        waves(json!(["one", "two"])),
        waves(json!(["one", "three", "two"])),
        json!({"obstacle": "not-in-source", "wave": "one", "machine": "i-web"}),
        json!({"obstacle": "no-such-machine", "name": "web", "found": 0}),
        json!({"obstacle": "no-such-machine", "name": "web", "found": 1234}),
        network(
            "no-announcement",
            json!({"site": "osaka", "halves": ["172.30.1.0/25", "172.30.1.128/25"]}),
        ),
        network("no-announcement", json!({"site": "osaka", "halves": []})),
        machine("not-in-inventory", json!({"site": "tokyo"})),
        machine("cannot-run", json!({"rule": "arm64"})),
    ]
}

/// Machines that are VMs, or should be.
fn of_vms() -> Vec<Value> {
    let at = |obstacle: &str, more: Value| machine(obstacle, with(json!({"site": "tokyo"}), more));
    let source = |off: bool| {
        at(
            "source-runs",
            json!({"region": "ap-northeast-1", "state": "running", "vm_is_off": off}),
        )
    };
    let deleted = |points: Value, may_be_at: Value| {
        at(
            "vm-deleted",
            json!({"vm": "vm-1", "recovery_points": points, "may_be_at": may_be_at}),
        )
    };
    let found = at(
        "vm-deleted",
        json!({"vm": "vm-1", "recovery_points": {}, "may_be_at": [], "candidates": [["osaka", "vm-2"]]}),
    );
    let points = json!({"osaka": "2026-01-02T03:04:05Z", "tokyo": "2026-01-02T03:00:00Z"});
    let not_listed = |[system, of]: [&str; 2]| {
        machine(
            "not-listed",
            json!({"system": {"system": system, "of": of}, "what": "VM vm-1"}),
        )
    };
    let mut all = vec![
        found,
        at("ambiguous-vm", json!({"candidates": []})),
        at("ambiguous-vm", json!({"candidates": ["vm-1", "vm-2"]})),
        at(
            "runs-twice",
            json!({"networks": ["app", "db"], "at": "osaka", "vm": "vm-1"}),
        ),
        machine("former-vm-runs", json!({"at": "tokyo", "vm": "vm-1"})),
        source(true),
        source(false),
        at(
            "address-taken",
            json!({"address": "172.30.1.4", "holder": "VM other"}),
        ),
        deleted(json!({}), json!([])),
        deleted(points.clone(), json!([])),
        deleted(json!({}), json!(["osaka", "sapporo"])),
        deleted(points, json!(["sapporo"])),
        not_listed(AWS),
        not_listed(PRISM),
        not_listed(MOVE),
    ];
    for ec2 in ["exists", "terminated", "not-found", "nothing"] {
        all.push(machine("lost", json!({"ec2": ec2})));
    }
    for system in [AWS, PRISM, MOVE] {
        all.push(not_observed(system, None, None));
        for silence in ["silent", "refused", "faulty"] {
            all.push(not_observed(system, Some(silence), None));
        }
    }
    all.push(not_observed(
        PRISM,
        Some("silent"),
        Some("add --lost tokyo"),
    ));
    all
}

/// Sites that are left, and homes.
fn of_sites() -> Vec<Value> {
    let fence = |silence: Option<&str>, why: &str| json!({"obstacle": "fence-not-possible", "site": "tokyo", "region": "ap-northeast-1", "silence": silence, "why": why});
    let still = |machines: Value| json!({"obstacle": "still-runs", "site": "tokyo", "to": "osaka", "networks": ["app", "db"], "machines": machines});
    vec![
        still(json!({"i-1": "one"})),
        still(json!({"i-1": "one", "i-2": "two"})),
        still(json!({"i-1": "1", "i-2": "2", "i-3": "3", "i-4": "4", "i-5": "5"})),
        still(
            json!({"i-1": "1", "i-2": "2", "i-3": "3", "i-4": "4", "i-5": "5", "i-6": "6", "i-7": "7"}),
        ),
        fence(None, ""),
        fence(Some("silent"), "timed out"),
        fence(Some("refused"), "AuthFailure"),
        fence(Some("faulty"), "500"),
        json!({"obstacle": "no-move", "site": "tokyo", "machines": 1}),
        json!({"obstacle": "no-move", "site": "tokyo", "machines": 1284}),
        machine(
            "still-routed",
            json!({"address": "172.30.1.4", "site": "tokyo", "home": "osaka", "networks": ["app", "db"]}),
        ),
        machine("not-on", json!({"site": "tokyo", "vm": "vm-1"})),
        machine("elsewhere", json!({"at": "osaka", "wanted": "tokyo"})),
        network("no-machines", json!({})),
        network("not-recovery-site", json!({"site": "osaka"})),
        network("no-recovery-site", json!({})),
        json!({"obstacle": "missing", "site": "tokyo", "what": "recovery plan app", "remedy": "make it"}),
        json!({"obstacle": "not-unique", "site": "tokyo", "what": "recovery plan app", "count": 1234}),
    ]
}

/// Objects that are not as planned.
fn of_objects() -> Vec<Value> {
    let differs = |uncovered: Value| json!({"obstacle": "differs", "site": "tokyo", "what": "policy stayput", "property": "RPO", "expected": "60 min", "found": "2 h", "uncovered": uncovered});
    let attachment = |fault: Value| json!({"obstacle": "no-attachment", "site": "tokyo", "region": "ap-northeast-1", "tgw": "tgw-1", "fault": fault});
    let peering = |fault: Value| json!({"obstacle": "no-peering", "from": "tgw-1", "region": "ap-northeast-1", "to": "tgw-2", "fault": fault});
    let captured = |addresses: Value| {
        machine(
            "not-captured",
            json!({"site": "tokyo", "nic": "nic-1", "addresses": addresses}),
        )
    };
    let faults = [
        json!({"fault": "not-associated", "attachment": "tgw-attach-1"}),
        json!({"fault": "pending-acceptance", "attachment": "tgw-attach-1"}),
        json!({"fault": "state", "attachment": "tgw-attach-1", "state": "failed"}),
        json!({"fault": "absent"}),
    ];
    let object = json!({"kind": "Subnet", "ext_id": "s-1", "name": "app", "path": ".", "reason": "odd", "extent": "Whole"});
    let mut all = vec![
        differs(json!([])),
        differs(json!(["web"])),
        differs(json!(["1", "2", "3", "4", "5"])),
        differs(json!(["1", "2", "3", "4", "5", "6"])),
        network(
            "overlaps",
            json!({"site": "tokyo", "cidr": "172.30.1.0/24", "what": "subnet x of flow-y", "other": "172.30.0.0/16"}),
        ),
        machine(
            "not-protected",
            json!({"networks": ["app", "db"], "gap": {"gap": "no-category", "site": "tokyo", "category": "stayput=app"}}),
        ),
        machine(
            "not-protected",
            json!({"networks": ["app", "db"], "gap": {"gap": "no-recovery-point", "site": "tokyo"}}),
        ),
        network(
            "carries-category",
            json!({"site": "tokyo", "vm": "vm-1", "name": "other", "category": "stayput=app"}),
        ),
        json!({"obstacle": "foreign-test", "site": "tokyo", "what": "recovery plan app", "found": "job j-1"}),
        json!({"obstacle": "unreadable", "site": "tokyo", "object": object}),
        captured(json!(["172.30.1.4"])),
        captured(json!(["172.30.1.4", "172.30.1.5"])),
        json!({"obstacle": "not-paired", "from": "tokyo", "to": "osaka"}),
        network(
            "more-specific",
            json!({"region": "ap-northeast-1", "table": "t-edges", "cidr": "172.30.1.4/32"}),
        ),
    ];
    all.extend(faults.clone().map(attachment));
    all.extend(faults.map(peering));
    all
}

/// Addresses, the order of calls and what the proof found.
fn of_proof() -> Vec<Value> {
    let too_small =
        |free: u64, needed: u64| network("pool-too-small", json!({"free": free, "needed": needed}));
    let exhausted = |free: u64, suggested: Value| json!({"obstacle": "pool-exhausted", "site": "tokyo", "what": "subnet app", "free": free, "needed": 2000, "suggested": suggested});
    let unsafe_at = |moment: Value, more: usize, harm: Value| json!({"obstacle": "unsafe", "moment": moment, "from": "on-prem", "address": "172.30.1.4", "more": more, "harm": harm});
    let harm = || json!({"served-twice": {"sites": ["osaka", "tokyo"]}});
    let no_order = |why: Value| {
        network(
            "no-safe-order",
            json!({"home": "tokyo", "calls": 1234, "why": why}),
        )
    };
    let blocked = |address: &str| json!({"call": null, "from": "on-prem", "address": address, "harm": harm()});
    vec![
        too_small(0, 1),
        too_small(1, 1300),
        too_small(1284, 2),
        exhausted(0, json!([])),
        exhausted(1, json!([{"first": "172.30.1.4", "last": "172.30.1.4"}])),
        exhausted(
            1284,
            json!([{"first": "172.30.1.4", "last": "172.30.1.9"}, {"first": "172.30.1.20", "last": "172.30.1.29"}]),
        ),
        unsafe_at(json!({"after": "route"}), 0, harm()),
        unsafe_at(
            json!({"during": "route"}),
            1284,
            json!({"settled": "no-sender"}),
        ),
        no_order(json!({"reason": "conflict", "after": [], "blocked": [blocked("172.30.1.4")]})),
        no_order(
            json!({"reason": "conflict", "after": [], "blocked": [blocked("172.30.1.4"), blocked("172.30.1.5")]}),
        ),
        no_order(json!({"reason": "too-many", "calls": 1234})),
        json!({"obstacle": "found", "finding": findings::all()[0]}),
        json!({"obstacle": "unreachable", "from": "on-prem", "address": "172.30.1.4", "label": "web", "delivery": "no-sender"}),
    ]
}

/// Runs that are not rolled back.
fn of_runs() -> Vec<Value> {
    let not = |reason: &str, more: Value| {
        let why = with(json!({"reason": reason}), more);
        json!({"obstacle": "not-undone", "run": "4a81cb7a", "why": why})
    };
    let of_machine = |reason: &str, more: Value| {
        not(
            reason,
            with(json!({"machine": "i-web", "label": "web"}), more),
        )
    };
    let gone = |ec2: &str| {
        of_machine(
            "source-gone",
            json!({"region": "ap-northeast-1", "ec2": ec2}),
        )
    };
    let route = |found: Value, before: Value| {
        not(
            "route-changed",
            json!({"region": "ap-northeast-1", "table": "tgw-rtb-1", "cidr": "172.30.1.0/24", "found": found, "before": before}),
        )
    };
    vec![
        not("later-run", json!({"later": "5b92", "goal": "move app"})),
        not("is-rollback", json!({"of": "move app --canary web"})),
        of_machine("cut-over-now", json!({"site": "tokyo"})),
        not(
            "recovery-runs",
            json!({"site": "osaka", "plan": "stayput-lab-app"}),
        ),
        gone("terminated"),
        gone("not-found"),
        of_machine(
            "source-differs",
            json!({"has": [], "wants": ["172.30.1.4", "172.30.1.5"]}),
        ),
        of_machine(
            "protected",
            json!({"site": "tokyo", "vm": "vm-1", "category": "stayput=app"}),
        ),
        route(Value::Null, json!({"attachment": "tgw-attach-1"})),
        route(json!("blackhole"), Value::Null),
        not(
            "old-site-lost",
            json!({"site": "tokyo", "at": "osaka", "networks": ["app", "db"]}),
        ),
        not(
            "protection",
            json!({"made": ["1", "2", "3", "4", "5", "6"]}),
        ),
        not("put-away", json!({"vms": ["former VM web"]})),
    ]
}

fn all() -> Vec<Obstacle> {
    [
        of_ec2(),
        of_vms(),
        of_sites(),
        of_objects(),
        of_runs(),
        of_proof(),
    ]
    .into_iter()
    .flatten()
    .map(|json| {
        serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
    })
    .collect()
}

#[test]
fn every_obstacle_has_its_text_in_every_form() {
    let mut shown = String::new();
    let mut variants = BTreeSet::new();
    for obstacle in all() {
        let json = serde_json::to_value(&obstacle).unwrap();
        variants.insert(json["obstacle"].to_string());
        assert_eq!(
            Catalogue::english().render(&obstacle.message()),
            Ok(obstacle.to_string())
        );
        assert_eq!(
            Catalogue::english().render(&obstacle.remedy_message()),
            Ok(obstacle.remedy())
        );
        let _ = writeln!(shown, "{obstacle}\n  → {}", obstacle.remedy());
    }
    assert_eq!(variants.len(), VARIANTS, "{variants:?}");
    assert_snapshot!(shown);
}
