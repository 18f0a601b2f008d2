//! A database for one test, and the commands of the program that run on it.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use sirius::db::{Conn, DatabaseUrl};
use std::{
    env,
    ffi::OsString,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;

/// Returns the program under test: the one that cargo built, or the one in `SIRIUS`.
pub fn program() -> OsString {
    env::var_os("SIRIUS").unwrap_or_else(|| env!("CARGO_BIN_EXE_sirius").into())
}

/// A separate database, and a folder for the files that the program keeps beside it. Both are deleted on drop.
pub struct Database {
    pub url: String,
    pub folder: TempDir,
    /// The name of the database on the server in `TEST_DATABASE_URL`.
    in_server: Option<String>,
}

/// An order as stored in the database.
#[derive(QueryableByName, Debug)]
pub struct StoredOrder {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub customer_name: Option<String>,
    #[diesel(sql_type = Text)]
    pub status: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}/sirius.db", folder.path().display()),
            folder,
            in_server: None,
        }
    }

    pub fn postgres() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("sirius_process_{}_{made}", std::process::id());
        in_server(&format!("CREATE DATABASE {name}"));
        let mut url = url::Url::parse(&postgres_server()).unwrap();
        url.set_path(&name);
        let mut database = Self::at(url.into());
        database.in_server = Some(name);
        database
    }

    /// Returns a database that the caller creates and deletes.
    pub fn at(url: String) -> Self {
        Self {
            url,
            folder: tempfile::tempdir().unwrap(),
            in_server: None,
        }
    }

    /// Creates an empty database of the same kind.
    pub fn another(&self) -> Self {
        match self.kind() {
            "SQLite" => Self::sqlite(),
            _ => Self::postgres(),
        }
    }

    /// Creates an empty database of the other kind.
    pub fn opposite(&self) -> Self {
        match self.kind() {
            "SQLite" => Self::postgres(),
            _ => Self::sqlite(),
        }
    }

    pub fn kind(&self) -> &'static str {
        if self.url.starts_with("sqlite") {
            "SQLite"
        } else {
            "PostgreSQL"
        }
    }

    /// Returns the path of a file in the folder of this database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Prepares a command of the program on this database, without the developer's own settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.apply_settings(&mut command);
        command
    }

    /// Sets the environment of a command to this database.
    pub fn apply_settings(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("DATABASE_URL", &self.url)
            .env("BCRYPT_COST", "4")
            .env(
                "SECRET_KEY",
                "a key of the tests, the same for every server",
            )
            .current_dir(self.folder.path());
    }

    /// Runs a command of the program and waits for its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed, and returns its output.
    pub fn does(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        let (said, error) = words(&ran);
        assert!(ran.status.success(), "{arguments:?}: {said}{error}");
        said
    }

    /// Runs a command that must fail, and returns its error output.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        let (said, error) = words(&ran);
        assert!(!ran.status.success(), "{arguments:?}: {said}{error}");
        error
    }

    /// Asserts that `sirius check` finds nothing wrong.
    pub fn assert_agrees(&self) {
        assert!(self.does(&["check"]).contains("everything agrees"));
    }

    /// Opens a connection that bypasses the program.
    pub fn open(&self) -> Conn {
        self.url.parse::<DatabaseUrl>().unwrap().open().unwrap()
    }

    /// Runs SQL that bypasses the program.
    pub fn sql(&self, statement: &str) {
        self.open().batch_execute(statement).unwrap();
    }

    /// Runs a query and returns its only column, a text named `line`.
    pub fn lines(&self, query: &str) -> Vec<String> {
        let lines: Vec<Line> = sql_query(query).load(&mut self.open()).unwrap();
        lines.into_iter().map(|row| row.line).collect()
    }

    /// Returns all orders.
    pub fn orders(&self) -> Vec<StoredOrder> {
        sql_query("SELECT id, customer_name, status FROM orders ORDER BY id")
            .load(&mut self.open())
            .unwrap()
    }

    /// Returns the names of all tables except those that begin with `__`, such as diesel's.
    pub fn tables(&self) -> Vec<String> {
        self.lines(match self.kind() {
            "SQLite" => {
                "SELECT name AS line FROM sqlite_master
                 WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND substr(name, 1, 2) <> '__'
                    AND name <> 'order_counts'
                 ORDER BY name"
            }
            _ => {
                "SELECT table_name::text AS line FROM information_schema.tables
                 WHERE table_schema = 'public' AND left(table_name, 2) <> '__'
                    AND table_name <> 'order_counts'
                 ORDER BY table_name COLLATE \"C\""
            }
        })
    }

    /// Returns the versions of the applied migrations, oldest first.
    pub fn versions(&self) -> Vec<String> {
        self.lines("SELECT version AS line FROM __diesel_schema_migrations ORDER BY version")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = &self.in_server {
            in_server(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Returns the standard output and the error output of a command.
fn words(ran: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&ran.stdout), text(&ran.stderr))
}

fn postgres_server() -> String {
    env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL is not set: run `make unit`, or scripts/with-postgres cargo test --features ssr")
}

fn in_server(statement: &str) {
    PgConnection::establish(&postgres_server())
        .unwrap()
        .batch_execute(statement)
        .unwrap();
}
