//! Starting and stopping the server.

use crate::database::Database;
use crate::{
    on_both_databases, report,
    server::{Server, free_port},
    shop::{PASSWORD, Shop, browser, post},
    storm::Storm,
};
use rstest_reuse::apply;
use serde_json::json;
use std::{
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

/// How often a server is stopped under load.
const STOPS: usize = 5;

#[apply(on_both_databases)]
async fn a_stopped_server_finishes_running_requests(database: Database) {
    let port = free_port();
    // Makes comparing a password slow.
    let settings = [("BCRYPT_COST", "13")];
    let server = Server::start_at(&database, port, &settings).await;
    Shop::open(&server, 5).await;
    let (client, site) = (browser(), server.site.clone());
    let sign_in = tokio::spawn(async move {
        let account = json!({"username": "anna", "password": PASSWORD});
        post(&client, &site, "/api/auth/login", "", &account).await
    });
    // The attempt is counted right before the password is compared.
    while database
        .lines("SELECT key AS line FROM throttles WHERE key NOT LIKE 'registration/%'")
        .is_empty()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!sign_in.is_finished());
    assert!(server.stop().success());
    assert_eq!(sign_in.await.unwrap().unwrap().status, 200);
}

#[apply(on_both_databases)]
async fn a_server_stopped_under_load_loses_nothing(database: Database) {
    let mut server = Server::start(&database).await;
    let shop = Shop::open(&server, 1_000_000).await;
    let storm = Storm::begin(&shop, &[&server.site]);
    for _ in 0..STOPS {
        storm.wait_for_orders(50).await;
        let (port, asked) = (server.port(), Instant::now());
        assert!(server.stop().success());
        assert!(
            asked.elapsed() < Duration::from_secs(9),
            "{:?}",
            asked.elapsed()
        );
        server = Server::start_at(&database, port, &[]).await;
    }
    storm.wait_for_orders(50).await;
    let log = server.logged();
    let outcome = storm.settle(&database).await;
    assert!(!log.contains("were aborted"), "{log}");
    report::note("SIGTERM", &database, STOPS, &outcome);
}

#[apply(on_both_databases)]
async fn a_session_survives_a_restart(database: Database) {
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let port = server.port();
    assert!(server.stop().success());
    let server = Server::start_at(&database, port, &[]).await;
    let order = json!({"phone": "8 916 123-45-67", "product_id": shop.products[0], "qty": 2});
    let reply = post(&shop.admin, &server.site, "/api/orders", "", &order)
        .await
        .unwrap();
    assert_eq!(reply.status, 201);
    database.assert_agrees();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_a_sqlite_file_ends_at_once_and_says_why() {
    let database = Database::sqlite();
    let server = Server::start(&database).await;
    let shop = Shop::open(&server, 5).await;
    let elsewhere = Database::sqlite();
    symlink(database.file("sirius.db"), elsewhere.file("sirius.db")).unwrap();
    for same in [&database, &elsewhere] {
        let mut second = Server::spawn(same, free_port(), &[]);
        let ended = second.wait_for_exit(Duration::from_secs(10)).await;
        assert!(
            ended.is_some_and(|status| !status.success()),
            "{}",
            second.logged()
        );
        let said = second.logged();
        let lock = database.file("sirius.db.lock");
        assert!(
            said.contains("another server already uses") && said.contains(lock.to_str().unwrap()),
            "{said}"
        );
    }
    // Commands work alongside the server, and the server still works.
    assert!(database.does(&["user", "list"]).contains("anna"));
    database.does(&["backup", database.file("backup").to_str().unwrap()]);
    let order = json!({"phone": "8 916 123-45-67", "product_id": shop.products[0], "qty": 2});
    let reply = post(&shop.admin, &server.site, "/api/orders", "", &order).await;
    assert_eq!(reply.unwrap().status, 201);
    database.assert_agrees();
    // A killed server does not keep its lock.
    server.kill();
    let next = Server::start(&database).await;
    assert!(next.stop().success());
}
