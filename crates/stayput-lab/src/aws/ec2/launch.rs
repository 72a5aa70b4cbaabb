//! Launching and terminating instances.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::MacAddr;

use super::Answer;
use super::Call;
use super::instances;
use super::interfaces;
use super::list::Listed;
use super::list::rule;
use crate::aws::AwsEvent;
use crate::aws::actors;
use crate::aws::model::Eni;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::model::RegionState;
use crate::aws::model::architecture_of;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;
use crate::state::LabEvent;

/// How long a terminated instance stays listed: about an hour (memory).
const TERMINATED_LISTED: Duration = Duration::from_secs(3600);

/// Size of a root volume for which none is requested.
const ROOT_BYTES: u64 = 8 << 30;

/// Most instances that one call can launch in the lab.
const MOST: usize = 100;

/// Requested properties of one interface.
struct Nic {
    index: u32,
    subnet: String,
    primary: Option<Ipv4Addr>,
    secondary: Vec<Ipv4Addr>,
}

/// Returns an address as typed.
///
/// # Errors
/// `InvalidParameterValue`.
pub(super) fn address(text: &str) -> Result<Ipv4Addr, Fault> {
    text.parse()
        .map_err(|_| Fault::invalid(format!("Invalid IPv4 address: {text}")))
}

fn nics(call: &Call<'_>) -> Result<Vec<Nic>, Fault> {
    let params = &call.params;
    let mut nics = Vec::new();
    for member in params.members("NetworkInterface") {
        let mut primary = params
            .get(&format!("{member}.PrivateIpAddress"))
            .map(address)
            .transpose()?;
        let mut secondary = Vec::new();
        for entry in params.members(&format!("{member}.PrivateIpAddresses")) {
            let found = address(params.need(&format!("{entry}.PrivateIpAddress"))?)?;
            if params.flag(&format!("{entry}.Primary"))? {
                primary = Some(found);
            } else {
                secondary.push(found);
            }
        }
        nics.push(Nic {
            index: params
                .parsed(&format!("{member}.DeviceIndex"))?
                .unwrap_or(0),
            subnet: params.need(&format!("{member}.SubnetId"))?.to_owned(),
            primary,
            secondary,
        });
    }
    if nics.is_empty() {
        nics.push(Nic {
            index: 0,
            // The lab has no default VPC, so the subnet is required.
            subnet: call.need("SubnetId")?,
            primary: params.get("PrivateIpAddress").map(address).transpose()?,
            secondary: Vec::new(),
        });
    }
    Ok(nics)
}

/// Returns addresses of a subnet that are in use or reserved: the first four and the last are (AWS reference §5).
pub(super) fn taken(region: &RegionState, subnet: &str) -> BTreeSet<Ipv4Addr> {
    let Some(found) = region.subnets.get(subnet) else {
        return BTreeSet::new();
    };
    let reserved = (0..4)
        .filter_map(|offset| found.cidr.nth(offset))
        .chain([found.cidr.broadcast()]);
    region
        .enis
        .values()
        .filter(|eni| eni.subnet == subnet)
        .flat_map(interfaces::addresses)
        .chain(reserved)
        .collect()
}

/// Returns the lowest free address of a subnet.
///
/// # Errors
/// `InsufficientFreeAddressesInSubnet`.
pub(super) fn free(region: &RegionState, subnet: &str) -> Result<Ipv4Addr, Fault> {
    let mut free = free_addresses(region, subnet);
    free.next()
        .ok_or_else(|| none_free(subnet, "the requested number of instances"))
}

/// Returns the lowest free addresses of a subnet, this many.
///
/// # Errors
/// `InsufficientFreeAddressesInSubnet`.
pub(super) fn all_free(
    region: &RegionState,
    subnet: &str,
    count: usize,
) -> Result<Vec<Ipv4Addr>, Fault> {
    let free: Vec<_> = free_addresses(region, subnet).take(count).collect();
    match free.len() == count {
        true => Ok(free),
        false => Err(none_free(subnet, "the request")),
    }
}

fn free_addresses(region: &RegionState, subnet: &str) -> impl Iterator<Item = Ipv4Addr> {
    let taken = taken(region, subnet);
    let cidr = region.subnets.get(subnet).map(|found| found.cidr);
    cidr.into_iter()
        .flat_map(|cidr| (4..u32::MAX).map_while(move |offset| cidr.nth(offset)))
        .filter(move |address| !taken.contains(address))
}

fn none_free(subnet: &str, what: &str) -> Fault {
    Fault::bad(
        "InsufficientFreeAddressesInSubnet",
        format!("There are not enough free addresses in subnet '{subnet}' to satisfy {what}."),
    )
}

