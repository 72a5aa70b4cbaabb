//! Observes the world and runs plans.
//!
//! [`Session`] is the use case, whoever asks for it: take the estate, observe, plan and prove, run one phase, observe again. It applies
//! only a [`stayput_plan::Proven`] plan, and goes on only with steps that were approved. A phase takes its steps in the order of their
//! needs, as many at once as is allowed, each the same way: write the intent, look, do nothing if it is so already, act, confirm, write
//! the outcome. Killed anywhere, the next run observes and plans again; what it cannot observe it finds in the ledger.

mod catalog;
mod clients;
mod clock;
mod context;
mod engine;
mod error;
mod event;
mod observe;
mod phase;
mod session;
mod steps;
mod stop;
mod watch;

pub use clients::Clients;
pub use clients::CredentialsSource;
pub use clients::prism_of_site;
pub use engine::Engine;
pub use engine::Observation;
pub use error::EngineError;
pub use error::FailedStep;
pub use error::StepError;
pub use event::Event;
pub use event::Events;
pub use event::StepName;
pub use observe::captured_or_observed;
pub use phase::StepReport;
pub use session::ApplyOptions;
pub use session::Locked;
pub use session::RunReport;
pub use session::Session;
pub use stop::Stop;
pub use stop::Stopper;
