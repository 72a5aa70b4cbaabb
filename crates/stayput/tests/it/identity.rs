//! The identity of machines: deleted, terminated, restarted or linked by hand, and commands for one machine.

use serde_json::Value;
use serde_json::json;
use stayput_estate::SiteName;
use stayput_lab::aws::model::InstanceState;

use crate::lab::Answer;
use crate::lab::Lab;
use crate::world::addresses;

/// The instance id of a machine by its name.
fn id_of(status: &Value, name: &str) -> String {
    let mut machines = status["machines"].as_array().unwrap().iter();
    let machine = machines.find(|machine| machine["name"] == name).unwrap();
    machine["instance_id"].as_str().unwrap().to_owned()
}

/// The VM that a machine is.
fn vm_of(status: &Value, name: &str) -> String {
    let mut machines = status["machines"].as_array().unwrap().iter();
    let machine = machines.find(|machine| machine["name"] == name).unwrap();
    machine["vm"].as_str().unwrap().to_owned()
}

/// The lab's count of requests.
fn requests(lab: &Lab) -> Value {
    lab.ask("/status")["requests"].clone()
}

/// Sets the state of an instance, as a person could in EC2. One that is terminated loses its interfaces.
fn set_state(lab: &Lab, id: &str, to: InstanceState) {
    let state = lab.running().state();
    let mut state = state.lock().unwrap();
    let mut regions = state.aws.regions.values_mut();
    let region = regions.find(|region| region.instances.contains_key(id));
    let region = region.unwrap();
    let instance = region.instances.get_mut(id).unwrap();
    instance.state = to;
    if to == InstanceState::Terminated {
        for eni in std::mem::take(&mut instance.enis).into_values() {
            region.enis.remove(&eni);
        }
    }
}

/// Deletes a VM, as a person could in Prism Central.
fn delete_vm(lab: &Lab, site: &str, vm: &str) {
    let state = lab.running().state();
    let mut state = state.lock().unwrap();
    let mut pcs = state.pcs.iter_mut();
    let pc = pcs.find(|pc| pc.name == site).unwrap();
    pc.vms.remove(vm).unwrap();
}

/// A plan that is refused for these kinds of obstacle only.
#[track_caller]
fn refused(lab: &Lab, goal: &[&str], kind: &str) -> Answer {
    let mut args = vec!["plan"];
    args.extend(goal);
    args.push("--json");
    let answer = lab.run(&args).exits(4);
    for obstacle in answer.obstacles() {
        assert_eq!(obstacle["obstacle"], kind, "{obstacle}");
    }
    answer
}

#[test]
fn a_terminated_machine_is_retired_and_the_others_move() {
    let lab = Lab::inside();
    lab.json(&["capture"]);
    let id = id_of(&lab.status(), "web-02");
    set_state(&lab, &id, InstanceState::Terminated);
    let goal = ["move", "app", "db"];
    refused(&lab, &goal, "lost").says(&["web-02", &format!("stayput retire {id}")]);

    let retired = lab.json(&[
        "retire",
        "web-02",
        "--why",
        "terminated by mistake",
        "--yes",
    ]);
    assert_eq!(retired["machine"], id);
    assert_eq!(retired["why"], "terminated by mistake");
    lab.run(&["retire", "web-02", "--yes"])
        .exits(2)
        .says(&["no machine `web-02` is in the ledger"]);
    let plan = lab.json(&["plan", "move", "app", "db"]);
    assert!(!plan.to_string().contains(&id), "{plan}");
}

#[test]
fn a_running_machine_is_not_retired_and_confirmation_needs_a_terminal() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    let id = id_of(&lab.status(), "web-01");
    let answer = lab.run(&["retire", &id, "--yes", "--json"]).exits(4);
    answer.says(&["web-01", "its EC2 instance in ap-northeast-1 runs"]);
    assert_eq!(answer.json()["error"]["kind"], "obstacles");
    // A machine that is off may be retired after confirmation.
    lab.run(&["retire", "report"])
        .exits(2)
        .says(&["no terminal to confirm on"]);
    lab.run(&["retire", "batch", "--yes"])
        .exits(2)
        .says(&["2 machines in the ledger are called `batch`", "instance id"]);
    // None of these wrote anything.
    assert_eq!(lab.status()["machines"].as_array().unwrap().len(), 12);
    let forced = lab.json(&["retire", &id, "--yes", "--force"]);
    let instance = forced["remains"].as_array().unwrap().iter();
    assert!(instance.last().is_some_and(|one| one["state"] == "on"));
}

