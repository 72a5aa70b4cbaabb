//! Addresses as equivalence classes: those that every table treats the same and that are held in the same way need one trace.
//!
//! An address is described by the chain of routes that match it in each table (lengths and targets, longest first) and by who
//! holds it. Two addresses with one description have the same traces from everywhere, and keep them through changes that treat
//! them alike: a change at a prefix acts on a chain only at that prefix's length.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_world::aws::VpcRouteTarget;

use crate::change::Change;
use crate::fabric::Fabric;
use crate::holders::Location;
use crate::index::EniIx;
use crate::index::Id;
use crate::state::Fixed;
use crate::state::VpcHop;

/// Addresses that every table treats the same and that are held in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The lowest member; what is traced for it holds for all.
    pub representative: Ipv4Addr,
    /// All members, in order.
    pub members: Vec<Ipv4Addr>,
}

/// What makes a class: chain, holders, and the steps that switch holders.
type Description<'a> = (usize, Vec<u32>, &'a [u32]);

/// Texts as numbers, so that descriptions are plain numbers.
#[derive(Default)]
struct Words(BTreeMap<String, u32>);

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(word.to_owned()).or_insert(next)
    }
}

/// Ends the part of one table in a description; no length is that large.
const END: u32 = u32::MAX;

impl Fabric {
    /// The classes of these addresses in this state, by representative.
    pub fn classes(&self, addresses: impl IntoIterator<Item = Ipv4Addr>) -> Vec<Class> {
        self.classes_across(addresses, std::iter::empty())
    }

