//! Removes every byte of erased data from the files of SQLite.
//!
//! `PRAGMA secure_delete` overwrites what is deleted, but not the copies that stay in a page when its rows move to
//! another page. So the file is rewritten, and the write-ahead log is emptied.

use super::Conn;
use crate::{clock, error::Error, schema::erasures};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Integer};

/// Returns whether there is an erasure after which the file was not rewritten.
pub fn is_due(conn: &mut Conn) -> Result<bool, Error> {
    Ok(!unpurged(conn)?.is_empty())
}

/// Rewrites the file and empties the write-ahead log, outside of any transaction.
pub fn run(conn: &mut Conn) -> Result<(), Error> {
    let erased = unpurged(conn)?;
    if let Conn::Sqlite(sqlite) = conn {
        // Both wait for other processes and for readers that still need the log.
        sqlite.batch_execute("PRAGMA busy_timeout = 30000; VACUUM")?;
        let log: Checkpoint =
            diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite)?;
        if log.busy != 0 {
            return Err(Error::Busy);
        }
    }
    diesel::update(erasures::table.filter(erasures::id.eq_any(erased)))
        .set(erasures::purged_at.eq(clock::now()))
        .execute(conn)?;
    Ok(())
}

fn unpurged(conn: &mut Conn) -> Result<Vec<i64>, Error> {
    erasures::table
        .filter(erasures::purged_at.is_null())
        .order(erasures::id)
        .select(erasures::id)
        .load(conn)
        .map_err(Error::from)
}

#[derive(QueryableByName)]
struct Checkpoint {
    /// 1 if a reader or another process kept the log from being emptied.
    #[diesel(sql_type = Integer)]
    busy: i32,
}
