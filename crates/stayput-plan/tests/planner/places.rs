//! What a list lacks is not gone: where machines are, and what is known of them, when an answer lacks something.

use std::collections::BTreeSet;

use stayput_estate::SiteName;
use stayput_plan::Action;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Place;
use stayput_plan::Power;
use stayput_plan::Survey;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::aws::Gone;
use stayput_world::aws::InstanceState;
use stayput_world::prism::PowerState;

use crate::fixture::*;

const WEB: &str = "vm-tokyo-i-web";

fn moved() -> Setup {
    Setup::small().after(&[move_in(&["app"])])
}

fn protected() -> Setup {
    moved().after(&[protect(&["app"])])
}

fn survey(setup: &Setup) -> Survey<'_> {
    Survey::new(&setup.estate, &setup.world, &setup.facts, &names(&["app"]))
}

#[track_caller]
fn one_obstacle(setup: &Setup, goal: &Goal) -> Obstacle {
    let obstacles = setup.plan(goal).unwrap_err();
    let [obstacle] = obstacles.as_slice() else {
        panic!("{obstacles:#?}");
    };
    obstacle.clone()
}

#[test]
fn a_vm_missing_from_one_answer_is_not_migrated_from_its_old_disk() {
    let mut setup = moved();
    setup.prism(TOKYO).vms.clear();
    // The instance is still in EC2, stopped, with its interface and disk.
    assert_eq!(setup.instance("web").state, InstanceState::Stopped);
    match one_obstacle(&setup, &move_in(&["app"])) {
        Obstacle::NotListed { system, .. } => {
            assert_eq!(system, System::PrismCentral(TOKYO.into()));
        }
        other => panic!("{other}"),
    }
    // Nor when only Move knows that it became a VM.
    setup.facts.vms.clear();
    setup.facts.newest.clear();
    assert!(matches!(
        one_obstacle(&setup, &move_in(&["app"])),
        Obstacle::NotListed { .. }
    ));
}

#[test]
fn a_deleted_vm_is_named_with_its_recovery_points_and_not_migrated_again() {
    let mut setup = protected();
    setup.delete_vm(TOKYO, WEB);
    for goal in [
        move_in(&["app"]),
        protect(&["app"]),
        failover(&["app"], OSAKA),
        unplanned(&["app"], OSAKA),
    ] {
        let obstacle = one_obstacle(&setup, &goal);
        let Obstacle::VmDeleted {
            recovery_points, ..
        } = &obstacle
        else {
            panic!("{goal}: {obstacle}");
        };
        assert_eq!(recovery_points[&OSAKA.into()], "2026-01-01T00:00:00Z");
        let remedy = obstacle.remedy();
        for says in [
            "stayput adopt i-web --vm UUID --site osaka",
            "stayput retire i-web",
        ] {
            assert!(remedy.contains(says), "{remedy}");
        }
    }
    // Its recovery side brings it back when the site is declared lost: nothing is asked there.
    assert!(
        setup
            .plan(&unplanned_without_tokyo(
                &["app"],
                stayput_plan::EntryPath::A
            ))
            .is_ok()
    );
}

#[test]
fn a_vm_with_the_addresses_of_a_deleted_one_is_offered_for_adoption() {
    let mut setup = protected().after(&[failover(&["app"], OSAKA)]);
    // Nothing says any more which VM the machine became: the job is no longer listed and its answer was lost.
    let became = setup.facts.vms.get_mut(&"i-web".into()).unwrap();
    became.remove(&OSAKA.into());
    setup.facts.newest.insert("i-web".into(), TOKYO.into());
    setup.prism(TOKYO).confirmed_absent.insert(WEB.into());
    for prism in setup.world.prism.values_mut() {
        prism.jobs.clear();
    }
    let remedy = one_obstacle(&setup, &failback(&["app"])).remedy();
    assert!(
        remedy.contains("has exactly its addresses") && remedy.contains("--site osaka"),
        "{remedy}"
    );
}

#[test]
fn an_old_vm_with_the_same_addresses_is_not_offered_for_adoption() {
    // Left behind by an unplanned failover, with the data of that day.
    let mut setup = protected();
    let mut old = setup.prism(TOKYO).vms[&WEB.into()].clone();
    old.power = PowerState::Off;
    let mut setup = setup.after(&[failover(&["app"], OSAKA)]);
    setup.prism(TOKYO).vms.insert(WEB.into(), old);
    let current = setup.facts.vms[&"i-web".into()][&OSAKA.into()].clone();
    setup.delete_vm(OSAKA, current.as_str());
    let remedy = one_obstacle(&setup, &failback(&["app"])).remedy();
    assert!(!remedy.contains("has exactly its addresses"), "{remedy}");
}

