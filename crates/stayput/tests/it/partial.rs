//! Systems that do not answer, refuse us, or answer with errors: what answers is shown and used, and only goals that need the rest are refused.

use serde_json::Value;
use serde_json::json;

use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;

/// A fault of every call that matches.
fn always(mut rule: Value) -> Value {
    rule["forever"] = json!(true);
    rule
}

#[test]
fn capture_and_looking_need_no_system_but_those_they_are_about() {
    let lab = Lab::fast();
    lab.fault(&always(json!({ "service": "prism", "refuse": 403 })));
    lab.fault(&always(json!({ "service": "move", "not-sent": true })));
    let captured = lab.json(&["capture"]);
    assert_eq!(captured["changed"], true);
    assert_eq!(lab.facts().machines.len(), 12);

    let status = lab.status();
    let unobserved = status["unobserved"].as_array().unwrap();
    assert_eq!(unobserved.len(), 3, "{unobserved:#?}");
    assert_eq!(status["machines"].as_array().unwrap().len(), 12);
    let shown = lab.run(&["status"]).exits(0).out;
    for system in [
        "Prism Central of tokyo",
        "Prism Central of osaka",
        "Move of tokyo",
    ] {
        let mut lines = shown.lines().filter(|line| line.contains(system));
        assert!(
            lines.any(|line| line.contains("is unknown")),
            "{system}: {shown}"
        );
    }
    let trace = lab.run(&["trace", "on-prem", "172.30.1.34"]).exits(0);
    assert!(trace.out.contains("delivered at ec2"), "{}", trace.out);
    let file = lab.folder().join("world.json");
    lab.run(&["world", "save", file.to_str().unwrap()]).exits(0);
    let saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(saved["world"]["unobserved"].as_array().unwrap().len(), 3);
    // A goal that needs them names all of them at once.
    lab.run(&["plan", "move", "app", "db"]).exits(4).says(&[
        "Prism Central of tokyo was not observed: it refuses",
        "Move of tokyo was not observed: it does not answer",
    ]);
}

/// An unplanned failover may take a silent region for lost, and no other: on-prem's packets enter where the region works.
#[test]
fn a_region_that_answers_other_calls_is_not_silent() {
    let lab = Lab::fast();
    let of = |call: &str| {
        lab.fault(&always(json!({
            "service": "ec2", "region": "ap-northeast-1", "call": call, "not-sent": true,
        })));
        let status = lab.status();
        let unobserved = status["unobserved"].as_array().unwrap();
        let mut regions = unobserved.iter().filter(|one| one["silence"].is_string());
        let silence = regions.next().unwrap()["silence"].clone();
        lab.clear_faults();
        silence
    };
    assert_eq!(of("DescribeNetworkInterfaces"), "faulty");
    assert_eq!(of("*"), "silent");
}

#[test]
fn silent_systems_of_a_lost_site_are_not_asked_after_each_phase() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let silent = always(json!({ "service": "prism", "site": "tokyo", "not-sent": true }));
    lab.fault(&silent);
    let goal = goal_of(&["--to", "osaka", "--mode", "unplanned", "--lost", "tokyo"]);
    let done = lab.run(&apply(&goal)).exits(0);
    let phases = done.err.matches("phase ").count();
    assert!(phases >= 3, "{}", done.err);
    // When the plan is made and before the run is called done; the verification says nothing of it.
    let asked = done
        .err
        .matches("Prism Central of tokyo could not be read")
        .count();
    assert_eq!(asked, 2, "{}", done.err);
    assert!(done.out.contains("does not answer"), "{}", done.out);
}

#[test]
fn a_failover_asks_the_old_site_and_needs_no_move() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let goal = ["failover", "app", "db", "--to", "osaka"];
    let unplanned =
        |more: &[&'static str]| [&["plan"], &goal[..], &["--mode", "unplanned"], more].concat();

    // Refused by Prism Central is not dead.
    lab.fault(&always(
        json!({ "service": "prism", "site": "tokyo", "refuse": 403 }),
    ));
    lab.run(&unplanned(&[])).exits(4).says(&[
        "Prism Central of tokyo was not observed: it refuses",
        "--lost tokyo",
    ]);
    lab.clear_faults();
    // Nor does an error of the region excuse the fence.
    lab.fault(&always(
        json!({ "service": "prism", "site": "tokyo", "not-sent": true }),
    ));
    lab.fault(&always(
        json!({ "service": "ec2", "region": "ap-northeast-1", "refuse": 500 }),
    ));
    lab.run(&unplanned(&[]))
        .exits(4)
        .says(&["ap-northeast-1", "--lost tokyo"]);
    let plan = lab.run(&unplanned(&["--lost", "tokyo"])).exits(0).out;
    assert!(
        plan.contains("To know:") && plan.contains("tokyo"),
        "{plan}"
    );
    let plan = lab.json(&unplanned(&["--lost", "tokyo"]));
    let warnings = plan["plan"]["warnings"].as_array().unwrap();
    assert!(!warnings.is_empty(), "{plan}");
    lab.clear_faults();

    // The validation of one network fails: no machine of any stops.
    let validate = json!({ "service": "prism", "site": "osaka", "call": "POST *validate*", "nth": 2, "task": "fails" });
    lab.fault(&validate);
    lab.run(&apply(&goal_of(&["--to", "osaka"]))).exits(1);
    lab.clear_faults();
    assert_kept(&lab.status(), "tokyo", &original);

    // A drill whose check and clean-up both fail tells both.
    lab.fault(&always(
        json!({ "service": "prism", "site": "osaka", "call": "GET *vms/{id}", "refuse": 403 }),
    ));
    lab.fault(&always(
        json!({ "service": "prism", "site": "osaka", "call": "POST *clean-up*", "refuse": 403 }),
    ));
    let failed = lab
        .run(&apply(&goal_of(&["--to", "osaka", "--mode", "test"])))
        .exits(1);
    failed.says(&["; then ", "clean"]);
    lab.clear_faults();
    let drill = lab.apply(&["failover", "--to", "osaka", "--mode", "test"]);
    assert_eq!(drill["reached"], true);

    // The machines have moved: Move may be down, and gone from the file.
    lab.fault(&always(json!({ "service": "move", "refuse": 403 })));
    let done = lab.run(&apply(&goal_of(&["--to", "osaka"]))).exits(0).out;
    // What was expected and found is shown with the result.
    let counts =
        "verified at osaka: 11 of 11 machines that must run do, 15 of 15 addresses are reached";
    assert!(done.contains(counts), "{done}");
    assert_kept(&lab.status(), "osaka", &original);
    assert_eq!(
        lab.facts()
            .newest
            .values()
            .filter(|site| site.as_str() == "osaka")
            .count(),
        12
    );
    let text = std::fs::read_to_string(lab.estate_file()).unwrap();
    let kept: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("move = "))
        .collect();
    let without = lab.lab_dir().join("without-move.toml");
    std::fs::write(&without, kept.join("\n")).unwrap();
    let file = without.to_str().unwrap();
    lab.run(&["--file", file, "plan", "failback", "app", "db"])
        .exits(0);
}

/// A failover with these options.
fn goal_of<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["failover"], options].concat()
}
