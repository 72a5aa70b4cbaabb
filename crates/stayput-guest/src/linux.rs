//! What a Linux guest loses.
//!
//! Each file is read into one form ([`profile`]). For each interface the profiles that apply in EC2 are found, then those that will apply
//! after the move; the difference is lost.

mod fix;
mod ifcfg;
mod ifupdown;
mod ini;
mod judge;
mod keyfile;
mod names;
mod netplan;
mod networkd;
mod profile;
mod runtime;
mod udev;

use std::collections::BTreeSet;

use stayput_messages::Message;

use crate::ConfigFile;
use crate::GuestReport;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;
use crate::advice::When;
use crate::unread;

use names::Nic;
use profile::Configuration;

/// A guest with its configuration.
struct Guest<'a> {
    report: &'a GuestReport,
    configuration: Configuration,
    nics: Vec<Nic<'a>>,
    /// Programs that configure interfaces with instance metadata.
    agents: Vec<&'a str>,
}

impl<'a> Guest<'a> {
    fn file(&self, path: &str) -> Option<&'a ConfigFile> {
        self.report.files.iter().find(|file| file.path == path)
    }
}

/// Programs that configure interfaces with instance metadata.
const AGENTS: [&str; 4] = [
    "ec2-net-utils",
    "amazon-ec2-net-utils",
    "nm-cloud-setup",
    "cloud-netconfig",
];

/// Whether Linux gives an interface such a name. Names become part of commands and rules.
fn is_plain(name: &str) -> bool {
    let is_allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"_.:@-".contains(&letter);
    (1..=15).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Returns what a Linux guest loses after the move.
pub(crate) fn advise(report: &GuestReport) -> Vec<Advice> {
    if !report.interfaces.iter().all(|one| is_plain(&one.name)) {
        let why = Message::new("guest-odd-name").to_string();
        return vec![unread::not_known("interfaces".to_owned(), why)];
    }
    let (configuration, cloud) = read(report);
    let nics = names::nics(report, &configuration.renamings);
    let agents = report.uses.iter().filter_map(|one| one.process.as_deref());
    let agents: BTreeSet<_> = agents.filter(|name| AGENTS.contains(name)).collect();
    let guest = Guest {
        report,
        nics,
        agents: agents.into_iter().collect(),
        configuration,
    };
    let mut all = Vec::new();
    for nic in &guest.nics {
        all.extend(judge::profiles(&guest, nic));
        all.extend(judge::names(&guest, nic));
        all.extend(runtime::addresses(&guest, nic));
    }
    all.extend(judge::stale(&guest));
    all.extend(runtime::routes(&guest));
    all.extend(runtime::shared_subnets(&guest));
    all.extend(runtime::stacked(&guest));
    if !cloud.is_off {
        all.extend(cloud.bound.iter().map(cloud_init));
    }
    let unreadable = guest.configuration.unreadable.iter();
    all.extend(unreadable.map(|(path, why)| unread::not_known(path.clone(), why.clone())));
    if guest.nics.is_empty() {
        let why = Message::new("guest-no-devices").to_string();
        all.push(unread::not_known("interfaces".to_owned(), why));
    }
    all
}

/// What cloud-init knows about networks.
struct CloudInit {
    /// Whether it leaves them alone.
    is_off: bool,
    /// Files with a MAC address.
    bound: Vec<netplan::CloudInit>,
}

fn read(report: &GuestReport) -> (Configuration, CloudInit) {
    let of = |kind: &'static str| report.files.iter().filter(move |file| file.kind == kind);
    let mut all = Configuration::default();
    netplan::read(of("netplan"), &mut all);
    networkd::read(of("networkd"), &mut all);
    ifcfg::read_red_hat(of("ifcfg"), &mut all);
    ifcfg::read_wicked(of("wicked"), &mut all);
    keyfile::read(of("keyfile"), &mut all);
    ifupdown::read(of("ifupdown"), udev::has_cloud_helper(of("udev")), &mut all);
    udev::read(of("udev"), &mut all);
    let (is_off, bound) = netplan::cloud_init(of("cloud-init"), &mut all);
    (all, CloudInit { is_off, bound })
}

fn cloud_init(bound: &netplan::CloudInit) -> Advice {
    let off = "/etc/cloud/cloud.cfg.d/99-stayput.cfg";
    Advice {
        what: Kind::CloudInitCache,
        consequence: Consequence::LosesNothingNow,
        interface: None,
        path: Some(bound.path.clone()),
        line: Some(bound.line),
        fix: Fix {
            when: When::BeforeMove,
            commands: vec![format!("printf 'network: {{config: disabled}}\\n' > {off}")],
            note: Message::new("guest-fix-cloud-init"),
        },
    }
}
