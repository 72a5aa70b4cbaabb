//! `stayput lab`: the emulator as a process of its own.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use stayput_lab::DataPlane;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;

use crate::cli::Global;
use crate::cli::LabCommand;
use crate::cli::LabUpArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

/// How long a lab may take to listen, and to stop. Ten thousand machines are built in less.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

pub async fn run(
    global: &Global,
    command: &LabCommand,
    data_plane: DataPlane,
) -> Result<Output, CommandError> {
    match command {
        LabCommand::Up(args) if args.foreground => foreground(args, data_plane).await,
        LabCommand::Up(args) => up(args, global).await,
        LabCommand::Down(args) => down(&args.dir).await,
        LabCommand::Status(args) => {
            let endpoints = read(&args.dir)?;
            let status = status(&endpoints).await?;
            let text = format!(
                "{} with {} machines, process {}\nvirtual time {} at speed {}\n{}",
                status["scenario"].as_str().unwrap_or("?"),
                status["machines"],
                status["pid"],
                status["virtual_time"].as_str().unwrap_or("?"),
                status["speed"],
                describe(&endpoints),
            );
            Ok(Output::new(text, status))
        }
        LabCommand::Scenarios => {
            let scenarios = stayput_lab::scenarios();
            let mut text = String::new();
            for scenario in &scenarios {
                let _ = writeln!(text, "{:<16} {}", scenario.name, scenario.summary);
            }
            let list: Vec<_> = scenarios
                .iter()
                .map(|s| json!({ "name": s.name, "summary": s.summary }))
                .collect();
            Ok(Output::new(text, json!({ "scenarios": list })))
        }
        LabCommand::Env(args) => {
            let env = read(&args.dir)?.env();
            let mut text = String::new();
            for (name, value) in &env {
                let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
            }
            Ok(Output::new(
                text,
                json!(
                    env.into_iter()
                        .collect::<std::collections::BTreeMap<_, _>>()
                ),
            ))
        }
    }
}

fn failed(error: &dyn std::error::Error) -> CommandError {
    CommandError::from_error(Kind::Failed, error)
}

fn read(dir: &Path) -> Result<Endpoints, CommandError> {
    Endpoints::read(dir).map_err(|error| failed(&error).hint("start one: stayput lab up"))
}

fn describe(endpoints: &Endpoints) -> String {
    let mut text = format!("AWS (all regions)      {}\n", endpoints.aws);
    for (site, url) in &endpoints.prism {
        let _ = writeln!(text, "Prism Central {site:<8} {url}");
    }
    for (site, url) in &endpoints.moves {
        let _ = writeln!(text, "Move {site:<17} {url}");
    }
    let _ = writeln!(text, "CA                     {}", endpoints.ca.display());
    let _ = writeln!(
        text,
        "estate file            {}",
        endpoints.estate_file.display()
    );
    text
}

/// What a lab in this process is to use, with the right to it. Must be asked before this process has a second thread.
///
/// # Errors
/// No network namespace can be made here.
pub fn data_plane(args: &LabUpArgs) -> Result<DataPlane, CommandError> {
    match args.dataplane {
        crate::cli::DataPlane::None => Ok(DataPlane::Computed),
        crate::cli::DataPlane::Kernel => stayput_lab::kernel::enter()
            .map(DataPlane::Kernel)
            .map_err(|error| {
                CommandError::new(Kind::Failed, error.to_string()).hint(
                    "network namespaces need Linux, and root or unprivileged user namespaces; without them: --dataplane none",
                )
            }),
    }
}

async fn foreground(args: &LabUpArgs, data_plane: DataPlane) -> Result<Output, CommandError> {
    let options = LabOptions {
        scenario: args.scenario.clone(),
        machines: args.machines,
        speed: args.speed,
        latency: Duration::from_millis(args.latency),
        data_plane,
        dir: args.dir.dir.clone(),
    };
    let lab = stayput_lab::start(options).await.map_err(|error| {
        let kind = if matches!(
            error,
            stayput_lab::LabError::Scenario(_) | stayput_lab::LabError::Speed(_)
        ) {
            Kind::Usage
        } else {
            Kind::Failed
        };
        CommandError::from_error(kind, &error)
    })?;
    eprintln!("{}", describe(lab.endpoints()).trim_end());
    tokio::select! {
        () = lab.wait() => {}
        () = asked_to_stop() => {}
    }
    lab.shutdown().await;
    Ok(Output::new("the lab has stopped\n", json!({ "ok": true })))
}

