//! Verification of Signature Version 4: the lab recomputes the client's signature.
//!
//! The time of the signature is not checked, since the lab's time is virtual.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::Hmac;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

use crate::http::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Access key, region and service of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Access key id.
    pub key: String,
    /// Region.
    pub region: String,
    /// Service, such as `ec2`.
    pub service: String,
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no signature of version 4 in the `Authorization` header.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// The `Authorization` header is not valid.
    #[error("Authorization header requires '{0}'")]
    Incomplete(&'static str),
    /// The access key id is not one of the lab's.
    #[error("AWS was not able to validate the provided access credentials")]
    UnknownKey,
    /// The signature is wrong.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
    )]
    Mismatch,
}

struct Authorization<'a> {
    scope: Scope,
    date: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

fn authorization(request: &Request) -> Result<Authorization<'_>, AuthError> {
    let header = request
        .header("authorization")
        .and_then(|header| header.trim().strip_prefix(ALGORITHM))
        .ok_or(AuthError::Missing)?;
    let fields: BTreeMap<&str, &str> = header
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let field = |name: &'static str| fields.get(name).copied().ok_or(AuthError::Incomplete(name));
    let mut credential = field("Credential")?.split('/');
    let mut next = || credential.next().ok_or(AuthError::Incomplete("Credential"));
    let (key, date, region, service) = (next()?, next()?, next()?, next()?);
    if next()? != "aws4_request" {
        return Err(AuthError::Incomplete("Credential"));
    }
    Ok(Authorization {
        scope: Scope {
            key: key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        },
        date,
        signed_headers: field("SignedHeaders")?.split(';').collect(),
        signature: field("Signature")?,
    })
}

/// Returns region and service of a request's signature without verifying it; used to answer with the right error format.
pub fn claimed_scope(request: &Request) -> Option<Scope> {
    authorization(request).ok().map(|found| found.scope)
}

/// Verifies the signature of a request.
///
/// # Errors
/// A missing or invalid signature, an unknown key, a wrong signature.
pub fn verify(request: &Request, keys: &BTreeMap<String, String>) -> Result<Scope, AuthError> {
    let found = authorization(request)?;
    let secret = keys.get(&found.scope.key).ok_or(AuthError::UnknownKey)?;
    let time = request
        .header("x-amz-date")
        .ok_or(AuthError::Incomplete("X-Amz-Date"))?;
    let body_hash = hex(&Sha256::digest(&request.body));
    // A client that sends the hash of its body signs that text. A hash of another body makes the request invalid.
    let payload = match request.header("x-amz-content-sha256") {
        Some(sent) if sent.len() == 64 && sent != body_hash => return Err(AuthError::Mismatch),
        Some(sent) => sent.to_owned(),
        None => body_hash,
    };
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        canonical_path(&request.path),
        canonical_query(&request.query)
    );
    for name in &found.signed_headers {
        let value = match request.header(name) {
            Some(value) => collapse(value),
            // HTTP/2 has no Host header.
            None if *name == "host" => host_of(&request.base),
            None => return Err(AuthError::Mismatch),
        };
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{}\n{payload}", found.signed_headers.join(";"));
    let Scope {
        region, service, ..
    } = &found.scope;
    let to_sign = format!(
        "{ALGORITHM}\n{time}\n{}/{region}/{service}/aws4_request\n{}",
        found.date,
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [found.date, region, service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    if hex(&mac(&key, to_sign.as_bytes())) == found.signature {
        Ok(found.scope)
    } else {
        Err(AuthError::Mismatch)
    }
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn host_of(base: &str) -> String {
    base.split("://").nth(1).unwrap_or(base).to_owned()
}

fn collapse(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every service except S3 encodes the path's segments twice.
fn canonical_path(path: &str) -> String {
    let encoded = path
        .split('/')
        .map(|segment| encode(&encode(segment)))
        .collect::<Vec<_>>()
        .join("/");
    if encoded.is_empty() {
        "/".to_owned()
    } else {
        encoded
    }
}

fn canonical_query(query: &[(String, String)]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's Signature Version 4 test suite, `get-vanilla-query-order-key-case`.
    fn example() -> Request {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                             SignedHeaders=host;x-amz-date, \
                             Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            query: vec![
                ("Param2".to_owned(), "value2".to_owned()),
                ("Param1".to_owned(), "value1".to_owned()),
            ],
            headers: BTreeMap::from([
                ("host".to_owned(), "example.amazonaws.com".to_owned()),
                ("x-amz-date".to_owned(), "20150830T123600Z".to_owned()),
                ("authorization".to_owned(), authorization.to_owned()),
            ]),
            body: Vec::new(),
            base: "https://127.0.0.1:1".to_owned(),
        }
    }

    fn keys(secret: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("AKIDEXAMPLE".to_owned(), secret.to_owned())])
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn the_published_example_verifies() {
        let scope = verify(&example(), &keys(SECRET)).unwrap();
        assert_eq!(scope.region, "us-east-1");
        assert_eq!(scope.service, "service");
    }

    #[test]
    fn another_secret_a_changed_request_and_an_unknown_key_are_refused() {
        assert_eq!(verify(&example(), &keys("other")), Err(AuthError::Mismatch));
        let mut changed = example();
        changed.body = b"Action=X".to_vec();
        assert_eq!(verify(&changed, &keys(SECRET)), Err(AuthError::Mismatch));
        assert_eq!(
            verify(&example(), &BTreeMap::new()),
            Err(AuthError::UnknownKey)
        );
    }

    #[test]
    fn a_request_without_signature_has_its_own_error() {
        let mut request = example();
        request.headers.remove("authorization");
        assert_eq!(verify(&request, &keys(SECRET)), Err(AuthError::Missing));
    }
}
