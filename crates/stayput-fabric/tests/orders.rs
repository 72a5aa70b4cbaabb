//! Every case of AWS reference §8, right orders and wrong ones, with the verdict each predicts.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use stayput_fabric::*;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

/// What on-prem sees of P after each change, starting before the first.
fn seen(mut fabric: Fabric, from: &Source, changes: Vec<Change>) -> Vec<String> {
    let mut seen = vec![ends(&fabric, from, WEB)];
    for change in changes {
        fabric.try_apply(&change).unwrap();
        seen.push(ends(&fabric, from, WEB));
    }
    seen
}

// §8.1: what breaks in the article's order.

#[test]
fn detaching_the_ec2_vpc_first_takes_every_other_subnet_with_it() {
    let setup = Setup::new();
    let mut fabric = setup.fabric();
    assert_eq!(from_on_prem(&fabric, STAYS), "delivered at ec2");
    fabric.apply(&detach(T, "tgw-attach-ec2"));
    // Tokyo no longer announces V; Osaka still does, and sends it to Tokyo, where nothing is left.
    assert_eq!(
        from_on_prem(&fabric, STAYS),
        "no route at tgw-t / tgw-rtb-t"
    );
    assert_eq!(from_on_prem(&fabric, WEB), "no route at tgw-t / tgw-rtb-t");
    // The static route of the article's next step helps P, but never the subnet that stays.
    let fabric = after(
        fabric,
        [
            erp(NC2_T, ErpScope::UserVpc, P, true),
            erp(NC2_T, ErpScope::TransitVpc, P, true),
            tgw_t(P, Some(to("tgw-attach-nc2t"))),
        ],
    );
    assert_eq!(
        from_on_prem(&fabric, STAYS),
        "no route at tgw-t / tgw-rtb-t"
    );
    assert_eq!(
        ends(&fabric, &ec2_subnet("subnet-stays"), "10.0.0.10"),
        "blackhole at vpc-ec2 / rtb-ec2"
    );
}

#[test]
fn a_static_route_to_a_detached_vpc_becomes_a_blackhole_that_beats_shorter_routes() {
    let mut setup = Setup::new();
    setup
        .tgw_table(T, "tgw-rtb-t")
        .static_routes
        .insert(cidr("172.30.2.0/24"), to("tgw-attach-ec2"));
    let fabric = after(setup.fabric(), [detach(T, "tgw-attach-ec2")]);
    assert_eq!(
        from_on_prem(&fabric, STAYS),
        "blackhole at tgw-t / tgw-rtb-t"
    );
}

#[test]
fn between_detach_and_static_a_default_route_captures_the_network() {
    let mut setup = Setup::new();
    setup
        .tgw_table(T, "tgw-rtb-t")
        .static_routes
        .insert(cidr("0.0.0.0/0"), to("tgw-attach-nc2t"));
    let fabric = after(setup.fabric(), [detach(T, "tgw-attach-ec2")]);
    assert_eq!(from_on_prem(&fabric, WEB), "leaves by nat-t");
    // Where the VPC behind the default route sends all of it back, it is a loop.
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route("172.16.0.0/12", VpcRouteTarget::Tgw("tgw-t".into())));
    let fabric = after(setup.fabric(), [detach(T, "tgw-attach-ec2")]);
    assert!(matches!(
        fabric.verdict(&Source::OnPrem, ip(WEB)),
        Verdict::Loop { .. }
    ));
}

#[test]
fn attaching_the_vpc_again_does_not_repair_a_route_to_the_old_attachment() {
    let mut setup = Setup::new();
    let table = setup.tgw_table(T, "tgw-rtb-t");
    table
        .static_routes
        .insert(cidr("172.30.2.0/24"), to("tgw-attach-before"));
    let fabric = setup.fabric();
    // The new attachment propagates the VPC; the old static route is longer, and drops.
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at ec2");
    assert_eq!(
        from_on_prem(&fabric, STAYS),
        "blackhole at tgw-t / tgw-rtb-t"
    );
}

#[test]
fn detaching_is_unnecessary_because_the_longer_static_route_wins() {
    let fabric = moved(&Setup::new());
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(brief(&trace.verdict), "delivered at nc2-tokyo");
    let at_tgw = trace
        .hops
        .iter()
        .find_map(|hop| match &hop.reason {
            Reason::TgwRoute {
                prefix,
                origin,
                over,
                ..
            } => Some((*prefix, *origin, over.clone())),
            _ => None,
        })
        .unwrap();
    assert_eq!((at_tgw.0, at_tgw.1), (cidr(P), Origin::Static));
    assert_eq!(
        at_tgw.2,
        [LosingRoute {
            prefix: cidr(V),
            toward: NextHop::Vpc {
                vpc: "vpc-ec2".into(),
                site: Some("ec2".into()),
            },
            because: LossReason::Shorter
        }]
    );
    assert_eq!(from_on_prem(&fabric, STAYS), "delivered at ec2");
    assert_eq!(from_on_prem(&fabric, BALANCER), "delivered at ec2");
}

