//! The content of a ledger, as lists in the order of writing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::StepId;
use stayput_world::Facts;
use stayput_world::GuestCapture;
use stayput_world::MachineFacts;

use crate::Attempt;
use crate::By;
use crate::Entry;
use crate::Holder;
use crate::LeaseScope;
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
use crate::homes::Homes;

/// What a record says about a machine: [`MachineChange`] with shared facts.
#[derive(Debug, Clone)]
pub enum Change {
    Captured(Arc<MachineFacts>),
    BecameVm(SiteName, VmExtId),
    Returned(BTreeSet<(SiteName, VmExtId)>),
    Guest(Arc<GuestCapture>),
    Retired(String),
}

impl From<MachineChange> for Change {
    fn from(change: MachineChange) -> Self {
        match change {
            MachineChange::Captured { facts } => Self::Captured(Arc::new(facts)),
            MachineChange::BecameVm { site, vm } => Self::BecameVm(site, vm),
            MachineChange::ReturnedToEc2 { was } => Self::Returned(was),
            MachineChange::GuestCaptured { guest } => Self::Guest(Arc::new(guest)),
            MachineChange::Retired { why } => Self::Retired(why),
        }
    }
}

#[derive(Debug, Clone)]
struct OfMachine {
    machine: InstanceId,
    at: Timestamp,
    by: By,
    change: Change,
}

/// Everything that a ledger has on record.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Record `n` has the sequence `n` + 1.
    records: Vec<OfMachine>,
    runs: Vec<Run>,
    /// Entry `n` has the sequence `n` + 1.
    entries: Vec<Entry>,
    /// The places in `entries` of the attempts at each step of each run.
    attempts: BTreeMap<RunId, BTreeMap<StepId, Vec<usize>>>,
    epochs: BTreeMap<LeaseScope, u64>,
    /// Who holds the leases that were not released, as a log has them on record.
    holders: BTreeMap<LeaseScope, Holder>,
    /// How often something was changed.
    changes: u64,
}

/// What a record of a log gave when it was applied.
#[derive(Debug)]
pub enum Applied {
    Nothing,
    Run(Run),
    Attempt(Attempt),
    /// The epoch of a lease that was taken.
    Lease(u64),
}

impl State {
    /// Applies a record of a log. Changes nothing where it fails.
    pub fn apply(&mut self, record: &Record) -> Result<Applied, LedgerError> {
        match record {
            Record::Machine {
                machine,
                at,
                by,
                change: MachineChange::Retired { why },
            } => self.retire(machine, *at, by, why)?,
            Record::Machine {
                machine,
                at,
                by,
                change,
            } => self.add(machine, *at, by, Change::from(change.clone())),
            Record::RunOpened { run } => return Ok(Applied::Run(self.open_run(run))),
            Record::RunEnded { run, state } => self.end_run(run, state)?,
            Record::Begun {
                run,
                step,
                who,
                intent,
                at,
            } => {
                let attempt = self.begin(run, step, who, intent, *at)?;
                return Ok(Applied::Attempt(attempt));
            }
            Record::Observed { sequence, observed } => self.observe(*sequence, observed)?,
            Record::Concluded {
                sequence,
                outcome,
                at,
            } => self.conclude(*sequence, outcome, *at)?,
            Record::LeaseTaken {
                scope,
                epoch,
                holder,
            } => {
                self.changes += 1;
                self.epochs.insert(scope.clone(), *epoch);
                self.holders.insert(scope.clone(), holder.clone());
                return Ok(Applied::Lease(*epoch));
            }
            Record::LeaseReleased { scope, epoch } => {
                if self.epoch(scope) == Some(*epoch) && self.holders.remove(scope).is_some() {
                    self.changes += 1;
                }
            }
        }
        Ok(Applied::Nothing)
    }

    /// How often something was changed so far: what is the same before and after a record needs no record.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Who holds a lease that was not released, as the log has it on record.
    pub fn holder(&self, scope: &LeaseScope) -> Option<&Holder> {
        self.holders.get(scope)
    }

    pub fn add(&mut self, machine: &InstanceId, at: Timestamp, by: &By, change: Change) {
        self.changes += 1;
        self.records.push(OfMachine {
            machine: machine.clone(),
            at,
            by: by.clone(),
            change,
        });
    }

    fn of(&self, machine: &InstanceId) -> impl DoubleEndedIterator<Item = &OfMachine> {
        let records = self.records.iter();
        let machine = machine.clone();
        records.filter(move |record| record.machine == machine)
    }

    /// The newest facts of a machine, or that it is retired.
    fn newest(&self, machine: &InstanceId) -> Option<&Change> {
        let mut changes = self.of(machine).map(|record| &record.change).rev();
        changes.find(|change| match change {
            Change::Captured(_) | Change::Retired(_) => true,
            Change::BecameVm(..) | Change::Returned(_) | Change::Guest(_) => false,
        })
    }

