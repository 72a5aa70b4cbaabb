//! Derived routing: what AWS computes from its configuration, computed on request (AWS reference §1.2, §2.3, §9).
//!
//! Nothing here is stored, so a propagated route reappears when the static route that hid it is deleted, and a static route whose
//! attachment is deleted becomes a blackhole.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;

use super::model::Attachment;
use super::model::AttachmentKind;
use super::model::Eni;
use super::model::InstanceState;
use super::model::RegionState;
use super::model::RouteTable;
use super::model::RouteTarget;
use super::model::TgwRouteTable;
use super::model::TgwStatic;
use crate::clock::VTime;
use crate::state::LabState;

/// Whether a BGP VPN announces blackhole routes to on-prem. (inferred: they are routes of the associated table like all others;
/// AWS reference §2.3 leaves it open.)
pub const BLACKHOLES_ARE_ANNOUNCED: bool = true;

/// Origin of a route of a Transit Gateway table, highest priority first for equal prefixes (AWS reference §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Static.
    Static,
    /// From a prefix list that the table refers to.
    PrefixList,
    /// CIDR of an attached VPC.
    Vpc,
    /// Learned through a Direct Connect gateway.
    DirectConnect,
    /// Learned through the BGP of a VPN with private addresses.
    PrivateVpn,
    /// Learned through another VPN's BGP.
    Vpn,
}

/// State of a Transit Gateway route as its table lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteState {
    /// Used by the data plane.
    Active,
    /// Written, not used by the data plane yet.
    Pending,
    /// Drops packets.
    Blackhole,
}

/// One route of a Transit Gateway table: the winner for its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TgwRoute {
    /// Its origin.
    pub origin: Origin,
    /// State.
    pub state: RouteState,
    /// The prefix list that it comes from, if any.
    pub list: Option<String>,
    /// Targets; empty for a blackhole, several for equal-cost VPN routes.
    pub attachments: BTreeSet<String>,
}

/// What the data plane does with a packet that matched a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// Drops it.
    Blackhole,
    /// Sends it to one of these attachments; the first has the lowest id. Never empty.
    To(Vec<String>),
}

/// Whether an attachment in this state forwards packets and propagates its prefixes (AWS reference §1.1).
pub fn forwards(attachment: &Attachment) -> bool {
    matches!(attachment.state.as_str(), "available" | "modifying")
}

/// Returns the attachment if it exists, is on this Transit Gateway and forwards.
fn usable<'a>(region: &'a RegionState, tgw: &str, id: &str) -> Option<&'a Attachment> {
    region
        .attachments
        .get(id)
        .filter(|attachment| attachment.tgw == tgw && forwards(attachment))
}

/// Returns the prefixes that an attachment propagates.
///
/// A VPC propagates all its CIDRs, never its subnets, except a CIDR that an earlier attachment of the same Transit Gateway has
/// too. A BGP VPN with a tunnel up and a Direct Connect gateway propagate what on-prem announces. A static VPN and a peering
/// propagate nothing.
pub fn propagated_prefixes(lab: &LabState, region: &str, id: &str) -> BTreeSet<Cidr> {
    let Some(state) = lab.aws.regions.get(region) else {
        return BTreeSet::new();
    };
    let Some(attachment) = state.attachments.get(id).filter(|found| forwards(found)) else {
        return BTreeSet::new();
    };
    match &attachment.kind {
        AttachmentKind::Vpc { vpc, .. } => {
            let earlier: BTreeSet<Cidr> = state
                .attachments
                .iter()
                .filter(|(other_id, other)| {
                    other.tgw == attachment.tgw
                        && forwards(other)
                        && (other.created, other_id.as_str()) < (attachment.created, id)
                })
                .filter_map(|(_, other)| match &other.kind {
                    AttachmentKind::Vpc { vpc, .. } => state.vpcs.get(vpc),
                    AttachmentKind::Vpn(_)
                    | AttachmentKind::DirectConnect(_)
                    | AttachmentKind::Peering { .. } => None,
                })
                .flat_map(|vpc| vpc.cidrs.iter().copied())
                .collect();
            state
                .vpcs
                .get(vpc)
                .into_iter()
                .flat_map(|vpc| vpc.cidrs.iter().copied())
                .filter(|cidr| !earlier.contains(cidr))
                .collect()
        }
        AttachmentKind::Vpn(vpn) => state
            .vpns
            .get(vpn)
            .filter(|vpn| !vpn.static_only && vpn.tunnels_up > 0)
            .map(|vpn| vpn.on_prem.clone())
            .unwrap_or_default(),
        AttachmentKind::DirectConnect(gateway) => lab
            .aws
            .dx_gateways
            .get(gateway)
            .filter(|_| dx_associated(lab, gateway, region, &attachment.tgw))
            .map(|gateway| gateway.on_prem.clone())
            .unwrap_or_default(),
        AttachmentKind::Peering { .. } => BTreeSet::new(),
    }
}

