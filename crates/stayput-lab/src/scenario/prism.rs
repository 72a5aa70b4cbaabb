//! Prism Centrals of a scenario.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;
use stayput_messages::Message;

use super::Fault;
use super::build::Build;
use super::build::find;
use super::build::nth_sibling;
use super::format;
use super::format::Text;
use super::ids;
use crate::prism::model::FlowSubnet;
use crate::prism::model::FlowVpc;
use crate::prism::model::Nic;
use crate::prism::model::PcState;
use crate::prism::model::Vm;

/// The v4 namespaces of a Prism Central (Prism reference §0).
const NAMESPACES: [&str; 5] = [
    "vmm",
    "networking",
    "prism",
    "datapolicies",
    "dataprotection",
];
/// First VLAN of other teams.
const FIRST_VLAN: u32 = 1000;
/// First virtual network identifier of the overlays (value from Prism reference §3.2).
const FIRST_VNI: u32 = 4097;
/// First address of other teams' VMs in a managed VLAN.
const FIRST_CROWD_ADDRESS: u32 = 10;
/// vCPUs and memory in bytes of a VM.
const SHAPE: (u32, u64) = (2, 4 << 30);

/// Creates the Prism Centrals, in the order of their names.
pub(super) fn make(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    let index: BTreeMap<&str, usize> = file
        .prisms
        .keys()
        .enumerate()
        .map(|(index, name)| (name.as_str(), index))
        .collect();
    for (name, described) in &file.prisms {
        let vpc = find(&file.vpcs, &described.vpc, Message::new("lab-kind-vpc"))?;
        let mut paired = BTreeMap::new();
        for other in &described.paired {
            find(&file.prisms, other, Message::new("lab-kind-prism"))?;
            if other.get_ref() == name {
                return Err(Fault::at(
                    other.span(),
                    Message::new("scenario-paired-with-itself"),
                ));
            }
            if let Some(index) = index.get(other.get_ref().as_str()) {
                paired.insert(domain_manager(other.get_ref()), *index);
            }
        }
        let mut minors: BTreeMap<String, u32> = NAMESPACES
            .iter()
            .map(|namespace| ((*namespace).to_owned(), described.minor))
            .collect();
        minors.extend(described.minors.clone());
        let pc = PcState {
            name: name.clone(),
            domain_manager: domain_manager(name),
            cluster: (ids::cluster(name), described.cluster.clone()),
            minors,
            credentials: (described.username.clone(), described.password.clone()),
            aws: (
                vpc.region.get_ref().clone(),
                ids::vpc(described.vpc.get_ref()),
            ),
            paired,
            ..PcState::default()
        };
        let mut maker = Maker {
            name,
            described,
            pc,
            number: index.get(name.as_str()).copied().unwrap_or(0),
            nics: 0,
        };
        maker.networks()?;
        maker.vms(build)?;
        maker.crowd(build)?;
        build.lab.pcs.push(maker.pc);
    }
    Ok(())
}

/// Returns the id of the Prism Central with this name.
fn domain_manager(name: &str) -> String {
    ids::uuid("domain-manager", name)
}

struct Maker<'a> {
    name: &'a str,
    described: &'a format::Prism,
    pc: PcState,
    number: usize,
    nics: u16,
}

