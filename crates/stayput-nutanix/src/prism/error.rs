//! What can go wrong with Prism Central.

use std::fmt;

use crate::error::AuthError;
use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::prism::v4::Minor;
use crate::prism::v4::Namespace;
use crate::transport::NoReply;

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
    /// The answer is not of the form we know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// This Prism Central is too old for what was asked.
    #[error(transparent)]
    Unsupported(#[from] Box<Unsupported>),
    /// Something is not where it must be.
    #[error(transparent)]
    Missing(#[from] Box<Missing>),
}

impl From<NoReply> for PrismError {
    fn from(failure: NoReply) -> Self {
        match failure {
            NoReply::Connect(error) => Self::Connect(error),
            NoReply::Timeout(error) => Self::Timeout(error),
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
            Self::Decode(error) => Some(&error.call),
            Self::Missing(error) => Some(&error.call),
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
            | Self::Decode(_)
            | Self::Unsupported(_)
            | Self::Missing(_) => &[],
        }
    }

    /// Whether the change may have taken effect although this error came back.
    ///
    /// Calling again with the same [`RequestId`](crate::RequestId) settles it.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Connect(error) => error.tls.is_none() && !error.source.is_connect(),
            Self::Timeout(_) | Self::Decode(_) | Self::Missing(_) => true,
            // Something on the way gave up, or the server broke while it worked.
            Self::Api(error) => error.status == 408 || error.status >= 500,
            Self::Setup(_) | Self::Auth(_) | Self::TaskFailed(_) | Self::Unsupported(_) => false,
        }
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
#[error("{call}: HTTP {status}{}", detail(messages, body))]
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
    "{call}: its task `{operation}` ended as {status}{}",
    detail(messages, "")
)]
pub struct TaskFailed {
    /// The last look at the task.
    pub call: Box<Call>,
    /// The task.
    pub task: stayput_estate::TaskExtId,
    /// What the task calls itself, such as `CreateNic`.
    pub operation: String,
    /// `FAILED`, `CANCELED` or `SUSPENDED`, as received.
    pub status: String,
    /// Why, as Prism Central says it.
    pub messages: Vec<AppMessage>,
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
#[error(
    "{service} of site `{site}`: {what} needs {namespace} {needs} or later; this one has {}",
    has.as_deref().unwrap_or("no v4 at all"),
    service = crate::Service::PrismCentral
)]
pub struct Unsupported {
    /// The site.
    pub site: stayput_estate::SiteName,
    /// What was being done.
    pub what: String,
    /// The part of the API.
    pub namespace: Namespace,
    /// The first minor that can do it.
    pub needs: Minor,
    /// What the server said it has; `None` if it has no v4.
    pub has: Option<String>,
}

/// Something is not where it must be: a VM that does not exist, or a thing just made that cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {what} is not there")]
pub struct Missing {
    /// The last look for it.
    pub call: Box<Call>,
    /// What was looked for.
    pub what: String,
}
