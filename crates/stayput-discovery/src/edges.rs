//! How on-prem reaches the Transit Gateways, and what is behind that.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::DxGatewayId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwTarget;

use crate::names;

/// An attachment by which on-prem comes in.
pub(crate) struct Edge {
    pub(crate) name: String,
    pub(crate) region: Region,
    pub(crate) tgw: TgwId,
    pub(crate) attachment: AttachmentId,
    pub(crate) kind: Kind,
}

/// What is attached.
pub(crate) enum Kind {
    BgpVpn,
    StaticVpn,
    /// A VPN whose connection was not seen.
    UnseenVpn,
    DirectConnect(DxGatewayId),
}

/// The VPNs and Direct Connect gateways of these Transit Gateways.
pub(crate) fn edges(aws: &BTreeMap<Region, AwsRegion>, tgws: &BTreeSet<&TgwId>) -> Vec<Edge> {
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for (region, seen) in aws {
        for (id, attachment) in &seen.attachments {
            if !tgws.contains(&attachment.tgw) {
                continue;
            }
            let (word, kind) = match &attachment.kind {
                AttachmentKind::Vpn(vpn) => {
                    let kind = match seen.vpns.get(vpn) {
                        Some(vpn) if vpn.static_routes_only => Kind::StaticVpn,
                        Some(_) => Kind::BgpVpn,
                        None => Kind::UnseenVpn,
                    };
                    ("vpn", kind)
                }
                AttachmentKind::DirectConnect(gateway) => {
                    ("dx", Kind::DirectConnect(gateway.clone()))
                }
                AttachmentKind::Vpc { .. }
                | AttachmentKind::Peering { .. }
                | AttachmentKind::Unknown { .. } => continue,
            };
            let name = format!("{}-{word}", names::city(region));
            found.push(Edge {
                name: names::unique(&mut taken, &name),
                region: region.clone(),
                tgw: attachment.tgw.clone(),
                attachment: id.clone(),
                kind,
            });
        }
    }
    found
}

/// Prefixes that lead to the edges: learned or static, in any table. Each with how it was seen.
pub(crate) fn on_prem(
    aws: &BTreeMap<Region, AwsRegion>,
    edges: &[Edge],
) -> BTreeMap<Cidr, &'static str> {
    let attachments: BTreeSet<_> = edges.iter().map(|edge| &edge.attachment).collect();
    let mut found = BTreeMap::new();
    for table in aws.values().flat_map(|seen| seen.tgw_route_tables.values()) {
        for (cidr, target) in &table.static_routes {
            if matches!(target, TgwTarget::Attachment(id) if attachments.contains(id)) {
                found.insert(*cidr, "static route");
            }
        }
        for (cidr, from) in &table.learned_routes {
            if from.iter().any(|id| attachments.contains(id)) {
                found.insert(*cidr, "propagated route");
            }
        }
    }
    found
}
