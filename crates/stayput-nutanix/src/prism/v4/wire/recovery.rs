//! Protection policies, recovery plans, jobs and recovery points (Prism reference §6.2, §6.5–6.7).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use stayput_estate::CategoryExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::PolicyExtId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_world::ObjectKind;
use stayput_world::prism::Connectivity;
use stayput_world::prism::JobStatus;
use stayput_world::prism::ProtectionPolicy;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;
use stayput_world::prism::Replication;

use super::super::envelope::or_default;
use super::Ref;
use crate::prism::spec::AffectedEntity;
use crate::prism::spec::Finding;
use crate::prism::spec::FindingGroup;
use crate::prism::spec::FindingSeverity;
use crate::tolerant::Listed;

/// A domain manager: the Prism Central itself.
pub(in super::super) type WireDomainManager = Ref<DomainManagerId>;

/// Implements [`Listed`] for a type with an id of its own.
macro_rules! listed {
    ($wire:ty, $kind:ident, $self:ident => $key:expr) => {
        impl Listed for $wire {
            const KIND: ObjectKind = ObjectKind::$kind;

            fn key(&self) -> Option<&str> {
                let $self = self;
                $key
            }
        }
    };
}

listed!(WireDomainManager, DomainManager, it => Some(it.ext_id.as_str()));
listed!(WireRegistration, Registration, it => it.ext_id.as_deref());
listed!(WirePolicy, ProtectionPolicy, it => Some(it.ext_id.as_str()));
listed!(WirePlan, RecoveryPlan, it => Some(it.ext_id.as_str()));
listed!(WireStage, RecoveryStage, it => it.ext_id.as_deref());
listed!(WireMapping, NetworkMapping, it => it.ext_id.as_deref());
listed!(WireJob, RecoveryJob, it => Some(it.ext_id.as_str()));
listed!(WireStep, ExecutionStep, it => it.ext_id.as_deref());
listed!(WireFinding, ValidationFinding, it => it.ext_id.as_deref());
listed!(WirePoint, RecoveryPoint, it => it.ext_id.as_deref());

/// A registration of another cluster or Prism Central.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireRegistration {
    ext_id: Option<String>,
    remote_cluster_ext_id: Option<DomainManagerId>,
    connectivity_status: Option<String>,
    remote_cluster_details: Option<RemoteCluster>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemoteCluster {
    cluster_type: Option<String>,
}

