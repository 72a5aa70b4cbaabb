//! Virtual time. It starts at a given instant and runs `speed` times as fast as the clock of the lab's callers.
//!
//! The callers' clock is tokio's: the monotonic clock of the machine, or, in a runtime whose time is paused, the time of that
//! runtime. At speed 1 in such a runtime virtual time is exactly the runtime's time, and nothing depends on the machine's clock.
//!
//! A change of speed never makes time jump. The clock is read once for each request. Everything in the lab that takes time is an
//! event that is due at a virtual instant (`state.rs`), so the order is the same at every speed.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

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
#[derive(Debug, Clone)]
pub struct Clock {
    start: VTime,
    started: Instant,
    origin: Instant,
    virtual_origin: VTime,
    speed: f64,
}

impl Clock {
    /// Starts at `start`, running `speed` times as fast as the callers' clock; 0 stops virtual time.
    pub fn new(start: VTime, speed: f64) -> Self {
        let now = Instant::now();
        Self {
            start,
            started: now,
            origin: now,
            virtual_origin: start,
            speed: speed.max(0.0),
        }
    }

    /// Returns the virtual time now.
    pub fn now(&self) -> VTime {
        self.virtual_origin
            .after(self.origin.elapsed().mul_f64(self.speed))
    }

    /// Returns the time on the callers' clock: the start, plus the time that has passed for callers, at any speed.
    ///
    /// It is for what a client measures with its own clock, such as the lifetime of a token.
    pub fn callers(&self) -> VTime {
        self.start.after(self.started.elapsed())
    }

    /// Returns how many virtual seconds pass in one second of the callers' clock.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Changes the speed, continuing from the current virtual time.
    pub fn set_speed(&mut self, speed: f64) {
        self.virtual_origin = self.now();
        self.origin = Instant::now();
        self.speed = speed.max(0.0);
    }

    /// Moves virtual time forward by `by`, also while it is stopped. The callers' clock does not change.
    pub fn skip(&mut self, by: Duration) {
        self.virtual_origin = self.virtual_origin.after(by);
    }

    /// Returns how long to wait on the callers' clock until the virtual instant: zero if it is past, `None` while time is
    /// stopped.
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: VTime = VTime(1_780_000_000_000);

    #[tokio::test(start_paused = true)]
    async fn at_speed_one_virtual_time_is_the_time_of_a_paused_runtime() {
        let clock = Clock::new(START, 1.0);
        assert_eq!(clock.now(), START);
        tokio::time::sleep(Duration::from_secs(8 * 3600)).await;
        let later = START.after(Duration::from_secs(8 * 3600));
        assert_eq!((clock.now(), clock.callers()), (later, later));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_speed_or_a_skip_does_not_change_the_callers_clock() {
        let mut clock = Clock::new(START, 60.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        clock.set_speed(0.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), START.after(Duration::from_secs(60)));
        clock.skip(Duration::from_secs(5));
        assert_eq!(clock.now(), START.after(Duration::from_secs(65)));
        assert_eq!(clock.callers(), START.after(Duration::from_secs(2)));
    }
}
