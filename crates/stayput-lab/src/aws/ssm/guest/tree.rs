//! The files of a guest with Linux: those that its distribution writes, with the addresses of the machine.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Guest;
use super::GuestInterface;
use super::GuestKind;

/// A file of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text.
    File(String),
    /// A symbolic link.
    Link(String),
}

/// Files by their path without the first slash.
pub type Tree = BTreeMap<String, Entry>;

/// What a distribution is called, and where it keeps things.
struct Distribution {
    release: &'static str,
    kernel: &'static str,
    initramfs: &'static str,
    chrony: &'static str,
    arguments: &'static str,
}

const DEBIAN_12: Distribution = Distribution {
    release: "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
    kernel: "6.1.0-28-cloud-amd64",
    initramfs: "boot/initrd.img-",
    chrony: "etc/chrony/chrony.conf",
    arguments: "BOOT_IMAGE=/boot/vmlinuz root=PARTUUID=8c2b ro console=ttyS0",
};
const DEBIAN_11: Distribution = Distribution {
    release: "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"11\"\nID=debian\n",
    kernel: "5.10.0-33-cloud-amd64",
    ..DEBIAN_12
};
const UBUNTU: Distribution = Distribution {
    release: "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=debian\n",
    kernel: "6.8.0-1019-aws",
    ..DEBIAN_12
};
const RHEL_8: Distribution = Distribution {
    release: "NAME=\"Red Hat Enterprise Linux\"\nID=\"rhel\"\nVERSION_ID=\"8.10\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 8.10 (Ootpa)\"\n",
    kernel: "4.18.0-553.el8_10.x86_64",
    initramfs: "boot/initramfs-",
    chrony: "etc/chrony.conf",
    arguments: "BOOT_IMAGE=/boot/vmlinuz root=UUID=5a1c ro net.ifnames=0 console=ttyS0",
};
const AMAZON_2: Distribution = Distribution {
    release: "NAME=\"Amazon Linux\"\nVERSION=\"2\"\nID=\"amzn\"\nVERSION_ID=\"2\"\nPRETTY_NAME=\"Amazon Linux 2\"\n",
    kernel: "5.10.230-223.885.amzn2.x86_64",
    arguments: "BOOT_IMAGE=/boot/vmlinuz root=UUID=7d10 ro net.ifnames=0 biosdevname=0 console=ttyS0",
    ..RHEL_8
};

fn distribution(kind: GuestKind) -> Distribution {
    match kind {
        GuestKind::NetplanMac => UBUNTU,
        GuestKind::IfcfgHwaddr => RHEL_8,
        GuestKind::UdevPersistent => AMAZON_2,
        GuestKind::StaticIfupdown => DEBIAN_11,
        // Windows has no tree of this kind.
        GuestKind::Dhcp
        | GuestKind::NetworkdMac
        | GuestKind::Windows
        | GuestKind::WindowsStatic => DEBIAN_12,
    }
}

/// Returns the files of a guest.
pub fn tree(guest: &Guest) -> Tree {
    let distribution = distribution(guest.kind);
    let mut tree = Tree::new();
    let mut file = |path: &str, text: String| {
        tree.insert(path.to_owned(), Entry::File(text));
    };
    common(guest, &distribution, &mut file);
    for interface in &guest.interfaces {
        match guest.kind {
            GuestKind::NetworkdMac => networkd(interface, &mut file),
            GuestKind::IfcfgHwaddr => file(
                &format!("etc/sysconfig/network-scripts/ifcfg-{}", interface.name),
                ifcfg(interface, true),
            ),
            GuestKind::UdevPersistent => file(
                &format!("etc/sysconfig/network-scripts/ifcfg-{}", interface.name),
                ifcfg(interface, false),
            ),
            GuestKind::Dhcp
            | GuestKind::NetplanMac
            | GuestKind::StaticIfupdown
            | GuestKind::Windows
            | GuestKind::WindowsStatic => {}
        }
    }
    match guest.kind {
        GuestKind::Dhcp => {
            file("etc/netplan/90-default.yaml", NETPLAN_DEFAULT.to_owned());
            file("usr/share/amazon-ec2-net-utils/README", String::new());
        }
        GuestKind::NetplanMac => file("etc/netplan/50-cloud-init.yaml", netplan(guest)),
        GuestKind::IfcfgHwaddr => file("etc/sysconfig/network", "NETWORKING=yes\n".to_owned()),
        GuestKind::UdevPersistent => {
            file("etc/sysconfig/network", "NETWORKING=yes\n".to_owned());
            file("etc/udev/rules.d/70-persistent-net.rules", udev(guest));
        }
        GuestKind::StaticIfupdown => file("etc/network/interfaces", ifupdown(guest)),
        GuestKind::NetworkdMac | GuestKind::Windows | GuestKind::WindowsStatic => {}
    }
    for interface in &guest.interfaces {
        device(interface, &mut tree);
    }
    tree
}

