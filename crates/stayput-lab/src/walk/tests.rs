//! Tests of the packet walk: every wrong order of AWS reference §8 gives the failure that the page names.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::End;
use super::Origin;
use super::SiteKind;
use super::walk;
use crate::aws::fixture::*;
use crate::aws::model::Attachment;
use crate::aws::model::AttachmentKind;
use crate::aws::model::DxAssociation;
use crate::aws::model::DxGateway;
use crate::aws::model::InstanceState;
use crate::aws::model::RouteTable;
use crate::aws::model::RouteTarget;
use crate::aws::model::Tags;
use crate::clock::VTime;
use crate::state::LabState;

const ON_PREM_HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 5, 5);

fn on_prem(lab: &LabState, to: Ipv4Addr) -> End {
    walk(lab, Origin::OnPrem, to).end
}

fn from_subnet(lab: &LabState, region: &str, subnet: &str, to: Ipv4Addr) -> End {
    let from = Origin::Subnet {
        region: region.to_owned(),
        subnet: subnet.to_owned(),
    };
    walk(lab, from, to).end
}

fn from_vm(lab: &LabState, pc: usize, to: Ipv4Addr) -> End {
    let vm = VM.to_owned();
    walk(lab, Origin::Vm { pc, vm }, to).end
}

fn ec2(instance: &str) -> End {
    End::Delivered {
        site: SiteKind::Ec2,
        holder: instance.to_owned(),
        region: Some(TOKYO.to_owned()),
    }
}

fn nc2(region: &str) -> End {
    End::Delivered {
        site: SiteKind::Nc2,
        holder: VM.to_owned(),
        region: Some(region.to_owned()),
    }
}

fn at_on_prem() -> End {
    End::Delivered {
        site: SiteKind::OnPrem,
        holder: "on-prem".to_owned(),
        region: None,
    }
}

#[test]
fn before_any_change_the_ec2_machine_is_reached_in_both_directions() {
    let lab = estate();
    assert_eq!(on_prem(&lab, ADDRESS), ec2(APP));
    assert_eq!(
        from_subnet(&lab, TOKYO, EC2_APP, ON_PREM_HOST),
        at_on_prem()
    );
    assert_eq!(
        walk(&lab, Origin::Address(ADDRESS), ON_PREM_HOST).end,
        at_on_prem()
    );
}

#[test]
fn after_the_cutover_on_prem_reaches_the_vm_and_the_vm_answers() {
    let lab = estate().moved();
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    assert_eq!(from_vm(&lab, 0, ON_PREM_HOST), at_on_prem());
    assert_eq!(
        walk(&lab, Origin::Address(ADDRESS), ON_PREM_HOST).end,
        at_on_prem()
    );
}

#[test]
fn a_cutover_in_order_reaches_the_source_then_nothing_then_the_vm() {
    let mut lab = estate();
    assert_eq!(on_prem(&lab, ADDRESS), ec2(APP));
    lab.stop_source();
    assert_eq!(on_prem(&lab, ADDRESS), End::NoMachine);
    lab.power(0, true);
    lab.transit_erp(0, true);
    assert_eq!(on_prem(&lab, ADDRESS), End::NoMachine);
    assert_eq!(from_subnet(&lab, TOKYO, NC2_T_METAL, ADDRESS), nc2(TOKYO));
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
}

#[test]
fn routing_to_nc2_before_its_prefix_is_written_loses_packets_at_the_nat_gateway() {
    let mut lab = estate();
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), End::NatLost);
}

#[test]
fn routing_to_nc2_before_its_prefix_loops_with_a_covering_aggregate() {
    let mut lab = estate();
    let tables = &mut lab.region(TOKYO).route_tables;
    let aggregate = (cidr("172.16.0.0/12"), RouteTarget::Tgw(TGW_T.to_owned()));
    tables
        .get_mut(NC2_T_TABLE)
        .unwrap()
        .routes
        .extend([aggregate]);
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), End::TtlExceeded);
    lab.transit_erp(0, true);
    lab.power(0, true);
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
}

