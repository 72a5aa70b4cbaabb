//! A simple model of a ledger, compared with a store after random operations.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stayput_estate::InstanceId;
use stayput_ledger::By;
use stayput_ledger::Entry;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::MachineChange;
use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_ledger::RunId;
use stayput_ledger::RunState;
use stayput_ledger::Sequence;
use stayput_ledger::Who;
use stayput_world::Facts;

use crate::Open;
use crate::fixture;

/// One call, with its time and author.
#[derive(Debug, Clone)]
struct Op {
    at: Timestamp,
    who: &'static str,
    call: Call,
}

/// Runs and entries are numbered in the order of their creation; a number that was not reached yet does not exist.
#[derive(Debug, Clone)]
enum Call {
    PutMachines(Vec<(&'static str, &'static str)>),
    PutVm(&'static str, &'static str, &'static str),
    PutReturned(&'static str, Option<&'static str>),
    Retire(&'static str),
    OpenRun(&'static str),
    CloseRun(usize),
    AbandonRun(usize),
    BeginAttempt(usize, &'static str),
    Observe(usize, i32),
    Conclude(usize, Outcome),
    Reopen,
}

const MACHINES: [&str; 3] = ["i-1", "i-2", "i-3"];

fn machine() -> impl Strategy<Value = &'static str> {
    prop::sample::select(MACHINES.to_vec())
}

fn address() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["172.30.1.10", "172.30.1.11"])
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let error = "why".to_owned();
    prop::sample::select(vec![
        Outcome::Unchanged,
        Outcome::Done,
        Outcome::Failed {
            error: error.clone(),
        },
        Outcome::InDoubt { error },
    ])
}

fn call() -> impl Strategy<Value = Call> {
    let site = prop::sample::select(vec!["tokyo", "osaka"]);
    let vm = prop::sample::select(vec!["vm-a", "vm-b"]);
    let network = prop::sample::select(vec!["app", "db"]);
    let step = prop::sample::select(vec!["restore", "route"]);
    prop_oneof![
        2 => prop::collection::btree_map(machine(), address(), 0..3)
            .prop_map(|machines| Call::PutMachines(machines.into_iter().collect())),
        2 => (machine(), site, vm).prop_map(|(machine, site, vm)| Call::PutVm(machine, site, vm)),
        1 => (machine(), prop::option::of(Just("vm-c")))
            .prop_map(|(machine, vm)| Call::PutReturned(machine, vm)),
        1 => machine().prop_map(Call::Retire),
        2 => network.prop_map(Call::OpenRun),
        1 => (0..4_usize).prop_map(Call::CloseRun),
        1 => (0..4_usize).prop_map(Call::AbandonRun),
        4 => (0..3_usize, step).prop_map(|(run, step)| Call::BeginAttempt(run, step)),
        2 => (0..6_usize, 0..9).prop_map(|(entry, seen)| Call::Observe(entry, seen)),
        3 => (0..6_usize, outcome()).prop_map(|(entry, outcome)| Call::Conclude(entry, outcome)),
        1 => Just(Call::Reopen),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    // Clocks that jump back and forward.
    let at = (0..100_i64).prop_map(fixture::at);
    let who = prop::sample::select(vec!["kim", "lee"]);
    (at, who, call()).prop_map(|(at, who, call)| Op { at, who, call })
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Well,
    NoSuchMachine,
    NoSuchRun,
    RunOver(RunState),
    NoSuchEntry,
    Concluded(Outcome),
}

impl From<LedgerError> for Ended {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NoSuchMachine { .. } => Self::NoSuchMachine,
            LedgerError::NoSuchRun { .. } => Self::NoSuchRun,
            LedgerError::RunEnded { state, .. } => Self::RunOver(state),
            LedgerError::NoSuchEntry { .. } => Self::NoSuchEntry,
            LedgerError::Concluded { outcome, .. } => Self::Concluded(outcome),
            other => panic!("{other:?}"),
        }
    }
}

fn ended(result: Result<(), LedgerError>) -> Ended {
    result.map_or_else(Ended::from, |()| Ended::Well)
}

/// Everything, in lists, in the order of writing.
#[derive(Debug, Default)]
struct Model {
    records: Vec<(InstanceId, Timestamp, By, MachineChange)>,
    runs: Vec<Run>,
    entries: Vec<Entry>,
}

impl Model {
    fn of(&self, machine: &InstanceId) -> Vec<(Timestamp, By, MachineChange)> {
        let records = self.records.iter().filter(|(id, ..)| id == machine);
        records
            .map(|(_, at, by, change)| (*at, by.clone(), change.clone()))
            .collect()
    }

