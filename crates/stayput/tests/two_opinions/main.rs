//! Two opinions on every packet: the fabric's and the lab's, which share no code, on generated worlds and after random changes.
//!
//! Each case builds an estate and a world, gives it to both, compares where packets end, there and back, makes a change on both sides,
//! compares again, and so on. `STAYPUT_CASES=1000000` compares as many pairs instead of the usual few thousand.
//!
//! Not generated, because snapshots do not say or the two choose otherwise on purpose: two VPCs with one CIDR on one Transit Gateway,
//! edges with the same preference, attachment subnets of several route tables, two machines with one address in one Flow VPC, routes
//! still pending, a region that is down.

#![allow(clippy::unwrap_used)]

mod changes;
mod flow;
mod judge;
mod places;
mod tape;
mod transit;
mod world;

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::FileFailurePersistence;
use proptest::test_runner::TestRunner;

use crate::changes::Both;
use crate::tape::Tape;
use crate::tape::tape;

/// Pairs compared in the plain run, at least.
const PAIRS: u64 = 20_000;
/// Worlds of one batch.
const BATCH: u32 = 256;
/// Changes made to each world.
const CHANGES: usize = 6;
/// Pairs looked at in each state.
const PAIRS_A_STATE: usize = 16;

/// What was compared: how many pairs, and how often they ended how.
#[derive(Default)]
struct Tally {
    pairs: Cell<u64>,
    worlds: Cell<u64>,
    ends: RefCell<BTreeMap<&'static str, u64>>,
}

impl Tally {
    fn count(&self, end: &'static str) {
        self.pairs.set(self.pairs.get() + 1);
        *self.ends.borrow_mut().entry(end).or_default() += 1;
    }
}

#[test]
fn fabric_and_lab_send_every_packet_to_the_same_end() {
    let wanted = std::env::var("STAYPUT_CASES").map_or(PAIRS, |text| text.parse().unwrap());
    let tally = Tally::default();
    let persistence = FileFailurePersistence::Direct("tests/two_opinions/regressions.txt");
    let config = Config {
        cases: BATCH,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let cases = (tape(700), tape(60), tape(256));
    while tally.pairs.get() < wanted {
        // A runner counts its cases once; each new one has new seeds.
        let mut runner = TestRunner::new(config.clone());
        let outcome = runner.run(&cases, |(world, changes, pairs)| {
            case(&tally, world, changes, pairs).map_err(TestCaseError::fail)
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
    println!(
        "{} pairs in {} worlds agree: {:?}",
        tally.pairs.get(),
        tally.worlds.get(),
        tally.ends.borrow()
    );
    // Whatever chance brings, every kind of end has to be among them.
    assert_eq!(tally.ends.borrow().len(), judge::ENDS.len());
}

fn case(tally: &Tally, mut world: Tape, mut changes: Tape, mut pairs: Tape) -> Result<(), String> {
    let mut both = Both::new(world::build(&mut world));
    let mut history = Vec::new();
    for step in 0..=CHANGES {
        if step > 0 {
            history.push(both.change(&mut changes));
        }
        for _ in 0..PAIRS_A_STATE {
            judge::compare(&both, &mut pairs, &mut |end| tally.count(end))
                .map_err(|difference| format!("{difference}\nafter {history:#?}"))?;
        }
    }
    tally.worlds.set(tally.worlds.get() + 1);
    Ok(())
}
