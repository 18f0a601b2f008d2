//! The throttling of password attempts, which all servers count together.

use crate::tests::support::{App, Browser, NEW_TOKEN, PASSWORD, apply, on_both_databases};
use crate::{
    auth::{
        Actor, Role,
        client_origin::ClientOrigin,
        service::{PasswordChange, change_password, sign_in},
        throttle,
        totp::sign_in::Admission,
        users::service as accounts,
    },
    error::Error,
    schema::{api_tokens, throttles},
};
use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use diesel::prelude::*;
use futures::future::join_all;
use std::time::Duration;
use tokio::{spawn, time::sleep};

/// Tries a password as a script does, and returns the status.
async fn attempt(browser: &mut Browser, name: &str, password: &str) -> u16 {
    let fields = [("username", name), ("password", password)];
    browser.call("sign_in", &fields).await.status
}

/// Makes all counted attempts older.
async fn age_attempts(app: &App, time: TimeDelta) {
    app.state
        .write(Actor::System, move |tx| throttle::age_attempts(tx, time))
        .await
        .unwrap();
}

/// Returns the number of rows in the throttle table.
async fn throttle_rows(app: &App) -> i64 {
    let count =
        |tx: &mut crate::transaction::Tx<'_>| Ok(throttles::table.count().get_result(tx.conn)?);
    app.state.read(Actor::System, count).await.unwrap()
}

/// Makes the next wait a full one, however long the test takes: the last attempt is in the future, as if the clock had
/// been set back.
async fn restart_wait(app: &App) {
    age_attempts(app, -TimeDelta::hours(1)).await;
}

/// Creates a clerk whose password takes long to check, so that something else can happen meanwhile.
async fn create_account_with_slow_hash(app: &App) {
    let hash = bcrypt::hash(PASSWORD, 13).unwrap();
    let add =
        move |tx: &mut crate::transaction::Tx<'_>| accounts::add(tx, "продавец", Role::User, &hash);
    app.state.write(Actor::System, add).await.unwrap();
}

/// Resets the password of the clerk while the current one is being checked.
async fn reset_during_check(app: &App) {
    // The attempt is counted right before the password is checked.
    while throttle_rows(app).await == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let hash = bcrypt::hash("battery staple", 4).unwrap();
    let reset = move |tx: &mut crate::transaction::Tx<'_>| {
        accounts::reset_password(tx, "продавец", &hash, true)
    };
    app.state.write(Actor::System, reset).await.unwrap();
}

#[apply(on_both_databases)]
async fn sign_in_fails_if_the_password_is_reset_while_it_is_checked(app: App) {
    create_account_with_slow_hash(&app).await;
    let state = app.state.clone();
    let signing_in = spawn(async move {
        sign_in(
            &state,
            "продавец",
            PASSWORD.to_owned(),
            &ClientOrigin::default(),
        )
        .await
    });
    reset_during_check(&app).await;
    assert_eq!(signing_in.await.unwrap(), Err(Error::BadCredentials));
}

#[apply(on_both_databases)]
async fn a_password_change_does_not_overwrite_a_concurrent_reset(app: App) {
    create_account_with_slow_hash(&app).await;
    let (state, me) = (app.state.clone(), app.clerk().me);
    let attacker_password = "самовар-на-столе".to_owned();
    let changing = spawn(async move {
        change_password(
            &state,
            me,
            PasswordChange {
                current_password: PASSWORD.to_owned(),
                password: attacker_password,
                revoke_access: true,
            },
            &ClientOrigin::default(),
        )
        .await
    });
    reset_during_check(&app).await;
    assert_eq!(changing.await.unwrap(), Err(Error::BadCredentials));
    assert!(
        sign_in(
            &app.state,
            "продавец",
            "battery staple".to_owned(),
            &ClientOrigin::default()
        )
        .await
        .is_ok_and(|done| matches!(done, Admission::SignedIn(me, _) if me.must_change_password))
    );
}

