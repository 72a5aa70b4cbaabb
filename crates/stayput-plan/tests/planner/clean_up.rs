//! Old machines of a site that returned are powered off, and removed when asked; never the machine that serves.

use stayput_plan::Action;
use stayput_plan::EntryPath;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Survey;
use stayput_world::aws::InstanceState;
use stayput_world::prism::PowerState;

use crate::fixture::*;

const OLD: &str = "vm-tokyo-i-web";
const NEW: &str = "vm-osaka-i-web";

/// Failed over to Osaka; the old VM in Tokyo runs on.
fn zombie() -> Setup {
    Setup::small().after(&[
        move_in(&["app"]),
        protect(&["app"]),
        unplanned_without_tokyo(&["app"], EntryPath::A),
    ])
}

fn off() -> Goal {
    clean_up(&["app"], TOKYO, false)
}

fn gone() -> Goal {
    clean_up(&["app"], TOKYO, true)
}

fn twice(setup: &Setup) -> usize {
    let networks = names(&["app"]);
    let survey = Survey::new(&setup.estate, &setup.world, &setup.facts, &networks);
    survey.served_twice().count()
}

#[test]
fn the_obstacle_of_an_old_vm_names_the_command_that_powers_it_off() {
    let obstacles = zombie().plan(&failback(&["app"])).unwrap_err();
    let remedy = obstacles[0].remedy();
    assert!(
        remedy.contains("stayput apply clean-up app --site tokyo"),
        "{remedy}"
    );
}

#[test]
fn an_old_vm_is_powered_off_although_the_source_runs_again() {
    let mut setup = zombie();
    setup.instance("web").state = InstanceState::Running;
    let plan = setup.plan(&off()).unwrap();
    let off = |action: &Action| matches!(action, Action::PowerOff { .. });
    assert!(plan.steps.iter().any(|step| off(&step.action)));
    let told = warnings(&plan).join("\n");
    assert!(told.contains("aws ec2 stop-instances"), "{told}");
}

#[test]
fn an_old_vm_is_powered_off_by_its_id_with_its_addresses_told() {
    let setup = zombie();
    assert_eq!(twice(&setup), 1);
    let plan = setup.plan(&off()).unwrap();
    insta::assert_snapshot!("clean_up_of_an_old_vm", setup.shown(&off()));
    let [step] = plan.steps.as_slice() else {
        panic!("{plan:#?}");
    };
    let Action::PowerOff { former } = &step.action else {
        panic!("{step:#?}");
    };
    assert_eq!(former.vm.as_str(), OLD);
    assert_eq!(former.home_vm.as_str(), NEW);
    assert_eq!(former.addresses, [ip("172.30.1.34")]);
    let done = setup.after(&[off()]);
    assert_eq!(twice(&done), 0);
    assert_eq!(done.plan(&off()).unwrap().steps, []);
    assert!(
        done.clone()
            .after(&[protect(&["app"])])
            .plan(&failback(&["app"]))
            .is_ok()
    );
}

#[test]
fn an_old_vm_is_removed_only_when_asked_and_after_it_is_off() {
    let mut setup = zombie();
    let plan = setup.plan(&gone()).unwrap();
    insta::assert_snapshot!("clean_up_that_removes", setup.shown(&gone()));
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.id.to_string()).collect();
    assert_eq!(
        kinds,
        [
            format!("power-off/tokyo/{OLD}"),
            format!("delete/tokyo/{OLD}")
        ]
    );
    assert!(plan.steps[1].needs.contains(&plan.steps[0].id));
    // Killed between the two, the rest is left.
    setup.apply(&plan.steps[0]);
    assert_eq!(setup.plan(&gone()).unwrap().steps.len(), 1);
    setup.apply(&plan.steps[1]);
    assert_eq!(setup.plan(&gone()).unwrap().steps, []);
    assert!(setup.prism(OSAKA).vms.contains_key(&NEW.into()));
    assert_eq!(twice(&setup), 0);
}

#[test]
fn where_the_machines_are_there_is_nothing_to_clean_up() {
    let setup = zombie();
    let plan = setup.plan(&clean_up(&["app"], OSAKA, true)).unwrap_err();
    // What it was runs elsewhere, which is another site's matter.
    assert!(
        matches!(plan.as_slice(), [Obstacle::RunsTwice { .. }]),
        "{plan:#?}"
    );
    let setup = setup.after(&[off()]);
    let plan = setup.plan(&clean_up(&["app"], OSAKA, true)).unwrap();
    assert_eq!(plan.steps, []);
}

#[test]
fn vms_that_no_system_says_were_a_machine_are_left_alone() {
    let mut setup = zombie().after(&[gone()]);
    // Of the same name, with the same address, and no machine's by any word.
    let like = setup.prism(OSAKA).vms[&NEW.into()].clone();
    setup.prism(TOKYO).vms.insert("vm-foreign".into(), like);
    assert_eq!(setup.plan(&gone()).unwrap().steps, []);
}

#[test]
fn what_is_left_of_a_machine_that_does_not_run_is_not_taken_away() {
    let mut setup = zombie();
    let vm = setup.prism(OSAKA).vms.get_mut(&NEW.into()).unwrap();
    vm.power = PowerState::Off;
    for goal in [off(), gone()] {
        let obstacles = setup.plan(&goal).unwrap_err();
        assert!(
            matches!(obstacles.as_slice(), [Obstacle::NotOn { .. }]),
            "{obstacles:#?}"
        );
    }
    // Nor when it is not known where it is.
    setup.delete_vm(OSAKA, NEW);
    let obstacles = setup.plan(&gone()).unwrap_err();
    assert!(
        matches!(obstacles.as_slice(), [Obstacle::VmDeleted { .. }]),
        "{obstacles:#?}"
    );
}

#[test]
fn the_old_vm_of_a_machine_captured_stopped_may_go_while_it_is_off() {
    let mut setup = Setup::small();
    setup.machine("old", &["172.30.1.60"], false);
    let mut setup = setup.after(&[
        move_in(&["app"]),
        protect(&["app"]),
        unplanned_without_tokyo(&["app"], EntryPath::A),
    ]);
    let vm = setup.prism(OSAKA).vms.get_mut(&"vm-osaka-i-old".into());
    vm.unwrap().power = PowerState::Off;
    let steps = setup.plan(&gone()).unwrap().steps;
    assert_eq!(steps.len(), 3, "{steps:#?}");
}

#[test]
fn an_old_vm_with_an_address_that_a_person_added_is_not_powered_off() {
    let mut setup = zombie();
    let vm = setup.prism(TOKYO).vms.get_mut(&OLD.into()).unwrap();
    vm.nics.push(nic("overlay-app", ip("172.30.1.9"), &[]));
    for goal in [off(), gone()] {
        let refused = setup.plan(&goal).unwrap_err();
        let [obstacle @ Obstacle::NotCaptured { addresses, .. }] = refused.as_slice() else {
            panic!("{refused:#?}");
        };
        assert_eq!(*addresses, [ip("172.30.1.9")].into());
        // Nothing that is recorded would give them to the machine.
        assert!(
            !obstacle.remedy().contains("capture"),
            "{}",
            obstacle.remedy()
        );
    }
}
