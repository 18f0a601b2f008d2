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

const PASSWORD: &str = "correct horse battery";
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
        let client = Client::new();
        let answer = client
            .post(format!("{}/api/auth/login", running.target.site))
            .header("content-type", "application/json")
            .body(format!(
                r#"{{"username": "{USER}", "password": "{PASSWORD}"}}"#
            ))
            .send()
            .await?
            .error_for_status()?;
        let cookies = answer.headers().get_all("set-cookie").iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        running.target.cookies = pairs.collect::<Vec<_>>().join("; ");
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

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
