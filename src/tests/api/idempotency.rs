//! Idempotency keys: a repeated request is processed once.

use super::*;
use crate::{
    auth::{Actor, Role, users::service as accounts},
    schema::idempotency_keys,
    transaction,
};
use diesel::prelude::*;

fn with_key(client: &ApiClient, key: &str) -> ApiClient {
    client.clone().with_header("idempotency-key", key)
}

/// Returns key, fingerprint and answer of every stored idempotency key.
async fn stored_keys(app: &App) -> Vec<(String, String, Option<String>)> {
    let read = |conn: &mut crate::db::Conn| {
        let columns = (
            idempotency_keys::key,
            idempotency_keys::fingerprint,
            idempotency_keys::answer,
        );
        Ok(idempotency_keys::table.select(columns).load(conn)?)
    };
    app.state.db.read(read).await.unwrap()
}

#[apply(on_both_databases)]
async fn a_repeat_gets_the_first_answer(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 5).await;
    let keyed = with_key(&manager, "till-1");
    let first = keyed.post("/api/orders", order_body(product, 2)).await;
    assert_eq!(
        manager
            .post_empty(&format!("{}/issue", first.location()))
            .await
            .status,
        200
    );
    let again = keyed.post("/api/orders", order_body(product, 2)).await;
    assert_eq!(
        (again.status, &again.json, again.location()),
        (201, &first.json, first.location())
    );
    let other = keyed.post("/api/orders", order_body(product, 1)).await;
    assert_eq!(
        (other.status, other.text("type")),
        (422, "urn:sirius:key_reused")
    );
    assert_eq!(
        keyed
            .post("/api/products", json!({"name": "кофе"}))
            .await
            .status,
        422
    );
    assert_eq!(manager.get("/api/orders").await.items().len(), 1);
}

#[apply(on_both_databases)]
async fn a_repeat_is_answered_after_the_product_was_archived_or_deleted(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 0).await;
    let supply = json!({"product_id": product, "qty": 2, "supplier_name": "x", "buy_price_eur": 1});
    let keyed = with_key(&manager, "supply");
    let first = keyed.post("/api/supplies", supply.clone()).await;
    assert_eq!(first.status, 201);
    assert_eq!(
        manager
            .delete(&format!("/api/products/{product}"))
            .await
            .status,
        204
    );
    let again = keyed.post("/api/supplies", supply).await;
    assert_eq!((again.status, again.json), (201, first.json));
    let keyed = with_key(&manager, "product");
    let created = keyed.post("/api/products", json!({"name": "вода"})).await;
    assert_eq!(manager.delete(created.location()).await.status, 204);
    let again = keyed.post("/api/products", json!({"name": "вода"})).await;
    assert_eq!((again.status, again.json), (201, created.json));
}

#[apply(on_both_databases)]
async fn a_stored_answer_contains_no_customer_data(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 5).await;
    let request = json!({"phone": "8 916 123-45-67", "customer_name": "Анна Каренина", "product_id": product,
        "qty": 2});
    let keyed = with_key(&manager, "till-1");
    let first = keyed.post("/api/orders", request.clone()).await;
    let rows = format!("{:?}", stored_keys(&app).await);
    for personal in ["9161234567", "123-45-67", "Каренина"] {
        assert!(!rows.contains(personal), "{rows}");
    }
    assert!(rows.contains("paid_not_issued"), "{rows}");
    // The repeat has the original quantity and price, but the current customer name.
    let edited = json!({"version": 1, "phone": "8 916 123-45-67", "customer_name": "Анна Вронская", "qty": 1,
        "unit_price_rub": 90});
    assert_eq!(manager.put(first.location(), edited).await.status, 200);
    let again = keyed.post("/api/orders", request.clone()).await;
    let mut expected = first.json.clone();
    expected["customer_name"] = "Анна Вронская".into();
    assert_eq!((again.status, again.json), (201, expected));
    // Without the secret key, nobody can guess from the fingerprint which phone number was sent.
    let app = app.restarted(|config| {
        config.secret_key = Some("another secret, as long as one must be".to_owned())
    });
    let keyed = with_key(&ApiClient::signed_in(&app, "менеджер").await, "till-1");
    let refused = keyed.post("/api/orders", request).await;
    assert_eq!(
        (refused.status, refused.text("type")),
        (422, "urn:sirius:key_reused")
    );
    assert_eq!(
        refused.json["recorded"],
        json!({"entity_type": "order", "entity_id": first.id()})
    );
}

#[apply(on_both_databases)]
async fn keys_are_deleted_after_a_week(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 5).await;
    let keyed = with_key(&manager, "fresh");
    let first = keyed.post("/api/orders", order_body(product, 2)).await;
    app.sql(
        "INSERT INTO idempotency_keys (key, fingerprint, entity_type, entity_id, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
        SELECT 'old/' || i, '', 'order', 1, '2026-01-01 00:00:00' FROM n",
    )
    .await;
    let mut rounds = 1;
    while !app
        .state
        .write(Actor::System, transaction::delete_expired_keys)
        .await
        .unwrap()
    {
        rounds += 1;
    }
    assert_eq!((rounds, stored_keys(&app).await.len()), (2, 1));
    assert_eq!(
        keyed.post("/api/orders", order_body(product, 2)).await.json,
        first.json
    );
}

#[apply(on_both_databases)]
async fn eight_concurrent_requests_with_one_key_create_one_order(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 50).await;
    let keyed = with_key(&manager, "both");
    let replies = futures::future::join_all(
        (0..8).map(|_| keyed.post("/api/orders", order_body(product, 2))),
    )
    .await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.json), (201, &replies[0].json));
    }
    let stock = manager
        .get(&format!("/api/products/{product}/stock"))
        .await
        .json;
    assert_eq!(stock["reserved"], 2);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn the_same_key_of_two_users_is_two_keys(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let product = manager.create_product("чай", 5).await;
    let first = with_key(&manager, "1")
        .post("/api/orders", order_body(product, 1))
        .await;
    let second = with_key(&clerk, "1")
        .post("/api/orders", order_body(product, 2))
        .await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.id(), second.id());
    let long = with_key(&clerk, &"x".repeat(256))
        .post("/api/orders", order_body(product, 1))
        .await;
    assert_eq!(
        (long.status, long.wrong_fields()),
        (422, vec!["Idempotency-Key"])
    );
}

#[apply(on_both_databases)]
async fn a_repeat_is_refused_after_the_permission_was_revoked(app: App) {
    let admin = app.create_account(app.admin()).await;
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let tea = json!({"name": "чай"});
    assert_eq!(
        with_key(&manager, "1")
            .post("/api/products", tea.clone())
            .await
            .status,
        201
    );
    admin
        .write(|tx| accounts::change_role(tx, "менеджер", Role::User))
        .await
        .unwrap();
    let clerk = ApiClient::signed_in(&app, "менеджер").await;
    assert_eq!(
        with_key(&clerk, "1")
            .post("/api/products", tea)
            .await
            .status,
        403
    );
}
