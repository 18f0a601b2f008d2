//! The daily work of the shop over HTTP.

use super::*;
use crate::auth::Role;

#[apply(on_both_databases)]
async fn products_supplies_and_orders_are_managed_over_http(app: App) {
    let anonymous = ApiClient::anonymous(&app).on_this_machine();
    let registered = anonymous
        .post(
            "/api/auth/register",
            json!({"username": "анна", "password": PASSWORD}),
        )
        .await;
    assert_eq!(
        (
            registered.status,
            registered.text("role"),
            registered.location()
        ),
        (201, "admin", "/api/me")
    );
    let anna = anonymous.with_header("cookie", &registered.cookie());
    assert_eq!(
        anna.get("/api/me").await.json,
        json!({"username": "анна", "role": "admin", "must_change_password": false, "must_set_up_totp": false})
    );

    let product = anna
        .post(
            "/api/products",
            json!({"name": "Чай зелёный", "sell_price_rub": "1299.9", "min_stock": 5,
            "description": null}),
        )
        .await;
    assert_eq!(
        (product.status, product.location()),
        (201, format!("/api/products/{}", product.id()).as_str())
    );
    assert_eq!(anna.get(product.location()).await.json, product.json);
    assert_eq!(
        (
            product.text("sell_price_rub"),
            &product.json["is_low_stock"]
        ),
        ("1299.90", &json!(true))
    );

    let supply =
        json!({"product": "зеленый", "qty": 10, "supplier_name": "Teekanne", "buy_price_eur": 3.5});
    let received = anna.post("/api/supplies", supply).await;
    assert_eq!(
        (received.status, received.text("buy_price_eur")),
        (201, "3.50")
    );
    assert_eq!(anna.get(received.location()).await.json, received.json);

    let created = anna.post("/api/orders", order_body(product.id(), 2)).await;
    assert_eq!(
        (
            created.status,
            created.text("phone"),
            created.text("total_rub")
        ),
        (201, "+79161234567", "2599.80")
    );
    let stock = anna
        .get(&format!("{}/stock", product.location()))
        .await
        .json;
    let counters = ["quantity", "issued", "on_hand", "reserved", "stock"]
        .map(|field| stock[field].as_i64().unwrap());
    assert_eq!(counters, [10, 0, 10, 2, 8]);

    let edit = json!({"version": 1, "phone": "89161234567", "customer_name": "Мария", "qty": 3,
        "unit_price_rub": 1000});
    let edited = anna.put(created.location(), edit.clone()).await;
    assert_eq!(
        (
            edited.status,
            edited.text("unit_price_rub"),
            &edited.json["version"]
        ),
        (200, "1000.00", &json!(2))
    );
    assert_eq!(
        anna.put(created.location(), edit).await.json,
        edited.json,
        "an edit that changes nothing must not be a conflict"
    );
    let other = json!({"version": 1, "phone": "89161234567", "customer_name": "Мария", "qty": 4,
        "unit_price_rub": 1000});
    assert_eq!(
        anna.put(created.location(), other).await.text("type"),
        "urn:sirius:stale"
    );

    let (issue, deny) = (
        format!("{}/issue", created.location()),
        format!("{}/deny", created.location()),
    );
    let issued = anna.post_empty(&issue).await;
    assert_eq!((issued.status, issued.text("status")), (200, "paid_issued"));
    assert!(issued.text("issued_at").ends_with('Z'));
    assert_eq!(anna.post_empty(&issue).await.json, issued.json);
    assert_eq!(
        (
            anna.post_empty(&deny).await.status,
            anna.post_empty(&deny).await.text("type")
        ),
        (409, "urn:sirius:order_settled")
    );

    let movements = anna.get(&format!("{}/movements", product.location())).await;
    assert_eq!(
        movements.field_values("kind"),
        ["issue", "reserve", "reserve", "supply"]
    );
    let history = anna.get(&format!("{}/history", created.location())).await;
    assert_eq!(history.field_values("action"), ["issue", "edit", "create"]);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_product_is_edited_counted_archived_and_restored(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let id = manager.create_product("чай", 5).await;
    let path = format!("/api/products/{id}");
    let edited = manager
        .put(
            &path,
            json!({"version": 1, "name": "кофе", "buy_price_eur": "2.50"}),
        )
        .await;
    assert_eq!(
        (
            edited.status,
            edited.text("name"),
            edited.text("buy_price_eur")
        ),
        (200, "кофе", "2.50")
    );
    assert_eq!(
        edited.json["sell_price_rub"],
        Value::Null,
        "PUT did not clear a missing field"
    );

    for version in [json!(1), json!(9_223_372_036_854_775_807_i64)] {
        let stale = manager
            .put(&path, json!({"version": version, "name": "какао"}))
            .await;
        assert_eq!(
            (stale.status, stale.text("type")),
            (409, "urn:sirius:stale")
        );
        assert_eq!(
            (&stale.json["version"], &stale.json["present"]["name"]),
            (&json!(2), &json!("кофе"))
        );
    }

    let correct = format!("{path}/correct");
    let corrected = manager
        .post(
            &correct,
            json!({"expected": 5, "on_hand": 4, "note": "разбита"}),
        )
        .await;
    assert_eq!(
        (corrected.status, &corrected.json["on_hand"]),
        (200, &json!(4))
    );
    assert_eq!(
        manager
            .post(&correct, json!({"expected": 5, "on_hand": 3}))
            .await
            .status,
        409
    );

    assert_eq!(manager.delete(&path).await.status, 204);
    assert!(manager.get(&path).await.json["archived_at"].is_string());
    assert_eq!(
        manager
            .post("/api/orders", order_body(id, 1))
            .await
            .text("type"),
        "urn:sirius:archived"
    );
    assert_eq!(manager.get("/api/products").await.items().len(), 0);
    assert_eq!(
        manager
            .get("/api/products?archived=true")
            .await
            .items()
            .len(),
        1
    );
    assert_eq!(
        manager.post_empty(&format!("{path}/restore")).await.json["archived_at"],
        Value::Null
    );

    let unused = format!("/api/products/{}", manager.create_product("вода", 0).await);
    assert_eq!(manager.delete(&unused).await.status, 204);
    assert_eq!(manager.get(&unused).await.status, 404);
}

#[apply(on_both_databases)]
async fn an_admin_lists_users_reads_the_log_and_changes_roles(app: App) {
    let admin = ApiClient::with_new_account(&app, app.admin()).await;
    let clerk = ApiClient::with_new_account(&app, app.person("boris", Role::User)).await;
    assert_eq!(
        admin.get("/api/users").await.field_values("username"),
        ["boris", "админ"]
    );
    let changed = admin
        .put("/api/users/boris/role", json!({"role": "manager"}))
        .await;
    assert_eq!((changed.status, changed.text("role")), (200, "manager"));
    assert_eq!(
        clerk.get("/api/me").await.status,
        401,
        "the change of role did not end the session"
    );
    for wrong in [json!({"role": "king"}), json!({"role": 1}), json!({})] {
        assert_eq!(
            admin
                .put("/api/users/boris/role", wrong)
                .await
                .wrong_fields(),
            ["role"]
        );
    }
    assert_eq!(
        admin
            .put("/api/users/nobody/role", json!({"role": "user"}))
            .await
            .status,
        404
    );
    assert_eq!(
        admin
            .post_empty("/api/users/boris/activate")
            .await
            .text("state"),
        "active"
    );
    let log = admin
        .get("/api/log?action=change_role&entity_id=boris&limit=1")
        .await;
    assert_eq!(
        log.items()[0]["details"],
        json!([{"field": "role", "before": "user", "after": "manager"}])
    );
    assert_eq!(log.json["next"], Value::Null);
    let first = admin.get("/api/log?limit=1").await;
    let second = admin
        .get(&format!("/api/log?limit=1&cursor={}", first.text("next")))
        .await;
    assert!(second.items()[0]["id"].as_i64() < first.items()[0]["id"].as_i64());
}

#[apply(on_both_databases)]
async fn changing_the_password_ends_the_other_sessions(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.person("boris", Role::User)).await;
    let other = ApiClient::signed_in(&app, "boris").await;
    let change = |current: &str| json!({"current_password": current, "password": "battery staple"});
    let wrong = clerk.post("/api/me/password", change("guess")).await;
    assert_eq!(
        (wrong.status, wrong.wrong_fields()),
        (422, vec!["current_password"])
    );
    let changed = clerk.post("/api/me/password", change(PASSWORD)).await;
    assert_eq!(changed.status, 204);
    assert_eq!(
        clerk
            .with_header("cookie", &changed.cookie())
            .get("/api/me")
            .await
            .status,
        200
    );
    assert_eq!(other.get("/api/me").await.status, 401);
    let old = ApiClient::anonymous(&app)
        .post(
            "/api/auth/login",
            json!({"username": "boris", "password": PASSWORD}),
        )
        .await;
    assert_eq!(
        (old.status, old.text("type")),
        (401, "urn:sirius:bad_credentials")
    );
}

