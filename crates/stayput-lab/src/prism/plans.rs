//! Recovery plans and their stages, network mappings and recovery settings (`datapolicies` ≥ v4.2, Prism reference §6.5).

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
use crate::prism::model::Plan;
use crate::prism::policies::peers;
use crate::prism::tasks;
use crate::state::LabState;

/// The first datapolicies minor with recovery plans.
pub const SINCE: u32 = 2;

/// A change of one recovery plan.
#[derive(Debug, Clone)]
pub enum PlanEffect {
    /// Creates it, or replaces its own properties.
    Save(PlanBody),
    /// Deletes it with its parts.
    Delete,
    /// Creates or replaces a part.
    SavePart(PartKind, String, Value),
    /// Deletes a part.
    DeletePart(PartKind, String),
}

/// A recovery plan's own properties.
#[derive(Debug, Clone)]
pub struct PlanBody {
    name: String,
    body: Value,
    primary: String,
    recovery: String,
}

/// A sub-collection of a recovery plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// VMs and the order of their recovery.
    Stage,
    /// Network at the primary and at the recovery location.
    Mapping,
    /// Settings of single VMs.
    Setting,
}

impl PartKind {
    fn from_path(segment: &str) -> Option<Self> {
        match segment {
            "stages" => Some(Self::Stage),
            "network-mappings" => Some(Self::Mapping),
            "recovery-settings" => Some(Self::Setting),
            _ => None,
        }
    }

    /// Returns the name in object types and operations.
    fn name(self) -> &'static str {
        match self {
            Self::Stage => "RecoveryStage",
            Self::Mapping => "NetworkMapping",
            Self::Setting => "RecoverySetting",
        }
    }

    /// Returns `rel` in tasks (inferred).
    fn rel(self) -> &'static str {
        match self {
            Self::Stage => "datapolicies:config:recovery-plan:stage",
            Self::Mapping => "datapolicies:config:recovery-plan:network-mapping",
            Self::Setting => "datapolicies:config:recovery-plan:recovery-setting",
        }
    }

    fn of(self, plan: &Plan) -> &BTreeMap<String, Value> {
        match self {
            Self::Stage => &plan.stages,
            Self::Mapping => &plan.mappings,
            Self::Setting => &plan.settings,
        }
    }

    fn of_mut(self, plan: &mut Plan) -> &mut BTreeMap<String, Value> {
        match self {
            Self::Stage => &mut plan.stages,
            Self::Mapping => &mut plan.mappings,
            Self::Setting => &mut plan.settings,
        }
    }
}

/// Serves `datapolicies/v4.N/config/recovery-plans…`.
///
/// # Errors
/// An unknown plan, part or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    let (id, rest) = match path {
        [] => {
            return match method {
                "GET" => call.list(lab.pcs[pc].plans.iter().collect(), |(id, plan)| {
                    render(call, id, plan)
                }),
                "POST" => {
                    let new = parse(&call.body()?)?;
                    let id = lab.uuid();
                    let name = Some(new.name.clone());
                    let effect = PlanEffect::Save(new);
                    Ok(start(
                        lab,
                        pc,
                        call,
                        "CreateRecoveryPlan",
                        &id,
                        name,
                        effect,
                        None,
                    ))
                }
                other => Err(Problem::method(other)),
            };
        }
        [id, rest @ ..] => (*id, rest),
    };
    let plan = lab.pcs[pc]
        .plans
        .get(id)
        .ok_or_else(|| Problem::not_found("Recovery plan", id))?;
    match rest {
        [] => {}
        ["data-services-ip-mappings"] if method == "GET" => {
            return call.list(Vec::<()>::new(), |()| Value::Null);
        }
        [kind, rest @ ..] => {
            let kind =
                PartKind::from_path(kind).ok_or_else(|| Problem::no_route(&call.request.path))?;
            return serve_part(lab, pc, call, id, kind, rest);
        }
    }
    let tag = etag(id, plan.version);
    let name = Some(plan.name.clone());
    match method {
        "GET" => Ok(call.entity(200, render(call, id, plan), Some(&tag))),
        "PUT" => {
            let new = parse(&call.body()?)?;
            call.if_match(&[tag])?;
            let effect = PlanEffect::Save(new);
            Ok(start(
                lab,
                pc,
                call,
                "UpdateRecoveryPlan",
                id,
                name,
                effect,
                None,
            ))
        }
        "DELETE" => {
            call.if_match(&[tag])?;
            let effect = PlanEffect::Delete;
            Ok(start(
                lab,
                pc,
                call,
                "DeleteRecoveryPlan",
                id,
                name,
                effect,
                None,
            ))
        }
        other => Err(Problem::method(other)),
    }
}

