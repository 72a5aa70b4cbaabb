//! The observed state of one Prism Central.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_estate::CategoryExtId;
use stayput_estate::Cidr;
use stayput_estate::ClusterExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::MacAddr;
use stayput_estate::NicExtId;
use stayput_estate::PolicyExtId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;

use crate::unreadable::ObjectKind;
use crate::unreadable::Unreadable;

/// One Prism Central.
///
/// What a map here lacks was not in a list; that is not proof that it does not exist. Only [`confirmed_absent`](Self::confirmed_absent)
/// and [`confirmed_absent_objects`](Self::confirmed_absent_objects) are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prism {
    /// Its id.
    pub domain_manager: DomainManagerId,
    /// Paired Prism Centrals, with their connectivity.
    pub registrations: BTreeMap<DomainManagerId, Connectivity>,
    /// Flow VPCs.
    pub vpcs: BTreeMap<FlowVpcExtId, FlowVpc>,
    /// Subnets.
    pub subnets: BTreeMap<SubnetExtId, FlowSubnet>,
    /// VMs.
    pub vms: BTreeMap<VmExtId, Vm>,
    /// Categories.
    pub categories: BTreeMap<CategoryExtId, Category>,
    /// Protection policies.
    pub policies: BTreeMap<PolicyExtId, ProtectionPolicy>,
    /// Recovery plans.
    pub recovery_plans: BTreeMap<RecoveryPlanExtId, RecoveryPlan>,
    /// Recovery plan jobs.
    pub jobs: BTreeMap<RecoveryJobExtId, RecoveryJob>,
    /// VMs with a complete recovery point here whose source is at another site: by source VM, newest creation time (RFC 3339).
    pub recovery_points: BTreeMap<VmExtId, String>,
    /// Objects that could not be read, in whole or in part. Those left out are in no map above, and are not absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
    /// VMs that were asked for by id and that this Prism Central says do not exist.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub confirmed_absent: BTreeSet<VmExtId>,
    /// Other objects that were asked for by id and that this Prism Central says do not exist.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub confirmed_absent_objects: BTreeSet<AbsentObject>,
}

impl Prism {
    /// What could not be read of the object with this id: all of it or some properties. Code that relies on the object checks
    /// this first.
    pub fn unreadable_object<'a>(
        &'a self,
        kind: ObjectKind,
        ext_id: &'a str,
    ) -> impl Iterator<Item = &'a Unreadable> {
        self.unreadable
            .iter()
            .filter(move |note| note.kind == kind && note.ext_id.as_deref() == Some(ext_id))
    }

    /// Objects of a kind that were left out and may be the one of this name: those of that name, and those without a
    /// readable one. Check this before concluding from the maps that no object has the name.
    pub fn unreadable_named<'a>(
        &'a self,
        kind: ObjectKind,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Unreadable> {
        self.unreadable.iter().filter(move |note| {
            note.kind == kind
                && note.is_left_out()
                && note.name.as_deref().is_none_or(|its| its == name)
        })
    }
}

/// An object other than a VM that does not exist: asked for by id and answered with 404.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AbsentObject {
    /// What it would be.
    pub kind: ObjectKind,
    /// Its id.
    pub ext_id: String,
}

/// Whether a paired Prism Central can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connectivity {
    /// Reachable.
    Connected,
    /// Not reachable.
    Disconnected,
    /// Anything else, as reported.
    Unknown(String),
}

/// A Flow VPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowVpc {
    /// Its name; not necessarily unique.
    pub name: String,
    /// Whether it is a transit VPC.
    pub transit: bool,
    /// External subnets it is attached to.
    pub external_subnets: BTreeSet<SubnetExtId>,
    /// Externally routable prefixes.
    pub erps: BTreeSet<Cidr>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSubnet {
    /// Its name; not necessarily unique.
    pub name: String,
    /// Its Flow VPC; VLAN subnets have none.
    pub vpc: Option<FlowVpcExtId>,
    /// Its CIDR; `None` when it is not managed.
    pub cidr: Option<Cidr>,
    /// Default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DHCP pools.
    pub pools: Vec<AddrRange>,
    /// Whether it is an external subnet.
    pub external: bool,
    /// For an external subnet: whether it uses NAT. The one without NAT carries externally routable prefixes.
    pub nat: bool,
    /// Addresses that automatic assignment skips.
    pub reserved: BTreeSet<Ipv4Addr>,
    /// DNS servers handed out by DHCP, in order; `None` when Prism Central did not say (also in worlds saved by earlier builds).
    #[serde(default)]
    pub dns: Option<Vec<Ipv4Addr>>,
}

