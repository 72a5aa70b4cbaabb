//! One call: build, sign, send, retry, read. All but the building and the reading is the SDK's orchestrator.

mod attempts;
mod failure;
mod retry;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_runtime::auth::sigv4::SigV4AuthScheme;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime::client::retries::classifiers::TransientErrorClassifier;
use aws_smithy_runtime_api::box_error::BoxError as SdkBoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use stayput_ambient::Ambient;
use stayput_ambient::Clock;
use stayput_ambient::Entropy;
use stayput_estate::Region;

use crate::answer::Remote;
use crate::answer::read_response;
use crate::endpoint::Endpoints;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::CallSite;
use crate::error::Effect;
use crate::redact::Secrets;
use crate::redact::remembering;
use crate::xml::Malformed;

pub(crate) use attempts::Attempts;
use attempts::WatchAttempts;
use retry::NotAgain;
use retry::NothingSent;
use retry::PASSING;
use retry::Paced;
use retry::TOO_MANY;
use stayput_messages::Message;

/// What every request says we are.
const USER_AGENT: &str = concat!("stayput/", env!("CARGO_PKG_VERSION"));

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

/// A request body in the service's protocol.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) content_type: &'static str,
    /// `X-Amz-Target`, for the JSON protocols.
    pub(crate) target: Option<String>,
    pub(crate) body: String,
    pub(crate) effect: Effect,
}

/// The part of a request the orchestrator builds from.
#[derive(Debug)]
struct Outgoing {
    content_type: &'static str,
    target: Option<String>,
    body: String,
}

type Sender = Operation<Outgoing, (), Remote>;

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
    secrets: Arc<Secrets>,
    clock: SharedTimeSource,
    entropy: Entropy,
    senders: Mutex<BTreeMap<(Service, Region, Effect), Arc<Sender>>>,
    /// The retry quotas of this client: a region that is down must not use up another's, nor that of another client in this process.
    quotas: Mutex<BTreeMap<(Service, Region), RetryPartition>>,
    /// How many calls EC2 of each region has answered with success.
    answers: Mutex<BTreeMap<Region, u64>>,
    /// The `Date` header of the last answer of each region.
    dates: Mutex<BTreeMap<Region, String>>,
}

/// The wall clock as the SDK wants it, for signatures and for the lifetime of credentials.
#[derive(Debug)]
struct WallClock(Clock);

impl TimeSource for WallClock {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

impl Transport {
    pub(crate) fn new(
        http: SharedHttpClient,
        credentials: SharedCredentialsProvider,
        credentials_from: String,
        endpoints: Endpoints,
        patience: Patience,
        ambient: &Ambient,
    ) -> Self {
        let secrets = Arc::new(Secrets::default());
        let credentials = remembering(credentials, Arc::clone(&secrets));
        Self {
            http,
            identity: SharedIdentityResolver::new(credentials),
            identity_cache: IdentityCache::lazy().build(),
            endpoints,
            patience,
            credentials_from,
            secrets,
            clock: SharedTimeSource::new(WallClock(ambient.clock.clone())),
            entropy: ambient.entropy.stream("AWS"),
            senders: Mutex::new(BTreeMap::new()),
            quotas: Mutex::new(BTreeMap::new()),
            answers: Mutex::new(BTreeMap::new()),
            dates: Mutex::new(BTreeMap::new()),
        }
    }

    /// How many calls EC2 of a region has answered with success so far.
    pub(crate) fn answers(&self, region: &Region) -> u64 {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(region).copied().unwrap_or_default()
    }

    /// The time that the last answer of a region carried, as it was written there.
    pub(crate) fn date(&self, region: &Region) -> Option<String> {
        let dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
        dates.get(region).cloned()
    }

