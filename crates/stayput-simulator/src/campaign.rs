//! Many stories, on every core: every single fault, or seeds.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;

use crate::outcome::Outcome;
use crate::outcome::SimulationError;

/// What a campaign found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Seeds that were to be run; 0 for single faults.
    pub seeds: u64,
    /// In numbers.
    #[serde(flatten)]
    pub totals: Totals,
    /// The bad stories, at most as many as are asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<Bad>,
}

/// What became of stories, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Stories that were told to their end.
    pub runs_completed: u64,
    /// Faults that took effect, kills and outages included.
    pub faults_injected: u64,
    /// Stories in which a promise was not kept.
    pub violations: u64,
    /// Stories that did not reach their end within the bound of commands, or cannot be told.
    pub stuck: u64,
    /// The lowest seed, or the number of the first single fault, of a story with a violation or without an end.
    pub first_bad_seed: Option<u64>,
    /// Virtual time that passed in all stories, in seconds.
    pub virtual_secs: u64,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

impl Totals {
    /// Adds those of further stories.
    pub fn add(&mut self, further: &Self) {
        self.runs_completed += further.runs_completed;
        self.faults_injected += further.faults_injected;
        self.violations += further.violations;
        self.stuck += further.stuck;
        self.virtual_secs += further.virtual_secs;
        self.wall_ms += further.wall_ms;
        self.first_bad_seed = match (self.first_bad_seed, further.first_bad_seed) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// A bad story.
#[derive(Debug, Serialize)]
pub struct Bad {
    /// Its seed, or the number of its single fault.
    pub number: u64,
    /// What befell it.
    pub what: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// Why it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Report {
    /// Whether every story kept every promise and came to its end.
    pub fn is_ok(&self) -> bool {
        self.totals.violations == 0 && self.totals.stuck == 0
    }

    fn add(&mut self, number: u64, what: String, told: Result<Outcome, SimulationError>) -> bool {
        let bad = match told {
            Ok(outcome) => {
                self.totals.runs_completed += 1;
                self.totals.faults_injected += outcome.faults_injected;
                self.totals.virtual_secs += outcome.virtual_secs;
                self.totals.violations += u64::from(!outcome.violations.is_empty());
                self.totals.stuck += u64::from(outcome.stuck.is_some());
                if outcome.violations.is_empty() && outcome.stuck.is_none() {
                    return true;
                }
                Bad {
                    number,
                    what,
                    outcome: Some(outcome),
                    error: None,
                }
            }
            Err(error) => {
                self.totals.stuck += 1;
                Bad {
                    number,
                    what,
                    outcome: None,
                    error: Some(error.to_string()),
                }
            }
        };
        let first = self.totals.first_bad_seed.get_or_insert(number);
        *first = (*first).min(number);
        self.bad.push(bad);
        false
    }
}

/// How a campaign is run.
pub struct Campaign<'a> {
    /// Threads.
    pub threads: usize,
    /// Bad stories that are kept whole.
    pub keep: usize,
    /// Called after each story, with how many are done and the story if it was bad.
    pub progress: &'a (dyn Fn(usize, Option<&Bad>) + Sync),
}

impl Campaign<'_> {
    /// Tells the stories with these numbers.
    pub fn run(
        &self,
        numbers: &[u64],
        story: impl Fn(u64) -> (String, Result<Outcome, SimulationError>) + Sync,
    ) -> Report {
        let started = Instant::now();
        let report = Mutex::new(Report::default());
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (what, told) = story(*number);
                        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                        let is_fine = report.add(*number, what, told);
                        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                        (self.progress)(done, report.bad.last().filter(|_| !is_fine));
                    }
                });
            }
        });
        let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.bad.sort_by_key(|bad| bad.number);
        report.bad.truncate(self.keep);
        report.totals.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    }
}
