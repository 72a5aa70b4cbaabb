//! The lab's servers: TLS on loopback, HTTP/1.1 and HTTP/2, one port for each service.
//!
//! A request is read completely. The lab then runs the events that are due and answers it, under the one lock of the state.
//! Nothing waits while it holds the lock.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;
use std::ops::DerefMut;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::admin;
use crate::aws;
use crate::clock::VTime;
use crate::http::Request;
use crate::http::Response;
use crate::kernel::Kernel;
use crate::mv;
use crate::prism;
use crate::run::Endpoints;
use crate::state::LabState;

/// The largest request body. The largest real ones are DynamoDB's batches of 16 MB (AWS reference §6).
const MAX_BODY: usize = 32 << 20;
/// How long connections may complete their answers after the lab was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// The longest time that due events wait when no request arrives.
const MAX_IDLE: Duration = Duration::from_millis(250);
/// The shortest pause between two runs of due events.
const MIN_IDLE: Duration = Duration::from_millis(5);
/// AWS services whose requests are counted by name.
const AWS_SERVICES: [&str; 6] = ["ec2", "sts", "dynamodb", "ssm", "directconnect", "iam"];

/// What answers on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// AWS, all regions and services.
    Aws,
    /// The Prism Central with this index.
    Prism(usize),
    /// The Move appliance with this index.
    Move(usize),
    /// The lab's control API.
    Admin,
}

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    lab: Arc<Mutex<LabState>>,
    kernel: Option<Kernel>,
    latency_ms: AtomicU64,
    requests: Mutex<BTreeMap<String, u64>>,
    stop: watch::Sender<bool>,
    /// Where the lab can be reached.
    pub(crate) endpoints: Endpoints,
    /// How many machines move.
    pub(crate) machines: usize,
    /// Virtual time at the start.
    pub(crate) started: VTime,
}

impl Shared {
    pub(crate) fn new(
        lab: LabState,
        kernel: Option<Kernel>,
        latency: Duration,
        endpoints: Endpoints,
        machines: usize,
    ) -> Self {
        let this = Self {
            started: lab.now(),
            lab: Arc::new(Mutex::new(lab)),
            kernel,
            latency_ms: AtomicU64::new(0),
            requests: Mutex::default(),
            stop: watch::Sender::new(false),
            endpoints,
            machines,
        };
        this.set_latency(latency);
        this
    }

    /// Returns the wall-clock time by which every answer is delayed.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    /// Sets the time by which answers are delayed from now on.
    pub(crate) fn set_latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.latency_ms.store(millis, Ordering::Relaxed);
    }

    /// Returns the state.
    pub(crate) fn state(&self) -> Arc<Mutex<LabState>> {
        Arc::clone(&self.lab)
    }

    /// Locks the state and runs the events that are due. A handler that panicked before does not stop the lab.
    pub(crate) fn present(&self) -> LockedState<'_> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        lab.catch_up();
        LockedState {
            lab,
            kernel: self.kernel.as_ref(),
        }
    }

    /// Returns the data plane, if it is the kernel.
    pub(crate) fn kernel(&self) -> Option<&Kernel> {
        self.kernel.as_ref()
    }

    /// Returns how many requests each service has answered.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, service: String) {
        *self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(service)
            .or_default() += 1;
    }

    /// Tells all servers and connections to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the lab is told to stop.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // It cannot fail: the sender lives in `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// The locked state. Before the lock is released, the kernel data plane applies what has changed, so that no client gets an
/// answer to a change that is not in force.
pub(crate) struct LockedState<'a> {
    lab: MutexGuard<'a, LabState>,
    kernel: Option<&'a Kernel>,
}

impl Deref for LockedState<'_> {
    type Target = LabState;

    fn deref(&self) -> &LabState {
        &self.lab
    }
}

impl DerefMut for LockedState<'_> {
    fn deref_mut(&mut self) -> &mut LabState {
        &mut self.lab
    }
}

impl Drop for LockedState<'_> {
    fn drop(&mut self) {
        if let Some(kernel) = self.kernel {
            kernel.follow(&self.lab);
        }
    }
}

/// `https://127.0.0.1:PORT`.
pub(crate) fn base_url(address: SocketAddr) -> String {
    format!("https://{address}")
}

/// Serves one port until the lab stops.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Service,
    tls: Arc<ServerConfig>,
    shared: Arc<Shared>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            // When no file descriptor is left or the client has gone, the next accept can still succeed.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let acceptor = acceptor.clone();
                connections.spawn(connection(stream, acceptor, service, Arc::clone(&shared)));
            } else {
                tokio::time::sleep(MIN_IDLE).await;
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let open_connections = async { while connections.join_next().await.is_some() {} };
    // Connections that do not finish in time are closed when the set is dropped.
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, open_connections).await;
}

