//! The use case for every caller: lock, observe, plan, prove, compare with the approved plan, run one phase, observe again.

mod left;
mod runs;

pub(crate) use runs::places_machines;

use std::sync::Arc;

use jiff::Timestamp;
use stayput_fabric::Source;
use stayput_ledger::By;
use stayput_ledger::Lease;
use stayput_ledger::LeaseScope;
use stayput_ledger::Who;
use stayput_plan::Goal;
use stayput_plan::Phase;
use stayput_plan::Plan;
use stayput_plan::Proven;
use stayput_plan::Survey;
use stayput_plan::Warning;
use stayput_world::Facts;
use stayput_world::Unobserved;
use stayput_world::World;

use self::left::Progress;
use crate::Engine;
use crate::EngineError;
use crate::Event;
use crate::Observation;
use crate::clock::Stopwatch;
use crate::observe;
use crate::phase::StepReport;
use crate::stop::Stop;

/// The work of one person or controller on one estate.
pub struct Session {
    engine: Engine,
    who: Who,
    stop: Stop,
}

/// How far to run, and when.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// The last phase to run; all if `None`.
    pub until: Option<Phase>,
    /// No machine stops before this time.
    pub cutover_after: Option<Timestamp>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RunReport {
    /// Its id.
    pub run: String,
    /// The phase after which it stopped on request; `None` when its goal is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_after: Option<Phase>,
    /// Addresses of machines that must run and that on-prem did not reach when it stopped on request; 0 if no machine had been stopped, by this
    /// run or an earlier attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreached: Option<usize>,
    /// What each step did.
    pub steps: Vec<StepReport>,
    /// Differences that were found and did not stop the run, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What to know of sites that are declared lost, as the last look shows it: they may have returned since the plan was approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of_lost: Vec<Warning>,
    /// Older runs that were closed because this one supersedes their goals.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub abandoned: Vec<String>,
    /// Wall time in milliseconds.
    pub ms: u64,
}

/// The exclusive right to change the estate.
pub struct Locked<'s> {
    session: &'s Session,
    lease: Arc<Lease>,
}

impl Session {
    /// Creates a session of a person or controller. Sends no request.
    pub fn new(engine: Engine, who: impl Into<Who>, stop: Stop) -> Self {
        Self {
            engine,
            who: who.into(),
            stop,
        }
    }

    /// The engine of the session.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads all systems that answer. Changes nothing, not even the ledger.
    ///
    /// # Errors
    /// The ledger.
    pub async fn look(&self) -> Result<Observation, EngineError> {
        self.engine.look().await
    }

    /// Plans and proves the steps to a goal from an observation.
    ///
    /// # Errors
    /// [`EngineError::Obstacles`].
    pub fn plan(&self, seen: &Observation, goal: &Goal) -> Result<Proven, EngineError> {
        let (world, facts) = (Arc::clone(&seen.world), Arc::clone(&seen.facts));
        Proven::plan(&self.engine.estate, world, facts, goal).map_err(EngineError::Obstacles)
    }

    /// Locks the estate for this session.
    ///
    /// # Errors
    /// [`stayput_ledger::LedgerError::Held`] at once when another process holds it.
    pub async fn lock(&self) -> Result<Locked<'_>, EngineError> {
        let ledger = &self.engine.ledger;
        let lease = ledger
            .acquire(&LeaseScope::Estate, &self.who, self.engine.now())
            .await?;
        Ok(Locked {
            session: self,
            lease: Arc::new(lease),
        })
    }
}

