//! The command-line interface, recorded so that every change of it is visible.

use std::fmt::Write;

use crate::lab::Answer;
use crate::lab::stayput;

fn run(args: &[&str]) -> Answer {
    let output = stayput().args(args).output().unwrap();
    Answer::new(args.join(" "), output)
}

/// Commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.is_empty())
        // Continued lines are indented further.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .map(str::to_owned)
        .collect()
}

fn describe(path: &[&str], text: &mut String) {
    let mut args = path.to_vec();
    args.push("--help");
    let help = run(&args).exits(0).out;
    let _ = writeln!(
        text,
        "## stayput {}\n\n{}\n",
        path.join(" "),
        help.trim_end()
    );
    for command in commands(&help) {
        let mut path = path.to_vec();
        path.push(&command);
        describe(&path, text);
    }
}

/// Regenerate with `INSTA_UPDATE=always cargo test -p stayput --test it`.
#[test]
fn the_help_of_every_command_is_unchanged() {
    let mut text = String::new();
    describe(&[], &mut text);
    assert!(text.contains("## stayput apply failover"), "{text}");
    insta::assert_snapshot!("help", text);
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [
        &[][..],
        &["mvoe"],
        &["plan"],
        &["plan", "move"],
        &["apply", "failover", "app"],
        &[
            "apply", "failover", "app", "--to", "osaka", "--mode", "hasty",
        ],
        &["status", "--colour"],
    ] {
        let answer = run(args).exits(2);
        assert!(answer.err.contains("--help") || answer.err.contains("Usage: stayput"));
    }
}

#[test]
fn the_version_is_that_of_the_crate() {
    let version = run(&["--version"]).exits(0);
    assert_eq!(
        version.out,
        format!("stayput {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_schema_is_json_and_the_example_file_is_valid() {
    let schema = run(&["config", "schema"]).exits(0).json();
    assert!(schema["properties"]["networks"].is_object(), "{schema}");
    let example = run(&["config", "init"]).exits(0).out;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stayput.toml");
    std::fs::write(&file, example).unwrap();
    let check = ["config", "check", "--file", file.to_str().unwrap()];
    run(&check).exits(2).says(&["ca.pem cannot be read"]);
    std::fs::write(dir.path().join("ca.pem"), "").unwrap();
    run(&check).exits(0);
}

#[test]
fn completions_and_man_pages_contain_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).exits(0).out;
        assert!(script.contains("failover"), "{shell}");
    }
    let dir = tempfile::tempdir().unwrap();
    run(&["man", dir.path().to_str().unwrap()]).exits(0);
    let page = std::fs::read_to_string(dir.path().join("stayput.1")).unwrap();
    assert!(page.contains("stayput"));
    assert!(dir.path().join("stayput-apply-failover.1").exists());
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_place_of_the_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stayput.toml");
    std::fs::write(&file, run(&["config", "init"]).exits(0).out).unwrap();
    let elsewhere = dir.path().join("elsewhere.db");
    std::os::unix::fs::symlink(&elsewhere, dir.path().join("stayput.db")).unwrap();
    let journal = run(&["journal", "--file", file.to_str().unwrap()]).exits(1);
    journal.says(&["stayput.db", "symbolic link"]);
    assert!(!elsewhere.exists());
}
