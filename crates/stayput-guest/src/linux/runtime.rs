//! What the kernel has and no configuration file.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::IpNet;
use stayput_messages::Message;

use crate::Interface;
use crate::Origin;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;
use crate::advice::When;
use crate::quote;
use crate::unread;

use super::Guest;
use super::fix;
use super::judge;
use super::keyfile;
use super::names::Nic;
use super::profile::Profile;
use super::profile::Verdict;

/// Addresses of an interface that no profile gives it, and interfaces about which nothing is known.
pub(crate) fn addresses(guest: &Guest, nic: &Nic) -> Vec<Advice> {
    let name = &nic.interface.name;
    let mut found = Vec::new();
    if !nic.interface.is_read() {
        let why = Message::new("guest-unknown-addresses").with("interface", name);
        found.push(unread::not_known(
            format!("interfaces:{name}"),
            why.to_string(),
        ));
    }
    let profiles = judge::applying(guest, nic);
    let advice = |what, consequence, fix| Advice {
        what,
        consequence,
        interface: Some(name.clone()),
        path: None,
        line: None,
        fix,
    };
    let has_network_manager = guest
        .report
        .looked
        .get("networkmanager")
        .is_some_and(|count| *count > 0);
    let options = guest
        .report
        .files
        .iter()
        .filter(|file| file.kind == "networkmanager");
    let by_itself = has_network_manager
        && !unread::misses_files(guest.report)
        && keyfile::connects_by_itself(options);
    if profiles.is_empty()
        && nic
            .interface
            .addresses
            .as_ref()
            .is_some_and(|all| !all.is_empty())
    {
        // NetworkManager connects such an interface again, whatever its name and MAC address.
        if !by_itself {
            let note = Message::new("guest-fix-no-configuration").with("interface", name);
            let fix = Fix::without_commands(note);
            found.push(advice(Kind::NoConfiguration, Consequence::Unknown, fix));
        }
    }
    let mut given: BTreeSet<Ipv4Addr> = BTreeSet::new();
    for profile in &profiles {
        given.extend(judge::provides(profile, nic));
        given.extend(judge::kept(guest, nic, profile.backend, Verdict::Yes));
    }
    if profiles.is_empty() {
        given.extend(nic.primary);
    }
    let extra: Vec<Ipv4Addr> = nic
        .interface
        .ipv4()
        .map(|(address, _)| address)
        .filter(|address| !given.contains(address))
        .collect();
    if !extra.is_empty() {
        let consequence = if unread::misses_files(guest.report) {
            Consequence::Unknown
        } else {
            Consequence::LosesAddresses(extra.clone())
        };
        let fix = fix::addresses(guest, nic, profiles.first().copied(), &extra);
        found.push(advice(Kind::AddressWithoutFile, consequence, fix));
    }
    found
}

