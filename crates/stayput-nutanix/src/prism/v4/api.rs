//! How v4 is spoken: negotiation and reading (Prism reference §0.1, §1).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use reqwest::header::ETAG;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use stayput_ambient::Entropy;
use stayput_messages::Message;
use tokio::sync::OnceCell;

use super::envelope;
use super::envelope::One;
use super::version;
use super::version::Minor;
use super::version::Namespace;
use crate::credentials::Credentials;
use crate::error::AuthError;
use crate::error::Call;
use crate::error::DecodeError;
use crate::prism::error::ApiError;
use crate::prism::error::Differs;
use crate::prism::error::Missing;
use crate::prism::error::PrismError;
use crate::prism::error::Unsupported;
use crate::prism::request_id::RequestId;
use crate::progress::Progress;
use crate::redact::Redactor;
use crate::retry;
use crate::retry::Limits;
use crate::retry::Looks;
use crate::retry::Patience;
use crate::transport::Answer;
use crate::transport::Outgoing;
use crate::transport::Reply;
use crate::transport::Transport;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("ntnx-request-id");
const OTHER_ETAG: HeaderName = HeaderName::from_static("x-ntnx-etag");

/// The v4 API of one Prism Central. Cheap to clone; clones share connections and what was negotiated.
#[derive(Debug, Clone)]
pub(in crate::prism) struct Api {
    shared: Arc<Shared>,
    pub(in crate::prism) limits: Limits,
    pub(in crate::prism) progress: Progress,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    authorization: HeaderValue,
    poll_interval: Duration,
    minors: [OnceCell<Minor>; 5],
}

/// A place in a namespace, without its version.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) namespace: Namespace,
    segments: Vec<String>,
}

impl Path {
    pub(super) fn new(namespace: Namespace, segments: &[&str]) -> Self {
        Self {
            namespace,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
        }
    }

    pub(super) fn join(mut self, segment: &str) -> Self {
        self.segments.push(segment.to_owned());
        self
    }
}

/// One thing as read, with what is needed to change it.
#[derive(Debug)]
pub(super) struct Entity<T> {
    pub(super) value: T,
    /// To be sent back unchanged; `None` if the server gave none.
    pub(super) etag: Option<String>,
    pub(super) call: Box<Call>,
}

/// How much longer than the poll interval a pause between two looks at a task may be, as a fraction of it.
const POLL_SPREAD: f64 = 0.1;

impl Api {
    pub(in crate::prism) fn new(
        transport: Transport,
        credentials: &Credentials,
        poll_interval: Duration,
    ) -> Self {
        let password = credentials.password.expose();
        let pair = format!("{}:{password}", credentials.username);
        transport.hide([password, &pair]);
        // Base64 is always a valid header value.
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        Self {
            shared: Arc::new(Shared {
                transport,
                authorization,
                poll_interval,
                minors: Default::default(),
            }),
            limits: Limits::default(),
            progress: Progress::default(),
        }
    }

    /// The same API with reads repeated for longer, while something that was started is waited for.
    pub(super) fn patient(&self) -> Self {
        Self {
            limits: self.limits.patient(),
            ..self.clone()
        }
    }

    /// What keeps secrets out of texts.
    pub(super) fn redactor(&self) -> Redactor {
        self.shared.transport.redactor()
    }

    /// Names a call for errors.
    pub(super) fn call(&self, method: &Method, url: &Url, what: &Message) -> Box<Call> {
        self.shared.transport.call(method, url, what)
    }

    /// Names a call for errors where there is none in particular.
    pub(super) fn call_of_all(&self, what: &Message) -> Box<Call> {
        let url = self.shared.transport.url(["api"]);
        self.call(&Method::GET, &url, what)
    }

    /// The randomness of this client.
    pub(super) fn entropy(&self) -> &Entropy {
        self.shared.transport.entropy()
    }

    /// Waits before look or attempt `number` + 1: one poll interval, more with each further one.
    pub(super) async fn pause(&self, number: u32) {
        let pause = retry::backoff(self.shared.poll_interval, number, self.entropy().fraction());
        tokio::time::sleep(pause).await;
    }

    /// Waits one poll interval or a little more, so that many tasks that began together are not all asked for at once. Not less: a
    /// look just before a task's usual end costs another whole interval.
    pub(super) async fn poll_pause(&self) {
        let spread = POLL_SPREAD * self.entropy().fraction();
        tokio::time::sleep(self.shared.poll_interval.mul_f64(1.0 + spread)).await;
    }

    /// How patiently a change is repeated after another look.
    pub(super) fn change_patience(&self) -> Patience {
        let transport = &self.shared.transport;
        transport.patience(self.limits.change, u32::MAX)
    }

