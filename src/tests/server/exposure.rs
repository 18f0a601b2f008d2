//! What a response must not give away, and how it must be marked.

use crate::{
    tests::server::access::PAGES,
    tests::support::{App, block_on},
};
use axum::{
    body::Body,
    http::{Method, Request},
};

#[test]
fn no_address_answers_a_trace() {
    block_on(async {
        let app = App::sqlite();
        for path in [
            "/",
            "/login",
            "/orders",
            "/api/orders",
            "/fn/sign_in",
            "/healthz",
        ] {
            let request = Request::builder()
                .method(Method::TRACE)
                .uri(path)
                .header("x-secret", "not to be repeated")
                .body(Body::empty());
            let answer = app.browser().send(request.unwrap()).await;
            assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
            assert!(
                !answer.body.contains("not to be repeated"),
                "{path}: {answer:?}"
            );
        }
    });
}

#[test]
fn every_text_names_its_charset() {
    block_on(async {
        let app = App::sqlite();
        let mut browser = app.signed_in_browser(app.admin()).await;
        let pages = PAGES.iter().map(|(page, _)| *page);
        let pages = pages.filter(|page| !page.contains('{'));
        let others = [
            "/orders.csv",
            "/healthz",
            "/readyz",
            "/nothing",
            "/api/orders",
        ];
        for path in pages.chain(others) {
            let answer = browser.get(path).await;
            let Some(media_type) = answer.headers.get("content-type") else {
                assert_eq!(answer.body, "", "{path} has no type");
                continue;
            };
            let media_type = media_type.to_str().unwrap();
            let is_marked = media_type.contains("charset=utf-8");
            // JSON is always UTF-8.
            assert!(
                is_marked || media_type.contains("json"),
                "{path}: {media_type}"
            );
        }
    });
}
