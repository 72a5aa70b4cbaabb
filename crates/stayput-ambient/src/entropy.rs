//! Randomness: of the operating system, or from a seed.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use uuid::Builder;
use uuid::Uuid;

/// A source of random numbers and ids. Clones draw from the same source.
#[derive(Debug, Clone, Default)]
pub struct Entropy(Option<Arc<Seeded>>);

/// A generator (SplitMix64): good enough for jitter and for ids that are unique within one simulation, and not for secrets.
#[derive(Debug)]
struct Seeded {
    seed: u64,
    state: Mutex<u64>,
}

impl Entropy {
    /// The randomness of the operating system.
    pub fn system() -> Self {
        Self::default()
    }

    /// Randomness from a seed: the same seed gives the same numbers in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Seeded {
            seed,
            state: Mutex::new(seed),
        })))
    }

    /// A source of its own for one purpose: how much is drawn from it does not change what others draw. From a seed, the same name always
    /// gives the same numbers.
    #[must_use]
    pub fn stream(&self, name: &str) -> Self {
        match &self.0 {
            None => Self::system(),
            Some(seeded) => {
                // FNV-1a over the name, starting from the seed.
                let hash = name
                    .bytes()
                    .fold(seeded.seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
                        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                    });
                Self::seeded(mixed(hash))
            }
        }
    }

    /// A random number.
    pub fn number(&self) -> u64 {
        match &self.0 {
            // The fixed bits of version and variant are at different places of both halves.
            None => {
                let (high, low) = Uuid::new_v4().as_u64_pair();
                high ^ low.rotate_left(32)
            }
            Some(seeded) => {
                let mut state = seeded.state.lock().unwrap_or_else(PoisonError::into_inner);
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                mixed(*state)
            }
        }
    }

    /// A random number from 0 to 1, both included.
    pub fn fraction(&self) -> f64 {
        f64::from((self.number() >> 32) as u32) / f64::from(u32::MAX)
    }

    /// A random UUID (version 4).
    pub fn uuid(&self) -> Uuid {
        match &self.0 {
            None => Uuid::new_v4(),
            Some(_) => {
                let bits = u128::from(self.number()) << 64 | u128::from(self.number());
                Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
            }
        }
    }
}

/// The output function of SplitMix64.
fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn numbers(entropy: &Entropy) -> Vec<u64> {
        (0..4).map(|_| entropy.number()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_ids() {
        let (one, other) = (Entropy::seeded(7), Entropy::seeded(7));
        assert_eq!(numbers(&one), numbers(&other));
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(numbers(&one), numbers(&Entropy::seeded(8)));
    }

    #[test]
    fn a_stream_is_not_changed_by_what_others_draw() {
        let (quiet, busy) = (Entropy::seeded(7), Entropy::seeded(7));
        numbers(&busy);
        numbers(&busy.stream("aws"));
        let name = "prism/tokyo";
        assert_eq!(numbers(&quiet.stream(name)), numbers(&busy.stream(name)));
        assert_ne!(numbers(&quiet.stream(name)), numbers(&quiet.stream("aws")));
    }

    #[test]
    fn numbers_ids_and_fractions_of_either_source_are_valid_and_distinct() {
        for entropy in [Entropy::system(), Entropy::seeded(1)] {
            let ids: BTreeSet<_> = (0..100).map(|_| entropy.uuid()).collect();
            assert_eq!(ids.len(), 100);
            assert!(ids.iter().all(|id| id.get_version_num() == 4));
            let fractions: Vec<_> = (0..100).map(|_| entropy.fraction()).collect();
            assert!(fractions.iter().all(|part| (0.0..=1.0).contains(part)));
            assert!(fractions.iter().any(|part| *part < 0.5));
            assert!(fractions.iter().any(|part| *part > 0.5));
        }
    }

    #[test]
    fn clones_draw_from_one_source() {
        let entropy = Entropy::seeded(3);
        let clone = entropy.clone();
        assert_ne!(entropy.number(), clone.number());
    }
}
