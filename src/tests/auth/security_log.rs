//! The trace that sign-ins and refusals leave in the operation log, and its bounds.

use crate::tests::support::{App, Browser, NEW_TOKEN, PASSWORD, apply, on_both_databases};
use crate::{
    audit::{Action, Operation, Query, search},
    auth::{Actor, security_log, session_store::Sessions, throttle},
    schema::sessions,
    transaction::Tx,
};
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use diesel::prelude::*;
use futures::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

/// Returns a browser whose requests come from an address.
fn browser_at(app: &App, address: &str) -> Browser {
    app.browser_at(address).with_header("user-agent", FIREFOX)
}

/// Returns the entries with an action, oldest first: the user, the id of the entity, and the details.
async fn entries(app: &App, action: Action) -> Vec<(Option<String>, String, String)> {
    let query = Query {
        action: action.code().to_owned(),
        ..Query::default()
    };
    let list = move |tx: &mut Tx<'_>| search::list(tx, &query);
    let found = app.state.read(Actor::System, list).await.unwrap();
    let entry = |operation: Operation| {
        let details = operation.changes.into_iter().map(|change| {
            let value = change.after.unwrap_or_default();
            format!("{}={value}", change.field)
        });
        let details = details.collect::<Vec<_>>().join(" ");
        (operation.user_id, operation.entity_id, details)
    };
    found.page.items.into_iter().rev().map(entry).collect()
}

async fn attempt(browser: &mut Browser, name: &str, password: &str) -> u16 {
    let fields = [("username", name), ("password", password)];
    browser.call("sign_in", &fields).await.status
}

/// Makes everything that was counted older.
async fn wait(app: &App, time: TimeDelta) {
    app.state
        .write(Actor::System, move |tx| throttle::age_attempts(tx, time))
        .await
        .unwrap();
}

#[apply(on_both_databases)]
async fn sign_ins_registrations_and_failures_carry_address_and_device(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.admin()).await;
    let mut browser = browser_at(&app, "203.0.113.1");
    let fields = [
        ("username", "анна"),
        ("password", PASSWORD),
        ("password_repeated", PASSWORD),
    ];
    assert_eq!(browser.call("register", &fields).await.status, 200);
    assert_eq!(attempt(&mut browser, "анна", "wrong horse").await, 401);
    assert_eq!(attempt(&mut browser, "анна", PASSWORD).await, 200);
    for (current, status) in [("wrong horse", 422), (PASSWORD, 200)] {
        let fields = [
            ("current_password", current),
            ("password", "battery staple"),
            ("password_repeated", "battery staple"),
        ];
        assert_eq!(
            browser.call("change_password", &fields).await.status,
            status
        );
    }
    let origin = "address=203.0.113.1 device=Firefox, Linux";
    for (action, user) in [
        (Action::SignInFailed, None),
        (Action::SignIn, Some("анна")),
        (Action::ChangePasswordFailed, Some("анна")),
        (Action::ChangePassword, Some("анна")),
    ] {
        let expected = (
            user.map(str::to_owned),
            "анна".to_owned(),
            origin.to_owned(),
        );
        assert_eq!(entries(&app, action).await, [expected], "{action}");
    }
    let registered = entries(&app, Action::Register).await.pop().unwrap();
    assert_eq!(registered.2, format!("role=user state=active {origin}"));
    // A program that names itself.
    let mut script = browser_at(&app, "203.0.113.1").with_header("user-agent", "python-requests/2");
    assert_eq!(attempt(&mut script, "анна", "battery staple").await, 200);
    let last = entries(&app, Action::SignIn).await.pop().unwrap();
    assert_eq!(last.2, "address=203.0.113.1 device=python-requests/2");
}

