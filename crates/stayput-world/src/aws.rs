//! The observed state of one AWS region.
//!
//! Names follow the EC2 API. Enums of AWS are open: a value this build does not know becomes `Unknown` and is shown,
//! never dropped; what fits no map is in [`AwsRegion::unreadable`]. Propagated Transit Gateway routes are *not* here:
//! `SearchTransitGatewayRoutes` hides those that a static route shadows, so they are computed from propagations (AWS
//! reference §1.2).

mod absent;
mod eni;
mod traits;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AccountId;
use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::DxGatewayId;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::PrefixListId;
use stayput_estate::Region;
use stayput_estate::RouteTableId;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VpcId;
use stayput_estate::VpnId;

pub use absent::Absent;
pub use absent::Gone;
pub use absent::Unreadable;
pub use eni::Eni;
pub use eni::EniStatus;
pub use traits::Traits;

/// One region of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsRegion {
    /// The account the credentials belong to.
    pub account: Option<AccountId>,
    /// VPCs.
    pub vpcs: BTreeMap<VpcId, Vpc>,
    /// VPC subnets.
    pub subnets: BTreeMap<SubnetId, VpcSubnet>,
    /// VPC route tables.
    pub route_tables: BTreeMap<RouteTableId, VpcRouteTable>,
    /// EC2 instances that exist, one that is `shutting-down` included. Terminated ones are in [`AwsRegion::absent`].
    pub instances: BTreeMap<InstanceId, Instance>,
    /// Elastic network interfaces.
    pub enis: BTreeMap<EniId, Eni>,
    /// Transit Gateways.
    pub tgws: BTreeMap<TgwId, Tgw>,
    /// Transit Gateway attachments, without deleted ones.
    pub attachments: BTreeMap<AttachmentId, TgwAttachment>,
    /// Transit Gateway route tables.
    pub tgw_route_tables: BTreeMap<TgwRouteTableId, TgwRouteTable>,
    /// Site-to-Site VPN connections.
    pub vpns: BTreeMap<VpnId, Vpn>,
    /// Associations of Direct Connect gateways with Transit Gateways of this region.
    pub dx_associations: Vec<DxAssociation>,
    /// Contents of the managed prefix lists that a route table of this region uses. Lists that could not be read are absent.
    #[serde(default)]
    pub prefix_lists: BTreeMap<PrefixListId, PrefixList>,
    /// What AWS was asked for by id, or lists in a final state, and is not there. An id that is neither here nor in the map of its kind is
    /// *unknown*, never absent. Empty in worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "Absent::is_empty")]
    pub absent: Absent,
    /// What was listed and is in none of the maps above, and why. Empty in worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

impl AwsRegion {
    /// Whether AWS has said that this instance does not exist (any more). `false` also when AWS was not asked.
    pub fn is_confirmed_gone(&self, id: &InstanceId) -> bool {
        self.gone(id).is_some()
    }

    /// How it is known that this instance does not exist; `None` when it does, or when AWS was not asked.
    pub fn gone(&self, id: &InstanceId) -> Option<Gone> {
        match self.instances.get(id) {
            Some(_) => None,
            None => self.absent.instances.get(id).copied(),
        }
    }
}

/// A managed prefix list: prefixes that routes use together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// Its IPv4 entries.
    pub entries: BTreeSet<Cidr>,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Primary and secondary CIDRs.
    pub cidrs: Vec<Cidr>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A subnet of a VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcSubnet {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its CIDR.
    pub cidr: Cidr,
    /// Its availability zone.
    pub availability_zone: String,
    /// Its `Name` tag. Absent in worlds saved by earlier builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A route table of a VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRouteTable {
    /// Its VPC.
    pub vpc: VpcId,
    /// Whether it is the VPC's main table, for subnets without an explicit association.
    pub main: bool,
    /// Subnets explicitly associated.
    pub subnets: BTreeSet<SubnetId>,
    /// Its routes.
    pub routes: Vec<VpcRoute>,
}

/// One route of a VPC route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRoute {
    /// What it matches.
    pub destination: RouteDestination,
    /// Its target.
    pub target: VpcRouteTarget,
    /// Whether AWS reports it as usable.
    pub state: VpcRouteState,
    /// Whether it was propagated from a virtual private gateway.
    pub propagated: bool,
}

/// What a route matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RouteDestination {
    /// An IPv4 prefix.
    Cidr(Cidr),
    /// A managed prefix list.
    PrefixList(PrefixListId),
    /// IPv6, which stayput does not route.
    Ipv6(String),
}

/// Target of a VPC route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum VpcRouteTarget {
    /// Inside the VPC.
    Local,
    /// A Transit Gateway.
    Tgw(TgwId),
    /// A network interface; how NC2 routes an externally routable prefix.
    Eni(EniId),
    /// A NAT, internet, virtual private or other gateway, by its id.
    Gateway(String),
    /// A VPC peering connection, by its id.
    Peering(String),
    /// Anything else, as reported.
    Unknown(String),
}

