//! Which message of the catalogue an obstacle is.

use std::fmt;

use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_messages::list::commas;
use stayput_messages::list::first_of;

use super::Gap;
use super::InterfaceDoubt;
use super::Obstacle;
use super::SaidByEc2;
use super::remedies;
use crate::NoOrder;
use crate::check::why;

/// Machines named one by one before the rest is only counted.
const NAMED: usize = 5;

impl Obstacle {
    /// What is wrong, as a message of the catalogue. What a person can do is [`Obstacle::remedy_message`].
    pub fn message(&self) -> Message {
        match self {
            Self::SourceNotSeen {
                vpc,
                region,
                account,
            } => match account {
                Some(account) => Message::new("obstacle-source-not-seen")
                    .with("vpc", vpc)
                    .with("region", region)
                    .with("account", account),
                None => Message::new("obstacle-source-not-seen-by-unknown-account")
                    .with("vpc", vpc)
                    .with("region", region),
            },
            Self::SpansNetworks {
                machine,
                label,
                network,
            } => Message::new("obstacle-spans-networks")
                .with("label", label)
                .with("machine", machine)
                .with("network", network),
            Self::ForeignInterface {
                machine,
                label,
                eni,
                address,
            } => Message::new("obstacle-foreign-interface")
                .with("label", label)
                .with("machine", machine)
                .with("eni", eni)
                .with("address", address),
            Self::UnmovableInterface {
                network,
                eni,
                address,
                what,
            } => Message::new("obstacle-unmovable-interface")
                .with("eni", eni)
                .with("what", what)
                .with("address", address)
                .with("network", network),
            Self::UnsettledInterface {
                network,
                eni,
                address,
                what,
                status,
                ..
            } => match address {
                Some(address) => Message::new("obstacle-unsettled-interface")
                    .with("eni", eni)
                    .with("what", what)
                    .with("network", network)
                    .with("address", address)
                    .with("status", status),
                None => Message::new("obstacle-unsettled-interface-without-address")
                    .with("eni", eni)
                    .with("what", what)
                    .with("network", network)
                    .with("status", status),
            },
            Self::InterfaceInDoubt {
                machine,
                label,
                eni,
                doubt,
            } => doubtful(machine, label, eni, *doubt),
            Self::NoIpv4Address {
                machine,
                label,
                network,
            } => Message::new("obstacle-no-ipv4-address")
                .with("label", label)
                .with("machine", machine)
                .with("network", network),
            Self::BeingTerminated {
                machine,
                label,
                network,
            } => Message::new("obstacle-being-terminated")
                .with("label", label)
                .with("machine", machine)
                .with("network", network),
            Self::InNoWave {
                network,
                machine,
                label,
            } => Message::new("obstacle-in-no-wave")
                .with("label", label)
                .with("machine", machine)
                .with("network", network),
            Self::InSeveralWaves {
                machine,
                label,
                waves,
            } => Message::new("obstacle-in-several-waves")
                .with("label", label)
                .with("machine", machine)
                .part("waves", and(waves)),
            Self::NotInSource { wave, machine } => Message::new("obstacle-not-in-source")
                .with("wave", wave)
                .with("machine", machine),
            Self::NoSuchMachine { name, found } => Message::new("obstacle-no-such-machine")
                .with("found", found)
                .with("name", name),
            Self::NoAnnouncement { network, site, .. } => Message::new("obstacle-no-announcement")
                .with("site", site)
                .with("network", network),
            Self::NotInInventory {
                site,
                machine,
                label,
            } => Message::new("obstacle-not-in-inventory")
                .with("label", label)
                .with("machine", machine)
                .with("site", site),
            Self::CannotRun {
                machine,
                label,
                rule,
            } => Message::new("obstacle-cannot-run")
                .with("label", label)
                .with("machine", machine)
                .part("reason", why(*rule)),
            Self::AmbiguousVm {
                site,
                machine,
                label,
                candidates,
            } if candidates.is_empty() => Message::new("obstacle-ambiguous-vm-of-none")
                .with("label", label)
                .with("machine", machine)
                .with("site", site),
            Self::AmbiguousVm {
                site,
                machine,
                label,
                candidates,
            } => Message::new("obstacle-ambiguous-vm")
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .count("count", candidates.len())
                .with("candidates", commas(candidates)),
            Self::RunsTwice {
                site,
                machine,
                label,
                at,
                vm,
                ..
            } => Message::new("obstacle-runs-twice")
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .with("vm", vm)
                .with("at", at),
            Self::FormerVmRuns {
                machine,
                label,
                at,
                vm,
            } => Message::new("obstacle-former-vm-runs")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("at", at),
            Self::NotUndone { run, why } => Message::new("obstacle-not-undone")
                .with("run", run)
                .part("why", why.message()),
            Self::SourceRuns {
                machine,
                label,
                site,
                state,
                vm_is_off: false,
                ..
            } => Message::new("obstacle-source-runs")
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .with("state", state),
            Self::SourceRuns {
                machine,
                label,
                site,
                state,
                vm_is_off: true,
                ..
            } => Message::new("obstacle-source-runs-with-vm-off")
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .with("state", state),
            Self::AddressTaken {
                site,
                machine,
                label,
                address,
                holder,
            } => Message::new("obstacle-address-taken")
                .with("address", address)
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .with("holder", holder),
            Self::Lost {
                machine,
                label,
                ec2,
            } => Message::new("obstacle-lost")
                .with("label", label)
                .with("machine", machine)
                .part("ec2", ec2.message()),
            Self::VmDeleted {
                machine,
                label,
                site,
                vm,
                recovery_points,
                may_be_at,
                ..
            } if may_be_at.is_empty() => Message::new("obstacle-vm-deleted")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("site", site)
                .part("points", remedies::recovery_points(recovery_points)),
            Self::VmDeleted {
                machine,
                label,
                site,
                vm,
                recovery_points,
                may_be_at,
                ..
            } => Message::new("obstacle-vm-deleted-or-elsewhere")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("site", site)
                .part("points", remedies::recovery_points(recovery_points))
                .part("sites", and(may_be_at)),
            Self::NotListed {
                machine,
                label,
                system,
                what,
            } => Message::new("obstacle-not-listed")
                .with("label", label)
                .with("machine", machine)
                .with("system", system)
                .with("what", what),
            Self::NotObserved {
                system,
                silence,
                why,
                ..
            } => match silence {
                Some(silence) => Message::new("obstacle-not-observed-because")
                    .with("system", system)
                    .with("verb", silence.verb())
                    .with("why", why),
                None => Message::new("obstacle-not-observed").with("system", system),
            },
            Self::StillRuns { site, machines, .. } => Message::new("obstacle-still-runs")
                .with("site", site)
                .part("machines", remedies::are(machines.len()))
                .part("names", first_of(NAMED, machines.values())),
            Self::FenceNotPossible {
                site,
                region,
                silence,
                why,
            } => match silence {
                Some(silence) => Message::new("obstacle-fence-not-possible-because")
                    .with("site", site)
                    .with("region", region)
                    .with("verb", silence.verb())
                    .with("why", why),
                None => Message::new("obstacle-fence-not-possible")
                    .with("site", site)
                    .with("region", region),
            },
            Self::NoMove { site, machines } => Message::new("obstacle-no-move")
                .with("site", site)
                .part("machines", remedies::are(*machines)),
            Self::StillRouted {
                machine,
                label,
                address,
                site,
                ..
            } => Message::new("obstacle-still-routed")
                .with("address", address)
                .with("label", label)
                .with("machine", machine)
                .with("site", site),
            Self::MayBeThere {
                machine,
                label,
                site,
                vms,
            } => Message::new("obstacle-may-be-there")
                .with("label", label)
                .with("machine", machine)
                .count("count", vms.len())
                .with("vms", commas(vms))
                .with("site", site),
            Self::OldPoints {
                machine,
                label,
                site,
                vm,
            } => Message::new("obstacle-old-points")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("site", site),
            Self::NotOn {
                machine,
                label,
                site,
                vm,
            } => Message::new("obstacle-not-on")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("site", site),
            Self::LacksAddresses {
                machine,
                label,
                site,
                addresses,
                ..
            } => Message::new("obstacle-lacks-addresses")
                .with("label", label)
                .with("machine", machine)
                .with("site", site)
                .with("addresses", commas(addresses)),
            Self::Elsewhere {
                machine,
                label,
                at,
                wanted,
            } => Message::new("obstacle-elsewhere")
                .with("label", label)
                .with("machine", machine)
                .with("at", at)
                .with("wanted", wanted),
            Self::NoMachines { network } => {
                Message::new("obstacle-no-machines").with("network", network)
            }
            Self::OtherCidr {
                network,
                cidr,
                subnet,
                found,
            } => Message::new("obstacle-other-cidr")
                .with("network", network)
                .with("cidr", cidr)
                .with("subnet", subnet)
                .with("found", found),
            Self::NotRecoverySite { network, site } => Message::new("obstacle-not-recovery-site")
                .with("network", network)
                .with("site", site),
            Self::NoRecoverySite { network } => {
                Message::new("obstacle-no-recovery-site").with("network", network)
            }
            Self::Missing { site, what, .. } => Message::new("obstacle-missing")
                .with("what", what)
                .with("site", site),
            Self::NotUnique { site, what, count } => Message::new("obstacle-not-unique")
                .with("count", count)
                .with("site", site)
                .with("what", what),
            Self::Differs {
                site,
                what,
                property,
                expected,
                found,
                uncovered,
            } if uncovered.is_empty() => Message::new("obstacle-differs")
                .with("what", what)
                .with("site", site)
                .with("property", property)
                .with("found", found)
                .with("expected", expected),
            Self::Differs {
                site,
                what,
                property,
                expected,
                found,
                uncovered,
            } => Message::new("obstacle-differs-and-leaves-uncovered")
                .with("what", what)
                .with("site", site)
                .with("property", property)
                .with("found", found)
                .with("expected", expected)
                .part("machines", first_of(NAMED, uncovered)),
            Self::Overlaps {
                site,
                network,
                cidr,
                what,
                other,
            } => Message::new("obstacle-overlaps")
                .with("cidr", cidr)
                .with("network", network)
                .with("other", other)
                .with("what", what)
                .with("site", site),
            Self::NotProtected {
                machine,
                label,
                gap,
                ..
            } => Message::new("obstacle-not-protected")
                .with("label", label)
                .with("machine", machine)
                .part("gap", gap.message()),
            Self::CarriesCategory {
                site,
                vm,
                name,
                category,
                network,
            } => Message::new("obstacle-carries-category")
                .with("name", name)
                .with("vm", vm)
                .with("site", site)
                .with("category", category)
                .with("network", network),
            Self::ForeignTest { site, what, found } => Message::new("obstacle-foreign-test")
                .with("what", what)
                .with("site", site)
                .with("found", found),
            Self::Unreadable { site, object } => Message::new("obstacle-unreadable")
                .with("site", site)
                .with("object", object),
            Self::NotCaptured {
                site,
                machine,
                label,
                nic,
                addresses,
                ..
            } => Message::new("obstacle-not-captured")
                .with("label", label)
                .with("machine", machine)
                .with("addresses", commas(addresses))
                .with("site", site)
                .with("nic", nic),
            Self::NotPaired { from, to } => Message::new("obstacle-not-paired")
                .with("from", from)
                .with("to", to),
            Self::NoAttachment {
                site,
                region,
                tgw,
                fault,
            } => Message::new("obstacle-no-attachment")
                .with("site", site)
                .with("tgw", tgw)
                .with("region", region)
                .part("fault", fault.message()),
            Self::NoPeering {
                from,
                region,
                to,
                fault,
            } => Message::new("obstacle-no-peering")
                .with("from", from)
                .with("region", region)
                .with("to", to)
                .part("fault", fault.message()),
            Self::MoreSpecific {
                region,
                table,
                cidr,
                network,
            } => Message::new("obstacle-more-specific")
                .with("table", table)
                .with("region", region)
                .with("cidr", cidr)
                .with("network", network),
            Self::PoolTooSmall {
                network,
                free,
                needed,
            } => Message::new("obstacle-pool-too-small")
                .with("network", network)
                .count("free", *free)
                .with("needed", needed),
            Self::PoolExhausted {
                site,
                what,
                free,
                needed,
                ..
            } => Message::new("obstacle-pool-exhausted")
                .with("what", what)
                .with("site", site)
                .count("free", *free)
                .with("needed", needed),
            Self::Unsafe {
                moment,
                from,
                address,
                more,
                harm,
            } => Message::new("obstacle-unsafe")
                .part("moment", moment.message())
                .with("from", from)
                .with("address", address)
                .count("more", *more)
                .part("harm", harm.message()),
            Self::NoSafeOrder {
                network,
                home,
                calls,
                why,
            } => match &**why {
                NoOrder::Conflict { .. } => Message::new("obstacle-no-safe-order")
                    .with("calls", calls)
                    .with("network", network)
                    .with("home", home)
                    .part("why", why.message()),
                NoOrder::TooMany { .. } => Message::new("obstacle-too-many-calls-to-order")
                    .with("network", network)
                    .with("home", home)
                    .part("why", why.message()),
            },
            Self::Found { finding } => finding.message(),
            Self::Unreachable {
                from,
                address,
                label,
                delivery,
            } => Message::new("obstacle-unreachable")
                .with("from", from)
                .with("address", address)
                .with("label", label)
                .part("delivery", delivery.message()),
        }
    }
}

