//! What EC2 and guests say differently.

use crate::common::facts;
use crate::common::id;
use crate::common::linux;
use stayput_guest::Difference;
use stayput_guest::GuestReport;
use stayput_guest::Interface;
use stayput_guest::compare;
use stayput_world::MachineFacts;

/// A report with one interface for each pair of name and addresses. Names that begin with `en` have devices.
fn report(interfaces: &[(&str, &str, &[&str])]) -> GuestReport {
    let interfaces = interfaces.iter().map(|(name, mac, addresses)| {
        let addresses: Vec<_> = addresses
            .iter()
            .map(|address| serde_json::json!({"address": address, "origin": "static"}))
            .collect();
        let device = name.starts_with("en").then_some("0000:00:05.0");
        serde_json::json!({"name": name, "mac": mac, "device": device, "addresses": addresses})
    });
    let interfaces: Vec<_> = interfaces.collect();
    let text = serde_json::json!({
        "stayput_guest": 1,
        "os": "linux",
        "identity": {"instance_id": id()},
        "interfaces": interfaces,
    });
    GuestReport::parse(&text.to_string()).unwrap()
}

/// A machine with these addresses.
fn machine(primary: [u8; 4], secondary: &[[u8; 4]]) -> MachineFacts {
    let mut facts = facts();
    facts.nics[0].primary = primary.into();
    facts.nics[0].secondary = secondary.iter().map(|octets| (*octets).into()).collect();
    facts
}

const MAC: &str = "06:93:3D:7a:be:69";

#[test]
fn a_guest_that_has_what_ec2_knows_differs_in_nothing() {
    assert_eq!(
        compare(&id(), &facts(), &linux("ubuntu-22.04-cloud-init")),
        []
    );
}

#[test]
fn a_report_of_another_instance_is_not_compared() {
    let expected = "i-1".into();
    let found = compare(&expected, &facts(), &linux("ubuntu-22.04-cloud-init"));
    assert_eq!(
        found,
        [Difference::OtherInstance {
            expected,
            found: id()
        }]
    );
}

#[test]
fn an_address_that_begins_like_another_is_another() {
    let facts = machine([1, 1, 1, 1], &[]);
    let found = compare(&id(), &facts, &report(&[("ens5", MAC, &["1.1.1.10/24"])]));
    let missing = Difference::AddressMissing {
        address: [1, 1, 1, 1].into(),
        mac: MAC.parse().unwrap(),
    };
    let unknown = Difference::AddressNotInEc2 {
        address: [1, 1, 1, 10].into(),
        interface: "ens5".to_owned(),
    };
    assert_eq!(found, [missing, unknown]);
}

#[test]
fn addresses_of_software_interfaces_are_no_difference() {
    let facts = machine([10, 0, 0, 4], &[]);
    let report = report(&[
        (
            "ens5",
            MAC,
            &["10.0.0.4/24", "169.254.7.7/16", "fe80::1/64"],
        ),
        ("docker0", "02:42:00:00:00:01", &["172.17.0.1/16"]),
        ("lo", "", &["127.0.0.2/8"]),
    ]);
    assert_eq!(compare(&id(), &facts, &report), []);
}

#[test]
fn an_address_on_the_interface_of_another_mac_is_a_difference() {
    let mut facts = machine([10, 0, 0, 4], &[]);
    let mut second = facts.nics[0].clone();
    second.mac = "06:93:3d:7a:be:70".parse().unwrap();
    second.primary = [10, 0, 1, 4].into();
    facts.nics.push(second);
    let report = report(&[
        ("ens5", MAC, &["10.0.0.4/24", "10.0.1.4/24"]),
        ("ens6", "06:93:3d:7a:be:70", &[]),
    ]);
    assert_eq!(
        compare(&id(), &facts, &report),
        [Difference::OtherInterface {
            address: [10, 0, 1, 4].into(),
            expected: "06:93:3d:7a:be:70".parse().unwrap(),
            interface: "ens5".to_owned(),
        }]
    );
}

#[test]
fn an_address_on_a_bridge_above_the_interface_is_in_its_place() {
    let facts = machine([10, 0, 0, 4], &[]);
    let mut report = report(&[
        ("ens5", MAC, &[]),
        ("br0", "02:00:00:00:00:09", &["10.0.0.4/24"]),
    ]);
    report.interfaces[0].master = Some("br0".to_owned());
    assert_eq!(compare(&id(), &facts, &report), []);
}

#[test]
fn mac_addresses_that_only_one_side_knows_are_differences() {
    let facts = machine([10, 0, 0, 4], &[]);
    let report = report(&[("ens5", "06:93:3d:7a:be:71", &["10.0.0.4/24"])]);
    let found = compare(&id(), &facts, &report);
    let mac = MAC.parse().unwrap();
    assert!(found.contains(&Difference::MacMissing {
        mac,
        device_index: 0
    }));
    assert!(found.contains(&Difference::MacNotInEc2 {
        mac: "06:93:3d:7a:be:71".parse().unwrap(),
        interface: "ens5".to_owned(),
    }));
}

#[test]
fn addresses_that_were_not_read_are_unknown_and_not_missing() {
    let mut report = report(&[("ens5", MAC, &[])]);
    report.interfaces[0].addresses = None;
    report.identity = None;
    let found = compare(&id(), &machine([10, 0, 0, 4], &[]), &report);
    assert_eq!(
        found,
        [
            Difference::UnknownInstance,
            Difference::UnknownAddresses {
                interface: "ens5".to_owned()
            },
            Difference::AddressNotSeen {
                address: [10, 0, 0, 4].into(),
                mac: MAC.parse().unwrap(),
            },
        ]
    );
    assert!(found.iter().all(Difference::is_unknown));
}

#[test]
fn a_report_without_interfaces_is_unknown_and_not_equal() {
    let mut report = report(&[]);
    report.interfaces = vec![Interface::default()];
    let found = compare(&id(), &facts(), &report);
    assert!(!found.is_empty() && found.iter().all(Difference::is_unknown));
    for difference in found {
        assert!(difference.message().to_string().starts_with("not known"));
    }
}
