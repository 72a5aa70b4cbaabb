//! Tasks: what a change becomes once it is accepted, and waiting for its end (Prism reference §1.5).

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use stayput_estate::TaskExtId;
use stayput_messages::Message;
use tokio::time::Instant;

use super::api::Api;
use super::api::Entity;
use super::api::Path;
use super::envelope::WireMessage;
use super::envelope::or_default;
use super::version::Namespace;
use crate::error::DoubtReason;
use crate::error::InDoubt;
use crate::prism::error::AppMessage;
use crate::prism::error::PrismError;
use crate::prism::error::TaskFailed;
use crate::prism::error::TaskUndone;
use crate::progress::TaskProgress;
use crate::retry::Looks;

/// A task on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) ext_id: TaskExtId,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) operation: String,
    pub(super) status: String,
    progress_percentage: Option<f64>,
    completed_time: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    error_messages: Vec<WireMessage>,
    legacy_error_message: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    entities_affected: Vec<Affected>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Affected {
    ext_id: String,
    #[serde(default, deserialize_with = "or_default")]
    rel: String,
}

/// What a task's status means for the caller that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskEnd {
    /// Not yet over.
    Pending,
    /// Over, and well.
    Succeeded,
    /// Over otherwise.
    Failed,
    /// Stopped until an operator acts; it may still go on.
    Suspended,
    /// Over, in a status this build does not know.
    Unknown,
}

impl Task {
    /// Whether it is over. A status this build does not know is one on the way until the task says that it is complete.
    pub(super) fn end(&self) -> TaskEnd {
        match self.status.as_str() {
            "SUCCEEDED" => TaskEnd::Succeeded,
            "FAILED" | "CANCELED" | "ABORTED" => TaskEnd::Failed,
            "SUSPENDED" => TaskEnd::Suspended,
            "QUEUED" | "RUNNING" | "CANCELING" | "PENDING" => TaskEnd::Pending,
            _ if self.completed_time.is_some() || self.percent() == Some(100) => TaskEnd::Unknown,
            _ => TaskEnd::Pending,
        }
    }

    /// How far it is, 0 to 100.
    pub(super) fn percent(&self) -> Option<u8> {
        // Clamped first, so nothing is lost; not a number becomes 0.
        self.progress_percentage
            .map(|percent| percent.clamp(0.0, 100.0) as u8)
    }

    /// The first thing it affects whose kind ends like this: builds differ in what they put before it, and some do not
    /// name what they made at all.
    pub(super) fn affected(&self, suffix: &str) -> Option<&str> {
        self.entities_affected
            .iter()
            .find(|entity| {
                entity
                    .rel
                    .strip_suffix(suffix)
                    .is_some_and(|before| before.is_empty() || before.ends_with(':'))
            })
            .map(|entity| entity.ext_id.as_str())
    }

    /// Why it did not succeed.
    pub(super) fn messages(self) -> Vec<AppMessage> {
        let messages: Vec<AppMessage> = self
            .error_messages
            .into_iter()
            .map(AppMessage::from)
            .collect();
        match self.legacy_error_message {
            Some(message) if messages.is_empty() && !message.is_empty() => vec![AppMessage {
                message,
                code: None,
                group: None,
                severity: None,
            }],
            _ => messages,
        }
    }
}

/// What the looks at a task that is waited for have in common.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    pub(super) task: &'a TaskExtId,
    what: &'a Message,
    started: Instant,
    /// Looks in a row that said that there is no such task.
    gone: u32,
}

/// What a look at a task that is waited for showed.
#[derive(Debug)]
pub(super) enum TaskLook {
    /// It goes on, or is not listed yet: look again.
    Pending(Option<Entity<Task>>),
    /// It succeeded.
    Succeeded(Entity<Task>),
}

impl Api {
    /// Waits until a task is over.
    ///
    /// # Errors
    /// [`PrismError::TaskFailed`] when it failed; [`PrismError::InDoubt`] when it is not known how it ended, or not in time.
    pub(super) async fn wait(&self, task: &TaskExtId, what: &Message) -> Result<Task, PrismError> {
        let mut wait = self.wait_for(task, what);
        loop {
            match self.look_at_task(&mut wait).await? {
                TaskLook::Succeeded(task) => return Ok(task.value),
                TaskLook::Pending(_) => self.poll_pause().await,
            }
        }
    }

