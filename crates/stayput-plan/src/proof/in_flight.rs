//! One call while it takes effect: visible in some places and not yet in others.

use std::net::Ipv4Addr;

use stayput_fabric::Change;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::delivery::Harm;
use crate::outcome::is_hypothetical;

/// Packets that are harmed while a change takes effect, and are not before it nor after.
pub(crate) struct HarmInFlight {
    /// Whose packets.
    pub(crate) from: Source,
    /// To this address and those that behave like it.
    pub(crate) address: Ipv4Addr,
    /// How many those are.
    pub(crate) addresses: usize,
    /// What happens to them.
    pub(crate) harm: Harm,
}

/// The first harm a change does while it takes effect: a loop, a wrong site, or the loss of what arrives before and after.
pub(crate) fn harm_in_flight(matrix: &Reachability, change: &Change) -> Option<HarmInFlight> {
    let states = matrix.fabric().in_flight(change);
    if states.is_empty() {
        return None;
    }
    let mut after = matrix.fabric().clone();
    after.apply(change);
    let classes = matrix.classes().iter().enumerate();
    let touched = classes.filter(|(_, class)| {
        change
            .prefix()
            .is_none_or(|prefix| prefix.contains(class.representative))
    });
    for (class, of) in touched {
        for (source, from) in matrix.sources().iter().enumerate() {
            let before = matrix.cell_state(source, class);
            if !before.populated {
                continue;
            }
            let to = of.representative;
            let later = after.verdict(from, to);
            let works_on = before.there.is_delivered() && later.is_delivered();
            let harmless = !before.there.is_harmful() && !later.is_harmful();
            for state in &states {
                let verdict = state.fabric.verdict(from, to);
                let lost = works_on && !verdict.is_delivered() && !is_hypothetical(from);
                if lost || harmless && verdict.is_harmful() {
                    return Some(HarmInFlight {
                        from: from.clone(),
                        address: to,
                        addresses: of.members.len(),
                        harm: Harm::InFlight {
                            verdict,
                            visibility: state.visibility.clone(),
                        },
                    });
                }
            }
        }
    }
    None
}
