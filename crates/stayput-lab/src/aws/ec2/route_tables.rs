//! VPC route tables and their associations.

use std::collections::BTreeMap;

use super::Answer;
use super::Call;
use super::derived_id;
use super::done;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::write_tags;
use crate::aws::model::RouteTable;
use crate::aws::model::RouteTarget;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

type Item<'a> = Listed<'a, RouteTable>;

const FIELDS: &[Field<RouteTable>] = &[
    ("route-table-id", |i| one(i.id)),
    ("vpc-id", |i| one(&i.resource.vpc)),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("association.main", |i| one(i.resource.main)),
    ("association.subnet-id", |i| {
        i.resource.associations.values().cloned().collect()
    }),
    ("association.route-table-association-id", |i| {
        let main = i.resource.main.then(|| main_association(i.id));
        i.resource
            .associations
            .keys()
            .cloned()
            .chain(main)
            .collect()
    }),
    ("association.route-table-id", |i| {
        if i.resource.main || !i.resource.associations.is_empty() {
            one(i.id)
        } else {
            Vec::new()
        }
    }),
    ("route.destination-cidr-block", |i| {
        by_destination(i, PREFIX)
    }),
    ("route.destination-prefix-list-id", |i| {
        by_destination(i, LIST)
    }),
    ("route.state", |i| {
        rows(i)
            .into_iter()
            .map(|row| row.state.to_owned())
            .collect()
    }),
    ("route.origin", |i| {
        rows(i)
            .into_iter()
            .map(|row| row.origin.to_owned())
            .collect()
    }),
    ("route.transit-gateway-id", |i| {
        by_element(i, "transitGatewayId")
    }),
    ("route.gateway-id", |i| by_element(i, "gatewayId")),
    ("route.nat-gateway-id", |i| by_element(i, "natGatewayId")),
    ("route.instance-id", |i| {
        rows(i).into_iter().filter_map(|row| row.instance).collect()
    }),
    ("route.vpc-peering-connection-id", |i| {
        by_element(i, "vpcPeeringConnectionId")
    }),
];

