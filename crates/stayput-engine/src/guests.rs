//! Captures guests: runs a script inside them through Systems Manager, and collects what it prints. The script changes nothing.

mod script;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use stayput_aws::Agent;
use stayput_aws::AwsClient;
use stayput_aws::CommandResult;
use stayput_aws::CommandStatus;
use stayput_aws::NotSent;
use stayput_aws::Ping;
use stayput_aws::PinnedDocument;
use stayput_aws::SentCommand;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::Region;
use stayput_guest::GuestReport;
use stayput_messages::Message;
use stayput_world::GuestCapture;
use stayput_world::World;
use stayput_world::aws::InstanceState;

use crate::EngineError;
use crate::Event;
use crate::Events;
use script::ScriptFor;

/// How long guests may take together, from the moment the last command was sent. The script itself takes at most two minutes, and Systems
/// Manager delivers to 50 guests at a time.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often in a row the results of a command cannot be read before that is given up.
const READS: u32 = 3;
/// Characters of an error output that are shown.
const SHOWN: usize = 300;

/// What was captured of guests.
#[derive(Debug, Default)]
pub struct Guests {
    /// What the script printed, of each machine in which it ended well.
    pub captured: BTreeMap<InstanceId, GuestCapture>,
    /// The other machines, each with the reason.
    pub missing: BTreeMap<InstanceId, NoGuest>,
}

/// Why a machine's guest was not captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoGuest {
    /// AWS does not show its instance in this region and account.
    NoInstance,
    /// Its instance does not run.
    NotRunning {
        /// The instance's state.
        state: String,
    },
    /// Its agent is not registered with Systems Manager in this account.
    NotRegistered {
        /// Whether the instance has an instance profile; without one an agent usually cannot register.
        has_profile: bool,
    },
    /// Its agent does not report.
    NotOnline {
        /// As Systems Manager calls it.
        ping: String,
    },
    /// There is no script for its operating system.
    OtherPlatform {
        /// The operating system, as its agent reports it.
        platform: String,
    },
    /// The command was not sent to it.
    NotSent {
        /// Why.
        why: String,
    },
    /// The command may have been sent to it: the answer was lost.
    NotConfirmed {
        /// What is known.
        why: String,
    },
    /// The script did not end well.
    Failed {
        /// Status of the command.
        status: String,
        /// The script's exit code, if it ended.
        exit_code: Option<i64>,
        /// The start of its error output.
        stderr: String,
    },
    /// The script ended, and what it printed is no report.
    NoReport {
        /// Why.
        why: String,
    },
    /// The command was sent, and what it did could not be read.
    NotRead {
        /// Why.
        why: String,
    },
    /// Its agent was online, and was not any more when the command was to be sent.
    WentOffline,
    /// The script had not ended when the time was up.
    NotEnded {
        /// Status of the command.
        status: String,
    },
}

impl NoGuest {
    /// The reason, for people.
    pub fn message(&self) -> Message {
        match self {
            Self::NoInstance => Message::new("engine-guest-no-instance"),
            Self::NotRunning { state } => {
                Message::new("engine-guest-not-running").with("state", state)
            }
            Self::NotRegistered { has_profile: true } => {
                Message::new("engine-guest-not-registered")
            }
            Self::NotRegistered { has_profile: false } => {
                Message::new("engine-guest-not-registered-no-profile")
            }
            Self::NotOnline { ping } => Message::new("engine-guest-not-online").with("ping", ping),
            Self::OtherPlatform { platform } => {
                Message::new("engine-guest-other-platform").with("platform", platform)
            }
            Self::NotSent { why } => Message::new("engine-guest-not-sent").with("why", why),
            Self::NotConfirmed { why } => {
                Message::new("engine-guest-not-confirmed").with("why", why)
            }
            Self::Failed {
                status,
                exit_code: Some(code),
                stderr,
            } => Message::new("engine-guest-failed")
                .with("status", status)
                .with("code", code)
                .with("stderr", stderr),
            Self::Failed {
                status,
                exit_code: None,
                stderr: _,
            } => Message::new("engine-guest-failed-without-code").with("status", status),
            Self::NoReport { why } => Message::new("engine-guest-no-report").with("why", why),
            Self::NotRead { why } => Message::new("engine-guest-not-read").with("why", why),
            Self::WentOffline => Message::new("engine-guest-went-offline"),
            Self::NotEnded { status } => {
                Message::new("engine-guest-not-ended").with("status", status)
            }
        }
    }
}

