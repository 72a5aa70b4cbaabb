//! Files of netplan, and the network configuration of cloud-init.

use std::collections::BTreeMap;

use crate::ConfigFile;
use crate::yaml;
use crate::yaml::Node;

use super::profile::Backend;
use super::profile::By;
use super::profile::Configuration;
use super::profile::Profile;
use super::profile::Renaming;
use super::profile::Route;
use super::profile::Selector;

/// Reads all files of netplan. Later files add to the definitions of earlier ones, in the order of their names.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a ConfigFile>, into: &mut Configuration) {
    let mut sorted: Vec<_> = files.into_iter().collect();
    sorted.sort_by_key(|file| file.path.rsplit('/').next());
    let mut merged: BTreeMap<String, Definition> = BTreeMap::new();
    for file in sorted {
        let root = match yaml::read(&file.text) {
            Ok(root) => root,
            Err(why) => {
                into.unreadable.push((file.path.clone(), why));
                continue;
            }
        };
        let ethernets = root
            .member("network")
            .and_then(|all| all.member("ethernets"));
        for (id, node) in ethernets.map(Node::members).unwrap_or_default() {
            let merged = merged
                .entry(id.clone())
                .or_insert_with(|| Definition::new(file, node));
            merged.add(file, node);
        }
    }
    for (id, definition) in merged {
        definition.finish(id, into);
    }
}

/// An interface under construction.
struct Definition {
    profile: Profile,
    id_line: u32,
    rename: Option<(String, u32)>,
}

impl Definition {
    fn new(file: &ConfigFile, node: &Node) -> Self {
        Self {
            profile: Profile::new(Backend::Netplan, &file.path, node.line),
            id_line: node.line,
            rename: None,
        }
    }

    fn add(&mut self, file: &ConfigFile, node: &Node) {
        let Self {
            profile, rename, ..
        } = self;
        if let Some(matching) = node.member("match") {
            // The file with the condition is the one to change.
            profile.path.clone_from(&file.path);
            profile.volatile = file.path.starts_with("/run/");
            for (key, value) in matching.members() {
                let by = match key.as_str() {
                    "macaddress" => By::Mac,
                    "name" => By::Name,
                    "driver" => By::Driver,
                    "path" => By::Path,
                    _ => By::Other,
                };
                let patterns = value.texts().join(" ");
                profile
                    .selectors
                    .push(Selector::new(by, &patterns, value.line));
            }
        }
        if let Some(name) = node.member("set-name") {
            *rename = name.text().map(|text| (text.to_owned(), name.line));
        }
        if let Some(dhcp) = node.member("dhcp4") {
            profile.dhcp = dhcp.is_true();
        }
        if let Some(mac) = node.member("macaddress") {
            profile.fixed_mac = Some(mac.line);
        }
        for address in node
            .member("addresses")
            .map(Node::texts)
            .unwrap_or_default()
        {
            profile.add_address(address, None);
        }
        if let Some(gateway) = node.member("gateway4").and_then(Node::text) {
            profile.gateway = Some(gateway.to_owned());
        }
        for route in node.member("routes").map(Node::items).unwrap_or_default() {
            let to = route.member("to").and_then(Node::text).unwrap_or_default();
            let via = route.member("via").and_then(Node::text);
            let is_main = route.member("table").is_none();
            match (to, via) {
                ("default" | "0.0.0.0/0", Some(via)) if is_main => {
                    profile.gateway = Some(via.to_owned());
                }
                (to, Some(via)) => profile.routes.push(Route {
                    text: format!("{to} via {via}"),
                    parts: is_main.then(|| (to.to_owned(), via.to_owned())),
                }),
                (to, None) => profile.routes.push(Route::text(to)),
            }
        }
        for rule in node
            .member("routing-policy")
            .map(Node::items)
            .unwrap_or_default()
        {
            let from = rule.member("from").and_then(Node::text).unwrap_or_default();
            profile.rules.push(from.to_owned());
        }
        let servers = node
            .member("nameservers")
            .and_then(|dns| dns.member("addresses"));
        let servers = servers.map(Node::texts).unwrap_or_default();
        profile.dns.extend(servers.into_iter().map(str::to_owned));
    }

    fn finish(self, id: String, into: &mut Configuration) {
        let Self {
            mut profile,
            id_line,
            rename,
        } = self;
        if profile.selectors.is_empty() {
            profile
                .selectors
                .push(Selector::new(By::Name, &id, id_line));
        } else if let Some((name, line)) = rename {
            into.renamings.push(Renaming {
                path: profile.path.clone(),
                line,
                selectors: profile.selectors.clone(),
                name,
            });
        }
        into.profiles.push(profile);
    }
}

/// A setting of cloud-init that is bound to a MAC address.
pub(crate) struct CloudInit {
    pub(crate) path: String,
    pub(crate) line: u32,
}

/// What the files of cloud-init say about networks: whether it leaves them alone, and the first MAC address of each file.
pub(crate) fn cloud_init<'a>(
    files: impl IntoIterator<Item = &'a ConfigFile>,
    into: &mut Configuration,
) -> (bool, Vec<CloudInit>) {
    let (mut is_off, mut bound) = (false, Vec::new());
    for file in files {
        let root = match yaml::read(&file.text) {
            Ok(root) => root,
            Err(why) => {
                into.unreadable.push((file.path.clone(), why));
                continue;
            }
        };
        let config = root.member("network").unwrap_or(&root);
        let state = config.member("config").and_then(Node::text);
        is_off |= state == Some("disabled");
        if let Some(line) = mac_line(&root) {
            let path = file.path.clone();
            bound.push(CloudInit { path, line });
        }
    }
    (is_off, bound)
}

/// The line of the first member that has a MAC address.
fn mac_line(root: &Node) -> Option<u32> {
    let mut open = vec![root];
    let mut lines = Vec::new();
    while let Some(node) = open.pop() {
        for (key, value) in node.members() {
            let is_mac = matches!(key.as_str(), "mac_address" | "macaddress" | "mac");
            if is_mac && value.text().is_some() {
                lines.push(value.line);
            }
            open.push(value);
        }
        open.extend(node.items());
    }
    lines.into_iter().min()
}
