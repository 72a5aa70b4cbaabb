//! Commands inside guests, by Systems Manager. Only for what no API can do (AWS reference §5).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use serde::Deserialize;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::Region;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;

/// Instances one `SendCommand` may name, and entries of the two lists used here (AWS reference §5).
const BATCH: usize = 50;
/// Outputs fetched at once.
const OUTPUTS_AT_ONCE: usize = 8;
/// How often, and how far apart, an output is asked for that the service says does not exist: right after it is done it may
/// not be there yet.
const OUTPUT_ATTEMPTS: u32 = 5;
const OUTPUT_PAUSE: Duration = Duration::from_secs(1);
const NOT_YET: &str = "InvocationDoesNotExist";

/// A command that was sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(String);

impl CommandId {
    /// Wraps an id as Systems Manager spells it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as Systems Manager spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What became of the wish to run a command on some instances.
#[derive(Debug, Default)]
pub struct CommandRun {
    /// The commands sent, at most fifty instances each.
    pub sent: Vec<SentCommand>,
    /// Instances it was not sent to, and why.
    pub not_sent: BTreeMap<InstanceId, NotSent>,
}

/// One command that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCommand {
    /// Its id.
    pub id: CommandId,
    /// The instances it was sent to.
    pub instances: BTreeSet<InstanceId>,
}

/// Why a command was not sent to an instance.
#[derive(Debug, Clone)]
pub enum NotSent {
    /// Its agent is not online, or it has none.
    AgentNotOnline,
    /// The call for its batch failed. If the error [may have taken effect](AwsError::may_have_taken_effect), so may the
    /// command.
    Failed(Arc<AwsError>),
}

/// What a command has done on one instance so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandResult {
    /// How far it is.
    pub status: CommandStatus,
    /// Exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// Standard output, at most its first 24,000 characters; empty until it has ended.
    pub stdout: String,
    /// Standard error, cut alike.
    pub stderr: String,
}

/// How far a command is on one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandStatus {
    /// Not delivered yet.
    Pending,
    /// Running.
    InProgress,
    /// Delivery is being retried.
    Delayed,
    /// Ended well.
    Success,
    /// Was cancelled.
    Cancelled,
    /// Not delivered or not ended in time.
    TimedOut,
    /// Ended badly.
    Failed,
    /// Being cancelled.
    Cancelling,
    /// Anything else, as reported.
    Unknown(String),
}

