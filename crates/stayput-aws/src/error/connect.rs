//! Why there was no conversation with an endpoint, in plain words.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use stayput_messages::Message;
use stayput_messages::list::text;

/// Why there was no conversation with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectReason {
    /// Nothing listens at the address.
    Refused,
    /// Its name does not resolve.
    NameNotFound,
    /// The issuer of its certificate is not trusted.
    CertificateNotTrusted,
    /// Its certificate is wrong otherwise: other name, expired, revoked; the TLS library's words.
    Certificate(String),
    /// TLS failed otherwise; the TLS library's words.
    Tls(String),
    /// The connection broke after it was made, before an answer began. The call may have taken effect.
    Broken(String),
    /// The answer began and broke off. The call may have taken effect.
    CutOff(String),
    /// The address is plain HTTP and not on loopback: credentials would travel in clear. Nothing was sent.
    PlainHttp,
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
            | Self::CutOff(_)
            | Self::PlainHttp
            | Self::Other(_) => false,
        }
    }

    /// Whether it was we who refused to send.
    pub(crate) fn is_plain_http(&self) -> bool {
        *self == Self::PlainHttp
    }

    /// The same with its text, where it has one, changed so.
    pub(crate) fn map_text(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Certificate(text) => Self::Certificate(change(text)),
            Self::Tls(text) => Self::Tls(change(text)),
            Self::Broken(text) => Self::Broken(change(text)),
            Self::CutOff(text) => Self::CutOff(change(text)),
            Self::Other(text) => Self::Other(change(text)),
            reason @ (Self::Refused
            | Self::NameNotFound
            | Self::CertificateNotTrusted
            | Self::PlainHttp) => reason,
        }
    }

    /// Whether the request cannot have been sent.
    pub(crate) fn is_before_sending(&self) -> bool {
        match self {
            Self::Refused
            | Self::NameNotFound
            | Self::CertificateNotTrusted
            | Self::Certificate(_)
            | Self::Tls(_)
            | Self::PlainHttp => true,
            Self::Broken(_) | Self::CutOff(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for ConnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl ConnectReason {
    fn message(&self) -> Message {
        match self {
            Self::Refused => Message::new("connect-refused"),
            Self::NameNotFound => Message::new("connect-name-not-found"),
            Self::CertificateNotTrusted => Message::new("connect-certificate-not-trusted"),
            Self::Certificate(what) => Message::new("connect-certificate").with("what", what),
            Self::Tls(what) => Message::new("connect-tls").with("what", what),
            Self::Broken(what) => Message::new("connect-broken").with("what", what),
            Self::CutOff(what) => Message::new("connect-cut-off").with("what", what),
            Self::PlainHttp => Message::new("connect-plain-http"),
            Self::Other(what) => text(what),
        }
    }
}

/// What the HTTP client says instead of sending in clear.
#[derive(Debug, thiserror::Error)]
#[error("{}", Message::new("connect-pub").with("host", .host))]
pub(crate) struct PlainHttpRefused {
    pub(crate) host: String,
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
        if cause.is::<PlainHttpRefused>() {
            return ConnectReason::PlainHttp;
        }
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
        // A bad signature is that of another CA with the name of a trusted one, such as one that was created again.
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
