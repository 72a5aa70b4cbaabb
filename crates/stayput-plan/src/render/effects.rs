//! What steps do to packets, in lines.

use std::collections::BTreeMap;

use stayput_estate::AddrRange;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_messages::list::alternatives;
use stayput_messages::list::and;

use super::Numbered;
use crate::Delivery;
use crate::Hole;
use crate::Plan;
use crate::Shifted;
use crate::Step;
use crate::StepId;
use crate::Window;
use crate::proof::span;

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
            let sources: Vec<_> = shifts.iter().map(|shift| &shift.source).collect();
            let line = Message::new("effect")
                .part("whose", whose(&sources))
                .count("addresses", first.addresses)
                .with("ranges", which)
                .part("what", first.what());
            Some((!sources.contains(&&Source::OnPrem), line.to_string()))
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
    fn short(self) -> Message {
        match self.closes {
            Closes::After(step) => span(self.opens, Some(step)),
            Closes::Never => span(self.opens, None::<usize>),
        }
    }

    /// Such as `step 3 to step 8`.
    fn long(self) -> Message {
        match (self.opens, self.closes) {
            (Some(opens), Closes::After(closes)) => Message::new("from-step-to-step")
                .with("opens", opens)
                .with("closes", closes),
            (Some(opens), Closes::Never) => Message::new("from-step-on").with("opens", opens),
            (None, Closes::After(closes)) => Message::new("until-step").with("closes", closes),
            (None, Closes::Never) => Message::new("always"),
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
pub(super) fn verdict(plan: &Plan, steps: &Numbered<'_>) -> Message {
    let windows = windows(plan, steps);
    plan.proof
        .line(windows.iter().map(|(span, _)| span.short()))
}

/// The holes with the steps that open and close them: on-prem's, which the line of verdict counts, then those of other sources. Each
/// list with its heading.
pub(super) fn holes(plan: &Plan, steps: &Numbered<'_>) -> Vec<(Message, Vec<Message>)> {
    let of_on_prem: Vec<_> = windows(plan, steps)
        .into_iter()
        .map(|(span, window)| {
            let what = window.deliveries.iter().map(Delivery::in_a_hole);
            Message::new("hole-of-on-prem")
                .part("span", span.long())
                .count("addresses", window.addresses)
                .with("ranges", which(&window.ranges))
                .part("what", alternatives(what))
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
            let line = Message::new("hole-of-others")
                .part("span", span.long())
                .part("whose", whose(&sources))
                .count("addresses", holes.first()?.addresses)
                .with("ranges", which)
                .part("what", delivery.in_a_hole());
            Some(line)
        })
        .collect();
    let heading = Message::new("holes-of-on-prem").count("holes", of_on_prem.len());
    let other_heading = Message::new("holes-of-others").count("holes", of_others.len());
    let lists = [(heading, of_on_prem), (other_heading, of_others)];
    let lists = lists.into_iter().filter(|(_, lines)| !lines.is_empty());
    lists.collect()
}

fn whose(sources: &[&Source]) -> Message {
    match sources {
        [one, _, others @ ..] if !others.is_empty() => Message::new("sources-more")
            .with("first", one)
            .count("others", others.len() + 1),
        few => and(few),
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
