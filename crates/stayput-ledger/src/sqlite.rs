//! The embedded ledger: one SQLite file in WAL mode, every commit synced.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::Goal;
use stayput_plan::StepId;
use stayput_world::Facts;
use stayput_world::MachineFacts;

use crate::Entry;
use crate::Ledger;
use crate::LedgerError;
use crate::Outcome;
use crate::Run;

/// Format of the file, kept in `user_version`.
const FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE machine (id TEXT PRIMARY KEY, facts TEXT NOT NULL, captured TEXT NOT NULL) STRICT;
CREATE TABLE vm (machine TEXT NOT NULL, site TEXT NOT NULL, vm TEXT NOT NULL, seen TEXT NOT NULL,
    PRIMARY KEY (machine, site)) STRICT;
CREATE TABLE run (id TEXT PRIMARY KEY, goal TEXT NOT NULL, who TEXT NOT NULL, started TEXT NOT NULL, finished TEXT) STRICT;
CREATE TABLE journal (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run(id), step TEXT NOT NULL,
    at TEXT NOT NULL, intent TEXT NOT NULL, outcome TEXT) STRICT;
CREATE INDEX journal_by_run ON journal (run, step);
CREATE TABLE observation (sequence INTEGER NOT NULL REFERENCES journal(sequence), observed TEXT NOT NULL) STRICT;
CREATE INDEX observation_by_entry ON observation (sequence);
";

/// The embedded ledger.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteLedger {
    /// Opens the file, making it if absent.
    ///
    /// # Errors
    /// When the file cannot be opened or was written by a newer build.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let store = |source| LedgerError::Store {
            path: path.display().to_string(),
            source,
        };
        let connection = Connection::open(path).map_err(store)?;
        let prepare = || -> Result<i64, rusqlite::Error> {
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if found == 0 {
                connection.execute_batch(&format!(
                    "BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
                ))?;
            }
            Ok(found)
        };
        let found = prepare().map_err(store)?;
        if found > FORMAT {
            return Err(LedgerError::TooNew {
                path: path.display().to_string(),
                found,
                known: FORMAT,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere leaves SQLite's own state whole: transactions roll back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write that need not be on disk when this returns: it is in the log before every later write, so the next that is
    /// synced takes it along. A thousand steps wait for a thousand syncs less.
    fn behind<T>(
        &self,
        write: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let connection = self.connection();
        let sync = |level| connection.pragma_update(None, "synchronous", level);
        let written = sync("NORMAL").and_then(|()| write(&connection));
        sync("FULL")
            .and(written)
            .map_err(|source| self.store(source))
    }

    fn store(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Store {
            path: self.path.display().to_string(),
            source,
        }
    }
}

fn to_text<T: Serialize>(row: &str, value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|source| LedgerError::Row {
        row: row.to_owned(),
        source,
    })
}

fn from_text<T: DeserializeOwned>(row: &str, text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|source| LedgerError::Row {
        row: row.to_owned(),
        source,
    })
}

/// Id and facts.
type MachineRow = (String, String);
/// Machine, site, VM.
type VmRow = (String, String, String);
/// Sequence number and what was seen.
type SeenRow = (i64, String);
/// Id, goal, who, started, finished.
type RunRow = (String, String, String, String, Option<String>);

fn run_of((id, goal, who, started, finished): RunRow) -> Result<Run, LedgerError> {
    let goal = from_text(&format!("run {id}"), &goal)?;
    Ok(Run {
        id,
        goal,
        who,
        started,
        finished,
    })
}

fn run_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRow> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
    ))
}

