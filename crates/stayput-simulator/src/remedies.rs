//! What a person does about what a command says: a table from obstacle to action, so that printed remedies are carried out.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::InstanceId;
use stayput_estate::NicExtId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_plan::EntryPath;
use stayput_plan::FailoverMode;
use stayput_plan::Goal;
use stayput_plan::Obstacle;
use stayput_plan::Wrong;

/// What a person does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Remedy {
    /// Waits and runs the same command again.
    Again,
    /// Leaves it as it is and goes on: what was asked for is refused with its reason.
    GoOn,
    /// The obstacle is one that no story makes: to meet it is a fault of the tool, and a story that does is stuck.
    NotInStories,
    /// Runs another command first.
    First(Goal),
    /// `stayput adopt MACHINE --vm UUID --site SITE`.
    Adopt(InstanceId, SiteName, VmExtId),
    /// Restores this VM of a machine, which was deleted, and adopts it.
    Restore(InstanceId, VmExtId),
    /// `stayput capture --replace MACHINE`.
    RecordAddresses(InstanceId, BTreeSet<Ipv4Addr>),
    /// `aws ec2 stop-instances`.
    StopInstance(InstanceId),
    /// Puts routes back that were deleted by hand.
    PutRoutesBack,
    /// Takes the machines' addresses out of the DHCP pools of the overlay subnets at a site.
    FreePools(SiteName),
    /// Cleans up the tests of recovery plans at a site in Prism Central.
    CleanUpTests(SiteName),
    /// Deletes the recovery points of a VM at a site in Prism Central.
    DeletePoints(SiteName, VmExtId),
    /// Deletes a NIC of a VM at a site in Prism Central.
    DeleteNic(SiteName, NicExtId),
    /// Powers a VM off in Prism Central.
    PowerOff(SiteName, VmExtId),
    /// Powers the VM of a machine on there.
    PowerOn(SiteName, InstanceId),
}

impl Remedy {
    /// Whether a person changes something by hand.
    pub(crate) fn is_by_hand(&self) -> bool {
        !matches!(
            self,
            Self::Again | Self::GoOn | Self::NotInStories | Self::First(_)
        )
    }
}

