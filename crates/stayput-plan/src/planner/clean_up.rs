//! Former VMs of machines at a site that returned: powered off, and removed when asked. Only VMs that the ledger, Move or a recovery job says
//! were the machine, and never one that a machine is.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_world::prism::Vm;

use super::Draft;
use crate::Action;
use crate::FormerVm;
use crate::Obstacle;
use crate::Phase;
use crate::survey::Place;
use crate::survey::Power;
use crate::survey::VmSight;
use crate::survey::power_of;

/// A former VM of a machine.
struct Old<'s> {
    machine: &'s InstanceId,
    id: &'s VmExtId,
    vm: &'s Vm,
    /// Where the machine is.
    home: &'s SiteName,
    /// The VM it is there.
    is: &'s VmExtId,
    /// Whether the machine has to be on: one captured stopped may be off.
    must_be_on: bool,
}

impl<'s> Draft<'s> {
    /// Powers off what the goal's machines were at `site`, and deletes it if wanted.
    pub(super) fn clean_up(&mut self, site: &SiteName, remove: bool) {
        let fabric = self.survey.fabric();
        self.phase = Phase::Close;
        for old in self.old_vms(site) {
            let is_off = power_of(&old.vm.power) == Power::Off;
            if is_off && !remove {
                continue;
            }
            // Whatever is wrong with the machine where it is: what it was may be all that is left of it.
            if old.must_be_on && self.survey.power(old.machine) != Power::On {
                self.obstacle(Obstacle::NotOn {
                    machine: old.machine.clone(),
                    label: self.survey.label(old.machine),
                    site: old.home.clone(),
                    vm: old.is.clone(),
                });
            } else if let Some(address) = self.still_routed(site, &old, &fabric) {
                self.obstacle(Obstacle::StillRouted {
                    machine: old.machine.clone(),
                    label: self.survey.label(old.machine),
                    address,
                    site: site.clone(),
                    home: old.home.clone(),
                    networks: self
                        .survey
                        .linked_with(&self.survey.networks_of(old.machine)),
                });
            } else {
                self.put_away(site, &old, is_off, remove);
            }
        }
    }

    /// VMs seen at a site that machines of the goal were and no machine is.
    fn old_vms(&self, site: &SiteName) -> Vec<Old<'s>> {
        let survey = self.survey;
        let current: BTreeSet<_> = survey
            .places
            .values()
            .filter_map(|place| match place {
                Place::At(at, vm) => Some((at, vm)),
                Place::Ec2 => None,
            })
            .collect();
        let mut found = Vec::new();
        for (machine, former) in &survey.former {
            let Some(Place::At(home, is)) = survey.places.get(machine) else {
                continue;
            };
            let here = former.iter().filter(|(at, _)| at == site);
            for (at, id) in here.filter(|(at, id)| !current.contains(&(at, id))) {
                if let VmSight::Seen(vm) = survey.vm_sight(at, id) {
                    found.push(Old {
                        machine,
                        id,
                        vm,
                        home,
                        is,
                        must_be_on: survey
                            .machines
                            .get(machine)
                            .is_none_or(|machine| machine.was_running),
                    });
                }
            }
        }
        found
    }

    /// An address of a former VM that on-prem's packets still reach at its site.
    fn still_routed(&self, site: &SiteName, old: &Old<'_>, fabric: &Fabric) -> Option<Ipv4Addr> {
        if old.home == site {
            return None;
        }
        let machine = self.survey.machines.get(old.machine)?;
        machine.addresses().find(|address| {
            let verdict = fabric.verdict(&Source::OnPrem, *address);
            verdict.reached().and_then(|place| place.site()) == Some(site)
        })
    }

    /// The steps for one former VM.
    fn put_away(&mut self, site: &SiteName, old: &Old<'_>, is_off: bool, remove: bool) {
        let nics = old.vm.nics.iter();
        let former = FormerVm {
            site: site.clone(),
            vm: old.id.clone(),
            name: old.vm.name.clone(),
            addresses: nics
                .flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
                .collect(),
            machine: old.machine.clone(),
            home: old.home.clone(),
            home_vm: old.is.clone(),
            must_be_on: old.must_be_on,
        };
        let mut needs = BTreeSet::new();
        if !is_off {
            // On-prem and others would lose what a person added to it.
            self.has_only_captured(site, old.machine, old.vm, true);
            let action = Action::PowerOff {
                former: former.clone(),
            };
            let why = Message::new("why-power-off");
            let id = format!("power-off/{site}/{}", old.id);
            needs.insert(self.step(id, &BTreeSet::new(), action, why));
        }
        if remove {
            let action = Action::DeleteVm { former };
            let why = Message::new("why-delete");
            self.step(format!("delete/{site}/{}", old.id), &needs, action, why);
        }
    }
}
