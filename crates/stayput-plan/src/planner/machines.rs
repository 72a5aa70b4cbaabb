//! Machines from EC2: replicated in waves, cut over, NICs restored.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::MoveVmId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::WaveName;
use stayput_messages::Message;
use stayput_world::MoveAppliance;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MovePlanState;
use stayput_world::mv::MoveVm;

use super::Draft;
use super::nics::Arrival;
use crate::Action;
use crate::Obstacle;
use crate::Warning;
use crate::survey::Place;

/// VMs per Move plan: the published limit (Move reference §6).
const MOVE_PLAN_SIZE: usize = 50;

/// Machines by the Move plan that takes them, with the network whose overlay subnet they arrive on.
pub(super) type Batches = BTreeMap<String, (NetworkName, BTreeSet<InstanceId>)>;

impl Draft<'_> {
    /// Steps that copy the networks' machines from EC2 to `site`; gives them by Move plan.
    pub(super) fn seed(&mut self, site: &SiteName, networks: &BTreeSet<NetworkName>) -> Batches {
        let batches = self.batches(site, networks);
        for (name, (network, machines)) in &batches {
            let action = Action::Replicate {
                site: site.clone(),
                move_plan: name.clone(),
                source_vpc: self.survey.estate.source.vpc.clone(),
                network: network.clone(),
                machines: machines.clone(),
            };
            let why = Message::new("why-replicate");
            self.step(format!("replicate/{name}"), &BTreeSet::new(), action, why);
        }
        batches
    }

    /// Steps that stop the networks' machines in EC2 and bring them up at `site` with their own addresses.
    ///
    /// A subnet moves as one, so the first machine stops only when the last is copied: the phases see to that.
    pub(super) fn cut_over(
        &mut self,
        site: &SiteName,
        networks: &BTreeSet<NetworkName>,
        batches: &Batches,
    ) {
        let survey = self.survey;
        let plan_of: BTreeMap<_, _> = batches
            .iter()
            .flat_map(|(name, (_, machines))| machines.iter().map(move |id| (id, name)))
            .collect();
        let mine: Vec<_> = survey
            .machines
            .iter()
            .filter(|(id, machine)| {
                survey.moving.contains(*id)
                    && machine
                        .nics
                        .first()
                        .is_some_and(|nic| networks.contains(&nic.network))
            })
            .map(|(id, _)| id)
            .collect();
        let mut cut_over = BTreeMap::new();
        // There are as many steps as machines: what they have in common is put together once.
        let why = Message::new("why-cutover").to_string();
        for id in &mine {
            if let Some(plan) = plan_of.get(id) {
                let action = Action::Cutover {
                    site: site.clone(),
                    move_plan: (*plan).clone(),
                    machine: (*id).clone(),
                };
                let step = self.step(
                    format!("cutover/{id}"),
                    &BTreeSet::new(),
                    action,
                    why.as_str(),
                );
                cut_over.insert(*id, step);
            }
        }
        let why = Message::new("why-restore-moved").to_string();
        for id in mine {
            let (needs, arrival) = match (cut_over.get(id), survey.places.get(id)) {
                (Some(step), _) => ([step.clone()].into(), Arrival::ByMove),
                (None, Some(Place::At(at, _)))
                    if at == site
                        && (!survey.nics_are_right(id, site) || survey.is_to_be_on(id)) =>
                {
                    (BTreeSet::new(), Arrival::There)
                }
                (None, _) => continue,
            };
            self.restore(site, id, arrival, &needs, &why);
        }
    }

    /// Machines still in EC2, by the Move plan that takes them. Numbering counts every machine of the wave, also those
    /// that have arrived, so that a resumed plan finds its Move plans by name.
    fn batches(&mut self, site: &SiteName, networks: &BTreeSet<NetworkName>) -> Batches {
        let survey = self.survey;
        let estate = survey.estate;
        self.named_instances_exist();
        let mut groups: BTreeMap<(NetworkName, usize, WaveName), Vec<InstanceId>> = BTreeMap::new();
        for (id, machine) in &survey.machines {
            let Some(first) = machine
                .nics
                .first()
                .filter(|nic| networks.contains(&nic.network))
            else {
                continue;
            };
            if survey.are_canaries {
                // They go ahead of their waves, in Move plans of their own.
                if survey.moving.contains(id) {
                    let key = (first.network.clone(), 0, WaveName::from("canary"));
                    groups.entry(key).or_default().push(id.clone());
                }
                continue;
            }
            let waves: Vec<_> = estate
                .waves
                .values()
                .filter(|wave| wave.select.selects(id, &machine.tags))
                .collect();
            match waves.as_slice() {
                [wave] => groups
                    .entry((first.network.clone(), wave.order, wave.name.clone()))
                    .or_default()
                    .push(id.clone()),
                _ if survey.places.get(id) != Some(&Place::Ec2) => {}
                [] if survey.left_out.contains(id) => {}
                [] => self.obstacle(Obstacle::InNoWave {
                    network: first.network.clone(),
                    machine: id.clone(),
                    label: machine.label(id),
                }),
                _ if survey.left_out.contains(id) => {}
                several => self.obstacle(Obstacle::InSeveralWaves {
                    machine: id.clone(),
                    label: machine.label(id),
                    waves: several.iter().map(|wave| wave.name.clone()).collect(),
                }),
            }
        }

        let mv = survey.world.moves.get(site);
        let ending: BTreeSet<_> = self
            .plans_left_over(site)
            .into_iter()
            .map(|plan| plan.name.clone())
            .collect();
        let held = mv.map(|mv| plans_by_workload(mv, &survey.returned_workloads(mv), &ending));
        let held = held.unwrap_or_default();
        let mut batches = Batches::new();
        for ((network, _, wave), ids) in groups {
            for (number, chunk) in ids.chunks(MOVE_PLAN_SIZE).enumerate() {
                let base = format!("stayput-{}-{network}-{wave}-{}", estate.name, number + 1);
                let fresh = self.free_plan_name(site, &base);
                let is_to_move = |id: &&InstanceId| {
                    survey.places.get(*id) == Some(&Place::Ec2) && survey.moving.contains(*id)
                };
                for id in chunk.iter().filter(is_to_move) {
                    let Some(workload) = mv.and_then(|mv| mv.workloads.get(id)) else {
                        let label = survey.label(id);
                        self.obstacle(Obstacle::NotInInventory {
                            site: site.clone(),
                            machine: id.clone(),
                            label,
                        });
                        continue;
                    };
                    let name = match held.get(&workload.id) {
                        Some(Held::GoesOn(plan)) => plan.name.clone(),
                        Some(Held::CanRetry(plan, vm)) => {
                            let what = Message::new("move-tries-again");
                            self.failed_in_move(id, plan, vm, what);
                            plan.name.clone()
                        }
                        Some(Held::Failed(plan, vm)) => {
                            let what = Message::new("move-tries-in-plan").with("plan", &fresh);
                            self.failed_in_move(id, plan, vm, what);
                            fresh.clone()
                        }
                        None => fresh.clone(),
                    };
                    batches
                        .entry(name)
                        .or_insert_with(|| (network.clone(), BTreeSet::new()))
                        .1
                        .insert(id.clone());
                }
            }
        }
        batches
    }

    fn failed_in_move(&mut self, id: &InstanceId, plan: &MovePlan, vm: &MoveVm, what: Message) {
        // A rollback cancels the plans of machines that have not arrived (Move reference §7).
        let is_cancelled = vm.error.is_none() && vm.state.eq_ignore_ascii_case("aborted");
        let message = match is_cancelled {
            true => Message::new("warning-cancelled-in-move")
                .with("label", self.survey.label(id))
                .with("machine", id)
                .with("plan", &plan.name)
                .part("what", what),
            false => Message::new("warning-failed-in-move")
                .with("label", self.survey.label(id))
                .with("machine", id)
                .with("plan", &plan.name)
                .with("why", vm.error.as_deref().unwrap_or(&vm.state))
                .part("what", what),
        };
        self.warnings.push(Warning::of_machine(id, message));
    }

    /// The name, or the name with a number when there is a plan of that name: it has failed, is over, or has started without
    /// the machine, and Move adds none to it then.
    fn free_plan_name(&self, site: &SiteName, base: &str) -> String {
        let plans = self
            .survey
            .world
            .moves
            .get(site)
            .into_iter()
            .flat_map(|mv| mv.plans.values());
        let taken: BTreeSet<_> = plans.map(|plan| plan.name.as_str()).collect();
        let retries = (2..).map(|attempt| format!("{base}-retry{attempt}"));
        std::iter::once(base.to_owned())
            .chain(retries)
            .find(|name| !taken.contains(name.as_str()))
            .unwrap_or_default()
    }

    fn named_instances_exist(&mut self) {
        let survey = self.survey;
        let source = survey.world.aws.get(&survey.estate.source.region);
        for wave in survey.estate.waves.values() {
            for id in &wave.select.ids {
                let here = source.is_some_and(|region| {
                    region
                        .instances
                        .get(id)
                        .is_some_and(|i| i.vpc.as_ref() == Some(&survey.estate.source.vpc))
                });
                if !here && !survey.machines.contains_key(id) {
                    self.obstacles.insert(Obstacle::NotInSource {
                        wave: wave.name.clone(),
                        machine: id.clone(),
                    });
                }
            }
        }
    }
}

