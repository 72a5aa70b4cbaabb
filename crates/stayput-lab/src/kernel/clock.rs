//! Wall time of the data plane, by two clocks that agree: one to compare with the rest of the world, one that never goes back.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use super::report::Moment;

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
