//! Sources of packets: the source classes, where each starts, and where its replies go.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;

use crate::fabric::Fabric;
use crate::holders::Holder;
use crate::holders::Location;
use crate::index::FlowIx;
use crate::index::Id;
use crate::index::SiteIx;
use crate::index::SubnetIx;
use crate::index::VpcIx;
use crate::state::VpcHop;
use crate::trace::Place;
use crate::unmodelled::MissingSource;
use crate::walk::At;
use crate::walk::Sender;

/// Where a packet starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// On-prem, by the edge it prefers for the destination.
    OnPrem,
    /// On-prem, as if this edge were the only one.
    OnPremVia {
        /// The edge.
        edge: EdgeName,
    },
    /// A subnet of the EC2 site's VPC.
    Ec2Subnet {
        /// The VPC.
        vpc: VpcId,
        /// The subnet.
        subnet: SubnetId,
    },
    /// The AWS VPC of an NC2 cluster: Prism Central, hosts, Move.
    Nc2Vpc {
        /// The cluster's site.
        site: SiteName,
    },
    /// A VM in the overlay subnet of a network.
    Overlay {
        /// Its site.
        site: SiteName,
        /// The network.
        network: NetworkName,
    },
    /// Another VPC attached to one of the Transit Gateways.
    Spoke {
        /// The VPC.
        vpc: VpcId,
    },
    /// The machine with this address.
    Machine {
        /// Where it is.
        place: Place,
        /// Its address.
        address: Ipv4Addr,
    },
}

/// Offset of the address that stands for a prefix in which no machine is known: after those that AWS reserves (AWS reference §5).
const STAND_IN: u32 = 10;

impl Source {
    /// As commands take it, such as `nc2:tokyo`.
    pub fn argument(&self) -> String {
        match self {
            Self::OnPrem => "on-prem".to_owned(),
            Self::OnPremVia { edge } => edge.to_string(),
            Self::Ec2Subnet { subnet, .. } => subnet.to_string(),
            Self::Nc2Vpc { site } => format!("nc2:{site}"),
            Self::Overlay { site, network } => format!("overlay:{network}@{site}"),
            Self::Spoke { vpc } => vpc.to_string(),
            Self::Machine { address, .. } => address.to_string(),
        }
    }
}

impl Fabric {
    /// Every source class of the estate, in a fixed order. Of the state only overlay subnets matter: each that exists is a class, whether
    /// or not it has machines; see [`Fabric::is_populated`].
    pub fn sources(&self) -> Vec<Source> {
        let topology = &*self.topology;
        let mut sources = vec![Source::OnPrem];
        sources.extend(topology.edges.iter().map(|(_, edge)| Source::OnPremVia {
            edge: edge.name.clone(),
        }));
        if let Some(vpc) = topology.source_vpc {
            let node = &topology.vpcs[vpc];
            sources.extend(node.subnets.iter().map(|subnet| Source::Ec2Subnet {
                vpc: node.id.clone(),
                subnet: topology.subnets[*subnet].id.clone(),
            }));
        }
        for (_, site) in topology.sites.iter().filter(|(_, site)| site.nc2.is_some()) {
            if site.vpc.is_some() {
                sources.push(Source::Nc2Vpc {
                    site: site.name.clone(),
                });
            }
        }
        for (ix, site) in topology.sites.iter() {
            for (network, cidr) in &topology.networks {
                if self.segment(ix, cidr.network()).is_some() {
                    sources.push(Source::Overlay {
                        site: site.name.clone(),
                        network: network.clone(),
                    });
                }
            }
        }
        let mut spokes: Vec<_> = topology
            .vpc_attachments
            .keys()
            .map(|(_, vpc)| *vpc)
            .filter(|vpc| topology.vpcs[*vpc].site.is_none())
            .collect();
        spokes.sort_unstable();
        spokes.dedup();
        sources.extend(spokes.into_iter().map(|vpc| Source::Spoke {
            vpc: topology.vpcs[vpc].id.clone(),
        }));
        sources
    }

