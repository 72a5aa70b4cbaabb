//! Running a plan: steps in the order of their needs, as many at once as is allowed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use futures::stream::FuturesUnordered;
use futures::stream::StreamExt;
use serde::Serialize;
use stayput_estate::Estate;
use stayput_estate::FlowVpcExtId;
use stayput_estate::InstanceId;
use stayput_estate::MoveConfig;
use stayput_estate::Nc2Site;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_ledger::Ledger;
use stayput_ledger::Outcome;
use stayput_ledger::Run;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_nutanix::RequestId;
use stayput_plan::Action;
use stayput_plan::Plan;
use stayput_plan::Step;
use stayput_plan::StepId;
use stayput_plan::Survey;
use stayput_world::AwsRegion;
use stayput_world::MachineFacts;
use stayput_world::MoveAppliance;
use stayput_world::Prism;
use stayput_world::World;

use crate::Clients;
use crate::EngineError;
use crate::Event;
use crate::Events;
use crate::StepError;
use crate::catalog::Catalog;
use crate::observe;
use crate::steps;
use crate::watch::Watcher;

/// Machines cut over at once. A cutover is minutes of waiting for Move, not work of ours; the number is HCX's published
/// per-manager figure of 200 per mesh (users-and-figures §2), since Move publishes none.
const CUTOVERS_AT_ONCE: usize = 200;

/// Runs plans for one estate.
#[derive(Clone)]
pub struct Engine {
    /// The estate.
    pub estate: Arc<Estate>,
    /// How its systems are reached.
    pub clients: Clients,
    /// What survives.
    pub ledger: Arc<dyn Ledger>,
    /// Who is told.
    pub events: Events,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Its id.
    pub run: String,
    /// What each step did.
    pub steps: Vec<StepReport>,
    /// Wall time in milliseconds.
    pub ms: u64,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The step.
    pub step: StepId,
    /// Whether it changed anything.
    pub changed: bool,
    /// When it began (RFC 3339), by this machine's clock.
    pub began: String,
    /// When it ended (RFC 3339).
    pub ended: String,
    /// Wall time in milliseconds.
    pub ms: u64,
}

/// What a step needs to do its work.
pub struct StepContext {
    pub estate: Arc<Estate>,
    pub clients: Clients,
    pub ledger: Arc<dyn Ledger>,
    pub catalog: Arc<Catalog>,
    pub watcher: Arc<Watcher>,
    pub events: Events,
    /// What the plan was made from.
    world: Arc<World>,
    run: String,
    step: StepId,
    failures: u32,
    sequence: i64,
}

impl StepContext {
    /// The id of one request of this step: the same after a kill, another after a failure.
    pub fn request(&self, part: &str) -> RequestId {
        let run = uuid::Uuid::try_parse(&self.run).unwrap_or_default();
        let name = format!("{}/{part}/{}", self.step, self.failures);
        // Marked as version 4, which is what Prism documents.
        let bytes = uuid::Uuid::new_v5(&run, name.as_bytes()).into_bytes();
        let id = uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string();
        id.parse().unwrap_or_else(|_| RequestId::random())
    }

    /// Puts on record what the step saw.
    pub fn record(&self, observed: &serde_json::Value) -> Result<(), StepError> {
        Ok(self.ledger.observe(self.sequence, observed)?)
    }

    /// How often this step has failed in this run.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether this step was done earlier in this run, by somebody who was stopped later.
    pub fn was_done(&self) -> Result<bool, StepError> {
        let journal = self.ledger.journal(&self.run)?;
        Ok(journal
            .iter()
            .any(|entry| entry.step == self.step && entry.outcome == Some(Outcome::Done)))
    }

    /// The Prism Central of a site.
    pub fn prism(&self, site: &SiteName) -> Result<&PrismClient, StepError> {
        self.clients
            .prism
            .get(site)
            .ok_or_else(|| missing("Prism Central", site))
    }

