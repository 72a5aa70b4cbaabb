//! Progress on standard error: bars on a terminal, plain lines in a pipe. Renders events, decides nothing.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use jiff::Zoned;
use stayput_engine::Event;
use stayput_engine::StepName;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_plan::StepId;
pub use stayput_plan::clean;
pub use stayput_plan::clean_json;
pub use stayput_plan::seconds;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Steps shown at the same time; the rest is in the total.
const LINES: usize = 8;
/// Least time between two plain progress lines of one step.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Renders events until they end.
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
    let mut total_of = 0;
    while let Some(event) = events.recv().await {
        let line = line(&event);
        match event {
            Event::Observing { what } => total.set_message(
                Message::new("progress-reading")
                    .with("what", what)
                    .to_string(),
            ),
            Event::Guests { ended, of } => total.set_message(
                Message::new("progress-guests")
                    .with("ended", ended)
                    .with("of", of)
                    .to_string(),
            ),
            Event::RunStarted { goal, steps, .. } => {
                total_of = steps as u64;
                total.set_length(total_of);
                total.set_style(style(&Message::new("progress-bar").to_string()));
                total.set_message(goal);
            }
            Event::StepStarted { name } => {
                if shown.len() < LINES {
                    let line = all.insert_before(&total, ProgressBar::no_length());
                    line.set_style(style("  {spinner} {wide_msg}"));
                    line.enable_steady_tick(Duration::from_millis(120));
                    let title = numbered(&name);
                    line.set_message(title.clone());
                    shown.insert(name.step, (title, line));
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
                    line.set_message(format!("{title}: {}", clean(&note)));
                }
            }
            Event::StepDone { name, .. } => {
                // A step that is done again is not counted again.
                total.set_position((total.position() + 1).min(total_of));
                gone(&mut shown, &name.step);
            }
            Event::StepFailed { name, .. } => gone(&mut shown, &name.step),
            Event::RunDone { .. } => total.finish_and_clear(),
            Event::Unobserved { .. }
            | Event::RunAbandoned { .. }
            | Event::PhaseStarted { .. }
            | Event::Waiting { .. }
            | Event::AskingAgain { .. }
            | Event::Changed { .. }
            | Event::StepRetried { .. } => {}
        }
        if let Some(line) = line {
            // Not with `println` of a bar: a finished line must remain when the bars are cleared.
            let _ = all.suspend(|| writeln!(std::io::stderr(), "{line}"));
        }
    }
    total.finish_and_clear();
}

fn gone(shown: &mut BTreeMap<StepId, (String, ProgressBar)>, step: &StepId) {
    if let Some((_, line)) = shown.remove(step) {
        line.finish_and_clear();
    }
}

async fn lines(mut events: UnboundedReceiver<Event>) {
    let mut shown_at: BTreeMap<StepId, Instant> = BTreeMap::new();
    while let Some(event) = events.recv().await {
        let line = match &event {
            Event::StepStarted { name } => {
                shown_at.insert(name.step.clone(), Instant::now());
                continue;
            }
            Event::StepProgress {
                step,
                percent,
                note,
            } => {
                let Some(last) = shown_at.get_mut(step) else {
                    continue;
                };
                if last.elapsed() < PLAIN_EVERY {
                    continue;
                }
                *last = Instant::now();
                let percent = percent.map_or_else(String::new, |percent| format!(" ({percent} %)"));
                Some(format!("{}   … {}{percent}", time(), clean(note)))
            }
            event => line(event),
        };
        if let Some(line) = line {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// An event that stays on the screen, as one line with the time and the plan's number of the step.
fn line(event: &Event) -> Option<String> {
    let text = match event {
        Event::Observing { .. }
        | Event::Guests { .. }
        | Event::StepStarted { .. }
        | Event::StepProgress { .. } => {
            return None;
        }
        Event::Unobserved { what, why } => {
            let line = Message::new("progress-unobserved")
                .with("what", what)
                .with("why", why);
            return Some(format!("! {line}"));
        }
        Event::RunStarted { goal, steps, run } => {
            let line = Message::new("progress-run")
                .with("goal", goal)
                .count("steps", *steps)
                .with("run", run);
            return Some(line.into());
        }
        Event::RunAbandoned { run, goal } => {
            let line = Message::new("progress-superseded")
                .with("run", run)
                .with("goal", goal);
            return Some(line.into());
        }
        Event::PhaseStarted { phase, steps } => Message::new("progress-phase")
            .with("phase", phase)
            .count("steps", *steps)
            .into(),
        Event::Waiting { phase, until } => Message::new("progress-waits")
            .with("phase", phase)
            .with("until", until)
            .into(),
        Event::AskingAgain { what } => Message::new("progress-asking-again")
            .with("what", commas(what))
            .into(),
        Event::Changed { what } => Message::new("progress-changed")
            .with("what", what.join("; "))
            .into(),
        Event::StepRetried { name, error } => {
            let line = Message::new("progress-retrying")
                .with("step", numbered(name))
                .with("error", error);
            format!("  ~ {line}")
        }
        Event::StepDone { name, changed, ms } => {
            let mark = if *changed { "✓" } else { "=" };
            format!("  {mark} {} ({})", numbered(name), seconds(*ms))
        }
        Event::StepFailed {
            name,
            error,
            in_doubt,
        } => {
            let line = match in_doubt {
                true => Message::new("progress-in-doubt")
                    .with("step", numbered(name))
                    .with("error", error),
                false => Message::new("progress-failed")
                    .with("step", numbered(name))
                    .with("error", error),
            };
            format!("  ✗ {line}")
        }
        Event::RunDone { done, ok, ms, .. } => {
            let line = match ok {
                true => Message::new("progress-done")
                    .count("steps", *done)
                    .with("took", seconds(*ms)),
                false => Message::new("progress-stopped")
                    .count("steps", *done)
                    .with("took", seconds(*ms)),
            };
            line.into()
        }
    };
    Some(format!("{} {text}", time()))
}

/// The time of day, by this machine's clock and time zone.
fn time() -> String {
    Zoned::now().strftime("%H:%M:%S").to_string()
}

fn numbered(name: &StepName) -> String {
    match name.number {
        Some(number) => format!("{number} {}", clean(&name.title)),
        None => clean(&name.title),
    }
}

/// [`clean`] for text of several lines; keeps its line ends.
pub fn clean_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(clean).collect();
    lines.join("\n")
}
