//! Random changes, and states that some of them lead to.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use stayput_fabric::*;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

use super::*;

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

pub const ADDRESSES: [&str; 10] = [
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

pub fn change() -> impl Strategy<Value = Change> {
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
pub fn state() -> impl Strategy<Value = Fabric> {
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

pub fn addresses() -> Vec<Ipv4Addr> {
    ADDRESSES.iter().map(|text| ip(text)).collect()
}