#[test]
fn routing_to_nc2_before_the_source_stops_cuts_off_a_running_source() {
    let mut lab = estate();
    lab.transit_erp(0, true);
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), End::NoMachine);
    assert_eq!(from_subnet(&lab, TOKYO, EC2_DMZ, ADDRESS), ec2(APP));
}

#[test]
fn deleting_the_static_route_restores_the_path_to_the_source() {
    let mut lab = estate().moved();
    lab.unroute(TABLE_T, P);
    lab.region(TOKYO).instances.get_mut(APP).unwrap().state = InstanceState::Running;
    assert_eq!(on_prem(&lab, ADDRESS), ec2(APP));
}

#[test]
fn hosts_of_the_ec2_vpc_keep_using_the_local_route_after_the_move() {
    let lab = estate().moved();
    assert_eq!(from_subnet(&lab, TOKYO, EC2_DMZ, ADDRESS), End::NoMachine);
    assert_eq!(from_subnet(&lab, TOKYO, EC2_APP, ADDRESS), End::NoMachine);
}

#[test]
fn a_moved_vm_does_not_reach_a_neighbour_that_has_not_moved() {
    let lab = estate().moved();
    let neighbour = Ipv4Addr::new(172, 30, 1, 11);
    assert_eq!(from_vm(&lab, 0, neighbour), End::NoMachine);
}

#[test]
fn detaching_the_ec2_vpc_cuts_off_its_subnets_and_makes_static_routes_blackholes() {
    let mut lab = estate();
    lab.route(TABLE_T, "172.30.2.0/24", Some(A_EC2));
    let region = lab.region(TOKYO);
    region.attachments.get_mut(A_EC2).unwrap().state = "deleted".to_owned();
    let table = region.tgw_route_tables.get_mut(TABLE_T).unwrap();
    table.associations.remove(A_EC2);
    table.propagations.remove(A_EC2);
    // V is withdrawn from on-prem. A static route that remains is announced, and drops packets.
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
    assert_eq!(on_prem(&lab, DMZ_ADDRESS), End::Blackhole);
    assert_eq!(
        from_subnet(&lab, TOKYO, EC2_DMZ, ON_PREM_HOST),
        End::Blackhole
    );
}

#[test]
fn a_blackhole_drops_without_falling_through_to_a_shorter_route() {
    let mut lab = estate();
    lab.route(TABLE_T, "172.30.1.10/32", None);
    assert_eq!(on_prem(&lab, ADDRESS), End::Blackhole);
    assert_eq!(on_prem(&lab, Ipv4Addr::new(172, 30, 1, 11)), End::NoMachine);
}

#[test]
fn a_single_address_moves_only_for_clients_behind_the_transit_gateway() {
    let mut lab = estate();
    lab.stop_source();
    lab.power(0, true);
    lab.transit_erp(0, true);
    lab.route(TABLE_T, "172.30.1.10/32", Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    assert_eq!(from_subnet(&lab, TOKYO, EC2_DMZ, ADDRESS), End::NoMachine);
}

#[test]
fn a_remaining_host_route_overrides_a_later_failover_of_its_network() {
    let mut lab = estate().failed_over();
    lab.route(TABLE_T, "172.30.1.10/32", Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), End::NatLost);
}

#[test]
fn after_the_failover_on_prem_reaches_osaka_through_tokyo() {
    let lab = estate().failed_over();
    let found = walk(&lab, Origin::OnPrem, ADDRESS);
    assert_eq!(found.end, nc2(OSAKA));
    assert!(found.hops.iter().any(|hop| hop.contains(VPN_T)));
    assert!(found.hops.iter().any(|hop| hop.contains(A_PEER)));
    assert_eq!(from_vm(&lab, 1, ON_PREM_HOST), at_on_prem());
}

#[test]
fn changing_tokyo_before_osaka_has_the_route_drops_in_osaka() {
    let mut lab = estate().moved();
    lab.power(0, false);
    lab.power(1, true);
    lab.transit_erp(1, true);
    lab.route(TABLE_T, P, Some(A_PEER));
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
}

#[test]
fn changing_tokyo_before_osaka_loops_when_osaka_routes_a_cover_to_tokyo() {
    let mut lab = estate().moved();
    lab.transit_erp(1, true);
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_PEER));
    lab.route(TABLE_T, P, Some(A_PEER));
    assert_eq!(on_prem(&lab, ADDRESS), End::TtlExceeded);
}