    /// Whether a machine is there to send, in this state. An overlay whose machines are all off sends nothing.
    pub fn is_populated(&self, source: &Source) -> bool {
        match source {
            Source::OnPrem | Source::OnPremVia { .. } => true,
            Source::Nc2Vpc { .. } | Source::Spoke { .. } | Source::Machine { .. } => {
                self.start(source).is_ok()
            }
            Source::Ec2Subnet { subnet, .. } => {
                let ix = self.topology.subnet_ids.get(subnet);
                ix.is_some_and(|ix| self.sender_in_subnet(*ix, None).is_some())
            }
            Source::Overlay { site, network } => self
                .overlay(site, network)
                .is_some_and(|(flow, prefix)| self.sender_in_flow(flow, prefix, None).is_some()),
        }
    }

    /// The state a packet of a source starts in, or what is not there.
    pub(crate) fn start(&self, source: &Source) -> Result<At, MissingSource> {
        let topology = &*self.topology;
        match source {
            Source::OnPrem => Ok(At::OnPrem { only: None }),
            Source::OnPremVia { edge } => topology
                .edge_ids
                .get(edge)
                .map(|edge| At::OnPrem { only: Some(*edge) })
                .ok_or_else(|| MissingSource::Edge(edge.clone())),
            Source::Ec2Subnet { subnet, .. } => topology
                .subnet_ids
                .get(subnet)
                .map(|subnet| self.leaving_subnet(*subnet))
                .ok_or_else(|| MissingSource::Subnet(subnet.clone())),
            Source::Nc2Vpc { site } => self
                .site(site)
                .and_then(|site| topology.sites[site].vpc)
                .and_then(|vpc| self.typical_subnet(vpc))
                .map(|subnet| self.leaving_subnet(subnet))
                .ok_or_else(|| MissingSource::SiteVpc(site.clone())),
            Source::Spoke { vpc } => topology
                .vpc_ids
                .get(vpc)
                .and_then(|vpc| self.typical_subnet(*vpc))
                .map(|subnet| self.leaving_subnet(subnet))
                .ok_or_else(|| MissingSource::Vpc(vpc.clone())),
            Source::Overlay { site, network } => self
                .overlay(site, network)
                .map(|(flow, prefix)| At::Segment { flow, prefix })
                .ok_or_else(|| MissingSource::Overlay {
                    site: site.clone(),
                    network: network.clone(),
                }),
            Source::Machine { place, address } => {
                self.leaving_machine(place, *address)
                    .ok_or_else(|| MissingSource::Machine {
                        place: place.clone(),
                        address: *address,
                    })
            }
        }
    }

    /// Addresses that stand for a source, for replies: the destination, and where a reply counts as arrived although no machine is known to
    /// answer. Several for on-prem, which may have several prefixes.
    pub(crate) fn senders(
        &self,
        source: &Source,
        not: Ipv4Addr,
    ) -> Vec<(Ipv4Addr, Option<Sender>)> {
        let topology = &*self.topology;
        let subnet = |ix: SubnetIx| {
            let node = &topology.subnets[ix];
            let address = self
                .sender_in_subnet(ix, Some(not))
                .unwrap_or_else(|| stand_in(node.cidr, not));
            (address, Some(Sender::Vpc(node.vpc)))
        };
        match source {
            Source::OnPrem | Source::OnPremVia { .. } => topology
                .on_prem_list
                .iter()
                .map(|cidr| (stand_in(*cidr, not), None))
                .collect(),
            Source::Ec2Subnet { subnet: id, .. } => topology
                .subnet_ids
                .get(id)
                .map(|ix| subnet(*ix))
                .into_iter()
                .collect(),
            Source::Nc2Vpc { site } => self
                .site(site)
                .and_then(|site| topology.sites[site].vpc)
                .and_then(|vpc| self.typical_subnet(vpc))
                .map(subnet)
                .into_iter()
                .collect(),
            Source::Spoke { vpc } => topology
                .vpc_ids
                .get(vpc)
                .and_then(|vpc| self.typical_subnet(*vpc))
                .map(subnet)
                .into_iter()
                .collect(),
            Source::Overlay { site, network } => self
                .overlay(site, network)
                .map(|(flow, prefix)| {
                    let address = self
                        .sender_in_flow(flow, prefix, Some(not))
                        .unwrap_or_else(|| stand_in(prefix, not));
                    (address, Some(Sender::Flow(flow)))
                })
                .into_iter()
                .collect(),
            Source::Machine { place, address } => {
                let here = match self.leaving_machine(place, *address) {
                    Some(At::Vpc { vpc, .. }) => Some(Sender::Vpc(vpc)),
                    Some(At::Segment { flow, .. } | At::User { flow, .. }) => {
                        Some(Sender::Flow(flow))
                    }
                    Some(
                        At::OnPrem { .. }
                        | At::EdgeIn(_)
                        | At::EdgeOut(_)
                        | At::Tgw { .. }
                        | At::Peer(_)
                        | At::Transit { .. },
                    )
                    | None => None,
                };
                vec![(*address, here)]
            }
        }
    }