/// Captures the guests of these machines.
///
/// # Errors
/// Agents cannot be listed, a document cannot be read, or it does not have the scripts of this build. Nothing ran in a guest then.
pub async fn capture_guests(
    estate: &Estate,
    aws: &AwsClient,
    world: &World,
    machines: &BTreeSet<InstanceId>,
    events: &Events,
) -> Result<Guests, EngineError> {
    let region = &estate.source.region;
    let mut guests = Guests::default();
    let mut running = Vec::new();
    for id in machines {
        match not_running(world, region, id) {
            Some(why) => {
                guests.missing.insert(id.clone(), why);
            }
            None => running.push(id.clone()),
        }
    }
    if running.is_empty() {
        return Ok(guests);
    }
    let what = Message::new("progress-agents").with("region", region);
    events.send(Event::Observing {
        what: what.to_string(),
    });
    let agents = aws.agents(region, &running).await?;
    let mut ready: BTreeMap<ScriptFor, Vec<InstanceId>> = BTreeMap::new();
    for id in running {
        match script_for(world, region, &id, agents.get(&id)) {
            Ok(platform) => ready.entry(platform).or_default().push(id),
            Err(why) => {
                guests.missing.insert(id, why);
            }
        }
    }
    // All documents before the first command.
    let mut orders = Vec::new();
    for (platform, ids) in ready {
        let order = order(estate, aws, platform).await?;
        orders.push((order, ids));
    }
    let mut sent = Vec::new();
    for (order, ids) in &orders {
        let run = aws
            .send_command(region, ids, &order.document, &order.parameters)
            .await;
        sent.extend(run.sent.into_iter().map(|command| (command, order)));
        let not_sent = run.not_sent.into_iter();
        guests
            .missing
            .extend(not_sent.map(|(id, why)| (id, why_not_sent(&why))));
    }
    collect(
        aws,
        region,
        estate.engine.poll_interval,
        sent,
        events,
        &mut guests,
    )
    .await;
    Ok(guests)
}

/// What is sent to the guests of one platform.
struct Order {
    document: PinnedDocument,
    parameters: BTreeMap<&'static str, Vec<String>>,
}

async fn order(
    estate: &Estate,
    aws: &AwsClient,
    platform: ScriptFor,
) -> Result<Order, EngineError> {
    let region = &estate.source.region;
    let Some(name) = &estate.source.capture_document else {
        let document = aws.pin_document(region, platform.aws_document()).await?;
        let parameters = [("commands", platform.commands())].into();
        return Ok(Order {
            document,
            parameters,
        });
    };
    let document = aws.pin_document(region, name).await?;
    let content = aws.document_content(region, &document).await?;
    let Some(step) = platform.step_in(&content) else {
        return Err(EngineError::OtherScript {
            document: document.name,
            version: document.version,
            platform: platform.name(),
        });
    };
    Ok(Order {
        document: PinnedDocument {
            step: Some(step),
            ..document
        },
        parameters: BTreeMap::new(),
    })
}