/// Whether the association of this gateway with this Transit Gateway carries traffic.
pub fn dx_associated(lab: &LabState, gateway: &str, region: &str, tgw: &str) -> bool {
    lab.aws.dx_associations.values().any(|association| {
        association.gateway == gateway
            && association.region == region
            && association.tgw == tgw
            && dx_carries(&association.state)
    })
}

/// Whether a Direct Connect association in this state carries traffic; `updating` does (AWS reference §2.1).
pub fn dx_carries(state: &str) -> bool {
    matches!(state, "associated" | "updating")
}

fn origin_of(region: &RegionState, kind: &AttachmentKind) -> Origin {
    match kind {
        AttachmentKind::Vpc { .. } => Origin::Vpc,
        AttachmentKind::Vpn(vpn) if region.vpns.get(vpn).is_some_and(|vpn| vpn.private) => {
            Origin::PrivateVpn
        }
        AttachmentKind::DirectConnect(_) => Origin::DirectConnect,
        // A peering propagates nothing, so its rank is not used.
        AttachmentKind::Vpn(_) | AttachmentKind::Peering { .. } => Origin::Vpn,
    }
}

/// Returns all propagated routes of a table that win, as if it had no static ones.
pub fn propagated(lab: &LabState, region: &str, table: &str) -> BTreeMap<Cidr, TgwRoute> {
    let mut routes: BTreeMap<Cidr, TgwRoute> = BTreeMap::new();
    let Some(state) = lab.aws.regions.get(region) else {
        return routes;
    };
    let Some(table) = state.tgw_route_tables.get(table) else {
        return routes;
    };
    for id in &table.propagations {
        let Some(attachment) = usable(state, &table.tgw, id) else {
            continue;
        };
        let origin = origin_of(state, &attachment.kind);
        for cidr in propagated_prefixes(lab, region, id) {
            let route = routes.entry(cidr).or_insert_with(|| TgwRoute {
                origin,
                state: RouteState::Active,
                list: None,
                attachments: BTreeSet::new(),
            });
            if origin < route.origin {
                route.origin = origin;
                route.attachments.clear();
            }
            if origin == route.origin {
                route.attachments.insert(id.clone());
            }
        }
    }
    routes
}

/// Returns a Transit Gateway table as `SearchTransitGatewayRoutes` lists it: one winner for each prefix.
pub fn table(lab: &LabState, region: &str, table: &str) -> BTreeMap<Cidr, TgwRoute> {
    let mut routes = propagated(lab, region, table);
    let Some(state) = lab.aws.regions.get(region) else {
        return routes;
    };
    let Some(table) = state.tgw_route_tables.get(table) else {
        return routes;
    };
    for (cidr, list, entry) in listed(state, table) {
        let mut shown = shown_static(state, &table.tgw, entry, lab.now());
        shown.origin = Origin::PrefixList;
        shown.list = Some(list.to_owned());
        routes.insert(cidr, shown);
    }
    for (cidr, entry) in &table.statics {
        routes.insert(*cidr, shown_static(state, &table.tgw, entry, lab.now()));
    }
    routes
}

/// Returns the prefixes of the prefix lists of a Transit Gateway table, with list and reference. Where two lists have the same
/// prefix, that of the lower id comes last and therefore wins (AWS reference §1.2 is silent).
fn listed<'a>(
    region: &'a RegionState,
    table: &'a TgwRouteTable,
) -> impl Iterator<Item = (Cidr, &'a str, &'a TgwStatic)> {
    table.prefix_lists.iter().rev().flat_map(|(id, reference)| {
        let list = region.prefix_lists.get(id).into_iter();
        let entries = list.flat_map(|list| list.entries.keys());
        entries.map(move |cidr| (*cidr, id.as_str(), reference))
    })
}