// §8.2: cutover of a subnet.

#[test]
fn the_cutover_is_down_only_between_stopping_the_source_and_the_route() {
    let setup = Setup::new();
    let mut steps = vec![erp(NC2_T, ErpScope::UserVpc, P, true)];
    steps.push(serve(EC2, WEB, false));
    steps.push(erp(NC2_T, ErpScope::TransitVpc, P, true));
    steps.push(serve(NC2_T, WEB, true));
    steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
    assert_eq!(
        seen(setup.fabric(), &Source::OnPrem, steps),
        [
            "delivered at ec2",
            "delivered at ec2",
            "no machine at ec2",
            "no machine at ec2",
            "wrong site ec2, machine at nc2-tokyo",
            "delivered at nc2-tokyo",
        ]
    );
}

#[test]
fn the_route_before_the_prefix_loses_packets_through_the_nat_gateway() {
    let setup = Setup::new();
    let mut steps = machines(EC2, NC2_T);
    steps.push(erp(NC2_T, ErpScope::UserVpc, P, true));
    steps.push(tgw_t(P, Some(to("tgw-attach-nc2t"))));
    let fabric = after(setup.fabric(), steps);
    assert_eq!(from_on_prem(&fabric, WEB), "leaves by nat-t");
}

#[test]
fn the_route_before_the_prefix_loops_when_an_aggregate_covers_it() {
    let mut setup = Setup::new();
    setup
        .vpc_table(T, "rtb-nc2t")
        .routes
        .push(route("172.16.0.0/12", VpcRouteTarget::Tgw("tgw-t".into())));
    let fabric = after(setup.fabric(), [tgw_t(P, Some(to("tgw-attach-nc2t")))]);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "loop tgw-t / tgw-rtb-t, vpc-nc2t / rtb-nc2t"
    );
    assert!(fabric.verdict(&Source::OnPrem, ip(WEB)).is_harmful());
    // With the prefix there, the aggregate does no harm.
    let mut steps = vec![
        erp(NC2_T, ErpScope::UserVpc, P, true),
        erp(NC2_T, ErpScope::TransitVpc, P, true),
    ];
    steps.extend(machines(EC2, NC2_T));
    assert_eq!(
        from_on_prem(&after(fabric, steps), WEB),
        "delivered at nc2-tokyo"
    );
}

#[test]
fn the_route_before_the_stop_cuts_on_prem_from_a_source_that_still_runs() {
    let setup = Setup::new();
    let steps = [
        erp(NC2_T, ErpScope::UserVpc, P, true),
        erp(NC2_T, ErpScope::TransitVpc, P, true),
        tgw_t(P, Some(to("tgw-attach-nc2t"))),
    ];
    let fabric = after(setup.fabric(), steps);
    assert_eq!(
        from_on_prem(&fabric, WEB),
        "wrong site nc2-tokyo, machine at ec2"
    );
    assert!(fabric.verdict(&Source::OnPrem, ip(WEB)).is_harmful());
}

#[test]
fn starting_the_target_before_stopping_the_source_serves_an_address_twice() {
    let setup = Setup::new();
    let fabric = after(setup.fabric(), [serve(NC2_T, WEB, true)]);
    let twice = fabric.served_twice();
    assert_eq!(twice.keys().copied().collect::<Vec<_>>(), [ip(WEB)]);
    assert_eq!(
        twice[&ip(WEB)]
            .iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>(),
        [EC2, NC2_T]
    );
    assert!(moved(&setup).served_twice().is_empty());
}

#[test]
fn rolling_back_the_cutover_uncovers_the_propagated_route() {
    let setup = Setup::new();
    let mut steps = vec![tgw_t(P, None), erp(NC2_T, ErpScope::TransitVpc, P, false)];
    steps.extend(machines(NC2_T, EC2));
    assert_eq!(
        from_on_prem(&after(moved(&setup), steps), WEB),
        "delivered at ec2"
    );
}

// §8.3: single machines before the subnet.

