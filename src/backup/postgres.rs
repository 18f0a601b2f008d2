//! Backups of PostgreSQL, made by its own tools `pg_dump` and `pg_restore`.

use super::{catalog, error::CopyError};
use crate::db::{Conn, DatabaseUrl, migrations};
use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use std::{
    fmt::Display,
    io,
    path::Path,
    process::{Command, Output},
};
use url::{Url, form_urlencoded};

/// The table that records the migrations of a schema.
const VERSIONS: &str = "__diesel_schema_migrations";

/// Dumps the database into a file.
pub fn dump(url: &str, to: &Path) -> Result<(), String> {
    let (place, password) = split_password(url)?;
    let (ours, servers) = (major("pg_dump")?, server_major(url)?);
    if ours < servers {
        return Err(format!(
            "pg_dump is from PostgreSQL {ours}, but the server is PostgreSQL {servers}: \
             install postgresql-client-{servers}"
        ));
    }
    let mut dump = Command::new("pg_dump");
    dump.args([
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--no-password",
    ])
    .arg("--file")
    .arg(to)
    .arg("--dbname")
    .arg(place);
    run(&mut dump, password.as_deref())?;
    Ok(())
}

/// Restores a dump completely or not at all.
pub fn restore(file: &Path, url: &str) -> Result<(), String> {
    let versions = versions(file)?;
    if versions.is_empty() {
        return Err(format!("{} is not a backup of Sirius", file.display()));
    }
    migrations::refuse_newer(&versions).map_err(|error| format!("{}: {error}", file.display()))?;
    make_room(url)?;
    let (place, password) = split_password(url)?;
    let mut restore = Command::new("pg_restore");
    restore
        .args([
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-password",
        ])
        .arg("--dbname")
        .arg(place)
        .arg(file);
    run(&mut restore, password.as_deref())?;
    Ok(())
}

/// Drops the tables of an empty database, so that the dump can create its own.
fn make_room(url: &str) -> Result<(), String> {
    let url = DatabaseUrl::Postgres(url.to_owned());
    let mut conn = url
        .open()
        .map_err(|error| format!("cannot open {url}: {error}"))?;
    let made = conn.transaction(|conn| {
        if !catalog::is_empty(conn)? {
            return Err(CopyError::Refused(format!(
                "{url} is not empty: a backup can only be restored into an empty database"
            )));
        }
        if !catalog::tables(conn)?.is_empty() {
            migrations::revert_all(conn)?;
        }
        conn.batch_execute(&format!("DROP TABLE IF EXISTS {VERSIONS}"))?;
        Ok(())
    });
    made.map_err(String::from)
}

/// Returns the migrations that the database in a dump has seen; none if it is not a dump of Sirius.
fn versions(file: &Path) -> Result<Vec<String>, String> {
    let mut read = Command::new("pg_restore");
    read.args(["--data-only", "--file=-", "--table", VERSIONS])
        .arg(file);
    let said = run(&mut read, None)?;
    let said = String::from_utf8_lossy(&said.stdout);
    let rows = said
        .lines()
        .skip_while(|line| !line.starts_with("COPY "))
        .skip(1)
        .take_while(|line| *line != "\\.");
    Ok(rows
        .filter_map(|row| row.split('\t').next())
        .map(str::to_owned)
        .collect())
}

/// Splits a URL into one without the password, and the password. On a command line, other users could read the password
/// in the list of processes.
fn split_password(url: &str) -> Result<(String, Option<String>), String> {
    let mut url = Url::parse(url).map_err(|error| {
        format!("PostgreSQL's tools need a DATABASE_URL with one server: {error}")
    })?;
    let mut password = url.password().map(decoded);
    let kept: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    for (name, value) in kept {
        if name == "password" {
            password = Some(value);
        } else {
            // PostgreSQL does not read a plus sign as a space.
            let pair: String = form_urlencoded::Serializer::new(String::new())
                .append_pair(&name, &value)
                .finish()
                .replace('+', "%20");
            let joint = url
                .query()
                .map(|query| format!("{query}&"))
                .unwrap_or_default();
            url.set_query(Some(&format!("{joint}{pair}")));
        }
    }
    if password.is_some() {
        let _ = url.set_password(None);
    }
    Ok((url.into(), password))
}

/// Decodes percent-encoded text; a plus sign stays a plus sign.
fn decoded(text: &str) -> String {
    let pair = format!("p={}", text.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Returns the major version of one of PostgreSQL's tools.
fn major(tool: &str) -> Result<u32, String> {
    let said = run(Command::new(tool).arg("--version"), None)?;
    let said = String::from_utf8_lossy(&said.stdout);
    // pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
    said.split_whitespace()
        .nth(2)
        .and_then(|version| version.split(|sign: char| !sign.is_ascii_digit()).next())
        .and_then(|major| major.parse().ok())
        .ok_or_else(|| format!("{tool} reports no version: {said}"))
}

fn server_major(url: &str) -> Result<u32, String> {
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let failed = |error: &dyn Display| format!("cannot reach the database: {error}");
    let mut conn: Conn = DatabaseUrl::Postgres(url.to_owned())
        .open()
        .map_err(|error| failed(&error))?;
    let Version { version } =
        diesel::sql_query("SELECT current_setting('server_version_num') AS version")
            .get_result(&mut conn)
            .map_err(|error| failed(&error))?;
    let number: u32 = version.parse().map_err(|error| failed(&error))?;
    Ok(number / 10_000)
}

fn run(tool: &mut Command, password: Option<&str>) -> Result<Output, String> {
    if let Some(password) = password {
        tool.env("PGPASSWORD", password);
    }
    let name = tool.get_program().to_string_lossy().into_owned();
    let ran = tool.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{name} is missing: install PostgreSQL's client programs (Debian: apt-get install postgresql-client)"
        ),
        _ => format!("{name}: {error}"),
    })?;
    if ran.status.success() {
        Ok(ran)
    } else {
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(format!("{name} failed: {}", said.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_kept_off_the_command_line() {
        let read = |url| split_password(url).unwrap();
        let (url_without_password, password) =
            read("postgres://anna:p%40ss+w@db.example:5433/shop?sslmode=require");
        assert_eq!(
            url_without_password,
            "postgres://anna@db.example:5433/shop?sslmode=require"
        );
        assert_eq!(password.as_deref(), Some("p@ss+w"));
        let (url_without_password, password) = read(
            "postgres:///shop?host=/run/postgresql&password=a%20b&options=-csearch_path%3Dx%20-cy%3Dz",
        );
        assert_eq!(
            url_without_password,
            "postgres:///shop?host=%2Frun%2Fpostgresql&options=-csearch_path%3Dx%20-cy%3Dz"
        );
        assert_eq!(password.as_deref(), Some("a b"));
        assert_eq!(read("postgres://anna@db/shop").1, None);
    }
}