impl Locked<'_> {
    /// Reads all systems that answer, and writes into the ledger at once which VM each machine has become according to a system: this must
    /// be recorded before anything else is evaluated.
    ///
    /// # Errors
    /// The ledger.
    pub async fn look(&self) -> Result<Observation, EngineError> {
        let by = By::person(self.session.who.clone());
        self.look_by(&by, &[]).await
    }

    /// Looks as a person or a run. Systems that are known to be `silent` are not asked.
    async fn look_by(&self, by: &By, silent: &[Unobserved]) -> Result<Observation, EngineError> {
        let engine = &self.session.engine;
        let mut seen = engine.look_without(silent).await?;
        let networks = engine.estate.networks.keys().cloned().collect();
        let survey = Survey::new(&engine.estate, &seen.world, &seen.facts, &networks);
        let reported = survey.told_by_a_system(&seen.facts);
        let mut written = false;
        for (machine, (site, vm)) in reported {
            let known = seen.facts.vms.get(&machine);
            let is_known = known.and_then(|vms| vms.get(&site)) == Some(&vm)
                && seen.facts.newest.get(&machine) == Some(&site);
            if !is_known {
                engine
                    .ledger
                    .put_vm(&machine, &site, &vm, engine.now(), by)
                    .await?;
                written = true;
            }
        }
        if written {
            seen.facts = Arc::new(engine.ledger.facts().await?);
        }
        Ok(seen)
    }

    /// Plans and proves the steps to a goal from an observation.
    ///
    /// # Errors
    /// [`EngineError::Obstacles`].
    pub fn plan(&self, seen: &Observation, goal: &Goal) -> Result<Proven, EngineError> {
        self.session.plan(seen, goal)
    }

    /// Whether a run to this goal was begun and is not finished.
    ///
    /// # Errors
    /// The ledger.
    pub async fn is_begun(&self, goal: &Goal) -> Result<bool, EngineError> {
        runs::is_open(&self.session.engine, goal).await
    }

    /// Closes open runs to a goal for which no step is left: their processes ended after the last change. A goal that places machines is
    /// verified first, because the process may have ended before the verification. A rollback that has nothing to do is
    /// recorded as a run, once: it closes the run that it takes back.
    ///
    /// Returns the runs that are closed without their goals being reached.
    ///
    /// # Errors
    /// [`EngineError::NotVerified`]: the run stays open. The ledger.
    pub async fn reached(
        &self,
        goal: &Goal,
        seen: &Observation,
    ) -> Result<Vec<String>, EngineError> {
        let engine = &self.session.engine;
        let is_new = runs::is_new_rollback(engine, goal).await?;
        if !is_new && !runs::is_open(engine, goal).await? {
            return Ok(Vec::new());
        }
        verified(engine, &seen.world, &seen.facts, goal)?;
        let abandoned = match is_new {
            true => runs::open(engine, goal, &self.session.who).await?.1,
            false => Vec::new(),
        };
        runs::close_reached(engine, goal).await?;
        Ok(abandoned)
    }

    /// Applies a plan, phase by phase. After each phase the world is read again, and the rest is planned and proven again; it continues
    /// only with approved steps. A step whose result is already in place changes nothing.
    ///
    /// # Errors
    /// What stopped the run. Completed steps are kept, and the same goal resumes from there.
    pub async fn apply(
        &self,
        approved: &Proven,
        options: &ApplyOptions,
    ) -> Result<RunReport, EngineError> {
        let watch = Stopwatch::start();
        let engine = &self.session.engine;
        engine.may_write_routes(approved).await?;
        let (run, abandoned) = runs::open(engine, &approved.goal, &self.session.who).await?;
        runs::record_approval(engine, &run.id, &self.session.who, approved).await?;
        engine.events.send(Event::RunStarted {
            run: run.id.clone(),
            goal: approved.goal.to_string(),
            steps: approved.steps.len(),
        });
        let mut progress = Progress::new(approved, run.id.clone());
        let result = self.phases(&mut progress, options).await;
        let ms = watch.ms();
        engine.events.send(Event::RunDone {
            run: run.id.clone(),
            done: progress.done.len(),
            ok: result.is_ok(),
            ms,
        });
        let stopped = result?;
        if stopped.is_none() {
            engine.ledger.close_run(&run.id, engine.now()).await?;
        }
        let (stopped_after, unreached) = stopped.unzip();
        Ok(RunReport {
            run: run.id.to_string(),
            stopped_after,
            unreached,
            steps: progress.done,
            changes: progress.changes,
            of_lost: progress.of_lost,
            abandoned,
            ms,
        })
    }

    /// Runs these steps of a plan in order, phase by phase, without a proof and without reading the world in between: for rehearsals that
    /// show what an unsafe order does to packets.
    ///
    /// # Errors
    /// [`EngineError::NotALab`] unless every appliance of the estate is on loopback; what stopped the run.
    pub async fn rehearse_unproven(
        &self,
        plan: &Plan,
        seen: &Observation,
    ) -> Result<Vec<StepReport>, EngineError> {
        left::rehearse(self, plan, seen).await
    }

    fn silent_of_lost(&self, now: &Proven) -> Vec<Unobserved> {
        let estate = &self.session.engine.estate;
        observe::silent_of_lost(estate, now.world(), now.goal.declared_lost())
    }

    /// Runs phase after phase. Returns the phase after which it stopped on request, with how many addresses on-prem does not reach then, if
    /// the goal is not reached.
    async fn phases(
        &self,
        progress: &mut Progress<'_>,
        options: &ApplyOptions,
    ) -> Result<Option<(Phase, usize)>, EngineError> {
        let mut now = progress.approved.clone();
        // Whether the last look asked every system.
        let mut asked_all = true;
        loop {
            let Some(phase) = progress.next_phase(&now)? else {
                if asked_all {
                    break;
                }
                // A run is called done only after every system was asked. What answers was read before the silent ones were given up, so it is
                // read once more.
                let silent = self.silent_of_lost(&now);
                self.session.engine.events.send(Event::AskingAgain {
                    what: silent.iter().map(|each| each.system.to_string()).collect(),
                });
                now = self.plan_again(progress, &[]).await?;
                let silent = self.silent_of_lost(&now);
                if !silent.is_empty() {
                    now = self.plan_again(progress, &silent).await?;
                }
                asked_all = true;
                continue;
            };
            if self.session.stop.is_asked() {
                return Err(progress.interrupted(Vec::new()));
            }
            if let Some(until) = options.until.filter(|until| phase > *until) {
                progress.any_failed()?;
                let unreached = match progress.is_in_outage {
                    true => unreached(&now),
                    false => reached_again(&now),
                };
                return Ok(Some((until, unreached)));
            }
            if phase == Phase::CutOver
                && let Some(time) = options.cutover_after
                && self.wait_for(phase, time).await
            {
                if self.session.stop.is_asked() {
                    return Err(progress.interrupted(Vec::new()));
                }
                // Days may have passed.
                now = self.plan_again(progress, &[]).await?;
                continue;
            }
            if phase.is_outage() {
                progress.is_in_outage = true;
            }
            let end = self.run_phase(progress, &now, phase).await?;
            if phase >= Phase::Route {
                progress.is_in_outage = false;
            }
            progress.add(phase, end)?;
            let silent = self.silent_of_lost(&now);
            asked_all = silent.is_empty();
            now = self.plan_again(progress, &silent).await?;
        }
        progress.any_failed()?;
        // Since the verification the steps of the last phase were done, some of which wait for minutes.
        verified(&self.session.engine, now.world(), now.facts(), &now.goal)?;
        if !now.goal.declared_lost().is_empty() {
            progress.of_lost.clone_from(&now.warnings);
        }
        Ok(None)
    }
}

