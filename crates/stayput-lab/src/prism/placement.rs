//! Subnets and addresses of a recovered VM's NICs (Prism reference §6.8).
//!
//! Assumptions, all in this module: with the same CIDR on both sides an address is kept if it is free and the mapping has
//! `isIpMappingEnabled`. With another CIDR its host part is kept. An explicit `ipMappings` entry has priority. Without IP mapping
//! the target's pools decide. Secondary addresses follow the rule for the primary one but are never replaced.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use crate::prism::body;
use crate::prism::ipam;
use crate::prism::model::Nic;
use crate::prism::model::PcState;
use crate::prism::model::Plan;
use crate::prism::model::Vm;
use crate::state::LabState;

/// One direction of a recovery plan, with production or test networks.
#[derive(Debug, Clone)]
pub struct Direction<'a> {
    /// The plan as the target side has it.
    pub plan: &'a Plan,
    /// Index of the source Prism Central, when it is known.
    pub source: Option<usize>,
    /// Index of the target Prism Central.
    pub target: usize,
    /// Whether it goes from the primary to the recovery location.
    pub forward: bool,
    /// Whether it uses the test networks.
    pub test: bool,
}

/// A network mapping in one direction.
#[derive(Debug, Clone)]
struct DirectedMapping<'a> {
    id: &'a str,
    subnet: Option<String>,
    keeps_addresses: bool,
    source_cidr: Option<Cidr>,
}

/// Why a NIC cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacementError {
    /// No mapping contains its network.
    Unmapped,
    /// The mapping has no network for this direction, or the target does not have that network.
    NoTarget,
}

/// Subnet and addresses of a recovered NIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NicPlacement {
    /// Subnet at the target.
    pub subnet: String,
    /// Address.
    pub address: Option<Ipv4Addr>,
    /// Secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Whether an address could not be kept.
    pub lost: bool,
}

/// Addresses and MACs in use at the target while VMs are placed one after the other.
#[derive(Debug, Default)]
pub struct Occupancy {
    addresses: BTreeMap<String, BTreeSet<Ipv4Addr>>,
    macs: BTreeMap<String, BTreeSet<MacAddr>>,
}

impl Occupancy {
    /// Returns what the target's VMs use, except those that will be replaced.
    pub fn of(target: &PcState, replaced_originals: &BTreeSet<String>) -> Self {
        let mut occupancy = Self::default();
        for (id, vm) in &target.vms {
            if replaced_originals.contains(id) {
                continue;
            }
            for nic in &vm.nics {
                occupancy.take(
                    &nic.subnet,
                    nic.address.iter().chain(&nic.secondary),
                    nic.mac,
                );
            }
        }
        occupancy
    }

    fn take<'a>(
        &mut self,
        subnet: &str,
        addresses: impl Iterator<Item = &'a Ipv4Addr>,
        mac: MacAddr,
    ) {
        self.addresses
            .entry(subnet.to_owned())
            .or_default()
            .extend(addresses);
        self.macs.entry(subnet.to_owned()).or_default().insert(mac);
    }

    /// Records a placed NIC.
    pub fn add(&mut self, nic: &Nic) {
        self.take(
            &nic.subnet,
            nic.address.iter().chain(&nic.secondary),
            nic.mac,
        );
    }

    /// Whether a MAC is in use on a subnet.
    pub fn has_mac(&self, subnet: &str, mac: MacAddr) -> bool {
        self.macs
            .get(subnet)
            .is_some_and(|macs| macs.contains(&mac))
    }
}