/// State of a VPC route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VpcRouteState {
    /// Usable.
    Active,
    /// Its target no longer exists.
    Blackhole,
    /// Anything else, as reported.
    Unknown(String),
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its state.
    pub state: InstanceState,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// `x86_64`, `arm64`, …
    pub architecture: String,
    /// `PlatformDetails` as reported, such as `Windows` or `Linux/UNIX`.
    pub platform: String,
    /// Its VPC; terminated instances have none.
    pub vpc: Option<VpcId>,
    /// Subnet of the primary interface.
    pub subnet: Option<SubnetId>,
    /// Interfaces, keys of [`AwsRegion::enis`], by device index.
    pub enis: Vec<EniId>,
    /// Device name of the root volume.
    pub root_device: Option<String>,
    /// What else decides whether it can be moved; `None` in worlds saved by earlier builds, which did not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<Box<Traits>>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Instance {
    /// The name for people, if there is one: see [`name_tag`].
    pub fn name(&self) -> Option<&str> {
        name_tag(&self.tags)
    }
}

/// The `Name` tag; one that is empty or blank names nothing and counts as none.
pub fn name_tag(tags: &BTreeMap<String, String>) -> Option<&str> {
    let name = tags.get("Name")?;
    (!name.trim().is_empty()).then_some(name)
}

/// State of an EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// Stopping.
    Stopping,
    /// Stopped; keeps its interfaces and addresses.
    Stopped,
    /// Being terminated.
    ShuttingDown,
    /// Terminated.
    Terminated,
    /// Anything else, as reported.
    Unknown(String),
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Unknown(state) => state,
        })
    }
}

/// A Transit Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tgw {
    /// `available`, … as reported.
    pub state: String,
    /// Autonomous system number.
    pub asn: Option<u64>,
    /// The table new attachments are associated with.
    pub default_association_table: Option<TgwRouteTableId>,
}

/// A Transit Gateway attachment, from this region's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TgwAttachment {
    /// The Transit Gateway of this side.
    pub tgw: TgwId,
    /// What is attached.
    pub kind: AttachmentKind,
    /// Its state.
    pub state: AttachmentState,
    /// The table that decides for packets entering from it.
    pub association: Option<TgwRouteTableId>,
}

/// What is attached to a Transit Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachmentKind {
    /// A VPC, with its attachment subnets.
    Vpc {
        /// The VPC.
        vpc: VpcId,
        /// Subnets with a TGW interface; their route tables route packets from the TGW.
        subnets: BTreeSet<SubnetId>,
    },
    /// A Site-to-Site VPN.
    Vpn(VpnId),
    /// A Direct Connect gateway.
    DirectConnect(DxGatewayId),
    /// Another Transit Gateway.
    Peering {
        /// The far side's region.
        region: Region,
        /// The far side.
        tgw: TgwId,
    },
    /// Anything else: resource type and id as reported.
    Unknown {
        /// Resource type.
        resource_type: String,
        /// Resource id.
        resource_id: String,
    },
}

/// State of a Transit Gateway attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachmentState {
    /// Usable.
    Available,
    /// Being modified; still forwards.
    Modifying,
    /// Waits until the far side accepts it.
    PendingAcceptance,
    /// Anything else, as reported.
    Other(String),
}

/// A Transit Gateway route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TgwRouteTable {
    /// Its Transit Gateway.
    pub tgw: TgwId,
    /// `Name` tag, if any.
    pub name: Option<String>,
    /// Attachments whose incoming packets it routes.
    pub associations: BTreeSet<AttachmentId>,
    /// Attachments that propagate to it.
    pub propagations: BTreeSet<AttachmentId>,
    /// Static routes, without those of prefix lists.
    pub static_routes: BTreeMap<Cidr, TgwTarget>,
    /// Targets of the prefix lists that it refers to. Every entry of a list is a route that ranks below a static one of the same
    /// prefix and above a propagated one (AWS reference §1.2). The entries are in [`AwsRegion::prefix_lists`].
    #[serde(default)]
    pub prefix_list_references: BTreeMap<PrefixListId, TgwTarget>,
    /// Routes learned from VPN or Direct Connect attachments; VPC propagations are computed instead.
    pub learned_routes: BTreeMap<Cidr, BTreeSet<AttachmentId>>,
}

/// Target of a static Transit Gateway route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TgwTarget {
    /// To an attachment.
    Attachment(AttachmentId),
    /// Drops packets. Wins over shorter prefixes and an equal propagated route (AWS reference §1.2).
    Blackhole,
}

impl fmt::Display for TgwTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attachment(id) => id.fmt(f),
            Self::Blackhole => f.pad("blackhole"),
        }
    }
}

/// A Site-to-Site VPN connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpn {
    /// Its Transit Gateway, if it ends on one.
    pub tgw: Option<TgwId>,
    /// `available`, … as reported.
    pub state: String,
    /// Whether it has static routes instead of BGP.
    pub static_routes_only: bool,
    /// Whether its tunnels have private addresses and run over Direct Connect; its routes then rank above those of other VPNs
    /// (AWS reference §1.2).
    #[serde(default)]
    pub private: bool,
    /// Tunnels that are up.
    pub tunnels_up: u32,
}

/// An association of a Direct Connect gateway with a Transit Gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DxAssociation {
    /// The association's id.
    pub id: String,
    /// The Direct Connect gateway.
    pub gateway: DxGatewayId,
    /// The Transit Gateway.
    pub tgw: TgwId,
    /// `associated`, `updating`, … as reported.
    pub state: String,
    /// Prefixes that the gateway announces to on-prem, independent of the Transit Gateway's routes (AWS reference §2.1).
    pub allowed_prefixes: BTreeSet<Cidr>,
}
