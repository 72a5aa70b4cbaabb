//! The order of calls, by search: every state that an order passes is judged, and the best of the safe orders is taken.
//!
//! Which calls have been made decides the state, not in which order they were; so states are sets of calls, and an order is a
//! way from the empty set to the full one through sets that are safe to be in. Up to [`EXHAUSTIVE`] calls every set that a
//! safe way leads to is looked at. Nothing of the rules R1 and R2 (AWS reference §8) is in here: they come out.

mod seen;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::fate::Claim;
use crate::fate::Fate;
use crate::proof::harm_in_flight;
use crate::proof::says;
use seen::Made;
use seen::Rights;
use seen::Seen;

/// So many calls are searched exhaustively; of more, the first safe order found is taken.
pub const EXHAUSTIVE: usize = 20;

/// Sets looked at before the search gives up on more than [`EXHAUSTIVE`] calls.
const LIMIT: usize = 1 << 20;

/// One call whose place in the order is sought.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it makes otherwise.
    pub change: Change,
    /// How long it takes until it can be relied on; holes are weighed by it.
    pub lasts: Duration,
}

/// Why a call cannot be next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blocked {
    /// The call; `None`: it is left undone.
    pub call: Option<String>,
    /// Whose packets suffer.
    pub from: String,
    /// To this address.
    pub address: Ipv4Addr,
    /// In this way.
    pub verdict: String,
}

/// There is no safe order, and two facts that make it so: each of two calls may not come before the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoOrder {
    /// What can be done safely before it comes to that.
    pub after: Vec<String>,
    /// One call, and what it does if it is next.
    pub first: Blocked,
    /// Another, or why the first one cannot be left out.
    pub second: Blocked,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            from,
            address,
            verdict,
        } = self;
        match call {
            Some(call) => write!(f, "after \"{call}\" {from} → {address} {verdict}"),
            None => write!(f, "without it {from} → {address} {verdict}"),
        }
    }
}

impl fmt::Display for NoOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after.len() {
            0 => {}
            1 => write!(f, "when 1 call is made, ")?,
            many => write!(f, "when {many} calls are made, ")?,
        }
        write!(f, "{}; {}", self.first, self.second)
    }
}

/// How much a way costs: addresses lost × time from on-prem, then from anywhere.
type Cost = (u128, u128);

/// The best safe order of these calls, as positions.
///
/// A step may take no address from who reaches it, may let nothing loop and may send nothing to a wrong site, not even while it is
/// seen by some tables and not by others; what is wrong from the start or cannot be helped at the end is not held against it. Of
/// the safe orders the one with the fewest addresses lost for the shortest time is taken, of equal ones the first as the calls are listed.
///
/// # Errors
/// No order is safe.
pub fn order(
    fabric: &Fabric,
    addresses: BTreeSet<Ipv4Addr>,
    calls: &[Call],
) -> Result<Vec<usize>, Box<NoOrder>> {
    let steps: Vec<_> = calls
        .iter()
        .map(|call| std::slice::from_ref(&call.change))
        .collect();
    let classes = fabric.classes_across(addresses, steps);
    let matrix = Reachability::new(fabric.clone(), fabric.sources(), classes);
    let mut search = Search::new(matrix, calls);
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
    seen: BTreeMap<Made, Seen>,
    /// What each cell is entitled to.
    rights: Rights,
    /// Steps that do harm while they spread: a set, and the call made in it.
    forbidden: BTreeSet<(Made, usize)>,
    /// What the best order known costs on-prem.
    bound: u128,
}

impl<'c> Search<'c> {
    fn new(matrix: Reachability, calls: &'c [Call]) -> Self {
        let start = Seen::of(&matrix);
        let rights = Rights::of(&matrix);
        Self {
            calls,
            matrix,
            seen: BTreeMap::from([(0, start)]),
            rights,
            forbidden: BTreeSet::new(),
            bound: u128::MAX,
        }
    }

    fn full(&self) -> Made {
        (1 << self.calls.len().min(63)) - 1
    }

    fn run(&mut self) -> Result<Vec<usize>, Box<NoOrder>> {
        self.forget_ways();
        let matrix = self.matrix.clone();
        let found = self.dive(0);
        self.matrix = matrix;
        let Some(first) = found else {
            return Err(Box::new(self.why_not()));
        };
        if self.calls.len() > EXHAUSTIVE {
            return Ok(first);
        }
        self.bound = self.cost_for_on_prem(&first);
        self.forget_ways();
        self.explore(0);
        Ok(self.best().unwrap_or(first))
    }

    fn forget_ways(&mut self) {
        for seen in self.seen.values_mut() {
            seen.explored = false;
            seen.safe = 0;
        }
    }

    /// Addresses that on-prem does not reach × time, of an order whose sets have been looked at.
    fn cost_for_on_prem(&self, order: &[usize]) -> u128 {
        let mut made: Made = 0;
        let costs = order.iter().map(|next| {
            let lost = self.seen.get(&made).map_or(0, |seen| seen.lost.0);
            made |= 1 << next;
            u128::from(lost) * self.calls[*next].lasts.as_millis()
        });
        costs.sum()
    }

