//! PostgreSQL is stopped and started again.

use crate::{
    cluster::Cluster,
    report,
    server::Server,
    shop::{Shop, get, page},
    storm::Storm,
};
use std::time::{Duration, Instant};

/// How the database is stopped, one after the other.
const STOPS: [&str; 6] = [
    "fast",
    "immediate",
    "fast",
    "immediate",
    "fast",
    "immediate",
];
/// How long a refusal may take.
const QUICK: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_recovers_when_the_database_comes_back() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for mode in STOPS {
        storm.wait_for_orders(50).await;
        cluster.stop(mode);
        assert_everything_is_refused_with_a_message(&server, &shop).await;
        cluster.start_again();
        // The same process recovers by itself.
        storm.wait_for_orders(1).await;
        assert_eq!(page(&shop.admin, &server.site, "/orders").await.0, 200);
    }
    storm.wait_for_orders(50).await;
    let outcome = storm.settle(&database).await;
    assert!(outcome.journal.unavailable > 0);
    let slowest = outcome.journal.slowest_refusal;
    assert!(slowest < QUICK, "a refusal took {slowest:?}");
    assert!(!server.logged().contains("panicked"));
    report::note(
        "PostgreSQL stopped and started",
        &database,
        STOPS.len(),
        &outcome,
    );
}

async fn assert_everything_is_refused_with_a_message(server: &Server, shop: &Shop) {
    let asked = Instant::now();
    let read = get(&shop.program, &server.site, "/api/products")
        .await
        .unwrap();
    let write = shop.create_order(&server.site, "", 1).await.unwrap();
    for refused in [read, write] {
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.json["type"], "urn:sirius:unavailable");
    }
    for path in ["/", "/orders", "/products"] {
        let (status, html) = page(&shop.admin, &server.site, path).await;
        assert_eq!(status, 503, "{path}");
        assert!(
            html.contains("База данных сейчас не отвечает"),
            "{path}: {html}"
        );
    }
    assert!(
        asked.elapsed() < QUICK,
        "the refusals took {:?}",
        asked.elapsed()
    );
}
