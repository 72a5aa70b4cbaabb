//! Tasks: what a change becomes once it is accepted (Prism reference §1.5).

use serde::Deserialize;
use stayput_estate::TaskExtId;

use super::envelope::WireMessage;
use super::envelope::or_default;
use crate::prism::error::AppMessage;

/// A task on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) ext_id: TaskExtId,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) operation: String,
    pub(super) status: String,
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

/// What a task's status means for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskEnd {
    /// Not yet over.
    Pending,
    /// Over, and well.
    Succeeded,
    /// Over otherwise, or stopped until somebody acts.
    Failed,
}

impl Task {
    /// Whether it is over. A status this build does not know is taken for one on the way.
    pub(super) fn end(&self) -> TaskEnd {
        match self.status.as_str() {
            "SUCCEEDED" => TaskEnd::Succeeded,
            "FAILED" | "CANCELED" | "ABORTED" | "SUSPENDED" => TaskEnd::Failed,
            _ => TaskEnd::Pending,
        }
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
    fn an_unstructured_message_is_used_when_there_is_no_other() {
        let task = task(
            r#"{"data":{"extId":"a:b","status":"FAILED","errorMessages":null,"legacyErrorMessage":"no"}}"#,
        );
        assert_eq!(task.messages()[0].message, "no");
    }
}