    /// Looks for something until it is found, or often enough.
    pub(super) async fn look<T, F>(
        &self,
        looks: Looks,
        find: impl Fn() -> F,
    ) -> Result<Option<T>, PrismError>
    where
        F: Future<Output = Result<Option<T>, PrismError>>,
    {
        let count = looks.count();
        for number in 1..=count {
            if let Some(found) = find().await? {
                return Ok(Some(found));
            }
            if number < count {
                self.pause(number).await;
            }
        }
        Ok(None)
    }

    /// The time that the last answer carried, as it was written there.
    pub(in crate::prism) fn date(&self) -> Option<String> {
        self.shared.transport.date()
    }

    /// The address of the Prism Central.
    pub(in crate::prism) fn endpoint(&self) -> String {
        self.shared.transport.base().to_string()
    }

    /// The minor to speak in a namespace, negotiated once.
    pub(in crate::prism) async fn minor(&self, namespace: Namespace) -> Result<Minor, PrismError> {
        let cell = &self.shared.minors[namespace as usize];
        cell.get_or_try_init(|| self.negotiate(namespace))
            .await
            .copied()
    }

    /// Refuses what this Prism Central is too old for.
    pub(super) async fn need(
        &self,
        namespace: Namespace,
        needs: Minor,
        what: &Message,
    ) -> Result<(), PrismError> {
        let has = self.minor(namespace).await?;
        if has < needs {
            Err(self.unsupported(namespace, needs, Some(has.to_string()), what))
        } else {
            Ok(())
        }
    }

    fn unsupported(
        &self,
        namespace: Namespace,
        needs: Minor,
        has: Option<String>,
        what: &Message,
    ) -> PrismError {
        let call = self.shared.transport.call(
            &Method::OPTIONS,
            &self.shared.transport.url(["api", namespace.as_str()]),
            what,
        );
        PrismError::from(Box::new(Unsupported {
            site: call.site,
            what: call.what,
            namespace,
            needs,
            has,
        }))
    }

    async fn negotiate(&self, namespace: Namespace) -> Result<Minor, PrismError> {
        let what = Message::new("call-ask-for-version").with("namespace", namespace);
        let probe = self
            .shared
            .transport
            .url(["api", namespace.as_str(), "unversioned", "info"]);
        let understand = |reply: &Reply| reply.decode::<One<String>>();
        let probe = self.reading(Method::OPTIONS, probe, &what);
        let reply = match self.read(probe, understand).await? {
            Answer::Understood(server, _) => {
                return version::negotiate(namespace, &server.data).ok_or_else(|| {
                    self.unsupported(namespace, Minor(0), Some(server.data), &what)
                });
            }
            Answer::Refused(reply) => reply,
        };
        if !matches!(
            reply.status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        ) {
            return Err(refusal(&reply));
        }
        // Builds before the probe existed (inferred): v4.0 is there if its oldest list is.
        let mut list = self.versioned(Minor(0), namespace, namespace.oldest_list());
        list.query_pairs_mut()
            .append_pair("$page", "0")
            .append_pair("$limit", "1");
        let understand = |reply: &Reply| reply.decode::<serde_json::Map<_, serde_json::Value>>();
        let list = self.reading(Method::GET, list, &what);
        match self.read(list, understand).await? {
            Answer::Understood(..) => Ok(Minor(0)),
            Answer::Refused(reply) if reply.status == StatusCode::NOT_FOUND => {
                Err(self.unsupported(namespace, Minor(0), None, &what))
            }
            Answer::Refused(reply) => Err(refusal(&reply)),
        }
    }

    fn versioned(&self, minor: Minor, namespace: Namespace, segments: &[&str]) -> Url {
        let minor = minor.to_string();
        let head = ["api", namespace.as_str(), minor.as_str()];
        self.shared
            .transport
            .url(head.iter().chain(segments).copied())
    }

    pub(super) async fn url(&self, path: &Path) -> Result<Url, PrismError> {
        let minor = self.minor(path.namespace).await?;
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        Ok(self.versioned(minor, path.namespace, &segments))
    }

    pub(super) fn reading(&self, method: Method, url: Url, what: &Message) -> Outgoing {
        self.outgoing(method, url, what, HeaderMap::new(), None)
    }

    fn outgoing(
        &self,
        method: Method,
        url: Url,
        what: &Message,
        headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Outgoing {
        Outgoing {
            method,
            url,
            what: what.clone(),
            headers,
            body,
            timeout: None,
            secrets: Vec::new(),
            body_bytes: self.limits.body_bytes,
        }
    }

    /// Credentials, and a request id where there is none: every call has one, as the official clients do it.
    fn sign(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.shared.authorization.clone());
        if !headers.contains_key(&REQUEST_ID) {
            let id = RequestId::new(self.entropy());
            insert(headers, REQUEST_ID, &id.to_string());
        }
    }

