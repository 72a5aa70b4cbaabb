//! Addresses and MACs of a Prism Central's subnets: which are in use, which may be assigned, and automatic assignment.
//!
//! Pools only bound automatic assignment: an address outside every pool, or a reserved one, may be requested explicitly
//! (inferred, Prism reference §2.3).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::MacAddr;

use crate::prism::model::Failure;
use crate::prism::model::FlowSubnet;
use crate::prism::model::Nic;
use crate::prism::model::PcState;
use crate::state::LabState;

/// Properties of a NIC to create or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NicSpec {
    /// Subnet.
    pub subnet: String,
    /// MAC address; generated when absent.
    pub mac: Option<MacAddr>,
    /// Requested address.
    pub address: AddressRequest,
    /// Secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Whether it is connected.
    pub connected: bool,
}

/// Which address is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRequest {
    /// None.
    None,
    /// The next free address of the pools; none on an unmanaged subnet.
    Any,
    /// This address.
    This(Ipv4Addr),
}

/// Returns every address that NICs have on a subnet, except those of one NIC.
pub fn taken(pc: &PcState, subnet: &str, except: Option<&str>) -> BTreeSet<Ipv4Addr> {
    nics_on(pc, subnet)
        .filter(|nic| except != Some(nic.id.as_str()))
        .flat_map(|nic| nic.address.into_iter().chain(nic.secondary.iter().copied()))
        .collect()
}

/// Returns the NICs on a subnet.
pub fn nics_on<'a>(pc: &'a PcState, subnet: &'a str) -> impl Iterator<Item = &'a Nic> {
    pc.vms
        .values()
        .flat_map(|vm| vm.nics.iter())
        .filter(move |nic| nic.subnet == subnet)
}

/// Checks whether an address may be assigned to a NIC on a subnet.
///
/// # Errors
/// The failure that the task reports.
pub fn check(
    subnet: &FlowSubnet,
    taken: &BTreeSet<Ipv4Addr>,
    address: Ipv4Addr,
) -> Result<(), Failure> {
    let invalid = |message: String| Failure::new("VMM-20102", "VM_NIC_IP_INVALID", message);
    let Some(cidr) = subnet.cidr else {
        return Err(unmanaged());
    };
    if !cidr.contains(address) {
        return Err(invalid(format!(
            "IP address {address} is not in subnet {cidr} of network {}",
            subnet.name
        )));
    }
    if address == cidr.network() || address == cidr.broadcast() {
        return Err(invalid(format!(
            "IP address {address} is the network or broadcast address of {cidr}"
        )));
    }
    if subnet.gateway == Some(address) {
        return Err(invalid(format!(
            "IP address {address} is the default gateway of network {}",
            subnet.name
        )));
    }
    if subnet.dhcp_server == Some(address) {
        return Err(invalid(format!(
            "IP address {address} is the DHCP server of network {}",
            subnet.name
        )));
    }
    if taken.contains(&address) {
        return Err(Failure::new(
            "VMM-20101",
            "VM_NIC_IP_IN_USE",
            format!("IP address {address} is already in use"),
        ));
    }
    Ok(())
}

fn unmanaged() -> Failure {
    Failure::new(
        "VMM-20103",
        "VM_NIC_NETWORK_UNMANAGED",
        "Cannot assign IP address on an unmanaged network",
    )
}

/// Returns the next free address of the pools, without used and reserved ones.
///
/// # Errors
/// When no address is free, or the subnet has no pool.
pub fn next_free(subnet: &FlowSubnet, taken: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, Failure> {
    if subnet.cidr.is_none() {
        return Err(unmanaged());
    }
    subnet
        .pools
        .iter()
        .flat_map(|pool| u32::from(pool.first)..=u32::from(pool.last))
        .map(Ipv4Addr::from)
        .find(|address| {
            !subnet.reserved.contains_key(address) && check(subnet, taken, *address).is_ok()
        })
        .ok_or_else(|| {
            Failure::new(
                "VMM-20104",
                "VM_NIC_IP_POOL_EXHAUSTED",
                format!("No free IP address in the pools of network {}", subnet.name),
            )
        })
}

/// Creates a NIC from a spec, with a new id.
///
/// # Errors
/// When the subnet is unknown, or an address or the MAC cannot be assigned.
pub fn make_nic(lab: &mut LabState, pc: usize, spec: &NicSpec) -> Result<Nic, Failure> {
    let mac = match spec.mac {
        Some(mac) => {
            let used = nics_on(&lab.pcs[pc], &spec.subnet).any(|nic| nic.mac == mac);
            if used {
                return Err(Failure::new(
                    "VMM-20105",
                    "VM_NIC_MAC_IN_USE",
                    format!("MAC address {mac} is already in use on this network"),
                ));
            }
            mac
        }
        None => fresh_mac(lab, pc, &spec.subnet),
    };
    let state = &lab.pcs[pc];
    let subnet = subnet(state, &spec.subnet)?;
    let mut used = taken(state, &spec.subnet, None);
    let address = resolve(subnet, &used, spec.address)?;
    used.extend(address);
    for secondary in &spec.secondary {
        check(subnet, &used, *secondary)?;
        used.insert(*secondary);
    }
    Ok(Nic {
        id: lab.uuid(),
        mac,
        subnet: spec.subnet.clone(),
        address,
        secondary: spec.secondary.clone(),
        connected: spec.connected,
        version: 1,
    })
}

/// Returns the subnet with this id.
///
/// # Errors
/// When it does not exist.
pub fn subnet<'a>(pc: &'a PcState, id: &str) -> Result<&'a FlowSubnet, Failure> {
    pc.subnets.get(id).ok_or_else(|| {
        Failure::new(
            "VMM-20106",
            "VM_NIC_SUBNET_NOT_FOUND",
            format!("Subnet {id} was not found"),
        )
    })
}

/// Returns the address that a request results in.
///
/// # Errors
/// When it cannot be assigned.
pub fn resolve(
    subnet: &FlowSubnet,
    taken: &BTreeSet<Ipv4Addr>,
    requested: AddressRequest,
) -> Result<Option<Ipv4Addr>, Failure> {
    match requested {
        AddressRequest::None => Ok(None),
        AddressRequest::Any if subnet.cidr.is_none() => Ok(None),
        AddressRequest::Any => next_free(subnet, taken).map(Some),
        AddressRequest::This(address) => check(subnet, taken, address).map(|()| Some(address)),
    }
}

/// Returns a MAC with Nutanix's prefix that is not in use on the subnet.
pub fn fresh_mac(lab: &mut LabState, pc: usize, subnet: &str) -> MacAddr {
    loop {
        let [.., a, b, c] = lab.next_id().to_be_bytes();
        let mac = MacAddr::new([0x50, 0x6b, 0x8d, a, b, c]);
        if !nics_on(&lab.pcs[pc], subnet).any(|nic| nic.mac == mac) {
            return mac;
        }
    }
}
