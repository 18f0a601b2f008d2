//! Lists: cursors, limits, sort orders and the filters of the pages.

use super::*;

#[apply(on_both_databases)]
async fn following_cursors_returns_every_row_once(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 100).await;
    for _ in 0..7 {
        assert_eq!(
            manager
                .post("/api/orders", order_body(product, 1))
                .await
                .status,
            201
        );
    }
    for sort in [
        "",
        "created_at",
        "-created_at",
        "phone",
        "-phone",
        "status",
        "-status",
    ] {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = manager
                .get(&format!("/api/orders?limit=3&sort={sort}&cursor={cursor}"))
                .await;
            assert!(page.items().len() <= 3);
            ids.extend(page.items().iter().map(|row| row["id"].as_i64().unwrap()));
            match page.json["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let is_ascending = !sort.is_empty() && !sort.starts_with('-');
        assert_eq!(
            ids,
            if is_ascending {
                vec![1, 2, 3, 4, 5, 6, 7]
            } else {
                vec![7, 6, 5, 4, 3, 2, 1]
            },
            "{sort}"
        );
    }
}

#[apply(on_both_databases)]
async fn timestamps_sort_as_text_and_paging_keeps_their_precision(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 100).await;
    for _ in 0..4 {
        assert_eq!(
            manager
                .post("/api/orders", order_body(product, 1))
                .await
                .status,
            201
        );
    }
    app.sql(
        "
        UPDATE orders SET created_at = '2026-11-23 11:05:39' WHERE id = 1;
        UPDATE orders SET created_at = '2026-11-23 11:05:39.515' WHERE id = 2;
        UPDATE orders SET created_at = '2026-11-23 11:05:39.515326' WHERE id = 3;
        UPDATE orders SET created_at = '2026-11-23 11:05:39.515327' WHERE id = 4;
    ",
    )
    .await;
    let (mut times, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = manager
            .get(&format!(
                "/api/orders?limit=1&sort=created_at&cursor={cursor}"
            ))
            .await;
        times.extend(
            page.items()
                .iter()
                .map(|row| row["created_at"].as_str().unwrap().to_owned()),
        );
        match page.json["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert!(times.is_sorted(), "{times:?}");
    let seconds = ["39.000000Z", "39.515000Z", "39.515326Z", "39.515327Z"];
    assert_eq!(
        times,
        seconds.map(|second| format!("2026-11-23T11:05:{second}"))
    );
}

#[apply(on_both_databases)]
async fn a_wrong_limit_or_cursor_is_refused(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let product = manager.create_product("чай", 5).await;
    for path in [
        "/api/products",
        "/api/supplies",
        "/api/orders",
        &format!("/api/products/{product}/movements"),
    ] {
        assert_eq!(
            manager.get(&format!("{path}?limit=500")).await.status,
            200,
            "{path}"
        );
        for limit in ["0", "501", "x", "-1"] {
            let refused = manager.get(&format!("{path}?limit={limit}")).await;
            assert_eq!(
                (refused.status, refused.wrong_fields()),
                (422, vec!["limit"]),
                "{path} {limit}"
            );
        }
        // The second cursor is `[{"Text":"\u0000"}]`, a text that PostgreSQL refuses.
        for cursor in ["broken", "W3siVGV4dCI6Ilx1MDAwMCJ9XQ"] {
            let broken = manager.get(&format!("{path}?cursor={cursor}")).await;
            assert_eq!(
                (broken.status, broken.text("type")),
                (400, "urn:sirius:bad_cursor"),
                "{path}"
            );
        }
    }
}

#[apply(on_both_databases)]
async fn lists_have_the_filters_of_the_pages(app: App) {
    let manager = ApiClient::with_new_account(&app, app.manager()).await;
    let tea = manager.create_product("чай", 5).await;
    manager.create_product("кофе", 5).await;
    let first = manager.post("/api/orders", order_body(tea, 1)).await;
    manager.post("/api/orders", order_body(tea, 1)).await;
    manager
        .post_empty(&format!("{}/deny", first.location()))
        .await;
    for (path, found) in [
        ("/api/orders?status=paid_denied", 1),
        ("/api/orders?phone=4567", 2),
        ("/api/orders?phone=999", 0),
        ("/api/orders?product=%D1%87%D0%B0%D0%B9", 2),
        ("/api/orders?from=2000-01-01&to=2000-01-02", 0),
        ("/api/products?search=%D0%9A%D0%9E%D0%A4%D0%95", 1),
        ("/api/products?low=true", 0),
        ("/api/products?low=false&sort=-stock", 2),
        ("/api/supplies?supplier=x&sort=created_at", 0),
    ] {
        let reply = manager.get(path).await;
        assert_eq!(
            reply.json["items"].as_array().map(Vec::len),
            Some(found),
            "{path}: {reply:?}"
        );
    }
    let wrong = manager
        .get("/api/orders?status=x&phone=1&from=tomorrow&limit=0&what=1")
        .await;
    assert_eq!(
        (wrong.status, wrong.wrong_fields()),
        (422, vec!["from", "limit", "phone", "status", "what"])
    );
    assert_eq!(
        manager
            .get("/api/products?low=perhaps&sort=x")
            .await
            .wrong_fields(),
        ["low", "sort"]
    );
    assert_eq!(manager.get("/api/orders?limit=1&limit=2").await.status, 400);
}