#[apply(on_both_databases)]
async fn each_failure_for_an_account_doubles_the_wait_for_every_address(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    for host in 1..=5 {
        let mut one = app.browser_at(&format!("203.0.113.{host}"));
        assert_eq!(attempt(&mut one, "продавец", "wrong horse").await, 401);
    }
    let mut other = app.browser_at("198.51.100.1");
    for (wait, pass) in [("2", 2), ("4", 4), ("8", 8)] {
        restart_wait(&app).await;
        let refused = other
            .call(
                "sign_in",
                &[("username", "ПРОДАВЕЦ"), ("password", PASSWORD)],
            )
            .await;
        assert_eq!(
            (
                refused.status,
                refused.headers["retry-after"].to_str().unwrap()
            ),
            (429, wait)
        );
        assert_eq!(
            refused.body,
            format!("{{\"TooOften\":{{\"seconds\":{wait}}}}}")
        );
        age_attempts(&app, TimeDelta::hours(1) + TimeDelta::seconds(pass)).await;
        assert_eq!(attempt(&mut other, "продавец", "wrong horse").await, 401);
    }
    // Refused attempts are not counted, and after an hour without attempts the count starts again.
    age_attempts(&app, TimeDelta::hours(1)).await;
    for _ in 0..5 {
        assert_eq!(attempt(&mut other, "продавец", "wrong horse").await, 401);
    }
    assert_eq!(attempt(&mut other, "продавец", "wrong horse").await, 429);
}

#[apply(on_both_databases)]
async fn the_wait_for_an_account_is_at_most_five_minutes(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    for host in 0..40 {
        attempt(
            &mut app.browser_at(&format!("203.0.113.{host}")),
            "продавец",
            "wrong horse",
        )
        .await;
        age_attempts(&app, TimeDelta::minutes(5)).await;
    }
    assert_eq!(
        attempt(&mut app.browser_at("198.51.100.1"), "продавец", PASSWORD).await,
        200
    );
    assert_eq!(
        attempt(
            &mut app.browser_at("198.51.100.2"),
            "продавец",
            "wrong horse"
        )
        .await,
        401,
        "the right password did not end the wait"
    );
}

