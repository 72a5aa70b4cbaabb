//! The NICs of a machine's VM: which it gets, which are removed, and addresses that are not captured.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_world::MachineFacts;
use stayput_world::ObjectKind;
use stayput_world::prism::Vm;

use super::Draft;
use crate::Action;
use crate::NicChange;
use crate::NicsBefore;
use crate::Obstacle;
use crate::PowerAfter;
use crate::SeenNic;
use crate::StepId;
use crate::WantedNic;
use crate::step::OverlayKind;
use crate::survey::overlay_subnet;

/// How the VM whose addresses are restored arrives at the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Move makes it in an earlier step.
    ByMove,
    /// A recovery plan makes it in an earlier step.
    ByRecovery,
    /// It is there.
    There,
}

impl Draft<'_> {
    /// Adds the step that gives a machine its own addresses at a site.
    pub(super) fn restore(
        &mut self,
        site: &SiteName,
        machine: &InstanceId,
        arrival: Arrival,
        needs: &BTreeSet<StepId>,
        why: &str,
    ) {
        let survey = self.survey;
        let Some(facts) = survey.machines.get(machine) else {
            return;
        };
        let before = match arrival {
            Arrival::ByMove => NicsBefore::FromPool,
            Arrival::ByRecovery => NicsBefore::FromRecovery,
            Arrival::There => {
                let Some((id, vm)) = survey.vm_at(machine, site) else {
                    return;
                };
                self.is_readable(site, ObjectKind::Vm, None, Some(id.as_str()));
                let [kept, removed] = self.overlay_nics(site, facts, vm);
                NicsBefore::Seen { removed, kept }
            }
        };
        let nics = NicChange {
            wanted: facts.nics.iter().map(WantedNic::from).collect(),
            before,
            pools: self.pools_of(site, facts),
        };
        if let NicsBefore::Seen { removed, .. } = &nics.before {
            for nic in removed {
                self.not_captured(site, machine, nic, nics.strangers(nic), false);
            }
        }
        let power = match survey.powers_on && facts.was_running {
            true => PowerAfter::On,
            false => PowerAfter::AsItIs,
        };
        let action = Action::RestoreNics {
            site: site.clone(),
            machine: machine.clone(),
            nics,
            power,
        };
        self.step(format!("restore/{site}/{machine}"), needs, action, why);
    }

    /// Refuses to take a machine from a site while its VM there has addresses that are not captured: they would not come along.
    pub(super) fn leaves_nothing_behind(&mut self, site: &SiteName, machine: &InstanceId) {
        if let Some((_, vm)) = self.survey.vm_at(machine, site) {
            self.has_only_captured(site, machine, vm, false);
        }
    }

    /// Refuses to go on while a VM that a machine is, or was, has addresses at a site that are not captured.
    pub(super) fn has_only_captured(
        &mut self,
        site: &SiteName,
        machine: &InstanceId,
        vm: &Vm,
        is_former: bool,
    ) {
        let Some(facts) = self.survey.machines.get(machine) else {
            return;
        };
        let own: BTreeSet<Ipv4Addr> = facts.addresses().collect();
        let [_, others] = self.overlay_nics(site, facts, vm);
        for nic in others {
            let strangers = nic.addresses.difference(&own).copied().collect();
            self.not_captured(site, machine, &nic, strangers, is_former);
        }
    }

    /// Refuses to test a machine whose VM lacks captured addresses. What the VM has is not always known: the test's copies are compared, too.
    pub(super) fn has_its_addresses(&mut self, site: &SiteName, machine: &InstanceId) {
        let survey = self.survey;
        let Some(facts) = survey.machines.get(machine) else {
            return;
        };
        if !survey.knows_nics(machine, site) {
            return;
        }
        let has = survey.overlay_addresses(machine, site);
        let lacks = facts.addresses().filter(|address| !has.contains(address));
        let addresses: BTreeSet<_> = lacks.collect();
        if addresses.is_empty() {
            return;
        }
        let networks = survey.linked_with(&survey.networks_of(machine));
        self.obstacle(Obstacle::LacksAddresses {
            machine: machine.clone(),
            label: survey.label(machine),
            site: site.clone(),
            addresses,
            at_primary: survey.is_primary_of(site, &networks),
            networks,
        });
    }

    fn not_captured(
        &mut self,
        site: &SiteName,
        machine: &InstanceId,
        nic: &SeenNic,
        addresses: BTreeSet<Ipv4Addr>,
        is_former: bool,
    ) {
        if !addresses.is_empty() {
            self.obstacle(Obstacle::NotCaptured {
                site: site.clone(),
                machine: machine.clone(),
                label: self.survey.label(machine),
                nic: nic.id.clone(),
                addresses,
                is_former,
            });
        }
    }

    /// The NICs of a VM on the estate's overlay subnets: those that are as captured, and the others.
    fn overlay_nics(&self, site: &SiteName, facts: &MachineFacts, vm: &Vm) -> [Vec<SeenNic>; 2] {
        let [mut kept, mut others] = [Vec::new(), Vec::new()];
        for nic in &vm.nics {
            let network = nic
                .subnet
                .as_ref()
                .and_then(|subnet| self.survey.overlay_network(site, subnet));
            let (Some(network), Some(seen)) = (network, SeenNic::of(nic)) else {
                continue;
            };
            let secondary: BTreeSet<_> = nic.secondary.iter().copied().collect();
            let is_as_captured = facts.nics.iter().any(|of| {
                of.network == *network
                    && Some(of.primary) == nic.address
                    && of.secondary.iter().copied().collect::<BTreeSet<_>>() == secondary
            });
            if is_as_captured {
                kept.push(seen);
            } else {
                others.push(seen);
            }
        }
        [kept, others]
    }

    /// The DHCP pools a machine's NICs at a site may have got addresses from: those that stand, or that an earlier step makes.
    fn pools_of(&mut self, site: &SiteName, facts: &MachineFacts) -> Vec<AddrRange> {
        let networks: BTreeSet<_> = facts.nics.iter().map(|nic| &nic.network).collect();
        let mut pools = Vec::new();
        for network in networks {
            let of = self
                .pools
                .entry((site.clone(), network.clone()))
                .or_insert_with(|| pools_at(self.survey, &self.steps, site, network));
            pools.extend(of.iter().copied());
        }
        pools
    }
}

fn pools_at(
    survey: &crate::survey::Survey<'_>,
    steps: &[crate::Step],
    site: &SiteName,
    wanted: &NetworkName,
) -> Vec<AddrRange> {
    let kind = OverlayKind::Production;
    let observed = survey.world.prism.get(site);
    let observed = observed.map(|prism| overlay_subnet(survey.estate, prism, site, kind, wanted));
    if let Some(Ok(Some((_, subnet)))) = observed {
        return subnet.pools.clone();
    }
    let made = steps.iter().find_map(|step| match &step.action {
        Action::EnsureSubnet {
            site: at,
            kind: OverlayKind::Production,
            network,
            pools,
            ..
        } if at == site && network == wanted => Some(pools.clone()),
        _ => None,
    });
    made.unwrap_or_default()
}
