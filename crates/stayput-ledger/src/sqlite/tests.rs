//! Tests of the embedded store only: its files, formats, checksums and races. Tests for every store are in `tests/contract`.

mod altered;
#[cfg(unix)]
mod files;
mod formats;
mod leases;
mod races;

use std::path::PathBuf;

use futures::executor::block_on;
use stayput_world::NicFacts;
use tempfile::TempDir;

use super::*;

/// A folder for one ledger.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.file("stayput.db")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> SqliteLedger {
        SqliteLedger::open(&self.path()).unwrap()
    }

    fn refused(&self) -> LedgerError {
        SqliteLedger::open(&self.path()).unwrap_err()
    }

    /// A plain SQLite connection, like that of the `sqlite3` tool.
    fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn kim() -> By {
    By::person("kim@desk")
}

fn machine(address: &str) -> MachineFacts {
    MachineFacts {
        name: Some("web-01".to_owned()),
        platform: "Linux/UNIX".to_owned(),
        instance_type: "m5.large".to_owned(),
        was_running: true,
        nics: vec![NicFacts {
            device_index: 0,
            eni: "eni-1".into(),
            mac: "06:00:00:00:00:01".parse().unwrap(),
            subnet: "subnet-1".into(),
            network: "app".into(),
            primary: address.parse().unwrap(),
            secondary: Vec::new(),
        }],
        tags: BTreeMap::new(),
    }
}

fn goal() -> Goal {
    Goal::Capture {
        networks: ["app".into()].into(),
    }
}

fn put(ledger: &SqliteLedger, id: &str, address: &str) -> Result<(), LedgerError> {
    let machines = [(InstanceId::from(id), machine(address).into())].into();
    block_on(ledger.put_machines(&machines, at(0), &kim()))
}

fn put_vm(ledger: &SqliteLedger, id: &str, site: &str, vm: &str) -> Result<(), LedgerError> {
    block_on(ledger.put_vm(&id.into(), &site.into(), &vm.into(), at(0), &kim()))
}

fn open_run(ledger: &SqliteLedger) -> Result<Run, LedgerError> {
    block_on(ledger.open_run(&goal(), &"run-1".into(), &"kim".into(), at(0)))
}

fn begin(ledger: &SqliteLedger, step: &str) -> Result<Attempt, LedgerError> {
    let step = StepId(step.into());
    block_on(ledger.begin_attempt(&"run-1".into(), &step, &"kim".into(), &1.into(), at(1)))
}
