//! Removes every byte of erased data from the files of SQLite.
//!
//! `PRAGMA secure_delete` overwrites what is deleted, but not the copies that stay in a page when its rows move to
//! another page. So the file is rewritten, and the write-ahead log is emptied.

use super::Conn;
use crate::{clock, error::Error, schema::erasures};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Integer};
use std::{thread, time::Duration};

/// How often to try to empty the log while another connection does so.
const CHECKPOINTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

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
        empty_log(sqlite)?;
    }
    let unmarked = erasures::table
        .filter(erasures::id.eq_any(erased))
        .filter(erasures::purged_at.is_null());
    diesel::update(unmarked)
        .set(erasures::purged_at.eq(clock::now()))
        .execute(conn)?;
    Ok(())
}

/// Empties the write-ahead log. SQLite waits for readers and writers, but not for another checkpoint.
fn empty_log(sqlite: &mut SqliteConnection) -> Result<(), Error> {
    for _ in 0..CHECKPOINTS {
        let log: Checkpoint =
            diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite)?;
        if log.busy == 0 {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(Error::Busy)
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
