//! Systems Manager: runs a script in guests that have the agent (AWS reference §5).
//!
//! As in the real service: one instance that is not managed fails the whole call, an invocation does not exist until shortly
//! after sending, and the output is empty until the end and cut at 24,000 characters.

mod documents;
pub mod guest;
mod invocations;
mod managed;
mod running;
mod send;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;

pub use self::documents::Document;
pub use self::running::end;
pub use self::running::resume;
use super::json::Args;
use super::json::Fault;
use super::json::unknown_operation;
use crate::clock::VTime;
use crate::faults::Fate;
use crate::state::LabState;

/// Most instances named in one command, and most entries of one page.
const MAX_INSTANCES: usize = 50;
/// How long after sending an invocation does not exist.
const INVOCATION_APPEARS: Duration = Duration::from_secs(1);

/// A command that was sent.
#[derive(Debug, Clone)]
pub struct Command {
    /// Name of the document.
    pub document: String,
    /// `DocumentVersion` as sent, by default `$DEFAULT`.
    pub version: String,
    /// Steps of the document with the values of the parameters. Later changes of the document do not change them.
    pub steps: Vec<CommandStep>,
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

/// A step of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStep {
    /// Its name.
    pub name: String,
    /// The shell that runs it.
    pub plugin: Platform,
    /// The platform that its precondition demands.
    pub precondition: Option<String>,
    /// The script.
    pub script: String,
}

/// A run of a command on one instance.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The instance's name tag.
    pub name: String,
    /// Its result; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// The steps that have ended, while it runs.
    pub done: Vec<StepOutcome>,
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
    /// What the steps said, in their order; empty when nothing ran.
    pub steps: Vec<StepOutcome>,
    /// When it ended.
    pub ended: VTime,
}

impl Outcome {
    /// Returns the result of a run in which no step ran.
    pub fn without_steps(status: &'static str, details: &'static str, ended: VTime) -> Self {
        Self {
            status,
            details,
            code: -1,
            steps: Vec::new(),
            ended,
        }
    }
}

/// Result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutcome {
    /// Name of the step.
    pub name: String,
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// What the agent says instead of output when it skips the step.
    pub skipped: Option<String>,
}

impl StepOutcome {
    /// Returns the status. A step that was skipped is a success.
    pub fn status(&self) -> &'static str {
        if self.code == 0 { "Success" } else { "Failed" }
    }
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

    /// Returns the plugin that runs scripts in the shell of the platform.
    pub fn plugin(self) -> &'static str {
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
        "SendCommand" => send::send(lab, region, args),
        "CancelCommand" => cancel(lab, region, args),
        "ListCommands" => invocations::commands(lab, region, args),
        "ListCommandInvocations" => invocations::list(lab, region, args),
        "GetCommandInvocation" => invocations::get(lab, region, args),
        "DescribeInstanceInformation" => managed::describe(lab, region, args),
        "CreateDocument" => documents::create(lab, region, args),
        "UpdateDocument" => documents::update(lab, region, args),
        "UpdateDocumentDefaultVersion" => documents::set_default(lab, region, args),
        "DescribeDocument" => documents::describe(lab, region, args),
        "GetDocument" => documents::get(lab, region, args),
        "DeleteDocument" => documents::delete(lab, region, args),
        "ListDocuments" => documents::list(lab, region, args),
        "ListDocumentVersions" => documents::versions(lab, region, args),
        "DescribeDocumentPermission" => documents::permission(lab, region, args),
        "AddTagsToResource" => documents::add_tags(lab, region, args),
        "RemoveTagsFromResource" => documents::remove_tags(lab, region, args),
        "ListTagsForResource" => documents::list_tags(lab, region, args),
        _ => Err(unknown_operation()),
    }
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
            invocation.outcome = Some(Outcome::without_steps("Cancelled", "Cancelled", now));
        }
    }
    Ok(json!({}))
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
