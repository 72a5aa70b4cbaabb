//! One story, told in virtual time on one thread: processes run commands against the lab, are killed, and run again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde::Serialize;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_engine::ApplyOptions;
use stayput_engine::Clients;
use stayput_engine::Engine;
use stayput_engine::EngineError;
use stayput_engine::Events;
use stayput_engine::Session;
use stayput_engine::StepError;
use stayput_engine::Stop;
use stayput_estate::Estate;
use stayput_estate::SiteName;
use stayput_lab::Availability;
use stayput_lab::Endpoints;
use stayput_lab::Lab;
use stayput_lab::Power;
use stayput_lab::Scenario;
use stayput_lab::ScenarioError;
use stayput_lab::Service;
use stayput_lab::clock::VTime;
use stayput_lab::faults::Rule;
use stayput_lab::state::LabState;
use stayput_ledger::By;
use stayput_ledger::Crash;
use stayput_ledger::GatedLedger;
use stayput_ledger::Ledger;
use stayput_ledger::MemoryLedger;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_plan::Goal;
use tokio::time::Instant;

use crate::gate::CallRecord;
use crate::gate::Gate;
use crate::gate::KillAt;
use crate::gate::LedgerGate;
use crate::judge::Judge;
use crate::judge::Violation;
use crate::remedies;
use crate::remedies::Remedy;
use crate::story;
use crate::story::Act;
use crate::wires::LabWire;
use crate::wires::url_of;

/// When every story begins, by the lab's clock.
const START: &str = "2026-03-01T00:00:00Z";
/// How often an operation in progress is polled.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// How often a person repeats a command that failed, before giving up.
const REPEATS: usize = 20;
/// How long a person waits before the second attempt; twice as long before each further one, up to an hour.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What befalls a story.
#[derive(Debug, Clone, Default)]
pub struct Disaster {
    /// Faults of calls.
    pub rules: Vec<Rule>,
    /// Where processes are killed.
    pub kills: Vec<KillAt>,
    /// When the wall clock is set forward or back.
    pub clock_steps: Vec<ClockStep>,
}

/// The wall clock of the operator's computer is set.
#[derive(Debug, Clone, Copy)]
pub struct ClockStep {
    /// Before the call with this number.
    pub at_call: u64,
    /// By this much; negative: back.
    pub by: SignedDuration,
}

impl Disaster {
    /// The same without one of its parts, for each part.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for number in 0..self.rules.len() {
            let mut smaller = self.clone();
            smaller.rules.remove(number);
            all.push(smaller);
        }
        for number in 0..self.kills.len() {
            let mut smaller = self.clone();
            smaller.kills.remove(number);
            all.push(smaller);
        }
        for number in 0..self.clock_steps.len() {
            let mut smaller = self.clone();
            smaller.clock_steps.remove(number);
            all.push(smaller);
        }
        all
    }
}

/// What a story is told about.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The lab's scenario.
    pub scenario: String,
    /// How many machines move; `None`: as many as the scenario lists.
    pub machines: Option<usize>,
    /// Seed of jitter and ids.
    pub seed: u64,
}

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The scenario is not valid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The scenario's estate file is not valid.
    #[error("the estate of the scenario is not valid: {0}")]
    Estate(String),
    /// A client cannot be made.
    #[error(transparent)]
    Client(#[from] EngineError),
    /// The runtime cannot be made.
    #[error("a runtime cannot be made")]
    Runtime(#[source] std::io::Error),
    /// The beginning of a story cannot be told.
    #[error("the beginning of the story cannot be told: {0}")]
    Beginning(String),
    /// A rule names something that the lab does not have.
    #[error("{0}")]
    Rule(String),
}

/// How one command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "end", content = "why")]
pub enum End {
    /// Its goal is reached.
    Reached,
    /// It was refused: what stands in the way, with remedies.
    Refused(Vec<String>),
    /// It failed.
    Failed(String),
    /// Its process was killed.
    Killed,
}

/// One command of a story.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// Virtual time at its end, RFC 3339.
    pub at: String,
    /// The command.
    pub command: String,
    /// How it ended.
    pub end: End,
}

