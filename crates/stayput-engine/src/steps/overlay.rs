//! Flow VPCs, overlay subnets, externally routable prefixes.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_estate::SiteName;
use stayput_estate::VpcId;
use stayput_nutanix::SubnetSpec;
use stayput_nutanix::VpcSpec;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::VpcRouteState;
use stayput_world::aws::VpcRouteTarget;

use crate::StepError;
use crate::run::StepContext;

/// How long NC2 may take to write a prefix into the VPC's tables. Unpublished; minutes are seen after host changes (AWS
/// reference §4, inferred).
const NC2_WRITES_WITHIN: Duration = Duration::from_secs(600);

/// How often a prefix is set again when it does not stay.
const ERP_ATTEMPTS: u32 = 5;

pub async fn flow_vpc(
    context: &StepContext,
    site: &SiteName,
    name: &str,
) -> Result<bool, StepError> {
    if context.catalog.vpc(site, name).is_some() {
        return Ok(false);
    }
    let spec = VpcSpec {
        name: name.to_owned(),
        external_subnets: BTreeSet::new(),
        erps: BTreeSet::new(),
        dns: Vec::new(),
    };
    let id = context
        .prism(site)?
        .create_vpc(&spec, context.request("create"))
        .await?;
    context.record(&serde_json::json!({"created": id})).await?;
    context.catalog.put_vpc(site, name, id);
    Ok(true)
}

pub async fn subnet(context: &StepContext, action: &Action) -> Result<bool, StepError> {
    let Action::EnsureSubnet {
        site,
        kind,
        network,
        cidr,
        gateway,
        pools,
        dns,
    } = action
    else {
        return Ok(false);
    };
    if context.catalog.find_subnet(site, *kind, network).is_some() {
        return Ok(false);
    }
    let vpc = context.flow_vpc(site, kind.vpc_name(context.site(site)?))?;
    let spec = SubnetSpec {
        name: network.to_string(),
        vpc,
        cidr: *cidr,
        gateway: *gateway,
        pools: pools.clone(),
        dns: dns.clone(),
    };
    let id = context
        .prism(site)?
        .create_subnet(&spec, context.request("create"))
        .await?;
    context.record(&serde_json::json!({"created": id})).await?;
    context.catalog.put_subnet(site, *kind, network, id);
    Ok(true)
}

pub async fn erp(
    context: &StepContext,
    site: &SiteName,
    scope: ErpScope,
    cidr: Cidr,
    present: bool,
) -> Result<bool, StepError> {
    let config = context.site(site)?;
    let name = match scope {
        ErpScope::User => &config.flow_vpc,
        ErpScope::Transit => &config.transit_vpc,
    };
    let vpc = context.flow_vpc(site, name)?;
    // Prism takes the whole list of prefixes, so whoever else writes meanwhile may undo ours: look until it stands.
    let prism = context.prism(site)?;
    let mut changed = false;
    for attempt in 0.. {
        let request = context.request(&format!("set/{attempt}"));
        if !prism.set_erp(&vpc, cidr, present, request).await? {
            break;
        }
        changed = true;
        if attempt == ERP_ATTEMPTS {
            let reason = format!("somebody else keeps changing the prefixes of Flow VPC {name}");
            return Err(StepError::Failed {
                what: format!("prefix {cidr}"),
                reason,
            });
        }
    }
    if scope == ErpScope::Transit {
        nc2_has_written(context, site, cidr, present).await?;
    }
    Ok(changed)
}

/// Waits until the tables of the VPC's attachment subnets have, or no longer have, the prefix. Which tables NC2 writes
/// depends on its version (AWS reference §4), so this is watched, not assumed.
async fn nc2_has_written(
    context: &StepContext,
    site: &SiteName,
    cidr: Cidr,
    present: bool,
) -> Result<(), StepError> {
    let config = context.site(site)?;
    let aws = &context.clients.aws;
    let what = format!(
        "route {cidr} {} in the VPC of {site}",
        if present { "→ host ENI" } else { "gone" }
    );
    let attachment_subnets = attachment_subnets(context.aws_world(&config.region)?, &config.vpc);
    context
        .until(&what, NC2_WRITES_WITHIN, async || {
            let tables = aws.vpc_route_tables(&config.region, &config.vpc).await?;
            let entered: Vec<_> = attachment_subnets
                .iter()
                .filter_map(|subnet| {
                    let explicit = tables.values().find(|table| table.subnets.contains(subnet));
                    explicit.or_else(|| tables.values().find(|table| table.main))
                })
                .collect();
            let missing = entered
                .iter()
                .filter(|table| {
                    let has = table.routes.iter().any(|route| {
                        route.destination == RouteDestination::Cidr(cidr)
                            && matches!(route.target, VpcRouteTarget::Eni(_))
                            && route.state == VpcRouteState::Active
                    });
                    has != present
                })
                .count();
            context.progress(
                None,
                format!(
                    "NC2 is writing {cidr} ({missing} of {} tables left)",
                    entered.len()
                ),
            );
            Ok((missing == 0).then_some(()))
        })
        .await
}

fn attachment_subnets(region: &AwsRegion, wanted: &VpcId) -> BTreeSet<stayput_estate::SubnetId> {
    region
        .attachments
        .values()
        .filter_map(|attachment| match &attachment.kind {
            AttachmentKind::Vpc { vpc, subnets } if vpc == wanted => Some(subnets),
            _ => None,
        })
        .flatten()
        .cloned()
        .collect()
}
