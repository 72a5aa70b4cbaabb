//! Holes of what is left that were not approved.

use std::collections::BTreeMap;

use super::Difference;
use crate::Hole;
use crate::Plan;
use crate::StepId;
use crate::ranges;

/// Positions of the approved steps, by id.
type Positions<'p> = BTreeMap<&'p StepId, usize>;

/// Holes of `now` with addresses that, by the approved plan, are reached for some of the hole's time.
pub(super) fn not_approved(approved: &Plan, now: &Plan) -> Vec<Difference> {
    let steps = approved.steps.iter().enumerate();
    let positions: Positions<'_> = steps.map(|(at, step)| (&step.id, at)).collect();
    let left: Vec<_> = now
        .steps
        .iter()
        .filter_map(|step| positions.get(&step.id).copied())
        .collect();
    // What comes before the first step that is left has been done.
    let present = left.into_iter().min().unwrap_or(approved.steps.len());
    let mut found = Vec::new();
    for hole in &now.proof.holes {
        let span = Span::of(hole, &positions, present);
        let of_source = approved.proof.holes.iter();
        let covering = of_source
            .filter(|known| known.source == hole.source)
            .filter(|known| Span::of(known, &positions, 0).contains(&span));
        let approved = covering.flat_map(|known| &known.ranges).copied();
        let ranges = ranges::difference(hole.ranges.iter().copied(), approved);
        if !ranges.is_empty() {
            found.push(Difference::Hole {
                hole: hole.clone(),
                ranges,
            });
        }
    }
    found
}

/// When a hole is open, in positions of the approved steps: it is open from when the step at `opens` begins until the one at `closes` is
/// done.
struct Span {
    opens: usize,
    /// `None`: never.
    closes: Option<usize>,
}

impl Span {
    /// A hole that is open now opens at `present`. A step that was not approved is at no known position, so the hole counts as opening with
    /// the present and as staying open.
    fn of(hole: &Hole, positions: &Positions<'_>, present: usize) -> Self {
        let position = |step: &StepId| positions.get(step).copied();
        Self {
            opens: hole.opens.as_ref().and_then(position).unwrap_or(present),
            closes: hole.closes.as_ref().and_then(position),
        }
    }

    fn contains(&self, other: &Self) -> bool {
        let lasts = match (self.closes, other.closes) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => own >= others,
        };
        self.opens <= other.opens && lasts
    }
}