#[apply(on_both_databases)]
async fn failed_sign_ins_are_recorded_once_a_minute_with_the_number_of_tries(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    let mut one = browser_at(&app, "203.0.113.1");
    for _ in 0..4 {
        assert_eq!(attempt(&mut one, "продавец", "wrong horse").await, 401);
    }
    let details = async || -> Vec<String> {
        let entries = entries(&app, Action::SignInFailed).await;
        entries.into_iter().map(|(.., details)| details).collect()
    };
    let origin = "address=203.0.113.1 device=Firefox, Linux";
    assert_eq!(details().await, [origin]);
    wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(attempt(&mut one, "продавец", "wrong horse").await, 401);
    assert_eq!(details().await, [origin, &format!("{origin} tries=4")]);
    // Another address and unknown names have entries of their own.
    let mut other = browser_at(&app, "203.0.113.2");
    wait(&app, TimeDelta::seconds(30)).await;
    attempt(&mut other, "продавец", "wrong horse").await;
    for n in 0..20 {
        attempt(&mut other, &format!("никто-{n}"), "wrong horse").await;
    }
    let recorded = entries(&app, Action::SignInFailed).await;
    let names: Vec<_> = recorded.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["продавец", "продавец", "продавец", ""]);
    // The tries after the last entry are recorded later, once.
    wait(&app, TimeDelta::minutes(1)).await;
    for _ in 0..2 {
        let done = app
            .state
            .write(Actor::System, security_log::record_uncounted_tries)
            .await;
        assert_eq!(done, Ok(true));
        assert_eq!(
            details().await.last().map(String::as_str),
            Some("address=203.0.113.2 tries=19")
        );
        assert_eq!(entries(&app, Action::SignInFailed).await.len(), 5);
    }
}

#[apply(on_both_databases)]
async fn concurrent_failures_are_recorded_once(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    // An address of its own: all tests together have eight places for each address in the queue for bcrypt.
    static ADDRESSES: AtomicUsize = AtomicUsize::new(1);
    let address = format!("198.51.100.{}", ADDRESSES.fetch_add(1, Relaxed));
    let attempts = (0..20).map(|n| {
        let mut browser = browser_at(&app, &address);
        async move { attempt(&mut browser, &format!("никто-{n}"), "wrong horse").await }
    });
    join_all(attempts).await;
    assert_eq!(entries(&app, Action::SignInFailed).await.len(), 1);
}

#[apply(on_both_databases)]
async fn refusals_of_signed_in_users_are_recorded_once_a_minute(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    let mut clerk = browser_at(&app, "203.0.113.1");
    assert_eq!(attempt(&mut clerk, "продавец", PASSWORD).await, 200);
    // A visitor who is not signed in leaves no entry.
    app.browser().get("/admin/users").await;
    assert_eq!(entries(&app, Action::Refuse).await, []);
    let origin = "address=203.0.113.1 device=Firefox, Linux";
    let entry = |path: &str| {
        let name = "продавец".to_owned();
        (Some(name.clone()), name, format!("path={path} {origin}"))
    };
    // Pages, forms with and without JavaScript, downloads and the API.
    let mut expected = Vec::new();
    assert_eq!(clerk.get("/admin/users?search=secret").await.status, 403);
    expected.push(entry("/admin/users"));
    assert_eq!(entries(&app, Action::Refuse).await, expected);
    let victim = [("username", "админ")];
    assert_eq!(clerk.call("block_user", &victim).await.status, 403);
    assert_eq!(entries(&app, Action::Refuse).await, expected, "too often");
    wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(clerk.call("block_user", &victim).await.status, 403);
    expected.push(entry("/fn/block_user"));
    assert_eq!(entries(&app, Action::Refuse).await, expected);
    wait(&app, TimeDelta::minutes(1)).await;
    let refused = clerk.submit("/admin/users", "delete_user", &victim).await;
    assert_eq!(refused.status, 302);
    expected.push(entry("/fn/delete_user"));
    assert_eq!(entries(&app, Action::Refuse).await, expected);
    wait(&app, TimeDelta::minutes(1)).await;
    let request = Request::get("/api/log?user=%2B79161234567").body(Body::empty());
    assert_eq!(clerk.send(request.unwrap()).await.status, 403);
    expected.push(entry("/api/log"));
    assert_eq!(entries(&app, Action::Refuse).await, expected);
    wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(clerk.get("/admin/users/%00a%0A%D1%8F").await.status, 403);
    expected.push(entry("/admin/users/aя"));
    assert_eq!(entries(&app, Action::Refuse).await, expected);
    // What is allowed leaves none, and neither do mistakes.
    wait(&app, TimeDelta::minutes(1)).await;
    assert_eq!(clerk.get("/orders").await.status, 200);
    assert_eq!(clerk.get("/orders/999").await.status, 404);
    assert_eq!(entries(&app, Action::Refuse).await, expected);
}

