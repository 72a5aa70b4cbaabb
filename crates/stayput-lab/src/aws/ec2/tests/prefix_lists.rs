//! Tests of managed prefix lists in Transit Gateway and VPC route tables (AWS reference §1.2, §1.4, §3 item 1).

use std::net::Ipv4Addr;

use super::ok;
use super::refused;
use super::transit::exact;
use crate::aws::fixture::*;
use crate::aws::routing;
use crate::state::LabState;
use crate::walk::End;
use crate::walk::Origin;
use crate::walk::walk;

const V: &str = "172.30.0.0/16";
const ON_PREM_HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 5, 5);

fn list(lab: &mut LabState, entries: &[&str]) -> String {
    let names: Vec<String> = (1..=entries.len())
        .map(|number| format!("Entry.{number}.Cidr"))
        .collect();
    let mut params = vec![
        ("PrefixListName", "some"),
        ("AddressFamily", "IPv4"),
        ("MaxEntries", "3"),
    ];
    let entries = names
        .iter()
        .map(String::as_str)
        .zip(entries.iter().copied());
    params.extend(entries);
    ok(lab, TOKYO, "CreateManagedPrefixList", &params).one("prefixListId")
}

fn refer(lab: &mut LabState, action: &str, list: &str, target: Option<&str>) {
    let target = match target {
        Some(id) => ("TransitGatewayAttachmentId", id),
        None => ("Blackhole", "true"),
    };
    let params = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("PrefixListId", list),
        target,
    ];
    ok(lab, TOKYO, action, &params);
    lab.one_second();
}

const CREATE: &str = "CreateTransitGatewayPrefixListReference";
const MODIFY: &str = "ModifyTransitGatewayPrefixListReference";
const DELETE: &str = "DeleteTransitGatewayPrefixListReference";

#[test]
fn an_entry_hides_the_equal_propagated_route_and_a_static_route_hides_the_entry() {
    let mut lab = estate();
    let propagated = format!("{V} {A_EC2} propagated active");
    assert_eq!(exact(&mut lab, V).join(","), propagated);
    let id = list(&mut lab, &[V, "192.0.2.0/24"]);
    refer(&mut lab, CREATE, &id, Some(A_PEER));
    let listed = format!("{V} {A_PEER} static active");
    assert_eq!(exact(&mut lab, V).join(","), listed);
    lab.route(TABLE_T, V, Some(A_NC2_T));
    assert_eq!(exact(&mut lab, V), [format!("{V} {A_NC2_T} static active")]);
    let route = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("DestinationCidrBlock", V),
    ];
    ok(&mut lab, TOKYO, "DeleteTransitGatewayRoute", &route);
    assert_eq!(exact(&mut lab, V), [listed]);
    let again = refused(&mut lab, TOKYO, "DeleteTransitGatewayRoute", &route);
    assert_eq!(again, "InvalidRoute.NotFound");
    let reference = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("PrefixListId", id.as_str()),
    ];
    ok(&mut lab, TOKYO, DELETE, &reference);
    assert_eq!(exact(&mut lab, V), [propagated]);
}

#[test]
fn one_call_changes_the_target_of_every_prefix_of_a_list() {
    let mut lab = estate();
    let id = list(&mut lab, &[V]);
    refer(&mut lab, CREATE, &id, Some(A_EC2));
    assert!(matches!(to_dmz(&lab), End::Delivered { .. }));
    let drop = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("PrefixListId", id.as_str()),
        ("Blackhole", "true"),
    ];
    let answer = ok(&mut lab, TOKYO, MODIFY, &drop);
    assert_eq!(answer.one("state"), "pending");
    assert!(matches!(to_dmz(&lab), End::Delivered { .. }));
    lab.one_second();
    assert_eq!(to_dmz(&lab), End::Blackhole);
    let shown = ok(
        &mut lab,
        TOKYO,
        "GetTransitGatewayPrefixListReferences",
        &[("TransitGatewayRouteTableId", TABLE_T)],
    );
    assert_eq!(
        (shown.one("state"), shown.one("blackhole")),
        ("available".into(), "true".into())
    );
}

fn to_dmz(lab: &LabState) -> End {
    walk(lab, Origin::OnPrem, DMZ_ADDRESS).end
}

