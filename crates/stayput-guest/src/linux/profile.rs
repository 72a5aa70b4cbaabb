//! What a configuration file says about interfaces, in one form for all formats.

use std::net::IpAddr;

use ipnet::IpNet;
use wildmatch::WildMatch;

use super::names::Nic;

/// The driver of an interface after the move.
const NEW_DRIVER: &str = "virtio_net";

/// Whether something applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    No,
    NotKnown,
    Yes,
}

impl Verdict {
    /// The weakest of several conditions that all must hold. Without conditions, yes.
    fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().min().unwrap_or(Self::Yes)
    }

    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// The program that reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Backend {
    Netplan,
    Networkd,
    Ifcfg,
    Wicked,
    NetworkManager,
    Ifupdown,
}

/// By what a setting selects interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Mac,
    Path,
    Driver,
    /// The name that the interface has in the end.
    Name,
    /// The name that the kernel gives at first.
    KernelName,
    /// Something that is not understood.
    Other,
}

/// A condition about an interface: one of the patterns must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) by: By,
    pub(crate) patterns: Vec<String>,
    pub(crate) line: u32,
}

impl Selector {
    /// A condition with patterns that are separated by blanks.
    pub(crate) fn new(by: By, patterns: &str, line: u32) -> Self {
        let patterns = patterns.split_whitespace().map(str::to_owned).collect();
        Self { by, patterns, line }
    }

    /// Whether it matches the interface in EC2.
    pub(crate) fn now(&self, nic: &Nic) -> Verdict {
        if self.is_negated() {
            return Verdict::NotKnown;
        }
        match self.by {
            By::Mac => {
                let is_one =
                    |text: &String| text.parse().is_ok_and(|mac| nic.interface.has_mac(mac));
                Verdict::of(self.patterns.iter().any(is_one))
            }
            By::Path => match nic.interface.device.as_deref() {
                Some(device) => Verdict::of(self.any(|pattern| {
                    let tail = pattern.rsplit('-').next().unwrap_or(pattern);
                    glob(pattern, device)
                        || glob(pattern, &format!("pci-{device}"))
                        || glob(tail, device)
                })),
                None => Verdict::NotKnown,
            },
            By::Driver => match nic.interface.driver.as_deref() {
                Some(driver) => Verdict::of(self.any(|pattern| glob(pattern, driver))),
                None => Verdict::NotKnown,
            },
            By::Name => Verdict::of(self.any(|pattern| glob(pattern, &nic.interface.name))),
            By::KernelName => self.kernel_name(),
            By::Other => Verdict::NotKnown,
        }
    }

    /// Whether it matches the interface after the move, whose names can be these.
    pub(crate) fn after(&self, names: &[String]) -> Verdict {
        if self.is_negated() {
            return Verdict::NotKnown;
        }
        match self.by {
            By::Mac => Verdict::No,
            By::Path if self.any(|pattern| matches!(pattern, "*" | "?*" | "pci-*")) => Verdict::Yes,
            // Such as every slot of a bus.
            By::Path if self.any(|pattern| pattern.contains(['*', '?', '['])) => Verdict::NotKnown,
            By::Path => Verdict::No,
            By::Driver => Verdict::of(self.any(|pattern| glob(pattern, NEW_DRIVER))),
            By::Name => {
                let matching = names
                    .iter()
                    .filter(|name| self.any(|pattern| glob(pattern, name)));
                match matching.count() {
                    0 => Verdict::No,
                    count if count == names.len() => Verdict::Yes,
                    _ => Verdict::NotKnown,
                }
            }
            By::KernelName => self.kernel_name(),
            By::Other => Verdict::NotKnown,
        }
    }

    /// The kernel calls network cards `eth0`, `eth1` and so on, in an order that is not known.
    fn kernel_name(&self) -> Verdict {
        if self.any(|pattern| matches!(pattern, "*" | "?*" | "eth*" | "eth?*")) {
            Verdict::Yes
        } else if self.any(|pattern| pattern.starts_with('e')) {
            Verdict::NotKnown
        } else {
            Verdict::No
        }
    }

    fn any(&self, is_match: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| is_match(pattern))
    }

    fn is_negated(&self) -> bool {
        self.any(|pattern| pattern.starts_with('!'))
    }
}

