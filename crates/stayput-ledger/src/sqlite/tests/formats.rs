use std::fs;

use super::*;
use crate::MachineChange;
use crate::RunState;

/// The tables of format 1, as its builds made them.
const FORMAT_1: &str = "
CREATE TABLE machine (id TEXT PRIMARY KEY, facts TEXT NOT NULL, captured TEXT NOT NULL) STRICT;
CREATE TABLE vm (machine TEXT NOT NULL, site TEXT NOT NULL, vm TEXT NOT NULL, seen TEXT NOT NULL,
    PRIMARY KEY (machine, site)) STRICT;
CREATE TABLE run (id TEXT PRIMARY KEY, goal TEXT NOT NULL, who TEXT NOT NULL, started TEXT NOT NULL, finished TEXT) STRICT;
CREATE TABLE journal (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run(id), step TEXT NOT NULL,
    at TEXT NOT NULL, intent TEXT NOT NULL, outcome TEXT) STRICT;
CREATE INDEX journal_by_run ON journal (run, step);
CREATE TABLE observation (sequence INTEGER NOT NULL REFERENCES journal(sequence), observed TEXT NOT NULL) STRICT;
CREATE INDEX observation_by_entry ON observation (sequence);
PRAGMA user_version = 1;
";

const ROWS_1: &str = r#"
INSERT INTO machine VALUES ('i-1', '{"name":"web-01","platform":"Linux/UNIX","instance_type":"m5.large","was_running":true,
    "nics":[{"device_index":0,"eni":"eni-1","mac":"06:00:00:00:00:01","subnet":"subnet-1","network":"app","primary":"172.30.1.10",
    "secondary":[]}],"tags":{}}', '2026-11-23T00:00:00Z');
INSERT INTO vm VALUES ('i-1', 'tokyo', 'vm-a', '2026-11-23T00:00:01.25Z');
INSERT INTO vm VALUES ('i-1', 'osaka', 'vm-b', '2026-11-23T00:00:01Z');
INSERT INTO vm VALUES ('i-2', 'tokyo', 'vm-c', '2026-11-23T00:00:02Z');
INSERT INTO vm VALUES ('i-2', 'osaka', 'vm-d', '2026-11-23T00:00:02Z');
INSERT INTO run VALUES ('run-1', '{"goal":"capture","networks":["app"]}', 'kim@desk', '2026-11-23T00:00:00Z', '2026-11-23T00:01:00Z');
INSERT INTO run VALUES ('run-2', '{"goal":"move","networks":["app"]}', 'lee@desk', '2026-11-22T00:00:00Z', NULL);
INSERT INTO journal VALUES (1, 'run-1', 'capture', '2026-11-23T00:00:00Z', '{"action":1}', '{"outcome":"done"}');
INSERT INTO journal VALUES (2, 'run-2', 'restore', '2026-11-23T00:00:02Z', '{"action":2}', '{"outcome":"failed","error":"in use"}');
INSERT INTO journal VALUES (3, 'run-2', 'route', '2026-11-23T00:00:02Z', '{"action":3}', '{"outcome":"unchanged"}');
INSERT INTO journal VALUES (5, 'run-2', 'restore', '2026-11-23T00:00:03Z', '{"action":2}', NULL);
INSERT INTO observation VALUES (2, '{"before":1}');
INSERT INTO observation VALUES (5, '{"before":2}');
INSERT INTO observation VALUES (2, '{"after":1}');
"#;

pub fn format_1() -> Folder {
    let folder = Folder::new();
    let sql = folder.sql();
    sql.pragma_update(None, "journal_mode", "WAL").unwrap();
    sql.execute_batch(FORMAT_1).unwrap();
    sql.execute_batch(ROWS_1).unwrap();
    folder
}

