//! A small HTTP server on loopback: a closure answers, everything asked is remembered.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
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
use stayput_nutanix::Limits;
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
    /// A status and the first bytes of a body that is announced as longer; then the connection is closed.
    Half(u16, String),
    /// No answer comes for a long time.
    Hang,
}

/// Limits that are not used up on a slow machine.
pub fn long() -> Limits {
    let late = Duration::from_secs(600);
    Limits {
        read: late,
        poll: late,
        change: late,
        ..Limits::default()
    }
}

/// Limits that are used up at once, for scenes in which something never comes true.
pub fn short() -> Limits {
    let soon = Duration::from_millis(50);
    Limits {
        read: soon,
        poll: soon,
        change: soon,
        task: soon,
        ..Limits::default()
    }
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
        Self::serve_on(listener, acceptor, answer)
    }

    /// One at a given address; `None` if that is in use.
    pub async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Option<Self> {
        let listener = TcpListener::bind(address).await.ok()?;
        Some(Self::serve_on(listener, None, answer))
    }

    fn serve_on(
        listener: TcpListener,
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
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
        self.prism_with_timeout(Duration::from_secs(60))
            .with_limits(long())
    }

    /// A client that soon gives up waiting for an answer.
    pub fn hasty_prism(&self) -> PrismClient {
        self.prism_with_timeout(Duration::from_secs(1))
            .with_limits(short())
    }

    fn prism_with_timeout(&self, timeout: Duration) -> PrismClient {
        PrismClient::connect(
            &SiteName::new("tokyo"),
            &self.appliance(Trust::System),
            &Credentials::new("admin", "secret"),
            timeout,
            Duration::from_millis(1),
        )
        .unwrap()
    }

    pub fn mv(&self) -> MoveClient {
        mv_at(&self.url())
    }

    pub fn appliance(&self, trust: Trust) -> Appliance {
        Appliance {
            url: self.url(),
            trust,
        }
    }
}

/// A client of a Move at this address.
pub fn mv_at(url: &str) -> MoveClient {
    MoveClient::connect(
        &SiteName::new("tokyo"),
        &Appliance {
            url: url.to_owned(),
            trust: Trust::System,
        },
        &Credentials::new("nutanix", "secret"),
        Duration::from_secs(60),
        Duration::from_millis(1),
    )
    .unwrap()
    .with_limits(long())
}

type Answerer = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// A body, or one that ends before its time.
fn body(bytes: String, announced: Option<u64>) -> Part {
    Part {
        rest: Some(Bytes::from(bytes)),
        announced,
    }
}

/// A body whose announced length may be wrong.
struct Part {
    rest: Option<Bytes>,
    announced: Option<u64>,
}

impl Body for Part {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.rest.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.announced.is_some() => Some(Err(io::Error::other("cut"))),
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.len() as u64);
        SizeHint::with_exact(self.announced.unwrap_or(rest))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.announced.is_none()
    }
}

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
                    Ok(response.body(self::body(body, None)).unwrap())
                }
                Answer::Half(status, body) => {
                    let announced = body.len() as u64 + 100;
                    let response = hyper::Response::builder().status(status);
                    Ok(response.body(self::body(body, Some(announced))).unwrap())
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
