//! The ledger in a DynamoDB table: created, checked, shared by folders that have nothing else in common.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::kill::SLOW;
use crate::kill::UnderWay;
use crate::lab::Answer;
use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;

/// A folder of a host of its own, with the lab's estate file and the ledger in a table.
struct Host<'l> {
    lab: &'l Lab,
    file: PathBuf,
}

impl<'l> Host<'l> {
    fn new(lab: &'l Lab, name: &str, ledger: &str) -> Self {
        let folder = lab.folder().join(name);
        std::fs::create_dir(&folder).unwrap();
        for file in std::fs::read_dir(lab.lab_dir()).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|kind| kind == "pem") {
                std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
            }
        }
        let text = std::fs::read_to_string(lab.estate_file()).unwrap();
        let (before, rest) = text.split_once("[ledger]").unwrap();
        let after = rest.split_once("\n[").unwrap().1;
        let file = folder.join("stayput.toml");
        std::fs::write(&file, format!("{before}[ledger]\n{ledger}\n[{after}")).unwrap();
        Self { lab, file }
    }

    fn in_tokyo(lab: &'l Lab, name: &str) -> Self {
        let ledger = "kind = \"dynamodb\"\ntable = \"stayput\"\nregion = \"ap-northeast-1\"\n";
        Self::new(lab, name, ledger)
    }

    fn with_file<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--file", self.file.to_str().unwrap()]].concat()
    }

    fn run(&self, args: &[&str]) -> Answer {
        self.lab.run(&self.with_file(args))
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.lab.json(&self.with_file(args))
    }
}

#[test]
fn the_table_is_created_once_and_then_holds_everything() {
    let lab = Lab::fast();
    let host = Host::in_tokyo(&lab, "one");
    host.run(&["status"])
        .exits(1)
        .says(&["there is no DynamoDB table stayput", "stayput ledger init"]);
    assert_eq!(host.json(&["ledger", "init"])["created"], true);
    assert_eq!(host.json(&["ledger", "init"])["created"], false);
    host.json(&["capture"]);
    let original = addresses(&host.json(&["status", "--all"]));
    // Answers to writes that were made are lost, and writes are lost before they were made.
    for rule in [
        json!({ "service": "dynamodb", "call": "PutItem", "nth": 9, "lose-answer": true, "close": true }),
        json!({ "service": "dynamodb", "call": "PutItem", "nth": 17, "lose-request": true, "close": true }),
        json!({ "service": "dynamodb", "call": "PutItem", "nth": 25, "refuse": 500 }),
        json!({ "service": "dynamodb", "call": "Query", "nth": 12, "refuse": 500, "times": 2 }),
    ] {
        lab.fault(&rule);
    }
    host.json(&apply(&["move"]));
    assert_kept(&host.json(&["status", "--all"]), "tokyo", &original);
    let verified = host.json(&["ledger", "verify"]);
    assert_eq!(verified["machines"], 12);
    assert_eq!(verified["runs"], 2);
    // Another folder finds all of it; the lab's own file has none of it.
    let other = Host::in_tokyo(&lab, "two");
    assert_eq!(other.json(&["ledger", "verify"]), verified);
    assert!(lab.facts().machines.is_empty());
}

#[test]
fn a_table_that_is_not_strongly_consistent_is_not_used_in_two_regions() {
    let lab = Lab::fast();
    Host::in_tokyo(&lab, "one").json(&["ledger", "init"]);
    let ledger = "kind = \"dynamodb\"\ntable = \"stayput\"\nregion = \"ap-northeast-1\"\nother-regions = [\"ap-northeast-3\"]\n";
    let both = Host::new(&lab, "two", ledger);
    both.run(&["status"]).exits(1).says(&[
        "has no replica in ap-northeast-3",
        "use a table of one region",
    ]);
}

#[test]
fn a_run_that_was_suspended_is_finished_from_another_folder_and_does_nothing_more() {
    let lab = Lab::up(&SLOW);
    let (first, second) = (Host::in_tokyo(&lab, "one"), Host::in_tokyo(&lab, "two"));
    first.json(&["ledger", "init"]);
    let original = addresses(&first.json(&["status", "--all"]));
    let run = UnderWay::start(&lab, &first.with_file(&apply(&["move"])));
    assert!(run.begins() && run.steps(4));
    // While the first one lives, it is refused at its first sign of life.
    let refused = second.run(&apply(&["move"])).exits(5);
    assert!(refused.err.contains("another"), "{}", refused.err);
    std::thread::sleep(Duration::from_millis(500));
    run.signal("STOP");
    // It shows none any more: the lease is taken over when it has shown none for its length.
    second.json(&apply(&["move"]));
    run.signal("CONT");
    assert_ne!(run.ends(), Some(0), "it learns that its lease is lost");
    assert_kept(&first.json(&["status", "--all"]), "tokyo", &original);
    let runs = second.json(&["journal"]);
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "the same run went on: {runs:#?}");
    assert_eq!(runs[0]["state"]["state"], "reached");
}
