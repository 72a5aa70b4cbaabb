//! Which addresses may be unreachable: what a plan announces, until the step that ends the outage is done.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_ledger::MemoryLedger;
use stayput_ledger::Sequence;
use stayput_plan::Plan;
use stayput_plan::StepId;

/// Outages that may be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Announced {
    /// Those of the plan that was shown last, and of the one before if an attempt of its run may still be going on.
    holes: Vec<Hole>,
    /// Addresses that were unreachable without a plan that says so: people or an outage made them so.
    before: BTreeSet<Ipv4Addr>,
}

/// An outage of a plan.
#[derive(Debug, Clone)]
struct Hole {
    addresses: BTreeSet<Ipv4Addr>,
    /// The step that ends it; `None`: it stays.
    closes: Option<StepId>,
    /// Attempts until this one are of earlier plans.
    shown_after: Option<Sequence>,
}

impl Announced {
    /// A plan is shown. What it says replaces what earlier ones said, unless one of their attempts is open or in doubt; what is unreachable
    /// now may stay so unless the plan says when that ends.
    pub(crate) fn plan(
        &mut self,
        plan: &Plan,
        captured: &BTreeSet<Ipv4Addr>,
        unreachable: impl IntoIterator<Item = Ipv4Addr>,
        ledger: &MemoryLedger,
    ) {
        // What a process had begun when it was killed, or sent without an answer, goes on: its plan said what that does.
        if !may_go_on(ledger) {
            self.holes.clear();
        }
        let holes = plan.proof.holes.iter();
        let holes = holes.filter(|hole| hole.is_of_on_prem()).map(|hole| Hole {
            addresses: captured
                .iter()
                .filter(|address| hole.ranges.iter().any(|range| range.contains(**address)))
                .copied()
                .collect(),
            closes: hole.closes.clone(),
            shown_after: ledger.newest_attempt(),
        });
        self.holes.extend(holes);
        self.before = unreachable.into_iter().collect();
        for hole in &self.holes {
            self.before
                .retain(|address| !hole.addresses.contains(address));
        }
    }

    /// A goal is reached: only what is unreachable now may be so from now on.
    pub(crate) fn only(
        &mut self,
        unreachable: impl IntoIterator<Item = Ipv4Addr>,
        ledger: &MemoryLedger,
    ) {
        if !may_go_on(ledger) {
            self.holes.clear();
        }
        self.before = unreachable.into_iter().collect();
    }

    /// People or an outage made these addresses unreachable.
    pub(crate) fn excuse(&mut self, unreachable: impl IntoIterator<Item = Ipv4Addr>) {
        self.before.extend(unreachable);
    }

    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        let mut holes = self.holes.iter();
        self.before.contains(&address) || holes.any(|hole| hole.addresses.contains(&address))
    }

    /// Ends the outages whose last step is done. Returns the steps with the addresses that are in no other outage.
    pub(crate) fn ended(&mut self, ledger: &MemoryLedger) -> Vec<(StepId, BTreeSet<Ipv4Addr>)> {
        let (open, ended): (Vec<_>, Vec<_>) = std::mem::take(&mut self.holes)
            .into_iter()
            .partition(|hole| {
                let closes = hole.closes.as_ref();
                !closes.is_some_and(|step| ledger.has_done(step, hole.shown_after))
            });
        self.holes = open;
        let ended = ended.into_iter().filter_map(|hole| {
            let addresses = hole.addresses.into_iter();
            let over = addresses.filter(|address| !self.contains(*address));
            Some((hole.closes?, over.collect()))
        });
        ended.collect()
    }
}

/// Whether something that an open run began may still take effect.
fn may_go_on(ledger: &MemoryLedger) -> bool {
    ledger.has_open_attempt_on_disk() || ledger.is_in_doubt()
}
