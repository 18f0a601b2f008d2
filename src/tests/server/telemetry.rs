//! The monitoring of the server: metrics and readiness.

use crate::config::loopback;
use crate::tests::support::{App, Browser, PHONE, apply, block_on, on_both_databases};
use axum::{body::Body, extract::ConnectInfo, http::Request};
use std::net::SocketAddr;

#[test]
fn metrics_are_served_only_to_allowed_addresses() {
    block_on(async {
        let app = App::sqlite();
        let mut browser = app.signed_in_browser(app.clerk()).await;
        let manager = app.create_account(app.manager()).await;
        manager.create_product("чай", 1).await;
        manager.create_order("чай", 2).await.unwrap_err();
        browser.get("/orders/1").await;
        browser.get("/nothing").await;
        let peer = |address: &str| ConnectInfo(SocketAddr::new(address.parse().unwrap(), 1));
        let get_metrics = |browser: &mut Browser, address: &str| {
            let request = Request::get("/metrics").header("host", "localhost:3000");
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(peer(address));
            let mut browser = browser.clone();
            async move { browser.send(request).await }
        };
        for (address, status) in [
            ("127.0.0.1", 200),
            ("203.0.113.7", 404),
            ("10.0.0.1", 404),
            ("::1", 404),
        ] {
            assert_eq!(
                get_metrics(&mut browser, address).await.status,
                status,
                "{address}"
            );
        }
        let metrics = get_metrics(&mut browser, "127.0.0.1").await.body;
        for line in [
            "http_request_duration_seconds_count{method=\"GET\",route=\"/orders/{id}\",status=\"404\"}",
            "http_request_duration_seconds_bucket{method=\"POST\",route=\"/fn/sign_in\",status=\"302\",le=\"0.5\"}",
            "route=\"missing\",status=\"404\"",
            "sirius_stock_conflicts_total{kind=\"out_of_stock\"}",
            "sirius_database_connections{state=\"open\"}",
            "sirius_database_connections{state=\"waiting\"} 0",
            "sirius_database_connections_max 8",
            "sirius_write_queue",
            "sirius_notifications{state=\"waiting\"} 0",
            "sirius_notifications{state=\"failed\"} 0",
        ] {
            assert!(metrics.contains(line), "{line} is not in {metrics}");
        }
        assert!(!metrics.contains("/orders/1\"") && !metrics.contains(PHONE));
        // Behind an untrusted proxy, every client has the address of the proxy.
        for (name, value) in [("x-forwarded-for", "127.0.0.1"), ("host", "shop.example")] {
            let mut proxied = browser.clone().with_header(name, value);
            let answer = get_metrics(&mut proxied, "127.0.0.1").await;
            assert_eq!(answer.status, 404, "{name}");
        }
        // A trusted proxy on the machine is not the machine itself, either.
        let app = app.restarted(|config| config.trust_proxy = loopback());
        for (client, status) in [("127.0.0.1", 404), ("203.0.113.7", 404)] {
            let mut proxied = app.browser().with_header("x-forwarded-for", client);
            let answer = get_metrics(&mut proxied, "127.0.0.1").await;
            assert_eq!(answer.status, status, "{client}");
        }
    });
}

#[apply(on_both_databases)]
async fn a_server_is_ready_when_its_database_is(app: App) {
    let mut browser = app.browser();
    assert_eq!(browser.get("/readyz").await.body, "ok");
    app.sql(
        "DELETE FROM __diesel_schema_migrations
         WHERE version = (SELECT MAX(version) FROM __diesel_schema_migrations)",
    )
    .await;
    let answer = browser.get("/readyz").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "the schema is not up to date")
    );
    assert_eq!(answer.headers["retry-after"], "5");
    app.sql("DROP TABLE __diesel_schema_migrations").await;
    let answer = browser.get("/readyz").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "the database does not answer")
    );
    assert_eq!(
        browser.get("/healthz").await.status,
        200,
        "the process is not healthy"
    );
}
