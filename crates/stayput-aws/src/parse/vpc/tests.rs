//! Samples written by hand after the public EC2 API reference.

use super::*;
use crate::xml::read_document;

fn first<T>(
    xml: &str,
    list: &str,
    read: fn(Element<'_, '_>) -> Result<Option<T>, Malformed>,
) -> Option<T> {
    read_document(xml.as_bytes(), |root| {
        root.items(list).next().map_or(Ok(None), read)
    })
    .unwrap()
}

#[test]
fn a_vpc_has_its_primary_cidr_first_and_only_associated_ones() {
    let xml = r#"<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet><item>
      <vpcId>vpc-1</vpcId><state>available</state><cidrBlock>172.30.0.0/16</cidrBlock>
      <cidrBlockAssociationSet>
        <item><cidrBlock>10.9.0.0/16</cidrBlock><associationId>a-1</associationId><cidrBlockState><state>associated</state></cidrBlockState></item>
        <item><cidrBlock>172.30.0.0/16</cidrBlock><associationId>a-2</associationId><cidrBlockState><state>associated</state></cidrBlockState></item>
        <item><cidrBlock>10.8.0.0/16</cidrBlock><associationId>a-3</associationId><cidrBlockState><state>disassociated</state></cidrBlockState></item>
      </cidrBlockAssociationSet>
      <tagSet><item><key>Name</key><value>old</value></item><item><key>empty</key><value/></item></tagSet>
    </item></vpcSet></DescribeVpcsResponse>"#;
    let (id, vpc) = first(xml, "vpcSet", vpc).unwrap();
    assert_eq!(id.as_str(), "vpc-1");
    assert_eq!(
        vpc.cidrs,
        ["172.30.0.0/16", "10.9.0.0/16"].map(|cidr| cidr.parse().unwrap())
    );
    assert_eq!(vpc.tags["Name"], "old");
    assert_eq!(vpc.tags["empty"], "");
}

#[test]
fn a_route_table_knows_every_kind_of_target() {
    let xml = r#"<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>
      <routeSet>
        <item><destinationCidrBlock>10.101.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state><origin>CreateRouteTable</origin></item>
        <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state><origin>CreateRoute</origin></item>
        <item><destinationCidrBlock>172.30.1.0/24</destinationCidrBlock><instanceId>i-1</instanceId><instanceOwnerId>1</instanceOwnerId><networkInterfaceId>eni-1</networkInterfaceId><state>blackhole</state><origin>CreateRoute</origin></item>
        <item><destinationPrefixListId>pl-1</destinationPrefixListId><gatewayId>vpce-1</gatewayId><state>active</state><origin>CreateRoute</origin></item>
        <item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId><state>active</state><origin>CreateRoute</origin></item>
        <item><destinationCidrBlock>10.0.0.0/8</destinationCidrBlock><transitGatewayId>tgw-1</transitGatewayId><state>active</state><origin>CreateRoute</origin></item>
        <item><destinationCidrBlock>10.5.0.0/16</destinationCidrBlock><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>active</state><origin>CreateRoute</origin></item>
        <item><destinationCidrBlock>10.6.0.0/16</destinationCidrBlock><gatewayId>vgw-1</gatewayId><state>active</state><origin>EnableVgwRoutePropagation</origin></item>
        <item><destinationCidrBlock>10.7.0.0/16</destinationCidrBlock><odbNetworkArn>arn:odb</odbNetworkArn><state>filtered</state><origin>Advertisement</origin></item>
      </routeSet>
      <associationSet>
        <item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId><main>true</main><associationState><state>associated</state></associationState></item>
        <item><routeTableAssociationId>rtbassoc-2</routeTableAssociationId><subnetId>subnet-1</subnetId><main>false</main><associationState><state>associated</state></associationState></item>
        <item><routeTableAssociationId>rtbassoc-3</routeTableAssociationId><subnetId>subnet-2</subnetId><main>false</main><associationState><state>disassociated</state></associationState></item>
      </associationSet></item></routeTableSet></R>"#;
    let (_, table) = first(xml, "routeTableSet", route_table).unwrap();
    assert!(table.main);
    assert_eq!(table.subnets, BTreeSet::from([SubnetId::new("subnet-1")]));
    let targets: Vec<VpcRouteTarget> = table
        .routes
        .iter()
        .map(|route| route.target.clone())
        .collect();
    assert_eq!(
        targets,
        [
            VpcRouteTarget::Local,
            VpcRouteTarget::Gateway("nat-1".to_owned()),
            VpcRouteTarget::Eni(EniId::new("eni-1")),
            VpcRouteTarget::Gateway("vpce-1".to_owned()),
            VpcRouteTarget::Gateway("eigw-1".to_owned()),
            VpcRouteTarget::Tgw(TgwId::new("tgw-1")),
            VpcRouteTarget::Peering("pcx-1".to_owned()),
            VpcRouteTarget::Gateway("vgw-1".to_owned()),
            VpcRouteTarget::Unknown("odbNetworkArn=arn:odb".to_owned()),
        ]
    );
    assert_eq!(table.routes[2].state, VpcRouteState::Blackhole);
    assert_eq!(
        table.routes[8].state,
        VpcRouteState::Unknown("filtered".to_owned())
    );
    assert!(table.routes[7].propagated && !table.routes[0].propagated);
    assert_eq!(
        table.routes[3].destination,
        RouteDestination::PrefixList(PrefixListId::new("pl-1"))
    );
    assert_eq!(
        table.routes[4].destination,
        RouteDestination::Ipv6("::/0".to_owned())
    );
}

