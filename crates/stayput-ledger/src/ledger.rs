//! The interface of a store of the ledger.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
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
use crate::LedgerError;
use crate::MachineRecord;
use crate::Outcome;
use crate::Run;
use crate::RunId;
use crate::Sequence;
use crate::Who;

/// Durable storage. Callers pass all times; a store never reads a clock. Records are ordered by the order of writing.
///
/// Every write is on disk when its future completes, unless its documentation says otherwise. Every method fails with
/// [`LedgerError::Store`] when the store cannot be used, and with [`LedgerError::Row`] when a record cannot be understood.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The current facts: of each machine that is not retired the newest version, and every VM it became or was before it
    /// returned to EC2; and which machines are retired.
    ///
    /// # Errors
    /// [`LedgerError::Altered`] when a record's checksum does not match.
    async fn facts(&self) -> Result<Facts, LedgerError>;

    /// The newest facts of one machine; `None` when it was never captured or is retired.
    ///
    /// # Errors
    /// [`LedgerError::Altered`] when the record's checksum does not match.
    async fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError>;

    /// Every record about one machine, oldest first: captures, VMs it became, returns to EC2, retirements.
    ///
    /// # Errors
    /// [`LedgerError::Altered`] when a record's checksum does not match.
    async fn machine_history(
        &self,
        machine: &InstanceId,
    ) -> Result<Vec<MachineRecord>, LedgerError>;

    /// Adds a version of the facts of these machines, syncs, and reads them back. Earlier versions are kept. This reverts the
    /// retirement of a machine; the VMs it became are then known again.
    ///
    /// # Errors
    /// [`LedgerError::NotReadBack`] when the store gives back something else.
    async fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError>;

    /// Every machine of which there is a record, also retired ones.
    async fn machines(&self) -> Result<BTreeSet<InstanceId>, LedgerError>;

    /// What a script printed last in the guest of each of these machines that is not retired, and when that was recorded.
    ///
    /// # Errors
    /// [`LedgerError::Altered`] when a record's checksum does not match.
    async fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, LedgerError>;

    /// Adds what a script printed in the guests of these machines. Earlier records are kept.
    async fn put_guests(
        &self,
        guests: &BTreeMap<InstanceId, GuestCapture>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError>;

    /// Adds which VM a machine is at a site. This is then the newest location of the machine; its VMs at other sites stay known.
    async fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError>;

    /// Adds that a machine is its EC2 instance again: it is none of the VMs on record, and none of `was`, unless a later record says so.
    async fn put_returned(
        &self,
        machine: &InstanceId,
        was: &BTreeSet<(SiteName, VmExtId)>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError>;

    /// Takes a machine out of [`facts`](Self::facts); its history stays. Retiring a retired machine changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchMachine`] when the ledger has no record of it.
    async fn retire(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError>;

    /// The open run for this goal, or a new one with the given id.
    async fn open_run(
        &self,
        goal: &Goal,
        id: &RunId,
        who: &Who,
        at: Timestamp,
    ) -> Result<Run, LedgerError>;

    /// Closes a run whose goal is reached. Closing a closed run changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchRun`], or [`LedgerError::RunEnded`] when it was abandoned.
    async fn close_run(&self, run: &RunId, at: Timestamp) -> Result<(), LedgerError>;

    /// Closes a run whose goal was not reached and is given up. Abandoning an abandoned run changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchRun`], or [`LedgerError::RunEnded`] when its goal is reached.
    async fn abandon_run(
        &self,
        run: &RunId,
        at: Timestamp,
        who: &Who,
        why: &str,
    ) -> Result<(), LedgerError>;

    /// All runs, the last started first.
    async fn runs(&self) -> Result<Vec<Run>, LedgerError>;

    /// Writes an intent before its effect.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchRun`], or [`LedgerError::RunEnded`] when the run is not open.
    async fn begin_attempt(
        &self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError>;

    /// Adds what an attempt observed, before or after its change. Survives a kill of this process at once; synced with the next intent, fact
    /// or end of a run.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchEntry`].
    async fn observe(
        &self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError>;

    /// Writes the outcome of an attempt, once; the same outcome again changes nothing. [`Outcome::Failed`] and
    /// [`Outcome::InDoubt`] are synced, as the next attempt depends on them. The others survive a kill of this process at
    /// once and are synced with the next intent, fact or end of a run: if they are lost, a step is only checked again.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchEntry`], or [`LedgerError::Concluded`] when it has another outcome already.
    async fn conclude(
        &self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError>;

    /// The journal of a run, oldest first. Empty for a run that does not exist.
    async fn journal(&self, run: &RunId) -> Result<Vec<Entry>, LedgerError>;

    /// Acquires a lease, which is held until the result is dropped.
    ///
    /// # Errors
    /// [`LedgerError::Held`] when another worker holds it: at once, or in a shared ledger when that worker shows a sign of life. Where a process
    /// that ended cannot release its lease, this waits until it has shown none for the length of the lease.
    async fn acquire(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError>;

    /// Who holds the lease of a scope now; `None` when it is free. In a shared ledger also a worker that was killed, until another one takes over.
    async fn holder(&self, scope: &LeaseScope) -> Result<Option<Holder>, LedgerError>;

    /// Checks that a lease is still held. Call it right before a change that cannot be fenced by an epoch, such as a route.
    ///
    /// # Errors
    /// [`LedgerError::LeaseLost`] when it is not.
    async fn check_lease(&self, lease: &Lease) -> Result<(), LedgerError>;
}
