//! Why the ledger could not do its work. No variant names the store behind the trait.

use std::error::Error;

use stayput_estate::InstanceId;
use stayput_messages::Message;

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
    #[error("{}", Message::new("ledger-store").with("place", .place))]
    Store {
        /// Where the ledger is: a path or a table.
        place: String,
        /// What the store reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file or table is not a ledger.
    #[error("{}", Message::new("ledger-no-ledger").with("place", .place).with("reason", .reason))]
    NotALedger {
        /// The place.
        place: String,
        /// What was found there.
        reason: String,
    },
    /// The ledger's files can be read or changed by other users, so it is not opened.
    #[error("{}", Message::new("ledger-unsafe").with("place", .place).with("reason", .reason))]
    Unsafe {
        /// The file at fault.
        place: String,
        /// What is wrong with it and how to correct it.
        reason: String,
    },
    /// The ledger's files were deleted or replaced while they were open. Nothing was read or written.
    #[error("{}", Message::new("ledger-replaced").with("place", .place))]
    Replaced {
        /// The file at fault.
        place: String,
    },
    /// The ledger was written by a newer build.
    #[error(
        "{}",
        Message::new("ledger-too-new")
            .with("place", .place)
            .with("found", .found)
            .with("known", .known)
    )]
    TooNew {
        /// The place.
        place: String,
        /// Its format.
        found: i64,
        /// The newest format this build knows.
        known: i64,
    },
    /// The ledger's format is older than what this build can migrate.
    #[error(
        "{}",
        Message::new("ledger-too-old")
            .with("place", .place)
            .with("found", .found)
            .with("oldest", .oldest)
    )]
    TooOld {
        /// The place.
        place: String,
        /// Its format.
        found: i64,
        /// The oldest format this build migrates.
        oldest: i64,
    },
    /// A record was altered: its checksum does not match.
    #[error("{}", Message::new("ledger-altered").with("what", .what))]
    Altered {
        /// Which record of which machine.
        what: String,
    },
    /// A record holds what this build cannot read.
    #[error("{}", Message::new("ledger-row").with("what", .what))]
    Row {
        /// Which record.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A ledger into which another one was to be copied has records already.
    #[error("{}", Message::new("ledger-not-empty"))]
    NotEmpty,
    /// A file is not a whole export, or was altered.
    #[error("{}", Message::new("ledger-not-an-export").with("place", .place).with("why", .why))]
    NotAnExport {
        /// The file.
        place: String,
        /// What is wrong, with the line.
        why: String,
    },
    /// The copy of a ledger does not have the records of the original.
    #[error("{}", Message::new("ledger-not-copied"))]
    NotCopied,
    /// What was read back is not what was written.
    #[error("{}", Message::new("ledger-not-read-back").with("machine", .machine))]
    NotReadBack {
        /// The machine.
        machine: InstanceId,
    },
    /// Another worker holds the lease.
    #[error("{}", Message::new("ledger-held").with("holder", .holder))]
    Held {
        /// Who holds it.
        holder: Box<Holder>,
    },
    /// A lease is no longer held: another worker has acquired the scope, or its lock file was deleted.
    #[error("{}", Message::new("ledger-lease-lost").with("scope", .scope).with("epoch", .epoch))]
    LeaseLost {
        /// What was leased.
        scope: LeaseScope,
        /// The epoch that was lost.
        epoch: u64,
    },
    /// The machine is not in the ledger.
    #[error("{}", Message::new("ledger-no-such-machine").with("machine", .machine))]
    NoSuchMachine {
        /// The machine.
        machine: InstanceId,
    },
    /// There is no such run.
    #[error("{}", Message::new("ledger-no-such-run").with("run", .run))]
    NoSuchRun {
        /// Its id.
        run: RunId,
    },
    /// The run has ended: no attempt can be started in it, and its state cannot change.
    #[error("{}", Message::new("ledger-run-ended").with("run", .run).with("state", .state))]
    RunEnded {
        /// Its id.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// There is no such entry in the journal.
    #[error("{}", Message::new("ledger-no-such-entry").with("sequence", .sequence))]
    NoSuchEntry {
        /// Its number.
        sequence: Sequence,
    },
    /// The entry has another outcome already; an outcome is written once.
    #[error(
        "{}",
        Message::new("ledger-concluded")
            .with("sequence", .sequence)
            .with("outcome", .outcome)
    )]
    Concluded {
        /// Its number.
        sequence: Sequence,
        /// The outcome on record.
        outcome: Outcome,
    },
}