/// Whether the machines of a goal that places machines are where it places them, as the world shows it.
fn verified(engine: &Engine, world: &World, facts: &Facts, goal: &Goal) -> Result<(), EngineError> {
    let wrong = stayput_plan::verify_goal(&engine.estate, world, facts, goal)
        .into_iter()
        .find(|(_, verification)| !verification.is_passed());
    match wrong {
        None => Ok(()),
        Some((site, verification)) => Err(EngineError::NotVerified {
            site,
            verification: Box::new(verification),
        }),
    }
}

/// Addresses that on-prem does not reach now.
fn unreached(plan: &Plan) -> usize {
    let present = plan.proof.states.first();
    let undelivered = present.into_iter().flat_map(|state| &state.undelivered);
    undelivered.map(|undelivered| undelivered.addresses).sum()
}

/// Addresses that on-prem does not reach now and reaches when the rest of the plan is done: an earlier attempt may have stopped their machines.
/// What is not reached otherwise before the first machine stops is not this run's doing, and going on is not urgent.
fn reached_again(plan: &Plan) -> usize {
    let now = plan.proof.holes.iter().filter(|hole| {
        hole.source == Source::OnPrem && hole.opens.is_none() && hole.closes.is_some()
    });
    now.map(|hole| hole.addresses).sum()
}

#[cfg(test)]
mod tests;
