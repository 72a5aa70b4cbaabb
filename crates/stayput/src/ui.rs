//! Progress on standard error: bars on a terminal, plain lines in a pipe. Renders events, decides nothing.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use stayput_engine::Event;
use stayput_plan::StepId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Steps shown at the same time; the rest is in the total.
const LINES: usize = 8;
/// Least time between two plain progress lines of one step.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Starts rendering events until they end.
pub fn show(events: UnboundedReceiver<Event>, quiet: bool) -> JoinHandle<()> {
    tokio::spawn(async move {
        if quiet {
            drain(events).await;
        } else if std::io::stderr().is_terminal() {
            bars(events).await;
        } else {
            lines(events).await;
        }
    })
}

async fn drain(mut events: UnboundedReceiver<Event>) {
    while events.recv().await.is_some() {}
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

async fn bars(mut events: UnboundedReceiver<Event>) {
    let all = MultiProgress::new();
    let total = all.add(ProgressBar::no_length());
    total.set_style(style("{spinner} {msg}"));
    total.enable_steady_tick(Duration::from_millis(120));
    let mut shown: BTreeMap<StepId, (String, ProgressBar)> = BTreeMap::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Observing { what } => total.set_message(format!("reading {what}")),
            Event::Unobserved { what, why } => {
                total.println(format!("{what} does not answer: {why}"))
            }
            Event::RunStarted { goal, steps, .. } => {
                total.set_length(steps as u64);
                total.set_style(style(
                    "{bar:32} {pos}/{len} steps  {elapsed} elapsed, about {eta} left  {msg}",
                ));
                total.set_message(goal);
            }
            Event::StepStarted { step, title } => {
                if shown.len() < LINES {
                    let line = all.insert_before(&total, ProgressBar::no_length());
                    line.set_style(style("  {spinner} {wide_msg}"));
                    line.enable_steady_tick(Duration::from_millis(120));
                    line.set_message(title.clone());
                    shown.insert(step, (title, line));
                }
            }
            Event::StepProgress {
                step,
                percent,
                note,
            } => {
                if let Some((title, line)) = shown.get(&step) {
                    if let Some(percent) = percent {
                        line.set_length(100);
                        line.set_position(u64::from(percent));
                        line.set_style(style("  {bar:24} {percent:>3} % {wide_msg}"));
                    }
                    line.set_message(format!("{title}: {note}"));
                }
            }
            Event::StepDone {
                step,
                title,
                changed,
                ms,
            } => {
                total.inc(1);
                if let Some((_, line)) = shown.remove(&step) {
                    line.finish_and_clear();
                    let mark = if changed { "✓" } else { "=" };
                    let _ = all.println(format!("  {mark} {title} ({})", seconds(ms)));
                }
            }
            Event::StepFailed { step, title, error } => {
                if let Some((_, line)) = shown.remove(&step) {
                    line.finish_and_clear();
                }
                let _ = all.println(format!("  ✗ {title}: {error}"));
            }
            Event::RunDone { .. } => total.finish_and_clear(),
        }
    }
    total.finish_and_clear();
}

async fn lines(mut events: UnboundedReceiver<Event>) {
    let mut told: BTreeMap<StepId, Instant> = BTreeMap::new();
    while let Some(event) = events.recv().await {
        let line = match event {
            Event::Observing { .. } => continue,
            Event::Unobserved { what, why } => format!("{what} does not answer: {why}"),
            Event::RunStarted { goal, steps, run } => format!("{goal}: {steps} steps (run {run})"),
            Event::StepStarted { step, .. } => {
                told.insert(step, Instant::now());
                continue;
            }
            Event::StepProgress {
                step,
                percent,
                note,
            } => {
                let Some(last) = told.get_mut(&step) else {
                    continue;
                };
                if last.elapsed() < PLAIN_EVERY {
                    continue;
                }
                *last = Instant::now();
                match percent {
                    Some(percent) => format!("  … {note} ({percent} %)"),
                    None => format!("  … {note}"),
                }
            }
            Event::StepDone {
                title, changed, ms, ..
            } => {
                let mark = if changed { "✓" } else { "=" };
                format!("  {mark} {title} ({})", seconds(ms))
            }
            Event::StepFailed { title, error, .. } => format!("  ✗ {title}: {error}"),
            Event::RunDone { done, ok, ms, .. } => {
                let word = if ok { "done" } else { "stopped" };
                format!("{word} after {done} steps in {}", seconds(ms))
            }
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// A duration as people read it.
pub fn seconds(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}
