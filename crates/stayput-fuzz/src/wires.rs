//! The seams: requests of the real clients are handed to a lab of the same process, and one kind of call is answered with bytes of the
//! target instead.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_engine::Clients;
use stayput_estate::Estate;
use stayput_estate::SiteName;
use stayput_lab::Endpoints;
use stayput_lab::Exchange;
use stayput_lab::Lab;
use stayput_lab::Service;
use stayput_lab::faults::Call;
use stayput_lab::http;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;

use crate::stage::POLL_INTERVAL;

/// How long one attempt of a call may take, in virtual time.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The answer of the target to one kind of call.
#[derive(Debug, Clone)]
pub(crate) struct Spoiled {
    /// An AWS action, or `METHOD /path/{id}`; `*`: every call.
    pub(crate) call: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Bytes,
}

/// One call and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) service: Service,
    pub(crate) call: Call,
    pub(crate) request: http::Request,
    pub(crate) response: http::Response,
}

/// Everything that the clients of one process reach.
pub(crate) struct Systems {
    lab: Lab,
    spoiled: Option<Spoiled>,
    spoiled_calls: Mutex<u64>,
    record: Option<Mutex<Vec<Recorded>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Systems {
    /// The systems of a lab, of which one may answer with the bytes of the target.
    pub(crate) fn new(lab: Lab, spoiled: Option<Spoiled>) -> Arc<Self> {
        Arc::new(Self {
            lab,
            spoiled,
            spoiled_calls: Mutex::default(),
            record: None,
        })
    }

    /// The systems of a lab. Every call is recorded.
    pub(crate) fn recording(lab: Lab) -> Arc<Self> {
        Arc::new(Self {
            lab,
            spoiled: None,
            spoiled_calls: Mutex::default(),
            record: Some(Mutex::default()),
        })
    }

    pub(crate) fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Every call so far, if they are recorded.
    pub(crate) fn record(&self) -> Vec<Recorded> {
        self.record
            .as_ref()
            .map(|record| locked(record).clone())
            .unwrap_or_default()
    }

    /// How many calls were answered with the bytes of the target.
    pub(crate) fn spoiled_calls(&self) -> u64 {
        *locked(&self.spoiled_calls)
    }

