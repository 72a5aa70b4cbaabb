//! The envelope around every v4 answer, and its errors (Prism reference §1.3, §1.4).

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;
use stayput_messages::Message;

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

/// An answer with one page of a list, as received.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Page<T> {
    pub(super) data: Option<Vec<T>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
}

/// What is said about a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(rename = "totalAvailableResults")]
    pub(super) total: Option<u64>,
    flags: Option<Value>,
    links: Option<Value>,
}

impl<T> Page<T> {
    /// The objects of page `number`. Only an empty page may lack its `data` (Prism reference §1.2): of a list that says that it is
    /// empty, or that says that all is well and tells no total; and a page beyond the end. Anything else is not the answer to a
    /// list.
    pub(super) fn objects(self, number: u64) -> Result<(Vec<T>, Metadata), Message> {
        let metadata = self.metadata;
        match (self.data, metadata.total) {
            _ if metadata.flag("hasError") == Some(true) => {
                Err(Message::new("malformed-success-with-error"))
            }
            (Some(objects), _) => Ok((objects, metadata)),
            (None, Some(0)) => Ok((Vec::new(), metadata)),
            (None, Some(_)) if number > 0 => Ok((Vec::new(), metadata)),
            (None, None) if metadata.flag("hasError") == Some(false) => Ok((Vec::new(), metadata)),
            (None, _) => Err(Message::new("malformed-no-data")),
        }
    }
}

impl Metadata {
    fn flag(&self, name: &str) -> Option<bool> {
        let mut flags = self.flags.as_ref()?.as_array()?.iter();
        let flag = flags.find(|flag| flag.get("name").and_then(Value::as_str) == Some(name))?;
        flag.get("value").and_then(Value::as_bool)
    }

    /// Whether there is a link to a next page.
    pub(super) fn has_next(&self) -> bool {
        let links = self.links.as_ref().and_then(Value::as_array);
        let is_next = |link: &Value| link.get("rel").and_then(Value::as_str) == Some("next");
        links.is_some_and(|links| links.iter().any(is_next))
    }
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

    fn count(json: &str) -> Result<usize, Message> {
        let page: Page<Reference> = serde_json::from_str(json).unwrap();
        page.objects(0).map(|(objects, _)| objects.len())
    }

    #[test]
    fn a_page_beyond_the_end_may_lack_its_data() {
        let beyond = r#"{"metadata":{"totalAvailableResults":3}}"#;
        let page: Page<Reference> = serde_json::from_str(beyond).unwrap();
        assert!(page.objects(1).is_ok());
        let unknown: Page<Reference> = serde_json::from_str("{}").unwrap();
        assert!(unknown.objects(1).is_err());
    }

    #[test]
    fn only_a_list_that_says_that_it_is_empty_may_lack_its_data() {
        for empty in [
            r#"{"metadata":{"totalAvailableResults":0}}"#,
            r#"{"data":null,"metadata":{"totalAvailableResults":0}}"#,
            r#"{"data":[]}"#,
            r#"{"metadata":{"flags":[{"name":"hasError","value":false}]}}"#,
        ] {
            assert_eq!(count(empty), Ok(0), "{empty}");
        }
        for unknown in [
            "{}",
            r#"{"data":null}"#,
            r#"{"data":null,"metadata":null}"#,
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"totalAvailableResults":3}}"#,
            r#"{"metadata":{"flags":[{"name":"hasError","value":false}],"totalAvailableResults":3}}"#,
            r#"{"metadata":{"flags":[{"name":"hasError","value":true}],"totalAvailableResults":0}}"#,
        ] {
            assert!(count(unknown).is_err(), "{unknown}");
        }
        assert_eq!(count(r#"{"data":[{"extId":"a"}]}"#), Ok(1));
    }
}
