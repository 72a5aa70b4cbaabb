//! Whose addresses the demo watches: those of the machines that move, and those of everything else in the EC2 VPC, which stays.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use serde::Serialize;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_fabric::Fabric;
use stayput_fabric::Holder;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_plan::Survey;
use stayput_world::Facts;
use stayput_world::World;

/// The type EC2 reports of an interface that a Transit Gateway attachment has in its subnets: not a destination of traffic.
const ATTACHMENT_INTERFACE: &str = "transit_gateway";

/// Addresses of each kind at most, spread evenly: each is a request of its own at every look.
const AT_MOST: usize = 64;

/// Which part an address plays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "part", content = "of")]
pub enum Part {
    /// Its machine moves, with this network.
    Moves(NetworkName),
    /// It stays in the EC2 VPC, in the subnet of this prefix; no goal names it.
    Stays(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Moves(network) => Message::new("demo-part-moves").with("network", network),
            Self::Stays(subnet) => Message::new("demo-part-stays").with("subnet", subnet),
        };
        fmt::Display::fmt(&text, f)
    }
}

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its name for people.
    pub name: String,
    /// Which part it plays.
    #[serde(flatten)]
    pub part: Part,
}

/// Every watched machine, by address.
#[derive(Debug, Clone, Default)]
pub struct Watchlist(pub BTreeMap<Ipv4Addr, Member>);

impl Watchlist {
    /// The addresses that on-prem reaches now, before anything has moved.
    pub fn of(estate: &Estate, world: &World) -> Self {
        let networks = estate.networks.keys().cloned().collect();
        let facts = Facts::default();
        let survey = Survey::new(estate, world, &facts, &networks);
        let fabric = Fabric::new(estate, world);
        let mut moving = Vec::new();
        for (id, machine) in survey.machines.iter().filter(|(id, _)| survey.runs(id)) {
            for nic in &machine.nics {
                let member = Member {
                    name: machine.label(id),
                    part: Part::Moves(nic.network.clone()),
                };
                let addresses = std::iter::once(&nic.primary).chain(&nic.secondary);
                moving.extend(addresses.map(|address| (*address, member.clone())));
            }
        }
        moving.sort_by_key(|(address, _)| *address);
        let subnet_of = |address: Ipv4Addr| {
            let region = world.aws.get(&estate.source.region)?;
            let mut subnets = region.subnets.values();
            let subnet = subnets
                .find(|subnet| subnet.vpc == estate.source.vpc && subnet.cidr.contains(address))?;
            Some(subnet.cidr.to_string())
        };
        let staying: Vec<_> = fabric
            .addresses_of_interest()
            .into_iter()
            .filter(|address| estate.network_of(*address).is_none())
            .filter_map(|address| {
                let Verdict::Delivered { holder, .. } = fabric.verdict(&Source::OnPrem, address)
                else {
                    return None;
                };
                let is_attachment = matches!(&holder, Holder::Interface { kind, .. } if kind == ATTACHMENT_INTERFACE);
                if is_attachment {
                    return None;
                }
                let member = Member {
                    name: name_of(&holder),
                    part: Part::Stays(subnet_of(address)?),
                };
                Some((address, member))
            })
            .collect();
        let mut watchlist = BTreeMap::new();
        for group in [moving, staying] {
            let every = group.len().div_ceil(AT_MOST).max(1);
            watchlist.extend(group.into_iter().step_by(every));
        }
        Self(watchlist)
    }

    /// Whether the address stays in the EC2 VPC.
    pub fn stays(&self, address: Ipv4Addr) -> bool {
        matches!(
            self.0.get(&address),
            Some(Member {
                part: Part::Stays(_),
                ..
            })
        )
    }
}

fn name_of(holder: &Holder) -> String {
    match holder {
        Holder::Instance { id, name } => name.clone().unwrap_or_else(|| id.to_string()),
        Holder::Interface { kind, .. } => kind.clone(),
        Holder::Vm { name, .. } => name.clone(),
        Holder::Planned | Holder::OnPrem | Holder::Sender => holder.to_string(),
    }
}
