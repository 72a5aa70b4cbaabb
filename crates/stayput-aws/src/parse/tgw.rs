//! Transit Gateways, their attachments, tables and routes; VPN connections.

use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::DxGatewayId;
use stayput_estate::PrefixListId;
use stayput_estate::Region;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_estate::VpnId;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::Tgw;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::Vpn;

use crate::parse::is_gone;
use crate::parse::tags;
use crate::xml::Element;
use crate::xml::Malformed;

/// `DescribeTransitGateways`: `transitGatewaySet/item`.
pub(crate) fn tgw(entry: Element<'_, '_>) -> Result<Option<(TgwId, Tgw)>, Malformed> {
    let state = entry.required("state")?;
    if is_gone(state) {
        return Ok(None);
    }
    let options = entry.child("options");
    let option = |name| options.and_then(|options| options.text(name));
    // The id stays listed when the default association has been switched off.
    let default_association_table = match option("defaultRouteTableAssociation") {
        Some("disable") => None,
        Some(_) | None => option("associationDefaultRouteTableId").map(TgwRouteTableId::new),
    };
    let tgw = Tgw {
        state: state.to_owned(),
        asn: match options {
            Some(options) => options.optional("amazonSideAsn")?,
            None => None,
        },
        default_association_table,
    };
    Ok(Some((TgwId::new(entry.required("transitGatewayId")?), tgw)))
}

/// An attachment as the common list shows it, before its details are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedAttachment {
    pub(crate) id: AttachmentId,
    pub(crate) tgw: TgwId,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) state: AttachmentState,
    pub(crate) association: Option<TgwRouteTableId>,
}

/// `DescribeTransitGatewayAttachments`: `transitGatewayAttachments/item`.
pub(crate) fn attachment(entry: Element<'_, '_>) -> Result<Option<ListedAttachment>, Malformed> {
    let state = entry.required("state")?;
    if is_gone(state) {
        return Ok(None);
    }
    let association = entry
        .child("association")
        .filter(|association| association.text("state") == Some("associated"))
        .and_then(|association| association.text("transitGatewayRouteTableId"))
        .map(TgwRouteTableId::new);
    Ok(Some(ListedAttachment {
        id: AttachmentId::new(entry.required("transitGatewayAttachmentId")?),
        tgw: TgwId::new(entry.required("transitGatewayId")?),
        resource_type: entry.required("resourceType")?.to_owned(),
        resource_id: entry.text("resourceId").unwrap_or("").to_owned(),
        state: attachment_state(state),
        association,
    }))
}

fn attachment_state(state: &str) -> AttachmentState {
    match state {
        "available" => AttachmentState::Available,
        "modifying" => AttachmentState::Modifying,
        "pendingAcceptance" => AttachmentState::PendingAcceptance,
        other => AttachmentState::Other(other.to_owned()),
    }
}

/// `DescribeTransitGatewayVpcAttachments`: `transitGatewayVpcAttachments/item`, its subnets.
pub(crate) fn vpc_attachment(
    entry: Element<'_, '_>,
) -> Result<Option<(AttachmentId, BTreeSet<SubnetId>)>, Malformed> {
    let subnets = entry
        .items("subnetIds")
        .filter_map(Element::own_text)
        .map(SubnetId::new)
        .collect();
    let id = AttachmentId::new(entry.required("transitGatewayAttachmentId")?);
    Ok(Some((id, subnets)))
}

/// Both ends of a peering attachment, requester first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peering {
    pub(crate) id: AttachmentId,
    pub(crate) ends: Vec<(Region, TgwId)>,
}

/// `DescribeTransitGatewayPeeringAttachments`: `transitGatewayPeeringAttachments/item`.
pub(crate) fn peering_attachment(entry: Element<'_, '_>) -> Result<Option<Peering>, Malformed> {
    let ends = ["requesterTgwInfo", "accepterTgwInfo"]
        .into_iter()
        .filter_map(|end| entry.child(end))
        .filter_map(|end| {
            // An end may be a Cloud WAN core network, which has no Transit Gateway.
            let tgw = end.text("transitGatewayId")?;
            Some((Region::new(end.text("region")?), TgwId::new(tgw)))
        })
        .collect();
    Ok(Some(Peering {
        id: AttachmentId::new(entry.required("transitGatewayAttachmentId")?),
        ends,
    }))
}

/// What is attached, from the common list and the details of the two kinds that have any.
pub(crate) fn attachment_kind(
    listed: &ListedAttachment,
    subnets: Option<&BTreeSet<SubnetId>>,
    peering: Option<&Peering>,
) -> AttachmentKind {
    let unknown = || AttachmentKind::Unknown {
        resource_type: listed.resource_type.clone(),
        resource_id: listed.resource_id.clone(),
    };
    match listed.resource_type.as_str() {
        "vpc" => AttachmentKind::Vpc {
            vpc: VpcId::new(listed.resource_id.as_str()),
            subnets: subnets.cloned().unwrap_or_default(),
        },
        "vpn" => AttachmentKind::Vpn(VpnId::new(listed.resource_id.as_str())),
        "direct-connect-gateway" => {
            AttachmentKind::DirectConnect(DxGatewayId::new(listed.resource_id.as_str()))
        }
        "peering" => peering
            .and_then(|peering| peering.ends.iter().find(|(_, tgw)| *tgw != listed.tgw))
            .map_or_else(unknown, |(region, tgw)| AttachmentKind::Peering {
                region: region.clone(),
                tgw: tgw.clone(),
            }),
        _ => unknown(),
    }
}

