//! Values of the report that have another form in JSON.

use std::fmt::Display;
use std::str::FromStr;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;

/// A value that its type reads from text. An empty text is no value.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(Error::custom),
    }
}

/// An address with its prefix length. Point-to-point addresses have no prefix.
pub(crate) mod address {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer>(address: &IpNet, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(address)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<IpNet, D::Error> {
        let mut text = String::deserialize(from)?;
        // Windows writes the number of the interface behind a link-local address of IPv6.
        if let Some(zone) = text.find('%') {
            let end = text[zone..].find('/').map_or(text.len(), |at| zone + at);
            text.replace_range(zone..end, "");
        }
        let host = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| host()).map_err(Error::custom)
    }
}