    /// What a Prism Central held when the plan was made.
    pub fn prism_world(&self, site: &SiteName) -> Result<&Prism, StepError> {
        self.world
            .prism
            .get(site)
            .ok_or_else(|| missing("Prism Central", site))
    }

    /// The Move appliance of a site.
    pub fn move_client(&self, site: &SiteName) -> Result<&MoveClient, StepError> {
        self.clients
            .moves
            .get(site)
            .ok_or_else(|| missing("Move", site))
    }

    /// What Move held when the plan was made.
    pub fn move_world(&self, site: &SiteName) -> Result<&MoveAppliance, StepError> {
        self.world
            .moves
            .get(site)
            .ok_or_else(|| missing("Move", site))
    }

    /// What AWS held when the plan was made.
    pub fn aws_world(&self, region: &Region) -> Result<&AwsRegion, StepError> {
        self.world
            .aws
            .get(region)
            .ok_or_else(|| StepError::Refused(format!("{region} was not observed")))
    }

    /// A site as configured.
    pub fn site(&self, site: &SiteName) -> Result<&Nc2Site, StepError> {
        self.estate
            .sites
            .get(site)
            .ok_or_else(|| missing("this site in stayput.toml", site))
    }

    /// A site's Move as configured.
    pub fn move_config(&self, site: &SiteName) -> Result<&MoveConfig, StepError> {
        self.site(site)?
            .mv
            .as_ref()
            .ok_or_else(|| missing("`move` in stayput.toml", site))
    }

    /// A Flow VPC of a site.
    pub fn flow_vpc(&self, site: &SiteName, name: &str) -> Result<FlowVpcExtId, StepError> {
        let found = self.catalog.vpc(site, name);
        found.ok_or_else(|| missing(&format!("Flow VPC {name}"), site))
    }

    /// A machine's facts, from the ledger.
    pub fn machine(&self, machine: &InstanceId) -> Result<MachineFacts, StepError> {
        let facts = self.ledger.machine(machine)?;
        facts.ok_or_else(|| {
            StepError::Refused(format!("the addresses of {machine} are not in the ledger"))
        })
    }

    /// Tells how far the step is.
    pub fn progress(&self, percent: Option<u8>, note: impl Into<String>) {
        self.events.send(Event::StepProgress {
            step: self.step.clone(),
            percent,
            note: note.into(),
        });
    }

    /// The gap between two looks.
    pub async fn pause(&self) {
        tokio::time::sleep(self.estate.engine.poll_interval).await;
    }

    /// Looks until `look` gives a value, at most `limit` of wall time.
    pub async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl AsyncFnMut() -> Result<Option<T>, StepError>,
    ) -> Result<T, StepError> {
        let start = Instant::now();
        loop {
            if let Some(value) = look().await? {
                return Ok(value);
            }
            if start.elapsed() > limit {
                return Err(StepError::TooSlow {
                    what: what.to_owned(),
                    seconds: limit.as_secs(),
                });
            }
            self.pause().await;
        }
    }
}

fn missing(what: &str, site: &SiteName) -> StepError {
    StepError::Missing {
        what: what.to_owned(),
        site: site.clone(),
    }
}

