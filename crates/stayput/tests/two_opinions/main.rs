//! Two opinions on every packet: the fabric's and the lab's, which share no code, on generated worlds and after random changes.
//!
//! A case is one generated world of two regions. It is given to both, which then say where packets end, there and back; a change is made
//! on both sides, they are asked again, and so on. Where routers may choose (equal-cost routes, edges with one preference, attachment
//! subnets with several tables) the lab walks every way, and the fabric has to report the worst.
//!
//! The plain run compares [`CASES`] cases; `STAYPUT_CASES=1000000` compares as many. A disagreement becomes a test with a name in
//! `regressions.rs`.
//!
//! Not generated, because snapshots do not say: two machines with one address in one Flow VPC, which VPCs a peering joins when several own
//! the address, appliances that forward.

#![allow(clippy::unwrap_used)]

mod changes;
mod flow;
mod judge;
mod places;
mod regressions;
mod tally;
mod tape;
mod transit;
mod world;

use std::num::NonZero;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::FileFailurePersistence;
use proptest::test_runner::TestRunner;

use crate::changes::Both;
use crate::tally::Tally;
use crate::tape::Tape;
use crate::tape::tape;

/// Worlds compared in the plain run.
const CASES: u64 = 5_000;
/// Worlds a thread takes at once.
const BATCH: u32 = 100;
/// Changes made to each world.
const CHANGES: usize = 3;
/// Pairs of source and destination looked at in each state.
const PAIRS_A_STATE: usize = 2;

#[test]
fn fabric_and_lab_send_every_packet_to_the_same_end() {
    let wanted = std::env::var("STAYPUT_CASES").map_or(CASES, |text| text.parse().unwrap());
    let tally = Tally::wanting(wanted);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let started = std::time::Instant::now();
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&tally))).collect();
        let ends = workers.into_iter().map(|worker| worker.join().unwrap());
        ends.filter_map(Result::err).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let pairs = tally.pairs();
    let per_second = u128::from(pairs) * 1000 / started.elapsed().as_millis().max(1);
    println!("{tally}, {threads} threads, {per_second} pairs a second");
    // Whatever chance brings, every kind of end and every situation has to be among them.
    assert_eq!(tally.ends().len(), judge::ENDS.len(), "{tally}");
    assert_eq!(tally.situations().len(), judge::SITUATIONS.len(), "{tally}");
}

/// Takes cases until none is left or one fails. Each thread has seeds of its own.
fn work(tally: &Tally) -> Result<(), String> {
    let cases = (tape(900), tape(60), tape(64));
    while let Some(batch) = tally.take(BATCH) {
        let persistence = FileFailurePersistence::Direct("tests/two_opinions/regressions.txt");
        let config = Config {
            cases: batch,
            failure_persistence: Some(Box::new(persistence)),
            max_shrink_iters: 20_000,
            ..Config::default()
        };
        // A runner counts its cases once; each new one has new seeds.
        let mut runner = TestRunner::new(config);
        let outcome = runner.run(&cases, |(world, changes, pairs)| {
            case(tally, world, changes, pairs).map_err(TestCaseError::fail)
        });
        outcome.map_err(|error| {
            tally.stop();
            error.to_string()
        })?;
    }
    Ok(())
}

fn case(tally: &Tally, mut world: Tape, mut changes: Tape, mut pairs: Tape) -> Result<(), String> {
    let mut both = Both::new(world::build(&mut world));
    let mut history = Vec::new();
    for step in 0..=CHANGES {
        if step > 0 {
            history.push(both.change(&mut changes));
        }
        for _ in 0..PAIRS_A_STATE {
            judge::compare(&both, &mut pairs, tally)
                .map_err(|difference| format!("{difference}\nafter {history:#?}"))?;
        }
    }
    tally.done();
    Ok(())
}
