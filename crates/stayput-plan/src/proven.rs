//! Plans that the prover has judged: the only ones that are applied.

use std::ops::Deref;
use std::sync::Arc;

use stayput_estate::Estate;
use stayput_world::Facts;
use stayput_world::World;

use crate::Goal;
use crate::Obstacle;
use crate::Plan;
use crate::Step;
use crate::planner;

/// A plan with the world and the facts it was proven on. Only this module makes one, and only when the proof refuses nothing.
#[derive(Debug, Clone)]
pub struct Proven {
    plan: Plan,
    world: Arc<World>,
    facts: Arc<Facts>,
}

impl Proven {
    /// Plans the way from `world` to `goal`, and proves it.
    ///
    /// # Errors
    /// Every obstacle found, in a stable order.
    pub fn plan(
        estate: &Estate,
        world: Arc<World>,
        facts: Arc<Facts>,
        goal: &Goal,
    ) -> Result<Self, Vec<Obstacle>> {
        let plan = planner::plan(estate, &world, &facts, goal)?;
        Ok(Self { plan, world, facts })
    }

    /// Proves a plan that was made elsewhere or earlier on this world: a plan from a file, or what is left of one.
    ///
    /// # Errors
    /// What the proof refuses, in a stable order.
    pub fn prove(
        estate: &Estate,
        world: Arc<World>,
        facts: Arc<Facts>,
        plan: Plan,
    ) -> Result<Self, Vec<Obstacle>> {
        let proof = planner::prove(estate, &world, &facts, &plan.goal, &plan.steps)?;
        let plan = Plan { proof, ..plan };
        Ok(Self { plan, world, facts })
    }

    /// The same plan with only those of its steps that are wanted, proven again on the same world.
    ///
    /// # Errors
    /// What the proof refuses without the others, in a stable order.
    pub fn only(
        &self,
        estate: &Estate,
        wanted: impl Fn(&Step) -> bool,
    ) -> Result<Self, Vec<Obstacle>> {
        let mut plan = self.plan.clone();
        plan.steps.retain(wanted);
        Self::prove(
            estate,
            Arc::clone(&self.world),
            Arc::clone(&self.facts),
            plan,
        )
    }

    /// The same plan with further steps, each behind all others of its phase, proven again on the same world.
    ///
    /// # Errors
    /// What the proof refuses with them, in a stable order.
    pub fn and(&self, estate: &Estate, further: Vec<Step>) -> Result<Self, Vec<Obstacle>> {
        let mut plan = self.plan.clone();
        plan.steps.extend(further);
        plan.steps.sort_by_key(|step| step.phase);
        Self::prove(
            estate,
            Arc::clone(&self.world),
            Arc::clone(&self.facts),
            plan,
        )
    }

    /// The plan.
    pub fn as_plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan alone: to be shown or saved, no longer to be applied.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// What it was proven on.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The facts it was proven on.
    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }
}

impl Deref for Proven {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}
