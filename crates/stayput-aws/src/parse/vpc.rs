//! VPCs, subnets, route tables, interfaces, instances.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::PrefixListId;
use stayput_estate::RouteTableId;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::VpcId;
use stayput_world::aws::Eni;
use stayput_world::aws::Instance;
use stayput_world::aws::InstanceState;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::Vpc;
use stayput_world::aws::VpcRoute;
use stayput_world::aws::VpcRouteState;
use stayput_world::aws::VpcRouteTable;
use stayput_world::aws::VpcRouteTarget;
use stayput_world::aws::VpcSubnet;

use crate::parse::tags;
use crate::xml::Element;
use crate::xml::Malformed;

/// `DescribeVpcs`: `vpcSet/item`.
pub(crate) fn vpc(entry: Element<'_, '_>) -> Result<Option<(VpcId, Vpc)>, Malformed> {
    let mut cidrs: Vec<Cidr> = vec![entry.parsed("cidrBlock")?];
    for association in entry.items("cidrBlockAssociationSet") {
        let state = association
            .child("cidrBlockState")
            .and_then(|state| state.text("state"));
        let cidr = association.parsed("cidrBlock")?;
        if matches!(state, None | Some("associated")) && !cidrs.contains(&cidr) {
            cidrs.push(cidr);
        }
    }
    let vpc = Vpc {
        cidrs,
        tags: tags(entry),
    };
    Ok(Some((VpcId::new(entry.required("vpcId")?), vpc)))
}

/// `DescribeSubnets`: `subnetSet/item`. IPv6-only subnets are left out.
pub(crate) fn subnet(entry: Element<'_, '_>) -> Result<Option<(SubnetId, VpcSubnet)>, Malformed> {
    let Some(cidr) = entry.optional("cidrBlock")? else {
        return Ok(None);
    };
    let subnet = VpcSubnet {
        vpc: VpcId::new(entry.required("vpcId")?),
        cidr,
        availability_zone: entry.text("availabilityZone").unwrap_or("").to_owned(),
    };
    Ok(Some((SubnetId::new(entry.required("subnetId")?), subnet)))
}

/// `DescribeRouteTables`: `routeTableSet/item`.
pub(crate) fn route_table(
    entry: Element<'_, '_>,
) -> Result<Option<(RouteTableId, VpcRouteTable)>, Malformed> {
    let mut main = false;
    let mut subnets = BTreeSet::new();
    for association in entry.items("associationSet") {
        let state = association
            .child("associationState")
            .and_then(|state| state.text("state"));
        if !matches!(state, None | Some("associated")) {
            continue;
        }
        main |= association.flag("main");
        subnets.extend(association.text("subnetId").map(SubnetId::new));
    }
    let table = VpcRouteTable {
        vpc: VpcId::new(entry.required("vpcId")?),
        main,
        subnets,
        routes: entry
            .items("routeSet")
            .map(route)
            .collect::<Result<_, _>>()?,
    };
    let id = RouteTableId::new(entry.required("routeTableId")?);
    Ok(Some((id, table)))
}

fn route(entry: Element<'_, '_>) -> Result<VpcRoute, Malformed> {
    let destination = if let Some(cidr) = entry.optional("destinationCidrBlock")? {
        RouteDestination::Cidr(cidr)
    } else if let Some(list) = entry.text("destinationPrefixListId") {
        RouteDestination::PrefixList(PrefixListId::new(list))
    } else {
        RouteDestination::Ipv6(entry.required("destinationIpv6CidrBlock")?.to_owned())
    };
    let state = match entry.text("state") {
        Some("active") | None => VpcRouteState::Active,
        Some("blackhole") => VpcRouteState::Blackhole,
        Some(other) => VpcRouteState::Unknown(other.to_owned()),
    };
    Ok(VpcRoute {
        destination,
        target: target(entry),
        state,
        propagated: entry.text("origin") == Some("EnableVgwRoutePropagation"),
    })
}

/// Elements of a route that are not its target.
const NOT_A_TARGET: [&str; 6] = [
    "destinationCidrBlock",
    "destinationIpv6CidrBlock",
    "destinationPrefixListId",
    "instanceOwnerId",
    "origin",
    "state",
];

/// A route to an instance names its interface too; the interface is what packets go to.
fn target(entry: Element<'_, '_>) -> VpcRouteTarget {
    if let Some(tgw) = entry.text("transitGatewayId") {
        return VpcRouteTarget::Tgw(TgwId::new(tgw));
    }
    if let Some(eni) = entry.text("networkInterfaceId") {
        return VpcRouteTarget::Eni(EniId::new(eni));
    }
    if let Some(peering) = entry.text("vpcPeeringConnectionId") {
        return VpcRouteTarget::Peering(peering.to_owned());
    }
    for gateway in [
        "gatewayId",
        "natGatewayId",
        "egressOnlyInternetGatewayId",
        "carrierGatewayId",
        "localGatewayId",
    ] {
        match entry.text(gateway) {
            Some("local") => return VpcRouteTarget::Local,
            Some(id) => return VpcRouteTarget::Gateway(id.to_owned()),
            None => {}
        }
    }
    let other = entry
        .children()
        .find(|child| !NOT_A_TARGET.contains(&child.name()))
        .map(|child| format!("{}={}", child.name(), child.own_text().unwrap_or("")));
    VpcRouteTarget::Unknown(other.unwrap_or_else(|| "no target".to_owned()))
}

