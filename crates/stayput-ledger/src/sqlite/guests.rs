//! What scripts printed in guests. Rows are only ever added, and each has a checksum.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use stayput_estate::InstanceId;
use stayput_messages::Message;
use stayput_world::GuestCapture;

use super::facts;
use super::facts::next_sequence;
use super::facts::record;
use super::row::Fault;
use super::row::checksum;
use super::row::from_text;
use super::row::time;
use super::row::to_text;
use crate::By;
use crate::LedgerError;
use crate::MachineChange;
use crate::MachineRecord;

/// A row as stored.
struct GuestRow {
    sequence: i64,
    machine: String,
    guest: String,
    at: String,
    who: String,
    run: Option<String>,
}

const GUEST: &str = "sequence, machine, guest, at, who, run, checksum";

impl GuestRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let this = Self {
            sequence: row.get(0)?,
            machine: row.get(1)?,
            guest: row.get(2)?,
            at: row.get(3)?,
            who: row.get(4)?,
            run: row.get(5)?,
        };
        Ok((this, row.get(6)?))
    }

    fn checksum(&self) -> Result<String, LedgerError> {
        checksum(&(
            "guest",
            self.sequence,
            &self.machine,
            &self.guest,
            &self.at,
            &self.who,
            &self.run,
        ))
    }

    fn what(&self) -> Message {
        Message::new("record-of-guest")
            .with("sequence", self.sequence)
            .with("machine", &self.machine)
    }

    fn verified((this, stored): (Self, String)) -> Result<Self, LedgerError> {
        if this.checksum()? == stored {
            Ok(this)
        } else {
            Err(LedgerError::Altered {
                what: this.what().to_string(),
            })
        }
    }

    fn guest(&self) -> Result<GuestCapture, LedgerError> {
        from_text(self.what(), &self.guest)
    }

    fn record(self) -> Result<MachineRecord, LedgerError> {
        let guest = self.guest()?;
        record(
            self.what(),
            self.sequence,
            &self.at,
            self.who,
            self.run,
            MachineChange::GuestCaptured { guest },
        )
    }
}

/// The newest of each of these machines that is not retired.
pub fn newest(
    connection: &Connection,
    machines: &BTreeSet<InstanceId>,
) -> Result<BTreeMap<InstanceId, (Timestamp, GuestCapture)>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {GUEST} FROM guest WHERE machine = ?1 ORDER BY sequence DESC LIMIT 1"
    ))?;
    let mut found = BTreeMap::new();
    for machine in machines {
        let row = statement
            .query_row([machine.as_str()], GuestRow::read)
            .optional()?;
        if let Some(row) = row
            && !facts::is_retired(connection, machine)?
        {
            let row = GuestRow::verified(row)?;
            found.insert(machine.clone(), (time(row.what(), &row.at)?, row.guest()?));
        }
    }
    Ok(found)
}

pub fn history(connection: &Connection, machine: &InstanceId) -> Result<Vec<MachineRecord>, Fault> {
    let mut rows =
        connection.prepare_cached(&format!("SELECT {GUEST} FROM guest WHERE machine = ?1"))?;
    let rows = rows.query_map([machine.as_str()], GuestRow::read)?;
    rows.map(|row| Ok(GuestRow::verified(row?)?.record()?))
        .collect()
}

pub fn put(
    connection: &Connection,
    guests: &BTreeMap<InstanceId, GuestCapture>,
    at: Timestamp,
    by: &By,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(&format!(
        "INSERT INTO guest ({GUEST}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    ))?;
    for (sequence, (machine, guest)) in (next_sequence(connection)?..).zip(guests) {
        let row = GuestRow {
            sequence,
            machine: machine.as_str().to_owned(),
            guest: to_text(format!("machine {machine}"), guest)?,
            at: at.to_string(),
            who: by.who.as_str().to_owned(),
            run: by.run.as_ref().map(ToString::to_string),
        };
        insert.execute(params![
            row.sequence,
            row.machine,
            row.guest,
            row.at,
            row.who,
            row.run,
            row.checksum()?
        ])?;
    }
    Ok(())
}
