//! Plans and steps as data. A step says what shall be true; where it already is, applying it does nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::Nc2Site;
use stayput_estate::NetworkName;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VmExtId;
use stayput_estate::VpcId;
use stayput_world::MachineFacts;
use stayput_world::aws::TgwTarget;

use crate::Finding;
use crate::Goal;
use crate::NicChange;
use crate::Outage;
use crate::Proof;
use crate::Warning;

/// The version of the plan format this build writes.
///
/// - 3: without rollbacks.
/// - 4: with the goal and the steps of rollbacks.
pub const PLAN_VERSION: u32 = 4;

/// The oldest version that this build reads.
pub const OLDEST_PLAN_VERSION: u32 = 3;

/// An ordered, proven way from a world to a goal. Immutable once made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Format version.
    pub version: u32,
    /// The estate it is for.
    pub estate: String,
    /// What it reaches.
    pub goal: Goal,
    /// What to do, phase by phase, in an order that respects `needs`. Empty: the goal is reached already.
    pub steps: Vec<Step>,
    /// Names for people of the ids in it.
    pub names: Names,
    /// Where packets go in every intermediate state.
    pub proof: Proof,
    /// How long each network is expected to be unreachable.
    pub outages: Vec<Outage>,
    /// What the operator should know although it stops nothing.
    pub warnings: Vec<Warning>,
    /// What was found in the routing and does not stop the plan.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

impl Plan {
    /// The steps of one phase, in order.
    pub fn steps_of(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.phase == phase)
    }

    /// The phases that have steps, in order.
    pub fn phases(&self) -> impl Iterator<Item = Phase> {
        let has = |phase: &Phase| self.steps_of(*phase).next().is_some();
        Phase::ALL.into_iter().filter(has)
    }
}

/// Names for people, by id: of machines, route tables, attachments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names(pub BTreeMap<String, String>);

impl Names {
    /// The name alone, or the id if it has none.
    pub fn name<'n>(&'n self, id: &'n str) -> &'n str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// The id, with its name behind it if it has one.
    pub fn with_id(&self, id: &str) -> String {
        self.0
            .get(id)
            .map_or_else(|| id.to_owned(), |name| format!("{id} ({name})"))
    }
}

/// A stable name of a step: the same work has the same id in every plan, so that a resumed run finds its own traces in the journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub SmolStr);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A part of a run, in the order the parts are run in. Between two of them the world is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything that can stand beforehand and is checked beforehand. No machine stops.
    Prepare,
    /// Move copies disks while the sources run.
    Seed,
    /// Machines stop at the old home, start at the new one and get their own addresses.
    CutOver,
    /// Prefixes and routes lead to the new home.
    Route,
    /// Everything is observed again and traced.
    Verify,
    /// What the old home no longer needs is removed.
    Close,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 6] = [
        Self::Prepare,
        Self::Seed,
        Self::CutOver,
        Self::Route,
        Self::Verify,
        Self::Close,
    ];

    /// Its name, as `--until` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Seed => "seed",
            Self::CutOver => "cut-over",
            Self::Route => "route",
            Self::Verify => "verify",
            Self::Close => "close",
        }
    }

    /// Whether machines may be off, or unreachable, while it runs: a run that stops here lengthens an outage.
    pub fn is_outage(self) -> bool {
        match self {
            Self::CutOver | Self::Route => true,
            Self::Prepare | Self::Seed | Self::Verify | Self::Close => false,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that shall be true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its stable name.
    pub id: StepId,
    /// The part of the run it belongs to. It waits for every step of every earlier phase.
    pub phase: Phase,
    /// Steps of its own phase that must be done before it.
    pub needs: Arc<BTreeSet<StepId>>,
    /// What it does.
    pub action: Action,
    /// Why it is in the plan, for people.
    pub why: SmolStr,
    /// What would undo it, recorded before it runs; `None` where undoing is a goal of its own.
    pub inverse: Option<Action>,
}

/// Which of the two Flow VPCs holds an externally routable prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErpScope {
    /// The user VPC with the overlay subnets; harmless on its own.
    User,
    /// The transit VPC; makes NC2 write the prefix into the AWS VPC's route tables (AWS reference §4).
    Transit,
}

/// Which Flow VPC of a site an overlay subnet is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlayKind {
    /// The user VPC that is routed.
    Production,
    /// The isolated VPC of test failovers.
    Test,
}

impl OverlayKind {
    /// The name of the Flow VPC of this kind at a site.
    pub fn vpc_name(self, site: &Nc2Site) -> &str {
        match self {
            Self::Production => &site.flow_vpc,
            Self::Test => &site.test_vpc,
        }
    }
}

/// A static route of a Transit Gateway route table that must be there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExpectedRoute {
    /// Region of the table.
    pub region: Region,
    /// The table.
    pub table: TgwRouteTableId,
    /// The prefix.
    pub cidr: Cidr,
    /// Where it leads.
    pub to: TgwTarget,
}

