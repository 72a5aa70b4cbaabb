//! Traces: hops, verdicts, round trips.

use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::EdgeName;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::PrefixListId;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VmExtId;
use stayput_estate::VpcId;
use stayput_messages::Message;

use crate::next_hop::NextHop;
pub use crate::reason::Announcement;
pub use crate::reason::DeadEniCause;
pub use crate::reason::LosingRoute;
pub use crate::reason::LossReason;
pub use crate::reason::Origin;
pub use crate::reason::Reason;
use crate::source::Source;
use crate::unmodelled::Unmodelled;

/// A place where packets end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A site of the estate.
    Site(SiteName),
    /// A VPC that is no site's.
    Vpc(VpcId),
    /// On-prem.
    OnPrem,
}

impl Place {
    /// The site, if it is one.
    pub fn site(&self) -> Option<&SiteName> {
        match self {
            Self::Site(site) => Some(site),
            Self::Vpc(_) | Self::OnPrem => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(site) => site.fmt(f),
            Self::Vpc(vpc) => vpc.fmt(f),
            Self::OnPrem => Message::new("place-on-prem").fmt(f),
        }
    }
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// An EC2 instance, with its `Name` tag.
    Instance {
        /// The instance.
        id: InstanceId,
        /// Its name.
        name: Option<String>,
    },
    /// A network interface of something else, such as a load balancer.
    Interface {
        /// The interface.
        id: EniId,
        /// Its type as reported.
        kind: String,
    },
    /// A VM.
    Vm {
        /// The VM.
        id: VmExtId,
        /// Its name.
        name: String,
    },
    /// A machine that a change placed there; no snapshot shows it yet.
    Planned,
    /// A host on-prem.
    OnPrem,
    /// The address a return path was traced to; nothing is known to answer there.
    Sender,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance { id, name: None } => {
                Message::new("host-instance").with("id", id).fmt(f)
            }
            Self::Instance {
                id,
                name: Some(name),
            } => Message::new("host-named-instance")
                .with("name", name)
                .with("id", id)
                .fmt(f),
            Self::Interface { id, kind } => Message::new("host-interface")
                .with("kind", kind)
                .with("id", id)
                .fmt(f),
            Self::Vm { name, .. } => Message::new("host-vm").with("name", name).fmt(f),
            Self::Planned => Message::new("host-planned").fmt(f),
            Self::OnPrem => Message::new("host-on-prem").fmt(f),
            Self::Sender => Message::new("host-sender").fmt(f),
        }
    }
}

/// Something a packet passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// The on-prem router.
    OnPrem,
    /// An edge.
    Edge(EdgeName),
    /// A Transit Gateway with the route table that decides.
    Tgw {
        /// Its region.
        region: Region,
        /// The Transit Gateway.
        tgw: TgwId,
        /// The table; `None` when none is associated.
        table: Option<TgwRouteTableId>,
    },
    /// A VPC with the route table that decides.
    Vpc {
        /// The VPC.
        vpc: VpcId,
        /// The table; `None` when there is none, or behind a VPC peering.
        table: Option<RouteTableId>,
    },
    /// A Flow transit VPC.
    FlowTransit {
        /// Its site.
        site: SiteName,
    },
    /// A Flow user VPC.
    FlowVpc {
        /// Its site.
        site: SiteName,
        /// Its name.
        name: String,
    },
    /// The segment of an overlay subnet, where a VM sends from.
    Overlay {
        /// Its site.
        site: SiteName,
        /// Its prefix.
        prefix: Cidr,
    },
    /// A machine.
    Machine {
        /// Where it is.
        place: Place,
        /// Which it is.
        holder: Holder,
    },
    /// The source itself, when it is not there.
    Source,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnPrem => Message::new("node-on-prem").fmt(f),
            Self::Edge(edge) => Message::new("node-edge").with("edge", edge).fmt(f),
            Self::Tgw {
                tgw,
                table: Some(table),
                ..
            } => Message::new("node-tgw")
                .with("tgw", tgw)
                .with("table", table)
                .fmt(f),
            Self::Tgw {
                tgw, table: None, ..
            } => tgw.fmt(f),
            Self::Vpc {
                vpc,
                table: Some(table),
            } => Message::new("node-vpc")
                .with("vpc", vpc)
                .with("table", table)
                .fmt(f),
            Self::Vpc { vpc, table: None } => vpc.fmt(f),
            Self::FlowTransit { site } => {
                Message::new("node-transit-vpc").with("site", site).fmt(f)
            }
            Self::FlowVpc { site, name } => Message::new("node-flow-vpc")
                .with("name", name)
                .with("site", site)
                .fmt(f),
            Self::Overlay { site, prefix } => Message::new("node-overlay")
                .with("prefix", prefix)
                .with("site", site)
                .fmt(f),
            Self::Machine { place, holder } => Message::new("node-machine")
                .with("holder", holder)
                .with("place", place)
                .fmt(f),
            Self::Source => Message::new("node-source").fmt(f),
        }
    }
}

