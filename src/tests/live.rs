//! The stream that tells open pages what changed.

use crate::{
    auth::users::service as accounts,
    crypto::new_key,
    db::DatabaseUrl,
    live::{Changed, Changes, postgres},
    orders,
    tests::support::{App, Browser, PASSWORD, apply, on_both_databases},
};
use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode},
};
use futures::StreamExt;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;

/// How long a test waits for an event that must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream, as a browser reads it.
struct Stream {
    body: BodyDataStream,
    /// What has arrived of the next event.
    text: String,
    /// The id of the last event.
    id: String,
}

impl Stream {
    /// Opens a stream, which continues after the event with an id.
    async fn open(app: &App, browser: &Browser, after: &str) -> Self {
        let request = Request::get("/live")
            .header("accept", "text/event-stream")
            .header("sec-fetch-site", "same-origin")
            .header("last-event-id", after)
            .body(Body::empty())
            .unwrap();
        let request = browser.with_cookies(request);
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["x-accel-buffering"], "no");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
            id: String::new(),
        }
    }

    /// Returns the name and the lines of the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Vec<String>)> {
        while !self.text.contains("\n\n") {
            let chunk = timeout(PATIENCE, self.body.next())
                .await
                .expect("no event")?;
            self.text += str::from_utf8(&chunk.unwrap()).unwrap();
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let (mut name, mut lines) = ("message".to_owned(), Vec::new());
        for line in event.lines() {
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => self.id = value.to_owned(),
                Some(("data", value)) => lines.push(value.to_owned()),
                _ => {}
            }
        }
        self.text = rest.to_owned();
        Some((name, lines))
    }

    /// Returns the entities of the next events until one of them is `entity`, without the operations.
    async fn until(&mut self, entity: &str) -> Vec<String> {
        let mut seen = Vec::new();
        while !seen.iter().any(|seen| seen == entity) {
            let (name, lines) = self.next().await.expect("the stream has ended");
            if name == "ready" {
                continue;
            }
            let entities = lines.iter().map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let [entity, id, operation, _page] = words[..] else {
                    panic!("{line}");
                };
                assert!(operation.parse::<i64>().is_ok(), "{line}");
                format!("{entity} {id}")
            });
            seen.extend(entities);
        }
        seen
    }
}

#[apply(on_both_databases)]
async fn a_stream_has_the_ids_of_what_changed_and_no_data(app: App) {
    let manager = app.create_account(app.manager()).await;
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    assert_eq!(stream.next().await.unwrap().0, "ready");
    let product = manager.create_product("чай", 5).await;
    let order = manager.create_order("чай", 2).await.unwrap();
    let seen = stream.until(&format!("order {}", order.id)).await;
    assert!(
        seen.contains(&format!("product {}", product.id)),
        "{seen:?}"
    );
    assert!(
        !seen.iter().any(|line| line.starts_with("supply ")),
        "a clerk may not know of supplies: {seen:?}"
    );
    assert!(!stream.text.contains("чай"), "{}", stream.text);
}

#[apply(on_both_databases)]
async fn each_role_learns_only_what_it_may_see(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut clerk_browser = app.signed_in_browser(app.clerk()).await;
    let mut admin_browser = app.browser();
    admin_browser.sign_in(&admin.me.username, PASSWORD).await;
    let mut clerk = Stream::open(&app, &clerk_browser, "").await;
    let mut boss = Stream::open(&app, &admin_browser, "").await;
    app.create_account(app.manager()).await;
    let product = admin.create_product("чай", 5).await;
    let changed = format!("product {}", product.id);
    let (of_clerk, of_admin) = (clerk.until(&changed).await, boss.until(&changed).await);
    let is_account = |line: &String| line.starts_with("user ");
    assert!(of_admin.iter().any(is_account), "{of_admin:?}");
    assert!(!of_clerk.iter().any(is_account), "{of_clerk:?}");
    assert_eq!(clerk_browser.get("/orders").await.status, 200);
    assert_eq!(admin_browser.get("/orders").await.status, 200);
}

#[apply(on_both_databases)]
async fn what_is_rolled_back_is_not_published(app: App) {
    let manager = app.create_account(app.manager()).await;
    let product = manager.create_product("чай", 1).await;
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    stream.next().await.unwrap();
    manager.create_order("чай", 2).await.unwrap_err();
    let done: Result<(), _> = manager
        .write(move |tx| {
            tx.note_change(crate::audit::Entity::Product, 77, 1);
            Err(crate::error::Error::Internal)
        })
        .await;
    done.unwrap_err();
    let order = manager.create_order("чай", 1).await.unwrap();
    let mut seen = stream.until(&format!("order {}", order.id)).await;
    seen.sort();
    let expected = [
        format!("order {}", order.id),
        format!("product {}", product.id),
    ];
    assert!(seen.iter().all(|line| expected.contains(line)), "{seen:?}");
}

