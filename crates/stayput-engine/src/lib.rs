//! Observes the world and runs plans.
//!
//! [`Session`] is the use case for every caller: lock the estate, observe, plan and prove, run one phase, observe again. It applies only
//! a [`stayput_plan::Proven`] plan, and continues only with approved steps. A phase runs its steps in the order of their dependencies, with
//! limited concurrency. Each step writes its intent, reads the current state, does nothing if the state is already as planned, makes its
//! change, confirms it, and writes the outcome. After a kill at any point, the next run observes and plans again, and reads what cannot
//! be observed from the ledger.

mod access;
mod catalog;
mod clients;
mod clock;
mod context;
mod engine;
mod error;
mod event;
mod guests;
mod observe;
mod phase;
mod rollback;
pub mod saved;
mod session;
mod steps;
mod stop;
mod watch;

pub use access::Access;
pub use access::ObjectRight;
pub use access::access;
pub use access::rights_on_objects;
pub use clients::Clients;
pub use clients::CredentialsSource;
pub use clients::move_at;
pub use clients::prism_at;
pub use clients::username;
pub use engine::Engine;
pub use engine::Observation;
pub use error::EngineError;
pub use error::FailedStep;
pub use error::LeftUnreached;
pub use error::StepError;
pub use error::chain;
pub use event::Event;
pub use event::Events;
pub use event::StepName;
pub use guests::Guests;
pub use guests::NoGuest;
pub use guests::capture_guests;
pub use observe::captured_or_observed;
pub use observe::observe;
pub use phase::StepReport;
pub use rollback::rollback_goal;
pub use session::ApplyOptions;
pub use session::Locked;
pub use session::RunReport;
pub use session::Session;
pub use stop::Stop;
pub use stop::Stopper;