/// An edge or a Transit Gateway that a packet passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waypoint {
    /// An edge.
    Edge(EdgeName),
    /// A Transit Gateway.
    Tgw(TgwId),
}

impl fmt::Display for Waypoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge(edge) => Message::new("node-edge").with("edge", edge).fmt(f),
            Self::Tgw(tgw) => tgw.fmt(f),
        }
    }
}

/// One thing a packet passed, and why it went on as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Where.
    pub at: Node,
    /// Why.
    pub reason: Reason,
}

/// Where a packet ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// At a machine that answers for the address.
    Delivered {
        /// Where.
        place: Place,
        /// Who.
        holder: Holder,
    },
    /// Dropped: nothing leads on.
    NoRoute {
        /// Where.
        at: Node,
    },
    /// Dropped by a blackhole route, or by one whose target is gone.
    Blackhole {
        /// Where.
        at: Node,
    },
    /// Dropped at a network interface that carries nothing on.
    DeadEni {
        /// In which VPC.
        at: Node,
        /// The interface.
        eni: EniId,
        /// Why it does not.
        cause: DeadEniCause,
    },
    /// Lost through a NAT or internet gateway. To the sender it looks like a timeout.
    LeavesByNat {
        /// Where.
        at: Node,
        /// The gateway.
        gateway: NextHop,
    },
    /// Sent to a place where no machine answers for the address, while a machine elsewhere does.
    WrongSite {
        /// Where it ended.
        sent_to: Place,
        /// Where a machine answers.
        machine_at: SiteName,
        /// Whether a route of a Transit Gateway, an edge or a transit VPC sent it there. `false` where no route could have changed it: a
        /// VPC's local route and a segment's on-link prefix (AWS reference §3 item 2, §4).
        steerable: bool,
    },
    /// No machine answers at the end of its path, nor at any other site.
    NoMachine {
        /// Where it ended.
        place: Place,
    },
    /// It loops until its TTL expires.
    Loop {
        /// The nodes of the loop, in order.
        cycle: Vec<Node>,
    },
    /// Dropped because the region is down.
    RegionDown {
        /// Where.
        at: Node,
        /// The region.
        region: Region,
    },
    /// Beyond what was observed or is modelled.
    Unmodelled {
        /// Where.
        at: Node,
        /// Why it cannot be followed further.
        what: Unmodelled,
    },
}

impl Verdict {
    /// Whether the packet reached a machine that answers for the address.
    pub fn is_delivered(&self) -> bool {
        self.site_reached(true).is_some()
    }