/// Whether a VM runs once it has its addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerAfter {
    /// As before.
    #[default]
    AsItIs,
    /// It is powered on if it is off: the machine ran when it was captured. A cutover that is repeated finds its source stopped, and may
    /// leave the copy off (assumed; Move reference §9 does not say).
    On,
}

impl PowerAfter {
    fn is_as_it_is(&self) -> bool {
        *self == Self::AsItIs
    }
}

/// What a recovery plan is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryRun {
    /// Checks only.
    Validate,
    /// Powers off, syncs, moves.
    Planned,
    /// Starts the machines from their newest recovery points; asks nothing of the old site.
    Unplanned,
    /// Copies into the test networks.
    Test,
    /// Removes what the last test made.
    CleanUp,
}

/// A VM that a machine was, by the ledger's, Move's or a recovery job's word, and is not now. Nothing is done to it unless the machine is
/// seen at its home right before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerVm {
    /// Where it is.
    pub site: SiteName,
    /// The VM.
    pub vm: VmExtId,
    /// Its name, for people.
    pub name: String,
    /// The addresses of its NICs.
    pub addresses: Vec<Ipv4Addr>,
    /// The machine it was.
    pub machine: InstanceId,
    /// Where the machine is.
    pub home: SiteName,
    /// The VM it is there.
    pub home_vm: VmExtId,
    /// Whether that VM must be on; of a machine that was captured stopped it may be off.
    pub must_be_on: bool,
}

