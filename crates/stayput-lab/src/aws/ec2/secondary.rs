//! Secondary addresses of network interfaces. How many an instance type may have is not modelled.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::Answer;
use super::Call;
use super::done;
use super::interfaces;
use super::launch;
use super::list::rule;
use crate::aws::model::Eni;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

/// Most addresses that one call can ask to be chosen.
const MOST: usize = 100;

/// The addresses of the request, each once.
fn named(call: &Call<'_>) -> Result<Vec<Ipv4Addr>, Fault> {
    let texts = call.params.list("PrivateIpAddress");
    let named: BTreeSet<_> = texts
        .into_iter()
        .map(launch::address)
        .collect::<Result<_, _>>()?;
    Ok(named.into_iter().collect())
}

/// The interface of the request. Those of services belong to AWS.
fn interface(call: &Call<'_>) -> Result<(String, Eni), Fault> {
    let id = call.need("NetworkInterfaceId")?;
    let eni = rule::ENI.find(&call.region_state().enis, &id)?;
    if eni.requester_managed {
        return Err(Fault::bad(
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        ));
    }
    Ok((id.clone(), eni.clone()))
}

/// Addresses as EC2 lists them in errors.
fn listed(addresses: &[Ipv4Addr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(", "))
}

/// `AssignPrivateIpAddresses`: the named addresses, or so many free ones. One that the interface has stays.
pub(super) fn assign(call: &mut Call<'_>) -> Answer {
    let (id, eni) = interface(call)?;
    for unsupported in ["Ipv4Prefix.1", "Ipv4PrefixCount"] {
        if call.params.sent(unsupported) {
            let message = format!("The lab does not delegate prefixes: {unsupported}");
            return Err(Fault::bad("UnsupportedOperation", message));
        }
    }
    let named = named(call)?;
    let count: Option<usize> = call.params.parsed("SecondaryPrivateIpAddressCount")?;
    match (named.is_empty(), count) {
        (true, None) => return Err(Fault::missing("secondaryPrivateIpAddressCount")),
        (false, Some(_)) => {
            return Err(Fault::bad(
                "InvalidParameterCombination",
                "privateIpAddresses and secondaryPrivateIpAddressCount are mutually exclusive",
            ));
        }
        (true, Some(count)) if count == 0 || count > MOST => {
            return Err(Fault::invalid(format!(
                "Invalid value '{count}' for secondaryPrivateIpAddressCount"
            )));
        }
        (false, None) | (true, Some(_)) => {}
    }
    let subnet = rule::SUBNET.find(&call.region_state().subnets, &eni.subnet)?;
    if let Some(outside) = named
        .iter()
        .find(|address| !subnet.cidr.contains(**address))
    {
        return Err(Fault::invalid(format!(
            "Address {outside} does not fall within the subnet's address range"
        )));
    }
    call.dry_run()?;
    let taken = launch::taken(call.region_state(), &eni.subnet);
    let own: Vec<_> = interfaces::addresses(&eni).collect();
    let others: Vec<_> = named
        .iter()
        .copied()
        .filter(|address| taken.contains(address) && !own.contains(address))
        .collect();
    let may_take = call.params.flag("AllowReassignment")?;
    let assigned = match count {
        Some(count) => launch::all_free(call.region_state(), &eni.subnet, count)?,
        None if others.is_empty() || may_take => named,
        None => {
            let others = listed(&others);
            return Err(Fault::invalid(format!(
                "{others} is already assigned, but move is not allowed."
            )));
        }
    };
    let region = call.region_state_mut();
    let may_give = |other: &Eni| !other.requester_managed && other.subnet == eni.subnet;
    let has =
        |other: &Eni, address: &Ipv4Addr| may_give(other) && other.secondary.contains(address);
    let primary: Vec<_> = others
        .iter()
        .copied()
        .filter(|address| !region.enis.values().any(|eni| has(eni, address)))
        .collect();
    if !primary.is_empty() {
        let primary = listed(&primary);
        return Err(Fault::invalid(format!(
            "{primary} is no secondary address and cannot be moved."
        )));
    }
    for giver in region.enis.values_mut().filter(|other| may_give(other)) {
        giver.secondary.retain(|address| !others.contains(address));
    }
    if let Some(eni) = region.enis.get_mut(&id) {
        let new = assigned.iter().filter(|address| !own.contains(address));
        eni.secondary.extend(new);
    }
    let mut xml = Xml::new();
    xml.text("networkInterfaceId", &id)
        .list(
            "assignedPrivateIpAddressesSet",
            &assigned,
            |xml, address| {
                xml.text("privateIpAddress", address);
            },
        )
        .text("return", true);
    Ok(xml)
}

/// `UnassignPrivateIpAddresses`. The primary address stays as long as its interface.
pub(super) fn unassign(call: &mut Call<'_>) -> Answer {
    let (id, eni) = interface(call)?;
    let named = named(call)?;
    if named.is_empty() {
        return Err(Fault::missing("privateIpAddress"));
    }
    let mut strangers = named.clone();
    strangers.retain(|address| !eni.secondary.contains(address));
    if !strangers.is_empty() {
        let strangers = listed(&strangers);
        return Err(Fault::invalid(format!(
            "Some of {strangers} are not assigned to interface {id}"
        )));
    }
    call.dry_run()?;
    if let Some(eni) = call.region_state_mut().enis.get_mut(&id) {
        eni.secondary.retain(|address| !named.contains(address));
    }
    done()
}
