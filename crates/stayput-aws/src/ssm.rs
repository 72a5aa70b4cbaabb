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
/// Outputs fetched, and lists of agents read, at once.
const OUTPUTS_AT_ONCE: usize = 8;
/// How often, and how far apart, an output is asked for that the service says does not exist: right after it is done it may
/// not be there yet.
const OUTPUT_ATTEMPTS: u32 = 5;
const OUTPUT_PAUSE: Duration = Duration::from_secs(1);
const NOT_YET: &str = "InvocationDoesNotExist";
/// The error for a batch that names an instance whose agent is not online.
const NOT_MANAGED: &str = "InvalidInstanceId";

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

/// A document as it was when it was looked up. A command that names it runs this content or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedDocument {
    /// Its name, or its ARN if another account shares it.
    pub name: String,
    /// Its version: the default one when it was looked up.
    pub version: String,
    /// SHA-256 of its content, in hexadecimal digits.
    pub hash: String,
    /// The step whose output is asked for. `None` is for documents of one step: of several steps Systems Manager gives only a summary (AWS
    /// reference §5).
    pub step: Option<String>,
}

/// An agent that is registered with Systems Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Whether a command would reach it.
    pub ping: Ping,
    /// The operating system it runs on; `None`: it has not told.
    pub platform: Option<AgentPlatform>,
}

/// `PingStatus` of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ping {
    /// It reports.
    Online,
    /// It has not reported for some minutes.
    ConnectionLost,
    /// It has not reported for long.
    Inactive,
    /// Anything else, as reported; empty if nothing was.
    Unknown(String),
}

impl Ping {
    fn from_name(name: Option<String>) -> Self {
        match name.as_deref() {
            Some("Online") => Self::Online,
            Some("ConnectionLost") => Self::ConnectionLost,
            Some("Inactive") => Self::Inactive,
            _ => Self::Unknown(name.unwrap_or_default()),
        }
    }
}

/// `PlatformType` of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentPlatform {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// Anything else, as reported.
    Other(String),
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Online => "Online",
            Self::ConnectionLost => "ConnectionLost",
            Self::Inactive => "Inactive",
            Self::Unknown(name) => name,
        })
    }
}

impl fmt::Display for AgentPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
            Self::Other(name) => name,
        })
    }
}

impl AgentPlatform {
    fn from_name(name: String) -> Self {
        match name.as_str() {
            "Linux" => Self::Linux,
            "Windows" => Self::Windows,
            _ => Self::Other(name),
        }
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
    /// The step whose output is asked for, as in [`PinnedDocument::step`].
    pub step: Option<String>,
}

/// Why a command was not sent to an instance.
#[derive(Debug, Clone)]
pub enum NotSent {
    /// Its agent is not online any more, or not registered any more.
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

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Delayed => "Delayed",
            Self::Success => "Success",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "TimedOut",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Unknown(name) => name,
        })
    }
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
    platform_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeDocumentInput<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedDocument {
    document: DocumentInfo,
}

