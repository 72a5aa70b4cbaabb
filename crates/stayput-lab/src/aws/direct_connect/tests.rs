//! Tests of Direct Connect through its HTTP API.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;

use crate::aws::json::tests::fails;
use crate::aws::json::tests::lab;
use crate::aws::json::tests::ok;
use crate::aws::json::tests::pass;
use crate::aws::model::DxAssociation;
use crate::aws::model::DxGateway;
use crate::aws::model::Tgw;
use crate::aws::model::TgwRouteTable;
use crate::state::LabState;

const OK: &str = "OvertureService.";

fn run(lab: &mut LabState, operation: &str, body: Json) -> Json {
    ok(lab, &format!("{OK}{operation}"), &body)
}

fn refused(lab: &mut LabState, operation: &str, body: Json) -> String {
    let (code, message) = fails(lab, &format!("{OK}{operation}"), &body);
    assert_eq!(code, "DirectConnectClientException");
    message
}

/// One gateway with Tokyo and Osaka, and a second one without associations.
fn estate() -> LabState {
    let mut lab = lab();
    lab.aws.regions.insert(
        "ap-northeast-3".to_owned(),
        crate::aws::model::RegionState::default(),
    );
    for (region, tgw, asn) in [
        ("ap-northeast-1", "tgw-t", 64512),
        ("ap-northeast-3", "tgw-o", 64513),
    ] {
        let region = lab.aws.regions.get_mut(region).unwrap();
        region.tgws.insert(
            tgw.to_owned(),
            Tgw {
                asn,
                default_table: Some("tgw-rtb-1".to_owned()),
                tags: BTreeMap::new(),
            },
        );
        region.tgw_route_tables.insert(
            "tgw-rtb-1".to_owned(),
            TgwRouteTable {
                tgw: tgw.to_owned(),
                associations: BTreeSet::new(),
                propagations: BTreeSet::new(),
                statics: BTreeMap::new(),
                prefix_lists: BTreeMap::new(),
                tags: BTreeMap::new(),
            },
        );
    }
    for (id, asn) in [("dxgw-1", 64600), ("dxgw-2", 64513)] {
        lab.aws.dx_gateways.insert(
            id.to_owned(),
            DxGateway {
                name: id.to_owned(),
                asn,
                on_prem: BTreeSet::new(),
                local_preference: 100,
            },
        );
    }
    for (id, region, tgw, allowed) in [
        (
            "assoc-t",
            "ap-northeast-1",
            "tgw-t",
            vec!["172.30.1.0/24", "10.101.0.0/16"],
        ),
        ("assoc-o", "ap-northeast-3", "tgw-o", vec!["10.102.0.0/16"]),
    ] {
        lab.aws.dx_associations.insert(
            id.to_owned(),
            DxAssociation {
                gateway: "dxgw-1".to_owned(),
                region: region.to_owned(),
                tgw: tgw.to_owned(),
                state: "associated".to_owned(),
                allowed: allowed.iter().map(|cidr| cidr.parse().unwrap()).collect(),
            },
        );
    }
    lab
}

fn change(association: &str, add: &[&str], remove: &[&str]) -> Json {
    let list = |cidrs: &[&str]| {
        cidrs
            .iter()
            .map(|cidr| json!({"cidr": cidr}))
            .collect::<Vec<_>>()
    };
    json!({
        "associationId": association,
        "addAllowedPrefixesToDirectConnectGateway": list(add),
        "removeAllowedPrefixesToDirectConnectGateway": list(remove),
    })
}

fn association(lab: &mut LabState, id: &str) -> Json {
    let answer = run(
        lab,
        "DescribeDirectConnectGatewayAssociations",
        json!({"associationId": id}),
    );
    answer["directConnectGatewayAssociations"][0].clone()
}

