//! A machine's NICs: the new one is added and confirmed before the old one goes, so the VM is never without a network and a
//! refused address is known before anything was taken away.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_nutanix::NicSpec;
use stayput_plan::OverlayKind;
use stayput_world::NicFacts;
use stayput_world::prism::Nic;
use stayput_world::prism::Vm;

use super::source::source_is_stopped;
use crate::StepError;
use crate::context::StepContext;

fn is(nic: &Nic, subnet: &SubnetExtId, wanted: &NicFacts) -> bool {
    let secondary: BTreeSet<_> = nic.secondary.iter().collect();
    nic.subnet.as_ref() == Some(subnet)
        && nic.address == Some(wanted.primary)
        && secondary == wanted.secondary.iter().collect()
}

pub async fn restore_nics(
    context: &StepContext,
    site: &SiteName,
    machine: &InstanceId,
) -> Result<bool, StepError> {
    // From the ledger, not from the plan: what is not on record is not touched (promise 1).
    let facts = context.machine(machine).await?;
    let vm_id = context.catalog.vm(machine, site)?;
    let prism = context.prism(site)?;
    let read = async || -> Result<Vm, StepError> {
        prism.vm(&vm_id).await?.ok_or_else(|| StepError::Missing {
            what: format!("VM {vm_id}"),
            site: site.clone(),
        })
    };
    let mut overlays = BTreeMap::new();
    for network in context.estate.networks.keys() {
        if let Some(subnet) = context
            .catalog
            .find_subnet(site, OverlayKind::Production, network)
        {
            overlays.insert(subnet, network.clone());
        }
    }
    let mut wanted = Vec::new();
    for nic in &facts.nics {
        wanted.push((
            context
                .catalog
                .subnet(site, OverlayKind::Production, &nic.network)?,
            nic,
        ));
    }
    let is_wanted = |nic: &Nic| wanted.iter().any(|(subnet, facts)| is(nic, subnet, facts));

    let before = read().await?;
    context
        .record(&serde_json::json!({"vm": vm_id, "before": before.nics}))
        .await?;
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(subnet, facts)| !before.nics.iter().any(|nic| is(nic, subnet, facts)))
        .collect();
    // Only NICs on the estate's own subnets are ours to take away.
    let wrong: Vec<_> = before
        .nics
        .iter()
        .filter(|nic| {
            nic.subnet
                .as_ref()
                .is_some_and(|subnet| overlays.contains_key(subnet))
                && !is_wanted(nic)
        })
        .collect();
    if missing.is_empty() && wrong.is_empty() {
        return Ok(false);
    }
    source_is_stopped(context, machine).await?;
    // A primary address may sit on a wrong NIC of the machine itself (without its secondaries): that one must go first.
    let (blocking, later): (Vec<&Nic>, Vec<&Nic>) = wrong.iter().partition(|nic| {
        let has = |address| nic.address == Some(address) || nic.secondary.contains(&address);
        missing
            .iter()
            .any(|(_, facts)| has(facts.primary) || facts.secondary.iter().any(|a| has(*a)))
    });
    for nic in blocking {
        prism
            .delete_nic(
                &vm_id,
                &nic.id,
                context.request(&format!("delete/{}", nic.id)),
            )
            .await?;
    }
    for (subnet, facts) in missing {
        context.progress(None, format!("adds {}", facts.primary));
        let spec = NicSpec {
            subnet: subnet.clone(),
            address: facts.primary,
            secondary: facts.secondary.clone(),
            mac: None,
        };
        prism
            .create_nic(
                &vm_id,
                &spec,
                context.request(&format!("create/{}", facts.primary)),
            )
            .await?;
    }
    for nic in later {
        prism
            .delete_nic(
                &vm_id,
                &nic.id,
                context.request(&format!("delete/{}", nic.id)),
            )
            .await?;
    }
    let after = read().await?;
    context
        .record(&serde_json::json!({"vm": vm_id, "after": after.nics}))
        .await?;
    let ours = after.nics.iter().filter(|nic| {
        nic.subnet
            .as_ref()
            .is_some_and(|subnet| overlays.contains_key(subnet))
    });
    if ours.clone().count() == wanted.len() && ours.clone().all(is_wanted) {
        Ok(true)
    } else {
        let have: Vec<_> = ours
            .filter_map(|nic| nic.address)
            .map(|address| address.to_string())
            .collect();
        let reason = format!("its addresses are {} after the change", have.join(", "));
        Err(StepError::Failed {
            what: format!("NICs of {machine}"),
            reason,
        })
    }
}
