//! Why a rehearsal could not be carried out.

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use stayput_engine::EngineError;
use stayput_estate::ConfigErrors;
use stayput_ledger::LedgerError;
use stayput_messages::Message;
use stayput_nutanix::PrismError;
use stayput_plan::Obstacle;

use crate::control::ControlError;
use crate::demo::ArticleError;
use crate::lab_process::LabProcessError;

/// Why a demo or a benchmark could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The speed is out of its range; nothing was started.
    #[error("{}", Message::new("rehearsal-speed").with("given", given).with("slowest", allowed.start()).with("fastest", allowed.end()))]
    Speed {
        /// What was given.
        given: f64,
        /// The range.
        allowed: RangeInclusive<f64>,
    },
    /// The ledger of the estate is a table, and a lab's is a file.
    #[error("{}", Message::new("rehearsal-shared-ledger"))]
    SharedLedger,
    /// It was interrupted.
    #[error("{}", Message::new("rehearsal-interrupted"))]
    Interrupted,
    /// The lab could not be started or stopped.
    #[error(transparent)]
    Lab(#[from] LabProcessError),
    /// A folder cannot be made.
    #[error("{}", Message::new("rehearsal-create").with("path", path.display()))]
    CreateDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{}", Message::new("rehearsal-read").with("path", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lab's estate file is not one.
    #[error("{}", Message::new("rehearsal-estate").with("path", path.display()))]
    Estate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ConfigErrors>,
    },
    /// The stayput program cannot be run.
    #[error("{}", Message::new("rehearsal-run").with("program", program.display()))]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A command that was run failed.
    #[error("{}", Message::new("rehearsal-command").with("command", command).with("message", message))]
    Command {
        /// Its arguments.
        command: String,
        /// What it said.
        message: String,
    },
    /// Something that was answered has another form than expected.
    #[error("{}", Message::new("rehearsal-form").part("what", what.clone()))]
    Form {
        /// What it is.
        what: Message,
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
    #[error("{}", Message::new("bench-no-plan").count("obstacles", .0.len()))]
    Obstacles(Vec<Obstacle>),
    /// The article's order.
    #[error(transparent)]
    Article(#[from] ArticleError),
    /// The scenario has no Prism Central, or no Move appliance.
    #[error("{}", Message::new("rehearsal-no-appliance"))]
    NoAppliance,
    /// The scenario cannot play the story.
    #[error("{}", Message::new("rehearsal-no-recovery-site"))]
    NoRecoverySite,
    /// The prober of the lab does not settle.
    #[error("{}", Message::new("rehearsal-undecided").count("packets", *packets).with("seconds", limit.as_secs()))]
    Undecided {
        /// How many packets it does not decide on.
        packets: u64,
        /// How long it was waited for.
        limit: Duration,
    },
    /// A task of this process ended without a result.
    #[error("{}", Message::new("rehearsal-task"))]
    Task(#[from] tokio::task::JoinError),
    /// Too few machines are fit to be measured.
    #[error("{}", Message::new("bench-too-few-machines").count("machines", *found))]
    TooFewMachines {
        /// How many are.
        found: usize,
    },
    /// The benchmark's plan is not what it must be to be measured.
    #[error("{}", Message::new("bench-other-plan").count("wrong", *wrong).with("restored", restored))]
    OtherPlan {
        /// How many NICs were made wrong.
        wrong: usize,
        /// How many machines the plan restores.
        restored: usize,
    },
    /// The benchmark's run did not do what is measured.
    #[error("{}", Message::new("bench-nothing-measured"))]
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
