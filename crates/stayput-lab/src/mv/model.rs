//! State of one emulated Move appliance: plain data.

use std::collections::BTreeMap;

use crate::clock::VTime;
use crate::faults::Fate;

/// One Move appliance.
#[derive(Debug, Clone, Default)]
pub struct MoveState {
    /// Site name in the scenario.
    pub name: String,
    /// Index in `LabState::pcs` of the Prism Central it targets.
    pub pc: usize,
    /// User name and password.
    pub credentials: (String, String),
    /// Lifetime of a token in seconds on the callers' clock; 900 on a real appliance.
    pub token_ttl_secs: u64,
    /// Tokens issued, with their end on the callers' clock (seconds since the Unix epoch).
    pub tokens: BTreeMap<String, u64>,
    /// Providers by uuid.
    pub providers: BTreeMap<String, Provider>,
    /// Plans by uuid.
    pub plans: BTreeMap<String, Plan>,
    /// Event log, oldest first.
    pub events: Vec<EventRecord>,
    /// Faults by source instance; empty unless a test adds some (Move reference §8 item 10).
    pub faults: BTreeMap<String, VmFault>,
}

/// A fault of one VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VmFault {
    /// Guest preparation ends in `Failed`.
    PrepareFails,
    /// Seeding fails half-way with an error message.
    SeedingFails,
    /// Seeded, but `CUTOVER` is never offered.
    NeverReady,
    /// Completed without `VmConsoleLink` and `VmLink`.
    NoConsoleLink,
    /// Not in the inventory: the permissions of the provider's account do not cover it.
    NotListed,
}

/// One entry of the appliance's event log.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// Number of the entry.
    pub id: u64,
    /// Name, such as `Cutover started`.
    pub name: String,
    /// VM, when the event is about one.
    pub vm: Option<String>,
    /// Plan's name.
    pub plan: String,
    /// `Success` or `Failed`.
    pub status: String,
    /// Error message; empty on success.
    pub notes: String,
    /// Time of the event.
    pub at: VTime,
}

/// A provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Name.
    pub name: String,
    /// Kind of the provider.
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
    /// How many times `prepare` was called. The second call has a result.
    pub prepares: u32,
    /// State, as the integer of Move reference §7.
    pub state: u8,
    /// Time of creation.
    pub created: VTime,
    /// When it was suspended, while it is.
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
    /// When the source had stopped, after which there are no more changes to copy.
    pub synced: Option<VTime>,
    /// When the current phase ends, if it ends without a request.
    pub due: Option<VTime>,
    /// Increased when a queued phase event becomes invalid (suspend, abort, retry).
    pub generation: u64,
    /// Whether the source ran when cutover began; the copy is powered on only then.
    pub was_running: bool,
    /// Test copy in Prism Central while there is one.
    pub test_vm: Option<String>,
    /// VM in Prism Central once created.
    pub vm: Option<String>,
    /// Error message of a failure.
    pub error: Option<String>,
    /// What a fault has chosen for its current phase; `None`: it ends as usual.
    pub fate: Option<Fate>,
}

/// Phase of a VM in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not started.
    NotStarted,
    /// Preparing.
    Preparing,
    /// Copying data.
    Seeding,
    /// Ready for cutover; changes are still copied.
    Ready,
    /// A test copy is being created.
    TestInProgress,
    /// A test copy exists beside the source.
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
