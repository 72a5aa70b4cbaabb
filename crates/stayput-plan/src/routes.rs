//! Which Transit Gateway routes a network's home asks for, and in which order they are written.
//!
//! One rule serves moving, failing over and failing back: at the home's own Transit Gateway every table that must reach
//! the network leads it to the home's VPC attachment; at any other it leads to the peering towards the home. The tables
//! nearest the new home come first, so that whoever is switched over finds the rest of the way ready (design §4).

use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_estate::Network;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_world::AwsRegion;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::TgwAttachment;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;

use crate::Obstacle;

/// One static route to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteWrite {
    /// Region of the table.
    pub region: Region,
    /// The table.
    pub table: TgwRouteTableId,
    /// The prefix.
    pub cidr: Cidr,
    /// What is there now.
    pub from: Option<TgwTarget>,
    /// What shall be there.
    pub to: TgwTarget,
}

/// The routes to write so that `network` is served from `home`, nearest the home first.
pub fn routes_for_home(
    estate: &Estate,
    world: &World,
    network: &Network,
    home: &SiteName,
) -> Result<Vec<RouteWrite>, BTreeSet<Obstacle>> {
    let Some(site) = estate.sites.get(home) else {
        return Ok(Vec::new());
    };
    let mut obstacles = BTreeSet::new();
    let mut writes = Vec::new();
    for (region, tgw) in tgws_nearest_first(estate, site) {
        let Some(aws) = world.aws.get(region) else {
            continue;
        };
        let target = if *tgw == site.tgw {
            vpc_attachment(aws, tgw, &site.vpc).ok_or_else(|| Obstacle::NoAttachment {
                site: home.clone(),
                region: region.clone(),
                tgw: tgw.clone(),
            })
        } else {
            peering(aws, tgw, &site.region, &site.tgw).ok_or_else(|| Obstacle::NoPeering {
                from: tgw.clone(),
                to: site.tgw.clone(),
            })
        };
        let tables = aws
            .tgw_route_tables
            .iter()
            .filter(|(_, table)| table.tgw == *tgw && !table.associations.is_empty());
        for (id, table) in tables {
            for cidr in table
                .static_routes
                .keys()
                .filter(|cidr| network.cidr.covers(**cidr) && **cidr != network.cidr)
            {
                obstacles.insert(Obstacle::MoreSpecific {
                    region: region.clone(),
                    table: table.name.clone().unwrap_or_else(|| id.to_string()),
                    cidr: *cidr,
                    network: network.name.clone(),
                });
            }
            // What the other Transit Gateways lead to the peering must find its way on at home, whether or not the table
            // had one before; elsewhere a table without any route over the network has no use for one.
            let from_afar = *tgw == site.tgw
                && takes_from_peering(aws, table)
                && longest(aws, table, network.cidr).is_none();
            if !from_afar && !must_reach(aws, table, network.cidr) {
                continue;
            }
            let target = match &target {
                Ok(target) => target,
                Err(obstacle) => {
                    obstacles.insert(obstacle.clone());
                    continue;
                }
            };
            // Away from home a shorter route to the same peering does as well; it is left alone.
            if *tgw != site.tgw
                && !table.static_routes.contains_key(&network.cidr)
                && leads_to(aws, table, network.cidr, target)
            {
                continue;
            }
            let to = TgwTarget::Attachment(target.clone());
            let from = table.static_routes.get(&network.cidr).cloned();
            if from.as_ref() != Some(&to) {
                writes.push(RouteWrite {
                    region: region.clone(),
                    table: id.clone(),
                    cidr: network.cidr,
                    from,
                    to,
                });
            }
        }
    }
    if obstacles.is_empty() {
        Ok(writes)
    } else {
        Err(obstacles)
    }
}

/// Every Transit Gateway of the estate, the home's first.
fn tgws_nearest_first<'e>(
    estate: &'e Estate,
    home: &'e stayput_estate::Nc2Site,
) -> Vec<(&'e Region, &'e TgwId)> {
    let mut tgws = vec![(&home.region, &home.tgw)];
    let others = estate.sites.values().map(|site| (&site.region, &site.tgw));
    for tgw in others.chain([(&estate.source.region, &estate.source.tgw)]) {
        if !tgws.contains(&tgw) {
            tgws.push(tgw);
        }
    }
    tgws
}

fn is_usable(attachment: &TgwAttachment) -> bool {
    matches!(
        attachment.state,
        AttachmentState::Available | AttachmentState::Modifying
    ) && attachment.association.is_some()
}

