//! The goal that takes a run back: what the run did is read from its journal, and from those of runs before it that were not finished.

use std::collections::BTreeSet;

use stayput_estate::RecoveryJobExtId;
use stayput_ledger::Entry;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_ledger::RunId;
use stayput_ledger::RunState;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::AttemptEnd;
use stayput_plan::Attempted;
use stayput_plan::Goal;
use stayput_plan::NotUndone;
use stayput_plan::Obstacle;
use stayput_plan::RunRecord;

use crate::EngineError;
use crate::session::places_machines;

/// The goal that takes this run back. The same run gives the same goal, so that a rollback is resumed.
///
/// # Errors
/// [`EngineError::Obstacles`] when the run is a rollback, or a later run concerns the same machines; the ledger.
pub async fn rollback_goal(ledger: &dyn Ledger, run: &Run) -> Result<Goal, EngineError> {
    let refused = |why: NotUndone| {
        let (run, why) = (run.id.clone(), Box::new(why));
        Err(EngineError::Obstacles(vec![Obstacle::NotUndone {
            run,
            why,
        }]))
    };
    if let Goal::Rollback { of, .. } = &run.goal {
        let of = of.to_string();
        return refused(NotUndone::IsRollback { of });
    }
    let runs = ledger.runs().await?;
    let rolled_back: BTreeSet<_> = runs.iter().filter_map(taken_back).collect();
    let mut half_back = BTreeSet::new();
    for rollback in &runs {
        if let Some(of) = half_taken_back(rollback)
            && !ledger.journal(&rollback.id).await?.is_empty()
        {
            half_back.insert(of);
        }
    }
    let shares = |other: &&Run| !other.goal.networks().is_disjoint(run.goal.networks());
    let places =
        |other: &&Run| !matches!(other.goal, Goal::Rollback { .. }) && places_machines(&other.goal);
    if places(&run) {
        let later = runs.iter().take_while(|other| other.id != run.id);
        for other in later.filter(shares).filter(places) {
            let did = record_of(ledger, [&other.id]).await?;
            if !rolled_back.contains(&other.id) && !did.is_harmless() {
                return refused(NotUndone::LaterRun {
                    later: other.id.clone(),
                    goal: other.goal.to_string(),
                });
            }
        }
    }
    let mut taken = vec![&run.id];
    if let Goal::Move { .. } = run.goal {
        // Machines that an unfinished move has brought were routed by this one, or not at all. What a rollback that was cut short has left of
        // an earlier move, this one took over.
        let before = runs.iter().skip_while(|other| other.id != run.id).skip(1);
        let unfinished = before.filter(shares).filter(places).take_while(|other| {
            let is_reached = matches!(other.state, RunState::Reached { .. });
            let is_move = matches!(other.goal, Goal::Move { .. });
            let is_half_back = half_back.contains(&other.id);
            is_move && (!is_reached || is_half_back) && !rolled_back.contains(&other.id)
        });
        taken.extend(unfinished.map(|other| &other.id));
    }
    Ok(Goal::Rollback {
        networks: run.goal.networks().clone(),
        run: run.id.clone(),
        of: Box::new(run.goal.clone()),
        did: Box::new(record_of(ledger, taken.into_iter().rev()).await?),
    })
}

/// The run that a rollback has taken back.
fn taken_back(rollback: &Run) -> Option<RunId> {
    match (&rollback.goal, &rollback.state) {
        (Goal::Rollback { run, .. }, RunState::Reached { .. }) => Some(run.clone()),
        (_, RunState::Open | RunState::Reached { .. } | RunState::Abandoned { .. }) => None,
    }
}

/// The run that a rollback was to take back, and has not; it may have done nothing yet.
fn half_taken_back(rollback: &Run) -> Option<RunId> {
    match (&rollback.goal, &rollback.state) {
        (Goal::Rollback { run, .. }, RunState::Open | RunState::Abandoned { .. }) => {
            Some(run.clone())
        }
        (_, RunState::Open | RunState::Reached { .. } | RunState::Abandoned { .. }) => None,
    }
}

/// What these runs did, the oldest first.
async fn record_of(
    ledger: &dyn Ledger,
    runs: impl IntoIterator<Item = &RunId>,
) -> Result<RunRecord, EngineError> {
    let mut record = RunRecord::default();
    for run in runs {
        for entry in ledger.journal(run).await? {
            add(&mut record, &entry)?;
        }
    }
    Ok(record)
}

/// Adds what one attempt did. An intent that this build does not understand is an error: it would not be taken back.
fn add(record: &mut RunRecord, entry: &Entry) -> Result<(), EngineError> {
    let read = |what: &str| -> Result<Option<Action>, LedgerError> {
        let value = entry.intent.get(what).filter(|value| !value.is_null());
        let read = value.map(|value| serde_json::from_value(value.clone()));
        read.transpose().map_err(|source| LedgerError::Row {
            what: Message::new("entry-of-run")
                .with("sequence", entry.sequence)
                .with("run", &entry.run)
                .to_string(),
            source: Box::new(source),
        })
    };
    let Some(action) = read("action")? else {
        return Ok(());
    };
    let inverse = read("inverse")?;
    let mut jobs = entry.observed.iter().filter_map(|seen| seen.get("job"));
    let job = jobs.find_map(|job| job.as_str()).map(RecoveryJobExtId::new);
    record.add(Attempted {
        action: &action,
        inverse: inverse.as_ref(),
        at: &entry.at.to_string(),
        end: match &entry.outcome {
            Some(Outcome::Unchanged) => AttemptEnd::Unchanged,
            Some(Outcome::Failed { .. }) => AttemptEnd::Failed,
            Some(Outcome::Done | Outcome::InDoubt { .. }) | None => AttemptEnd::MayBeDone,
        },
        job: job.as_ref(),
    });
    Ok(())
}

#[cfg(test)]
mod tests;