#[test]
fn a_deleted_vm_is_not_recreated_and_may_be_retired() {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    let status = lab.status();
    let (id, vm) = (id_of(&status, "web-01"), vm_of(&status, "web-01"));
    delete_vm(&lab, "tokyo", &vm);
    for goal in [&["move", "app", "db"][..], &["protect", "app", "db"]] {
        refused(&lab, goal, "vm-deleted").says(&[
            "web-01",
            "has been deleted",
            &format!("stayput retire {id}"),
        ]);
    }
    // It was deleted on purpose: its stopped instance and disk stay in EC2, and are not moved.
    lab.json(&["retire", &id, "--yes", "--why", "replaced"]);
    let plan = lab.json(&["plan", "move", "app", "db"]);
    assert_eq!(plan["plan"]["steps"], json!([]), "{plan}");
    let machines = lab.status()["machines"].clone();
    assert!(!machines.to_string().contains(&id), "{machines}");
    // Capturing it again restores it with its facts.
    set_state(&lab, &id, InstanceState::Running);
    lab.json(&["capture"]);
    refused(&lab, &["move", "app", "db"], "vm-deleted");
}

#[test]
fn a_restarted_source_blocks_routing_and_is_shown_in_status() {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let id = id_of(&lab.status(), "web-01");
    set_state(&lab, &id, InstanceState::Running);
    let stop = format!("aws ec2 stop-instances --instance-ids {id}");
    for goal in [
        &["move", "app", "db"][..],
        &["failover", "app", "db", "--to", "osaka"],
    ] {
        refused(&lab, goal, "source-runs").says(&["served twice", &stop]);
    }
    let shown = lab.run(&["status", "--all"]).exits(0).out;
    assert!(shown.contains("served twice"), "{shown}");
    let plan = lab.run(&["plan", "protect", "app", "db"]).exits(0).out;
    assert!(plan.contains(&stop), "{plan}");
    set_state(&lab, &id, InstanceState::Stopped);
    lab.run(&["plan", "failover", "app", "db", "--to", "osaka"])
        .exits(0);
}

#[test]
fn adopt_needs_only_the_prism_central_of_its_site() {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    lab.apply(&["failover", "--to", "osaka"]);
    let status = lab.status();
    let (id, vm) = (id_of(&status, "web-01"), vm_of(&status, "web-01"));

    let before = requests(&lab);
    let mut adopt = lab.command(&["adopt", "web-01", "--vm", &vm, "--site", "osaka", "--json"]);
    // Not even credentials of other systems.
    for variable in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "MOVE_USERNAME",
        "MOVE_PASSWORD",
    ] {
        adopt.env_remove(variable);
    }
    adopt.env("HOME", lab.folder());
    let answer = Answer::new("adopt".to_owned(), adopt.output().unwrap()).exits(0);
    let adopted = answer.json();
    assert_eq!(adopted["machine"], id);
    assert_eq!(adopted["site"], "osaka");
    assert_eq!(adopted["addresses"], adopted["captured"]);
    let left = adopted["left"].to_string();
    for says in [
        "stayput apply failover app db --to osaka",
        "stayput apply clean-up app db --site tokyo",
        "must stay stopped",
    ] {
        assert!(left.contains(says), "{left}");
    }
    let after = requests(&lab);
    let asked = after.as_object().unwrap().iter();
    let asked: Vec<_> = asked
        .filter(|(service, count)| before[service.as_str()] != **count)
        .map(|(service, _)| service.as_str())
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("osaka"), "{asked:?}");
}

