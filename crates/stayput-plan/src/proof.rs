//! The proof of a plan: where packets go in every state between now and done.
//!
//! Each step's effect is applied in plan order, and every source is judged against every class of addresses that behave alike, there and
//! back, in the state it leads to and in those in which it is seen by some tables and not by others.

mod ends;
mod in_flight;
mod judge;
mod transitions;
mod words;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_estate::SiteName;

use crate::StepId;
use crate::counted;

pub(crate) use ends::home_after;
pub(crate) use in_flight::harm_in_flight;
pub(crate) use judge::prove;
pub(crate) use judge::running_addresses;
pub(crate) use transitions::of_routing;
pub(crate) use transitions::transitions;
pub(crate) use words::NOBODY_SENDS;
pub(crate) use words::says;

/// Where packets go in every state of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Addresses traced.
    pub addresses: usize,
    /// Classes that were judged in every state: a source with addresses that behave alike.
    pub classes: usize,
    /// Where packets were traced from.
    pub sources: Vec<String>,
    /// The states, the present first.
    pub states: Vec<ProofState>,
    /// Times in which addresses are not reached that somebody reached before, or that the goal is about.
    pub holes: Vec<Hole>,
    /// Addresses that on-prem reaches at the end by another way than their replies take, with those ways.
    pub asymmetric: Vec<Asymmetry>,
}

/// One state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProofState {
    /// After this step; `None`: now.
    pub after: Option<StepId>,
    /// Addresses on-prem reaches, by site.
    pub delivered: BTreeMap<SiteName, usize>,
    /// Addresses on-prem does not reach, by verdict.
    pub undelivered: BTreeMap<String, usize>,
    /// The ways of packets from on-prem to those classes of addresses that the step turned; all classes in the first state.
    pub traces: Vec<ClassTrace>,
    /// What became otherwise by the step, for anybody.
    pub shifts: Vec<Shifted>,
}

/// The way of a packet to any address of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassTrace {
    /// The address that stands for the class.
    pub representative: Ipv4Addr,
    /// How many addresses are in it.
    pub addresses: usize,
    /// By these nodes.
    pub path: Vec<String>,
    /// Ending so.
    pub verdict: String,
}

/// Packets of a source to some addresses that a step leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shifted {
    /// Whose packets.
    pub source: String,
    /// How many addresses.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What became of the packets before.
    pub from: String,
    /// What becomes of them after.
    pub to: String,
}

/// A time in which addresses are not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Whose packets do not arrive.
    pub source: String,
    /// The step that opens it; `None`: it is open now.
    pub opens: Option<StepId>,
    /// The step that closes it; `None`: it stays open.
    pub closes: Option<StepId>,
    /// How many addresses are in it.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// What happens to packets in it when it opens.
    pub what: String,
}

/// Requests and replies that take different ways: a stateful firewall between them drops the replies (AWS reference §2.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asymmetry {
    /// How many addresses.
    pub addresses: usize,
    /// Which.
    pub ranges: Vec<AddrRange>,
    /// The edges and Transit Gateways a request passes.
    pub there: Vec<String>,
    /// The edges and Transit Gateways a reply passes.
    pub back: Vec<String>,
}

impl Hole {
    /// Whether it is about what on-prem sends: the traffic this is all about.
    pub fn is_of_on_prem(&self) -> bool {
        self.source == stayput_fabric::Source::OnPrem.to_string()
    }
}

impl Proof {
    /// The holes of on-prem's packets as times, each once, whatever happens to packets in it.
    pub fn windows(&self) -> BTreeSet<(Option<StepId>, Option<StepId>)> {
        self.holes
            .iter()
            .filter(|hole| hole.is_of_on_prem())
            .map(|hole| (hole.opens.clone(), hole.closes.clone()))
            .collect()
    }

    /// The line of verdict, with steps as the caller calls them.
    pub fn line(&self, step: impl Fn(Option<&StepId>, &str) -> String) -> String {
        let loops_now = self.states.first().is_some_and(|state| {
            let mut verdicts = state.undelivered.keys();
            verdicts.any(|verdict| verdict.starts_with("loop"))
        });
        let loops = if loops_now {
            "no new loops"
        } else {
            "no loops"
        };
        let windows: Vec<_> = self
            .windows()
            .iter()
            .map(|(opens, closes)| {
                format!(
                    "{}→{}",
                    step(opens.as_ref(), "now"),
                    step(closes.as_ref(), "the end")
                )
            })
            .collect();
        let holes = match windows.as_slice() {
            [] => "no holes".to_owned(),
            [one] => format!("1 hole (step {one})"),
            many => format!("{} holes (steps {})", many.len(), many.join(", ")),
        };
        format!(
            "proof: {} × {}: {loops}, no wrong site, {holes}",
            counted(self.classes, "class"),
            counted(self.states.len(), "state")
        )
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line =
            self.line(|step, none| step.map_or_else(|| none.to_owned(), ToString::to_string));
        f.write_str(&line)
    }
}
