//! What can go wrong with Move.

use stayput_estate::MovePlanId;
use stayput_estate::MoveVmId;

use crate::error::AuthError;
use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::transport::NoReply;

/// Anything that can go wrong with Move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
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
    /// Refused by Move.
    #[error(transparent)]
    Api(#[from] Box<MoveApiError>),
    /// The answer is not of the form we know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Machines could not be prepared, or are not ready.
    #[error(transparent)]
    NotPrepared(#[from] Box<NotPrepared>),
    /// Move does not offer the action for this VM now.
    #[error(transparent)]
    NotOffered(#[from] Box<NotOffered>),
    /// Something is not where it must be.
    #[error("{call}: {what} is not there")]
    Missing {
        /// The last look for it.
        call: Box<Call>,
        /// What was looked for.
        what: String,
    },
    /// A list came back shorter than its own count.
    #[error("{call}: {got} of {expected} were given")]
    Incomplete {
        /// The list.
        call: Box<Call>,
        /// How many there are.
        expected: u64,
        /// How many were received.
        got: u64,
    },
}

impl From<NoReply> for MoveError {
    fn from(failure: NoReply) -> Self {
        match failure {
            NoReply::Connect(error) => Self::Connect(error),
            NoReply::Timeout(error) => Self::Timeout(error),
        }
    }
}

impl MoveError {
    /// The call that went wrong; none before the first one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Setup(_) => None,
            Self::Connect(error) => Some(&error.call),
            Self::Timeout(error) => Some(&error.call),
            Self::Auth(error) => Some(&error.call),
            Self::Api(error) => Some(&error.call),
            Self::Decode(error) => Some(&error.call),
            Self::NotPrepared(error) => Some(&error.call),
            Self::NotOffered(error) => Some(&error.call),
            Self::Missing { call, .. } | Self::Incomplete { call, .. } => Some(call),
        }
    }

    /// Whether the change may have taken effect although this error came back: look before trying again, Move has no request ids.
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Connect(error) => error.tls.is_none() && !error.source.is_connect(),
            Self::Timeout(_) | Self::Decode(_) => true,
            Self::Api(error) => error.status == 408 || error.status >= 500,
            Self::Setup(_)
            | Self::Auth(_)
            | Self::NotPrepared(_)
            | Self::NotOffered(_)
            | Self::Missing { .. }
            | Self::Incomplete { .. } => false,
        }
    }
}

/// Move refused a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: HTTP {status}{}", detail(message.as_deref(), *code, body))]
pub struct MoveApiError {
    /// The call.
    pub call: Box<Call>,
    /// HTTP status.
    pub status: u16,
    /// What Move said.
    pub message: Option<String>,
    /// Move's own number, such as 20538.
    pub code: Option<i64>,
    /// The start of the body as received.
    pub body: String,
}

fn detail(message: Option<&str>, code: Option<i64>, body: &str) -> String {
    match (message, code) {
        (Some(message), Some(code)) => format!(": {message} [{code}]"),
        (Some(message), None) => format!(": {message}"),
        (None, Some(code)) => format!(": [{code}]"),
        (None, None) if body.is_empty() => String::new(),
        (None, None) => format!(": {body}"),
    }
}

/// Machines could not be prepared, or are not ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct NotPrepared {
    /// The call.
    pub call: Box<Call>,
    /// The plan.
    pub plan: MovePlanId,
    /// What is wrong; at least one.
    pub problems: Vec<VmProblem>,
}

/// Why one machine, or the plan as a whole, cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", vm.as_ref().map_or_else(String::new, |vm| format!("VM {vm}: ")), check.as_ref().map_or_else(String::new, |check| format!("{check}: ")))]
pub struct VmProblem {
    /// The machine, if Move says which.
    pub vm: Option<MoveVmId>,
    /// Which check it did not pass, as Move names it.
    pub check: Option<String>,
    /// For people.
    pub message: String,
}

/// Move does not offer an action for a VM now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: VM {vm} is in state `{state}`, where Move offers {}", if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") })]
pub struct NotOffered {
    /// The look that showed it.
    pub call: Box<Call>,
    /// The VM.
    pub vm: MoveVmId,
    /// Its state as received.
    pub state: String,
    /// What is offered, upper case.
    pub offered: Vec<String>,
}
