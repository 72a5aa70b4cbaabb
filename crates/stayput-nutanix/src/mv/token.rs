//! The token of a login, and when it is due for renewal (Move reference §2).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::time::Instant;

use crate::credentials::Secret;

/// How long a token lives that does not say so itself.
const USUAL_LIFE: Duration = Duration::from_secs(900);

/// A token in use.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// The whole `Authorization` header; hidden when printed.
    pub(super) header: HeaderValue,
    /// The token alone, to keep it out of texts.
    text: Secret,
    renew_at: Instant,
}

impl Token {
    /// A token just received; `None` if HTTP cannot carry it.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).ok()?;
        header.set_sensitive(true);
        // Renewed at 80 % of its life, so that calls under way are never caught by its end.
        let life = life_in(text).unwrap_or(USUAL_LIFE).mul_f64(0.8);
        let now = Instant::now();
        Some(Self {
            header,
            text: Secret::new(text),
            renew_at: now.checked_add(life).unwrap_or(now),
        })
    }

    /// The token itself.
    pub(super) fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Whether it should no longer be used.
    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.renew_at
    }
}

/// The life of a JWT from its own times, so that it does not matter whether our clocks agree.
fn life_in(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
        iat: u64,
    }
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    Some(Duration::from_secs(claims.exp.saturating_sub(claims.iat)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_its_own_life() {
        let life = life_in(&jwt(r#"{"iat":1000,"exp":1600}"#));
        assert_eq!(life, Some(Duration::from_secs(600)));
        assert_eq!(life_in(&jwt(r#"{"exp":1600}"#)), None);
        assert_eq!(life_in("opaque"), None);
    }

    #[test]
    fn a_token_without_life_left_is_due_at_once() {
        assert!(
            Token::new(&jwt(r#"{"iat":1600,"exp":1600}"#))
                .unwrap()
                .is_due()
        );
        assert!(!Token::new("opaque").unwrap().is_due());
    }

    #[test]
    fn a_token_is_not_seen_when_printed() {
        let token = Token::new("c2VjcmV0").unwrap();
        assert!(!format!("{token:?}").contains("c2VjcmV0"));
    }
}
