//! Categories (Prism reference §5).

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_messages::Message;
use stayput_world::ObjectKind;
use stayput_world::prism::Category;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::version::Namespace;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::retry::Looks;
use crate::tolerant::Listed;

/// A category on the wire: one key/value pair.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCategory {
    pub(super) ext_id: CategoryExtId,
    key: String,
    value: String,
}

impl Listed for WireCategory {
    const KIND: ObjectKind = ObjectKind::Category;

    fn key(&self) -> Option<&str> {
        Some(self.ext_id.as_str())
    }
}

impl From<WireCategory> for Category {
    fn from(wire: WireCategory) -> Self {
        Self {
            key: wire.key,
            value: wire.value,
        }
    }
}

#[derive(Debug, Serialize)]
struct NewCategory<'a> {
    key: &'a str,
    value: &'a str,
}

pub(super) fn categories() -> Path {
    Path::new(Namespace::Prism, &["config", "categories"])
}

impl PrismClient {
    /// The category with this key and value; `None` if there is none.
    ///
    /// # Errors
    /// Those of any read; [`PrismError::Decode`] when one that may be it is not understood; [`PrismError::Ambiguous`] when there
    /// are several.
    pub async fn find_category(
        &self,
        key: &str,
        value: &str,
        looks: Looks,
    ) -> Result<Option<CategoryExtId>, PrismError> {
        let what = Message::new("call-find-category")
            .with("key", key)
            .with("value", value);
        self.v4
            .look(looks, || self.category_like(key, value, &what))
            .await
    }

    async fn category_like(
        &self,
        key: &str,
        value: &str,
        what: &Message,
    ) -> Result<Option<CategoryExtId>, PrismError> {
        let filter = format!("key eq {} and value eq {}", quoted(key), quoted(value));
        let found = self
            .v4
            .find_one::<WireCategory>(
                &categories(),
                &[("$filter", &filter)],
                what,
                &format!("{key}:{value}"),
                |category| category.key == key && category.value == value,
            )
            .await?;
        Ok(found.map(|category| category.ext_id))
    }

    /// The category with this key and value, made if it is not there.
    ///
    /// Needs no stored request id: there can only be one of a key and value, and its id is always found again.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::InDoubt`] when it cannot be found afterwards.
    pub async fn ensure_category(
        &self,
        key: &str,
        value: &str,
    ) -> Result<CategoryExtId, PrismError> {
        let what = Message::new("call-make-category")
            .with("key", key)
            .with("value", value);
        let find = || async {
            let found = self.category_like(key, value, &what).await?;
            Ok(found.map(|id| id.as_str().to_owned()))
        };
        let name = Message::new("thing-category")
            .with("key", key)
            .with("value", value);
        let change = Change::post(categories()).body(&NewCategory { key, value });
        let made = self
            .v4
            .create(
                &RequestId::new(self.v4.entropy()),
                &what,
                ("category", &name),
                &change,
                find,
            )
            .await;
        match made {
            Ok(id) => Ok(CategoryExtId::new(id)),
            // Another client may have made it just now.
            Err(error @ PrismError::Api(_)) => match self.category_like(key, value, &what).await {
                Ok(Some(id)) => Ok(id),
                Ok(None) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::Page;
    use super::*;

    /// Prism reference §8.6.
    const CATEGORIES: &str = r#"{"data":[{"$objectType":"prism.v4.config.Category","$reserved":{"$fv":"v4.r0"},"extId":"bbc3555a-133b-4348-9764-bfff196e84e4","key":"AppDR","value":"wave1","type":"USER","description":"","ownerUuid":"00000000-0000-0000-0000-000000000000"}],"metadata":{"flags":[{"name":"hasError","value":false}],"totalAvailableResults":1}}"#;

    #[test]
    fn a_category_is_a_key_and_a_value() {
        let page: Page<WireCategory> = serde_json::from_str(CATEGORIES).unwrap();
        let category: Category = page.data.unwrap().into_iter().next().unwrap().into();
        assert_eq!(
            (category.key.as_str(), category.value.as_str()),
            ("AppDR", "wave1")
        );
    }
}
