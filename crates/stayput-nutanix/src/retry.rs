//! Whether a call is made again, and when: one pure function of what may be repeated, how the attempt ended, and which it was.

use stayput_estate::mutants::Mutant;
use std::time::Duration;

use stayput_ambient::Entropy;
use tokio::time::Instant;

/// Longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Longest pause that the other side may ask for (`Retry-After`).
const LONGEST_ASKED: Duration = Duration::from_secs(30);

/// How long a call is repeated at least when the other side says when to come back: it is alive, only busy.
const ASKED_BUDGET: Duration = Duration::from_secs(60);

/// Attempts of any call, whatever the pauses.
const MOST_ATTEMPTS: u32 = 30;

/// Attempts whose answer is not understood: what is malformed three times is not an accident.
const MALFORMED_ATTEMPTS: u32 = 3;
/// Attempts when credentials are refused that were accepted before. Few: accounts are locked after some failures.
const UNAUTHENTICATED_ATTEMPTS: u32 = 3;

/// Attempts of a change of which some may have taken effect, each after another look.
const DOUBTFUL_ATTEMPTS: u32 = 4;

/// Time limits of a client. The defaults suit a person who waits and an appliance that restarts one of its services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a failing read is repeated; 5 s. A read without an answer is repeated once whatever this says.
    pub read: Duration,
    /// How many attempts of a read may end without a connection; 3. Few, so that a lost appliance is noticed soon.
    pub connects: u32,
    /// How long a failing read is repeated while something that was started is waited for, also without a connection; 60 s.
    pub poll: Duration,
    /// How long a change is repeated: each time from another look, when another client changed the same object or the answer was
    /// lost; 60 s.
    pub change: Duration,
    /// How long a task (or what stands for one in Move) is waited for; 2 h. After that it is in doubt.
    pub task: Duration,
    /// The largest body that is read, in bytes; 64 MiB.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(5),
            connects: 3,
            poll: Duration::from_secs(60),
            change: Duration::from_secs(60),
            task: Duration::from_secs(2 * 60 * 60),
            body_bytes: 64 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// The same limits with reads repeated as long as while something is waited for: for reads in the middle of a run, which a
    /// short outage must not end.
    #[must_use]
    pub fn patient(self) -> Self {
        Self {
            read: self.poll.max(self.read),
            connects: u32::MAX,
            ..self
        }
    }
}

/// How often to look for something that may not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Once: an answer now.
    Once,
    /// Several times with growing pauses, for something just made or in doubt: lists lag behind what was accepted.
    Several,
}

impl Looks {
    /// How many looks that are.
    pub(crate) fn count(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Several => 4,
        }
    }
}

/// What may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Read,
    /// It changes something, and is sent again as it is: only what was certainly not processed.
    Blindly,
    /// It changes something, and is sent again only after another look at what it changes.
    AfterALook,
}

/// How an attempt that did not succeed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was no connection; nothing was sent.
    NotSent,
    /// There was no connection in time; nothing was sent.
    Unreachable,
    /// The certificate was refused; nothing was sent.
    Certificate,
    /// The connection broke after sending, or in the middle of the answer.
    Broken,
    /// No answer came in time.
    Silent,
    /// It was answered with this HTTP status.
    Status(u16),
    /// The credentials were refused, which had been accepted before; nothing was done. A Prism Central whose services restart answers so
    /// for a moment (inferred).
    Unauthenticated,
    /// It was answered with success and a body that is not understood.
    Malformed,
}

impl Outcome {
    /// Whether a change whose attempt ended so may have taken effect all the same.
    pub(crate) fn may_have_taken_effect(self) -> bool {
        match self {
            Self::NotSent | Self::Unreachable | Self::Certificate | Self::Unauthenticated => false,
            Self::Broken | Self::Silent | Self::Malformed => true,
            // Something on the way gave up, or the server failed while it worked.
            Self::Status(status) => status == 408 || status >= 500,
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Counted from 1.
    pub(crate) number: u32,
    /// How many attempts ended in the same way, with this one.
    pub(crate) alike: u32,
    /// Since the first attempt began.
    pub(crate) elapsed: Duration,
    /// What the other side asked for (`Retry-After`).
    pub(crate) asked: Option<Duration>,
    /// Between 0 and 1.
    pub(crate) jitter: f64,
}

/// How patiently a call is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The middle of the first pause.
    pub(crate) first: Duration,
    /// The time all attempts may take.
    pub(crate) budget: Duration,
    /// Attempts that may end without a connection.
    pub(crate) connects: u32,
}

/// How earlier attempts of one call ended.
#[derive(Debug)]
pub(crate) struct Past {
    outcomes: Vec<Outcome>,
    entropy: Entropy,
}

impl Past {
    /// No attempt yet. Jitter is drawn from `entropy`.
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self {
            outcomes: Vec::new(),
            entropy: entropy.clone(),
        }
    }

