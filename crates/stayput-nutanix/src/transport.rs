//! Sending one request, with limits and repeats. Knows neither Prism Central nor Move.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::ACCEPT;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::DATE;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderValue;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use serde::de::Error as _;
use stayput_ambient::Entropy;
use stayput_estate::SiteName;
use stayput_messages::Message;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error;
use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::Service;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::redact::Redactor;
use crate::retry;
use crate::retry::Outcome;
use crate::retry::Past;
use crate::retry::Patience;
use crate::retry::Repeat;
use crate::wire::Wire;
use crate::wire::WireError;
use crate::wire::https;
use crate::wire::https::LONGEST_CONNECT;

/// Calls under way at once. The smallest Prism Central allows 30 requests a second (Prism reference §1); with eight under way
/// at some 300 ms each we stay under it and leave room for others. A call that waits for its next attempt is not under way.
pub(crate) const AT_ONCE: usize = 8;

/// Longest first pause before a repeat; the gap between two looks at a task, which is given, may be longer.
const LONGEST_FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What to send. May hold secrets, hence no `Debug`.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// What it is for, for errors.
    pub(crate) what: Message,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    /// Replaces the usual time limit for calls known to be slow.
    pub(crate) timeout: Option<Duration>,
    /// Secrets in the body, besides those of every call.
    pub(crate) secrets: Vec<String>,
    /// The largest body that is read.
    pub(crate) body_bytes: usize,
}

/// What came back, whatever its status. The body of a refusal has no secrets in it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) call: Box<Call>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) redactor: Redactor,
}

impl Reply {
    /// Decodes the body.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        if let Ok(value) = serde_json::from_slice(&self.body) {
            return Ok(value);
        }
        // Again, to say where it is wrong: paths cost as much as the decoding.
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            self.malformed(&path, error.into_inner())
        })?;
        // A second document after the first, or anything else.
        json.end().map_err(|error| self.malformed(".", error))?;
        Ok(value)
    }

    /// The error for a body that is not understood.
    pub(crate) fn malformed(&self, path: &str, reason: impl ToString) -> DecodeError {
        malformed(self.call.clone(), &self.redactor, path, &reason.to_string())
    }

    /// The start of the body, for error messages.
    pub(crate) fn excerpt(&self) -> String {
        error::excerpt(&self.body)
    }
}

/// The error for an answer that is not understood.
pub(crate) fn malformed(
    call: Box<Call>,
    redactor: &Redactor,
    path: &str,
    reason: &str,
) -> DecodeError {
    DecodeError {
        call,
        path: redactor.clean(path),
        // Made again from its text: the original may quote a secret that the other side repeated.
        source: serde_json::Error::custom(redactor.clean(reason)),
    }
}

/// No answer that can be used came back.
#[derive(Debug)]
pub(crate) enum Failure {
    Connect(ConnectError),
    Timeout(TimeoutError),
    Decode(DecodeError),
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Connect(error) => error.outcome(),
            Self::Timeout(error) if !error.connected => Outcome::Unreachable,
            Self::Timeout(_) => Outcome::Silent,
            Self::Decode(_) => Outcome::Malformed,
        }
    }

    fn call_mut(&mut self) -> &mut Call {
        match self {
            Self::Connect(error) => &mut error.call,
            Self::Timeout(error) => &mut error.call,
            Self::Decode(error) => &mut error.call,
        }
    }
}

/// The answer to a read.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// Success, and understood.
    Understood(T, Reply),
    /// Any status that is not success.
    Refused(Reply),
}

/// The way to one appliance.
#[derive(Debug)]
pub(crate) struct Transport {
    wire: Arc<dyn Wire>,
    base: Url,
    site: SiteName,
    service: Service,
    timeout: Duration,
    first_pause: Duration,
    at_once: Semaphore,
    redactor: RwLock<Redactor>,
    entropy: Entropy,
    /// Whether a call has succeeded, and so the credentials were accepted.
    was_accepted: AtomicBool,
    /// The `Date` header of the last answer that had one.
    date: Mutex<Option<HeaderValue>>,
}

