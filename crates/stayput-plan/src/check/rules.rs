//! What each rule says: how bad it is, why it matters, what to do.

use serde::Serialize;
use stayput_estate::Rule;
use stayput_messages::Message;

/// How bad a finding is. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A move or failover fails, or loses an address or data.
    Error,
    /// Something stops working after the move, or may.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Of what a rule finds.
    pub fn of(rule: Rule) -> Self {
        match rule {
            Rule::Arm64
            | Rule::MacInstance
            | Rule::InstanceStoreRoot
            | Rule::AutoScaling
            | Rule::ProductCodes
            | Rule::GuestLosesAddress
            | Rule::GuestDiffers
            | Rule::OtherCidr
            | Rule::PlanObstacle
            | Rule::NotObserved
            | Rule::MissingRight
            | Rule::NotReached => Self::Error,
            Rule::InstanceStoreVolumes
            | Rule::SpotInstance
            | Rule::BareMetal
            | Rule::UefiBoot
            | Rule::InstanceProfile
            | Rule::PublicAddress
            | Rule::Ipv6
            | Rule::DelegatedPrefix
            | Rule::ElasticFabricAdapter
            | Rule::TrunkInterface
            | Rule::NoIpv4Address
            | Rule::SourceDestCheckOff
            | Rule::SeveralInterfaces
            | Rule::DuplicateName
            | Rule::RouteToMachine
            | Rule::NotExamined
            | Rule::WindowsActivation
            | Rule::GuestLosesBoot
            | Rule::GuestLosesSettings
            | Rule::GuestLosesService
            | Rule::GuestNotKnown
            | Rule::NoDnsServers
            | Rule::DnsServerOfSource
            | Rule::ClockSkew
            | Rule::MissingWriteRight
            | Rule::RightUnknown
            | Rule::AcceptanceExpired => Self::Warning,
            Rule::NoName
            | Rule::GuestStaleSetting
            | Rule::GuestNotCaptured
            | Rule::LinkLocalServices
            | Rule::Mtu
            | Rule::DetachedInterface
            | Rule::AcceptanceUnused => Self::Note,
        }
    }

    /// As it is written in answers for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Whether a machine of which the rule finds something must not be moved: it would not run, or would be lost.
pub(crate) fn stops_a_move(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Arm64 | Rule::MacInstance | Rule::InstanceStoreRoot | Rule::AutoScaling
    )
}

/// Why it matters. A sentence without a full stop.
pub(crate) fn why(rule: Rule) -> Message {
    match rule {
        Rule::Arm64 => Message::new("check-arm64-why"),
        Rule::MacInstance => Message::new("check-mac-instance-why"),
        Rule::InstanceStoreRoot => Message::new("check-instance-store-root-why"),
        Rule::InstanceStoreVolumes => Message::new("check-instance-store-volumes-why"),
        Rule::AutoScaling => Message::new("check-auto-scaling-why"),
        Rule::SpotInstance => Message::new("check-spot-instance-why"),
        Rule::BareMetal => Message::new("check-bare-metal-why"),
        Rule::UefiBoot => Message::new("check-uefi-boot-why"),
        Rule::ProductCodes => Message::new("check-product-codes-why"),
        Rule::InstanceProfile => Message::new("check-instance-profile-why"),
        Rule::PublicAddress => Message::new("check-public-address-why"),
        Rule::Ipv6 => Message::new("check-ipv6-why"),
        Rule::DelegatedPrefix => Message::new("check-delegated-prefix-why"),
        Rule::ElasticFabricAdapter => Message::new("check-elastic-fabric-adapter-why"),
        Rule::TrunkInterface => Message::new("check-trunk-interface-why"),
        Rule::NoIpv4Address => Message::new("check-no-ipv4-address-why"),
        Rule::SourceDestCheckOff => Message::new("check-source-dest-check-off-why"),
        Rule::SeveralInterfaces => Message::new("check-several-interfaces-why"),
        Rule::NoName => Message::new("check-no-name-why"),
        Rule::DuplicateName => Message::new("check-duplicate-name-why"),
        Rule::RouteToMachine => Message::new("check-route-to-machine-why"),
        Rule::NotExamined => Message::new("check-not-examined-why"),
        Rule::WindowsActivation => Message::new("check-windows-activation-why"),
        Rule::GuestLosesAddress => Message::new("check-guest-loses-address-why"),
        Rule::GuestLosesBoot => Message::new("check-guest-loses-boot-why"),
        Rule::GuestDiffers => Message::new("check-guest-differs-why"),
        Rule::GuestLosesSettings => Message::new("check-guest-loses-settings-why"),
        Rule::GuestLosesService => Message::new("check-guest-loses-service-why"),
        Rule::GuestNotKnown => Message::new("check-guest-not-known-why"),
        Rule::GuestStaleSetting => Message::new("check-guest-stale-setting-why"),
        Rule::GuestNotCaptured => Message::new("check-guest-not-captured-why"),
        Rule::LinkLocalServices => Message::new("check-link-local-services-why"),
        Rule::Mtu => Message::new("check-mtu-why"),
        Rule::NoDnsServers => Message::new("check-no-dns-servers-why"),
        Rule::DnsServerOfSource => Message::new("check-dns-server-of-source-why"),
        Rule::DetachedInterface => Message::new("check-detached-interface-why"),
        Rule::OtherCidr => Message::new("check-other-cidr-why"),
        Rule::PlanObstacle => Message::new("check-plan-obstacle-why"),
        Rule::NotObserved => Message::new("check-not-observed-why"),
        Rule::ClockSkew => Message::new("check-clock-skew-why"),
        Rule::MissingRight => Message::new("check-missing-right-why"),
        Rule::MissingWriteRight => Message::new("check-missing-write-right-why"),
        Rule::RightUnknown => Message::new("check-right-unknown-why"),
        Rule::NotReached => Message::new("check-not-reached-why"),
        Rule::AcceptanceExpired => Message::new("check-acceptance-expired-why"),
        Rule::AcceptanceUnused => Message::new("check-acceptance-unused-why"),
    }
}

