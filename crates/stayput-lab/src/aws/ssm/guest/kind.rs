//! How a guest is configured.

use serde::Deserialize;

use crate::aws::ssm::Platform;

/// The configuration of a guest: which files it has, and what in them is bound to its MAC address or name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// Debian 12 as in the cloud image: DHCP for every interface, nothing bound.
    #[default]
    Dhcp,
    /// Ubuntu 22.04: netplan matches the MAC address and sets the name.
    NetplanMac,
    /// RHEL 8: `ifcfg` files with `HWADDR`.
    IfcfgHwaddr,
    /// Amazon Linux 2: persistent names from udev rules.
    UdevPersistent,
    /// Debian 12: `.network` and `.link` files of systemd match the MAC address.
    NetworkdMac,
    /// Debian 11: a static address in `/etc/network/interfaces`.
    StaticIfupdown,
    /// Windows with DHCP. With secondary addresses all addresses are static, as AWS documents.
    Windows,
    /// Windows with a static address.
    WindowsStatic,
}

impl GuestKind {
    /// Returns the usual configuration of a platform.
    pub fn usual(platform: Platform) -> Self {
        match platform {
            Platform::Linux => Self::Dhcp,
            Platform::Windows => Self::Windows,
        }
    }

    /// Returns the platform of the guest.
    pub fn platform(self) -> Platform {
        match self {
            Self::Dhcp
            | Self::NetplanMac
            | Self::IfcfgHwaddr
            | Self::UdevPersistent
            | Self::NetworkdMac
            | Self::StaticIfupdown => Platform::Linux,
            Self::Windows | Self::WindowsStatic => Platform::Windows,
        }
    }

    /// Returns the name of the interface with a device index.
    pub fn interface(self, index: u32) -> String {
        match self {
            Self::IfcfgHwaddr | Self::UdevPersistent => format!("eth{index}"),
            Self::Dhcp | Self::NetplanMac | Self::NetworkdMac | Self::StaticIfupdown => {
                format!("ens{}", index + 5)
            }
            Self::Windows | Self::WindowsStatic if index == 0 => "Ethernet".to_owned(),
            Self::Windows | Self::WindowsStatic => format!("Ethernet {}", index + 1),
        }
    }

    /// Whether the primary addresses are static in the guest.
    pub fn is_static(self) -> bool {
        matches!(self, Self::StaticIfupdown | Self::WindowsStatic)
    }
}
