//! The order of calls, by search: every state that an order passes is judged, and the best of the safe orders is taken.
//!
//! Which calls have been made decides the state, not in which order they were; so states are sets of calls, and an order is a
//! way from the empty set to the full one through sets that are safe to be in. Up to [`EXHAUSTIVE`] calls every set that a
//! safe way leads to is looked at. Nothing of the rules R1 and R2 (AWS reference §8) is in here: they come out.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;
use stayput_fabric::Change;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::fate::Fate;
use crate::fate::is_hypothetical;
use crate::fate::is_refused;
use crate::fate::must_arrive;
use crate::proof::harm_in_flight;
use crate::proof::says;

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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Blocked {
    /// The call.
    pub call: String,
    /// Whose packets suffer.
    pub from: String,
    /// To this address.
    pub address: Ipv4Addr,
    /// In this way.
    pub verdict: String,
}

/// There is no safe order, and two facts that make it so: each of two calls may not come before the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NoOrder {
    /// What can be done safely before it comes to that.
    pub after: Vec<String>,
    /// One call, and what it does if it is next.
    pub first: Blocked,
    /// Another, or why the first one cannot be left out.
    pub second: Blocked,
}

/// A set of calls that have been made, as bits.
type Made = u64;

/// What is known of a set.
#[derive(Debug, Clone)]
struct Seen {
    /// What becomes of each source's packets to each class, class by class.
    fates: Box<[Fate]>,
    /// Addresses not reached from on-prem, and then from anywhere, while in this state.
    lost: (u64, u64),
    explored: bool,
}

/// How much a way costs, and its last call: addresses lost × time from on-prem, then from anywhere.
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
    /// Steps that do harm while they spread: a set, and the call made in it.
    forbidden: BTreeSet<(Made, usize)>,
}

impl<'c> Search<'c> {
    fn new(matrix: Reachability, calls: &'c [Call]) -> Self {
        let start = summary(&matrix);
        Self {
            calls,
            matrix,
            seen: BTreeMap::from([(0, start)]),
            forbidden: BTreeSet::new(),
        }
    }

    fn full(&self) -> Made {
        (1 << self.calls.len().min(63)) - 1
    }

    fn run(&mut self) -> Result<Vec<usize>, Box<NoOrder>> {
        for seen in self.seen.values_mut() {
            seen.explored = false;
        }
        if self.calls.len() <= EXHAUSTIVE {
            self.explore(0);
            self.best().ok_or_else(|| Box::new(self.why_not()))
        } else {
            let mut path = Vec::new();
            if self.dive(0, &mut path) {
                Ok(path)
            } else {
                Err(Box::new(self.why_not()))
            }
        }
    }

    /// Looks at every set that safe steps lead to from here. The matrix is in the state of `made`, and is again afterwards.
    fn explore(&mut self, made: Made) {
        if let Some(seen) = self.seen.get_mut(&made) {
            seen.explored = true;
        }
        for next in 0..self.calls.len() {
            let then = made | 1 << next;
            if then == made || self.seen.get(&then).is_some_and(|seen| seen.explored) {
                continue;
            }
            if self.seen.contains_key(&then) && !self.is_safe(made, next) {
                continue;
            }
            let inverse = make(&mut self.matrix, &self.calls[next].change);
            self.seen
                .entry(then)
                .or_insert_with(|| summary(&self.matrix));
            if self.is_safe(made, next) {
                self.explore(then);
            }
            if let Some(inverse) = inverse {
                self.matrix.apply(&[inverse]);
            }
        }
    }

    /// Goes on by the best safe step, and back where there is none, until all calls are made.
    fn dive(&mut self, made: Made, path: &mut Vec<usize>) -> bool {
        if made == self.full() {
            return true;
        }
        if let Some(seen) = self.seen.get_mut(&made) {
            seen.explored = true;
        }
        let mut ways = Vec::new();
        for next in (0..self.calls.len()).filter(|next| made & 1 << next == 0) {
            let inverse = make(&mut self.matrix, &self.calls[next].change);
            let then = made | 1 << next;
            let seen = self
                .seen
                .entry(then)
                .or_insert_with(|| summary(&self.matrix));
            ways.push((seen.lost, next));
            if let Some(inverse) = inverse {
                self.matrix.apply(&[inverse]);
            }
        }
        ways.sort_unstable();
        for (_, next) in ways {
            let then = made | 1 << next;
            let known = self.seen.get(&then).is_some_and(|seen| seen.explored);
            if known || !self.is_safe(made, next) || self.seen.len() > LIMIT {
                continue;
            }
            let inverse = make(&mut self.matrix, &self.calls[next].change);
            path.push(next);
            if self.dive(then, path) {
                return true;
            }
            path.pop();
            if let Some(inverse) = inverse {
                self.matrix.apply(&[inverse]);
            }
        }
        false
    }

