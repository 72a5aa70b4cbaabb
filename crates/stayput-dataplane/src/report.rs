//! JSON types of the control API for the kernel data plane, for the lab and its clients.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;

/// One instant by two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Wall time, milliseconds since the Unix epoch.
    pub epoch_ms: u64,
    /// Microseconds since the data plane started; never goes back.
    pub run_us: u64,
}

impl Moment {
    /// Returns the microseconds from an earlier moment to this one.
    pub fn us_since(self, earlier: Self) -> u64 {
        self.run_us.saturating_sub(earlier.run_us)
    }
}

/// Answer to `GET /kernel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The privilege with which namespaces are created: `root` or `user-namespace`.
    pub privilege: String,
    /// How many namespaces there are.
    pub namespaces: usize,
    /// How many links join them.
    pub links: usize,
    /// Source address of the prober.
    pub prober: Option<Ipv4Addr>,
    /// Changes of the lab that could not be applied to the kernel.
    pub failures: Vec<String>,
    /// How long the kernel needed to apply changes, in microseconds.
    pub delay_us: Delays,
    /// Packets that were dropped in routers.
    pub swallowed: RouterDrops,
}

/// How long the kernel needed to apply changes of routes, in microseconds, from the change of the lab's state on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// Number of changes.
    pub count: u64,
    /// The median.
    pub median: u64,
    /// The longest.
    pub max: u64,
}

/// Packets that were dropped in routers, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterDrops {
    /// Their time to live ended: they were in a loop.
    pub ttl_exceeded: u64,
}

/// Answer to `GET /kernel/changes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// All changes, in order.
    pub changes: Vec<Change>,
}

/// One change of the kernel's routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number, from 1.
    pub number: u64,
    /// When the work began.
    pub begun: Moment,
    /// When it was done.
    pub done: Moment,
    /// How many routes and rules changed.
    pub routes: u64,
}

/// Answer to `/kernel/probe`: the results of a prober's packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Pause between two packets to one address.
    pub interval_ms: u64,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that were answered in time.
    pub answered: u64,
    /// Packets that were not answered in time.
    pub lost: u64,
    /// Packets that can still be answered.
    pub in_flight: u64,
    /// The longest delay between the planned and the real time of sending.
    pub worst_lateness_ms: f64,
    /// By address.
    pub targets: BTreeMap<Ipv4Addr, Target>,
}

/// Results for one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Packets sent.
    pub sent: u64,
    /// Packets by the node that answered.
    pub answered_by: BTreeMap<String, u64>,
    /// Runs of lost packets.
    pub losses: Vec<LossRun>,
}

/// Consecutive lost packets to one address.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossRun {
    /// When the first was sent.
    pub first: Moment,
    /// When the last was sent.
    pub last: Moment,
    /// How many packets.
    pub count: u64,
    /// Milliseconds from sending the first lost packet to sending the next answered one, or the last one so far.
    pub gap_ms: f64,
}

impl LossRun {
    /// Returns when each packet was sent, in milliseconds since the Unix epoch: evenly spread between the first and the last.
    pub fn sent_at(&self) -> impl Iterator<Item = u64> {
        let (first, last, count) = (self.first.epoch_ms, self.last.epoch_ms, self.count);
        let whole = last.saturating_sub(first);
        (0..count).map(move |n| match count {
            0 | 1 => first,
            _ => first + whole * n / (count - 1),
        })
    }
}
