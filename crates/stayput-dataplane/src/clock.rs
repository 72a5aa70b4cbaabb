//! Wall time of the data plane, by two clocks: one to compare with other systems, and a monotonic one.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::report::Moment;

/// The two clocks, set when the data plane starts.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    epoch: Duration,
    start: Instant,
}

impl RunClock {
    /// Creates both clocks at the current time.
    pub fn new() -> Self {
        Self {
            // A system clock before 1970 counts as 1970.
            epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            start: Instant::now(),
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Moment {
        let run = self.start.elapsed();
        let to_u64 = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        Moment {
            epoch_ms: to_u64((self.epoch + run).as_millis()),
            run_us: to_u64(run.as_micros()),
        }
    }
}
