//! Why a rehearsal could not be carried out.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use stayput_engine::EngineError;
use stayput_estate::ConfigErrors;
use stayput_ledger::LedgerError;
use stayput_nutanix::PrismError;
use stayput_plan::Obstacle;

use crate::control::ControlError;
use crate::demo::ArticleError;
use crate::lab_process::LabProcessError;

/// Why a demo or a benchmark could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// An option is out of its range; nothing was started.
    #[error("{what} {given} is out of range: {allowed}")]
    OutOfRange {
        /// Which option.
        what: &'static str,
        /// What was given.
        given: String,
        /// The range, for people.
        allowed: String,
    },
    /// It was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The lab could not be started or stopped.
    #[error(transparent)]
    Lab(#[from] LabProcessError),
    /// A folder cannot be made.
    #[error("cannot create {}", path.display())]
    CreateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lab's estate file is not one.
    #[error("{} is not an estate file", path.display())]
    Estate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ConfigErrors>,
    },
    /// The stayput program cannot be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A command that was run failed.
    #[error("`stayput {command}` failed: {message}")]
    Command {
        /// Its arguments.
        command: String,
        /// What it said.
        message: String,
    },
    /// Something that was answered has another form than expected.
    #[error("{what} has an unknown form")]
    Form {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The engine, run in this process.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Prism Central refused what a benchmark asked for.
    #[error(transparent)]
    Prism(#[from] PrismError),
    /// A plan that is measured has obstacles.
    #[error("no plan to measure: {} obstacles", .0.len())]
    Obstacles(Vec<Obstacle>),
    /// The article's order.
    #[error(transparent)]
    Article(#[from] ArticleError),
    /// The scenario has no Prism Central, or no Move appliance.
    #[error("the lab has no such appliance")]
    NoAppliance,
    /// The scenario cannot play the story.
    #[error("the scenario has no network with a recovery site")]
    NoRecoverySite,
    /// The prober of the lab does not settle.
    #[error("the prober has not decided on {packets} packets after {} s", limit.as_secs())]
    Undecided {
        /// How many packets it does not decide on.
        packets: u64,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A task of this process ended without a result.
    #[error("a task of the rehearsal was stopped")]
    Task(#[from] tokio::task::JoinError),
    /// Too few machines are fit to be measured.
    #[error("only {found} machines have one NIC and room in their pool")]
    TooFewMachines {
        /// How many are.
        found: usize,
    },
    /// The benchmark's plan is not what it must be to be measured.
    #[error("{wrong} NICs were made wrong, the plan restores {restored}")]
    OtherPlan {
        /// How many NICs were made wrong.
        wrong: usize,
        /// How many machines the plan restores.
        restored: usize,
    },
    /// The benchmark's run did not do what is measured.
    #[error("some machine's NICs were not wrong, so nothing was measured")]
    NothingMeasured,
}

impl From<ControlError> for RehearsalError {
    fn from(error: ControlError) -> Self {
        Self::Lab(error.into())
    }
}

impl From<Vec<Obstacle>> for RehearsalError {
    fn from(obstacles: Vec<Obstacle>) -> Self {
        Self::Obstacles(obstacles)
    }
}
