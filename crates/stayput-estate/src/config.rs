//! The keys of `stayput.toml`, before anything is checked.
//!
//! These types are the only list of keys: deserialization, the shape check with its "did you mean", and the JSON Schema all come
//! from them, and their doc comments are what an editor shows. A required key is a [`Field`] without `#[serde(default)]`. Every
//! field can nevertheless be absent here, because the shape check reports what is missing and the other checks continue with what
//! is present.

mod field;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Rule;
pub(crate) use field::At;
pub(crate) use field::Field;

/// Flow transit VPC that NC2 creates (AWS reference §4).
pub(crate) const DEFAULT_TRANSIT_VPC: &str = "transit-vpc";
/// Flow VPC for test failovers.
pub(crate) const DEFAULT_TEST_VPC: &str = "stayput-test";
/// Storage container on the target cluster.
pub(crate) const DEFAULT_CONTAINER: &str = "default";
/// Category key of protected VMs.
pub(crate) const DEFAULT_CATEGORY: &str = "StayputNetwork";
/// On-prem's preference of an edge; the default of most routers.
pub(crate) const DEFAULT_LOCAL_PREFERENCE: u32 = 100;
/// File of the embedded ledger.
pub(crate) const DEFAULT_LEDGER_PATH: &str = "stayput.db";

/// Tables of one kind by their names.
pub(crate) type Named<T> = BTreeMap<At<String>, At<T>>;

/// One stayput estate: its sites, networks, waves and edges.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "stayput.toml", rename = "Estate")]
pub(crate) struct RawEstate {
    /// The name of the estate.
    pub estate: Field<RawName>,
    /// The on-prem network that must always reach the machines.
    pub on_prem: Field<RawOnPrem>,
    /// The EC2 VPC that the machines leave: exactly one table, `[source.NAME]`; NAME is the name of the site.
    pub source: Field<Named<RawSource>>,
    /// The NC2 sites, one `[sites.NAME]` each.
    pub sites: Field<Named<RawSite>>,
    /// The networks whose addresses do not change, one `[networks.NAME]` each.
    pub networks: Field<Named<RawNetwork>>,
    /// The waves in which machines are replicated, one `[waves.NAME]` each, planned in this order.
    #[serde(default)]
    pub waves: Field<Named<RawWave>>,
    /// How on-prem reaches the Transit Gateways, one `[edges.NAME]` each.
    #[serde(default)]
    pub edges: Field<Named<RawEdge>>,
    /// How networks with a recovery site are protected.
    pub protection: Field<RawProtection>,
    /// Where facts, runs and the journal are stored.
    #[serde(default)]
    pub ledger: Field<RawLedger>,
    /// How to reach AWS. Credentials come from the environment, never from this file.
    #[serde(default)]
    pub aws: Field<RawAws>,
    /// Concurrency and time limits of plans.
    #[serde(default)]
    pub engine: Field<RawEngine>,
    /// Findings of `stayput check` that are known and accepted, one `[accept.NAME]` each.
    #[serde(default)]
    pub accept: Field<Named<RawAcceptance>>,
}

/// `[estate]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Name")]
pub(crate) struct RawName {
    /// The estate's name, at most 40 of a-z, 0-9 and dashes. Names of objects that stayput creates start with it.
    #[schemars(example = &"tokyo-osaka")]
    pub name: Field<String>,
}

/// `[on-prem]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "OnPrem")]
pub(crate) struct RawOnPrem {
    /// The prefixes behind the edges, at least one.
    #[schemars(example = serde_json::json!(["10.0.0.0/16"]))]
    pub prefixes: Field<Vec<At<String>>>,
}

/// `[source.NAME]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Source")]
pub(crate) struct RawSource {
    /// The AWS region.
    #[schemars(example = &"ap-northeast-1")]
    pub region: Field<String>,
    /// The VPC that the machines leave.
    #[schemars(example = &"vpc-0a1b2c3d4e5f60001")]
    pub vpc: Field<String>,
    /// The Transit Gateway that VPC is attached to.
    #[schemars(example = &"tgw-0a1b2c3d4e5f60001")]
    pub tgw: Field<String>,
    /// The Systems Manager document that `stayput capture --via ssm` runs in guests, by its name or ARN. Without it the documents of AWS run
    /// the script.
    #[serde(default)]
    #[schemars(example = &"stayput-capture")]
    pub capture_document: Field<String>,
}

