//! Which settings of files apply no longer.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use crate::Origin;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Kind;

use super::Guest;
use super::fix;
use super::names::Nic;
use super::profile::Backend;
use super::profile::By;
use super::profile::Profile;
use super::profile::Verdict;

/// Returns the profiles of files that may apply to an interface in EC2. networkd takes the first that matches.
pub(crate) fn applying<'a>(guest: &'a Guest, nic: &Nic) -> Vec<&'a Profile> {
    chosen(&guest.configuration.profiles, |profile| profile.now(nic))
}

/// The profiles that may apply, of each backend.
fn chosen(profiles: &[Profile], verdict: impl Fn(&Profile) -> Verdict) -> Vec<&Profile> {
    let mut found = Vec::new();
    let mut is_taken = false;
    for profile in profiles {
        let verdict = verdict(profile);
        let is_networkd = profile.backend == Backend::Networkd;
        if verdict == Verdict::No || (is_networkd && is_taken) {
            continue;
        }
        is_taken |= is_networkd && verdict == Verdict::Yes;
        found.push(profile);
    }
    found
}

/// The addresses that a profile gives an interface in EC2.
pub(crate) fn provides(profile: &Profile, nic: &Nic) -> BTreeSet<Ipv4Addr> {
    let by_dhcp = nic
        .interface
        .ipv4()
        .filter(|(_, one)| one.origin == Origin::Dhcp);
    let by_dhcp = by_dhcp.map(|(address, _)| address).filter(|_| profile.dhcp);
    let is_there = |address: &Ipv4Addr| {
        !nic.interface.is_read() || nic.interface.ipv4().any(|(held, _)| held == *address)
    };
    by_dhcp.chain(statics(profile).filter(is_there)).collect()
}

fn statics(profile: &Profile) -> impl Iterator<Item = Ipv4Addr> {
    profile.addresses.iter().filter_map(|net| match net.addr() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

/// The profiles of a backend that surely apply after the move, or that at least may apply.
fn later<'a>(
    guest: &'a Guest,
    nic: &Nic,
    backend: Backend,
    at_least: Verdict,
) -> impl Iterator<Item = &'a Profile> {
    let after = |profile: &Profile| profile.after(&nic.names_after);
    let all = chosen(&guest.configuration.profiles, after).into_iter();
    all.filter(move |profile| profile.backend == backend && after(profile) >= at_least)
}

/// The addresses that an interface has after the move through profiles that surely apply, or that at least may apply.
pub(crate) fn kept(
    guest: &Guest,
    nic: &Nic,
    backend: Backend,
    at_least: Verdict,
) -> BTreeSet<Ipv4Addr> {
    let mut found = BTreeSet::new();
    for profile in later(guest, nic, backend, at_least) {
        found.extend(statics(profile));
        if profile.dhcp {
            let by_dhcp = nic
                .interface
                .ipv4()
                .filter(|(_, one)| one.origin == Origin::Dhcp);
            found.extend(by_dhcp.map(|(address, _)| address));
            found.extend(nic.primary);
        }
    }
    found
}

/// What an interface loses with the profiles that apply to it in EC2.
pub(crate) fn profiles(guest: &Guest, nic: &Nic) -> Vec<Advice> {
    let mut found = Vec::new();
    for profile in applying(guest, nic) {
        let after = profile.after(&nic.names_after);
        if let Some(line) = profile.fixed_mac {
            found.push(Advice {
                what: Kind::FixedMac,
                consequence: Consequence::Unknown,
                interface: Some(nic.interface.name.clone()),
                path: Some(profile.path.clone()),
                line: Some(line),
                fix: fix::without_line(guest, profile, line),
            });
        }
        if after == Verdict::Yes {
            continue;
        }
        let weakest = profile.weakest(&nic.names_after);
        let advice = |what, consequence, line: u32| Advice {
            what,
            consequence,
            interface: Some(nic.interface.name.clone()),
            path: Some(profile.path.clone()),
            line: Some(line),
            fix: fix::profile(guest, nic, profile),
        };
        let line = weakest.map_or(profile.line, |selector| selector.line);
        let is_unsure = after == Verdict::NotKnown;
        let consequence = lost(guest, nic, profile, is_unsure);
        let what = kind(profile, weakest.map(|selector| selector.by));
        let is_harmless = consequence == Consequence::LosesNothingNow;
        if !(is_harmless && what == Kind::NameBinding) {
            found.push(advice(what, consequence, line));
        }
        let unsure = |certain| {
            if is_unsure {
                Consequence::Unknown
            } else {
                certain
            }
        };
        if loses_routes(guest, nic, profile) {
            let consequence = unsure(Consequence::LosesRoutes);
            found.push(advice(Kind::StaticRoutes, consequence, profile.line));
        }
        let mut later = later(guest, nic, profile.backend, Verdict::Yes);
        let has_dns = |other: &Profile| profile.dns.iter().all(|server| other.dns.contains(server));
        if !profile.dns.is_empty() && !later.any(has_dns) {
            let consequence = unsure(Consequence::LosesDns);
            found.push(advice(Kind::StaticDns, consequence, profile.line));
        }
    }
    found
}