fn doubtful(machine: &InstanceId, label: &str, eni: &EniId, doubt: InterfaceDoubt) -> Message {
    match doubt {
        InterfaceDoubt::NotListedByMachine {
            address: Some(address),
        } => Message::new("obstacle-interface-not-listed-by-machine")
            .with("eni", eni)
            .with("address", address)
            .with("label", label)
            .with("machine", machine),
        InterfaceDoubt::NotListedByMachine { address: None } => {
            Message::new("obstacle-interface-without-address-not-listed-by-machine")
                .with("eni", eni)
                .with("label", label)
                .with("machine", machine)
        }
        InterfaceDoubt::MachineNotShown {
            address: Some(address),
        } => Message::new("obstacle-machine-of-interface-not-shown")
            .with("eni", eni)
            .with("address", address)
            .with("machine", machine),
        InterfaceDoubt::MachineNotShown { address: None } => {
            Message::new("obstacle-machine-of-interface-without-address-not-shown")
                .with("eni", eni)
                .with("machine", machine)
        }
        InterfaceDoubt::NotShown => Message::new("obstacle-interface-not-shown")
            .with("label", label)
            .with("machine", machine)
            .with("eni", eni),
    }
}

impl SaidByEc2 {
    pub(super) fn message(self) -> Message {
        match self {
            Self::Exists => Message::new("ec2-says-exists"),
            Self::Terminated => Message::new("ec2-says-terminated"),
            Self::NotFound => Message::new("ec2-says-not-found"),
            Self::Nothing => Message::new("ec2-says-nothing"),
        }
    }
}

impl Gap {
    fn message(&self) -> Message {
        match self {
            Self::NoCategory { site, category } => Message::new("gap-no-category")
                .with("site", site)
                .with("category", category),
            Self::NoRecoveryPoint { site } => {
                Message::new("gap-no-recovery-point").with("site", site)
            }
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for Obstacle {}

impl fmt::Display for SaidByEc2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for Gap {}
