//! Every NIC that is removed is named or described, and one that a person added is not removed.

use stayput_fabric::Source;
use stayput_plan::Action;
use stayput_plan::Hole;
use stayput_plan::NicChange;
use stayput_plan::NicsBefore;
use stayput_plan::Obstacle;
use stayput_plan::PowerAfter;
use stayput_plan::SeenNic;
use stayput_plan::Step;
use stayput_world::prism::PowerState;

use crate::fixture::*;

const APP: &[&str] = &["app"];

fn change(step: &Step) -> Option<&NicChange> {
    match &step.action {
        Action::RestoreNics { nics, .. } => Some(nics),
        _ => None,
    }
}

/// A move killed right before its only machine gets its own address.
fn cut_over() -> Setup {
    let mut setup = Setup::small();
    for step in setup.plan(&move_in(APP)).unwrap().steps {
        if change(&step).is_some() {
            break;
        }
        setup.apply(&step);
    }
    setup
}

fn shown(setup: &Setup) -> String {
    let plan = setup.plan(&move_in(APP)).unwrap();
    let mut steps = plan.steps.iter().filter(|step| change(step).is_some());
    steps
        .next()
        .unwrap()
        .action
        .describe(&plan.names)
        .to_string()
}

#[test]
fn a_plan_says_which_address_comes_and_which_nic_goes() {
    assert_eq!(
        shown(&Setup::small()),
        "tokyo: web gets 172.30.1.34; the NIC with an address from the pool is removed; powered on if off"
    );
    assert_eq!(
        shown(&cut_over()),
        "tokyo: web gets 172.30.1.34; NIC nic-172.30.1.35 with 172.30.1.35 is removed; powered on if off"
    );
}

#[test]
fn a_move_powers_on_a_machine_that_ran_and_is_off() {
    let powers = |setup: &Setup| -> Vec<PowerAfter> {
        let plan = setup.plan(&move_in(APP)).unwrap();
        let steps = plan.steps.iter();
        steps
            .filter_map(|step| match &step.action {
                Action::RestoreNics { power, .. } => Some(*power),
                _ => None,
            })
            .collect()
    };
    let mut arrived = cut_over();
    arrived.vm("web", TOKYO).power = PowerState::Off;
    assert_eq!(powers(&arrived), [PowerAfter::On]);
    let mut moved = Setup::small().after(&[move_in(APP)]);
    assert_eq!(powers(&moved), []);
    moved.vm("web", TOKYO).power = PowerState::Off;
    assert_eq!(powers(&moved), [PowerAfter::On]);
    assert_eq!(
        shown(&moved),
        "tokyo: web keeps its addresses; powered on if off"
    );
    let again = moved.after(&[move_in(APP)]);
    assert_eq!(powers(&again), []);
}

#[test]
fn a_machine_that_was_captured_stopped_stays_off() {
    let mut setup = Setup::small();
    setup.instance("web").state = stayput_world::aws::InstanceState::Stopped;
    let plan = setup.plan(&move_in(APP)).unwrap();
    let on = |step: &Step| {
        matches!(
            step.action,
            Action::RestoreNics {
                power: PowerAfter::On,
                ..
            }
        )
    };
    assert!(!plan.steps.iter().any(on));
}

#[test]
fn a_plan_before_the_cutover_covers_the_nic_that_move_makes_and_no_other() {
    let before = Setup::small().plan(&move_in(APP)).unwrap();
    let before = before.steps.iter().find_map(change).unwrap().clone();
    assert_eq!(before.before, NicsBefore::FromPool);
    let after = cut_over().plan(&move_in(APP)).unwrap();
    let after = after.steps.iter().find_map(change).unwrap().clone();
    assert!(after.is_within(&before));
    assert!(!before.is_within(&after));

    let nic = |address: &str| SeenNic {
        id: "nic-1".into(),
        subnet: "overlay-app".into(),
        addresses: address.split(' ').map(ip).collect(),
    };
    assert!(before.may_remove(&nic("172.30.1.200")));
    assert!(before.may_remove(&nic("172.30.1.34")));
    // Below the pool, where nothing is handed out.
    assert!(!before.may_remove(&nic("172.30.1.9")));
    assert!(!before.may_remove(&nic("172.30.1.200 172.30.1.9")));
    let without = SeenNic {
        addresses: [].into(),
        ..nic("172.30.1.200")
    };
    assert!(!before.may_remove(&without));
}

