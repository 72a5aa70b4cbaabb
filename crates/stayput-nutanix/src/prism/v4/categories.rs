//! Categories (Prism reference §5).

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_world::prism::Category;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::version::Namespace;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;

/// A category on the wire: one key/value pair.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCategory {
    pub(super) ext_id: CategoryExtId,
    key: String,
    value: String,
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
    async fn category(
        &self,
        key: &str,
        value: &str,
        what: &str,
    ) -> Result<Option<CategoryExtId>, PrismError> {
        let filter = format!("key eq {} and value eq {}", quoted(key), quoted(value));
        let found: Vec<WireCategory> = self
            .v4
            .list(&categories(), &[("$filter", &filter)], what)
            .await?;
        Ok(found
            .into_iter()
            .find(|category| category.key == key && category.value == value)
            .map(|category| category.ext_id))
    }

    /// The category with this key and value, made if it is not there.
    ///
    /// Needs no stored request id: there can only be one of a key and value, and its id is always found again.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::Missing`] when it cannot be found afterwards.
    pub async fn ensure_category(
        &self,
        key: &str,
        value: &str,
    ) -> Result<CategoryExtId, PrismError> {
        let what = format!("make category {key}:{value}");
        if let Some(there) = self.category(key, value, &what).await? {
            return Ok(there);
        }
        let made = self
            .v4
            .apply(&RequestId::random(), &what, || async {
                Ok(Some(
                    Change::post(categories()).body(&NewCategory { key, value }),
                ))
            })
            .await;
        // Also after a refusal: somebody else may have made it just now.
        match (self.category(key, value, &what).await?, made) {
            (Some(id), _) => Ok(id),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => {
                let name = format!("category {key}:{value}");
                Err(self.v4.missing(&categories(), &what, &name).await)
            }
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
        let category: Category = page.data.into_iter().next().unwrap().into();
        assert_eq!(
            (category.key.as_str(), category.value.as_str()),
            ("AppDR", "wave1")
        );
    }
}
