//! One step, with all that is known of it.

use std::fmt::Display;
use std::fmt::Write;

use stayput_messages::Message;
use stayput_messages::list::arrows;
use stayput_messages::list::commas;

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
        let title = Message::new("explain-step")
            .with("number", number)
            .with("mark", step.action.mark())
            .part("title", step.action.describe(&plan.names));
        let _ = writeln!(text, "{title}");
        let mut field = |name: Message, value: &dyn Display| {
            let _ = writeln!(text, "  {name:<7} {value}");
        };
        field(Message::new("explain-id"), &step.id);
        field(Message::new("explain-phase"), &step.phase);
        field(Message::new("explain-why"), &step.why);
        field(
            Message::new("explain-after"),
            &waits_for(step, plan, &steps),
        );
        if let Some(inverse) = &step.inverse {
            let undo = inverse.describe(&plan.names);
            field(Message::new("explain-undo"), &undo);
        }
    }
    let shifts = effects::shifts(plan, group);
    let heading = match shifts.is_empty() {
        true => Message::new("explain-no-packets"),
        false => Message::new("explain-packets"),
    };
    let _ = writeln!(text, "\n{heading}");
    for shift in shifts {
        let line = Message::new("explain-packet")
            .with("source", &shift.source)
            .with("ranges", effects::which(&shift.ranges))
            .count("addresses", shift.addresses)
            .part("what", shift.what());
        let _ = writeln!(text, "  {line}");
    }
    let led_to = |after: &StepId| group.iter().any(|step| step.id == *after);
    let mut states = plan.proof.states.iter();
    let ways = states.find(|state| state.after.as_ref().is_some_and(led_to));
    for (at, way) in ways.iter().flat_map(|state| &state.traces).enumerate() {
        if at == 0 {
            let _ = writeln!(text, "\n{}", Message::new("explain-paths"));
        }
        let _ = writeln!(text, "  {}", drawn(way));
    }
    let mut holes = plan.proof.holes.iter().filter(|hole| {
        let of = |end: &Option<StepId>| end.as_ref().is_some_and(led_to);
        of(&hole.opens) || of(&hole.closes)
    });
    if let Some(first) = holes.next() {
        let _ = writeln!(text, "\n{}", Message::new("explain-holes"));
        for hole in std::iter::once(first).chain(holes) {
            let opens = hole.opens.as_ref().is_some_and(led_to);
            let line = Message::new("explain-hole")
                .with("verb", if opens { "opens" } else { "closes" })
                .with("source", &hole.source)
                .with("ranges", effects::which(&hole.ranges))
                .count("addresses", hole.addresses)
                .part("what", hole.what());
            let _ = writeln!(text, "  {line}");
        }
    }
    Some(text)
}

fn waits_for(step: &Step, plan: &Plan, steps: &Numbered<'_>) -> Message {
    let mut numbers: Vec<_> = step
        .needs
        .iter()
        .filter_map(|id| steps.number(id))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let earlier = plan.phases().take_while(|phase| *phase < step.phase).last();
    match (earlier, numbers.as_slice()) {
        (None, []) => Message::new("after-nothing"),
        (None, many) => Message::new("after-steps").with("steps", commas(many)),
        (Some(phase), []) => Message::new("after-phase").with("phase", phase),
        (Some(phase), many) => Message::new("after-phase-and-steps")
            .with("phase", phase)
            .with("steps", commas(many)),
    }
}

fn drawn(way: &ClassTrace) -> Message {
    Message::new("explain-path")
        .with("address", way.representative)
        .count("more", way.addresses.saturating_sub(1))
        .with("path", arrows(&way.path))
        .with("verdict", &way.verdict)
}
