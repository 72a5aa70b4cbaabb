//! Status and output of commands.

use serde_json::Value as Json;
use serde_json::json;

use super::Command;
use super::INVOCATION_APPEARS;
use super::Invocation;
use super::StepOutcome;
use super::page;
use super::seconds;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::clock::VTime;
use crate::state::LabState;

/// Characters of standard output in `GetCommandInvocation`.
const OUTPUT: usize = 24_000;
/// Characters of standard error in `GetCommandInvocation` (memory).
const ERRORS: usize = 8_000;
/// Characters of output in a listed plugin (memory).
const PLUGIN_OUTPUT: usize = 2_500;

/// Returns status and details of a run.
fn status(command: &Command, invocation: &Invocation, now: VTime) -> (&'static str, &'static str) {
    match &invocation.outcome {
        Some(outcome) => (outcome.status, outcome.details),
        None if now.since(command.requested) < INVOCATION_APPEARS => ("Pending", "Pending"),
        None => ("InProgress", "InProgress"),
    }
}

/// Returns status and details of a command over its runs.
fn overall(command: &Command, now: VTime) -> (&'static str, &'static str) {
    let all: Vec<&str> = command
        .invocations
        .values()
        .map(|invocation| status(command, invocation, now).0)
        .collect();
    if all.is_empty() {
        return ("Success", "NoInstancesInTag");
    }
    for running in ["InProgress", "Pending"] {
        if all.contains(&running) {
            let started = all.iter().any(|status| *status != "Pending");
            let status = if started { "InProgress" } else { "Pending" };
            return (status, status);
        }
    }
    for ended in ["Failed", "TimedOut", "Cancelled"] {
        if let Some(status) = all.iter().find(|status| **status == ended) {
            return (status, status);
        }
    }
    ("Success", "Success")
}

/// Returns a command as JSON.
pub fn command_json(id: &str, command: &Command, now: VTime) -> Json {
    let (status, details) = overall(command, now);
    let count = |wanted: &[&str]| {
        command
            .invocations
            .values()
            .filter_map(|invocation| invocation.outcome.as_ref())
            .filter(|outcome| wanted.contains(&outcome.status))
            .count()
    };
    let timeout =
        std::time::Duration::from_secs(u64::try_from(command.timeout).unwrap_or_default());
    json!({
        "CommandId": id,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "Comment": command.comment,
        "ExpiresAfter": seconds(command.requested.after(timeout)),
        "Parameters": command.parameters,
        "InstanceIds": command.instances,
        "Targets": command.targets,
        "RequestedDateTime": seconds(command.requested),
        "Status": status,
        "StatusDetails": details,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": command.limits.0,
        "MaxErrors": command.limits.1,
        "TargetCount": command.invocations.len(),
        "CompletedCount": count(&["Success", "Failed", "TimedOut", "Cancelled"]),
        "ErrorCount": count(&["Failed"]),
        "DeliveryTimedOutCount": count(&["TimedOut"]),
        "ServiceRole": "",
        "TimeoutSeconds": command.timeout,
    })
}

struct Filters<'a> {
    status: Option<&'a str>,
    document: Option<&'a str>,
    after: Option<VTime>,
    before: Option<VTime>,
}

impl<'a> Filters<'a> {
    fn of(args: Args<'a>) -> Result<Self, Fault> {
        let mut filters = Self {
            status: None,
            document: None,
            after: None,
            before: None,
        };
        let instant = |text: &str| -> Result<VTime, Fault> {
            text.parse::<jiff::Timestamp>()
                .ok()
                .and_then(|at| u64::try_from(at.as_millisecond()).ok())
                .map(VTime)
                .ok_or_else(|| Fault::new("InvalidFilterKey", format!("{text} is not a timestamp")))
        };
        for filter in args.list("Filters")? {
            let filter = structure(filter, "Filters")?;
            let value = filter.need_text("value")?;
            match filter.need_text("key")? {
                "Status" => filters.status = Some(value),
                "DocumentName" => filters.document = Some(value),
                "InvokedAfter" => filters.after = Some(instant(value)?),
                "InvokedBefore" => filters.before = Some(instant(value)?),
                other => {
                    return Err(Fault::new(
                        "InvalidFilterKey",
                        format!("the filter key {other} is not supported here"),
                    ));
                }
            }
        }
        Ok(filters)
    }

