//! The stayput program, run as its user would run it.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use stayput_messages::Message;

use crate::error::RehearsalError;

/// Whether a command that is run shows its progress on standard error, which it shares with this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildProgress {
    /// It does.
    Shown,
    /// It does not (`--quiet`).
    Hidden,
}

/// The stayput program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Path of the executable.
    pub path: PathBuf,
}

impl Program {
    /// Runs a command in this environment, in addition to this process's, and gives its JSON. A command that is dropped is killed.
    ///
    /// # Errors
    /// The program cannot be run, or the command failed.
    pub async fn run<A: AsRef<str>>(
        &self,
        args: &[A],
        env: Vec<(String, String)>,
        progress: ChildProgress,
    ) -> Result<Value, RehearsalError> {
        let args = || args.iter().map(AsRef::as_ref);
        let mut command = tokio::process::Command::new(&self.path);
        command.args(args()).args(["--json", "--no-input"]);
        if progress == ChildProgress::Hidden {
            command.arg("--quiet");
        }
        command
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let not_run = |source| RehearsalError::Run {
            program: self.path.clone(),
            source,
        };
        let child = command.spawn().map_err(not_run)?;
        let output = child.wait_with_output().await.map_err(not_run)?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.success() {
            return Ok(answer);
        }
        let said = answer["error"]["message"].as_str().map(str::to_owned);
        Err(RehearsalError::Command {
            command: args().collect::<Vec<_>>().join(" "),
            message: said.unwrap_or_else(|| Message::new("rehearsal-no-answer").into()),
        })
    }
}
