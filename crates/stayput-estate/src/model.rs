//! The estate: everything in one `stayput.toml`, validated.
//!
//! Guarantees of an [`Estate`]: names refer to existing objects, prefixes that must not overlap do not, and every network has a
//! primary site. Code that uses an estate does not validate again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use wildmatch::WildMatch;

use crate::AttachmentId;
use crate::Cidr;
use crate::Date;
use crate::DxGatewayId;
use crate::EdgeName;
use crate::InstanceId;
use crate::NetworkName;
use crate::Region;
use crate::Rule;
use crate::SiteName;
use crate::SubnetId;
use crate::TgwId;
use crate::VpcId;
use crate::WaveName;

/// Everything in one `stayput.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estate {
    /// The estate's name. Names of objects that stayput creates start with it.
    pub name: String,
    /// The EC2 VPC that the machines leave.
    pub source: Ec2Site,
    /// The NC2 sites by name; at least one.
    pub sites: BTreeMap<SiteName, Nc2Site>,
    /// The networks whose addresses do not change; at least one, no two overlap.
    pub networks: BTreeMap<NetworkName, Network>,
    /// The waves in which machines are replicated and cut over.
    pub waves: BTreeMap<WaveName, Wave>,
    /// How on-prem reaches the Transit Gateways.
    pub edges: BTreeMap<EdgeName, Edge>,
    /// The prefixes behind the edges; at least one.
    pub on_prem: Vec<Cidr>,
    /// How networks are protected.
    pub protection: Protection,
    /// Where facts, runs and journal are stored.
    pub ledger: LedgerConfig,
    /// How to reach AWS.
    pub aws: AwsAccess,
    /// Concurrency and time limits of plans.
    pub engine: EngineConfig,
    /// Findings of `stayput check` that are accepted, by the names of their tables.
    pub accepted: BTreeMap<String, Acceptance>,
}

/// The EC2 side: one VPC attached to one Transit Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ec2Site {
    /// The site's name.
    pub name: SiteName,
    /// The region the VPC is in.
    pub region: Region,
    /// The VPC.
    pub vpc: VpcId,
    /// The Transit Gateway the VPC is attached to.
    pub tgw: TgwId,
    /// The Systems Manager document that runs the capture script in guests; `None`: the documents of AWS, with the script as parameter.
    pub capture_document: Option<String>,
}

/// One NC2 cluster with its AWS and Nutanix environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nc2Site {
    /// The site's name.
    pub name: SiteName,
    /// The region the cluster is in.
    pub region: Region,
    /// The AWS VPC of the cluster.
    pub vpc: VpcId,
    /// The Transit Gateway that VPC is attached to.
    pub tgw: TgwId,
    /// The Flow user VPC that holds the overlay subnets, by its name in Prism Central.
    pub flow_vpc: String,
    /// The Flow transit VPC, by its name in Prism Central. Usually `transit-vpc`.
    pub transit_vpc: String,
    /// The isolated Flow VPC for test failovers, by its name in Prism Central; created if absent.
    pub test_vpc: String,
    /// DNS servers that the overlay subnets' DHCP gives to machines.
    pub dns_servers: Vec<std::net::Ipv4Addr>,
    /// The cluster's Prism Central.
    pub prism: Appliance,
    /// The cluster's Nutanix Move, at a site that machines move to.
    pub mv: Option<MoveConfig>,
}

/// An HTTPS service: its address and trusted certificate authority. Credentials are never in the file; they come from the
/// environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appliance {
    /// `https://host:port`, without a path.
    pub url: String,
    /// Trusted certificate authority.
    pub trust: Trust,
}

/// How the certificate of an endpoint is verified. Verification cannot be switched off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The certificate authorities of the operating system.
    #[default]
    System,
    /// A private CA: PEM file, resolved against the directory of `stayput.toml`.
    CaFile(PathBuf),
}

/// The Move appliance of a site and the names its providers have there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveConfig {
    /// How to reach it.
    pub appliance: Appliance,
    /// Name of the AWS source provider in Move.
    pub source_provider: String,
    /// Name of the AOS target provider in Move.
    pub target_provider: String,
    /// Storage container on the target cluster.
    pub container: String,
}

/// One CIDR whose addresses do not change. The unit of moving and failing over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The network's name; also the name of its overlay subnets.
    pub name: NetworkName,
    /// Its CIDR; /16 to /28 (limits of an externally routable prefix, Prism reference §3.1).
    pub cidr: Cidr,
    /// Its subnet in the EC2 VPC.
    pub ec2_subnet: SubnetId,
    /// The NC2 site it moves to, a key of [`Estate::sites`].
    pub primary: SiteName,
    /// The NC2 site it fails over to, a key of [`Estate::sites`]; `None` when it is not protected.
    pub recovery: Option<SiteName>,
}

