//! Protection policies (`datapolicies`, Prism reference §6.2).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::categories;
use crate::prism::effects::Details;
use crate::prism::effects::Effect;
use crate::prism::model::Failure;
use crate::prism::model::Policy;
use crate::prism::model::Schedule;
use crate::prism::pairing;
use crate::prism::protection;
use crate::prism::tasks;
use crate::state::LabState;

/// Most locations of a policy.
const MAX_LOCATIONS: usize = 3;
/// RPOs are multiples of a minute.
const RPO_STEP_SECS: u64 = 60;

/// A change of one protection policy.
#[derive(Debug, Clone)]
pub enum PolicyEffect {
    /// Creates or replaces it.
    Save(Policy),
    /// Deletes it.
    Delete,
}

/// Serves `datapolicies/v4.N/config/protection-policies…`.
///
/// # Errors
/// An unknown policy or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    let id = match path {
        [] => {
            return match method {
                "GET" => call.list(lab.pcs[pc].policies.iter().collect(), |(id, policy)| {
                    render(call, id, policy)
                }),
                "POST" => {
                    let id = lab.uuid();
                    let policy = parse(&id, &call.body()?)?;
                    let name = policy.name.clone();
                    let effect = PolicyEffect::Save(policy);
                    start(lab, pc, call, "CreateProtectionPolicy", &id, name, effect)
                }
                other => Err(Problem::method(other)),
            };
        }
        [id] => *id,
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    let policy = lab.pcs[pc]
        .policies
        .get(id)
        .ok_or_else(|| Problem::not_found("Protection policy", id))?;
    let tag = etag(id, policy.version);
    let name = policy.name.clone();
    match method {
        "GET" => Ok(call.entity(200, render(call, id, policy), Some(&tag))),
        "PUT" => {
            let new = parse(id, &call.body()?)?;
            call.if_match(&[tag])?;
            let effect = PolicyEffect::Save(new);
            start(lab, pc, call, "UpdateProtectionPolicy", id, name, effect)
        }
        "DELETE" => {
            call.if_match(&[tag])?;
            let effect = PolicyEffect::Delete;
            start(lab, pc, call, "DeleteProtectionPolicy", id, name, effect)
        }
        other => Err(Problem::method(other)),
    }
}

fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    id: &str,
    name: String,
    effect: PolicyEffect,
) -> Answer {
    let entities = vec![(
        id.to_owned(),
        "datapolicies:config:protection-policy".to_owned(),
        Some(name),
    )];
    let effect = Effect::Policy(id.to_owned(), effect);
    let task = tasks::start(lab, pc, operation, entities, effect);
    Ok(call.task(&task))
}

fn render(call: &Call<'_>, id: &str, policy: &Policy) -> Value {
    let mut json = policy.body.clone();
    json["extId"] = json!(id);
    call.tag("datapolicies.v4.config.ProtectionPolicy", json)
}

fn parse(id: &str, sent: &Object) -> Result<Policy, Problem> {
    let name = body::required_text(sent, "name", 256)?;
    let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
    let locations = body::list(sent, "replicationLocations");
    if locations.is_empty() || locations.len() > MAX_LOCATIONS {
        return Err(Problem::schema(
            "replicationLocations",
            "must have 1 to 3 elements",
        ));
    }
    let text = |value: &'_ Value, name: &str| -> Result<String, Problem> {
        value
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Problem::schema(name, "must not be null"))
    };
    for location in locations {
        let (Some(label), Some(manager)) = (
            location.get("label").and_then(Value::as_str),
            location.get("domainManagerExtId").and_then(Value::as_str),
        ) else {
            return Err(Problem::schema(
                "replicationLocations",
                "label and domainManagerExtId must not be null",
            ));
        };
        if labels.insert(label, manager).is_some() {
            return Err(Problem::argument(format!("label {label} is used twice")));
        }
    }
    let primaries = locations
        .iter()
        .filter(|location| location.get("isPrimary") == Some(&Value::Bool(true)))
        .count();
    if locations.len() > 1 && primaries != 1 {
        return Err(Problem::argument(
            "exactly one location must be the primary one",
        ));
    }
    let mut schedules = Vec::new();
    for configuration in body::list(sent, "replicationConfigurations") {
        let manager = |name: &str| {
            let label = text(configuration, name)?;
            labels
                .get(label.as_str())
                .map(|manager| (*manager).to_owned())
                .ok_or_else(|| Problem::argument(format!("no location has the label {label}")))
        };
        let source = manager("sourceLocationLabel")?;
        let target = match configuration.get("remoteLocationLabel") {
            None | Some(Value::Null) => source.clone(),
            Some(_) => manager("remoteLocationLabel")?,
        };
        let schedule = configuration
            .get("schedule")
            .and_then(Value::as_object)
            .ok_or_else(|| Problem::schema("schedule", "must not be null"))?;
        schedules.push(parse_schedule(source, target, schedule)?);
    }
    if schedules.is_empty() {
        return Err(Problem::schema(
            "replicationConfigurations",
            "must not be empty",
        ));
    }
    Ok(Policy {
        name,
        categories: body::texts(sent, "categoryIds").into_iter().collect(),
        schedules,
        body: normalised(id, sent),
        version: 0,
    })
}

