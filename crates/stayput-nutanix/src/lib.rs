//! Typed clients for Prism Central v4 and Move v2.
//!
//! Two doors, [`PrismClient`] and [`MoveClient`]. Each observes its system into the types of `stayput-world` and acts on
//! it with verbs that can be repeated: what already is as asked for is left alone, and every change of Prism Central
//! carries a [`RequestId`] that the caller made and stored *before* the call, so that a lost response is not a lost effect.
//!
//! ```text
//! PrismClient ── prism/v4/{vms,networks,categories,protection,recovery,observe}   one file per kind of thing
//!                 └── prism/v4/api      negotiation, paging, ETags, tasks
//! MoveClient ─── mv/{observe,plans,…}
//!                 └── mv/api            token, refresh
//! both ────────── transport             TLS, time limits, repeats
//! ```
//!
//! Prism Central's v3 API is not here; it would stand beside `prism/v4` behind the same [`PrismClient`].
//!
//! What is not decided here: which change to make, in what order, and whether it is safe. A call waits for the task it
//! started, without a limit of its own; whoever wants one drops the future and asks again later with the same id.

mod credentials;
mod error;
mod mv;
mod prism;
mod tls;
mod transport;

pub use credentials::Credentials;
pub use credentials::Secret;
pub use error::AuthError;
pub use error::Call;
pub use error::ConnectError;
pub use error::DecodeError;
pub use error::Service;
pub use error::SetupError;
pub use error::TimeoutError;
pub use error::TlsProblem;
pub use mv::*;
pub use prism::*;
