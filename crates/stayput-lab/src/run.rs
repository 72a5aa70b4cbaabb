//! Starts and stops a lab.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::aws::ssm::guest::GuestShell;
use crate::aws::ssm::guest::NoShell;
use crate::ca::CaError;
use crate::ca::LabCa;
use crate::clock::Clock;
use crate::clock::VTime;
use crate::data_plane::DataPlane;
use crate::estate_file;
use crate::gate::Lab;
use crate::scenario::Scenario;
use crate::scenario::ScenarioError;
use crate::server;
use crate::server::Port;
use crate::server::Shared;
use crate::state::LabState;

/// Name of the file in which a running lab describes itself, in its directory.
const LAB_FILE: &str = "lab.json";

/// How to start a lab.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// A built-in scenario's name, or the path of a scenario file.
    pub scenario: String,
    /// How many machines to move; `None`: as many as the scenario lists.
    pub machines: Option<usize>,
    /// Virtual seconds that pass in one real second; 0 stops time.
    pub speed: f64,
    /// Real time by which every answer is delayed.
    pub latency: Duration,
    /// Where the lab writes its CA, `lab.json` and `stayput.toml`; created if absent.
    pub dir: PathBuf,
    /// What runs the capture script of guests with Linux, or why nothing does. The lab then emulates it.
    pub guests: Result<Arc<dyn GuestShell>, NoShell>,
}

impl Default for LabOptions {
    /// The article's scenario, at one hour a second, in `stayput-lab` of the current directory.
    fn default() -> Self {
        Self {
            scenario: "tokyo-osaka".to_owned(),
            machines: None,
            speed: 3600.0,
            latency: Duration::ZERO,
            dir: PathBuf::from("stayput-lab"),
            guests: Err(NoShell("the lab has no shell for guests".to_owned())),
        }
    }
}

impl LabOptions {
    /// Checks what can be checked before anything is started or written: speed, latency, scenario and number of machines.
    ///
    /// # Errors
    /// One of them is not one a lab can have.
    pub fn check(&self) -> Result<(), LabError> {
        checked_speed(self.speed)?;
        checked_latency(self.latency)?;
        Ok(Scenario::load(&self.scenario)?.check_machines(self.machines)?)
    }
}

/// Why a lab cannot be started or found.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The scenario is not valid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The certificates cannot be created.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The speed is not one the lab can run at.
    #[error("{}", Message::new("lab-bad-speed").with("speed", .0).with("slowest", MIN_SPEED).with("fastest", MAX_SPEED))]
    Speed(f64),
    /// The latency is too long.
    #[error("{}", Message::new("lab-bad-latency").with("latency", .0.as_millis()).with("longest", MAX_LATENCY.as_millis()))]
    Latency(Duration),
    /// The data plane cannot be built.
    #[error("{}", Message::new("lab-no-data-plane"))]
    DataPlane(#[source] io::Error),
    /// No port is available on the loopback interface.
    #[error("{}", Message::new("lab-no-port"))]
    Listen(#[source] io::Error),
    /// A file in the lab's directory cannot be written.
    #[error("{}", Message::new("lab-unwritten").with("path", path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No lab runs in the directory.
    #[error("{}", Message::new("lab-not-running").with("dir", dir.display()))]
    NotRunning {
        /// The directory.
        dir: PathBuf,
    },
    /// A file in the lab's directory cannot be read.
    #[error("{}", Message::new("lab-unread").with("path", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `lab.json` was not written by this version of the lab.
    #[error("{}", Message::new("lab-of-other-version").with("path", path.display()))]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// The slowest speed, except for stopped time, in virtual seconds a second.
pub const MIN_SPEED: f64 = 0.001;
/// The fastest speed, in virtual seconds a second: eleven days.
pub const MAX_SPEED: f64 = 1_000_000.0;
/// The longest latency. Clients give up before that.
pub const MAX_LATENCY: Duration = Duration::from_secs(600);

/// Checks a speed.
pub(crate) fn checked_speed(speed: f64) -> Result<f64, LabError> {
    if speed == 0.0 || (MIN_SPEED..=MAX_SPEED).contains(&speed) {
        Ok(speed)
    } else {
        Err(LabError::Speed(speed))
    }
}

/// Checks a latency.
pub(crate) fn checked_latency(latency: Duration) -> Result<Duration, LabError> {
    if latency <= MAX_LATENCY {
        Ok(latency)
    } else {
        Err(LabError::Latency(latency))
    }
}

/// Where a running lab can be reached: the content of `lab.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// URL of the AWS endpoint, for all regions.
    pub aws: String,
    /// URLs of the Prism Centrals by name.
    pub prism: BTreeMap<String, String>,
    /// URLs of the Move appliances by name.
    pub moves: BTreeMap<String, String>,
    /// URL of the lab's control API.
    pub admin: String,
    /// Bearer token for the control API.
    pub admin_token: String,
    /// The lab's directory, absolute.
    pub dir: PathBuf,
    /// Certificate of the CA that signed all server certificates, a PEM file.
    pub ca: PathBuf,
    /// The `stayput.toml` for the scenario.
    pub estate_file: PathBuf,
    /// Name of the scenario.
    pub scenario: String,
    /// Id of the process in which the lab runs.
    pub pid: u32,
    /// User names and passwords that the services of the lab accept.
    pub credentials: Credentials,
}

/// User names and passwords that the services of a lab accept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// AWS access key id.
    pub access_key: String,
    /// AWS secret access key.
    pub secret_key: String,
    /// Region of the EC2 side, for clients that need a default region.
    pub region: String,
    /// User name and password of the first Prism Central.
    pub prism: Option<(String, String)>,
    /// User name and password of the first Move appliance.
    pub mv: Option<(String, String)>,
}

