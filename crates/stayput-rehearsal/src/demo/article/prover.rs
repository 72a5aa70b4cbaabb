//! What the prover says of the article's order, before any of it is done.

use serde::Serialize;
use stayput_estate::Estate;
use stayput_messages::Message;
use stayput_plan::Moment;
use stayput_plan::Obstacle;
use stayput_world::Facts;
use stayput_world::World;

use super::script::Script;

/// States whose refusal is shown before the rest is only counted.
const SHOWN: usize = 3;

/// What the prover says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProverReport {
    /// The proof in one line, if it takes the order.
    pub proof: Option<String>,
    /// Why it refuses it, one for each state and address.
    pub refusals: Vec<Refusal>,
    /// What it cannot be asked about: stayput has no step for it.
    pub unsaid: Vec<String>,
}

/// Why the prover refuses an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What it found.
    pub obstacle: Obstacle,
    /// The same as a sentence.
    pub text: String,
}

impl Refusal {
    fn new(obstacle: Obstacle) -> Self {
        let text = obstacle.to_string();
        Self { obstacle, text }
    }

    /// When in the order; `None` for what is about no step.
    fn moment(&self) -> Option<&Moment> {
        if let Obstacle::Unsafe { moment, .. } = &self.obstacle {
            Some(moment)
        } else {
            None
        }
    }
}

impl ProverReport {
    /// Asks it.
    pub fn of(estate: &Estate, world: &World, facts: &Facts, script: &Script) -> Self {
        let proven = stayput_plan::prove(estate, world, facts, &script.plan.goal, &script.proven);
        let said = script.proven.iter().map(|step| &step.action);
        let unsaid = script.operations.len() - said.filter(|a| is_route(a)).count();
        let unsaid = script
            .operations
            .iter()
            .take(unsaid)
            .map(|(_, title)| title.clone())
            .collect();
        match proven {
            Ok(proof) => Self {
                proof: Some(proof.to_string()),
                refusals: Vec::new(),
                unsaid,
            },
            Err(obstacles) => Self {
                proof: None,
                refusals: obstacles.into_iter().map(Refusal::new).collect(),
                unsaid,
            },
        }
    }

    /// One line or more, for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for what in &self.unsaid {
            lines.push(Message::new("demo-no-step").with("what", what).into());
        }
        let whole = self.unsaid.is_empty();
        match &self.proof {
            Some(proof) => lines.push(match whole {
                true => Message::new("demo-prover-accepts")
                    .with("proof", proof)
                    .into(),
                false => Message::new("demo-prover-accepts-rest")
                    .with("proof", proof)
                    .into(),
            }),
            None => {
                lines.push(match whole {
                    true => Message::new("demo-prover-refuses").into(),
                    false => Message::new("demo-prover-refuses-rest").into(),
                });
                // One sentence for each state: they differ in the address only.
                let mut states: Vec<(&Refusal, usize)> = Vec::new();
                for refusal in &self.refusals {
                    let moment = refusal.moment();
                    match states
                        .iter_mut()
                        .find(|(known, _)| known.moment() == moment)
                    {
                        Some((_, more)) => *more += 1,
                        None => states.push((refusal, 0)),
                    }
                }
                for (refusal, more) in states.iter().take(SHOWN) {
                    lines.push(format!("  ✗ {}", refusal.text));
                    if *more > 0 {
                        let more = Message::new("demo-more-refusals").count("more", *more);
                        lines.push(format!("    {more}"));
                    }
                }
                if states.len() > SHOWN {
                    let more =
                        Message::new("demo-more-states").count("states", states.len() - SHOWN);
                    lines.push(format!("  {more}"));
                }
            }
        }
        lines
    }
}

fn is_route(action: &stayput_plan::Action) -> bool {
    matches!(action, stayput_plan::Action::TgwRoute { .. })
}
