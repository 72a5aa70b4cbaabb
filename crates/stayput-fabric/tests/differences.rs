//! Cases in which the fabric and the lab once differed and the fabric was wrong, and assumptions that both make.

mod common;

use std::collections::BTreeSet;

use common::*;
use stayput_estate::*;
use stayput_fabric::*;
use stayput_world::aws::*;

const ON_PREM_HOST: &str = "10.0.0.10";

/// Where a packet of the EC2 VPC to on-prem ends.
fn to_on_prem(fabric: &Fabric) -> String {
    ends(fabric, &ec2_subnet("subnet-web"), ON_PREM_HOST)
}

fn session(edge: &str, up: bool) -> Change {
    Change::Edge {
        edge: edge.into(),
        up,
    }
}

#[test]
fn an_edge_that_propagated_nowhere_advertises_on_prem_prefixes_once_it_does() {
    let mut setup = Setup::new();
    let table = setup.tgw_table(T, "tgw-rtb-t");
    table.propagations.remove(&"tgw-attach-edge-t".into());
    table.learned_routes.clear();
    assert!(to_on_prem(&setup.fabric()).starts_with("no route"));
    let enabled = Change::Propagation {
        region: T.into(),
        table: "tgw-rtb-t".into(),
        attachment: "tgw-attach-edge-t".into(),
        enabled: true,
    };
    let fabric = after(setup.fabric(), [enabled]);
    assert_eq!(to_on_prem(&fabric), "delivered at on-prem");
}

#[test]
fn a_session_that_was_down_when_observed_advertises_once_it_is_up() {
    let mut setup = Setup::new();
    setup.tgw_table(T, "tgw-rtb-t").learned_routes.clear();
    let vpns = &mut setup.aws(T).vpns;
    vpns.get_mut(&VpnId::from("vpn-t")).unwrap().tunnels_up = 0;
    assert!(to_on_prem(&setup.fabric()).starts_with("no route"));
    let fabric = after(setup.fabric(), [session("tokyo", true)]);
    assert_eq!(to_on_prem(&fabric), "delivered at on-prem");
}

#[test]
fn an_attachment_that_did_not_forward_when_observed_advertises_once_it_does() {
    let mut setup = Setup::new();
    setup.tgw_table(T, "tgw-rtb-t").learned_routes.clear();
    setup.attachment(T, "tgw-attach-edge-t").state = AttachmentState::PendingAcceptance;
    assert!(to_on_prem(&setup.fabric()).starts_with("no route"));
    let accepted = Change::Attachment {
        region: T.into(),
        attachment: "tgw-attach-edge-t".into(),
        attached: true,
    };
    let fabric = after(setup.fabric(), [accepted]);
    assert_eq!(to_on_prem(&fabric), "delivered at on-prem");
}

#[test]
fn a_vpn_route_that_direct_connect_hid_takes_over_when_direct_connect_goes_down() {
    let mut setup = Setup::new();
    let gateway = DxGatewayId::from("dx-1");
    let kind = AttachmentKind::DirectConnect(gateway.clone());
    attach(setup.aws(T), "t", "tgw-attach-dx", kind);
    setup.aws(T).dx_associations.push(DxAssociation {
        id: "assoc-1".into(),
        gateway: gateway.clone(),
        tgw: "tgw-t".into(),
        state: "associated".into(),
        allowed_prefixes: BTreeSet::new(),
    });
    let mut edge = setup.edge("tokyo").clone();
    edge.name = "dx".into();
    edge.attachment = "tgw-attach-dx".into();
    edge.kind = EdgeKind::DirectConnect { gateway };
    setup.estate.edges.insert("dx".into(), edge);
    // Only the winner is visible.
    let only_dx = BTreeSet::from(["tgw-attach-dx".into()]);
    let table = setup.tgw_table(T, "tgw-rtb-t");
    table.learned_routes.insert(cidr(ON_PREM), only_dx);
    let fabric = after(setup.fabric(), [session("dx", false)]);
    assert_eq!(to_on_prem(&fabric), "delivered at on-prem");
    let fabric = after(fabric, [session("tokyo", false)]);
    assert!(to_on_prem(&fabric).starts_with("no route"));
}

#[test]
fn a_vpc_route_that_was_dead_without_its_attachment_works_when_that_returns() {
    let mut setup = Setup::new();
    setup.attachment(T, "tgw-attach-ec2").state = AttachmentState::Other("failed".into());
    for route in &mut setup.vpc_table(T, "rtb-ec2").routes {
        if matches!(route.target, VpcRouteTarget::Tgw(_)) {
            route.state = VpcRouteState::Blackhole;
        }
    }
    assert!(to_on_prem(&setup.fabric()).starts_with("blackhole"));
    let back = Change::Attachment {
        region: T.into(),
        attachment: "tgw-attach-ec2".into(),
        attached: true,
    };
    assert_eq!(
        to_on_prem(&after(setup.fabric(), [back])),
        "delivered at on-prem"
    );
    // One that is dead although its attachment is there stays dead.
    setup.attachment(T, "tgw-attach-ec2").state = AttachmentState::Available;
    assert!(to_on_prem(&setup.fabric()).starts_with("blackhole"));
}

