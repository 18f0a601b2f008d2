//! Backups of SQLite, made by the SQL statement `VACUUM INTO`, which copies a live database. It reads the state at one
//! moment while others write, and leaves out free pages. (The C interface for online backups would need unsafe code
//! here, and it starts again whenever another process writes.)

use super::{
    catalog,
    files::{private, publish, with_suffix},
};
use crate::db::{self, Conn, migrations};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Number of backups from before a migration that are kept.
const KEPT: usize = 3;

/// Copies the database into an empty file.
pub fn dump(database: &Path, to: &Path) -> Result<(), String> {
    let copied = open(database)
        .map_err(|error| error.to_string())
        .and_then(|mut conn| {
            diesel::sql_query("VACUUM INTO ?")
                .bind::<Text, _>(to.to_string_lossy())
                .execute(&mut conn)
                .map_err(|error| error.to_string())
        });
    match copied {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot copy {}: {error}", database.display())),
    }
}

/// Backs up a database before a migration, to a file next to it, and deletes all but the last few of these backups.
pub fn before_migration(database: &Path, version: &str) -> Result<(), String> {
    let kept = with_suffix(database, &format!(".before-{version}"));
    let partial = with_suffix(&kept, ".partial");
    let failed = |error: &dyn std::fmt::Display| {
        format!("could not back up the database before migrating, so no migration was run: {error}")
    };
    private(&partial).map_err(|error| failed(&error))?;
    dump(database, &partial).map_err(|error| failed(&error))?;
    publish(&partial, &kept).map_err(|error| failed(&error))?;
    tracing::info!(
        "a backup from before the migration is in {}",
        kept.display()
    );
    forget_old(database).map_err(|error| failed(&error))
}

/// Deletes old backups. Versions are dates, so sorting by name sorts by age.
fn forget_old(database: &Path) -> io::Result<()> {
    let prefix = with_suffix(database, ".before-");
    let mut kept: Vec<PathBuf> = fs::read_dir(migrations::folder_of(database))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = |path: &Path| {
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
            };
            name(path)
                .zip(name(&prefix))
                .is_some_and(|(name, prefix)| name.starts_with(&prefix))
        })
        .collect();
    kept.sort();
    let old = kept.len().saturating_sub(KEPT);
    kept.iter().take(old).try_for_each(fs::remove_file)
}

/// Restores a backup as the file of a database.
pub fn restore(file: &Path, database: &Path) -> Result<(), String> {
    let _turn = migrations::lock_folder(database)?;
    make_room(database)?;
    let partial = with_suffix(database, ".restoring");
    let restored = take(file, &partial).and_then(|()| {
        publish(&partial, database)
            .map_err(|error| format!("cannot write {}: {error}", database.display()))
    });
    if restored.is_err() {
        let _ = fs::remove_file(&partial);
    }
    restored
}

/// Copies a backup, and checks that the copy is intact and has a schema that this program knows.
fn take(file: &Path, partial: &Path) -> Result<(), String> {
    let copied = private(partial)
        .and_then(|mut to| File::open(file).and_then(|mut from| io::copy(&mut from, &mut to)));
    copied.map_err(|error| format!("cannot copy {}: {error}", file.display()))?;
    let unreadable =
        |error: &dyn std::fmt::Display| format!("{} is damaged: {error}", file.display());
    let mut conn = open(partial).map_err(|error| unreadable(&error))?;
    let Integrity { integrity_check } = diesel::sql_query("PRAGMA integrity_check(1)")
        .get_result(&mut conn)
        .map_err(|error| unreadable(&error))?;
    if integrity_check != "ok" {
        return Err(unreadable(&integrity_check));
    }
    let versions = versions(&mut conn).map_err(|error| unreadable(&error))?;
    if versions.is_empty() {
        return Err(format!("{} is not a backup of Sirius", file.display()));
    }
    migrations::refuse_newer(&versions).map_err(|error| format!("{}: {error}", file.display()))
}

/// Makes sure that a restore overwrites nothing: there is no database, or an empty one that no process has open.
fn make_room(database: &Path) -> Result<(), String> {
    let left = with_suffix(database, "-wal");
    if !database.exists() {
        return match left.exists() {
            true => Err(format!(
                "{} exists without its database: move it away",
                left.display()
            )),
            false => Ok(()),
        };
    }
    let refused = |why: &dyn std::fmt::Display| {
        format!(
            "{} {why}: a backup can only be restored into an empty database",
            database.display()
        )
    };
    let mut conn = open(database).map_err(|error| refused(&error))?;
    if !catalog::is_empty(&mut conn).map_err(|error| refused(&error))? {
        return Err(refused(&"is not empty"));
    }
    // Leaving the WAL mode requires exclusive access to the database.
    let alone = diesel::sql_query("PRAGMA journal_mode = DELETE").get_result::<Mode>(&mut conn);
    match alone {
        Ok(Mode { journal_mode }) if journal_mode == "delete" => Ok(()),
        _ => Err(refused(&"is in use")),
    }
}

/// Returns the migrations that a database has seen; none if it is not a database of Sirius.
fn versions(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let ours: Vec<Line> = diesel::sql_query(
        "SELECT name AS line FROM sqlite_master
         WHERE name IN ('__diesel_schema_migrations', 'operation_log')",
    )
    .load(conn)?;
    if ours.len() < 2 {
        return Ok(Vec::new());
    }
    let versions: Vec<Line> = diesel::sql_query(
        "SELECT version AS line FROM __diesel_schema_migrations ORDER BY version",
    )
    .load(conn)?;
    Ok(versions.into_iter().map(|version| version.line).collect())
}

fn open(file: &Path) -> Result<Conn, diesel::ConnectionError> {
    let mut conn = db::open_sqlite(file, "")?;
    conn.batch_execute("PRAGMA synchronous = FULL")
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

#[derive(QueryableByName)]
struct Integrity {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

#[derive(QueryableByName)]
struct Mode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}
