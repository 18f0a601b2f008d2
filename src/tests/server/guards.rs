//! Protection against attacks: headers, cookies, cross-site requests and limits.

use crate::tests::api::contract::OPERATIONS;
use crate::tests::db::schema::Line;
use crate::tests::server::access::{
    FUNCTIONS, PAGES, call, fill_placeholders, http_method, percent_encode, set_up_callers,
};
use crate::tests::support::{App, NEW_TOKEN, PASSWORD, apply, on_both_databases};
use crate::{
    auth::{Actor, Role, session, users::service as users},
    config::CookieSecure,
    db::Conn,
    error::Error,
};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use diesel::prelude::*;
use futures::stream;
use std::{collections::BTreeMap, time::Duration};

/// The downloads.
const DOWNLOADS: [&str; 8] = [
    "/orders.csv",
    "/products.csv",
    "/products/{product}/movements.csv",
    "/supplies.csv",
    "/admin/analytics.csv",
    "/admin/logs.csv",
    "/admin/customers.json?order={order}",
    "/admin/customers.csv?order={order}",
];

/// Returns every address that answers a GET request, even with an error.
fn every_address(product: i64, order: i64) -> Vec<String> {
    let pages = PAGES.iter().map(|(page, _)| (*page).to_owned());
    let functions = FUNCTIONS
        .iter()
        .map(|(name, _, fields)| format!("/fn/{name}?{fields}"));
    let operations = OPERATIONS.iter().map(|(_, path, ..)| {
        path.replace("{id}", "1")
            .replace("{username}", "boris")
            .replace("{day}", "2026-11-01")
    });
    let others = [
        "/docs/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/uploads/products",
        "/scan",
        "/nothing",
        "/favicon.svg",
        "/manifest.webmanifest",
        "/offline",
    ];
    pages
        .chain(functions)
        .chain(operations)
        .chain(DOWNLOADS.map(str::to_owned))
        .chain(others.map(str::to_owned))
        .map(|path| {
            let path = fill_placeholders(&path, product, order);
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(url::form_urlencoded::parse(query.as_bytes()))
                .finish();
            format!("{}?{query}", percent_encode(path))
        })
        .collect()
}

/// Returns the rows of each table as text, except the times of the last visits.
fn database_contents(conn: &mut Conn) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let columns = match conn {
        Conn::Sqlite(_) => "SELECT m.name || '.' || c.name AS line FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1",
        Conn::Postgres(_) => "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%' ORDER BY 1",
    };
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for Line { line } in diesel::sql_query(columns).load(conn)? {
        let (table, column) = line.split_once('.').unwrap();
        if column != "last_seen_at" {
            tables
                .entry(table.to_owned())
                .or_default()
                .push(format!("COALESCE(CAST({column} AS TEXT), '-')"));
        }
    }
    let mut rows = BTreeMap::new();
    for (table, columns) in tables {
        // Each download is logged.
        let filter = match table.as_str() {
            "operation_log" => "WHERE action <> 'export'",
            "operation_log_personal" => "WHERE field <> 'query'",
            _ => "",
        };
        let query = format!(
            "SELECT {} AS line FROM {table} {filter} ORDER BY 1",
            columns.join(" || '|' || ")
        );
        let lines: Vec<Line> = diesel::sql_query(query).load(conn)?;
        rows.insert(table, lines.into_iter().map(|row| row.line).collect());
    }
    Ok(rows)
}

