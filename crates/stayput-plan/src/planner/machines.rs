//! Machines from EC2: replicated in waves, cut over, NICs restored.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::WaveName;
use stayput_world::mv::MovePlanState;

use super::Draft;
use crate::Action;
use crate::Obstacle;
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
            let why = "copies while the source runs; nothing is stopped yet";
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
        for id in &mine {
            if let Some(plan) = plan_of.get(id) {
                let action = Action::Cutover {
                    site: site.clone(),
                    move_plan: (*plan).clone(),
                    machine: (*id).clone(),
                };
                let why = "Move stops the source, copies the rest and starts the VM with an address from the pool";
                let step = self.step(format!("cutover/{id}"), &BTreeSet::new(), action, why);
                cut_over.insert(*id, step);
            }
        }
        for id in mine {
            let needs = match (cut_over.get(id), survey.places.get(id)) {
                (Some(step), _) => [step.clone()].into(),
                (None, Some(Place::At(at, _)))
                    if at == site && !survey.nics_are_right(id, site) =>
                {
                    BTreeSet::new()
                }
                (None, _) => continue,
            };
            let action = Action::RestoreNics {
                site: site.clone(),
                machine: id.clone(),
            };
            let why = "the new NIC is added and confirmed before the old one goes";
            self.step(format!("restore/{site}/{id}"), &needs, action, why);
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
                [] => self.obstacle(Obstacle::InNoWave {
                    network: first.network.clone(),
                    machine: id.clone(),
                    label: machine.label(id),
                }),
                several => self.obstacle(Obstacle::InSeveralWaves {
                    machine: id.clone(),
                    label: machine.label(id),
                    waves: several.iter().map(|wave| wave.name.clone()).collect(),
                }),
            }
        }

        let mv = survey.world.moves.get(site);
        // By workload once: the plan that has it and goes on.
        let mut holding = BTreeMap::new();
        for plan in mv.into_iter().flat_map(|mv| mv.plans.values()) {
            for id in plan.vms.keys().filter(|_| is_alive(&plan.state)) {
                holding.entry(id).or_insert(plan);
            }
        }
        let mut batches = Batches::new();
        for ((network, _, wave), ids) in groups {
            for (number, chunk) in ids.chunks(MOVE_PLAN_SIZE).enumerate() {
                let base = format!("stayput-{}-{network}-{wave}-{}", estate.name, number + 1);
                let fresh = self.free_plan_name(site, &base);
                for id in chunk
                    .iter()
                    .filter(|id| survey.places.get(*id) == Some(&Place::Ec2))
                {
                    let Some(workload) = mv.and_then(|mv| mv.workloads.get(id)) else {
                        let label = survey.label(id);
                        self.obstacle(Obstacle::NotInInventory {
                            site: site.clone(),
                            machine: id.clone(),
                            label,
                        });
                        continue;
                    };
                    let held = holding.get(&workload.id);
                    let name = held.map_or_else(|| fresh.clone(), |plan| plan.name.clone());
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

fn is_alive(state: &MovePlanState) -> bool {
    match state {
        MovePlanState::NotStarted
        | MovePlanState::InProgress
        | MovePlanState::Paused
        | MovePlanState::Unknown(_) => true,
        MovePlanState::Completed | MovePlanState::Failed | MovePlanState::Aborted => false,
    }
}
