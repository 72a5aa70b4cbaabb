//! A lab in a process of its own: started, found and stopped.

use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use stayput_lab::Endpoints;
use stayput_lab::LabError;
use stayput_lab::LabOptions;
use stayput_messages::Message;

use crate::control::Control;
use crate::control::ControlError;
use crate::program::Program;

/// How long a lab may take to listen, and to stop. Ten thousand machines are built in less.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks whether it does.
const LOOK: Duration = Duration::from_millis(20);
/// Files of an earlier lab in the folder: its ledger has machines that do not exist any more.
const FILES_OF_AN_EARLIER_LAB: [&str; 5] = [
    "lab.json",
    "stayput.db",
    "stayput.db-wal",
    "stayput.db-shm",
    "stayput.lock",
];
/// The exit code by which the lab says that its options are wrong.
const EXIT_USAGE: i32 = 2;

/// What carries packets in a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataPlane {
    /// Nothing: where they would go is computed.
    #[default]
    Computed,
    /// Network namespaces of this machine's kernel (Linux only).
    Kernel,
}

/// When a lab ends that is not told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabLifetime {
    /// It does not: it goes on when the process that started it has ended.
    Independent,
    /// With the process that started it, however that ends, and when its [`LabProcess`] is dropped: the lab watches a pipe that only that
    /// process holds open.
    OfParent,
}

/// How to start a lab; [`LabOptions`] has the meaning and the ranges.
#[derive(Debug, Clone, PartialEq)]
pub struct LabLaunch {
    /// A built-in scenario's name, or the path of a scenario file.
    pub scenario: String,
    /// How many machines move; `None`: as many as the scenario lists.
    pub machines: Option<usize>,
    /// Virtual seconds in a second; 0 stops time.
    pub speed: f64,
    /// Wall time every answer takes at least.
    pub latency: Duration,
    /// What carries packets.
    pub data_plane: DataPlane,
    /// The lab's folder; made if absent.
    pub dir: PathBuf,
}

impl LabLaunch {
    /// The default scenario with so many machines in this folder, an hour a second, without latency.
    pub fn new(machines: usize, dir: PathBuf) -> Self {
        let options = LabOptions::default();
        Self {
            scenario: options.scenario,
            machines: Some(machines),
            speed: options.speed,
            latency: options.latency,
            data_plane: DataPlane::Computed,
            dir,
        }
    }

    /// Checks what can be checked before anything is started or written.
    ///
    /// # Errors
    /// The scenario, the number of machines, the speed or the latency is not one a lab can have.
    pub fn check(&self) -> Result<(), LabProcessError> {
        let options = LabOptions {
            scenario: self.scenario.clone(),
            machines: self.machines,
            speed: self.speed,
            latency: self.latency,
            dir: self.dir.clone(),
            ..LabOptions::default()
        };
        Ok(options.check()?)
    }

    fn command(&self, program: &Program, lifetime: LabLifetime) -> Command {
        let mut command = Command::new(&program.path);
        command.args(["lab", "up", "--foreground", "--scenario", &self.scenario]);
        command.args(["--speed", &self.speed.to_string()]);
        command.args(["--latency", &self.latency.as_millis().to_string()]);
        match self.data_plane {
            DataPlane::Computed => {}
            DataPlane::Kernel => {
                command.args(["--dataplane", "kernel"]);
            }
        }
        if let Some(machines) = self.machines {
            command.args(["--machines", &machines.to_string()]);
        }
        command.arg("--dir").arg(&self.dir);
        match lifetime {
            LabLifetime::Independent => {
                command.stdin(Stdio::null());
            }
            LabLifetime::OfParent => {
                command.arg("--until-stdin-closes").stdin(Stdio::piped());
            }
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Its own group: an interrupt at the terminal must not stop the lab before the commands that use it.
            command.process_group(0);
        }
        command
    }
}

/// Why a lab could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LabProcessError {
    /// There is a lab in the folder.
    #[error("{}", Message::new("lab-already-running").with("dir", dir.display()))]
    AlreadyRunning {
        /// The folder.
        dir: PathBuf,
    },
    /// Its options are wrong, or no lab is in the folder.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A file of its folder cannot be written.
    #[error("{}", Message::new("lab-unwritten").with("path", path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program cannot be run.
    #[error("{}", Message::new("rehearsal-run").with("program", program.display()))]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its process ended before it answered. What it said can have several lines, which would be escaped in a message.
    #[error("{} {said}", Message::new("lab-not-started"))]
    DidNotStart {
        /// What it said.
        said: String,
        /// Whether it said that its options are wrong.
        is_usage: bool,
    },
    /// It does not answer in time.
    #[error("{}", Message::new("lab-silent").with("seconds", PATIENCE.as_secs()).with("log", log.display()))]
    Silent {
        /// What it said.
        log: PathBuf,
    },
    /// It does not stop in time.
    #[error("{}", Message::new("lab-not-stopped").with("dir", dir.display()).with("seconds", PATIENCE.as_secs()))]
    DoesNotStop {
        /// The folder.
        dir: PathBuf,
    },
    /// Its control.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A lab that this process started.
