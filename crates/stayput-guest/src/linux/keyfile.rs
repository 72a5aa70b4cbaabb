//! Connection profiles of NetworkManager.

use crate::ConfigFile;

use super::ini::Entry;
use super::ini::sections;
use super::profile::Backend;
use super::profile::By;
use super::profile::Configuration;
use super::profile::Profile;
use super::profile::Route;
use super::profile::Selector;

/// Reads all files.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a ConfigFile>, into: &mut Configuration) {
    for file in files {
        // netplan writes these again from its own files at each start.
        if file.path.starts_with("/run/") && file.path.contains("/netplan-") {
            continue;
        }
        into.profiles.extend(profile(file));
    }
}

/// Whether NetworkManager connects interfaces without a profile by DHCP, as it does unless a file forbids it.
pub(crate) fn connects_by_itself<'a>(files: impl IntoIterator<Item = &'a ConfigFile>) -> bool {
    let mut files = files.into_iter();
    !files.any(|file| {
        sections(&file.text)
            .iter()
            .any(|entry| entry.key == "no-auto-default")
    })
}

fn profile(file: &ConfigFile) -> Option<Profile> {
    let entries = sections(&file.text);
    let kind = entries
        .iter()
        .find(|entry| entry.section == "connection" && entry.key == "type")
        .map(|entry| entry.value.as_str());
    if !matches!(kind, None | Some("ethernet" | "802-3-ethernet")) {
        return None;
    }
    let is_manual = |entry: &Entry| {
        let value = entry.value.to_ascii_lowercase();
        entry.key == "autoconnect" && matches!(value.as_str(), "false" | "no" | "0")
    };
    if entries.iter().any(is_manual) {
        return None;
    }
    let mut profile = Profile::new(Backend::NetworkManager, &file.path, 1);
    let mut manual = false;
    for entry in &entries {
        let Entry {
            section,
            key,
            value,
            line,
            section_line: _,
        } = entry;
        let list = value.replace([';', ','], " ");
        match (section.as_str(), key.as_str()) {
            ("connection", "interface-name") => {
                profile
                    .selectors
                    .push(Selector::new(By::Name, value, *line));
            }
            ("match", "interface-name") => {
                profile
                    .selectors
                    .push(Selector::new(By::Name, &list, *line));
            }
            ("match", "driver") => profile
                .selectors
                .push(Selector::new(By::Driver, &list, *line)),
            ("match", "path") => profile
                .selectors
                .push(Selector::new(By::Path, &list, *line)),
            ("match", _) => profile
                .selectors
                .push(Selector::new(By::Other, &list, *line)),
            ("ethernet" | "802-3-ethernet", "mac-address") => {
                profile.selectors.push(Selector::new(By::Mac, value, *line));
            }
            ("ethernet" | "802-3-ethernet", "cloned-mac-address") => {
                let by_rule = ["permanent", "preserve", "random", "stable", ""];
                if !by_rule.contains(&value.as_str()) {
                    profile.fixed_mac = Some(*line);
                }
            }
            ("ipv4", "method") => {
                profile.dhcp = value == "auto";
                manual = value == "manual";
            }
            ("ipv4", "gateway") => profile.gateway = Some(value.clone()),
            ("ipv4", "dns") => {
                profile
                    .dns
                    .extend(list.split_whitespace().map(str::to_owned));
            }
            ("ipv4", key) if numbered(key, "address") || key == "addresses" => {
                let mut parts = value.split([',', ';']);
                if let Some(address) = parts.next() {
                    profile.add_address(address, None);
                }
                if let Some(gateway) = parts.next().filter(|text| !text.is_empty()) {
                    profile.gateway = Some(gateway.to_owned());
                }
            }
            ("ipv4", key) if numbered(key, "route") && !value.starts_with("0.0.0.0/0") => {
                profile.routes.push(Route::text(value));
            }
            ("ipv4", key) if numbered(key, "routing-rule") => {
                profile.rules.push(value.clone());
            }
            _ => {}
        }
    }
    // The default of the method is automatic.
    let has_method = entries
        .iter()
        .any(|entry| entry.section == "ipv4" && entry.key == "method");
    profile.dhcp |= !has_method && !manual;
    Some(profile)
}

/// Whether a key is a name with a number.
fn numbered(key: &str, name: &str) -> bool {
    let rest = key.strip_prefix(name);
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}
