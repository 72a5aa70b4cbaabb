//! Attribute values, items and keys.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use super::number::Number;
use crate::aws::json::Fault;

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 32;

/// An item: attributes by name.
pub type Item = BTreeMap<String, Value>;

/// An attribute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    S(String),
    /// Number.
    N(Number),
    /// Bytes.
    B(Vec<u8>),
    /// Boolean.
    Bool(bool),
    /// Null.
    Null,
    /// List.
    L(Vec<Self>),
    /// Map.
    M(Item),
    /// Set of texts.
    Ss(BTreeSet<String>),
    /// Set of numbers.
    Ns(BTreeSet<Number>),
    /// Set of bytes.
    Bs(BTreeSet<Vec<u8>>),
}

impl Value {
    /// Decodes JSON such as `{"S":"web-01"}`.
    ///
    /// # Errors
    /// `ValidationException` with DynamoDB's message.
    pub fn from_json(json: &Json) -> Result<Self, Fault> {
        Self::from_json_at(json, 0)
    }

    fn from_json_at(json: &Json, depth: usize) -> Result<Self, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::validation(
                "Nesting Levels have exceeded supported limits",
            ));
        }
        let mut members = json
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null());
        let (Some((kind, value)), rest) = (members.next(), members.next()) else {
            return Err(Fault::validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        };
        if rest.is_some() {
            return Err(Fault::validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
                 the supported datatypes",
            ));
        }
        match kind.as_str() {
            "S" => Ok(Self::S(text(value)?.to_owned())),
            "N" => Ok(Self::N(number(value)?)),
            "B" => Ok(Self::B(bytes(value)?)),
            "BOOL" => value.as_bool().map(Self::Bool).ok_or_else(wrong_type),
            "NULL" => {
                if value == &json!(true) {
                    Ok(Self::Null)
                } else {
                    Err(Fault::validation(
                        "One or more parameter values were invalid: Null attribute value types must have the \
                         value of true",
                    ))
                }
            }
            "L" => value
                .as_array()
                .ok_or_else(wrong_type)?
                .iter()
                .map(|element| Self::from_json_at(element, depth + 1))
                .collect::<Result<_, _>>()
                .map(Self::L),
            "M" => item_at(value.as_object().ok_or_else(wrong_type)?, depth + 1).map(Self::M),
            "SS" => set(value, "string", |element| text(element).map(str::to_owned)).map(Self::Ss),
            "NS" => set(value, "number", number).map(Self::Ns),
            "BS" => set(value, "binary", bytes).map(Self::Bs),
            _ => Err(Fault::validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            )),
        }
    }

    /// Encodes as JSON.
    pub fn to_json(&self) -> Json {
        match self {
            Self::S(text) => json!({ "S": text }),
            Self::N(number) => json!({ "N": number.to_string() }),
            Self::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
            Self::Bool(flag) => json!({ "BOOL": flag }),
            Self::Null => json!({ "NULL": true }),
            Self::L(list) => json!({ "L": list.iter().map(Self::to_json).collect::<Vec<_>>() }),
            Self::M(map) => json!({ "M": item_to_json(map) }),
            Self::Ss(set) => json!({ "SS": set }),
            Self::Ns(set) => {
                json!({ "NS": set.iter().map(ToString::to_string).collect::<Vec<_>>() })
            }
            Self::Bs(set) => {
                json!({ "BS": set.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>() })
            }
        }
    }

    /// Returns the type as `attribute_type` names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::L(_) => "L",
            Self::M(_) => "M",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// Returns the bytes that DynamoDB counts for it.
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::L(list) => 3 + list.iter().map(|value| 1 + value.size()).sum::<usize>(),
            Self::M(map) => 3 + map.len() + item_size(map),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }
}

/// Decodes an item.
///
/// # Errors
/// `ValidationException` with DynamoDB's message.
pub fn item_from_json(json: &Map<String, Json>) -> Result<Item, Fault> {
    item_at(json, 0)
}

fn item_at(json: &Map<String, Json>, depth: usize) -> Result<Item, Fault> {
    json.iter()
        .map(|(name, value)| Ok((name.clone(), Value::from_json_at(value, depth)?)))
        .collect()
}

