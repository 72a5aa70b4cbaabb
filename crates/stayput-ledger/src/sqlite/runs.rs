//! Runs. The order of rows determines which run is newest.

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use stayput_messages::Message;
use stayput_plan::Goal;

use super::row::Fault;
use super::row::from_text;
use super::row::time;
use super::row::to_text;
use crate::LedgerError;
use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Who;

const RUN: &str = "id, goal, who, started, state";

/// Id, goal, who, started, state.
type RunRow = (String, String, String, String, String);

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
    ))
}

fn parsed((id, goal, who, started, state): RunRow) -> Result<Run, LedgerError> {
    let what = Message::new("record-of-run").with("id", &id);
    Ok(Run {
        id: RunId::new(id),
        goal: from_text(&what, &goal)?,
        who: Who::new(who),
        started: time(&what, &started)?,
        state: from_text(&what, &state)?,
    })
}

pub fn all(connection: &Connection) -> Result<Vec<Run>, Fault> {
    let mut rows =
        connection.prepare_cached(&format!("SELECT {RUN} FROM run ORDER BY sequence DESC"))?;
    let rows = rows.query_map([], read)?;
    rows.map(|row| Ok(parsed(row?)?)).collect()
}

/// One run.
pub fn one(connection: &Connection, run: &RunId) -> Result<Run, Fault> {
    let row = connection
        .prepare_cached(&format!("SELECT {RUN} FROM run WHERE id = ?1"))?
        .query_row([run.as_str()], read)
        .optional()?;
    match row {
        Some(row) => Ok(parsed(row)?),
        None => Err(LedgerError::NoSuchRun { run: run.clone() }.into()),
    }
}

pub fn insert(connection: &Connection, run: &Run) -> Result<(), Fault> {
    let what = Message::new("record-of-run").with("id", &run.id);
    connection
        .prepare_cached(&format!(
            "INSERT INTO run ({RUN}) VALUES (?1, ?2, ?3, ?4, ?5)"
        ))?
        .execute(params![
            run.id.as_str(),
            to_text(&what, &run.goal)?,
            run.who.as_str(),
            run.started.to_string(),
            to_text(&what, &run.state)?
        ])?;
    Ok(())
}

pub fn open(
    connection: &Connection,
    goal: &Goal,
    id: &RunId,
    who: &Who,
    at: Timestamp,
) -> Result<Run, Fault> {
    // Goals are compared as values: their text form may change between builds.
    let open = all(connection)?
        .into_iter()
        .find(|run| run.is_open() && run.goal == *goal);
    if let Some(run) = open {
        return Ok(run);
    }
    let run = Run {
        id: id.clone(),
        goal: goal.clone(),
        who: who.clone(),
        started: at,
        state: RunState::Open,
    };
    insert(connection, &run)?;
    Ok(run)
}

pub fn close(connection: &Connection, run: &RunId, at: Timestamp) -> Result<(), Fault> {
    let state = one(connection, run)?.state;
    match state {
        RunState::Open => end(connection, run, &RunState::Reached { at }),
        RunState::Reached { .. } => Ok(()),
        RunState::Abandoned { .. } => Err(ended(run, state)),
    }
}

pub fn abandon(
    connection: &Connection,
    run: &RunId,
    at: Timestamp,
    who: &Who,
    why: &str,
) -> Result<(), Fault> {
    let state = one(connection, run)?.state;
    match state {
        RunState::Open => {
            let abandoned = RunState::Abandoned {
                at,
                by: who.clone(),
                why: why.to_owned(),
            };
            end(connection, run, &abandoned)
        }
        RunState::Abandoned { .. } => Ok(()),
        RunState::Reached { .. } => Err(ended(run, state)),
    }
}

/// Fails unless the run is open.
pub fn must_be_open(connection: &Connection, run: &RunId) -> Result<(), Fault> {
    let state = one(connection, run)?.state;
    match state {
        RunState::Open => Ok(()),
        RunState::Reached { .. } | RunState::Abandoned { .. } => Err(ended(run, state)),
    }
}

fn ended(run: &RunId, state: RunState) -> Fault {
    let run = run.clone();
    LedgerError::RunEnded { run, state }.into()
}

fn end(connection: &Connection, run: &RunId, state: &RunState) -> Result<(), Fault> {
    let state = to_text(Message::new("record-of-run").with("id", run), state)?;
    connection
        .prepare_cached("UPDATE run SET state = ?2 WHERE id = ?1")?
        .execute([run.as_str(), &state])?;
    Ok(())
}
