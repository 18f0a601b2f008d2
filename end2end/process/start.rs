//! Starting and stopping.

use crate::server::{Database, Server, open_shop, post};
use serde_json::json;

async fn what_was_answered_is_there_after_a_restart(database: Database) {
    let server = Server::start(&database, &[]).await;
    let client = open_shop(&server).await;
    let tea = json!({"name": "чай", "quantity": 5, "sell_price_rub": 100});
    let (status, product) = post(&client, &server, "/api/products", &tea).await.unwrap();
    assert_eq!(status, 201);
    assert!(server.stop().success());

    let server = Server::start(&database, &[]).await;
    let order = json!({"phone": "8 916 123-45-67", "product_id": product["id"], "qty": 2});
    let (status, _) = post(&client, &server, "/api/orders", &order).await.unwrap();
    assert_eq!(status, 201, "the session of before holds");
    database.assert_agrees();
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart_on_sqlite() {
    what_was_answered_is_there_after_a_restart(Database::sqlite()).await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart_on_postgres() {
    what_was_answered_is_there_after_a_restart(Database::postgres()).await;
}
