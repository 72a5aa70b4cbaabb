//! Calls searched together, state by state.

mod conflict;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_fabric::Change;
use stayput_fabric::Reachability;

use super::Call;
use super::EXHAUSTIVE;
use super::NoOrder;
use super::call_set::CallSet;
use super::state_summary::Requirements;
use super::state_summary::StateSummary;
use super::state_summary::moved_by;
use crate::proof::harm_in_flight;

/// States looked at before the search gives up on more than [`EXHAUSTIVE`] calls.
const MOST_STATES: usize = 1 << 20;

/// Words that all their summaries may take: 256 MB.
const MOST_WORDS: usize = 1 << 25;

/// How much an order costs: addresses lost × time from on-prem, then from any source.
type Cost = (u128, u128);

/// The best safe order of at most [`super::MOST_CALLS`] calls, as positions.
pub(super) fn order(
    now: &Reachability,
    addresses: BTreeSet<Ipv4Addr>,
    calls: &[Call],
) -> Result<Vec<usize>, Box<NoOrder>> {
    let steps: Vec<_> = calls
        .iter()
        .map(|call| std::slice::from_ref(&call.change))
        .collect();
    let classes = now.fabric().classes_across(addresses, steps);
    let mut search = Search::new(now.with_classes(classes), calls);
    loop {
        let found = search.run()?;
        match search.unsafe_in_flight(&found) {
            Some(edge) => {
                search.forbidden.insert(edge);
            }
            None => return Ok(found),
        }
    }
}

struct Search<'c> {
    calls: &'c [Call],
    matrix: Reachability,
    states: BTreeMap<CallSet, StateSummary>,
    requirements: Requirements,
    /// Steps that do harm while they take effect: a set, and the call made in it.
    forbidden: BTreeSet<(CallSet, usize)>,
    /// What the best order known costs on-prem.
    bound: u128,
    /// States that may be looked at.
    most_states: usize,
    /// Whether states were left out for their number.
    gave_up: bool,
}

impl<'c> Search<'c> {
    fn new(matrix: Reachability, calls: &'c [Call]) -> Self {
        let start = StateSummary::of(&matrix);
        let requirements = Requirements::of(&matrix);
        Self {
            calls,
            matrix,
            most_states: MOST_STATES.min(MOST_WORDS / start.size().max(1)),
            states: BTreeMap::from([(CallSet::EMPTY, start)]),
            requirements,
            forbidden: BTreeSet::new(),
            bound: u128::MAX,
            gave_up: false,
        }
    }

    fn full(&self) -> CallSet {
        CallSet::first(self.calls.len())
    }

    fn run(&mut self) -> Result<Vec<usize>, Box<NoOrder>> {
        self.forget_paths();
        let matrix = self.matrix.clone();
        let found = self.dive(CallSet::EMPTY);
        self.matrix = matrix;
        let Some(first) = found else {
            return Err(Box::new(self.why_not()));
        };
        if self.calls.len() > EXHAUSTIVE {
            return Ok(first);
        }
        self.bound = self.cost_for_on_prem(&first);
        self.forget_paths();
        self.explore(CallSet::EMPTY);
        Ok(self.best().unwrap_or(first))
    }

    fn forget_paths(&mut self) {
        for state in self.states.values_mut() {
            state.explored = false;
            state.safe = CallSet::EMPTY;
        }
    }

    /// Addresses that on-prem does not reach × time, of an order whose sets have been looked at.
    fn cost_for_on_prem(&self, order: &[usize]) -> u128 {
        let mut made = CallSet::EMPTY;
        let costs = order.iter().map(|next| {
            let lost = self.states.get(&made).map_or(0, |state| state.lost.0);
            made = made.with(*next);
            u128::from(lost) * self.calls[*next].lasts.as_millis()
        });
        costs.sum()
    }

    /// What any path through this set costs on-prem at least. What calls of routes give it they never take again, so all sets on the
    /// path here had as many addresses lost as this one.
    fn costs_at_least(&self, made: CallSet) -> u128 {
        let Some(state) = self.states.get(&made) else {
            return 0;
        };
        let lasts = |call: &Call| call.lasts.as_millis();
        let calls = || self.calls.iter().enumerate();
        if calls().any(|(_, call)| matches!(call.change, Change::Serve { .. })) {
            return 0;
        }
        let until_now: u128 = calls()
            .filter(|(at, _)| made.contains(*at))
            .map(|(_, call)| lasts(call))
            .sum();
        let next = calls().filter(|(at, _)| !made.contains(*at));
        let next = next.map(|(_, call)| lasts(call)).min().unwrap_or(0);
        u128::from(state.lost.0) * (until_now + next)
    }

    /// Looks at every set that safe steps lead to from here. The matrix is in the state of `made`, and is again afterwards.
    fn explore(&mut self, made: CallSet) {
        self.mark(made);
        for next in 0..self.calls.len() {
            let then = made.with(next);
            if then == made || self.is_known_unsafe(made, next) {
                continue;
            }
            let is_explored = self.states.get(&then).is_some_and(|state| state.explored);
            if is_explored {
                self.allow(made, next);
                continue;
            }
            let inverse = self.make(made, next);
            if self.allow(made, next) && self.costs_at_least(then) <= self.bound {
                self.explore(then);
            }
            self.undo(inverse);
        }
    }

