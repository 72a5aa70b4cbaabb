//! From a walk to a trace: names for indices, and for each decision the routes it won over.

mod beaten;

use std::net::Ipv4Addr;

use stayput_estate::EdgeKind;
use stayput_estate::PrefixListId;

use crate::holders::Location;
use crate::index::AttIx;
use crate::index::Id;
use crate::index::ListIx;
use crate::index::SiteIx;
use crate::index::VpcIx;
use crate::index::VpcTableIx;
use crate::next_hop::NextHop;
use crate::reason::Announcement;
use crate::reason::DeadEniCause;
use crate::reason::LosingRoute;
use crate::reason::LossReason;
use crate::reason::Reason;
use crate::source::Source;
use crate::state::Fixed;
use crate::state::VpcEntry;
use crate::state::VpcHop;
use crate::topology::AttKind;
use crate::trace::Caveat;
use crate::trace::Holder;
use crate::trace::Hop;
use crate::trace::Node;
use crate::trace::Place;
use crate::trace::Trace;
use crate::trace::Verdict;
use crate::unmodelled::Unmodelled;
use crate::walk::Answerer;
use crate::walk::At;
use crate::walk::Decision;
use crate::walk::Ending;
use crate::walk::KnownPrefix;
use crate::walk::PlaceIx;
use crate::walk::Walked;
use crate::walk::Walker;

/// Names what one walk passed.
pub(crate) struct Explainer<'a> {
    pub(crate) walker: Walker<'a>,
}

