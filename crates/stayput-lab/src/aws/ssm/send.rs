//! `SendCommand`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;

use super::Command;
use super::CommandStep;
use super::Invocation;
use super::MAX_INSTANCES;
use super::Outcome;
use super::Platform;
use super::documents;
use super::documents::Content;
use super::invocations;
use super::managed;
use crate::aws::AwsEvent;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::JsonServiceEvent;
use crate::aws::json::structure;
use crate::state::LabEvent;
use crate::state::LabState;

/// Default delivery timeout in seconds.
const DELIVERY: i64 = 3600;

/// `SendCommand`.
///
/// # Errors
/// `InvalidDocument`, also for another hash; `InvalidDocumentVersion`, `InvalidParameters`, `InvalidInstanceId`,
/// `DuplicateInstanceId`, `UnsupportedPlatformType`, `ValidationException`.
pub fn send(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let document = documents::find(lab, region, args.need_text("DocumentName")?)?;
    let version = args.text("DocumentVersion")?;
    let (_, revision) = document.revision(version)?;
    check_hash(args, &revision.hash())?;
    let content = Content::read(&revision.content)?;
    let parameters = args.object("Parameters")?.cloned().unwrap_or_default();
    content.check(&parameters)?;
    let platforms = content.runs_on();
    let timeout = args.integer("TimeoutSeconds")?.unwrap_or(DELIVERY);
    if !(30..=2_592_000).contains(&timeout) {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{timeout}' at 'timeoutSeconds' failed to satisfy constraint: \
             Member must have value between 30 and 2592000"
        )));
    }
    let comment = args.text("Comment")?.unwrap_or_default();
    if comment.chars().count() > 100 {
        return Err(Fault::validation(
            "1 validation error detected: Value at 'comment' failed to satisfy constraint: Member must have length \
             less than or equal to 100",
        ));
    }
    let named = args.texts("InstanceIds")?;
    let targets = args.list("Targets")?;
    let chosen = match (named.is_empty(), targets.is_empty()) {
        (false, true) => by_id(lab, region, &named, &platforms)?,
        (true, false) => by_tag(lab, region, targets)?,
        (true, true) | (false, false) => {
            return Err(Fault::validation(
                "exactly one of InstanceIds and Targets must be specified",
            ));
        }
    };
    let now = lab.now();
    let mut invocations = BTreeMap::new();
    for instance in chosen {
        let found = lab
            .aws
            .regions
            .get(region)
            .and_then(|region| region.instances.get(&instance));
        let Some(found) = found else { continue };
        let fits = platforms.contains(&Platform::of(&found.platform_details).name());
        invocations.insert(
            instance,
            Invocation {
                name: found.tags.get("Name").cloned().unwrap_or_default(),
                outcome: (!fits).then(|| Outcome::without_steps("Failed", "InvalidPlatform", now)),
                done: Vec::new(),
            },
        );
    }
    let id = lab.uuid();
    let running: Vec<String> = invocations
        .iter()
        .filter(|(_, invocation)| invocation.outcome.is_none())
        .map(|(instance, _)| instance.clone())
        .collect();
    let steps = content.steps.iter().map(|step| CommandStep {
        name: step.name.clone(),
        plugin: step.plugin,
        precondition: step.precondition.clone(),
        script: content.script(step, &parameters),
    });
    let steps = steps.collect();
    let command = Command {
        document: document.name.clone(),
        version: version.unwrap_or("$DEFAULT").to_owned(),
        steps,
        comment: comment.to_owned(),
        parameters: Json::Object(parameters),
        instances: named.into_iter().map(str::to_owned).collect(),
        targets: Json::from(targets.to_vec()),
        requested: now,
        timeout,
        limits: (
            args.text("MaxConcurrency")?.unwrap_or("50").to_owned(),
            args.text("MaxErrors")?.unwrap_or("0").to_owned(),
        ),
        invocations,
        fate: lab.fate,
    };
    let answer = json!({ "Command": invocations::command_json(&id, &command, now) });
    if let Some(region) = lab.aws.regions.get_mut(region) {
        region.commands.insert(id.clone(), command);
    }
    for instance in running {
        lab.after(
            lab.timing.ssm_command,
            LabEvent::Aws(AwsEvent::Json(JsonServiceEvent::CommandEnds(
                region.to_owned(),
                id.clone(),
                instance,
            ))),
        );
    }
    Ok(answer)
}

