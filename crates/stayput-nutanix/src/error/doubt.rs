//! A change of which it is not known whether it was done.

use std::error::Error;
use std::time::Duration;

use stayput_estate::TaskExtId;
use stayput_messages::Message;

use super::Call;

/// A change was sent or accepted, and what became of it is not known. Neither done nor failed: look again, or call again with
/// the same request id.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}",
    Message::new("appliance-in-doubt")
        .part("call", .call.message())
        .with("reason", .reason)
)]
pub struct InDoubt {
    /// The change, or the last look for what became of it.
    pub call: Box<Call>,
    /// Why it is not known.
    pub reason: DoubtReason,
    /// The error that kept it from being known, if there was one.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl InDoubt {
    /// Whether the task that was to do it does not exist (any more).
    pub(crate) fn is_task_gone(&self) -> bool {
        matches!(self.reason, DoubtReason::TaskGone { .. })
    }
}

/// Why it is not known what became of a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoubtReason {
    /// Its task does not exist (any more).
    #[error("{}", Message::new("doubt-task-gone").with("task", .task))]
    TaskGone {
        /// The task.
        task: TaskExtId,
    },
    /// Its task stands still until a person acts.
    #[error("{}", Message::new("doubt-task-suspended").with("task", .task))]
    TaskSuspended {
        /// The task.
        task: TaskExtId,
    },
    /// Its task ended in a status this build does not know.
    #[error("{}", Message::new("doubt-task-status").with("task", .task).with("status", .status))]
    TaskStatus {
        /// The task.
        task: TaskExtId,
        /// The status as received.
        status: String,
    },
    /// Its task did not end in time.
    #[error("{}", task_too_slow(task, *limit, status, *percent))]
    TaskTooSlow {
        /// The task.
        task: TaskExtId,
        /// How long was waited.
        limit: Duration,
        /// Its last status as received.
        status: String,
        /// How far it was, 0 to 100.
        percent: Option<u8>,
    },
    /// Move did not come to a decision in time.
    #[error(
        "{}",
        Message::new("doubt-too-slow")
            .part("what", .what.clone())
            .with("seconds", .limit.as_secs())
    )]
    TooSlow {
        /// What was waited for.
        what: Message,
        /// How long was waited.
        limit: Duration,
    },
    /// It was accepted, but what it should have made cannot be found.
    #[error("{}", Message::new("doubt-not-found").part("what", .what.clone()))]
    NotFound {
        /// What was looked for.
        what: Message,
    },
    /// What became of it could not be looked up.
    #[error("{}", Message::new("doubt-not-looked-up"))]
    NotLookedUp,
}

fn task_too_slow(task: &TaskExtId, limit: Duration, status: &str, percent: Option<u8>) -> Message {
    match percent {
        Some(percent) => Message::new("doubt-task-too-slow")
            .with("task", task)
            .with("seconds", limit.as_secs())
            .with("status", status)
            .with("percent", percent),
        None => Message::new("doubt-task-too-slow-at-unknown")
            .with("task", task)
            .with("seconds", limit.as_secs())
            .with("status", status),
    }
}
