//! Which certificates are trusted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use serde_json::json;
use stayput_estate::Appliance;
use stayput_estate::SiteName;
use stayput_estate::Trust;
use stayput_nutanix::Credentials;
use stayput_nutanix::HttpsWire;
use stayput_nutanix::Minor;
use stayput_nutanix::Namespace;
use stayput_nutanix::PrismClient;
use stayput_nutanix::PrismError;
use stayput_nutanix::Service;
use stayput_nutanix::TlsProblem;
use stayput_nutanix::Wire;
use stayput_nutanix::WireError;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server::Server;
use crate::server::data;

/// A CA in a file, and the server side of TLS with a certificate of that CA for `name`.
fn authority(file: &str, name: &str) -> (PathBuf, TlsAcceptor) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{file}.pem"));
    std::fs::write(&path, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    (path, TlsAcceptor::from(Arc::new(config)))
}

/// A CA in a file, and a server with a certificate of that CA for `name`.
async fn server(file: &str, name: &str) -> (PathBuf, Server) {
    let (path, acceptor) = authority(file, name);
    let server = Server::start_tls(acceptor, |_| data(json!("v4.2"))).await;
    (path, server)
}

async fn minor(server: &Server, ca: PathBuf) -> Result<Minor, PrismError> {
    PrismClient::connect(
        &SiteName::new("tokyo"),
        &server.appliance(Trust::CaFile(ca)),
        &Credentials::new("admin", "secret"),
        Duration::from_secs(5),
        Duration::from_millis(1),
    )?
    .minor(Namespace::Vmm)
    .await
}

#[tokio::test]
async fn a_certificate_of_the_private_ca_is_trusted() {
    let (ca, server) = server("right", "127.0.0.1").await;
    assert_eq!(minor(&server, ca).await.unwrap(), Minor(2));
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused_and_nothing_is_sent() {
    let (_, server) = server("one", "127.0.0.1").await;
    let (other, _) = self::server("other", "127.0.0.1").await;
    let error = minor(&server, other).await.unwrap_err();
    assert!(
        matches!(&error, PrismError::Connect(error) if error.tls == Some(TlsProblem::UnknownIssuer)),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("its certificate is not signed by a trusted CA")
    );
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (ca, server) = server("name", "pc.example").await;
    let error = minor(&server, ca).await.unwrap_err();
    assert!(
        matches!(&error, PrismError::Connect(error) if error.tls == Some(TlsProblem::WrongName)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_tls_error_after_the_request_was_sent_is_a_broken_connection() {
    let (ca, acceptor) = authority("garbled", "127.0.0.1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut request = [0; 1024];
        let received = stream.read(&mut request).await.unwrap();
        // Not a record of TLS.
        let (tcp, _) = stream.get_mut();
        tcp.write_all(&[0xff; 64]).await.unwrap();
        received
    });
    let appliance = Appliance {
        url: url.clone(),
        trust: Trust::CaFile(ca),
    };
    let (site, limit) = (SiteName::new("tokyo"), Duration::from_secs(60));
    let wire = HttpsWire::new(&site, Service::PrismCentral, &appliance, limit).unwrap();
    let request = http::Request::post(format!("{url}/")).body(bytes::Bytes::from("{}"));
    let error = wire.exchange(request.unwrap(), 1024).await.unwrap_err();
    assert!(matches!(error, WireError::Broken { .. }), "{error:?}");
    assert!(serving.await.unwrap() > 0);
}