#[test]
fn a_host_route_moves_one_machine_for_those_behind_the_transit_gateway_only() {
    let setup = Setup::new();
    let fabric = after(
        setup.fabric(),
        [
            erp(NC2_T, ErpScope::UserVpc, P, true),
            erp(NC2_T, ErpScope::TransitVpc, P, true),
            serve(EC2, WEB, false),
            serve(NC2_T, WEB, true),
            tgw_t("172.30.1.34/32", Some(to("tgw-attach-nc2t"))),
        ],
    );
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
    assert_eq!(from_on_prem(&fabric, WEB2), "delivered at ec2");
    // Neighbours fail both ways, and no route could help.
    let local = "local at ec2, machine at nc2-tokyo";
    assert_eq!(ends(&fabric, &ec2_subnet("subnet-web"), WEB), local);
    assert_eq!(ends(&fabric, &ec2_subnet("subnet-stays"), WEB), local);
    assert_eq!(
        ends(&fabric, &overlay(NC2_T, "web"), WEB2),
        "local at nc2-tokyo, machine at ec2"
    );
    // The NC2 VPC's own hosts cannot reach what has not moved.
    assert_eq!(
        ends(&fabric, &nc2(NC2_T), WEB2),
        "wrong site nc2-tokyo, machine at ec2"
    );
}

#[test]
fn the_subnet_route_replaces_host_routes_without_a_gap() {
    let setup = Setup::new();
    let host = "172.30.1.34/32";
    let mut fabric = after(moved(&setup), [tgw_t(host, Some(to("tgw-attach-nc2t")))]);
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
    fabric.apply(&tgw_t(host, None));
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
}

#[test]
fn a_leftover_host_route_overrides_a_later_failover() {
    let setup = Setup::new();
    let fabric = after(
        failed_over(&setup),
        [tgw_t("172.30.1.34/32", Some(to("tgw-attach-nc2t")))],
    );
    // The prefix is gone from Tokyo, so the packet falls to the NAT gateway there.
    assert_eq!(from_on_prem(&fabric, WEB), "leaves by nat-t");
    assert_eq!(from_on_prem(&fabric, WEB2), "delivered at nc2-osaka");
    let with_prefix = after(fabric, [erp(NC2_T, ErpScope::TransitVpc, P, true)]);
    assert_eq!(
        from_on_prem(&with_prefix, WEB),
        "wrong site nc2-tokyo, machine at nc2-osaka"
    );
}

// §8.4: failover.

fn failover_routes() -> [Change; 2] {
    [
        tgw_o(P, Some(to("tgw-attach-nc2o"))),
        tgw_t(P, Some(to("tgw-attach-peer"))),
    ]
}

/// Machines on in Osaka, prefixes there set, no route changed yet.
fn recovered(setup: &Setup) -> Fabric {
    let mut steps = vec![erp(NC2_O, ErpScope::UserVpc, P, true)];
    steps.extend(machines(NC2_T, NC2_O));
    steps.push(erp(NC2_O, ErpScope::TransitVpc, P, true));
    after(moved(setup), steps)
}

#[test]
fn failover_nearest_table_first_never_loops() {
    let setup = Setup::new();
    let waits = "wrong site nc2-tokyo, machine at nc2-osaka";
    assert_eq!(
        seen(recovered(&setup), &via("tokyo"), failover_routes().to_vec()),
        [waits, waits, "delivered at nc2-osaka"]
    );
    assert_eq!(
        seen(recovered(&setup), &via("osaka"), failover_routes().to_vec()),
        [waits, "delivered at nc2-osaka", "delivered at nc2-osaka"]
    );
}

#[test]
fn failover_source_table_first_loops_between_the_regions() {
    let setup = Setup::new();
    let [osaka, tokyo] = failover_routes();
    let fabric = after(recovered(&setup), [tokyo]);
    let looped = "loop tgw-t / tgw-rtb-t, tgw-o / tgw-rtb-o";
    assert_eq!(ends(&fabric, &via("tokyo"), WEB), looped);
    assert_eq!(
        from_on_prem(&after(fabric, [osaka]), WEB),
        "delivered at nc2-osaka"
    );
}

#[test]
fn failover_source_table_first_is_a_drop_when_osaka_has_no_cover() {
    let mut setup = Setup::new();
    setup
        .tgw_table(O, "tgw-rtb-o")
        .static_routes
        .remove(&cidr(V));
    let fabric = after(recovered(&setup), [tgw_t(P, Some(to("tgw-attach-peer")))]);
    assert_eq!(
        ends(&fabric, &via("tokyo"), WEB),
        "no route at tgw-o / tgw-rtb-o"
    );
}