    pub fn retire(
        &mut self,
        machine: &InstanceId,
        at: Timestamp,
        by: &By,
        why: &str,
    ) -> Result<(), LedgerError> {
        if let Some(Change::Retired(_)) = self.newest(machine) {
            return Ok(());
        }
        if self.of(machine).next().is_none() {
            let machine = machine.clone();
            return Err(LedgerError::NoSuchMachine { machine });
        }
        self.add(machine, at, by, Change::Retired(why.to_owned()));
        Ok(())
    }

    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for record in &self.records {
            let machine = record.machine.clone();
            match &record.change {
                Change::Captured(captured) => {
                    facts.retired.remove(&machine);
                    facts.machines.insert(machine, Arc::clone(captured));
                }
                Change::Retired(_) => {
                    facts.machines.remove(&machine);
                    facts.retired.insert(machine);
                }
                Change::BecameVm(..) | Change::Returned(_) | Change::Guest(_) => {}
            }
        }
        let mut homes = Homes::default();
        for record in &self.records {
            let machine = &record.machine;
            match &record.change {
                _ if facts.retired.contains(machine) => {}
                Change::BecameVm(site, vm) => {
                    homes.became(&mut facts, machine.clone(), (site.clone(), vm.clone()));
                }
                Change::Returned(was) => homes.returned(&mut facts, machine, was.clone()),
                Change::Captured(_) | Change::Guest(_) | Change::Retired(_) => {}
            }
        }
        facts
    }

    pub fn machine(&self, machine: &InstanceId) -> Option<MachineFacts> {
        match self.newest(machine)? {
            Change::Captured(facts) => Some(MachineFacts::clone(facts)),
            Change::BecameVm(..) | Change::Returned(_) | Change::Guest(_) | Change::Retired(_) => {
                None
            }
        }
    }

    pub fn machines(&self) -> BTreeSet<InstanceId> {
        let records = self.records.iter();
        records.map(|record| record.machine.clone()).collect()
    }

    pub fn guests(
        &self,
        machines: &BTreeSet<InstanceId>,
    ) -> BTreeMap<InstanceId, (Timestamp, GuestCapture)> {
        let mut newest = BTreeMap::new();
        let mut retired = BTreeSet::new();
        let records = self.records.iter();
        for record in records.filter(|record| machines.contains(&record.machine)) {
            match &record.change {
                Change::Guest(guest) => {
                    newest.insert(record.machine.clone(), (record.at, guest));
                }
                Change::Captured(_) => {
                    retired.remove(&record.machine);
                }
                Change::Retired(_) => {
                    retired.insert(&record.machine);
                }
                Change::BecameVm(..) | Change::Returned(_) => {}
            }
        }
        newest.retain(|machine, _| !retired.contains(machine));
        newest
            .into_iter()
            .map(|(machine, (at, guest))| (machine, (at, GuestCapture::clone(guest))))
            .collect()
    }

    pub fn history(&self, machine: &InstanceId) -> Vec<MachineRecord> {
        let numbered = (1..).map(Sequence).zip(&self.records);
        let records = numbered.filter(|(_, record)| record.machine == *machine);
        records
            .map(|(sequence, record)| MachineRecord {
                sequence,
                at: record.at,
                by: record.by.clone(),
                change: match &record.change {
                    Change::Captured(facts) => MachineChange::Captured {
                        facts: MachineFacts::clone(facts),
                    },
                    Change::BecameVm(site, vm) => MachineChange::BecameVm {
                        site: site.clone(),
                        vm: vm.clone(),
                    },
                    Change::Returned(was) => MachineChange::ReturnedToEc2 { was: was.clone() },
                    Change::Guest(guest) => MachineChange::GuestCaptured {
                        guest: GuestCapture::clone(guest),
                    },
                    Change::Retired(why) => MachineChange::Retired { why: why.clone() },
                },
            })
            .collect()
    }

    /// The open run to the goal of `new`, or `new`.
    pub fn open_run(&mut self, new: &Run) -> Run {
        let mut runs = self.runs.iter();
        if let Some(open) = runs.find(|run| run.is_open() && run.goal == new.goal) {
            return open.clone();
        }
        self.changes += 1;
        self.runs.push(new.clone());
        new.clone()
    }

    /// Ends a run so; it may have ended in the same way before.
    pub fn end_run(&mut self, id: &RunId, end: &RunState) -> Result<(), LedgerError> {
        let run = self.runs.iter_mut().find(|run| run.id == *id);
        let run = run.ok_or_else(|| LedgerError::NoSuchRun { run: id.clone() })?;
        if run.is_open() {
            run.state = end.clone();
            self.changes += 1;
        } else if std::mem::discriminant(&run.state) != std::mem::discriminant(end) {
            return Err(ended(run));
        }
        Ok(())
    }

    /// The newest first.
    pub fn runs(&self) -> Vec<Run> {
        self.runs.iter().rev().cloned().collect()
    }

    pub fn begin(
        &mut self,
        run: &RunId,
        step: &StepId,
        who: &Who,
        intent: &serde_json::Value,
        at: Timestamp,
    ) -> Result<Attempt, LedgerError> {
        let found = self.runs.iter().find(|one| one.id == *run);
        let found = found.ok_or_else(|| LedgerError::NoSuchRun { run: run.clone() })?;
        if !found.is_open() {
            return Err(ended(found));
        }
        let steps = self.attempts.entry(run.clone()).or_default();
        let earlier = steps.entry(step.clone()).or_default();
        let outcomes = earlier.iter().filter_map(|place| self.entries.get(*place));
        let known = outcomes.filter(|entry| entry.outcome.as_ref().is_some_and(Outcome::is_known));
        let concluded = u32::try_from(known.count()).unwrap_or(u32::MAX);
        let number = u32::try_from(earlier.len() + 1).unwrap_or(u32::MAX);
        self.changes += 1;
        earlier.push(self.entries.len());
        let sequence = Sequence(i64::try_from(self.entries.len() + 1).unwrap_or(i64::MAX));
        self.entries.push(Entry {
            sequence,
            run: run.clone(),
            step: step.clone(),
            attempt: number,
            who: who.clone(),
            at,
            ended: None,
            intent: intent.clone(),
            observed: Vec::new(),
            outcome: None,
        });
        Ok(Attempt {
            sequence,
            number,
            concluded,
        })
    }

    /// An entry of the journal.
    fn entry(&mut self, sequence: Sequence) -> Result<&mut Entry, LedgerError> {
        let place = usize::try_from(sequence.0).ok();
        let place = place.and_then(|number| number.checked_sub(1));
        place
            .and_then(|place| self.entries.get_mut(place))
            .ok_or(LedgerError::NoSuchEntry { sequence })
    }

    /// Adds what an attempt observed.
    pub fn observe(
        &mut self,
        sequence: Sequence,
        observed: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        self.entry(sequence)?.observed.push(observed.clone());
        self.changes += 1;
        Ok(())
    }

    pub fn conclude(
        &mut self,
        sequence: Sequence,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let entry = self.entry(sequence)?;
        match &entry.outcome {
            None => {
                entry.outcome = Some(outcome.clone());
                entry.ended = Some(at);
                self.changes += 1;
                Ok(())
            }
            Some(before) if before == outcome => Ok(()),
            Some(before) => Err(LedgerError::Concluded {
                sequence,
                outcome: before.clone(),
            }),
        }
    }

    /// Whether an attempt of an open run was begun and not concluded.
    pub fn has_open_attempt(&self) -> bool {
        let mut open = self.entries.iter().filter(|entry| entry.outcome.is_none());
        open.any(|entry| {
            let mut runs = self.runs.iter();
            runs.any(|run| run.id == entry.run && run.is_open())
        })
    }

    /// Whether the newest attempt at some step of an open run is in doubt.
    pub fn is_in_doubt(&self) -> bool {
        let mut newest: BTreeMap<(&RunId, &StepId), &Entry> = BTreeMap::new();
        for entry in &self.entries {
            newest.insert((&entry.run, &entry.step), entry);
        }
        newest.values().any(|entry| {
            let mut runs = self.runs.iter();
            matches!(entry.outcome, Some(Outcome::InDoubt { .. }))
                && runs.any(|run| run.id == entry.run && run.is_open())
        })
    }

    /// The newest attempt.
    pub fn newest_attempt(&self) -> Option<Sequence> {
        self.entries.last().map(|entry| entry.sequence)
    }

    /// Whether an attempt at this step, begun after `after`, has achieved its result.
    pub fn has_done(&self, step: &StepId, after: Option<Sequence>) -> bool {
        let newer = self
            .entries
            .iter()
            .rev()
            .take_while(|entry| Some(entry.sequence) > after);
        newer.filter(|entry| entry.step == *step).any(|entry| {
            matches!(
                entry.outcome,
                Some(Outcome::Done) | Some(Outcome::Unchanged)
            )
        })
    }

    pub fn journal(&self, run: &RunId) -> Vec<Entry> {
        let entries = self.entries.iter().filter(|entry| entry.run == *run);
        entries.cloned().collect()
    }

    /// The epoch of the newest lease of a scope.
    pub fn epoch(&self, scope: &LeaseScope) -> Option<u64> {
        self.epochs.get(scope).copied()
    }

    /// The epoch of a new lease.
    pub fn next_epoch(&mut self, scope: &LeaseScope) -> u64 {
        let epoch = self.epochs.entry(scope.clone()).or_default();
        *epoch += 1;
        *epoch
    }
}

fn ended(run: &Run) -> LedgerError {
    LedgerError::RunEnded {
        run: run.id.clone(),
        state: run.state.clone(),
    }
}
