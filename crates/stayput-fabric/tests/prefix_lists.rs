//! Managed prefix lists in Transit Gateway and VPC route tables (AWS reference §1.2, §1.4, §3 item 1).

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use stayput_estate::PrefixListId;
use stayput_fabric::*;
use stayput_world::aws::*;

/// A list of this region with these entries.
fn list(setup: &mut Setup, region: &str, id: &str, entries: &[&str]) {
    let entries = entries.iter().map(|text| cidr(text)).collect();
    let lists = &mut setup.aws(region).prefix_lists;
    lists.insert(id.into(), PrefixList { entries });
}

/// Tokyo's table refers to a list.
fn refer(setup: &mut Setup, id: &str, target: TgwTarget) {
    let table = setup.tgw_table(T, "tgw-rtb-t");
    table.prefix_list_references.insert(id.into(), target);
}

fn at_tgw(trace: &Trace) -> Reason {
    let mut hops = trace.hops.iter();
    let hop = hops.find(|hop| matches!(hop.at, Node::Tgw { .. }));
    hop.unwrap().reason.clone()
}

fn dropping_v() -> Setup {
    let mut setup = Setup::new();
    list(&mut setup, T, "pl-1", &[V]);
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    setup
}

#[test]
fn an_entry_beats_an_equal_propagated_route_and_the_trace_says_so() {
    let mut setup = Setup::new();
    list(&mut setup, T, "pl-1", &[V, "192.0.2.0/24"]);
    refer(&mut setup, "pl-1", to("tgw-attach-peer"));
    let trace = setup.fabric().trace(&via("tokyo"), ip(WEB));
    let Reason::TgwRoute {
        prefix,
        origin,
        list,
        attachment,
        over,
        ..
    } = at_tgw(&trace)
    else {
        panic!("{trace}");
    };
    assert_eq!((prefix, origin), (cidr(V), Origin::PrefixList));
    assert_eq!(list, Some("pl-1".into()));
    assert_eq!(attachment.as_str(), "tgw-attach-peer");
    assert_eq!(over[0].because, LossReason::UnderPrefixList);
    let text = trace.to_string();
    assert!(text.contains("of prefix list pl-1"), "{text}");
    assert!(
        text.contains("an entry of a prefix list comes first"),
        "{text}"
    );
}

#[test]
fn a_static_route_hides_an_equal_entry_until_it_is_deleted() {
    let setup = dropping_v();
    let covered = after(setup.fabric(), [tgw_t(V, Some(to("tgw-attach-ec2")))]);
    let trace = covered.trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "delivered at ec2");
    let Reason::TgwRoute { over, origin, .. } = at_tgw(&trace) else {
        panic!("{trace}");
    };
    assert_eq!(origin, Origin::Static);
    let because: Vec<_> = over.iter().map(|beaten| beaten.because).collect();
    assert_eq!(because, [LossReason::UnderStatic, LossReason::UnderStatic]);
    let uncovered = after(covered, [tgw_t(V, None)]);
    let trace = uncovered.trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "blackhole at tgw-t / tgw-rtb-t");
}

#[test]
fn no_deletion_of_a_static_route_takes_an_entry_away() {
    let fabric = after(dropping_v().fabric(), [tgw_t(V, None)]);
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    let Reason::TgwBlackhole {
        list, gone: None, ..
    } = at_tgw(&trace)
    else {
        panic!("{trace}");
    };
    assert_eq!(list, Some("pl-1".into()));
}

#[test]
fn the_inverse_of_a_static_route_over_an_entry_is_no_static_route() {
    let fabric = dropping_v().fabric();
    let write = tgw_t(V, Some(to("tgw-attach-ec2")));
    let inverse = fabric.inverse_of(&write).unwrap();
    assert_eq!(inverse, tgw_t(V, None));
    let there_and_back = after(fabric.clone(), [write, inverse]);
    for address in [WEB, DB, STAYS] {
        let before = fabric.verdict(&via("tokyo"), ip(address));
        assert_eq!(there_and_back.verdict(&via("tokyo"), ip(address)), before);
    }
}

#[test]
fn an_entry_whose_attachment_is_gone_drops() {
    let mut setup = Setup::new();
    list(&mut setup, T, "pl-1", &[P]);
    refer(&mut setup, "pl-1", to("tgw-attach-gone"));
    let trace = setup.fabric().trace(&via("tokyo"), ip(WEB));
    assert!(
        matches!(
            at_tgw(&trace),
            Reason::TgwBlackhole {
                gone: Some(_),
                list: Some(_),
                ..
            }
        ),
        "{trace}"
    );
}

#[test]
fn entries_are_announced_over_a_vpn_like_other_routes() {
    let mut setup = Setup::new();
    let behind_peer = "198.51.100.0/24";
    assert_eq!(
        ends(&setup.fabric(), &via("tokyo"), "198.51.100.9"),
        "no route at on-prem router"
    );
    list(&mut setup, T, "pl-1", &[behind_peer]);
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    assert_eq!(
        ends(&setup.fabric(), &via("tokyo"), "198.51.100.9"),
        "blackhole at tgw-t / tgw-rtb-t"
    );
}

#[test]
fn a_learned_route_that_only_an_entry_hides_is_still_there_beneath_it() {
    let mut setup = Setup::new();
    // As the snapshot shows it: Osaka's table has on-prem by a list and so cannot show what its VPN advertises.
    list(&mut setup, O, "pl-1", &[ON_PREM]);
    let table = setup.tgw_table(O, "tgw-rtb-o");
    table
        .prefix_list_references
        .insert("pl-1".into(), to("tgw-attach-peer"));
    table.learned_routes.clear();
    let fabric = setup.fabric();
    let trace = fabric.trace(&nc2(NC2_O), ip("10.0.0.10"));
    let Reason::TgwRoute { over, .. } = at_tgw(&trace) else {
        panic!("{trace}");
    };
    assert!(
        over.iter()
            .any(|beaten| beaten.because == LossReason::UnderPrefixList),
        "{trace}"
    );
}

