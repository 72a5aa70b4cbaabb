//! Tests of Transit Gateway routes: derived routes, writes, searches (AWS reference §1.2, §1.4).

use std::collections::BTreeSet;

use super::call;
use super::ok;
use super::refused;
use crate::aws::fixture::*;
use crate::aws::model::Attachment;
use crate::aws::model::AttachmentKind;
use crate::aws::model::Tags;
use crate::aws::model::Vpc;
use crate::clock::VTime;
use crate::state::LabState;
use crate::walk::End;
use crate::walk::Origin;
use crate::walk::walk;

/// Searches with one filter; returns destination, target, type and state of each route.
fn search(lab: &mut LabState, name: &str, value: &str) -> Vec<String> {
    let answer = ok(
        lab,
        TOKYO,
        "SearchTransitGatewayRoutes",
        &[
            ("TransitGatewayRouteTableId", TABLE_T),
            ("Filter.1.Name", name),
            ("Filter.1.Value.1", value),
        ],
    );
    let document = roxmltree::Document::parse(&answer.body).unwrap();
    let routes = document
        .descendants()
        .find(|node| node.tag_name().name() == "routeSet")
        .unwrap();
    routes
        .children()
        .map(|route| {
            let text = |name: &str| {
                route
                    .descendants()
                    .find(|node| node.tag_name().name() == name)
                    .and_then(|node| node.text())
                    .unwrap_or("-")
            };
            format!(
                "{} {} {} {}",
                text("destinationCidrBlock"),
                text("transitGatewayAttachmentId"),
                text("type"),
                text("state")
            )
        })
        .collect()
}

pub(super) fn exact(lab: &mut LabState, range: &str) -> Vec<String> {
    search(lab, "route-search.exact-match", range)
}

fn write(lab: &mut LabState, action: &str, range: &str, target: Option<&str>) -> super::Answer {
    let mut params = vec![
        ("TransitGatewayRouteTableId", TABLE_T),
        ("DestinationCidrBlock", range),
    ];
    match target {
        Some(id) => params.push(("TransitGatewayAttachmentId", id)),
        None if action.starts_with("Delete") => {}
        None => params.push(("Blackhole", "true")),
    }
    call(lab, TOKYO, action, &params)
}

#[test]
fn an_equal_static_route_hides_the_propagated_one_until_it_is_deleted() {
    let mut lab = estate();
    let range = "172.30.0.0/16";
    let propagated = format!("{range} {A_EC2} propagated active");
    assert_eq!(exact(&mut lab, range).join(","), propagated);
    let created = write(&mut lab, "CreateTransitGatewayRoute", range, Some(A_NC2_T));
    assert_eq!(created.status, 200);
    lab.one_second();
    assert_eq!(
        exact(&mut lab, range),
        [format!("{range} {A_NC2_T} static active")]
    );
    let deleted = write(&mut lab, "DeleteTransitGatewayRoute", range, None);
    assert_eq!(deleted.one("state"), "deleted");
    assert_eq!(exact(&mut lab, range), [propagated]);
}

#[test]
fn a_written_route_is_pending_until_the_data_plane_uses_it() {
    let mut lab = estate().moved();
    let written = write(&mut lab, "ReplaceTransitGatewayRoute", P, Some(A_EC2));
    assert_eq!(written.one("state"), "pending");
    assert_eq!(exact(&mut lab, P), [format!("{P} {A_EC2} static pending")]);
    // The old target still gets the packets.
    let reached = |lab: &LabState| walk(lab, Origin::OnPrem, ADDRESS).end;
    assert!(matches!(reached(&lab), End::Delivered { .. }));
    lab.one_second();
    assert_eq!(exact(&mut lab, P), [format!("{P} {A_EC2} static active")]);
    assert_eq!(reached(&lab), End::NoMachine);
}

#[test]
fn a_route_replaced_twice_before_it_was_active_still_uses_the_first() {
    let mut lab = estate().moved();
    write(&mut lab, "ReplaceTransitGatewayRoute", P, Some(A_PEER));
    write(&mut lab, "ReplaceTransitGatewayRoute", P, None);
    let reached = |lab: &LabState| walk(lab, Origin::OnPrem, ADDRESS).end;
    assert!(matches!(reached(&lab), End::Delivered { .. }));
    lab.one_second();
    assert_eq!(reached(&lab), End::Blackhole);
    assert_eq!(exact(&mut lab, P), [format!("{P} - static blackhole")]);
}

