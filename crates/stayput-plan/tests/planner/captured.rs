//! What capture makes of interfaces and machines that do not fit: facts, an obstacle, or a line of what stays behind, never nothing.

use std::collections::BTreeSet;

use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_plan::Action;
use stayput_plan::InterfaceDoubt;
use stayput_plan::Obstacle;
use stayput_plan::Plan;
use stayput_plan::SaidByEc2;
use stayput_plan::observe_facts;
use stayput_world::aws::EniStatus;
use stayput_world::aws::Gone;
use stayput_world::aws::InstanceState;
use stayput_world::aws::Unreadable;

use crate::fixture::*;

const APP: &[&str] = &["app"];

fn obstacles(setup: &Setup) -> BTreeSet<Obstacle> {
    observe_facts(&setup.estate, &setup.world, &names(APP)).1
}

fn is_captured(setup: &Setup, name: &str) -> bool {
    let (facts, _) = observe_facts(&setup.estate, &setup.world, &names(APP));
    facts.contains_key(&InstanceId::new(format!("i-{name}")))
}

fn planned(setup: &Setup) -> Plan {
    setup.plan(&move_in(APP)).unwrap()
}

/// A free interface in the network, changed in this way.
fn with_interface(id: &str, change: impl FnOnce(&mut stayput_world::aws::Eni)) -> Setup {
    let mut setup = Setup::small();
    let mut added = eni("vpc-legacy", "subnet-app", ip("172.30.1.77"));
    added.in_use = false;
    change(&mut added);
    setup.tokyo().enis.insert(EniId::from(id), added);
    setup
}

#[test]
fn a_machine_with_only_ipv6_in_the_network_is_named_and_not_captured() {
    let mut setup = Setup::small();
    setup.machine("six", &["172.30.1.78"], true);
    let nic = setup.eni("six", 0);
    nic.primary = None;
    nic.not_carried = vec!["2001:db8::78".into()];
    let expected = Obstacle::NoIpv4Address {
        machine: "i-six".into(),
        label: "six".into(),
        network: "app".into(),
    };
    assert_eq!(obstacles(&setup), [expected.clone()].into());
    assert!(!is_captured(&setup, "six") && is_captured(&setup, "web"));
    assert_eq!(setup.plan(&move_in(APP)).unwrap_err(), [expected]);
}

#[test]
fn a_further_interface_without_ipv4_is_told_and_the_machine_moves() {
    let mut setup = Setup::small();
    let mut six = eni("vpc-legacy", "subnet-app", ip("172.30.1.78"));
    six.primary = None;
    six.attached_to = Some(("i-web".into(), 1));
    let mut fabric = six.clone();
    fabric.interface_type = "efa-only".into();
    let aws = setup.tokyo();
    aws.enis.insert("eni-six".into(), six);
    aws.enis.insert("eni-fabric".into(), fabric);
    let web = setup.instance("web");
    web.enis.extend(["eni-six".into(), "eni-fabric".into()]);
    let warnings = warnings(&planned(&setup)).join("\n");
    for told in [
        "web: eni-six (interface) has no IPv4 address and is not carried over",
        "web: eni-fabric (efa-only) has no IPv4 address and is not carried over",
    ] {
        assert!(warnings.contains(told), "{warnings}");
    }
}

#[test]
fn an_adapter_and_a_trunk_lose_what_makes_them_so_and_that_is_told() {
    for (kind, told) in [
        ("efa", "web: eni-web-0 is an Elastic Fabric Adapter"),
        (
            "trunk",
            "web: eni-web-0 is a trunk interface; its branch interfaces stay",
        ),
    ] {
        let mut setup = Setup::small();
        setup.eni("web", 0).interface_type = kind.into();
        let warnings = warnings(&planned(&setup)).join("\n");
        assert!(warnings.contains(told), "{warnings}");
    }
}

#[test]
fn only_an_interface_that_is_free_is_harmless() {
    assert!(obstacles(&with_interface("eni-x", |_| {})).is_empty());
    let pool = planned(&with_interface("eni-x", |_| {}));
    assert!(!pool.steps.is_empty());
    for status in [
        EniStatus::Attaching,
        EniStatus::Detaching,
        EniStatus::Unknown("paused".into()),
    ] {
        let setup = with_interface("eni-x", |eni| eni.other_status = Some(status.clone()));
        let found = obstacles(&setup);
        let Some(Obstacle::UnsettledInterface {
            eni,
            address,
            machine,
            status: shown,
            ..
        }) = found.first()
        else {
            panic!("{status}: {found:?}");
        };
        assert_eq!((eni.as_str(), *address), ("eni-x", Some(ip("172.30.1.77"))));
        assert_eq!((machine, shown), (&None, &status));
    }
    // Bound to a trunk it is in use, whatever attaches it.
    let bound = with_interface("eni-x", |eni| {
        eni.other_status = Some(EniStatus::Associated)
    });
    assert!(matches!(
        obstacles(&bound).first(),
        Some(Obstacle::UnmovableInterface { .. })
    ));
}

