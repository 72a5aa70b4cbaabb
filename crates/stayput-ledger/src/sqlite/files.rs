//! The files of a ledger: their permissions, and whether they are still the ones that were opened.

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::OpenFlags;
use stayput_messages::Message;

use super::BUSY;
use crate::LedgerError;

/// Held while a database file is created and closed again. POSIX releases all locks of a process on a file when the process closes
/// any descriptor of that file, so no connection of this process may be open on it then.
static CREATING: Mutex<()> = Mutex::new(());

/// Paths of one ledger.
#[derive(Debug)]
pub struct Files {
    /// As the user gave it, for messages.
    given: PathBuf,
    /// The database. Its directory is resolved, so that only its last part could be a symbolic link.
    database: PathBuf,
    wal: PathBuf,
    shm: PathBuf,
    lock: PathBuf,
}

/// The identity of the files, independent of their names.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    database: FileId,
    wal: FileId,
    shm: FileId,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId(u64, u64);

impl Files {
    /// Resolves the paths, creates the database if absent, and makes all files private.
    pub fn prepare(given: &Path) -> Result<Self, LedgerError> {
        let fail = |source| store(given, source);
        let Some(name) = given.file_name() else {
            return Err(refused(given, Message::new("ledger-no-file-named")));
        };
        let parent = given
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let database = parent.canonicalize().map_err(fail)?.join(name);
        let this = Self {
            given: given.to_owned(),
            wal: with_suffix(&database, "-wal"),
            shm: with_suffix(&database, "-shm"),
            lock: database.with_extension("lock"),
            database,
        };
        if this.lock == this.database {
            return Err(refused(given, Message::new("ledger-lock-ending")));
        }
        {
            let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
            // Does not follow a symbolic link, and does not change an existing file.
            match private(&mut OpenOptions::new())
                .write(true)
                .create_new(true)
                .open(&this.database)
            {
                Ok(created) => drop(created),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail(error)),
            }
        }
        for file in [&this.database, &this.wal, &this.shm, &this.lock] {
            make_private(file)?;
        }
        Ok(this)
    }

    /// A connection to the database, which must exist.
    pub fn connect(&self, access: OpenFlags) -> Result<Connection, LedgerError> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.database, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            Ok(connection)
        };
        connect().map_err(|source| self.store(source))
    }

    /// The lock file, opened; created if `absent` says so. `None`: it does not exist.
    pub fn open_lock(&self, absent: WhenAbsent) -> Result<Option<File>, LedgerError> {
        make_private(&self.lock)?;
        let mut options = OpenOptions::new();
        private(options.read(true).write(true));
        match absent {
            WhenAbsent::Create => options.create(true).truncate(false),
            WhenAbsent::Leave => &mut options,
        };
        match options.open(&self.lock) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(store(&self.lock, error)),
        }
    }

    /// The path of the lock file.
    pub fn lock(&self) -> &Path {
        &self.lock
    }

    /// The current identity of the files.
    pub fn identity(&self) -> Result<Identity, LedgerError> {
        let of = |path: &Path| {
            let metadata = fs::symlink_metadata(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => LedgerError::Replaced {
                    place: path.display().to_string(),
                },
                _ => store(path, error),
            })?;
            Ok(id_of(&metadata))
        };
        Ok(Identity {
            database: of(&self.database)?,
            wal: of(&self.wal)?,
            shm: of(&self.shm)?,
        })
    }

    /// Fails unless the files are still the opened ones.
    pub fn are(&self, opened: &Identity) -> Result<(), LedgerError> {
        let now = self.identity()?;
        let replaced = [
            (&self.database, now.database != opened.database),
            (&self.wal, now.wal != opened.wal),
            (&self.shm, now.shm != opened.shm),
        ]
        .into_iter()
        .find_map(|(path, replaced)| replaced.then_some(path));
        match replaced {
            None => Ok(()),
            Some(path) => Err(LedgerError::Replaced {
                place: path.display().to_string(),
            }),
        }
    }

    /// A failure of the database.
    pub fn store(&self, source: rusqlite::Error) -> LedgerError {
        if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return self.not_a_ledger(Message::new("ledger-not-sqlite"));
        }
        LedgerError::Store {
            place: self.place(),
            source: Box::new(source),
        }
    }

    /// The database is not a ledger.
    pub fn not_a_ledger(&self, reason: Message) -> LedgerError {
        LedgerError::NotALedger {
            place: self.place(),
            reason: reason.into(),
        }
    }

    /// The path for messages.
    pub fn place(&self) -> String {
        self.given.display().to_string()
    }
}

/// What to do with a lock file that is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAbsent {
    /// Create it.
    Create,
    /// Do not create it.
    Leave,
}

/// Whether an open file is still the file at a path.
pub fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(there.file_type().is_file() && id_of(&there) == id_of(&opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A failure of one file.
pub fn store(path: &Path, source: io::Error) -> LedgerError {
    LedgerError::Store {
        place: path.display().to_string(),
        source: Box::new(source),
    }
}

fn refused(path: &Path, reason: Message) -> LedgerError {
    LedgerError::Unsafe {
        place: path.display().to_string(),
        reason: reason.into(),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    PathBuf::from(name)
}

/// Refuses anything but a regular file, and removes the permissions of group and others.
fn make_private(path: &Path) -> Result<(), LedgerError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(store(path, error)),
    };
    if metadata.file_type().is_symlink() {
        let reason = Message::new("ledger-symbolic-link");
        return Err(refused(path, reason));
    }
    if !metadata.file_type().is_file() {
        return Err(refused(path, Message::new("ledger-no-file")));
    }
    tighten(path, &metadata)
}

#[cfg(unix)]
fn tighten(path: &Path, metadata: &Metadata) -> Result<(), LedgerError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|error| {
        refused(
            path,
            Message::new("ledger-open-to-others")
                .with("mode", format_args!("{:03o}", mode & 0o777))
                .with("error", error)
                .with("path", path.display()),
        )
    })
}

#[cfg(not(unix))]
fn tighten(_path: &Path, _metadata: &Metadata) -> Result<(), LedgerError> {
    Ok(())
}

/// New files are accessible only to their owner.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn id_of(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;

    FileId(metadata.dev(), metadata.ino())
}

/// On other systems an open file cannot be replaced.
#[cfg(not(unix))]
fn id_of(_metadata: &Metadata) -> FileId {
    FileId(0, 0)
}
