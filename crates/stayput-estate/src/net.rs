//! Addresses: IPv4 prefixes without host bits, MAC addresses, ranges.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;

/// An IPv4 prefix with no host bits set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cidr(Ipv4Net);

/// Why a text is not a [`Cidr`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not in the form `a.b.c.d/len`.
    #[error("{}", Message::new("cidr-syntax").with("text", .0))]
    Syntax(String),
    /// Host bits are set.
    #[error("{}", Message::new("cidr-host-bits").with("text", .text).with("meant", .meant))]
    HostBits {
        /// What was given.
        text: String,
        /// The prefix with its host bits cleared.
        meant: Cidr,
    },
    /// A number has leading zeros, which some programs read as octal.
    #[error("{}", Message::new("cidr-leading-zeros").with("text", .text).with("meant", .meant))]
    LeadingZeros {
        /// What was given.
        text: String,
        /// The same without the zeros.
        meant: String,
    },
}

/// Returns an address or prefix without the leading zeros of its numbers; `None` if it has none, or is not made of numbers.
///
/// Programs disagree about `010`: some read 8, some read 10, and some refuse it.
pub(crate) fn without_leading_zeros(text: &str) -> Option<String> {
    let mut has_zeros = false;
    let mut number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let short = match text.trim_start_matches('0') {
            "" => "0",
            short => short,
        };
        has_zeros |= short.len() < text.len();
        is_number.then(|| short.to_owned())
    };
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(number(length)?)),
        None => (text, None),
    };
    let octets: Option<Vec<_>> = address.split('.').map(number).collect();
    let address = octets?.join(".");
    has_zeros.then(|| match length {
        Some(length) => format!("{address}/{length}"),
        None => address,
    })
}

