//! A machine's NICs: the new one is added and confirmed before the old one goes, so the VM is never without a network, and a
//! refused address is found before a NIC is removed.
//!
//! Only what the plan names or describes is removed. A NIC with an address that is neither the machine's own nor from a DHCP pool was added
//! by a person or another system after the plan was made: the step stops and leaves it as it is.

use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_nutanix::NicDeletion;
use stayput_nutanix::NicSpec;
use stayput_plan::NicChange;
use stayput_plan::OverlayKind;
use stayput_plan::PowerAfter;
use stayput_plan::SeenNic;
use stayput_plan::WantedNic;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;
use stayput_world::prism::Nic;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use super::source::source_is_stopped;
use crate::StepError;
use crate::context::StepContext;

/// A machine's VM, and the NICs that it must have.
struct Target<'t> {
    site: &'t SiteName,
    label: String,
    vm: VmExtId,
    /// The estate's overlay subnets at the site: NICs on other subnets are not managed.
    overlays: BTreeSet<SubnetExtId>,
    /// Captured interfaces, each with the subnet it belongs on.
    wanted: Vec<(SubnetExtId, NicFacts)>,
    change: &'t NicChange,
}

fn is(nic: &Nic, subnet: &SubnetExtId, wanted: &NicFacts) -> bool {
    let secondary: BTreeSet<_> = nic.secondary.iter().collect();
    nic.subnet.as_ref() == Some(subnet)
        && nic.address == Some(wanted.primary)
        && secondary == wanted.secondary.iter().collect()
}

impl<'t> Target<'t> {
    /// From the ledger, not from the plan: a machine that is not recorded is not changed (promise 1).
    async fn new(
        context: &StepContext,
        site: &'t SiteName,
        machine: &InstanceId,
        change: &'t NicChange,
    ) -> Result<Self, StepError> {
        let facts = context.machine(machine).await?;
        is_as_planned(machine, &facts, change)?;
        let networks = context.estate.networks.keys();
        let overlays = networks.filter_map(|network| {
            let catalog = &context.catalog;
            catalog.find_subnet(site, OverlayKind::Production, network)
        });
        let mut wanted = Vec::new();
        for nic in &facts.nics {
            let subnet = context
                .catalog
                .subnet(site, OverlayKind::Production, &nic.network)?;
            wanted.push((subnet, nic.clone()));
        }
        Ok(Self {
            site,
            label: facts.label(machine),
            vm: context.catalog.vm(machine, site)?,
            overlays: overlays.collect(),
            wanted,
            change,
        })
    }

    async fn read(&self, context: &StepContext) -> Result<Vm, StepError> {
        let vm = context.prism(self.site)?.vm(&self.vm).await?;
        vm.ok_or_else(|| StepError::Missing {
            what: Message::new("object-vm-only").with("vm", &self.vm).into(),
            site: self.site.clone(),
        })
    }

    /// NICs on the estate's overlay subnets.
    fn ours<'v>(&self, vm: &'v Vm) -> impl Iterator<Item = &'v Nic> {
        vm.nics.iter().filter(|nic| {
            let subnet = nic.subnet.as_ref();
            subnet.is_some_and(|subnet| self.overlays.contains(subnet))
        })
    }

    fn is_wanted(&self, nic: &Nic) -> bool {
        let mut wanted = self.wanted.iter();
        wanted.any(|(subnet, facts)| is(nic, subnet, facts))
    }

    fn missing(&self, vm: &Vm) -> Vec<(SubnetExtId, NicFacts)> {
        let is_there = |(subnet, facts): &&(SubnetExtId, NicFacts)| {
            vm.nics.iter().any(|nic| is(nic, subnet, facts))
        };
        let missing = self.wanted.iter().filter(|wanted| !is_there(wanted));
        missing.cloned().collect()
    }

    /// NICs that have to go.
    ///
    /// # Errors
    /// The plan does not name one of them.
    fn wrong(&self, vm: &Vm) -> Result<Vec<Nic>, StepError> {
        let mut wrong = Vec::new();
        if Mutant::OldNicKept.is_chosen() {
            return Ok(wrong);
        }
        for nic in self.ours(vm).filter(|nic| !self.is_wanted(nic)) {
            let Some(seen) = SeenNic::of(nic) else {
                continue;
            };
            if !self.change.may_remove(&seen) {
                return Err(self.changed(&seen));
            }
            wrong.push(nic.clone());
        }
        Ok(wrong)
    }

    /// Removes a NIC, unless its addresses were changed since it was judged: adding NICs takes time.
    async fn remove(&self, context: &StepContext, nic: &Nic) -> Result<(), StepError> {
        let may_go = |now: &Nic| {
            SeenNic::of(now).is_some_and(|now| self.change.may_remove(&now)) && !self.is_wanted(now)
        };
        let request = context.request(&format!("delete/{}", nic.id));
        let deletion = context
            .prism(self.site)?
            .delete_nic_if(&self.vm, &nic.id, request, may_go)
            .await?;
        match deletion {
            NicDeletion::Gone => Ok(()),
            NicDeletion::Kept(now) if self.is_wanted(&now) => Ok(()),
            // One on no subnet is not ours; the look at the end tells what is missing.
            NicDeletion::Kept(now) => {
                SeenNic::of(&now).map_or(Ok(()), |now| Err(self.changed(&now)))
            }
        }
    }

    fn changed(&self, nic: &SeenNic) -> StepError {
        let addresses: Vec<_> = nic.addresses.iter().map(ToString::to_string).collect();
        StepError::WorldChanged {
            what: Message::new("object-nic")
                .with("nic", &nic.id)
                .with("label", &self.label)
                .with("site", self.site)
                .into(),
            found: match addresses.as_slice() {
                [] => Message::new("found-without-address").into(),
                addresses => Message::new("found-with-addresses")
                    .with("addresses", addresses.join(", "))
                    .into(),
            },
            expected: Message::new("expected-own-nics").into(),
        }
    }
}