fn parse_schedule(source: String, target: String, schedule: &Object) -> Result<Schedule, Problem> {
    let rpo_secs = body::number(schedule, "recoveryPointObjectiveTimeSeconds")
        .ok_or_else(|| Problem::schema("recoveryPointObjectiveTimeSeconds", "must not be null"))?;
    if rpo_secs % RPO_STEP_SECS != 0 {
        return Err(Problem::argument(
            "recoveryPointObjectiveTimeSeconds must be a multiple of 60",
        ));
    }
    let empty = Object::new();
    let retention = body::object(schedule, "retention").unwrap_or(&empty);
    // Linear retention is a number, roll-up an object with a frequency. At least one point is kept.
    let kept = |name: &str| {
        let number = body::number(retention, name)
            .or_else(|| body::number(body::object(retention, name)?, "frequency"))
            .unwrap_or(1);
        usize::try_from(number).unwrap_or(usize::MAX).max(1)
    };
    Ok(Schedule {
        local: kept("local"),
        remote: kept("remote"),
        source,
        target,
        rpo_secs,
    })
}

/// Returns the body as answered: with types of one-of values, and with `scheduleExtId`.
fn normalised(id: &str, sent: &Object) -> Value {
    let mut json = body::as_sent(&Value::Object(sent.clone()));
    for location in array(&mut json, "replicationLocations") {
        body::tag_one_of(
            location,
            "replicationSubLocation",
            "datapolicies.v4.config.NutanixCluster",
        );
    }
    for (index, configuration) in array(&mut json, "replicationConfigurations")
        .iter_mut()
        .enumerate()
    {
        let Some(schedule) = configuration.get_mut("schedule") else {
            continue;
        };
        let linear = schedule.get("retention").is_some_and(|retention| {
            ["local", "remote"]
                .iter()
                .any(|side| retention.get(side).is_some_and(Value::is_number))
        });
        let kind = if linear {
            "datapolicies.v4.config.LinearRetention"
        } else {
            "datapolicies.v4.config.AutoRollupRetention"
        };
        body::tag_one_of(schedule, "retention", kind);
        if schedule.get("scheduleExtId").is_none() {
            let name = format!("schedule {id} {index}");
            schedule["scheduleExtId"] = json!(uuid::Uuid::new_v5(
                &uuid::Uuid::NAMESPACE_OID,
                name.as_bytes()
            ));
        }
    }
    json
}

fn array<'a>(json: &'a mut Value, name: &str) -> &'a mut [Value] {
    match json.get_mut(name) {
        Some(Value::Array(elements)) => elements,
        Some(_) | None => &mut [],
    }
}

/// Applies a change of one protection policy, here and in the copies.
///
/// # Errors
/// When a category or location is unknown; nothing has changed then.
pub fn apply(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    effect: PolicyEffect,
) -> Result<Details, Failure> {
    let failure = |group, message: String| Failure::new("DPOL-50401", group, message);
    match effect {
        PolicyEffect::Save(mut policy) => {
            let state = &lab.pcs[pc];
            if let Some(category) = policy
                .categories
                .iter()
                .find(|category| !state.categories.contains_key(*category))
            {
                return Err(failure(
                    "CATEGORY_NOT_FOUND",
                    format!("Category {category} was not found"),
                ));
            }
            let stranger = managers(&policy).into_iter().find(|manager| {
                *manager != state.domain_manager && !state.paired.contains_key(manager)
            });
            if let Some(manager) = stranger {
                return Err(failure(
                    "LOCATION_NOT_PAIRED",
                    format!("Domain manager {manager} is not paired with this one"),
                ));
            }
            policy.version = next_version(lab, pc, id);
            lab.pcs[pc].policies.insert(id.to_owned(), policy);
            copy_to_peers(lab, pc, id);
            protection::protect_all(lab, pc);
        }
        PolicyEffect::Delete => {
            let Some(policy) = lab.pcs[pc].policies.remove(id) else {
                return Err(failure(
                    "POLICY_NOT_FOUND",
                    format!("Protection policy {id} was not found"),
                ));
            };
            for peer in peers(lab, pc, &managers(&policy)) {
                lab.pcs[peer].policies.remove(id);
            }
        }
    }
    Ok(Vec::new())
}

fn managers(policy: &Policy) -> BTreeSet<String> {
    policy
        .schedules
        .iter()
        .flat_map(|schedule| [schedule.source.clone(), schedule.target.clone()])
        .collect()
}

fn next_version(lab: &LabState, pc: usize, id: &str) -> u64 {
    lab.pcs[pc]
        .policies
        .get(id)
        .map_or(1, |policy| policy.version + 1)
}

/// Returns the paired and reachable Prism Centrals among these domain managers.
pub fn peers(lab: &LabState, pc: usize, managers: &BTreeSet<String>) -> Vec<usize> {
    managers
        .iter()
        .filter_map(|manager| pairing::peer(lab, pc, manager))
        .filter(|peer| *peer != pc && pairing::connected(lab, pc, *peer))
        .collect()
}

/// Copies a policy to the other sides that it names: the same id, with the other side's ids of its categories.
///
/// Assumption: a copy has the same id on every side (it is one entity that is synchronised), see also [`categories::ensure_category`].
fn copy_to_peers(lab: &mut LabState, pc: usize, id: &str) {
    let Some(policy) = lab.pcs[pc].policies.get(id).cloned() else {
        return;
    };
    for peer in peers(lab, pc, &managers(&policy)) {
        let categories: BTreeSet<String> = policy
            .categories
            .iter()
            .filter_map(|category| categories::ensure_category(lab, pc, peer, category))
            .collect();
        let mut copy = policy.clone();
        copy.body["categoryIds"] = json!(categories);
        copy.categories = categories;
        copy.version = next_version(lab, peer, id);
        lab.pcs[peer].policies.insert(id.to_owned(), copy);
        protection::protect_all(lab, peer);
    }
}
