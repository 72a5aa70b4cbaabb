//! Rows of the ledger.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::params_from_iter;
use rusqlite::types::Value as Column;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use stayput_ledger::By;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::Outcome;
use stayput_ledger::RunId;
use stayput_ledger::SqliteLedger;
use stayput_plan::Goal;
use stayput_plan::StepId;
use stayput_world::Facts;

use crate::stage::in_virtual_time;
use crate::text::chain;
use crate::text::check_read_back;

/// The most rows of one input.
const ROWS_MAX: usize = 64;

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

/// Gives rows to the ledger, which reads them, and writes behind them.
///
/// The first line of an input is `format 1`, or another text for the format of this build. Each further line is a JSON array: the name of a
/// table and the columns of a row, of which a checksum may be left out.
///
/// Checked: rows that are accepted are the same after the file was closed, and the facts that they give can be saved.
pub fn ledger(data: &[u8]) {
    let _ = accepted_facts(data);
}

/// Gives rows to the ledger; returns the facts in them, if all of them are accepted.
fn accepted_facts(data: &[u8]) -> Option<Facts> {
    let text = std::str::from_utf8(data).ok()?;
    let dir = folder().ok()?;
    let path = dir.path().join("ledger.db");
    let mut lines = text.lines();
    let is_old = lines.next() == Some("format 1");
    if !is_old {
        // It makes the tables of its format.
        drop(SqliteLedger::open(&path));
    }
    let rows: Vec<Vec<Value>> = lines
        .take(ROWS_MAX)
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    insert(&path, is_old, &rows).ok()?;
    in_virtual_time(async {
        let ledger = accepted(SqliteLedger::open(&path))?;
        let facts = read(&ledger).await;
        drop(ledger);
        let ledger = SqliteLedger::open(&path).expect("it was opened before");
        let again = read(&ledger).await;
        assert!(again == facts, "{again:?} was {facts:?}");
        write(&ledger, facts.clone().unwrap_or_default()).await;
        facts
    })
}

/// A folder for the files, in memory where the system has such a place.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
}

/// Puts rows into their tables. One that the tables do not accept is left out.
fn insert(path: &std::path::Path, is_old: bool, rows: &[Vec<Value>]) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    if is_old {
        connection.execute_batch(FORMAT_1)?;
    }
    let transaction = connection.transaction()?;
    for row in rows {
        let Some((Value::String(table), columns)) = row.split_first() else {
            continue;
        };
        const TABLES: [&str; 7] = [
            "machine",
            "vm",
            "returned",
            "run",
            "journal",
            "observation",
            "lease",
        ];
        if !TABLES.contains(&table.as_str()) {
            continue;
        }
        let mut columns: Vec<Column> = columns.iter().map(column).collect();
        let wanted = transaction.prepare(&format!("SELECT * FROM {table}"));
        let Ok(wanted) = wanted.map(|statement| statement.column_count()) else {
            continue;
        };
        if wanted == columns.len() + 1 {
            columns.push(Column::Text(checksum(row)));
        }
        let marks = vec!["?"; columns.len()].join(", ");
        let statement = format!("INSERT INTO {table} VALUES ({marks})");
        // A row that breaks the rules of its table cannot be in a file.
        let _ = transaction.execute(&statement, params_from_iter(columns));
    }
    transaction.commit()
}

/// The checksum of a row of facts, which the ledger makes over the name of its table and its columns.
fn checksum(row: &[Value]) -> String {
    let text = serde_json::to_string(row).unwrap_or_default();
    format!("{:x}", Sha256::digest(text))
}

fn column(value: &Value) -> Column {
    match value {
        Value::Null => Column::Null,
        Value::Bool(is) => Column::Integer(i64::from(*is)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Column::Integer(number),
            (None, Some(number)) => Column::Real(number),
            (None, None) => Column::Null,
        },
        Value::String(text) => Column::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Column::Text(value.to_string()),
    }
}

/// The value, if the ledger accepts its rows; otherwise the error must have a text.
fn accepted<T>(result: Result<T, LedgerError>) -> Option<T> {
    result
        .map_err(|error| assert!(!chain(&error).is_empty(), "an error without a text"))
        .ok()
}

async fn read(ledger: &SqliteLedger) -> Option<Facts> {
    let facts = accepted(ledger.facts().await);
    if let Some(facts) = &facts {
        check_read_back(facts);
        for machine in facts.machines.keys().chain(facts.vms.keys()) {
            let _ = accepted(ledger.machine(machine).await);
            let _ = accepted(ledger.machine_history(machine).await);
        }
    }
    for run in accepted(ledger.runs().await).unwrap_or_default() {
        for entry in accepted(ledger.journal(&run.id).await).unwrap_or_default() {
            let _ = serde_json::to_string(&entry.intent);
        }
    }
    facts
}

/// Writes behind the rows: sequences, attempts and epochs go on from what is there.
async fn write(ledger: &SqliteLedger, facts: Facts) {
    let (at, by) = (Timestamp::UNIX_EPOCH, By::person("fuzz"));
    let _ = accepted(ledger.put_machines(&facts.machines, at, &by).await);
    let (machine, site, vm) = ("i-1".into(), "tokyo".into(), "vm-1".into());
    let _ = accepted(ledger.put_vm(&machine, &site, &vm, at, &by).await);
    let _ = accepted(ledger.retire(&machine, at, &by, "gone").await);
    let goal = Goal::Capture {
        networks: ["app".into()].into(),
    };
    let id = RunId::new("run-fuzz");
    let who = "fuzz".into();
    let Some(run) = accepted(ledger.open_run(&goal, &id, &who, at).await) else {
        return;
    };
    let step = StepId("restore".into());
    let attempt = ledger.begin_attempt(&run.id, &step, &who, &Value::Null, at);
    if let Some(attempt) = accepted(attempt.await) {
        let _ = accepted(ledger.observe(attempt.sequence, &Value::Null).await);
        let concluded = ledger.conclude(attempt.sequence, &Outcome::Done, at);
        let _ = accepted(concluded.await);
    }
    let _ = accepted(ledger.close_run(&run.id, at).await);
    let _ = accepted(
        ledger
            .acquire(&stayput_ledger::LeaseScope::Estate, &who, at)
            .await,
    );
    let _ = accepted(ledger.holder(&stayput_ledger::LeaseScope::Estate).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_the_corpus_are_accepted_in_both_formats() {
        let current = accepted_facts(include_bytes!("../../../fuzz/corpus/ledger/current"));
        let current = current.expect("its rows and checksums are right");
        assert!(current.vms.contains_key(&"i-1".into()), "{current:?}");
        assert!(current.retired.contains(&"i-2".into()), "{current:?}");
        let old = accepted_facts(include_bytes!("../../../fuzz/corpus/ledger/format-1"));
        assert_eq!(old.expect("it is migrated").machines.len(), 1);
    }
}
