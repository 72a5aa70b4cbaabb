//! Advice for reports that `guest/capture.sh` printed over configuration trees of seven distributions (`tests/fixtures/make.py`).
//!
//! Each line of the tables: what it is, what is lost, and in which file.

use crate::common;
use crate::common::linux;
use crate::common::shown;
use stayput_guest::Consequence;
use stayput_guest::Fix;
use stayput_guest::Kind;
use stayput_guest::When;
use stayput_guest::advise;

/// The advice about interfaces and drivers. Users of services have tests of their own.
fn about_interfaces(name: &str) -> Vec<String> {
    let is_use = |kind| {
        use Kind::{UsesActivation, UsesMetadata, UsesResolver, UsesTime};
        matches!(
            kind,
            UsesActivation | UsesMetadata | UsesResolver | UsesTime
        )
    };
    let all = advise(&linux(name)).into_iter();
    all.filter(|advice| !is_use(advice.what))
        .map(|advice| shown(&advice))
        .collect()
}

fn fix(name: &str, kind: Kind) -> Fix {
    let all = advise(&linux(name)).into_iter();
    let mut of_kind = all.filter(|advice| advice.what == kind);
    of_kind.next().unwrap().fix
}

#[test]
fn guests_with_dhcp_and_no_bindings_get_no_advice() {
    for name in [
        "ubuntu-24.04-dhcp-any",
        "debian-12-cloud",
        "debian-13-networkd-any",
        "rhel-10-no-profile",
        "amazon-linux-2-dhcp",
    ] {
        assert_eq!(about_interfaces(name), [""; 0], "{name}");
    }
}

#[test]
fn netplan_that_matches_the_mac_address_loses_every_address_and_the_name() {
    let bound = "/etc/netplan/50-cloud-init.yaml";
    let wanted = [
        format!("MacBinding LosesAddresses([172.30.1.10]) {bound}:8"),
        format!("Renaming LosesName {bound}:9"),
    ];
    assert_eq!(about_interfaces("ubuntu-24.04-dhcp-bound"), wanted);
    let found = about_interfaces("ubuntu-22.04-cloud-init");
    assert!(found.contains(&wanted[0]));
    assert!(
        found.contains(
            &"AddressWithoutFile LosesAddresses([172.30.1.110, 172.30.1.11]) -".to_owned()
        )
    );
}

#[test]
fn two_interfaces_in_one_subnet_are_judged_one_by_one() {
    let path = "/etc/netplan/50-cloud-init.yaml";
    assert_eq!(
        about_interfaces("ubuntu-24.04-two-interfaces"),
        [
            format!("MacBinding LosesAddresses([172.30.1.10, 172.30.1.11, 172.30.1.110]) {path}:5"),
            format!("MacBinding LosesAddresses([172.30.1.20, 172.30.1.21]) {path}:10"),
            format!("Renaming LosesName {path}:6"),
            format!("StaticRoutes LosesRoutes {path}:9"),
            format!("Renaming LosesName {path}:11"),
            "SharedSubnet LosesNothingNow -".to_owned(),
        ]
    );
}

#[test]
fn ifupdown_loses_static_addresses_with_the_name_and_warns_of_the_old_mac() {
    let found = about_interfaces("debian-12-ifupdown");
    assert_eq!(
        found,
        [
            "NameBinding LosesAddresses([172.30.1.10]) /etc/network/interfaces:5",
            "AddressWithoutFile LosesAddresses([172.30.1.110, 172.30.1.11]) -",
            "FixedMac Unknown /etc/network/interfaces:8",
            "StaticDns LosesDns /etc/network/interfaces:5",
            "Renaming LosesName /etc/systemd/network/10-eth.link:5",
            "RoutesWithoutFile LosesRoutes -",
        ]
    );
}

#[test]
fn a_name_that_the_new_platform_may_give_again_is_not_known() {
    assert_eq!(
        about_interfaces("ubuntu-16.04-eni"),
        [
            "NameBinding Unknown /etc/network/interfaces.d/50-cloud-init.cfg:6",
            "Renaming Unknown /etc/udev/rules.d/70-persistent-net.rules:1",
        ]
    );
}

#[test]
fn networkd_that_matches_the_pci_path_loses_addresses_routes_and_name_servers() {
    let path = "/etc/systemd/network/10-lan.network:2";
    assert_eq!(
        about_interfaces("debian-13-networkd-path"),
        [
            format!("PathBinding LosesAddresses([172.30.1.10, 172.30.1.11, 172.30.1.110]) {path}"),
            format!("StaticRoutes LosesRoutes {path}"),
            format!("StaticDns LosesDns {path}"),
            // The rule that the test's network has.
            "RoutesWithoutFile LosesRoutes -".to_owned(),
        ]
    );
}