/// Matches a shell pattern. Alternatives such as `[a-z]` are read as one letter of any kind.
fn glob(pattern: &str, text: &str) -> bool {
    let mut simple = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find('[') {
        let Some(end) = rest[start..].find(']') else {
            break;
        };
        simple.push_str(&rest[..start]);
        simple.push('?');
        rest = &rest[start + end + 1..];
    }
    simple.push_str(rest);
    WildMatch::new(&simple).matches(text)
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// As it stands there.
    pub(crate) text: String,
    /// Destination and next hop, if it is a route of the main table with both.
    pub(crate) parts: Option<(String, String)>,
}

impl Route {
    /// A route whose text is not taken apart.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            parts: None,
        }
    }
}

/// Settings of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) backend: Backend,
    pub(crate) path: String,
    /// Where it begins.
    pub(crate) line: u32,
    /// All must match.
    pub(crate) selectors: Vec<Selector>,
    pub(crate) dhcp: bool,
    pub(crate) addresses: Vec<IpNet>,
    pub(crate) gateway: Option<String>,
    /// Routes other than the default.
    pub(crate) routes: Vec<Route>,
    /// Policy rules as text.
    pub(crate) rules: Vec<String>,
    pub(crate) dns: Vec<String>,
    /// The line that sets a MAC address.
    pub(crate) fixed_mac: Option<u32>,
    /// Whether a program writes it at each start.
    pub(crate) volatile: bool,
    /// Whether that program writes it for an interface of any name and driver, without instance metadata.
    pub(crate) comes_again: bool,
}

impl Profile {
    /// A profile without settings.
    pub(crate) fn new(backend: Backend, path: &str, line: u32) -> Self {
        Self {
            backend,
            path: path.to_owned(),
            line,
            selectors: Vec::new(),
            dhcp: false,
            addresses: Vec::new(),
            gateway: None,
            routes: Vec::new(),
            rules: Vec::new(),
            dns: Vec::new(),
            fixed_mac: None,
            volatile: path.starts_with("/run/"),
            comes_again: false,
        }
    }

    /// Adds an address with or without prefix length.
    pub(crate) fn add_address(&mut self, text: &str, length: Option<u8>) {
        let host = || {
            let address: IpAddr = text.parse().ok()?;
            let full = if address.is_ipv4() { 32 } else { 128 };
            IpNet::new(address, length.unwrap_or(full)).ok()
        };
        self.addresses.extend(text.parse().ok().or_else(host));
    }

    /// Whether it applies to the interface in EC2.
    pub(crate) fn now(&self, nic: &Nic) -> Verdict {
        Verdict::all(self.selectors.iter().map(|selector| selector.now(nic)))
    }

    /// Whether it applies to the interface after the move, whose names can be these.
    pub(crate) fn after(&self, names: &[String]) -> Verdict {
        if self.comes_again {
            return Verdict::Yes;
        }
        if self.volatile {
            return Verdict::No;
        }
        Verdict::all(self.selectors.iter().map(|selector| selector.after(names)))
    }

    /// The condition that matches after the move least of all. Of several, that which says most about the device.
    pub(crate) fn weakest(&self, names: &[String]) -> Option<&Selector> {
        let order = |selector: &&Selector| (selector.after(names), selector.by as u8);
        self.selectors.iter().min_by_key(order)
    }
}

/// A rule that gives an interface its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renaming {
    pub(crate) path: String,
    pub(crate) line: u32,
    /// All must match.
    pub(crate) selectors: Vec<Selector>,
    pub(crate) name: String,
}

impl Renaming {
    /// Whether it gives the interface its name in EC2.
    pub(crate) fn now(&self, nic: &Nic) -> Verdict {
        let named = Verdict::of(nic.interface.name == self.name);
        let rest = self.selectors.iter().map(|selector| match selector.by {
            // It has another name by now.
            By::Name => selector.kernel_name().max(selector.now(nic)),
            _ => selector.now(nic),
        });
        named.min(Verdict::all(rest))
    }

    /// Whether it gives an interface its name after the move.
    pub(crate) fn after(&self) -> Verdict {
        Verdict::all(self.selectors.iter().map(|selector| match selector.by {
            By::Name => selector.kernel_name(),
            _ => selector.after(&[]),
        }))
    }
}

/// What the files of a guest say.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) profiles: Vec<Profile>,
    pub(crate) renamings: Vec<Renaming>,
    /// Files that are not in their format, with the reason.
    pub(crate) unreadable: Vec<(String, String)>,
}
