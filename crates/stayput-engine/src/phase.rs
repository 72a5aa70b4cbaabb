//! Runs one phase: its steps in the order of their dependencies, with limited concurrency.

use stayput_estate::mutants::Mutant;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::stream::StreamExt;
use serde::Serialize;
use stayput_ledger::Outcome;
use stayput_plan::Action;
use stayput_plan::Step;
use stayput_plan::StepId;

use crate::Event;
use crate::StepError;
use crate::clock::Stopwatch;
use crate::clock::jittered;
use crate::context::PhaseContext;
use crate::context::StepContext;
use crate::error::FailedStep;
use crate::error::chain;
use crate::event::StepName;
use crate::steps;

/// Machines cut over at the same time. A cutover is mostly waiting for Move; the number is HCX's published
/// figure of 200 per mesh (Figures reference §1), since Move publishes none.
const CUTOVERS_AT_ONCE: usize = 200;

/// Attempts at one step in one run of its phase, if each fails with a transient error. The clients also retry single calls.
const ATTEMPTS: u32 = 4;

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The step.
    pub step: StepId,
    /// Whether it changed anything.
    pub changed: bool,
    /// When it began (RFC 3339), by this machine's clock.
    pub began: String,
    /// When it ended (RFC 3339).
    pub ended: String,
    /// Wall time in milliseconds.
    pub ms: u64,
}

/// The result of a phase.
#[derive(Debug, Default)]
pub struct PhaseEnd {
    /// Steps that are done, in the order they ended.
    pub done: Vec<StepReport>,
    /// Steps that failed. Steps that depend on them were not started; all others were.
    pub failed: Vec<FailedStep>,
    /// Operations that continue without stayput, because the run was asked to stop.
    pub goes_on: Vec<String>,
}

/// Runs the steps of one phase. A failed step blocks only the steps that depend on it; independent machines continue.
pub async fn run(
    shared: &PhaseContext,
    steps: &[&Step],
    name: &impl Fn(&Step) -> StepName,
) -> PhaseEnd {
    let here: BTreeSet<&StepId> = steps.iter().map(|step| &step.id).collect();
    let mut open: BTreeMap<&StepId, usize> = BTreeMap::new();
    let mut dependants: BTreeMap<&StepId, Vec<&Step>> = BTreeMap::new();
    // By lane, so that steps that wait for a full lane are not scanned each time a step ends.
    let mut ready: BTreeMap<Lane, VecDeque<&Step>> = BTreeMap::new();
    for &step in steps {
        let needs = step.needs.iter().filter(|need| here.contains(need));
        let mut count = 0;
        for need in needs {
            dependants.entry(need).or_default().push(step);
            count += 1;
        }
        open.insert(&step.id, count);
        if count == 0 {
            let lane = ready.entry(Lane::of(&step.action)).or_default();
            lane.push_back(step);
        }
    }
    let concurrency = shared.estate.engine.concurrency;
    let mut under_way = FuturesUnordered::new();
    let mut busy: BTreeMap<Lane, usize> = BTreeMap::new();
    let mut end = PhaseEnd::default();
    loop {
        if !shared.stop.is_asked() {
            for (&lane, queue) in &mut ready {
                let in_lane = busy.entry(lane).or_default();
                while *in_lane < lane.width(concurrency)
                    && let Some(step) = queue.pop_front()
                {
                    *in_lane += 1;
                    let name = name(step);
                    // Not spawned as tasks: a run mostly waits, and dropping it also drops its steps.
                    under_way.push(async move {
                        let result = run_step(shared, step, &name).await;
                        (step, lane, name, result)
                    });
                }
            }
        }
        let Some((step, lane, name, result)) = under_way.next().await else {
            break;
        };
        if let Some(in_lane) = busy.get_mut(&lane) {
            *in_lane -= 1;
        }
        match result {
            Ok(report) => {
                end.done.push(report);
                for next in dependants.get(&step.id).into_iter().flatten() {
                    if let Some(left) = open.get_mut(&next.id) {
                        *left -= 1;
                        if *left == 0 {
                            let lane = ready.entry(Lane::of(&next.action)).or_default();
                            lane.push_back(next);
                        }
                    }
                }
            }
            Err(StepError::Interrupted { what }) => end.goes_on.push(what),
            Err(error) => end.failed.push(FailedStep {
                step: step.id.clone(),
                title: name.title,
                error,
            }),
        }
    }
    end
}

