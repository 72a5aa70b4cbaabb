//! Files that one command writes for another: worlds and plans.

use std::sync::Arc;

use stayput_engine::saved::read_plan;
use stayput_engine::saved::read_world;
use stayput_estate::Estate;
use stayput_plan::Goal;
use stayput_plan::Plan;
use stayput_plan::PlanSummary;
use stayput_plan::Proven;
use stayput_plan::differences;
use stayput_plan::explain;
use stayput_plan::render;
use stayput_world::Facts;
use stayput_world::World;

use crate::stage::Scene;
use crate::stage::Stage;
use crate::text::check_read_back;

/// How many steps of a plan are explained.
const EXPLAINED: usize = 4;
/// The longest list of a world or plan that is planned on or proven: the time for it grows faster than the list, and that is no defect.
const STEPS_MAX: usize = 64;

/// Gives bytes to the reader of plan files; shows what is accepted, and proves it again on the worlds of the stage.
///
/// Checked: a plan that is written reads back equal, and differs in nothing from itself.
pub fn plan(data: &[u8]) {
    let stage = Stage::get();
    let Ok(plan) = read_plan(&stage.estate.name, data) else {
        return;
    };
    check_read_back(&plan);
    show(&plan);
    let none = differences(&plan, &plan);
    assert!(none.is_empty(), "it differs from itself: {none:?}");
    if plan.steps.len() > STEPS_MAX {
        return;
    }
    for Scene { world, facts, .. } in [&stage.before, &stage.after] {
        let proven = Proven::prove(
            &stage.estate,
            Arc::clone(world),
            Arc::clone(facts),
            plan.clone(),
        );
        check_proven(proven);
    }
}

/// Gives bytes to the reader of saved worlds, and plans on what is accepted to every goal.
///
/// Checked: a world that is written reads back equal; every plan that is made can be written, read, and shown.
pub fn world(data: &[u8]) {
    let stage = Stage::get();
    let Ok(saved) = read_world(&stage.estate.name, data) else {
        return;
    };
    check_read_back(&saved);
    let (world, facts) = (Arc::new(saved.world), Arc::new(saved.facts));
    for goal in stage.goals() {
        plan_on(&stage.estate, &world, &facts, &goal);
    }
}

fn plan_on(estate: &Estate, world: &Arc<World>, facts: &Arc<Facts>, goal: &Goal) {
    let proven = Proven::plan(estate, Arc::clone(world), Arc::clone(facts), goal);
    if let Some(plan) = check_proven(proven) {
        check_read_back(&plan);
        show(&plan);
    }
}

fn check_proven(proven: Result<Proven, Vec<stayput_plan::Obstacle>>) -> Option<Plan> {
    match proven {
        Ok(proven) => Some(proven.into_plan()),
        Err(obstacles) => {
            assert!(!obstacles.is_empty(), "refused without an obstacle");
            for obstacle in obstacles {
                let is_told = !obstacle.to_string().is_empty();
                assert!(is_told, "an obstacle without a text: {obstacle:?}");
                let _ = obstacle.remedy().to_string();
                check_read_back(&obstacle);
            }
            None
        }
    }
}

fn show(plan: &Plan) {
    assert!(!render(plan).is_empty(), "a plan without a text");
    let _ = serde_json::to_string(&PlanSummary::of(plan));
    for step in plan.steps.iter().take(EXPLAINED) {
        let text = explain(plan, &step.id.0);
        assert!(text.is_some(), "step {} is not explained", step.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_on_the_worlds_of_the_corpus() {
        let stage = Stage::get();
        let before = include_bytes!("../../../fuzz/corpus/world/before.json");
        let after = include_bytes!("../../../fuzz/corpus/world/after.json");
        let planned = [before.as_slice(), after].map(|bytes| {
            let saved = read_world(&stage.estate.name, bytes).expect("it is recorded");
            let (world, facts) = (Arc::new(saved.world), Arc::new(saved.facts));
            let mut refused = Vec::new();
            let mut made = 0;
            for goal in stage.goals() {
                match Proven::plan(&stage.estate, world.clone(), facts.clone(), &goal) {
                    Ok(_) => made += 1,
                    Err(obstacles) => {
                        let texts = obstacles.iter().map(ToString::to_string);
                        refused.push((goal.to_string(), texts.collect::<Vec<_>>()));
                    }
                }
            }
            (made, refused)
        });
        assert!(planned.iter().all(|(made, _)| *made >= 2), "{planned:#?}");
    }

    #[test]
    fn the_plans_of_the_corpus_are_read() {
        let stage = Stage::get();
        let bytes = include_bytes!("../../../fuzz/corpus/plan/move.json");
        let plan = read_plan(&stage.estate.name, bytes).expect("it is recorded");
        assert!(!plan.steps.is_empty());
    }
}
