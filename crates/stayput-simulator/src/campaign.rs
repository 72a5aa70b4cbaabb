//! Many stories, on every core: every single fault, or seeds.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;

use crate::chapters::Chapter;
use crate::outcome::Outcome;
use crate::outcome::SimulationError;
use crate::sweep::Single;

/// What a campaign found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Seeds that were to be run; 0 for single faults.
    pub seeds: u64,
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
    /// The bad stories, at most as many as are asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<Bad>,
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
        self.violations == 0 && self.stuck == 0
    }

    fn add(&mut self, number: u64, what: String, told: Result<Outcome, SimulationError>) -> bool {
        let bad = match told {
            Ok(outcome) => {
                self.runs_completed += 1;
                self.faults_injected += outcome.faults_injected;
                self.virtual_secs += outcome.virtual_secs;
                self.violations += u64::from(!outcome.violations.is_empty());
                self.stuck += u64::from(outcome.stuck.is_some());
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
                self.stuck += 1;
                Bad {
                    number,
                    what,
                    outcome: None,
                    error: Some(error.to_string()),
                }
            }
        };
        let first = self.first_bad_seed.get_or_insert(number);
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
        report.wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        report
    }

    /// Tells one story for each single fault: the act in which it happens, and as many acts after it.
    pub fn singles(&self, chapters: &[Chapter], singles: &[Single], acts_after: usize) -> Report {
        let numbers: Vec<_> = (0..singles.len() as u64).collect();
        self.run(&numbers, |number| {
            let single = &singles[usize::try_from(number).unwrap_or_default()];
            let chapter = &chapters[single.chapter];
            let what = format!("act {}: {}", single.chapter + 1, single.what);
            (what, chapter.tell(&single.disaster, acts_after + 1))
        })
    }
}
