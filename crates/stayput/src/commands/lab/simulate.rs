//! `stayput lab simulate`: stories with faults, in this process and in virtual time.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

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
use crate::ui;

/// Bad stories that are shown whole.
const SHOWN: usize = 20;
/// How often a line says how far it is, where no bar can be shown.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// The seed of jitter and ids in stories with a single fault.
const SINGLE_FAULT_SEED: u64 = 1;

/// Tells the stories, in threads of its own: each has a runtime with paused time, which cannot be nested in this one.
///
/// # Errors
/// The scenario is not valid, or nothing is left to tell.
pub fn simulate(args: &SimulateArgs, quiet: bool) -> Result<Output, CommandError> {
    let simulate = Simulate { args, quiet };
    std::thread::scope(|scope| match scope.spawn(|| simulate.told()).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Stories as the arguments ask for them.
struct Simulate<'a> {
    args: &'a SimulateArgs,
    quiet: bool,
}

impl Simulate<'_> {
    fn told(&self) -> Result<Output, CommandError> {
        let report = match (&self.args.seeds, self.args.single_faults) {
            (Some(seeds), _) => self.of_seeds(*seeds)?,
            (None, Some(which)) => self.of_singles(which)?,
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

    fn of_seeds(&self, span: Span) -> Result<Report, CommandError> {
        let seeds = Seeds::new(&self.args.scenario).map_err(unusable)?;
        let numbers: Vec<_> = (span.from..span.to)
            .step_by(self.args.step as usize)
            .collect();
        let mut report = self.campaign(numbers.len(), |campaign| {
            campaign.run(&numbers, |seed| seeds.tell(seed))
        });
        report.seeds = numbers.len() as u64;
        Ok(report)
    }

    fn of_singles(&self, which: Singles) -> Result<Report, CommandError> {
        let setting = Setting {
            scenario: self.args.scenario.clone(),
            machines: None,
            seed: SINGLE_FAULT_SEED,
        };
        let chapters = chapters(&setting).map_err(unusable)?;
        let all = match which {
            Singles::All => singles(&chapters),
            Singles::Kinds => kinds(singles(&chapters)),
        };
        let count = all.len();
        let range = self.args.range.map_or(0..count, |span| {
            let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(count);
            at(span.from)..at(span.to)
        });
        let chosen: Vec<Single> = all[range]
            .iter()
            .step_by(self.args.step as usize)
            .cloned()
            .collect();
        if chosen.is_empty() {
            let what = Message::new("simulate-empty-range").with("count", count);
            return Err(CommandError::new(Kind::Usage, what));
        }
        Ok(self.campaign(chosen.len(), |campaign| {
            campaign.singles(&chapters, &chosen, self.args.acts_after)
        }))
    }

    fn campaign(&self, count: usize, run: impl Fn(&Campaign<'_>) -> Report) -> Report {
        let threads = match self.args.threads {
            Some(threads) => threads.into(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let shown = Shown::new(count, self.quiet);
        let progress = |done: usize, bad: Option<&Bad>| shown.told(done, bad);
        let report = run(&Campaign {
            threads,
            keep: SHOWN,
            progress: &progress,
        });
        shown.bar.finish_and_clear();
        report
    }
}

fn unusable(error: SimulationError) -> CommandError {
    CommandError::from_error(Kind::Usage, &error)
}

/// What is shown while stories are told: a bar on a terminal, and lines else.
struct Shown {
    bar: ProgressBar,
    count: usize,
    is_quiet: bool,
    bad: AtomicUsize,
    /// When a line was written last.
    last: Mutex<Instant>,
}

impl Shown {
    fn new(count: usize, is_quiet: bool) -> Self {
        let bar = ProgressBar::new(count as u64);
        if is_quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(&Message::new("simulate-bar").to_string()) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            count,
            is_quiet,
            bad: AtomicUsize::new(0),
            last: Mutex::new(Instant::now()),
        }
    }

    /// A story is told; `bad`: a promise was not kept, or it is stuck.
    fn told(&self, done: usize, bad: Option<&Bad>) {
        self.bar.inc(1);
        if let Some(bad) = bad {
            self.bad.fetch_add(1, Ordering::Relaxed);
            let line = Message::new("simulate-story-is-bad")
                .with("number", bad.number)
                .with("what", &bad.what);
            self.line(&line);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bar.is_hidden() && last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            let line = Message::new("simulate-progress")
                .with("done", done)
                .with("count", self.count)
                .with("bad", self.bad.load(Ordering::Relaxed));
            self.line(&line);
        }
    }

    fn line(&self, line: &Message) {
        if !self.is_quiet {
            let line = ui::clean_lines(&line.to_string());
            self.bar
                .suspend(|| drop(writeln!(anstream::stderr(), "{line}")));
        }
    }
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
