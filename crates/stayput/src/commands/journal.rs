//! `stayput journal`: what was done, when, by whom.

use std::fmt::Write;

use serde_json::json;
use stayput_ledger::Ledger;
use stayput_ledger::Outcome;

use crate::cli::Global;
use crate::cli::JournalArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &JournalArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let ledger = session::open_ledger(&estate)?;
    let runs = ledger.runs().await?;
    let Some(wanted) = &args.run else {
        let mut text = String::new();
        for run in &runs {
            let _ = writeln!(
                text,
                "{}  {}  {}  by {}  {}",
                run.id, run.started, run.goal, run.who, run.state
            );
        }
        if runs.is_empty() {
            text.push_str("nothing was ever applied to this estate\n");
        }
        return Ok(Output::new(text, json!({ "runs": runs })));
    };
    let found: Vec<_> = runs
        .iter()
        .filter(|run| run.id.as_str().starts_with(wanted.as_str()))
        .collect();
    let [run] = found.as_slice() else {
        return Err(CommandError::new(
            Kind::Usage,
            format!("{} runs start with `{wanted}`", found.len()),
        )
        .hint("`stayput journal` lists the runs"));
    };
    let entries = ledger.journal(&run.id).await?;
    let mut text = format!("{} by {}, {}\n", run.goal, run.who, run.started);
    for entry in &entries {
        let outcome = match &entry.outcome {
            Some(Outcome::Done) => "done",
            Some(Outcome::Unchanged) => "was so already",
            Some(Outcome::Failed { error }) => error,
            Some(Outcome::InDoubt { error }) => &format!("in doubt: {error}"),
            None => "no outcome on record: the process died",
        };
        let _ = writeln!(text, "  {}  {}: {outcome}", entry.at, entry.step);
        for seen in &entry.observed {
            let _ = writeln!(text, "      {seen}");
        }
    }
    Ok(Output::new(text, json!({ "run": run, "entries": entries })))
}