/// Runs due events while no request arrives, so that the next request does not have to wait for many of them.
pub(crate) async fn run_due_events(shared: Arc<Shared>) {
    loop {
        let pause = {
            let lab = shared.present();
            lab.next_due()
                .and_then(|due| lab.clock.wall_until(due))
                .map_or(MAX_IDLE, |wait| wait.clamp(MIN_IDLE, MAX_IDLE))
        };
        tokio::select! {
            () = shared.stopped() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    service: Service,
    shared: Arc<Shared>,
) {
    let Ok(address) = stream.local_addr() else {
        return;
    };
    // Answers are small and must not wait for one another.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else {
        // The client does not trust the CA, or does not speak TLS.
        return;
    };
    let base: Arc<str> = base_url(address).into();
    let respond =
        service_fn(|request| respond(Arc::clone(&shared), service, Arc::clone(&base), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), respond);
    let mut connection = std::pin::pin!(connection);
    // An error of one connection does not affect the others.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shared.stopped() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn respond(
    shared: Arc<Shared>,
    service: Service,
    base: Arc<str>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let response = match read(request, &base).await {
        Ok(request) => answer(&shared, service, &request).await,
        Err(status) => Response::empty(status),
    };
    Ok(written(response))
}

async fn answer(shared: &Shared, service: Service, request: &Request) -> Response {
    if service == Service::Admin {
        return admin::handle(shared, request);
    }
    let answered = {
        let mut lab = shared.present();
        shared.count(counted_as(&lab, service, request));
        if is_down(&lab, service, request) {
            None
        } else {
            Some(handled(&mut lab, service, request))
        }
    };
    match answered {
        Some(response) => {
            let latency = shared.latency();
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            response
        }
        None => {
            // A site that is down does not refuse connections: it does not answer.
            shared.stopped().await;
            Response::empty(503)
        }
    }
}

fn handled(lab: &mut LabState, service: Service, request: &Request) -> Response {
    let handled = panic::catch_unwind(AssertUnwindSafe(|| match service {
        Service::Aws => aws::handle(lab, request),
        Service::Prism(index) => prism::handle(lab, index, request),
        Service::Move(index) => mv::handle(lab, index, request),
        Service::Admin => Response::empty(404),
    }));
    // A defect of the lab must not look like a network error: it is answered, with the cause.
    handled.unwrap_or_else(|_| Response {
        status: 500,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: b"the lab has an internal error; see its output".to_vec(),
    })
}

/// Whether the service is at a site or in a region that is down.
fn is_down(lab: &LabState, service: Service, request: &Request) -> bool {
    let down = |index: usize| {
        let site = lab.pcs.get(index);
        site.is_some_and(|pc| pc.down || lab.aws.down_regions.contains(&pc.aws.0))
    };
    match service {
        Service::Aws => {
            let region = scope(request).and_then(|mut scope| scope.nth(REGION_OF_SCOPE));
            region.is_some_and(|region| lab.aws.down_regions.contains(region))
        }
        Service::Admin => false,
        Service::Prism(index) => down(index),
        Service::Move(index) => lab.moves.get(index).is_some_and(|mv| down(mv.pc)),
    }
}

/// Position of the region in a credential scope.
const REGION_OF_SCOPE: usize = 2;
/// Position of the service.
const SERVICE_OF_SCOPE: usize = 3;

/// The scope a request is signed for: `KEY/DATE/REGION/SERVICE/aws4_request`.
fn scope(request: &Request) -> Option<std::str::Split<'_, char>> {
    let credential = request
        .header("authorization")?
        .split("Credential=")
        .nth(1)?;
    Some(credential.split('/'))
}

fn counted_as(lab: &LabState, service: Service, request: &Request) -> String {
    match service {
        Service::Aws => {
            let service = scope(request).and_then(|mut scope| scope.nth(SERVICE_OF_SCOPE));
            let known = AWS_SERVICES.iter().find(|known| service == Some(known));
            known.map_or("aws", |known| known).to_owned()
        }
        Service::Prism(index) => {
            let name = lab.pcs.get(index).map_or("", |pc| pc.name.as_str());
            format!("prism-{name}")
        }
        Service::Move(index) => {
            let name = lab.moves.get(index).map_or("", |mv| mv.name.as_str());
            format!("move-{name}")
        }
        Service::Admin => "admin".to_owned(),
    }
}

/// Reads a request completely.
async fn read(request: hyper::Request<Incoming>, base: &str) -> Result<Request, u16> {
    let (parts, body) = request.into_parts();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push(',');
                all.push_str(&value);
            })
            .or_insert(value);
    }
    // HTTP/2 has no Host header, but signatures cover it.
    if let Some(authority) = parts.uri.authority() {
        headers
            .entry("host".to_owned())
            .or_insert_with(|| authority.to_string());
    }
    let path = percent_encoding::percent_decode_str(parts.uri.path())
        .decode_utf8_lossy()
        .into_owned();
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes())
        .into_owned()
        .collect();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(413),
        Err(_) => return Err(400),
    };
    Ok(Request {
        method: parts.method.as_str().to_owned(),
        path,
        query,
        headers,
        body,
        base: base.to_owned(),
    })
}

fn written(response: Response) -> hyper::Response<Full<Bytes>> {
    let mut written = hyper::Response::new(Full::new(Bytes::from(response.body)));
    *written.status_mut() = hyper::StatusCode::from_u16(response.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(&value).ok());
        if let Some((name, value)) = header {
            written.headers_mut().append(name, value);
        }
    }
    written
}
