//! Format 1 to format 2: facts get an order and checksums, runs a state, attempts a number and an author.
//!
//! Format 1 kept the newest version of each fact only, and ordered VMs by the time at which they were seen. Who captured a machine or
//! made an attempt was not recorded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::params;
use stayput_messages::Message;

use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Who;
use crate::sqlite::facts::MachineRow;
use crate::sqlite::facts::VmRow;
use crate::sqlite::facts::next_sequence;
use crate::sqlite::row::Fault;
use crate::sqlite::row::from_text;
use crate::sqlite::row::time;
use crate::sqlite::runs;

/// Rewrites all tables, inside the caller's transaction.
pub fn migrate(connection: &Connection, schema: &str) -> Result<(), Fault> {
    connection.execute_batch(
        "DROP INDEX journal_by_run;
         DROP INDEX observation_by_entry;
         ALTER TABLE machine RENAME TO machine_1;
         ALTER TABLE vm RENAME TO vm_1;
         ALTER TABLE run RENAME TO run_1;
         ALTER TABLE journal RENAME TO journal_1;
         ALTER TABLE observation RENAME TO observation_1;",
    )?;
    connection.execute_batch(schema)?;
    machines(connection)?;
    vms(connection)?;
    all_runs(connection)?;
    journal(connection)?;
    connection.execute_batch(
        "INSERT INTO observation (sequence, observed) SELECT sequence, observed FROM observation_1 ORDER BY rowid;
         DROP TABLE observation_1;
         DROP TABLE journal_1;
         DROP TABLE run_1;
         DROP TABLE vm_1;
         DROP TABLE machine_1;",
    )?;
    Ok(())
}

fn machines(connection: &Connection) -> Result<(), Fault> {
    let mut rows = Vec::new();
    {
        let mut old =
            connection.prepare("SELECT id, facts, captured FROM machine_1 ORDER BY rowid")?;
        let mut old = old.query([])?;
        while let Some(row) = old.next()? {
            let (id, facts, captured): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = time(
                Message::new("record-of-captured-machine").with("id", &id),
                &captured,
            )?;
            rows.push((at, id, facts));
        }
    }
    // A stable sort: rows with the same time keep their order.
    rows.sort_by_key(|(at, ..)| *at);
    for (at, id, facts) in rows {
        let row = MachineRow {
            sequence: next_sequence(connection)?,
            id,
            facts: Some(facts),
            retired: None,
            at: at.to_string(),
            who: Who::unknown().to_string(),
            run: None,
        };
        row.insert(connection)?;
    }
    Ok(())
}

fn vms(connection: &Connection) -> Result<(), Fault> {
    let mut rows: Vec<(Timestamp, String, String, String)> = Vec::new();
    {
        let mut old =
            connection.prepare("SELECT machine, site, vm, seen FROM vm_1 ORDER BY rowid")?;
        let mut old = old.query([])?;
        while let Some(row) = old.next()? {
            let (machine, site): (String, String) = (row.get(0)?, row.get(1)?);
            let (vm, seen): (String, String) = (row.get(2)?, row.get(3)?);
            let at = time(
                Message::new("record-of-vm-of-machine")
                    .with("machine", &machine)
                    .with("site", &site),
                &seen,
            )?;
            rows.push((at, machine, site, vm));
        }
    }
    rows.sort_by_key(|(at, ..)| *at);
    for (at, machine, site, vm) in rows {
        let row = VmRow {
            sequence: next_sequence(connection)?,
            machine,
            site,
            vm,
            at: at.to_string(),
            who: Who::unknown().to_string(),
            run: None,
        };
        row.insert(connection)?;
    }
    Ok(())
}

fn all_runs(connection: &Connection) -> Result<(), Fault> {
    let mut old =
        connection.prepare("SELECT id, goal, who, started, finished FROM run_1 ORDER BY rowid")?;
    let mut old = old.query([])?;
    while let Some(row) = old.next()? {
        let id: String = row.get(0)?;
        let (goal, who): (String, String) = (row.get(1)?, row.get(2)?);
        let (started, finished): (String, Option<String>) = (row.get(3)?, row.get(4)?);
        let what = Message::new("record-of-run").with("id", &id);
        let run = Run {
            goal: from_text(&what, &goal)?,
            who: Who::new(who),
            started: time(&what, &started)?,
            state: match finished {
                None => RunState::Open,
                Some(at) => RunState::Reached {
                    at: time(&what, &at)?,
                },
            },
            id: RunId::new(id),
        };
        runs::insert(connection, &run)?;
    }
    Ok(())
}

fn journal(connection: &Connection) -> Result<(), Fault> {
    let mut attempts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut old = connection.prepare(
        "SELECT sequence, run, step, at, intent, outcome FROM journal_1 ORDER BY sequence",
    )?;
    let mut old = old.query([])?;
    let mut new = connection.prepare(
        "INSERT INTO journal (sequence, run, step, attempt, who, at, intent, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    while let Some(row) = old.next()? {
        let sequence: i64 = row.get(0)?;
        let (run, step): (String, String) = (row.get(1)?, row.get(2)?);
        let (at, intent): (String, String) = (row.get(3)?, row.get(4)?);
        let outcome: Option<String> = row.get(5)?;
        let attempt = attempts.entry((run.clone(), step.clone())).or_default();
        *attempt += 1;
        let who = Who::unknown();
        new.execute(params![
            sequence,
            run,
            step,
            *attempt,
            who.as_str(),
            at,
            intent,
            outcome
        ])?;
    }
    Ok(())
}
