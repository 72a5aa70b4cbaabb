//! What people and disasters do to the world of a lab, without a request to a service: sites and regions go down and return, VMs
//! are switched, instances are started and stopped.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::text;

use crate::aws;
use crate::aws::model::InstanceState;
use crate::faults::known;
use crate::gate::Service;
use crate::http::Request;
use crate::prism;
use crate::state::LabEvent;
use crate::state::LabState;

/// Whether a site or region answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// It answers.
    Up,
    /// It is silent: no request is answered, no packet passes, and what it does itself waits. Its state is kept.
    Down,
}

/// Whether a VM or an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// It runs.
    On,
    /// It does not.
    Off,
}

/// A VM at a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundVm {
    /// Site.
    pub site: String,
    /// UUID.
    pub vm: String,
    /// Name.
    pub name: String,
}

/// A VM that was deleted.
#[derive(Debug, Clone)]
pub struct DeletedVm {
    /// The position of its site.
    site: usize,
    /// The VM that it was recovered from, or itself.
    origin: (String, String),
    vm: Box<prism::model::Vm>,
}

/// An instance in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundInstance {
    /// Region.
    pub region: String,
    /// Instance id.
    pub instance: String,
    /// `Name` tag; empty without one.
    pub name: String,
}

/// Why the world of a lab cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// Nothing has this name.
    #[error("{0}")]
    Unknown(Message),
    /// Several have it.
    #[error("{0}")]
    Ambiguous(Message),
    /// The object is in a state in which this is not possible.
    #[error("{0}")]
    Refused(Message),
}

impl LabState {
    /// Takes a site down, or up again with the state it had. Returns how it was before.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`], with the known names.
    pub fn set_site(
        &mut self,
        name: &str,
        to: Availability,
    ) -> Result<Availability, OperatorError> {
        let sites = self.pcs.iter().map(|pc| pc.name.as_str());
        known(Message::new("lab-kind-site"), name, sites).map_err(|what| {
            OperatorError::Unknown(match self.aws.regions.contains_key(name) {
                true => Message::new("lab-region-is-no-site").part("what", what),
                false => what,
            })
        })?;
        let mut before = Availability::Up;
        for pc in self.pcs.iter_mut().filter(|pc| pc.name == name) {
            if pc.down {
                before = Availability::Down;
            }
            pc.down = to == Availability::Down;
        }
        Ok(before)
    }

    /// Takes a region down, with the sites in it, or up again with the state it had. Returns how it was before.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`], with the known names.
    pub fn set_region(
        &mut self,
        name: &str,
        to: Availability,
    ) -> Result<Availability, OperatorError> {
        let names = self.aws.regions.keys().map(String::as_str);
        known(Message::new("lab-kind-region"), name, names).map_err(OperatorError::Unknown)?;
        let was_down = match to {
            Availability::Down => !self.aws.down_regions.insert(name.to_owned()),
            Availability::Up => self.aws.down_regions.remove(name),
        };
        Ok(if was_down {
            Availability::Down
        } else {
            Availability::Up
        })
    }

    /// Switches a VM on or off at once, by name or UUID, as a person does in Prism Central. Returns the VM and how it was before.
    ///
    /// # Errors
    /// [`OperatorError`] when no VM or more than one has this name, or when its site is down.
    pub fn set_vm_power(
        &mut self,
        name: &str,
        site: Option<&str>,
        to: Power,
    ) -> Result<(FoundVm, Power), OperatorError> {
        if let Some(site) = site {
            let sites = self.pcs.iter().map(|pc| pc.name.as_str());
            known(Message::new("lab-kind-site"), site, sites).map_err(OperatorError::Unknown)?;
        }
        let mut found = Vec::new();
        for (index, pc) in self.pcs.iter().enumerate() {
            if site.is_some_and(|site| site != pc.name) {
                continue;
            }
            for (id, vm) in &pc.vms {
                if id == name || vm.name == name {
                    let place = FoundVm {
                        site: pc.name.clone(),
                        vm: id.clone(),
                        name: vm.name.clone(),
                    };
                    found.push((index, place));
                }
            }
        }
        let (index, vm) = match found.as_slice() {
            [] => {
                return Err(OperatorError::Unknown(match site {
                    Some(site) => Message::new("lab-no-such-vm-at-site")
                        .with("site", site)
                        .with("name", name),
                    None => Message::new("lab-no-such-vm").with("name", name),
                }));
            }
            [one] => one.clone(),
            _ => {
                let found = found.iter().map(|(_, vm)| {
                    Message::new("lab-vm-at-site")
                        .with("vm", &vm.vm)
                        .with("site", &vm.site)
                });
                let what = Message::new("lab-vm-not-unique")
                    .with("name", name)
                    .with("found", commas(found));
                return Err(OperatorError::Ambiguous(what));
            }
        };
        if self.is_site_down(index) {
            let why = Message::new("lab-site-down-first").with("site", &vm.site);
            return Err(OperatorError::Refused(why));
        }
        let was_on = prism::switch_vm(self, index, &vm.vm, to == Power::On);
        Ok((vm, if was_on { Power::On } else { Power::Off }))
    }

