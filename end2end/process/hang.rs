//! PostgreSQL is there and says nothing any more.

use crate::{
    cluster::Cluster,
    server::Server,
    shop::{Shop, get},
};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_to_end_does_so() {
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
    hurried.wait_for_log("finishing what runs").await;
    hurried.terminate();
    let ended = hurried.ends(Duration::from_secs(3)).await;
    assert!(ended.is_some(), "told twice: {}", hurried.logged());
    let ended = server.ends(Duration::from_secs(45)).await;
    assert!(ended.is_some(), "told once: {}", server.logged());
}
