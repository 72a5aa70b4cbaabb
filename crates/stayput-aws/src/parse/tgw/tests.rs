//! Samples written by hand after the public EC2 API reference.

use super::*;
use crate::xml::read_document;

fn read<T>(
    inner: &str,
    list: &str,
    read: impl FnMut(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let xml = format!(
        "<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><{list}>{inner}</{list}></R>"
    );
    read_document(xml.as_bytes(), |root| {
        root.items(list)?.into_iter().map(read).collect()
    })
}

/// The entries that exist, in order.
fn all<K, V>(
    inner: &str,
    list: &str,
    each: fn(Element<'_, '_>) -> Result<Entry<K, V>, Malformed>,
) -> Vec<(K, V)> {
    let entries = read(inner, list, each).unwrap();
    entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Here(id, value) => Some((id, value)),
            Entry::Gone(_) | Entry::Unreadable(_) => None,
        })
        .collect()
}

/// The entries that count, in order.
fn some<T>(
    inner: &str,
    list: &str,
    each: fn(Element<'_, '_>) -> Result<Option<T>, Malformed>,
) -> Vec<T> {
    let entries = read(inner, list, each).unwrap();
    entries.into_iter().flatten().collect()
}

fn listed(resource_type: &str, resource_id: &str) -> ListedAttachment {
    ListedAttachment {
        tgw: TgwId::new("tgw-tokyo"),
        tgw_owner: None,
        resource_owner: None,
        resource_type: resource_type.to_owned(),
        resource_id: resource_id.to_owned(),
        state: AttachmentState::Available,
        association: None,
    }
}

#[test]
fn a_gateway_has_a_default_table_only_while_default_association_is_on() {
    let found = all(
        "<item><transitGatewayId>tgw-1</transitGatewayId><state>available</state><options><amazonSideAsn>4200000000</amazonSideAsn>\
         <defaultRouteTableAssociation>enable</defaultRouteTableAssociation>\
         <associationDefaultRouteTableId>tgw-rtb-1</associationDefaultRouteTableId></options></item>\
         <item><transitGatewayId>tgw-2</transitGatewayId><state>available</state><options>\
         <defaultRouteTableAssociation>disable</defaultRouteTableAssociation>\
         <associationDefaultRouteTableId>tgw-rtb-2</associationDefaultRouteTableId></options></item>\
         <item><transitGatewayId>tgw-3</transitGatewayId><state>deleted</state></item>",
        "transitGatewaySet",
        tgw,
    );
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].1.asn, Some(4_200_000_000));
    assert_eq!(
        found[0].1.default_association_table,
        Some(TgwRouteTableId::new("tgw-rtb-1"))
    );
    assert_eq!(found[1].1.default_association_table, None);
}

#[test]
fn attachments_that_are_gone_are_left_out_and_new_states_are_kept() {
    let item = |id: &str, state: &str| {
        format!(
            "<item><transitGatewayAttachmentId>{id}</transitGatewayAttachmentId><transitGatewayId>tgw-1</transitGatewayId>\
             <resourceType>vpc</resourceType><resourceId>vpc-1</resourceId><state>{state}</state>\
             <association><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><state>associating</state></association></item>"
        )
    };
    let xml: String = [
        ("a", "available"),
        ("b", "deleted"),
        ("c", "failed"),
        ("d", "rejected"),
        ("e", "pendingAcceptance"),
        ("f", "rollingBack"),
    ]
    .map(|(id, state)| item(id, state))
    .concat();
    let states: Vec<AttachmentState> = all(&xml, "transitGatewayAttachments", attachment)
        .into_iter()
        .map(|(_, attachment)| {
            assert_eq!(attachment.association, None, "not in force yet");
            attachment.state
        })
        .collect();
    assert_eq!(
        states,
        [
            AttachmentState::Available,
            AttachmentState::PendingAcceptance,
            AttachmentState::Other("rollingBack".to_owned()),
        ]
    );
}

#[test]
fn the_far_side_of_a_peering_is_whichever_is_not_ours() {
    let xml = "<item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId>\
        <requesterTgwInfo><transitGatewayId>tgw-osaka</transitGatewayId><ownerId>1</ownerId><region>ap-northeast-3</region></requesterTgwInfo>\
        <accepterTgwInfo><transitGatewayId>tgw-tokyo</transitGatewayId><ownerId>1</ownerId><region>ap-northeast-1</region></accepterTgwInfo>\
        <state>available</state></item>";
    let (_, peering) = all(xml, "transitGatewayPeeringAttachments", peering_attachment).remove(0);
    assert_eq!(
        attachment_kind(&listed("peering", "tgw-osaka"), None, Some(&peering)),
        AttachmentKind::Peering {
            region: Region::new("ap-northeast-3"),
            tgw: TgwId::new("tgw-osaka"),
        }
    );
}

