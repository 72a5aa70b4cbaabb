//! Which facts of a machine hold: what EC2 shows while it is there, what is on record once its cutover may have begun.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use stayput_estate::InstanceId;
use stayput_world::Facts;
use stayput_world::MachineFacts;
use stayput_world::aws::InstanceState;
use stayput_world::mv::MoveVm;

use super::Place;
use super::Survey;

impl Survey<'_> {
    /// Takes a machine up: where it is, and which facts of it hold.
    pub(super) fn take(
        &mut self,
        id: &InstanceId,
        ledger: Option<&Arc<MachineFacts>>,
        seen: Option<&Arc<MachineFacts>>,
        in_ec2: bool,
        facts: &Facts,
    ) {
        let Some(either) = ledger.or(seen) else {
            return;
        };
        let place = match self.place(id, either, in_ec2, facts) {
            Ok(place) => place,
            Err(obstacle) => {
                self.obstacles.insert(obstacle);
                self.unplaced.insert(id.clone(), Arc::clone(either));
                return;
            }
        };
        let holds = match (ledger, seen) {
            (Some(ledger), Some(seen)) if ledger != seen => {
                // Once it moves, what EC2 shows is no longer the truth about the machine.
                if place == Place::Ec2 && !self.may_be_moving(id, ledger) {
                    seen
                } else {
                    if ledger.nics != seen.nics {
                        self.kept.insert(id.clone());
                    }
                    ledger
                }
            }
            (Some(ledger), _) => ledger,
            (None, _) => either,
        };
        if ledger != Some(holds) {
            self.uncaptured.insert(id.clone(), Arc::clone(holds));
        }
        self.machines.insert(id.clone(), Arc::clone(holds));
        self.places.insert(id.clone(), place);
    }

    /// Addresses that EC2 gives to the instance of a machine that is a VM and that are not on record: people assigned them after its addresses
    /// were compared for the last time, or since its move.
    pub(crate) fn added_in_ec2(&self, id: &InstanceId) -> BTreeSet<Ipv4Addr> {
        let is_vm = matches!(self.places.get(id), Some(Place::At(..)));
        let Some(facts) = self.machines.get(id).filter(|_| is_vm) else {
            return BTreeSet::new();
        };
        // Only a machine whose interfaces differ is looked at more closely.
        if !self.kept.contains(id) {
            return BTreeSet::new();
        }
        let recorded: BTreeSet<_> = facts.addresses().collect();
        let is_of_a_network = |address: &Ipv4Addr| {
            let mut networks = self.networks.iter();
            networks.any(|network| network.cidr.contains(*address))
        };
        let shown = self.addresses_in_ec2(id).into_iter();
        shown
            .filter(|address| !recorded.contains(address) && is_of_a_network(address))
            .collect()
    }

    /// Whether Move has begun the machine's cutover, or may have: EC2 does not run it, and Move has it in a plan or cannot be asked.
    pub(crate) fn may_be_moving(&self, id: &InstanceId, ledger: &MachineFacts) -> bool {
        let instances = self
            .world
            .aws
            .get(&self.estate.source.region)
            .map(|region| &region.instances);
        let runs = instances
            .and_then(|instances| instances.get(id))
            .is_some_and(|instance| {
                matches!(
                    instance.state,
                    InstanceState::Running | InstanceState::Pending
                )
            });
        if runs {
            return false;
        }
        let mut sites = ledger
            .nics
            .iter()
            .filter_map(|nic| self.estate.networks.get(&nic.network))
            .filter_map(|network| self.estate.sites.get(&network.primary));
        let is_unknown =
            sites.any(|site| site.mv.is_some() && !self.world.moves.contains_key(&site.name));
        // One that ran was stopped for its cutover; of one that did not, only Move's state tells.
        is_unknown
            || self
                .in_plans(id)
                .any(|(_, vm)| ledger.was_running || is_being_cut_over(vm))
    }
}

/// Whether Move is past the point where a cutover could be asked for (Move reference §7; state names are inferred).
pub(crate) fn is_being_cut_over(vm: &MoveVm) -> bool {
    let state = vm.state.to_ascii_lowercase();
    vm.completed || state.contains("cutoverinprogress") || state.contains("lastsync")
}