#[apply(on_both_databases)]
async fn a_crowd_of_refusals_is_recorded_once(app: App) {
    let clerk = app.signed_in_browser(app.clerk()).await;
    let requests = (0..20).map(|_| {
        let mut browser = clerk.clone();
        async move { browser.get("/admin/logs").await.status }
    });
    let statuses = join_all(requests).await;
    assert!(statuses.iter().all(|status| *status == 403), "{statuses:?}");
    assert_eq!(entries(&app, Action::Refuse).await.len(), 1);
}

#[apply(on_both_databases)]
async fn only_a_sign_out_that_ends_a_session_is_recorded(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let made = clerk.call("create_token", NEW_TOKEN).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let token = clerk.cookie("token").unwrap().to_owned();
    let post = |bearer: Option<&str>| {
        let mut request = Request::post("/logout");
        if let Some(token) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Body::empty()).unwrap()
    };
    for _ in 0..3 {
        assert_eq!(app.browser().send(post(None)).await.status, 204);
        assert_eq!(app.browser().send(post(Some(&token))).await.status, 204);
    }
    assert_eq!(entries(&app, Action::SignOut).await, []);
    let mut copy = clerk.clone();
    assert_eq!(clerk.send(post(None)).await.status, 204);
    assert_eq!(copy.send(post(None)).await.status, 204);
    assert_eq!(copy.submit("/", "sign_out", &[]).await.status, 302);
    assert_eq!(entries(&app, Action::SignOut).await.len(), 1);
}

#[apply(on_both_databases)]
async fn the_newest_fifty_sessions_of_an_account_are_kept(app: App) {
    let mut manager = app.signed_in_browser(app.manager()).await;
    let mut first = app.signed_in_browser(app.clerk()).await;
    // The order of sessions follows their expiry, in seconds.
    app.sql("UPDATE sessions SET expires_at = '2030-01-01 00:00:00'")
        .await;
    let mut others = Vec::new();
    for n in 1..50 {
        let mut browser = app.browser();
        assert_eq!(
            attempt(&mut browser, "продавец", PASSWORD).await,
            200,
            "{n}"
        );
        others.push(browser);
    }
    assert_eq!(first.get("/orders").await.status, 200);
    app.sql(
        "UPDATE sessions SET expires_at = '2031-01-01 00:00:00' \
         WHERE expires_at <> '2030-01-01 00:00:00'",
    )
    .await;
    for _ in 0..10 {
        let mut newest = app.browser();
        assert_eq!(attempt(&mut newest, "продавец", PASSWORD).await, 200);
        // Even though a shorter SESSION_MAX_AGE makes it expire first.
        assert_eq!(newest.get("/orders").await.status, 200);
    }
    assert_eq!(
        first.get("/orders").await.status,
        302,
        "the oldest was kept"
    );
    let count = |tx: &mut Tx<'_>| {
        let own = sessions::table.filter(sessions::user_id.eq("продавец"));
        Ok(own.count().get_result::<i64>(tx.conn)?)
    };
    assert_eq!(app.state.read(Actor::System, count).await, Ok(50));
    assert_eq!(manager.get("/orders").await.status, 200);
    Sessions(app.state.db.clone())
        .delete_expired()
        .await
        .unwrap();
    assert_eq!(app.state.read(Actor::System, count).await, Ok(50));
}
