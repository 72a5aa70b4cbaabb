//! Fixes for netplan and networkd: files of their own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use stayput_messages::Message;

use crate::advice::Fix;
use crate::advice::When;
use crate::quote::keep;

use super::agents;
use super::write;
use crate::linux::Guest;
use crate::linux::names::Nic;
use crate::linux::profile::Backend;
use crate::linux::profile::Profile;
use crate::linux::runtime::find_by_address;

/// Where a program reads its files, and how they are written.
struct Format {
    is_netplan: bool,
    folder: &'static str,
    /// File for the new driver.
    file: &'static str,
    /// Checks or loads the file, without effect on interfaces of EC2.
    check: &'static str,
    /// Applies the files after the move.
    apply: &'static str,
    driver: &'static str,
    mac: &'static str,
}

const NETPLAN: Format = Format {
    is_netplan: true,
    folder: "/etc/netplan",
    file: "/etc/netplan/99-stayput.yaml",
    check: "netplan generate",
    apply: "netplan apply",
    driver: "driver: virtio_net",
    mac: "macaddress: MAC",
};

const NETWORKD: Format = Format {
    is_netplan: false,
    folder: "/etc/systemd/network",
    file: "/etc/systemd/network/05-stayput.network",
    check: "networkctl reload || true",
    apply: "systemctl restart systemd-networkd",
    driver: "Driver=virtio_net",
    mac: "MACAddress=MAC",
};

/// A file of its own for the new driver, or for the new MAC address. All losses of an interface have the same file.
pub(crate) fn fix(guest: &Guest, nic: &Nic, profile: &Profile) -> Fix {
    let format = match profile.backend {
        Backend::Netplan => NETPLAN,
        _ => NETWORKD,
    };
    let statics = statics(nic, profile);
    // Without other interfaces, addresses can be prepared; DHCP alone can be prepared for all.
    let is_only = nic.count == 1;
    let is_plain = statics.is_empty() && profile.routes.is_empty() && profile.dns.is_empty();
    let dhcp = profile.dhcp || statics.is_empty() || !is_only;
    let common = if is_only {
        format.lines("stayput", format.driver, dhcp, &statics, Some(profile))
    } else {
        format.lines("stayput", format.driver, true, &[], None)
    };
    let mut commands = vec![format!("install -d {}", format.folder), keep(format.folder)];
    commands.extend(format.write(&common, format.file));
    commands.push(format.check.to_owned());
    let mut when = When::BeforeMove;
    if let Some(primary) = nic.primary.filter(|_| !is_only && !is_plain) {
        when = When::FirstBoot;
        let id = format!("stayput-{}", nic.index);
        // Both sort before the file for the driver, so that theirs are the settings.
        let file = if format.is_netplan {
            format!("/etc/netplan/98-{id}.yaml")
        } else {
            format!("/etc/systemd/network/04-{id}.network")
        };
        let own = format.lines(&id, format.mac, dhcp, &statics, Some(profile));
        commands.push(format.apply.to_owned());
        commands.push("sleep 15".to_owned());
        commands.push(find_by_address(primary));
        commands.push("test -n \"$dev\"".to_owned());
        commands.push("mac=$(cat \"/sys/class/net/$dev/address\")".to_owned());
        commands.extend(format.write(&own, &file));
        commands.push(format!("sed -i \"s/MAC$/$mac/\" {file}"));
        commands.push(format.apply.to_owned());
    }
    Fix {
        when,
        commands,
        note: Message::new("guest-fix-by-driver").with("agents", agents(guest)),
    }
}

/// The addresses that DHCP does not give: those of the profile, and those that the interface has without a file.
fn statics(nic: &Nic, profile: &Profile) -> Vec<String> {
    let is_static = |address: IpAddr| {
        let by_dhcp = profile.dhcp && nic.primary.map(IpAddr::from) == Some(address);
        address.is_ipv4() && !by_dhcp
    };
    let of_profile = profile.addresses.iter().filter(|net| is_static(net.addr()));
    let held = nic.interface.ipv4().map(|(_, one)| &one.address);
    let held = held.filter(|net| nic.primary.map(IpAddr::from) != Some(net.addr()));
    let all: BTreeSet<String> = of_profile.chain(held).map(ToString::to_string).collect();
    all.into_iter().collect()
}

