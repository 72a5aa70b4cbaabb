//! A client of a lab's own control (`docs/lab.md`, "The lab's own control").

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use stayput_lab::Endpoints;
use stayput_messages::Message;

/// Longest time a lab may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why a lab's control could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The lab's certificate authority cannot be read.
    #[error("{}", Message::new("lab-ca-unread").with("path", path.display()))]
    ReadCa {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate authority is not one a client can use.
    #[error("{}", Message::new("lab-ca-unusable").with("path", path.display()))]
    UseCa {
        /// The file.
        path: PathBuf,
        /// Why.
        source: reqwest::Error,
    },
    /// There was no answer.
    #[error("{}", Message::new("lab-no-answer").with("path", path))]
    NoAnswer {
        /// What was asked.
        path: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The lab refused.
    #[error("{}", Message::new("lab-refused").with("path", path).with("status", status).with("reason", reason))]
    Refused {
        /// What was asked.
        path: String,
        /// The status.
        status: u16,
        /// Why, as the lab says it.
        reason: String,
    },
    /// The answer is not JSON.
    #[error("{}", Message::new("lab-answer-unreadable").with("path", path))]
    Unreadable {
        /// What was asked.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// A lab's own control.
#[derive(Debug, Clone)]
pub struct Control {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Control {
    /// Prepares a client; contacts nothing.
    ///
    /// # Errors
    /// The lab's CA cannot be read or used.
    pub fn of(endpoints: &Endpoints) -> Result<Self, ControlError> {
        let path = &endpoints.ca;
        let pem = std::fs::read(path).map_err(|source| ControlError::ReadCa {
            path: path.clone(),
            source,
        })?;
        let unusable = |source| ControlError::UseCa {
            path: path.clone(),
            source,
        };
        let ca = reqwest::Certificate::from_pem(&pem).map_err(unusable)?;
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(unusable)?;
        Ok(Self {
            client,
            url: endpoints.admin.clone(),
            token: endpoints.admin_token.clone(),
        })
    }

    /// What the lab says of itself.
    ///
    /// # Errors
    /// It does not answer, or not with JSON.
    pub async fn status(&self) -> Result<Value, ControlError> {
        self.get("/status").await
    }

    /// `GET`s a path.
    ///
    /// # Errors
    /// The lab does not answer, refuses, or does not answer with JSON.
    pub async fn get(&self, path: &str) -> Result<Value, ControlError> {
        self.ask(path, self.client.get(format!("{}{path}", self.url)))
            .await
    }

    /// `POST`s to a path, without a body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, path: &str) -> Result<Value, ControlError> {
        self.ask(path, self.client.post(format!("{}{path}", self.url)))
            .await
    }

    /// `POST`s JSON to a path.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn tell(&self, path: &str, what: &Value) -> Result<Value, ControlError> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.ask(path, request.body(what.to_string())).await
    }

    /// `DELETE`s a path.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, path: &str) -> Result<Value, ControlError> {
        self.ask(path, self.client.delete(format!("{}{path}", self.url)))
            .await
    }

    /// Sets how fast the lab's time runs, in virtual seconds a second; 0 stops it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn set_speed(&self, speed: f64) -> Result<(), ControlError> {
        let told = serde_json::json!({ "speed": speed });
        self.tell("/speed", &told).await.map(|_| ())
    }

    /// Virtual milliseconds since the lab began.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn virtual_ms(&self) -> Result<u64, ControlError> {
        Ok(self.status().await?["virtual_ms"].as_u64().unwrap_or(0))
    }

    async fn ask(
        &self,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Value, ControlError> {
        let no_answer = |source| ControlError::NoAnswer {
            path: path.to_owned(),
            source,
        };
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(no_answer)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(no_answer)?;
        if !status.is_success() {
            let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            return Err(ControlError::Refused {
                path: path.to_owned(),
                status: status.as_u16(),
                reason: match said["error"].as_str() {
                    Some(reason) => reason.to_owned(),
                    None => Message::new("lab-no-reason").into(),
                },
            });
        }
        serde_json::from_slice(&bytes).map_err(|source| ControlError::Unreadable {
            path: path.to_owned(),
            source,
        })
    }
}
