//! AWS reference §1 to §4, rule by rule.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::*;
use stayput_estate::EdgeKind;
use stayput_estate::PrefixListId;
use stayput_estate::SubnetId;
use stayput_fabric::*;
use stayput_world::World;
use stayput_world::aws::*;

fn tgw_reason(trace: &Trace) -> Reason {
    trace
        .hops
        .iter()
        .find(|hop| matches!(hop.at, Node::Tgw { .. }))
        .unwrap()
        .reason
        .clone()
}

fn last_reason(trace: &Trace) -> &Reason {
    &trace.hops.last().unwrap().reason
}

// §1.1: associations, propagation, attachments.

#[test]
fn an_attachment_without_association_drops_what_comes_in() {
    let mut setup = Setup::new();
    setup.attachment(O, "tgw-attach-peer").association = None;
    let table = setup.tgw_table(O, "tgw-rtb-o");
    table.associations.remove(&"tgw-attach-peer".into());
    let fabric = failed_over(&setup);
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "no route at tgw-o");
    assert_eq!(last_reason(&trace), &Reason::NotAssociated);
}

#[test]
fn the_table_of_the_ingress_attachment_decides_and_no_other() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    let mut spokes = aws.tgw_route_tables[&"tgw-rtb-t".into()].clone();
    spokes.propagations = BTreeSet::new();
    spokes.learned_routes.clear();
    spokes.static_routes = [(cidr(P), to("tgw-attach-ec2"))].into();
    aws.tgw_route_tables.insert("tgw-rtb-spokes".into(), spokes);
    setup.attachment(T, "tgw-attach-edge-t").association = Some("tgw-rtb-spokes".into());
    let fabric = setup.fabric();
    assert_eq!(ends(&fabric, &via("tokyo"), WEB), "delivered at ec2");
    // Tokyo only announces P from that table, so the rest of V is known behind Osaka.
    assert_eq!(
        ends(&fabric, &via("tokyo"), DB),
        "no route at on-prem router"
    );
    assert_eq!(ends(&fabric, &Source::OnPrem, DB), "delivered at ec2");
}

#[test]
fn a_vpc_teaches_its_cidrs_and_never_its_subnets() {
    let fabric = Setup::new().fabric();
    let reason = tgw_reason(&fabric.trace(&Source::OnPrem, ip(WEB)));
    let Reason::TgwRoute { prefix, origin, .. } = reason else {
        panic!("{reason}");
    };
    assert_eq!((prefix, origin), (cidr(V), Origin::Vpc));
}

#[test]
fn of_two_vpcs_with_one_cidr_only_the_first_attached_is_propagated() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    add_vpc(aws, "vpc-twin", V);
    add_subnet(aws, "subnet-twin", "vpc-twin", "172.30.1.0/24");
    attach_vpc(aws, "t", "twin", "vpc-twin", &["subnet-twin"]);
    let fabric = setup.fabric();
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(brief(&trace.verdict), "delivered at ec2");
    let Reason::TgwRoute { over, ways, .. } = tgw_reason(&trace) else {
        panic!("{trace}");
    };
    assert_eq!(ways, 1);
    assert_eq!(over[0].because, Because::AttachedLater);
}

#[test]
fn an_attachment_that_is_not_available_does_not_forward() {
    let mut setup = Setup::new();
    setup.attachment(T, "tgw-attach-peer").state = AttachmentState::PendingAcceptance;
    let fabric = failed_over(&setup);
    assert_eq!(
        ends(&fabric, &via("tokyo"), WEB),
        "blackhole at tgw-t / tgw-rtb-t"
    );
}

#[test]
fn a_machine_in_a_zone_without_attachment_subnet_cannot_answer() {
    let mut setup = Setup::new();
    let subnets = &mut setup.aws(T).subnets;
    subnets
        .get_mut(&SubnetId::from("subnet-web"))
        .unwrap()
        .availability_zone = "c".into();
    let trip = setup.fabric().round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.forward.verdict.is_delivered());
    let back = trip.back.unwrap();
    assert!(matches!(last_reason(&back), Reason::ZoneNotAttached { zone, .. } if zone == "c"));
}

