//! Ends of walks, compared.

use std::collections::BTreeSet;

use crate::index::EdgeIx;
use crate::index::TgwIx;
use crate::walk::At;
use crate::walk::Ending;
use crate::walk::PlaceIx;
use crate::walk::Walked;

/// How a packet ends: a [`Verdict`](crate::Verdict) without its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// See [`Verdict::Delivered`](crate::Verdict::Delivered).
    Delivered,
    /// See [`Verdict::NoMachine`](crate::Verdict::NoMachine).
    NoMachine,
    /// See [`Verdict::RegionDown`](crate::Verdict::RegionDown).
    RegionDown,
    /// See [`Verdict::DeadEni`](crate::Verdict::DeadEni).
    DeadEni,
    /// See [`Verdict::Blackhole`](crate::Verdict::Blackhole).
    Blackhole,
    /// See [`Verdict::NoRoute`](crate::Verdict::NoRoute).
    NoRoute,
    /// See [`Verdict::LeavesByNat`](crate::Verdict::LeavesByNat).
    LeavesByNat,
    /// See [`Verdict::Unmodelled`](crate::Verdict::Unmodelled). Also what a source that is not there gets.
    Unmodelled,
    /// See [`Verdict::WrongSite`](crate::Verdict::WrongSite), where no route could have sent it elsewhere.
    Unsteerable,
    /// See [`Verdict::WrongSite`](crate::Verdict::WrongSite), where a route sent it.
    WrongSite,
    /// See [`Verdict::Loop`](crate::Verdict::Loop).
    Loop,
}

impl End {
    /// Whether the packet reached a machine that answers for the address.
    pub fn is_delivered(self) -> bool {
        self == Self::Delivered
    }

    /// The same as [`Verdict::is_harmful`](crate::Verdict::is_harmful).
    pub fn is_harmful(self) -> bool {
        matches!(self, Self::WrongSite | Self::Loop)
    }

    pub(super) fn of(ending: Ending) -> Self {
        match ending {
            Ending::Delivered(..) => Self::Delivered,
            Ending::NoRoute => Self::NoRoute,
            Ending::Blackhole => Self::Blackhole,
            Ending::DeadEni(_) => Self::DeadEni,
            Ending::LeavesByNat => Self::LeavesByNat,
            Ending::NoAnswer(_) | Ending::NoMachine(_) => Self::NoMachine,
            Ending::WrongSite {
                steerable: true, ..
            } => Self::WrongSite,
            Ending::WrongSite {
                steerable: false, ..
            } => Self::Unsteerable,
            Ending::Loop(_) => Self::Loop,
            Ending::RegionDown(_) => Self::RegionDown,
            Ending::Unmodelled => Self::Unmodelled,
        }
    }
}

impl Walked {
    /// What two walks must share to end the same way for a reader: how, and where.
    pub(super) fn end(&self) -> (End, Option<PlaceIx>, Option<At>) {
        let place = match self.ending {
            Ending::Delivered(place, _) | Ending::NoAnswer(place) | Ending::NoMachine(place) => {
                Some(place)
            }
            Ending::WrongSite { machine, .. } => Some(PlaceIx::Site(machine)),
            Ending::NoRoute
            | Ending::Blackhole
            | Ending::DeadEni(_)
            | Ending::LeavesByNat
            | Ending::Loop(_)
            | Ending::RegionDown(_)
            | Ending::Unmodelled => None,
        };
        (
            End::of(self.ending),
            place,
            self.path.last().map(|(at, _)| *at),
        )
    }

    /// Whether it passes the same states and ends the same way.
    pub(super) fn goes_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.path.iter(), other.path.iter());
        self.end() == other.end() && ours.map(|(at, _)| at).eq(theirs.map(|(at, _)| at))
    }

    /// Edges and Transit Gateways passed: what has to be the same both ways for a path to count as symmetric (AWS reference §2.4).
    pub(crate) fn waypoints(&self) -> (BTreeSet<EdgeIx>, BTreeSet<TgwIx>) {
        let (mut edges, mut tgws) = (BTreeSet::new(), BTreeSet::new());
        for (at, _) in &self.path {
            match at {
                At::EdgeIn(edge) | At::EdgeOut(edge) => {
                    edges.insert(*edge);
                }
                At::Tgw { tgw, .. } => {
                    tgws.insert(*tgw);
                }
                At::OnPrem { .. }
                | At::Vpc { .. }
                | At::Peer(_)
                | At::Transit { .. }
                | At::User { .. }
                | At::Segment { .. } => {}
            }
        }
        (edges, tgws)
    }
}