#[test]
fn moving_a_prefix_between_regions_takes_two_updates_with_the_removal_first() {
    let mut lab = estate();
    let message = refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-o", &["172.30.1.0/24"], &[]),
    );
    assert!(message.contains("overlaps"), "{message}");
    let begun = run(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-t", &[], &["172.30.1.0/24"]),
    );
    assert_eq!(
        begun["directConnectGatewayAssociation"]["associationState"],
        "updating"
    );
    // It is still announced, so it still conflicts.
    refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-o", &["172.30.1.0/24"], &[]),
    );
    assert!(
        lab.aws.dx_associations["assoc-t"]
            .allowed
            .contains(&"172.30.1.0/24".parse().unwrap())
    );
    pass(&mut lab, 300);
    assert_eq!(
        association(&mut lab, "assoc-t")["associationState"],
        "associated"
    );
    run(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-o", &["172.30.1.0/24"], &[]),
    );
    assert!(
        !lab.aws.dx_associations["assoc-o"]
            .allowed
            .contains(&"172.30.1.0/24".parse().unwrap())
    );
    pass(&mut lab, 300);
    assert!(
        lab.aws.dx_associations["assoc-o"]
            .allowed
            .contains(&"172.30.1.0/24".parse().unwrap())
    );
}

#[test]
fn a_wider_narrower_or_pending_overlap_is_refused() {
    let mut lab = estate();
    for prefix in [
        "172.30.0.0/16",
        "172.30.1.0/25",
        "172.30.1.0/24",
        "0.0.0.0/0",
    ] {
        refused(
            &mut lab,
            "UpdateDirectConnectGatewayAssociation",
            change("assoc-o", &[prefix], &[]),
        );
    }
    run(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-t", &["10.9.0.0/16"], &[]),
    );
    refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-o", &["10.9.1.0/24"], &[]),
    );
}

#[test]
fn two_gateways_may_announce_the_same_prefix() {
    let mut lab = estate();
    let made = run(
        &mut lab,
        "CreateDirectConnectGatewayAssociation",
        json!({"directConnectGatewayId": "dxgw-2", "gatewayId": "tgw-t",
               "addAllowedPrefixesToDirectConnectGateway": [{"cidr": "172.30.1.0/24"}]}),
    );
    let made = &made["directConnectGatewayAssociation"];
    assert_eq!(made["associationState"], "associating");
    assert_eq!(made["associatedGateway"]["region"], "ap-northeast-1");
    let id = made["associationId"].as_str().unwrap().to_owned();
    pass(&mut lab, 300);
    assert_eq!(association(&mut lab, &id)["associationState"], "associated");
    let region = &lab.aws.regions["ap-northeast-1"];
    let attachment = region.attachments.keys().next().unwrap().clone();
    assert!(
        region.tgw_route_tables["tgw-rtb-1"]
            .propagations
            .contains(&attachment)
    );
    run(
        &mut lab,
        "DeleteDirectConnectGatewayAssociation",
        json!({"associationId": id}),
    );
    assert_eq!(
        association(&mut lab, &id)["associationState"],
        "disassociating"
    );
    pass(&mut lab, 300);
    assert_eq!(association(&mut lab, &id), Json::Null);
    let region = &lab.aws.regions["ap-northeast-1"];
    assert_eq!(region.attachments[&attachment].state, "deleted");
    assert!(region.tgw_route_tables["tgw-rtb-1"].associations.is_empty());
}

