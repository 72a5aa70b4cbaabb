//! The ledger, stayput's durable state: captured facts, runs, the journal of attempts, and leases.
//!
//! One trait, [`Ledger`], with plain data; [`SqliteLedger`] is the embedded store, [`LogLedger`] the shared one. For simulations, [`MemoryLedger`] is a store that can
//! crash and lose writes, and [`GatedLedger`] stops its caller before any write. Facts are synced and read back before a caller
//! may touch a NIC (promise 1). Records that only report progress are synced with the next synced write: they survive a kill of the
//! process at once, and a failure of the computer after that write.
//!
//! The ledger makes no decisions: it does not know which run is superseded, whether facts may change, or what a step does.

mod content;
mod error;
mod export;
mod facts;
mod gated;
mod homes;
mod journal;
mod lease;
mod ledger;
mod log;
mod memory;
mod record;
mod run;
mod sqlite;
mod state;

pub use content::content;
pub use content::is_copy;
pub use content::replay;
pub use error::LedgerError;
pub use export::Header;
pub use export::from_lines;
pub use export::to_lines;
pub use facts::By;
pub use facts::MachineChange;
pub use facts::MachineRecord;
pub use facts::Sequence;
pub use facts::Who;
pub use gated::GatedLedger;
pub use gated::Write;
pub use gated::WriteGate;
pub use gated::WriteKind;
pub use journal::Attempt;
pub use journal::Entry;
pub use journal::Outcome;
pub use lease::Holder;
pub use lease::Lease;
pub use lease::LeaseGuard;
pub use lease::LeaseScope;
pub use ledger::Ledger;
pub use log::Appended;
pub use log::Batch;
pub use log::Beat;
pub use log::HeldLease;
pub use log::LeaseTimes;
pub use log::Log;
pub use log::LogError;
pub use log::LogLedger;
pub use memory::Crash;
pub use memory::MemoryLedger;
pub use record::Record;
pub use run::Run;
pub use run::RunId;
pub use run::RunState;
pub use sqlite::SqliteLedger;
