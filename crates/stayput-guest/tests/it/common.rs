//! Reports of guests for tests.

use std::collections::BTreeMap;

use stayput_estate::InstanceId;
use stayput_guest::Advice;
use stayput_guest::GuestReport;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;

/// Fixtures that `tests/fixtures/make.py` makes with the real script.
pub(crate) const LINUX: [&str; 21] = [
    "amazon-linux-2-dhcp",
    "amazon-linux-2-secondary",
    "amazon-linux-2-udev",
    "amazon-linux-2023",
    "debian-12-cloud",
    "debian-12-ifupdown",
    "debian-13-networkd-any",
    "debian-13-networkd-path",
    "rhel-10-keyfile",
    "rhel-10-no-profile",
    "rhel-7-device-only",
    "rhel-8-ifcfg",
    "rhel-9-hwaddr",
    "rhel-9-keyfile",
    "suse-15-dhcp",
    "suse-15-static",
    "ubuntu-16.04-eni",
    "ubuntu-22.04-cloud-init",
    "ubuntu-24.04-dhcp-any",
    "ubuntu-24.04-dhcp-bound",
    "ubuntu-24.04-two-interfaces",
];

/// The output of a fixture.
pub(crate) fn output(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap()
}

/// The report of a fixture, all of whose members are valid.
pub(crate) fn linux(name: &str) -> GuestReport {
    let report = GuestReport::parse(&output(name)).unwrap();
    assert_eq!(report.problems, []);
    report
}

/// A report with the same interface and these files, each as kind, path and text.
pub(crate) fn with_files(files: &[(&str, &str, &str)]) -> GuestReport {
    let mut value: serde_json::Value =
        serde_json::from_str(&output("ubuntu-24.04-dhcp-any")).unwrap();
    let files = files.iter().map(|(kind, path, text)| {
        serde_json::json!({"kind": kind, "path": path, "text": text, "bytes": text.len()})
    });
    value["files"] = files.collect();
    GuestReport::parse(&value.to_string()).unwrap()
}

/// An advice as one line: what it is, what is lost, and where.
pub(crate) fn shown(advice: &Advice) -> String {
    let place = match (&advice.path, advice.line) {
        (Some(path), Some(line)) => format!("{path}:{line}"),
        (Some(path), None) => path.clone(),
        (None, _) => "-".to_owned(),
    };
    format!("{:?} {:?} {place}", advice.what, advice.consequence)
}

/// The instance of the fixtures.
pub(crate) fn id() -> InstanceId {
    "i-00f14272f95c75b08".into()
}

/// A machine with the interface of the fixtures and the addresses that their network has.
pub(crate) fn facts() -> MachineFacts {
    let nic = NicFacts {
        device_index: 0,
        eni: "eni-1".into(),
        mac: "06:93:3d:7a:be:69".parse().unwrap(),
        subnet: "subnet-1".into(),
        network: "app".into(),
        primary: [172, 30, 1, 10].into(),
        secondary: vec![[172, 30, 1, 110].into(), [172, 30, 1, 11].into()],
    };
    MachineFacts {
        name: None,
        platform: "Linux/UNIX".to_owned(),
        instance_type: "t3.micro".to_owned(),
        was_running: true,
        nics: vec![nic],
        tags: BTreeMap::new(),
    }
}
