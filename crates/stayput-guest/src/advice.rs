//! Advice: what a guest loses after the move, and how to prevent it.

use std::net::Ipv4Addr;

use stayput_messages::Message;
use stayput_messages::list;

use crate::GuestReport;
use crate::Os;
use crate::drivers;
use crate::linux;
use crate::unread;
use crate::uses;
use crate::windows;

/// Something that does not survive the move, or about which that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Advice {
    /// What it is.
    pub what: Kind,
    /// What the guest loses.
    pub consequence: Consequence,
    /// Name of the interface, if it is about one.
    pub interface: Option<String>,
    /// File, registry key or part of the report.
    pub path: Option<String>,
    /// Line of the text in the report.
    pub line: Option<u32>,
    /// How to prevent it.
    pub fix: Fix,
}

/// What an [`Advice`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Settings apply to a MAC address only.
    MacBinding,
    /// Settings apply to a PCI path only.
    PathBinding,
    /// Settings apply to a driver only.
    DriverBinding,
    /// Settings apply to an interface name only.
    NameBinding,
    /// The name of an interface comes from a rule that does not match after the move.
    Renaming,
    /// The guest sets the old MAC address on the interface.
    FixedMac,
    /// Settings are in a file that a program writes at each start, with instance metadata.
    VolatileFile,
    /// An address that no configuration file has.
    AddressWithoutFile,
    /// An interface with a DHCP address that no configuration file is about.
    NoConfiguration,
    /// Static routes or policy rules of a configuration that does not apply after the move.
    StaticRoutes,
    /// Routes or policy rules that no configuration file has.
    RoutesWithoutFile,
    /// Name servers of a configuration that does not apply after the move.
    StaticDns,
    /// cloud-init has a copy of a configuration with the old MAC address.
    CloudInitCache,
    /// Two interfaces have addresses in one subnet.
    SharedSubnet,
    /// Addresses are on a bond, bridge or VLAN above the interfaces.
    StackedInterface,
    /// Windows keeps the static settings of an adapter that is not there.
    GhostAdapter,
    /// The static settings of a Windows adapter stay with the old device.
    StaticProfile,
    /// The guest has no driver for disk or network of the new platform.
    NoVirtioDriver,
    /// Programs use instance metadata.
    UsesMetadata,
    /// Programs use the resolver of the VPC at its link-local address.
    UsesResolver,
    /// Programs use the time service of EC2.
    UsesTime,
    /// Windows uses the activation service of EC2.
    UsesActivation,
    /// A part was not read.
    NotRead,
}

/// What a guest loses at its first start after the move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// These addresses.
    LosesAddresses(Vec<Ipv4Addr>),
    /// The name of an interface.
    LosesName,
    /// Static routes or policy rules.
    LosesRoutes,
    /// Name servers.
    LosesDns,
    /// A service that only EC2 has.
    LosesService,
    /// It does not start, or starts without network.
    LosesBoot,
    /// Nothing at the first start, but the setting is stale then.
    LosesNothingNow,
    /// Not known.
    Unknown,
}

/// How to prevent a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// When the commands are to run.
    pub when: When,
    /// Lines for the shell of Linux as root, or for PowerShell as administrator. They copy what they change to `/var/lib/stayput` or
    /// `C:\ProgramData\stayput`. Empty if only a person can decide.
    pub commands: Vec<String>,
    /// What to know about them.
    pub note: Message,
}

/// When commands are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// In EC2: they do not disturb the guest there.
    BeforeMove,
    /// After the move, on the console of the VM.
    FirstBoot,
}

impl Fix {
    /// Something that a person has to decide before the move.
    pub(crate) fn without_commands(note: Message) -> Self {
        Self {
            when: When::BeforeMove,
            commands: Vec::new(),
            note,
        }
    }
}

impl Advice {
    /// Returns what it is and what is lost, as a sentence.
    pub fn message(&self) -> Message {
        Message::new("guest-advice")
            .part("what", self.what.message())
            .part("consequence", self.consequence.message())
    }
}

