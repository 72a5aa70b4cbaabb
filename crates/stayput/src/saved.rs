//! Files that one command writes for another: worlds and plans.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use stayput_engine::saved;
use stayput_engine::saved::SavedError;
use stayput_engine::saved::SavedWorld;
use stayput_estate::Estate;
use stayput_messages::Message;
use stayput_plan::Plan;

use crate::error::CommandError;
use crate::error::Kind;

/// The largest file that is read; the world of 100,000 machines is some hundred MiB.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The bytes of a file, which may be a pipe and must end.
///
/// # Errors
/// It cannot be read, or has more bytes than this.
pub fn read_at_most(file: &Path, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = File::open(file)?
        .take(bytes + 1)
        .read_to_end(&mut content)?;
    if read as u64 > bytes {
        let problem = Message::new("file-too-long").with("bytes", bytes);
        return Err(std::io::Error::other(problem.to_string()));
    }
    Ok(content)
}

/// A kind of file: JSON that names its format and its estate.
pub struct Format<T> {
    what: fn() -> Message,
    written_by: &'static str,
    read: fn(&str, &[u8]) -> Result<T, SavedError>,
}

/// A world.
pub const WORLD: Format<SavedWorld> = Format {
    what: || Message::new("saved-world"),
    written_by: "stayput world save FILE",
    read: saved::read_world,
};

/// A plan.
pub const PLAN: Format<Plan> = Format {
    what: || Message::new("saved-plan"),
    written_by: "stayput plan … --out FILE",
    read: saved::read_plan,
};

impl<T> Format<T> {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is of another kind, version or estate.
    pub fn read(&self, estate: &Estate, file: &Path) -> Result<T, CommandError> {
        let Self {
            what,
            written_by,
            read,
        } = self;
        let at = file.display();
        let wrong = |message: Message| {
            let hint = Message::new("hint-written-by")
                .with("command", written_by)
                .part("what", what());
            CommandError::new(Kind::Usage, message).hint(hint)
        };
        let bytes = read_at_most(file, BYTES_MAX).map_err(|error| {
            wrong(
                Message::new("file-unreadable")
                    .with("file", &at)
                    .with("error", error),
            )
        })?;
        read(&estate.name, &bytes).map_err(|error| match error {
            SavedError::OtherKind(error) => wrong(
                Message::new("file-is-none")
                    .with("file", &at)
                    .part("what", what())
                    .with("error", error),
            ),
            SavedError::OtherFormat { has, reads } => {
                let reads = match (reads.start(), reads.end()) {
                    (first, last) if first == last => last.to_string(),
                    (first, last) => Message::new("formats")
                        .with("first", first)
                        .with("last", last)
                        .into(),
                };
                wrong(
                    Message::new("file-of-other-format")
                        .with("file", &at)
                        .with("has", has)
                        .with("reads", reads),
                )
            }
            SavedError::OtherEstate { of } => wrong(
                Message::new("file-of-other-estate")
                    .with("file", &at)
                    .with("of", of)
                    .with("own", &estate.name),
            ),
        })
    }
}

/// Checks that a file can be written into its folder, before any system is contacted.
///
/// # Errors
/// The folder does not exist, the path is a folder, or the file cannot be opened for writing.
pub fn can_be_written(file: &Path) -> Result<(), CommandError> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(no_folder) = folder.filter(|folder| folder.exists() && !folder.is_dir()) {
        let what = Message::new("file-in-a-file")
            .with("file", file.display())
            .with("folder", no_folder.display());
        return Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-name-a-file")));
    }
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let what = Message::new("file-without-folder")
            .with("file", file.display())
            .with("folder", folder.display());
        let hint = Message::new("hint-make-folder").with("folder", folder.display());
        return Err(CommandError::new(Kind::Usage, what).hint(hint));
    }
    if file.is_dir() {
        let what = Message::new("file-is-folder").with("file", file.display());
        return Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-name-a-file")));
    }
    try_to_open(file).map_err(|error| unwritable(file, &error, Kind::Usage))
}

/// Opens a file for writing without changing it; one that does not exist is made and removed. A pipe or a device is not opened: that may wait.
fn try_to_open(file: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true);
    match std::fs::metadata(file) {
        Ok(existing) if existing.is_file() => options.open(file).map(drop),
        Ok(_) => Ok(()),
        // A link to a file that is still to be made.
        Err(_) if file.is_symlink() => Ok(()),
        Err(_) => {
            options.create_new(true).open(file)?;
            std::fs::remove_file(file)
        }
    }
}

fn unwritable(file: &Path, error: &std::io::Error, kind: Kind) -> CommandError {
    let what = Message::new("file-unwritable")
        .with("file", file.display())
        .with("error", error);
    CommandError::new(kind, what)
}

/// Writes a file of any kind; returns its size in bytes.
///
/// # Errors
/// It cannot be written.
pub fn write(file: &Path, content: &impl Serialize) -> Result<usize, CommandError> {
    let bytes =
        saved::write(content).map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    std::fs::write(file, &bytes).map_err(|error| unwritable(file, &error, Kind::Failed))?;
    Ok(bytes.len())
}