// §1.2: ranking.

#[test]
fn a_static_route_hides_an_equal_propagated_one_which_comes_back_with_its_deletion() {
    let setup = Setup::new();
    let fabric = after(setup.fabric(), [tgw_t(V, Some(TgwTarget::Blackhole))]);
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "blackhole at tgw-t / tgw-rtb-t");
    assert!(matches!(
        last_reason(&trace),
        Reason::TgwBlackhole { over, gone: None, .. } if over[0].because == Because::UnderStatic
    ));
    let fabric = after(fabric, [tgw_t(V, None)]);
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at ec2");
}

#[test]
fn a_learned_route_that_static_ones_hide_everywhere_comes_back_too() {
    let mut setup = Setup::new();
    // As the snapshot shows it: the static route is there, the learned one is not.
    let table = setup.tgw_table(O, "tgw-rtb-o");
    table
        .static_routes
        .insert(cidr(ON_PREM), to("tgw-attach-peer"));
    table.learned_routes.clear();
    let fabric = after(failed_over(&setup), [tgw_o(ON_PREM, None)]);
    let trip = fabric.round_trip(&via("osaka"), ip(WEB));
    assert!(trip.works() && trip.symmetric, "{trip}");
}

#[test]
fn learned_routes_of_equal_length_rank_by_kind() {
    let mut setup = Setup::new();
    attach(
        setup.aws(T),
        "t",
        "tgw-attach-a-vpn",
        AttachmentKind::Vpn("vpn-other".into()),
    );
    let table = setup.tgw_table(T, "tgw-rtb-t");
    table
        .learned_routes
        .insert(cidr(V), BTreeSet::from(["tgw-attach-a-vpn".into()]));
    let trace = setup.fabric().trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "delivered at ec2");
    let Reason::TgwRoute { over, .. } = tgw_reason(&trace) else {
        panic!("{trace}");
    };
    assert_eq!(over[0].because, Because::LowerRank);
}

#[test]
fn what_a_private_vpn_teaches_comes_before_what_another_teaches() {
    let mut setup = Setup::new();
    let aws = setup.aws(O);
    let kind = AttachmentKind::Vpn("vpn-private".into());
    attach(aws, "o", "tgw-attach-private", kind);
    let private = Vpn {
        private: true,
        ..aws.vpns.values().next().unwrap().clone()
    };
    aws.vpns.insert("vpn-private".into(), private);
    let table = setup.tgw_table(O, "tgw-rtb-o");
    let on_prem = table.learned_routes.get_mut(&cidr(ON_PREM)).unwrap();
    on_prem.insert("tgw-attach-private".into());
    let trace = setup.fabric().trace(&nc2(NC2_O), ip("10.0.0.10"));
    let Reason::TgwRoute {
        origin, ways, over, ..
    } = tgw_reason(&trace)
    else {
        panic!("{trace}");
    };
    assert_eq!((origin, ways), (Origin::PrivateVpn, 1));
    assert_eq!(over[0].because, Because::LowerRank);
}

#[test]
fn equal_vpn_routes_are_all_followed_and_the_worst_counts() {
    let mut setup = Setup::new();
    attach(
        setup.aws(O),
        "o",
        "tgw-attach-stray",
        AttachmentKind::Vpn("vpn-stray".into()),
    );
    let table = setup.tgw_table(O, "tgw-rtb-o");
    let on_prem = table.learned_routes.get_mut(&cidr(ON_PREM)).unwrap();
    on_prem.insert("tgw-attach-stray".into());
    let trip = failed_over(&setup).round_trip(&via("osaka"), ip(WEB));
    let back = trip.back.unwrap();
    assert!(matches!(back.verdict, Verdict::Unmodelled { .. }), "{back}");
    assert!(back.to_string().contains("one of 2 ways"), "{back}");
    // Under the other reading the first alone is used.
    let one = Beliefs {
        equal_learned_routes_share: false,
        ..Beliefs::default()
    };
    let fabric = Fabric::with_beliefs(&setup.estate, &setup.world, one);
    let trace = fabric.trace(&nc2(NC2_O), ip("10.0.0.10"));
    assert!(trace.verdict.is_delivered(), "{trace}");
}

