//! Overlay subnets and the prefixes that are harmless before cutover.

mod compare;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Network;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;

use stayput_messages::Message;
use stayput_world::ObjectKind;

use super::Draft;
use super::Prepared;
use crate::Action;
use crate::Obstacle;
use crate::StepId;
use crate::object;
use crate::pool;
use crate::step::ErpScope;
use crate::step::OverlayKind;
use crate::survey::Place;
use crate::survey::flow_vpc;
use crate::survey::overlay_subnet;

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
        // One that is listed and cannot be read is not absent.
        if !self.is_readable(site, ObjectKind::Subnet, Some(network.as_str()), None) {
            return None;
        }
        match overlay_subnet(survey.estate, prism, site, kind, network) {
            Err(count) => {
                let what = Message::new("object-subnet")
                    .with("network", network)
                    .into();
                self.obstacle(Obstacle::NotUnique {
                    site: site.clone(),
                    what,
                    count,
                });
                return None;
            }
            Ok(Some((id, subnet))) => {
                self.compare_subnet(site, kind, definition, id, subnet);
                return None;
            }
            Ok(None) => {}
        }
        if self.overlapping_subnets(site, kind, definition, None) {
            return None;
        }
        let needed = match kind {
            OverlayKind::Production => self.nics_in_flight(site, network),
            OverlayKind::Test => 0,
        };
        match pool::pools(definition.cidr, &self.addresses_in_use(definition), needed) {
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
                let why = Message::new("why-subnet");
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
                    needed: needed.max(1),
                });
                None
            }
        }
    }

    /// Addresses of a network that are in use: captured ones, and those of any interface in its EC2 subnet.
    pub(super) fn addresses_in_use(&self, network: &Network) -> BTreeSet<Ipv4Addr> {
        let survey = self.survey;
        let in_subnet = survey.addresses_in_subnet(&network.ec2_subnet);
        let in_subnet = in_subnet.into_iter().flatten().copied();
        in_subnet
            .chain(survey.addresses_in(&network.name))
            .collect()
    }

    /// NICs that Move still has to make on a network's overlay subnet at a site. Every NIC of a machine arrives on the network of its first
    /// one (Move maps a VPC to one subnet).
    pub(super) fn nics_in_flight(&self, site: &SiteName, network: &NetworkName) -> u64 {
        let survey = self.survey;
        let is_primary = |name| {
            let network = survey.estate.networks.get(name);
            network.is_some_and(|network| network.primary == *site)
        };
        let machines = survey.machines_in(network).filter(|(id, machine)| {
            let first = machine.nics.first();
            first.is_some_and(|nic| nic.network == *network)
                && survey.places.get(*id) == Some(&Place::Ec2)
                && !survey.left_out.contains(*id)
                // Its NICs may have been made.
                && !survey.may_be_moving(id, machine)
        });
        match is_primary(network) {
            true => machines.map(|(_, machine)| machine.nics.len() as u64).sum(),
            false => 0,
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
        if !self.is_readable(site, ObjectKind::FlowVpc, Some(name), None) {
            return None;
        }
        let vpc = match flow_vpc(prism, name) {
            Ok(Some(id)) => {
                self.is_readable(site, ObjectKind::FlowVpc, None, Some(id.as_str()));
                &prism.vpcs[id]
            }
            Ok(None) => {
                self.obstacle(Obstacle::Missing {
                    site: site.clone(),
                    what: object::flow_vpc(name).into(),
                    remedy: Message::new("remedy-create-flow-vpc")
                        .with("name", name)
                        .into(),
                });
                return None;
            }
            Err(count) => {
                self.obstacle(Obstacle::NotUnique {
                    site: site.clone(),
                    what: object::flow_vpc(name).into(),
                    count,
                });
                return None;
            }
        };
        if scope == ErpScope::User && vpc.transit {
            self.obstacle(Obstacle::Differs {
                site: site.clone(),
                what: object::flow_vpc(name).into(),
                property: Message::new("property-type").into(),
                expected: Message::new("value-user-vpc").into(),
                found: Message::new("value-transit-vpc").into(),
                uncovered: BTreeSet::new(),
            });
        }
        if scope == ErpScope::User
            && !vpc
                .external_subnets
                .iter()
                .any(|id| prism.subnets.get(id).is_some_and(|s| s.external && !s.nat))
        {
            self.obstacle(Obstacle::Missing {
                site: site.clone(),
                what: Message::new("object-no-nat-subnet")
                    .with("vpc", name)
                    .into(),
                remedy: Message::new("remedy-attach-no-nat-subnet")
                    .with("vpc", name)
                    .into(),
            });
        }
        if present {
            let overlapping = vpc.erps.iter();
            let overlapping = overlapping.filter(|erp| **erp != cidr && erp.overlaps(cidr));
            let overlapping: Vec<_> = overlapping.copied().collect();
            for other in overlapping {
                self.obstacle(Obstacle::Overlaps {
                    site: site.clone(),
                    network: network.clone(),
                    cidr,
                    what: Message::new("object-prefix-of-flow-vpc")
                        .with("vpc", name)
                        .into(),
                    other,
                });
            }
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
            (ErpScope::User, _) => Message::new("why-user-prefix"),
            (ErpScope::Transit, true) => Message::new("why-transit-prefix"),
            (ErpScope::Transit, false) => Message::new("why-no-transit-prefix"),
        };
        let onoff = if present { "on" } else { "off" };
        Some(Prepared {
            id: format!("erp/{site}/{word}/{network}/{onoff}").into(),
            action: action(present),
            why: why.into(),
            inverse: Some(action(!present)),
        })
    }
}
