//! What is sent again.
//!
//! What only reads is repeated after everything that may pass: 5xx, throttles, silence, broken connections, half answers, answers not
//! understood. What writes is repeated only where it certainly was not done: it was never sent, or AWS refused it as one too many. How often
//! is the SDK's standard strategy: so many attempts, and a quota for each service and region of one client that a lasting fault uses up, after
//! which calls fail at once. The pauses are its exponential ones times a random number, which is drawn here: the SDK takes it from a
//! generator of the thread.

use std::time::Duration;

use aws_smithy_runtime::client::retries::classifiers::run_classifiers_on_ctx;
use aws_smithy_runtime::client::retries::strategy::StandardRetryStrategy;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::Error as ErasedError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::retries::RetryStrategy;
use aws_smithy_runtime_api::client::retries::ShouldAttempt;
use aws_smithy_runtime_api::client::retries::classifiers::ClassifyRetry;
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;
use aws_smithy_runtime_api::client::retries::classifiers::RetryReason;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use stayput_ambient::Entropy;

use super::Attempts;
use crate::answer::Remote;
use crate::error::connect_reason;

/// Statuses of an answer that may be another the next time.
pub(super) const PASSING: &[u16] = &[408, 429, 500, 502, 503, 504];
/// The status of an answer that says only that there were too many calls.
pub(super) const TOO_MANY: &[u16] = &[429];

/// The SDK's standard strategy with pauses from our own randomness.
#[derive(Debug)]
pub(super) struct Paced {
    standard: StandardRetryStrategy,
    entropy: Entropy,
}

impl Paced {
    /// A strategy for one kind of call.
    pub(super) fn new(entropy: Entropy) -> Self {
        Self {
            standard: StandardRetryStrategy::new(),
            entropy,
        }
    }
}

impl RetryStrategy for Paced {
    fn should_attempt_initial_request(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<ShouldAttempt, BoxError> {
        self.standard
            .should_attempt_initial_request(components, config)
    }

    fn should_attempt_retry(
        &self,
        context: &InterceptorContext,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<ShouldAttempt, BoxError> {
        let standard = self
            .standard
            .should_attempt_retry(context, components, config)?;
        let ShouldAttempt::YesAfterDelay(pause) = standard else {
            return Ok(standard);
        };
        let action = run_classifiers_on_ctx(components.retry_classifiers(), context);
        let is_asked_for = matches!(
            action,
            RetryAction::RetryIndicated(RetryReason::RetryableError {
                retry_after: Some(_),
                ..
            })
        );
        let known = (
            config.load::<RetryConfig>(),
            config.load::<RequestAttempts>(),
        );
        let pause = match known {
            (Some(retries), Some(attempts)) if !is_asked_for => {
                longest_pause(retries, attempts.attempts()).mul_f64(self.entropy.fraction())
            }
            _ => pause,
        };
        Ok(ShouldAttempt::YesAfterDelay(pause))
    }
}

/// The longest pause after so many attempts: the first pause, doubled with each further attempt up to a limit.
fn longest_pause(retries: &RetryConfig, attempts: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1));
    retries
        .initial_backoff()
        .saturating_mul(doubled.unwrap_or(u32::MAX))
        .min(retries.max_backoff())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_of_the_sdk() {
        let retries = RetryConfig::standard().with_initial_backoff(Duration::from_secs(1));
        let pauses = [1, 2, 3, 5, 6, 40].map(|attempts| longest_pause(&retries, attempts));
        assert_eq!(
            pauses.map(|pause| pause.as_secs()),
            [1, 2, 4, 16, 20, 20],
            "{pauses:?}"
        );
    }
}
