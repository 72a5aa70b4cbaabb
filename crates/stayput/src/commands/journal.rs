//! `stayput journal`: what was done, when, and by which user; closes runs that will not be resumed.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::json;
use stayput_ledger::Entry;
use stayput_ledger::Holder;
use stayput_ledger::LeaseScope;
use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::Names;
use stayput_plan::PlanSummary;
use stayput_world::Facts;

use crate::cli::Global;
use crate::cli::JournalArgs;
use crate::cli::JournalCommand;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;
use crate::ui;

pub async fn run(global: &Global, args: &JournalArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let ledger = session::open_ledger(&estate).await?;
    let runs = ledger.runs().await?.into_iter();
    let runs: Vec<_> = runs.filter(|run| !stayput_ledger::is_copy(run)).collect();
    let holder = ledger.holder(&LeaseScope::Estate).await?;
    match (&args.command, &args.run) {
        (Some(JournalCommand::Abandon { run, why }), _) => {
            let run = called(&runs, run)?;
            // The holder of the estate's lease may be working on this run.
            let _lease = ledger
                .acquire(
                    &LeaseScope::Estate,
                    &session::who().into(),
                    Timestamp::now(),
                )
                .await?;
            ledger
                .abandon_run(&run.id, Timestamp::now(), &session::who().into(), why)
                .await?;
            let text = Message::new("run-abandoned-now")
                .with("run", &run.id)
                .with("goal", &run.goal)
                .with("why", why);
            let json = json!({ "ok": true, "run": run.id, "goal": run.goal, "why": why });
            Ok(Output::line(&text, json))
        }
        (None, None) => Ok(list(&runs, holder.as_ref())),
        (None, Some(wanted)) => {
            let run = called(&runs, wanted)?;
            let entries = ledger.journal(&run.id).await?;
            let facts = ledger.facts().await?;
            Ok(show(run, &entries, &facts, holder.as_ref()))
        }
    }
}

/// The shortest beginning of an id that names a run: a shorter one may be a typing error.
const PREFIX_MIN: usize = 4;

/// The run with this id or beginning of an id.
///
/// # Errors
/// The beginning is too short, or no run has it, or several.
pub fn called<'r>(runs: &'r [Run], wanted: &str) -> Result<&'r Run, CommandError> {
    let is_whole = |run: &Run| run.id.as_str() == wanted;
    if wanted.len() < PREFIX_MIN && !runs.iter().any(is_whole) {
        let what = Message::new("run-prefix-too-short")
            .with("wanted", wanted)
            .with("least", PREFIX_MIN);
        return Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-list-runs")));
    }
    let found: Vec<_> = runs
        .iter()
        .filter(|run| run.id.as_str().starts_with(wanted))
        .collect();
    match found.as_slice() {
        [run] => Ok(run),
        [] => Err(CommandError::new(
            Kind::Usage,
            Message::new("no-run-starts-with").with("wanted", wanted),
        )
        .hint(Message::new("hint-list-runs"))),
        many => Err(CommandError::new(
            Kind::Usage,
            Message::new("several-runs-start-with")
                .count("runs", many.len())
                .with("wanted", wanted),
        )
        .hint(Message::new("hint-more-of-id"))),
    }
}

/// Whether an open run is in progress: the one that was started or resumed last, if the estate is locked.
fn is_running(run: &Run, newest_open: Option<&Run>, holder: Option<&Holder>) -> bool {
    holder.is_some() && run.is_open() && newest_open.is_some_and(|newest| newest.id == run.id)
}

fn list(runs: &[Run], holder: Option<&Holder>) -> Output {
    let newest_open = runs.iter().find(|run| run.is_open());
    let mut text = String::new();
    for run in runs {
        let state = match holder {
            Some(holder) if is_running(run, newest_open, Some(holder)) => {
                Message::new("run-is-open-and-locked")
                    .with("holder", holder)
                    .into()
            }
            _ => run.state.to_string(),
        };
        let line = Message::new("journal-run")
            .with("run", &run.id)
            .with("started", run.started)
            .with("goal", &run.goal)
            .with("who", &run.who)
            .with("state", state);
        let _ = writeln!(text, "{line}");
    }
    if runs.is_empty() {
        let _ = writeln!(text, "{}", Message::new("journal-empty"));
    }
    Output::new(text, json!({ "runs": runs, "holder": holder }))
}

