//! The writes of a ledger as records of a log.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_plan::StepId;

use crate::By;
use crate::Holder;
use crate::LeaseScope;
use crate::MachineChange;
use crate::Outcome;
use crate::Run;
use crate::RunId;
use crate::RunState;
use crate::Sequence;
use crate::Who;

/// One write of a ledger. Records in the order of writing are the whole ledger: what reads give is computed from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Record {
    /// Something about a machine.
    Machine {
        /// The machine.
        machine: InstanceId,
        /// When, by the writer's clock.
        at: Timestamp,
        /// Its author.
        by: By,
        /// What it says.
        #[serde(flatten)]
        change: MachineChange,
    },
    /// A run was opened.
    RunOpened {
        /// The run, open.
        run: Run,
    },
    /// A run ended.
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        state: RunState,
    },
    /// An attempt at a step begins.
    Begun {
        /// The run.
        run: RunId,
        /// The step.
        step: StepId,
        /// Who makes it.
        who: Who,
        /// What is intended.
        intent: serde_json::Value,
        /// When, by the writer's clock.
        at: Timestamp,
    },
    /// An attempt observed something.
    Observed {
        /// The attempt.
        sequence: Sequence,
        /// What.
        observed: serde_json::Value,
    },
    /// An attempt ended.
    Concluded {
        /// The attempt.
        sequence: Sequence,
        /// How.
        outcome: Outcome,
        /// When, by the writer's clock.
        at: Timestamp,
    },
    /// A worker holds a lease from here on. The worker that held it before, with a smaller epoch, writes nothing more.
    LeaseTaken {
        /// What is leased.
        scope: LeaseScope,
        /// Greater than every earlier epoch of the scope.
        epoch: u64,
        /// Who holds it.
        holder: Holder,
    },
    /// The holder released its lease.
    LeaseReleased {
        /// What was leased.
        scope: LeaseScope,
        /// Its epoch.
        epoch: u64,
    },
}
