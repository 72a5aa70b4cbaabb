//! The fabric: one state of the network, to be traced, changed and copied.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Estate;
use stayput_estate::Network;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwId;
use stayput_world::World;

use crate::assumptions::Assumptions;
use crate::explain::Explainer;
use crate::holders::Location;
use crate::index::Id;
use crate::source::Source;
use crate::state::State;
use crate::topology::Topology;
use crate::trace::Node;
use crate::trace::Place;
use crate::trace::RoundTrip;
use crate::trace::Trace;
use crate::trace::Verdict;
use crate::unmodelled::MissingSource;
use crate::unmodelled::Unmodelled;
use crate::walk::Answerer;
use crate::walk::Ending;
use crate::walk::Sender;
use crate::walk::Walked;
use crate::walk::Walker;
use crate::walk::site_of_location;

/// One state of the network: topology, route tables, who answers where.
///
/// Making one is linear in the snapshot. A copy shares everything; changing a copy copies the table that changes.
#[derive(Debug, Clone)]
pub struct Fabric {
    pub(crate) topology: Arc<Topology>,
    pub(crate) state: State,
    pub(crate) assumptions: Assumptions,
}

/// Which site packets from on-prem to a network come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// No address of it comes to any site.
    Nowhere,
    /// Every address that comes anywhere comes to this one.
    Site(SiteName),
    /// Its addresses come to several sites, each with how many.
    Split(BTreeMap<SiteName, usize>),
}

impl Home {
    /// The one site, if there is one.
    pub fn site(&self) -> Option<&SiteName> {
        match self {
            Self::Site(site) => Some(site),
            Self::Nowhere | Self::Split(_) => None,
        }
    }
}

impl Fabric {
    /// The fabric of a snapshot, under the cautious assumptions. Never fails: what was not observed appears in verdicts.
    pub fn new(estate: &Estate, world: &World) -> Self {
        Self::with_assumptions(estate, world, Assumptions::default())
    }

    /// The same under other assumptions, to prove something with either answer to an open question.
    pub fn with_assumptions(estate: &Estate, world: &World, assumptions: Assumptions) -> Self {
        let topology = Topology::new(estate, world);
        let state = State::new(&topology, world);
        Self {
            topology: Arc::new(topology),
            state,
            assumptions,
        }
    }

