//! Formats of the file: creates the current one, detects formats, and migrates older ones.

mod additions;
mod from_1;

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use stayput_messages::Message;

use super::BUSY;
use super::files::Files;
use super::lease::Lock;
use super::row::Fault;
use super::transact;
use crate::LedgerError;

/// Format of the file, kept in `user_version`.
const FORMAT: i64 = 4;

/// The format before: it had no captures of guests.
const WITHOUT_GUESTS: i64 = 3;

/// The one before that: it had no machines that returned to EC2 either.
const WITHOUT_RETURNS: i64 = 2;

/// The oldest format that is migrated.
const OLDEST: i64 = 1;

/// `application_id` of ledgers from format 2 on: "spLG".
const APPLICATION: i64 = 0x7370_4c47;

/// Pause between two attempts while another process works on the file.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// Rows of `machine`, `vm`, `returned` and `guest` are only added, and share one sequence. Columns that a writer of an older format would not fill are `NOT NULL`,
/// so that it fails instead of writing half a row.
const SCHEMA: &str = "
CREATE TABLE machine (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, facts TEXT, retired TEXT, at TEXT NOT NULL, who TEXT NOT NULL,
    run TEXT, checksum TEXT NOT NULL, CHECK ((facts IS NULL) <> (retired IS NULL))) STRICT;
CREATE INDEX machine_by_id ON machine (id, sequence);
CREATE TABLE vm (sequence INTEGER PRIMARY KEY, machine TEXT NOT NULL, site TEXT NOT NULL, vm TEXT NOT NULL, at TEXT NOT NULL,
    who TEXT NOT NULL, run TEXT, checksum TEXT NOT NULL) STRICT;
CREATE INDEX vm_by_machine ON vm (machine, sequence);
CREATE TABLE returned (sequence INTEGER PRIMARY KEY, machine TEXT NOT NULL, was TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL,
    run TEXT, checksum TEXT NOT NULL) STRICT;
CREATE INDEX returned_by_machine ON returned (machine, sequence);
CREATE TABLE guest (sequence INTEGER PRIMARY KEY, machine TEXT NOT NULL, guest TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL,
    run TEXT, checksum TEXT NOT NULL) STRICT;
CREATE INDEX guest_by_machine ON guest (machine, sequence);
CREATE TABLE run (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, goal TEXT NOT NULL, who TEXT NOT NULL, started TEXT NOT NULL,
    state TEXT NOT NULL) STRICT;
CREATE TABLE journal (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run(id), step TEXT NOT NULL, attempt INTEGER NOT NULL,
    who TEXT NOT NULL, at TEXT NOT NULL, ended TEXT, intent TEXT NOT NULL, outcome TEXT, UNIQUE (run, step, attempt)) STRICT;
CREATE TABLE observation (sequence INTEGER NOT NULL REFERENCES journal(sequence), observed TEXT NOT NULL) STRICT;
CREATE INDEX observation_by_entry ON observation (sequence);
CREATE TABLE lease (scope TEXT PRIMARY KEY, epoch INTEGER NOT NULL, who TEXT NOT NULL, process INTEGER NOT NULL, since TEXT NOT NULL) STRICT;
";

/// The detected format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// An empty file.
    Empty,
    /// A ledger of format 1.
    Format1,
    /// A ledger of format 2.
    Format2,
    /// A ledger of format 3.
    Format3,
    /// A ledger of this build's format.
    Current,
}

/// Creates or migrates an open file, so that it has the format of this build.
pub fn bring_up_to_date(files: &Files, connection: &mut Connection) -> Result<(), LedgerError> {
    // Read without a write lock: a file that is not a ledger is not written, and a current one is only read.
    look(files, connection)?;
    use_write_ahead_log(connection).map_err(|fault| fault.at(files))?;
    match look(files, connection)? {
        Found::Current => {}
        Found::Empty => write(files, connection)?,
        Found::Format1 | Found::Format2 | Found::Format3 => migrate(files, connection)?,
    }
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(|source| files.store(source))
}