    /// Begins to wait for a task.
    pub(super) fn wait_for<'a>(&self, task: &'a TaskExtId, what: &'a Message) -> Wait<'a> {
        Wait {
            task,
            what,
            started: Instant::now(),
            gone: 0,
        }
    }

    /// One look at a task that is waited for. What keeps its end from being known is an error that is in doubt.
    pub(super) async fn look_at_task(&self, wait: &mut Wait<'_>) -> Result<TaskLook, PrismError> {
        let task = wait.task;
        let path = Path::new(Namespace::Prism, &["config", "tasks", task.as_str()]);
        let found = match self.patient().find::<Task>(&path, wait.what).await {
            Ok(found) => found,
            Err(error) => return Err(self.not_looked_up(wait.what, error)),
        };
        let waited = wait.started.elapsed();
        let limit = self.limits.task;
        let Some(entity) = found else {
            wait.gone += 1;
            if wait.gone < Looks::Several.count() {
                return Ok(TaskLook::Pending(None));
            }
            let task = task.clone();
            return Err(self
                .in_doubt_at(&path, wait.what, DoubtReason::TaskGone { task })
                .await);
        };
        wait.gone = 0;
        self.tell(wait, &entity, waited);
        let status = entity.value.status.clone();
        let reason = match entity.value.end() {
            TaskEnd::Succeeded => return Ok(TaskLook::Succeeded(entity)),
            TaskEnd::Failed => return Err(self.task_failed(entity)),
            TaskEnd::Pending if waited < limit => return Ok(TaskLook::Pending(Some(entity))),
            TaskEnd::Pending => DoubtReason::TaskTooSlow {
                task: task.clone(),
                limit,
                status,
                percent: entity.value.percent(),
            },
            TaskEnd::Suspended => DoubtReason::TaskSuspended { task: task.clone() },
            TaskEnd::Unknown => DoubtReason::TaskStatus {
                task: task.clone(),
                status,
            },
        };
        Err(in_doubt(entity.call, reason))
    }

    fn tell(&self, wait: &Wait<'_>, entity: &Entity<Task>, waited: Duration) {
        self.progress.tell(|| TaskProgress {
            site: entity.call.site.clone(),
            what: wait.what.clone(),
            task: wait.task.clone(),
            status: entity.value.status.clone(),
            percent: entity.value.percent(),
            waited,
        });
    }

    /// The error of a task that did not succeed.
    fn task_failed(&self, task: Entity<Task>) -> PrismError {
        let redactor = self.redactor();
        PrismError::from(Box::new(TaskFailed {
            call: task.call,
            task: task.value.ext_id.clone(),
            operation: task.value.operation.clone(),
            status: task.value.status.clone(),
            messages: task
                .value
                .messages()
                .into_iter()
                .map(|message| message.cleaned(&redactor))
                .collect(),
        }))
    }

    /// The error for a change that was accepted, when what it should have made is not there.
    pub(super) async fn not_found(
        &self,
        path: &Path,
        what: &Message,
        name: &Message,
    ) -> PrismError {
        let reason = DoubtReason::NotFound { what: name.clone() };
        self.in_doubt_at(path, what, reason).await
    }

    /// The error for a change whose task succeeded, when several looks show that what it made is not there.
    pub(super) async fn undone(
        &self,
        path: &Path,
        what: &Message,
        task: TaskExtId,
        name: Message,
    ) -> PrismError {
        match self.url(path).await {
            Ok(url) => PrismError::from(Box::new(TaskUndone {
                call: self.call(&Method::GET, &url, what),
                task,
                what: name,
            })),
            Err(error) => self.not_looked_up(what, error),
        }
    }

    async fn in_doubt_at(&self, path: &Path, what: &Message, reason: DoubtReason) -> PrismError {
        match self.url(path).await {
            Ok(url) => in_doubt(self.call(&Method::GET, &url, what), reason),
            Err(error) => self.not_looked_up(what, error),
        }
    }

    /// The error for a change in doubt of which the end could not be looked up.
    pub(super) fn not_looked_up(&self, what: &Message, error: PrismError) -> PrismError {
        if let PrismError::InDoubt(_) = error {
            return error;
        }
        let call = match error.call() {
            Some(call) => Box::new(call.clone()),
            None => self.call_of_all(what),
        };
        PrismError::from(Box::new(InDoubt {
            call,
            reason: DoubtReason::NotLookedUp,
            source: Some(Box::new(error)),
        }))
    }
}

