//! The format of scenario files, in TOML.
//!
//! Objects have names and no numbers: `vpcs.legacy` is referred to as `legacy`, its subnet `app` as `legacy/app`, interface 1 of
//! the instance `router` as `router/1`. Ids, MAC addresses and times are derived from the names. Keys are kebab-case, and unknown
//! ones are errors. A reference to another object is a [`Text`], so that an error can show its line.
//!
//! A file may start from another (`extends`): a named table of the file replaces the one with that name, an element of a list
//! replaces the one with the same key, and everything else is added.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::SignedDuration;
use serde::Deserialize;
use stayput_estate::Cidr;
use toml::Spanned;

use crate::aws::ssm::guest::GuestKind;
use crate::faults::Rule;

/// A text with its position in the file, for errors.
pub type Text = Spanned<String>;

/// A whole scenario file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    /// One sentence that describes the scenario.
    pub summary: String,
    /// Built-in name, or path (relative to this file), of the scenario this one starts from.
    pub extends: Option<Text>,
    /// AWS regions.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The AWS account.
    pub account: Option<Account>,
    /// The on-prem network.
    pub on_prem: Option<OnPrem>,
    /// How long operations take, where that differs from the defaults.
    #[serde(default)]
    pub timing: Timing,
    /// VPCs.
    #[serde(default)]
    pub vpcs: BTreeMap<String, Vpc>,
    /// Interfaces that belong to no instance.
    #[serde(default)]
    pub interfaces: BTreeMap<String, Interface>,
    /// Transit Gateways.
    #[serde(default)]
    pub tgws: BTreeMap<String, Tgw>,
    /// Transit Gateway peerings; the name is also the attachment's.
    #[serde(default)]
    pub peerings: BTreeMap<String, Peering>,
    /// VPN connections; the name is also the attachment's.
    #[serde(default)]
    pub vpns: BTreeMap<String, Vpn>,
    /// Direct Connect gateways.
    #[serde(default)]
    pub dx_gateways: BTreeMap<String, DxGateway>,
    /// Instances that do not move.
    #[serde(default)]
    pub instances: Vec<Instance>,
    /// Instances that move, in the order in which `machines` counts them.
    #[serde(default)]
    pub machines: Vec<Instance>,
    /// Generated machines, beyond the listed ones.
    pub bulk: Option<Bulk>,
    /// VPCs of other teams.
    #[serde(default)]
    pub crowds: BTreeMap<String, Crowd>,
    /// Prism Centrals, each with its NC2 cluster.
    #[serde(default)]
    pub prisms: BTreeMap<String, Prism>,
    /// Move appliances.
    #[serde(default)]
    pub moves: BTreeMap<String, Move>,
    /// Faults that are in force at the start.
    #[serde(default)]
    pub faults: Vec<Spanned<Rule>>,
    /// What the caller may do; by default everything.
    pub policy: Option<Policy>,
    /// Content of the `stayput.toml` of this scenario.
    pub estate: Option<Estate>,
}

/// The caller's policy. See [`crate::faults::Policy`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Actions that are allowed; by default all.
    #[serde(default = "defaults::everything")]
    pub allow: Vec<Text>,
    /// Actions that are denied.
    #[serde(default)]
    pub deny: Vec<Text>,
}

/// The AWS account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Account {
    /// The account id.
    pub id: String,
    /// The accepted access key id.
    pub access_key: String,
    /// The accepted secret access key.
    pub secret_key: String,
    /// The most elements in one page of an AWS answer, even when the client asks for more.
    pub page_cap: Option<usize>,
}

/// The on-prem network.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OnPrem {
    /// Its prefixes.
    pub prefixes: Vec<Cidr>,
}

/// How long things take; durations such as `30s` or `5m`. See [`crate::state::Timing`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Timing {
    /// An ordinary Prism task.
    pub prism_task: Option<Spanned<SignedDuration>>,
    /// A TGW route becoming active.
    pub tgw_route: Option<Spanned<SignedDuration>>,
    /// NC2 writing a prefix into the VPC tables.
    pub nc2_route: Option<Spanned<SignedDuration>>,
    /// An instance starting or stopping.
    pub instance: Option<Spanned<SignedDuration>>,
    /// Move preparing a guest.
    pub move_prepare: Option<Spanned<SignedDuration>>,
    /// Bytes that Move copies a second for each VM.
    pub move_bytes_per_second: Option<u64>,
    /// Move's cutover after the source has stopped.
    pub move_cutover: Option<Spanned<SignedDuration>>,
    /// A stage of a recovery plan.
    pub recovery_stage: Option<Spanned<SignedDuration>>,
    /// A Direct Connect association updating.
    pub dx_update: Option<Spanned<SignedDuration>>,
    /// An SSM command.
    pub ssm_command: Option<Spanned<SignedDuration>>,
}