/// Migrates under the lock of the estate: a run of an older build would fail in the middle.
fn migrate(files: &Files, connection: &mut Connection) -> Result<(), LedgerError> {
    for _ in 1..tries() {
        match Lock::take(files) {
            Ok(_lock) => return write(files, connection),
            // A worker writes its name at once. One without a name is migrating the file.
            Err(LedgerError::Held { holder }) if holder.who.is_none() => {
                std::thread::sleep(BETWEEN_TRIES);
                if look(files, connection)? == Found::Current {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
    let _lock = Lock::take(files)?;
    write(files, connection)
}

/// How many attempts fit into [`BUSY`].
fn tries() -> u128 {
    BUSY.as_millis() / BETWEEN_TRIES.as_millis()
}

/// Creates or migrates, in one transaction. The format is detected again in it: another process may have been faster.
fn write(files: &Files, connection: &mut Connection) -> Result<(), LedgerError> {
    let write = transact(connection, TransactionBehavior::Immediate, |transaction| {
        match found(files, transaction)? {
            Found::Current => return Ok(()),
            Found::Empty => transaction.execute_batch(SCHEMA)?,
            Found::Format1 => from_1::migrate(transaction, SCHEMA)?,
            Found::Format2 => additions::add(transaction, SCHEMA, &["returned", "guest"])?,
            Found::Format3 => additions::add(transaction, SCHEMA, &["guest"])?,
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        Ok(transaction.pragma_update(None, "user_version", FORMAT)?)
    });
    write.map_err(|fault| fault.at(files))
}

/// Detects the format of a file, or returns why it cannot be used.
fn look(files: &Files, connection: &mut Connection) -> Result<Found, LedgerError> {
    let look = transact(connection, TransactionBehavior::Deferred, |transaction| {
        Ok(found(files, transaction)?)
    });
    look.map_err(|fault| fault.at(files))
}

/// The same in a transaction: otherwise the format could be from before another process's first write, and the tables from after it.
fn found(files: &Files, transaction: &Transaction<'_>) -> Result<Found, LedgerError> {
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let read = || -> rusqlite::Result<(i64, i64, BTreeSet<String>)> {
        let format = pragma("user_version")?;
        let application = pragma("application_id")?;
        let mut tables =
            transaction.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let tables = tables
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok((format, application, tables))
    };
    let (format, application, tables) = read().map_err(|source| files.store(source))?;
    if format == 0 && application == 0 && tables.is_empty() {
        return Ok(Found::Empty);
    }
    let ours = application == APPLICATION
        || ["machine", "vm", "run", "journal", "observation"]
            .iter()
            .all(|table| tables.contains(*table));
    if !ours || format == 0 {
        return Err(files.not_a_ledger(Message::new("ledger-of-another-program")));
    }
    match format {
        ..OLDEST => Err(LedgerError::TooOld {
            place: files.place(),
            found: format,
            oldest: OLDEST,
        }),
        OLDEST => Ok(Found::Format1),
        WITHOUT_RETURNS => Ok(Found::Format2),
        WITHOUT_GUESTS => Ok(Found::Format3),
        FORMAT => Ok(Found::Current),
        _ => Err(LedgerError::TooNew {
            place: files.place(),
            found: format,
            known: FORMAT,
        }),
    }
}

/// Switches a file to a write-ahead log, unless it has one.
fn use_write_ahead_log(connection: &Connection) -> Result<(), Fault> {
    let mode = |wanted: &str| {
        connection.query_row(&format!("PRAGMA journal_mode{wanted}"), [], |row| {
            row.get::<_, String>(0)
        })
    };
    if mode("")? == "wal" {
        return Ok(());
    }
    // SQLite does not wait by itself here when another process does the same.
    for _ in 1..tries() {
        match mode(" = WAL") {
            Ok(found) => return no_other_mode(&found),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(BETWEEN_TRIES);
            }
            Err(error) => return Err(error.into()),
        }
    }
    no_other_mode(&mode(" = WAL")?)
}

fn no_other_mode(found: &str) -> Result<(), Fault> {
    if found == "wal" {
        return Ok(());
    }
    let message = Message::new("ledger-no-write-ahead-log")
        .with("found", found)
        .to_string();
    Err(Fault::Sql(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
        Some(message),
    )))
}
