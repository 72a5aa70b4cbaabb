//! The input of a command: the estate, the world and the ledger's facts. Read from the systems, or from a file that `stayput world save`
//! wrote, so that status, trace and plan work without contacting a system.

use std::path::Path;
use std::sync::Arc;

use stayput_engine::Events;
use stayput_engine::Observation;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_engine::saved::SavedWorld;
use stayput_estate::Estate;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::World;

use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::saved;
use crate::session;
use crate::ui;

/// Estate, world and facts.
pub struct Observed {
    /// The estate.
    pub estate: Arc<Estate>,
    /// The world.
    pub world: Arc<World>,
    /// What the ledger knows.
    pub facts: Arc<Facts>,
}

/// Reads the systems or a file.
///
/// # Errors
/// The file is not a world of this estate; credentials are missing; the ledger cannot be read. A system that does not answer is not an error.
pub async fn observe(
    global: &Global,
    estate: Arc<Estate>,
    file: Option<&Path>,
) -> Result<Observed, CommandError> {
    if let Some(file) = file {
        return read(estate, file);
    }
    let events = Events::none();
    let display = ui::show(events.listen(), global.quiet);
    let seen = async {
        let engine = session::engine(Arc::clone(&estate), events.clone()).await?;
        let session = Session::new(engine, session::who(), Stop::never());
        Ok::<_, CommandError>(session.look().await?)
    }
    .await;
    events.close();
    // The display ends and leaves the terminal clean for what comes next.
    let _ = display.await;
    let Observation { world, facts } = seen?;
    something(&world)?;
    Ok(Observed {
        estate,
        world,
        facts,
    })
}

/// Checks that at least one system answered.
///
/// # Errors
/// No system answered, so nothing is known.
pub fn something(world: &World) -> Result<(), CommandError> {
    let is_seen = !(world.aws.is_empty() && world.prism.is_empty() && world.moves.is_empty());
    if is_seen || world.unobserved.is_empty() {
        return Ok(());
    }
    let mut error = CommandError::new(Kind::Failed, Message::new("nothing-observed"))
        .hint(Message::new("hint-check-network"));
    error.causes = world.unobserved.iter().map(ToString::to_string).collect();
    Err(error)
}

/// Observes and writes the world into a file; returns its size in bytes.
pub async fn save(global: &Global, file: &Path) -> Result<usize, CommandError> {
    saved::can_be_written(file)?;
    let Observed {
        estate,
        world,
        facts,
    } = observe(global, session::load_estate(&global.file)?, None).await?;
    let saved = SavedWorld {
        observed: jiff::Timestamp::now().to_string(),
        estate: estate.name.clone(),
        world: World::clone(&world),
        facts: Facts::clone(&facts),
    };
    saved::write(file, &saved)
}

fn read(estate: Arc<Estate>, file: &Path) -> Result<Observed, CommandError> {
    let saved = saved::WORLD.read(&estate, file)?;
    Ok(Observed {
        estate,
        world: Arc::new(saved.world),
        facts: Arc::new(saved.facts),
    })
}
