//! The output of the capture scripts, computed from the state of the lab instead of running them.
//!
//! It has the format of `guest/README.md`. The files are those that a real run would see, but this is a second implementation of
//! what the scripts do, only as far as the lab's guests need it.

mod files;
mod windows;

use serde_json::Value as Json;
use serde_json::json;
use stayput_estate::Cidr;

use super::Guest;
use super::GuestInterface;
use super::ScriptOutput;
use super::tree;
use super::tree::Entry;
use super::tree::Tree;
use crate::aws::ssm::Platform;

/// Largest output, as in the scripts.
const LIMIT: usize = 23_900;
/// Drivers of Nutanix AHV.
const VIRTIO: [&str; 4] = ["virtio_pci", "virtio_net", "virtio_scsi", "virtio_blk"];

/// Returns what the capture script of the guest's system prints. `wants_row`: it was told to write a row into a table, which is not
/// emulated.
pub fn run(guest: &Guest, wants_row: bool) -> ScriptOutput {
    let mut document = match guest.kind.platform() {
        Platform::Linux => linux(guest),
        Platform::Windows => windows::document(guest),
    };
    if wants_row {
        let why = "the lab does not emulate the row";
        document["row"] = json!({ "written": false, "why": why });
        document["failed"] = json!([{ "part": "row", "why": why }]);
    }
    fit(&mut document);
    ScriptOutput {
        code: 0,
        stdout: format!("{document}\n"),
        stderr: String::new(),
    }
}

/// Removes items until the output fits, the less important ones first, and counts them.
fn fit(document: &mut Json) {
    let mut dropped = Vec::new();
    for section in ["uses", "bindings", "files", "routes", "interfaces"] {
        let mut count = 0;
        while document.to_string().len() > LIMIT {
            let Some(items) = document[section]
                .as_array_mut()
                .filter(|items| !items.is_empty())
            else {
                break;
            };
            items.pop();
            count += 1;
        }
        if count > 0 {
            dropped.push(json!({ "section": section, "count": count }));
        }
    }
    document["dropped"] = Json::from(dropped);
}

/// Returns the identity document as the scripts show it.
fn identity(guest: &Guest) -> Json {
    json!({
        "instance_id": guest.instance,
        "region": guest.region,
        "account": guest.account,
        "zone": guest.zone,
        "private_ip": guest.interfaces.first().map(|interface| interface.primary.to_string()),
    })
}

fn captured_at(guest: &Guest) -> String {
    let whole = guest.now.rfc3339();
    // The scripts have no fractions of seconds.
    match whole.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => whole,
    }
}

fn linux(guest: &Guest) -> Json {
    let tree = tree::tree(guest);
    let (files, bindings, looked) = files::read(&tree);
    let interfaces: Vec<Json> = guest
        .interfaces
        .iter()
        .map(|interface| interface_json(guest, interface))
        .collect();
    json!({
        "stayput_guest": 1,
        "os": "linux",
        "captured_at": captured_at(guest),
        "identity": identity(guest),
        "system": system(guest, &tree),
        "dns": guest.dns.map(|dns| json!({
            "servers": [dns.to_string()],
            "search": [format!("{}.compute.internal", guest.region)],
        })),
        "looked": looked,
        "interfaces": interfaces,
        "routes": routes(guest),
        "rules": [],
        "hosts": [],
        "files": files,
        "bindings": bindings,
        "drivers": drivers(&tree),
        "uses": files::uses(&tree),
        "dropped": [],
        "failed": [],
        "row": null,
    })
}

fn text<'t>(tree: &'t Tree, path: &str) -> &'t str {
    match tree.get(path) {
        Some(Entry::File(text)) => text,
        Some(Entry::Link(_)) | None => "",
    }
}