    /// Whether it does harm rather than only fail: it loops, or a route sends it to a site where its machine is not
    /// (promise 3 of README.md). What nothing could have steered is not counted.
    pub fn is_harmful(&self) -> bool {
        match self {
            Self::Loop { .. } => true,
            Self::WrongSite { steerable, .. } => *steerable,
            Self::Delivered { .. }
            | Self::NoRoute { .. }
            | Self::Blackhole { .. }
            | Self::DeadEni { .. }
            | Self::LeavesByNat { .. }
            | Self::NoMachine { .. }
            | Self::RegionDown { .. }
            | Self::Unmodelled { .. } => false,
        }
    }

    /// The site it was delivered at.
    pub fn site(&self) -> Option<&SiteName> {
        self.site_reached(true).and_then(Place::site)
    }

    /// The place it came to, whether or not a machine answered there.
    pub fn reached(&self) -> Option<&Place> {
        self.site_reached(false)
    }

    fn site_reached(&self, answered: bool) -> Option<&Place> {
        match self {
            Self::Delivered { place, .. } => Some(place),
            Self::WrongSite { sent_to, .. } => (!answered).then_some(sent_to),
            Self::NoMachine { place } => (!answered).then_some(place),
            Self::NoRoute { .. }
            | Self::Blackhole { .. }
            | Self::DeadEni { .. }
            | Self::LeavesByNat { .. }
            | Self::Loop { .. }
            | Self::RegionDown { .. }
            | Self::Unmodelled { .. } => None,
        }
    }
}

/// Something that makes a trace less than certain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caveat {
    /// A route table on the way routes by a prefix list whose contents were not observed.
    PrefixList {
        /// The table.
        table: RouteTableId,
        /// The list.
        list: PrefixListId,
    },
    /// A Transit Gateway route table on the way refers to a prefix list whose contents were not observed.
    TgwPrefixList {
        /// The table.
        table: TgwRouteTableId,
        /// The list.
        list: PrefixListId,
    },
}

/// The path of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// From here.
    pub source: Source,
    /// To this address.
    pub destination: Ipv4Addr,
    /// By these.
    pub hops: Vec<Hop>,
    /// Ending so.
    pub verdict: Verdict,
    /// Unless these matter.
    pub caveats: Vec<Caveat>,
}

impl Trace {
    /// The nodes passed, without the machine at the end.
    pub fn path(&self) -> Vec<&Node> {
        self.hops
            .iter()
            .map(|hop| &hop.at)
            .filter(|node| !matches!(node, Node::Machine { .. }))
            .collect()
    }

    /// The edges and Transit Gateways passed, in order: what has to be the same both ways for a path to count as symmetric
    /// (AWS reference §2.4).
    pub fn waypoints(&self) -> Vec<Waypoint> {
        let passed = self.hops.iter().filter_map(|hop| match &hop.at {
            Node::Edge(edge) => Some(Waypoint::Edge(edge.clone())),
            Node::Tgw { tgw, .. } => Some(Waypoint::Tgw(tgw.clone())),
            Node::OnPrem
            | Node::Vpc { .. }
            | Node::FlowTransit { .. }
            | Node::FlowVpc { .. }
            | Node::Overlay { .. }
            | Node::Machine { .. }
            | Node::Source => None,
        });
        let mut passed: Vec<_> = passed.collect();
        passed.dedup();
        passed
    }

    /// The path drawn hop by hop with its reasons, as plain text of several lines.
    pub fn render(&self) -> String {
        self.to_string()
    }
}

/// The path there and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// There.
    pub forward: Trace,
    /// Back to a representative address of the source; `None` when the packet was not delivered.
    pub back: Option<Trace>,
    /// Whether both were delivered and pass the same edges and Transit Gateways. A stateful firewall on-prem drops what is
    /// not (AWS reference §2.4).
    pub symmetric: bool,
}

impl RoundTrip {
    /// Whether a request arrives and its reply does too.
    pub fn works(&self) -> bool {
        self.forward.verdict.is_delivered()
            && self
                .back
                .as_ref()
                .is_some_and(|back| back.verdict.is_delivered())
    }
}
