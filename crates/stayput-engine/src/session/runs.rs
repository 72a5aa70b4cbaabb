//! Runs in the ledger: opens and closes them, and abandons those that a later goal supersedes.

use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_ledger::RunId;
use stayput_ledger::Who;
use stayput_messages::Message;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Plan;
use stayput_plan::PlanSummary;
use stayput_plan::StepId;

use crate::Engine;
use crate::EngineError;
use crate::Event;

/// The step id of the journal entry that keeps what was approved. No step of a plan has it.
const APPROVAL: &str = "approval";

/// The open run to a goal, or a new one. Older open runs that this goal supersedes are closed and named, so that one of their requests
/// is never taken for a request of this run.
pub async fn open(
    engine: &Engine,
    goal: &Goal,
    who: &Who,
) -> Result<(Run, Vec<String>), EngineError> {
    let id = RunId::new(engine.ambient.entropy.uuid().to_string());
    let run = engine.ledger.open_run(goal, &id, who, engine.now()).await?;
    let mut abandoned = Vec::new();
    for other in engine.ledger.runs().await? {
        let is_taken_back = takes_back(goal, &other);
        if other.is_open()
            && other.id != run.id
            && (is_taken_back || is_superseded(&other.goal, goal))
        {
            let why = match is_taken_back {
                true => Message::new("rolled-back-by").with("run", &run.id),
                false => Message::new("superseded-by")
                    .with("run", &run.id)
                    .with("goal", goal),
            };
            let why = why.to_string();
            engine
                .ledger
                .abandon_run(&other.id, engine.now(), who, &why)
                .await?;
            abandoned.push(format!("{} ({})", other.id, other.goal));
            engine.events.send(Event::RunAbandoned {
                run: other.id,
                goal: other.goal.to_string(),
            });
        }
    }
    Ok((run, abandoned))
}

/// Writes into the journal what was known of the plan when it was approved: its proof in short, and its warnings.
///
/// It is an entry of its own, unchanged by definition, at each time that a run is begun or resumed.
pub async fn record_approval(
    engine: &Engine,
    run: &RunId,
    who: &Who,
    approved: &Plan,
) -> Result<(), EngineError> {
    let ledger = &engine.ledger;
    let step = StepId(APPROVAL.into());
    let intent = serde_json::json!({ "approved": PlanSummary::of(approved) });
    let attempt = ledger
        .begin_attempt(run, &step, who, &intent, engine.now())
        .await?;
    ledger
        .conclude(attempt.sequence, &Outcome::Unchanged, engine.now())
        .await?;
    Ok(())
}

/// Whether a run to this goal is open.
pub async fn is_open(engine: &Engine, goal: &Goal) -> Result<bool, EngineError> {
    let runs = engine.ledger.runs().await?;
    Ok(runs.iter().any(|run| run.is_open() && run.goal == *goal))
}

/// Whether a goal takes back a run, and no run of it was begun.
pub async fn is_new_rollback(engine: &Engine, goal: &Goal) -> Result<bool, EngineError> {
    if !matches!(goal, Goal::Rollback { .. }) {
        return Ok(false);
    }
    let runs = engine.ledger.runs().await?;
    Ok(runs.iter().all(|run| run.goal != *goal))
}

/// Closes every open run to a goal that is reached.
pub async fn close_reached(engine: &Engine, goal: &Goal) -> Result<(), EngineError> {
    for run in engine.ledger.runs().await? {
        if run.is_open() && run.goal == *goal {
            engine.ledger.close_run(&run.id, engine.now()).await?;
        }
    }
    Ok(())
}

/// Whether a goal takes this run back.
fn takes_back(goal: &Goal, other: &Run) -> bool {
    matches!(goal, Goal::Rollback { run, .. } if *run == other.id)
}

/// Whether `later` supersedes `earlier`: both place the same machines.
fn is_superseded(earlier: &Goal, later: &Goal) -> bool {
    let shared = !earlier.networks().is_disjoint(later.networks());
    shared && places_machines(later) && (places_machines(earlier) || is_drill(earlier))
}

/// Whether a goal decides where machines are.
pub fn places_machines(goal: &Goal) -> bool {
    match goal {
        Goal::Move { .. } | Goal::Failback { .. } => true,
        Goal::Failover { mode, .. } => match mode {
            FailoverMode::Planned | FailoverMode::Unplanned => true,
            FailoverMode::Test => false,
        },
        Goal::Rollback { of, .. } => places_machines(of),
        Goal::Capture { .. } | Goal::Protect { .. } | Goal::CleanUp { .. } => false,
    }
}

fn is_drill(goal: &Goal) -> bool {
    matches!(
        goal,
        Goal::Failover {
            mode: FailoverMode::Test,
            ..
        }
    )
}
