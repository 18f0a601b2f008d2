//! A process that serves.

use crate::database::{Database, program};
use reqwest::Client;
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take to answer at first.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A process of `sirius serve`; killed when it is dropped.
pub struct Server {
    pub site: String,
    /// What it writes to its log.
    log: PathBuf,
    process: Child,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    pub async fn start(database: &Database) -> Self {
        Self::start_at(database, free_port(), &[]).await
    }

    /// Starts a server on a port, with settings of its own, and waits until it answers.
    pub async fn start_at(database: &Database, port: u16, settings: &[(&str, &str)]) -> Self {
        let mut server = Self::spawn(database, port, settings);
        server.answers().await;
        server
    }

    /// Starts a server and does not wait. A file that grows too large is an error for it, and no signal.
    pub fn spawn(database: &Database, port: u16, settings: &[(&str, &str)]) -> Self {
        let log = database.file(&format!("log-{port}"));
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(program());
        database.settle_in(&mut command);
        let process = command
            .env("LEPTOS_SITE_ADDR", format!("127.0.0.1:{port}"))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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
            process,
        }
    }

    /// Waits until it answers.
    pub async fn answers(&mut self) {
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

    /// What it has written to its log so far, those before it on the port included.
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

    /// SIGTERM.
    pub fn terminate(&self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// How it ends; `None`: not in this time.
    pub async fn ends(&mut self, limit: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if let Some(ended) = self.process.try_wait().unwrap() {
                return Some(ended);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// SIGTERM, and the exit that follows.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        tokio::task::block_in_place(|| self.process.wait().unwrap())
    }
}

impl Drop for Server {
    /// Whatever a test did, the server has told nobody.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            return;
        }
        for line in self.logged().lines() {
            let secret = crate::secrets::in_line(line);
            assert_eq!(secret, None, "in the log: {line}");
        }
    }
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
