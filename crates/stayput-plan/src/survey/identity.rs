//! Which VM a machine is: by the ledger's word, Move's, or a recovery's; never by a name, and never by what a list lacks.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::MachineFacts;
use stayput_world::System;
use stayput_world::prism::JobStatus;
use stayput_world::prism::RecoveryAction;

use super::Place;
use super::Power;
use super::Survey;
use super::power::power_of;
use super::sight::InstanceSight;
use super::sight::VmSight;
use crate::Obstacle;
use crate::obstacle::SaidByEc2;

/// A VM, and where it is.
type Known = (SiteName, VmExtId);

/// The VM a machine became last.
enum LastKnown {
    /// No system says that it ever became one.
    Never,
    /// This one.
    Is(Known),
    /// One of these; no system says which.
    OneOf(BTreeSet<Known>),
}

impl Survey<'_> {
    /// Where a machine is, or why that is not known. That it also runs elsewhere goes to the obstacles.
    pub(super) fn place(
        &mut self,
        id: &InstanceId,
        machine: &MachineFacts,
        in_ec2: bool,
        facts: &Facts,
    ) -> Result<Place, Obstacle> {
        let label = machine.label(id);
        let newest = match self.last_known(id, facts) {
            LastKnown::Never => {
                self.note_former_vms(id, &label, facts);
                return self.place_in_ec2(id, &label, in_ec2);
            }
            LastKnown::Is(known) => known,
            LastKnown::OneOf(candidates) => self.decide(id, &label, candidates)?,
        };
        let former = self.was(id, &newest, facts);
        let running = former.iter().filter(|other| self.may_run(other));
        let mut twice = running
            .map(|(at, vm)| Obstacle::RunsTwice {
                site: newest.0.clone(),
                machine: id.clone(),
                label: label.clone(),
                networks: self.linked_with(&networks_of(machine)),
                at: at.clone(),
                vm: vm.clone(),
            })
            .collect();
        self.obstacles.append(&mut twice);
        if !former.is_empty() {
            self.former.insert(id.clone(), former);
        }
        let (site, vm) = newest;
        match self.vm_sight(&site, &vm) {
            VmSight::Seen(_) | VmSight::NotObserved => Ok(Place::At(site, vm)),
            VmSight::Gone => Err(Obstacle::VmDeleted {
                machine: id.clone(),
                label,
                recovery_points: self.recovery_points(&vm),
                candidates: self.with_the_addresses_of(id, machine, facts),
                may_be_at: self.unobserved_sites(),
                site,
                vm,
            }),
            VmSight::NotListed => Err(Obstacle::NotListed {
                machine: id.clone(),
                label,
                system: System::PrismCentral(site),
                what: Message::new("object-vm-of-it").with("vm", vm).into(),
            }),
        }
    }

    /// VMs that have exactly the captured addresses of a machine on the estate's overlay subnets, and that it never was: an old VM of it, left
    /// behind by an unplanned failover, has them too and old data. That is no proof that one is the machine.
    fn with_the_addresses_of(
        &self,
        id: &InstanceId,
        machine: &MachineFacts,
        facts: &Facts,
    ) -> BTreeSet<Known> {
        let known = self.ever_was(id, facts);
        let sites = self.world.prism.iter();
        let sites = sites.filter_map(|(site, prism)| Some((site, self.overlays.get(site)?, prism)));
        sites
            .flat_map(|(site, overlays, prism)| {
                let vms = prism.vms.iter();
                vms.filter(|(_, vm)| super::nics_are_right(overlays, machine, vm))
                    .map(|(vm, _)| (site.clone(), vm.clone()))
            })
            .filter(|found| !known.contains(found))
            .collect()
    }

    /// VMs that the machine is or was, by some system's own word.
    pub(super) fn ever_was(&self, id: &InstanceId, facts: &Facts) -> BTreeSet<Known> {
        let mut known = self.made_by_move(id);
        let ledger = facts.vms.get(id).into_iter().flatten();
        known.extend(ledger.map(|(site, vm)| (site.clone(), vm.clone())));
        known.extend(facts.was.get(id).into_iter().flatten().cloned());
        self.with_what_became(known)
    }

    /// The same besides the one it is.
    fn was(&self, id: &InstanceId, newest: &Known, facts: &Facts) -> BTreeSet<Known> {
        let mut known = self.ever_was(id, facts);
        known.remove(newest);
        known
    }

    /// These VMs, and what recoveries made of them: also of failovers that finished while stayput did not run.
    fn with_what_became(&self, mut known: BTreeSet<Known>) -> BTreeSet<Known> {
        loop {
            let became = known.iter().flat_map(|(_, vm)| self.recovered_as(vm));
            let mut next: BTreeSet<_> = became.collect();
            next.retain(|found| !known.contains(found));
            if next.is_empty() {
                return known;
            }
            known.append(&mut next);
        }
    }

    /// The last VM the machine became: by the ledger, or by Move if that does not know it, and by recoveries since.
    fn last_known(&self, id: &InstanceId, facts: &Facts) -> LastKnown {
        let recorded: BTreeSet<Known> = facts
            .vms
            .get(id)
            .into_iter()
            .flatten()
            .map(|(site, vm)| (site.clone(), vm.clone()))
            .collect();
        // What it was before it returned to EC2, and what recoveries made of that, it is not any more.
        let past = facts.was.get(id).cloned().unwrap_or_default();
        let past = self.with_what_became(past);
        let by_order = facts.newest.get(id).and_then(|site| {
            let mut recorded = recorded.iter();
            recorded.find(|(at, _)| at == site)
        });
        let said = match by_order {
            Some(newest) => [newest.clone()].into(),
            // Facts of an earlier build have no order.
            None if !recorded.is_empty() => recorded.clone(),
            None => &self.made_by_move(id) - &past,
        };
        if said.is_empty() {
            return LastKnown::Never;
        }
        let Some(mut newest) = only(&said) else {
            return LastKnown::OneOf(self.with_what_became(said));
        };
        // What the ledger knows came earlier, and no VM is followed twice.
        let earlier = recorded.into_iter().chain(past);
        let mut earlier: BTreeSet<VmExtId> = earlier.map(|(_, vm)| vm).collect();
        loop {
            let mut became = self.recovered_as(&newest.1);
            became.retain(|(_, vm)| !earlier.contains(vm));
            if became.is_empty() {
                return LastKnown::Is(newest);
            }
            newest = match only(&became) {
                Some(one) => one,
                None => return LastKnown::OneOf(became),
            };
            earlier.insert(newest.1.clone());
        }
    }

    /// Which VM each machine became last, and where, by the ledger's, Move's or a recovery job's own word: not by what merely runs.
    pub fn told_by_a_system(&self, facts: &Facts) -> BTreeMap<InstanceId, Known> {
        let machines = self.places.keys().chain(self.unplaced.keys());
        machines
            .filter_map(|id| match self.last_known(id, facts) {
                LastKnown::Is(known) => Some((id.clone(), known)),
                LastKnown::Never | LastKnown::OneOf(_) => None,
            })
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
                    && is_failover(&job.action)
                    && job.target.as_ref() == Some(&prism.domain_manager)
            });
            let recovered = here.filter_map(|job| job.recovered.get(vm));
            became.extend(recovered.map(|vm| (site.clone(), vm.clone())));
        }
        became
    }

    /// Whether a VM is seen, and not seen to be off.
    pub(super) fn may_run(&self, (site, vm): &Known) -> bool {
        match self.vm_sight(site, vm) {
            VmSight::Seen(vm) => power_of(&vm.power) != Power::Off,
            VmSight::Gone | VmSight::NotListed | VmSight::NotObserved => false,
        }
    }

    /// Which of several VMs a machine is, where no system says which it became last: the one that runs while no other can. Otherwise a
    /// person decides, as what is left may be the older one.
    fn decide(
        &self,
        id: &InstanceId,
        label: &str,
        candidates: BTreeSet<Known>,
    ) -> Result<Known, Obstacle> {
        let mut may_run = candidates.clone();
        may_run.retain(|(site, vm)| match self.vm_sight(site, vm) {
            VmSight::Seen(vm) => power_of(&vm.power) != Power::Off,
            VmSight::Gone => false,
            VmSight::NotListed | VmSight::NotObserved => true,
        });
        let running = only(&may_run).filter(|candidate| self.may_run(candidate));
        running.ok_or_else(|| {
            let source = || self.estate.source.name.clone();
            let mut sites = candidates.iter().map(|(site, _)| site.clone());
            Obstacle::AmbiguousVm {
                site: sites.next().unwrap_or_else(source),
                machine: id.clone(),
                label: label.to_owned(),
                candidates: candidates.into_iter().map(|(_, vm)| vm).collect(),
            }
        })
    }

    /// Where a machine is that no system says ever became a VM: in EC2, if it is there.
    fn place_in_ec2(&self, id: &InstanceId, label: &str, in_ec2: bool) -> Result<Place, Obstacle> {
        // Move says it is over but not which VM it made: names are not identities, so a person decides.
        for (site, mv) in &self.world.moves {
            let Some(workload) = mv.workloads.get(id) else {
                continue;
            };
            let done = self.in_plans.get(&(site, &workload.id));
            let mut done = done.into_iter().flatten();
            let is_unnamed = done.any(|vm| vm.completed && vm.vm.is_none());
            if is_unnamed && !self.was_started_again(id) {
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
        match self.instance_sight(id) {
            InstanceSight::Seen(_) if in_ec2 => Ok(Place::Ec2),
            // What was known last.
            InstanceSight::NotObserved => Ok(Place::Ec2),
            InstanceSight::Seen(_) | InstanceSight::Gone | InstanceSight::NotListed => {
                let source = self.world.aws.get(&self.estate.source.region);
                Err(Obstacle::Lost {
                    machine: id.clone(),
                    label: label.to_owned(),
                    ec2: SaidByEc2::of(source, id),
                })
            }
        }
    }

    /// Sites whose Prism Central was not observed: a failover to one of them would not be known.
    fn unobserved_sites(&self) -> BTreeSet<SiteName> {
        let sites = self.estate.sites.keys();
        let unobserved = sites.filter(|site| !self.world.prism.contains_key(*site));
        unobserved.cloned().collect()
    }

    /// When the newest recovery points of a VM were made, by the observed sites that have one.
    fn recovery_points(&self, vm: &VmExtId) -> BTreeMap<SiteName, String> {
        let sites = self.world.prism.iter();
        sites
            .filter_map(|(site, prism)| {
                Some((site.clone(), prism.recovery_points.get(vm)?.clone()))
            })
            .collect()
    }
}

/// The networks a machine has interfaces in.
pub(super) fn networks_of(machine: &MachineFacts) -> BTreeSet<NetworkName> {
    let nics = machine.nics.iter();
    nics.map(|nic| nic.network.clone()).collect()
}

/// Groups of networks that these machines link.
pub(super) fn links<'m>(
    machines: impl Iterator<Item = &'m Arc<MachineFacts>>,
) -> Vec<BTreeSet<NetworkName>> {
    let mut links: Vec<BTreeSet<NetworkName>> = Vec::new();
    let several = machines.filter(|machine| machine.nics.len() > 1);
    for mut group in several.map(|machine| networks_of(machine)) {
        if group.len() > 1 && !links.iter().any(|known| group.is_subset(known)) {
            let joined = links.extract_if(.., |known| !known.is_disjoint(&group));
            group = joined.fold(group.clone(), |all, known| &all | &known);
            links.push(group);
        }
    }
    links
}

