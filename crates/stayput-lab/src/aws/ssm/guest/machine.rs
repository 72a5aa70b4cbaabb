//! What a guest needs to know about its machine.

use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use super::GuestKind;
use super::hostname;
use crate::aws::ssm::Platform;
use crate::clock::VTime;
use crate::state::LabState;

/// A guest at one instant, apart from the state of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Id of the instance.
    pub instance: String,
    /// Region.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// Account.
    pub account: String,
    /// Architecture as EC2 names it.
    pub architecture: String,
    /// `Name` tag.
    pub name: Option<String>,
    /// Host name.
    pub hostname: String,
    /// Its configuration.
    pub kind: GuestKind,
    /// Interfaces in the order of their device index.
    pub interfaces: Vec<GuestInterface>,
    /// Name server of the VPC.
    pub dns: Option<Ipv4Addr>,
    /// The virtual time.
    pub now: VTime,
}

/// An interface of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestInterface {
    /// Device index.
    pub index: u32,
    /// Name in the guest.
    pub name: String,
    /// MAC address.
    pub mac: MacAddr,
    /// Primary address.
    pub primary: Ipv4Addr,
    /// Secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// CIDR of its subnet.
    pub subnet: Cidr,
    /// Router of the subnet.
    pub gateway: Ipv4Addr,
}

impl GuestInterface {
    /// Returns all addresses, the primary one first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        std::iter::once(self.primary).chain(self.secondary.iter().copied())
    }

    /// Returns the number of its PCI slot.
    pub(super) fn slot(&self) -> u32 {
        self.index + 5
    }
}

impl Guest {
    /// Returns the guest of an instance.
    pub fn of(lab: &LabState, region: &str, id: &str) -> Option<Self> {
        let place = lab.aws.regions.get(region)?;
        let machine = place.instances.get(id)?;
        let platform = Platform::of(&machine.platform_details);
        let kind = machine.guest.unwrap_or_else(|| GuestKind::usual(platform));
        let enis = machine.enis.iter();
        let found: Vec<_> = enis
            .filter_map(|(index, eni)| {
                let eni = place.enis.get(eni)?;
                Some((*index, eni, place.subnets.get(&eni.subnet)?))
            })
            .collect();
        let first = found.first();
        let interfaces = found.iter().map(|(index, eni, subnet)| GuestInterface {
            index: *index,
            name: kind.interface(*index),
            mac: eni.mac,
            primary: eni.primary,
            secondary: eni.secondary.clone(),
            subnet: subnet.cidr,
            gateway: subnet.cidr.nth(1).unwrap_or(eni.primary),
        });
        Some(Self {
            instance: id.to_owned(),
            region: region.to_owned(),
            zone: first
                .map(|(_, _, subnet)| subnet.az.clone())
                .unwrap_or_default(),
            account: lab.aws.account.clone(),
            architecture: machine.architecture.clone(),
            name: machine.tags.get("Name").cloned(),
            hostname: hostname(place, region, id, machine),
            kind,
            dns: first.and_then(|(_, eni, _)| place.vpcs.get(&eni.vpc)?.cidrs.first()?.nth(2)),
            interfaces: interfaces.collect(),
            now: lab.now(),
        })
    }
}
