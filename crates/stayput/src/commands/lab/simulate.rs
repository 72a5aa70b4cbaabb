//! `stayput lab simulate`: stories with faults, in this process and in virtual time.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use stayput_messages::Message;
use stayput_simulator::Bad;
use stayput_simulator::Campaign;
use stayput_simulator::Report;
use stayput_simulator::Seeds;
use stayput_simulator::Setting;
use stayput_simulator::SimulationError;
use stayput_simulator::Single;
use stayput_simulator::chapters;
use stayput_simulator::kinds;
use stayput_simulator::singles;

use crate::cli::SimulateArgs;
use crate::cli::Singles;
use crate::cli::Span;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

/// Bad stories that are shown whole.
const SHOWN: usize = 20;
/// The seed of jitter and ids in stories with a single fault.
const SINGLE_FAULT_SEED: u64 = 1;

/// Tells the stories, in threads of its own: each has a runtime with paused time, which cannot be nested in this one.
///
/// # Errors
/// The scenario is not valid, or nothing is left to tell.
pub fn simulate(args: &SimulateArgs) -> Result<Output, CommandError> {
    std::thread::scope(|scope| match scope.spawn(|| told(args)).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn told(args: &SimulateArgs) -> Result<Output, CommandError> {
    let report = match (&args.seeds, args.single_faults) {
        (Some(seeds), _) => of_seeds(args, *seeds)?,
        (None, Some(which)) => of_singles(args, which)?,
        (None, None) => {
            return Err(
                CommandError::new(Kind::Usage, Message::new("simulate-nothing"))
                    .hint(Message::new("hint-simulate")),
            );
        }
    };
    let text = text(&report);
    let ok = report.is_ok();
    let mut json = serde_json::to_value(&report).unwrap_or_default();
    json["ok"] = ok.into();
    Ok(Output {
        text,
        json: json.into(),
        ok,
    })
}

fn of_seeds(args: &SimulateArgs, span: Span) -> Result<Report, CommandError> {
    let seeds = Seeds::new(&args.scenario).map_err(unusable)?;
    let numbers: Vec<_> = (span.from..span.to).step_by(args.step as usize).collect();
    let mut report = campaign(args, numbers.len(), |campaign| {
        campaign.run(&numbers, |seed| seeds.tell(seed))
    });
    report.seeds = numbers.len() as u64;
    Ok(report)
}

fn unusable(error: SimulationError) -> CommandError {
    CommandError::from_error(Kind::Usage, &error)
}

fn of_singles(args: &SimulateArgs, which: Singles) -> Result<Report, CommandError> {
    let setting = Setting {
        scenario: args.scenario.clone(),
        machines: None,
        seed: SINGLE_FAULT_SEED,
    };
    let chapters = chapters(&setting).map_err(unusable)?;
    let all = match which {
        Singles::All => singles(&chapters),
        Singles::Kinds => kinds(singles(&chapters)),
    };
    let count = all.len();
    let range = args.range.map_or(0..count, |span| {
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(count);
        at(span.from)..at(span.to)
    });
    let chosen: Vec<Single> = all[range]
        .iter()
        .step_by(args.step as usize)
        .cloned()
        .collect();
    if chosen.is_empty() {
        let what = Message::new("simulate-empty-range").with("count", count);
        return Err(CommandError::new(Kind::Usage, what));
    }
    Ok(campaign(args, chosen.len(), |campaign| {
        campaign.singles(&chapters, &chosen, args.acts_after)
    }))
}

fn campaign(args: &SimulateArgs, count: usize, run: impl Fn(&Campaign<'_>) -> Report) -> Report {
    let threads = match args.threads {
        Some(threads) => threads.into(),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let bar = ProgressBar::new(count as u64);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template(&Message::new("simulate-bar").to_string()) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let progress = |_: usize, bad: Option<&Bad>| {
        bar.inc(1);
        if let Some(bad) = bad {
            let line = Message::new("simulate-story-is-bad")
                .with("number", bad.number)
                .with("what", &bad.what);
            bar.println(line.to_string());
        }
    };
    let report = run(&Campaign {
        threads,
        keep: SHOWN,
        progress: &progress,
    });
    bar.finish_and_clear();
    report
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for bad in &report.bad {
        let story = Message::new("simulate-story")
            .with("number", bad.number)
            .with("what", &bad.what);
        let _ = writeln!(text, "{story}");
        if let Some(error) = &bad.error {
            let error = Message::new("simulate-not-told").with("error", error);
            let _ = writeln!(text, "  {error}");
        }
        let Some(outcome) = &bad.outcome else {
            continue;
        };
        if let Some(shrunk) = &outcome.shrunk {
            let shrunk = Message::new("simulate-shrunk").with("faults", shrunk);
            let _ = writeln!(text, "  {shrunk}");
        }
        for told in &outcome.told {
            let end = serde_json::to_string(&told.end).unwrap_or_default();
            let _ = writeln!(text, "  {} {}: {end}", told.at, told.command);
        }
        for violation in &outcome.violations {
            let _ = writeln!(
                text,
                "  ✗ {} {:?}: {}",
                violation.at, violation.promise, violation.what
            );
        }
        if let Some(stuck) = &outcome.stuck {
            let stuck = Message::new("simulate-given-up").with("stuck", stuck);
            let _ = writeln!(text, "  ✗ {stuck}");
        }
    }
    let summary = Message::new("simulate-summary")
        .with("told", report.runs_completed)
        .with("faults", report.faults_injected)
        .with("violations", report.violations)
        .with("stuck", report.stuck)
        .with("wall", report.wall_ms / 1000)
        .with("virtual", report.virtual_secs / 3600);
    let _ = writeln!(text, "{summary}");
    text
}
