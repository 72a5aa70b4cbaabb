//! Windows guests. The reports are written by hand in the form that `guest/capture.ps1` prints: no PowerShell has run for these tests.

use crate::common;
use crate::common::shown;
use serde_json::Value;
use serde_json::json;
use stayput_guest::Advice;
use stayput_guest::Consequence;
use stayput_guest::Difference;
use stayput_guest::GuestReport;
use stayput_guest::Kind;
use stayput_guest::When;
use stayput_guest::advise;
use stayput_guest::compare;

const GUID: &str = "{0D1B2C3A-0000-4000-8000-000000000001}";
const DEVICE: &str = "PCI\\VEN_1D0F&DEV_EC20&SUBSYS_00000000&REV_00\\3&267A616A&1&28";

/// A guest with one adapter.
fn guest(version: &str, addresses: Value, bindings: Value) -> Value {
    let installed = json!({"state": "installed", "file": true, "start": 0});
    json!({
        "stayput_guest": 1,
        "os": "windows",
        "captured_at": "2026-01-01T00:00:00Z",
        "identity": {"instance_id": common::id(), "region": "ap-northeast-1", "account": "123456789012",
            "zone": "ap-northeast-1a", "private_ip": "172.30.1.10"},
        "system": {"id": "windows", "version": version, "name": "Microsoft Windows Server", "kernel": "20348", "arch": "AMD64",
            "hostname": "WEB01", "root": true, "powershell": "5.1"},
        "dns": {"servers": ["172.30.0.2"], "search": [], "domain": ""},
        "looked": {"persistent_routes": 0, "ghost_adapters": 0, "static_profiles": 0, "hosts": 1},
        "interfaces": [
            {"name": "Ethernet", "mac": "06:93:3d:7a:be:69", "up": true, "mtu": 9001, "driver": "ena.sys", "device": DEVICE,
                "description": "Amazon Elastic Network Adapter", "guid": GUID, "method": null, "addresses": addresses,
                "gateways": ["172.30.1.1"], "dns_static": [], "dns_dhcp": ["172.30.0.2"]},
            {"name": "Teredo", "mac": "", "up": false, "mtu": null, "driver": "tunnel.sys", "device": "ROOT\\NET\\0000",
                "description": "Teredo", "guid": "{1}", "method": null, "addresses": [], "gateways": [], "dns_static": [], "dns_dhcp": []}
        ],
        "routes": ["0.0.0.0/0 via 172.30.1.1 dev Ethernet metric 0"],
        "rules": [],
        "hosts": [],
        "files": [],
        "bindings": bindings,
        "drivers": {"virtio": {"netkvm": installed, "vioscsi": installed, "viostor": {"state": "absent"}},
            "driver_store": ["netkvm.inf_amd64_1"], "programs": ["Nutanix VirtIO 1.2"], "ngt": []},
        "uses": [],
        "persistent_routes": [],
        "dropped": [],
        "failed": [],
        "row": null
    })
}

fn by_dhcp() -> Value {
    json!([{"address": "172.30.1.10/24", "origin": "dhcp"}, {"address": "fe80::1:2%5/64", "origin": "link-local"}])
}

fn by_hand() -> Value {
    json!([{"address": "172.30.1.10/24", "origin": "static"}, {"address": "172.30.1.110/24", "origin": "static", "skip_as_source": true},
        {"address": "172.30.1.11/24", "origin": "static"}])
}

fn profile(present: Option<bool>) -> Value {
    json!({"by": "device", "name": "Ethernet", "device": DEVICE, "guid": GUID.to_lowercase(), "present": present,
        "static": {"dhcp": false, "addresses": ["172.30.1.10", "172.30.1.110", "172.30.1.11"],
            "masks": ["255.255.255.0", "255.255.255.0", "255.255.255.0"], "gateways": ["172.30.1.1"], "dns": ["10.0.0.53"]}})
}

fn read(value: &Value) -> GuestReport {
    let report = GuestReport::parse(&format!("\u{feff}{value}\r\n")).unwrap();
    assert_eq!(report.problems, []);
    report
}

fn said(value: &Value) -> Vec<Advice> {
    advise(&read(value))
}

#[test]
fn windows_guests_with_dhcp_get_no_advice() {
    for version in ["10.0.14393", "10.0.17763", "10.0.20348", "10.0.26100"] {
        assert_eq!(said(&guest(version, by_dhcp(), json!([]))), []);
    }
}

