//! Leases: one worker at a time for one scope.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;

use crate::Who;

/// What a lease is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "scope")]
pub enum LeaseScope {
    /// The whole estate of this ledger.
    Estate,
}

impl fmt::Display for LeaseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => Message::new("lease-of-estate").fmt(f),
        }
    }
}

/// The right to change what a scope names. Released when dropped, and when its process ends.
#[must_use = "a lease is released when it is dropped"]
pub struct Lease {
    scope: LeaseScope,
    epoch: u64,
    guard: Box<dyn LeaseGuard>,
}

/// What a store holds while a lease is held. Dropping it releases the lease.
pub trait LeaseGuard: Send + Sync {
    /// Whether the lease is still held, as far as can be known without asking the store's shared state.
    fn is_held(&self) -> bool;
}

impl LeaseGuard for Box<dyn LeaseGuard> {
    fn is_held(&self) -> bool {
        (**self).is_held()
    }
}

impl Lease {
    /// For stores: a lease that was acquired.
    pub fn new(scope: LeaseScope, epoch: u64, guard: impl LeaseGuard + 'static) -> Self {
        Self {
            scope,
            epoch,
            guard: Box::new(guard),
        }
    }

    /// What it is for.
    pub fn scope(&self) -> &LeaseScope {
        &self.scope
    }

    /// Greater than that of every earlier lease of this scope.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// For stores: the guard that holds it.
    pub fn guard(&self) -> &dyn LeaseGuard {
        &*self.guard
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("scope", &self.scope)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Who holds a lease now. A field that the holder has not written yet, or that an earlier build does not write, is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who acquired it.
    pub who: Option<Who>,
    /// Its process id on its own host.
    pub process: Option<u32>,
    /// Since when, by its own clock.
    pub since: Option<Timestamp>,
    /// The epoch of its lease.
    pub epoch: Option<u64>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Some(who) => who.fmt(f)?,
            None => Message::new("holder-unknown").fmt(f)?,
        }
        if let Some(process) = self.process {
            let process = Message::new("holder-process").with("process", process);
            write!(f, ", {process}")?;
        }
        if let Some(since) = self.since {
            let since = Message::new("holder-since").with("since", since);
            write!(f, ", {since}")?;
        }
        Ok(())
    }
}
