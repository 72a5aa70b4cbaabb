//! Time and randomness, which engine and clients take from one value, [`Ambient`].
//!
//! [`Ambient::system`] is the computer's. [`Ambient::simulated`] makes a run repeatable: its wall clock follows tokio's clock, which a
//! simulator pauses and which then advances without waiting, and its randomness comes from a seed. On one thread, with remote systems
//! that behave the same, the same seed then gives the same run.
//!
//! Durations are measured with [`tokio::time::Instant`] and waited for with [`tokio::time::sleep`], never with the wall clock: a wall clock
//! may be set back or forward at any time, and [`Clock::step`] does so.

mod clock;
mod entropy;

pub use clock::Clock;
pub use entropy::Entropy;

/// The time and the randomness of one process. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Ambient {
    /// The wall clock.
    pub clock: Clock,
    /// Jitter and ids.
    pub entropy: Entropy,
}

impl Ambient {
    /// Time and randomness of this computer.
    pub fn system() -> Self {
        Self::default()
    }

    /// A wall clock that shows `start` now and follows tokio's clock, and randomness from a seed.
    ///
    /// Call it inside the runtime whose clock it is to follow.
    pub fn simulated(start: jiff::Timestamp, seed: u64) -> Self {
        Self {
            clock: Clock::simulated(start),
            entropy: Entropy::seeded(seed),
        }
    }
}