    /// Adds an attempt. `started` is when the first began.
    pub(crate) fn add(
        &mut self,
        outcome: Outcome,
        started: Instant,
        asked: Option<Duration>,
    ) -> Attempt {
        self.outcomes.push(outcome);
        let kind = std::mem::discriminant(&outcome);
        let alike = self.outcomes.iter().map(std::mem::discriminant);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Attempt {
            number: count(self.outcomes.len()),
            alike: count(alike.filter(|other| *other == kind).count()),
            elapsed: started.elapsed(),
            asked,
            jitter: self.entropy.fraction(),
        }
    }
}

/// The pause before the next attempt; `None` when there is to be none.
pub(crate) fn pause(
    repeat: Repeat,
    outcome: Outcome,
    attempt: Attempt,
    patience: Patience,
) -> Option<Duration> {
    let Patience { first, budget, .. } = patience;
    let alike = match (repeat, outcome) {
        // A certificate does not get better by asking again.
        (_, Outcome::Certificate) => 1,
        // Not processed, whatever it was.
        (_, Outcome::NotSent) => patience.connects.min(MOST_ATTEMPTS),
        (_, Outcome::Status(429)) => MOST_ATTEMPTS,
        (_, Outcome::Unauthenticated) => UNAUTHENTICATED_ATTEMPTS,
        (_, Outcome::Unreachable) => MOST_ATTEMPTS,
        (Repeat::Read, Outcome::Broken | Outcome::Silent) => MOST_ATTEMPTS,
        (Repeat::Read, Outcome::Malformed) => MALFORMED_ATTEMPTS,
        (Repeat::Read, Outcome::Status(408 | 500 | 502 | 503 | 504)) => MOST_ATTEMPTS,
        (Repeat::AfterALook, Outcome::Broken | Outcome::Silent | Outcome::Malformed) => {
            DOUBTFUL_ATTEMPTS
        }
        (Repeat::AfterALook, Outcome::Status(408 | 500 | 502 | 503 | 504)) => DOUBTFUL_ATTEMPTS,
        // The object was changed by another client since the look.
        (Repeat::AfterALook, Outcome::Status(412)) => MOST_ATTEMPTS,
        (Repeat::Blindly, Outcome::Broken | Outcome::Silent | Outcome::Malformed) => {
            match Mutant::ChangesRepeatedBlindly.is_chosen() {
                true => DOUBTFUL_ATTEMPTS,
                false => 1,
            }
        }
        (_, Outcome::Status(_)) => 1,
    };
    if attempt.alike >= alike || attempt.number >= MOST_ATTEMPTS {
        return None;
    }
    let (pause, budget) = match attempt.asked {
        Some(asked) => (
            asked.clamp(first.min(LONGEST_ASKED), LONGEST_ASKED),
            budget.max(ASKED_BUDGET),
        ),
        None => (backoff(first, attempt.number, attempt.jitter), budget),
    };
    // The time limit of one attempt may be longer than the budget; one silence alone says little.
    let is_silence = match outcome {
        Outcome::Unreachable | Outcome::Silent => true,
        Outcome::NotSent
        | Outcome::Certificate
        | Outcome::Unauthenticated
        | Outcome::Broken
        | Outcome::Status(_)
        | Outcome::Malformed => false,
    };
    let is_first_silence = repeat == Repeat::Read && is_silence && attempt.alike == 1;
    (attempt.elapsed.saturating_add(pause) <= budget || is_first_silence).then_some(pause)
}

