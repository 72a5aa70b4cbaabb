//! The HTTP client: the SDK's connector on rustls with ring, our trust, the environment's proxies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::TlsContext;
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use stayput_estate::Trust;
use stayput_messages::Message;

use crate::bounds::BODY_BYTES_MAX;
use crate::error::AwsError;
use crate::error::PlainHttpRefused;
use crate::transport::Attempts;

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// Variables that name a proxy; without any of them no proxy connector is built.
const PROXY_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Builds the client all calls share.
///
/// A CA file replaces the system's authorities, as `AWS_CA_BUNDLE` does in every AWS tool; that variable is honoured when
/// the estate names no file of its own.
pub(crate) fn http_client(
    trust: &Trust,
    ca_bundle: Option<PathBuf>,
) -> Result<SharedHttpClient, AwsError> {
    let store = match (trust, ca_bundle) {
        (Trust::CaFile(path), _) => ca_store(path)?,
        (Trust::System, Some(path)) => ca_store(&path)?,
        (Trust::System, None) => system_store(),
    };
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| {
            AwsError::config(Message::new("aws-tls-unusable"), Some(Box::new(error)))
        })?;
    let has_proxy = PROXY_VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    Ok(SharedHttpClient::new(Client {
        context,
        has_proxy,
        connectors: Mutex::new(HashMap::new()),
    }))
}

/// The same limits around an HTTP client of the caller: nothing in clear but to this machine, and no body beyond [`BODY_BYTES_MAX`].
pub(crate) fn guarded(http: impl HttpClient + 'static) -> SharedHttpClient {
    SharedHttpClient::new(GuardedClient {
        inner: SharedHttpClient::new(http),
    })
}

/// A client whose connectors are [`Guarded`].
#[derive(Debug)]
struct GuardedClient {
    inner: SharedHttpClient,
}

impl HttpClient for GuardedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Guarded { inner })
    }
}

/// The system's authorities; none at all where the system has none, which then shows as an untrusted certificate.
fn system_store() -> TrustStore {
    let found = rustls_native_certs::load_native_certs();
    TrustStore::empty().with_native_roots(!found.certs.is_empty())
}

/// The authorities of a PEM file. Entries the TLS library cannot use are left out, as it does with the system's own; a file
/// without a usable one is an error. (The connector itself would panic on any of this.)
fn ca_store(path: &Path) -> Result<TrustStore, AwsError> {
    let text = std::fs::read(path).map_err(|error| {
        AwsError::config(
            Message::new("aws-ca-file-unreadable").with("file", path.display()),
            Some(Box::new(error)),
        )
    })?;
    let text = String::from_utf8_lossy(&text);
    let mut store = TrustStore::empty();
    let mut usable = 0_usize;
    for tail in text.split(PEM_BEGIN).skip(1) {
        let Some((body, _)) = tail.split_once(PEM_END) else {
            continue;
        };
        let pem = format!("{PEM_BEGIN}{body}{PEM_END}\n");
        let accepted = CertificateDer::from_pem_slice(pem.as_bytes())
            .is_ok_and(|der| rustls::RootCertStore::empty().add(der).is_ok());
        if accepted {
            store.add_pem_certificate(pem);
            usable += 1;
        }
    }
    if usable == 0 {
        return Err(AwsError::config(
            Message::new("aws-ca-file-unusable").with("file", path.display()),
            None,
        ));
    }
    Ok(store)
}

/// Timeouts a connector is built for: connect, read.
type Limits = (Option<Duration>, Option<Duration>);

/// Connectors by their timeouts, each with its own connection pool.
#[derive(Debug)]
struct Client {
    context: TlsContext,
    has_proxy: bool,
    connectors: Mutex<HashMap<Limits, SharedHttpConnector>>,
}

