//! What one emulated Move appliance holds: plain data.

use std::collections::BTreeMap;

use crate::clock::VTime;

/// One Move appliance.
#[derive(Debug, Default)]
pub struct MoveState {
    /// Site name in the scenario.
    pub name: String,
    /// Index in `LabState::pcs` of the Prism Central it targets.
    pub pc: usize,
    /// User name and password.
    pub credentials: (String, String),
    /// Life of a token in wall seconds; 900 in life.
    pub token_ttl_secs: u64,
    /// Tokens given out, with their end on the wall clock (seconds since the Unix epoch).
    pub tokens: BTreeMap<String, u64>,
    /// Providers by uuid.
    pub providers: BTreeMap<String, Provider>,
    /// Plans by uuid.
    pub plans: BTreeMap<String, Plan>,
    /// What went on, oldest first.
    pub events: Vec<EventRecord>,
    /// Faults by source instance; empty in a healthy lab (Move reference §8, item 10).
    pub faults: BTreeMap<String, VmFault>,
}

/// What goes wrong with one VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmFault {
    /// Guest preparation ends in `Failed`.
    PrepareFails,
    /// Seeding fails half-way with an error message.
    SeedingFails,
    /// Seeded, but never advertises `CUTOVER`.
    NeverReady,
    /// Completed without `VmConsoleLink` and `VmLink`.
    NoConsoleLink,
    /// Not in the inventory: the provider's account or rights do not cover it.
    NotListed,
}

/// One line of the appliance's event log.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// Number, counted up.
    pub id: u64,
    /// Such as `Cutover started`.
    pub name: String,
    /// VM, when the event is of one.
    pub vm: Option<String>,
    /// Plan's name.
    pub plan: String,
    /// `Success` or `Failed`.
    pub status: String,
    /// Why it failed; empty otherwise.
    pub notes: String,
    /// When.
    pub at: VTime,
}

/// A provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
}

/// Kind of a provider.
#[derive(Debug, Clone)]
pub enum ProviderKind {
    /// AWS, by access key.
    Aws {
        /// Access key id.
        access_key: String,
    },
    /// AOS, by address.
    Aos {
        /// Address.
        address: String,
    },
}

/// A migration plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name.
    pub name: String,
    /// The `Spec` as sent.
    pub spec: serde_json::Value,
    /// Source region.
    pub region: String,
    /// Target AHV subnet by source network (VPC).
    pub mappings: BTreeMap<String, String>,
    /// How often `prepare` was asked; the second time it has passed.
    pub prepares: u32,
    /// State, as the integer of Move reference §7.
    pub state: u8,
    /// When made.
    pub created: VTime,
    /// Since when it is paused.
    pub paused_at: Option<VTime>,
    /// VMs by Move's key (`VMUuid`).
    pub vms: BTreeMap<String, PlanVm>,
}

/// A VM of a plan.
#[derive(Debug, Clone)]
pub struct PlanVm {
    /// EC2 instance.
    pub instance: String,
    /// Name.
    pub name: String,
    /// Phase.
    pub phase: Phase,
    /// Total bytes.
    pub bytes: u64,
    /// Seeding started.
    pub seeding_from: Option<VTime>,
    /// Seeding ends.
    pub seeding_until: Option<VTime>,
    /// When the source had stopped, so that no more changes come.
    pub synced: Option<VTime>,
    /// When the current phase ends, if it ends on its own.
    pub due: Option<VTime>,
    /// Bumped whenever a queued phase event must be forgotten (suspend, abort, retry).
    pub generation: u64,
    /// Whether the source ran when cutover began; the copy is powered on only then.
    pub was_running: bool,
    /// Test copy in Prism while there is one.
    pub test_vm: Option<String>,
    /// VM in Prism once made.
    pub vm: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Phase of a VM in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    NotStarted,
    /// Preparing.
    Preparing,
    /// Copying.
    Seeding,
    /// Ready; keeps syncing.
    Ready,
    /// A test copy is being made.
    TestInProgress,
    /// A test copy stands beside the source.
    TestReady,
    /// Source stopping, last sync.
    CutoverInProgress,
    /// Last sync.
    LastSync,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Aborted.
    Aborted,
}
