//! One call: build, sign, send, retry, read. All but the building is the SDK's orchestrator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_runtime::auth::sigv4::SigV4AuthScheme;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime::client::retries::classifiers::TransientErrorClassifier;
use aws_smithy_runtime_api::box_error::BoxError as SdkBoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::context::Error as ErasedError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::ClassifyRetry;
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use bytes::Bytes;
use stayput_estate::Region;

use crate::answer::Remote;
use crate::answer::read_response;
use crate::endpoint::Endpoints;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::CallSite;
use crate::error::ConnectReason;
use crate::error::TimeoutPhase;
use crate::error::chain;
use crate::error::connect_reason;
use crate::xml::Malformed;

/// What every request says we are.
const USER_AGENT: &str = concat!("stayput/", env!("CARGO_PKG_VERSION"));

tokio::task_local! {
    /// Attempts of the call that this task is in. The orchestrator does not tell.
    static TALLY: Cell<Tally>;
}

/// Attempts of one call.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Started.
    started: u32,
    /// Ended so that they cannot have changed anything: never sent, or refused.
    harmless: u32,
}

/// How patient calls are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Limit of one attempt.
    pub(crate) attempt: Duration,
    /// Limit of a connection attempt.
    pub(crate) connect: Duration,
    /// Limit of the whole call, retries and pauses included.
    pub(crate) whole: Duration,
    /// Attempts of one call.
    pub(crate) attempts: u32,
    /// First pause, doubled each time and multiplied by a random number below one.
    pub(crate) first_pause: Duration,
}

impl Patience {
    /// The SDK's connect limit: longer means packets are dropped.
    const CONNECT: Duration = Duration::from_millis(3100);

    /// One attempt may take `call_timeout`, a call with its retries three times that. Six attempts instead of the SDK's three,
    /// because NC2's own nodes spend from the same throttling buckets (AWS reference §1.5).
    pub(crate) fn for_calls_of(call_timeout: Duration) -> Self {
        Self {
            attempt: call_timeout,
            connect: Self::CONNECT.min(call_timeout),
            whole: call_timeout.saturating_mul(3),
            attempts: 6,
            first_pause: Duration::from_secs(1),
        }
    }
}

/// Whether a call may be sent again when its outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repeat {
    /// Yes: doing it twice is the same as doing it once.
    Always,
    /// Only when AWS said it refused it for being too many.
    IfThrottled,
}

/// A request body in the service's protocol.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) content_type: &'static str,
    /// `X-Amz-Target`, for the JSON protocols.
    pub(crate) target: Option<String>,
    pub(crate) body: String,
    pub(crate) repeat: Repeat,
}

/// A successful answer, with what errors about it need to name it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    pub(crate) call: Box<CallSite>,
}

impl Answer {
    /// Turns a complaint about this answer into the error of its call.
    pub(crate) fn malformed(self, source: Malformed) -> AwsError {
        AwsError::Parse {
            call: self.call,
            source,
        }
    }
}

/// The part of a request the orchestrator builds from.
#[derive(Debug)]
struct Outgoing {
    content_type: &'static str,
    target: Option<String>,
    body: String,
}

type Sender = Operation<Outgoing, Bytes, Remote>;

/// Sends calls to every service of every region, with one identity and one connection pool.
#[derive(Debug)]
pub(crate) struct Transport {
    http: SharedHttpClient,
    identity: SharedIdentityResolver,
    identity_cache: SharedIdentityCache,
    endpoints: Endpoints,
    patience: Patience,
    /// Where the credentials come from, for messages.
    credentials_from: String,
    senders: Mutex<BTreeMap<(Service, Region, Repeat), Arc<Sender>>>,
}

impl Transport {
    pub(crate) fn new(
        http: SharedHttpClient,
        credentials: SharedCredentialsProvider,
        credentials_from: String,
        endpoints: Endpoints,
        patience: Patience,
    ) -> Self {
        Self {
            http,
            identity: SharedIdentityResolver::new(credentials),
            identity_cache: IdentityCache::lazy().build(),
            endpoints,
            patience,
            credentials_from,
            senders: Mutex::new(BTreeMap::new()),
        }
    }