#[test]
fn routing_in_osaka_before_the_machines_move_fails_for_osaka_only() {
    let mut lab = estate().moved();
    lab.transit_erp(1, true);
    lab.route(TABLE_O, P, Some(A_NC2_O));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    let from_osaka = from_subnet(&lab, OSAKA, "subnet-000c3021", ADDRESS);
    assert_eq!(from_osaka, End::NoMachine);
}

#[test]
fn the_articles_wider_route_in_osaka_diverts_subnets_still_in_tokyo() {
    let mut lab = estate().moved();
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 0;
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_PEER));
    assert_eq!(on_prem(&lab, DMZ_ADDRESS), ec2(DMZ));
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_NC2_O));
    assert_eq!(on_prem(&lab, DMZ_ADDRESS), End::NatLost);
}

#[test]
fn between_power_off_and_the_route_change_packets_end_in_tokyos_empty_overlay() {
    let mut lab = estate().moved();
    lab.power(0, false);
    lab.power(1, true);
    lab.transit_erp(1, true);
    assert_eq!(on_prem(&lab, ADDRESS), End::NoMachine);
}

#[test]
fn a_prefix_left_in_tokyo_hides_osaka_from_tokyos_hosts() {
    let mut lab = estate().failed_over();
    let tables = &mut lab.region(TOKYO).route_tables;
    let osaka = (cidr(P), RouteTarget::Tgw(TGW_T.to_owned()));
    tables.get_mut(NC2_T_TABLE).unwrap().routes.extend([osaka]);
    assert_eq!(from_subnet(&lab, TOKYO, NC2_T_METAL, ADDRESS), nc2(OSAKA));
    lab.transit_erp(0, true);
    assert_eq!(
        from_subnet(&lab, TOKYO, NC2_T_METAL, ADDRESS),
        End::NoMachine
    );
}

#[test]
fn the_failback_in_order_never_loops() {
    let mut lab = estate().failed_over();
    lab.power(1, false);
    lab.power(0, true);
    lab.transit_erp(0, true);
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    lab.route(TABLE_O, P, Some(A_PEER));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    lab.transit_erp(1, false);
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 0;
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
}

#[test]
fn the_failback_in_the_wrong_order_loops_between_the_regions() {
    let mut lab = estate().failed_over();
    lab.route(TABLE_O, P, Some(A_PEER));
    assert_eq!(on_prem(&lab, ADDRESS), End::TtlExceeded);
}

#[test]
fn a_deleted_route_in_osaka_loops_when_a_cover_leads_to_tokyo() {
    let mut lab = estate().failed_over();
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_PEER));
    lab.unroute(TABLE_O, P);
    assert_eq!(on_prem(&lab, ADDRESS), End::TtlExceeded);
}

#[test]
fn packets_for_a_fenced_network_are_dropped_in_tokyo_even_if_vms_start_there() {
    let mut lab = estate().moved();
    lab.route(TABLE_T, P, None);
    assert_eq!(on_prem(&lab, ADDRESS), End::Blackhole);
}

#[test]
fn without_a_route_to_on_prem_replies_leave_by_the_nat_gateway() {
    let mut lab = estate().moved();
    let tables = &mut lab.region(TOKYO).route_tables;
    tables
        .get_mut(NC2_T_TABLE)
        .unwrap()
        .routes
        .remove(&cidr("10.0.0.0/16"));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    assert_eq!(from_vm(&lab, 0, ON_PREM_HOST), End::NatLost);
}

#[test]
fn a_user_vpc_with_only_a_nat_uplink_cannot_answer() {
    let mut lab = estate().moved();
    let prod = lab.pcs[0].vpcs.get_mut("prod").unwrap();
    prod.external = BTreeSet::from(["nat".to_owned()]);
    assert_eq!(from_vm(&lab, 0, ON_PREM_HOST), End::NatLost);
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
}

#[test]
fn the_prefix_must_be_on_both_the_user_and_the_transit_vpc() {
    let mut lab = estate().moved();
    lab.pcs[0].vpcs.get_mut("prod").unwrap().erps.clear();
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
    let mut lab = estate().moved();
    lab.pcs[0].vpcs.get_mut("transit").unwrap().erps.clear();
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
}

