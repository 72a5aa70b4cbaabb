//! Runs taken back: a canary, a move in the middle, a failover in the middle; each judged by the lab's own state and by `trace`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;
use stayput_fabric::Fabric;
use stayput_lab::aws::model::InstanceState;
use stayput_world::World;
use stayput_world::prism::PowerState;

use crate::kill::UnderWay;
use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;
use crate::world::assert_two_models_agree;

/// The newest run.
fn newest_run(lab: &Lab) -> String {
    let runs = lab.json(&["journal"]);
    runs["runs"][0]["id"].as_str().unwrap().to_owned()
}

/// The state of a run.
fn state_of(lab: &Lab, id: &str) -> Value {
    let runs = lab.json(&["journal"]);
    let mut runs = runs["runs"].as_array().unwrap().iter();
    runs.find(|run| run["id"] == id).unwrap()["state"].clone()
}

fn machine<'s>(status: &'s Value, name: &str) -> &'s Value {
    let mut machines = status["machines"].as_array().unwrap().iter();
    machines.find(|machine| machine["name"] == name).unwrap()
}

/// The state of a machine's instance, in the lab.
fn instance(lab: &Lab, status: &Value, name: &str) -> InstanceState {
    let id = machine(status, name)["instance_id"].as_str().unwrap();
    let state = lab.running().state();
    let state = state.lock().unwrap();
    let mut regions = state.aws.regions.values();
    regions
        .find_map(|region| region.instances.get(id))
        .unwrap()
        .state
}

/// VMs of this name in the lab: whether each is on, and how many NICs it has.
fn vms(world: &World, name: &str) -> Vec<(bool, usize)> {
    let vms = world.prism.values().flat_map(|prism| prism.vms.values());
    vms.filter(|vm| vm.name == name)
        .map(|vm| (vm.power == PowerState::On, vm.nics.len()))
        .collect()
}

