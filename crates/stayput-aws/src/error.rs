//! What can go wrong between us and AWS.

mod connect;
mod endpoint_state;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use stayput_estate::Region;
use stayput_messages::Message;

use crate::xml::Malformed;

pub use connect::ConnectReason;
pub(crate) use connect::PlainHttpRefused;
pub(crate) use connect::chain;
pub(crate) use connect::connect_reason;
pub use endpoint_state::EndpointState;

/// A source error of any type.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Codes that mean the caller is too fast, as the SDK has them.
const THROTTLES: &[&str] = aws_runtime::retries::classifiers::THROTTLING_ERRORS;

/// Codes that mean the credentials are good but the right is missing.
const DENIALS: &[&str] = &[
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedException",
];

/// Codes that mean the credentials themselves were refused.
const BAD_CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It only looks, or is a dry run: it may be repeated at will.
    Reads,
    /// It changes something.
    Writes,
}

impl Effect {
    /// Of an operation, by AWS's own naming: these verbs never change anything.
    pub(crate) fn of(operation: &str) -> Self {
        let reads = ["Describe", "Get", "List", "Query", "Search"];
        if reads.iter().any(|verb| operation.starts_with(verb)) {
            Self::Reads
        } else {
            Self::Writes
        }
    }
}

/// What stands for the error code of an answer that has none, before its status.
pub(crate) const NO_CODE: &str = "HTTP ";

/// Which call it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// Region the call was for.
    pub region: Region,
    /// Service, as its endpoint spells it: `ec2`, `sts`, `directconnect`, `ssm`, `dynamodb`.
    pub service: &'static str,
    /// Operation, such as `ReplaceTransitGatewayRoute`.
    pub operation: &'static str,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Endpoint the request was sent to.
    pub endpoint: String,
    /// How many attempts were started; 0 when the request never got that far.
    pub attempts: u32,
    /// How many of them failed in a way that leaves open whether they took effect.
    pub unclear_attempts: u32,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl CallSite {
    fn message(&self) -> Message {
        match self.attempts {
            0 | 1 => Message::new("aws-call")
                .with("service", self.service)
                .with("operation", self.operation)
                .with("region", &self.region)
                .with("endpoint", &self.endpoint),
            more => Message::new("aws-call-attempts")
                .with("service", self.service)
                .with("operation", self.operation)
                .with("region", &self.region)
                .with("endpoint", &self.endpoint)
                .with("attempts", more),
        }
    }
}

/// Which wait ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// No connection: nothing was sent.
    Connect,
    /// Connected, but the answer did not come in time. The call may have taken effect.
    Answer,
}

impl fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl TimeoutPhase {
    fn message(self) -> Message {
        match self {
            Self::Connect => Message::new("aws-no-connection"),
            Self::Answer => Message::new("aws-no-answer"),
        }
    }
}

/// Why something could not be learned from or done in AWS.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// What we were given to reach AWS with is unusable; nothing was sent.
    #[error("{problem}")]
    Config {
        /// What is wrong, naming the file or setting.
        problem: String,
        /// The underlying error, if there is one.
        source: Option<BoxError>,
    },
    /// The credential chain gave nothing usable.
    #[error("{}", Message::new("aws-no-credentials").with("tried", .tried))]
    Credentials {
        /// What was asked for them: the profile or the whole chain.
        tried: String,
        /// What the chain said.
        source: BoxError,
    },
    /// AWS answered with an error.
    #[error("{}", refused(call, code, message, request_id.as_deref()))]
    Service {
        /// Which call.
        call: Box<CallSite>,
        /// HTTP status.
        status: u16,
        /// Error code, such as `InvalidRoute.NotFound`; `HTTP nnn` when the answer had none.
        code: String,
        /// The service's message.
        message: String,
        /// Request id, for AWS support.
        request_id: Option<String>,
    },
    /// The answer did not come in time.
    #[error(
        "{}",
        Message::new("aws-timeout")
            .part("call", .call.message())
            .part("phase", .phase.message())
            .with("seconds", .limit.as_secs_f32())
    )]
    Timeout {
        /// Which call.
        call: Box<CallSite>,
        /// Which wait ended it.
        phase: TimeoutPhase,
        /// The limit of one such wait.
        limit: Duration,
        /// What the SDK said.
        source: BoxError,
    },
    /// There was no conversation with the endpoint.
    #[error("{call}: {reason}")]
    Connect {
        /// Which call.
        call: Box<CallSite>,
        /// Why, in plain words.
        reason: ConnectReason,
        /// The error chain behind it.
        source: BoxError,
    },
    /// The answer was not what the API documents.
    #[error("{}", Message::new("aws-not-understood").part("call", .call.message()))]
    Parse {
        /// Which call.
        call: Box<CallSite>,
        /// What was wrong with it.
        source: Malformed,
    },
}

fn refused(call: &CallSite, code: &str, message: &str, request: Option<&str>) -> Message {
    match request {
        Some(request) => Message::new("aws-error-of-request")
            .part("call", call.message())
            .with("code", code)
            .with("message", message)
            .with("request", request),
        None => Message::new("aws-error")
            .part("call", call.message())
            .with("code", code)
            .with("message", message),
    }
}

