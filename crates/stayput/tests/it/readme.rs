//! The README shows the real output of the program.

use crate::lab::FAST;
use crate::lab::Lab;

/// The lines of the block of README.md that begins with `first`.
fn block(first: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let from = readme.find(&format!("```text\n{first}")).unwrap();
    let block = readme[from..].lines().skip(1);
    block
        .take_while(|line| *line != "```")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_plan_in_the_readme_matches_a_real_plan() {
    let lab = Lab::up(&["--speed", FAST]);
    let real = lab.run(&["plan", "move", "app", "db"]).exits(0).out;
    let mut lines = real.lines();
    let mut compared = 0;
    for shown in block("Plan: move app db") {
        if shown.trim() == "…" || shown.trim().is_empty() {
            continue;
        }
        assert!(
            lines.any(|line| line.trim_end() == shown.trim_end()),
            "README.md shows a line that the program does not print, or not there:\n{shown}\n\nThe program prints:\n{real}"
        );
        compared += 1;
    }
    assert!(compared > 20, "{compared} lines");
}
