//! Machines that are their EC2 instances again. Rows are only ever added, and each has a checksum.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;

use super::facts::next_sequence;
use super::facts::record;
use super::row::Fault;
use super::row::checksum;
use super::row::from_text;
use super::row::to_text;
use crate::By;
use crate::LedgerError;
use crate::MachineChange;
use crate::MachineRecord;

/// A row as stored.
pub struct ReturnedRow {
    pub sequence: i64,
    pub machine: String,
    was: String,
    at: String,
    who: String,
    run: Option<String>,
}

const RETURNED: &str = "sequence, machine, was, at, who, run, checksum";

impl ReturnedRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let this = Self {
            sequence: row.get(0)?,
            machine: row.get(1)?,
            was: row.get(2)?,
            at: row.get(3)?,
            who: row.get(4)?,
            run: row.get(5)?,
        };
        Ok((this, row.get(6)?))
    }

    fn checksum(&self) -> Result<String, LedgerError> {
        checksum(&(
            "returned",
            self.sequence,
            &self.machine,
            &self.was,
            &self.at,
            &self.who,
            &self.run,
        ))
    }

    fn what(&self) -> Message {
        Message::new("record-of-return")
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

    /// The VMs that the machine was.
    pub fn was(&self) -> Result<BTreeSet<(SiteName, VmExtId)>, LedgerError> {
        from_text(self.what(), &self.was)
    }

    fn record(self) -> Result<MachineRecord, LedgerError> {
        let change = MachineChange::ReturnedToEc2 { was: self.was()? };
        record(
            self.what(),
            self.sequence,
            &self.at,
            self.who,
            self.run,
            change,
        )
    }
}

/// Every row, in the order of writing.
pub fn all(connection: &Connection) -> Result<Vec<ReturnedRow>, Fault> {
    let mut rows = connection.prepare_cached(&format!(
        "SELECT {RETURNED} FROM returned ORDER BY sequence"
    ))?;
    let rows = rows.query_map([], ReturnedRow::read)?;
    rows.map(|row| Ok(ReturnedRow::verified(row?)?)).collect()
}

/// The records about one machine.
pub fn history(connection: &Connection, machine: &InstanceId) -> Result<Vec<MachineRecord>, Fault> {
    let mut rows = connection.prepare_cached(&format!(
        "SELECT {RETURNED} FROM returned WHERE machine = ?1"
    ))?;
    let rows = rows.query_map([machine.as_str()], ReturnedRow::read)?;
    rows.map(|row| Ok(ReturnedRow::verified(row?)?.record()?))
        .collect()
}

pub fn put(
    connection: &Connection,
    machine: &InstanceId,
    was: &BTreeSet<(SiteName, VmExtId)>,
    at: Timestamp,
    by: &By,
) -> Result<(), Fault> {
    let row = ReturnedRow {
        sequence: next_sequence(connection)?,
        machine: machine.as_str().to_owned(),
        was: to_text(format!("machine {machine}"), was)?,
        at: at.to_string(),
        who: by.who.as_str().to_owned(),
        run: by.run.as_ref().map(ToString::to_string),
    };
    connection
        .prepare_cached(&format!(
            "INSERT INTO returned ({RETURNED}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        ))?
        .execute(params![
            row.sequence,
            row.machine,
            row.was,
            row.at,
            row.who,
            row.run,
            row.checksum()?
        ])?;
    Ok(())
}
