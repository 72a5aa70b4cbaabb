//! What one emulated Prism Central (with its NC2 cluster) holds: plain data.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use crate::clock::VTime;

/// One Prism Central.
#[derive(Debug, Default)]
pub struct PcState {
    /// Site name in the scenario.
    pub name: String,
    /// Its domain-manager id.
    pub domain_manager: String,
    /// Its cluster's id and name.
    pub cluster: (String, String),
    /// Highest v4 minor it speaks per namespace, such as `vmm` → 2.
    pub minors: BTreeMap<String, u32>,
    /// User name and password.
    pub credentials: (String, String),
    /// The AWS region and VPC its cluster lives in, for the NC2 actor (`nc2.rs`).
    pub aws: (String, String),
    /// Paired Prism Centrals: index in `LabState::pcs` by domain-manager id.
    pub paired: BTreeMap<String, usize>,
    /// Flow VPCs by id.
    pub vpcs: BTreeMap<String, FlowVpc>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, FlowSubnet>,
    /// VMs by id.
    pub vms: BTreeMap<String, Vm>,
    /// Categories by id: key, value.
    pub categories: BTreeMap<String, (String, String)>,
    /// Protection policies by id; the paired PC has a copy under the same id.
    pub policies: BTreeMap<String, Policy>,
    /// Recovery plans by id; the paired PC has a copy under the same id.
    pub plans: BTreeMap<String, Plan>,
    /// Recovery plan jobs by id.
    pub jobs: BTreeMap<String, Job>,
    /// Recovery points held here (own and received), by id.
    pub recovery_points: BTreeMap<String, RecoveryPoint>,
    /// Tasks by uuid (without the `ZXJnb24=:` part).
    pub tasks: BTreeMap<String, Task>,
    /// Outcome of mutations by `NTNX-Request-Id`: status and body to replay.
    pub replay: BTreeMap<String, crate::http::Response>,
}

/// A Flow VPC.
#[derive(Debug, Clone, Default)]
pub struct FlowVpc {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether it is a transit VPC.
    pub transit: bool,
    /// External subnets.
    pub external: BTreeSet<String>,
    /// Externally routable prefixes.
    pub erps: BTreeSet<Cidr>,
    /// DNS servers of the common DHCP options.
    pub dns: Vec<Ipv4Addr>,
    /// Bumped by every change; part of the ETag.
    pub version: u64,
}

/// A subnet.
#[derive(Debug, Clone, Default)]
pub struct FlowSubnet {
    /// Name.
    pub name: String,
    /// Flow VPC; `None` for VLAN subnets.
    pub vpc: Option<String>,
    /// Addresses; `None`: not managed.
    pub cidr: Option<Cidr>,
    /// Gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DHCP pools.
    pub pools: Vec<AddrRange>,
    /// DNS servers.
    pub dns: Vec<Ipv4Addr>,
    /// An uplink.
    pub external: bool,
    /// Translates addresses (uplinks only).
    pub nat: bool,
    /// Addresses held back, with the client context they were reserved under.
    pub reserved: BTreeMap<Ipv4Addr, String>,
    /// VLAN or VNI.
    pub network_id: u32,
    /// Bumped by every change; part of the ETag.
    pub version: u64,
}

/// A VM.
#[derive(Debug, Clone)]
pub struct Vm {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// On or off.
    pub on: bool,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// NICs in order.
    pub nics: Vec<Nic>,
    /// vCPUs (sockets) and memory in bytes, for show.
    pub shape: (u32, u64),
    /// When made.
    pub created: VTime,
    /// Made by a test failover of this recovery plan; `clean-up-resources` removes it.
    pub test_of: Option<String>,
    /// Bumped by every change of the VM or its NICs; part of the ETag.
    pub version: u64,
}

/// A NIC.
#[derive(Debug, Clone)]
pub struct Nic {
    /// Id.
    pub id: String,
    /// MAC.
    pub mac: MacAddr,
    /// Subnet.
    pub subnet: String,
    /// Assigned address.
    pub address: Option<Ipv4Addr>,
    /// Assigned secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Connected.
    pub connected: bool,
    /// Bumped by every change; part of the NIC's ETag.
    pub version: u64,
}

/// A protection policy, kept as the client sent it plus what the lab needs of it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// The whole object as answered to clients.
    pub body: serde_json::Value,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// Directions: source and target domain manager, RPO in virtual seconds, points kept at the target.
    pub schedules: Vec<(String, String, u64, u32)>,
    /// Bumped by every change.
    pub version: u64,
}

/// A recovery plan with its sub-collections, kept as sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name.
    pub name: String,
    /// The plan body as answered to clients.
    pub body: serde_json::Value,
    /// Primary location's domain manager.
    pub primary: String,
    /// Recovery location's domain manager.
    pub recovery: String,
    /// Stages by id.
    pub stages: BTreeMap<String, serde_json::Value>,
    /// Network mappings by id.
    pub mappings: BTreeMap<String, serde_json::Value>,
    /// Recovery settings by id.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Bumped by every change.
    pub version: u64,
}

/// A recovery plan job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Plan.
    pub plan: String,
    /// Name.
    pub name: String,
    /// `VALIDATE`, `PLANNED_FAILOVER`, `UNPLANNED_FAILOVER`, `TEST_FAILOVER`.
    pub action: String,
    /// Source domain manager.
    pub source: String,
    /// Target domain manager.
    pub target: String,
    /// `QUEUED`, `RUNNING`, `SUCCEEDED`, `SUCCEEDED_WITH_VALIDATION_WARNING`, `FAILED`.
    pub status: String,
    /// 0 to 100.
    pub percent: u32,
    /// Start.
    pub started: VTime,
    /// End.
    pub ended: Option<VTime>,
    /// Recovered pairs: source VM, recovered VM, name.
    pub recovered: Vec<(String, String, String)>,
    /// Validation findings as answered to clients.
    pub findings: Vec<serde_json::Value>,
    /// Task that runs it.
    pub task: String,
}

/// A recovery point of one VM: everything needed to bring it up.
#[derive(Debug, Clone)]
pub struct RecoveryPoint {
    /// Shared by its replicas.
    pub location_agnostic: String,
    /// VM it was taken of (id at the source).
    pub vm: String,
    /// The VM as it was.
    pub snapshot: Vm,
    /// Domain manager it was taken at.
    pub source: String,
    /// When taken.
    pub created: VTime,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Such as `CreateNic`.
    pub operation: String,
    /// `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED`.
    pub status: String,
    /// 0 to 100.
    pub percent: u32,
    /// Made.
    pub created: VTime,
    /// Started.
    pub started: Option<VTime>,
    /// Completed.
    pub completed: Option<VTime>,
    /// Entities affected: id, rel, name.
    pub entities: Vec<(String, String, Option<String>)>,
    /// Failure: message, code, group.
    pub error: Option<(String, String, String)>,
    /// What happens when it completes; taken then.
    pub effect: Option<super::effects::Effect>,
}