/// Returns how many routes a Transit Gateway has over all its tables, including hidden ones: each entry of a list counts (AWS
/// reference §1.4).
pub fn count(lab: &LabState, region: &str, tgw: &str) -> usize {
    let Some(state) = lab.aws.regions.get(region) else {
        return 0;
    };
    state
        .tgw_route_tables
        .iter()
        .filter(|(_, table)| table.tgw == tgw)
        .map(|(id, table)| {
            let learned = propagated(lab, region, id).len();
            table.statics.len() + listed(state, table).count() + learned
        })
        .sum()
}

/// Returns a static route as its table lists it.
pub fn shown_static(region: &RegionState, tgw: &str, entry: &TgwStatic, now: VTime) -> TgwRoute {
    let target = entry
        .attachment
        .as_ref()
        .filter(|id| usable(region, tgw, id).is_some());
    TgwRoute {
        origin: Origin::Static,
        state: if now < entry.active_from {
            RouteState::Pending
        } else if target.is_some() {
            RouteState::Active
        } else {
            RouteState::Blackhole
        },
        list: None,
        attachments: target.into_iter().cloned().collect(),
    }
}

/// Returns what a static route makes the data plane do now: nothing yet, drop, or send. While a write is pending, the old target
/// is used.
pub fn effective_static(entry: &TgwStatic, now: VTime) -> Option<Option<&str>> {
    if now < entry.active_from {
        entry.before.as_ref().map(|target| target.as_deref())
    } else {
        Some(entry.attachment.as_deref())
    }
}

/// Returns every route that the data plane of a Transit Gateway table uses now.
pub fn data_plane(lab: &LabState, region: &str, table: &str) -> BTreeMap<Cidr, Forward> {
    let mut routes: BTreeMap<Cidr, Forward> = propagated(lab, region, table)
        .into_iter()
        .map(|(cidr, route)| (cidr, Forward::To(route.attachments.into_iter().collect())))
        .collect();
    let Some(state) = lab.aws.regions.get(region) else {
        return routes;
    };
    let Some(table) = state.tgw_route_tables.get(table) else {
        return routes;
    };
    let statics = table.statics.iter().map(|(cidr, entry)| (*cidr, entry));
    let listed = listed(state, table).map(|(cidr, _, reference)| (cidr, reference));
    for (cidr, entry) in listed.chain(statics) {
        let Some(target) = effective_static(entry, lab.now()) else {
            continue;
        };
        let forward = match target.filter(|id| usable(state, &table.tgw, id).is_some()) {
            Some(id) => Forward::To(vec![id.to_owned()]),
            None => Forward::Blackhole,
        };
        routes.insert(cidr, forward);
    }
    routes
}

/// Returns the longest prefix that contains the address; of equal ones the last.
pub fn longest_match<T>(
    routes: impl IntoIterator<Item = (Cidr, T)>,
    address: Ipv4Addr,
) -> Option<(Cidr, T)> {
    routes
        .into_iter()
        .filter(|(cidr, _)| cidr.contains(address))
        .max_by_key(|(cidr, _)| cidr.len())
}

/// Returns the table that routes what enters a Transit Gateway from this attachment.
pub fn associated_table<'a>(region: &'a RegionState, attachment: &str) -> Option<&'a str> {
    region
        .tgw_route_tables
        .iter()
        .find(|(_, table)| table.associations.contains(attachment))
        .map(|(id, _)| id.as_str())
}

/// Returns what a BGP VPN announces to on-prem: the routes of the table associated with its attachment, except those that lead
/// back into it (AWS reference §2.3). Empty without BGP or a tunnel, or when the region is down.
pub fn announced(lab: &LabState, region: &str, vpn: &str) -> BTreeSet<Cidr> {
    let Some(state) = lab.aws.regions.get(region) else {
        return BTreeSet::new();
    };
    let session_up = state
        .vpns
        .get(vpn)
        .is_some_and(|vpn| !vpn.static_only && vpn.tunnels_up > 0);
    if !session_up || lab.aws.down_regions.contains(region) {
        return BTreeSet::new();
    }
    let Some(attachment) = vpn_attachment(state, vpn) else {
        return BTreeSet::new();
    };
    let Some(table) = associated_table(state, attachment) else {
        return BTreeSet::new();
    };
    data_plane(lab, region, table)
        .into_iter()
        .filter(|(_, forward)| match forward {
            Forward::Blackhole => BLACKHOLES_ARE_ANNOUNCED,
            Forward::To(targets) => targets.first().is_none_or(|target| target != attachment),
        })
        .map(|(cidr, _)| cidr)
        .collect()
}