#[test]
fn clean_up_removes_only_the_former_vms_of_a_returned_site() {
    let lab = Lab::inside();
    let original = addresses(&lab.status());
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let others = |lab: &Lab| {
        let world = lab.observe();
        let tokyo = &world.prism[&SiteName::from("tokyo")];
        tokyo.vms.keys().cloned().collect::<Vec<_>>()
    };
    let before = others(&lab).len();
    lab.apply(&[
        "failover",
        "--to",
        "osaka",
        "--mode",
        "unplanned",
        "--lost",
        "tokyo",
    ]);
    // Inside Tokyo the former VM answers, which is not the machine.
    let former = lab.run(&["trace", "nc2:tokyo", "web-01"]).exits(1);
    assert!(former.out.contains("any more"), "{}", former.out);
    let args = [
        "plan", "clean-up", "app", "db", "--site", "tokyo", "--remove",
    ];
    let plan = lab.run(&args).exits(0).out;
    for address in ["172.30.1.10", "172.30.3.10"] {
        assert!(plan.contains(address), "{plan}");
    }
    let done = lab.apply(&["clean-up", "--site", "tokyo", "--remove"]);
    // One was off already.
    assert_eq!(done["steps"].as_array().unwrap().len(), 11 + 12);
    assert_eq!(others(&lab).len(), before - 12);
    let status = lab.status();
    assert_eq!(addresses(&status), original);
    assert_eq!(status["obstacles"], json!([]));
    let again = lab.run(&args).exits(0).out;
    assert!(again.contains("Nothing to do"), "{again}");
}

#[test]
fn facts_of_a_moved_machine_change_only_on_request() {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    let id = id_of(&lab.status(), "web-01");
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        let regions = state.aws.regions.values_mut();
        let mut enis = regions.flat_map(|region| region.enis.values_mut());
        let eni = enis.find(|eni| eni.primary.to_string() == "172.30.1.10");
        eni.unwrap().secondary.push("172.30.1.100".parse().unwrap());
    }
    let captured = lab.json(&["capture"]);
    assert_eq!(captured["changed"], false);
    let warnings = captured["plan"]["warnings"].to_string();
    let command = format!("stayput capture --replace {id}");
    assert!(warnings.contains(&command), "{warnings}");
    lab.run(&["capture", "--replace", "web-01"])
        .exits(2)
        .says(&["no terminal to confirm on"]);

    let replaced = lab.json(&["capture", "--replace", "web-01", "--yes"]);
    let differences = &replaced["differences"][&id];
    assert_eq!(differences[0]["fact"], "interfaces", "{differences}");
    assert!(
        differences[0]["observed"]
            .to_string()
            .contains("172.30.1.100")
    );
    let again = lab.json(&["capture", "--replace", "web-01", "--yes"]);
    assert_eq!(again["changed"], false);
    // It still must run: EC2 only reports that its instance is stopped.
    let expected = lab.json(&["expect", "web-01", "running"]);
    assert_eq!(expected["changed"], false);
    let expected = lab.json(&["expect", "web-01", "off"]);
    assert_eq!(
        (&expected["must_run"], &expected["changed"]),
        (&json!(false), &json!(true))
    );
    // The machine has one address less than its recorded facts.
    let plan = lab.json(&["plan", "move", "app", "db"]);
    let steps = plan["plan"]["steps"].to_string();
    assert!(steps.contains(&format!("restore/tokyo/{id}")), "{steps}");
}

#[test]
fn only_the_site_an_unplanned_failover_leaves_can_be_lost() {
    let lab = Lab::fast();
    let before = lab.requests();
    let failover = ["plan", "failover", "app", "db", "--to", "osaka"];
    for (more, says) in [
        (
            &["--lost", "tokyo"][..],
            "--lost is for unplanned failovers",
        ),
        (
            &["--mode", "unplanned", "--lost", "osaka"],
            "does not leave osaka",
        ),
        (
            &["--mode", "unplanned", "--lost", "kyoto"],
            "no NC2 site `kyoto`",
        ),
    ] {
        let mut args = failover.to_vec();
        args.extend(more);
        lab.run(&args).exits(2).says(&[says]);
    }
    assert_eq!(lab.requests(), before);
}
