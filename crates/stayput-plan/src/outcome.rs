//! How steps are judged by what happens to packets: one scale for the search of an order and for the proof.

use stayput_fabric::CellState;
use stayput_fabric::End;
use stayput_fabric::Source;

/// What happens to the packets of a source to some addresses, without names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// No machine is at the source to send.
    NoSender,
    /// Requests arrive, and so do replies as far as that is modelled.
    Works,
    /// Requests or replies are lost.
    Lost,
    /// They end at a wrong site, and no route could send them elsewhere (AWS reference §3 item 2, §4).
    Unsteerable,
    /// A route sends them to a site where their machine is not.
    WrongSite,
    /// They loop.
    Loops,
}

impl Outcome {
    pub(crate) fn of(cell_state: CellState) -> Self {
        let CellState {
            there,
            back,
            populated,
            ..
        } = cell_state;
        if !populated {
            return Self::NoSender;
        }
        if there == End::Loop || back == Some(End::Loop) {
            return Self::Loops;
        }
        match (there, back) {
            (End::WrongSite, _) => Self::WrongSite,
            (End::Unsteerable, _) | (End::Delivered, Some(End::Unsteerable)) => Self::Unsteerable,
            (End::Delivered, None | Some(End::Delivered | End::Unmodelled)) => Self::Works,
            (_, _) => Self::Lost,
        }
    }
}

/// Every outcome, in order.
pub(crate) const OUTCOMES: [Outcome; 6] = [
    Outcome::NoSender,
    Outcome::Works,
    Outcome::Lost,
    Outcome::Unsteerable,
    Outcome::WrongSite,
    Outcome::Loops,
];

/// What a change of routes must keep for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requirement {
    /// It comes by a Transit Gateway, whose routes are there for it: what arrives must go on arriving.
    MustArrive,
    /// Its packets may be lost for a while, which is then listed; they must not be taken to a wrong site.
    MayBeLost,
}

impl Requirement {
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
/// from a source that comes by a Transit Gateway. What other sources lose is listed as a hole.
pub(crate) fn is_refused(requirement: Requirement, before: Outcome, after: Outcome) -> bool {
    match after {
        Outcome::Loops => before != Outcome::Loops,
        Outcome::WrongSite => match before {
            Outcome::Works => true,
            Outcome::Lost | Outcome::Unsteerable => requirement == Requirement::MustArrive,
            Outcome::NoSender | Outcome::WrongSite | Outcome::Loops => false,
        },
        Outcome::Lost => before == Outcome::Works && requirement == Requirement::MustArrive,
        Outcome::NoSender | Outcome::Unsteerable | Outcome::Works => false,
    }
}

/// A source that stands for a path that on-prem does not take now, and may.
pub(crate) fn is_hypothetical(source: &Source) -> bool {
    matches!(source, Source::OnPremVia { .. })
}

/// The same for a step that moves machines: those that are moving are not reached for a while, all others must be.
pub(crate) fn is_refused_of_move(
    source: &Source,
    is_moving: bool,
    before: Outcome,
    after: Outcome,
) -> bool {
    match after {
        Outcome::Loops => before != Outcome::Loops,
        Outcome::Lost | Outcome::WrongSite => {
            before == Outcome::Works && !is_moving && !is_hypothetical(source)
        }
        Outcome::NoSender | Outcome::Unsteerable | Outcome::Works => false,
    }
}
