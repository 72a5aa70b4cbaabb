//! Files that one command writes for another, worlds and plans: how their bytes are read and written. The caller opens the files.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_plan::OLDEST_PLAN_VERSION;
use stayput_plan::PLAN_VERSION;
use stayput_plan::Plan;
use stayput_world::Facts;
use stayput_world::OLDEST_WORLD_VERSION;
use stayput_world::WORLD_VERSION;
use stayput_world::World;

/// A saved world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedWorld {
    /// When it was observed (RFC 3339).
    pub observed: String,
    /// Name of its estate.
    pub estate: String,
    /// The world.
    pub world: World,
    /// What the ledger knew.
    pub facts: Facts,
}

/// Why bytes are not a file that this build and estate can use.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// They are of another kind, or not complete.
    #[error("the file is of another kind")]
    OtherKind(#[source] serde_json::Error),
    /// They have another version of the format.
    #[error("the file has format {has}")]
    OtherFormat {
        /// The version that they have.
        has: u32,
        /// Versions that this build reads.
        reads: RangeInclusive<u32>,
    },
    /// They are of another estate.
    #[error("the file is of estate `{of}`")]
    OtherEstate {
        /// The name of that estate.
        of: String,
    },
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

/// Reads a saved world of the estate with this name.
///
/// # Errors
/// [`SavedError`] when the bytes are of another kind, version or estate.
pub fn read_world(estate: &str, bytes: &[u8]) -> Result<SavedWorld, SavedError> {
    let version_in = |header: &Header| header.world.as_ref().map(|world| world.version);
    read(
        estate,
        bytes,
        OLDEST_WORLD_VERSION..=WORLD_VERSION,
        version_in,
    )
}

/// Reads a plan of the estate with this name.
///
/// # Errors
/// [`SavedError`] when the bytes are of another kind, version or estate.
pub fn read_plan(estate: &str, bytes: &[u8]) -> Result<Plan, SavedError> {
    let version_in = |header: &Header| header.version;
    read(
        estate,
        bytes,
        OLDEST_PLAN_VERSION..=PLAN_VERSION,
        version_in,
    )
}

/// The bytes of a file: indented JSON.
///
/// # Errors
/// The content has a value that JSON cannot express.
pub fn write(content: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(content)
}

fn read<T: DeserializeOwned>(
    estate: &str,
    bytes: &[u8],
    reads: RangeInclusive<u32>,
    version_in: impl Fn(&Header) -> Option<u32>,
) -> Result<T, SavedError> {
    let header: Header = serde_json::from_slice(bytes).map_err(SavedError::OtherKind)?;
    if let Some(has) = version_in(&header)
        && !reads.contains(&has)
    {
        return Err(SavedError::OtherFormat { has, reads });
    }
    if let Some(of) = header.estate
        && of != estate
    {
        return Err(SavedError::OtherEstate { of });
    }
    serde_json::from_slice(bytes).map_err(SavedError::OtherKind)
}
