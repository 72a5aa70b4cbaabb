//! End-to-end tests: the binary, run against labs over their real protocols.
//!
//! One test binary, so that it links once. Each test has its own lab in its own folder.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod article;
mod demo;
mod faults;
mod identity;
mod interface;
#[cfg(target_os = "linux")]
mod kernel;
mod kill;
mod lab;
mod lab_command;
mod obstacles;
mod phases;
mod process;
mod readme;
mod saved;
mod story;
mod trace;
mod trouble;
mod ways;
mod world;