/// Builds a POST request to the shop.
pub fn post(path: &str, media_type: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header(header::HOST, "shop.example")
        .header(header::CONTENT_TYPE, media_type)
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=x";
const UPLOAD: &str = "--x\r\nContent-Disposition: form-data; name=\"file\"; \
    filename=\"my.csv\"\r\n\r\nНазвание\r\nподделка\r\n--x--\r\n";

#[apply(on_both_databases)]
async fn every_answer_has_the_security_headers(app: App) {
    let app = app.restarted(|config| config.cookie_secure = CookieSecure::Always);
    let (mut browsers, product, order) = set_up_callers(&app).await;
    let mut answers = Vec::new();
    for path in every_address(product, order) {
        for (_, browser) in &mut browsers {
            answers.push((path.clone(), browser.get(&path).await));
        }
    }
    let mut browser = app.browser();
    for (path, media_type) in [
        ("/api/orders", "application/json"),
        ("/fn/create_order", FORM),
        ("/uploads/products", MULTIPART),
        ("/scan", MULTIPART),
        ("/nothing", FORM),
    ] {
        let request = post(path, media_type)
            .header(header::ORIGIN, "https://evil.example")
            .body(Body::from("{"));
        answers.push((path.to_owned(), browser.send(request.unwrap()).await));
    }
    for (path, answer) in answers {
        let value_of = |name: &str| {
            answer
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap())
                .unwrap_or_default()
        };
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(value_of(name), value, "{path} {}", answer.status);
        }
        let camera = match path.starts_with("/scan") && answer.status == 200 {
            true => "camera=(self), accelerometer=()",
            false => "camera=(), accelerometer=()",
        };
        let permissions = value_of("permissions-policy");
        assert!(permissions.starts_with(camera), "{path}: {permissions}");
        assert_eq!(value_of("x-request-id").len(), 16, "{path}");
        assert!(!value_of("cache-control").is_empty(), "{path}");
        let policy = value_of("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';")
                && policy.contains("frame-ancestors 'none'")
                && policy.contains("base-uri 'none'"),
            "{path}: {policy}"
        );
        assert!(
            path.starts_with("/docs") || !policy.contains("unsafe-inline"),
            "{path}: {policy}"
        );
        if answer.body.starts_with("<!DOCTYPE html>") && answer.body.contains("nonce=") {
            let nonce = answer
                .body
                .split("nonce=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap();
            assert!(
                policy.contains(&format!("script-src 'nonce-{nonce}' 'wasm-unsafe-eval';")),
                "{path}: {policy}"
            );
            assert!(
                !answer.body.split("<script").skip(1).any(|script| !script
                    .split('>')
                    .next()
                    .unwrap()
                    .contains(nonce)),
                "{path}"
            );
        }
    }
}

#[apply(on_both_databases)]
async fn hsts_is_sent_only_over_https(app: App) {
    let page = app.browser().get("/login").await;
    assert!(!page.headers.contains_key("strict-transport-security"));
    let proxied = app.behind_proxy(|_| {});
    let page = proxied
        .browser()
        .with_header("x-forwarded-proto", "https")
        .get("/login")
        .await;
    assert!(page.headers.contains_key("strict-transport-security"));
}

#[apply(on_both_databases)]
async fn a_request_from_another_site_changes_nothing(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let before = app.state.db.read(database_contents).await.unwrap();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "https://shop.example.evil.example"),
        ("origin", "null"),
        ("referer", "http://evil.example/"),
    ] {
        for (method, path, media_type, body) in [
            (Method::POST, "/fn/create_product", FORM, "name=подделка"),
            (Method::POST, "/fn/sign_out", FORM, ""),
            (
                Method::POST,
                "/fn/sign_in",
                FORM,
                "username=менеджер&password=correct horse",
            ),
            (Method::POST, "/uploads/products", MULTIPART, UPLOAD),
            (
                Method::POST,
                "/api/products",
                "application/json",
                r#"{"name": "подделка"}"#,
            ),
            (Method::POST, "/api/auth/logout", "text/plain", ""),
            (Method::PUT, "/api/products/1", "application/json", "{}"),
            (Method::DELETE, "/api/me/sessions", "application/json", ""),
        ] {
            for html in [true, false] {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(path)
                    .header(header::HOST, "shop.example")
                    .header(header::CONTENT_TYPE, media_type)
                    .header(header::ACCEPT, if html { "text/html" } else { "*/*" })
                    .header(name, value)
                    .body(Body::from(body))
                    .unwrap();
                let answer = browser.send_raw(request).await;
                assert_eq!(answer.status, 403, "{path} with {name}: {value}");
                assert!(!answer.body.is_empty());
            }
        }
    }
    assert_eq!(app.state.db.read(database_contents).await.unwrap(), before);
    assert_eq!(
        browser.get("/account").await.status,
        200,
        "the user was signed out"
    );
}

