//! Tests of the layout of the small estate, followed next hop by next hop.

use super::*;
use crate::aws::fixture::*;

/// Where a packet from on-prem ends, by the layout alone: the last node, or `None` where it is dropped or loops.
fn from_on_prem(lab: &LabState, to: Ipv4Addr) -> Option<NodeId> {
    let layout = Layout::of(lab);
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

fn app() -> Option<NodeId> {
    Some(NodeId::Instance(APP.to_owned()))
}

fn vm(pc: usize) -> Option<NodeId> {
    Some(NodeId::Vm(pc, VM.to_owned()))
}

#[test]
fn a_packet_reaches_the_site_of_its_network_before_and_after_each_move() {
    assert_eq!(from_on_prem(&estate(), ADDRESS), app());
    assert_eq!(from_on_prem(&estate().moved(), ADDRESS), vm(0));
    assert_eq!(from_on_prem(&estate().failed_over(), ADDRESS), vm(1));
    // Machines that remain in EC2 are still reached.
    let stays = Some(NodeId::Instance(DMZ.to_owned()));
    assert_eq!(from_on_prem(&estate().failed_over(), DMZ_ADDRESS), stays);
}

#[test]
fn a_machine_has_its_address_only_while_it_is_on() {
    let mut lab = estate();
    let has = |lab: &LabState, node: &Option<NodeId>| {
        let layout = Layout::of(lab);
        layout.nodes[node.as_ref().unwrap()]
            .addresses
            .contains(&ADDRESS)
    };
    assert!(has(&lab, &app()) && !has(&lab, &vm(0)));
    lab.stop_source();
    assert!(!has(&lab, &app()));
    assert_eq!(from_on_prem(&lab, ADDRESS), None);
    lab.power(0, true);
    assert!(has(&lab, &vm(0)));
}

#[test]
fn a_blackhole_and_a_missing_prefix_drop() {
    let mut lab = estate().moved();
    lab.route(TABLE_T, P, None);
    assert_eq!(from_on_prem(&lab, ADDRESS), None);
    let mut lab = estate().moved();
    lab.transit_erp(0, false);
    assert_eq!(from_on_prem(&lab, ADDRESS), None);
}

#[test]
fn a_route_that_is_pending_is_not_in_the_kernel_yet() {
    let mut lab = estate().moved();
    let later = lab.now().after(std::time::Duration::from_secs(1));
    let tables = &mut lab.region(TOKYO).tgw_route_tables;
    let route = tables
        .get_mut(TABLE_T)
        .unwrap()
        .statics
        .get_mut(&cidr(P))
        .unwrap();
    route.before = Some(route.attachment.take());
    route.active_from = later;
    assert_eq!(from_on_prem(&lab, ADDRESS), vm(0));
    lab.one_second();
    assert_eq!(from_on_prem(&lab, ADDRESS), None);
}

#[test]
fn no_packet_passes_a_region_that_is_down() {
    let mut lab = estate().moved();
    lab.aws.down_regions.insert(TOKYO.to_owned());
    assert_eq!(from_on_prem(&lab, ADDRESS), None);
}

#[test]
fn no_route_leads_over_a_link_that_does_not_end_at_its_node() {
    for lab in [estate(), estate().moved(), estate().failed_over()] {
        let layout = Layout::of(&lab);
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
