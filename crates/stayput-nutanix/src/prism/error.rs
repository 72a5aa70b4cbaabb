//! What can go wrong with Prism Central.

use std::fmt;

use stayput_messages::Message;
use stayput_messages::list::text;

use crate::error::Ambiguous;
use crate::error::AuthError;
use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::InDoubt;
use crate::error::ListError;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::error::http_status;
use crate::prism::v4::Minor;
use crate::prism::v4::Namespace;
use crate::redact::Redactor;
use crate::retry::Outcome;
use crate::transport::Failure;

/// Anything that can go wrong with Prism Central.
#[derive(Debug, thiserror::Error)]
pub enum PrismError {
    /// The client could not be made; nothing was sent.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// No connection, or it broke.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No answer in time.
    #[error(transparent)]
    Timeout(#[from] TimeoutError),
    /// Not known or not permitted.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Refused by Prism Central.
    #[error(transparent)]
    Api(#[from] Box<ApiError>),
    /// Accepted, but its task did not succeed.
    #[error(transparent)]
    TaskFailed(#[from] Box<TaskFailed>),
    /// Accepted, but its task does not exist any more, and looks show that it was not done.
    #[error(transparent)]
    TaskLost(#[from] Box<TaskLost>),
    /// The task of a change succeeded, and what it made is not there: another client has removed it since.
    #[error(transparent)]
    TaskUndone(#[from] Box<TaskUndone>),
    /// The answer is not of the form we know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// This Prism Central is too old for what was asked.
    #[error(transparent)]
    Unsupported(#[from] Box<Unsupported>),
    /// Something that must exist does not.
    #[error(transparent)]
    Missing(#[from] Box<Missing>),
    /// Something exists, but not as asked for.
    #[error(transparent)]
    Differs(#[from] Box<Differs>),
    /// Several objects are what only one may be.
    #[error(transparent)]
    Ambiguous(#[from] Box<Ambiguous>),
    /// A list could not be read to its end.
    #[error(transparent)]
    List(#[from] Box<ListError>),
    /// A change was sent or accepted, and what became of it is not known.
    #[error(transparent)]
    InDoubt(#[from] Box<InDoubt>),
}

impl From<Failure> for PrismError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect(error) => Self::Connect(error),
            Failure::Timeout(error) => Self::Timeout(error),
            Failure::Decode(error) => Self::Decode(error),
        }
    }
}

impl PrismError {
    /// The call that went wrong; none before the first one and when a namespace is too old.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Setup(_) | Self::Unsupported(_) => None,
            Self::Connect(error) => Some(&error.call),
            Self::Timeout(error) => Some(&error.call),
            Self::Auth(error) => Some(&error.call),
            Self::Api(error) => Some(&error.call),
            Self::TaskFailed(error) => Some(&error.call),
            Self::TaskLost(error) => Some(&error.call),
            Self::TaskUndone(error) => Some(&error.call),
            Self::Decode(error) => Some(&error.call),
            Self::Missing(error) => Some(&error.call),
            Self::Differs(error) => Some(&error.call),
            Self::Ambiguous(error) => Some(&error.call),
            Self::List(error) => Some(&error.call),
            Self::InDoubt(error) => Some(&error.call),
        }
    }

    /// What Prism Central itself said.
    pub fn messages(&self) -> &[AppMessage] {
        match self {
            Self::Api(error) => &error.messages,
            Self::TaskFailed(error) => &error.messages,
            Self::Setup(_)
            | Self::Connect(_)
            | Self::Timeout(_)
            | Self::Auth(_)
            | Self::TaskLost(_)
            | Self::TaskUndone(_)
            | Self::Decode(_)
            | Self::Unsupported(_)
            | Self::Missing(_)
            | Self::Differs(_)
            | Self::Ambiguous(_)
            | Self::List(_)
            | Self::InDoubt(_) => &[],
        }
    }

    /// Whether the change may have taken effect although this error came back, in any of its attempts. It is then in doubt,
    /// neither done nor failed.
    ///
    /// Calling again with the same [`RequestId`](crate::RequestId) settles it. Always `false` for a call that only reads.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::InDoubt(_) => true,
            // Its task has ended, and says that it did not do it; or looks do, or show that it has been undone.
            Self::TaskFailed(_) | Self::TaskLost(_) | Self::TaskUndone(_) => false,
            Self::Setup(_)
            | Self::Connect(_)
            | Self::Timeout(_)
            | Self::Auth(_)
            | Self::Api(_)
            | Self::Decode(_)
            | Self::Unsupported(_)
            | Self::Missing(_)
            | Self::Differs(_)
            | Self::Ambiguous(_)
            | Self::List(_) => self.call().is_some_and(|call| call.unclear_attempts > 0),
        }
    }

    /// Whether Prism Central did not answer at all, or only that it is unwell: what a lost site looks like. A certificate that
    /// is not accepted is not that.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Connect(error) => error.tls.is_none(),
            Self::Timeout(_) => true,
            Self::Api(error) => error.status >= 500,
            Self::Setup(_)
            | Self::Auth(_)
            | Self::TaskFailed(_)
            | Self::TaskLost(_)
            | Self::TaskUndone(_)
            | Self::Decode(_)
            | Self::Unsupported(_)
            | Self::Missing(_)
            | Self::Differs(_)
            | Self::Ambiguous(_)
            | Self::List(_)
            | Self::InDoubt(_) => false,
        }
    }

    /// How the attempt to change something ended, where that decides about another one.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Connect(error) => Some(error.outcome()),
            Self::Timeout(error) if !error.connected => Some(Outcome::Unreachable),
            Self::Timeout(_) => Some(Outcome::Silent),
            Self::Api(error) if error.is_stale() => Some(Outcome::Status(412)),
            Self::Api(error) => Some(Outcome::Status(error.status)),
            Self::Decode(_) => Some(Outcome::Malformed),
            Self::Setup(_)
            | Self::Auth(_)
            | Self::TaskFailed(_)
            | Self::TaskLost(_)
            | Self::TaskUndone(_)
            | Self::Unsupported(_)
            | Self::Missing(_)
            | Self::Differs(_)
            | Self::Ambiguous(_)
            | Self::List(_)
            | Self::InDoubt(_) => None,
        }
    }