    /// Reads, until the answer is understood or repeating does not help; 401 and 403 are errors.
    pub(super) async fn read<T>(
        &self,
        mut outgoing: Outgoing,
        understand: impl Fn(&Reply) -> Result<T, DecodeError>,
    ) -> Result<Answer<T>, PrismError> {
        self.sign(&mut outgoing.headers);
        let transport = &self.shared.transport;
        let patience = transport.patience(self.limits.read, self.limits.connects);
        match transport.read(&outgoing, patience, understand).await? {
            Answer::Refused(reply) => Ok(Answer::Refused(permitted(reply)?)),
            understood => Ok(understood),
        }
    }

    /// Sends a change, and again only when it was certainly not processed; 401 and 403 are errors.
    pub(super) async fn write(
        &self,
        method: Method,
        url: Url,
        what: &Message,
        mut headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, PrismError> {
        self.sign(&mut headers);
        let outgoing = self.outgoing(method, url, what, headers, body);
        let transport = &self.shared.transport;
        let patience = transport.patience(self.limits.change, u32::MAX);
        permitted(transport.change(&outgoing, patience).await?)
    }

    /// Reads one thing; `None` if Prism Central itself says that it does not exist.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &Path,
        what: &Message,
    ) -> Result<Option<Entity<T>>, PrismError> {
        let url = self.url(path).await?;
        let understand = |reply: &Reply| reply.decode::<One<T>>();
        let (value, reply) = match self
            .read(self.reading(Method::GET, url, what), understand)
            .await?
        {
            Answer::Understood(one, reply) => (one.data, reply),
            Answer::Refused(reply) if is_absent(&reply) => return Ok(None),
            Answer::Refused(reply) => return Err(refusal(&reply)),
        };
        let header = reply
            .headers
            .get(ETAG)
            .or_else(|| reply.headers.get(&OTHER_ETAG));
        let etag = match header.and_then(|value| value.to_str().ok()) {
            Some(etag) => Some(etag.to_owned()),
            None => serde_json::from_slice(&reply.body)
                .ok()
                .and_then(|body| envelope::etag_inside(&body)),
        };
        Ok(Some(Entity {
            value,
            etag,
            call: reply.call,
        }))
    }

    /// Reads one thing that must exist.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &Path,
        what: &Message,
        name: &Message,
    ) -> Result<Entity<T>, PrismError> {
        match self.find(path, what).await? {
            Some(entity) => Ok(entity),
            None => Err(self.missing(path, what, name).await),
        }
    }

    /// The error for something that exists with other properties.
    pub(super) async fn differs(
        &self,
        path: &Path,
        what: &Message,
        name: Message,
        difference: Message,
    ) -> PrismError {
        match self.url(path).await {
            Ok(url) => PrismError::from(Box::new(Differs {
                call: self.call(&Method::GET, &url, what),
                what: name,
                difference,
            })),
            Err(error) => error,
        }
    }

    /// The error for something that is not there.
    pub(super) async fn missing(&self, path: &Path, what: &Message, name: &Message) -> PrismError {
        match self.url(path).await {
            Ok(url) => PrismError::from(Box::new(Missing {
                call: self.shared.transport.call(&Method::GET, &url, what),
                what: name.clone(),
            })),
            Err(error) => error,
        }
    }
}

/// Whether a 404 is Prism Central's own word that something does not exist: its errors are JSON objects (Prism reference §1.4), those
/// of a proxy on the way are not.
fn is_absent(reply: &Reply) -> bool {
    reply.status == StatusCode::NOT_FOUND
        && reply
            .decode::<serde_json::Map<String, serde_json::Value>>()
            .is_ok()
}

/// Turns 401 and 403 into an error.
fn permitted(reply: Reply) -> Result<Reply, PrismError> {
    if !matches!(
        reply.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    ) {
        return Ok(reply);
    }
    let messages = envelope::error_messages(&reply.body);
    let detail = match messages.first() {
        Some(message) => format!(": {message}"),
        None => String::new(),
    };
    Err(PrismError::Auth(AuthError {
        status: reply.status.as_u16(),
        call: reply.call,
        detail,
    }))
}

pub(super) fn refusal(reply: &Reply) -> PrismError {
    PrismError::from(Box::new(ApiError {
        call: reply.call.clone(),
        status: reply.status.as_u16(),
        messages: envelope::error_messages(&reply.body),
        body: reply.excerpt(),
    }))
}

/// Sets a header; a value that HTTP cannot carry is left out, and the server says what is missing.
pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A text as an OData literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