#[test]
fn an_interface_keeps_secondary_public_and_uncarried_addresses_apart() {
    let xml = r#"<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId>
      <vpcId>vpc-1</vpcId><description/><requesterManaged>false</requesterManaged><status>in-use</status>
      <macAddress>06:1a:2b:3c:4d:5e</macAddress><privateIpAddress>172.30.1.34</privateIpAddress>
      <sourceDestCheck>false</sourceDestCheck><interfaceType>interface</interfaceType>
      <attachment><attachmentId>eni-attach-1</attachmentId><instanceId>i-1</instanceId><deviceIndex>1</deviceIndex><status>attached</status></attachment>
      <privateIpAddressesSet>
        <item><privateIpAddress>172.30.1.34</privateIpAddress><primary>true</primary><association><publicIp>203.0.113.9</publicIp></association></item>
        <item><privateIpAddress>172.30.1.35</privateIpAddress><primary>false</primary></item>
      </privateIpAddressesSet>
      <ipv6AddressesSet><item><ipv6Address>2001:db8::1</ipv6Address></item></ipv6AddressesSet>
      <ipv4PrefixSet><item><ipv4Prefix>172.30.1.48/28</ipv4Prefix></item></ipv4PrefixSet>
    </item></networkInterfaceSet></R>"#;
    let (_, eni) = first(xml, "networkInterfaceSet", eni).unwrap();
    assert_eq!(eni.attached_to, Some((InstanceId::new("i-1"), 1)));
    assert_eq!(eni.secondary, [Ipv4Addr::new(172, 30, 1, 35)]);
    assert_eq!(
        eni.public[&Ipv4Addr::new(172, 30, 1, 34)],
        Ipv4Addr::new(203, 0, 113, 9)
    );
    assert_eq!(eni.not_carried, ["2001:db8::1", "172.30.1.48/28"]);
    assert!(!eni.source_dest_check && eni.in_use && !eni.requester_managed);
    assert_eq!(eni.description, "");
}

#[test]
fn an_interface_of_a_service_is_attached_to_no_instance_of_ours() {
    let xml = r#"<R><networkInterfaceSet><item><networkInterfaceId>eni-2</networkInterfaceId><subnetId>subnet-1</subnetId>
      <vpcId>vpc-1</vpcId><description>Network Interface for Transit Gateway Attachment tgw-attach-1</description>
      <requesterManaged>true</requesterManaged><status>in-use</status><macAddress>06:1a:2b:3c:4d:5f</macAddress>
      <privateIpAddress>172.30.1.7</privateIpAddress><sourceDestCheck>true</sourceDestCheck><interfaceType>transit_gateway</interfaceType>
      <attachment><attachmentId>ela-attach-1</attachmentId><instanceOwnerId>amazon-aws</instanceOwnerId><deviceIndex>1</deviceIndex></attachment>
    </item></networkInterfaceSet></R>"#;
    let (_, eni) = first(xml, "networkInterfaceSet", eni).unwrap();
    assert_eq!(eni.attached_to, None);
    assert!(eni.in_use && eni.requester_managed && eni.source_dest_check);
    assert_eq!(eni.interface_type, "transit_gateway");
}

#[test]
fn what_has_no_ipv4_address_is_left_out() {
    let subnet_xml = "<R><subnetSet><item><subnetId>subnet-6</subnetId><vpcId>vpc-1</vpcId><ipv6Native>true</ipv6Native>\
                      </item></subnetSet></R>";
    assert_eq!(first(subnet_xml, "subnetSet", subnet), None);
    let eni_xml = "<R><networkInterfaceSet><item><networkInterfaceId>eni-6</networkInterfaceId></item>\
                   </networkInterfaceSet></R>";
    assert_eq!(first(eni_xml, "networkInterfaceSet", eni), None);
}

#[test]
fn an_instance_has_its_interfaces_by_card_and_device() {
    let xml = r#"<R><reservationSet><item><reservationId>r-1</reservationId><instancesSet><item>
      <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>80</code><name>stopped</name></instanceState>
      <instanceType>m5.large</instanceType><platform>windows</platform><platformDetails>Windows</platformDetails>
      <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><architecture>x86_64</architecture><rootDeviceName>/dev/sda1</rootDeviceName>
      <tagSet><item><key>Name</key><value>web</value></item></tagSet>
      <networkInterfaceSet>
        <item><networkInterfaceId>eni-3</networkInterfaceId><attachment><deviceIndex>0</deviceIndex><networkCardIndex>1</networkCardIndex></attachment></item>
        <item><networkInterfaceId>eni-2</networkInterfaceId><attachment><deviceIndex>1</deviceIndex><networkCardIndex>0</networkCardIndex></attachment></item>
        <item><networkInterfaceId>eni-1</networkInterfaceId><attachment><deviceIndex>0</deviceIndex><networkCardIndex>0</networkCardIndex></attachment></item>
      </networkInterfaceSet></item>
      <item><instanceId>i-2</instanceId><instanceState><name>terminated</name></instanceState></item>
      <item><instanceId>i-3</instanceId><instanceState><name>hibernating</name></instanceState></item>
      </instancesSet></item></reservationSet></R>"#;
    let instances = first(xml, "reservationSet", reservation).unwrap();
    let (_, web) = &instances[0];
    assert_eq!(web.state, InstanceState::Stopped);
    assert_eq!(web.platform, "Windows");
    assert_eq!(web.enis, ["eni-1", "eni-2", "eni-3"].map(EniId::from));
    assert_eq!(web.root_device.as_deref(), Some("/dev/sda1"));
    assert_eq!(instances[1].1.state, InstanceState::Terminated);
    assert_eq!(
        instances[2].1.state,
        InstanceState::Unknown("hibernating".to_owned())
    );
}
