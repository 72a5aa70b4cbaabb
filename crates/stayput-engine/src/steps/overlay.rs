//! Flow VPCs, overlay subnets, externally routable prefixes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::FlowVpcExtId;
use stayput_estate::RouteTableId;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::SubnetId;
use stayput_estate::VpcId;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_nutanix::Looks;
use stayput_nutanix::SubnetSpec;
use stayput_nutanix::VpcSpec;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_world::AwsRegion;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::VpcRouteState;
use stayput_world::aws::VpcRouteTable;
use stayput_world::aws::VpcRouteTarget;

use crate::StepError;
use crate::context::StepContext;

/// How long NC2 may take to write a prefix into the VPC's tables. Unpublished; minutes are seen after host changes (AWS
/// reference §4, inferred).
const NC2_WRITES_WITHIN: Duration = Duration::from_secs(600);

/// How often a prefix is written again when another client removes it.
const ERP_ATTEMPTS: u32 = 5;

pub async fn flow_vpc(
    context: &StepContext,
    site: &SiteName,
    name: &str,
) -> Result<bool, StepError> {
    let prism = context.prism(site)?;
    let there = match context.catalog.vpc(site, name) {
        Some(id) => Some(id),
        // A list that lacks it once is no reason to make a second one.
        None => prism.find_vpc(name, Looks::Several).await?,
    };
    if let Some(id) = there {
        is_isolated(context, site, name, &id).await?;
        context.catalog.put_vpc(site, name, id);
        return Ok(false);
    }
    let spec = VpcSpec {
        name: name.to_owned(),
        external_subnets: BTreeSet::new(),
        erps: BTreeSet::new(),
        dns: Vec::new(),
    };
    let id = prism.create_vpc(&spec, context.request("create")).await?;
    context.record(&serde_json::json!({"created": id})).await?;
    context.catalog.put_vpc(site, name, id);
    Ok(true)
}

/// A Flow VPC of that name that was created meanwhile is used only if nothing is routed to it.
async fn is_isolated(
    context: &StepContext,
    site: &SiteName,
    name: &str,
    id: &FlowVpcExtId,
) -> Result<(), StepError> {
    let vpc = context.prism(site)?.flow_vpc(id).await?;
    let vpc =
        vpc.ok_or_else(|| missing(Message::new("object-flow-vpc").with("name", name), site))?;
    if vpc.external_subnets.is_empty() && vpc.erps.is_empty() {
        return Ok(());
    }
    Err(StepError::WorldChanged {
        what: Message::new("object-at-flow-vpc")
            .with("name", name)
            .with("site", site)
            .into(),
        found: Message::new("found-with-parts")
            .count("subnets", vpc.external_subnets.len())
            .count("prefixes", vpc.erps.len())
            .into(),
        expected: Message::new("expected-isolated").into(),
    })
}

fn missing(what: Message, site: &SiteName) -> StepError {
    StepError::Missing {
        what: what.into(),
        site: site.clone(),
    }
}