fn show(run: &Run, entries: &[Entry], facts: &Facts, holder: Option<&Holder>) -> Output {
    let names = names(facts);
    let title = Message::new("journal-of-run")
        .with("goal", &run.goal)
        .with("who", &run.who)
        .with("started", run.started)
        .part("state", run.state.message());
    let mut text = format!("{title}\n");
    let running = run.is_open() && holder.is_some();
    if let Some(holder) = holder.filter(|_| running) {
        let locked = Message::new("journal-locked").with("holder", holder);
        let _ = writeln!(text, "{locked}");
    }
    let mut json = Vec::new();
    for entry in entries {
        let approved = serde_json::from_value(entry.intent["approved"].clone());
        if let Ok(approved) = approved {
            approval(&mut text, run, entry, &approved);
            let mut of_entry = json!(entry);
            of_entry["title"] = json!("plan approved");
            of_entry["ms"] = json!(null);
            json.push(of_entry);
            continue;
        }
        let action = serde_json::from_value::<Action>(entry.intent["action"].clone());
        let title = match &action {
            Ok(action) => action.describe(&names).into(),
            Err(_) => entry.step.to_string(),
        };
        let outcome = match (&entry.outcome, running) {
            (Some(Outcome::Unchanged), _) => Message::new("journal-was-so"),
            (Some(outcome), _) => outcome.message(),
            (None, true) => Message::new("journal-no-outcome-yet"),
            (None, false) => Message::new("journal-no-outcome"),
        };
        let took = entry.ended.map(|ended| {
            let ms = ended.as_millisecond() - entry.at.as_millisecond();
            u64::try_from(ms).unwrap_or_default()
        });
        let duration = took.map_or_else(String::new, |ms| format!(" ({})", ui::seconds(ms)));
        let attempt = match entry.attempt {
            1 => String::new(),
            number => format!(
                ", {}",
                Message::new("journal-attempt").with("number", number)
            ),
        };
        let by = match entry.who == run.who {
            true => String::new(),
            false => format!(", {}", Message::new("journal-by").with("who", &entry.who)),
        };
        let _ = writeln!(
            text,
            "  {}  {title}{attempt}{by}: {outcome}{duration}",
            entry.at
        );
        for seen in &entry.observed {
            let _ = writeln!(text, "      {seen}");
        }
        let mut of_entry = json!(entry);
        of_entry["title"] = json!(title);
        of_entry["ms"] = json!(took);
        json.push(of_entry);
    }
    Output::new(
        text,
        json!({ "run": run, "entries": json, "holder": holder }),
    )
}

/// What was known of the plan when it was approved.
fn approval(text: &mut String, run: &Run, entry: &Entry, approved: &PlanSummary) {
    let line = match entry.who == run.who {
        true => Message::new("journal-approved")
            .count("steps", approved.steps)
            .with("verdict", &approved.verdict),
        false => Message::new("journal-approved-by")
            .count("steps", approved.steps)
            .with("who", &entry.who)
            .with("verdict", &approved.verdict),
    };
    let _ = writeln!(text, "  {}  {line}", entry.at);
    for hole in &approved.holes {
        let _ = writeln!(text, "      {hole}");
    }
    let warnings = approved.warnings.iter().map(ToString::to_string);
    for told in warnings.chain(approved.findings.iter().cloned()) {
        let _ = writeln!(text, "      ! {told}");
    }
}

/// Names of machines, for people.
fn names(facts: &Facts) -> Names {
    let named = facts.machines.iter().filter_map(|(id, machine)| {
        let name = machine.name.clone()?;
        Some((id.to_string(), name))
    });
    Names(named.collect::<BTreeMap<_, _>>())
}