#[test]
fn a_winning_blackhole_does_not_fall_through_to_a_shorter_route() {
    let fabric = after(
        Setup::new().fabric(),
        [tgw_t(P, Some(TgwTarget::Blackhole))],
    );
    assert_eq!(
        ends(&fabric, &via("tokyo"), WEB),
        "blackhole at tgw-t / tgw-rtb-t"
    );
    assert_eq!(ends(&fabric, &via("tokyo"), DB), "delivered at ec2");
}

#[test]
fn a_static_route_to_an_attachment_that_never_was_drops() {
    let fabric = after(
        Setup::new().fabric(),
        [tgw_t(P, Some(to("tgw-attach-deleted")))],
    );
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert!(matches!(
        last_reason(&trace),
        Reason::TgwBlackhole { gone: Some(id), .. } if id.as_str() == "tgw-attach-deleted"
    ));
}

// §2: edges.

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
    assert_eq!(over[0].because, Because::LessPreferred);
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
    assert_eq!(over[0].because, Because::Shorter);
}

#[test]
fn a_vpn_does_not_announce_what_it_taught() {
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
    assert!(trip.to_string().contains("another way than the request"));
    let trip = fabric.round_trip(&via("osaka"), ip(WEB));
    assert!(trip.works() && trip.symmetric);
}

// §3: VPC routing.

#[test]
fn replies_without_a_way_to_on_prem_leave_by_the_nat_gateway() {
    let mut setup = Setup::new();
    let routes = &mut setup.vpc_table(T, "rtb-nc2t").routes;
    routes.retain(|route| route.destination != RouteDestination::Cidr(cidr(ON_PREM)));
    let fabric = moved(&setup);
    let trip = fabric.round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.forward.verdict.is_delivered() && !trip.works());
    assert_eq!(brief(&trip.back.unwrap().verdict), "leaves by nat-t");
    let remedy = Change::VpcRoute {
        region: T.into(),
        table: "rtb-nc2t".into(),
        cidr: cidr(ON_PREM),
        target: Some(VpcRouteTarget::Tgw("tgw-t".into())),
    };
    let trip = after(fabric, [remedy]).round_trip(&Source::OnPrem, ip(WEB));
    assert!(trip.works() && trip.symmetric);
}

#[test]
fn a_prefix_that_is_not_in_the_table_of_an_attachment_subnet_is_not_there() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    // The usual advice: a subnet of its own for the attachment, with a table of its own.
    add_subnet(aws, "subnet-attach", "vpc-nc2t", "10.101.9.0/28");
    add_table(
        aws,
        "rtb-attach",
        "vpc-nc2t",
        vec![route("0.0.0.0/0", VpcRouteTarget::Gateway("nat-t".into()))],
    );
    setup.vpc_table(T, "rtb-attach").subnets = BTreeSet::from(["subnet-attach".into()]);
    setup.attachment(T, "tgw-attach-nc2t").kind = AttachmentKind::Vpc {
        vpc: "vpc-nc2t".into(),
        subnets: BTreeSet::from(["subnet-attach".into()]),
    };
    assert_eq!(from_on_prem(&moved(&setup), WEB), "leaves by nat-t");
    // With two attachment subnets, each must do: which one a packet enters by is not ours to say.
    setup.attachment(T, "tgw-attach-nc2t").kind = AttachmentKind::Vpc {
        vpc: "vpc-nc2t".into(),
        subnets: BTreeSet::from(["subnet-attach".into(), "subnet-metal-t".into()]),
    };
    assert_eq!(from_on_prem(&moved(&setup), WEB), "leaves by nat-t");
    // Where NC2 writes the table today, it writes the next prefix too.
    let gateway = VpcRouteTarget::Eni("eni-gw-t".into());
    let db = "172.30.3.0/24";
    setup
        .vpc_table(T, "rtb-attach")
        .routes
        .push(route(db, gateway));
    let transit = setup.prism(NC2_T).vpcs.get_mut(&"flow-transit".into());
    transit.unwrap().erps.insert(cidr(db));
    assert_eq!(from_on_prem(&moved(&setup), WEB), "delivered at nc2-tokyo");
}

