//! Rules of `stayput check`: their ids, which the estate file names and programs match.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// What `stayput check` looks for. The id is stable.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A machine that AHV on x86 hosts cannot run: Graviton.
    Arm64,
    /// A Mac instance.
    MacInstance,
    /// The root device is an instance store, which a stop erases.
    InstanceStoreRoot,
    /// The instance type has instance store volumes, which a stop erases.
    InstanceStoreVolumes,
    /// A member of an Auto Scaling group, which replaces what stops.
    AutoScaling,
    /// A Spot Instance, which may not be stoppable.
    SpotInstance,
    /// A bare-metal instance.
    BareMetal,
    /// It boots by UEFI.
    UefiBoot,
    /// Its image has product codes of AWS Marketplace.
    ProductCodes,
    /// It has an instance profile, whose credentials come from the instance metadata service.
    InstanceProfile,
    /// A public address.
    PublicAddress,
    /// An IPv6 address.
    Ipv6,
    /// A prefix delegated to an interface.
    DelegatedPrefix,
    /// An Elastic Fabric Adapter.
    ElasticFabricAdapter,
    /// A trunk interface with branch interfaces.
    TrunkInterface,
    /// An interface without an IPv4 address.
    NoIpv4Address,
    /// The source/destination check is off: the machine forwards packets of others.
    SourceDestCheckOff,
    /// Several interfaces.
    SeveralInterfaces,
    /// No name, or a blank one.
    NoName,
    /// A name that another machine has too.
    DuplicateName,
    /// A route of a VPC leads to an interface of the machine.
    RouteToMachine,
    /// What the world on file does not tell about a machine.
    NotExamined,
    /// Windows that is activated by a server of AWS.
    WindowsActivation,
    /// A guest that loses an address on a NIC with another MAC address, place or driver.
    GuestLosesAddress,
    /// A guest without drivers for the disks and NICs of AHV.
    GuestLosesBoot,
    /// A guest that has other addresses than EC2 shows.
    GuestDiffers,
    /// A guest that loses routes, DNS servers or an interface name.
    GuestLosesSettings,
    /// A guest that uses a service of EC2 that has a link-local address.
    GuestLosesService,
    /// What could not be read in a guest.
    GuestNotKnown,
    /// A setting of a guest that matches nothing after the move.
    GuestStaleSetting,
    /// Machines whose guests were not captured.
    GuestNotCaptured,
    /// Addresses that AWS serves on every instance: metadata, time, DNS.
    LinkLocalServices,
    /// Frames that are larger than what the way from outside the VPC takes.
    Mtu,
    /// A site at which DHCP gives no DNS servers.
    NoDnsServers,
    /// A site at which DHCP gives a DNS server that only the source VPC has.
    DnsServerOfSource,
    /// An interface in a network that nothing uses.
    DetachedInterface,
    /// The CIDR of a network is not that of its EC2 subnet.
    OtherCidr,
    /// What `stayput plan move` would refuse now.
    PlanObstacle,
    /// A system that was not read, so that nothing is known of what is there.
    NotObserved,
    /// An endpoint whose clock differs from this computer's.
    ClockSkew,
    /// A call by which something is read that the credentials may not make.
    MissingRight,
    /// A call by which something is changed that the credentials may not make.
    MissingWriteRight,
    /// A call of which AWS did not say whether the credentials may make it.
    RightUnknown,
    /// An endpoint or service that cannot be used.
    NotReached,
    /// An acceptance that has expired.
    AcceptanceExpired,
    /// An acceptance that nothing matches.
    AcceptanceUnused,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 46] = [
        Self::Arm64,
        Self::MacInstance,
        Self::InstanceStoreRoot,
        Self::InstanceStoreVolumes,
        Self::AutoScaling,
        Self::SpotInstance,
        Self::BareMetal,
        Self::UefiBoot,
        Self::ProductCodes,
        Self::InstanceProfile,
        Self::PublicAddress,
        Self::Ipv6,
        Self::DelegatedPrefix,
        Self::ElasticFabricAdapter,
        Self::TrunkInterface,
        Self::NoIpv4Address,
        Self::SourceDestCheckOff,
        Self::SeveralInterfaces,
        Self::NoName,
        Self::DuplicateName,
        Self::RouteToMachine,
        Self::NotExamined,
        Self::WindowsActivation,
        Self::GuestLosesAddress,
        Self::GuestLosesBoot,
        Self::GuestDiffers,
        Self::GuestLosesSettings,
        Self::GuestLosesService,
        Self::GuestNotKnown,
        Self::GuestStaleSetting,
        Self::GuestNotCaptured,
        Self::LinkLocalServices,
        Self::Mtu,
        Self::NoDnsServers,
        Self::DnsServerOfSource,
        Self::DetachedInterface,
        Self::OtherCidr,
        Self::PlanObstacle,
        Self::NotObserved,
        Self::ClockSkew,
        Self::MissingRight,
        Self::MissingWriteRight,
        Self::RightUnknown,
        Self::NotReached,
        Self::AcceptanceExpired,
        Self::AcceptanceUnused,
    ];

    /// The id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::MacInstance => "mac-instance",
            Self::InstanceStoreRoot => "instance-store-root",
            Self::InstanceStoreVolumes => "instance-store-volumes",
            Self::AutoScaling => "auto-scaling",
            Self::SpotInstance => "spot-instance",
            Self::BareMetal => "bare-metal",
            Self::UefiBoot => "uefi-boot",
            Self::ProductCodes => "product-codes",
            Self::InstanceProfile => "instance-profile",
            Self::PublicAddress => "public-address",
            Self::Ipv6 => "ipv6",
            Self::DelegatedPrefix => "delegated-prefix",
            Self::ElasticFabricAdapter => "elastic-fabric-adapter",
            Self::TrunkInterface => "trunk-interface",
            Self::NoIpv4Address => "no-ipv4-address",
            Self::SourceDestCheckOff => "source-dest-check-off",
            Self::SeveralInterfaces => "several-interfaces",
            Self::NoName => "no-name",
            Self::DuplicateName => "duplicate-name",
            Self::RouteToMachine => "route-to-machine",
            Self::NotExamined => "not-examined",
            Self::WindowsActivation => "windows-activation",
            Self::GuestLosesAddress => "guest-loses-address",
            Self::GuestLosesBoot => "guest-loses-boot",
            Self::GuestDiffers => "guest-differs",
            Self::GuestLosesSettings => "guest-loses-settings",
            Self::GuestLosesService => "guest-loses-service",
            Self::GuestNotKnown => "guest-not-known",
            Self::GuestStaleSetting => "guest-stale-setting",
            Self::GuestNotCaptured => "guest-not-captured",
            Self::LinkLocalServices => "link-local-services",
            Self::Mtu => "mtu",
            Self::NoDnsServers => "no-dns-servers",
            Self::DnsServerOfSource => "dns-server-of-source",
            Self::DetachedInterface => "detached-interface",
            Self::OtherCidr => "other-cidr",
            Self::PlanObstacle => "plan-obstacle",
            Self::NotObserved => "not-observed",
            Self::ClockSkew => "clock-skew",
            Self::MissingRight => "missing-right",
            Self::MissingWriteRight => "missing-write-right",
            Self::RightUnknown => "right-unknown",
            Self::NotReached => "not-reached",
            Self::AcceptanceExpired => "acceptance-expired",
            Self::AcceptanceUnused => "acceptance-unused",
        }
    }

    /// The rule with this id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == id)
    }

    /// Whether an estate can accept what it finds. What was not looked at cannot be accepted, for nothing is known of it; nor what a plan refuses,
    /// for it is refused whatever is accepted.
    pub fn is_acceptable(self) -> bool {
        !matches!(
            self,
            Self::NotObserved
                | Self::NotExamined
                | Self::GuestNotKnown
                | Self::GuestNotCaptured
                | Self::PlanObstacle
                | Self::OtherCidr
                | Self::RightUnknown
                | Self::NotReached
                | Self::AcceptanceExpired
                | Self::AcceptanceUnused
        )
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own_that_serde_writes_too() {
        let ids: std::collections::BTreeSet<_> = Rule::ALL.map(Rule::as_str).into();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert_eq!(Rule::of_id(rule.as_str()), Some(rule));
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
