//! A ledger that several hosts share: a log of records in a store that knows one thing, to write an item only if it is not there.
//!
//! Each item of the log has a number and holds one or more records. A writer appends at the number after the last one that it has read; if
//! another was faster, it reads what is new and decides again. So every write knows every earlier one, and a worker whose lease was taken
//! over finds that on record before anything that it writes: it writes nothing more. No clock of any host is compared with another's.

mod batch;
mod lease;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex as SyncMutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::lock::Mutex;
use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
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
use crate::LeaseGuard;
use crate::LeaseScope;
use crate::Ledger;
use crate::LedgerError;
use crate::MachineChange;
use crate::MachineRecord;
use crate::Outcome;
use crate::Record;
use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Sequence;
use crate::Who;
use crate::state::Applied;
use crate::state::State;
pub use batch::Batch;

/// Appends of one record in a row that meet those of others, before the writer gives up.
const COLLISIONS: u32 = 50;

/// How often an append without an answer is repeated.
const UNANSWERED: u32 = 4;

/// The pause before.
const UNANSWERED_PAUSE: Duration = Duration::from_millis(500);

/// A store for a log. Everything it reads is what the store holds at that moment, not what a replica held earlier.
#[async_trait]
pub trait Log: Send + Sync {
    /// Where it is, for messages.
    fn place(&self) -> String;

    /// Every item with a greater number, in order, to the last page.
    async fn read(&self, after: u64) -> Result<Vec<Batch>, LogError>;

    /// Writes an item unless there is one with its number.
    async fn append(&self, batch: &Batch) -> Result<Appended, LogError>;

    /// The sign of life of a lease's holder; `None` if there was none.
    async fn beat(&self, scope: &LeaseScope) -> Result<Option<Beat>, LogError>;

    /// Renews the sign of life of a lease until the result is dropped, and then releases the lease before the drop returns, if that is
    /// possible within seconds.
    async fn hold(&self, lease: HeldLease) -> Result<Box<dyn LeaseGuard>, LogError>;

    /// Waits.
    async fn pause(&self, time: Duration);

    /// A text that no other item has.
    fn nonce(&self) -> String;
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is written.
    Written,
    /// There is an item with its number already.
    Taken,
}

/// The sign of life of a lease's holder: as long as it changes, the holder is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The epoch of the lease.
    pub epoch: u64,
    /// Greater at every renewal.
    pub count: u64,
}

/// A lease to be held.
pub struct HeldLease {
    /// What is leased.
    pub scope: LeaseScope,
    /// Its epoch.
    pub epoch: u64,
    /// Releases it in the log.
    pub release: Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send + Sync>,
}

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct LogError {
    /// What it reported.
    pub source: Box<dyn Error + Send + Sync>,
    /// Whether a write may have taken effect all the same, now or later.
    pub is_in_doubt: bool,
}

/// How leases of a shared ledger are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long a sign of life must stay the same, as a waiter itself sees, before the waiter takes the lease over.
    pub length: Duration,
    /// How often a waiter looks.
    pub look: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(30),
            look: Duration::from_secs(1),
        }
    }
}

/// A ledger in a [`Log`]. Clones are handles of the same worker.
#[derive(Clone)]
pub struct LogLedger {
    log: Arc<dyn Log>,
    times: LeaseTimes,
    /// What was read of the log so far; `None` when it is to be read from the beginning.
    read: Arc<Mutex<Option<Read>>>,
    /// The leases that this worker has, by its own account.
    mine: Arc<SyncMutex<BTreeMap<LeaseScope, u64>>>,
}

/// The log as far as it was read.
struct Read {
    state: State,
    /// The number of the last item.
    last: u64,
    /// Its checksum, which the next one refers to.
    hash: String,
}

impl LogLedger {
    /// Opens a ledger. Nothing is read yet.
    pub fn new(log: Arc<dyn Log>, times: LeaseTimes) -> Self {
        Self {
            log,
            times,
            read: Arc::default(),
            mine: Arc::default(),
        }
    }

