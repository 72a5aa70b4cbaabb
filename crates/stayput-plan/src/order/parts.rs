//! Many calls, ordered in parts: calls whose prefixes do not overlap act on different addresses.
//!
//! Prefixes nest or are disjoint. Calls under different outermost prefixes are parts of their own; calls for an outermost prefix come
//! before all that is inside it, or after. Replies may still take a path that another part changes, so the whole is checked step by step,
//! and what does not pass is left to the search of all calls together.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;

use super::Call;
use super::EXHAUSTIVE;
use super::MOST_CALLS;
use super::search;
use super::state_summary::Requirements;
use super::state_summary::StateSummary;
use super::state_summary::moved_by;
use crate::proof::harm_in_flight;

/// A safe order of these calls, as positions; `None` if they do not fall into parts, or no order of the parts is safe.
pub(super) fn order(
    fabric: &Fabric,
    addresses: &BTreeSet<Ipv4Addr>,
    calls: &[Call],
) -> Option<Vec<usize>> {
    let of_prefixes = calls
        .iter()
        .enumerate()
        .map(|(at, call)| Some((call.change.prefix()?, at)));
    let all: Vec<(Cidr, usize)> = of_prefixes.collect::<Option<_>>()?;
    let first = all.first()?.0;
    if all.iter().all(|(prefix, _)| *prefix == first) {
        return None;
    }
    Parts { addresses, calls }.order(fabric, all)
}

struct Parts<'p> {
    addresses: &'p BTreeSet<Ipv4Addr>,
    calls: &'p [Call],
}

impl Parts<'_> {
    fn order(&self, fabric: &Fabric, all: Vec<(Cidr, usize)>) -> Option<Vec<usize>> {
        let mut parts: Vec<_> = outermost(all).into_iter().collect();
        if let [(outer, _)] = parts.as_slice() {
            let outer = *outer;
            let (_, calls) = parts.pop()?;
            return self.within(fabric, outer, calls);
        }
        // Each part's hole stays open until its calls are made: many addresses in little time come first.
        parts.sort_by_key(|(outer, calls)| {
            let lasts: u128 = calls.iter().map(|(_, at)| self.lasts(*at)).sum();
            let addresses = self.inside(*outer).len() as u128;
            Reverse(addresses * u128::from(u32::MAX) / lasts.max(1))
        });
        let mut order = Vec::new();
        let mut state = fabric.clone();
        for (outer, calls) in parts {
            let part = self.within(&state, outer, calls)?;
            self.apply(&mut state, &part);
            order.extend(part);
        }
        self.checked(fabric, self.addresses.clone(), order)
    }

    /// The calls for one prefix and all that is inside it.
    fn within(
        &self,
        fabric: &Fabric,
        outer: Cidr,
        mut calls: Vec<(Cidr, usize)>,
    ) -> Option<Vec<usize>> {
        let addresses = self.inside(outer);
        calls.sort_by_key(|(_, at)| *at);
        if calls.len() <= EXHAUSTIVE {
            let calls: Vec<_> = calls.into_iter().map(|(_, at)| at).collect();
            return self.searched(fabric, addresses, &calls);
        }
        let (around, inner): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|(prefix, _)| *prefix == outer);
        let around: Vec<_> = around.into_iter().map(|(_, at)| at).collect();
        if inner.is_empty() {
            return self.searched(fabric, addresses, &around);
        }
        let around_first = || {
            let mut order = self.searched(fabric, addresses.clone(), &around)?;
            let mut state = fabric.clone();
            self.apply(&mut state, &order);
            order.extend(self.order(&state, inner.clone())?);
            self.checked(fabric, addresses.clone(), order)
        };
        let around_last = || {
            let mut order = self.order(fabric, inner.clone())?;
            let mut state = fabric.clone();
            self.apply(&mut state, &order);
            order.extend(self.searched(&state, addresses.clone(), &around)?);
            self.checked(fabric, addresses.clone(), order)
        };
        around_first().or_else(around_last)
    }

    fn searched(
        &self,
        fabric: &Fabric,
        addresses: BTreeSet<Ipv4Addr>,
        positions: &[usize],
    ) -> Option<Vec<usize>> {
        if positions.len() > MOST_CALLS {
            return None;
        }
        let calls: Vec<_> = positions.iter().map(|at| self.calls[*at].clone()).collect();
        let now = Reachability::of(fabric.clone(), []);
        let order = search::order(&now, addresses, &calls).ok()?;
        Some(order.into_iter().map(|at| positions[at]).collect())
    }

    /// The order, if each of its steps is safe.
    fn checked(
        &self,
        fabric: &Fabric,
        addresses: BTreeSet<Ipv4Addr>,
        order: Vec<usize>,
    ) -> Option<Vec<usize>> {
        let changes = || order.iter().map(|at| &self.calls[*at].change);
        let classes = fabric.classes_across(addresses, changes().map(std::slice::from_ref));
        let mut matrix = Reachability::new(fabric.clone(), fabric.sources(), classes);
        let requirements = Requirements::of(&matrix);
        let mut state = StateSummary::of(&matrix);
        for change in changes() {
            if harm_in_flight(&matrix, change).is_some() {
                return None;
            }
            let shifts = matrix.apply(std::slice::from_ref(change));
            let cells = shifts.iter().map(|shift| (shift.source, shift.class));
            let after = state.after(&matrix, change, cells);
            let moving = moved_by(&matrix, change);
            let is_broken = state
                .broken_by(&after, &requirements, moving)
                .next()
                .is_some();
            if is_broken || after.twice > state.twice {
                return None;
            }
            state = after;
        }
        Some(order)
    }

    fn apply(&self, fabric: &mut Fabric, order: &[usize]) {
        for at in order {
            fabric.apply(&self.calls[*at].change);
        }
    }

    fn inside(&self, prefix: Cidr) -> BTreeSet<Ipv4Addr> {
        let range = prefix.network()..=prefix.broadcast();
        self.addresses.range(range).copied().collect()
    }

    fn lasts(&self, at: usize) -> u128 {
        self.calls[at].lasts.as_millis()
    }
}

/// Calls by the outermost of their prefixes.
fn outermost(mut calls: Vec<(Cidr, usize)>) -> BTreeMap<Cidr, Vec<(Cidr, usize)>> {
    // Shortest first, so that what covers others is there before them; in the order listed otherwise.
    calls.sort_by_key(|(prefix, _)| prefix.len());
    let mut parts: BTreeMap<Cidr, Vec<(Cidr, usize)>> = BTreeMap::new();
    for (prefix, at) in calls {
        let outer = (0..=prefix.len())
            .map(|len| Cidr::containing(prefix.network(), len))
            .find(|outer| parts.contains_key(outer))
            .unwrap_or(prefix);
        parts.entry(outer).or_default().push((prefix, at));
    }
    parts
}