fn check(call: &Call<'_>, nic: &Nic, count: usize) -> Result<(), Fault> {
    let region = call.region_state();
    let subnet = rule::SUBNET.find(&region.subnets, &nic.subnet)?;
    let taken = taken(region, &nic.subnet);
    for wanted in nic.primary.iter().chain(&nic.secondary) {
        if count > 1 {
            return Err(Fault::bad(
                "InvalidParameterCombination",
                "Network interfaces and an instance-level private IP address should not be specified for several instances",
            ));
        }
        if !subnet.cidr.contains(*wanted) {
            return Err(Fault::invalid(format!(
                "Address {wanted} does not fall within the subnet's address range"
            )));
        }
        if taken.contains(wanted) {
            return Err(Fault::bad(
                "InvalidIPAddress.InUse",
                format!("Address {wanted} is in use."),
            ));
        }
    }
    Ok(())
}

/// Returns the MAC of an interface, from its id.
pub(super) fn mac(id: &str) -> MacAddr {
    let bytes = *uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes()).as_bytes();
    // 06, as in these regions: locally administered, unicast.
    MacAddr::new([0x06, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]])
}

pub(super) fn run(call: &mut Call<'_>) -> Answer {
    let image = call.need("ImageId")?;
    let most: usize = call.params.parsed("MaxCount")?.unwrap_or(1);
    let least: usize = call.params.parsed("MinCount")?.unwrap_or(1);
    if least == 0 || most < least || most > MOST {
        return Err(Fault::invalid(format!(
            "Invalid instance count: minimum {least}, maximum {most}"
        )));
    }
    let nics = nics(call)?;
    for nic in &nics {
        check(call, nic, most)?;
    }
    call.dry_run()?;
    let instance_type = call
        .params
        .get("InstanceType")
        .unwrap_or("m1.small")
        .to_owned();
    let token_required = call.params.get("MetadataOptions.HttpTokens") == Some("required");
    let mut ids = Vec::new();
    for _ in 0..most {
        let id = call.lab.aws_id("i-");
        let mut enis = BTreeMap::new();
        for nic in &nics {
            let eni = call.lab.aws_id("eni-");
            let made = make_eni(call, nic, &eni, &id)?;
            call.region_state_mut().enis.insert(eni.clone(), made);
            enis.insert(nic.index, eni);
        }
        let launched = call.lab.now();
        let instance = Instance {
            state: InstanceState::Pending,
            instance_type: instance_type.clone(),
            architecture: architecture_of(&instance_type).to_owned(),
            platform_details: "Linux/UNIX".to_owned(),
            image: image.clone(),
            launched,
            enis,
            ssm_agent: crate::aws::model::SsmAgent::None,
            guest: None,
            metadata_token_required: token_required,
            disk_bytes: ROOT_BYTES,
            traits: stayput_world::aws::Traits::default(),
            tags: call.params.tags_for("instance"),
        };
        call.region_state_mut()
            .instances
            .insert(id.clone(), instance);
        actors::settle(call.lab, &call.region, &id);
        ids.push(id);
    }
    let region = call.region_state();
    let launched = ids.iter().filter_map(|id| {
        Some(Listed {
            lab: call.lab,
            region_name: &call.region,
            region,
            id,
            resource: region.instances.get(id)?,
        })
    });
    let mut xml = Xml::new();
    xml.text("reservationId", super::derived_id("r-", &ids.concat()))
        .text("ownerId", &call.lab.aws.account)
        .list("groupSet", None::<()>, |_, ()| {})
        .list("instancesSet", launched, |xml, instance| {
            instances::write(xml, &instance);
        });
    Ok(xml)
}

fn make_eni(call: &Call<'_>, nic: &Nic, id: &str, instance: &str) -> Result<Eni, Fault> {
    let region = call.region_state();
    let subnet = rule::SUBNET.find(&region.subnets, &nic.subnet)?;
    let primary = match nic.primary {
        Some(primary) => primary,
        None => free(region, &nic.subnet)?,
    };
    Ok(Eni {
        vpc: subnet.vpc.clone(),
        subnet: nic.subnet.clone(),
        mac: mac(id),
        kind: "interface".to_owned(),
        description: String::new(),
        requester_managed: false,
        instance: Some((instance.to_owned(), nic.index)),
        source_dest_check: true,
        primary,
        secondary: nic.secondary.clone(),
        tags: call.params.tags_for("network-interface"),
    })
}

pub(super) fn terminate(call: &mut Call<'_>) -> Answer {
    let ids = instances::named(call)?;
    call.dry_run()?;
    let mut changes = Vec::new();
    for id in ids {
        let region = call.region_state_mut();
        let instance = rule::INSTANCE.find_mut(&mut region.instances, &id)?;
        let before = instance.state;
        instance.state = InstanceState::Terminated;
        for eni in std::mem::take(&mut instance.enis).into_values() {
            region.enis.remove(&eni);
            for address in region.addresses.values_mut() {
                if address
                    .association
                    .as_ref()
                    .is_some_and(|(at, _)| *at == eni)
                {
                    address.association = None;
                }
            }
        }
        if before != InstanceState::Terminated {
            let event = AwsEvent::InstanceForgotten(call.region.clone(), id.clone());
            call.lab.after(TERMINATED_LISTED, LabEvent::Aws(event));
        }
        changes.push((id, before));
    }
    Ok(instances::write_changes(call, &changes))
}
