//! What can go wrong with Move.

use stayput_estate::MovePlanId;
use stayput_estate::MoveVmId;
use stayput_messages::Message;
use stayput_messages::list::semicolons;
use stayput_messages::list::text;

use crate::error::Ambiguous;
use crate::error::AuthError;
use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::DoubtReason;
use crate::error::InDoubt;
use crate::error::ListError;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::error::http_status;
use crate::retry::Outcome;
use crate::transport::Failure;

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
    #[error(
        "{}",
        Message::new("move-missing")
            .part("call", .call.message())
            .part("what", .what.clone())
    )]
    Missing {
        /// The last look for it.
        call: Box<Call>,
        /// What was looked for.
        what: Message,
    },
    /// Several plans are what only one may be.
    #[error(transparent)]
    Ambiguous(#[from] Box<Ambiguous>),
    /// A list could not be read to its end.
    #[error(transparent)]
    List(#[from] Box<ListError>),
    /// A change was sent or accepted, and what became of it is not known.
    #[error(transparent)]
    InDoubt(#[from] Box<InDoubt>),
}

impl From<Failure> for MoveError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect(error) => Self::Connect(error),
            Failure::Timeout(error) => Self::Timeout(error),
            Failure::Decode(error) => Self::Decode(error),
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
            Self::Missing { call, .. } => Some(call),
            Self::Ambiguous(error) => Some(&error.call),
            Self::List(error) => Some(&error.call),
            Self::InDoubt(error) => Some(&error.call),
        }
    }

    fn call_mut(&mut self) -> Option<&mut Call> {
        match self {
            Self::Setup(_) => None,
            Self::Connect(error) => Some(&mut error.call),
            Self::Timeout(error) => Some(&mut error.call),
            Self::Auth(error) => Some(&mut error.call),
            Self::Api(error) => Some(&mut error.call),
            Self::Decode(error) => Some(&mut error.call),
            Self::NotPrepared(error) => Some(&mut error.call),
            Self::NotOffered(error) => Some(&mut error.call),
            Self::Missing { call, .. } => Some(call),
            Self::Ambiguous(error) => Some(&mut error.call),
            Self::List(error) => Some(&mut error.call),
            Self::InDoubt(error) => Some(&mut error.call),
        }
    }

    /// Whether the change may have taken effect although this error came back, in any of its attempts. It is then in doubt,
    /// neither done nor failed: look before trying again, Move has no request ids. Always `false` for a call that only reads.
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::InDoubt(_))
            || self.call().is_some_and(|call| call.unclear_attempts > 0)
    }

    /// Whether Move did not answer at all, or only that it is unwell: what a lost appliance looks like. A certificate that is not
    /// accepted is not that.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Connect(error) => error.tls.is_none(),
            Self::Timeout(_) => true,
            Self::Api(error) => error.status >= 500,
            Self::Setup(_)
            | Self::Auth(_)
            | Self::Decode(_)
            | Self::NotPrepared(_)
            | Self::NotOffered(_)
            | Self::Missing { .. }
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
            Self::Api(error) => Some(Outcome::Status(error.status)),
            Self::Decode(_) => Some(Outcome::Malformed),
            Self::Setup(_)
            | Self::Auth(_)
            | Self::NotPrepared(_)
            | Self::NotOffered(_)
            | Self::Missing { .. }
            | Self::Ambiguous(_)
            | Self::List(_)
            | Self::InDoubt(_) => None,
        }
    }

    /// The same error with the number of attempts that may have taken effect.
    pub(super) fn with_unclear_attempts(mut self, unclear: u32) -> Self {
        if let Some(call) = self.call_mut() {
            call.unclear_attempts = unclear;
        }
        self
    }

    /// The error for a change in doubt of which the end could not be looked up.
    pub(super) fn not_looked_up(self, change: &Call) -> Self {
        if let Self::InDoubt(_) = self {
            return self;
        }
        Self::from(Box::new(InDoubt {
            call: Box::new(change.clone()),
            reason: DoubtReason::NotLookedUp,
            source: Some(Box::new(self)),
        }))
    }
}

/// Move refused a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", http_status(call, *status), detail(message.as_deref(), *code, body))]
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
#[error(
    "{}",
    Message::new("move-not-prepared")
        .part("call", .call.message())
        .part("problems", semicolons(.problems.iter().map(VmProblem::text)))
)]
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
#[error("{}", self.text())]
pub struct VmProblem {
    /// The machine, if Move says which.
    pub vm: Option<MoveVmId>,
    /// Which check it did not pass, as Move names it.
    pub check: Option<String>,
    /// For people.
    pub message: String,
}

impl VmProblem {
    fn text(&self) -> Message {
        let message = match &self.check {
            Some(check) => Message::new("move-check-failed")
                .with("check", check)
                .with("message", &self.message),
            None => text(&self.message),
        };
        match &self.vm {
            Some(vm) => Message::new("move-problem-of-vm")
                .with("vm", vm)
                .part("message", message),
            None => message,
        }
    }
}

/// Move does not offer an action for a VM now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
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

impl NotOffered {
    fn message(&self) -> Message {
        match self.offered.as_slice() {
            [] => Message::new("move-offers-nothing")
                .part("call", self.call.message())
                .with("vm", &self.vm)
                .with("state", &self.state),
            offered => Message::new("move-offers")
                .part("call", self.call.message())
                .with("vm", &self.vm)
                .with("state", &self.state)
                .with("offered", offered.join(", ")),
        }
    }
}
