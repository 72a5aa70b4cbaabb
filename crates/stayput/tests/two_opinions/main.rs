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
    let mut runner = TestRunner::new(config);
    let cases = (tape(700), tape(60), tape(256));
    while tally.pairs.get() < wanted {
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

#[test]
#[ignore = "survey"]
fn survey() {
    use proptest::strategy::ValueTree;
    let mut runner = TestRunner::deterministic();
    let cases = (tape(700), tape(60), tape(256));
    let mut found: BTreeMap<String, (u64, usize, String)> = BTreeMap::new();
    let mut pairs_done = 0u64;
    let start = std::time::Instant::now();
    for _ in 0..6000 {
        let (mut w, mut c, mut p) = cases.new_tree(&mut runner).unwrap().current();
        let mut both = Both::new(world::build(&mut w));
        let mut history = Vec::new();
        for step in 0..=CHANGES {
            if step > 0 {
                history.push(both.change(&mut c));
            }
            for _ in 0..PAIRS_A_STATE {
                if let Err(d) = judge::compare(&both, &mut p, &mut |_| pairs_done += 1) {
                    let lines: Vec<&str> = d.lines().collect();
                    let v = lines
                        .iter()
                        .rev()
                        .find(|l| {
                            !l.starts_with(' ')
                                && !l.is_empty()
                                && !l.starts_with('}')
                                && !l.starts_with("lab")
                        })
                        .unwrap_or(&"");
                    let kind: String = v.split(|c: char| c == ' ').next().unwrap_or("").to_owned();
                    let end = lines
                        .iter()
                        .find(|l| l.trim_start().starts_with("end:"))
                        .unwrap_or(&"");
                    let last = lines
                        .iter()
                        .rposition(|l| l.contains("],"))
                        .and_then(|i| lines.get(i.wrapping_sub(1)))
                        .unwrap_or(&"");
                    let _ = last;
                    let key = format!("{kind} vs {end}");
                    let size = d.len() + history.len() * 400;
                    let e = found.entry(key).or_insert((0, usize::MAX, String::new()));
                    e.0 += 1;
                    if size < e.1 {
                        e.1 = size;
                        e.2 = format!("{d}\nafter {history:#?}");
                    }
                }
            }
        }
    }
    for (k, (n, _, text)) in &found {
        println!("======== {n} × {k}\n{text}");
    }
    println!("{pairs_done} pairs agree in {:?}", start.elapsed());
}
