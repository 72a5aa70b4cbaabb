//! The network as a wire: HTTPS, and plain HTTP on loopback.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::Response;
use reqwest::Url;
use stayput_estate::Appliance;
use stayput_estate::SiteName;
use stayput_estate::Trust;

use super::Wire;
use super::WireError;
use crate::error::Service;
use crate::error::SetupError;
use crate::error::TlsProblem;
use crate::tls;
use crate::tls::TlsSetupError;

/// Longest wait for a connection; the time limit of a call is meant for its answer.
pub(crate) const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// HTTPS to an appliance, always verified; plain HTTP on loopback. Connections are kept and used again.
#[derive(Debug, Clone)]
pub struct HttpsWire {
    client: reqwest::Client,
    url: String,
}

impl HttpsWire {
    /// Checks the address and prepares TLS. Reads the CA file if one is configured; no network.
    ///
    /// A connection is waited for as long as a call, `call_timeout`, and at most 10 s.
    ///
    /// # Errors
    /// The address is not a URL, or not encrypted and not on loopback; the CA file is unusable.
    pub fn new(
        site: &SiteName,
        service: Service,
        appliance: &Appliance,
        call_timeout: Duration,
    ) -> Result<Self, SetupError> {
        let url = base(site, service, &appliance.url)?;
        let loopback = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
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
        let trust = (url.scheme() == "https").then_some(&appliance.trust);
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
            // A redirect would carry the credentials to an address that is not configured; it is reported instead.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(call_timeout.min(LONGEST_CONNECT));
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| cannot(error.to_string()))?;
        Ok(Self {
            client,
            url: appliance.url.clone(),
        })
    }
}

#[async_trait]
impl Wire for HttpsWire {
    fn url(&self) -> &str {
        &self.url
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        longest: usize,
    ) -> Result<Response<Bytes>, WireError> {
        let is_empty = request.body().is_empty();
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        if is_empty {
            *request.body_mut() = None;
        }
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > longest {
                return Err(WireError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = Response::new(Bytes::from(body));
        *whole.status_mut() = response.status();
        *whole.version_mut() = response.version();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(whole)
    }
}

fn failed(error: reqwest::Error) -> WireError {
    if !error.is_connect() {
        return WireError::Broken {
            source: error.without_url().into(),
        };
    }
    if error.is_timeout() {
        return WireError::ConnectTimeout;
    }
    WireError::NotSent {
        tls: TlsProblem::find(&error),
        source: error.without_url().into(),
    }
}

/// The address of an appliance as a URL with a host.
pub(crate) fn base(site: &SiteName, service: Service, url: &str) -> Result<Url, SetupError> {
    Url::parse(url)
        .ok()
        .filter(|url| url.has_host() && !url.cannot_be_a_base())
        .ok_or_else(|| SetupError::Url {
            site: site.clone(),
            service,
            url: url.to_owned(),
        })
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

    fn wire(url: &str, trust: Trust) -> Result<HttpsWire, SetupError> {
        HttpsWire::new(
            &SiteName::new("tokyo"),
            Service::PrismCentral,
            &Appliance {
                url: url.to_owned(),
                trust,
            },
            Duration::from_secs(1),
        )
    }

    #[test]
    fn credentials_are_not_sent_in_the_clear_except_on_loopback() {
        assert!(matches!(
            wire("http://pc.example:9440", Trust::System),
            Err(SetupError::NotEncrypted { .. })
        ));
        assert!(wire("http://127.0.0.1:9440", Trust::System).is_ok());
        assert!(wire("http://[::1]:9440", Trust::System).is_ok());
        assert!(matches!(
            wire("pc.example", Trust::System),
            Err(SetupError::Url { .. })
        ));
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_refused_by_its_name() {
        let path = std::env::temp_dir().join("stayput-no-certificate.pem");
        std::fs::write(&path, "nothing here\n").unwrap();
        let error = wire("https://move.example", Trust::CaFile(path.clone())).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(
            error.to_string().contains("stayput-no-certificate.pem"),
            "{error}"
        );
    }
}
