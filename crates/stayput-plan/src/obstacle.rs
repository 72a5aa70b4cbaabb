//! Obstacles: why there is no plan, each with what a person can do about it.

mod attachment;
mod message;
mod not_undone;
mod remedies;
mod remedy;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AccountId;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::EniId;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::NicExtId;
use stayput_estate::Region;
use stayput_estate::Rule;
use stayput_estate::SiteName;
use stayput_estate::SubnetId;
use stayput_estate::TgwId;
use stayput_estate::VmExtId;
use stayput_estate::VpcId;
use stayput_estate::WaveName;
use stayput_fabric::Source;
use stayput_world::AwsRegion;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::Unreadable;
use stayput_world::aws::EniStatus;
use stayput_world::aws::Gone;

pub use attachment::AttachmentFault;
pub use not_undone::NotUndone;

use crate::Delivery;
use crate::Finding;
use crate::Harm;
use crate::Moment;
use crate::NoOrder;
use crate::RunId;

/// Why there is no plan. `Display` says what is wrong; [`Obstacle::remedy`] what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "obstacle")]
pub enum Obstacle {
    /// The source VPC is not among those that the credentials can see.
    SourceNotSeen {
        /// The VPC.
        vpc: VpcId,
        /// Its region.
        region: Region,
        /// The account of the credentials, if it is known.
        account: Option<AccountId>,
    },
    /// A machine has interfaces in a network that is not part of the goal.
    SpansNetworks {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network left out.
        network: NetworkName,
    },
    /// A machine has an interface in a subnet of the source VPC that is no network of the estate.
    ForeignInterface {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The interface.
        eni: EniId,
        /// Its address.
        address: Ipv4Addr,
    },
    /// Something that is no machine holds an address in the network.
    UnmovableInterface {
        /// The network.
        network: NetworkName,
        /// The interface.
        eni: EniId,
        /// Its address.
        address: Ipv4Addr,
        /// Its type and description.
        what: String,
    },
    /// An interface in the network is being attached or detached: in seconds its address may be a machine's or a service's.
    UnsettledInterface {
        /// The network.
        network: NetworkName,
        /// The interface.
        eni: EniId,
        /// Its IPv4 address, if it has one.
        address: Option<Ipv4Addr>,
        /// The machine it is attached to, if it is one's.
        machine: Option<InstanceId>,
        /// Its type, description and machine.
        what: String,
        /// Its status.
        status: EniStatus,
    },
    /// The machine and the interface do not agree, however often they are asked.
    InterfaceInDoubt {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The interface.
        eni: EniId,
        /// What does not agree.
        doubt: InterfaceDoubt,
    },
    /// The machine is in the network without an IPv4 address there.
    NoIpv4Address {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network.
        network: NetworkName,
    },
    /// The machine is going away for good.
    BeingTerminated {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network.
        network: NetworkName,
    },
    /// A machine is in no wave.
    InNoWave {
        /// The network.
        network: NetworkName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
    },
    /// A machine is in several waves.
    InSeveralWaves {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The waves.
        waves: BTreeSet<WaveName>,
    },
    /// A wave names an instance that is not in the source VPC.
    NotInSource {
        /// The wave.
        wave: WaveName,
        /// The instance.
        machine: InstanceId,
    },
    /// A canary is not one machine of the networks.
    NoSuchMachine {
        /// How it was called.
        name: String,
        /// How many machines are called so.
        found: usize,
    },
    /// The recovery region announces nothing that would draw on-prem there.
    NoAnnouncement {
        /// The network.
        network: NetworkName,
        /// The site.
        site: SiteName,
        /// The halves of the network that would draw it there.
        halves: Vec<Cidr>,
    },
    /// Move does not list the machine.
    NotInInventory {
        /// Where Move is.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
    },
    /// The machine would not run on NC2, or would be lost.
    CannotRun {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The rule of `stayput check` that says so.
        rule: Rule,
    },
    /// Not exactly one VM can be the machine.
    AmbiguousVm {
        /// Where.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The VMs.
        candidates: BTreeSet<VmExtId>,
    },
    /// Another VM that the machine was is not off, as after an unplanned failover whose old site returns (Prism reference §6.8): its
    /// addresses would be served twice.
    RunsTwice {
        /// Where it is.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Its networks, and those that machines link with them.
        networks: BTreeSet<NetworkName>,
        /// Where it runs besides.
        at: SiteName,
        /// As this VM.
        vm: VmExtId,
    },
    /// The machine is in EC2 again, and a VM that it was before is not off: powered on, it serves the machine's addresses twice.
    FormerVmRuns {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where the VM is.
        at: SiteName,
        /// The VM.
        vm: VmExtId,
    },
    /// A run cannot be rolled back, or not now.
    NotUndone {
        /// The run.
        run: RunId,
        /// Why.
        why: Box<NotUndone>,
    },
    /// The machine has become a VM, and its EC2 instance runs again.
    SourceRuns {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it is.
        site: SiteName,
        /// Region of the instance.
        region: Region,
        /// State of the instance as reported.
        state: String,
        /// Whether its VM is seen to be off; otherwise two answer for its addresses.
        vm_is_off: bool,
    },
    /// Another VM has the machine's address.
    AddressTaken {
        /// Where.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: String,
    },
    /// The machine is at no site, and not in EC2 as it was captured.
    Lost {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// What EC2 says of it.
        ec2: SaidByEc2,
    },
    /// The VM that the machine is does not exist any more, by its Prism Central's own word.
    VmDeleted {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it was.
        site: SiteName,
        /// As this VM.
        vm: VmExtId,
        /// Sites that have a recovery point of it, with the newest one's creation time (RFC 3339).
        recovery_points: BTreeMap<SiteName, String>,
        /// Sites whose Prism Central was not observed: the machine may have been failed over to one of them.
        may_be_at: BTreeSet<SiteName>,
        /// VMs that no system calls this machine, and that have exactly its addresses.
        #[serde(default)]
        candidates: BTreeSet<(SiteName, VmExtId)>,
    },
    /// A list lacks what the machine is. That is no proof that it is gone.
    NotListed {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Whose list.
        system: System,
        /// What it lacks.
        what: String,
    },
    /// A system that the goal needs was not observed. What is there is unknown.
    NotObserved {
        /// The system.
        system: System,
        /// How it failed to be read; `None`: it was not asked.
        silence: Option<Silence>,
        /// The error and its causes, in one line; empty if it was not asked.
        why: String,
        /// What else can be done than to have it observed, if anything can.
        otherwise: Option<String>,
    },
    /// An unplanned failover would leave a site where machines run, or may.
    StillRuns {
        /// The site.
        site: SiteName,
        /// Where the failover leads.
        to: SiteName,
        /// The networks.
        networks: BTreeSet<NetworkName>,
        /// The machines that are not off, with their names.
        machines: BTreeMap<InstanceId, String>,
    },
    /// The routes to a site that an unplanned failover leaves cannot be made to drop packets.
    FenceNotPossible {
        /// The site.
        site: SiteName,
        /// Region of its routes.
        region: Region,
        /// How it failed to be read; `None`: it was not asked.
        silence: Option<Silence>,
        /// The error and its causes, in one line; empty if it was not asked.
        why: String,
    },
    /// Machines are still in EC2, and the file names no Move to bring them in.
    NoMove {
        /// The site they go to.
        site: SiteName,
        /// How many they are.
        machines: usize,
    },
    /// An old VM still gets the machine's packets: to power it off would take the address away.
    StillRouted {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// One of its addresses.
        address: Ipv4Addr,
        /// Where its old VM is.
        site: SiteName,
        /// Where it is.
        home: SiteName,
        /// Its networks.
        networks: BTreeSet<NetworkName>,
    },
    /// A machine that ran when it was captured is not on. What it was may be removed only while it runs elsewhere, and a test of a machine that
    /// is off tests nothing.
    NotOn {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it is.
        site: SiteName,
        /// As this VM.
        vm: VmExtId,
    },
    /// The VM of a machine lacks captured addresses, so that a copy of it in a test would, too.
    LacksAddresses {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it is.
        site: SiteName,
        /// The addresses that its VM lacks.
        addresses: BTreeSet<Ipv4Addr>,
        /// The networks that have to be put right together.
        networks: BTreeSet<NetworkName>,
        /// Whether the site is the primary site of these networks.
        at_primary: bool,
    },
    /// VMs at the site where a machine is to go have exactly its addresses, and no system says that one is the machine.
    MayBeThere {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The site.
        site: SiteName,
        /// The VMs.
        vms: BTreeSet<VmExtId>,
    },
    /// The target has recovery points of a VM that the machine is not any more, because it was adopted as another one: the recovery plan
    /// starts it from them once more (assumed: no reference says what a plan does with points of a deleted VM).
    OldPoints {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where the recovery points are.
        site: SiteName,
        /// The VM that they are of.
        vm: VmExtId,
    },
    /// The machine is not where the goal takes it from.
    Elsewhere {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where it is.
        at: SiteName,
        /// Where it was expected.
        wanted: SiteName,
    },
    /// There are no machines to work on.
    NoMachines {
        /// The network.
        network: NetworkName,
    },
    /// The network is not the CIDR of its EC2 subnet: addresses of the subnet would not come along, or ones that EC2 never had would.
    OtherCidr {
        /// The network.
        network: NetworkName,
        /// Its CIDR in the estate file.
        cidr: Cidr,
        /// Its subnet in EC2.
        subnet: SubnetId,
        /// The CIDR of the subnet.
        found: Cidr,
    },
    /// The network has no recovery site, or not this one.
    NotRecoverySite {
        /// The network.
        network: NetworkName,
        /// The site asked for.
        site: SiteName,
    },
    /// The network has no recovery site.
    NoRecoverySite {
        /// The network.
        network: NetworkName,
    },
    /// Something the goal builds on does not exist.
    Missing {
        /// Where.
        site: SiteName,
        /// What.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A name that must be unique is not.
    NotUnique {
        /// Where.
        site: SiteName,
        /// The name.
        what: String,
        /// How many.
        count: usize,
    },
    /// Something exists with the right name and a wrong property.
    Differs {
        /// Where.
        site: SiteName,
        /// What.
        what: String,
        /// Which property.
        property: String,
        /// What the plan expects of it.
        expected: String,
        /// What it is.
        found: String,
        /// Names of machines that a failover would not bring along, or not with their addresses, because of it.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        uncovered: BTreeSet<String>,
    },
    /// A range of addresses that the network cannot share.
    Overlaps {
        /// Where.
        site: SiteName,
        /// The network.
        network: NetworkName,
        /// Its addresses.
        cidr: Cidr,
        /// What has the other addresses, with its Flow VPC.
        what: String,
        /// The other addresses.
        other: Cidr,
    },
    /// A failover would leave a machine behind.
    NotProtected {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network whose recovery plan it belongs to, and those that machines link with it.
        networks: BTreeSet<NetworkName>,
        /// What is missing.
        gap: Gap,
    },
    /// A VM carries the category of a network it does not belong to: it would be failed over with it.
    CarriesCategory {
        /// Where.
        site: SiteName,
        /// The VM.
        vm: VmExtId,
        /// Its name.
        name: String,
        /// The category, as `key=value`.
        category: String,
        /// The network the category is for.
        network: NetworkName,
    },
    /// Another client tests a recovery plan, or has left copies of a test: stayput does not remove them.
    ForeignTest {
        /// Where.
        site: SiteName,
        /// The recovery plan or test subnet.
        what: String,
        /// The job or the VMs.
        found: String,
    },
    /// Something that the goal relies on is listed and cannot be read.
    Unreadable {
        /// Where.
        site: SiteName,
        /// What, and why.
        object: Unreadable,
    },
    /// A machine's VM has addresses that are not captured: restoring its NICs or failing it over would lose them.
    NotCaptured {
        /// Where.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The NIC.
        nic: NicExtId,
        /// Those of its addresses that are not captured.
        addresses: BTreeSet<Ipv4Addr>,
        /// Whether the VM is one that the machine was.
        #[serde(default)]
        is_former: bool,
    },
    /// The two Prism Centrals do not see each other.
    NotPaired {
        /// From here.
        from: SiteName,
        /// To here.
        to: SiteName,
    },
    /// A VPC has no usable attachment on its Transit Gateway.
    NoAttachment {
        /// The site.
        site: SiteName,
        /// Region.
        region: Region,
        /// Transit Gateway.
        tgw: TgwId,
        /// What there is instead.
        fault: AttachmentFault,
    },
    /// Two Transit Gateways are not peered.
    NoPeering {
        /// From here.
        from: TgwId,
        /// Region of that one.
        region: Region,
        /// To here.
        to: TgwId,
        /// What there is instead.
        fault: AttachmentFault,
    },
    /// A more specific route inside the network would override the change.
    MoreSpecific {
        /// Region.
        region: Region,
        /// Table.
        table: String,
        /// The route.
        cidr: Cidr,
        /// The network.
        network: NetworkName,
    },
    /// The network has too few free addresses for machines in flight.
    PoolTooSmall {
        /// The network.
        network: NetworkName,
        /// Free addresses.
        free: u64,
        /// Addresses that NICs of machines in flight take.
        needed: u64,
    },
    /// The DHCP pools of an overlay subnet that exists have too few free addresses.
    PoolExhausted {
        /// Where.
        site: SiteName,
        /// The subnet.
        what: String,
        /// Addresses of its pools that are free.
        free: u64,
        /// Addresses that NICs of machines in flight take; at least one.
        needed: u64,
        /// Ranges that would do.
        suggested: Vec<AddrRange>,
    },
    /// The proof found a loop, or a delivery where the machine is not, in some state of the plan.
    Unsafe {
        /// When.
        moment: Moment,
        /// Where the packet comes from.
        from: Source,
        /// Where it goes.
        address: Ipv4Addr,
        /// How many other addresses the same happens to.
        more: usize,
        /// What happens to it.
        harm: Harm,
    },
    /// Whatever order the calls are made in, some state does harm.
    NoSafeOrder {
        /// The network.
        network: NetworkName,
        /// Where it shall be served.
        home: SiteName,
        /// How many calls there are.
        calls: usize,
        /// Why none is safe.
        why: Box<NoOrder>,
    },
    /// Something in the routing that makes the goal unreachable.
    Found {
        /// What.
        finding: Box<Finding>,
    },
    /// When all is done a machine would not be reachable.
    Unreachable {
        /// Where the packet comes from.
        from: Source,
        /// Where it goes.
        address: Ipv4Addr,
        /// The machine.
        label: String,
        /// What happens to it.
        delivery: Delivery,
    },
}

/// What does not agree about an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceDoubt {
    /// The interface says that it is attached to the machine, which does not list it.
    NotListedByMachine {
        /// Its IPv4 address, if it has one.
        address: Option<Ipv4Addr>,
    },
    /// The interface says that it is attached to the machine, which EC2 does not show.
    MachineNotShown {
        /// Its IPv4 address, if it has one.
        address: Option<Ipv4Addr>,
    },
    /// The machine lists the interface, and EC2 does not show it.
    NotShown,
}