#[test]
fn kinds_of_attachment_we_do_not_know_keep_their_type_and_id() {
    assert_eq!(
        attachment_kind(&listed("network-function", "nf-1"), None, None),
        AttachmentKind::Unknown {
            resource_type: "network-function".to_owned(),
            resource_id: "nf-1".to_owned(),
        }
    );
    assert_eq!(
        attachment_kind(&listed("direct-connect-gateway", "uuid"), None, None),
        AttachmentKind::DirectConnect(DxGatewayId::new("uuid"))
    );
    assert_eq!(
        attachment_kind(&listed("vpn", "vpn-1"), None, None),
        AttachmentKind::Vpn(VpnId::new("vpn-1"))
    );
}

#[test]
fn only_associations_and_propagations_in_force_count() {
    let item = |state: &str| {
        format!(
            "<item><transitGatewayAttachmentId>{state}</transitGatewayAttachmentId><state>{state}</state></item>"
        )
    };
    let associations: String = ["associating", "associated", "disassociating"]
        .map(item)
        .concat();
    assert_eq!(
        some(&associations, "associations", association),
        [AttachmentId::new("associated")]
    );
    let propagations: String = ["enabling", "enabled", "disabled"].map(item).concat();
    assert_eq!(
        some(
            &propagations,
            "transitGatewayRouteTablePropagations",
            propagation
        ),
        [AttachmentId::new("enabled")]
    );
}

#[test]
fn a_static_route_without_a_living_attachment_is_a_blackhole() {
    let found = read(
        "<item><destinationCidrBlock>10.1.0.0/16</destinationCidrBlock><transitGatewayAttachments><item><resourceId>vpc-1</resourceId>\
         <resourceType>vpc</resourceType><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item>\
         </transitGatewayAttachments><type>static</type><state>active</state></item>\
         <item><destinationCidrBlock>10.2.0.0/16</destinationCidrBlock><type>static</type><state>blackhole</state></item>\
         <item><destinationCidrBlock>10.3.0.0/16</destinationCidrBlock><type>static</type><state>active</state></item>\
         <item><destinationCidrBlock>10.4.0.0/16</destinationCidrBlock><type>static</type><state>deleted</state></item>\
         <item><destinationCidrBlock>2001:db8::/32</destinationCidrBlock><type>static</type><state>active</state></item>",
        "routeSet",
        |entry| route(entry, "static"),
    )
    .unwrap();
    let targets: Vec<TgwTarget> = found.iter().flatten().map(TgwRoute::target).collect();
    assert_eq!(
        targets,
        [
            TgwTarget::Attachment(AttachmentId::new("tgw-attach-1")),
            TgwTarget::Blackhole,
            TgwTarget::Blackhole,
        ]
    );
}

#[test]
fn tunnels_of_a_vpn_are_counted_when_up() {
    let found = some(
        "<item><vpnConnectionId>vpn-1</vpnConnectionId><state>available</state><transitGatewayId>tgw-1</transitGatewayId>\
         <options><staticRoutesOnly>false</staticRoutesOnly></options><vgwTelemetry><item><status>UP</status></item>\
         <item><status>DOWN</status></item></vgwTelemetry></item>\
         <item><vpnConnectionId>vpn-2</vpnConnectionId><state>deleted</state></item>",
        "vpnConnectionSet",
        vpn,
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.tunnels_up, 1);
    assert!(!found[0].1.static_routes_only);
    assert_eq!(found[0].1.tgw, Some(TgwId::new("tgw-1")));
}

