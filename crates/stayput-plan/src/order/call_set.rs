//! Sets of calls.

use super::MOST_CALLS;

/// Bits of a word.
const BITS: usize = u64::BITS as usize;

/// A set of calls that have been made, as bits. A set that contains another is greater than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallSet([u64; MOST_CALLS / BITS]);

impl CallSet {
    /// No call.
    pub(super) const EMPTY: Self = Self([0; MOST_CALLS / BITS]);

    /// The calls at the first positions; at most [`MOST_CALLS`].
    pub(super) fn first(count: usize) -> Self {
        (0..count).fold(Self::EMPTY, Self::with)
    }

    /// The same and the call at this position, which is less than [`MOST_CALLS`].
    pub(super) fn with(mut self, at: usize) -> Self {
        self.0[at / BITS] |= 1 << (at % BITS);
        self
    }

    /// Whether the call at this position is in it.
    pub(super) fn contains(&self, at: usize) -> bool {
        self.0[at / BITS] & (1 << (at % BITS)) != 0
    }

    /// How many calls there are.
    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_calls_is_a_set_and_greater_than_its_parts(
            calls in prop::collection::btree_set(0..MOST_CALLS, 0..40),
            more in 0..MOST_CALLS,
        ) {
            let set = calls.iter().fold(CallSet::EMPTY, |set, at| set.with(*at));
            let found: BTreeSet<_> = (0..MOST_CALLS).filter(|at| set.contains(*at)).collect();
            prop_assert_eq!(&found, &calls);
            prop_assert_eq!(set.count() as usize, calls.len());
            let larger = set.with(more);
            prop_assert_eq!(larger > set, !calls.contains(&more));
        }
    }

    #[test]
    fn all_calls_that_a_search_can_take_are_in_the_full_set() {
        assert_eq!(CallSet::first(MOST_CALLS).count() as usize, MOST_CALLS);
        assert_eq!(CallSet::first(64).count(), 64);
        assert_eq!(CallSet::first(0), CallSet::EMPTY);
    }
}
