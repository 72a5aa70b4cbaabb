//! The output of `capture.ps1`. No guest of the lab has PowerShell, so it is always computed.

use serde_json::Value as Json;
use serde_json::json;

use super::captured_at;
use super::default_gateway;
use super::identity;
use super::network;
use crate::aws::ssm::guest::Guest;
use crate::aws::ssm::guest::GuestInterface;
use crate::aws::ssm::guest::mask;

/// Persistent routes to the services of EC2 that its image sets at every start.
const SERVICES: [&str; 3] = ["169.254.169.254", "169.254.169.250", "169.254.169.251"];
const AGENTS: [&str; 2] = ["AmazonSSMAgent", "Amazon EC2Launch"];

/// With secondary addresses all addresses are static, as AWS documents for Windows.
fn is_static(guest: &Guest, interface: &GuestInterface) -> bool {
    guest.kind.is_static() || !interface.secondary.is_empty()
}

pub(super) fn document(guest: &Guest) -> Json {
    let interfaces: Vec<Json> = guest
        .interfaces
        .iter()
        .map(|interface| interface_json(guest, interface))
        .collect();
    let bindings: Vec<Json> = guest
        .interfaces
        .iter()
        .filter(|interface| is_static(guest, interface))
        .map(|interface| profile(guest, interface))
        .collect();
    let persistent = persistent_routes(guest);
    json!({
        "stayput_guest": 1,
        "os": "windows",
        "captured_at": captured_at(guest),
        "identity": identity(guest),
        "system": {
            "id": "windows", "version": "10.0.17763", "name": "Microsoft Windows Server 2019 Datacenter",
            "kernel": "17763", "arch": "AMD64", "hostname": guest.hostname, "root": true,
            "powershell": "5.1.17763.6532",
        },
        "dns": {
            "servers": servers(guest), "search": [format!("{}.compute.internal", guest.region)], "domain": "",
        },
        "looked": {
            "persistent_routes": persistent.len(), "ghost_adapters": 0, "static_profiles": bindings.len(), "hosts": 1,
        },
        "interfaces": interfaces,
        "routes": routes(guest),
        "rules": [],
        "hosts": [],
        "files": [],
        "bindings": bindings,
        "drivers": drivers(),
        "uses": uses(&persistent),
        "persistent_routes": persistent,
        "dropped": [],
        "failed": [],
        "row": null,
    })
}

fn servers(guest: &Guest) -> Vec<String> {
    guest.dns.iter().map(ToString::to_string).collect()
}

/// Ids of the adapter, made from its MAC address.
fn device(interface: &GuestInterface) -> String {
    format!(
        "PCI\\VEN_1D0F&DEV_EC20&SUBSYS_EC201D0F&REV_00\\3&13C0B0C5&0&{:02X}",
        interface.slot() << 3
    )
}

fn guid(interface: &GuestInterface) -> String {
    let made = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        interface.mac.to_string().as_bytes(),
    );
    format!("{{{}}}", made.hyphenated().to_string().to_ascii_uppercase())
}

fn interface_json(guest: &Guest, interface: &GuestInterface) -> Json {
    let origin = if is_static(guest, interface) {
        "static"
    } else {
        "dhcp"
    };
    let addresses: Vec<Json> = interface
        .addresses()
        .map(|address| json!({ "address": format!("{address}/{}", interface.subnet.len()), "origin": origin }))
        .collect();
    let (fixed, leased) = if origin == "static" {
        (servers(guest), Vec::new())
    } else {
        (Vec::new(), servers(guest))
    };
    json!({
        "name": interface.name,
        "mac": interface.mac.to_string(),
        "up": true,
        "mtu": 9001,
        "driver": "ena.sys",
        "device": device(interface),
        "description": "Amazon Elastic Network Adapter",
        "guid": guid(interface),
        "method": origin,
        "addresses": addresses,
        "gateways": default_gateway(interface).into_iter().collect::<Vec<_>>(),
        "dns_static": fixed,
        "dns_dhcp": leased,
    })
}

fn profile(guest: &Guest, interface: &GuestInterface) -> Json {
    let addresses: Vec<String> = interface
        .addresses()
        .map(|address| address.to_string())
        .collect();
    let masks: Vec<String> = addresses
        .iter()
        .map(|_| mask(interface.subnet).to_string())
        .collect();
    json!({
        "by": "device",
        "name": interface.name,
        "device": device(interface),
        "guid": guid(interface),
        "present": true,
        "static": {
            "dhcp": false, "addresses": addresses, "masks": masks,
            "gateways": default_gateway(interface).into_iter().collect::<Vec<_>>(),
            "dns": servers(guest),
        },
    })
}

fn persistent_routes(guest: &Guest) -> Vec<String> {
    let gateway = guest.interfaces.first().and_then(default_gateway);
    let Some(gateway) = gateway else {
        return Vec::new();
    };
    SERVICES
        .iter()
        .map(|service| format!("{service},255.255.255.255,{gateway},15"))
        .collect()
}

fn routes(guest: &Guest) -> Vec<String> {
    let mut found = Vec::new();
    for interface in &guest.interfaces {
        let name = &interface.name;
        if let Some(gateway) = default_gateway(interface) {
            found.push(format!("0.0.0.0/0 via {gateway} dev {name} metric 0"));
            for service in SERVICES {
                found.push(format!("{service}/32 via {gateway} dev {name} metric 15"));
            }
        }
        found.push(format!(
            "{} dev {name} metric 256",
            network(interface.subnet)
        ));
    }
    found
}

fn drivers() -> Json {
    let virtio: serde_json::Map<String, Json> =
        ["netkvm", "vioscsi", "viostor", "balloon", "vioser"]
            .into_iter()
            .map(|name| (name.to_owned(), json!({ "state": "absent" })))
            .collect();
    json!({ "virtio": virtio, "driver_store": [], "programs": [], "ngt": [] })
}

fn uses(persistent: &[String]) -> Vec<Json> {
    let mut found = vec![json!({
        "where": "registry", "addresses": ["169.254.169.123"], "path": "W32Time\\Parameters\\NtpServer",
        "text": "169.254.169.123,0x9",
    })];
    for (service, route) in SERVICES.iter().zip(persistent) {
        found.push(json!({ "where": "persistent-route", "addresses": [service], "text": route }));
    }
    for agent in AGENTS {
        found.push(json!({ "where": "agent", "addresses": ["169.254.169.254"], "process": agent }));
    }
    found
}
