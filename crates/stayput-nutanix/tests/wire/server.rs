//! A small HTTP server on loopback: a closure answers, everything asked is remembered.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use serde_json::Value;
use serde_json::json;
use stayput_estate::Appliance;
use stayput_estate::SiteName;
use stayput_estate::Trust;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Asked {
    /// `METHOD /path`, for matching.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// What to answer.
pub enum Answer {
    /// A status, headers and a body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// The connection is closed without an answer.
    Cut,
    /// No answer comes for a long time.
    Hang,
}

/// An answer with a JSON body.
pub fn say(status: u16, body: Value) -> Answer {
    Answer::Say(status, Vec::new(), body.to_string())
}

/// A v4 answer with one thing in it.
pub fn data(data: Value) -> Answer {
    say(200, json!({"data": data}))
}

/// A v4 answer with a whole list in it.
pub fn list(items: Value) -> Answer {
    let total = items.as_array().map_or(0, Vec::len);
    say(
        200,
        json!({"data": items, "metadata": {"totalAvailableResults": total}}),
    )
}

/// A v4 answer with one thing and its ETag.
pub fn tagged(etag: &str, data: Value) -> Answer {
    let headers = vec![("ETag", etag.to_owned())];
    Answer::Say(200, headers, json!({"data": data}).to_string())
}

/// A v4 answer that refers to a task.
pub fn task_started(uuid: &str) -> Answer {
    say(202, json!({"data": {"extId": format!("ZXJnb24=:{uuid}")}}))
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, answer).await
    }

    pub async fn start_tls(
        acceptor: TlsAcceptor,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(acceptor), answer).await
    }

    async fn listen(
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<dyn Fn(&Asked) -> Answer + Send + Sync> = Arc::new(answer);
        let seen = asked.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer, acceptor) = (seen.clone(), answer.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, seen, answer).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, seen, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            asked,
            accepting,
        }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Everything asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked with this method, without the version probes.
    pub fn asked_with(&self, method: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.method == method);
        asked
    }

    pub fn prism(&self) -> PrismClient {
        PrismClient::connect(
            &SiteName::new("tokyo"),
            &self.appliance(Trust::System),
            &Credentials::new("admin", "secret"),
            Duration::from_millis(500),
            Duration::from_millis(1),
        )
        .unwrap()
    }

    pub fn mv(&self) -> MoveClient {
        MoveClient::connect(
            &SiteName::new("tokyo"),
            &self.appliance(Trust::System),
            &Credentials::new("nutanix", "secret"),
            Duration::from_millis(500),
            Duration::from_millis(1),
        )
        .unwrap()
    }

    pub fn appliance(&self, trust: Trust) -> Appliance {
        Appliance {
            url: self.url(),
            trust,
        }
    }
}

type Answerer = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    seen: Arc<Mutex<Vec<Asked>>>,
    answer: Answerer,
) {
    let service = service_fn(move |request| {
        let (seen, answer) = (seen.clone(), answer.clone());
        async move {
            let asked = read(request).await;
            seen.lock().unwrap().push(asked.clone());
            match answer(&asked) {
                Answer::Say(status, headers, body) => {
                    let mut response = hyper::Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
                }
                Answer::Cut => Err(io::Error::other("cut")),
                Answer::Hang => std::future::pending().await,
            }
        }
    });
    // A client that goes away is no matter here.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn read(request: hyper::Request<Incoming>) -> Asked {
    let url = Url::parse(&format!("http://host{}", request.uri())).unwrap();
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let method = request.method().to_string();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Asked {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}
