//! Categories, protection policies, recovery plans, recovery points.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_messages::list::text;
use stayput_nutanix::MappedSubnet;
use stayput_nutanix::MappingSpec;
use stayput_nutanix::PlanSpec;
use stayput_nutanix::PolicyLocation;
use stayput_nutanix::PolicySpec;
use stayput_plan::Action;
use stayput_plan::OverlayKind;
use stayput_world::prism::NetworkMapping;
use stayput_world::prism::RecoveryPlan;

use crate::StepError;
use crate::context::StepContext;

pub async fn categorize(
    context: &StepContext,
    site: &SiteName,
    key: &str,
    value: &str,
    machines: &BTreeSet<InstanceId>,
) -> Result<bool, StepError> {
    let prism = context.prism(site)?;
    let category = prism.ensure_category(key, value).await?;
    let vms = machines
        .iter()
        .map(|machine| context.catalog.vm(machine, site))
        .collect::<Result<Vec<_>, _>>()?;
    let associate = |vm: VmExtId| {
        let request = context.request(&format!("associate/{vm}"));
        let category = &category;
        async move { prism.associate_category(&vm, category, request).await }
    };
    let mut under_way = futures::stream::iter(vms.into_iter().map(associate))
        .buffer_unordered(context.estate.engine.concurrency);
    let mut number = 0;
    while let Some(associated) = under_way.next().await {
        associated?;
        number += 1;
        let percent = u8::try_from(number * 100 / machines.len()).ok();
        context.progress(
            percent,
            Message::new("note-categories")
                .with("number", number)
                .count("vms", machines.len()),
        );
    }
    Ok(true)
}

pub async fn policy(context: &StepContext, action: &Action) -> Result<bool, StepError> {
    let Action::ProtectionPolicy {
        site,
        recovery,
        name,
        key,
        value,
        rpo_seconds,
        retention,
    } = action
    else {
        return Ok(false);
    };
    let prism = context.prism(site)?;
    let category = prism.ensure_category(key, value).await?;
    let location = |site| {
        Ok::<_, StepError>(PolicyLocation {
            domain_manager: context.prism_world(site)?.domain_manager.clone(),
            clusters: BTreeSet::new(),
        })
    };
    let spec = PolicySpec {
        name: name.clone(),
        categories: [category].into(),
        primary: location(site)?,
        recovery: location(recovery)?,
        rpo: Duration::from_secs(*rpo_seconds),
        retention: *retention,
    };
    let id = prism
        .create_protection_policy(&spec, context.request("create"))
        .await?;
    context.record(&serde_json::json!({"policy": id})).await?;
    // A policy of that name for this category is used; its schedule must be the planned one.
    let made = prism.protection_policy(&id).await?;
    let made = made.ok_or_else(|| StepError::Missing {
        what: Message::new("object-policy").with("name", name).into(),
        site: site.clone(),
    })?;
    let schedules = made.replications.iter();
    let schedules = schedules.map(|one| (one.rpo_seconds, one.retention));
    let wanted = (Some(*rpo_seconds), Some(*retention));
    if let Some((rpo, kept)) = schedules.clone().find(|has| *has != wanted) {
        let schedule = |rpo: Option<u64>, kept: Option<u32>| {
            let rpo = match rpo {
                None => Message::new("schedule-no-rpo"),
                Some(rpo) => Message::new("schedule-rpo").with("seconds", rpo),
            };
            let kept = match kept {
                None => Message::new("schedule-not-reported"),
                Some(kept) => text(kept),
            };
            Message::new("schedule")
                .part("rpo", rpo)
                .part("kept", kept)
                .into()
        };
        return Err(StepError::WorldChanged {
            what: Message::new("object-at-policy")
                .with("name", name)
                .with("id", id)
                .with("site", site)
                .into(),
            found: schedule(rpo, kept),
            expected: schedule(wanted.0, wanted.1),
        });
    }
    Ok(true)
}