/// Compares a subnet with the plan: another client may have created it meanwhile, or may have created one of this name with other properties.
async fn is_as_planned(
    context: &StepContext,
    site: &SiteName,
    id: &SubnetExtId,
    spec: &SubnetSpec,
) -> Result<(), StepError> {
    let subnet = context.prism(site)?.subnet(id).await?;
    let subnet = subnet.ok_or_else(|| {
        missing(
            Message::new("object-subnet").with("network", &spec.name),
            site,
        )
    })?;
    let differs = |property: Message, found: String, expected: String| StepError::WorldChanged {
        what: Message::new("property-of-subnet")
            .part("property", property)
            .with("subnet", &spec.name)
            .with("id", id)
            .with("site", site)
            .into(),
        found,
        expected,
    };
    if subnet.gateway != Some(spec.gateway) {
        let found = subnet.gateway.map(|gateway| gateway.to_string());
        let found = found.unwrap_or_else(|| Message::new("value-none").into());
        return Err(differs(
            Message::new("the-gateway"),
            found,
            spec.gateway.to_string(),
        ));
    }
    let has = |pool: &AddrRange| {
        let mut pools = subnet.pools.iter();
        pools.any(|of| of.contains(pool.first) && of.contains(pool.last))
    };
    let size = |pools: &[AddrRange]| -> u64 { pools.iter().map(|pool| pool.size()).sum() };
    if !spec.pools.iter().all(has) || size(&subnet.pools) != size(&spec.pools) {
        let text = |pools: &[AddrRange]| {
            let pools: Vec<_> = pools.iter().map(ToString::to_string).collect();
            pools.join(", ")
        };
        return Err(differs(
            Message::new("the-pool"),
            text(&subnet.pools),
            text(&spec.pools),
        ));
    }
    Ok(())
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
    let vpc = context.flow_vpc(site, kind.vpc_name(context.site(site)?))?;
    let spec = SubnetSpec {
        name: network.to_string(),
        vpc,
        cidr: *cidr,
        gateway: *gateway,
        pools: pools.clone(),
        dns: dns.clone(),
    };
    let prism = context.prism(site)?;
    let there = match context.catalog.find_subnet(site, *kind, network) {
        Some(id) => Some(id),
        None => prism.find_subnet(&spec, Looks::Several).await?,
    };
    let created = there.is_none();
    let id = match there {
        Some(id) => id,
        None => {
            let id = prism
                .create_subnet(&spec, context.request("create"))
                .await?;
            context.record(&serde_json::json!({"created": id})).await?;
            id
        }
    };
    is_as_planned(context, site, &id, &spec).await?;
    context.catalog.put_subnet(site, *kind, network, id);
    Ok(created)
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
    let prism = context.prism(site)?;
    let before = prism.flow_vpc(&vpc).await?;
    let before =
        before.ok_or_else(|| missing(Message::new("object-flow-vpc").with("name", name), site))?;
    context
        .record(&serde_json::json!({"vpc": vpc, "before": before.erps}))
        .await?;
    let overlaps = |erp: &&Cidr| present && **erp != cidr && erp.overlaps(cidr);
    if let Some(other) = before.erps.iter().find(overlaps) {
        return Err(StepError::WorldChanged {
            what: Message::new("object-at-prefix")
                .with("other", other)
                .with("name", name)
                .with("site", site)
                .into(),
            found: Message::new("found-there").into(),
            expected: Message::new("expected-no-overlap")
                .with("cidr", cidr)
                .into(),
        });
    }
    // Prism replaces the whole list of prefixes, so another writer may undo this change: read until it is in place.
    let mut changed = false;
    for attempt in 0.. {
        let request = context.request(&format!("set/{attempt}"));
        if !prism.set_erp(&vpc, cidr, present, request).await? {
            break;
        }
        changed = true;
        if attempt == ERP_ATTEMPTS {
            let reason = Message::new("failed-prefixes-contested")
                .with("name", name)
                .into();
            return Err(StepError::Failed {
                what: Message::new("object-prefix").with("cidr", cidr).into(),
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
    let what = match present {
        true => Message::new("wait-route-to-host")
            .with("cidr", cidr)
            .with("site", site),
        false => Message::new("wait-route-gone")
            .with("cidr", cidr)
            .with("site", site),
    };
    let what = what.to_string();
    let attachment_subnets = attachment_subnets(context.aws_world(&config.region)?, &config.vpc);
    context
        .until(&what, NC2_WRITES_WITHIN, async || {
            if Mutant::PrefixNotAwaited.is_chosen() {
                return Ok(Some(()));
            }
            let tables = aws.vpc_route_tables(&config.region, &config.vpc).await?;
            let Some((left, of)) = tables_left(&attachment_subnets, &tables, cidr, present) else {
                let what = Message::new("object-attachment-of-vpc").with("vpc", &config.vpc);
                return Err(missing(what, site));
            };
            context.progress(
                None,
                Message::new("note-nc2-writes")
                    .with("cidr", cidr)
                    .with("missing", left)
                    .count("tables", of),
            );
            Ok((left == 0).then_some(()))
        })
        .await
}

/// How many of the tables that packets from the Transit Gateway enter by do not have the prefix yet, or still have it, and of how many.
/// `None` if there is no such table: a wait for nothing would end at once.
fn tables_left(
    attachment_subnets: &BTreeSet<SubnetId>,
    tables: &BTreeMap<RouteTableId, VpcRouteTable>,
    cidr: Cidr,
    present: bool,
) -> Option<(usize, usize)> {
    let entered = attachment_subnets.iter().filter_map(|subnet| {
        let explicit = tables.values().find(|table| table.subnets.contains(subnet));
        explicit.or_else(|| tables.values().find(|table| table.main))
    });
    let (mut left, mut of) = (0, 0);
    for table in entered {
        let has = table.routes.iter().any(|route| {
            route.destination == RouteDestination::Cidr(cidr)
                && matches!(route.target, VpcRouteTarget::Eni(_))
                && route.state == VpcRouteState::Active
        });
        left += usize::from(has != present);
        of += 1;
    }
    (of > 0).then_some((left, of))
}

fn attachment_subnets(region: &AwsRegion, wanted: &VpcId) -> BTreeSet<SubnetId> {
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

#[cfg(test)]
mod tests {
    use stayput_world::aws::VpcRoute;

    use super::*;

    fn table(subnet: Option<&str>, written: bool) -> VpcRouteTable {
        let route = VpcRoute {
            destination: RouteDestination::Cidr("172.30.1.0/24".parse().unwrap()),
            target: VpcRouteTarget::Eni("eni-host".into()),
            state: VpcRouteState::Active,
            propagated: false,
        };
        VpcRouteTable {
            vpc: "vpc-nc2".into(),
            main: subnet.is_none(),
            subnets: subnet.into_iter().map(SubnetId::from).collect(),
            routes: written.then_some(route).into_iter().collect(),
        }
    }

    #[test]
    fn a_wait_for_no_table_is_never_over() {
        let cidr = "172.30.1.0/24".parse().unwrap();
        let left = |subnets: &[&str], tables: &[VpcRouteTable], present| {
            let subnets = subnets
                .iter()
                .map(|subnet| SubnetId::from(*subnet))
                .collect();
            let ids = (0..).map(|number| RouteTableId::new(format!("rtb-{number}")));
            let tables = ids.zip(tables.iter().cloned()).collect();
            tables_left(&subnets, &tables, cidr, present)
        };
        let tables = [table(None, true), table(Some("subnet-b"), false)];
        for present in [true, false] {
            assert_eq!(left(&[], &tables, present), None);
            assert_eq!(left(&["subnet-a"], &[], present), None);
        }
        // The main table serves a subnet without a table of its own.
        assert_eq!(left(&["subnet-a", "subnet-b"], &tables, true), Some((1, 2)));
        assert_eq!(left(&["subnet-a"], &tables, true), Some((0, 1)));
        assert_eq!(left(&["subnet-a"], &tables, false), Some((1, 1)));
    }
}