#[test]
fn what_was_deleted_may_have_been_failed_over_to_an_unobserved_site() {
    let mut setup = protected();
    setup.delete_vm(TOKYO, WEB);
    setup.without_prism(OSAKA, Silence::Silent);
    let obstacle = one_obstacle(&setup, &move_in(&["app"]));
    let remedy = obstacle.remedy();
    assert!(
        remedy.contains("when Prism Central of osaka answers") && !remedy.contains("retire"),
        "{remedy}"
    );
}

#[test]
fn a_machine_of_a_silent_prism_central_stays_where_it_was() {
    let mut setup = protected();
    setup.without_prism(TOKYO, Silence::Silent);
    let survey = survey(&setup);
    let web = "i-web".into();
    let at = Place::At(TOKYO.into(), WEB.into());
    assert_eq!(survey.places.get(&web), Some(&at));
    assert_eq!(survey.power(&web), Power::Unknown);
    assert!(!survey.nics_are_right(&web, &TOKYO.into()));
    assert_eq!(
        survey.expected_running().unknown,
        BTreeSet::from([web.clone()])
    );
    assert_eq!(survey.obstacles, BTreeSet::new());
}

#[test]
fn an_instance_that_a_list_lacks_is_asked_for_again() {
    let mut setup = Setup::small().after(&[capture(&["app"])]);
    setup.tokyo().instances.remove(&"i-web".into());
    setup.tokyo().enis.remove(&"eni-web-0".into());
    let mut gone = setup.clone();
    let absent = &mut gone.tokyo().absent.instances;
    absent.insert("i-web".into(), Gone::Terminated);
    let remedy = one_obstacle(&setup, &move_in(&["app"])).remedy();
    assert!(remedy.starts_with("run the command again"), "{remedy}");
    let remedy = one_obstacle(&gone, &move_in(&["app"])).remedy();
    assert!(
        remedy.starts_with("take it out of the ledger: stayput retire i-web"),
        "{remedy}"
    );
    // Neither keeps the others from being written down.
    for setup in [setup, gone] {
        let plan = setup.plan(&capture(&["app"])).unwrap();
        assert_eq!(plan.steps, []);
        assert!(
            plan.warnings[0].text.contains("i-web"),
            "{:?}",
            plan.warnings
        );
    }
}

#[test]
fn what_is_left_of_a_retired_machine_is_not_moved_unless_it_runs() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[canary(&["app"], &["web"])]);
    // Its VM was deleted on purpose; the instance is still there, stopped, with its disk.
    setup.delete_vm(TOKYO, WEB);
    setup.facts.machines.remove(&"i-web".into());
    setup.facts.vms.remove(&"i-web".into());
    setup.facts.newest.remove(&"i-web".into());
    setup.facts.retired.insert("i-web".into());
    let plan = setup.plan(&move_in(&["app"])).unwrap();
    let machines = plan.steps.iter().flat_map(|step| step.action.machines());
    assert_eq!(
        machines.collect::<BTreeSet<_>>(),
        BTreeSet::from(["i-api".into()])
    );
    setup.instance("web").state = InstanceState::Running;
    assert!(setup.plan(&move_in(&["app"])).is_err());
}

#[test]
fn the_address_of_a_machine_that_is_not_found_is_not_given_away() {
    let mut setup = Setup::small();
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[capture(&["app"])]);
    setup.tokyo().instances.remove(&"i-web".into());
    setup.tokyo().enis.remove(&"eni-web-0".into());
    let plan = setup.plan(&canary(&["app"], &["api"])).unwrap();
    let mut pools = plan.steps.iter().filter_map(|step| match &step.action {
        Action::EnsureSubnet { pools, .. } => Some(pools),
        _ => None,
    });
    let pools = pools.next().unwrap();
    assert!(
        !pools.iter().any(|pool| pool.contains(ip("172.30.1.34"))),
        "{pools:?}"
    );
}

// Facts

#[test]
fn facts_of_a_machine_that_moved_are_kept_whatever_ec2_shows() {
    let mut setup = moved();
    setup.eni("web", 0).secondary = vec![ip("172.30.1.99")];
    let plan = setup.plan(&capture(&["app"])).unwrap();
    assert_eq!(plan.steps, []);
    let [warning] = plan.warnings.as_slice() else {
        panic!("{:?}", plan.warnings);
    };
    assert!(
        warning.text.contains("web") && warning.text.contains("stayput capture --replace i-web"),
        "{warning}"
    );
}

#[test]
fn facts_of_a_machine_whose_cutover_may_have_begun_are_kept() {
    // Copied, and then stopped: by Move, as far as can be observed.
    let mut setup = Setup::small();
    let plan = setup.plan(&move_in(&["app"])).unwrap();
    for step in plan.steps.iter() {
        if let Action::Cutover { .. } = step.action {
            break;
        }
        setup.apply(step);
    }
    setup.instance("web").state = InstanceState::Stopped;
    setup.eni("web", 0).secondary = vec![ip("172.30.1.99")];
    assert_eq!(setup.plan(&capture(&["app"])).unwrap().steps, []);
    // Whether Move has begun is not known when it does not answer.
    setup.mv().plans.clear();
    setup.without_move(TOKYO, Silence::Silent);
    assert_eq!(setup.plan(&capture(&["app"])).unwrap().steps, []);
}

