//! Planning time and memory for large estates.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use stayput_engine::Observation;
use stayput_messages::Message;
use stayput_plan::Goal;

use super::BenchLab;
use super::BenchOptions;
use super::BenchReport;
use super::median;
use super::memory;
use super::open;
use super::reset_peak;
use super::sizes;
use super::table;
use crate::error::RehearsalError;
use crate::narrator::Narrator;
use stayput_plan::seconds;

const SIZES: [usize; 3] = [1000, 10_000, 100_000];
/// What has as many machines.
const SCENARIO: &str = "large-estate";
const RUNS: usize = 5;

/// Measures planning. For each size: a lab, one command as its user would type it, and one probe.
///
/// # Errors
/// A lab does not start, or a command fails.
pub async fn run(
    options: &BenchOptions,
    narrator: &dyn Narrator,
) -> Result<BenchReport, RehearsalError> {
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for &machines in sizes(&options.machines, &SIZES) {
        let told = Message::new("bench-plan-run").count("machines", machines);
        narrator.say(&told.to_string());
        let bench = BenchLab::up_with(SCENARIO, &options.program, machines).await?;
        let measured = measure(&bench, options).await;
        bench.down().await?;
        let mut figure = measured?;
        figure["machines"] = json!(machines);
        let ms = |key: &str| seconds(figure[key].as_u64().unwrap_or(0));
        let mb = |key: &str| {
            figure[key]
                .as_u64()
                .map_or("–".to_owned(), |kib| format!("{} MB", kib / 1024))
        };
        rows.push(vec![
            machines.to_string(),
            figure["addresses"].to_string(),
            figure["steps"].to_string(),
            figure["states"].to_string(),
            ms("observe_ms"),
            ms("plan_ms"),
            ms("command_ms"),
            mb("observe_peak_kib"),
            mb("plan_peak_kib"),
            mb("peak_kib"),
        ]);
        figures.push(figure);
    }
    let header = [
        Message::new("bench-machines"),
        Message::new("bench-addresses"),
        Message::new("bench-steps"),
        Message::new("bench-plan-states"),
        Message::new("bench-plan-observe"),
        Message::new("bench-plan-plan"),
        Message::new("bench-plan-command"),
        Message::new("bench-plan-observe-peak"),
        Message::new("bench-plan-plan-peak"),
        Message::new("bench-plan-peak"),
    ];
    Ok(BenchReport {
        table: table(&header, &rows),
        figures,
    })
}

async fn measure(bench: &BenchLab<'_>, options: &BenchOptions) -> Result<Value, RehearsalError> {
    let mut words = vec!["plan".to_owned(), "move".to_owned()];
    words.extend(bench.networks()?);
    let start = Instant::now();
    bench.command(&words).await?;
    let command_ms = millis(start);
    let runs = options.runs.unwrap_or(RUNS).to_string();
    let words = ["bench", "plan-probe", "--runs", &runs].map(str::to_owned);
    let mut figure = bench.command(&words).await?;
    figure["command_ms"] = json!(command_ms);
    Ok(figure)
}

/// Observes the lab in a folder once, then plans the move of every network again and again. To be run in a process of its own.
///
/// # Errors
/// The lab does not answer, or there is no plan.
pub async fn probe(lab_dir: &Path, runs: Option<usize>) -> Result<Value, RehearsalError> {
    let (_, engine) = open(lab_dir)?;
    let start = Instant::now();
    let Observation { world, facts } = engine.look().await?;
    let observe_ms = millis(start);
    let goal = Goal::Move {
        networks: engine.estate.networks.keys().cloned().collect(),
        canaries: Default::default(),
        leave_out: Default::default(),
    };
    let observe_peak = memory("VmHWM");
    reset_peak();
    let mut plan_ms = Vec::new();
    let start = Instant::now();
    let plan = stayput_plan::plan(&engine.estate, &world, &facts, &goal)?;
    plan_ms.push(millis(start));
    let plan_peak = memory("VmHWM");
    let text = serde_json::to_string(&plan).map_err(|source| RehearsalError::Form {
        what: Message::new("rehearsal-form-plan"),
        source,
    })?;
    let peak = memory("VmHWM");
    for _ in 1..runs.unwrap_or(RUNS) {
        let start = Instant::now();
        stayput_plan::plan(&engine.estate, &world, &facts, &goal)?;
        plan_ms.push(millis(start));
    }
    Ok(json!({
        "ok": true,
        "observe_ms": observe_ms,
        "plan_ms": median(plan_ms.clone()),
        "plan_runs_ms": plan_ms,
        "steps": plan.steps.len(),
        "states": plan.proof.states.len(),
        "addresses": plan.proof.addresses,
        "classes": plan.proof.classes,
        "observe_peak_kib": observe_peak,
        "plan_peak_kib": plan_peak,
        "peak_kib": observe_peak.max(plan_peak).max(peak),
        "json_bytes": text.len(),
    }))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
