//! The whole bodies of responses, compared with snapshots. To accept a change, run the tests with
//! `INSTA_UPDATE=always`, and review the difference.

use super::*;

/// Compares a response with its snapshot, apart from times and generated ids.
macro_rules! assert_body {
    ($name:literal, $reply:expr) => {{
        let reply = $reply;
        let body = json!({ "status": reply.status, "body": reply.json });
        insta::assert_json_snapshot!($name, body, {
            ".**.created_at" => "[time]",
            ".**.issued_at" => insta::dynamic_redaction(time),
            ".**.denied_at" => insta::dynamic_redaction(time),
            ".**.timestamp" => "[time]",
            ".**.last_seen_at" => "[time]",
            ".**.request_id" => "[id]",
        });
    }};
}

/// Hides a time, but not whether there is one.
fn time(
    value: insta::internals::Content,
    _: insta::internals::ContentPath<'_>,
) -> insta::internals::Content {
    match value {
        insta::internals::Content::None | insta::internals::Content::Unit => value,
        _ => "[time]".into(),
    }
}

#[apply(on_both_databases)]
async fn responses_about_goods_and_orders_are_complete(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let tea = json!({"name": "Чай зелёный", "sell_price_rub": "1299.9", "min_stock": 5});
    assert_body!("product_created", manager.post("/api/products", tea).await);
    let supply =
        json!({"product_id": 1, "qty": 10, "supplier_name": "Teekanne", "buy_price_eur": 3.5});
    assert_body!(
        "supply_created",
        manager.post("/api/supplies", supply).await
    );
    assert_body!(
        "order_created",
        manager.post("/api/orders", order_body(1, 2)).await
    );
    manager.post("/api/orders", order_body(1, 1)).await;
    assert_body!(
        "order_issued",
        manager.post_empty("/api/orders/1/issue").await
    );
    assert_body!(
        "order_denied",
        manager.post_empty("/api/orders/2/deny").await
    );
    assert_body!("orders", manager.get("/api/orders").await);
    assert_body!("order_history", manager.get("/api/orders/1/history").await);
    assert_body!("product_after_orders", manager.get("/api/products/1").await);
    assert_body!(
        "stock_after_orders",
        manager.get("/api/products/1/stock").await
    );
}

#[apply(on_both_databases)]
async fn problem_documents_are_complete(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    manager.create_product("Чай", 1).await;
    assert_body!(
        "invalid_order",
        manager
            .post("/api/orders", json!({"qty": 0, "colour": "red"}))
            .await
    );
    assert_body!(
        "out_of_stock",
        manager.post("/api/orders", order_body(1, 2)).await
    );
    assert_body!("order_not_found", manager.get("/api/orders/99").await);
    manager.post("/api/orders", order_body(1, 1)).await;
    manager.post_empty("/api/orders/1/deny").await;
    assert_body!(
        "order_already_denied",
        manager.post_empty("/api/orders/1/issue").await
    );
    assert_body!(
        "signed_out",
        ApiClient::anonymous(&app).get("/api/orders").await
    );
    assert_body!("forbidden", manager.get("/api/users").await);
    let english = manager.with_header("accept-language", "en");
    assert_body!(
        "order_not_found_in_english",
        english.get("/api/orders/99").await
    );
}
