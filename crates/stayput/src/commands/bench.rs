//! `stayput bench`: figures for `docs/benchmarks.md`. It measures, it judges nothing.
//!
//! The lab and every measured part are processes of their own, so that neither memory nor time of one is charged to another.

mod demo;
mod fabric;
mod nics;
mod plan;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;
use stayput_lab::Endpoints;

use crate::cli::BenchArgs;
use crate::cli::BenchWhat;
use crate::cli::Global;
use crate::cli::LabDirArgs;
use crate::cli::LabUpArgs;
use crate::commands::lab;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

pub async fn run(global: &Global, args: &BenchArgs) -> Result<Output, CommandError> {
    match args.what {
        BenchWhat::Plan => plan::run(global, args).await,
        BenchWhat::Nics => nics::run(global, args).await,
        BenchWhat::Demo => demo::run(global, args).await,
        BenchWhat::Fabric => fabric::run(global, args).await,
        BenchWhat::FabricProbe => fabric::probe(global, args, fabric::About::Others).await,
        BenchWhat::FabricProbeAddresses => {
            fabric::probe(global, args, fabric::About::Addresses).await
        }
        BenchWhat::PlanProbe => plan::probe(global, args).await,
        BenchWhat::NicsProbe => nics::probe(global, args).await,
    }
}

/// The sizes asked for, or the usual ones.
fn sizes<'a>(asked: &'a [usize], usual: &'a [usize]) -> &'a [usize] {
    if asked.is_empty() { usual } else { asked }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> CommandError {
    CommandError::from_error(Kind::Failed, error)
}

/// Says how far it is.
fn say(global: &Global, text: impl Display) {
    if !global.quiet {
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// A lab of our own, stopped and removed at the end.
struct Bench {
    dir: PathBuf,
    endpoints: Endpoints,
}

impl Bench {
    /// Starts the lab at an hour a second and without latency.
    async fn up(global: &Global, machines: usize) -> Result<Self, CommandError> {
        let dir =
            std::env::temp_dir().join(format!("stayput-bench-{}-{machines}", std::process::id()));
        let up = LabUpArgs {
            scenario: "tokyo-osaka".to_owned(),
            machines: Some(machines),
            speed: 3600.0,
            latency: 0,
            dir: LabDirArgs { dir: dir.clone() },
            dataplane: crate::cli::DataPlane::None,
            foreground: false,
        };
        lab::up(&up, global).await?;
        let endpoints = Endpoints::read(&dir).map_err(|error| failed(&error))?;
        Ok(Self { dir, endpoints })
    }

    async fn down(self) -> Result<(), CommandError> {
        lab::down(&self.dir).await?;
        let _ = std::fs::remove_dir_all(&self.dir);
        Ok(())
    }

    /// The names of the estate's networks.
    fn networks(&self) -> Result<Vec<String>, CommandError> {
        let estate = crate::session::load_estate(&self.endpoints.estate_file)?;
        Ok(estate.networks.keys().map(ToString::to_string).collect())
    }

    /// Runs a command against the lab and gives its JSON.
    async fn command(&self, args: &[String]) -> Result<Value, CommandError> {
        command(args, self.endpoints.env()).await
    }
}

/// Runs a stayput command in a process of its own, and gives its JSON.
async fn command(args: &[String], env: Vec<(String, String)>) -> Result<Value, CommandError> {
    let this = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = tokio::process::Command::new(this);
    command
        .args(args)
        .args(["--json", "--no-input", "--quiet"])
        .envs(env);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let child = command.spawn().map_err(|error| failed(&error))?;
    let output = child
        .wait_with_output()
        .await
        .map_err(|error| failed(&error))?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if output.status.success() {
        Ok(answer)
    } else {
        let message = answer["error"]["message"].as_str().unwrap_or("no answer");
        Err(CommandError::new(
            Kind::Failed,
            format!("`stayput {}` failed: {message}", args.join(" ")),
        ))
    }
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

/// Starts the peak anew from what is in use now (Linux, `proc(5)`); elsewhere it stays what it was.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A Markdown table, as it stands in `docs/benchmarks.md`.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
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

fn output(text: String, figures: &[Value]) -> Output {
    Output::new(text, json!({ "ok": true, "figures": figures }))
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
            &["machines", "time"],
            &[vec!["12".to_owned(), "1 s".to_owned()]],
        );
        assert_eq!(text, "| machines | time |\n| --- | --- |\n| 12 | 1 s |\n");
    }
}
