//! Facts: versions of machines, and the VMs they became. Rows are only ever added, and each has a checksum.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::Facts;
use stayput_world::MachineFacts;

use super::guests;
use super::returned;
use super::row::Fault;
use super::row::checksum;
use super::row::from_text;
use super::row::time;
use super::row::to_text;
use crate::By;
use crate::LedgerError;
use crate::MachineChange;
use crate::MachineRecord;
use crate::RunId;
use crate::Sequence;
use crate::Who;
use crate::homes::Homes;

/// A row of `machine` as stored: exactly one of facts and retirement.
pub struct MachineRow {
    pub sequence: i64,
    pub id: String,
    pub facts: Option<String>,
    pub retired: Option<String>,
    pub at: String,
    pub who: String,
    pub run: Option<String>,
}

const MACHINE: &str = "sequence, id, facts, retired, at, who, run, checksum";

impl MachineRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let this = Self {
            sequence: row.get(0)?,
            id: row.get(1)?,
            facts: row.get(2)?,
            retired: row.get(3)?,
            at: row.get(4)?,
            who: row.get(5)?,
            run: row.get(6)?,
        };
        Ok((this, row.get(7)?))
    }

    fn checksum(&self) -> Result<String, LedgerError> {
        checksum(&(
            "machine",
            self.sequence,
            &self.id,
            &self.facts,
            &self.retired,
            &self.at,
            &self.who,
            &self.run,
        ))
    }

    /// The row, if its checksum matches.
    fn verified((this, stored): (Self, String)) -> Result<Self, LedgerError> {
        if this.checksum()? == stored {
            Ok(this)
        } else {
            Err(LedgerError::Altered {
                what: this.what().into(),
            })
        }
    }

    pub fn insert(&self, connection: &Connection) -> Result<(), Fault> {
        connection
            .prepare_cached(&format!(
                "INSERT INTO machine ({MACHINE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            ))?
            .execute(params![
                self.sequence,
                self.id,
                self.facts,
                self.retired,
                self.at,
                self.who,
                self.run,
                self.checksum()?
            ])?;
        Ok(())
    }

    fn what(&self) -> Message {
        Message::new("record-of-machine")
            .with("sequence", self.sequence)
            .with("machine", &self.id)
    }

    /// The facts; `None` in a retirement.
    fn parsed(&self) -> Result<Option<MachineFacts>, LedgerError> {
        let facts = self.facts.as_deref();
        facts.map(|text| from_text(self.what(), text)).transpose()
    }

    fn record(self) -> Result<MachineRecord, LedgerError> {
        let change = match self.parsed()? {
            Some(facts) => MachineChange::Captured { facts },
            None => MachineChange::Retired {
                why: self.retired.clone().unwrap_or_default(),
            },
        };
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

/// A row of `vm` as stored.
pub struct VmRow {
    pub sequence: i64,
    pub machine: String,
    pub site: String,
    pub vm: String,
    pub at: String,
    pub who: String,
    pub run: Option<String>,
}

const VM: &str = "sequence, machine, site, vm, at, who, run, checksum";

impl VmRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<(Self, String)> {
        let this = Self {
            sequence: row.get(0)?,
            machine: row.get(1)?,
            site: row.get(2)?,
            vm: row.get(3)?,
            at: row.get(4)?,
            who: row.get(5)?,
            run: row.get(6)?,
        };
        Ok((this, row.get(7)?))
    }

    fn checksum(&self) -> Result<String, LedgerError> {
        checksum(&(
            "vm",
            self.sequence,
            &self.machine,
            &self.site,
            &self.vm,
            &self.at,
            &self.who,
            &self.run,
        ))
    }

    fn what(&self) -> Message {
        Message::new("record-of-vm")
            .with("sequence", self.sequence)
            .with("machine", &self.machine)
            .with("site", &self.site)
    }

    fn verified((this, stored): (Self, String)) -> Result<Self, LedgerError> {
        if this.checksum()? == stored {
            Ok(this)
        } else {
            Err(LedgerError::Altered {
                what: this.what().into(),
            })
        }
    }

    pub fn insert(&self, connection: &Connection) -> Result<(), Fault> {
        connection
            .prepare_cached(&format!(
                "INSERT INTO vm ({VM}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
            ))?
            .execute(params![
                self.sequence,
                self.machine,
                self.site,
                self.vm,
                self.at,
                self.who,
                self.run,
                self.checksum()?
            ])?;
        Ok(())
    }

    fn record(self) -> Result<MachineRecord, LedgerError> {
        let change = MachineChange::BecameVm {
            site: SiteName::new(self.site.as_str()),
            vm: VmExtId::new(self.vm.as_str()),
        };
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

pub fn record(
    what: Message,
    sequence: i64,
    at: &str,
    who: String,
    run: Option<String>,
    change: MachineChange,
) -> Result<MachineRecord, LedgerError> {
    Ok(MachineRecord {
        sequence: Sequence(sequence),
        at: time(what, at)?,
        by: By {
            who: Who::new(who),
            run: run.map(RunId::new),
        },
        change,
    })
}

/// The position of the next record about any machine: all their tables share one sequence.
pub fn next_sequence(connection: &Connection) -> Result<i64, Fault> {
    let newest: i64 = connection
        .prepare_cached(
            "SELECT max(coalesce((SELECT max(sequence) FROM machine), 0), coalesce((SELECT max(sequence) FROM vm), 0), coalesce((SELECT max(sequence) FROM returned), 0), coalesce((SELECT max(sequence) FROM guest), 0))",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(newest + 1)
}

/// The newest row of each machine.
fn newest_rows(connection: &Connection) -> Result<Vec<MachineRow>, Fault> {
    let mut rows = connection.prepare_cached(&format!(
        "SELECT {MACHINE} FROM machine WHERE sequence IN (SELECT max(sequence) FROM machine GROUP BY id) ORDER BY sequence"
    ))?;
    let rows = rows.query_map([], MachineRow::read)?;
    rows.map(|row| Ok(MachineRow::verified(row?)?)).collect()
}

fn newest_row(connection: &Connection, machine: &InstanceId) -> Result<Option<MachineRow>, Fault> {
    let row = connection
        .prepare_cached(&format!(
            "SELECT {MACHINE} FROM machine WHERE id = ?1 ORDER BY sequence DESC LIMIT 1"
        ))?
        .query_row([machine.as_str()], MachineRow::read)
        .optional()?;
    Ok(row.map(MachineRow::verified).transpose()?)
}

/// Whether the newest record of a machine's facts is its retirement.
pub fn is_retired(connection: &Connection, machine: &InstanceId) -> Result<bool, Fault> {
    let row = newest_row(connection, machine)?;
    Ok(row.is_some_and(|row| row.facts.is_none()))
}

pub fn facts(connection: &Connection) -> Result<Facts, Fault> {
    let mut facts = Facts::default();
    for row in newest_rows(connection)? {
        let id = InstanceId::new(row.id.as_str());
        match row.parsed()? {
            Some(machine) => {
                facts.machines.insert(id, Arc::new(machine));
            }
            None => {
                facts.retired.insert(id);
            }
        }
    }
    let mut homes = Homes::default();
    let mut returns = returned::all(connection)?.into_iter().peekable();
    let mut return_before = |sequence, homes: &Homes, facts: &mut Facts| -> Result<(), Fault> {
        while let Some(row) = returns.next_if(|row| row.sequence < sequence) {
            let machine = InstanceId::new(row.machine.as_str());
            if !facts.retired.contains(&machine) {
                homes.returned(facts, &machine, row.was()?);
            }
        }
        Ok(())
    };
    let mut rows = connection.prepare_cached(&format!("SELECT {VM} FROM vm ORDER BY sequence"))?;
    for row in rows.query_map([], VmRow::read)? {
        let row = VmRow::verified(row?)?;
        return_before(row.sequence, &homes, &mut facts)?;
        let machine = InstanceId::new(row.machine);
        if !facts.retired.contains(&machine) {
            let known = (SiteName::new(row.site), VmExtId::new(row.vm));
            homes.became(&mut facts, machine, known);
        }
    }
    return_before(i64::MAX, &homes, &mut facts)?;
    Ok(facts)
}

/// Every machine of which there is a record.
pub fn machines(connection: &Connection) -> Result<BTreeSet<InstanceId>, Fault> {
    let mut rows = connection.prepare_cached(
        "SELECT id FROM machine UNION SELECT machine FROM vm UNION SELECT machine FROM returned UNION SELECT machine FROM guest",
    )?;
    let rows = rows.query_map([], |row| row.get::<_, String>(0))?;
    Ok(rows
        .map(|id| id.map(InstanceId::new))
        .collect::<Result<_, _>>()?)
}

pub fn machine(
    connection: &Connection,
    machine: &InstanceId,
) -> Result<Option<MachineFacts>, Fault> {
    match newest_row(connection, machine)? {
        Some(row) => Ok(row.parsed()?),
        None => Ok(None),
    }
}

pub fn history(connection: &Connection, machine: &InstanceId) -> Result<Vec<MachineRecord>, Fault> {
    let mut records = Vec::new();
    let mut rows =
        connection.prepare_cached(&format!("SELECT {MACHINE} FROM machine WHERE id = ?1"))?;
    for row in rows.query_map([machine.as_str()], MachineRow::read)? {
        records.push(MachineRow::verified(row?)?.record()?);
    }
    let mut rows = connection.prepare_cached(&format!("SELECT {VM} FROM vm WHERE machine = ?1"))?;
    for row in rows.query_map([machine.as_str()], VmRow::read)? {
        records.push(VmRow::verified(row?)?.record()?);
    }
    records.extend(returned::history(connection, machine)?);
    records.extend(guests::history(connection, machine)?);
    records.sort_by_key(|record| record.sequence);
    Ok(records)
}

/// Returns the position of each machine's new row.
pub fn put(
    connection: &Connection,
    machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
    at: Timestamp,
    by: &By,
) -> Result<BTreeMap<InstanceId, i64>, Fault> {
    let mut written = BTreeMap::new();
    for (sequence, (id, facts)) in (next_sequence(connection)?..).zip(machines) {
        let row = MachineRow {
            sequence,
            id: id.as_str().to_owned(),
            facts: Some(to_text(
                Message::new("record-of-captured-machine").with("id", id),
                facts,
            )?),
            retired: None,
            at: at.to_string(),
            who: by.who.as_str().to_owned(),
            run: by.run.as_ref().map(ToString::to_string),
        };
        row.insert(connection)?;
        written.insert(id.clone(), sequence);
    }
    Ok(written)
}

/// Whether the stored rows match what was to be written.
pub fn read_back(
    connection: &Connection,
    machines: &BTreeMap<InstanceId, Arc<MachineFacts>>,
    written: &BTreeMap<InstanceId, i64>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare(&format!(
        "SELECT {MACHINE} FROM machine WHERE id = ?1 AND sequence = ?2"
    ))?;
    for (id, facts) in machines {
        let row = statement
            .query_row(params![id.as_str(), written.get(id)], MachineRow::read)
            .optional()?;
        let found = match row {
            Some(row) => MachineRow::verified(row)?.parsed()?,
            None => None,
        };
        if found.as_ref() != Some(facts) {
            let machine = id.clone();
            return Err(LedgerError::NotReadBack { machine }.into());
        }
    }
    Ok(())
}

pub fn put_vm(
    connection: &Connection,
    machine: &InstanceId,
    site: &SiteName,
    vm: &VmExtId,
    at: Timestamp,
    by: &By,
) -> Result<(), Fault> {
    let row = VmRow {
        sequence: next_sequence(connection)?,
        machine: machine.as_str().to_owned(),
        site: site.as_str().to_owned(),
        vm: vm.as_str().to_owned(),
        at: at.to_string(),
        who: by.who.as_str().to_owned(),
        run: by.run.as_ref().map(ToString::to_string),
    };
    row.insert(connection)
}

pub fn retire(
    connection: &Connection,
    machine: &InstanceId,
    at: Timestamp,
    by: &By,
    why: &str,
) -> Result<(), Fault> {
    match newest_row(connection, machine)? {
        Some(row) if row.facts.is_none() => return Ok(()),
        Some(_) => {}
        None if is_on_record(connection, machine)? => {}
        None => {
            let machine = machine.clone();
            return Err(LedgerError::NoSuchMachine { machine }.into());
        }
    }
    let row = MachineRow {
        sequence: next_sequence(connection)?,
        id: machine.as_str().to_owned(),
        facts: None,
        retired: Some(why.to_owned()),
        at: at.to_string(),
        who: by.who.as_str().to_owned(),
        run: by.run.as_ref().map(ToString::to_string),
    };
    row.insert(connection)
}

/// Whether there is a record of the machine other than its facts.
fn is_on_record(connection: &Connection, machine: &InstanceId) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM vm WHERE machine = ?1 UNION ALL SELECT 1 FROM returned WHERE machine = ?1\n         UNION ALL SELECT 1 FROM guest WHERE machine = ?1",
    )?;
    Ok(statement.exists([machine.as_str()])?)
}