#[test]
fn a_down_gateway_host_or_a_source_destination_check_drops_packets() {
    let mut lab = estate().moved();
    lab.region(TOKYO)
        .instances
        .get_mut(NC2_T_HOST)
        .unwrap()
        .state = InstanceState::Stopped;
    assert_eq!(on_prem(&lab, ADDRESS), End::DeadEni);
    let mut lab = estate().moved();
    lab.region(TOKYO)
        .enis
        .get_mut(NC2_T_ENI)
        .unwrap()
        .source_dest_check = true;
    assert_eq!(on_prem(&lab, ADDRESS), End::DeadEni);
    let mut lab = estate().moved();
    lab.region(TOKYO).enis.remove(NC2_T_ENI);
    assert_eq!(on_prem(&lab, ADDRESS), End::DeadEni);
    let mut lab = estate().moved();
    lab.pcs[0].down = true;
    assert_eq!(on_prem(&lab, ADDRESS), End::DeadEni);
}

#[test]
fn an_attachment_subnet_with_its_own_table_needs_the_prefix_there() {
    let mut lab = estate().moved();
    let own = RouteTable {
        vpc: NC2_T.to_owned(),
        main: false,
        associations: BTreeMap::from([("rtbassoc-00000001".to_owned(), NC2_T_TGW.to_owned())]),
        routes: BTreeMap::from([(
            cidr("0.0.0.0/0"),
            RouteTarget::Nat("nat-00000001".to_owned()),
        )]),
        list_routes: [].into(),
        propagated: [].into(),
        tags: Tags::new(),
    };
    lab.region(TOKYO)
        .route_tables
        .insert("rtb-00000c2f".to_owned(), own);
    assert_eq!(on_prem(&lab, ADDRESS), End::NatLost);
    // If NC2 wrote again, it would write this table too.
    lab.transit_erp(0, true);
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    lab.transit_erp(0, false);
    assert_eq!(on_prem(&lab, ADDRESS), End::NatLost);
}

#[test]
fn a_zone_without_an_attachment_subnet_does_not_reach_the_transit_gateway() {
    let mut lab = estate();
    lab.region(TOKYO).subnets.get_mut(EC2_DMZ).unwrap().az = "ap-northeast-1c".to_owned();
    assert_eq!(
        from_subnet(&lab, TOKYO, EC2_DMZ, ON_PREM_HOST),
        End::NoRoute
    );
    assert_eq!(on_prem(&lab, DMZ_ADDRESS), ec2(DMZ));
}

#[test]
fn an_attachment_without_association_drops_incoming_packets() {
    let mut lab = estate();
    let tables = &mut lab.region(TOKYO).tgw_route_tables;
    tables.get_mut(TABLE_T).unwrap().associations.remove(A_EC2);
    assert_eq!(
        from_subnet(&lab, TOKYO, EC2_DMZ, ON_PREM_HOST),
        End::NoRoute
    );
}

#[test]
fn a_peering_must_be_associated_on_the_far_side_too() {
    let mut lab = estate().failed_over();
    let tables = &mut lab.region(OSAKA).tgw_route_tables;
    tables.get_mut(TABLE_O).unwrap().associations.remove(A_PEER);
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
}

#[test]
fn with_a_cover_in_osaka_on_prem_fails_over_when_tokyos_tunnels_go_down() {
    let mut lab = estate().failed_over();
    lab.route(TABLE_O, "172.30.0.0/16", Some(A_PEER));
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 0;
    let found = walk(&lab, Origin::OnPrem, ADDRESS);
    assert_eq!(found.end, nc2(OSAKA));
    assert!(found.hops.iter().any(|hop| hop.contains(VPN_O)));
}

#[test]
fn two_halves_in_osaka_win_over_a_stale_route_in_tokyo() {
    let mut lab = estate().failed_over();
    // Tokyo returns with its old route.
    lab.route(TABLE_T, P, Some(A_NC2_T));
    assert_ne!(on_prem(&lab, ADDRESS), nc2(OSAKA));
    lab.route(TABLE_O, "172.30.1.0/25", Some(A_NC2_O));
    lab.route(TABLE_O, "172.30.1.128/25", Some(A_NC2_O));
    assert_eq!(on_prem(&lab, ADDRESS), nc2(OSAKA));
}