    pub(crate) fn walker(&self, to: Ipv4Addr, sender: Option<Sender>) -> Walker<'_> {
        Walker {
            topology: &self.topology,
            state: &self.state,
            assumptions: self.assumptions,
            to,
            sender,
        }
    }

    /// The way of a packet from a source to an address.
    pub fn trace(&self, from: &Source, to: Ipv4Addr) -> Trace {
        match self.start(from) {
            Ok(start) => {
                let walker = self.walker(to, None);
                let walked = walker.walk(start);
                self.explainer(walker).trace(from.clone(), to, &walked)
            }
            Err(missing) => from_nowhere(from.clone(), to, missing),
        }
    }

    /// Where a packet ends, without its way: the same verdict as [`Fabric::trace`] gives, for less.
    pub fn verdict(&self, from: &Source, to: Ipv4Addr) -> Verdict {
        match self.start(from) {
            Ok(start) => {
                let walker = self.walker(to, None);
                let walked = walker.walk(start);
                self.explainer(walker).verdict(&walked)
            }
            Err(missing) => from_nowhere(from.clone(), to, missing).verdict,
        }
    }

    /// The way there, and the way back from where it was delivered. For on-prem the way back is the worst over all on-prem
    /// prefixes.
    pub fn round_trip(&self, from: &Source, to: Ipv4Addr) -> RoundTrip {
        let walker = self.walker(to, None);
        let walked = match self.start(from) {
            Ok(start) => walker.walk(start),
            Err(missing) => {
                return RoundTrip {
                    forward: from_nowhere(from.clone(), to, missing),
                    back: None,
                    symmetric: false,
                };
            }
        };
        let forward = self.explainer(walker).trace(from.clone(), to, &walked);
        let back = self.way_back(from, to, &walked);
        let symmetric = back.as_ref().is_some_and(|(back, trace)| {
            trace.verdict.is_delivered() && back.waypoints() == walked.waypoints()
        });
        RoundTrip {
            forward,
            back: back.map(|(_, trace)| trace),
            symmetric,
        }
    }

    fn way_back(&self, from: &Source, to: Ipv4Addr, walked: &Walked) -> Option<(Walked, Trace)> {
        let Ending::Delivered(place, answerer) = walked.ending else {
            return None;
        };
        let start = match answerer {
            Answerer::Location(location) => self.leaving_location(location, to),
            Answerer::OnPrem => crate::walk::At::OnPrem { only: None },
            Answerer::Sender => return None,
        };
        let mut worst: Option<(Ipv4Addr, Option<Sender>, Walked)> = None;
        for (address, sender) in self.senders(from, to) {
            let back = self.walker(address, sender).walk(start);
            if worst
                .as_ref()
                .is_none_or(|(_, _, worst)| back.is_worse_than(worst))
            {
                worst = Some((address, sender, back));
            }
        }
        worst.map(|(address, sender, back)| {
            let explainer = self.explainer(self.walker(address, sender));
            let source = Source::Machine {
                place: explainer.place(place),
                address: to,
            };
            let trace = explainer.trace(source, address, &back);
            (back, trace)
        })
    }

    /// The verdict of a walk to an address that was made in this state, or in one that is the same to it.
    pub(crate) fn verdict_of(&self, to: Ipv4Addr, walked: &Walked) -> Verdict {
        self.explainer(self.walker(to, None)).verdict(walked)
    }

    fn explainer<'a>(&'a self, walker: Walker<'a>) -> Explainer<'a> {
        Explainer { walker }
    }

    /// How many routes the tables of a Transit Gateway hold together: static ones, each entry of each prefix list (AWS reference §1.4), and
    /// learned ones, whether or not something hides them. AWS allows 10,000 (AWS reference §1.5).
    pub fn routes_of_tgw(&self, region: &Region, tgw: &TgwId) -> usize {
        let topology = &*self.topology;
        let tgw = topology
            .region_ids
            .get(region)
            .and_then(|region| topology.tgw_ids.get(&(*region, tgw.clone())));
        let tables = topology
            .tgw_tables
            .iter()
            .filter(|(_, node)| Some(&node.tgw) == tgw)
            .map(|(ix, _)| &self.state.tgw_tables[ix.position()]);
        tables
            .map(|table| {
                let learned: usize = table.learned.iter().map(|(_, from)| from.len()).sum();
                table.fixed.iter().count() + table.entries + learned
            })
            .sum()
    }

    /// Every address of machines and interfaces in the estate's networks and in the source VPC.
    pub fn addresses_of_interest(&self) -> BTreeSet<Ipv4Addr> {
        let of_source_vpc = |location: Location| match location {
            Location::Eni(eni) => Some(self.topology.enis[eni].vpc) == self.topology.source_vpc,
            Location::Planned(_) => true,
            Location::Vm { .. } => false,
        };
        let holders = &self.state.holders;
        let of_source_vpc = holders
            .iter()
            .filter(|(_, holders)| holders.iter().any(|holder| of_source_vpc(holder.location)));
        let networks = self.topology.networks.values();
        networks
            .flat_map(|cidr| holders.within(*cidr))
            .chain(of_source_vpc)
            .map(|(address, _)| address)
            .collect()
    }

    /// Addresses that machines answer for at more than one site at once (promise 2 of README.md), with those sites.
    pub fn served_twice(&self) -> BTreeMap<Ipv4Addr, BTreeSet<SiteName>> {
        self.state
            .holders
            .iter()
            .filter(|(_, holders)| holders.iter().filter(|holder| holder.answers).count() > 1)
            .map(|(address, _)| (address, self.served_at(address)))
            .filter(|(_, sites)| sites.len() > 1)
            .collect()
    }

    /// The sites where a machine answers for an address, whether or not packets get there.
    pub fn served_at(&self, address: Ipv4Addr) -> BTreeSet<SiteName> {
        self.state
            .holders
            .of(address)
            .iter()
            .filter(|holder| holder.answers)
            .filter_map(|holder| {
                site_of_location(&self.topology, &self.state, holder.location, address)
            })
            .map(|site| self.topology.sites[site].name.clone())
            .collect()
    }

    /// Where a network's addresses are served now: the sites packets from on-prem come to, answered or not. For a network
    /// without any address the way of one that would be in it decides.
    pub fn observed_home(&self, network: &Network) -> Home {
        let holders = self.state.holders.within(network.cidr);
        let mut addresses: Vec<_> = holders.map(|(address, _)| address).collect();
        if addresses.is_empty() {
            addresses.push(network.cidr.network());
        }
        let mut sites: BTreeMap<SiteName, usize> = BTreeMap::new();
        for class in self.classes(addresses) {
            let verdict = self.verdict(&Source::OnPrem, class.representative);
            if let Some(site) = verdict.reached().and_then(Place::site) {
                *sites.entry(site.clone()).or_default() += class.members.len();
            }
        }
        match sites.len() {
            0 => Home::Nowhere,
            1 => sites.into_keys().next().map_or(Home::Nowhere, Home::Site),
            _ => Home::Split(sites),
        }
    }
}

/// The trace of a source that is not there.
fn from_nowhere(source: Source, to: Ipv4Addr, missing: MissingSource) -> Trace {
    Trace {
        source,
        destination: to,
        hops: Vec::new(),
        verdict: Verdict::Unmodelled {
            at: Node::Source,
            what: Unmodelled::Source(missing),
        },
        caveats: Vec::new(),
    }
}
