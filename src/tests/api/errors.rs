//! Every error is a problem document with a matching status.

use super::*;

#[apply(on_both_databases)]
async fn every_wrong_field_is_named_at_once(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let wrong = json!({
        "name": 5,
        "quantity": -1,
        "min_stock": true,
        "sell_price_rub": "1 299,90",
        "buy_price_eur": 1.005,
        "colour": "red",
    });
    let wrong = manager.post("/api/products", wrong).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(
        wrong.wrong_fields(),
        [
            "buy_price_eur",
            "colour",
            "min_stock",
            "name",
            "quantity",
            "sell_price_rub"
        ]
    );
    assert_eq!(
        manager.post("/api/orders", json!({})).await.wrong_fields(),
        ["phone", "product", "qty"]
    );
    let unknown = manager.post("/api/orders", order_body(99, 1)).await;
    assert_eq!(
        (unknown.status, unknown.wrong_fields()),
        (422, vec!["product_id"])
    );
    // A valid order with an unknown field is not created.
    let mut unknown_field = order_body(manager.create_product("чай", 5).await, 1);
    unknown_field["discount"] = json!(5);
    assert_eq!(
        manager
            .post("/api/orders", unknown_field)
            .await
            .wrong_fields(),
        ["discount"]
    );
    assert_eq!(manager.get("/api/orders").await.items().len(), 0);
    app.assert_consistent().await;
}

#[apply(on_both_databases)]
async fn a_client_without_permission_gets_no_field_errors(app: App) {
    let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
    let refused = clerk.post("/api/products", json!({"colour": "red"})).await;
    assert_eq!((refused.status, refused.wrong_fields().len()), (403, 0));
    let unauthorized = ApiClient::anonymous(&app)
        .post("/api/products", json!({"colour": "red"}))
        .await;
    assert_eq!(
        (
            unauthorized.status,
            &unauthorized.headers[header::WWW_AUTHENTICATE]
        ),
        (401, &"Bearer realm=\"sirius\"".parse().unwrap())
    );
}

#[apply(on_both_databases)]
async fn money_is_exact_or_refused(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let create = |name: usize, price: &str| {
        let (manager, body) = (
            manager.clone(),
            format!("{{\"name\": \"{name}\", \"sell_price_rub\": {price}}}"),
        );
        async move {
            manager
                .send(Method::POST, "/api/products", Some(body))
                .await
        }
    };
    for (name, (json, shown)) in [
        ("1299.90", "1299.90"),
        ("\"1299.9\"", "1299.90"),
        ("1299", "1299.00"),
        ("0", "0.00"),
        ("10000000", "10000000.00"),
        ("0.1", "0.10"),
    ]
    .into_iter()
    .enumerate()
    {
        let created = create(name, json).await;
        assert_eq!(
            (created.status, created.text("sell_price_rub")),
            (201, shown),
            "{json}"
        );
    }
    for json in [
        "1299.905",
        "1e2",
        "0.10000000000000000001",
        "-1",
        "10000000.01",
        "\"1e2\"",
        "\"\"",
        "\"1,5\"",
        "true",
        "[]",
        "{}",
        "9999999999999999999999",
    ] {
        let refused = create(99, json).await;
        assert_eq!(
            (refused.status, refused.wrong_fields()),
            (422, vec!["sell_price_rub"]),
            "{json}"
        );
    }
}

#[apply(on_both_databases)]
async fn an_exchange_rate_is_validated_as_documented(app: App) {
    let admin = ApiClient::with_new_account(&app, app.admin()).await;
    let set = |json: &str| {
        let (admin, body) = (admin.clone(), format!("{{\"rub_per_eur\": {json}}}"));
        async move {
            admin
                .send(Method::PUT, "/api/rates/2026-11-01", Some(body))
                .await
        }
    };
    for (json, shown) in [
        ("\"98.1234\"", "98.1234"),
        ("98.1234", "98.1234"),
        ("\"98.5\"", "98.50"),
        ("98", "98.00"),
        ("0.0001", "0.0001"),
        ("10000", "10000.00"),
        ("\"10000.0000\"", "10000.00"),
    ] {
        let rate = set(json).await;
        assert_eq!(
            (rate.status, rate.text("rub_per_eur")),
            (200, shown),
            "{json}: {rate:?}"
        );
    }
    for json in [
        "98.12345",
        "\"98.12345\"",
        "10000.0001",
        "10001",
        "0",
        "\"0\"",
        "-1",
        "\"98,5\"",
        "1e2",
        "null",
        "true",
    ] {
        let refused = set(json).await;
        assert_eq!(
            (refused.status, refused.wrong_fields()),
            (422, vec!["rub_per_eur"]),
            "{json}"
        );
    }
    let schemas = &admin.get("/api/openapi.json").await.json["components"]["schemas"];
    assert_eq!(
        schemas["NewRate"]["properties"]["rub_per_eur"]["$ref"],
        "#/components/schemas/RateAmount"
    );
    let [text, number] = [0, 1].map(|form| &schemas["RateAmount"]["anyOf"][form]);
    assert_eq!(
        text["pattern"],
        r"^([0-9]{1,4}(\.[0-9]{1,4})?|10000(\.0{1,4})?)$"
    );
    assert_eq!(
        (&number["exclusiveMinimum"], &number["maximum"]),
        (&json!(0), &json!(10_000))
    );
}

