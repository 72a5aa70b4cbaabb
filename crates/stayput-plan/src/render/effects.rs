//! What steps do to packets, in lines.

use std::collections::BTreeMap;

use stayput_estate::AddrRange;

use super::Numbered;
use crate::Hole;
use crate::Plan;
use crate::Shifted;
use crate::Step;
use crate::StepId;
use crate::counted;
use crate::proof::NOBODY_SENDS;

/// Ranges written out before the rest is only counted.
const WRITTEN: usize = 2;

/// What steps that share a number change about where packets go: on-prem's, and those of as many others as fare alike. Who begins or
/// ceases to send by it is left out.
pub(super) fn of(plan: &Plan, group: &[&Step]) -> Vec<String> {
    let mut found: BTreeMap<(&str, &str, String), Vec<&Shifted>> = BTreeMap::new();
    let sends = |shift: &&Shifted| shift.from != NOBODY_SENDS && shift.to != NOBODY_SENDS;
    for shift in shifts(plan, group).into_iter().filter(sends) {
        let of = (&*shift.from, &*shift.to, which(&shift.ranges));
        found.entry(of).or_default().push(shift);
    }
    let mut lines: Vec<_> = found
        .into_iter()
        .filter_map(|((from, to, which), shifts)| {
            let first = shifts.first()?;
            let addresses = counted(first.addresses, "address");
            let sources: Vec<_> = shifts.iter().map(|shift| &*shift.source).collect();
            let line = format!("{}: {addresses} {which}: {from} → {to}", whose(&sources));
            Some((!is_of_on_prem(&sources), line))
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What became otherwise by the state that steps of one number lead to.
pub(super) fn shifts<'p>(plan: &'p Plan, group: &[&Step]) -> Vec<&'p Shifted> {
    let led_to = |after: &StepId| group.iter().any(|step| step.id == *after);
    let states = plan.proof.states.iter();
    states
        .filter(|state| state.after.as_ref().is_some_and(led_to))
        .flat_map(|state| &state.shifts)
        .collect()
}

/// The line of verdict, with steps by their numbers.
pub(super) fn verdict(plan: &Plan, steps: &Numbered<'_>) -> String {
    plan.proof
        .line(|step, none| called(step.and_then(|step| steps.number(step)), none))
}

fn called(number: Option<usize>, none: &str) -> String {
    number.map_or_else(|| none.to_owned(), |number| number.to_string())
}

/// The holes with opener and closer: on-prem's, then those of others.
pub(super) fn holes(plan: &Plan, steps: &Numbered<'_>) -> Vec<String> {
    let mut alike: BTreeMap<(Option<usize>, usize, &str, String), Vec<&Hole>> = BTreeMap::new();
    for hole in &plan.proof.holes {
        let number = |id: &Option<StepId>| id.as_ref().and_then(|id| steps.number(id));
        let closes = number(&hole.closes).unwrap_or(usize::MAX);
        let key = (
            number(&hole.opens),
            closes,
            &*hole.what,
            which(&hole.ranges),
        );
        alike.entry(key).or_default().push(hole);
    }
    let mut lines: Vec<_> = alike
        .into_iter()
        .filter_map(|((opens, closes, what, which), holes)| {
            let sources: Vec<_> = holes.iter().map(|hole| &*hole.source).collect();
            let step = |number: Option<usize>, none| match number {
                Some(number) => format!("step {number}"),
                None => String::from(none),
            };
            let line = format!(
                "hole from {} to {} for {}: {} {which}, {what}",
                step(opens, "now"),
                step(Some(closes).filter(|at| *at != usize::MAX), "the end"),
                whose(&sources),
                counted(holes.first()?.addresses, "address"),
            );
            Some((!is_of_on_prem(&sources), line))
        })
        .collect();
    lines.sort_by_key(|(others, _)| *others);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn is_of_on_prem(sources: &[&str]) -> bool {
    sources
        .iter()
        .any(|source| *source == stayput_fabric::Source::OnPrem.to_string())
}

fn whose(sources: &[&str]) -> String {
    match sources {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [one, others @ ..] => format!("{one} and {} others", others.len()),
    }
}

/// Ranges as a person writes them; of many only the first.
pub fn which(ranges: &[AddrRange]) -> String {
    let text = |range: &AddrRange| match range.size() {
        1 => range.first.to_string(),
        _ => range.to_string(),
    };
    let mut written: Vec<_> = ranges.iter().take(WRITTEN).map(text).collect();
    if ranges.len() > WRITTEN {
        written.push("…".to_owned());
    }
    written.join(", ")
}