/// A VPC.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vpc {
    /// Its region.
    pub region: Text,
    /// Primary, then secondary CIDRs.
    pub cidrs: Vec<Cidr>,
    /// Subnets by name.
    #[serde(default)]
    pub subnets: BTreeMap<String, Spanned<Cidr>>,
    /// Route tables by name. Without a main one, an empty main table is created.
    #[serde(default)]
    pub tables: BTreeMap<String, Table>,
    /// Its attachment to a Transit Gateway; the attachment's name is the VPC's.
    pub attach: Option<Attach>,
}

/// A VPC route table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Table {
    /// Whether it is the VPC's main table.
    #[serde(default)]
    pub main: bool,
    /// Subnets of the VPC that use it explicitly.
    #[serde(default)]
    pub subnets: Vec<Text>,
    /// Routes: `igw`, `nat`, `tgw:NAME`, `pcx:NAME`, `eni:INSTANCE/DEVICE` or `eni:INTERFACE`.
    #[serde(default)]
    pub routes: BTreeMap<Cidr, Text>,
}

/// A VPC's attachment.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attach {
    /// Transit Gateway.
    pub tgw: Text,
    /// Attachment subnets, by their names in the VPC.
    pub subnets: Vec<Text>,
}

/// An interface that belongs to no instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Interface {
    /// Its subnet, `VPC/SUBNET`.
    pub subnet: Text,
    /// Its address.
    pub address: Spanned<Ipv4Addr>,
    /// Interface type as AWS reports it.
    #[serde(default = "defaults::interface_kind")]
    pub kind: String,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Managed by AWS for a service.
    #[serde(default)]
    pub requester_managed: bool,
}

/// A Transit Gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tgw {
    /// Its region.
    pub region: Text,
    /// Its autonomous system number.
    pub asn: u64,
    /// The table that new attachments are associated with and propagate to.
    pub default_table: Option<Text>,
    /// Its route tables.
    #[serde(default)]
    pub tables: BTreeMap<String, TgwTable>,
}

/// A Transit Gateway route table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TgwTable {
    /// Associated attachments.
    #[serde(default)]
    pub associations: Vec<Text>,
    /// Propagating attachments.
    #[serde(default)]
    pub propagations: Vec<Text>,
    /// Static routes: an attachment, or `blackhole`.
    #[serde(default)]
    pub statics: BTreeMap<Cidr, Text>,
}

/// An accepted peering of two Transit Gateways.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peering {
    /// The side that requested it.
    pub requester: Text,
    /// The side that accepted.
    pub accepter: Text,
}

/// A VPN connection on a Transit Gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vpn {
    /// Transit Gateway.
    pub tgw: Text,
    /// Without BGP.
    #[serde(default)]
    pub static_only: bool,
    /// Private IP VPN over Direct Connect: its routes rank above those of other VPNs.
    #[serde(default)]
    pub private: bool,
    /// Tunnels that are up, 0 to 2.
    #[serde(default = "defaults::tunnels")]
    pub tunnels_up: u32,
    /// Prefixes behind it.
    pub on_prem: Vec<Cidr>,
    /// Prefixes for which on-prem has static routes into it, without BGP.
    #[serde(default)]
    pub on_prem_statics: Vec<Cidr>,
    /// On-prem's preference; higher wins.
    #[serde(default = "defaults::local_preference")]
    pub local_preference: u32,
    /// Customer gateway's public address.
    #[serde(default = "defaults::customer_gateway")]
    pub customer_gateway: String,
}

/// A Direct Connect gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DxGateway {
    /// Its autonomous system number.
    pub asn: u64,
    /// Prefixes on-prem announces to it.
    pub on_prem: Vec<Cidr>,
    /// On-prem's preference; higher wins.
    #[serde(default = "defaults::local_preference")]
    pub local_preference: u32,
    /// Its associations by name, which is also the attachment's.
    #[serde(default)]
    pub associations: BTreeMap<String, DxAssociation>,
}

/// A Direct Connect gateway's association with a Transit Gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DxAssociation {
    /// Transit Gateway.
    pub tgw: Text,
    /// Allowed prefixes.
    pub allowed: Vec<Cidr>,
}

