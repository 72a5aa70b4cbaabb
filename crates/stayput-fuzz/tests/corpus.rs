//! Every target with every file of its corpus, and with mutations of each: the same in every run.
//!
//! `STAYPUT_CASES=1000` is the number of mutations of each file instead of a few.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use stayput_fuzz::TARGETS;
use stayput_fuzz::Target;
use stayput_fuzz::mutate;

/// The longest mutation, in bytes.
const BYTES_MAX: usize = 128 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The names of the files in a folder of `fuzz`, without hidden ones.
fn names(folder: &str) -> BTreeSet<String> {
    let inside = fs::read_dir(fuzz().join(folder)).unwrap();
    inside
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

/// Says which input it was, if the target panics.
struct Given<'a> {
    target: &'a str,
    file: &'a str,
    seed: Option<u64>,
    bytes: &'a [u8],
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self {
                target,
                file,
                seed,
                bytes,
            } = self;
            let kept = std::env::temp_dir().join(format!("stayput-fuzz-{target}"));
            let kept = fs::write(&kept, bytes).map(|()| kept);
            eprintln!("target {target}, file {file}, seed of the mutation {seed:?}; {kept:?}");
        }
    }
}

fn give(target: &Target, file: &str, seed: Option<u64>, bytes: &[u8]) {
    let _given = Given {
        target: target.name,
        file,
        seed,
        bytes,
    };
    (target.run)(bytes);
}

/// Gives a target its corpus, and so many mutations of each file.
fn run(name: &str, mutations: u64) {
    let mutations = std::env::var("STAYPUT_CASES")
        .ok()
        .map_or(mutations, |cases| cases.parse().unwrap());
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let folder = format!("corpus/{name}");
    let files = names(&folder);
    assert!(!files.is_empty(), "{name} has no corpus");
    for file in &files {
        let bytes = fs::read(fuzz().join(&folder).join(file)).unwrap();
        give(target, file, None, &bytes);
        for seed in 0..mutations {
            let mutated = mutate(&bytes, seed, BYTES_MAX);
            give(target, file, Some(seed), &mutated);
        }
    }
}

#[test]
fn answers_of_aws_and_mutations_of_them_are_decoded_without_a_panic() {
    run("aws", 3);
}

#[test]
fn estate_files_and_mutations_of_them_are_read_without_a_panic() {
    run("config", 60);
}

#[test]
fn requests_to_the_emulated_aws_and_mutations_are_answered_without_a_panic() {
    run("lab_aws", 10);
}

#[test]
fn requests_to_the_emulated_move_and_mutations_are_answered_without_a_panic() {
    run("lab_move", 10);
}

#[test]
fn requests_to_the_emulated_prism_central_and_mutations_are_answered_without_a_panic() {
    run("lab_prism", 10);
}

#[test]
fn rows_of_the_ledger_and_mutations_of_them_are_read_without_a_panic() {
    run("ledger", 20);
}

#[test]
fn answers_of_move_and_mutations_of_them_are_decoded_without_a_panic() {
    run("mv", 10);
}

#[test]
fn plan_files_and_mutations_of_them_are_read_without_a_panic() {
    run("plan", 10);
}

#[test]
fn answers_of_prism_central_and_mutations_of_them_are_decoded_without_a_panic() {
    run("prism", 5);
}

#[test]
fn fault_rules_and_mutations_of_them_are_read_without_a_panic() {
    run("rule", 20);
}

#[test]
fn scenario_files_and_mutations_of_them_are_read_without_a_panic() {
    run("scenario", 20);
}

#[test]
fn saved_worlds_and_mutations_of_them_are_read_and_planned_on_without_a_panic() {
    run("world", 10);
}

#[test]
fn every_target_has_a_corpus_and_a_program_of_its_name() {
    let targets: BTreeSet<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names("corpus"), targets);
    let programs = targets.iter().map(|name| format!("{name}.rs"));
    assert_eq!(names("fuzz_targets"), programs.collect());
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let named = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"))
        .filter_map(|rest| rest.strip_suffix(".rs\""));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), targets);
}
