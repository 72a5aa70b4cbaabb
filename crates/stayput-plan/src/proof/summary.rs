//! A proof in one line, and the one count of holes that every report uses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_fabric::Source;

use super::Hole;
use super::Proof;
use super::Shifted;
use super::StateKind;
use crate::Delivery;
use crate::StepId;
use crate::counted;
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
    pub fn what(&self) -> String {
        self.delivery.in_a_hole()
    }
}

impl Shifted {
    /// What happens to its packets before and after, in a few words.
    pub fn what(&self) -> String {
        let (from, to) = (self.from.brief(), self.to.brief());
        if self.from == self.to {
            format!("{from} → {to} by another path")
        } else {
            format!("{from} → {to}")
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
    pub fn line(&self, windows: &[String]) -> String {
        let loops = if self.loops_now.is_empty() {
            "no loops"
        } else {
            "no new loops"
        };
        let misdirected: Vec<_> = self.misdirected().iter().map(ToString::to_string).collect();
        let wrong_site = match misdirected.as_slice() {
            [] => "no route change leads to a wrong site".to_owned(),
            sources => format!(
                "route changes lead packets of {} to a wrong site (lost before)",
                sources.join(", ")
            ),
        };
        let holes = match windows {
            [] => "no holes".to_owned(),
            [one] => format!("1 hole (step {one})"),
            many => format!("{} holes (steps {})", many.len(), many.join(", ")),
        };
        format!(
            "proof: {} × {}: {loops}, {wrong_site}, {holes}",
            counted(self.classes, "class"),
            counted(self.states.len(), "state")
        )
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows = self.windows();
        let windows = windows.iter().map(|window| {
            let step = |step: &Option<StepId>, none: &str| {
                step.as_ref().map_or(none.to_owned(), ToString::to_string)
            };
            let opens = step(&window.opens, "now");
            let closes = step(&window.closes, "the end");
            format!("{opens}→{closes}")
        });
        f.write_str(&self.line(&windows.collect::<Vec<_>>()))
    }
}
