//! Copies of the whole shop: `sirius backup` and `sirius restore` for one database, and `sirius copy` from one database
//! to another.
//!
//! A backup is one file in a format of the database itself, so that it can also be opened without Sirius: a SQLite
//! database, or a dump in the custom format of `pg_dump`.

mod catalog;
mod copy;
mod error;
mod files;
mod postgres;
pub mod sqlite;

pub use copy::{Copied, copy};
pub use error::CopyError;

use crate::db::DatabaseUrl;
use files::{is_same_file, private, publish, with_suffix};
use std::{
    fmt,
    fs::{self, File},
    io::Read,
    path::Path,
};

/// Makes a consistent backup of a database that may be in use. The file gets its name only when it is complete, and
/// only its owner may read it.
pub fn backup(url: &DatabaseUrl, file: &Path, replace: bool) -> Result<(), String> {
    url.must_exist()?;
    if file.exists() {
        if !replace {
            return Err(format!(
                "{} already exists; use --force to replace it",
                file.display()
            ));
        }
        may_be_replaced(url, file)?;
    }
    let partial = with_suffix(file, ".partial");
    let made = private(&partial)
        .map_err(|error| format!("cannot write {}: {error}", partial.display()))
        .and_then(|_| match url {
            DatabaseUrl::Sqlite(path) => sqlite::dump(path, &partial),
            DatabaseUrl::Postgres(url) => postgres::dump(url, &partial),
        })
        .and_then(|()| {
            publish(&partial, file)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))
        });
    if made.is_err() {
        let _ = fs::remove_file(&partial);
    }
    made
}

/// Checks that a backup may replace a file: it must be an earlier backup or empty, and not a database in use.
fn may_be_replaced(url: &DatabaseUrl, file: &Path) -> Result<(), String> {
    let is_served = match url {
        DatabaseUrl::Sqlite(database) => is_same_file(database, file),
        DatabaseUrl::Postgres(_) => false,
    };
    if is_served || with_suffix(file, "-wal").exists() {
        return Err(format!(
            "{} is a database, not a backup: name another file",
            file.display()
        ));
    }
    match fs::metadata(file) {
        Ok(file) if file.len() == 0 => Ok(()),
        _ => Format::of(file).map(drop),
    }
}

/// Restores a backup into an empty database, and brings its schema up to date.
pub fn restore(url: &DatabaseUrl, file: &Path) -> Result<(), String> {
    let format = Format::of(file)?;
    match (format, url) {
        (Format::Sqlite, DatabaseUrl::Sqlite(path)) => sqlite::restore(file, path)?,
        (Format::Postgres, DatabaseUrl::Postgres(url)) => postgres::restore(file, url)?,
        (format, url) => {
            return Err(format!(
                "{} is a backup of {format}, but DATABASE_URL is {url}: restore it into {format}, \
                 then move it with `sirius copy --to`",
                file.display()
            ));
        }
    }
    crate::migrate::migrate(url)?;
    Ok(())
}

/// The kind of database that a backup is from.
#[derive(Clone, Copy)]
enum Format {
    Sqlite,
    Postgres,
}

impl Format {
    /// Detects the format by the first bytes of a file.
    fn of(file: &Path) -> Result<Self, String> {
        let mut start = Vec::new();
        File::open(file)
            .and_then(|opened| opened.take(16).read_to_end(&mut start))
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        if start == b"SQLite format 3\0" {
            Ok(Self::Sqlite)
        } else if start.starts_with(b"PGDMP") {
            Ok(Self::Postgres)
        } else {
            Err(format!("{} is not a backup of Sirius", file.display()))
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
