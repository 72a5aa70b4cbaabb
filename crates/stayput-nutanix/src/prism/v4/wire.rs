//! The JSON of what is read, and what it means in `stayput-world`.
//!
//! Tolerant on purpose: unknown keys are ignored, `null` is absent, type tags (`$objectType`) are never needed, and a word this
//! build does not know becomes `Unknown`. An id or an address that is garbage is an error that names its place.

pub(super) mod network;
pub(super) mod recovery;
pub(super) mod vm;

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use serde::Deserialize;
use serde::Serialize;

/// A reference to another thing: `{"extId": …}`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ref<T> {
    pub(super) ext_id: T,
}

/// An `IPv4Address`; without a prefix length it is a /32 (Prism reference §1.3).
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ipv4 {
    pub(super) value: Ipv4Addr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix_length: Option<u8>,
}

impl From<Ipv4Addr> for Ipv4 {
    fn from(value: Ipv4Addr) -> Self {
        Self {
            value,
            prefix_length: None,
        }
    }
}

/// An `IPAddress`: of one family or the other.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub(super) struct Ip {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ipv4: Option<Ipv4>,
}

impl From<Ipv4Addr> for Ip {
    fn from(value: Ipv4Addr) -> Self {
        Self {
            ipv4: Some(value.into()),
        }
    }
}

/// An address where the reference does not show its form: plain, `IPv4Address` or `IPAddress`. Anything else is an error: an
/// address that is not understood is not none.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AnyAddress {
    Plain(Ipv4Addr),
    V4(Ipv4),
    Either {
        ipv4: Ipv4,
    },
    /// Read to be told from what is not understood; stayput moves IPv4 only.
    PlainV6(#[expect(dead_code, reason = "read only to see that it is an IPv6 address")] Ipv6Addr),
    V6 {
        #[expect(dead_code, reason = "read only to see that it is an IPv6 address")]
        ipv6: Ipv6,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Ipv6 {
    #[expect(dead_code, reason = "read only to see that it is an IPv6 address")]
    value: Ipv6Addr,
}

impl AnyAddress {
    /// The IPv4 address; `None` for one of IPv6.
    pub(super) fn ipv4(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Plain(address) => Some(*address),
            Self::V4(address) | Self::Either { ipv4: address } => Some(address.value),
            Self::PlainV6(_) | Self::V6 { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_in_no_known_form_is_an_error_and_not_none() {
        let read = |json: Value| serde_json::from_value::<AnyAddress>(json).map(|it| it.ipv4());
        let ten: Ipv4Addr = "10.0.1.9".parse().unwrap();
        for known in [
            json!("10.0.1.9"),
            json!({"value": "10.0.1.9", "prefixLength": 32}),
            json!({"ipv4": {"value": "10.0.1.9"}, "ipv6": null}),
        ] {
            assert_eq!(read(known).unwrap(), Some(ten));
        }
        for other in [
            json!("fd00::1"),
            json!({"ipv4": null, "ipv6": {"value": "fd00::1"}}),
        ] {
            assert_eq!(read(other).unwrap(), None);
        }
        for odd in [
            json!({}),
            json!({"value": "x"}),
            json!({"ipv4": null}),
            json!("x"),
            json!(7),
        ] {
            assert!(read(odd.clone()).is_err(), "{odd}");
        }
    }
}