/// An instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Instance {
    /// Its key in this file.
    pub key: Text,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// Operating system.
    #[serde(default)]
    pub platform: Platform,
    /// State.
    #[serde(default)]
    pub state: State,
    /// Instance type.
    #[serde(default = "defaults::instance_type")]
    pub instance_type: String,
    /// Size of its volumes.
    #[serde(default = "defaults::disk_gib")]
    pub disk_gib: u64,
    /// Tags besides `Name`.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The SSM agent: `"online"` or `true`, `"offline"`, `"none"` or `false`.
    #[serde(default)]
    pub ssm: super::agent::Agent,
    /// Configuration of the guest: `dhcp`, `netplan-mac`, `ifcfg-hwaddr`, `udev-persistent`, `networkd-mac`, `static-ifupdown`,
    /// `windows`, `windows-static`. By default `dhcp` or `windows`.
    pub guest: Option<Spanned<GuestKind>>,
    /// Whether instance metadata requires a token (IMDSv2 enforced).
    #[serde(default)]
    pub metadata_token_required: bool,
    /// Type of its root device: `ebs` or `instance-store`.
    pub root_device_type: Option<String>,
    /// Whether it is a Spot Instance.
    #[serde(default)]
    pub spot: bool,
    /// Name of its instance profile.
    pub instance_profile: Option<String>,
    /// Boot mode: `legacy-bios` or `uefi`.
    pub boot_mode: Option<String>,
    /// Product codes of its image.
    #[serde(default)]
    pub product_codes: Vec<String>,
    /// Interfaces in the order of their device index.
    pub nics: Vec<Nic>,
}

/// An instance's operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Linux.
    #[default]
    Linux,
    /// Windows.
    Windows,
}

/// An instance's state at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Running.
    #[default]
    Running,
    /// Stopped.
    Stopped,
}

/// An instance's interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Nic {
    /// Its subnet, `VPC/SUBNET`.
    pub subnet: Text,
    /// Primary address.
    pub address: Spanned<Ipv4Addr>,
    /// Secondary addresses.
    #[serde(default)]
    pub secondary: Vec<Spanned<Ipv4Addr>>,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Source/destination check.
    #[serde(default = "defaults::yes")]
    pub source_dest_check: bool,
}

/// Generated machines: beyond the listed ones, in additional networks that are filled one after the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bulk {
    /// VPC of the networks.
    pub vpc: Text,
    /// CIDR of the first network; the others follow it.
    pub first: Spanned<Cidr>,
    /// The largest number of networks.
    pub networks: u32,
    /// Number of machines in a network.
    pub machines_per_network: Spanned<u32>,
    /// Size of a machine's volumes.
    pub disk_gib: u64,
    /// NC2 site the networks move to.
    pub primary: Text,
    /// NC2 site they fail over to.
    pub recovery: Option<Text>,
}

/// VPCs of other teams in one region: one subnet, one table and some instances each.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crowd {
    /// Region.
    pub region: Text,
    /// CIDR of the first VPC; the others follow it.
    pub first: Spanned<Cidr>,
    /// Number of VPCs.
    pub vpcs: u32,
    /// Number of instances in each.
    pub instances_per_vpc: u32,
    /// Transit Gateway that some of them are attached to.
    pub tgw: Option<Text>,
    /// Table of that Transit Gateway they are associated with; each gets a static route there.
    pub table: Option<Text>,
    /// How many of them are attached.
    #[serde(default)]
    pub attached: u32,
    /// The prefix that the attached ones route to the Transit Gateway.
    pub route: Option<Cidr>,
}

/// A Prism Central with its cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prism {
    /// VPC its cluster is in.
    pub vpc: Text,
    /// Name of its cluster.
    pub cluster: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Highest v4 minor of every namespace.
    pub minor: u32,
    /// Namespaces with a different highest minor.
    #[serde(default)]
    pub minors: BTreeMap<String, u32>,
    /// Prism Centrals it is paired with.
    #[serde(default)]
    pub paired: Vec<Text>,
    /// Flow VPCs.
    #[serde(default)]
    pub vpcs: BTreeMap<String, FlowVpc>,
    /// Subnets.
    #[serde(default)]
    pub subnets: BTreeMap<String, FlowSubnet>,
    /// VMs.
    #[serde(default)]
    pub vms: Vec<Vm>,
    /// Objects of other teams.
    pub crowd: Option<PrismCrowd>,
}

/// A Flow VPC.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FlowVpc {
    /// Whether it is a transit VPC.
    #[serde(default)]
    pub transit: bool,
    /// External subnets, by name.
    #[serde(default)]
    pub external: Vec<Text>,
    /// Externally routable prefixes.
    #[serde(default)]
    pub erps: Vec<Cidr>,
    /// DNS servers.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
}

/// A subnet in Prism Central.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FlowSubnet {
    /// Its Flow VPC; a VLAN subnet has none.
    pub vpc: Option<Text>,
    /// Its CIDR; `None` when it is not managed. The gateway is the first address.
    pub cidr: Option<Cidr>,
    /// DHCP pools: first and last address.
    #[serde(default)]
    pub pools: Vec<Spanned<(Ipv4Addr, Ipv4Addr)>>,
    /// DNS servers.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
    /// Whether it is an external subnet.
    #[serde(default)]
    pub external: bool,
    /// Whether the external subnet uses NAT.
    #[serde(default)]
    pub nat: bool,
}

