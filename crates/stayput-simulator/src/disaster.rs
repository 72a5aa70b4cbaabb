//! What befalls a story.

use jiff::SignedDuration;
use stayput_lab::faults::Rule;
use stayput_ledger::Crash;

use crate::gate::KillAt;
use crate::hands::ByHand;

/// What befalls a story.
#[derive(Debug, Clone, Default)]
pub struct Disaster {
    /// Faults of calls.
    pub rules: Vec<Rule>,
    /// Where processes end.
    pub kills: Vec<Kill>,
    /// What people do by hand.
    pub by_hand: Vec<ByHand>,
    /// A second operator runs the same command with the same ledger, from the call with this number on.
    pub second: Option<u64>,
    /// When a command ends after this many calls, the person takes its run back, once, and begins it again.
    pub rollback: Option<u64>,
    /// Whether Prism Central takes a request that is sent again for a new one.
    pub forgets_requests: bool,
    /// NC2 takes this many times as long more to write a prefix into the VPC's tables; 0: as usual.
    pub slower_nc2: u32,
    /// When the wall clock is set forward or back.
    pub clock_steps: Vec<ClockStep>,
}

/// A process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Where.
    pub at: KillAt,
    /// With it the computer, or not.
    pub crash: Crash,
}

/// The wall clock of the operator's computer is set.
#[derive(Debug, Clone, Copy)]
pub struct ClockStep {
    /// Before the call with this number.
    pub at_call: u64,
    /// By this much; negative: back.
    pub by: SignedDuration,
}

impl Disaster {
    /// The same without one of its parts, for each part.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut without = |take: &dyn Fn(&mut Self)| {
            let mut smaller = self.clone();
            take(&mut smaller);
            all.push(smaller);
        };
        for number in 0..self.rules.len() {
            without(&|one| drop(one.rules.remove(number)));
        }
        for number in 0..self.kills.len() {
            without(&|one| {
                one.kills.remove(number);
            });
        }
        for number in 0..self.by_hand.len() {
            without(&|one| {
                one.by_hand.remove(number);
            });
        }
        for number in 0..self.clock_steps.len() {
            without(&|one| {
                one.clock_steps.remove(number);
            });
        }
        if self.second.is_some() {
            without(&|one| one.second = None);
        }
        if self.rollback.is_some() {
            without(&|one| one.rollback = None);
        }
        if self.slower_nc2 > 0 {
            without(&|one| one.slower_nc2 = 0);
        }
        if self.forgets_requests {
            without(&|one| one.forgets_requests = false);
        }
        all
    }
}
