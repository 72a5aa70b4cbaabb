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
use stayput_messages::Message;
use stayput_world::aws::Eni;
use stayput_world::aws::EniStatus;
use stayput_world::aws::Instance;
use stayput_world::aws::InstanceState;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::Traits;
use stayput_world::aws::Unreadable;
use stayput_world::aws::Vpc;
use stayput_world::aws::VpcRoute;
use stayput_world::aws::VpcRouteState;
use stayput_world::aws::VpcRouteTable;
use stayput_world::aws::VpcRouteTarget;
use stayput_world::aws::VpcSubnet;
use stayput_world::aws::name_tag;

use crate::parse::Entry;
use crate::parse::tags;
use crate::parse::unless_foreign;
use crate::xml::Element;
use crate::xml::Malformed;

/// `DescribeVpcs`: `vpcSet/item`. `cidrBlockAssociationSet` is absent from answers of before 2017 only, which have one range.
pub(crate) fn vpc(entry: Element<'_, '_>) -> Result<Entry<VpcId, Vpc>, Malformed> {
    let mut cidrs: Vec<Cidr> = vec![entry.parsed("cidrBlock")?];
    for association in entry.optional_items("cidrBlockAssociationSet")? {
        let state = association
            .required_child("cidrBlockState")?
            .required("state")?;
        let cidr = association.parsed("cidrBlock")?;
        if state == "associated" && !cidrs.contains(&cidr) {
            cidrs.push(cidr);
        }
    }
    let vpc = Vpc {
        cidrs,
        tags: tags(entry)?,
    };
    Ok(Entry::Here(VpcId::new(entry.required("vpcId")?), vpc))
}

/// `DescribeSubnets`: `subnetSet/item`. One that says it is IPv6-only has no range of ours, and is noted.
pub(crate) fn subnet(entry: Element<'_, '_>) -> Result<Entry<SubnetId, VpcSubnet>, Malformed> {
    let id = entry.required("subnetId")?;
    if entry.text("cidrBlock").is_none() && entry.flag("ipv6Native")? {
        return Ok(Entry::Unreadable(Unreadable {
            kind: Message::new("kind-subnet").to_string(),
            id: id.to_owned(),
            why: Message::new("answer-ipv6-only").to_string(),
        }));
    }
    let subnet = VpcSubnet {
        vpc: VpcId::new(entry.required("vpcId")?),
        cidr: entry.parsed("cidrBlock")?,
        availability_zone: entry.required("availabilityZone")?.to_owned(),
        name: name_tag(&tags(entry)?).map(str::to_owned),
    };
    Ok(Entry::Here(SubnetId::new(id), subnet))
}

/// `DescribeRouteTables`: `routeTableSet/item`. `associationState` is absent from the API reference's own sample, and from answers of before
/// 2019: then the association stands.
pub(crate) fn route_table(
    entry: Element<'_, '_>,
) -> Result<Entry<RouteTableId, VpcRouteTable>, Malformed> {
    let mut main = false;
    let mut subnets = BTreeSet::new();
    for association in entry.items("associationSet")? {
        let state = match association.child("associationState") {
            Some(state) => Some(state.required("state")?),
            None => None,
        };
        if !matches!(state, None | Some("associated")) {
            continue;
        }
        let is_main = association.flag("main")?;
        let subnet = association.text("subnetId");
        // A gateway's table decides for what comes in through it, and for no subnet.
        if !is_main && subnet.is_none() && association.text("gatewayId").is_none() {
            let place = association.place("subnetId");
            return Err(Malformed::new(place, Message::new("answer-missing-subnet")));
        }
        main |= is_main;
        subnets.extend(subnet.map(SubnetId::new));
    }
    let table = VpcRouteTable {
        vpc: VpcId::new(entry.required("vpcId")?),
        main,
        subnets,
        routes: entry
            .items("routeSet")?
            .into_iter()
            .map(route)
            .collect::<Result<_, _>>()?,
    };
    let id = RouteTableId::new(entry.required("routeTableId")?);
    Ok(Entry::Here(id, table))
}

