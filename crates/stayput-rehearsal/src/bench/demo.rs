//! Wall time of the whole story.

use serde_json::Value;
use serde_json::json;
use stayput_messages::Message;

use super::BenchOptions;
use super::BenchReport;
use super::median;
use super::sizes;
use super::table;
use crate::error::RehearsalError;
use crate::narrator::Narrator;
use crate::program::ChildProgress;
use stayput_plan::seconds;

const SIZES: [usize; 3] = [12, 250, 2000];
const RUNS: usize = 3;

/// Measures the demo: the program is run as its user would run it.
///
/// # Errors
/// A demo fails.
pub async fn run(
    options: &BenchOptions,
    narrator: &dyn Narrator,
) -> Result<BenchReport, RehearsalError> {
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for &machines in sizes(&options.machines, &SIZES) {
        let mut runs: Vec<(u64, Value)> = Vec::new();
        for run in 0..options.runs.unwrap_or(RUNS).max(1) {
            let told = Message::new("bench-demo-run")
                .count("machines", machines)
                .with("run", run + 1);
            narrator.say(&told.to_string());
            let words = [
                "demo".to_owned(),
                "--machines".to_owned(),
                machines.to_string(),
            ];
            let program = &options.program;
            let answer = program
                .run(&words, Vec::new(), ChildProgress::Hidden)
                .await?;
            runs.push((answer["wall_ms"].as_u64().unwrap_or(0), answer));
        }
        let wall_ms = median(runs.iter().map(|(ms, _)| *ms).collect());
        let Some((_, middle)) = runs.iter().find(|(ms, _)| *ms == wall_ms) else {
            continue;
        };
        let stages: Vec<(&str, u64)> = middle["stages"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|stage| {
                (
                    stage["name"].as_str().unwrap_or("?"),
                    stage["wall_ms"].as_u64().unwrap_or(0),
                )
            })
            .collect();
        rows.push(vec![
            machines.to_string(),
            seconds(wall_ms),
            stages
                .iter()
                .map(|(name, ms)| format!("{name} {}", seconds(*ms)))
                .collect::<Vec<_>>()
                .join(", "),
            Message::new("bench-of-all")
                .with("some", &middle["kept"])
                .with("all", &middle["total"])
                .into(),
        ]);
        figures.push(json!({
            "machines": machines,
            "wall_ms": wall_ms,
            "runs_ms": runs.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(),
            "stages": middle["stages"],
            "kept": middle["kept"],
            "total": middle["total"],
        }));
    }
    let header = [
        Message::new("bench-machines"),
        Message::new("bench-wall-time"),
        Message::new("bench-demo-of-which"),
        Message::new("bench-demo-kept"),
    ];
    Ok(BenchReport {
        table: table(&header, &rows),
        figures,
    })
}
