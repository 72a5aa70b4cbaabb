//! Subnets and Flow VPCs (Prism reference §3.2).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::FlowVpcExtId;
use stayput_estate::MacAddr;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::ObjectKind;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::FlowVpc;

use super::super::envelope::or_default;
use super::AnyAddress;
use super::Ip;
use super::Ipv4;
use super::Ref;
use crate::prism::spec::SubnetVnic;
use crate::tolerant::Listed;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireSubnet {
    pub(in super::super) ext_id: SubnetExtId,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    vpc_reference: Option<FlowVpcExtId>,
    #[serde(default, deserialize_with = "or_default")]
    is_external: bool,
    is_nat_enabled: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    ip_config: Vec<IpConfig>,
    #[serde(default, deserialize_with = "or_default")]
    reserved_ip_addresses: Vec<AnyAddress>,
    dhcp_options: Option<DhcpOptions>,
}

/// What DHCP hands out in a subnet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DhcpOptions {
    #[serde(default, deserialize_with = "or_default")]
    domain_name_servers: Vec<AnyAddress>,
}

impl Listed for WireSubnet {
    const KIND: ObjectKind = ObjectKind::Subnet;

    fn key(&self) -> Option<&str> {
        Some(self.ext_id.as_str())
    }
}

impl WireSubnet {
    /// Whether it has this name and these addresses, in this Flow VPC.
    pub(in super::super) fn is(&self, name: &str, vpc: &FlowVpcExtId, cidr: Cidr) -> bool {
        let has = self
            .ip_config
            .iter()
            .find_map(|config| config.ipv4.as_ref());
        self.name == name
            && self.vpc_reference.as_ref() == Some(vpc)
            && has.and_then(|config| config.ip_subnet).map(Cidr::from) == Some(cidr)
    }
}

#[derive(Debug, Deserialize, Serialize)]
pub(in super::super) struct IpConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) ipv4: Option<Ipv4Config>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Ipv4Config {
    pub(in super::super) ip_subnet: Option<Prefix>,
    pub(in super::super) default_gateway_ip: Option<Ipv4>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in super::super) pool_list: Vec<Pool>,
}

/// An `IPv4Subnet`. Host bits are dropped: some entries are written with the gateway's address.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Prefix {
    ip: Ipv4,
    #[serde(deserialize_with = "prefix_length")]
    prefix_length: u8,
}

fn prefix_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let length = u8::deserialize(deserializer)?;
    if length <= 32 {
        Ok(length)
    } else {
        Err(D::Error::custom(
            Message::new("malformed-prefix-length").with("length", length),
        ))
    }
}

impl From<Prefix> for Cidr {
    fn from(prefix: Prefix) -> Self {
        Self::containing(prefix.ip.value, prefix.prefix_length)
    }
}

impl From<Cidr> for Prefix {
    fn from(cidr: Cidr) -> Self {
        Self {
            ip: cidr.network().into(),
            prefix_length: cidr.len(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Pool {
    start_ip: Ipv4,
    end_ip: Ipv4,
}

impl From<AddrRange> for Pool {
    fn from(range: AddrRange) -> Self {
        Self {
            start_ip: range.first.into(),
            end_ip: range.last.into(),
        }
    }
}

impl From<WireSubnet> for FlowSubnet {
    fn from(wire: WireSubnet) -> Self {
        let ipv4 = wire.ip_config.into_iter().find_map(|config| config.ipv4);
        let (cidr, gateway, pools) = match ipv4 {
            Some(config) => (
                config.ip_subnet.map(Cidr::from),
                config.default_gateway_ip.map(|address| address.value),
                config
                    .pool_list
                    .into_iter()
                    .map(|pool| AddrRange {
                        first: pool.start_ip.value,
                        last: pool.end_ip.value,
                    })
                    .collect(),
            ),
            None => (None, None, Vec::new()),
        };
        Self {
            name: wire.name,
            vpc: wire.vpc_reference,
            cidr,
            gateway,
            pools,
            external: wire.is_external,
            // An uplink translates unless it says otherwise (Prism reference §3.2).
            nat: wire.is_external && wire.is_nat_enabled.unwrap_or(true),
            reserved: wire
                .reserved_ip_addresses
                .iter()
                .filter_map(AnyAddress::ipv4)
                .collect(),
            dns: wire.dhcp_options.map(|options| {
                let servers = options.domain_name_servers.iter();
                servers.filter_map(AnyAddress::ipv4).collect()
            }),
        }
    }
}

/// An entry of `/config/subnets/{id}/reserved-ips`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ReservedIp {
    ext_id: Option<String>,
    ipv4_address: Option<AnyAddress>,
}

impl Listed for ReservedIp {
    const KIND: ObjectKind = ObjectKind::ReservedAddress;

    fn key(&self) -> Option<&str> {
        self.ext_id.as_deref()
    }
}

impl ReservedIp {
    pub(in super::super) fn address(&self) -> Option<Ipv4Addr> {
        self.ipv4_address.as_ref().and_then(AnyAddress::ipv4)
    }
}

/// An entry of `/config/subnets/{id}/vnics`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireVnic {
    ext_id: Option<String>,
    mac_address: Option<MacAddr>,
    vm_reference: Option<VmReference>,
    #[serde(default, deserialize_with = "or_default")]
    assigned_ipv4_addresses: Vec<AnyAddress>,
    #[serde(default, deserialize_with = "or_default")]
    assigned_secondary_ipv4_addresses: Vec<AnyAddress>,
    #[serde(default, deserialize_with = "or_default")]
    learned_ipv4_addresses: Vec<AnyAddress>,
}

/// The reference does not show which of both it is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum VmReference {
    Plain(VmExtId),
    Object(Ref<VmExtId>),
}

impl Listed for WireVnic {
    const KIND: ObjectKind = ObjectKind::SubnetVnic;

