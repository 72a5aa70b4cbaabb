//! Networks and sites: what machines there were used to and will not find.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_world::World;

use super::CheckFinding;
use super::machines::Look;

/// The DNS server that AWS serves on every instance.
const AMAZON_DNS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// Where in the first CIDR of a VPC its DNS server is (AWS reference §4).
const DNS_OFFSET: u32 = 2;

/// What DHCP at the sites of these networks would give to machines.
pub(super) fn of_sites(
    estate: &Estate,
    world: &World,
    names: &BTreeSet<NetworkName>,
    found: &mut BTreeSet<CheckFinding>,
) {
    let source = &estate.source;
    let vpc = world
        .aws
        .get(&source.region)
        .and_then(|region| region.vpcs.get(&source.vpc));
    let of_source: BTreeSet<Ipv4Addr> = vpc
        .iter()
        .flat_map(|vpc| &vpc.cidrs)
        .map(|cidr| Ipv4Addr::from(u32::from(cidr.network()).wrapping_add(DNS_OFFSET)))
        .chain([AMAZON_DNS])
        .collect();
    let networks = names.iter().filter_map(|name| estate.networks.get(name));
    let sites: BTreeSet<_> = networks
        .flat_map(|network| [Some(&network.primary), network.recovery.as_ref()])
        .flatten()
        .collect();
    for site in sites.into_iter().filter_map(|name| estate.sites.get(name)) {
        let object = || site.name.to_string();
        if site.dns_servers.is_empty() {
            let what = Message::new("check-no-dns-servers").with("site", &site.name);
            found.insert(CheckFinding::new(Rule::NoDnsServers, object(), what));
        }
        for server in site.dns_servers.iter().filter(|ip| of_source.contains(ip)) {
            let what = Message::new("check-dns-server-of-source")
                .with("site", &site.name)
                .with("server", server);
            found.insert(CheckFinding::new(Rule::DnsServerOfSource, object(), what));
        }
    }
}

/// What machines of the networks have in EC2 only.
pub(super) fn of_networks(look: &Look<'_>, found: &mut BTreeSet<CheckFinding>) {
    let networks = look
        .names
        .iter()
        .filter_map(|name| look.estate.networks.get(name));
    for network in networks {
        let subnet = &network.ec2_subnet;
        if !look.region.subnets.contains_key(subnet) {
            let what = Message::new("check-subnet-not-seen")
                .with("subnet", subnet)
                .with("network", &network.name)
                .with("region", &look.estate.source.region);
            found.insert(CheckFinding::new(Rule::NotObserved, subnet.as_str(), what));
        }
        let is_here = |eni| {
            let eni = look.region.enis.get(eni);
            eni.is_some_and(|eni| eni.subnet == *subnet)
        };
        let machines = look.in_ec2.values();
        let machines = machines
            .filter(|instance| instance.enis.iter().any(is_here))
            .count();
        if machines > 0 {
            let name = network.name.as_str();
            let what = Message::new("check-link-local-services")
                .with("network", name)
                .count("machines", machines);
            found.insert(CheckFinding::new(Rule::LinkLocalServices, name, what));
            let what = Message::new("check-mtu").with("network", name);
            found.insert(CheckFinding::new(Rule::Mtu, name, what));
        }
        let free = look.region.enis.iter().filter(|(_, eni)| {
            eni.subnet == *subnet && eni.is_available() && eni.primary.is_some()
        });
        for (id, eni) in free {
            let addresses: Vec<_> = eni.addresses().map(|address| address.to_string()).collect();
            let what = Message::new("check-detached-interface")
                .with("eni", id)
                .with("addresses", addresses.join(", "))
                .with("network", &network.name);
            found.insert(CheckFinding::new(
                Rule::DetachedInterface,
                id.as_str(),
                what,
            ));
        }
    }
}
