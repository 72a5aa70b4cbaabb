//! Where EC2 and the guest say different things.

use std::net::Ipv4Addr;

use stayput_estate::InstanceId;
use stayput_estate::MacAddr;
use stayput_messages::Message;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;

use crate::GuestReport;
use crate::Interface;
use crate::Os;
use crate::unread;

/// Something that EC2 and the guest say differently, or that the guest does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The report is of another instance. Nothing else is compared.
    OtherInstance {
        /// The instance that the report should be of.
        expected: InstanceId,
        /// The instance that it is of.
        found: InstanceId,
    },
    /// The guest does not say which instance it is on.
    UnknownInstance,
    /// The guest does not say which addresses an interface has, or not all of them.
    UnknownAddresses {
        /// Name of the interface.
        interface: String,
    },
    /// A part that the comparison needs was not read.
    UnknownPart {
        /// The part.
        part: String,
        /// Why.
        why: String,
    },
    /// No interface has an address that EC2 has assigned.
    AddressMissing {
        /// The address.
        address: Ipv4Addr,
        /// MAC address of its EC2 interface.
        mac: MacAddr,
    },
    /// No interface that was read has an address that EC2 has assigned, but not everything was read.
    AddressNotSeen {
        /// The address.
        address: Ipv4Addr,
        /// MAC address of its EC2 interface.
        mac: MacAddr,
    },
    /// An interface with a device has an address that EC2 does not know.
    AddressNotInEc2 {
        /// The address.
        address: Ipv4Addr,
        /// Name of the interface.
        interface: String,
    },
    /// An address is on another interface than in EC2.
    OtherInterface {
        /// The address.
        address: Ipv4Addr,
        /// MAC address of the interface that has it in EC2.
        expected: MacAddr,
        /// Name of the interface that has it in the guest.
        interface: String,
    },
    /// No interface has the MAC address of an EC2 interface.
    MacMissing {
        /// The MAC address.
        mac: MacAddr,
        /// Device index of the EC2 interface.
        device_index: u32,
    },
    /// No interface that was read has the MAC address of an EC2 interface, but not everything was read.
    MacNotSeen {
        /// The MAC address.
        mac: MacAddr,
        /// Device index of the EC2 interface.
        device_index: u32,
    },
    /// An interface with a device has a MAC address that EC2 does not know.
    MacNotInEc2 {
        /// The MAC address.
        mac: MacAddr,
        /// Name of the interface.
        interface: String,
    },
    /// An interface with a device has no MAC address that could be read.
    UnknownMac {
        /// Name of the interface.
        interface: String,
    },
}

impl Difference {
    /// Whether this says that something is not known, and not that two things differ.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::UnknownInstance
            | Self::UnknownAddresses { .. }
            | Self::UnknownPart { .. }
            | Self::AddressNotSeen { .. }
            | Self::MacNotSeen { .. }
            | Self::UnknownMac { .. } => true,
            Self::OtherInstance { .. }
            | Self::AddressMissing { .. }
            | Self::AddressNotInEc2 { .. }
            | Self::OtherInterface { .. }
            | Self::MacMissing { .. }
            | Self::MacNotInEc2 { .. } => false,
        }
    }

    /// Returns the difference as a sentence.
    pub fn message(&self) -> Message {
        match self {
            Self::OtherInstance { expected, found } => Message::new("guest-other-instance")
                .with("expected", expected)
                .with("found", found),
            Self::UnknownInstance => Message::new("guest-unknown-instance"),
            Self::UnknownAddresses { interface } => {
                Message::new("guest-unknown-addresses").with("interface", interface)
            }
            Self::UnknownPart { part, why } => Message::new("guest-unknown-part")
                .with("part", part)
                .with("why", why),
            Self::AddressMissing { address, mac } => Message::new("guest-address-missing")
                .with("address", address)
                .with("mac", mac),
            Self::AddressNotSeen { address, mac } => Message::new("guest-address-not-seen")
                .with("address", address)
                .with("mac", mac),
            Self::AddressNotInEc2 { address, interface } => {
                Message::new("guest-address-not-in-ec2")
                    .with("address", address)
                    .with("interface", interface)
            }
            Self::OtherInterface {
                address,
                expected,
                interface,
            } => Message::new("guest-other-interface")
                .with("address", address)
                .with("expected", expected)
                .with("interface", interface),
            Self::MacMissing { mac, device_index } => Message::new("guest-mac-missing")
                .with("mac", mac)
                .with("index", device_index),
            Self::MacNotSeen { mac, device_index } => Message::new("guest-mac-not-seen")
                .with("mac", mac)
                .with("index", device_index),
            Self::MacNotInEc2 { mac, interface } => Message::new("guest-mac-not-in-ec2")
                .with("mac", mac)
                .with("interface", interface),
            Self::UnknownMac { interface } => {
                Message::new("guest-unknown-mac").with("interface", interface)
            }
        }
    }
}

