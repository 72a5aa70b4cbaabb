//! VPCs of a scenario: subnets, interfaces that belong to no instance, route tables.

use std::collections::BTreeMap;

use stayput_estate::Cidr;
use stayput_messages::Message;

use super::BulkNetwork;
use super::Fault;
use super::build::Build;
use super::build::find;
use super::build::find_str;
use super::build::named;
use super::format;
use super::format::Text;
use super::ids;
use crate::aws::model::Eni;
use crate::aws::model::RouteTable;
use crate::aws::model::RouteTarget;
use crate::aws::model::Subnet;
use crate::aws::model::Tags;
use crate::aws::model::Vpc;

/// Returns the availability zone of a region that the lab uses.
pub(super) fn zone(region: &str) -> String {
    format!("{region}a")
}

/// Creates VPCs, subnets and interfaces.
pub(super) fn make(build: &mut Build<'_>, bulk: &[BulkNetwork]) -> Result<(), Fault> {
    let file = build.file;
    for (name, vpc) in &file.vpcs {
        let region = build.known_region(&vpc.region)?;
        let state = build.region(&region)?;
        state.vpcs.insert(
            ids::vpc(name),
            Vpc {
                cidrs: vpc.cidrs.clone(),
                tags: named(name),
            },
        );
        let mut seen: Vec<Cidr> = Vec::new();
        for (subnet_name, cidr) in &vpc.subnets {
            let subnet = *cidr.get_ref();
            if !vpc.cidrs.iter().any(|vpc| vpc.covers(subnet)) {
                let message = Message::new("scenario-subnet-outside").with("subnet", subnet);
                return Err(Fault::at(cidr.span(), message));
            }
            if let Some(other) = seen.iter().find(|other| other.overlaps(subnet)) {
                let message = Message::new("scenario-subnet-overlaps")
                    .with("subnet", subnet)
                    .with("other", other);
                return Err(Fault::at(cidr.span(), message));
            }
            seen.push(subnet);
            add_subnet(build, &region, name, subnet_name, subnet)?;
        }
        for network in bulk_of(build, name, bulk) {
            if let Some(other) = seen.iter().find(|other| other.overlaps(network.cidr)) {
                let message = Message::new("scenario-bulk-overlaps")
                    .with("network", network.cidr)
                    .with("other", other);
                return Err(Fault::new(message));
            }
            if !vpc.cidrs.iter().any(|vpc| vpc.covers(network.cidr)) {
                let message = Message::new("scenario-bulk-outside").with("network", network.cidr);
                return Err(Fault::new(message));
            }
            add_subnet(build, &region, name, &network.name, network.cidr)?;
        }
    }
    if let Some(bulk) = &file.bulk {
        find(&file.vpcs, &bulk.vpc, Message::new("lab-kind-vpc"))?;
    }
    for (name, interface) in &file.interfaces {
        let subnet = build.subnet(&interface.subnet)?;
        let primary = build.take(&subnet.id, subnet.cidr, &interface.address)?;
        let eni = Eni {
            vpc: ids::vpc(&subnet.vpc),
            subnet: subnet.id,
            mac: ids::mac(name),
            kind: interface.kind.clone(),
            description: interface.description.clone(),
            requester_managed: interface.requester_managed,
            instance: None,
            source_dest_check: true,
            primary,
            secondary: Vec::new(),
            tags: Tags::new(),
        };
        build
            .region(&subnet.region)?
            .enis
            .insert(ids::eni(name), eni);
    }
    Ok(())
}

fn bulk_of<'b>(build: &Build<'_>, vpc: &str, bulk: &'b [BulkNetwork]) -> &'b [BulkNetwork] {
    match &build.file.bulk {
        Some(rule) if rule.vpc.get_ref() == vpc => bulk,
        _ => &[],
    }
}

/// Adds a subnet to a VPC.
pub(super) fn add_subnet(
    build: &mut Build<'_>,
    region: &str,
    vpc: &str,
    name: &str,
    cidr: Cidr,
) -> Result<(), Fault> {
    let subnet = Subnet {
        vpc: ids::vpc(vpc),
        cidr,
        az: zone(region),
        tags: named(&format!("{vpc}-{name}")),
    };
    let id = ids::subnet(&format!("{vpc}/{name}"));
    build.region(region)?.subnets.insert(id, subnet);
    Ok(())
}

/// Creates the route tables. Instances must exist, since routes may lead to their interfaces.
pub(super) fn route(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (vpc_name, vpc) in &file.vpcs {
        let region = vpc.region.get_ref();
        if !vpc.tables.values().any(|table| table.main) {
            let main = empty_table(vpc_name, "main", true);
            let id = ids::route_table(&format!("{vpc_name}/main"));
            build.region(region)?.route_tables.insert(id, main);
        }
        for (table_name, described) in &vpc.tables {
            let path = format!("{vpc_name}/{table_name}");
            let mut made = empty_table(vpc_name, table_name, described.main);
            for subnet in &described.subnets {
                find(&vpc.subnets, subnet, Message::new("lab-kind-subnet-of-vpc"))?;
                let path = format!("{vpc_name}/{}", subnet.get_ref());
                made.associations
                    .insert(ids::route_table_association(&path), ids::subnet(&path));
            }
            for (cidr, to) in &described.routes {
                made.routes.insert(*cidr, target(build, vpc_name, to)?);
            }
            let id = ids::route_table(&path);
            build.region(region)?.route_tables.insert(id, made);
        }
        only_one_main(vpc_name, vpc)?;
    }
    Ok(())
}

fn only_one_main(name: &str, vpc: &format::Vpc) -> Result<(), Fault> {
    if vpc.tables.values().filter(|table| table.main).count() > 1 {
        let message = Message::new("scenario-two-main-tables").with("vpc", name);
        return Err(Fault::at(vpc.region.span(), message));
    }
    Ok(())
}

/// Creates a route table without routes or associations.
pub(super) fn empty_table(vpc: &str, name: &str, main: bool) -> RouteTable {
    RouteTable {
        vpc: ids::vpc(vpc),
        main,
        associations: BTreeMap::new(),
        routes: BTreeMap::new(),
        list_routes: BTreeMap::new(),
        propagated: BTreeMap::new(),
        tags: named(&format!("{vpc}-{name}")),
    }
}

fn target(build: &mut Build<'_>, vpc: &str, to: &Text) -> Result<RouteTarget, Fault> {
    let text = to.get_ref();
    match text.split_once(':') {
        None if text == "igw" => Ok(RouteTarget::Igw(ids::internet_gateway(vpc))),
        None if text == "nat" => Ok(RouteTarget::Nat(ids::nat_gateway(vpc))),
        Some(("tgw", name)) => {
            find_str(&build.file.tgws, name, to, Message::new("lab-kind-tgw"))?;
            Ok(RouteTarget::Tgw(ids::tgw(name)))
        }
        Some(("eni", name)) => {
            let region = find_str(&build.file.vpcs, vpc, to, Message::new("lab-kind-vpc"))?
                .region
                .get_ref();
            let id = ids::eni(name);
            if build.region(region)?.enis.contains_key(&id) {
                Ok(RouteTarget::Eni(id))
            } else {
                let message = Message::new("scenario-no-interface")
                    .with("name", name)
                    .with("region", region);
                Err(Fault::at(to.span(), message))
            }
        }
        Some(("pcx", name)) => Ok(RouteTarget::Pcx(ids::vpc_peering(name))),
        _ => Err(Fault::at(
            to.span(),
            Message::new("scenario-bad-target").with("text", text),
        )),
    }
}
