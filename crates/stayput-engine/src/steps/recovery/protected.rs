//! Reads again, right before a recovery plan is run, what it depends on: the machines' VMs, their categories, their recovery points.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_nutanix::Looks;
use stayput_world::prism::PowerState;

use crate::StepError;
use crate::context::StepContext;

/// Recovery points older than this multiple of the RPO are reported: data written since then is lost if the final sync fails.
const OLD: u32 = 2;

/// Refuses while a machine would not be recovered or has no recovery point. Returns the running machines.
pub async fn all_are_protected(
    context: &StepContext,
    from: &SiteName,
    to: &SiteName,
    machines: &BTreeSet<InstanceId>,
) -> Result<BTreeSet<InstanceId>, StepError> {
    let (here, there) = (context.prism(from)?, context.prism(to)?);
    let mut ids = BTreeMap::new();
    for machine in machines {
        ids.insert(machine.clone(), context.catalog.vm(machine, from)?);
    }
    let wanted = ids.values().cloned().collect();
    let (vms, points) =
        futures::try_join!(here.vms_by_ids(&wanted), there.recovery_points(&wanted))?;
    let mut categories: BTreeMap<NetworkName, _> = BTreeMap::new();
    let mut running = BTreeSet::new();
    for (machine, id) in &ids {
        let facts = context.machine(machine).await?;
        let label = facts.label(machine);
        let changed = |found: Message, expected: Message| StepError::WorldChanged {
            what: Message::new("object-machine")
                .with("label", &label)
                .with("machine", machine)
                .into(),
            found: found.into(),
            expected: expected.into(),
        };
        let Some(vm) = vms.get(id) else {
            let found = Message::new("found-no-vm")
                .with("id", id)
                .with("from", from);
            return Err(changed(
                found,
                Message::new("expected-until-recovered").with("to", to),
            ));
        };
        let Some(network) = facts.nics.first().map(|nic| nic.network.clone()) else {
            continue;
        };
        if !categories.contains_key(&network) {
            let key = &context.estate.protection.category;
            let found = here
                .find_category(key, network.as_str(), Looks::Once)
                .await?;
            categories.insert(network.clone(), found);
        }
        let category = categories.get(&network).and_then(Option::as_ref);
        if category.is_none_or(|category| !vm.categories.contains(category)) {
            let key = &context.estate.protection.category;
            let found = Message::new("found-without-category")
                .with("key", key)
                .with("network", network);
            let expected = Message::new("expected-category");
            return Err(changed(found, expected));
        }
        let Some(point) = points.get(id) else {
            let found = Message::new("found-without-point").with("to", to);
            let expected = Message::new("expected-point").with("to", to);
            return Err(changed(found, expected));
        };
        if let Some(age) = age(point, context.now()) {
            let limit = context.estate.protection.rpo * OLD;
            if age > limit {
                let minutes = age.as_secs() / 60;
                context.progress(
                    None,
                    Message::new("note-old-point")
                        .with("label", label)
                        .with("minutes", minutes),
                );
            }
        }
        if vm.power == PowerState::On {
            running.insert(machine.clone());
        }
    }
    Ok(running)
}

/// How long ago a time (RFC 3339) was at `now`, by this machine's clock.
fn age(time: &str, now: Timestamp) -> Option<Duration> {
    let time: Timestamp = time.parse().ok()?;
    now.duration_since(time).try_into().ok()
}

/// Machines that ran before and are not on at the site they came to. They are not powered on: a person must decide
/// whether they may run, and the verification waits for it.
pub async fn machines_that_are_off(
    context: &StepContext,
    to: &SiteName,
    ran: &BTreeSet<InstanceId>,
) -> Result<Vec<String>, StepError> {
    let mut ids = BTreeMap::new();
    for machine in ran {
        ids.insert(machine, context.catalog.vm(machine, to)?);
    }
    let wanted = ids.values().cloned().collect();
    let vms = context.prism(to)?.vms_by_ids(&wanted).await?;
    let mut off = Vec::new();
    for (machine, id) in ids {
        let power = vms.get(&id).map(|vm| &vm.power);
        if power != Some(&PowerState::On) {
            let label = context.machine(machine).await?.label(machine);
            off.push(
                Message::new("changed-vm-off")
                    .with("label", label)
                    .with("id", id)
                    .with("to", to)
                    .into(),
            );
        }
    }
    Ok(off)
}