/// Returns the named instances. An invalid one fails the call.
fn by_id(
    lab: &LabState,
    region: &str,
    named: &[&str],
    platforms: &[&str],
) -> Result<BTreeSet<String>, Fault> {
    if named.len() > MAX_INSTANCES {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value at 'instanceIds' failed to satisfy constraint: Member must have \
             length less than or equal to {MAX_INSTANCES}"
        )));
    }
    let chosen: BTreeSet<String> = named.iter().map(|&id| id.to_owned()).collect();
    if chosen.len() < named.len() {
        return Err(Fault::new("DuplicateInstanceId", ""));
    }
    let online = managed::online(lab, region);
    let wrong: Vec<&str> = chosen
        .iter()
        .filter(|id| !online.contains_key(id.as_str()))
        .map(String::as_str)
        .collect();
    if !wrong.is_empty() {
        return Err(Fault::new(
            "InvalidInstanceId",
            format!(
                "Instances [[{}]] not in a valid state for account {}",
                wrong.join(", "),
                lab.aws.account
            ),
        ));
    }
    if let Some(other) = chosen.iter().find(|id| {
        online
            .get(id.as_str())
            .is_none_or(|found| !platforms.contains(&found.name()))
    }) {
        return Err(Fault::new(
            "UnsupportedPlatformType",
            format!(
                "The document does not support the platform type of the instance {other}; it is for {}",
                platforms.join(", ")
            ),
        ));
    }
    Ok(chosen)
}

/// Returns the instances that are online and have every tag. Offline ones are skipped.
fn by_tag(lab: &LabState, region: &str, targets: &[Json]) -> Result<BTreeSet<String>, Fault> {
    if targets.len() > 5 {
        return Err(Fault::validation(
            "1 validation error detected: Value at 'targets' failed to satisfy constraint: Member must have length \
             less than or equal to 5",
        ));
    }
    let online = managed::online(lab, region);
    let mut chosen: BTreeSet<String> = online.keys().map(|&id| id.to_owned()).collect();
    for target in targets {
        let target = structure(target, "Targets")?;
        let key = target.need_text("Key")?;
        let values = target.texts("Values")?;
        let tag = match key.split_once(':') {
            Some(("tag", tag)) => Some(tag),
            _ if key.eq_ignore_ascii_case("InstanceIds") => None,
            _ => {
                return Err(Fault::new(
                    "InvalidParameters",
                    format!("target key {key} is not supported here; use tag:NAME or InstanceIds"),
                ));
            }
        };
        chosen.retain(|id| match tag {
            None => values.contains(&id.as_str()),
            Some(tag) => lab
                .aws
                .regions
                .get(region)
                .and_then(|region| region.instances.get(id)?.tags.get(tag))
                .is_some_and(|value| values.contains(&value.as_str())),
        });
    }
    Ok(chosen)
}

/// Refuses a command whose document is not the one that its sender has seen.
fn check_hash(args: Args<'_>, hash: &str) -> Result<(), Fault> {
    let Some(wanted) = args.text("DocumentHash")? else {
        return Ok(());
    };
    let kind = args.text("DocumentHashType")?.unwrap_or("Sha256");
    if !["Sha256", "Sha1"].contains(&kind) {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{kind}' at 'documentHashType' failed to satisfy constraint: Member \
             must satisfy enum value set: [Sha256, Sha1]"
        )));
    }
    // Sha1 is deprecated: the lab has no such hashes, so none matches.
    if kind == "Sha256" && wanted.eq_ignore_ascii_case(hash) {
        return Ok(());
    }
    Err(Fault::new(
        "InvalidDocument",
        format!("document hash {wanted} does not match {kind}."),
    ))
}
