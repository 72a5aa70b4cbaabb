//! What the emulated AWS holds: plain data, one [`RegionState`] per region.
//!
//! Derived things are not stored: propagated routes, route states, what an edge announces are computed when asked
//! (AWS reference §1.2, §9), by `routing.rs`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use crate::clock::VTime;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// All regions and the global services.
#[derive(Debug, Default)]
pub struct AwsState {
    /// Account number.
    pub account: String,
    /// Accepted access keys: id to secret.
    pub keys: BTreeMap<String, String>,
    /// Regions by name.
    pub regions: BTreeMap<String, RegionState>,
    /// Direct Connect gateways (global).
    pub dx_gateways: BTreeMap<String, DxGateway>,
    /// Associations of Direct Connect gateways with Transit Gateways (global), by id.
    pub dx_associations: BTreeMap<String, DxAssociation>,
    /// Allowed prefixes an association will have once its running change settles, by association id.
    pub dx_pending: BTreeMap<String, BTreeSet<Cidr>>,
    /// Regions that are down: no packet passes, no call is answered, no session stands. What they hold stays as it was.
    pub down_regions: BTreeSet<String>,
    /// On-prem routers behind the edges: the prefixes they have.
    pub on_prem: Vec<Cidr>,
    /// Most results one page of an EC2 list holds, whatever the client asks for; `None`: the client's `MaxResults`, at most 1000.
    pub page_cap: Option<usize>,
    /// Whether `SearchTransitGatewayRoutes` only says that there is more and gives no token, as older endpoints do (AWS reference §1.4).
    pub search_without_token: bool,
}

/// One region.
#[derive(Debug, Default)]
pub struct RegionState {
    /// VPCs.
    pub vpcs: BTreeMap<String, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<String, Subnet>,
    /// VPC route tables.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// Instances.
    pub instances: BTreeMap<String, Instance>,
    /// Network interfaces.
    pub enis: BTreeMap<String, Eni>,
    /// Transit Gateways.
    pub tgws: BTreeMap<String, Tgw>,
    /// Transit Gateway attachments; a peering attachment is here in both regions, under one id.
    pub attachments: BTreeMap<String, Attachment>,
    /// Transit Gateway route tables.
    pub tgw_route_tables: BTreeMap<String, TgwRouteTable>,
    /// VPN connections.
    pub vpns: BTreeMap<String, Vpn>,
    /// Customer-managed prefix lists.
    pub prefix_lists: BTreeMap<String, PrefixList>,
    /// Elastic IP addresses by allocation id.
    pub addresses: BTreeMap<String, Address>,
    /// VPC attributes that were set, by VPC: such as `enableDnsHostnames`. Absent: AWS's default.
    pub vpc_attributes: BTreeMap<String, BTreeMap<String, bool>>,
    /// Options asked for at creation of a TGW or a VPC attachment, by its id: such as `DnsSupport` to `enable`. Absent: AWS's default.
    pub tgw_options: BTreeMap<String, BTreeMap<String, String>>,
    /// DynamoDB tables (`dynamodb.rs` owns the shape of items).
    pub tables: BTreeMap<String, super::dynamodb::Table>,
    /// DynamoDB transactions done lately: when and fingerprint of the request, by client request token.
    pub transactions: BTreeMap<String, (VTime, u32)>,
    /// SSM commands sent, by command id.
    pub commands: BTreeMap<String, super::ssm::Command>,
}

/// A VPC.
#[derive(Debug, Clone)]
pub struct Vpc {
    /// Primary, then secondary CIDRs.
    pub cidrs: Vec<Cidr>,
    /// Tags.
    pub tags: Tags,
}

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Its VPC.
    pub vpc: String,
    /// Addresses.
    pub cidr: Cidr,
    /// Availability zone.
    pub az: String,
    /// Tags.
    pub tags: Tags,
}

/// A VPC route table.
#[derive(Debug, Clone)]
pub struct RouteTable {
    /// Its VPC.
    pub vpc: String,
    /// Whether it is the main one.
    pub main: bool,
    /// Explicit associations: association id to subnet.
    pub associations: BTreeMap<String, String>,
    /// Routes other than `local` that somebody wrote.
    pub routes: BTreeMap<Cidr, RouteTarget>,
    /// Routes to everything in a prefix list, by list; they rank below a written route of the same prefix.
    pub list_routes: BTreeMap<String, RouteTarget>,
    /// Routes propagated from a virtual private gateway, which rank below both. The lab has no such gateway: only a saved world brings them.
    pub propagated: BTreeMap<Cidr, RouteTarget>,
    /// Tags.
    pub tags: Tags,
}

/// Where a VPC route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteTarget {
    /// Transit Gateway.
    Tgw(String),
    /// Network interface.
    Eni(String),
    /// NAT gateway.
    Nat(String),
    /// Internet gateway.
    Igw(String),
    /// VPC peering connection.
    Pcx(String),
}

/// An instance.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `pending`, `running`, `stopping`, `stopped`, `terminated`.
    pub state: InstanceState,
    /// Type.
    pub instance_type: String,
    /// Architecture.
    pub architecture: String,
    /// `Windows` or `Linux/UNIX`.
    pub platform_details: String,
    /// Image.
    pub image: String,
    /// Launch time.
    pub launched: VTime,
    /// Interfaces by device index.
    pub enis: BTreeMap<u32, String>,
    /// Whether the SSM agent is installed and would be online while running.
    pub ssm_agent: bool,
    /// Whether instance metadata answers only with a token (IMDSv2 enforced).
    pub metadata_token_required: bool,
    /// Size of its volumes in bytes; decides how long Move seeds.
    pub disk_bytes: u64,
    /// Tags.
    pub tags: Tags,
}