    /// Goes on by the best safe step, and back where there is none, until all calls are made.
    fn dive(&mut self, made: CallSet) -> Option<Vec<usize>> {
        if made == self.full() {
            return Some(Vec::new());
        }
        self.mark(made);
        let mut steps = Vec::new();
        for next in (0..self.calls.len()).filter(|next| !made.contains(*next)) {
            let inverse = self.make(made, next);
            self.undo(inverse);
            if self.allow(made, next) {
                let lost = self.states.get(&made.with(next)).map(|state| state.lost);
                steps.push((lost, next));
            }
        }
        steps.sort_unstable();
        for (_, next) in steps {
            let then = made.with(next);
            if self.states.get(&then).is_some_and(|state| state.explored) {
                continue;
            }
            if self.states.len() > self.most_states {
                self.gave_up = true;
                return None;
            }
            let inverse = self.make(made, next);
            if let Some(mut rest) = self.dive(then) {
                rest.insert(0, next);
                return Some(rest);
            }
            self.undo(inverse);
        }
        None
    }

    fn mark(&mut self, made: CallSet) {
        if let Some(state) = self.states.get_mut(&made) {
            state.explored = true;
        }
    }

    /// Makes a call, notes what happens to packets, and gives what undoes it; `None` for a call that would be refused, which changes
    /// nothing.
    fn make(&mut self, made: CallSet, next: usize) -> Option<Change> {
        let change = &self.calls[next].change;
        let inverse = self.matrix.fabric().inverse_of(change).ok();
        let shifts = self.matrix.apply(std::slice::from_ref(change));
        let then = made.with(next);
        if !self.states.contains_key(&then) {
            let state = match self.states.get(&made) {
                Some(before) => {
                    let cells = shifts.iter().map(|shift| (shift.source, shift.class));
                    before.after(&self.matrix, change, cells)
                }
                None => StateSummary::of(&self.matrix),
            };
            self.states.insert(then, state);
        }
        inverse
    }

    fn undo(&mut self, inverse: Option<Change>) {
        if let Some(inverse) = inverse {
            self.matrix.apply(&[inverse]);
        }
    }

    fn is_known_unsafe(&self, made: CallSet, next: usize) -> bool {
        let known = self.states.contains_key(&made.with(next));
        known && (self.forbidden.contains(&(made, next)) || self.breaks(made, next))
    }

    /// Whether a call may be the next; both sets have been looked at. What may be is remembered.
    fn allow(&mut self, made: CallSet, next: usize) -> bool {
        let allowed = !self.forbidden.contains(&(made, next)) && !self.breaks(made, next);
        if allowed && let Some(state) = self.states.get_mut(&made) {
            state.safe = state.safe.with(next);
        }
        allowed
    }

    fn breaks(&self, made: CallSet, next: usize) -> bool {
        self.serves_twice(made, next) || self.broken(made, next).next().is_some()
    }

    /// Whether a call makes machines answer for an address at several sites at once.
    fn serves_twice(&self, made: CallSet, next: usize) -> bool {
        let (before, after) = (self.states.get(&made), self.states.get(&made.with(next)));
        before
            .zip(after)
            .is_some_and(|(before, after)| after.twice > before.twice)
    }

    /// The cells that a call breaks.
    fn broken(&self, made: CallSet, next: usize) -> impl Iterator<Item = usize> {
        let (before, after) = (self.states.get(&made), self.states.get(&made.with(next)));
        let moving = moved_by(&self.matrix, &self.calls[next].change);
        let both = before.zip(after).into_iter();
        both.flat_map(move |(before, after)| {
            before.broken_by(after, &self.requirements, moving.clone())
        })
    }

    /// The cheapest path through what was explored; of equal ones the first as calls are listed.
    fn best(&self) -> Option<Vec<usize>> {
        let full = self.full();
        // From here to the end, and by which call; all that contain a set come before it.
        let mut to_go: BTreeMap<CallSet, (Cost, usize)> = BTreeMap::from([(full, ((0, 0), 0))]);
        for (made, state) in self.states.iter().rev().filter(|(_, state)| state.explored) {
            let mut best: Option<(Cost, usize)> = None;
            for (next, call) in self.calls.iter().enumerate() {
                if !state.safe.contains(next) {
                    continue;
                }
                let Some((rest, _)) = to_go.get(&made.with(next)) else {
                    continue;
                };
                let lasts = call.lasts.as_millis();
                let cost = (
                    rest.0 + u128::from(state.lost.0) * lasts,
                    rest.1 + u128::from(state.lost.1) * lasts,
                );
                if best.is_none_or(|(known, _)| cost < known) {
                    best = Some((cost, next));
                }
            }
            if let Some(best) = best {
                to_go.insert(*made, best);
            }
        }
        let mut made = CallSet::EMPTY;
        let mut path = Vec::new();
        while made != full {
            let (_, next) = to_go.get(&made)?;
            path.push(*next);
            made = made.with(*next);
        }
        Some(path)
    }

    /// A step of the order that does harm while it takes effect.
    fn unsafe_in_flight(&mut self, order: &[usize]) -> Option<(CallSet, usize)> {
        let mut made = CallSet::EMPTY;
        let mut undo = Vec::new();
        let mut found = None;
        for next in order {
            let change = &self.calls[*next].change;
            if harm_in_flight(&self.matrix, change).is_some() {
                found = Some((made, *next));
                break;
            }
            undo.extend(self.matrix.fabric().inverse_of(change).ok());
            self.matrix.apply(std::slice::from_ref(change));
            made = made.with(*next);
        }
        for change in undo.into_iter().rev() {
            self.matrix.apply(&[change]);
        }
        found
    }
}
