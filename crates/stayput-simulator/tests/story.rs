//! Stories in virtual time: the whole of it without faults, a part of the single faults, and some seeds. `stayput lab simulate` runs more.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_plan::Goal;
use stayput_simulator::Act;
use stayput_simulator::Campaign;
use stayput_simulator::Disaster;
use stayput_simulator::Outcome;
use stayput_simulator::Report;
use stayput_simulator::Seeds;
use stayput_simulator::Setting;
use stayput_simulator::chapters;
use stayput_simulator::kinds;
use stayput_simulator::singles;
use stayput_simulator::tell_acts;

/// Single faults that are told here, of some ten thousand kinds.
const SINGLE_FAULTS: usize = 12;
/// Seeds that are told here.
const SEEDS: u64 = 12;

fn setting(machines: usize, seed: u64) -> Setting {
    Setting {
        scenario: "tokyo-osaka".to_owned(),
        machines: Some(machines),
        seed,
    }
}

fn campaign(run: impl Fn(&Campaign<'_>) -> Report) -> Report {
    run(&Campaign {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        keep: usize::MAX,
        progress: &|_, _| {},
    })
}

fn captured_and_moved(estate: &Estate) -> Vec<Act> {
    let networks: BTreeSet<_> = estate.networks.keys().cloned().collect();
    vec![
        Act::Apply(Goal::Capture {
            networks: networks.clone(),
        }),
        Act::Apply(Goal::Move {
            networks,
            canaries: BTreeSet::new(),
            leave_out: BTreeSet::new(),
        }),
    ]
}

fn moved(seed: u64) -> Outcome {
    tell_acts(&setting(12, seed), captured_and_moved, &Disaster::default()).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_calls_and_the_same_journal() {
    let (one, again, other) = (moved(1), moved(1), moved(2));
    assert!(one.is_fine(), "{one:#?}");
    assert!(!one.journal.is_empty() && !one.calls.is_empty());
    assert_eq!(one.calls, again.calls);
    assert_eq!(one.journal, again.journal);
    assert_ne!(one.journal, other.journal);
}

#[test]
fn the_whole_story_and_a_part_of_its_single_faults_keep_every_promise() {
    let chapters = chapters(&setting(3, 1)).unwrap();
    // Capture, canary, move; protection, drill, two failovers and failbacks; the loss of a region and the way home.
    assert!(chapters.len() >= 18, "{}", chapters.len());
    let all = kinds(singles(&chapters));
    assert!(all.len() > 10_000, "{}", all.len());
    let part = (0..all.len()).step_by(all.len() / SINGLE_FAULTS);
    let numbers: Vec<_> = part.map(|number| number as u64).collect();
    let report = campaign(|campaign| {
        campaign.run(&numbers, |number| {
            all[usize::try_from(number).unwrap()].tell(&chapters, 1)
        })
    });
    assert!(report.is_ok(), "{:#?}", report.bad);
    assert!(report.totals.faults_injected > 0);
}

#[test]
fn the_first_seeds_keep_every_promise() {
    let seeds = Seeds::new("tokyo-osaka").unwrap();
    let numbers: Vec<_> = (0..SEEDS).collect();
    let report = campaign(|campaign| campaign.run(&numbers, |seed| seeds.tell(seed)));
    assert!(report.is_ok(), "{:#?}", report.bad);
    assert_eq!(report.totals.runs_completed, SEEDS);
}