impl Transport {
    /// Sends over a wire; no network yet.
    ///
    /// `timeout` limits one attempt of a call; `first_pause` is the pause before the first repeat, at most half a second; each further one
    /// is twice as long.
    pub(crate) fn over(
        site: &SiteName,
        service: Service,
        wire: Arc<dyn Wire>,
        timeout: Duration,
        first_pause: Duration,
        entropy: &Entropy,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            base: https::base(site, service, wire.url())?,
            wire,
            site: site.clone(),
            service,
            timeout,
            first_pause: first_pause.min(LONGEST_FIRST_PAUSE),
            at_once: Semaphore::new(AT_ONCE),
            redactor: RwLock::default(),
            entropy: entropy.stream(&format!("{service}/{site}")),
            was_accepted: AtomicBool::new(false),
            date: Mutex::default(),
        })
    }

    /// The time that the last answer carried, as it was written there.
    pub(crate) fn date(&self) -> Option<String> {
        let date = self.date.lock().unwrap_or_else(PoisonError::into_inner);
        Some(date.as_ref()?.to_str().ok()?.to_owned())
    }

    /// The URL of the appliance.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The randomness of this client.
    pub(crate) fn entropy(&self) -> &Entropy {
        &self.entropy
    }

    /// The URL of a path of the appliance; segments are percent-encoded as needed.
    pub(crate) fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        // Only URLs that cannot be a base have no segments, and `new` refuses those.
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }

    /// Names a call for errors.
    pub(crate) fn call(&self, method: &Method, url: &Url, what: &Message) -> Box<Call> {
        Box::new(Call {
            site: self.site.clone(),
            service: self.service,
            what: what.clone(),
            method: method.to_string(),
            url: url.to_string(),
            unclear_attempts: 0,
        })
    }

    /// Keeps these secrets out of error texts; others no longer.
    pub(crate) fn hide<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let new = Redactor::default().with(secrets);
        match self.redactor.write() {
            Ok(mut redactor) => *redactor = new,
            Err(poisoned) => *poisoned.into_inner() = new,
        }
    }

    /// What keeps secrets out of texts.
    pub(crate) fn redactor(&self) -> Redactor {
        match self.redactor.read() {
            Ok(redactor) => redactor.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// How patiently a call is repeated.
    pub(crate) fn patience(&self, budget: Duration, connects: u32) -> Patience {
        Patience {
            first: self.first_pause,
            budget,
            connects,
        }
    }

    /// Reads: sends, and sends again while that may help, until the answer is understood.
    pub(crate) async fn read<T>(
        &self,
        outgoing: &Outgoing,
        patience: Patience,
        understand: impl Fn(&Reply) -> Result<T, DecodeError>,
    ) -> Result<Answer<T>, Failure> {
        let started = Instant::now();
        let mut past = Past::new(&self.entropy);
        loop {
            let result = match self.send_once(outgoing).await {
                Ok(reply) if reply.status.is_success() => match understand(&reply) {
                    Ok(value) => return Ok(Answer::Understood(value, reply)),
                    Err(error) => Err(Failure::Decode(error)),
                },
                other => other,
            };
            let ended = self.outcome(&result);
            let attempt = past.add(ended, started, asked(&result));
            match retry::pause(Repeat::Read, ended, attempt, patience) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return result.map(Answer::Refused),
            }
        }
    }

    /// Sends a change, and sends it again only when it was certainly not processed. `unclear_attempts` of the call in an error
    /// or a refusal tells whether the change may have taken effect.
    pub(crate) async fn change(
        &self,
        outgoing: &Outgoing,
        patience: Patience,
    ) -> Result<Reply, Failure> {
        let started = Instant::now();
        let mut past = Past::new(&self.entropy);
        loop {
            let mut result = self.send_once(outgoing).await;
            if matches!(&result, Ok(reply) if reply.status.is_success()) {
                return result;
            }
            let ended = self.outcome(&result);
            let attempt = past.add(ended, started, asked(&result));
            if let Some(pause) = retry::pause(Repeat::Blindly, ended, attempt, patience) {
                tokio::time::sleep(pause).await;
                continue;
            }
            let unclear = u32::from(ended.may_have_taken_effect());
            match &mut result {
                Ok(reply) => reply.call.unclear_attempts = unclear,
                Err(failure) => failure.call_mut().unclear_attempts = unclear,
            }
            return result;
        }
    }

    fn outcome(&self, result: &Result<Reply, Failure>) -> Outcome {
        match result {
            // Move's tokens expire: its client logs in again.
            Ok(reply)
                if reply.status == StatusCode::UNAUTHORIZED
                    && self.service == Service::PrismCentral
                    && self.was_accepted.load(Ordering::Relaxed) =>
            {
                Outcome::Unauthenticated
            }
            Ok(reply) => Outcome::Status(reply.status.as_u16()),
            Err(failure) => failure.outcome(),
        }
    }

    async fn send_once(&self, outgoing: &Outgoing) -> Result<Reply, Failure> {
        let timeout = outgoing.timeout.unwrap_or(self.timeout);
        let call = self.call(&outgoing.method, &outgoing.url, &outgoing.what);
        let redactor = || {
            self.redactor()
                .with(outgoing.secrets.iter().map(String::as_str))
        };
        let too_long = |call| {
            let reason = Message::new("malformed-too-long").with("limit", outgoing.body_bytes);
            Failure::Decode(malformed(call, &redactor(), ".", &reason.to_string()))
        };
        let request = match request(outgoing) {
            Ok(request) => request,
            Err(error) => {
                return Err(Failure::Connect(ConnectError {
                    call,
                    tls: None,
                    sent: false,
                    source: error.into(),
                }));
            }
        };
        // Held for this attempt only. The semaphore lives as long as we do and is never closed.
        let _permit = self.at_once.acquire().await;
        let exchange = self.wire.exchange(request, outgoing.body_bytes);
        let response = match tokio::time::timeout(timeout, exchange).await {
            Ok(Ok(response)) if response.body().len() > outgoing.body_bytes => {
                return Err(too_long(call));
            }
            Ok(Ok(response)) => response,
            Ok(Err(WireError::TooLong)) => return Err(too_long(call)),
            Ok(Err(WireError::ConnectTimeout)) => {
                return Err(Failure::Timeout(TimeoutError {
                    call,
                    after: timeout.min(self.timeout).min(LONGEST_CONNECT),
                    connected: false,
                }));
            }
            Ok(Err(WireError::NotSent { tls, source })) => {
                return Err(Failure::Connect(ConnectError {
                    call,
                    tls,
                    sent: false,
                    source,
                }));
            }
            Ok(Err(WireError::Broken { source })) => {
                return Err(Failure::Connect(ConnectError {
                    call,
                    tls: None,
                    sent: true,
                    source,
                }));
            }
            Err(_elapsed) => {
                return Err(Failure::Timeout(TimeoutError {
                    call,
                    after: timeout,
                    connected: true,
                }));
            }
        };
        if response.status().is_success() {
            self.was_accepted.store(true, Ordering::Relaxed);
        }
        let redactor = redactor();
        let (parts, body) = response.into_parts();
        if let Some(date) = parts.headers.get(DATE) {
            let mut last = self.date.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(date.clone());
        }
        let mut body = Vec::from(body);
        if !parts.status.is_success() {
            body = redactor.clean_body(&body);
        }
        Ok(Reply {
            call,
            status: parts.status,
            headers: parts.headers,
            body,
            redactor,
        })
    }
}

