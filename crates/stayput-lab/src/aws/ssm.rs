//! Systems Manager.

/// A command that was sent.
#[derive(Debug, Default)]
pub struct Command;
