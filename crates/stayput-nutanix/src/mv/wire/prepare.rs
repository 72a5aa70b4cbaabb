//! Preparation and readiness of a plan (Move reference §6).

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;
use stayput_estate::MoveVmId;

use super::or_default;

/// A field that must be there, of which `null` is an empty one.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    or_default(deserializer).map(Some)
}

/// The answer of `/plans/{p}/prepare`.
#[derive(Debug, Deserialize)]
pub(in crate::mv) struct Prepared {
    status: PreparedStatus,
}

#[derive(Debug, Default, Deserialize)]
struct PreparedStatus {
    #[serde(default, deserialize_with = "or_default")]
    result: PreparedResult,
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::mv) struct PreparedResult {
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::mv) passed: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::mv) failed: Vec<WireProblem>,
    /// A list or a flag.
    #[serde(rename = "installationinprogress")]
    installation_in_progress: Option<Value>,
}

impl Prepared {
    /// The result once every machine is decided.
    pub(in crate::mv) fn decided(self) -> Option<PreparedResult> {
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
pub(in crate::mv) struct WireProblem {
    #[serde(rename = "uuid")]
    pub(in crate::mv) uuid: Option<MoveVmId>,
    #[serde(rename = "checktype")]
    pub(in crate::mv) check_type: Option<String>,
    pub(in crate::mv) message: Option<String>,
    pub(in crate::mv) status: Option<Value>,
}

/// The answer of `/plans/{p}/readiness`.
#[derive(Debug, Deserialize)]
pub(in crate::mv) struct Readiness {
    status: ReadinessStatus,
}

/// One list of checks that failed must be there, or nothing says that any was made.
#[derive(Debug, Deserialize)]
struct ReadinessStatus {
    #[serde(default, deserialize_with = "present")]
    failed: Option<Vec<WireProblem>>,
    #[serde(default, rename = "vmchecksresult", deserialize_with = "or_default")]
    vm_checks: VmChecks,
}

#[derive(Debug, Default, Deserialize)]
struct VmChecks {
    #[serde(default, deserialize_with = "present")]
    failed: Option<Vec<WireProblem>>,
}

impl Readiness {
    /// What stands in the way, of the plan and of its machines; `None` when the answer does not say.
    pub(in crate::mv) fn problems(self) -> Option<Vec<WireProblem>> {
        match (self.status.failed, self.status.vm_checks.failed) {
            (None, None) => None,
            (plan, vms) => Some(plan.into_iter().chain(vms).flatten().collect()),
        }
    }
}
