//! Systems Manager: runs a script in guests that have the agent (AWS reference §5).
//!
//! As in the real service: one instance that is not managed fails the whole call, an invocation does not exist until shortly
//! after sending, and the output is empty until the end and cut at 24,000 characters.

pub mod guest;
mod invocations;
mod managed;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

use super::json::Args;
use super::json::Fault;
use super::json::JsonServiceEvent;
use super::json::structure;
use super::json::unknown_operation;
use super::model::InstanceState;
use crate::clock::VTime;
use crate::faults::Fate;
use crate::state::LabState;

/// Most instances named in one command, and most entries of one page.
const MAX_INSTANCES: usize = 50;
/// How long after sending an invocation does not exist.
const INVOCATION_APPEARS: Duration = Duration::from_secs(1);
/// Default delivery timeout in seconds.
const DELIVERY: i64 = 3600;

/// A command that was sent.
#[derive(Debug, Clone)]
pub struct Command {
    /// Name of the document.
    pub document: String,
    /// Comment.
    pub comment: String,
    /// `Parameters` as sent.
    pub parameters: Json,
    /// Instances as named in the call; empty when it had targets.
    pub instances: Vec<String>,
    /// `Targets` as sent.
    pub targets: Json,
    /// Time of sending.
    pub requested: VTime,
    /// Delivery timeout in seconds.
    pub timeout: i64,
    /// `MaxConcurrency` and `MaxErrors`; only shown.
    pub limits: (String, String),
    /// Its runs by instance.
    pub invocations: BTreeMap<String, Invocation>,
    /// What a fault has chosen for it; `None`: it runs as usual.
    pub fate: Option<Fate>,
}

/// A run of a command on one instance.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The instance's name tag.
    pub name: String,
    /// Its result; `None` while it runs.
    pub outcome: Option<Outcome>,
}

/// Result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `Success`, `Failed`, `TimedOut`, `Cancelled`.
    pub status: &'static str,
    /// Status details, such as `DeliveryTimedOut`.
    pub details: &'static str,
    /// Exit code; -1 when nothing ran.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// When it ended.
    pub ended: VTime,
}

/// Operating system for which a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

impl Platform {
    /// Returns the platform of an instance's `PlatformDetails`.
    pub fn of(details: &str) -> Self {
        if details.to_ascii_lowercase().contains("windows") {
            Self::Windows
        } else {
            Self::Linux
        }
    }

    /// Returns the name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        }
    }

    fn of_document(document: &str) -> Option<Self> {
        match document {
            "AWS-RunShellScript" => Some(Self::Linux),
            "AWS-RunPowerShellScript" => Some(Self::Windows),
            _ => None,
        }
    }

    fn plugin(self) -> &'static str {
        match self {
            Self::Linux => "aws:runShellScript",
            Self::Windows => "aws:runPowerShellScript",
        }
    }
}

/// Returns an instant in JSON: seconds since the epoch.
pub fn seconds(at: VTime) -> Json {
    let whole = at.0 / 1000;
    let millis = at.0 % 1000;
    // Converted through text, so that no binary fraction appears.
    format!("{whole}.{millis:03}")
        .parse::<f64>()
        .map_or(Json::Null, Json::from)
}

/// Answers one operation.
///
/// # Errors
/// The service's error.
pub fn handle(
    lab: &mut LabState,
    region: &str,
    operation: &str,
    args: Args<'_>,
) -> Result<Json, Fault> {
    match operation {
        "SendCommand" => send(lab, region, args),
        "CancelCommand" => cancel(lab, region, args),
        "ListCommands" => invocations::commands(lab, region, args),
        "ListCommandInvocations" => invocations::list(lab, region, args),
        "GetCommandInvocation" => invocations::get(lab, region, args),
        "DescribeInstanceInformation" => managed::describe(lab, region, args),
        _ => Err(unknown_operation()),
    }
}

fn send(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let document = args.need_text("DocumentName")?;
    let document = document
        .rsplit_once("document/")
        .map_or(document, |(_, name)| name);
    let Some(platform) = Platform::of_document(document) else {
        return Err(Fault::new(
            "InvalidDocument",
            format!("Document with name {document} does not exist."),
        ));
    };
    let parameters = args.object("Parameters")?.cloned().unwrap_or_default();
    check_parameters(&parameters)?;
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
        (false, true) => by_id(lab, region, &named, platform)?,
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
        let fits = Platform::of(&found.platform_details) == platform;
        invocations.insert(
            instance,
            Invocation {
                name: found.tags.get("Name").cloned().unwrap_or_default(),
                outcome: (!fits).then(|| Outcome {
                    status: "Failed",
                    details: "InvalidPlatform",
                    code: -1,
                    stdout: String::new(),
                    stderr: String::new(),
                    ended: now,
                }),
            },
        );
    }
    let id = lab.uuid();
    let running: Vec<String> = invocations
        .iter()
        .filter(|(_, invocation)| invocation.outcome.is_none())
        .map(|(instance, _)| instance.clone())
        .collect();
    let command = Command {
        document: document.to_owned(),
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
            crate::state::LabEvent::Aws(super::AwsEvent::Json(JsonServiceEvent::CommandEnds(
                region.to_owned(),
                id.clone(),
                instance,
            ))),
        );
    }
    Ok(answer)
}

