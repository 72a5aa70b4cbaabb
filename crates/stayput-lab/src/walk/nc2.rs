//! Flow Virtual Networking: transit VPC, user VPC, subnet, VM, and packets leaving them (AWS reference §4).

use std::net::Ipv4Addr;

use super::At;
use super::End;
use super::Origin;
use super::SiteKind;
use super::Walker;
use crate::aws::routing::is_up;
use crate::nc2;
use crate::prism::model::FlowVpc;
use crate::prism::model::PcState;
use crate::prism::model::Vm;
use crate::state::LabState;

/// Returns the Prism Central whose cluster is in this VPC, as its index in [`LabState::pcs`].
pub fn cluster_in(lab: &LabState, region: &str, vpc: &str) -> Option<usize> {
    lab.pcs
        .iter()
        .position(|pc| pc.aws.0 == region && pc.aws.1 == vpc)
}

/// Whether packets leave a user VPC with their own addresses: it has an external subnet without NAT.
pub fn is_untranslated(pc: &PcState, vpc: &FlowVpc) -> bool {
    vpc.external
        .iter()
        .filter_map(|id| pc.subnets.get(id))
        .any(|subnet| subnet.external && !subnet.nat)
}

/// Returns the length of the longest externally routable prefix of a VPC that contains the address.
pub(crate) fn erp(vpc: &FlowVpc, address: Ipv4Addr) -> Option<u8> {
    vpc.erps
        .iter()
        .filter(|prefix| prefix.contains(address))
        .map(|prefix| prefix.len())
        .max()
}

/// Returns the length of the longest externally routable prefix of the transit VPC that contains the address.
fn transit_erp(pc: &PcState, address: Ipv4Addr) -> Option<u8> {
    pc.vpcs
        .values()
        .filter(|vpc| vpc.transit)
        .find_map(|vpc| erp(vpc, address))
}

/// Whether a VM has an address on a connected NIC in this subnet.
pub(crate) fn has(vm: &Vm, subnet: &str, address: Ipv4Addr) -> bool {
    vm.nics.iter().any(|nic| {
        nic.connected
            && nic.subnet == subnet
            && (nic.address == Some(address) || nic.secondary.contains(&address))
    })
}

