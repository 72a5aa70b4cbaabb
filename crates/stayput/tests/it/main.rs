//! End-to-end tests: the binary, run against labs over their real protocols.
//!
//! One test binary, so that it links once. Each test has its own lab in its own folder.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod answers;
mod article;
mod capture;
mod check;
mod compared;
mod demo;
mod faults;
mod identity;
mod init;
mod interface;
mod interrupts;
#[cfg(target_os = "linux")]
mod kernel;
mod kill;
mod lab;
mod lab_command;
mod names;
mod obstacles;
mod partial;
mod phases;
mod process;
mod readme;
mod rollback;
mod saved;
mod shared_ledger;
mod story;
#[cfg(target_os = "linux")]
mod terminal;
mod trace;
mod trouble;
mod verified;
mod ways;
mod world;
