//! Who wrote a record, and the versions of a machine's facts.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::GuestCapture;
use stayput_world::MachineFacts;

use crate::RunId;

/// The position of a record in the order in which the ledger was written. Records are ordered by it, never by a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub i64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A person or a process, under its own name: `USER@HOST`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Who(String);

impl Who {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Stands for the author of records that were written before authors were recorded.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Who {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Who {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// The author of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Who wrote it.
    pub who: Who,
    /// In which run; `None` for a command outside of runs, such as `stayput adopt`.
    pub run: Option<RunId>,
}

impl By {
    /// A person's own command, outside of every run.
    pub fn person(who: impl Into<Who>) -> Self {
        Self {
            who: who.into(),
            run: None,
        }
    }

    /// A step of a run.
    pub fn run(who: impl Into<Who>, run: RunId) -> Self {
        Self {
            who: who.into(),
            run: Some(run),
        }
    }
}

/// One record about a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Its position in the ledger.
    pub sequence: Sequence,
    /// When it was written, by the writer's clock. Not for ordering.
    pub at: Timestamp,
    /// Its author.
    pub by: By,
    /// What it says.
    pub change: MachineChange,
}

/// What a record says about a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum MachineChange {
    /// The machine is as captured here; also reverts a retirement.
    Captured {
        /// Its facts.
        facts: MachineFacts,
    },
    /// The machine became a VM.
    BecameVm {
        /// At this site.
        site: SiteName,
        /// This VM.
        vm: VmExtId,
    },
    /// The machine is its EC2 instance again, and none of the VMs that it was.
    ReturnedToEc2 {
        /// The VMs that it was by any system's word, with their sites; those on record are among them or not.
        was: BTreeSet<(SiteName, VmExtId)>,
    },
    /// A script ran in the machine's guest.
    GuestCaptured {
        /// What it printed.
        guest: GuestCapture,
    },
    /// The machine is permanently gone and is no longer planned.
    Retired {
        /// Why, as the operator gave it.
        why: String,
    },
}