#[test]
fn invalid_associations_are_refused() {
    let mut lab = estate();
    let create = |gateway: &str, tgw: &str, cidrs: Json| json!({"directConnectGatewayId": gateway, "gatewayId": tgw, "addAllowedPrefixesToDirectConnectGateway": cidrs});
    let one = json!([{"cidr": "10.9.0.0/16"}]);
    let many: Vec<Json> = (0..201)
        .map(|n| json!({"cidr": format!("10.9.{n}.0/24")}))
        .collect();
    for (body, part) in [
        (create("dxgw-9", "tgw-t", one.clone()), "could not be found"),
        (create("dxgw-2", "tgw-9", one.clone()), "could not be found"),
        (create("dxgw-1", "tgw-t", one.clone()), "already associated"),
        (create("dxgw-2", "tgw-o", one), "ASN"),
        (create("dxgw-2", "tgw-t", json!([])), "required"),
        (
            create("dxgw-2", "tgw-t", json!([{"cidr": "10.9.0.1/16"}])),
            "host bits",
        ),
        (create("dxgw-2", "tgw-t", Json::from(many)), "limit of 200"),
    ] {
        let message = refused(&mut lab, "CreateDirectConnectGatewayAssociation", body);
        assert!(message.contains(part), "{message}");
    }
    refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-t", &[], &["10.0.0.0/8"]),
    );
    refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("nope", &[], &[]),
    );
}

#[test]
fn a_second_change_waits_for_the_first() {
    let mut lab = estate();
    run(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-t", &["10.9.0.0/16"], &[]),
    );
    let message = refused(
        &mut lab,
        "UpdateDirectConnectGatewayAssociation",
        change("assoc-t", &["10.8.0.0/16"], &[]),
    );
    assert!(message.contains("updating"), "{message}");
}

#[test]
fn descriptions_are_filtered_and_paged() {
    let mut lab = estate();
    let by = |lab: &mut LabState, filter: Json| {
        run(lab, "DescribeDirectConnectGatewayAssociations", filter)["directConnectGatewayAssociations"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(by(&mut lab, json!({"directConnectGatewayId": "dxgw-1"})), 2);
    assert_eq!(by(&mut lab, json!({"associatedGatewayId": "tgw-o"})), 1);
    assert_eq!(by(&mut lab, json!({"directConnectGatewayId": "dxgw-2"})), 0);
    refused(
        &mut lab,
        "DescribeDirectConnectGatewayAssociations",
        json!({}),
    );
    let first = run(
        &mut lab,
        "DescribeDirectConnectGateways",
        json!({"maxResults": 1}),
    );
    assert_eq!(
        first["directConnectGateways"][0]["directConnectGatewayId"],
        "dxgw-1"
    );
    let second = run(
        &mut lab,
        "DescribeDirectConnectGateways",
        json!({"maxResults": 1, "nextToken": first["nextToken"]}),
    );
    assert_eq!(second["directConnectGateways"][0]["amazonSideAsn"], 64513);
    assert_eq!(second.get("nextToken"), None);
    let vifs = run(
        &mut lab,
        "DescribeDirectConnectGatewayAttachments",
        json!({"directConnectGatewayId": "dxgw-1"}),
    );
    assert_eq!(
        vifs["directConnectGatewayAttachments"][0]["attachmentState"],
        "attached"
    );
}

#[test]
fn a_gateway_can_be_deleted_once_it_has_no_associations() {
    let mut lab = estate();
    let made = run(
        &mut lab,
        "CreateDirectConnectGateway",
        json!({"directConnectGatewayName": "edge", "amazonSideAsn": 64_900}),
    );
    let id = made["directConnectGateway"]["directConnectGatewayId"].clone();
    assert_eq!(
        made["directConnectGateway"]["directConnectGatewayState"],
        "available"
    );
    let delete = json!({ "directConnectGatewayId": id });
    let gone = run(&mut lab, "DeleteDirectConnectGateway", delete.clone());
    assert_eq!(
        gone["directConnectGateway"]["directConnectGatewayState"],
        "deleted"
    );
    refused(&mut lab, "DeleteDirectConnectGateway", delete);
    let busy = json!({"directConnectGatewayId": "dxgw-1"});
    let why = refused(&mut lab, "DeleteDirectConnectGateway", busy);
    assert!(why.contains("associations"), "{why}");
    let public = json!({"directConnectGatewayName": "edge", "amazonSideAsn": 7224});
    refused(&mut lab, "CreateDirectConnectGateway", public);
}
