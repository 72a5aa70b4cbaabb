//! Why the ledger could not do its work. No variant names the store behind the trait.

use std::error::Error;

use stayput_estate::InstanceId;

use crate::Holder;
use crate::LeaseScope;
use crate::Outcome;
use crate::RunId;
use crate::RunState;
use crate::Sequence;

/// Why the ledger could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store cannot be reached, read or written.
    #[error("the ledger {place} cannot be used")]
    Store {
        /// Where the ledger is: a path or a table.
        place: String,
        /// What the store reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file or table is not a ledger.
    #[error("{place} is not a ledger of stayput: {reason}")]
    NotALedger {
        /// The place.
        place: String,
        /// What was found there.
        reason: String,
    },
    /// The ledger's files can be read or changed by other users, so it is not opened.
    #[error("the ledger {place} is not opened: {reason}")]
    Unsafe {
        /// The file at fault.
        place: String,
        /// What is wrong with it and how to correct it.
        reason: String,
    },
    /// The ledger's files were deleted or replaced while they were open. Nothing was read or written.
    #[error(
        "the ledger {place} was deleted or replaced while it was open: restore the file, then run the command again"
    )]
    Replaced {
        /// The file at fault.
        place: String,
    },
    /// The ledger was written by a newer build.
    #[error("the ledger {place} has format {found}; this build reads up to format {known}")]
    TooNew {
        /// The place.
        place: String,
        /// Its format.
        found: i64,
        /// The newest format this build knows.
        known: i64,
    },
    /// The ledger's format is older than what this build can migrate.
    #[error("the ledger {place} has format {found}; this build migrates from format {oldest} on")]
    TooOld {
        /// The place.
        place: String,
        /// Its format.
        found: i64,
        /// The oldest format this build migrates.
        oldest: i64,
    },
    /// A record was altered: its checksum does not match.
    #[error(
        "{what} was altered outside of stayput: its checksum does not match; restore the ledger from a backup"
    )]
    Altered {
        /// Which record of which machine.
        what: String,
    },
    /// A record holds what this build cannot read.
    #[error("{what} in the ledger cannot be read")]
    Row {
        /// Which record.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was read back is not what was written.
    #[error("the facts of {machine} were not read back as written; do not trust this store")]
    NotReadBack {
        /// The machine.
        machine: InstanceId,
    },
    /// Another worker holds the lease.
    #[error("another stayput is working on this estate ({holder})")]
    Held {
        /// Who holds it.
        holder: Box<Holder>,
    },
    /// A lease is no longer held: another worker has acquired the scope, or its lock file was deleted.
    #[error("the lease on {scope} with epoch {epoch} was lost")]
    LeaseLost {
        /// What was leased.
        scope: LeaseScope,
        /// The epoch that was lost.
        epoch: u64,
    },
    /// The machine is not in the ledger.
    #[error("{machine} is not in the ledger")]
    NoSuchMachine {
        /// The machine.
        machine: InstanceId,
    },
    /// There is no such run.
    #[error("there is no run {run} in the ledger")]
    NoSuchRun {
        /// Its id.
        run: RunId,
    },
    /// The run has ended: no attempt can be started in it, and its state cannot change.
    #[error("run {run} has ended: {state}")]
    RunEnded {
        /// Its id.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// There is no such entry in the journal.
    #[error("there is no entry {sequence} in the journal")]
    NoSuchEntry {
        /// Its number.
        sequence: Sequence,
    },
    /// The entry has another outcome already; an outcome is written once.
    #[error("entry {sequence} of the journal already has the outcome: {outcome}")]
    Concluded {
        /// Its number.
        sequence: Sequence,
        /// The outcome on record.
        outcome: Outcome,
    },
}