#[test]
fn hosts_of_the_ec2_vpc_cannot_be_steered_to_what_has_moved() {
    let setup = Setup::new();
    let mut fabric = moved(&setup);
    let stuck = "stuck at ec2, lives at nc2-tokyo";
    assert_eq!(ends(&fabric, &ec2_subnet("subnet-stays"), WEB), stuck);
    assert!(
        !fabric
            .verdict(&ec2_subnet("subnet-stays"), ip(WEB))
            .is_harmful()
    );
    for prefix in [V, P, "172.30.1.34/32"] {
        let refused = fabric.try_apply(&Change::VpcRoute {
            region: T.into(),
            table: "rtb-ec2".into(),
            cidr: cidr(prefix),
            target: Some(VpcRouteTarget::Tgw("tgw-t".into())),
        });
        assert!(matches!(refused, Err(Refused::LocalToVpc { .. })));
    }
}

#[test]
fn a_whole_subnet_may_be_routed_to_a_nat_gateway_but_not_out_to_the_internet() {
    let mut fabric = Setup::new().fabric();
    let mut write = |target: &str| {
        fabric.try_apply(&Change::VpcRoute {
            region: T.into(),
            table: "rtb-ec2".into(),
            cidr: cidr(P),
            target: Some(VpcRouteTarget::Gateway(target.into())),
        })
    };
    assert!(matches!(write("igw-1"), Err(Refused::LocalToVpc { .. })));
    assert!(write("nat-1").is_ok());
    assert!(write("vpce-1").is_ok());
}

#[test]
fn an_interface_that_is_gone_stopped_or_checks_destinations_is_dead() {
    let with = |bend: fn(&mut AwsRegion)| {
        let mut setup = Setup::new();
        let table = setup.vpc_table(T, "rtb-nc2t");
        table
            .routes
            .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
        for vpc in ["flow-transit", "flow-user"] {
            let vpcs = &mut setup.prism(NC2_T).vpcs;
            vpcs.get_mut(&vpc.into()).unwrap().erps.insert(cidr(P));
        }
        bend(setup.aws(T));
        let mut steps = machines(EC2, NC2_T);
        steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
        from_on_prem(&after(setup.fabric(), steps), WEB)
    };
    assert_eq!(with(|_| ()), "delivered at nc2-tokyo");
    assert_eq!(
        with(|aws| {
            aws.enis.remove(&"eni-gw-t".into());
        }),
        "dead eni-gw-t: Missing"
    );
    assert_eq!(
        with(|aws| {
            aws.instances.get_mut(&"i-host-t".into()).unwrap().state = InstanceState::Stopped;
        }),
        "dead eni-gw-t: InstanceDown"
    );
    let detached = |aws: &mut AwsRegion| {
        aws.enis.get_mut(&"eni-gw-t".into()).unwrap().in_use = false;
    };
    assert_eq!(with(detached), "dead eni-gw-t: Detached");
    let checks = |aws: &mut AwsRegion| {
        let eni = aws.enis.get_mut(&"eni-gw-t".into()).unwrap();
        eni.source_dest_check = true;
    };
    assert_eq!(with(checks), "dead eni-gw-t: SourceDestCheck");
}

