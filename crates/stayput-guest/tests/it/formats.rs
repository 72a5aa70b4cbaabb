//! Formats of configuration files, each in small texts, for a guest with one interface ens5 that has an address by DHCP.

use crate::common::shown;
use crate::common::with_files;
use stayput_guest::GuestReport;
use stayput_guest::Kind;
use stayput_guest::advise;

const MAC: &str = "06:93:3d:7a:be:69";

/// What is said about some files, without the addresses.
fn said(files: &[(&str, &str, &str)]) -> Vec<String> {
    said_of(&with_files(files))
}

fn said_of(report: &GuestReport) -> Vec<String> {
    let line = |advice| {
        let text = shown(&advice).replace("LosesAddresses([172.30.1.10])", "Loses");
        text.rsplit_once('/').map_or(text.clone(), |(start, file)| {
            let head = start.split(" /").next().unwrap_or(start);
            format!("{head} {file}")
        })
    };
    advise(report).into_iter().map(line).collect()
}

fn check(kind: &str, path: &str, text: &str, expected: &[&str]) {
    assert_eq!(said(&[(kind, path, text)]), expected, "{text}");
}

#[test]
fn netplan_is_judged_by_its_weakest_condition() {
    let ethernets = |text: &str| format!("network: {{version: 2, ethernets: {{{text}}}}}\n");
    for (text, expected) in [
        ("ens5: {dhcp4: true}", &["NameBinding Loses a.yaml:1"][..]),
        (
            "a: {match: {driver: ena}, dhcp4: yes}",
            &["DriverBinding Loses a.yaml:1"],
        ),
        ("a: {match: {driver: [ena, virtio_net]}, dhcp4: on}", &[]),
        ("a: {match: {name: 'e*'}, dhcp4: true}", &[]),
        (
            "a: {match: {name: 'ens[0-9]*'}, dhcp4: true}",
            &["NameBinding Unknown a.yaml:1"],
        ),
        (
            "a: {match: {name: ens5}, dhcp4: true}",
            &["NameBinding Loses a.yaml:1"],
        ),
        (
            "a: {match: {macaddress: 06-93-3D-7A-BE-69, name: 'en*'}, dhcp4: true}",
            &["MacBinding Loses a.yaml:1"],
        ),
    ] {
        check("netplan", "/etc/netplan/a.yaml", &ethernets(text), expected);
    }
}

#[test]
fn files_of_netplan_add_to_one_definition() {
    let first = (
        "netplan",
        "/etc/netplan/10-a.yaml",
        "network:\n  ethernets:\n    ens5:\n      dhcp4: true\n",
    );
    let second =
        format!("network:\n  ethernets:\n    ens5:\n      match:\n        macaddress: {MAC}\n");
    let second = ("netplan", "/etc/netplan/20-b.yaml", second.as_str());
    assert_eq!(said(&[second, first]), ["MacBinding Loses 20-b.yaml:5"]);
}

#[test]
fn a_netplan_file_that_is_not_yaml_is_not_taken_for_fine() {
    let all = advise(&with_files(&[(
        "netplan",
        "/etc/netplan/a.yaml",
        "network: [\n",
    )]));
    assert!(all.iter().any(|advice| advice.what == Kind::NotRead
        && advice.path.as_deref() == Some("/etc/netplan/a.yaml")));
}

#[test]
fn networkd_takes_the_first_file_that_matches() {
    let bound = (
        "networkd",
        "/etc/systemd/network/10-a.network",
        "[Match]\nMACAddress=06:93:3D:7A:BE:69\n[Network]\nDHCP=yes\n",
    );
    let any = (
        "networkd",
        "/etc/systemd/network/20-b.network",
        "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n",
    );
    let ena = (
        "networkd",
        "/usr/lib/systemd/network/80-ec2.network",
        "[Match]\nDriver=ena ixgbevf vif\n[Network]\nDHCP=yes\n",
    );
    assert_eq!(said(&[bound]), ["MacBinding Loses 10-a.network:2"]);
    assert_eq!(said(&[any]), [""; 0]);
    assert_eq!(said(&[ena]), ["DriverBinding Loses 80-ec2.network:2"]);
    // The next file gives an address by DHCP, too.
    assert_eq!(
        said(&[any, bound]),
        ["MacBinding LosesNothingNow 10-a.network:2"]
    );
    assert_eq!(said(&[any, ena]), [""; 0]);
}