    /// The same error with the number of attempts that may have taken effect.
    pub(super) fn with_unclear_attempts(mut self, unclear: u32) -> Self {
        let call = match &mut self {
            Self::Setup(_) | Self::Unsupported(_) => None,
            Self::Connect(error) => Some(&mut error.call),
            Self::Timeout(error) => Some(&mut error.call),
            Self::Auth(error) => Some(&mut error.call),
            Self::Api(error) => Some(&mut error.call),
            Self::TaskFailed(error) => Some(&mut error.call),
            Self::TaskLost(error) => Some(&mut error.call),
            Self::TaskUndone(error) => Some(&mut error.call),
            Self::Decode(error) => Some(&mut error.call),
            Self::Missing(error) => Some(&mut error.call),
            Self::Differs(error) => Some(&mut error.call),
            Self::Ambiguous(error) => Some(&mut error.call),
            Self::List(error) => Some(&mut error.call),
            Self::InDoubt(error) => Some(&mut error.call),
        };
        if let Some(call) = call {
            call.unclear_attempts = unclear;
        }
        self
    }
}

/// One message of Prism Central (`AppMessage`, Prism reference §1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppMessage {
    /// For people.
    pub message: String,
    /// Such as `VMM-30303`.
    pub code: Option<String>,
    /// Such as `VM_ETAG_MISMATCH`.
    pub group: Option<String>,
    /// `ERROR`, `WARNING`, … as received.
    pub severity: Option<String>,
}

impl AppMessage {
    /// The same without secrets.
    pub(super) fn cleaned(self, redactor: &Redactor) -> Self {
        let clean = |text: Option<String>| text.map(|text| redactor.clean(&text));
        Self {
            message: redactor.clean(&self.message),
            code: clean(self.code),
            group: clean(self.group),
            severity: clean(self.severity),
        }
    }
}

impl fmt::Display for AppMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.code, &self.group) {
            (Some(code), Some(group)) => write!(f, " [{code} {group}]"),
            (Some(one), None) | (None, Some(one)) => write!(f, " [{one}]"),
            (None, None) => Ok(()),
        }
    }
}

