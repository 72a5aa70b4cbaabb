//! A ledger whose writes can be stopped: a simulator ends its process before any one of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

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
use crate::Ledger;
use crate::LedgerError;
use crate::MachineRecord;
use crate::Outcome;
use crate::Run;
use crate::RunId;
use crate::Sequence;
use crate::Who;

/// What is asked before every write of a [`GatedLedger`].
#[async_trait]
pub trait WriteGate: Send + Sync {
    /// Lets a write through by returning. A future that never completes is a process that was killed before the write: the caller of the
    /// process has to be told to drop it.
    ///
    /// # Errors
    /// The write fails with this error and is not made.
    async fn before(&self, write: Write) -> Result<(), LedgerError>;
}

/// A write that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// Its number among the writes of this [`GatedLedger`], from 1.
    pub number: u64,
    /// What it writes.
    pub kind: WriteKind,
}

/// The writes of a [`Ledger`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// [`Ledger::put_machines`].
    PutMachines,
    /// [`Ledger::put_vm`].
    PutVm,
    /// [`Ledger::put_returned`].
    PutReturned,
    /// [`Ledger::put_guests`].
    PutGuests,
    /// [`Ledger::retire`].
    Retire,
    /// [`Ledger::open_run`].
    OpenRun,
    /// [`Ledger::close_run`].
    CloseRun,
    /// [`Ledger::abandon_run`].
    AbandonRun,
    /// [`Ledger::begin_attempt`].
    BeginAttempt,
    /// [`Ledger::observe`].
    Observe,
    /// [`Ledger::conclude`].
    Conclude,
    /// [`Ledger::acquire`].
    Acquire,
}

/// A ledger that asks a gate before every write. Reads go through.
pub struct GatedLedger {
    inner: Arc<dyn Ledger>,
    gate: Arc<dyn WriteGate>,
    writes: AtomicU64,
}

impl GatedLedger {
    /// Puts a gate in front of a ledger. No write was counted yet.
    pub fn new(inner: Arc<dyn Ledger>, gate: Arc<dyn WriteGate>) -> Self {
        Self {
            inner,
            gate,
            writes: AtomicU64::new(0),
        }
    }

    /// How many writes were begun, with those that the gate stopped.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    async fn pass(&self, kind: WriteKind) -> Result<(), LedgerError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        self.gate.before(Write { number, kind }).await
    }
}

#[async_trait]
impl Ledger for GatedLedger {
    async fn facts(&self) -> Result<Facts, LedgerError> {
        self.inner.facts().await
    }

    async fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError> {
        self.inner.machine(machine).await
    }

    async fn machine_history(
        &self,
        machine: &InstanceId,
    ) -> Result<Vec<MachineRecord>, LedgerError> {
        self.inner.machine_history(machine).await
    }

    async fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::PutMachines).await?;
        self.inner.put_machines(machines, at, by).await
    }

    async fn machines(&self) -> Result<BTreeSet<InstanceId>, LedgerError> {
        self.inner.machines().await
    }

    async fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, LedgerError> {
        self.inner.guests(machines).await
    }

    async fn put_guests(
        &self,
        guests: &BTreeMap<InstanceId, GuestCapture>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::PutGuests).await?;
        self.inner.put_guests(guests, at, by).await
    }

    async fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::PutVm).await?;
        self.inner.put_vm(machine, site, vm, at, by).await
    }

    async fn put_returned(
        &self,
        machine: &InstanceId,
        was: &BTreeSet<(SiteName, VmExtId)>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::PutReturned).await?;
        self.inner.put_returned(machine, was, at, by).await
    }

    async fn retire(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::Retire).await?;
        self.inner.retire(machine, at, by, why).await
    }

    async fn open_run(
        &self,
        goal: &Goal,
        id: &RunId,
        who: &Who,
        at: Timestamp,
    ) -> Result<Run, LedgerError> {
        self.pass(WriteKind::OpenRun).await?;
        self.inner.open_run(goal, id, who, at).await
    }

    async fn close_run(&self, run: &RunId, at: Timestamp) -> Result<(), LedgerError> {
        self.pass(WriteKind::CloseRun).await?;
        self.inner.close_run(run, at).await
    }

    async fn abandon_run(
        &self,
        run: &RunId,
        at: Timestamp,
        who: &Who,
        why: &str,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::AbandonRun).await?;
        self.inner.abandon_run(run, at, who, why).await
    }

    async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.inner.runs().await
    }

    async fn begin_attempt(
        &self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError> {
        self.pass(WriteKind::BeginAttempt).await?;
        self.inner.begin_attempt(run, step, who, intent, at).await
    }

    async fn observe(
        &self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::Observe).await?;
        self.inner.observe(sequence, observed).await
    }

    async fn conclude(
        &self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.pass(WriteKind::Conclude).await?;
        self.inner.conclude(sequence, outcome, at).await
    }

    async fn journal(&self, run: &RunId) -> Result<Vec<Entry>, LedgerError> {
        self.inner.journal(run).await
    }

    async fn acquire(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError> {
        self.pass(WriteKind::Acquire).await?;
        self.inner.acquire(scope, who, at).await
    }

    async fn holder(&self, scope: &LeaseScope) -> Result<Option<Holder>, LedgerError> {
        self.inner.holder(scope).await
    }

    async fn check_lease(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.inner.check_lease(lease).await
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::future::FutureExt;

    use super::*;
    use crate::MemoryLedger;

    /// Ends the process before this write.
    struct KillBefore(u64);

    #[async_trait]
    impl WriteGate for KillBefore {
        async fn before(&self, write: Write) -> Result<(), LedgerError> {
            if write.number >= self.0 {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    #[test]
    fn a_process_that_is_killed_before_a_write_does_not_make_it() {
        let inner = MemoryLedger::new();
        let gated = GatedLedger::new(Arc::new(inner.clone()), Arc::new(KillBefore(2)));
        let (machine, site, vm) = ("i-1".into(), "tokyo".into(), "vm-a".into());
        let by = By::person("kim");
        let mut put = gated.put_vm(&machine, &site, &vm, Timestamp::UNIX_EPOCH, &by);
        assert!(put.as_mut().now_or_never().is_some());
        drop(put);
        let osaka = "osaka".into();
        let mut put = gated.put_vm(&machine, &osaka, &vm, Timestamp::UNIX_EPOCH, &by);
        assert!(put.as_mut().now_or_never().is_none());
        drop(put);
        assert_eq!(gated.writes(), 2);
        assert_eq!(block_on(inner.machine_history(&machine)).unwrap().len(), 1);
    }
}
