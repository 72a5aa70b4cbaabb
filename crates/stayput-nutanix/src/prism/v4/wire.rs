//! The JSON of what is read, and what it means in `stayput-world`.
//!
//! Tolerant on purpose: unknown keys are ignored, `null` is absent, type tags (`$objectType`) are never needed, and a word this
//! build does not know becomes `Unknown`. An id or an address that is garbage is an error that names its place.

pub(super) mod network;
pub(super) mod recovery;
pub(super) mod vm;

use std::net::Ipv4Addr;

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

/// An address where the reference does not show its form: plain, `IPv4Address` or `IPAddress`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum AnyAddress {
    Plain(Ipv4Addr),
    V4(Ipv4),
    Either(Ip),
}

impl AnyAddress {
    pub(super) fn ipv4(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Plain(address) => Some(*address),
            Self::V4(address) => Some(address.value),
            Self::Either(address) => address.ipv4.map(|address| address.value),
        }
    }
}