    /// Makes one call, retries included.
    pub(crate) async fn send(&self, region: &Region, request: Request) -> Result<Answer, AwsError> {
        let sender = self.sender(request.service, region, request.repeat);
        let outgoing = Outgoing {
            content_type: request.content_type,
            target: request.target,
            body: request.body,
        };
        let (outcome, tally) = TALLY
            .scope(Cell::new(Tally::default()), async {
                let outcome = sender.invoke(outgoing).await;
                (outcome, TALLY.with(Cell::get))
            })
            .await;
        let call = Box::new(CallSite {
            attempts: tally.started,
            unclear_attempts: tally.started.saturating_sub(tally.harmless),
            ..self.site(region, request.service, request.operation)
        });
        match outcome {
            Ok(body) => Ok(Answer { body, call }),
            Err(error) => Err(self.failure(call, error)),
        }
    }

    /// Names a call for messages.
    pub(crate) fn site(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
    ) -> CallSite {
        CallSite {
            region: region.clone(),
            service: service.name(),
            operation,
            endpoint: self.endpoints.url(service, region),
            attempts: 1,
            unclear_attempts: 0,
        }
    }

    fn sender(&self, service: Service, region: &Region, repeat: Repeat) -> Arc<Sender> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            senders
                .entry((service, region.clone(), repeat))
                .or_insert_with(|| Arc::new(self.build_sender(service, region, repeat))),
        )
    }

    fn build_sender(&self, service: Service, region: &Region, repeat: Repeat) -> Sender {
        let signing = SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(aws_types::region::Region::new(
                region.as_str().to_owned(),
            ))),
            name: Some(SigningName::from_static(service.name())),
            ..SigV4OperationSigningConfig::default()
        };
        let mut layer = Layer::new("stayput-aws");
        layer.store_put(signing);
        layer.store_put(AuthSchemeOptionResolverParams::new(
            StaticAuthSchemeOptionResolverParams::new(),
        ));
        let auth = StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(
                RuntimeComponentsBuilder::new("stayput-aws")
                    .with_auth_scheme(SigV4AuthScheme::new())
                    .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(
                        vec![SCHEME_ID],
                    )))
                    .with_identity_cache(Some(self.identity_cache.clone()))
                    .with_identity_resolver(SCHEME_ID, self.identity.clone()),
            );
        let retries = RetryConfig::standard()
            .with_max_attempts(self.patience.attempts)
            .with_initial_backoff(self.patience.first_pause);
        let limits = TimeoutConfig::builder()
            .connect_timeout(self.patience.connect)
            .operation_attempt_timeout(self.patience.attempt)
            .operation_timeout(self.patience.whole)
            .build();
        let builder = Operation::builder()
            // Also the name of the retry quota: a region that is down must not use up the other's.
            .service_name(format!("{}/{region}", service.name()))
            .operation_name("call")
            .http_client(self.http.clone())
            .endpoint_url(&self.endpoints.url(service, region))
            .timeout_config(limits)
            .standard_retry(&retries)
            // The attempt limit covers slow bodies; throughput checks would only give a second, vaguer error.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .with_connection_poisoning()
            .interceptor(CountAttempts)
            .runtime_plugin(auth);
        let builder = match repeat {
            Repeat::Always => builder
                .retry_classifier(TransientErrorClassifier::<Remote>::new())
                .retry_classifier(HttpStatusCodeClassifier::default())
                .retry_classifier(AwsErrorCodeClassifier::<Remote>::new())
                .retry_classifier(CertificatesStay),
            Repeat::IfThrottled => builder.retry_classifier(
                AwsErrorCodeClassifier::<Remote>::builder()
                    .transient_errors(&[] as &'static [&'static str])
                    .build(),
            ),
        };
        builder
            .serializer(build_request)
            .deserializer(move |response| read_response(service, response))
            .build()
    }

    fn failure(&self, call: Box<CallSite>, error: SdkError<Remote, HttpResponse>) -> AwsError {
        let connect_timed_out = match &error {
            SdkError::DispatchFailure(failure) => failure.is_timeout(),
            _ => false,
        };
        match error {
            SdkError::ServiceError(service) => {
                let remote = service.into_err();
                let code = remote.meta.code().map(str::to_owned);
                AwsError::Service {
                    call,
                    status: remote.status,
                    code: code.unwrap_or_else(|| format!("HTTP {}", remote.status)),
                    message: remote.meta.message().unwrap_or("no message").to_owned(),
                    request_id: remote.request_id,
                }
            }
            SdkError::TimeoutError(_) => AwsError::Timeout {
                call,
                phase: TimeoutPhase::Answer,
                limit: self.patience.attempt,
                source: source_of(error),
            },
            _ if connect_timed_out => AwsError::Timeout {
                call,
                phase: TimeoutPhase::Connect,
                limit: self.patience.connect,
                source: source_of(error),
            },
            SdkError::ResponseError(_) => {
                let source = source_of(error);
                let said = chain(source.as_ref()).last().map(ToString::to_string);
                AwsError::Connect {
                    call,
                    reason: ConnectReason::Broken(said.unwrap_or_default()),
                    source,
                }
            }
            other => {
                let source = source_of(other);
                let no_credentials = chain(source.as_ref())
                    .any(|cause| cause.downcast_ref::<CredentialsError>().is_some());
                if no_credentials {
                    AwsError::Credentials {
                        tried: self.credentials_from.clone(),
                        source,
                    }
                } else {
                    let reason = connect_reason(source.as_ref());
                    AwsError::Connect {
                        call,
                        reason,
                        source,
                    }
                }
            }
        }
    }
}

