//! Changes to a fabric, what undoes them, and what would be refused.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

/// Which Flow VPC an externally routable prefix is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErpScope {
    /// The user VPC that holds the overlay subnets.
    UserVpc,
    /// The transit VPC. NC2 then writes the prefix into the site's AWS route tables (AWS reference §4).
    TransitVpc,
}

impl fmt::Display for ErpScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UserVpc => "user VPC",
            Self::TransitVpc => "transit VPC",
        })
    }
}

/// One change. Each states what shall be true: applying it when it is true changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The static route of a prefix in a Transit Gateway table.
    TgwRoute {
        /// Its region.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// The prefix.
        cidr: Cidr,
        /// Where it leads; `None` for no static route.
        target: Option<TgwTarget>,
    },
    /// An externally routable prefix of a Flow VPC.
    Erp {
        /// The site.
        site: SiteName,
        /// Which Flow VPC.
        scope: ErpScope,
        /// The prefix.
        cidr: Cidr,
        /// Whether it is set.
        present: bool,
    },
    /// Whether a machine with an address is powered on at a site.
    Serve {
        /// The site.
        site: SiteName,
        /// The address.
        address: Ipv4Addr,
        /// Whether it is.
        serving: bool,
    },
    /// An overlay subnet of a site's user VPC.
    Subnet {
        /// The site.
        site: SiteName,
        /// Its prefix.
        cidr: Cidr,
        /// Its name.
        name: String,
        /// Whether it exists.
        present: bool,
    },
    /// A route of a VPC table.
    VpcRoute {
        /// Its region.
        region: Region,
        /// The table.
        table: RouteTableId,
        /// The prefix.
        cidr: Cidr,
        /// Where it leads; `None` for no route.
        target: Option<VpcRouteTarget>,
    },
    /// A prefix on-prem learns or knows of by an edge whose announcements do not come from a table: an allowed prefix of a Direct
    /// Connect gateway, a configured route of a static VPN.
    Announce {
        /// The edge.
        edge: EdgeName,
        /// The prefix.
        cidr: Cidr,
        /// Whether on-prem knows it.
        present: bool,
    },
    /// The session of an edge.
    Edge {
        /// The edge.
        edge: EdgeName,
        /// Whether it is up.
        up: bool,
    },
    /// A Transit Gateway attachment. Taking it away turns static routes that name it into blackholes (AWS reference §1.3); bringing it
    /// back undoes that here, though a real one would come back under another id.
    Attachment {
        /// Its region.
        region: Region,
        /// The attachment.
        attachment: AttachmentId,
        /// Whether it is there.
        attached: bool,
    },
    /// Propagation of an attachment into a Transit Gateway table.
    Propagation {
        /// Its region.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// The attachment.
        attachment: AttachmentId,
        /// Whether it is enabled.
        enabled: bool,
    },
    /// A whole region.
    Region {
        /// The region.
        region: Region,
        /// Whether it is up.
        up: bool,
    },
}

/// Why a change cannot be made. The fabric stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// What it names was not observed.
    #[error("{what} was not observed")]
    NotObserved {
        /// What it names.
        what: String,
    },
    /// The attachment is on another Transit Gateway than the table (AWS reference §1.4).
    #[error("{attachment} is not on the Transit Gateway of {table}")]
    OtherTgw {
        /// The attachment.
        attachment: AttachmentId,
        /// The table.
        table: TgwRouteTableId,
    },
    /// On one Direct Connect gateway, prefixes of two associations may not overlap (AWS reference §2.2).
    #[error("{cidr} overlaps {other}, which the same Direct Connect gateway announces for {edge}")]
    AllowedPrefixOverlap {
        /// The prefix.
        cidr: Cidr,
        /// The one there is.
        other: Cidr,
        /// The edge it is announced for.
        edge: EdgeName,
    },
    /// The edge announces what its table holds; that cannot be configured (AWS reference §2.3).
    #[error("{edge} announces its route table; announcements are changed there")]
    AnnouncesItsTable {
        /// The edge.
        edge: EdgeName,
    },
    /// The local route of a VPC cannot be changed, nor can a route inside it lead anywhere but, for a whole subnet, to an interface or a
    /// gateway (AWS reference §3 item 2).
    #[error("{cidr} is local to the VPC of {table} and cannot be routed elsewhere")]
    LocalToVpc {
        /// The prefix.
        cidr: Cidr,
        /// The table.
        table: RouteTableId,
    },
    /// The site has no such Flow VPC.
    #[error("{site} has no {scope} that was observed")]
    NoFlowVpc {
        /// The site.
        site: SiteName,
        /// Which one.
        scope: ErpScope,
    },
}

fn there(present: bool) -> &'static str {
    if present { "present" } else { "absent" }
}

impl Change {
    /// The prefix it acts on; `None` for what may act on any address.
    pub fn prefix(&self) -> Option<Cidr> {
        match self {
            Self::TgwRoute { cidr, .. }
            | Self::Erp { cidr, .. }
            | Self::Subnet { cidr, .. }
            | Self::VpcRoute { cidr, .. }
            | Self::Announce { cidr, .. } => Some(*cidr),
            Self::Serve { .. }
            | Self::Edge { .. }
            | Self::Attachment { .. }
            | Self::Propagation { .. }
            | Self::Region { .. } => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TgwRoute {
                table,
                cidr,
                target: Some(target),
                ..
            } => write!(f, "{table}: {cidr} → {target}"),
            Self::TgwRoute {
                table,
                cidr,
                target: None,
                ..
            } => write!(f, "{table}: no static route for {cidr}"),
            Self::Erp {
                site,
                scope,
                cidr,
                present,
            } => write!(
                f,
                "{site}: externally routable prefix {cidr} {} on the {scope}",
                there(*present)
            ),
            Self::Serve {
                site,
                address,
                serving: true,
            } => write!(f, "{site}: a machine answers for {address}"),
            Self::Serve {
                site,
                address,
                serving: false,
            } => write!(f, "{site}: no machine answers for {address}"),
            Self::Subnet {
                site,
                cidr,
                name,
                present,
            } => write!(
                f,
                "{site}: overlay subnet {name} {cidr} {}",
                there(*present)
            ),
            Self::VpcRoute {
                table,
                cidr,
                target: Some(_),
                ..
            } => write!(f, "{table}: a route for {cidr}"),
            Self::VpcRoute {
                table,
                cidr,
                target: None,
                ..
            } => write!(f, "{table}: no route for {cidr}"),
            Self::Announce {
                edge,
                cidr,
                present: true,
            } => write!(f, "{edge}: {cidr} announced"),
            Self::Announce {
                edge,
                cidr,
                present: false,
            } => write!(f, "{edge}: {cidr} not announced"),
            Self::Edge { edge, up } => {
                write!(f, "{edge}: session {}", if *up { "up" } else { "down" })
            }
            Self::Attachment {
                attachment,
                attached,
                ..
            } => write!(
                f,
                "{attachment}: {}",
                if *attached { "attached" } else { "detached" }
            ),
            Self::Propagation {
                table,
                attachment,
                enabled,
                ..
            } => write!(
                f,
                "{table}: propagation from {attachment} {}",
                if *enabled { "enabled" } else { "disabled" }
            ),
            Self::Region { region, up } => {
                write!(f, "{region}: {}", if *up { "up" } else { "down" })
            }
        }
    }
}
