//! The journal: attempts at steps, with what they intended, saw and came to.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_plan::StepId;

use crate::RunId;
use crate::Sequence;
use crate::Who;

/// An attempt that has been begun: its intent is on disk, its effect may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an attempt is observed and concluded by its sequence"]
pub struct Attempt {
    /// Names it in [`Ledger::observe`](crate::Ledger::observe) and [`Ledger::conclude`](crate::Ledger::conclude).
    pub sequence: Sequence,
    /// Its number among the attempts at this step in this run, from 1.
    pub number: u32,
    /// How many earlier attempts at this step in this run have a known end: [`Outcome::is_known`]. Part of request ids: after a
    /// known end a request is a new one, after doubt it is the same.
    pub concluded: u32,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// What the step says was true already.
    Unchanged,
    /// What the step says is true now.
    Done,
    /// It failed and has no effect that is still to come.
    Failed {
        /// Why.
        error: String,
    },
    /// It is not known whether it has had an effect: an answer was lost, or came too late.
    InDoubt {
        /// What is known.
        error: String,
    },
}

impl Outcome {
    /// Whether it is known what became of the attempt.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unchanged | Self::Done | Self::Failed { .. } => true,
            Self::InDoubt { .. } => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::Done => f.write_str("done"),
            Self::Failed { error } => write!(f, "failed: {error}"),
            Self::InDoubt { error } => write!(f, "in doubt: {error}"),
        }
    }
}

/// One record of the journal: an attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the ledger.
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
    /// What was there before, and what after, as the step saw it.
    pub observed: Vec<serde_json::Value>,
    /// What became of it; `None`: it is being worked on, or its process died.
    pub outcome: Option<Outcome>,
}
