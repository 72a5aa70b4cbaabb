//! The third opinion: the worlds of `two_opinions` are built in the Linux kernel, and where a real packet ends must be where the fabric
//! says, there and back, before and after random changes.
//!
//! One data plane follows all worlds, one after the other, so that every change of the kernel is as large as it can be. Of a
//! disagreement the output shows whether a newly built data plane disagrees too.
//!
//! The plain run builds [`WORLDS`] worlds with [`CHANGES`] changes each; `STAYPUT_CASES=5000` builds as many. Skipped, with a message, where no network namespace
//! can be made.

#![allow(clippy::unwrap_used)]

#[cfg(target_os = "linux")]
#[path = "../two_opinions/changes.rs"]
#[allow(dead_code)]
mod changes;
#[cfg(target_os = "linux")]
#[path = "../two_opinions/flow.rs"]
mod flow;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
#[path = "../two_opinions/places.rs"]
#[allow(dead_code)]
mod places;
#[cfg(target_os = "linux")]
#[path = "../two_opinions/tape.rs"]
#[allow(dead_code)]
mod tape;
#[cfg(target_os = "linux")]
#[path = "../two_opinions/transit.rs"]
mod transit;
#[cfg(target_os = "linux")]
#[path = "../two_opinions/world.rs"]
mod world;

use std::process::ExitCode;

/// Worlds built in the plain run.
#[cfg(target_os = "linux")]
const WORLDS: u64 = 200;
/// Changes made to each.
#[cfg(target_os = "linux")]
const CHANGES: usize = 3;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("three opinions: SKIPPED: network namespaces need Linux");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    // `cargo test NAME` and `--list` are for tests of a harness; cargo-nextest asks too.
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "--list") {
        println!("fabric_and_kernel_send_every_packet_to_the_same_end: test");
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &String| {
        name.starts_with('-')
            || "fabric_and_kernel_send_every_packet_to_the_same_end".contains(name.as_str())
    };
    if !names.iter().all(wanted) {
        return ExitCode::SUCCESS;
    }
    match stayput_dataplane::enter() {
        Ok(privilege) => compare(privilege),
        Err(error) => {
            println!("three opinions: SKIPPED: {error}");
            ExitCode::SUCCESS
        }
    }
}

#[cfg(target_os = "linux")]
fn compare(privilege: stayput_dataplane::Privilege) -> ExitCode {
    use proptest::strategy::Strategy;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use crate::changes::Both;
    use crate::judge::Kernel;
    use crate::judge::PAIRS;
    use crate::tape::tape;

    let started = std::time::Instant::now();
    let worlds = std::env::var("STAYPUT_CASES").map_or(WORLDS, |text| text.parse().unwrap());
    let mut kernel = Kernel::new(privilege);
    let mut runner = TestRunner::deterministic();
    let tapes = (tape(900), tape(60), tape(2 * PAIRS * (1 + CHANGES)));
    for number in 0..worlds {
        let (mut world, mut changes, mut pairs) = tapes.new_tree(&mut runner).unwrap().current();
        let mut both = Both::new(world::build(&mut world));
        let mut history = Vec::new();
        for step in 0..=CHANGES {
            if step > 0 {
                history.push(both.change(&mut changes));
            }
            if let Err(difference) = kernel.compare(&both, &mut pairs) {
                println!("world {number}, after {history:#?}:\n{difference}");
                return ExitCode::FAILURE;
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    println!("three opinions: {worlds} worlds, {kernel}, as {privilege}, in {seconds} s");
    if kernel.has_seen_everything() {
        ExitCode::SUCCESS
    } else {
        println!("not every kind of end was among them");
        ExitCode::FAILURE
    }
}
