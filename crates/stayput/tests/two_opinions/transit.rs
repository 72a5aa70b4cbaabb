//! The Transit Gateways of a generated world and the edges behind them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::*;
use stayput_world::aws::*;
use stayput_world::*;

use crate::places::*;
use crate::tape::Tape;
use crate::world::attach;
use crate::world::forwards;

/// One to three ways to on-prem, sometimes with one preference, sometimes two over one Direct Connect gateway.
pub fn edges(estate: &mut Estate, world: &mut World, tape: &mut Tape) {
    let count = 1 + tape.below(3);
    let turn = u32::try_from(tape.below(3)).unwrap();
    let alike = tape.rarely(3);
    let mut shared: Option<(Side, DxGatewayId, BTreeSet<Cidr>, u32)> = None;
    for number in 0..u32::try_from(count).unwrap() {
        let side = tape.pick(&SIDES);
        let aws = world.aws.get_mut(&Region::from(side.region)).unwrap();
        let name = format!("edge{number}");
        let prefixes = |tape: &mut Tape| -> BTreeSet<Cidr> {
            let count = 1 + tape.below(4);
            (0..count).map(|_| cidr(tape.pick(&PREFIXES))).collect()
        };
        let mut gateway = DxGatewayId::new(format!("dx-{number}"));
        let mut local_preference = if alike {
            100
        } else {
            100 + (number + turn) % 3
        };
        let vpn = VpnId::new(format!("vpn-{number}"));
        let mut allowed_prefixes = BTreeSet::new();
        let kind = match tape.below(3) {
            0 => EdgeKind::BgpVpn,
            1 => EdgeKind::StaticVpn {
                on_prem_routes: prefixes(tape).into_iter().collect(),
            },
            _ => {
                allowed_prefixes = prefixes(tape);
                match &shared {
                    // One gateway, two Transit Gateways: their prefixes may not overlap (AWS reference §2.2).
                    Some((at, first, taken, preference)) if *at != side && tape.mostly(3) => {
                        gateway = first.clone();
                        local_preference = *preference;
                        allowed_prefixes.retain(|new| !taken.iter().any(|old| old.overlaps(*new)));
                        shared = None;
                    }
                    Some(_) | None => {
                        let here = allowed_prefixes.clone();
                        shared = Some((side, gateway.clone(), here, local_preference));
                    }
                }
                EdgeKind::DirectConnect {
                    gateway: gateway.clone(),
                }
            }
        };
        let attachment = match &kind {
            EdgeKind::BgpVpn | EdgeKind::StaticVpn { .. } => {
                let found = Vpn {
                    tgw: Some(format!("tgw-{}", side.letter).as_str().into()),
                    state: "available".to_owned(),
                    static_routes_only: kind != EdgeKind::BgpVpn,
                    private: tape.rarely(3),
                    tunnels_up: if tape.mostly(5) { 2 } else { 0 },
                };
                aws.vpns.insert(vpn.clone(), found);
                AttachmentKind::Vpn(vpn)
            }
            EdgeKind::DirectConnect { .. } => {
                aws.dx_associations.push(DxAssociation {
                    id: format!("assoc-{number}"),
                    gateway: gateway.clone(),
                    tgw: format!("tgw-{}", side.letter).as_str().into(),
                    state: tape.pick(&["associated", "updating"]).to_owned(),
                    allowed_prefixes,
                });
                AttachmentKind::DirectConnect(gateway)
            }
        };
        attach(aws, side.letter, &name, attachment);
        let edge = Edge {
            name: name.as_str().into(),
            region: side.region.into(),
            tgw: format!("tgw-{}", side.letter).as_str().into(),
            attachment: format!("tgw-attach-{name}").as_str().into(),
            kind,
            local_preference,
        };
        estate.edges.insert(name.as_str().into(), edge);
    }
}

/// Where a static route of a Transit Gateway may lead: every attachment, nowhere, and one that is gone.
pub fn tgw_targets(aws: &AwsRegion) -> Vec<TgwTarget> {
    let attachments = aws.attachments.keys().cloned().map(TgwTarget::Attachment);
    attachments
        .chain([
            TgwTarget::Blackhole,
            TgwTarget::Attachment("tgw-attach-gone".into()),
        ])
        .collect()
}

