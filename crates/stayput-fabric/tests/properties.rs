//! What holds for every topology and every change: classes are right, walks end, changes can be undone.

mod common;

use std::net::Ipv4Addr;

use common::strategies::*;
use common::*;
use proptest::prelude::*;
use stayput_fabric::*;

/// What members of a class share: verdict and nodes, not which machine it is.
fn shape(trace: &Trace) -> (String, Vec<String>) {
    let path = trace.path().iter().map(ToString::to_string).collect();
    (brief(&trace.verdict), path)
}

fn shapes(fabric: &Fabric, source: &Source, address: Ipv4Addr) -> Vec<(String, Vec<String>)> {
    let trip = fabric.round_trip(source, address);
    let mut shapes = vec![shape(&trip.forward)];
    shapes.extend(trip.back.iter().map(shape));
    shapes
}

fn assert_classes(fabric: &Fabric, classes: &[Class]) -> Result<(), TestCaseError> {
    for source in fabric.sources() {
        for class in classes {
            let expected = shapes(fabric, &source, class.representative);
            for member in &class.members {
                prop_assert_eq!(
                    &shapes(fabric, &source, *member),
                    &expected,
                    "{} and {} from {}",
                    class.representative,
                    member,
                    source
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn members_of_a_class_all_have_the_representatives_traces(fabric in state()) {
        let classes = fabric.classes(addresses());
        let members: usize = classes.iter().map(|class| class.members.len()).sum();
        prop_assert_eq!(members, ADDRESSES.len());
        assert_classes(&fabric, &classes)?;
    }

    #[test]
    fn classes_across_steps_hold_in_every_state_the_steps_lead_to(
        fabric in state(),
        steps in prop::collection::vec(prop::collection::vec(change(), 1..4), 0..4),
    ) {
        let classes = fabric.classes_across(addresses(), steps.iter().map(Vec::as_slice));
        let mut fabric = fabric;
        for step in &steps {
            step.iter().for_each(|change| fabric.apply(change));
            assert_classes(&fabric, &classes)?;
        }
    }

    #[test]
    fn every_walk_ends_and_a_loop_names_its_nodes(fabric in state()) {
        for source in fabric.sources() {
            for address in addresses() {
                let trace = fabric.trace(&source, address);
                prop_assert!(!trace.hops.is_empty());
                prop_assert_eq!(&fabric.verdict(&source, address), &trace.verdict);
                if let Verdict::Loop { cycle } = &trace.verdict {
                    prop_assert!(cycle.len() >= 2);
                    prop_assert!(cycle.iter().all(|node| trace.path().contains(&node)));
                }
            }
        }
    }

    #[test]
    fn a_change_and_its_inverse_give_the_same_traces(fabric in state(), change in change()) {
        let mut changed = fabric.clone();
        let inverse = fabric.inverse_of(&change).unwrap();
        if changed.try_apply(&change).is_ok() {
            changed.try_apply(&inverse).unwrap();
        }
        for source in fabric.sources() {
            for address in addresses() {
                prop_assert_eq!(
                    changed.trace(&source, address),
                    fabric.trace(&source, address),
                    "after {} and {}",
                    change,
                    inverse
                );
            }
        }
    }

    #[test]
    fn making_true_what_is_true_changes_nothing(fabric in state(), change in change()) {
        let mut once = fabric.clone();
        once.apply(&change);
        let mut twice = once.clone();
        twice.apply(&change);
        for source in fabric.sources() {
            for address in addresses() {
                prop_assert_eq!(twice.trace(&source, address), once.trace(&source, address));
            }
        }
    }
}

#[test]
fn ten_thousand_machines_are_few_classes() {
    let mut setup = Setup::new();
    let big = "172.31.0.0/16";
    let network = stayput_estate::Network {
        name: "big".into(),
        cidr: cidr(big),
        ec2_subnet: "subnet-big".into(),
        primary: NC2_T.into(),
        recovery: None,
    };
    setup.estate.networks.insert("big".into(), network);
    let aws = setup.aws(T);
    let vpc = aws.vpcs.get_mut(&"vpc-ec2".into()).unwrap();
    vpc.cidrs.push(cidr(big));
    add_subnet(aws, "subnet-big", "vpc-ec2", big);
    for number in 0..10_000 {
        let name = format!("big-{number}");
        let address = cidr(big).nth(10 + number).unwrap().to_string();
        add_instance(aws, &name, "vpc-ec2", "subnet-big", "m5.large");
        add_eni(aws, &name, "vpc-ec2", "subnet-big", &address, Some(&name));
    }
    let fabric = setup.fabric();
    let addresses = fabric.addresses_of_interest();
    assert_eq!(addresses.len(), 10_005);
    let classes = fabric.classes(addresses);
    assert!(classes.len() < 10, "{}", classes.len());
    for source in fabric.sources() {
        for class in &classes {
            let trip = fabric.round_trip(&source, class.representative);
            assert_eq!(trip.forward.destination, class.representative);
        }
    }
    let network = setup.estate.networks[&stayput_estate::NetworkName::from("big")].clone();
    assert_eq!(fabric.observed_home(&network), Home::Site(EC2.into()));
    // Stopping one machine of ten thousand in a copy leaves the others where they were.
    let stopped = after(fabric.clone(), [serve(EC2, "172.31.0.10", false)]);
    assert_eq!(from_on_prem(&stopped, "172.31.0.10"), "no machine at ec2");
    assert_eq!(from_on_prem(&stopped, "172.31.0.11"), "delivered at ec2");
    assert_eq!(from_on_prem(&fabric, "172.31.0.10"), "delivered at ec2");
}
