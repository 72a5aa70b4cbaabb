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

#[test]
fn a_ledger_is_copied_to_a_table_and_its_run_goes_on_there() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    let original = addresses(&lab.json(&["status", "--all"]));
    lab.json(&apply(&["move", "--until", "seed"]));
    let host = Host::in_tokyo(&lab, "one");
    host.json(&["ledger", "init"]);
    let to = host.file.to_str().unwrap();
    let copied = lab.json(&["ledger", "copy", "--to", to]);
    assert!(copied["records"].as_u64().unwrap() > 12, "{copied}");
    assert_eq!(
        host.json(&["ledger", "verify"]),
        lab.json(&["ledger", "verify"])
    );
    assert_eq!(addresses(&host.json(&["status", "--all"])), original);
    // The run that was begun is finished from the table.
    host.json(&apply(&["move"]));
    assert_kept(&host.json(&["status", "--all"]), "tokyo", &original);
    let runs = host.json(&["journal"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs:#}");
    lab.run(&["ledger", "copy", "--to", to])
        .exits(1)
        .says(&["has records already", "another file or table"]);
    lab.run(&[
        "ledger",
        "copy",
        "--to",
        lab.estate_file().to_str().unwrap(),
    ])
    .exits(2)
    .says(&["the same ledger"]);
}

#[test]
fn a_ledger_that_was_copied_in_part_is_not_used() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    let host = Host::in_tokyo(&lab, "one");
    host.json(&["ledger", "init"]);
    lab.fault(&json!({ "service": "dynamodb", "call": "PutItem", "nth": 5, "refuse": 403, "forever": true }));
    let to = host.file.to_str().unwrap();
    assert_ne!(lab.run(&["ledger", "copy", "--to", to]).code, 0);
    for args in [
        ["status"].as_slice(),
        &["ledger", "verify"],
        &["plan", "move", "app", "db"],
    ] {
        host.run(args)
            .exits(1)
            .says(&["copied into this one", "a new ledger"]);
    }
    lab.json(&["ledger", "verify"]);
}

#[test]
fn an_exported_ledger_is_verified_and_imported_into_an_empty_one() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    lab.json(&apply(&["move"]));
    let folder = lab.folder().join("export.jsonl");
    let file = folder.to_str().unwrap();
    let exported = lab.json(&["ledger", "export", file]);
    let verified = lab.json(&["ledger", "verify", "--export", file]);
    assert_eq!(verified["records"], exported["records"]);
    lab.run(&["ledger", "export", file]).exits(2);
    let ledger = "kind = \"sqlite\"\npath = \"other.db\"\n";
    let other = Host::new(&lab, "two", ledger);
    other.json(&["ledger", "import", file]);
    assert_eq!(
        other.json(&["ledger", "verify"]),
        lab.json(&["ledger", "verify"])
    );
    assert_eq!(other.json(&["journal"]), lab.json(&["journal"]));
    other
        .run(&["ledger", "import", file])
        .exits(1)
        .says(&["has records already"]);
    // One character of one address.
    let text = std::fs::read_to_string(&folder).unwrap();
    let altered = text.replacen("172.30.3.10", "172.30.3.12", 1);
    assert!(altered != text);
    let changed = lab.folder().join("changed.jsonl");
    std::fs::write(&changed, altered).unwrap();
    let third = Host::new(&lab, "three", ledger);
    for args in [
        ["ledger", "verify", "--export", changed.to_str().unwrap()].as_slice(),
        &["ledger", "import", changed.to_str().unwrap()],
    ] {
        third.run(args).exits(2).says(&["line "]);
    }
    assert_eq!(third.json(&["ledger", "verify"])["records"], 0);
    let estate = std::fs::read_to_string(&third.file).unwrap();
    let estate = estate.replacen("name = \"", "name = \"not-", 1);
    std::fs::write(&third.file, estate).unwrap();
    third
        .run(&["ledger", "import", file])
        .exits(2)
        .says(&["is of estate"]);
}