#[apply(on_both_databases)]
async fn http_level_errors_are_problem_documents_too(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let create = |body: String| {
        let manager = manager.clone();
        async move {
            manager
                .send(Method::POST, "/api/products", Some(body))
                .await
        }
    };
    for body in ["{", "", "nul", "{\"name\": \u{1}}"] {
        let refused = create(body.to_owned()).await;
        assert_eq!(
            (refused.status, refused.text("type")),
            (400, "urn:sirius:unreadable"),
            "{body}"
        );
    }
    for body in ["[]", "5", "\"name\"", "null", "{\"name\": 1, \"name\": 2}"] {
        assert_eq!(
            create(body.to_owned()).await.wrong_fields(),
            ["body"],
            "{body}"
        );
    }
    let large = create(format!("{{\"name\": \"{}\"}}", "x".repeat(300 << 10))).await;
    assert_eq!(
        (large.status, large.text("type")),
        (413, "urn:sirius:body_too_large")
    );
    let text = manager
        .clone()
        .with_header("content-type", "text/plain")
        .post("/api/products", json!({}))
        .await;
    assert_eq!(
        (text.status, text.text("type")),
        (415, "urn:sirius:not_json")
    );
    assert_eq!(manager.post_empty("/api/products").await.status, 415);
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/products/",
        "/api/products/1/nothing",
        "/api/products/999",
        "/api/products/x",
        "/api/orders/99999999999999999999",
    ] {
        let missing = manager.get(path).await;
        assert_eq!(
            (missing.status, missing.text("type")),
            (404, "urn:sirius:not_found"),
            "{path}"
        );
    }
}

#[apply(on_both_databases)]
async fn a_405_lists_the_allowed_methods(app: App) {
    for (method, path, allowed) in [
        (Method::DELETE, "/api/products", "GET,HEAD,POST"),
        (Method::PATCH, "/api/products/1", "DELETE,GET,HEAD,PUT"),
        (Method::GET, "/api/orders/1/issue", "POST"),
        (Method::GET, "/logout", "POST"),
    ] {
        let refused = ApiClient::anonymous(&app).send(method, path, None).await;
        assert_eq!(
            (refused.status, refused.text("type")),
            (405, "urn:sirius:method_not_allowed"),
            "{path}"
        );
        let mut listed: Vec<_> = refused.headers[header::ALLOW]
            .to_str()
            .unwrap()
            .split(',')
            .collect();
        listed.sort_unstable();
        assert_eq!(listed.join(","), allowed, "{path}");
    }
}

#[apply(on_both_databases)]
async fn an_error_is_in_the_language_of_the_client(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 2).await;
    let refused = manager.post("/api/orders", order_body(product, 3)).await;
    assert_eq!(
        (refused.status, refused.text("type")),
        (409, "urn:sirius:out_of_stock")
    );
    assert!(
        refused
            .text("detail")
            .starts_with("На складе осталось 2, нужно 3")
    );
    assert_eq!(refused.json["errors"]["qty"][0], refused.json["detail"]);
    let english = manager
        .with_header("accept-language", "de, en-GB;q=0.8")
        .post("/api/orders", order_body(product, 3))
        .await;
    assert!(english.text("detail").is_ascii(), "{english:?}");
}

#[apply(on_both_databases)]
async fn a_cross_site_change_is_refused_unless_it_has_a_token(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let token = manager.post("/api/me/tokens", new_token()).await;
    let cross_site = manager.clone().with_header("sec-fetch-site", "cross-site");
    let refused = cross_site
        .post("/api/products", json!({"name": "подделка"}))
        .await;
    assert_eq!(
        (refused.status, refused.text("type")),
        (403, "urn:sirius:other_site")
    );
    // With an invalid token, the session cookie is ignored.
    let invalid = cross_site.clone().with_header("authorization", "Bearer x");
    assert_eq!(
        invalid
            .post("/api/products", json!({"name": "подделка"}))
            .await
            .status,
        401
    );
    let with_token =
        cross_site.with_header("authorization", &format!("Bearer {}", token.text("token")));
    assert_eq!(
        with_token
            .post("/api/products", json!({"name": "чай"}))
            .await
            .status,
        201
    );
    assert_eq!(
        manager.get("/api/products").await.field_values("name"),
        ["чай"]
    );
}

#[test]
fn a_fault_hides_its_cause_and_an_unreachable_database_is_a_503() {
    crate::tests::support::block_on(async {
        let app = App::sqlite();
        let clerk = ApiClient::with_new_account(&app, app.clerk()).await;
        app.sql("ALTER TABLE supplies RENAME TO hidden").await;
        let manager = ApiClient::with_new_account(&app, app.manager()).await;
        let broken = manager.get("/api/supplies").await;
        assert_eq!(
            (broken.status, broken.text("type")),
            (500, "urn:sirius:internal")
        );
        assert!(!broken.json.to_string().contains("supplies"), "{broken:?}");
        let unreachable =
            crate::db::DatabaseUrl::Postgres("postgres://nobody@127.0.0.1:1/nothing".to_owned());
        let mut state = app.state.clone();
        state.db = crate::db::Db::connect(&unreachable, 1).unwrap();
        let router = crate::server::router(state, &tower_sessions::cookie::Key::from(&[7; 64]));
        let clerk = ApiClient { router, ..clerk };
        for path in ["/api/products", "/api/me"] {
            let refused = clerk.get(path).await;
            assert_eq!(
                (refused.status, refused.text("type")),
                (503, "urn:sirius:unavailable"),
                "{path}"
            );
        }
    });
}
