//! Running recovery plans and reading how they went (Prism reference §6.6, §8.9, §8.10).

use std::collections::BTreeMap;

use serde::Serialize;
use stayput_estate::DomainManagerId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::TaskExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::Unreadable;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::change::Next;
use super::change::Submitted;
use super::recovery::RECOVERY;
use super::task::Task;
use super::task::TaskLook;
use super::version::Namespace;
use super::wire::recovery::WireFinding;
use super::wire::recovery::WireJob;
use super::wire::recovery::WireStep;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::spec::Direction;
use crate::prism::spec::Finding;
use crate::prism::spec::JobReport;
use crate::prism::spec::OnWarnings;
use crate::retry::Looks;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Action<'a> {
    name: &'a str,
    failover_directions: Vec<NewDirection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    should_ignore_warnings: Option<bool>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        rename = "shouldLiveMigrateVMs"
    )]
    should_live_migrate_vms: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDirection<'a> {
    source_domain_manager_ext_id: &'a DomainManagerId,
    target_domain_manager_ext_id: &'a DomainManagerId,
}

/// What is done with a recovery plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Validate,
    Planned(OnWarnings),
    Unplanned(OnWarnings),
    Test(OnWarnings),
}

impl Verb {
    /// The verb of what a job does; `None` if this build does not know it.
    fn of(action: &RecoveryAction) -> Option<Self> {
        match action {
            RecoveryAction::Validate => Some(Self::Validate),
            RecoveryAction::PlannedFailover => Some(Self::Planned(OnWarnings::Stop)),
            RecoveryAction::UnplannedFailover => Some(Self::Unplanned(OnWarnings::Stop)),
            RecoveryAction::TestFailover => Some(Self::Test(OnWarnings::Stop)),
            RecoveryAction::Unknown(_) => None,
        }
    }

    /// What the job of a change is called: with its request id, so that it is found even where its task does not name it, and no
    /// job of another change is taken for it.
    fn job_name(self, id: RequestId) -> String {
        format!("stayput-{}-{}", self.path(), id.short())
    }

    /// What the call that starts it is for.
    fn call(self, plan: &RecoveryPlanExtId) -> Message {
        match self {
            Self::Validate => Message::new("call-validate").with("plan", plan),
            Self::Planned(_) => Message::new("call-planned-failover").with("plan", plan),
            Self::Unplanned(_) => Message::new("call-unplanned-failover").with("plan", plan),
            Self::Test(_) => Message::new("call-test-failover").with("plan", plan),
        }
    }

    /// What the call that looks for its job is for.
    fn call_to_find(self, plan: &RecoveryPlanExtId) -> Message {
        match self {
            Self::Validate => Message::new("call-find-validation").with("plan", plan),
            Self::Planned(_) => Message::new("call-find-planned-failover").with("plan", plan),
            Self::Unplanned(_) => Message::new("call-find-unplanned-failover").with("plan", plan),
            Self::Test(_) => Message::new("call-find-test-failover").with("plan", plan),
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Planned(_) => "planned-failover",
            Self::Unplanned(_) => "unplanned-failover",
            Self::Test(_) => "test-failover",
        }
    }

    fn action<'a>(self, name: &'a str, directions: &'a [Direction]) -> Action<'a> {
        let ignore = |on_warnings| Some(on_warnings == OnWarnings::Proceed);
        let (should_ignore_warnings, should_live_migrate_vms) = match self {
            Self::Validate => (None, None),
            Self::Planned(on_warnings) => (ignore(on_warnings), Some(false)),
            Self::Unplanned(on_warnings) | Self::Test(on_warnings) => (ignore(on_warnings), None),
        };
        Action {
            name,
            failover_directions: directions
                .iter()
                .map(|direction| NewDirection {
                    source_domain_manager_ext_id: &direction.source,
                    target_domain_manager_ext_id: &direction.target,
                })
                .collect(),
            should_ignore_warnings,
            should_live_migrate_vms,
        }
    }
}

