//! The lease of an estate: an operating-system lock on a file beside the database, which ends with its process, and an epoch in the
//! database, which grows with every lease.
//!
//! The holder has an exclusive lock. A process that only checks whether it is held takes a shared lock for a moment, so that two checks
//! do not disturb each other, and a process that acquires can tell a check from a holder.

use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

use super::files;
use super::files::Files;
use super::files::WhenAbsent;
use super::row::Fault;
use super::row::to_text;
use crate::Holder;
use crate::LeaseGuard;
use crate::LeaseScope;
use crate::LedgerError;
use crate::Who;

/// How often an acquisition is repeated that only collides with checks. A check lasts microseconds.
const TRIES: u32 = 200;

/// Pause between two of these attempts.
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

/// The lock, held.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock, or fails at once with the name of its holder.
    pub fn take(files: &Files) -> Result<Self, LedgerError> {
        let path = files.lock();
        let fail = |source| files::store(path, source);
        for _ in 0..TRIES {
            let Some(file) = files.open_lock(WhenAbsent::Create)? else {
                continue;
            };
            match file.try_lock() {
                // A lock on a file that was deleted meanwhile would not exclude other workers.
                Ok(()) if files::is_at(&file, path).map_err(fail)? => {
                    // Removes the name of an earlier holder that was killed.
                    file.set_len(0).map_err(fail)?;
                    let path = path.to_owned();
                    return Ok(Self { path, file });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if let Some(holder) = held_by(file).map_err(fail)? {
                        let holder = Box::new(holder);
                        return Err(LedgerError::Held { holder });
                    }
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
        Err(fail(io::Error::other("the lock file keeps changing")))
    }

    /// Writes who holds the lock into its file.
    pub fn name(&self, holder: &Holder) -> Result<(), LedgerError> {
        let text = to_text("the holder of the lease", holder)?;
        (&self.file)
            .write_all(text.as_bytes())
            .map_err(|source| files::store(&self.path, source))
    }
}

impl LeaseGuard for Lock {
    fn is_held(&self) -> bool {
        files::is_at(&self.file, &self.path).unwrap_or(false)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // So that a later holder is not taken for this one. If it fails, the next holder does it.
        let _ = self.file.set_len(0);
        // A process that is being started has a copy of the open file for a moment: closing ours would not release the lock then.
        let _ = self.file.unlock();
    }
}

/// Who holds the lock now.
pub fn holder(files: &Files) -> Result<Option<Holder>, LedgerError> {
    match files.open_lock(WhenAbsent::Leave)? {
        None => Ok(None),
        Some(file) => held_by(file).map_err(|source| files::store(files.lock(), source)),
    }
}

/// The holder of an exclusive lock on a file, as it named itself.
fn held_by(mut file: File) -> io::Result<Option<Holder>> {
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            Ok(Some(parsed(&text)))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn parsed(text: &str) -> Holder {
    serde_json::from_str(text).unwrap_or_else(|_| Holder {
        // Builds of format 1 write a line of text. Empty: the holder has not written its name yet.
        who: Some(text.trim())
            .filter(|text| !text.is_empty())
            .map(Who::from),
        process: None,
        since: None,
        epoch: None,
    })
}

/// The epoch of the newest lease of a scope.
pub fn epoch(connection: &Connection, scope: &LeaseScope) -> Result<Option<u64>, Fault> {
    let epoch: Option<u32> = connection
        .prepare_cached("SELECT epoch FROM lease WHERE scope = ?1")?
        .query_row([key(scope)], |row| row.get(0))
        .optional()?;
    Ok(epoch.map(u64::from))
}

/// Writes a new lease and returns its epoch.
pub fn next_epoch(
    connection: &Connection,
    scope: &LeaseScope,
    who: &Who,
    at: Timestamp,
) -> Result<u64, Fault> {
    let epoch: u32 = connection
        .prepare_cached(
            "INSERT INTO lease (scope, epoch, who, process, since) VALUES (?1, 1, ?2, ?3, ?4)
             ON CONFLICT (scope) DO UPDATE SET epoch = epoch + 1, who = ?2, process = ?3, since = ?4
             RETURNING epoch",
        )?
        .query_row(
            params![key(scope), who.as_str(), std::process::id(), at.to_string()],
            |row| row.get(0),
        )?;
    Ok(u64::from(epoch))
}

fn key(scope: &LeaseScope) -> &'static str {
    match scope {
        LeaseScope::Estate => "estate",
    }
}
