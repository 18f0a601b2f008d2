//! Bringing the schema up to date, one process at a time, and telling which version it has.

use super::{Conn, DatabaseUrl, backfills};
use crate::{analytics::rollup, backup, orders::names};
use diesel::{
    connection::{Connection, SimpleConnection},
    migration::{self, Migration, MigrationSource},
    prelude::*,
    sql_types::Text,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Brings the schema up to date; creates the SQLite file and its folder when they are missing, and
/// keeps a backup of a SQLite database that it changes; of PostgreSQL it only says that there is none.
/// Processes that start together take turns.
/// Returns the versions of the migrations that ran.
pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, String> {
    let _turn = match url {
        DatabaseUrl::Sqlite(path) => {
            let turn = take_turn(path)?;
            make_private(path).map_err(|error| format!("cannot use {url}: {error}"))?;
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
    let applied = applied(&mut conn).map_err(|error| format!("cannot read {url}: {error}"))?;
    refuse_newer(&applied).map_err(|error| format!("{url}: {error}"))?;
    if let (Some(version), false) = (pending(&applied), applied.is_empty()) {
        match url {
            DatabaseUrl::Sqlite(path) => backup::before_migration(path, &version)?,
            DatabaseUrl::Postgres(_) => tracing::warn!(
                "the schema of {url} is brought to {version} and on, without a backup: that is yours to make, \
                 by `sirius backup` before a new version starts"
            ),
        }
    }
    let ran = match &mut conn {
        Conn::Sqlite(conn) => run_on_sqlite(conn, SQLITE_MIGRATIONS),
        Conn::Postgres(conn) => versions(conn.run_pending_migrations(POSTGRES_MIGRATIONS)),
    };
    let ran = ran.map_err(|error| format!("migration failed: {error}"))?;
    // Not part of a migration in SQL: which day of the shop it was depends on the settings.
    let rolled_up = match rollup::is_missing(&mut conn) {
        Ok(true) => conn.transaction(rollup::rebuild),
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

/// Brings a SQLite database through the migrations that it has not seen, each in a transaction of its own, which is
/// committed when every reference leads somewhere.
///
/// A migration may build a table anew ("How a migration is written" in ARCHITECTURE.md): with foreign keys on, dropping
/// the old table would delete its rows, and with them the rows of others that go along, such as sessions.
pub(crate) fn run_on_sqlite(
    conn: &mut SqliteConnection,
    source: impl MigrationSource<Sqlite>,
) -> migration::Result<Vec<String>> {
    let pending = conn.pending_migrations(source)?;
    without_foreign_keys(conn, |conn| {
        let ran = pending.iter().map(|migration| {
            conn.immediate_transaction(|conn| {
                let version = conn.run_migration(migration)?.to_string();
                refuse_broken_references(conn)?;
                Ok(version)
            })
        });
        ran.collect()
    })
}

/// Does something while references may lead nowhere. SQLite takes that setting outside of transactions only.
fn without_foreign_keys<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> migration::Result<T>,
) -> migration::Result<T> {
    conn.batch_execute("PRAGMA foreign_keys = OFF")?;
    let done = work(conn);
    conn.batch_execute("PRAGMA foreign_keys = ON")?;
    done
}

fn refuse_broken_references(conn: &mut SqliteConnection) -> migration::Result<()> {
    #[derive(QueryableByName)]
    struct Broken {
        #[diesel(sql_type = Text)]
        child: String,
        #[diesel(sql_type = Text)]
        parent: String,
    }
    let broken = diesel::sql_query(
        "SELECT \"table\" AS child, parent FROM pragma_foreign_key_check LIMIT 1",
    )
    .get_result::<Broken>(conn)
    .optional()?;
    match broken {
        Some(Broken { child, parent }) => {
            Err(format!("a row of {child} refers to a row of {parent} that is not there").into())
        }
        None => Ok(()),
    }
}

/// Makes a SQLite file when it is missing. Only its owner may read it and what SQLite puts beside it.
fn make_private(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// Waits until no other process migrates or restores in the folder of a SQLite file, and keeps others
/// out until the lock is dropped. Makes the folder when it is missing.
pub fn take_turn(path: &Path) -> Result<File, String> {
    let folder = folder_of(path);
    let locked = || -> io::Result<File> {
        make_folder(folder)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    locked().map_err(|error| format!("cannot use the folder {}: {error}", folder.display()))
}

/// Makes a folder that only its owner may look into, unless it is there.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The folder of a file; the present one for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Path::new("."),
    }
}

/// The versions that this program knows, oldest first.
pub fn known() -> Vec<String> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> =
        SQLITE_MIGRATIONS.migrations().unwrap_or_default();
    let mut versions: Vec<_> = migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort();
    versions
}

/// The versions that a database has been brought through; none when it is new.
pub fn applied(conn: &mut Conn) -> Result<Vec<String>, String> {
    let applied = match conn {
        Conn::Sqlite(conn) => versions(conn.applied_migrations()),
        Conn::Postgres(conn) => versions(conn.applied_migrations()),
    };
    applied.map_err(|error| error.to_string())
}

/// The first version that a database has not been brought through yet; `None`: it is up to date.
pub fn pending(applied: &[String]) -> Option<String> {
    known()
        .into_iter()
        .find(|version| !applied.contains(version))
}

/// Refuses a schema that a later version of the program made: what it means is not known here.
pub fn refuse_newer(applied: &[String]) -> Result<(), String> {
    let known = known();
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(format!(
            "made by a newer Sirius (schema {version}, this one knows up to {}): install that version",
            known.last().map_or("none", String::as_str)
        )),
        None => Ok(()),
    }
}

/// Takes every migration back, newest first, with all data.
pub fn unmigrate(conn: &mut Conn) -> Result<Vec<String>, String> {
    let reverted = match conn {
        Conn::Sqlite(conn) => without_foreign_keys(conn, |conn| {
            versions(conn.revert_all_migrations(SQLITE_MIGRATIONS))
        }),
        Conn::Postgres(conn) => versions(conn.revert_all_migrations(POSTGRES_MIGRATIONS)),
    };
    reverted.map_err(|error| error.to_string())
}

fn versions(
    versions: diesel::migration::Result<Vec<diesel::migration::MigrationVersion<'_>>>,
) -> diesel::migration::Result<Vec<String>> {
    Ok(versions?.iter().map(ToString::to_string).collect())
}
