//! What a Windows guest loses. Static settings belong to the device: the new one has none, and asks for an address by DHCP.

use std::net::IpAddr;
use std::net::Ipv4Addr;

use stayput_messages::Message;

use crate::Binding;
use crate::GuestReport;
use crate::Interface;
use crate::Origin;
use crate::StaticProfile;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;
use crate::advice::When;
use crate::quote::powershell;
use crate::unread;

/// Where a copy of the settings is kept.
const FOLDER: &str = "$keep = Join-Path $env:ProgramData 'stayput'; [void](New-Item -ItemType Directory -Force -Path $keep)";

/// Returns what a Windows guest loses after the move.
pub(crate) fn advise(report: &GuestReport) -> Vec<Advice> {
    let mut found: Vec<_> = report
        .bindings
        .iter()
        .filter_map(|one| binding(report, one))
        .collect();
    for interface in report.nics() {
        found.extend(without_profile(report, interface));
    }
    if report.nics().next().is_none() {
        let why = Message::new("guest-no-devices").to_string();
        found.push(unread::not_known("interfaces".to_owned(), why));
    }
    found
}

fn binding(report: &GuestReport, binding: &Binding) -> Option<Advice> {
    let advice = |what, consequence, fix| Advice {
        what,
        consequence,
        interface: binding.name.clone(),
        path: binding.device.clone().or_else(|| binding.mac.clone()),
        line: None,
        fix,
    };
    if binding.by == "mac" {
        let fix = Fix::without_commands(Message::new("guest-fix-windows-mac"));
        return Some(advice(Kind::FixedMac, Consequence::LosesNothingNow, fix));
    }
    let profile = binding.profile.as_ref();
    match (binding.present, profile) {
        (Some(false), profile) => {
            let holds = profile.is_some_and(|profile| !profile.addresses.is_empty());
            let fix = ghost(binding);
            let what = Kind::GhostAdapter;
            // What an absent adapter holds the guest does not have even in EC2.
            (holds || binding.device.is_some())
                .then(|| advice(what, Consequence::LosesNothingNow, fix))
        }
        (_, None) => None,
        (present, Some(profile)) => {
            let interface = interface_of(report, binding);
            let lost = lost(report, profile, interface);
            let fix = restore(report, profile, interface);
            let consequence = match (present, lost.is_empty()) {
                (None, _) => Consequence::Unknown,
                (Some(_), false) => Consequence::LosesAddresses(lost),
                (Some(_), true) if !profile.dns.is_empty() => Consequence::LosesDns,
                (Some(_), true) => Consequence::LosesNothingNow,
            };
            Some(advice(Kind::StaticProfile, consequence, fix))
        }
    }
}

fn interface_of<'a>(report: &'a GuestReport, binding: &Binding) -> Option<&'a Interface> {
    let guid = binding.guid.as_deref()?;
    report.interfaces.iter().find(|one| {
        one.guid
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(guid))
    })
}

fn ipv4(profile: &StaticProfile) -> impl Iterator<Item = Ipv4Addr> {
    profile
        .addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        })
}

/// The address that DHCP gives after the move.
fn primary(report: &GuestReport, profile: &StaticProfile) -> Option<Ipv4Addr> {
    let mut all = ipv4(profile);
    let first = all.next();
    let known = report
        .private_ip()
        .filter(|known| ipv4(profile).any(|one| one == *known));
    known.or(first)
}

/// The addresses that the new adapter does not have: all but the primary one.
fn lost(
    report: &GuestReport,
    profile: &StaticProfile,
    interface: Option<&Interface>,
) -> Vec<Ipv4Addr> {
    let by_dhcp = if profile.dhcp {
        None
    } else {
        primary(report, profile)
    };
    let is_there = |address: &Ipv4Addr| {
        interface.is_none_or(|one| !one.is_read() || one.ipv4().any(|(held, _)| held == *address))
    };
    ipv4(profile)
        .filter(|address| Some(*address) != by_dhcp)
        .filter(is_there)
        .collect()
}

