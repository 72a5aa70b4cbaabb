//! What steps do to packets, in lines.

use std::collections::BTreeMap;

use stayput_estate::AddrRange;
use stayput_fabric::Source;

use super::Numbered;
use crate::Delivery;
use crate::Hole;
use crate::Plan;
use crate::Shifted;
use crate::Step;
use crate::StepId;
use crate::Window;
use crate::counted;

/// Ranges written out before the rest is only counted.
const WRITTEN: usize = 2;

/// What steps that share a number change about where packets go: on-prem's, and those of other sources. Sources that begin or stop
/// sending by it are left out.
pub(super) fn of(plan: &Plan, group: &[&Step]) -> Vec<String> {
    let mut found: BTreeMap<(&Delivery, &Delivery, String), Vec<&Shifted>> = BTreeMap::new();
    let sends =
        |shift: &&Shifted| shift.from != Delivery::NoSender && shift.to != Delivery::NoSender;
    for shift in shifts(plan, group).into_iter().filter(sends) {
        let of = (&shift.from, &shift.to, which(&shift.ranges));
        found.entry(of).or_default().push(shift);
    }
    let mut lines: Vec<_> = found
        .into_iter()
        .filter_map(|((_, _, which), shifts)| {
            let first = shifts.first()?;
            let addresses = counted(first.addresses, "address");
            let sources: Vec<_> = shifts.iter().map(|shift| &shift.source).collect();
            let line = format!("{}: {addresses} {which}: {}", whose(&sources), first.what());
            Some((!sources.contains(&&Source::OnPrem), line))
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What changed in the state that steps of one number lead to.
pub(super) fn shifts<'p>(plan: &'p Plan, group: &[&Step]) -> Vec<&'p Shifted> {
    let led_to = |after: &StepId| group.iter().any(|step| step.id == *after);
    let states = plan.proof.states.iter();
    states
        .filter(|state| state.after.as_ref().is_some_and(led_to))
        .flat_map(|state| &state.shifts)
        .collect()
}

/// From which step to which, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    /// `None`: now.
    opens: Option<usize>,
    closes: Closes,
}

/// When a hole closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closes {
    After(usize),
    Never,
}

impl Span {
    fn of(steps: &Numbered<'_>, opens: Option<&StepId>, closes: Option<&StepId>) -> Self {
        let number = |step: Option<&StepId>| step.and_then(|step| steps.number(step));
        Self {
            opens: number(opens),
            closes: number(closes).map_or(Closes::Never, Closes::After),
        }
    }

    /// Such as `3→8`.
    fn short(self) -> String {
        let opens = self.opens.map_or("now".to_owned(), |step| step.to_string());
        match self.closes {
            Closes::After(step) => format!("{opens}→{step}"),
            Closes::Never => format!("{opens}→the end"),
        }
    }

    /// Such as `step 3 to step 8`.
    fn long(self) -> String {
        let opens = self
            .opens
            .map_or("now".to_owned(), |step| format!("step {step}"));
        match self.closes {
            Closes::After(step) => format!("{opens} to step {step}"),
            Closes::Never => format!("{opens} to the end"),
        }
    }
}

/// On-prem's holes in plan order.
fn windows(plan: &Plan, steps: &Numbered<'_>) -> Vec<(Span, Window)> {
    let windows = plan.proof.windows().into_iter();
    let mut windows: Vec<_> = windows
        .map(|window| {
            let span = Span::of(steps, window.opens.as_ref(), window.closes.as_ref());
            (span, window)
        })
        .collect();
    windows.sort();
    windows
}

/// The line of verdict, with steps by their numbers.
pub(super) fn verdict(plan: &Plan, steps: &Numbered<'_>) -> String {
    let windows = windows(plan, steps);
    let windows: Vec<_> = windows.iter().map(|(span, _)| span.short()).collect();
    plan.proof.line(&windows)
}

/// The holes with the steps that open and close them: on-prem's, which the line of verdict counts, then those of other sources. Each
/// list with its heading.
pub(super) fn holes(plan: &Plan, steps: &Numbered<'_>) -> Vec<(String, Vec<String>)> {
    let of_on_prem: Vec<_> = windows(plan, steps)
        .into_iter()
        .map(|(span, window)| {
            let what: Vec<_> = window.deliveries.iter().map(Delivery::in_a_hole).collect();
            format!(
                "{}: {} {}, {}",
                span.long(),
                counted(window.addresses, "address"),
                which(&window.ranges),
                what.join("; or ")
            )
        })
        .collect();
    let mut alike: BTreeMap<(Span, &Delivery, String), Vec<&Hole>> = BTreeMap::new();
    for hole in plan.proof.holes.iter().filter(|hole| !hole.is_of_on_prem()) {
        let span = Span::of(steps, hole.opens.as_ref(), hole.closes.as_ref());
        let key = (span, &hole.delivery, which(&hole.ranges));
        alike.entry(key).or_default().push(hole);
    }
    let of_others: Vec<_> = alike
        .into_iter()
        .filter_map(|((span, delivery, which), holes)| {
            let sources: Vec<_> = holes.iter().map(|hole| &hole.source).collect();
            Some(format!(
                "{}, {}: {} {which}, {}",
                span.long(),
                whose(&sources),
                counted(holes.first()?.addresses, "address"),
                delivery.in_a_hole()
            ))
        })
        .collect();
    let lists = [
        ("for on-prem", of_on_prem),
        ("for other sources", of_others),
    ];
    let lists = lists.into_iter().filter(|(_, lines)| !lines.is_empty());
    lists
        .map(|(whose, lines)| (format!("{} {whose}:", counted(lines.len(), "hole")), lines))
        .collect()
}

fn whose(sources: &[&Source]) -> String {
    match sources {
        [] => String::new(),
        [one] => one.to_string(),
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
