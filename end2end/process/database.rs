//! A database for one test, and commands of the program on it.

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

/// The program under test: as cargo built it, unless `SIRIUS` names another.
pub fn program() -> OsString {
    env::var_os("SIRIUS").unwrap_or_else(|| env!("CARGO_BIN_EXE_sirius").into())
}

/// A database of its own, and a folder for what the program keeps beside it. Gone with this.
pub struct Database {
    pub url: String,
    pub folder: TempDir,
    /// Name of the database in the server that `TEST_DATABASE_URL` names.
    in_server: Option<String>,
}

/// An order as it is on record.
#[derive(QueryableByName, Debug)]
pub struct OnRecord {
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

    /// A database that somebody else made and takes away.
    pub fn at(url: String) -> Self {
        Self {
            url,
            folder: tempfile::tempdir().unwrap(),
            in_server: None,
        }
    }

    /// An empty database of the same kind.
    pub fn another(&self) -> Self {
        match self.kind() {
            "SQLite" => Self::sqlite(),
            _ => Self::postgres(),
        }
    }

    /// An empty database of the other kind.
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

    /// A file in the folder of this database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the program on this database, with nothing of the developer's own settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.settle_in(&mut command);
        command
    }

    /// Gives a command the settings of this database.
    pub fn settle_in(&self, command: &mut Command) {
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

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(arguments).output().unwrap())
    }

    /// Runs a command that must go well, and gives what it said.
    pub fn does(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        let (said, error) = words(&ran);
        assert!(ran.status.success(), "{arguments:?}: {said}{error}");
        said
    }

    /// Runs a command that must be refused, and gives why.
    pub fn refuses(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        let (said, error) = words(&ran);
        assert!(!ran.status.success(), "{arguments:?}: {said}{error}");
        error
    }

    /// Proves that the books agree.
    pub fn assert_agrees(&self) {
        assert!(self.does(&["check"]).contains("everything agrees"));
    }

    /// A connection behind the program's back.
    pub fn open(&self) -> Conn {
        self.url.parse::<DatabaseUrl>().unwrap().open().unwrap()
    }

    /// Runs SQL behind the program's back.
    pub fn sql(&self, statement: &str) {
        self.open().batch_execute(statement).unwrap();
    }

    /// The one text column, named `line`, of what a query finds.
    pub fn lines(&self, query: &str) -> Vec<String> {
        let lines: Vec<Line> = sql_query(query).load(&mut self.open()).unwrap();
        lines.into_iter().map(|row| row.line).collect()
    }

    /// Every order, as it is on record.
    pub fn orders(&self) -> Vec<OnRecord> {
        sql_query("SELECT id, customer_name, status FROM orders ORDER BY id")
            .load(&mut self.open())
            .unwrap()
    }

    /// The names of all tables but the one that diesel keeps.
    pub fn tables(&self) -> Vec<String> {
        self.lines(match self.kind() {
            "SQLite" => "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND substr(name, 1, 2) <> '__' ORDER BY name",
            _ => "SELECT table_name::text AS line FROM information_schema.tables WHERE table_schema = 'public' AND left(table_name, 2) <> '__' ORDER BY table_name COLLATE \"C\"",
        })
    }

    /// The versions that the schema has been brought through, oldest first.
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

/// What a command said, to whom it was run for and about its errors.
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
