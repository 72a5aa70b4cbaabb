//! One call while it spreads: seen by some tables and not yet by others.

use std::net::Ipv4Addr;

use stayput_fabric::Change;
use stayput_fabric::Reachability;
use stayput_fabric::Source;

use crate::fate::is_hypothetical;

/// Packets that are harmed while a change spreads, and are not before it nor after.
pub(crate) struct Harm {
    /// Whose packets.
    pub(crate) from: Source,
    /// To this address and those that behave like it.
    pub(crate) address: Ipv4Addr,
    /// How many those are.
    pub(crate) addresses: usize,
    /// What happens to them, and what is seen already and what is not.
    pub(crate) verdict: String,
}

/// The first harm a change does while it spreads: a loop, a wrong site, or the loss of what arrives before and after.
pub(crate) fn harm_in_flight(matrix: &Reachability, change: &Change) -> Option<Harm> {
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
            let before = matrix.standing(source, class);
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
                    return Some(Harm {
                        from: from.clone(),
                        address: to,
                        addresses: of.members.len(),
                        verdict: format!("{verdict} ({})", state.what),
                    });
                }
            }
        }
    }
    None
}
