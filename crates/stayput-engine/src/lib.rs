//! Observes the world and runs plans.
//!
//! [`Engine::observe`] reads everything; [`Engine::apply`] takes a plan's steps in the order of their needs, as many at once
//! as is allowed, each the same way: look again, do nothing if it is so already, write the intent, act, confirm, write the
//! outcome. Killed anywhere, the next run observes and plans again; what it cannot observe it finds in the ledger.

mod catalog;
mod clients;
mod error;
mod event;
mod observe;
mod run;
mod steps;
mod watch;

pub use clients::Clients;
pub use clients::CredentialsSource;
pub use error::EngineError;
pub use error::StepError;
pub use event::Event;
pub use event::Events;
pub use observe::captured_or_observed;
pub use run::Engine;
pub use run::RunReport;
pub use run::StepReport;
