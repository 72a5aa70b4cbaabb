//! Copies of machines that tests of a recovery plan made, and whose they are.

use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::VmExtId;
use stayput_ledger::Entry;
use stayput_ledger::RunState;
use stayput_nutanix::Looks;
use stayput_nutanix::PrismClient;
use stayput_nutanix::PrismError;
use stayput_plan::Action;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::RecoveryRun;
use stayput_world::prism::RecoveryAction;

use crate::StepError;
use crate::context::StepContext;

/// The test jobs of a recovery plan that this run has started: only their copies are its own to remove.
pub async fn tests_of_this_run(
    context: &StepContext,
    plan: &str,
) -> Result<Vec<RecoveryJobExtId>, StepError> {
    let journal = context.ledger.journal(&context.run).await?;
    let tests = journal.iter().filter(|entry| is_test_of(entry, plan));
    Ok(tests.flat_map(recorded).collect())
}

/// The test jobs of a recovery plan that runs of this ledger have started which were given up. A job that is not on record, because the
/// computer lost power right after it was started, is looked for by its request.
pub async fn tests_of_runs_given_up(
    context: &StepContext,
    prism: &PrismClient,
    plan: &str,
    id: &RecoveryPlanExtId,
) -> Result<Vec<RecoveryJobExtId>, StepError> {
    let mut jobs = Vec::new();
    for run in context.ledger.runs().await? {
        let is_test = matches!(
            run.goal,
            Goal::Failover {
                mode: FailoverMode::Test,
                ..
            }
        );
        let is_given_up = matches!(run.state, RunState::Abandoned { .. });
        if !is_test || !is_given_up {
            continue;
        }
        for entry in context.ledger.journal(&run.id).await? {
            if !is_test_of(&entry, plan) {
                continue;
            }
            let before = jobs.len();
            jobs.extend(recorded(&entry));
            if jobs.len() > before {
                continue;
            }
            for concluded in 0..entry.attempt {
                let request = context.request_of(&run.id, &entry.step, "run", concluded);
                let found = prism
                    .find_job(id, &RecoveryAction::TestFailover, request, Looks::Once)
                    .await?;
                jobs.extend(found);
            }
        }
    }
    Ok(jobs)
}

/// Whether an entry of the journal is an attempt to test this recovery plan.
fn is_test_of(entry: &Entry, plan: &str) -> bool {
    let action = entry.intent.get("action").cloned().unwrap_or_default();
    matches!(
        serde_json::from_value(action),
        Ok(Action::RunRecovery { plan: of, run: RecoveryRun::Test, .. }) if of == plan
    )
}

/// The jobs that an attempt has on record.
fn recorded(entry: &Entry) -> impl Iterator<Item = RecoveryJobExtId> {
    let jobs = entry.observed.iter();
    jobs.filter_map(|observed| observed.get("job")?.as_str())
        .map(RecoveryJobExtId::new)
}

/// Whether a copy that one of these jobs made still exists.
pub async fn is_any_copy_left(
    prism: &PrismClient,
    jobs: &[RecoveryJobExtId],
) -> Result<bool, StepError> {
    for job in jobs {
        for copy in copies_of(prism, job).await? {
            if prism.find_vm(&copy, Looks::Once).await?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether one of these jobs has made copies.
pub async fn any_made_copies(
    prism: &PrismClient,
    jobs: &[RecoveryJobExtId],
) -> Result<bool, StepError> {
    for job in jobs {
        if !copies_of(prism, job).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The copies that a job made. A job that Prism Central no longer knows tells of none: the plan looks for copies that no job names.
async fn copies_of(prism: &PrismClient, job: &RecoveryJobExtId) -> Result<Vec<VmExtId>, StepError> {
    match prism.job(job).await {
        Ok(report) => Ok(report.job.recovered.into_values().collect()),
        Err(PrismError::Missing(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Whether these jobs made copies, and none of the copies exists any more.
pub async fn are_copies_gone(
    prism: &PrismClient,
    jobs: &[RecoveryJobExtId],
) -> Result<bool, StepError> {
    let mut made = 0;
    for job in jobs {
        for copy in copies_of(prism, job).await? {
            made += 1;
            if prism.find_vm(&copy, Looks::Several).await?.is_some() {
                return Ok(false);
            }
        }
    }
    Ok(made > 0)
}