    /// Classes that also hold in every state that any of these steps, taken in any number and order, can lead to.
    pub fn classes_across<'a>(
        &self,
        addresses: impl IntoIterator<Item = Ipv4Addr>,
        steps: impl IntoIterator<Item = &'a [Change]>,
    ) -> Vec<Class> {
        let mut touched: Vec<Cidr> = Vec::new();
        let mut switched: BTreeMap<Ipv4Addr, Vec<u32>> = BTreeMap::new();
        let mut words = Words::default();
        let mut routed = self.routed_interfaces();
        for (number, step) in steps.into_iter().enumerate() {
            for change in step {
                self.touches(change, &mut touched);
                if let Change::VpcRoute {
                    target: Some(VpcRouteTarget::Eni(id)),
                    ..
                } = change
                {
                    routed.extend(self.topology.eni_ids.get(id));
                }
                if let Change::Serve {
                    site,
                    address,
                    serving,
                } = change
                {
                    switched.entry(*address).or_default().extend([
                        u32::try_from(number).unwrap_or(u32::MAX),
                        words.number(site.as_str()),
                        u32::from(*serving),
                    ]);
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();

        let bounds = self.bounds(&touched);
        let mut chains: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
        let mut chain_of_interval: BTreeMap<usize, usize> = BTreeMap::new();
        let mut classes: BTreeMap<Description<'_>, Vec<Ipv4Addr>> = BTreeMap::new();
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            let interval = bounds.partition_point(|bound| *bound <= u32::from(address));
            let chain = *chain_of_interval.entry(interval).or_insert_with(|| {
                let next = chains.len();
                let chain = self.chain(address, &touched, &mut words);
                *chains.entry(chain).or_insert(next)
            });
            let switched = switched.get(&address).map_or(&[][..], Vec::as_slice);
            classes
                .entry((chain, self.held(address, &routed), switched))
                .or_default()
                .push(address);
        }
        let mut classes: Vec<_> = classes
            .into_values()
            .filter_map(|members| {
                Some(Class {
                    representative: *members.first()?,
                    members,
                })
            })
            .collect();
        classes.sort_by_key(|class| class.representative);
        classes
    }

    /// Prefixes at which a change can make addresses behave differently that behaved the same.
    fn touches(&self, change: &Change, touched: &mut Vec<Cidr>) {
        match change {
            Change::TgwRoute { cidr, .. }
            | Change::Erp { cidr, .. }
            | Change::Subnet { cidr, .. }
            | Change::VpcRoute { cidr, .. }
            | Change::Announce { cidr, .. } => touched.push(*cidr),
            Change::Propagation {
                region, attachment, ..
            } => {
                let attachment = self.topology.region_ids.get(region).and_then(|region| {
                    self.topology
                        .attachment_ids
                        .get(&(*region, attachment.clone()))
                });
                let advertised = attachment.and_then(|ix| self.topology.advertised.get(ix));
                touched.extend(advertised.into_iter().flatten());
            }
            // These switch targets, which chains tell apart, or single addresses, which are told apart by themselves.
            Change::Serve { .. }
            | Change::Edge { .. }
            | Change::Attachment { .. }
            | Change::Region { .. } => {}
        }
    }

    /// The prefixes at which a change acts.
    pub(crate) fn prefixes_touched(&self, change: &Change) -> Vec<Cidr> {
        let mut touched = Vec::new();
        self.touches(change, &mut touched);
        touched
    }

    /// Addresses of the interface that a VPC route is about to lead to: it takes packets to those itself instead of passing them on.
    pub(crate) fn newly_routed(&self, change: &Change) -> Vec<Ipv4Addr> {
        let Change::VpcRoute {
            cidr,
            target: Some(VpcRouteTarget::Eni(id)),
            ..
        } = change
        else {
            return Vec::new();
        };
        let Some(eni) = self.topology.eni_ids.get(id) else {
            return Vec::new();
        };
        self.state
            .holders
            .iter()
            .filter(|(address, holders)| {
                cidr.contains(*address)
                    && holders
                        .iter()
                        .any(|holder| holder.location == Location::Eni(*eni))
            })
            .map(|(address, _)| address)
            .collect()
    }

    /// Interfaces that a VPC route names, or would once what covers it is gone or NC2 has written a prefix.
    fn routed_interfaces(&self) -> BTreeSet<EniIx> {
        let gateways = self
            .topology
            .sites
            .iter()
            .filter_map(|(_, site)| site.nc2.as_ref()?.gateway);
        let counting = self.state.vpc_tables.iter().flat_map(|table| table.iter());
        let under = self.state.vpc_under.iter().flat_map(|table| table.iter());
        counting
            .map(|(_, entry)| entry)
            .chain(under.flat_map(|(_, entries)| entries))
            .filter_map(|entry| match &entry.hop {
                VpcHop::Eni { eni, .. } => *eni,
                VpcHop::Local
                | VpcHop::Tgw(_)
                | VpcHop::Gateway(_)
                | VpcHop::Peering(_)
                | VpcHop::Unknown(_) => None,
            })
            .chain(gateways)
            .collect()
    }

    /// First addresses of the intervals within which no table has a boundary.
    fn bounds(&self, touched: &[Cidr]) -> Vec<u32> {
        let mut bounds = Vec::new();
        let mut add = |cidr: Cidr| {
            bounds.push(cidr.network().into());
            if let Some(after) = u32::from(cidr.broadcast()).checked_add(1) {
                bounds.push(after);
            }
        };
        for table in &self.state.tgw_tables {
            table.fixed.iter().for_each(|(cidr, _)| add(cidr));
            table.listed.iter().for_each(|(cidr, _)| add(cidr));
            table.learned.iter().for_each(|(cidr, _)| add(cidr));
        }
        for table in &self.state.vpc_tables {
            table.iter().for_each(|(cidr, _)| add(cidr));
        }
        for flow in &self.state.flows {
            flow.erps.iter().for_each(|(cidr, ())| add(cidr));
            flow.subnets.iter().for_each(|(cidr, _)| add(cidr));
        }
        for prefixes in &self.state.allowed {
            prefixes.iter().for_each(|(cidr, ())| add(cidr));
        }
        self.topology
            .on_prem
            .iter()
            .for_each(|(cidr, ())| add(cidr));
        for (_, vpc) in self.topology.vpcs.iter() {
            vpc.cidrs.iter().for_each(|cidr| add(*cidr));
        }
        touched.iter().for_each(|cidr| add(*cidr));
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    /// The chain of matching routes in each table.
    fn chain(&self, address: Ipv4Addr, touched: &[Cidr], words: &mut Words) -> Vec<u32> {
        let mut chain = Vec::new();
        for table in &self.state.tgw_tables {
            for (cidr, fixed) in table.fixed.matches(address) {
                chain.extend([u32::from(cidr.len()), target(*fixed)]);
            }
            chain.push(END);
            for (cidr, listed) in table.listed.matches(address) {
                let list = clamp(listed.list.position() as u64);
                chain.extend([u32::from(cidr.len()), target(listed.fixed), list]);
            }
            chain.push(END);
            for (cidr, learned) in table.learned.matches(address) {
                chain.push(u32::from(cidr.len()));
                chain.extend(
                    learned
                        .iter()
                        .map(|learned| clamp(learned.attachment.position() as u64)),
                );
                chain.push(END);
            }
            chain.push(END);
        }
        for table in &self.state.vpc_tables {
            for (cidr, entry) in table.matches(address) {
                let word = match &entry.hop {
                    VpcHop::Local => "local",
                    VpcHop::Tgw(id) => id.as_str(),
                    VpcHop::Eni { id, .. } => id.as_str(),
                    VpcHop::Gateway(text) | VpcHop::Peering(text) | VpcHop::Unknown(text) => text,
                };
                chain.extend([
                    u32::from(cidr.len()),
                    words.number(word),
                    u32::from(entry.usable),
                ]);
            }
            chain.push(END);
        }
        let lengths = |chain: &mut Vec<u32>, lengths: &mut dyn Iterator<Item = Cidr>| {
            chain.extend(lengths.map(|cidr| u32::from(cidr.len())));
            chain.push(END);
        };
        for flow in &self.state.flows {
            lengths(
                &mut chain,
                &mut flow.erps.matches(address).map(|(cidr, ())| cidr),
            );
            lengths(
                &mut chain,
                &mut flow.subnets.matches(address).map(|(cidr, _)| cidr),
            );
        }
        let on_prem = std::iter::once(&self.topology.on_prem);
        for prefixes in self
            .state
            .allowed
            .iter()
            .map(|prefixes| &**prefixes)
            .chain(on_prem)
        {
            lengths(
                &mut chain,
                &mut prefixes.matches(address).map(|(cidr, ())| cidr),
            );
        }
        // Which VPCs own it: a VPC peering asks for that beside the tables.
        for (vpc, node) in self.topology.vpcs.iter() {
            if node.cidrs.iter().any(|cidr| cidr.contains(address)) {
                chain.push(clamp(vpc.position() as u64));
            }
        }
        chain.push(END);
        chain.extend(
            touched
                .iter()
                .enumerate()
                .filter(|(_, cidr)| cidr.contains(address))
                .map(|(at, _)| clamp(at as u64)),
        );
        chain
    }

    /// Who holds an address: kinds, places and whether they answer, but not which machine it is.
    fn held(&self, address: Ipv4Addr, routed: &BTreeSet<EniIx>) -> Vec<u32> {
        let mut held: Vec<[u32; 7]> = self
            .state
            .holders
            .of(address)
            .iter()
            .map(|holder| {
                let answers = u32::from(holder.answers);
                match holder.location {
                    Location::Eni(eni) => {
                        let node = &self.topology.enis[eni];
                        let subnet = node
                            .subnet
                            .map_or(0, |subnet| clamp(subnet.position() as u64 + 1));
                        let live = u32::from(node.in_use) + 2 * u32::from(node.running);
                        let kind = u32::from(node.instance.is_some());
                        let vpc = clamp(node.vpc.position() as u64);
                        // What owns an address and is routed to takes the packet itself instead of passing it on.
                        let routed = match routed.contains(&eni) {
                            true => clamp(eni.position() as u64 + 1),
                            false => 0,
                        };
                        [0, vpc, subnet, kind, live, routed, answers]
                    }
                    Location::Vm { flow, .. } => {
                        [1, clamp(flow.position() as u64), 0, 0, 0, 0, answers]
                    }
                    Location::Planned(site) => {
                        [2, clamp(site.position() as u64), 0, 0, 0, 0, answers]
                    }
                }
            })
            .collect();
        held.sort_unstable();
        held.into_flattened()
    }
}

fn target(fixed: Fixed) -> u32 {
    clamp(match fixed {
        Fixed::Attachment(attachment) => attachment.position() as u64 * 2,
        Fixed::Blackhole => 1,
        Fixed::Gone(at) => u64::from(at) * 2 + 3,
    })
}

fn clamp(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