#[test]
fn static_settings_lose_all_addresses_but_the_one_of_dhcp() {
    let all = said(&guest(
        "10.0.20348",
        by_hand(),
        json!([profile(Some(true))]),
    ));
    let [advice] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(advice.what, Kind::StaticProfile);
    let lost = vec![[172, 30, 1, 110].into(), [172, 30, 1, 11].into()];
    assert_eq!(advice.consequence, Consequence::LosesAddresses(lost));
    assert_eq!(advice.fix.when, When::FirstBoot);
    let commands = advice.fix.commands.join("\n");
    for part in [
        "$i = (Get-NetIPAddress -IPAddress '172.30.1.10').InterfaceIndex",
        "-IPAddress '172.30.1.110' -PrefixLength 24 -SkipAsSource $true",
        "-ServerAddresses '10.0.0.53'",
        "Out-File (Join-Path $keep 'before.txt')",
    ] {
        assert!(commands.contains(part), "{part} in {commands}");
    }
}

#[test]
fn adapters_that_are_not_there_lose_nothing_now() {
    let mut ghost = profile(Some(false));
    ghost["device"] = json!("XEN\\VIF\\0");
    ghost["guid"] = json!("{2}");
    let all = said(&guest("10.0.14393", by_dhcp(), json!([ghost])));
    let shown: Vec<_> = all.iter().map(shown).collect();
    assert_eq!(shown, ["GhostAdapter LosesNothingNow XEN\\VIF\\0"]);
    assert!(
        all[0]
            .fix
            .commands
            .contains(&"pnputil /remove-device 'XEN\\VIF\\0'".to_owned())
    );
}

#[test]
fn an_adapter_whose_presence_is_not_known_is_not_taken_for_fine() {
    let all = said(&guest("10.0.17763", by_hand(), json!([profile(None)])));
    assert_eq!(all[0].consequence, Consequence::Unknown);
}

#[test]
fn static_addresses_without_their_settings_are_lost() {
    let all = said(&guest("10.0.26100", by_hand(), json!([])));
    assert_eq!(all[0].what, Kind::AddressWithoutFile);
    let lost = vec![[172, 30, 1, 110].into(), [172, 30, 1, 11].into()];
    assert_eq!(all[0].consequence, Consequence::LosesAddresses(lost));
}

#[test]
fn missing_drivers_of_windows_are_found_also_behind_the_driver_store() {
    let mut value = guest("10.0.20348", by_dhcp(), json!([]));
    value["drivers"]["virtio"]["netkvm"] = json!({"state": "absent"});
    // The package is in the store: Windows installs it when the device appears.
    assert_eq!(said(&value), []);
    value["drivers"]["driver_store"] = json!([]);
    assert_eq!(said(&value)[0].consequence, Consequence::LosesBoot);
    value["drivers"] = Value::Null;
    assert_eq!(said(&value)[0].consequence, Consequence::Unknown);
}

#[test]
fn users_of_activation_and_time_are_named() {
    let mut value = guest("10.0.20348", by_dhcp(), json!([]));
    value["uses"] = json!([
        {"where": "registry", "addresses": ["169.254.169.250", "169.254.169.251"], "path": "KeyManagementServiceName", "text": "169.254.169.250"},
        {"where": "registry", "addresses": ["169.254.169.123"], "path": "W32Time\\Parameters\\NtpServer", "text": "169.254.169.123,0x9"},
        {"where": "agent", "addresses": ["169.254.169.254"], "process": "AmazonSSMAgent"}
    ]);
    let all = said(&value);
    let kinds: Vec<_> = all.iter().map(|advice| advice.what).collect();
    assert_eq!(
        kinds,
        [Kind::UsesMetadata, Kind::UsesTime, Kind::UsesActivation]
    );
    assert!(all[0].fix.note.to_string().contains("AmazonSSMAgent"));
    assert!(
        all[2]
            .fix
            .note
            .to_string()
            .contains("KeyManagementServiceName")
    );
}

#[test]
fn a_windows_guest_is_compared_with_ec2_like_any_other() {
    let report = read(&guest("10.0.20348", by_dhcp(), json!([])));
    let found = compare(&common::id(), &common::facts(), &report);
    let missing = |last| Difference::AddressMissing {
        address: [172, 30, 1, last].into(),
        mac: "06:93:3d:7a:be:69".parse().unwrap(),
    };
    assert_eq!(found, [missing(110), missing(11)]);
}
