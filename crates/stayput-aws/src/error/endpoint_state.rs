//! What an error says about the endpoint that was asked.

use super::AwsError;
use super::ConnectReason;

/// What a failed call says about the endpoint, and so about the region: three ways not to be of use, and none of them proves that
/// nothing runs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointState {
    /// Nothing: it was not asked, for lack of credentials or of usable settings here.
    NotAsked,
    /// It gave no answer: nothing listens, its name does not resolve, no answer in time, the connection broke.
    Silent,
    /// It answers and refuses us: 401, 403, bad credentials, a missing right.
    RefusesUs,
    /// It answers what AWS does not answer: 5xx, an unknown document, half an answer, a wrong certificate.
    Faulty,
    /// It answers as AWS does; this call was wrong, found nothing, or was one too many.
    Answers,
}

impl AwsError {
    /// What this error says about the endpoint that was asked.
    pub fn endpoint_state(&self) -> EndpointState {
        match self {
            Self::Config { .. } | Self::Credentials { .. } => EndpointState::NotAsked,
            Self::Timeout { .. } => EndpointState::Silent,
            Self::Parse { .. } => EndpointState::Faulty,
            Self::Connect { reason, .. } => match reason {
                ConnectReason::Refused
                | ConnectReason::NameNotFound
                | ConnectReason::Broken(_)
                | ConnectReason::Other(_) => EndpointState::Silent,
                ConnectReason::CertificateNotTrusted
                | ConnectReason::Certificate(_)
                | ConnectReason::Tls(_)
                | ConnectReason::CutOff(_) => EndpointState::Faulty,
                ConnectReason::PlainHttp => EndpointState::NotAsked,
            },
            Self::Service { status, code, .. } => {
                if self.is_throttle() {
                    EndpointState::Answers
                } else if self.is_permission()
                    || self.is_credentials()
                    || matches!(status, 401 | 403)
                {
                    EndpointState::RefusesUs
                } else if *status >= 500 || code.starts_with(super::NO_CODE) {
                    EndpointState::Faulty
                } else {
                    EndpointState::Answers
                }
            }
        }
    }

    /// Whether the endpoint did not answer at all, or only nonsense: what a lost region looks like. One that refuses us is not lost.
    pub fn is_unreachable(&self) -> bool {
        match self.endpoint_state() {
            EndpointState::Silent | EndpointState::Faulty => true,
            EndpointState::NotAsked | EndpointState::RefusesUs | EndpointState::Answers => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::service;

    #[test]
    fn service_errors_are_sorted_by_what_the_region_does() {
        for (status, code, state) in [
            (503, "Unavailable", EndpointState::Faulty),
            (500, "InternalError", EndpointState::Faulty),
            (502, "HTTP 502", EndpointState::Faulty),
            (404, "HTTP 404", EndpointState::Faulty),
            (302, "HTTP 302", EndpointState::Faulty),
            (403, "HTTP 403", EndpointState::RefusesUs),
            (401, "AuthFailure", EndpointState::RefusesUs),
            (403, "UnauthorizedOperation", EndpointState::RefusesUs),
            (400, "ExpiredToken", EndpointState::RefusesUs),
            (503, "RequestLimitExceeded", EndpointState::Answers),
            (429, "HTTP 429", EndpointState::Answers),
            (400, "InvalidParameterValue", EndpointState::Answers),
        ] {
            let error = service(status, code);
            assert_eq!(error.endpoint_state(), state, "{status} {code}");
            assert_eq!(error.is_unreachable(), state == EndpointState::Faulty);
        }
    }

    #[test]
    fn without_credentials_nothing_is_known_about_the_region() {
        let error = AwsError::Credentials {
            tried: "the environment".to_owned(),
            source: "none".into(),
        };
        assert_eq!(error.endpoint_state(), EndpointState::NotAsked);
        assert!(!error.is_unreachable());
    }
}
