//! JSON and API of recovery plan jobs (`dataprotection` ≥ v4.2, Prism reference §6.6).

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::app_message;
use crate::prism::model::Action;
use crate::prism::model::Finding;
use crate::prism::model::FindingGroup;
use crate::prism::model::Job;
use crate::prism::model::JobStatus;
use crate::prism::model::NextAction;
use crate::prism::model::Phase;
use crate::prism::model::Step;
use crate::prism::tasks;
use crate::state::LabState;

/// Serves `dataprotection/v4.N/config/recovery-plan-jobs…`.
///
/// # Errors
/// An unknown job or path, or the deletion of a job that is still running.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    let jobs = &lab.pcs[pc].jobs;
    let find = |id: &str| {
        jobs.get(id)
            .ok_or_else(|| Problem::not_found("Recovery plan job", id))
    };
    match (method, path) {
        ("GET", []) => call.list(jobs.iter().collect(), |(id, job)| render(call, id, job)),
        ("GET", [id]) => Ok(call.entity(200, render(call, id, find(id)?), None)),
        ("GET", [id, "execution-steps"]) => call.list(find(id)?.steps.iter().collect(), |step| {
            render_step(call, step)
        }),
        ("GET", [id, "validation-errors"]) => call
            .list(find(id)?.findings.iter().collect(), |finding| {
                render_finding(call, finding)
            }),
        ("DELETE", [id]) => {
            let job = find(id)?;
            if job.ended.is_none() {
                return Err(Problem::conflict(
                    "RECOVERY_PLAN_JOB_RUNNING",
                    format!("Recovery plan job {id} is still running"),
                ));
            }
            let entity = (
                (*id).to_owned(),
                "dataprotection:config:recovery-plan-job".to_owned(),
                Some(job.name.clone()),
            );
            let state = &mut lab.pcs[pc];
            state.jobs.remove(*id);
            let task = tasks::add(lab, pc, "DeleteRecoveryPlanJob", vec![entity], None);
            tasks::finish(lab, pc, &task, Ok(()));
            Ok(call.task(&task))
        }
        (_, [] | [_] | [_, "execution-steps" | "validation-errors"]) => {
            Err(Problem::method(method))
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

fn render(call: &Call<'_>, id: &str, job: &Job) -> Value {
    let mut json = json!({
        "extId": id,
        "name": job.name,
        "recoveryPlanExtId": job.plan,
        "actionType": job.action.wire(),
        "failoverDirections": [call.tag("dataprotection.v4.config.FailoverDirection", json!({
            "sourceDomainManagerExtId": job.source,
            "targetDomainManagerExtId": job.target,
        }))],
        "startTime": job.started.rfc3339(),
        "status": job.status.wire(),
        "percentageComplete": job.percent(),
        "validationStatus": call.tag(
            "dataprotection.v4.config.Summary",
            summary(job.validation.unwrap_or(match job.next {
                NextAction::Start => JobStatus::Queued,
                NextAction::Validate
                | NextAction::Recover(_)
                | NextAction::Finish
                | NextAction::Nothing => JobStatus::Running,
            })),
        ),
        "executionPhases": phases(call, job),
        "isInitiatedByWitness": false,
        "isLiveMigrateVMs": false,
    });
    if let Some(ended) = job.ended {
        json["endTime"] = json!(ended.rfc3339());
    }
    if let Some(time) = job.reference_time {
        json["recoveryReferenceTime"] = json!(time.rfc3339());
    }
    call.tag("dataprotection.v4.config.RecoveryPlanJob", json)
}

fn summary(status: JobStatus) -> Value {
    let percent = match status {
        JobStatus::Queued => 0,
        JobStatus::Running => 50,
        JobStatus::Succeeded | JobStatus::SucceededWithWarning | JobStatus::Failed => 100,
    };
    json!({"status": status.wire(), "percentageComplete": percent})
}

/// Returns the three phases; a validation has only the first.
fn phases(call: &Call<'_>, job: &Job) -> Value {
    let phase = |phase: Phase, status: JobStatus, stages: Option<Vec<Value>>| {
        let mut json = summary(status);
        json["phaseType"] = json!(phase.wire());
        if let Some(stages) = stages.filter(|stages| !stages.is_empty()) {
            json["stages"] = Value::Array(stages);
        }
        call.tag("dataprotection.v4.config.PhaseSummary", json)
    };
    let before = match job.next {
        NextAction::Start => JobStatus::Queued,
        NextAction::Validate => JobStatus::Running,
        NextAction::Recover(_) | NextAction::Finish => JobStatus::Succeeded,
        NextAction::Nothing if job.stages_begun() || job.action == Action::Validate => {
            JobStatus::Succeeded
        }
        NextAction::Nothing => job.status,
    };
    let mut phases = vec![phase(Phase::PreProcessing, before, None)];
    if job.action != Action::Validate {
        let during = match job.next {
            NextAction::Start | NextAction::Validate => JobStatus::Queued,
            NextAction::Recover(_) => JobStatus::Running,
            NextAction::Finish => JobStatus::Succeeded,
            NextAction::Nothing if job.status == JobStatus::Failed && !job.stages_begun() => {
                JobStatus::Queued
            }
            NextAction::Nothing if job.status == JobStatus::Failed => JobStatus::Failed,
            NextAction::Nothing => JobStatus::Succeeded,
        };
        let stages = job
            .stages
            .iter()
            .map(|stage| {
                let mut json = summary(stage.status);
                json["stageExtId"] = json!(stage.id);
                call.tag("dataprotection.v4.config.StageSummary", json)
            })
            .collect();
        phases.push(phase(Phase::EntityRecovery, during, Some(stages)));
        let after = match job.next {
            NextAction::Finish => JobStatus::Running,
            NextAction::Nothing if job.status != JobStatus::Failed => JobStatus::Succeeded,
            NextAction::Start
            | NextAction::Validate
            | NextAction::Recover(_)
            | NextAction::Nothing => JobStatus::Queued,
        };
        phases.push(phase(Phase::PostProcessing, after, None));
    }
    Value::Array(phases)
}

fn entities(call: &Call<'_>, object_type: &str, vms: &[(String, String)]) -> Value {
    vms.iter()
        .map(|(id, name)| {
            call.tag(
                object_type,
                json!({"extId": id, "name": name, "entityType": "VM"}),
            )
        })
        .collect()
}

fn render_step(call: &Call<'_>, step: &Step) -> Value {
    let mut json = summary(step.status);
    json["extId"] = json!(step.id);
    json["phase"] = json!(step.phase.wire());
    json["operationType"] = json!(step.operation);
    json["stepDescription"] = json!(step.description);
    json["startTime"] = json!(step.started.rfc3339());
    if let Some(stage) = &step.stage {
        json["stageExtId"] = json!(stage);
    }
    if let Some(ended) = step.ended {
        json["endTime"] = json!(ended.rfc3339());
    }
    if !step.entities.is_empty() {
        json["affectedEntities"] = entities(
            call,
            "dataprotection.v4.config.ExecutionStepEntityReference",
            &step.entities,
        );
    }
    if !step.results.is_empty() {
        json["executionStepResults"] = step
            .results
            .iter()
            .map(|(source, recovered, name)| {
                let result = call.tag(
                    "dataprotection.v4.config.EntityRecoveryResult",
                    json!({
                        "sourceEntityExtId": source,
                        "recoveredEntityExtId": recovered,
                        "name": name,
                        "entityType": "VM",
                    }),
                );
                call.tag(
                    "dataprotection.v4.config.ExecutionStepResult",
                    json!({"result": result}),
                )
            })
            .collect();
    }
    if let Some(error) = &step.error {
        json["errorMessage"] = app_message(
            "dataprotection",
            "DPRO-50602",
            "RECOVERY_PLAN_STEP_FAILED",
            error,
            call.minor,
        );
    }
    call.tag(
        "dataprotection.v4.config.RecoveryPlanJobExecutionStep",
        json,
    )
}

fn render_finding(call: &Call<'_>, finding: &Finding) -> Value {
    let (cause, remedy, impact) = &finding.analysis;
    let mut json = json!({
        "extId": finding.id,
        "errorCode": finding.group.code(),
        "errorGroup": finding.group.wire(),
        "severity": if finding.error { "ERROR" } else { "WARNING" },
        "message": finding.message,
        "rootCauseAnalysis": call.tag("dataprotection.v4.config.RootCauseAnalysis", json!({
            "cause": cause,
            "resolutions": [remedy],
            "impacts": [impact],
        })),
    });
    if !finding.vms.is_empty() {
        json["affectedEntities"] = entities(call, "common.v1.config.EntityReference", &finding.vms);
    }
    call.tag("dataprotection.v4.config.RecoveryPlanValidationError", json)
}

impl Job {
    /// Returns the progress, 0 to 100: a tenth for validation, the rest by stages.
    pub fn percent(&self) -> u32 {
        let stages = u32::try_from(self.stages.len().max(1)).unwrap_or(u32::MAX);
        match self.next {
            NextAction::Start => 0,
            NextAction::Validate => 5,
            NextAction::Recover(stage) => {
                10 + 80 * u32::try_from(stage).unwrap_or(u32::MAX).min(stages) / stages
            }
            NextAction::Finish => 90,
            NextAction::Nothing => 100,
        }
    }

    fn stages_begun(&self) -> bool {
        self.stages
            .iter()
            .any(|stage| stage.status != JobStatus::Queued)
            || self
                .steps
                .iter()
                .any(|step| step.phase != Phase::PreProcessing)
    }
}

impl JobStatus {
    fn wire(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::SucceededWithWarning => "SUCCEEDED_WITH_VALIDATION_WARNING",
            Self::Failed => "FAILED",
        }
    }
}

impl Action {
    fn wire(self) -> &'static str {
        match self {
            Self::Validate => "VALIDATE",
            Self::Planned => "PLANNED_FAILOVER",
            Self::Unplanned => "UNPLANNED_FAILOVER",
            Self::Test => "TEST_FAILOVER",
        }
    }
}

impl Phase {
    fn wire(self) -> &'static str {
        match self {
            Self::PreProcessing => "PRE_PROCESSING",
            Self::EntityRecovery => "ENTITY_RECOVERY",
            Self::PostProcessing => "POST_PROCESSING",
        }
    }
}

impl FindingGroup {
    fn wire(self) -> &'static str {
        match self {
            Self::Entity => "ENTITY",
            Self::Network => "NETWORK",
            Self::RecoveryPoint => "RECOVERY_POINT",
            Self::Category => "CATEGORY",
            Self::Connectivity => "CONNECTIVITY",
        }
    }

    /// Returns the error code (inferred).
    fn code(self) -> &'static str {
        match self {
            Self::Entity => "DRP-10001",
            Self::Network => "DRP-40001",
            Self::RecoveryPoint => "DRP-20001",
            Self::Category => "DRP-30001",
            Self::Connectivity => "DRP-50001",
        }
    }
}
