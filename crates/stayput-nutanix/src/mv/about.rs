//! What an appliance says of itself.

use serde::Deserialize;
use stayput_messages::Message;

use super::MoveClient;
use super::MoveError;
use super::api::Ask;

/// `GET /appinfo`: the version is at one of two places (Move reference §2).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AppInfo {
    version: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    version: Option<String>,
}

impl MoveClient {
    /// The version of the appliance, asked for with a token; `None` if it does not say.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn version(&self) -> Result<Option<String>, MoveError> {
        let ask = Ask::get(&["appinfo"], Message::new("call-read-version"));
        let (info, _) = self
            .api
            .read(&ask, |reply| reply.decode::<AppInfo>())
            .await?;
        let nested = info.status.and_then(|status| status.version);
        Ok(nested.or(info.version))
    }

    /// The `Date` header of the last answer; `None` before the first, and of an appliance that sends none.
    pub fn date(&self) -> Option<String> {
        self.api.date()
    }

    /// Its address, as a URL.
    pub fn endpoint(&self) -> String {
        self.api.endpoint()
    }
}
