//! What a walk read, and what a change affects: which cells have to be judged again.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::EdgeKind;

use crate::change::Change;
use crate::classes::Class;
use crate::fabric::Fabric;
use crate::index::EdgeIx;
use crate::index::Id;
use crate::source::Source;
use crate::walk::At;

/// A set of tables, as bits; two tables may share a bit, which costs a walk and never changes a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reads(u64);

/// What can be read, each kind with a stride of its own so that neighbours rarely meet.
#[derive(Clone, Copy)]
enum Kind {
    TgwTable = 0,
    VpcTable = 23,
    Site = 41,
    Edge = 53,
}

impl Reads {
    fn one(kind: Kind, position: usize) -> Self {
        Self(1 << ((kind as usize + position) % 64))
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What the states a walk came by were decided by.
    pub(super) fn of(fabric: &Fabric, passed: &[At]) -> Self {
        let mut reads = Self::default();
        for at in passed {
            match *at {
                At::OnPrem { only: Some(edge) } => reads.add(Self::announcements(fabric, edge)),
                At::OnPrem { only: None } => {
                    for (edge, _) in fabric.topology.edges.iter() {
                        reads.add(Self::announcements(fabric, edge));
                    }
                }
                At::Tgw { table, .. } => {
                    if let Some(table) = table {
                        reads.add(Self::one(Kind::TgwTable, table.position()));
                    }
                }
                At::Vpc { table, .. } => {
                    if let Some(table) = table {
                        reads.add(Self::one(Kind::VpcTable, table.position()));
                    }
                }
                At::Transit { site, .. } => reads.add(Self::one(Kind::Site, site.position())),
                At::User { flow, .. } | At::Segment { flow, .. } => {
                    let site = fabric.topology.flows[flow].site;
                    reads.add(Self::one(Kind::Site, site.position()));
                }
                At::EdgeIn(_) | At::EdgeOut(_) | At::Peer(_) => {}
            }
        }
        reads
    }

    /// Where on-prem learns of prefixes behind an edge.
    fn announcements(fabric: &Fabric, edge: EdgeIx) -> Self {
        let node = &fabric.topology.edges[edge];
        match node.kind {
            EdgeKind::BgpVpn => node
                .attachment
                .and_then(|attachment| fabric.topology.attachments[attachment].association)
                .map_or_else(Self::default, |table| {
                    Self::one(Kind::TgwTable, table.position())
                }),
            EdgeKind::DirectConnect { .. } | EdgeKind::StaticVpn { .. } => {
                Self::one(Kind::Edge, edge.position())
            }
        }
    }
}

/// What some changes may have affected.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    /// Every cell, whatever it read.
    pub(super) everything: bool,
    /// Whether sources that stand for a VPC may start elsewhere: which of its subnets is typical depends on its tables.
    vpcs: bool,
    /// Overlay subnets that appear or disappear.
    subnets: Vec<Cidr>,
    /// Tables, with the prefix that changed in them.
    prefixes: Vec<(Cidr, Reads)>,
    /// Addresses that other machines answer for now.
    addresses: BTreeSet<Ipv4Addr>,
}

/// Every table.
const ALL: Reads = Reads(u64::MAX);

