//! Why no order is safe.

use std::cmp::Reverse;

use stayput_fabric::Change;
use stayput_fabric::Source;

use super::Search;
use crate::Blocked;
use crate::Delivery;
use crate::Harm;
use crate::NoOrder;
use crate::order::call_set::CallSet;
use crate::outcome::Outcome;
use crate::outcome::Requirement;
use crate::proof::harm_in_flight;

/// Facts that are told.
const FACTS: usize = 2;

impl Search<'_> {
    /// The facts that prevent an order, seen from the largest set that can be reached.
    pub(super) fn why_not(&mut self) -> NoOrder {
        if self.gave_up {
            let calls = self.calls.len();
            return NoOrder::TooMany { calls };
        }
        let explored = self.states.iter().filter(|(_, state)| state.explored);
        let stuck = explored
            .map(|(made, _)| *made)
            .max_by_key(|made| (made.count(), Reverse(*made)))
            .unwrap_or(CallSet::EMPTY);
        let mut after = Vec::new();
        for (at, call) in self.calls.iter().enumerate() {
            if stuck.contains(at) {
                after.push(call.change.clone());
                self.matrix.apply(std::slice::from_ref(&call.change));
            }
        }
        let left: Vec<_> = (0..self.calls.len())
            .filter(|at| !stuck.contains(*at))
            .collect();
        let mut blocked: Vec<_> = left
            .iter()
            .filter_map(|next| self.blocked(stuck, *next))
            .collect();
        blocked.dedup();
        if blocked.len() < FACTS {
            blocked.extend(self.left_undone());
        }
        blocked.truncate(FACTS);
        NoOrder::Conflict { after, blocked }
    }

    /// Why this call cannot be next; the matrix is in the state of `made`.
    fn blocked(&mut self, made: CallSet, next: usize) -> Option<Blocked> {
        let change = self.calls[next].change.clone();
        if let Some(found) = harm_in_flight(&self.matrix, &change) {
            return Some(Blocked {
                call: Some(change),
                from: found.from,
                address: found.address,
                harm: found.harm,
            });
        }
        let inverse = self.make(made, next);
        let blocked = if self.serves_twice(made, next)
            && let Change::Serve { address, .. } = change
        {
            let sites = self.matrix.fabric().served_at(address);
            Some(Blocked {
                call: Some(change),
                from: Source::OnPrem,
                address,
                harm: Harm::ServedTwice { sites },
            })
        } else {
            let sources = self.matrix.sources().len();
            let first = self.broken(made, next).next();
            first.map(|cell| self.settled(Some(change), cell % sources, cell / sources))
        };
        self.undo(inverse);
        blocked
    }

    /// What stays wrong if what is left is left undone.
    fn left_undone(&self) -> Option<Blocked> {
        let sources = self.matrix.sources();
        let mut cells = (0..self.matrix.classes().len())
            .flat_map(|class| (0..sources.len()).map(move |source| (source, class)));
        let (source, class) = cells.find(|(source, class)| {
            Requirement::of(&sources[*source]) == Requirement::MustArrive
                && Outcome::of(self.matrix.cell_state(*source, *class)) != Outcome::Works
        })?;
        Some(self.settled(None, source, class))
    }

    /// What happens to packets of a source to a class now.
    fn settled(&self, call: Option<Change>, source: usize, class: usize) -> Blocked {
        Blocked {
            call,
            from: self.matrix.sources()[source].clone(),
            address: self.matrix.classes()[class].representative,
            harm: Harm::Settled(Delivery::of(&self.matrix, source, class)),
        }
    }
}
