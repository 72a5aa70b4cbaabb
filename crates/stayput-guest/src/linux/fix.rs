//! Commands that keep addresses and names.
//!
//! With one interface, what is prepared in EC2 selects the driver `virtio_net`, which no interface has there. With several, only the new MAC
//! addresses tell them apart, so the commands are for the console of the VM.

mod by_driver;

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
        "none".to_owned()
    } else {
        guest.agents.join(", ")
    }
}

/// A profile that no longer applies.
pub(crate) fn profile(guest: &Guest, nic: &Nic, profile: &Profile) -> Fix {
    match profile.backend {
        Backend::Netplan | Backend::Networkd => by_driver::fix(guest, nic, profile),
        Backend::NetworkManager | Backend::Ifcfg | Backend::Wicked | Backend::Ifupdown => {
            by_edit(nic, profile)
        }
    }
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
                    "sed -i -e '/^mac-address=/d' -e '/^interface-name=/d' -e '/^\\[match\\]/,/^\\[/{{/^\\[match\\]/d;/^\\[/!d}}' {file}"
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
fn new_interface(nic: &Nic) -> [String; 3] {
    let number = nic.index + 1;
    [
        format!(
            "new=$(ls -d /sys/bus/virtio/drivers/virtio_net/virtio*/net/* | sort -V | sed -n '{number}s:.*/::p')"
        ),
        "test -n \"$new\"".to_owned(),
        "mac=$(cat \"/sys/class/net/$new/address\")".to_owned(),
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

/// A rule that applies no longer and whose name the interface has all the same.
pub(crate) fn kept_name(nic: &Nic) -> Fix {
    let name = &nic.interface.name;
    Fix::without_commands(Message::new("guest-fix-kept-name").with("interface", name))
}

/// A line that sets the old MAC address.
pub(crate) fn without_line(guest: &Guest, profile: &Profile, line: u32) -> Fix {
    let note = Message::new("guest-fix-fixed-mac");
    let edit = match profile.backend {
        Backend::Ifcfg => "/^[[:space:]]*MACADDR=/d".to_owned(),
        Backend::Wicked => "/^[[:space:]]*LLADDR=/d".to_owned(),
        Backend::Ifupdown => "/^[[:space:]]*hwaddress[[:space:]]/d".to_owned(),
        Backend::NetworkManager => "/^cloned-mac-address=/d".to_owned(),
        Backend::Networkd => "/^\\[Link\\]/,/^\\[/{/^MACAddress=/d}".to_owned(),
        Backend::Netplan => {
            // A condition has the same key. Lines of a text from which values were removed are not those of the file.
            let file = guest.file(&profile.path);
            if file.is_none_or(|file| file.stripped > 0 || file.without_comments) {
                return Fix::without_commands(note);
            }
            format!("{line}{{/macaddress:/d}}")
        }
    };
    Fix {
        when: When::BeforeMove,
        commands: vec![
            keep(&profile.path),
            format!("sed -i {} {}", shell(&edit), shell(&profile.path)),
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
            return by_driver::fix(guest, nic, profile);
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
                let edit = format!(
                    "/^iface {name} inet /a \\    up ip address add {address} dev $IFACE || true"
                );
                commands.push(format!("sed -i {} {file}", shell(&edit)));
            }
        }
        other => {
            let is_managed = other.is_some_and(|profile| {
                matches!(profile.backend, Backend::NetworkManager | Backend::Ifcfg)
            });
            let by_primary = nic.primary.filter(|primary| !lost.contains(primary));
            commands.extend(by_primary.map(find_by_address));
            if by_primary.is_none() {
                let [find, ..] = new_interface(nic);
                commands.push(find.replacen("new=", "dev=", 1));
            }
            commands.push("test -n \"$dev\"".to_owned());
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
