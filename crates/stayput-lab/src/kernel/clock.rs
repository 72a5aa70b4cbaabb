//! Wall time of the data plane, by two clocks that agree: one to compare with the rest of the world, one that never goes back.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Serialize;

/// One instant by both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub epoch_ms: u64,
    /// Microseconds since the data plane started.
    pub run_us: u64,
}

impl Moment {
    /// Microseconds from an earlier moment to this one.
    pub fn us_since(self, earlier: Self) -> u64 {
        self.run_us.saturating_sub(earlier.run_us)
    }
}

/// The clocks, set when the data plane starts.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    epoch: Duration,
    start: Instant,
}

impl RunClock {
    /// Both clocks at the present.
    pub fn new() -> Self {
        Self {
            // A clock before 1970 is not worth a failure.
            epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            start: Instant::now(),
        }
    }

    /// The present.
    pub fn now(&self) -> Moment {
        let run = self.start.elapsed();
        let to_u64 = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        Moment {
            epoch_ms: to_u64((self.epoch + run).as_millis()),
            run_us: to_u64(run.as_micros()),
        }
    }
}