/// A VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    /// Its name; not unique.
    pub name: String,
    /// Its cluster.
    pub cluster: Option<ClusterExtId>,
    /// Power state.
    pub power: PowerState,
    /// Its categories.
    pub categories: BTreeSet<CategoryExtId>,
    /// Its NICs, in the order of Prism Central.
    pub nics: Vec<Nic>,
}

/// Power state of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PowerState {
    /// On.
    On,
    /// Off.
    Off,
    /// Paused, undetermined or unknown, as reported.
    Other(String),
}

/// A NIC of a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its id.
    pub id: NicExtId,
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// Its subnet.
    pub subnet: Option<SubnetExtId>,
    /// Assigned address.
    pub address: Option<Ipv4Addr>,
    /// Assigned secondary addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Addresses seen in its traffic (`learnedIpAddresses`): in use, though not assigned by Prism Central.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learned: Vec<Ipv4Addr>,
    /// Whether it is connected; a NIC that does not say is (the default of the API).
    pub connected: bool,
}

/// One category: a key/value pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// A protection policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionPolicy {
    /// Its name.
    pub name: String,
    /// Categories whose VMs it protects.
    pub categories: BTreeSet<CategoryExtId>,
    /// The locations by label, primary first.
    pub locations: Vec<DomainManagerId>,
    /// Directions of replication: source, target, RPO in seconds, recovery points kept at the target.
    pub replications: Vec<Replication>,
}

/// One direction of a protection policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// Source.
    pub source: DomainManagerId,
    /// Target.
    pub target: DomainManagerId,
    /// Recovery point objective in seconds; `None` when not told.
    pub rpo_seconds: Option<u64>,
    /// Recovery points kept at the target; `None` when not told, or when they are kept by age (roll-up) instead of by number.
    pub retention: Option<u32>,
    /// Recovery points kept at the source; `None` as for [`retention`](Self::retention), and in worlds saved by earlier builds.
    #[serde(default)]
    pub local_retention: Option<u32>,
}

/// A recovery plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPlan {
    /// Its name.
    pub name: String,
    /// Where it fails over from.
    pub primary: DomainManagerId,
    /// Where it fails over to.
    pub recovery: DomainManagerId,
    /// Categories of its stages.
    pub categories: BTreeSet<CategoryExtId>,
    /// Those that are in more than one stage: every run is refused then ("Entities are part of more than one stage", inferred).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub in_several_stages: BTreeSet<CategoryExtId>,
    /// Its network mappings, as listed; two that are the same are both here.
    pub mappings: Vec<NetworkMapping>,
}

/// One network mapping of a recovery plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkMapping {
    /// Subnet at the primary.
    pub primary: Option<SubnetExtId>,
    /// Subnet at the recovery side.
    pub recovery: Option<SubnetExtId>,
    /// Test subnet at the primary.
    pub primary_test: Option<SubnetExtId>,
    /// Test subnet at the recovery side.
    pub recovery_test: Option<SubnetExtId>,
    /// Whether addresses are kept (`isIpMappingEnabled`); `None` when not told.
    pub keeps_addresses: Option<bool>,
}

/// A recovery plan job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryJob {
    /// The plan it runs.
    pub plan: RecoveryPlanExtId,
    /// Its action.
    pub action: RecoveryAction,
    /// Its status.
    pub status: JobStatus,
    /// Source.
    pub source: Option<DomainManagerId>,
    /// Target.
    pub target: Option<DomainManagerId>,
    /// Start (RFC 3339).
    pub started: Option<String>,
    /// End (RFC 3339), once it is over. Absent in worlds saved by earlier builds.
    #[serde(default)]
    pub ended: Option<String>,
    /// Its name. Jobs of stayput carry the first digits of their request id in it. Absent in worlds saved by earlier builds.
    #[serde(default)]
    pub name: Option<String>,
    /// The VM that each source VM became (`executionStepResults[].recoveredEntityExtId`); filled once the job has ended.
    pub recovered: BTreeMap<VmExtId, VmExtId>,
}

/// The action of a recovery plan job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecoveryAction {
    /// Only checks.
    Validate,
    /// Powers off, synchronises and moves.
    PlannedFailover,
    /// Recovers from recovery points.
    UnplannedFailover,
    /// Creates copies in the test networks.
    TestFailover,
    /// Anything else, as reported.
    Unknown(String),
}

/// State of a recovery plan job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobStatus {
    /// Waiting.
    Queued,
    /// Running.
    Running,
    /// Succeeded.
    Succeeded,
    /// Succeeded, but validation had warnings: addresses may have been lost (Prism reference §6.6).
    SucceededWithWarnings,
    /// Failed.
    Failed,
    /// Aborted.
    Aborted,
    /// Anything else, as reported.
    Unknown(String),
}