    /// Whether the last record of a machine, apart from VMs, is its retirement.
    fn is_retired(&self, machine: &InstanceId) -> bool {
        let mut changes = self.of(machine).into_iter().rev();
        let last = changes.find(|(_, _, change)| {
            matches!(
                change,
                MachineChange::Captured { .. } | MachineChange::Retired { .. }
            )
        });
        matches!(last, Some((_, _, MachineChange::Retired { .. })))
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let mut ever: BTreeMap<&InstanceId, Vec<_>> = BTreeMap::new();
        for (id, _, _, change) in &self.records {
            if self.is_retired(id) {
                facts.retired.insert(id.clone());
                continue;
            }
            match change {
                MachineChange::Captured { facts: machine } => {
                    facts.machines.insert(id.clone(), machine.clone().into());
                }
                MachineChange::BecameVm { site, vm } => {
                    facts.became(id.clone(), site.clone(), vm.clone());
                    let ever = ever.entry(id).or_default();
                    ever.push((site.clone(), vm.clone()));
                }
                MachineChange::ReturnedToEc2 { was } => {
                    let ever = ever.get(id).into_iter().flatten();
                    facts.returned(id, was.iter().chain(ever).cloned());
                }
                MachineChange::GuestCaptured { .. } | MachineChange::Retired { .. } => {}
            }
        }
        facts
    }

    fn run(&mut self, number: usize) -> Option<&mut Run> {
        self.runs.get_mut(number)
    }
}

/// Both, side by side.
struct Both<'a> {
    open: &'a dyn Fn() -> Arc<dyn Ledger>,
    ledger: Arc<dyn Ledger>,
    model: Model,
}

