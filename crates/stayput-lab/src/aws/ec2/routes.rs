//! Routes of VPC route tables (AWS reference §3).

use stayput_estate::Cidr;

use super::Answer;
use super::Call;
use super::done;
use super::list::rule;
use crate::aws::model::RegionState;
use crate::aws::model::RouteTable;
use crate::aws::model::RouteTarget;
use crate::aws::query::Fault;
use crate::aws::routing;

/// Routes that a VPC route table may have, at the highest adjustable quota (AWS reference §3 item 6).
const MOST: usize = 1000;

/// Returns the target that a call names.
fn target(call: &Call<'_>, vpc: &str) -> Result<RouteTarget, Fault> {
    let region = call.region_state();
    let params = &call.params;
    let mut targets = Vec::new();
    if let Some(id) = params.get("TransitGatewayId") {
        rule::TGW.find(&region.tgws, id)?;
        if routing::vpc_attachment(region, vpc, id).is_none() {
            // AWS's answer when the VPC is not attached.
            return Err(Fault::bad(
                "InvalidTransitGatewayID.NotFound",
                format!("The transitGateway ID '{id}' does not exist."),
            ));
        }
        targets.push(RouteTarget::Tgw(id.to_owned()));
    }
    if let Some(id) = params.get("NetworkInterfaceId") {
        let eni = rule::ENI.find(&region.enis, id)?;
        if eni.vpc != vpc {
            return Err(Fault::invalid(format!(
                "Network interface {id} and the route table belong to different networks"
            )));
        }
        targets.push(RouteTarget::Eni(id.to_owned()));
    }
    if let Some(id) = params.get("NatGatewayId") {
        targets.push(RouteTarget::Nat(id.to_owned()));
    }
    if let Some(id) = params.get("GatewayId") {
        if !id.starts_with("igw-") {
            return Err(Fault::bad(
                "InvalidGatewayID.NotFound",
                format!("The gateway ID '{id}' does not exist"),
            ));
        }
        targets.push(RouteTarget::Igw(id.to_owned()));
    }
    if let Some(id) = params.get("VpcPeeringConnectionId") {
        targets.push(RouteTarget::Pcx(id.to_owned()));
    }
    let mut targets = targets.into_iter();
    match (targets.next(), targets.next()) {
        (Some(target), None) => Ok(target),
        (None, _) => Err(Fault::bad(
            "MissingParameter",
            "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, transitGatewayId",
        )),
        (Some(_), Some(_)) => Err(Fault::bad(
            "InvalidParameterCombination",
            "The request must contain exactly one target",
        )),
    }
}

/// Checks that a route inside the VPC is for a whole subnet of it, to a NAT gateway or an interface. The VPC's own CIDRs are
/// `local`.
fn check_inside(
    region: &RegionState,
    table: &RouteTable,
    cidr: Cidr,
    target: &RouteTarget,
) -> Result<(), Fault> {
    let Some(vpc) = region.vpcs.get(&table.vpc) else {
        return Ok(());
    };
    if vpc.cidrs.contains(&cidr) {
        return Err(Fault::invalid(format!(
            "The destination CIDR block {cidr} is equal to the local route of the VPC"
        )));
    }
    if !vpc.cidrs.iter().any(|local| local.covers(cidr)) {
        return Ok(());
    }
    let subnet = region
        .subnets
        .values()
        .any(|subnet| subnet.vpc == table.vpc && subnet.cidr == cidr);
    let allowed = match target {
        RouteTarget::Eni(_) | RouteTarget::Nat(_) => true,
        RouteTarget::Tgw(_) | RouteTarget::Igw(_) | RouteTarget::Pcx(_) => false,
    };
    if subnet && allowed {
        Ok(())
    } else {
        Err(Fault::invalid(format!(
            "The destination CIDR block {cidr} is more specific than the local route: it must be a subnet of this VPC, and the target a NAT gateway or a network interface"
        )))
    }
}

/// Destination of a call: a prefix, or all prefixes of a prefix list.
enum Destination {
    Prefix(Cidr),
    List(String),
}

fn destination(call: &Call<'_>) -> Result<Destination, Fault> {
    let list = call.params.get("DestinationPrefixListId");
    match (list, call.params.get("DestinationCidrBlock")) {
        (Some(_), Some(_)) => Err(Fault::bad(
            "InvalidParameterCombination",
            "The parameters destinationCidrBlock and destinationPrefixListId cannot be given together",
        )),
        (Some(list), None) => {
            rule::PREFIX_LIST.find(&call.region_state().prefix_lists, list)?;
            Ok(Destination::List(list.to_owned()))
        }
        (None, _) => call
            .params
            .cidr("DestinationCidrBlock")
            .map(Destination::Prefix),
    }
}