fn serve_part(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    plan_id: &str,
    kind: PartKind,
    path: &[&str],
) -> Answer {
    let method = call.request.method.as_str();
    let plan = &lab.pcs[pc].plans[plan_id];
    let show = |id: &str, part: &Value| {
        let mut json = part.clone();
        json["extId"] = json!(id);
        call.tag(&format!("datapolicies.v4.config.{}", kind.name()), json)
    };
    let (verb, part_id, effect) = match path {
        [] => match method {
            "GET" => {
                return call.list(kind.of(plan).iter().collect(), |(id, part)| show(id, part));
            }
            "POST" => {
                let part = parse_part(kind, &call.body()?)?;
                let id = lab.uuid();
                ("Create", id.clone(), PlanEffect::SavePart(kind, id, part))
            }
            other => return Err(Problem::method(other)),
        },
        [id] => {
            let part = kind
                .of(plan)
                .get(*id)
                .ok_or_else(|| Problem::not_found(kind.name(), id))?;
            let tag = etag(&format!("{id} {part}"), 0);
            let id = (*id).to_owned();
            match method {
                "GET" => return Ok(call.entity(200, show(&id, part), Some(&tag))),
                "PUT" => {
                    let part = parse_part(kind, &call.body()?)?;
                    call.if_match(&[tag])?;
                    ("Update", id.clone(), PlanEffect::SavePart(kind, id, part))
                }
                "DELETE" => {
                    call.if_match(&[tag])?;
                    ("Delete", id.clone(), PlanEffect::DeletePart(kind, id))
                }
                other => return Err(Problem::method(other)),
            }
        }
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    let operation = format!("{verb}{}", kind.name());
    let part = Some((part_id, kind.rel().to_owned(), None));
    Ok(start(
        lab, pc, call, &operation, plan_id, None, effect, part,
    ))
}

#[expect(clippy::too_many_arguments, reason = "all tasks of plans start here")]
fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    id: &str,
    name: Option<String>,
    effect: PlanEffect,
    part: Option<(String, String, Option<String>)>,
) -> crate::http::Response {
    let mut entities = vec![(
        id.to_owned(),
        "datapolicies:config:recovery-plan".to_owned(),
        name,
    )];
    entities.extend(part);
    let effect = Effect::Plan(id.to_owned(), effect);
    let task = tasks::start(lab, pc, operation, entities, effect);
    call.task(&task)
}

fn render(call: &Call<'_>, id: &str, plan: &Plan) -> Value {
    let mut json = plan.body.clone();
    json["extId"] = json!(id);
    call.tag("datapolicies.v4.config.RecoveryPlan", json)
}

fn parse(sent: &Object) -> Result<PlanBody, Problem> {
    let location = |name: &str| {
        body::object(sent, name)
            .and_then(|location| body::text(location, "domainManagerExtId"))
            .map(str::to_owned)
            .ok_or_else(|| {
                Problem::schema(&format!("{name}.domainManagerExtId"), "must not be null")
            })
    };
    let (primary, recovery) = (location("primaryLocation")?, location("recoveryLocation")?);
    if primary == recovery {
        return Err(Problem::argument(
            "primaryLocation and recoveryLocation must differ",
        ));
    }
    Ok(PlanBody {
        name: body::required_text(sent, "name", 256)?,
        body: body::as_sent(&Value::Object(sent.clone())),
        primary,
        recovery,
    })
}

/// Checks a part against the schema and adds types to its one-of values.
fn parse_part(kind: PartKind, sent: &Object) -> Result<Value, Problem> {
    let mut json = body::as_sent(&Value::Object(sent.clone()));
    match kind {
        PartKind::Stage => {
            if body::list(sent, "entities").is_empty()
                && body::list(sent, "categoryExtIds").is_empty()
            {
                return Err(Problem::argument(
                    "a stage needs entities or categoryExtIds",
                ));
            }
            if json.get("priority").is_none() {
                json["priority"] = json!(1);
            }
            if body::number(sent, "priority") == Some(0) {
                return Err(Problem::schema("priority", "must be 1 or more"));
            }
            if let Some(Value::Array(actions)) = json.get_mut("postActions") {
                for action in actions {
                    body::tag_one_of(action, "config", "datapolicies.v4.config.DelayAction");
                }
            }
        }
        PartKind::Mapping => {
            for (name, required) in [
                ("primaryNetwork", true),
                ("recoveryNetwork", true),
                ("primaryTestNetwork", false),
                ("recoveryTestNetwork", false),
            ] {
                match body::object(sent, name) {
                    Some(network) => {
                        let given = ["subnetExtId", "subnetName"]
                            .iter()
                            .filter(|key| body::text(network, key).is_some())
                            .count();
                        if given != 1 {
                            return Err(Problem::schema(
                                name,
                                "exactly one of subnetExtId and subnetName must be given",
                            ));
                        }
                    }
                    None if required => return Err(Problem::schema(name, "must not be null")),
                    None => {}
                }
            }
            if json.get("isIpMappingEnabled").is_none() {
                json["isIpMappingEnabled"] = json!(false);
            }
        }
        PartKind::Setting => {
            let setting = body::object(sent, "recoverySetting")
                .ok_or_else(|| Problem::schema("recoverySetting", "must not be null"))?;
            let (kind, scope) = if setting.contains_key("vmCategoryExtId") {
                ("VmCategoryRecoverySetting", "VM_CATEGORY")
            } else {
                ("VmRecoverySetting", "VM")
            };
            body::tag_one_of(
                &mut json,
                "recoverySetting",
                &format!("datapolicies.v4.config.{kind}"),
            );
            json["scope"] = json!(scope);
        }
    }
    Ok(json)
}