/// Lines that make the settings again on the adapter that has the primary address.
fn restore(report: &GuestReport, profile: &StaticProfile, interface: Option<&Interface>) -> Fix {
    let by_dhcp = interface.into_iter().flat_map(Interface::ipv4);
    let by_dhcp = by_dhcp
        .filter(|(_, one)| one.origin == Origin::Dhcp)
        .map(|(address, _)| address)
        .next();
    let primary = if profile.dhcp {
        by_dhcp
    } else {
        primary(report, profile)
    };
    let note = Message::new("guest-fix-windows-static");
    let Some(primary) = primary else {
        return Fix::without_commands(note);
    };
    let length = |at: usize| {
        let mask = profile.masks.get(at).and_then(|mask| mask.parse().ok());
        mask.and_then(|mask| ipnet::ipv4_mask_to_prefix(mask).ok())
            .unwrap_or(32)
    };
    let mut commands = vec![
        FOLDER.to_owned(),
        format!("$i = (Get-NetIPAddress -IPAddress '{primary}').InterfaceIndex"),
        "Get-NetIPConfiguration -InterfaceIndex $i -Detailed | Out-File (Join-Path $keep 'before.txt')".to_owned(),
        "$gateway = @(Get-NetRoute -InterfaceIndex $i -DestinationPrefix '0.0.0.0/0')[0].NextHop".to_owned(),
        "$servers = (Get-DnsClientServerAddress -InterfaceIndex $i -AddressFamily IPv4).ServerAddresses".to_owned(),
    ];
    if profile.addresses.len() > 1 || profile.dhcp {
        let lengths: Vec<_> = (0..)
            .zip(&profile.addresses)
            .map(|(at, one)| (one, length(at)))
            .collect();
        let own = lengths
            .iter()
            .find(|(one, _)| **one == primary)
            .map(|(_, length)| *length);
        let own = match own {
            Some(length) => length.to_string(),
            None => format!("(Get-NetIPAddress -IPAddress '{primary}').PrefixLength"),
        };
        commands.push(format!("$length = {own}"));
        commands.push(
            "Set-NetIPInterface -InterfaceIndex $i -AddressFamily IPv4 -Dhcp Disabled".to_owned(),
        );
        commands.push("Remove-NetIPAddress -InterfaceIndex $i -AddressFamily IPv4 -Confirm:$false -ErrorAction SilentlyContinue".to_owned());
        commands.push(format!(
            "New-NetIPAddress -InterfaceIndex $i -IPAddress '{primary}' -PrefixLength $length -DefaultGateway $gateway"
        ));
        for (address, length) in lengths {
            if address.is_ipv4() && *address != primary {
                commands.push(format!(
                    "New-NetIPAddress -InterfaceIndex $i -IPAddress '{address}' -PrefixLength {length} -SkipAsSource $true"
                ));
            }
        }
    }
    let servers: Vec<_> = profile
        .dns
        .iter()
        .map(|server| powershell(server))
        .collect();
    let servers = if servers.is_empty() {
        "$servers".to_owned()
    } else {
        servers.join(",")
    };
    commands.push(format!(
        "Set-DnsClientServerAddress -InterfaceIndex $i -ServerAddresses {servers}"
    ));
    Fix {
        when: When::FirstBoot,
        commands,
        note,
    }
}

fn ghost(binding: &Binding) -> Fix {
    let device = binding.device.as_deref().unwrap_or_default();
    let commands = vec![
        FOLDER.to_owned(),
        "reg export HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces (Join-Path $keep 'interfaces.reg') /y".to_owned(),
        format!("pnputil /remove-device {}", powershell(device)),
    ];
    let commands = if device.is_empty() {
        Vec::new()
    } else {
        commands
    };
    Fix {
        when: When::FirstBoot,
        commands,
        note: Message::new("guest-fix-ghost"),
    }
}

/// Static addresses of an adapter whose profile is not in the report.
fn without_profile(report: &GuestReport, interface: &Interface) -> Vec<Advice> {
    let name = &interface.name;
    let mut found = Vec::new();
    if !interface.is_read() {
        let why = Message::new("guest-unknown-addresses").with("interface", name);
        found.push(unread::not_known(
            format!("interfaces:{name}"),
            why.to_string(),
        ));
    }
    let has_profile = report.bindings.iter().any(|binding| {
        binding.profile.is_some()
            && interface_of(report, binding).is_some_and(|one| one == interface)
    });
    let by_hand: Vec<_> = interface
        .ipv4()
        .filter(|(_, one)| one.origin != Origin::Dhcp)
        .map(|(address, _)| address)
        .filter(|address| Some(*address) != report.private_ip())
        .collect();
    if !has_profile && !by_hand.is_empty() {
        let note = Message::new("guest-fix-addresses").with("agents", "none");
        found.push(Advice {
            what: Kind::AddressWithoutFile,
            consequence: Consequence::LosesAddresses(by_hand),
            interface: Some(name.clone()),
            path: None,
            line: None,
            fix: Fix::without_commands(note),
        });
    }
    found
}
