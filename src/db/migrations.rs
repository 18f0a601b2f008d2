//! The migrations of the schema: lists the known and the applied ones, and runs the pending ones.

use super::conn::Conn;
use diesel::{
    connection::SimpleConnection,
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

/// Runs the pending migrations of a database. Returns their versions.
pub fn run_pending(conn: &mut Conn) -> migration::Result<Vec<String>> {
    match conn {
        Conn::Sqlite(conn) => run_on_sqlite(conn, SQLITE_MIGRATIONS),
        Conn::Postgres(conn) => versions(conn.run_pending_migrations(POSTGRES_MIGRATIONS)),
    }
}

/// Runs the pending migrations of a SQLite database, each in its own transaction. It is committed only if no foreign
/// key is broken.
///
/// Foreign keys are off meanwhile, because a migration may rebuild a table (see CONTRIBUTING.md). With them on,
/// dropping the old table would delete its rows, and with them the rows that depend on them, such as sessions.
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

/// Runs `work` while foreign keys are not enforced. SQLite accepts this setting only outside a transaction.
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
            Err(format!("a row of {child} refers to a row of {parent} that does not exist").into())
        }
        None => Ok(()),
    }
}

/// Creates a SQLite file if it is missing. Only its owner may read it and the files that SQLite puts beside it.
pub fn create_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// Waits until no other process migrates or restores in the folder of a SQLite file, and keeps others out until the
/// lock is dropped. Creates the folder if it is missing.
pub fn lock_folder(path: &Path) -> Result<File, String> {
    let folder = folder_of(path);
    let locked = || -> io::Result<File> {
        make_folder(folder)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    locked().map_err(|error| format!("cannot use the folder {}: {error}", folder.display()))
}

/// Creates a folder that only its owner can open, unless it exists.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Returns the folder of a file; the current folder for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Path::new("."),
    }
}

/// Returns the versions that this program knows, oldest first.
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

/// Returns the versions that were applied to a database; none if it is new.
pub fn applied(conn: &mut Conn) -> Result<Vec<String>, String> {
    let applied = match conn {
        Conn::Sqlite(conn) => versions(conn.applied_migrations()),
        Conn::Postgres(conn) => versions(conn.applied_migrations()),
    };
    applied.map_err(|error| error.to_string())
}

/// Returns the first known version that was not applied yet, or `None` if the database is up to date.
pub fn pending(applied: &[String]) -> Option<String> {
    known()
        .into_iter()
        .find(|version| !applied.contains(version))
}

/// Refuses a schema from a newer version of the program, because its meaning is not known here.
pub fn refuse_newer(applied: &[String]) -> Result<(), String> {
    let known = known();
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(format!(
            "was made by a newer Sirius (schema {version}; this one knows schemas up to {}): install that version",
            known.last().map_or("none", String::as_str)
        )),
        None => Ok(()),
    }
}

/// Reverts all migrations, newest first, which deletes all data.
pub fn revert_all(conn: &mut Conn) -> Result<Vec<String>, String> {
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