#[test]
fn a_services_interface_without_an_address_here_stays_and_is_told() {
    let setup = with_interface("eni-lb", |eni| {
        eni.primary = None;
        eni.in_use = true;
        eni.interface_type = "network_load_balancer".into();
    });
    assert!(obstacles(&setup).is_empty());
    let warnings = planned(&setup).warnings;
    let told =
        "eni-lb (network_load_balancer) is in network app without an IPv4 address and stays in EC2";
    assert!(
        warnings.iter().any(|warning| warning.text == told),
        "{warnings:?}"
    );
}

#[test]
fn an_interface_that_its_machine_does_not_list_names_both() {
    let setup = with_interface("eni-late", |eni| {
        eni.in_use = true;
        eni.attached_to = Some(("i-web".into(), 1));
    });
    let expected = Obstacle::InterfaceInDoubt {
        machine: "i-web".into(),
        label: "web".into(),
        eni: "eni-late".into(),
        doubt: InterfaceDoubt::NotListedByMachine {
            address: Some(ip("172.30.1.77")),
        },
    };
    let found = setup.plan(&move_in(APP)).unwrap_err();
    assert_eq!(found, [expected]);
    assert!(
        !found[0].remedy().contains("stayput trace"),
        "{}",
        found[0].remedy()
    );
}

#[test]
fn an_interface_of_an_instance_that_is_not_shown_is_in_doubt() {
    let mut setup = with_interface("eni-x", |eni| {
        eni.in_use = true;
        eni.attached_to = Some(("i-elsewhere".into(), 0));
    });
    let found = obstacles(&setup);
    let Some(Obstacle::InterfaceInDoubt { machine, doubt, .. }) = found.first() else {
        panic!("{found:?}");
    };
    assert_eq!(machine.as_str(), "i-elsewhere");
    let address = Some(ip("172.30.1.77"));
    assert_eq!(*doubt, InterfaceDoubt::MachineNotShown { address });
    // An instance of another account, such as a service has.
    let absent = &mut setup.tokyo().absent;
    absent
        .instances
        .insert("i-elsewhere".into(), Gone::NotFound);
    assert!(matches!(
        obstacles(&setup).first(),
        Some(Obstacle::UnmovableInterface { .. })
    ));
}

#[test]
fn a_listed_interface_that_is_not_shown_may_be_in_any_subnet() {
    let mut setup = Setup::small();
    setup.machine("aside", &["172.30.255.9"], true);
    setup.instance("aside").enis.push("eni-unseen".into());
    let found = obstacles(&setup);
    assert!(
        matches!(
            found.first(),
            Some(Obstacle::InterfaceInDoubt { machine, doubt: InterfaceDoubt::NotShown, .. }) if machine.as_str() == "i-aside"
        ),
        "{found:?}"
    );
    // In another VPC it is of no concern.
    setup.instance("aside").vpc = Some("vpc-nc2t".into());
    assert!(obstacles(&setup).is_empty());
}

#[test]
fn a_machine_being_terminated_is_named_and_its_facts_stay_as_they_are() {
    let mut setup = Setup::small().after(&[capture(APP)]);
    let before = setup.facts.clone();
    setup.instance("web").state = InstanceState::ShuttingDown;
    let found = setup.plan(&move_in(APP)).unwrap_err();
    assert!(
        matches!(found.as_slice(), [Obstacle::BeingTerminated { machine, .. }] if machine.as_str() == "i-web"),
        "{found:?}"
    );
    assert!(found[0].remedy().contains("stayput retire i-web"));
    let again = setup.after(&[capture(APP)]);
    assert_eq!(again.facts, before, "capture leaves it alone");
}

