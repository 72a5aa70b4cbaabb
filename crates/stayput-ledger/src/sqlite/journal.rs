//! The journal of attempts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use stayput_messages::Message;
use stayput_plan::StepId;

use super::row::Fault;
use super::row::from_text;
use super::row::time;
use super::row::to_text;
use super::runs;
use crate::Attempt;
use crate::Entry;
use crate::LedgerError;
use crate::Outcome;
use crate::RunId;
use crate::Sequence;
use crate::Who;

pub fn begin(
    connection: &Connection,
    run: &RunId,
    step: &StepId,
    who: &Who,
    intent: &serde_json::Value,
    at: Timestamp,
) -> Result<Attempt, Fault> {
    runs::must_be_open(connection, run)?;
    let mut number = 1;
    let mut concluded = 0;
    {
        let mut earlier = connection.prepare_cached(
            "SELECT attempt, outcome FROM journal WHERE run = ?1 AND step = ?2 ORDER BY attempt",
        )?;
        let mut earlier = earlier.query(params![run.as_str(), step.0.as_str()])?;
        while let Some(row) = earlier.next()? {
            let attempt: u32 = row.get(0)?;
            number = attempt.saturating_add(1);
            let outcome: Option<String> = row.get(1)?;
            if let Some(text) = outcome {
                let outcome: Outcome =
                    from_text(Message::new("record-of-outcome").with("step", step), &text)?;
                concluded += u32::from(outcome.is_known());
            }
        }
    }
    let sequence = connection
        .prepare_cached(
            "INSERT INTO journal (run, step, attempt, who, at, intent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![
            run.as_str(),
            step.0.as_str(),
            number,
            who.as_str(),
            at.to_string(),
            intent.to_string()
        ])?;
    Ok(Attempt {
        sequence: Sequence(sequence),
        number,
        concluded,
    })
}

pub fn observe(
    connection: &Connection,
    sequence: Sequence,
    observed: &serde_json::Value,
) -> Result<(), Fault> {
    outcome(connection, sequence)?;
    connection
        .prepare_cached("INSERT INTO observation (sequence, observed) VALUES (?1, ?2)")?
        .execute(params![sequence.0, observed.to_string()])?;
    Ok(())
}

pub fn conclude(
    connection: &Connection,
    sequence: Sequence,
    conclusion: &Outcome,
    at: Timestamp,
) -> Result<(), Fault> {
    match outcome(connection, sequence)? {
        None => {}
        Some(outcome) if outcome == *conclusion => return Ok(()),
        Some(outcome) => return Err(LedgerError::Concluded { sequence, outcome }.into()),
    }
    let text = to_text(what(sequence), conclusion)?;
    connection
        .prepare_cached("UPDATE journal SET outcome = ?2, ended = ?3 WHERE sequence = ?1")?
        .execute(params![sequence.0, text, at.to_string()])?;
    Ok(())
}

fn what(sequence: Sequence) -> Message {
    Message::new("record-of-journal").with("sequence", sequence)
}

/// The recorded outcome of an existing entry.
fn outcome(connection: &Connection, sequence: Sequence) -> Result<Option<Outcome>, Fault> {
    let found: Option<Option<String>> = connection
        .prepare_cached("SELECT outcome FROM journal WHERE sequence = ?1")?
        .query_row([sequence.0], |row| row.get(0))
        .optional()?;
    match found {
        None => Err(LedgerError::NoSuchEntry { sequence }.into()),
        Some(text) => Ok(text
            .map(|text| from_text(what(sequence), &text))
            .transpose()?),
    }
}

pub fn of_run(connection: &Connection, run: &RunId) -> Result<Vec<Entry>, Fault> {
    let mut observed = observed(connection, run)?;
    let mut rows = connection.prepare_cached(
        "SELECT sequence, step, attempt, who, at, ended, intent, outcome FROM journal WHERE run = ?1 ORDER BY sequence",
    )?;
    let rows = rows.query_map([run.as_str()], EntryRow::read)?;
    rows.map(|row| {
        let row = row?;
        let observed = observed.remove(&row.sequence).unwrap_or_default();
        Ok(row.entry(run, observed)?)
    })
    .collect()
}

/// What the attempts of a run observed, by sequence.
fn observed(
    connection: &Connection,
    run: &RunId,
) -> Result<BTreeMap<i64, Vec<serde_json::Value>>, Fault> {
    let mut rows = connection.prepare_cached(
        "SELECT o.sequence, o.observed FROM observation o JOIN journal j USING (sequence) WHERE j.run = ?1 ORDER BY o.rowid",
    )?;
    let mut observed: BTreeMap<i64, Vec<serde_json::Value>> = BTreeMap::new();
    let mut rows = rows.query([run.as_str()])?;
    while let Some(row) = rows.next()? {
        let (sequence, text): (i64, String) = (row.get(0)?, row.get(1)?);
        let value = from_text(what(Sequence(sequence)), &text)?;
        observed.entry(sequence).or_default().push(value);
    }
    Ok(observed)
}

struct EntryRow {
    sequence: i64,
    step: String,
    attempt: u32,
    who: String,
    at: String,
    ended: Option<String>,
    intent: String,
    outcome: Option<String>,
}

impl EntryRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            step: row.get(1)?,
            attempt: row.get(2)?,
            who: row.get(3)?,
            at: row.get(4)?,
            ended: row.get(5)?,
            intent: row.get(6)?,
            outcome: row.get(7)?,
        })
    }

    fn entry(self, run: &RunId, observed: Vec<serde_json::Value>) -> Result<Entry, LedgerError> {
        let sequence = Sequence(self.sequence);
        let what = what(sequence);
        Ok(Entry {
            sequence,
            run: run.clone(),
            step: StepId(self.step.into()),
            attempt: self.attempt,
            who: Who::new(self.who),
            at: time(&what, &self.at)?,
            ended: self.ended.map(|text| time(&what, &text)).transpose()?,
            intent: from_text(&what, &self.intent)?,
            observed,
            outcome: self
                .outcome
                .map(|text| from_text(&what, &text))
                .transpose()?,
        })
    }
}