impl Cidr {
    /// Every IPv4 address.
    pub const ALL: Self = Self(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));

    /// Returns the prefix of length `len` that contains `address`; `len` above 32 counts as 32.
    pub fn containing(address: Ipv4Addr, len: u8) -> Self {
        Self(Ipv4Net::new_assert(address, len.min(32)).trunc())
    }

    /// Returns the /32 of one address.
    pub fn host(address: Ipv4Addr) -> Self {
        Self::containing(address, 32)
    }

    /// Returns the network address.
    pub fn network(self) -> Ipv4Addr {
        self.0.network()
    }

    /// Returns the last address of the prefix.
    pub fn broadcast(self) -> Ipv4Addr {
        self.0.broadcast()
    }

    /// Returns the prefix length, 0 to 32.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a prefix always has an address"
    )]
    pub fn len(self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether this is `0.0.0.0/0`.
    pub fn is_default(self) -> bool {
        self.len() == 0
    }

    /// Returns the number of addresses in the prefix.
    pub fn size(self) -> u64 {
        1 << (32 - u32::from(self.len()))
    }

    /// Whether the address is in this prefix.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.0.contains(&address)
    }

    /// Whether `other` is equal to this prefix or inside it.
    pub fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether the two prefixes have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Returns the address `offset` positions after the network address, if it is inside.
    pub fn nth(self, offset: u32) -> Option<Ipv4Addr> {
        if u64::from(offset) < self.size() {
            u32::from(self.network())
                .checked_add(offset)
                .map(Ipv4Addr::from)
        } else {
            None
        }
    }

    /// Returns the two halves, or `None` for a /32.
    pub fn halves(self) -> Option<[Self; 2]> {
        let mut parts = self.0.subnets(self.len() + 1).ok()?;
        Some([Self(parts.next()?), Self(parts.next()?)])
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        if let Some(meant) = without_leading_zeros(text) {
            let text = text.to_owned();
            return match meant.parse::<Ipv4Net>() {
                Ok(_) => Err(CidrError::LeadingZeros { text, meant }),
                Err(_) => Err(CidrError::Syntax(text)),
            };
        }
        let net: Ipv4Net = text
            .parse()
            .map_err(|_| CidrError::Syntax(text.to_owned()))?;
        let meant = Self(net.trunc());
        if net == meant.0 {
            Ok(meant)
        } else {
            Err(CidrError::HostBits {
                text: text.to_owned(),
                meant,
            })
        }
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A MAC address. Case and separator of its text do not matter for equality.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct MacAddr([u8; 6]);

/// The text is not six hex octets separated by `:` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::new("mac-syntax").with("text", .0))]
pub struct MacAddrError(pub String);

impl MacAddr {
    /// Creates an address from six octets, most significant first.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let wrong = || MacAddrError(text.to_owned());
        let mut octets = [0; 6];
        let mut parts = text.split([':', '-']);
        for octet in &mut octets {
            let part = parts
                .next()
                .filter(|part| part.len() == 2)
                .ok_or_else(wrong)?;
            *octet = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        if parts.next().is_some() {
            Err(wrong())
        } else {
            Ok(Self(octets))
        }
    }
}

impl TryFrom<String> for MacAddr {
    type Error = MacAddrError;

    fn try_from(text: String) -> Result<Self, MacAddrError> {
        text.parse()
    }
}

impl From<MacAddr> for String {
    fn from(mac: MacAddr) -> Self {
        mac.to_string()
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An inclusive range of addresses, first not after last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddrRange {
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest address.
    pub last: Ipv4Addr,
}

impl AddrRange {
    /// Returns the fewest ranges that contain exactly these addresses, in order.
    pub fn covering(addresses: &BTreeSet<Ipv4Addr>) -> Vec<Self> {
        let mut ranges: Vec<Self> = Vec::new();
        for address in addresses {
            match ranges.last_mut() {
                Some(range) if u32::from(range.last).checked_add(1) == Some((*address).into()) => {
                    range.last = *address;
                }
                Some(_) | None => ranges.push(Self {
                    first: *address,
                    last: *address,
                }),
            }
        }
        ranges
    }

    /// Returns the number of addresses in the range; 0 when `last` is before `first`.
    pub fn size(self) -> u64 {
        (u64::from(u32::from(self.last)) + 1).saturating_sub(u64::from(u32::from(self.first)))
    }

    /// Whether the address is in the range.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

impl fmt::Display for AddrRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_with_host_bits_is_refused_and_the_right_one_suggested() {
        let error = "172.30.1.34/24".parse::<Cidr>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`172.30.1.34/24` has host bits set; the prefix is 172.30.1.0/24"
        );
    }

    #[test]
    fn a_prefix_with_leading_zeros_is_refused_and_shown_without_them() {
        for (text, meant) in [
            ("172.30.010.0/24", "172.30.10.0/24"),
            ("172.30.1.0/024", "172.30.1.0/24"),
            ("00.0.0.0/0", "0.0.0.0/0"),
        ] {
            let (text, meant) = (text.to_owned(), meant.to_owned());
            let error = text.parse::<Cidr>().unwrap_err();
            assert_eq!(error, CidrError::LeadingZeros { text, meant });
        }
        for text in ["0300.1.1.0/24", "10.0.0.0/", "01.2.3/8", "web-01/24"] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert_eq!(error, CidrError::Syntax(text.to_owned()));
        }
        assert_eq!("0.0.0.0/0".parse(), Ok(Cidr::ALL));
    }

    #[test]
    fn ranges_cover_the_addresses_and_no_others() {
        let addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.4", "255.255.255.255"];
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let ranges: Vec<_> = AddrRange::covering(&addresses)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            ranges,
            [
                "10.0.0.1-10.0.0.2",
                "10.0.0.4-10.0.0.4",
                "255.255.255.255-255.255.255.255"
            ]
        );
    }

    #[test]
    fn mac_addresses_are_equal_regardless_of_case_and_separator() {
        assert_eq!(
            "06:1A:2b:3c:4d:5E".parse::<MacAddr>(),
            "06-1a-2B-3c-4d-5e".parse::<MacAddr>()
        );
        assert!("06:1a:2b:3c:4d".parse::<MacAddr>().is_err());
        assert!("06:1a:2b:3c:4d:5e:6f".parse::<MacAddr>().is_err());
    }

    proptest! {
        #[test]
        fn the_halves_of_a_prefix_are_disjoint_and_make_it_up(address: u32, len in 0u8..32) {
            let whole = Cidr::containing(address.into(), len);
            let [low, high] = whole.halves().unwrap();
            prop_assert!(!low.overlaps(high));
            prop_assert_eq!(low.size() + high.size(), whole.size());
            prop_assert!(whole.covers(low) && whole.covers(high));
        }

        #[test]
        fn a_prefix_survives_being_written_and_read(address: u32, len in 0u8..=32) {
            let cidr = Cidr::containing(address.into(), len);
            prop_assert_eq!(cidr.to_string().parse::<Cidr>().unwrap(), cidr);
        }
    }
}
