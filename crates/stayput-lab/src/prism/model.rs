//! State of one emulated Prism Central with its NC2 cluster: plain data.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;

use crate::clock::VTime;
use crate::faults::Fate;

/// One Prism Central.
#[derive(Debug, Clone, Default)]
pub struct PcState {
    /// Site name in the scenario.
    pub name: String,
    /// Its domain-manager id.
    pub domain_manager: String,
    /// Its cluster's id and name.
    pub cluster: (String, String),
    /// Highest v4 minor for each namespace, such as `vmm` → 2.
    pub minors: BTreeMap<String, u32>,
    /// User name and password.
    pub credentials: (String, String),
    /// The AWS region and VPC of its cluster, for NC2's routes (`nc2.rs`).
    pub aws: (String, String),
    /// The interface that NC2 has chosen to join the cluster to that VPC; `None`: derived from the routes (`nc2.rs`).
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
    /// Protection policies by id; the paired Prism Central has a copy under the same id.
    pub policies: BTreeMap<String, Policy>,
    /// Recovery plans by id; the paired Prism Central has a copy under the same id.
    pub plans: BTreeMap<String, Plan>,
    /// Recovery plan jobs by id.
    pub jobs: BTreeMap<String, Job>,
    /// Recovery points here, taken here or received, by id.
    pub recovery_points: BTreeMap<String, RecoveryPoint>,
    /// Tasks by UUID (without the `ZXJnb24=:` part).
    pub tasks: BTreeMap<String, Task>,
    /// Whether a mutation with an `NTNX-Request-Id` that was used before is a new one. That it is answered as before and changes nothing
    /// is only assumed (Prism reference §1).
    pub forgets_requests: bool,
    /// Accepted mutations by `NTNX-Request-Id`.
    pub replay: BTreeMap<String, Replay>,
    /// The whole site is down: it answers no request and does nothing until this is cleared.
    pub down: bool,
    /// Domain managers that cannot be reached from here although both sites are up.
    pub cut_off: BTreeSet<String>,
    /// Running schedules: VM, policy, target domain manager.
    pub schedules: BTreeSet<(String, String, String)>,
    /// Recovery points here by VM, oldest first; an index of `recovery_points`.
    pub points_of: BTreeMap<String, Vec<String>>,
    /// The VM that a recovered VM came from: domain manager and VM there, by its id here. Without test copies.
    pub origins: BTreeMap<String, (String, String)>,
    /// VMs left behind by an unplanned failover: they still exist here, but the entity is at the other site.
    pub stale: BTreeSet<String>,
}

/// An accepted mutation, whose answer is repeated when the same request is sent again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Method and path it was for.
    pub target: String,
    /// The answer.
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
    /// Increased by every change; part of the ETag.
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
    /// CIDR; `None` when the subnet is not managed.
    pub cidr: Option<Cidr>,
    /// Gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DHCP pools.
    pub pools: Vec<AddrRange>,
    /// DHCP server, if it is not the gateway.
    pub dhcp_server: Option<Ipv4Addr>,
    /// DNS servers.
    pub dns: Vec<Ipv4Addr>,
    /// Domain name for DHCP clients.
    pub domain: String,
    /// Search domains for DHCP clients.
    pub search_domains: Vec<String>,
    /// Whether it is an external subnet.
    pub external: bool,
    /// Whether it uses NAT (external subnets only).
    pub nat: bool,
    /// Reserved addresses, with the client context of the reservation.
    pub reserved: BTreeMap<Ipv4Addr, String>,
    /// VLAN or VNI.
    pub network_id: u32,
    /// Increased by every change; part of the ETag.
    pub version: u64,
}

/// A VM.
#[derive(Debug, Clone)]
pub struct Vm {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether it is powered on.
    pub on: bool,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// NICs in order.
    pub nics: Vec<Nic>,
    /// vCPUs (sockets) and memory in bytes. Only shown, without effect.
    pub shape: (u32, u64),
    /// Time of creation.
    pub created: VTime,
    /// Created by a test failover of this recovery plan; `clean-up-resources` deletes it.
    pub test_of: Option<String>,
    /// Increased by every change of the VM or its NICs; part of the ETag.
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
    /// Whether it is connected.
    pub connected: bool,
    /// Increased by every change; part of the NIC's ETag.
    pub version: u64,
}

