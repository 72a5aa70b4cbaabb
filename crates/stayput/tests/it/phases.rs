//! A run phase by phase: it stops where requested, reads the world again before machines stop, and resumes from there.

use stayput_lab::mv::model::VmFault;

use crate::lab::Lab;
use crate::lab::apply;
use crate::process::Waiting;
use crate::world::addresses;
use crate::world::assert_kept;

/// The sites of all machines.
fn sites(lab: &Lab) -> Vec<String> {
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap().iter();
    machines
        .map(|machine| machine["site"].as_str().unwrap().to_owned())
        .collect()
}

fn with<'a>(goal: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = apply(goal);
    args.extend(more);
    args
}

/// Adds a secondary address to the interface that has `primary`, as a person could at any time.
fn assign(lab: &Lab, primary: &str, secondary: &str) {
    let state = lab.running().state();
    let mut state = state.lock().unwrap();
    let regions = state.aws.regions.values_mut();
    let mut enis = regions.flat_map(|region| region.enis.values_mut());
    let eni = enis.find(|eni| eni.primary.to_string() == primary).unwrap();
    eni.secondary.push(secondary.parse().unwrap());
}

#[test]
fn a_run_stopped_after_seeding_resumes_from_there() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    let seeded = lab.json(&with(&["move"], &["--until", "seed"]));
    assert_eq!(seeded["ok"], true);
    assert_eq!(seeded["reached"], false);
    assert_eq!(seeded["stopped_after"], "seed");
    assert!(sites(&lab).iter().all(|site| site == "ec2"));
    let runs = lab.json(&["journal"]);
    assert_eq!(runs["runs"][0]["state"]["state"], "open");

    let moved = lab.apply(&["move"]);
    assert_eq!(moved["reached"], true);
    assert_kept(&lab.status(), "tokyo", &original);
    let runs = lab.json(&["journal"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    assert_eq!(runs["runs"][0]["state"]["state"], "reached");
}

#[test]
fn an_address_assigned_during_seeding_stops_the_run_before_a_cutover() {
    let lab = Lab::inside();
    lab.json(&with(&["move"], &["--until", "seed"]));
    let seeding = lab.command(&with(
        &["move"],
        &["--cutover-after", "2100-01-01T00:00:00Z"],
    ));
    let waiting = Waiting::start(seeding);
    waiting.until("waits until");
    assign(&lab, "172.30.1.10", "172.30.1.100");
    // The first interrupt ends the wait; nothing is cut over.
    waiting.interrupt();
    let answer = waiting.end();
    assert_eq!(answer.code, 1, "{}", answer.err);
    answer.says(&["stopped on request"]);

    // The facts that were captured no longer hold: the plan that was approved is not what would be done now.
    let saved = lab.folder().join("plan.json");
    lab.run(&[
        "plan",
        "move",
        "app",
        "db",
        "--out",
        saved.to_str().unwrap(),
    ])
    .exits(0);
    assign(&lab, "172.30.1.11", "172.30.1.101");
    let stale = lab
        .run(&["apply", "--plan", saved.to_str().unwrap(), "--yes"])
        .exits(3);
    stale.says(&["capture"]);
    assert!(sites(&lab).iter().all(|site| site == "ec2"));

    // Applied again, the addresses are captured first and none is lost.
    lab.apply(&["move"]);
    let after = addresses(&lab.status());
    assert!(after.values().flatten().any(|one| one == "172.30.1.100"));
    assert!(after.values().flatten().any(|one| one == "172.30.1.101"));
}

#[test]
fn an_address_assigned_between_capture_and_cutover_exits_with_3() {
    let lab = Lab::inside();
    lab.json(&with(&["move"], &["--until", "seed"]));
    // Long enough that a loaded machine has started the command by then.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(15);
    let soon = soon.to_string();
    let waiting = Waiting::start(lab.command(&with(&["move"], &["--cutover-after", &soon])));
    waiting.until("waits until");
    assign(&lab, "172.30.1.10", "172.30.1.100");
    let answer = waiting.end();
    assert_eq!(answer.code, 3, "{}", answer.err);
    answer.says(&["web-01"]);
    assert!(sites(&lab).iter().all(|site| site == "ec2"));
}

#[test]
fn an_address_assigned_too_late_to_move_fails_the_move_until_it_is_recorded() {
    let lab = Lab::inside();
    lab.json(&with(&["move"], &["--until", "cut-over"]));
    assign(&lab, "172.30.1.10", "172.30.1.100");
    let plan = lab.run(&["plan", "move", "app", "db"]).exits(0).out;
    assert!(plan.contains("lacks 172.30.1.100"), "{plan}");
    for _ in 0..2 {
        lab.run(&apply(&["move"]))
            .exits(1)
            .says(&["web-01 lacks 172.30.1.100", "stayput capture --replace"]);
    }

    lab.json(&["capture", "--replace", "web-01", "--yes"]);
    lab.apply(&["move"]);
    let after = addresses(&lab.status());
    assert!(after.values().flatten().any(|one| one == "172.30.1.100"));
    // What is assigned to the old instance once the move is reached is shown, and no fault of the move.
    assign(&lab, "172.30.1.11", "172.30.1.101");
    let again = lab.json(&apply(&["move"]));
    assert!(
        again["plan"]["warnings"]
            .to_string()
            .contains("172.30.1.101"),
        "{again}"
    );
}

#[test]
fn a_test_failover_runs_its_recovery_plan_every_time() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let jobs = |lab: &Lab| lab.observe().prism[&"osaka".into()].jobs.len();
    let before = jobs(&lab);
    lab.apply(&["failover", "--to", "osaka", "--mode", "test"]);
    let first = jobs(&lab);
    lab.apply(&["failover", "--to", "osaka", "--mode", "test"]);
    let second = jobs(&lab);
    assert!(first > before);
    assert_eq!(second - first, first - before, "the same jobs again");
}

