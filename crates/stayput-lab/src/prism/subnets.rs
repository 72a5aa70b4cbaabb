//! Subnets, and their used and reserved addresses (`networking`, Prism reference §3.2).

mod wire;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Details;
use crate::prism::effects::Effect;
use crate::prism::ipam;
use crate::prism::model::Failure;
use crate::prism::model::FlowSubnet;
use crate::prism::model::Nic;
use crate::prism::model::PcState;
use crate::prism::tasks;
use crate::state::LabState;

use wire::parse;
use wire::render;
use wire::reserved_ip;
pub use wire::subnet_json;
use wire::vnic;

/// A change of one subnet.
#[derive(Debug, Clone)]
pub enum SubnetEffect {
    /// Creates it.
    Create(Box<FlowSubnet>),
    /// Replaces it, as a PUT does.
    Update(Box<FlowSubnet>),
    /// Deletes it.
    Delete,
    /// Reserves addresses under a client context.
    Reserve(Selection, String),
    /// Releases addresses.
    Unreserve(Selection),
}

/// Addresses to reserve or release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// This many free addresses.
    Count(u64),
    /// This many from this address on.
    Range(Ipv4Addr, u64),
    /// These addresses.
    These(Vec<Ipv4Addr>),
    /// All addresses of a client context.
    Context(String),
}