/// State of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// Stopping.
    Stopping,
    /// Stopped.
    Stopped,
    /// Terminated.
    Terminated,
}

/// A network interface.
#[derive(Debug, Clone)]
pub struct Eni {
    /// Its VPC.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// MAC.
    pub mac: MacAddr,
    /// `interface`, `network_load_balancer`, `nat_gateway`, `transit_gateway`, …
    pub kind: String,
    /// Description.
    pub description: String,
    /// Managed by AWS for a service.
    pub requester_managed: bool,
    /// Instance and device index it is attached to. Service interfaces have none and count as in use.
    pub instance: Option<(String, u32)>,
    /// Source/destination check.
    pub source_dest_check: bool,
    /// Primary address.
    pub primary: Ipv4Addr,
    /// Secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Tags.
    pub tags: Tags,
}

/// An Elastic IP address.
#[derive(Debug, Clone)]
pub struct Address {
    /// The public address.
    pub public: Ipv4Addr,
    /// Interface and private address it is associated with.
    pub association: Option<(String, Ipv4Addr)>,
    /// Tags.
    pub tags: Tags,
}

/// A Transit Gateway.
#[derive(Debug, Clone)]
pub struct Tgw {
    /// Autonomous system number.
    pub asn: u64,
    /// Default association (and propagation) table.
    pub default_table: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A Transit Gateway attachment, from this region's side.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Transit Gateway of this side.
    pub tgw: String,
    /// What is attached.
    pub kind: AttachmentKind,
    /// `available`, `pendingAcceptance`, `pending`, `deleting`, `deleted`, …
    pub state: String,
    /// When it was made; the earlier of two equal propagated prefixes wins.
    pub created: VTime,
    /// Tags of this side.
    pub tags: Tags,
}

/// What is attached.
#[derive(Debug, Clone)]
pub enum AttachmentKind {
    /// A VPC by its attachment subnets.
    Vpc {
        /// VPC.
        vpc: String,
        /// Subnets.
        subnets: BTreeSet<String>,
    },
    /// A VPN connection.
    Vpn(String),
    /// A Direct Connect gateway.
    DirectConnect(String),
    /// A peering with another Transit Gateway.
    Peering {
        /// Region of the far side.
        region: String,
        /// Far side.
        tgw: String,
        /// Whether this side asked for it (the other accepts).
        requester: bool,
    },
}

/// A Transit Gateway route table.
#[derive(Debug, Clone)]
pub struct TgwRouteTable {
    /// Its Transit Gateway.
    pub tgw: String,
    /// Associated attachments.
    pub associations: BTreeSet<String>,
    /// Propagating attachments.
    pub propagations: BTreeSet<String>,
    /// Static routes; `None` is a blackhole. A route whose attachment is deleted stays and reads as blackhole.
    pub statics: BTreeMap<Cidr, TgwStatic>,
    /// References to prefix lists: where everything in the list leads, unless a static route says otherwise.
    pub prefix_lists: BTreeMap<String, TgwStatic>,
    /// Tags.
    pub tags: Tags,
}

/// A managed prefix list.
#[derive(Debug, Clone, Default)]
pub struct PrefixList {
    /// Name.
    pub name: String,
    /// Most entries it may have; what it counts for in a VPC route table.
    pub max_entries: usize,
    /// Grows by one with every change of its entries.
    pub version: i64,
    /// Entries with their descriptions.
    pub entries: BTreeMap<Cidr, Option<String>>,
    /// Tags.
    pub tags: Tags,
}

/// A static Transit Gateway route, or a reference to a prefix list.
#[derive(Debug, Clone)]
pub struct TgwStatic {
    /// Attachment, or none for an explicit blackhole.
    pub attachment: Option<String>,
    /// When the data plane (and `Search`) shows it; until then the route reads `pending`.
    pub active_from: VTime,
    /// What the data plane still uses before `active_from`: the target replaced, if there was one.
    pub before: Option<Option<String>>,
}

/// A VPN connection.
#[derive(Debug, Clone)]
pub struct Vpn {
    /// Transit Gateway it ends on.
    pub tgw: String,
    /// Without BGP.
    pub static_only: bool,
    /// With private addresses, over Direct Connect.
    pub private: bool,
    /// Tunnels up, 0 to 2.
    pub tunnels_up: u32,
    /// Prefixes on-prem announces (BGP) or that are configured (static).
    pub on_prem: BTreeSet<Cidr>,
    /// Prefixes on-prem sends here when there is no BGP.
    pub on_prem_statics: BTreeSet<Cidr>,
    /// On-prem's preference for routes of equal length; higher wins.
    pub local_preference: u32,
    /// Customer gateway's public address, for show.
    pub customer_gateway: String,
    /// Tags.
    pub tags: Tags,
}

/// A Direct Connect gateway.
#[derive(Debug, Clone)]
pub struct DxGateway {
    /// Name.
    pub name: String,
    /// Autonomous system number.
    pub asn: u64,
    /// Prefixes on-prem announces over its transit VIF.
    pub on_prem: BTreeSet<Cidr>,
    /// On-prem's preference for routes of equal length; higher wins.
    pub local_preference: u32,
}

/// An association of a Direct Connect gateway with a Transit Gateway.
#[derive(Debug, Clone)]
pub struct DxAssociation {
    /// Gateway.
    pub gateway: String,
    /// Region of the Transit Gateway.
    pub region: String,
    /// Transit Gateway.
    pub tgw: String,
    /// `associated`, `updating`, …
    pub state: String,
    /// Allowed prefixes: what the gateway announces to on-prem.
    pub allowed: BTreeSet<Cidr>,
}
