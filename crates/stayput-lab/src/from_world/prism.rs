//! The Prism Central part of a snapshot.

use std::collections::BTreeMap;

use stayput_estate::Estate;
use stayput_estate::MacAddr;
use stayput_estate::Nc2Site;
use stayput_world::Prism;
use stayput_world::World;
use stayput_world::prism as seen;

use super::PastTimes;
use crate::prism::NAMESPACES;
use crate::prism::model;
use crate::prism::model::PcState;
use crate::state::LabState;

/// The v4 minor of every namespace: the first with recovery plans (Prism reference §6.5).
const MINOR: u32 = 2;
/// First virtual network identifier of the overlays (value from Prism reference §3.2).
const FIRST_VNI: u32 = 4097;
/// vCPUs and memory in bytes of a VM, which a snapshot does not hold.
const SHAPE: (u32, u64) = (2, 4 << 30);

/// Fills in the Prism Central of every site of the estate that was observed.
pub(super) fn fill(lab: &mut LabState, past: &mut PastTimes, world: &World, estate: &Estate) {
    for (name, prism) in &world.prism {
        if let Some(site) = estate.sites.get(name) {
            lab.pcs.push(prism_central(past, site, prism));
        }
    }
    let index: BTreeMap<String, usize> = lab
        .pcs
        .iter()
        .enumerate()
        .map(|(index, pc)| (pc.domain_manager.clone(), index))
        .collect();
    for pc in &mut lab.pcs {
        let Some(prism) = world
            .prism
            .values()
            .find(|prism| prism.domain_manager.as_str() == pc.domain_manager)
        else {
            continue;
        };
        for (manager, connectivity) in &prism.registrations {
            let Some(other) = index.get(manager.as_str()) else {
                continue;
            };
            pc.paired.insert(manager.to_string(), *other);
            match connectivity {
                seen::Connectivity::Disconnected => {
                    pc.cut_off.insert(manager.to_string());
                }
                seen::Connectivity::Connected | seen::Connectivity::Unknown(_) => {}
            }
        }
    }
}

fn prism_central(past: &mut PastTimes, site: &Nc2Site, prism: &Prism) -> PcState {
    let cluster = prism.vms.values().find_map(|vm| vm.cluster.as_ref());
    PcState {
        name: site.name.to_string(),
        domain_manager: prism.domain_manager.to_string(),
        cluster: (
            cluster.map_or_else(String::new, ToString::to_string),
            site.name.to_string(),
        ),
        minors: NAMESPACES
            .iter()
            .map(|namespace| ((*namespace).to_owned(), MINOR))
            .collect(),
        aws: (site.region.to_string(), site.vpc.to_string()),
        vpcs: prism
            .vpcs
            .iter()
            .map(|(id, vpc)| (id.to_string(), flow_vpc(site, vpc)))
            .collect(),
        subnets: (FIRST_VNI..)
            .zip(&prism.subnets)
            .map(|(vni, (id, found))| (id.to_string(), subnet(vni, found)))
            .collect(),
        vms: prism
            .vms
            .iter()
            .map(|(id, vm)| (id.to_string(), machine(past, vm)))
            .collect(),
        categories: prism
            .categories
            .iter()
            .map(|(id, category)| {
                let pair = (category.key.clone(), category.value.clone());
                (id.to_string(), pair)
            })
            .collect(),
        ..PcState::default()
    }
}

fn flow_vpc(site: &Nc2Site, vpc: &seen::FlowVpc) -> model::FlowVpc {
    let is_user = vpc.name == site.flow_vpc;
    model::FlowVpc {
        name: vpc.name.clone(),
        transit: vpc.transit || (vpc.name == site.transit_vpc && !is_user),
        external: vpc
            .external_subnets
            .iter()
            .map(ToString::to_string)
            .collect(),
        erps: vpc.erps.clone(),
        dns: if is_user {
            site.dns_servers.clone()
        } else {
            Vec::new()
        },
        ..model::FlowVpc::default()
    }
}

fn subnet(network_id: u32, subnet: &seen::FlowSubnet) -> model::FlowSubnet {
    model::FlowSubnet {
        name: subnet.name.clone(),
        vpc: subnet.vpc.as_ref().map(ToString::to_string),
        cidr: subnet.cidr,
        gateway: subnet.gateway,
        pools: subnet.pools.clone(),
        external: subnet.external,
        nat: subnet.nat,
        reserved: subnet
            .reserved
            .iter()
            .map(|address| (*address, String::new()))
            .collect(),
        dns: subnet.dns.clone().unwrap_or_default(),
        network_id,
        ..model::FlowSubnet::default()
    }
}

fn machine(past: &mut PastTimes, vm: &seen::Vm) -> model::Vm {
    // A NIC without a subnet is in no network of the lab.
    let nics = vm.nics.iter().filter_map(|nic| {
        Some(model::Nic {
            id: nic.id.to_string(),
            mac: nic.mac.unwrap_or(MacAddr::new([0; 6])),
            subnet: nic.subnet.as_ref()?.to_string(),
            address: nic.address,
            secondary: nic.secondary.clone(),
            connected: nic.connected,
            version: 0,
        })
    });
    model::Vm {
        name: vm.name.clone(),
        description: String::new(),
        on: match vm.power {
            seen::PowerState::On => true,
            seen::PowerState::Off | seen::PowerState::Other(_) => false,
        },
        categories: vm.categories.iter().map(ToString::to_string).collect(),
        nics: nics.collect(),
        shape: SHAPE,
        created: past.next(),
        test_of: None,
        version: 0,
    }
}
