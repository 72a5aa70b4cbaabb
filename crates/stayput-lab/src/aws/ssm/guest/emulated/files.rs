//! Files, bindings and uses, as `capture.sh` finds them.

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use crate::aws::ssm::guest::tree::Entry;
use crate::aws::ssm::guest::tree::Tree;

/// Files of a kind.
struct Group {
    name: &'static str,
    kind: &'static str,
    /// Lines that are comments or empty are left out.
    without_comments: bool,
    /// Folder and end of the names that belong to it, or whole paths.
    places: &'static [(&'static str, &'static str)],
}

const fn group(
    name: &'static str,
    kind: &'static str,
    without_comments: bool,
    places: &'static [(&'static str, &'static str)],
) -> Group {
    Group {
        name,
        kind,
        without_comments,
        places,
    }
}

/// The kinds in the order of the script. Those that no tree has are only counted.
const GROUPS: [Group; 15] = [
    group("netplan", "netplan", false, &[("etc/netplan/", ".yaml")]),
    group(
        "ifupdown",
        "ifupdown",
        false,
        &[("etc/network/interfaces", "")],
    ),
    group(
        "ifcfg",
        "ifcfg",
        false,
        &[("etc/sysconfig/network-scripts/ifcfg-", "")],
    ),
    group(
        "sysconfig",
        "ifcfg",
        false,
        &[("etc/sysconfig/network", "network")],
    ),
    group("wicked", "wicked", false, &[]),
    group("wicked_options", "wicked", true, &[]),
    group("keyfile", "keyfile", false, &[]),
    group("networkmanager", "networkmanager", true, &[]),
    group(
        "networkd",
        "networkd",
        false,
        &[
            ("etc/systemd/network/", ".network"),
            ("etc/systemd/network/", ".link"),
        ],
    ),
    group("udev", "udev", true, &[("etc/udev/rules.d/", ".rules")]),
    group("dhcp", "dhcp", true, &[]),
    group("cloud_init", "cloud-init", false, &[]),
    group("cloud_init_cache", "cloud-init", false, &[]),
    group("resolver", "resolver", true, &[("etc/resolv.conf", "")]),
    group(
        "ntp",
        "ntp",
        true,
        &[("etc/chrony.conf", ""), ("etc/chrony/chrony.conf", "")],
    ),
];

/// Addresses of EC2's link-local services.
const SERVICES: [&str; 5] = [
    "169.254.169.254",
    "169.254.169.253",
    "169.254.169.123",
    "169.254.169.250",
    "169.254.169.251",
];

/// Programs that are known to use instance metadata.
const AGENTS: [(&str, &str); 3] = [
    ("amazon-ssm-agent", "usr/bin/amazon-ssm-agent"),
    ("amazon-ec2-net-utils", "usr/share/amazon-ec2-net-utils"),
    ("cloud-init", "usr/bin/cloud-init"),
];

fn texts(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.iter().filter_map(|(path, entry)| match entry {
        Entry::File(text) => Some((path.as_str(), text.as_str())),
        Entry::Link(_) => None,
    })
}

/// Returns files, bindings, and how many files of each kind exist.
pub fn read(tree: &Tree) -> (Vec<Json>, Vec<Json>, Map<String, Json>) {
    let (mut files, mut bindings, mut looked) = (Vec::new(), Vec::new(), Map::new());
    for group in &GROUPS {
        let mut count = 0;
        for (start, end) in group.places {
            for (path, text) in texts(tree) {
                if !path.starts_with(start) || !path.ends_with(end) {
                    continue;
                }
                count += 1;
                file(group, path, text, &mut files, &mut bindings);
            }
        }
        if count > 0 || group.name != "sysconfig" {
            looked.insert(group.name.to_owned(), json!(count));
        }
    }
    looked.insert("hosts".to_owned(), json!(1));
    (files, bindings, looked)
}

fn file(group: &Group, path: &str, text: &str, files: &mut Vec<Json>, bindings: &mut Vec<Json>) {
    let path = format!("/{path}");
    let kept: String = text
        .split_inclusive('\n')
        .filter(|line| !group.without_comments || !is_comment(line))
        .collect();
    let mut shown = json!({ "path": path, "kind": group.kind, "bytes": text.len(), "text": kept });
    if group.without_comments {
        shown["without_comments"] = json!(true);
    }
    files.push(shown);
    if ["resolver", "ntp", "dhcp"].contains(&group.kind) {
        return;
    }
    for (number, line) in (1..).zip(kept.lines()) {
        if let Some(by) = bound(line) {
            bindings.push(json!({ "path": path, "line": number, "by": by, "text": line.trim() }));
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', ';', '!', '%'])
}

/// Returns what a setting depends on, by the patterns of the script.
fn bound(line: &str) -> Option<&'static str> {
    let low = line.to_ascii_lowercase();
    let start = low.trim_start();
    if start.starts_with(['#', ';']) {
        return None;
    }
    let key = |names: &[&str]| {
        start
            .split_once('=')
            .is_some_and(|(key, _)| names.contains(&key.trim_end_matches(' ')))
    };
    if has_mac(&low) {
        return Some("mac");
    }
    if low.contains("kernels==") || low.contains("id_path") || key(&["path"]) {
        return Some("path");
    }
    if key(&["driver"]) || low.contains("drivers==") || start.starts_with("driver:") {
        return Some("driver");
    }
    let words: Vec<&str> = start.split_whitespace().collect();
    if let ["iface" | "auto", "lo", ..] = words.as_slice() {
        return None;
    }
    let is_name = key(&[
        "device",
        "interface-name",
        "name",
        "originalname",
        "master",
        "bridge",
        "parent",
    ]) || low.contains("set-name:")
        || low.contains("name=\"")
        || (words.len() > 1 && matches!(words.first(), Some(&("auto" | "iface"))))
        || (start.len() < low.len() && is_interface_key(start));
    is_name.then_some("name")
}

/// Whether a text is the name of an interface and a colon.
fn is_interface_key(text: &str) -> bool {
    let Some(name) = text.trim_end().strip_suffix(':') else {
        return false;
    };
    let rest = name
        .strip_prefix("eth")
        .or_else(|| name.strip_prefix("en")?.strip_prefix(['o', 'p', 's', 'x']));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn has_mac(text: &str) -> bool {
    text.as_bytes().windows(17).any(|window| {
        window.iter().enumerate().all(|(at, byte)| {
            if at % 3 == 2 {
                matches!(byte, b':' | b'-')
            } else {
                byte.is_ascii_hexdigit()
            }
        })
    })
}

/// Returns the users of link-local services: known programs, then lines of files in `/etc`.
pub fn uses(tree: &Tree) -> Vec<Json> {
    let agents = AGENTS.iter().filter(|(_, path)| {
        tree.keys()
            .any(|found| found == path || found.starts_with(&format!("{path}/")))
    });
    let mut found: Vec<Json> = agents
        .map(|(process, path)| {
            json!({
                "where": "agent", "addresses": ["169.254.169.254"], "process": process, "path": format!("/{path}"),
            })
        })
        .collect();
    for (path, text) in texts(tree).filter(|(path, _)| path.starts_with("etc/")) {
        for (number, line) in (1..).zip(text.lines()) {
            let addresses: Vec<&str> = SERVICES
                .into_iter()
                .filter(|address| line.split_whitespace().any(|word| word == *address))
                .collect();
            if !addresses.is_empty() {
                found.push(json!({
                    "where": "file", "addresses": addresses, "line": number, "text": line.trim(),
                    "path": format!("/{path}"),
                }));
            }
        }
    }
    found
}