/// Compares what EC2 and the guest say about a machine. An empty list means that they say the same and that everything was read.
pub fn compare(id: &InstanceId, facts: &MachineFacts, report: &GuestReport) -> Vec<Difference> {
    let identity = report.identity.as_ref();
    let mut found = Vec::new();
    match identity.and_then(|identity| identity.instance_id.as_ref()) {
        Some(other) if other != id => {
            return vec![Difference::OtherInstance {
                expected: id.clone(),
                found: other.clone(),
            }];
        }
        Some(_) => {}
        None => found.push(Difference::UnknownInstance),
    }
    found.extend(parts_not_read(report));
    for interface in &report.interfaces {
        if interface.is_read() || !matters(interface, facts) {
            continue;
        }
        found.push(Difference::UnknownAddresses {
            interface: interface.name.clone(),
        });
    }
    // What is absent counts as missing only if everything was read in which it could be.
    let complete = found.is_empty() || found == [Difference::UnknownInstance];
    for nic in &facts.nics {
        found.extend(nic_in_guest(nic, report, complete));
    }
    let known: Vec<_> = facts.addresses().collect();
    for interface in report.nics() {
        let unknown = interface
            .ipv4()
            .filter(|(address, _)| !known.contains(address));
        found.extend(unknown.map(|(address, _)| Difference::AddressNotInEc2 {
            address,
            interface: interface.name.clone(),
        }));
        let is_known = facts.nics.iter().any(|nic| interface.has_mac(nic.mac));
        match interface.permanent_mac.or(interface.mac) {
            Some(mac) if !is_known => found.push(Difference::MacNotInEc2 {
                mac,
                interface: interface.name.clone(),
            }),
            Some(_) => {}
            None => found.push(Difference::UnknownMac {
                interface: interface.name.clone(),
            }),
        }
    }
    found
}

/// Whether addresses that EC2 knows can be on an interface: it has a device or the MAC address of an EC2 interface, or nothing is known
/// about its addresses.
fn matters(interface: &Interface, facts: &MachineFacts) -> bool {
    interface.is_nic()
        || interface.addresses.is_none()
        || facts.nics.iter().any(|nic| interface.has_mac(nic.mac))
        || interface.more_addresses > 0
}

/// Parts without which absent interfaces and addresses may be there all the same.
fn parts_not_read(report: &GuestReport) -> Vec<Difference> {
    let mut found: Vec<_> = unread::parts(report)
        .into_iter()
        .filter(|unread| {
            let first = unread.part.split(['[', '.', ':']).next();
            matches!(first, Some("interfaces" | "addresses" | "all" | "devices"))
        })
        .map(|unread| Difference::UnknownPart {
            part: unread.part,
            why: unread.why,
        })
        .collect();
    if report.nics().next().is_none() {
        found.push(Difference::UnknownPart {
            part: "interfaces".to_owned(),
            why: Message::new("guest-no-devices").to_string(),
        });
    }
    if report.os == Os::Unknown {
        found.push(Difference::UnknownPart {
            part: "os".to_owned(),
            why: Message::new("guest-os-unknown").to_string(),
        });
    }
    found
}

/// What the guest says about one interface of EC2.
fn nic_in_guest(nic: &NicFacts, report: &GuestReport, complete: bool) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mac, device_index) = (nic.mac, nic.device_index);
    if !report.interfaces.iter().any(|one| one.has_mac(mac)) {
        found.push(if complete {
            Difference::MacMissing { mac, device_index }
        } else {
            Difference::MacNotSeen { mac, device_index }
        });
    }
    let masters: Vec<_> = report
        .interfaces
        .iter()
        .filter(|one| one.has_mac(mac))
        .filter_map(|one| one.master.as_deref())
        .collect();
    for address in std::iter::once(nic.primary).chain(nic.secondary.iter().copied()) {
        let holders: Vec<_> = report
            .interfaces
            .iter()
            .filter(|one| one.ipv4().any(|(held, _)| held == address))
            .collect();
        let is_right = |one: &&&Interface| one.has_mac(mac) || masters.contains(&one.name.as_str());
        match (holders.first(), holders.iter().find(is_right)) {
            (_, Some(_)) => {}
            (Some(other), None) => found.push(Difference::OtherInterface {
                address,
                expected: mac,
                interface: other.name.clone(),
            }),
            (None, None) if complete => found.push(Difference::AddressMissing { address, mac }),
            (None, None) => found.push(Difference::AddressNotSeen { address, mac }),
        }
    }
    found
}
