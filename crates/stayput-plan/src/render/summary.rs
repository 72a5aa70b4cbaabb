//! What is known of a plan when it is approved, short enough to keep with its run.

use serde::Deserialize;
use serde::Serialize;

use super::Numbered;
use super::effects;
use crate::Outage;
use crate::Plan;
use crate::Warning;

/// The proof of a plan in short, and what the operator was told with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// How many steps it has.
    pub steps: usize,
    /// Addresses that were traced.
    pub addresses: usize,
    /// States that were judged, the present among them.
    pub states: usize,
    /// The line of verdict.
    pub verdict: String,
    /// Each hole in one line, after its heading.
    pub holes: Vec<String>,
    /// How long each network was expected to be unreachable.
    pub outages: Vec<Outage>,
    /// What the operator should know although it stops nothing.
    pub warnings: Vec<Warning>,
    /// What was found in the routing, one sentence each.
    pub findings: Vec<String>,
}

impl PlanSummary {
    /// The summary of a plan.
    pub fn of(plan: &Plan) -> Self {
        let steps = Numbered::of(plan);
        let holes = effects::holes(plan, &steps).into_iter();
        Self {
            steps: plan.steps.len(),
            addresses: plan.proof.addresses,
            states: plan.proof.states.len(),
            verdict: effects::verdict(plan, &steps).to_string(),
            holes: holes
                .flat_map(|(heading, lines)| std::iter::once(heading).chain(lines))
                .map(|line| line.to_string())
                .collect(),
            outages: plan.outages.clone(),
            warnings: plan.warnings.clone(),
            findings: plan.findings.iter().map(ToString::to_string).collect(),
        }
    }
}
