//! The simulator: the engine with its real clients, serialisation, retries and pacing, against the lab, in one process, on one thread and
//! in virtual time. Nothing here models a remote system a second time.
//!
//! [`Chapter::tell`] tells a part of the story with faults and kills. A judge of its own reads the lab's state after every change (`judge.rs`).

mod campaign;
mod chapters;
mod disaster;
mod follow;
mod gate;
mod hands;
mod judge;
mod outcome;
mod remedies;
mod seeds;
mod simulation;
mod story;
mod sweep;
mod wires;

pub use campaign::Bad;
pub use campaign::Campaign;
pub use campaign::Report;
pub use campaign::Totals;
pub use chapters::Chapter;
pub use chapters::Setting;
pub use chapters::chapters;
pub use chapters::tell_acts;
pub use disaster::ClockStep;
pub use disaster::Disaster;
pub use disaster::Kill;
pub use gate::CallRecord;
pub use gate::KillAt;
pub use hands::ByHand;
pub use hands::Deed;
pub use judge::Promise;
pub use judge::Violation;
pub use outcome::End;
pub use outcome::Outcome;
pub use outcome::SimulationError;
pub use outcome::Told;
pub use seeds::Drawn;
pub use seeds::Seeds;
pub use story::Act;
pub use sweep::Single;
pub use sweep::kinds;
pub use sweep::singles;