    fn key(&self) -> Option<&str> {
        self.ext_id.as_deref()
    }
}

impl From<WireVnic> for SubnetVnic {
    fn from(wire: WireVnic) -> Self {
        Self {
            mac: wire.mac_address,
            vm: wire.vm_reference.map(|reference| match reference {
                VmReference::Plain(id) => id,
                VmReference::Object(reference) => reference.ext_id,
            }),
            assigned: wire
                .assigned_ipv4_addresses
                .iter()
                .chain(&wire.assigned_secondary_ipv4_addresses)
                .filter_map(AnyAddress::ipv4)
                .collect(),
            learned: wire
                .learned_ipv4_addresses
                .iter()
                .filter_map(AnyAddress::ipv4)
                .collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireVpc {
    pub(in super::super) ext_id: FlowVpcExtId,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    vpc_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    external_subnets: Vec<ExternalSubnet>,
    #[serde(default, deserialize_with = "or_default")]
    externally_routable_prefixes: Vec<Erp>,
}

impl Listed for WireVpc {
    const KIND: ObjectKind = ObjectKind::FlowVpc;

    fn key(&self) -> Option<&str> {
        Some(self.ext_id.as_str())
    }
}

impl WireVpc {
    /// Whether it has this name and is no transit VPC.
    pub(in super::super) fn is(&self, name: &str) -> bool {
        self.name == name && !self.is_transit()
    }

    fn is_transit(&self) -> bool {
        self.vpc_type.as_deref() == Some("TRANSIT")
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ExternalSubnet {
    pub(in super::super) subnet_reference: SubnetExtId,
}

/// An externally routable prefix, of one family or the other.
#[derive(Debug, Deserialize, Serialize)]
pub(in super::super) struct Erp {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipv4: Option<Prefix>,
}

impl Erp {
    pub(in super::super) fn cidr(&self) -> Option<Cidr> {
        self.ipv4.map(Cidr::from)
    }
}

impl From<Cidr> for Erp {
    fn from(cidr: Cidr) -> Self {
        Self {
            ipv4: Some(cidr.into()),
        }
    }
}

impl From<WireVpc> for FlowVpc {
    fn from(wire: WireVpc) -> Self {
        Self {
            transit: wire.is_transit(),
            name: wire.name,
            external_subnets: wire
                .external_subnets
                .into_iter()
                .map(|subnet| subnet.subnet_reference)
                .collect(),
            erps: wire
                .externally_routable_prefixes
                .iter()
                .filter_map(Erp::cidr)
                .collect::<BTreeSet<_>>(),
        }
    }
}

/// DNS servers as subnets and Flow VPCs are given them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct NewDhcpOptions {
    pub(in super::super) domain_name_servers: Vec<Ip>,
}

impl NewDhcpOptions {
    /// Options with these servers; none if there is none to set.
    pub(in super::super) fn servers(servers: &[Ipv4Addr]) -> Option<Self> {
        (!servers.is_empty()).then(|| Self {
            domain_name_servers: servers.iter().map(|&server| server.into()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prism reference §3.2.
    const SUBNET: &str = r#"{"extId":"0ccc7c20-4028-4665-81ea-6021ca45c462","name":"app-subnet","subnetType":"OVERLAY","isExternal":false,
 "vpcReference":"78de692d-750b-4206-8c08-ba26f39edc3d","isAdvancedNetworking":true,"networkId":4097,
 "ipConfig":[{"ipv4":{"ipSubnet":{"ip":{"value":"10.0.1.0"},"prefixLength":24},
   "defaultGatewayIp":{"value":"10.0.1.1"},"poolList":[{"startIp":{"value":"10.0.1.200"},"endIp":{"value":"10.0.1.250"}}]}}],
 "dhcpOptions":{"domainNameServers":[{"ipv4":{"value":"10.0.0.2"}}],"domainName":"corp.example","searchDomains":[]},
 "reservedIpAddresses":[],"ipPrefix":"10.0.1.0/24",
 "ipUsage":{"numMacs":3,"numFreeIPs":250,"numAssignedIPs":3,"ipPoolUsages":[{"numFreeIPs":51,"numTotalIPs":51,
   "range":{"startIp":{"value":"10.0.1.200"},"endIp":{"value":"10.0.1.250"}}}]}}"#;

    /// Prism reference §3.2.
    const VPC: &str = r#"{"extId":"78de692d-750b-4206-8c08-ba26f39edc3d","name":"app-vpc","vpcType":"REGULAR",
 "externalSubnets":[{"subnetReference":"9f4312c0-705f-40ea-928b-75c9bfdb3ef5","externalIps":[{"ipv4":{"value":"100.64.1.10"}}],"activeGatewayCount":1}],
 "externallyRoutablePrefixes":[{"ipv4":{"ip":{"value":"10.0.0.0"},"prefixLength":16}}],
 "commonDhcpOptions":{"domainNameServers":[{"ipv4":{"value":"10.0.0.2"}}]}}"#;

    #[test]
    fn an_overlay_subnet_is_read() {
        let subnet: FlowSubnet = serde_json::from_str::<WireSubnet>(SUBNET).unwrap().into();
        assert_eq!(subnet.cidr, Some("10.0.1.0/24".parse().unwrap()));
        assert_eq!(subnet.gateway, Some("10.0.1.1".parse().unwrap()));
        assert_eq!(subnet.pools[0].to_string(), "10.0.1.200-10.0.1.250");
        assert!(!subnet.external && !subnet.nat);
        assert_eq!(subnet.dns, Some(vec!["10.0.0.2".parse().unwrap()]));
    }

    #[test]
    fn dns_servers_that_are_not_told_are_unknown_and_options_without_any_have_none() {
        let dns = |json: &str| {
            let subnet: FlowSubnet = serde_json::from_str::<WireSubnet>(json).unwrap().into();
            subnet.dns
        };
        assert_eq!(dns(r#"{"extId":"s"}"#), None);
        assert_eq!(dns(r#"{"extId":"s","dhcpOptions":{}}"#), Some(Vec::new()));
    }

    #[test]
    fn an_uplink_translates_unless_it_says_otherwise() {
        let uplink = |nat: &str| -> FlowSubnet {
            let json = format!(r#"{{"extId":"s","isExternal":true,"isNatEnabled":{nat}}}"#);
            serde_json::from_str::<WireSubnet>(&json).unwrap().into()
        };
        assert!(uplink("null").nat);
        assert!(!uplink("false").nat);
    }

    #[test]
    fn a_flow_vpc_is_read_with_its_prefixes() {
        let vpc: FlowVpc = serde_json::from_str::<WireVpc>(VPC).unwrap().into();
        assert_eq!(vpc.erps, BTreeSet::from(["10.0.0.0/16".parse().unwrap()]));
        assert!(!vpc.transit);
        assert_eq!(vpc.external_subnets.len(), 1);
    }

    #[test]
    fn addresses_of_a_vnic_are_read_in_every_form() {
        let json = r#"{"macAddress":"50-6b-8d-24-19-54","vmReference":"v","assignedIpv4Addresses":["10.0.1.10",{"value":"10.0.1.11"}],
          "assignedSecondaryIpv4Addresses":[{"ipv4":{"value":"10.0.1.12"}}],"learnedIpv4Addresses":null}"#;
        let vnic: SubnetVnic = serde_json::from_str::<WireVnic>(json).unwrap().into();
        assert_eq!(vnic.assigned.len(), 3);
        assert_eq!(vnic.vm, Some("v".into()));
        assert!(vnic.learned.is_empty());
    }
}