#[apply(on_both_databases)]
async fn a_form_from_an_old_browser_needs_a_referer_of_this_site(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let form = |referer: Option<&str>| {
        let mut request = post("/fn/create_product", FORM).header(header::ACCEPT, "text/html");
        if let Some(referer) = referer {
            request = request.header(header::REFERER, referer);
        }
        request.body(Body::from("name=чай")).unwrap()
    };
    assert_eq!(browser.send_raw(form(None)).await.status, 403);
    assert_eq!(
        browser
            .send_raw(form(Some("http://evil.example/products/new")))
            .await
            .status,
        403
    );
    assert_eq!(
        browser
            .send_raw(form(Some("http://shop.example/products/new")))
            .await
            .status,
        302
    );
    // A program that sends JSON with a session needs no origin.
    let request = post("/api/products", "application/json")
        .body(Body::from(r#"{"name": "кофе"}"#))
        .unwrap();
    assert_eq!(browser.send_raw(request).await.status, 201);
}

#[apply(on_both_databases)]
async fn a_token_works_from_any_origin_but_only_under_the_api(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let made = browser.call("create_token", NEW_TOKEN).await;
    let token = made
        .set_cookie
        .unwrap()
        .split(['=', ';'])
        .nth(1)
        .unwrap()
        .to_owned();
    let request = |path: &str, media_type, body: &'static str| {
        post(path, media_type)
            .header(header::ORIGIN, "http://evil.example")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(body))
            .unwrap()
    };
    let answer = app
        .browser()
        .send(request(
            "/api/products",
            "application/json",
            r#"{"name": "чай"}"#,
        ))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        browser
            .send(request("/fn/create_product", FORM, "name=подделка"))
            .await
            .status,
        403
    );
    // Some programs add the media type of a form even to an empty body.
    let empty = post("/api/products/1/restore", FORM)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(app.browser().send(empty).await.status, 200);
    // With an invalid token, the session is ignored.
    let invalid = post("/api/products", "application/json")
        .header(header::ORIGIN, "http://evil.example")
        .header(header::AUTHORIZATION, "Bearer x");
    assert_eq!(
        browser
            .send(invalid.body(Body::from(r#"{"name": "подделка"}"#)).unwrap())
            .await
            .status,
        401
    );
}

#[apply(on_both_databases)]
async fn behind_a_proxy_the_origin_is_the_public_host(app: App) {
    let app = app.behind_proxy(|_| {});
    let proxied = |origin: &str| {
        Request::post("/fn/set_language")
            .header(header::HOST, "127.0.0.1:3000")
            .header("x-forwarded-host", "shop.example")
            .header("x-forwarded-proto", "https")
            .header(header::CONTENT_TYPE, FORM)
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, origin)
            .body(Body::from("lang=en"))
            .unwrap()
    };
    for (origin, status) in [
        ("https://shop.example", 302),
        ("http://shop.example", 403),
        ("http://127.0.0.1:3000", 403),
    ] {
        let answer = app.browser().send_raw(proxied(origin)).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    let mut admin = app
        .signed_in_browser(app.admin())
        .await
        .with_header("x-forwarded-host", "shop.example")
        .with_header("x-forwarded-proto", "https");
    // The cookie of a sign-in over plain HTTP is not valid over HTTPS.
    assert_eq!(admin.get("/admin/users").await.status, 302);
    admin
        .call("sign_in", &[("username", "админ"), ("password", PASSWORD)])
        .await;
    admin.call("invite_user", &[("role", "user")]).await;
    let page = admin.get("/admin/users").await;
    assert!(
        page.body
            .contains("https://shop.example/register?invitation="),
        "{}",
        page.body
    );
}

#[apply(on_both_databases)]
async fn nothing_changes_on_get(app: App) {
    let (_, product, order) = set_up_callers(&app).await;
    let mut browser = app.signed_in_browser(app.admin()).await;
    // The first request records the visit. Wait for it, so that it does not change the database later.
    browser.get("/").await;
    while app
        .accounts()
        .await
        .iter()
        .any(|person| person.username == "админ" && person.last_seen_at.is_none())
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = app.state.db.read(database_contents).await.unwrap();
    assert!(
        before.len() > 10 && before["products"].len() == 1,
        "{before:#?}"
    );
    for path in every_address(product, order) {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder()
                .method(method.clone())
                .uri(&path)
                .body(Body::empty())
                .unwrap();
            let status = browser.send(request).await.status;
            assert!(status < 500, "{method} {path}: {status}");
        }
    }
    for (function, _, fields) in FUNCTIONS {
        if http_method(function) == "POST" {
            let status = call(
                &mut browser,
                function,
                "GET",
                &fill_placeholders(fields, product, order),
            )
            .await;
            assert!((400..500).contains(&status), "GET {function}: {status}");
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(app.state.db.read(database_contents).await.unwrap(), before);
}

#[apply(on_both_databases)]
async fn behind_https_every_cookie_has_the_host_prefix(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.admin()).await;
    let mut browser = app.browser().with_header("x-forwarded-proto", "https");
    let mut cookies = Vec::new();
    for (function, fields) in [
        (
            "sign_in",
            vec![("username", "админ"), ("password", PASSWORD)],
        ),
        ("set_language", vec![("lang", "ru")]),
        ("create_token", NEW_TOKEN.to_vec()),
        ("invite_user", vec![("role", "user")]),
    ] {
        let answer = browser.call(function, &fields).await;
        cookies.extend(
            answer
                .headers
                .get_all(header::SET_COOKIE)
                .iter()
                .map(|cookie| cookie.to_str().unwrap().to_owned()),
        );
    }
    assert_eq!(cookies.len(), 5, "{cookies:?}");
    for cookie in &cookies {
        assert!(
            cookie.starts_with("__Host-")
                && cookie.ends_with("; Secure")
                && cookie.contains("; Path=/")
                && !cookie.contains("Domain")
                && cookie.contains("HttpOnly")
                && cookie.contains("SameSite="),
            "{cookie}"
        );
    }
    assert_eq!(browser.get("/admin/users").await.status, 200);
    // A cookie that another host of the domain could have set is ignored.
    let session = browser.cookie("__Host-sirius").unwrap().to_owned();
    for name in ["sirius", "%5F%5FHost-sirius", "__host-sirius"] {
        let mut forged = app
            .browser()
            .with_header("x-forwarded-proto", "https")
            .with_header("cookie", &format!("{name}={session}"));
        assert_eq!(forged.get("/admin/users").await.status, 302, "{name}");
    }
    let out = browser.call("sign_out", &[]).await;
    assert!(out.set_cookie.unwrap().starts_with("__Host-sirius=;"));
}

#[apply(on_both_databases)]
async fn pages_of_a_signed_in_user_are_not_cached(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    for path in ["/orders", "/account", "/orders.csv", "/api/orders"] {
        assert_eq!(
            browser.get(path).await.headers["cache-control"],
            "no-store",
            "{path}"
        );
    }
    let page = browser.submit("/account", "create_token", NEW_TOKEN).await;
    assert!(!page.headers.contains_key("clear-site-data"));
    for api in [false, true] {
        let mut browser = browser.clone();
        browser.sign_in("продавец", PASSWORD).await;
        let out = if api {
            browser
                .send(
                    post("/api/auth/logout", "application/json")
                        .body(Body::empty())
                        .unwrap(),
                )
                .await
        } else {
            browser.submit("/orders", "sign_out", &[]).await
        };
        assert_eq!(out.headers["clear-site-data"], "\"cache\", \"storage\"");
        assert_eq!(
            browser.get("/login").await.headers["cache-control"],
            "private, no-cache"
        );
    }
}

#[apply(on_both_databases)]
async fn a_new_secret_key_signs_everyone_out_and_breaks_nothing_else(app: App) {
    let browser = app.signed_in_browser(app.clerk()).await;
    app.create_product("чай", 3).await;
    let old = browser.cookie("sirius").unwrap().to_owned();
    let app = app.with_secret([8; 64]);
    let mut browser = browser.connected_to(&app);
    assert_eq!(
        browser.get("/orders").await.location.as_deref(),
        Some("/login?next=%2Forders")
    );
    assert_eq!(browser.get("/login").await.status, 200);
    assert_eq!(
        browser
            .sign_in("продавец", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/")
    );
    assert_ne!(browser.cookie("sirius").unwrap(), old);
    assert!(browser.get("/products").await.body.contains("чай"));
}

#[apply(on_both_databases)]
async fn each_sign_in_has_a_new_session_id_and_a_role_change_ends_it(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    // A session id that an attacker planted is not used for the sign-in.
    let planted = browser.cookie("sirius").unwrap().to_owned();
    let mut attacker = browser.clone();
    app.create_account(app.clerk()).await;
    browser.sign_in("продавец", PASSWORD).await;
    assert_ne!(browser.cookie("sirius").unwrap(), planted);
    assert_eq!(
        attacker.get("/orders").await.status,
        302,
        "the planted session id is still valid"
    );
    let first = browser.cookie("sirius").unwrap().to_owned();
    app.state
        .write(Actor::System, |tx| {
            users::change_role(tx, "продавец", Role::Manager)
        })
        .await
        .unwrap();
    assert_eq!(browser.get("/orders").await.status, 302);
    browser.sign_in("продавец", PASSWORD).await;
    assert_ne!(browser.cookie("sirius").unwrap(), first);
    assert_eq!(browser.get("/supplies").await.status, 200);
}

#[apply(on_both_databases)]
async fn blocking_deletion_and_new_passwords_end_all_sessions_at_once(app: App) {
    for (n, operation) in ["block", "delete", "password", "reset"]
        .into_iter()
        .enumerate()
    {
        let name: &'static str = ["первый", "второй", "третий", "четвёртый"][n];
        let mut here = app.signed_in_browser(app.person(name, Role::User)).await;
        let mut there = app.browser();
        there.sign_in(name, PASSWORD).await;
        if operation == "password" {
            let fields = [
                ("current_password", PASSWORD),
                ("password", "battery staple"),
                ("password_repeated", "battery staple"),
            ];
            assert_eq!(here.call("change_password", &fields).await.status, 200);
        } else {
            app.state
                .write(Actor::System, move |tx| match operation {
                    "block" => users::block(tx, name).map(drop),
                    "delete" => users::delete(tx, name),
                    _ => users::reset_password(tx, name, "", false).map(drop),
                })
                .await
                .unwrap();
            assert_eq!(here.get("/orders").await.status, 302, "{operation}");
        }
        assert_eq!(there.get("/orders").await.status, 302, "{operation}");
        let sessions: i64 = app
            .state
            .db
            .read(move |conn| {
                let own = crate::schema::sessions::user_id.eq(name);
                Ok(crate::schema::sessions::table
                    .filter(own)
                    .count()
                    .get_result(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(sessions, i64::from(operation == "password"), "{operation}");
    }
}

#[apply(on_both_databases)]
async fn a_rate_limited_request_gets_an_explanation(app: App) {
    let app = app.behind_proxy(|config| config.rate_limit = 1);
    let mut browser = app.browser().with_header("x-forwarded-for", "203.0.113.7");
    for _ in 0..10 {
        assert_eq!(browser.get("/healthz").await.status, 200);
    }
    let page = browser.get("/login").await;
    assert_eq!(
        (page.status, page.headers["retry-after"].to_str().unwrap()),
        (429, "1")
    );
    assert!(
        page.body
            .contains("Слишком много попыток. Повторите через 1 сек.")
            && page.body.contains("Номер запроса"),
        "{}",
        page.body
    );
    let api = browser.get("/api/me").await;
    assert!(
        api.status == 429 && api.body.contains("urn:sirius:too_often"),
        "{}",
        api.body
    );
    let function = browser.call("sign_in", &[]).await;
    assert_eq!(
        (function.status, function.body.as_str()),
        (429, "{\"TooOften\":{\"seconds\":1}}")
    );
    assert_eq!(
        app.browser()
            .with_header("x-forwarded-for", "203.0.113.8")
            .get("/login")
            .await
            .status,
        200
    );
    let mut local = app.browser().with_header("host", "127.0.0.1:3000");
    for _ in 0..20 {
        assert_eq!(
            local.get("/healthz").await.status,
            200,
            "the machine itself was limited"
        );
    }
}

#[apply(on_both_databases)]
async fn a_proxy_on_the_machine_is_not_exempt_from_the_rate_limit(mut app: App) {
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("via", "1.1 proxy"),
        ("host", "shop.example"),
        ("host", "203.0.113.7"),
    ] {
        app = app.restarted(|config| config.rate_limit = 1);
        let mut proxied = app.browser().via_loopback().with_header(name, value);
        for _ in 0..10 {
            assert_eq!(proxied.get("/healthz").await.status, 200, "{name}: {value}");
        }
        assert_eq!(proxied.get("/healthz").await.status, 429, "{name}: {value}");
        let mut local = app.browser().via_loopback();
        local = local.with_header("host", "127.0.0.1:3000");
        assert_eq!(local.get("/healthz").await.status, 200, "{name}: {value}");
    }
}

/// Returns the status of a page of this server under a host.
async fn status_under(app: &App, host: &str) -> u16 {
    app.browser()
        .with_header("host", host)
        .get("/login")
        .await
        .status
}

#[apply(on_both_databases)]
async fn the_shop_is_served_only_under_its_own_hosts(app: App) {
    let app = app.restarted(|config| config.allowed_hosts = vec!["counter.local".to_owned()]);
    for host in [
        "shop.example",
        "SHOP.example.:443",
        "counter.local:3000",
        "localhost:3000",
        "127.0.0.1:3000",
        "192.168.1.5",
        "[2001:db8::1]:3000",
    ] {
        assert_eq!(status_under(&app, host).await, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:3000",
        "shop.example.evil.example",
        "127.0.0.1.evil.example",
        "counter",
        "",
    ] {
        assert_eq!(status_under(&app, host).await, 421, "{host}");
    }
    // A program without a host, such as a health check over HTTP/1.0, is no browser.
    assert_eq!(app.browser().get("/login").await.status, 200);
}

#[apply(on_both_databases)]
async fn a_rebound_name_gets_no_data_and_changes_nothing(app: App) {
    let mut browser = app
        .signed_in_browser(app.manager())
        .await
        .with_header("host", "evil.example:3000");
    app.manager().create_product("чай", 5).await;
    let before = app.state.db.read(database_contents).await.unwrap();
    for path in every_address(1, 1) {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, 421, "{path}");
        assert!(
            answer.body.contains("ALLOWED_HOSTS")
                && !answer.body.contains("чай")
                && !answer.body.contains("shop.example"),
            "{path}: {}",
            answer.body
        );
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
    }
    // The name is the same site as itself, so the browser sends no sign of another site.
    let page = browser.get("/orders").await;
    assert!(page.body.starts_with("<!DOCTYPE html>"), "{}", page.body);
    let function = browser.call("create_product", &[("name", "кофе")]).await;
    assert_eq!(
        (function.status, function.body.as_str()),
        (421, "\"UnknownHost\"")
    );
    let request = post("/api/products", "application/json").body(Body::from(r#"{"name": "кофе"}"#));
    let api = browser.send(request.unwrap()).await;
    assert!(
        api.status == 421 && api.body.contains("urn:sirius:unknown_host"),
        "{}",
        api.body
    );
    let upload = post("/uploads/products", MULTIPART).body(Body::from(UPLOAD));
    assert_eq!(browser.send(upload.unwrap()).await.status, 421);
    assert_eq!(app.state.db.read(database_contents).await.unwrap(), before);
}

#[apply(on_both_databases)]
async fn behind_a_trusted_proxy_the_host_of_the_client_is_checked(app: App) {
    // Without trust, only `Host` counts.
    let mut browser = app
        .browser()
        .via_loopback()
        .with_header("x-forwarded-host", "shop.example")
        .with_header("host", "sirius:3000");
    assert_eq!(browser.get("/login").await.status, 421);
    let app = app.behind_proxy(|_| {});
    for (forwarded, host, status) in [
        ("shop.example", "127.0.0.1:3000", 200),
        ("shop.example", "sirius:3000", 200),
        ("evil.example", "127.0.0.1:3000", 421),
        ("evil.example", "shop.example", 421),
        // A script in a browser on the machine of the proxy can send any header except `Host`.
        ("shop.example", "evil.example", 421),
    ] {
        let mut browser = app
            .browser()
            .with_header("x-forwarded-host", forwarded)
            .with_header("host", host);
        assert_eq!(
            browser.get("/login").await.status,
            status,
            "{forwarded} {host}"
        );
    }
}

#[apply(on_both_databases)]
async fn an_oversized_body_is_refused_with_or_without_content_length(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
    let large = "x".repeat(300 * 1_024);
    for (path, media_type, accept) in [
        ("/api/products", "application/json", "*/*"),
        ("/fn/create_product", FORM, "text/html"),
        ("/fn/create_product", FORM, "application/json"),
    ] {
        for announced in [true, false] {
            let body = if announced {
                Body::from(format!("name={large}"))
            } else {
                let chunks = large
                    .as_bytes()
                    .chunks(1_024)
                    .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
                    .collect::<Vec<_>>();
                Body::from_stream(stream::iter(chunks))
            };
            let mut request = post(path, media_type).header(header::ACCEPT, accept);
            if announced {
                request = request.header(header::CONTENT_LENGTH, large.len() + 5);
            }
            let answer = browser.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, 413, "{path} {accept} {announced}");
            assert!(
                answer.body.contains("256 КБ") || answer.body.contains("TooLarge"),
                "{path} {accept}: {}",
                answer.body
            );
        }
    }
}

#[apply(on_both_databases)]
async fn a_request_body_that_arrives_too_slowly_is_aborted(app: App) {
    let app = app.restarted(|config| config.request_timeout = Duration::from_secs(1));
    let mut browser = app.signed_in_browser(app.manager()).await;
    for (path, media_type) in [
        ("/api/products", "application/json"),
        ("/fn/create_product", FORM),
        ("/uploads/products", MULTIPART),
        ("/scan", MULTIPART),
    ] {
        let slow_body = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });
        let request = post(path, media_type)
            .body(Body::from_stream(slow_body))
            .unwrap();
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 408, "{path}: {}", answer.body);
        assert!(
            answer.body.contains("слишком долго") || answer.body.contains("SlowRequest"),
            "{}",
            answer.body
        );
        assert_eq!(answer.headers["connection"], "close");
    }
}

#[apply(on_both_databases)]
async fn users_cannot_reach_the_tokens_devices_and_uploads_of_others(app: App) {
    let mut own = app.signed_in_browser(app.manager()).await;
    let mut other = app
        .signed_in_browser(app.person("другой", Role::Manager))
        .await;
    own.call("create_token", NEW_TOKEN).await;
    assert_eq!(other.call("revoke_token", &[("id", "1")]).await.status, 404);
    let request = Request::delete("/api/me/tokens/1")
        .body(Body::empty())
        .unwrap();
    assert_eq!(other.send(request).await.status, 404);
    let manager = app.manager();
    let device = manager
        .read(|tx| session::devices(tx, ""))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        other.call("end_device", &[("id", &device.id)]).await.status,
        200
    );
    assert_eq!(
        own.get("/account").await.status,
        200,
        "another user ended the device"
    );
    let sent = post("/uploads/products", MULTIPART)
        .header(header::ACCEPT, "text/html")
        .body(Body::from(UPLOAD))
        .unwrap();
    let sent = own.send(sent).await;
    let page = other.follow(&sent).await;
    assert!(!page.body.contains("подделка"), "{}", page.body);
    assert!(own.follow(&sent).await.body.contains("подделка"));
}

#[apply(on_both_databases)]
async fn static_files_outside_the_site_folder_are_not_served(app: App) {
    let mut browser = app.browser();
    for path in [
        "/../Cargo.toml",
        "/pkg/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "//etc/passwd",
        "/pkg//etc/passwd",
    ] {
        let answer = browser.get(path).await;
        assert!(
            answer.status == 404
                && !answer.body.contains("[package]")
                && !answer.body.contains("root:"),
            "{path}: {}",
            answer.status
        );
    }
}
