//! What became of a story.

use serde::Serialize;
use stayput_engine::EngineError;
use stayput_lab::ScenarioError;
use stayput_messages::Message;

use crate::gate::CallRecord;
use crate::judge::Violation;

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The scenario is not valid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The scenario's estate file is not valid. What is wrong can have several lines, which would be escaped in a message.
    #[error("{} {}", Message::new("simulate-estate-not-valid"), .0)]
    Estate(String),
    /// A client cannot be made.
    #[error(transparent)]
    Client(#[from] EngineError),
    /// The runtime cannot be made.
    #[error("{}", Message::new("simulate-no-runtime"))]
    Runtime(#[source] std::io::Error),
    /// The beginning of a story cannot be told, for a reason that can have several lines, too.
    #[error("{} {}", Message::new("simulate-no-beginning"), .0)]
    Beginning(String),
    /// A rule names something that the lab does not have.
    #[error("{0}")]
    Rule(String),
}

/// How one command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "end", content = "why")]
pub enum End {
    /// Its goal is reached.
    Reached,
    /// It was refused: what stands in the way, with remedies.
    Refused(Vec<String>),
    /// It failed.
    Failed(String),
    /// Its process was killed.
    Killed,
}

/// One command of a story.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// Virtual time at its end, RFC 3339.
    pub at: String,
    /// The command.
    pub command: String,
    /// The steps of the plan that was approved; none if there was no plan, or nothing to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// How it ended.
    pub end: End,
}

/// A story that was told.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Every command, in order.
    pub told: Vec<Told>,
    /// Promises that were not kept.
    pub violations: Vec<Violation>,
    /// The command that was given up, if one was: its goal was not reached within the bound of repeats.
    pub stuck: Option<String>,
    /// How many faults took effect, kills included.
    pub faults_injected: u64,
    /// Virtual time that passed, in seconds.
    pub virtual_secs: u64,
    /// How many states the judge looked at.
    pub looks: u64,
    /// The smallest part of the disaster with which the story is still bad, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<String>,
    /// Every entry of the journal, as text.
    #[serde(skip)]
    pub journal: Vec<String>,
    /// Every call of the processes.
    #[serde(skip)]
    pub calls: Vec<CallRecord>,
    /// How many writes of the ledger were begun.
    #[serde(skip)]
    pub writes: u64,
}

impl Outcome {
    /// Whether every promise was kept and the end was reached.
    pub fn is_fine(&self) -> bool {
        self.violations.is_empty() && self.stuck.is_none()
    }
}
