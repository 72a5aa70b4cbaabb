//! The JSON of what is read from Move, and what it means in `stayput-world`.
//!
//! `null` stands for an empty list everywhere (Move reference §1). What is inferred about states is in [`plan_state`] and
//! [`is_completed`], nowhere else.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;
use stayput_estate::ClusterExtId;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::SubnetExtId;
use stayput_world::mv::MoveCluster;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MovePlanState;
use stayput_world::mv::MoveProvider;
use stayput_world::mv::MoveProviderKind;
use stayput_world::mv::MoveVm;
use stayput_world::mv::MoveWorkload;

use super::console_link;

/// `null` counts as absent.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct List<T> {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) meta_data: ListMeta,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) entities: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMeta {
    pub(super) count: Option<u64>,
}

/// Something with an id in its metadata; the answer to a creation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    pub(super) meta_data: Option<IdMeta>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct IdMeta {
    #[serde(rename = "UUID")]
    pub(super) uuid: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WireProvider {
    #[serde(default, deserialize_with = "or_default")]
    meta_data: IdMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: ProviderSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProviderSpec {
    #[serde(rename = "UUID")]
    uuid: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, rename = "Type", deserialize_with = "or_default")]
    kind: String,
    #[serde(default, rename = "AOSProperties", deserialize_with = "or_default")]
    aos: AosProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AosProperties {
    #[serde(default, deserialize_with = "or_default")]
    clusters: Vec<WireCluster>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireCluster {
    #[serde(rename = "UUID")]
    uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    containers: Vec<Named>,
    #[serde(default, deserialize_with = "or_default")]
    networks: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    #[serde(rename = "UUID")]
    uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
}

impl WireProvider {
    /// Its id, which is in one of two places.
    pub(super) fn id(&self) -> Option<MoveProviderId> {
        let id = self.meta_data.uuid.as_ref().or(self.spec.uuid.as_ref());
        id.map(MoveProviderId::new)
    }
}

impl From<WireProvider> for MoveProvider {
    fn from(wire: WireProvider) -> Self {
        let kind = match wire.spec.kind.to_ascii_uppercase().as_str() {
            "AWS" => MoveProviderKind::Aws,
            "AOS" => MoveProviderKind::Aos,
            _ => MoveProviderKind::Unknown(wire.spec.kind),
        };
        let cluster = |wire: WireCluster| {
            let cluster = MoveCluster {
                name: wire.name,
                containers: wire
                    .containers
                    .into_iter()
                    .map(|container| (container.name, container.uuid))
                    .collect(),
                // Prism spells ids in lower case; these are to be compared with its.
                networks: wire
                    .networks
                    .into_iter()
                    .map(|network| {
                        let id = SubnetExtId::new(network.uuid.to_ascii_lowercase());
                        (id, network.name)
                    })
                    .collect(),
            };
            (ClusterExtId::new(wire.uuid.to_ascii_lowercase()), cluster)
        };
        Self {
            name: wire.spec.name,
            kind,
            clusters: wire.spec.aos.clusters.into_iter().map(cluster).collect(),
        }
    }
}

/// A source workload. Mind the casing: `VMUuid`, but `VmID`.
#[derive(Debug, Deserialize)]
pub(super) struct WireWorkload {
    #[serde(rename = "VMUuid")]
    pub(super) id: MoveVmId,
    /// For AWS the EC2 instance id (inferred, Move reference §4).
    #[serde(rename = "VmID")]
    pub(super) instance: InstanceId,
    #[serde(default, rename = "VMName", deserialize_with = "or_default")]
    name: String,
    #[serde(default, rename = "Networks", deserialize_with = "or_default")]
    networks: Vec<WorkloadNetwork>,
}

#[derive(Debug, Deserialize)]
struct WorkloadNetwork {
    #[serde(rename = "ID")]
    id: String,
}

impl From<WireWorkload> for MoveWorkload {
    fn from(wire: WireWorkload) -> Self {
        Self {
            id: wire.id,
            name: wire.name,
            networks: wire
                .networks
                .into_iter()
                .map(|network| network.id)
                .collect(),
        }
    }
}

/// A plan, from the list or by itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WirePlan {
    #[serde(default, deserialize_with = "or_default")]
    meta_data: PlanMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: PlanSpec,
    #[serde(default, deserialize_with = "or_default")]
    status: PlanStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PlanMeta {
    #[serde(rename = "UUID")]
    uuid: Option<MovePlanId>,
    name: Option<String>,
    /// A number; kept open in case a version writes a word.
    state: Option<Value>,
    state_string: Option<String>,
    status_string: Option<String>,
    #[serde(rename = "VMStatus")]
    vm_status: Option<Vec<WireVm>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PlanSpec {
    #[serde(rename = "UUID")]
    uuid: Option<MovePlanId>,
    name: Option<String>,
}

/// Also the answer of `/plans/{p}/workloads/list`.
#[derive(Debug, Default, Deserialize)]
struct PlanStatus {
    #[serde(rename = "VMStatus")]
    vm_status: Option<Vec<WireVm>>,
}

/// The answer of `/plans/{p}/workloads/list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WorkloadStatus {
    #[serde(default, deserialize_with = "or_default")]
    status: PlanStatus,
}

impl WorkloadStatus {
    pub(super) fn vms(self) -> BTreeMap<MoveVmId, MoveVm> {
        vms(self.status.vm_status.unwrap_or_default())
    }
}

impl WirePlan {
    pub(super) fn id(&self) -> Option<MovePlanId> {
        self.meta_data.uuid.clone().or(self.spec.uuid.clone())
    }

    pub(super) fn name(&self) -> &str {
        let name = self.meta_data.name.as_ref().or(self.spec.name.as_ref());
        name.map_or("", String::as_str)
    }

    /// The plan, and whether it told about its VMs.
    pub(super) fn into_plan(self) -> (MovePlan, bool) {
        let name = self.name().to_owned();
        let words = [&self.meta_data.state_string, &self.meta_data.status_string];
        let words = words.into_iter().flatten().map(String::as_str);
        let state = plan_state(self.meta_data.state.as_ref(), words);
        let told = self.meta_data.vm_status.or(self.status.vm_status);
        let is_told = told.is_some();
        let plan = MovePlan {
            name,
            state,
            vms: vms(told.unwrap_or_default()),
        };
        (plan, is_told)
    }
}

fn vms(wires: Vec<WireVm>) -> BTreeMap<MoveVmId, MoveVm> {
    wires
        .into_iter()
        .map(|wire| (wire.uuid.clone(), wire.into()))
        .collect()
}

/// The state of a plan: the number where there is one, else the first word we know (Move reference §7).
fn plan_state<'a>(
    number: Option<&Value>,
    words: impl Iterator<Item = &'a str> + Clone,
) -> MovePlanState {
    let number = number.and_then(Value::as_i64);
    let known = match number {
        // Uninitialized and Validation come before the start.
        Some(0 | 1) => Some(MovePlanState::NotStarted),
        // Scheduled, Preparation and MigrationInProgress after it.
        Some(2..=4) => Some(MovePlanState::InProgress),
        Some(5) => Some(MovePlanState::Paused),
        Some(6) => Some(MovePlanState::Aborted),
        Some(7) => Some(MovePlanState::Completed),
        // Failed and ValidationFailed.
        Some(8 | 9) => Some(MovePlanState::Failed),
        Some(10) => Some(MovePlanState::Unknown("Aborting".to_owned())),
        Some(_) | None => None,
    };
    known
        .or_else(|| words.clone().find_map(plan_state_word))
        .unwrap_or_else(|| {
            let word = words.clone().next().map(str::to_owned);
            let number = number.map(|number| number.to_string());
            MovePlanState::Unknown(word.or(number).unwrap_or_default())
        })
}