impl Kind {
    /// Returns what it is.
    pub fn message(self) -> Message {
        match self {
            Self::MacBinding => Message::new("guest-kind-mac"),
            Self::PathBinding => Message::new("guest-kind-path"),
            Self::DriverBinding => Message::new("guest-kind-driver"),
            Self::NameBinding => Message::new("guest-kind-name"),
            Self::Renaming => Message::new("guest-kind-renaming"),
            Self::FixedMac => Message::new("guest-kind-fixed-mac"),
            Self::VolatileFile => Message::new("guest-kind-volatile"),
            Self::AddressWithoutFile => Message::new("guest-kind-no-file"),
            Self::NoConfiguration => Message::new("guest-kind-no-configuration"),
            Self::StaticRoutes => Message::new("guest-kind-routes"),
            Self::RoutesWithoutFile => Message::new("guest-kind-routes-no-file"),
            Self::StaticDns => Message::new("guest-kind-dns"),
            Self::CloudInitCache => Message::new("guest-kind-cloud-init"),
            Self::SharedSubnet => Message::new("guest-kind-shared-subnet"),
            Self::StackedInterface => Message::new("guest-kind-stacked"),
            Self::GhostAdapter => Message::new("guest-kind-ghost"),
            Self::StaticProfile => Message::new("guest-kind-static-profile"),
            Self::NoVirtioDriver => Message::new("guest-kind-no-driver"),
            Self::UsesMetadata => Message::new("guest-kind-metadata"),
            Self::UsesResolver => Message::new("guest-kind-resolver"),
            Self::UsesTime => Message::new("guest-kind-time"),
            Self::UsesActivation => Message::new("guest-kind-activation"),
            Self::NotRead => Message::new("guest-kind-not-read"),
        }
    }
}

impl Consequence {
    /// Returns what is lost.
    pub fn message(&self) -> Message {
        match self {
            Self::LosesAddresses(addresses) => {
                Message::new("guest-loses-addresses").with("addresses", list::commas(addresses))
            }
            Self::LosesName => Message::new("guest-loses-name"),
            Self::LosesRoutes => Message::new("guest-loses-routes"),
            Self::LosesDns => Message::new("guest-loses-dns"),
            Self::LosesService => Message::new("guest-loses-service"),
            Self::LosesBoot => Message::new("guest-loses-boot"),
            Self::LosesNothingNow => Message::new("guest-loses-nothing-now"),
            Self::Unknown => Message::new("guest-loses-unknown"),
        }
    }
}

/// Makes one command of several, of which none runs after one that failed.
fn stop_at_a_failure(commands: &mut Vec<String>) {
    if commands.len() > 1 {
        commands.insert(0, "( set -e".to_owned());
        commands.push(")".to_owned());
    }
}

/// Returns what a guest loses after the move, most important things first. An empty list means that everything was read and nothing is lost.
pub fn advise(report: &GuestReport) -> Vec<Advice> {
    let mut all = match report.os {
        Os::Linux => linux::advise(report),
        Os::Windows => windows::advise(report),
        Os::Unknown => {
            let why = Message::new("guest-os-unknown").to_string();
            vec![unread::not_known("os".to_owned(), why)]
        }
    };
    all.extend(drivers::advise(report));
    all.extend(uses::advise(report));
    all.extend(unread::advise(report));
    let rank = |advice: &Advice| match advice.consequence {
        Consequence::LosesBoot => 0,
        Consequence::LosesAddresses(_) => 1,
        Consequence::Unknown => 2,
        Consequence::LosesName | Consequence::LosesRoutes | Consequence::LosesDns => 3,
        Consequence::LosesService => 4,
        Consequence::LosesNothingNow => 5,
    };
    all.sort_by_key(rank);
    if report.os == Os::Linux {
        for advice in &mut all {
            stop_at_a_failure(&mut advice.fix.commands);
        }
    }
    all
}
