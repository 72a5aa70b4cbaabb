//! The embedded ledger: one SQLite file in WAL mode.
//!
//! Statements run on the caller's thread, under a mutex. Each is short: one row or one indexed query, and for a synced write one
//! `fsync`. So a simulator can run everything on one thread, and no thread pool reorders writes. No lock is held across an
//! `await`. A write by another process is waited for, for at most [`BUSY`].

mod facts;
mod files;
mod format;
mod guests;
mod journal;
mod lease;
mod returned;
mod row;
mod runs;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::Goal;
use stayput_plan::StepId;
use stayput_world::Facts;
use stayput_world::GuestCapture;
use stayput_world::MachineFacts;

use crate::Attempt;
use crate::By;
use crate::Entry;
use crate::Holder;
use crate::Lease;
use crate::LeaseScope;
use crate::Ledger;
use crate::LedgerError;
use crate::MachineRecord;
use crate::Outcome;
use crate::Run;
use crate::RunId;
use crate::Sequence;
use crate::Who;

use files::Files;
use files::Identity;
use row::Fault;

/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(10);

/// The embedded ledger.
#[derive(Debug)]
pub struct SqliteLedger {
    files: Files,
    /// The identity of the files when they were opened.
    identity: Identity,
    connection: Mutex<Connection>,
}

impl SqliteLedger {
    /// Opens the file, creating it if absent. A file of an older format is migrated, which needs the estate's lease during the migration.
    ///
    /// The database, its `-wal` and `-shm` files and the lock file beside it are accessible only to their owner (mode 0600): wider
    /// permissions are removed, and symbolic links are refused.
    ///
    /// # Errors
    /// When the file cannot be opened, is no ledger, is unsafe, or was written by a newer build; [`LedgerError::Held`] when it has
    /// to be migrated while another process works on the estate.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let files = Files::prepare(path)?;
        let mut connection = files.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        format::bring_up_to_date(&files, &mut connection)?;
        // The files of the write-ahead log exist from the first read until the last connection is closed.
        let identity = files.identity()?;
        Ok(Self {
            files,
            identity,
            connection: Mutex::new(connection),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot leave SQLite inconsistent: transactions roll back.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from one snapshot.
    fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        self.files.are(&self.identity)?;
        let mut connection = self.connection();
        let result = transact(&mut connection, TransactionBehavior::Deferred, work);
        result.map_err(|fault| fault.at(&self.files))
    }

    /// Writes, all or nothing, and syncs.
    fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        self.files.are(&self.identity)?;
        let mut connection = self.connection();
        // Immediate: what is read in it cannot change before it is written.
        let result = transact(&mut connection, TransactionBehavior::Immediate, work);
        let written = result.map_err(|fault| fault.at(&self.files))?;
        // If the files were replaced in between, the write went into a file that is not at this path any more.
        self.files.are(&self.identity)?;
        Ok(written)
    }

    /// Writes without a sync: the write is in the log before every later one, so the next synced write makes it durable too. This saves one
    /// sync per step.
    fn write_unsynced<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        self.files.are(&self.identity)?;
        let mut connection = self.connection();
        let sync = |connection: &Connection, level| {
            connection
                .pragma_update(None, "synchronous", level)
                .map_err(Fault::from)
        };
        let written = sync(&connection, "NORMAL")
            .and_then(|()| transact(&mut connection, TransactionBehavior::Immediate, work));
        let result = sync(&connection, "FULL").and(written);
        result.map_err(|fault| fault.at(&self.files))
    }
}

fn transact<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn facts(&self) -> Result<Facts, LedgerError> {
        self.read(|transaction| facts::facts(transaction))
    }

    async fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError> {
        self.read(|transaction| facts::machine(transaction, machine))
    }

    async fn machine_history(
        &self,
        machine: &InstanceId,
    ) -> Result<Vec<MachineRecord>, LedgerError> {
        self.read(|transaction| facts::history(transaction, machine))
    }

    async fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let written = self.write(|transaction| facts::put(transaction, machines, at, by))?;
        // Through a separate connection, to check the file at this path and not a cache of this process.
        let fresh = self.files.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        facts::read_back(&fresh, machines, &written).map_err(|fault| fault.at(&self.files))
    }

    async fn machines(&self) -> Result<BTreeSet<InstanceId>, LedgerError> {
        self.read(|transaction| facts::machines(transaction))
    }

    async fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, LedgerError> {
        self.read(|transaction| guests::newest(transaction, machines))
    }

    async fn put_guests(
        &self,
        guests: &BTreeMap<InstanceId, GuestCapture>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| guests::put(transaction, guests, at, by))
    }

    async fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| facts::put_vm(transaction, machine, site, vm, at, by))
    }

    async fn put_returned(
        &self,
        machine: &InstanceId,
        was: &BTreeSet<(SiteName, VmExtId)>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| returned::put(transaction, machine, was, at, by))
    }

    async fn retire(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| facts::retire(transaction, machine, at, by, why))
    }

    async fn open_run(
        &self,
        goal: &Goal,
        id: &RunId,
        who: &Who,
        at: Timestamp,
    ) -> Result<Run, LedgerError> {
        self.write(|transaction| runs::open(transaction, goal, id, who, at))
    }

    async fn close_run(&self, run: &RunId, at: Timestamp) -> Result<(), LedgerError> {
        self.write(|transaction| runs::close(transaction, run, at))
    }

    async fn abandon_run(
        &self,
        run: &RunId,
        at: Timestamp,
        who: &Who,
        why: &str,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| runs::abandon(transaction, run, at, who, why))
    }

    async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.read(|transaction| runs::all(transaction))
    }

    async fn begin_attempt(
        &self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError> {
        self.write(|transaction| journal::begin(transaction, run, step, who, intent, at))
    }

    async fn observe(
        &self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        self.write_unsynced(|transaction| journal::observe(transaction, sequence, observed))
    }

    async fn conclude(
        &self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let conclude =
            |transaction: &Transaction<'_>| journal::conclude(transaction, sequence, outcome, at);
        match outcome {
            Outcome::Failed { .. } | Outcome::InDoubt { .. } => self.write(conclude),
            Outcome::Done | Outcome::Unchanged => self.write_unsynced(conclude),
        }
    }

    async fn journal(&self, run: &RunId) -> Result<Vec<Entry>, LedgerError> {
        self.read(|transaction| journal::of_run(transaction, run))
    }

    async fn acquire(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError> {
        let lock = lease::Lock::take(&self.files)?;
        let epoch = self.write(|transaction| lease::next_epoch(transaction, scope, who, at))?;
        lock.name(&Holder {
            who: Some(who.clone()),
            process: Some(std::process::id()),
            since: Some(at),
            epoch: Some(epoch),
        })?;
        Ok(Lease::new(scope.clone(), epoch, lock))
    }

    async fn holder(&self, scope: &LeaseScope) -> Result<Option<Holder>, LedgerError> {
        match scope {
            LeaseScope::Estate => lease::holder(&self.files),
        }
    }

    async fn check_lease(&self, lease: &Lease) -> Result<(), LedgerError> {
        let newest = self.read(|transaction| lease::epoch(transaction, lease.scope()))?;
        if newest == Some(lease.epoch()) && lease.guard().is_held() {
            Ok(())
        } else {
            Err(LedgerError::LeaseLost {
                scope: lease.scope().clone(),
                epoch: lease.epoch(),
            })
        }
    }
}

#[cfg(test)]
mod tests;
