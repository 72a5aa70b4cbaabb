//! Tests of VPCs, subnets, route tables and routes (AWS reference §3).

use super::ok;
use super::refused;
use crate::aws::fixture::*;

#[test]
fn a_vpc_is_created_with_its_main_table_and_can_be_deleted() {
    let mut lab = estate();
    let made = ok(
        &mut lab,
        TOKYO,
        "CreateVpc",
        &[("CidrBlock", "10.9.0.7/16")],
    );
    assert_eq!(made.one("cidrBlock"), "10.9.0.0/16");
    let vpc = made.one("vpcId");
    let of_vpc = [
        ("Filter.1.Name", "vpc-id"),
        ("Filter.1.Value.1", vpc.as_str()),
    ];
    let tables = ok(&mut lab, TOKYO, "DescribeRouteTables", &of_vpc);
    assert_eq!(tables.one("main"), "true");
    assert_eq!(tables.one("gatewayId"), "local");
    let params = [("VpcId", vpc.as_str()), ("CidrBlock", "10.9.1.0/24")];
    let subnet = ok(&mut lab, TOKYO, "CreateSubnet", &params);
    assert_eq!(subnet.one("availableIpAddressCount"), "251");
    assert_eq!(
        refused(&mut lab, TOKYO, "CreateSubnet", &params),
        "InvalidSubnet.Conflict"
    );
    let outside = [("VpcId", vpc.as_str()), ("CidrBlock", "10.8.1.0/24")];
    assert_eq!(
        refused(&mut lab, TOKYO, "CreateSubnet", &outside),
        "InvalidSubnet.Range"
    );
    let gone = [("VpcId", vpc.as_str())];
    assert_eq!(
        refused(&mut lab, TOKYO, "DeleteVpc", &gone),
        "DependencyViolation"
    );
    let id = subnet.one("subnetId");
    ok(&mut lab, TOKYO, "DeleteSubnet", &[("SubnetId", &id)]);
    ok(&mut lab, TOKYO, "DeleteVpc", &gone);
    assert!(
        ok(&mut lab, TOKYO, "DescribeRouteTables", &of_vpc)
            .all("item")
            .is_empty()
    );
}

