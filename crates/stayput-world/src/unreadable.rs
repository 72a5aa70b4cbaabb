//! What was in a system's answer and could not be read.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// An object that a list contained and that could not be read, in whole or in part.
///
/// Kept so that one odd object of another owner does not stop a command. An object that is left out is not absent, and an
/// unreadable property is not empty: code that relies on the object must treat this as an obstacle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unreadable {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id, if at least that could be read.
    pub ext_id: Option<String>,
    /// Its name, if that could be read.
    pub name: Option<String>,
    /// Where in the object, such as `nics[0].nicBackingInfo.macAddress`; `.` is the whole.
    pub path: String,
    /// What is wrong there, for people.
    pub reason: String,
    /// How much of it is unknown.
    pub extent: UnreadableExtent,
}

impl Unreadable {
    /// Whether the object is in none of the world's maps.
    pub fn is_left_out(&self) -> bool {
        self.extent == UnreadableExtent::Whole
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match (&self.name, &self.ext_id) {
            (Some(name), Some(id)) => write!(f, " `{name}` ({id})")?,
            (Some(name), None) => write!(f, " `{name}`")?,
            (None, Some(id)) => write!(f, " {id}")?,
            (None, None) => f.write_str(" without a readable id")?,
        }
        write!(f, " cannot be read at `{}`: {}", self.path, self.reason)
    }
}

/// How much of an object could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UnreadableExtent {
    /// All of it: it is left out.
    Whole,
    /// One property: the object is there, with that property unknown.
    Property,
}

/// Kind of an object of Prism Central or Move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ObjectKind {
    /// A VM.
    Vm,
    /// A subnet.
    Subnet,
    /// A reserved address of a subnet.
    ReservedAddress,
    /// A virtual NIC of a subnet.
    SubnetVnic,
    /// A Flow VPC.
    FlowVpc,
    /// A category.
    Category,
    /// A Prism Central (domain manager).
    DomainManager,
    /// A registration of another Prism Central or cluster.
    Registration,
    /// A protection policy.
    ProtectionPolicy,
    /// A recovery plan.
    RecoveryPlan,
    /// A network mapping of a recovery plan.
    NetworkMapping,
    /// A stage of a recovery plan.
    RecoveryStage,
    /// A recovery plan job.
    RecoveryJob,
    /// An execution step of a recovery plan job.
    ExecutionStep,
    /// A finding of the validation of a recovery plan job.
    ValidationFinding,
    /// A recovery point.
    RecoveryPoint,
    /// A provider (environment) of Move.
    MoveProvider,
    /// A source workload of Move.
    MoveWorkload,
    /// A migration plan of Move.
    MovePlan,
    /// A VM of a migration plan of Move.
    MoveVm,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vm => "VM",
            Self::Subnet => "subnet",
            Self::ReservedAddress => "reserved address",
            Self::SubnetVnic => "virtual NIC",
            Self::FlowVpc => "Flow VPC",
            Self::Category => "category",
            Self::DomainManager => "domain manager",
            Self::Registration => "registration",
            Self::ProtectionPolicy => "protection policy",
            Self::RecoveryPlan => "recovery plan",
            Self::NetworkMapping => "network mapping",
            Self::RecoveryStage => "recovery plan stage",
            Self::RecoveryJob => "recovery plan job",
            Self::ExecutionStep => "execution step",
            Self::ValidationFinding => "validation finding",
            Self::RecoveryPoint => "recovery point",
            Self::MoveProvider => "Move provider",
            Self::MoveWorkload => "Move workload",
            Self::MovePlan => "migration plan",
            Self::MoveVm => "VM of a migration plan",
        })
    }
}