/// `[sites.NAME]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Site")]
pub(crate) struct RawSite {
    /// The AWS region of the NC2 cluster.
    #[schemars(example = &"ap-northeast-3")]
    pub region: Field<String>,
    /// The AWS VPC of the NC2 cluster.
    #[schemars(example = &"vpc-0a1b2c3d4e5f60002")]
    pub vpc: Field<String>,
    /// The Transit Gateway that VPC is attached to.
    #[schemars(example = &"tgw-0a1b2c3d4e5f60002")]
    pub tgw: Field<String>,
    /// The Flow VPC that holds the overlay subnets, by its name in Prism Central.
    #[schemars(example = &"prod")]
    pub flow_vpc: Field<String>,
    /// The Flow transit VPC, by its name in Prism Central.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_TRANSIT_VPC))]
    pub transit_vpc: Field<String>,
    /// The isolated Flow VPC for test failovers, by its name in Prism Central; created if absent.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_TEST_VPC))]
    pub test_vpc: Field<String>,
    /// DNS servers that DHCP gives to the machines.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["10.101.0.2"]))]
    pub dns_servers: Field<Vec<At<String>>>,
    /// The site's Prism Central.
    #[schemars(example = serde_json::json!({ "url": "https://prism.tokyo.example:9440" }))]
    pub prism: Field<RawAppliance>,
    /// The site's Nutanix Move; required at a site that is the primary site of a network.
    #[serde(default, rename = "move")]
    #[schemars(example = serde_json::json!({
        "url": "https://move.tokyo.example", "source-provider": "aws", "target-provider": "nc2-tokyo"
    }))]
    pub mv: Field<RawMove>,
}

/// `prism = { … }` of a site.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Appliance")]
pub(crate) struct RawAppliance {
    /// `https://host:port`, without a path.
    #[schemars(example = &"https://prism.tokyo.example:9440")]
    pub url: Field<String>,
    /// PEM file of a private certificate authority, relative to this file. Without it the certificate authorities of the
    /// operating system are trusted.
    #[serde(default)]
    #[schemars(example = &"ca.pem")]
    pub ca_file: Field<String>,
}

/// `move = { … }` of a site.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Move")]
pub(crate) struct RawMove {
    /// `https://host:port`, without a path.
    #[schemars(example = &"https://move.tokyo.example")]
    pub url: Field<String>,
    /// PEM file of a private certificate authority, relative to this file. Without it the certificate authorities of the
    /// operating system are trusted.
    #[serde(default)]
    #[schemars(example = &"ca.pem")]
    pub ca_file: Field<String>,
    /// Name of the AWS source provider in Move.
    #[schemars(example = &"aws")]
    pub source_provider: Field<String>,
    /// Name of the Nutanix target provider in Move.
    #[schemars(example = &"nc2-tokyo")]
    pub target_provider: Field<String>,
    /// Storage container on the target cluster.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_CONTAINER))]
    pub container: Field<String>,
}

/// `[networks.NAME]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(crate) struct RawNetwork {
    /// The CIDR whose addresses do not change, /16 to /28.
    #[schemars(example = &"172.30.1.0/24")]
    pub cidr: Field<String>,
    /// Its subnet in the EC2 VPC.
    #[schemars(example = &"subnet-0a1b2c3d4e5f60001")]
    pub ec2_subnet: Field<String>,
    /// The NC2 site it moves to, one of `[sites]`.
    #[schemars(example = &"tokyo")]
    pub primary: Field<String>,
    /// The NC2 site it fails over to, one of `[sites]`; without it the network is not protected.
    #[serde(default)]
    #[schemars(example = &"osaka")]
    pub recovery: Field<String>,
}

/// `[waves.NAME]`; an instance is in the wave if any of the criteria selects it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Wave")]
pub(crate) struct RawWave {
    /// Selects instances that have all of these tags.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "Wave": "1" }))]
    pub tags: Field<BTreeMap<String, String>>,
    /// Selects instances whose `Name` tag matches one of these patterns (`*`, `?`).
    #[serde(default)]
    #[schemars(example = serde_json::json!(["web-*"]))]
    pub names: Field<Vec<At<String>>>,
    /// Selects these instances.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["i-0a1b2c3d4e5f60001"]))]
    pub ids: Field<Vec<At<String>>>,
}

/// `[edges.NAME]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Edge")]
pub(crate) struct RawEdge {
    /// The kind of connection.
    #[schemars(example = &"bgp-vpn")]
    pub kind: Field<RawEdgeKind>,
    /// The AWS region of its Transit Gateway.
    #[schemars(example = &"ap-northeast-1")]
    pub region: Field<String>,
    /// Its Transit Gateway, which must be one a site is attached to.
    #[schemars(example = &"tgw-0a1b2c3d4e5f60001")]
    pub tgw: Field<String>,
    /// Its attachment on that Transit Gateway.
    #[schemars(example = &"tgw-attach-0a1b2c3d4e5f60001")]
    pub attachment: Field<String>,
    /// On-prem's preference among routes of equal length; higher wins.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_LOCAL_PREFERENCE))]
    pub local_preference: Field<u32>,
    /// The Direct Connect gateway (`direct-connect` only).
    #[serde(default)]
    #[schemars(example = &"8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7")]
    pub gateway: Field<String>,
    /// The prefixes that on-prem routes into this VPN (`static-vpn` only).
    #[serde(default)]
    #[schemars(example = serde_json::json!(["172.30.0.0/16"]))]
    pub on_prem_routes: Field<Vec<At<String>>>,
}

