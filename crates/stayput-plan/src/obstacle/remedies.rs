//! Words that several obstacles and remedies share.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_world::Silence;
use stayput_world::System;

use crate::counted;

/// Machines named one by one before the rest is only counted.
const NAMED: usize = 5;

/// Networks as a command takes them.
pub(super) fn names(networks: &BTreeSet<NetworkName>) -> String {
    let networks: Vec<_> = networks.iter().map(NetworkName::as_str).collect();
    networks.join(" ")
}

/// The first names of machines, and how many more there are.
pub(super) fn labels(machines: &BTreeMap<InstanceId, String>) -> String {
    let named: Vec<_> = machines.values().take(NAMED).map(String::as_str).collect();
    let more = machines.len() - named.len();
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// So many machines, and their verb.
pub(super) fn are(machines: usize) -> String {
    let verb = if machines == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(machines, "machine"))
}

/// How a system was not observed, after a statement that it was not.
pub(super) fn why_not_observed(silence: Option<Silence>, why: &str) -> String {
    match silence {
        None => String::new(),
        Some(silence) => format!(": it {}: {why}", silence.verb()),
    }
}

/// What to do so that a system is observed.
pub(super) fn observe(system: &System, silence: Option<Silence>) -> String {
    match (silence, system) {
        (None, _) => "run the command again, so that it is observed".to_owned(),
        (Some(Silence::Silent), System::Aws(region)) => {
            format!("check the way to AWS in {region} (proxy, firewall, name resolution), then run the command again")
        }
        (Some(Silence::Silent), System::PrismCentral(_) | System::Move(_)) => {
            "check the address in stayput.toml and the way there (VPN, firewall, name resolution), then run the command again".to_owned()
        }
        (Some(Silence::Refused), System::Aws(_)) => {
            "correct the AWS credentials or the rights of their role, then run the command again".to_owned()
        }
        (Some(Silence::Refused), System::PrismCentral(_)) => {
            "correct PRISM_CENTRAL_USERNAME and PRISM_CENTRAL_PASSWORD, the rights of that user, or the CA file in stayput.toml, then run the command again".to_owned()
        }
        (Some(Silence::Refused), System::Move(_)) => {
            "correct MOVE_USERNAME and MOVE_PASSWORD or the CA file in stayput.toml, then run the command again".to_owned()
        }
        (Some(Silence::Faulty), _) => {
            format!("run the command again; if it stays so, look at the health of {system}")
        }
    }
}

/// Where a person looks into a system.
pub(super) fn console(system: &System) -> String {
    match system {
        System::Aws(region) => format!("the EC2 console ({region})"),
        System::PrismCentral(_) | System::Move(_) => system.to_string(),
    }
}

/// Which recovery points there are.
pub(super) fn recovery_points(points: &BTreeMap<SiteName, String>) -> String {
    if points.is_empty() {
        return "no recovery point of it was seen".to_owned();
    }
    let points: Vec<_> = points
        .iter()
        .map(|(site, at)| format!("{at} at {site}"))
        .collect();
    format!("its newest recovery point: {}", points.join(", "))
}

fn sites(sites: &BTreeSet<SiteName>) -> String {
    let sites: Vec<_> = sites.iter().map(SiteName::as_str).collect();
    sites.join(" and ")
}

/// Where a VM that is gone may be, for want of a look.
pub(super) fn or_elsewhere(may_be_at: &BTreeSet<SiteName>) -> String {
    if may_be_at.is_empty() {
        return String::new();
    }
    format!(
        "; whether it was failed over to {} is not known, as its Prism Central was not observed",
        sites(may_be_at)
    )
}

/// What to do about a deleted VM.
pub(super) fn of_deleted(
    machine: &InstanceId,
    site: &SiteName,
    points: &BTreeMap<SiteName, String>,
    may_be_at: &BTreeSet<SiteName>,
) -> String {
    if !may_be_at.is_empty() {
        return format!(
            "run the command again when Prism Central of {} answers",
            sites(may_be_at)
        );
    }
    let retire = format!("or, if it was deleted on purpose: stayput retire {machine}");
    let Some(at) = points.keys().next() else {
        return format!(
            "look in Prism Central of {site} for a local recovery point, restore the VM from it and run: stayput adopt {machine} --vm UUID --site {site}; {retire}"
        );
    };
    format!(
        "restore it from that recovery point in Prism Central of {at} and run: stayput adopt {machine} --vm UUID --site {at}; {retire}"
    )
}
