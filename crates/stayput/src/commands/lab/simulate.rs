//! `stayput lab simulate`: stories with faults, in this process and in virtual time.

mod shown;
mod state;

use std::fmt::Write as _;

use stayput_messages::Message;
use stayput_simulator::Bad;
use stayput_simulator::Campaign;
use stayput_simulator::Outcome;
use stayput_simulator::Report;
use stayput_simulator::Seeds;
use stayput_simulator::Setting;
use stayput_simulator::SimulationError;
use stayput_simulator::chapters;
use stayput_simulator::kinds;
use stayput_simulator::singles;

use self::shown::Shown;
use self::state::State;
use crate::cli::SimulateArgs;
use crate::cli::Singles;
use crate::cli::Span;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

/// Bad stories that are shown whole.
const SHOWN: usize = 20;
/// Stories that are told before the file that remembers them is written again.
const BETWEEN_WRITES: usize = 200;
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
            failure: (!ok).then_some(Kind::Failed),
        })
    }

    fn of_seeds(&self, span: Span) -> Result<Report, CommandError> {
        let seeds = Seeds::new(&self.args.scenario).map_err(unusable)?;
        let numbers: Vec<_> = (span.from..span.to)
            .step_by(self.args.step as usize)
            .collect();
        let asked = format!("seeds {}..{}", span.from, span.to);
        let mut report = self.campaign(asked, &numbers, |seed| seeds.tell(seed))?;
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
        let (all, which) = match which {
            Singles::All => (singles(&chapters), "all"),
            Singles::Kinds => (kinds(singles(&chapters)), "kinds"),
        };
        let count = all.len() as u64;
        let range = self.args.range.unwrap_or(Span { from: 0, to: count });
        let range = range.from.min(count)..range.to.min(count);
        let asked = format!(
            "single faults, {which}, {}..{} of {count}, with {} further acts",
            range.start, range.end, self.args.acts_after
        );
        let numbers: Vec<_> = range.step_by(self.args.step as usize).collect();
        if numbers.is_empty() {
            let what = Message::new("simulate-empty-range").with("count", count);
            return Err(CommandError::new(Kind::Usage, what));
        }
        self.campaign(asked, &numbers, |number| {
            let single = &all[usize::try_from(number).unwrap_or_default()];
            single.tell(&chapters, self.args.acts_after)
        })
    }

    /// Tells the stories with these numbers; those that a file says were told are not told again.
    fn campaign(
        &self,
        asked: String,
        numbers: &[u64],
        story: impl Fn(u64) -> (String, Result<Outcome, SimulationError>) + Sync,
    ) -> Result<Report, CommandError> {
        let threads = match self.args.threads {
            Some(threads) => threads.into(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let asked = format!(
            "{asked}, every {}, scenario {}",
            self.args.step, self.args.scenario
        );
        let mut state = State::read(self.args.state.as_deref(), asked)?;
        let left = numbers.get(state.told()..).unwrap_or_default();
        let shown = Shown::new(left.len(), self.quiet);
        let at_once = match self.args.state {
            Some(_) => BETWEEN_WRITES,
            None => left.len().max(1),
        };
        let mut before = 0;
        for part in left.chunks(at_once) {
            let progress = |done: usize, bad: Option<&Bad>| shown.told(before + done, bad);
            let campaign = Campaign {
                threads,
                keep: SHOWN,
                progress: &progress,
            };
            state.add(part.len(), campaign.run(part, &story))?;
            before += part.len();
        }
        shown.end();
        Ok(state.into_report())
    }
}

fn unusable(error: SimulationError) -> CommandError {
    CommandError::from_error(Kind::Usage, &error)
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
        .with("told", report.totals.runs_completed)
        .with("faults", report.totals.faults_injected)
        .with("violations", report.totals.violations)
        .with("stuck", report.totals.stuck)
        .with("wall", report.totals.wall_ms / 1000)
        .with("virtual", report.totals.virtual_secs / 3600);
    let _ = writeln!(text, "{summary}");
    text
}
