//! Which prefixes an attachment advertises to the Transit Gateway tables it propagates to.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeKind;
use stayput_world::AwsRegion;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwRouteTable;

use super::AttKind;
use super::EdgeNode;
use super::Topology;
use crate::index::AttIx;
use crate::listed;
use crate::reason::Origin;

impl Topology {
    /// Prefixes by attachment: all CIDRs of a VPC, never its subnets (AWS reference §1.1); of the others what any table shows as
    /// learned from them, and the on-prem prefixes that no table could show.
    pub(super) fn learn(&mut self, world: &World) {
        let mut advertised: BTreeMap<AttIx, BTreeSet<Cidr>> = BTreeMap::new();
        for (ix, node) in self.attachments.iter() {
            if let AttKind::Vpc { vpc: Some(vpc), .. } = node.kind {
                advertised
                    .entry(ix)
                    .or_default()
                    .extend(&self.vpcs[vpc].cidrs);
            }
        }
        for (name, aws) in &world.aws {
            let Some(region) = self.region_ids.get(name) else {
                continue;
            };
            for table in aws.tgw_route_tables.values() {
                for (cidr, from) in &table.learned_routes {
                    for id in from {
                        if let Some(ix) = self.attachment_ids.get(&(*region, id.clone())) {
                            advertised.entry(*ix).or_default().insert(*cidr);
                        }
                    }
                }
            }
        }
        for (_, edge) in self.edges.iter() {
            let (Some(ix), Some(aws)) = (edge.attachment, world.aws.get(&edge.region)) else {
                continue;
            };
            match edge.kind {
                EdgeKind::BgpVpn | EdgeKind::DirectConnect { .. } => {
                    let hidden = hidden(aws, &edge.attachment_id, &self.on_prem_list);
                    let could_teach = self.attachments[ix].forwards && session_is_up(aws, edge);
                    let invisible = self.on_prem_list.iter().filter(|_| !could_teach);
                    advertised
                        .entry(ix)
                        .or_default()
                        .extend(hidden.chain(invisible.copied()));
                }
                EdgeKind::StaticVpn { .. } => {}
            }
        }
        self.advertised = advertised;
        self.find_earlier();
    }

    /// Finds VPC attachments that an earlier one of the same Transit Gateway keeps from being propagated. Indices are in the order of ids:
    /// see `assumptions` on which is earlier.
    fn find_earlier(&mut self) {
        let mut seen: BTreeMap<_, Vec<AttIx>> = BTreeMap::new();
        for (ix, node) in self.attachments.iter() {
            let AttKind::Vpc { vpc: Some(vpc), .. } = node.kind else {
                continue;
            };
            let cidrs: BTreeSet<Cidr> = self.vpcs[vpc].cidrs.iter().copied().collect();
            for cidr in cidrs {
                let before = seen.entry((node.tgw, cidr)).or_default();
                if !before.is_empty() {
                    self.earlier.insert((ix, cidr), before.clone());
                }
                before.push(ix);
            }
        }
    }
}

/// Whether a snapshot could show what an edge's session advertises. It has no state of Direct Connect sessions: they count as up.
fn session_is_up(aws: &AwsRegion, edge: &EdgeNode) -> bool {
    let attachment = aws.attachments.get(&edge.attachment_id);
    match attachment.map(|attachment| &attachment.kind) {
        Some(AttachmentKind::Vpn(id)) => aws.vpns.get(id).is_none_or(|vpn| vpn.tunnels_up > 0),
        Some(
            AttachmentKind::Vpc { .. }
            | AttachmentKind::DirectConnect(_)
            | AttachmentKind::Peering { .. }
            | AttachmentKind::Unknown { .. },
        )
        | None => true,
    }
}

/// The kind of what an attachment advertises, which is its rank.
fn rank(aws: &AwsRegion, attachment: &AttachmentId) -> Option<Origin> {
    match &aws.attachments.get(attachment)?.kind {
        AttachmentKind::DirectConnect(_) => Some(Origin::DirectConnect),
        AttachmentKind::Vpn(id) if aws.vpns.get(id).is_some_and(|vpn| vpn.private) => {
            Some(Origin::PrivateVpn)
        }
        AttachmentKind::Vpn(_) => Some(Origin::Vpn),
        AttachmentKind::Unknown { resource_type, .. } if resource_type == "connect" => {
            Some(Origin::Connect)
        }
        AttachmentKind::Vpc { .. }
        | AttachmentKind::Peering { .. }
        | AttachmentKind::Unknown { .. } => None,
    }
}

/// On-prem prefixes that no table could show as learned from this attachment, because in every one it propagates to a better route of
/// the same prefix hides it: a static one, an entry of a prefix list, or a learned one of a better kind (AWS reference §1.2, "only the
/// winner is visible"). Were they not announced, nothing would tell.
fn hidden<'a>(
    aws: &'a AwsRegion,
    attachment: &'a AttachmentId,
    on_prem: &'a [Cidr],
) -> impl Iterator<Item = Cidr> + 'a {
    let mine = rank(aws, attachment);
    let better = move |other: &AttachmentId| rank(aws, other).zip(mine).is_some_and(|(a, b)| a < b);
    let beaten = move |table: &TgwRouteTable, cidr: &Cidr| {
        let learned = table.learned_routes.get(cidr);
        learned.is_some_and(|from| from.iter().any(better))
    };
    let tables = || {
        aws.tgw_route_tables
            .values()
            .filter(|table| table.propagations.contains(attachment))
    };
    on_prem.iter().copied().filter(move |cidr| {
        tables().all(|table| {
            table.static_routes.contains_key(cidr)
                || listed::in_tgw_table(aws, table).contains_key(cidr)
                || beaten(table, cidr)
        })
    })
}
