//! Partial worlds: a goal is refused for want of what it needs, all of it named, and of nothing else.

use std::collections::BTreeSet;

use stayput_plan::EntryPath;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_world::Silence;
use stayput_world::System;

use crate::fixture::*;

const TOKYO_REGION: &str = "ap-northeast-1";
const OSAKA_REGION: &str = "ap-northeast-3";

fn moved() -> Setup {
    Setup::small().after(&[move_in(&["app"])])
}

fn protected() -> Setup {
    moved().after(&[protect(&["app"])])
}

/// Every system, as [`without`] takes it away.
const SYSTEMS: [&str; 5] = [
    "AWS ap-northeast-1",
    "AWS ap-northeast-3",
    "Prism Central of tokyo",
    "Prism Central of osaka",
    "Move of tokyo",
];

fn without(setup: &mut Setup, system: &str, silence: Silence) {
    match system {
        "AWS ap-northeast-1" => setup.without_region(TOKYO_REGION, silence),
        "AWS ap-northeast-3" => setup.without_region(OSAKA_REGION, silence),
        "Prism Central of tokyo" => setup.without_prism(TOKYO, silence),
        "Prism Central of osaka" => setup.without_prism(OSAKA, silence),
        "Move of tokyo" => setup.without_move(TOKYO, silence),
        other => panic!("{other}"),
    }
}

/// The systems that a goal is refused for want of.
fn wanted(setup: &Setup, goal: &Goal) -> BTreeSet<String> {
    let Err(obstacles) = setup.plan(goal) else {
        return BTreeSet::new();
    };
    let systems = obstacles.iter().map(|obstacle| match obstacle {
        Obstacle::NotObserved { system, .. } => system.to_string(),
        Obstacle::FenceNotPossible { region, .. } => System::Aws(region.clone()).to_string(),
        other => panic!("{goal}: {other}"),
    });
    systems.collect()
}

/// Asserts that the goal needs these systems and no others: each alone, and all at once.
#[track_caller]
fn needs(setup: &Setup, goal: &Goal, needed: &[&str]) {
    assert!(setup.plan(goal).is_ok(), "{goal}");
    for silence in [Silence::Silent, Silence::Refused, Silence::Faulty] {
        for system in SYSTEMS {
            let mut setup = setup.clone();
            without(&mut setup, system, silence);
            let expected = needed.contains(&system).then(|| system.to_owned());
            assert_eq!(
                wanted(&setup, goal),
                expected.into_iter().collect(),
                "{goal} without {system}"
            );
        }
    }
    let mut blind = setup.clone();
    for system in SYSTEMS {
        without(&mut blind, system, Silence::Faulty);
    }
    let needed = needed.iter().map(ToString::to_string);
    assert_eq!(wanted(&blind, goal), needed.collect(), "{goal}, blind");
}

#[test]
fn capture_needs_the_source_region_and_nothing_else() {
    needs(&Setup::small(), &capture(&["app"]), &[SYSTEMS[0]]);
    needs(&protected(), &capture(&["app"]), &[SYSTEMS[0]]);
}

#[test]
fn a_move_needs_the_prism_central_it_leads_to_and_move() {
    let goal = move_in(&["app"]);
    let [tokyo, osaka, prism, _, mv] = SYSTEMS;
    let captured = Setup::small().after(&[capture(&["app"])]);
    needs(&captured, &goal, &[tokyo, osaka, prism, mv]);
}

#[test]
fn a_move_of_machines_that_have_arrived_does_not_need_move() {
    let [tokyo, osaka, prism, ..] = SYSTEMS;
    needs(&moved(), &move_in(&["app"]), &[tokyo, osaka, prism]);
    // Nor a `move` in the file.
    let mut setup = moved();
    setup.estate.sites.get_mut(&TOKYO.into()).unwrap().mv = None;
    setup.world.moves.clear();
    assert!(setup.plan(&move_in(&["app"])).is_ok());
}

#[test]
fn protection_and_drills_need_both_prism_centrals_and_no_move() {
    let [source, _, tokyo, osaka, _] = SYSTEMS;
    needs(&moved(), &protect(&["app"]), &[source, tokyo, osaka]);
    let drill = test_failover(&["app"], OSAKA);
    needs(&protected(), &drill, &[tokyo, osaka]);
}

#[test]
fn planned_failover_and_failback_need_all_but_move() {
    needs(&protected(), &failover(&["app"], OSAKA), &SYSTEMS[..4]);
    let failed_over = protected().after(&[failover(&["app"], OSAKA), protect(&["app"])]);
    needs(&failed_over, &failback(&["app"]), &SYSTEMS[..4]);
    let zombie = protected().after(&[unplanned_without_tokyo(&["app"], EntryPath::A)]);
    needs(&zombie, &clean_up(&["app"], TOKYO, false), &SYSTEMS[..4]);
}

#[test]
fn an_unplanned_failover_from_a_site_declared_lost_needs_the_recovery_side_alone() {
    let [_, region, _, prism, _] = SYSTEMS;
    let goal = unplanned_without_tokyo(&["app"], EntryPath::A);
    needs(&protected(), &goal, &[region, prism]);
}

#[test]
fn what_has_to_be_done_depends_on_how_a_system_is_silent() {
    let said = |silence| {
        let mut setup = protected();
        setup.without_prism(OSAKA, silence);
        let obstacles = setup.plan(&failover(&["app"], OSAKA)).unwrap_err();
        (obstacles[0].to_string(), obstacles[0].remedy())
    };
    let (silent, remedy) = said(Silence::Silent);
    assert_eq!(
        silent,
        "Prism Central of osaka was not observed: it does not answer: as the test wants it"
    );
    assert!(remedy.contains("the way there"), "{remedy}");
    let (_, remedy) = said(Silence::Refused);
    assert!(remedy.contains("PRISM_CENTRAL_PASSWORD"), "{remedy}");
    let (_, remedy) = said(Silence::Faulty);
    assert!(remedy.contains("run the command again"), "{remedy}");
}

#[test]
fn a_planned_failover_from_a_silent_site_names_the_unplanned_one() {
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    let shown = setup.shown(&failover(&["app"], OSAKA));
    assert!(
        shown.contains("if tokyo is lost, fail over with --mode unplanned"),
        "{shown}"
    );
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Refused);
    let shown = setup.shown(&failover(&["app"], OSAKA));
    assert!(!shown.contains("unplanned"), "{shown}");
}