    /// What any way through this set costs on-prem at least. What calls of routes give it they never take again, so all sets on the
    /// way here had as many addresses lost as this one.
    fn costs_at_least(&self, made: Made) -> u128 {
        let Some(seen) = self.seen.get(&made) else {
            return 0;
        };
        let lasts = |call: &Call| call.lasts.as_millis();
        let calls = || self.calls.iter().enumerate();
        if calls().any(|(_, call)| matches!(call.change, Change::Serve { .. })) {
            return 0;
        }
        let until_now: u128 = calls()
            .filter(|(at, _)| made & 1 << at != 0)
            .map(|(_, call)| lasts(call))
            .sum();
        let next = calls().filter(|(at, _)| made & 1 << at == 0);
        let next = next.map(|(_, call)| lasts(call)).min().unwrap_or(0);
        u128::from(seen.lost.0) * (until_now + next)
    }

    /// Looks at every set that safe steps lead to from here. The matrix is in the state of `made`, and is again afterwards.
    fn explore(&mut self, made: Made) {
        self.mark(made);
        for next in 0..self.calls.len() {
            let then = made | 1 << next;
            if then == made || self.is_known_unsafe(made, next) {
                continue;
            }
            let is_explored = self.seen.get(&then).is_some_and(|seen| seen.explored);
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
    fn dive(&mut self, made: Made) -> Option<Vec<usize>> {
        if made == self.full() {
            return Some(Vec::new());
        }
        self.mark(made);
        let mut ways = Vec::new();
        for next in (0..self.calls.len()).filter(|next| made & 1 << next == 0) {
            let inverse = self.make(made, next);
            self.undo(inverse);
            if self.allow(made, next) {
                let lost = self.seen.get(&(made | 1 << next)).map(|seen| seen.lost);
                ways.push((lost, next));
            }
        }
        ways.sort_unstable();
        for (_, next) in ways {
            let then = made | 1 << next;
            let known = self.seen.get(&then).is_some_and(|seen| seen.explored);
            if known || self.seen.len() > LIMIT {
                continue;
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

    fn mark(&mut self, made: Made) {
        if let Some(seen) = self.seen.get_mut(&made) {
            seen.explored = true;
        }
    }

    /// Makes a call, notes what becomes of packets, and gives what undoes it; `None` for a call that would be refused, which changes
    /// nothing.
    fn make(&mut self, made: Made, next: usize) -> Option<Change> {
        let change = &self.calls[next].change;
        let inverse = self.matrix.fabric().inverse_of(change).ok();
        let shifts = self.matrix.apply(std::slice::from_ref(change));
        let then = made | 1 << next;
        if !self.seen.contains_key(&then) {
            let mut seen = match self.seen.get(&made) {
                Some(before) => before.clone(),
                None => Seen::of(&self.matrix),
            };
            seen.explored = false;
            seen.safe = 0;
            let shifted = shifts.iter().map(|shift| (shift.source, shift.class));
            seen.note(&self.matrix, shifted);
            if matches!(change, Change::Serve { .. }) {
                seen.twice = self.matrix.fabric().served_twice().len();
            }
            self.seen.insert(then, seen);
        }
        inverse
    }

    fn undo(&mut self, inverse: Option<Change>) {
        if let Some(inverse) = inverse {
            self.matrix.apply(&[inverse]);
        }
    }

    fn is_known_unsafe(&self, made: Made, next: usize) -> bool {
        let known = self.seen.contains_key(&(made | 1 << next));
        known && (self.forbidden.contains(&(made, next)) || self.breaks(made, next))
    }

    /// Whether a call may be the next; both sets have been looked at. What may be is remembered.
    fn allow(&mut self, made: Made, next: usize) -> bool {
        let allowed = !self.forbidden.contains(&(made, next)) && !self.breaks(made, next);
        if allowed && let Some(seen) = self.seen.get_mut(&made) {
            seen.safe |= 1 << next;
        }
        allowed
    }

    fn breaks(&self, made: Made, next: usize) -> bool {
        self.serves_twice(made, next) || self.broken(made, next).next().is_some()
    }

    /// Whether a call makes machines answer for an address at several sites at once.
    fn serves_twice(&self, made: Made, next: usize) -> bool {
        let (before, after) = (self.seen.get(&made), self.seen.get(&(made | 1 << next)));
        before
            .zip(after)
            .is_some_and(|(before, after)| after.twice > before.twice)
    }

    /// The cells that a call breaks.
    fn broken(&self, made: Made, next: usize) -> impl Iterator<Item = usize> {
        let (before, after) = (self.seen.get(&made), self.seen.get(&(made | 1 << next)));
        let on_their_way = match &self.calls[next].change {
            Change::Serve { address, .. } => self.cells_of(*address),
            _ => 0..0,
        };
        let both = before.zip(after).into_iter();
        both.flat_map(move |(before, after)| {
            before.broken_by(after, &self.rights, on_their_way.clone())
        })
    }

    fn cells_of(&self, address: Ipv4Addr) -> Range<usize> {
        let mut classes = self.matrix.classes().iter();
        let class = classes.position(|class| class.members.contains(&address));
        let sources = self.matrix.sources().len();
        class.map_or(0..0, |class| class * sources..(class + 1) * sources)
    }

    /// The cheapest way through what was explored; of equal ones the first as calls are listed.
    fn best(&self) -> Option<Vec<usize>> {
        let full = self.full();
        // From here to the end, and by which call; all that contain a set come before it.
        let mut to_go: BTreeMap<Made, (Cost, usize)> = BTreeMap::from([(full, ((0, 0), 0))]);
        for (made, seen) in self.seen.iter().rev().filter(|(_, seen)| seen.explored) {
            let mut best: Option<(Cost, usize)> = None;
            for (next, call) in self.calls.iter().enumerate() {
                if seen.safe & 1 << next == 0 {
                    continue;
                }
                let Some((rest, _)) = to_go.get(&(made | 1 << next)) else {
                    continue;
                };
                let lasts = call.lasts.as_millis();
                let cost = (
                    rest.0 + u128::from(seen.lost.0) * lasts,
                    rest.1 + u128::from(seen.lost.1) * lasts,
                );
                if best.is_none_or(|(known, _)| cost < known) {
                    best = Some((cost, next));
                }
            }
            if let Some(best) = best {
                to_go.insert(*made, best);
            }
        }
        let mut made: Made = 0;
        let mut path = Vec::new();
        while made != full {
            let (_, next) = to_go.get(&made)?;
            path.push(*next);
            made |= 1 << next;
        }
        Some(path)
    }

    /// A step of the order that does harm while it spreads.
    fn unsafe_in_flight(&mut self, order: &[usize]) -> Option<(Made, usize)> {
        let mut made: Made = 0;
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
            made |= 1 << next;
        }
        for change in undo.into_iter().rev() {
            self.matrix.apply(&[change]);
        }
        found
    }

    /// The two facts that stand in the way, seen from the largest set that can be reached.
    fn why_not(&mut self) -> NoOrder {
        let explored = self.seen.iter().filter(|(_, seen)| seen.explored);
        let stuck = explored
            .map(|(made, _)| *made)
            .max_by_key(|made| (made.count_ones(), std::cmp::Reverse(*made)))
            .unwrap_or(0);
        let mut after = Vec::new();
        for (at, call) in self.calls.iter().enumerate() {
            if stuck & 1 << at != 0 {
                after.push(call.change.to_string());
                self.matrix.apply(std::slice::from_ref(&call.change));
            }
        }
        let left: Vec<_> = (0..self.calls.len())
            .filter(|at| stuck & 1 << at == 0)
            .collect();
        let mut facts: Vec<_> = left
            .iter()
            .filter_map(|next| self.blocked(stuck, *next))
            .collect();
        facts.dedup();
        let mut facts = facts.into_iter();
        let first = facts.next().unwrap_or_else(|| self.left_undone());
        let second = facts.next().unwrap_or_else(|| self.left_undone());
        NoOrder {
            after,
            first,
            second,
        }
    }

    /// Why this call cannot be next; the matrix is in the state of `made`.
    fn blocked(&mut self, made: Made, next: usize) -> Option<Blocked> {
        let change = self.calls[next].change.clone();
        if let Some(harm) = harm_in_flight(&self.matrix, &change) {
            return Some(Blocked {
                call: Some(change.to_string()),
                from: harm.from.to_string(),
                address: harm.address,
                verdict: harm.verdict,
            });
        }
        let inverse = self.make(made, next);
        if self.serves_twice(made, next)
            && let Change::Serve { address, .. } = change
        {
            self.undo(inverse);
            return Some(Blocked {
                call: Some(change.to_string()),
                from: Source::OnPrem.to_string(),
                address,
                verdict: "is answered for at several sites at once".to_owned(),
            });
        }
        let first = self.broken(made, next).next();
        let blocked = first.map(|at| {
            let (class, source) = (
                at / self.matrix.sources().len(),
                at % self.matrix.sources().len(),
            );
            Blocked {
                call: Some(change.to_string()),
                from: self.matrix.sources()[source].to_string(),
                address: self.matrix.classes()[class].representative,
                verdict: says(&self.matrix, source, class),
            }
        });
        self.undo(inverse);
        blocked
    }

    /// What stays wrong if what is left is left undone.
    fn left_undone(&self) -> Blocked {
        let wrong = (0..self.matrix.classes().len())
            .flat_map(|class| (0..self.matrix.sources().len()).map(move |source| (source, class)))
            .find(|(source, class)| {
                Claim::of(&self.matrix.sources()[*source]) == Claim::MustArrive
                    && Fate::of(self.matrix.standing(*source, *class)) != Fate::Works
            })
            .unwrap_or((0, 0));
        let (source, class) = wrong;
        Blocked {
            call: None,
            from: self
                .matrix
                .sources()
                .get(source)
                .map_or_else(String::new, ToString::to_string),
            address: self
                .matrix
                .classes()
                .get(class)
                .map_or(Ipv4Addr::UNSPECIFIED, |class| class.representative),
            verdict: says(&self.matrix, source, class),
        }
    }
}
