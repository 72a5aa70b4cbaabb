//! The subnets that machines are in.

use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;
use stayput_world::AwsRegion;

use crate::names;

/// A subnet with machines.
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) cidr: Cidr,
    pub(crate) subnet: SubnetId,
    pub(crate) machines: BTreeSet<InstanceId>,
    /// Interfaces that belong to AWS or a service, with their types: the subnet cannot move while they are there.
    pub(crate) services: Vec<String>,
}

/// The subnets of a VPC with machines, by CIDR.
pub(crate) fn networks(seen: &AwsRegion, vpc: &VpcId) -> Vec<Network> {
    let of_vpc = seen.vpcs.get(vpc).and_then(|vpc| vpc.tags.get("Name"));
    let prefix = of_vpc.map(|name| format!("{name}-"));
    let mut subnets: Vec<_> = seen
        .subnets
        .iter()
        .filter(|(_, subnet)| subnet.vpc == *vpc)
        .collect();
    subnets.sort_by_key(|(_, subnet)| subnet.cidr);
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for (id, subnet) in subnets {
        let mut machines = BTreeSet::new();
        let mut services = Vec::new();
        for (eni_id, eni) in seen.enis.iter().filter(|(_, eni)| eni.subnet == *id) {
            let machine = eni.attached_to.as_ref().map(|(machine, _)| machine);
            match machine.filter(|machine| seen.instances.contains_key(*machine)) {
                Some(machine) => {
                    machines.insert(machine.clone());
                }
                None if eni.is_available() && !eni.requester_managed => {}
                None => services.push(format!("{eni_id} ({})", eni.interface_type)),
            }
        }
        if machines.is_empty() {
            continue;
        }
        let tag = subnet.name.as_deref();
        let short = prefix
            .as_deref()
            .and_then(|prefix| tag?.strip_prefix(prefix))
            .or(tag);
        let name = short.and_then(names::name);
        let name =
            name.unwrap_or_else(|| format!("net-{}", subnet.cidr.network()).replace('.', "-"));
        found.push(Network {
            name: names::unique(&mut taken, &name),
            cidr: subnet.cidr,
            subnet: id.clone(),
            machines,
            services,
        });
    }
    found
}
