//! One lab of the demo, and stayput run against it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use stayput_lab::Endpoints;

use super::say;
use crate::cli::DataPlane;
use crate::cli::DemoArgs;
use crate::cli::Global;
use crate::cli::LabDirArgs;
use crate::cli::LabUpArgs;
use crate::commands::lab;
use crate::error::CommandError;
use crate::error::Kind;

/// A lab that runs.
pub struct Scene<'a> {
    pub global: &'a Global,
    pub endpoints: Endpoints,
    pub control: lab::Control,
}

impl<'a> Scene<'a> {
    /// Starts the demo's lab in this folder.
    pub async fn up(global: &'a Global, args: &DemoArgs, dir: &Path) -> Result<Self, CommandError> {
        let up = LabUpArgs {
            scenario: "tokyo-osaka".to_owned(),
            machines: Some(args.machines),
            speed: args.speed,
            latency: 0,
            dir: LabDirArgs {
                dir: dir.to_path_buf(),
            },
            dataplane: args.dataplane,
            foreground: false,
        };
        say(
            global,
            &format!(
                "$ stayput lab up --scenario tokyo-osaka --machines {}{} --dir {}",
                args.machines,
                match args.dataplane {
                    DataPlane::None => "",
                    DataPlane::Kernel => " --dataplane kernel",
                },
                dir.display()
            ),
        );
        lab::up(&up, global).await?;
        let endpoints =
            Endpoints::read(dir).map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
        let control = lab::Control::of(&endpoints)?;
        Ok(Self {
            global,
            endpoints,
            control,
        })
    }

    /// Stops the lab, or says how to use it.
    pub async fn leave(self, keep: bool) -> Result<(), CommandError> {
        let dir = &self.endpoints.dir;
        if keep {
            let hint = format!(
                "the lab is still running: eval \"$(stayput lab env --dir {0})\"; stop it with: stayput lab down --dir {0}",
                dir.display()
            );
            say(self.global, &hint);
            return Ok(());
        }
        lab::down(dir).await.map(|_| ())
    }

    /// Runs a stayput command as its user would, and gives its JSON.
    pub async fn command(&self, args: &[&str], shown: bool) -> Result<Value, CommandError> {
        if shown {
            say(self.global, &format!("\n$ stayput {}", args.join(" ")));
        }
        let this = std::env::current_exe()
            .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
        let mut command = tokio::process::Command::new(this);
        command.args(args).args(["--json", "--no-input"]);
        if !shown || self.global.quiet {
            command.arg("--quiet");
        }
        command
            .envs(self.endpoints.env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.success() {
            Ok(answer)
        } else {
            let message = answer["error"]["message"].as_str().unwrap_or("no answer");
            Err(CommandError::new(
                Kind::Failed,
                format!("`stayput {}` failed: {message}", args.join(" ")),
            ))
        }
    }

    /// Virtual time since the lab began.
    pub async fn virtual_ms(&self) -> Result<u64, CommandError> {
        let status = self.control.get("/status").await?;
        Ok(status["virtual_ms"].as_u64().unwrap_or(0))
    }
}