#[test]
fn the_old_instance_of_a_machine_that_moved_may_be_terminated() {
    let mut setup = Setup::small().after(&[move_in(APP), protect(APP)]);
    setup.instance("web").state = InstanceState::ShuttingDown;
    assert!(setup.plan(&move_in(APP)).is_ok());
    assert!(setup.plan(&failover(APP, OSAKA)).is_ok());
    let aws = setup.tokyo();
    aws.instances.remove(&"i-web".into());
    aws.enis.remove(&"eni-web-0".into());
    let absent = &mut aws.absent;
    absent.instances.insert("i-web".into(), Gone::Terminated);
    assert!(setup.plan(&failover(APP, OSAKA)).is_ok());
}

#[test]
fn what_is_left_in_the_ec2_subnet_hinders_no_failover() {
    let mut setup = Setup::small().after(&[move_in(APP), protect(APP)]);
    let mut balancer = eni("vpc-legacy", "subnet-app", ip("172.30.1.77"));
    balancer.requester_managed = true;
    let mut task = balancer.clone();
    task.other_status = Some(EniStatus::Attaching);
    let aws = setup.tokyo();
    aws.enis.insert("eni-balancer".into(), balancer);
    aws.enis.insert("eni-task".into(), task);
    assert!(setup.plan(&failover(APP, OSAKA)).is_ok());
}

#[test]
fn a_captured_machine_that_ec2_says_is_gone_is_retired() {
    let mut setup = Setup::small().after(&[capture(APP)]);
    let aws = setup.tokyo();
    aws.instances.remove(&"i-web".into());
    aws.enis.remove(&"eni-web-0".into());
    let lost = |setup: &Setup| match setup.plan(&move_in(APP)).unwrap_err().as_slice() {
        [obstacle @ Obstacle::Lost { ec2, .. }] => (*ec2, obstacle.remedy()),
        other => panic!("{other:?}"),
    };
    assert_eq!(lost(&setup).0, SaidByEc2::Nothing);
    for (gone, said) in [
        (Gone::NotFound, SaidByEc2::NotFound),
        (Gone::Terminated, SaidByEc2::Terminated),
    ] {
        let absent = &mut setup.tokyo().absent;
        absent.instances.insert("i-web".into(), gone);
        let (ec2, remedy) = lost(&setup);
        assert_eq!(ec2, said);
        assert!(remedy.contains("stayput retire i-web"), "{remedy}");
    }
}

#[test]
fn a_blank_name_is_no_name() {
    for blank in ["", " \t"] {
        let mut setup = Setup::small();
        setup
            .instance("web")
            .tags
            .insert("Name".into(), blank.into());
        let (facts, _) = observe_facts(&setup.estate, &setup.world, &names(APP));
        assert_eq!(facts[&"i-web".into()].name, None);
        assert!(setup.shown(&move_in(APP)).contains("i-web"));
    }
}

#[test]
fn addresses_of_delegated_prefixes_stay_out_of_the_pool() {
    let mut setup = Setup::small();
    setup.eni("web", 0).not_carried = vec!["172.30.1.128/28".into()];
    let pools = planned(&setup)
        .steps
        .into_iter()
        .find_map(|step| match step.action {
            Action::EnsureSubnet { pools, .. } => Some(pools),
            _ => None,
        });
    let pools = pools.unwrap();
    for inside in ["172.30.1.128", "172.30.1.143"] {
        assert!(
            pools.iter().all(|pool| !pool.contains(ip(inside))),
            "{pools:?}"
        );
    }
    assert!(pools.iter().any(|pool| pool.contains(ip("172.30.1.144"))));
}

#[test]
fn what_cannot_be_read_is_told_with_the_plan() {
    let mut setup = Setup::small();
    setup.tokyo().unreadable.push(Unreadable {
        kind: "network interface".into(),
        id: "eni-odd".into(),
        why: "macAddress: missing".into(),
    });
    let warnings = warnings(&planned(&setup)).join("\n");
    assert!(warnings.contains("eni-odd"), "{warnings}");
}

#[test]
fn a_canary_is_not_held_up_by_the_trouble_of_others() {
    let mut setup = Setup::new();
    setup.instance("api").state = InstanceState::ShuttingDown;
    let mut late = eni("vpc-legacy", "subnet-app", ip("172.30.1.77"));
    late.attached_to = Some(("i-old".into(), 1));
    setup.tokyo().enis.insert("eni-late".into(), late);
    setup.instance("web").enis.push("eni-unseen".into());
    let held = |name: &str| {
        let Err(found) = setup.plan(&canary(APP, &[name])) else {
            return BTreeSet::new();
        };
        found
            .iter()
            .filter_map(|obstacle| obstacle.about_machine_in_ec2().cloned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(held("web"), ["i-web".into()].into());
    assert_eq!(held("old"), ["i-old".into()].into());
}
