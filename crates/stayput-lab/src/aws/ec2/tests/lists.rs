//! Tests of the common parts of lists, and of the envelope.

use super::call;
use super::ok;
use super::refused;
use crate::aws::fixture::*;
use crate::aws::model::Address;
use crate::aws::model::Tags;

#[test]
fn an_unknown_action_is_refused_with_ec2s_message() {
    let mut lab = estate();
    let answer = call(&mut lab, TOKYO, "ExplodeInstances", &[]);
    assert_eq!(
        (answer.status, answer.one("Code").as_str()),
        (400, "InvalidAction")
    );
}

#[test]
fn missing_ids_and_malformed_ids_have_different_codes() {
    let mut lab = estate();
    let mut code = |action: &str, parameter: &str, id: &str| {
        refused(&mut lab, TOKYO, action, &[(parameter, id)])
    };
    for (action, parameter, prefix, not_found, malformed) in [
        (
            "DescribeInstances",
            "InstanceId.1",
            "i-",
            "InvalidInstanceID.NotFound",
            "InvalidInstanceID.Malformed",
        ),
        (
            "DescribeVpcs",
            "VpcId.1",
            "vpc-",
            "InvalidVpcID.NotFound",
            "InvalidVpcID.Malformed",
        ),
        (
            "DescribeSubnets",
            "SubnetId.1",
            "subnet-",
            "InvalidSubnetID.NotFound",
            "InvalidSubnetID.Malformed",
        ),
        (
            "DescribeRouteTables",
            "RouteTableId.1",
            "rtb-",
            "InvalidRouteTableID.NotFound",
            "InvalidRouteTableId.Malformed",
        ),
        (
            "DescribeNetworkInterfaces",
            "NetworkInterfaceId.1",
            "eni-",
            "InvalidNetworkInterfaceID.NotFound",
            "InvalidNetworkInterfaceId.Malformed",
        ),
        (
            "DescribeTransitGateways",
            "TransitGatewayIds.1",
            "tgw-",
            "InvalidTransitGatewayID.NotFound",
            "InvalidTransitGatewayID.Malformed",
        ),
        (
            "DescribeTransitGatewayAttachments",
            "TransitGatewayAttachmentIds.1",
            "tgw-attach-",
            "InvalidTransitGatewayAttachmentID.NotFound",
            "InvalidTransitGatewayAttachmentID.Malformed",
        ),
        (
            "DescribeTransitGatewayRouteTables",
            "TransitGatewayRouteTableIds.1",
            "tgw-rtb-",
            "InvalidRouteTableID.NotFound",
            "InvalidRouteTableId.Malformed",
        ),
    ] {
        assert_eq!(
            code(action, parameter, &format!("{prefix}0123456789abcdef0")),
            not_found
        );
        assert_eq!(code(action, parameter, &format!("{prefix}XYZ")), malformed);
        assert_eq!(code(action, parameter, "nothing"), malformed);
    }
}

#[test]
fn pages_of_any_size_together_have_every_item_once() {
    let mut lab = estate();
    for host in 20..60u8 {
        let region = lab.region(TOKYO);
        let mut instance = region.instances[APP].clone();
        instance.tags = Tags::from([("Name".to_owned(), format!("many-{host}"))]);
        region
            .instances
            .insert(format!("i-000000{host:02x}"), instance);
    }
    for cap in [None, Some(3), Some(20)] {
        lab.aws.page_cap = cap;
        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let params = [
                ("MaxResults", "7"),
                ("NextToken", token.as_str()),
                ("Filter.1.Name", "tag:Name"),
                ("Filter.1.Value.1", "many-*"),
            ];
            let answer = ok(&mut lab, TOKYO, "DescribeInstances", &params);
            let page = answer.all("instanceId");
            assert!(page.len() <= cap.unwrap_or(7).min(7));
            found.extend(page);
            match answer.all("nextToken").pop() {
                Some(next) => token = next,
                None => break,
            }
        }
        assert_eq!(found.len(), 40);
        found.dedup();
        assert_eq!(found.len(), 40);
    }
    for (name, value) in [
        ("MaxResults", "4"),
        ("MaxResults", "1001"),
        ("NextToken", "rubbish"),
    ] {
        let code = refused(&mut lab, TOKYO, "DescribeInstances", &[(name, value)]);
        assert_eq!(code, "InvalidParameterValue");
    }
    let both = [("InstanceId.1", APP), ("MaxResults", "5")];
    let code = refused(&mut lab, TOKYO, "DescribeInstances", &both);
    assert_eq!(code, "InvalidParameterCombination");
}

