//! Many rows at once, for whoever fills an empty shop: `COPY` on PostgreSQL, one prepared statement on SQLite.
//!
//! The rows bring their numbers along. [`begin`] keeps others from taking the same ones, [`end`] leads them on.

use super::conn::Conn;
use crate::error::Error;
use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};

/// Tables whose rows are numbered by whoever writes in bulk.
const TABLES: [&str; 4] = ["supplies", "orders", "stock_movements", "operation_log"];

/// Writes rows of a table; their type derives `Insertable` with `treat_none_as_default_value = false`.
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

/// Prepares a write transaction for many rows. Must be the first that it does.
pub fn begin(conn: &mut Conn) -> Result<(), Error> {
    match conn {
        // Pages of the indexes that grow in no order stay in memory: 256 MB, until `end`.
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA cache_size = -262144")?,
        Conn::Postgres(conn) => {
            let tables = TABLES.join(", ");
            // Between two statements it thinks for as long as it likes.
            conn.batch_execute(&format!(
                "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"
            ))?;
        }
    }
    Ok(())
}

/// The number of the next row of a table.
pub fn next_id(conn: &mut Conn, table: &'static str) -> Result<i64, Error> {
    let newest = diesel::sql_query(format!("SELECT COALESCE(MAX(id), 0) AS id FROM {table}"))
        .get_result::<Newest>(conn)?;
    Ok(newest.id + 1)
}

/// Ends what [`begin`] began, in the same transaction: rows that come later get the numbers after these.
pub fn end(conn: &mut Conn) -> Result<(), Error> {
    match conn {
        // AUTOINCREMENT has seen the numbers.
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
