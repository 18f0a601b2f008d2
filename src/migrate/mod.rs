//! Brings a database up to date: the schema, and what only the program can compute.

pub mod backfills;
mod rekey;

use crate::{
    analytics::rollup,
    backup::sqlite::before_migration,
    db::{Conn, DatabaseUrl, migrations},
    orders::names,
};
use diesel::connection::{Connection, SimpleConnection};

/// Brings the schema up to date; creates the SQLite file and its folder when they are missing, and
/// keeps a backup of a SQLite database that it changes; of PostgreSQL it only says that there is none.
/// Processes that start together take turns.
/// Returns the versions of the migrations that ran.
pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, String> {
    let _turn = match url {
        DatabaseUrl::Sqlite(path) => {
            let turn = migrations::take_turn(path)?;
            migrations::make_private(path).map_err(|error| format!("cannot use {url}: {error}"))?;
            Some(turn)
        }
        DatabaseUrl::Postgres(_) => None,
    };
    let mut conn = url
        .open()
        .map_err(|error| format!("cannot open {url}: {error}"))?;
    if let Conn::Postgres(conn) = &mut conn {
        // Held until the connection is closed. The turn of others may last; a table that somebody holds is not waited
        // for without end, because all who would read it wait behind.
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
                "the schema of {url} is brought to {version} and on, without a backup: that is yours to make, \
                 by `sirius backup` before a new version starts"
            ),
        }
    }
    let ran = migrations::run_pending(&mut conn);
    let ran = ran.map_err(|error| format!("migration failed: {error}"))?;
    // Not part of a migration in SQL: which day of the shop it was depends on the settings.
    let rolled_up = match rollup::check::is_missing(&mut conn) {
        Ok(true) => conn.transaction(rollup::check::rebuild),
        other => other.map(|_| 0),
    };
    rolled_up.map_err(|error| format!("roll-ups of earlier orders failed: {error}"))?;
    backfills::run(&mut conn, backfills::ALL).map_err(|error| {
        format!("rows of earlier versions cannot be brought up to date: {error}")
    })?;
    // At every start: a server of an earlier version may have written orders meanwhile.
    names::index_missing(&mut conn)
        .map_err(|error| format!("the index of earlier customers' names failed: {error}"))?;
    Ok(ran)
}