fn joined(messages: &[AppMessage]) -> String {
    let texts: Vec<String> = messages.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// Prism Central refused a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", http_status(call, *status), detail(messages, body))]
pub struct ApiError {
    /// The call.
    pub call: Box<Call>,
    /// HTTP status.
    pub status: u16,
    /// What Prism Central said, if it was of the form we know.
    pub messages: Vec<AppMessage>,
    /// The start of the body as received.
    pub body: String,
}

fn detail(messages: &[AppMessage], body: &str) -> String {
    if messages.is_empty() && body.is_empty() {
        String::new()
    } else if messages.is_empty() {
        format!(": {body}")
    } else {
        format!(": {}", joined(messages))
    }
}

impl ApiError {
    /// Whether the ETag was of an older state of the thing (Prism reference §1.1). Nothing was changed.
    pub fn is_stale(&self) -> bool {
        self.status == 412
            || self.messages.iter().any(|message| {
                message.group.as_deref() == Some("VM_ETAG_MISMATCH")
                    || message.code.as_deref() == Some("VMM-30303")
            })
    }
}

/// A change was accepted, but its task did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}{}",
    Message::new("prism-task-failed")
        .part("call", .call.message())
        .with("operation", .operation)
        .with("status", .status),
    detail(messages, "")
)]
pub struct TaskFailed {
    /// The last look at the task.
    pub call: Box<Call>,
    /// The task.
    pub task: stayput_estate::TaskExtId,
    /// What the task calls itself, such as `CreateNic`.
    pub operation: String,
    /// `FAILED`, `CANCELED` or `ABORTED`, as received.
    pub status: String,
    /// Why, as Prism Central says it.
    pub messages: Vec<AppMessage>,
}

/// A change was accepted, its task does not exist any more, and looks show that it was not done. The same request id may be answered
/// with the same lost task every time: another attempt needs a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::new("prism-task-lost").part("call", .call.message()).with("task", .task))]
pub struct TaskLost {
    /// The last look at the task.
    pub call: Box<Call>,
    /// The task.
    pub task: stayput_estate::TaskExtId,
}

/// The task of a change succeeded, but looks show that what it made is not there: another client has removed it since. The same request id
/// is answered with the same task: another attempt needs a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    Message::new("prism-task-undone")
        .part("call", .call.message())
        .with("task", .task)
        .part("what", .what.clone())
)]
pub struct TaskUndone {
    /// The last look.
    pub call: Box<Call>,
    /// The task.
    pub task: stayput_estate::TaskExtId,
    /// What is not there.
    pub what: Message,
}

impl TaskFailed {
    /// The codes of the messages, such as `VMM-20101`.
    pub fn codes(&self) -> Vec<&str> {
        self.messages
            .iter()
            .filter_map(|message| message.code.as_deref())
            .collect()
    }

    /// The groups of the messages, such as `VM_NIC_IP_IN_USE`.
    pub fn groups(&self) -> Vec<&str> {
        self.messages
            .iter()
            .filter_map(|message| message.group.as_deref())
            .collect()
    }
}

/// A namespace of this Prism Central is too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Unsupported {
    /// The site.
    pub site: stayput_estate::SiteName,
    /// What was being done.
    pub what: Message,
    /// The part of the API.
    pub namespace: Namespace,
    /// The first minor that can do it.
    pub needs: Minor,
    /// What the server said it has; `None` if it has no v4.
    pub has: Option<String>,
}

impl Unsupported {
    fn message(&self) -> Message {
        let has = match &self.has {
            Some(has) => text(has),
            None => Message::new("prism-has-no-v4"),
        };
        Message::new("prism-unsupported")
            .with("site", &self.site)
            .part("what", self.what.clone())
            .with("namespace", self.namespace)
            .with("needs", self.needs)
            .part("has", has)
    }
}

/// Something that must exist does not: the VM of a change, the domain manager of a Prism Central.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    Message::new("prism-missing")
        .part("call", .call.message())
        .part("what", .what.clone())
)]
pub struct Missing {
    /// The last look for it.
    pub call: Box<Call>,
    /// What was looked for.
    pub what: Message,
}

/// Something that was to be made exists with other properties. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    Message::new("prism-differs")
        .part("call", .call.message())
        .part("what", .what.clone())
        .part("difference", .difference.clone())
)]
pub struct Differs {
    /// The look that showed it.
    pub call: Box<Call>,
    /// What exists.
    pub what: Message,
    /// What is different.
    pub difference: Message,
}