    fn store(&self, error: LogError) -> LedgerError {
        LedgerError::Store {
            place: self.log.place(),
            source: error.source,
        }
    }

    /// Reads what is new.
    async fn catch_up<'r>(&self, read: &'r mut Option<Read>) -> Result<&'r mut Read, LedgerError> {
        // Until all of it is understood, nothing of it is.
        let mut known = read.take().unwrap_or_else(|| Read {
            state: State::default(),
            last: 0,
            hash: String::new(),
        });
        let new = self.log.read(known.last).await;
        for batch in new.map_err(|error| self.store(error))? {
            batch.is_next_after(known.last, &known.hash, &self.log.place())?;
            for record in batch.records(&self.log.place())? {
                known.state.apply(&record)?;
            }
            known.last = batch.number;
            known.hash = batch.hash;
        }
        Ok(read.insert(known))
    }

    async fn ask<T>(&self, ask: impl FnOnce(&State) -> T) -> Result<T, LedgerError> {
        let mut read = self.read.lock().await;
        let read = self.catch_up(&mut read).await?;
        Ok(ask(&read.state))
    }

    /// Writes records, one after the other, as one item.
    async fn write(&self, records: &[Record]) -> Result<Applied, LedgerError> {
        self.write_by(|_| Ok(records.to_vec())).await
    }

    /// Writes what `decide` makes of the ledger as it is; decides again if the ledger changed meanwhile.
    async fn write_by(
        &self,
        decide: impl Fn(&State) -> Result<Vec<Record>, LedgerError> + Send,
    ) -> Result<Applied, LedgerError> {
        let mut read = self.read.lock().await;
        for _ in 0..COLLISIONS {
            // The first write of a process has to know what was written before it. Later ones find out by being refused.
            if read.is_none() {
                self.catch_up(&mut read).await?;
            }
            // Put back only when it is what the log has: a write that fails, or is dropped, leaves nothing of it in memory.
            let Some(mut known) = read.take() else {
                continue;
            };
            let records = decide(&known.state)?;
            let takes_lease = |record: &Record| matches!(record, Record::LeaseTaken { .. });
            if !records.iter().any(takes_lease) {
                self.is_not_taken_over(&known.state)?;
            }
            let before = known.state.changes();
            let applied = records
                .iter()
                .try_fold(Applied::Nothing, |_, record| known.state.apply(record));
            let applied = match applied {
                Ok(applied) => applied,
                // The refusal may rest on old knowledge.
                Err(error) => {
                    let newer = self.log.read(known.last).await;
                    if newer.map_err(|error| self.store(error))?.is_empty() {
                        return Err(error);
                    }
                    continue;
                }
            };
            if known.state.changes() == before {
                *read = Some(known);
                return Ok(applied);
            }
            let batch = Batch::after(known.last, &known.hash, self.log.nonce(), &records)?;
            match self.append(&batch).await {
                Ok(Appended::Written) => {
                    known.last = batch.number;
                    known.hash = batch.hash;
                    *read = Some(known);
                    return Ok(applied);
                }
                Ok(Appended::Taken) => {}
                Err(error) => return Err(self.store(error)),
            }
        }
        Err(self.store(LogError {
            source: String::from(Message::new("log-crowded")).into(),
            is_in_doubt: false,
        }))
    }

    /// Appends an item. One without an answer is repeated as it is, and known by its nonce: it is written once at most.
    async fn append(&self, batch: &Batch) -> Result<Appended, LogError> {
        let mut doubt = None;
        for attempt in 0..=UNANSWERED {
            if attempt > 0 {
                self.log.pause(UNANSWERED_PAUSE).await;
            }
            let looked = match self.log.append(batch).await {
                Ok(Appended::Written) => return Ok(Appended::Written),
                Ok(Appended::Taken) => self.log.read(batch.number - 1).await,
                Err(error) if error.is_in_doubt || doubt.is_some() => Err(error),
                Err(error) => return Err(error),
            };
            match looked {
                Ok(found) => {
                    let mut first = found.iter().take(1);
                    let is_mine = first.any(|first| first.nonce == batch.nonce);
                    return Ok(match is_mine {
                        true => Appended::Written,
                        false => Appended::Taken,
                    });
                }
                Err(error) => doubt = Some(error.source),
            }
        }
        Err(LogError {
            source: doubt.unwrap_or_else(|| String::from(Message::new("log-crowded")).into()),
            is_in_doubt: true,
        })
    }

    /// Checks that no other worker has taken a lease over.
    async fn is_newest(&self, lease: &Lease) -> Result<(), LedgerError> {
        let newest = self.ask(|state| state.epoch(lease.scope())).await?;
        if newest == Some(lease.epoch()) && lease.guard().is_held() {
            return Ok(());
        }
        Err(LedgerError::LeaseLost {
            scope: lease.scope().clone(),
            epoch: lease.epoch(),
        })
    }

    /// A worker that lost its lease writes nothing more.
    fn is_not_taken_over(&self, state: &State) -> Result<(), LedgerError> {
        for (scope, epoch) in self.mine().iter() {
            if state.epoch(scope) != Some(*epoch) {
                return Err(LedgerError::LeaseLost {
                    scope: scope.clone(),
                    epoch: *epoch,
                });
            }
        }
        Ok(())
    }

    fn mine(&self) -> std::sync::MutexGuard<'_, BTreeMap<LeaseScope, u64>> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn add(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        change: MachineChange,
    ) -> Result<(), LedgerError> {
        let record = Record::Machine {
            machine: machine.clone(),
            at,
            by: by.clone(),
            change,
        };
        self.write(&[record]).await?;
        Ok(())
    }
}

