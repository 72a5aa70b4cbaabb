//! Tests of the layout of the small estate, followed next hop by next hop.

mod estate;

use self::estate::ADDRESS;
use self::estate::DMZ_ADDRESS;
use self::estate::Estate;
use self::estate::Site;
use self::estate::To;
use super::*;

/// Where a packet from on-prem ends, by the layout alone: the last node, or `None` where it is dropped or loops.
fn from_on_prem(estate: &Estate, to: Ipv4Addr) -> Option<NodeId> {
    let layout = Layout::of(&estate.lab);
    let mut at = NodeId::OnPrem;
    let mut table = TableId::Main;
    for _ in 0..64 {
        let node = &layout.nodes[&at];
        if node.addresses.contains(&to) {
            return Some(at);
        }
        let matching = node.tables.get(&table)?.iter();
        let (_, hop) = matching
            .filter(|(prefix, _)| prefix.contains(to))
            .max_by_key(|(prefix, _)| prefix.len())?;
        let Hop::Over(link) = hop else {
            return None;
        };
        let (a, b) = &layout.links[link];
        at = if *a == at { b.clone() } else { a.clone() };
        let rule = Match::In(link.clone());
        table = layout.nodes[&at]
            .rules
            .get(&rule)
            .cloned()
            .unwrap_or(TableId::Main);
    }
    None
}

fn app(estate: &Estate) -> Option<NodeId> {
    Some(NodeId::Instance(estate.instance(ADDRESS)))
}

fn vm(estate: &Estate, site: Site) -> Option<NodeId> {
    let (pc, id) = estate.vm(site);
    Some(NodeId::Vm(pc, id))
}

#[test]
fn a_packet_reaches_the_site_of_its_network_before_and_after_each_move() {
    let estate = Estate::new();
    assert_eq!(from_on_prem(&estate, ADDRESS), app(&estate));
    let estate = Estate::new().moved();
    assert_eq!(from_on_prem(&estate, ADDRESS), vm(&estate, Site::Tokyo));
    let estate = Estate::new().failed_over();
    assert_eq!(from_on_prem(&estate, ADDRESS), vm(&estate, Site::Osaka));
    // Machines that remain in EC2 are still reached.
    let stays = Some(NodeId::Instance(estate.instance(DMZ_ADDRESS)));
    assert_eq!(from_on_prem(&estate, DMZ_ADDRESS), stays);
}

#[test]
fn a_machine_has_its_address_only_while_it_is_on() {
    let mut estate = Estate::new();
    let (app, vm) = (app(&estate), vm(&estate, Site::Tokyo));
    let has = |estate: &Estate, node: &Option<NodeId>| {
        let layout = Layout::of(&estate.lab);
        layout.nodes[node.as_ref().unwrap()]
            .addresses
            .contains(&ADDRESS)
    };
    assert!(has(&estate, &app) && !has(&estate, &vm));
    estate.stop_source();
    assert!(!has(&estate, &app));
    assert_eq!(from_on_prem(&estate, ADDRESS), None);
    estate.power(Site::Tokyo, true);
    assert!(has(&estate, &vm));
}

#[test]
fn a_blackhole_and_a_missing_prefix_drop() {
    let mut estate = Estate::new().moved();
    estate.route(Site::Tokyo, To::Blackhole);
    assert_eq!(from_on_prem(&estate, ADDRESS), None);
    let mut estate = Estate::new().moved();
    estate.announce(Site::Tokyo, false);
    assert_eq!(from_on_prem(&estate, ADDRESS), None);
}

#[test]
fn a_route_that_is_pending_is_not_in_the_kernel_yet() {
    let mut estate = Estate::new().moved();
    estate.route_later(Site::Tokyo, To::Blackhole);
    assert_eq!(from_on_prem(&estate, ADDRESS), vm(&estate, Site::Tokyo));
    estate.one_second();
    assert_eq!(from_on_prem(&estate, ADDRESS), None);
}

#[test]
fn no_packet_passes_a_region_that_is_down() {
    let mut estate = Estate::new().moved();
    let down = &mut estate.lab.aws.down_regions;
    down.insert(Site::Tokyo.region().to_owned());
    assert_eq!(from_on_prem(&estate, ADDRESS), None);
}

#[test]
fn no_route_leads_over_a_link_that_does_not_end_at_its_node() {
    for estate in [
        Estate::new(),
        Estate::new().moved(),
        Estate::new().failed_over(),
    ] {
        let layout = Layout::of(&estate.lab);
        for (id, node) in &layout.nodes {
            for hop in node.tables.values().flat_map(BTreeMap::values) {
                if let Hop::Over(link) = hop {
                    let (a, b) = &layout.links[link];
                    assert!(a == id || b == id, "{id}: {link:?}");
                }
            }
        }
    }
}
