//! What an operator sees (the log, the health checks and the metrics), and what servers count together.

use crate::{
    database::Database,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, post},
};
use reqwest::Client;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_json_log_line_of_a_request_has_its_id() {
    let database = Database::sqlite();
    let server = Server::start_at(
        &database,
        free_port(),
        &[("LOG_FORMAT", "json"), ("RUST_LOG", "debug")],
    )
    .await;
    let client = Shop::open(&server, 1).await.admin;
    let order = json!({"phone": "8 916 123-45-67", "product": "нет такого", "qty": 1});
    post(&client, &server.site, "/api/orders", "", &order)
        .await
        .unwrap();
    let reply = client
        .get(format!("{}/api/orders?phone=9161234567", server.site))
        .send()
        .await
        .unwrap();
    let id = reply.headers()["x-request-id"].to_str().unwrap().to_owned();
    let wrong = client
        .get(format!("{}/api/orders/999", server.site))
        .send()
        .await
        .unwrap();
    let wrong_id = wrong.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = wrong.json().await.unwrap();
    assert_eq!(problem["request_id"], wrong_id.as_str());

    let log = server.logged();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let of_request: Vec<_> = lines
        .iter()
        .filter(|line| line["span"]["id"] == id.as_str())
        .collect();
    assert!(
        of_request
            .iter()
            .any(|line| line["fields"]["message"] == "request answered"
                && line["fields"]["status"] == 200),
        "{log}"
    );
    let is_numbered =
        |line: &&Value| !line["spans"].is_array() || line["spans"][0]["id"].is_string();
    assert!(lines.iter().all(|line| is_numbered(&line)), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_and_metrics_need_no_sign_in() {
    let database = Database::postgres();
    let server = Server::start(&database).await;
    let ask = async |path: &str| {
        let reply = Client::new()
            .get(format!("{}{path}", server.site))
            .send()
            .await
            .unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    };
    assert_eq!(ask("/healthz").await, (200, "ok".to_owned()));
    assert_eq!(ask("/readyz").await, (200, "ok".to_owned()));
    let (status, numbers) = ask("/metrics").await;
    let answered =
        "http_request_duration_seconds_bucket{method=\"GET\",route=\"/readyz\",status=\"200\"";
    assert!(status == 200 && numbers.contains(answered), "{numbers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_count_password_attempts_together() {
    let database = Database::postgres();
    let one = Server::start(&database).await;
    let other = Server::start(&database).await;
    Shop::open(&one, 1).await;
    let mut statuses = Vec::new();
    for n in 0..6 {
        let server = if n % 2 == 0 { &one } else { &other };
        let wrong = json!({"username": "anna", "password": "wrong horse"});
        statuses.push(
            post(&Client::new(), &server.site, "/api/auth/login", "", &wrong)
                .await
                .unwrap()
                .status,
        );
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    // The attempts that a server counted stay counted when it is gone.
    one.kill();
    let right = json!({"username": "anna", "password": PASSWORD});
    assert_eq!(
        post(&Client::new(), &other.site, "/api/auth/login", "", &right)
            .await
            .unwrap()
            .status,
        429
    );
}