impl Explainer<'_> {
    pub(crate) fn trace(&self, source: Source, to: Ipv4Addr, walked: &Walked) -> Trace {
        let mut hops: Vec<_> = walked
            .path
            .iter()
            .map(|(at, decision)| Hop {
                at: self.node(*at),
                reason: self.reason(*at, *decision),
            })
            .collect();
        let verdict = self.verdict(walked);
        if let Verdict::Delivered { place, holder } = &verdict {
            hops.push(Hop {
                at: Node::Machine {
                    place: place.clone(),
                    holder: holder.clone(),
                },
                reason: Reason::Answers,
            });
        }
        let mut caveats: Vec<_> = walked
            .path
            .iter()
            .filter_map(|(at, _)| at.vpc_table())
            .flat_map(|table| {
                let node = &self.walker.topology.vpc_tables[table];
                node.unknown_lists.iter().map(|list| Caveat::PrefixList {
                    table: node.id.clone(),
                    list: list.clone(),
                })
            })
            .chain(self.unknown_in_tgws(walked))
            .collect();
        caveats.sort();
        caveats.dedup();
        Trace {
            source,
            destination: to,
            hops,
            verdict,
            caveats,
        }
    }

    fn unknown_in_tgws(&self, walked: &Walked) -> impl Iterator<Item = Caveat> {
        let tables = &self.walker.topology.tgw_tables;
        walked
            .path
            .iter()
            .filter_map(|(at, _)| at.tgw_table())
            .flat_map(|table| {
                let node = &tables[table];
                node.unknown_lists.iter().map(|list| Caveat::TgwPrefixList {
                    table: node.id.clone(),
                    list: list.clone(),
                })
            })
    }

    pub(crate) fn verdict(&self, walked: &Walked) -> Verdict {
        let last = walked.path.last().copied();
        let node = || last.map_or(Node::Source, |(at, _)| self.node(at));
        match walked.ending {
            Ending::Delivered(place, answerer) => Verdict::Delivered {
                place: self.place(place),
                holder: self.holder(answerer),
            },
            Ending::NoRoute => Verdict::NoRoute { at: node() },
            Ending::Blackhole => Verdict::Blackhole { at: node() },
            Ending::DeadEni(cause) => self.dead_eni(last, cause, node()),
            Ending::LeavesByNat => Verdict::LeavesByNat {
                gateway: last
                    .and_then(|(at, decision)| self.vpc_target(at, decision))
                    .map_or(NextHop::NatUplink, |entry| self.toward(&entry.hop)),
                at: node(),
            },
            Ending::WrongSite {
                reached,
                machine,
                steerable,
            } => Verdict::WrongSite {
                sent_to: self.place(reached),
                machine_at: self.walker.topology.sites[machine].name.clone(),
                steerable,
            },
            Ending::NoAnswer(place) | Ending::NoMachine(place) => Verdict::NoMachine {
                place: self.place(place),
            },
            Ending::Loop(first) => Verdict::Loop {
                cycle: walked
                    .path
                    .iter()
                    .skip(first)
                    .map(|(at, _)| self.node(*at))
                    .collect(),
            },
            Ending::RegionDown(region) => Verdict::RegionDown {
                at: node(),
                region: self.walker.topology.regions[region].clone(),
            },
            Ending::Unmodelled => Verdict::Unmodelled {
                at: node(),
                what: Unmodelled::Hop(Box::new(
                    last.map_or(Reason::NotObserved, |(at, decision)| {
                        self.reason(at, decision)
                    }),
                )),
            },
        }
    }

    fn dead_eni(&self, last: Option<(At, Decision)>, cause: DeadEniCause, at: Node) -> Verdict {
        let eni = last.and_then(|(state, decision)| {
            if let Decision::TransitUplink(eni) = decision {
                Some(self.walker.topology.enis[eni].id.clone())
            } else if let VpcHop::Eni { id, .. } = &self.vpc_target(state, decision)?.hop {
                Some(id.clone())
            } else {
                None
            }
        });
        match eni {
            Some(eni) => Verdict::DeadEni { at, eni, cause },
            None => Verdict::Blackhole { at },
        }
    }

    pub(crate) fn place(&self, place: PlaceIx) -> Place {
        match place {
            PlaceIx::Site(site) => Place::Site(self.walker.topology.sites[site].name.clone()),
            PlaceIx::Vpc(vpc) => Place::Vpc(self.walker.topology.vpcs[vpc].id.clone()),
            PlaceIx::OnPrem => Place::OnPrem,
        }
    }

    fn holder(&self, answerer: Answerer) -> Holder {
        let topology = self.walker.topology;
        match answerer {
            Answerer::OnPrem => Holder::OnPrem,
            Answerer::Sender => Holder::Sender,
            Answerer::Location(Location::Planned(_)) => Holder::Planned,
            Answerer::Location(Location::Vm { vm, .. }) => Holder::Vm {
                id: topology.vms[vm].id.clone(),
                name: topology.vms[vm].name.clone(),
            },
            Answerer::Location(Location::Eni(eni)) => {
                let node = &topology.enis[eni];
                match &node.instance {
                    Some((id, name)) => Holder::Instance {
                        id: id.clone(),
                        name: name.clone(),
                    },
                    None => Holder::Interface {
                        id: node.id.clone(),
                        kind: node.kind.clone(),
                    },
                }
            }
        }
    }

    fn node(&self, at: At) -> Node {
        let topology = self.walker.topology;
        let site = |site: SiteIx| topology.sites[site].name.clone();
        let vpc = |vpc: VpcIx, table: Option<VpcTableIx>| Node::Vpc {
            vpc: topology.vpcs[vpc].id.clone(),
            table: table.map(|table| topology.vpc_tables[table].id.clone()),
        };
        match at {
            At::OnPrem { .. } => Node::OnPrem,
            At::EdgeIn(edge) | At::EdgeOut(edge) => Node::Edge(topology.edges[edge].name.clone()),
            At::Tgw { tgw, table } => {
                let node = &topology.tgws[tgw];
                Node::Tgw {
                    region: topology.regions[node.region].clone(),
                    tgw: node.id.clone(),
                    table: table.map(|table| topology.tgw_tables[table].id.clone()),
                }
            }
            At::Vpc { vpc: of, table, .. } => vpc(of, table),
            At::Peer(of) => vpc(of, None),
            At::Transit { site: of, .. } => Node::FlowTransit { site: site(of) },
            At::User { flow, .. } => Node::FlowVpc {
                site: site(topology.flows[flow].site),
                name: topology.flows[flow].name.clone(),
            },
            At::Segment { flow, prefix } => Node::Overlay {
                site: site(topology.flows[flow].site),
                prefix,
            },
        }
    }

    fn reason(&self, at: At, decision: Decision) -> Reason {
        let topology = self.walker.topology;
        match decision {
            Decision::OwnPrefix(prefix) => Reason::OwnPrefix { prefix },
            Decision::Announced(known) => self.announced(at, known),
            Decision::NothingAnnounced => Reason::NothingAnnounced,
            Decision::Enters(attachment) => {
                let node = &topology.attachments[attachment];
                Reason::Enters {
                    attachment: node.id.clone(),
                    tgw: topology.tgws[node.tgw].id.clone(),
                }
            }
            Decision::ToOnPrem => Reason::ToOnPrem,
            Decision::EdgeNotObserved(edge) => Reason::EdgeNotObserved {
                edge: topology.edges[edge].name.clone(),
                attachment: topology.edges[edge].attachment_id.clone(),
            },
            Decision::SessionDown => Reason::SessionDown,
            Decision::AttachmentDown(attachment) => Reason::AttachmentDown {
                attachment: topology.attachments[attachment].id.clone(),
            },
            Decision::NotAssociated => Reason::NotAssociated,
            Decision::TgwRoute {
                prefix,
                origin,
                list,
                attachment,
                ways,
            } => Reason::TgwRoute {
                prefix,
                origin,
                list: self.list(list),
                attachment: topology.attachments[attachment].id.clone(),
                toward: self.behind(attachment),
                ways,
                over: self.beaten_in_tgw(at),
            },
            Decision::TgwBlackhole(prefix, fixed, list) => Reason::TgwBlackhole {
                prefix,
                list: self.list(list),
                gone: match fixed {
                    Fixed::Blackhole => None,
                    Fixed::Attachment(attachment) => {
                        Some(topology.attachments[attachment].id.clone())
                    }
                    Fixed::Gone(at) => self.walker.state.gone.get(at as usize).cloned(),
                },
                over: self.beaten_in_tgw(at),
            },
            Decision::NoMatch => Reason::NoMatch,
            Decision::NoTable => Reason::NoTable,
            Decision::VpcRoute(prefix) => Reason::VpcRoute {
                prefix,
                toward: self.toward_of(at, decision),
                list: self.list(self.vpc_target(at, decision).and_then(VpcEntry::list)),
                over: self.beaten_in_vpc(at),
            },
            Decision::VpcRouteDead(prefix) => Reason::VpcRouteDead {
                prefix,
                toward: self.toward_of(at, decision),
            },
            Decision::NotAttached(prefix) => Reason::NotAttached {
                prefix,
                toward: self.toward_of(at, decision),
            },
            Decision::ZoneNotAttached(prefix, subnet) => Reason::ZoneNotAttached {
                prefix,
                toward: self.toward_of(at, decision),
                zone: topology.subnets[subnet].zone.clone(),
            },
            Decision::DeadEni(prefix, cause) => Reason::DeadEni {
                prefix,
                toward: self.toward_of(at, decision),
                cause,
            },
            Decision::PeeringRefuses(prefix) => Reason::PeeringRefuses {
                prefix,
                toward: self.toward_of(at, decision),
            },
            Decision::PeerLocal => Reason::PeerLocal,
            Decision::TransitPrefix(prefix, flow) => Reason::TransitPrefix {
                prefix,
                to: topology.flows[flow].name.clone(),
            },
            Decision::NoTransitPrefix => Reason::NoTransitPrefix,
            Decision::NoUserPrefix(prefix) => Reason::NoUserPrefix { prefix },
            Decision::TransitUplink(eni) => Reason::TransitUplink {
                eni: topology.enis[eni].id.clone(),
            },
            Decision::NoGateway => Reason::NoGateway,
            Decision::OverlaySubnet(prefix, flow) => Reason::OverlaySubnet {
                prefix,
                name: self.walker.state.flows[flow.position()]
                    .subnets
                    .get(prefix)
                    .cloned()
                    .unwrap_or_default(),
            },
            Decision::NoOverlaySubnet => Reason::NoOverlaySubnet,
            Decision::NoNatUplink => Reason::NoNatUplink,
            Decision::NatUplink => Reason::NatUplink,
            Decision::NoUplink => Reason::NoUplink,
            Decision::OnLink(prefix) => Reason::OnLink { prefix },
            Decision::OffLink => Reason::OffLink,
            Decision::RegionDown => Reason::RegionDown,
            Decision::NotObserved => Reason::NotObserved,
        }
    }

    fn announced(&self, at: At, winner: KnownPrefix) -> Reason {
        let topology = self.walker.topology;
        let only = if let At::OnPrem { only } = at {
            only
        } else {
            None
        };
        let edge = &topology.edges[winner.edge];
        let over = self
            .walker
            .known(only)
            .into_iter()
            .filter(|known| !self.walker.is_as_good(*known, winner))
            .map(|known| LosingRoute {
                prefix: known.prefix,
                toward: NextHop::Edge(topology.edges[known.edge].name.clone()),
                because: if known.prefix.len() < winner.prefix.len() {
                    LossReason::Shorter
                } else {
                    LossReason::LessPreferred
                },
            })
            .collect();
        let table = edge
            .attachment
            .and_then(|attachment| topology.attachments[attachment].association)
            .map(|table| topology.tgw_tables[table].id.clone());
        Reason::Announced {
            prefix: winner.prefix,
            edge: edge.name.clone(),
            by: match (&edge.kind, table) {
                (EdgeKind::BgpVpn, Some(table)) => Announcement::TableRoute(table),
                (EdgeKind::BgpVpn, None) | (EdgeKind::StaticVpn { .. }, _) => {
                    Announcement::Configured
                }
                (EdgeKind::DirectConnect { .. }, _) => Announcement::AllowedPrefix,
            },
            over,
        }
    }

    fn list(&self, list: Option<ListIx>) -> Option<PrefixListId> {
        list.map(|list| self.walker.topology.lists[list].clone())
    }

    fn fixed(&self, fixed: Fixed) -> NextHop {
        match fixed {
            Fixed::Blackhole => NextHop::Blackhole,
            Fixed::Attachment(attachment) => self.behind(attachment),
            Fixed::Gone(at) => {
                let gone = self.walker.state.gone.get(at as usize);
                gone.cloned().map_or(NextHop::Blackhole, NextHop::Gone)
            }
        }
    }

    /// What is behind an attachment.
    fn behind(&self, attachment: AttIx) -> NextHop {
        let topology = self.walker.topology;
        match &topology.attachments[attachment].kind {
            AttKind::Vpc { id, vpc, .. } => NextHop::Vpc {
                vpc: id.clone(),
                site: vpc
                    .and_then(|vpc| topology.vpcs[vpc].site)
                    .map(|site| topology.sites[site].name.clone()),
            },
            AttKind::Vpn { id, .. } => NextHop::Vpn(id.clone()),
            AttKind::DirectConnect { gateway } => NextHop::DirectConnect(gateway.clone()),
            AttKind::Peering { region, tgw, .. } => NextHop::TgwPeering {
                region: region.clone(),
                tgw: tgw.clone(),
            },
            AttKind::Unknown {
                resource_type,
                resource_id,
            } => NextHop::Unknown {
                kind: resource_type.clone(),
                id: resource_id.clone(),
            },
        }
    }

    /// The VPC route that a decision took.
    fn vpc_target(&self, at: At, decision: Decision) -> Option<&VpcEntry> {
        let (Decision::VpcRoute(prefix)
        | Decision::VpcRouteDead(prefix)
        | Decision::NotAttached(prefix)
        | Decision::ZoneNotAttached(prefix, _)
        | Decision::DeadEni(prefix, _)
        | Decision::PeeringRefuses(prefix)) = decision
        else {
            return None;
        };
        self.walker.vpc_routes(at.vpc_table()?)?.get(prefix)
    }

    /// Where the VPC route that a decision took leads. A decision for a VPC route always has that route in its table.
    fn toward_of(&self, at: At, decision: Decision) -> NextHop {
        let entry = self.vpc_target(at, decision);
        entry.map_or(NextHop::Blackhole, |entry| self.toward(&entry.hop))
    }

    fn toward(&self, hop: &VpcHop) -> NextHop {
        match hop {
            VpcHop::Local => NextHop::Local,
            VpcHop::Tgw(id) => NextHop::Tgw(id.clone()),
            VpcHop::Eni { id, .. } => NextHop::Eni(id.clone()),
            VpcHop::Gateway(id) => NextHop::Gateway(id.clone()),
            VpcHop::Peering(id) => NextHop::VpcPeering(id.clone()),
            VpcHop::Unknown(id) => NextHop::Unknown {
                kind: String::new(),
                id: id.clone(),
            },
        }
    }
}