    /// Deletes a VM at once, by UUID, as a person does in Prism Central. Returns it; `None` if there is none at this site.
    pub fn delete_vm(&mut self, vm: &str, site: &str) -> Option<DeletedVm> {
        let index = self.pcs.iter().position(|pc| pc.name == site)?;
        let pc = self.pcs.get(index)?;
        let itself = || (pc.domain_manager.clone(), vm.to_owned());
        let origin = pc.origins.get(vm).cloned().unwrap_or_else(itself);
        let deleted = prism::delete_vm(self, index, vm)?;
        Some(DeletedVm {
            site: index,
            origin,
            vm: Box::new(deleted),
        })
    }

    /// Restores a deleted VM as from its newest recovery point: with everything that it had, under a new UUID, which is returned.
    pub fn restore_vm(&mut self, deleted: DeletedVm) -> String {
        let id = self.uuid();
        if let Some(pc) = self.pcs.get_mut(deleted.site) {
            pc.origins.insert(id.clone(), deleted.origin);
            pc.vms.insert(id.clone(), *deleted.vm);
            prism::protect_vm(self, deleted.site, &id);
        }
        id
    }

    /// Deletes the recovery points of a VM at a site, as a person does in its Prism Central.
    pub fn delete_recovery_points(&mut self, vm: &str, site: &str) {
        for pc in self.pcs.iter_mut().filter(|pc| pc.name == site) {
            for point in pc.points_of.remove(vm).into_iter().flatten() {
                pc.recovery_points.remove(&point);
            }
        }
    }

    /// Asks an instance to start or stop, by `Name` tag or id, as a person does in the EC2 console. It takes as long as there.
    /// Returns the instance and its state before.
    ///
    /// # Errors
    /// [`OperatorError`] when no instance or more than one has this name, or when its region or its state does not allow it.
    pub fn set_instance(
        &mut self,
        name: &str,
        to: Power,
    ) -> Result<(FoundInstance, InstanceState), OperatorError> {
        let mut found = Vec::new();
        for (region, state) in &self.aws.regions {
            for (id, instance) in &state.instances {
                let tag = instance.tags.get("Name").map_or("", String::as_str);
                let exists = instance.state != InstanceState::Terminated;
                if id == name || (tag == name && exists && !tag.is_empty()) {
                    found.push(FoundInstance {
                        region: region.clone(),
                        instance: id.clone(),
                        name: tag.to_owned(),
                    });
                }
            }
        }
        let instance = match found.as_slice() {
            [] => {
                let what = Message::new("lab-no-such-instance").with("name", name);
                return Err(OperatorError::Unknown(what));
            }
            [one] => one.clone(),
            _ => {
                let found = found.iter().map(|one| {
                    Message::new("lab-instance-in-region")
                        .with("instance", &one.instance)
                        .with("region", &one.region)
                });
                let what = Message::new("lab-instance-not-unique")
                    .with("name", name)
                    .with("found", commas(found));
                return Err(OperatorError::Ambiguous(what));
            }
        };
        if self.aws.down_regions.contains(&instance.region) {
            let why = Message::new("lab-region-down-first").with("region", &instance.region);
            return Err(OperatorError::Refused(why));
        }
        let (region, id) = (&instance.region, &instance.instance);
        let before = match to {
            Power::On => aws::start_instance(self, region, id),
            Power::Off => aws::stop_instance(self, region, id),
        };
        let before = before.map_err(|fault| OperatorError::Refused(text(fault.message)))?;
        Ok((instance, before))
    }

    /// Whether the site of the Prism Central with this index is down, by itself or with its region.
    pub(crate) fn is_site_down(&self, index: usize) -> bool {
        self.pcs
            .get(index)
            .is_some_and(|pc| pc.down || self.aws.down_regions.contains(&pc.aws.0))
    }

    /// Takes a site down that a rule names, for this virtual time or until it is brought up.
    pub(crate) fn take_site_down(&mut self, name: &str, lasts: Option<Duration>) {
        let sites = 0..self.pcs.len();
        for index in sites
            .filter(|index| self.pcs[*index].name == name)
            .collect::<Vec<_>>()
        {
            self.pcs[index].down = true;
            if let Some(lasts) = lasts {
                self.after(lasts, LabEvent::SiteReturns(index));
            }
        }
    }

    /// Takes a region down that a rule names, for this virtual time or until it is brought up.
    pub(crate) fn take_region_down(&mut self, name: &str, lasts: Option<Duration>) {
        self.aws.down_regions.insert(name.to_owned());
        if let Some(lasts) = lasts {
            self.after(lasts, LabEvent::RegionReturns(name.to_owned()));
        }
    }

    /// Lets a request arrive after a virtual time; its caller gets no answer.
    pub(crate) fn arrive(&mut self, delay: Duration, service: Service, request: Request) {
        self.after(delay, LabEvent::Arrives(service, Box::new(request)));
    }
}
