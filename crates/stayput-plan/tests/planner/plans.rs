//! Plans as people read them, for every goal and for runs that were killed on the way.

use insta::assert_snapshot;

use stayput_estate::InstanceId;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_plan::Plan;
use stayput_world::aws::InstanceState;
use stayput_world::prism::PowerState;

use crate::fixture::*;

const BOTH: &[&str] = &["app", "db"];

/// In Tokyo.
fn moved() -> Setup {
    Setup::new().after(&[move_in(BOTH)])
}

/// In Tokyo, ready for Osaka.
fn protected() -> Setup {
    moved().after(&[protect(BOTH)])
}

/// In Osaka.
fn failed_over() -> Setup {
    protected().after(&[failover(BOTH, OSAKA)])
}

/// In Osaka, ready to go back.
fn protected_again() -> Setup {
    failed_over().after(&[protect(BOTH)])
}

/// A run killed before its first step for which `at` holds.
fn killed(mut setup: Setup, plan: &Plan, at: impl Fn(&Action) -> bool) -> Setup {
    assert!(
        plan.steps.iter().any(|step| at(&step.action)),
        "the plan never gets there"
    );
    for step in plan.steps.iter().take_while(|step| !at(&step.action)) {
        setup.apply(step);
    }
    setup
}

fn move_killed(at: impl Fn(&Action) -> bool) -> Setup {
    let setup = Setup::new();
    let plan = setup.plan(&move_in(BOTH)).unwrap();
    killed(setup, &plan, at)
}

fn is_machine(action: &Action, name: &str) -> bool {
    action.machines() == [InstanceId::new(format!("i-{name}"))].into()
}

#[test]
fn capture_writes_down_who_is_there() {
    assert_snapshot!(Setup::new().shown(&capture(&["app", "db", "dmz"])));
}

#[test]
fn a_move_of_two_networks_that_share_a_machine() {
    assert_snapshot!(Setup::new().shown(&move_in(BOTH)));
}

#[test]
fn a_move_of_one_network_with_what_stays_behind() {
    let mut setup = Setup::small();
    let eni = setup.eni("web", 0);
    eni.public = [(ip("172.30.1.34"), ip("198.51.100.7"))].into();
    eni.not_carried = vec![
        "IPv6 address 2001:db8::34".into(),
        "prefix 172.30.1.128/28".into(),
    ];
    eni.source_dest_check = false;
    assert_snapshot!(setup.shown(&move_in(&["app"])));
}

