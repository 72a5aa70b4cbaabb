//! The envelope around every v4 answer, and its errors (Prism reference §1.3, §1.4).

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;

use crate::prism::error::AppMessage;

/// `null` counts as absent.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An answer with one thing in it.
#[derive(Debug, Deserialize)]
pub(super) struct One<T> {
    pub(super) data: T,
}

/// An answer with one page of a list; an empty one may lack its `data`.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Page<T> {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) data: Vec<T>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
}

/// What is said about a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(rename = "totalAvailableResults")]
    pub(super) total: Option<usize>,
}

/// What the answer to a change refers to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) ext_id: String,
}

/// The ETag inside an entity (`$reserved.ETag`), for servers that send no header.
pub(super) fn etag_inside(body: &Value) -> Option<String> {
    let etag = body.pointer("/data/$reserved/ETag")?;
    etag.as_str().map(str::to_owned)
}

/// An `AppMessage` on the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    #[serde(default, deserialize_with = "or_default")]
    message: String,
    code: Option<String>,
    error_group: Option<String>,
    severity: Option<String>,
}

impl From<WireMessage> for AppMessage {
    fn from(wire: WireMessage) -> Self {
        Self {
            message: wire.message,
            code: wire.code,
            group: wire.error_group,
            severity: wire.severity,
        }
    }
}

/// The messages of an error body, of either form; empty if it is of neither.
pub(super) fn error_messages(body: &[u8]) -> Vec<AppMessage> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let error = body
        .pointer("/data/error")
        .or_else(|| body.pointer("/error"));
    match error {
        Some(Value::Array(messages)) => messages
            .iter()
            .filter_map(|message| WireMessage::deserialize(message).ok())
            .map(AppMessage::from)
            .collect(),
        Some(schema @ Value::Object(_)) => schema_messages(schema),
        _ => Vec::new(),
    }
}

/// A `SchemaValidationError`: what is wrong where in the request.
fn schema_messages(error: &Value) -> Vec<AppMessage> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Detail {
        #[serde(default, deserialize_with = "or_default")]
        message: String,
        attribute_path: Option<String>,
    }
    let plain = |message: String| AppMessage {
        message,
        code: None,
        group: None,
        severity: None,
    };
    let details: Vec<AppMessage> = error
        .get("validationErrorMessages")
        .and_then(|list| Vec::<Detail>::deserialize(list).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|detail| match detail.attribute_path {
            Some(path) => plain(format!("{path}: {}", detail.message)),
            None => plain(detail.message),
        })
        .collect();
    match error.get("error").and_then(Value::as_str) {
        Some(text) if details.is_empty() => vec![plain(text.to_owned())],
        _ => details,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prism reference §1.4.
    const STALE: &str = r#"{"data":{"$objectType":"vmm.v4.error.ErrorResponse","$reserved":{"$fv":"v4.r0"},
  "error":[{"$objectType":"vmm.v4.error.AppMessage","message":"If-Match header value passed is stale",
   "severity":"ERROR","code":"VMM-30303","locale":"en-US","errorGroup":"VM_ETAG_MISMATCH","argumentsMap":{}}]},
 "metadata":{"flags":[{"name":"hasError","value":true}]}}"#;

    #[test]
    fn a_list_of_messages_is_read() {
        let messages = error_messages(STALE.as_bytes());
        assert_eq!(messages.len(), 1);
        assert_eq!(
            messages[0].to_string(),
            "If-Match header value passed is stale [VMM-30303 VM_ETAG_MISMATCH]"
        );
    }

    #[test]
    fn a_schema_error_says_which_attribute_is_wrong() {
        let body = r#"{"data":{"error":{"$objectType":"vmm.v4.error.SchemaValidationError","statusCode":400,
          "error":"Bad Request","validationErrorMessages":[{"location":"query","message":"must be at most 100","attributePath":"$limit"}]}}}"#;
        assert_eq!(
            error_messages(body.as_bytes())[0].to_string(),
            "$limit: must be at most 100"
        );
    }

    #[test]
    fn a_body_that_is_not_json_has_no_messages() {
        assert!(error_messages(b"<html>upstream connect error</html>").is_empty());
    }

    #[test]
    fn an_empty_list_may_lack_its_data() {
        let page: Page<Reference> = serde_json::from_str(r#"{"metadata":{}}"#).unwrap();
        assert!(page.data.is_empty());
        let page: Page<Reference> =
            serde_json::from_str(r#"{"data":null,"metadata":null}"#).unwrap();
        assert!(page.data.is_empty());
    }
}