struct Write {
    table: String,
    destination: Destination,
    target: RouteTarget,
}

fn write(call: &Call<'_>) -> Result<Write, Fault> {
    let table = call.need("RouteTableId")?;
    let destination = destination(call)?;
    let region = call.region_state();
    let found = rule::ROUTE_TABLE.find(&region.route_tables, &table)?;
    let target = target(call, &found.vpc)?;
    match &destination {
        Destination::Prefix(cidr) => check_inside(region, found, *cidr, &target)?,
        // Of equal prefixes `local` wins, so an entry cannot replace it.
        Destination::List(_) => {}
    }
    call.dry_run()?;
    Ok(Write {
        table,
        destination,
        target,
    })
}

fn not_there(table: &str, destination: &Destination) -> Fault {
    let what = match destination {
        Destination::Prefix(cidr) => format!("destination-cidr-block {cidr}"),
        Destination::List(list) => format!("destination-prefix-list-id {list}"),
    };
    Fault::bad(
        "InvalidRoute.NotFound",
        format!("no route with {what} in route table {table}"),
    )
}

fn exists(what: &impl std::fmt::Display) -> Fault {
    Fault::bad(
        "RouteAlreadyExists",
        format!("The route identified by {what} already exists."),
    )
}

/// Returns what counts against the table's limit: its routes, and each list with its maximum number of entries.
fn size(region: &RegionState, table: &RouteTable) -> usize {
    let lists = table.list_routes.keys();
    let lists = lists.filter_map(|id| region.prefix_lists.get(id));
    table.routes.len() + lists.map(|list| list.max_entries).sum::<usize>()
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let write = write(call)?;
    let region = call.region_state();
    let found = rule::ROUTE_TABLE.find(&region.route_tables, &write.table)?;
    let more = match &write.destination {
        Destination::Prefix(cidr) if found.routes.contains_key(cidr) => return Err(exists(cidr)),
        Destination::List(list) if found.list_routes.contains_key(list) => {
            return Err(exists(list));
        }
        Destination::Prefix(_) => 1,
        Destination::List(list) => {
            rule::PREFIX_LIST
                .find(&region.prefix_lists, list)?
                .max_entries
        }
    };
    if size(region, found) + more > MOST {
        return Err(Fault::bad(
            "RouteLimitExceeded",
            format!(
                "The maximum number of routes has been reached for table {}.",
                write.table
            ),
        ));
    }
    let found =
        rule::ROUTE_TABLE.find_mut(&mut call.region_state_mut().route_tables, &write.table)?;
    match write.destination {
        Destination::Prefix(cidr) => found.routes.insert(cidr, write.target),
        Destination::List(list) => found.list_routes.insert(list, write.target),
    };
    done()
}

/// Not an upsert: the route must exist.
pub(super) fn replace(call: &mut Call<'_>) -> Answer {
    let write = write(call)?;
    let found =
        rule::ROUTE_TABLE.find_mut(&mut call.region_state_mut().route_tables, &write.table)?;
    let existing = match &write.destination {
        Destination::Prefix(cidr) => found.routes.get_mut(cidr),
        Destination::List(list) => found.list_routes.get_mut(list),
    };
    match existing {
        Some(existing) => *existing = write.target,
        None => return Err(not_there(&write.table, &write.destination)),
    }
    done()
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let table = call.need("RouteTableId")?;
    let destination = destination(call)?;
    let found = rule::ROUTE_TABLE.find(&call.region_state().route_tables, &table)?;
    let vpc = call.region_state().vpcs.get(&found.vpc);
    if let Destination::Prefix(cidr) = &destination
        && vpc.is_some_and(|vpc| vpc.cidrs.contains(cidr))
    {
        return Err(Fault::invalid(format!(
            "cannot remove local route {cidr} in route table {table}"
        )));
    }
    call.dry_run()?;
    let found = rule::ROUTE_TABLE.find_mut(&mut call.region_state_mut().route_tables, &table)?;
    let gone = match &destination {
        Destination::Prefix(cidr) => found.routes.remove(cidr),
        Destination::List(list) => found.list_routes.remove(list),
    };
    gone.map_or_else(|| Err(not_there(&table, &destination)), |_| done())
}
