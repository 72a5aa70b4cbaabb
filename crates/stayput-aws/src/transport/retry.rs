//! What is sent again.
//!
//! What only reads is repeated after everything that may pass: 5xx, throttles, silence, broken connections, half answers, answers not
//! understood. What writes is repeated only where it certainly was not done: it was never sent, or AWS refused it as one too many. How often
//! and at what pace is the SDK's standard strategy: so many attempts, exponential pauses times a random number, and a quota for each
//! service and region that a lasting fault uses up, after which calls fail at once.

use aws_smithy_runtime_api::client::interceptors::context::Error as ErasedError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::ClassifyRetry;
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;

use super::Attempts;
use crate::answer::Remote;
use crate::error::connect_reason;

/// Statuses of an answer that may be another the next time.
pub(super) const PASSING: &[u16] = &[408, 429, 500, 502, 503, 504];
/// The status of an answer that says only that there were too many calls.
pub(super) const TOO_MANY: &[u16] = &[429];

/// A certificate does not get better by asking again, nor does an answer get smaller.
#[derive(Debug)]
pub(super) struct NotAgain;

impl ClassifyRetry for NotAgain {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let refused = error.as_connector_error().is_some_and(|error| {
            let reason = connect_reason(error);
            reason.is_certificate() || reason.is_plain_http()
        });
        if refused || Attempts::was_too_large() {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "NotAgain"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// What was never sent may be sent.
#[derive(Debug)]
pub(super) struct NothingSent;

impl ClassifyRetry for NothingSent {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let unsent = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(OrchestratorError::as_connector_error)
            .is_some_and(was_not_sent);
        if unsent {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "NothingSent"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::transient_error_classifier()
    }
}

/// Reading has no limit of its own here, so that a connector's timeout is that of connecting.
fn was_not_sent(error: &ConnectorError) -> bool {
    error.is_timeout() || connect_reason(error).is_before_sending()
}

/// Whether an attempt that ended so was never sent, or was refused.
pub(super) fn cannot_have_changed_anything(error: &OrchestratorError<ErasedError>) -> bool {
    if let Some(answer) = error.as_operation_error() {
        return answer
            .downcast_ref::<Remote>()
            .is_some_and(Remote::is_refusal);
    }
    if let Some(connector) = error.as_connector_error() {
        return was_not_sent(connector);
    }
    // What is left and is not about an answer happened before anything was sent, such as a lack of credentials.
    !error.is_timeout_error() && !error.is_response_error()
}
