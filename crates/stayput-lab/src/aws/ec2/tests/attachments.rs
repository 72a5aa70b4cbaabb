//! Tests of attachments, associations and peerings of Transit Gateways, VPNs, and NC2's routes (AWS reference §1.1, §1.3, §4).

use stayput_estate::Cidr;

use super::ok;
use super::refused;
use super::transit::exact;
use crate::aws::fixture::*;
use crate::aws::model::RouteTarget;

#[test]
fn deleting_an_attachment_ends_propagation_and_makes_static_routes_blackholes() {
    let mut lab = estate();
    lab.route(TABLE_T, P, Some(A_EC2));
    let attachment = [("TransitGatewayAttachmentId", A_EC2)];
    let deleting = ok(
        &mut lab,
        TOKYO,
        "DeleteTransitGatewayVpcAttachment",
        &attachment,
    );
    assert_eq!(deleting.one("state"), "deleting");
    assert_eq!(exact(&mut lab, P), [format!("{P} - static blackhole")]);
    assert!(exact(&mut lab, "172.30.0.0/16").is_empty());
    lab.one_second();
    let listed = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", EC2_VPC)];
    let list = ok(
        &mut lab,
        TOKYO,
        "DescribeTransitGatewayVpcAttachments",
        &listed,
    );
    assert_eq!(list.one("state"), "deleted");
    // A second attachment of the VPC has another id and does not repair the route.
    let again = [
        ("TransitGatewayId", TGW_T),
        ("VpcId", EC2_VPC),
        ("SubnetIds.1", EC2_TGW),
    ];
    let made = ok(&mut lab, TOKYO, "CreateTransitGatewayVpcAttachment", &again);
    assert_ne!(made.one("transitGatewayAttachmentId"), A_EC2);
    lab.one_second();
    assert_eq!(exact(&mut lab, P), [format!("{P} - static blackhole")]);
    lab.advance(std::time::Duration::from_secs(3 * 3600));
    assert!(!lab.region(TOKYO).attachments.contains_key(A_EC2));
}

#[test]
fn an_attachment_is_pending_then_available_and_joins_the_default_table() {
    let mut lab = estate();
    let tgw = ok(&mut lab, TOKYO, "CreateTransitGateway", &[]).one("transitGatewayId");
    let described = ok(
        &mut lab,
        TOKYO,
        "DescribeTransitGateways",
        &[("TransitGatewayIds.1", &tgw)],
    );
    let table = described.one("associationDefaultRouteTableId");
    assert_eq!(described.one("propagationDefaultRouteTableId"), table);
    let params = [
        ("TransitGatewayId", tgw.as_str()),
        ("VpcId", EC2_VPC),
        ("SubnetIds.1", EC2_TGW),
        (
            "TagSpecifications.1.ResourceType",
            "transit-gateway-attachment",
        ),
        ("TagSpecifications.1.Tag.1.Key", "Name"),
        ("TagSpecifications.1.Tag.1.Value", "to <all>"),
    ];
    let made = ok(
        &mut lab,
        TOKYO,
        "CreateTransitGatewayVpcAttachment",
        &params,
    );
    assert_eq!(made.one("state"), "pending");
    assert_eq!(made.one("value"), "to <all>");
    let code = refused(
        &mut lab,
        TOKYO,
        "CreateTransitGatewayVpcAttachment",
        &params,
    );
    assert_eq!(code, "DuplicateTransitGatewayAttachment");
    lab.one_second();
    let id = made.one("transitGatewayAttachmentId");
    for (action, element) in [
        ("GetTransitGatewayRouteTableAssociations", "associated"),
        ("GetTransitGatewayRouteTablePropagations", "enabled"),
    ] {
        let answer = ok(
            &mut lab,
            TOKYO,
            action,
            &[("TransitGatewayRouteTableId", &table)],
        );
        assert_eq!(answer.one("transitGatewayAttachmentId"), id);
        assert_eq!(answer.one("state"), element);
    }
    let code = refused(
        &mut lab,
        TOKYO,
        "DeleteTransitGateway",
        &[("TransitGatewayId", &tgw)],
    );
    assert_eq!(code, "IncorrectState");
    let code = refused(
        &mut lab,
        TOKYO,
        "DeleteTransitGatewayRouteTable",
        &[("TransitGatewayRouteTableId", &table)],
    );
    assert_eq!(code, "IncorrectState");
}