    async fn exchange(
        &self,
        service: Service,
        request: http::Request,
    ) -> Result<http::Response, io::Error> {
        let call = self.lab.call(service, &request);
        if let Some(spoiled) = &self.spoiled
            && (spoiled.call == call.name || spoiled.call == "*")
        {
            *locked(&self.spoiled_calls) += 1;
            return Ok(http::Response {
                status: spoiled.status,
                headers: Vec::new(),
                body: spoiled.body.to_vec(),
            });
        }
        match self.lab.exchange(service, &request).await {
            Exchange::Answer(response) => {
                if let Some(record) = &self.record {
                    locked(record).push(Recorded {
                        service,
                        call,
                        request,
                        response: response.clone(),
                    });
                }
                Ok(response)
            }
            Exchange::NotSent => Err(io::ErrorKind::ConnectionRefused.into()),
            Exchange::Silent | Exchange::Broken | Exchange::Cut(..) => {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }

    /// A client of AWS.
    pub(crate) fn aws(self: &Arc<Self>, endpoints: &Endpoints, ambient: &Ambient) -> AwsClient {
        let known = &endpoints.credentials;
        AwsClient::over(
            LabWire::new(self, Service::Aws),
            &url_of(Service::Aws),
            CALL_TIMEOUT,
            &known.access_key,
            &known.secret_key,
            ambient,
        )
        .expect("the URL is valid")
    }

    /// A client of a Prism Central.
    pub(crate) fn prism(
        self: &Arc<Self>,
        service: Service,
        site: &SiteName,
        endpoints: &Endpoints,
        ambient: &Ambient,
    ) -> PrismClient {
        PrismClient::over(
            site,
            Arc::new(LabWire::new(self, service)),
            &account(&endpoints.credentials.prism),
            CALL_TIMEOUT,
            POLL_INTERVAL,
            &ambient.entropy,
        )
        .expect("the URL is valid")
    }

    /// A client of a Move appliance.
    pub(crate) fn mv(
        self: &Arc<Self>,
        service: Service,
        site: &SiteName,
        endpoints: &Endpoints,
        ambient: &Ambient,
    ) -> MoveClient {
        MoveClient::over(
            site,
            Arc::new(LabWire::new(self, service)),
            &account(&endpoints.credentials.mv),
            CALL_TIMEOUT,
            POLL_INTERVAL,
            &ambient.entropy,
        )
        .expect("the URL is valid")
    }

    /// The clients of an estate.
    pub(crate) fn clients(
        self: &Arc<Self>,
        estate: &Estate,
        endpoints: &Endpoints,
        ambient: &Ambient,
    ) -> Clients {
        let (mut prism, mut moves) = (BTreeMap::new(), BTreeMap::new());
        for (service, name) in self.lab.services() {
            let site = SiteName::new(name.split_once('-').map_or("", |(_, site)| site));
            let Some(config) = estate.sites.get(&site) else {
                continue;
            };
            match service {
                Service::Aws => {}
                Service::Prism(_) => {
                    let client = self.prism(service, &site, endpoints, ambient);
                    prism.insert(site, client);
                }
                Service::Move(_) if config.mv.is_some() => {
                    let client = self.mv(service, &site, endpoints, ambient);
                    moves.insert(site, client);
                }
                Service::Move(_) => {}
            }
        }
        Clients {
            aws: self.aws(endpoints, ambient),
            prism,
            moves,
        }
    }
}

fn account(account: &Option<(String, String)>) -> Credentials {
    let (user, password) = account.clone().unwrap_or_default();
    Credentials::new(user, password)
}

/// The URL at which a service is said to be. Nothing resolves it.
pub(crate) fn url_of(service: Service) -> String {
    match service {
        Service::Aws => "https://aws.lab.invalid".to_owned(),
        Service::Prism(index) => format!("https://prism-{index}.lab.invalid:9440"),
        Service::Move(index) => format!("https://move-{index}.lab.invalid"),
    }
}

/// The way of the clients to one service.
#[derive(Clone)]
struct LabWire {
    systems: Arc<Systems>,
    service: Service,
    url: String,
}

impl LabWire {
    fn new(systems: &Arc<Systems>, service: Service) -> Self {
        Self {
            systems: Arc::clone(systems),
            service,
            url: url_of(service),
        }
    }
}

impl fmt::Debug for LabWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LabWire({})", self.url)
    }
}

fn answered(response: http::Response) -> Result<::http::Response<Bytes>, ::http::Error> {
    let mut built = ::http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    built.body(Bytes::from(response.body))
}

#[async_trait]
impl Wire for LabWire {
    fn url(&self) -> &str {
        &self.url
    }

    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        _longest: usize,
    ) -> Result<::http::Response<Bytes>, WireError> {
        let (parts, body) = request.into_parts();
        let request = http::Request::new(&parts, body.to_vec(), &self.url);
        let broken = |source| WireError::Broken { source };
        let response = self.systems.exchange(self.service, request).await;
        let response = response.map_err(|error| broken(error.into()))?;
        answered(response).map_err(|error| broken(error.into()))
    }
}

impl HttpClient for LabWire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for LabWire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let user = |error: String| ConnectorError::user(error.into());
            let request = request
                .try_into_http1x()
                .map_err(|error| user(error.to_string()))?;
            let (parts, body) = request.into_parts();
            // The client sends bodies that are in memory.
            let body = body
                .bytes()
                .ok_or_else(|| user("the body of the request is a stream".to_owned()))?
                .to_vec();
            let request = http::Request::new(&parts, body, &this.url);
            let response = this.systems.exchange(this.service, request).await;
            let response = response.map_err(|error| ConnectorError::io(error.into()))?;
            let response = answered(response).map_err(|error| user(error.to_string()))?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| user(error.to_string()))
        })
    }
}