/// What AWS has, without times: equal before a run and after its rollback.
#[track_caller]
fn assert_aws_is_as_before(before: &World, now: &World) {
    for (region, before) in &before.aws {
        let now = &now.aws[region];
        assert_eq!(before.tgw_route_tables, now.tgw_route_tables, "{region}");
        assert_eq!(before.route_tables, now.route_tables, "{region}");
        assert_eq!(before.enis, now.enis, "{region}");
        let states = |instances: &BTreeMap<_, stayput_world::aws::Instance>| {
            let instances = instances.iter();
            instances
                .map(|(id, instance): (&stayput_estate::InstanceId, _)| {
                    (id.clone(), instance.state.clone())
                })
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(states(&before.instances), states(&now.instances));
    }
    for (site, before) in &before.prism {
        let prefixes = |prism: &stayput_world::Prism| {
            let transit = prism.vpcs.values().filter(|vpc| vpc.transit);
            transit.map(|vpc| vpc.erps.clone()).collect::<Vec<_>>()
        };
        assert_eq!(prefixes(before), prefixes(&now.prism[site]), "{site}");
    }
}

/// Nothing is served twice, and both models agree on where each address is.
#[track_caller]
fn assert_served_once(lab: &Lab, original: &BTreeMap<String, Vec<String>>) {
    let world = lab.observe();
    assert_eq!(
        Fabric::new(&lab.estate(), &world).served_twice(),
        BTreeMap::new()
    );
    let all = original.values().flatten();
    let all = all.map(|address| address.parse::<Ipv4Addr>().unwrap());
    assert_two_models_agree(lab, &world, &all.collect());
}

#[test]
fn a_canary_is_rolled_back_and_moves_again_with_its_network() {
    let lab = Lab::inside();
    let before = lab.observe();
    let original = addresses(&lab.status());
    lab.json(&["apply", "move", "app", "--canary", "web-01", "--yes"]);
    let run = newest_run(&lab);
    assert_eq!(machine(&lab.status(), "web-01")["site"], "tokyo");

    let file = lab.folder().join("undo.json");
    let file = file.to_str().unwrap();
    let short = &run[..8];
    let planned = lab
        .run(&["plan", "rollback", short, "--out", file])
        .exits(0);
    assert!(planned.out.contains("is lost to it"), "{}", planned.out);
    let back = lab.json(&["apply", "--plan", file, "--yes"]);
    assert_eq!(back["reached"], true);
    let told = back["plan"]["warnings"].to_string();
    assert!(told.contains("since its cutover began"), "{told}");

    let status = lab.status();
    assert_kept(&status, "ec2", &original);
    assert_eq!(instance(&lab, &status, "web-01"), InstanceState::Running);
    assert_aws_is_as_before(&before, &lab.observe());
    assert_eq!(vms(&lab.observe(), "web-01"), [(false, 0)]);
    assert_served_once(&lab, &original);
    lab.run(&["trace", "on-prem", "web-01"]).exits(0);
    // Again, it does nothing; the run stays reached, as it was.
    let again = lab.run(&["rollback", short, "--yes"]).exits(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    assert_eq!(state_of(&lab, &run)["state"], "reached");

    lab.apply(&["move"]);
    assert_kept(&lab.status(), "tokyo", &original);
    assert_served_once(&lab, &original);
    let mut found = vms(&lab.observe(), "web-01");
    found.sort_unstable();
    assert_eq!(found, [(false, 0), (true, 1)]);
    // What came later is rolled back first.
    let late = lab.run(&["rollback", short, "--yes", "--json"]).exits(4);
    let [obstacle] = late.obstacles().try_into().unwrap();
    assert_eq!(obstacle["why"]["reason"], "later-run");
    late.says(&[&format!("stayput rollback {}", newest_run(&lab))]);
}

#[test]
fn a_move_killed_before_its_routes_is_rolled_back_by_killed_rollbacks() {
    let lab = Lab::inside();
    let before = lab.observe();
    let original = addresses(&lab.status());
    let mut args = apply(&["move"]);
    args.extend(["--until", "cut-over"]);
    lab.json(&args);
    let run = newest_run(&lab);
    assert_eq!(state_of(&lab, &run)["state"], "open");

    let rollback = ["rollback", &run, "--yes"];
    for steps in [1, 14] {
        let under_way = UnderWay::start(&lab, &rollback);
        assert!(under_way.begins() && under_way.steps(steps));
        under_way.kill();
        assert_eq!(
            Fabric::new(&lab.estate(), &lab.observe()).served_twice(),
            BTreeMap::new()
        );
    }
    let back = lab.run(&rollback).exits(0);
    assert!(back.out.contains("rollback"), "{}", back.out);
    assert_kept(&lab.status(), "ec2", &original);
    assert_aws_is_as_before(&before, &lab.observe());
    assert_served_once(&lab, &original);
    let abandoned = state_of(&lab, &run);
    assert_eq!(abandoned["state"], "abandoned");
    let why = abandoned["why"].as_str().unwrap();
    assert!(why.starts_with("rolled back by run "), "{why}");
    // A rollback is not rolled back.
    let of_rollback = newest_run(&lab);
    lab.run(&["rollback", &of_rollback, "--yes"])
        .exits(4)
        .says(&["stayput apply move app db"]);

    lab.apply(&["move"]);
    assert_kept(&lab.status(), "tokyo", &original);
}

#[test]
fn a_planned_failover_killed_in_the_middle_is_rolled_back_to_its_home() {
    let lab = Lab::up(&["--speed", "2400", "--latency", "12"]);
    let original = addresses(&lab.status());
    let fast = serde_json::json!({ "speed": 20000 });
    lab.tell("/speed", &fast);
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    lab.tell("/speed", &serde_json::json!({ "speed": 2400 }));
    let under_way = UnderWay::start(&lab, &apply(&["failover", "--to", "osaka"]));
    // Both validations, and one network has come over.
    assert!(under_way.begins() && under_way.steps(3));
    assert!(under_way.kill());
    let run = newest_run(&lab);
    lab.tell("/speed", &fast);
    let rollback = ["rollback", &run, "--yes", "--json", "--quiet"];
    // Recovery plans run on, and what has come over needs a recovery point at home: each refusal says what to do.
    let mut refusals = 0;
    loop {
        let answer = lab.run(&rollback);
        if answer.code == 0 {
            break;
        }
        refusals += 1;
        assert!(refusals < 60, "{}", answer.err);
        let answer = answer.exits(4);
        let is_running = |obstacle: &Value| obstacle["why"]["reason"] == "recovery-runs";
        if !answer.obstacles().iter().any(is_running) {
            assert!(answer.out.contains("stayput apply protect app db"));
            lab.apply(&["protect"]);
        }
    }
    assert_kept(&lab.status(), "tokyo", &original);
    assert_served_once(&lab, &original);
    assert_eq!(state_of(&lab, &run)["state"], "abandoned");
    let again = lab.run(&["rollback", &run, "--yes"]).exits(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
}

#[test]
fn what_cannot_be_rolled_back_is_refused_with_a_reason_and_a_remedy() {
    let lab = Lab::inside();
    lab.json(&["capture"]);
    let captured = newest_run(&lab);
    let nothing = lab.run(&["rollback", &captured, "--yes"]).exits(0);
    assert!(
        nothing.out.contains("stays in the ledger"),
        "{}",
        nothing.out
    );
    lab.run(&["rollback", "nothing-like-it", "--yes"])
        .exits(2)
        .says(&["no run starts with"]);

    // Seeded only: nothing is left to take back, and the run is closed.
    let mut args = apply(&["move"]);
    args.extend(["--until", "seed"]);
    lab.json(&args);
    let run = newest_run(&lab);
    let seeded = lab.run(&["rollback", &run, "--yes"]).exits(0);
    assert!(
        seeded.out.contains("go on and are not changed"),
        "{}",
        seeded.out
    );
    assert_eq!(state_of(&lab, &run)["state"], "abandoned");

    lab.apply(&["move"]);
    let run = newest_run(&lab);
    let status = lab.status();
    let id = machine(&status, "web-02")["instance_id"].as_str().unwrap();
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        let mut regions = state.aws.regions.values_mut();
        let region = regions.find(|region| region.instances.contains_key(id));
        let instance = region.unwrap().instances.get_mut(id).unwrap();
        instance.state = InstanceState::Terminated;
    }
    let gone = lab.run(&["plan", "rollback", &run, "--json"]).exits(4);
    let [obstacle] = gone.obstacles().try_into().unwrap();
    assert_eq!(obstacle["why"]["reason"], "source-gone");
    // Nothing was changed.
    assert_eq!(lab.status()["traces_delivered"], status["traces_delivered"]);
}
