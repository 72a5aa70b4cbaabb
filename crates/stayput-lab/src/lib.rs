//! The lab: an emulator of AWS, two Prism Centrals and Move on loopback, with their real protocols, TLS and virtual time.
//!
//! It models behaviour; it does not replay recorded answers. It never uses the fabric or the planner: its packet walk is a
//! second, independent implementation of routing, and tests compare the two. It carries no packets itself: a [`DataPlane`] that its
//! caller passes in can do that. Nor does it run programs: a [`GuestShell`] of its caller can run the scripts of guests.

mod admin;
pub mod aws;
mod ca;
pub mod clock;
mod data_plane;
mod estate_file;
pub mod faults;
mod from_world;
mod gate;
mod guests;
pub mod http;
pub mod mv;
pub mod nc2;
mod operator;
pub mod prism;
mod run;
mod scenario;
mod server;
pub mod state;
pub mod walk;

pub use aws::ssm::guest::Guest;
pub use aws::ssm::guest::GuestInterface;
pub use aws::ssm::guest::GuestKind;
pub use aws::ssm::guest::GuestShell;
pub use aws::ssm::guest::NoShell;
pub use aws::ssm::guest::ScriptOutput;
pub use ca::CaError;
pub use data_plane::DataPlane;
pub use from_world::from_world;
pub use gate::Exchange;
pub use gate::Lab;
pub use gate::Service;
pub use operator::Availability;
pub use operator::DeletedVm;
pub use operator::FoundInstance;
pub use operator::FoundVm;
pub use operator::OperatorError;
pub use operator::Power;
pub use run::Credentials;
pub use run::Endpoints;
pub use run::LabError;
pub use run::LabOptions;
pub use run::MAX_LATENCY;
pub use run::MAX_SPEED;
pub use run::MIN_SPEED;
pub use run::RunningLab;
pub use run::start;
pub use run::start_with_data_plane;
pub use scenario::Built;
pub use scenario::BulkNetwork;
pub use scenario::Location;
pub use scenario::Scenario;
pub use scenario::ScenarioError;
pub use scenario::ScenarioInfo;
pub use scenario::scenarios;