const KIND: Kind<RouteTable> = Kind {
    ids: "RouteTableId",
    id: rule::ROUTE_TABLE,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// Returns the id of a main table's association with its VPC.
fn main_association(table: &str) -> String {
    derived_id("rtbassoc-", table)
}

/// The element of a route's destination.
const PREFIX: &str = "destinationCidrBlock";
const LIST: &str = "destinationPrefixListId";

/// A route as it is answered.
struct Row {
    destination: (&'static str, String),
    element: &'static str,
    target: String,
    instance: Option<String>,
    state: &'static str,
    origin: &'static str,
}

/// Returns the element of a target, and its id.
fn element(target: &RouteTarget) -> (&'static str, &str) {
    match target {
        RouteTarget::Tgw(id) => ("transitGatewayId", id),
        RouteTarget::Eni(id) => ("networkInterfaceId", id),
        RouteTarget::Nat(id) => ("natGatewayId", id),
        RouteTarget::Igw(id) => ("gatewayId", id),
        RouteTarget::Pcx(id) => ("vpcPeeringConnectionId", id),
    }
}

fn rows(table: &Item<'_>) -> Vec<Row> {
    let local = table
        .region
        .vpcs
        .get(&table.resource.vpc)
        .into_iter()
        .flat_map(|vpc| &vpc.cidrs)
        .map(|cidr| Row {
            destination: (PREFIX, cidr.to_string()),
            element: "gatewayId",
            target: "local".to_owned(),
            instance: None,
            state: "active",
            origin: "CreateRouteTable",
        });
    let prefix = |cidr: &stayput_estate::Cidr| (PREFIX, cidr.to_string());
    let written = table.resource.routes.iter();
    let written = written.map(|(cidr, target)| (prefix(cidr), target, "CreateRoute"));
    let listed = table.resource.list_routes.iter();
    let listed = listed.map(|(list, target)| ((LIST, list.clone()), target, "CreateRoute"));
    // A written route of the same prefix hides a propagated one in the list.
    let propagated = table.resource.propagated.iter();
    let propagated = propagated
        .filter(|(cidr, _)| !table.resource.routes.contains_key(cidr))
        .map(|(cidr, target)| (prefix(cidr), target, "EnableVgwRoutePropagation"));
    let others = written.chain(listed).chain(propagated);
    let others = others.map(|(destination, target, origin)| {
        let (element, id) = element(target);
        let blackhole = routing::vpc_route_is_blackhole(table.region, &table.resource.vpc, target);
        let instance = match target {
            RouteTarget::Eni(eni) => table
                .region
                .enis
                .get(eni)
                .and_then(|eni| eni.instance.as_ref())
                .map(|(instance, _)| instance.clone()),
            RouteTarget::Tgw(_)
            | RouteTarget::Nat(_)
            | RouteTarget::Igw(_)
            | RouteTarget::Pcx(_) => None,
        };
        Row {
            destination,
            element,
            target: id.to_owned(),
            instance,
            state: if blackhole { "blackhole" } else { "active" },
            origin,
        }
    });
    local.chain(others).collect()
}

fn by_destination(table: &Item<'_>, element: &str) -> Vec<String> {
    rows(table)
        .into_iter()
        .map(|row| row.destination)
        .filter(|(name, _)| *name == element)
        .map(|(_, value)| value)
        .collect()
}

fn by_element(table: &Item<'_>, element: &str) -> Vec<String> {
    rows(table)
        .into_iter()
        .filter(|row| row.element == element)
        .map(|row| row.target)
        .collect()
}

fn write(xml: &mut Xml, table: &Item<'_>) {
    let account = &table.lab.aws.account;
    xml.text("routeTableId", table.id)
        .text("vpcId", &table.resource.vpc)
        .text("ownerId", account)
        .list("routeSet", rows(table), |xml, row| {
            let (element, value) = row.destination;
            xml.text(element, value);
            if let Some(instance) = row.instance {
                xml.text("instanceId", instance)
                    .text("instanceOwnerId", account);
            }
            xml.text(row.element, row.target)
                .text("state", row.state)
                .text("origin", row.origin);
        });
    let main = table
        .resource
        .main
        .then(|| (main_association(table.id), None));
    let explicit = table
        .resource
        .associations
        .iter()
        .map(|(id, subnet)| (id.clone(), Some(subnet)));
    xml.list(
        "associationSet",
        main.into_iter().chain(explicit),
        |xml, (id, subnet)| {
            xml.text("routeTableAssociationId", id)
                .text("routeTableId", table.id)
                .maybe("subnetId", subnet)
                .text("main", subnet.is_none())
                .node("associationState", |xml| {
                    xml.text("state", "associated");
                });
        },
    )
    .list("propagatingVgwSet", None::<()>, |_, ()| {});
    write_tags(xml, &table.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().route_tables)?;
    let mut xml = Xml::new();
    xml.list("routeTableSet", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let vpc = call.need("VpcId")?;
    rule::VPC.find(&call.region_state().vpcs, &vpc)?;
    call.dry_run()?;
    let id = call.lab.aws_id("rtb-");
    let table = RouteTable {
        vpc,
        main: false,
        associations: BTreeMap::new(),
        routes: BTreeMap::new(),
        list_routes: BTreeMap::new(),
        propagated: BTreeMap::new(),
        tags: call.params.tags_for("route-table"),
    };
    call.region_state_mut()
        .route_tables
        .insert(id.clone(), table);
    let region = call.region_state();
    let mut xml = Xml::new();
    xml.node("routeTable", |xml| {
        if let Some(it) = region.route_tables.get(&id) {
            let made = Listed {
                lab: call.lab,
                region_name: &call.region,
                region,
                id: &id,
                resource: it,
            };
            write(xml, &made);
        }
    });
    Ok(xml)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("RouteTableId")?;
    let table = rule::ROUTE_TABLE.find(&call.region_state().route_tables, &id)?;
    call.dry_run()?;
    if table.main || !table.associations.is_empty() {
        return Err(Fault::bad(
            "DependencyViolation",
            format!("The routeTable '{id}' has dependencies and cannot be deleted."),
        ));
    }
    call.region_state_mut().route_tables.remove(&id);
    done()
}

pub(super) fn associate(call: &mut Call<'_>) -> Answer {
    let table_id = call.need("RouteTableId")?;
    let subnet_id = call.need("SubnetId")?;
    let region = call.region_state();
    let table = rule::ROUTE_TABLE.find(&region.route_tables, &table_id)?;
    let subnet = rule::SUBNET.find(&region.subnets, &subnet_id)?;
    if table.vpc != subnet.vpc {
        return Err(Fault::invalid(format!(
            "Route table {table_id} and subnet {subnet_id} belong to different networks"
        )));
    }
    call.dry_run()?;
    let held = region.route_tables.iter().find_map(|(holder, table)| {
        let (id, _) = table
            .associations
            .iter()
            .find(|(_, found)| **found == subnet_id)?;
        Some((holder, id))
    });
    let association = match held {
        // A repeated association is answered with the existing one.
        Some((holder, id)) if *holder == table_id => id.clone(),
        Some((_, id)) => {
            return Err(Fault::bad(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {table_id} conflicts with an existing association {id}"
                ),
            ));
        }
        None => {
            let id = super::subnets::association_id(&table_id, &subnet_id);
            let tables = &mut call.region_state_mut().route_tables;
            rule::ROUTE_TABLE
                .find_mut(tables, &table_id)?
                .associations
                .insert(id.clone(), subnet_id);
            id
        }
    };
    let mut xml = Xml::new();
    xml.text("associationId", association)
        .node("associationState", |xml| {
            xml.text("state", "associated");
        });
    Ok(xml)
}

pub(super) fn disassociate(call: &mut Call<'_>) -> Answer {
    let id = call.need("AssociationId")?;
    let holder = call
        .region_state()
        .route_tables
        .iter()
        .find(|(_, table)| table.associations.contains_key(&id))
        .map(|(table, _)| table.clone());
    let main = call
        .region_state()
        .route_tables
        .iter()
        .any(|(table, it)| it.main && main_association(table) == id);
    if main {
        return Err(Fault::invalid(format!(
            "cannot disassociate the main route table association {id}"
        )));
    }
    let holder = holder.ok_or_else(|| rule::ASSOCIATION.refuse(&id))?;
    call.dry_run()?;
    let tables = &mut call.region_state_mut().route_tables;
    rule::ROUTE_TABLE
        .find_mut(tables, &holder)?
        .associations
        .remove(&id);
    done()
}
