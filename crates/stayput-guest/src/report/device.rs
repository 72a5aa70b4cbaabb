//! What the report says about devices: settings that depend on them, and their drivers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

/// A setting that depends on a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Binding {
    /// `mac`, `path`, `driver`, `name`, or `device`.
    pub by: String,
    /// Linux: file.
    pub path: Option<String>,
    /// Linux: line of its text.
    pub line: Option<u32>,
    /// Linux: the setting.
    pub text: Option<String>,
    /// Windows: MAC address that is set by hand.
    pub mac: Option<String>,
    /// Windows: name of the connection.
    pub name: Option<String>,
    /// Windows: id of the device.
    pub device: Option<String>,
    /// Windows: GUID of the interface.
    pub guid: Option<String>,
    /// Windows: whether the device is there. `None`: not known.
    pub present: Option<bool>,
    /// Windows: settings by hand.
    #[serde(rename = "static")]
    pub profile: Option<StaticProfile>,
}

/// Settings of a Windows interface that are made by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StaticProfile {
    /// Whether addresses come from DHCP all the same.
    pub dhcp: bool,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Masks of the addresses, in the same order.
    pub masks: Vec<String>,
    /// Gateways.
    pub gateways: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
}

/// Drivers of the new platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drivers {
    /// Linux: the running kernel and the newest other one.
    pub kernels: Vec<Kernel>,
    /// Windows: services of the drivers.
    pub virtio: BTreeMap<String, WindowsDriver>,
    /// Windows: packages in the driver store.
    pub driver_store: Vec<String>,
    /// Nutanix Guest Tools.
    pub ngt: Vec<String>,
}

/// A Linux kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kernel {
    /// Release.
    pub release: String,
    /// Whether it runs.
    pub running: bool,
    /// Each driver: `builtin`, `module`, `absent` or `unknown`.
    pub modules: BTreeMap<String, String>,
    /// Its initramfs. `None`: there is none.
    pub initramfs: Option<Initramfs>,
}

/// An initramfs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Initramfs {
    /// Path.
    pub path: String,
    /// `whole`, `part`, `no` or `skipped`.
    pub read: String,
    /// Each driver: `present`, `absent` or `unknown`.
    pub modules: BTreeMap<String, String>,
}

/// A driver of Windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowsDriver {
    /// `installed`, `file-only` or `absent`.
    pub state: String,
    /// Start type of the service.
    pub start: Option<u32>,
}
