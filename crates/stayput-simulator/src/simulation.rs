//! One story, told in virtual time on one thread: processes run commands against the lab, are killed, and run again.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_engine::ApplyOptions;
use stayput_engine::Clients;
use stayput_engine::Engine;
use stayput_engine::EngineError;
use stayput_engine::Events;
use stayput_engine::FailedStep;
use stayput_engine::Session;
use stayput_engine::StepError;
use stayput_engine::Stop;
use stayput_engine::chain;
use stayput_engine::rollback_goal;
use stayput_estate::Estate;
use stayput_estate::SiteName;
use stayput_lab::Availability;
use stayput_lab::Endpoints;
use stayput_lab::Lab;
use stayput_lab::Service;
use stayput_lab::faults::Rule;
use stayput_lab::state::LabState;
use stayput_ledger::Crash;
use stayput_ledger::GatedLedger;
use stayput_ledger::Ledger;
use stayput_ledger::MemoryLedger;
use stayput_messages::Message;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_plan::Goal;
use tokio::time::Instant;

use crate::chapters::Scene;
use crate::disaster::Disaster;
use crate::gate::Gate;
use crate::gate::LedgerGate;
use crate::hands;
use crate::judge::Judge;
use crate::outcome::End;
use crate::outcome::Outcome;
use crate::outcome::SimulationError;
use crate::outcome::Told;
use crate::remedies;
use crate::remedies::Remedy;
use crate::story::Act;
use crate::wires::LabWire;
use crate::wires::url_of;

/// How often a person repeats a command that failed, before giving up.
const REPEATS: usize = 20;
/// How long a person waits before the second attempt; twice as long before each further one, up to an hour.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A process that runs one command.
struct Process {
    number: u32,
    session: Session,
}

/// A story that is being told.
pub(crate) struct Simulation {
    pub(crate) lab: Arc<Lab>,
    pub(crate) estate: Arc<Estate>,
    endpoints: Endpoints,
    pub(crate) ambient: Ambient,
    pub(crate) ledger: MemoryLedger,
    gate: Arc<Gate>,
    pub(crate) judge: Arc<Judge>,
    began: Instant,
    process: u32,
    kills: u64,
    told: Vec<Told>,
    /// The steps of the plan that was approved since the last command was told.
    approved: RefCell<Vec<String>>,
    stuck: Option<String>,
    /// The person takes a run back when this many calls were made.
    rollback: Option<u64>,
    /// Those of the scenario, for later scenes.
    faults: Vec<Rule>,
}

