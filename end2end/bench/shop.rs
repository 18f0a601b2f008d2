//! The shops to measure: a database filled by `sirius demo`, and the servers on it.

use crate::{Outcome, issue::USER, load::Target};
use reqwest::Client;
use std::{
    fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PASSWORD: &str = "correct horse battery";
/// The accounts that have streams open.
const CLERKS: usize = 20;
const STREAMS_OF_CLERK: usize = 50;
/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A database with demo data, and the folder of the program that serves it.
pub struct Shop {
    pub name: &'static str,
    pub url: String,
    folder: PathBuf,
    program: PathBuf,
}

/// A running server, which is killed when this is dropped.
pub struct Running {
    pub target: Target,
    process: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Shop {
    /// Fills an empty database.
    pub fn create(
        name: &'static str,
        url: String,
        (orders, products): (u32, u32),
        folder: &Path,
        program: &Path,
    ) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        let shop = Self {
            name,
            url,
            folder: folder.to_owned(),
            program: program.to_owned(),
        };
        let (orders, products) = (orders.to_string(), products.to_string());
        shop.run(&["demo", "--orders", &orders, "--products", &products], "")?;
        shop.run(&["user", "add", USER, "--role", "admin"], PASSWORD)?;
        for clerk in 0..CLERKS {
            shop.run(&["user", "add", &format!("clerk{clerk}")], PASSWORD)?;
        }
        Ok(shop)
    }

    /// Checks the invariants of its data.
    pub fn check(&self) -> Outcome {
        self.run(&["check"], "")
    }

    /// Runs a command of the program. What it printed is the error if it fails.
    fn run(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(&self.program, arguments);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = process.spawn()?;
        if let Some(mut stdin) = process.stdin.take() {
            writeln!(stdin, "{input}")?;
        }
        let ended = process.wait_with_output()?;
        if !ended.status.success() {
            let printed = String::from_utf8_lossy(&ended.stdout);
            return Err(format!("sirius {}: {printed}", arguments.join(" ")).into());
        }
        Ok(())
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("DATABASE_URL", &self.url)
            .env("SECRET_KEY", "a key for this benchmark only, nothing else")
            .env("SHOP_TIMEZONE", "Europe/Moscow")
            .env("RATE_LIMIT", "0")
            .env("RUST_LOG", "warn");
        command
    }

    /// Starts Sirius and signs in.
    pub async fn serve(&self) -> Outcome<Running> {
        let port = free_port()?;
        let mut command = self.command(&self.program, &["serve"]);
        command.env("LEPTOS_SITE_ADDR", format!("127.0.0.1:{port}"));
        let mut running = self.start(command, port).await?;
        running.target.cookies = sign_in(&running.target, USER).await?;
        Ok(running)
    }

    /// Starts a server of floors, which answers with the files in `bodies`.
    pub async fn floor(&self, bodies: &Path) -> Outcome<Running> {
        let port = free_port()?;
        let bodies = bodies.to_string_lossy();
        let port_text = port.to_string();
        let arguments = ["floor", self.url.as_str(), bodies.as_ref(), &port_text];
        let command = self.command(&std::env::current_exe()?, &arguments);
        self.start(command, port).await
    }

    async fn start(&self, mut command: Command, port: u16) -> Outcome<Running> {
        let log = fs::File::create(self.folder.join(format!("log-{port}")))?;
        let process = command.stdin(Stdio::null()).stderr(log).spawn()?;
        let target = Target {
            site: format!("http://127.0.0.1:{port}"),
            pid: process.id(),
            cookies: String::new(),
        };
        let mut running = Running { target, process };
        let started = Instant::now();
        while Client::new()
            .get(&running.target.site)
            .send()
            .await
            .is_err()
        {
            if running.process.try_wait()?.is_some() || started.elapsed() > START_LIMIT {
                let log = fs::read_to_string(self.folder.join(format!("log-{port}")))?;
                return Err(format!("no server on port {port}: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(running)
    }
}

/// Signs a user in, and returns the cookies of the session.
async fn sign_in(target: &Target, username: &str) -> Outcome<String> {
    let answer = Client::new()
        .post(format!("{}/api/auth/login", target.site))
        .header("content-type", "application/json")
        .body(format!(
            r#"{{"username": "{username}", "password": "{PASSWORD}"}}"#
        ))
        .send()
        .await?
        .error_for_status()?;
    let cookies = answer.headers().get_all("set-cookie").iter();
    let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    Ok(pairs.collect::<Vec<_>>().join("; "))
}

/// Opens streams of changes, as many for each clerk as an account may have, and returns their connections. Nobody reads
/// what arrives, so that the streams cost only what the server does for them.
pub async fn open_streams(target: &Target) -> Outcome<Vec<TcpStream>> {
    let host = target.site.trim_start_matches("http://");
    let mut streams = Vec::new();
    for clerk in 0..CLERKS {
        let cookies = sign_in(target, &format!("clerk{clerk}")).await?;
        for _ in 0..STREAMS_OF_CLERK {
            let mut stream = TcpStream::connect(host).await?;
            let request = format!(
                "GET /live HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await?;
            if !answer.ends_with(b"200") {
                return Err("a stream was refused".into());
            }
            streams.push(stream);
        }
    }
    Ok(streams)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