#[test]
fn a_route_of_another_type_is_ignored_and_an_unknown_state_refused() {
    let whole = "<item><destinationCidrBlock>10.1.0.0/16</destinationCidrBlock><transitGatewayAttachments><item>\
                 <resourceType>vpc</resourceType><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item>\
                 </transitGatewayAttachments><type>static</type><state>active</state></item>";
    let routes = |xml: &str, kind: &str| read(xml, "routeSet", |entry| route(entry, kind));
    assert_eq!(routes(whole, "propagated"), Ok(vec![None]));
    for (from, to) in [
        ("<state>active</state>", ""),
        ("<state>active</state>", "<state>fading</state>"),
        ("<type>static</type>", ""),
        ("<resourceType>vpc</resourceType>", ""),
        (
            "<transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId>",
            "",
        ),
        (
            "<destinationCidrBlock>10.1.0.0/16</destinationCidrBlock>",
            "",
        ),
        ("10.1.0.0/16", "10.1.0.0/99"),
    ] {
        assert!(
            routes(&whole.replace(from, to), "static").is_err(),
            "{from} → {to}"
        );
    }
}

#[test]
fn an_attachment_that_lacks_what_it_must_have_is_an_error() {
    let whole = "<item><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId><transitGatewayId>tgw-1</transitGatewayId>\
                 <resourceType>vpc</resourceType><resourceId>vpc-1</resourceId><state>available</state><association>\
                 <transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><state>associated</state></association></item>";
    let attachments = |xml: &str| read(xml, "transitGatewayAttachments", attachment);
    attachments(whole).unwrap();
    for gone in [
        "<transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId>",
        "<transitGatewayId>tgw-1</transitGatewayId>",
        "<resourceType>vpc</resourceType>",
        "<resourceId>vpc-1</resourceId>",
        "<state>available</state>",
        "<state>associated</state>",
        "<transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId>",
    ] {
        assert!(attachments(&whole.replace(gone, "")).is_err(), "{gone}");
    }
    let new_kind = whole.replace(">vpc<", ">network-function<");
    let new_kind = new_kind.replace("<resourceId>vpc-1</resourceId>", "");
    attachments(&new_kind).unwrap();
}

#[test]
fn details_of_attachments_and_connections_must_be_whole() {
    let subnets = |xml: &str| read(xml, "transitGatewayVpcAttachments", vpc_attachment).is_ok();
    let id = "<transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId>";
    assert!(subnets(&format!(
        "<item>{id}<subnetIds><item>subnet-1</item></subnetIds></item>"
    )));
    assert!(!subnets(&format!(
        "<item>{id}<subnetIds><item/></subnetIds></item>"
    )));
    assert!(!subnets(&format!("<item>{id}</item>")));

    let end = |name: &str, inside: &str| format!("<{name}>{inside}</{name}>");
    let peering = |requester: &str| {
        let accepter = "<transitGatewayId>tgw-2</transitGatewayId><region>r</region>";
        let ends = end("requesterTgwInfo", requester) + &end("accepterTgwInfo", accepter);
        let item = format!("<item>{id}{ends}</item>");
        read(
            &item,
            "transitGatewayPeeringAttachments",
            peering_attachment,
        )
    };
    assert!(peering("<transitGatewayId>tgw-1</transitGatewayId>").is_err());
    let Entry::Here(_, cloud) = peering("<coreNetworkId>core-1</coreNetworkId>")
        .unwrap()
        .remove(0)
    else {
        panic!("not there");
    };
    assert_eq!(cloud.ends.len(), 1, "a core network is no Transit Gateway");
    assert!(cloud.is_whole);
    let half = format!("<item>{id}{}</item>", end("requesterTgwInfo", ""));
    let half = all(
        &half,
        "transitGatewayPeeringAttachments",
        peering_attachment,
    )
    .remove(0);
    assert!(!half.1.is_whole);

    let vpns = |inside: &str| {
        let item = format!("<item><vpnConnectionId>vpn-1</vpnConnectionId>{inside}</item>");
        read(&item, "vpnConnectionSet", vpn).is_ok()
    };
    assert!(vpns("<state>available</state><options/>"));
    assert!(
        !vpns("<state>available</state>"),
        "of what kind it is decides"
    );
    assert!(!vpns("<options/>"));
    let tunnel = "<vgwTelemetry><item/></vgwTelemetry>";
    assert!(!vpns(&format!(
        "<state>available</state><options/>{tunnel}"
    )));
}

#[test]
fn a_table_whose_name_is_blank_has_none() {
    let item = "<item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId><transitGatewayId>tgw-1</transitGatewayId>\
                <state>available</state><tagSet><item><key>Name</key><value/></item></tagSet></item>";
    let (_, listed) = all(item, "transitGatewayRouteTables", table).remove(0);
    assert_eq!(listed.name, None);
}
