//! The v4 API of Prism Central.
//!
//! `api`, `list`, `change` and `task` know the conventions (negotiation, paging; ETags, request ids, tasks), `wire` the JSON of what is read; the other
//! modules hold the calls, one file per kind of thing, as methods of [`PrismClient`](crate::PrismClient).

mod api;
mod categories;
mod change;
mod envelope;
mod failover;
mod list;
mod networks;
mod observe;
mod protection;
mod recovery;
mod task;
mod version;
mod vms;
mod wire;

pub(super) use api::Api;
pub use version::Minor;
pub use version::Namespace;
#[cfg(test)]
pub(crate) use wire::vm::WireVm;
