//! An unplanned failover from a site that answers, refuses us, or is silent (AWS reference §8.4).

use stayput_estate::VmExtId;
use stayput_plan::Action;
use stayput_plan::EntryPath;
use stayput_plan::Obstacle;
use stayput_plan::Wrong;
use stayput_world::Silence;
use stayput_world::aws::TgwTarget;
use stayput_world::prism::PowerState;

use crate::fixture::*;

const TOKYO_REGION: &str = "ap-northeast-1";

fn protected() -> Setup {
    Setup::small().after(&[move_in(&["app"]), protect(&["app"])])
}

fn obstacles(setup: &Setup) -> Vec<Obstacle> {
    setup.plan(&unplanned(&["app"], OSAKA)).unwrap_err()
}

fn declared() -> stayput_plan::Goal {
    unplanned_without_tokyo(&["app"], EntryPath::A)
}

fn fences(setup: &Setup, goal: &stayput_plan::Goal) -> usize {
    let steps = setup.plan(goal).unwrap().steps;
    let is_fence = |action: &Action| {
        matches!(
            action,
            Action::TgwRoute {
                to: Some(TgwTarget::Blackhole),
                ..
            }
        )
    };
    steps.iter().filter(|step| is_fence(&step.action)).count()
}

#[test]
fn machines_seen_running_at_the_old_site_refuse_an_unplanned_failover() {
    let obstacles = obstacles(&protected());
    let [obstacle @ Obstacle::StillRuns { site, machines, .. }] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    assert_eq!(site.as_str(), TOKYO);
    assert_eq!(machines[&"i-web".into()], "web");
    let remedy = obstacle.remedy();
    for says in [
        "stayput apply failover app --to osaka",
        "power the machines off",
        "--lost tokyo",
    ] {
        assert!(remedy.contains(says), "{remedy}");
    }
}

#[test]
fn a_vm_with_its_addresses_refuses_to_recover_a_machine_again() {
    let mut setup = protected();
    setup.made_unnoticed("web", OSAKA);
    let refused = setup.plan(&declared()).unwrap_err();
    let [obstacle @ Obstacle::MayBeThere { vms, .. }] = refused.as_slice() else {
        panic!("{refused:#?}");
    };
    assert_eq!(vms.len(), 1);
    let remedy = obstacle.remedy();
    let adopt = "stayput adopt i-web --vm UUID --site osaka";
    assert!(remedy.contains(adopt), "{remedy}");
}

#[test]
fn a_region_that_refuses_us_keeps_an_unplanned_failover_unverified() {
    let mut setup = protected().after(&[declared()]);
    let verified = |setup: &Setup| {
        let goal = declared();
        let all = stayput_plan::verify_goal(&setup.estate, &setup.world, &setup.facts, &goal);
        all[&OSAKA.into()].wrong.clone()
    };
    setup.without_prism(TOKYO, Silence::Silent);
    setup.without_region(TOKYO_REGION, Silence::Silent);
    assert_eq!(verified(&setup), []);
    for silence in [Silence::Refused, Silence::Faulty] {
        let mut setup = protected().after(&[declared()]);
        setup.without_prism(TOKYO, Silence::Silent);
        setup.without_region(TOKYO_REGION, silence);
        let wrong = verified(&setup);
        assert!(
            matches!(wrong.as_slice(), [Wrong::Unobserved { .. }]),
            "{wrong:#?}"
        );
    }
}

#[test]
fn a_test_of_a_machine_that_is_off_is_refused() {
    let mut setup = protected();
    setup.vm("web", TOKYO).power = PowerState::Off;
    let refused = setup.plan(&test_failover(&["app"], OSAKA)).unwrap_err();
    let [obstacle @ Obstacle::NotOn { .. }] = refused.as_slice() else {
        panic!("{refused:#?}");
    };
    assert!(obstacle.remedy().contains("power VM"), "{obstacle}");
}

#[test]
fn points_of_a_vm_that_was_replaced_refuse_what_starts_machines_from_points() {
    let mut setup = protected();
    setup.restored("web", TOKYO);
    let refused = setup.plan(&test_failover(&["app"], OSAKA)).unwrap_err();
    let [obstacle @ Obstacle::OldPoints { .. }] = refused.as_slice() else {
        panic!("{refused:#?}");
    };
    let remedy = obstacle.remedy();
    for says in [
        "VM vm-tokyo-i-web was deleted",
        "no other machine",
        "delete its recovery points",
    ] {
        assert!(remedy.contains(says), "{remedy}");
    }
    let refused = setup.plan(&declared()).unwrap_err();
    assert!(refused.contains(obstacle), "{refused:#?}");
    // A planned failover starts from the machines themselves.
    setup.plan(&failover(&["app"], OSAKA)).unwrap();

    // It was linked with the wrong machine, and is another one.
    let old = VmExtId::from("vm-tokyo-i-web");
    let mut linked = setup.clone();
    let other = linked.facts.vms.entry("i-other".into()).or_default();
    other.insert(TOKYO.into(), old.clone());
    linked.plan(&test_failover(&["app"], OSAKA)).unwrap();

    setup.prism(OSAKA).recovery_points.remove(&old);
    setup.plan(&test_failover(&["app"], OSAKA)).unwrap();
    setup.plan(&declared()).unwrap();
}

