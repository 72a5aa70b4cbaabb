//! AWS reference §2: what edges announce.

use stayput_estate::EdgeKind;
use stayput_fabric::*;

use crate::common::*;

#[test]
fn a_bgp_vpn_announces_static_routes_and_withdraws_deleted_ones() {
    let setup = Setup::new();
    let fabric = failed_over(&setup);
    let Reason::Announced {
        prefix, edge, over, ..
    } = fabric.trace(&Source::OnPrem, ip(WEB)).hops[0]
        .reason
        .clone()
    else {
        panic!("not announced");
    };
    assert_eq!((prefix, edge.as_str()), (cidr(P), "tokyo"));
    assert_eq!(over[0].because, LossReason::LessPreferred);
    // Without Tokyo's, Osaka's longer prefix draws the traffic.
    let fabric = after(fabric, [tgw_t(P, None)]);
    let Reason::Announced {
        prefix, edge, over, ..
    } = fabric.trace(&Source::OnPrem, ip(WEB)).hops[0]
        .reason
        .clone()
    else {
        panic!("not announced");
    };
    assert_eq!((prefix, edge.as_str()), (cidr(P), "osaka"));
    assert_eq!(over[0].because, LossReason::Shorter);
}

#[test]
fn a_vpn_does_not_announce_back_what_it_advertised() {
    let mut setup = Setup::new();
    setup.estate.on_prem = vec![cidr("10.0.0.0/24")];
    // 10.0.9.9 is in a prefix learned from on-prem, and nowhere: it must not be sent back and forth.
    assert_eq!(
        ends(&setup.fabric(), &via("tokyo"), "10.0.9.9"),
        "no route at on-prem router"
    );
}

#[test]
fn a_session_that_is_down_announces_nothing() {
    let mut setup = Setup::new();
    setup
        .aws(T)
        .vpns
        .get_mut(&"vpn-t".into())
        .unwrap()
        .tunnels_up = 0;
    let fabric = moved(&setup);
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(brief(&trace.verdict), "delivered at nc2-tokyo");
    assert_eq!(trace.hops[1].at, Node::Edge("osaka".into()));
    assert_eq!(
        ends(&fabric, &via("tokyo"), WEB),
        "no route at on-prem router"
    );
    let up = Change::Edge {
        edge: "tokyo".into(),
        up: true,
    };
    let trace = after(fabric, [up]).trace(&Source::OnPrem, ip(WEB));
    assert_eq!(trace.hops[1].at, Node::Edge("tokyo".into()));
}

#[test]
fn direct_connect_announces_its_allowed_prefixes_whatever_the_tables_hold() {
    let mut setup = Setup::new();
    setup.direct_connect(("dxgw-1", &[V]), ("dxgw-1", &["10.102.0.0/16"]));
    let fabric = setup.fabric();
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at ec2");
    // Nothing is withdrawn when the VPC goes: on-prem keeps sending into the hole.
    let fabric = after(fabric, [detach(T, "tgw-attach-ec2")]);
    assert_eq!(from_on_prem(&fabric, WEB), "no route at tgw-t / tgw-rtb-t");
    // Moving inside Tokyo needs no change there.
    assert_eq!(from_on_prem(&moved(&setup), WEB), "delivered at nc2-tokyo");
    assert_eq!(
        ends(&moved(&setup), &via("osaka"), WEB),
        "no route at on-prem router"
    );
}

#[test]
fn one_direct_connect_gateway_refuses_overlapping_prefixes_and_two_do_not() {
    let announce = |edge: &str, prefix: &str, present| Change::Announce {
        edge: edge.into(),
        cidr: cidr(prefix),
        present,
    };
    let mut setup = Setup::new();
    setup.direct_connect(("dxgw-1", &[P]), ("dxgw-1", &[]));
    let mut fabric = failed_over(&setup);
    for wider_or_narrower in [V, P, "172.30.1.0/25", "0.0.0.0/0"] {
        assert_eq!(
            fabric.try_apply(&announce("osaka", wider_or_narrower, true)),
            Err(Refused::AllowedPrefixOverlap {
                cidr: cidr(wider_or_narrower),
                other: cidr(P),
                edge: "tokyo".into(),
            })
        );
    }
    // Remove, then add: with an outage between.
    fabric.try_apply(&announce("tokyo", P, false)).unwrap();
    assert_eq!(from_on_prem(&fabric, WEB), "no route at on-prem router");
    fabric.try_apply(&announce("osaka", P, true)).unwrap();
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-osaka");

    let mut setup = Setup::new();
    setup.direct_connect(("dxgw-1", &[P]), ("dxgw-2", &[]));
    let mut fabric = setup.fabric();
    fabric.try_apply(&announce("osaka", V, true)).unwrap();
    let mut setup = Setup::new();
    setup.estate.on_prem.clear();
    assert!(matches!(
        setup.fabric().try_apply(&announce("tokyo", P, true)),
        Err(Refused::AnnouncesItsTable { .. })
    ));
}

#[test]
fn a_static_vpn_keeps_sending_when_its_tunnels_are_dead() {
    let mut setup = Setup::new();
    setup.edge("tokyo").kind = EdgeKind::StaticVpn {
        on_prem_routes: vec![cidr(P)],
    };
    let vpns = &mut setup.aws(T).vpns;
    let vpn = vpns.get_mut(&"vpn-t".into()).unwrap();
    vpn.static_routes_only = true;
    assert_eq!(from_on_prem(&setup.fabric(), WEB), "delivered at ec2");
    let vpns = &mut setup.aws(T).vpns;
    vpns.get_mut(&"vpn-t".into()).unwrap().tunnels_up = 0;
    assert_eq!(from_on_prem(&setup.fabric(), WEB), "no route at edge tokyo");
}

#[test]
fn requests_through_tokyo_and_replies_out_of_osaka_are_asymmetric() {
    let fabric = failed_over(&Setup::new());
    let trip = fabric.round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.works() && !trip.symmetric);
    assert!(trip.to_string().contains("another path than the request"));
    let trip = fabric.round_trip(&via("osaka"), ip(WEB));
    assert!(trip.works() && trip.symmetric);
}
