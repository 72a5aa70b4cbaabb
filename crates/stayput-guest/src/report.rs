//! The report of a guest: what `guest/capture.sh` and `guest/capture.ps1` print. `guest/README.md` describes the format.
//!
//! Members that a guest of another version adds are ignored. Every member may be absent: then it is not known.

mod device;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AccountId;
use stayput_estate::InstanceId;
use stayput_estate::MacAddr;
use stayput_estate::Region;

use crate::wire;

pub use device::Binding;
pub use device::Drivers;
pub use device::Initramfs;
pub use device::Kernel;
pub use device::StaticProfile;
pub use device::WindowsDriver;

/// What a guest says about its own network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuestReport {
    /// Version of the format. [`GuestReport::parse`] accepts only 1.
    pub stayput_guest: u32,
    /// Operating system.
    pub os: Os,
    /// Time of the guest's clock, as it wrote it.
    pub captured_at: Option<String>,
    /// The instance identity document, if it could be read.
    pub identity: Option<Identity>,
    /// Distribution, kernel and command line.
    pub system: Option<System>,
    /// Resolver.
    pub dns: Option<Dns>,
    /// How many files of each kind exist.
    pub looked: BTreeMap<String, u64>,
    /// Interfaces.
    pub interfaces: Vec<Interface>,
    /// Routes as text.
    pub routes: Vec<String>,
    /// Policy rules as text.
    pub rules: Vec<String>,
    /// Windows: `destination,mask,gateway,metric`.
    pub persistent_routes: Vec<String>,
    /// Lines of the hosts file.
    pub hosts: Vec<String>,
    /// Configuration files.
    pub files: Vec<ConfigFile>,
    /// Settings that depend on a device. On Linux a hint only.
    pub bindings: Vec<Binding>,
    /// Drivers of the new platform.
    pub drivers: Option<Drivers>,
    /// Users of link-local services.
    pub uses: Vec<Use>,
    /// Items that are left out.
    pub dropped: Vec<Dropped>,
    /// Parts that could not be read.
    pub failed: Vec<Failed>,
    /// Members whose values [`GuestReport::parse`] could not take. They are absent from this report.
    pub problems: Vec<Problem>,
}

/// Operating system of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// Another text, or none.
    #[default]
    Unknown,
}

impl From<String> for Os {
    fn from(text: String) -> Self {
        match text.as_str() {
            "linux" => Self::Linux,
            "windows" => Self::Windows,
            _ => Self::Unknown,
        }
    }
}

impl From<Os> for String {
    fn from(os: Os) -> Self {
        match os {
            Os::Linux => "linux",
            Os::Windows => "windows",
            Os::Unknown => "unknown",
        }
        .to_owned()
    }
}

/// Members of the instance identity document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// Which instance the guest runs on.
    #[serde(deserialize_with = "wire::parsed")]
    pub instance_id: Option<InstanceId>,
    /// Region.
    pub region: Option<Region>,
    /// Account.
    pub account: Option<AccountId>,
    /// Availability zone.
    pub zone: Option<String>,
    /// Primary address of the primary interface.
    pub private_ip: Option<Ipv4Addr>,
}

/// Distribution, kernel and command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// `ID` of os-release, or `windows`.
    pub id: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// Kernel release, or build number of Windows.
    pub kernel: Option<String>,
    /// Processor architecture.
    pub arch: Option<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Whether the script ran as root or administrator.
    pub root: Option<bool>,
    /// Kernel parameters about names and addresses. `None`: not known.
    pub cmdline: Option<Vec<String>>,
}

/// Resolver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// Servers.
    pub servers: Vec<String>,
    /// Search list.
    pub search: Vec<String>,
    /// Servers that systemd-resolved asks.
    pub upstream: Vec<String>,
}

