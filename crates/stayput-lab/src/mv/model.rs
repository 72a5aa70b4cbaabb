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
