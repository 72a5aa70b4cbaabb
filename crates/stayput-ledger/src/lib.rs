//! The ledger: what must survive. Captured facts, runs, and the journal of step intents and outcomes.
//!
//! One trait with plain data; [`SqliteLedger`] is the embedded store. Facts are written with `synchronous=FULL` and read
//! back before a caller may touch a NIC (promise 1). What only tells what happened rides with the next write that is synced: it
//! outlives the process at once, and the machine a moment later.

mod lock;
mod sqlite;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::Goal;
use stayput_plan::StepId;
use stayput_world::Facts;
use stayput_world::MachineFacts;

pub use lock::EstateLock;
pub use sqlite::SqliteLedger;

/// Why the ledger could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The store itself.
    #[error("ledger {path}")]
    Store {
        /// The file.
        path: String,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file or its lock.
    #[error("ledger {path}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A row holds what this build cannot read.
    #[error("ledger row {row} cannot be read")]
    Row {
        /// Which row.
        row: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// What was read back is not what was written.
    #[error("facts of {0} were not read back as written; the store is not to be trusted")]
    NotReadBack(InstanceId),
    /// The ledger was written by a newer build.
    #[error("ledger {path} has format {found}; this build reads up to {known}")]
    TooNew {
        /// The file.
        path: String,
        /// Its format.
        found: i64,
        /// What is known here.
        known: i64,
    },
    /// Another process works on this estate.
    #[error("another stayput is working on this estate ({holder})")]
    Held {
        /// Who, as it wrote of itself.
        holder: String,
    },
}

/// One execution of a plan. It stays open, and keeps its id, until its goal is reached, whoever is killed in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id (UUID).
    pub id: String,
    /// What it reaches.
    pub goal: Goal,
    /// Who started it.
    pub who: String,
    /// When (RFC 3339).
    pub started: String,
    /// When it reached its goal.
    pub finished: Option<String>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It was true already.
    Unchanged,
    /// It is true now.
    Done,
    /// It failed; the text says why.
    Failed {
        /// Why.
        error: String,
    },
}

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Order in the ledger.
    pub sequence: i64,
    /// Its run.
    pub run: String,
    /// Its step.
    pub step: StepId,
    /// When the intent was written (RFC 3339).
    pub at: String,
    /// What was intended, with its inverse.
    pub intent: serde_json::Value,
    /// What was there before, and what after, as the step saw it.
    pub observed: Vec<serde_json::Value>,
    /// What became of it; `None`: nobody lived to say.
    pub outcome: Option<Outcome>,
}

/// Storage of what must survive. Times are given in, never taken.
pub trait Ledger: Send + Sync {
    /// Everything captured.
    fn facts(&self) -> Result<Facts, LedgerError>;

    /// One machine as captured.
    fn machine(&self, machine: &InstanceId) -> Result<Option<MachineFacts>, LedgerError>;

    /// Writes facts, syncs, and reads them back.
    fn put_machines(
        &self,
        machines: &BTreeMap<InstanceId, MachineFacts>,
        at: &str,
    ) -> Result<(), LedgerError>;

    /// Writes which VM a machine is at a site; the VMs it was elsewhere stay known.
    fn put_vm(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
        at: &str,
    ) -> Result<(), LedgerError>;

    /// The open run for this goal, or a new one with the given id.
    fn open_run(&self, goal: &Goal, id: &str, who: &str, at: &str) -> Result<Run, LedgerError>;

    /// Closes a run whose goal is reached.
    fn close_run(&self, run: &str, at: &str) -> Result<(), LedgerError>;

    /// Runs, newest first.
    fn runs(&self) -> Result<Vec<Run>, LedgerError>;

    /// Writes an intent before its effect; gives its sequence number.
    fn intend(
        &self,
        run: &str,
        step: &StepId,
        intent: &serde_json::Value,
        at: &str,
    ) -> Result<i64, LedgerError>;

    /// Adds what a step saw, before or after it acted. Outlives this process; synced with the next intent, fact or end of a run.
    fn observe(&self, sequence: i64, observed: &serde_json::Value) -> Result<(), LedgerError>;

    /// Writes what became of an intent. A failure is synced, as it makes the next try a new request; other outcomes outlive
    /// this process and are synced with the next intent, fact or end of a run: without them a step is only looked at again.
    fn conclude(&self, sequence: i64, outcome: &Outcome) -> Result<(), LedgerError>;

    /// How often this step of this run is on record as failed. Part of request ids, so that a retry after a failure is a new
    /// request, and a retry after a lost answer is not.
    fn failures(&self, run: &str, step: &StepId) -> Result<u32, LedgerError>;

    /// The journal of a run, oldest first.
    fn journal(&self, run: &str) -> Result<Vec<Entry>, LedgerError>;
}