/// The time now, for records.
pub fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl Engine {
    /// Reads everything. Only reads.
    ///
    /// # Errors
    /// The first system that cannot be read.
    pub async fn observe(&self) -> Result<World, EngineError> {
        self.observe_without(&BTreeSet::new()).await
    }

    /// Reads everything that answers: what belongs to sites that are lost need not.
    ///
    /// # Errors
    /// Something else could not be read.
    pub async fn observe_without(&self, lost: &BTreeSet<SiteName>) -> Result<World, EngineError> {
        let facts = self.ledger.facts()?;
        observe::observe(&self.estate, &self.clients, &facts, &self.events, lost).await
    }

    /// Applies a plan made from `world`. Steps that are so already change nothing.
    ///
    /// # Errors
    /// The first step that failed. Steps then under way are finished first; no new ones are begun.
    pub async fn apply(
        &self,
        plan: &Plan,
        world: World,
        who: &str,
    ) -> Result<RunReport, EngineError> {
        let started = Instant::now();
        self.may_write_routes(plan).await?;
        let id = uuid::Uuid::new_v4().to_string();
        let run = self.ledger.open_run(&plan.goal, &id, who, &now())?;
        self.events.send(Event::RunStarted {
            run: run.id.clone(),
            goal: plan.goal.to_string(),
            steps: plan.steps.len(),
        });
        let facts = self.ledger.facts()?;
        let catalog = {
            let survey = Survey::of_goal(&self.estate, &world, &facts, &plan.goal);
            Arc::new(Catalog::new(&self.estate, &world, &survey))
        };
        let watcher = Arc::new(Watcher::new(self.estate.engine.poll_interval));
        let result = self
            .run_steps(plan, &run, &catalog, &watcher, &Arc::new(world))
            .await;
        let ms = millis(started);
        let done = result
            .as_ref()
            .map_or_else(|(reports, _)| reports.len(), Vec::len);
        self.events.send(Event::RunDone {
            run: run.id.clone(),
            done,
            ok: result.is_ok(),
            ms,
        });
        match result {
            Ok(steps) => {
                self.ledger.close_run(&run.id, &now())?;
                Ok(RunReport {
                    run: run.id,
                    steps,
                    ms,
                })
            }
            Err((_, error)) => Err(error),
        }
    }

    /// Asks by dry run whether every route of the plan may be written: rights that are missing must not be found out when
    /// the machines have been stopped already.
    async fn may_write_routes(&self, plan: &Plan) -> Result<(), EngineError> {
        for step in &plan.steps {
            let Action::TgwRoute {
                region,
                table,
                cidr,
                to,
                ..
            } = &step.action
            else {
                continue;
            };
            let aws = &self.clients.aws;
            if let Some(call) = aws
                .denied_route_call(region, table, *cidr, to.as_ref())
                .await?
            {
                return Err(EngineError::NotAllowed {
                    call,
                    region: region.clone(),
                    table: table.clone(),
                });
            }
        }
        Ok(())
    }

    async fn run_steps(
        &self,
        plan: &Plan,
        run: &Run,
        catalog: &Arc<Catalog>,
        watcher: &Arc<Watcher>,
        world: &Arc<World>,
    ) -> Result<Vec<StepReport>, (Vec<StepReport>, EngineError)> {
        let mut open: BTreeMap<&StepId, usize> = plan
            .steps
            .iter()
            .map(|step| (&step.id, step.needs.len()))
            .collect();
        let mut dependants: BTreeMap<&StepId, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            for need in step.needs.iter() {
                dependants.entry(need).or_default().push(step);
            }
        }
        // By lane, so that ten thousand steps that wait for one full lane are not looked at whenever one is done.
        let mut ready: BTreeMap<Lane, VecDeque<&Step>> = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| step.needs.is_empty()) {
            ready
                .entry(Lane::of(&step.action))
                .or_default()
                .push_back(step);
        }
        let mut under_way = FuturesUnordered::new();
        let mut busy: BTreeMap<Lane, usize> = BTreeMap::new();
        let mut reports = Vec::new();
        let mut failure: Option<EngineError> = None;
        loop {
            if failure.is_none() {
                for (&lane, queue) in &mut ready {
                    let in_lane = busy.entry(lane).or_default();
                    while *in_lane < lane.width(self.estate.engine.concurrency)
                        && let Some(step) = queue.pop_front()
                    {
                        *in_lane += 1;
                        let work = self.clone();
                        let (step_data, run) = (step.clone(), run.id.clone());
                        let (catalog, watcher) = (Arc::clone(catalog), Arc::clone(watcher));
                        let title = step.action.describe(&plan.names);
                        let world = Arc::clone(world);
                        // Not tasks of their own: a run is all waiting, and one that is dropped takes its steps with it.
                        under_way.push(async move {
                            let result = work
                                .run_step(step_data, title, run, catalog, watcher, world)
                                .await;
                            (step, lane, result)
                        });
                    }
                }
            }
            let Some((step, lane, result)) = under_way.next().await else {
                break;
            };
            if let Some(in_lane) = busy.get_mut(&lane) {
                *in_lane -= 1;
            }
            match result {
                Ok(report) => {
                    reports.push(report);
                    for next in dependants.get(&step.id).into_iter().flatten() {
                        if let Some(left) = open.get_mut(&next.id) {
                            *left -= 1;
                            if *left == 0 {
                                ready
                                    .entry(Lane::of(&next.action))
                                    .or_default()
                                    .push_back(next);
                            }
                        }
                    }
                }
                Err(source) => {
                    failure.get_or_insert(EngineError::Step {
                        step: step.id.clone(),
                        title: step.action.describe(&plan.names),
                        source: Box::new(source),
                        done: (reports.len(), plan.steps.len()),
                    });
                }
            }
        }
        match failure {
            None if reports.len() == plan.steps.len() => Ok(reports),
            None => Err((
                reports,
                EngineError::Internal("some steps need each other".to_owned()),
            )),
            Some(error) => Err((reports, error)),
        }
    }

    async fn run_step(
        &self,
        step: Step,
        title: String,
        run: String,
        catalog: Arc<Catalog>,
        watcher: Arc<Watcher>,
        world: Arc<World>,
    ) -> Result<StepReport, StepError> {
        let started = Instant::now();
        let began = now();
        self.events.send(Event::StepStarted {
            step: step.id.clone(),
            title: title.clone(),
        });
        let result = async {
            let failures = self.ledger.failures(&run, &step.id)?;
            let intent = serde_json::json!({"action": step.action, "inverse": step.inverse});
            let sequence = self.ledger.intend(&run, &step.id, &intent, &now())?;
            let context = StepContext {
                estate: Arc::clone(&self.estate),
                clients: self.clients.clone(),
                ledger: Arc::clone(&self.ledger),
                catalog,
                watcher,
                events: self.events.clone(),
                world,
                run,
                step: step.id.clone(),
                failures,
                sequence,
            };
            let result = steps::perform(&context, &step.action).await;
            let outcome = match &result {
                Ok(true) => Outcome::Done,
                Ok(false) => Outcome::Unchanged,
                Err(error) => Outcome::Failed {
                    error: chain(error),
                },
            };
            self.ledger.conclude(sequence, &outcome)?;
            result
        }
        .await;
        match result {
            Ok(changed) => {
                let ms = millis(started);
                self.events.send(Event::StepDone {
                    step: step.id.clone(),
                    title,
                    changed,
                    ms,
                });
                Ok(StepReport {
                    step: step.id,
                    changed,
                    began,
                    ended: now(),
                    ms,
                })
            }
            Err(error) => {
                self.events.send(Event::StepFailed {
                    step: step.id,
                    title,
                    error: chain(&error),
                });
                Err(error)
            }
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Steps that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Minutes of waiting for Move.
    Cutover,
    /// Work on one machine.
    Machine,
    /// Everything else; its order is the plan's own.
    Other,
}

impl Lane {
    fn of(action: &Action) -> Self {
        match action {
            Action::Cutover { .. } | Action::Replicate { .. } => Self::Cutover,
            Action::RestoreNics { .. } => Self::Machine,
            Action::Capture { .. }
            | Action::EnsureFlowVpc { .. }
            | Action::EnsureSubnet { .. }
            | Action::Erp { .. }
            | Action::TgwRoute { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::RunRecovery { .. }
            | Action::Verify { .. } => Self::Other,
        }
    }

    fn width(self, concurrency: usize) -> usize {
        match self {
            Self::Cutover => CUTOVERS_AT_ONCE,
            Self::Machine | Self::Other => concurrency,
        }
    }
}
