//! Transit Gateways: evaluation of a route table, and what is behind each kind of attachment (AWS reference §1).

use stayput_estate::Cidr;

use super::At;
use super::Decision;
use super::Ending;
use super::Step;
use super::Walker;
use crate::index::AttIx;
use crate::index::Id;
use crate::index::ListIx;
use crate::index::SubnetIx;
use crate::index::TgwIx;
use crate::index::TgwTableIx;
use crate::index::VpcIx;
use crate::prefix_map::PrefixMap;
use crate::reason::Origin;
use crate::state::Fixed;
use crate::state::Learned;
use crate::state::Listed;
use crate::state::TgwTable;
use crate::topology::AttKind;

/// The routes of one prefix that matter, in the order of AWS reference §1.2: the first one wins.
#[derive(Debug, Clone)]
pub(crate) struct Candidates<'a> {
    pub(crate) prefix: Cidr,
    pub(crate) fixed: Option<Fixed>,
    pub(crate) listed: Option<Listed>,
    learned: &'a [Learned],
}

impl Candidates<'_> {
    /// What hides the learned routes: a static one, else an entry of a prefix list with that list.
    pub(crate) fn fixed(&self) -> Option<(Fixed, Option<ListIx>)> {
        let listed = || self.listed.map(|listed| (listed.fixed, Some(listed.list)));
        self.fixed.map(|fixed| (fixed, None)).or_else(listed)
    }
}

/// A route taken, and how many ways were equal to it.
#[derive(Debug, Clone, Copy)]
struct Taken {
    prefix: Cidr,
    origin: Origin,
    list: Option<ListIx>,
    attachment: AttIx,
    ways: usize,
}

