//! What all answers of Move have in common: keys in any case, and lists under one of two keys (Move reference §1, §12).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use stayput_messages::Message;
use stayput_world::Unreadable;

use super::or_default;
use crate::error::DecodeError;
use crate::tolerant::Entry;
use crate::tolerant::Listed;
use crate::transport::Reply;

/// Keys a list is found under, lower case.
const LIST_KEYS: [&str; 2] = ["entities", "vms"];

/// Decodes an answer whose keys may be of any case; the types have them in lower case.
pub(in super::super) fn decode<T: DeserializeOwned>(reply: &Reply) -> Result<T, DecodeError> {
    let json = fold_keys(reply.decode()?);
    serde_path_to_error::deserialize(&json).map_err(|error| {
        let path = error.path().to_string();
        reply.malformed(&path, error.into_inner())
    })
}

/// The same with keys in lower case. Of two keys that differ in case only, one with a value counts before one that is `null`.
pub(in super::super) fn fold_keys(json: Value) -> Value {
    match json {
        Value::Object(object) => {
            let mut folded = Map::new();
            for (key, value) in object {
                let key = key.to_ascii_lowercase();
                let value = fold_keys(value);
                let has_value = folded.get(&key).is_some_and(|has: &Value| !has.is_null());
                if !has_value {
                    folded.insert(key, value);
                }
            }
            Value::Object(folded)
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(fold_keys).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => json,
    }
}

/// A list, or a page of one.
#[derive(Debug)]
pub(in super::super) struct List<T> {
    pub(in super::super) objects: Vec<T>,
    /// Objects that are not understood, in whole or in part.
    pub(in super::super) unreadable: Vec<Unreadable>,
    /// How many there were, understood or not.
    pub(in super::super) given: u64,
    /// How many there are in all, if told.
    pub(in super::super) count: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct ListMeta {
    count: Option<u64>,
}

/// Reads a list. `null` is an empty one; an answer without any of the keys is not a list.
pub(in super::super) fn list<T: Listed>(reply: &Reply) -> Result<List<T>, DecodeError> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(default, deserialize_with = "or_default")]
        metadata: ListMeta,
    }
    let json = fold_keys(reply.decode()?);
    let whole = Whole::deserialize(&json).map_err(|error| reply.malformed("metadata", error))?;
    let Value::Object(mut json) = json else {
        return Err(reply.malformed(".", Message::new("malformed-not-object")));
    };
    let found: Vec<(&str, Value)> = LIST_KEYS
        .into_iter()
        .filter_map(|key| Some((key, json.remove(key)?)))
        .collect();
    if found.is_empty() {
        return Err(reply.malformed(".", Message::new("malformed-no-entities")));
    }
    let mut list = List {
        objects: Vec::new(),
        unreadable: Vec::new(),
        given: 0,
        count: whole.metadata.count,
    };
    for (key, value) in found {
        let elements = match value {
            Value::Null => continue,
            Value::Array(elements) => elements,
            _ => return Err(reply.malformed(key, Message::new("malformed-not-list"))),
        };
        for element in elements {
            let entry = Entry::<T>::parse(element, &reply.redactor);
            list.given += 1;
            list.objects.extend(entry.value);
            list.unreadable.extend(entry.notes);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_any_case_and_a_value_counts_before_null() {
        assert_eq!(
            fold_keys(
                json!({"MetaData": {"UUID": "p"}, "Entities": null, "entities": [{"VMUuid": "w"}]})
            ),
            json!({"metadata": {"uuid": "p"}, "entities": [{"vmuuid": "w"}]})
        );
        assert_eq!(
            fold_keys(json!({"entities": ["X"], "ENTITIES": null})),
            json!({"entities": ["X"]})
        );
    }
}
