//! What can go wrong between us and AWS.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use stayput_estate::Region;

use crate::xml::Malformed;

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

/// Which call it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// Region the call was for.
    pub region: Region,
    /// Service, as its endpoint spells it: `ec2`, `sts`, `directconnect`, `ssm`.
    pub service: &'static str,
    /// Operation, such as `ReplaceTransitGatewayRoute`.
    pub operation: &'static str,
    /// Endpoint the request was sent to.
    pub endpoint: String,
    /// How many attempts were started; 0 when the request never got that far.
    pub attempts: u32,
    /// How many of them failed in a way that leaves open whether they took effect.
    pub unclear_attempts: u32,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} in {} ({}",
            self.service, self.operation, self.region, self.endpoint
        )?;
        match self.attempts {
            0 | 1 => f.write_str(")"),
            more => write!(f, ", {more} attempts)"),
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
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Answer => "no answer",
        })
    }
}

/// Why there was no conversation with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectReason {
    /// Nobody listens there.
    Refused,
    /// Its name does not resolve.
    NameNotFound,
    /// Its certificate was issued by nobody we trust.
    CertificateNotTrusted,
    /// Its certificate is wrong otherwise: other name, expired, revoked; the TLS library's words.
    Certificate(String),
    /// TLS failed otherwise; the TLS library's words.
    Tls(String),
    /// The connection broke after it was made. The call may have taken effect.
    Broken(String),
    /// Anything else; the innermost error's words.
    Other(String),
}

impl ConnectReason {
    /// Whether the endpoint's certificate was refused.
    pub(crate) fn is_certificate(&self) -> bool {
        match self {
            Self::CertificateNotTrusted | Self::Certificate(_) => true,
            Self::Refused
            | Self::NameNotFound
            | Self::Tls(_)
            | Self::Broken(_)
            | Self::Other(_) => false,
        }
    }

    /// Whether the request cannot have been sent.
    pub(crate) fn is_before_sending(&self) -> bool {
        match self {
            Self::Refused
            | Self::NameNotFound
            | Self::CertificateNotTrusted
            | Self::Certificate(_)
            | Self::Tls(_) => true,
            Self::Broken(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for ConnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::NameNotFound => f.write_str("name does not resolve"),
            Self::CertificateNotTrusted => {
                f.write_str("certificate not trusted: its issuer is not among the trusted ones")
            }
            Self::Certificate(what) => write!(f, "certificate not accepted: {what}"),
            Self::Tls(what) => write!(f, "TLS: {what}"),
            Self::Broken(what) => write!(f, "connection broke: {what}"),
            Self::Other(what) => f.write_str(what),
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
    #[error("no AWS credentials from {tried}")]
    Credentials {
        /// What was asked for them: the profile or the whole chain.
        tried: String,
        /// What the chain said.
        source: BoxError,
    },
    /// AWS answered with an error.
    #[error("{call}: {code}: {message}{}", request_suffix(request_id))]
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
    #[error("{call}: {phase} within {} s", limit.as_secs_f32())]
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
    #[error("{call}: answer not understood")]
    Parse {
        /// Which call.
        call: Box<CallSite>,
        /// What was wrong with it.
        source: Malformed,
    },
}

fn request_suffix(request_id: &Option<String>) -> String {
    match request_id {
        Some(id) => format!(" (request {id})"),
        None => String::new(),
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

    /// Whether the endpoint did not answer at all, or only that it is unwell: what a lost region looks like. A certificate
    /// that is not accepted is not that.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Connect { reason, .. } => match reason {
                ConnectReason::Refused
                | ConnectReason::NameNotFound
                | ConnectReason::Broken(_)
                | ConnectReason::Other(_) => true,
                ConnectReason::CertificateNotTrusted
                | ConnectReason::Certificate(_)
                | ConnectReason::Tls(_) => false,
            },
            Self::Service { status, .. } => *status >= 500 && !self.is_throttle(),
            Self::Config { .. } | Self::Credentials { .. } | Self::Parse { .. } => false,
        }
    }

    /// Whether a call that failed so may have taken effect all the same, in any of its attempts. Observe before doing it
    /// again.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Parse { .. } => true,
            Self::Service { call, .. }
            | Self::Timeout { call, .. }
            | Self::Connect { call, .. } => call.unclear_attempts > 0,
            Self::Config { .. } | Self::Credentials { .. } => false,
        }
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

/// The error and everything behind it, looking into `io::Error` as well, whose `source()` skips the error it wraps.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |current: &&'a (dyn StdError + 'static)| {
        let current: &'a (dyn StdError + 'static) = *current;
        match current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => current.source(),
        }
    })
}

/// Says in plain words why a connector failed.
pub(crate) fn connect_reason(error: &(dyn StdError + 'static)) -> ConnectReason {
    for cause in chain(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_reason(tls);
        }
    }
    let broken = [
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::UnexpectedEof,
    ];
    let mut innermost = String::new();
    for cause in chain(error) {
        innermost = cause.to_string();
        // The resolver's error has no type of its own that we could name; its text is fixed in hyper-util.
        if innermost == "dns error" {
            return ConnectReason::NameNotFound;
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if io.kind() == io::ErrorKind::ConnectionRefused {
                return ConnectReason::Refused;
            }
            if broken.contains(&io.kind()) {
                return ConnectReason::Broken(innermost);
            }
        }
    }
    ConnectReason::Other(innermost)
}

fn tls_reason(error: &rustls::Error) -> ConnectReason {
    match error {
        // A bad signature is that of another CA with the name of a trusted one, such as one that was made anew.
        rustls::Error::InvalidCertificate(
            rustls::CertificateError::UnknownIssuer | rustls::CertificateError::BadSignature,
        ) => ConnectReason::CertificateNotTrusted,
        rustls::Error::InvalidCertificate(other) => ConnectReason::Certificate(other.to_string()),
        other => ConnectReason::Tls(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(status: u16, code: &str) -> AwsError {
        AwsError::Service {
            call: Box::new(CallSite {
                region: Region::new("ap-northeast-1"),
                service: "ec2",
                operation: "DescribeVpcs",
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
    fn a_server_fault_looks_like_a_lost_region_and_a_throttle_does_not() {
        assert!(service(503, "Unavailable").is_unreachable());
        assert!(!service(503, "RequestLimitExceeded").is_unreachable());
        assert!(!service(400, "InvalidParameterValue").is_unreachable());
    }

    #[test]
    fn a_tls_error_is_found_inside_io_errors() {
        // The second is what a CA of the same name with another key gives.
        for problem in [
            rustls::CertificateError::UnknownIssuer,
            rustls::CertificateError::BadSignature,
        ] {
            let tls = rustls::Error::InvalidCertificate(problem);
            let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
            let reason = connect_reason(&wrapped);
            assert_eq!(reason, ConnectReason::CertificateNotTrusted);
            assert!(reason.is_certificate());
        }
        let refused = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(connect_reason(&refused), ConnectReason::Refused);
    }
}