impl Endpoints {
    /// Returns the environment variables by which stayput, the AWS CLI and other tools find the lab.
    pub fn env(&self) -> Vec<(String, String)> {
        let credentials = &self.credentials;
        let mut env = vec![
            ("AWS_ENDPOINT_URL", self.aws.clone()),
            ("AWS_CA_BUNDLE", self.ca.display().to_string()),
            ("AWS_ACCESS_KEY_ID", credentials.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_key.clone()),
            ("AWS_DEFAULT_REGION", credentials.region.clone()),
            ("AWS_REGION", credentials.region.clone()),
        ];
        if let Some((user, password)) = &credentials.prism {
            env.push(("PRISM_CENTRAL_USERNAME", user.clone()));
            env.push(("PRISM_CENTRAL_PASSWORD", password.clone()));
        }
        if let Some((user, password)) = &credentials.mv {
            env.push(("MOVE_USERNAME", user.clone()));
            env.push(("MOVE_PASSWORD", password.clone()));
        }
        env.push(("STAYPUT_FILE", self.estate_file.display().to_string()));
        env.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Reads `lab.json` in a directory.
    ///
    /// # Errors
    /// [`LabError`] when no lab runs there, or when the file cannot be read.
    pub fn read(dir: &Path) -> Result<Self, LabError> {
        let path = dir.join(LAB_FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LabError::NotRunning {
                    dir: dir.to_path_buf(),
                });
            }
            Err(source) => return Err(LabError::Read { path, source }),
        };
        serde_json::from_slice(&text).map_err(|source| LabError::Format { path, source })
    }
}

/// A lab that runs until it is shut down or dropped.
#[derive(Debug)]
pub struct RunningLab {
    endpoints: Endpoints,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

/// Starts a lab on free ports of the loopback interface. It has no data plane: it computes where packets would go.
///
/// # Errors
/// [`LabError`] when the scenario is not valid, the directory cannot be written, or no port is available.
pub async fn start(options: LabOptions) -> Result<RunningLab, LabError> {
    start_on(options, |_| Ok(None)).await
}

/// Starts a lab with a data plane, which `build` makes for the state that the lab starts in.
///
/// # Errors
/// [`LabError::DataPlane`] when the data plane cannot be built, before anything is written; and those of [`start`].
pub async fn start_with_data_plane<D: DataPlane + 'static>(
    options: LabOptions,
    build: impl FnOnce(&LabState) -> io::Result<D>,
) -> Result<RunningLab, LabError> {
    start_on(options, |lab| Ok(Some(Box::new(build(lab)?)))).await
}

async fn start_on(
    options: LabOptions,
    build: impl FnOnce(&LabState) -> io::Result<Option<Box<dyn DataPlane>>>,
) -> Result<RunningLab, LabError> {
    options.check()?;
    let speed = options.speed;
    let scenario = Scenario::load(&options.scenario)?;
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    let built = scenario.build(Clock::new(VTime(now), speed), options.machines)?;

    let data_plane = build(&built.lab).map_err(LabError::DataPlane)?;
    let dir = make_dir(&options.dir)?;
    let ca = LabCa::new()?;
    let ca_path = dir.join(estate_file::CA_FILE);
    write(&ca_path, ca.pem.as_bytes(), false)?;

    let mut lab = Lab::of(built, data_plane);
    match &options.guests {
        Ok(shell) => lab.set_guest_shell(shell),
        Err(NoShell(why)) => lab.with(|lab| lab.guests.without_shell = Some(why.clone())),
    }
    lab.set_latency(options.latency);
    let listeners = Listeners::open(&lab).await?;
    let endpoints = listeners.endpoints(&scenario, &lab, dir, ca_path)?;
    let estate = lab.estate_text(&scenario, &endpoints)?;
    write(&endpoints.estate_file, estate.as_bytes(), false)?;
    let lab_path = endpoints.dir.join(LAB_FILE);
    let json = serde_json::to_vec_pretty(&endpoints).map_err(|source| LabError::Format {
        path: lab_path.clone(),
        source,
    })?;
    write(&lab_path, &json, true)?;

    let shared = Arc::new(Shared::new(lab, endpoints.clone()));
    let mut tasks = JoinSet::new();
    for (port, listener) in listeners.0 {
        let tls = Arc::clone(&ca.tls);
        tasks.spawn(server::serve(listener, port, tls, Arc::clone(&shared)));
    }
    tasks.spawn(server::run_due_events(Arc::clone(&shared)));
    Ok(RunningLab {
        endpoints,
        shared,
        tasks,
    })
}

