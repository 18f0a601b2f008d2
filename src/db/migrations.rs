//! Bringing the schema up to date, one process at a time, and telling which version it has.

use super::{Conn, DatabaseUrl, backfills};
use crate::{analytics::rollup, backup, error::Error, orders::names};
use diesel::{
    connection::{Connection, SimpleConnection},
    migration::{Migration, MigrationSource},
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
/// keeps a backup of a SQLite database that it changes. Processes that start together take turns.
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
        // Held until the connection is closed.
        conn.batch_execute("SELECT pg_advisory_lock(7241)")
            .map_err(|error| error.to_string())?;
    }
    let applied = applied(&mut conn).map_err(|error| format!("cannot read {url}: {error}"))?;
    refuse_newer(&applied).map_err(|error| format!("{url}: {error}"))?;
    if let (DatabaseUrl::Sqlite(path), Some(version), false) =
        (url, pending(&applied), applied.is_empty())
    {
        backup::before_migration(path, &version)?;
    }
    let ran = match &mut conn {
        Conn::Sqlite(conn) => versions(conn.run_pending_migrations(SQLITE_MIGRATIONS)),
        Conn::Postgres(conn) => versions(conn.run_pending_migrations(POSTGRES_MIGRATIONS)),
    };
    let ran = ran.map_err(|error| format!("migration failed: {error}"))?;
    // Not part of a migration in SQL: which day of the shop it was depends on the settings.
    conn.transaction(|conn| match rollup::is_missing(conn)? {
        true => rollup::rebuild(conn),
        false => Ok(0),
    })
    .map_err(|error: Error| format!("roll-ups of earlier orders failed: {error}"))?;
    backfills::run(&mut conn, backfills::ALL).map_err(|error| {
        format!("rows of earlier versions cannot be brought up to date: {error}")
    })?;
    // Nor this: SQLite folds no Cyrillic.
    names::index_missing(&mut conn)
        .map_err(|error| format!("the index of earlier customers' names failed: {error}"))?;
    Ok(ran)
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
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    locked().map_err(|error| format!("cannot use the folder {}: {error}", folder.display()))
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
        Conn::Sqlite(conn) => versions(conn.revert_all_migrations(SQLITE_MIGRATIONS)),
        Conn::Postgres(conn) => versions(conn.revert_all_migrations(POSTGRES_MIGRATIONS)),
    };
    reverted.map_err(|error| error.to_string())
}

fn versions(
    versions: diesel::migration::Result<Vec<diesel::migration::MigrationVersion<'_>>>,
) -> diesel::migration::Result<Vec<String>> {
    Ok(versions?.iter().map(ToString::to_string).collect())
}