impl Client {
    fn build(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
        proxy: ProxyConfig,
    ) -> SharedHttpConnector {
        let mut builder = Connector::builder()
            .connector_settings(settings.clone())
            .proxy_config(proxy);
        builder.set_sleep_impl(components.sleep_impl());
        SharedHttpConnector::new(
            builder
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(self.context.clone())
                .build(),
        )
    }
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self
            .connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connectors
            .entry(limits)
            .or_insert_with(|| {
                let direct = self.build(settings, components, ProxyConfig::disabled());
                let inner = if self.has_proxy {
                    let proxied = self.build(settings, components, ProxyConfig::from_env());
                    SharedHttpConnector::new(ByHost { direct, proxied })
                } else {
                    direct
                };
                SharedHttpConnector::new(Guarded { inner })
            })
            .clone()
    }
}

/// Sends nothing in clear but to this machine and its hypervisor, and takes no body beyond [`BODY_BYTES_MAX`]. Everything goes through here,
/// the credential chain's own calls included.
#[derive(Debug)]
struct Guarded {
    inner: SharedHttpConnector,
}

impl HttpConnector for Guarded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri();
        if !uri.starts_with("https://") && !is_local(uri) {
            let host = host_of(uri).to_owned();
            let refused = PlainHttpRefused { host };
            return HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into())));
        }
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async {
            let mut answer = answer.await?;
            let body = answer.take_body();
            let announced = body.content_length();
            if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
                Attempts::note_too_large();
                return Err(ConnectorError::other(AnswerTooLarge.into(), None));
            }
            let limited = Limited::new(body, BODY_BYTES_MAX).map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Attempts::note_too_large();
                }
                error
            });
            *answer.body_mut() = SdkBody::from_body_1_x(limited);
            Ok(answer)
        })
    }
}

/// An answer that announces more than is read.
#[derive(Debug, thiserror::Error)]
#[error("{}", Message::new("answer-announces-too-much").with("limit", BODY_BYTES_MAX))]
pub(crate) struct AnswerTooLarge;

/// Sends what can only be meant for this machine or its hypervisor past the proxy: a lab on loopback, and the metadata
/// service.
#[derive(Debug)]
struct ByHost {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
}

impl HttpConnector for ByHost {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_local(request.uri()) {
            self.direct.call(request)
        } else {
            self.proxied.call(request)
        }
    }
}

/// Whether an address is on this machine itself: an address of loopback, or `localhost`.
pub(crate) fn is_loopback(uri: &str) -> bool {
    let host = host_of(uri);
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Whether an address is on this machine, or is one at which AWS serves a machine's own credentials over plain HTTP: link-local, or the
/// IPv6 addresses of the metadata service and of EKS.
fn is_local(uri: &str) -> bool {
    let of_metadata = match host_of(uri).parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => {
            v6.is_unicast_link_local() || v6.segments().starts_with(&[0xfd00, 0x0ec2])
        }
        Err(_) => false,
    };
    is_loopback(uri) || of_metadata
}

/// The host of an address, without port, brackets and user.
fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_link_local_hosts_go_past_the_proxy() {
        assert!(is_local("http://127.0.0.1:4566/"));
        assert!(is_local("https://[::1]:4566/"));
        assert!(is_local("http://localhost"));
        assert!(is_local("http://169.254.169.254/latest/api/token"));
        assert!(is_local("http://[fd00:ec2::254]/latest/api/token"));
        assert!(!is_local("https://ec2.ap-northeast-1.amazonaws.com/"));
    }

    #[test]
    fn only_this_machine_is_loopback_however_it_is_spelt() {
        for inside in [
            "http://127.0.0.1:4566/",
            "http://127.9.9.9",
            "http://[::1]:1/",
            "http://LOCALHOST:80/x",
        ] {
            assert!(is_loopback(inside), "{inside}");
        }
        for outside in [
            "http://169.254.169.254/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://127.0.0.1@example/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://127.1/",
            "",
        ] {
            assert!(!is_loopback(outside), "{outside}");
        }
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_refused_by_name() {
        let path = std::env::temp_dir().join(format!("stayput-aws-ca-{}.pem", std::process::id()));
        std::fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let error = http_client(&Trust::CaFile(path.clone()), None).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(error.to_string().contains("no usable PEM certificate"));
        let missing = http_client(&Trust::CaFile(path.clone()), None).unwrap_err();
        assert!(missing.to_string().contains(&path.display().to_string()));
    }
}
