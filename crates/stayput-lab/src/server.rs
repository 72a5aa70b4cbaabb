//! The lab's servers: TLS on loopback, HTTP/1.1 and HTTP/2, one port for each service.
//!
//! A request is read completely, and then goes through the lab's one gate (`gate.rs`), which says what becomes of it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::Limited;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
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
use crate::gate::Exchange;
use crate::gate::Lab;
use crate::gate::Service;
use crate::http::Request;
use crate::http::Response;
use crate::run::Endpoints;

/// The largest request body. The largest real ones are DynamoDB's batches of 16 MB (AWS reference §6).
const MAX_BODY: usize = 32 << 20;
/// How long connections may complete their answers after the lab was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// The longest time that due events wait when no request arrives.
const MAX_IDLE: Duration = Duration::from_millis(250);
/// The shortest pause between two runs of due events.
const MIN_IDLE: Duration = Duration::from_millis(5);

/// What answers on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// An emulated service.
    Service(Service),
    /// The lab's control API.
    Admin,
}

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The lab.
    pub(crate) lab: Lab,
    stop: watch::Sender<bool>,
    /// Where the lab can be reached.
    pub(crate) endpoints: Endpoints,
}

impl Shared {
    pub(crate) fn new(lab: Lab, endpoints: Endpoints) -> Self {
        Self {
            lab,
            stop: watch::Sender::new(false),
            endpoints,
        }
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

/// `https://127.0.0.1:PORT`.
pub(crate) fn base_url(address: SocketAddr) -> String {
    format!("https://{address}")
}

/// Serves one port until the lab stops.
pub(crate) async fn serve(
    listener: TcpListener,
    port: Port,
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
                connections.spawn(connection(stream, acceptor, port, Arc::clone(&shared)));
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
            let lab = shared.lab.present();
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

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, port: Port, shared: Arc<Shared>) {
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
        service_fn(|request| respond(Arc::clone(&shared), port, Arc::clone(&base), request));
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
    port: Port,
    base: Arc<str>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Sent>, ConnectionLost> {
    let request = match read(request, &base).await {
        Ok(request) => request,
        Err(status) => return Ok(written(Response::empty(status), None)),
    };
    let service = match port {
        Port::Admin => return Ok(written(admin::handle(&shared, &request), None)),
        Port::Service(service) => service,
    };
    match shared.lab.exchange(service, &request).await {
        Exchange::Answer(response) => Ok(written(response, None)),
        Exchange::Cut(response, bytes) => Ok(written(response, Some(bytes))),
        // The request has been read: the nearest to a refused connection is one that is closed.
        Exchange::NotSent | Exchange::Broken => Err(ConnectionLost),
        Exchange::Silent => {
            // A site that is down does not refuse connections: it does not answer.
            shared.stopped().await;
            Ok(written(Response::empty(503), None))
        }
    }
}

/// The connection is to be closed without an answer, or in the middle of one.
#[derive(Debug, thiserror::Error)]
#[error("a fault of the lab closes the connection")]
struct ConnectionLost;

/// The body of an answer: whole, or announced whole and cut.
struct Sent {
    rest: Bytes,
    announced: u64,
    state: Sending,
}

/// How far a body has been sent.
enum Sending {
    /// It is sent whole.
    Whole,
    /// This part of it is sent, then the connection is closed.
    Part,
    /// The part has been sent and is flushed before the connection is closed.
    Flush,
    /// The connection is closed.
    Lost,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = ConnectionLost;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionLost>>> {
        match self.state {
            Sending::Whole if self.rest.is_empty() => Poll::Ready(None),
            Sending::Whole => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest))))),
            Sending::Part => {
                self.state = Sending::Flush;
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))))
            }
            Sending::Flush => {
                self.state = Sending::Lost;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Sending::Lost => Poll::Ready(Some(Err(ConnectionLost))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, Sending::Whole) && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// Reads a request completely.
async fn read(request: hyper::Request<Incoming>, base: &str) -> Result<Request, u16> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(413),
        Err(_) => return Err(400),
    };
    Ok(Request::new(&parts, body, base))
}

/// Returns a response for the server; with `cut`, only so many bytes of its body are sent.
fn written(response: Response, cut: Option<usize>) -> hyper::Response<Sent> {
    let mut rest = Bytes::from(response.body);
    let announced = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    let state = match cut {
        Some(bytes) => {
            rest.truncate(bytes);
            Sending::Part
        }
        None => Sending::Whole,
    };
    let mut written = hyper::Response::new(Sent {
        rest,
        announced,
        state,
    });
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
