//! The whole content, in another ledger and in a file.

use std::sync::Arc;

use stayput_estate::InstanceId;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::MemoryLedger;
use stayput_ledger::Outcome;
use stayput_ledger::Record;
use stayput_ledger::SqliteLedger;
use stayput_ledger::Who;
use stayput_ledger::content;
use stayput_ledger::from_lines;
use stayput_ledger::is_copy;
use stayput_ledger::replay;
use stayput_ledger::to_lines;
use stayput_world::GuestCapture;

use crate::fixture::at;
use crate::fixture::goal;
use crate::fixture::kim;
use crate::fixture::one;
use crate::fixture::step;

/// Writes something of each kind.
async fn fill(ledger: &dyn Ledger) {
    let (web, who) = (InstanceId::from("i-1"), Who::from("lee@desk"));
    let mut machines = one("i-1", "172.30.1.10");
    machines.extend(one("i-2", "172.30.1.11"));
    ledger.put_machines(&machines, at(0), &kim()).await.unwrap();
    let guest = GuestCapture {
        document: "stayput-capture".to_owned(),
        version: "3".to_owned(),
        hash: "c0ffee".to_owned(),
        output: "{\"a\":\"\u{202e}\"}\n".to_owned(),
    };
    let guests = [("i-2".into(), guest.clone()), ("i-4".into(), guest)].into();
    ledger.put_guests(&guests, at(0), &kim()).await.unwrap();
    let (tokyo, osaka) = ("tokyo".into(), "osaka".into());
    let vm = "vm-a".into();
    ledger
        .put_vm(&web, &tokyo, &vm, at(9), &kim())
        .await
        .unwrap();
    let was = [(osaka, "vm-b".into())].into();
    ledger
        .put_returned(&web, &was, at(3), &kim())
        .await
        .unwrap();
    let gone = InstanceId::from("i-2");
    ledger.retire(&gone, at(4), &kim(), "gone").await.unwrap();
    // Two runs whose attempts alternate; one with the goal of a run that has ended.
    for (id, network) in [("run-1", "app"), ("run-2", "db")] {
        ledger
            .open_run(&goal(network), &id.into(), &who, at(5))
            .await
            .unwrap();
    }
    let doubt = Outcome::InDoubt {
        error: "no answer".to_owned(),
    };
    for (run, outcome) in [
        ("run-1", Some(doubt)),
        ("run-2", Some(Outcome::Done)),
        ("run-1", None),
    ] {
        let (run, step) = (run.into(), step("route"));
        let attempt = ledger
            .begin_attempt(&run, &step, &who, &1.into(), at(6))
            .await
            .unwrap();
        ledger.observe(attempt.sequence, &2.into()).await.unwrap();
        if let Some(outcome) = outcome {
            ledger
                .conclude(attempt.sequence, &outcome, at(7))
                .await
                .unwrap();
        }
    }
    ledger.close_run(&"run-2".into(), at(8)).await.unwrap();
    ledger
        .open_run(&goal("db"), &"run-3".into(), &who, at(9))
        .await
        .unwrap();
    let run = "run-1".into();
    ledger
        .abandon_run(&run, at(9), &who, "given up")
        .await
        .unwrap();
}

async fn is_alike(one: &dyn Ledger, other: &dyn Ledger) {
    assert_eq!(one.facts().await.unwrap(), other.facts().await.unwrap());
    let machines = one.machines().await.unwrap();
    assert_eq!(machines.len(), 3);
    assert_eq!(machines, other.machines().await.unwrap());
    assert_eq!(
        one.guests(&machines).await.unwrap(),
        other.guests(&machines).await.unwrap()
    );
    let runs = other.runs().await.unwrap().into_iter();
    let runs: Vec<_> = runs.filter(|run| !is_copy(run)).collect();
    assert_eq!(one.runs().await.unwrap(), runs);
    assert_eq!(content(one).await.unwrap(), content(other).await.unwrap());
    // The next attempt has the next number, and the request id of the attempt in doubt.
    let who = Who::from("kim@desk");
    for ledger in [one, other] {
        let (run, step) = ("run-3".into(), step("route"));
        let attempt = ledger
            .begin_attempt(&run, &step, &who, &1.into(), at(9))
            .await;
        assert_eq!(attempt.unwrap().number, 1);
    }
}

