//! Recovery plan actions and the jobs that they start (`dataprotection` ≥ v4.2, Prism reference §6.6).
//!
//! A job runs on the Prism Central of the recovery site, in three phases: it validates, it recovers the VMs stage by stage, and
//! it completes. A planned failover first powers off the sources in reverse order and synchronises once more. An unplanned
//! failover and a test start from recovery points and do not change the sources.

mod stages;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::clock::VTime;
use crate::faults::Fate;
use crate::prism::PrismEvent;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Effect;
use crate::prism::members;
use crate::prism::members::StageMembers;
use crate::prism::model::Action;
use crate::prism::model::Failure;
use crate::prism::model::Job;
use crate::prism::model::JobStage;
use crate::prism::model::JobStatus;
use crate::prism::model::NextAction;
use crate::prism::model::Phase;
use crate::prism::model::Plan;
use crate::prism::model::Step;
use crate::prism::model::TaskStatus;
use crate::prism::tasks;
use crate::prism::validation;
use crate::state;
use crate::state::LabState;

/// The first dataprotection minor with recovery plan actions and jobs.
pub const SINCE: u32 = 2;

/// How long a job at a site that is down waits before it tries again.
const DEAD_SITE_RETRY: Duration = Duration::from_secs(60);

/// Serves `dataprotection/v4.N/operations/recovery-plans/{plan}/$actions/{action}`.
///
/// # Errors
/// An unknown plan or action, an invalid body, or another running job of the plan.
pub fn serve(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    plan_id: &str,
    action: &str,
) -> Answer {
    let action = match action {
        "validate" => Some(Action::Validate),
        "planned-failover" => Some(Action::Planned),
        "unplanned-failover" => Some(Action::Unplanned),
        "test-failover" => Some(Action::Test),
        "clean-up-resources" => None,
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    if call.request.method != "POST" {
        return Err(Problem::method(&call.request.method));
    }
    let state = &lab.pcs[pc];
    let plan = state
        .plans
        .get(plan_id)
        .ok_or_else(|| Problem::not_found("Recovery plan", plan_id))?;
    let job = action
        .map(|action| parse(&state.domain_manager, plan_id, plan, action, &call.body()?))
        .transpose()?;
    // A plan can have one job at a time (inferred).
    let busy = state
        .jobs
        .values()
        .any(|job| job.plan == plan_id && job.ended.is_none());
    if busy {
        return Err(Problem::conflict(
            "RECOVERY_PLAN_JOB_RUNNING",
            format!("Another job of recovery plan {} is running", plan.name),
        ));
    }
    let plan_entity = (
        plan_id.to_owned(),
        "datapolicies:config:recovery-plan".to_owned(),
        Some(plan.name.clone()),
    );
    let Some(mut job) = job else {
        let effect = Effect::CleanUp(plan_id.to_owned());
        let task = tasks::start(
            lab,
            pc,
            "CleanupRecoveryPlanResources",
            vec![plan_entity],
            effect,
        );
        return Ok(call.task(&task));
    };
    job.started = lab.now();
    let operation = format!("{}RecoveryPlan", job.action.name());
    let id = lab.uuid();
    job.task = tasks::add(lab, pc, &operation, vec![plan_entity], None);
    let response = call.task(&job.task);
    lab.pcs[pc].jobs.insert(id.clone(), job);
    let delay = lab.timing.prism_task / 4;
    lab.after(delay, state::LabEvent::Prism(pc, PrismEvent::Job(id)));
    Ok(response)
}

fn parse(
    own: &str,
    plan_id: &str,
    plan: &Plan,
    action: Action,
    sent: &Object,
) -> Result<Job, Problem> {
    let [direction] = body::list(sent, "failoverDirections") else {
        return Err(Problem::schema(
            "failoverDirections",
            "must have exactly one element",
        ));
    };
    let end = |name: &str| {
        direction
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Problem::schema(name, "must not be null"))
    };
    let (source, target) = (
        end("sourceDomainManagerExtId")?,
        end("targetDomainManagerExtId")?,
    );
    let ends = [
        (&plan.primary, &plan.recovery),
        (&plan.recovery, &plan.primary),
    ];
    if !ends.contains(&(&source, &target)) {
        return Err(Problem::argument(
            "failoverDirections must go between the locations of the recovery plan",
        ));
    }
    // Jobs are sent to the Prism Central of the recovery site (Prism reference §6.4).
    if target != own {
        return Err(Problem::argument(format!(
            "the target location {target} is not this domain manager"
        )));
    }
    let reference_time = match body::text(sent, "recoveryReferenceTime") {
        Some(text) if action == Action::Unplanned => Some(instant(text)?),
        Some(_) | None => None,
    };
    Ok(Job {
        plan: plan_id.to_owned(),
        name: body::required_text(sent, "name", 256)?,
        action,
        source,
        target,
        ignore_warnings: body::flag(sent, "shouldIgnoreWarnings").unwrap_or(false),
        reference_time,
        status: JobStatus::Queued,
        next: NextAction::Start,
        validation: None,
        started: VTime::default(),
        ended: None,
        stages: Vec::new(),
        steps: Vec::new(),
        recovered: Vec::new(),
        findings: Vec::new(),
        task: String::new(),
    })
}

