//! Brings a database up to date: the schema, and the data that only the program can compute.

pub mod backfills;
mod rekey;

use crate::{
    analytics::rollup,
    backup::sqlite::before_migration,
    clock,
    db::{self, Conn, DatabaseUrl, migrations},
    error::Error,
    orders::names,
};
use diesel::connection::{Connection, SimpleConnection};

/// Brings a database up to date, and returns the versions of the migrations that ran.
///
/// Creates the SQLite file and its folder if they are missing. A SQLite database is backed up before it is changed; for
/// PostgreSQL, a warning is logged that there is no backup. Processes that start together take turns.
pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, String> {
    let _turn = match url {
        DatabaseUrl::Sqlite(path) => {
            let turn = migrations::lock_folder(path)?;
            migrations::create_private_file(path)
                .map_err(|error| format!("cannot use {url}: {error}"))?;
            Some(turn)
        }
        DatabaseUrl::Postgres(_) => None,
    };
    let mut conn = url
        .open()
        .map_err(|error| format!("cannot open {url}: {error}"))?;
    if let Conn::Postgres(conn) = &mut conn {
        // The advisory lock is held until the connection is closed. Another process may hold it for a long time, so the
        // wait for it has no limit. The wait for a table has one, because all queries on that table queue up behind it.
        conn.batch_execute(
            "SET lock_timeout = 0; SELECT pg_advisory_lock(7241); SET lock_timeout = '30s'",
        )
        .map_err(|error| error.to_string())?;
    }
    let applied =
        migrations::applied(&mut conn).map_err(|error| format!("cannot read {url}: {error}"))?;
    migrations::refuse_newer(&applied).map_err(|error| format!("{url}: {error}"))?;
    if let (Some(version), false) = (migrations::pending(&applied), applied.is_empty()) {
        match url {
            DatabaseUrl::Sqlite(path) => before_migration(path, &version)?,
            DatabaseUrl::Postgres(_) => tracing::warn!(
                "migrating {url} ({version} and later) without a backup: Sirius does not back up PostgreSQL by itself, \
                 so run `sirius backup` before you start a new version"
            ),
        }
    }
    let ran = migrations::run_pending(&mut conn);
    let ran = ran.map_err(|error| format!("migration failed: {error}"))?;
    // This is not a migration in SQL, because the day of an order depends on the time zone in the settings.
    let rolled_up = match rollup::check::is_missing(&mut conn) {
        Ok(true) => conn.transaction(rollup::check::rebuild),
        other => other.map(|_| 0),
    };
    rolled_up.map_err(|error| format!("could not build the rollups of earlier orders: {error}"))?;
    backfills::run(&mut conn, backfills::ALL)
        .map_err(|error| format!("could not update rows of earlier versions: {error}"))?;
    if let Err(error) = purge(&mut conn) {
        tracing::warn!(%error, "could not rewrite the database without what was erased; the next start tries again");
    }
    // This runs at every start, because a server of an earlier version may have written orders in the meantime.
    names::index_missing(&mut conn)
        .map_err(|error| format!("could not index the names of earlier customers: {error}"))?;
    Ok(ran)
}

/// Marks that the file was rewritten after the values of the operation log that identify customers had been moved.
const PURGED: &str = "rewrite the file without moved values";

/// Rewrites the database file if bytes of moved or erased values may be left in it.
fn purge(conn: &mut Conn) -> Result<(), Error> {
    let is_first = !backfills::done(conn)?.iter().any(|name| name == PURGED);
    if is_first || db::purge::is_due(conn)? {
        db::purge::run(conn)?;
    }
    if is_first {
        backfills::mark(conn, PURGED, clock::now())?;
    }
    Ok(())
}
