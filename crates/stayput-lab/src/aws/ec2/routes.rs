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

/// Routes a VPC route table may hold; 50 unless raised, up to 1,000 (AWS reference §3).
const MOST: usize = 1000;

/// The target a call names.
fn target(call: &Call<'_>, vpc: &str) -> Result<RouteTarget, Fault> {
    let region = call.here();
    let params = &call.params;
    let mut targets = Vec::new();
    if let Some(id) = params.get("TransitGatewayId") {
        rule::TGW.find(&region.tgws, id)?;
        if routing::vpc_attachment(region, vpc, id).is_none() {
            // What AWS says when the VPC is not attached.
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

/// A route inside the VPC must be a whole subnet of it, to a NAT gateway or an interface; the VPC's own CIDRs are `local`.
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

struct Write {
    table: String,
    cidr: Cidr,
    target: RouteTarget,
}

fn write(call: &Call<'_>) -> Result<Write, Fault> {
    let table = call.need("RouteTableId")?;
    let cidr = call.params.cidr("DestinationCidrBlock")?;
    let region = call.here();
    let found = rule::ROUTE_TABLE.find(&region.route_tables, &table)?;
    let target = target(call, &found.vpc)?;
    check_inside(region, found, cidr, &target)?;
    call.dry_run()?;
    Ok(Write {
        table,
        cidr,
        target,
    })
}

fn not_there(table: &str, cidr: Cidr) -> Fault {
    Fault::bad(
        "InvalidRoute.NotFound",
        format!("no route with destination-cidr-block {cidr} in route table {table}"),
    )
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let Write {
        table,
        cidr,
        target,
    } = write(call)?;
    let found = rule::ROUTE_TABLE.find_mut(&mut call.here_mut().route_tables, &table)?;
    if found.routes.contains_key(&cidr) {
        return Err(Fault::bad(
            "RouteAlreadyExists",
            format!("The route identified by {cidr} already exists."),
        ));
    }
    if found.routes.len() >= MOST {
        return Err(Fault::bad(
            "RouteLimitExceeded",
            format!("The maximum number of routes has been reached for table {table}."),
        ));
    }
    found.routes.insert(cidr, target);
    done()
}

/// Not an upsert: the route must be there.
pub(super) fn replace(call: &mut Call<'_>) -> Answer {
    let Write {
        table,
        cidr,
        target,
    } = write(call)?;
    let found = rule::ROUTE_TABLE.find_mut(&mut call.here_mut().route_tables, &table)?;
    match found.routes.get_mut(&cidr) {
        Some(existing) => *existing = target,
        None => return Err(not_there(&table, cidr)),
    }
    done()
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let table = call.need("RouteTableId")?;
    let cidr = call.params.cidr("DestinationCidrBlock")?;
    let found = rule::ROUTE_TABLE.find(&call.here().route_tables, &table)?;
    let local = call
        .here()
        .vpcs
        .get(&found.vpc)
        .is_some_and(|vpc| vpc.cidrs.contains(&cidr));
    if local {
        return Err(Fault::invalid(format!(
            "cannot remove local route {cidr} in route table {table}"
        )));
    }
    call.dry_run()?;
    let found = rule::ROUTE_TABLE.find_mut(&mut call.here_mut().route_tables, &table)?;
    if found.routes.remove(&cidr).is_none() {
        return Err(not_there(&table, cidr));
    }
    done()
}