#[test]
fn a_move_killed_after_capture_and_subnets() {
    let setup = move_killed(|action| matches!(action, Action::Replicate { .. }));
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_killed_after_replication() {
    let setup = move_killed(|action| matches!(action, Action::Cutover { .. }));
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_killed_when_some_machines_are_cut_over() {
    let setup = move_killed(|action| {
        matches!(action, Action::Cutover { .. }) && is_machine(action, "postgres")
    });
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_killed_when_some_machines_are_restored() {
    let setup = move_killed(|action| {
        matches!(action, Action::RestoreNics { .. }) && is_machine(action, "old")
    });
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_killed_when_the_prefixes_stand() {
    let setup = move_killed(|action| matches!(action, Action::TgwRoute { .. }));
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_killed_when_one_route_is_written() {
    let mut setup = move_killed(|action| matches!(action, Action::TgwRoute { .. }));
    let plan = setup.plan(&move_in(BOTH)).unwrap();
    setup.apply(&plan.steps[0]);
    assert_snapshot!(setup.shown(&move_in(BOTH)));
}

#[test]
fn a_move_that_is_done() {
    assert_snapshot!(moved().shown(&move_in(BOTH)));
}

#[test]
fn protection_of_two_networks() {
    assert_snapshot!(moved().shown(&protect(BOTH)));
}

#[test]
fn protection_that_stands() {
    assert_snapshot!(protected().shown(&protect(BOTH)));
}

#[test]
fn a_planned_failover() {
    assert_snapshot!(protected().shown(&failover(BOTH, OSAKA)));
}

#[test]
fn a_failover_killed_when_the_machines_are_over() {
    let setup = protected();
    let plan = setup.plan(&failover(BOTH, OSAKA)).unwrap();
    let setup = killed(setup, &plan, |action| {
        matches!(
            action,
            Action::Erp {
                scope: ErpScope::Transit,
                ..
            }
        )
    });
    assert_snapshot!(setup.shown(&failover(BOTH, OSAKA)));
}

#[test]
fn a_failover_killed_before_the_old_home_is_closed() {
    let setup = protected();
    let plan = setup.plan(&failover(BOTH, OSAKA)).unwrap();
    let setup = killed(setup, &plan, |action| {
        matches!(action, Action::Erp { present: false, .. })
    });
    assert_snapshot!(setup.shown(&failover(BOTH, OSAKA)));
}

#[test]
fn a_failover_that_is_done() {
    assert_snapshot!(failed_over().shown(&failover(BOTH, OSAKA)));
}

#[test]
fn a_test_failover() {
    assert_snapshot!(protected().shown(&test_failover(BOTH, OSAKA)));
}

#[test]
fn a_failback() {
    assert_snapshot!(protected_again().shown(&failback(BOTH)));
}

#[test]
fn a_failback_that_is_done() {
    assert_snapshot!(
        protected_again()
            .after(&[failback(BOTH)])
            .shown(&failback(BOTH))
    );
}

#[test]
fn reverse_protection_waits_for_recovery_points_only() {
    assert_snapshot!(failed_over().shown(&protect(BOTH)));
}

#[test]
fn many_machines_are_not_named_one_by_one() {
    let mut setup = Setup::without_machines();
    for number in 10..70 {
        setup.machine(&format!("m{number}"), &[format!("172.30.1.{number}")], true);
    }
    assert_snapshot!(setup.shown(&move_in(&["app"])));
}

#[test]
fn what_ec2_shows_of_a_machine_being_cut_over_does_not_overwrite_its_facts() {
    let mut setup = move_killed(|action| matches!(action, Action::Cutover { .. }));
    let before = setup.plan(&move_in(BOTH)).unwrap();
    for state in [InstanceState::Stopping, InstanceState::Stopped] {
        setup.instance("web").state = state;
        let plan = setup.plan(&move_in(BOTH)).unwrap();
        // `web` still counts as a machine that must be reached at the end.
        assert_eq!(plan.steps, before.steps);
        let [is, was] = [&plan, &before].map(|plan| plan.proof.states.last().unwrap());
        assert_eq!(is.delivered, was.delivered);
    }
}

#[test]
fn a_change_in_ec2_before_the_move_is_captured_again() {
    let mut setup = Setup::small().after(&[capture(&["app"])]);
    assert_eq!(setup.plan(&capture(&["app"])).unwrap().steps, []);
    setup.eni("web", 0).secondary.push(ip("172.30.1.99"));
    let plan = setup.plan(&move_in(&["app"])).unwrap();
    let Action::Capture { machines } = &plan.steps[0].action else {
        panic!("{}", stayput_plan::render(&plan));
    };
    let addresses: Vec<_> = machines
        .values()
        .flat_map(|facts| facts.addresses())
        .collect();
    assert_eq!(addresses, [ip("172.30.1.34"), ip("172.30.1.99")]);
}

#[test]
fn a_machine_captured_stopped_arrives_off_and_the_move_is_done_without_it() {
    let setup = moved();
    let vm = &setup.world.prism[&TOKYO.into()].vms[&"vm-tokyo-i-old".into()];
    assert_eq!(vm.power, PowerState::Off);
    assert_eq!(setup.plan(&move_in(BOTH)).unwrap().steps, []);
}

#[test]
fn a_failover_to_the_primary_site_is_a_failback() {
    let setup = protected_again();
    let [over, back] =
        [failover(BOTH, TOKYO), failback(BOTH)].map(|goal| setup.plan(&goal).unwrap());
    assert_eq!(over.steps, back.steps);
    assert_eq!(over.proof, back.proof);
}