pub async fn recovery_plan(context: &StepContext, action: &Action) -> Result<bool, StepError> {
    let Action::RecoveryPlan {
        site,
        recovery,
        name,
        key,
        value,
        networks,
    } = action
    else {
        return Ok(false);
    };
    let prism = context.prism(site)?;
    let category = prism.ensure_category(key, value).await?;
    let mut mappings = Vec::new();
    for network in networks {
        let Some(definition) = context.estate.networks.get(network) else {
            continue;
        };
        let mapped = |site: &SiteName, kind: OverlayKind| {
            Ok::<_, StepError>(MappedSubnet {
                subnet: context.catalog.subnet(site, kind, network)?,
                vpc: context.flow_vpc(site, kind.vpc_name(context.site(site)?))?,
                gateway: stayput_plan::gateway(definition.cidr),
                prefix_len: definition.cidr.len(),
            })
        };
        mappings.push(MappingSpec {
            primary: mapped(site, OverlayKind::Production)?,
            recovery: mapped(recovery, OverlayKind::Production)?,
            primary_test: Some(mapped(site, OverlayKind::Test)?),
            recovery_test: Some(mapped(recovery, OverlayKind::Test)?),
        });
    }
    let spec = PlanSpec {
        name: name.clone(),
        primary: context.prism_world(site)?.domain_manager.clone(),
        recovery: context.prism_world(recovery)?.domain_manager.clone(),
        mappings,
        categories: [category].into(),
    };
    let id = prism
        .create_recovery_plan(&spec, context.request("create"))
        .await?;
    context
        .record(&serde_json::json!({"recovery_plan": id}))
        .await?;
    let made = prism.recovery_plan(&id).await?;
    let made = made.ok_or_else(|| StepError::Missing {
        what: Message::new("object-recovery-plan")
            .with("name", name)
            .into(),
        site: site.clone(),
    })?;
    maps_as_planned(name, site, &made, &spec)?;
    context.catalog.put_plan(site, name, id);
    Ok(true)
}

/// Compares a recovery plan with the planned one: missing parts are added, and additional parts are not removed.
fn maps_as_planned(
    name: &str,
    site: &SiteName,
    made: &RecoveryPlan,
    spec: &PlanSpec,
) -> Result<(), StepError> {
    let differs = |found: Message, expected: Message| StepError::WorldChanged {
        what: Message::new("object-at-recovery-plan")
            .with("name", name)
            .with("site", site)
            .into(),
        found: found.into(),
        expected: expected.into(),
    };
    if made.categories != spec.categories {
        let count = |number: usize| Message::new("found-categories").count("categories", number);
        let (found, expected) = (made.categories.len(), spec.categories.len());
        return Err(differs(count(found), count(expected)));
    }
    for mapping in &spec.mappings {
        let is_of = |one: &&NetworkMapping| {
            one.primary.as_ref() == Some(&mapping.primary.subnet)
                || one.recovery.as_ref() == Some(&mapping.recovery.subnet)
        };
        let test = |side: &Option<MappedSubnet>| side.as_ref().map(|side| side.subnet.clone());
        let wanted = NetworkMapping {
            primary: Some(mapping.primary.subnet.clone()),
            recovery: Some(mapping.recovery.subnet.clone()),
            primary_test: test(&mapping.primary_test),
            recovery_test: test(&mapping.recovery_test),
            keeps_addresses: Some(true),
        };
        let of: Vec<_> = made.mappings.iter().filter(is_of).collect();
        if of.as_slice() != [&wanted] {
            let subnet = &mapping.primary.subnet;
            let found = Message::new("found-mappings")
                .count("mappings", of.len())
                .with("subnet", subnet);
            let expected = Message::new("expected-mapping");
            return Err(differs(found, expected));
        }
    }
    Ok(())
}

pub async fn await_recovery_points(
    context: &StepContext,
    site: &SiteName,
    recovery: &SiteName,
    machines: &BTreeSet<InstanceId>,
) -> Result<bool, StepError> {
    let vms: BTreeSet<VmExtId> = machines
        .iter()
        .map(|machine| context.catalog.vm(machine, site))
        .collect::<Result<_, _>>()?;
    let client = context.prism(recovery)?;
    // The first recovery point of a large machine takes as long as its data needs; more than twice the RPO is unusual.
    let limit = Duration::from_secs(
        context
            .estate
            .protection
            .rpo
            .as_secs()
            .saturating_mul(2)
            .max(6 * 3600),
    );
    let what = Message::new("wait-points")
        .count("machines", vms.len())
        .with("recovery", recovery)
        .to_string();
    context
        .until(&what, limit, async || {
            let points = client.recovery_points(&vms).await?;
            let there = vms.iter().filter(|vm| points.contains_key(*vm)).count();
            let percent = u8::try_from(there * 100 / vms.len().max(1)).ok();
            context.progress(
                percent,
                Message::new("note-points")
                    .with("there", there)
                    .count("machines", vms.len())
                    .with("recovery", recovery),
            );
            Ok((there == vms.len()).then_some(()))
        })
        .await?;
    Ok(false)
}