    fn wants(&self, command: &Command, status: &str) -> bool {
        self.status.is_none_or(|wanted| wanted == status)
            && self
                .document
                .is_none_or(|wanted| wanted == command.document)
            && self.after.is_none_or(|after| command.requested >= after)
            && self.before.is_none_or(|before| command.requested <= before)
    }
}

/// Returns the commands of a region, newest first; only one when the call names it.
fn commands_of<'a>(
    lab: &'a LabState,
    region: &str,
    args: Args<'_>,
) -> Result<Vec<(&'a String, &'a Command)>, Fault> {
    let only = args.text("CommandId")?;
    let mut found: Vec<_> = lab
        .aws
        .regions
        .get(region)
        .into_iter()
        .flat_map(|region| &region.commands)
        .filter(|(id, _)| only.is_none_or(|only| only == id.as_str()))
        .collect();
    if only.is_some() && found.is_empty() {
        return Err(Fault::new("InvalidCommandId", ""));
    }
    found.sort_by(|a, b| b.1.requested.cmp(&a.1.requested).then(a.0.cmp(b.0)));
    Ok(found)
}

/// `ListCommands`.
///
/// # Errors
/// `InvalidCommandId`, `InvalidFilterKey`, `InvalidNextToken`.
pub fn commands(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let now = lab.now();
    let filters = Filters::of(args)?;
    let instance = args.text("InstanceId")?;
    let found: Vec<Json> = commands_of(lab, region, args)?
        .into_iter()
        .filter(|(_, command)| filters.wants(command, overall(command, now).0))
        .filter(|(_, command)| {
            instance.is_none_or(|instance| command.invocations.contains_key(instance))
        })
        .map(|(id, command)| command_json(id, command, now))
        .collect();
    let (found, token) = page(found, args, lab.aws.page_cap)?;
    let mut answer = json!({ "Commands": found });
    if let Some(token) = token {
        answer["NextToken"] = Json::from(token);
    }
    Ok(answer)
}

/// `ListCommandInvocations`.
///
/// # Errors
/// `InvalidCommandId`, `InvalidFilterKey`, `InvalidNextToken`.
pub fn list(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let now = lab.now();
    let filters = Filters::of(args)?;
    let instance = args.text("InstanceId")?;
    let details = args.flag("Details")?;
    let mut found = Vec::new();
    for (id, command) in commands_of(lab, region, args)? {
        for (target, invocation) in &command.invocations {
            if instance.is_some_and(|instance| instance != target)
                || !filters.wants(command, status(command, invocation, now).0)
            {
                continue;
            }
            found.push(listed(id, command, target, invocation, now, details));
        }
    }
    let (found, token) = page(found, args, lab.aws.page_cap)?;
    let mut answer = json!({ "CommandInvocations": found });
    if let Some(token) = token {
        answer["NextToken"] = Json::from(token);
    }
    Ok(answer)
}

fn listed(
    id: &str,
    command: &Command,
    instance: &str,
    invocation: &Invocation,
    now: VTime,
    details: bool,
) -> Json {
    let (state, state_details) = status(command, invocation, now);
    let plugins: Vec<Json> = if details {
        let steps = command.steps.iter().enumerate();
        steps
            .map(|(index, step)| plugin(command, invocation, &step.name, index, now))
            .collect()
    } else {
        Vec::new()
    };
    json!({
        "CommandId": id,
        "InstanceId": instance,
        "InstanceName": invocation.name,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "RequestedDateTime": seconds(command.requested),
        "Status": state,
        "StatusDetails": state_details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": plugins,
        "ServiceRole": "",
    })
}