impl Both<'_> {
    async fn perform(&mut self, op: &Op) {
        let (at, who) = (op.at, Who::from(op.who));
        let by = By::person(op.who);
        match &op.call {
            Call::PutMachines(machines) => {
                let mut facts = BTreeMap::new();
                for (id, address) in machines {
                    facts.extend(fixture::one(id, address));
                }
                self.ledger.put_machines(&facts, at, &by).await.unwrap();
                for (id, facts) in facts {
                    let facts = (*facts).clone();
                    let change = MachineChange::Captured { facts };
                    self.model.records.push((id, at, by.clone(), change));
                }
            }
            Call::PutVm(id, site, vm) => {
                let (id, site, vm) = ((*id).into(), (*site).into(), (*vm).into());
                self.ledger.put_vm(&id, &site, &vm, at, &by).await.unwrap();
                let change = MachineChange::BecameVm { site, vm };
                self.model.records.push((id, at, by, change));
            }
            Call::PutReturned(id, vm) => {
                let id = InstanceId::from(*id);
                let was = vm.map(|vm| ("tokyo".into(), vm.into()));
                let was = was.into_iter().collect();
                self.ledger.put_returned(&id, &was, at, &by).await.unwrap();
                let change = MachineChange::ReturnedToEc2 { was };
                self.model.records.push((id, at, by, change));
            }
            Call::Retire(id) => self.retire((*id).into(), at, by).await,
            Call::OpenRun(network) => self.open_run(network, who, at).await,
            Call::CloseRun(number) => {
                let result = self.ledger.close_run(&run_id(*number), at).await;
                let expected = match self.model.run(*number) {
                    None => Ended::NoSuchRun,
                    Some(run) => match &run.state {
                        RunState::Open => {
                            run.state = RunState::Reached { at };
                            Ended::Well
                        }
                        RunState::Reached { .. } => Ended::Well,
                        RunState::Abandoned { .. } => Ended::RunOver(run.state.clone()),
                    },
                };
                assert_eq!(ended(result), expected);
            }
            Call::AbandonRun(number) => {
                let result = self
                    .ledger
                    .abandon_run(&run_id(*number), at, &who, "superseded")
                    .await;
                let expected = match self.model.run(*number) {
                    None => Ended::NoSuchRun,
                    Some(run) => match &run.state {
                        RunState::Open => {
                            let why = "superseded".to_owned();
                            run.state = RunState::Abandoned { at, by: who, why };
                            Ended::Well
                        }
                        RunState::Abandoned { .. } => Ended::Well,
                        RunState::Reached { .. } => Ended::RunOver(run.state.clone()),
                    },
                };
                assert_eq!(ended(result), expected);
            }
            Call::BeginAttempt(number, step) => self.begin(*number, step, who, at).await,
            Call::Observe(number, seen) => {
                let seen = serde_json::json!({ "seen": seen });
                let sequence = self.sequence(*number);
                let result = self.ledger.observe(sequence, &seen).await;
                let expected = match self.model.entries.get_mut(*number) {
                    None => Ended::NoSuchEntry,
                    Some(entry) => {
                        entry.observed.push(seen);
                        Ended::Well
                    }
                };
                assert_eq!(ended(result), expected);
            }
            Call::Conclude(number, outcome) => {
                let sequence = self.sequence(*number);
                let result = self.ledger.conclude(sequence, outcome, at).await;
                let expected = match self.model.entries.get_mut(*number) {
                    None => Ended::NoSuchEntry,
                    Some(entry) => match &entry.outcome {
                        None => {
                            entry.outcome = Some(outcome.clone());
                            entry.ended = Some(at);
                            Ended::Well
                        }
                        Some(before) if before == outcome => Ended::Well,
                        Some(before) => Ended::Concluded(before.clone()),
                    },
                };
                assert_eq!(ended(result), expected);
            }
            Call::Reopen => self.ledger = (self.open)(),
        }
    }

    async fn retire(&mut self, id: InstanceId, at: Timestamp, by: By) {
        let result = self.ledger.retire(&id, at, &by, "gone").await;
        if self.model.of(&id).is_empty() {
            assert_eq!(ended(result), Ended::NoSuchMachine);
            return;
        }
        assert_eq!(ended(result), Ended::Well);
        if !self.model.is_retired(&id) {
            let why = "gone".to_owned();
            let change = MachineChange::Retired { why };
            self.model.records.push((id, at, by, change));
        }
    }

    async fn open_run(&mut self, network: &str, who: Who, at: Timestamp) {
        let goal = fixture::goal(network);
        let id = run_id(self.model.runs.len());
        let opened = self.ledger.open_run(&goal, &id, &who, at).await.unwrap();
        let open = self
            .model
            .runs
            .iter()
            .find(|run| run.goal == goal && run.state == RunState::Open);
        match open {
            Some(open) => assert_eq!(opened, *open),
            None => {
                let run = Run {
                    id,
                    goal,
                    who,
                    started: at,
                    state: RunState::Open,
                };
                assert_eq!(opened, run);
                self.model.runs.push(run);
            }
        }
    }

    async fn begin(&mut self, number: usize, step: &str, who: Who, at: Timestamp) {
        let (run, step) = (run_id(number), fixture::step(step));
        let intent = serde_json::json!({"step": step.0});
        let begun = self
            .ledger
            .begin_attempt(&run, &step, &who, &intent, at)
            .await;
        let attempt = match self.model.run(number).map(|run| run.state.clone()) {
            None => return assert_eq!(begun.map_err(Ended::from), Err(Ended::NoSuchRun)),
            Some(RunState::Open) => begun.unwrap(),
            Some(state) => {
                return assert_eq!(begun.map_err(Ended::from), Err(Ended::RunOver(state)));
            }
        };
        let entries = &mut self.model.entries;
        let earlier = entries
            .iter()
            .filter(|entry| entry.run == run && entry.step == step);
        let outcomes: Vec<_> = earlier.map(|entry| entry.outcome.clone()).collect();
        let known = outcomes.iter().flatten().filter(|outcome| match outcome {
            Outcome::Done | Outcome::Unchanged | Outcome::Failed { .. } => true,
            Outcome::InDoubt { .. } => false,
        });
        assert_eq!(attempt.concluded as usize, known.count());
        assert_eq!(attempt.number as usize, outcomes.len() + 1);
        assert!(
            entries
                .iter()
                .all(|entry| entry.sequence < attempt.sequence)
        );
        entries.push(Entry {
            sequence: attempt.sequence,
            run,
            step,
            attempt: attempt.number,
            who,
            at,
            ended: None,
            intent,
            observed: Vec::new(),
            outcome: None,
        });
    }

    fn sequence(&self, number: usize) -> Sequence {
        let entry = self.model.entries.get(number);
        entry.map_or(Sequence(i64::MAX), |entry| entry.sequence)
    }

    async fn compare(&self) {
        let facts = self.ledger.facts().await.unwrap();
        assert_eq!(facts, self.model.facts());
        for id in MACHINES {
            let id = InstanceId::from(id);
            let machine = self.ledger.machine(&id).await.unwrap();
            assert_eq!(
                machine.as_ref(),
                facts.machines.get(&id).map(|machine| &**machine)
            );
            let history = self.ledger.machine_history(&id).await.unwrap();
            assert!(history.is_sorted_by(|one, next| one.sequence < next.sequence));
            let history: Vec<_> = history
                .into_iter()
                .map(|record| (record.at, record.by, record.change))
                .collect();
            assert_eq!(history, self.model.of(&id));
        }
        let mut runs = self.ledger.runs().await.unwrap();
        runs.reverse();
        assert_eq!(runs, self.model.runs);
        for run in &runs {
            let journal = self.ledger.journal(&run.id).await.unwrap();
            let entries = self.model.entries.iter();
            let expected: Vec<_> = entries.filter(|entry| entry.run == run.id).collect();
            assert_eq!(journal.iter().collect::<Vec<_>>(), expected);
        }
    }
}

fn run_id(number: usize) -> RunId {
    RunId::new(format!("run-{number}"))
}

/// The check: any sequence of operations leaves a store of `fresh` and the model in the same state.
pub fn agrees_with(fresh: &dyn Fn() -> Open) {
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    });
    let ops = prop::collection::vec(op(), 1..40);
    runner
        .run(&ops, |ops| {
            let open = fresh();
            futures::executor::block_on(async {
                let mut both = Both {
                    open: &*open,
                    ledger: open(),
                    model: Model::default(),
                };
                for op in &ops {
                    both.perform(op).await;
                }
                both.compare().await;
                both.ledger = open();
                both.compare().await;
            });
            Ok(())
        })
        .unwrap();
}
