//! Whether the systems of an estate can be used: reached, by which identity, in which version, with which rights. Read-only.

use std::collections::BTreeSet;

use futures::future::join_all;
use stayput_ambient::Clock;
use stayput_aws::Permission;
use stayput_aws::Right;
use stayput_estate::AttachmentId;
use stayput_estate::EdgeKind;
use stayput_estate::Estate;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_estate::TgwRouteTableId;
use stayput_nutanix::Namespace;
use stayput_nutanix::PrismClient;
use stayput_world::AwsRegion;
use stayput_world::Facts;
use stayput_world::System;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwTarget;

use crate::Clients;
use crate::error::chain;

/// One system as it can be used.
#[derive(Debug)]
pub struct Access {
    /// The system.
    pub system: System,
    /// Its address.
    pub endpoint: String,
    /// The identity that it knows us by: the ARN of the caller. `None` where it does not say.
    pub identity: Option<String>,
    /// Its version, where it has one.
    pub version: Option<String>,
    /// By how many seconds its clock is ahead of ours, by the `Date` header of an answer; some seconds of it may be the way of the answer.
    pub clock_ahead_s: Option<i64>,
    /// Calls of AWS and whether they may be made.
    pub rights: Vec<Right>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

impl Access {
    fn new(system: System, endpoint: String) -> Self {
        Self {
            system,
            endpoint,
            identity: None,
            version: None,
            clock_ahead_s: None,
            rights: Vec::new(),
            problem: None,
        }
    }
}

/// A right about one object.
#[derive(Debug)]
pub struct ObjectRight {
    /// The region of the object.
    pub region: Region,
    /// The object, as the end of its ARN: `instance/i-…`.
    pub resource: String,
    /// A further object that the call is about, in the same form.
    pub other_resource: Option<String>,
    /// The call and whether it may be made.
    pub right: Right,
}

/// Asks every system of the estate for its identity, version and rights to read, all at the same time.
pub async fn access(estate: &Estate, clients: &Clients, clock: &Clock) -> Vec<Access> {
    let regions = estate.regions();
    let aws = join_all(
        regions
            .iter()
            .map(|region| of_region(estate, clients, clock, region)),
    );
    let prism = join_all(clients.prism.iter().map(|(site, client)| async move {
        let mut access = Access::new(System::PrismCentral(site.clone()), client.endpoint());
        match versions(client).await {
            Ok(version) => access.version = Some(version),
            Err(problem) => access.problem = Some(problem),
        }
        access.clock_ahead_s = ahead(client.date(), clock);
        access
    }));
    let moves = join_all(clients.moves.iter().map(|(site, client)| async move {
        let mut access = Access::new(System::Move(site.clone()), client.endpoint());
        match client.version().await {
            Ok(version) => access.version = version,
            Err(error) => access.problem = Some(chain(&error)),
        }
        access.clock_ahead_s = ahead(client.date(), clock);
        access
    }));
    let (aws, prism, moves) = futures::join!(aws, prism, moves);
    aws.into_iter().chain(prism).chain(moves).collect()
}

async fn of_region(estate: &Estate, clients: &Clients, clock: &Clock, region: &Region) -> Access {
    let aws = &clients.aws;
    let mut access = Access::new(System::Aws(region.clone()), aws.endpoint(region));
    let caller = aws.caller(region).await;
    // Also of an answer that refuses us: a clock that is far off is a reason for that.
    access.clock_ahead_s = ahead(aws.date(region), clock);
    match caller {
        Ok(caller) => access.identity = Some(caller.arn),
        Err(error) => {
            access.problem = Some(chain(&error));
            return access;
        }
    }
    access.rights = aws.rights_to_read(region).await;
    let edges = estate.edges.values();
    let dx = edges.filter(|edge| {
        edge.region == *region && matches!(edge.kind, EdgeKind::DirectConnect { .. })
    });
    let tgws: BTreeSet<&TgwId> = dx.map(|edge| &edge.tgw).collect();
    for tgw in tgws {
        access.rights.push(aws.right_to_read_dx(region, tgw).await);
    }
    // A refusal is told as a right; anything else says that the region does not work.
    access.problem = access
        .rights
        .iter()
        .find_map(|right| match &right.permission {
            Permission::Unknown(error) => Some(chain(error)),
            Permission::Allowed | Permission::Denied(_) => None,
        });
    access
}

/// By how many seconds the time of the last answer is ahead of ours; `None` if it is no time.
fn ahead(date: Option<String>, clock: &Clock) -> Option<i64> {
    let there = jiff::fmt::rfc2822::parse(&date?).ok()?.timestamp();
    Some(there.as_second() - clock.now().as_second())
}

/// The versions of the namespaces that are used: one word if it is the same for all.
async fn versions(client: &PrismClient) -> Result<String, String> {
    let mut versions = Vec::new();
    for namespace in Namespace::ALL {
        let minor = client.minor(namespace).await;
        versions.push((namespace, minor.map_err(|error| chain(&error))?));
    }
    let distinct: BTreeSet<_> = versions.iter().map(|(_, minor)| *minor).collect();
    if let [one] = distinct.into_iter().collect::<Vec<_>>().as_slice() {
        return Ok(one.to_string());
    }
    let each = versions
        .iter()
        .map(|(namespace, minor)| format!("{namespace} {minor}"));
    Ok(each.collect::<Vec<_>>().join(", "))
}

/// The rights about objects that the world shows: to read and write the tables that an estate's routes are in, and to start its machines.
pub async fn rights_on_objects(
    estate: &Estate,
    clients: &Clients,
    world: &World,
    facts: &Facts,
) -> Vec<ObjectRight> {
    let aws = &clients.aws;
    let mut rights = Vec::new();
    let Some(cidr) = estate.networks.values().map(|network| network.cidr).next() else {
        return rights;
    };
    for (region, seen) in &world.aws {
        for (table, attachment) in tables(estate, seen) {
            let target = TgwTarget::Attachment(attachment.clone());
            let (reads, writes) = futures::join!(
                aws.rights_to_read_table(region, &table),
                aws.rights_to_route(region, &table, cidr, &target)
            );
            rights.extend(reads.into_iter().chain(writes).map(|right| ObjectRight {
                region: region.clone(),
                resource: format!("transit-gateway-route-table/{table}"),
                other_resource: Some(format!("transit-gateway-attachment/{attachment}")),
                right,
            }));
        }
    }
    let region = &estate.source.region;
    let instances = world.aws.get(region).map(|seen| &seen.instances);
    let mut machines = facts.machines.keys();
    let captured = machines.find(|id| instances.is_some_and(|all| all.contains_key(*id)));
    // Before the first capture any machine of the source will do.
    let of_source = instances.and_then(|all| {
        let mut all = all.iter();
        let found = all.find(|(_, instance)| instance.vpc.as_ref() == Some(&estate.source.vpc));
        found.map(|(id, _)| id)
    });
    let machine = captured.or(of_source);
    if let Some(machine) = machine {
        let start = aws.right_to_start(region, machine).await;
        rights.extend(start.into_iter().map(|right| ObjectRight {
            region: region.clone(),
            resource: format!("instance/{machine}"),
            other_resource: None,
            right,
        }));
    }
    rights
}

/// The Transit Gateway route tables that decide for packets of the estate, each with an attachment that a route may lead to.
fn tables(estate: &Estate, seen: &AwsRegion) -> Vec<(TgwRouteTableId, AttachmentId)> {
    let sites = estate.sites.values();
    let vpcs: BTreeSet<_> = sites
        .map(|site| &site.vpc)
        .chain([&estate.source.vpc])
        .collect();
    let edges: BTreeSet<_> = estate.edges.values().map(|edge| &edge.attachment).collect();
    let tgws: BTreeSet<_> = estate
        .sites
        .values()
        .map(|site| &site.tgw)
        .chain([&estate.source.tgw])
        .chain(estate.edges.values().map(|edge| &edge.tgw))
        .collect();
    let of_vpc = |id: &AttachmentId| {
        seen.attachments.get(id).is_some_and(|attachment| {
            matches!(&attachment.kind, AttachmentKind::Vpc { vpc, .. } if vpcs.contains(vpc))
        })
    };
    let is_ours = |id: &AttachmentId| {
        let peers = seen.attachments.get(id).is_some_and(|attachment| {
            matches!(&attachment.kind, AttachmentKind::Peering { tgw, .. } if tgws.contains(tgw))
        });
        peers || edges.contains(id) || of_vpc(id)
    };
    seen.tgw_route_tables
        .iter()
        .filter(|(_, table)| tgws.contains(&table.tgw))
        .filter(|(_, table)| table.associations.iter().any(is_ours))
        .filter_map(|(id, table)| {
            let of_table = || {
                let attachments = seen.attachments.iter();
                attachments.filter(|(_, found)| found.tgw == table.tgw)
            };
            let ours = of_table().find(|(id, _)| of_vpc(id));
            let (attachment, _) = ours.or_else(|| of_table().next())?;
            Some((id.clone(), attachment.clone()))
        })
        .collect()
}