/// Ends when this process is asked to stop, by a person or by the system.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Starts a lab in the background and waits until it answers.
pub async fn up(args: &LabUpArgs, global: &Global) -> Result<Output, CommandError> {
    let dir = &args.dir.dir;
    if let Ok(running) = Endpoints::read(dir)
        && status(&running).await.is_ok()
    {
        return Err(CommandError::new(
            Kind::Failed,
            format!("a lab is running in {} already", dir.display()),
        )
        .hint(format!("stop it: stayput lab down --dir {}", dir.display())));
    }
    std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    // A ledger of an earlier lab speaks of machines that are no more.
    for old in [
        "lab.json",
        "stayput.db",
        "stayput.db-wal",
        "stayput.db-shm",
        "stayput.lock",
    ] {
        let _ = std::fs::remove_file(dir.join(old));
    }
    let log = dir.join("lab.log");
    let file = std::fs::File::create(&log).map_err(|error| failed(&error))?;
    let this = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = std::process::Command::new(this);
    command.args(["lab", "up", "--foreground", "--scenario", &args.scenario]);
    command.args([
        "--speed",
        &args.speed.to_string(),
        "--latency",
        &args.latency.to_string(),
    ]);
    if args.dataplane == crate::cli::DataPlane::Kernel {
        command.args(["--dataplane", "kernel"]);
    }
    command.arg("--dir").arg(dir);
    if let Some(machines) = args.machines {
        command.args(["--machines", &machines.to_string()]);
    }
    let output = file.try_clone().map_err(|error| failed(&error))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(file));
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // Its own group: an interrupt of this terminal's command must not stop the lab.
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let start = Instant::now();
    loop {
        if let Ok(endpoints) = Endpoints::read(dir)
            && let Ok(status) = status(&endpoints).await
        {
            let hint = format!(
                "use it:  eval \"$({} lab env --dir {})\"\n",
                "stayput",
                dir.display()
            );
            let text = format!("{}{hint}", describe(&endpoints));
            let _ = global;
            return Ok(Output::new(
                text,
                json!({ "ok": true, "endpoints": endpoints, "status": status }),
            ));
        }
        if let Ok(Some(ended)) = child.try_wait() {
            let kind = match ended.code() {
                Some(2) => Kind::Usage,
                Some(_) | None => Kind::Failed,
            };
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let said = said.trim().trim_start_matches("error: ").to_owned();
            return Err(CommandError::new(
                kind,
                format!("the lab did not start: {said}"),
            ));
        }
        if start.elapsed() > PATIENCE {
            return Err(CommandError::new(
                Kind::Failed,
                format!("the lab does not answer; see {}", log.display()),
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Stops a lab and waits until it is gone.
pub async fn down(dir: &Path) -> Result<Output, CommandError> {
    let endpoints = read(dir)?;
    match shut_down(&endpoints).await {
        Ok(_) => {
            let start = Instant::now();
            while dir.join("lab.json").exists() && start.elapsed() < PATIENCE {
                tokio::time::sleep(LOOK).await;
            }
            Ok(Output::new(
                "the lab has stopped\n",
                json!({ "ok": true, "was_running": true }),
            ))
        }
        Err(_) => {
            let _ = std::fs::remove_file(dir.join("lab.json"));
            let text = "there was no lab any more; its traces are removed\n";
            Ok(Output::new(
                text,
                json!({ "ok": true, "was_running": false }),
            ))
        }
    }
}

/// What a lab says of itself.
pub async fn status(endpoints: &Endpoints) -> Result<Value, CommandError> {
    Control::of(endpoints)?.get("/status").await
}

async fn shut_down(endpoints: &Endpoints) -> Result<Value, CommandError> {
    Control::of(endpoints)?.post("/shutdown").await
}

/// The lab's control.
#[derive(Debug, Clone)]
pub struct Control {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Control {
    /// Prepares to speak to the lab; contacts nobody.
    pub fn of(endpoints: &Endpoints) -> Result<Self, CommandError> {
        let pem = std::fs::read(&endpoints.ca).map_err(|error| failed(&error))?;
        let ca = reqwest::Certificate::from_pem(&pem).map_err(|error| failed(&error))?;
        let client = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            client,
            url: endpoints.admin.clone(),
            token: endpoints.admin_token.clone(),
        })
    }

    /// `GET`s a path.
    pub async fn get(&self, path: &str) -> Result<Value, CommandError> {
        self.ask(self.client.get(format!("{}{path}", self.url)))
            .await
    }

    /// `POST`s to a path, without a body.
    pub async fn post(&self, path: &str) -> Result<Value, CommandError> {
        self.ask(self.client.post(format!("{}{path}", self.url)))
            .await
    }

    /// `POST`s JSON to a path.
    pub async fn tell(&self, path: &str, what: &Value) -> Result<Value, CommandError> {
        self.ask(
            self.client
                .post(format!("{}{path}", self.url))
                .body(what.to_string()),
        )
        .await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, CommandError> {
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let answer = answer.error_for_status().map_err(|error| failed(&error))?;
        let bytes = answer.bytes().await.map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }
}