pub(super) fn jobs() -> Path {
    Path::new(Namespace::Dataprotection, &["config", "recovery-plan-jobs"])
}

fn action_path(plan: &RecoveryPlanExtId, action: &str) -> Path {
    let segments = [
        "operations",
        "recovery-plans",
        plan.as_str(),
        "$actions",
        action,
    ];
    Path::new(Namespace::Dataprotection, &segments)
}

impl PrismClient {
    /// Checks whether a plan could be run; changes nothing. Call it at the Prism Central of the target, as all of these.
    ///
    /// Returns as soon as the job is known; look at it with [`job`](Self::job), and at what it found with
    /// [`validation_errors`](Self::validation_errors).
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before dataprotection v4.2; [`PrismError::TaskFailed`] when it ended without a job; those of any
    /// change.
    pub async fn validate(
        &self,
        plan: &RecoveryPlanExtId,
        directions: &[Direction],
        id: RequestId,
    ) -> Result<RecoveryJobExtId, PrismError> {
        self.run(plan, Verb::Validate, directions, id).await
    }

    /// Powers VMs off at the source, replicates once more, and brings them up at the target. Otherwise as
    /// [`validate`](Self::validate).
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub async fn planned_failover(
        &self,
        plan: &RecoveryPlanExtId,
        directions: &[Direction],
        on_warnings: OnWarnings,
        id: RequestId,
    ) -> Result<RecoveryJobExtId, PrismError> {
        self.run(plan, Verb::Planned(on_warnings), directions, id)
            .await
    }

    /// Brings VMs up at the target from their newest recovery points, whatever the source does. Otherwise as
    /// [`validate`](Self::validate).
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub async fn unplanned_failover(
        &self,
        plan: &RecoveryPlanExtId,
        directions: &[Direction],
        on_warnings: OnWarnings,
        id: RequestId,
    ) -> Result<RecoveryJobExtId, PrismError> {
        self.run(plan, Verb::Unplanned(on_warnings), directions, id)
            .await
    }

    /// Brings copies up in the test networks of the target. Otherwise as [`validate`](Self::validate).
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub async fn test_failover(
        &self,
        plan: &RecoveryPlanExtId,
        directions: &[Direction],
        on_warnings: OnWarnings,
        id: RequestId,
    ) -> Result<RecoveryJobExtId, PrismError> {
        self.run(plan, Verb::Test(on_warnings), directions, id)
            .await
    }

    /// Removes what the last test failover brought up, and waits until it is gone.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before dataprotection v4.2; those of any change.
    pub async fn clean_up(
        &self,
        plan: &RecoveryPlanExtId,
        id: RequestId,
    ) -> Result<(), PrismError> {
        let what = Message::new("call-clean-up").with("plan", plan);
        self.v4
            .need(Namespace::Dataprotection, RECOVERY, &what)
            .await?;
        self.v4
            .apply(&id, &what, |_| async {
                let path = action_path(plan, "clean-up-resources");
                Ok(Next::<()>::Send(Change::post(path)))
            })
            .await?;
        Ok(())
    }

    async fn run(
        &self,
        plan: &RecoveryPlanExtId,
        verb: Verb,
        directions: &[Direction],
        id: RequestId,
    ) -> Result<RecoveryJobExtId, PrismError> {
        let what = verb.call(plan);
        self.v4
            .need(Namespace::Dataprotection, RECOVERY, &what)
            .await?;
        let name = verb.job_name(id);
        let change =
            Change::post(action_path(plan, verb.path())).body(&verb.action(&name, directions));
        let find = || self.job_named(plan, &name, &what);
        let find = &find;
        let submitted = self
            .v4
            .submit(&id, &what, |looks| {
                let change = &change;
                async move {
                    let there = self.v4.look(looks, find).await?;
                    Ok(there.map_or_else(|| Next::Send(change.clone()), Next::There))
                }
            })
            .await?;
        let task = match submitted {
            Submitted::There(job) => return Ok(job),
            Submitted::Task(task) => self.job_of(&task, &what, find).await?,
            Submitted::AtOnce(_) => None,
        };
        if let Some(job) = task {
            return Ok(job);
        }
        match self.v4.look(Looks::Several, find).await {
            Ok(Some(job)) => Ok(job),
            Ok(None) => {
                let name = Message::new("thing-job-named").with("name", &name);
                Err(self.v4.not_found(&jobs(), &what, &name).await)
            }
            Err(error) => Err(self.v4.not_looked_up(&what, error)),
        }
    }

