//! How Move is spoken: login, renewal, errors (Move reference §1, §2).

use std::sync::Arc;
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
use stayput_ambient::Entropy;
use stayput_messages::Message;
use tokio::sync::Mutex;

use super::error::MoveApiError;
use super::error::MoveError;
use super::token::Token;
use super::wire;
use crate::credentials::Credentials;
use crate::credentials::Secret;
use crate::error::AuthError;
use crate::error::Call;
use crate::error::DecodeError;
use crate::retry;
use crate::retry::Limits;
use crate::retry::Looks;
use crate::retry::Outcome;
use crate::transport::Answer;
use crate::transport::Outgoing;
use crate::transport::Reply;
use crate::transport::Transport;

/// The API of one Move appliance. Cheap to clone; clones share connections and the token.
#[derive(Debug, Clone)]
pub(super) struct Api {
    shared: Arc<Shared>,
    pub(super) limits: Limits,
}

#[derive(Debug)]
struct Shared {
    transport: Transport,
    credentials: Credentials,
    poll_interval: Duration,
    token: Mutex<Held>,
}

/// The token in use, and the one before it, which calls under way may still carry.
#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    before: Option<Token>,
}

/// A call to make. May hold secrets, hence no `Debug`.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) segments: Vec<String>,
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) what: Message,
    pub(super) body: Option<Value>,
    pub(super) timeout: Option<Duration>,
    /// Secrets in the body.
    pub(super) secrets: Vec<Secret>,
}

impl Ask {
    /// A POST, which is also how lists are read. Without a body; many calls take none.
    pub(super) fn post(segments: &[&str], what: Message) -> Self {
        Self {
            method: Method::POST,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: &[],
            what,
            body: None,
            timeout: None,
            secrets: Vec::new(),
        }
    }

    pub(super) fn get(segments: &[&str], what: Message) -> Self {
        Self {
            method: Method::GET,
            ..Self::post(segments, what)
        }
    }

    pub(super) fn delete(segments: &[&str], what: Message) -> Self {
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

    /// Names what is secret in the body.
    pub(super) fn secrets(self, secrets: Vec<Secret>) -> Self {
        Self { secrets, ..self }
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
        transport.hide([credentials.password.expose()]);
        Self {
            shared: Arc::new(Shared {
                transport,
                credentials,
                poll_interval,
                token: Mutex::default(),
            }),
            limits: Limits::default(),
        }
    }

    /// The same API with reads repeated for longer, while something that was started is waited for.
    pub(super) fn patient(&self) -> Self {
        Self {
            limits: self.limits.patient(),
            ..self.clone()
        }
    }

    fn url(&self, segments: &[String]) -> Url {
        let head = ["move", "v2"];
        self.shared
            .transport
            .url(head.into_iter().chain(segments.iter().map(String::as_str)))
    }

    /// Names a call for errors.
    pub(super) fn call_of(&self, ask: &Ask) -> Box<Call> {
        let url = self.url(&ask.segments);
        self.shared.transport.call(&ask.method, &url, &ask.what)
    }

    /// The time that the last answer carried, as it was written there.
    pub(super) fn date(&self) -> Option<String> {
        self.shared.transport.date()
    }

    /// The address of the appliance.
    pub(super) fn endpoint(&self) -> String {
        self.shared.transport.base().to_string()
    }

    /// The randomness of this client.
    pub(super) fn entropy(&self) -> &Entropy {
        self.shared.transport.entropy()
    }

    /// Waits before look or attempt `number` + 1: one poll interval, more with each further one.
    pub(super) async fn pause(&self, number: u32) {
        let pause = retry::backoff(self.shared.poll_interval, number, self.entropy().fraction());
        tokio::time::sleep(pause).await;
    }

    /// How patiently a change is repeated after another look.
    pub(super) fn change_patience(&self) -> retry::Patience {
        self.shared.transport.patience(self.limits.change, u32::MAX)
    }

    /// Looks for something until it is found, or often enough.
    pub(super) async fn look<T, F>(
        &self,
        looks: Looks,
        find: impl Fn() -> F,
    ) -> Result<Option<T>, MoveError>
    where
        F: Future<Output = Result<Option<T>, MoveError>>,
    {
        let count = looks.count();
        for number in 1..=count {
            if let Some(found) = find().await? {
                return Ok(Some(found));
            }
            if number < count {
                self.pause(number).await;
            }
        }
        Ok(None)
    }

    /// Reads with a token, until the answer is understood or repeating does not help; a token that is refused is replaced once,
    /// and the call made once more.
    pub(super) async fn read<T>(
        &self,
        ask: &Ask,
        understand: impl Fn(&Reply) -> Result<T, DecodeError>,
    ) -> Result<(T, Reply), MoveError> {
        let transport = &self.shared.transport;
        let patience = transport.patience(self.limits.read, self.limits.connects);
        for is_last in [false, true] {
            let token = self.token().await?;
            let outgoing = self.outgoing(ask, &token);
            match transport.read(&outgoing, patience, &understand).await? {
                Answer::Understood(value, reply) => return Ok((value, reply)),
                Answer::Refused(reply) if reply.status == StatusCode::UNAUTHORIZED && !is_last => {
                    self.forget(&token).await;
                }
                Answer::Refused(reply) => {
                    if reply.status == StatusCode::UNAUTHORIZED {
                        self.forget(&token).await;
                    }
                    return Err(refusal(reply));
                }
            }
        }
        Err(self.no_token(ask))
    }

    /// Makes a change that may be repeated as it is, because asking again is how its progress is told. Where it fails in the end,
    /// the error says that it may have taken effect.
    pub(super) async fn read_change<T>(
        &self,
        ask: &Ask,
        understand: impl Fn(&Reply) -> Result<T, DecodeError>,
    ) -> Result<(T, Reply), MoveError> {
        self.read(ask, understand).await.map_err(|error| {
            let unclear = error.outcome().is_some_and(Outcome::may_have_taken_effect);
            error.with_unclear_attempts(u32::from(unclear))
        })
    }

    /// Sends a change, and again only when it was certainly not processed; a token that is refused is replaced once.
    pub(super) async fn change(&self, ask: &Ask) -> Result<Reply, MoveError> {
        let transport = &self.shared.transport;
        let patience = self.change_patience();
        for is_last in [false, true] {
            let token = self.token().await?;
            let outgoing = self.outgoing(ask, &token);
            let reply = transport.change(&outgoing, patience).await?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            if reply.status == StatusCode::UNAUTHORIZED {
                self.forget(&token).await;
                if !is_last {
                    continue;
                }
            }
            return Err(refusal(reply));
        }
        Err(self.no_token(ask))
    }

    fn outgoing(&self, ask: &Ask, token: &Token) -> Outgoing {
        let mut url = self.url(&ask.segments);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token.header.clone());
        Outgoing {
            method: ask.method.clone(),
            url,
            what: ask.what.clone(),
            headers,
            body: ask.body.as_ref().map(|body| body.to_string().into_bytes()),
            timeout: ask.timeout,
            secrets: ask
                .secrets
                .iter()
                .map(|secret| secret.expose().to_owned())
                .collect(),
            body_bytes: self.limits.body_bytes,
        }
    }

