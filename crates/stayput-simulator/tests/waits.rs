//! Waits of the engine, in virtual time: each ends, and none is satisfied by one look.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeSet;

use stayput_estate::Estate;
use stayput_lab::faults::Rule;
use stayput_plan::Goal;
use stayput_simulator::Act;
use stayput_simulator::Disaster;
use stayput_simulator::End;
use stayput_simulator::Outcome;
use stayput_simulator::Setting;
use stayput_simulator::tell_acts;

/// A capture and a move of three machines, with these faults.
fn moved(rules: &[&str]) -> Outcome {
    let setting = Setting {
        scenario: "tokyo-osaka".to_owned(),
        machines: Some(3),
        seed: 1,
    };
    // The first three machines of the scenario are in one network.
    let acts = |_: &Estate| {
        let networks = ["app".into()].into();
        let (canaries, leave_out) = (BTreeSet::new(), BTreeSet::new());
        vec![Act::Apply(Goal::Move {
            networks,
            canaries,
            leave_out,
        })]
    };
    let disaster = Disaster {
        rules: rules
            .iter()
            .map(|rule| Rule::from_toml(rule).unwrap())
            .collect(),
        ..Disaster::default()
    };
    tell_acts(&setting, acts, &disaster).unwrap()
}

/// How each command ended, without those that only repeat what a remedy says.
fn ends(outcome: &Outcome) -> Vec<&End> {
    outcome.told.iter().map(|told| &told.end).collect()
}

#[test]
fn a_cutover_whose_requests_are_lost_is_asked_for_again() {
    // More often than the client repeats it on its own.
    let lost =
        "service = 'move', call = 'POST *workloads/{id}/action', lose-request = true, times = 8";
    let outcome = moved(&[lost]);
    assert_eq!(outcome.faults_injected, 8);
    assert_eq!(ends(&outcome), [&End::Reached], "{:#?}", outcome.told);
    assert!(outcome.is_fine(), "{:#?}", outcome.violations);
}

#[test]
fn a_machine_whose_seeding_failed_is_retried_through_move() {
    let fails = "service = 'move', call = 'POST *plans/{id}/start', task = 'fails'";
    let outcome = moved(&[fails]);
    assert_eq!(outcome.faults_injected, 1);
    let [End::Failed(why), End::Reached] = ends(&outcome)[..] else {
        panic!("{:#?}", outcome.told);
    };
    assert!(why.contains("Move plan"), "{why}");
    let retried = outcome.journal.iter().any(|entry| entry.contains("retry2"));
    assert!(!retried, "a second plan was made");
    assert!(outcome.is_fine(), "{:#?}", outcome.violations);
}

#[test]
fn a_task_without_an_end_is_given_up_as_in_doubt() {
    let endless = "service = 'prism', call = 'POST *subnets', task = 'never-ends'";
    let outcome = moved(&[endless]);
    let Some(End::Failed(why)) = ends(&outcome).first() else {
        panic!("{:#?}", outcome.told);
    };
    assert!(
        why.contains("in doubt") && why.contains("did not end within"),
        "{why}"
    );
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
}