    /// Waits until the job of an accepted action is known; `None` if its task succeeded without naming it. A task that failed
    /// after it made its job is no error here: the job tells more.
    async fn job_of<F>(
        &self,
        task: &TaskExtId,
        what: &Message,
        find: impl Fn() -> F,
    ) -> Result<Option<RecoveryJobExtId>, PrismError>
    where
        F: Future<Output = Result<Option<RecoveryJobExtId>, PrismError>>,
    {
        let named = |task: &Task| {
            let job = task.affected("recovery-plan-job");
            job.map(RecoveryJobExtId::new)
        };
        let mut wait = self.v4.wait_for(task, what);
        loop {
            let look = self.v4.look_at_task(&mut wait).await;
            match &look {
                Ok(TaskLook::Succeeded(task) | TaskLook::Pending(Some(task))) => {
                    if let Some(job) = named(&task.value) {
                        return Ok(Some(job));
                    }
                }
                Ok(TaskLook::Pending(None)) | Err(_) => {}
            }
            match find().await {
                Ok(Some(job)) => return Ok(Some(job)),
                Ok(None) => {}
                Err(error) if look.is_ok() => return Err(self.v4.not_looked_up(what, error)),
                Err(_) => {}
            }
            match look? {
                TaskLook::Succeeded(_) => return Ok(None),
                TaskLook::Pending(_) => self.v4.poll_pause().await,
            }
        }
    }

    /// The job of a recovery plan that this change made, whether its answer arrived or not; `None` if there is none, or for an
    /// action this build does not know.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before dataprotection v4.2; those of any read; [`PrismError::Decode`] when one that may be it is
    /// not understood.
    pub async fn find_job(
        &self,
        plan: &RecoveryPlanExtId,
        action: &RecoveryAction,
        id: RequestId,
        looks: Looks,
    ) -> Result<Option<RecoveryJobExtId>, PrismError> {
        let Some(verb) = Verb::of(action) else {
            return Ok(None);
        };
        let what = verb.call_to_find(plan);
        self.v4
            .need(Namespace::Dataprotection, RECOVERY, &what)
            .await?;
        let name = verb.job_name(id);
        self.v4
            .look(looks, || self.job_named(plan, &name, &what))
            .await
    }

    /// The filter field is inferred, so that what it lets through is checked again.
    async fn job_named(
        &self,
        plan: &RecoveryPlanExtId,
        name: &str,
        what: &Message,
    ) -> Result<Option<RecoveryJobExtId>, PrismError> {
        let filter = format!("recoveryPlanExtId eq {}", quoted(plan.as_str()));
        let found = self
            .v4
            .find_one::<WireJob>(&jobs(), &[("$filter", &filter)], what, name, |job| {
                job.recovery_plan_ext_id == *plan && job.name == name
            })
            .await?;
        Ok(found.map(|job| job.ext_id))
    }

