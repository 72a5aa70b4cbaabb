//! Which certificates are trusted: rustls on ring, always verifying.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;
use stayput_estate::Trust;
use stayput_messages::Message;

/// Why a TLS configuration could not be made.
pub(crate) enum TlsSetupError {
    /// The CA file is unreadable, holds no certificate or one that is not understood.
    CaFile(String),
    /// Anything else.
    Other(String),
}

/// The TLS configuration for a kind of trust; `None` trusts no certificate, for a client that speaks plain HTTP on loopback.
/// Reads the CA file; no network.
pub(crate) fn client_config(trust: Option<&Trust>) -> Result<ClientConfig, TlsSetupError> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsSetupError::Other(error.to_string()))?;
    let builder = match trust {
        Some(Trust::System) => builder
            .with_platform_verifier()
            .map_err(|error| TlsSetupError::Other(error.to_string()))?,
        Some(Trust::CaFile(path)) => builder.with_root_certificates(read_ca_file(path)?),
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

/// Only the certificates of this file: naming a private CA also says that the public ones are not meant.
fn read_ca_file(path: &Path) -> Result<RootCertStore, TlsSetupError> {
    let wrong = |reason: String| TlsSetupError::CaFile(reason);
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        Err(wrong(Message::new("setup-no-certificate").to_string()))
    } else {
        Ok(roots)
    }
}
