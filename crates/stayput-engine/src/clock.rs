//! The engine's clocks.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock, for records. It may be set back or forward, so nothing is ordered or measured by it.
pub fn now() -> Timestamp {
    Timestamp::now()
}

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
pub fn jittered(longest: Duration) -> Duration {
    let (chance, _) = uuid::Uuid::new_v4().as_u64_pair();
    let part = u32::try_from(chance >> 48).unwrap_or_default();
    longest / 2 + (longest / 2) * part / u32::from(u16::MAX).max(1)
}
