//! Deliberate defects are seen by the judge, or leave a story without an end, within a number of seeds. `STAYPUT_MUTANT` names one of them.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use stayput_estate::mutants;
use stayput_estate::mutants::Mutant;
use stayput_simulator::Seeds;

/// Seeds within which a defect must be seen.
const SEEDS: u64 = 200;

/// The first seed whose story is bad with the defect and not without it.
fn caught(seeds: &Seeds, mutant: Mutant) -> Option<u64> {
    (0..SEEDS).find(|seed| !is_fine(seeds, *seed, Some(mutant)) && is_fine(seeds, *seed, None))
}

fn is_fine(seeds: &Seeds, seed: u64, mutant: Option<Mutant>) -> bool {
    mutants::choose(mutant);
    let (_, outcome) = seeds.tell_once(seed);
    mutants::choose(None);
    outcome.is_ok_and(|outcome| outcome.is_fine())
}

#[test]
fn every_mutant_is_caught() {
    let seeds = Seeds::new("tokyo-osaka").unwrap();
    let missed = AtomicBool::new(false);
    let only = std::env::var("STAYPUT_MUTANT").ok();
    let chosen = |mutant: &Mutant| {
        only.as_ref()
            .is_none_or(|name| *name == format!("{mutant:?}"))
    };
    // A name with a typing error would choose none, and none would be missed.
    assert!(
        Mutant::ALL.iter().any(chosen),
        "no mutant is called {only:?}"
    );
    let next = std::sync::Mutex::new(Mutant::ALL.into_iter().filter(chosen));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = next
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .next()
                    else {
                        return;
                    };
                    match caught(&seeds, mutant) {
                        Some(seed) => println!("{mutant:?}: caught by seed {seed}"),
                        None => {
                            println!("{mutant:?}: NOT caught within {SEEDS} seeds");
                            missed.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    assert!(
        !missed.load(Ordering::Relaxed),
        "a mutant was not caught; see the output"
    );
}
