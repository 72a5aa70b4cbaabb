//! Virtual time. It starts at the wall clock's time and runs `speed` times as fast.
//!
//! A change of speed never makes time jump. The clock is read once for each request. Everything in the lab that takes time is an
//! event that is due at a virtual instant (`state.rs`), so the order is the same at every speed.

use std::time::Duration;
use std::time::Instant;

use serde::Serialize;

/// A virtual instant: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
pub struct VTime(pub u64);

impl VTime {
    /// Returns this instant plus a virtual duration.
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    /// Returns the virtual time passed since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Formats as RFC 3339 with milliseconds, in UTC.
    pub fn rfc3339(self) -> String {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string()
    }
}

/// The lab's clock.
#[derive(Debug)]
pub struct Clock {
    wall_origin: Instant,
    virtual_origin: VTime,
    speed: f64,
}

impl Clock {
    /// Starts at `start`, running `speed` times as fast as the wall clock.
    pub fn new(start: VTime, speed: f64) -> Self {
        Self {
            wall_origin: Instant::now(),
            virtual_origin: start,
            speed: speed.max(0.0),
        }
    }

    /// Returns the virtual time now.
    pub fn now(&self) -> VTime {
        self.virtual_origin
            .after(self.wall_origin.elapsed().mul_f64(self.speed))
    }

    /// Returns how many virtual seconds pass in one wall-clock second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Changes the speed, continuing from the current virtual time.
    pub fn set_speed(&mut self, speed: f64) {
        *self = Self::new(self.now(), speed);
    }

    /// Returns how long to wait on the wall clock until the virtual instant: zero if it is past, `None` while time is stopped.
    pub fn wall_until(&self, at: VTime) -> Option<Duration> {
        let left = at.since(self.now());
        if left.is_zero() {
            Some(Duration::ZERO)
        } else if self.speed > 0.0 {
            Some(left.div_f64(self.speed))
        } else {
            None
        }
    }
}
