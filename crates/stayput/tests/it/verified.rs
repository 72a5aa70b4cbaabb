//! A goal is called reached only when every machine that ran before runs, is reached, and nothing else answers for it.

use crate::lab::Lab;
use crate::lab::apply;
use crate::process::until;
use crate::world::addresses;
use crate::world::assert_kept;

/// Starts or stops the instance of a machine in EC2, and waits until it is so.
fn instance(lab: &Lab, order: &str, machine: &str) {
    let is_so = until(|| {
        let answer = lab.manage(&["instance", order, machine]);
        answer.out.contains("was already")
    });
    assert!(is_so, "{order} {machine}");
}

fn run_state(lab: &Lab) -> serde_json::Value {
    lab.json(&["journal"])["runs"][0]["state"]["state"].clone()
}

#[test]
fn a_machine_that_is_served_twice_keeps_the_run_open() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    let mut routed = apply(&["move"]);
    routed.extend(["--until", "route"]);
    lab.json(&routed);

    // Started again by a person after its copy had got the addresses.
    instance(&lab, "start", "web-01");
    let refused = lab.run(&apply(&["move"])).exits(4);
    refused.says(&["web-01", "served twice", "aws ec2 stop-instances"]);
    let status = lab.run(&["status"]).exits(0).out;
    assert!(status.contains("served twice"), "{status}");
    assert_eq!(run_state(&lab), "open");
    instance(&lab, "stop", "web-01");

    // As after a cutover that Move had to repeat.
    lab.manage(&["vm", "off", "web-01", "--site", "tokyo"]);
    let moved = lab.run(&apply(&["move"])).exits(0);
    moved.says(&["web-01 keeps its addresses; powered on if off"]);
    assert_eq!(run_state(&lab), "reached");
    assert_kept(&lab.status(), "tokyo", &original);
    let on = lab.manage(&["vm", "on", "web-01", "--site", "tokyo"]);
    assert!(on.out.contains("was already"), "{}", on.out);
}

#[test]
fn a_machine_that_is_off_after_its_failover_keeps_the_run_open() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.run(&apply(&["move"])).exits(0);
    lab.run(&apply(&["protect"])).exits(0);
    let failover = apply(&["failover", "--to", "osaka"]);
    let mut routed = failover.clone();
    routed.extend(["--until", "route"]);
    lab.json(&routed);

    lab.manage(&["vm", "off", "web-01", "--site", "osaka"]);
    lab.manage(&[
        "fault",
        "add",
        "--refuse=403",
        "--call=POST */power-on",
        "--forever",
    ]);
    let failed = lab.run(&failover).exits(1);
    failed.says(&["web-01", "powered on if off"]);
    assert_eq!(run_state(&lab), "open");
    lab.manage(&["fault", "clear"]);
    lab.run(&failover).exits(0);
    assert_eq!(run_state(&lab), "reached");
    assert_kept(&lab.status(), "osaka", &original);
}
