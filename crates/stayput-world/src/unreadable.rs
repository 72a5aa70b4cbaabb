//! What was in a system's answer and could not be read.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;

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
        let (kind, path, reason) = (self.kind.message(), &self.path, &self.reason);
        let unreadable = match (&self.name, &self.ext_id) {
            (Some(name), Some(id)) => Message::new("object-unreadable-with-name-and-id")
                .part("kind", kind)
                .with("name", name)
                .with("id", id)
                .with("path", path)
                .with("reason", reason),
            (Some(name), None) => Message::new("object-unreadable-with-name")
                .part("kind", kind)
                .with("name", name)
                .with("path", path)
                .with("reason", reason),
            (None, Some(id)) => Message::new("object-unreadable")
                .part("kind", kind)
                .with("id", id)
                .with("path", path)
                .with("reason", reason),
            (None, None) => Message::new("object-unreadable-without-id")
                .part("kind", kind)
                .with("path", path)
                .with("reason", reason),
        };
        unreadable.fmt(f)
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

impl ObjectKind {
    /// Its name.
    pub fn message(self) -> Message {
        match self {
            Self::Vm => Message::new("kind-vm"),
            Self::Subnet => Message::new("kind-subnet"),
            Self::ReservedAddress => Message::new("kind-reserved-address"),
            Self::SubnetVnic => Message::new("kind-subnet-vnic"),
            Self::FlowVpc => Message::new("kind-flow-vpc"),
            Self::Category => Message::new("kind-category"),
            Self::DomainManager => Message::new("kind-domain-manager"),
            Self::Registration => Message::new("kind-registration"),
            Self::ProtectionPolicy => Message::new("kind-protection-policy"),
            Self::RecoveryPlan => Message::new("kind-recovery-plan"),
            Self::NetworkMapping => Message::new("kind-network-mapping"),
            Self::RecoveryStage => Message::new("kind-recovery-stage"),
            Self::RecoveryJob => Message::new("kind-recovery-job"),
            Self::ExecutionStep => Message::new("kind-execution-step"),
            Self::ValidationFinding => Message::new("kind-validation-finding"),
            Self::RecoveryPoint => Message::new("kind-recovery-point"),
            Self::MoveProvider => Message::new("kind-move-provider"),
            Self::MoveWorkload => Message::new("kind-move-workload"),
            Self::MovePlan => Message::new("kind-move-plan"),
            Self::MoveVm => Message::new("kind-move-vm"),
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_object_is_named_by_what_of_it_could_be_read() {
        let mut subnet = Unreadable {
            kind: ObjectKind::Subnet,
            ext_id: Some("ab-1".to_owned()),
            name: Some("web".to_owned()),
            path: "ipConfig[0]".to_owned(),
            reason: "no prefix".to_owned(),
            extent: UnreadableExtent::Whole,
        };
        let end = "cannot be read at `ipConfig[0]`: no prefix";
        assert_eq!(subnet.to_string(), format!("subnet `web` (ab-1) {end}"));
        subnet.ext_id = None;
        assert_eq!(subnet.to_string(), format!("subnet `web` {end}"));
        subnet.name = None;
        let nameless = format!("subnet without a readable id {end}");
        assert_eq!(subnet.to_string(), nameless);
        subnet.ext_id = Some("ab-1".to_owned());
        assert_eq!(subnet.to_string(), format!("subnet ab-1 {end}"));
    }
}
