//! The ledger as a file, and in another place.

use std::fs::File;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use stayput_estate::Estate;
use stayput_estate::LedgerConfig;
use stayput_ledger::Header;
use stayput_ledger::LeaseScope;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::MemoryLedger;
use stayput_ledger::Record;
use stayput_ledger::Who;
use stayput_messages::Message;

use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::saved;
use crate::session;

/// The largest export that is read: a million records.
const EXPORT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Writes every record into a file, while no other process writes.
pub async fn export(global: &Global, file: &Path) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    saved::can_be_written(file)?;
    let ledger = session::open_ledger(&estate).await?;
    let _lease = lock(&*ledger).await?;
    let records = stayput_ledger::content(&*ledger).await?;
    let lines = stayput_ledger::to_lines(&estate.name, Timestamp::now(), &records)?;
    write_new(file, &lines)?;
    let text = Message::new("ledger-exported")
        .with("file", file.display())
        .with("records", records.len())
        .with("estate", &estate.name);
    let json = json!({ "ok": true, "file": file, "records": records.len() });
    Ok(Output::line(&text, json))
}

/// Makes a file that only its owner reads, as the ledger's own files are.
fn write_new(file: &Path, text: &str) -> Result<(), CommandError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut made| {
        made.write_all(text.as_bytes())?;
        made.sync_all()
    });
    written.map_err(|error| {
        let what = Message::new("file-unwritable")
            .with("file", file.display())
            .with("error", &error);
        let kind = match error.kind() {
            ErrorKind::AlreadyExists => Kind::Usage,
            _ => Kind::Failed,
        };
        CommandError::new(kind, what)
    })
}

/// Checks a file of [`export`].
pub fn verify(file: &Path) -> Result<Output, CommandError> {
    let (header, records) = read(file)?;
    let text = Message::new("ledger-export-verified")
        .with("file", file.display())
        .with("records", records.len())
        .with("estate", &header.estate)
        .with("at", header.at);
    let json = json!({
        "ok": true,
        "file": file,
        "estate": header.estate,
        "at": header.at,
        "records": records.len(),
    });
    Ok(Output::line(&text, json))
}

/// Writes the records of a file into an empty ledger.
pub async fn import(global: &Global, file: &Path) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let (header, records) = read(file)?;
    is_of(&estate, &file.display().to_string(), &header.estate)?;
    // Records that do not fit together are found before the first is written.
    replay(&MemoryLedger::new(), &records).await?;
    let ledger = session::open_ledger(&estate).await?;
    let _lease = lock(&*ledger).await?;
    replay(&*ledger, &records).await?;
    let text = Message::new("ledger-imported")
        .with("records", records.len())
        .with("file", file.display());
    let json = json!({ "ok": true, "file": file, "records": records.len() });
    Ok(Output::line(&text, json))
}

/// Writes every record into the empty ledger of another estate file.
pub async fn copy(global: &Global, to: &Path) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let other = session::load_estate(to)?;
    is_of(&estate, &to.display().to_string(), &other.name)?;
    if is_same(&estate.ledger, &other.ledger) {
        return Err(CommandError::new(Kind::Usage, Message::new("ledger-same"))
            .hint(Message::new("hint-ledger-copy-to")));
    }
    let ledger = session::open_ledger(&estate).await?;
    let into = session::open_ledger(&other).await?;
    let _lease = lock(&*ledger).await?;
    let _of_other = lock(&*into).await?;
    let records = stayput_ledger::content(&*ledger).await?;
    replay(&*into, &records).await?;
    let text = Message::new("ledger-copied")
        .with("records", records.len())
        .with("to", to.display());
    let then = Message::new("hint-ledger-copied");
    let json = json!({ "ok": true, "to": to, "records": records.len() });
    Ok(Output::new(format!("{text}\n{then}\n"), json))
}

async fn lock(ledger: &dyn Ledger) -> Result<stayput_ledger::Lease, CommandError> {
    let who = Who::new(session::who());
    let lease = ledger.acquire(&LeaseScope::Estate, &who, Timestamp::now());
    Ok(lease.await?)
}

async fn replay(ledger: &dyn Ledger, records: &[Record]) -> Result<(), CommandError> {
    let who = Who::new(session::who());
    match stayput_ledger::replay(ledger, records, &who, Timestamp::now()).await {
        Ok(()) => Ok(()),
        Err(error @ LedgerError::NotEmpty) => {
            Err(CommandError::from(error).hint(Message::new("hint-ledger-not-empty")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether two estates have one ledger, whatever the way to its file.
fn is_same(one: &LedgerConfig, other: &LedgerConfig) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match (one, other) {
        (LedgerConfig::Sqlite { path }, LedgerConfig::Sqlite { path: other }) => {
            real(path) == real(other)
        }
        _ => one == other,
    }
}

fn read(file: &Path) -> Result<(Header, Vec<Record>), CommandError> {
    let unreadable = |error: std::io::Error| {
        let what = Message::new("file-unreadable")
            .with("file", file.display())
            .with("error", error);
        CommandError::new(Kind::Usage, what)
    };
    let bytes = saved::read_at_most(file, EXPORT_BYTES_MAX).map_err(unreadable)?;
    let text =
        String::from_utf8(bytes).map_err(|error| unreadable(std::io::Error::other(error)))?;
    let place = file.display().to_string();
    let read = stayput_ledger::from_lines(&place, &text);
    // The file is an argument of the command.
    read.map_err(|error| CommandError::from_error(Kind::Usage, &error))
}

fn is_of(estate: &Estate, file: &str, found: &str) -> Result<(), CommandError> {
    if found == estate.name {
        return Ok(());
    }
    let what = Message::new("ledger-other-estate")
        .with("file", file)
        .with("found", found)
        .with("estate", &estate.name);
    Err(CommandError::new(Kind::Usage, what)
        .hint(Message::new("hint-ledger-other-estate").with("found", found)))
}
