//! `stayput lab`: up, twice, down, and its status.

use std::process::Stdio;

use stayput_lab::Endpoints;

use crate::lab::Answer;
use crate::lab::Lab;
use crate::lab::stayput;
use crate::process::signal;
use crate::process::until;

fn run(args: &[&str]) -> Answer {
    let output = stayput().args(args).output().unwrap();
    Answer::new(args.join(" "), output)
}

#[test]
fn a_lab_is_started_once_shown_and_stopped() {
    let mut lab = Lab::fast();
    let dir = lab.lab_dir().to_str().unwrap().to_owned();
    run(&["lab", "up", "--dir", &dir])
        .exits(1)
        .says(&["is running in", "stayput lab down --dir"]);

    let status = run(&["lab", "status", "--dir", &dir, "--json"])
        .exits(0)
        .json();
    assert_eq!(status["scenario"], "tokyo-osaka");
    assert_eq!(status["machines"], 12);
    assert_eq!(status["pid"], lab.endpoints().pid);
    let shown = run(&["lab", "status", "--dir", &dir]).exits(0).out;
    assert!(shown.contains(&lab.endpoints().aws), "{shown}");

    let env = run(&["lab", "env", "--dir", &dir]).exits(0).out;
    for (name, value) in lab.endpoints().env() {
        assert!(
            env.contains(&format!("export {name}='{value}'")),
            "{name} is not in\n{env}"
        );
    }

    lab.down();
    assert!(Endpoints::read(lab.lab_dir()).is_err());
    for command in ["down", "status", "env"] {
        let answer = run(&["lab", command, "--dir", &dir]).exits(1);
        answer.says(&["no lab is running in", "stayput lab up"]);
    }
    // The folder may be used again; nothing is left in it of the machines of the first.
    run(&["lab", "up", "--dir", &dir]).exits(0);
    run(&["lab", "down", "--dir", &dir]).exits(0);
}

#[test]
fn the_files_of_a_lab_without_a_process_are_removed() {
    let lab = Lab::fast();
    let dir = lab.lab_dir().to_str().unwrap().to_owned();
    let file = lab.lab_dir().join("lab.json");
    let said = std::fs::read(&file).unwrap();
    run(&["lab", "down", "--dir", &dir]).exits(0);
    // As a lab that was killed leaves it.
    std::fs::write(&file, said).unwrap();
    let down = run(&["lab", "down", "--dir", &dir, "--json"])
        .exits(0)
        .json();
    assert_eq!(down["was_running"], false);
    assert!(!file.exists());
}

#[cfg(unix)]
#[test]
fn a_foreground_lab_stops_on_request_without_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("lab");
    let mut lab = stayput();
    lab.args(["lab", "up", "--foreground", "--dir"])
        .arg(&folder);
    let mut lab = lab
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(until(|| Endpoints::read(&folder).is_ok()));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(signal(lab.id(), "TERM"));
    let ended = until(|| lab.try_wait().unwrap().is_some());
    if !ended {
        lab.kill().unwrap();
    }
    assert!(ended, "it is still running");
    assert!(lab.wait().unwrap().success());
}

#[test]
fn scenarios_are_listed_and_unknown_ones_are_refused() {
    let scenarios = run(&["lab", "scenarios", "--json"]).exits(0).json();
    let scenarios = scenarios["scenarios"].as_array().unwrap();
    let names: Vec<_> = scenarios
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"tokyo-osaka") && names.contains(&"dmz-obstacle"),
        "{names:?}"
    );
    assert!(
        scenarios
            .iter()
            .all(|scenario| !scenario["summary"].as_str().unwrap().is_empty())
    );

    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let unknown = run(&["lab", "up", "--dir", dir, "--scenario", "kyoto"]).exits(2);
    unknown.says(&["kyoto", "tokyo-osaka"]);
    assert!(Endpoints::read(std::path::Path::new(dir)).is_err());
}

#[test]
fn an_invalid_option_is_refused_with_its_range() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("stayput.db");
    std::fs::write(&ledger, "of an earlier lab").unwrap();
    let dir = dir.path().to_str().unwrap();
    let refused = [
        ("--machines=0", "1 to 10012 machines"),
        ("--machines=10013", "1 to 10012 machines"),
        ("--speed=-1", "0.001 to 1000000 virtual seconds a second"),
        ("--speed=NaN", "0.001 to 1000000 virtual seconds a second"),
        ("--speed=1e9", "0.001 to 1000000 virtual seconds a second"),
        ("--speed=1e-9", "0.001 to 1000000 virtual seconds a second"),
        ("--latency=600001", "0 to 600000 ms"),
        ("--latency=18446744073709551615", "0 to 600000 ms"),
    ];
    for (option, range) in refused {
        for foreground in [&[][..], &["--foreground"]] {
            let args = [&["lab", "up", "--dir", dir, option], foreground].concat();
            run(&args).exits(2).says(&[range]);
        }
    }
    for unreadable in ["--speed=fast", "--latency=-1", "--machines=many"] {
        run(&["lab", "up", "--dir", dir, unreadable]).exits(2);
    }
    // A refused command does not clear the folder.
    assert!(ledger.exists());
    assert!(Endpoints::read(std::path::Path::new(dir)).is_err());
}

#[test]
fn a_lab_that_watches_its_input_ends_when_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("lab");
    let mut lab = stayput();
    lab.args(["lab", "up", "--foreground", "--until-stdin-closes", "--dir"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut lab = lab.spawn().unwrap();
    assert!(until(|| Endpoints::read(&folder).is_ok()));
    let dir = folder.to_str().unwrap();
    run(&["lab", "status", "--dir", dir]).exits(0);
    drop(lab.stdin.take());
    let ended = until(|| lab.try_wait().unwrap().is_some());
    if !ended {
        lab.kill().unwrap();
    }
    assert!(ended, "it is still running");
    assert!(lab.wait().unwrap().success());
    assert!(Endpoints::read(&folder).is_err());
    // Without --foreground there is nothing to watch.
    run(&["lab", "up", "--until-stdin-closes", "--dir", dir]).exits(2);
}

#[test]
fn a_simulation_goes_on_from_what_its_file_remembers() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("told.json");
    let file = file.to_str().unwrap();
    let simulate = |seeds: &str| {
        run(&[
            "lab", "simulate", "--seeds", seeds, "--state", file, "--json",
        ])
    };
    let first = simulate("11..12").exits(0).json();
    assert_eq!(first["runs_completed"], 1);
    let remembered = std::fs::read_to_string(file).unwrap();

    // Nothing is left to tell, so that nothing is measured either.
    assert_eq!(simulate("11..12").exits(0).json(), first);
    assert_eq!(std::fs::read_to_string(file).unwrap(), remembered);

    simulate("11..13")
        .exits(2)
        .says(&["remembers other stories: seeds 11..12", "seeds 11..13"]);
    std::fs::write(file, "{}").unwrap();
    simulate("11..12").exits(2).says(&["is no file of --state"]);
}
