//! A ledger in memory that knows which of its writes are synced: for simulations, which crash it.
//!
//! It keeps the state with all writes, the state with the synced ones, and the writes in between, in their order.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_estate::mutants::Mutant;
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
use crate::MachineRecord;
use crate::Outcome;
use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Sequence;
use crate::Who;
use crate::state::Change;
use crate::state::State;

/// A ledger in memory. Clones are handles of the same ledger, as several processes have them open.
///
/// It survives nothing by itself: [`crash`](Self::crash) gives the ledger that a later process would find.
#[derive(Debug, Clone)]
pub struct MemoryLedger {
    store: Arc<Mutex<Store>>,
    process: u32,
}

/// How a process that uses a ledger ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed, the computer is not: every write stays.
    ProcessKilled,
    /// The computer loses power: every synced write stays, and of the later ones only the first few that happened to be on disk.
    PowerLost {
        /// How many unsynced writes stay; at most all of them.
        surviving: usize,
    },
}

/// Whether a write is on disk when it returns. A sync also syncs every earlier write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Unsynced,
}

/// A synced write, except for a deliberate defect.
fn synced_unless(mutant: Mutant) -> Durability {
    match mutant.is_chosen() {
        true => Durability::Unsynced,
        false => Durability::Synced,
    }
}

type Repeatable = Box<dyn Fn(&mut State) + Send>;

struct Store {
    live: State,
    synced: State,
    /// The writes that `live` has and `synced` has not, in their order.
    unsynced: Vec<Repeatable>,
    leases: BTreeMap<LeaseScope, Holder>,
}

impl Store {
    fn new(state: State) -> Self {
        Self {
            synced: state.clone(),
            live: state,
            unsynced: Vec::new(),
            leases: BTreeMap::new(),
        }
    }

    fn sync(&mut self) {
        for write in self.unsynced.drain(..) {
            write(&mut self.synced);
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("live", &self.live)
            .field("unsynced", &self.unsynced.len())
            .field("leases", &self.leases)
            .finish_non_exhaustive()
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::holding(State::default())
    }
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn holding(state: State) -> Self {
        Self {
            store: Arc::new(Mutex::new(Store::new(state))),
            process: std::process::id(),
        }
    }

    /// A handle of the same ledger for a process with this id, which is named as the holder of its leases. Without this it is the id of
    /// this process.
    #[must_use]
    pub fn for_process(&self, process: u32) -> Self {
        Self {
            process,
            ..self.clone()
        }
    }

    /// The ledger as a later process finds it after all processes ended now. All of it is synced, and no lease is held. This ledger is not
    /// changed.
    #[must_use]
    pub fn crash(&self, crash: Crash) -> Self {
        let store = self.store();
        let state = match crash {
            Crash::ProcessKilled => store.live.clone(),
            Crash::PowerLost { surviving } => {
                let mut state = store.synced.clone();
                for write in store.unsynced.iter().take(surviving) {
                    write(&mut state);
                }
                state
            }
        };
        Self {
            process: self.process,
            ..Self::holding(state)
        }
    }

    /// How many writes are not synced.
    pub fn unsynced_writes(&self) -> usize {
        self.store().unsynced.len()
    }

    /// The facts that a later process would find if the computer lost power now, with no unsynced write on disk.
    pub fn facts_on_disk(&self) -> Facts {
        self.store().synced.facts()
    }

    /// Whether that process would find an attempt of an open run that was begun and not concluded.
    pub fn has_open_attempt_on_disk(&self) -> bool {
        self.store().synced.has_open_attempt()
    }

    /// Whether the newest attempt at some step of an open run is in doubt: what it sent may still take effect.
    pub fn is_in_doubt(&self) -> bool {
        self.read(State::is_in_doubt)
    }

    /// The newest attempt that was begun, if there is any.
    pub fn newest_attempt(&self) -> Option<Sequence> {
        self.read(State::newest_attempt)
    }

    /// Whether an attempt at this step, begun after `after`, has achieved its result.
    pub fn has_done(&self, step: &StepId, after: Option<Sequence>) -> bool {
        self.read(|state| state.has_done(step, after))
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        locked(&self.store)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.store().live)
    }

    /// Writes. `work` changes nothing where it fails, and does the same to every state that it is given in the same order.
    fn write<T>(
        &self,
        durability: Durability,
        work: impl Fn(&mut State) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let mut store = self.store();
        let result = work(&mut store.live)?;
        store.unsynced.push(Box::new(move |state| {
            // It succeeded on the same state before.
            let _ = work(state);
        }));
        match durability {
            Durability::Synced => store.sync(),
            Durability::Unsynced => {}
        }
        Ok(result)
    }
}