/// `DescribeTransitGatewayRouteTables`: `transitGatewayRouteTables/item`: id, Transit Gateway, `Name` tag.
pub(crate) fn table(
    entry: Element<'_, '_>,
) -> Result<Option<(TgwRouteTableId, TgwId, Option<String>)>, Malformed> {
    if entry.text("state").is_some_and(is_gone) {
        return Ok(None);
    }
    Ok(Some((
        TgwRouteTableId::new(entry.required("transitGatewayRouteTableId")?),
        TgwId::new(entry.required("transitGatewayId")?),
        tags(entry).remove("Name"),
    )))
}

/// `GetTransitGatewayRouteTableAssociations`: `associations/item`, those in force.
pub(crate) fn association(entry: Element<'_, '_>) -> Result<Option<AttachmentId>, Malformed> {
    in_state(entry, "associated")
}

/// `GetTransitGatewayRouteTablePropagations`: `transitGatewayRouteTablePropagations/item`, those in force.
pub(crate) fn propagation(entry: Element<'_, '_>) -> Result<Option<AttachmentId>, Malformed> {
    in_state(entry, "enabled")
}

fn in_state(entry: Element<'_, '_>, wanted: &str) -> Result<Option<AttachmentId>, Malformed> {
    if entry.required("state")? == wanted {
        let id = entry.required("transitGatewayAttachmentId")?;
        Ok(Some(AttachmentId::new(id)))
    } else {
        Ok(None)
    }
}

/// One route of a Transit Gateway route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TgwRoute {
    pub(crate) cidr: Cidr,
    /// The prefix list it is an entry of: then nobody wrote it, and deleting a static route does not take it away.
    pub(crate) prefix_list: Option<PrefixListId>,
    pub(crate) blackhole: bool,
    /// Written, but the data plane does not use it yet.
    pub(crate) pending: bool,
    /// Attachments with their resource types; several with ECMP.
    pub(crate) attachments: Vec<(AttachmentId, String)>,
}

impl TgwRoute {
    /// Where it leads. A static route whose attachment is gone stays as a blackhole (AWS reference §1.3).
    pub(crate) fn target(&self) -> TgwTarget {
        match self.attachments.first() {
            Some((attachment, _)) if !self.blackhole => TgwTarget::Attachment(attachment.clone()),
            Some(_) | None => TgwTarget::Blackhole,
        }
    }
}

/// `SearchTransitGatewayRoutes`: `routeSet/item`. IPv6 routes and those being deleted are left out.
pub(crate) fn route(entry: Element<'_, '_>) -> Result<Option<TgwRoute>, Malformed> {
    let destination = entry.required("destinationCidrBlock")?;
    let state = entry.text("state");
    if destination.contains(':') || matches!(state, Some("deleting" | "deleted")) {
        return Ok(None);
    }
    let attachments = entry
        .items("transitGatewayAttachments")
        .map(|item| {
            let id = item.required("transitGatewayAttachmentId")?;
            let kind = item.text("resourceType").unwrap_or("");
            Ok((AttachmentId::new(id), kind.to_owned()))
        })
        .collect::<Result<_, Malformed>>()?;
    Ok(Some(TgwRoute {
        cidr: entry.parsed("destinationCidrBlock")?,
        prefix_list: entry.text("prefixListId").map(PrefixListId::new),
        blackhole: state == Some("blackhole"),
        pending: state == Some("pending"),
        attachments,
    }))
}

/// `GetTransitGatewayPrefixListReferences`: `transitGatewayPrefixListReferenceSet/item`, those not on their way out. One whose attachment is
/// gone drops, as a static route does (AWS reference §1.3).
pub(crate) fn prefix_list_reference(
    entry: Element<'_, '_>,
) -> Result<Option<(PrefixListId, TgwTarget)>, Malformed> {
    if entry.text("state") == Some("deleting") {
        return Ok(None);
    }
    let attachment = entry
        .child("transitGatewayAttachment")
        .and_then(|attachment| attachment.text("transitGatewayAttachmentId"));
    let target = match attachment {
        Some(id) if !entry.flag("blackhole") => TgwTarget::Attachment(AttachmentId::new(id)),
        Some(_) | None => TgwTarget::Blackhole,
    };
    Ok(Some((
        PrefixListId::new(entry.required("prefixListId")?),
        target,
    )))
}

/// `GetManagedPrefixListEntries`: `entrySet/item`. IPv6 entries are left out.
pub(crate) fn prefix_list_entry(entry: Element<'_, '_>) -> Result<Option<Cidr>, Malformed> {
    if entry.required("cidr")?.contains(':') {
        return Ok(None);
    }
    entry.parsed("cidr").map(Some)
}

/// `DescribeVpnConnections`: `vpnConnectionSet/item`.
pub(crate) fn vpn(entry: Element<'_, '_>) -> Result<Option<(VpnId, Vpn)>, Malformed> {
    let state = entry.required("state")?;
    if is_gone(state) {
        return Ok(None);
    }
    let tunnels_up = entry
        .items("vgwTelemetry")
        .filter(|tunnel| tunnel.text("status") == Some("UP"))
        .map(|_| 1_u32)
        .sum();
    let vpn = Vpn {
        tgw: entry.text("transitGatewayId").map(TgwId::new),
        state: state.to_owned(),
        static_routes_only: entry
            .child("options")
            .is_some_and(|options| options.flag("staticRoutesOnly")),
        private: entry
            .child("options")
            .is_some_and(|options| options.text("outsideIpAddressType") == Some("PrivateIpv4")),
        tunnels_up,
    };
    Ok(Some((VpnId::new(entry.required("vpnConnectionId")?), vpn)))
}

#[cfg(test)]
mod tests;