    /// Makes one call, retries included, and reads its answer.
    ///
    /// `read` is part of each attempt: an answer that it does not understand is asked for again as a broken connection is, if the call
    /// only reads.
    pub(crate) async fn send<T: Send + 'static>(
        &self,
        region: &Region,
        request: Request,
        read: impl Fn(&[u8]) -> Result<T, Malformed> + Send + Sync + 'static,
    ) -> Result<T, AwsError> {
        let service = request.service;
        let sender = self.sender(service, region, request.effect);
        let outgoing = Outgoing {
            content_type: request.content_type,
            target: request.target,
            body: request.body,
        };
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let attempts = Attempts::reading(move |body| {
            let value = read(body)?;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        });
        // On the heap: the orchestrator's future is large, and a region is read by dozens at once.
        let calling = Box::pin(async move { sender.invoke(outgoing).await });
        let (outcome, account) = attempts.around(calling).await;
        let call = Box::new(CallSite {
            effect: request.effect,
            attempts: account.started,
            unclear_attempts: account.started.saturating_sub(account.harmless),
            ..self.site(region, request.service, request.operation)
        });
        if let Some(date) = account.date {
            let mut dates = self.dates.lock().unwrap_or_else(PoisonError::into_inner);
            dates.insert(region.clone(), date);
        }
        match outcome {
            Ok(()) => {
                if service == Service::Ec2 {
                    let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                    *answers.entry(region.clone()).or_default() += 1;
                }
                let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                value.ok_or_else(|| AwsError::Parse {
                    call,
                    source: Malformed::new(
                        Message::new("answer-place"),
                        Message::new("answer-not-read"),
                    ),
                })
            }
            Err(error) => {
                let redactor = self.secrets.redactor(&account.signatures);
                Err(self.failure(call, error, &redactor))
            }
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
            effect: Effect::of(operation),
            endpoint: self.endpoints.url(service, region),
            attempts: 1,
            unclear_attempts: 0,
        }
    }

    fn sender(&self, service: Service, region: &Region, effect: Effect) -> Arc<Sender> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            senders
                .entry((service, region.clone(), effect))
                .or_insert_with(|| Arc::new(self.build_sender(service, region, effect))),
        )
    }

    /// The retry quota of a service in a region, which its reads and writes share.
    fn quota(&self, service: Service, region: &Region) -> RetryPartition {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let quota = quotas
            .entry((service, region.clone()))
            .or_insert_with(|| RetryPartition::custom(name_of(service, region)).build());
        quota.clone()
    }

    fn build_sender(&self, service: Service, region: &Region, effect: Effect) -> Sender {
        let signing = SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(aws_types::region::Region::new(
                region.as_str().to_owned(),
            ))),
            name: Some(SigningName::from_static(service.name())),
            ..SigV4OperationSigningConfig::default()
        };
        let mut layer = Layer::new("stayput-aws");
        layer.store_put(signing);
        layer.store_put(self.quota(service, region));
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
                    .with_retry_strategy(Some(Paced::new(self.entropy.clone())))
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
            .service_name(name_of(service, region))
            .operation_name("call")
            .http_client(self.http.clone())
            .endpoint_url(&self.endpoints.url(service, region))
            .timeout_config(limits)
            .standard_retry(&retries)
            .time_source(self.clock.clone())
            .sleep_impl(TokioSleep::new())
            // The attempt limit covers slow bodies; throughput checks would only give a second, vaguer error.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .with_connection_poisoning()
            .interceptor(WatchAttempts)
            .runtime_plugin(auth);
        let builder = match effect {
            Effect::Reads => builder
                .retry_classifier(TransientErrorClassifier::<Remote>::new())
                .retry_classifier(HttpStatusCodeClassifier::new_from_codes(PASSING))
                .retry_classifier(AwsErrorCodeClassifier::<Remote>::new())
                .retry_classifier(NotAgain),
            Effect::Writes => builder
                .retry_classifier(NothingSent)
                .retry_classifier(HttpStatusCodeClassifier::new_from_codes(TOO_MANY))
                .retry_classifier(
                    AwsErrorCodeClassifier::<Remote>::builder()
                        .transient_errors(&[] as &'static [&'static str])
                        .build(),
                )
                .retry_classifier(NotAgain),
        };
        builder
            .serializer(build_request)
            .deserializer(move |response| read_response(service, response, Attempts::read))
            .build()
    }
}

fn name_of(service: Service, region: &Region) -> String {
    format!("{}/{region}", service.name())
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
