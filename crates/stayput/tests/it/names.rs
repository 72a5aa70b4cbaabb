//! Names that other people chose: no text of another system moves the cursor, hides text, or forges a line.

use crate::lab::FAST;
use crate::lab::Lab;

/// A control sequence, a reordered text, and a line that looks like one of a plan.
const NAME: &str = "web\u{9b}2K\u{202e}10\n  1 + nothing is changed";

#[test]
fn names_of_other_systems_forge_no_line_and_move_no_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hostile.toml");
    let scenario = r#"
extends = "tokyo-osaka"
summary = "a hostile name"

[[machines]]
key = "web-01"
name = "web\u009b2K\u202e10\n  1 + nothing is changed"
disk-gib = 30
tags = { Wave = "1" }
nics = [{ subnet = "legacy/app", address = "172.30.1.10" }]
"#;
    std::fs::write(&file, scenario).unwrap();
    let lab = Lab::up(&["--speed", FAST, "--scenario", file.to_str().unwrap()]);
    lab.json(&["capture"]);
    let journal = lab.json(&["journal"]);
    let run = journal["runs"][0]["id"].as_str().unwrap().to_owned();
    let questions: [&[&str]; 6] = [
        &["status", "--all"],
        &["plan", "move", "app", "db"],
        &["plan", "move", "app", "db", "--explain", "1"],
        &["trace", "on-prem", "172.30.1.10"],
        &["journal", &run],
        &["plan", "failover", "app", "db", "--to", "osaka"],
    ];
    let mut seen = 0;
    for question in questions {
        let text = lab.run(question);
        let all = format!("{}{}", text.out, text.err);
        for harmful in ["\u{9b}", "\u{202e}", "\u{1b}", "\n  1 + nothing is changed"] {
            assert!(!all.contains(harmful), "{question:?} has {harmful:?}");
        }
        seen += all
            .matches("\\u{9b}2K\\u{202e}10\\u{a}  1 + nothing")
            .count();
        // Programs get the name as it is, in a text that is safe to show.
        let mut args = question.to_vec();
        args.push("--json");
        let json = lab.run(&args);
        assert!(
            !json.out.contains('\u{9b}') && !json.out.contains('\u{202e}'),
            "{question:?}"
        );
        json.json();
    }
    assert!(seen >= 3, "the name was shown {seen} times");
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap();
    assert!(
        machines.iter().any(|machine| machine["name"] == NAME),
        "{status}"
    );
}
