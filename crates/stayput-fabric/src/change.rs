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
use stayput_messages::Message;
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
        let text = match self {
            Self::UserVpc => Message::new("scope-user-vpc"),
            Self::TransitVpc => Message::new("scope-transit-vpc"),
        };
        text.fmt(f)
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
    #[error("{}", Message::new("change-refused-not-observed").with("what", .what))]
    NotObserved {
        /// What it names.
        what: String,
    },
    /// The attachment is on another Transit Gateway than the table (AWS reference §1.4).
    #[error(
        "{}",
        Message::new("change-refused-other-tgw")
            .with("attachment", .attachment)
            .with("table", .table)
    )]
    OtherTgw {
        /// The attachment.
        attachment: AttachmentId,
        /// The table.
        table: TgwRouteTableId,
    },
    /// On one Direct Connect gateway, prefixes of two associations may not overlap (AWS reference §2.2).
    #[error(
        "{}",
        Message::new("change-refused-allowed-prefix-overlap")
            .with("cidr", .cidr)
            .with("other", .other)
            .with("edge", .edge)
    )]
    AllowedPrefixOverlap {
        /// The prefix.
        cidr: Cidr,
        /// The one there is.
        other: Cidr,
        /// The edge it is announced for.
        edge: EdgeName,
    },
    /// The edge announces what its table holds; that cannot be configured (AWS reference §2.3).
    #[error("{}", Message::new("change-refused-announces-its-table").with("edge", .edge))]
    AnnouncesItsTable {
        /// The edge.
        edge: EdgeName,
    },
    /// The local route of a VPC cannot be changed, nor can a route inside it lead anywhere but, for a whole subnet, to an interface or a
    /// gateway (AWS reference §3 item 2).
    #[error(
        "{}",
        Message::new("change-refused-local-to-vpc")
            .with("cidr", .cidr)
            .with("table", .table)
    )]
    LocalToVpc {
        /// The prefix.
        cidr: Cidr,
        /// The table.
        table: RouteTableId,
    },
    /// The site has no such Flow VPC.
    #[error(
        "{}",
        Message::new("change-refused-no-flow-vpc")
            .with("site", .site)
            .with("scope", .scope)
    )]
    NoFlowVpc {
        /// The site.
        site: SiteName,
        /// Which one.
        scope: ErpScope,
    },
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
            } => Message::new("change-tgw-route")
                .with("table", table)
                .with("cidr", cidr)
                .with("target", target)
                .fmt(f),
            Self::TgwRoute {
                table,
                cidr,
                target: None,
                ..
            } => Message::new("change-no-tgw-route")
                .with("table", table)
                .with("cidr", cidr)
                .fmt(f),
            Self::Erp {
                site,
                scope,
                cidr,
                present,
            } => Message::new("change-prefix")
                .with("site", site)
                .with("cidr", cidr)
                .with("state", state(*present, "present", "absent"))
                .with("scope", scope)
                .fmt(f),
            Self::Serve {
                site,
                address,
                serving: true,
            } => Message::new("change-serves")
                .with("site", site)
                .with("address", address)
                .fmt(f),
            Self::Serve {
                site,
                address,
                serving: false,
            } => Message::new("change-serves-not")
                .with("site", site)
                .with("address", address)
                .fmt(f),
            Self::Subnet {
                site,
                cidr,
                name,
                present,
            } => Message::new("change-subnet")
                .with("site", site)
                .with("name", name)
                .with("cidr", cidr)
                .with("state", state(*present, "present", "absent"))
                .fmt(f),
            Self::VpcRoute {
                table,
                cidr,
                target: Some(_),
                ..
            } => Message::new("change-vpc-route")
                .with("table", table)
                .with("cidr", cidr)
                .fmt(f),
            Self::VpcRoute {
                table,
                cidr,
                target: None,
                ..
            } => Message::new("change-no-vpc-route")
                .with("table", table)
                .with("cidr", cidr)
                .fmt(f),
            Self::Announce {
                edge,
                cidr,
                present: true,
            } => Message::new("change-announced")
                .with("edge", edge)
                .with("cidr", cidr)
                .fmt(f),
            Self::Announce {
                edge,
                cidr,
                present: false,
            } => Message::new("change-not-announced")
                .with("edge", edge)
                .with("cidr", cidr)
                .fmt(f),
            Self::Edge { edge, up } => Message::new("change-session")
                .with("edge", edge)
                .with("state", state(*up, "up", "down"))
                .fmt(f),
            Self::Attachment {
                attachment,
                attached,
                ..
            } => Message::new("change-attachment")
                .with("attachment", attachment)
                .with("state", state(*attached, "attached", "detached"))
                .fmt(f),
            Self::Propagation {
                table,
                attachment,
                enabled,
                ..
            } => Message::new("change-propagation")
                .with("table", table)
                .with("attachment", attachment)
                .with("state", state(*enabled, "enabled", "disabled"))
                .fmt(f),
            Self::Region { region, up } => Message::new("change-region")
                .with("region", region)
                .with("state", state(*up, "up", "down"))
                .fmt(f),
        }
    }
}

/// The key of a state.
fn state(is_so: bool, so: &'static str, otherwise: &'static str) -> &'static str {
    if is_so { so } else { otherwise }
}
