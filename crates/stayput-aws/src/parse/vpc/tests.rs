//! Samples written by hand after the public EC2 API reference.

use super::*;
use crate::xml::read_document;

fn first<T>(
    xml: &str,
    list: &str,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    read_document(xml.as_bytes(), |root| read(root.items(list)?.remove(0)))
}

/// The entry that is there.
fn here<K, V>(
    xml: &str,
    list: &str,
    read: fn(Element<'_, '_>) -> Result<Entry<K, V>, Malformed>,
) -> (K, V) {
    match first(xml, list, read).unwrap() {
        Entry::Here(id, value) => (id, value),
        Entry::Gone(_) | Entry::Unreadable(_) => panic!("not there"),
    }
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
    let (id, vpc) = here(xml, "vpcSet", vpc);
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
    let (_, table) = here(xml, "routeTableSet", route_table);
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
    let (_, eni) = here(xml, "networkInterfaceSet", eni);
    assert_eq!(eni.attached_to, Some((InstanceId::new("i-1"), 1)));
    assert_eq!(eni.primary, Some(Ipv4Addr::new(172, 30, 1, 34)));
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
    let (_, eni) = here(xml, "networkInterfaceSet", eni);
    assert_eq!(eni.attached_to, None);
    assert!(eni.in_use && eni.requester_managed && eni.source_dest_check);
    assert_eq!(eni.interface_type, "transit_gateway");
}

#[test]
fn an_ipv6_only_subnet_is_noted_and_one_without_any_range_is_an_error() {
    let xml = |more: &str| {
        format!(
            "<R><subnetSet><item><subnetId>subnet-6</subnetId><vpcId>vpc-1</vpcId>\
             <availabilityZone>a</availabilityZone>{more}</item></subnetSet></R>"
        )
    };
    let noted = first(&xml("<ipv6Native>true</ipv6Native>"), "subnetSet", subnet).unwrap();
    let Entry::Unreadable(noted) = noted else {
        panic!("{noted:?}");
    };
    assert_eq!(
        (noted.kind.as_str(), noted.id.as_str()),
        ("subnet", "subnet-6")
    );
    let error = first(&xml(""), "subnetSet", subnet).unwrap_err();
    assert_eq!(error.place, "R/subnetSet/item/cidrBlock");
}

fn eni_xml(inside: &str) -> String {
    format!(
        "<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId>\
         <vpcId>vpc-1</vpcId><macAddress>06:1a:2b:3c:4d:5e</macAddress>{inside}</item></networkInterfaceSet></R>"
    )
}

#[test]
fn an_interface_without_an_ipv4_address_is_kept() {
    for (inside, kind) in [
        ("<interfaceType>efa-only</interfaceType>", "efa-only"),
        (
            "<interfaceType>interface</interfaceType><privateIpAddressesSet/>\
             <ipv6AddressesSet><item><ipv6Address>2001:db8::6</ipv6Address></item></ipv6AddressesSet>",
            "interface",
        ),
    ] {
        let xml = eni_xml(&format!("<status>in-use</status>{inside}"));
        let (_, eni) = here(&xml, "networkInterfaceSet", eni);
        assert_eq!((eni.primary, eni.addresses().count()), (None, 0));
        assert_eq!(eni.interface_type, kind);
    }
}

#[test]
fn every_status_of_an_interface_is_told_apart() {
    for (status, in_use, other) in [
        ("available", false, None),
        ("in-use", true, None),
        ("attaching", false, Some(EniStatus::Attaching)),
        ("detaching", false, Some(EniStatus::Detaching)),
        ("associated", false, Some(EniStatus::Associated)),
        ("paused", false, Some(EniStatus::Unknown("paused".into()))),
    ] {
        let xml = eni_xml(&format!("<status>{status}</status>"));
        let (_, eni) = here(&xml, "networkInterfaceSet", eni);
        assert_eq!((eni.in_use, eni.other_status), (in_use, other), "{status}");
    }
}

#[test]
fn an_interface_that_lacks_what_it_must_have_is_an_error() {
    let whole = "<status>in-use</status><attachment><instanceId>i-1</instanceId><deviceIndex>0</deviceIndex></attachment>\
                 <privateIpAddress>10.0.0.4</privateIpAddress>";
    here(&eni_xml(whole), "networkInterfaceSet", eni);
    for (from, to, place) in [
        ("<status>in-use</status>", "", "status"),
        ("<deviceIndex>0</deviceIndex>", "", "attachment/deviceIndex"),
        (
            "<deviceIndex>0<",
            "<deviceIndex>1000000000000000<",
            "attachment/deviceIndex",
        ),
        ("10.0.0.4", "10.0.0.400", "privateIpAddress"),
        (
            "<privateIpAddress>10.0.0.4</privateIpAddress>",
            "<privateIpAddressesSet><item><privateIpAddress>10.0.0.4</privateIpAddress></item></privateIpAddressesSet>",
            "privateIpAddress",
        ),
    ] {
        assert!(whole.contains(from));
        let xml = eni_xml(&whole.replace(from, to));
        let error = first(&xml, "networkInterfaceSet", eni).unwrap_err();
        assert_eq!(error.place, format!("R/networkInterfaceSet/item/{place}"));
    }
    for name in ["subnetId", "vpcId", "macAddress", "networkInterfaceId"] {
        let xml = eni_xml(whole).replace(&format!("<{name}>"), &format!("<{name}><x/>"));
        assert!(first(&xml, "networkInterfaceSet", eni).is_err(), "{name}");
    }
}

