//! Benchmarks: figures for `docs/benchmarks.md`. They measure and judge nothing.
//!
//! The lab and every measured part are processes of their own, so that neither memory nor time of one is charged to another. A part that
//! is measured is a *probe*: the benchmark starts the program again for it, in the environment of the lab.

mod demo;
mod fabric;
mod nics;
mod plan;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use stayput_engine::Engine;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;
use stayput_messages::Message;

pub use self::demo::run as demo;
pub use self::fabric::About;
pub use self::fabric::probe as fabric_probe;
pub use self::fabric::run as fabric;
pub use self::nics::probe as nics_probe;
pub use self::nics::run as nics;
pub use self::plan::probe as plan_probe;
pub use self::plan::run as plan;
use crate::error::RehearsalError;
use crate::lab_engine;
use crate::lab_process::LabLaunch;
use crate::lab_process::LabLifetime;
use crate::lab_process::LabProcess;
use crate::lab_process::LabProcessError;
use crate::program::ChildProgress;
use crate::program::Program;

/// What a benchmark is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchOptions {
    /// The stayput program; commands and probes are run by it.
    pub program: Program,
    /// Numbers of machines, or of addresses, to measure; none: the usual ones.
    pub machines: Vec<usize>,
    /// How many machines are worked on at once (`nics`); none: the usual numbers.
    pub concurrency: Vec<usize>,
    /// Pause between two looks at a task (`nics`).
    pub poll: Duration,
    /// Repetitions, of which the median counts; `None`: the usual number.
    pub runs: Option<usize>,
}

/// What a benchmark measured.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "the figures are all that a benchmark makes"]
pub struct BenchReport {
    /// As a Markdown table, as it stands in `docs/benchmarks.md`.
    pub table: String,
    /// One object for each row.
    pub figures: Vec<Value>,
}

/// The sizes asked for, or the usual ones.
fn sizes<'a>(asked: &'a [usize], usual: &'a [usize]) -> &'a [usize] {
    if asked.is_empty() { usual } else { asked }
}

/// A lab of a benchmark's own.
struct BenchLab<'a> {
    program: &'a Program,
    process: LabProcess,
}

impl<'a> BenchLab<'a> {
    /// Starts the lab at an hour a second and without latency.
    async fn up(program: &'a Program, machines: usize) -> Result<Self, RehearsalError> {
        Self::up_with(LabOptions::default().scenario.as_str(), program, machines).await
    }

    /// Starts it with another scenario than the default one.
    async fn up_with(
        scenario: &str,
        program: &'a Program,
        machines: usize,
    ) -> Result<Self, RehearsalError> {
        let dir =
            std::env::temp_dir().join(format!("stayput-bench-{}-{machines}", std::process::id()));
        let launch = LabLaunch {
            scenario: scenario.to_owned(),
            ..LabLaunch::new(machines, dir)
        };
        let process = LabProcess::start(program, &launch, LabLifetime::OfParent).await?;
        Ok(Self { program, process })
    }

    /// Stops and removes it.
    async fn down(self) -> Result<(), RehearsalError> {
        let dir = self.process.endpoints().dir.clone();
        self.process.stop().await?;
        let _ = std::fs::remove_dir_all(dir);
        Ok(())
    }

    /// The names of the estate's networks.
    fn networks(&self) -> Result<Vec<String>, RehearsalError> {
        let estate = lab_engine::load_estate(self.process.endpoints())?;
        Ok(estate.networks.keys().map(ToString::to_string).collect())
    }

    /// Runs a command against the lab and gives its JSON.
    async fn command(&self, args: &[String]) -> Result<Value, RehearsalError> {
        let env = self.process.endpoints().env();
        self.program.run(args, env, ChildProgress::Hidden).await
    }
}

/// What a probe works with: the lab in this folder, and the engine of its estate.
fn open(lab_dir: &Path) -> Result<(Endpoints, Engine), RehearsalError> {
    let endpoints = Endpoints::read(lab_dir).map_err(LabProcessError::from)?;
    let estate = lab_engine::load_estate(&endpoints)?;
    let engine = lab_engine::engine(&endpoints, estate)?;
    Ok((endpoints, engine))
}

/// The middle one; of an even number, the lower of the two in the middle.
fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures
        .get(figures.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(0)
}

/// A figure of this process's memory in KiB, where the system tells it (Linux, `proc(5)`).
fn memory(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Starts the peak again from what is in use now (Linux, `proc(5)`); elsewhere it stays what it was.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A Markdown table, as it stands in `docs/benchmarks.md`.
fn table(header: &[Message], rows: &[Vec<String>]) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| {
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = line(&mut header.iter().map(ToString::to_string));
    text.push_str(&line(&mut header.iter().map(|_| "---".to_owned())));
    for row in rows {
        text.push_str(&line(&mut row.iter().cloned()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_figure() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![4, 1, 2, 3]), 2);
        assert_eq!(median(Vec::new()), 0);
    }

    #[test]
    fn a_table_is_markdown() {
        let text = table(
            &[
                Message::new("bench-machines"),
                Message::new("bench-wall-time"),
            ],
            &[vec!["12".to_owned(), "1 s".to_owned()]],
        );
        assert_eq!(
            text,
            "| machines | wall time |\n| --- | --- |\n| 12 | 1 s |\n"
        );
    }
}
