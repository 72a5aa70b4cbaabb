//! From the SDK's errors to ours, with every text cleaned of secrets.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::box_error::BoxError as SdkBoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use http_body_util::LengthLimitError;
use stayput_messages::Message;

use super::Transport;
use crate::answer::Remote;
use crate::bounds::BODY_BYTES_MAX;
use crate::error::AwsError;
use crate::error::CallSite;
use crate::error::ConnectReason;
use crate::error::NO_CODE;
use crate::error::TimeoutPhase;
use crate::error::chain;
use crate::error::connect_reason;
use crate::http::AnswerTooLarge;
use crate::redact::Redactor;
use crate::xml::Malformed;

impl Transport {
    pub(super) fn failure(
        &self,
        call: Box<CallSite>,
        error: SdkError<Remote, HttpResponse>,
        redactor: &Redactor,
    ) -> AwsError {
        let is_answer = matches!(error, SdkError::ResponseError(_));
        let timed_out = match &error {
            SdkError::TimeoutError(_) => Some((TimeoutPhase::Answer, self.patience.attempt)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Some((TimeoutPhase::Connect, self.patience.connect))
            }
            _ => None,
        };
        let error = match error {
            SdkError::ServiceError(service) => {
                return said(call, &service.into_err(), redactor);
            }
            other => source_of(other),
        };
        let source = redactor.clean_chain(error.as_ref());
        if let Some((phase, limit)) = timed_out {
            return AwsError::Timeout {
                call,
                phase,
                limit,
                source,
            };
        }
        if let Some(malformed) = malformed(error.as_ref()) {
            return AwsError::Parse {
                call,
                source: Malformed {
                    place: redactor.clean(&malformed.place),
                    problem: redactor.clean(&malformed.problem),
                    kind: malformed.kind,
                },
            };
        }
        let lacks_credentials = chain(error.as_ref()).any(|cause| cause.is::<CredentialsError>());
        if lacks_credentials {
            return AwsError::Credentials {
                tried: self.credentials_from.clone(),
                source,
            };
        }
        let reason = if is_answer {
            let innermost = chain(error.as_ref()).last().map(ToString::to_string);
            ConnectReason::CutOff(innermost.unwrap_or_default())
        } else {
            connect_reason(error.as_ref())
        };
        AwsError::Connect {
            call,
            reason: reason.map_text(|text| redactor.clean(&text)),
            source,
        }
    }
}

/// The longest code and request id that are repeated, in characters; AWS's have some tens.
const ID_MAX: usize = 200;

/// What AWS said against the call.
fn said(call: Box<CallSite>, remote: &Remote, redactor: &Redactor) -> AwsError {
    let id = |text: &str| -> String { redactor.clean(text).chars().take(ID_MAX).collect() };
    AwsError::Service {
        call,
        status: remote.status,
        code: match remote.meta.code() {
            Some(code) => id(code),
            None => format!("{NO_CODE}{}", remote.status),
        },
        message: match remote.meta.message() {
            Some(message) => redactor.clean(message),
            None => Message::new("aws-no-message").to_string(),
        },
        request_id: remote.request_id.as_deref().map(id),
    }
}

/// What was wrong with the answer, if that is what the error is about.
fn malformed(error: &(dyn StdError + 'static)) -> Option<Malformed> {
    for cause in chain(error) {
        if let Some(malformed) = cause.downcast_ref::<Malformed>() {
            return Some(malformed.clone());
        }
        if cause.is::<LengthLimitError>() || cause.is::<AnswerTooLarge>() {
            let problem = Message::new("answer-too-large").with("limit", BODY_BYTES_MAX);
            return Some(Malformed::too_large(Message::new("answer-place"), problem));
        }
    }
    None
}

fn source_of(error: SdkError<Remote, HttpResponse>) -> SdkBoxError {
    error.into_source().unwrap_or_else(Into::into)
}
