//! What the lab's control says of its kernel data plane, as the lab writes it and its users read it.

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
    /// Microseconds from an earlier moment to this one.
    pub fn us_since(self, earlier: Self) -> u64 {
        self.run_us.saturating_sub(earlier.run_us)
    }
}

/// `GET /kernel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// By what right there are namespaces: `root` or `user-namespace`.
    pub privilege: String,
    /// How many namespaces there are.
    pub namespaces: usize,
    /// How many links join them.
    pub links: usize,
    /// Where a prober sends from.
    pub prober: Option<Ipv4Addr>,
    /// Changes of the lab that the kernel could not follow.
    pub failures: Vec<String>,
    /// How long the kernel needs to follow.
    pub delay_us: Delays,
    /// Packets that ended in a router.
    pub swallowed: Swallowed,
}

/// How long the kernel needed to follow changes of routes, in microseconds, from the state's change on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays {
    /// How many changes there were.
    pub count: u64,
    /// Half of them needed less.
    pub median: u64,
    /// None needed more.
    pub max: u64,
}

/// Packets that ended in a router, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swallowed {
    /// They had gone in circles.
    pub ttl_exceeded: u64,
}

/// `GET /kernel/changes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// In order.
    pub changes: Vec<Change>,
}

/// One change of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number, from 1.
    pub number: u64,
    /// When the kernel's work began.
    pub begun: Moment,
    /// When it was done.
    pub done: Moment,
    /// How many routes and rules changed.
    pub routes: u64,
}

/// `/kernel/probe`: what became of a prober's packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Pause between two packets to one address.
    pub interval_ms: u64,
    /// How long a reply may take.
    pub timeout_ms: u64,
    /// Packets sent.
    pub sent: u64,
    /// Those a reply came for in time.
    pub answered: u64,
    /// Those no reply came for in time.
    pub lost: u64,
    /// Those whose time is not over.
    pub in_flight: u64,
    /// How late the latest packet was sent.
    pub worst_lateness_ms: f64,
    /// By address.
    pub targets: BTreeMap<Ipv4Addr, Target>,
}

/// What was sent to one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Packets sent.
    pub sent: u64,
    /// Packets by who answered them.
    pub answered_by: BTreeMap<String, u64>,
    /// Its losses.
    pub losses: Vec<LossRun>,
}

/// Consecutive lost packets of one address.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossRun {
    /// When the first was sent.
    pub first: Moment,
    /// When the last was sent.
    pub last: Moment,
    /// How many.
    pub count: u64,
    /// From the first lost packet's sending to that of the next that was answered, or of the last so far, in milliseconds.
    pub gap_ms: f64,
}

impl LossRun {
    /// When each of its packets was sent, in milliseconds since the Unix epoch: they are paced, so evenly between the first and the last.
    pub fn sent_at(&self) -> impl Iterator<Item = u64> {
        let (first, last, count) = (self.first.epoch_ms, self.last.epoch_ms, self.count);
        let whole = last.saturating_sub(first);
        (0..count).map(move |n| match count {
            0 | 1 => first,
            _ => first + whole * n / (count - 1),
        })
    }
}