#[test]
fn an_address_that_a_person_added_is_an_obstacle_and_is_never_removed() {
    let added = nic("overlay-app", ip("172.30.1.9"), &[]);
    let mut arrived = cut_over();
    arrived.vm("web", TOKYO).nics.push(added.clone());
    let mut moved = Setup::small().after(&[move_in(APP)]);
    moved.vm("web", TOKYO).nics.push(added.clone());
    let mut protected = Setup::small().after(&[move_in(APP), protect(APP)]);
    protected.vm("web", TOKYO).nics.push(added);
    for (setup, goal) in [
        (arrived, move_in(APP)),
        (moved, move_in(APP)),
        (protected.clone(), failover(APP, OSAKA)),
        (protected.clone(), test_failover(APP, OSAKA)),
    ] {
        let shown = setup.shown(&goal);
        assert!(
            shown.starts_with(
                "web (i-web) has 172.30.1.9 at tokyo on NIC nic-172.30.1.9, not captured\n  → "
            ),
            "{goal}: {shown}"
        );
        assert!(
            shown.contains("stayput capture --replace i-web"),
            "{goal}: {shown}"
        );
    }
    // Protecting it takes nothing away.
    assert_eq!(protected.plan(&protect(APP)).unwrap().steps, []);
}

#[test]
fn a_secondary_address_that_a_person_added_is_an_obstacle() {
    let mut setup = Setup::small().after(&[move_in(APP), protect(APP)]);
    setup.vm("web", TOKYO).nics[0].secondary = vec![ip("172.30.1.9")];
    for goal in [move_in(APP), failover(APP, OSAKA)] {
        let shown = setup.shown(&goal);
        assert!(shown.contains("has 172.30.1.9 at tokyo"), "{goal}: {shown}");
    }
}

#[test]
fn a_nic_left_over_from_the_pool_is_named_when_it_is_removed() {
    let mut setup = Setup::small().after(&[move_in(APP)]);
    let left = nic("overlay-app", ip("172.30.1.99"), &[]);
    setup.vm("web", TOKYO).nics.push(left);
    assert_eq!(
        shown(&setup),
        "tokyo: web keeps its addresses; NIC nic-172.30.1.99 with 172.30.1.99 is removed; powered on if off"
    );
}

#[test]
fn a_resumed_plan_counts_no_address_from_a_dhcp_pool() {
    let before = Setup::new();
    let plan = before.plan(&move_in(&["app", "db"])).unwrap();
    for done in 0..=plan.steps.len() {
        let rest = crate::resume::applied(&before, &plan.steps[..done]);
        let rest = rest.plan(&move_in(&["app", "db"])).unwrap();
        assert_eq!(
            rest.proof.addresses, plan.proof.addresses,
            "killed after {done}"
        );
    }
}

#[test]
fn addresses_of_a_nic_that_is_replaced_are_announced_as_a_hole() {
    let mut setup = Setup::small().after(&[move_in(APP)]);
    // Recorded later: the NIC with the machine's own address makes room for one with both.
    for facts in setup.facts.machines.values_mut() {
        let facts = std::sync::Arc::make_mut(facts);
        facts.nics[0].secondary.push(ip("172.30.1.33"));
    }
    let plan = setup.plan(&move_in(APP)).unwrap();
    let restore = plan.steps.iter().find(|step| change(step).is_some());
    let restore = Some(&restore.unwrap().id);
    let of_step = |hole: &&Hole| {
        hole.opens.as_ref() == restore
            && hole.closes.as_ref() == restore
            && hole.source == Source::OnPrem
    };
    assert_eq!(
        plan.proof
            .holes
            .iter()
            .find(of_step)
            .map(|hole| hole.addresses),
        Some(1),
        "{:#?}",
        plan.proof.holes
    );
    assert_eq!(plan.outages.len(), 1);
    assert_eq!(plan.outages[0].seconds, 15);

    // Off, it answers no packet before either.
    setup.vm("web", TOKYO).power = PowerState::Off;
    let plan = setup.plan(&move_in(APP)).unwrap();
    assert!(plan.proof.holes.iter().all(|hole| hole.opens.is_none()));
}

#[test]
fn a_vm_whose_nics_are_not_known_does_not_lack_addresses() {
    let goal = test_failover(APP, OSAKA);
    let mut setup = Setup::small().after(&[move_in(APP), protect(APP)]);
    setup.vm("web", TOKYO).nics.clear();
    let lacks = |setup: &Setup| {
        let refused = setup.plan(&goal).err().unwrap_or_default();
        let is = |obstacle: &Obstacle| matches!(obstacle, Obstacle::LacksAddresses { .. });
        refused.iter().any(is)
    };
    assert!(lacks(&setup));
    // Two subnets of the network's name: which one counts is not known.
    let prism = setup.prism(TOKYO);
    let (id, subnet) = prism.subnets.first_key_value().unwrap();
    assert_eq!(id.as_str(), "overlay-app");
    let double = subnet.clone();
    prism.subnets.insert("overlay-app-2".into(), double);
    assert!(!lacks(&setup));
}
