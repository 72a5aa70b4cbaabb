//! By which region on-prem comes in to a network: path A or path B (AWS reference §8.4).

use std::collections::BTreeSet;

use stayput_estate::EdgeName;
use stayput_estate::Network;
use stayput_fabric::Fabric;
use stayput_fabric::Node;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_messages::list::and;

use super::Draft;
use super::Prepared;
use super::home::HomeChange;
use crate::EntryPath;
use crate::ExpectedRoute;
use crate::Obstacle;
use crate::Warning;
use crate::proof::of_routing;
use crate::routes::halves_for_home;

/// By which region on-prem shall come in to one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Path A: as without stayput, by the region on-prem prefers.
    OldRegion,
    /// Path B: by the region of the network's home.
    OwnRegion,
}

impl Draft<'_> {
    /// What a goal's path means for a network as things are.
    pub(super) fn entry_path(&self, change: &HomeChange<'_>, network: &Network) -> Entry {
        match change.path {
            EntryPath::A => Entry::OldRegion,
            EntryPath::B => Entry::OwnRegion,
            EntryPath::Keep if self.a_half_stands(change, network) => Entry::OwnRegion,
            EntryPath::Keep => Entry::OldRegion,
        }
    }

    /// Whether at least one half of the network leads to its home: the other was not written yet, or was lost.
    fn a_half_stands(&self, change: &HomeChange<'_>, network: &Network) -> bool {
        let survey = self.survey;
        let halves = halves_for_home(survey.estate, survey.world, network, change.home);
        halves.iter().any(|half| half.from == half.to)
    }

    /// Warns that the path is kept where it is not the usual one.
    pub(super) fn path_is_kept(&mut self, change: &HomeChange<'_>) {
        if change.path != EntryPath::Keep {
            return;
        }
        let survey = self.survey;
        for network in change.networks {
            let Some(definition) = survey.estate.networks.get(network) else {
                continue;
            };
            if self.entry_path(change, definition) == Entry::OwnRegion {
                let halves = definition.cidr.halves().into_iter().flatten();
                self.warnings.push(Warning::general(
                    Message::new("warning-halves-stay")
                        .with("network", network)
                        .with("home", change.home)
                        .part("halves", and(halves)),
                ));
            }
        }
    }

    /// The halves that must be there when the home is verified.
    pub(super) fn halves_to_verify(&self, change: &HomeChange<'_>) -> Vec<ExpectedRoute> {
        let survey = self.survey;
        let networks = change.networks.iter();
        let networks = networks.filter_map(|name| survey.estate.networks.get(name));
        let by_own =
            networks.filter(|network| self.entry_path(change, network) == Entry::OwnRegion);
        let halves: BTreeSet<_> = by_own
            .flat_map(|network| halves_for_home(survey.estate, survey.world, network, change.home))
            .filter_map(|half| {
                Some(ExpectedRoute {
                    region: half.region,
                    table: half.table,
                    cidr: half.cidr,
                    to: half.to?,
                })
            })
            .collect();
        halves.into_iter().collect()
    }

    /// Adds the halves of a network that are absent: always for path B, and where a lost region's edges still take its packets.
    pub(super) fn draw_on_prem(
        &mut self,
        change: &HomeChange<'_>,
        path: Entry,
        network: &Network,
        fabric: &Fabric,
        calls: &mut Vec<Prepared>,
    ) {
        let survey = self.survey;
        if !self.obstacles.is_empty() {
            return;
        }
        let is_needed = match path {
            Entry::OwnRegion => true,
            Entry::OldRegion if survey.left.is_empty() => false,
            Entry::OldRegion => {
                self.a_half_stands(change, network)
                    || !self.on_prem_comes_in(change, path, network, fabric, calls)
            }
        };
        if !is_needed {
            return;
        }
        let halves = halves_for_home(survey.estate, survey.world, network, change.home);
        let absent = halves.into_iter().filter(|half| half.from != half.to);
        let why = Message::new("why-half");
        calls.extend(absent.map(|half| self.route_step(half, why.clone())));
        if path == Entry::OwnRegion && !self.on_prem_comes_in(change, path, network, fabric, calls)
        {
            self.obstacle(Obstacle::NoAnnouncement {
                network: network.name.clone(),
                site: change.home.clone(),
                halves: network.cidr.halves().into_iter().flatten().collect(),
            });
        }
    }

    /// Whether, when the calls are made, on-prem's packets to the network come to its home: for path B by an edge of its own region.
    fn on_prem_comes_in(
        &self,
        change: &HomeChange<'_>,
        path: Entry,
        network: &Network,
        fabric: &Fabric,
        calls: &[Prepared],
    ) -> bool {
        let survey = self.survey;
        let mut fabric = fabric.clone();
        for call in calls.iter().filter_map(|call| of_routing(&call.action)) {
            fabric.apply(&call);
        }
        let region = survey
            .estate
            .sites
            .get(change.home)
            .map(|site| &site.region);
        let is_near = |edge: &EdgeName| {
            let edge = survey.estate.edges.get(edge);
            edge.map(|edge| &edge.region) == region
        };
        let movers = survey.running_addresses().keys().copied();
        movers
            .filter(|address| network.cidr.contains(*address))
            .all(|address| {
                let trace = fabric.trace(&Source::OnPrem, address);
                let arrives = trace.verdict.site() == Some(change.home);
                let mut edges = trace.hops.iter().filter_map(|hop| match &hop.at {
                    Node::Edge(edge) => Some(edge),
                    _ => None,
                });
                arrives && (path == Entry::OldRegion || edges.all(is_near))
            })
    }
}
