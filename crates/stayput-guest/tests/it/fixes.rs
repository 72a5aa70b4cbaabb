//! Runs the commands of fixes with a shell, in a folder instead of `/`, and judges the changed files again. Programs that apply settings are
//! replaced by nothing.

use crate::common;
use std::fs;
use std::path::Path;
use std::process::Command;

use stayput_guest::Advice;
use stayput_guest::ConfigFile;
use stayput_guest::Consequence;
use stayput_guest::GuestReport;
use stayput_guest::When;
use stayput_guest::advise;

/// Programs that a test cannot run.
const REPLACED: &str =
    "netplan() { :; }; networkctl() { :; }; dracut() { :; }; update-initramfs() { :; }; set -e\n";

/// The kind of a file by its path, as the script sorts them.
const KINDS: [(&str, &str); 9] = [
    ("/etc/netplan/", "netplan"),
    ("/etc/systemd/network/", "networkd"),
    ("/etc/udev/rules.d/", "udev"),
    ("/etc/sysconfig/network-scripts/", "ifcfg"),
    ("/etc/sysconfig/network/", "wicked"),
    ("/etc/NetworkManager/system-connections/", "keyfile"),
    ("/etc/network/", "ifupdown"),
    ("/etc/cloud/", "cloud-init"),
    ("/etc/dracut.conf.d/", "other"),
];

/// Runs commands in a folder that has the files of a report, and returns the report with the files that are there then.
fn run(report: &GuestReport, commands: &[String]) -> GuestReport {
    let root = tempfile::tempdir().unwrap();
    let place = |path: &str| root.path().join(path.trim_start_matches('/'));
    for file in &report.files {
        let path = place(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
    }
    for folder in [
        "etc/udev/rules.d",
        "etc/cloud/cloud.cfg.d",
        "var/lib",
        "boot",
        "etc/dracut.conf.d",
        "etc/initramfs-tools",
    ] {
        fs::create_dir_all(place(folder)).unwrap();
    }
    for kernel in report.drivers.iter().flat_map(|drivers| &drivers.kernels) {
        fs::write(place(&kernel.initramfs.as_ref().unwrap().path), "").unwrap();
    }
    fs::write(place("etc/initramfs-tools/modules"), "").unwrap();
    let at_root = format!("{}/", root.path().display());
    let mut script = commands.join("\n");
    for folder in ["etc/", "var/lib/", "run/", "boot/"] {
        for before in [" ", "'", ">"] {
            script = script.replace(
                &format!("{before}/{folder}"),
                &format!("{before}{at_root}{folder}"),
            );
        }
    }
    let done = Command::new("bash")
        .arg("-c")
        .arg(format!("{REPLACED}{script}"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{script}\n{done:?}");
    let mut changed = report.clone();
    changed.files.retain(|file| !file.path.starts_with("/etc/"));
    collect(root.path(), &place("etc"), &mut changed);
    changed
}

fn collect(root: &Path, folder: &Path, into: &mut GuestReport) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, into);
            continue;
        }
        let inside = format!("/{}", path.strip_prefix(root).unwrap().display());
        let Some((_, kind)) = KINDS.iter().find(|(start, _)| inside.starts_with(start)) else {
            continue;
        };
        into.files.push(ConfigFile {
            text: fs::read_to_string(&path).unwrap(),
            kind: (*kind).to_owned(),
            path: inside,
            ..ConfigFile::default()
        });
    }
}

fn loses_now(advice: &Advice) -> bool {
    matches!(
        advice.consequence,
        Consequence::LosesAddresses(_) | Consequence::LosesName | Consequence::LosesDns
    ) && advice.path.as_deref() != Some("/etc/resolv.conf")
}

#[test]
fn what_is_fixed_before_the_move_is_lost_no_longer() {
    for name in common::LINUX {
        let report = common::linux(name);
        let before = advise(&report);
        let fixable = before
            .iter()
            .filter(|advice| advice.fix.when == When::BeforeMove);
        let commands: Vec<_> = fixable
            .flat_map(|advice| advice.fix.commands.clone())
            .collect();
        let after = advise(&run(&report, &commands));
        let left: Vec<_> = after
            .iter()
            .filter(|advice| advice.fix.when == When::BeforeMove && loses_now(advice))
            .map(common::shown)
            .collect();
        assert_eq!(left, [""; 0], "{name}: {commands:#?}");
        let is_fixed_mac = |advice: &&Advice| advice.what == stayput_guest::Kind::FixedMac;
        assert_eq!(after.iter().find(is_fixed_mac), None, "{name}");
    }
}

#[test]
fn every_line_of_every_fix_is_a_valid_line_of_a_shell() {
    for name in common::LINUX {
        for advice in advise(&common::linux(name)) {
            let script = advice.fix.commands.join("\n");
            let done = Command::new("bash")
                .args(["-n", "-c", &script])
                .output()
                .unwrap();
            assert!(done.status.success(), "{name}: {script}\n{done:?}");
        }
    }
}

#[test]
fn the_section_of_conditions_is_removed_without_what_follows() {
    let path = "/etc/NetworkManager/system-connections/a.nmconnection";
    let text = "[connection]\nid=a\ntype=ethernet\n[match]\ndriver=ena;\npath=pci-*;\n[ipv4]\nmethod=auto\n";
    let report = common::with_files(&[("keyfile", path, text)]);
    let commands = advise(&report)[0].fix.commands.clone();
    let changed = run(&report, &commands);
    assert_eq!(
        changed.files[0].text,
        "[connection]\nid=a\ntype=ethernet\n[ipv4]\nmethod=auto\n"
    );
}

/// What a shell sees outside of quotation marks.
fn unquoted(command: &str) -> String {
    let mut found = String::new();
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => drop(letters.by_ref().find(|next| *next == '\'')),
            '\\' => drop(letters.next()),
            _ => found.push(letter),
        }
    }
    found
}

#[test]
fn texts_of_a_guest_do_not_become_commands() {
    let forged = "x';touch_forged;echo'";
    for (kind, folder) in [
        ("ifupdown", "/etc/network/interfaces.d"),
        ("ifupdown", "/run/network/interfaces.d"),
        ("ifcfg", "/etc/sysconfig/network-scripts/ifcfg-"),
        ("netplan", "/etc/netplan"),
    ] {
        let path = format!("{folder}/{forged}");
        let text = format!("iface {forged} inet static\nHWADDR=06:93:3d:7a:be:69\nDNS1={forged}\n");
        let mut report = common::with_files(&[(kind, &path, &text)]);
        report.routes = vec![
            "10.0.0.0/8;touch_forged via 172.30.1.1 dev ens5".to_owned(),
            "10.0.0.0/8 via $(touch_forged) dev ens5".to_owned(),
        ];
        for interface in report.interfaces.iter_mut().filter(|one| one.is_nic()) {
            interface.name = forged.to_owned();
        }
        for advice in advise(&report) {
            for command in advice.fix.commands {
                assert!(!unquoted(&command).contains("forged"), "{command}");
            }
        }
    }
}