/// VMs that machines were until they were adopted as others, and that are no other machine now: an adoption may have corrected a wrong link.
pub(super) fn replaced(facts: &Facts) -> BTreeMap<InstanceId, BTreeSet<Known>> {
    let is_linked = |known: &Known| {
        let mut all = facts.vms.values();
        all.any(|vms| vms.get(&known.0) == Some(&known.1))
    };
    let replaced = facts.replaced.iter().map(|(machine, vms)| {
        let free = vms.iter().filter(|known| !is_linked(known)).cloned();
        (machine.clone(), free.collect())
    });
    replaced.collect()
}

/// These networks and all that the groups link with them.
pub(super) fn linked(
    links: &[BTreeSet<NetworkName>],
    names: &BTreeSet<NetworkName>,
) -> BTreeSet<NetworkName> {
    let linked = links.iter().filter(|group| !group.is_disjoint(names));
    linked.flatten().chain(names).cloned().collect()
}

/// The networks of a machine and all that captured machines link with them: a goal takes them together.
pub fn linked_networks(facts: &Facts, machine: &MachineFacts) -> BTreeSet<NetworkName> {
    linked(&links(facts.machines.values()), &networks_of(machine))
}

/// The one there is.
fn only(known: &BTreeSet<Known>) -> Option<Known> {
    let mut known = known.iter();
    let one = known.next()?;
    known.next().is_none().then(|| one.clone())
}

fn is_over_and_well(status: &JobStatus) -> bool {
    matches!(
        status,
        JobStatus::Succeeded | JobStatus::SucceededWithWarnings
    )
}

fn is_failover(action: &RecoveryAction) -> bool {
    match action {
        RecoveryAction::PlannedFailover | RecoveryAction::UnplannedFailover => true,
        RecoveryAction::Validate | RecoveryAction::TestFailover | RecoveryAction::Unknown(_) => {
            false
        }
    }
}
