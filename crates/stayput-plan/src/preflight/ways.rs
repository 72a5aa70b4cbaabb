//! The way of a packet from on-prem to each network's new home and back, when all is done.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Nc2Site;
use stayput_estate::Network;
use stayput_estate::NetworkName;
use stayput_estate::RouteTableId;
use stayput_fabric::Change;
use stayput_fabric::ErpScope;
use stayput_fabric::Node;
use stayput_fabric::Reason;
use stayput_fabric::Source;
use stayput_fabric::Trace;
use stayput_fabric::Verdict;

use super::Look;
use crate::Finding;

impl Look<'_> {
    /// Packets that come to the home's VPC and no further, replies that do not leave it, and what would loop.
    pub(super) fn ways(&self, found: &mut BTreeSet<Finding>) {
        for (network, site) in &self.homes {
            let Some(address) = self.representative(network) else {
                continue;
            };
            let trip = self.end.round_trip(&Source::OnPrem, address);
            if !trip.forward.verdict.is_delivered()
                && let Some(Some(table)) = last_in(&trip.forward, |node| table_of(node, site))
            {
                found.insert(Finding::PrefixNotInTable {
                    network: network.name.clone(),
                    site: site.name.clone(),
                    vpc: site.vpc.clone(),
                    table,
                    prefix: network.cidr,
                    verdict: trip.forward.verdict.clone(),
                });
            }
            if let Some(back) = trip.back.filter(|back| !back.verdict.is_delivered()) {
                self.without_return(network, site, &back, found);
            }
            self.circles(network, site, address, found);
        }
    }

    fn without_return(
        &self,
        network: &Network,
        site: &Nc2Site,
        back: &Trace,
        found: &mut BTreeSet<Finding>,
    ) {
        let own = self.survey.estate.on_prem.iter();
        let on_prem = own.copied().find(|own| own.contains(back.destination));
        if let (Some(table), Some(on_prem)) = (last_in(back, |node| table_of(node, site)), on_prem)
        {
            found.insert(Finding::NoReturnRoute {
                network: network.name.clone(),
                site: site.name.clone(),
                vpc: site.vpc.clone(),
                table,
                on_prem,
                verdict: back.verdict.clone(),
            });
        }
    }

    /// What becomes of packets when NC2's route for the network is absent although all else stands, as between a host's failure and its
    /// replacement (AWS reference §4).
    fn circles(
        &self,
        network: &Network,
        site: &Nc2Site,
        address: Ipv4Addr,
        found: &mut BTreeSet<Finding>,
    ) {
        let mut absent = self.end.clone();
        absent.apply(&Change::Erp {
            site: site.name.clone(),
            scope: ErpScope::TransitVpc,
            cidr: network.cidr,
            present: false,
        });
        let trace = absent.trace(&Source::OnPrem, address);
        if !matches!(trace.verdict, Verdict::Loop { .. }) {
            return;
        }
        for hop in &trace.hops {
            if let Reason::VpcRoute { prefix, toward, .. } = &hop.reason
                && let Some(Some(table)) = table_of(&hop.at, site)
            {
                found.insert(Finding::LoopingAggregate {
                    network: network.name.clone(),
                    site: site.name.clone(),
                    table,
                    aggregate: *prefix,
                    toward: toward.clone(),
                });
            }
        }
    }

    /// Networks of a home whose packets from on-prem end at its Transit Gateway for want of a table, when the plan is done.
    pub(super) fn dropped_at(&self, site: &Nc2Site) -> BTreeSet<NetworkName> {
        let here = self.homes.iter().filter(|(_, home)| home.name == site.name);
        here.filter(|(network, _)| {
            self.representative(network).is_some_and(|address| {
                let trace = self.end.trace(&Source::OnPrem, address);
                let last = trace.hops.last().map(|hop| (&hop.at, &hop.reason));
                matches!(last, Some((Node::Tgw { tgw, .. }, Reason::NotAssociated)) if *tgw == site.tgw)
            })
        })
        .map(|(network, _)| network.name.clone())
        .collect()
    }
}

/// The table of the site's VPC that decides at a node; `None` if the node is elsewhere.
fn table_of(node: &Node, site: &Nc2Site) -> Option<Option<RouteTableId>> {
    match node {
        Node::Vpc { vpc, table } if *vpc == site.vpc => Some(table.clone()),
        _ => None,
    }
}

/// What `wanted` says of the last hop, or, if the packet loops, of the first hop for which it gives anything.
fn last_in<T>(trace: &Trace, wanted: impl Fn(&Node) -> Option<T>) -> Option<T> {
    let mut nodes = trace.hops.iter().map(|hop| &hop.at);
    match trace.verdict {
        Verdict::Loop { .. } => nodes.find_map(wanted),
        _ => nodes.next_back().and_then(wanted),
    }
}
