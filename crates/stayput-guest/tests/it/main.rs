//! Tests of the whole crate, over reports that the real script printed and over small texts.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod advice;
mod common;
mod compare;
mod fixes;
mod formats;
mod parse;
mod windows;
