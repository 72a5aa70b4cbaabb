//! Acts of a story, each with everything as it is at its beginning: a story can go on from there any number of times.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stayput_estate::Estate;
use stayput_lab::Endpoints;
use stayput_lab::Lab;
use stayput_lab::Scenario;
use stayput_lab::clock::VTime;
use stayput_lab::faults::Rule;
use stayput_lab::state::LabState;
use stayput_ledger::MemoryLedger;

use crate::disaster::Disaster;
use crate::gate::CallRecord;
use crate::judge::Judge;
use crate::outcome::Outcome;
use crate::outcome::SimulationError;
use crate::simulation::Simulation;
use crate::story;
use crate::story::Act;
use crate::wires::url_of;

/// When every story begins, by the lab's clock.
const START: &str = "2026-03-01T00:00:00Z";
/// How often an operation in progress is polled.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// Objects of other teams of each kind, in each place: enough to be harmed. More of them only make every list, and so every story, longer.
const CROWD: u32 = 3;

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
pub(crate) struct Scene {
    pub(crate) state: LabState,
    pub(crate) machines: usize,
    pub(crate) estate: Arc<Estate>,
    pub(crate) endpoints: Endpoints,
    pub(crate) ledger: MemoryLedger,
    pub(crate) judge: Arc<Judge>,
    pub(crate) process: u32,
    pub(crate) seed: u64,
    /// Faults of the scenario: they befall every story, from the act with which it begins.
    pub(crate) faults: Vec<Rule>,
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
        let mut simulation = Simulation::new(&scene, &scene.with_faults(disaster))?;
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
            let disaster = self.scene.with_faults(disaster);
            let mut simulation = Simulation::new(&self.scene, &disaster)?;
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

    /// A disaster, with the faults of the scenario.
    fn with_faults(&self, disaster: &Disaster) -> Disaster {
        let mut all = disaster.clone();
        all.rules.extend(self.faults.iter().cloned());
        all
    }

    fn first(setting: &Setting) -> Result<Self, SimulationError> {
        let start: Timestamp = START.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let vtime = VTime(u64::try_from(start.as_millisecond()).unwrap_or_default());
        let scenario = Scenario::load(&setting.scenario)?.with_crowds_of_at_most(CROWD);
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
        let state = lab.look(LabState::clone);
        Ok(Self {
            judge: Arc::new(Judge::new(&state, &ledger, &networks)),
            state,
            machines: lab.machines(),
            estate: Arc::new(estate),
            endpoints,
            ledger,
            process: 0,
            seed: setting.seed,
            faults: scenario.faults().cloned().collect(),
        })
    }
}