#[test]
fn an_attachment_needs_a_subnet_and_refuses_changes_while_modifying() {
    let mut lab = estate();
    let id = ("TransitGatewayAttachmentId", A_EC2);
    let none_left = [id, ("RemoveSubnetIds.1", EC2_TGW)];
    let code = refused(
        &mut lab,
        TOKYO,
        "ModifyTransitGatewayVpcAttachment",
        &none_left,
    );
    assert_eq!(code, "InsufficientSubnetsException");
    let same_zone = [id, ("AddSubnetIds.1", EC2_APP)];
    let code = refused(
        &mut lab,
        TOKYO,
        "ModifyTransitGatewayVpcAttachment",
        &same_zone,
    );
    assert_eq!(code, "DuplicateSubnetsInSameZone");
    let swap = [
        id,
        ("AddSubnetIds.1", EC2_APP),
        ("RemoveSubnetIds.1", EC2_TGW),
    ];
    let answer = ok(&mut lab, TOKYO, "ModifyTransitGatewayVpcAttachment", &swap);
    assert_eq!(answer.one("state"), "modifying");
    let code = refused(&mut lab, TOKYO, "ModifyTransitGatewayVpcAttachment", &swap);
    assert_eq!(code, "IncorrectState");
    lab.one_second();
    assert_eq!(lab.region(TOKYO).attachments[A_EC2].state, "available");
}

#[test]
fn duplicate_associations_and_propagations_are_refused() {
    let mut lab = estate();
    let pair = [
        ("TransitGatewayRouteTableId", TABLE_T),
        ("TransitGatewayAttachmentId", A_EC2),
    ];
    let mut code = |action: &str| refused(&mut lab, TOKYO, action, &pair);
    assert_eq!(
        code("AssociateTransitGatewayRouteTable"),
        "Resource.AlreadyAssociated"
    );
    assert_eq!(
        code("EnableTransitGatewayRouteTablePropagation"),
        "TransitGatewayRouteTablePropagation.Duplicate"
    );
    for action in [
        "DisableTransitGatewayRouteTablePropagation",
        "DisassociateTransitGatewayRouteTable",
    ] {
        ok(&mut lab, TOKYO, action, &pair);
    }
    let mut code = |action: &str| refused(&mut lab, TOKYO, action, &pair);
    assert_eq!(
        code("DisableTransitGatewayRouteTablePropagation"),
        "TransitGatewayRouteTablePropagation.NotFound"
    );
    assert_eq!(
        code("DisassociateTransitGatewayRouteTable"),
        "InvalidAssociation.NotFound"
    );
    ok(&mut lab, TOKYO, "AssociateTransitGatewayRouteTable", &pair);
}