/// A VM in Prism Central.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vm {
    /// Its name.
    pub name: String,
    /// Whether it is powered on.
    #[serde(default = "defaults::yes")]
    pub on: bool,
    /// NICs in order.
    #[serde(default)]
    pub nics: Vec<VmNic>,
}

/// A NIC of a VM.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VmNic {
    /// Subnet, by name.
    pub subnet: Text,
    /// Address.
    pub address: Option<Spanned<Ipv4Addr>>,
}

/// VMs, VLANs and categories of other teams in a Prism Central.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PrismCrowd {
    /// Number of VMs, spread over the VLANs.
    pub vms: u32,
    /// Number of VLAN subnets; every second one is managed.
    pub vlans: Spanned<u32>,
    /// Number of categories.
    pub categories: u32,
    /// CIDR of the first VLAN; the others follow it.
    pub first: Spanned<Cidr>,
}

/// A Move appliance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Move {
    /// Prism Central it targets.
    pub prism: Text,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Lifetime of a token in seconds on the callers' clock.
    #[serde(default = "defaults::token_ttl")]
    pub token_ttl_secs: u64,
    /// Its providers.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
}

/// A provider of a Move appliance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    /// Kind of the provider: the AWS account, or the appliance's Prism Central.
    pub kind: ProviderKind,
}

/// Kind of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// AWS.
    Aws,
    /// AOS.
    Aos,
}

/// Content of `stayput.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Estate {
    /// The EC2 side.
    pub source: Option<Source>,
    /// NC2 sites.
    #[serde(default)]
    pub sites: BTreeMap<String, Site>,
    /// Networks.
    #[serde(default)]
    pub networks: BTreeMap<String, Network>,
    /// Waves in order.
    #[serde(default)]
    pub waves: Vec<Wave>,
    /// Edges.
    #[serde(default)]
    pub edges: BTreeMap<String, Edge>,
    /// Protection.
    pub protection: Option<Protection>,
}

/// The EC2 side.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// The site's name.
    pub name: String,
    /// VPC.
    pub vpc: Text,
    /// Transit Gateway.
    pub tgw: Text,
}

/// An NC2 site.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Site {
    /// Prism Central; the AWS VPC is its cluster's.
    pub prism: Text,
    /// Transit Gateway.
    pub tgw: Text,
    /// Flow VPC for the overlay subnets.
    pub flow_vpc: String,
    /// DNS servers for the overlays.
    #[serde(default)]
    pub dns_servers: Vec<Ipv4Addr>,
    /// Move appliance.
    #[serde(rename = "move")]
    pub mv: Option<SiteMove>,
}

/// A site's Move appliance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SiteMove {
    /// Appliance.
    pub appliance: Text,
    /// Name of its AWS provider.
    pub source_provider: String,
    /// Name of its AOS provider.
    pub target_provider: String,
}

/// A network whose addresses must not change.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Network {
    /// Its subnet, `VPC/SUBNET`.
    pub subnet: Text,
    /// NC2 site it moves to.
    pub primary: Text,
    /// NC2 site it fails over to.
    pub recovery: Option<Text>,
}

/// A wave.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wave {
    /// Its name.
    pub name: String,
    /// Tags of its instances.
    pub tags: BTreeMap<String, String>,
}

/// An edge: a VPN, or a Direct Connect association.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Edge {
    /// Attachment.
    pub attachment: Text,
}

/// Protection.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Protection {
    /// Recovery point objective, such as `1h`.
    pub rpo: String,
    /// How many recovery points are kept.
    pub retention: u32,
}

mod defaults {
    use toml::Spanned;

    /// Default of what is allowed. The position is not used: the pattern is valid.
    pub(super) fn everything() -> Vec<super::Text> {
        vec![Spanned::new(0..0, "*".to_owned())]
    }

    pub(super) fn yes() -> bool {
        true
    }

    pub(super) fn interface_kind() -> String {
        "interface".to_owned()
    }

    pub(super) fn instance_type() -> String {
        "m5.large".to_owned()
    }

    pub(super) fn disk_gib() -> u64 {
        30
    }

    pub(super) fn tunnels() -> u32 {
        2
    }

    pub(super) fn local_preference() -> u32 {
        100
    }

    pub(super) fn customer_gateway() -> String {
        "203.0.113.1".to_owned()
    }

    /// Default lifetime of a Move token: a quarter of an hour (Move reference §2).
    pub(super) fn token_ttl() -> u64 {
        900
    }
}