/// Machines replicated and cut over together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The wave's name.
    pub name: WaveName,
    /// Order among the waves; lower first. Position in the file.
    pub order: usize,
    /// Which instances of the source VPC are in it.
    pub select: Selector,
}

/// Selects instances of the source VPC. Of several criteria, any one is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// Instances that have all of these tags.
    pub tags: BTreeMap<String, String>,
    /// Instances whose `Name` tag matches one of these patterns (`*` and `?`).
    pub names: Vec<String>,
    /// These instances.
    pub ids: Vec<InstanceId>,
}

/// How on-prem reaches one Transit Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The edge's name.
    pub name: EdgeName,
    /// The region of its Transit Gateway.
    pub region: Region,
    /// Its Transit Gateway.
    pub tgw: TgwId,
    /// Its attachment on that Transit Gateway.
    pub attachment: AttachmentId,
    /// Its kind, which decides what on-prem learns through it.
    pub kind: EdgeKind,
    /// On-prem's preference among routes of equal length, higher wins (BGP local preference).
    pub local_preference: u32,
}

/// The kind of an edge, which decides what on-prem learns through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeKind {
    /// A Direct Connect gateway: announces exactly its allowed prefixes.
    DirectConnect {
        /// The gateway.
        gateway: DxGatewayId,
    },
    /// A VPN with BGP: announces the routes of the route table associated with its attachment.
    BgpVpn,
    /// A VPN without BGP: on-prem has static routes, listed here.
    StaticVpn {
        /// Prefixes that on-prem routes into this VPN.
        on_prem_routes: Vec<Cidr>,
    },
}

/// How networks are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Recovery point objective; a multiple of one minute (Prism reference §6.2).
    pub rpo: Duration,
    /// Recovery points to keep at each side; 1 or more.
    pub retention: u32,
    /// Category key that marks protected VMs; its value is the network's name.
    pub category: String,
}

/// Where the ledger is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerConfig {
    /// One SQLite file, resolved against the directory of `stayput.toml`.
    Sqlite {
        /// The file; created if absent.
        path: PathBuf,
    },
    /// A DynamoDB table.
    DynamoDb(LedgerTable),
}

/// A DynamoDB table and the regions in which it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTable {
    /// Its name.
    pub name: String,
    /// The region that is asked first.
    pub region: Region,
    /// Regions of its other replicas, in the order in which they are asked when the ones before do not answer.
    pub others: Vec<Region>,
}

impl LedgerTable {
    /// Every region in which it is used, in the order in which they are asked.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.region).chain(&self.others)
    }
}

/// How to reach AWS. Credentials come from the AWS chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AwsAccess {
    /// Replaces every AWS endpoint, in every region; for labs. `None`: AWS's endpoints.
    pub endpoint: Option<String>,
    /// Trusted certificate authority.
    pub trust: Trust,
    /// Named profile of the AWS configuration files.
    pub profile: Option<String>,
}

/// Concurrency and time limits of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// How many machines to work on at the same time; 1 or more.
    pub concurrency: usize,
    /// How often to poll an operation in progress.
    pub poll_interval: Duration,
    /// Time limit of one API call.
    pub call_timeout: Duration,
}

/// A finding of `stayput check` that is known and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The rule.
    pub rule: Rule,
    /// The objects: ids as `stayput check` shows them. Empty: every object.
    pub objects: std::collections::BTreeSet<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted.
    pub until: Date,
}

impl Default for EngineConfig {
    /// 16 machines at the same time, a poll every two seconds (the interval of the official clients, Prism reference §1.5), 30 s
    /// for a call (the read timeout of the official SDKs, Prism reference §1).
    fn default() -> Self {
        Self {
            concurrency: 16,
            poll_interval: Duration::from_secs(2),
            call_timeout: Duration::from_secs(30),
        }
    }
}

impl Estate {
    /// Returns the network of an address.
    pub fn network_of(&self, address: std::net::Ipv4Addr) -> Option<&Network> {
        self.networks
            .values()
            .find(|network| network.cidr.contains(address))
    }

    /// Returns every region of the estate once, in order.
    pub fn regions(&self) -> std::collections::BTreeSet<Region> {
        std::iter::once(&self.source.region)
            .chain(self.sites.values().map(|site| &site.region))
            .chain(self.edges.values().map(|edge| &edge.region))
            .cloned()
            .collect()
    }
}

impl Selector {
    /// Whether an instance with these properties is selected.
    pub fn selects(&self, id: &InstanceId, tags: &BTreeMap<String, String>) -> bool {
        let by_tags = !self.tags.is_empty()
            && self
                .tags
                .iter()
                .all(|(key, value)| tags.get(key) == Some(value));
        let by_name = tags.get("Name").is_some_and(|name| {
            self.names
                .iter()
                .any(|pattern| WildMatch::new(pattern).matches(name))
        });
        by_tags || by_name || self.ids.contains(id)
    }
}