fn route(entry: Element<'_, '_>) -> Result<VpcRoute, Malformed> {
    let destination = if let Some(cidr) = entry.optional("destinationCidrBlock")? {
        RouteDestination::Cidr(cidr)
    } else if let Some(list) = entry.text("destinationPrefixListId") {
        RouteDestination::PrefixList(PrefixListId::new(list))
    } else {
        RouteDestination::Ipv6(entry.required("destinationIpv6CidrBlock")?.to_owned())
    };
    let state = match entry.required("state")? {
        "active" => VpcRouteState::Active,
        "blackhole" => VpcRouteState::Blackhole,
        other => VpcRouteState::Unknown(other.to_owned()),
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
    VpcRouteTarget::Unknown(other.unwrap_or_else(|| Message::new("answer-no-target").to_string()))
}

/// `DescribeNetworkInterfaces`: `networkInterfaceSet/item`. An IPv6-only or EFA-only interface has no `privateIpAddress`, and an empty or
/// absent set of them. Absent where they do not apply: `attachment`, `instanceId` of one that is not an instance's, `sourceDestCheck`,
/// `requesterManaged`, the sets of IPv6 addresses and of prefixes.
pub(crate) fn eni(entry: Element<'_, '_>) -> Result<Entry<EniId, Eni>, Malformed> {
    let addresses = entry.optional_items("privateIpAddressesSet")?;
    let primary = primary(entry, &addresses)?;
    let mut secondary = Vec::new();
    let mut public = BTreeMap::new();
    for address in addresses {
        let private: Ipv4Addr = address.parsed("privateIpAddress")?;
        if Some(private) != primary {
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
            Some(instance) => Some((InstanceId::new(instance), attachment.parsed("deviceIndex")?)),
            None => None,
        },
        None => None,
    };
    let mut not_carried = Vec::new();
    for (list, field) in [
        ("ipv6AddressesSet", "ipv6Address"),
        ("ipv4PrefixSet", "ipv4Prefix"),
        ("ipv6PrefixSet", "ipv6Prefix"),
    ] {
        for item in entry.optional_items(list)? {
            not_carried.push(item.required(field)?.to_owned());
        }
    }
    let status = entry.required("status")?;
    let eni = Eni {
        vpc: VpcId::new(entry.required("vpcId")?),
        subnet: SubnetId::new(entry.required("subnetId")?),
        mac: entry.parsed("macAddress")?,
        interface_type: entry.text("interfaceType").unwrap_or("").to_owned(),
        description: entry.text("description").unwrap_or("").to_owned(),
        requester_managed: entry.flag("requesterManaged")?,
        attached_to,
        // The check is on unless it was switched off.
        source_dest_check: entry.optional("sourceDestCheck")?.unwrap_or(true),
        in_use: status == "in-use",
        other_status: other_status(status),
        primary,
        secondary,
        public,
        not_carried,
    };
    let id = EniId::new(entry.required("networkInterfaceId")?);
    Ok(Entry::Here(id, eni))
}

/// The same; one that cannot be read and is in a VPC that the caller does not name is noted.
pub(crate) fn eni_of(
    entry: Element<'_, '_>,
    ours: &BTreeSet<VpcId>,
) -> Result<Entry<EniId, Eni>, Malformed> {
    unless_foreign(
        &Message::new("kind-interface"),
        entry,
        "networkInterfaceId",
        ours,
        eni(entry),
    )
}

/// The primary address, said twice. One that has addresses and no primary one is not understood.
fn primary(
    entry: Element<'_, '_>,
    addresses: &[Element<'_, '_>],
) -> Result<Option<Ipv4Addr>, Malformed> {
    if let Some(primary) = entry.optional("privateIpAddress")? {
        return Ok(Some(primary));
    }
    for address in addresses {
        if address.flag("primary")? {
            return address.parsed("privateIpAddress").map(Some);
        }
    }
    if addresses.is_empty() {
        Ok(None)
    } else {
        let place = entry.place("privateIpAddress");
        Err(Malformed::new(
            place,
            Message::new("answer-missing-primary"),
        ))
    }
}

fn other_status(status: &str) -> Option<EniStatus> {
    match status {
        "available" | "in-use" => None,
        "associated" => Some(EniStatus::Associated),
        "attaching" => Some(EniStatus::Attaching),
        "detaching" => Some(EniStatus::Detaching),
        other => Some(EniStatus::Unknown(other.to_owned())),
    }
}

/// `DescribeInstances`: `reservationSet/item`, whose `instancesSet` has the instances. `each` reads one of them.
pub(crate) fn reservation<T>(
    entry: Element<'_, '_>,
    each: impl Fn(Element<'_, '_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    entry
        .items("instancesSet")?
        .into_iter()
        .map(|entry| {
            each(entry).map_err(|error| match entry.text("instanceId") {
                Some(id) => error.of(id),
                None => error,
            })
        })
        .collect()
}

/// One instance. Absent once it is on its way out: `vpcId`, `subnetId`, the interfaces. `networkCardIndex` is absent where there is one card
/// only, `platformDetails` from answers of before 2020.
pub(crate) fn instance(entry: Element<'_, '_>) -> Result<Entry<InstanceId, Instance>, Malformed> {
    let id = InstanceId::new(entry.required("instanceId")?);
    let state = instance_state(entry.required_child("instanceState")?.required("name")?);
    if state == InstanceState::Terminated {
        return Ok(Entry::Gone(id));
    }
    let mut enis = Vec::new();
    for interface in entry.optional_items("networkInterfaceSet")? {
        let eni = EniId::new(interface.required("networkInterfaceId")?);
        let attachment = interface.required_child("attachment")?;
        let card = attachment.optional::<u32>("networkCardIndex")?.unwrap_or(0);
        let device = attachment.parsed::<u32>("deviceIndex")?;
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
        state,
        instance_type: entry.required("instanceType")?.to_owned(),
        architecture: entry.required("architecture")?.to_owned(),
        platform: platform.to_owned(),
        vpc: entry.text("vpcId").map(VpcId::new),
        subnet: entry.text("subnetId").map(SubnetId::new),
        enis: enis.into_iter().map(|(_, eni)| eni).collect(),
        root_device: entry.text("rootDeviceName").map(str::to_owned),
        traits: Some(Box::new(traits(entry)?)),
        tags: tags(entry)?,
    };
    Ok(Entry::Here(id, instance))
}

/// What decides whether it can be moved, beside its interfaces. Each is absent where it does not apply.
fn traits(entry: Element<'_, '_>) -> Result<Traits, Malformed> {
    let text = |of: Element<'_, '_>, name: &str| of.text(name).map(str::to_owned);
    let profile = entry.child("iamInstanceProfile");
    let codes = entry.optional_items("productCodes")?;
    Ok(Traits {
        root_device_type: text(entry, "rootDeviceType"),
        lifecycle: text(entry, "instanceLifecycle"),
        instance_profile: profile.and_then(|profile| text(profile, "arn")),
        boot_mode: text(entry, "currentInstanceBootMode"),
        product_codes: codes
            .into_iter()
            .filter_map(|code| text(code, "productCode"))
            .collect(),
    })
}

/// The same; one that cannot be read and is in a VPC that the caller does not name is noted.
pub(crate) fn instance_of(
    entry: Element<'_, '_>,
    ours: &BTreeSet<VpcId>,
) -> Result<Entry<InstanceId, Instance>, Malformed> {
    unless_foreign(
        &Message::new("kind-instance"),
        entry,
        "instanceId",
        ours,
        instance(entry),
    )
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
