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

/// Every fate, in order.
pub(crate) const FATES: [Fate; 6] = [
    Fate::Absent,
    Fate::Works,
    Fate::Lost,
    Fate::Stuck,
    Fate::Astray,
    Fate::Loops,
];

/// What packets of a source are entitled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// They come by a Transit Gateway: routes are there for them.
    MustArrive,
    /// They may be lost for a while, which is then said; they must not be led astray.
    MayBeLost,
}

impl Claim {
    pub(crate) fn of(source: &Source) -> Self {
        match source {
            Source::OnPrem | Source::Spoke { .. } => Self::MustArrive,
            Source::OnPremVia { .. }
            | Source::Ec2Subnet { .. }
            | Source::Nc2Vpc { .. }
            | Source::Overlay { .. }
            | Source::Machine { .. } => Self::MayBeLost,
        }
    }
}

/// Whether a change of routes may not do this to packets: let them loop; send them to a wrong site; take addresses away
/// from who comes by a Transit Gateway. What others lose without harm is a hole, and counts as one.
pub(crate) fn is_refused(claim: Claim, before: Fate, after: Fate) -> bool {
    match after {
        Fate::Loops => before != Fate::Loops,
        Fate::Astray => match before {
            Fate::Works => true,
            Fate::Lost | Fate::Stuck => claim == Claim::MustArrive,
            Fate::Absent | Fate::Astray | Fate::Loops => false,
        },
        Fate::Lost => before == Fate::Works && claim == Claim::MustArrive,
        Fate::Absent | Fate::Stuck | Fate::Works => false,
    }
}

/// A source that stands for a way on-prem does not take now, and may.
pub(crate) fn is_hypothetical(source: &Source) -> bool {
    matches!(source, Source::OnPremVia { .. })
}

/// The same for a step that moves machines: those on their way are not reached for a while, whoever stays must be.
pub(crate) fn is_refused_of_move(
    source: &Source,
    is_on_its_way: bool,
    before: Fate,
    after: Fate,
) -> bool {
    match after {
        Fate::Loops => before != Fate::Loops,
        Fate::Lost | Fate::Astray => {
            before == Fate::Works && !is_on_its_way && !is_hypothetical(source)
        }
        Fate::Absent | Fate::Stuck | Fate::Works => false,
    }
}
