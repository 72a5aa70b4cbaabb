//! The shared ledger in a DynamoDB table: a [`Log`](stayput_ledger::Log) of items, with single-item conditional writes and consistent reads only.
//!
//! The table survives the loss of a region if it is strongly consistent in several (AWS reference §6). A table that gives a replica an own
//! opinion for a second is used in one region only. What does not fit is refused before anything is read ([`check`]).
//!
//! Items have two keys: `pk`, a JSON list of the kind of item and the estate, and `sk`, the item's number. Several estates can share a
//! table.

mod place;
mod table;

pub use place::Misfit;
pub use place::check;
pub use table::TableLog;
