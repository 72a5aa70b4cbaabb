//! A Transit Gateway filled up to its quota: 20 tables, each with packets to route, and 10,000 routes together.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_estate::VpcId;
use stayput_world::AwsRegion;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::Eni;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::TgwRouteTable;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

/// Route tables of the source's Transit Gateway.
const TABLES: usize = 20;
/// Their static routes together: the quota of 10,000 (AWS reference §1.5), but for what is propagated into the tables and what a plan writes.
const ROUTES: usize = 9_480;

/// What the routes that fill the tables are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Prefixes that contain no address asked about: other teams' networks.
    Others,
    /// Single addresses that are asked about, each in one table or a few.
    Addresses,
}

/// Adds interfaces of services to the source VPC until so many addresses are held; then tables, each with a VPC whose packets it routes;
/// then routes up to the quota.
pub fn fill(estate: &Estate, world: &mut World, addresses: usize, about: About) {
    let Some(aws) = world.aws.get_mut(&estate.source.region) else {
        return;
    };
    let services = add_services(estate, aws, addresses);
    add_tables(estate, aws);
    let prefixes: Vec<_> = match about {
        About::Others => (0..ROUTES).map(of_others).collect(),
        About::Addresses => services.into_iter().map(Cidr::host).collect(),
    };
    add_routes(estate, aws, &prefixes);
}

/// The addresses of the interfaces that were added, or, if none had to be, none.
fn add_services(estate: &Estate, aws: &mut AwsRegion, addresses: usize) -> Vec<Ipv4Addr> {
    // Like one in a subnet that is no network: those move.
    let stays = |eni: &&Eni| {
        let mut networks = estate.networks.values();
        eni.vpc == estate.source.vpc && !networks.any(|network| network.ec2_subnet == eni.subnet)
    };
    let Some(like) = aws.enis.values().find(stays).cloned() else {
        return Vec::new();
    };
    // Beside everything the scenario has.
    let cidr = Cidr::containing(Ipv4Addr::new(11, 0, 0, 0), 12);
    let held = aws
        .enis
        .values()
        .filter(|eni| eni.vpc == estate.source.vpc)
        .count();
    if held < addresses
        && let Some(vpc) = aws.vpcs.get_mut(&estate.source.vpc)
    {
        vpc.cidrs.push(cidr);
    }
    let mut added = Vec::new();
    for number in held..addresses {
        let Some(primary) = u32::try_from(number)
            .ok()
            .and_then(|number| cidr.nth(number))
        else {
            break;
        };
        let eni = Eni {
            attached_to: None,
            in_use: true,
            other_status: None,
            primary: Some(primary),
            secondary: Vec::new(),
            ..like.clone()
        };
        aws.enis
            .insert(format!("eni-bench{number}").as_str().into(), eni);
        added.push(primary);
    }
    added
}

/// Tables up to [`TABLES`], each the association of a VPC of its own, and all reaching the source's VPC and each other's.
fn add_tables(estate: &Estate, aws: &mut AwsRegion) {
    let tgw = &estate.source.tgw;
    let attachments = aws.attachments.iter();
    let of_source = attachments
        .filter(|(_, attachment)| attachment.tgw == *tgw)
        .find(|(_, attachment)| vpc_of(&attachment.kind) == Some(&estate.source.vpc));
    let Some((source, like)) = of_source.map(|(id, attachment)| (id.clone(), attachment.clone()))
    else {
        return;
    };
    let standing = tables_of(estate, aws).count();
    let mut reached: BTreeSet<AttachmentId> = [source].into();
    for number in standing..TABLES {
        let attachment = format!("tgw-attach-bench{number}");
        let Some(kind) = add_vpc(estate, aws, number) else {
            return;
        };
        let table = format!("tgw-rtb-bench{number}");
        let mut spoke = like.clone();
        spoke.kind = kind;
        spoke.association = Some(table.as_str().into());
        aws.attachments.insert(attachment.as_str().into(), spoke);
        reached.insert(attachment.as_str().into());
        let table_of_spoke = TgwRouteTable {
            tgw: tgw.clone(),
            name: None,
            associations: [attachment.as_str().into()].into(),
            propagations: BTreeSet::new(),
            static_routes: Default::default(),
            prefix_list_references: Default::default(),
            learned_routes: Default::default(),
        };
        aws.tgw_route_tables
            .insert(table.as_str().into(), table_of_spoke);
    }
    for table in tables_of_mut(estate, aws) {
        table.propagations.extend(reached.iter().cloned());
    }
}