/// The ledger has the addresses that the plan shows.
fn is_as_planned(
    machine: &InstanceId,
    facts: &MachineFacts,
    change: &NicChange,
) -> Result<(), StepError> {
    let captured: Vec<_> = facts.nics.iter().map(WantedNic::from).collect();
    if captured == change.wanted {
        return Ok(());
    }
    let text = |nics: &[WantedNic]| {
        let addresses = nics.iter().flat_map(WantedNic::addresses);
        let addresses: Vec<_> = addresses.map(|address| address.to_string()).collect();
        addresses.join(", ")
    };
    Err(StepError::WorldChanged {
        what: Message::new("object-captured-addresses")
            .with("label", facts.label(machine))
            .into(),
        found: text(&captured),
        expected: text(&change.wanted),
    })
}

pub async fn restore(
    context: &StepContext,
    site: &SiteName,
    machine: &InstanceId,
    change: &NicChange,
    power: PowerAfter,
) -> Result<bool, StepError> {
    let target = Target::new(context, site, machine, change).await?;
    let are_new = restore_nics(context, &target, machine).await?;
    let is_on_now = match power {
        PowerAfter::AsItIs => false,
        PowerAfter::On => power_on_if_off(context, &target, machine).await?,
    };
    Ok(are_new || is_on_now)
}

/// Powers the VM on if it is off; returns whether it was.
async fn power_on_if_off(
    context: &StepContext,
    target: &Target<'_>,
    machine: &InstanceId,
) -> Result<bool, StepError> {
    match target.read(context).await?.power {
        PowerState::On | PowerState::Other(_) => return Ok(false),
        PowerState::Off => {}
    }
    source_is_stopped(context, machine).await?;
    context.progress(None, Message::new("note-powering-on"));
    let request = context.request("power-on");
    let prism = context.prism(target.site)?;
    prism.power_on(&target.vm, request).await?;
    Ok(true)
}

async fn restore_nics(
    context: &StepContext,
    target: &Target<'_>,
    machine: &InstanceId,
) -> Result<bool, StepError> {
    let prism = context.prism(target.site)?;
    let vm = &target.vm;
    let before = target.read(context).await?;
    context
        .record(&serde_json::json!({"vm": vm, "before": before.nics}))
        .await?;
    let missing = target.missing(&before);
    let wrong = target.wrong(&before)?;
    if missing.is_empty() && wrong.is_empty() {
        return Ok(false);
    }
    source_is_stopped(context, machine).await?;
    // A primary address may sit on a wrong NIC of the machine itself (without its secondaries): that one must go first.
    let blocks = |nic: &&Nic| {
        let has = |address| nic.address == Some(address) || nic.secondary.contains(&address);
        missing
            .iter()
            .any(|(_, facts)| has(facts.primary) || facts.secondary.iter().any(|a| has(*a)))
    };
    let (first, then): (Vec<&Nic>, Vec<&Nic>) = wrong.iter().partition(blocks);
    for nic in first {
        target.remove(context, nic).await?;
    }
    for (subnet, facts) in &missing {
        context.progress(
            None,
            Message::new("note-adding").with("address", facts.primary),
        );
        let spec = NicSpec {
            subnet: subnet.clone(),
            address: facts.primary,
            secondary: facts.secondary.clone(),
            mac: None,
        };
        let request = context.request(&format!("create/{}", facts.primary));
        prism.create_nic(vm, &spec, request).await?;
    }
    for nic in then {
        target.remove(context, nic).await?;
    }
    let after = target.read(context).await?;
    context
        .record(&serde_json::json!({"vm": vm, "after": after.nics}))
        .await?;
    let mut ours = target.ours(&after);
    if ours.all(|nic| target.is_wanted(nic)) && target.ours(&after).count() == target.wanted.len() {
        return Ok(true);
    }
    let have: Vec<_> = target
        .ours(&after)
        .filter_map(|nic| nic.address)
        .map(|address| address.to_string())
        .collect();
    let reason = Message::new("failed-addresses-after")
        .with("addresses", have.join(", "))
        .into();
    Err(StepError::Failed {
        what: Message::new("object-nics-of")
            .with("machine", machine)
            .into(),
        reason,
    })
}