/// The pause after attempt `number`: `first`, doubled with each further attempt up to a limit, and spread from half to one and a
/// half of that by `jitter`, so that several callers do not come back together.
pub(crate) fn backoff(first: Duration, number: u32, jitter: f64) -> Duration {
    let doubled = first.saturating_mul(1 << number.saturating_sub(1).min(16));
    doubled
        .min(LONGEST_PAUSE)
        .mul_f64(0.5 + jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(500);
    const PATIENCE: Patience = Patience {
        first: FIRST,
        budget: Duration::from_secs(10),
        connects: 3,
    };

    fn attempt(number: u32, elapsed: u64) -> Attempt {
        Attempt {
            number,
            alike: number,
            elapsed: Duration::from_secs(elapsed),
            asked: None,
            jitter: 0.5,
        }
    }

    fn decide(repeat: Repeat, outcome: Outcome, attempt: Attempt) -> Option<Duration> {
        pause(repeat, outcome, attempt, PATIENCE)
    }

    #[test]
    fn a_read_is_repeated_after_everything_that_may_pass() {
        for outcome in [
            Outcome::NotSent,
            Outcome::Unreachable,
            Outcome::Broken,
            Outcome::Silent,
            Outcome::Malformed,
            Outcome::Status(408),
            Outcome::Status(429),
            Outcome::Status(500),
            Outcome::Status(502),
            Outcome::Status(503),
            Outcome::Status(504),
        ] {
            let pause = decide(Repeat::Read, outcome, attempt(1, 0));
            assert_eq!(pause, Some(FIRST), "{outcome:?}");
        }
        for outcome in [
            Outcome::Certificate,
            Outcome::Status(302),
            Outcome::Status(400),
            Outcome::Status(401),
            Outcome::Status(404),
            Outcome::Status(412),
            Outcome::Status(501),
        ] {
            let pause = decide(Repeat::Read, outcome, attempt(1, 0));
            assert_eq!(pause, None, "{outcome:?}");
        }
    }

    #[test]
    fn a_change_is_repeated_as_it_is_only_when_it_was_not_processed() {
        for (outcome, repeated) in [
            (Outcome::NotSent, true),
            (Outcome::Unreachable, true),
            (Outcome::Status(429), true),
            (Outcome::Broken, false),
            (Outcome::Silent, false),
            (Outcome::Malformed, false),
            (Outcome::Status(412), false),
            (Outcome::Status(500), false),
            (Outcome::Status(503), false),
        ] {
            let pause = decide(Repeat::Blindly, outcome, attempt(1, 0));
            assert_eq!(pause.is_some(), repeated, "{outcome:?}");
            assert!(
                !(repeated && outcome.may_have_taken_effect()),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn a_stale_change_or_one_in_doubt_is_repeated_after_a_look() {
        for outcome in [
            Outcome::Broken,
            Outcome::Silent,
            Outcome::Malformed,
            Outcome::Status(412),
            Outcome::Status(502),
        ] {
            assert!(decide(Repeat::AfterALook, outcome, attempt(1, 0)).is_some());
        }
        assert_eq!(
            decide(Repeat::AfterALook, Outcome::Broken, attempt(4, 0)),
            None
        );
        assert!(decide(Repeat::AfterALook, Outcome::Status(412), attempt(4, 0)).is_some());
        assert_eq!(
            decide(Repeat::AfterALook, Outcome::Status(409), attempt(1, 0)),
            None
        );
    }

    #[test]
    fn repeats_end_with_the_budget_and_with_their_number() {
        let read =
            |number, elapsed| decide(Repeat::Read, Outcome::Status(503), attempt(number, elapsed));
        assert!(read(3, 7).is_some());
        assert_eq!(read(3, 9), None);
        assert_eq!(read(30, 0), None);
        let unconnected = |number| decide(Repeat::Read, Outcome::NotSent, attempt(number, 0));
        assert!(unconnected(2).is_some());
        assert_eq!(unconnected(3), None);
        let malformed = |number| decide(Repeat::Read, Outcome::Malformed, attempt(number, 0));
        assert!(malformed(2).is_some());
        assert_eq!(malformed(3), None);
    }

    #[test]
    fn only_attempts_that_ended_alike_count_against_their_limit() {
        let malformed = Attempt {
            alike: 1,
            ..attempt(6, 0)
        };
        assert!(decide(Repeat::Read, Outcome::Malformed, malformed).is_some());
        let mut past = Past::new(&Entropy::system());
        let now = Instant::now();
        past.add(Outcome::Status(503), now, None);
        past.add(Outcome::Malformed, now, None);
        let third = past.add(Outcome::Status(429), now, None);
        assert_eq!((third.number, third.alike), (3, 2));
    }

    #[test]
    fn a_first_silence_longer_than_the_budget_is_repeated_once() {
        let silence = |number| {
            decide(
                Repeat::Read,
                Outcome::Silent,
                attempt(number, 30 * u64::from(number)),
            )
        };
        assert!(silence(1).is_some());
        assert_eq!(silence(2), None);
    }

    #[test]
    fn what_the_other_side_asks_for_is_honoured_within_limits() {
        let asked = |seconds| {
            let attempt = Attempt {
                asked: Some(Duration::from_secs(seconds)),
                ..attempt(1, 9)
            };
            decide(Repeat::Read, Outcome::Status(429), attempt)
        };
        assert_eq!(asked(0), Some(FIRST));
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(86_400), Some(LONGEST_ASKED));
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_spread() {
        assert_eq!(backoff(FIRST, 1, 0.5), FIRST);
        assert_eq!(backoff(FIRST, 3, 0.5), 4 * FIRST);
        assert_eq!(backoff(FIRST, 99, 0.5), LONGEST_PAUSE);
        assert_eq!(backoff(FIRST, 1, 0.0), FIRST / 2);
        assert_eq!(backoff(FIRST, 1, 1.0), FIRST * 3 / 2);
    }

    #[test]
    fn only_what_was_certainly_not_processed_has_no_effect() {
        assert!(!Outcome::NotSent.may_have_taken_effect());
        assert!(!Outcome::Unreachable.may_have_taken_effect());
        assert!(!Outcome::Certificate.may_have_taken_effect());
        assert!(!Outcome::Unauthenticated.may_have_taken_effect());
        assert!(!Outcome::Status(409).may_have_taken_effect());
        assert!(!Outcome::Status(429).may_have_taken_effect());
        for outcome in [
            Outcome::Broken,
            Outcome::Silent,
            Outcome::Malformed,
            Outcome::Status(408),
            Outcome::Status(500),
            Outcome::Status(503),
        ] {
            assert!(outcome.may_have_taken_effect(), "{outcome:?}");
        }
    }
}
