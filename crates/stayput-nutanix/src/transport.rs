//! Sending one request, with time limits and repeats. Knows neither Prism Central nor Move.

use std::time::Duration;

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::ACCEPT;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderValue;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use stayput_estate::Appliance;
use stayput_estate::SiteName;
use stayput_estate::Trust;

use crate::error::Call;
use crate::error::ConnectError;
use crate::error::DecodeError;
use crate::error::Service;
use crate::error::SetupError;
use crate::error::TimeoutError;
use crate::error::TlsProblem;
use crate::tls;
use crate::tls::TlsSetupError;

/// Tries in all (the official SDKs' five, Prism reference §1).
const TRIES: u32 = 5;

/// Tries that may end without a connection. Fewer, so that a lost region is noticed soon.
const CONNECTION_TRIES: u32 = 3;

/// Tries that may end without an answer; each costs the whole time limit.
const TIMEOUT_TRIES: u32 = 2;

/// Longest pause between two tries, also when the other side asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Longest wait for a connection; the time limit of a call is meant for its answer.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// Whether a request may be sent again when it is not known whether it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It reads, or the other side recognises it (by its request id, or because a second time changes nothing).
    Safe,
    /// It would take effect twice.
    Unsafe,
}

/// What to send. May hold secrets, hence no `Debug`.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// What it is for, for errors.
    pub(crate) what: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeat: Repeat,
    /// Replaces the usual time limit for calls known to be slow.
    pub(crate) timeout: Option<Duration>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) call: Box<Call>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Decodes the body.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut json).map_err(|error| DecodeError {
            call: self.call.clone(),
            path: error.path().to_string(),
            source: error.into_inner(),
        })
    }
}

/// Nothing came back.
#[derive(Debug)]
pub(crate) enum NoReply {
    Connect(ConnectError),
    Timeout(TimeoutError),
}

/// The way to one appliance.
#[derive(Debug)]
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
    site: SiteName,
    service: Service,
    timeout: Duration,
    first_pause: Duration,
}

