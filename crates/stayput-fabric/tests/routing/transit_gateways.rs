//! AWS reference §1: associations, propagation, ranking.

use std::collections::BTreeSet;

use stayput_estate::SubnetId;
use stayput_fabric::*;
use stayput_world::aws::*;

use crate::common::*;
use crate::last_reason;
use crate::tgw_reason;

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
fn a_vpc_advertises_its_cidrs_and_never_its_subnets() {
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
    assert_eq!(over[0].because, LossReason::AttachedLater);
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
fn a_static_route_hides_an_equal_propagated_one_until_it_is_deleted() {
    let setup = Setup::new();
    let fabric = after(setup.fabric(), [tgw_t(V, Some(TgwTarget::Blackhole))]);
    let trace = fabric.trace(&via("tokyo"), ip(WEB));
    assert_eq!(brief(&trace.verdict), "blackhole at tgw-t / tgw-rtb-t");
    assert!(matches!(
        last_reason(&trace),
        Reason::TgwBlackhole { over, gone: None, .. } if over[0].because == LossReason::UnderStatic
    ));
    let fabric = after(fabric, [tgw_t(V, None)]);
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at ec2");
}

#[test]
fn a_learned_route_that_static_ones_hide_everywhere_returns_too() {
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
    assert_eq!(over[0].because, LossReason::LowerRank);
}

#[test]
fn routes_of_a_private_vpn_rank_before_those_of_another() {
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
    assert_eq!(over[0].because, LossReason::LowerRank);
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
    let one = Assumptions {
        equal_learned_routes_share: false,
        ..Assumptions::default()
    };
    let fabric = Fabric::with_assumptions(&setup.estate, &setup.world, one);
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
fn a_static_route_to_an_attachment_that_never_existed_drops() {
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