fn common(guest: &Guest, distribution: &Distribution, file: &mut impl FnMut(&str, String)) {
    let kernel = distribution.kernel;
    file("etc/os-release", distribution.release.to_owned());
    file(
        "etc/hosts",
        "127.0.0.1   localhost localhost.localdomain\n::1         localhost ip6-localhost ip6-loopback\n".to_owned(),
    );
    if let Some(dns) = guest.dns {
        let search = format!("{}.compute.internal", guest.region);
        file(
            "etc/resolv.conf",
            format!("nameserver {dns}\nsearch {search}\n"),
        );
    }
    file(
        distribution.chrony,
        "# Time of the machine.\nserver 169.254.169.123 prefer iburst minpoll 4 maxpoll 4\ndriftfile /var/lib/chrony/drift\n"
            .to_owned(),
    );
    file("usr/bin/amazon-ssm-agent", String::new());
    file("usr/bin/cloud-init", String::new());
    file("proc/cmdline", format!("{}\n", distribution.arguments));
    file(
        "proc/modules",
        "ena 155648 0 - Live 0x0\nnvme 57344 2 - Live 0x0\nxfs 1970176 1 - Live 0x0\n".to_owned(),
    );
    file("proc/net/tcp", String::new());
    file("proc/net/udp", String::new());
    file("proc/sys/kernel/osrelease", format!("{kernel}\n"));
    // All drivers of Nutanix AHV are part of the kernel, so nothing has to be unpacked to know that it starts.
    let drivers = [
        "net/virtio_net",
        "scsi/virtio_scsi",
        "block/virtio_blk",
        "virtio/virtio_pci",
    ];
    let builtin: String = drivers
        .iter()
        .map(|name| format!("kernel/drivers/{name}.ko\n"))
        .collect();
    file(&format!("lib/modules/{kernel}/modules.builtin"), builtin);
    file(&format!("lib/modules/{kernel}/modules.dep"), String::new());
    file(
        &format!(
            "{}{kernel}{}",
            distribution.initramfs,
            if distribution.initramfs.contains("initramfs") {
                ".img"
            } else {
                ""
            }
        ),
        "070701\n".to_owned(),
    );
}

/// The folders of `/sys` by which a guest finds the device and the driver of an interface.
fn device(interface: &GuestInterface, tree: &mut Tree) {
    let pci = format!("0000:00:{:02x}.0", interface.slot());
    let link = |to: String| Entry::Link(to);
    tree.insert(
        format!("sys/class/net/{}/address", interface.name),
        Entry::File(format!("{}\n", interface.mac)),
    );
    tree.insert(
        format!("sys/class/net/{}/device", interface.name),
        link(format!("../../../devices/pci0000:00/{pci}")),
    );
    tree.insert(
        format!("sys/devices/pci0000:00/{pci}/driver"),
        link("../../../bus/pci/drivers/ena".to_owned()),
    );
    tree.insert(
        "sys/bus/pci/drivers/ena/module".to_owned(),
        Entry::File(String::new()),
    );
}

const NETPLAN_DEFAULT: &str = "network:\n    version: 2\n    ethernets:\n        all-en:\n            match:\n                name: en*\n            dhcp4: true\n            dhcp6: true\n            dhcp4-overrides:\n                use-domains: true\n";

fn netplan(guest: &Guest) -> String {
    let mut text = "# This file is generated from information provided by the datasource.\nnetwork:\n    ethernets:\n".to_owned();
    for interface in &guest.interfaces {
        let (name, mac) = (&interface.name, interface.mac);
        let _ = writeln!(text, "        {name}:");
        if !interface.secondary.is_empty() {
            text.push_str("            addresses:\n");
            for address in &interface.secondary {
                let _ = writeln!(text, "            - {address}/{}", interface.subnet.len());
            }
        }
        let _ = write!(
            text,
            "            dhcp4: true\n            dhcp6: false\n            match:\n                macaddress: {mac}\n            set-name: {name}\n"
        );
    }
    text.push_str("    version: 2\n");
    text
}

fn ifcfg(interface: &GuestInterface, hwaddr: bool) -> String {
    let mut text = format!(
        "DEVICE={}\nBOOTPROTO=dhcp\nONBOOT=yes\nTYPE=Ethernet\nUSERCTL=no\n",
        interface.name
    );
    if hwaddr {
        let mac = interface.mac.to_string().to_ascii_uppercase();
        let _ = writeln!(text, "HWADDR={mac}");
    }
    for (number, address) in (1..).zip(&interface.secondary) {
        let _ = write!(
            text,
            "IPADDR{number}={address}\nPREFIX{number}={}\n",
            interface.subnet.len()
        );
    }
    text
}

fn udev(guest: &Guest) -> String {
    let rules = guest.interfaces.iter().map(|interface| {
        format!(
            "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{{address}}==\"{}\", KERNEL==\"eth*\", NAME=\"{}\"\n",
            interface.mac, interface.name
        )
    });
    std::iter::once("# Written at the first start.\n".to_owned())
        .chain(rules)
        .collect()
}

fn networkd(interface: &GuestInterface, file: &mut impl FnMut(&str, String)) {
    let (name, mac) = (&interface.name, interface.mac);
    let mut text = format!("[Match]\nMACAddress={mac}\n\n[Network]\nDHCP=ipv4\n");
    for address in &interface.secondary {
        let _ = writeln!(text, "Address={address}/{}", interface.subnet.len());
    }
    file(&format!("etc/systemd/network/20-{name}.network"), text);
    file(
        &format!("etc/systemd/network/10-{name}.link"),
        format!("[Match]\nPermanentMACAddress={mac}\n\n[Link]\nName={name}\n"),
    );
}

fn ifupdown(guest: &Guest) -> String {
    let mut text = "auto lo\niface lo inet loopback\n".to_owned();
    for interface in &guest.interfaces {
        let (name, length) = (&interface.name, interface.subnet.len());
        let _ = write!(
            text,
            "\nauto {name}\niface {name} inet static\n    address {}/{length}\n",
            interface.primary
        );
        if interface.index == 0 {
            let _ = writeln!(text, "    gateway {}", interface.gateway);
        }
        for address in &interface.secondary {
            let _ = write!(
                text,
                "\niface {name} inet static\n    address {address}/{length}\n"
            );
        }
    }
    text
}
