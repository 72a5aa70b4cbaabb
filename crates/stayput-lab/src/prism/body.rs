//! Reads v4 bodies: the address types, references, and objects that are kept as sent (Prism reference §1.3).

use std::net::Ipv4Addr;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use stayput_estate::Cidr;

use crate::prism::answer::Problem;

/// A JSON object.
pub type Object = Map<String, Value>;

/// Returns a text property.
pub fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// Returns a required text property of at most `max` characters.
///
/// # Errors
/// 400 when it is missing or too long.
pub fn required_text(object: &Object, name: &str, max: usize) -> Result<String, Problem> {
    match text(object, name) {
        Some(value) if !value.is_empty() && value.chars().count() <= max => Ok(value.to_owned()),
        Some(_) => Err(Problem::schema(
            name,
            &format!("length must be 1 to {max} characters"),
        )),
        None => Err(Problem::schema(name, "must not be null")),
    }
}

/// Returns a property that is an object.
pub fn object<'a>(parent: &'a Object, name: &str) -> Option<&'a Object> {
    parent.get(name).and_then(Value::as_object)
}

/// Returns the elements of an array property; none when it is absent.
pub fn list<'a>(parent: &'a Object, name: &str) -> &'a [Value] {
    parent
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Returns the `extId` of a reference property.
pub fn reference(parent: &Object, name: &str) -> Option<String> {
    object(parent, name)
        .and_then(|reference| text(reference, "extId"))
        .map(str::to_owned)
}

/// Returns the `extId`s of an array of references.
pub fn references(parent: &Object, name: &str) -> Vec<String> {
    list(parent, name)
        .iter()
        .filter_map(|reference| reference.get("extId")?.as_str())
        .map(str::to_owned)
        .collect()
}

/// Returns the texts of an array.
pub fn texts(parent: &Object, name: &str) -> Vec<String> {
    list(parent, name)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Returns a property that is a whole number.
pub fn number(parent: &Object, name: &str) -> Option<u64> {
    parent.get(name).and_then(Value::as_u64)
}

/// Returns a boolean property.
pub fn flag(parent: &Object, name: &str) -> Option<bool> {
    parent.get(name).and_then(Value::as_bool)
}

/// Returns an address given as `IPv4Address`, `IPAddress` or plain text; `None` when it is absent or null.
///
/// # Errors
/// 400 when it is present and not an IPv4 address.
pub fn address(value: Option<&Value>, name: &str) -> Result<Option<Ipv4Addr>, Problem> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let wrong = || Problem::schema(name, "must be an IPv4 address");
    let inner = value.get("ipv4").unwrap_or(value);
    let text = match inner {
        Value::String(text) => text,
        other => match other.get("value") {
            Some(Value::String(text)) => text,
            // `"ipAddress": {}` requests no particular address.
            None | Some(Value::Null) => return Ok(None),
            Some(_) => return Err(wrong()),
        },
    };
    text.parse().map(Some).map_err(|_| wrong())
}

/// Returns the addresses of an array.
///
/// # Errors
/// 400 when an element is not an IPv4 address.
pub fn addresses(parent: &Object, name: &str) -> Result<Vec<Ipv4Addr>, Problem> {
    list(parent, name)
        .iter()
        .map(|value| {
            address(Some(value), name)?
                .ok_or_else(|| Problem::schema(name, "must be an IPv4 address"))
        })
        .collect()
}

/// Returns an `IPv4Subnet` or `IPSubnet`: `ip` and `prefixLength`.
///
/// # Errors
/// 400 when it is not a prefix or has host bits set.
pub fn prefix(value: &Value, name: &str) -> Result<Cidr, Problem> {
    let inner = value.get("ipv4").unwrap_or(value);
    let ip = address(inner.get("ip"), name)?
        .ok_or_else(|| Problem::schema(name, "ip must not be null"))?;
    let length = inner
        .get("prefixLength")
        .and_then(Value::as_u64)
        .and_then(|length| u8::try_from(length).ok())
        .filter(|length| *length <= 32)
        .ok_or_else(|| Problem::schema(name, "prefixLength must be 0 to 32"))?;
    let cidr = Cidr::containing(ip, length);
    if cidr.network() == ip {
        Ok(cidr)
    } else {
        Err(Problem::schema(
            name,
            &format!("{ip} is not the network address of a /{length}"),
        ))
    }
}

/// Returns `IPv4Address` JSON with prefix length 32.
pub fn ipv4(address: Ipv4Addr) -> Value {
    json!({"$objectType": "common.v1.config.IPv4Address", "value": address.to_string(), "prefixLength": 32})
}

/// Returns `IPAddress` JSON.
pub fn ip(address: Ipv4Addr) -> Value {
    json!({"$objectType": "common.v1.config.IPAddress", "ipv4": ipv4(address)})
}

/// Returns an object as sent, without members that only belong to the request: `$reserved`, `$unknownFields` and nulls, at any
/// depth.
pub fn as_sent(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .iter()
                .filter(|(key, value)| {
                    !matches!(key.as_str(), "$reserved" | "$unknownFields") && !value.is_null()
                })
                .map(|(key, value)| (key.clone(), as_sent(value)))
                .collect(),
        ),
        Value::Array(elements) => Value::Array(elements.iter().map(as_sent).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Adds the type to a one-of value when the client did not send it, so that every client can decode the answer.
pub fn tag_one_of(parent: &mut Value, name: &str, object_type: &str) {
    if let Some(Value::Object(value)) = parent.get_mut(name) {
        value
            .entry("$objectType")
            .or_insert_with(|| json!(object_type));
    }
}
