//! Categories, protection policies, recovery plans, recovery points.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_nutanix::MappedSubnet;
use stayput_nutanix::MappingSpec;
use stayput_nutanix::PlanSpec;
use stayput_nutanix::PolicyLocation;
use stayput_nutanix::PolicySpec;
use stayput_plan::Action;
use stayput_plan::OverlayKind;

use crate::StepError;
use crate::run::StepContext;

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
        context.progress(percent, format!("{number} of {} VMs", machines.len()));
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
    context.catalog.put_plan(site, name, id);
    Ok(true)
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
    // The first point of a large machine takes as long as its data does; twice the RPO is when to worry.
    let limit = Duration::from_secs(
        context
            .estate
            .protection
            .rpo
            .as_secs()
            .saturating_mul(2)
            .max(6 * 3600),
    );
    let what = format!("recovery points of {} machines at {recovery}", vms.len());
    context
        .until(&what, limit, async || {
            let points = client.recovery_points().await?;
            let there = vms.iter().filter(|vm| points.contains_key(*vm)).count();
            let percent = u8::try_from(there * 100 / vms.len().max(1)).ok();
            context.progress(
                percent,
                format!(
                    "{there} of {} machines have a recovery point at {recovery}",
                    vms.len()
                ),
            );
            Ok((there == vms.len()).then_some(()))
        })
        .await?;
    Ok(false)
}
