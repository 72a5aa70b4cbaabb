//! Whether a VM or an instance is there: seen, said to be gone, or neither. What a list lacks is not gone.

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_world::aws::Instance;
use stayput_world::aws::InstanceState;
use stayput_world::prism::Vm;

use super::Survey;

/// What is known of a VM of a site.
#[derive(Debug, Clone, Copy)]
pub(crate) enum VmSight<'w> {
    /// Its Prism Central has it.
    Seen(&'w Vm),
    /// Its Prism Central was asked for it by id, and says that it does not exist.
    Gone,
    /// Its Prism Central was observed and did not list it.
    NotListed,
    /// Its Prism Central was not observed, or its site is declared lost.
    NotObserved,
}

/// What is known of an instance of the source region.
#[derive(Debug, Clone, Copy)]
pub(super) enum InstanceSight<'w> {
    /// EC2 has it.
    Seen(&'w Instance),
    /// EC2 says that it does not exist any more.
    Gone,
    /// The region was observed and did not list it.
    NotListed,
    /// The region was not observed.
    NotObserved,
}

impl<'a> Survey<'a> {
    /// What is known of a VM.
    pub(crate) fn vm_sight(&self, site: &SiteName, vm: &VmExtId) -> VmSight<'a> {
        let prism = self.world.prism.get(site);
        let Some(prism) = prism.filter(|_| !self.lost.contains(site)) else {
            return VmSight::NotObserved;
        };
        match prism.vms.get(vm) {
            Some(seen) => VmSight::Seen(seen),
            None if prism.confirmed_absent.contains(vm) => VmSight::Gone,
            None => VmSight::NotListed,
        }
    }

    /// What is known of an instance.
    pub(super) fn instance_sight(&self, id: &InstanceId) -> InstanceSight<'a> {
        let Some(region) = self.world.aws.get(&self.estate.source.region) else {
            return InstanceSight::NotObserved;
        };
        match region.instances.get(id) {
            Some(instance) if instance.state == InstanceState::Terminated => InstanceSight::Gone,
            Some(instance) => InstanceSight::Seen(instance),
            None if region.is_confirmed_gone(id) => InstanceSight::Gone,
            None => InstanceSight::NotListed,
        }
    }
}