impl Simulation {
    pub(crate) fn new(scene: &Scene, disaster: &Disaster) -> Result<Self, SimulationError> {
        let lab = Arc::new(Lab::resume(scene.state.clone(), scene.machines));
        let ledger = scene.ledger.crash(Crash::ProcessKilled);
        let judge = Arc::new(scene.judge.fork(&ledger));
        let watching = Arc::clone(&judge);
        lab.with(|state| {
            state.observe(move |state| watching.look(state));
            let usual = state.timing.nc2_route;
            state.timing.nc2_route = usual.saturating_add(usual * disaster.slower_nc2);
            for pc in &mut state.pcs {
                pc.forgets_requests = disaster.forgets_requests;
            }
        });
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
            approved: RefCell::default(),
            stuck: None,
            rollback: disaster.rollback,
            faults: scene.faults.clone(),
        })
    }

    pub(crate) fn scene(&self, seed: u64) -> Scene {
        let ledger = self.ledger.crash(Crash::ProcessKilled);
        Scene {
            judge: Arc::new(self.judge.fork(&ledger)),
            state: self.lab.look(LabState::clone),
            machines: self.lab.machines(),
            estate: Arc::clone(&self.estate),
            endpoints: self.endpoints.clone(),
            ledger,
            process: self.process,
            seed,
            faults: self.faults.clone(),
        }
    }

    pub(crate) async fn run(&mut self, acts: &[Act]) {
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

    /// Repeats a command as a person does, until its goal is reached. Where the story says so, its run is rolled back on the way, and the
    /// command begun again.
    async fn until_done(&mut self, goal: &Goal) {
        let mut wait = FIRST_WAIT;
        let mut repeats = 0;
        while repeats < REPEATS {
            let (end, remedies) = self.command(goal).await;
            self.tell(format!("apply {goal}"), end.clone());
            if self.takes_back() && self.roll_back(goal).await {
                continue;
            }
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
        self.stuck.get_or_insert(format!("apply {goal}"));
    }

    /// Whether the person decides now to take a run back; once in a story.
    fn takes_back(&mut self) -> bool {
        let is_time = |at| self.gate.calls() >= at;
        self.rollback.take_if(|at| is_time(*at)).is_some()
    }

    /// Takes back the newest run to a goal. Returns whether that was done, or left the story stuck.
    async fn roll_back(&mut self, goal: &Goal) -> bool {
        let mut wait = FIRST_WAIT;
        for _ in 0..REPEATS {
            let runs = self.ledger.runs().await.unwrap_or_default();
            let Some(run) = runs.iter().find(|run| run.goal == *goal) else {
                return false;
            };
            let (end, remedies) = match rollback_goal(&self.ledger, run).await {
                Ok(back) => self.command(&back).await,
                Err(error) => refused(error),
            };
            self.tell(format!("rollback {}", run.id), end.clone());
            match end {
                End::Reached => {
                    self.judge.settled();
                    return true;
                }
                End::Killed => continue,
                End::Refused(_) if remedies.contains(&Remedy::GoOn) => return false,
                // It can be taken back when what is down returns.
                End::Refused(_) if self.lab.look(is_any_down) => return false,
                End::Refused(_) | End::Failed(_) => {
                    self.follow(remedies).await;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        let stuck = Message::new("simulate-rollback").with("goal", goal);
        self.stuck = Some(stuck.into());
        true
    }

    pub(crate) fn tell(&mut self, command: String, end: End) {
        let at = self.lab.look(|state| state.now().rfc3339());
        let steps = self.approved.take();
        self.told.push(Told {
            at,
            command,
            steps,
            end,
        });
    }

    /// Runs one command as a process of its own.
    pub(crate) async fn command(&mut self, goal: &Goal) -> (End, Vec<Remedy>) {
        let (first, second) = match (self.session(), self.session()) {
            (Ok(session), Ok(second)) => (session, second),
            (Err(error), _) | (_, Err(error)) => {
                return (End::Failed(error.to_string()), Vec::new());
            }
        };
        let mut remedies = Vec::new();
        let gate = Arc::clone(&self.gate);
        let mut crashed = None;
        self.judge.begins();
        let end = tokio::select! {
            biased;
            crash = gate.killed() => {
                crashed = Some(crash);
                End::Killed
            }
            result = self.apply_with(&first, &second, goal) => match result {
                Ok(()) => End::Reached,
                Err(error) => {
                    let end;
                    (end, remedies) = refused(error);
                    end
                }
            },
        };
        self.judge.ended(first.number);
        self.judge.ended(second.number);
        drop((first, second));
        if let Some(crash) = crashed {
            self.kills += 1;
            self.ledger = self.ledger.crash(crash);
            self.judge.ledger(&self.ledger);
        }
        if end == End::Reached {
            self.lab
                .look(|state| self.judge.reached(state, goal, &self.estate));
        }
        (end, remedies)
    }

    /// Applies a goal; a second operator may do so, too, meanwhile. Returns what becomes of the first.
    async fn apply_with(
        &self,
        first: &Process,
        second: &Process,
        goal: &Goal,
    ) -> Result<(), EngineError> {
        let came = Cell::new(false);
        let mut first = std::pin::pin!(self.apply(first, goal));
        let mut second = std::pin::pin!(async {
            self.gate.second_comes().await;
            came.set(true);
            // What it says is judged by what it does.
            let _ = self.apply(second, goal).await;
        });
        tokio::select! {
            biased;
            result = &mut first => {
                if came.get() {
                    second.await;
                }
                result
            }
            () = &mut second => first.await,
        }
    }

    fn session(&mut self) -> Result<Process, EngineError> {
        self.process += 1;
        let operator = format!("operator@process-{}", self.process);
        Ok(Process {
            number: self.process,
            session: Session::new(self.engine()?, operator, Stop::never()),
        })
    }

    async fn apply(&self, process: &Process, goal: &Goal) -> Result<(), EngineError> {
        let result = self.apply_locked(&process.session, goal).await;
        self.judge.ended(process.number);
        result
    }

    async fn apply_locked(&self, session: &Session, goal: &Goal) -> Result<(), EngineError> {
        let locked = session.lock().await?;
        let looked_at = self.lab.look(LabState::now);
        let seen = locked.look().await?;
        let plan = locked.plan(&seen, goal)?;
        if plan.steps.is_empty() {
            return locked.reached(goal, &seen).await.map(drop);
        }
        self.judge.approved(&plan, looked_at);
        let steps = plan.steps.iter().map(|step| step.id.to_string());
        self.approved.replace(steps.collect());
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
        let process = self.process;
        let wire = |service| LabWire::new(&self.gate, process, service);
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

    pub(crate) async fn finish(self) -> Outcome {
        let mut journal = Vec::new();
        for run in self.ledger.runs().await.unwrap_or_default() {
            let entries = self.ledger.journal(&run.id).await.unwrap_or_default();
            journal.extend(entries.iter().map(|entry| format!("{entry:?}")));
        }
        let hits = hands::hits(&self.lab);
        Outcome {
            violations: self.judge.violations(),
            looks: self.judge.looks(),
            journal,
            calls: self.gate.record(),
            writes: self.gate.writes(),
            told: self.told,
            stuck: self.stuck,
            shrunk: None,
            faults_injected: hits + self.kills + self.gate.done_by_hand(),
            virtual_secs: self.began.elapsed().as_secs(),
        }
    }
}

/// Whether a site or a region is down.
fn is_any_down(state: &LabState) -> bool {
    !state.aws.down_regions.is_empty() || state.pcs.iter().any(|pc| pc.down)
}

/// How a command ended that did not reach its goal, and what a person does about it.
fn refused(error: EngineError) -> (End, Vec<Remedy>) {
    match error {
        EngineError::Obstacles(obstacles) => {
            let texts = obstacles.iter();
            let texts = texts
                .map(|obstacle| format!("{obstacle} → {}", obstacle.remedy()))
                .collect();
            let remedies = obstacles.iter().map(remedies::of).collect();
            (End::Refused(texts), remedies)
        }
        EngineError::Steps { failed, .. } => {
            let mut remedies = Vec::new();
            let mut texts = Vec::new();
            for FailedStep { step, error, .. } in &failed {
                if let StepError::NotVerified {
                    site, verification, ..
                } = error
                {
                    let wrong = verification.wrong.iter();
                    remedies.extend(wrong.map(|wrong| remedies::of_wrong(site, wrong)));
                }
                texts.push(format!("{step}: {}", chain(error)));
            }
            (End::Failed(texts.join("; ")), remedies)
        }
        EngineError::NotVerified { site, verification } => {
            let wrong = verification.wrong.iter();
            let remedies = wrong
                .clone()
                .map(|wrong| remedies::of_wrong(&site, wrong))
                .collect();
            let texts: Vec<_> = wrong.map(ToString::to_string).collect();
            let why = Message::new("engine-not-verified")
                .with("site", &site)
                .with("summary", texts.join("; "));
            (End::Failed(why.into()), remedies)
        }
        EngineError::WorldChanged {
            ref differences,
            ref obstacles,
            ..
        } => {
            let texts = obstacles.iter().map(ToString::to_string);
            let texts: Vec<_> = differences.iter().cloned().chain(texts).collect();
            let remedies = obstacles.iter().map(remedies::of).collect();
            let why = format!("{}: {}", chain(&error), texts.join("; "));
            (End::Failed(why), remedies)
        }
        error => (End::Failed(chain(&error)), Vec::new()),
    }
}
