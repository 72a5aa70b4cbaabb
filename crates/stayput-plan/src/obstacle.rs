//! Obstacles: why there is no plan, each with what a person can do about it.

mod attachment;
mod remedies;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
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
use stayput_estate::SiteName;
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

use crate::Delivery;
use crate::Finding;
use crate::Harm;
use crate::Moment;
use crate::NoOrder;
use crate::counted;

/// Why there is no plan. `Display` says what is wrong; [`Obstacle::remedy`] what to do.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "obstacle")]
pub enum Obstacle {
    /// The source VPC is not among those that the credentials can see.
    #[error("VPC {vpc} is not visible in {region} to {}", account_or_unknown(account.as_ref()))]
    SourceNotSeen {
        /// The VPC.
        vpc: VpcId,
        /// Its region.
        region: Region,
        /// The account of the credentials, if it is known.
        account: Option<AccountId>,
    },
    /// A machine has interfaces in a network that is not part of the goal.
    #[error("{label} ({machine}) also has an interface in network {network}, which is not named")]
    SpansNetworks {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network left out.
        network: NetworkName,
    },
    /// A machine has an interface in a subnet of the source VPC that is no network of the estate.
    #[error(
        "{label} ({machine}) also has interface {eni} at {address}, outside every network of the estate"
    )]
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
    #[error("{eni} ({what}) holds {address} in network {network} and cannot move")]
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
    #[error("{eni} ({what}) is in network {network}{} and its status is `{status}`", at(*address))]
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
    #[error("{}", doubtful(machine, label, eni, *doubt))]
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
    #[error("{label} ({machine}) is in network {network} and has no IPv4 address there")]
    NoIpv4Address {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network.
        network: NetworkName,
    },
    /// The machine is going away for good.
    #[error("{label} ({machine}) in network {network} is being terminated in EC2")]
    BeingTerminated {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network.
        network: NetworkName,
    },
    /// A machine is in no wave.
    #[error("{label} ({machine}) in network {network} is in no wave")]
    InNoWave {
        /// The network.
        network: NetworkName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
    },
    /// A machine is in several waves.
    #[error("{label} ({machine}) is in waves {}", waves.iter().map(WaveName::as_str).collect::<Vec<_>>().join(" and "))]
    InSeveralWaves {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The waves.
        waves: BTreeSet<WaveName>,
    },
    /// A wave names an instance that is not in the source VPC.
    #[error("wave {wave} names {machine}, which is not in the source VPC")]
    NotInSource {
        /// The wave.
        wave: WaveName,
        /// The instance.
        machine: InstanceId,
    },
    /// A canary is not one machine of the networks.
    #[error("{found} machines of the named networks are called {name}")]
    NoSuchMachine {
        /// How it was called.
        name: String,
        /// How many machines are called so.
        found: usize,
    },
    /// The recovery region announces nothing that would draw on-prem there.
    #[error(
        "no edge of {site} announces what stayput writes: on-prem would not come in there for network {network}"
    )]
    NoAnnouncement {
        /// The network.
        network: NetworkName,
        /// The site.
        site: SiteName,
        /// The halves of the network that would draw it there.
        halves: Vec<Cidr>,
    },
    /// Move does not list the machine.
    #[error("{label} ({machine}) is not in the inventory of Move at {site}")]
    NotInInventory {
        /// Where Move is.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
    },
    /// The machine cannot run on AHV.
    #[error("{label} ({machine}) cannot run on NC2: {reason}")]
    CannotRun {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Why.
        reason: String,
    },
    /// Not exactly one VM can be the machine.
    #[error("{label} ({machine}): {} VMs at {site} could be it{}", candidates.len(), list(candidates))]
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
    #[error(
        "{label} ({machine}) is at {site}, and its former VM {vm} at {at} is not off: served twice"
    )]
    RunsTwice {
        /// Where it is.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Its networks.
        networks: BTreeSet<NetworkName>,
        /// Where it runs besides.
        at: SiteName,
        /// As this VM.
        vm: VmExtId,
    },
    /// The machine has become a VM, and its EC2 instance runs again.
    #[error("{label} ({machine}) is at {site}, and its EC2 instance is {state}{}", if *vm_is_off { " while its VM is off" } else { " again: served twice" })]
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
    #[error("{address} of {label} ({machine}) is taken at {site} by {holder}")]
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
    #[error("{label} ({machine}) is in the ledger and at no site; {ec2}")]
    Lost {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// What EC2 says of it.
        ec2: SaidByEc2,
    },
    /// The VM that the machine is does not exist any more, by its Prism Central's own word.
    #[error(
        "{label} ({machine}): its VM {vm} at {site} has been deleted; {}{}",
        remedies::recovery_points(recovery_points),
        remedies::or_elsewhere(may_be_at)
    )]
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
    },
    /// A list lacks what the machine is. That is no proof that it is gone.
    #[error("{label} ({machine}): {system} does not list {what}")]
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
    #[error("{system} was not observed{}", remedies::why_not_observed(*silence, why))]
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
    #[error("Prism Central of {site} answers, and {} not off there: {}", remedies::are(machines.len()), remedies::labels(machines))]
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
    #[error("routes to {site} cannot be fenced: AWS {region} was not observed{}", remedies::why_not_observed(*silence, why))]
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
    #[error("site {site} has no `move` in stayput.toml, and {} still in EC2", remedies::are(*machines))]
    NoMove {
        /// The site they go to.
        site: SiteName,
        /// How many they are.
        machines: usize,
    },
    /// An old VM still gets the machine's packets: to power it off would take the address away.
    #[error("packets to {address} of {label} ({machine}) still go to {site}, where it was")]
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
    /// What a machine was may be removed only while the machine runs elsewhere.
    #[error("{label} ({machine}): its VM {vm} at {site} is not on")]
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
    /// The machine is not where the goal takes it from.
    #[error("{label} ({machine}) is at {at}, not at {wanted}")]
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
    #[error("network {network} has no machines")]
    NoMachines {
        /// The network.
        network: NetworkName,
    },
    /// The network has no recovery site, or not this one.
    #[error("network {network} does not fail over to {site}")]
    NotRecoverySite {
        /// The network.
        network: NetworkName,
        /// The site asked for.
        site: SiteName,
    },
    /// The network has no recovery site.
    #[error("network {network} has no recovery site")]
    NoRecoverySite {
        /// The network.
        network: NetworkName,
    },
    /// Something the goal builds on does not exist.
    #[error("{what} is missing at {site}")]
    Missing {
        /// Where.
        site: SiteName,
        /// What.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A name that must be unique is not.
    #[error("{count} things at {site} are called {what}")]
    NotUnique {
        /// Where.
        site: SiteName,
        /// The name.
        what: String,
        /// How many.
        count: usize,
    },
    /// Something exists with the right name and a wrong property.
    #[error(
        "{what} at {site} is not as planned: {property} is {found}, expected {expected}{}",
        and_leaves_uncovered(uncovered)
    )]
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
    #[error("{cidr} of network {network} overlaps {other} of {what} at {site}")]
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
    #[error("{label} ({machine}) is not protected: {gap}")]
    NotProtected {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// The network whose recovery plan it belongs to.
        network: NetworkName,
        /// What is missing.
        gap: Gap,
    },
    /// A VM carries the category of a network it does not belong to: it would be failed over with it.
    #[error(
        "VM {name} ({vm}) at {site} carries category {category} but is no machine of network {network}"
    )]
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
    #[error("{what} at {site} is in use by a test that stayput did not start: {found}")]
    ForeignTest {
        /// Where.
        site: SiteName,
        /// The recovery plan or test subnet.
        what: String,
        /// The job or the VMs.
        found: String,
    },
    /// Something that the goal relies on is listed and cannot be read.
    #[error("{site}: an object that this goal needs cannot be read: {object}")]
    Unreadable {
        /// Where.
        site: SiteName,
        /// What, and why.
        object: Unreadable,
    },
    /// A machine's VM has addresses that are not captured: restoring its NICs or failing it over would lose them.
    #[error(
        "{label} ({machine}) has {} at {site} on NIC {nic}, not captured",
        addresses_of(addresses)
    )]
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
    },
    /// The two Prism Centrals do not see each other.
    #[error("Prism Central of {from} has no working pairing with that of {to}")]
    NotPaired {
        /// From here.
        from: SiteName,
        /// To here.
        to: SiteName,
    },
    /// A VPC has no usable attachment on its Transit Gateway.
    #[error(
        "the VPC of {site} has no available, associated attachment on {tgw} in {region}: {fault}"
    )]
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
    #[error("{from} in {region} has no available, associated peering with {to}: {fault}")]
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
    #[error("{table} in {region} has a static route for {cidr}, inside {network}")]
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
    #[error(
        "network {network} has {} for a DHCP pool, {needed} needed for the machines in flight", free_addresses(*free)
    )]
    PoolTooSmall {
        /// The network.
        network: NetworkName,
        /// Free addresses.
        free: u64,
        /// Addresses that NICs of machines in flight take.
        needed: u64,
    },
    /// The DHCP pools of an overlay subnet that exists have too few free addresses.
    #[error("the DHCP pool of {what} at {site} has {}, {needed} needed", free_addresses(*free))]
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
    #[error("{moment}: {from} → {address}{}: {harm}", and_more(*more))]
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
    #[error("{}", no_safe_order(network, home, *calls, why))]
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
    #[error("{finding}")]
    Found {
        /// What.
        finding: Box<Finding>,
    },
    /// When all is done a machine would not be reachable.
    #[error("at the end {from} → {address} of {label} is not delivered: {delivery}")]
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