/// A Transit Gateway with one to three tables, its peering, and who is associated with, propagates to and is routed by which.
pub fn transit(aws: &mut AwsRegion, side: Side, tape: &mut Tape) {
    let far = SIDES[usize::from(side == TOKYO)];
    let peering = AttachmentKind::Peering {
        region: far.region.into(),
        tgw: format!("tgw-{}", far.letter).as_str().into(),
    };
    attach(aws, side.letter, "peer", peering);
    let tgw = TgwId::new(format!("tgw-{}", side.letter));
    let targets = tgw_targets(aws);
    let tables: Vec<TgwRouteTableId> = (0..=tape.below(3))
        .map(|number| TgwRouteTableId::new(format!("tgw-rtb-{}{number}", side.letter)))
        .collect();
    for id in &tables {
        let mut table = TgwRouteTable {
            tgw: tgw.clone(),
            name: None,
            associations: BTreeSet::new(),
            propagations: BTreeSet::new(),
            static_routes: BTreeMap::new(),
            prefix_list_references: BTreeMap::new(),
            learned_routes: BTreeMap::new(),
        };
        for id in aws.attachments.keys() {
            if id.as_str() != "tgw-attach-peer" && tape.mostly(4) {
                table.propagations.insert(id.clone());
            }
        }
        for _ in 0..tape.below(9) {
            let prefix = cidr(tape.pick(&PREFIXES));
            table.static_routes.insert(prefix, tape.pick(&targets));
        }
        for list in aws.prefix_lists.keys() {
            if tape.rarely(3) {
                let target = tape.pick(&targets);
                table.prefix_list_references.insert(list.clone(), target);
            }
        }
        aws.tgw_route_tables.insert(id.clone(), table);
    }
    for (id, attachment) in &mut aws.attachments {
        attachment.state = match tape.below(24) {
            1 => AttachmentState::Modifying,
            2 => AttachmentState::PendingAcceptance,
            3 => AttachmentState::Other("deleting".to_owned()),
            _ => AttachmentState::Available,
        };
        if tape.mostly(16) {
            let table = tape.pick(&tables);
            // Either of them shows it; in the real service the lists of Prism and EC2 agree.
            aws.tgw_route_tables
                .get_mut(&table)
                .unwrap()
                .associations
                .insert(id.clone());
            attachment.association = Some(table);
        }
    }
    let found = Tgw {
        state: "available".to_owned(),
        asn: Some(64512),
        default_association_table: tables.first().cloned(),
    };
    aws.tgws.insert(tgw, found);
}

/// Two prefix lists a region's tables may name.
pub fn prefix_lists(aws: &mut AwsRegion, side: Side, tape: &mut Tape) {
    for number in 1..=2 {
        let count = 1 + tape.below(3);
        let list = PrefixList {
            entries: (0..count).map(|_| cidr(tape.pick(&PREFIXES))).collect(),
        };
        let id = PrefixListId::new(format!("pl-{}{number}", side.letter));
        aws.prefix_lists.insert(id, list);
    }
}

/// What tables show as learned: of each prefix the best kind, unless a static route or a prefix list hides it (AWS reference §1.2).
pub fn learn(aws: &mut AwsRegion, estate: &Estate, tape: &mut Tape) {
    let gateways = |id: &DxGatewayId| {
        let edges = estate.edges.values();
        edges
            .filter(
                |edge| matches!(&edge.kind, EdgeKind::DirectConnect { gateway } if gateway == id),
            )
            .count()
    };
    let mut announced: BTreeMap<AttachmentId, (u8, Vec<Cidr>)> = BTreeMap::new();
    for (id, attachment) in aws.attachments.iter().filter(|(_, found)| forwards(found)) {
        let rank = match &attachment.kind {
            AttachmentKind::DirectConnect(_) => 0,
            AttachmentKind::Vpn(vpn) => {
                let vpn = &aws.vpns[vpn];
                if vpn.static_routes_only || vpn.tunnels_up == 0 {
                    continue;
                }
                if vpn.private { 1 } else { 2 }
            }
            AttachmentKind::Vpc { .. }
            | AttachmentKind::Peering { .. }
            | AttachmentKind::Unknown { .. } => continue,
        };
        // A gateway of two Transit Gateways teaches both the same: here everything.
        let two = matches!(&attachment.kind, AttachmentKind::DirectConnect(id) if gateways(id) > 1);
        let all = tape.mostly(4) || two;
        let prefixes = estate.on_prem.iter().copied();
        let prefixes = prefixes.take(if all { usize::MAX } else { 1 }).collect();
        announced.insert(id.clone(), (rank, prefixes));
    }
    for table in aws.tgw_route_tables.values_mut() {
        let mut best: BTreeMap<Cidr, (u8, BTreeSet<AttachmentId>)> = BTreeMap::new();
        for (id, (rank, prefixes)) in &announced {
            for prefix in prefixes.iter().filter(|_| table.propagations.contains(id)) {
                let entry = best.entry(*prefix).or_insert((*rank, BTreeSet::new()));
                if *rank < entry.0 {
                    *entry = (*rank, BTreeSet::new());
                }
                if *rank == entry.0 {
                    entry.1.insert(id.clone());
                }
            }
        }
        let lists: Vec<_> = table
            .prefix_list_references
            .keys()
            .map(|id| &aws.prefix_lists[id])
            .collect();
        let listed = |prefix: &Cidr| lists.iter().any(|list| list.entries.contains(prefix));
        table.learned_routes = best
            .into_iter()
            .filter(|(prefix, _)| !table.static_routes.contains_key(prefix) && !listed(prefix))
            .map(|(prefix, (_, from))| (prefix, from))
            .collect();
    }
}
