//! A running `sirius`, its database, and somebody who talks to it.

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The program under test, as cargo built it.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_sirius");
/// The password of everybody in the tests.
pub const PASSWORD: &str = "correct horse";
/// How long a server may take to answer at first.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A fresh database, and a folder for what the program keeps beside it. Gone with this.
pub struct Database {
    pub url: String,
    pub folder: TempDir,
    /// Name of the database in the server that `TEST_DATABASE_URL` names.
    postgres: Option<String>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}/sirius.db", folder.path().display()),
            folder,
            postgres: None,
        }
    }

    pub fn postgres() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("sirius_process_{}_{made}", std::process::id());
        sql(&postgres_server(), &format!("CREATE DATABASE {name}"));
        let mut url = url::Url::parse(&postgres_server()).unwrap();
        url.set_path(&name);
        Self {
            url: url.into(),
            folder: tempfile::tempdir().unwrap(),
            postgres: Some(name),
        }
    }

    /// A command of the program on this database, with nothing of the developer's own settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
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
        command
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Proves that the books agree.
    pub fn assert_agrees(&self) {
        let check = self.run(&["check"]);
        let said = String::from_utf8_lossy(&check.stdout);
        let error = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "{said}{error}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(name) = &self.postgres {
            sql(
                &postgres_server(),
                &format!("DROP DATABASE {name} WITH (FORCE)"),
            );
        }
    }
}

fn postgres_server() -> String {
    env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL is not set: run `make unit`, or scripts/with-postgres cargo test --features ssr")
}

fn sql(server: &str, statement: &str) {
    PgConnection::establish(server)
        .unwrap()
        .batch_execute(statement)
        .unwrap();
}

/// A process that serves.
pub struct Server {
    pub site: String,
    /// What it writes to its log.
    pub log: PathBuf,
    process: Child,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    pub async fn start(database: &Database, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(database, settings);
        let started = Instant::now();
        while Client::new().get(&server.site).send().await.is_err() {
            let ended = server.process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "no server: {}",
                server.logged()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    /// Starts a server and does not wait.
    pub fn spawn(database: &Database, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let log = database.folder.path().join(format!("log-{port}"));
        let process = database
            .command(&["serve"])
            .env("LEPTOS_SITE_ADDR", format!("127.0.0.1:{port}"))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            site: format!("http://127.0.0.1:{port}"),
            log,
            process,
        }
    }

    /// What it has written to its log so far.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its log has a word.
    pub async fn wait_for_log(&self, word: &str) {
        let started = Instant::now();
        while !self.logged().contains(word) {
            assert!(started.elapsed() < START_LIMIT, "{}", self.logged());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process, as the operating system numbers it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL: it ends in the middle of whatever it does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM, and the exit that follows.
    pub fn stop(mut self) -> std::process::ExitStatus {
        let stopped = Command::new("kill")
            .arg(self.pid().to_string())
            .status()
            .unwrap();
        assert!(stopped.success());
        self.process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Registers the first account of a shop, the admin, and gives a program that is signed in for him.
pub async fn open_shop(server: &Server) -> Client {
    let client = Client::builder().cookie_store(true).build().unwrap();
    let reply = client
        .post(format!("{}/api/auth/register", server.site))
        .json(&json!({"username": "anna", "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 201, "{:?}", reply.text().await);
    client
}

/// Sends JSON and gives the status and the JSON that came back; `Null` where there was none.
pub async fn post(
    client: &Client,
    server: &Server,
    path: &str,
    body: &Value,
) -> reqwest::Result<(u16, Value)> {
    let request = client.post(format!("{}{path}", server.site));
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    let reply = request.send().await?;
    Ok((
        reply.status().as_u16(),
        reply.json().await.unwrap_or_default(),
    ))
}