#[test]
fn a_failover_and_failback_leave_no_points_in_the_way() {
    let setup = protected().after(&[
        failover(&["app"], OSAKA),
        protect(&["app"]),
        failback(&["app"]),
        protect(&["app"]),
    ]);
    setup.plan(&test_failover(&["app"], OSAKA)).unwrap();
}

#[test]
fn a_paused_machine_at_the_old_site_may_still_run() {
    let mut setup = protected();
    let vm = setup.prism(TOKYO).vms.get_mut(&"vm-tokyo-i-web".into());
    vm.unwrap().power = PowerState::Other("PAUSED".to_owned());
    assert!(matches!(
        obstacles(&setup).as_slice(),
        [Obstacle::StillRuns { .. }]
    ));
}

#[test]
fn an_old_site_whose_machines_are_off_is_fenced_and_left() {
    let mut setup = protected();
    let vm = setup.prism(TOKYO).vms.get_mut(&"vm-tokyo-i-web".into());
    vm.unwrap().power = PowerState::Off;
    let goal = unplanned(&["app"], OSAKA);
    assert!(fences(&setup, &goal) > 0);
    let done = setup.after(std::slice::from_ref(&goal));
    assert_eq!(done.plan(&goal).unwrap().steps, []);
}

#[test]
fn an_old_site_that_refuses_us_is_not_taken_for_a_dead_one() {
    for silence in [Silence::Refused, Silence::Faulty] {
        let mut setup = protected();
        setup.without_prism(TOKYO, silence);
        let obstacles = obstacles(&setup);
        let [obstacle @ Obstacle::NotObserved { .. }] = obstacles.as_slice() else {
            panic!("{obstacles:#?}");
        };
        assert!(obstacle.remedy().contains("--lost tokyo"));
        assert!(setup.plan(&declared()).is_ok());
    }
    // One that was not even asked says as little.
    let mut setup = protected();
    setup.world.prism.remove(&TOKYO.into());
    assert!(setup.plan(&unplanned(&["app"], OSAKA)).is_err());
}

#[test]
fn a_silent_old_site_is_left_without_further_words() {
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    assert!(fences(&setup, &unplanned(&["app"], OSAKA)) > 0);
}

#[test]
fn a_fence_that_cannot_be_written_refuses_whatever_the_region_says() {
    for silence in [Silence::Silent, Silence::Refused, Silence::Faulty] {
        let mut setup = protected();
        setup.without_prism(TOKYO, Silence::Silent);
        setup.without_region(TOKYO_REGION, silence);
        let obstacles = obstacles(&setup);
        let [obstacle @ Obstacle::FenceNotPossible { region, .. }] = obstacles.as_slice() else {
            panic!("{obstacles:#?}");
        };
        assert_eq!(region.as_str(), TOKYO_REGION);
        assert!(obstacle.remedy().contains("--lost tokyo"));
        assert_eq!(fences(&setup, &declared()), 0);
    }
}

#[test]
fn a_plan_that_leaves_a_site_declared_lost_says_what_is_not_done_there() {
    let running = protected();
    let mut dead = protected();
    dead.without_prism(TOKYO, Silence::Silent);
    dead.without_region(TOKYO_REGION, Silence::Refused);
    let told = |setup: &Setup| warnings(&setup.plan(&declared()).unwrap()).join("\n");
    insta::assert_snapshot!("warnings_of_a_lost_site_that_answers", told(&running));
    insta::assert_snapshot!("warnings_of_a_lost_site_and_region", told(&dead));
    // They are in the plan's JSON, for programs.
    let json = serde_json::to_value(dead.plan(&declared()).unwrap()).unwrap();
    assert!(
        json["warnings"][0]["text"]
            .as_str()
            .unwrap()
            .contains("tokyo")
    );
}

#[test]
fn an_old_site_that_returns_while_the_failover_is_run_again_is_not_ignored() {
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    let goal = unplanned(&["app"], OSAKA);
    let before = protected();
    let mut setup = setup.after(std::slice::from_ref(&goal));
    setup.world.unobserved.clear();
    let cluster = before.world.prism[&TOKYO.into()].clone();
    setup.world.prism.insert(TOKYO.into(), cluster);
    let obstacles = setup.plan(&goal).unwrap_err();
    assert!(
        matches!(obstacles.as_slice(), [Obstacle::RunsTwice { .. }]),
        "{obstacles:#?}"
    );
    assert!(setup.plan(&declared()).is_ok());
}

#[test]
fn an_address_added_to_an_old_vm_keeps_no_route_there() {
    let before = protected();
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    setup.without_region(TOKYO_REGION, Silence::Silent);
    let mut setup = setup.after(&[declared()]);
    // Both return, with the old VM and the old routes; a person has given the VM another address.
    setup.world.unobserved.clear();
    let cluster = before.world.prism[&TOKYO.into()].clone();
    setup.world.prism.insert(TOKYO.into(), cluster);
    let region = before.world.aws[&TOKYO_REGION.into()].clone();
    setup.world.aws.insert(TOKYO_REGION.into(), region);
    let vms = &mut setup.prism(TOKYO).vms;
    let vm = vms.get_mut(&"vm-tokyo-i-web".into()).unwrap();
    vm.nics[0].secondary.push(ip("172.30.1.4"));
    let plan = setup.plan(&declared()).unwrap();
    assert!(!plan.steps.is_empty());
    let told = warnings(&plan).join("\n");
    assert!(told.contains("has 172.30.1.4"), "{told}");
}