fn check_parameters(parameters: &serde_json::Map<String, Json>) -> Result<(), Fault> {
    for (name, value) in parameters {
        if !["commands", "workingDirectory", "executionTimeout"].contains(&name.as_str()) {
            return Err(Fault::new(
                "InvalidParameters",
                format!("Parameter \"{name}\" is not defined in document"),
            ));
        }
        let texts = value
            .as_array()
            .is_some_and(|list| list.iter().all(Json::is_string));
        if !texts {
            return Err(Fault::new(
                "SerializationException",
                format!("parameter {name} is not a list of strings"),
            ));
        }
    }
    let empty = parameters
        .get("commands")
        .and_then(Json::as_array)
        .is_none_or(Vec::is_empty);
    if empty {
        Err(Fault::new(
            "InvalidParameters",
            "Parameter \"commands\" requires a value",
        ))
    } else {
        Ok(())
    }
}

/// Returns the named instances. An invalid one fails the call.
fn by_id(
    lab: &LabState,
    region: &str,
    named: &[&str],
    platform: Platform,
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
    if let Some(other) = chosen
        .iter()
        .find(|id| online.get(id.as_str()) != Some(&platform))
    {
        return Err(Fault::new(
            "UnsupportedPlatformType",
            format!(
                "The document does not support the platform type of the instance {other}; it is for {}",
                platform.name()
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

fn cancel(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let id = args.need_text("CommandId")?;
    let only = args.texts("InstanceIds")?;
    let now = lab.now();
    let command = lab
        .aws
        .regions
        .get_mut(region)
        .and_then(|region| region.commands.get_mut(id))
        .ok_or_else(|| Fault::new("InvalidCommandId", ""))?;
    if only
        .iter()
        .any(|instance| !command.invocations.contains_key(*instance))
    {
        return Err(Fault::new(
            "InvalidInstanceId",
            "the command was not sent to one of these instances",
        ));
    }
    for (instance, invocation) in &mut command.invocations {
        let meant = only.is_empty() || only.contains(&instance.as_str());
        if meant && invocation.outcome.is_none() {
            invocation.outcome = Some(Outcome {
                status: "Cancelled",
                details: "Cancelled",
                code: -1,
                stdout: String::new(),
                stderr: String::new(),
                ended: now,
            });
        }
    }
    Ok(json!({}))
}

/// Ends a run: what the script does in the guest happens now.
pub fn end(lab: &mut LabState, region: &str, id: &str, instance: &str) {
    let now = lab.now();
    let Some(place) = lab.aws.regions.get(region) else {
        return;
    };
    let Some(command) = place.commands.get(id) else {
        return;
    };
    let pending = command
        .invocations
        .get(instance)
        .is_some_and(|invocation| invocation.outcome.is_none());
    if !pending {
        return;
    }
    let fate = command.fate;
    let script: Vec<&str> = command
        .parameters
        .get("commands")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let script = script.join("\n");
    let running = place
        .instances
        .get(instance)
        .is_some_and(|instance| instance.state == InstanceState::Running);
    let outcome = if fate == Some(Fate::Fails) {
        Outcome {
            status: "Failed",
            details: "Failed",
            code: 1,
            stdout: String::new(),
            stderr: "the document worker exited unexpectedly".to_owned(),
            ended: now,
        }
    } else if running {
        let said = guest::run(lab, region, instance, &script);
        let (status, details) = if said.code == 0 {
            ("Success", "Success")
        } else {
            ("Failed", "Failed")
        };
        Outcome {
            status,
            details,
            code: said.code,
            stdout: said.stdout,
            stderr: said.stderr,
            ended: now,
        }
    } else {
        Outcome {
            status: "TimedOut",
            details: "DeliveryTimedOut",
            code: -1,
            stdout: String::new(),
            stderr: String::new(),
            ended: now,
        }
    };
    let command = lab
        .aws
        .regions
        .get_mut(region)
        .and_then(|region| region.commands.get_mut(id));
    let Some(command) = command else {
        return;
    };
    if fate == Some(Fate::Vanishes) {
        command.invocations.remove(instance);
    } else if let Some(invocation) = command.invocations.get_mut(instance) {
        invocation.outcome = Some(outcome);
    }
}

/// Returns one page of sorted entries, and the token of the next.
///
/// # Errors
/// `InvalidNextToken`.
fn page<T>(
    entries: Vec<T>,
    args: Args<'_>,
    cap: Option<usize>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let size = args
        .integer("MaxResults")?
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(MAX_INSTANCES)
        .clamp(1, MAX_INSTANCES)
        .min(cap.unwrap_or(MAX_INSTANCES));
    let start: usize = match args.text("NextToken")? {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| Fault::new("InvalidNextToken", "The specified token is not valid."))?,
    };
    let next = start.saturating_add(size);
    let token = (next < entries.len()).then(|| format!("page-{next}"));
    Ok((entries.into_iter().skip(start).take(size).collect(), token))
}

#[cfg(test)]
mod tests;
