//! The whole content of a ledger as records, so that another ledger can have it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_plan::Goal;

use crate::By;
use crate::Ledger;
use crate::LedgerError;
use crate::MachineChange;
use crate::Record;
use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Sequence;
use crate::Who;

/// Whether a run is no run, but notes that another ledger is copied into this one: it is open until that has ended. No command makes a run
/// about no network.
pub fn is_copy(run: &Run) -> bool {
    matches!(run.goal, Goal::Capture { .. }) && run.goal.networks().is_empty()
}

/// Every record of a ledger but its leases and notes of copies: those of machines in the order of writing, then run by run in the order of their start. Positions
/// of attempts are counted from 1 in the order of these records.
///
/// # Errors
/// Those of the reads.
pub async fn content(ledger: &dyn Ledger) -> Result<Vec<Record>, LedgerError> {
    let mut of_machines = Vec::new();
    for machine in ledger.machines().await? {
        for record in ledger.machine_history(&machine).await? {
            of_machines.push((record.sequence, machine.clone(), record));
        }
    }
    of_machines.sort_by_key(|(sequence, ..)| *sequence);
    let mut records: Vec<_> = of_machines
        .into_iter()
        .map(|(_, machine, record)| Record::Machine {
            machine,
            at: record.at,
            by: record.by,
            change: record.change,
        })
        .collect();
    let mut attempts = 0;
    // The last started is the first of the list.
    let runs = ledger.runs().await?.into_iter().rev();
    for run in runs.filter(|run| !is_copy(run)) {
        of_run(ledger, run, &mut attempts, &mut records).await?;
    }
    Ok(records)
}

async fn of_run(
    ledger: &dyn Ledger,
    run: Run,
    attempts: &mut i64,
    records: &mut Vec<Record>,
) -> Result<(), LedgerError> {
    let state = run.state.clone();
    let id = run.id.clone();
    records.push(Record::RunOpened {
        run: Run {
            state: RunState::Open,
            ..run
        },
    });
    for entry in ledger.journal(&id).await? {
        *attempts += 1;
        let sequence = Sequence(*attempts);
        records.push(Record::Begun {
            run: entry.run,
            step: entry.step,
            who: entry.who,
            intent: entry.intent,
            at: entry.at,
        });
        let observed = entry.observed.into_iter();
        records.extend(observed.map(|observed| Record::Observed { sequence, observed }));
        if let Some(outcome) = entry.outcome {
            records.push(Record::Concluded {
                sequence,
                outcome,
                // Format 1 did not record when.
                at: entry.ended.unwrap_or(entry.at),
            });
        }
    }
    if state != RunState::Open {
        records.push(Record::RunEnded { run: id, state });
    }
    Ok(())
}

/// What was put together to be written at once: captures by one author at one time.
#[derive(Default)]
struct Together {
    of: Option<(Timestamp, By)>,
    facts: BTreeMap<InstanceId, Arc<stayput_world::MachineFacts>>,
    guests: BTreeMap<InstanceId, stayput_world::GuestCapture>,
}

impl Together {
    /// Whether a record of this author and time about this machine can wait with the others.
    fn takes(&self, machine: &InstanceId, of: &(Timestamp, By), is_guest: bool) -> bool {
        let is_same_kind = match is_guest {
            true => self.facts.is_empty() && !self.guests.contains_key(machine),
            false => self.guests.is_empty() && !self.facts.contains_key(machine),
        };
        is_same_kind && self.of.as_ref().is_none_or(|before| before == of)
    }

    async fn write(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let Self { of, facts, guests } = std::mem::take(self);
        let Some((at, by)) = of else {
            return Ok(());
        };
        if !facts.is_empty() {
            ledger.put_machines(&facts, at, &by).await?;
        }
        if !guests.is_empty() {
            ledger.put_guests(&guests, at, &by).await?;
        }
        Ok(())
    }
}

/// Writes records that [`content`] gave into a ledger that has none, and reads them back. Leases are left out.
///
/// # Errors
/// [`LedgerError::NotEmpty`], [`LedgerError::NotCopied`], and those of the writes. What was written before an error stays, and a run stays open for which [`is_copy`] holds.
pub async fn replay(
    ledger: &dyn Ledger,
    records: &[Record],
    who: &Who,
    at: Timestamp,
) -> Result<(), LedgerError> {
    if !ledger.machines().await?.is_empty() || !ledger.runs().await?.is_empty() {
        return Err(LedgerError::NotEmpty);
    }
    let none = Goal::Capture {
        networks: BTreeSet::new(),
    };
    let note = RunId::new(format!("copy-{at}"));
    ledger.open_run(&none, &note, who, at).await?;
    let mut together = Together::default();
    let mut attempts = Vec::new();
    let place = |attempts: &[Sequence], sequence: Sequence| {
        let index = usize::try_from(sequence.0).ok();
        let index = index.and_then(|position| position.checked_sub(1));
        let found = index.and_then(|index| attempts.get(index)).copied();
        found.ok_or(LedgerError::NoSuchEntry { sequence })
    };
    for record in records {
        match record {
            Record::Machine {
                machine,
                at,
                by,
                change,
            } => {
                let of = (*at, by.clone());
                let is_guest = matches!(change, MachineChange::GuestCaptured { .. });
                let waits = is_guest || matches!(change, MachineChange::Captured { .. });
                if !waits || !together.takes(machine, &of, is_guest) {
                    together.write(ledger).await?;
                }
                match change {
                    MachineChange::Captured { facts } => {
                        together.of = Some(of);
                        together
                            .facts
                            .insert(machine.clone(), Arc::new(facts.clone()));
                    }
                    MachineChange::GuestCaptured { guest } => {
                        together.of = Some(of);
                        together.guests.insert(machine.clone(), guest.clone());
                    }
                    MachineChange::BecameVm { site, vm } => {
                        ledger.put_vm(machine, site, vm, *at, by).await?;
                    }
                    MachineChange::ReturnedToEc2 { was } => {
                        ledger.put_returned(machine, was, *at, by).await?;
                    }
                    MachineChange::Retired { why } => {
                        ledger.retire(machine, *at, by, why).await?;
                    }
                }
            }
            Record::RunOpened { run } => {
                together.write(ledger).await?;
                ledger
                    .open_run(&run.goal, &run.id, &run.who, run.started)
                    .await?;
            }
            Record::RunEnded { run, state } => match state {
                RunState::Open => {}
                RunState::Reached { at } => ledger.close_run(run, *at).await?,
                RunState::Abandoned { at, by, why } => {
                    ledger.abandon_run(run, *at, by, why).await?;
                }
            },
            Record::Begun {
                run,
                step,
                who,
                intent,
                at,
            } => {
                let attempt = ledger.begin_attempt(run, step, who, intent, *at).await?;
                attempts.push(attempt.sequence);
            }
            Record::Observed { sequence, observed } => {
                let sequence = place(&attempts, *sequence)?;
                ledger.observe(sequence, observed).await?;
            }
            Record::Concluded {
                sequence,
                outcome,
                at,
            } => {
                let sequence = place(&attempts, *sequence)?;
                ledger.conclude(sequence, outcome, *at).await?;
            }
            Record::LeaseTaken { .. } | Record::LeaseReleased { .. } => {}
        }
    }
    together.write(ledger).await?;
    match content(ledger).await? == records {
        true => ledger.close_run(&note, at).await,
        false => Err(LedgerError::NotCopied),
    }
}
