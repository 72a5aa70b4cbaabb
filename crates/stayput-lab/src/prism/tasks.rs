//! Tasks: QUEUED, RUNNING, then their change is applied (Prism reference §1.5).

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::faults::Fate;
use crate::prism::PrismEvent;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::app_message;
use crate::prism::effects::Effect;
use crate::prism::effects::apply;
use crate::prism::model::Failure;
use crate::prism::model::Task;
use crate::prism::model::TaskStatus;
use crate::state;
use crate::state::LabState;

/// `base64("ergon")`, the service part of every task id.
const SERVICE: &str = "ZXJnb24=";

/// How long a task at a site that is down waits before it tries again.
const DEAD_SITE_RETRY: Duration = Duration::from_secs(60);

/// Returns a task's id as clients see it.
pub fn ext_id(task: &str) -> String {
    format!("{SERVICE}:{task}")
}

/// Starts a task whose change is applied when it completes. Returns its UUID.
pub fn start(
    lab: &mut LabState,
    pc: usize,
    operation: &str,
    entities: Vec<(String, String, Option<String>)>,
    effect: Effect,
) -> String {
    let task = add(lab, pc, operation, entities, Some(effect));
    lab.after(
        lab.timing.prism_task / 4,
        state::LabEvent::Prism(pc, PrismEvent::Task(task.clone())),
    );
    task
}

/// Adds a task whose progress is controlled by another object.
pub fn add(
    lab: &mut LabState,
    pc: usize,
    operation: &str,
    entities: Vec<(String, String, Option<String>)>,
    effect: Option<Effect>,
) -> String {
    let id = lab.uuid();
    let task = Task {
        operation: operation.to_owned(),
        status: TaskStatus::Queued,
        percent: 0,
        created: lab.now(),
        started: None,
        completed: None,
        entities,
        details: Vec::new(),
        error: None,
        effect,
        fate: lab.fate,
    };
    lab.pcs[pc].tasks.insert(id.clone(), task);
    id
}

/// Moves a task to its next state.
pub fn step(lab: &mut LabState, pc: usize, id: &str) {
    let again = state::LabEvent::Prism(pc, PrismEvent::Task(id.to_owned()));
    if lab.is_site_down(pc) {
        lab.after(DEAD_SITE_RETRY, again);
        return;
    }
    let now = lab.now();
    let rest = lab
        .timing
        .prism_task
        .saturating_sub(lab.timing.prism_task / 4);
    let Some(task) = lab.pcs[pc].tasks.get_mut(id) else {
        return;
    };
    match task.status {
        TaskStatus::Queued => {
            task.status = TaskStatus::Running;
            task.percent = 25;
            task.started = Some(now);
            lab.after(rest, again);
        }
        TaskStatus::Running => {
            let fails = task.fate == Some(Fate::Fails);
            let outcome = match task.effect.take() {
                _ if fails => Err(internal_error()),
                Some(effect) => apply(lab, pc, effect),
                None => Ok(Vec::new()),
            };
            match outcome {
                Ok(details) => {
                    if let Some(task) = lab.pcs[pc].tasks.get_mut(id) {
                        task.details = details;
                    }
                    finish(lab, pc, id, Ok(()));
                }
                Err(failure) => finish(lab, pc, id, Err(failure)),
            }
        }
        TaskStatus::Succeeded | TaskStatus::Failed => {}
    }
}

/// Why a task fails that a fault has chosen to fail.
pub fn internal_error() -> Failure {
    Failure::new(
        "PRISM-40500",
        "INTERNAL_ERROR",
        "Internal error: the operation could not be completed",
    )
}

/// Returns what a fault has chosen for a task.
pub fn fate(lab: &LabState, pc: usize, id: &str) -> Option<Fate> {
    lab.pcs[pc].tasks.get(id).and_then(|task| task.fate)
}

/// Ends a task.
pub fn finish(lab: &mut LabState, pc: usize, id: &str, outcome: Result<(), Failure>) {
    if fate(lab, pc, id) == Some(Fate::Vanishes) {
        lab.pcs[pc].tasks.remove(id);
        return;
    }
    let now = lab.now();
    if let Some(task) = lab.pcs[pc].tasks.get_mut(id) {
        task.percent = 100;
        task.completed = Some(now);
        task.started.get_or_insert(now);
        match outcome {
            Ok(()) => task.status = TaskStatus::Succeeded,
            Err(failure) => {
                task.status = TaskStatus::Failed;
                task.error = Some(failure);
            }
        }
    }
}