impl CommandStatus {
    fn from_name(name: &str) -> Self {
        match name {
            "Pending" => Self::Pending,
            "InProgress" => Self::InProgress,
            "Delayed" => Self::Delayed,
            "Success" => Self::Success,
            "Cancelled" => Self::Cancelled,
            "TimedOut" => Self::TimedOut,
            "Failed" => Self::Failed,
            "Cancelling" => Self::Cancelling,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// Whether it will not change any more. What is unknown may.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Success | Self::Cancelled | Self::TimedOut | Self::Failed => true,
            Self::Pending
            | Self::InProgress
            | Self::Delayed
            | Self::Cancelling
            | Self::Unknown(_) => false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: &'static str,
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InformationInput {
    filters: Vec<Filter>,
    max_results: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Its list, like that of the other pages here, is in every answer; without it the answer is not one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InformationPage {
    instance_information_list: Vec<Information>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Information {
    instance_id: String,
    ping_status: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendInput<'a> {
    document_name: &'a str,
    instance_ids: &'a [InstanceId],
    parameters: BTreeMap<&'static str, &'a [String]>,
    comment: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendOutput {
    command: SentInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentInfo {
    command_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InvocationsInput {
    command_id: String,
    max_results: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InvocationsPage {
    command_invocations: Vec<Invocation>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invocation {
    instance_id: String,
    status: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OutputInput<'a> {
    command_id: &'a str,
    instance_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OutputInfo {
    status: String,
    response_code: Option<i64>,
    #[serde(default)]
    standard_output_content: String,
    #[serde(default)]
    standard_error_content: String,
}

impl AwsClient {
    /// Sends a command document, such as `AWS-RunShellScript`, with its `commands` to these instances.
    ///
    /// Instances whose agent is not online are left out first, because one of them would fail the call for all. A command is
    /// never sent again when its outcome is unknown, for nothing would stop it from running twice.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`] as long as nothing has been sent; later ones are in [`CommandRun::not_sent`].
    pub async fn run_command(
        &self,
        region: &Region,
        ids: &[InstanceId],
        document: &str,
        commands: &[String],
    ) -> Result<CommandRun, AwsError> {
        let online = self.online_agents(region, ids).await?;
        let mut run = CommandRun::default();
        let (ready, absent): (BTreeSet<_>, BTreeSet<_>) =
            ids.iter().cloned().partition(|id| online.contains(id));
        run.not_sent
            .extend(absent.into_iter().map(|id| (id, NotSent::AgentNotOnline)));
        let ready: Vec<InstanceId> = ready.into_iter().collect();
        for batch in ready.chunks(BATCH) {
            let input = SendInput {
                document_name: document,
                instance_ids: batch,
                parameters: BTreeMap::from([("commands", commands)]),
                comment: "sent by stayput",
            };
            let sent: Result<SendOutput, AwsError> =
                self.json(region, Service::Ssm, "SendCommand", &input).await;
            match sent {
                Ok(sent) => run.sent.push(SentCommand {
                    id: CommandId::new(sent.command.command_id),
                    instances: batch.iter().cloned().collect(),
                }),
                Err(error) if run.sent.is_empty() => return Err(error),
                Err(error) => {
                    let error = Arc::new(error);
                    run.not_sent.extend(
                        batch
                            .iter()
                            .map(|id| (id.clone(), NotSent::Failed(Arc::clone(&error)))),
                    );
                }
            }
        }
        Ok(run)
    }

    /// What a sent command has done so far on each of its instances; output only where it has ended.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn command_results(
        &self,
        region: &Region,
        sent: &SentCommand,
    ) -> Result<BTreeMap<InstanceId, CommandResult>, AwsError> {
        let listed = self
            .json_list(
                region,
                Service::Ssm,
                "ListCommandInvocations",
                |next_token| InvocationsInput {
                    command_id: sent.id.to_string(),
                    max_results: BATCH,
                    next_token,
                },
                |page: InvocationsPage| Ok((page.command_invocations, page.next_token)),
            )
            .await?;
        let listed: BTreeMap<InstanceId, CommandStatus> = listed
            .into_iter()
            .map(|invocation| {
                let id = InstanceId::new(invocation.instance_id);
                (id, CommandStatus::from_name(&invocation.status))
            })
            .collect();
        stream::iter(&sent.instances)
            .map(|id| async {
                // Not listed yet means not delivered yet.
                let status = listed.get(id).cloned().unwrap_or(CommandStatus::Pending);
                let result = if status.is_final() {
                    self.command_output(region, &sent.id, id, status).await?
                } else {
                    without_output(status)
                };
                Ok((id.clone(), result))
            })
            .buffer_unordered(OUTPUTS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn online_agents(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeSet<InstanceId>, AwsError> {
        let mut online = BTreeSet::new();
        for batch in ids.chunks(BATCH) {
            let agents = self
                .json_list(
                    region,
                    Service::Ssm,
                    "DescribeInstanceInformation",
                    |next_token| InformationInput {
                        filters: vec![
                            Filter {
                                key: "InstanceIds",
                                values: batch.iter().map(ToString::to_string).collect(),
                            },
                            Filter {
                                key: "PingStatus",
                                values: vec!["Online".to_owned()],
                            },
                        ],
                        max_results: BATCH,
                        next_token,
                    },
                    |page: InformationPage| Ok((page.instance_information_list, page.next_token)),
                )
                .await?;
            online.extend(
                agents
                    .into_iter()
                    .filter(|agent| agent.ping_status.as_deref() == Some("Online"))
                    .map(|agent| InstanceId::new(agent.instance_id)),
            );
        }
        Ok(online)
    }

    async fn command_output(
        &self,
        region: &Region,
        command: &CommandId,
        instance: &InstanceId,
        listed: CommandStatus,
    ) -> Result<CommandResult, AwsError> {
        let input = OutputInput {
            command_id: command.as_str(),
            instance_id: instance.as_str(),
        };
        for attempt in 1..=OUTPUT_ATTEMPTS {
            let answer: Result<OutputInfo, AwsError> = self
                .json(region, Service::Ssm, "GetCommandInvocation", &input)
                .await;
            match answer {
                Ok(output) => {
                    return Ok(CommandResult {
                        status: CommandStatus::from_name(&output.status),
                        // -1 stands for "has not ended".
                        exit_code: output.response_code.filter(|code| *code != -1),
                        stdout: output.standard_output_content,
                        stderr: output.standard_error_content,
                    });
                }
                Err(error) if error.has_code(NOT_YET) => {
                    if attempt < OUTPUT_ATTEMPTS {
                        tokio::time::sleep(OUTPUT_PAUSE).await;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(without_output(listed))
    }
}

fn without_output(status: CommandStatus) -> CommandResult {
    CommandResult {
        status,
        exit_code: None,
        stdout: String::new(),
        stderr: String::new(),
    }
}

#[cfg(test)]
mod tests;