fn no_safe_order(network: &NetworkName, home: &SiteName, calls: usize, why: &NoOrder) -> String {
    match why {
        NoOrder::Conflict { .. } => format!(
            "no order of {calls} calls that bring network {network} to {home} is safe: {why}"
        ),
        NoOrder::TooMany { .. } => format!("network {network} cannot be brought to {home}: {why}"),
    }
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

impl fmt::Display for SaidByEc2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "it is in EC2 without the addresses it was captured with",
            Self::Terminated => "EC2 says that it was terminated",
            Self::NotFound => "EC2 says that this account has no such instance",
            Self::Nothing => "EC2 does not list it and has not said that it is gone",
        })
    }
}

fn account_or_unknown(account: Option<&AccountId>) -> String {
    account.map_or_else(
        || "the account of these credentials".to_owned(),
        |account| format!("account {account}"),
    )
}

fn at(address: Option<Ipv4Addr>) -> String {
    address.map_or_else(String::new, |address| format!(" at {address}"))
}

fn doubtful(machine: &InstanceId, label: &str, eni: &EniId, doubt: InterfaceDoubt) -> String {
    match doubt {
        InterfaceDoubt::NotListedByMachine { address } => format!(
            "interface {eni}{} is attached to {label} ({machine}), which does not list it",
            at(address)
        ),
        InterfaceDoubt::MachineNotShown { address } => format!(
            "interface {eni}{} is attached to instance {machine}, which EC2 does not show",
            at(address)
        ),
        InterfaceDoubt::NotShown => {
            format!("{label} ({machine}) lists interface {eni}, which EC2 does not show")
        }
    }
}