#[apply(on_both_databases)]
async fn a_stream_continues_after_the_last_event(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 5).await;
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    stream.next().await.unwrap();
    let id = stream.id.clone();
    drop(stream);
    let order = manager.create_order("чай", 1).await.unwrap();
    let line = format!("order {}", order.id);
    let mut again = Stream::open(&app, &browser, &id).await;
    assert!(again.until(&line).await.contains(&line));
    assert_ne!(again.id, id);
    let mut nothing = Stream::open(&app, &browser, &again.id).await;
    assert_eq!(nothing.next().await.unwrap().0, "ready");
    for unknown in ["another-server.1", "x", &format!("{id}9999")] {
        let mut lost = Stream::open(&app, &browser, unknown).await;
        let (name, lines) = lost.next().await.unwrap();
        assert_eq!((name.as_str(), lines), ("message", vec!["all".to_owned()]));
    }
}

#[apply(on_both_databases)]
async fn a_large_operation_does_not_name_everything(app: App) {
    let manager = app.create_account(app.manager()).await;
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    stream.next().await.unwrap();
    let rows: String = (0..200).map(|number| format!("чай {number};1\n")).collect();
    let file = format!("Название;Цена, ₽\n{rows}");
    manager.import_products(file).await.unwrap();
    assert_eq!(stream.next().await.unwrap().1, ["all"]);
}

#[apply(on_both_databases)]
async fn a_page_is_named_in_all_that_it_settles_at_once(app: App) {
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 5).await;
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    let first = manager.create_order("чай", 1).await.unwrap().id;
    let last = manager.create_order("чай", 1).await.unwrap().id;
    stream.until(&format!("order {last}")).await;
    let orders = [first, last].map(|id| (format!("orders.{id}.id"), id.to_string()));
    let fields: Vec<_> = orders.iter().map(|(name, id)| (&**name, &**id)).collect();
    let mut page = browser.with_header("x-page", "k3v9");
    let answer = page.call("issue_orders", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let is_last = |line: &String| line.starts_with(&format!("order {last} "));
    let mut lines: Vec<String> = Vec::new();
    while !lines.iter().any(is_last) {
        lines.extend(stream.next().await.unwrap().1);
    }
    assert!(
        lines.iter().all(|line| line.ends_with(" k3v9")),
        "{lines:?}"
    );
}

#[apply(on_both_databases)]
async fn the_stream_ends_with_the_session(app: App) {
    let admin = app.create_account(app.admin()).await;
    let clerk = app.create_account(app.clerk()).await;
    let name = clerk.me.username.clone();
    let mut browser = app.browser();
    let mut streams = Vec::new();
    for _ in 0..3 {
        browser = app.browser();
        browser.sign_in(&name, PASSWORD).await;
        let mut stream = Stream::open(&app, &browser, "").await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    browser.submit("/", "sign_out", &[]).await;
    assert_eq!(streams.pop().unwrap().next().await, None, "signed out");
    // The other devices stay signed in.
    admin.create_product("чай", 1).await;
    streams[1].next().await.unwrap();
    let blocked = name.clone();
    admin
        .write(move |tx| accounts::block(tx, &blocked))
        .await
        .unwrap();
    for stream in &mut streams {
        while stream.next().await.is_some() {}
    }
    let request = Request::get("/live").body(Body::empty()).unwrap();
    assert_eq!(browser.send(request).await.status, 401);
}

#[apply(on_both_databases)]
async fn shutdown_ends_all_streams_at_once(app: App) {
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    stream.next().await.unwrap();
    app.state.live.close();
    assert_eq!(stream.next().await, None);
    let mut late = Stream::open(&app, &browser, "").await;
    late.next().await.unwrap();
    assert_eq!(late.next().await, None);
}

#[apply(on_both_databases)]
async fn an_account_has_a_limited_number_of_streams(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(Stream::open(&app, &browser, "").await);
    }
    let request = || Request::get("/live").body(Body::empty()).unwrap();
    assert_eq!(browser.send(request()).await.status, 503);
    streams.pop();
    Stream::open(&app, &browser, "").await;
}

#[apply(on_both_databases)]
async fn only_our_own_pages_may_open_a_stream(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let from_elsewhere = Request::get("/live")
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty())
        .unwrap();
    assert_eq!(browser.send(from_elsewhere).await.status, 403);
    let of_nobody = Request::get("/live").body(Body::empty()).unwrap();
    assert_eq!(app.browser().send(of_nobody).await.status, 401);
}

