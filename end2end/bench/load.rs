//! Sends requests to a server, and measures how long they take and what they cost the server.

use crate::Outcome;
use reqwest::{
    Client,
    header::{COOKIE, ORIGIN},
};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Ticks of `/proc/PID/stat` in a second; the same on every Linux.
const TICKS: f64 = 100.0;

/// A server under load: Sirius or a floor.
#[derive(Clone)]
pub struct Target {
    pub site: String,
    pub pid: u32,
    /// The cookies of a session.
    pub cookies: String,
}

/// What a load of one kind cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Seconds of CPU that the server needed for a request.
    pub cpu: f64,
    pub per_second: f64,
    /// Half of the requests took at most so many seconds.
    pub p50: f64,
    /// 99 % of the requests took at most so many seconds.
    pub p99: f64,
}

impl Target {
    /// Returns a path, as a signed-in user gets it.
    pub async fn get(&self, client: &Client, path: &str) -> Outcome<Vec<u8>> {
        let url = format!("{}{path}", self.site);
        let asked = client.get(&url).header(COOKIE, &self.cookies);
        let answer = asked.send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// Downloads a file, without keeping it, and returns its size in bytes.
    pub async fn download(&self, path: &str) -> Outcome<f64> {
        let url = format!("{}{path}", self.site);
        let asked = Client::new().get(&url).header(COOKIE, &self.cookies);
        let mut answer = asked.send().await?.error_for_status()?;
        let mut bytes = 0.0;
        while let Some(chunk) = answer.chunk().await? {
            bytes += per(chunk.len());
        }
        Ok(bytes)
    }

    /// Sends JSON, or no body if `json` is empty.
    pub async fn post(&self, client: &Client, path: &str, json: String) -> Outcome<Vec<u8>> {
        let url = format!("{}{path}", self.site);
        let mut asked = client
            .post(&url)
            .header(COOKIE, &self.cookies)
            .header(ORIGIN, &self.site);
        if !json.is_empty() {
            asked = asked.header("content-type", "application/json").body(json);
        }
        let answer = asked.send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body.to_vec())
    }

    /// Returns the seconds of CPU that the process has used so far.
    pub fn cpu(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name of the program, in brackets, may contain spaces.
        let (_, fields) = stat.rsplit_once(") ").ok_or("no process")?;
        let ticks = |field: usize| -> Outcome<f64> {
            Ok(fields.split(' ').nth(field).ok_or("no ticks")?.parse()?)
        };
        Ok((ticks(11)? + ticks(12)?) / TICKS)
    }

    /// Returns a line of `/proc/PID/status` in megabytes, such as `VmRSS`.
    pub fn memory(&self, name: &str) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes: f64 = line
            .and_then(|line| line.split_whitespace().nth(1))
            .ok_or("no memory")?
            .parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Gets a path for some seconds from several connections.
    pub async fn get_for(&self, path: &str, seconds: f64, connections: usize) -> Outcome<Cost> {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let path = path.to_owned();
        self.measure(connections, move |_| {
            (Instant::now() < end).then(|| (path.clone(), None))
        })
        .await
    }

    /// Posts `bodies[n]` to `paths[n]` from several connections.
    pub async fn post_all(
        &self,
        requests: Vec<(String, String)>,
        connections: usize,
    ) -> Outcome<Cost> {
        self.measure(connections, move |n| {
            let (path, body) = requests.get(n)?;
            Some((path.clone(), Some(body.clone())))
        })
        .await
    }

    /// Sends requests until `next` returns `None`. It gets the number of the request.
    async fn measure(
        &self,
        connections: usize,
        next: impl Fn(usize) -> Option<(String, Option<String>)> + Send + Sync + 'static,
    ) -> Outcome<Cost> {
        let (next, number) = (Arc::new(next), Arc::new(AtomicUsize::new(0)));
        let (begun, used) = (Instant::now(), self.cpu()?);
        let clients = (0..connections).map(|_| {
            let (target, next, number) = (self.clone(), next.clone(), number.clone());
            tokio::task::spawn_local(async move {
                // Each has its own connection.
                let client = Client::new();
                let mut times = Vec::new();
                while let Some((path, body)) = next(number.fetch_add(1, Ordering::Relaxed)) {
                    let sent = Instant::now();
                    let done = match body {
                        None => target.get(&client, &path).await,
                        Some(body) => target.post(&client, &path, body).await,
                    };
                    done.map_err(|error| error.to_string())?;
                    times.push(sent.elapsed().as_secs_f64());
                }
                Ok::<_, String>(times)
            })
        });
        let mut times = Vec::new();
        for client in clients.collect::<Vec<_>>() {
            times.extend(client.await??);
        }
        let (seconds, used) = (begun.elapsed().as_secs_f64(), self.cpu()? - used);
        times.sort_by(f64::total_cmp);
        let count = times.len();
        let at = |share: usize| times.get(count * share / 100).copied().unwrap_or_default();
        Ok(Cost {
            cpu: used / per(count),
            per_second: per(count) / seconds,
            p50: at(50),
            p99: at(99),
        })
    }
}

/// Converts a count to a divisor.
pub fn per(count: usize) -> f64 {
    u32::try_from(count.max(1)).map_or(f64::INFINITY, f64::from)
}
