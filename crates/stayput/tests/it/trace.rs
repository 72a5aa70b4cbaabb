//! `stayput trace`: now, after each step of a plan, two states side by side, and questions that cannot be answered.

use serde_json::Value;

use crate::lab::Lab;

const MACHINE: &str = "172.30.1.34";

/// A lab whose machines are at the primary site and protected, with its saved world.
fn protected() -> (Lab, String) {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let file = lab.folder().join("world.json");
    let file = file.to_str().unwrap().to_owned();
    lab.run(&["world", "save", &file]).exits(0);
    (lab, file)
}

fn trace(lab: &Lab, args: &[&str], exits: i32) -> Value {
    let mut all = vec!["trace"];
    all.extend(args);
    all.push("--json");
    lab.run(&all).exits(exits).json()
}

fn says(value: &Value, text: &str) {
    let found = value.as_str().unwrap();
    assert!(found.contains(text), "`{text}` is not in `{found}`");
}

#[test]
fn a_packet_is_followed_through_every_state_of_a_failover() {
    let (lab, world) = protected();
    let plan = lab.folder().join("plan.json");
    let plan = plan.to_str().unwrap();
    let goal = ["failover", "app", "db", "--to", "osaka"];
    let mut args = vec!["plan"];
    args.extend(goal);
    args.extend(["--world", &world, "--out", plan]);
    let planned = lab.json(&args);
    let steps = planned["plan"]["steps"].as_array().unwrap();
    let id = |kind: &str| {
        let ids = steps.iter().map(|step| step["id"].as_str().unwrap());
        ids.into_iter()
            .find(|id| id.starts_with(kind) && id.contains("172.30.1.0/24") || *id == kind)
            .unwrap_or_else(|| panic!("no {kind}"))
            .to_owned()
    };
    let recovery = steps
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .find(|id| id.starts_with("recovery/") && id.contains("/planned/"))
        .unwrap();
    let tokyo = id("route/ap-northeast-1");

    let now = trace(&lab, &["on-prem", MACHINE, "--world", &world], 0);
    assert_eq!(now["state"], "now");
    says(&now["verdict"], "delivered at tokyo");
    for key in ["ok", "path", "symmetric", "works", "trip"] {
        assert!(!now[key].is_null(), "{key}");
    }
    // The machines have moved, the routes have not: packets still go to Tokyo.
    let moved = ["--world", &world, "--plan", plan, "--after", recovery];
    let mut args = vec!["on-prem", MACHINE];
    args.extend(moved);
    let moved = trace(&lab, &args, 1);
    says(&moved["state"], "after step");
    assert_eq!(moved["ok"], false);
    says(&moved["verdict"], "tokyo");
    let routed = trace(
        &lab,
        &[
            "on-prem", MACHINE, "--world", &world, "--plan", plan, "--after", &tokyo,
        ],
        0,
    );
    says(&routed["verdict"], "delivered at osaka");
    // A goal after the destination works like a saved plan; without a step, the last state is shown.
    let mut args = vec!["on-prem", MACHINE, "--world", &world];
    args.extend(goal);
    let done = trace(&lab, &args, 0);
    says(&done["verdict"], "delivered at osaka");
    assert_eq!(done["state"], "when `failover app db --to osaka` is done");
    assert_eq!(
        done["trip"]["forward"]["hops"],
        routed["trip"]["forward"]["hops"]
    );

    // Side by side.
    args.push("--diff");
    let both = trace(&lab, &args, 0);
    assert_eq!(both["changed"], true);
    assert_eq!(both["before"]["verdict"], now["verdict"]);
    assert_eq!(both["after"], {
        let mut after = done.clone();
        after.as_object_mut().unwrap().remove("ok");
        after
    });
    let mut text = vec!["trace"];
    text.extend(&args);
    let text = lab.run(&text).exits(0).out;
    for line in [
        "-   delivered at tokyo",
        "+   delivered at osaka",
        "    ● edge tokyo-vpn",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }

    // Machines that stay are not affected.
    let mut stays = vec!["on-prem", "172.30.2.20", "--world", &world, "--diff"];
    stays.extend(goal);
    assert_eq!(trace(&lab, &stays, 0)["changed"], false);

    // Two worlds.
    lab.apply(&["failover", "--to", "osaka"]);
    let later = lab.folder().join("later.json");
    let later = later.to_str().unwrap();
    lab.run(&["world", "save", later]).exits(0);
    let both = trace(
        &lab,
        &["on-prem", MACHINE, "--world", &world, "--against", later],
        0,
    );
    says(&both["before"]["verdict"], "delivered at tokyo");
    says(&both["after"]["verdict"], "delivered at osaka");
    // The plan was made for an earlier world.
    lab.run(&["trace", "on-prem", MACHINE, "--plan", plan])
        .exits(3)
        .says(&["not what this plan was made for"]);
}

