//! Elastic network interfaces.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::MacAddr;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;

/// An elastic network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eni {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its MAC address.
    pub mac: MacAddr,
    /// `interface`, `efa-only`, `trunk`, `branch`, `network_load_balancer`, `nat_gateway`, `transit_gateway`, … as reported.
    pub interface_type: String,
    /// Description; often the only hint to who made it.
    pub description: String,
    /// Whether AWS or another service manages it.
    pub requester_managed: bool,
    /// The instance it is attached to, with its device index there.
    pub attached_to: Option<(InstanceId, u32)>,
    /// Whether it drops packets not addressed to itself.
    pub source_dest_check: bool,
    /// Whether it is attached to anything (status `in-use`).
    pub in_use: bool,
    /// Its status where that is neither `in-use` nor `available`. Absent in worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_status: Option<EniStatus>,
    /// Primary private IPv4 address. An IPv6-only or EFA-only interface has none.
    pub primary: Option<Ipv4Addr>,
    /// Secondary private addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Private addresses that have a public one associated.
    pub public: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// Delegated prefixes and IPv6 addresses, as reported; neither can be kept.
    pub not_carried: Vec<String>,
}

impl Eni {
    /// Primary, then secondary addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.primary
            .into_iter()
            .chain(self.secondary.iter().copied())
    }

    /// IPv4 prefixes delegated to it: what runs on its instance may use any of their addresses.
    pub fn delegated(&self) -> impl Iterator<Item = Cidr> {
        self.not_carried.iter().filter_map(|text| text.parse().ok())
    }

    /// Whether it is free: its status is `available`.
    pub fn is_available(&self) -> bool {
        !self.in_use && self.other_status.is_none()
    }
}

/// Status of an interface that is neither in use nor free.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EniStatus {
    /// Bound to a trunk interface, whose instance uses it.
    Associated,
    /// Being attached: an instance or a service will use it in seconds.
    Attaching,
    /// Being detached: an instance or a service used it until now.
    Detaching,
    /// Anything else, as reported.
    Unknown(String),
}

impl std::fmt::Display for EniStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Associated => "associated",
            Self::Attaching => "attaching",
            Self::Detaching => "detaching",
            Self::Unknown(other) => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As builds of format 1 wrote it before interfaces without an address were kept.
    const EARLIER: &str = r#"{"vpc":"vpc-1","subnet":"subnet-1","mac":"06:1a:2b:3c:4d:5e","interface_type":"interface","description":"",
        "requester_managed":false,"attached_to":["i-1",0],"source_dest_check":true,"in_use":true,"primary":"172.30.1.34","secondary":[],
        "public":{},"not_carried":[]}"#;

    #[test]
    fn an_interface_of_an_earlier_build_reads_and_writes_the_same() {
        let eni: Eni = serde_json::from_str(EARLIER).unwrap();
        assert_eq!(eni.primary, Some(Ipv4Addr::new(172, 30, 1, 34)));
        assert_eq!(eni.other_status, None);
        let earlier: serde_json::Value = serde_json::from_str(EARLIER).unwrap();
        assert_eq!(serde_json::to_value(&eni).unwrap(), earlier);
    }

    #[test]
    fn an_interface_without_an_address_survives_being_saved() {
        let mut eni: Eni = serde_json::from_str(EARLIER).unwrap();
        eni.primary = None;
        eni.in_use = false;
        eni.other_status = Some(EniStatus::Unknown("paused".to_owned()));
        let text = serde_json::to_string(&eni).unwrap();
        assert_eq!(serde_json::from_str::<Eni>(&text).unwrap(), eni);
        assert_eq!(eni.addresses().count(), 0);
        assert!(!eni.is_available(), "an unknown status is not free");
    }

    #[test]
    fn delegated_prefixes_are_told_from_ipv6() {
        let mut eni: Eni = serde_json::from_str(EARLIER).unwrap();
        eni.not_carried = ["2001:db8::1", "172.30.1.48/28", "2001:db8::/80"]
            .map(Into::into)
            .to_vec();
        let delegated: Vec<String> = eni.delegated().map(|cidr| cidr.to_string()).collect();
        assert_eq!(delegated, ["172.30.1.48/28"]);
    }
}