impl Maker<'_> {
    fn id(&self, kind: &str, name: &str) -> String {
        ids::uuid(kind, &format!("{}/{name}", self.name))
    }

    fn networks(&mut self) -> Result<(), Fault> {
        let described = self.described;
        for (name, vpc) in &described.vpcs {
            let mut external = BTreeSet::new();
            for subnet in &vpc.external {
                let uplink = find(
                    &described.subnets,
                    subnet,
                    Message::new("lab-kind-subnet-of-prism"),
                )?;
                if !uplink.external {
                    let message =
                        Message::new("scenario-not-external").with("subnet", subnet.get_ref());
                    return Err(Fault::at(subnet.span(), message));
                }
                external.insert(self.id("subnet", subnet.get_ref()));
            }
            let id = self.id("flow-vpc", name);
            self.pc.vpcs.insert(
                id,
                FlowVpc {
                    name: name.clone(),
                    transit: vpc.transit,
                    external,
                    erps: vpc.erps.iter().copied().collect(),
                    dns: vpc.dns.clone(),
                    ..FlowVpc::default()
                },
            );
        }
        for (vni, (name, subnet)) in (FIRST_VNI..).zip(&described.subnets) {
            let vpc = match &subnet.vpc {
                Some(vpc) => {
                    find(&described.vpcs, vpc, Message::new("lab-kind-flow-vpc"))?;
                    Some(self.id("flow-vpc", vpc.get_ref()))
                }
                None => None,
            };
            let mut pools = Vec::new();
            for pool in &subnet.pools {
                let (first, last) = *pool.get_ref();
                let inside = subnet
                    .cidr
                    .is_some_and(|cidr| cidr.contains(first) && cidr.contains(last));
                if !inside || first > last {
                    let message = Message::new("scenario-bad-pool");
                    return Err(Fault::at(pool.span(), message));
                }
                pools.push(AddrRange { first, last });
            }
            // External subnets are VLANs and have a VLAN number; overlays have a virtual network identifier (Prism reference
            // §3.2).
            let network_id = if vpc.is_none() { vni - FIRST_VNI } else { vni };
            let id = self.id("subnet", name);
            self.pc.subnets.insert(
                id,
                FlowSubnet {
                    name: name.clone(),
                    vpc,
                    cidr: subnet.cidr,
                    gateway: subnet.cidr.and_then(|cidr| cidr.nth(1)),
                    pools,
                    dns: subnet.dns.clone(),
                    external: subnet.external,
                    nat: subnet.nat,
                    network_id,
                    ..FlowSubnet::default()
                },
            );
        }
        Ok(())
    }

    fn vms(&mut self, build: &mut Build<'_>) -> Result<(), Fault> {
        let described = self.described;
        for (number, vm) in described.vms.iter().enumerate() {
            let mut nics = Vec::new();
            for (position, nic) in vm.nics.iter().enumerate() {
                let key = format!("{number}/{position}");
                let address = match &nic.address {
                    Some(address) => Some(self.address(&nic.subnet, address)?),
                    None => None,
                };
                find(
                    &described.subnets,
                    &nic.subnet,
                    Message::new("lab-kind-subnet-of-prism"),
                )?;
                let subnet = self.id("subnet", nic.subnet.get_ref());
                nics.push(self.nic(&key, subnet, address));
            }
            self.add_vm(build, &format!("vm/{number}"), &vm.name, vm.on, nics);
        }
        Ok(())
    }

    /// Checks that an address of a managed subnet is free, and takes it.
    fn address(&self, subnet: &Text, address: &toml::Spanned<Ipv4Addr>) -> Result<Ipv4Addr, Fault> {
        let wanted = *address.get_ref();
        let cidr = find(
            &self.described.subnets,
            subnet,
            Message::new("lab-kind-subnet-of-prism"),
        )?
        .cidr;
        let Some(cidr) = cidr.filter(|cidr| cidr.contains(wanted)) else {
            let message = Message::new("scenario-address-outside-subnet")
                .with("address", wanted)
                .with("subnet", subnet.get_ref());
            return Err(Fault::at(address.span(), message));
        };
        if [Some(cidr.network()), cidr.nth(1), Some(cidr.broadcast())].contains(&Some(wanted)) {
            let message = Message::new("scenario-address-special")
                .with("address", wanted)
                .with("cidr", cidr);
            return Err(Fault::at(address.span(), message));
        }
        let id = self.id("subnet", subnet.get_ref());
        let twice = self
            .pc
            .vms
            .values()
            .flat_map(|vm| &vm.nics)
            .any(|nic| nic.subnet == id && nic.address == Some(wanted));
        if twice {
            let message = Message::new("scenario-address-twice").with("address", wanted);
            return Err(Fault::at(address.span(), message));
        }
        Ok(wanted)
    }

    /// Creates a NIC with the next MAC address of this Prism Central; `50:6b:8d` is Nutanix's prefix (Prism reference §2.3).
    fn nic(&mut self, key: &str, subnet: String, address: Option<Ipv4Addr>) -> Nic {
        let [high, low] = self.nics.to_be_bytes();
        self.nics = self.nics.wrapping_add(1);
        let site = u8::try_from(self.number).unwrap_or(u8::MAX);
        Nic {
            id: self.id("nic", key),
            mac: MacAddr::new([0x50, 0x6b, 0x8d, site, high, low]),
            subnet,
            address,
            secondary: Vec::new(),
            connected: true,
            version: 0,
        }
    }

    fn add_vm(&mut self, build: &mut Build<'_>, key: &str, name: &str, on: bool, nics: Vec<Nic>) {
        let id = self.id("vm", key);
        self.pc.vms.insert(
            id,
            Vm {
                name: name.to_owned(),
                description: String::new(),
                on,
                categories: BTreeSet::new(),
                nics,
                shape: SHAPE,
                created: build.next_made(),
                test_of: None,
                version: 0,
            },
        );
    }

    fn crowd(&mut self, build: &mut Build<'_>) -> Result<(), Fault> {
        let Some(crowd) = &self.described.crowd else {
            return Ok(());
        };
        let vlans = *crowd.vlans.get_ref();
        if vlans > 4095 - FIRST_VLAN {
            let message = Message::new("scenario-too-many-vlans").with("most", 4095 - FIRST_VLAN);
            return Err(Fault::at(crowd.vlans.span(), message));
        }
        if crowd.vms > 0 && vlans == 0 {
            return Err(Fault::at(
                crowd.vlans.span(),
                Message::new("scenario-no-vlan"),
            ));
        }
        for vlan in 0..vlans {
            let cidr = crowd_cidr(crowd, vlan)?;
            let name = format!("vlan-{}", FIRST_VLAN + vlan);
            let id = self.id("subnet", &name);
            self.pc.subnets.insert(
                id,
                FlowSubnet {
                    name,
                    cidr,
                    gateway: cidr.and_then(|cidr| cidr.nth(1)),
                    network_id: FIRST_VLAN + vlan,
                    ..FlowSubnet::default()
                },
            );
        }
        for number in 0..crowd.vms {
            let vlan = number % vlans.max(1);
            let address = crowd_cidr(crowd, vlan)?
                .and_then(|cidr| cidr.nth(FIRST_CROWD_ADDRESS + number / vlans.max(1)));
            let subnet = self.id("subnet", &format!("vlan-{}", FIRST_VLAN + vlan));
            let nic = self.nic(&format!("crowd/{number}"), subnet, address);
            let name = format!("other-team-{:03}", number + 1);
            let on = !number.is_multiple_of(10);
            self.add_vm(build, &format!("crowd/{number}"), &name, on, vec![nic]);
        }
        for number in 0..crowd.categories {
            let value = format!("team-{:03}", number + 1);
            let id = self.id("category", &value);
            self.pc
                .categories
                .insert(id, ("OtherTeam".to_owned(), value));
        }
        Ok(())
    }
}

/// Returns the CIDR of a VLAN of other teams: every second one is not managed.
fn crowd_cidr(crowd: &format::PrismCrowd, vlan: u32) -> Result<Option<Cidr>, Fault> {
    if vlan.is_multiple_of(2) {
        nth_sibling(&crowd.first, usize::try_from(vlan).unwrap_or(usize::MAX)).map(Some)
    } else {
        Ok(None)
    }
}
