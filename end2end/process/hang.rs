//! PostgreSQL hangs: its connections stay open, but it does not answer.

use crate::{
    cluster::Cluster,
    server::{Server, free_port},
    shop::{Reply, Shop, get, post},
};
use reqwest::{
    Client, Response,
    header::{ACCEPT, CONTENT_TYPE, ORIGIN},
};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_when_told_although_the_database_hangs() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut server = Server::start(&database).await;
    let mut hurried = Server::start(&database).await;
    let shop = Shop::open(&server, 1).await;
    cluster.freeze();
    for one in [&server, &hurried] {
        let (client, site) = (shop.program.clone(), one.site.clone());
        tokio::spawn(async move { get(&client, &site, "/api/products").await });
    }
    sleep(Duration::from_millis(500)).await;
    server.terminate();
    hurried.terminate();
    hurried
        .wait_for_log("shutting down once running requests have finished")
        .await;
    hurried.terminate();
    let ended = hurried.wait_for_exit(Duration::from_secs(3)).await;
    assert!(ended.is_some(), "after two signals: {}", hurried.logged());
    let ended = server.wait_for_exit(Duration::from_secs(45)).await;
    assert!(ended.is_some(), "after one signal: {}", server.logged());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_get_503_with_retry_after_while_the_database_hangs() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let settings = [("REQUEST_TIMEOUT", "4")];
    let server = Server::start_at(&database, free_port(), &settings).await;
    let shop = Shop::open(&server, 5).await;
    cluster.freeze();

    // A health check fails sooner than other requests, even with cookies.
    let begun = Instant::now();
    let ask = async |path: &str| {
        let request = shop.admin.get(format!("{}{path}", server.site));
        request.header(ACCEPT, "text/html").send().await.unwrap()
    };
    assert_eq!(ask("/healthz").await.status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_retry_later(&ask("/readyz").await);
    assert!(begun.elapsed() < Duration::from_secs(4), "{begun:?}");

    assert_retry_later(&ask("/orders").await);
    let order = json!({"phone": crate::shop::PHONE, "product_id": shop.products[0], "qty": 1});
    for client in [&shop.admin, &shop.program] {
        let refused: Reply = post(client, &server.site, "/api/orders", "", &order)
            .await
            .unwrap();
        assert_eq!(refused.status, 503, "{refused:?}");
    }
    let form = shop.admin.post(format!("{}/fn/create_order", server.site));
    let form = form
        .header(ACCEPT, "text/html")
        .header(ORIGIN, &server.site)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("qty=1");
    assert_retry_later(&form.send().await.unwrap());

    cluster.thaw();
    let client = Client::new();
    let well = client.get(format!("{}/readyz", server.site)).send().await;
    assert_eq!(well.unwrap().status(), 200);
}

fn assert_retry_later(refused: &Response) {
    assert_eq!(refused.status(), 503, "{refused:?}");
    assert!(refused.headers().contains_key("retry-after"), "{refused:?}");
}