fn instant(text: &str) -> Result<VTime, Problem> {
    text.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| u64::try_from(time.as_millisecond()).ok())
        .map(VTime)
        .ok_or_else(|| Problem::schema("recoveryReferenceTime", "must be an RFC 3339 date-time"))
}

/// Handles a due event of a job.
pub fn advance(lab: &mut LabState, pc: usize, id: &str) {
    if lab.is_site_down(pc) {
        proceed_after(lab, pc, id, DEAD_SITE_RETRY);
        return;
    }
    let Some(job) = lab.pcs[pc].jobs.get(id) else {
        return;
    };
    let (next, is_validation) = (job.next, job.action == Action::Validate);
    let fate = tasks::fate(lab, pc, &job.task);
    let fails = match next {
        NextAction::Validate => is_validation,
        NextAction::Recover(_) => true,
        NextAction::Start | NextAction::Finish | NextAction::Nothing => false,
    };
    if fails && fate == Some(Fate::Fails) {
        let why = Some("Internal error: the operation could not be completed");
        end(lab, pc, id, JobStatus::Failed, why);
        return;
    }
    let Some(job) = lab.pcs[pc].jobs.get_mut(id) else {
        return;
    };
    match next {
        NextAction::Start => {
            job.status = JobStatus::Running;
            job.next = NextAction::Validate;
            let task = job.task.clone();
            let entity = (
                id.to_owned(),
                "dataprotection:config:recovery-plan-job".to_owned(),
                Some(job.name.clone()),
            );
            let now = lab.now();
            if let Some(task) = lab.pcs[pc].tasks.get_mut(&task) {
                task.status = TaskStatus::Running;
                task.started = Some(now);
                task.entities.push(entity);
            }
            let delay = lab.timing.prism_task;
            proceed_after(lab, pc, id, delay);
        }
        NextAction::Validate => validate(lab, pc, id),
        NextAction::Recover(stage) => stages::recover(lab, pc, id, stage),
        NextAction::Finish => finish(lab, pc, id),
        NextAction::Nothing => {}
    }
    report(lab, pc, id);
}

fn proceed_after(lab: &mut LabState, pc: usize, id: &str, delay: Duration) {
    lab.after(
        delay,
        state::LabEvent::Prism(pc, PrismEvent::Job(id.to_owned())),
    );
}

/// Updates the progress of the job's task.
fn report(lab: &mut LabState, pc: usize, id: &str) {
    let Some(job) = lab.pcs[pc].jobs.get(id) else {
        return;
    };
    let (percent, task) = (job.percent(), job.task.clone());
    if let Some(task) = lab.pcs[pc].tasks.get_mut(&task)
        && task.completed.is_none()
    {
        task.percent = percent;
    }
}

