//! Names of interfaces after the move.

use std::net::Ipv4Addr;

use crate::GuestReport;
use crate::Interface;
use crate::Origin;

use super::profile::Renaming;
use super::profile::Verdict;

/// Names that predictable naming gives the virtual network card with this number. Which of them depends on firmware and PCI topology.
///
/// An assumption: AHV puts network cards into slots from 3 on, or behind a bridge of their own.
fn predictable(number: usize) -> [String; 3] {
    let slot = number + 3;
    [
        format!("ens{slot}"),
        format!("enp0s{slot}"),
        format!("enp{}s0", number + 1),
    ]
}

/// An interface with a device.
#[derive(Debug)]
pub(crate) struct Nic<'a> {
    pub(crate) interface: &'a Interface,
    /// Number in the order of the report.
    pub(crate) index: usize,
    /// Number of interfaces with a device.
    pub(crate) count: usize,
    /// Every name that it can have after the move.
    pub(crate) names_after: Vec<String>,
    /// The address that DHCP gives it in EC2, and after the move.
    pub(crate) primary: Option<Ipv4Addr>,
}

/// Returns the interfaces with a device.
pub(crate) fn nics<'a>(report: &'a GuestReport, renamings: &[Renaming]) -> Vec<Nic<'a>> {
    let count = report.nics().count();
    report
        .nics()
        .enumerate()
        .map(|(index, interface)| {
            let mut nic = Nic {
                interface,
                index,
                count,
                names_after: Vec::new(),
                primary: primary(report, interface),
            };
            nic.names_after = names_after(report, &nic, renamings);
            nic
        })
        .collect()
}

fn primary(report: &GuestReport, interface: &Interface) -> Option<Ipv4Addr> {
    let of = |is_it: &dyn Fn(Ipv4Addr, &crate::Address) -> bool| {
        interface.ipv4().find(|(address, one)| is_it(*address, one))
    };
    of(&|address, _| report.private_ip() == Some(address))
        .or_else(|| of(&|_, one| one.origin == Origin::Dhcp))
        .or_else(|| of(&|_, one| !one.secondary))
        .map(|(address, _)| address)
}

/// Every name that an interface can have after the move.
fn names_after(report: &GuestReport, nic: &Nic, renamings: &[Renaming]) -> Vec<String> {
    let mut names = default_names(report, nic);
    for renaming in renamings {
        match renaming.after() {
            // Two interfaces cannot have one name, and which gets it is not known.
            Verdict::Yes if nic.count == 1 => return vec![renaming.name.clone()],
            Verdict::Yes | Verdict::NotKnown => names.push(renaming.name.clone()),
            Verdict::No => {}
        }
    }
    names
}

/// The names that kernel and udev give without rules.
fn default_names(report: &GuestReport, nic: &Nic) -> Vec<String> {
    let kernel = (0..nic.count).map(|number| format!("eth{number}"));
    let predictable = (0..nic.count).flat_map(predictable);
    let parameters = report
        .system
        .as_ref()
        .and_then(|system| system.cmdline.as_ref());
    let is_off = parameters.map(|all| all.iter().any(|one| one == "net.ifnames=0"));
    match is_off {
        Some(true) => kernel.collect(),
        Some(false) if nic.interface.name.starts_with("en") => predictable.collect(),
        // Names of the kernel without the parameter have a reason that is not seen here.
        Some(false) | None => kernel.chain(predictable).collect(),
    }
}