#[apply(on_both_databases)]
async fn an_unknown_name_is_throttled_like_a_known_one(app: App) {
    app.create_account(app.clerk()).await;
    let mut browser = app.browser();
    let mut answers = Vec::new();
    for name in ["продавец", "никто"] {
        let mut statuses = Vec::new();
        for n in 0..7 {
            if n >= 5 {
                restart_wait(&app).await;
            }
            statuses.push(attempt(&mut browser, name, "wrong horse").await);
        }
        answers.push(statuses);
    }
    assert_eq!(answers[0], [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(answers[0], answers[1]);
}

#[apply(on_both_databases)]
async fn an_address_is_throttled_for_all_names_but_its_neighbours_are_not(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    let mut one = app.browser_at("2001:db8:1:2::1");
    for n in 0..30 {
        assert_eq!(
            attempt(&mut one, &format!("имя-{n}"), "wrong horse").await,
            401
        );
    }
    restart_wait(&app).await;
    assert_eq!(attempt(&mut one, "продавец", PASSWORD).await, 429);
    assert_eq!(
        attempt(
            &mut app.browser_at("2001:db8:1:2::ffff"),
            "продавец",
            PASSWORD
        )
        .await,
        429,
        "another address of the same network was not throttled"
    );
    assert_eq!(
        attempt(&mut app.browser_at("2001:db8:1:3::1"), "продавец", PASSWORD).await,
        200
    );
    // Without a trusted proxy, any client could forge the header.
    let app = app.restarted(|config| config.trust_proxy = Vec::new());
    assert_eq!(
        attempt(&mut app.browser_at("2001:db8:1:2::1"), "продавец", PASSWORD).await,
        200
    );
}

#[apply(on_both_databases)]
async fn successful_sign_ins_do_not_throttle_an_address(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    for _ in 0..40 {
        assert_eq!(
            attempt(&mut app.browser_at("203.0.113.1"), "продавец", PASSWORD).await,
            200
        );
    }
}

#[apply(on_both_databases)]
async fn a_trusted_browser_signs_in_while_others_guess_the_password(app: App) {
    let app = app.behind_proxy(|_| {});
    let mut owner = app
        .signed_in_browser(app.clerk())
        .await
        .with_header("x-forwarded-for", "203.0.113.1");
    owner.submit("/", "sign_out", &[]).await;
    for _ in 0..6 {
        attempt(
            &mut app.browser_at("203.0.113.1"),
            "продавец",
            "wrong horse",
        )
        .await;
    }
    restart_wait(&app).await;
    assert_eq!(
        attempt(&mut app.browser_at("198.51.100.1"), "продавец", PASSWORD).await,
        429
    );
    assert_eq!(attempt(&mut owner.clone(), "продавец", PASSWORD).await, 200);
    // The cookie of one account is not valid for another, and a forged one is not valid at all.
    app.create_account(app.manager()).await;
    for _ in 0..6 {
        attempt(
            &mut app.browser_at("203.0.113.2"),
            "менеджер",
            "wrong horse",
        )
        .await;
    }
    restart_wait(&app).await;
    assert_eq!(attempt(&mut owner.clone(), "менеджер", PASSWORD).await, 429);
    let forged = app
        .browser_at("203.0.113.3")
        .with_header("cookie", "known=0123456789abcdef");
    assert_eq!(
        attempt(&mut forged.clone(), "продавец", PASSWORD).await,
        429
    );
    // A trusted browser is limited, too.
    let mut statuses = Vec::new();
    for n in 0..11 {
        if n == 10 {
            restart_wait(&app).await;
        }
        statuses.push(attempt(&mut owner, "продавец", "wrong horse").await);
    }
    assert_eq!(statuses[9..], [401, 429]);
}

#[apply(on_both_databases)]
async fn each_trusted_browser_has_a_limit_of_its_own(app: App) {
    let mut one = app.signed_in_browser(app.clerk()).await;
    let mut other = app.browser();
    other.sign_in("продавец", PASSWORD).await;
    for _ in 0..22 {
        assert_eq!(attempt(&mut one, "продавец", "wrong horse").await, 401);
        age_attempts(&app, TimeDelta::minutes(15)).await;
    }
    restart_wait(&app).await;
    let fields = [("username", "продавец"), ("password", PASSWORD)];
    assert_eq!(
        one.call("sign_in", &fields).await.body,
        "{\"TooOften\":{\"seconds\":900}}"
    );
    // Whoever guesses there does not make the owner wait.
    assert_eq!(attempt(&mut other, "продавец", PASSWORD).await, 200);
}

#[apply(on_both_databases)]
async fn concurrent_attempts_are_each_counted(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.clerk()).await;
    let attempts = (0..20).map(|host| {
        let mut browser = app.browser_at(&format!("203.0.113.{host}"));
        async move { attempt(&mut browser, "продавец", "wrong horse").await }
    });
    let statuses = join_all(attempts).await;
    let checked = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(checked, 5, "{statuses:?}");
}

#[apply(on_both_databases)]
async fn an_attempt_that_fails_with_a_fault_is_not_counted(app: App) {
    app.create_account(app.clerk()).await;
    app.sql("UPDATE users SET hashed_password = 'no hash'")
        .await;
    let mut browser = app.browser();
    for _ in 0..10 {
        assert_eq!(attempt(&mut browser, "продавец", PASSWORD).await, 500);
    }
}

#[apply(on_both_databases)]
async fn an_untrusted_proxy_does_not_throttle_other_clients(app: App) {
    app.create_account(app.clerk()).await;
    let proxied = |address: &str| app.browser_at(address).via_loopback();
    for n in 0..30 {
        assert_eq!(
            attempt(
                &mut proxied("203.0.113.1"),
                &format!("имя-{n}"),
                "wrong horse"
            )
            .await,
            401
        );
    }
    assert_eq!(
        attempt(&mut proxied("198.51.100.1"), "продавец", PASSWORD).await,
        200
    );
    // A client without a proxy is throttled by its own address.
    let mut one = app.browser().via_loopback();
    for n in 0..30 {
        assert_eq!(
            attempt(&mut one, &format!("имя-{n}"), "wrong horse").await,
            401
        );
    }
    assert_eq!(attempt(&mut one, "продавец", PASSWORD).await, 429);
}

#[apply(on_both_databases)]
async fn a_session_ends_when_the_password_changes(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    assert_eq!(clerk.get("/orders").await.status, 200);
    // As if a session was saved just after an admin had ended all of them.
    app.sql("UPDATE users SET hashed_password = 'another'")
        .await;
    assert_eq!(
        clerk.get("/orders").await.location.as_deref(),
        Some("/login?next=%2Forders")
    );
}

#[apply(on_both_databases)]
async fn the_page_says_how_long_to_wait_and_keeps_the_name(app: App) {
    app.create_account(app.clerk()).await;
    let mut browser = app.browser();
    for _ in 0..5 {
        browser.sign_in("продавец", "wrong horse").await;
    }
    restart_wait(&app).await;
    let refused = browser.sign_in("продавец", PASSWORD).await;
    let page = browser.follow(&refused).await;
    assert_eq!(
        (page.status, page.headers["retry-after"].to_str().unwrap()),
        (429, "2")
    );
    assert!(
        page.body
            .contains("Слишком много попыток. Повторите через 2 сек."),
        "{}",
        page.body
    );
    assert!(page.body.contains("value=\"продавец\""));
    let request = Request::post("/api/auth/login")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(
            r#"{"username": "продавец", "password": "correct horse"}"#,
        ));
    let answer = browser.send(request.unwrap()).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["retry-after"].to_str().unwrap()
        ),
        (429, "2")
    );
    assert!(
        answer.body.contains("urn:sirius:too_often"),
        "{}",
        answer.body
    );
}