impl Walker<'_> {
    /// The state a packet is in after entering by an attachment.
    pub(super) fn entering(&self, attachment: AttIx) -> At {
        let node = &self.topology.attachments[attachment];
        At::Tgw {
            tgw: node.tgw,
            table: node.association,
        }
    }

    pub(super) fn at_tgw(&self, tgw: TgwIx, table: Option<TgwTableIx>) -> Step {
        let region = self.topology.tgws[tgw].region;
        if self.region_is_down(region) {
            return Step::End(Decision::RegionDown, Ending::RegionDown(region));
        }
        let Some(table) = table else {
            return Step::End(Decision::NotAssociated, Ending::NoRoute);
        };
        let Some(winner) = self.candidates(table).next() else {
            return Step::End(Decision::NoMatch, Ending::NoRoute);
        };
        let prefix = winner.prefix;
        if let Some((fixed, list)) = winner.fixed() {
            let dead = Step::End(
                Decision::TgwBlackhole(prefix, fixed, list),
                Ending::Blackhole,
            );
            return match fixed {
                Fixed::Blackhole | Fixed::Gone(_) => dead,
                Fixed::Attachment(attachment) if !self.state.is_attached(attachment) => dead,
                Fixed::Attachment(attachment) => self.leaving(Taken {
                    prefix,
                    origin: match list {
                        None => Origin::Static,
                        Some(_) => Origin::PrefixList,
                    },
                    list,
                    attachment,
                    ways: 1,
                }),
            };
        }
        let ways = self.equal_ways(&winner);
        let count = ways.len();
        let mut steps: Vec<_> = ways
            .into_iter()
            .map(|way| {
                self.leaving(Taken {
                    prefix,
                    origin: way.origin,
                    list: None,
                    attachment: way.attachment,
                    ways: count,
                })
            })
            .collect();
        match steps.pop() {
            Some(only) if steps.is_empty() => only,
            Some(last) => {
                steps.push(last);
                Step::Split(steps)
            }
            None => Step::End(Decision::NoMatch, Ending::NoRoute),
        }
    }

    /// Matching routes by prefix, longest first; within a prefix the static one hides that of a list, and either the learned ones.
    pub(crate) fn candidates(&self, table: TgwTableIx) -> impl Iterator<Item = Candidates<'_>> {
        let table = self.state.tgw_tables.get(table.position());
        self.matching(table, table.map(|table| &*table.fixed))
    }

    /// The same, as far as it has been advertised to BGP neighbours.
    fn advertised_candidates(&self, table: TgwTableIx) -> impl Iterator<Item = Candidates<'_>> {
        let table = self.state.tgw_tables.get(table.position());
        let advertised_fixed =
            table.map(|table| table.advertised_fixed.as_ref().unwrap_or(&table.fixed));
        self.matching(
            table,
            advertised_fixed.map(|advertised_fixed| &**advertised_fixed),
        )
    }

    fn matching<'b>(
        &'b self,
        table: Option<&'b TgwTable>,
        fixed: Option<&'b PrefixMap<Fixed>>,
    ) -> impl Iterator<Item = Candidates<'b>> {
        (0..=32u8).rev().filter_map(move |len| {
            let table = table?;
            let prefix = Cidr::containing(self.to, len);
            let fixed = fixed?.at_length(self.to, len).copied();
            let listed = table.listed.at_length(self.to, len).copied();
            let learned = table
                .learned
                .at_length(self.to, len)
                .map_or(&[][..], Vec::as_slice);
            let is_there = fixed.is_some()
                || listed.is_some()
                || learned.iter().any(|learned| self.is_live(prefix, *learned));
            is_there.then_some(Candidates {
                prefix,
                fixed,
                listed,
                learned,
            })
        })
    }

    /// Whether a learned route is there now: its attachment forwards, its session is up, and no VPC with the same CIDR was attached
    /// earlier (AWS reference §1.1).
    fn is_live(&self, prefix: Cidr, learned: Learned) -> bool {
        self.is_advertised(learned) && !self.is_later(prefix, learned)
    }

    /// Whether an attachment forwards and its session is up.
    fn is_advertised(&self, learned: Learned) -> bool {
        self.state.is_attached(learned.attachment) && !self.is_withdrawn(learned.attachment)
    }

    /// Whether a VPC with this CIDR was attached earlier to the same Transit Gateway and still is, in whatever table that one is.
    fn is_later(&self, prefix: Cidr, learned: Learned) -> bool {
        let earlier = self.topology.earlier.get(&(learned.attachment, prefix));
        learned.origin == Origin::Vpc
            && earlier
                .is_some_and(|earlier| earlier.iter().any(|other| self.state.is_attached(*other)))
    }

    /// Routes that are not propagated only because a VPC with the same CIDR was attached earlier.
    pub(crate) fn later<'b>(
        &'b self,
        candidates: &Candidates<'b>,
    ) -> impl Iterator<Item = Learned> + use<'b> {
        let prefix = candidates.prefix;
        candidates
            .learned
            .iter()
            .copied()
            .filter(move |learned| self.is_advertised(*learned) && self.is_later(prefix, *learned))
    }

    /// The learned routes that are there now, best first.
    pub(crate) fn learned<'b>(
        &'b self,
        candidates: &Candidates<'b>,
    ) -> impl Iterator<Item = Learned> + use<'b> {
        let prefix = candidates.prefix;
        candidates
            .learned
            .iter()
            .copied()
            .filter(move |learned| self.is_live(prefix, *learned))
    }

    /// The learned routes that carry traffic: the best, and those equal to it where several do (AWS reference §1.2 rule 3).
    fn equal_ways(&self, candidates: &Candidates<'_>) -> Vec<Learned> {
        let live: Vec<_> = self.learned(candidates).collect();
        let Some(best) = live.first().copied() else {
            return live;
        };
        let share = self.assumptions.equal_learned_routes_share;
        live.into_iter()
            .filter(|way| *way == best || (share && way.origin == best.origin))
            .collect()
    }

    /// The longest prefix a table announces over a VPN: its routes, whatever their kind, except those that lead back into that VPN
    /// (AWS reference §2.3).
    pub(super) fn announced_by_table(&self, table: TgwTableIx, vpn: AttIx) -> Option<Cidr> {
        self.advertised_candidates(table)
            .find(|candidates| match candidates.fixed() {
                Some((Fixed::Attachment(attachment), _)) if self.state.is_attached(attachment) => {
                    attachment != vpn
                }
                Some((Fixed::Attachment(_) | Fixed::Blackhole | Fixed::Gone(_), _)) => {
                    self.assumptions.blackholes_are_announced
                }
                None => self
                    .learned(candidates)
                    .next()
                    .is_some_and(|best| best.attachment != vpn),
            })
            .map(|candidates| candidates.prefix)
    }

    fn leaving(&self, taken: Taken) -> Step {
        let node = &self.topology.attachments[taken.attachment];
        let route = |ways| Decision::TgwRoute {
            prefix: taken.prefix,
            origin: taken.origin,
            list: taken.list,
            attachment: taken.attachment,
            ways,
        };
        let decision = route(taken.ways);
        let beyond = Step::End(decision, Ending::Unmodelled);
        match &node.kind {
            AttKind::Vpc { vpc: None, .. } | AttKind::Unknown { .. } => beyond,
            AttKind::Vpc {
                vpc: Some(vpc),
                entries,
                ..
            } => {
                // Routed by the table of the attachment subnet it enters at (AWS reference §3 item 4), and which one that is
                // depends on zones: every distinct table has to do.
                let mut ways_in = entries.iter().map(|subnet| self.entry(*vpc, Some(*subnet)));
                match (ways_in.next(), ways_in.len()) {
                    (None, _) => Step::On(decision, self.entry(*vpc, None)),
                    (Some(only), 0) => Step::On(decision, only),
                    (Some(first), more) => Step::Fork(
                        route(taken.ways * (more + 1)),
                        std::iter::once(first).chain(ways_in).collect(),
                    ),
                }
            }
            AttKind::Vpn { .. } | AttKind::DirectConnect { .. } => match node.edge {
                Some(edge) => Step::On(decision, At::EdgeOut(edge)),
                None => beyond,
            },
            AttKind::Peering { far: None, .. } => beyond,
            AttKind::Peering { far: Some(far), .. } if !self.state.is_attached(*far) => {
                Step::End(decision, Ending::NoRoute)
            }
            AttKind::Peering { far: Some(far), .. } => Step::On(decision, self.entering(*far)),
        }
    }

    /// Entering a VPC by an attachment subnet, or by its main table when none was observed.
    fn entry(&self, vpc: VpcIx, subnet: Option<SubnetIx>) -> At {
        At::Vpc {
            vpc,
            table: match subnet {
                Some(subnet) => self.topology.subnets[subnet].table,
                None => self.topology.vpcs[vpc].main,
            },
            subnet,
            transit: true,
        }
    }
}
