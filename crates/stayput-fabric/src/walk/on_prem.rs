//! On-prem and its edges: what is announced, which edge is chosen, what comes in and goes out (AWS reference §2).

use std::cmp::Reverse;

use stayput_estate::Cidr;
use stayput_estate::EdgeKind;

use super::Answerer;
use super::At;
use super::Decision;
use super::Ending;
use super::PlaceIx;
use super::Step;
use super::Walker;
use crate::index::EdgeIx;
use crate::index::Id;
use crate::topology::AttKind;

/// The longest prefix on-prem knows behind one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownPrefix {
    pub(crate) prefix: Cidr,
    pub(crate) edge: EdgeIx,
}

impl Walker<'_> {
    /// Longest prefix over what every edge announces and what on-prem owns; among equals what on-prem owns, then local preference, then
    /// each edge in turn (or, by assumption, the first by name). Unknown where an edge that was not read may announce a longer or a
    /// better prefix; no edge announces to on-prem what on-prem owns.
    pub(super) fn at_on_prem(&self, only: Option<EdgeIx>) -> Step {
        let own = self.topology.on_prem.longest(self.to);
        if let (None, Some(edge)) = (own, self.unread(only)) {
            return Step::End(Decision::EdgeNotObserved(edge), Ending::Unmodelled);
        }
        let known = self.known(only);
        let best = known.first().copied();
        match (own, best) {
            (Some((prefix, ())), best)
                if best.is_none_or(|best| best.prefix.len() <= prefix.len()) =>
            {
                Step::End(
                    Decision::OwnPrefix(prefix),
                    Ending::Delivered(PlaceIx::OnPrem, Answerer::OnPrem),
                )
            }
            (_, Some(best)) => {
                let mut equal: Vec<_> = known
                    .into_iter()
                    .filter(|known| self.is_as_good(*known, best))
                    .map(|known| Step::On(Decision::Announced(known), At::EdgeIn(known.edge)))
                    .collect();
                match equal.pop() {
                    Some(last) if !equal.is_empty() => {
                        equal.push(last);
                        Step::Split(equal)
                    }
                    Some(_) | None => Step::On(Decision::Announced(best), At::EdgeIn(best.edge)),
                }
            }
            (_, None) => Step::End(Decision::NothingAnnounced, Ending::NoRoute),
        }
    }

    /// An edge of a region that was not observed and is not known to be down. Routes configured on-prem are known all the same.
    fn unread(&self, only: Option<EdgeIx>) -> Option<EdgeIx> {
        let edges = self.topology.edges.iter();
        let mut unread = edges.filter(|(ix, edge)| {
            let is_configured = matches!(edge.kind, EdgeKind::StaticVpn { .. });
            !edge.is_read && !is_configured && !self.state.down_edges.contains(ix)
        });
        unread
            .find(|(ix, _)| only.is_none_or(|only| only == *ix))
            .map(|(ix, _)| ix)
    }

    /// Whether on-prem may use this instead of the best it knows: same prefix length, same preference, and the tie-breaker cannot be observed.
    pub(crate) fn is_as_good(&self, known: KnownPrefix, best: KnownPrefix) -> bool {
        let preference = |known: KnownPrefix| self.topology.edges[known.edge].local_preference;
        known == best
            || (self.assumptions.equal_learned_routes_share
                && known.prefix.len() == best.prefix.len()
                && preference(known) == preference(best))
    }

    /// What on-prem knows for the destination, one entry an edge, best first.
    pub(crate) fn known(&self, only: Option<EdgeIx>) -> Vec<KnownPrefix> {
        let mut known: Vec<_> = self
            .topology
            .edges
            .iter()
            .filter(|(edge, _)| only.is_none_or(|only| only == *edge))
            .filter_map(|(edge, _)| {
                self.announced(edge)
                    .map(|prefix| KnownPrefix { prefix, edge })
            })
            .collect();
        known.sort_by_key(|known| {
            let edge = &self.topology.edges[known.edge];
            (
                Reverse(known.prefix.len()),
                Reverse(edge.local_preference),
                &edge.name,
            )
        });
        known
    }

    /// The longest prefix one edge announces for the destination.
    fn announced(&self, ix: EdgeIx) -> Option<Cidr> {
        let edge = &self.topology.edges[ix];
        let listed = || {
            self.state
                .allowed
                .get(ix.position())?
                .longest(self.to)
                .map(|(prefix, ())| prefix)
        };
        match edge.kind {
            // Configured routes stay whatever happens behind them.
            EdgeKind::StaticVpn { .. } => listed(),
            // The gateway originates them whatever the Transit Gateway holds, even when its region is gone
            // (AWS reference §2.1). They need the association, whose other face is the attachment, and the session to on-prem.
            EdgeKind::DirectConnect { .. } => {
                let gone = |attachment| !self.state.is_attached(attachment);
                if self.state.down_edges.contains(&ix) || edge.attachment.is_some_and(gone) {
                    return None;
                }
                listed()
            }
            EdgeKind::BgpVpn => {
                let attachment = edge.attachment?;
                let region = self.topology.region_of(attachment);
                if self.state.down_edges.contains(&ix)
                    || self.region_is_down(region)
                    || !self.state.is_attached(attachment)
                {
                    return None;
                }
                let table = self.topology.attachments[attachment].association?;
                self.announced_by_table(table, attachment)
            }
        }
    }

    pub(super) fn at_edge_in(&self, ix: EdgeIx) -> Step {
        let edge = &self.topology.edges[ix];
        let Some(attachment) = edge.attachment else {
            return Step::End(Decision::EdgeNotObserved(ix), Ending::NoRoute);
        };
        let region = self.topology.region_of(attachment);
        if self.region_is_down(region) {
            return Step::End(Decision::RegionDown, Ending::RegionDown(region));
        }
        if self.state.down_edges.contains(&ix) {
            return Step::End(Decision::SessionDown, Ending::NoRoute);
        }
        if !self.state.is_attached(attachment) {
            return Step::End(Decision::AttachmentDown(attachment), Ending::NoRoute);
        }
        Step::On(Decision::Enters(attachment), self.entering(attachment))
    }

    pub(super) fn at_edge_out(&self, ix: EdgeIx) -> Step {
        // Dead tunnels do not remove a static route to them (AWS reference §2.3).
        if self.state.down_edges.contains(&ix) {
            return Step::End(Decision::SessionDown, Ending::NoRoute);
        }
        Step::On(Decision::ToOnPrem, At::OnPrem { only: None })
    }

    /// Whether what an attachment advertises is withdrawn, because the session of the edge behind it is down.
    pub(super) fn is_withdrawn(&self, attachment: crate::index::AttIx) -> bool {
        let node = &self.topology.attachments[attachment];
        let is_static = matches!(
            node.kind,
            AttKind::Vpn {
                static_routes_only: true,
                ..
            }
        );
        !is_static
            && node
                .edge
                .is_some_and(|edge| self.state.down_edges.contains(&edge))
    }
}
