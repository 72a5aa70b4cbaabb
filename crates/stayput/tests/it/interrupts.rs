//! Ctrl-C and a journal that is read while its run is in progress.

use serde_json::json;

use crate::lab::Lab;
use crate::lab::apply;
use crate::process::Waiting;
use crate::process::until;

/// A move that is copying disks, which takes minutes at this speed.
fn seeding(lab: &Lab) -> Waiting {
    let run = Waiting::start(lab.command(&apply(&["move"])));
    run.until("phase seed");
    run
}

#[test]
fn an_interrupted_run_says_what_continues_and_both_errors() {
    let lab = Lab::up(&["--speed", "60"]);
    let run = seeding(&lab);
    // Its journal says that it is in progress, with names and durations.
    let listed = lab.run(&["journal"]).exits(0).out;
    let holder = format!("process {}", run.id());
    assert!(
        listed.contains("open; the estate is locked by") && listed.contains(&holder),
        "{listed}"
    );
    let id = listed.split_whitespace().next().unwrap().to_owned();
    let is_shown = until(|| lab.run(&["journal", &id]).out.contains("it is in progress"));
    let shown = lab.run(&["journal", &id]).exits(0).out;
    assert!(is_shown && shown.contains(&holder), "{shown}");
    let captured = shown
        .lines()
        .find(|line| line.contains("capture 12 machines into the ledger: done ("));
    assert!(captured.is_some(), "{shown}");
    // What was known of the plan when it was approved.
    for known in [
        "a plan of 38 steps was approved",
        "2 holes for on-prem:",
        "! machines left in the EC2 VPC cannot reach network app",
    ] {
        assert!(shown.contains(known), "no `{known}` in {shown}");
    }

    run.interrupt();
    let answer = run.end();
    assert_eq!(answer.code, 1, "{}", answer.err);
    answer.says(&[
        "stopping: no new steps, waiting for calls in flight; interrupt again to stop now",
        "stopped on request",
        "continues without stayput: replication",
        "run the same command again to resume from here",
    ]);

    // While a call is in flight, only the second interrupt ends it.
    let run = seeding(&lab);
    lab.fault(&json!({ "service": "move", "kind": "read", "hang": true, "forever": true }));
    assert!(until(
        || lab.ask("/faults")["faults"][0]["hits"].as_u64() > Some(0)
    ));
    run.interrupt();
    run.until("interrupt again to stop now");
    run.interrupt();
    assert_eq!(run.end().code, 130);
    lab.clear_faults();

    // The journal cannot be written either: both are said.
    let run = seeding(&lab);
    let asked = || -> u64 {
        let requests = lab.ask("/status")["requests"].clone();
        let counts = requests.as_object().unwrap().values();
        counts.map(|count| count.as_u64().unwrap()).sum()
    };
    // Both steps only watch Move by then.
    let before = asked();
    assert!(until(|| asked() > before + 60));
    std::fs::remove_file(lab.lab_dir().join("stayput.db")).unwrap();
    run.interrupt();
    let answer = run.end();
    assert_eq!(answer.code, 1, "{}", answer.err);
    answer.says(&[
        "the operation continues; then ",
        "was deleted or replaced while it was open",
    ]);
}