impl Walker<'_> {
    /// Returns a powered-on VM with this address outside isolated networks, else any powered-on one.
    pub(super) fn vm_with(&self, address: Ipv4Addr) -> Option<Origin> {
        let holders = self
            .lab
            .pcs
            .iter()
            .enumerate()
            .filter(|(_, pc)| !pc.down)
            .flat_map(|(index, pc)| {
                pc.vms
                    .iter()
                    .filter(move |(_, vm)| {
                        vm.on && vm.nics.iter().any(|nic| has(vm, &nic.subnet, address))
                    })
                    .map(move |(id, vm)| (index, pc, id, vm))
            });
        holders
            .max_by_key(|(_, pc, _, vm)| {
                vm.nics
                    .iter()
                    .filter(|nic| has(vm, &nic.subnet, address))
                    .filter_map(|nic| pc.subnets.get(&nic.subnet)?.vpc.as_ref())
                    .filter_map(|vpc| pc.vpcs.get(vpc))
                    .any(|vpc| erp(vpc, address).is_some())
            })
            .map(|(pc, _, id, _)| Origin::Vm { pc, vm: id.clone() })
    }

    /// In the transit VPC: sends the packet to the user VPC whose externally routable prefix contains the address. The transit
    /// VPC must have the prefix too.
    pub(super) fn transit_vpc(&mut self, pc: usize) -> Result<At, End> {
        let to = self.to;
        let Some(site) = self.lab.pcs.get(pc) else {
            return Err(End::NoRoute);
        };
        match self.user_vpc_for(site) {
            Some(vpc) => {
                self.hop(format!("{} transit VPC: {to} → {vpc}", site.name));
                Ok(At::UserVpc {
                    pc,
                    vpc: vpc.to_owned(),
                })
            }
            None => {
                self.hop(format!("{} transit VPC: no route to {to}", site.name));
                Err(End::NoRoute)
            }
        }
    }

    fn user_vpc_for<'b>(&self, site: &'b PcState) -> Option<&'b str> {
        transit_erp(site, self.to)?;
        site.vpcs
            .iter()
            .filter(|(_, vpc)| !vpc.transit && is_untranslated(site, vpc))
            .filter_map(|(id, vpc)| Some((erp(vpc, self.to)?, id)))
            .max()
            .map(|(_, id)| id.as_str())
    }

    /// In a user VPC: the subnet that contains the address is on-link.
    pub(super) fn user_vpc(&mut self, pc: usize, vpc: &str) -> End {
        let to = self.to;
        let Some(site) = self.lab.pcs.get(pc) else {
            return End::NoRoute;
        };
        let subnet = site.subnets.iter().find(|(_, subnet)| {
            subnet.vpc.as_deref() == Some(vpc) && subnet.cidr.is_some_and(|cidr| cidr.contains(to))
        });
        match subnet {
            Some((id, _)) => self.deliver_in_flow(site, id),
            None => {
                self.hop(format!("{vpc}: no subnet contains {to}"));
                End::NoRoute
            }
        }
    }

    fn deliver_in_flow(&mut self, site: &PcState, subnet: &str) -> End {
        let to = self.to;
        let found = site
            .vms
            .iter()
            .filter(|(_, vm)| has(vm, subnet, to))
            .max_by_key(|(_, vm)| vm.on);
        match found {
            Some((id, vm)) if vm.on => End::Delivered {
                site: SiteKind::Nc2,
                holder: id.clone(),
                region: Some(site.aws.0.clone()),
            },
            Some((id, _)) => {
                self.hop(format!("{id}: powered off"));
                End::NoMachine
            }
            None => {
                self.hop(format!("{subnet}: no VM has {to}"));
                End::NoMachine
            }
        }
    }

    /// A packet from a VM: its own subnets are on-link, then its VPC's other subnets, then it leaves the VPC.
    pub(super) fn vm_sends(&mut self, pc: usize, vm: &str) -> Result<At, End> {
        let to = self.to;
        let Some(site) = self.lab.pcs.get(pc).filter(|site| !site.down) else {
            return Err(End::NoMachine);
        };
        self.check_up(&site.aws.0)?;
        let Some(machine) = site.vms.get(vm).filter(|machine| machine.on) else {
            self.hop(format!("{vm}: missing or powered off"));
            return Err(End::NoMachine);
        };
        let subnets: Vec<&str> = machine
            .nics
            .iter()
            .filter(|nic| nic.connected)
            .map(|nic| nic.subnet.as_str())
            .collect();
        for id in &subnets {
            let cidr = site.subnets.get(*id).and_then(|subnet| subnet.cidr);
            if cidr.is_some_and(|cidr| cidr.contains(to)) {
                self.hop(format!("{vm}: {to} is on-link in {id}"));
                return Err(self.deliver_in_flow(site, id));
            }
        }
        // The default gateway is that of the first NIC.
        let vpc = subnets
            .first()
            .and_then(|id| site.subnets.get(*id)?.vpc.as_deref());
        let Some((id, vpc)) = vpc.and_then(|id| Some((id, site.vpcs.get(id)?))) else {
            self.hop(format!("{vm}: not in a Flow VPC"));
            return Err(End::NoRoute);
        };
        let inside = site.subnets.values().any(|subnet| {
            subnet.vpc.as_deref() == Some(id) && subnet.cidr.is_some_and(|cidr| cidr.contains(to))
        });
        if inside {
            self.hop(format!("{id}: {to} is in a subnet of this VPC"));
            return Ok(At::UserVpc {
                pc,
                vpc: id.to_owned(),
            });
        }
        self.out(pc, site, id, vpc)
    }

    /// Out of a user VPC: to another user VPC of this cluster, else through the gateway host into the AWS VPC.
    fn out(&mut self, pc: usize, site: &PcState, id: &str, vpc: &FlowVpc) -> Result<At, End> {
        if vpc.external.is_empty() {
            self.hop(format!("{id}: no external subnet"));
            return Err(End::NoRoute);
        }
        if !is_untranslated(site, vpc) {
            self.hop(format!("{id}: leaves with a translated address"));
            return Err(End::NatLost);
        }
        // A prefix that is externally routable in the transit VPC stays in the cluster, whether or not a user VPC has it
        // (inferred).
        if transit_erp(site, self.to).is_some() {
            return Ok(At::TransitVpc { pc });
        }
        let (region_name, _) = &site.aws;
        let region = self.lab.aws.regions.get(region_name);
        let gateway = region.and_then(|region| {
            let eni = nc2::gateway(region, site)?;
            Some((eni, region, region.enis.get(eni)?))
        });
        match gateway {
            Some((_, region, eni)) if is_up(region, eni) && !eni.source_dest_check => {
                self.hop(format!(
                    "{id}: leaves by the gateway host in {}",
                    eni.subnet
                ));
                Ok(At::Subnet {
                    region: region_name.clone(),
                    subnet: eni.subnet.clone(),
                    starts: false,
                })
            }
            Some((eni, ..)) => {
                self.hop(format!("{id}: {eni} is down or does not forward"));
                Err(End::DeadEni)
            }
            None => {
                self.hop(format!("{id}: no gateway host"));
                Err(End::NoRoute)
            }
        }
    }
}
