//! The states between a plan's steps, to look at one by one.

use stayput_estate::Estate;
use stayput_fabric::Fabric;
use stayput_world::Facts;
use stayput_world::World;

use crate::Plan;
use crate::Step;
use crate::StepId;
use crate::proof::transitions;
use crate::survey::Survey;

/// Where packets go when a plan's steps up to this one are done, in the plan's order; with none, when all are. It is the state the
/// plan's proof judged: each step has done to the fabric what it does to the world.
///
/// A step that the plan does not have is behind all others.
pub fn fabric_after(
    estate: &Estate,
    world: &World,
    facts: &Facts,
    plan: &Plan,
    last: Option<&StepId>,
) -> Fabric {
    let survey = Survey::of_goal(estate, world, facts, &plan.goal);
    let last = last
        .and_then(|last| plan.steps.iter().position(|step| step.id == *last))
        .map_or(plan.steps.len(), |at| at + 1);
    done(&survey, plan.steps.get(..last).unwrap_or(&plan.steps))
}

/// Where packets go when these steps are done.
pub(crate) fn done(survey: &Survey<'_>, steps: &[Step]) -> Fabric {
    let mut fabric = survey.fabric();
    for transition in transitions(survey, steps) {
        for change in &transition.changes {
            fabric.apply(change);
        }
    }
    fabric
}