#[test]
fn every_address_of_a_prefix_is_in_exactly_one_class() {
    let lab = Lab::fast();
    let world = lab.folder().join("world.json");
    let world = world.to_str().unwrap();
    lab.run(&["world", "save", world]).exits(0);
    let classes = trace(&lab, &["on-prem", "172.30.1.0/24", "--world", world], 0);
    let classes = classes["classes"].as_array().unwrap();
    let addresses: u64 = classes
        .iter()
        .map(|class| class["addresses"].as_u64().unwrap())
        .sum();
    assert_eq!(addresses, 256);
    let delivered: Vec<_> = classes.iter().filter(|class| class["ok"] == true).collect();
    assert_eq!(
        delivered.len(),
        1,
        "all machines of one subnet behave alike"
    );
    let text = lab
        .run(&["trace", "on-prem", "172.30.1.0/24", "--world", world])
        .exits(0)
        .out;
    assert!(text.contains("addresses)"), "{text}");

    let saved: Value = serde_json::from_slice(&std::fs::read(world).unwrap()).unwrap();
    let tokyo = &saved["world"]["aws"]["ap-northeast-1"];
    let (subnet, found) = tokyo["subnets"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, subnet)| subnet["cidr"] == "172.30.2.0/24")
        .unwrap();
    let vpc = found["vpc"].as_str().unwrap();
    for (source, exits) in [
        ("tokyo-vpn", 0),
        // The cluster's VPC has a route to on-prem, none to EC2.
        ("nc2:tokyo", 1),
        (subnet.as_str(), 0),
        (vpc, 0),
        ("172.30.1.10", 0),
        ("web-01", 0),
        // There is no sender yet.
        ("overlay:app@tokyo", 1),
    ] {
        let traced = trace(&lab, &[source, MACHINE, "--world", world], exits);
        assert!(
            traced["trip"]["forward"]["source"] != Value::Null,
            "{source}"
        );
    }
}

#[test]
fn an_impossible_trace_is_refused_with_a_hint() {
    let lab = Lab::fast();
    let world = lab.folder().join("world.json");
    let world = world.to_str().unwrap();
    lab.run(&["world", "save", world]).exits(0);
    let cases: [(&[&str], &str); 13] = [
        (&["nowhere", MACHINE], "`nowhere` is no source of packets"),
        (
            &["10.101.77.7", MACHINE],
            "no running machine has 10.101.77.7",
        ),
        (&["subnet-0", MACHINE], "no subnet subnet-0 was observed"),
        (&["vpc-0", MACHINE], "no VPC vpc-0 was observed"),
        (&["overlay:app", MACHINE], "does not name network and site"),
        (&["overlay:x@tokyo", MACHINE], "there is no network `x`"),
        (
            &["on-prem", "no-such-machine"],
            "neither an address, nor a prefix, nor a machine",
        ),
        (&["on-prem", "172.30.1.1/24"], "the prefix is 172.30.1.0/24"),
        (&["on-prem", "172.0.0.0/8"], "more addresses than a /16"),
        (
            &["on-prem", MACHINE, "--after", "3"],
            "--after needs a plan",
        ),
        (&["on-prem", MACHINE, "--diff"], "nothing to compare with"),
        (
            &["on-prem", MACHINE, "--plan", "absent.json"],
            "cannot be read",
        ),
        (
            &["on-prem", MACHINE, "--after", "99", "move", "app", "db"],
            "has no step 99",
        ),
    ];
    for (args, says) in cases {
        let mut all = vec!["trace", "--world", world];
        all.extend(args);
        let answer = lab.run(&all).exits(2);
        answer.says(&[says]);
        assert!(
            answer.err.contains("hint:") || says == "cannot be read",
            "{}",
            answer.err
        );
    }
}