/// What to do about it, for this object. A sentence without a full stop.
pub(crate) fn remedy(rule: Rule, object: &str) -> Message {
    match rule {
        Rule::Arm64 => Message::new("check-arm64-remedy").with("object", object),
        Rule::MacInstance => Message::new("check-mac-instance-remedy").with("object", object),
        Rule::InstanceStoreRoot => {
            Message::new("check-instance-store-root-remedy").with("object", object)
        }
        Rule::InstanceStoreVolumes => Message::new("check-instance-store-volumes-remedy"),
        Rule::AutoScaling => Message::new("check-auto-scaling-remedy").with("object", object),
        Rule::SpotInstance => Message::new("check-spot-instance-remedy"),
        Rule::BareMetal => Message::new("check-bare-metal-remedy").with("object", object),
        Rule::UefiBoot => Message::new("check-uefi-boot-remedy").with("object", object),
        Rule::ProductCodes => Message::new("check-product-codes-remedy"),
        Rule::InstanceProfile => Message::new("check-instance-profile-remedy"),
        Rule::PublicAddress => Message::new("check-public-address-remedy"),
        Rule::Ipv6 => Message::new("check-ipv6-remedy"),
        Rule::DelegatedPrefix => Message::new("check-delegated-prefix-remedy"),
        Rule::ElasticFabricAdapter => Message::new("check-elastic-fabric-adapter-remedy"),
        Rule::TrunkInterface => Message::new("check-trunk-interface-remedy"),
        Rule::NoIpv4Address => Message::new("check-no-ipv4-address-remedy"),
        Rule::SourceDestCheckOff => Message::new("check-source-dest-check-off-remedy"),
        Rule::SeveralInterfaces => {
            Message::new("check-several-interfaces-remedy").with("object", object)
        }
        Rule::NoName => Message::new("check-no-name-remedy"),
        Rule::DuplicateName => Message::new("check-duplicate-name-remedy"),
        Rule::RouteToMachine => Message::new("check-route-to-machine-remedy"),
        Rule::NotExamined => Message::new("check-not-examined-remedy"),
        Rule::WindowsActivation => Message::new("check-windows-activation-remedy"),
        // Of advice it is the advice's own.
        Rule::GuestLosesAddress
        | Rule::GuestLosesBoot
        | Rule::GuestLosesSettings
        | Rule::GuestLosesService
        | Rule::GuestStaleSetting => Message::new("check-guest-advice-remedy"),
        Rule::GuestDiffers => Message::new("check-guest-differs-remedy"),
        Rule::GuestNotKnown => Message::new("check-guest-not-known-remedy"),
        Rule::GuestNotCaptured => {
            Message::new("check-guest-not-captured-remedy").with("object", object)
        }
        Rule::LinkLocalServices => Message::new("check-link-local-services-remedy"),
        Rule::Mtu => Message::new("check-mtu-remedy"),
        Rule::NoDnsServers => Message::new("check-no-dns-servers-remedy").with("object", object),
        Rule::DnsServerOfSource => {
            Message::new("check-dns-server-of-source-remedy").with("object", object)
        }
        Rule::DetachedInterface => {
            Message::new("check-detached-interface-remedy").with("object", object)
        }
        // Of an obstacle it is the obstacle's own.
        Rule::OtherCidr | Rule::PlanObstacle | Rule::NotObserved | Rule::NotReached => {
            Message::new("check-not-reached-remedy")
        }
        Rule::ClockSkew => Message::new("check-clock-skew-remedy"),
        Rule::MissingRight => Message::new("check-missing-right-remedy"),
        Rule::MissingWriteRight => Message::new("check-missing-write-right-remedy"),
        Rule::RightUnknown => Message::new("check-right-unknown-remedy"),
        Rule::AcceptanceExpired => {
            Message::new("check-acceptance-expired-remedy").with("object", object)
        }
        Rule::AcceptanceUnused => {
            Message::new("check-acceptance-unused-remedy").with("object", object)
        }
    }
}