    /// The token in use, or a new one. Calls that need one meanwhile wait for the same login.
    async fn token(&self) -> Result<Token, MoveError> {
        let mut held = self.shared.token.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| !token.is_due()) {
            return Ok(token.clone());
        }
        let token = self.login().await?;
        held.before = held.token.replace(token.clone()).or(held.before.take());
        let secrets = [&held.token, &held.before]
            .into_iter()
            .flatten()
            .map(Token::expose);
        let password = self.shared.credentials.password.expose();
        self.shared.transport.hide(secrets.chain([password]));
        Ok(token)
    }

    /// Forgets a token that was refused.
    async fn forget(&self, token: &Token) {
        let mut held = self.shared.token.lock().await;
        // Another call may have renewed it already.
        if held
            .token
            .as_ref()
            .is_some_and(|held| held.header == token.header)
        {
            held.before = held.token.take();
        }
    }

    fn no_token(&self, ask: &Ask) -> MoveError {
        MoveError::Missing {
            call: self.call_of(ask),
            what: Message::new("thing-token"),
        }
    }

    /// Logs in the older way, which all known versions have, and the newer way where that is gone.
    async fn login(&self) -> Result<Token, MoveError> {
        let credentials = &self.shared.credentials;
        let older = json!({"Spec": {
            "UserName": credentials.username,
            "Password": credentials.password.expose(),
        }});
        let older = older.to_string().into_bytes();
        let mut answer = self
            .send_login("users/login", older, "application/json")
            .await?;
        if let Answer::Refused(reply) = &answer
            && matches!(
                reply.status,
                StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED
            )
        {
            let newer = self
                .send_login("token", self.form(), "application/x-www-form-urlencoded")
                .await?;
            // Where there is no second way, the first refusal is the answer.
            let is_gone =
                matches!(&newer, Answer::Refused(reply) if reply.status == StatusCode::NOT_FOUND);
            if !is_gone {
                answer = newer;
            }
        }
        match answer {
            Answer::Understood(token, _) => Ok(token),
            Answer::Refused(reply) => Err(refusal(reply)),
        }
    }

    fn form(&self) -> Vec<u8> {
        let mut url = self.url(&[]);
        url.query_pairs_mut()
            .append_pair("grantType", "PASSWORD")
            .append_pair("username", &self.shared.credentials.username)
            .append_pair("password", self.shared.credentials.password.expose());
        url.query().unwrap_or_default().as_bytes().to_vec()
    }

    async fn send_login(
        &self,
        path: &str,
        body: Vec<u8>,
        content_type: &'static str,
    ) -> Result<Answer<Token>, MoveError> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let outgoing = Outgoing {
            method: Method::POST,
            url: self.url(&segments),
            what: Message::new("call-log-in"),
            headers,
            body: Some(body),
            timeout: None,
            secrets: Vec::new(),
            body_bytes: self.limits.body_bytes,
        };
        let transport = &self.shared.transport;
        let patience = transport.patience(self.limits.read, self.limits.connects);
        Ok(transport.read(&outgoing, patience, token_in).await?)
    }
}

/// The token of a login, in the form of either way to log in.
fn token_in(reply: &Reply) -> Result<Token, DecodeError> {
    #[derive(Deserialize)]
    struct Login {
        status: Option<Older>,
        accesstoken: Option<String>,
    }
    #[derive(Deserialize)]
    struct Older {
        token: Option<String>,
    }
    let login: Login = wire::decode(reply)?;
    let text = login
        .status
        .and_then(|status| status.token)
        .or(login.accesstoken);
    text.as_deref()
        .filter(|text| !text.is_empty())
        .and_then(Token::new)
        .ok_or_else(|| reply.malformed(".", Message::new("malformed-no-token")))
}

/// The error of a refusal.
fn refusal(reply: Reply) -> MoveError {
    let status = reply.status.as_u16();
    let (message, code) = said(&reply.body);
    if matches!(
        reply.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    ) {
        return MoveError::Auth(AuthError {
            call: reply.call,
            status,
            detail: message.map_or_else(String::new, |message| format!(": {message}")),
        });
    }
    MoveError::from(Box::new(MoveApiError {
        body: reply.excerpt(),
        call: reply.call,
        status,
        message,
        code,
    }))
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