fn system(guest: &Guest, tree: &Tree) -> Json {
    let release = text(tree, "etc/os-release");
    let value = |name: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.replace('"', ""))
    };
    let arguments = text(tree, "proc/cmdline").split_whitespace();
    let names = ["net.ifnames=", "biosdevname=", "ip="];
    let cmdline: Vec<&str> = arguments
        .filter(|argument| names.iter().any(|name| argument.starts_with(name)))
        .collect();
    json!({
        "id": value("ID"),
        "version": value("VERSION_ID"),
        "name": value("PRETTY_NAME"),
        "kernel": text(tree, "proc/sys/kernel/osrelease").trim(),
        "arch": if guest.architecture == "arm64" { "aarch64" } else { guest.architecture.as_str() },
        "hostname": guest.hostname,
        "root": true,
        "cmdline": cmdline,
    })
}

fn interface_json(guest: &Guest, interface: &GuestInterface) -> Json {
    let length = interface.subnet.len();
    let addresses: Vec<Json> = interface
        .addresses()
        .enumerate()
        .map(|(place, address)| {
            let mut shown = json!({ "address": format!("{address}/{length}"), "origin": "static" });
            if place > 0 {
                shown["secondary"] = json!(true);
            } else if !guest.kind.is_static() {
                shown["origin"] = json!("dhcp");
                shown["by"] = json!("lifetime");
            }
            shown
        })
        .collect();
    let method = match (guest.kind.is_static(), interface.secondary.is_empty()) {
        (true, _) => "static",
        (false, true) => "dhcp",
        (false, false) => "mixed",
    };
    let gateways: Vec<String> = default_gateway(interface).into_iter().collect();
    json!({
        "name": interface.name,
        "mac": interface.mac.to_string(),
        "up": true,
        "mtu": 9001,
        "driver": "ena",
        "device": format!("0000:00:{:02x}.0", interface.slot()),
        "method": method,
        "addresses": addresses,
        "gateways": gateways,
    })
}

/// Only the first interface has a default route.
fn default_gateway(interface: &GuestInterface) -> Option<String> {
    (interface.index == 0).then(|| interface.gateway.to_string())
}

fn routes(guest: &Guest) -> Vec<String> {
    let mut found = Vec::new();
    for interface in &guest.interfaces {
        let (name, primary) = (&interface.name, interface.primary);
        if let Some(gateway) = default_gateway(interface) {
            found.push(if guest.kind.is_static() {
                format!("default via {gateway} dev {name}")
            } else {
                format!("default via {gateway} dev {name} proto dhcp src {primary} metric 100")
            });
        }
    }
    for interface in &guest.interfaces {
        let subnet = network(interface.subnet);
        let (name, primary) = (&interface.name, interface.primary);
        found.push(format!(
            "{subnet} dev {name} proto kernel scope link src {primary}"
        ));
    }
    found
}

fn network(subnet: Cidr) -> String {
    format!("{}/{}", subnet.network(), subnet.len())
}

fn drivers(tree: &Tree) -> Json {
    let release = text(tree, "proc/sys/kernel/osrelease").trim();
    let builtin = text(tree, &format!("lib/modules/{release}/modules.builtin"));
    let modules: serde_json::Map<String, Json> = VIRTIO
        .iter()
        .map(|name| {
            let state = if builtin.contains(&format!("/{name}.ko")) {
                "builtin"
            } else {
                "absent"
            };
            ((*name).to_owned(), json!(state))
        })
        .collect();
    let names = [
        format!("boot/initramfs-{release}.img"),
        format!("boot/initrd.img-{release}"),
    ];
    // No driver is a module, so the script does not unpack it.
    let unknown: serde_json::Map<String, Json> = VIRTIO
        .iter()
        .map(|name| ((*name).to_owned(), json!("unknown")))
        .collect();
    let initramfs = names
        .iter()
        .find(|path| tree.contains_key(*path))
        .map(|path| json!({ "path": format!("/{path}"), "read": "skipped", "modules": unknown }));
    let loaded: Vec<&str> = text(tree, "proc/modules")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| ["ena", "nvme"].contains(name))
        .collect();
    json!({
        "kernels": [{ "release": release, "running": true, "modules": modules, "initramfs": initramfs }],
        "loaded": loaded,
        "ngt": [],
    })
}
