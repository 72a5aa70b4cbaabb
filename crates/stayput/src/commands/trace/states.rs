//! The states that are traced: now, after a step of a plan, or in another saved world.

use std::sync::Arc;

use stayput_engine::captured_or_observed;
use stayput_estate::Estate;
use stayput_fabric::Fabric;
use stayput_messages::Message;
use stayput_plan::Goal;
use stayput_plan::Numbered;
use stayput_plan::Plan;
use stayput_world::Facts;
use stayput_world::World;

use crate::cli::Global;
use crate::cli::TraceArgs;
use crate::commands::apply;
use crate::error::CommandError;
use crate::error::Kind;
use crate::observed;
use crate::observed::Observed;
use crate::saved;
use crate::session;

/// One state, with its name.
pub struct State {
    /// For people.
    pub called: String,
    /// Where packets go in it.
    pub fabric: Fabric,
    /// What was observed: subnets and VPCs that may send.
    pub world: Arc<World>,
}

/// The states that are traced.
pub struct States {
    /// The estate.
    pub estate: Arc<Estate>,
    /// The state that is shown.
    pub shown: State,
    /// What it is compared with.
    pub before: Option<State>,
    /// Machines.
    pub facts: Facts,
}

/// Reads the states.
///
/// # Errors
/// The states are not given; the plan cannot be made or read; it has no such step.
pub async fn states(global: &Global, args: &TraceArgs) -> Result<States, CommandError> {
    let usage = |what: Message| CommandError::new(Kind::Usage, what);
    let estate = session::load_estate(&global.file)?;
    let planned = match (&args.goal, &args.plan) {
        (Some(_), Some(_)) => return Err(usage(Message::new("trace-goal-or-plan"))),
        (Some(goal), None) => Some((apply::goal(&estate, goal).await?, None)),
        (None, Some(file)) => {
            let plan: Plan = saved::PLAN.read(&estate, file)?;
            Some((plan.goal.clone(), Some(plan)))
        }
        (None, None) => None,
    };
    match (&planned, &args.after, &args.against) {
        (None, Some(_), _) => {
            return Err(usage(Message::new("trace-after-needs-plan"))
                .hint(Message::new("hint-goal-behind-destination")));
        }
        (None, None, None) if args.diff => {
            return Err(usage(Message::new("trace-nothing-to-compare"))
                .hint(Message::new("hint-name-other-state")));
        }
        (Some(_), _, Some(_)) => {
            return Err(usage(Message::new("trace-against-is-for-worlds")));
        }
        (_, _, _) => {}
    }
    let world = args.world.world.as_deref();
    let seen = observed::observe(global, estate, world).await?;
    let facts = captured_or_observed(&seen.estate, &seen.world, &seen.facts);
    // A single saved world is called "now".
    let here = match (world, &args.against) {
        (Some(file), Some(_)) => file.display().to_string(),
        (_, _) => Message::new("state-now").into(),
    };
    let now = State {
        called: here,
        fabric: Fabric::new(&seen.estate, &seen.world),
        world: Arc::clone(&seen.world),
    };
    let (before, shown) = match (planned, &args.against) {
        (Some((goal, saved)), _) => {
            let later = later(&seen, &goal, saved, args.after.as_deref())?;
            (args.diff.then_some(now), later)
        }
        (None, Some(file)) => {
            let other = observed::observe(global, seen.estate.clone(), Some(file)).await?;
            let other = State {
                called: file.display().to_string(),
                fabric: Fabric::new(&other.estate, &other.world),
                world: other.world,
            };
            (Some(now), other)
        }
        (None, None) => (None, now),
    };
    Ok(States {
        estate: seen.estate,
        shown,
        before,
        facts,
    })
}

/// The state after a step of the plan to a goal, or when it is done.
fn later(
    seen: &Observed,
    goal: &Goal,
    saved: Option<Plan>,
    after: Option<&str>,
) -> Result<State, CommandError> {
    let Observed {
        estate,
        world,
        facts,
    } = seen;
    let plan = stayput_plan::plan(estate, world, facts, goal)?;
    if let Some(saved) = saved {
        apply::still_holds(&saved, &plan)?;
    }
    let (called, last) = match after {
        None => (
            Message::new("state-when-done").with("goal", goal).into(),
            None,
        ),
        Some(name) => {
            let steps = Numbered::of(&plan);
            let Some((number, [.., last])) = steps.called(name) else {
                return Err(apply::no_such_step(&plan, name));
            };
            let called = Message::new("state-after-step")
                .with("number", number)
                .part("title", last.action.describe(&plan.names));
            (called.into(), Some(&last.id))
        }
    };
    Ok(State {
        called,
        fabric: stayput_plan::fabric_after(estate, world, facts, &plan, last),
        world: Arc::clone(world),
    })
}