#[test]
fn a_static_vpn_route_on_prem_remains_when_its_tunnels_go_down() {
    let mut lab = estate();
    let vpn = lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap();
    vpn.static_only = true;
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
    let vpn = lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap();
    vpn.on_prem_statics.insert(cidr("172.30.0.0/16"));
    assert_eq!(on_prem(&lab, ADDRESS), ec2(APP));
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 0;
    assert_eq!(on_prem(&lab, ADDRESS), End::NoRoute);
}

#[test]
fn a_direct_connect_gateway_announces_allowed_prefixes_without_table_routes() {
    let mut lab = estate();
    lab.region(TOKYO).vpns.clear();
    lab.region(OSAKA).vpns.clear();
    lab.aws.dx_gateways.insert(
        "dx".to_owned(),
        DxGateway {
            name: "dx".to_owned(),
            asn: 64520,
            on_prem: BTreeSet::from([cidr("10.0.0.0/16")]),
            local_preference: 300,
        },
    );
    lab.aws.dx_associations.insert(
        "association".to_owned(),
        DxAssociation {
            gateway: "dx".to_owned(),
            region: TOKYO.to_owned(),
            tgw: TGW_T.to_owned(),
            state: "associated".to_owned(),
            allowed: BTreeSet::from([cidr("172.30.0.0/16"), cidr("172.31.0.0/16")]),
        },
    );
    let region = lab.region(TOKYO);
    region.attachments.insert(
        "tgw-attach-00000d0c".to_owned(),
        Attachment {
            tgw: TGW_T.to_owned(),
            kind: AttachmentKind::DirectConnect("dx".to_owned()),
            state: "available".to_owned(),
            created: VTime(5),
            tags: Tags::new(),
        },
    );
    let table = region.tgw_route_tables.get_mut(TABLE_T).unwrap();
    table.associations.insert("tgw-attach-00000d0c".to_owned());
    table.propagations.insert("tgw-attach-00000d0c".to_owned());
    assert_eq!(on_prem(&lab, ADDRESS), ec2(APP));
    assert_eq!(
        from_subnet(&lab, TOKYO, EC2_APP, ON_PREM_HOST),
        at_on_prem()
    );
    let unrouted = walk(&lab, Origin::OnPrem, Ipv4Addr::new(172, 31, 0, 1));
    assert_eq!(unrouted.end, End::NoRoute);
    assert!(unrouted.hops.iter().any(|hop| hop.contains("dx")));
}

#[test]
fn a_test_copy_in_an_isolated_network_is_never_reached() {
    let mut lab = estate().moved();
    let mut copy = lab.pcs[1].vms[VM].clone();
    copy.on = true;
    copy.nics[0].subnet = "test".to_owned();
    let mut test = lab.pcs[1].subnets["overlay"].clone();
    test.vpc = Some("isolated".to_owned());
    lab.pcs[1].subnets.insert("test".to_owned(), test);
    lab.pcs[1].vpcs.insert(
        "isolated".to_owned(),
        crate::prism::model::FlowVpc::default(),
    );
    lab.pcs[1].vms.insert("copy".to_owned(), copy);
    assert_eq!(on_prem(&lab, ADDRESS), nc2(TOKYO));
    assert_eq!(
        walk(&lab, Origin::Address(ADDRESS), ON_PREM_HOST).end,
        at_on_prem()
    );
    let from = Origin::Vm {
        pc: 1,
        vm: "copy".to_owned(),
    };
    assert_eq!(walk(&lab, from, ON_PREM_HOST).end, End::NoRoute);
}

#[test]
fn a_walk_has_a_flat_json_form_for_the_control_api() {
    let text = serde_json::to_value(walk(&estate(), Origin::OnPrem, ADDRESS)).unwrap();
    assert_eq!(text["end"], "delivered");
    assert_eq!(text["site"], "ec2");
    assert_eq!(text["holder"], APP);
    assert!(text["hops"].is_array());
}
