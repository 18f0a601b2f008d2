//! Removes every byte of erased data from the files of SQLite.
//!
//! `PRAGMA secure_delete` overwrites what is deleted, but not the copies that stay in a page when its rows move to
//! another page. So the file is rewritten, and the write-ahead log is emptied.

use super::Conn;
use crate::{clock, error::Error, schema::erasures};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Integer};
use std::{thread, time::Duration};

/// How often to try to empty the log while another connection does so, or a reader still needs it.
const CHECKPOINTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
/// For how long in milliseconds a try waits for readers. Writers wait for it.
const PATIENCE: u32 = 100;

/// Returns whether there is an erasure after which the file was not rewritten.
pub fn is_due(conn: &mut Conn) -> Result<bool, Error> {
    Ok(!unpurged(conn)?.is_empty())
}

/// Rewrites the file and empties the write-ahead log, outside of any transaction.
pub fn run(conn: &mut Conn) -> Result<(), Error> {
    let erased = rewrite(conn)?;
    empty_log(conn)?;
    mark(conn, erased)
}

/// Rewrites the file, outside of any transaction. Returns the erasures of which no byte is left in it.
pub fn rewrite(conn: &mut Conn) -> Result<Vec<i64>, Error> {
    let erased = unpurged(conn)?;
    if let Conn::Sqlite(sqlite) = conn {
        sqlite.batch_execute("VACUUM")?;
    }
    Ok(erased)
}

/// Records that no byte of these erasures is left.
pub fn mark(conn: &mut Conn, erased: Vec<i64>) -> Result<(), Error> {
    let unmarked = erasures::table
        .filter(erasures::id.eq_any(erased))
        .filter(erasures::purged_at.is_null());
    diesel::update(unmarked)
        .set(erasures::purged_at.eq(clock::now()))
        .execute(conn)?;
    Ok(())
}

/// Empties the write-ahead log. SQLite waits for readers and writers, but not for another checkpoint.
///
/// Returns an error if a long read, such as a download, needs the log for longer.
pub fn empty_log(conn: &mut Conn) -> Result<(), Error> {
    let Conn::Sqlite(sqlite) = conn else {
        return Ok(());
    };
    sqlite.batch_execute(&format!("PRAGMA busy_timeout = {PATIENCE}"))?;
    for _ in 0..CHECKPOINTS {
        let log: Checkpoint =
            diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite)?;
        if log.busy == 0 {
            sqlite.batch_execute("PRAGMA busy_timeout = 10000")?;
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(Error::Busy)
}

/// Returns the erasures after which the file was not rewritten: none on PostgreSQL, which has no such file.
fn unpurged(conn: &mut Conn) -> Result<Vec<i64>, Error> {
    if let Conn::Postgres(_) = conn {
        return Ok(Vec::new());
    }
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
