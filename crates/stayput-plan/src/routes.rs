//! Which Transit Gateway routes a network's home asks for. In which order they are written is searched for (`order`).
//!
//! One rule serves moving, failing over and failing back: at the home's own Transit Gateway every table that must reach
//! the network leads it to the home's VPC attachment; at any other it leads to the peering towards the home.

use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeKind;
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

use crate::AttachmentFault;
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
    /// What shall be there; `None`: no static route.
    pub to: Option<TgwTarget>,
}

/// What a home asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// To write, nearest the home first.
    pub writes: Vec<RouteWrite>,
    /// To take away when all that has been seen to work: more specific routes that say the same.
    pub leftovers: Vec<RouteWrite>,
}

/// What of a network is led to its home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it, by its own prefix and nothing more specific.
    Whole,
    /// All of it; the two more specific halves that draw on-prem to the home stay.
    WholeWithHalves,
    /// A prefix inside it: the rest is elsewhere.
    Inside(Cidr),
}

/// The routes to write so that a part of `network` is served from `home`.
///
/// # Errors
/// What is missing for that, and more specific routes that lead elsewhere.
pub fn routes_for_home(
    estate: &Estate,
    world: &World,
    network: &Network,
    home: &SiteName,
    part: Part,
) -> Result<Routes, BTreeSet<Obstacle>> {
    let Some(site) = estate.sites.get(home) else {
        return Ok(Routes::default());
    };
    let prefix = match part {
        Part::Whole | Part::WholeWithHalves => network.cidr,
        Part::Inside(prefix) => prefix,
    };
    let halves = network.cidr.halves().into_iter().flatten();
    let halves: BTreeSet<_> = halves.collect();
    let mut obstacles = BTreeSet::new();
    let mut routes = Routes::default();
    for (region, tgw) in tgws_nearest_first(estate, site) {
        let Some(aws) = world.aws.get(region) else {
            continue;
        };
        let target = if *tgw == site.tgw {
            vpc_attachment(aws, tgw, &site.vpc).ok_or_else(|| Obstacle::NoAttachment {
                site: home.clone(),
                region: region.clone(),
                tgw: tgw.clone(),
                fault: AttachmentFault::of(vpc_attachments(aws, tgw, &site.vpc)),
            })
        } else {
            peering(aws, tgw, &site.region, &site.tgw).ok_or_else(|| Obstacle::NoPeering {
                from: tgw.clone(),
                region: region.clone(),
                to: site.tgw.clone(),
                fault: AttachmentFault::of(peerings(aws, tgw, &site.region, &site.tgw)),
            })
        };
        let tables = aws
            .tgw_route_tables
            .iter()
            .filter(|(_, table)| table.tgw == *tgw && !table.associations.is_empty());
        for (id, table) in tables {
            let inside = table
                .static_routes
                .iter()
                .filter(|(cidr, _)| prefix.covers(**cidr) && **cidr != prefix);
            for (cidr, leads) in inside {
                let gone = RouteWrite {
                    region: region.clone(),
                    table: id.clone(),
                    cidr: *cidr,
                    from: Some(leads.clone()),
                    to: None,
                };
                let home_already =
                    matches!((&target, leads), (Ok(home), TgwTarget::Attachment(to)) if home == to);
                let is_half = halves.contains(cidr);
                if home_already {
                    if !(is_half && part == Part::WholeWithHalves) {
                        routes.leftovers.push(gone);
                    }
                } else if is_half && leads_to_a_site(estate, aws, leads) {
                    routes.writes.push(gone);
                } else {
                    obstacles.insert(Obstacle::MoreSpecific {
                        region: region.clone(),
                        table: table.name.clone().unwrap_or_else(|| id.to_string()),
                        cidr: *cidr,
                        network: network.name.clone(),
                    });
                }
            }
            // What the other Transit Gateways lead to the peering must find its way on at home, whether or not the table
            // had one before; elsewhere a table without any route over the network has no use for one.
            let from_afar = *tgw == site.tgw
                && takes_from_peering(aws, table)
                && longest(aws, table, prefix).is_none();
            if !from_afar && !must_reach(aws, table, prefix) {
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
                && !table.static_routes.contains_key(&prefix)
                && leads_to(aws, table, prefix, target)
            {
                continue;
            }
            // Nor is a part written that its whole leads there already.
            if matches!(part, Part::Inside(_)) && leads_to(aws, table, prefix, target) {
                continue;
            }
            let to = Some(TgwTarget::Attachment(target.clone()));
            let from = table.static_routes.get(&prefix).cloned();
            if from != to {
                routes.writes.push(RouteWrite {
                    region: region.clone(),
                    table: id.clone(),
                    cidr: prefix,
                    from,
                    to,
                });
            }
        }
    }
    if obstacles.is_empty() {
        Ok(routes)
    } else {
        Err(obstacles)
    }
}

/// Whether a route leads where routes of stayput lead: to the VPC of a site, or to another Transit Gateway of the estate.
fn leads_to_a_site(estate: &Estate, aws: &AwsRegion, target: &TgwTarget) -> bool {
    let TgwTarget::Attachment(id) = target else {
        return false;
    };
    let mut sites = estate.sites.values();
    match aws.attachments.get(id).map(|attachment| &attachment.kind) {
        Some(AttachmentKind::Vpc { vpc, .. }) => sites.any(|site| site.vpc == *vpc),
        Some(AttachmentKind::Peering { tgw, .. }) => sites.any(|site| site.tgw == *tgw),
        Some(
            AttachmentKind::Vpn(_)
            | AttachmentKind::DirectConnect(_)
            | AttachmentKind::Unknown { .. },
        )
        | None => false,
    }
}

/// The two halves of a network in the tables that the BGP VPNs of the home's region announce, whether they are there or not: longer than
/// what any other region announces, they draw on-prem there (AWS reference §2.3, §8.4).
pub fn halves_for_home(
    estate: &Estate,
    world: &World,
    network: &Network,
    home: &SiteName,
) -> Vec<RouteWrite> {
    let Some((site, aws)) = estate
        .sites
        .get(home)
        .and_then(|site| Some((site, world.aws.get(&site.region)?)))
    else {
        return Vec::new();
    };
    let Some(target) = vpc_attachment(aws, &site.tgw, &site.vpc) else {
        return Vec::new();
    };
    let to = Some(TgwTarget::Attachment(target));
    let edges = estate.edges.values();
    let announced: BTreeSet<_> = edges
        .filter(|edge| edge.tgw == site.tgw && edge.kind == EdgeKind::BgpVpn)
        .filter_map(|edge| aws.attachments.get(&edge.attachment)?.association.clone())
        .collect();
    let mut writes = Vec::new();
    for table in announced {
        for cidr in network.cidr.halves().into_iter().flatten() {
            let known = aws.tgw_route_tables.get(&table);
            let from = known.and_then(|table| table.static_routes.get(&cidr).cloned());
            writes.push(RouteWrite {
                region: site.region.clone(),
                table: table.clone(),
                cidr,
                from,
                to: to.clone(),
            });
        }
    }
    writes
}

/// Routes of a network to the VPC of a site that is lost, in the tables that can still be reached, made to drop what asks for it: a
/// cluster that comes back gets no packets (AWS reference §8.4).
pub fn fence(
    estate: &Estate,
    world: &World,
    network: &Network,
    lost: &SiteName,
) -> Vec<RouteWrite> {
    let Some((site, aws)) = estate
        .sites
        .get(lost)
        .and_then(|site| Some((site, world.aws.get(&site.region)?)))
    else {
        return Vec::new();
    };
    let Some(attachment) = vpc_attachment(aws, &site.tgw, &site.vpc) else {
        return Vec::new();
    };
    let leads = TgwTarget::Attachment(attachment);
    let tables = aws.tgw_route_tables.iter();
    tables
        .filter(|(_, table)| table.tgw == site.tgw)
        .filter(|(_, table)| table.static_routes.get(&network.cidr) == Some(&leads))
        .map(|(id, _)| RouteWrite {
            region: site.region.clone(),
            table: id.clone(),
            cidr: network.cidr,
            from: Some(leads.clone()),
            to: Some(TgwTarget::Blackhole),
        })
        .collect()
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

/// Whether an attachment carries packets out, whatever becomes of those that come in.
pub fn is_forwarding(attachment: &TgwAttachment) -> bool {
    matches!(
        attachment.state,
        AttachmentState::Available | AttachmentState::Modifying
    )
}

fn is_usable(attachment: &TgwAttachment) -> bool {
    is_forwarding(attachment) && attachment.association.is_some()
}

/// Attachments of a VPC on a Transit Gateway, usable or not.
fn vpc_attachments<'w>(
    aws: &'w AwsRegion,
    tgw: &TgwId,
    wanted: &stayput_estate::VpcId,
) -> impl Iterator<Item = (&'w AttachmentId, &'w TgwAttachment)> {
    aws.attachments.iter().filter(move |(_, attachment)| {
        attachment.tgw == *tgw
            && matches!(&attachment.kind, AttachmentKind::Vpc { vpc, .. } if vpc == wanted)
    })
}

/// The usable attachment of a VPC on a Transit Gateway.
pub fn vpc_attachment(
    aws: &AwsRegion,
    tgw: &TgwId,
    wanted: &stayput_estate::VpcId,
) -> Option<AttachmentId> {
    let mut found = vpc_attachments(aws, tgw, wanted);
    let usable = found.find(|(_, attachment)| is_usable(attachment));
    usable.map(|(id, _)| id.clone())
}

/// Peerings of a Transit Gateway with another, usable or not.
fn peerings<'w>(
    aws: &'w AwsRegion,
    tgw: &TgwId,
    far_region: &Region,
    far_tgw: &TgwId,
) -> impl Iterator<Item = (&'w AttachmentId, &'w TgwAttachment)> {
    aws.attachments.iter().filter(move |(_, attachment)| {
        attachment.tgw == *tgw
            && matches!(&attachment.kind, AttachmentKind::Peering { region, tgw } if region == far_region && tgw == far_tgw)
    })
}

/// The usable peering of a Transit Gateway with another.
fn peering(
    aws: &AwsRegion,
    tgw: &TgwId,
    far_region: &Region,
    far_tgw: &TgwId,
) -> Option<AttachmentId> {
    let mut found = peerings(aws, tgw, far_region, far_tgw);
    let usable = found.find(|(_, attachment)| is_usable(attachment));
    usable.map(|(id, _)| id.clone())
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
/// blackhole over it means that they shall not; one for exactly the prefix is a fence that stayput wrote.
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
pub fn leads_to(
    aws: &AwsRegion,
    table: &TgwRouteTable,
    cidr: Cidr,
    attachment: &AttachmentId,
) -> bool {
    longest(aws, table, cidr).is_some_and(|(_, targets)| targets == [Some(attachment)].into())
}
