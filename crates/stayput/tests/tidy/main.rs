//! Checks that the repository is tidy: citations of the reference pages lead somewhere, and texts are in plain English.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod citations;
mod files;
mod words;
