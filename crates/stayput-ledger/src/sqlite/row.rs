//! Rows: text to values and back, and the errors of both.

use std::fmt::Display;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest;
use sha2::Sha256;

use super::files::Files;
use crate::LedgerError;

/// Why a statement or the code around it failed.
#[derive(Debug)]
pub enum Fault {
    /// The database.
    Sql(rusqlite::Error),
    /// The content of the ledger, or the request.
    Ledger(LedgerError),
}

impl Fault {
    /// The error as a caller of the ledger sees it.
    pub fn at(self, files: &Files) -> LedgerError {
        match self {
            Self::Sql(source) => files.store(source),
            Self::Ledger(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// A record that cannot be understood.
pub fn unreadable(
    what: impl Display,
    source: impl std::error::Error + Send + Sync + 'static,
) -> LedgerError {
    LedgerError::Row {
        what: what.to_string(),
        source: Box::new(source),
    }
}

/// A value as text.
pub fn to_text<T: Serialize>(what: impl Display, value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|source| unreadable(what, source))
}

/// Text as a value.
pub fn from_text<T: DeserializeOwned>(what: impl Display, text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|source| unreadable(what, source))
}

/// Text as a time.
pub fn time(what: impl Display, text: &str) -> Result<Timestamp, LedgerError> {
    text.parse().map_err(|source| unreadable(what, source))
}

/// SHA-256, in hexadecimal, over the columns of a row: as a JSON array, so that no two rows give the same text.
pub fn checksum(columns: &impl Serialize) -> Result<String, LedgerError> {
    let text = to_text("a checksum", columns)?;
    Ok(format!("{:x}", Sha256::digest(text)))
}
