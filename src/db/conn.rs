//! Connections to either database, and how they are opened.

use super::url::DatabaseUrl;
use diesel::{
    connection::{Connection, SimpleConnection},
    pg::PgConnection,
    prelude::*,
    sqlite::SqliteConnection,
};
use std::{borrow::Cow, path::Path};

/// Timeouts for libpq, unless the URL sets them: for connecting, in seconds, and for a server that stops answering, in
/// milliseconds.
const TIMEOUTS: [(&str, u32); 2] = [("connect_timeout", 5), ("tcp_user_timeout", 10_000)];

/// Runs first on every PostgreSQL connection. It turns `synchronous_commit` on where it is off, so that data is on
/// disk when a commit returns.
const SESSION_SETTINGS: &str = "SET TIME ZONE 'UTC'; \
    SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') = 'off'";

/// Runs next on every pooled PostgreSQL connection. It limits how long a statement waits for a lock of any kind, and
/// how long a transaction holds its locks after its server died.
const POOL_SETTINGS: &str =
    "SET lock_timeout = '4s'; SET idle_in_transaction_session_timeout = '30s'";

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// The SQL dialect of [`Conn`].
pub type Dialect = <Conn as Connection>::Backend;

impl DatabaseUrl {
    /// Opens a connection that may write.
    pub fn open(&self) -> Result<Conn, ConnectionError> {
        match self {
            Self::Sqlite(path) => open_sqlite(
                path,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
            ),
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(&with_patience(url))?;
                conn.batch_execute(SESSION_SETTINGS)
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Conn::Postgres(conn))
            }
        }
    }

    /// Opens a connection for a pool. With SQLite it is read-only.
    pub fn open_pooled(&self) -> Result<Conn, ConnectionError> {
        match self {
            Self::Sqlite(path) => open_sqlite(path, "PRAGMA query_only = ON;"),
            Self::Postgres(_) => {
                let mut conn = self.open()?;
                conn.batch_execute(POOL_SETTINGS)
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(conn)
            }
        }
    }
}

fn with_patience(url: &str) -> Cow<'_, str> {
    let mut url = Cow::Borrowed(url);
    for (name, value) in TIMEOUTS {
        if !url.contains(name) {
            let joint = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{joint}{name}={value}").into();
        }
    }
    url
}

/// Opens a SQLite file with the settings that every connection needs, and `pragmas`.
pub fn open_sqlite(path: &Path, pragmas: &str) -> Result<Conn, ConnectionError> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON;")
        .and_then(|()| conn.batch_execute(pragmas))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(Conn::Sqlite(conn))
}