/// The Move plan that has a machine, and what becomes of the machine there.
#[derive(Debug, Clone, Copy)]
enum Held<'w> {
    /// It is being copied, or is ready.
    GoesOn(&'w MovePlan),
    /// It failed, and Move offers to try it again there, which needs no new copy and keeps whether it ran.
    CanRetry(&'w MovePlan, &'w MoveVm),
    /// It failed, and nothing more will come of it there, even where the plan goes on for others.
    Failed(&'w MovePlan, &'w MoveVm),
}

impl Held<'_> {
    /// What is preferred of several plans that have the same machine.
    fn rank(self) -> u8 {
        match self {
            Self::GoesOn(_) => 0,
            Self::CanRetry(..) => 1,
            Self::Failed(..) => 2,
        }
    }
}

/// By workload once: looked up for every machine. What was completed of workloads that have returned to EC2 since is past, and plans that are
/// `ending` hold none.
fn plans_by_workload<'w>(
    mv: &'w MoveAppliance,
    returned: &BTreeSet<&MoveVmId>,
    ending: &BTreeSet<String>,
) -> BTreeMap<&'w MoveVmId, Held<'w>> {
    let mut held: BTreeMap<&MoveVmId, Held<'w>> = BTreeMap::new();
    let plans = mv.plans.values();
    for plan in plans.filter(|plan| !ending.contains(&plan.name)) {
        for (id, vm) in &plan.vms {
            if vm.completed && returned.contains(id) {
                continue;
            }
            let now = match (has_failed(vm), is_alive(&plan.state)) {
                (true, _) if may_retry(vm) => Held::CanRetry(plan, vm),
                (true, _) => Held::Failed(plan, vm),
                (false, true) => Held::GoesOn(plan),
                (false, false) => continue,
            };
            let known = held.entry(id).or_insert(now);
            if now.rank() < known.rank() {
                *known = now;
            }
        }
    }
    held
}

/// Whether a VM will not come further in its plan by itself (Move reference §7: the words are inferred, the message is seen).
pub(super) fn has_failed(vm: &MoveVm) -> bool {
    let state = vm.state.to_ascii_lowercase();
    let over = ["fail", "abort", "discard", "cancel"];
    vm.error.is_some() || over.iter().any(|word| state.contains(word))
}

/// Whether Move offers to try a VM again (Move reference §6).
fn may_retry(vm: &MoveVm) -> bool {
    let mut actions = vm.actions.iter();
    actions.any(|action| action.eq_ignore_ascii_case("RETRY"))
}

pub(super) fn is_alive(state: &MovePlanState) -> bool {
    match state {
        MovePlanState::NotStarted
        | MovePlanState::InProgress
        | MovePlanState::Paused
        | MovePlanState::Unknown(_) => true,
        MovePlanState::Completed | MovePlanState::Failed | MovePlanState::Aborted => false,
    }
}
