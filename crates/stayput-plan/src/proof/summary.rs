//! A proof in one line, and the one count of holes that every report uses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_messages::list::commas;

use super::Hole;
use super::Proof;
use super::Shifted;
use super::StateKind;
use crate::Delivery;
use crate::StepId;
use crate::ranges::union;

/// A time in which on-prem does not reach some addresses. These are what is counted as "holes" in every report: one for each pair of
/// steps that opens and closes it, whatever happens to the packets in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// The step that opens it; `None`: it is open now.
    pub opens: Option<StepId>,
    /// The step that closes it; `None`: it stays open.
    pub closes: Option<StepId>,
    /// How many addresses are in it.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What happens to packets in it when it opens.
    pub deliveries: BTreeSet<Delivery>,
}

impl Hole {
    /// Whether on-prem's packets are in it. Those are the holes that are counted; see [`Proof::windows`].
    pub fn is_of_on_prem(&self) -> bool {
        self.source == Source::OnPrem
    }

    /// What happens to packets in it, as a clause.
    pub fn what(&self) -> Message {
        self.delivery.in_a_hole()
    }
}

impl Shifted {
    /// What happens to its packets before and after, in a few words.
    pub fn what(&self) -> Message {
        let (from, to) = (self.from.brief(), self.to.brief());
        if self.from == self.to {
            Message::new("shift-of-path")
                .part("from", from)
                .part("to", to)
        } else {
            Message::new("shift").part("from", from).part("to", to)
        }
    }
}

impl Proof {
    /// The times in which on-prem does not reach some addresses, in order of the steps' ids.
    pub fn windows(&self) -> Vec<Window> {
        let mut windows: BTreeMap<(&Option<StepId>, &Option<StepId>), Vec<&Hole>> = BTreeMap::new();
        for hole in self.holes.iter().filter(|hole| hole.is_of_on_prem()) {
            let pair = (&hole.opens, &hole.closes);
            windows.entry(pair).or_default().push(hole);
        }
        let windows = windows.into_iter().map(|((opens, closes), holes)| {
            // An address is in one hole at a time.
            Window {
                opens: opens.clone(),
                closes: closes.clone(),
                addresses: holes.iter().map(|hole| hole.addresses).sum(),
                ranges: union(holes.iter().flat_map(|hole| &hole.ranges).copied()),
                deliveries: holes.iter().map(|hole| hole.delivery.clone()).collect(),
            }
        });
        windows.collect()
    }

    /// Sources whose packets a change of routes sends to a site where their machine is not. They did not arrive before either: a
    /// change that takes what arrives to a wrong site is refused.
    pub fn misdirected(&self) -> BTreeSet<&Source> {
        let states = self.states.iter();
        let by_routes = states.filter(|state| match state.kind {
            StateKind::Routing => true,
            StateKind::Present | StateKind::Machines => false,
        });
        by_routes
            .flat_map(|state| &state.shifts)
            .filter(|shift| shift.to.is_to_wrong_site() && !shift.from.is_to_wrong_site())
            .map(|shift| &shift.source)
            .collect()
    }

    /// The proof in one line, with the windows as the caller writes them, such as `3→8`.
    pub(crate) fn line(&self, windows: impl IntoIterator<Item = Message>) -> Message {
        let loops = match self.loops_now.is_empty() {
            true => Message::new("proof-no-loops"),
            false => Message::new("proof-no-new-loops"),
        };
        let misdirected = self.misdirected();
        let site = match misdirected.is_empty() {
            true => Message::new("proof-no-wrong-site"),
            false => Message::new("proof-wrong-site").with("sources", commas(misdirected)),
        };
        let windows: Vec<_> = windows.into_iter().collect();
        let holes = Message::new("proof-holes")
            .count("holes", windows.len())
            .with("steps", commas(windows));
        Message::new("proof")
            .count("classes", self.classes)
            .count("states", self.states.len())
            .part("loops", loops)
            .part("site", site)
            .part("holes", holes)
    }
}

/// From which step to which a hole is open, as short as it can be said: `3→8`. `None`: it is open now; it stays open.
pub(crate) fn span(opens: Option<impl fmt::Display>, closes: Option<impl fmt::Display>) -> Message {
    Message::new("span")
        .part("opens", opening(opens))
        .part("closes", closing(closes))
}

/// The step that opens a hole. `None`: it is open now.
pub(crate) fn opening(step: Option<impl fmt::Display>) -> Message {
    step.map_or_else(|| Message::new("span-now"), at)
}

/// The step that closes a hole. `None`: it stays open.
pub(crate) fn closing(step: Option<impl fmt::Display>) -> Message {
    step.map_or_else(|| Message::new("span-the-end"), at)
}

fn at(step: impl fmt::Display) -> Message {
    Message::new("span-step").with("step", step)
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows = self.windows();
        let windows = windows.iter();
        let spans = windows.map(|window| span(window.opens.as_ref(), window.closes.as_ref()));
        self.line(spans).fmt(f)
    }
}