/// Whether no profile that applies after the move has the routes and rules of this one.
fn loses_routes(guest: &Guest, nic: &Nic, profile: &Profile) -> bool {
    let mut later = later(guest, nic, profile.backend, Verdict::Yes);
    let is_empty = profile.routes.is_empty() && profile.rules.is_empty();
    let has_all = |other: &Profile| {
        profile
            .routes
            .iter()
            .all(|route| other.routes.contains(route))
            && profile.rules.iter().all(|rule| other.rules.contains(rule))
    };
    !is_empty && !later.any(has_all)
}

fn kind(profile: &Profile, by: Option<By>) -> Kind {
    if profile.volatile {
        return Kind::VolatileFile;
    }
    match by {
        Some(By::Mac) => Kind::MacBinding,
        Some(By::Path) => Kind::PathBinding,
        Some(By::Driver) => Kind::DriverBinding,
        Some(By::Name | By::KernelName | By::Other) | None => Kind::NameBinding,
    }
}

/// What is lost if a profile does not apply after the move, or if that is not known.
fn lost(guest: &Guest, nic: &Nic, profile: &Profile, is_unsure: bool) -> Consequence {
    let mut lost = provides(profile, nic);
    if !nic.interface.is_read() && profile.dhcp {
        return Consequence::Unknown;
    }
    let surely = kept(guest, nic, profile.backend, Verdict::Yes);
    lost.retain(|address| !surely.contains(address));
    if lost.is_empty() {
        return Consequence::LosesNothingNow;
    }
    let perhaps = kept(guest, nic, profile.backend, Verdict::NotKnown);
    if is_unsure || lost.is_subset(&perhaps) {
        return Consequence::Unknown;
    }
    Consequence::LosesAddresses(lost.into_iter().collect())
}

/// The names that rules give interfaces in EC2 and not after the move.
pub(crate) fn names(guest: &Guest, nic: &Nic) -> Vec<Advice> {
    let name = &nic.interface.name;
    let mut found = Vec::new();
    for renaming in &guest.configuration.renamings {
        let now = renaming.now(nic);
        if now == Verdict::No || renaming.after() == Verdict::Yes {
            continue;
        }
        let consequence = if nic.names_after == [name.clone()] {
            Consequence::LosesNothingNow
        } else if now == Verdict::Yes && !nic.names_after.contains(name) {
            Consequence::LosesName
        } else {
            Consequence::Unknown
        };
        found.push(Advice {
            what: Kind::Renaming,
            consequence,
            interface: Some(name.clone()),
            path: Some(renaming.path.clone()),
            line: Some(renaming.line),
            fix: if nic.names_after == [name.clone()] {
                fix::kept_name(nic)
            } else {
                fix::name(nic)
            },
        });
    }
    found
}

/// Settings for a MAC address or a PCI path that no interface has even in EC2.
pub(crate) fn stale(guest: &Guest) -> Vec<Advice> {
    if guest.nics.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for profile in &guest.configuration.profiles {
        let is_bound = |by| by == By::Mac || by == By::Path;
        let bound = profile
            .selectors
            .iter()
            .find(|selector| is_bound(selector.by));
        let Some(selector) = bound else { continue };
        if guest
            .nics
            .iter()
            .any(|nic| selector.now(nic) != Verdict::No)
        {
            continue;
        }
        found.push(Advice {
            what: kind(profile, Some(selector.by)),
            consequence: Consequence::LosesNothingNow,
            interface: None,
            path: Some(profile.path.clone()),
            line: Some(selector.line),
            fix: fix::stale(),
        });
    }
    found
}