#[apply(on_both_databases)]
async fn guessing_the_current_password_in_a_password_change_is_throttled(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let change = async |browser: &mut Browser, current: &str| {
        let fields = [
            ("current_password", current),
            ("password", "battery staple"),
            ("password_repeated", "battery staple"),
        ];
        browser.call("change_password", &fields).await.status
    };
    for _ in 0..5 {
        assert_eq!(change(&mut browser, "wrong horse").await, 422);
    }
    restart_wait(&app).await;
    assert_eq!(change(&mut browser, PASSWORD).await, 429);
    age_attempts(&app, TimeDelta::hours(1) + TimeDelta::seconds(2)).await;
    assert_eq!(change(&mut browser, PASSWORD).await, 200);
}

#[apply(on_both_databases)]
async fn a_new_password_must_differ_from_the_current_one(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", PASSWORD),
        ("password_repeated", PASSWORD),
    ];
    let refused = browser.call("change_password", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("SamePassword"), "{}", refused.body);
}

#[apply(on_both_databases)]
async fn a_password_reset_revokes_tokens_and_blocks_new_ones_until_changed(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let made = clerk.call("create_token", NEW_TOKEN).await;
    assert_eq!(made.status, 200);
    let hash = bcrypt::hash("battery staple", 4).unwrap();
    admin
        .write(move |tx| accounts::reset_password(tx, "продавец", &hash, true))
        .await
        .unwrap();
    let count = |tx: &mut crate::transaction::Tx<'_>| {
        Ok(api_tokens::table.count().get_result::<i64>(tx.conn)?)
    };
    assert_eq!(app.state.read(Actor::System, count).await, Ok(0));
    // A session with the one-time password cannot create anything that would outlive it.
    let mut clerk = app.browser();
    clerk.sign_in("продавец", "battery staple").await;
    for (function, fields) in [("create_token", NEW_TOKEN), ("make_chat_code", &[])] {
        let refused = clerk.call(function, fields).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (403, "\"MustChangePassword\""),
            "{function}"
        );
    }
}

#[apply(on_both_databases)]
async fn a_name_that_imitates_another_is_refused(app: App) {
    let mut browser = app.browser().on_this_machine();
    let mut register = async |name: &str| {
        let fields = [
            ("username", name),
            ("password", PASSWORD),
            ("password_repeated", PASSWORD),
        ];
        browser.call("register", &fields).await.body
    };
    assert!(register("\u{430}nna").await.contains("MixedAlphabets"));
    assert!(register("System").await.contains("Taken"));
    assert!(register("Система").await.contains("Taken"));
    assert!(register("склад-A").await.contains("MixedAlphabets"));
    assert_eq!(register("рос").await, "null");
    assert!(register("poc").await.contains("LooksTaken"));
    assert_eq!(register("склад-1").await, "null");
}

#[apply(on_both_databases)]
async fn registrations_from_one_address_are_limited(app: App) {
    let app = app.behind_proxy(|_| {});
    app.create_account(app.admin()).await;
    let mut browser = app.browser_at("203.0.113.1");
    let mut register = async |n: usize| {
        let name = format!("новый-{n}");
        let fields = [
            ("username", name.as_str()),
            ("password", PASSWORD),
            ("password_repeated", PASSWORD),
        ];
        browser.call("register", &fields).await.status
    };
    for n in 0..100 {
        assert_eq!(register(n).await, 200);
    }
    restart_wait(&app).await;
    assert_eq!(register(100).await, 429);
}

#[apply(on_both_databases)]
async fn old_attempts_are_deleted(app: App) {
    let mut browser = app.browser();
    attempt(&mut browser, "никто", "wrong horse").await;
    app.state
        .write(Actor::System, throttle::sweep)
        .await
        .unwrap();
    // One of the account, one of the failures for the log.
    assert_eq!(throttle_rows(&app).await, 2);
    age_attempts(&app, TimeDelta::hours(1)).await;
    app.state
        .write(Actor::System, throttle::sweep)
        .await
        .unwrap();
    assert_eq!(throttle_rows(&app).await, 0);
}
