//! Which VM a machine is: by the ledger's word, Move's, or a recovery's; never by a name.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::Facts;
use stayput_world::prism::JobStatus;
use stayput_world::prism::PowerState;

use super::Place;
use super::Survey;
use crate::Obstacle;

impl Survey<'_> {
    /// VMs that are the machine by some system's own word: the ledger's, a recovery job's, Move's.
    pub(super) fn candidates(
        &self,
        id: &InstanceId,
        facts: &Facts,
    ) -> BTreeSet<(SiteName, VmExtId)> {
        let ledger = facts
            .vms
            .get(id)
            .into_iter()
            .flatten()
            .map(|(site, vm)| (site.clone(), vm.clone()));
        let mut known: BTreeSet<_> = ledger.collect();
        known.extend(self.made_by_move(id));
        // A failover that finished while nobody listened: follow who became whom.
        loop {
            let became = known.iter().flat_map(|(_, vm)| self.recovered_as(vm));
            let mut next: BTreeSet<_> = became.collect();
            next.retain(|found| !known.contains(found));
            if next.is_empty() {
                break;
            }
            known.append(&mut next);
        }
        known.retain(|candidate| self.may_exist(candidate));
        known
    }

    /// The last VM the machine became: by the ledger, and by recoveries that it does not know of yet.
    pub(super) fn newest(&self, id: &InstanceId, facts: &Facts) -> Option<(SiteName, VmExtId)> {
        let mut newest = match facts.vms.get(id) {
            Some(known) => {
                let site = facts.newest.get(id)?;
                (site.clone(), known.get(site)?.clone())
            }
            None => self.made_by_move(id).next()?,
        };
        // What the ledger knows came earlier, and no VM is followed twice.
        let known = facts.vms.get(id).into_iter().flatten();
        let mut earlier: BTreeSet<VmExtId> = known.map(|(_, vm)| vm.clone()).collect();
        loop {
            let mut became = self.recovered_as(&newest.1);
            let Some(next) = became.find(|(_, vm)| !earlier.contains(vm)) else {
                break;
            };
            drop(became);
            earlier.insert(next.1.clone());
            newest = next;
        }
        self.may_exist(&newest).then_some(newest)
    }

    /// VMs that Move made of the machine.
    fn made_by_move(&self, id: &InstanceId) -> impl Iterator<Item = (SiteName, VmExtId)> {
        let became = self.in_plans(id).filter(|(_, vm)| vm.completed);
        became.filter_map(|(site, vm)| Some((site.clone(), vm.vm.clone()?)))
    }

    /// What a VM became at the target of a failover that is over.
    fn recovered_as(&self, vm: &VmExtId) -> impl Iterator<Item = (SiteName, VmExtId)> {
        self.world.prism.iter().flat_map(move |(site, prism)| {
            let here = prism.jobs.values().filter(|job| {
                is_over_and_well(&job.status)
                    && !is_test(&job.action)
                    && job.target.as_ref() == Some(&prism.domain_manager)
            });
            here.filter_map(move |job| Some((site.clone(), job.recovered.get(vm)?.clone())))
        })
    }

    /// Whether the VM is there, or nobody could look.
    fn may_exist(&self, (site, vm): &(SiteName, VmExtId)) -> bool {
        let prism = self.world.prism.get(site);
        prism.is_none_or(|prism| prism.vms.contains_key(vm))
    }

    fn is_on(&self, (site, vm): &(SiteName, VmExtId)) -> bool {
        let vms = self.world.prism.get(site).map(|prism| &prism.vms);
        let vm = vms.and_then(|vms| vms.get(vm));
        vm.is_some_and(|vm| vm.power == PowerState::On)
    }

    /// What the machine was at another site, should that run. At a site that is lost nothing does.
    pub(super) fn runs_twice(
        &self,
        id: &InstanceId,
        label: &str,
        newest: Option<&(SiteName, VmExtId)>,
        candidates: &BTreeSet<(SiteName, VmExtId)>,
    ) -> Option<Obstacle> {
        let (site, _) = newest?;
        let mut others = candidates.iter();
        let (at, vm) = others.find(|candidate| {
            candidate.0 != *site && !self.lost.contains(&candidate.0) && self.is_on(candidate)
        })?;
        Some(Obstacle::RunsTwice {
            site: site.clone(),
            machine: id.clone(),
            label: label.to_owned(),
            at: at.clone(),
            vm: vm.clone(),
        })
    }

    pub(super) fn place(
        &self,
        id: &InstanceId,
        label: &str,
        in_ec2: bool,
        newest: Option<(SiteName, VmExtId)>,
        candidates: BTreeSet<(SiteName, VmExtId)>,
    ) -> Result<Place, Obstacle> {
        if let Some((site, vm)) = newest {
            return Ok(Place::At(site, vm));
        }
        let is_on = |candidate: &_| self.is_on(candidate);
        let mut found: Vec<_> = candidates.into_iter().collect();
        // What is seen beats what is only remembered of a site that nobody could look at.
        let is_seen = |(site, _): &(SiteName, VmExtId)| self.world.prism.contains_key(site);
        if found.iter().any(is_seen) {
            found.retain(is_seen);
        }
        if found.len() > 1 && found.iter().filter(|candidate| is_on(candidate)).count() == 1 {
            found.retain(is_on);
        }
        match found.as_slice() {
            [(site, vm)] => return Ok(Place::At(site.clone(), vm.clone())),
            [(site, _), ..] => {
                return Err(Obstacle::AmbiguousVm {
                    site: site.clone(),
                    machine: id.clone(),
                    label: label.to_owned(),
                    candidates: found.iter().map(|(_, vm)| vm.clone()).collect(),
                });
            }
            [] => {}
        }
        // Move says it is over but not which VM it made: names are not identities, so a person decides.
        for (site, mv) in &self.world.moves {
            let Some(workload) = mv.workloads.get(id) else {
                continue;
            };
            let done = self.in_plans.get(&(site, &workload.id));
            let mut done = done.into_iter().flatten();
            if done.any(|vm| vm.completed && vm.vm.is_none()) {
                let vms = self
                    .world
                    .prism
                    .get(site)
                    .into_iter()
                    .flat_map(|prism| &prism.vms);
                return Err(Obstacle::AmbiguousVm {
                    site: site.clone(),
                    machine: id.clone(),
                    label: label.to_owned(),
                    candidates: vms
                        .filter(|(_, vm)| vm.name == workload.name)
                        .map(|(id, _)| id.clone())
                        .collect(),
                });
            }
        }
        if in_ec2 {
            Ok(Place::Ec2)
        } else {
            Err(Obstacle::Lost {
                machine: id.clone(),
                label: label.to_owned(),
            })
        }
    }
}

fn is_over_and_well(status: &JobStatus) -> bool {
    matches!(
        status,
        JobStatus::Succeeded | JobStatus::SucceededWithWarnings
    )
}

fn is_test(action: &stayput_world::prism::RecoveryAction) -> bool {
    use stayput_world::prism::RecoveryAction;
    match action {
        RecoveryAction::PlannedFailover | RecoveryAction::UnplannedFailover => false,
        RecoveryAction::Validate | RecoveryAction::TestFailover | RecoveryAction::Unknown(_) => {
            true
        }
    }
}