#[test]
fn an_open_run_that_another_goal_supersedes_is_closed_and_named() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    lab.json(&with(
        &["failover", "--to", "osaka"],
        &["--until", "prepare"],
    ));
    lab.apply(&["failover", "--to", "osaka", "--path", "a"]);
    lab.apply(&["failback"]);
    assert_kept(&lab.status(), "tokyo", &original);
    let runs = lab.json(&["journal"]);
    let runs = runs["runs"].as_array().unwrap();
    let open = runs.iter().filter(|run| run["state"]["state"] == "open");
    assert_eq!(open.count(), 0, "{runs:#?}");
}

#[test]
fn the_goal_of_an_abandoned_run_starts_a_new_run() {
    let lab = Lab::fast();
    lab.json(&with(&["move"], &["--until", "prepare"]));
    let runs = lab.json(&["journal"]);
    let id = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    lab.run(&["journal", "abandon", &id, "--why", "wrong window"])
        .exits(0);
    let shown = lab.run(&["journal"]).exits(0);
    assert!(shown.out.contains("wrong window"), "{}", shown.out);
    lab.apply(&["move"]);
    let runs = lab.json(&["journal"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn an_unreadable_time_is_wrong_usage_and_contacts_no_system() {
    let lab = Lab::fast();
    let before = lab.requests();
    lab.run(&with(&["move"], &["--cutover-after", "tomorrow"]))
        .exits(2)
        .says(&["--cutover-after tomorrow", "2026-12-01T02:00:00+09:00"]);
    assert_eq!(lab.requests(), before);
}

#[test]
fn a_failed_cutover_leaves_no_other_machine_without_addresses() {
    let lab = Lab::inside();
    let original = addresses(&lab.status());
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap();
    let report = machines.iter().find(|one| one["name"] == "report").unwrap();
    let report = report["instance_id"].as_str().unwrap().to_owned();
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        let faults = &mut state.moves[0].faults;
        faults.insert(report.clone(), VmFault::NoConsoleLink);
    }
    let failed = lab.run(&apply(&["move"])).exits(1);
    failed.says(&["report", "does not say which VM it became"]);

    let status = lab.status();
    let mut restored = 0;
    for machine in status["machines"].as_array().unwrap() {
        let id = machine["instance_id"].as_str().unwrap();
        if id == report {
            continue;
        }
        let mut has = crate::world::texts(&machine["addresses"]);
        has.sort();
        assert_eq!(machine["site"], "tokyo", "{machine}");
        assert_eq!(has, original[id], "{machine}");
        restored += 1;
    }
    assert_eq!(restored, original.len() - 1);
}
