//! `stayput demo` as a process: what it refuses, and what happens to its lab however it ends. `article.rs` and `story.rs` test its content.

use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use stayput_lab::Endpoints;
use tempfile::TempDir;

use crate::lab::Answer;
use crate::lab::stayput;
use crate::process::is_running;
use crate::process::signal;
use crate::process::until;

/// The slowest speed of a demo, so that it is still in progress when a test ends it.
const SLOW: &str = "1";

fn demo(dir: &Path, args: &[&str]) -> Command {
    let mut command = stayput();
    command.args(["demo", "--quiet", "--dir"]).arg(dir);
    command.args(args);
    command
}

/// A running demo, and the process of its lab.
struct UnderWay {
    demo: Child,
    lab: u32,
    dir: TempDir,
}

impl UnderWay {
    fn start(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut demo = demo(dir.path(), &["--speed", SLOW])
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lab = None;
        let is_up = until(|| {
            lab = Endpoints::read(dir.path()).ok();
            lab.is_some() || demo.try_wait().unwrap().is_some()
        });
        assert!(is_up);
        let lab = lab.expect("the demo ended before its lab was up").pid;
        assert!(is_running(lab));
        Self { demo, lab, dir }
    }
}

#[test]
fn an_impossible_speed_is_refused_with_the_range() {
    let dir = tempfile::tempdir().unwrap();
    for speed in ["0", "-1", "0.5", "NaN", "inf", "1000001", "1e300"] {
        let output = demo(dir.path(), &[&format!("--speed={speed}")])
            .output()
            .unwrap();
        let refused = Answer::new(format!("demo --speed={speed}"), output).exits(2);
        refused.says(&["speed", "1 to 1000000 virtual seconds a second"]);
    }
    let nothing = std::fs::read_dir(dir.path()).unwrap().next().is_none();
    assert!(nothing, "something was started");
}

#[test]
fn an_impossible_number_of_machines_is_refused_with_the_range() {
    let dir = tempfile::tempdir().unwrap();
    for machines in ["0", "10013", "18446744073709551615"] {
        let output = demo(dir.path(), &["--machines", machines])
            .output()
            .unwrap();
        let refused = Answer::new(format!("demo --machines {machines}"), output).exits(2);
        refused.says(&["1 to 10012 machines"]);
    }
    assert!(Endpoints::read(dir.path()).is_err());
}

#[test]
fn a_demo_of_one_machine_reports_only_its_network() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), &["--machines", "1", "--json"])
        .output()
        .unwrap();
    let report = Answer::new("demo --machines 1".to_owned(), output)
        .exits(0)
        .json();
    assert_eq!(report["kept"], 1, "{report}");
    assert_eq!(report["total"], 1, "{report}");
    assert!(Endpoints::read(dir.path()).is_err());
}

#[cfg(unix)]
#[test]
fn the_lab_of_a_demo_that_is_killed_ends_with_it() {
    let mut under_way = UnderWay::start(&[]);
    under_way.demo.kill().unwrap();
    under_way.demo.wait().unwrap();
    assert!(
        until(|| !is_running(under_way.lab)),
        "process {} is still running",
        under_way.lab
    );
    assert!(Endpoints::read(under_way.dir.path()).is_err());
}

#[cfg(unix)]
#[test]
fn an_interrupted_demo_says_so_and_leaves_no_lab_behind() {
    for name in ["INT", "TERM"] {
        let under_way = UnderWay::start(&[]);
        assert!(signal(under_way.demo.id(), name));
        let output = under_way.demo.wait_with_output().unwrap();
        if name == "INT" {
            Answer::new("demo".to_owned(), output)
                .exits(1)
                .says(&["interrupted"]);
        }
        assert!(
            until(|| !is_running(under_way.lab)),
            "after SIG{name} process {} is still running",
            under_way.lab
        );
        assert!(Endpoints::read(under_way.dir.path()).is_err());
    }
}

#[cfg(unix)]
#[test]
fn the_lab_of_a_demo_that_keeps_it_outlives_the_demo() {
    let under_way = UnderWay::start(&["--keep"]);
    assert!(signal(under_way.demo.id(), "INT"));
    let output = under_way.demo.wait_with_output().unwrap();
    Answer::new("demo --keep".to_owned(), output).exits(1);
    assert!(is_running(under_way.lab));
    let mut down = stayput();
    down.args(["lab", "down", "--json", "--dir"])
        .arg(under_way.dir.path());
    let down = Answer::new("lab down".to_owned(), down.output().unwrap()).exits(0);
    assert_eq!(down.json()["was_running"], true);
    assert!(until(|| !is_running(under_way.lab)));
}
