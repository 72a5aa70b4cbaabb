//! An overlay subnet that exists, compared with what is planned in every property that matters.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::Network;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::first_of;
use stayput_world::ObjectKind;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::Vm;

use super::Draft;
use crate::Obstacle;
use crate::object;
use crate::object::listed;
use crate::pool;
use crate::step::OverlayKind;
use crate::survey::flow_vpc;

impl Draft<'_> {
    /// What of the network's overlay subnet is not as planned, and who has addresses there that belong to its machines.
    pub(in crate::planner) fn compare_subnet(
        &mut self,
        site: &SiteName,
        kind: OverlayKind,
        network: &Network,
        id: &SubnetExtId,
        subnet: &FlowSubnet,
    ) {
        self.is_readable(site, ObjectKind::Subnet, None, Some(id.as_str()));
        self.overlapping_subnets(site, kind, network, Some(id));
        let what = String::from(object::overlay_subnet(kind, &network.name));
        let mut found = Vec::new();
        let mut differs = |property: Message, expected: Message, is: Message| {
            found.push(Obstacle::Differs {
                site: site.clone(),
                what: what.clone(),
                property: property.into(),
                expected: expected.into(),
                found: is.into(),
                uncovered: BTreeSet::new(),
            });
        };
        let cidr = network.cidr;
        if subnet.cidr != Some(cidr) {
            let property = Message::new("property-cidr");
            differs(property, listed([cidr]), listed(subnet.cidr));
            self.obstacles.extend(found);
            return;
        }
        // Guests keep the router they had in EC2.
        let gateway = pool::gateway(cidr);
        if subnet.gateway != Some(gateway) {
            let property = Message::new("property-gateway");
            differs(property, listed([gateway]), listed(subnet.gateway));
        }
        // What a Prism Central does not say is not compared: the pool and the gateway decide whether machines are reached.
        let dns = survey_dns(self.survey, site);
        if let Some(has) = subnet.dns.as_ref().filter(|_| !dns.is_empty())
            && has != dns
        {
            differs(Message::new("property-dns"), listed(dns), listed(has));
        }
        let is_inside = |pool: &&AddrRange| cidr.contains(pool.first) && cidr.contains(pool.last);
        if let Some(outside) = subnet.pools.iter().find(|pool| !is_inside(pool)) {
            let expected = Message::new("value-range-inside").with("cidr", cidr);
            differs(Message::new("property-pool"), expected, listed([outside]));
        }
        let is_handed_out = |address: &&Ipv4Addr| {
            !subnet.reserved.contains(*address)
                && subnet.pools.iter().any(|pool| pool.contains(**address))
        };
        // An address in EC2 that is not captured is of no concern once nothing arrives any more.
        let in_flight = match kind {
            OverlayKind::Production => self.nics_in_flight(site, &network.name),
            OverlayKind::Test => 0,
        };
        let owned = match in_flight {
            0 => self.survey.addresses_in(&network.name),
            _ => self.addresses_in_use(network),
        };
        let handed_out: BTreeSet<_> = owned.iter().filter(is_handed_out).copied().collect();
        if !handed_out.is_empty() {
            let expected = Message::new("value-free-of-addresses");
            let is = Message::new("value-pools-with-addresses")
                .with("pools", commas(&subnet.pools))
                .part("addresses", first_of(1, &handed_out));
            differs(Message::new("property-pool"), expected, is);
        }
        self.obstacles.extend(found);
        let needed = match (kind, self.survey.are_canaries) {
            (OverlayKind::Production, true) => self.nics_of_canaries(&network.name),
            (OverlayKind::Production | OverlayKind::Test, _) => in_flight,
        };
        self.pool_suffices(site, &what, network, (id, subnet), needed);
        match kind {
            OverlayKind::Production => self.taken_addresses(site, id, network),
            OverlayKind::Test => {}
        }
    }

    /// NICs of canaries that Move still has to make.
    fn nics_of_canaries(&self, network: &stayput_estate::NetworkName) -> u64 {
        let survey = self.survey;
        let canaries = survey.machines.iter().filter(|(id, machine)| {
            let first = machine.nics.first();
            survey.moving.contains(*id)
                && survey.places.get(*id) == Some(&crate::Place::Ec2)
                && first.is_some_and(|nic| nic.network == *network)
        });
        canaries.map(|(_, machine)| machine.nics.len() as u64).sum()
    }

    /// Whether the pools hold so many free addresses; where nothing arrives, whether there is a pool at all.
    fn pool_suffices(
        &mut self,
        site: &SiteName,
        what: &str,
        network: &Network,
        (id, subnet): (&SubnetExtId, &FlowSubnet),
        needed: u64,
    ) {
        if needed == 0 && subnet.pools.iter().any(|pool| pool.size() > 0) {
            return;
        }
        let needed = needed.max(1);
        let mut used = self.addresses_in_use(network);
        used.extend(subnet.reserved.iter().copied());
        used.extend(subnet.gateway);
        used.extend(
            self.holders_on(site, id)
                .into_keys()
                .filter(|address| network.cidr.contains(*address)),
        );
        let blocked = |pool: &AddrRange| -> u64 {
            let inside = used.range(pool.first..=pool.last);
            inside.count() as u64
        };
        let ordered = subnet.pools.iter().filter(|pool| pool.first <= pool.last);
        let free: u64 = ordered.map(|pool| pool.size() - blocked(pool)).sum();
        if free >= needed {
            return;
        }
        let suggested = pool::pools(network.cidr, &used, needed);
        self.obstacle(match suggested {
            Ok(suggested) => Obstacle::PoolExhausted {
                site: site.clone(),
                what: what.to_owned(),
                free,
                needed,
                suggested,
            },
            Err(free) => Obstacle::PoolTooSmall {
                network: network.name.clone(),
                free,
                needed,
            },
        });
    }

    /// Who has which addresses on a subnet. By address once: an overlay has as many VMs as the network has machines.
    fn holders_on(
        &self,
        site: &SiteName,
        subnet: &SubnetExtId,
    ) -> BTreeMap<Ipv4Addr, Vec<(&VmExtId, &Vm)>> {
        let mut holders: BTreeMap<Ipv4Addr, Vec<(&VmExtId, &Vm)>> = BTreeMap::new();
        let prism = self.survey.world.prism.get(site).into_iter();
        for (id, vm) in prism.flat_map(|prism| &prism.vms) {
            for nic in vm
                .nics
                .iter()
                .filter(|nic| nic.subnet.as_ref() == Some(subnet))
            {
                for address in nic.address.iter().chain(&nic.secondary).chain(&nic.learned) {
                    holders.entry(*address).or_default().push((id, vm));
                }
            }
        }
        holders
    }

    /// Addresses of machines that some other VM has at the site. What a machine was there before gives way to it.
    fn taken_addresses(&mut self, site: &SiteName, subnet: &SubnetExtId, network: &Network) {
        let survey = self.survey;
        let holders = self.holders_on(site, subnet);
        let mut taken = Vec::new();
        let machines = survey.machines_in(&network.name);
        for (machine, facts) in machines.filter(|(id, _)| survey.moving.contains(*id)) {
            let here = survey.vm_at(machine, site).map(|(id, _)| id);
            let former = survey.former.get(machine);
            let was =
                |vm: &VmExtId| former.is_some_and(|was| was.contains(&(site.clone(), vm.clone())));
            let is_own = |vm: &VmExtId| Some(vm) == here || was(vm);
            for address in facts.addresses() {
                let others = holders.get(&address).into_iter().flatten();
                for (id, vm) in others.filter(|(id, _)| !is_own(id)) {
                    taken.push(Obstacle::AddressTaken {
                        site: site.clone(),
                        machine: machine.clone(),
                        label: facts.label(machine),
                        address,
                        holder: Message::new("object-vm")
                            .with("name", &vm.name)
                            .with("vm", id)
                            .into(),
                    });
                }
            }
        }
        self.obstacles.extend(taken);
    }

    /// Whether another subnet that the network's Flow VPC routes has some of its addresses. Each is an obstacle.
    pub(in crate::planner) fn overlapping_subnets(
        &mut self,
        site: &SiteName,
        kind: OverlayKind,
        network: &Network,
        own: Option<&SubnetExtId>,
    ) -> bool {
        let survey = self.survey;
        let (Some(prism), Some(config)) =
            (survey.world.prism.get(site), survey.estate.sites.get(site))
        else {
            return false;
        };
        // The transit VPC leads to the user VPC, and has uplinks of its own.
        let names: &[&str] = match kind {
            OverlayKind::Production => &[&config.flow_vpc, &config.transit_vpc],
            OverlayKind::Test => &[&config.test_vpc],
        };
        let mut found = BTreeMap::new();
        for name in names {
            let Ok(Some(vpc)) = flow_vpc(prism, name) else {
                continue;
            };
            let attached = &prism.vpcs[vpc].external_subnets;
            for (id, subnet) in &prism.subnets {
                let is_here = subnet.vpc.as_ref() == Some(vpc) || attached.contains(id);
                let overlap = subnet
                    .cidr
                    .filter(|cidr: &Cidr| cidr.overlaps(network.cidr));
                if let (true, Some(other), true) = (is_here, overlap, own != Some(id)) {
                    // An uplink of both VPCs is named once.
                    found.entry(id).or_insert_with(|| Obstacle::Overlaps {
                        site: site.clone(),
                        network: network.name.clone(),
                        cidr: network.cidr,
                        what: Message::new("object-subnet-of-flow-vpc")
                            .with("subnet", &subnet.name)
                            .with("id", id)
                            .with("vpc", name)
                            .into(),
                        other,
                    });
                }
            }
        }
        let any = !found.is_empty();
        self.obstacles.extend(found.into_values());
        any
    }
}

/// DNS servers that the subnets of a site hand out, as configured.
fn survey_dns<'e>(survey: &crate::Survey<'e>, site: &SiteName) -> &'e [Ipv4Addr] {
    let config = survey.estate.sites.get(site);
    config.map_or(&[], |site| &site.dns_servers)
}