/// `DescribeNetworkInterfaces`: `networkInterfaceSet/item`. IPv6-only interfaces are left out.
pub(crate) fn eni(entry: Element<'_, '_>) -> Result<Option<(EniId, Eni)>, Malformed> {
    let Some(primary) = entry.optional::<Ipv4Addr>("privateIpAddress")? else {
        return Ok(None);
    };
    let mut secondary = Vec::new();
    let mut public = BTreeMap::new();
    for address in entry.items("privateIpAddressesSet") {
        let private: Ipv4Addr = address.parsed("privateIpAddress")?;
        if private != primary {
            secondary.push(private);
        }
        if let Some(association) = address.child("association")
            && let Some(outside) = association.optional("publicIp")?
        {
            public.insert(private, outside);
        }
    }
    let attached_to = match entry.child("attachment") {
        Some(attachment) => match attachment.text("instanceId") {
            Some(instance) => Some((
                InstanceId::new(instance),
                attachment.optional("deviceIndex")?.unwrap_or(0),
            )),
            None => None,
        },
        None => None,
    };
    let not_carried = [
        ("ipv6AddressesSet", "ipv6Address"),
        ("ipv4PrefixSet", "ipv4Prefix"),
        ("ipv6PrefixSet", "ipv6Prefix"),
    ]
    .into_iter()
    .flat_map(|(list, field)| entry.items(list).filter_map(move |item| item.text(field)))
    .map(str::to_owned)
    .collect();
    let eni = Eni {
        vpc: VpcId::new(entry.required("vpcId")?),
        subnet: SubnetId::new(entry.required("subnetId")?),
        mac: entry.parsed("macAddress")?,
        interface_type: entry
            .text("interfaceType")
            .unwrap_or("interface")
            .to_owned(),
        description: entry.text("description").unwrap_or("").to_owned(),
        requester_managed: entry.flag("requesterManaged"),
        attached_to,
        // The check is on unless someone switched it off.
        source_dest_check: entry.text("sourceDestCheck") != Some("false"),
        in_use: entry.text("status") == Some("in-use"),
        primary,
        secondary,
        public,
        not_carried,
    };
    let id = EniId::new(entry.required("networkInterfaceId")?);
    Ok(Some((id, eni)))
}

/// `DescribeInstances`: `reservationSet/item`, whose `instancesSet` has the instances, terminated ones included.
pub(crate) fn reservation(
    entry: Element<'_, '_>,
) -> Result<Option<Vec<(InstanceId, Instance)>>, Malformed> {
    entry
        .items("instancesSet")
        .map(instance)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn instance(entry: Element<'_, '_>) -> Result<(InstanceId, Instance), Malformed> {
    let state = entry
        .child("instanceState")
        .ok_or_else(|| Malformed::new(entry.place("instanceState"), "missing"))?
        .required("name")?;
    let mut enis = Vec::new();
    for interface in entry.items("networkInterfaceSet") {
        let eni = EniId::new(interface.required("networkInterfaceId")?);
        let (card, device) = match interface.child("attachment") {
            Some(attachment) => (
                attachment.optional::<u32>("networkCardIndex")?.unwrap_or(0),
                attachment.optional::<u32>("deviceIndex")?.unwrap_or(0),
            ),
            None => (0, 0),
        };
        // Every network card counts its devices from zero; the primary interface is device 0 of card 0.
        enis.push(((card, device), eni));
    }
    enis.sort();
    let windows = entry
        .text("platform")
        .is_some_and(|platform| platform.eq_ignore_ascii_case("windows"));
    let platform = match entry.text("platformDetails") {
        Some(details) => details,
        None if windows => "Windows",
        None => "Linux/UNIX",
    };
    let instance = Instance {
        state: instance_state(state),
        instance_type: entry.text("instanceType").unwrap_or("").to_owned(),
        architecture: entry.text("architecture").unwrap_or("").to_owned(),
        platform: platform.to_owned(),
        vpc: entry.text("vpcId").map(VpcId::new),
        subnet: entry.text("subnetId").map(SubnetId::new),
        enis: enis.into_iter().map(|(_, eni)| eni).collect(),
        root_device: entry.text("rootDeviceName").map(str::to_owned),
        tags: tags(entry),
    };
    Ok((InstanceId::new(entry.required("instanceId")?), instance))
}

fn instance_state(name: &str) -> InstanceState {
    match name {
        "pending" => InstanceState::Pending,
        "running" => InstanceState::Running,
        "stopping" => InstanceState::Stopping,
        "stopped" => InstanceState::Stopped,
        "shutting-down" => InstanceState::ShuttingDown,
        "terminated" => InstanceState::Terminated,
        other => InstanceState::Unknown(other.to_owned()),
    }
}

#[cfg(test)]
mod tests;
