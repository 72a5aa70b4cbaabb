//! What can go wrong with any call to an appliance, whichever it is.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stayput_estate::SiteName;
use stayput_estate::TaskExtId;

use crate::retry::Outcome;

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
        format!("{self} of site `{site}`")
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
    pub what: String,
    /// HTTP method.
    pub method: String,
    /// Where to; without credentials.
    pub url: String,
    /// For a change: how many of its attempts ended so that they may have taken effect; 0 for a read.
    pub unclear_attempts: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({} {})",
            self.service.of(&self.site),
            self.what,
            self.method,
            self.url
        )
    }
}

/// A client could not be made; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address is not a URL with a host.
    #[error("{service} of site `{site}`: `{url}` is not an address such as https://host:port")]
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
        "{service} of site `{site}`: `{url}` is not encrypted; only https is spoken, except on loopback"
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
    #[error("{service} of site `{site}`: the CA file {path} cannot be read: {reason}")]
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
    #[error("{service} of site `{site}`: the HTTPS client cannot be made: {reason}")]
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
    #[error("its certificate is not signed by a trusted CA")]
    UnknownIssuer,
    /// It is for another name than the one in the URL.
    #[error("its certificate is for another name")]
    WrongName,
    /// It is no longer valid.
    #[error("its certificate has expired")]
    Expired,
    /// It is not valid yet; often a clock that is wrong.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// Anything else, as the TLS library says it.
    #[error("TLS: {0}")]
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
#[error("{call}: {}", tls.as_ref().map_or_else(|| format!("no connection: {}", innermost(&**source)), ToString::to_string))]
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
#[error("{call}: no {} within {}", if *connected { "answer" } else { "connection" }, seconds(*after))]
pub struct TimeoutError {
    /// The call.
    pub call: Box<Call>,
    /// How long was waited, for one try.
    pub after: Duration,
    /// Whether there was a connection, so that the request may have been received.
    pub connected: bool,
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// The appliance does not know us (401) or does not let us (403).
#[derive(Debug, thiserror::Error)]
#[error("{call}: {} (HTTP {status}){detail}", if *status == 401 { "user or password refused" } else { "not permitted for this user" })]
pub struct AuthError {
    /// The call.
    pub call: Box<Call>,
    /// 401 or 403.
    pub status: u16,
    /// What the appliance said about it, with a leading `: `, or nothing.
    pub detail: String,
}

/// The answer is not of the form we know, or too long.
#[derive(Debug, thiserror::Error)]
#[error("{call}: the answer is not understood at `{path}`")]
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
#[error("{call}: {problem}")]
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
    #[error("the list is said to have {total} objects; at most {limit} are read")]
    TooLong {
        /// How many there are said to be.
        total: u64,
        /// How many are read.
        limit: u64,
    },
    /// Page after page came, without an end.
    #[error("the list did not end after {pages} pages")]
    Endless {
        /// How many pages were read.
        pages: u64,
    },
    /// It changed each time it was read, or never had as many objects as it says.
    #[error(
        "the list was read {reads} times and was never complete: {got} objects were given, {expected} announced"
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
    #[error("pages of the list repeat; whether the {got} objects given are all cannot be told")]
    Repeats {
        /// How many objects were received, without repeated ones.
        got: u64,
    },
}

/// Several objects are what only one may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: there is more than one {what}: {}", ids.join(", "))]
pub struct Ambiguous {
    /// The look that showed it.
    pub call: Box<Call>,
    /// What was looked for, such as "subnet `app`".
    pub what: String,
    /// The ids of all that match.
    pub ids: Vec<String>,
}

/// A change was sent or accepted, and what became of it is not known. Neither done nor failed: look again, or call again with
/// the same request id.
#[derive(Debug, thiserror::Error)]
#[error("{call}: in doubt: {reason}")]
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
    #[error("task {task} does not exist (any more)")]
    TaskGone {
        /// The task.
        task: TaskExtId,
    },
    /// Its task stands still until a person acts.
    #[error("task {task} is suspended")]
    TaskSuspended {
        /// The task.
        task: TaskExtId,
    },
    /// Its task ended in a status this build does not know.
    #[error("task {task} ended as `{status}`, which is neither known as success nor as failure")]
    TaskStatus {
        /// The task.
        task: TaskExtId,
        /// The status as received.
        status: String,
    },
    /// Its task did not end in time.
    #[error("task {task} did not end within {} s; it was `{status}` at {}", limit.as_secs(), percent.map_or_else(|| "an unknown percentage".to_owned(), |percent| format!("{percent} %")))]
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
    #[error("{what} did not end within {} s", limit.as_secs())]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long was waited.
        limit: Duration,
    },
    /// It was accepted, but what it should have made cannot be found.
    #[error("it was accepted, but {what} is not there")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// What became of it could not be looked up.
    #[error("what became of it could not be looked up")]
    NotLookedUp,
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