impl Direction<'_> {
    /// Returns subnet and addresses for a NIC of a VM. `names` are the ids that the VM has had: settings may use any of them.
    ///
    /// # Errors
    /// When the NIC cannot be placed.
    pub fn place(
        &self,
        lab: &LabState,
        occupancy: &Occupancy,
        names: &[String],
        nic: &Nic,
    ) -> Result<NicPlacement, PlacementError> {
        let mapped = self.mapping(lab, nic).ok_or(PlacementError::Unmapped)?;
        let target = &lab.pcs[self.target];
        let (id, subnet) = mapped
            .subnet
            .as_deref()
            .and_then(|id| target.subnets.get_key_value(id))
            .ok_or(PlacementError::NoTarget)?;
        let mut place = NicPlacement {
            subnet: id.clone(),
            address: None,
            secondary: Vec::new(),
            lost: false,
        };
        let Some(cidr) = subnet.cidr else {
            place.lost = nic.address.is_some();
            return Ok(place);
        };
        let none = BTreeSet::new();
        let taken = occupancy.addresses.get(id).unwrap_or(&none);
        let translate = |address: Ipv4Addr| match mapped.source_cidr {
            Some(source) if source != cidr => {
                cidr.nth(u32::from(address) - u32::from(source.network()))
            }
            Some(_) | None => Some(address),
        };
        if let Some(address) = nic.address {
            let wanted = self
                .explicit(mapped.id, names, address)
                .or_else(|| translate(address).filter(|_| mapped.keeps_addresses))
                .filter(|wanted| ipam::check(subnet, taken, *wanted).is_ok());
            place.address = wanted.or_else(|| ipam::next_free(subnet, taken).ok());
            place.lost = place.address != Some(address);
        }
        for address in &nic.secondary {
            let wanted = self
                .explicit(mapped.id, names, *address)
                .or_else(|| translate(*address).filter(|_| mapped.keeps_addresses))
                .filter(|wanted| ipam::check(subnet, taken, *wanted).is_ok())
                .filter(|wanted| {
                    place.address != Some(*wanted) && !place.secondary.contains(wanted)
                });
            place.lost |= wanted != Some(*address);
            place.secondary.extend(wanted);
        }
        Ok(place)
    }

    fn mapping(&self, lab: &LabState, nic: &Nic) -> Option<DirectedMapping<'_>> {
        let (from, to) = match (self.forward, self.test) {
            (true, false) => ("primaryNetwork", "recoveryNetwork"),
            (true, true) => ("primaryNetwork", "recoveryTestNetwork"),
            (false, false) => ("recoveryNetwork", "primaryNetwork"),
            (false, true) => ("recoveryNetwork", "primaryTestNetwork"),
        };
        let source = self.source.map(|source| &lab.pcs[source]);
        self.plan.mappings.iter().find_map(|(id, mapping)| {
            let network = mapping.get(from)?;
            let matches = match network.get("subnetExtId").and_then(Value::as_str) {
                Some(subnet) => subnet == nic.subnet,
                None => source.and_then(|source| resolve(source, network))? == nic.subnet,
            };
            matches.then(|| DirectedMapping {
                id,
                subnet: mapping
                    .get(to)
                    .and_then(|network| resolve(&lab.pcs[self.target], network)),
                keeps_addresses: mapping.get("isIpMappingEnabled") == Some(&Value::Bool(true)),
                source_cidr: source
                    .and_then(|source| source.subnets.get(&nic.subnet))
                    .and_then(|subnet| subnet.cidr),
            })
        })
    }

    /// Returns the address that an `ipMappings` entry has for one at the source.
    fn explicit(&self, mapping: &str, names: &[String], address: Ipv4Addr) -> Option<Ipv4Addr> {
        let (from, to) = match (self.forward, self.test) {
            (true, false) => ("primaryIp", "recoveryIp"),
            (true, true) => ("primaryIp", "recoveryTestIp"),
            (false, false) => ("recoveryIp", "primaryIp"),
            (false, true) => ("recoveryIp", "primaryTestIp"),
        };
        let read = |entry: &Value, name: &str| body::address(entry.get(name), name).ok().flatten();
        self.settings(names)
            .filter_map(|setting| setting.get("ipMappings")?.as_array())
            .flatten()
            .filter(|entry| {
                entry.get("networkMappingExtId").and_then(Value::as_str) == Some(mapping)
            })
            .find(|entry| read(entry, from) == Some(address))
            .and_then(|entry| read(entry, to))
    }

    /// Returns the settings of one VM, by any id it has had.
    fn settings(&self, names: &[String]) -> impl Iterator<Item = &Value> {
        self.plan
            .settings
            .values()
            .filter_map(|setting| setting.get("recoverySetting"))
            .filter(|setting| {
                setting
                    .get("vm")
                    .and_then(|vm| vm.get("extId")?.as_str())
                    .is_some_and(|vm| names.iter().any(|name| name == vm))
            })
    }

    /// Whether a VM is powered on once recovered: as it was, unless a setting of the VM or of a category decides differently.
    pub fn powers_on(&self, names: &[String], vm: &Vm) -> bool {
        let of_category = self
            .plan
            .settings
            .values()
            .filter_map(|setting| setting.get("recoverySetting"))
            .filter(|setting| {
                setting
                    .get("vmCategoryExtId")
                    .and_then(Value::as_str)
                    .is_some_and(|category| vm.categories.contains(category))
            });
        self.settings(names)
            .chain(of_category)
            .find_map(|setting| setting.get("powerState")?.as_str())
            .map_or(vm.on, |state| state == "ON")
    }
}

/// Returns the subnet that a `NetworkConfig` names, by id or by name within its VPC.
fn resolve(pc: &PcState, network: &Value) -> Option<String> {
    if let Some(id) = network.get("subnetExtId").and_then(Value::as_str) {
        return pc.subnets.contains_key(id).then(|| id.to_owned());
    }
    let name = network.get("subnetName").and_then(Value::as_str)?;
    let vpc = network
        .get("vpc")
        .and_then(|vpc| vpc.get("extId")?.as_str());
    pc.subnets
        .iter()
        .find(|(_, subnet)| subnet.name == name && (vpc.is_none() || subnet.vpc.as_deref() == vpc))
        .map(|(id, _)| id.clone())
}