/// Runs one step, and retries it after transient errors.
async fn run_step(
    shared: &PhaseContext,
    step: &Step,
    name: &StepName,
) -> Result<StepReport, StepError> {
    let watch = Stopwatch::start();
    let began = shared.now().to_string();
    shared
        .events
        .send(Event::StepStarted { name: name.clone() });
    let mut pause = FIRST_PAUSE;
    let mut attempts = 1;
    let mut doubt: Option<StepError> = None;
    let result = loop {
        let error = match attempt(shared, step).await {
            Ok(changed) => break Ok(changed),
            Err(error) => error,
        };
        let again = error.is_transient() && attempts < ATTEMPTS && !shared.stop.is_asked();
        if !again {
            // What was sent before a check failed may still take effect.
            let earlier = doubt.filter(|_| error.is_of_a_check());
            break Err(match earlier {
                Some(earlier) => earlier.and_then(Err(error)),
                None => error,
            });
        }
        shared.events.send(Event::StepRetried {
            name: name.clone(),
            error: chain(&error),
        });
        doubt = Some(error).filter(StepError::is_in_doubt).or(doubt);
        tokio::time::sleep(jittered(pause, &shared.ambient.entropy)).await;
        attempts += 1;
        pause = pause.saturating_mul(2);
    };
    match result {
        Ok(changed) => {
            let ms = watch.ms();
            shared.events.send(Event::StepDone {
                name: name.clone(),
                changed,
                ms,
            });
            Ok(StepReport {
                step: step.id.clone(),
                changed,
                began,
                ended: shared.now().to_string(),
                ms,
            })
        }
        Err(error) => {
            shared.events.send(Event::StepFailed {
                name: name.clone(),
                error: chain(&error),
                in_doubt: error.is_in_doubt(),
            });
            Err(error)
        }
    }
}

/// One attempt: the intent is recorded before any change, the outcome after it.
async fn attempt(shared: &PhaseContext, step: &Step) -> Result<bool, StepError> {
    let intent = serde_json::json!({"action": step.action, "inverse": step.inverse});
    let ledger = &shared.ledger;
    let attempt = ledger
        .begin_attempt(&shared.run, &step.id, &shared.who, &intent, shared.now())
        .await?;
    let context = StepContext::new(shared.clone(), step.id.clone(), attempt);
    let result = steps::perform(&context, &step.action).await;
    let outcome = match &result {
        Ok(true) => Outcome::Done,
        Ok(false) => Outcome::Unchanged,
        // A check that fails says nothing about what an earlier attempt sent: the next one must repeat it with the same id.
        Err(error)
            if (error.is_in_doubt() || error.is_of_a_check() && context.leaves_doubt())
                && !Mutant::InDoubtIsFailed.is_chosen() =>
        {
            Outcome::InDoubt {
                error: chain(error),
            }
        }
        Err(error) => Outcome::Failed {
            error: chain(error),
        },
    };
    let concluded = ledger
        .conclude(attempt.sequence, &outcome, shared.now())
        .await;
    match result {
        Ok(changed) => Ok(concluded.map(|()| changed)?),
        Err(error) => Err(error.and_then(concluded.map_err(StepError::from))),
    }
}

/// Steps that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Waits for Move, for minutes.
    Cutover,
    /// Work on one machine.
    Machine,
    /// All other steps, in the order of the plan.
    Other,
}

impl Lane {
    fn of(action: &Action) -> Self {
        match action {
            Action::Cutover { .. } | Action::Replicate { .. } => Self::Cutover,
            Action::RestoreNics { .. }
            | Action::ShutDown { .. }
            | Action::StartSource { .. }
            | Action::ReleaseNics { .. } => Self::Machine,
            Action::Capture { .. }
            | Action::EnsureFlowVpc { .. }
            | Action::EnsureSubnet { .. }
            | Action::Erp { .. }
            | Action::TgwRoute { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::RunRecovery { .. }
            | Action::PowerOff { .. }
            | Action::DeleteVm { .. }
            | Action::CancelMovePlan { .. }
            | Action::RemoveCopies { .. }
            | Action::Verify { .. } => Self::Other,
        }
    }

    fn width(self, concurrency: usize) -> usize {
        match self {
            Self::Cutover => CUTOVERS_AT_ONCE,
            Self::Machine | Self::Other => concurrency,
        }
    }
}
