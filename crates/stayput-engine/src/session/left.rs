//! The remaining steps after each phase, and the check that they are approved.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use stayput_estate::Estate;
use stayput_estate::NetworkName;
use stayput_estate::mutants::Mutant;
use stayput_ledger::By;
use stayput_ledger::RunId;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::Goal;
use stayput_plan::Numbered;
use stayput_plan::Obstacle;
use stayput_plan::Phase;
use stayput_plan::Plan;
use stayput_plan::Proven;
use stayput_plan::RecoveryRun;
use stayput_plan::Step;
use stayput_plan::StepId;
use stayput_plan::Survey;
use stayput_plan::Warning;
use stayput_plan::Wrong;
use stayput_world::MachineFacts;
use stayput_world::Unobserved;
use stayput_world::World;

use super::Locked;
use super::runs;
use crate::Engine;
use crate::EngineError;
use crate::Event;
use crate::Observation;
use crate::catalog::Catalog;
use crate::context::PhaseContext;
use crate::error::FailedStep;
use crate::error::LeftUnreached;
use crate::event::StepName;
use crate::observe;
use crate::phase;
use crate::phase::PhaseEnd;
use crate::phase::StepReport;
use crate::watch::Watcher;

/// How often a step may be done in one run of a command: when another system or person undoes it each time, the run stops.
const TIMES: u32 = 3;

