//! Overlay subnets and the prefixes that are harmless before cutover.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::prism::Vm;

use super::Draft;
use super::Prepared;
use crate::Action;
use crate::Obstacle;
use crate::StepId;
use crate::pool;
use crate::step::ErpScope;
use crate::step::OverlayKind;
use crate::survey::flow_vpc;
use crate::survey::overlay_subnet;

/// Addresses of a prefix that EC2 delegates to an interface: sixteen, always.
fn addresses(delegated: Cidr) -> impl Iterator<Item = Ipv4Addr> {
    (0..16).map_while(move |offset| delegated.nth(offset))
}

impl Draft<'_> {
    /// Subnets with the networks' own CIDRs and prefixes on the user VPC: everything that can stand before machines come.
    pub(super) fn prepare_overlay(
        &mut self,
        site: &SiteName,
        networks: &BTreeSet<NetworkName>,
    ) -> BTreeSet<StepId> {
        let mut done = BTreeSet::new();
        for network in networks {
            done.extend(self.subnet(site, network, OverlayKind::Production, &BTreeSet::new()));
            done.extend(self.erp(site, network, ErpScope::User, true, &BTreeSet::new()));
        }
        done
    }

    /// The overlay subnet of a network at a site.
    pub(super) fn subnet(
        &mut self,
        site: &SiteName,
        network: &NetworkName,
        kind: OverlayKind,
        after: &BTreeSet<StepId>,
    ) -> Option<StepId> {
        let survey = self.survey;
        let (Some(prism), Some(config), Some(definition)) = (
            survey.world.prism.get(site),
            survey.estate.sites.get(site),
            survey.estate.networks.get(network),
        ) else {
            return None;
        };
        let owned = survey.addresses_in(network);
        match overlay_subnet(survey.estate, prism, site, kind, network) {
            Err(count) => {
                let what = format!("subnet {network}");
                self.obstacle(Obstacle::NotUnique {
                    site: site.clone(),
                    what,
                    count,
                });
                return None;
            }
            Ok(Some((id, subnet))) => {
                let what = format!("subnet {network}");
                let mut differs = |difference: String| {
                    self.obstacle(Obstacle::Differs {
                        site: site.clone(),
                        what: what.clone(),
                        difference,
                    });
                };
                if subnet.cidr != Some(definition.cidr) {
                    let has = subnet
                        .cidr
                        .map_or_else(|| "no managed range".to_owned(), |cidr| cidr.to_string());
                    differs(format!("it has {has} instead of {}", definition.cidr));
                }
                if kind == OverlayKind::Production {
                    if let Some(address) = owned
                        .iter()
                        .find(|a| subnet.pools.iter().any(|pool| pool.contains(**a)))
                    {
                        differs(format!(
                            "its DHCP pool holds {address}, which belongs to a machine"
                        ));
                    }
                    self.taken_addresses(site, id, network);
                }
                return None;
            }
            Ok(None) => {}
        }
        let reserved: BTreeSet<Ipv4Addr> = survey
            .world
            .aws
            .get(&survey.estate.source.region)
            .into_iter()
            .flat_map(|region| region.enis.values())
            .filter(|eni| eni.subnet == definition.ec2_subnet)
            .flat_map(|eni| eni.addresses().chain(eni.delegated().flat_map(addresses)))
            .chain(owned.iter().copied())
            .collect();
        // Every NIC of a machine arrives on the network of its first one (Move maps a VPC to one subnet).
        let in_flight: u64 = survey
            .machines
            .values()
            .filter(|machine| {
                machine
                    .nics
                    .first()
                    .is_some_and(|nic| nic.network == *network)
            })
            .map(|machine| machine.nics.len() as u64)
            .sum();
        match pool::pools(definition.cidr, &reserved, in_flight) {
            Ok(pools) => {
                let infix = match kind {
                    OverlayKind::Production => "",
                    OverlayKind::Test => "test/",
                };
                let action = Action::EnsureSubnet {
                    site: site.clone(),
                    kind,
                    network: network.clone(),
                    cidr: definition.cidr,
                    gateway: pool::gateway(definition.cidr),
                    pools,
                    dns: config.dns_servers.clone(),
                };
                let why = "the same CIDR at this site; its DHCP pool avoids every address in use";
                Some(self.step(
                    format!("subnet/{site}/{infix}{network}"),
                    after,
                    action,
                    why,
                ))
            }
            Err(free) => {
                self.obstacle(Obstacle::PoolTooSmall {
                    network: network.clone(),
                    free,
                    needed: in_flight,
                });
                None
            }
        }
    }

    /// Addresses of machines that some other VM has at the site.
    fn taken_addresses(
        &mut self,
        site: &SiteName,
        subnet: &stayput_estate::SubnetExtId,
        network: &NetworkName,
    ) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(site) else {
            return;
        };
        // By address once: an overlay has as many VMs as the network has machines.
        let mut holders: BTreeMap<Ipv4Addr, Vec<(&VmExtId, &Vm)>> = BTreeMap::new();
        for (id, vm) in &prism.vms {
            for nic in vm
                .nics
                .iter()
                .filter(|nic| nic.subnet.as_ref() == Some(subnet))
            {
                for address in nic.address.iter().chain(&nic.secondary) {
                    holders.entry(*address).or_default().push((id, vm));
                }
            }
        }
        for (machine, facts) in survey.machines_in(network) {
            let own = survey.vm_at(machine, site).map(|(id, _)| id);
            for address in facts.addresses() {
                let others = holders.get(&address).into_iter().flatten();
                for (id, vm) in others.filter(|(id, _)| Some(*id) != own) {
                    self.obstacles.insert(Obstacle::AddressTaken {
                        site: site.clone(),
                        machine: machine.clone(),
                        label: facts.label(machine),
                        address,
                        holder: format!("VM {} ({id})", vm.name),
                    });
                }
            }
        }
    }

    /// A network's prefix on, or off, one of the Flow VPCs.
    pub(super) fn erp(
        &mut self,
        site: &SiteName,
        network: &NetworkName,
        scope: ErpScope,
        present: bool,
        after: &BTreeSet<StepId>,
    ) -> Option<StepId> {
        let prepared = self.prepare_erp(site, network, scope, present)?;
        Some(self.add(prepared, after))
    }

    /// The step that sets or removes a network's prefix on a Flow VPC, unless it is so.
    pub(super) fn prepare_erp(
        &mut self,
        site: &SiteName,
        network: &NetworkName,
        scope: ErpScope,
        present: bool,
    ) -> Option<Prepared> {
        let survey = self.survey;
        let (prism, config) = (
            survey.world.prism.get(site)?,
            survey.estate.sites.get(site)?,
        );
        let cidr = survey.estate.networks.get(network)?.cidr;
        let (name, word) = match scope {
            ErpScope::User => (&config.flow_vpc, "user"),
            ErpScope::Transit => (&config.transit_vpc, "transit"),
        };
        let vpc = match flow_vpc(prism, name) {
            Ok(Some(id)) => &prism.vpcs[id],
            Ok(None) => {
                self.obstacle(Obstacle::Missing {
                    site: site.clone(),
                    what: format!("Flow VPC {name}"),
                    remedy: format!("create Flow VPC {name} with a no-NAT external subnet, or name the right one in stayput.toml"),
                });
                return None;
            }
            Err(count) => {
                self.obstacle(Obstacle::NotUnique {
                    site: site.clone(),
                    what: format!("Flow VPC {name}"),
                    count,
                });
                return None;
            }
        };
        if scope == ErpScope::User
            && !vpc
                .external_subnets
                .iter()
                .any(|id| prism.subnets.get(id).is_some_and(|s| s.external && !s.nat))
        {
            self.obstacle(Obstacle::Missing {
                site: site.clone(),
                what: format!("a no-NAT external subnet on Flow VPC {name}"),
                remedy: format!(
                    "attach a no-NAT external subnet to {name}: without it a prefix is not routable"
                ),
            });
        }
        if vpc.erps.contains(&cidr) == present {
            return None;
        }
        let action = |present| Action::Erp {
            site: site.clone(),
            scope,
            cidr,
            present,
        };
        let why = match (scope, present) {
            (ErpScope::User, _) => {
                "the user VPC accepts packets for the network; no table changes yet"
            }
            (ErpScope::Transit, true) => {
                "NC2 writes the network into the VPC's route tables; must stand before any TGW route"
            }
            (ErpScope::Transit, false) => {
                "hosts beside the old home must no longer be caught by its overlay"
            }
        };
        let onoff = if present { "on" } else { "off" };
        Some(Prepared {
            id: format!("erp/{site}/{word}/{network}/{onoff}"),
            action: action(present),
            why: why.to_owned(),
            inverse: Some(action(!present)),
        })
    }
}
