//! What can go wrong with any call to an appliance, whichever it is.

mod doubt;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::SiteName;
use stayput_messages::Message;

use crate::retry::Outcome;

pub use doubt::DoubtReason;
pub use doubt::InDoubt;

/// Which appliance of a site was spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Prism Central.
    PrismCentral,
    /// Nutanix Move.
    Move,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PrismCentral => "Prism Central",
            Self::Move => "Move",
        })
    }
}

impl Service {
    /// The appliance of a site, as every error of it begins.
    pub fn of(self, site: &SiteName) -> String {
        Message::new("appliance-of-site")
            .with("service", self)
            .with("site", site)
            .to_string()
    }
}

/// One call: to which appliance, what for, and what was sent where. Carried by every error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The site whose appliance was called.
    pub site: SiteName,
    /// Which appliance.
    pub service: Service,
    /// What was being done, such as `delete NIC … of VM …`.
    pub what: Message,
    /// HTTP method.
    pub method: String,
    /// Where to; without credentials.
    pub url: String,
    /// For a change: how many of its attempts ended so that they may have taken effect; 0 for a read.
    pub unclear_attempts: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl Call {
    /// The call, for messages to quote.
    pub(crate) fn message(&self) -> Message {
        Message::new("appliance-call")
            .with("service", self.service)
            .with("site", &self.site)
            .part("what", self.what.clone())
            .with("method", &self.method)
            .with("url", &self.url)
    }
}

/// A client could not be made; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address is not a URL with a host.
    #[error(
        "{}",
        Message::new("setup-url")
            .with("service", .service)
            .with("site", .site)
            .with("url", .url)
    )]
    Url {
        /// The site.
        site: SiteName,
        /// Which appliance.
        service: Service,
        /// The address as configured.
        url: String,
    },
    /// The address would send credentials in the clear.
    #[error(
        "{}",
        Message::new("setup-not-encrypted")
            .with("service", .service)
            .with("site", .site)
            .with("url", .url)
    )]
    NotEncrypted {
        /// The site.
        site: SiteName,
        /// Which appliance.
        service: Service,
        /// The address as configured.
        url: String,
    },
    /// The private CA cannot be read.
    #[error(
        "{}",
        Message::new("setup-ca-file")
            .with("service", .service)
            .with("site", .site)
            .with("path", .path.display())
            .with("reason", .reason)
    )]
    CaFile {
        /// The site.
        site: SiteName,
        /// Which appliance.
        service: Service,
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The TLS or HTTP machinery refused its settings.
    #[error(
        "{}",
        Message::new("setup-client")
            .with("service", .service)
            .with("site", .site)
            .with("reason", .reason)
    )]
    Client {
        /// The site.
        site: SiteName,
        /// Which appliance.
        service: Service,
        /// Why not.
        reason: String,
    },
}

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// No CA that we trust signed it.
    #[error("{}", Message::new("tls-unknown-issuer"))]
    UnknownIssuer,
    /// It is for another name than the one in the URL.
    #[error("{}", Message::new("tls-wrong-name"))]
    WrongName,
    /// It is no longer valid.
    #[error("{}", Message::new("tls-expired"))]
    Expired,
    /// It is not valid yet; often a clock that is wrong.
    #[error("{}", Message::new("tls-not-yet-valid"))]
    NotYetValid,
    /// Anything else, as the TLS library says it.
    #[error("{}", Message::new("tls-other").with("problem", .0))]
    Other(String),
}

impl TlsProblem {
    /// Finds the TLS error in a chain of errors, if there is one.
    pub(crate) fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of(tls));
            }
            // `io::Error::source` skips the error that it wraps, so that one is looked at here.
            let wrapped = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
                .and_then(|inner| Self::find(inner));
            if wrapped.is_some() {
                return wrapped;
            }
            next = error.source();
        }
        None
    }

    fn of(error: &rustls::Error) -> Self {
        use rustls::CertificateError;
        match error {
            rustls::Error::InvalidCertificate(reason) => match reason {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::UnknownIssuer
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                other => Self::Other(other.to_string()),
            },
            other => Self::Other(other.to_string()),
        }
    }
}

/// No answer was received because there was no connection, or it broke.
///
/// When it broke, the request may have taken effect all the same.
#[derive(Debug, thiserror::Error)]
#[error("{}", no_connection(call, tls.as_ref(), &**source))]
pub struct ConnectError {
    /// The call.
    pub call: Box<Call>,
    /// What is wrong with the other side's certificate, if that is why.
    pub tls: Option<TlsProblem>,
    /// Whether there was a connection, so that the request may have been received.
    pub sent: bool,
    /// What the transport says.
    pub source: Box<dyn Error + Send + Sync>,
}

