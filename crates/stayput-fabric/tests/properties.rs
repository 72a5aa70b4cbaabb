//! What holds for every topology and every change: classes are right, walks end, changes can be undone.

mod common;

use std::net::Ipv4Addr;

use common::*;
use proptest::prelude::*;
use stayput_fabric::*;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

/// Prefixes that nest, overlap and miss the networks.
const PREFIXES: [&str; 10] = [
    "0.0.0.0/0",
    "172.16.0.0/12",
    V,
    P,
    "172.30.1.0/25",
    "172.30.1.34/32",
    "172.30.3.0/24",
    "172.30.2.0/23",
    "10.102.0.0/16",
    ON_PREM,
];

const ADDRESSES: [&str; 10] = [
    WEB,
    WEB2,
    STAYS,
    BALANCER,
    DB,
    "172.30.1.200",
    "172.30.9.9",
    "10.101.2.10",
    "10.102.1.10",
    "10.0.0.10",
];

fn prefix() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&PREFIXES[..])
}

fn tgw_target(letter: &'static str) -> impl Strategy<Value = Option<TgwTarget>> {
    let attachment = move |name: &str| Some(to(&format!("tgw-attach-{name}")));
    let mut targets = vec![
        None,
        Some(TgwTarget::Blackhole),
        attachment("peer"),
        attachment(&format!("nc2{letter}")),
        attachment(&format!("edge-{letter}")),
        attachment("gone"),
    ];
    if letter == "t" {
        targets.push(attachment("ec2"));
    }
    prop::sample::select(targets)
}

fn change() -> impl Strategy<Value = Change> {
    let site = || prop::sample::select(vec![NC2_T, NC2_O]);
    let any_site = prop::sample::select(vec![EC2, NC2_T, NC2_O]);
    let region = || prop::sample::select(vec![(T, "t"), (O, "o")]);
    let erps = prop::sample::select(vec![P, "172.30.3.0/24", V]);
    let scope = prop::sample::select(vec![ErpScope::UserVpc, ErpScope::TransitVpc]);
    let attachment = |(region, letter): (&str, &str)| match region {
        T => vec![format!("nc2{letter}"), "ec2".to_owned(), "peer".to_owned()],
        _ => vec![format!("nc2{letter}"), "peer".to_owned()],
    };
    let attachments = move || {
        region()
            .prop_flat_map(move |at| (Just(at), prop::sample::select(attachment(at))))
            .prop_map(|((region, letter), name)| (region, letter, format!("tgw-attach-{name}")))
    };
    prop_oneof![
        4 => (prefix(), tgw_target("t")).prop_map(|(prefix, target)| tgw_t(prefix, target)),
        4 => (prefix(), tgw_target("o")).prop_map(|(prefix, target)| tgw_o(prefix, target)),
        3 => (site(), scope, erps, any::<bool>())
            .prop_map(|(site, scope, prefix, present)| erp(site, scope, prefix, present)),
        3 => (any_site, prop::sample::select(vec![WEB, WEB2, DB, "172.30.1.200"]), any::<bool>())
            .prop_map(|(site, address, serving)| serve(site, address, serving)),
        1 => (site(), any::<bool>()).prop_map(|(site, present)| Change::Subnet {
            site: site.into(),
            cidr: cidr(P),
            name: "web".into(),
            present,
        }),
        2 => (region(), prefix(), any::<bool>()).prop_map(|((region, letter), prefix, to_tgw)| {
            Change::VpcRoute {
                region: region.into(),
                table: format!("rtb-nc2{letter}").as_str().into(),
                cidr: cidr(prefix),
                target: to_tgw.then(|| VpcRouteTarget::Tgw(format!("tgw-{letter}").as_str().into())),
            }
        }),
        1 => (prop::sample::select(vec!["tokyo", "osaka"]), any::<bool>())
            .prop_map(|(edge, up)| Change::Edge { edge: edge.into(), up }),
        1 => (attachments(), any::<bool>()).prop_map(|((region, _, attachment), attached)| {
            Change::Attachment {
                region: region.into(),
                attachment: attachment.as_str().into(),
                attached,
            }
        }),
        1 => (attachments(), any::<bool>()).prop_map(|((region, letter, attachment), enabled)| {
            Change::Propagation {
                region: region.into(),
                table: format!("tgw-rtb-{letter}").as_str().into(),
                attachment: attachment.as_str().into(),
                enabled,
            }
        }),
        1 => (region(), any::<bool>()).prop_map(|((region, _), up)| Change::Region {
            region: region.into(),
            up,
        }),
    ]
}

/// Some state, reached by some changes from before or after the move.
fn state() -> impl Strategy<Value = Fabric> {
    (any::<bool>(), prop::collection::vec(change(), 0..8)).prop_map(|(is_moved, changes)| {
        let setup = Setup::new();
        let mut fabric = if is_moved {
            moved(&setup)
        } else {
            setup.fabric()
        };
        changes.iter().for_each(|change| fabric.apply(change));
        fabric
    })
}

fn addresses() -> Vec<Ipv4Addr> {
    ADDRESSES.iter().map(|text| ip(text)).collect()
}

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
    fn every_walk_ends_and_a_loop_names_a_circle(fabric in state()) {
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
fn ten_thousand_machines_are_a_handful_of_classes() {
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
