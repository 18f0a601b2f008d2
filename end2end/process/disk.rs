//! The disk of the server is full.

use crate::{
    database::Database,
    report,
    server::Server,
    shop::{PASSWORD, Reply, Shop, browser, get, page, post},
    storm::Storm,
};
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    process::Command,
    time::{Duration, Instant},
};

/// How often the disk is filled.
const TIMES: usize = 3;
/// How long it may take until a request is refused, and until requests succeed again.
const LIMIT: Duration = Duration::from_secs(30);

/// The way to simulate a full disk. Only root can mount a small one; other users limit the file size of the server.
enum Disk {
    Small(Database),
    Forbidden(Database),
}

impl Disk {
    fn new() -> Self {
        let database = Database::sqlite();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(database.folder.path())
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            Self::Small(database)
        } else {
            Self::Forbidden(database)
        }
    }

    const fn database(&self) -> &Database {
        match self {
            Self::Small(database) | Self::Forbidden(database) => database,
        }
    }

    /// Returns the problem type with which the server refuses writes.
    const fn problem(&self) -> &'static str {
        match self {
            Self::Small(_) => "urn:sirius:no_space",
            Self::Forbidden(_) => "urn:sirius:unavailable",
        }
    }

    fn fill(&self, server: &Server) {
        match self {
            Self::Small(database) => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(database.file("filler"));
                fill(file.unwrap());
            }
            Self::Forbidden(_) => limit(server, "1:"),
        }
    }

    fn free(&self, server: &Server) {
        match self {
            Self::Small(database) => std::fs::remove_file(database.file("filler")).unwrap(),
            Self::Forbidden(_) => limit(server, "unlimited:"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Small(database) = self {
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(database.folder.path())
                .status();
        }
    }
}

/// Writes to a file until the disk is full.
fn fill(mut file: File) {
    for chunk in [vec![0; 65_536], vec![0; 512]] {
        while file.write_all(&chunk).is_ok() {}
    }
}

/// Limits the size of the files that a server writes.
fn limit(server: &Server, bytes: &str) {
    let limited = Command::new("prlimit")
        .args([
            "--pid",
            &server.pid().to_string(),
            &format!("--fsize={bytes}"),
        ])
        .status();
    assert!(limited.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_reported_and_survived() {
    let disk = Disk::new();
    let database = disk.database();
    let server = Server::start(database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for round in 0..TIMES {
        storm.wait_for_orders(50).await;
        let key = format!("in need {round}");
        let refused = create_orders_until(&shop, &server, &key, |reply| {
            disk.fill(&server);
            reply.status == 503
        })
        .await;
        assert_eq!(refused.json["type"], disk.problem(), "{refused:?}");
        if matches!(disk, Disk::Small(_)) {
            let said = refused.json["detail"].as_str().unwrap();
            assert!(said.contains("закончилось место"), "{said}");
        }
        for path in ["/api/orders", "/api/products", "/api/me"] {
            let read = get(&shop.program, &server.site, path).await.unwrap();
            assert_eq!(read.status, 200, "{path}");
        }
        assert_eq!(page(&shop.admin, &server.site, "/orders").await.0, 200);
        let account = json!({"username": "anna", "password": PASSWORD});
        let signed_in = post(&browser(), &server.site, "/api/auth/login", "", &account)
            .await
            .unwrap();
        assert!(matches!(signed_in.status, 200 | 503), "{signed_in:?}");
        disk.free(&server);
        create_orders_until(&shop, &server, &key, |reply| reply.status == 201).await;
    }
    storm.wait_for_orders(50).await;
    let outcome = storm.settle(database).await;
    assert!(!server.logged().contains("panicked"));
    report::note("disk full", database, TIMES, &outcome);
    drop(server);
}

/// Creates similar orders until the response is as wanted.
async fn create_orders_until(
    shop: &Shop,
    server: &Server,
    key: &str,
    is_wanted: impl Fn(&Reply) -> bool,
) -> Reply {
    let begun = Instant::now();
    for attempt in 0.. {
        // Each attempt needs a new key, because a known key gets the stored answer even if the disk is full.
        let key = format!("{key} {attempt}");
        let reply = shop.create_order(&server.site, &key, 1).await.unwrap();
        if is_wanted(&reply) {
            return reply;
        }
        assert!(begun.elapsed() < LIMIT, "{reply:?} {}", server.logged());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!()
}
