//! Where the model ends: why it cannot follow a packet further.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::EdgeName;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;
use stayput_messages::Message;

use crate::reason::Reason;
use crate::trace::Place;

/// Why the model cannot follow a packet further.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmodelled {
    /// The source is not there.
    Source(MissingSource),
    /// The last hop leads beyond what was observed or is modelled.
    Hop(Box<Reason>),
}

/// What is missing of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingSource {
    /// The estate has no such edge.
    Edge(EdgeName),
    /// The subnet was not observed.
    Subnet(SubnetId),
    /// No subnet of the site's VPC was observed.
    SiteVpc(SiteName),
    /// No subnet of the VPC was observed.
    Vpc(VpcId),
    /// The site has no overlay subnet for the network.
    Overlay {
        /// The site.
        site: SiteName,
        /// The network.
        network: NetworkName,
    },
    /// Nothing at the place has the address.
    Machine {
        /// The place.
        place: Place,
        /// The address.
        address: Ipv4Addr,
    },
}

impl fmt::Display for Unmodelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(missing) => missing.fmt(f),
            Self::Hop(reason) => reason.fmt(f),
        }
    }
}

impl fmt::Display for MissingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge(edge) => Message::new("unmodelled-edge").with("edge", edge).fmt(f),
            Self::Subnet(subnet) => Message::new("unmodelled-subnet")
                .with("subnet", subnet)
                .fmt(f),
            Self::SiteVpc(site) => Message::new("unmodelled-site-vpc")
                .with("site", site)
                .fmt(f),
            Self::Vpc(vpc) => Message::new("unmodelled-vpc").with("vpc", vpc).fmt(f),
            Self::Overlay { site, network } => Message::new("unmodelled-overlay")
                .with("site", site)
                .with("network", network)
                .fmt(f),
            Self::Machine { place, address } => Message::new("unmodelled-machine")
                .with("place", place)
                .with("address", address)
                .fmt(f),
        }
    }
}
