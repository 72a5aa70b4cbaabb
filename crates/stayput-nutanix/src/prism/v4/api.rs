//! How v4 is spoken: negotiation, reading, paging, changing (Prism reference §0.1, §1).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::TryStreamExt;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use reqwest::header::ETAG;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tokio::sync::Semaphore;

use super::envelope;
use super::envelope::One;
use super::envelope::Page;
use super::version;
use super::version::Minor;
use super::version::Namespace;
use crate::credentials::Credentials;
use crate::error;
use crate::error::AuthError;
use crate::error::Call;
use crate::prism::error::ApiError;
use crate::prism::error::Missing;
use crate::prism::error::PrismError;
use crate::prism::error::Unsupported;
use crate::prism::request_id::RequestId;
use crate::transport::Outgoing;
use crate::transport::Repeat;
use crate::transport::Reply;
use crate::transport::Transport;

/// Calls under way at once. The smallest Prism Central allows 30 requests a second (Prism reference §1); with eight under way
/// at some 300 ms each we stay under it and leave room for others.
const AT_ONCE: usize = 8;

/// Entities asked for per page; the most that is allowed.
const PAGE: usize = 100;

/// How often a list is read when it changes while it is read. What is read last then counts: on a busy Prism Central there may never
/// be a quiet moment.
const LIST_TRIES: usize = 3;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("ntnx-request-id");
const OTHER_ETAG: HeaderName = HeaderName::from_static("x-ntnx-etag");

/// The v4 API of one Prism Central.
#[derive(Debug)]
pub(in crate::prism) struct Api {
    transport: Transport,
    authorization: HeaderValue,
    pub(super) poll_interval: Duration,
    at_once: Semaphore,
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

impl Api {
    pub(in crate::prism) fn new(
        transport: Transport,
        credentials: &Credentials,
        poll_interval: Duration,
    ) -> Self {
        let pair = format!("{}:{}", credentials.username, credentials.password.expose());
        // Base64 is always a valid header value.
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        Self {
            transport,
            authorization,
            poll_interval,
            at_once: Semaphore::new(AT_ONCE),
            minors: Default::default(),
        }
    }

    /// The minor to speak in a namespace, negotiated once.
    pub(in crate::prism) async fn minor(&self, namespace: Namespace) -> Result<Minor, PrismError> {
        let cell = &self.minors[namespace as usize];
        cell.get_or_try_init(|| self.negotiate(namespace))
            .await
            .copied()
    }

    /// Refuses what this Prism Central is too old for.
    pub(super) async fn need(
        &self,
        namespace: Namespace,
        needs: Minor,
        what: &str,
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
        what: &str,
    ) -> PrismError {
        let call = self.transport.call(
            &Method::OPTIONS,
            &self.transport.url(["api", namespace.as_str()]),
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
        let what = format!("ask for the version of {namespace}");
        let probe = self
            .transport
            .url(["api", namespace.as_str(), "unversioned", "info"]);
        let reply = self
            .exchange(self.reading(Method::OPTIONS, probe, &what))
            .await?;
        if reply.status.is_success() {
            let server: One<String> = reply.decode()?;
            return version::negotiate(namespace, &server.data)
                .ok_or_else(|| self.unsupported(namespace, Minor(0), Some(server.data), &what));
        }
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
        let reply = self
            .exchange(self.reading(Method::GET, list, &what))
            .await?;
        if reply.status.is_success() {
            Ok(Minor(0))
        } else if reply.status == StatusCode::NOT_FOUND {
            Err(self.unsupported(namespace, Minor(0), None, &what))
        } else {
            Err(refusal(&reply))
        }
    }

    fn versioned(&self, minor: Minor, namespace: Namespace, segments: &[&str]) -> Url {
        let minor = minor.to_string();
        let head = ["api", namespace.as_str(), minor.as_str()];
        self.transport.url(head.iter().chain(segments).copied())
    }

    pub(super) async fn url(&self, path: &Path) -> Result<Url, PrismError> {
        let minor = self.minor(path.namespace).await?;
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        Ok(self.versioned(minor, path.namespace, &segments))
    }

    fn reading(&self, method: Method, url: Url, what: &str) -> Outgoing {
        Outgoing {
            method,
            url,
            what: what.to_owned(),
            headers: HeaderMap::new(),
            body: None,
            repeat: Repeat::Safe,
            timeout: None,
        }
    }

    /// Sends with credentials; every call has a request id, as the official clients do it, and 401 and 403 are errors.
    pub(super) async fn exchange(&self, mut outgoing: Outgoing) -> Result<Reply, PrismError> {
        outgoing
            .headers
            .insert(AUTHORIZATION, self.authorization.clone());
        if !outgoing.headers.contains_key(&REQUEST_ID) {
            insert(
                &mut outgoing.headers,
                REQUEST_ID,
                &RequestId::random().to_string(),
            );
        }
        // The semaphore lives as long as we do and is never closed.
        let _permit = self.at_once.acquire().await;
        let reply = self.transport.send(&outgoing).await?;
        if matches!(
            reply.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            let messages = envelope::error_messages(&reply.body);
            let detail = match messages.first() {
                Some(message) => format!(": {message}"),
                None => String::new(),
            };
            return Err(PrismError::Auth(AuthError {
                status: reply.status.as_u16(),
                call: reply.call,
                detail,
            }));
        }
        Ok(reply)
    }

    /// Reads one thing; `None` if it does not exist.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        path: &Path,
        what: &str,
    ) -> Result<Option<Entity<T>>, PrismError> {
        let url = self.url(path).await?;
        let reply = self.exchange(self.reading(Method::GET, url, what)).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !reply.status.is_success() {
            return Err(refusal(&reply));
        }
        let value = reply.decode::<One<T>>()?.data;
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
        what: &str,
        name: &str,
    ) -> Result<Entity<T>, PrismError> {
        match self.find(path, what).await? {
            Some(entity) => Ok(entity),
            None => Err(self.missing(path, what, name).await),
        }
    }

