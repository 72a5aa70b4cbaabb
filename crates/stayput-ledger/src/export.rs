//! Records as lines of JSON, each with a checksum over itself and the line before, so that a changed, missing or added line is noticed.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use stayput_messages::Message;

use crate::LedgerError;
use crate::Record;

/// The format of the file.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the file.
    stayput_ledger: u32,
    /// The estate whose ledger it is.
    pub estate: String,
    /// When it was exported.
    pub at: Timestamp,
    /// How many records follow.
    pub records: usize,
}

#[derive(Serialize, Deserialize)]
struct Line {
    content: Value,
    /// SHA-256 over the checksum of the line before and `content` as compact JSON with its keys in order.
    chain: String,
}

/// Writes records as lines.
///
/// # Errors
/// [`LedgerError::Row`] when a record cannot be written as JSON.
pub fn to_lines(estate: &str, at: Timestamp, records: &[Record]) -> Result<String, LedgerError> {
    let header = Header {
        stayput_ledger: FORMAT,
        estate: estate.to_owned(),
        at,
        records: records.len(),
    };
    let contents = std::iter::once(serde_json::to_value(&header))
        .chain(records.iter().map(serde_json::to_value));
    let mut text = String::new();
    let mut chain = String::new();
    for (number, content) in (1..).zip(contents) {
        let content = content.map_err(|error| at_line(number, error))?;
        chain = next(&chain, &content);
        let line = Line {
            content,
            chain: chain.clone(),
        };
        let line = serde_json::to_string(&line).map_err(|error| at_line(number, error))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Reads lines, and checks that none was changed, is missing or was added.
///
/// # Errors
/// [`LedgerError::NotAnExport`] with the line, [`LedgerError::TooNew`].
pub fn from_lines(place: &str, text: &str) -> Result<(Header, Vec<Record>), LedgerError> {
    let not_an_export = |why: Message| LedgerError::NotAnExport {
        place: place.to_owned(),
        why: why.to_string(),
    };
    let unreadable = |number: usize, error: serde_json::Error| {
        let why = Message::new("ledger-export-unreadable")
            .with("number", number)
            .with("error", error);
        not_an_export(why)
    };
    let mut chain = String::new();
    let mut contents = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line: Line = serde_json::from_str(line).map_err(|error| unreadable(number, error))?;
        chain = next(&chain, &line.content);
        if chain != line.chain {
            let why = Message::new("ledger-export-checksum").with("number", number);
            return Err(not_an_export(why));
        }
        contents.push(line.content);
    }
    let mut contents = (1..).zip(contents);
    let Some((number, first)) = contents.next() else {
        return Err(not_an_export(Message::new("ledger-export-empty")));
    };
    let format = first.get("stayput_ledger").and_then(Value::as_i64);
    if let Some(found) = format.filter(|found| *found > i64::from(FORMAT)) {
        return Err(LedgerError::TooNew {
            place: place.to_owned(),
            found,
            known: i64::from(FORMAT),
        });
    }
    let header: Header =
        serde_json::from_value(first).map_err(|error| unreadable(number, error))?;
    let mut records = Vec::new();
    for (number, content) in contents {
        let record = serde_json::from_value(content).map_err(|error| unreadable(number, error))?;
        records.push(record);
    }
    if records.len() != header.records {
        let why = Message::new("ledger-export-end")
            .count("expected", header.records)
            .count("found", records.len());
        return Err(not_an_export(why));
    }
    Ok((header, records))
}

fn next(chain: &str, content: &Value) -> String {
    let text = format!("{chain}{content}");
    format!("{:x}", Sha256::digest(text))
}

fn at_line(number: usize, error: serde_json::Error) -> LedgerError {
    LedgerError::Row {
        what: Message::new("ledger-export-line")
            .with("number", number)
            .to_string(),
        source: Box::new(error),
    }
}
