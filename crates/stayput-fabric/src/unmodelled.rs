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
            Self::Edge(edge) => write!(f, "the estate has no edge {edge}"),
            Self::Subnet(subnet) => write!(f, "subnet {subnet} was not observed"),
            Self::SiteVpc(site) => write!(f, "no subnet of the VPC of {site} was observed"),
            Self::Vpc(vpc) => write!(f, "no subnet of {vpc} was observed"),
            Self::Overlay { site, network } => {
                write!(f, "{site} has no overlay subnet for {network}")
            }
            Self::Machine { place, address } => write!(f, "nothing at {place} has {address}"),
        }
    }
}
