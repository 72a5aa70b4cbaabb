//! The JSON of what is read from Move, and what it means in `stayput-world`.
//!
//! `null` stands for an empty list everywhere (Move reference §1), but what an answer must have and lacks is an error. Keys are
//! lower case here: `envelope` folds those of the answers. What is inferred about states is in [`plan_state`] and [`is_completed`],
//! nowhere else.

mod envelope;
mod prepare;

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
use stayput_world::ObjectKind;
use stayput_world::mv::MoveCluster;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MovePlanState;
use stayput_world::mv::MoveProvider;
use stayput_world::mv::MoveProviderKind;
use stayput_world::mv::MoveVm;
use stayput_world::mv::MoveWorkload;

use super::console_link;
use crate::tolerant::Listed;
use crate::tolerant::text_at;

pub(super) use envelope::List;
pub(super) use envelope::decode;
#[cfg(test)]
pub(super) use envelope::fold_keys;
pub(super) use envelope::list;
pub(super) use prepare::Prepared;
pub(super) use prepare::Readiness;
pub(super) use prepare::WireProblem;

/// `null` counts as absent.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Something with an id in its metadata; the answer to a creation.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    #[serde(rename = "metadata")]
    pub(super) meta_data: Option<IdMeta>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct IdMeta {
    #[serde(rename = "uuid")]
    pub(super) uuid: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireProvider {
    #[serde(default, rename = "metadata", deserialize_with = "or_default")]
    meta_data: IdMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: ProviderSpec,
}

#[derive(Debug, Default, Deserialize)]
struct ProviderSpec {
    #[serde(rename = "uuid")]
    uuid: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(default, rename = "aosproperties", deserialize_with = "or_default")]
    aos: AosProperties,
}

#[derive(Debug, Default, Deserialize)]
struct AosProperties {
    #[serde(default, deserialize_with = "or_default")]
    clusters: Vec<WireCluster>,
}

#[derive(Debug, Deserialize)]
struct WireCluster {
    #[serde(rename = "uuid")]
    uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    containers: Vec<Named>,
    #[serde(default, deserialize_with = "or_default")]
    networks: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "uuid")]
    uuid: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
}

/// Id and name of something with `MetaData` and `Spec`, either of which has them.
fn label_in_either(json: &Value) -> (Option<String>, Option<String>) {
    let either =
        |key: &str| text_at(json, &["metadata", key]).or_else(|| text_at(json, &["spec", key]));
    (either("uuid"), either("name"))
}

impl Listed for WireProvider {
    const KIND: ObjectKind = ObjectKind::MoveProvider;

    fn key(&self) -> Option<&str> {
        let id = self.meta_data.uuid.as_ref().or(self.spec.uuid.as_ref());
        // One without an id cannot be used: an empty key says so.
        Some(id.map_or("", String::as_str))
    }

    fn label(json: &Value) -> (Option<String>, Option<String>) {
        label_in_either(json)
    }
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
    #[serde(rename = "vmuuid")]
    pub(super) id: MoveVmId,
    /// For AWS the EC2 instance id (inferred, Move reference §4).
    #[serde(rename = "vmid")]
    pub(super) instance: InstanceId,
    #[serde(default, rename = "vmname", deserialize_with = "or_default")]
    name: String,
    #[serde(default, rename = "networks", deserialize_with = "or_default")]
    networks: Vec<WorkloadNetwork>,
}

impl Listed for WireWorkload {
    const KIND: ObjectKind = ObjectKind::MoveWorkload;

    fn key(&self) -> Option<&str> {
        Some(self.id.as_str())
    }

    /// People know a workload by its instance.
    fn label(json: &Value) -> (Option<String>, Option<String>) {
        let id = text_at(json, &["vmid"]).or_else(|| text_at(json, &["vmuuid"]));
        (id, text_at(json, &["vmname"]))
    }
}

