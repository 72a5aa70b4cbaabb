//! `stayput journal`: what was done, when, and by which user; closes runs that will not be resumed.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::json;
use stayput_ledger::Entry;
use stayput_ledger::Holder;
use stayput_ledger::LeaseScope;
use stayput_ledger::Ledger;
use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_plan::Action;
use stayput_plan::Names;
use stayput_plan::PlanSummary;
use stayput_plan::counted;
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
    let ledger = session::open_ledger(&estate)?;
    let runs = ledger.runs().await?;
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
            let text = format!("run {} ({}) is abandoned: {why}\n", run.id, run.goal);
            let json = json!({ "ok": true, "run": run.id, "goal": run.goal, "why": why });
            Ok(Output::new(text, json))
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

/// The run with this id or beginning of an id.
///
/// # Errors
/// No run has it, or several.
pub fn called<'r>(runs: &'r [Run], wanted: &str) -> Result<&'r Run, CommandError> {
    let found: Vec<_> = runs
        .iter()
        .filter(|run| run.id.as_str().starts_with(wanted))
        .collect();
    match found.as_slice() {
        [run] => Ok(run),
        [] => Err(
            CommandError::new(Kind::Usage, format!("no run starts with `{wanted}`"))
                .hint("`stayput journal` lists the runs"),
        ),
        many => Err(CommandError::new(
            Kind::Usage,
            format!("{} runs start with `{wanted}`", many.len()),
        )
        .hint("give more of the id; `stayput journal` lists the runs")),
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
                format!("open; the estate is locked by {holder}")
            }
            _ => run.state.to_string(),
        };
        let _ = writeln!(
            text,
            "{}  {}  {}  by {}  {state}",
            run.id, run.started, run.goal, run.who
        );
    }
    if runs.is_empty() {
        text.push_str("no plan was applied to this estate yet\n");
    }
    Output::new(text, json!({ "runs": runs, "holder": holder }))
}

fn show(run: &Run, entries: &[Entry], facts: &Facts, holder: Option<&Holder>) -> Output {
    let names = names(facts);
    let mut text = format!(
        "{} by {}, {}, {}\n",
        run.goal, run.who, run.started, run.state
    );
    let running = run.is_open() && holder.is_some();
    if let Some(holder) = holder.filter(|_| running) {
        let _ = writeln!(text, "the estate is locked by {holder}");
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
            Ok(action) => action.describe(&names),
            Err(_) => entry.step.to_string(),
        };
        let outcome = match (&entry.outcome, running) {
            (Some(Outcome::Done), _) => "done".to_owned(),
            (Some(Outcome::Unchanged), _) => "was so already".to_owned(),
            (Some(Outcome::Failed { error }), _) => format!("failed: {error}"),
            (Some(Outcome::InDoubt { error }), _) => format!("in doubt: {error}"),
            (None, true) => "no outcome yet: it is in progress, or its process ended".to_owned(),
            (None, false) => "no outcome on record: its process ended".to_owned(),
        };
        let took = entry.ended.map(|ended| {
            let ms = ended.as_millisecond() - entry.at.as_millisecond();
            u64::try_from(ms).unwrap_or_default()
        });
        let duration = took.map_or_else(String::new, |ms| format!(" ({})", ui::seconds(ms)));
        let attempt = match entry.attempt {
            1 => String::new(),
            number => format!(", attempt {number}"),
        };
        let by = match entry.who == run.who {
            true => String::new(),
            false => format!(", by {}", entry.who),
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
    let by = match entry.who == run.who {
        true => String::new(),
        false => format!(" by {}", entry.who),
    };
    let steps = counted(approved.steps, "step");
    let _ = writeln!(
        text,
        "  {}  a plan of {steps} was approved{by}: {}",
        entry.at, approved.verdict
    );
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