/// Serves `prism/v4.N/config/tasks…`.
///
/// # Errors
/// An unknown task or path.
pub fn serve(lab: &LabState, pc: usize, call: &Call<'_>) -> Answer {
    let tasks = &lab.pcs[pc].tasks;
    let find = |id: &str| {
        id.strip_prefix(SERVICE)
            .and_then(|rest| rest.strip_prefix(':'))
            .and_then(|uuid| tasks.get_key_value(uuid))
            .ok_or_else(|| Problem::not_found("Task", id))
    };
    match (
        call.request.method.as_str(),
        call.path.get(2..).unwrap_or_default(),
    ) {
        ("GET", []) => {
            // Newest first, as in the console.
            let mut keys: Vec<(&String, &Task)> = tasks.iter().collect();
            keys.sort_by(|a, b| b.1.created.cmp(&a.1.created).then(a.0.cmp(b.0)));
            call.list(keys, |(id, task)| render(lab, pc, call, id, task))
        }
        ("GET", [id]) => {
            let (uuid, task) = find(id)?;
            Ok(call.entity(200, render(lab, pc, call, uuid, task), None))
        }
        ("GET", [id, "affected-entities"]) => {
            let (_, task) = find(id)?;
            call.list(task.entities.iter().collect(), |entity| {
                entity_reference(call, entity)
            })
        }
        ("GET", [id, "jobs"]) => {
            find(id)?;
            call.list(Vec::<()>::new(), |()| Value::Null)
        }
        ("POST", [id, "$actions", "cancel"]) => {
            find(id)?;
            Err(Problem::argument(format!("Task {id} is not cancelable")))
        }
        (_, [] | [_] | [_, "affected-entities" | "jobs"] | [_, "$actions", "cancel"]) => {
            Err(Problem::method(&call.request.method))
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

fn entity_reference(call: &Call<'_>, (id, rel, name): &(String, String, Option<String>)) -> Value {
    let mut entity = call.tag(
        "prism.v4.config.EntityReference",
        json!({"extId": id, "rel": rel}),
    );
    if let Some(name) = name {
        entity["name"] = json!(name);
    }
    entity
}

fn render(lab: &LabState, pc: usize, call: &Call<'_>, id: &str, task: &Task) -> Value {
    let mut json = call.tag(
        "prism.v4.config.Task",
        json!({
            "extId": ext_id(id),
            "operation": task.operation,
            "operationDescription": task.operation,
            "status": task.status.wire(),
            "progressPercentage": task.percent,
            "isCancelable": false,
            "isBackgroundTask": false,
            "createdTime": task.created.rfc3339(),
            "lastUpdatedTime": task.completed.or(task.started).unwrap_or(task.created).rfc3339(),
            "numberOfSubtasks": 0,
            "numberOfEntitiesAffected": task.entities.len(),
            "clusterExtIds": [lab.pcs[pc].cluster.0],
            "ownedBy": call.tag("prism.v4.config.OwnerReference", json!({
                "extId": "00000000-0000-0000-0000-000000000000",
                "name": lab.pcs[pc].credentials.0,
            })),
        }),
    );
    if let Some(started) = task.started {
        json["startedTime"] = json!(started.rfc3339());
    }
    if let Some(completed) = task.completed {
        json["completedTime"] = json!(completed.rfc3339());
    }
    if !task.entities.is_empty() {
        json["entitiesAffected"] = task
            .entities
            .iter()
            .map(|entity| entity_reference(call, entity))
            .collect();
    }
    if !task.details.is_empty() {
        json["completionDetails"] = task
            .details
            .iter()
            .map(|(name, value)| {
                json!({"$objectType": "common.v1.config.KVPair", "name": name, "value": value})
            })
            .collect();
    }
    if let Some(failure) = &task.error {
        json["errorMessages"] = json!([app_message(
            "prism",
            failure.code,
            failure.group,
            &failure.message,
            call.minor
        )]);
        json["legacyErrorMessage"] = json!(failure.message);
    }
    json
}

impl TaskStatus {
    fn wire(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }
}
