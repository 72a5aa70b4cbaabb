//! What calls to Prism Central take and give, where `stayput-world` has no type for it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::AddrRange;
use stayput_estate::CategoryExtId;
use stayput_estate::Cidr;
use stayput_estate::ClusterExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::MacAddr;
use stayput_estate::PolicyExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_world::Unreadable;
use stayput_world::prism::Nic;
use stayput_world::prism::RecoveryJob;

/// Ids that the caller expects a Prism Central to have. Those that a list lacks are asked for one by one, as what a list lacks
/// may still exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPrismObjects {
    /// VMs.
    pub vms: BTreeSet<VmExtId>,
    /// VMs of other sites that may have recovery points here.
    pub protected: BTreeSet<VmExtId>,
    /// Subnets.
    pub subnets: BTreeSet<SubnetExtId>,
    /// Flow VPCs.
    pub vpcs: BTreeSet<FlowVpcExtId>,
    /// Protection policies.
    pub policies: BTreeSet<PolicyExtId>,
    /// Recovery plans.
    pub recovery_plans: BTreeSet<RecoveryPlanExtId>,
}

/// What became of a NIC that was to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NicDeletion {
    /// It does not exist any more.
    Gone,
    /// It was not accepted for deletion as it is now, and stays.
    Kept(Nic),
}

/// A NIC to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NicSpec {
    /// The subnet; managed, or a fixed address is refused (Prism reference §2.3).
    pub subnet: SubnetExtId,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its further addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// Its MAC address; `None` lets AHV choose.
    pub mac: Option<MacAddr>,
}

/// An overlay subnet to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetSpec {
    /// Its name.
    pub name: String,
    /// Its Flow VPC.
    pub vpc: FlowVpcExtId,
    /// Its addresses.
    pub cidr: Cidr,
    /// Default gateway.
    pub gateway: Ipv4Addr,
    /// DHCP pools; keep them clear of every address that must stay.
    pub pools: Vec<AddrRange>,
    /// DNS servers handed out.
    pub dns: Vec<Ipv4Addr>,
}

/// A Flow VPC to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcSpec {
    /// Its name.
    pub name: String,
    /// External subnets it is attached to; none keeps it isolated.
    pub external_subnets: BTreeSet<SubnetExtId>,
    /// Externally routable prefixes.
    pub erps: BTreeSet<Cidr>,
    /// DNS servers.
    pub dns: Vec<Ipv4Addr>,
}

/// Addresses in use at one virtual NIC of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubnetVnic {
    /// Its MAC address.
    pub mac: Option<MacAddr>,
    /// Its VM.
    pub vm: Option<VmExtId>,
    /// Addresses assigned to it, primary and secondary.
    pub assigned: BTreeSet<Ipv4Addr>,
    /// Addresses seen in its traffic.
    pub learned: BTreeSet<Ipv4Addr>,
}

/// A protection policy to make: both directions, as failback needs (Prism reference §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySpec {
    /// Its name.
    pub name: String,
    /// Categories whose VMs it protects.
    pub categories: BTreeSet<CategoryExtId>,
    /// Where the VMs are.
    pub primary: PolicyLocation,
    /// Where they are replicated to.
    pub recovery: PolicyLocation,
    /// Recovery point objective; whole minutes (Prism reference §6.2).
    pub rpo: Duration,
    /// Recovery points kept at each side; 1 or more.
    pub retention: u32,
}

/// One side of a protection policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLocation {
    /// Its Prism Central.
    pub domain_manager: DomainManagerId,
    /// Its clusters; none means all.
    pub clusters: BTreeSet<ClusterExtId>,
}

/// A recovery plan to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSpec {
    /// Its name.
    pub name: String,
    /// Where it fails over from.
    pub primary: DomainManagerId,
    /// Where it fails over to.
    pub recovery: DomainManagerId,
    /// Its network mappings; every one keeps addresses.
    pub mappings: Vec<MappingSpec>,
    /// Categories whose VMs it recovers, in one stage.
    pub categories: BTreeSet<CategoryExtId>,
}

/// One network mapping: which subnet stands for which on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingSpec {
    /// Subnet at the primary; failback uses it.
    pub primary: MappedSubnet,
    /// Subnet at the recovery side; failover uses it.
    pub recovery: MappedSubnet,
    /// Subnet of test failbacks.
    pub primary_test: Option<MappedSubnet>,
    /// Subnet of test failovers.
    pub recovery_test: Option<MappedSubnet>,
}

/// A subnet as a network mapping names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedSubnet {
    /// The subnet.
    pub subnet: SubnetExtId,
    /// Its Flow VPC.
    pub vpc: FlowVpcExtId,
    /// Its default gateway.
    pub gateway: Ipv4Addr,
    /// Its prefix length.
    pub prefix_len: u8,
}

/// From which Prism Central to which a recovery plan is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// The side the VMs leave.
    pub source: DomainManagerId,
    /// The side they come up at.
    pub target: DomainManagerId,
}

/// What a failover does when its validation warns.
///
/// "Addresses cannot be preserved" is only a warning (Prism reference §6.6): proceed only after a look at
/// [`validation_errors`](crate::PrismClient::validation_errors) of a validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnWarnings {
    /// It stops.
    Stop,
    /// It goes on.
    Proceed,
}

/// A recovery plan job as it is now; [`RecoveryJob::recovered`] has what it brought up so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// The job.
    pub job: RecoveryJob,
    /// Its name; stayput's begin with `stayput-`.
    pub name: String,
    /// Progress, 0 to 100.
    pub percent: Option<u8>,
    /// End (RFC 3339).
    pub ended: Option<String>,
    /// Steps that are not understood, so that [`RecoveryJob::recovered`] may lack what they brought up.
    pub unreadable: Vec<Unreadable>,
}

/// One thing a validation found (`validation-errors`, Prism reference §6.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it blocks.
    pub severity: FindingSeverity,
    /// What it is about.
    pub group: FindingGroup,
    /// Code as received.
    pub code: Option<String>,
    /// For people.
    pub message: String,
    /// What it affects.
    pub affected: Vec<AffectedEntity>,
    /// Why.
    pub cause: Option<String>,
    /// What to do, as Prism Central suggests.
    pub resolutions: Vec<String>,
    /// What will happen otherwise.
    pub impacts: Vec<String>,
}

/// Whether a finding blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingSeverity {
    /// Blocks.
    Error,
    /// Blocks unless told to proceed.
    Warning,
    /// Anything else, as received.
    Unknown(String),
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingGroup {
    /// A VM or volume group.
    Entity,
    /// Networks, also addresses that would be lost.
    Network,
    /// Recovery points.
    RecoveryPoint,
    /// Categories.
    Category,
    /// The other side cannot be reached.
    Connectivity,
    /// Clusters and hosts.
    Infrastructure,
    /// Licences.
    ClusterLicense,
    /// Anything else, as received.
    Unknown(String),
}

/// Something that a finding affects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedEntity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// `VM`, `VOLUME_GROUP`, … as received.
    pub kind: Option<String>,
}
