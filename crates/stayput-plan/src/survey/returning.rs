//! Machines that are in EC2 again after they were VMs, and those that a rollback brings back there.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::InstanceId;
use stayput_estate::MoveVmId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::Facts;
use stayput_world::MoveAppliance;
use stayput_world::mv::MoveVm;

use super::Place;
use super::Power;
use super::Survey;
use super::facts::is_being_cut_over;
use crate::Obstacle;

impl<'a> Survey<'a> {
    /// Only these machines move, back to EC2. What keeps a machine from leaving EC2, and that its instance runs, does not matter.
    pub(super) fn only_returning<'i>(&mut self, machines: impl Iterator<Item = &'i InstanceId>) {
        let is_known =
            |id: &&InstanceId| self.machines.contains_key(*id) || self.unplaced.contains_key(*id);
        let returning: BTreeSet<_> = machines.filter(is_known).cloned().collect();
        self.obstacles.retain(|obstacle| {
            let starts = matches!(obstacle, Obstacle::SourceRuns { machine, .. } if returning.contains(machine));
            !starts && !obstacle.is_about_leaving_ec2()
        });
        self.moving.clone_from(&returning);
        self.returning = returning;
        self.only_of_who_moves();
    }

    /// Every VM that a machine is or was, by some system's own word, for the record of its return to EC2.
    pub(crate) fn vms_of(&self, id: &InstanceId) -> BTreeSet<(SiteName, VmExtId)> {
        let mut vms = self.former.get(id).cloned().unwrap_or_default();
        if let Some(Place::At(site, vm)) = self.places.get(id) {
            vms.insert((site.clone(), vm.clone()));
        }
        vms
    }

    /// Notes the VMs that a machine in EC2 was, and those of them that are not off.
    pub(super) fn note_former_vms(&mut self, id: &InstanceId, label: &str, facts: &Facts) {
        if !facts.was.contains_key(id) {
            return;
        }
        let former = self.ever_was(id, facts);
        let running = former.iter().filter(|vm| self.may_run(vm));
        let mut running = running
            .map(|(at, vm)| Obstacle::FormerVmRuns {
                machine: id.clone(),
                label: label.to_owned(),
                at: at.clone(),
                vm: vm.clone(),
            })
            .collect();
        self.obstacles.append(&mut running);
        self.former.insert(id.clone(), former);
    }

    /// Whether a machine was a VM and its instance runs: it was started again since, so no Move plan that is over is about what it is now.
    pub(super) fn was_started_again(&self, id: &InstanceId) -> bool {
        self.was.contains_key(id) && self.power_in_ec2(id) == Power::On
    }

    /// The site whose Move is cutting a machine over now, if one is.
    pub(crate) fn is_cut_over_at(&self, id: &InstanceId) -> Option<&'a SiteName> {
        let mut plans = self.in_plans(id);
        let now =
            plans.find(|(_, vm)| !vm.completed && vm.error.is_none() && is_being_cut_over(vm));
        now.map(|(site, _)| site)
    }

    /// Every address of the interfaces that a machine's instance has in EC2.
    pub(crate) fn addresses_in_ec2(&self, id: &InstanceId) -> BTreeSet<Ipv4Addr> {
        let region = self.world.aws.get(&self.estate.source.region);
        let enis = region.into_iter().flat_map(|region| region.enis.values());
        let own = enis.filter(|eni| {
            let instance = eni.attached_to.as_ref().map(|(instance, _)| instance);
            instance == Some(id)
        });
        own.flat_map(stayput_world::aws::Eni::addresses).collect()
    }

    /// Workloads of a Move appliance that are in EC2 again after it cut them over: what it has completed of them is past.
    pub(crate) fn returned_workloads(&self, mv: &'a MoveAppliance) -> BTreeSet<&'a MoveVmId> {
        let in_ec2 = |id: &&InstanceId| self.places.get(*id) == Some(&Place::Ec2);
        let returned = self.was.keys().filter(in_ec2);
        returned
            .filter_map(|id| mv.workloads.get(id).map(|workload| &workload.id))
            .collect()
    }

    /// Whether Move made a VM that a machine is not any more.
    pub(super) fn is_past(&self, id: &InstanceId, vm: &MoveVm) -> bool {
        let made = vm.vm.as_ref().filter(|_| vm.completed);
        let was = self.was.get(id).into_iter().flatten();
        made.is_some_and(|made| was.into_iter().any(|(_, vm)| vm == made))
    }
}

/// What machines were before they returned to EC2: looked up for every machine.
pub(super) type Was = BTreeMap<InstanceId, BTreeSet<(SiteName, VmExtId)>>;