/// What EC2 says of a machine that is in the ledger and at no site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaidByEc2 {
    /// It exists, without the addresses it was captured with.
    Exists,
    /// It was terminated.
    Terminated,
    /// There is no such instance, in the account of the credentials.
    NotFound,
    /// Nothing: it is not listed, and AWS did not say that it is gone.
    Nothing,
}

impl SaidByEc2 {
    /// What the region says of an instance.
    pub fn of(region: Option<&AwsRegion>, machine: &InstanceId) -> Self {
        match region {
            Some(region) if region.instances.contains_key(machine) => Self::Exists,
            Some(region) => match region.gone(machine) {
                Some(Gone::Terminated) => Self::Terminated,
                Some(Gone::NotFound) => Self::NotFound,
                None => Self::Nothing,
            },
            None => Self::Nothing,
        }
    }
}

/// What of a machine's protection is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "gap")]
pub enum Gap {
    /// Its VM does not carry the category that policy and recovery plan select by.
    NoCategory {
        /// Where the VM is.
        site: SiteName,
        /// The category, as `key=value`.
        category: String,
    },
    /// The other site has no recovery point of it.
    NoRecoveryPoint {
        /// Where one is needed.
        site: SiteName,
    },
}

impl Obstacle {
    /// The machine of which it is not known, or not sure, where it is.
    pub fn whose_place_is_unknown(&self) -> Option<&InstanceId> {
        if let Self::AmbiguousVm { machine, .. }
        | Self::RunsTwice { machine, .. }
        | Self::FormerVmRuns { machine, .. }
        | Self::LacksAddresses { machine, .. }
        | Self::VmDeleted { machine, .. }
        | Self::NotListed { machine, .. }
        | Self::Lost { machine, .. } = self
        {
            Some(machine)
        } else {
            None
        }
    }

    /// The machine in EC2 that it is about, where it matters only as long as the machine is there.
    pub fn about_machine_in_ec2(&self) -> Option<&InstanceId> {
        if let Self::ForeignInterface { machine, .. }
        | Self::CannotRun { machine, .. }
        | Self::InterfaceInDoubt { machine, .. }
        | Self::NoIpv4Address { machine, .. }
        | Self::BeingTerminated { machine, .. } = self
        {
            Some(machine)
        } else {
            None
        }
    }

    /// Whether it keeps a network from leaving EC2, and says nothing about one that has left.
    pub fn is_about_leaving_ec2(&self) -> bool {
        matches!(
            self,
            Self::SourceNotSeen { .. }
                | Self::UnmovableInterface { .. }
                | Self::UnsettledInterface { .. }
        ) || self.about_machine_in_ec2().is_some()
    }

    /// The machine of which it is not known where it is, or which is not there only.
    pub(crate) fn whose_identity(&self) -> Option<&InstanceId> {
        if let Self::SourceRuns { machine, .. } = self {
            Some(machine)
        } else {
            self.whose_place_is_unknown()
        }
    }
}