/// The progress of a run.
pub(super) struct Progress<'a> {
    pub(super) approved: &'a Proven,
    pub(super) run: RunId,
    /// The goal that was planned last: the approved one, or a part of it when the cutover of some networks failed.
    goal: Goal,
    pub(super) done: Vec<StepReport>,
    failed: Vec<FailedStep>,
    /// How often each step was done.
    times: BTreeMap<StepId, u32>,
    /// Differences that were reported and did not stop the run.
    pub(super) changes: Vec<String>,
    /// What the last plan says of sites that are declared lost.
    pub(super) of_lost: Vec<Warning>,
    /// Whether machines may be unreachable because of this run.
    pub(super) is_in_outage: bool,
    /// What the run leaves unreachable, because no way on is safe.
    left: Option<LeftUnreached>,
    after: Option<Phase>,
    numbers: BTreeMap<StepId, usize>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(approved: &'a Proven, run: RunId) -> Self {
        let numbered = Numbered::of(approved);
        let numbers = numbered
            .iter()
            .flat_map(|(number, group)| group.iter().map(move |step| (step.id.clone(), number)))
            .collect();
        Self {
            approved,
            run,
            goal: approved.goal.clone(),
            done: Vec::new(),
            failed: Vec::new(),
            times: BTreeMap::new(),
            changes: Vec::new(),
            of_lost: Vec::new(),
            is_in_outage: false,
            left: None,
            after: None,
            numbers,
        }
    }

    /// The phase to run next; `None` when nothing is left.
    pub(super) fn next_phase(&self, now: &Proven) -> Result<Option<Phase>, EngineError> {
        for step in now.steps.iter().filter(|step| self.is_left(step)) {
            let times = self.times.get(&step.id).copied().unwrap_or_default();
            if times >= TIMES {
                return Err(EngineError::Undone {
                    step: step.id.clone(),
                    title: step.action.describe(&now.names).into(),
                    times,
                });
            }
        }
        let mut left = now.steps.iter().filter(|step| self.is_left(step));
        Ok(left.next().map(|step| step.phase))
    }

    /// Whether a step is still to be done. A step without an observable result is done once this command has done it.
    fn is_left(&self, step: &Step) -> bool {
        let done = self.times.contains_key(&step.id);
        let failed = self.failed.iter().any(|failed| failed.step == step.id);
        let is_settled = done && leaves_nothing_to_observe(&step.action);
        !failed && !is_settled
    }

    /// Approved verifications that were not run yet, of the networks that are still part of the run.
    fn owed(&self) -> impl Iterator<Item = Step> {
        let steps = self.approved.steps.iter();
        steps
            .filter(|step| self.is_left(step))
            .filter_map(|step| match &step.action {
                Action::Verify {
                    site,
                    networks,
                    machines,
                    lost,
                    routes,
                } => {
                    let left = self.goal.networks();
                    let networks: BTreeSet<_> = networks.intersection(left).cloned().collect();
                    (!networks.is_empty()).then(|| Step {
                        action: Action::Verify {
                            site: site.clone(),
                            networks,
                            machines: machines.clone(),
                            lost: lost.clone(),
                            routes: routes.clone(),
                        },
                        needs: Arc::default(),
                        ..step.clone()
                    })
                }
                _ => None,
            })
    }

    /// Adds the result of a phase.
    pub(super) fn add(&mut self, phase: Phase, end: PhaseEnd) -> Result<(), EngineError> {
        let is_failed = !end.failed.is_empty();
        for report in &end.done {
            *self.times.entry(report.step.clone()).or_default() += 1;
        }
        self.done.extend(end.done);
        self.failed.extend(end.failed);
        if !end.goes_on.is_empty() {
            self.any_failed()?;
            return Err(self.interrupted(end.goes_on));
        }
        self.after = Some(phase);
        // What failed in an earlier phase is told at the end.
        if !is_failed {
            return Ok(());
        }
        match self.without_failed_networks() {
            // Machines of other networks have stopped: these failures must not prolong their outage.
            Some(goal) if phase == Phase::CutOver => {
                self.goal = goal;
                Ok(())
            }
            Some(_) | None => self.any_failed(),
        }
    }

    /// The goal without the networks whose machines could not be cut over; `None` when none would be left, or when it is not known which
    /// networks those are.
    fn without_failed_networks(&self) -> Option<Goal> {
        let mut failed_networks = BTreeSet::new();
        for failed in &self.failed {
            failed_networks.extend(self.networks_of(&failed.step)?);
        }
        let left: BTreeSet<_> = self
            .goal
            .networks()
            .difference(&failed_networks)
            .cloned()
            .collect();
        (!left.is_empty()).then(|| self.goal.with_networks(left))
    }

    /// The networks of the machines of a step; `None` if it has none.
    fn networks_of(&self, step: &StepId) -> Option<BTreeSet<NetworkName>> {
        let step = self.approved.steps.iter().find(|one| one.id == *step)?;
        let networks = self.networks_of_machines(&step.action);
        (!networks.is_empty()).then_some(networks)
    }

    fn networks_of_machines(&self, action: &Action) -> BTreeSet<NetworkName> {
        let facts = self.approved.facts();
        let machines = action.machines();
        let known = machines.iter().filter_map(|id| facts.machines.get(id));
        let nics = known.flat_map(|machine| match action {
            // A machine of several networks is in the recovery plan of its first one.
            Action::RunRecovery { .. } => machine.nics.get(..1).unwrap_or_default(),
            _ => machine.nics.as_slice(),
        });
        nics.map(|nic| nic.network.clone()).collect()
    }

    /// Whether a step is one of the networks that are still part of the run. Their verification is added again.
    fn is_of_networks_left(&self, estate: &Estate, step: &Step) -> bool {
        let left = self.goal.networks();
        if left == self.approved.goal.networks() {
            return true;
        }
        let networks = match &step.action {
            Action::Verify { .. } => return false,
            Action::TgwRoute { cidr, .. } | Action::Erp { cidr, .. } => estate
                .networks
                .values()
                .filter(|network| network.cidr.covers(*cidr))
                .map(|network| network.name.clone())
                .collect(),
            action => self.networks_of_machines(action),
        };
        networks.is_empty() || !networks.is_disjoint(left)
    }

    /// Returns the failures so far as an error, once.
    pub(super) fn any_failed(&mut self) -> Result<(), EngineError> {
        if self.failed.is_empty() || Mutant::FailedStepsIgnored.is_chosen() {
            return Ok(());
        }
        Err(EngineError::Steps {
            failed: std::mem::take(&mut self.failed),
            done: (self.done.len(), self.approved.steps.len()),
            left: self.left.take(),
        })
    }

    pub(super) fn interrupted(&self, goes_on: Vec<String>) -> EngineError {
        EngineError::Interrupted {
            after: self.after,
            goes_on,
            done: (self.done.len(), self.approved.steps.len()),
            in_outage: self.is_in_outage,
        }
    }
}

