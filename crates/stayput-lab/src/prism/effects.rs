//! What a task does when it completes.

/// What a task does when it completes.
#[derive(Debug, Clone)]
pub enum Effect {}
