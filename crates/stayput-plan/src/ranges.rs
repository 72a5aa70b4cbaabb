//! Sets of addresses as ranges.

use std::net::Ipv4Addr;

use stayput_estate::AddrRange;

/// As few ranges as cover the same addresses, in order.
pub(crate) fn union(ranges: impl IntoIterator<Item = AddrRange>) -> Vec<AddrRange> {
    let mut sorted: Vec<_> = ranges
        .into_iter()
        .filter(|range| range.first <= range.last)
        .collect();
    sorted.sort_unstable();
    let mut merged: Vec<AddrRange> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if is_joined(last.last, range.first) => {
                last.last = last.last.max(range.last)
            }
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

/// Whether a range that ends at one address has no gap to one that begins at the other, which is not before its own beginning.
fn is_joined(end: Ipv4Addr, begin: Ipv4Addr) -> bool {
    u64::from(u32::from(begin)) <= u64::from(u32::from(end)) + 1
}

/// The addresses of some ranges that are in none of the others, in order.
pub(crate) fn difference(
    ranges: impl IntoIterator<Item = AddrRange>,
    without: impl IntoIterator<Item = AddrRange>,
) -> Vec<AddrRange> {
    let without = union(without);
    let mut left = Vec::new();
    for range in union(ranges) {
        let (mut first, last) = (u64::from(u32::from(range.first)), u32::from(range.last));
        let overlapping = without
            .iter()
            .filter(|gone| gone.first <= range.last && gone.last >= range.first);
        for gone in overlapping {
            left.extend(between(first, u64::from(u32::from(gone.first))));
            first = u64::from(u32::from(gone.last)) + 1;
        }
        left.extend(between(first, u64::from(last) + 1));
    }
    left
}

/// The range from one address up to another that is not in it; `None` if there is none.
fn between(first: u64, end: u64) -> Option<AddrRange> {
    let address = |number: u64| u32::try_from(number).ok().map(Ipv4Addr::from);
    (first < end).then_some(())?;
    Some(AddrRange {
        first: address(first)?,
        last: address(end - 1)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn some() -> impl Strategy<Value = Vec<AddrRange>> {
        // Both ends of the address space, where arithmetic may overflow.
        let address = prop_oneof![0u32..20, (u32::MAX - 20)..=u32::MAX];
        let range = (address.clone(), address).prop_map(|(first, last)| AddrRange {
            first: first.into(),
            last: last.into(),
        });
        prop::collection::vec(range, 0..6)
    }

    fn addresses(ranges: &[AddrRange]) -> BTreeSet<u32> {
        let all = (0u32..20).chain((u32::MAX - 20)..=u32::MAX);
        all.filter(|address| ranges.iter().any(|range| range.contains((*address).into())))
            .collect()
    }

    proptest! {
        #[test]
        fn ranges_are_united_and_subtracted_as_sets_of_addresses_are(left in some(), right in some()) {
            let (a, b) = (addresses(&left), addresses(&right));
            let both: Vec<_> = left.iter().chain(&right).copied().collect();
            prop_assert_eq!(addresses(&union(both)), a.union(&b).copied().collect());
            let rest = difference(left, right);
            prop_assert_eq!(addresses(&rest), a.difference(&b).copied().collect());
            prop_assert!(rest.windows(2).all(|pair| pair[0].last < pair[1].first), "{:?}", rest);
        }
    }
}