#[test]
fn create_refuses_an_existing_static_and_replace_is_an_upsert() {
    let mut lab = estate();
    assert_eq!(
        write(&mut lab, "ReplaceTransitGatewayRoute", P, Some(A_NC2_T)).status,
        200
    );
    let again = write(&mut lab, "CreateTransitGatewayRoute", P, Some(A_NC2_T));
    assert_eq!(again.one("Code"), "RouteAlreadyExists");
    lab.one_second();
    let same = write(&mut lab, "ReplaceTransitGatewayRoute", P, Some(A_NC2_T));
    assert_eq!(same.one("state"), "active");
    assert_eq!(
        write(&mut lab, "DeleteTransitGatewayRoute", P, None).status,
        200
    );
    let gone = write(&mut lab, "DeleteTransitGatewayRoute", P, None);
    assert_eq!(gone.one("Code"), "InvalidRoute.NotFound");
}

#[test]
fn route_writes_with_an_invalid_target_are_refused() {
    let mut lab = estate();
    let mut code = |params: &[(&str, &str)]| {
        let mut all = vec![("DestinationCidrBlock", P)];
        all.extend_from_slice(params);
        refused(&mut lab, TOKYO, "ReplaceTransitGatewayRoute", &all)
    };
    let table = ("TransitGatewayRouteTableId", TABLE_T);
    assert_eq!(code(&[]), "MissingParameter");
    assert_eq!(code(&[table]), "MissingParameter");
    assert_eq!(
        code(&[("TransitGatewayRouteTableId", "tgw-rtb-0000dead")]),
        "InvalidRouteTableID.NotFound"
    );
    assert_eq!(
        code(&[("TransitGatewayRouteTableId", "table")]),
        "InvalidRouteTableId.Malformed"
    );
    assert_eq!(
        code(&[table, ("TransitGatewayAttachmentId", "tgw-attach-0000dead")]),
        "InvalidTransitGatewayAttachmentID.NotFound"
    );
    assert_eq!(
        code(&[
            table,
            ("TransitGatewayAttachmentId", A_PEER),
            ("Blackhole", "true")
        ]),
        "InvalidParameterCombination"
    );
    let attachments = &mut lab.region(TOKYO).attachments;
    attachments.get_mut(A_PEER).unwrap().tgw = "tgw-0000000f".to_owned();
    let other = write(&mut lab, "ReplaceTransitGatewayRoute", P, Some(A_PEER));
    assert_eq!(
        other.one("Code"),
        "InvalidTransitGatewayAttachmentID.NotFound"
    );
}

#[test]
fn a_dry_run_succeeds_as_an_error_and_changes_nothing() {
    let mut lab = estate();
    let mut params = vec![
        ("TransitGatewayRouteTableId", TABLE_T),
        ("DestinationCidrBlock", P),
        ("TransitGatewayAttachmentId", A_NC2_T),
        ("DryRun", "true"),
    ];
    let answer = call(&mut lab, TOKYO, "ReplaceTransitGatewayRoute", &params);
    assert_eq!(
        (answer.status, answer.one("Code").as_str()),
        (412, "DryRunOperation")
    );
    assert!(exact(&mut lab, P).is_empty());
    params[2] = ("TransitGatewayAttachmentId", "tgw-attach-0000dead");
    assert_eq!(
        refused(&mut lab, TOKYO, "ReplaceTransitGatewayRoute", &params),
        "InvalidTransitGatewayAttachmentID.NotFound"
    );
}

