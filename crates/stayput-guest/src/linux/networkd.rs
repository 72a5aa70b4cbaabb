//! Files of systemd-networkd, and `.link` files of systemd-udevd.

use std::collections::BTreeMap;

use crate::ConfigFile;

use super::ini::Entry;
use super::ini::sections;
use super::profile::Backend;
use super::profile::By;
use super::profile::Configuration;
use super::profile::Profile;
use super::profile::Renaming;
use super::profile::Route;
use super::profile::Selector;

/// Reads all files. Profiles are in the order in which networkd takes the first that matches.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a ConfigFile>, into: &mut Configuration) {
    let mut units: BTreeMap<String, (String, Vec<Entry>)> = BTreeMap::new();
    let mut drop_ins = Vec::new();
    for file in files {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let unit = folder
            .rsplit('/')
            .next()
            .and_then(|last| last.strip_suffix(".d"));
        if let Some(unit) = unit {
            drop_ins.push((unit.to_owned(), sections(&file.text)));
            continue;
        }
        // A file in /etc replaces one of the same name in /run, and that one in /usr/lib.
        let rank = |path: &str| match path {
            path if path.starts_with("/etc/") => 0,
            path if path.starts_with("/run/") => 1,
            _ => 2,
        };
        let before = units.get(name).map(|(path, _)| rank(path));
        if before.is_none_or(|before| rank(&file.path) < before) {
            units.insert(name.to_owned(), (file.path.clone(), sections(&file.text)));
        }
    }
    for (unit, entries) in drop_ins {
        if let Some((_, all)) = units.get_mut(&unit) {
            all.extend(entries);
        }
    }
    for (name, (path, entries)) in units {
        // netplan writes these again from its own files at each start.
        let is_generated = path.starts_with("/run/") && name.starts_with("10-netplan-");
        if is_generated {
            continue;
        }
        if name.ends_with(".network") {
            into.profiles.extend(network(&path, &entries));
        } else if name.ends_with(".link") {
            into.renamings.extend(link(&path, &entries));
        }
    }
}

fn selectors(entries: &[Entry], name: By) -> Vec<Selector> {
    let matching = entries.iter().filter(|entry| entry.section == "Match");
    matching
        .filter(|entry| !entry.value.is_empty())
        .map(|entry| {
            let (by, value) = match (entry.key.as_str(), entry.value.as_str()) {
                ("MACAddress" | "PermanentMACAddress", value) => (By::Mac, value),
                ("Path", value) => (By::Path, value),
                ("Driver", value) => (By::Driver, value),
                ("Name", value) => (name, value),
                ("OriginalName", value) => (By::KernelName, value),
                // Every network card is of this type.
                ("Type", "ether") => (By::KernelName, "*"),
                (_, value) => (By::Other, value),
            };
            Selector::new(by, value, entry.line)
        })
        .collect()
}

fn network(path: &str, entries: &[Entry]) -> Option<Profile> {
    let line = entries.first().map_or(1, |entry| entry.line);
    let mut profile = Profile::new(Backend::Networkd, path, line);
    profile.selectors = selectors(entries, By::Name);
    routes(&mut profile, entries);
    for entry in entries {
        let value = entry.value.as_str();
        match (entry.section.as_str(), entry.key.as_str()) {
            ("Network", "DHCP") => {
                let on = ["yes", "true", "ipv4", "both", "on", "1", "v4"];
                profile.dhcp = on.contains(&value.to_ascii_lowercase().as_str());
            }
            ("Network" | "Address", "Address") => profile.add_address(value, None),
            ("Network", "Gateway") => profile.gateway = Some(value.to_owned()),
            ("Network", "DNS") => {
                profile
                    .dns
                    .extend(value.split_whitespace().map(str::to_owned));
            }
            ("RoutingPolicyRule", "From" | "To") => profile.rules.push(value.to_owned()),
            ("Link", "MACAddress") => profile.fixed_mac = Some(entry.line),
            _ => {}
        }
    }
    // Bridges, tunnels and the like are not of the devices that change.
    let is_bound_to = |selector: &Selector| {
        let virtual_only = |name: &String| {
            [
                "wg", "tun", "tap", "br", "veth", "docker", "bond", "lo", "wl", "ww",
            ]
            .iter()
            .any(|start| name.starts_with(start))
        };
        selector.by == By::Name && selector.patterns.iter().all(virtual_only)
    };
    (!profile.selectors.iter().any(is_bound_to)).then_some(profile)
}

/// Adds the routes, each of which has a section of its own.
fn routes(profile: &mut Profile, entries: &[Entry]) {
    let mut sections: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.section == "Route") {
        sections.entry(entry.section_line).or_default().push(entry);
    }
    for section in sections.values() {
        let get = |key: &str| {
            section
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| entry.value.clone())
        };
        let (to, via, table) = (get("Destination"), get("Gateway"), get("Table"));
        match (to, via, table) {
            (None, Some(via), None) => profile.gateway = Some(via),
            (None, via, table) => {
                let (via, table) = (via.unwrap_or_default(), table.unwrap_or_default());
                profile
                    .routes
                    .push(Route::text(format!("default via {via} table {table}")));
            }
            (Some(to), Some(via), None) => profile.routes.push(Route {
                text: format!("{to} via {via}"),
                parts: Some((to, via)),
            }),
            (Some(to), _, _) => profile.routes.push(Route::text(to)),
        }
    }
}

fn link(path: &str, entries: &[Entry]) -> Option<Renaming> {
    let name = entries
        .iter()
        .find(|entry| entry.section == "Link" && entry.key == "Name")?;
    Some(Renaming {
        path: path.to_owned(),
        line: name.line,
        selectors: selectors(entries, By::KernelName),
        name: name.value.clone(),
    })
}
