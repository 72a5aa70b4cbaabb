//! VMs and their NICs (Prism reference §2.2).

use serde::Deserialize;
use stayput_estate::CategoryExtId;
use stayput_estate::ClusterExtId;
use stayput_estate::MacAddr;
use stayput_estate::NicExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_world::ObjectKind;
use stayput_world::prism::Nic;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use super::super::envelope::or_default;
use super::AnyAddress;
use super::Ipv4;
use super::Ref;
use crate::tolerant::Listed;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireVm {
    pub(in super::super) ext_id: VmExtId,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    power_state: String,
    cluster: Option<Ref<ClusterExtId>>,
    #[serde(default, deserialize_with = "or_default")]
    categories: Vec<Ref<CategoryExtId>>,
    #[serde(default, deserialize_with = "or_default")]
    nics: Vec<WireNic>,
}

impl Listed for WireVm {
    const KIND: ObjectKind = ObjectKind::Vm;

    fn key(&self) -> Option<&str> {
        Some(self.ext_id.as_str())
    }
}

impl From<WireVm> for Vm {
    fn from(wire: WireVm) -> Self {
        Self {
            name: wire.name,
            cluster: wire.cluster.map(|cluster| cluster.ext_id),
            power: match wire.power_state.as_str() {
                "ON" => PowerState::On,
                "OFF" => PowerState::Off,
                _ => PowerState::Other(wire.power_state),
            },
            categories: wire
                .categories
                .into_iter()
                .map(|category| category.ext_id)
                .collect(),
            nics: wire.nics.into_iter().map(Nic::from).collect(),
        }
    }
}

