//! The capture script, run for real in a machine of each configuration, compared with the lab's emulation.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use serde_json::Value as Json;
use stayput_dataplane::GuestMachines;
use stayput_lab::Guest;
use stayput_lab::GuestInterface;
use stayput_lab::GuestKind;
use stayput_lab::GuestShell;
use stayput_lab::clock::VTime;

const SCRIPT: &str = include_str!("../../../guest/capture.sh");
const LINUX: [GuestKind; 6] = [
    GuestKind::Dhcp,
    GuestKind::NetplanMac,
    GuestKind::IfcfgHwaddr,
    GuestKind::UdevPersistent,
    GuestKind::NetworkdMac,
    GuestKind::StaticIfupdown,
];

/// A machine with two interfaces in two subnets and a secondary address.
fn guest(kind: GuestKind) -> Guest {
    let interface = |index: u32, mac: &str, primary: &str, secondary: &[&str], subnet: &str| {
        let subnet: stayput_estate::Cidr = subnet.parse().unwrap();
        GuestInterface {
            index,
            name: kind.interface(index),
            mac: mac.parse().unwrap(),
            primary: primary.parse().unwrap(),
            secondary: secondary.iter().map(|text| text.parse().unwrap()).collect(),
            subnet,
            gateway: subnet.nth(1).unwrap(),
        }
    };
    Guest {
        instance: "i-00f14272f95c75b08".to_owned(),
        region: "ap-northeast-1".to_owned(),
        zone: "ap-northeast-1a".to_owned(),
        account: "123456789012".to_owned(),
        architecture: "x86_64".to_owned(),
        name: Some("web-01".to_owned()),
        hostname: "ip-172-30-1-10.ap-northeast-1.compute.internal".to_owned(),
        kind,
        interfaces: vec![
            interface(
                0,
                "06:93:3d:7a:be:69",
                "172.30.1.10",
                &["172.30.1.110"],
                "172.30.1.0/24",
            ),
            interface(1, "06:93:3d:7a:be:70", "172.30.2.10", &[], "172.30.2.0/24"),
        ],
        dns: Some("172.30.0.2".parse().unwrap()),
        now: VTime(1_780_000_000_000),
    }
}

fn sorted(list: &Json) -> Vec<String> {
    let mut found: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    found.sort();
    found
}

#[test]
fn a_real_run_and_the_emulation_agree_for_every_configuration() {
    let privilege = match stayput_dataplane::enter() {
        Ok(privilege) => privilege,
        Err(why) => {
            eprintln!("SKIPPED: {why}");
            return;
        }
    };
    let shell = GuestMachines::new(privilege);
    for kind in LINUX {
        let guest = guest(kind);
        let real = shell.run(&guest, SCRIPT).unwrap();
        assert_eq!((real.code, real.stderr.as_str()), (0, ""), "{kind:?}");
        let real: Json = serde_json::from_str(&real.stdout).unwrap();
        let emulated = stayput_lab::aws::ssm::guest::emulated(&guest);
        let emulated: Json = serde_json::from_str(&emulated.stdout).unwrap();
        for member in [
            "identity",
            "dns",
            "looked",
            "interfaces",
            "bindings",
            "drivers",
            "failed",
            "dropped",
            "row",
        ] {
            assert_eq!(real[member], emulated[member], "{kind:?}: {member}");
        }
        for member in ["files", "routes", "rules", "hosts", "uses"] {
            assert_eq!(
                sorted(&real[member]),
                sorted(&emulated[member]),
                "{kind:?}: {member}"
            );
        }
        // Kernel and architecture of a real run are those of this machine.
        for member in ["id", "version", "name", "hostname", "root", "cmdline"] {
            let (real, emulated) = (&real["system"][member], &emulated["system"][member]);
            assert_eq!(real, emulated, "{kind:?}: system.{member}");
        }
    }
}

#[test]
fn a_script_is_alone_in_its_machine_and_its_exit_code_is_kept() {
    let Ok(privilege) = stayput_dataplane::enter() else {
        eprintln!("SKIPPED: no network namespace can be made");
        return;
    };
    let shell = GuestMachines::new(privilege);
    let script = "uname -n; echo $$; curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id; exit 7";
    let said = shell.run(&guest(GuestKind::Dhcp), script).unwrap();
    assert_eq!(said.code, 7);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        ["ip-172-30-1-10.ap-northeast-1.compute.internal", "1"]
    );
    // Without a token, and only if curl is installed.
    assert!(matches!(lines.get(2), Some(&"401") | None), "{lines:?}");
}
