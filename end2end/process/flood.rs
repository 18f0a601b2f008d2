//! More than a server can handle: many connections, slow clients, many sign-ins.

use crate::{
    database::Database,
    server::{Server, free_port},
    shop::{PASSWORD, Shop},
};
use futures::future::join_all;
use reqwest::Client;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

async fn connect(server: &Server) -> TcpStream {
    let address = server.site.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

/// Reads until the server closes the connection. Returns `None` if it does not do so in time.
async fn read_until_closed(connection: &mut TcpStream, limit: Duration) -> Option<String> {
    let mut said = Vec::new();
    let read = timeout(limit, connection.read_to_end(&mut said))
        .await
        .ok()?;
    let _ = read;
    Some(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_too_slowly_is_disconnected() {
    let database = Database::sqlite();
    let server = Server::start_at(&database, free_port(), &[("REQUEST_TIMEOUT", "1")]).await;
    let limit = Duration::from_secs(5);

    let mut head = connect(&server).await;
    head.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\n")
        .await
        .unwrap();
    let drip = async {
        for _ in 0..100 {
            if head.write_all(b"X-Drip: 1\r\n").await.is_err() {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let begun = Instant::now();
    timeout(limit, drip)
        .await
        .expect("headers that never end are accepted");
    assert!(begun.elapsed() < limit);

    let mut body = connect(&server).await;
    let request = "POST /api/auth/login HTTP/1.1\r\n\
        Host: localhost\r\n\
        Content-Type: application/json\r\n\
        Content-Length: 1000\r\n\r\n\
        {";
    body.write_all(request.as_bytes()).await.unwrap();
    let said = read_until_closed(&mut body, limit)
        .await
        .expect("a body that never ends is accepted");
    assert!(
        said.starts_with("HTTP/1.1 408") && said.contains("urn:sirius:slow_request"),
        "{said}"
    );

    let mut idle = connect(&server).await;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.write_all(request.as_bytes()).await.unwrap();
    let said = read_until_closed(&mut idle, limit)
        .await
        .expect("an idle connection is kept");
    assert!(
        said.starts_with("HTTP/1.1 200") && said.ends_with("ok"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_over_the_limit_gets_503_until_others_are_closed() {
    let database = Database::sqlite();
    let server = Server::start_at(&database, free_port(), &[("MAX_CONNECTIONS", "3")]).await;
    // Waits until the client that checked the start has closed its connection.
    sleep(Duration::from_millis(200)).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connect(&server).await);
    }
    sleep(Duration::from_millis(200)).await;
    let mut late = connect(&server).await;
    let said = read_until_closed(&mut late, Duration::from_secs(5))
        .await
        .unwrap();
    assert!(
        said.starts_with("HTTP/1.1 503")
            && said.contains("retry-after: 5")
            && said.contains("Сервер сейчас занят"),
        "{said}"
    );
    for header in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: same-origin",
        "x-content-type-options: nosniff",
        "x-request-id: ",
    ] {
        assert!(said.contains(header), "{said}");
    }
    drop(held);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(
        Client::new()
            .get(format!("{}/healthz", server.site))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sign_ins_does_not_slow_other_requests() {
    let database = Database::sqlite();
    let settings = [("BCRYPT_COST", "12"), ("TRUST_PROXY", "true")];
    let server = Server::start_at(&database, free_port(), &settings).await;
    let client = Shop::open(&server, 1).await.admin;
    let flood = (0..400).map(|n| {
        let (client, site) = (Client::new(), server.site.clone());
        async move {
            let request = client
                .post(format!("{site}/api/auth/login"))
                .header("x-forwarded-for", format!("203.0.{}.{}", n / 250, n % 250))
                .json(&json!({"username": format!("name{n}"), "password": PASSWORD}));
            request.send().await.unwrap().status().as_u16()
        }
    });
    let flood = tokio::spawn(join_all(flood));
    sleep(Duration::from_millis(300)).await;
    let mut times = Vec::new();
    for _ in 0..40 {
        let begun = Instant::now();
        let page = client
            .get(format!("{}/orders", server.site))
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200);
        times.push(begun.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !flood.is_finished(),
        "the flood ended too early to prove anything"
    );
    let statuses = flood.await.unwrap();
    times.sort();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    eprintln!(
        "page during the flood: median {median:?}, slowest {slowest:?}; sign-ins: {} checked, {} refused as busy",
        count(401),
        count(503)
    );
    assert!(
        statuses.iter().all(|status| matches!(status, 401 | 503)),
        "{statuses:?}"
    );
    assert!(
        count(401) > 0 && count(503) > 100,
        "only some of the sign-ins are checked"
    );
    // A sign-in in the queue waits up to ten seconds.
    assert!(
        median < Duration::from_millis(500) && slowest < Duration::from_secs(3),
        "median {median:?}, slowest {slowest:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_one_address_does_not_lock_others_out() {
    let database = Database::sqlite();
    let settings = [("BCRYPT_COST", "12"), ("TRUST_PROXY", "true")];
    let server = Server::start_at(&database, free_port(), &settings).await;
    let owner = Shop::open(&server, 1).await.admin;
    let crowd = (0..100).map(|n| {
        let (client, site) = (Client::new(), server.site.clone());
        async move {
            let request = client
                .post(format!("{site}/api/auth/register"))
                .header("x-forwarded-for", "203.0.113.9")
                .json(&json!({"username": format!("name{n}"), "password": PASSWORD}));
            request.send().await.unwrap().status().as_u16()
        }
    });
    let crowd = tokio::spawn(join_all(crowd));
    sleep(Duration::from_millis(500)).await;
    let signs_in = async |client: &Client, address: &str| {
        let begun = Instant::now();
        let request = client
            .post(format!("{}/api/auth/login", server.site))
            .header("x-forwarded-for", address)
            .json(&json!({"username": "anna", "password": PASSWORD}));
        let status = request.send().await.unwrap().status().as_u16();
        (status, begun.elapsed())
    };
    let (known, took) = signs_in(&owner, "203.0.113.9").await;
    eprintln!("sign-in of the owner in a known browser took {took:?}");
    assert_eq!(known, 200, "in a known browser");
    assert!(!crowd.is_finished(), "the queue was empty already");
    let (stranger, took) = signs_in(&Client::new(), "203.0.113.10").await;
    eprintln!("sign-in in another browser from another address took {took:?}");
    assert_eq!(stranger, 200, "in another browser");
    let statuses = crowd.await.unwrap();
    let refused = statuses.iter().filter(|status| **status == 503).count();
    assert!(refused > 80, "{statuses:?}");
}

/// Reads one response.
async fn read_response(connection: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = async {
        while !said.ends_with(b"}") && !said.ends_with(b"ok") {
            let mut bytes = [0; 4_096];
            let read = connection.read(&mut bytes).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&bytes[..read]);
        }
    };
    timeout(Duration::from_secs(5), read).await.unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_refused_early_still_gets_its_response() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    Shop::open(&server, 1).await;

    // An upload without a session: a browser does not read the response before it has sent the whole file.
    let mut file = connect(&server).await;
    let head = "POST /uploads/products HTTP/1.1\r\n\
        Host: localhost\r\n\
        Origin: http://localhost\r\n\
        Accept: text/html\r\n\
        Content-Type: multipart/form-data; boundary=x\r\n\
        Content-Length: 9000000\r\n\r\n";
    file.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    for _ in 0..90 {
        file.write_all(&[b'x'; 100_000]).await.unwrap();
    }
    let said = read_until_closed(&mut file, Duration::from_secs(5))
        .await
        .unwrap();
    assert!(
        said.starts_with("HTTP/1.1 302") && said.contains("connection: close"),
        "{said}"
    );

    // A small body may arrive after the response, and the connection stays open.
    for (request, status) in [
        (
            "POST /api/orders HTTP/1.1\r\nOrigin: http://evil.example\r\nContent-Type: application/json",
            403,
        ),
        (
            "POST /api/openapi.json HTTP/1.1\r\nContent-Type: application/json",
            405,
        ),
        (
            "POST /api/auth/login HTTP/1.1\r\nContent-Type: text/xml",
            415,
        ),
    ] {
        let mut connection = connect(&server).await;
        let head = format!("{request}\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        let said = read_response(&mut connection).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
        assert!(!said.contains("connection: close"), "{said}");
        sleep(Duration::from_millis(200)).await;
        connection.write_all(&[b'x'; 10]).await.unwrap();
        let next = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        connection.write_all(next.as_bytes()).await.unwrap();
        let said = read_response(&mut connection).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    }

    // The server does not wait for a body of unknown length.
    let mut endless = connect(&server).await;
    let head = "POST /api/orders HTTP/1.1\r\n\
        Host: localhost\r\n\
        Origin: http://evil.example\r\n\
        Transfer-Encoding: chunked\r\n\r\n\
        1\r\nx\r\n";
    endless.write_all(head.as_bytes()).await.unwrap();
    let said = read_response(&mut endless).await;
    assert!(said.contains("connection: close"), "{said}");
}
