//! Two servers share a PostgreSQL database.

use crate::{
    database::Database,
    report,
    server::Server,
    shop::{Shop, get, post, sign_in},
    storm::Storm,
};
use futures::future::join_all;
use reqwest::{Client, header::COOKIE};
use serde_json::Value;
use std::collections::BTreeSet;

async fn start_two() -> (Database, Server, Server) {
    let database = Database::postgres();
    let one = Server::start(&database).await;
    let other = Server::start(&database).await;
    (database, one, other)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_under_load_never_oversell() {
    let (database, one, other) = start_two().await;
    let shop = Shop::open(&one, 700).await;
    let storm = Storm::begin(&shop, &[&one.site, &other.site]);
    storm.wait_for_orders(1).await;
    while storm.journal().sold_out < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let outcome = storm.settle(&database).await;
    let left = get(&shop.program, &other.site, "/api/products")
        .await
        .unwrap();
    for product in left.json["items"].as_array().unwrap() {
        let (stock, on_hand) = (&product["stock"], &product["on_hand"]);
        assert!(
            stock.as_i64().unwrap() >= 0 && on_hand.as_i64() >= stock.as_i64(),
            "{product}"
        );
    }
    report::note("two servers, goods run out", &database, 1, &outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_item_is_sold_once_by_two_servers() {
    let (database, one, other) = start_two().await;
    let shop = Shop::open(&one, 1).await;
    let sites = [&one.site, &other.site];
    let keys: Vec<_> = (0..40).map(|client| format!("client {client}")).collect();
    let asked = keys
        .iter()
        .enumerate()
        .map(|(client, key)| shop.create_order(sites[client % 2], key, 1));
    let answers = join_all(asked).await;
    let with = |status| {
        answers
            .iter()
            .filter(|reply| reply.as_ref().unwrap().status == status)
            .count()
    };
    assert_eq!((with(201), with(409)), (1, 39));
    assert_eq!(database.orders().len(), 1);
    database.assert_agrees();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_reaches_both_servers_makes_one_order() {
    let (database, one, other) = start_two().await;
    let shop = Shop::open(&one, 1_000).await;
    for round in 0..20 {
        let key = format!("till 1, {round}");
        let asked = (0..6).map(|turn| {
            shop.create_order(
                if turn % 2 == 0 {
                    &one.site
                } else {
                    &other.site
                },
                &key,
                1,
            )
        });
        let answers = join_all(asked).await;
        let orders: BTreeSet<_> = answers
            .into_iter()
            .map(|reply| reply.unwrap().id())
            .collect();
        assert_eq!(orders.len(), 1);
    }
    assert_eq!(database.orders().len(), 20);
    database.assert_agrees();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_valid_on_both_servers_and_ends_on_both() {
    let (_database, one, other) = start_two().await;
    Shop::open(&one, 1).await;
    // Sent by hand, because a cookie store keeps the cookies of one host together, whatever the port.
    let cookie = sign_in(&one, "anna").await;
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert(COOKIE, cookie.parse().unwrap());
    let browser = Client::builder().default_headers(headers).build().unwrap();
    for server in [&one, &other] {
        assert_eq!(
            get(&browser, &server.site, "/api/me").await.unwrap().status,
            200
        );
    }
    post(&browser, &other.site, "/api/auth/logout", "", &Value::Null)
        .await
        .unwrap();
    for server in [&one, &other] {
        assert_eq!(
            get(&browser, &server.site, "/api/me").await.unwrap().status,
            401
        );
    }
}
