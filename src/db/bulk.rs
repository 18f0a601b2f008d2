//! Inserts many rows at once into an empty shop: with `COPY` on PostgreSQL, with one prepared statement on SQLite.
//!
//! The rows already have their ids. [`begin`] keeps other writers from taking the same ones, and [`end`] makes later
//! rows continue after them.

use super::conn::Conn;
use crate::error::Error;
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};

/// The tables whose ids the bulk writer assigns.
const TABLES: [&str; 4] = ["supplies", "orders", "stock_movements", "operation_log"];

/// Inserts rows into a table. Their type derives `Insertable` with `treat_none_as_default_value = false`.
macro_rules! insert_all {
    ($conn:expr, $table:ident, $rows:expr) => {
        match $conn {
            $crate::db::Conn::Postgres(conn) => {
                let rows = $rows;
                if !rows.is_empty() {
                    diesel::copy_from($table::table)
                        .from_insertable(rows)
                        .execute(conn)?;
                }
            }
            $crate::db::Conn::Sqlite(conn) => {
                for row in $rows {
                    diesel::insert_into($table::table)
                        .values(row)
                        .execute(conn)?;
                }
            }
        }
    };
}
pub(crate) use insert_all;

/// Prepares a write transaction for many rows. It must come first in the transaction.
pub fn begin(conn: &mut Conn) -> Result<(), Error> {
    match conn {
        // Until `end`, 256 MB of pages stay in memory, because some indexes grow in no particular order.
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA cache_size = -262144")?,
        Conn::Postgres(conn) => {
            let tables = TABLES.join(", ");
            // The caller may compute for any time between two statements.
            conn.batch_execute(&format!(
                "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"
            ))?;
        }
    }
    Ok(())
}

/// Returns the id of the next row of a table.
pub fn next_id(conn: &mut Conn, table: &'static str) -> Result<i64, Error> {
    let newest = diesel::sql_query(format!("SELECT COALESCE(MAX(id), 0) AS id FROM {table}"))
        .get_result::<Newest>(conn)?;
    Ok(newest.id + 1)
}

/// Reverses [`begin`] in the same transaction, and makes later rows get ids after those of the inserted rows.
pub fn end(conn: &mut Conn) -> Result<(), Error> {
    match conn {
        // AUTOINCREMENT has already registered the inserted ids.
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA cache_size = -2000")?,
        Conn::Postgres(conn) => {
            for table in TABLES {
                conn.batch_execute(&format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table} HAVING MAX(id) > 0;
                     ANALYZE {table};"
                ))?;
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Newest {
    #[diesel(sql_type = BigInt)]
    id: i64,
}