impl ConnectError {
    /// How the attempt ended.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.sent {
            Outcome::Broken
        } else if self.tls.is_some() {
            Outcome::Certificate
        } else {
            Outcome::NotSent
        }
    }
}

fn no_connection(call: &Call, tls: Option<&TlsProblem>, source: &(dyn Error + 'static)) -> Message {
    match tls {
        Some(problem) => Message::new("appliance-certificate")
            .part("call", call.message())
            .with("problem", problem),
        None => Message::new("appliance-no-connection")
            .part("call", call.message())
            .with("why", innermost(source)),
    }
}

/// The last cause in a chain; the one that says something.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// No answer was received in time. If there was a connection, the request may have taken effect all the same.
#[derive(Debug, thiserror::Error)]
#[error("{}", too_late(call, *connected, *after))]
pub struct TimeoutError {
    /// The call.
    pub call: Box<Call>,
    /// How long was waited, for one try.
    pub after: Duration,
    /// Whether there was a connection, so that the request may have been received.
    pub connected: bool,
}

fn too_late(call: &Call, connected: bool, after: Duration) -> Message {
    match connected {
        true => Message::new("appliance-no-answer-in-time")
            .part("call", call.message())
            .with("seconds", after.as_secs_f64()),
        false => Message::new("appliance-no-connection-in-time")
            .part("call", call.message())
            .with("seconds", after.as_secs_f64()),
    }
}

/// The appliance does not know us (401) or does not let us (403).
#[derive(Debug, thiserror::Error)]
#[error("{}{detail}", refused(call, *status))]
pub struct AuthError {
    /// The call.
    pub call: Box<Call>,
    /// 401 or 403.
    pub status: u16,
    /// What the appliance said about it, with a leading `: `, or nothing.
    pub detail: String,
}

/// A call that was refused with this HTTP status.
pub(crate) fn http_status(call: &Call, status: u16) -> Message {
    Message::new("appliance-status")
        .part("call", call.message())
        .with("status", status)
}

fn refused(call: &Call, status: u16) -> Message {
    match status {
        401 => Message::new("appliance-refuses-password")
            .part("call", call.message())
            .with("status", status),
        _ => Message::new("appliance-refuses-user")
            .part("call", call.message())
            .with("status", status),
    }
}

/// The answer is not of the form we know, or too long.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}",
    Message::new("appliance-not-understood")
        .part("call", .call.message())
        .with("path", .path)
)]
pub struct DecodeError {
    /// The call.
    pub call: Box<Call>,
    /// Where in the JSON document, such as `data[3].nics[0].extId`; `.` is the whole.
    pub path: String,
    /// What is wrong there.
    pub source: serde_json::Error,
}

/// A list could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    Message::new("appliance-list")
        .part("call", .call.message())
        .with("problem", .problem)
)]
pub struct ListError {
    /// The list.
    pub call: Box<Call>,
    /// Why not.
    pub problem: ListProblem,
}

/// Why a list could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// It is longer than anything this build reads; most likely the figure is wrong.
    #[error("{}", Message::new("list-too-long").with("total", .total).with("limit", .limit))]
    TooLong {
        /// How many there are said to be.
        total: u64,
        /// How many are read.
        limit: u64,
    },
    /// Page after page came, without an end.
    #[error("{}", Message::new("list-endless").with("pages", .pages))]
    Endless {
        /// How many pages were read.
        pages: u64,
    },
    /// It changed each time it was read, or never had as many objects as it says.
    #[error(
        "{}",
        Message::new("list-unsettled")
            .with("reads", .reads)
            .with("got", .got)
            .with("expected", .expected)
    )]
    Unsettled {
        /// How often it was read.
        reads: u32,
        /// How many objects were received the last time, without repeated ones.
        got: u64,
        /// How many there were said to be the last time.
        expected: u64,
    },
    /// Pages repeat, and nothing says whether more would come.
    #[error("{}", Message::new("list-repeats").with("got", .got))]
    Repeats {
        /// How many objects were received, without repeated ones.
        got: u64,
    },
}

/// Several objects are what only one may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}",
    Message::new("appliance-ambiguous")
        .part("call", .call.message())
        .part("what", .what.clone())
        .with("ids", .ids.join(", "))
)]
pub struct Ambiguous {
    /// The look that showed it.
    pub call: Box<Call>,
    /// What was looked for, such as "subnet `app`".
    pub what: Message,
    /// The ids of all that match.
    pub ids: Vec<String>,
}

/// The start of a body, for error messages.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const LIMIT: usize = 400;
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
