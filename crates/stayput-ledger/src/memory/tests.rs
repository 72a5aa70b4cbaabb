//! What stays after a crash.

use futures::executor::block_on;
use serde_json::json;

use super::*;

const ESTATE: LeaseScope = LeaseScope::Estate;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

/// A ledger with a run, and an attempt that is observed and concluded so.
fn after_an_attempt(outcome: &Outcome) -> (MemoryLedger, RunId) {
    let ledger = MemoryLedger::new();
    let run = RunId::from("run-1");
    let goal = Goal::Protect {
        networks: ["app".into()].into(),
    };
    block_on(async {
        let who = Who::from("kim");
        ledger.open_run(&goal, &run, &who, at(0)).await.unwrap();
        let step = StepId("route".into());
        let attempt = ledger
            .begin_attempt(&run, &step, &who, &json!({}), at(1))
            .await
            .unwrap();
        let sequence = attempt.sequence;
        ledger.observe(sequence, &json!("before")).await.unwrap();
        ledger.observe(sequence, &json!("after")).await.unwrap();
        ledger.conclude(sequence, outcome, at(2)).await.unwrap();
    });
    (ledger, run)
}

/// What the journal has of the only attempt: its observations and outcome.
fn kept(ledger: &MemoryLedger, run: &RunId) -> (usize, Option<Outcome>) {
    let journal = block_on(ledger.journal(run)).unwrap();
    let [entry] = journal.as_slice() else {
        panic!("{journal:?}")
    };
    (entry.observed.len(), entry.outcome.clone())
}

#[test]
fn a_power_loss_takes_unsynced_writes_from_the_end() {
    let (ledger, run) = after_an_attempt(&Outcome::Done);
    assert_eq!(ledger.unsynced_writes(), 3);
    let after = |surviving| {
        let crashed = ledger.crash(Crash::PowerLost { surviving });
        assert_eq!(crashed.unsynced_writes(), 0);
        kept(&crashed, &run)
    };
    assert_eq!(after(0), (0, None));
    assert_eq!(after(1), (1, None));
    assert_eq!(after(3), (2, Some(Outcome::Done)));
    assert_eq!(after(99), (2, Some(Outcome::Done)));
    // The ledger that was not crashed has everything.
    assert_eq!(kept(&ledger, &run), (2, Some(Outcome::Done)));
}

#[test]
fn a_killed_process_leaves_all_writes_and_no_lease() {
    let (ledger, run) = after_an_attempt(&Outcome::Done);
    let lease = block_on(ledger.acquire(&ESTATE, &"kim".into(), at(3))).unwrap();
    let crashed = ledger.crash(Crash::ProcessKilled);
    assert_eq!(kept(&crashed, &run), (2, Some(Outcome::Done)));
    assert_eq!(block_on(crashed.holder(&ESTATE)).unwrap(), None);
    let next = block_on(crashed.acquire(&ESTATE, &"lee".into(), at(4))).unwrap();
    assert!(lease.epoch() < next.epoch());
}

#[test]
fn an_outcome_that_the_next_attempt_depends_on_is_synced_with_all_before() {
    let doubt = Outcome::InDoubt {
        error: "no answer".to_owned(),
    };
    let (ledger, run) = after_an_attempt(&doubt);
    assert_eq!(ledger.unsynced_writes(), 0);
    let crashed = ledger.crash(Crash::PowerLost { surviving: 0 });
    assert_eq!(kept(&crashed, &run), (2, Some(doubt)));
}

#[test]
fn a_ledger_after_a_power_loss_continues_as_any_other() {
    let (ledger, run) = after_an_attempt(&Outcome::Done);
    let crashed = ledger.crash(Crash::PowerLost { surviving: 0 });
    let step = StepId("route".into());
    let (who, intent) = (Who::from("lee"), json!({}));
    let begin = crashed.begin_attempt(&run, &step, &who, &intent, at(5));
    let attempt = block_on(begin).unwrap();
    // The first attempt has no outcome any more, so its request ids are used again.
    assert_eq!((attempt.number, attempt.concluded), (2, 0));
    let crashed = crashed.crash(Crash::PowerLost { surviving: 0 });
    assert_eq!(block_on(crashed.journal(&run)).unwrap().len(), 2);
}

#[test]
fn a_holder_is_named_by_the_process_of_its_handle() {
    let ledger = MemoryLedger::new();
    let other = ledger.for_process(4711);
    let lease = block_on(other.acquire(&ESTATE, &"kim".into(), at(0))).unwrap();
    let holder = block_on(ledger.holder(&ESTATE)).unwrap().unwrap();
    assert_eq!(holder.process, Some(4711));
    block_on(ledger.check_lease(&lease)).unwrap();
}