#[test]
fn vpc_attributes_have_defaults_and_can_be_set() {
    let mut lab = estate();
    let ask = [("VpcId", EC2_VPC), ("Attribute", "enableDnsHostnames")];
    assert_eq!(
        ok(&mut lab, TOKYO, "DescribeVpcAttribute", &ask).one("value"),
        "false"
    );
    let set = [("VpcId", EC2_VPC), ("EnableDnsHostnames.Value", "true")];
    ok(&mut lab, TOKYO, "ModifyVpcAttribute", &set);
    assert_eq!(
        ok(&mut lab, TOKYO, "DescribeVpcAttribute", &ask).one("value"),
        "true"
    );
    let unknown = [("VpcId", EC2_VPC), ("Attribute", "colour")];
    let code = refused(&mut lab, TOKYO, "DescribeVpcAttribute", &unknown);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn create_route_refuses_an_existing_one_and_replace_route_a_missing_one() {
    let mut lab = estate();
    let route = [
        ("RouteTableId", NC2_T_TABLE),
        ("DestinationCidrBlock", P),
        ("NetworkInterfaceId", NC2_T_ENI),
    ];
    let code = refused(&mut lab, TOKYO, "ReplaceRoute", &route);
    assert_eq!(code, "InvalidRoute.NotFound");
    ok(&mut lab, TOKYO, "CreateRoute", &route);
    assert_eq!(
        refused(&mut lab, TOKYO, "CreateRoute", &route),
        "RouteAlreadyExists"
    );
    let other = [route[0], route[1], ("TransitGatewayId", TGW_T)];
    ok(&mut lab, TOKYO, "ReplaceRoute", &other);
    ok(&mut lab, TOKYO, "DeleteRoute", &route[..2]);
    let code = refused(&mut lab, TOKYO, "DeleteRoute", &route[..2]);
    assert_eq!(code, "InvalidRoute.NotFound");
}

#[test]
fn a_route_inside_the_vpc_must_be_for_a_whole_subnet() {
    let mut lab = estate();
    let mut code = |range: &str, name: &str, target: &str| {
        let params = [
            ("RouteTableId", EC2_TABLE),
            ("DestinationCidrBlock", range),
            (name, target),
        ];
        refused(&mut lab, TOKYO, "CreateRoute", &params)
    };
    let eni = ("NetworkInterfaceId", "eni-00000002");
    assert_eq!(
        code("172.30.1.10/32", eni.0, eni.1),
        "InvalidParameterValue"
    );
    assert_eq!(code(P, "TransitGatewayId", TGW_T), "InvalidParameterValue");
    assert_eq!(code("172.30.0.0/16", eni.0, eni.1), "InvalidParameterValue");
    assert_eq!(code("172.30.9.0/24", eni.0, eni.1), "InvalidParameterValue");
    assert_eq!(
        code("192.168.0.0/24", "NetworkInterfaceId", NC2_T_ENI),
        "InvalidParameterValue"
    );
    let whole = [
        ("RouteTableId", EC2_TABLE),
        ("DestinationCidrBlock", P),
        eni,
    ];
    ok(&mut lab, TOKYO, "CreateRoute", &whole);
}

#[test]
fn a_route_is_a_blackhole_when_its_target_is_deleted() {
    let mut lab = estate();
    lab.transit_erp(0, true);
    let table = [("RouteTableId.1", NC2_T_TABLE)];
    let states = |answer: &super::Answer| -> Vec<(String, String)> {
        let destinations = answer.all("destinationCidrBlock");
        // The association's state comes after the states of the routes.
        destinations.into_iter().zip(answer.all("state")).collect()
    };
    let of = |all: &[(String, String)], range: &str| {
        let found = all.iter().find(|(destination, _)| destination == range);
        found.unwrap().1.clone()
    };
    let answer = states(&ok(&mut lab, TOKYO, "DescribeRouteTables", &table));
    assert_eq!(of(&answer, P), "active");
    let region = lab.region(TOKYO);
    region.enis.remove(NC2_T_ENI);
    region.attachments.get_mut(A_NC2_T).unwrap().state = "deleted".to_owned();
    let answer = states(&ok(&mut lab, TOKYO, "DescribeRouteTables", &table));
    assert_eq!(of(&answer, P), "blackhole");
    assert_eq!(of(&answer, "10.0.0.0/16"), "blackhole");
    assert_eq!(of(&answer, "0.0.0.0/0"), "active");
}

#[test]
fn a_subnet_has_one_route_table() {
    let mut lab = estate();
    let of_vpc = [("VpcId", EC2_VPC)];
    let first = ok(&mut lab, TOKYO, "CreateRouteTable", &of_vpc).one("routeTableId");
    let second = ok(&mut lab, TOKYO, "CreateRouteTable", &of_vpc).one("routeTableId");
    let params = [("RouteTableId", first.as_str()), ("SubnetId", EC2_APP)];
    let id = ok(&mut lab, TOKYO, "AssociateRouteTable", &params).one("associationId");
    let again = ok(&mut lab, TOKYO, "AssociateRouteTable", &params).one("associationId");
    assert_eq!(id, again);
    let other = [("RouteTableId", second.as_str()), ("SubnetId", EC2_APP)];
    let code = refused(&mut lab, TOKYO, "AssociateRouteTable", &other);
    assert_eq!(code, "Resource.AlreadyAssociated");
    let table = [("RouteTableId", first.as_str())];
    assert_eq!(
        refused(&mut lab, TOKYO, "DeleteRouteTable", &table),
        "DependencyViolation"
    );
    ok(
        &mut lab,
        TOKYO,
        "DisassociateRouteTable",
        &[("AssociationId", &id)],
    );
    ok(&mut lab, TOKYO, "DeleteRouteTable", &table);
    let foreign = [("RouteTableId", second.as_str()), ("SubnetId", NC2_T_METAL)];
    let code = refused(&mut lab, TOKYO, "AssociateRouteTable", &foreign);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn a_subnet_or_vpc_in_use_cannot_be_deleted() {
    let mut lab = estate();
    for subnet in [EC2_APP, EC2_TGW] {
        let code = refused(&mut lab, TOKYO, "DeleteSubnet", &[("SubnetId", subnet)]);
        assert_eq!(code, "DependencyViolation");
    }
}
