//! Starting and stopping.

use crate::{
    on_both_databases, report,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, browser, post},
    storm::Storm,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// How often a server is stopped under load.
const STOPS: usize = 5;

on_both_databases! {
    async fn a_server_that_is_stopped_finishes_what_runs(database: Database) {
        let port = free_port();
        // A password that takes its time to be compared.
        let settings = [("BCRYPT_COST", "13")];
        let server = Server::start_at(&database, port, &settings).await;
        Shop::open(&server, 5).await;
        let (client, site) = (browser(), server.site.clone());
        let sign_in = tokio::spawn(async move {
            let account = json!({"username": "anna", "password": PASSWORD});
            post(&client, &site, "/api/auth/login", "", &account).await
        });
        // The try is counted right before the password is compared.
        while database.lines("SELECT key AS line FROM throttles WHERE key NOT LIKE 'registration/%'").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!sign_in.is_finished());
        assert!(server.stop().success());
        assert_eq!(sign_in.await.unwrap().unwrap().status, 200);
    }

    async fn a_server_that_is_stopped_under_load_loses_nothing(database: Database) {
        let mut server = Server::start(&database).await;
        let shop = Shop::open(&server, 1_000_000).await;
        let storm = Storm::begin(&shop, &[&server.site]);
        for _ in 0..STOPS {
            storm.books(50).await;
            let (port, asked) = (server.port(), Instant::now());
            assert!(server.stop().success());
            assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
            server = Server::start_at(&database, port, &[]).await;
        }
        storm.books(50).await;
        let log = server.logged();
        let outcome = storm.settle(&database).await;
        assert!(!log.contains("were cut"), "{log}");
        report::note("SIGTERM", &database, STOPS, &outcome);
    }

    async fn a_session_outlives_a_restart(database: Database) {
        let server = Server::start(&database).await;
        let shop = Shop::open(&server, 5).await;
        let port = server.port();
        assert!(server.stop().success());
        let server = Server::start_at(&database, port, &[]).await;
        let order = json!({"phone": "8 916 123-45-67", "product_id": shop.products[0], "qty": 2});
        let reply = post(&shop.admin, &server.site, "/api/orders", "", &order).await.unwrap();
        assert_eq!(reply.status, 201);
        database.assert_agrees();
    }
}