/// The request as it is sent. Headers that are given take precedence over the usual ones.
fn request(outgoing: &Outgoing) -> Result<Request<Bytes>, http::Error> {
    let json = HeaderValue::from_static("application/json");
    let body = outgoing.body.clone().unwrap_or_default();
    let mut request = Request::builder()
        .method(&outgoing.method)
        .uri(outgoing.url.as_str())
        .body(Bytes::from(body))?;
    let headers = request.headers_mut();
    headers.clone_from(&outgoing.headers);
    headers.insert(ACCEPT, json.clone());
    if outgoing.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, json);
    }
    Ok(request)
}

/// How an attempt ended that is not a success.
fn asked(result: &Result<Reply, Failure>) -> Option<Duration> {
    retry_after(&result.as_ref().ok()?.headers)
}

/// `Retry-After` in its form of seconds; the form of a date is not seen on these appliances.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HttpsWire;

    #[test]
    fn an_id_in_a_path_cannot_leave_its_segment() {
        let site = SiteName::new("tokyo");
        let appliance = stayput_estate::Appliance {
            url: "http://127.0.0.1:9440".to_owned(),
            trust: stayput_estate::Trust::System,
        };
        let second = Duration::from_secs(1);
        let wire = HttpsWire::new(&site, Service::PrismCentral, &appliance, second).unwrap();
        let transport = Transport::over(
            &site,
            Service::PrismCentral,
            Arc::new(wire),
            second,
            second,
            &Entropy::system(),
        );
        let url = transport.unwrap().url(["api", "a/b?c", "ZXJnb24=:1"]);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:9440/api/a%2Fb%3Fc/ZXJnb24=:1"
        );
    }
}
