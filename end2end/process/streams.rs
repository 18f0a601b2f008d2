//! Many open streams of changes, and streams of two servers.

#![expect(
    clippy::print_stdout,
    reason = "prints what it measures, with --nocapture"
)]

use crate::{
    database::Database,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, post, sign_in},
};
use reqwest::Client;
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How many streams are open at once: each of the accounts has as many as it may.
const STREAMS: usize = 1_000;
const ACCOUNTS: usize = 20;
/// The most memory that an open stream may take, in bytes.
const MEMORY: u64 = 20 * 1_024;
/// How long a test waits for an event that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
struct Stream {
    connection: TcpStream,
    text: String,
}

impl Stream {
    async fn open(server: &Server, cookie: &str) -> Self {
        let address = server.site.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /live HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self {
            connection,
            text: String::new(),
        };
        assert!(stream.wait_for("event: ready").await, "{}", stream.text);
        stream
    }

    /// Reads until a text arrives. Returns false if the stream ends before that.
    async fn wait_for(&mut self, wanted: &str) -> bool {
        let mut chunk = [0; 4_096];
        while !self.text.contains(wanted) {
            let read = timeout(PATIENCE, self.connection.read(&mut chunk)).await;
            let length = read.expect("no event").unwrap_or_default();
            if length == 0 {
                return false;
            }
            self.text += &String::from_utf8_lossy(&chunk[..length]);
        }
        true
    }
}

/// Returns the memory of a server that is not shared with files, in bytes.
fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1_024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_take_little_memory_and_end_with_the_server() {
    let database = Database::sqlite();
    let settings = [("REGISTRATION", "open"), ("RATE_LIMIT", "0")];
    let mut server = Server::start_at(&database, free_port(), &settings).await;
    let shop = Shop::open(&server, 1_000).await;
    let mut cookies = Vec::new();
    for account in 0..ACCOUNTS {
        let name = format!("clerk{account}");
        let account = json!({"username": name, "password": PASSWORD});
        let reply = Client::new()
            .post(format!("{}/api/auth/register", server.site))
            .json(&account)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 201);
        cookies.push(sign_in(&server, &name).await);
    }
    // The first streams also pay for what all of them share.
    let mut streams = Vec::new();
    for cookie in &cookies {
        streams.push(Stream::open(&server, cookie).await);
    }
    let before = memory(&server);
    for index in streams.len()..STREAMS {
        streams.push(Stream::open(&server, &cookies[index % ACCOUNTS]).await);
    }
    let opened = u64::try_from(STREAMS - ACCOUNTS).unwrap();
    let each = memory(&server).saturating_sub(before) / opened;
    println!("an open stream takes {each} bytes");
    assert!(each <= MEMORY, "an open stream takes {each} bytes");

    let order = shop
        .create_order(&server.site, "one", 1)
        .await
        .unwrap()
        .id();
    let changed = format!("order {order} ");
    for stream in &mut streams {
        assert!(stream.wait_for(&changed).await);
    }
    let begun = Instant::now();
    server.terminate();
    for stream in &mut streams {
        assert!(!stream.wait_for("nothing more").await);
    }
    let ended = server.wait_for_exit(Duration::from_secs(9)).await;
    assert!(ended.is_some_and(|status| status.success()));
    println!("the server ended after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_issues_is_told_by_the_other() {
    let database = Database::postgres();
    let one = Server::start(&database).await;
    let other = Server::start(&database).await;
    let shop = Shop::open(&one, 1_000).await;
    let cookie = sign_in(&other, "anna").await;
    let mut stream = Stream::open(&other, &cookie).await;
    let mut delays = Vec::new();
    for round in 0..50 {
        let key = format!("order {round}");
        let order = shop.create_order(&one.site, &key, 1).await.unwrap().id();
        assert!(stream.wait_for(&format!("order {order} ")).await);
        stream.text.clear();
        let begun = Instant::now();
        let path = format!("/api/orders/{order}/issue");
        let reply = post(&shop.program, &one.site, &path, "", &Value::Null);
        let changed = format!("order {order} ");
        let (reply, told) = tokio::join!(reply, stream.wait_for(&changed));
        assert!(told && reply.unwrap().status == 200);
        delays.push(begun.elapsed());
        stream.text.clear();
    }
    delays.sort();
    println!(
        "from the request on one server to the event on the other: {:?} (median), {:?} (longest)",
        delays[25], delays[49]
    );
}
