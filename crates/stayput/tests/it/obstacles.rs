//! Obstacles: exit code 4, each shown with a remedy, and nothing is changed.

use std::path::Path;

use serde_json::Value;
use stayput_engine::EngineError;
use stayput_estate::AddrRange;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_lab::mv::model::VmFault;
use stayput_nutanix::NicSpec;
use stayput_nutanix::RequestId;
use stayput_nutanix::SubnetSpec;

use crate::lab::FAST;
use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;

/// Runs a command that must meet obstacles, twice: as it is, and as a plan. Returns the obstacles; asserts that nothing
/// was changed.
#[track_caller]
fn refused(lab: &Lab, file: &Path, goal: &[&str]) -> Vec<Value> {
    let (world, journal) = (lab.observe(), lab.journal());
    let file = file.to_str().unwrap();
    let mut args = vec!["--file", file, "apply"];
    args.extend(goal);
    args.extend(["--yes", "--json"]);
    let answer = lab.run(&args).exits(4);
    answer.says(&["nothing was changed", "✗", "→"]);
    assert_eq!(answer.json()["error"]["kind"], "obstacles");
    let obstacles = answer.obstacles();

    let mut args = vec!["--file", file, "plan"];
    args.extend(goal);
    args.push("--json");
    let planned = lab.run(&args).exits(4).obstacles();
    assert_eq!(planned, obstacles);

    assert_eq!(lab.observe(), world, "the world was changed");
    assert_eq!(lab.journal(), journal, "something was journaled");
    obstacles
}

fn kinds(obstacles: &[Value]) -> Vec<&str> {
    obstacles
        .iter()
        .map(|obstacle| obstacle["obstacle"].as_str().unwrap())
        .collect()
}

/// The instance with this `Name` tag, the first by id.
fn instance(lab: &Lab, name: &str) -> InstanceId {
    let world = lab.observe();
    let mut all = world.aws.values().flat_map(|region| &region.instances);
    let found = all.find(|(_, instance)| instance.tags.get("Name").is_some_and(|n| n == name));
    found.unwrap().0.clone()
}

#[test]
fn a_network_with_a_load_balancer_does_not_move() {
    let lab = Lab::up(&["--scenario", "dmz-obstacle", "--speed", FAST]);
    for goal in [&["move", "dmz"][..], &["move", "app", "db", "dmz"]] {
        let obstacles = refused(&lab, lab.estate_file(), goal);
        assert_eq!(kinds(&obstacles), ["unmovable-interface"]);
        assert_eq!(obstacles[0]["address"], "172.30.2.10");
        assert_eq!(obstacles[0]["network"], "dmz");
    }
    // Other networks are not affected.
    lab.json(&["plan", "move", "app", "db"]);
    // Its machines can still be captured.
    lab.json(&["capture", "dmz"]);
}

#[test]
fn a_machine_in_two_networks_moves_only_with_both() {
    let lab = Lab::fast();
    let app_01 = instance(&lab, "app-01");
    let obstacles = refused(&lab, lab.estate_file(), &["move", "app"]);
    assert_eq!(kinds(&obstacles), ["spans-networks"]);
    assert_eq!(obstacles[0]["machine"], app_01.as_str());
    assert_eq!(obstacles[0]["network"], "db");
}

#[test]
fn waves_with_missing_duplicate_or_unknown_machines_are_refused() {
    let lab = Lab::fast();
    let unknown = "i-0123456789abcdef0";
    let file = lab.edited(
        "unknown.toml",
        &[(
            "[waves.first]\n",
            &format!("[waves.first]\nids = [\"{unknown}\"]\n"),
        )],
    );
    let obstacles = refused(&lab, &file, &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["not-in-source"]);
    assert_eq!(obstacles[0]["machine"], unknown);

    let file = lab.edited("missed.toml", &[("Wave = \"2\"", "Wave = \"none\"")]);
    let obstacles = refused(&lab, &file, &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["in-no-wave"; 4]);
    let mut labels: Vec<_> = obstacles
        .iter()
        .map(|o| o["label"].as_str().unwrap())
        .collect();
    labels.sort_unstable();
    assert_eq!(labels, ["cache-01", "db-01", "db-02", "file-win"]);

    let file = lab.edited(
        "twice.toml",
        &[("[waves.second]\n", "[waves.second]\nnames = [\"web-*\"]\n")],
    );
    let obstacles = refused(&lab, &file, &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["in-several-waves"; 2]);
    assert_eq!(
        obstacles[0]["waves"],
        serde_json::json!(["first", "second"])
    );
}

