//! Files that one command writes for another: worlds and plans.

use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_estate::Estate;
use stayput_messages::Message;
use stayput_plan::OLDEST_PLAN_VERSION;
use stayput_plan::PLAN_VERSION;
use stayput_world::OLDEST_WORLD_VERSION;
use stayput_world::WORLD_VERSION;

use crate::error::CommandError;
use crate::error::Kind;

/// A kind of file: JSON that names its format and its estate.
pub struct Format {
    what: fn() -> Message,
    written_by: &'static str,
    /// Versions that this build reads; it writes the last.
    versions: RangeInclusive<u32>,
    version_in: fn(&Header) -> Option<u32>,
}

/// What is read first: the rest of another version may have any form.
#[derive(Deserialize)]
struct Header {
    estate: Option<String>,
    /// A plan's.
    version: Option<u32>,
    world: Option<WorldHeader>,
}

#[derive(Deserialize)]
struct WorldHeader {
    version: u32,
}

/// A world.
pub const WORLD: Format = Format {
    what: || Message::new("saved-world"),
    written_by: "stayput world save FILE",
    versions: OLDEST_WORLD_VERSION..=WORLD_VERSION,
    version_in: |header| header.world.as_ref().map(|world| world.version),
};

/// A plan.
pub const PLAN: Format = Format {
    what: || Message::new("saved-plan"),
    written_by: "stayput plan … --out FILE",
    versions: OLDEST_PLAN_VERSION..=PLAN_VERSION,
    version_in: |header| header.version,
};

impl Format {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is of another kind, version or estate.
    pub fn read<T: DeserializeOwned>(
        &self,
        estate: &Estate,
        file: &Path,
    ) -> Result<T, CommandError> {
        let Self {
            what,
            written_by,
            versions,
            version_in,
        } = self;
        let at = file.display();
        let wrong = |message: Message| {
            let hint = Message::new("hint-written-by")
                .with("command", written_by)
                .part("what", what());
            CommandError::new(Kind::Usage, message).hint(hint)
        };
        let none = |error: serde_json::Error| {
            wrong(
                Message::new("file-is-none")
                    .with("file", &at)
                    .part("what", what())
                    .with("error", error),
            )
        };
        let text = std::fs::read(file).map_err(|error| {
            wrong(
                Message::new("file-unreadable")
                    .with("file", &at)
                    .with("error", error),
            )
        })?;
        let header: Header = serde_json::from_slice(&text).map_err(none)?;
        if let Some(has) = version_in(&header)
            && !versions.contains(&has)
        {
            let reads = match (versions.start(), versions.end()) {
                (first, last) if first == last => last.to_string(),
                (first, last) => Message::new("formats")
                    .with("first", first)
                    .with("last", last)
                    .into(),
            };
            let differs = Message::new("file-of-other-format")
                .with("file", &at)
                .with("has", has)
                .with("reads", reads);
            return Err(wrong(differs));
        }
        if let Some(of) = header.estate
            && of != estate.name
        {
            let differs = Message::new("file-of-other-estate")
                .with("file", &at)
                .with("of", of)
                .with("own", &estate.name);
            return Err(wrong(differs));
        }
        serde_json::from_slice(&text).map_err(none)
    }
}

/// Writes a file of any kind; returns its size in bytes.
///
/// # Errors
/// It cannot be written.
pub fn write(file: &Path, content: &impl Serialize) -> Result<usize, CommandError> {
    let text = serde_json::to_vec_pretty(content)
        .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    std::fs::write(file, &text).map_err(|error| {
        let what = Message::new("file-unwritable")
            .with("file", file.display())
            .with("error", error);
        CommandError::new(Kind::Failed, what)
    })?;
    Ok(text.len())
}