#[apply(on_both_databases)]
async fn streams_of_one_server_get_the_changes_of_another(app: App) {
    let url = app.state.config.database_url.clone();
    let other = app.another_server();
    postgres::start(&url, &app.state.live).unwrap();
    if matches!(url, DatabaseUrl::Postgres(_)) {
        postgres::start(&url, &other.live).unwrap();
    }
    let manager = app.create_account(app.manager()).await;
    manager.create_product("чай", 500).await;
    let order = manager.create_order("чай", 1).await.unwrap();
    let browser = app.signed_in_browser(app.clerk()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    stream.next().await.unwrap();
    // The other server may still be connecting.
    let line = format!("order {}", order.id);
    let actor = manager.actor();
    let issuing = tokio::spawn(async move {
        loop {
            let id = order.id;
            let done = other
                .write(actor.clone(), move |tx| orders::service::issue(tx, id))
                .await;
            done.unwrap();
            let reopened = other.write(actor.clone(), move |tx| orders::service::reopen(tx, id));
            reopened.await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(stream.until(&line).await.contains(&line));
    issuing.abort();
    app.state.live.close();
}

#[apply(on_both_databases)]
async fn a_code_that_a_phone_reads_reaches_only_pages_of_its_user(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let (mut computer, mut phone) = (app.browser(), app.browser());
    for device in [&mut computer, &mut phone] {
        device.sign_in(&clerk.me.username, PASSWORD).await;
    }
    let stranger = app.signed_in_browser(app.manager()).await;
    let mut paired = Stream::open(&app, &computer, "").await;
    let mut other = Stream::open(&app, &stranger, "").await;
    for stream in [&mut paired, &mut other] {
        assert_eq!(stream.next().await.unwrap().0, "ready");
    }
    let relay = |screen: &str, code: &str| {
        Request::post("/api/scan/relay")
            .header("content-type", "application/json")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(
                json!({"screen": screen, "code": code}).to_string(),
            ))
            .unwrap()
    };
    let screen = new_key();
    for (screen, code) in [("", "1"), ("x", "1"), (&*screen, "")] {
        assert_eq!(phone.send(relay(screen, code)).await.status, 422);
    }
    let passed_on = phone.send(relay(&screen, "https://shop.example/o/7")).await;
    assert_eq!(passed_on.status, 204);
    let (_, lines) = paired.next().await.unwrap();
    assert_eq!(
        lines,
        [format!(
            "scan https%3A%2F%2Fshop.example%2Fo%2F7 0 {screen}"
        )]
    );
    // The first thing that the stranger's page gets is something else.
    let admin = app.create_account(app.admin()).await;
    admin.create_product("чай", 1).await;
    let (_, lines) = other.next().await.unwrap();
    assert!(
        lines.iter().all(|line| !line.starts_with("scan")),
        "{lines:?}"
    );
    let nobody = app.browser().send(relay(&screen, "1")).await;
    assert_eq!(nobody.status, 401);
}

#[apply(on_both_databases)]
async fn a_code_that_a_phone_reads_outlives_a_large_operation_and_a_lost_connection(app: App) {
    let clerk = app.create_account(app.clerk()).await;
    let mut browser = app.browser();
    browser.sign_in(&clerk.me.username, PASSWORD).await;
    let stranger = app.signed_in_browser(app.manager()).await;
    let mut stream = Stream::open(&app, &browser, "").await;
    let mut lost = Stream::open(&app, &browser, "").await;
    for stream in [&mut stream, &mut lost] {
        assert_eq!(stream.next().await.unwrap().0, "ready");
    }
    let screen = new_key();
    let read = |code: &str| Changed::scan(code, &screen, &clerk.me.username);
    let order = |id: i64| Changed {
        entity: "order".to_owned(),
        id: id.to_string(),
        operation: 1,
        page: String::new(),
        only_for: String::new(),
    };
    // The same code twice is two pieces.
    let mut changes = Changes::default();
    for changed in [read("46"), read("46")] {
        changes.add(changed);
    }
    for id in 0..200 {
        changes.add(order(id));
    }
    app.state.live.publish(changes);
    let line = |code: &str| format!("scan {code} 0 {screen}");
    let all = ["all".to_owned(), line("46"), line("46")];
    for stream in [&mut stream, &mut lost] {
        assert_eq!(stream.next().await.unwrap().1, all);
    }
    let id = lost.id.clone();
    drop(lost);
    let mut changes = Changes::default();
    changes.add(read("47"));
    changes.add(order(7));
    app.state.live.publish(changes);
    let both = ["order 7 1 ".to_owned(), line("47")];
    assert_eq!(stream.next().await.unwrap().1, both);
    let mut again = Stream::open(&app, &browser, &id).await;
    assert_eq!(again.next().await.unwrap().1, both);
    // It arrives once, and at nobody else.
    let mut nothing = Stream::open(&app, &browser, &again.id).await;
    assert_eq!(nothing.next().await.unwrap().0, "ready");
    let mut other = Stream::open(&app, &stranger, &id).await;
    assert_eq!(other.next().await.unwrap().1, both[..1]);
    let mut unknown = Stream::open(&app, &browser, "x").await;
    assert_eq!(unknown.next().await.unwrap().1, ["all"]);
}
