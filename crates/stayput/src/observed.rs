//! What a command looks at: the estate, the world and the ledger's facts. Read from the systems themselves, or from a file
//! that `stayput world save` wrote, so that one can look, trace and plan without touching anything.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use stayput_engine::Engine;
use stayput_engine::Events;
use stayput_estate::Estate;
use stayput_plan::Goal;
use stayput_world::Facts;
use stayput_world::World;

use crate::cli::Global;
use crate::error::CommandError;
use crate::saved;
use crate::session;
use crate::ui;

/// Estate, world and facts.
pub struct Observed {
    /// The estate.
    pub estate: Arc<Estate>,
    /// The world.
    pub world: World,
    /// What the ledger knows.
    pub facts: Facts,
}

/// A world on file.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    /// When it was observed (RFC 3339).
    observed: String,
    /// Name of the estate it is of.
    estate: String,
    world: World,
    facts: Facts,
}

/// Looks, at the systems or into a file.
pub async fn observe(
    global: &Global,
    estate: Arc<Estate>,
    file: Option<&Path>,
) -> Result<Observed, CommandError> {
    look(global, estate, file, None).await
}

/// Looks as a goal needs it: what it takes for lost need not answer.
pub async fn observe_for(
    global: &Global,
    estate: Arc<Estate>,
    file: Option<&Path>,
    goal: &Goal,
) -> Result<Observed, CommandError> {
    look(global, estate, file, Some(goal)).await
}

async fn look(
    global: &Global,
    estate: Arc<Estate>,
    file: Option<&Path>,
    goal: Option<&Goal>,
) -> Result<Observed, CommandError> {
    match file {
        Some(file) => read(estate, file),
        None => {
            let (engine, world) = observe_live(global, estate, goal).await?;
            let facts = engine.ledger.facts().await?;
            Ok(Observed {
                estate: engine.estate,
                world,
                facts,
            })
        }
    }
}

/// Looks at the systems, showing what is being read; the engine that comes back is silent.
pub async fn observe_live(
    global: &Global,
    estate: Arc<Estate>,
    goal: Option<&Goal>,
) -> Result<(Engine, World), CommandError> {
    let (events, receiver) = Events::channel();
    let display = ui::show(receiver, global.quiet);
    let result = async {
        let mut engine = session::engine(estate, events).await?;
        let lost = goal.map(|goal| goal.lost(&engine.estate));
        let world = engine.observe_without(&lost.unwrap_or_default()).await?;
        engine.events = Events::none();
        Ok((engine, world))
    }
    .await;
    // All senders are gone, so the display ends and leaves the terminal clean for what comes next.
    let _ = display.await;
    result
}

/// Writes what is observed now into a file; gives its size in bytes.
pub async fn save(global: &Global, file: &Path) -> Result<usize, CommandError> {
    let Observed {
        estate,
        world,
        facts,
    } = observe(global, session::load_estate(&global.file)?, None).await?;
    let saved = Saved {
        observed: jiff::Timestamp::now().to_string(),
        estate: estate.name.clone(),
        world,
        facts,
    };
    saved::write(file, &saved)
}

fn read(estate: Arc<Estate>, file: &Path) -> Result<Observed, CommandError> {
    let saved: Saved = saved::WORLD.read(&estate, file)?;
    Ok(Observed {
        estate,
        world: saved.world,
        facts: saved.facts,
    })
}