#[apply(on_both_databases)]
async fn sign_in_and_registration_errors_state_the_reason(app: App) {
    let app = app.restarted(|config| config.registration = crate::config::Registration::Approval);
    let anonymous = ApiClient::anonymous(&app).on_this_machine();
    let credentials = |name: &str| json!({"username": name, "password": PASSWORD});
    assert_eq!(
        anonymous
            .post("/api/auth/register", credentials("анна"))
            .await
            .status,
        201
    );
    let waiting = anonymous
        .post("/api/auth/register", credentials("борис"))
        .await;
    assert_eq!((waiting.status, waiting.text("state")), (201, "pending"));
    assert!(!waiting.headers.contains_key(header::SET_COOKIE));
    assert_eq!(
        anonymous
            .post("/api/auth/login", credentials("борис"))
            .await
            .text("type"),
        "urn:sirius:account_pending"
    );
    assert_eq!(
        anonymous
            .post("/api/auth/register", credentials("Борис"))
            .await
            .wrong_fields(),
        ["username"]
    );
    for password in ["1", &"x".repeat(129)] {
        let refused = anonymous
            .post(
                "/api/auth/register",
                json!({"username": "я", "password": password}),
            )
            .await;
        assert_eq!(
            (refused.status, refused.wrong_fields()),
            (422, vec!["password", "username"])
        );
    }
    assert_eq!(
        anonymous
            .post(
                "/api/auth/register",
                json!({"username": "long", "password": "x".repeat(128)})
            )
            .await
            .status,
        201
    );
    assert_eq!(
        anonymous
            .post("/api/auth/login", json!({}))
            .await
            .wrong_fields(),
        ["password", "username"]
    );
}
