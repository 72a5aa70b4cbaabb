//! The seams: the real clients' requests are handed to the lab of the same process.

use std::fmt;
use std::io;
use std::sync::Arc;

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
use stayput_lab::Exchange;
use stayput_lab::Service;
use stayput_lab::http;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;

use crate::gate::Gate;

/// The way of one process to one emulated service.
#[derive(Clone)]
pub(crate) struct LabWire {
    gate: Arc<Gate>,
    process: u32,
    service: Service,
    url: String,
}

impl fmt::Debug for LabWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LabWire({})", self.url)
    }
}

impl LabWire {
    pub(crate) fn new(gate: &Arc<Gate>, process: u32, service: Service) -> Self {
        Self {
            gate: Arc::clone(gate),
            process,
            service,
            url: url_of(service),
        }
    }
}

/// The URL at which a service of the simulated lab is said to be. Nothing resolves it.
pub(crate) fn url_of(service: Service) -> String {
    match service {
        Service::Aws => "https://aws.lab.invalid".to_owned(),
        Service::Prism(index) => format!("https://prism-{index}.lab.invalid:9440"),
        Service::Move(index) => format!("https://move-{index}.lab.invalid"),
    }
}

/// What comes back over a wire: a whole response, or how far the request got.
enum Came {
    Whole(http::Response),
    NotSent,
    Broken,
}

impl LabWire {
    async fn send(&self, request: http::Request) -> Came {
        match self
            .gate
            .exchange(self.process, self.service, request)
            .await
        {
            Exchange::Answer(response) => Came::Whole(response),
            Exchange::NotSent => Came::NotSent,
            Exchange::Broken | Exchange::Cut(..) => Came::Broken,
            Exchange::Silent => std::future::pending().await,
        }
    }
}

fn reset() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

fn refused() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionRefused)
}

#[async_trait]
impl Wire for LabWire {
    fn url(&self) -> &str {
        &self.url
    }

    async fn exchange(
        &self,
        request: ::http::Request<Bytes>,
        longest: usize,
    ) -> Result<::http::Response<Bytes>, WireError> {
        let (parts, body) = request.into_parts();
        let request = http::Request::new(&parts, body.to_vec(), &self.url);
        match self.send(request).await {
            Came::Whole(response) if response.body.len() > longest => Err(WireError::TooLong),
            Came::Whole(response) => answered(response).map_err(|source| WireError::Broken {
                source: source.into(),
            }),
            Came::NotSent => Err(WireError::NotSent {
                tls: None,
                source: refused().into(),
            }),
            Came::Broken => Err(WireError::Broken {
                source: reset().into(),
            }),
        }
    }
}

fn answered(response: http::Response) -> Result<::http::Response<Bytes>, ::http::Error> {
    let mut built = ::http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    built.body(Bytes::from(response.body))
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
            // The clients send bodies that are in memory.
            let body = body
                .bytes()
                .ok_or_else(|| user("the body of the request is a stream".to_owned()))?
                .to_vec();
            let request = http::Request::new(&parts, body, &this.url);
            let broken = |error: io::Error| ConnectorError::io(error.into());
            match this.send(request).await {
                Came::Whole(response) => {
                    let response = answered(response).map_err(|error| user(error.to_string()))?;
                    HttpResponse::try_from(response.map(SdkBody::from))
                        .map_err(|error| user(error.to_string()))
                }
                Came::NotSent => Err(broken(refused())),
                Came::Broken => Err(broken(reset())),
            }
        })
    }
}
