//! What happens in the attempts of one call, which the orchestrator does not tell: how many there were, how they ended, what they sent.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use stayput_messages::Message;

use super::retry::cannot_have_changed_anything;
use crate::xml::Malformed;

tokio::task_local! {
    /// The call that this task is in.
    static CALL: Attempts;
}

type Reader = Arc<dyn Fn(&[u8]) -> Result<(), Malformed> + Send + Sync>;

/// The attempts of one call, while it is made.
pub(crate) struct Attempts {
    read: Reader,
    started: Cell<u32>,
    harmless: Cell<u32>,
    too_large: Cell<bool>,
    signatures: RefCell<Vec<String>>,
    date: RefCell<Option<String>>,
}

/// What there is to say of a call's attempts when it has ended.
pub(crate) struct Account {
    /// Started.
    pub(crate) started: u32,
    /// Ended so that they cannot have changed anything: never sent, or refused.
    pub(crate) harmless: u32,
    /// What each was signed with.
    pub(crate) signatures: Vec<String>,
    /// The `Date` header of the last answer.
    pub(crate) date: Option<String>,
}

impl Attempts {
    /// Attempts whose good answers are handed to `read`.
    pub(crate) fn reading(
        read: impl Fn(&[u8]) -> Result<(), Malformed> + Send + Sync + 'static,
    ) -> Self {
        Self {
            read: Arc::new(read),
            started: Cell::new(0),
            harmless: Cell::new(0),
            too_large: Cell::new(false),
            signatures: RefCell::new(Vec::new()),
            date: RefCell::new(None),
        }
    }

    /// Makes the call, and tells of its attempts.
    pub(crate) async fn around<T>(self, call: impl Future<Output = T>) -> (T, Account) {
        CALL.scope(self, async {
            let outcome = call.await;
            let account = CALL.with(|attempts| Account {
                started: attempts.started.get(),
                harmless: attempts.harmless.get(),
                signatures: attempts.signatures.take(),
                date: attempts.date.take(),
            });
            (outcome, account)
        })
        .await
    }

    /// Reads an answer as the call wants it read.
    pub(crate) fn read(body: &[u8]) -> Result<(), Malformed> {
        let outside = || {
            let problem = Message::new("answer-of-no-call");
            Err(Malformed::new(Message::new("answer-place"), problem))
        };
        let read = CALL.try_with(|attempts| {
            let read = (attempts.read)(body);
            if read.as_ref().is_err_and(Malformed::is_too_large) {
                attempts.too_large.set(true);
            }
            read
        });
        read.unwrap_or_else(|_| outside())
    }

    /// Notes that an answer was cut off for its size.
    pub(crate) fn note_too_large() {
        // Outside a call, as in the credential chain, there is no account to keep.
        let _ = CALL.try_with(|attempts| attempts.too_large.set(true));
    }

    /// Whether an answer was beyond a limit.
    pub(crate) fn was_too_large() -> bool {
        CALL.try_with(|attempts| attempts.too_large.get())
            .unwrap_or(false)
    }
}

/// Tells [`CALL`] of each attempt. One cut off by its time limit never reports its end, and so stays unclear.
#[derive(Debug)]
pub(crate) struct WatchAttempts;

impl WatchAttempts {
    fn tell(note: impl FnOnce(&Attempts)) {
        // Outside a call there is nothing to count for.
        let _ = CALL.try_with(note);
    }
}

/// Headers that prove who we are.
const PROOFS: [&str; 2] = ["authorization", "x-amz-security-token"];

impl Intercept for WatchAttempts {
    fn name(&self) -> &'static str {
        "WatchAttempts"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Self::tell(|attempts| attempts.started.set(attempts.started.get() + 1));
        Ok(())
    }

    fn read_after_signing(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request().headers();
        Self::tell(|attempts| {
            let mut signatures = attempts.signatures.borrow_mut();
            for proof in PROOFS.into_iter().filter_map(|name| headers.get(name)) {
                // The part in front of the signature says which key in which region: useful, and no secret.
                let secret = proof
                    .split_once("Signature=")
                    .map_or(proof, |(_, secret)| secret);
                signatures.push(secret.to_owned());
            }
        });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            Self::tell(|attempts| *attempts.date.borrow_mut() = Some(date.to_owned()));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error()
            && cannot_have_changed_anything(error)
        {
            Self::tell(|attempts| attempts.harmless.set(attempts.harmless.get() + 1));
        }
        Ok(())
    }
}