#[test]
fn a_vpc_peering_carries_its_own_two_vpcs_and_nothing_through_them() {
    let mut setup = Setup::new();
    for (region, table, other) in [
        (T, "rtb-nc2t", "10.102.0.0/16"),
        (O, "rtb-nc2o", "10.101.0.0/16"),
    ] {
        let routes = &mut setup.vpc_table(region, table).routes;
        routes.retain(|route| route.destination != RouteDestination::Cidr(cidr(other)));
        routes.push(route(other, VpcRouteTarget::Peering("pcx-1".into())));
    }
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route(P, VpcRouteTarget::Peering("pcx-1".into())));
    let mut steps = machines(EC2, NC2_O);
    steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
    let fabric = after(setup.fabric(), steps);
    let trip = fabric.round_trip(&nc2(NC2_T), ip("10.102.1.10"));
    assert!(trip.works() && trip.symmetric, "{trip}");
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert!(matches!(last_reason(&trace), Reason::PeeringRefuses { .. }));
}

#[test]
fn a_prefix_list_whose_contents_are_unknown_is_noted() {
    let mut setup = Setup::new();
    let mut listed = route("10.9.0.0/16", VpcRouteTarget::Tgw("tgw-t".into()));
    listed.destination = RouteDestination::PrefixList(PrefixListId::from("pl-1"));
    setup.vpc_table(T, "rtb-ec2").routes.push(listed);
    let trace = setup.fabric().trace(&Source::OnPrem, ip(WEB));
    assert_eq!(
        trace.caveats,
        [Caveat::PrefixList {
            table: "rtb-ec2".into(),
            list: "pl-1".into()
        }]
    );
}

// §4: the overlay.

#[test]
fn a_prefix_missing_on_either_flow_vpc_stops_at_the_transit_vpc() {
    let setup = Setup::new();
    let without_user = after(moved(&setup), [erp(NC2_T, ErpScope::UserVpc, P, false)]);
    let trace = without_user.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(
        brief(&trace.verdict),
        "no route at transit VPC of nc2-tokyo"
    );
    assert_eq!(
        last_reason(&trace),
        &Reason::NoUserPrefix { prefix: cidr(P) }
    );
    // The route NC2 wrote outlives the prefix only in a snapshot that says so.
    let mut setup = Setup::new();
    let table = setup.vpc_table(T, "rtb-nc2t");
    table
        .routes
        .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
    let fabric = after(setup.fabric(), [tgw_t(P, Some(to("tgw-attach-nc2t")))]);
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(last_reason(&trace), &Reason::NoTransitPrefix);
}

#[test]
fn without_a_no_nat_uplink_a_prefix_is_not_routable_and_replies_lose_their_address() {
    let mut setup = Setup::new();
    let user = setup.prism(NC2_T).vpcs.get_mut(&"flow-user".into());
    user.unwrap().external_subnets = BTreeSet::from(["uplink-nat".into()]);
    let fabric = moved(&setup);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "no route at transit VPC of nc2-tokyo"
    );
    assert_eq!(
        ends(&fabric, &overlay(NC2_T, "web"), "10.0.0.10"),
        "leaves by NAT uplink"
    );
}

#[test]
fn the_prefix_steers_the_nc2_vpc_itself_at_once_and_stays_behind_after_a_failover() {
    let setup = Setup::new();
    let fabric = after(
        setup.fabric(),
        [
            erp(NC2_T, ErpScope::UserVpc, P, true),
            erp(NC2_T, ErpScope::TransitVpc, P, true),
        ],
    );
    assert_eq!(
        ends(&fabric, &nc2(NC2_T), WEB),
        "wrong site nc2-tokyo, lives at ec2"
    );
    let stale = after(
        failed_over(&setup),
        [erp(NC2_T, ErpScope::TransitVpc, P, true)],
    );
    assert_eq!(
        ends(&stale, &nc2(NC2_T), WEB),
        "wrong site nc2-tokyo, lives at nc2-osaka"
    );
}

