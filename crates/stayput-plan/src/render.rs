//! A plan as a person reads it. Plain text; colours and widths are the terminal's business.

mod action;
mod effects;
mod explain;
mod summary;

use std::fmt::Write;

pub use effects::which;
pub use explain::explain;
use stayput_messages::Message;
pub use summary::PlanSummary;

use crate::Action;
use crate::Plan;
use crate::Step;
use crate::StepId;
use crate::outage::about;

/// Machines named one by one before the rest is only counted.
const NAMED: usize = 12;

/// Steps as they are numbered for people, the first number being 1: steps that touch one machine each, alike and in a row, share one.
pub struct Numbered<'p>(Vec<Vec<&'p Step>>);

impl<'p> Numbered<'p> {
    /// The steps of a plan.
    pub fn of(plan: &'p Plan) -> Self {
        let mut groups: Vec<Vec<&Step>> = Vec::new();
        for step in &plan.steps {
            let single = matches!(
                step.action,
                Action::Cutover { .. } | Action::RestoreNics { .. }
            );
            let alike = |last: &&Step| {
                std::mem::discriminant(&last.action) == std::mem::discriminant(&step.action)
            };
            match groups.last_mut() {
                Some(group) if single && group.last().is_some_and(alike) => group.push(step),
                _ => groups.push(vec![step]),
            }
        }
        Self(groups)
    }

    /// Each number with its steps.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[&'p Step])> {
        self.0
            .iter()
            .enumerate()
            .map(|(at, group)| (at + 1, group.as_slice()))
    }

    /// The number of a step.
    pub fn number(&self, id: &StepId) -> Option<usize> {
        self.iter()
            .find(|(_, group)| group.iter().any(|step| step.id == *id))
            .map(|(number, _)| number)
    }

    /// The steps a person means by a number or an id.
    pub fn called(&self, name: &str) -> Option<(usize, &[&'p Step])> {
        let number = name.parse().ok();
        self.iter()
            .find(|(at, group)| Some(*at) == number || group.iter().any(|step| step.id.0 == name))
    }
}

fn warn(text: &mut String, plan: &Plan) {
    if plan.warnings.is_empty() && plan.findings.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", Message::new("plan-to-know"));
    for warning in &plan.warnings {
        let _ = writeln!(text, "  ! {warning}");
    }
    for finding in &plan.findings {
        let _ = writeln!(text, "  ! {finding}\n      → {}", finding.remedy());
    }
}

/// How long each network is expected to be unreachable.
fn expect(text: &mut String, plan: &Plan, steps: &Numbered<'_>) {
    if plan.outages.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", Message::new("plan-outages"));
    for outage in &plan.outages {
        let number = |id| {
            steps
                .number(id)
                .map_or_else(|| "?".to_owned(), |n| n.to_string())
        };
        let (opens, closes) = (number(&outage.opens), number(&outage.closes));
        let line = match opens == closes {
            true => Message::new("plan-outage-of-a-step")
                .with("network", &outage.network)
                .part("about", about(outage.seconds))
                .with("step", opens),
            false => Message::new("plan-outage")
                .with("network", &outage.network)
                .part("about", about(outage.seconds))
                .with("opens", opens)
                .with("closes", closes),
        };
        let _ = writeln!(text, "  {line}");
    }
}

/// The whole plan as text.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    let title = Message::new("plan-title")
        .with("goal", &plan.goal)
        .with("estate", &plan.estate);
    let _ = writeln!(text, "{title}");
    if plan.steps.is_empty() {
        let _ = writeln!(text, "\n{}", Message::new("plan-nothing-to-do"));
        warn(&mut text, plan);
        return text;
    }
    let _ = writeln!(text);
    let steps = Numbered::of(plan);
    for (number, group) in steps.iter() {
        for step in group.iter().take(NAMED) {
            let _ = writeln!(
                text,
                "  {number:>3} {} {}",
                step.action.mark(),
                step.action.describe(&plan.names)
            );
        }
        if group.len() > NAMED {
            let more = Message::new("plan-more-steps").count("more", group.len() - NAMED);
            let _ = writeln!(text, "  {number:>3}   {more}");
        }
        if let Some(first) = group.first() {
            let _ = writeln!(text, "        {}", first.why);
        }
        for effect in effects::of(plan, group) {
            let _ = writeln!(text, "        → {effect}");
        }
    }
    expect(&mut text, plan, &steps);
    warn(&mut text, plan);
    let _ = writeln!(text, "\n{}", effects::verdict(plan, &steps));
    for (heading, lines) in effects::holes(plan, &steps) {
        let _ = writeln!(text, "{heading}");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}
