//! How v4 is changed: from a fresh look, with an ETag and a request id, and then its task (Prism reference §1).
//!
//! A change is never repeated blindly. [`Api::apply`] takes a function that looks and says what to send, and calls it again before
//! each further attempt: after a stale ETag, and after an answer that was lost. Replay by request id is documented as purpose
//! only (Prism reference §1), so that what may have taken effect is looked for several times first.

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use reqwest::header::IF_MATCH;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use stayput_estate::TaskExtId;
use stayput_messages::Message;
use tokio::time::Instant;

use super::api;
use super::api::Api;
use super::api::Path;
use super::envelope::One;
use super::envelope::Reference;
use super::task::Task;
use crate::prism::error::PrismError;
use crate::prism::error::TaskLost;
use crate::prism::request_id::RequestId;
use crate::retry;
use crate::retry::Looks;
use crate::retry::Past;
use crate::retry::Repeat;

/// How often an object is looked at that another client deletes at the same time.
const VANISHED_LOOKS: u32 = 3;

/// A change to send.
#[derive(Debug, Clone)]
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

/// What a look before a change showed.
#[derive(Debug)]
pub(super) enum Next<T> {
    /// It already is as wanted.
    There(T),
    /// This is to be sent.
    Send(Change),
}

impl Next<()> {
    /// A change if it is needed.
    pub(super) fn send_if(is_needed: bool, change: impl FnOnce() -> Change) -> Self {
        if is_needed {
            Self::Send(change())
        } else {
            Self::There(())
        }
    }
}

/// What became of a change that was submitted.
#[derive(Debug)]
pub(super) enum Submitted<T> {
    /// Nothing was to be done.
    There(T),
    /// A task, not looked at yet.
    Task(TaskExtId),
    /// Done at once, with the answer.
    AtOnce(Value),
}

/// How a change ended.
#[derive(Debug)]
pub(super) enum Finished<T> {
    /// It already was as wanted.
    There(T),
    /// Its task succeeded.
    Task(Task),
    /// There was no task; the answer.
    AtOnce(Value),
}

impl<T> Finished<T> {
    /// The id of what was made, if it is told.
    pub(super) fn made(&self, suffix: &str) -> Option<&str> {
        match self {
            Self::There(_) => None,
            Self::Task(task) => task.affected(suffix),
            Self::AtOnce(data) => data.get("extId").and_then(Value::as_str),
        }
    }
}

