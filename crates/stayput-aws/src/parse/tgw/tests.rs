//! Samples written by hand after the public EC2 API reference.

use super::*;
use crate::xml::read_document;

fn all<T>(
    inner: &str,
    list: &str,
    read: fn(Element<'_, '_>) -> Result<Option<T>, Malformed>,
) -> Vec<T> {
    let xml = format!(
        "<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><{list}>{inner}</{list}></R>"
    );
    read_document(xml.as_bytes(), |root| {
        let entries: Vec<Option<T>> = root.items(list).map(read).collect::<Result<_, _>>()?;
        Ok(entries.into_iter().flatten().collect())
    })
    .unwrap()
}

fn listed(resource_type: &str, resource_id: &str) -> ListedAttachment {
    ListedAttachment {
        id: AttachmentId::new("tgw-attach-1"),
        tgw: TgwId::new("tgw-tokyo"),
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
        .map(|attachment| {
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
    let peering = all(xml, "transitGatewayPeeringAttachments", peering_attachment).remove(0);
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
        all(&associations, "associations", association),
        [AttachmentId::new("associated")]
    );
    let propagations: String = ["enabling", "enabled", "disabled"].map(item).concat();
    assert_eq!(
        all(
            &propagations,
            "transitGatewayRouteTablePropagations",
            propagation
        ),
        [AttachmentId::new("enabled")]
    );
}

#[test]
fn a_static_route_without_a_living_attachment_is_a_blackhole() {
    let found = all(
        "<item><destinationCidrBlock>10.1.0.0/16</destinationCidrBlock><transitGatewayAttachments><item><resourceId>vpc-1</resourceId>\
         <resourceType>vpc</resourceType><transitGatewayAttachmentId>tgw-attach-1</transitGatewayAttachmentId></item>\
         </transitGatewayAttachments><type>static</type><state>active</state></item>\
         <item><destinationCidrBlock>10.2.0.0/16</destinationCidrBlock><type>static</type><state>blackhole</state></item>\
         <item><destinationCidrBlock>10.3.0.0/16</destinationCidrBlock><type>static</type><state>active</state></item>\
         <item><destinationCidrBlock>10.4.0.0/16</destinationCidrBlock><type>static</type><state>deleted</state></item>\
         <item><destinationCidrBlock>2001:db8::/32</destinationCidrBlock><type>static</type><state>active</state></item>",
        "routeSet",
        route,
    );
    let targets: Vec<TgwTarget> = found.iter().map(TgwRoute::target).collect();
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
    let found = all(
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
