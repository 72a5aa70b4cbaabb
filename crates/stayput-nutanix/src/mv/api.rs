//! How Move is spoken: login, renewal, errors (Move reference §1, §2).

use std::time::Duration;

use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::AUTHORIZATION;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tokio::sync::Mutex;

use super::error::MoveApiError;
use super::error::MoveError;
use super::token::Token;
use crate::credentials::Credentials;
use crate::error;
use crate::error::AuthError;
use crate::transport::Outgoing;
use crate::transport::Repeat;
use crate::transport::Reply;
use crate::transport::Transport;

/// The API of one Move appliance.
#[derive(Debug)]
pub(super) struct Api {
    transport: Transport,
    credentials: Credentials,
    pub(super) poll_interval: Duration,
    token: Mutex<Option<Token>>,
}

/// A call to make. May hold secrets, hence no `Debug`.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) segments: Vec<String>,
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) what: String,
    pub(super) body: Option<Value>,
    pub(super) repeat: Repeat,
    pub(super) timeout: Option<Duration>,
}

impl Ask {
    /// A POST, which is also how lists are read. Without a body; many calls take none.
    pub(super) fn post(segments: &[&str], what: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: &[],
            what: what.into(),
            body: None,
            repeat: Repeat::Safe,
            timeout: None,
        }
    }

    pub(super) fn get(segments: &[&str], what: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            ..Self::post(segments, what)
        }
    }

    pub(super) fn delete(segments: &[&str], what: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            ..Self::post(segments, what)
        }
    }

    /// Sets the body. Our request types are plain structs, which always serialise.
    pub(super) fn body(self, body: &impl Serialize) -> Self {
        Self {
            body: serde_json::to_value(body).ok(),
            ..self
        }
    }

    /// Marks a call that must not be made twice.
    pub(super) fn once(self) -> Self {
        Self {
            repeat: Repeat::Unsafe,
            ..self
        }
    }

    pub(super) fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }
}

impl Api {
    pub(super) fn new(
        transport: Transport,
        credentials: Credentials,
        poll_interval: Duration,
    ) -> Self {
        Self {
            transport,
            credentials,
            poll_interval,
            token: Mutex::new(None),
        }
    }

    fn url(&self, segments: &[String]) -> Url {
        let head = ["move", "v2"];
        self.transport
            .url(head.into_iter().chain(segments.iter().map(String::as_str)))
    }

    /// Calls with a token; a token that is refused is replaced once, and the call made once more.
    pub(super) async fn call(&self, ask: &Ask) -> Result<Reply, MoveError> {
        let reply = self.call_with(ask, self.token().await?).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return check(reply);
        }
        let token = self.token().await?;
        check(self.call_with(ask, token).await?)
    }

    /// Sends a call; when the token is refused it is forgotten.
    async fn call_with(&self, ask: &Ask, token: Token) -> Result<Reply, MoveError> {
        let mut url = self.url(&ask.segments);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token.header.clone());
        let reply = self
            .transport
            .send(&Outgoing {
                method: ask.method.clone(),
                url,
                what: ask.what.clone(),
                headers,
                body: ask.body.as_ref().map(|body| body.to_string().into_bytes()),
                repeat: ask.repeat,
                timeout: ask.timeout,
            })
            .await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            let mut held = self.token.lock().await;
            // Another call may have renewed it already.
            if held
                .as_ref()
                .is_some_and(|held| held.header == token.header)
            {
                *held = None;
            }
        }
        Ok(reply)
    }

    /// The token in use, or a new one. Whoever asks meanwhile waits for the same login.
    async fn token(&self) -> Result<Token, MoveError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| !token.is_due()) {
            return Ok(token.clone());
        }
        let token = self.login().await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Logs in the older way, which all known versions have, and the newer way where that is gone.
    async fn login(&self) -> Result<Token, MoveError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            status: Option<Older>,
            access_token: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Older {
            token: Option<String>,
        }
        let older = json!({"Spec": {
            "UserName": self.credentials.username,
            "Password": self.credentials.password.expose(),
        }});
        let older = older.to_string().into_bytes();
        let mut reply = self
            .send_login("users/login", older, "application/json")
            .await?;
        if matches!(
            reply.status,
            StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED
        ) {
            let newer = self
                .send_login("token", self.form(), "application/x-www-form-urlencoded")
                .await?;
            // Where there is no second way, the first refusal is the answer.
            if newer.status != StatusCode::NOT_FOUND {
                reply = newer;
            }
        }
        let reply = check(reply)?;
        let answer: Answer = reply.decode()?;
        let text = answer
            .status
            .and_then(|status| status.token)
            .or(answer.access_token);
        text.as_deref()
            .and_then(Token::new)
            .ok_or_else(|| MoveError::Missing {
                call: reply.call,
                what: "the token of the login".to_owned(),
            })
    }

    fn form(&self) -> Vec<u8> {
        let mut url = self.url(&[]);
        url.query_pairs_mut()
            .append_pair("grantType", "PASSWORD")
            .append_pair("username", &self.credentials.username)
            .append_pair("password", self.credentials.password.expose());
        url.query().unwrap_or_default().as_bytes().to_vec()
    }

    async fn send_login(
        &self,
        path: &str,
        body: Vec<u8>,
        content_type: &'static str,
    ) -> Result<Reply, MoveError> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let outgoing = Outgoing {
            method: Method::POST,
            url: self.url(&segments),
            what: "log in".to_owned(),
            headers,
            body: Some(body),
            repeat: Repeat::Safe,
            timeout: None,
        };
        Ok(self.transport.send(&outgoing).await?)
    }
}

/// Turns a refusal into an error.
fn check(reply: Reply) -> Result<Reply, MoveError> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    let status = reply.status.as_u16();
    let (message, code) = said(&reply.body);
    if matches!(
        reply.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    ) {
        return Err(MoveError::Auth(AuthError {
            call: reply.call,
            status,
            detail: message.map_or_else(String::new, |message| format!(": {message}")),
        }));
    }
    Err(MoveError::from(Box::new(MoveApiError {
        body: error::excerpt(&reply.body),
        call: reply.call,
        status,
        message,
        code,
    })))
}

/// Message and number of an error body. The number's key is not shown anywhere (inferred); case differs between versions.
fn said(body: &[u8]) -> (Option<String>, Option<i64>) {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else {
        return (None, None);
    };
    let by_name = |names: &[&str]| {
        body.iter()
            .find(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value)
    };
    let message = by_name(&["message"]).and_then(Value::as_str);
    let code = by_name(&["code", "errorcode"]).and_then(Value::as_i64);
    (message.map(str::to_owned), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_and_number_of_an_error_are_read_in_any_case() {
        let body = br#"{"message":"test network equals production network","ErrorCode":20538}"#;
        assert_eq!(
            said(body),
            (
                Some("test network equals production network".to_owned()),
                Some(20538)
            )
        );
        assert_eq!(said(b"<html>"), (None, None));
        assert_eq!(said(b"[]"), (None, None));
    }
}
