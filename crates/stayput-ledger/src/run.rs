//! Runs: executions of plans.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use stayput_plan::Goal;
pub use stayput_plan::RunId;

use crate::Who;

/// One execution of a plan. It stays open, and keeps its id, until its goal is reached or it is abandoned, however often its
/// process is killed in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its goal.
    pub goal: Goal,
    /// Who started it. Its journal names who resumed it.
    pub who: Who,
    /// When it was started.
    pub started: Timestamp,
    /// Whether it can be resumed.
    pub state: RunState,
}

impl Run {
    /// Whether it can be resumed.
    pub fn is_open(&self) -> bool {
        match self.state {
            RunState::Open => true,
            RunState::Reached { .. } | RunState::Abandoned { .. } => false,
        }
    }
}

/// Whether a run can be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RunState {
    /// Its goal is not reached yet.
    Open,
    /// Its goal is reached.
    Reached {
        /// Since when.
        at: Timestamp,
    },
    /// It is not to be resumed.
    Abandoned {
        /// Since when.
        at: Timestamp,
        /// Who abandoned it.
        by: Who,
        /// Why.
        why: String,
    },
}

impl RunState {
    /// The state, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Open => Message::new("run-open"),
            Self::Reached { at } => Message::new("run-reached").with("at", at),
            Self::Abandoned { at, by, why } => Message::new("run-abandoned")
                .with("at", at)
                .with("by", by)
                .with("why", why),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}
