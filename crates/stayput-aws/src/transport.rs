//! One call: build, sign, send, retry, read. All but the building is the SDK's orchestrator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
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
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use bytes::Bytes;
use serde::Deserialize;
use stayput_estate::Region;

use crate::endpoint::Endpoints;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::CallSite;
use crate::error::ConnectReason;
use crate::error::TimeoutPhase;
use crate::error::chain;
use crate::error::connect_reason;
use crate::xml::Malformed;
use crate::xml::read_document;

/// What every request says we are.
const USER_AGENT: &str = concat!("stayput/", env!("CARGO_PKG_VERSION"));

/// Where EC2's authorization failures begin an opaque blob of a kilobyte that helps nobody without a further call.
const ENCODED_FAILURE: &str = "Encoded authorization failure message";

tokio::task_local! {
    /// Attempts started by the call that this task is in. The orchestrator does not tell.
    static ATTEMPTS: Cell<u32>;
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

/// An error answer.
#[derive(Debug)]
struct Remote {
    status: u16,
    request_id: Option<String>,
    meta: ErrorMetadata,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.status, self.meta)
    }
}

impl std::error::Error for Remote {}

impl ProvideErrorMetadata for Remote {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
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
        let (outcome, attempts) = ATTEMPTS
            .scope(Cell::new(0), async {
                let outcome = sender.invoke(outgoing).await;
                (outcome, ATTEMPTS.with(Cell::get))
            })
            .await;
        let call = Box::new(CallSite {
            attempts,
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
        let mut signing = SigV4OperationSigningConfig::default();
        signing.region = Some(SigningRegion::from(aws_types::region::Region::new(
            region.as_str().to_owned(),
        )));
        signing.name = Some(SigningName::from_static(service.name()));
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
                .retry_classifier(AwsErrorCodeClassifier::<Remote>::new()),
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

/// Counts the attempts of a call in [`ATTEMPTS`].
#[derive(Debug)]
struct CountAttempts;

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
        // Outside a call there is nothing to count for.
        let _ = ATTEMPTS.try_with(|count| count.set(count.get() + 1));
        Ok(())
    }
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

fn read_response(
    service: Service,
    response: &HttpResponse,
) -> Result<Bytes, OrchestratorError<Remote>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(Bytes::copy_from_slice(body));
    }
    let said = match service {
        Service::Ec2 | Service::Sts => read_xml_error(body),
        Service::DirectConnect | Service::Ssm => {
            let header = response.headers().get("x-amzn-errortype");
            read_json_error(body, header)
        }
    };
    let header = response.headers().get("x-amzn-requestid");
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = said.code {
        meta = meta.code(code);
    }
    if let Some(message) = said.message.or_else(|| excerpt(body)) {
        meta = meta.message(message);
    }
    Err(OrchestratorError::operation(Remote {
        status: response.status().as_u16(),
        request_id: said.request_id.or_else(|| header.map(str::to_owned)),
        meta: meta.build(),
    }))
}

/// What an error answer says; anything may be missing, for it may come from a proxy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

/// The beginning of an error answer in no protocol of ours, such as a proxy's page, on one line.
fn excerpt(body: &[u8]) -> Option<String> {
    const LENGTH: usize = 200;
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(LENGTH).collect();
    (!line.is_empty()).then_some(line)
}

/// EC2: `Response/Errors/Error`, `RequestID`; STS: `ErrorResponse/Error`, `RequestId`.
fn read_xml_error(body: &[u8]) -> Said {
    read_document(body, |root| {
        let error = root.child("Errors").unwrap_or(root).child("Error");
        let text = |name| error.and_then(|error| error.text(name));
        let request_id = root.text("RequestID").or(root.text("RequestId"));
        Ok(Said {
            code: text("Code").map(str::to_owned),
            message: text("Message").map(readable),
            request_id: request_id.map(str::to_owned),
        })
    })
    .unwrap_or_default()
}

fn readable(message: &str) -> String {
    let kept = message.split(ENCODED_FAILURE).next().unwrap_or(message);
    kept.trim().to_owned()
}

/// JSON 1.1: code in `__type` or the header, as `namespace#Code` or `Code:uri`; message in either case.
fn read_json_error(body: &[u8], header: Option<&str>) -> Said {
    #[derive(Deserialize, Default)]
    struct Body {
        #[serde(rename = "__type")]
        kind: Option<String>,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let code = header.map(str::to_owned).or(body.kind).map(|kind| {
        let kind = kind.split(':').next().unwrap_or(&kind);
        kind.rsplit('#').next().unwrap_or(kind).to_owned()
    });
    Said {
        code,
        message: body.message.as_deref().map(readable),
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_answers_of_all_three_protocols_are_understood() {
        let ec2 = read_xml_error(
            b"<Response><Errors><Error><Code>InvalidRoute.NotFound</Code><Message>no route</Message></Error></Errors>\
              <RequestID>r-1</RequestID></Response>",
        );
        assert_eq!(ec2.code.as_deref(), Some("InvalidRoute.NotFound"));
        assert_eq!(ec2.request_id.as_deref(), Some("r-1"));
        let sts = read_xml_error(
            b"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
              <Code>ExpiredToken</Code><Message>expired</Message></Error><RequestId>r-2</RequestId></ErrorResponse>",
        );
        assert_eq!(sts.code.as_deref(), Some("ExpiredToken"));
        assert_eq!(sts.request_id.as_deref(), Some("r-2"));
        let json = read_json_error(
            br#"{"__type":"com.amazonaws.ssm#InvalidInstanceId","Message":"not managed"}"#,
            None,
        );
        assert_eq!(json.code.as_deref(), Some("InvalidInstanceId"));
        assert_eq!(json.message.as_deref(), Some("not managed"));
        let header = read_json_error(b"", Some("ThrottlingException:http://internal/"));
        assert_eq!(header.code.as_deref(), Some("ThrottlingException"));
    }

    #[test]
    fn an_error_page_of_a_proxy_is_not_an_error_of_ours() {
        assert_eq!(read_xml_error(b"<html><p>Bad gateway"), Said::default());
        assert_eq!(read_json_error(b"Bad gateway", None), Said::default());
        assert_eq!(
            excerpt(b" <p>Bad\n gateway ").as_deref(),
            Some("<p>Bad gateway")
        );
    }

    #[test]
    fn the_encoded_part_of_a_denial_is_left_out() {
        assert_eq!(
            readable("You are not authorized. Encoded authorization failure message: 4VbX"),
            "You are not authorized."
        );
    }
}
