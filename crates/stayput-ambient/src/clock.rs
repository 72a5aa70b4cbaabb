//! The wall clock.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;
use tokio::time::Instant;

/// A wall clock: for records and for times that a person gives. It may be set back or forward, so nothing is ordered or measured by it.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Simulated>>);

/// A wall clock that follows tokio's clock.
#[derive(Debug)]
struct Simulated {
    /// When it was made, by tokio's clock.
    began: Instant,
    /// What it showed then.
    start: Timestamp,
    /// How far it was set forward since; negative: back.
    stepped: Mutex<SignedDuration>,
}

impl Clock {
    /// The clock of this computer.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that shows `start` now and then follows tokio's clock of the current runtime. Clones are the same clock.
    pub fn simulated(start: Timestamp) -> Self {
        Self(Some(Arc::new(Simulated {
            began: Instant::now(),
            start,
            stepped: Mutex::default(),
        })))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let Some(simulated) = &self.0 else {
            return Timestamp::now();
        };
        let elapsed = SignedDuration::try_from(simulated.began.elapsed());
        let shift = elapsed
            .unwrap_or(SignedDuration::MAX)
            .saturating_add(simulated.stepped());
        // Beyond the years that a timestamp can show, it stands still at the last one.
        simulated
            .start
            .saturating_add(shift)
            .unwrap_or(Timestamp::MAX)
    }

    /// Sets a simulated clock forward, or back when `by` is negative, apart from tokio's clock. The clock of the computer is not changed.
    pub fn step(&self, by: SignedDuration) {
        if let Some(simulated) = &self.0 {
            let mut stepped = simulated
                .stepped
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *stepped = stepped.saturating_add(by);
        }
    }
}

impl Simulated {
    fn stepped(&self) -> SignedDuration {
        *self.stepped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_advances_with_the_paused_clock_of_tokio() {
        let clock = Clock::simulated(start());
        assert_eq!(clock.now(), start());
        tokio::time::sleep(Duration::from_secs(8 * 3600)).await;
        assert_eq!(
            clock.now().duration_since(start()),
            SignedDuration::from_hours(8)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_changes_the_wall_clock_and_no_duration() {
        let clock = Clock::simulated(start());
        let watch = Instant::now();
        clock.clone().step(SignedDuration::from_mins(-5));
        assert_eq!(
            clock.now().duration_since(start()),
            SignedDuration::from_mins(-5)
        );
        clock.step(SignedDuration::from_mins(15));
        assert_eq!(
            clock.now().duration_since(start()),
            SignedDuration::from_mins(10)
        );
        assert_eq!(watch.elapsed(), Duration::ZERO);
    }

    #[test]
    fn a_step_beyond_all_times_leaves_the_last_time() {
        let clock = Clock::simulated(start());
        clock.step(SignedDuration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
