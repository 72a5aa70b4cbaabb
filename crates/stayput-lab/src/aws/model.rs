//! State of the emulated AWS: plain data, one [`RegionState`] for each region.
//!
//! Derived data is not stored: propagated routes, route states and announcements of edges are computed on request by `routing.rs`
//! (AWS reference §1.2, §9).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::MacAddr;
use stayput_world::aws::Traits;

use crate::clock::VTime;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// All regions and the global services.
#[derive(Debug, Clone, Default)]
pub struct AwsState {
    /// Account id.
    pub account: String,
    /// Accepted access keys: id to secret.
    pub keys: BTreeMap<String, String>,
    /// Regions by name.
    pub regions: BTreeMap<String, RegionState>,
    /// Direct Connect gateways (global).
    pub dx_gateways: BTreeMap<String, DxGateway>,
    /// Associations of Direct Connect gateways with Transit Gateways (global), by id.
    pub dx_associations: BTreeMap<String, DxAssociation>,
    /// Allowed prefixes of an association once its change in progress settles, by association id.
    pub dx_pending: BTreeMap<String, BTreeSet<Cidr>>,
    /// Regions that are down: no packet passes, no call is answered, no BGP session is up. Their state does not change.
    pub down_regions: BTreeSet<String>,
    /// On-prem routers behind the edges: the prefixes they have.
    pub on_prem: Vec<Cidr>,
    /// Most results in one page of an EC2 list, even when the client asks for more; `None`: the client's `MaxResults`, at most
    /// 1000.
    pub page_cap: Option<usize>,
    /// Whether `SearchTransitGatewayRoutes` reports additional routes without a token, as older endpoints do (AWS reference
    /// §1.4).
    pub search_without_token: bool,
}

/// One region.
#[derive(Debug, Clone, Default)]
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
    /// VPC attributes that were set, by VPC, such as `enableDnsHostnames`. A missing one has AWS's default.
    pub vpc_attributes: BTreeMap<String, BTreeMap<String, bool>>,
    /// Options set at the creation of a TGW or a VPC attachment, by its id, such as `DnsSupport` to `enable`. A missing one has
    /// AWS's default.
    pub tgw_options: BTreeMap<String, BTreeMap<String, String>>,
    /// DynamoDB tables; items are defined in `dynamodb.rs`.
    pub tables: BTreeMap<String, super::dynamodb::Table>,
    /// Recent DynamoDB transactions: time and hash of the request, by client request token.
    pub transactions: BTreeMap<String, (VTime, u32)>,
    /// SSM documents of the account, by name.
    pub documents: BTreeMap<String, super::ssm::Document>,
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
    /// CIDR.
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
    /// Static routes other than `local`.
    pub routes: BTreeMap<Cidr, RouteTarget>,
    /// Routes to the prefixes of a prefix list, by list; they rank below a static route of the same prefix.
    pub list_routes: BTreeMap<String, RouteTarget>,
    /// Routes propagated from a virtual private gateway, which rank below both. The lab has no such gateway: only a saved world
    /// has these routes.
    pub propagated: BTreeMap<Cidr, RouteTarget>,
    /// Tags.
    pub tags: Tags,
}

/// Target of a VPC route.
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
    /// The SSM agent.
    pub ssm_agent: SsmAgent,
    /// Configuration of the guest; `None`: the usual one of its platform.
    pub guest: Option<super::ssm::guest::GuestKind>,
    /// Whether instance metadata requires a token (IMDSv2 enforced).
    pub metadata_token_required: bool,
    /// Size of its volumes in bytes, which decides how long Move seeds.
    pub disk_bytes: u64,
    /// Root device, purchase option, boot mode and the like, as `DescribeInstances` reports them; of an instance profile the name is enough.
    pub traits: Traits,
    /// Tags.
    pub tags: Tags,
}

/// The SSM agent of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SsmAgent {
    /// It is online while the instance runs.
    Online,
    /// It has registered, and its connection is lost.
    Offline,
    /// The instance has none, or no role with which it could register.
    None,
}

/// The architecture of an instance type. Graviton types have a `g` after the generation's digit: `m6g.large`, `c7gn.xlarge`.
pub fn architecture_of(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').next().unwrap_or_default();
    match family {
        "mac1" => return "x86_64_mac",
        mac if mac.starts_with("mac") => return "arm64_mac",
        _ => {}
    }
    let after = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if after
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .starts_with('g')
    {
        "arm64"
    } else {
        "x86_64"
    }
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

impl InstanceState {
    /// Returns the name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Terminated => "terminated",
        }
    }
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
    /// Instance and device index that it is attached to. Service interfaces have none and count as in use.
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
    /// Time of creation. Of two equal propagated prefixes, that of the earlier attachment wins.
    pub created: VTime,
    /// Tags of this side.
    pub tags: Tags,
}

/// Type of an attachment.
#[derive(Debug, Clone)]
pub enum AttachmentKind {
    /// A VPC with its attachment subnets.
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
        /// Whether this side requested it (the other accepts).
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
    /// Static routes; `None` is a blackhole. A route whose attachment is deleted remains as a blackhole.
    pub statics: BTreeMap<Cidr, TgwStatic>,
    /// References to prefix lists, with the target of the list's prefixes. A static route of the same prefix has priority.
    pub prefix_lists: BTreeMap<String, TgwStatic>,
    /// Tags.
    pub tags: Tags,
}

/// A managed prefix list.
#[derive(Debug, Clone, Default)]
pub struct PrefixList {
    /// Name.
    pub name: String,
    /// Most entries it may have; this number counts for the quota of a VPC route table.
    pub max_entries: usize,
    /// Increased by one with every change of its entries.
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
    /// Time from which the data plane (and `Search`) uses it; until then the route is `pending`.
    pub active_from: VTime,
    /// What the data plane uses before `active_from`: the replaced target, if there was one.
    pub before: Option<Option<String>>,
}

/// A VPN connection.
#[derive(Debug, Clone)]
pub struct Vpn {
    /// Transit Gateway it ends on.
    pub tgw: String,
    /// Without BGP.
    pub static_only: bool,
    /// With private IP addresses, over Direct Connect.
    pub private: bool,
    /// Tunnels up, 0 to 2.
    pub tunnels_up: u32,
    /// Prefixes that on-prem announces (BGP) or that are configured (static).
    pub on_prem: BTreeSet<Cidr>,
    /// Prefixes for which on-prem has static routes to it, without BGP.
    pub on_prem_statics: BTreeSet<Cidr>,
    /// On-prem's preference for routes of equal length; higher wins.
    pub local_preference: u32,
    /// Customer gateway's public address; only shown.
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
    /// Prefixes that on-prem announces over its transit virtual interface.
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
    /// Allowed prefixes, which the gateway announces to on-prem.
    pub allowed: BTreeSet<Cidr>,
}
