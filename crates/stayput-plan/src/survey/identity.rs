//! Which VM a machine is: by the ledger's word, Move's, or a recovery's; never by a name.

use std::collections::BTreeMap;
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
use crate::obstacle::SaidByEc2;

/// A VM, and where it is.
type Known = (SiteName, VmExtId);

impl Survey<'_> {
    /// Where a machine is. What stands in the way of knowing, and of it being there only, goes to the obstacles.
    pub(super) fn place(
        &mut self,
        id: &InstanceId,
        label: &str,
        in_ec2: bool,
        facts: &Facts,
    ) -> Option<Place> {
        let candidates = self.candidates(id, facts);
        let Some(newest) = self.newest(id, facts) else {
            let place = self.place_by_what_is_seen(id, label, in_ec2, candidates);
            return place
                .map_err(|obstacle| self.obstacles.insert(obstacle))
                .ok();
        };
        let mut besides = candidates.iter().filter(|other| **other != newest);
        // At a site that is lost nothing runs.
        let runs = |other: &&Known| !self.lost.contains(&other.0) && self.is_on(other);
        if let Some((at, vm)) = besides.find(runs) {
            self.obstacles.insert(Obstacle::RunsTwice {
                site: newest.0.clone(),
                machine: id.clone(),
                label: label.to_owned(),
                at: at.clone(),
                vm: vm.clone(),
            });
        }
        let (site, vm) = newest;
        Some(Place::At(site, vm))
    }

    /// VMs that are the machine by some system's own word: the ledger's, a recovery job's, Move's.
    fn candidates(&self, id: &InstanceId, facts: &Facts) -> BTreeSet<Known> {
        let mut known = self.made_by_move(id);
        let ledger = facts.vms.get(id).into_iter().flatten();
        known.extend(ledger.map(|(site, vm)| (site.clone(), vm.clone())));
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

    /// The last VM the machine became: by the ledger, or by Move if that does not know it, and by recoveries since. `None` where these
    /// name several, or one that is not there any more.
    fn newest(&self, id: &InstanceId, facts: &Facts) -> Option<Known> {
        let mut newest = match facts.vms.get(id) {
            Some(known) => {
                let site = facts.newest.get(id)?;
                (site.clone(), known.get(site)?.clone())
            }
            None => only(self.made_by_move(id))?,
        };
        // What the ledger knows came earlier, and no VM is followed twice.
        let known = facts.vms.get(id).into_iter().flatten();
        let mut earlier: BTreeSet<VmExtId> = known.map(|(_, vm)| vm.clone()).collect();
        loop {
            let mut became = self.recovered_as(&newest.1);
            became.retain(|(_, vm)| !earlier.contains(vm));
            if became.is_empty() {
                break;
            }
            newest = only(became)?;
            earlier.insert(newest.1.clone());
        }
        self.may_exist(&newest).then_some(newest)
    }

    /// Which VM each machine became last, and where, by the ledger's, Move's or a recovery job's own word: not by what merely runs.
    pub fn told_by_a_system(&self, facts: &Facts) -> BTreeMap<InstanceId, Known> {
        let machines = self.places.keys();
        machines
            .filter_map(|id| Some((id.clone(), self.newest(id, facts)?)))
            .collect()
    }

    /// VMs that Move made of the machine.
    fn made_by_move(&self, id: &InstanceId) -> BTreeSet<Known> {
        let became = self.in_plans(id).filter(|(_, vm)| vm.completed);
        became
            .filter_map(|(site, vm)| Some((site.clone(), vm.vm.clone()?)))
            .collect()
    }

    /// What a VM became at the target of a failover that is over.
    fn recovered_as(&self, vm: &VmExtId) -> BTreeSet<Known> {
        let mut became = BTreeSet::new();
        for (site, prism) in &self.world.prism {
            let here = prism.jobs.values().filter(|job| {
                is_over_and_well(&job.status)
                    && !is_test(&job.action)
                    && job.target.as_ref() == Some(&prism.domain_manager)
            });
            let recovered = here.filter_map(|job| job.recovered.get(vm));
            became.extend(recovered.map(|vm| (site.clone(), vm.clone())));
        }
        became
    }

    /// Whether the VM is there, or nobody could look.
    fn may_exist(&self, (site, vm): &Known) -> bool {
        let prism = self.world.prism.get(site);
        prism.is_none_or(|prism| prism.vms.contains_key(vm))
    }

    fn is_on(&self, (site, vm): &Known) -> bool {
        let vms = self.world.prism.get(site).map(|prism| &prism.vms);
        let vm = vms.and_then(|vms| vms.get(vm));
        vm.is_some_and(|vm| vm.power == PowerState::On)
    }

    /// Where a machine is when nobody says which VM it became last.
    fn place_by_what_is_seen(
        &self,
        id: &InstanceId,
        label: &str,
        in_ec2: bool,
        candidates: BTreeSet<Known>,
    ) -> Result<Place, Obstacle> {
        let is_on = |candidate: &_| self.is_on(candidate);
        let mut found: Vec<_> = candidates.into_iter().collect();
        // What is seen beats what is only remembered of a site that nobody could look at.
        let is_seen = |(site, _): &Known| self.world.prism.contains_key(site);
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
            let source = self.world.aws.get(&self.estate.source.region);
            Err(Obstacle::Lost {
                machine: id.clone(),
                label: label.to_owned(),
                ec2: SaidByEc2::of(source, id),
            })
        }
    }
}

/// The one there is.
fn only(known: BTreeSet<Known>) -> Option<Known> {
    let mut known = known.into_iter();
    let one = known.next()?;
    known.next().is_none().then_some(one)
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