/// What a step does. Ids of things that do not exist yet are named by what they will be (site, network, machine).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Action {
    /// Write these facts into the ledger, synced and read back.
    Capture {
        /// By instance.
        machines: BTreeMap<InstanceId, Arc<MachineFacts>>,
    },
    /// An isolated or routed Flow VPC exists.
    EnsureFlowVpc {
        /// At this site.
        site: SiteName,
        /// With this name.
        name: String,
    },
    /// An overlay subnet exists.
    EnsureSubnet {
        /// At this site.
        site: SiteName,
        /// In which VPC.
        kind: OverlayKind,
        /// For this network, whose name it has.
        network: NetworkName,
        /// Its addresses.
        cidr: Cidr,
        /// Its gateway.
        gateway: Ipv4Addr,
        /// Its DHCP pools.
        pools: Vec<AddrRange>,
        /// DNS servers it hands out.
        dns: Vec<Ipv4Addr>,
    },
    /// An externally routable prefix is, or is not, on a Flow VPC.
    Erp {
        /// At this site.
        site: SiteName,
        /// On which Flow VPC.
        scope: ErpScope,
        /// The prefix.
        cidr: Cidr,
        /// Whether it shall be there.
        present: bool,
    },
    /// Machines are replicated by Move and ready to cut over.
    Replicate {
        /// To this site.
        site: SiteName,
        /// In the Move plan of this name.
        move_plan: String,
        /// From this EC2 VPC.
        source_vpc: VpcId,
        /// Onto the overlay subnet of this network.
        network: NetworkName,
        /// The machines; at most 50 (Move reference §6).
        machines: BTreeSet<InstanceId>,
    },
    /// A machine is stopped in EC2 and is a VM, with a wrong address.
    Cutover {
        /// To this site.
        site: SiteName,
        /// In the Move plan of this name.
        move_plan: String,
        /// The machine.
        machine: InstanceId,
    },
    /// A machine's VM has NICs with exactly the captured addresses.
    RestoreNics {
        /// At this site.
        site: SiteName,
        /// The machine; its addresses come from the ledger.
        machine: InstanceId,
        /// The NICs that are removed and those it has afterwards.
        nics: NicChange,
        /// Whether it is powered on then.
        #[serde(default, skip_serializing_if = "PowerAfter::is_as_it_is")]
        power: PowerAfter,
    },
    /// A static route of a Transit Gateway route table is so.
    TgwRoute {
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// The prefix.
        cidr: Cidr,
        /// What the plan expects to find.
        from: Option<TgwTarget>,
        /// What shall be there; `None`: no static route.
        to: Option<TgwTarget>,
    },
    /// A category exists and these machines' VMs carry it.
    Categorize {
        /// At this site.
        site: SiteName,
        /// Key.
        key: String,
        /// Value.
        value: String,
        /// The machines.
        machines: BTreeSet<InstanceId>,
    },
    /// A protection policy and recovery plan exist for a network.
    ProtectionPolicy {
        /// Made at this site.
        site: SiteName,
        /// Replicates to this one and back.
        recovery: SiteName,
        /// Its name.
        name: String,
        /// Category.
        key: String,
        /// Category value.
        value: String,
        /// RPO in seconds.
        rpo_seconds: u64,
        /// Recovery points kept at each side.
        retention: u32,
    },
    /// A recovery plan exists.
    RecoveryPlan {
        /// Made at this site.
        site: SiteName,
        /// Fails over to this one.
        recovery: SiteName,
        /// Its name.
        name: String,
        /// Category of its one stage.
        key: String,
        /// Category value of its one stage.
        value: String,
        /// Networks to map, production and test, by name on both sides.
        networks: BTreeSet<NetworkName>,
    },
    /// Every machine has a recovery point at the other site.
    AwaitRecoveryPoints {
        /// Protected at this site.
        site: SiteName,
        /// Recovery points expected here.
        recovery: SiteName,
        /// The machines.
        machines: BTreeSet<InstanceId>,
    },
    /// A recovery plan has run.
    RunRecovery {
        /// The recovery plan's name.
        plan: String,
        /// Why it is run.
        run: RecoveryRun,
        /// Machines leave this site.
        from: SiteName,
        /// And come up at this one.
        to: SiteName,
        /// The machines.
        machines: BTreeSet<InstanceId>,
    },
    /// A former VM of a machine is off.
    PowerOff {
        /// Which.
        former: FormerVm,
    },
    /// A former VM of a machine does not exist. It is removed only while it is off.
    DeleteVm {
        /// Which.
        former: FormerVm,
    },
    /// The VM that a machine is at a site is off: the machine goes back to EC2. Its guest is asked first.
    ShutDown {
        /// Where.
        site: SiteName,
        /// The machine.
        machine: InstanceId,
        /// The VM.
        vm: VmExtId,
        /// Its name, for people.
        name: String,
        /// The addresses of its NICs.
        addresses: Vec<Ipv4Addr>,
    },
    /// A machine is its EC2 instance again, and that is in the ledger. It is started only while every VM that the machine was is off.
    StartSource {
        /// Region of the instance.
        region: Region,
        /// The machine.
        machine: InstanceId,
        /// The VMs that it was, by any system's word, with their sites.
        was: BTreeSet<(SiteName, VmExtId)>,
        /// Whether it is started: it ran when it was captured.
        start: bool,
    },
    /// A Move plan has ended: Move cannot take a machine up again while a plan that cut it over goes on.
    CancelMovePlan {
        /// Where Move is.
        site: SiteName,
        /// Its name.
        move_plan: String,
    },
    /// A VM that was a machine, and is off, has no NIC on the estate's overlay subnets: its addresses are free for the machine's next VM.
    ReleaseNics {
        /// Where.
        site: SiteName,
        /// The machine, which is in EC2.
        machine: InstanceId,
        /// The VM.
        vm: VmExtId,
        /// Its name, for people.
        name: String,
    },
    /// The copies that test failovers have made do not exist.
    RemoveCopies {
        /// The recovery plan's name.
        plan: String,
        /// Where the copies are.
        site: SiteName,
        /// The jobs of the tests.
        jobs: BTreeSet<RecoveryJobExtId>,
    },
    /// Every running machine's address is delivered at this site, seen from on-prem; nothing is written.
    Verify {
        /// The home expected; the source's name for EC2.
        site: SiteName,
        /// Of these networks.
        networks: BTreeSet<NetworkName>,
        /// Of their machines only these; all if none is named.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        machines: BTreeSet<InstanceId>,
        /// Sites that the operator declared lost: what is seen there counts for nothing.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        lost: BTreeSet<SiteName>,
        /// Static routes that must be there besides: the halves that bring on-prem in by the home's own region.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        routes: Vec<ExpectedRoute>,
    },
}

impl Action {
    /// The machines whose addresses this step takes down or brings up.
    pub fn machines(&self) -> BTreeSet<InstanceId> {
        match self {
            Self::Capture { machines } => machines.keys().cloned().collect(),
            Self::Cutover { machine, .. }
            | Self::RestoreNics { machine, .. }
            | Self::ShutDown { machine, .. }
            | Self::StartSource { machine, .. } => [machine.clone()].into(),
            // What it was, not the machine.
            Self::PowerOff { .. } | Self::DeleteVm { .. } | Self::ReleaseNics { .. } => {
                BTreeSet::new()
            }
            Self::Replicate { machines, .. }
            | Self::Categorize { machines, .. }
            | Self::AwaitRecoveryPoints { machines, .. }
            | Self::RunRecovery { machines, .. } => machines.clone(),
            Self::EnsureFlowVpc { .. }
            | Self::EnsureSubnet { .. }
            | Self::Erp { .. }
            | Self::TgwRoute { .. }
            | Self::ProtectionPolicy { .. }
            | Self::RecoveryPlan { .. }
            | Self::CancelMovePlan { .. }
            | Self::RemoveCopies { .. }
            | Self::Verify { .. } => BTreeSet::new(),
        }
    }
}
