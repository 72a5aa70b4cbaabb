//! One worker at a time for one ledger file: an operating-system lock that ends with its process.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::Path;

use crate::LedgerError;

/// Held while a plan is applied; released when dropped or when the process dies.
#[derive(Debug)]
pub struct EstateLock {
    _file: File,
}

impl EstateLock {
    /// Takes the lock beside the ledger file.
    ///
    /// # Errors
    /// [`LedgerError::Held`] at once when another process has it.
    pub fn take(ledger: &Path, who: &str) -> Result<Self, LedgerError> {
        let path = ledger.with_extension("lock");
        let io = |source| LedgerError::Io {
            path: path.display().to_string(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(io)?;
                file.rewind().map_err(io)?;
                write!(file, "{who}, process {}", std::process::id()).map_err(io)?;
                Ok(Self { _file: file })
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                Err(LedgerError::Held { holder })
            }
            Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
        }
    }
}
