//! The proof of a plan: where packets go in every state between now and done.
//!
//! Each step's effect is applied in plan order, and every source is judged against every class of addresses that behave alike, there and
//! back, in the state it leads to and in those in which it is visible in some tables and not in others.
//!
//! All of it is data: sources, places, verdicts and steps are types, and sentences are made when a plan is shown (`render`) or
//! written as JSON (`json`).

mod ends;
mod in_flight;
mod json;
mod judge;
mod summary;
mod transitions;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_estate::SiteName;
use stayput_fabric::Node;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_fabric::Waypoint;

use crate::Delivery;
use crate::StepId;

pub(crate) use ends::home_after;
pub(crate) use ends::home_before;
pub(crate) use in_flight::harm_in_flight;
pub(crate) use judge::end;
pub(crate) use judge::prove;
pub use summary::Window;
pub(crate) use summary::closing;
pub(crate) use summary::opening;
pub(crate) use summary::span;
pub(crate) use transitions::of_routing;
pub(crate) use transitions::transitions;

/// Where packets go in every state of a plan.
///
/// As JSON it also has the `windows` of [`Proof::windows`] and the `text` of its `Display`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Proof {
    /// Addresses traced.
    pub addresses: usize,
    /// Classes that were judged in every state: a source with addresses that behave alike.
    pub classes: usize,
    /// Where packets were traced from.
    pub sources: Vec<Source>,
    /// Sources whose packets to some address loop now, before any step.
    #[serde(default)]
    pub loops_now: BTreeSet<Source>,
    /// The states, the present first.
    pub states: Vec<ProofState>,
    /// Times in which addresses are not reached that were reached before, or that the goal is about.
    pub holes: Vec<Hole>,
    /// Addresses that on-prem reaches at the end by another path than their replies take, with those paths.
    pub asymmetric: Vec<Asymmetry>,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProofState {
    /// After this step; `None`: now.
    pub after: Option<StepId>,
    /// What kind of step leads to it.
    pub kind: StateKind,
    /// Addresses on-prem reaches, by site.
    pub delivered: BTreeMap<SiteName, usize>,
    /// Addresses on-prem does not reach, by what happens instead.
    pub undelivered: Vec<Undelivered>,
    /// The paths of packets from on-prem to those classes of addresses that the step turned; all classes in the first state.
    pub traces: Vec<ClassTrace>,
    /// What changed by the step, for any source.
    pub shifts: Vec<Shifted>,
}

/// What kind of step leads to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateKind {
    /// None: it is the present.
    Present,
    /// Machines stop or start.
    Machines,
    /// Prefixes, subnets or routes change.
    Routing,
}

/// How many addresses on-prem does not reach in one way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Undelivered {
    /// What happens to the packets.
    pub delivery: Delivery,
    /// To how many addresses.
    pub addresses: usize,
}

/// The path of a packet to any address of a class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClassTrace {
    /// The address that stands for the class.
    pub representative: Ipv4Addr,
    /// How many addresses are in it.
    pub addresses: usize,
    /// What a packet passes, with the machine at the end if it is delivered.
    pub path: Vec<Node>,
    /// How it ends.
    pub verdict: Verdict,
}

/// Packets of a source to some addresses that a step changes something for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Shifted {
    /// Whose packets.
    pub source: Source,
    /// How many addresses.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What happens to the packets before.
    pub from: Delivery,
    /// What happens to them after; the same if only the path changes.
    pub to: Delivery,
}

/// A time in which addresses are not reached from one source, in one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Hole {
    /// Whose packets do not arrive.
    pub source: Source,
    /// The step that opens it; `None`: it is open now.
    pub opens: Option<StepId>,
    /// The step that closes it; `None`: it stays open.
    pub closes: Option<StepId>,
    /// How many addresses are in it.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What happens to packets in it when it opens.
    pub delivery: Delivery,
}

/// Requests and replies that take different paths: a stateful firewall between them drops the replies (AWS reference §2.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asymmetry {
    /// How many addresses.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What a request passes.
    pub there: Vec<Waypoint>,
    /// What a reply passes.
    pub back: Vec<Waypoint>,
}