/// An interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// MAC address in use.
    #[serde(deserialize_with = "wire::parsed")]
    pub mac: Option<MacAddr>,
    /// MAC address of the device, if another one is in use.
    #[serde(deserialize_with = "wire::parsed")]
    pub permanent_mac: Option<MacAddr>,
    /// Whether it is up.
    pub up: Option<bool>,
    /// Bond or bridge that it belongs to.
    pub master: Option<String>,
    /// `bond`, `vlan`, `bridge` and the like.
    pub kind: Option<String>,
    /// Driver.
    pub driver: Option<String>,
    /// PCI address; Windows: id of the device.
    pub device: Option<String>,
    /// Windows: GUID of the interface.
    pub guid: Option<String>,
    /// Addresses. `None`: not known.
    pub addresses: Option<Vec<Address>>,
    /// Addresses that a bound has excluded.
    pub more_addresses: u64,
    /// Next hops of default routes.
    pub gateways: Vec<String>,
    /// Windows: name servers that are set by hand.
    pub dns_static: Vec<String>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Address with the length of its prefix.
    #[serde(with = "wire::address")]
    pub address: ipnet::IpNet,
    /// Where it comes from.
    #[serde(default)]
    pub origin: Origin,
    /// Whether the kernel has it as a secondary address.
    #[serde(default)]
    pub secondary: bool,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// DHCP.
    Dhcp,
    /// Set by a file, a person or a program.
    Static,
    /// A router advertisement.
    Ra,
    /// Link-local.
    LinkLocal,
    /// Not known.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A configuration file, or the start of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfigFile {
    /// Path in the guest.
    pub path: String,
    /// Kind, such as `netplan`.
    pub kind: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Text.
    pub text: String,
    /// Whether only the start is here.
    pub cut: bool,
    /// Number of secret values that were removed.
    pub stripped: u64,
    /// Whether bytes that are not UTF-8 were replaced.
    pub lossy: bool,
    /// Whether comments were removed: lines of `text` are then not those of the file.
    pub without_comments: bool,
    /// Name of the only block that is here.
    pub excerpt: Option<String>,
}

/// A mention of a link-local service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Use {
    /// `file`, `socket`, `process`, `agent`, `registry`, `dns` or `persistent-route`.
    #[serde(rename = "where")]
    pub place: String,
    /// The services.
    pub addresses: Vec<IpAddr>,
    /// File or key.
    pub path: Option<String>,
    /// Line of the file.
    pub line: Option<u32>,
    /// Part of the text.
    pub text: Option<String>,
    /// Program.
    pub process: Option<String>,
}

/// Items that are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// Section.
    pub section: String,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub which: Vec<String>,
}

/// A part that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failed {
    /// Part.
    pub part: String,
    /// Why.
    pub why: String,
}

/// A member whose value could not be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Path of the member, such as `interfaces[0].mac`.
    pub member: String,
    /// Why.
    pub why: String,
}

impl Interface {
    /// Whether it belongs to a device, so that EC2 knows it. Software adapters of Windows have devices of the kinds `ROOT` and `SWD`.
    pub fn is_nic(&self) -> bool {
        let software = |device: &str| device.starts_with("ROOT\\") || device.starts_with("SWD\\");
        self.device
            .as_deref()
            .is_some_and(|device| !device.is_empty() && !software(device))
    }

    /// Returns its IPv4 addresses without loopback and link-local ones. Empty if they are not known.
    pub fn ipv4(&self) -> impl Iterator<Item = (Ipv4Addr, &Address)> {
        self.addresses
            .iter()
            .flatten()
            .filter_map(|one| match one.address.addr() {
                IpAddr::V4(address) if !address.is_loopback() && !address.is_link_local() => {
                    Some((address, one))
                }
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            })
    }

    /// Whether all its addresses are known.
    pub fn is_read(&self) -> bool {
        self.addresses.is_some() && self.more_addresses == 0
    }

    /// Whether one of its MAC addresses is this one.
    pub fn has_mac(&self, mac: MacAddr) -> bool {
        self.mac == Some(mac) || self.permanent_mac == Some(mac)
    }
}

impl GuestReport {
    /// Returns the interfaces that belong to a device.
    pub fn nics(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces
            .iter()
            .filter(|interface| interface.is_nic())
    }

    /// Returns the primary address of the primary interface, as instance metadata says it.
    pub fn private_ip(&self) -> Option<Ipv4Addr> {
        self.identity.as_ref()?.private_ip
    }
}