/// Whether a plan made after such a step would contain it again, because the world does not show that it was done.
fn leaves_nothing_to_observe(action: &Action) -> bool {
    match action {
        Action::Replicate { .. } | Action::Verify { .. } => true,
        Action::RunRecovery { run, .. } => match run {
            RecoveryRun::Validate | RecoveryRun::Test | RecoveryRun::CleanUp => true,
            RecoveryRun::Planned | RecoveryRun::Unplanned => false,
        },
        Action::Capture { .. }
        | Action::EnsureFlowVpc { .. }
        | Action::EnsureSubnet { .. }
        | Action::Erp { .. }
        | Action::Cutover { .. }
        | Action::RestoreNics { .. }
        | Action::TgwRoute { .. }
        | Action::Categorize { .. }
        | Action::ProtectionPolicy { .. }
        | Action::RecoveryPlan { .. }
        | Action::AwaitRecoveryPoints { .. }
        | Action::PowerOff { .. }
        | Action::DeleteVm { .. }
        | Action::ShutDown { .. }
        | Action::StartSource { .. }
        | Action::CancelMovePlan { .. }
        | Action::ReleaseNics { .. }
        | Action::RemoveCopies { .. } => false,
    }
}

impl Locked<'_> {
    /// Runs what is left of one phase.
    pub(super) async fn run_phase(
        &self,
        progress: &Progress<'_>,
        now: &Proven,
        phase: Phase,
    ) -> Result<PhaseEnd, EngineError> {
        let engine = &self.session.engine;
        let steps: Vec<_> = now
            .steps_of(phase)
            .filter(|step| progress.is_left(step))
            .collect();
        engine.events.send(Event::PhaseStarted {
            phase,
            steps: steps.len(),
        });
        let survey = Survey::of_goal(&engine.estate, now.world(), now.facts(), &now.goal);
        let shared = self.shared(progress.run.clone(), &now.goal, now.world(), &survey);
        let name = |step: &Step| StepName {
            step: step.id.clone(),
            number: progress.numbers.get(&step.id).copied(),
            title: step.action.describe(&now.names).into(),
        };
        Ok(phase::run(&shared, &steps, &name).await)
    }

    /// What the steps of a phase share that was planned on this world.
    fn shared(
        &self,
        run: RunId,
        goal: &Goal,
        world: &Arc<World>,
        survey: &Survey<'_>,
    ) -> PhaseContext {
        let engine = &self.session.engine;
        let lost = observe::silent_of_lost(&engine.estate, world, goal.declared_lost());
        PhaseContext {
            estate: Arc::clone(&engine.estate),
            clients: engine.clients.clone(),
            ledger: Arc::clone(&engine.ledger),
            lease: Arc::clone(&self.lease),
            events: engine.events.clone(),
            ambient: engine.ambient.clone(),
            stop: self.session.stop.clone(),
            run,
            who: self.session.who.clone(),
            catalog: Arc::new(Catalog::new(&engine.estate, world, survey)),
            watcher: Arc::new(Watcher::new(engine.estate.engine.poll_interval)),
            world: Arc::clone(world),
            lost: lost.into(),
        }
    }

    /// Observes all but the systems that are known to be `silent`, plans and proves again. Returns the remaining steps if they are approved.
    pub(super) async fn plan_again(
        &self,
        progress: &mut Progress<'_>,
        silent: &[Unobserved],
    ) -> Result<Proven, EngineError> {
        let engine = &self.session.engine;
        let by = By::run(self.session.who.clone(), progress.run.clone());
        let seen = self.look_by(&by, silent).await?;
        let (world, facts) = (Arc::clone(&seen.world), Arc::clone(&seen.facts));
        let planned = Proven::plan(&engine.estate, world, facts, &progress.goal);
        let mut differences = changed_since_capture(engine, &seen, &progress.goal);
        let obstacles = match &planned {
            Ok(now) => {
                differences.extend(unapproved(progress, now));
                Vec::new()
            }
            Err(obstacles) => obstacles.clone(),
        };
        if differences.is_empty()
            && let Ok(now) = planned
        {
            return self.with_owed(progress, now);
        }
        let changed = EngineError::WorldChanged {
            after: progress.after,
            differences: differences.clone(),
            obstacles: obstacles.clone(),
            done: progress.done.len(),
        };
        if !progress.is_in_outage {
            // Earlier failures explain more than the differences that they cause.
            progress.any_failed()?;
            return Err(changed);
        }
        // Machines are unreachable now. Only a change that makes a remaining step wrong may prolong this: the remaining approved steps are
        // proven on the current world.
        let rest = self.approved_rest(progress, &seen, planned);
        let Ok(rest) = rest else {
            progress.left = left_unreached(engine, &seen, progress);
            progress.any_failed()?;
            return Err(changed);
        };
        // A part of the goal is planned when the cutover of a network failed: that a machine links it with another is no change.
        let is_part = progress.goal != progress.approved.goal;
        let is_of_part =
            |obstacle: &&Obstacle| is_part && matches!(obstacle, Obstacle::SpansNetworks { .. });
        let obstacles = obstacles.iter().filter(|obstacle| !is_of_part(obstacle));
        let what: Vec<_> = differences
            .into_iter()
            .chain(obstacles.map(ToString::to_string))
            .collect();
        if !what.is_empty() {
            progress.changes.extend(what.iter().cloned());
            engine.events.send(Event::Changed { what });
        }
        self.with_owed(progress, rest)
    }

    /// The remaining steps, with the approved verifications that were not run yet: once the last route is written, a new plan has nothing to
    /// change and so nothing to verify, but the approved verification must still run.
    fn with_owed(&self, progress: &Progress<'_>, now: Proven) -> Result<Proven, EngineError> {
        let owed: Vec<_> = progress
            .owed()
            .filter(|owed| now.steps.iter().all(|step| step.id != owed.id))
            .collect();
        if owed.is_empty() {
            return Ok(now);
        }
        let estate = &self.session.engine.estate;
        now.and(estate, owed).map_err(EngineError::Obstacles)
    }

    /// Only the remaining approved steps, proven on the current world.
    fn approved_rest(
        &self,
        progress: &Progress<'_>,
        seen: &Observation,
        planned: Result<Proven, Vec<Obstacle>>,
    ) -> Result<Proven, Vec<Obstacle>> {
        let estate = &self.session.engine.estate;
        match planned {
            Ok(now) => now.only(estate, |step| {
                let mut approved = progress.approved.steps.iter();
                approved.any(|one| one.id == step.id && step.action.is_part_of(&one.action))
            }),
            Err(_) => {
                // There is no new plan. The remaining steps of the old one may still be right; each step reads before it writes.
                let mut plan = progress.approved.as_plan().clone();
                plan.goal = progress.goal.clone();
                plan.steps.retain(|step| {
                    let is_done = progress.times.contains_key(&step.id);
                    !is_done && progress.is_of_networks_left(estate, step)
                });
                let (world, facts) = (Arc::clone(&seen.world), Arc::clone(&seen.facts));
                Proven::prove(estate, world, facts, plan)
            }
        }
    }

    /// Waits until a time; `false` if it has already passed. Ends early when the run is asked to stop.
    pub(super) async fn wait_for(&self, phase: Phase, time: Timestamp) -> bool {
        let events = &self.session.engine.events;
        let mut waited = false;
        loop {
            let left = time.duration_since(self.session.engine.now());
            let Ok(left) = std::time::Duration::try_from(left) else {
                return waited;
            };
            if left.is_zero() || self.session.stop.is_asked() {
                return waited;
            }
            if !waited {
                events.send(Event::Waiting {
                    phase,
                    until: time.to_string(),
                });
            }
            waited = true;
            // The wall clock may be changed meanwhile.
            let nap = left.min(std::time::Duration::from_secs(15));
            tokio::select! {
                biased;
                () = self.session.stop.asked() => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }
}

/// How many addresses of the machines of a run on-prem does not reach now.
fn left_unreached(
    engine: &Engine,
    seen: &Observation,
    progress: &Progress<'_>,
) -> Option<LeftUnreached> {
    let found = stayput_plan::verify_goal(&engine.estate, &seen.world, &seen.facts, &progress.goal);
    let wrong = found.values().flat_map(|verification| &verification.wrong);
    let addresses = wrong.filter(|wrong| matches!(wrong, Wrong::NotReached { .. }));
    let addresses = addresses.count();
    (addresses > 0).then(|| LeftUnreached {
        run: progress.run.clone(),
        addresses,
    })
}

/// Machines whose addresses are no longer those that were captured, one line each: seeding takes days, and people may change them.
fn changed_since_capture(engine: &Engine, seen: &Observation, goal: &Goal) -> Vec<String> {
    // A rollback captures nothing, and leaves the addresses in EC2 as they are.
    if matches!(goal, Goal::Rollback { .. }) {
        return Vec::new();
    }
    let survey = Survey::of_goal(&engine.estate, &seen.world, &seen.facts, goal);
    let list = |machine: &MachineFacts| {
        let addresses: BTreeSet<_> = machine.addresses().collect();
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    let changed = survey.uncaptured.iter().filter_map(|(id, now)| {
        let before = seen.facts.machines.get(id)?;
        let (was, is) = (list(before), list(now));
        (was != is).then(|| {
            let label = now.label(id);
            Message::new("changed-addresses")
                .with("label", label)
                .with("id", id)
                .with("is", is)
                .with("was", was)
                .into()
        })
    });
    changed.collect()
}

/// How the remaining steps differ from the approved ones, one line each.
fn unapproved(progress: &Progress<'_>, now: &Proven) -> Vec<String> {
    let mut left = now.as_plan().clone();
    left.goal = progress.approved.goal.clone();
    left.steps.retain(|step| progress.is_left(step));
    stayput_plan::left_over(progress.approved, &left)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Runs the steps of a plan without a proof, in a lab.
pub(super) async fn rehearse(
    locked: &Locked<'_>,
    plan: &Plan,
    seen: &Observation,
) -> Result<Vec<StepReport>, EngineError> {
    let engine = &locked.session.engine;
    for site in engine.estate.sites.values() {
        let appliances = [Some(&site.prism), site.mv.as_ref().map(|mv| &mv.appliance)];
        for appliance in appliances.into_iter().flatten() {
            if !is_on_loopback(&appliance.url) {
                return Err(EngineError::NotALab(appliance.url.clone()));
            }
        }
    }
    let (run, _) = runs::open(engine, &plan.goal, &locked.session.who).await?;
    let survey = Survey::of_goal(&engine.estate, &seen.world, &seen.facts, &plan.goal);
    let shared = locked.shared(run.id.clone(), &plan.goal, &seen.world, &survey);
    let name = |step: &Step| StepName {
        step: step.id.clone(),
        number: None,
        title: step.action.describe(&plan.names).into(),
    };
    let mut done = Vec::new();
    for phase in plan.phases() {
        let steps: Vec<_> = plan.steps_of(phase).collect();
        let end = phase::run(&shared, &steps, &name).await;
        done.extend(end.done);
        if !end.failed.is_empty() {
            return Err(EngineError::Steps {
                failed: end.failed,
                done: (done.len(), plan.steps.len()),
                left: None,
            });
        }
    }
    engine.ledger.close_run(&run.id, engine.now()).await?;
    Ok(done)
}

/// Whether a URL names this machine by an address of loopback or by `localhost`.
fn is_on_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_count_as_loopback() {
        for url in [
            "https://127.0.0.1:9440",
            "http://[::1]:1/x",
            "https://localhost",
        ] {
            assert!(is_on_loopback(url), "{url}");
        }
        for url in [
            "https://pc.example",
            "https://127.0.0.1.example:9440",
            "localhost",
            "https://10.0.0.1",
        ] {
            assert!(!is_on_loopback(url), "{url}");
        }
    }
}
