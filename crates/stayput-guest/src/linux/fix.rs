//! Commands that keep addresses and names.
//!
//! With one interface, what is prepared in EC2 selects the driver `virtio_net`, which no interface has there. With several, only the new MAC
//! addresses tell them apart, so the commands are for the console of the VM.

use std::net::Ipv4Addr;

use stayput_messages::Message;

use crate::advice::Fix;
use crate::advice::When;
use crate::quote::keep;
use crate::quote::shell;

use super::Guest;
use super::names::Nic;
use super::profile::Backend;
use super::profile::By;
use super::profile::Profile;
use super::runtime::find_by_address;

/// A line that writes a file.
fn write(lines: &[String], path: &str) -> String {
    let lines: Vec<_> = lines.iter().map(|line| shell(line)).collect();
    format!("printf '%s\\n' {} > {path}", lines.join(" "))
}

/// The programs that configure interfaces with instance metadata.
pub(crate) fn agents(guest: &Guest) -> String {
    if guest.agents.is_empty() {
        "-".to_owned()
    } else {
        guest.agents.join(", ")
    }
}

/// A profile that no longer applies.
pub(crate) fn profile(guest: &Guest, nic: &Nic, profile: &Profile) -> Fix {
    match profile.backend {
        Backend::Netplan | Backend::Networkd => by_driver(guest, nic, profile, &[]),
        Backend::NetworkManager | Backend::Ifcfg | Backend::Wicked | Backend::Ifupdown => {
            by_edit(nic, profile)
        }
    }
}

