//! Typed clients for Prism Central v4 and Move v2.
//!
//! Two doors, [`PrismClient`] and [`MoveClient`]. Each observes its system into the types of `stayput-world` and acts on
//! it with verbs that can be repeated: what already is as asked for is left alone, and every change of Prism Central
//! carries a [`RequestId`] that the caller made and stored *before* the call, so that a lost response is not a lost effect.
//! An error of a change says whether [it may have taken effect](PrismError::may_have_taken_effect): then it is in doubt, neither done
//! nor failed.
//!
//! What is not understood is not empty: an answer that is not of the known form is an error, an object that is not is kept as
//! [`Unreadable`](stayput_world::Unreadable), and what a list lacks is asked for by id ([`KnownPrismObjects`]) before it counts as absent.
//!
//! ```text
//! PrismClient ── prism/v4/{vms,networks,categories,protection,recovery,observe}   one file per kind of thing
//!                 └── prism/v4/api      negotiation, paging, ETags, tasks
//! MoveClient ─── mv/{observe,plans,…}
//!                 └── mv/api            token, refresh
//! both ────────── transport             limits, secrets kept out of errors
//!                 ├── retry             whether and when a call is made again
//!                 └── wire              the seam below which one request is sent: HTTPS, or a simulator
//! ```
//!
//! Prism Central's v3 API is not here; it would stand beside `prism/v4` behind the same [`PrismClient`].
//!
//! What is not decided here: which change to make, in what order, and whether it is safe. A call waits for the task it
//! started, within [`Limits`]; a caller may also drop the future and ask again later with the same id.

mod credentials;
mod error;
mod mv;
mod prism;
mod progress;
mod redact;
mod retry;
mod tls;
mod tolerant;
mod transport;
mod wire;

pub use credentials::Credentials;
pub use credentials::Secret;
pub use error::Ambiguous;
pub use error::AuthError;
pub use error::Call;
pub use error::ConnectError;
pub use error::DecodeError;
pub use error::DoubtReason;
pub use error::InDoubt;
pub use error::ListError;
pub use error::ListProblem;
pub use error::Service;
pub use error::SetupError;
pub use error::TimeoutError;
pub use error::TlsProblem;
pub use mv::*;
pub use prism::*;
pub use progress::TaskProgress;
pub use retry::Limits;
pub use retry::Looks;
pub use wire::HttpsWire;
pub use wire::Wire;
pub use wire::WireError;
