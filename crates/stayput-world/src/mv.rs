//! The observed state of one Nutanix Move appliance.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::ClusterExtId;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;

use crate::unreadable::Unreadable;

/// One Move appliance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveAppliance {
    /// Registered providers.
    pub providers: BTreeMap<MoveProviderId, MoveProvider>,
    /// Source workloads of the configured AWS provider in the source region, by EC2 instance id (`VmID`).
    pub workloads: BTreeMap<InstanceId, MoveWorkload>,
    /// Migration plans.
    pub plans: BTreeMap<MovePlanId, MovePlan>,
    /// Providers, workloads and plans that could not be read, in whole or in part. Those left out are in no map above, and are
    /// not absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

/// A provider (environment) registered in Move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveProvider {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: MoveProviderKind,
    /// Target clusters; empty for a source.
    pub clusters: BTreeMap<ClusterExtId, MoveCluster>,
}

/// Kind of a Move provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveProviderKind {
    /// AWS.
    Aws,
    /// Nutanix AOS.
    Aos,
    /// Anything else, as reported.
    Unknown(String),
}

/// A target cluster in Move's inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveCluster {
    /// Its name.
    pub name: String,
    /// Storage containers: id by name.
    pub containers: BTreeMap<String, String>,
    /// Target networks: AHV subnet to its name.
    pub networks: BTreeMap<SubnetExtId, String>,
}

/// A workload that Move can migrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveWorkload {
    /// Move's key.
    pub id: MoveVmId,
    /// Name in Move; the `Name` tag, not unique, possibly empty.
    pub name: String,
    /// Source networks (`Networks[].ID`): for AWS the VPC (Move reference §6).
    pub networks: Vec<String>,
}

/// A migration plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovePlan {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: MovePlanState,
    /// Its VMs.
    pub vms: BTreeMap<MoveVmId, MoveVm>,
}

/// State of a migration plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MovePlanState {
    /// Created, not started.
    NotStarted,
    /// Seeding, syncing or cutting over.
    InProgress,
    /// Paused.
    Paused,
    /// Every VM has completed.
    Completed,
    /// Gave up.
    Failed,
    /// Was cancelled.
    Aborted,
    /// Anything else, as reported.
    Unknown(String),
}

/// One VM of a migration plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveVm {
    /// State text as Move reports it.
    pub state: String,
    /// Actions that are allowed now, in upper case. Decide by these, not by the state (Move reference §7).
    pub actions: Vec<String>,
    /// Seeding progress, 0 to 100; absent before seeding.
    pub progress: Option<u8>,
    /// The VM that it became, once it exists.
    pub vm: Option<VmExtId>,
    /// Error message of a failure.
    pub error: Option<String>,
    /// Whether its migration has completed successfully.
    pub completed: bool,
}