impl RunningLab {
    /// Returns where the lab can be reached.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns the lab's state. While it is locked, the lab answers no request. Call [`LabState::catch_up`] first.
    pub fn state(&self) -> Arc<Mutex<LabState>> {
        self.shared.lab.state()
    }

    /// Returns the lab behind the servers.
    pub fn lab(&self) -> &Lab {
        &self.shared.lab
    }

    /// Waits until a client of the control API asks the lab to shut down. [`Self::shutdown`] then does it.
    pub async fn wait(&self) {
        self.shared.stopped().await;
    }

    /// Shuts down: completes answers in progress, closes every port and removes `lab.json`.
    pub async fn shutdown(mut self) {
        self.shared.stop();
        while self.tasks.join_next().await.is_some() {}
        if let Some(data_plane) = self.shared.lab.data_plane() {
            data_plane.stop();
        }
        self.remove_lab_file();
    }

    /// Removes `lab.json`, unless another lab has written its own since.
    fn remove_lab_file(&self) {
        let ours = Endpoints::read(&self.endpoints.dir)
            .is_ok_and(|found| found.admin_token == self.endpoints.admin_token);
        if ours {
            // A file that cannot be removed is left. Clients that read it find no server.
            let _ = fs::remove_file(self.endpoints.dir.join(LAB_FILE));
        }
    }
}

impl Drop for RunningLab {
    fn drop(&mut self) {
        self.shared.stop();
        self.remove_lab_file();
    }
}

/// One listener for each port.
struct Listeners(Vec<(Port, TcpListener)>);

impl Listeners {
    async fn open(lab: &Lab) -> Result<Self, LabError> {
        let services = lab.services().into_iter();
        let ports = services.map(|(service, _)| Port::Service(service));
        let mut listeners = Vec::new();
        for port in ports.chain([Port::Admin]) {
            let listener = TcpListener::bind(("127.0.0.1", 0))
                .await
                .map_err(LabError::Listen)?;
            listeners.push((port, listener));
        }
        Ok(Self(listeners))
    }

    fn endpoints(
        &self,
        scenario: &Scenario,
        lab: &Lab,
        dir: PathBuf,
        ca: PathBuf,
    ) -> Result<Endpoints, LabError> {
        let (mut urls, mut admin) = (BTreeMap::new(), String::new());
        for (port, listener) in &self.0 {
            let address = listener.local_addr().map_err(LabError::Listen)?;
            let url = server::base_url(address);
            match *port {
                Port::Admin => admin = url,
                Port::Service(service) => {
                    urls.insert(service, url);
                }
            }
        }
        let url = |service| urls.get(&service).cloned().unwrap_or_default();
        Ok(Endpoints {
            admin,
            admin_token: new_token(),
            ca,
            pid: std::process::id(),
            ..lab.endpoints(scenario, &dir, url)
        })
    }
}

/// Returns a random token: twice the 122 random bits of a UUID.
fn new_token() -> String {
    format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    )
}

fn make_dir(dir: &Path) -> Result<PathBuf, LabError> {
    let wrong = |source| LabError::Write {
        path: dir.to_path_buf(),
        source,
    };
    fs::create_dir_all(dir).map_err(wrong)?;
    dir.canonicalize().map_err(wrong)
}

/// Writes a file atomically, so that no reader sees half of it. `secret` makes it readable by its owner only.
fn write(path: &Path, content: &[u8], secret: bool) -> Result<(), LabError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = open(&beside, secret)
        .and_then(|mut file| io::Write::write_all(&mut file, content))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| LabError::Write {
        path: path.to_path_buf(),
        source,
    })
}

fn open(path: &Path, secret: bool) -> io::Result<fs::File> {
    // A file left by a run that was killed may have another mode.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = secret;
    options.open(path)
}
