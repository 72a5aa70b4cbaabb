//! The fabric: where every packet goes, and why.
//!
//! A [`Fabric`] is made from an estate and a snapshot of its world. It answers for any source and address with a [`Trace`]: hop by
//! hop from the on-prem router over edges, Transit Gateways, VPC route tables, interfaces, Flow VPCs and overlay subnets to the
//! machine that is powered on there, each hop with the route that won and those it won over, ending in a [`Verdict`]. A
//! [`Change`] turns one state into the next, so that every state between now and done can be judged before anything is touched.
//!
//! Shape, from the inside out:
//!
//! - `topology`: what stays as observed, interned to small integers, shared by all copies of a fabric;
//! - `state`: what changes, in tables that copies share until one changes;
//! - `walk`: one packet, state by state, in small copyable values; `explain` adds names and reasons to a walk;
//! - `source`, `classes`: where to trace from, and which addresses need a trace of their own;
//! - `change`, `apply`: changes, what undoes them, what would be refused;
//! - [`Assumptions`]: what the model assumes because no source shows it, in one place.
//!
//! Pure: no IO, no clock, no randomness. The lab never uses this crate: it routes by code of its own, and tests compare the two.
//!
//! What is deliberately not here: search for an order of changes (the planner's), security groups and network ACLs, packet sizes,
//! IPv6, and the public side of NAT.

mod apply;
mod assumptions;
mod change;
mod classes;
mod explain;
mod fabric;
mod holders;
mod index;
mod listed;
mod next_hop;
mod prefix_map;
mod reachability;
mod reason;
mod render;
mod source;
mod state;
mod topology;
mod trace;
mod unmodelled;
mod walk;

pub use apply::ChangePart;
pub use apply::InFlight;
pub use apply::Visibility;
pub use assumptions::Assumptions;
pub use change::Change;
pub use change::ErpScope;
pub use change::Refused;
pub use classes::Class;
pub use fabric::Fabric;
pub use fabric::Home;
pub use next_hop::NextHop;
pub use reachability::CellState;
pub use reachability::End;
pub use reachability::Reachability;
pub use reachability::Shift;
pub use reachability::Work;
pub use source::Source;
pub use trace::*;
pub use unmodelled::MissingSource;
pub use unmodelled::Unmodelled;