#[test]
fn a_change_of_a_list_needs_its_version_and_respects_its_size() {
    let mut lab = estate();
    let id = list(&mut lab, &[V]);
    refer(&mut lab, CREATE, &id, Some(A_EC2));
    let add = |lab: &mut LabState, version: &str, entry: &str| {
        let params = [
            ("PrefixListId", id.as_str()),
            ("CurrentVersion", version),
            ("AddEntry.1.Cidr", entry),
        ];
        super::call(lab, TOKYO, "ModifyManagedPrefixList", &params)
    };
    let stale = add(&mut lab, "7", "192.0.2.0/24");
    assert_eq!(stale.one("Code"), "PrefixListVersionMismatch");
    assert_eq!(add(&mut lab, "1", "192.0.2.0/24").one("version"), "2");
    assert_eq!(exact(&mut lab, "192.0.2.0/24").len(), 1);
    assert_eq!(add(&mut lab, "2", "192.0.2.0/25").status, 200);
    let full = add(&mut lab, "3", "192.0.2.128/25");
    assert_eq!(full.one("Code"), "PrefixListMaxEntriesExceeded");
    let mine = [("PrefixListId", id.as_str())];
    let in_use = refused(&mut lab, TOKYO, "DeleteManagedPrefixList", &mine);
    assert_eq!(in_use, "DependencyViolation");
}

#[test]
fn every_entry_counts_as_a_route_even_when_a_static_route_hides_it() {
    let mut lab = estate();
    let before = routing::count(&lab, TOKYO, TGW_T);
    let id = list(&mut lab, &[V, P]);
    refer(&mut lab, CREATE, &id, None);
    assert_eq!(routing::count(&lab, TOKYO, TGW_T), before + 2);
    lab.route(TABLE_T, P, None);
    assert_eq!(routing::count(&lab, TOKYO, TGW_T), before + 3);
}

#[test]
fn a_reference_to_a_deleted_attachment_is_a_blackhole() {
    let mut lab = estate();
    let id = list(&mut lab, &[V]);
    refer(&mut lab, CREATE, &id, Some(A_EC2));
    lab.region(TOKYO).attachments.remove(A_EC2);
    assert_eq!(exact(&mut lab, V), [format!("{V} - static blackhole")]);
    assert_eq!(to_dmz(&lab), End::Blackhole);
}

#[test]
fn in_a_vpc_table_list_routes_rank_between_static_and_propagated() {
    let mut lab = estate();
    let table = lab.region(TOKYO).route_tables.get_mut(EC2_TABLE).unwrap();
    table.routes.remove(&cidr("10.0.0.0/16"));
    let nat = crate::aws::model::RouteTarget::Nat("nat-00000001".to_owned());
    table.propagated.insert(cidr("10.0.0.0/16"), nat);
    let back = |lab: &LabState| {
        let from = Origin::Subnet {
            region: TOKYO.to_owned(),
            subnet: EC2_APP.to_owned(),
        };
        walk(lab, from, ON_PREM_HOST).end
    };
    assert_eq!(back(&lab), End::NatLost);
    let id = list(&mut lab, &["10.0.0.0/16"]);
    let by_list = [
        ("RouteTableId", EC2_TABLE),
        ("DestinationPrefixListId", id.as_str()),
        ("TransitGatewayId", TGW_T),
    ];
    ok(&mut lab, TOKYO, "CreateRoute", &by_list);
    assert_eq!(
        refused(&mut lab, TOKYO, "CreateRoute", &by_list),
        "RouteAlreadyExists"
    );
    assert!(matches!(back(&lab), End::Delivered { .. }));
    let written = [
        ("RouteTableId", EC2_TABLE),
        ("DestinationCidrBlock", "10.0.0.0/16"),
        ("NatGatewayId", "nat-00000002"),
    ];
    ok(&mut lab, TOKYO, "CreateRoute", &written);
    assert_eq!(back(&lab), End::NatLost);
    ok(&mut lab, TOKYO, "DeleteRoute", &written[..2]);
    assert!(matches!(back(&lab), End::Delivered { .. }));
    let shown = ok(
        &mut lab,
        TOKYO,
        "DescribeRouteTables",
        &[("RouteTableId.1", EC2_TABLE)],
    );
    assert_eq!(shown.one("destinationPrefixListId"), id);
    assert!(
        shown
            .all("origin")
            .contains(&"EnableVgwRoutePropagation".to_owned())
    );
    ok(&mut lab, TOKYO, "DeleteRoute", &by_list[..2]);
    assert_eq!(back(&lab), End::NatLost);
    let gone = refused(&mut lab, TOKYO, "DeleteRoute", &by_list[..2]);
    assert_eq!(gone, "InvalidRoute.NotFound");
}
