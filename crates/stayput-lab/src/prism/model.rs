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
    /// The interface by which NC2 has chosen to join the cluster to that VPC; `None`: it goes by what the routes show (`nc2.rs`).
    pub gateway: Option<String>,
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
    /// Descriptions of categories that have one, by id.
    pub category_descriptions: BTreeMap<String, String>,
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
    /// Accepted mutations by `NTNX-Request-Id`.
    pub replay: BTreeMap<String, Replay>,
    /// The whole site is gone: it answers nothing and does nothing until this is cleared.
    pub down: bool,
    /// Domain managers that cannot be reached from here although both sites are up.
    pub cut_off: BTreeSet<String>,
    /// Running schedules: VM, policy, target domain manager.
    pub schedules: BTreeSet<(String, String, String)>,
    /// Recovery points held here by VM, oldest first; an index of `recovery_points`.
    pub points_of: BTreeMap<String, Vec<String>>,
    /// Which VM a recovered VM came from: domain manager and VM there, by the id it has here. Test copies are not in it.
    pub origins: BTreeMap<String, (String, String)>,
    /// VMs left behind by an unplanned failover: they still exist here but the entity lives elsewhere.
    pub stale: BTreeSet<String>,
}

/// An accepted mutation, to be answered again when the same request comes again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Method and path it was for.
    pub target: String,
    /// What was answered.
    pub response: crate::http::Response,
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
    /// Description.
    pub description: String,
    /// Flow VPC; `None` for VLAN subnets.
    pub vpc: Option<String>,
    /// Addresses; `None`: not managed.
    pub cidr: Option<Cidr>,
    /// Gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DHCP pools.
    pub pools: Vec<AddrRange>,
    /// DHCP server, when set apart from the gateway.
    pub dhcp_server: Option<Ipv4Addr>,
    /// DNS servers.
    pub dns: Vec<Ipv4Addr>,
    /// Domain name handed out by DHCP.
    pub domain: String,
    /// Search domains handed out by DHCP.
    pub search_domains: Vec<String>,
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
    /// Directions it replicates in.
    pub schedules: Vec<Schedule>,
    /// Bumped by every change.
    pub version: u64,
}

/// One direction of a protection policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Domain manager of the source.
    pub source: String,
    /// Domain manager of the target.
    pub target: String,
    /// Recovery point objective in seconds; 0 is synchronous.
    pub rpo_secs: u64,
    /// Points kept at the source.
    pub local: usize,
    /// Points kept at the target.
    pub remote: usize,
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
    /// What it does.
    pub action: Action,
    /// Source domain manager.
    pub source: String,
    /// Target domain manager.
    pub target: String,
    /// Warnings do not stop it.
    pub ignore_warnings: bool,
    /// Recover from points not newer than this.
    pub reference_time: Option<VTime>,
    /// How it goes.
    pub status: JobStatus,
    /// What comes next.
    pub next: NextMove,
    /// Outcome of the validation, once it has run.
    pub validation: Option<JobStatus>,
    /// Start.
    pub started: VTime,
    /// End.
    pub ended: Option<VTime>,
    /// What happens to whom, stage by stage; filled by the validation.
    pub stages: Vec<JobStage>,
    /// Steps as they were begun.
    pub steps: Vec<Step>,
    /// Recovered pairs: source VM, recovered VM, name.
    pub recovered: Vec<(String, String, String)>,
    /// Validation findings.
    pub findings: Vec<Finding>,
    /// Task that runs it.
    pub task: String,
}

/// What a recovery plan job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Checks only.
    Validate,
    /// Powers off, syncs, moves.
    Planned,
    /// From recovery points.
    Unplanned,
    /// Copies into the test networks.
    Test,
}

/// State of a job, a phase, a stage or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Waiting.
    Queued,
    /// Running.
    Running,
    /// Done.
    Succeeded,
    /// Done, validation warned.
    SucceededWithWarning,
    /// Failed.
    Failed,
}

/// What a job does when its event is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextMove {
    /// Starts.
    Start,
    /// Validates.
    Validate,
    /// Brings up the machines of this stage.
    Recover(usize),
    /// Tidies up and ends.
    Finish,
    /// Nothing any more.
    Nothing,
}

/// One stage of a job.
#[derive(Debug, Clone)]
pub struct JobStage {
    /// Stage of the plan.
    pub id: String,
    /// Seconds to wait after it.
    pub delay_secs: u64,
    /// VMs at the source, in order.
    pub vms: Vec<String>,
    /// State.
    pub status: JobStatus,
}

/// Phase of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Validation and final sync.
    PreProcessing,
    /// Machines.
    EntityRecovery,
    /// Tidying up.
    PostProcessing,
}

/// One execution step of a job.
#[derive(Debug, Clone)]
pub struct Step {
    /// Id.
    pub id: String,
    /// Phase.
    pub phase: Phase,
    /// Operation type, such as `ENTITY_MIGRATION`.
    pub operation: &'static str,
    /// In words.
    pub description: String,
    /// Stage.
    pub stage: Option<String>,
    /// State.
    pub status: JobStatus,
    /// Start.
    pub started: VTime,
    /// End.
    pub ended: Option<VTime>,
    /// Affected VMs: id and name.
    pub entities: Vec<(String, String)>,
    /// Recovered pairs: source VM, recovered VM, name.
    pub results: Vec<(String, String, String)>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One finding of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id.
    pub id: String,
    /// What it is about.
    pub group: FindingGroup,
    /// It stops the job whatever the caller says.
    pub error: bool,
    /// In words.
    pub message: String,
    /// Affected VMs: id and name.
    pub vms: Vec<(String, String)>,
    /// Cause, remedy, impact.
    pub analysis: (String, String, String),
}

/// What a validation finding is about (Prism reference §6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingGroup {
    /// Machines.
    Entity,
    /// Networks and addresses.
    Network,
    /// Recovery points.
    RecoveryPoint,
    /// Categories.
    Category,
    /// Reaching the other site.
    Connectivity,
}

/// A recovery point of one VM: everything needed to bring it up.
#[derive(Debug, Clone)]
pub struct RecoveryPoint {
    /// Shared by its replicas.
    pub location_agnostic: String,
    /// VM it was taken of (id at the source).
    pub vm: String,
    /// The VM as it was, its categories as ids of the Prism Central that holds the point.
    pub snapshot: Vm,
    /// Domain manager it was taken at.
    pub source: String,
    /// When taken.
    pub created: VTime,
    /// When it will be removed if nothing replaces it before.
    pub expires: VTime,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Such as `CreateNic`.
    pub operation: String,
    /// State.
    pub status: TaskStatus,
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
    /// Completion details: name, value.
    pub details: Vec<(String, String)>,
    /// Failure.
    pub error: Option<Failure>,
    /// What happens when it completes; taken then. Tasks of recovery plan jobs have none: the job completes them.
    pub effect: Option<super::effects::Effect>,
}

/// State of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// Waiting.
    Queued,
    /// Running.
    Running,
    /// Done.
    Succeeded,
    /// Failed.
    Failed,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Such as `VMM-20101`.
    pub code: &'static str,
    /// Such as `VM_NIC_IP_IN_USE`.
    pub group: &'static str,
    /// In words.
    pub message: String,
}
