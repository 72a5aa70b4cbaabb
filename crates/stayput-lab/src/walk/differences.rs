//! Regression tests: cases where the fabric and the lab once differed and the lab was wrong, or where both made the same
//! assumption here.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::End;
use super::Origin;
use super::SiteKind;
use super::walk;
use crate::aws::fixture::*;
use crate::aws::model::InstanceState;
use crate::aws::model::RouteTable;
use crate::aws::model::RouteTarget;
use crate::aws::model::Tags;
use crate::state::LabState;

const ON_PREM_HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 5, 5);
/// The host of the NC2 VPC in Osaka.
const OSAKA_HOST: Ipv4Addr = Ipv4Addr::new(10, 102, 3, 20);

fn from_vm(lab: &LabState, to: Ipv4Addr) -> End {
    let vm = VM.to_owned();
    walk(lab, Origin::Vm { pc: 0, vm }, to).end
}

fn from_subnet(lab: &LabState, subnet: &str, to: Ipv4Addr) -> End {
    let from = Origin::Subnet {
        region: TOKYO.to_owned(),
        subnet: subnet.to_owned(),
    };
    walk(lab, from, to).end
}

fn nc2_routes(lab: &mut LabState) -> &mut RouteTable {
    let tables = &mut lab.region(TOKYO).route_tables;
    tables.get_mut(NC2_T_TABLE).unwrap()
}

#[test]
fn a_static_on_prem_route_remains_when_the_vpn_attachment_is_deleted() {
    let mut lab = estate();
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_PEER));
    let region = lab.region(TOKYO);
    let vpn = region.vpns.get_mut(VPN_T).unwrap();
    vpn.static_only = true;
    vpn.on_prem_statics = BTreeSet::from([cidr(P)]);
    region.attachments.get_mut(A_VPN_T).unwrap().state = "deleted".to_owned();
    // Osaka announces a cover, and on-prem does not use it.
    assert_eq!(walk(&lab, Origin::OnPrem, ADDRESS).end, End::NoRoute);
    assert!(matches!(
        walk(&lab, Origin::OnPrem, DMZ_ADDRESS).end,
        End::Delivered { .. }
    ));
}

#[test]
fn a_vpc_peering_carries_only_packets_between_its_two_vpcs() {
    let mut lab = estate();
    let peering = RouteTarget::Pcx("pcx-00000001".to_owned());
    nc2_routes(&mut lab)
        .routes
        .insert(cidr("10.102.0.0/16"), peering);
    let delivered = End::Delivered {
        site: SiteKind::Ec2,
        holder: "i-00000c30".to_owned(),
        region: Some(OSAKA.to_owned()),
    };
    assert_eq!(from_subnet(&lab, NC2_T_METAL, OSAKA_HOST), delivered);
    lab.route(TABLE_T, "10.102.0.0/16", Some(A_NC2_T));
    assert_eq!(from_subnet(&lab, EC2_APP, OSAKA_HOST), End::NoRoute);
}

#[test]
fn a_prefix_of_the_transit_vpc_alone_is_dropped_and_not_sent_out() {
    let mut lab = estate().moved();
    let unused = Ipv4Addr::new(172, 30, 7, 7);
    assert_eq!(from_vm(&lab, unused), End::NatLost);
    let transit = lab.pcs[0].vpcs.get_mut("transit").unwrap();
    transit.erps.insert(cidr("172.30.7.0/24"));
    assert_eq!(from_vm(&lab, unused), End::NoRoute);
}

#[test]
fn packets_leave_by_the_gateway_of_the_prefixes_even_while_it_is_down() {
    let mut lab = estate().moved();
    assert!(matches!(from_vm(&lab, ON_PREM_HOST), End::Delivered { .. }));
    let region = lab.region(TOKYO);
    let mut second = region.enis[NC2_T_ENI].clone();
    second.instance = None;
    region.enis.insert("eni-00000c2f".to_owned(), second);
    region.instances.get_mut(NC2_T_HOST).unwrap().state = InstanceState::Stopped;
    assert_eq!(from_vm(&lab, ON_PREM_HOST), End::DeadEni);
    // Without a route that names an interface, NC2 takes any host that runs.
    nc2_routes(&mut lab).routes.remove(&cidr(P));
    assert!(matches!(from_vm(&lab, ON_PREM_HOST), End::Delivered { .. }));
}

#[test]
fn a_gateway_chosen_by_nc2_does_not_change_with_the_route_tables() {
    let mut lab = estate().moved();
    lab.pcs[0].gateway = Some(NC2_T_ENI.to_owned());
    let region = lab.region(TOKYO);
    region.enis.get_mut(NC2_T_ENI).unwrap().source_dest_check = true;
    let nat = RouteTarget::Nat("nat-00000001".to_owned());
    nc2_routes(&mut lab).routes.insert(cidr(P), nat);
    assert_eq!(from_vm(&lab, ON_PREM_HOST), End::DeadEni);
}

#[test]
fn packets_cannot_leave_a_cluster_without_a_gateway() {
    let mut lab = estate().moved();
    lab.region(TOKYO).enis.remove(NC2_T_ENI);
    assert_eq!(from_vm(&lab, ON_PREM_HOST), End::NoRoute);
}

#[test]
fn nc2_writes_the_attachment_subnets_table_in_every_attachment_state() {
    let mut lab = estate();
    let own = RouteTable {
        vpc: NC2_T.to_owned(),
        main: false,
        associations: [("rtbassoc-00000001".to_owned(), NC2_T_TGW.to_owned())].into(),
        routes: [].into(),
        list_routes: [].into(),
        propagated: [].into(),
        tags: Tags::new(),
    };
    let region = lab.region(TOKYO);
    region.route_tables.insert("rtb-00000c2f".to_owned(), own);
    region.attachments.get_mut(A_NC2_T).unwrap().state = "pendingAcceptance".to_owned();
    lab.transit_erp(0, true);
    let table = &lab.aws.regions[TOKYO].route_tables["rtb-00000c2f"];
    assert!(table.routes.contains_key(&cidr(P)));
}
