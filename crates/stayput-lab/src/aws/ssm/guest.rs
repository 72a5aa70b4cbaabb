//! A small guest operating system: effect and output of the scripts that this project runs inside a machine.
//!
//! It recognises the article's capture script by its effect (read the metadata, then put one DynamoDB item), the capture scripts of
//! this project, and the commands that print addresses. Every other command is not found. A capture script of this project is run
//! by a real shell if the program that started the lab has passed one, and emulated otherwise.

mod capture;
mod emulated;
mod kind;
mod machine;
mod project;
mod shell;
pub mod tree;

use std::net::Ipv4Addr;

use serde_json::json;
use stayput_estate::Cidr;
use stayput_estate::MacAddr;

pub use self::kind::GuestKind;
pub use self::machine::Guest;
pub use self::machine::GuestInterface;
use self::project::CaptureScript;
pub use self::shell::GuestJob;
pub use self::shell::GuestRun;
pub use self::shell::GuestShell;
pub use self::shell::Guests;
pub use self::shell::NoShell;
use super::Platform;
use crate::aws::model::Instance;
use crate::aws::model::RegionState;
use crate::state::LabState;

/// Output of a script, and its exit code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Exit code of a command that does not exist.
const NOT_FOUND: i32 = 127;

/// An interface inside the guest.
struct Interface {
    name: String,
    mac: MacAddr,
    addresses: Vec<Ipv4Addr>,
    subnet: Cidr,
    dns: Option<Ipv4Addr>,
}

/// What becomes of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It has ended.
    Ended(ScriptOutput),
    /// A shell runs it; what it says comes later.
    Waits(Box<GuestJob>),
}

/// Runs a script of a command in an instance.
pub fn run(lab: &mut LabState, region: &str, command: &str, id: &str, script: &str) -> Ran {
    let Some(capture) = CaptureScript::find(script) else {
        return Ran::Ended(run_simple(lab, region, id, script));
    };
    let Some(guest) = Guest::of(lab, region, id) else {
        return Ran::Ended(ScriptOutput::default());
    };
    if capture.platform != guest.kind.platform() {
        return Ran::Ended(ScriptOutput {
            code: 1,
            stdout: String::new(),
            stderr: "the script is for another system\n".to_owned(),
        });
    }
    let why = if capture.platform == Platform::Windows {
        "the lab has no PowerShell".to_owned()
    } else if !capture.is_ours() {
        "it is not the script of this version".to_owned()
    } else if !lab.guests.has_shell {
        let why = lab.guests.without_shell.clone();
        why.unwrap_or_else(|| "the lab has no shell for guests".to_owned())
    } else {
        return Ran::Waits(Box::new(GuestJob {
            command: command.to_owned(),
            guest,
            script: capture.text,
        }));
    };
    Ran::Ended(emulate(lab, command, &guest, why, &capture.text))
}

/// Emulates a capture script, and remembers why.
fn emulate(
    lab: &mut LabState,
    command: &str,
    guest: &Guest,
    why: String,
    script: &str,
) -> ScriptOutput {
    lab.guests.ran(GuestRun {
        instance: guest.instance.clone(),
        command: command.to_owned(),
        emulated: Some(why),
    });
    let wants_row = script.lines().any(|line| {
        line.trim_start_matches("export ")
            .starts_with("STAYPUT_TABLE=")
    });
    emulated::run(guest, wants_row)
}

/// Takes what a shell said, or emulates the script if it could not run it.
pub fn answered(
    lab: &mut LabState,
    job: &GuestJob,
    said: Result<ScriptOutput, NoShell>,
) -> ScriptOutput {
    match said {
        Ok(said) => {
            lab.guests.ran(GuestRun {
                instance: job.guest.instance.clone(),
                command: job.command.clone(),
                emulated: None,
            });
            said
        }
        Err(NoShell(why)) => emulate(lab, &job.command, &job.guest, why, &job.script),
    }
}

/// Returns the output of a capture script as it is emulated.
pub fn emulated(guest: &Guest) -> ScriptOutput {
    emulated::run(guest, false)
}

