//! Plays the whole story against the lab: the demo, the article's order beside it, and the benchmarks.
//!
//! The demo and the benchmarks run the stayput program itself, as processes of their own, and judge what it reports. The library
//! prints nothing: narration and progress go to a [`Narrator`], results come back as values. It looks for no configuration; the path of the
//! program is an argument. The process must have installed a rustls crypto provider before a lab is contacted.

pub mod bench;
mod control;
pub mod demo;
mod error;
mod lab_engine;
mod lab_process;
mod narrator;
mod program;

pub use control::Control;
pub use control::ControlError;
pub use error::RehearsalError;
pub use lab_process::DataPlane;
pub use lab_process::LabLaunch;
pub use lab_process::LabLifetime;
pub use lab_process::LabProcess;
pub use lab_process::LabProcessError;
pub use lab_process::Stopped;
pub use lab_process::stop;
pub use narrator::Narrator;
pub use program::ChildProgress;
pub use program::Program;
