//! A person does what the remedies of a command say.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_lab::Power;
use stayput_ledger::By;
use stayput_ledger::Ledger;
use stayput_messages::Message;
use stayput_plan::Goal;
use stayput_world::MachineFacts;

use crate::hands;
use crate::outcome::End;
use crate::remedies::Remedy;
use crate::simulation::Simulation;

impl Simulation {
    /// Does what the remedies say. Those of a command that a remedy names are done too, before the person repeats the first command.
    pub(crate) async fn follow(&mut self, remedies: Vec<Remedy>) {
        for goal in self.carry_out(remedies).await {
            let (end, remedies) = self.command(&goal).await;
            let command = Message::new("simulate-as-remedy").with("goal", goal);
            self.tell(command.into(), end);
            self.carry_out(remedies).await;
        }
    }

    /// Does what the remedies say by hand; returns the goals of the commands that they name.
    async fn carry_out(&mut self, remedies: Vec<Remedy>) -> Vec<Goal> {
        let mut named = Vec::new();
        for remedy in remedies {
            if let Remedy::First(goal) = &remedy {
                if !named.contains(goal) {
                    named.push(goal.clone());
                }
                continue;
            }
            if !remedy.is_by_hand() {
                continue;
            }
            // What people do is in no plan, neither while they do it nor afterwards.
            self.judge.disturbed();
            let did = match &remedy {
                Remedy::Again | Remedy::GoOn | Remedy::NotInStories | Remedy::First(_) => Ok(()),
                Remedy::Adopt(machine, site, vm) => self.adopt(machine, site, vm).await,
                Remedy::RecordAddresses(machine, addresses) => {
                    self.record_addresses(machine, addresses).await
                }
                Remedy::Restore(machine, vm) => {
                    let Some(deleted) = self.judge.take_deleted_vm(vm.as_str()) else {
                        continue;
                    };
                    let site = SiteName::new(deleted.site.as_str());
                    let mut vm = String::new();
                    self.lab.with(|state| vm = deleted.restore(state));
                    self.adopt(machine, &site, &VmExtId::new(vm)).await
                }
                Remedy::PutRoutesBack => {
                    let routes = self.judge.take_deleted();
                    self.lab.with(|state| hands::put_back(state, routes));
                    Ok(())
                }
                Remedy::FreePools(site) => {
                    let truth = self.judge.truth();
                    self.lab
                        .with(|state| hands::free_pools(state, &truth, site.as_str()));
                    Ok(())
                }
                Remedy::CleanUpTests(site) => {
                    self.lab
                        .with(|state| hands::clean_up_tests(state, site.as_str()));
                    Ok(())
                }
                Remedy::DeletePoints(site, vm) => {
                    self.lab
                        .with(|state| state.delete_recovery_points(vm.as_str(), site.as_str()));
                    Ok(())
                }
                Remedy::DeleteNic(site, nic) => {
                    self.lab
                        .with(|state| hands::delete_nic(state, site.as_str(), nic.as_str()));
                    Ok(())
                }
                Remedy::StopInstance(machine) => self.lab.with(|state| {
                    let stopped = state.set_instance(machine.as_str(), Power::Off);
                    stopped.map(|_| ()).map_err(|error| error.to_string())
                }),
                Remedy::PowerOn(site, machine) => {
                    let facts = self.ledger.facts().await.unwrap_or_default();
                    let vm = facts.vms.get(machine).and_then(|vms| vms.get(site));
                    let vm = vm.map_or_else(String::new, ToString::to_string);
                    self.set_vm_power(&vm, site, Power::On)
                }
                Remedy::PowerOff(site, vm) => self.set_vm_power(vm.as_str(), site, Power::Off),
            };
            self.judge.disturbed();
            let end = did.map_or_else(End::Failed, |()| End::Reached);
            self.tell(format!("{remedy:?}"), end);
        }
        named
    }

    fn set_vm_power(&self, vm: &str, site: &SiteName, power: Power) -> Result<(), String> {
        self.lab.with(|state| {
            let set = state.set_vm_power(vm, Some(site.as_str()), power);
            set.map(|_| ()).map_err(|error| error.to_string())
        })
    }

    /// `stayput adopt`.
    async fn adopt(
        &self,
        machine: &InstanceId,
        site: &SiteName,
        vm: &VmExtId,
    ) -> Result<(), String> {
        let by = By::person("operator");
        let now = self.ambient.clock.now();
        let put = self.ledger.put_vm(machine, site, vm, now, &by).await;
        put.map_err(|error| error.to_string())
    }

    /// `stayput capture --replace`, of a machine that got these addresses besides.
    async fn record_addresses(
        &self,
        machine: &InstanceId,
        addresses: &BTreeSet<Ipv4Addr>,
    ) -> Result<(), String> {
        let facts = self.ledger.facts().await.unwrap_or_default();
        let Some(recorded) = facts.machines.get(machine) else {
            let why = Message::new("simulate-not-in-ledger").with("machine", machine);
            return Err(why.into());
        };
        let mut replaced = MachineFacts::clone(recorded);
        for address in addresses {
            let mut nics = replaced.nics.iter_mut();
            let nic = nics.find(|nic| {
                let network = self.estate.networks.get(&nic.network);
                network.is_some_and(|network| network.cidr.contains(*address))
            });
            if let Some(nic) = nic {
                nic.secondary.push(*address);
            }
        }
        let machines = [(machine.clone(), Arc::new(replaced))].into();
        let by = By::person("operator");
        let now = self.ambient.clock.now();
        let put = self.ledger.put_machines(&machines, now, &by);
        put.await.map_err(|error| error.to_string())
    }
}
