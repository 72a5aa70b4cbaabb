//! What becomes of packets, as far as steps are judged by it: one scale for the search of an order and for the proof.

use stayput_fabric::End;
use stayput_fabric::Source;
use stayput_fabric::Standing;

/// What becomes of the packets of a source to some addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// Nobody is there to send.
    Absent,
    /// Requests arrive, and so do replies as far as that is modelled.
    Works,
    /// Requests or replies are lost.
    Lost,
    /// They end where no route could have sent them elsewhere (AWS reference §3 item 2, §4).
    Stuck,
    /// A route sends them to a site where their machine is not.
    Astray,
    /// They loop.
    Loops,
}

impl Fate {
    pub(crate) fn of(standing: Standing) -> Self {
        let Standing {
            there,
            back,
            populated,
            ..
        } = standing;
        if !populated {
            return Self::Absent;
        }
        if there == End::Loop || back == Some(End::Loop) {
            return Self::Loops;
        }
        match (there, back) {
            (End::WrongSite, _) => Self::Astray,
            (End::Stuck, _) | (End::Delivered, Some(End::Stuck)) => Self::Stuck,
            (End::Delivered, None | Some(End::Delivered | End::Unmodelled)) => Self::Works,
            (_, _) => Self::Lost,
        }
    }
}

/// Whether a change of routes may not do this to packets of a source: let them loop; send them to a wrong site; take addresses away
/// from who comes by a Transit Gateway. What others lose without harm is a hole, and counts as one.
pub(crate) fn is_refused(source: &Source, before: Fate, after: Fate) -> bool {
    match after {
        Fate::Loops => before != Fate::Loops,
        Fate::Astray => match before {
            Fate::Works => true,
            Fate::Lost | Fate::Stuck => must_arrive(source),
            Fate::Absent | Fate::Astray | Fate::Loops => false,
        },
        Fate::Lost => before == Fate::Works && must_arrive(source),
        Fate::Absent | Fate::Stuck | Fate::Works => false,
    }
}

/// A source that stands for a way on-prem does not take now, and may.
pub(crate) fn is_hypothetical(source: &Source) -> bool {
    matches!(source, Source::OnPremVia { .. })
}

/// Sources whose packets come by a Transit Gateway: routes are there for them.
pub(crate) fn must_arrive(source: &Source) -> bool {
    match source {
        Source::OnPrem | Source::Spoke { .. } => true,
        Source::OnPremVia { .. }
        | Source::Ec2Subnet { .. }
        | Source::Nc2Vpc { .. }
        | Source::Overlay { .. }
        | Source::Machine { .. } => false,
    }
}
