//! The order of calls, by search: every state that an order passes is judged, and the best of the safe orders is taken.
//!
//! Which calls have been made decides the state, not in which order they were; so states are sets of calls, and an order is a
//! path from the empty set to the full one through sets that are safe to be in. Up to [`EXHAUSTIVE`] calls every set that a
//! safe path leads to is looked at. More calls are searched in parts where their prefixes allow it, and the whole is checked step by
//! step. Nothing of the rules R1 and R2 (AWS reference §8) is in here: they come out.

mod call_set;
mod parts;
mod search;
mod state_summary;

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use stayput_fabric::Change;
use stayput_fabric::Reachability;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_messages::list::semicolons;

use crate::Harm;

/// So many calls are searched exhaustively; of more, the first safe order found is taken.
pub const EXHAUSTIVE: usize = 20;

/// So many calls can be searched together. More must fall into parts by their prefixes.
///
/// A Transit Gateway has at most 20 route tables (AWS reference §1.5), so the calls for one prefix stay far below.
pub const MOST_CALLS: usize = 256;

/// One call whose place in the order is sought.
#[derive(Debug, Clone)]
pub struct Call {
    /// What it changes.
    pub change: Change,
    /// How long it takes until it can be relied on; holes are weighed by it.
    pub lasts: Duration,
}

/// Why a call cannot be next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blocked {
    /// The call; `None`: it is left undone.
    pub call: Option<Change>,
    /// Whose packets are harmed.
    pub from: Source,
    /// To this address.
    pub address: Ipv4Addr,
    /// What happens to them.
    pub harm: Harm,
}

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum NoOrder {
    /// None is safe: each of two calls may not come before the other, or one can neither be made nor left out.
    Conflict {
        /// What can be done safely before it comes to that.
        after: Vec<Change>,
        /// What each of two calls does if it is next, or one call and what is wrong without it.
        blocked: Vec<Blocked>,
    },
    /// There are too many calls to search, and they do not fall into parts.
    TooMany {
        /// How many there are.
        calls: usize,
    },
}

impl Blocked {
    /// What is harmed by it, as a message of the catalogue.
    pub fn message(&self) -> Message {
        let Self {
            call,
            from,
            address,
            harm,
        } = self;
        match call {
            Some(call) => Message::new("blocked-after-call")
                .with("call", call)
                .with("from", from)
                .with("address", address)
                .part("harm", harm.message()),
            None => Message::new("blocked-without-it")
                .with("from", from)
                .with("address", address)
                .part("harm", harm.message()),
        }
    }
}

impl NoOrder {
    /// The reason, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::Conflict { after, blocked } => {
                let blocked = semicolons(blocked.iter().map(Blocked::message));
                Message::new("no-order-conflict")
                    .count("calls", after.len())
                    .part("blocked", blocked)
            }
            Self::TooMany { calls } => Message::new("no-order-too-many").count("calls", *calls),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl fmt::Display for NoOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// The best safe order of these calls, as positions; `now` is the state they are made in, with the sources to judge. Its classes do not
/// matter.
///
/// A step may take no address from a source that reaches it, may let nothing loop and may send nothing to a wrong site, not even while it
/// is visible in some tables and not in others; what is wrong from the start or cannot be helped at the end is not held against it. Of
/// the safe orders the one with the fewest addresses lost for the shortest time is taken, of equal ones the first as the calls are listed.
///
/// # Errors
/// No order is safe, or there are too many calls.
pub fn order(
    now: &Reachability,
    addresses: BTreeSet<Ipv4Addr>,
    calls: &[Call],
) -> Result<Vec<usize>, Box<NoOrder>> {
    if calls.len() > EXHAUSTIVE
        && let Some(order) = parts::order(now.fabric(), &addresses, calls)
    {
        return Ok(order);
    }
    if calls.len() > MOST_CALLS {
        let calls = calls.len();
        return Err(Box::new(NoOrder::TooMany { calls }));
    }
    search::order(now, addresses, calls)
}