#[async_trait]
impl Ledger for LogLedger {
    async fn facts(&self) -> Result<Facts, LedgerError> {
        self.ask(State::facts).await
    }

    async fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError> {
        self.ask(|state| state.machine(machine)).await
    }

    async fn machine_history(
        &self,
        machine: &InstanceId,
    ) -> Result<Vec<MachineRecord>, LedgerError> {
        self.ask(|state| state.history(machine)).await
    }

    async fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let records: Vec<_> = machines
            .iter()
            .map(|(machine, facts)| Record::Machine {
                machine: machine.clone(),
                at,
                by: by.clone(),
                change: MachineChange::Captured {
                    facts: MachineFacts::clone(facts),
                },
            })
            .collect();
        let before = self.catch_up(&mut *self.read.lock().await).await?.last;
        for records in batch::parts(&records)? {
            self.write(records).await?;
        }
        // Not from memory: from the store.
        let place = self.log.place();
        let mut found = BTreeMap::new();
        let back = self.log.read(before).await;
        for batch in back.map_err(|error| self.store(error))? {
            for record in batch.records(&place)? {
                if let Record::Machine {
                    machine,
                    change: MachineChange::Captured { facts },
                    ..
                } = record
                {
                    found.insert(machine, facts);
                }
            }
        }
        let wrong = machines
            .iter()
            .find(|(machine, captured)| found.get(*machine) != Some(&***captured));
        match wrong {
            None => Ok(()),
            Some((machine, _)) => Err(LedgerError::NotReadBack {
                machine: machine.clone(),
            }),
        }
    }

    async fn machines(&self) -> Result<BTreeSet<InstanceId>, LedgerError> {
        self.ask(State::machines).await
    }

    async fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, LedgerError> {
        self.ask(|state| state.guests(machines)).await
    }

    async fn put_guests(
        &self,
        guests: &BTreeMap<InstanceId, GuestCapture>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let records: Vec<_> = guests
            .iter()
            .map(|(machine, guest)| Record::Machine {
                machine: machine.clone(),
                at,
                by: by.clone(),
                change: MachineChange::GuestCaptured {
                    guest: guest.clone(),
                },
            })
            .collect();
        for records in batch::parts(&records)? {
            self.write(records).await?;
        }
        Ok(())
    }

    async fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let (site, vm) = (site.clone(), vm.clone());
        let became = MachineChange::BecameVm { site, vm };
        self.add(machine, at, by, became).await
    }

    async fn put_returned(
        &self,
        machine: &InstanceId,
        was: &BTreeSet<(SiteName, VmExtId)>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let returned = MachineChange::ReturnedToEc2 { was: was.clone() };
        self.add(machine, at, by, returned).await
    }

    async fn retire(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError> {
        let why = why.to_owned();
        let retired = MachineChange::Retired { why };
        self.add(machine, at, by, retired).await
    }

    async fn open_run(
        &self,
        goal: &Goal,
        id: &RunId,
        who: &Who,
        at: Timestamp,
    ) -> Result<Run, LedgerError> {
        let run = Run {
            id: id.clone(),
            goal: goal.clone(),
            who: who.clone(),
            started: at,
            state: RunState::Open,
        };
        // A run to the same goal that another worker opened meanwhile is the one to resume.
        self.ask(|_| ()).await?;
        match self
            .write(&[Record::RunOpened { run: run.clone() }])
            .await?
        {
            Applied::Run(open) => Ok(open),
            Applied::Nothing | Applied::Attempt(_) | Applied::Lease(_) => Ok(run),
        }
    }

    async fn close_run(&self, run: &RunId, at: Timestamp) -> Result<(), LedgerError> {
        let (run, state) = (run.clone(), RunState::Reached { at });
        self.write(&[Record::RunEnded { run, state }]).await?;
        Ok(())
    }

    async fn abandon_run(
        &self,
        run: &RunId,
        at: Timestamp,
        who: &Who,
        why: &str,
    ) -> Result<(), LedgerError> {
        let state = RunState::Abandoned {
            at,
            by: who.clone(),
            why: why.to_owned(),
        };
        let run = run.clone();
        self.write(&[Record::RunEnded { run, state }]).await?;
        Ok(())
    }

    async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.ask(State::runs).await
    }

    async fn begin_attempt(
        &self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError> {
        let begun = Record::Begun {
            run: run.clone(),
            step: step.clone(),
            who: who.clone(),
            intent: intent.clone(),
            at,
        };
        match self.write(&[begun]).await? {
            Applied::Attempt(attempt) => Ok(attempt),
            Applied::Nothing | Applied::Run(_) | Applied::Lease(_) => {
                let run = run.clone();
                Err(LedgerError::NoSuchRun { run })
            }
        }
    }

    async fn observe(
        &self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        let observed = observed.clone();
        self.write(&[Record::Observed { sequence, observed }])
            .await?;
        Ok(())
    }

    async fn conclude(
        &self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let concluded = Record::Concluded {
            sequence,
            outcome: outcome.clone(),
            at,
        };
        self.write(&[concluded]).await?;
        Ok(())
    }

    async fn journal(&self, run: &RunId) -> Result<Vec<Entry>, LedgerError> {
        self.ask(|state| state.journal(run)).await
    }

    async fn acquire(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError> {
        self.take(scope, who, at).await
    }

    async fn holder(&self, scope: &LeaseScope) -> Result<Option<Holder>, LedgerError> {
        self.ask(|state| state.holder(scope).cloned()).await
    }

    async fn check_lease(&self, lease: &Lease) -> Result<(), LedgerError> {
        self.is_newest(lease).await
    }
}

impl std::fmt::Debug for LogLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.log.place();
        f.debug_struct("LogLedger")
            .field("place", &place)
            .finish_non_exhaustive()
    }
}