#[test]
fn every_search_filter_finds_its_routes() {
    let mut lab = estate().moved();
    lab.route(TABLE_T, "172.30.1.10/32", None);
    let of = |routes: Vec<String>| -> BTreeSet<String> {
        routes
            .iter()
            .map(|route| route.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let set = |ranges: &[&str]| ranges.iter().map(|range| (*range).to_owned()).collect();
    let mut found = |name: &str, value: &str| of(search(&mut lab, name, value));
    let nc2 = ["10.101.0.0/16", P];
    assert_eq!(
        found("attachment.transit-gateway-attachment-id", A_NC2_T),
        set(&nc2)
    );
    assert_eq!(found("attachment.resource-id", NC2_T), set(&nc2));
    assert_eq!(
        found("attachment.resource-type", "peering"),
        set(&["10.102.0.0/16"])
    );
    assert_eq!(found("prefix-list-id", "pl-1"), set(&[]));
    assert_eq!(found("route-search.exact-match", P), set(&[P]));
    assert_eq!(
        found("route-search.subnet-of-match", P),
        set(&[P, "172.30.1.10/32"])
    );
    assert_eq!(
        found("route-search.supernet-of-match", P),
        set(&[P, "172.30.0.0/16"])
    );
    assert_eq!(
        found("route-search.longest-prefix-match", "172.30.1.10"),
        set(&["172.30.1.10/32"])
    );
    assert_eq!(
        found("route-search.longest-prefix-match", "172.30.1.11"),
        set(&[P])
    );
    assert_eq!(
        found("route-search.longest-prefix-match", "8.8.8.8"),
        set(&[])
    );
    assert_eq!(found("state", "blackhole"), set(&["172.30.1.10/32"]));
    assert_eq!(
        found("type", "propagated"),
        set(&["10.0.0.0/16", "10.101.0.0/16", "172.30.0.0/16"])
    );
    assert_eq!(
        found("type", "static"),
        set(&["10.102.0.0/16", P, "172.30.1.10/32"])
    );
    for (name, value) in [
        ("nonsense", "x"),
        ("route-search.exact-match", "172.30.1.0"),
        ("route-search.longest-prefix-match", P),
    ] {
        let params = [
            ("TransitGatewayRouteTableId", TABLE_T),
            ("Filter.1.Name", name),
            ("Filter.1.Value.1", value),
        ];
        let code = refused(&mut lab, TOKYO, "SearchTransitGatewayRoutes", &params);
        assert_eq!(code, "InvalidParameterValue", "{name}={value}");
    }
    let bare = [("TransitGatewayRouteTableId", TABLE_T)];
    let code = refused(&mut lab, TOKYO, "SearchTransitGatewayRoutes", &bare);
    assert_eq!(code, "MissingParameter");
}

#[test]
fn a_long_table_is_searched_in_pages_with_or_without_tokens() {
    let mut lab = estate();
    for third in 0..23 {
        lab.route(TABLE_T, &format!("192.168.{third}.0/24"), None);
    }
    lab.aws.page_cap = Some(10);
    let mut seen = BTreeSet::new();
    let mut token = String::new();
    let mut pages = 0;
    loop {
        let params = [
            ("TransitGatewayRouteTableId", TABLE_T),
            ("Filter.1.Name", "type"),
            ("Filter.1.Value.1", "static"),
            ("MaxResults", "1000"),
            ("NextToken", token.as_str()),
        ];
        let answer = ok(&mut lab, TOKYO, "SearchTransitGatewayRoutes", &params);
        pages += 1;
        seen.extend(answer.all("destinationCidrBlock"));
        let more = answer.one("additionalRoutesAvailable") == "true";
        assert_eq!(more, !answer.all("nextToken").is_empty());
        match answer.all("nextToken").pop() {
            Some(next) => token = next,
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 24));
    lab.aws.search_without_token = true;
    let params = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("Filter.1.Name", "type"),
        ("Filter.1.Value.1", "static"),
    ];
    let answer = ok(&mut lab, TOKYO, "SearchTransitGatewayRoutes", &params);
    assert_eq!(answer.one("additionalRoutesAvailable"), "true");
    assert!(answer.all("nextToken").is_empty());
}

#[test]
fn a_vpc_propagates_its_cidrs_except_those_of_an_earlier_attachment() {
    let mut lab = estate();
    let region = lab.region(TOKYO);
    region
        .vpcs
        .get_mut(NC2_T)
        .unwrap()
        .cidrs
        .push(cidr("10.103.0.0/16"));
    region.vpcs.insert(
        "vpc-00000777".to_owned(),
        Vpc {
            cidrs: vec![cidr("172.30.0.0/16"), cidr("10.104.0.0/16")],
            tags: Tags::new(),
        },
    );
    region.attachments.insert(
        "tgw-attach-00000777".to_owned(),
        Attachment {
            tgw: TGW_T.to_owned(),
            kind: AttachmentKind::Vpc {
                vpc: "vpc-00000777".to_owned(),
                subnets: BTreeSet::new(),
            },
            state: "available".to_owned(),
            created: VTime(77),
            tags: Tags::new(),
        },
    );
    let table = region.tgw_route_tables.get_mut(TABLE_T).unwrap();
    table.propagations.insert("tgw-attach-00000777".to_owned());
    assert_eq!(
        exact(&mut lab, "10.103.0.0/16"),
        [format!("10.103.0.0/16 {A_NC2_T} propagated active")]
    );
    assert_eq!(
        exact(&mut lab, "10.104.0.0/16"),
        ["10.104.0.0/16 tgw-attach-00000777 propagated active"]
    );
    assert_eq!(
        exact(&mut lab, "172.30.0.0/16"),
        [format!("172.30.0.0/16 {A_EC2} propagated active")]
    );
}

#[test]
fn a_vpns_routes_need_a_tunnel_and_rank_below_those_of_a_vpc() {
    let mut lab = estate();
    let learned = format!("10.0.0.0/16 {A_VPN_T} propagated active");
    assert_eq!(exact(&mut lab, "10.0.0.0/16"), [learned]);
    let vpn = lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap();
    vpn.on_prem.insert(cidr("172.30.0.0/16"));
    assert_eq!(
        exact(&mut lab, "172.30.0.0/16"),
        [format!("172.30.0.0/16 {A_EC2} propagated active")]
    );
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 0;
    assert!(exact(&mut lab, "10.0.0.0/16").is_empty());
}
