//! The way of a packet from on-prem to each network's new home and back, when all is done.

use std::collections::BTreeSet;

use stayput_fabric::Node;
use stayput_fabric::Source;
use stayput_fabric::Trace;

use super::Look;
use crate::Finding;

impl Look<'_> {
    /// Packets that come to the home's VPC and no further, and replies that do not leave it.
    pub(super) fn ways(&self, found: &mut BTreeSet<Finding>) {
        for (network, site) in &self.homes {
            let Some(address) = self.representative(network) else {
                continue;
            };
            let trip = self.end.round_trip(&Source::OnPrem, address);
            // Of a loop every turn is a hop; it began where the packet came into the VPC first.
            if !trip.forward.verdict.is_delivered()
                && let Some(table) = ends_in(&trip.forward, |node| match node {
                    Node::Vpc { vpc, table } if *vpc == site.vpc => Some(table.clone()),
                    _ => None,
                })
                && let Some(table) = table
            {
                found.insert(Finding::PrefixNotInTable {
                    network: network.name.clone(),
                    site: site.name.clone(),
                    vpc: site.vpc.clone(),
                    table,
                    prefix: network.cidr,
                    verdict: trip.forward.verdict.to_string(),
                });
            }
            let Some(back) = trip.back.filter(|back| !back.verdict.is_delivered()) else {
                continue;
            };
            let table = ends_in(&back, |node| match node {
                Node::Vpc { vpc, table } if *vpc == site.vpc => Some(table.clone()),
                _ => None,
            });
            let own = self.survey.estate.on_prem.iter();
            let on_prem = own.copied().find(|own| own.contains(back.destination));
            if let (Some(table), Some(on_prem)) = (table, on_prem) {
                found.insert(Finding::NoReturnRoute {
                    network: network.name.clone(),
                    site: site.name.clone(),
                    vpc: site.vpc.clone(),
                    table,
                    on_prem,
                    verdict: back.verdict.to_string(),
                });
            }
        }
    }
}

/// What `wanted` says of the last hop, or of any if the packet goes in circles.
fn ends_in<T>(trace: &Trace, wanted: impl Fn(&Node) -> Option<T>) -> Option<T> {
    let mut nodes = trace.hops.iter().map(|hop| &hop.at);
    match trace.verdict {
        stayput_fabric::Verdict::Loop { .. } => nodes.filter_map(&wanted).next(),
        _ => nodes.next_back().and_then(wanted),
    }
}