fn run_simple(lab: &mut LabState, region: &str, instance: &str, script: &str) -> ScriptOutput {
    if let Some(capture) = capture::Capture::find(script) {
        return capture.run(lab, region, instance);
    }
    let Some((place, machine)) = lab
        .aws
        .regions
        .get(region)
        .and_then(|place| Some((place, place.instances.get(instance)?)))
    else {
        return ScriptOutput::default();
    };
    let platform = Platform::of(&machine.platform_details);
    let hostname = hostname(place, region, instance, machine);
    let kind = machine.guest.unwrap_or_else(|| GuestKind::usual(platform));
    let interfaces = interfaces(place, machine, kind);
    let mut said = ScriptOutput::default();
    for (number, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        said.code = 0;
        match (platform, words.as_slice()) {
            (_, ["hostname"]) => {
                said.stdout.push_str(&hostname);
                said.stdout.push('\n');
            }
            (Platform::Windows, ["ipconfig" | "ipconfig.exe", "/all"]) => {
                said.stdout.push_str(&ipconfig(&hostname, &interfaces));
            }
            (Platform::Linux, ["ip", "-j", "addr" | "address" | "a"])
            | (Platform::Linux, ["ip", "-j", "addr" | "address" | "a", "show" | "list"]) => {
                said.stdout.push_str(&ip_json(&interfaces));
                said.stdout.push('\n');
            }
            (Platform::Linux, ["ip", "addr" | "address" | "a"])
            | (Platform::Linux, ["ip", "addr" | "address" | "a", "show" | "list"]) => {
                said.stdout.push_str(&ip_text(&interfaces));
            }
            (Platform::Linux, _) => {
                let command = words.first().copied().unwrap_or_default();
                said.stderr.push_str(&format!(
                    "/var/lib/amazon/ssm/{instance}/script.sh: line {}: {command}: command not found\n",
                    number + 1
                ));
                said.code = NOT_FOUND;
            }
            (Platform::Windows, _) => {
                let command = words.first().copied().unwrap_or_default();
                said.stderr.push_str(&format!(
                    "{command} : The term '{command}' is not recognized as the name of a cmdlet, function, script \
                     file, or operable program.\r\n"
                ));
                said.code = NOT_FOUND;
            }
        }
    }
    said
}

/// Returns the default host name of a guest: from its address on Linux, from its id on Windows.
pub fn hostname(place: &RegionState, region: &str, id: &str, instance: &Instance) -> String {
    match Platform::of(&instance.platform_details) {
        Platform::Linux => {
            let address = instance
                .enis
                .values()
                .next()
                .and_then(|eni| place.enis.get(eni))
                .map_or(Ipv4Addr::LOCALHOST, |eni| eni.primary);
            let dashed = address.to_string().replace('.', "-");
            format!("ip-{dashed}.{region}.compute.internal")
        }
        Platform::Windows => {
            let tail: String = id
                .chars()
                .rev()
                .take(7)
                .collect::<String>()
                .to_ascii_uppercase();
            format!("EC2AMAZ-{tail}")
        }
    }
}

fn interfaces(place: &RegionState, machine: &Instance, kind: GuestKind) -> Vec<Interface> {
    machine
        .enis
        .iter()
        .filter_map(|(index, eni)| {
            let eni = place.enis.get(eni)?;
            let subnet = place.subnets.get(&eni.subnet)?;
            let dns = place
                .vpcs
                .get(&eni.vpc)
                .and_then(|vpc| vpc.cidrs.first()?.nth(2));
            Some(Interface {
                name: kind.interface(*index),
                mac: eni.mac,
                addresses: std::iter::once(eni.primary)
                    .chain(eni.secondary.iter().copied())
                    .collect(),
                subnet: subnet.cidr,
                dns,
            })
        })
        .collect()
}

fn mask(cidr: Cidr) -> Ipv4Addr {
    let host = u32::from(cidr.broadcast()) ^ u32::from(cidr.network());
    Ipv4Addr::from(!host)
}