fn in_doubt(call: Box<crate::error::Call>, reason: DoubtReason) -> PrismError {
    PrismError::from(Box::new(InDoubt {
        call,
        reason,
        source: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::envelope::One;
    use super::*;

    /// Prism reference §1.5.
    const SUCCEEDED: &str = r#"{"data":{"$objectType":"prism.v4.config.Task","$reserved":{"$fv":"v4.r0"},
 "extId":"ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377","operation":"CreateNic","operationDescription":"Create NIC",
 "status":"SUCCEEDED","progressPercentage":100,"isCancelable":false,"isBackgroundTask":false,
 "createdTime":"2026-11-20T10:00:00.890679Z","startedTime":"2026-11-20T10:00:00.901247Z",
 "completedTime":"2026-11-20T10:00:04.037257Z","lastUpdatedTime":"2026-11-20T10:00:04.037257Z",
 "entitiesAffected":[{"extId":"97634446-ac09-41c8-8298-71608c6d5ac9","rel":"vmm:ahv:config:vm","name":"app01"}],
 "subTasks":[{"extId":"ZXJnb24=:9b097142-fc32-4675-8ebb-e35206c1080f","rel":"subtask","href":"https://pc:9440/api/prism/v4.0/config/tasks/ZXJnb24=:9b097142-fc32-4675-8ebb-e35206c1080f"}],
 "subSteps":[],"completionDetails":[],"errorMessages":[],"warnings":[],"clusterExtIds":["00061663-9fa0-28ca-185b-ac1f6b6f97e2"],
 "ownedBy":{"extId":"00000000-0000-0000-0000-000000000000","name":"admin"}},"metadata":{"flags":[{"name":"hasError","value":false}]}}"#;

    /// Prism reference §8.5.
    const FAILED: &str = r#"{"data":{"$objectType":"prism.v4.config.Task","$reserved":{"$fv":"v4.r0"},"extId":"ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377","operation":"CreateNic","status":"FAILED","progressPercentage":100,
 "errorMessages":[{"$objectType":"prism.v4.error.AppMessage","message":"IP address 10.0.1.10 is already in use","severity":"ERROR","code":"VMM-20101","locale":"en-US","errorGroup":"VM_NIC_IP_IN_USE"}],
 "legacyErrorMessage":"IP address 10.0.1.10 is already in use","entitiesAffected":[{"extId":"bdbbad7a-a401-4f9a-a789-2b8406905b56","rel":"vmm:ahv:config:vm"}]},"metadata":{"flags":[{"name":"hasError","value":false}]}}"#;

    fn task(json: &str) -> Task {
        serde_json::from_str::<One<Task>>(json).unwrap().data
    }

    #[test]
    fn a_task_that_succeeded_names_what_it_affected() {
        let task = task(SUCCEEDED);
        assert_eq!(task.end(), TaskEnd::Succeeded);
        assert_eq!(
            task.affected("vm"),
            Some("97634446-ac09-41c8-8298-71608c6d5ac9")
        );
        assert_eq!(task.affected("nic"), None);
        assert_eq!(task.affected("m"), None);
    }

    #[test]
    fn a_task_that_failed_says_why_with_its_code() {
        let task = task(FAILED);
        assert_eq!(task.end(), TaskEnd::Failed);
        let messages = task.messages();
        assert_eq!(messages[0].code.as_deref(), Some("VMM-20101"));
        assert_eq!(messages[0].group.as_deref(), Some("VM_NIC_IP_IN_USE"));
    }

    #[test]
    fn an_unknown_status_is_on_the_way_until_the_task_is_complete() {
        let end = |rest: &str| {
            task(&format!(
                r#"{{"data":{{"extId":"a:b","status":"MELTED"{rest}}}}}"#
            ))
            .end()
        };
        assert_eq!(end(""), TaskEnd::Pending);
        assert_eq!(end(r#","progressPercentage":40"#), TaskEnd::Pending);
        assert_eq!(end(r#","progressPercentage":100"#), TaskEnd::Unknown);
        let completed = r#","completedTime":"2026-11-20T10:00:04Z""#;
        assert_eq!(end(completed), TaskEnd::Unknown);
    }

    #[test]
    fn an_unstructured_message_is_used_when_there_is_no_other() {
        let task = task(
            r#"{"data":{"extId":"a:b","status":"FAILED","errorMessages":null,"legacyErrorMessage":"no"}}"#,
        );
        assert_eq!(task.messages()[0].message, "no");
    }
}
