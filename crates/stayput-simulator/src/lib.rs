//! The simulator: the engine with its real clients, serialisation, retries and pacing, against the lab, in one process, on one thread and
//! in virtual time. Nothing here models a remote system a second time.
//!
//! [`tell`] tells one story with faults and kills. A judge of its own reads the lab's state after every change (`judge.rs`).

mod campaign;
mod gate;
mod judge;
mod remedies;
mod seeds;
mod simulation;
mod story;
mod sweep;
mod wires;

pub use campaign::Bad;
pub use campaign::Campaign;
pub use campaign::Report;
pub use gate::CallRecord;
pub use gate::KillAt;
pub use judge::Promise;
pub use judge::Violation;
pub use seeds::Drawn;
pub use seeds::Seeds;
pub use simulation::Chapter;
pub use simulation::ClockStep;
pub use simulation::Disaster;
pub use simulation::End;
pub use simulation::Outcome;
pub use simulation::Setting;
pub use simulation::SimulationError;
pub use simulation::Told;
pub use simulation::chapters;
pub use simulation::tell;
pub use simulation::tell_acts;
pub use story::Act;
pub use sweep::Single;
pub use sweep::kinds;
pub use sweep::singles;