/// The state a word such as `MigrationPlanStateCompleted` stands for.
fn plan_state_word(word: &str) -> Option<MovePlanState> {
    let bare = word
        .strip_prefix("MigrationPlanState")
        .or_else(|| word.strip_prefix("Status"))
        .unwrap_or(word);
    match bare.to_ascii_lowercase().as_str() {
        "uninitialized" | "notstarted" | "validation" => Some(MovePlanState::NotStarted),
        "scheduled" | "preparation" | "inprogress" | "migrationinprogress" => {
            Some(MovePlanState::InProgress)
        }
        "paused" | "suspended" => Some(MovePlanState::Paused),
        "aborted" | "cancelled" | "canceled" => Some(MovePlanState::Aborted),
        "completed" => Some(MovePlanState::Completed),
        "failed" | "validationfailed" | "error" => Some(MovePlanState::Failed),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireVm {
    #[serde(rename = "UUID")]
    uuid: MoveVmId,
    state_string: Option<String>,
    state: Option<Value>,
    #[serde(default, deserialize_with = "or_default")]
    actions: Vec<String>,
    progress: Option<f64>,
    progress_percentage: Option<f64>,
    error_message: Option<String>,
    vm_console_link: Option<String>,
}

/// Whether the state of a VM says that its migration is over and well. Only `Completed` is documented, as a label (inferred).
fn is_completed(state: &str) -> bool {
    const PREFIXES: [&str; 4] = [
        "MigrationWorkloadState",
        "WorkloadState",
        "VMState",
        "Status",
    ];
    let bare = PREFIXES
        .iter()
        .find_map(|prefix| state.strip_prefix(prefix))
        .unwrap_or(state);
    ["completed", "migrationcompleted", "cutovercompleted"]
        .iter()
        .any(|word| bare.eq_ignore_ascii_case(word))
}

impl From<WireVm> for MoveVm {
    fn from(wire: WireVm) -> Self {
        let state = match (wire.state_string, wire.state) {
            (Some(text), _) => text,
            (None, Some(Value::String(text))) => text,
            (None, Some(other)) => other.to_string(),
            (None, None) => String::new(),
        };
        let error = wire.error_message.filter(|message| !message.is_empty());
        let completed = is_completed(&state) && error.is_none();
        let link = wire.vm_console_link.as_deref();
        Self {
            completed,
            // Before that the link may be that of a test VM (Move reference §5).
            vm: link.filter(|_| completed).and_then(console_link::vm_of),
            actions: wire
                .actions
                .iter()
                .map(|action| action.to_ascii_uppercase())
                .collect(),
            progress: wire.progress.or(wire.progress_percentage).map(percent),
            error,
            state,
        }
    }
}

/// A percentage as a whole number. Rounded down, so that 100 means all.
fn percent(value: f64) -> u8 {
    // Clamped first, so nothing is lost; not a number becomes 0.
    value.clamp(0.0, 100.0) as u8
}

/// The answer of `/plans/{p}/prepare`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prepared {
    #[serde(default, deserialize_with = "or_default")]
    status: PreparedStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PreparedStatus {
    #[serde(default, deserialize_with = "or_default")]
    result: PreparedResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PreparedResult {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) passed: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) failed: Vec<WireProblem>,
    /// A list or a flag.
    installation_in_progress: Option<Value>,
}

impl Prepared {
    /// The result once every machine is decided.
    pub(super) fn decided(self) -> Option<PreparedResult> {
        let result = self.status.result;
        let busy = match &result.installation_in_progress {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        let any = !result.passed.is_empty() || !result.failed.is_empty();
        (any && !busy).then_some(result)
    }
}

/// A machine that is not prepared, or a check that is not passed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct WireProblem {
    #[serde(rename = "UUID")]
    pub(super) uuid: Option<MoveVmId>,
    pub(super) check_type: Option<String>,
    pub(super) message: Option<String>,
    pub(super) status: Option<Value>,
}

/// The answer of `/plans/{p}/readiness`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Readiness {
    #[serde(default, deserialize_with = "or_default")]
    status: ReadinessStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadinessStatus {
    #[serde(default, deserialize_with = "or_default")]
    failed: Vec<WireProblem>,
    #[serde(default, rename = "VMChecksResult", deserialize_with = "or_default")]
    vm_checks: VmChecks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VmChecks {
    #[serde(default, deserialize_with = "or_default")]
    failed: Vec<WireProblem>,
}

impl Readiness {
    /// What stands in the way, of the plan and of its machines.
    pub(super) fn problems(self) -> Vec<WireProblem> {
        let mut problems = self.status.failed;
        problems.extend(self.status.vm_checks.failed);
        problems
    }
}

#[cfg(test)]
mod tests;