impl Dirty {
    /// Adds what a change affects, before it is made and again after.
    pub(super) fn mark(&mut self, fabric: &Fabric, change: &Change) {
        match change {
            Change::TgwRoute {
                region,
                table,
                cidr,
                ..
            } => {
                let table = fabric
                    .region(region)
                    .and_then(|region| fabric.tgw_table(region, table));
                if let Ok(table) = table {
                    self.prefix(*cidr, Reads::one(Kind::TgwTable, table.position()));
                }
            }
            Change::Erp { site, cidr, .. } => {
                let Ok(site) = fabric.known_site(site) else {
                    return;
                };
                let mut reads = Reads::one(Kind::Site, site.position());
                let node = &fabric.topology.sites[site];
                for table in node.nc2.iter().flat_map(|nc2| &nc2.erp_tables) {
                    reads.add(Reads::one(Kind::VpcTable, table.position()));
                }
                let remembered = fabric.state.erp_memory.get(&(site, *cidr));
                for (table, _) in remembered.into_iter().flatten() {
                    reads.add(Reads::one(Kind::VpcTable, table.position()));
                }
                self.prefix(*cidr, reads);
                self.vpcs = true;
            }
            Change::Subnet { site, cidr, .. } => {
                if let Ok(site) = fabric.known_site(site) {
                    self.prefix(*cidr, Reads::one(Kind::Site, site.position()));
                }
                self.subnets.push(*cidr);
            }
            Change::VpcRoute { table, cidr, .. } => {
                if let Ok(table) = fabric.vpc_table(table) {
                    self.prefix(*cidr, Reads::one(Kind::VpcTable, table.position()));
                }
                self.vpcs = true;
            }
            Change::Announce { edge, cidr, .. } => {
                if let Ok(edge) = fabric.edge(edge) {
                    self.prefix(*cidr, Reads::one(Kind::Edge, edge.position()));
                }
            }
            Change::Serve { address, .. } => {
                self.addresses.insert(*address);
                self.vpcs = true;
            }
            Change::Propagation { .. } => {
                for prefix in fabric.prefixes_touched(change) {
                    self.prefix(prefix, ALL);
                }
            }
            Change::Edge { .. } | Change::Attachment { .. } | Change::Region { .. } => {
                self.everything = true;
            }
        }
    }

    fn prefix(&mut self, cidr: Cidr, reads: Reads) {
        match self.prefixes.iter_mut().find(|(known, _)| *known == cidr) {
            Some((_, known)) => known.add(reads),
            None => self.prefixes.push((cidr, reads)),
        }
    }

    /// The addresses it touches, as first and last ones.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        let prefixes = self
            .prefixes
            .iter()
            .map(|(cidr, _)| (cidr.network(), cidr.broadcast()));
        prefixes.chain(self.addresses.iter().map(|address| (*address, *address)))
    }

    /// What is dirty for an address.
    pub(super) fn reads_at(&self, address: Ipv4Addr) -> Reads {
        if self.everything || self.addresses.contains(&address) {
            return ALL;
        }
        let mut reads = Reads::default();
        for (cidr, of) in &self.prefixes {
            if cidr.contains(address) {
                reads.add(*of);
            }
        }
        reads
    }

    /// Whether a source may start elsewhere now, or have other machines to receive replies. `fabric` is the one after the changes.
    pub(super) fn turns(&self, fabric: &Fabric, source: &Source) -> bool {
        let topology = &*fabric.topology;
        let has_other_machines = |cidr: &Cidr| {
            let within = cidr.network()..=cidr.broadcast();
            self.addresses.range(within).next().is_some()
        };
        self.everything
            || match source {
                Source::OnPrem | Source::OnPremVia { .. } => false,
                Source::Nc2Vpc { .. } | Source::Spoke { .. } => self.vpcs,
                Source::Machine { .. } => self.vpcs || !self.subnets.is_empty(),
                Source::Ec2Subnet { subnet, .. } => {
                    let subnet = topology.subnet_ids.get(subnet);
                    subnet.is_some_and(|ix| has_other_machines(&topology.subnets[*ix].cidr))
                }
                Source::Overlay { site, network } => {
                    let Some(cidr) = topology.networks.get(network) else {
                        return false;
                    };
                    let now = fabric.overlay(site, network);
                    self.subnets.iter().any(|subnet| subnet.overlaps(*cidr))
                        || now.is_some_and(|(_, prefix)| has_other_machines(&prefix))
                }
            }
    }

    /// What is dirty for a class: all its members are inside a prefix that changed, or none is.
    pub(super) fn reads_of(&self, class: &Class) -> Reads {
        self.reads_at(class.representative)
    }
}