/// Serves `networking/v4.N/config/subnets…`.
///
/// # Errors
/// An unknown subnet or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    match (method, path) {
        ("GET", []) => {
            let state = &lab.pcs[pc];
            return call.list(state.subnets.iter().collect(), |(id, subnet)| {
                render(state, call, id, subnet)
            });
        }
        ("POST", []) => {
            let subnet = parse(&call.body()?, None)?;
            let id = lab.uuid();
            let name = subnet.name.clone();
            let effect = SubnetEffect::Create(Box::new(subnet));
            return start(lab, pc, call, "CreateSubnet", &id, name, effect);
        }
        (_, []) => return Err(Problem::method(method)),
        (_, [_, ..]) => {}
    }
    let [id, rest @ ..] = path else {
        return Err(Problem::no_route(&call.request.path));
    };
    let state = &lab.pcs[pc];
    let subnet = state
        .subnets
        .get(*id)
        .ok_or_else(|| Problem::not_found("Subnet", id))?;
    let tag = etag(id, subnet.version);
    let name = subnet.name.clone();
    match (method, rest) {
        ("GET", []) => Ok(call.entity(200, render(state, call, id, subnet), Some(&tag))),
        ("PUT", []) => {
            let new = parse(&call.body()?, Some(subnet))?;
            call.if_match(&[tag])?;
            let effect = SubnetEffect::Update(Box::new(new));
            start(lab, pc, call, "UpdateSubnet", id, name, effect)
        }
        ("DELETE", []) => {
            call.if_match(&[tag])?;
            start(
                lab,
                pc,
                call,
                "DeleteSubnet",
                id,
                name,
                SubnetEffect::Delete,
            )
        }
        ("GET", ["vnics"]) => {
            let vnics: Vec<(&String, &Nic)> = state
                .vms
                .iter()
                .flat_map(|(vm, machine)| machine.nics.iter().map(move |nic| (vm, nic)))
                .filter(|(_, nic)| nic.subnet == *id)
                .collect();
            call.list(vnics, |(vm, nic)| vnic(call, vm, nic))
        }
        ("GET", ["reserved-ips"]) => call
            .list(subnet.reserved.iter().collect(), |(address, context)| {
                reserved_ip(call, id, **address, context)
            }),
        ("POST", ["addresses", "$actions", "reserve"]) => {
            let body = call.body()?;
            let selection = selection(&body, "reserveType")?;
            let context = context(&body)?;
            let effect = SubnetEffect::Reserve(selection, context);
            start(lab, pc, call, "ReserveIps", id, name, effect)
        }
        ("POST", ["addresses", "$actions", "unreserve"]) => {
            let selection = selection(&call.body()?, "unreserveType")?;
            let effect = SubnetEffect::Unreserve(selection);
            start(lab, pc, call, "UnreserveIps", id, name, effect)
        }
        (_, [] | ["vnics" | "reserved-ips"] | ["addresses", "$actions", _]) => {
            Err(Problem::method(method))
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    id: &str,
    name: String,
    effect: SubnetEffect,
) -> Answer {
    let entities = vec![(
        id.to_owned(),
        "networking:config:subnet".to_owned(),
        Some(name),
    )];
    let effect = Effect::Subnet(id.to_owned(), effect);
    let task = tasks::start(lab, pc, operation, entities, effect);
    Ok(call.task(&task))
}

fn context(body: &Object) -> Result<String, Problem> {
    match body::text(body, "clientContext") {
        None => Ok(String::new()),
        Some(text) if (1..=64).contains(&text.chars().count()) => Ok(text.to_owned()),
        Some(_) => Err(Problem::schema("clientContext", "length must be 1 to 64")),
    }
}

fn selection(body: &Object, kind: &str) -> Result<Selection, Problem> {
    let count = || {
        body::number(body, "count")
            .filter(|count| (1..=65_536).contains(count))
            .ok_or_else(|| Problem::schema("count", "must be 1 to 65536"))
    };
    match (body::text(body, kind), kind) {
        (Some("IP_ADDRESS_COUNT"), "reserveType") => Ok(Selection::Count(count()?)),
        (Some("IP_ADDRESS_RANGE"), _) => {
            let first = body::address(body.get("startIpAddress"), "startIpAddress")?
                .ok_or_else(|| Problem::schema("startIpAddress", "must not be null"))?;
            Ok(Selection::Range(first, count()?))
        }
        (Some("IP_ADDRESS_LIST"), _) => match body::addresses(body, "ipAddresses")? {
            list if list.is_empty() => Err(Problem::schema("ipAddresses", "must not be empty")),
            list => Ok(Selection::These(list)),
        },
        (Some("CONTEXT"), "unreserveType") => context(body).map(Selection::Context),
        _ => Err(Problem::schema(kind, "is missing or unknown")),
    }
}

/// Applies a change of one subnet.
///
/// # Errors
/// The reason why it is not possible; nothing has changed then.
pub fn apply(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    effect: SubnetEffect,
) -> Result<Details, Failure> {
    let network_id = 4096 + u32::try_from(lab.pcs[pc].subnets.len()).unwrap_or(0);
    let state = &mut lab.pcs[pc];
    match effect {
        SubnetEffect::Create(mut subnet) => {
            fits(state, id, &subnet)?;
            if subnet.vpc.is_some() && subnet.network_id == 0 {
                subnet.network_id = network_id;
            }
            subnet.version = 1;
            state.subnets.insert(id.to_owned(), *subnet);
        }
        SubnetEffect::Update(mut subnet) => {
            fits(state, id, &subnet)?;
            let Some(before) = state.subnets.get(id) else {
                return Err(gone(id));
            };
            if before.cidr != subnet.cidr && ipam::nics_on(state, id).next().is_some() {
                return Err(in_use(before));
            }
            if before.vpc != subnet.vpc {
                return Err(failure(
                    "SUBNET_VPC_IMMUTABLE",
                    "The VPC of a subnet cannot be changed",
                ));
            }
            subnet.reserved.clone_from(&before.reserved);
            subnet.version = before.version + 1;
            state.subnets.insert(id.to_owned(), *subnet);
        }
        SubnetEffect::Delete => {
            let Some(subnet) = state.subnets.get(id) else {
                return Err(gone(id));
            };
            let uplink = state.vpcs.values().any(|vpc| vpc.external.contains(id));
            if uplink || ipam::nics_on(state, id).next().is_some() {
                return Err(in_use(subnet));
            }
            state.subnets.remove(id);
        }
        SubnetEffect::Reserve(selection, context) => {
            return reserve(state, id, selection, &context);
        }
        SubnetEffect::Unreserve(selection) => {
            let subnet = state.subnets.get_mut(id).ok_or_else(|| gone(id))?;
            match selection {
                Selection::Context(context) => {
                    subnet.reserved.retain(|_, other| *other != context);
                }
                Selection::These(list) => {
                    subnet.reserved.retain(|address, _| !list.contains(address));
                }
                Selection::Range(first, count) => {
                    let range = range(first, count);
                    subnet
                        .reserved
                        .retain(|address, _| !range.contains(*address));
                }
                Selection::Count(_) => {}
            }
            subnet.version += 1;
        }
    }
    Ok(Vec::new())
}

fn range(first: Ipv4Addr, count: u64) -> AddrRange {
    let count = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
    AddrRange {
        first,
        last: u32::from(first).saturating_add(count).into(),
    }
}

/// Reserves addresses. Addresses in use or reserved under another context are refused; those reserved under the same one stay
/// reserved.
fn reserve(
    state: &mut PcState,
    id: &str,
    selection: Selection,
    context: &str,
) -> Result<Details, Failure> {
    let taken = ipam::taken(state, id, None);
    let subnet = state.subnets.get_mut(id).ok_or_else(|| gone(id))?;
    let Some(cidr) = subnet.cidr else {
        return Err(failure(
            "SUBNET_UNMANAGED",
            "Cannot reserve IP addresses on an unmanaged network",
        ));
    };
    let chosen: Vec<Ipv4Addr> = match selection {
        Selection::These(list) => list,
        Selection::Range(first, count) => {
            let range = range(first, count);
            if !cidr.contains(range.last) {
                return Err(failure(
                    "SUBNET_IP_RESERVATION_INVALID",
                    format!("Range {range} is not in subnet {cidr}"),
                ));
            }
            (u32::from(range.first)..=u32::from(range.last))
                .map(Ipv4Addr::from)
                .collect()
        }
        Selection::Count(count) => {
            let free: Vec<Ipv4Addr> = (u32::from(cidr.network())..=u32::from(cidr.broadcast()))
                .map(Ipv4Addr::from)
                .filter(|address| !subnet.reserved.contains_key(address))
                .filter(|address| ipam::check(subnet, &taken, *address).is_ok())
                .take(usize::try_from(count).unwrap_or(usize::MAX))
                .collect();
            if (free.len() as u64) < count {
                return Err(failure(
                    "SUBNET_IP_RESERVATION_EXHAUSTED",
                    format!("Only {} addresses are free", free.len()),
                ));
            }
            free
        }
        Selection::Context(_) => Vec::new(),
    };
    for address in &chosen {
        ipam::check(subnet, &taken, *address)
            .map_err(|cause| failure("SUBNET_IP_RESERVATION_INVALID", cause.message))?;
        if subnet
            .reserved
            .get(address)
            .is_some_and(|other| other != context)
        {
            return Err(failure(
                "SUBNET_IP_ALREADY_RESERVED",
                format!("IP address {address} is already reserved"),
            ));
        }
    }
    let listed: Vec<String> = chosen.iter().map(ToString::to_string).collect();
    for address in chosen {
        subnet.reserved.insert(address, context.to_owned());
    }
    subnet.version += 1;
    // Name and format of this detail are inferred.
    Ok(vec![("reservedIps".to_owned(), listed.join(","))])
}

fn failure(group: &'static str, message: impl Into<String>) -> Failure {
    Failure::new("NET-50101", group, message)
}

fn gone(id: &str) -> Failure {
    failure("SUBNET_NOT_FOUND", format!("Subnet {id} was not found"))
}

fn in_use(subnet: &FlowSubnet) -> Failure {
    failure("SUBNET_IN_USE", format!("Subnet {} is in use", subnet.name))
}

/// Checks against other objects: the VPC exists, and no subnet of it overlaps.
fn fits(state: &PcState, id: &str, subnet: &FlowSubnet) -> Result<(), Failure> {
    let Some(vpc) = &subnet.vpc else {
        return Ok(());
    };
    if !state.vpcs.contains_key(vpc) {
        return Err(failure("VPC_NOT_FOUND", format!("VPC {vpc} was not found")));
    }
    let sibling = state.subnets.iter().find(|(other_id, other)| {
        other_id.as_str() != id
            && other.vpc.as_ref() == Some(vpc)
            && matches!((other.cidr, subnet.cidr), (Some(a), Some(b)) if a.overlaps(b))
    });
    match sibling {
        None => Ok(()),
        Some((_, other)) => Err(failure(
            "SUBNET_OVERLAP",
            format!("Subnet overlaps with subnet {} of the same VPC", other.name),
        )),
    }
}

/// Returns the subnets of a VPC with a prefix, by id.
pub fn of_vpc<'a>(
    subnets: &'a BTreeMap<String, FlowSubnet>,
    vpc: &'a str,
) -> impl Iterator<Item = (&'a String, Cidr)> {
    subnets
        .iter()
        .filter(move |(_, subnet)| subnet.vpc.as_deref() == Some(vpc))
        .filter_map(|(id, subnet)| Some((id, subnet.cidr?)))
}