/// A VPC like the source's, with one subnet and everything but itself by the Transit Gateway.
fn add_vpc(estate: &Estate, aws: &mut AwsRegion, number: usize) -> Option<AttachmentKind> {
    let third = u8::try_from(number).ok()?;
    let cidr = Cidr::containing(Ipv4Addr::new(12, third, 0, 0), 24);
    let vpc: VpcId = format!("vpc-bench{number}").as_str().into();
    let mut node = aws.vpcs.get(&estate.source.vpc)?.clone();
    node.cidrs = vec![cidr];
    let mut subnets = aws.subnets.values();
    let mut subnet = subnets
        .find(|subnet| subnet.vpc == estate.source.vpc)?
        .clone();
    subnet.vpc = vpc.clone();
    subnet.cidr = cidr;
    let mut tables = aws.route_tables.values();
    let main = tables.find(|table| table.vpc == estate.source.vpc && table.main)?;
    let mut table = main.clone();
    table.vpc = vpc.clone();
    table.subnets = BTreeSet::new();
    table.routes.truncate(1);
    let mut route = table.routes.pop()?;
    route.destination = RouteDestination::Cidr(cidr);
    route.target = VpcRouteTarget::Local;
    let mut away = route.clone();
    away.destination = RouteDestination::Cidr(Cidr::containing(Ipv4Addr::UNSPECIFIED, 0));
    away.target = VpcRouteTarget::Tgw(estate.source.tgw.clone());
    table.routes.extend([route, away]);
    aws.vpcs.insert(vpc.clone(), node);
    let id = format!("subnet-bench{number}");
    aws.subnets.insert(id.as_str().into(), subnet);
    aws.route_tables
        .insert(format!("rtb-bench{number}").as_str().into(), table);
    Some(AttachmentKind::Vpc {
        vpc,
        subnets: [id.as_str().into()].into(),
    })
}

/// Routes to the source's VPC for these prefixes, over and over, one table after the other.
fn add_routes(estate: &Estate, aws: &mut AwsRegion, prefixes: &[Cidr]) {
    let mut attachments = aws.attachments.iter();
    let source = attachments.find(|(_, attachment)| {
        attachment.tgw == estate.source.tgw && vpc_of(&attachment.kind) == Some(&estate.source.vpc)
    });
    let Some(source) = source.map(|(id, _)| id.clone()) else {
        return;
    };
    let mut tables: Vec<_> = tables_of_mut(estate, aws).collect();
    let standing: usize = tables.iter().map(|table| table.static_routes.len()).sum();
    let count = tables.len().max(1);
    let turns = prefixes.iter().cycle().enumerate();
    for (at, prefix) in turns.take(ROUTES.saturating_sub(standing)) {
        // Every time around, the same prefix comes to another table.
        let around = at / prefixes.len();
        if let Some(table) = tables.get_mut((at + around) % count) {
            let target = TgwTarget::Attachment(source.clone());
            table.static_routes.insert(*prefix, target);
        }
    }
}

fn tables_of<'w>(
    estate: &'w Estate,
    aws: &'w AwsRegion,
) -> impl Iterator<Item = &'w TgwRouteTable> {
    let tables = aws.tgw_route_tables.values();
    tables.filter(|table| table.tgw == estate.source.tgw)
}

fn tables_of_mut<'w>(
    estate: &'w Estate,
    aws: &'w mut AwsRegion,
) -> impl Iterator<Item = &'w mut TgwRouteTable> {
    let tables = aws.tgw_route_tables.values_mut();
    tables.filter(|table| table.tgw == estate.source.tgw)
}

fn vpc_of(kind: &AttachmentKind) -> Option<&VpcId> {
    match kind {
        AttachmentKind::Vpc { vpc, .. } => Some(vpc),
        AttachmentKind::Vpn(_)
        | AttachmentKind::DirectConnect(_)
        | AttachmentKind::Peering { .. }
        | AttachmentKind::Unknown { .. } => None,
    }
}

/// A prefix that nothing else is about: /24s from 96.0.0.0 on.
fn of_others(number: usize) -> Cidr {
    let number = u32::try_from(number).unwrap_or(0);
    Cidr::containing(Ipv4Addr::from(0x6000_0000 + (number << 8)), 24)
}