#[derive(Debug, Deserialize)]
struct WorkloadNetwork {
    #[serde(rename = "id")]
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
pub(super) struct WirePlan {
    #[serde(default, rename = "metadata", deserialize_with = "or_default")]
    meta_data: PlanMeta,
    #[serde(default, deserialize_with = "or_default")]
    spec: PlanSpec,
    #[serde(default, deserialize_with = "or_default")]
    status: PlanStatus,
}

#[derive(Debug, Default, Deserialize)]
struct PlanMeta {
    #[serde(rename = "uuid")]
    uuid: Option<MovePlanId>,
    name: Option<String>,
    /// A number; kept open in case a version writes a word.
    state: Option<Value>,
    #[serde(rename = "statestring")]
    state_string: Option<String>,
    #[serde(rename = "statusstring")]
    status_string: Option<String>,
    #[serde(rename = "numvms")]
    vm_count: Option<u64>,
    #[serde(rename = "vmstatus")]
    vm_status: Option<Vec<WireVm>>,
}

#[derive(Debug, Default, Deserialize)]
struct PlanSpec {
    #[serde(rename = "uuid")]
    uuid: Option<MovePlanId>,
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct PlanStatus {
    #[serde(rename = "vmstatus")]
    vm_status: Option<Vec<WireVm>>,
}

/// The answer of `/plans/{p}/workloads/list`.
#[derive(Debug, Deserialize)]
pub(super) struct WorkloadStatus {
    status: VmStatuses,
}

#[derive(Debug, Deserialize)]
struct VmStatuses {
    #[serde(rename = "vmstatus", deserialize_with = "or_default")]
    vm_status: Vec<WireVm>,
}

impl WorkloadStatus {
    pub(super) fn vms(self) -> BTreeMap<MoveVmId, MoveVm> {
        vms(self.status.vm_status)
    }
}

impl Listed for WirePlan {
    const KIND: ObjectKind = ObjectKind::MovePlan;

    fn key(&self) -> Option<&str> {
        let id = self.meta_data.uuid.as_ref().or(self.spec.uuid.as_ref());
        // One without an id cannot be used: an empty key says so.
        Some(id.map_or("", MovePlanId::as_str))
    }

    fn label(json: &Value) -> (Option<String>, Option<String>) {
        label_in_either(json)
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

    /// How many VMs it has, if told.
    pub(super) fn vm_count(&self) -> Option<u64> {
        self.meta_data.vm_count
    }

    /// The plan, and whether it told about its VMs: a plan that has some and lists none did not.
    pub(super) fn into_plan(self) -> (MovePlan, bool) {
        let name = self.name().to_owned();
        let words = [&self.meta_data.state_string, &self.meta_data.status_string];
        let words = words.into_iter().flatten().map(String::as_str);
        let state = plan_state(self.meta_data.state.as_ref(), words);
        let count = self.vm_count();
        let told = self.meta_data.vm_status.or(self.status.vm_status);
        let is_told = told
            .as_ref()
            .is_some_and(|vms| !vms.is_empty() || count.unwrap_or(0) == 0);
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
struct WireVm {
    #[serde(rename = "uuid")]
    uuid: MoveVmId,
    #[serde(rename = "statestring")]
    state_string: Option<String>,
    state: Option<Value>,
    #[serde(default, deserialize_with = "or_default")]
    actions: Vec<String>,
    progress: Option<Value>,
    #[serde(rename = "progresspercentage")]
    progress_percentage: Option<Value>,
    #[serde(rename = "errormessage")]
    error_message: Option<String>,
    #[serde(rename = "vmconsolelink")]
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
            progress: [wire.progress, wire.progress_percentage]
                .iter()
                .flatten()
                .find_map(percent),
            error,
            state,
        }
    }
}

/// A percentage as a whole number, from a number or a text; `None` for anything else. Rounded down, so that 100 means all.
fn percent(value: &Value) -> Option<u8> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim_end_matches([' ', '%']).trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    // Clamped first, so nothing is lost; not a number becomes 0.
    number.map(|number: f64| number.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests;
