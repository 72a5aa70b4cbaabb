//! One step, with all that is known of it.

use std::fmt::Write;

use super::Numbered;
use super::effects;
use crate::ClassTrace;
use crate::Plan;
use crate::Step;
use crate::StepId;

/// All that a plan knows of the steps a person calls by a number or an id: what they make true and why, what they wait for, what undoes
/// them, what they change for packets, and which holes they open and close. `None` if the plan has no such step.
pub fn explain(plan: &Plan, name: &str) -> Option<String> {
    let steps = Numbered::of(plan);
    let (number, group) = steps.called(name)?;
    let mut text = String::new();
    for step in group {
        let _ = writeln!(
            text,
            "Step {number} {} {}",
            step.action.mark(),
            step.action.describe(&plan.names)
        );
        let _ = writeln!(text, "  id      {}", step.id.0);
        let _ = writeln!(text, "  phase   {}", step.phase);
        let _ = writeln!(text, "  why     {}", step.why);
        let _ = writeln!(text, "  after   {}", waits_for(step, plan, &steps));
        if let Some(inverse) = &step.inverse {
            let _ = writeln!(text, "  undo    {}", inverse.describe(&plan.names));
        }
    }
    let shifts = effects::shifts(plan, group);
    if shifts.is_empty() {
        let _ = writeln!(text, "\nIt changes no packet's path.");
    } else {
        let _ = writeln!(text, "\nPackets whose delivery or path it changes:");
    }
    for shift in shifts {
        let _ = writeln!(
            text,
            "  {} → {} ({}): {}",
            shift.source,
            effects::which(&shift.ranges),
            shift.addresses,
            shift.what()
        );
    }
    let led_to = |after: &StepId| group.iter().any(|step| step.id == *after);
    let mut states = plan.proof.states.iter();
    let ways = states.find(|state| state.after.as_ref().is_some_and(led_to));
    for (at, way) in ways.iter().flat_map(|state| &state.traces).enumerate() {
        if at == 0 {
            let _ = writeln!(text, "\nPaths from on-prem after it:");
        }
        let _ = writeln!(text, "  {}", drawn(way));
    }
    let mut holes = plan.proof.holes.iter().filter(|hole| {
        let of = |end: &Option<StepId>| end.as_ref().is_some_and(led_to);
        of(&hole.opens) || of(&hole.closes)
    });
    if let Some(first) = holes.next() {
        let _ = writeln!(text, "\nHoles:");
        for hole in std::iter::once(first).chain(holes) {
            let opens = hole.opens.as_ref().is_some_and(led_to);
            let verb = if opens { "opens" } else { "closes" };
            let _ = writeln!(
                text,
                "  {verb} for {}: {} ({}), {}",
                hole.source,
                effects::which(&hole.ranges),
                hole.addresses,
                hole.what()
            );
        }
    }
    Some(text)
}

fn waits_for(step: &Step, plan: &Plan, steps: &Numbered<'_>) -> String {
    let mut numbers: Vec<_> = step
        .needs
        .iter()
        .filter_map(|id| steps.number(id))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let earlier = plan.phases().take_while(|phase| *phase < step.phase).last();
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    match (earlier, numbers.as_slice()) {
        (None, []) => "nothing".to_owned(),
        (None, many) => format!("step {}", many.join(", ")),
        (Some(phase), []) => format!("phase {phase}"),
        (Some(phase), many) => format!("phase {phase} and step {}", many.join(", ")),
    }
}

fn drawn(way: &ClassTrace) -> String {
    let more = match way.addresses {
        0 | 1 => String::new(),
        more => format!(" and {} more", more - 1),
    };
    let path: Vec<_> = way.path.iter().map(ToString::to_string).collect();
    format!(
        "{}{more}: {}: {}",
        way.representative,
        path.join(" → "),
        way.verdict
    )
}