fn source_of(error: SdkError<Remote, HttpResponse>) -> SdkBoxError {
    error.into_source().unwrap_or_else(Into::into)
}

/// Counts the attempts of a call in [`TALLY`]. An attempt cut off by its time limit never reports its end, and so stays
/// unclear.
#[derive(Debug)]
struct CountAttempts;

impl CountAttempts {
    fn count(change: impl FnOnce(&mut Tally)) {
        // Outside a call there is nothing to count for.
        let _ = TALLY.try_with(|cell| {
            let mut tally = cell.get();
            change(&mut tally);
            cell.set(tally);
        });
    }
}

impl Intercept for CountAttempts {
    fn name(&self) -> &'static str {
        "CountAttempts"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), SdkBoxError> {
        Self::count(|tally| tally.started += 1);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), SdkBoxError> {
        if let Some(Err(error)) = context.output_or_error()
            && cannot_have_changed_anything(error)
        {
            Self::count(|tally| tally.harmless += 1);
        }
        Ok(())
    }
}

/// A certificate does not get better by asking again.
#[derive(Debug)]
struct CertificatesStay;

impl ClassifyRetry for CertificatesStay {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let refused = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(OrchestratorError::as_connector_error)
            .is_some_and(|error| connect_reason(error).is_certificate());
        if refused {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "CertificatesStay"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

fn cannot_have_changed_anything(error: &OrchestratorError<ErasedError>) -> bool {
    if let Some(answer) = error.as_operation_error() {
        return answer
            .downcast_ref::<Remote>()
            .is_some_and(Remote::is_refusal);
    }
    if let Some(connector) = error.as_connector_error() {
        // Reading has no limit of its own here, so that a connector's timeout is that of connecting.
        return connector.is_timeout() || connect_reason(connector).is_before_sending();
    }
    // What is left and is not about an answer happened before anything was sent, such as a lack of credentials.
    !error.is_timeout_error() && !error.is_response_error()
}

fn build_request(outgoing: Outgoing) -> Result<HttpRequest, SdkBoxError> {
    let mut request = http::Request::post("/")
        .header(http::header::CONTENT_TYPE, outgoing.content_type)
        .header(http::header::USER_AGENT, USER_AGENT);
    if let Some(target) = outgoing.target {
        request = request.header("x-amz-target", target);
    }
    let request = request.body(SdkBody::from(outgoing.body))?;
    Ok(HttpRequest::try_from(request)?)
}