#[test]
fn of_two_lists_with_one_entry_the_lower_id_counts() {
    let mut setup = Setup::new();
    list(&mut setup, T, "pl-2", &[P]);
    list(&mut setup, T, "pl-1", &[P]);
    refer(&mut setup, "pl-2", to("tgw-attach-ec2"));
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    assert_eq!(
        ends(&setup.fabric(), &via("tokyo"), WEB),
        "blackhole at tgw-t / tgw-rtb-t"
    );
}

#[test]
fn a_list_of_a_transit_gateway_whose_contents_are_unknown_is_noted() {
    let mut setup = Setup::new();
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    let trace = setup.fabric().trace(&via("tokyo"), ip(WEB));
    assert_eq!(
        trace.caveats,
        [Caveat::TgwPrefixList {
            table: "tgw-rtb-t".into(),
            list: "pl-1".into()
        }]
    );
}

#[test]
fn every_entry_counts_as_a_route_of_the_transit_gateway() {
    let mut setup = Setup::new();
    let before = setup.fabric().routes_of_tgw(&T.into(), &"tgw-t".into());
    list(&mut setup, T, "pl-1", &[P, V, "192.0.2.0/24"]);
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    let with_list = setup.fabric().routes_of_tgw(&T.into(), &"tgw-t".into());
    assert_eq!(with_list, before + 3);
    let written = after(setup.fabric(), [tgw_t(P, Some(TgwTarget::Blackhole))]);
    assert_eq!(
        written.routes_of_tgw(&T.into(), &"tgw-t".into()),
        before + 4
    );
}

#[test]
fn addresses_are_in_different_classes_where_an_entry_begins_and_ends() {
    let mut setup = Setup::new();
    let alike = setup.fabric().classes([ip(WEB), ip(WEB2)]).len();
    list(&mut setup, T, "pl-1", &["172.30.1.34/32"]);
    refer(&mut setup, "pl-1", TgwTarget::Blackhole);
    let apart = setup.fabric().classes([ip(WEB), ip(WEB2)]).len();
    assert_eq!((alike, apart), (1, 2));
}

// VPC route tables.

/// The EC2 VPC's table, without its written way to on-prem, routes on-prem by a list, and has a propagated route for it.
fn by_list(target: VpcRouteTarget) -> Setup {
    let mut setup = Setup::new();
    list(&mut setup, T, "pl-1", &[ON_PREM]);
    let table = setup.vpc_table(T, "rtb-ec2");
    table
        .routes
        .retain(|route| route.destination != RouteDestination::Cidr(cidr(ON_PREM)));
    let mut listed = route(ON_PREM, target);
    listed.destination = RouteDestination::PrefixList(PrefixListId::from("pl-1"));
    let mut propagated = route(ON_PREM, VpcRouteTarget::Gateway("nat-1".into()));
    propagated.propagated = true;
    table.routes.extend([propagated, listed]);
    setup
}

fn ec2_route(target: Option<VpcRouteTarget>) -> Change {
    Change::VpcRoute {
        region: T.into(),
        table: "rtb-ec2".into(),
        cidr: cidr(ON_PREM),
        target,
    }
}

#[test]
fn a_vpc_table_routes_by_a_list_and_that_beats_an_equal_propagated_route() {
    let setup = by_list(VpcRouteTarget::Tgw("tgw-t".into()));
    let trace = setup
        .fabric()
        .trace(&ec2_subnet("subnet-db"), ip("10.0.0.10"));
    assert!(trace.verdict.is_delivered(), "{trace}");
    assert!(trace.caveats.is_empty(), "{trace}");
    let Reason::VpcRoute { list, over, .. } = &trace.hops[0].reason else {
        panic!("{trace}");
    };
    assert_eq!(*list, Some("pl-1".into()));
    assert_eq!(over[0].because, LossReason::UnderPrefixList);
}

#[test]
fn a_written_vpc_route_hides_the_entry_of_a_list_until_deleted() {
    let setup = by_list(VpcRouteTarget::Tgw("tgw-t".into()));
    let fabric = setup.fabric();
    let write = ec2_route(Some(VpcRouteTarget::Gateway("igw-1".into())));
    let inverse = fabric.inverse_of(&write).unwrap();
    assert_eq!(inverse, ec2_route(None));
    let covered = after(fabric, [write]);
    let trace = covered.trace(&ec2_subnet("subnet-db"), ip("10.0.0.10"));
    assert!(
        matches!(trace.verdict, Verdict::LeavesByNat { .. }),
        "{trace}"
    );
    let Reason::VpcRoute { over, .. } = &trace.hops[0].reason else {
        panic!("{trace}");
    };
    assert_eq!(over[0].because, LossReason::UnderStatic);
    let uncovered = after(covered, [inverse]);
    let verdict = uncovered.verdict(&ec2_subnet("subnet-db"), ip("10.0.0.10"));
    assert!(verdict.is_delivered(), "{verdict}");
}

#[test]
fn no_entry_of_a_list_takes_the_place_of_local() {
    let mut setup = by_list(VpcRouteTarget::Gateway("nat-1".into()));
    list(&mut setup, T, "pl-1", &[V]);
    let verdict = setup.fabric().verdict(&ec2_subnet("subnet-db"), ip(WEB));
    assert!(verdict.is_delivered(), "{verdict}");
}