    fn is_safe(&self, made: Made, next: usize) -> bool {
        !self.forbidden.contains(&(made, next)) && self.broken(made, next).is_none()
    }

    /// The first cell that a step breaks.
    fn broken(&self, made: Made, next: usize) -> Option<usize> {
        let (before, after) = (self.seen.get(&made)?, self.seen.get(&(made | 1 << next))?);
        let sources = self.matrix.sources().iter().cycle();
        let mut cells = before.fates.iter().zip(&after.fates).zip(sources);
        cells.position(|((before, after), source)| is_refused(source, *before, *after))
    }

    /// The cheapest way through what was explored.
    fn best(&self) -> Option<Vec<usize>> {
        let mut best: BTreeMap<Made, (Cost, Vec<usize>)> = BTreeMap::new();
        best.insert(0, ((0, 0), Vec::new()));
        // A set comes after all its parts.
        for (made, seen) in self.seen.iter().filter(|(_, seen)| seen.explored) {
            let Some((cost, path)) = best.get(made).cloned() else {
                continue;
            };
            for (next, call) in self.calls.iter().enumerate() {
                let then = made | 1 << next;
                if then == *made || !self.is_safe(*made, next) {
                    continue;
                }
                let lasts = call.lasts.as_millis();
                let cost = (
                    cost.0 + u128::from(seen.lost.0) * lasts,
                    cost.1 + u128::from(seen.lost.1) * lasts,
                );
                let mut way = path.clone();
                way.push(next);
                let known = best.get(&then);
                if known.is_none_or(|known| (cost, &way) < (known.0, &known.1)) {
                    best.insert(then, (cost, way));
                }
            }
        }
        best.remove(&self.full()).map(|(_, path)| path)
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
            undo.extend(make(&mut self.matrix, change));
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
                make(&mut self.matrix, &call.change);
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
                call: change.to_string(),
                from: harm.from.to_string(),
                address: harm.address,
                verdict: harm.verdict,
            });
        }
        let inverse = make(&mut self.matrix, &change);
        self.seen
            .entry(made | 1 << next)
            .or_insert_with(|| summary(&self.matrix));
        let blocked = self.broken(made, next).map(|at| {
            let (class, source) = (
                at / self.matrix.sources().len(),
                at % self.matrix.sources().len(),
            );
            Blocked {
                call: change.to_string(),
                from: self.matrix.sources()[source].to_string(),
                address: self.matrix.classes()[class].representative,
                verdict: says(&self.matrix, source, class),
            }
        });
        if let Some(inverse) = inverse {
            self.matrix.apply(&[inverse]);
        }
        blocked
    }

    /// What stays wrong if what is left is left undone.
    fn left_undone(&self) -> Blocked {
        let wrong = (0..self.matrix.classes().len())
            .flat_map(|class| (0..self.matrix.sources().len()).map(move |source| (source, class)))
            .find(|(source, class)| {
                must_arrive(&self.matrix.sources()[*source])
                    && Fate::of(self.matrix.standing(*source, *class)) != Fate::Works
            })
            .unwrap_or((0, 0));
        let (source, class) = wrong;
        Blocked {
            call: "nothing more".to_owned(),
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

/// Makes a change and gives what undoes it; `None` for one that would be refused, which changes nothing.
fn make(matrix: &mut Reachability, change: &Change) -> Option<Change> {
    let inverse = matrix.fabric().inverse_of(change).ok();
    matrix.apply(std::slice::from_ref(change));
    inverse
}

fn summary(matrix: &Reachability) -> Seen {
    let mut lost = (0, 0);
    let mut fates = Vec::with_capacity(matrix.sources().len() * matrix.classes().len());
    for (class, of) in matrix.classes().iter().enumerate() {
        for (at, source) in matrix.sources().iter().enumerate() {
            let fate = Fate::of(matrix.standing(at, class));
            fates.push(fate);
            match fate {
                Fate::Absent | Fate::Works => {}
                Fate::Lost | Fate::Stuck | Fate::Astray | Fate::Loops => {
                    if *source == Source::OnPrem {
                        lost.0 += of.members.len() as u64;
                    } else if !is_hypothetical(source) {
                        lost.1 += of.members.len() as u64;
                    }
                }
            }
        }
    }
    Seen {
        fates: fates.into(),
        lost,
        explored: false,
    }
}