#[test]
fn routing_osaka_before_the_machines_are_there_is_wrong_for_osaka_only() {
    let setup = Setup::new();
    let fabric = after(
        moved(&setup),
        [
            erp(NC2_O, ErpScope::UserVpc, P, true),
            erp(NC2_O, ErpScope::TransitVpc, P, true),
            tgw_o(P, Some(to("tgw-attach-nc2o"))),
        ],
    );
    assert_eq!(ends(&fabric, &via("tokyo"), WEB), "delivered at nc2-tokyo");
    assert_eq!(
        ends(&fabric, &via("osaka"), WEB),
        "wrong site nc2-osaka, machine at nc2-tokyo"
    );
}

#[test]
fn the_articles_slash_sixteen_in_osaka_captures_what_is_still_in_tokyo() {
    let setup = Setup::new();
    let fabric = after(
        recovered(&setup),
        [
            tgw_o(V, Some(to("tgw-attach-nc2o"))),
            tgw_t(P, Some(to("tgw-attach-peer"))),
        ],
    );
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-osaka");
    for address in [STAYS, BALANCER, DB] {
        assert_eq!(ends(&fabric, &via("osaka"), address), "leaves by nat-o");
        assert_eq!(
            ends(&failed_over(&setup), &via("osaka"), address),
            "delivered at ec2"
        );
    }
}

#[test]
fn fencing_by_blackhole_keeps_traffic_from_a_cluster_that_returns() {
    let setup = Setup::new();
    let fenced = after(moved(&setup), [tgw_t(P, Some(TgwTarget::Blackhole))]);
    assert_eq!(from_on_prem(&fenced, WEB), "blackhole at tgw-t / tgw-rtb-t");
    // Under the other reading of the open question, on-prem turns to Osaka's cover, which leads back into the fence.
    let silent = Assumptions {
        blackholes_are_announced: false,
        ..Assumptions::default()
    };
    let mut fabric = Fabric::with_assumptions(&setup.estate, &setup.world, silent);
    fabric.apply(&tgw_t(P, Some(TgwTarget::Blackhole)));
    fabric.apply(&Change::Propagation {
        region: T.into(),
        table: "tgw-rtb-t".into(),
        attachment: "tgw-attach-ec2".into(),
        enabled: false,
    });
    let trace = fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(brief(&trace.verdict), "blackhole at tgw-t / tgw-rtb-t");
    assert!(trace.path().contains(&&Node::Edge("osaka".into())));
}

#[test]
fn with_the_region_gone_osaka_alone_takes_over() {
    let setup = Setup::new();
    let lost = Change::Region {
        region: T.into(),
        up: false,
    };
    let mut steps = vec![lost, erp(NC2_O, ErpScope::UserVpc, P, true)];
    steps.extend([serve(NC2_T, WEB, false), serve(NC2_O, WEB, true)]);
    let fabric = after(moved(&setup), steps);
    // Osaka's cover takes over by itself, and leads into the dead region.
    assert_eq!(from_on_prem(&fabric, WEB), "ap-northeast-1 is down");
    let fabric = after(
        fabric,
        [
            erp(NC2_O, ErpScope::TransitVpc, P, true),
            tgw_o(P, Some(to("tgw-attach-nc2o"))),
        ],
    );
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-osaka");
    assert!(fabric.round_trip(&Source::OnPrem, ip(WEB)).works());
}

#[test]
fn a_return_route_over_the_peering_is_lost_with_tokyo() {
    let setup = Setup::new();
    let fabric = after(
        failed_over(&setup),
        [tgw_o(ON_PREM, Some(to("tgw-attach-peer")))],
    );
    let trip = fabric.round_trip(&via("tokyo"), ip(WEB));
    assert!(trip.works() && trip.symmetric, "{trip}");
    let lost = Change::Region {
        region: T.into(),
        up: false,
    };
    let fabric = after(fabric, [lost]);
    let trip = fabric.round_trip(&via("osaka"), ip(WEB));
    assert!(trip.forward.verdict.is_delivered());
    assert_eq!(brief(&trip.back.unwrap().verdict), "ap-northeast-1 is down");
    // Unpinning uncovers the route Osaka had learned all along.
    let fabric = after(fabric, [tgw_o(ON_PREM, None)]);
    let trip = fabric.round_trip(&via("osaka"), ip(WEB));
    assert!(trip.works() && trip.symmetric, "{trip}");
}