/// A protection policy, kept as the client sent it, with the parts that the lab uses.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// The whole object as it is answered to clients.
    pub body: serde_json::Value,
    /// Categories.
    pub categories: BTreeSet<String>,
    /// Directions of replication.
    pub schedules: Vec<Schedule>,
    /// Increased by every change.
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
    /// The plan body as it is answered to clients.
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
    /// Increased by every change.
    pub version: u64,
}

/// A recovery plan job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Plan.
    pub plan: String,
    /// Name.
    pub name: String,
    /// Its action.
    pub action: Action,
    /// Source domain manager.
    pub source: String,
    /// Target domain manager.
    pub target: String,
    /// Whether it continues after warnings.
    pub ignore_warnings: bool,
    /// Recovers from points that are not newer than this.
    pub reference_time: Option<VTime>,
    /// Its status.
    pub status: JobStatus,
    /// Its next step.
    pub next: NextAction,
    /// Result of the validation, once it has run.
    pub validation: Option<JobStatus>,
    /// Start.
    pub started: VTime,
    /// End.
    pub ended: Option<VTime>,
    /// VMs, stage by stage; filled by the validation.
    pub stages: Vec<JobStage>,
    /// Steps, in the order in which they started.
    pub steps: Vec<Step>,
    /// Recovered pairs: source VM, recovered VM, name.
    pub recovered: Vec<(String, String, String)>,
    /// Validation findings.
    pub findings: Vec<Finding>,
    /// Task that runs it.
    pub task: String,
}

/// The action of a recovery plan job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Only checks.
    Validate,
    /// Powers off, synchronises and moves.
    Planned,
    /// Recovers from recovery points.
    Unplanned,
    /// Creates copies in the test networks.
    Test,
}

/// State of a job, a phase, a stage or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Waiting.
    Queued,
    /// Running.
    Running,
    /// Succeeded.
    Succeeded,
    /// Succeeded, and the validation had warnings.
    SucceededWithWarning,
    /// Failed.
    Failed,
}

/// What a job does at its next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAction {
    /// Starts.
    Start,
    /// Validates.
    Validate,
    /// Starts the VMs of this stage.
    Recover(usize),
    /// Completes the job.
    Finish,
    /// The job has ended.
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
    /// Recovery of the VMs.
    EntityRecovery,
    /// Completion.
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
    /// Description.
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
    /// Error message of a failure.
    pub error: Option<String>,
}

/// One finding of a validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id.
    pub id: String,
    /// Group.
    pub group: FindingGroup,
    /// Whether it stops the job even when warnings are ignored.
    pub error: bool,
    /// Message.
    pub message: String,
    /// Affected VMs: id and name.
    pub vms: Vec<(String, String)>,
    /// Cause, remedy, impact.
    pub analysis: (String, String, String),
}

/// Group of a validation finding (Prism reference §6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingGroup {
    /// VMs.
    Entity,
    /// Networks and addresses.
    Network,
    /// Recovery points.
    RecoveryPoint,
    /// Categories.
    Category,
    /// The connection to the other site.
    Connectivity,
}

/// A recovery point of one VM: everything that is needed to recover it.
#[derive(Debug, Clone)]
pub struct RecoveryPoint {
    /// Id that all its replicas share.
    pub location_agnostic: String,
    /// VM it was taken from (id at the source).
    pub vm: String,
    /// The VM as it was. Its categories are ids of the Prism Central that has the point.
    pub snapshot: Vm,
    /// Domain manager it was taken at.
    pub source: String,
    /// Time of creation.
    pub created: VTime,
    /// When it will be deleted unless the retention deletes it before.
    pub expires: VTime,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Operation, such as `CreateNic`.
    pub operation: String,
    /// State.
    pub status: TaskStatus,
    /// 0 to 100.
    pub percent: u32,
    /// Time of creation.
    pub created: VTime,
    /// Started.
    pub started: Option<VTime>,
    /// Completed.
    pub completed: Option<VTime>,
    /// Entities affected: id, rel, name.
    pub entities: Vec<(String, String, Option<String>)>,
    /// Completion details: name, value.
    pub details: Vec<(String, String)>,
    /// Failure, if it failed.
    pub error: Option<Failure>,
    /// The change to apply when it completes. Tasks of recovery plan jobs have none: the job completes them.
    pub effect: Option<super::effects::Effect>,
    /// What a fault has chosen for it; `None`: it runs as usual.
    pub fate: Option<Fate>,
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
    /// Error code, such as `VMM-20101`.
    pub code: &'static str,
    /// Error group, such as `VM_NIC_IP_IN_USE`.
    pub group: &'static str,
    /// Message.
    pub message: String,
}
