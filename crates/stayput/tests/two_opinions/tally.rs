//! Counts of the compared worlds and pairs, and of their ends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::judge::ENDS;
use crate::judge::SITUATIONS;

/// Shared by all threads.
#[derive(Default)]
pub struct Tally {
    left: AtomicU64,
    worlds: AtomicU64,
    ends: [AtomicU64; ENDS.len()],
    situations: [AtomicU64; SITUATIONS.len()],
}

impl Tally {
    /// An empty tally for this number of worlds.
    pub fn wanting(worlds: u64) -> Self {
        Self {
            left: AtomicU64::new(worlds),
            ..Self::default()
        }
    }

    /// Takes up to this many worlds to compare; `None` when all are taken.
    pub fn take(&self, most: u32) -> Option<u32> {
        let less = |left: u64| (left > 0).then(|| left.saturating_sub(most.into()));
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok()?;
        Some(u32::try_from(left).unwrap_or(u32::MAX).min(most))
    }

    /// Leaves nothing to take.
    pub fn stop(&self) {
        self.left.store(0, Ordering::Relaxed);
    }

    /// Counts a packet that ended so in both.
    pub fn count(&self, end: &'static str) {
        let at = ENDS.iter().position(|known| *known == end).unwrap();
        self.ends[at].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts something a packet came by.
    pub fn see(&self, situation: &'static str) {
        let at = SITUATIONS.iter().position(|known| *known == situation);
        self.situations[at.unwrap()].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a world.
    pub fn done(&self) {
        self.worlds.fetch_add(1, Ordering::Relaxed);
    }

    /// Pairs compared, there and back counted apart.
    pub fn pairs(&self) -> u64 {
        self.ends().values().sum()
    }

    /// The kinds of end seen, with how often.
    pub fn ends(&self) -> BTreeMap<&'static str, u64> {
        counts(&ENDS, &self.ends)
    }

    /// The situations seen, with how often.
    pub fn situations(&self) -> BTreeMap<&'static str, u64> {
        counts(&SITUATIONS, &self.situations)
    }
}

/// Names with what was counted for them, without those never counted.
fn counts(names: &[&'static str], counts: &[AtomicU64]) -> BTreeMap<&'static str, u64> {
    let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
    let named = names.iter().copied().zip(counts);
    named.filter(|(_, count)| *count > 0).collect()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worlds = self.worlds.load(Ordering::Relaxed);
        let pairs = self.pairs();
        let (ends, situations) = (self.ends(), self.situations());
        write!(
            f,
            "{pairs} pairs in {worlds} worlds agree: {ends:?}; seen: {situations:?}"
        )
    }
}