/// Without hash and version it cannot be pinned; the answer is then not one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DocumentInfo {
    document_version: String,
    hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetDocumentInput<'a> {
    name: &'a str,
    document_version: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DocumentContent {
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendInput<'a> {
    document_name: &'a str,
    document_version: &'a str,
    document_hash: &'a str,
    document_hash_type: &'static str,
    instance_ids: &'a [InstanceId],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<&'static str, Vec<String>>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_name: Option<&'a str>,
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
    /// Looks a document up, so that what is sent later is what was looked at.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`]; `InvalidDocument` when there is none of this name.
    pub async fn pin_document(
        &self,
        region: &Region,
        name: &str,
    ) -> Result<PinnedDocument, AwsError> {
        let input = DescribeDocumentInput { name };
        let found: DescribedDocument = self
            .json(region, Service::Ssm, "DescribeDocument", &input)
            .await?;
        Ok(PinnedDocument {
            name: name.to_owned(),
            version: found.document.document_version,
            hash: found.document.hash,
            step: None,
        })
    }

    /// The content of a document's pinned version.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn document_content(
        &self,
        region: &Region,
        document: &PinnedDocument,
    ) -> Result<String, AwsError> {
        let input = GetDocumentInput {
            name: &document.name,
            document_version: &document.version,
        };
        let found: DocumentContent = self
            .json(region, Service::Ssm, "GetDocument", &input)
            .await?;
        Ok(found.content)
    }

    /// Sends a command document with these parameters to instances whose agent is online.
    ///
    /// One agent that has gone fails the call for its whole batch; the batch is then sent again without it. A command is never sent again
    /// when its outcome is unknown, for nothing would stop it from running twice.
    pub async fn send_command(
        &self,
        region: &Region,
        ids: &[InstanceId],
        document: &PinnedDocument,
        parameters: &BTreeMap<&'static str, Vec<String>>,
    ) -> CommandRun {
        let mut run = CommandRun::default();
        for batch in ids.chunks(BATCH) {
            let mut sent = self.send_batch(region, batch, document, parameters).await;
            let mut batch = batch.to_vec();
            if let Err(error) = &sent
                && error.has_code(NOT_MANAGED)
                && let Ok(agents) = self.agents(region, &batch).await
            {
                let is_online = |id: &InstanceId| {
                    let agent = agents.get(id);
                    agent.is_some_and(|agent| agent.ping == Ping::Online)
                };
                let (ready, gone): (Vec<_>, Vec<_>) = batch.drain(..).partition(is_online);
                batch = ready;
                if !gone.is_empty() && !batch.is_empty() {
                    sent = self.send_batch(region, &batch, document, parameters).await;
                }
                run.not_sent
                    .extend(gone.into_iter().map(|id| (id, NotSent::AgentNotOnline)));
            }
            match sent {
                Ok(id) => run.sent.push(SentCommand {
                    id,
                    instances: batch.into_iter().collect(),
                    step: document.step.clone(),
                }),
                Err(error) => {
                    let error = Arc::new(error);
                    let failed = |id| (id, NotSent::Failed(Arc::clone(&error)));
                    run.not_sent.extend(batch.into_iter().map(failed));
                }
            }
        }
        run
    }

    async fn send_batch(
        &self,
        region: &Region,
        batch: &[InstanceId],
        document: &PinnedDocument,
        parameters: &BTreeMap<&'static str, Vec<String>>,
    ) -> Result<CommandId, AwsError> {
        let input = SendInput {
            document_name: &document.name,
            document_version: &document.version,
            document_hash: &document.hash,
            document_hash_type: "Sha256",
            instance_ids: batch,
            parameters,
            comment: "sent by stayput",
        };
        let sent: SendOutput = self
            .json(region, Service::Ssm, "SendCommand", &input)
            .await?;
        Ok(CommandId::new(sent.command.command_id))
    }

    /// What a sent command has done so far on each of its instances; output only where it has ended. An output that cannot be read is the
    /// error of its instance.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`] of the list of all.
    pub async fn command_results(
        &self,
        region: &Region,
        sent: &SentCommand,
    ) -> Result<BTreeMap<InstanceId, Result<CommandResult, AwsError>>, AwsError> {
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
        let results = stream::iter(&sent.instances)
            .map(|id| async {
                // Not listed yet means not delivered yet.
                let status = listed.get(id).cloned().unwrap_or(CommandStatus::Pending);
                let result = if status.is_final() {
                    self.command_output(region, sent, id, status).await
                } else {
                    Ok(without_output(status))
                };
                (id.clone(), result)
            })
            .buffer_unordered(OUTPUTS_AT_ONCE);
        Ok(results.collect().await)
    }

    /// The agents of these instances that are registered with Systems Manager in this account.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn agents(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, Agent>, AwsError> {
        let batches: Vec<_> = ids.chunks(BATCH).map(<[_]>::to_vec).collect();
        let listed: Vec<Vec<Information>> = stream::iter(batches)
            .map(|batch| async move {
                let names: Vec<_> = batch.iter().map(ToString::to_string).collect();
                self.json_list(
                    region,
                    Service::Ssm,
                    "DescribeInstanceInformation",
                    |next_token| InformationInput {
                        filters: vec![Filter {
                            key: "InstanceIds",
                            values: names.clone(),
                        }],
                        max_results: BATCH,
                        next_token,
                    },
                    |page: InformationPage| Ok((page.instance_information_list, page.next_token)),
                )
                .await
            })
            .buffer_unordered(OUTPUTS_AT_ONCE)
            .try_collect()
            .await?;
        let agents = listed.into_iter().flatten().map(|listed| {
            let agent = Agent {
                ping: Ping::from_name(listed.ping_status),
                platform: listed.platform_type.map(AgentPlatform::from_name),
            };
            (InstanceId::new(listed.instance_id), agent)
        });
        Ok(agents.collect())
    }

    async fn command_output(
        &self,
        region: &Region,
        sent: &SentCommand,
        instance: &InstanceId,
        listed: CommandStatus,
    ) -> Result<CommandResult, AwsError> {
        let input = OutputInput {
            command_id: sent.id.as_str(),
            instance_id: instance.as_str(),
            plugin_name: sent.step.as_deref(),
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
        // It has ended, and its output is not there yet: that is no result.
        Ok(without_output(CommandStatus::Unknown(format!(
            "{listed}, output not available"
        ))))
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