fn version(folder: &Folder) -> i64 {
    folder
        .sql()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn facts_of_format_1_are_kept_in_order_of_their_times() {
    let folder = format_1();
    let ledger = folder.open();
    let facts = block_on(ledger.facts()).unwrap();
    assert_eq!(
        facts.machines,
        [("i-1".into(), machine("172.30.1.10").into())].into()
    );
    // As text `…01Z` is later than `…01.25Z`.
    assert_eq!(facts.newest[&"i-1".into()], SiteName::from("tokyo"));
    // With the same time: the one written last.
    assert_eq!(facts.newest[&"i-2".into()], SiteName::from("osaka"));
    assert_eq!(
        facts.vms[&"i-1".into()],
        [
            ("tokyo".into(), "vm-a".into()),
            ("osaka".into(), "vm-b".into())
        ]
        .into()
    );
    let history = block_on(ledger.machine_history(&"i-1".into())).unwrap();
    assert_eq!(history.len(), 3);
    assert_eq!(history[0].by, By::person(Who::unknown()));
    assert_eq!(history[0].at, "2026-11-23T00:00:00Z".parse().unwrap());
    assert_eq!(
        history[2].change,
        MachineChange::BecameVm {
            site: "tokyo".into(),
            vm: "vm-a".into()
        }
    );
}

#[test]
fn runs_and_journal_of_format_1_are_kept_with_attempts_counted() {
    let folder = format_1();
    let ledger = folder.open();
    let runs = block_on(ledger.runs()).unwrap();
    let states: Vec<_> = runs
        .iter()
        .map(|run| (run.id.as_str(), run.who.as_str(), &run.state))
        .collect();
    let reached = RunState::Reached {
        at: "2026-11-23T00:01:00Z".parse().unwrap(),
    };
    assert_eq!(
        states,
        [
            ("run-2", "lee@desk", &RunState::Open),
            ("run-1", "kim@desk", &reached)
        ]
    );
    let journal = block_on(ledger.journal(&"run-2".into())).unwrap();
    let attempts: Vec<_> = journal
        .iter()
        .map(|entry| (entry.sequence.0, entry.step.0.as_str(), entry.attempt))
        .collect();
    assert_eq!(
        attempts,
        [(2, "restore", 1), (3, "route", 1), (5, "restore", 2)]
    );
    assert_eq!(
        journal[0].observed,
        [
            serde_json::json!({"before": 1}),
            serde_json::json!({"after": 1})
        ]
    );
    assert_eq!(
        journal[0].outcome,
        Some(Outcome::Failed {
            error: "in use".to_owned()
        })
    );
    assert_eq!(
        (journal[2].outcome.as_ref(), journal[2].ended),
        (None, None)
    );
    assert_eq!(journal[0].who, Who::unknown());
    // The run resumes where it was.
    let attempt = block_on(ledger.begin_attempt(
        &"run-2".into(),
        &StepId("restore".into()),
        &"lee".into(),
        &2.into(),
        at(0),
    ))
    .unwrap();
    assert_eq!((attempt.number, attempt.concluded), (3, 1));
}

#[test]
fn a_migrated_ledger_is_like_a_new_one_in_every_table() {
    let tables = |folder: &Folder| -> Vec<String> {
        let sql = folder.sql();
        let mut rows = sql
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let (migrated, new) = (format_1(), Folder::new());
    migrated.open();
    new.open();
    assert_eq!(tables(&migrated), tables(&new));
    assert_eq!(version(&migrated), version(&new));
    // A second opening migrates nothing.
    migrated.open();
    let facts = block_on(migrated.open().facts()).unwrap();
    assert_eq!(facts.vms.len(), 2);
}

#[test]
fn a_ledger_of_format_2_keeps_its_rows_and_takes_returns() {
    let folder = Folder::new();
    let ledger = folder.open();
    put(&ledger, "i-1", "172.30.1.10").unwrap();
    put_vm(&ledger, "i-1", "tokyo", "vm-a").unwrap();
    drop(ledger);
    let tables = |folder: &Folder| -> Vec<String> {
        let sql = folder.sql();
        let mut rows = sql
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = rows.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let new = tables(&folder);
    folder
        .sql()
        .execute_batch("DROP TABLE returned; DROP TABLE guest; PRAGMA user_version = 2")
        .unwrap();
    let ledger = folder.open();
    assert_eq!((version(&folder), tables(&folder)), (4, new));
    let web = "i-1".into();
    let by = By::person("kim");
    block_on(ledger.put_returned(&web, &[].into(), at(9), &by)).unwrap();
    let facts = block_on(ledger.facts()).unwrap();
    assert!(facts.has_returned(&web), "{facts:?}");
    assert_eq!(facts.machines.len(), 1);
}

#[test]
fn a_ledger_of_format_3_keeps_its_rows_and_takes_guests() {
    let folder = Folder::new();
    let ledger = folder.open();
    put(&ledger, "i-1", "172.30.1.10").unwrap();
    block_on(ledger.put_returned(&"i-2".into(), &[].into(), at(1), &kim())).unwrap();
    drop(ledger);
    folder
        .sql()
        .execute_batch("DROP TABLE guest; PRAGMA user_version = 3")
        .unwrap();
    let ledger = folder.open();
    assert_eq!(version(&folder), 4);
    let guest = GuestCapture {
        document: "AWS-RunShellScript".to_owned(),
        version: "1".to_owned(),
        hash: "c0ffee".to_owned(),
        output: "{}".to_owned(),
    };
    let guests = [("i-1".into(), guest)].into();
    block_on(ledger.put_guests(&guests, at(9), &kim())).unwrap();
    let history = block_on(ledger.machine_history(&"i-1".into())).unwrap();
    let positions: Vec<_> = history.iter().map(|record| record.sequence.0).collect();
    assert_eq!(positions, [1, 3]);
}

#[test]
fn a_migration_that_cannot_be_finished_leaves_the_old_ledger() {
    let folder = format_1();
    folder
        .sql()
        .execute("UPDATE vm SET seen = 'noon' WHERE machine = 'i-2'", [])
        .unwrap();
    let error = folder.refused();
    assert!(
        matches!(&error, LedgerError::Row { what, .. } if what.contains("i-2")),
        "{error:?}"
    );
    assert_eq!(version(&folder), 1);
    let count: i64 = folder
        .sql()
        .query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 4);
}

#[test]
fn a_ledger_is_not_migrated_while_an_older_build_works_with_it() {
    let folder = format_1();
    let lock = fs::File::create(folder.file("stayput.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(folder.file("stayput.lock"), "kim@desk, process 12").unwrap();
    let error = folder.refused();
    let LedgerError::Held { holder } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(holder.to_string(), "kim@desk, process 12");
    assert_eq!(version(&folder), 1);
    drop(lock);
    folder.open();
    assert_eq!(version(&folder), 4);
}

#[test]
fn a_writer_of_format_1_fails_after_the_migration() {
    let folder = format_1();
    folder.open();
    let sql = folder.sql();
    for statement in [
        "INSERT INTO machine (id, facts, captured) VALUES ('i-9', '{}', 't')",
        "INSERT INTO vm (machine, site, vm, seen) VALUES ('i-9', 'tokyo', 'vm-z', 't')",
        "INSERT INTO run (id, goal, who, started) VALUES ('run-9', '{}', 'kim', 't')",
        "UPDATE run SET finished = 't' WHERE id = 'run-2'",
        "INSERT INTO journal (run, step, at, intent) VALUES ('run-2', 'restore', 't', '{}')",
    ] {
        sql.execute(statement, []).unwrap_err();
    }
}

#[test]
fn a_ledger_of_a_newer_build_is_not_changed() {
    let folder = Folder::new();
    drop(folder.open());
    folder
        .sql()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = folder.refused();
    assert!(
        matches!(
            error,
            LedgerError::TooNew {
                found: 99,
                known: 4,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(version(&folder), 99);
}

#[test]
fn a_ledger_of_an_unknown_older_format_is_not_changed() {
    let folder = Folder::new();
    drop(folder.open());
    folder
        .sql()
        .pragma_update(None, "user_version", -1)
        .unwrap();
    let error = folder.refused();
    assert!(
        matches!(
            error,
            LedgerError::TooOld {
                found: -1,
                oldest: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_file_other_than_a_database_is_refused_and_not_changed() {
    let folder = Folder::new();
    let text = "a text file, long enough to be read as the header of a database file\n".repeat(9);
    fs::write(folder.path(), &text).unwrap();
    let error = folder.refused();
    assert!(
        matches!(&error, LedgerError::NotALedger { reason, .. } if reason.contains("not an SQLite database")),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(folder.path()).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_refused_and_not_changed() {
    for prepare in [
        "CREATE TABLE notes (text TEXT)",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version = 1",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version = 2",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version = 3",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version = 4",
        "CREATE TABLE notes (text TEXT); PRAGMA user_version = 30",
        "PRAGMA application_id = 17",
    ] {
        let folder = Folder::new();
        folder.sql().execute_batch(prepare).unwrap();
        let before = fs::read(folder.path()).unwrap();
        let error = folder.refused();
        assert!(
            matches!(&error, LedgerError::NotALedger { reason, .. } if reason.contains("another program")),
            "{prepare}: {error:?}"
        );
        assert_eq!(fs::read(folder.path()).unwrap(), before, "{prepare}");
    }
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let folder = Folder::new();
    fs::write(folder.path(), "").unwrap();
    put(&folder.open(), "i-1", "172.30.1.10").unwrap();
    assert_eq!(version(&folder), 4);
}