/// Routes and rules that no file has.
pub(crate) fn routes(guest: &Guest) -> Vec<Advice> {
    let mut lost: Vec<String> = Vec::new();
    let mut commands = Vec::new();
    for route in &guest.report.routes {
        let words: Vec<_> = route.split_whitespace().collect();
        let behind = |word: &str| {
            let at = words.iter().position(|one| *one == word)?;
            words.get(at + 1).copied()
        };
        let Some((destination, via)) = words.first().copied().zip(behind("via")) else {
            continue;
        };
        let is_given = matches!(behind("proto"), Some("dhcp" | "ra" | "kernel"));
        let is_nic =
            behind("dev").is_none_or(|dev| guest.nics.iter().any(|nic| nic.interface.name == dev));
        // Tables of policy routing belong to rules, which are judged as a whole.
        if destination == "default"
            || is_given
            || !is_nic
            || behind("table").is_some()
            || via.contains(':')
        {
            continue;
        }
        if !is_in_files(guest, destination) {
            // The text of a guest becomes a command only if it is what it should be.
            let is_net = destination.parse::<IpNet>().is_ok();
            let is_valid = is_net || destination.parse::<Ipv4Addr>().is_ok();
            if is_valid && via.parse::<Ipv4Addr>().is_ok() {
                commands.push(format!("ip route replace {destination} via {via}"));
            }
            lost.push(route.clone());
        }
    }
    let has_rules = guest
        .configuration
        .profiles
        .iter()
        .any(|profile: &Profile| !profile.rules.is_empty());
    if !has_rules {
        lost.extend(guest.report.rules.iter().cloned());
    }
    if lost.is_empty() {
        return Vec::new();
    }
    let is_unsure = unread::misses_files(guest.report);
    let agents = fix::agents(guest);
    vec![Advice {
        what: Kind::RoutesWithoutFile,
        consequence: if is_unsure {
            Consequence::Unknown
        } else {
            Consequence::LosesRoutes
        },
        interface: None,
        path: None,
        line: None,
        fix: Fix {
            when: When::FirstBoot,
            commands,
            note: Message::new("guest-fix-routes")
                .with("routes", lost.join("; "))
                .with("agents", agents),
        },
    }]
}

/// Whether a file has this destination, as a whole.
fn is_in_files(guest: &Guest, destination: &str) -> bool {
    let network = destination.split('/').next().unwrap_or(destination);
    guest.report.files.iter().any(|file| {
        let mut tokens = file
            .text
            .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '/'));
        tokens.any(|token| token == destination || token == network)
    })
}

/// Interfaces whose addresses are in one subnet: without policy rules, answers may leave by the other interface.
pub(crate) fn shared_subnets(guest: &Guest) -> Vec<Advice> {
    let mut found = Vec::new();
    for (at, nic) in guest.nics.iter().enumerate() {
        let nets = nets(nic.interface);
        let other = guest.nics[at + 1..]
            .iter()
            .find(|other| !nets.is_disjoint(&self::nets(other.interface)));
        let Some(other) = other else { continue };
        let note = Message::new("guest-fix-shared-subnet")
            .with("first", &nic.interface.name)
            .with("second", &other.interface.name);
        found.push(Advice {
            what: Kind::SharedSubnet,
            consequence: Consequence::LosesNothingNow,
            interface: Some(nic.interface.name.clone()),
            path: None,
            line: None,
            fix: Fix::without_commands(note),
        });
    }
    found
}

fn nets(interface: &Interface) -> BTreeSet<IpNet> {
    interface
        .ipv4()
        .map(|(_, one)| one.address.trunc())
        .collect()
}

/// Bonds, bridges and VLANs above an interface that have addresses: whether they work after the move depends on how they name their parts.
pub(crate) fn stacked(guest: &Guest) -> Vec<Advice> {
    let mut found = Vec::new();
    for interface in guest.report.interfaces.iter().filter(|one| !one.is_nic()) {
        let is_above = guest
            .nics
            .iter()
            .any(|nic| nic.interface.master.as_ref() == Some(&interface.name));
        let is_vlan = matches!(interface.kind.as_deref(), Some("vlan" | "bond"));
        let has_addresses = interface
            .ipv4()
            .any(|(_, one)| one.origin != Origin::LinkLocal);
        if !has_addresses || !(is_above || is_vlan) {
            continue;
        }
        let note = Message::new("guest-fix-stacked").with("interface", &interface.name);
        found.push(Advice {
            what: Kind::StackedInterface,
            consequence: Consequence::Unknown,
            interface: Some(interface.name.clone()),
            path: None,
            line: None,
            fix: Fix::without_commands(note),
        });
    }
    found
}

/// The line that finds the interface with an address after the move.
pub(crate) fn find_by_address(address: Ipv4Addr) -> String {
    let text = quote::shell(&format!("{address}/32"));
    format!("dev=$(ip -o -4 address show to {text} | awk '{{print $2; exit}}')")
}