/// A NIC in either shape: `backingInfo`/`networkInfo` of v4.0, `nicBackingInfo`/`nicNetworkInfo` of v4.1 and later.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireNic {
    ext_id: NicExtId,
    backing_info: Option<Backing>,
    network_info: Option<NetworkInfo>,
    nic_backing_info: Option<Backing>,
    nic_network_info: Option<NetworkInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backing {
    mac_address: Option<MacAddr>,
    is_connected: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkInfo {
    subnet: Option<Ref<SubnetExtId>>,
    ipv4_config: Option<Ipv4Config>,
    ipv4_info: Option<Ipv4Info>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ipv4Info {
    #[serde(default, deserialize_with = "or_default")]
    learned_ip_addresses: Vec<AnyAddress>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ipv4Config {
    ip_address: Option<Ipv4>,
    #[serde(default, deserialize_with = "or_default")]
    secondary_ip_address_list: Vec<Ipv4>,
}

impl From<WireNic> for Nic {
    fn from(wire: WireNic) -> Self {
        // Where both are given the new one counts (Prism reference §2.2).
        let backing = wire.nic_backing_info.or(wire.backing_info);
        let network = wire.nic_network_info.or(wire.network_info);
        let backing = backing.unwrap_or_default();
        let network = network.unwrap_or_default();
        let (address, secondary) = match network.ipv4_config {
            Some(config) => (
                config.ip_address.map(|address| address.value),
                config
                    .secondary_ip_address_list
                    .into_iter()
                    .map(|address| address.value)
                    .collect(),
            ),
            None => (None, Vec::new()),
        };
        Self {
            id: wire.ext_id,
            mac: backing.mac_address,
            subnet: network.subnet.map(|subnet| subnet.ext_id),
            address,
            secondary,
            learned: network
                .ipv4_info
                .map(|info| info.learned_ip_addresses)
                .unwrap_or_default()
                .iter()
                .filter_map(AnyAddress::ipv4)
                .collect(),
            // `isConnected` is true unless told otherwise, in the API as here.
            connected: backing.is_connected.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::envelope::Page;
    use super::*;

    /// Prism reference §8.2.
    const VMS: &str = r#"{"data":[{"$objectType":"vmm.v4.ahv.config.Vm","$reserved":{"$fv":"v4.r0"},"extId":"bdbbad7a-a401-4f9a-a789-2b8406905b56","name":"app01","powerState":"ON",
 "cluster":{"extId":"0006200e-fe43-236a-0000-00000000601e"},"categories":[],"protectionType":"UNPROTECTED",
 "nics":[{"$objectType":"vmm.v4.ahv.config.Nic","$reserved":{"$fv":"v4.r0"},"extId":"22a6684a-c8be-49f8-b679-5fca3ac1d4ae",
  "backingInfo":{"$objectType":"vmm.v4.ahv.config.EmulatedNic","model":"VIRTIO","macAddress":"50:6b:8d:24:19:54","isConnected":true,"numQueues":1},
  "networkInfo":{"$objectType":"vmm.v4.ahv.config.NicNetworkInfo","nicType":"NORMAL_NIC","vlanMode":"ACCESS","subnet":{"extId":"0ccc7c20-4028-4665-81ea-6021ca45c462"},
   "ipv4Config":{"shouldAssignIp":true,"ipAddress":{"value":"10.0.1.201","prefixLength":32}},"ipv4Info":{"learnedIpAddresses":[]}}}]}],
 "metadata":{"flags":[{"name":"hasError","value":false},{"name":"isPaginated","value":true}],"totalAvailableResults":1}}"#;

    fn nic(json: &str) -> Nic {
        serde_json::from_str::<WireNic>(json).unwrap().into()
    }

    #[test]
    fn a_vm_is_read_with_its_nic() {
        let page: Page<WireVm> = serde_json::from_str(VMS).unwrap();
        assert_eq!(page.metadata.total, Some(1));
        let vm: Vm = page.data.unwrap().into_iter().next().unwrap().into();
        assert_eq!(vm.name, "app01");
        assert_eq!(vm.power, PowerState::On);
        let nic = &vm.nics[0];
        assert_eq!(nic.address, Some("10.0.1.201".parse().unwrap()));
        assert_eq!(nic.mac, Some("50:6b:8d:24:19:54".parse().unwrap()));
        assert_eq!(
            nic.subnet,
            Some("0ccc7c20-4028-4665-81ea-6021ca45c462".into())
        );
    }

    #[test]
    fn the_new_shape_of_a_nic_wins_over_the_old_one() {
        let nic = nic(r#"{"extId":"n",
          "backingInfo":{"macAddress":"50:6b:8d:00:00:01"},
          "networkInfo":{"subnet":{"extId":"old"},"ipv4Config":{"ipAddress":{"value":"10.0.1.1"}}},
          "nicBackingInfo":{"$objectType":"vmm.v4.ahv.config.VirtualEthernetNic","macAddress":"50:6b:8d:00:00:02","isConnected":false},
          "nicNetworkInfo":{"$objectType":"vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo","subnet":{"extId":"new"},
            "ipv4Config":{"ipAddress":{"value":"10.0.1.2"},"secondaryIpAddressList":[{"value":"10.0.1.3"}]}}}"#);
        assert_eq!(nic.mac, Some("50:6b:8d:00:00:02".parse().unwrap()));
        assert_eq!(nic.subnet, Some("new".into()));
        assert_eq!(nic.address, Some("10.0.1.2".parse().unwrap()));
        assert_eq!(
            nic.secondary,
            vec!["10.0.1.3".parse::<std::net::Ipv4Addr>().unwrap()]
        );
        assert!(!nic.connected);
    }

    #[test]
    fn a_nic_of_v4_1_is_read() {
        // Prism reference §8.4, with the id a server adds.
        let nic = nic(
            r#"{"extId":"n","nicBackingInfo":{"$objectType":"vmm.v4.ahv.config.VirtualEthernetNic","model":"VIRTIO","macAddress":"50:6b:8d:aa:bb:cc","isConnected":true,"numQueues":1},
 "nicNetworkInfo":{"$objectType":"vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo","nicType":"NORMAL_NIC","vlanMode":"ACCESS","subnet":{"extId":"0ccc7c20-4028-4665-81ea-6021ca45c462"},
  "ipv4Config":{"shouldAssignIp":true,"ipAddress":{"value":"10.0.1.10","prefixLength":32}}}}"#,
        );
        assert_eq!(nic.mac, Some("50:6b:8d:aa:bb:cc".parse().unwrap()));
        assert_eq!(nic.address, Some("10.0.1.10".parse().unwrap()));
        assert!(nic.connected);
    }

    #[test]
    fn an_address_seen_in_the_traffic_of_a_nic_is_read() {
        let nic = nic(
            r#"{"extId":"n","networkInfo":{"subnet":{"extId":"s"},"ipv4Info":{"learnedIpAddresses":[{"value":"172.30.1.10","prefixLength":32}]}}}"#,
        );
        assert_eq!(nic.address, None);
        assert_eq!(
            nic.learned,
            vec!["172.30.1.10".parse::<std::net::Ipv4Addr>().unwrap()]
        );
    }

    #[test]
    fn a_nic_without_an_address_has_none() {
        let nic = nic(
            r#"{"extId":"n","nicBackingInfo":null,"networkInfo":{"subnet":{"extId":"s"},"ipv4Config":null}}"#,
        );
        assert_eq!(nic.address, None);
        assert!(nic.secondary.is_empty());
    }

    #[test]
    fn an_unknown_power_state_is_kept_as_received() {
        let vm: Vm = serde_json::from_str::<WireVm>(
            r#"{"extId":"v","powerState":"HIBERNATED","nics":null}"#,
        )
        .unwrap()
        .into();
        assert_eq!(vm.power, PowerState::Other("HIBERNATED".to_owned()));
    }
}
