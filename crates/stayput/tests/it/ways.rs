//! Other ways to move than a whole network in planned operation: canaries, path B, a lost cluster.

use serde_json::Value;
use serde_json::json;

use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;

/// The nodes a packet from on-prem passes to an address, and where it is delivered.
fn trace(lab: &Lab, address: &str) -> String {
    let answer = lab.run(&["trace", "on-prem", address]);
    answer.exits(0).out
}

#[test]
fn a_canary_moves_first_and_the_whole_move_includes_it() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.apply(&["move", "app", "--canary", "web-01"]);
    assert!(trace(&lab, "172.30.1.10").contains("delivered at tokyo"));
    assert!(trace(&lab, "172.30.1.34").contains("delivered at ec2"));

    // A failover is refused while the routes of a canary exist.
    lab.run(&["plan", "failover", "app", "db", "--to", "osaka"])
        .exits(4)
        .says(&["172.30.1.10/32, inside app", "stayput apply move app"]);

    let moved = lab.apply(&["move", "app", "db"]);
    let removed = moved["steps"].as_array().unwrap().iter();
    let removed = removed.filter(|step| step["step"].as_str().unwrap().ends_with("/32/absent"));
    assert!(removed.count() > 0, "{moved}");
    assert_kept(&lab.status(), "tokyo", &original);
    let again: Value = lab.json(&["plan", "move", "app", "db"]);
    assert_eq!(again["plan"]["steps"].as_array().unwrap().len(), 0);
}

#[test]
fn path_b_routes_on_prem_into_the_recovery_region_until_failback() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.apply(&["move", "app", "db"]);
    lab.apply(&["protect", "app", "db"]);
    lab.apply(&["failover", "app", "db", "--to", "osaka", "--path", "b"]);
    assert_kept(&lab.status(), "osaka", &original);
    let way = trace(&lab, "172.30.1.34");
    assert!(
        way.contains("osaka-vpn") && !way.contains("edge tokyo-vpn"),
        "{way}"
    );
    lab.apply(&["failback", "app", "db"]);
    assert_kept(&lab.status(), "tokyo", &original);
    let way = trace(&lab, "172.30.1.34");
    assert!(
        way.contains("edge tokyo-vpn") && !way.contains("/25"),
        "{way}"
    );
}

#[test]
fn machines_of_a_lost_cluster_start_at_the_other_site() {
    let lab = Lab::fast();
    lab.apply(&["move", "app", "db"]);
    lab.apply(&["protect", "app", "db"]);
    // Tokyo's Prism Central and Move no longer answer.
    let estate = std::fs::read_to_string(lab.estate_file()).unwrap();
    let tokyo = estate.split("[sites.tokyo]").nth(1).unwrap();
    let urls: Vec<_> = tokyo
        .split("[networks")
        .next()
        .unwrap()
        .split("https://")
        .skip(1)
        .map(|rest| format!("https://{}", rest.split('"').next().unwrap()))
        .collect();
    let gone: Vec<_> = urls
        .iter()
        .map(|url| (url.as_str(), "https://127.0.0.1:9"))
        .collect();
    let estate = lab.edited("lost.toml", &gone);
    let estate = estate.to_str().unwrap();
    let failover = [
        "failover",
        "app",
        "db",
        "--to",
        "osaka",
        "--mode",
        "unplanned",
    ];

    let mut planned = vec![
        "--file", estate, "plan", "failover", "app", "db", "--to", "osaka",
    ];
    lab.run(&planned).exits(4).says(&[
        "Prism Central of tokyo was not observed: it does not answer",
        "fail over with --mode unplanned",
    ]);
    planned.extend(["--mode", "unplanned"]);
    let plan = lab.run(&planned).exits(0).out;
    assert!(
        plan.contains("→ blackhole") && plan.contains("stayput apply clean-up app db --site tokyo"),
        "{plan}"
    );

    let mut args = vec!["--file", estate, "apply"];
    args.extend(failover);
    args.push("--yes");
    lab.run(&args)
        .exits(0)
        .says(&["Prism Central of tokyo could not be read"]);
    assert!(trace(&lab, "172.30.1.34").contains("delivered at osaka"));
    let mut again = vec!["--file", estate, "plan"];
    again.extend(failover);
    assert!(lab.run(&again).exits(0).out.contains("Nothing to do"));
}

#[test]
fn a_returned_cluster_is_powered_off_before_failback() {
    let lab = Lab::inside();
    let original = addresses(&lab.status());
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    // Tokyo answers, and its machines run: that alone refuses an unplanned failover.
    let networks = [
        "failover",
        "app",
        "db",
        "--to",
        "osaka",
        "--mode",
        "unplanned",
    ];
    let mut refused = vec!["plan"];
    refused.extend(networks);
    lab.run(&refused).exits(4).says(&[
        "Prism Central of tokyo answers, and 11 machines are not off there",
        "--lost tokyo",
    ]);
    // It is declared lost although it answers, and its machines keep running.
    let lost = [
        "failover",
        "--to",
        "osaka",
        "--mode",
        "unplanned",
        "--lost",
        "tokyo",
    ];
    lab.apply(&lost);
    let journal = lab.journal();
    let verified = journal.iter().find(|entry| entry["step"] == "verify/osaka");
    let verified = &verified.unwrap()["observed"][0]["verification"];
    assert_eq!(verified["expected"], 11, "{verified}");
    assert_eq!(verified["found"], 11);
    assert_eq!(verified["delivered"], 15);
    let mut again = refused;
    again.extend(["--lost", "tokyo"]);
    assert!(lab.run(&again).exits(0).out.contains("Nothing to do"));

    // The location of the machines is known, and also which VMs must not keep running.
    let status = lab.status();
    assert_eq!(addresses(&status), original);
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(machine["site"], "osaka", "{machine}");
    }
    assert_eq!(status["traces_delivered"], 15);
    let twice = status["obstacles"].as_array().unwrap();
    assert_eq!(twice.len(), 11, "one was off: {twice:#?}");
    lab.run(&["plan", "failback", "app", "db"]).exits(4).says(&[
        "served twice",
        "stayput apply clean-up",
        "--site tokyo",
    ]);
    lab.apply(&["clean-up", "--site", "tokyo"]);
    assert_kept(&lab.status(), "osaka", &original);
    lab.apply(&["failback"]);
    assert_kept(&lab.status(), "tokyo", &original);
}

#[test]
fn copies_of_a_test_that_was_given_up_do_not_block_the_next_one() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let test = ["failover", "--to", "osaka", "--mode", "test"];
    lab.fault(&json!({
        "service": "prism", "site": "osaka", "call": "POST *clean-up-resources", "refuse": 403, "forever": true,
    }));
    lab.run(&apply(&test)).exits(1);
    lab.clear_faults();
    let runs = lab.json(&["journal"]);
    let run = runs["runs"][0]["id"].as_str().unwrap();
    lab.json(&["journal", "abandon", run]);
    lab.apply(&test);
}