/// What a person does about an obstacle. A new obstacle needs an entry here to compile.
pub(crate) fn of(obstacle: &Obstacle) -> Remedy {
    match obstacle {
        Obstacle::StillRouted {
            networks,
            home,
            site,
            ..
        } => Remedy::First(Goal::Failover {
            networks: networks.clone(),
            to: home.clone(),
            mode: FailoverMode::Unplanned,
            path: EntryPath::Keep,
            lost: [site.clone()].into(),
        }),
        Obstacle::NotProtected { networks, .. } => Remedy::First(Goal::Protect {
            networks: networks.clone(),
        }),
        Obstacle::RunsTwice { at, vm, .. } | Obstacle::FormerVmRuns { at, vm, .. } => {
            Remedy::PowerOff(at.clone(), vm.clone())
        }
        Obstacle::SourceRuns { machine, .. } => Remedy::StopInstance(machine.clone()),
        Obstacle::VmDeleted {
            machine,
            vm: deleted,
            candidates,
            ..
        } => match one(candidates) {
            Some((site, vm)) => Remedy::Adopt(machine.clone(), site, vm),
            None => Remedy::Restore(machine.clone(), deleted.clone()),
        },
        Obstacle::OldPoints { site, vm, .. } => Remedy::DeletePoints(site.clone(), vm.clone()),
        Obstacle::NotCaptured { site, nic, .. } => Remedy::DeleteNic(site.clone(), nic.clone()),
        Obstacle::LacksAddresses {
            networks,
            site,
            at_primary,
            ..
        } => Remedy::First(match at_primary {
            true => Goal::Move {
                networks: networks.clone(),
                canaries: BTreeSet::new(),
                leave_out: BTreeSet::new(),
            },
            false => Goal::Failover {
                networks: networks.clone(),
                to: site.clone(),
                mode: FailoverMode::Planned,
                path: EntryPath::A,
                lost: BTreeSet::new(),
            },
        }),
        Obstacle::NotOn { site, machine, .. } => Remedy::PowerOn(site.clone(), machine.clone()),
        Obstacle::StillRuns { networks, to, .. } => Remedy::First(Goal::Failover {
            networks: networks.clone(),
            to: to.clone(),
            mode: FailoverMode::Planned,
            path: EntryPath::A,
            lost: BTreeSet::new(),
        }),
        Obstacle::NoSafeOrder { .. } => Remedy::PutRoutesBack,
        Obstacle::NotUndone { .. } => Remedy::GoOn,
        Obstacle::ForeignTest { site, .. } => Remedy::CleanUpTests(site.clone()),
        Obstacle::Differs { site, .. } => Remedy::FreePools(site.clone()),
        Obstacle::MayBeThere {
            machine, site, vms, ..
        } => match one(vms) {
            Some(vm) => Remedy::Adopt(machine.clone(), site.clone(), vm),
            None => Remedy::NotInStories,
        },
        // What a later look shows otherwise, or what ends by itself.
        Obstacle::SourceNotSeen { .. }
        | Obstacle::UnsettledInterface { .. }
        | Obstacle::InterfaceInDoubt { .. }
        | Obstacle::BeingTerminated { .. }
        | Obstacle::NotInInventory { .. }
        | Obstacle::Lost { .. }
        | Obstacle::NotListed { .. }
        | Obstacle::NotObserved { .. }
        | Obstacle::FenceNotPossible { .. }
        | Obstacle::Missing { .. }
        | Obstacle::Unreadable { .. }
        | Obstacle::NotPaired { .. }
        | Obstacle::Unreachable { .. } => Remedy::Again,
        // What only a change of the estate, of the landing zone or of other clients' objects removes: no story makes one.
        Obstacle::SpansNetworks { .. }
        | Obstacle::ForeignInterface { .. }
        | Obstacle::UnmovableInterface { .. }
        | Obstacle::NoIpv4Address { .. }
        | Obstacle::InNoWave { .. }
        | Obstacle::InSeveralWaves { .. }
        | Obstacle::NotInSource { .. }
        | Obstacle::NoSuchMachine { .. }
        | Obstacle::NoAnnouncement { .. }
        | Obstacle::CannotRun { .. }
        | Obstacle::AmbiguousVm { .. }
        | Obstacle::AddressTaken { .. }
        | Obstacle::NoMove { .. }
        | Obstacle::Elsewhere { .. }
        | Obstacle::NoMachines { .. }
        | Obstacle::OtherCidr { .. }
        | Obstacle::NotRecoverySite { .. }
        | Obstacle::NoRecoverySite { .. }
        | Obstacle::NotUnique { .. }
        | Obstacle::Overlaps { .. }
        | Obstacle::CarriesCategory { .. }
        | Obstacle::NoAttachment { .. }
        | Obstacle::NoPeering { .. }
        | Obstacle::MoreSpecific { .. }
        | Obstacle::PoolTooSmall { .. }
        | Obstacle::PoolExhausted { .. }
        | Obstacle::Unsafe { .. }
        | Obstacle::Found { .. } => Remedy::NotInStories,
    }
}

/// What a person does about what a verification found.
pub(crate) fn of_wrong(site: &SiteName, wrong: &Wrong) -> Remedy {
    match wrong {
        Wrong::NotRunning {
            machine,
            power: Some(_),
            ..
        } => Remedy::PowerOn(site.clone(), machine.clone()),
        Wrong::ServedTwice { machine, .. } => Remedy::StopInstance(machine.clone()),
        Wrong::AddedInEc2 {
            machine, addresses, ..
        } => Remedy::RecordAddresses(machine.clone(), addresses.clone()),
        Wrong::Unknown { obstacle } => of(obstacle),
        Wrong::NoMachines
        | Wrong::Unobserved { .. }
        | Wrong::Elsewhere { .. }
        | Wrong::NotRunning { power: None, .. }
        | Wrong::WrongAddresses { .. }
        | Wrong::NotReached { .. }
        | Wrong::NoRoute { .. } => Remedy::Again,
    }
}

fn one<T: Clone>(of: &BTreeSet<T>) -> Option<T> {
    let mut of = of.iter();
    let first = of.next()?;
    of.next().is_none().then(|| first.clone())
}