/// netplan and networkd: a file of its own for the new driver, or for the new MAC address.
fn by_driver(guest: &Guest, nic: &Nic, profile: &Profile, more: &[Ipv4Addr]) -> Fix {
    let mut statics: Vec<String> = profile
        .addresses
        .iter()
        .filter(|net| net.addr().is_ipv4())
        .filter(|net| !profile.dhcp || Some(net.addr()) != nic.primary.map(Into::into))
        .map(ToString::to_string)
        .collect();
    for (address, one) in nic
        .interface
        .ipv4()
        .filter(|(address, _)| more.contains(address))
    {
        if Some(address) != nic.primary {
            statics.push(one.address.to_string());
        }
    }
    statics.sort_unstable();
    statics.dedup();
    // Without other interfaces, addresses can be prepared; DHCP alone can be prepared for all.
    let is_only = nic.count == 1;
    let is_plain = statics.is_empty() && profile.routes.is_empty() && profile.dns.is_empty();
    let dhcp = profile.dhcp || statics.is_empty() || !is_only;
    let is_netplan = profile.backend == Backend::Netplan;
    let folder = if is_netplan {
        "/etc/netplan"
    } else {
        "/etc/systemd/network"
    };
    let check = if is_netplan {
        "netplan generate"
    } else {
        "networkctl reload || true"
    };
    let own = format!("stayput-{}", nic.index);
    let text = |id: &str, selector: &str, settings: bool| {
        let extra = if settings { Some(profile) } else { None };
        let statics = if settings { statics.as_slice() } else { &[] };
        if is_netplan {
            netplan(id, selector, dhcp, statics, extra)
        } else {
            networkd(selector, dhcp, statics, extra)
        }
    };
    let driver = if is_netplan {
        "driver: virtio_net"
    } else {
        "Driver=virtio_net"
    };
    let file = if is_netplan {
        "/etc/netplan/99-stayput.yaml"
    } else {
        "/etc/systemd/network/05-stayput.network"
    };
    let mut commands = vec![
        format!("install -d {folder}"),
        keep(folder),
        write(&text("stayput", driver, is_only), file),
    ];
    if is_netplan {
        commands.push(format!("chmod 600 {file}"));
    }
    commands.push(check.to_owned());
    let mut when = When::BeforeMove;
    if let Some(primary) = nic.primary.filter(|_| !is_only && !is_plain) {
        when = When::FirstBoot;
        if is_netplan {
            commands.push("netplan apply && sleep 15".to_owned());
        } else {
            commands.push("systemctl restart systemd-networkd && sleep 15".to_owned());
        }
        commands.push(find_by_address(primary));
        commands.push("test -n \"$dev\" && mac=$(cat \"/sys/class/net/$dev/address\")".to_owned());
        let selector = if is_netplan {
            "macaddress: MAC"
        } else {
            "MACAddress=MAC"
        };
        let number = nic.index;
        let file = if is_netplan {
            format!("/etc/netplan/98-stayput-{number}.yaml")
        } else {
            format!("/etc/systemd/network/04-stayput-{number}.network")
        };
        commands.push(write(&text(&own, selector, true), &file));
        commands.push(format!("sed -i \"s/MAC$/$mac/\" {file}"));
        if is_netplan {
            commands.push(format!("chmod 600 {file}"));
            commands.push("netplan apply".to_owned());
        } else {
            commands.push("systemctl restart systemd-networkd".to_owned());
        }
    }
    Fix {
        when,
        commands,
        note: Message::new("guest-fix-by-driver").with("agents", agents(guest)),
    }
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
        .collect();
    routes.extend(
        profile
            .gateway
            .clone()
            .filter(|_| !dhcp)
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
    if !profile.dns.is_empty() {
        lines.push("      nameservers:".to_owned());
        lines.push(format!("        addresses: [{}]", profile.dns.join(", ")));
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
    lines.extend(profile.dns.iter().map(|server| format!("DNS={server}")));
    lines.extend(
        profile
            .gateway
            .iter()
            .filter(|_| !dhcp)
            .map(|via| format!("Gateway={via}")),
    );
    for (to, via) in profile
        .routes
        .iter()
        .filter_map(|route| route.parts.as_ref())
    {
        lines.push("[Route]".to_owned());
        lines.push(format!("Destination={to}"));
        lines.push(format!("Gateway={via}"));
    }
    lines
}

/// The other formats: the condition in the file itself changes, and the interface keeps its name.
fn by_edit(nic: &Nic, profile: &Profile) -> Fix {
    let name = &nic.interface.name;
    let mac = profile
        .selectors
        .iter()
        .find(|selector| selector.by == By::Mac);
    let (mut path, mut commands) = (profile.path.clone(), Vec::new());
    if let Some(lasting) = profile.volatile.then(|| lasting(profile)).flatten() {
        commands.push(format!("cp -n {} {}", shell(&path), shell(&lasting)));
        path = lasting;
    } else {
        commands.push(keep(&path));
    }
    let file = shell(&path);
    if nic.count == 1 {
        match profile.backend {
            Backend::NetworkManager => {
                commands.push(format!(
                    "sed -i -e '/^mac-address=/d' -e '/^interface-name=/d' -e '/^\\[match\\]/,/^$/d' {file}"
                ));
            }
            Backend::Ifcfg if mac.is_some() => {
                commands.push(format!("sed -i '/^HWADDR=/d' {file}"));
                if !profile
                    .selectors
                    .iter()
                    .any(|selector| selector.by == By::Name)
                {
                    commands.push(format!("printf 'DEVICE=%s\\n' {} >> {file}", shell(name)));
                }
            }
            _ => {}
        }
        if profile.backend != Backend::NetworkManager {
            commands.extend(name_by_driver(nic));
        }
        return Fix {
            when: When::BeforeMove,
            commands,
            note: Message::new("guest-fix-by-edit").with("interface", name),
        };
    }
    commands.extend(new_interface(nic));
    match profile.backend {
        Backend::NetworkManager if mac.is_some() => {
            commands.push(format!(
                "sed -i \"s/^mac-address=.*/mac-address=$mac/\" {file}"
            ));
        }
        Backend::Ifcfg if mac.is_some() => {
            commands.push(format!("sed -i \"s/^HWADDR=.*/HWADDR=$mac/\" {file}"));
        }
        _ => {}
    }
    commands.push(name_by_mac(name));
    commands.push("reboot".to_owned());
    Fix {
        when: When::FirstBoot,
        commands,
        note: Message::new("guest-fix-several").with("interface", name),
    }
}

/// Where a file stays that a program writes at each start.
fn lasting(profile: &Profile) -> Option<String> {
    let folder = match profile.backend {
        Backend::NetworkManager => "/etc/NetworkManager/system-connections",
        Backend::Ifupdown => "/etc/network/interfaces.d",
        Backend::Netplan | Backend::Networkd | Backend::Ifcfg | Backend::Wicked => return None,
    };
    let name = profile.path.rsplit('/').next()?;
    Some(format!("{folder}/stayput-{name}"))
}

/// Lines that find the interface after the move by its place among all: their order is that of the device indexes.
fn new_interface(nic: &Nic) -> [String; 2] {
    let number = nic.index + 1;
    [
        format!(
            "new=$(ls -d /sys/bus/virtio/drivers/virtio_net/virtio*/net/* | sort -V | sed -n '{number}s:.*/::p')"
        ),
        "test -n \"$new\" && mac=$(cat \"/sys/class/net/$new/address\") && ip -br address show dev \"$new\"".to_owned(),
    ]
}

/// A rule that gives the only interface its name again.
fn name_by_driver(nic: &Nic) -> Option<String> {
    let name = &nic.interface.name;
    let rule =
        format!("SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"virtio_net\", NAME=\"{name}\"");
    let is_kept = nic.names_after == [name.clone()];
    (!is_kept).then(|| write(&[rule], "/etc/udev/rules.d/70-stayput.rules"))
}

/// A rule that gives an interface its name by its new MAC address.
fn name_by_mac(name: &str) -> String {
    let rule =
        format!("SUBSYSTEM==\"net\", ACTION==\"add\", ATTR{{address}}==\"MAC\", NAME=\"{name}\"");
    format!(
        "printf '%s\\n' {} | sed \"s/MAC/$mac/\" >> /etc/udev/rules.d/70-stayput.rules",
        shell(&rule)
    )
}

/// A name that a rule gives no longer.
pub(crate) fn name(nic: &Nic) -> Fix {
    let name = &nic.interface.name;
    let note = Message::new("guest-fix-name").with("interface", name);
    if nic.count == 1 {
        let commands = name_by_driver(nic).into_iter().collect();
        return Fix {
            when: When::BeforeMove,
            commands,
            note,
        };
    }
    let mut commands = new_interface(nic).to_vec();
    commands.push(name_by_mac(name));
    commands.push("reboot".to_owned());
    Fix {
        when: When::FirstBoot,
        commands,
        note,
    }
}

/// A line that sets the old MAC address.
pub(crate) fn without_line(guest: &Guest, profile: &Profile, line: u32) -> Fix {
    let note = Message::new("guest-fix-fixed-mac");
    // Lines of a text from which values were removed are not those of the file.
    let is_exact = guest
        .file(&profile.path)
        .is_some_and(|file| file.stripped == 0 && !file.without_comments);
    if !is_exact {
        return Fix::without_commands(note.clone());
    }
    let file = shell(&profile.path);
    let pattern = "[Mm][Aa][Cc]\\|[Ll][Ll][Aa][Dd][Dd][Rr]\\|hwaddress";
    Fix {
        when: When::BeforeMove,
        commands: vec![
            keep(&profile.path),
            format!("sed -i '{line}{{/{pattern}/d}}' {file}"),
        ],
        note,
    }
}

/// Settings that apply to nothing even in EC2.
pub(crate) fn stale() -> Fix {
    Fix::without_commands(Message::new("guest-fix-stale"))
}

/// Addresses that no file has.
pub(crate) fn addresses(
    guest: &Guest,
    nic: &Nic,
    profile: Option<&Profile>,
    lost: &[Ipv4Addr],
) -> Fix {
    let held: Vec<String> = nic
        .interface
        .ipv4()
        .filter(|(address, _)| lost.contains(address))
        .map(|(_, one)| one.address.to_string())
        .collect();
    let note = Message::new("guest-fix-addresses").with("agents", agents(guest));
    let mut commands = Vec::new();
    match profile {
        Some(profile) if matches!(profile.backend, Backend::Netplan | Backend::Networkd) => {
            return by_driver(guest, nic, profile, lost);
        }
        Some(profile) if profile.backend == Backend::Wicked => {
            let file = shell(&profile.path);
            commands.push(keep(&profile.path));
            for (number, address) in (1..).zip(&held) {
                let line = format!("IPADDR_STAYPUT{number}='{address}'");
                commands.push(format!("printf '%s\\n' {} >> {file}", shell(&line)));
            }
        }
        Some(profile) if profile.backend == Backend::Ifupdown && !profile.volatile => {
            let (file, name) = (shell(&profile.path), &nic.interface.name);
            commands.push(keep(&profile.path));
            for address in &held {
                commands.push(format!(
                    "sed -i '/^iface {name} inet /a \\    up ip address add {address} dev $IFACE || true' {file}"
                ));
            }
        }
        other => {
            let is_managed = other.is_some_and(|profile| {
                matches!(profile.backend, Backend::NetworkManager | Backend::Ifcfg)
            });
            let by_primary = nic.primary.filter(|primary| !lost.contains(primary));
            commands.extend(by_primary.map(find_by_address));
            if by_primary.is_none() {
                let [find, _] = new_interface(nic);
                commands.push(find.replacen("new=", "dev=", 1));
            }
            for address in &held {
                commands.push(if is_managed {
                    format!("nmcli connection modify \"$(nmcli -g GENERAL.CONNECTION device show \"$dev\")\" +ipv4.addresses {address}")
                } else {
                    format!("ip address add {address} dev \"$dev\"")
                });
            }
            if is_managed {
                commands.push("nmcli device reapply \"$dev\"".to_owned());
            }
            return Fix {
                when: When::FirstBoot,
                commands,
                note,
            };
        }
    }
    Fix {
        when: When::BeforeMove,
        commands,
        note,
    }
}
