//! `stayput demo`: the whole story against the lab. It runs the very commands a user would, as processes of their own, and
//! judges only what they report.

mod story;
mod table;

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use stayput_lab::Endpoints;

use crate::cli::DemoArgs;
use crate::cli::Global;
use crate::cli::LabDirArgs;
use crate::cli::LabUpArgs;
use crate::commands::lab;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::ui;

/// One chapter of the story.
#[derive(Debug, Clone, Serialize)]
struct Stage {
    name: &'static str,
    wall_ms: u64,
    virtual_ms: u64,
    steps: usize,
    traces_delivered: u64,
    traces_total: u64,
    /// Addresses the lab's own packet walk was asked about, and those it delivers to the right machine.
    walks_delivered: usize,
    walks_total: usize,
}

impl Stage {
    /// Whether both implementations of routing deliver every packet.
    fn is_reached(&self) -> bool {
        self.traces_total > 0
            && self.traces_delivered == self.traces_total
            && self.walks_delivered == self.walks_total
    }
}

/// Everything a chapter needs.
struct Demo<'a> {
    global: &'a Global,
    endpoints: Endpoints,
    control: lab::Control,
    stages: Vec<Stage>,
}

pub async fn run(global: &Global, args: &DemoArgs) -> Result<Output, CommandError> {
    let started = Instant::now();
    if args.machines == 0 {
        return Err(
            CommandError::new(Kind::Usage, "a demo needs at least one machine")
                .hint("--machines 12"),
        );
    }
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => temporary_dir()?,
    };
    let up = LabUpArgs {
        scenario: "tokyo-osaka".to_owned(),
        machines: Some(args.machines),
        speed: args.speed,
        latency: 0,
        dir: LabDirArgs { dir: dir.clone() },
        foreground: false,
    };
    say(
        global,
        &format!(
            "$ stayput lab up --scenario tokyo-osaka --machines {} --dir {}",
            args.machines,
            dir.display()
        ),
    );
    lab::up(&up, global).await?;
    let endpoints =
        Endpoints::read(&dir).map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    let control = lab::Control::of(&endpoints)?;
    let mut demo = Demo {
        global,
        endpoints,
        control,
        stages: Vec::new(),
    };
    let told = tokio::select! {
        told = demo.tell() => told,
        _ = tokio::signal::ctrl_c() => Err(CommandError::new(Kind::Failed, "interrupted")),
    };
    let stages = demo.stages;
    if args.keep {
        let hint = format!(
            "the lab is still running: eval \"$(stayput lab env --dir {0})\"; stop it with: stayput lab down --dir {0}",
            dir.display()
        );
        say(global, &hint);
    } else {
        let stopped = lab::down(&dir).await;
        if args.dir.is_none() && told.is_ok() {
            let _ = std::fs::remove_dir_all(&dir);
        }
        stopped?;
    }
    let machines = told?;
    let total = machines.len();
    let kept = machines.iter().filter(|machine| machine.is_kept()).count();
    let reached = stages.iter().all(Stage::is_reached);
    let ok = kept == total && reached;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);

    let mut text = table::render(&machines, &stages);
    text.push_str(&format!("\n{kept} of {total} addresses kept"));
    text.push_str(if reached {
        ", every trace delivered"
    } else {
        ", but not every trace was delivered"
    });
    text.push_str(&format!(" ({})\n", ui::seconds(ms)));
    let json = json!({
        "ok": ok,
        "kept": kept,
        "total": total,
        "wall_ms": ms,
        "stages": stages,
        "machines": machines,
    });
    Ok(Output { text, json, ok })
}

fn temporary_dir() -> Result<PathBuf, CommandError> {
    let dir = std::env::temp_dir().join(format!("stayput-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| {
        CommandError::new(
            Kind::Failed,
            format!("{} cannot be made: {error}", dir.display()),
        )
    })?;
    Ok(dir)
}

/// Narration: on standard output for people, on standard error beside JSON.
fn say(global: &Global, text: &str) {
    if global.json {
        if !global.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    } else {
        let _ = writeln!(anstream::stdout(), "{text}");
    }
}

impl Demo<'_> {
    /// Runs a stayput command as its user would, and gives its JSON.
    async fn command(&self, args: &[&str], shown: bool) -> Result<Value, CommandError> {
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

    async fn virtual_ms(&self) -> Result<u64, CommandError> {
        let status = self.control.get("/status").await?;
        Ok(status["virtual_ms"].as_u64().unwrap_or(0))
    }

    fn estate_file(&self) -> &Path {
        &self.endpoints.estate_file
    }
}
