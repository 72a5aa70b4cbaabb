//! Transit Gateways, their attachments, tables and routes; VPN connections.

use std::collections::BTreeSet;

use stayput_estate::AccountId;
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
use stayput_messages::Message;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::Tgw;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::Vpn;
use stayput_world::aws::name_tag;

use crate::parse::Entry;
use crate::parse::is_gone;
use crate::parse::tags;
use crate::xml::Element;
use crate::xml::Malformed;

/// `DescribeTransitGateways`: `transitGatewaySet/item`.
pub(crate) fn tgw(entry: Element<'_, '_>) -> Result<Entry<TgwId, Tgw>, Malformed> {
    let id = TgwId::new(entry.required("transitGatewayId")?);
    let state = entry.required("state")?;
    if is_gone(state) {
        return Ok(Entry::Gone(id));
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
    Ok(Entry::Here(id, tgw))
}

/// An attachment as the common list shows it, before its details are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedAttachment {
    pub(crate) tgw: TgwId,
    /// The account that the Transit Gateway belongs to.
    pub(crate) tgw_owner: Option<AccountId>,
    /// The account that what is attached belongs to.
    pub(crate) resource_owner: Option<AccountId>,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) state: AttachmentState,
    pub(crate) association: Option<TgwRouteTableId>,
}

/// `DescribeTransitGatewayAttachments`: `transitGatewayAttachments/item`. `association` is absent from one that has none; `resourceId` may be
/// from one of a kind that is not known here, and from nothing else.
pub(crate) fn attachment(
    entry: Element<'_, '_>,
) -> Result<Entry<AttachmentId, ListedAttachment>, Malformed> {
    let id = AttachmentId::new(entry.required("transitGatewayAttachmentId")?);
    let state = entry.required("state")?;
    if is_gone(state) {
        return Ok(Entry::Gone(id));
    }
    let association = match entry.child("association") {
        Some(association) if association.required("state")? == "associated" => Some(
            TgwRouteTableId::new(association.required("transitGatewayRouteTableId")?),
        ),
        Some(_) | None => None,
    };
    let resource_type = entry.required("resourceType")?;
    let resource_id = match resource_type {
        "vpc" | "vpn" | "direct-connect-gateway" | "peering" => entry.required("resourceId")?,
        _ => entry.text("resourceId").unwrap_or(""),
    };
    let listed = ListedAttachment {
        tgw: TgwId::new(entry.required("transitGatewayId")?),
        tgw_owner: entry.text("transitGatewayOwnerId").map(AccountId::new),
        resource_owner: entry.text("resourceOwnerId").map(AccountId::new),
        resource_type: resource_type.to_owned(),
        resource_id: resource_id.to_owned(),
        state: attachment_state(state),
        association,
    };
    Ok(Entry::Here(id, listed))
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
) -> Result<Entry<AttachmentId, BTreeSet<SubnetId>>, Malformed> {
    let subnets = entry
        .items("subnetIds")?
        .into_iter()
        .map(|item| match item.own_text() {
            Some(id) => Ok(SubnetId::new(id)),
            None => Err(Malformed::new(
                entry.place("subnetIds"),
                Message::new("answer-empty-entry"),
            )),
        })
        .collect::<Result<_, _>>()?;
    let id = AttachmentId::new(entry.required("transitGatewayAttachmentId")?);
    Ok(Entry::Here(id, subnets))
}

/// Both ends of a peering attachment, requester first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peering {
    pub(crate) ends: Vec<(Region, TgwId)>,
    /// Whether the entry says what both ends are.
    pub(crate) is_whole: bool,
}

