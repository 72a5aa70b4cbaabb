//! `/etc/network/interfaces` of Debian and of Ubuntu 16.04.

use std::net::IpAddr;

use crate::ConfigFile;

use super::ini::prefix_length;
use super::profile::Backend;
use super::profile::By;
use super::profile::Configuration;
use super::profile::Profile;
use super::profile::Route;
use super::profile::Selector;

/// Reads all files. `source` lines are not followed: all files are in the report.
pub(crate) fn read<'a>(
    files: impl IntoIterator<Item = &'a ConfigFile>,
    comes_again: bool,
    into: &mut Configuration,
) {
    for file in files {
        let mut current: Option<Stanza> = None;
        for (line, text) in lines(&file.text) {
            let mut words = text.split_whitespace();
            let first = words.next().unwrap_or_default();
            let is_start = ["iface", "mapping", "auto", "source", "source-directory"]
                .contains(&first)
                || first.starts_with("allow-")
                || first == "no-auto-down"
                || first == "no-scripts";
            if is_start {
                into.profiles
                    .extend(current.take().and_then(Stanza::finish));
            }
            if first == "iface" {
                current = Stanza::begin(file, line, words, comes_again);
            } else if let Some(stanza) = &mut current {
                stanza.option(first, &words.collect::<Vec<_>>(), line);
            }
        }
        into.profiles.extend(current.and_then(Stanza::finish));
    }
}

/// The lines of a file with their numbers. A backslash at the end joins lines.
fn lines(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut joined = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let content = line.trim_end_matches('\\');
        match found.last_mut() {
            Some((_, last)) if joined => {
                last.push(' ');
                last.push_str(content);
            }
            Some(_) | None if line.is_empty() || line.starts_with('#') => continue,
            Some(_) | None => found.push((number, content.to_owned())),
        }
        joined = line.ends_with('\\');
    }
    found
}

/// A stanza under construction.
struct Stanza {
    profile: Profile,
    address: Option<String>,
    mask: Option<String>,
    is_loopback: bool,
}

impl Stanza {
    fn begin<'a>(
        file: &ConfigFile,
        line: u32,
        mut words: impl Iterator<Item = &'a str>,
        comes_again: bool,
    ) -> Option<Self> {
        let name = words.next()?;
        let family = words.next().unwrap_or_default();
        let method = words.next().unwrap_or_default();
        let name = name.split(':').next().unwrap_or(name);
        let mut profile = Profile::new(Backend::Ifupdown, &file.path, line);
        // A pattern stands behind a slash: it selects among interfaces that are there.
        let pattern = name.rsplit('/').next().unwrap_or(name);
        profile
            .selectors
            .push(Selector::new(By::Name, pattern, line));
        profile.dhcp = family == "inet" && method == "dhcp";
        profile.comes_again = comes_again && profile.volatile && profile.dhcp;
        Some(Self {
            profile,
            address: None,
            mask: None,
            is_loopback: method == "loopback" || family == "inet6",
        })
    }

    fn option(&mut self, name: &str, words: &[&str], line: u32) {
        let value = words.first().copied().unwrap_or_default();
        match name {
            "address" => self.address = Some(value.to_owned()),
            "netmask" => self.mask = Some(value.to_owned()),
            "gateway" => self.profile.gateway = Some(value.to_owned()),
            "hwaddress" => self.profile.fixed_mac = Some(line),
            "dns-nameservers" | "dns-nameserver" => {
                self.profile
                    .dns
                    .extend(words.iter().map(|word| (*word).to_owned()));
            }
            "up" | "post-up" | "pre-up" => self.command(words),
            _ => {}
        }
    }

    /// Addresses, routes and rules that a command adds.
    fn command(&mut self, words: &[&str]) {
        let behind = |word: &str| {
            let at = words.iter().position(|one| *one == word)?;
            words.get(at + 1).copied()
        };
        let first = words.first().and_then(|word| word.rsplit('/').next());
        match (first, words.get(1).copied()) {
            (Some("ip"), Some("addr" | "address" | "a")) => {
                if let Some(address) = behind("add") {
                    self.profile.add_address(address, None);
                }
            }
            (Some("ip"), Some("route" | "r" | "ro")) => {
                let to = behind("add").or_else(|| behind("replace"));
                let is_default = to == Some("default") && !words.contains(&"table");
                if is_default {
                    self.profile.gateway = behind("via").map(str::to_owned);
                } else {
                    self.profile.routes.push(Route::text(words[2..].join(" ")));
                }
            }
            (Some("ip"), Some("rule" | "ru")) => {
                self.profile.rules.push(words[2..].join(" "));
            }
            (Some("route"), Some("add")) => {
                self.profile.routes.push(Route::text(words[2..].join(" ")))
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Option<Profile> {
        if self.is_loopback {
            return None;
        }
        if let Some(address) = &self.address {
            let length = self.mask.as_deref().and_then(prefix_length);
            let is_plain = address.parse::<IpAddr>().is_ok();
            self.profile
                .add_address(address, length.filter(|_| is_plain));
        }
        Some(self.profile)
    }
}