#[test]
fn a_page_continues_after_an_item_that_was_deleted() {
    let mut lab = estate();
    lab.aws.page_cap = Some(2);
    let first = ok(&mut lab, TOKYO, "DescribeNetworkInterfaces", &[]);
    lab.region(TOKYO).enis.remove("eni-00000001");
    let token = first.one("nextToken");
    let second = ok(
        &mut lab,
        TOKYO,
        "DescribeNetworkInterfaces",
        &[("NextToken", &token)],
    );
    assert_eq!(second.one("networkInterfaceId"), NC2_T_ENI);
}

#[test]
fn an_unknown_filter_is_refused_and_several_filters_must_all_match() {
    let mut lab = estate();
    let unknown = [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")];
    for action in [
        "DescribeInstances",
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeRouteTables",
        "DescribeNetworkInterfaces",
        "DescribeTags",
        "DescribeAddresses",
        "DescribeRegions",
        "DescribeTransitGateways",
    ] {
        assert_eq!(
            refused(&mut lab, TOKYO, action, &unknown),
            "InvalidParameterValue"
        );
    }
    let both = [
        ("Filter.1.Name", "vpc-id"),
        ("Filter.1.Value.1", EC2_VPC),
        ("Filter.2.Name", "cidr-block"),
        ("Filter.2.Value.1", P),
        ("Filter.2.Value.2", "10.101.1.0/24"),
    ];
    assert_eq!(
        ok(&mut lab, TOKYO, "DescribeSubnets", &both).all("subnetId"),
        [EC2_APP]
    );
}

#[test]
fn every_filter_of_every_list_is_usable() {
    // Names that must match an object in the estate, with a value that they match.
    let cases = [
        ("DescribeInstances", "private-ip-address", "172.30.1.10"),
        ("DescribeInstances", "instance-state-name", "running"),
        (
            "DescribeInstances",
            "network-interface.addresses.private-ip-address",
            "172.30.1.10",
        ),
        ("DescribeInstances", "subnet-id", EC2_APP),
        ("DescribeInstances", "tag-key", "Name"),
        ("DescribeNetworkInterfaces", "attachment.instance-id", APP),
        (
            "DescribeNetworkInterfaces",
            "addresses.private-ip-address",
            "172.30.1.10",
        ),
        ("DescribeNetworkInterfaces", "source-dest-check", "false"),
        ("DescribeRouteTables", "association.main", "true"),
        ("DescribeRouteTables", "route.transit-gateway-id", TGW_T),
        ("DescribeRouteTables", "route.gateway-id", "local"),
        (
            "DescribeVpcs",
            "cidr-block-association.cidr-block",
            "172.30.0.0/16",
        ),
        (
            "DescribeTransitGateways",
            "options.amazon-side-asn",
            "64512",
        ),
        ("DescribeTransitGatewayAttachments", "resource-type", "vpn"),
        (
            "DescribeTransitGatewayAttachments",
            "association.transit-gateway-route-table-id",
            TABLE_T,
        ),
        ("DescribeTransitGatewayVpcAttachments", "vpc-id", EC2_VPC),
        (
            "DescribeTransitGatewayPeeringAttachments",
            "state",
            "available",
        ),
        (
            "DescribeTransitGatewayRouteTables",
            "transit-gateway-id",
            TGW_T,
        ),
        ("DescribeVpnConnections", "transit-gateway-id", TGW_T),
        ("DescribeSecurityGroups", "vpc-id", EC2_VPC),
        ("DescribeNetworkAcls", "association.subnet-id", EC2_APP),
        ("DescribeDhcpOptions", "value", "AmazonProvidedDNS"),
        ("DescribeAvailabilityZones", "zone-name", "ap-northeast-1a"),
        ("DescribeRegions", "region-name", OSAKA),
        ("DescribeTags", "resource-id", APP),
        ("DescribeTags", "tag:Name", "name of *"),
        ("DescribeVolumes", "attachment.instance-id", APP),
    ];
    let mut lab = estate();
    for (action, name, value) in cases {
        let params = [("Filter.1.Name", name), ("Filter.1.Value.1", value)];
        let hit = ok(&mut lab, TOKYO, action, &params);
        assert!(!hit.all("item").is_empty(), "{action} {name}");
        let params = [
            ("Filter.1.Name", name),
            ("Filter.1.Value.1", "no such value"),
        ];
        let miss = ok(&mut lab, TOKYO, action, &params);
        assert!(miss.all("item").is_empty(), "{action} {name}");
    }
}

#[test]
fn tags_are_created_replaced_and_deleted() {
    let mut lab = estate();
    let both = [
        ("ResourceId.1", APP),
        ("ResourceId.2", A_EC2),
        ("Tag.1.Key", "Wave"),
        ("Tag.1.Value", "1"),
        ("Tag.2.Key", "Empty"),
        ("Tag.2.Value", ""),
    ];
    ok(&mut lab, TOKYO, "CreateTags", &both);
    let waves = [("Filter.1.Name", "key"), ("Filter.1.Value.1", "Wave")];
    let answer = ok(&mut lab, TOKYO, "DescribeTags", &waves);
    assert_eq!(answer.all("resourceId"), [APP, A_EC2]);
    assert_eq!(
        answer.all("resourceType"),
        ["instance", "transit-gateway-attachment"]
    );
    let other_value = [
        ("ResourceId.1", APP),
        ("Tag.1.Key", "Wave"),
        ("Tag.1.Value", "2"),
    ];
    ok(&mut lab, TOKYO, "DeleteTags", &other_value);
    assert_eq!(
        ok(&mut lab, TOKYO, "DescribeTags", &waves).all("key").len(),
        2
    );
    ok(
        &mut lab,
        TOKYO,
        "DeleteTags",
        &[("ResourceId.1", APP), ("Tag.1.Key", "Wave")],
    );
    assert_eq!(
        ok(&mut lab, TOKYO, "DescribeTags", &waves).all("resourceId"),
        [A_EC2]
    );
    ok(&mut lab, TOKYO, "DeleteTags", &[("ResourceId.1", A_EC2)]);
    assert!(lab.region(TOKYO).attachments[A_EC2].tags.is_empty());
    let unknown = [("ResourceId.1", "i-0000dead"), ("Tag.1.Key", "a")];
    assert_eq!(
        refused(&mut lab, TOKYO, "CreateTags", &unknown),
        "InvalidID"
    );
}

#[test]
fn an_elastic_ip_is_listed_with_its_interface_and_instance() {
    let mut lab = estate();
    let address = Address {
        public: [203, 0, 113, 9].into(),
        association: Some(("eni-00000001".to_owned(), ADDRESS)),
        tags: Tags::new(),
    };
    let addresses = &mut lab.region(TOKYO).addresses;
    addresses.insert("eipalloc-00000001".to_owned(), address);
    let by_instance = [("Filter.1.Name", "instance-id"), ("Filter.1.Value.1", APP)];
    let answer = ok(&mut lab, TOKYO, "DescribeAddresses", &by_instance);
    assert_eq!(answer.one("publicIp"), "203.0.113.9");
    let answer = ok(
        &mut lab,
        TOKYO,
        "DescribeInstances",
        &[("InstanceId.1", APP)],
    );
    assert_eq!(answer.one("ipAddress"), "203.0.113.9");
    let by_public = [
        ("Filter.1.Name", "association.public-ip"),
        ("Filter.1.Value.1", "203.0.113.9"),
    ];
    let answer = ok(&mut lab, TOKYO, "DescribeNetworkInterfaces", &by_public);
    assert_eq!(answer.one("networkInterfaceId"), "eni-00000001");
    let code = refused(
        &mut lab,
        TOKYO,
        "DescribeAddresses",
        &[("PublicIp.1", "203.0.113.10")],
    );
    assert_eq!(code, "InvalidAddress.NotFound");
}

#[test]
fn a_region_without_resources_is_empty_and_not_an_error() {
    let mut lab = estate();
    assert!(
        ok(&mut lab, "us-east-1", "DescribeVpcs", &[])
            .all("item")
            .is_empty()
    );
}