#[test]
fn a_file_in_etc_replaces_the_one_of_the_same_name() {
    let ena = (
        "networkd",
        "/usr/lib/systemd/network/80-ec2.network",
        "[Match]\nDriver=ena\n[Network]\nDHCP=yes\n",
    );
    let any = (
        "networkd",
        "/etc/systemd/network/80-ec2.network",
        "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    );
    assert_eq!(said(&[any, ena]), [""; 0]);
    let drop_in = (
        "networkd",
        "/etc/systemd/network/80-ec2.network.d/a.conf",
        "[Match]\nPath=pci-0000:00:05.0\n",
    );
    assert_eq!(
        said(&[any, drop_in]),
        ["PathBinding Loses a.conf:2".replace("a.conf", "80-ec2.network")]
    );
}

#[test]
fn conditions_that_are_negated_or_of_unknown_kinds_are_not_known() {
    for condition in [
        "Name=!ens3",
        "WLANInterfaceType=station",
        "MACAddress=!06:93:3d:7a:be:70",
    ] {
        let text = format!("[Match]\n{condition}\n[Network]\nDHCP=yes\n");
        let found = said(&[("networkd", "/etc/systemd/network/a.network", &text)]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("Unknown"), "{found:?}");
    }
}

#[test]
fn a_link_file_that_names_by_device_loses_the_name() {
    let any = (
        "networkd",
        "/etc/systemd/network/20-b.network",
        "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    );
    for condition in [
        "MACAddress=06:93:3d:7a:be:69",
        "PermanentMACAddress=06:93:3d:7a:be:69",
        "Path=pci-0000:00:05.0",
        "Driver=ena",
    ] {
        let text = format!("[Match]\n{condition}\n[Link]\nName=ens5\n");
        let link = ("networkd", "/etc/systemd/network/10-a.link", text.as_str());
        assert_eq!(
            said(&[any, link]),
            ["Renaming LosesName 10-a.link:4"],
            "{condition}"
        );
    }
}

#[test]
fn a_rule_for_the_new_driver_keeps_the_name_and_what_depends_on_it() {
    let link = (
        "networkd",
        "/etc/systemd/network/10-a.link",
        "[Match]\nDriver=ena virtio_net\n[Link]\nName=ens5\n",
    );
    let ifcfg = (
        "ifcfg",
        "/etc/sysconfig/network-scripts/ifcfg-ens5",
        "DEVICE=ens5\nBOOTPROTO=dhcp\n",
    );
    assert_eq!(said(&[ifcfg]), ["NameBinding Loses ifcfg-ens5:1"]);
    assert_eq!(said(&[ifcfg, link]), [""; 0]);
}

#[test]
fn rules_of_udev_that_name_by_mac_path_or_driver_lose_the_name() {
    let any = (
        "networkd",
        "/etc/systemd/network/20-b.network",
        "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    );
    for condition in [
        "ATTR{address}==\"06:93:3D:7a:be:69\"",
        "KERNELS==\"0000:00:05.0\"",
        "DRIVERS==\"ena\"",
        "ENV{ID_PATH}==\"pci-0000:00:05.0\"",
    ] {
        let text = format!("SUBSYSTEM==\"net\", ACTION==\"add\", {condition}, NAME=\"ens5\"\n");
        let rules = (
            "udev",
            "/etc/udev/rules.d/70-persistent-net.rules",
            text.as_str(),
        );
        assert_eq!(
            said(&[any, rules]),
            ["Renaming LosesName 70-persistent-net.rules:1"],
            "{condition}"
        );
    }
    let table = ("udev", "/etc/mactab", "ens5 06:93:3d:7a:be:69\n");
    assert_eq!(said(&[any, table]), ["Renaming LosesName mactab:1"]);
}

#[test]
fn ifcfg_is_judged_by_hwaddr_and_by_device() {
    let path = "/etc/sysconfig/network-scripts/ifcfg-ens5";
    check(
        "ifcfg",
        path,
        &format!("HWADDR=\"{MAC}\"\nBOOTPROTO='dhcp'\n"),
        &["MacBinding Loses ifcfg-ens5:1"],
    );
    check(
        "ifcfg",
        path,
        "BOOTPROTO=dhcp\n",
        &["NameBinding Loses ifcfg-ens5:1"],
    );
    check(
        "ifcfg",
        path,
        "DEVICE=ens5\nBOOTPROTO=none\nIPADDR=172.30.1.10\nNETMASK=255.255.255.0\n",
        &["NameBinding Loses ifcfg-ens5:1"],
    );
    check(
        "ifcfg",
        path,
        "DEVICE=ens5\nBOOTPROTO=dhcp\nMACADDR=06:93:3d:7a:be:69\n",
        &[
            "NameBinding Loses ifcfg-ens5:1",
            "FixedMac Unknown ifcfg-ens5:3",
        ],
    );
}

#[test]
fn keyfiles_are_judged_by_mac_name_driver_and_path() {
    let path = "/etc/NetworkManager/system-connections/a.nmconnection";
    for (text, expected) in [
        (
            "[connection]\ntype=ethernet\n[ipv4]\nmethod=auto\n",
            &[][..],
        ),
        (
            "[connection]\ninterface-name=ens5\n[ipv4]\nmethod=auto\n",
            &["NameBinding Loses a.nmconnection:2"],
        ),
        (
            "[ethernet]\nmac-address=06:93:3D:7A:BE:69\n[ipv4]\nmethod=auto\n",
            &["MacBinding Loses a.nmconnection:2"],
        ),
        (
            "[match]\ndriver=ena;\n[ipv4]\nmethod=auto\n",
            &["DriverBinding Loses a.nmconnection:2"],
        ),
        (
            "[match]\ninterface-name=en*;eth*;\n[ipv4]\nmethod=auto\n",
            &[],
        ),
        (
            "[match]\npath=pci-0000:00:05.0\n[ipv4]\nmethod=auto\n",
            &["PathBinding Loses a.nmconnection:2"],
        ),
        (
            "[ethernet]\ncloned-mac-address=06:93:3d:7a:be:69\n",
            &["FixedMac Unknown a.nmconnection:2"],
        ),
    ] {
        check("keyfile", path, text, expected);
    }
}

#[test]
fn addresses_of_all_forms_of_static_files_are_found() {
    for (kind, path, text) in [
        (
            "ifupdown",
            "/etc/network/interfaces",
            "iface ens5 inet static\n address 172.30.1.10\n netmask 255.255.255.0\n",
        ),
        (
            "ifupdown",
            "/etc/network/interfaces",
            "iface ens5 inet manual\n up ip addr add 172.30.1.10/24 dev ens5\n",
        ),
        (
            "ifupdown",
            "/etc/network/interfaces",
            "iface ens5:0 inet static\n address 172.30.1.10/24\n",
        ),
        (
            "wicked",
            "/etc/sysconfig/network/ifcfg-ens5",
            "BOOTPROTO='static'\nIPADDR_2='172.30.1.10/24'\n",
        ),
        (
            "netplan",
            "/etc/netplan/a.yaml",
            "network:\n  ethernets:\n    ens5:\n      addresses:\n        - 172.30.1.10/24:\n            label: x\n",
        ),
        (
            "networkd",
            "/etc/systemd/network/a.network",
            "[Match]\nName=ens5\n[Address]\nAddress=172.30.1.10/24\n",
        ),
        (
            "keyfile",
            "/etc/NetworkManager/system-connections/a",
            "[connection]\ninterface-name=ens5\n[ipv4]\nmethod=manual\naddresses=172.30.1.10/24\n",
        ),
    ] {
        let found = said(&[(kind, path, text)]);
        assert!(
            found
                .iter()
                .any(|line| line.starts_with("NameBinding Loses ")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn cloud_init_keeps_a_mac_address_unless_it_leaves_networks_alone() {
    let any = (
        "networkd",
        "/etc/systemd/network/20-b.network",
        "[Match]\nName=*\n[Network]\nDHCP=yes\n",
    );
    let cache = (
        "cloud-init",
        "/run/cloud-init/network-config.json",
        "{\"version\": 1, \"config\": [\n{\"type\": \"physical\", \"name\": \"ens5\",\n\"mac_address\": \"06:93:3d:7a:be:69\"}]}",
    );
    assert_eq!(
        said(&[any, cache]),
        ["CloudInitCache LosesNothingNow network-config.json:3"]
    );
    let off = (
        "cloud-init",
        "/etc/cloud/cloud.cfg.d/99.cfg",
        "network: {config: disabled}\n",
    );
    assert_eq!(said(&[any, cache, off]), [""; 0]);
}

#[test]
fn settings_for_devices_that_are_not_there_are_stale() {
    let any = (
        "ifcfg",
        "/etc/sysconfig/network-scripts/ifcfg-a",
        "DEVICE=ens5\nBOOTPROTO=dhcp\n",
    );
    let other = (
        "ifcfg",
        "/etc/sysconfig/network-scripts/ifcfg-b",
        "HWADDR=06:93:3d:7a:be:70\nBOOTPROTO=dhcp\n",
    );
    assert!(said(&[any, other]).contains(&"MacBinding LosesNothingNow ifcfg-b:1".to_owned()));
}

#[test]
fn parts_that_were_not_read_make_losses_unknown() {
    let ifcfg = (
        "ifcfg",
        "/etc/sysconfig/network-scripts/ifcfg-ens5",
        "DEVICE=ens5\nBOOTPROTO=dhcp\n",
    );
    let mut report = with_files(&[ifcfg]);
    report.files.clear();
    report.dropped =
        serde_json::from_str(r#"[{"section":"files","count":1,"which":["/etc/x"]}]"#).unwrap();
    let found = said_of(&report);
    assert!(
        found.contains(&"NoConfiguration Unknown -".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"NotRead Unknown files".to_owned()),
        "{found:?}"
    );
    let mut report = with_files(&[ifcfg]);
    report
        .interfaces
        .iter_mut()
        .for_each(|interface| interface.addresses = None);
    let found = said_of(&report);
    assert!(
        found.contains(&"NameBinding Unknown ifcfg-ens5:1".to_owned()),
        "{found:?}"
    );
    let mut report = with_files(&[ifcfg]);
    report.files[0].cut = true;
    let found = said_of(&report);
    assert!(
        found.iter().any(|line| line.starts_with("NotRead Unknown")),
        "{found:?}"
    );
}

#[test]
fn names_of_the_kernel_stay_only_with_the_parameter_and_one_interface() {
    let ifcfg = (
        "ifcfg",
        "/etc/sysconfig/network-scripts/ifcfg-eth0",
        "DEVICE=eth0\nBOOTPROTO=dhcp\n",
    );
    let with = |parameters: Option<&[&str]>| {
        let mut report = with_files(&[ifcfg]);
        let nic = report
            .interfaces
            .iter_mut()
            .find(|interface| interface.is_nic())
            .unwrap();
        nic.name = "eth0".to_owned();
        let cmdline = parameters.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        report.system.as_mut().unwrap().cmdline = cmdline;
        report
    };
    assert_eq!(said_of(&with(Some(&["net.ifnames=0"]))), [""; 0]);
    assert_eq!(
        said_of(&with(Some(&[]))),
        ["NameBinding Unknown ifcfg-eth0:1"]
    );
    assert_eq!(said_of(&with(None)), ["NameBinding Unknown ifcfg-eth0:1"]);
    let mut report = with(Some(&["net.ifnames=0"]));
    let mut second = report
        .interfaces
        .iter()
        .find(|interface| interface.is_nic())
        .unwrap()
        .clone();
    second.name = "eth1".to_owned();
    second.addresses = Some(Vec::new());
    report.interfaces.push(second);
    assert_eq!(said_of(&report), ["NameBinding Unknown ifcfg-eth0:1"]);
}

#[test]
fn profiles_that_do_not_start_by_themselves_keep_no_address() {
    for (kind, path, text) in [
        (
            "ifcfg",
            "/etc/sysconfig/network-scripts/ifcfg-ens5",
            "DEVICE=ens5\nBOOTPROTO=dhcp\nONBOOT=no\n",
        ),
        (
            "wicked",
            "/etc/sysconfig/network/ifcfg-ens5",
            "BOOTPROTO='dhcp'\nSTARTMODE='off'\n",
        ),
        (
            "keyfile",
            "/etc/NetworkManager/system-connections/a",
            "[connection]\nautoconnect=false\n[ipv4]\nmethod=auto\n",
        ),
    ] {
        check(kind, path, text, &["NoConfiguration Unknown -"]);
    }
}

#[test]
fn a_path_with_a_pattern_may_match_again() {
    let text = "[Match]\nPath=pci-0000:00:*\n[Network]\nDHCP=yes\n";
    check(
        "networkd",
        "/etc/systemd/network/a.network",
        text,
        &["PathBinding Unknown a.network:2"],
    );
}