/// `DescribeTransitGatewayPeeringAttachments`: `transitGatewayPeeringAttachments/item`. An end that is a Cloud WAN core network has no
/// Transit Gateway. That an entry lacks an end altogether matters only where it is a peering's: moto 5.2 lists attachments of VPCs here.
pub(crate) fn peering_attachment(
    entry: Element<'_, '_>,
) -> Result<Entry<AttachmentId, Peering>, Malformed> {
    let mut ends = Vec::new();
    let mut is_whole = true;
    for end in ["requesterTgwInfo", "accepterTgwInfo"] {
        match entry.child(end) {
            Some(end) => {
                if let Some(tgw) = end.text("transitGatewayId") {
                    ends.push((Region::new(end.required("region")?), TgwId::new(tgw)));
                }
            }
            None => is_whole = false,
        }
    }
    let id = AttachmentId::new(entry.required("transitGatewayAttachmentId")?);
    Ok(Entry::Here(id, Peering { ends, is_whole }))
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

/// A Transit Gateway route table as listed, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedTable {
    pub(crate) tgw: TgwId,
    /// Its `Name` tag.
    pub(crate) name: Option<String>,
}

/// `DescribeTransitGatewayRouteTables`: `transitGatewayRouteTables/item`.
pub(crate) fn table(
    entry: Element<'_, '_>,
) -> Result<Entry<TgwRouteTableId, ListedTable>, Malformed> {
    let id = TgwRouteTableId::new(entry.required("transitGatewayRouteTableId")?);
    if is_gone(entry.required("state")?) {
        return Ok(Entry::Gone(id));
    }
    let table = ListedTable {
        tgw: TgwId::new(entry.required("transitGatewayId")?),
        name: name_tag(&tags(entry)?).map(str::to_owned),
    };
    Ok(Entry::Here(id, table))
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
    /// The prefix list it is an entry of: then it was not written as a route, and deleting a static route does not take it away.
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

/// `SearchTransitGatewayRoutes`: `routeSet/item`, of one type. Left out are IPv6 routes, those being deleted, and those of another type, should
/// the endpoint not filter. A state that is not known is an error: the route may or may not take packets.
pub(crate) fn route(entry: Element<'_, '_>, wanted: &str) -> Result<Option<TgwRoute>, Malformed> {
    let destination = entry.required("destinationCidrBlock")?;
    let state = entry.required("state")?;
    let is_wanted = entry.required("type")? == wanted;
    let (blackhole, pending) = match state {
        "active" => (false, false),
        "blackhole" => (true, false),
        "pending" => (false, true),
        "deleting" | "deleted" => return Ok(None),
        other => {
            let problem = Message::new("answer-unknown-route-state").with("state", other);
            return Err(Malformed::new(entry.place("state"), problem));
        }
    };
    if destination.contains(':') || !is_wanted {
        return Ok(None);
    }
    // Absent from a blackhole.
    let attachments = entry
        .optional_items("transitGatewayAttachments")?
        .into_iter()
        .map(|item| {
            let id = item.required("transitGatewayAttachmentId")?;
            let kind = item.required("resourceType")?;
            Ok((AttachmentId::new(id), kind.to_owned()))
        })
        .collect::<Result<_, Malformed>>()?;
    Ok(Some(TgwRoute {
        cidr: entry.parsed("destinationCidrBlock")?,
        prefix_list: entry.text("prefixListId").map(PrefixListId::new),
        blackhole,
        pending,
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
        Some(id) if !entry.flag("blackhole")? => TgwTarget::Attachment(AttachmentId::new(id)),
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
    let mut tunnels_up = 0;
    // Absent while the connection is being made.
    for tunnel in entry.optional_items("vgwTelemetry")? {
        tunnels_up += u32::from(tunnel.required("status")? == "UP");
    }
    // What kind of routes it has decides what it teaches, so that it must be said.
    let options = entry.required_child("options")?;
    let vpn = Vpn {
        tgw: entry.text("transitGatewayId").map(TgwId::new),
        state: state.to_owned(),
        static_routes_only: options.flag("staticRoutesOnly")?,
        private: options.text("outsideIpAddressType") == Some("PrivateIpv4"),
        tunnels_up,
    };
    Ok(Some((VpnId::new(entry.required("vpnConnectionId")?), vpn)))
}

#[cfg(test)]
mod tests;
