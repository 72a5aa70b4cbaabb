//! The journal: attempts at steps, with their intents, observations and outcomes.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use stayput_plan::StepId;

use crate::RunId;
use crate::Sequence;
use crate::Who;

/// An attempt that was started: its intent is on disk, its effect may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an attempt is observed and concluded by its sequence"]
pub struct Attempt {
    /// Names it in [`Ledger::observe`](crate::Ledger::observe) and [`Ledger::conclude`](crate::Ledger::conclude).
    pub sequence: Sequence,
    /// Its number among the attempts at this step in this run, from 1.
    pub number: u32,
    /// How many earlier attempts at this step in this run have a known outcome: [`Outcome::is_known`]. Part of request ids: after a known
    /// outcome a request gets a new id, after an unknown one the same id.
    pub concluded: u32,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// The result of the step was already in place.
    Unchanged,
    /// The result of the step is in place now.
    Done,
    /// It failed, and no later effect of it is possible.
    Failed {
        /// Why.
        error: String,
    },
    /// It is unknown whether it had an effect: an answer was lost or late.
    InDoubt {
        /// What is known.
        error: String,
    },
}

impl Outcome {
    /// Whether the outcome of the attempt is known.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unchanged | Self::Done | Self::Failed { .. } => true,
            Self::InDoubt { .. } => false,
        }
    }
}

impl Outcome {
    /// How the attempt ended, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Unchanged => Message::new("outcome-unchanged"),
            Self::Done => Message::new("outcome-done"),
            Self::Failed { error } => Message::new("outcome-failed").with("error", error),
            Self::InDoubt { error } => Message::new("outcome-in-doubt").with("error", error),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// One record of the journal: an attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its position in the ledger.
    pub sequence: Sequence,
    /// Its run.
    pub run: RunId,
    /// Its step.
    pub step: StepId,
    /// Its number among the attempts at this step in this run, from 1.
    pub attempt: u32,
    /// Who made this attempt.
    pub who: Who,
    /// When its intent was written.
    pub at: Timestamp,
    /// When its outcome was written. `None` without an outcome, and for entries written by format 1.
    pub ended: Option<Timestamp>,
    /// What was intended, with its inverse.
    pub intent: serde_json::Value,
    /// The state before and after, as the step observed it.
    pub observed: Vec<serde_json::Value>,
    /// Its outcome; `None`: it is in progress, or its process ended.
    pub outcome: Option<Outcome>,
}
