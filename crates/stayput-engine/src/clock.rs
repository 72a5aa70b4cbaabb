//! Durations and pauses. The wall clock is [`stayput_ambient::Clock`].

use std::time::Duration;

use stayput_ambient::Entropy;
use tokio::time::Instant;

/// Measures how long something takes, by a clock that only goes forward.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in milliseconds.
    pub fn ms(self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A random pause between half of `longest` and `longest`, so that many waiting steps do not retry at the same time.
pub fn jittered(longest: Duration, entropy: &Entropy) -> Duration {
    longest.mul_f64(0.5 + entropy.fraction() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_between_half_and_the_whole_of_the_longest() {
        let entropy = Entropy::seeded(1);
        let longest = Duration::from_secs(8);
        let pauses: Vec<_> = (0..100).map(|_| jittered(longest, &entropy)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (longest / 2..=longest).contains(pause))
        );
        assert!(pauses.iter().any(|pause| *pause > longest * 3 / 4));
        assert!(pauses.iter().any(|pause| *pause < longest * 3 / 4));
    }
}