impl Transport {
    /// Checks the address and prepares TLS; no network.
    ///
    /// `first_pause` is the pause before the first repeat; each further one is twice as long.
    pub(crate) fn new(
        site: &SiteName,
        service: Service,
        appliance: &Appliance,
        timeout: Duration,
        first_pause: Duration,
    ) -> Result<Self, SetupError> {
        let base = Url::parse(&appliance.url)
            .ok()
            .filter(|url| url.has_host() && !url.cannot_be_a_base())
            .ok_or_else(|| SetupError::Url {
                site: site.clone(),
                service,
                url: appliance.url.clone(),
            })?;
        let loopback = is_loopback(&base);
        if base.scheme() != "https" && !(base.scheme() == "http" && loopback) {
            return Err(SetupError::NotEncrypted {
                site: site.clone(),
                service,
                url: appliance.url.clone(),
            });
        }
        let cannot = |reason: String| SetupError::Client {
            site: site.clone(),
            service,
            reason,
        };
        let trust = (base.scheme() == "https").then_some(&appliance.trust);
        let config =
            tls::client_config(trust).map_err(|error| match (error, &appliance.trust) {
                (TlsSetupError::CaFile(reason), Trust::CaFile(path)) => SetupError::CaFile {
                    site: site.clone(),
                    service,
                    path: path.clone(),
                    reason,
                },
                (TlsSetupError::CaFile(reason) | TlsSetupError::Other(reason), _) => cannot(reason),
            })?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .user_agent(concat!("stayput/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the credentials to a place nobody configured; it is reported instead.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout.min(LONGEST_CONNECT))
            .timeout(timeout);
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| cannot(error.to_string()))?;
        Ok(Self {
            client,
            base,
            site: site.clone(),
            service,
            timeout,
            first_pause,
        })
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
    pub(crate) fn call(&self, method: &Method, url: &Url, what: &str) -> Box<Call> {
        Box::new(Call {
            site: self.site.clone(),
            service: self.service,
            what: what.to_owned(),
            method: method.to_string(),
            url: url.to_string(),
        })
    }

    /// Sends, and sends again while that may help: after 408, 429, 503 and 504, without a connection and without an answer.
    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Reply, NoReply> {
        let safe = outgoing.repeat == Repeat::Safe;
        let (mut tries, mut unconnected, mut unanswered) = (0, 0, 0);
        loop {
            tries += 1;
            let result = self.send_once(outgoing).await;
            let may_help = match &result {
                Ok(reply) => asks_for_later(reply.status, outgoing.repeat),
                Err(NoReply::Connect(error)) => {
                    unconnected += 1;
                    unconnected < CONNECTION_TRIES
                        // A certificate does not get better by asking again.
                        && error.tls.is_none()
                        // Without a connection nothing was sent, so even what must not be doubled may be sent again.
                        && (safe || error.source.is_connect())
                }
                Err(NoReply::Timeout(_)) => {
                    unanswered += 1;
                    unanswered < TIMEOUT_TRIES && safe
                }
            };
            if !may_help || tries == TRIES {
                return result;
            }
            let asked = result.ok().and_then(|reply| retry_after(&reply.headers));
            let pause = asked.unwrap_or_else(|| self.first_pause.saturating_mul(1 << (tries - 1)));
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
    }

    async fn send_once(&self, outgoing: &Outgoing) -> Result<Reply, NoReply> {
        let timeout = outgoing.timeout.unwrap_or(self.timeout);
        let mut request = self
            .client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .timeout(timeout);
        if let Some(body) = &outgoing.body {
            if !outgoing.headers.contains_key(CONTENT_TYPE) {
                request =
                    request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            request = request.body(body.clone());
        }
        let call = self.call(&outgoing.method, &outgoing.url, &outgoing.what);
        let no_reply = |error: reqwest::Error, call: Box<Call>| {
            if error.is_timeout() {
                NoReply::Timeout(TimeoutError {
                    call,
                    after: timeout,
                })
            } else {
                let tls = TlsProblem::find(&error);
                NoReply::Connect(ConnectError {
                    call,
                    tls,
                    source: error.without_url(),
                })
            }
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(no_reply(error, call)),
        };
        let status = response.status();
        let headers = response.headers().clone();
        match response.bytes().await {
            Ok(body) => Ok(Reply {
                call,
                status,
                headers,
                body: body.to_vec(),
            }),
            Err(error) => Err(no_reply(error, call)),
        }
    }
}

/// Whether a status means that the same request may be accepted later.
fn asks_for_later(status: StatusCode, repeat: Repeat) -> bool {
    match status {
        // Refused unseen.
        StatusCode::TOO_MANY_REQUESTS => true,
        // Something on the way gave up; the appliance may have acted.
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => repeat == Repeat::Safe,
        _ => false,
    }
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

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(url: &str) -> Result<Transport, SetupError> {
        Transport::new(
            &SiteName::new("tokyo"),
            Service::PrismCentral,
            &Appliance {
                url: url.to_owned(),
                trust: Trust::System,
            },
            Duration::from_secs(1),
            Duration::from_millis(1),
        )
    }

    #[test]
    fn credentials_are_not_sent_in_the_clear_except_on_loopback() {
        assert!(matches!(
            transport("http://pc.example:9440"),
            Err(SetupError::NotEncrypted { .. })
        ));
        assert!(transport("http://127.0.0.1:9440").is_ok());
        assert!(transport("http://[::1]:9440").is_ok());
        assert!(matches!(
            transport("pc.example"),
            Err(SetupError::Url { .. })
        ));
    }

    #[test]
    fn an_id_in_a_path_cannot_leave_its_segment() {
        let url = transport("http://127.0.0.1:9440")
            .unwrap()
            .url(["api", "a/b?c", "ZXJnb24=:1"]);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:9440/api/a%2Fb%3Fc/ZXJnb24=:1"
        );
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_refused_by_its_name() {
        let path = std::env::temp_dir().join("stayput-no-certificate.pem");
        std::fs::write(&path, "nothing here\n").unwrap();
        let error = Transport::new(
            &SiteName::new("tokyo"),
            Service::Move,
            &Appliance {
                url: "https://move.example".to_owned(),
                trust: Trust::CaFile(path),
            },
            Duration::from_secs(1),
            Duration::from_millis(1),
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("stayput-no-certificate.pem"),
            "{error}"
        );
    }
}