impl WireRegistration {
    /// The paired Prism Central and whether it is reachable; `None` for clusters and witnesses.
    pub(in super::super) fn paired(self) -> Option<(DomainManagerId, Connectivity)> {
        let kind = self
            .remote_cluster_details
            .and_then(|remote| remote.cluster_type);
        if kind.as_deref() != Some("DOMAIN_MANAGER") {
            return None;
        }
        let connectivity = match self.connectivity_status {
            Some(text) => match text.as_str() {
                "CONNECTED" => Connectivity::Connected,
                "DISCONNECTED" => Connectivity::Disconnected,
                _ => Connectivity::Unknown(text),
            },
            None => Connectivity::Unknown(String::new()),
        };
        Some((self.remote_cluster_ext_id?, connectivity))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WirePolicy {
    pub(in super::super) ext_id: PolicyExtId,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    category_ids: Vec<CategoryExtId>,
    #[serde(default, deserialize_with = "or_default")]
    replication_locations: Vec<WireLocation>,
    #[serde(default, deserialize_with = "or_default")]
    replication_configurations: Vec<WireReplication>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLocation {
    #[serde(default, deserialize_with = "or_default")]
    label: String,
    domain_manager_ext_id: DomainManagerId,
    #[serde(default, deserialize_with = "or_default")]
    is_primary: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReplication {
    source_location_label: String,
    /// Without one the recovery points stay where they are made.
    remote_location_label: Option<String>,
    schedule: Option<WireSchedule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSchedule {
    recovery_point_objective_time_seconds: Option<u64>,
    retention: Option<WireRetention>,
}

/// `LinearRetention` counts; `AutoRollupRetention` has an object on each side and no count.
#[derive(Debug, Deserialize)]
struct WireRetention {
    local: Option<serde_json::Value>,
    remote: Option<serde_json::Value>,
}

/// A number of recovery points; `None` for anything that is no number.
fn count(side: Option<&serde_json::Value>) -> Option<u32> {
    u32::try_from(side?.as_u64()?).ok()
}

impl WirePolicy {
    pub(in super::super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it protects exactly these categories, both ways between these Prism Centrals.
    pub(in super::super) fn protects(
        &self,
        categories: &BTreeSet<CategoryExtId>,
        here: &DomainManagerId,
        there: &DomainManagerId,
    ) -> bool {
        let has: BTreeSet<&CategoryExtId> = self.category_ids.iter().collect();
        let directions: Vec<_> = self.directions().collect();
        has == categories.iter().collect()
            && directions
                .iter()
                .any(|(from, to, _)| (*from, *to) == (here, there))
            && directions
                .iter()
                .any(|(from, to, _)| (*from, *to) == (there, here))
    }

    /// Source and target of each direction. A schedule without a remote location keeps its recovery points where they are made.
    fn directions(
        &self,
    ) -> impl Iterator<Item = (&DomainManagerId, &DomainManagerId, Option<&WireSchedule>)> {
        let by_label: BTreeMap<&str, &DomainManagerId> = self
            .replication_locations
            .iter()
            .map(|location| (location.label.as_str(), &location.domain_manager_ext_id))
            .collect();
        self.replication_configurations
            .iter()
            .filter_map(move |replication| {
                let source = by_label.get(replication.source_location_label.as_str())?;
                let target = by_label.get(replication.remote_location_label.as_deref()?)?;
                Some((*source, *target, replication.schedule.as_ref()))
            })
    }
}

impl From<WirePolicy> for ProtectionPolicy {
    fn from(wire: WirePolicy) -> Self {
        let replications = wire
            .directions()
            .map(|(source, target, schedule)| {
                let retention = schedule.and_then(|schedule| schedule.retention.as_ref());
                Replication {
                    source: source.clone(),
                    target: target.clone(),
                    rpo_seconds: schedule
                        .and_then(|schedule| schedule.recovery_point_objective_time_seconds),
                    retention: count(retention.and_then(|kept| kept.remote.as_ref())),
                    local_retention: count(retention.and_then(|kept| kept.local.as_ref())),
                }
            })
            .collect();
        let mut locations: Vec<&WireLocation> = wire.replication_locations.iter().collect();
        locations.sort_by_key(|location| (!location.is_primary, location.label.as_str()));
        Self {
            locations: locations
                .into_iter()
                .map(|location| location.domain_manager_ext_id.clone())
                .collect(),
            replications,
            name: wire.name,
            categories: wire.category_ids.into_iter().collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WirePlan {
    pub(in super::super) ext_id: RecoveryPlanExtId,
    #[serde(default, deserialize_with = "or_default")]
    pub(in super::super) name: String,
    pub(in super::super) primary_location: PlanLocation,
    pub(in super::super) recovery_location: PlanLocation,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PlanLocation {
    pub(in super::super) domain_manager_ext_id: DomainManagerId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireStage {
    ext_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in super::super) category_ext_ids: Vec<CategoryExtId>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireMapping {
    pub(in super::super) ext_id: Option<String>,
    pub(in super::super) primary_network: Option<MappedNetwork>,
    pub(in super::super) recovery_network: Option<MappedNetwork>,
    pub(in super::super) primary_test_network: Option<MappedNetwork>,
    pub(in super::super) recovery_test_network: Option<MappedNetwork>,
    pub(in super::super) is_ip_mapping_enabled: Option<bool>,
}

impl WireMapping {
    /// Whether a side names its subnet instead of giving its id.
    pub(in super::super) fn names_subnets(&self) -> bool {
        [
            &self.primary_network,
            &self.recovery_network,
            &self.primary_test_network,
            &self.recovery_test_network,
        ]
        .into_iter()
        .flatten()
        .any(|side| side.subnet_ext_id.is_none() && side.subnet_name.is_some())
    }
}

/// One side of a network mapping, which names its subnet by id or by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MappedNetwork {
    pub(in super::super) subnet_ext_id: Option<SubnetExtId>,
    pub(in super::super) subnet_name: Option<String>,
    pub(in super::super) vpc: Option<Ref<FlowVpcExtId>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireJob {
    pub(in super::super) ext_id: RecoveryJobExtId,
    #[serde(default, deserialize_with = "or_default")]
    pub(in super::super) name: String,
    pub(in super::super) recovery_plan_ext_id: RecoveryPlanExtId,
    #[serde(default, deserialize_with = "or_default")]
    failover_directions: Vec<WireDirection>,
    #[serde(default, deserialize_with = "or_default")]
    action_type: String,
    start_time: Option<String>,
    pub(in super::super) end_time: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    percentage_complete: Option<f64>,
}

impl WireJob {
    /// How far it is, 0 to 100.
    pub(in super::super) fn percent(&self) -> Option<u8> {
        // Clamped first, so nothing is lost; not a number becomes 0.
        self.percentage_complete
            .map(|percent| percent.clamp(0.0, 100.0) as u8)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDirection {
    source_domain_manager_ext_id: Option<DomainManagerId>,
    target_domain_manager_ext_id: Option<DomainManagerId>,
}

impl From<WireJob> for RecoveryJob {
    fn from(wire: WireJob) -> Self {
        // All directions of one job lead the same way: a plan has two sides.
        let direction = wire.failover_directions.into_iter().next();
        let (source, target) = match direction {
            Some(direction) => (
                direction.source_domain_manager_ext_id,
                direction.target_domain_manager_ext_id,
            ),
            None => (None, None),
        };
        Self {
            plan: wire.recovery_plan_ext_id,
            action: match wire.action_type.as_str() {
                "VALIDATE" => RecoveryAction::Validate,
                "PLANNED_FAILOVER" => RecoveryAction::PlannedFailover,
                "UNPLANNED_FAILOVER" => RecoveryAction::UnplannedFailover,
                "TEST_FAILOVER" => RecoveryAction::TestFailover,
                _ => RecoveryAction::Unknown(wire.action_type),
            },
            status: match wire.status.as_str() {
                "QUEUED" => JobStatus::Queued,
                "RUNNING" => JobStatus::Running,
                "SUCCEEDED" => JobStatus::Succeeded,
                "SUCCEEDED_WITH_VALIDATION_WARNING" => JobStatus::SucceededWithWarnings,
                "FAILED" => JobStatus::Failed,
                "ABORTED" => JobStatus::Aborted,
                _ => JobStatus::Unknown(wire.status),
            },
            source,
            target,
            started: wire.start_time,
            ended: wire.end_time,
            name: (!wire.name.is_empty()).then_some(wire.name),
            recovered: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireStep {
    ext_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    execution_step_results: Vec<StepResult>,
}

#[derive(Debug, Deserialize)]
struct StepResult {
    result: Option<EntityRecovery>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntityRecovery {
    source_entity_ext_id: Option<VmExtId>,
    recovered_entity_ext_id: Option<VmExtId>,
    entity_type: Option<String>,
}

impl WireStep {
    /// The VMs this step brought up: what each was at the source, and what it is at the target.
    pub(in super::super) fn recovered(self) -> impl Iterator<Item = (VmExtId, VmExtId)> {
        self.execution_step_results
            .into_iter()
            .filter_map(|result| {
                let entity = result.result?;
                if entity.entity_type.is_some_and(|kind| kind != "VM") {
                    return None;
                }
                Some((
                    entity.source_entity_ext_id?,
                    entity.recovered_entity_ext_id?,
                ))
            })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireFinding {
    ext_id: Option<String>,
    error_code: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    error_group: String,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
    #[serde(default, deserialize_with = "or_default")]
    severity: String,
    #[serde(default, deserialize_with = "or_default")]
    affected_entities: Vec<WireAffected>,
    root_cause_analysis: Option<RootCause>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAffected {
    ext_id: String,
    name: Option<String>,
    entity_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct RootCause {
    cause: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    resolutions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    impacts: Vec<String>,
}

impl From<WireFinding> for Finding {
    fn from(wire: WireFinding) -> Self {
        let root = wire.root_cause_analysis.unwrap_or_default();
        Self {
            severity: match wire.severity.as_str() {
                "ERROR" => FindingSeverity::Error,
                "WARNING" => FindingSeverity::Warning,
                _ => FindingSeverity::Unknown(wire.severity),
            },
            group: match wire.error_group.as_str() {
                "ENTITY" => FindingGroup::Entity,
                "NETWORK" => FindingGroup::Network,
                "RECOVERY_POINT" => FindingGroup::RecoveryPoint,
                "CATEGORY" => FindingGroup::Category,
                "CONNECTIVITY" => FindingGroup::Connectivity,
                "INFRASTRUCTURE" => FindingGroup::Infrastructure,
                "CLUSTER_LICENSE" => FindingGroup::ClusterLicense,
                _ => FindingGroup::Unknown(wire.error_group),
            },
            code: wire.error_code,
            message: wire.message,
            affected: wire
                .affected_entities
                .into_iter()
                .map(|entity| AffectedEntity {
                    id: entity.ext_id,
                    name: entity.name,
                    kind: entity.entity_type,
                })
                .collect(),
            cause: root.cause,
            resolutions: root.resolutions,
            impacts: root.impacts,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WirePoint {
    pub(in super::super) ext_id: Option<String>,
    pub(in super::super) creation_time: Option<String>,
    pub(in super::super) status: Option<String>,
    source_location: Option<SourceLocation>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in super::super) vm_recovery_points: Vec<WireVmPoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceLocation {
    domain_manager_ext_id: Option<DomainManagerId>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct WireVmPoint {
    pub(in super::super) vm_ext_id: Option<VmExtId>,
}

impl WirePoint {
    /// The Prism Central it was made at, if told (dataprotection v4.2 and later).
    pub(in super::super) fn source(&self) -> Option<&DomainManagerId> {
        self.source_location
            .as_ref()?
            .domain_manager_ext_id
            .as_ref()
    }
}

#[cfg(test)]
mod tests;
