//! Input from users, links and programs: it is never executed, never redirects elsewhere, and never causes a fault.

use crate::tests::server::access::percent_encode;
use crate::tests::server::guards::post;
use crate::tests::support::{App, PASSWORD, apply, on_both_databases};
use crate::{audit::Action, db::Conn, schema::operation_log};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use diesel::prelude::*;

#[apply(on_both_databases)]
async fn a_path_that_looks_like_a_host_does_not_redirect_elsewhere(app: App) {
    let mut browser = app.browser();
    for page in ["//evil.example/", "///evil.example", "/%2F/evil.example/.."] {
        let answer = browser
            .submit(page, "set_language", &[("lang", "en")])
            .await;
        let location = answer.location.unwrap();
        assert!(
            !location.starts_with("//") && !location.contains("http"),
            "{page}: {location}"
        );
        let refused = browser
            .submit(
                page,
                "sign_in",
                &[("username", "x"), ("password", "wrong horse")],
            )
            .await;
        let location = refused.location.unwrap();
        assert!(
            location.starts_with('/') && !location.starts_with("//"),
            "{page}: {location}"
        );
    }
    app.create_account(app.clerk()).await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: x=1",
    ] {
        let answer = browser
            .submit(
                "/login",
                "sign_in",
                &[
                    ("username", "продавец"),
                    ("password", PASSWORD),
                    ("next", next),
                ],
            )
            .await;
        assert_eq!(answer.location.as_deref(), Some("/"), "{next}");
    }
}

#[apply(on_both_databases)]
async fn user_input_is_escaped_in_pages(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let script = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'";
    app.manager().create_product(script, 5).await;
    app.manager().create_order(script, 1).await.unwrap();
    for page in [
        "/products",
        "/products/1",
        "/orders",
        "/orders/1",
        "/supplies",
        &format!("/products?search={}", percent_encode(script)),
        &format!("/login?next={}", percent_encode(script)),
    ] {
        let body = browser.get(page).await.body;
        assert!(
            !body.contains("<script>alert") && !body.contains("<img src=x"),
            "{page}: {body}"
        );
    }
    let description = "</textarea><img src=x>&lt;";
    let version = browser.get("/products/1").await.hidden_field("version");
    for price in ["дорого", "1"] {
        let edit = [
            ("id", "1"),
            ("version", version.as_str()),
            ("name", "чай"),
            ("description", description),
            ("sell_price_rub", price),
        ];
        let answer = browser.submit("/products/1", "edit_product", &edit).await;
        let body = browser.follow(&answer).await.body;
        assert!(
            body.contains("&lt;/textarea>&lt;img src=x>&amp;lt;</textarea>")
                && !body.contains("</textarea><img"),
            "{price}: {body}"
        );
    }
}

#[apply(on_both_databases)]
async fn a_link_from_another_site_cannot_prefill_a_form(app: App) {
    let mut attacker = app.signed_in_browser(app.manager()).await;
    let typed = [("name", "чужое имя"), ("sell_price_rub", "дорого")];
    let refused = attacker
        .submit("/products/new", "create_product", &typed)
        .await;
    let page = attacker.follow(&refused).await;
    assert!(page.body.contains("чужое имя"), "{}", page.body);
    // The same user in another browser, and a visitor who first has to sign in.
    let link = refused.location.unwrap();
    let mut victim = app.browser();
    victim.sign_in("менеджер", PASSWORD).await;
    let answer = victim.get(&link).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("чужое имя"), "{}", answer.body);
    let mut stranger = app.browser();
    let login = stranger.get(&link).await;
    let next = stranger.follow(&login).await.hidden_field("next");
    let fields = [
        ("username", "менеджер"),
        ("password", PASSWORD),
        ("next", next.as_str()),
    ];
    let back = stranger.submit("/login", "sign_in", &fields).await;
    let page = stranger.follow(&back).await;
    assert!(page.body.contains("name=\"name\""), "{}", page.body);
    assert!(!page.body.contains("чужое имя"), "{}", page.body);
    // An address cannot contain an error or the fields of a form itself.
    let error = "IkZvcmJpZGRlbiI=";
    let page = victim
        .get(&format!(
            "/products/new?__path=/fn/create_product&__err={error}&__typed=eyJuYW1lIjoieCJ9"
        ))
        .await;
    assert!(
        !page.body.contains("alert-error") && !page.body.contains("value=\"x\""),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn a_download_from_another_site_is_refused_and_not_logged(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let logged_exports = |conn: &mut Conn| {
        let exports = operation_log::table.filter(operation_log::action.eq(Action::Export));
        Ok(exports.count().get_result::<i64>(conn)?)
    };
    let request = |method, name: &'static str, value: &'static str| {
        Request::builder()
            .method(method)
            .uri("/orders.csv")
            .header(name, value)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(
        browser
            .send_raw(request(Method::GET, "sec-fetch-site", "cross-site"))
            .await
            .status,
        403
    );
    assert_eq!(
        browser
            .send_raw(request(Method::GET, "referer", "http://evil.example/"))
            .await
            .status,
        403
    );
    assert_eq!(
        browser
            .send_raw(request(Method::HEAD, "sec-fetch-site", "same-origin"))
            .await
            .status,
        200
    );
    assert_eq!(app.state.db.read(logged_exports).await, Ok(0));
    assert_eq!(
        browser
            .send_raw(request(Method::GET, "sec-fetch-site", "none"))
            .await
            .status,
        200
    );
    assert_eq!(app.state.db.read(logged_exports).await, Ok(1));
}

#[apply(on_both_databases)]
async fn a_client_that_accepts_anything_is_answered_like_a_browser(app: App) {
    let mut browser = app.browser();
    for (page, status) in [("/orders", 302), ("/admin/users", 302), ("/nothing", 404)] {
        let request = Request::get(page)
            .header(header::ACCEPT, "*/*")
            .body(Body::empty())
            .unwrap();
        assert_eq!(browser.send(request).await.status, status, "{page}");
    }
}

#[apply(on_both_databases)]
async fn a_nul_character_in_the_input_causes_no_fault(app: App) {
    let mut browser = app.signed_in_browser(app.admin()).await;
    for path in [
        "/api/log?user=%00",
        "/api/products?search=a%00",
        "/products/import?upload=%00",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let status = browser.send(request).await.status;
        assert!(status < 500, "{path}: {status}");
    }
    let status = browser.call("end_device", &[("id", "a\0b")]).await.status;
    assert!(status < 500, "{status}");
}

#[apply(on_both_databases)]
async fn a_deeply_nested_body_is_refused(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let nested = format!(
        "{{\"name\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let request = post("/api/products", "application/json")
        .body(Body::from(nested))
        .unwrap();
    assert!((400..500).contains(&browser.send(request).await.status));
}
