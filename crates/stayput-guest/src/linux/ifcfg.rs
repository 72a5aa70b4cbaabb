//! Files `ifcfg-NAME`: of the network scripts and of NetworkManager on Red Hat, and of wicked on SUSE.

use crate::ConfigFile;

use super::ini::Entry;
use super::ini::prefix_length;
use super::ini::variables;
use super::profile::Backend;
use super::profile::By;
use super::profile::Configuration;
use super::profile::Profile;
use super::profile::Renaming;
use super::profile::Route;
use super::profile::Selector;

/// Reads the files of Red Hat: `ifcfg-*`, with their `route-*` and `rule-*`.
pub(crate) fn read_red_hat<'a>(
    files: impl IntoIterator<Item = &'a ConfigFile>,
    into: &mut Configuration,
) {
    let files: Vec<_> = files.into_iter().collect();
    for file in &files {
        let Some(suffix) = suffix(file, "ifcfg-") else {
            continue;
        };
        let entries = variables(&file.text);
        let get = |key: &str| find(&entries, key);
        let kind = get("TYPE").map(|entry| entry.value.to_ascii_lowercase());
        if !matches!(kind.as_deref(), None | Some("" | "ethernet")) {
            continue;
        }
        if get("ONBOOT").is_some_and(|entry| entry.value.eq_ignore_ascii_case("no")) {
            continue;
        }
        let mut profile = Profile::new(Backend::Ifcfg, &file.path, 1);
        let device = get("DEVICE").filter(|entry| !entry.value.is_empty());
        // An alias such as eth0:1 belongs to its interface.
        let name = device.map_or(suffix, |entry| &entry.value);
        let name = name.split(':').next().unwrap_or(name).to_owned();
        if let Some(mac) = get("HWADDR").filter(|entry| !entry.value.is_empty()) {
            let selector = Selector::new(By::Mac, &mac.value, mac.line);
            // The network scripts also give the interface this name.
            if device.is_some() {
                into.renamings.push(Renaming {
                    path: file.path.clone(),
                    line: mac.line,
                    selectors: vec![selector.clone()],
                    name: name.clone(),
                });
            }
            profile.selectors.push(selector);
        }
        if device.is_some() || profile.selectors.is_empty() {
            let line = device.map_or(1, |entry| entry.line);
            profile.selectors.push(Selector::new(By::Name, &name, line));
        }
        profile.fixed_mac = get("MACADDR").map(|entry| entry.line);
        profile.dhcp = get("BOOTPROTO").is_some_and(|entry| is_dhcp(&entry.value));
        addresses(&mut profile, &entries);
        profile.gateway = get("GATEWAY").map(|entry| entry.value.clone());
        let is_dns = |entry: &&Entry| numbered(&entry.key, "DNS");
        let servers = entries
            .iter()
            .filter(is_dns)
            .map(|entry| entry.value.clone());
        profile
            .dns
            .extend(servers.filter(|server| !server.is_empty()));
        for other in &files {
            let is_of =
                |start| self::suffix(other, start).is_some_and(|of| of == suffix || of == name);
            if is_of("route-") {
                profile
                    .routes
                    .extend(route_lines(&other.text).map(Route::text));
            } else if is_of("rule-") {
                profile
                    .rules
                    .extend(route_lines(&other.text).map(str::to_owned));
            }
        }
        into.profiles.push(profile);
    }
}

/// Reads the files of SUSE: `ifcfg-*`, with their `ifroute-*` and the common `routes`.
pub(crate) fn read_wicked<'a>(
    files: impl IntoIterator<Item = &'a ConfigFile>,
    into: &mut Configuration,
) {
    let files: Vec<_> = files.into_iter().collect();
    for file in &files {
        let Some(name) = suffix(file, "ifcfg-") else {
            continue;
        };
        let entries = variables(&file.text);
        let get = |key: &str| find(&entries, key);
        let is_virtual = ["BRIDGE", "BONDING_MASTER", "ETHERDEVICE", "TUNNEL"]
            .iter()
            .any(|key| get(key).is_some_and(|entry| !matches!(entry.value.as_str(), "" | "no")));
        let mode = get("STARTMODE").map(|entry| entry.value.as_str());
        if is_virtual || matches!(mode, Some("off" | "manual")) {
            continue;
        }
        let mut profile = Profile::new(Backend::Wicked, &file.path, 1);
        profile.selectors.push(Selector::new(By::Name, name, 1));
        profile.fixed_mac = get("LLADDR")
            .filter(|entry| !entry.value.is_empty())
            .map(|entry| entry.line);
        profile.dhcp = get("BOOTPROTO").is_some_and(|entry| is_dhcp(&entry.value));
        addresses(&mut profile, &entries);
        for other in &files {
            if suffix(other, "ifroute-") == Some(name) {
                profile
                    .routes
                    .extend(route_lines(&other.text).map(Route::text));
            }
        }
        into.profiles.push(profile);
    }
}

fn suffix<'a>(file: &'a ConfigFile, start: &str) -> Option<&'a str> {
    let name = file.path.rsplit('/').next()?;
    name.strip_prefix(start)
}

fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().rev().find(|entry| entry.key == key)
}

fn is_dhcp(protocol: &str) -> bool {
    let protocol = protocol.to_ascii_lowercase();
    protocol == "bootp" || (protocol.starts_with("dhcp") && protocol != "dhcp6")
}

/// Whether a key is a name with an optional number, which SUSE puts behind an underscore.
fn numbered(key: &str, name: &str) -> bool {
    let Some(rest) = key.strip_prefix(name) else {
        return false;
    };
    let rest = rest.strip_prefix('_').unwrap_or(rest);
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !rest.bytes().any(|byte| byte.is_ascii_lowercase())
        || rest.is_empty()
}

/// Adds `IPADDR` with its prefix or mask, and the same with numbers.
fn addresses(profile: &mut Profile, entries: &[Entry]) {
    for entry in entries
        .iter()
        .filter(|entry| numbered(&entry.key, "IPADDR"))
    {
        let number = &entry.key["IPADDR".len()..];
        let of = |key: &str| find(entries, &format!("{key}{number}"));
        let length = ["PREFIX", "PREFIXLEN", "NETMASK"]
            .iter()
            .find_map(|key| of(key));
        let length = length.and_then(|entry| prefix_length(&entry.value));
        profile.add_address(&entry.value, length);
    }
}

/// Routes of all forms: a line of `ip route`, the columns of SUSE, and variables `ADDRESS0`.
fn route_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|line| !line.starts_with("default") && !line.starts_with("0.0.0.0/0"))
        .filter_map(|line| match line.split_once('=') {
            Some((key, value)) if key.starts_with("ADDRESS") => Some(value.trim_matches('"')),
            Some((key, _))
                if key
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) =>
            {
                None
            }
            Some(_) | None => Some(line),
        })
}
