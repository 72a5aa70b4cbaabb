//! Longest-prefix match over a sorted array.
//!
//! Rows are kept by prefix length, then by network, so each length is one contiguous run that a binary search answers.
//! Copying such a map is one memory copy, which is what makes a changed table cheap beside the one it came from.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;

/// Lengths 0 to 32.
const LENGTHS: usize = 33;

/// Values by prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrefixMap<T> {
    /// Invariant: rows of length `l` are `rows[starts[l]..starts[l + 1]]`, sorted by network, no two equal.
    starts: [u32; LENGTHS + 1],
    rows: Vec<(u32, T)>,
}

impl<T> Default for PrefixMap<T> {
    fn default() -> Self {
        Self {
            starts: [0; LENGTHS + 1],
            rows: Vec::new(),
        }
    }
}

impl<T> PrefixMap<T> {
    fn run(&self, len: u8) -> (usize, &[(u32, T)]) {
        let len = usize::from(len.min(32));
        let start = self.starts[len] as usize;
        (start, &self.rows[start..self.starts[len + 1] as usize])
    }

    /// Row of exactly this prefix, or where it would be.
    fn find(&self, cidr: Cidr) -> Result<usize, usize> {
        let (start, run) = self.run(cidr.len());
        let network = u32::from(cidr.network());
        run.binary_search_by_key(&network, |row| row.0)
            .map(|at| start + at)
            .map_err(|at| start + at)
    }

    /// The value of exactly this prefix.
    pub(crate) fn get(&self, cidr: Cidr) -> Option<&T> {
        self.find(cidr).ok().map(|at| &self.rows[at].1)
    }

    /// The value of the prefix of this length that the address lies in.
    pub(crate) fn at_length(&self, address: Ipv4Addr, len: u8) -> Option<&T> {
        let (_, run) = self.run(len);
        if run.is_empty() {
            return None;
        }
        let network = u32::from(Cidr::containing(address, len).network());
        run.binary_search_by_key(&network, |row| row.0)
            .ok()
            .map(|at| &run[at].1)
    }

    /// Every prefix the address lies in, longest first.
    pub(crate) fn matches(&self, address: Ipv4Addr) -> impl Iterator<Item = (Cidr, &T)> {
        (0..=32u8).rev().filter_map(move |len| {
            self.at_length(address, len)
                .map(|value| (Cidr::containing(address, len), value))
        })
    }

    /// The longest prefix the address lies in.
    pub(crate) fn longest(&self, address: Ipv4Addr) -> Option<(Cidr, &T)> {
        self.matches(address).next()
    }

    /// Whether any prefix contains the address.
    pub(crate) fn covers(&self, address: Ipv4Addr) -> bool {
        self.longest(address).is_some()
    }

    /// All prefixes, shortest first, then by network.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Cidr, &T)> {
        (0..=32u8).flat_map(move |len| {
            self.run(len)
                .1
                .iter()
                .map(move |(network, value)| (Cidr::containing((*network).into(), len), value))
        })
    }

    /// Sets a prefix's value and returns the one it had.
    pub(crate) fn insert(&mut self, cidr: Cidr, value: T) -> Option<T> {
        match self.find(cidr) {
            Ok(at) => Some(std::mem::replace(&mut self.rows[at].1, value)),
            Err(at) => {
                self.rows.insert(at, (cidr.network().into(), value));
                for start in &mut self.starts[usize::from(cidr.len()) + 1..] {
                    *start += 1;
                }
                None
            }
        }
    }

    /// Removes a prefix and returns its value.
    pub(crate) fn remove(&mut self, cidr: Cidr) -> Option<T> {
        let at = self.find(cidr).ok()?;
        for start in &mut self.starts[usize::from(cidr.len()) + 1..] {
            *start -= 1;
        }
        Some(self.rows.remove(at).1)
    }

    /// Inserts or removes, and returns the value there was.
    pub(crate) fn put(&mut self, cidr: Cidr, value: Option<T>) -> Option<T> {
        match value {
            Some(value) => self.insert(cidr, value),
            None => self.remove(cidr),
        }
    }
}

impl<T> FromIterator<(Cidr, T)> for PrefixMap<T> {
    /// A later value of the same prefix replaces an earlier one.
    fn from_iter<I: IntoIterator<Item = (Cidr, T)>>(pairs: I) -> Self {
        let sorted: BTreeMap<(u8, u32), T> = pairs
            .into_iter()
            .map(|(cidr, value)| ((cidr.len(), cidr.network().into()), value))
            .collect();
        let mut starts = [0; LENGTHS + 1];
        let mut rows = Vec::with_capacity(sorted.len());
        for ((len, network), value) in sorted {
            rows.push((network, value));
            for start in &mut starts[usize::from(len) + 1..] {
                *start += 1;
            }
        }
        Self { starts, rows }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_cidr() -> impl Strategy<Value = Cidr> {
        // Few distinct networks, so that prefixes nest and repeat.
        (0u32..8, 0u8..=32)
            .prop_map(|(seed, len)| Cidr::containing(seed.wrapping_mul(0x2400_0001).into(), len))
    }

    proptest! {
        #[test]
        fn it_answers_as_a_list_searched_from_end_to_end_does(
            built in prop::collection::vec((any_cidr(), any::<u8>()), 0..12),
            edits in prop::collection::vec((any_cidr(), any::<Option<u8>>()), 0..24),
            address in (0u32..8).prop_map(|seed| Ipv4Addr::from(seed.wrapping_mul(0x2400_0001))),
        ) {
            let mut map: PrefixMap<u8> = built.iter().copied().collect();
            let mut list: BTreeMap<Cidr, u8> = built.into_iter().collect();
            for (cidr, value) in edits {
                let before = match value {
                    Some(value) => list.insert(cidr, value),
                    None => list.remove(&cidr),
                };
                prop_assert_eq!(map.put(cidr, value), before);
            }
            let mut expected: Vec<_> = list
                .iter()
                .filter(|(cidr, _)| cidr.contains(address))
                .map(|(cidr, value)| (*cidr, *value))
                .collect();
            expected.sort_by_key(|(cidr, _)| std::cmp::Reverse(cidr.len()));
            let found: Vec<_> = map.matches(address).map(|(cidr, value)| (cidr, *value)).collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(map.iter().count(), list.len());
        }
    }
}
