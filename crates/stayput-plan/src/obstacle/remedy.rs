//! What a person can do about an obstacle.

use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_messages::list::arguments;
use stayput_messages::list::commas;
use stayput_messages::list::text;
use stayput_world::System;
use stayput_world::aws::EniStatus;

use super::InterfaceDoubt;
use super::Obstacle;
use super::SaidByEc2;
use super::remedies;
use crate::Blocked;
use crate::NoOrder;
use crate::check::remedy as remedy_of_rule;

impl Obstacle {
    /// What a person can do about it, in English.
    pub fn remedy(&self) -> String {
        self.remedy_message().to_string()
    }

    /// What a person can do about it, as a message of the catalogue.
    pub fn remedy_message(&self) -> Message {
        match self {
            Self::SourceNotSeen { .. } => Message::new("remedy-source-not-seen"),
            Self::SpansNetworks { network, .. } => {
                Message::new("remedy-spans-networks").with("network", network)
            }
            Self::ForeignInterface { .. } => Message::new("remedy-foreign-interface"),
            Self::UnmovableInterface { .. } => Message::new("remedy-unmovable-interface"),
            Self::UnsettledInterface { eni, status, .. } => match status {
                EniStatus::Attaching | EniStatus::Detaching => {
                    Message::new("remedy-unsettled-interface-in-transit").with("eni", eni)
                }
                EniStatus::Associated | EniStatus::Unknown(_) => {
                    Message::new("remedy-unsettled-interface").with("eni", eni)
                }
            },
            Self::InterfaceInDoubt {
                machine,
                eni,
                doubt,
                ..
            } => match doubt {
                InterfaceDoubt::NotListedByMachine { .. } => {
                    Message::new("remedy-interface-not-listed-by-machine")
                        .with("eni", eni)
                        .with("machine", machine)
                }
                InterfaceDoubt::MachineNotShown { .. } => {
                    Message::new("remedy-machine-of-interface-not-shown").with("machine", machine)
                }
                InterfaceDoubt::NotShown => {
                    Message::new("remedy-interface-not-shown").with("eni", eni)
                }
            },
            Self::NoIpv4Address { .. } => Message::new("remedy-no-ipv4-address"),
            Self::BeingTerminated { machine, .. } => {
                Message::new("remedy-being-terminated").with("machine", machine)
            }
            Self::InNoWave { machine, .. } => {
                Message::new("remedy-in-no-wave").with("machine", machine)
            }
            Self::InSeveralWaves { .. } => Message::new("remedy-in-several-waves"),
            Self::NotInSource { wave, .. } => {
                Message::new("remedy-not-in-source").with("wave", wave)
            }
            Self::NoSuchMachine { name, found: 0 } => {
                Message::new("remedy-no-such-machine").with("name", name)
            }
            Self::NoSuchMachine { .. } => Message::new("remedy-several-such-machines"),
            Self::NoAnnouncement { halves, .. } => {
                Message::new("remedy-no-announcement").part("halves", and(halves))
            }
            Self::NotInInventory { .. } => Message::new("remedy-not-in-inventory"),
            Self::CannotRun { rule, machine, .. } => remedy_of_rule(*rule, machine.as_str()),
            Self::AmbiguousVm { site, machine, .. } => Message::new("remedy-ambiguous-vm")
                .with("site", site)
                .with("machine", machine),
            Self::RunsTwice {
                machine,
                at,
                vm,
                networks,
                ..
            } => Message::new("remedy-runs-twice")
                .with("networks", arguments(networks))
                .with("at", at)
                .with("machine", machine)
                .with("vm", vm),
            Self::FormerVmRuns { at, vm, .. } => Message::new("remedy-former-vm-runs")
                .with("vm", vm)
                .with("at", at),
            Self::NotUndone { run, why } => why.remedy_message(run),
            Self::SourceRuns {
                machine, region, ..
            } => Message::new("remedy-source-runs")
                .with("machine", machine)
                .with("region", region),
            Self::AddressTaken { address, .. } => {
                Message::new("remedy-address-taken").with("address", address)
            }
            Self::Lost { machine, ec2, .. } => match ec2 {
                SaidByEc2::Exists => Message::new("remedy-lost-exists").with("machine", machine),
                SaidByEc2::Terminated => {
                    Message::new("remedy-lost-terminated").with("machine", machine)
                }
                SaidByEc2::NotFound => {
                    Message::new("remedy-lost-not-found").with("machine", machine)
                }
                SaidByEc2::Nothing => Message::new("remedy-lost-nothing").with("machine", machine),
            },
            Self::VmDeleted {
                machine,
                site,
                recovery_points,
                may_be_at,
                candidates,
                ..
            } => {
                let usual = remedies::of_deleted(machine, site, recovery_points, may_be_at);
                let mut candidates = candidates.iter();
                match (candidates.next(), candidates.next()) {
                    (Some((at, vm)), None) => Message::new("remedy-vm-deleted-found")
                        .with("at", at)
                        .with("vm", vm)
                        .with("machine", machine)
                        .part("usual", usual),
                    (None, _) | (_, Some(_)) => usual,
                }
            }
            Self::NotListed {
                machine, system, ..
            } => Message::new("remedy-not-listed")
                .part("console", console(system))
                .with("machine", machine),
            Self::NotObserved {
                system,
                silence,
                otherwise,
                ..
            } => {
                let observe = remedies::observe(system, *silence);
                match otherwise {
                    Some(otherwise) => Message::new("remedy-observe-or")
                        .part("observe", observe)
                        .with("otherwise", otherwise),
                    None => observe,
                }
            }
            Self::StillRuns {
                site, to, networks, ..
            } => Message::new("remedy-still-runs")
                .with("networks", arguments(networks))
                .with("to", to)
                .with("site", site),
            Self::FenceNotPossible {
                site,
                region,
                silence,
                ..
            } => Message::new("remedy-fence-not-possible")
                .part(
                    "observe",
                    remedies::observe(&System::Aws(region.clone()), *silence),
                )
                .with("site", site),
            Self::NoMove { site, .. } => Message::new("remedy-no-move").with("site", site),
            Self::StillRouted {
                site,
                home,
                networks,
                ..
            } => Message::new("remedy-still-routed")
                .with("networks", arguments(networks))
                .with("home", home)
                .with("site", site),
            Self::MayBeThere { machine, site, .. } => Message::new("remedy-may-be-there")
                .with("machine", machine)
                .with("site", site),
            Self::OldPoints { site, vm, .. } => Message::new("remedy-old-points")
                .with("vm", vm)
                .with("site", site),
            Self::NotOn {
                vm, site, machine, ..
            } => Message::new("remedy-not-on")
                .with("vm", vm)
                .with("site", site)
                .with("machine", machine),
            Self::LacksAddresses {
                networks,
                at_primary: true,
                ..
            } => Message::new("remedy-lacks-addresses").with("networks", arguments(networks)),
            Self::LacksAddresses { networks, site, .. } => {
                Message::new("remedy-lacks-addresses-elsewhere")
                    .with("networks", arguments(networks))
                    .with("site", site)
            }
            Self::Elsewhere { wanted, .. } => {
                Message::new("remedy-elsewhere").with("wanted", wanted)
            }
            Self::NoMachines { network, .. } => {
                Message::new("remedy-no-machines").with("network", network)
            }
            Self::OtherCidr { network, found, .. } => Message::new("remedy-other-cidr")
                .with("network", network)
                .with("found", found),
            Self::NotRecoverySite { site, network, .. } => Message::new("remedy-not-recovery-site")
                .with("site", site)
                .with("network", network),
            Self::NoRecoverySite { network, .. } => {
                Message::new("remedy-no-recovery-site").with("network", network)
            }
            Self::Missing { remedy, .. } => Message::new("remedy-missing").with("remedy", remedy),
            Self::NotUnique { what, .. } => Message::new("remedy-not-unique").with("what", what),
            Self::Differs {
                property,
                what,
                expected,
                ..
            } => Message::new("remedy-differs")
                .with("property", property)
                .with("what", what)
                .with("expected", expected),
            Self::Overlaps { what, .. } => Message::new("remedy-overlaps").with("what", what),
            Self::NotProtected { networks, .. } => {
                Message::new("remedy-not-protected").with("networks", arguments(networks))
            }
            Self::ForeignTest { .. } => Message::new("remedy-foreign-test"),
            Self::Unreadable { site, .. } => Message::new("remedy-unreadable").with("site", site),
            Self::CarriesCategory { category, vm, .. } => Message::new("remedy-carries-category")
                .with("category", category)
                .with("vm", vm),
            Self::NotCaptured {
                nic,
                is_former: true,
                ..
            } => Message::new("remedy-not-captured-of-former").with("nic", nic),
            Self::NotCaptured { nic, machine, .. } => Message::new("remedy-not-captured")
                .with("nic", nic)
                .with("machine", machine),
            Self::NotPaired { .. } => Message::new("remedy-not-paired"),
            Self::NoAttachment {
                region, tgw, fault, ..
            } => fault.remedy_of_vpc(region, tgw),
            Self::NoPeering {
                from,
                region,
                to,
                fault,
            } => fault.remedy_of_peering(region, from, to),
            Self::MoreSpecific { cidr, network, .. } => Message::new("remedy-more-specific")
                .with("cidr", cidr)
                .with("network", network),
            Self::PoolTooSmall { free, needed, .. } => {
                Message::new("remedy-pool-too-small").count("missing", needed.saturating_sub(*free))
            }
            Self::PoolExhausted {
                what, suggested, ..
            } if suggested.is_empty() => Message::new("remedy-pool-exhausted").with("what", what),
            Self::PoolExhausted {
                what, suggested, ..
            } => Message::new("remedy-pool-exhausted-suggested")
                .with("what", what)
                .with("ranges", commas(suggested)),
            Self::Unsafe { .. } => Message::new("remedy-unsafe"),
            Self::NoSafeOrder { why, .. } => match &**why {
                NoOrder::Conflict { blocked, .. } => Message::new("remedy-no-safe-order")
                    .part("traces", and(blocked.iter().map(trace))),
                NoOrder::TooMany { .. } => Message::new("remedy-too-many-calls-to-order"),
            },
            Self::Found { finding } => finding.remedy_message(),
            Self::Unreachable { .. } => Message::new("remedy-unreachable"),
        }
    }
}

/// Where a person looks into a system.
fn console(system: &System) -> Message {
    match system {
        System::Aws(region) => Message::new("console-of-aws").with("region", region),
        System::PrismCentral(_) | System::Move(_) => text(system),
    }
}

fn trace(fact: &Blocked) -> Message {
    Message::new("command-trace")
        .with("from", fact.from.argument())
        .with("address", fact.address)
}
