//! The README shows the real output of the program.

use std::net::Ipv4Addr;

use crate::lab::FAST;
use crate::lab::Lab;
use crate::lab::stayput;

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

/// The words of a line without those that differ from run to run: durations, and what Move and AHV choose (pool and MAC addresses).
fn stable_words(line: &str) -> Vec<&str> {
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')']))
        .collect();
    let is_unit =
        |word: Option<&&str>| word.is_some_and(|word| ["ms", "s", "min", "h"].contains(word));
    let is_chosen = |word: &str| {
        let of_pool = word
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.octets()[3] > FIXED);
        of_pool || word.starts_with("50:6b:8d:")
    };
    let stable = words.iter().enumerate().filter(|(at, word)| {
        !is_unit(Some(word)) && !is_unit(words.get(at + 1)) && !is_chosen(word)
    });
    stable.map(|(_, word)| *word).collect()
}

/// The last octet of the highest address that a machine of the lab's scenario has; higher ones are of DHCP pools.
const FIXED: u8 = 111;

#[test]
fn the_demo_in_the_readme_matches_a_real_demo() {
    let output = stayput().arg("demo").output().unwrap();
    assert!(output.status.success());
    let real = String::from_utf8(output.stdout).unwrap();
    let mut lines = real.lines();
    let mut compared = 0;
    for shown in block("$ stayput lab up") {
        let shown_words = stable_words(&shown);
        if shown_words.iter().all(|word| *word == "…") {
            continue;
        }
        // The path of the lab's folder is omitted.
        let is_same = |line: &str| match shown_words.split_last() {
            Some((&"…", start)) => stable_words(line).starts_with(start),
            _ => stable_words(line) == shown_words,
        };
        assert!(
            lines.any(is_same),
            "README.md shows a line that the demo does not print, or not there:\n{shown}\n\nThe demo prints:\n{real}"
        );
        compared += 1;
    }
    assert!(compared > 30, "{compared} lines");
}