#[test]
fn a_route_to_a_machines_own_interface_follows_its_power() {
    let mut setup = Setup::new();
    let to_eni = route("172.30.2.0/24", VpcRouteTarget::Eni("eni-stays".into()));
    setup.vpc_table(T, "rtb-ec2").routes.push(to_eni);
    let from = ec2_subnet("subnet-web");
    let fabric = setup.fabric();
    assert_eq!(ends(&fabric, &from, STAYS), "delivered at ec2");
    let off = after(fabric, [serve(EC2, STAYS, false)]);
    assert_eq!(ends(&off, &from, STAYS), "dead eni-stays: InstanceDown");
    let instances = &mut setup.aws(T).instances;
    let stays = instances.get_mut(&InstanceId::from("i-stays")).unwrap();
    stays.state = InstanceState::Stopped;
    let fabric = setup.fabric();
    assert_eq!(ends(&fabric, &from, STAYS), "dead eni-stays: InstanceDown");
    let on = after(fabric, [serve(EC2, STAYS, true)]);
    assert_eq!(ends(&on, &from, STAYS), "delivered at ec2");
}

#[test]
fn a_direct_connect_gateway_without_its_attachment_announces_nothing() {
    let mut setup = Setup::new();
    setup.direct_connect(("dx-1", &[P]), ("dx-2", &[V]));
    let fabric = after(setup.fabric(), [detach(T, "tgw-attach-edge-t")]);
    // So on-prem takes the shorter prefix behind the other.
    assert_eq!(from_on_prem(&fabric, WEB), "delivered at ec2");
}

#[test]
fn a_prefix_that_goes_takes_no_routes_out_of_tables_nc2_does_not_write() {
    let mut setup = Setup::new();
    let by_hand = || route(P, VpcRouteTarget::Eni("eni-gw-t".into()));
    add_subnet(setup.aws(T), "subnet-hand", "vpc-nc2t", "10.101.9.0/24");
    add_table(setup.aws(T), "rtb-hand", "vpc-nc2t", vec![by_hand()]);
    setup.vpc_table(T, "rtb-hand").subnets = BTreeSet::from(["subnet-hand".into()]);
    setup.vpc_table(T, "rtb-nc2t").routes.push(by_hand());
    let transit = setup.prism(NC2_T).vpcs.get_mut(&"flow-transit".into());
    transit.unwrap().erps.insert(cidr(P));
    let from = |subnet: &str| Source::Ec2Subnet {
        vpc: "vpc-nc2t".into(),
        subnet: subnet.into(),
    };
    let gone = erp(NC2_T, ErpScope::TransitVpc, P, false);
    let fabric = after(setup.fabric(), [gone]);
    let stays = "no route at transit VPC of nc2-tokyo";
    assert_eq!(ends(&fabric, &from("subnet-hand"), WEB), stays);
    assert_eq!(
        ends(&fabric, &from("subnet-metal-t"), WEB),
        "leaves by nat-t"
    );
}

#[test]
fn a_host_reaches_its_own_subnet_whatever_route_its_table_has_for_it() {
    let mut setup = Setup::new();
    let around = route(P, VpcRouteTarget::Eni("eni-stays".into()));
    setup.vpc_table(T, "rtb-ec2").routes.push(around);
    let fabric = setup.fabric();
    let same_subnet = ec2_subnet("subnet-web");
    assert_eq!(ends(&fabric, &same_subnet, WEB2), "delivered at ec2");
    let other_subnet = ec2_subnet("subnet-stays");
    assert_eq!(
        ends(&fabric, &other_subnet, WEB2),
        "dead eni-stays: SourceDestCheck"
    );
}

#[test]
fn a_route_to_an_interface_that_is_gone_or_forwards_nothing_names_no_gateway() {
    for wrong in ["eni-gone", "eni-host-t"] {
        let mut setup = Setup::new();
        let stray = route("172.31.0.0/24", VpcRouteTarget::Eni(wrong.into()));
        setup.vpc_table(T, "rtb-nc2t").routes.push(stray);
        let transit = setup.prism(NC2_T).vpcs.get_mut(&"flow-transit".into());
        transit.unwrap().erps.insert(cidr("172.31.0.0/24"));
        let fabric = moved(&setup);
        assert_eq!(from_on_prem(&fabric, WEB), "delivered at nc2-tokyo");
        let back = ends(&fabric, &overlay(NC2_T, "web"), ON_PREM_HOST);
        assert_eq!(back, "delivered at on-prem");
    }
}