/// Polls until every command has ended, or for [`PATIENCE`].
async fn collect(
    aws: &AwsClient,
    region: &Region,
    poll_interval: Duration,
    sent: Vec<(SentCommand, &Order)>,
    events: &Events,
    guests: &mut Guests,
) {
    let of = sent
        .iter()
        .map(|(command, _)| command.instances.len())
        .sum();
    let mut ended = 0;
    let mut open: Vec<_> = sent
        .into_iter()
        .map(|(command, order)| (command, order, 0))
        .collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !open.is_empty() {
        let is_over = tokio::time::Instant::now() >= deadline;
        for (command, order, failures) in &mut open {
            // What is read is not read again; what cannot be read is asked for some times more.
            let ids = command.instances.clone();
            let results = aws.command_results(region, command).await;
            let mut unread = BTreeMap::new();
            let results = results.unwrap_or_else(|error| {
                let why = error.to_string();
                unread.extend(ids.into_iter().map(|id| (id, why.clone())));
                BTreeMap::new()
            });
            for (id, result) in results {
                let result = match result {
                    Ok(result) if !result.status.is_final() && !is_over => continue,
                    Ok(result) => result,
                    Err(error) => {
                        unread.insert(id, error.to_string());
                        continue;
                    }
                };
                ended += 1;
                command.instances.remove(&id);
                match outcome(result, &order.document) {
                    Ok(captured) => {
                        guests.captured.insert(id, captured);
                    }
                    Err(why) => {
                        guests.missing.insert(id, why);
                    }
                }
            }
            *failures = match unread.is_empty() {
                true => 0,
                false => *failures + 1,
            };
            if *failures >= READS || is_over {
                for (id, why) in unread {
                    command.instances.remove(&id);
                    guests.missing.insert(id, NoGuest::NotRead { why });
                }
            }
        }
        open.retain(|(command, ..)| !command.instances.is_empty());
        events.send(Event::Guests { ended, of });
        if !open.is_empty() {
            tokio::time::sleep(poll_interval).await;
        }
    }
}

fn outcome(result: CommandResult, document: &PinnedDocument) -> Result<GuestCapture, NoGuest> {
    let CommandResult {
        status,
        exit_code,
        stdout,
        stderr,
    } = result;
    match status {
        // A pipe ends well although a program before its last one is missing.
        CommandStatus::Success => match GuestReport::parse(&stdout) {
            Ok(_) => Ok(GuestCapture {
                document: document.name.clone(),
                version: document.version.clone(),
                hash: document.hash.clone(),
                output: stdout,
            }),
            Err(error) => Err(NoGuest::NoReport {
                why: error.to_string(),
            }),
        },
        status if status.is_final() => Err(NoGuest::Failed {
            status: status.to_string(),
            exit_code,
            stderr: stderr.trim().chars().take(SHOWN).collect(),
        }),
        status => Err(NoGuest::NotEnded {
            status: status.to_string(),
        }),
    }
}

fn not_running(world: &World, region: &Region, id: &InstanceId) -> Option<NoGuest> {
    let region = world.aws.get(region);
    let Some(instance) = region.and_then(|region| region.instances.get(id)) else {
        return Some(NoGuest::NoInstance);
    };
    (instance.state != InstanceState::Running).then(|| NoGuest::NotRunning {
        state: instance.state.to_string(),
    })
}

fn script_for(
    world: &World,
    region: &Region,
    id: &InstanceId,
    agent: Option<&Agent>,
) -> Result<ScriptFor, NoGuest> {
    let Some(agent) = agent else {
        let instance = world.aws.get(region);
        let instance = instance.and_then(|region| region.instances.get(id));
        let traits = instance.and_then(|instance| instance.traits.as_ref());
        let has_profile = traits.is_none_or(|traits| traits.instance_profile.is_some());
        return Err(NoGuest::NotRegistered { has_profile });
    };
    match &agent.ping {
        Ping::Online => {}
        ping @ (Ping::ConnectionLost | Ping::Inactive | Ping::Unknown(_)) => {
            return Err(NoGuest::NotOnline {
                ping: ping.to_string(),
            });
        }
    }
    let other = || NoGuest::OtherPlatform {
        platform: agent
            .platform
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string),
    };
    let platform = agent.platform.as_ref().and_then(ScriptFor::of);
    platform.ok_or_else(other)
}

fn why_not_sent(why: &NotSent) -> NoGuest {
    match why {
        NotSent::AgentNotOnline => NoGuest::WentOffline,
        NotSent::Failed(error) if error.may_have_taken_effect() => NoGuest::NotConfirmed {
            why: error.to_string(),
        },
        NotSent::Failed(error) => NoGuest::NotSent {
            why: error.to_string(),
        },
    }
}
