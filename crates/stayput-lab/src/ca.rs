//! The lab's certificate authority. It is created at every start, and its key never leaves the process.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use stayput_messages::Message;

/// Names in the server certificate.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Lifetime of the certificates. Some clients refuse more than 825 days.
const LIFE_DAYS: i32 = 397;

/// Why no certificate could be created.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The certificate cannot be created.
    #[error("{}", Message::new("lab-no-certificates"))]
    Certificate(#[from] rcgen::Error),
    /// The TLS configuration is not valid.
    #[error("{}", Message::new("lab-no-tls"))]
    Tls(#[from] rustls::Error),
}

/// A CA, and the TLS configuration of a server with a certificate from it.
#[derive(Debug)]
pub struct LabCa {
    /// The CA's certificate, PEM.
    pub pem: String,
    /// Serves `localhost` and the loopback addresses over HTTP/1.1 and HTTP/2.
    pub tls: Arc<ServerConfig>,
}

impl LabCa {
    /// Creates a CA and a server certificate for `localhost`, `127.0.0.1` and `::1`.
    ///
    /// # Errors
    /// [`CaError`] when keys or certificates cannot be created.
    pub fn new() -> Result<Self, CaError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name("stayput lab CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_life(&mut params);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
        params.distinguished_name = distinguished_name("stayput lab");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict verifiers require it, for example Python 3.13 by default.
        params.use_authority_key_identifier_extension = true;
        set_life(&mut params);
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &ca)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), ca.der().clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            pem: ca.pem(),
            tls: Arc::new(tls),
        })
    }
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Makes the certificate valid from yesterday, for clients whose clocks are slow, for [`LIFE_DAYS`].
fn set_life(params: &mut CertificateParams) {
    let today = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |date: Date| {
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = day(today.saturating_sub(1.day()));
    params.not_after = day(today.saturating_add(LIFE_DAYS.days()));
}