#[test]
fn two_halves_in_osaka_win_over_a_tokyo_that_returns_with_old_routes() {
    let setup = Setup::new();
    let mut steps = vec![
        erp(NC2_O, ErpScope::UserVpc, P, true),
        erp(NC2_O, ErpScope::TransitVpc, P, true),
    ];
    steps.extend(machines(NC2_T, NC2_O));
    steps.push(tgw_o(P, Some(to("tgw-attach-nc2o"))));
    let zombie = after(moved(&setup), steps);
    assert_eq!(
        from_on_prem(&zombie, WEB),
        "wrong site nc2-tokyo, machine at nc2-osaka"
    );
    let halves = ["172.30.1.0/25", "172.30.1.128/25"];
    let guarded = after(
        zombie,
        halves.map(|half| tgw_o(half, Some(to("tgw-attach-nc2o")))),
    );
    assert_eq!(from_on_prem(&guarded, WEB), "delivered at nc2-osaka");
}

// §8.5: failback.

/// Machines back on in Tokyo with the prefix set there, no route changed yet.
fn failing_back(setup: &Setup) -> Fabric {
    let mut steps = machines(NC2_O, NC2_T);
    steps.push(erp(NC2_T, ErpScope::TransitVpc, P, true));
    after(failed_over(setup), steps)
}

#[test]
fn failback_nearest_table_first_never_loops() {
    let setup = Setup::new();
    let steps = vec![
        tgw_t(P, Some(to("tgw-attach-nc2t"))),
        tgw_o(P, Some(to("tgw-attach-peer"))),
        erp(NC2_O, ErpScope::TransitVpc, P, false),
    ];
    let waits = "wrong site nc2-osaka, machine at nc2-tokyo";
    let home = "delivered at nc2-tokyo";
    assert_eq!(
        seen(failing_back(&setup), &via("tokyo"), steps.clone()),
        [waits, home, home, home]
    );
    assert_eq!(
        seen(failing_back(&setup), &via("osaka"), steps),
        [waits, waits, home, home]
    );
}

#[test]
fn failback_osaka_first_loops_whether_its_route_is_flipped_or_deleted() {
    let setup = Setup::new();
    for target in [Some(to("tgw-attach-peer")), None] {
        let fabric = after(failing_back(&setup), [tgw_o(P, target)]);
        let verdict = fabric.verdict(&via("osaka"), ip(WEB));
        assert!(matches!(verdict, Verdict::Loop { .. }), "{verdict}");
    }
}

// §8.6: test failover.

#[test]
fn a_test_failover_changes_no_path_of_any_packet() {
    let mut setup = Setup::new();
    let before = moved(&setup);
    let vms = &mut setup.prism(NC2_O).vms;
    let mut copy = vms[&stayput_estate::VmExtId::from("vm-web")].clone();
    copy.power = stayput_world::prism::PowerState::On;
    copy.nics[0].subnet = Some("test-web".into());
    vms.insert("vm-test-copy".into(), copy);
    let during = moved(&setup);
    for source in before.sources() {
        for address in before.addresses_of_interest() {
            assert_eq!(
                before.trace(&source, address),
                during.trace(&source, address)
            );
        }
    }
    assert!(during.served_twice().is_empty());
}

#[test]
fn the_home_of_a_network_is_where_on_prem_comes_to() {
    let setup = Setup::new();
    let network = setup.estate.networks[&stayput_estate::NetworkName::from("web")].clone();
    for (fabric, home) in [
        (setup.fabric(), EC2),
        (moved(&setup), NC2_T),
        (recovered(&setup), NC2_T),
        (failed_over(&setup), NC2_O),
        (failing_back(&setup), NC2_O),
    ] {
        assert_eq!(fabric.observed_home(&network), Home::Site(home.into()));
    }
    let canary = after(
        setup.fabric(),
        [
            erp(NC2_T, ErpScope::UserVpc, P, true),
            erp(NC2_T, ErpScope::TransitVpc, P, true),
            tgw_t("172.30.1.34/32", Some(to("tgw-attach-nc2t"))),
        ],
    );
    assert_eq!(
        canary.observed_home(&network),
        Home::Split([(EC2.into(), 1), (NC2_T.into(), 1)].into())
    );
}

#[test]
fn undoing_a_removed_prefix_leaves_the_route_a_person_deleted() {
    let without_route = Change::VpcRoute {
        region: T.into(),
        table: "rtb-nc2t".into(),
        cidr: cidr(P),
        target: None,
    };
    let fabric = after(moved(&Setup::new()), [without_route]);
    let removal = erp(NC2_T, ErpScope::TransitVpc, P, false);
    let inverse = fabric.inverse_of(&removal).unwrap();
    let undone = after(fabric.clone(), [removal, inverse]);
    let trace = |fabric: &Fabric| fabric.trace(&Source::OnPrem, ip(WEB));
    assert_eq!(trace(&undone), trace(&fabric));
}