/// `ipconfig /all`. On a guest with secondary addresses all of them are static, as AWS documents for Windows.
fn ipconfig(hostname: &str, interfaces: &[Interface]) -> String {
    // A dot at every second position up to the colon, for names of any length.
    let row = |name: &str, value: &str| {
        let dots: String = (name.len()..33)
            .map(|place| if place % 2 == 0 { '.' } else { ' ' })
            .collect();
        format!("   {name}{dots} : {value}\r\n")
    };
    let mut text = format!(
        "\r\nWindows IP Configuration\r\n\r\n{}",
        [
            row("Host Name", hostname),
            row("Primary Dns Suffix", ""),
            row("Node Type", "Hybrid"),
            row("IP Routing Enabled", "No"),
            row("WINS Proxy Enabled", "No"),
        ]
        .concat()
    );
    for interface in interfaces {
        let fixed = interface.addresses.len() > 1;
        text.push_str(&format!("\r\nEthernet adapter {}:\r\n\r\n", interface.name));
        text.push_str(&row("Connection-specific DNS Suffix", ""));
        text.push_str(&row("Description", "Amazon Elastic Network Adapter"));
        let mac = interface.mac.to_string().replace(':', "-");
        text.push_str(&row("Physical Address", &mac.to_ascii_uppercase()));
        text.push_str(&row("DHCP Enabled", if fixed { "No" } else { "Yes" }));
        text.push_str(&row("Autoconfiguration Enabled", "Yes"));
        for address in &interface.addresses {
            text.push_str(&row("IPv4 Address", &format!("{address}(Preferred)")));
            text.push_str(&row("Subnet Mask", &mask(interface.subnet).to_string()));
        }
        if let Some(gateway) = interface.subnet.nth(1) {
            text.push_str(&row("Default Gateway", &gateway.to_string()));
            if !fixed {
                text.push_str(&row("DHCP Server", &gateway.to_string()));
            }
        }
        if let Some(dns) = interface.dns {
            text.push_str(&row("DNS Servers", &dns.to_string()));
        }
        text.push_str(&row("NetBIOS over Tcpip", "Enabled"));
    }
    text
}

fn ip_json(interfaces: &[Interface]) -> String {
    let mut all = vec![json!({
        "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "qdisc": "noqueue",
        "operstate": "UNKNOWN", "group": "default", "txqlen": 1000, "link_type": "loopback",
        "address": "00:00:00:00:00:00", "broadcast": "00:00:00:00:00:00",
        "addr_info": [{
            "family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host", "label": "lo",
            "valid_life_time": u32::MAX, "preferred_life_time": u32::MAX,
        }],
    })];
    for (index, interface) in interfaces.iter().enumerate() {
        let addresses: Vec<_> = interface
            .addresses
            .iter()
            .enumerate()
            .map(|(place, address)| {
                let mut info = json!({
                    "family": "inet", "local": address.to_string(), "prefixlen": interface.subnet.len(),
                    "broadcast": interface.subnet.broadcast().to_string(), "scope": "global",
                    "label": interface.name, "valid_life_time": 3600, "preferred_life_time": 3600,
                });
                info[if place == 0 { "dynamic" } else { "secondary" }] = json!(true);
                info
            })
            .collect();
        all.push(json!({
            "ifindex": index + 2, "ifname": interface.name, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
            "mtu": 9001, "qdisc": "mq", "operstate": "UP", "group": "default", "txqlen": 1000,
            "link_type": "ether", "address": interface.mac.to_string(), "broadcast": "ff:ff:ff:ff:ff:ff",
            "addr_info": addresses,
        }));
    }
    serde_json::Value::from(all).to_string()
}

fn ip_text(interfaces: &[Interface]) -> String {
    let mut text = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    \
                    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    \
                    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n"
        .to_owned();
    for (index, interface) in interfaces.iter().enumerate() {
        let name = &interface.name;
        text.push_str(&format!(
            "{}: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default qlen 1000\n    \
             link/ether {} brd ff:ff:ff:ff:ff:ff\n",
            index + 2,
            interface.mac
        ));
        for (place, address) in interface.addresses.iter().enumerate() {
            text.push_str(&format!(
                "    inet {address}/{} brd {} scope global {} {name}\n       \
                 valid_lft 3600sec preferred_lft 3600sec\n",
                interface.subnet.len(),
                interface.subnet.broadcast(),
                if place == 0 { "dynamic" } else { "secondary" },
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests;
