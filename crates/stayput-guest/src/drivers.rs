//! Whether a guest can start on the new platform.

use stayput_messages::Message;

use crate::Drivers;
use crate::GuestReport;
use crate::Kernel;
use crate::Os;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;
use crate::advice::When;
use crate::quote;
use crate::unread;

/// Drivers that a Linux guest needs for its disk: they must be in the kernel or in the initramfs. AHV has SCSI disks.
const DISK: [&str; 2] = ["virtio_pci", "virtio_scsi"];

/// The driver that a Linux guest needs for its network: it can be loaded from the disk.
const NETWORK: &str = "virtio_net";

/// Returns what is missing.
pub(crate) fn advise(report: &GuestReport) -> Vec<Advice> {
    let Some(drivers) = &report.drivers else {
        let why = Message::new("guest-no-drivers-section").to_string();
        return vec![unread::not_known("drivers".to_owned(), why)];
    };
    match report.os {
        Os::Linux => linux(drivers),
        Os::Windows => windows(drivers),
        Os::Unknown => Vec::new(),
    }
}

fn linux(drivers: &Drivers) -> Vec<Advice> {
    if drivers.kernels.is_empty() {
        let why = Message::new("guest-no-kernels").to_string();
        return vec![unread::not_known("drivers".to_owned(), why)];
    }
    drivers.kernels.iter().flat_map(kernel).collect()
}

fn kernel(kernel: &Kernel) -> Vec<Advice> {
    let module = |name: &str| kernel.modules.get(name).map_or("unknown", String::as_str);
    let (mut missing, mut addable, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for name in DISK {
        let inside = kernel
            .initramfs
            .as_ref()
            .and_then(|image| image.modules.get(name));
        match (module(name), inside.map(String::as_str)) {
            ("builtin", _) | (_, Some("present")) => {}
            ("absent", _) => missing.push(name),
            // Without initramfs the kernel cannot load a module for the disk that the module is on.
            ("module", Some("absent")) => addable.push(name),
            ("module", None) if kernel.initramfs.is_none() => addable.push(name),
            _ => unknown.push(name),
        }
    }
    match module(NETWORK) {
        "builtin" | "module" => {}
        "absent" => missing.push(NETWORK),
        _ => unknown.push(NETWORK),
    }
    let image = kernel.initramfs.as_ref().map(|image| image.path.clone());
    let release = quote::shell(&kernel.release);
    let advice = |consequence, commands, note| Advice {
        what: Kind::NoVirtioDriver,
        consequence,
        interface: None,
        path: image
            .clone()
            .or_else(|| Some(format!("/lib/modules/{}", kernel.release))),
        line: None,
        fix: Fix {
            when: When::BeforeMove,
            commands,
            note,
        },
    };
    let mut found = Vec::new();
    if !missing.is_empty() {
        let note = Message::new("guest-fix-other-kernel")
            .with("release", &kernel.release)
            .with("drivers", missing.join(", "));
        found.push(advice(Consequence::LosesBoot, Vec::new(), note));
    }
    let rebuild = rebuild(image.as_deref(), &release);
    if !addable.is_empty() {
        let note = Message::new("guest-fix-initramfs")
            .with("release", &kernel.release)
            .with("drivers", addable.join(", "));
        found.push(advice(Consequence::LosesBoot, rebuild.clone(), note));
    }
    if !unknown.is_empty() {
        let note = Message::new("guest-fix-drivers-unknown")
            .with("release", &kernel.release)
            .with("drivers", unknown.join(", "));
        found.push(advice(Consequence::Unknown, rebuild, note));
    }
    found
}

/// Lines that add the drivers to the initramfs. Its path tells which program makes it.
fn rebuild(image: Option<&str>, release: &str) -> Vec<String> {
    let Some(image) = image else {
        return Vec::new();
    };
    let copy = quote::keep(image);
    let make = if image.starts_with("/boot/initrd.img-") {
        vec![
            quote::keep("/etc/initramfs-tools/modules"),
            "printf '%s\\n' virtio_pci virtio_scsi virtio_blk virtio_net >> /etc/initramfs-tools/modules".to_owned(),
            format!("update-initramfs -u -k {release}"),
        ]
    } else {
        vec![
            "printf 'add_drivers+=\" virtio_pci virtio_scsi virtio_blk virtio_net \"\\n' > /etc/dracut.conf.d/stayput.conf".to_owned(),
            format!("dracut -f {} {release}", quote::shell(image)),
        ]
    };
    std::iter::once(copy).chain(make).collect()
}

fn windows(drivers: &Drivers) -> Vec<Advice> {
    let in_store = |name: &str| {
        let start = format!("{name}.inf_");
        drivers
            .driver_store
            .iter()
            .any(|package| package.to_ascii_lowercase().starts_with(&start))
    };
    let (mut missing, mut unknown) = (Vec::new(), Vec::new());
    // The network driver is installed from the store when the device appears. The disk driver has to start with Windows.
    for name in ["netkvm", "vioscsi"] {
        let driver = drivers.virtio.get(name);
        match driver.map(|driver| driver.state.as_str()) {
            Some("installed") => {
                let starts = driver.and_then(|driver| driver.start) == Some(0);
                if name == "vioscsi" && !starts {
                    unknown.push(name);
                }
            }
            Some("absent" | "file-only") if name == "netkvm" && in_store(name) => {}
            Some("absent" | "file-only") => missing.push(name),
            Some(_) | None => unknown.push(name),
        }
    }
    let advice = |consequence, note| Advice {
        what: Kind::NoVirtioDriver,
        consequence,
        interface: None,
        path: None,
        line: None,
        fix: Fix::without_commands(note),
    };
    let mut found = Vec::new();
    if !missing.is_empty() {
        let note = Message::new("guest-fix-windows-drivers").with("drivers", missing.join(", "));
        found.push(advice(Consequence::LosesBoot, note));
    }
    if !unknown.is_empty() {
        let note = Message::new("guest-fix-windows-drivers").with("drivers", unknown.join(", "));
        found.push(advice(Consequence::Unknown, note));
    }
    found
}