    /// The state of a packet that a holder of an address sends.
    pub(crate) fn leaving_location(&self, location: Location, address: Ipv4Addr) -> At {
        let topology = &*self.topology;
        let in_flow = |flow: FlowIx| {
            let subnets = &self.state.flows[flow.position()].subnets;
            match subnets.longest(address) {
                Some((prefix, _)) => At::Segment { flow, prefix },
                None => At::User { flow, below: true },
            }
        };
        match location {
            Location::Eni(eni) => {
                let node = &topology.enis[eni];
                match node.subnet {
                    Some(subnet) => self.leaving_subnet(subnet),
                    None => At::Vpc {
                        vpc: node.vpc,
                        table: topology.vpcs[node.vpc].main,
                        subnet: None,
                        transit: false,
                    },
                }
            }
            Location::Vm { flow, .. } => in_flow(flow),
            Location::Planned(site) => {
                let node = &topology.sites[site];
                match (&node.nc2, node.vpc) {
                    (Some(nc2), _) if nc2.user.is_some() => {
                        nc2.user.map_or(At::OnPrem { only: None }, in_flow)
                    }
                    (_, Some(vpc)) => self.leaving_vpc_address(vpc, address),
                    (_, None) => At::Transit { site, below: None },
                }
            }
        }
    }

    fn leaving_machine(&self, place: &Place, address: Ipv4Addr) -> Option<At> {
        let topology = &*self.topology;
        match place {
            Place::OnPrem => Some(At::OnPrem { only: None }),
            Place::Vpc(id) => {
                let vpc = *topology.vpc_ids.get(id)?;
                let cidrs = &topology.vpcs[vpc].cidrs;
                cidrs
                    .iter()
                    .any(|cidr| cidr.contains(address))
                    .then(|| self.leaving_vpc_address(vpc, address))
            }
            Place::Site(name) => {
                let site = self.site(name)?;
                let at_site = |holder: &&Holder| {
                    crate::walk::site_of_location(topology, &self.state, holder.location, address)
                        == Some(site)
                };
                let holders = self.state.holders.of(address);
                let holder = holders
                    .iter()
                    .filter(at_site)
                    .max_by_key(|holder| holder.answers);
                match (holder, self.segment(site, address)) {
                    (Some(holder), _) => Some(self.leaving_location(holder.location, address)),
                    (None, Some((flow, prefix))) => Some(At::Segment { flow, prefix }),
                    (None, None) => {
                        let vpc = topology.sites[site].vpc?;
                        let cidrs = &topology.vpcs[vpc].cidrs;
                        cidrs
                            .iter()
                            .any(|cidr| cidr.contains(address))
                            .then(|| self.leaving_vpc_address(vpc, address))
                    }
                }
            }
        }
    }

    fn leaving_subnet(&self, subnet: SubnetIx) -> At {
        let node = &self.topology.subnets[subnet];
        At::Vpc {
            vpc: node.vpc,
            table: node.table,
            subnet: Some(subnet),
            transit: false,
        }
    }