/// A story that was told.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Every command, in order.
    pub told: Vec<Told>,
    /// Promises that were not kept.
    pub violations: Vec<Violation>,
    /// The command that was given up, if one was: its goal was not reached within the bound of repeats.
    pub stuck: Option<String>,
    /// How many faults took effect, kills included.
    pub faults_injected: u64,
    /// Virtual time that passed, in seconds.
    pub virtual_secs: u64,
    /// How many states the judge looked at.
    pub looks: u64,
    /// The smallest part of the disaster with which the story is still bad, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<String>,
    /// Every entry of the journal, as text.
    #[serde(skip)]
    pub journal: Vec<String>,
    /// Every call of the processes.
    #[serde(skip)]
    pub calls: Vec<CallRecord>,
    /// How many writes of the ledger were begun.
    #[serde(skip)]
    pub writes: u64,
}

impl Outcome {
    /// Whether every promise was kept and the end was reached.
    pub fn is_fine(&self) -> bool {
        self.violations.is_empty() && self.stuck.is_none()
    }
}

/// A story up to the beginning of one of its acts, to go on from there any number of times.
#[derive(Clone)]
pub struct Chapter {
    /// The act that comes next.
    pub act: Act,
    /// Every call that the act makes when nothing goes wrong, and how many writes of the ledger.
    pub calls: Vec<CallRecord>,
    /// Writes of the ledger that the act begins when nothing goes wrong.
    pub writes: u64,
    scene: Scene,
    rest: Vec<Act>,
}

/// Everything that a story consists of at one instant.
#[derive(Clone)]
struct Scene {
    state: LabState,
    machines: usize,
    estate: Arc<Estate>,
    endpoints: Endpoints,
    ledger: MemoryLedger,
    judge: Arc<Judge>,
    process: u32,
    seed: u64,
}

/// Tells the whole story with a disaster.
///
/// # Errors
/// [`SimulationError`] when it cannot be told; what goes wrong in it is in the outcome.
pub fn tell(setting: &Setting, disaster: &Disaster) -> Result<Outcome, SimulationError> {
    in_virtual_time(async {
        let scene = Scene::first(setting)?;
        let acts = scene.acts();
        let mut simulation = Simulation::new(&scene, disaster)?;
        simulation.run(&acts).await;
        Ok(simulation.finish().await)
    })
}

/// Tells these acts from the beginning, with a disaster.
///
/// # Errors
/// [`SimulationError`] when they cannot be told.
pub fn tell_acts(
    setting: &Setting,
    acts: impl Fn(&Estate) -> Vec<Act>,
    disaster: &Disaster,
) -> Result<Outcome, SimulationError> {
    in_virtual_time(async {
        let scene = Scene::first(setting)?;
        let acts = acts(&scene.estate);
        let mut simulation = Simulation::new(&scene, disaster)?;
        simulation.run(&acts).await;
        Ok(simulation.finish().await)
    })
}

/// Tells the whole story without a disaster and remembers the beginning of each act.
///
/// # Errors
/// [`SimulationError`] when it cannot be told.
pub fn chapters(setting: &Setting) -> Result<Vec<Chapter>, SimulationError> {
    let first = in_virtual_time(async { Scene::first(setting) })?;
    let acts = first.acts();
    let mut scene = first;
    let mut chapters = Vec::new();
    for (number, act) in acts.iter().enumerate() {
        let before = scene.clone();
        let outcome;
        (outcome, scene) = in_virtual_time(async {
            let mut simulation = Simulation::new(&before, &Disaster::default())?;
            simulation.run(std::slice::from_ref(act)).await;
            let after = simulation.scene(before.seed);
            Ok((simulation.finish().await, after))
        })?;
        chapters.push(Chapter {
            act: act.clone(),
            calls: outcome.calls,
            writes: outcome.writes,
            scene: before,
            rest: acts[number..].to_vec(),
        });
    }
    Ok(chapters)
}

impl Chapter {
    /// Goes on from the beginning of the act, with a disaster, for this many acts; numbers of calls and writes begin at 1 here.
    ///
    /// # Errors
    /// [`SimulationError`] when it cannot be told.
    pub fn tell(&self, disaster: &Disaster, acts: usize) -> Result<Outcome, SimulationError> {
        in_virtual_time(async {
            let mut simulation = Simulation::new(&self.scene, disaster)?;
            let acts = self.rest.get(..acts).unwrap_or(&self.rest);
            simulation.run(acts).await;
            Ok(simulation.finish().await)
        })
    }
}

