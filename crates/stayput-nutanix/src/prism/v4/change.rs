//! How v4 is changed: from a fresh look, with an ETag and a request id, and then its task (Prism reference §1).

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::header::IF_MATCH;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use stayput_estate::TaskExtId;

use super::api;
use super::api::Api;
use super::api::Entity;
use super::api::Path;
use super::envelope::One;
use super::envelope::Reference;
use super::task::Task;
use super::task::TaskEnd;
use super::version::Namespace;
use crate::prism::error::PrismError;
use crate::prism::error::TaskFailed;
use crate::prism::request_id::RequestId;
use crate::transport::Outgoing;
use crate::transport::Repeat;

/// How often a change is sent when somebody else keeps changing the same thing.
const STALE_TRIES: usize = 5;

/// A change to send.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) etag: Option<String>,
    pub(super) body: Option<Value>,
}

impl Change {
    pub(super) fn post(path: Path) -> Self {
        Self {
            method: Method::POST,
            path,
            etag: None,
            body: None,
        }
    }

    pub(super) fn put(path: Path) -> Self {
        Self {
            method: Method::PUT,
            ..Self::post(path)
        }
    }

    pub(super) fn delete(path: Path) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::post(path)
        }
    }

    pub(super) fn etag(self, etag: Option<String>) -> Self {
        Self { etag, ..self }
    }

    /// Sets the body. Our request types are plain structs, which always serialise.
    pub(super) fn body(self, body: &impl Serialize) -> Self {
        Self {
            body: serde_json::to_value(body).ok(),
            ..self
        }
    }
}

/// What a change became.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A task, not looked at yet.
    Task(TaskExtId),
    /// Done at once, with the answer.
    Done(Value),
}

impl Api {
    /// Sends a change that `prepare` makes from a fresh look, and again from another look when that was stale; the request id stays
    /// the same, as nothing happened. `None` from `prepare` means that there is nothing to do.
    pub(super) async fn submit<P, F>(
        &self,
        id: &RequestId,
        what: &str,
        prepare: P,
    ) -> Result<Option<Accepted>, PrismError>
    where
        P: Fn() -> F,
        F: Future<Output = Result<Option<Change>, PrismError>>,
    {
        let mut tries = 1;
        loop {
            let Some(change) = prepare().await? else {
                return Ok(None);
            };
            match self.send(id, what, &change).await {
                Err(PrismError::Api(error)) if error.is_stale() && tries < STALE_TRIES => {
                    tries += 1;
                }
                result => return result.map(Some),
            }
        }
    }

    /// Sends a change once (as far as the other side is concerned).
    pub(super) async fn send(
        &self,
        id: &RequestId,
        what: &str,
        change: &Change,
    ) -> Result<Accepted, PrismError> {
        let url = self.url(&change.path).await?;
        let mut headers = HeaderMap::new();
        api::insert(&mut headers, api::REQUEST_ID, &id.to_string());
        if let Some(etag) = &change.etag {
            api::insert(&mut headers, IF_MATCH, etag);
        }
        let reply = self
            .exchange(Outgoing {
                method: change.method.clone(),
                url,
                what: what.to_owned(),
                headers,
                body: change
                    .body
                    .as_ref()
                    .map(|body| body.to_string().into_bytes()),
                repeat: Repeat::Safe,
                timeout: None,
            })
            .await?;
        if !reply.status.is_success() {
            return Err(api::refusal(&reply));
        }
        if reply.body.is_empty() {
            return Ok(Accepted::Done(Value::Null));
        }
        Ok(accepted(reply.decode::<One<Value>>()?.data))
    }

    /// Submits and waits for the end. `None`: there was nothing to do.
    pub(super) async fn apply<P, F>(
        &self,
        id: &RequestId,
        what: &str,
        prepare: P,
    ) -> Result<Option<Finished>, PrismError>
    where
        P: Fn() -> F,
        F: Future<Output = Result<Option<Change>, PrismError>>,
    {
        match self.submit(id, what, prepare).await? {
            None => Ok(None),
            Some(Accepted::Done(data)) => Ok(Some(Finished::AtOnce(data))),
            Some(Accepted::Task(task)) => {
                let task = self.wait(&task, what).await?;
                Ok(Some(Finished::Task(task)))
            }
        }
    }

    /// Waits until a task is over; an error if it did not succeed.
    pub(super) async fn wait(&self, task: &TaskExtId, what: &str) -> Result<Task, PrismError> {
        loop {
            let task = self.task(task, what).await?;
            match task.value.end() {
                TaskEnd::Succeeded => return Ok(task.value),
                TaskEnd::Failed => return Err(task_failed(task)),
                TaskEnd::Pending => tokio::time::sleep(self.poll_interval).await,
            }
        }
    }

    /// One look at a task.
    pub(super) async fn task(
        &self,
        task: &TaskExtId,
        what: &str,
    ) -> Result<Entity<Task>, PrismError> {
        let path = Path::new(Namespace::Prism, &["config", "tasks", task.as_str()]);
        self.get(&path, what, &format!("task {task}")).await
    }
}

/// How a change ended.
#[derive(Debug)]
pub(super) enum Finished {
    /// Its task succeeded.
    Task(Task),
    /// There was no task; the answer.
    AtOnce(Value),
}

impl Finished {
    /// The id of what was made, if it is told.
    pub(super) fn made(&self, suffix: &str) -> Option<&str> {
        match self {
            Self::Task(task) => task.affected(suffix),
            Self::AtOnce(data) => data.get("extId").and_then(Value::as_str),
        }
    }
}

/// The error of a task that did not succeed.
pub(super) fn task_failed(task: Entity<Task>) -> PrismError {
    PrismError::from(Box::new(TaskFailed {
        call: task.call,
        task: task.value.ext_id.clone(),
        operation: task.value.operation.clone(),
        status: task.value.status.clone(),
        messages: task.value.messages(),
    }))
}

/// What the answer to a change refers to. Only ids of tasks have a colon: `base64(service):uuid`.
fn accepted(data: Value) -> Accepted {
    match Reference::deserialize(&data) {
        Ok(Reference { ext_id }) if ext_id.contains(':') => Accepted::Task(TaskExtId::new(ext_id)),
        _ => Accepted::Done(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prism reference §8.3.
    const TASK: &str = r#"{"data":{"$objectType":"prism.v4.config.TaskReference","$reserved":{"$fv":"v4.r0"},"extId":"ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377"},
 "metadata":{"flags":[{"name":"hasError","value":false}],"links":[{"rel":"self","href":"https://pc1:9440/api/prism/v4.0/config/tasks/ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377"}]}}"#;

    #[test]
    fn an_answer_is_a_task_or_the_thing_itself() {
        let task: One<Value> = serde_json::from_str(TASK).unwrap();
        assert!(
            matches!(accepted(task.data), Accepted::Task(id) if id.as_str() == "ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377")
        );
        let category = serde_json::json!({"extId": "bbc3555a-133b-4348-9764-bfff196e84e4"});
        assert!(matches!(accepted(category), Accepted::Done(_)));
    }
}
