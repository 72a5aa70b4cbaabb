//! Format 2 to format 3: machines can return to EC2. Rows of format 2 stay as they are.

use rusqlite::Connection;

use crate::sqlite::row::Fault;

/// The table that format 2 lacks.
const ADDED: &str = "returned";

/// Adds what format 2 lacks of `schema`, inside the caller's transaction. A build of format 2 would take a machine that has returned for the
/// VM it was: it must refuse the file.
pub fn migrate(connection: &Connection, schema: &str) -> Result<(), Fault> {
    let added = schema.split_inclusive(';');
    for statement in added.filter(|statement| statement.contains(ADDED)) {
        connection.execute_batch(statement)?;
    }
    Ok(())
}