impl Ledger for SqliteLedger {
    fn facts(&self) -> Result<Facts, LedgerError> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<(Vec<MachineRow>, Vec<VmRow>)> {
            let mut machines =
                connection.prepare_cached("SELECT id, facts FROM machine ORDER BY id")?;
            let machines = machines
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            // The newest last.
            let mut vms = connection.prepare_cached(
                "SELECT machine, site, vm FROM vm ORDER BY julianday(seen), rowid",
            )?;
            let vms = vms
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            Ok((machines, vms))
        };
        let (machines, vms) = read().map_err(|source| self.store(source))?;
        let mut facts = Facts::default();
        for (id, text) in machines {
            let machine: MachineFacts = from_text(&format!("machine {id}"), &text)?;
            facts.machines.insert(InstanceId::new(id), machine);
        }
        for (machine, site, vm) in vms {
            let machine = InstanceId::new(machine);
            facts.became(machine, SiteName::new(site), VmExtId::new(vm));
        }
        Ok(facts)
    }

    fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError> {
        let text: Option<String> = self
            .connection()
            .prepare_cached("SELECT facts FROM machine WHERE id = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([machine.as_str()], |row| row.get(0))
                    .optional()
            })
            .map_err(|source| self.store(source))?;
        text.map(|text| from_text(&format!("machine {machine}"), &text))
            .transpose()
    }

    fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, MachineFacts>,
        at: &str,
    ) -> Result<(), LedgerError> {
        let rows = machines
            .iter()
            .map(|(id, facts)| Ok((id, to_text(id.as_str(), facts)?)))
            .collect::<Result<Vec<_>, LedgerError>>()?;
        {
            let mut connection = self.connection();
            let mut write = || -> Result<(), rusqlite::Error> {
                let transaction = connection.transaction()?;
                for (id, text) in &rows {
                    transaction
                        .prepare_cached(
                            "INSERT INTO machine (id, facts, captured) VALUES (?1, ?2, ?3)
                             ON CONFLICT (id) DO UPDATE SET facts = ?2, captured = ?3",
                        )?
                        .execute(params![id.as_str(), text, at])?;
                }
                transaction.commit()
            };
            write().map_err(|source| self.store(source))?;
        }
        let mut read_back = self.facts()?.machines;
        match machines
            .iter()
            .find(|(id, facts)| read_back.remove(*id).as_ref() != Some(*facts))
        {
            Some((id, _)) => Err(LedgerError::NotReadBack(id.clone())),
            None => Ok(()),
        }
    }

    fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: &str,
    ) -> Result<(), LedgerError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO vm (machine, site, vm, seen) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (machine, site) DO UPDATE SET vm = ?3, seen = ?4",
            )
            .and_then(|mut statement| {
                statement.execute(params![machine.as_str(), site.as_str(), vm.as_str(), at])
            })
            .map(|_| ())
            .map_err(|source| self.store(source))
    }

    fn open_run(&self, goal: &Goal, id: &str, who: &str, at: &str) -> Result<Run, LedgerError> {
        let text = to_text("run", goal)?;
        let mut connection = self.connection();
        let mut open = || -> Result<RunRow, rusqlite::Error> {
            let transaction = connection.transaction()?;
            let found = transaction
                .query_row(
                    "SELECT id, goal, who, started, finished FROM run WHERE goal = ?1 AND finished IS NULL ORDER BY started DESC",
                    [&text],
                    run_row,
                )
                .optional()?;
            if let Some(row) = found {
                return Ok(row);
            }
            transaction.execute(
                "INSERT INTO run (id, goal, who, started) VALUES (?1, ?2, ?3, ?4)",
                [id, &text, who, at],
            )?;
            transaction.commit()?;
            Ok((
                id.to_owned(),
                text.clone(),
                who.to_owned(),
                at.to_owned(),
                None,
            ))
        };
        let row = open().map_err(|source| self.store(source))?;
        run_of(row)
    }

    fn close_run(&self, run: &str, at: &str) -> Result<(), LedgerError> {
        self.connection()
            .execute("UPDATE run SET finished = ?2 WHERE id = ?1", [run, at])
            .map(|_| ())
            .map_err(|source| self.store(source))
    }

    fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        let connection = self.connection();
        let read = || -> Result<Vec<RunRow>, rusqlite::Error> {
            let mut runs = connection.prepare("SELECT id, goal, who, started, finished FROM run ORDER BY started DESC, rowid DESC")?;
            runs.query_map([], run_row)?.collect()
        };
        read()
            .map_err(|source| self.store(source))?
            .into_iter()
            .map(run_of)
            .collect()
    }

    fn intend(
        &self,
        run: &str,
        step: &StepId,
        intent: &serde_json::Value,
        at: &str,
    ) -> Result<i64, LedgerError> {
        let connection = self.connection();
        connection
            .prepare_cached("INSERT INTO journal (run, step, at, intent) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut statement| {
                statement.insert(params![run, step.0, at, intent.to_string()])
            })
            .map_err(|source| self.store(source))
    }

    fn observe(&self, sequence: i64, observed: &serde_json::Value) -> Result<(), LedgerError> {
        self.behind(|connection| {
            connection
                .prepare_cached("INSERT INTO observation (sequence, observed) VALUES (?1, ?2)")?
                .execute(params![sequence, observed.to_string()])
                .map(|_| ())
        })
    }

    fn conclude(&self, sequence: i64, outcome: &Outcome) -> Result<(), LedgerError> {
        let text = to_text("journal", outcome)?;
        let write = |connection: &Connection| {
            connection
                .prepare_cached("UPDATE journal SET outcome = ?2 WHERE sequence = ?1")?
                .execute(params![sequence, text])
                .map(|_| ())
        };
        match outcome {
            Outcome::Failed { .. } => {
                write(&self.connection()).map_err(|source| self.store(source))
            }
            Outcome::Done | Outcome::Unchanged => self.behind(write),
        }
    }

    fn failures(&self, run: &str, step: &StepId) -> Result<u32, LedgerError> {
        self.connection()
            .prepare_cached(
                "SELECT count(*) FROM journal WHERE run = ?1 AND step = ?2 AND json_extract(outcome, '$.outcome') = 'failed'",
            )
            .and_then(|mut statement| statement.query_row(params![run, step.0], |row| row.get(0)))
            .map_err(|source| self.store(source))
    }

    fn journal(&self, run: &str) -> Result<Vec<Entry>, LedgerError> {
        type Row = (i64, String, String, String, Option<String>);
        let connection = self.connection();
        let read = || -> rusqlite::Result<(Vec<Row>, Vec<SeenRow>)> {
            let mut entries = connection
                .prepare_cached("SELECT sequence, step, at, intent, outcome FROM journal WHERE run = ?1 ORDER BY sequence")?;
            let entries = entries
                .query_map([run], |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ))
                })?
                .collect::<Result<_, _>>()?;
            let mut seen = connection.prepare_cached(
                "SELECT o.sequence, o.observed FROM observation o JOIN journal j USING (sequence) WHERE j.run = ?1 ORDER BY o.rowid",
            )?;
            let seen = seen
                .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok((entries, seen))
        };
        let (entries, seen) = read().map_err(|source| self.store(source))?;
        let mut observed: BTreeMap<i64, Vec<serde_json::Value>> = BTreeMap::new();
        for (sequence, text) in seen {
            observed
                .entry(sequence)
                .or_default()
                .push(from_text(&format!("journal {sequence}"), &text)?);
        }
        entries
            .into_iter()
            .map(|(sequence, step, at, intent, outcome)| {
                let row = format!("journal {sequence}");
                Ok(Entry {
                    sequence,
                    run: run.to_owned(),
                    step: StepId(step),
                    at,
                    intent: from_text(&row, &intent)?,
                    observed: observed.remove(&sequence).unwrap_or_default(),
                    outcome: outcome.map(|text| from_text(&row, &text)).transpose()?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