    /// A job as it is now, with what it brought up so far.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before dataprotection v4.2; [`PrismError::Missing`] when there is no such job; those of any read.
    pub async fn job(&self, job: &RecoveryJobExtId) -> Result<JobReport, PrismError> {
        let what = Message::new("call-look-at-job").with("job", job);
        self.v4
            .need(Namespace::Dataprotection, RECOVERY, &what)
            .await?;
        let path = jobs().join(job.as_str());
        let name = Message::new("thing-job").with("job", job);
        // Waited for, so that a short outage must not end it.
        let this = self.patient();
        let wire = this.v4.get::<WireJob>(&path, &what, &name).await?.value;
        let (recovered, unreadable) = this.recovered(job).await?;
        Ok(JobReport {
            name: wire.name.clone(),
            percent: wire.percent(),
            ended: wire.end_time.clone(),
            unreadable,
            job: RecoveryJob {
                recovered,
                ..wire.into()
            },
        })
    }

    /// Which VM each source VM became in a job, as far as its steps tell, and the steps that are not understood.
    pub(super) async fn recovered(
        &self,
        job: &RecoveryJobExtId,
    ) -> Result<(BTreeMap<VmExtId, VmExtId>, Vec<Unreadable>), PrismError> {
        let what = Message::new("call-read-job-steps").with("job", job);
        let path = jobs().join(job.as_str()).join("execution-steps");
        let steps = self.v4.list_tolerant::<WireStep>(&path, &[], &what).await?;
        let recovered = steps.objects.into_iter().flat_map(WireStep::recovered);
        Ok((recovered.collect(), steps.unreadable))
    }

    /// What the validation of a job found.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before dataprotection v4.2; those of any read.
    pub async fn validation_errors(
        &self,
        job: &RecoveryJobExtId,
    ) -> Result<Vec<Finding>, PrismError> {
        let what = Message::new("call-read-validation").with("job", job);
        self.v4
            .need(Namespace::Dataprotection, RECOVERY, &what)
            .await?;
        let path = jobs().join(job.as_str()).join("validation-errors");
        let api = self.v4.patient();
        let found: Vec<WireFinding> = api.list(&path, &[], &what).await?;
        Ok(found.into_iter().map(Finding::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_say_in_plain_words_what_a_call_for_a_plan_was_for() {
        let plan = "rp-1".into();
        for (action, call, find) in [
            (
                RecoveryAction::Validate,
                "validate recovery plan rp-1",
                "look for the job of the validation of recovery plan rp-1",
            ),
            (
                RecoveryAction::PlannedFailover,
                "planned failover of recovery plan rp-1",
                "look for the job of the planned failover of recovery plan rp-1",
            ),
            (
                RecoveryAction::UnplannedFailover,
                "unplanned failover of recovery plan rp-1",
                "look for the job of the unplanned failover of recovery plan rp-1",
            ),
            (
                RecoveryAction::TestFailover,
                "test failover of recovery plan rp-1",
                "look for the job of the test failover of recovery plan rp-1",
            ),
        ] {
            let verb = Verb::of(&action).unwrap();
            assert_eq!(verb.call(&plan).to_string(), call);
            assert_eq!(verb.call_to_find(&plan).to_string(), find);
        }
    }

    #[test]
    fn a_planned_failover_is_written_as_the_reference_shows_it() {
        let directions = [Direction {
            source: "11111111-1111-4111-8111-111111111111".into(),
            target: "22222222-2222-4222-8222-222222222222".into(),
        }];
        let json_of = |verb: Verb| serde_json::to_value(verb.action("n", &directions)).unwrap();
        let both = json!([{"sourceDomainManagerExtId": "11111111-1111-4111-8111-111111111111",
                           "targetDomainManagerExtId": "22222222-2222-4222-8222-222222222222"}]);
        assert_eq!(
            json_of(Verb::Planned(OnWarnings::Stop)),
            json!({"name": "n", "failoverDirections": both, "shouldIgnoreWarnings": false, "shouldLiveMigrateVMs": false})
        );
        assert_eq!(
            json_of(Verb::Unplanned(OnWarnings::Proceed)),
            json!({"name": "n", "failoverDirections": both, "shouldIgnoreWarnings": true})
        );
        assert_eq!(
            json_of(Verb::Validate),
            json!({"name": "n", "failoverDirections": both})
        );
    }
}
