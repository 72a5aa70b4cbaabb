//! Shells of guests that run scripts for real, and the commands that wait for them.

use std::fmt;

use super::Guest;
use super::ScriptOutput;

/// Runs scripts for guests with Linux. The lab has none of its own: the program that starts it can pass one.
///
/// It is called without the lab's lock, from a thread that may wait.
pub trait GuestShell: fmt::Debug + Send + Sync {
    /// Runs a script in a machine that looks like the guest, and returns what it said.
    ///
    /// # Errors
    /// [`NoShell`] when it cannot run anything here. The lab then emulates the script.
    fn run(&self, guest: &Guest, script: &str) -> Result<ScriptOutput, NoShell>;
}

/// Why no script could be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoShell(pub String);

/// A step of a command that waits for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestJob {
    /// The command.
    pub command: String,
    /// The guest.
    pub guest: Guest,
    /// The script.
    pub script: String,
}

/// The guests' share of a lab's state.
#[derive(Debug, Clone, Default)]
pub struct Guests {
    /// Whether a shell takes the jobs. Without one, scripts are emulated.
    pub has_shell: bool,
    /// Why there is none, for the report.
    pub without_shell: Option<String>,
    /// Jobs that no shell has taken yet.
    pub jobs: Vec<GuestJob>,
    /// What became of capture scripts, the oldest first.
    pub runs: Vec<GuestRun>,
}

/// How a capture script was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestRun {
    /// The instance.
    pub instance: String,
    /// The command.
    pub command: String,
    /// `None`: by a real shell; otherwise why it was emulated.
    pub emulated: Option<String>,
}

/// Most runs that are remembered.
const MOST_RUNS: usize = 1000;

impl Guests {
    /// Remembers a run.
    pub fn ran(&mut self, run: GuestRun) {
        if self.runs.len() >= MOST_RUNS {
            self.runs.remove(0);
        }
        self.runs.push(run);
    }
}