/// What of a machine's protection is missing.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "kebab-case", tag = "gap")]
pub enum Gap {
    /// Its VM does not carry the category that policy and recovery plan select by.
    #[error("its VM at {site} does not carry category {category}")]
    NoCategory {
        /// Where the VM is.
        site: SiteName,
        /// The category, as `key=value`.
        category: String,
    },
    /// The other site has no recovery point of it.
    #[error("{site} has no recovery point of it")]
    NoRecoveryPoint {
        /// Where one is needed.
        site: SiteName,
    },
}

fn free_addresses(free: u64) -> String {
    counted(usize::try_from(free).unwrap_or(usize::MAX), "free address")
}

fn and_leaves_uncovered(machines: &BTreeSet<String>) -> String {
    /// Machines that are named before the rest is counted.
    const NAMED: usize = 5;
    if machines.is_empty() {
        return String::new();
    }
    let named: Vec<_> = machines.iter().take(NAMED).map(String::as_str).collect();
    let more = and_more(machines.len().saturating_sub(NAMED));
    format!("; not protected by it: {}{more}", named.join(", "))
}

fn addresses_of(addresses: &BTreeSet<Ipv4Addr>) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn list(ids: &BTreeSet<VmExtId>) -> String {
    if ids.is_empty() {
        String::new()
    } else {
        format!(
            ": {}",
            ids.iter()
                .map(VmExtId::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
}

impl Obstacle {
    /// The machine of which it is not known, or not sure, where it is.
    pub fn whose_place_is_unknown(&self) -> Option<&InstanceId> {
        if let Self::AmbiguousVm { machine, .. }
        | Self::RunsTwice { machine, .. }
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

    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::SourceNotSeen { .. } => {
                "check that the AWS credentials are of the right account, and the region and id of the source VPC in stayput.toml".to_owned()
            }
            Self::SpansNetworks { network, .. } => format!("name network {network} in the same command"),
            Self::ForeignInterface { .. } => {
                "add the subnet as a network to the estate, or detach the interface from the instance".to_owned()
            }
            Self::UnmovableInterface { .. } => {
                "delete it or rebuild it in another subnet before moving this network; a subnet moves as a whole".to_owned()
            }
            Self::UnsettledInterface { eni, status, .. } => match status {
                EniStatus::Attaching | EniStatus::Detaching => format!(
                    "wait until {eni} is attached or free, and run the command again; if it belongs to a service, rebuild that in another subnet first"
                ),
                EniStatus::Associated | EniStatus::Unknown(_) => format!(
                    "see what {eni} is with `aws ec2 describe-network-interfaces --network-interface-ids {eni}`, and run the command again when it is in use or free"
                ),
            },
            Self::InterfaceInDoubt { machine, eni, doubt, .. } => match doubt {
                InterfaceDoubt::NotListedByMachine { .. } => format!(
                    "run the command again when {eni} is attached to {machine} or detached from it; if it stays so, detach it: `aws ec2 describe-network-interfaces --network-interface-ids {eni}` shows its attachment"
                ),
                InterfaceDoubt::MachineNotShown { .. } => format!(
                    "run the command again; if it stays so, see `aws ec2 describe-instances --instance-ids {machine}`"
                ),
                InterfaceDoubt::NotShown => format!(
                    "run the command again; if it stays so, see `aws ec2 describe-network-interfaces --network-interface-ids {eni}`"
                ),
            },
            Self::NoIpv4Address { .. } => {
                "only IPv4 addresses are kept: give it one in EC2, or move it to another subnet before this network moves".to_owned()
            }
            Self::BeingTerminated { machine, .. } => format!(
                "run the command again when it is terminated; if it was captured, take it out of the ledger then: stayput retire {machine}"
            ),
            Self::InNoWave { machine, .. } => format!("add {machine} to a wave in stayput.toml, or tag it so that one selects it"),
            Self::InSeveralWaves { .. } => "make the wave selectors exclusive".to_owned(),
            Self::NotInSource { wave, .. } => format!("remove it from wave {wave} or correct the id"),
            Self::NoSuchMachine { name, found: 0 } => format!("name a machine of the networks by its id or its Name tag; {name} is none"),
            Self::NoSuchMachine { .. } => "name it by its instance id".to_owned(),
            Self::NoAnnouncement { halves, .. } => {
                let halves: Vec<_> = halves.iter().map(ToString::to_string).collect();
                format!(
                    "announce {} there by hand (allowed prefixes of the Direct Connect gateway association, or on-prem's static routes), or fail over by path A",
                    halves.join(" and ")
                )
            }
            Self::NotInInventory { .. } => {
                "check that Move's AWS provider covers the region and account and refresh its inventory".to_owned()
            }
            Self::CannotRun { .. } => "leave it in EC2 by moving it to another subnet, or rebuild it".to_owned(),
            Self::AmbiguousVm { machine, site, .. } => {
                format!("find the right VM in Prism Central of {site} and run: stayput adopt {machine} --vm UUID --site {site}")
            }
            Self::RunsTwice {
                machine, at, vm, networks, ..
            } => format!(
                "power off the former VM: stayput apply clean-up {} --site {at}; or, if it is the right one, run `stayput adopt {machine} --vm {vm} --site {at}` and power off the other",
                remedies::names(networks)
            ),
            Self::SourceRuns { machine, region, .. } => {
                format!("stop the instance: aws ec2 stop-instances --instance-ids {machine} --region {region}")
            }
            Self::AddressTaken { address, .. } => format!("free {address}: change or delete the NIC that has it"),
            Self::Lost { machine, ec2, .. } => match ec2 {
                SaidByEc2::Exists => format!(
                    "give it its addresses back in EC2, or take it out of the ledger: stayput retire {machine}"
                ),
                SaidByEc2::Terminated => format!(
                    "take it out of the ledger: stayput retire {machine}; if it was moved, find its VM and run: stayput adopt {machine} --vm UUID"
                ),
                SaidByEc2::NotFound => format!(
                    "check that the AWS credentials are of the right account; then take it out of the ledger: stayput retire {machine}, or if it was moved, find its VM and run: stayput adopt {machine} --vm UUID"
                ),
                SaidByEc2::Nothing => format!(
                    "run the command again; if it was moved, find its VM and run: stayput adopt {machine} --vm UUID; if it is gone for good: stayput retire {machine}"
                ),
            },
            Self::VmDeleted {
                machine,
                site,
                recovery_points,
                may_be_at,
                ..
            } => remedies::of_deleted(machine, site, recovery_points, may_be_at),
            Self::NotListed { machine, system, .. } => format!(
                "run the command again; if it stays so, look for it in {}: link another VM with `stayput adopt {machine} --vm UUID`, or strike the machine with `stayput retire {machine}`",
                remedies::console(system)
            ),
            Self::NotObserved {
                system,
                silence,
                otherwise,
                ..
            } => {
                let remedy = remedies::observe(system, *silence);
                match otherwise {
                    Some(otherwise) => format!("{remedy}; {otherwise}"),
                    None => remedy,
                }
            }
            Self::StillRuns {
                site,
                to,
                networks,
                ..
            } => format!(
                "fail over as planned: stayput apply failover {} --to {to}; or power the machines off in Prism Central of {site}; or, if the cluster behind it is really down, add --lost {site}",
                remedies::names(networks)
            ),
            Self::FenceNotPossible {
                site,
                region,
                silence,
                ..
            } => format!(
                "{}; or, if {site} is really down, add --lost {site}: its routes then stay as they are",
                remedies::observe(&System::Aws(region.clone()), *silence)
            ),
            Self::NoMove { site, .. } => format!(
                "add `move = {{ url = \"https://…\", source-provider = \"…\", target-provider = \"…\" }}` to [sites.{site}] in stayput.toml"
            ),
            Self::StillRouted {
                site,
                home,
                networks,
                ..
            } => format!(
                "lead the routes away first: stayput apply failover {} --to {home} --mode unplanned --lost {site}",
                remedies::names(networks)
            ),
            Self::NotOn {
                machine,
                site,
                vm,
                ..
            } => format!(
                "power VM {vm} on in Prism Central of {site}; or, if it is not the right one, run: stayput adopt {machine} --vm UUID --site SITE"
            ),
            Self::Elsewhere { wanted, .. } => format!(
                "bring its network to {wanted} first: `stayput apply move` takes it from EC2 to its primary site, failover and failback from site to site"
            ),
            Self::NoMachines { network } => format!("check `ec2-subnet` of network {network} and the source VPC"),
            Self::NotRecoverySite { network, site } => format!("set recovery = \"{site}\" for network {network}, or name its recovery site"),
            Self::NoRecoverySite { network } => format!("set `recovery` for network {network} in stayput.toml"),
            Self::Missing { remedy, .. } => remedy.clone(),
            Self::NotUnique { what, .. } => format!("rename all but one {what}"),
            Self::Differs { what, property, expected, .. } => format!(
                "set {property} of {what} to {expected}, or delete {what} and let stayput make it"
            ),
            Self::Overlaps { what, .. } => format!(
                "delete {what} if it is not needed, or give it other addresses; stayput changes nothing that it did not make"
            ),
            Self::NotProtected { network, .. } => {
                format!("run `stayput apply protect {network}`, which waits until every machine is protected")
            }
            Self::ForeignTest { .. } => "ask who started it; when it is over, clean the recovery plan up in Prism Central".to_owned(),
            Self::Unreadable { site, .. } => format!(
                "look at it in Prism Central of {site} and correct or delete it; if it is as it should be, save it with `stayput world save` and report it"
            ),
            Self::CarriesCategory { vm, category, .. } => format!(
                "remove category {category} from VM {vm} in Prism Central"
            ),
            Self::NotCaptured { machine, nic, .. } => format!(
                "remove NIC {nic} or the addresses in Prism Central; or, if the machine shall keep them, run: stayput capture --machine {machine}; an interrupted move is finished with `stayput apply move`"
            ),
            Self::NotPaired { .. } => "pair the two Prism Centrals (Availability Zones) and check that they are connected".to_owned(),
            Self::NoAttachment {
                region, tgw, fault, ..
            } => fault.remedy_of_vpc(region, tgw),
            Self::NoPeering {
                from,
                region,
                to,
                fault,
            } => fault.remedy_of_peering(region, from, to),
            Self::MoreSpecific { cidr, network, .. } => format!(
                "if {cidr} is a canary's, finish the move with `stayput apply move {network}`, which takes it over; else delete the route, or make it a network of its own"
            ),
            Self::PoolTooSmall { free, needed, .. } => format!(
                "{} are missing: while a network moves, each NIC takes an address of the pool besides its own, and all machines of a network move at once. Release unused addresses of the EC2 subnet (interfaces, secondary addresses), leave machines out with `--leave-out MACHINE`, or move part of the machines to another EC2 subnet first",
                counted(usize::try_from(needed.saturating_sub(*free)).unwrap_or(usize::MAX), "address")
            ),
            Self::PoolExhausted { what, suggested, .. } => {
                let ranges: Vec<_> = suggested.iter().map(ToString::to_string).collect();
                match ranges.as_slice() {
                    [] => format!("add free addresses to the DHCP pool of {what}"),
                    ranges => format!("set the DHCP pool of {what} to {}, which are free", ranges.join(", ")),
                }
            }
            Self::Unsafe { .. } => "the order of steps cannot be made safe in this topology; see the trace with `stayput trace`".to_owned(),
            Self::NoSafeOrder { why, .. } => match &**why {
                NoOrder::Conflict { blocked, .. } => {
                    let traces: Vec<_> = blocked
                        .iter()
                        .map(|fact| {
                            format!("`stayput trace {} {}`", fact.from.argument(), fact.address)
                        })
                        .collect();
                    format!("change one of these facts; see {}", traces.join(" and "))
                }
                NoOrder::TooMany { .. } => {
                    "name fewer canaries in one command, or remove routes that need not reach the network".to_owned()
                }
            },
            Self::Found { finding } => finding.remedy(),
            Self::Unreachable { .. } => "complete the routing first; see the trace with `stayput trace`".to_owned(),
        }
    }
}