fn validate(lab: &mut LabState, pc: usize, id: &str) {
    let Some((job, plan)) = job_and_plan(lab, pc, id) else {
        end(
            lab,
            pc,
            id,
            JobStatus::Failed,
            Some("The recovery plan was deleted"),
        );
        return;
    };
    let found = members::stages(lab, pc, &plan, &job);
    let mut findings = validation::validate(lab, pc, &job.plan, &plan, &job, &found);
    for finding in &mut findings {
        finding.id = lab.uuid();
    }
    let errors = findings.iter().any(|finding| finding.error);
    let warnings = !errors && !findings.is_empty();
    let outcome = if errors {
        JobStatus::Failed
    } else if warnings {
        JobStatus::SucceededWithWarning
    } else {
        JobStatus::Succeeded
    };
    if let Some(job) = lab.pcs[pc].jobs.get_mut(id) {
        job.findings = findings;
        job.validation = Some(outcome);
        job.stages = job_stages(&found);
    }
    match job.action {
        Action::Validate => end(lab, pc, id, outcome, None),
        Action::Planned | Action::Unplanned | Action::Test
            if errors || (warnings && !job.ignore_warnings) =>
        {
            let why = Some("Validation of the recovery plan failed");
            end(lab, pc, id, JobStatus::Failed, why);
        }
        Action::Planned | Action::Unplanned | Action::Test => {
            if job.action == Action::Planned {
                stages::power_off_and_synchronise(lab, pc, id, &job, &found);
            }
            stages::enter_stage(lab, pc, id, 0);
        }
    }
}

/// Returns each VM once, in the first stage that contains it.
fn job_stages(stages: &[StageMembers]) -> Vec<JobStage> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    stages
        .iter()
        .map(|stage| JobStage {
            id: stage.id.clone(),
            delay_secs: stage.delay_secs,
            vms: stage
                .members
                .iter()
                .filter(|member| seen.insert(&member.id))
                .map(|member| member.id.clone())
                .collect(),
            status: JobStatus::Queued,
        })
        .collect()
}

fn finish(lab: &mut LabState, pc: usize, id: &str) {
    let mut step = new_step(lab, Phase::PostProcessing, "AUDIT");
    step.description = "Recording the outcome".to_owned();
    step.end(lab.now());
    add_step(lab, pc, id, step);
    let warned = lab.pcs[pc]
        .jobs
        .get(id)
        .is_some_and(|job| !job.findings.is_empty());
    let status = if warned {
        JobStatus::SucceededWithWarning
    } else {
        JobStatus::Succeeded
    };
    end(lab, pc, id, status, None);
}

/// Ends a job and its task.
///
/// Assumption: the task of a validation succeeds once the validation has run, even with findings; the job has the findings.
fn end(lab: &mut LabState, pc: usize, id: &str, status: JobStatus, why: Option<&str>) {
    let now = lab.now();
    let Some(job) = lab.pcs[pc].jobs.get_mut(id) else {
        return;
    };
    job.status = status;
    job.ended = Some(now);
    job.next = NextAction::Nothing;
    let task = job.task.clone();
    let outcome = match why {
        None => Ok(()),
        Some(why) => Err(Failure::new(
            "DPRO-50601",
            "RECOVERY_PLAN_JOB_FAILED",
            format!("{why}: recovery plan job {id}"),
        )),
    };
    if tasks::fate(lab, pc, &task) == Some(Fate::Vanishes) {
        lab.pcs[pc].jobs.remove(id);
    }
    tasks::finish(lab, pc, &task, outcome);
}

/// Deletes the copies that a test failover of this plan has created here.
pub fn clean_up(lab: &mut LabState, pc: usize, plan: &str) {
    lab.pcs[pc]
        .vms
        .retain(|_, vm| vm.test_of.as_deref() != Some(plan));
}

fn job_and_plan(lab: &LabState, pc: usize, id: &str) -> Option<(Job, Plan)> {
    let job = lab.pcs[pc].jobs.get(id)?.clone();
    let plan = lab.pcs[pc].plans.get(&job.plan)?.clone();
    Some((job, plan))
}

fn new_step(lab: &mut LabState, phase: Phase, operation: &'static str) -> Step {
    Step {
        id: lab.uuid(),
        phase,
        operation,
        description: String::new(),
        stage: None,
        status: JobStatus::Running,
        started: lab.now(),
        ended: None,
        entities: Vec::new(),
        results: Vec::new(),
        error: None,
    }
}

fn add_step(lab: &mut LabState, pc: usize, job: &str, step: Step) {
    if let Some(job) = lab.pcs[pc].jobs.get_mut(job) {
        job.steps.push(step);
    }
}

impl Step {
    fn end(&mut self, now: VTime) {
        self.status = JobStatus::Succeeded;
        self.ended = Some(now);
    }
}

impl Action {
    /// Returns the name in task operations.
    fn name(self) -> &'static str {
        match self {
            Self::Validate => "Validate",
            Self::Planned => "PlannedFailover",
            Self::Unplanned => "UnplannedFailover",
            Self::Test => "TestFailover",
        }
    }
}