fn locked(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn facts(&self) -> Result<Facts, LedgerError> {
        Ok(self.read(State::facts))
    }

    async fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError> {
        Ok(self.read(|state| state.machine(machine)))
    }

    async fn machine_history(
        &self,
        machine: &InstanceId,
    ) -> Result<Vec<MachineRecord>, LedgerError> {
        Ok(self.read(|state| state.history(machine)))
    }

    async fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let (machines, by) = (machines.clone(), by.clone());
        let capture = move |state: &mut State| {
            for (machine, facts) in &machines {
                state.add(machine, at, &by, Change::Captured(Arc::clone(facts)));
            }
        };
        if Mutant::FactsNotSynced.is_chosen() {
            capture(&mut self.store().live);
            return Ok(());
        }
        self.write(Durability::Synced, move |state| {
            capture(state);
            Ok(())
        })
    }

    async fn machines(&self) -> Result<BTreeSet<InstanceId>, LedgerError> {
        Ok(self.read(State::machines))
    }

    async fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, LedgerError> {
        Ok(self.read(|state| state.guests(machines)))
    }

    async fn put_guests(
        &self,
        guests: &BTreeMap<InstanceId, GuestCapture>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let (guests, by) = (guests.clone(), by.clone());
        self.write(Durability::Synced, move |state| {
            for (machine, guest) in &guests {
                state.add(machine, at, &by, Change::Guest(Arc::new(guest.clone())));
            }
            Ok(())
        })
    }

    async fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let (machine, by) = (machine.clone(), by.clone());
        let became = Change::BecameVm(site.clone(), vm.clone());
        self.write(Durability::Synced, move |state| {
            state.add(&machine, at, &by, became.clone());
            Ok(())
        })
    }

    async fn put_returned(
        &self,
        machine: &InstanceId,
        was: &BTreeSet<(SiteName, VmExtId)>,
        at: Timestamp,
        by: &By,
    ) -> Result<(), LedgerError> {
        let (machine, by) = (machine.clone(), by.clone());
        let returned = Change::Returned(was.clone());
        self.write(Durability::Synced, move |state| {
            state.add(&machine, at, &by, returned.clone());
            Ok(())
        })
    }

    async fn retire(
        &self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError> {
        let (machine, by, why) = (machine.clone(), by.clone(), why.to_owned());
        self.write(Durability::Synced, move |state| {
            state.retire(&machine, at, &by, &why)
        })
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
        self.write(Durability::Synced, move |state| Ok(state.open_run(&run)))
    }

    async fn close_run(&self, run: &RunId, at: Timestamp) -> Result<(), LedgerError> {
        let run = run.clone();
        self.write(Durability::Synced, move |state| {
            state.end_run(&run, &RunState::Reached { at })
        })
    }

    async fn abandon_run(
        &self,
        run: &RunId,
        at: Timestamp,
        who: &Who,
        why: &str,
    ) -> Result<(), LedgerError> {
        let run = run.clone();
        let abandoned = RunState::Abandoned {
            at,
            by: who.clone(),
            why: why.to_owned(),
        };
        self.write(Durability::Synced, move |state| {
            state.end_run(&run, &abandoned)
        })
    }

    async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        Ok(self.read(State::runs))
    }

    async fn begin_attempt(
        &self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError> {
        let (run, step, who, intent) = (run.clone(), step.clone(), who.clone(), intent.clone());
        self.write(synced_unless(Mutant::IntentNotSynced), move |state| {
            state.begin(&run, &step, &who, &intent, at)
        })
    }

    async fn observe(
        &self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        let observed = observed.clone();
        self.write(Durability::Unsynced, move |state| {
            state.observe(sequence, &observed)
        })
    }

    async fn conclude(
        &self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let durability = match outcome {
            Outcome::Failed { .. } | Outcome::InDoubt { .. } => Durability::Synced,
            Outcome::Done | Outcome::Unchanged => Durability::Unsynced,
        };
        let outcome = outcome.clone();
        self.write(durability, move |state| {
            state.conclude(sequence, &outcome, at)
        })
    }

    async fn journal(&self, run: &RunId) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.read(|state| state.journal(run)))
    }

    async fn acquire(
        &self,
        scope: &LeaseScope,
        who: &Who,
        at: Timestamp,
    ) -> Result<Lease, LedgerError> {
        if let Some(holder) = self.store().leases.get(scope)
            && !Mutant::LockIgnored.is_chosen()
        {
            let holder = Box::new(holder.clone());
            return Err(LedgerError::Held { holder });
        }
        let next = scope.clone();
        let epoch = self.write(Durability::Synced, move |state| Ok(state.next_epoch(&next)))?;
        let holder = Holder {
            who: Some(who.clone()),
            process: Some(self.process),
            since: Some(at),
            epoch: Some(epoch),
        };
        self.store().leases.insert(scope.clone(), holder);
        let held = Held {
            store: Arc::clone(&self.store),
            scope: scope.clone(),
            epoch,
        };
        Ok(Lease::new(scope.clone(), epoch, held))
    }

    async fn holder(&self, scope: &LeaseScope) -> Result<Option<Holder>, LedgerError> {
        Ok(self.store().leases.get(scope).cloned())
    }

    async fn check_lease(&self, lease: &Lease) -> Result<(), LedgerError> {
        let newest = self.read(|state| state.epoch(lease.scope()));
        let is_newest = newest == Some(lease.epoch()) && lease.guard().is_held();
        if is_newest || Mutant::LockIgnored.is_chosen() {
            Ok(())
        } else {
            Err(LedgerError::LeaseLost {
                scope: lease.scope().clone(),
                epoch: lease.epoch(),
            })
        }
    }
}

/// A lease that is held.
struct Held {
    store: Arc<Mutex<Store>>,
    scope: LeaseScope,
    epoch: u64,
}

impl LeaseGuard for Held {
    fn is_held(&self) -> bool {
        let store = locked(&self.store);
        let holder = store.leases.get(&self.scope);
        holder.is_some_and(|holder| holder.epoch == Some(self.epoch))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_held() {
            locked(&self.store).leases.remove(&self.scope);
        }
    }
}

#[cfg(test)]
mod tests;