fn in_virtual_time<T>(
    story: impl Future<Output = Result<T, SimulationError>>,
) -> Result<T, SimulationError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(SimulationError::Runtime)?;
    runtime.block_on(story)
}

impl Scene {
    /// The whole story.
    fn acts(&self) -> Vec<Act> {
        let machines = self.judge.machines(&self.estate);
        story::whole(&self.estate, &machines)
    }

    fn first(setting: &Setting) -> Result<Self, SimulationError> {
        let start: Timestamp = START.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let vtime = VTime(u64::try_from(start.as_millisecond()).unwrap_or_default());
        let scenario = Scenario::load(&setting.scenario)?;
        let lab = Lab::new(&scenario, vtime, 1.0, setting.machines)?;
        let dir = Path::new("/stayput-simulator");
        let endpoints = lab.endpoints(&scenario, dir, url_of);
        let text = lab.estate_text(&scenario, &endpoints)?;
        let mut estate = stayput_estate::parse("stayput.toml", &text, dir)
            .map_err(|error| SimulationError::Estate(format!("{error:?}")))?;
        // The lab's estate file polls often, because in a lab an hour can pass in a second. Here it does not.
        estate.engine.poll_interval = POLL_INTERVAL;
        let ledger = MemoryLedger::new();
        let networks: Vec<_> = estate
            .networks
            .values()
            .map(|network| network.cidr)
            .collect();
        let state = lab.with(|state| state.clone());
        Ok(Self {
            judge: Arc::new(Judge::new(&state, &ledger, &networks)),
            state,
            machines: lab.machines(),
            estate: Arc::new(estate),
            endpoints,
            ledger,
            process: 0,
            seed: setting.seed,
        })
    }
}

struct Simulation {
    lab: Arc<Lab>,
    estate: Arc<Estate>,
    endpoints: Endpoints,
    ambient: Ambient,
    ledger: MemoryLedger,
    gate: Arc<Gate>,
    judge: Arc<Judge>,
    began: Instant,
    process: u32,
    kills: u64,
    told: Vec<Told>,
    stuck: Option<String>,
}

impl Simulation {
    fn new(scene: &Scene, disaster: &Disaster) -> Result<Self, SimulationError> {
        let lab = Arc::new(Lab::resume(scene.state.clone(), scene.machines));
        let ledger = scene.ledger.crash(Crash::ProcessKilled);
        let judge = Arc::new(scene.judge.fork(&ledger));
        let watching = Arc::clone(&judge);
        lab.with(|state| state.observe(move |state| watching.look(state)));
        for rule in &disaster.rules {
            lab.add_fault(rule.clone())
                .map_err(|error| SimulationError::Rule(error.to_string()))?;
        }
        let now = i64::try_from(scene.state.now().0).unwrap_or(i64::MAX);
        let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let ambient = Ambient::simulated(now, scene.seed);
        Ok(Self {
            gate: Gate::new(&lab, &judge, &ambient.clock, disaster),
            ambient,
            lab,
            estate: Arc::clone(&scene.estate),
            endpoints: scene.endpoints.clone(),
            ledger,
            judge,
            began: Instant::now(),
            process: scene.process,
            kills: 0,
            told: Vec::new(),
            stuck: None,
        })
    }

    fn scene(&self, seed: u64) -> Scene {
        let ledger = self.ledger.crash(Crash::ProcessKilled);
        Scene {
            judge: Arc::new(self.judge.fork(&ledger)),
            state: self.lab.with(|state| state.clone()),
            machines: self.lab.machines(),
            estate: Arc::clone(&self.estate),
            endpoints: self.endpoints.clone(),
            ledger,
            process: self.process,
            seed,
        }
    }

    async fn run(&mut self, acts: &[Act]) {
        for act in acts {
            match act {
                Act::Apply(goal) => self.until_done(goal).await,
                Act::RegionDown(region) => self.region(region, Availability::Down),
                Act::RegionUp(region) => self.region(region, Availability::Up),
            }
            if self.stuck.is_some() {
                break;
            }
        }
    }

    fn region(&mut self, region: &str, to: Availability) {
        self.judge.disturbed();
        let known = self.lab.with(|state| state.set_region(region, to).is_ok());
        self.tell(
            format!("region {region}: {to:?}, known: {known}"),
            End::Reached,
        );
    }

