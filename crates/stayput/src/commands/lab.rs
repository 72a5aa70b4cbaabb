//! `stayput lab`: the emulator as a separate process.

mod simulate;
mod trouble;

use std::fmt::Display;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stayput_dataplane::GuestMachines;
use stayput_dataplane::Kernel;
use stayput_dataplane::NoNamespaces;
use stayput_dataplane::Privilege;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;
use stayput_lab::NoShell;
use stayput_messages::Message;
use stayput_rehearsal::Control;
use stayput_rehearsal::LabLaunch;
use stayput_rehearsal::LabLifetime;
use stayput_rehearsal::LabProcess;
use stayput_rehearsal::LabProcessError;
use stayput_rehearsal::Program;
use stayput_rehearsal::Stopped;

use crate::cli::DataPlane;
use crate::cli::LabCommand;
use crate::cli::LabUpArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;

pub async fn run(
    command: &LabCommand,
    privilege: Option<Result<Privilege, NoNamespaces>>,
    quiet: bool,
) -> Result<Output, CommandError> {
    match command {
        LabCommand::Up(args) if args.foreground => {
            let missing = || Err(NoNamespaces(std::io::ErrorKind::Unsupported.into()));
            foreground(args, privilege.unwrap_or_else(missing)).await
        }
        LabCommand::Up(args) => up(args).await,
        LabCommand::Down(args) => down(&args.dir).await,
        LabCommand::Status(args) => {
            let endpoints = read(&args.dir)?;
            let control = Control::of(&endpoints).map_err(LabProcessError::from)?;
            let status = control.status().await.map_err(LabProcessError::from)?;
            let what = Message::new("lab-status")
                .with("scenario", status["scenario"].as_str().unwrap_or("?"))
                .count("machines", status["machines"].as_u64().unwrap_or_default())
                .with("process", &status["pid"]);
            let when = Message::new("lab-time")
                .with("time", status["virtual_time"].as_str().unwrap_or("?"))
                .with("speed", &status["speed"]);
            let (trouble, endpoints) = (trouble::in_force(&status), describe(&endpoints));
            let text = format!("{what}\n{when}\n{trouble}{endpoints}");
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
        LabCommand::Simulate(args) => simulate::simulate(args, quiet),
        LabCommand::Fault(command) => trouble::fault(command).await,
        LabCommand::Site(command) => trouble::site(command).await,
        LabCommand::Region(command) => trouble::region(command).await,
        LabCommand::Vm(command) => trouble::vm(command).await,
        LabCommand::Instance(command) => trouble::instance(command).await,
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
    Ok(Endpoints::read(dir).map_err(LabProcessError::from)?)
}

fn describe(endpoints: &Endpoints) -> String {
    let mut text = String::new();
    let mut line = |name: Message, value: &dyn Display| {
        let _ = writeln!(text, "{name:<22} {value}");
    };
    line(Message::new("lab-aws"), &endpoints.aws);
    for (site, url) in &endpoints.prism {
        line(Message::new("lab-prism-central").with("site", site), url);
    }
    for (site, url) in &endpoints.moves {
        line(Message::new("lab-move").with("site", site), url);
    }
    line(Message::new("lab-ca"), &endpoints.ca.display());
    let estate_file = endpoints.estate_file.display();
    line(Message::new("lab-estate-file"), &estate_file);
    text
}

/// The privilege for the network namespaces of a lab in this process: for its data plane, and for guests that run scripts. Must be
/// called before this process has a second thread.
///
/// # Errors
/// It needs a data plane, and no network namespace can be made here.
pub fn privilege(args: &LabUpArgs) -> Result<Result<Privilege, NoNamespaces>, CommandError> {
    match (args.dataplane, stayput_dataplane::enter()) {
        (DataPlane::Kernel, Err(error)) => Err(CommandError::new(Kind::Failed, error.to_string())
            .hint(Message::new("hint-namespaces"))),
        // Without namespaces the lab emulates the scripts of guests.
        (DataPlane::None | DataPlane::Kernel, entered) => Ok(entered),
    }
}

async fn foreground(
    args: &LabUpArgs,
    privilege: Result<Privilege, NoNamespaces>,
) -> Result<Output, CommandError> {
    let options = LabOptions {
        scenario: args.scenario.clone(),
        machines: args.machines,
        speed: args.speed,
        latency: Duration::from_millis(args.latency),
        dir: args.dir.dir.clone(),
        guests: match &privilege {
            Ok(privilege) => Ok(Arc::new(GuestMachines::new(*privilege))),
            Err(why) => Err(NoShell(why.to_string())),
        },
    };
    // Before another process can see that there is a lab to stop.
    let mut requests = StopRequests::listen()?;
    let started = match (args.dataplane, privilege) {
        (DataPlane::None, _) | (DataPlane::Kernel, Err(_)) => stayput_lab::start(options).await,
        (DataPlane::Kernel, Ok(privilege)) => {
            stayput_lab::start_with_data_plane(options, |lab| Kernel::start(privilege, lab)).await
        }
    };
    let lab = started.map_err(LabProcessError::from)?;
    eprintln!("{}", describe(lab.endpoints()).trim_end());
    tokio::select! {
        () = lab.wait() => {}
        () = requests.next() => {}
        () = stdin_closed(), if args.until_stdin_closes => {}
    }
    lab.shutdown().await;
    Ok(Output::line(
        &Message::new("lab-stopped"),
        json!({ "ok": true }),
    ))
}

/// Returns when the other end of standard input is closed.
async fn stdin_closed() {
    // It reads in a thread of its own, which does not keep the process from ending. A read error counts as closed.
    let drained = || std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    let _ = tokio::task::spawn_blocking(drained).await;
}

/// Requests to this process to stop, by a person or by the system. Requests that arrive before the wait are not lost.
struct StopRequests {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopRequests {
    /// Starts to receive them.
    fn listen() -> Result<Self, CommandError> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::SignalKind;
            use tokio::signal::unix::signal;
            let listen = |kind| signal(kind).map_err(|error| failed(&error));
            Ok(Self {
                terminate: listen(SignalKind::terminate())?,
                interrupt: listen(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for one.
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Starts a lab in the background and waits until it answers.
async fn up(args: &LabUpArgs) -> Result<Output, CommandError> {
    let dir = &args.dir.dir;
    let launch = LabLaunch {
        scenario: args.scenario.clone(),
        machines: args.machines,
        speed: args.speed,
        latency: Duration::from_millis(args.latency),
        data_plane: args.dataplane.into(),
        dir: dir.clone(),
    };
    let program = this_program()?;
    let lab = LabProcess::start(&program, &launch, LabLifetime::Independent).await?;
    let status = lab
        .control()
        .status()
        .await
        .map_err(LabProcessError::from)?;
    let endpoints = lab.endpoints();
    let usage = Message::new("lab-use-it").with("dir", dir.display());
    let text = format!("{}{usage}\n", describe(endpoints));
    Ok(Output::new(
        text,
        json!({ "ok": true, "endpoints": endpoints, "status": status }),
    ))
}

/// This executable, to be run again.
///
/// # Errors
/// The system does not say where it is.
pub fn this_program() -> Result<Program, CommandError> {
    let path = std::env::current_exe().map_err(|error| failed(&error))?;
    Ok(Program { path })
}

/// Stops a lab and waits until its process has ended.
async fn down(dir: &Path) -> Result<Output, CommandError> {
    let (text, was_running) = match stayput_rehearsal::stop(dir).await? {
        Stopped::Now => (Message::new("lab-stopped"), true),
        Stopped::Before => (Message::new("lab-was-stopped"), false),
    };
    Ok(Output::line(
        &text,
        json!({ "ok": true, "was_running": was_running }),
    ))
}