#[test]
fn a_peering_can_only_be_accepted_in_the_accepters_region() {
    let mut lab = estate();
    let far = ok(&mut lab, OSAKA, "CreateTransitGateway", &[]).one("transitGatewayId");
    let params = [
        ("TransitGatewayId", TGW_T),
        ("PeerTransitGatewayId", far.as_str()),
        ("PeerAccountId", "111122223333"),
        ("PeerRegion", OSAKA),
        (
            "TagSpecification.1.ResourceType",
            "transit-gateway-attachment",
        ),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "asker"),
    ];
    let made = ok(
        &mut lab,
        TOKYO,
        "CreateTransitGatewayPeeringAttachment",
        &params,
    );
    let id = made.one("transitGatewayAttachmentId");
    let accept = [("TransitGatewayAttachmentId", id.as_str())];
    let code = refused(
        &mut lab,
        OSAKA,
        "AcceptTransitGatewayPeeringAttachment",
        &accept,
    );
    assert_eq!(code, "IncorrectState");
    lab.one_second();
    let code = refused(
        &mut lab,
        TOKYO,
        "AcceptTransitGatewayPeeringAttachment",
        &accept,
    );
    assert_eq!(code, "IncorrectState");
    let accepted = ok(
        &mut lab,
        OSAKA,
        "AcceptTransitGatewayPeeringAttachment",
        &accept,
    );
    assert_eq!(accepted.one("state"), "pending");
    assert!(accepted.all("key").is_empty());
    lab.one_second();
    let by_id = [("TransitGatewayAttachmentIds.1", id.as_str())];
    let mut infos = Vec::new();
    for region in [TOKYO, OSAKA] {
        let seen = ok(
            &mut lab,
            region,
            "DescribeTransitGatewayPeeringAttachments",
            &by_id,
        );
        assert_eq!(seen.one("state"), "available");
        infos.push((seen.all("transitGatewayId"), seen.all("region")));
    }
    assert_eq!(infos[0], infos[1]);
    // The accepter's gateway has default tables; a peering is only associated.
    let seen = ok(&mut lab, OSAKA, "DescribeTransitGatewayAttachments", &by_id);
    assert_eq!(seen.all("association").len(), 1);
    assert_eq!(seen.one("resourceId"), TGW_T);
    ok(
        &mut lab,
        TOKYO,
        "DeleteTransitGatewayPeeringAttachment",
        &accept,
    );
    lab.one_second();
    let seen = ok(
        &mut lab,
        OSAKA,
        "DescribeTransitGatewayPeeringAttachments",
        &by_id,
    );
    assert_eq!(seen.one("state"), "deleted");
    let code = refused(
        &mut lab,
        OSAKA,
        "DeleteTransitGatewayPeeringAttachment",
        &accept,
    );
    assert_eq!(code, "InvalidTransitGatewayAttachmentID.NotFound");
}

#[test]
fn a_vpn_lists_its_tunnels_and_learned_routes() {
    let mut lab = estate();
    lab.region(TOKYO).vpns.get_mut(VPN_T).unwrap().tunnels_up = 1;
    let by_id = [("VpnConnectionId.1", VPN_T)];
    let answer = ok(&mut lab, TOKYO, "DescribeVpnConnections", &by_id);
    assert_eq!(answer.all("status"), ["UP", "DOWN"]);
    assert_eq!(answer.all("acceptedRouteCount"), ["1", "0"]);
    assert_eq!(answer.one("staticRoutesOnly"), "false");
    let unknown = [("VpnConnectionId.1", "vpn-0000dead")];
    let code = refused(&mut lab, TOKYO, "DescribeVpnConnections", &unknown);
    assert_eq!(code, "InvalidVpnConnectionID.NotFound");
}

#[test]
fn nc2_deletes_its_own_routes_only() {
    let mut lab = estate();
    let elsewhere = RouteTarget::Tgw(TGW_T.to_owned());
    let tables = &mut lab.region(TOKYO).route_tables;
    tables
        .get_mut(NC2_T_TABLE)
        .unwrap()
        .routes
        .insert(cidr(P), elsewhere.clone());
    crate::aws::set_nc2_route(&mut lab, TOKYO, NC2_T, cidr(P), None);
    assert_eq!(
        lab.region(TOKYO).route_tables[NC2_T_TABLE].routes[&cidr(P)],
        elsewhere
    );
    crate::aws::set_nc2_route(&mut lab, TOKYO, NC2_T, cidr(P), Some(NC2_T_ENI));
    let routes: Vec<(&Cidr, &RouteTarget)> = lab.region(TOKYO).route_tables[NC2_T_TABLE]
        .routes
        .iter()
        .filter(|(range, _)| **range == cidr(P))
        .collect();
    assert_eq!(
        routes,
        [(&cidr(P), &RouteTarget::Eni(NC2_T_ENI.to_owned()))]
    );
}
