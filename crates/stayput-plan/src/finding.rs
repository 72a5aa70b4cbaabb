//! Findings: what the model sees in the routing that hurts, or will one day, each with what a person can do about it.

mod message;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::DxGatewayId;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_fabric::NextHop;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_fabric::Waypoint;

use crate::Asymmetry;
use crate::Obstacle;

/// Something about the routing. `Display` says what is wrong and what comes of it; [`Finding::remedy`] what to do.
///
/// Where it makes the goal unreachable it is an obstacle; where it does not, the plan says it and goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "finding")]
pub enum Finding {
    /// Replies to on-prem do not find their way out of the NC2 VPC (AWS reference §0 item 2).
    NoReturnRoute {
        /// Whose replies.
        network: NetworkName,
        /// Where from.
        site: SiteName,
        /// In this VPC.
        vpc: VpcId,
        /// By this table.
        table: Option<RouteTableId>,
        /// An on-prem prefix they are for.
        on_prem: Cidr,
        /// What becomes of them.
        verdict: Verdict,
    },
    /// The prefix is on both Flow VPCs, and the table by which packets enter the AWS VPC does not have it (AWS reference §4).
    PrefixNotInTable {
        /// The network.
        network: NetworkName,
        /// Where.
        site: SiteName,
        /// The VPC.
        vpc: VpcId,
        /// The attachment subnet's table.
        table: RouteTableId,
        /// The network's prefix.
        prefix: Cidr,
        /// What becomes of packets there.
        verdict: Verdict,
    },
    /// A route of the NC2 VPC to the Transit Gateway covers the network: whenever NC2's route for it is absent, packets loop (AWS
    /// reference §8.2).
    LoopingAggregate {
        /// The network.
        network: NetworkName,
        /// Where.
        site: SiteName,
        /// The table.
        table: RouteTableId,
        /// The route.
        aggregate: Cidr,
        /// Where it leads.
        toward: NextHop,
    },
    /// A Transit Gateway route to an NC2 VPC is wider than what lives there (AWS reference §8.4: the article's /16).
    WideSummary {
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// Its name, if it has one.
        name: Option<String>,
        /// The route.
        prefix: Cidr,
        /// Where it leads.
        site: SiteName,
        /// What it takes besides: networks and subnets of the source VPC that live elsewhere.
        captured: BTreeSet<Cidr>,
    },
    /// At the end requests and replies take different ways (AWS reference §2.4).
    AsymmetricReturn {
        /// Whose.
        ranges: Vec<AddrRange>,
        /// The edges and Transit Gateways a request passes.
        there: Vec<Waypoint>,
        /// The edges and Transit Gateways a reply passes.
        back: Vec<Waypoint>,
    },
    /// The prefix cannot be announced at the new home: on one Direct Connect gateway the allowed prefixes of two Transit Gateways may not
    /// overlap (AWS reference §2.2).
    DxOverlap {
        /// The network.
        network: NetworkName,
        /// The gateway.
        gateway: DxGatewayId,
        /// The new home.
        site: SiteName,
        /// The Transit Gateway that has the prefix.
        held_by: TgwId,
        /// The prefix.
        prefix: Cidr,
    },
    /// Hosts that stay in the EC2 VPC reach the machines now and will not when they have moved: nothing steers what is `local` (AWS
    /// reference §3 item 2).
    NeighboursLose {
        /// The network.
        network: NetworkName,
        /// The names of its machines that move ahead of it; all of it moves if there are none.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        canaries: BTreeSet<String>,
        /// Their subnets.
        subnets: BTreeSet<SubnetId>,
        /// How many there are.
        hosts: usize,
    },
    /// A VPC has addresses of the network as its own (AWS reference §4, overlap).
    OverlappingCidr {
        /// The network.
        network: NetworkName,
        /// The VPC.
        vpc: VpcId,
        /// Its CIDR.
        cidr: Cidr,
        /// The NC2 site it is of; `None`: another VPC on a Transit Gateway.
        site: Option<SiteName>,
    },
    /// What comes by a peering is dropped, for want of a table (AWS reference §1.4).
    PeeringNotAssociated {
        /// Region.
        region: Region,
        /// Transit Gateway.
        tgw: TgwId,
        /// The peering attachment.
        attachment: AttachmentId,
        /// Networks that on-prem does not reach for it when the plan is done.
        cut_off: BTreeSet<NetworkName>,
    },
    /// More routes than AWS allows (AWS reference §1.5).
    TooManyRoutes {
        /// Region.
        region: Region,
        /// Transit Gateway.
        tgw: TgwId,
        /// How many at the end.
        routes: usize,
        /// How many may be.
        allowed: usize,
    },
    /// NC2 may not be able to write into a VPC table (AWS reference §3 item 6).
    FullVpcTable {
        /// Where.
        site: SiteName,
        /// The table.
        table: RouteTableId,
        /// How many there would be.
        routes: usize,
        /// The default quota.
        allowed: usize,
    },
}

/// What a finding has to do with an obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// It says the same with the reason: the way of the very packets was followed to it.
    Replaces,
    /// It may be why.
    Accompanies,
    /// Nothing.
    None,
}

impl Finding {
    /// Whether it stops a plan whatever the proof says.
    pub(crate) fn always_stops(&self) -> bool {
        match self {
            Self::DxOverlap { .. }
            | Self::OverlappingCidr { site: Some(_), .. }
            | Self::TooManyRoutes { .. } => true,
            Self::NoReturnRoute { .. }
            | Self::PrefixNotInTable { .. }
            | Self::LoopingAggregate { .. }
            | Self::PeeringNotAssociated { .. }
            | Self::WideSummary { .. }
            | Self::AsymmetricReturn { .. }
            | Self::NeighboursLose { .. }
            | Self::OverlappingCidr { site: None, .. }
            | Self::FullVpcTable { .. } => false,
        }
    }

    /// What it has to do with an obstacle.
    pub(crate) fn bearing(&self, obstacle: &Obstacle, estate: &Estate) -> Bearing {
        let is_of = |address: &Ipv4Addr, network: &NetworkName| {
            estate
                .network_of(*address)
                .is_some_and(|of| of.name == *network)
        };
        match (self, obstacle) {
            (
                Self::NoReturnRoute { network, .. } | Self::PrefixNotInTable { network, .. },
                Obstacle::Unreachable {
                    from: Source::OnPrem,
                    address,
                    ..
                },
            ) if is_of(address, network) => Bearing::Replaces,
            (
                Self::PeeringNotAssociated { cut_off, .. },
                Obstacle::Unreachable {
                    from: Source::OnPrem,
                    address,
                    ..
                },
            ) if cut_off.iter().any(|network| is_of(address, network)) => Bearing::Replaces,
            (Self::DxOverlap { network, .. }, Obstacle::NoAnnouncement { network: of, .. })
                if network == of =>
            {
                Bearing::Replaces
            }
            (Self::LoopingAggregate { network, .. }, Obstacle::Unsafe { address, .. })
                if is_of(address, network) =>
            {
                Bearing::Accompanies
            }
            (Self::LoopingAggregate { network, .. }, Obstacle::NoSafeOrder { network: of, .. })
                if network == of =>
            {
                Bearing::Accompanies
            }
            (_, _) => Bearing::None,
        }
    }
}

impl From<&Asymmetry> for Finding {
    fn from(asymmetry: &Asymmetry) -> Self {
        Self::AsymmetricReturn {
            ranges: asymmetry.ranges.clone(),
            there: asymmetry.there.clone(),
            back: asymmetry.back.clone(),
        }
    }
}
