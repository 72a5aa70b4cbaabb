//! One item of a log: records, their place in the order, and a checksum over both and over the item before.

use std::fmt::Write as _;

use sha2::Digest;
use sha2::Sha256;
use stayput_messages::Message;

use crate::LedgerError;
use crate::MachineChange;
use crate::Record;

/// The newest format of an item: it can have captures of guests, which builds of the format before do not know.
const FORMAT: i64 = 2;
/// The format of an item without them.
const WITHOUT_GUESTS: i64 = 1;

/// Bytes of records in one item, at most; a single record may be larger. DynamoDB takes 400 KB with all names and attributes (AWS
/// reference §6).
const PART: usize = 300_000;

/// One item of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its format.
    pub format: i64,
    /// Its number, from 1 without gaps.
    pub number: u64,
    /// What its writer knows it by.
    pub nonce: String,
    /// Its records, as a JSON list.
    pub body: String,
    /// SHA-256 over number, body and the checksum of the item before, in hexadecimal digits.
    pub hash: String,
}

impl Batch {
    /// The item after the one with this number and checksum.
    pub(super) fn after(
        last: u64,
        hash: &str,
        nonce: String,
        records: &[Record],
    ) -> Result<Self, LedgerError> {
        let number = last + 1;
        let body = text(records)?;
        let is_guest = |record: &Record| match record {
            Record::Machine { change, .. } => {
                matches!(change, MachineChange::GuestCaptured { .. })
            }
            _ => false,
        };
        Ok(Self {
            format: match records.iter().any(is_guest) {
                true => FORMAT,
                false => WITHOUT_GUESTS,
            },
            number,
            nonce,
            hash: checksum(number, hash, &body),
            body,
        })
    }

    /// Checks that nothing is missing before it, and that it and all before it are as they were written.
    pub(super) fn is_next_after(
        &self,
        last: u64,
        hash: &str,
        place: &str,
    ) -> Result<(), LedgerError> {
        if self.format > FORMAT {
            return Err(LedgerError::TooNew {
                place: place.to_owned(),
                found: self.format,
                known: FORMAT,
            });
        }
        let is_next =
            self.number == last + 1 && self.hash == checksum(self.number, hash, &self.body);
        is_next.then_some(()).ok_or_else(|| LedgerError::Altered {
            what: what(self.number, place),
        })
    }

    /// Its records.
    pub(super) fn records(&self, place: &str) -> Result<Vec<Record>, LedgerError> {
        serde_json::from_str(&self.body).map_err(|error| LedgerError::Row {
            what: what(self.number, place),
            source: error.into(),
        })
    }
}

fn what(number: u64, place: &str) -> String {
    Message::new("record-of-log")
        .with("number", number)
        .with("place", place)
        .into()
}

fn text<T: serde::Serialize + ?Sized>(records: &T) -> Result<String, LedgerError> {
    serde_json::to_string(records).map_err(|error| LedgerError::Row {
        what: Message::new("record-to-write").into(),
        source: error.into(),
    })
}

fn checksum(number: u64, before: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{number}\n{before}\n"));
    hash.update(body);
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Records in parts that fit into an item each.
pub(super) fn parts(records: &[Record]) -> Result<Vec<&[Record]>, LedgerError> {
    let mut parts = Vec::new();
    let (mut from, mut size) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        let more = text(record)?.len() + 1;
        if at > from && size + more > PART {
            parts.extend(records.get(from..at));
            (from, size) = (at, 0);
        }
        size += more;
    }
    parts.extend(records.get(from..).filter(|rest| !rest.is_empty()));
    Ok(parts)
}
