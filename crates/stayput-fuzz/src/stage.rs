//! What the targets share: a small estate and its lab, at the beginning and after a move with a drill, and what was observed of both.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use stayput_ambient::Ambient;
use stayput_engine::ApplyOptions;
use stayput_engine::Engine;
use stayput_engine::Events;
use stayput_engine::Observation;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_lab::Endpoints;
use stayput_lab::Lab;
use stayput_lab::Scenario;
use stayput_lab::Service;
use stayput_lab::clock::Clock;
use stayput_lab::clock::VTime;
use stayput_lab::state::LabState;
use stayput_ledger::MemoryLedger;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Plan;
use stayput_world::Facts;
use stayput_world::World;

use crate::wires::Recorded;
use crate::wires::Systems;
use crate::wires::url_of;

/// The lab's scenario.
const SCENARIO: &str = "tokyo-osaka";
/// How many machines move.
const MACHINES: usize = 2;
/// How often an operation in progress is polled, in virtual time: seldom, since each poll costs real time.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// When it begins, by the lab's clock.
const START: &str = "2026-03-01T00:00:00Z";

/// The estate and its lab.
pub(crate) struct Stage {
    pub(crate) estate: Arc<Estate>,
    pub(crate) endpoints: Endpoints,
    /// The networks that machines move in.
    pub(crate) networks: BTreeSet<NetworkName>,
    /// The site that they move to.
    pub(crate) home: SiteName,
    /// The site that they fail over to.
    pub(crate) away: SiteName,
    /// Before anything is done.
    pub(crate) before: Scene,
    /// After the move, protection and a drill that is not cleaned up.
    pub(crate) after: Scene,
    /// The plans that were applied in between.
    pub(crate) plans: Vec<Plan>,
    /// The calls that were made in between.
    pub(crate) calls: Vec<Recorded>,
}

/// A state of the lab, and what stayput knows of it.
pub(crate) struct Scene {
    pub(crate) state: LabState,
    pub(crate) world: Arc<World>,
    pub(crate) facts: Arc<Facts>,
}

impl Scene {
    /// A lab that goes on from here.
    pub(crate) fn lab(&self) -> Lab {
        Lab::resume(self.state.clone(), MACHINES)
    }
}

impl Stage {
    /// The stage of this process.
    pub(crate) fn get() -> &'static Self {
        static STAGE: OnceLock<Stage> = OnceLock::new();
        STAGE.get_or_init(|| in_virtual_time(Self::set_up()))
    }

    /// The Prism Central and the Move appliance of the site that machines move to.
    pub(crate) fn services(&self, lab: &Lab) -> (Service, Service) {
        let named = |kind: &str| {
            let name = format!("{kind}-{}", self.home);
            let found = lab.services().into_iter().find(|(_, known)| *known == name);
            found.expect("the site has both").0
        };
        (named("prism"), named("move"))
    }

    /// Goals for the networks, of every kind that needs no run before it.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let networks = || self.networks.clone();
        let failover = |mode, path, lost: BTreeSet<SiteName>| Goal::Failover {
            networks: networks(),
            to: self.away.clone(),
            mode,
            path,
            lost,
        };
        let lost: BTreeSet<SiteName> = [self.home.clone()].into();
        vec![
            Goal::Capture {
                networks: networks(),
            },
            self.moved(),
            Goal::Protect {
                networks: networks(),
            },
            failover(FailoverMode::Test, EntryPath::Keep, BTreeSet::new()),
            failover(FailoverMode::Planned, EntryPath::A, BTreeSet::new()),
            failover(FailoverMode::Unplanned, EntryPath::B, lost),
            Goal::Failback {
                networks: networks(),
            },
            Goal::CleanUp {
                networks: networks(),
                site: self.home.clone(),
                remove: true,
            },
        ]
    }

    fn moved(&self) -> Goal {
        Goal::Move {
            networks: self.networks.clone(),
            canaries: BTreeSet::new(),
            leave_out: BTreeSet::new(),
        }
    }

    async fn set_up() -> Self {
        let scenario = Scenario::load(SCENARIO).expect("it is built in");
        let start = VTime(u64::try_from(start().as_millisecond()).unwrap_or_default());
        let lab = Lab::new(&scenario, start, 1.0, Some(MACHINES)).expect("it is valid");
        let dir = Path::new("/stayput-fuzz");
        let endpoints = lab.endpoints(&scenario, dir, url_of);
        let text = lab
            .estate_text(&scenario, &endpoints)
            .expect("the scenario has an estate");
        let mut estate = stayput_estate::parse("stayput.toml", &text, dir).expect("it is valid");
        // The lab's estate file polls often, because in a lab an hour can pass in a second. Here it does not.
        estate.engine.poll_interval = POLL_INTERVAL;
        let estate = Arc::new(estate);
        let systems = Systems::recording(lab);
        let ambient = ambient();
        let engine = Engine {
            estate: Arc::clone(&estate),
            clients: systems.clients(&estate, &endpoints, &ambient),
            ledger: Arc::new(MemoryLedger::new()),
            events: Events::none(),
            ambient,
        };
        let session = Session::new(engine, "operator@desk", Stop::never());
        let before = scene(&systems, session.look().await.expect("the lab answers"));
        let (facts, _) =
            stayput_plan::observe_facts(&estate, &before.world, &all_networks(&estate));
        let nics = facts.values().flat_map(|machine| &machine.nics);
        let networks: BTreeSet<_> = nics.map(|nic| nic.network.clone()).collect();
        let network = networks.first().and_then(|name| estate.networks.get(name));
        let network = network.expect("the scenario has machines");
        let away = network
            .recovery
            .clone()
            .expect("the scenario has two sites");
        let mut stage = Self {
            home: network.primary.clone(),
            away,
            networks,
            endpoints,
            after: before.again(),
            before,
            estate,
            plans: Vec::new(),
            calls: Vec::new(),
        };
        let goals = stage.goals();
        for goal in goals.iter().take(4) {
            let plan = stage.apply(&session, goal).await;
            stage.plans.push(plan);
        }
        stage.after = scene(&systems, session.look().await.expect("the lab answers"));
        stage.calls = systems.record();
        stage
    }

    async fn apply(&self, session: &Session, goal: &Goal) -> Plan {
        let locked = session.lock().await.expect("no other session");
        let seen = locked.look().await.expect("the lab answers");
        let plan = locked.plan(&seen, goal).expect("nothing is in the way");
        let done = locked.apply(&plan, &ApplyOptions::default()).await;
        done.expect("nothing fails");
        plan.into_plan()
    }
}

impl Scene {
    fn again(&self) -> Self {
        Self {
            state: self.state.clone(),
            world: Arc::clone(&self.world),
            facts: Arc::clone(&self.facts),
        }
    }
}

fn scene(systems: &Systems, seen: Observation) -> Scene {
    let Observation { world, facts } = seen;
    let mut state = systems.lab().look(LabState::clone);
    // Its time stands still until a lab goes on from here.
    state.clock = Clock::new(state.now(), 0.0);
    Scene {
        state,
        world,
        facts,
    }
}

fn all_networks(estate: &Estate) -> BTreeSet<NetworkName> {
    estate.networks.keys().cloned().collect()
}

fn start() -> Timestamp {
    START.parse().expect("it is a time")
}

/// Time and randomness, the same in every run.
pub(crate) fn ambient() -> Ambient {
    Ambient::simulated(start(), 1)
}

/// Runs a story whose time passes only while it waits.
pub(crate) fn in_virtual_time<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("it needs no resource of the system")
        .block_on(story)
}
