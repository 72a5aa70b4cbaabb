//! The lab in process: every effect of a fault, on every kind of service, in virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod answers;
mod fixture;
mod lost;
mod places;
mod reads;
mod rules;
mod tasks;
