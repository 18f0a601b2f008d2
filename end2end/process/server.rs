//! A server process.

use crate::database::{Database, program};
use reqwest::Client;
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How many lines of its log are shown when a test fails.
const SHOWN_LINES: usize = 40;

/// A process of `sirius serve`, which is killed when this is dropped.
pub struct Server {
    pub site: String,
    /// The file with its log.
    log: PathBuf,
    /// The file with its standard output.
    printed: PathBuf,
    process: Child,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    pub async fn start(database: &Database) -> Self {
        Self::start_at(database, free_port(), &[]).await
    }

    /// Starts a server on a port with extra settings, and waits until it answers.
    pub async fn start_at(database: &Database, port: u16, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(database, port, settings);
        server.wait_until_ready().await;
        server
    }

    /// Starts a server without waiting. It ignores SIGXFSZ, so that writing too large a file is an error instead.
    pub fn spawn(database: &Database, port: u16, settings: &[(&str, &str)]) -> Self {
        let log = database.file(&format!("log-{port}"));
        let printed = database.file(&format!("printed-{port}"));
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(program());
        database.apply_settings(&mut command);
        let process = command
            .env("LEPTOS_SITE_ADDR", format!("127.0.0.1:{port}"))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(fs::File::create(&printed).unwrap())
            .stderr(
                fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        Self {
            site: format!("http://127.0.0.1:{port}"),
            log,
            printed,
            process,
        }
    }

    /// Waits until it answers.
    pub async fn wait_until_ready(&mut self) {
        let started = Instant::now();
        let asked = format!("{}/api/openapi.json", self.site);
        while Client::new().get(&asked).send().await.is_err() {
            let ended = self.process.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < START_LIMIT,
                "no server: {}",
                self.logged()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn port(&self) -> u16 {
        self.site.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Returns its log so far, including that of earlier servers on the same port.
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns what it has printed to standard output, which is not its log.
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.printed).unwrap()
    }

    /// Waits until its log contains a text.
    pub async fn wait_for_log(&self, word: &str) {
        let started = Instant::now();
        while !self.logged().contains(word) {
            assert!(started.elapsed() < START_LIMIT, "{}", self.logged());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGKILL, which ends it at once.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it ends. Returns `None` if it does not do so in time.
    pub async fn wait_for_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if let Some(ended) = self.process.try_wait().unwrap() {
                return Some(ended);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Sends SIGTERM and waits until it ends.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        tokio::task::block_in_place(|| self.process.wait().unwrap())
    }
}

impl Drop for Server {
    /// Asserts that the log contains no secret, whatever the test did. Prints its end if the test has failed.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.logged();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("The log of {} ends with:\n{}", self.site, last.join("\n"));
            return;
        }
        for line in self.logged().lines() {
            let secret = sirius::testing::secrets::find_secret(line);
            assert_eq!(secret, None, "a secret is in the log: {line}");
        }
    }
}

/// Returns a port that is free at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