    /// The error for something that is not there.
    pub(super) async fn missing(&self, path: &Path, what: &str, name: &str) -> PrismError {
        match self.url(path).await {
            Ok(url) => PrismError::from(Box::new(Missing {
                call: self.transport.call(&Method::GET, &url, what),
                what: name.to_owned(),
            })),
            Err(error) => error,
        }
    }

    /// Reads a whole list: the first page, then the others side by side, and all again if the list changed meanwhile.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<Vec<T>, PrismError> {
        let url = self.url(path).await?;
        let mut items = Vec::new();
        for _ in 0..LIST_TRIES {
            let first: Page<T> = self.page(&url, query, 0, what).await?;
            let Some(total) = first.metadata.total else {
                return self.list_untold(&url, query, first.data, what).await;
            };
            // A server with a lower limit of its own gives shorter pages than asked for.
            let size = first.data.len().clamp(1, PAGE);
            items = first.data;
            let pages = if items.is_empty() {
                0
            } else {
                total.div_ceil(size)
            };
            let rest: Vec<Page<T>> = futures::stream::iter(1..pages)
                .map(|number| self.page(&url, query, number, what))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            let unchanged = rest.iter().all(|page| page.metadata.total == Some(total));
            items.extend(rest.into_iter().flat_map(|page| page.data));
            if unchanged && items.len() == total {
                break;
            }
        }
        Ok(items)
    }

    /// Reads the rest of a list whose length the server does not tell: until a page is not full.
    async fn list_untold<T: DeserializeOwned>(
        &self,
        url: &Url,
        query: &[(&str, &str)],
        mut items: Vec<T>,
        what: &str,
    ) -> Result<Vec<T>, PrismError> {
        let mut full = items.len() >= PAGE;
        let mut number = 1;
        while full {
            let page: Page<T> = self.page(url, query, number, what).await?;
            full = page.data.len() >= PAGE;
            items.extend(page.data);
            number += 1;
        }
        Ok(items)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        url: &Url,
        query: &[(&str, &str)],
        number: usize,
        what: &str,
    ) -> Result<Page<T>, PrismError> {
        let mut url = url.clone();
        url.query_pairs_mut()
            .append_pair("$page", &number.to_string())
            .append_pair("$limit", &PAGE.to_string())
            .extend_pairs(query);
        let reply = self.exchange(self.reading(Method::GET, url, what)).await?;
        if reply.status.is_success() {
            Ok(reply.decode()?)
        } else {
            Err(refusal(&reply))
        }
    }
}

pub(super) fn refusal(reply: &Reply) -> PrismError {
    PrismError::from(Box::new(ApiError {
        call: reply.call.clone(),
        status: reply.status.as_u16(),
        messages: envelope::error_messages(&reply.body),
        body: error::excerpt(&reply.body),
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