/// Encodes an item.
pub fn item_to_json(item: &Item) -> Json {
    item.iter()
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns the bytes that DynamoDB counts for an item: names and values.
pub fn item_size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value.size())
        .sum()
}

fn text(json: &Json) -> Result<&str, Fault> {
    json.as_str().ok_or_else(wrong_type)
}

fn number(json: &Json) -> Result<Number, Fault> {
    text(json)?
        .parse()
        .map_err(|error: super::number::NumberError| Fault::validation(error.to_string()))
}

fn bytes(json: &Json) -> Result<Vec<u8>, Fault> {
    STANDARD
        .decode(text(json)?)
        .map_err(|_| Fault::new("SerializationException", "Invalid base64 in a Blob"))
}

fn set<T: Ord>(
    json: &Json,
    kind: &str,
    read: impl Fn(&Json) -> Result<T, Fault>,
) -> Result<BTreeSet<T>, Fault> {
    let list = json.as_array().ok_or_else(wrong_type)?;
    let set = list.iter().map(read).collect::<Result<BTreeSet<_>, _>>()?;
    if set.is_empty() {
        Err(Fault::validation(format!(
            "One or more parameter values were invalid: An {kind} set  may not be empty"
        )))
    } else if set.len() < list.len() {
        Err(Fault::validation(
            "One or more parameter values were invalid: Input collection contains duplicates.",
        ))
    } else {
        Ok(set)
    }
}

fn wrong_type() -> Fault {
    Fault::new(
        "SerializationException",
        "a value can not be converted to the type of its AttributeValue member",
    )
}

/// The value of one key attribute; ordered as DynamoDB orders a sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyValue {
    /// Number.
    N(Number),
    /// Text, by UTF-8 bytes.
    S(String),
    /// Bytes, unsigned.
    B(Vec<u8>),
}

impl KeyValue {
    /// Returns a key attribute's value; `None` for types that cannot be keys.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::S(text) => Some(Self::S(text.clone())),
            Value::N(number) => Some(Self::N(number.clone())),
            Value::B(bytes) => Some(Self::B(bytes.clone())),
            Value::Bool(_)
            | Value::Null
            | Value::L(_)
            | Value::M(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_) => None,
        }
    }

    fn bucket(&self) -> u32 {
        match self {
            Self::N(number) => crc32fast::hash(number.to_string().as_bytes()),
            Self::S(text) => crc32fast::hash(text.as_bytes()),
            Self::B(bytes) => crc32fast::hash(bytes),
        }
    }
}

/// Position of an item in a table: partitions in an arbitrary order, sort keys in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Hash of the partition key; the order of scans.
    pub bucket: u32,
    /// Partition key.
    pub hash: KeyValue,
    /// Sort key of tables that have one.
    pub range: Option<KeyValue>,
}

impl Key {
    /// Creates a key from its parts.
    pub fn new(hash: KeyValue, range: Option<KeyValue>) -> Self {
        Self {
            bucket: hash.bucket(),
            hash,
            range,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_encoded_and_decoded() {
        let wire = json!({"M": {
            "s": {"S": ""}, "n": {"N": "1.5"}, "b": {"B": "AAE="}, "t": {"BOOL": false}, "z": {"NULL": true},
            "l": {"L": [{"S": "a"}, {"L": []}]}, "m": {"M": {}}, "ss": {"SS": ["a", "b"]},
            "ns": {"NS": ["1", "2"]}, "bs": {"BS": ["AA=="]},
        }});
        assert_eq!(Value::from_json(&wire).unwrap().to_json(), wire);
    }

    #[test]
    fn a_value_without_type_with_two_types_or_an_empty_set_is_refused() {
        for wire in [
            json!({}),
            json!({"S": "a", "N": "1"}),
            json!({"SS": []}),
            json!({"NS": ["1", "1.0"]}),
            json!({"NULL": false}),
            json!({"X": 1}),
        ] {
            assert_eq!(
                Value::from_json(&wire).unwrap_err().code,
                "ValidationException",
                "{wire}"
            );
        }
    }

    #[test]
    fn nesting_is_limited_to_32_levels() {
        let nested =
            |depth: usize| (0..depth).fold(json!({"S": "x"}), |json, _| json!({"L": [json]}));
        assert!(Value::from_json(&nested(32)).is_ok());
        assert!(Value::from_json(&nested(33)).is_err());
    }
}