#[test]
fn an_address_that_another_vm_has_at_the_target_is_an_obstacle() {
    let lab = Lab::fast();
    let world = lab.observe();
    let tokyo = &world.prism[&SiteName::new("tokyo")];
    let (vpc, _) = tokyo
        .vpcs
        .iter()
        .find(|(_, vpc)| vpc.name == "prod")
        .unwrap();
    let (squatter, _) = tokyo
        .vms
        .iter()
        .find(|(_, vm)| vm.name == "mgmt-jump")
        .unwrap();
    let pool = AddrRange {
        first: "172.30.1.200".parse().unwrap(),
        last: "172.30.1.250".parse().unwrap(),
    };
    let subnet = SubnetSpec {
        name: "app".to_owned(),
        vpc: vpc.clone(),
        cidr: "172.30.1.0/24".parse().unwrap(),
        gateway: "172.30.1.1".parse().unwrap(),
        pools: vec![pool],
        dns: lab.estate().sites[&SiteName::new("tokyo")]
            .dns_servers
            .clone(),
    };
    let clients = lab.clients();
    let prism = &clients.prism[&SiteName::new("tokyo")];
    lab.wait(async {
        let subnet = prism.create_subnet(&subnet, RequestId::random()).await?;
        let nic = NicSpec {
            subnet,
            address: "172.30.1.34".parse().unwrap(),
            secondary: Vec::new(),
            mac: None,
        };
        prism
            .create_nic(squatter, &nic, RequestId::random())
            .await?;
        Ok::<_, EngineError>(())
    })
    .unwrap();

    let obstacles = refused(&lab, lab.estate_file(), &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["address-taken"]);
    assert_eq!(obstacles[0]["address"], "172.30.1.34");
    assert_eq!(obstacles[0]["label"], "ad-win2019");
    assert!(
        obstacles[0]["holder"]
            .as_str()
            .unwrap()
            .contains("mgmt-jump")
    );
}

#[test]
fn a_machine_that_move_does_not_list_is_an_obstacle() {
    let lab = Lab::inside();
    let missing = instance(&lab, "db-02");
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        state.moves[0]
            .faults
            .insert(missing.to_string(), VmFault::NotListed);
    }
    let obstacles = refused(&lab, lab.estate_file(), &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["not-in-inventory"]);
    assert_eq!(obstacles[0]["machine"], missing.as_str());
    assert_eq!(obstacles[0]["site"], "tokyo");
}

#[test]
fn an_ambiguous_vm_is_linked_by_hand() {
    let lab = Lab::inside();
    let original = addresses(&lab.status());
    // One of the two that are called `batch`.
    let machine = instance(&lab, "batch");
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        state.moves[0]
            .faults
            .insert(machine.to_string(), VmFault::NoConsoleLink);
    }
    let stopped = lab.run(&apply(&["move"])).exits(1);
    stopped.says(&[
        "does not say which VM it became",
        &format!("stayput adopt {machine} --vm UUID"),
    ]);

    let obstacles = refused(&lab, lab.estate_file(), &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["ambiguous-vm"]);
    assert_eq!(obstacles[0]["machine"], machine.as_str());
    let candidates = obstacles[0]["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{candidates:?}");

    // Only the lab knows.
    let truth = {
        let state = lab.running().state();
        let state = state.lock().unwrap();
        let mut vms = state.moves[0]
            .plans
            .values()
            .flat_map(|plan| plan.vms.values());
        let vm = vms.find(|vm| vm.instance == machine.as_str()).unwrap();
        vm.vm.clone().unwrap()
    };
    let id = machine.as_str();
    let before = lab.requests();
    for malformed in [
        "",
        "web-01",
        "00000000-0000-4000-8000-00000000000",
        "{truth}",
        "00000000+0000-4000-8000-000000000000",
    ] {
        lab.run(&["adopt", id, "--vm", malformed])
            .exits(2)
            .says(&["is not the UUID of a VM", "nothing was contacted"]);
    }
    assert_eq!(lab.requests(), before);
    let absent = "00000000-0000-4000-8000-000000000000";
    lab.run(&["adopt", id, "--vm", absent])
        .exits(1)
        .says(&["there is no VM", absent]);
    lab.run(&["adopt", "i-0123456789abcdef0", "--vm", &truth])
        .exits(2);
    lab.run(&["adopt", id, "--vm", &truth, "--site", "kyoto"])
        .exits(2)
        .says(&["osaka, tokyo"]);
    let adopted = lab.json(&["adopt", id, "--vm", &truth]);
    assert_eq!(adopted["site"], "tokyo");
    let other = instance(&lab, "web-01");
    lab.run(&["adopt", other.as_str(), "--vm", &truth])
        .exits(1)
        .says(&["already"]);

    lab.apply(&["move"]);
    assert_kept(&lab.status(), "tokyo", &original);

    // Nothing is prepared at Osaka yet.
    let goal = ["failover", "app", "db", "--to", "osaka"];
    let obstacles = refused(&lab, lab.estate_file(), &goal);
    assert!(
        kinds(&obstacles)
            .iter()
            .all(|kind| ["missing", "not-protected"].contains(kind)),
        "{obstacles:?}"
    );
    let answer = lab
        .run(&["plan", "failover", "app", "db", "--to", "osaka"])
        .exits(4);
    answer.says(&["run `stayput apply protect app db`"]);
}