impl AwsError {
    /// Which call failed; `None` when it failed before there was one.
    pub fn call(&self) -> Option<&CallSite> {
        match self {
            Self::Config { .. } | Self::Credentials { .. } => None,
            Self::Service { call, .. }
            | Self::Timeout { call, .. }
            | Self::Connect { call, .. }
            | Self::Parse { call, .. } => Some(call),
        }
    }

    /// The service's error code, if AWS answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Service { code, .. } => Some(code),
            Self::Config { .. }
            | Self::Credentials { .. }
            | Self::Timeout { .. }
            | Self::Connect { .. }
            | Self::Parse { .. } => None,
        }
    }

    /// Whether AWS refused because too many calls were made (still, after the retries).
    pub fn is_throttle(&self) -> bool {
        matches!(self, Self::Service { status: 429, .. })
            || self.code().is_some_and(is_throttle_code)
    }

    /// Whether the right to make the call is missing.
    pub fn is_permission(&self) -> bool {
        self.code().is_some_and(|code| DENIALS.contains(&code))
    }

    /// Whether the credentials are missing, expired or refused.
    pub fn is_credentials(&self) -> bool {
        matches!(self, Self::Credentials { .. })
            || self
                .code()
                .is_some_and(|code| BAD_CREDENTIALS.contains(&code))
    }

    /// Whether a call that failed so may have changed something all the same, in any of its attempts: its outcome is in doubt. Look
    /// before it is made again.
    ///
    /// It may if at least one attempt was sent and was not answered by AWS's own refusal: no answer in time, a connection that broke, a
    /// 5xx that is no throttle, or an answer that was not understood. It cannot if every attempt failed before it was sent (no
    /// connection, no certificate, no credentials) or was refused (4xx, throttled). A call that only reads changes nothing however it
    /// ends; an error of one says nothing about writes that were made before it.
    pub fn may_have_taken_effect(&self) -> bool {
        match self.call() {
            Some(call) => match call.effect {
                Effect::Reads => false,
                Effect::Writes => call.unclear_attempts > 0,
            },
            None => false,
        }
    }

    /// The same error of something that has been done in part already, or may have been: its outcome is in doubt, whatever became of the call
    /// that failed. Without effect on an error without a call.
    pub(crate) fn in_doubt(mut self) -> Self {
        match &mut self {
            Self::Service { call, .. }
            | Self::Timeout { call, .. }
            | Self::Connect { call, .. }
            | Self::Parse { call, .. } => {
                call.effect = Effect::Writes;
                call.unclear_attempts = call.unclear_attempts.max(1);
            }
            Self::Config { .. } | Self::Credentials { .. } => {}
        }
        self
    }

    /// Whether the service answered with this code.
    pub(crate) fn has_code(&self, wanted: &str) -> bool {
        self.code() == Some(wanted)
    }

    pub(crate) fn config(problem: impl Into<String>, source: Option<BoxError>) -> Self {
        Self::Config {
            problem: problem.into(),
            source,
        }
    }
}

/// Whether a code means that too many calls were made.
pub(crate) fn is_throttle_code(code: &str) -> bool {
    THROTTLES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn service(status: u16, code: &str) -> AwsError {
        AwsError::Service {
            call: Box::new(CallSite {
                region: Region::new("ap-northeast-1"),
                service: "ec2",
                operation: "DescribeVpcs",
                effect: Effect::Reads,
                endpoint: "https://ec2.ap-northeast-1.amazonaws.com".to_owned(),
                attempts: 3,
                unclear_attempts: 0,
            }),
            status,
            code: code.to_owned(),
            message: "said so".to_owned(),
            request_id: Some("r-1".to_owned()),
        }
    }

    #[test]
    fn a_message_names_call_region_endpoint_attempts_and_request() {
        assert_eq!(
            service(400, "InvalidVpcID.NotFound").to_string(),
            "ec2 DescribeVpcs in ap-northeast-1 (https://ec2.ap-northeast-1.amazonaws.com, 3 attempts): \
             InvalidVpcID.NotFound: said so (request r-1)"
        );
    }

    #[test]
    fn throttles_denials_and_bad_credentials_are_told_apart() {
        assert!(service(503, "RequestLimitExceeded").is_throttle());
        assert!(service(400, "ThrottlingException").is_throttle());
        assert!(service(429, "HTTP 429").is_throttle());
        assert!(service(403, "UnauthorizedOperation").is_permission());
        assert!(service(401, "AuthFailure").is_credentials());
        assert!(!service(401, "AuthFailure").is_permission());
    }

    #[test]
    fn only_verbs_that_look_count_as_reading() {
        for reads in [
            "DescribeVpcs",
            "GetCallerIdentity",
            "SearchTransitGatewayRoutes",
            "ListCommandInvocations",
        ] {
            assert_eq!(Effect::of(reads), Effect::Reads, "{reads}");
        }
        for writes in [
            "ReplaceTransitGatewayRoute",
            "StopInstances",
            "SendCommand",
            "CreateTags",
        ] {
            assert_eq!(Effect::of(writes), Effect::Writes, "{writes}");
        }
    }
}