#[test]
fn a_machine_that_runs_while_it_is_copied_is_captured_again() {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    let plan = setup.plan(&move_in(&["app"])).unwrap();
    for step in plan.steps.iter() {
        if let Action::Cutover { .. } = step.action {
            break;
        }
        setup.apply(step);
    }
    for machine in ["web", "old"] {
        setup.eni(machine, 0).secondary = vec![ip(if machine == "web" {
            "172.30.1.99"
        } else {
            "172.30.1.98"
        })];
    }
    let plan = setup.plan(&capture(&["app"])).unwrap();
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:#?}");
    };
    // One that was off anyway, too: Move has not begun with it.
    assert_eq!(step.action.machines().len(), 2);
}

// What runs

#[test]
fn what_ran_when_captured_is_expected_to_run_and_nothing_else() {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    setup.machine("api", &["172.30.1.35"], true);
    let mut setup = setup.after(&[move_in(&["app"])]);
    setup.prism(TOKYO).vms.get_mut(&WEB.into()).unwrap().power = PowerState::Off;
    let api = setup.prism(TOKYO).vms.get_mut(&"vm-tokyo-i-api".into());
    api.unwrap().power = PowerState::Other("PAUSED".to_owned());
    let survey = survey(&setup);
    let expected = survey.expected_running();
    assert_eq!(expected.running, BTreeSet::new());
    assert_eq!(expected.off, BTreeSet::from(["i-web".into()]));
    assert_eq!(expected.unknown, BTreeSet::from(["i-api".into()]));
    assert_eq!(expected.expected(), 2);
    // Neither running nor off is not off.
    assert!(survey.runs(&"i-api".into()));
}

#[test]
fn a_failover_tells_of_machines_that_are_off_before_it_begins() {
    let mut setup = protected();
    let vm = setup.prism(TOKYO).vms.get_mut(&WEB.into()).unwrap();
    vm.power = PowerState::Off;
    let plan = setup.plan(&failover(&["app"], OSAKA)).unwrap();
    let told = plan
        .warnings
        .iter()
        .find(|warning| warning.text.contains("its VM is off"));
    assert!(
        told.is_some_and(|told| told.text.contains("stayput expect i-web off")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_source_that_runs_again_refuses_routing_and_is_a_warning_elsewhere() {
    let mut setup = protected();
    setup.instance("web").state = InstanceState::Running;
    for goal in [
        move_in(&["app"]),
        failover(&["app"], OSAKA),
        failback(&["app"]),
    ] {
        let obstacle = one_obstacle(&setup, &goal);
        assert!(
            matches!(obstacle, Obstacle::SourceRuns { .. }),
            "{obstacle}"
        );
        assert_eq!(
            obstacle.remedy(),
            "stop the instance: aws ec2 stop-instances --instance-ids i-web --region ap-northeast-1"
        );
    }
    for goal in [
        capture(&["app"]),
        protect(&["app"]),
        clean_up(&["app"], OSAKA, false),
    ] {
        let shown = setup.shown(&goal);
        assert!(shown.contains("served twice"), "{goal}: {shown}");
    }
    let twice: Vec<_> = survey(&setup).served_twice().cloned().collect();
    assert_eq!(twice.len(), 1);
    assert!(
        matches!(&twice[0], Obstacle::SourceRuns { machine, .. } if machine.as_str() == "i-web")
    );
}

#[test]
fn a_source_that_runs_while_its_vm_is_off_is_refused() {
    let mut setup = moved();
    setup.instance("web").state = InstanceState::Pending;
    setup.prism(TOKYO).vms.get_mut(&WEB.into()).unwrap().power = PowerState::Off;
    assert!(setup.plan(&move_in(&["app"])).is_err());
    assert_eq!(survey(&setup).served_twice().count(), 0);
    // On its way down it is nothing of that.
    setup.instance("web").state = InstanceState::Stopping;
    assert!(setup.plan(&move_in(&["app"])).is_ok());
}

#[test]
fn an_old_vm_in_an_unknown_state_counts_as_running() {
    let mut setup = protected().after(&[unplanned_without_tokyo(
        &["app"],
        stayput_plan::EntryPath::A,
    )]);
    let vm = setup.prism(TOKYO).vms.get_mut(&WEB.into()).unwrap();
    vm.power = PowerState::Other("PAUSED".to_owned());
    let obstacles = setup.plan(&failback(&["app"])).unwrap_err();
    let twice = obstacles.iter().find_map(|obstacle| match obstacle {
        Obstacle::RunsTwice { at, .. } => Some(at),
        _ => None,
    });
    assert_eq!(twice, Some(&SiteName::from(TOKYO)), "{obstacles:#?}");
}