#[test]
fn red_hat_loses_what_its_files_bind_to_the_mac_address() {
    let ifcfg = "/etc/sysconfig/network-scripts/ifcfg-eth0";
    let keyfile = "/etc/NetworkManager/system-connections/eth0.nmconnection";
    let found = about_interfaces("rhel-8-ifcfg");
    assert_eq!(
        found,
        [
            format!("MacBinding LosesAddresses([172.30.1.10, 172.30.1.110]) {ifcfg}:3"),
            "AddressWithoutFile LosesAddresses([172.30.1.11]) -".to_owned(),
            format!("StaticRoutes LosesRoutes {ifcfg}:1"),
            format!("StaticDns LosesDns {ifcfg}:1"),
            "RoutesWithoutFile LosesRoutes -".to_owned(),
            format!("Renaming LosesNothingNow {ifcfg}:3"),
        ]
    );
    assert_eq!(
        about_interfaces("rhel-9-hwaddr"),
        [
            format!("MacBinding LosesAddresses([172.30.1.10]) {ifcfg}:6"),
            format!("Renaming LosesNothingNow {ifcfg}:6"),
        ]
    );
    let found = about_interfaces("rhel-9-keyfile");
    assert_eq!(
        found[0],
        format!("MacBinding LosesAddresses([172.30.1.10, 172.30.1.110]) {keyfile}:7")
    );
    let keyfile = "/etc/NetworkManager/system-connections/cloud-init-ens5.nmconnection";
    assert_eq!(
        about_interfaces("rhel-10-keyfile"),
        [format!(
            "MacBinding LosesAddresses([172.30.1.10]) {keyfile}:13"
        )]
    );
}

#[test]
fn an_initramfs_without_drivers_stops_the_guest_from_starting() {
    assert_eq!(
        about_interfaces("rhel-7-device-only"),
        ["NoVirtioDriver LosesBoot /boot/initramfs-5.14.0-1.x86_64.img"]
    );
    let fix = fix("rhel-7-device-only", Kind::NoVirtioDriver);
    assert!(
        fix.commands
            .iter()
            .any(|line| line.starts_with("dracut -f "))
    );
}

#[test]
fn addresses_that_agents_of_amazon_linux_set_are_lost() {
    let addresses = "AddressWithoutFile LosesAddresses([172.30.1.110, 172.30.1.11]) -";
    assert_eq!(
        about_interfaces("amazon-linux-2-secondary"),
        [addresses, "RoutesWithoutFile LosesRoutes -"]
    );
    let file = "/run/systemd/network/70-ens5.network:2";
    assert_eq!(
        about_interfaces("amazon-linux-2023"),
        [
            format!("VolatileFile LosesAddresses([172.30.1.10]) {file}"),
            addresses.to_owned(),
            format!("StaticRoutes LosesRoutes {file}"),
            "RoutesWithoutFile LosesRoutes -".to_owned(),
        ]
    );
    let note = fix("amazon-linux-2-secondary", Kind::AddressWithoutFile).note;
    assert!(note.to_string().contains("ec2-net-utils"));
}

#[test]
fn wicked_keeps_the_name_of_the_kernel_and_warns_of_the_old_mac() {
    assert_eq!(
        about_interfaces("suse-15-static"),
        [
            "AddressWithoutFile LosesAddresses([172.30.1.11]) -",
            "FixedMac Unknown /etc/sysconfig/network/ifcfg-eth0:6",
            "RoutesWithoutFile LosesRoutes -",
            "Renaming LosesNothingNow /etc/udev/rules.d/70-persistent-net.rules:1",
        ]
    );
    let found = about_interfaces("suse-15-dhcp");
    assert!(found.contains(&"NameBinding Unknown /etc/sysconfig/network/ifcfg-eth0:1".to_owned()));
}

#[test]
fn users_of_services_are_named_with_the_service() {
    let all = advise(&linux("debian-12-ifupdown"));
    let of = |kind| all.iter().find(|advice| advice.what == kind).unwrap();
    assert_eq!(of(Kind::UsesResolver).consequence, Consequence::LosesDns);
    let time = of(Kind::UsesTime);
    assert_eq!(time.consequence, Consequence::LosesService);
    assert!(
        time.fix
            .note
            .to_string()
            .contains("/etc/systemd/timesyncd.conf")
    );
    let all = advise(&linux("amazon-linux-2-dhcp"));
    let metadata = all
        .iter()
        .find(|advice| advice.what == Kind::UsesMetadata)
        .unwrap();
    assert!(metadata.fix.note.to_string().contains("amazon-ssm-agent"));
}

#[test]
fn a_fix_for_one_interface_can_be_made_before_the_move() {
    let fix = fix("debian-13-networkd-path", Kind::PathBinding);
    assert_eq!(fix.when, When::BeforeMove);
    let write = fix
        .commands
        .iter()
        .find(|line| line.contains("05-stayput.network"))
        .unwrap();
    for part in [
        "'Driver=virtio_net'",
        "'DHCP=ipv4'",
        "'Address=172.30.1.110/24'",
        "'DNS=10.0.0.53'",
        "'Destination=10.0.0.0/16' 'Gateway=172.30.1.1'",
    ] {
        assert!(write.contains(part), "{part} in {write}");
    }
    assert!(
        fix.commands
            .iter()
            .any(|line| line.contains("/var/lib/stayput"))
    );
}

#[test]
fn a_fix_for_several_interfaces_waits_for_the_new_mac_addresses() {
    let fix = fix("ubuntu-24.04-two-interfaces", Kind::MacBinding);
    assert_eq!(fix.when, When::FirstBoot);
    assert!(fix.commands.contains(
        &"dev=$(ip -o -4 address show to '172.30.1.10/32' | awk '{print $2; exit}')".to_owned()
    ));
    assert!(
        fix.commands
            .iter()
            .any(|line| line.contains("'        macaddress: MAC'"))
    );
}

#[test]
fn every_advice_has_a_text_without_faults() {
    for name in common::LINUX {
        for advice in advise(&linux(name)) {
            let texts = [advice.message().to_string(), advice.fix.note.to_string()];
            for text in texts {
                assert!(text.contains(' ') && !text.contains("{$"), "{name}: {text}");
            }
        }
    }
}