/// The kinds of edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "EdgeKind")]
pub(crate) enum RawEdgeKind {
    /// A VPN with BGP: announces the routes of the associated route table.
    BgpVpn,
    /// A VPN without BGP: on-prem has static routes.
    StaticVpn,
    /// A Direct Connect gateway: announces exactly its allowed prefixes.
    DirectConnect,
}

impl RawLedgerKind {
    /// Returns the kind as it is written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Dynamodb => "dynamodb",
        }
    }
}

impl RawEdgeKind {
    /// Returns the kind as it is written in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BgpVpn => "bgp-vpn",
            Self::StaticVpn => "static-vpn",
            Self::DirectConnect => "direct-connect",
        }
    }
}

/// `[protection]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Protection")]
pub(crate) struct RawProtection {
    /// The most data that a failover may lose, as whole minutes, hours or days: `30m`, `1h`, `1d`.
    #[schemars(example = &"1h")]
    pub rpo: Field<String>,
    /// Number of recovery points to keep at each side.
    #[schemars(example = 2, range(min = 1))]
    pub retention: Field<u32>,
    /// Category key that marks protected VMs; its value is the network's name.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_CATEGORY))]
    pub category: Field<String>,
}

/// `[ledger]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Ledger")]
pub(crate) struct RawLedger {
    /// How the ledger is stored.
    #[schemars(example = &"sqlite")]
    pub kind: Field<RawLedgerKind>,
    /// The file, relative to this one; created if absent.
    #[serde(default)]
    #[schemars(extend("default" = DEFAULT_LEDGER_PATH))]
    pub path: Field<String>,
    /// The DynamoDB table, whose keys are `pk` (S) and `sk` (N).
    #[serde(default)]
    #[schemars(example = &"stayput")]
    pub table: Field<String>,
    /// The region in which the table is read and written.
    #[serde(default)]
    #[schemars(example = &"ap-northeast-1")]
    pub region: Field<String>,
    /// Regions of its other replicas, asked in this order when the ones before do not answer; the table must be strongly consistent.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["ap-northeast-3"]))]
    pub other_regions: Field<Vec<At<String>>>,
}

/// The kinds of ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "LedgerKind")]
pub(crate) enum RawLedgerKind {
    /// One SQLite file.
    Sqlite,
    /// A DynamoDB table, which several hosts can share.
    Dynamodb,
}

/// `[aws]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Aws")]
pub(crate) struct RawAws {
    /// Replaces every AWS endpoint in every region, as `https://host:port`; for labs.
    #[serde(default)]
    #[schemars(example = &"https://localhost:4566")]
    pub endpoint: Field<String>,
    /// PEM file of a private certificate authority, relative to this file. Without it the certificate authorities of the
    /// operating system are trusted.
    #[serde(default)]
    #[schemars(example = &"ca.pem")]
    pub ca_file: Field<String>,
    /// Named profile of the AWS configuration files.
    #[serde(default)]
    #[schemars(example = &"production")]
    pub profile: Field<String>,
}

/// `[engine]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Engine")]
pub(crate) struct RawEngine {
    /// How many machines to work on at the same time.
    #[serde(default)]
    #[schemars(extend("default" = 16), range(min = 1))]
    pub concurrency: Field<u32>,
    /// How often to poll an operation in progress, in `ms`, `s` or `m`.
    #[serde(default)]
    #[schemars(extend("default" = "2s"))]
    pub poll_interval: Field<String>,
    /// Time limit of one API call, in `ms`, `s` or `m`.
    #[serde(default)]
    #[schemars(extend("default" = "30s"))]
    pub call_timeout: Field<String>,
}

/// `[accept.NAME]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Acceptance")]
pub(crate) struct RawAcceptance {
    /// The rule, by the id that `stayput check` shows.
    #[schemars(example = &"public-address")]
    pub rule: Field<Rule>,
    /// The objects, by the ids that `stayput check` shows; every object if absent.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["i-0a1b2c3d4e5f60001"]))]
    pub objects: Field<Vec<At<String>>>,
    /// Why it is accepted.
    #[schemars(example = &"the partner is told the new address")]
    pub reason: Field<String>,
    /// The last day on which it is accepted.
    #[schemars(example = &"2027-03-31")]
    pub until: Field<String>,
}
