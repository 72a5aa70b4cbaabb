//! Format 2 to format 3: machines can return to EC2. Format 3 to format 4: guests are captured. Rows stay as they are.

use rusqlite::Connection;

use crate::sqlite::row::Fault;

/// Adds these tables of `schema` with their indexes, inside the caller's transaction. Builds of older formats must refuse the file: they
/// would take a machine that has returned for the VM it was, and number rows without those of the new tables.
pub fn add(connection: &Connection, schema: &str, tables: &[&str]) -> Result<(), Fault> {
    let is_of = |statement: &&str| {
        tables.iter().any(|table| {
            statement.contains(&format!("CREATE TABLE {table} "))
                || statement.contains(&format!(" ON {table} "))
        })
    };
    for statement in schema.split_inclusive(';').filter(is_of) {
        connection.execute_batch(statement)?;
    }
    Ok(())
}
