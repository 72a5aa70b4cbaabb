//! DynamoDB.

/// A table.
#[derive(Debug, Default)]
pub struct Table;