pub async fn the_content_of_a_ledger_gives_another_ledger_like_it(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    fill(&*ledger).await;
    let records = content(&*ledger).await.unwrap();
    let text = to_lines("tokyo-osaka", at(10), &records).unwrap();
    let (header, read) = from_lines("export.jsonl", &text).unwrap();
    assert_eq!((header.estate.as_str(), header.at), ("tokyo-osaka", at(10)));
    assert_eq!(read, records);
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteLedger::open(&dir.path().join("other.db")).unwrap();
    replay(&file, &read, &Who::from("kim@desk"), at(11))
        .await
        .unwrap();
    is_alike(&*ledger, &file).await;
    let memory = MemoryLedger::new();
    let again = content(&file).await.unwrap();
    let kim = Who::from("kim@desk");
    replay(&memory, &again, &kim, at(12)).await.unwrap();
    assert!(matches!(
        replay(&memory, &read, &kim, at(13)).await,
        Err(LedgerError::NotEmpty)
    ));
    assert!(matches!(
        replay(&*ledger, &read, &kim, at(13)).await,
        Err(LedgerError::NotEmpty)
    ));
}

/// An export with some lines.
fn exported() -> String {
    let ledger = MemoryLedger::new();
    let records: Vec<Record> = futures::executor::block_on(async {
        fill(&ledger).await;
        content(&ledger).await.unwrap()
    });
    to_lines("tokyo-osaka", at(10), &records).unwrap()
}

#[test]
fn a_line_of_an_export_that_is_changed_missing_or_added_is_noticed() {
    let text = exported();
    let lines: Vec<&str> = text.lines().collect();
    let refused = |lines: &[&str]| from_lines("export.jsonl", &lines.join("\n")).unwrap_err();
    for number in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(number);
        refused(&without);
        let mut twice = lines.clone();
        twice.insert(number, lines[number]);
        refused(&twice);
        let changed = lines[number].replace("172.30.1.1", "172.30.1.2");
        if changed != lines[number] {
            let mut lines = lines.clone();
            lines[number] = &changed;
            let error = refused(&lines);
            let is_named = matches!(&error, LedgerError::NotAnExport { why, .. } if why.contains(&format!("line {}", number + 1)));
            assert!(is_named, "{error:?}");
        }
    }
    let error = refused(&lines[..lines.len() - 1]);
    let is_short =
        matches!(&error, LedgerError::NotAnExport { why, .. } if why.contains("records"));
    assert!(is_short, "{error:?}");
}

#[test]
fn a_file_that_is_no_export_is_refused() {
    for text in ["", "{}", "no JSON", "{\"content\":{},\"chain\":\"\"}"] {
        from_lines("notes.txt", text).unwrap_err();
    }
    let newer = exported().replace("\"stayput_ledger\":1", "\"stayput_ledger\":9");
    // Its checksum is that of the format of this build.
    assert!(matches!(
        from_lines("export.jsonl", &newer),
        Err(LedgerError::NotAnExport { .. })
    ));
}

#[test]
fn a_copy_that_was_interrupted_is_not_taken_for_a_whole_ledger() {
    futures::executor::block_on(async {
        let (ledger, into) = (MemoryLedger::new(), MemoryLedger::new());
        fill(&ledger).await;
        let mut records = content(&ledger).await.unwrap();
        // A record that cannot be written, as the last one.
        records.push(Record::Observed {
            sequence: stayput_ledger::Sequence(i64::MIN),
            observed: 1.into(),
        });
        let kim = Who::from("kim@desk");
        replay(&into, &records, &kim, at(11)).await.unwrap_err();
        let runs = into.runs().await.unwrap();
        assert!(runs.iter().any(|run| is_copy(run) && run.is_open()));
    });
}