/// Returns the attachment of a VPN connection.
pub fn vpn_attachment<'a>(region: &'a RegionState, vpn: &str) -> Option<&'a str> {
    region
        .attachments
        .iter()
        .find(|(_, attachment)| {
            forwards(attachment)
                && matches!(&attachment.kind, AttachmentKind::Vpn(found) if found == vpn)
        })
        .map(|(id, _)| id.as_str())
}

/// Whether an interface answers: those of services always do, those of instances while they run.
pub fn is_up(region: &RegionState, eni: &Eni) -> bool {
    match &eni.instance {
        None => true,
        Some((instance, _)) => {
            region
                .instances
                .get(instance)
                .is_some_and(|instance| match instance.state {
                    InstanceState::Running => true,
                    InstanceState::Pending
                    | InstanceState::Stopping
                    | InstanceState::Stopped
                    | InstanceState::Terminated => false,
                })
        }
    }
}

/// Returns the route table of a subnet: the one it is associated with, else the VPC's main one.
pub fn subnet_table<'a>(region: &'a RegionState, subnet: &str) -> Option<&'a str> {
    let vpc = &region.subnets.get(subnet)?.vpc;
    region
        .route_tables
        .iter()
        .find(|(_, table)| table.associations.values().any(|found| found == subnet))
        .or_else(|| {
            region
                .route_tables
                .iter()
                .find(|(_, table)| table.main && table.vpc == *vpc)
        })
        .map(|(id, _)| id.as_str())
}

/// Returns every route of a VPC table except `local`. Of equal prefixes, the later one has priority: propagated, from a prefix
/// list, static (AWS reference §3 item 1). Of two lists with the same prefix, the one with the lower id wins: AWS says that it
/// chooses one and does not change that choice.
pub fn vpc_routes<'a>(
    region: &'a RegionState,
    table: &'a RouteTable,
) -> impl Iterator<Item = (Cidr, &'a RouteTarget)> {
    let propagated = table
        .propagated
        .iter()
        .map(|(cidr, target)| (*cidr, target));
    let listed = table.list_routes.iter().rev().flat_map(|(id, target)| {
        let list = region.prefix_lists.get(id).into_iter();
        let entries = list.flat_map(|list| list.entries.keys());
        entries.map(move |cidr| (*cidr, target))
    });
    let written = table.routes.iter().map(|(cidr, target)| (*cidr, target));
    propagated.chain(listed).chain(written)
}

/// Returns the attachment of a VPC to a Transit Gateway, if it forwards.
pub fn vpc_attachment<'a>(
    region: &'a RegionState,
    vpc: &str,
    tgw: &str,
) -> Option<(&'a str, &'a BTreeSet<String>)> {
    region.attachments.iter().find_map(|(id, attachment)| {
        if attachment.tgw != tgw || !forwards(attachment) {
            return None;
        }
        match &attachment.kind {
            AttachmentKind::Vpc {
                vpc: attached,
                subnets,
            } if attached == vpc => Some((id.as_str(), subnets)),
            AttachmentKind::Vpc { .. }
            | AttachmentKind::Vpn(_)
            | AttachmentKind::DirectConnect(_)
            | AttachmentKind::Peering { .. } => None,
        }
    })
}

/// Whether a VPC route is `blackhole`: its interface is deleted, or its VPC is not attached to its Transit Gateway. The lab has
/// no NAT, internet or peering gateways, so routes to them are always `active`.
pub fn vpc_route_is_blackhole(region: &RegionState, vpc: &str, target: &RouteTarget) -> bool {
    match target {
        RouteTarget::Eni(eni) => !region.enis.contains_key(eni),
        RouteTarget::Tgw(tgw) => vpc_attachment(region, vpc, tgw).is_none(),
        RouteTarget::Nat(_) | RouteTarget::Igw(_) | RouteTarget::Pcx(_) => false,
    }
}