impl Api {
    /// Sends a change that `prepare` makes from a fresh look, and again from another look when that was stale, or when the answer
    /// was lost; the request id stays the same. `prepare` is told how often to look: several times when an earlier attempt may
    /// have taken effect.
    pub(super) async fn submit<T, P, F>(
        &self,
        id: &RequestId,
        what: &Message,
        prepare: P,
    ) -> Result<Submitted<T>, PrismError>
    where
        P: Fn(Looks) -> F,
        F: Future<Output = Result<Next<T>, PrismError>>,
    {
        let started = Instant::now();
        let patience = self.change_patience();
        let mut past = Past::new(self.entropy());
        let (mut unclear, mut vanished) = (0, 0);
        loop {
            let looks = if unclear == 0 {
                Looks::Once
            } else {
                Looks::Several
            };
            let change = match prepare(looks).await {
                Ok(Next::There(there)) => return Ok(Submitted::There(there)),
                Ok(Next::Send(change)) => change,
                Err(error) if unclear > 0 => return Err(self.not_looked_up(what, error)),
                Err(error) => return Err(error),
            };
            let error = match self.send(id, what, &change).await {
                Ok(submitted) => return Ok(submitted),
                Err(error) => error,
            };
            unclear += error.call().map_or(0, |call| call.unclear_attempts);
            // Deleted by another client between the look and the call: the next look says so.
            let is_gone = change.method == Method::DELETE
                && matches!(&error, PrismError::Api(error) if error.status == 404);
            if is_gone && vanished < VANISHED_LOOKS {
                vanished += 1;
                self.pause(vanished).await;
                continue;
            }
            let pause = error.outcome().and_then(|outcome| {
                let attempt = past.add(outcome, started, None);
                retry::pause(Repeat::AfterALook, outcome, attempt, patience)
            });
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error.with_unclear_attempts(unclear)),
            }
        }
    }

    /// Sends a change once (as far as the other side is concerned).
    async fn send<T>(
        &self,
        id: &RequestId,
        what: &Message,
        change: &Change,
    ) -> Result<Submitted<T>, PrismError> {
        let url = self.url(&change.path).await?;
        let mut headers = HeaderMap::new();
        api::insert(&mut headers, api::REQUEST_ID, &id.to_string());
        if let Some(etag) = &change.etag {
            api::insert(&mut headers, IF_MATCH, etag);
        }
        let body = change
            .body
            .as_ref()
            .map(|body| body.to_string().into_bytes());
        let method = change.method.clone();
        let reply = self.write(method, url, what, headers, body).await?;
        if !reply.status.is_success() {
            return Err(api::refusal(&reply));
        }
        // Only this status promises no body: another empty answer says nothing about what was done.
        if reply.status == StatusCode::NO_CONTENT {
            return Ok(Submitted::AtOnce(Value::Null));
        }
        match reply.decode::<One<Value>>() {
            Ok(answer) => Ok(accepted(answer.data)),
            // It said success; of what, is not known.
            Err(error) => Err(PrismError::Decode(error).with_unclear_attempts(1)),
        }
    }

    /// Submits and waits for the end.
    ///
    /// A task that failed or vanished is not the last word: where an earlier attempt had already done it (or a person has), the look says so.
    pub(super) async fn apply<T, P, F>(
        &self,
        id: &RequestId,
        what: &Message,
        prepare: P,
    ) -> Result<Finished<T>, PrismError>
    where
        P: Fn(Looks) -> F,
        F: Future<Output = Result<Next<T>, PrismError>>,
    {
        match self.submit(id, what, &prepare).await? {
            Submitted::There(there) => Ok(Finished::There(there)),
            Submitted::AtOnce(data) => Ok(Finished::AtOnce(data)),
            Submitted::Task(task) => match self.wait(&task, what).await {
                Ok(task) => Ok(Finished::Task(task)),
                Err(PrismError::TaskFailed(failed)) => match prepare(Looks::Once).await {
                    Ok(Next::There(there)) => Ok(Finished::There(there)),
                    Ok(Next::Send(_)) | Err(_) => Err(PrismError::TaskFailed(failed)),
                },
                Err(PrismError::InDoubt(doubt)) if doubt.is_task_gone() => {
                    match prepare(Looks::Several).await {
                        Ok(Next::There(there)) => Ok(Finished::There(there)),
                        Ok(Next::Send(_)) => {
                            let call = doubt.call;
                            Err(PrismError::from(Box::new(TaskLost { call, task })))
                        }
                        Err(_) => Err(PrismError::InDoubt(doubt)),
                    }
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Makes something that `find` finds by its name or mark: looks several times, creates, and looks again where the answer does not tell the
    /// id.
    ///
    /// `suffix` is how a task calls things of its kind, `name` what it is for people.
    pub(super) async fn create<P, F>(
        &self,
        id: &RequestId,
        what: &Message,
        (suffix, name): (&str, &Message),
        change: &Change,
        find: P,
    ) -> Result<String, PrismError>
    where
        P: Fn() -> F,
        F: Future<Output = Result<Option<String>, PrismError>>,
    {
        let find = &find;
        let finished = self
            .apply(id, what, |_| async move {
                // Also before the first request: a list can lack once what exists, and a second one is not taken back.
                let found = self.look(Looks::Several, find).await?;
                Ok(found.map_or_else(|| Next::Send(change.clone()), Next::There))
            })
            .await?;
        if let Some(made) = finished.made(suffix) {
            return Ok(made.to_owned());
        }
        if let Finished::There(there) = finished {
            return Ok(there);
        }
        match self.look(Looks::Several, find).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(self.not_found(&change.path, what, name).await),
            Err(error) => Err(self.not_looked_up(what, error)),
        }
    }
}

/// What the answer to a change refers to. Only ids of tasks have a colon: `base64(service):uuid`.
fn accepted<T>(data: Value) -> Submitted<T> {
    match Reference::deserialize(&data) {
        Ok(Reference { ext_id }) if ext_id.contains(':') => Submitted::Task(TaskExtId::new(ext_id)),
        _ => Submitted::AtOnce(data),
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
            matches!(accepted::<()>(task.data), Submitted::Task(id) if id.as_str() == "ZXJnb24=:40a5ac91-83f6-4d35-8ae0-d8f013779377")
        );
        let category = serde_json::json!({"extId": "bbc3555a-133b-4348-9764-bfff196e84e4"});
        assert!(matches!(accepted::<()>(category), Submitted::AtOnce(_)));
    }
}