#[derive(Debug)]
pub struct LabProcess {
    endpoints: Endpoints,
    control: Control,
    /// With [`LabLifetime::OfParent`] its standard input is the pipe that the lab watches.
    child: Child,
}

impl LabProcess {
    /// Starts a lab and waits until it answers. What an earlier lab left in the folder is removed.
    ///
    /// # Errors
    /// An option is out of range, a lab is running in the folder, or this one does not start.
    pub async fn start(
        program: &Program,
        launch: &LabLaunch,
        lifetime: LabLifetime,
    ) -> Result<Self, LabProcessError> {
        launch.check()?;
        let dir = &launch.dir;
        if let Ok(running) = Endpoints::read(dir)
            && let Ok(control) = Control::of(&running)
            && control.status().await.is_ok()
        {
            return Err(LabProcessError::AlreadyRunning { dir: dir.clone() });
        }
        let log = prepare(dir)?;
        let mut child = spawn(program, launch, lifetime, &log)?;
        let start = Instant::now();
        loop {
            if let Ok(endpoints) = Endpoints::read(dir)
                && let Ok(control) = Control::of(&endpoints)
                && control.status().await.is_ok()
            {
                return Ok(Self {
                    endpoints,
                    control,
                    child,
                });
            }
            if let Ok(Some(ended)) = child.try_wait() {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(LabProcessError::DidNotStart {
                    said: said.trim().trim_start_matches("error: ").to_owned(),
                    is_usage: ended.code() == Some(EXIT_USAGE),
                });
            }
            if start.elapsed() > PATIENCE {
                return Err(LabProcessError::Silent { log });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Where everything of it is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Its control.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops it and waits until its process has ended.
    ///
    /// # Errors
    /// It does not end in time; it is then killed.
    pub async fn stop(mut self) -> Result<(), LabProcessError> {
        // Either is enough; a lab that has ended already answers neither.
        let _ = self.control.post("/shutdown").await;
        drop(self.child.stdin.take());
        let start = Instant::now();
        while !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                return Err(LabProcessError::DoesNotStop {
                    dir: self.endpoints.dir.clone(),
                });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// What became of a lab that was to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It ran, and has stopped.
    Now,
    /// It did not run any more; what it had left of itself is removed.
    Before,
}

/// Stops the lab in a folder, also one that another process started, and waits until it has withdrawn its `lab.json`.
///
/// # Errors
/// There is no lab in the folder, or it does not stop in time.
pub async fn stop(dir: &Path) -> Result<Stopped, LabProcessError> {
    let endpoints = Endpoints::read(dir)?;
    if Control::of(&endpoints)?.post("/shutdown").await.is_err() {
        let _ = std::fs::remove_file(dir.join("lab.json"));
        return Ok(Stopped::Before);
    }
    let start = Instant::now();
    while dir.join("lab.json").exists() {
        if start.elapsed() > PATIENCE {
            return Err(LabProcessError::DoesNotStop {
                dir: dir.to_path_buf(),
            });
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(Stopped::Now)
}

/// Makes the folder, empty of what an earlier lab left; gives where the lab's output goes.
fn prepare(dir: &Path) -> Result<PathBuf, LabProcessError> {
    std::fs::create_dir_all(dir).map_err(|source| LabProcessError::Write {
        path: dir.to_path_buf(),
        source,
    })?;
    for old in FILES_OF_AN_EARLIER_LAB {
        let _ = std::fs::remove_file(dir.join(old));
    }
    Ok(dir.join("lab.log"))
}

fn spawn(
    program: &Program,
    launch: &LabLaunch,
    lifetime: LabLifetime,
    log: &Path,
) -> Result<Child, LabProcessError> {
    let not_written = |source| LabProcessError::Write {
        path: log.to_path_buf(),
        source,
    };
    let file = File::create(log).map_err(not_written)?;
    let output = file.try_clone().map_err(not_written)?;
    let mut command = launch.command(program, lifetime);
    command.stdout(output).stderr(file);
    command.spawn().map_err(|source| LabProcessError::Run {
        program: program.path.clone(),
        source,
    })
}
