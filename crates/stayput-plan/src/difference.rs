//! How two plans for one goal differ: what must have changed in the world between them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::Plan;
use crate::Step;
use crate::StepId;

/// Why `now` is not `then`, one line each for people; empty if they do the same in the same way.
///
/// Names and proof are not compared: they follow from the world and the steps.
pub fn differences(then: &Plan, now: &Plan) -> Vec<String> {
    let by_id = |plan: &'_ Plan| -> BTreeMap<StepId, Step> {
        plan.steps
            .iter()
            .map(|step| (step.id.clone(), step.clone()))
            .collect()
    };
    let (old, new) = (by_id(then), by_id(now));
    let mut lines = Vec::new();
    if then.goal != now.goal {
        lines.push(format!("the goal is {} instead of {}", now.goal, then.goal));
    }
    for (id, step) in &old {
        match new.get(id) {
            None => lines.push(format!(
                "no longer needed: {}",
                step.action.describe(&then.names)
            )),
            Some(other) if other.action != step.action => lines.push(format!(
                "was: {}; is: {}",
                step.action.describe(&then.names),
                other.action.describe(&now.names)
            )),
            // A need that is gone or new is told of as a step.
            Some(other) if waits(step, &new) != waits(other, &old) => {
                lines.push(format!(
                    "in another order: {}",
                    step.action.describe(&then.names)
                ));
            }
            Some(_) => {}
        }
    }
    for (id, step) in &new {
        if !old.contains_key(id) {
            lines.push(format!("new: {}", step.action.describe(&now.names)));
        }
    }
    lines
}

/// The needs of a step that the other plan has too.
fn waits<'s>(step: &'s Step, other: &BTreeMap<StepId, Step>) -> BTreeSet<&'s StepId> {
    step.needs
        .iter()
        .filter(|need| other.contains_key(*need))
        .collect()
}