#[test]
fn a_machine_on_a_pool_address_answers_for_that_address_only() {
    let mut setup = Setup::new();
    let vms = &mut setup.prism(NC2_T).vms;
    let vm = vms.get_mut(&"vm-web".into()).unwrap();
    vm.power = stayput_world::prism::PowerState::On;
    vm.nics[0].address = Some(ip("172.30.1.200"));
    for vpc in ["flow-transit", "flow-user"] {
        let vpcs = &mut setup.prism(NC2_T).vpcs;
        vpcs.get_mut(&vpc.into()).unwrap().erps.insert(cidr(P));
    }
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route(P, VpcRouteTarget::Eni("eni-gw-t".into())));
    let fabric = after(
        setup.fabric(),
        [
            serve(EC2, WEB, false),
            tgw_t(P, Some(to("tgw-attach-nc2t"))),
        ],
    );
    assert_eq!(
        from_on_prem(&fabric, "172.30.1.200"),
        "delivered at nc2-tokyo"
    );
    assert_eq!(from_on_prem(&fabric, WEB), "no machine at nc2-tokyo");
    assert!(fabric.is_populated(&overlay(NC2_T, "web")));
    assert!(!fabric.is_populated(&overlay(NC2_O, "web")));
}

#[test]
fn an_overlay_subnet_that_is_yet_to_be_made_can_be_a_change() {
    let mut setup = Setup::new();
    setup.prism(NC2_T).subnets.remove(&"overlay-web".into());
    let fabric = moved(&setup);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "no route at Flow VPC user-vpc of nc2-tokyo"
    );
    let subnet = Change::Subnet {
        site: NC2_T.into(),
        cidr: cidr(P),
        name: "web".into(),
        present: true,
    };
    let fabric = after(fabric, [subnet]);
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
}

// What is missing shows.

#[test]
fn an_empty_world_gives_verdicts_and_no_failure() {
    let setup = Setup::new();
    let fabric = Fabric::new(&setup.estate, &World::default());
    for source in [
        Source::OnPrem,
        via("tokyo"),
        via("nowhere"),
        ec2_subnet("subnet-web"),
        nc2(NC2_T),
        overlay(NC2_T, "web"),
        Source::Spoke {
            vpc: "vpc-x".into(),
        },
        Source::Machine {
            place: Place::Site(NC2_T.into()),
            address: ip(WEB),
        },
    ] {
        let trip = fabric.round_trip(&source, ip(WEB));
        assert!(!trip.works());
        assert!(!trip.to_string().is_empty());
    }
    assert!(fabric.addresses_of_interest().is_empty());
}

#[test]
fn the_sources_are_all_there_and_each_can_be_traced() {
    let mut setup = Setup::new();
    let aws = setup.aws(T);
    add_vpc(aws, "vpc-spoke", "10.50.0.0/16");
    add_subnet(aws, "subnet-spoke", "vpc-spoke", "10.50.1.0/24");
    add_table(
        aws,
        "rtb-spoke",
        "vpc-spoke",
        vec![route("0.0.0.0/0", VpcRouteTarget::Tgw("tgw-t".into()))],
    );
    attach_vpc(aws, "t", "spoke", "vpc-spoke", &["subnet-spoke"]);
    let fabric = setup.fabric();
    let names: Vec<_> = fabric.sources().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "on-prem",
            "on-prem through osaka",
            "on-prem through tokyo",
            "EC2 subnet subnet-db",
            "EC2 subnet subnet-stays",
            "EC2 subnet subnet-tgw",
            "EC2 subnet subnet-web",
            "NC2 VPC of nc2-osaka",
            "NC2 VPC of nc2-tokyo",
            "overlay db at nc2-osaka",
            "overlay web at nc2-osaka",
            "overlay db at nc2-tokyo",
            "overlay web at nc2-tokyo",
            "VPC vpc-spoke",
        ]
    );
    let spoke = Source::Spoke {
        vpc: "vpc-spoke".into(),
    };
    let trip = fabric.round_trip(&spoke, ip(STAYS));
    assert!(trip.forward.verdict.is_delivered());
    assert_eq!(brief(&trip.back.unwrap().verdict), "leaves by igw-ec2");
}

