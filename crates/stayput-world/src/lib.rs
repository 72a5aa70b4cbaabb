//! The world: everything observed, as one serialisable snapshot, and the facts captured from it.
//!
//! Only types. They hold what a system reported, parsed, in the terms of that system. What it means for packets is determined by
//! the fabric. Pure: no IO, no clock.

pub mod aws;
pub mod facts;
pub mod mv;
pub mod prism;
pub mod unobserved;
pub mod unreadable;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Region;
use stayput_estate::SiteName;

pub use aws::AwsRegion;
pub use facts::Facts;
pub use facts::GuestCapture;
pub use facts::MachineFacts;
pub use facts::NicFacts;
pub use mv::MoveAppliance;
pub use prism::Prism;
pub use unobserved::Silence;
pub use unobserved::System;
pub use unobserved::Unobserved;
pub use unreadable::ObjectKind;
pub use unreadable::Unreadable;
pub use unreadable::UnreadableExtent;

/// The version of the snapshot format this build writes.
///
/// - 1: without the systems that could not be observed: a snapshot was complete or was not made.
/// - 2: with them, and with objects of Prism Central and Move that could not be read or are confirmed as absent.
/// - 3: the facts beside it name VMs that machines were before they returned to EC2.
pub const WORLD_VERSION: u32 = 3;

/// The oldest version that this build reads; what a later version added is empty.
pub const OLDEST_WORLD_VERSION: u32 = 1;

/// Everything observed at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// Format version, [`WORLD_VERSION`] when written by this build.
    pub version: u32,
    /// AWS by region.
    pub aws: BTreeMap<Region, AwsRegion>,
    /// Prism Central by NC2 site.
    pub prism: BTreeMap<SiteName, Prism>,
    /// Move by NC2 site.
    pub moves: BTreeMap<SiteName, MoveAppliance>,
    /// Systems of the estate that were asked and could not be read. What is theirs is unknown, not absent.
    #[serde(default)]
    pub unobserved: Vec<Unobserved>,
}

impl World {
    /// Why a system could not be read; `None` if it was read, or not asked.
    pub fn unobserved(&self, system: &System) -> Option<&Unobserved> {
        self.unobserved.iter().find(|one| one.system == *system)
    }
}

impl Default for World {
    fn default() -> Self {
        Self {
            version: WORLD_VERSION,
            aws: BTreeMap::new(),
            prism: BTreeMap::new(),
            moves: BTreeMap::new(),
            unobserved: Vec::new(),
        }
    }
}