#[test]
fn a_missing_return_route_stops_a_move_and_is_named() {
    let lab = Lab::inside();
    let estate = lab.estate();
    let on_prem = estate.on_prem[0];
    let nc2 = estate.sites[&SiteName::new("tokyo")].vpc.to_string();
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        let regions = &mut state.aws.regions;
        let tables = regions.get_mut("ap-northeast-1").unwrap();
        let tables = tables.route_tables.values_mut();
        for table in tables.filter(|table| table.vpc == nc2) {
            table.routes.remove(&on_prem).unwrap();
        }
    }
    let obstacles = refused(&lab, lab.estate_file(), &["move", "app", "db"]);
    assert_eq!(kinds(&obstacles), ["found"; 2]);
    for (obstacle, network) in obstacles.iter().zip(["app", "db"]) {
        let finding = &obstacle["finding"];
        assert_eq!(finding["finding"], "no-return-route");
        assert_eq!(finding["network"], network);
        assert_eq!(finding["on_prem"], on_prem.to_string());
        assert_eq!(finding["vpc"], nc2);
    }
    lab.run(&["plan", "move", "app", "db"]).exits(4).says(&[
        &format!("replies of network app to {on_prem} are lost in {nc2}"),
        &format!("→ add the route {on_prem} → Transit Gateway to rtb-"),
    ]);
}

#[test]
fn findings_that_do_not_stop_a_plan_have_a_remedy() {
    let lab = Lab::fast();
    let planned = lab.json(&["plan", "move", "app", "db"]);
    let findings = planned["plan"]["findings"].as_array().unwrap();
    let of = |key: &str| -> Vec<_> { findings.iter().map(|f| f[key].clone()).collect() };
    assert_eq!(of("finding"), ["neighbours-lose"; 2]);
    assert_eq!(of("network"), ["app", "db"]);

    let text = lab.run(&["plan", "move", "app", "db"]).exits(0).out;
    let findings = text.split_once("To know:").expect("findings").1;
    for said in [
        "machines left in the EC2 VPC cannot reach network app",
        "→ move the networks they are in together with app",
        "machines left in the EC2 VPC cannot reach network db",
    ] {
        assert!(findings.contains(said), "{said}: {findings}");
    }
}

#[test]
fn machines_in_ec2_are_neither_protected_nor_failed_over() {
    let lab = Lab::fast();
    for goal in [
        &["protect", "app", "db"][..],
        &["failover", "app", "db", "--to", "osaka"],
        &["failover", "app", "db", "--to", "osaka", "--mode", "test"],
        &["failback", "app", "db"],
    ] {
        let obstacles = refused(&lab, lab.estate_file(), goal);
        let elsewhere = kinds(&obstacles)
            .iter()
            .filter(|kind| **kind == "elsewhere")
            .count();
        assert_eq!(elsewhere, 12, "{goal:?}: {obstacles:?}");
        let mut args = vec!["plan"];
        args.extend(goal);
        lab.run(&args)
            .exits(4)
            .says(&["is at ec2", "stayput apply move"]);
    }
}

#[test]
fn names_missing_in_the_estate_are_wrong_usage() {
    let lab = Lab::fast();
    let before = lab.requests();
    for (goal, says) in [
        (
            &["failover", "app", "db", "--to", "kyoto"][..],
            "no NC2 site `kyoto`",
        ),
        (
            &["failover", "app", "db", "--to", "ec2"],
            "no NC2 site `ec2`",
        ),
        (&["move", "apps"], "no network `apps`"),
        (&["protect", "app", "dmz"], "no network `dmz`"),
    ] {
        for verb in ["plan", "apply"] {
            let mut args = vec![verb];
            args.extend(goal);
            lab.run(&args).exits(2).says(&[says, "hint: its "]);
        }
    }
    lab.run(&["status", "apps"])
        .exits(2)
        .says(&["no network `apps`"]);
    lab.run(&["trace", "on-prem", "no-such-machine"])
        .exits(2)
        .says(&["neither an address, nor a prefix, nor a machine"]);
    lab.run(&["trace", "kyoto", "172.30.1.34"])
        .exits(2)
        .says(&["no source of packets"]);
    lab.run(&["trace", "on-prem", "batch"])
        .exits(2)
        .says(&["2 machines are called `batch`"]);
    lab.run(&["journal", "ffff"])
        .exits(2)
        .says(&["no run starts with `ffff`"]);
    for command in [&["journal", "f"][..], &["rollback", "f", "--yes"]] {
        lab.run(command)
            .exits(2)
            .says(&["`f` is too short for the id of a run"]);
    }
    // A wrong goal is found before any system is contacted; only `trace` has to read.
    let after_wrong_goals = lab.requests();
    for verb in ["plan", "apply"] {
        lab.run(&[verb, "move", "apps"]).exits(2);
    }
    lab.run(&["status", "apps"]).exits(2);
    assert_eq!(lab.requests(), after_wrong_goals);
    assert!(before <= after_wrong_goals);
}