/// Applies a change of one recovery plan, here and in the copy.
///
/// # Errors
/// When a category or location is unknown; nothing has changed then.
pub fn apply(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    effect: PlanEffect,
) -> Result<Details, Failure> {
    let failure = |group, message: String| Failure::new("DPOL-50501", group, message);
    let gone = || {
        failure(
            "RECOVERY_PLAN_NOT_FOUND",
            format!("Recovery plan {id} was not found"),
        )
    };
    let state = &mut lab.pcs[pc];
    match effect {
        PlanEffect::Save(new) => {
            if ![&new.primary, &new.recovery].contains(&&state.domain_manager) {
                return Err(failure(
                    "LOCATION_NOT_LOCAL",
                    "One of the locations must be this domain manager".to_owned(),
                ));
            }
            for manager in [&new.primary, &new.recovery] {
                if *manager != state.domain_manager && !state.paired.contains_key(manager) {
                    return Err(failure(
                        "LOCATION_NOT_PAIRED",
                        format!("Domain manager {manager} is not paired with this one"),
                    ));
                }
            }
            let before = state.plans.remove(id);
            let (stages, mappings, settings, version) = before
                .map_or_else(Default::default, |plan| {
                    (plan.stages, plan.mappings, plan.settings, plan.version)
                });
            let plan = Plan {
                name: new.name,
                body: new.body,
                primary: new.primary,
                recovery: new.recovery,
                stages,
                mappings,
                settings,
                version: version + 1,
            };
            state.plans.insert(id.to_owned(), plan);
        }
        PlanEffect::Delete => {
            let plan = state.plans.remove(id).ok_or_else(gone)?;
            let managers = BTreeSet::from([plan.primary, plan.recovery]);
            for peer in peers(lab, pc, &managers) {
                lab.pcs[peer].plans.remove(id);
            }
            return Ok(Vec::new());
        }
        PlanEffect::SavePart(kind, part_id, part) => {
            let unknown = category_ids(kind, &part)
                .into_iter()
                .find(|category| !state.categories.contains_key(category));
            if let Some(category) = unknown {
                return Err(failure(
                    "CATEGORY_NOT_FOUND",
                    format!("Category {category} was not found"),
                ));
            }
            let plan = state.plans.get_mut(id).ok_or_else(gone)?;
            kind.of_mut(plan).insert(part_id, part);
            plan.version += 1;
        }
        PlanEffect::DeletePart(kind, part_id) => {
            let plan = state.plans.get_mut(id).ok_or_else(gone)?;
            kind.of_mut(plan).remove(&part_id);
            plan.version += 1;
        }
    }
    copy_to_peers(lab, pc, id);
    Ok(Vec::new())
}

fn category_ids(kind: PartKind, part: &Value) -> Vec<String> {
    let Value::Object(object) = part else {
        return Vec::new();
    };
    match kind {
        PartKind::Stage => body::texts(object, "categoryExtIds"),
        PartKind::Mapping => Vec::new(),
        PartKind::Setting => body::object(object, "recoverySetting")
            .and_then(|setting| body::text(setting, "vmCategoryExtId"))
            .map(str::to_owned)
            .into_iter()
            .collect(),
    }
}

/// Copies a plan to the other side: the same ids for the plan and its parts, and the other side's ids of the categories.
///
/// Assumption: a copy has the same id on both sides (it is one entity that is synchronised), see also [`categories::ensure_category`].
fn copy_to_peers(lab: &mut LabState, pc: usize, id: &str) {
    let Some(plan) = lab.pcs[pc].plans.get(id).cloned() else {
        return;
    };
    let managers = BTreeSet::from([plan.primary.clone(), plan.recovery.clone()]);
    for peer in peers(lab, pc, &managers) {
        let mut copy = plan.clone();
        for kind in [PartKind::Stage, PartKind::Setting] {
            for part in kind.of_mut(&mut copy).values_mut() {
                let there: Vec<String> = category_ids(kind, part)
                    .iter()
                    .filter_map(|category| categories::ensure_category(lab, pc, peer, category))
                    .collect();
                match (kind, there.first()) {
                    (_, None) => {}
                    (PartKind::Stage, Some(_)) => part["categoryExtIds"] = json!(there),
                    (PartKind::Setting | PartKind::Mapping, Some(first)) => {
                        part["recoverySetting"]["vmCategoryExtId"] = json!(first);
                    }
                }
            }
        }
        copy.version = lab.pcs[peer]
            .plans
            .get(id)
            .map_or(1, |plan| plan.version + 1);
        lab.pcs[peer].plans.insert(id.to_owned(), copy);
    }
}