    /// Repeats a command as a person does, until its goal is reached.
    async fn until_done(&mut self, goal: &Goal) {
        let mut wait = FIRST_WAIT;
        let mut repeats = 0;
        while repeats < REPEATS {
            let (end, remedies) = self.command(goal).await;
            self.tell(format!("apply {goal}"), end.clone());
            match end {
                End::Reached => {
                    self.judge.settled();
                    return;
                }
                End::Killed => continue,
                End::Refused(_) | End::Failed(_) => {
                    repeats += 1;
                    self.follow(remedies).await;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        self.stuck = Some(format!("apply {goal}"));
    }

    fn tell(&mut self, command: String, end: End) {
        let at = self.lab.with(|state| state.now().rfc3339());
        self.told.push(Told { at, command, end });
    }

    /// Runs one command as a process of its own.
    async fn command(&mut self, goal: &Goal) -> (End, Vec<Remedy>) {
        self.process += 1;
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(error) => return (End::Failed(error.to_string()), Vec::new()),
        };
        let mut remedies = Vec::new();
        let session = Session::new(
            engine,
            format!("operator@process-{}", self.process),
            Stop::never(),
        );
        let gate = Arc::clone(&self.gate);
        let end = tokio::select! {
            biased;
            () = gate.killed() => End::Killed,
            result = self.apply(&session, goal) => match result {
                Ok(()) => End::Reached,
                Err(EngineError::Obstacles(obstacles)) => {
                    let texts = obstacles.iter();
                    let texts = texts
                        .map(|obstacle| format!("{obstacle} → {}", obstacle.remedy()))
                        .collect();
                    remedies = obstacles.iter().map(remedies::of).collect();
                    End::Refused(texts)
                }
                Err(EngineError::Steps { failed, .. }) => {
                    for step in &failed {
                        if let StepError::NotVerified {
                            site, verification, ..
                        } = &step.error
                        {
                            let wrong = verification.wrong.iter();
                            remedies.extend(wrong.map(|wrong| remedies::of_wrong(site, wrong)));
                        }
                    }
                    let texts = failed.iter();
                    let texts: Vec<_> = texts
                        .map(|failed| format!("{}: {}", failed.step, chain(&failed.error)))
                        .collect();
                    End::Failed(texts.join("; "))
                }
                Err(EngineError::NotVerified { site, verification }) => {
                    let wrong = verification.wrong.iter();
                    remedies = wrong
                        .clone()
                        .map(|wrong| remedies::of_wrong(&site, wrong))
                        .collect();
                    let texts: Vec<_> = wrong.map(ToString::to_string).collect();
                    End::Failed(format!("not verified at {site}: {}", texts.join("; ")))
                }
                Err(error) => End::Failed(chain(&error)),
            },
        };
        drop(session);
        if end == End::Killed {
            self.kills += 1;
            self.ledger = self.ledger.crash(Crash::ProcessKilled);
            self.judge.ledger(&self.ledger);
        }
        if end == End::Reached {
            self.lab
                .with(|state| self.judge.reached(state, goal, &self.estate));
        }
        (end, remedies)
    }

    /// Does what the remedies say.
    async fn follow(&mut self, remedies: Vec<Remedy>) {
        let mut first = Vec::new();
        for remedy in remedies {
            let did = match &remedy {
                Remedy::Again => continue,
                Remedy::First(goal) => {
                    if !first.contains(goal) {
                        first.push(goal.clone());
                    }
                    continue;
                }
                Remedy::Adopt(machine, site, vm) => {
                    let by = By::person("operator");
                    let now = self.ambient.clock.now();
                    let put = self.ledger.put_vm(machine, site, vm, now, &by).await;
                    put.map_err(|error| error.to_string())
                }
                Remedy::StopInstance(machine) => self.lab.with(|state| {
                    let stopped = state.set_instance(machine.as_str(), Power::Off);
                    stopped.map(|_| ()).map_err(|error| error.to_string())
                }),
                Remedy::PowerOn(site, machine) => {
                    let facts = self.ledger.facts().await.unwrap_or_default();
                    let vm = facts.vms.get(machine).and_then(|vms| vms.get(site));
                    let vm = vm.map_or_else(String::new, ToString::to_string);
                    self.lab.with(|state| {
                        let on = state.set_vm_power(&vm, Some(site.as_str()), Power::On);
                        on.map(|_| ()).map_err(|error| error.to_string())
                    })
                }
                Remedy::PowerOff(site, vm) => self.lab.with(|state| {
                    let off = state.set_vm_power(vm.as_str(), Some(site.as_str()), Power::Off);
                    off.map(|_| ()).map_err(|error| error.to_string())
                }),
            };
            let end = did.map_or_else(End::Failed, |()| End::Reached);
            self.tell(format!("{remedy:?}"), end);
        }
        for goal in first {
            let (end, _) = self.command(&goal).await;
            self.tell(format!("apply {goal}, as the remedy says"), end);
        }
    }

    async fn apply(&self, session: &Session, goal: &Goal) -> Result<(), EngineError> {
        let locked = session.lock().await?;
        let seen = locked.look().await?;
        let plan = locked.plan(&seen, goal)?;
        if plan.steps.is_empty() {
            return locked.reached(goal, &seen).await;
        }
        self.judge.approved(&plan);
        locked.apply(&plan, &ApplyOptions::default()).await?;
        Ok(())
    }

    fn engine(&self) -> Result<Engine, EngineError> {
        // What one process draws does not change what another one does.
        let ambient = Ambient {
            clock: self.ambient.clock.clone(),
            entropy: self
                .ambient
                .entropy
                .stream(&format!("process-{}", self.process)),
        };
        let ledger = self.ledger.for_process(self.process);
        let gate = Arc::new(LedgerGate(Arc::clone(&self.gate)));
        Ok(Engine {
            estate: Arc::clone(&self.estate),
            clients: self.clients(&ambient)?,
            ledger: Arc::new(GatedLedger::new(Arc::new(ledger), gate)),
            events: Events::none(),
            ambient,
        })
    }

    fn clients(&self, ambient: &Ambient) -> Result<Clients, EngineError> {
        let limit = self.estate.engine.call_timeout;
        let interval = self.estate.engine.poll_interval;
        let known = &self.endpoints.credentials;
        let account = |account: &Option<(String, String)>| {
            let (user, password) = account.clone().unwrap_or_default();
            Credentials::new(user, password)
        };
        let wire = |service| LabWire::new(&self.gate, service);
        let aws = AwsClient::over(
            wire(Service::Aws),
            &url_of(Service::Aws),
            limit,
            &known.access_key,
            &known.secret_key,
            ambient,
        )?;
        let (mut prism, mut moves) = (BTreeMap::new(), BTreeMap::new());
        for (service, name) in self.lab.services() {
            let site = name.split_once('-').map_or("", |(_, site)| site);
            let Some((name, site)) = self.estate.sites.get_key_value(&SiteName::new(site)) else {
                continue;
            };
            let wire = Arc::new(wire(service));
            match service {
                Service::Aws => {}
                Service::Prism(_) => {
                    let account = account(&known.prism);
                    let entropy = &ambient.entropy;
                    let client = PrismClient::over(name, wire, &account, limit, interval, entropy)?;
                    prism.insert(name.clone(), client);
                }
                Service::Move(_) if site.mv.is_some() => {
                    let account = account(&known.mv);
                    let entropy = &ambient.entropy;
                    let client = MoveClient::over(name, wire, &account, limit, interval, entropy)?;
                    moves.insert(name.clone(), client);
                }
                Service::Move(_) => {}
            }
        }
        Ok(Clients { aws, prism, moves })
    }

    async fn finish(self) -> Outcome {
        let mut journal = Vec::new();
        for run in self.ledger.runs().await.unwrap_or_default() {
            let entries = self.ledger.journal(&run.id).await.unwrap_or_default();
            journal.extend(entries.iter().map(|entry| format!("{entry:?}")));
        }
        let hits: u64 = self.lab.list_faults().iter().map(|fault| fault.hits).sum();
        Outcome {
            violations: self.judge.violations(),
            looks: self.judge.looks(),
            journal,
            calls: self.gate.record(),
            writes: self.gate.writes(),
            told: self.told,
            stuck: self.stuck,
            shrunk: None,
            faults_injected: hits + self.kills,
            virtual_secs: self.began.elapsed().as_secs(),
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