    fn leaving_vpc_address(&self, vpc: VpcIx, address: Ipv4Addr) -> At {
        let node = &self.topology.vpcs[vpc];
        let subnet = node
            .subnets
            .iter()
            .find(|subnet| self.topology.subnets[**subnet].cidr.contains(address));
        match subnet {
            Some(subnet) => self.leaving_subnet(*subnet),
            None => At::Vpc {
                vpc,
                table: node.main,
                subnet: None,
                transit: false,
            },
        }
    }

    pub(crate) fn site(&self, name: &SiteName) -> Option<SiteIx> {
        self.topology.site_ids.get(name).copied()
    }

    /// The overlay subnet of a site's user VPC that an address lies in.
    fn segment(&self, site: SiteIx, address: Ipv4Addr) -> Option<(FlowIx, Cidr)> {
        let flow = self.topology.sites[site].nc2.as_ref()?.user?;
        let (prefix, _) = self.state.flows[flow.position()].subnets.longest(address)?;
        Some((flow, prefix))
    }

    pub(crate) fn overlay(&self, site: &SiteName, network: &NetworkName) -> Option<(FlowIx, Cidr)> {
        let cidr = self.topology.networks.get(network)?;
        self.segment(self.site(site)?, cidr.network())
    }

    /// The subnet that stands for a VPC: the one with most instance interfaces that are no routers, else the first that has a way to a
    /// Transit Gateway, else the first.
    fn typical_subnet(&self, vpc: VpcIx) -> Option<SubnetIx> {
        let topology = &*self.topology;
        let reaches_tgw = |subnet: SubnetIx| {
            topology.subnets[subnet].table.is_some_and(|table| {
                self.state.vpc_tables[table.position()]
                    .iter()
                    .any(|(_, entry)| matches!(entry.hop, VpcHop::Tgw(_)))
            })
        };
        topology.vpcs[vpc].subnets.iter().copied().min_by_key(|ix| {
            let machines = topology.subnets[*ix]
                .instance_enis
                .iter()
                .filter(|eni| topology.enis[**eni].source_dest_check)
                .count();
            (std::cmp::Reverse(machines), !reaches_tgw(*ix), *ix)
        })
    }

    fn sender_in_subnet(&self, subnet: SubnetIx, not: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let node = &self.topology.subnets[subnet];
        // One pass over neighbours costs less than a lookup for each interface, and after a cutover none of them answers.
        let answers =
            |holder: &Holder| holder.answers && matches!(holder.location, Location::Eni(_));
        let mut here = self.state.holders.within(node.cidr);
        if !here.any(|(_, holders)| holders.iter().any(answers)) {
            return None;
        }
        node.instance_enis
            .iter()
            .map(|eni| (*eni, self.topology.enis[*eni].primary))
            .find(|(eni, address)| {
                let on = Holder {
                    location: Location::Eni(*eni),
                    answers: true,
                };
                Some(*address) != not && self.state.holders.of(*address).contains(&on)
            })
            .map(|(_, address)| address)
    }

    fn sender_in_flow(
        &self,
        flow: FlowIx,
        prefix: Cidr,
        not: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let site = self.topology.flows[flow].site;
        let here = |holder: &Holder| {
            holder.answers
                && match holder.location {
                    Location::Vm { flow: of, .. } => of == flow,
                    Location::Planned(at) => at == site,
                    Location::Eni(_) => false,
                }
        };
        self.state
            .holders
            .within(prefix)
            .find(|(address, holders)| Some(*address) != not && holders.iter().any(here))
            .map(|(address, _)| address)
    }
}

/// An address of a prefix, other than this one.
fn stand_in(cidr: Cidr, not: Ipv4Addr) -> Ipv4Addr {
    [STAND_IN, STAND_IN + 1]
        .into_iter()
        .filter_map(|offset| cidr.nth(offset))
        .find(|address| *address != not)
        .unwrap_or_else(|| cidr.network())
}