/// The usable attachment of a VPC on a Transit Gateway.
pub fn vpc_attachment(
    aws: &AwsRegion,
    tgw: &TgwId,
    wanted: &stayput_estate::VpcId,
) -> Option<AttachmentId> {
    let mut found = aws.attachments.iter().filter(|(_, attachment)| {
        attachment.tgw == *tgw
            && is_usable(attachment)
            && matches!(&attachment.kind, AttachmentKind::Vpc { vpc, .. } if vpc == wanted)
    });
    found.next().map(|(id, _)| id.clone())
}

/// The usable peering of a Transit Gateway with another.
fn peering(
    aws: &AwsRegion,
    tgw: &TgwId,
    far_region: &Region,
    far_tgw: &TgwId,
) -> Option<AttachmentId> {
    let mut found = aws.attachments.iter().filter(|(_, attachment)| {
        attachment.tgw == *tgw
            && is_usable(attachment)
            && matches!(&attachment.kind, AttachmentKind::Peering { region, tgw } if region == far_region && tgw == far_tgw)
    });
    found.next().map(|(id, _)| id.clone())
}

/// Prefixes a table has, with the attachments they lead to.
fn entries<'w>(
    aws: &'w AwsRegion,
    table: &'w TgwRouteTable,
) -> impl Iterator<Item = (Cidr, Option<&'w AttachmentId>)> {
    let statics = table
        .static_routes
        .iter()
        .map(|(cidr, target)| match target {
            TgwTarget::Attachment(id) => (*cidr, Some(id)),
            TgwTarget::Blackhole => (*cidr, None),
        });
    let learned = table
        .learned_routes
        .iter()
        .flat_map(|(cidr, ids)| ids.iter().map(|id| (*cidr, Some(id))));
    let propagated = table.propagations.iter().flat_map(|id| {
        let cidrs = match aws.attachments.get(id).map(|attachment| &attachment.kind) {
            Some(AttachmentKind::Vpc { vpc, .. }) => aws
                .vpcs
                .get(vpc)
                .map(|vpc| vpc.cidrs.as_slice())
                .unwrap_or_default(),
            _ => &[],
        };
        cidrs.iter().map(move |cidr| (*cidr, Some(id)))
    });
    statics.chain(learned).chain(propagated)
}

/// Whether packets entering by this table are meant to reach the prefix: its longest route over it leads somewhere. A
/// blackhole over it is somebody's wish that they do not; one for exactly the prefix is a fence of ours.
fn must_reach(aws: &AwsRegion, table: &TgwRouteTable, cidr: Cidr) -> bool {
    longest(aws, table, cidr)
        .is_some_and(|(prefix, targets)| prefix == cidr || !targets.contains(&None))
}

/// Whether packets from another Transit Gateway enter by this table.
fn takes_from_peering(aws: &AwsRegion, table: &TgwRouteTable) -> bool {
    table
        .associations
        .iter()
        .filter_map(|id| aws.attachments.get(id))
        .any(|attachment| matches!(attachment.kind, AttachmentKind::Peering { .. }))
}

/// The longest prefix of a table over `cidr`, and where it leads.
fn longest<'w>(
    aws: &'w AwsRegion,
    table: &'w TgwRouteTable,
    cidr: Cidr,
) -> Option<(Cidr, BTreeSet<Option<&'w AttachmentId>>)> {
    let covering: Vec<_> = entries(aws, table)
        .filter(|(prefix, _)| prefix.covers(cidr))
        .collect();
    let prefix = covering
        .iter()
        .map(|(prefix, _)| *prefix)
        .max_by_key(|prefix| prefix.len())?;
    // A static route hides a propagated one of the same prefix (AWS reference §1.2).
    let targets = match table.static_routes.get(&prefix) {
        Some(TgwTarget::Attachment(id)) => [Some(id)].into(),
        Some(TgwTarget::Blackhole) => [None].into(),
        None => covering
            .iter()
            .filter(|(other, _)| *other == prefix)
            .map(|(_, target)| *target)
            .collect(),
    };
    Some((prefix, targets))
}

/// Whether the longest prefix over `cidr` leads to this attachment only.
fn leads_to(aws: &AwsRegion, table: &TgwRouteTable, cidr: Cidr, attachment: &AttachmentId) -> bool {
    longest(aws, table, cidr).is_some_and(|(_, targets)| targets == [Some(attachment)].into())
}