impl Format {
    fn lines(
        &self,
        id: &str,
        selector: &str,
        dhcp: bool,
        statics: &[String],
        profile: Option<&Profile>,
    ) -> Vec<String> {
        if self.is_netplan {
            netplan(id, selector, dhcp, statics, profile)
        } else {
            networkd(selector, dhcp, statics, profile)
        }
    }

    fn write(&self, lines: &[String], file: &str) -> Vec<String> {
        let mut commands = vec![write(lines, file)];
        if self.is_netplan {
            // netplan warns of files that others can read.
            commands.push(format!("chmod 600 {file}"));
        }
        commands
    }
}

/// Whether a text of a guest is what it should be, so that it can stand in a file of its own.
fn is_address(text: &str) -> bool {
    text == "default" || text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok()
}

/// The lines of a netplan file. Its definition has a name of its own, so that it adds to none.
fn netplan(
    id: &str,
    selector: &str,
    dhcp: bool,
    statics: &[String],
    extra: Option<&Profile>,
) -> Vec<String> {
    let mut lines = vec![
        "network:".to_owned(),
        "  version: 2".to_owned(),
        "  ethernets:".to_owned(),
        format!("    {id}:"),
        "      match:".to_owned(),
        format!("        {selector}"),
        format!("      dhcp4: {dhcp}"),
    ];
    if !statics.is_empty() {
        lines.push(format!("      addresses: [{}]", statics.join(", ")));
    }
    let Some(profile) = extra else { return lines };
    let mut routes: Vec<_> = profile
        .routes
        .iter()
        .filter_map(|route| route.parts.clone())
        .filter(|(to, via)| is_address(to) && is_address(via))
        .collect();
    routes.extend(
        profile
            .gateway
            .clone()
            .filter(|via| !dhcp && is_address(via))
            .map(|via| ("0.0.0.0/0".to_owned(), via)),
    );
    if !routes.is_empty() {
        lines.push("      routes:".to_owned());
        lines.extend(
            routes
                .iter()
                .map(|(to, via)| format!("        - {{to: {to}, via: {via}}}")),
        );
    }
    let dns: Vec<_> = profile.dns.iter().filter(|one| is_address(one)).collect();
    if !dns.is_empty() {
        lines.push("      nameservers:".to_owned());
        let dns: Vec<_> = dns.into_iter().map(String::as_str).collect();
        lines.push(format!("        addresses: [{}]", dns.join(", ")));
    }
    lines
}

/// The lines of a `.network` file.
fn networkd(
    selector: &str,
    dhcp: bool,
    statics: &[String],
    extra: Option<&Profile>,
) -> Vec<String> {
    let mut lines = vec![
        "[Match]".to_owned(),
        selector.to_owned(),
        "[Network]".to_owned(),
        format!("DHCP={}", if dhcp { "ipv4" } else { "no" }),
    ];
    lines.extend(statics.iter().map(|address| format!("Address={address}")));
    let Some(profile) = extra else { return lines };
    let dns = profile.dns.iter().filter(|one| is_address(one));
    lines.extend(dns.map(|server| format!("DNS={server}")));
    lines.extend(
        profile
            .gateway
            .iter()
            .filter(|via| !dhcp && is_address(via))
            .map(|via| format!("Gateway={via}")),
    );
    for (to, via) in profile
        .routes
        .iter()
        .filter_map(|route| route.parts.as_ref())
        .filter(|(to, via)| is_address(to) && is_address(via))
    {
        lines.push("[Route]".to_owned());
        lines.push(format!("Destination={to}"));
        lines.push(format!("Gateway={via}"));
    }
    lines
}