#[test]
fn a_trace_reads_as_a_person_would_say_it() {
    let trip = failed_over(&Setup::new()).round_trip(&Source::OnPrem, ip(WEB));
    assert_eq!(
        trip.to_string(),
        "\
on-prem → 172.30.1.34: delivered at nc2-osaka to VM web
  on-prem router                  172.30.1.0/24 → tokyo, announced from tgw-rtb-t; beats 172.30.1.0/24 → osaka: less preferred
  edge tokyo                      into tgw-t by tgw-attach-edge-t
  tgw-t / tgw-rtb-t               172.30.1.0/24 → tgw-attach-peer (peering to tgw-o in ap-northeast-3), static; beats 172.30.0.0/16 → VPC vpc-ec2 of ec2: shorter prefix
  tgw-o / tgw-rtb-o               172.30.1.0/24 → tgw-attach-nc2o (VPC vpc-nc2o of nc2-osaka), static; beats 172.30.0.0/16 → peering to tgw-t in ap-northeast-1: shorter prefix
  vpc-nc2o / rtb-nc2o             172.30.1.0/24 → eni-gw-o; beats 0.0.0.0/0 → nat-o: shorter prefix
  transit VPC of nc2-osaka        172.30.1.0/24 is externally routable → user-vpc
  Flow VPC user-vpc of nc2-osaka  172.30.1.0/24 is overlay subnet web
  VM web at nc2-osaka             answers
reply: 172.30.1.34 at nc2-osaka → 10.0.0.10: delivered at on-prem to on-prem host
  overlay 172.30.1.0/24 of nc2-osaka  to the default gateway
  Flow VPC user-vpc of nc2-osaka      out by the no-NAT uplink
  transit VPC of nc2-osaka            out into the AWS VPC by eni-gw-o
  vpc-nc2o / rtb-nc2o                 10.0.0.0/16 → tgw-o; beats 0.0.0.0/0 → nat-o: shorter prefix
  tgw-o / tgw-rtb-o                   10.0.0.0/16 → tgw-attach-edge-o (VPN vpn-o), learned by VPN
  edge osaka                          out to on-prem
  on-prem router                      10.0.0.0/16 is here
  on-prem host at on-prem             answers
the reply takes another way than the request"
    );
    let json = serde_json::to_string(&trip).unwrap();
    assert_eq!(serde_json::from_str::<RoundTrip>(&json).unwrap(), trip);
}

#[test]
fn a_refused_change_changes_nothing() {
    let setup = Setup::new();
    let mut fabric = setup.fabric();
    let before = fabric.trace(&Source::OnPrem, ip(WEB));
    let wrong_side = tgw_t(P, Some(to("tgw-attach-nc2o")));
    // Osaka's attachment is not in Tokyo at all: such a route would be a blackhole, so it is one here.
    fabric.try_apply(&wrong_side).unwrap();
    assert_eq!(from_on_prem(&fabric, WEB), "blackhole at tgw-t / tgw-rtb-t");
    fabric.apply(&tgw_t(P, None));
    let unknown = tgw_route(T, "tgw-rtb-x", P, None);
    assert!(matches!(
        fabric.try_apply(&unknown),
        Err(Refused::NotObserved { what }) if what == "tgw-rtb-x"
    ));
    assert!(fabric.inverse_of(&unknown).is_err());
    assert_eq!(fabric.trace(&Source::OnPrem, ip(WEB)), before);
}