/// Returns a step of a run, as `ListCommandInvocations` shows it.
fn plugin(
    command: &Command,
    invocation: &Invocation,
    name: &str,
    index: usize,
    now: VTime,
) -> Json {
    let (mut state, mut details) = status(command, invocation, now);
    let done = match &invocation.outcome {
        Some(outcome) => outcome.steps.get(index),
        None => invocation.done.get(index),
    };
    if let Some(step) = done {
        (state, details) = (step.status(), step.status());
    }
    let mut plugin = json!({
        "Name": name,
        "Status": state,
        "StatusDetails": details,
        "ResponseCode": done.map_or(-1, |step| step.code),
        "Output": done.map(listed_output).unwrap_or_default(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    });
    if let Some(outcome) = &invocation.outcome {
        plugin["ResponseStartDateTime"] = seconds(started(command).min(outcome.ended));
        plugin["ResponseFinishDateTime"] = seconds(outcome.ended);
    }
    plugin
}

fn listed_output(step: &StepOutcome) -> String {
    let mut output = step.skipped.clone().unwrap_or_else(|| step.stdout.clone());
    if !step.stderr.is_empty() {
        output.push_str("\n----------ERROR-------\n");
        output.push_str(&step.stderr);
    }
    first(&output, PLUGIN_OUTPUT)
}

/// `GetCommandInvocation`.
///
/// # Errors
/// `InvocationDoesNotExist`, also right after sending; `InvalidPluginName`.
pub fn get(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let now = lab.now();
    let id = args.need_text("CommandId")?;
    let instance = args.need_text("InstanceId")?;
    let nothing = || Fault::new("InvocationDoesNotExist", "");
    let command = lab
        .aws
        .regions
        .get(region)
        .and_then(|region| region.commands.get(id))
        .filter(|command| now.since(command.requested) >= INVOCATION_APPEARS)
        .ok_or_else(nothing)?;
    let invocation = command.invocations.get(instance).ok_or_else(nothing)?;
    // Without a name it is about the only step; of several steps it is a summary without output (memory).
    let chosen = match (args.text("PluginName")?, command.steps.as_slice()) {
        (None, [_]) => Some(0),
        (None, _) => None,
        (Some(wanted), steps) => Some(
            steps
                .iter()
                .position(|step| step.name == wanted)
                .ok_or_else(|| Fault::new("InvalidPluginName", ""))?,
        ),
    };
    let plugin = chosen
        .and_then(|index| command.steps.get(index))
        .map_or("", |step| step.name.as_str());
    let (mut state, mut details) = status(command, invocation, now);
    let start = started(command);
    let mut answer = json!({
        "CommandId": id,
        "InstanceId": instance,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "PluginName": plugin,
        "ResponseCode": -1,
        "ExecutionStartDateTime": start.rfc3339(),
        "ExecutionElapsedTime": "",
        "ExecutionEndDateTime": "",
        "Status": "",
        "StatusDetails": "",
        "StandardOutputContent": "",
        "StandardOutputUrl": "",
        "StandardErrorContent": "",
        "StandardErrorUrl": "",
    });
    if let Some(outcome) = &invocation.outcome {
        let start = start.min(outcome.ended);
        answer["ExecutionStartDateTime"] = json!(start.rfc3339());
        answer["ResponseCode"] = json!(outcome.code);
        answer["ExecutionEndDateTime"] = json!(outcome.ended.rfc3339());
        answer["ExecutionElapsedTime"] = json!(format!(
            "PT{:.3}S",
            outcome.ended.since(start).as_secs_f64()
        ));
        let step = chosen.and_then(|index| outcome.steps.get(index));
        if let Some(step) = step {
            (state, details) = (step.status(), step.status());
            answer["ResponseCode"] = json!(step.code);
            answer["StandardOutputContent"] = json!(first(&step.stdout, OUTPUT));
            answer["StandardErrorContent"] = json!(first(&step.stderr, ERRORS));
        }
    }
    answer["Status"] = json!(state);
    answer["StatusDetails"] = json!(details);
    Ok(answer)
}

fn started(command: &Command) -> VTime {
    command.requested.after(INVOCATION_APPEARS)
}

fn first(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