#[test]
fn an_unreadable_interface_of_a_foreign_vpc_is_noted() {
    let xml = eni_xml("");
    let read = |ours: &[&str]| {
        let ours = ours.iter().map(|vpc| VpcId::from(*vpc)).collect();
        first(&xml, "networkInterfaceSet", |entry| eni_of(entry, &ours))
    };
    let Ok(Entry::Unreadable(noted)) = read(&["vpc-2"]) else {
        panic!("not noted");
    };
    assert_eq!(noted.id, "eni-1");
    assert!(noted.why.contains("status: missing"), "{}", noted.why);
    assert!(
        read(&["vpc-1", "vpc-2"]).is_err(),
        "one of ours is no detail"
    );
    assert!(read(&[]).is_err(), "without ours all may be");
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
        <item><networkInterfaceId>eni-1</networkInterfaceId><attachment><deviceIndex>0</deviceIndex></attachment></item>
      </networkInterfaceSet></item>
      <item><instanceId>i-2</instanceId><instanceState><name>terminated</name></instanceState></item>
      <item><instanceId>i-3</instanceId><instanceState><name>hibernating</name></instanceState><instanceType>t</instanceType><architecture>x86_64</architecture></item>
      </instancesSet></item></reservationSet></R>"#;
    let instances = first(xml, "reservationSet", |entry| reservation(entry, instance)).unwrap();
    let [Entry::Here(_, web), Entry::Gone(gone), Entry::Here(_, odd)] = instances.as_slice() else {
        panic!("{instances:?}");
    };
    assert_eq!(web.state, InstanceState::Stopped);
    assert_eq!(web.platform, "Windows");
    assert_eq!(web.enis, ["eni-1", "eni-2", "eni-3"].map(EniId::from));
    assert_eq!(web.root_device.as_deref(), Some("/dev/sda1"));
    assert_eq!(gone.as_str(), "i-2");
    assert_eq!(odd.state, InstanceState::Unknown("hibernating".to_owned()));
}

#[test]
fn an_instance_that_lacks_what_it_must_have_is_an_error_that_names_it() {
    let whole = "<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState>\
                 <instanceType>m5.large</instanceType><architecture>x86_64</architecture><networkInterfaceSet><item>\
                 <networkInterfaceId>eni-1</networkInterfaceId><attachment><deviceIndex>0</deviceIndex></attachment></item></networkInterfaceSet>\
                 </item></instancesSet></item></reservationSet></R>";
    let read = |xml: &str| first(xml, "reservationSet", |entry| reservation(entry, instance));
    read(whole).unwrap();
    for gone in [
        "<name>running</name>",
        "<instanceState><name>running</name></instanceState>",
        "<instanceType>m5.large</instanceType>",
        "<architecture>x86_64</architecture>",
        "<networkInterfaceId>eni-1</networkInterfaceId>",
        "<attachment><deviceIndex>0</deviceIndex></attachment>",
        "<deviceIndex>0</deviceIndex>",
    ] {
        let error = read(&whole.replace(gone, "")).unwrap_err();
        assert!(
            error
                .place
                .starts_with("i-1: R/reservationSet/item/instancesSet/item/"),
            "{error}"
        );
    }
    let nameless = whole.replace("<instanceId>i-1</instanceId>", "");
    assert!(
        read(&nameless)
            .unwrap_err()
            .place
            .ends_with("item/instanceId")
    );
    let empty = read("<R><reservationSet><item/></reservationSet></R>").unwrap_err();
    assert!(empty.place.ends_with("instancesSet"), "{empty}");
}

#[test]
fn a_route_or_association_without_its_state_or_subject_is_an_error() {
    let whole = "<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><associationSet><item><main>true</main>\
                 </item></associationSet><routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId>\
                 <state>active</state></item></routeSet></item></routeTableSet></R>";
    let (_, table) = here(whole, "routeTableSet", route_table);
    assert!(table.main, "an association without a state stands");
    for (from, to) in [
        ("<state>active</state>", ""),
        (
            "<destinationCidrBlock>10.0.0.0/16</destinationCidrBlock>",
            "",
        ),
        ("10.0.0.0/16", "10.0.0.1/16"),
        ("<main>true</main>", ""),
        ("<main>true</main>", "<main>yes</main>"),
        ("<vpcId>vpc-1</vpcId>", ""),
        ("<routeTableId>rtb-1</routeTableId>", ""),
        ("<routeSet>", "<otherSet>"),
    ] {
        let broken = whole.replace(from, to).replace(
            "</routeSet>",
            if to == "<otherSet>" {
                "</otherSet>"
            } else {
                "</routeSet>"
            },
        );
        assert!(
            first(&broken, "routeTableSet", route_table).is_err(),
            "{from}"
        );
    }
}

#[test]
fn a_tag_needs_a_key_and_may_have_no_value() {
    let read = |tag: &str| {
        let xml = format!("<R><s><item><tagSet><item>{tag}</item></tagSet></item></s></R>");
        first(&xml, "s", tags)
    };
    assert_eq!(read("<key>Name</key><value/>").unwrap()["Name"], "");
    assert!(read("<value>web</value>").is_err());
}
