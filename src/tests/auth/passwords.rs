//! The rules for passwords, their stored form, and one-time passwords.

use crate::tests::support::{Answer, App, Browser, NEW_TOKEN, PASSWORD, apply, on_both_databases};
use crate::{
    auth::{
        Actor,
        client_origin::ClientOrigin,
        service::sign_in,
        users::service::{self as users, give_one_time_password},
    },
    config::Config,
    db::DatabaseUrl,
    error::Error,
    schema::{api_tokens, chats, users as accounts},
    transaction::Tx,
};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use futures::future::join_all;

/// 64 letters.
const PASSPHRASE: &str = "жёлтый самовар стоит на деревянном столе у окна и поёт про лето!";

async fn register(browser: &mut Browser, name: &str, password: &str) -> Answer {
    let fields = [
        ("username", name),
        ("password", password),
        ("password_repeated", password),
    ];
    browser.call("register", &fields).await
}

async fn change(browser: &mut Browser, current: &str, password: &str, revokes: &str) -> Answer {
    let fields = [
        ("current_password", current),
        ("password", password),
        ("password_repeated", password),
        ("revoke_access", revokes),
    ];
    browser.call("change_password", &fields).await
}

async fn attempt(browser: &mut Browser, password: &str) -> Answer {
    let fields = [("username", "продавец"), ("password", password)];
    browser.call("sign_in", &fields).await
}

async fn stored_hash(app: &App) -> String {
    let query = |tx: &mut Tx<'_>| {
        let hash = accounts::table.find("продавец");
        Ok(hash.select(accounts::hashed_password).first(tx.conn)?)
    };
    app.state.read(Actor::System, query).await.unwrap()
}

/// Stores a hash as an earlier version did.
async fn store_hash(app: &App, hash: String) {
    let store = move |tx: &mut Tx<'_>| {
        diesel::update(accounts::table.find("продавец"))
            .set(accounts::hashed_password.eq(hash))
            .execute(tx.conn)?;
        Ok(())
    };
    app.state.write(Actor::System, store).await.unwrap();
}

/// Returns how many tokens and chats there are.
async fn keys(app: &App) -> (i64, i64) {
    let count = |tx: &mut Tx<'_>| {
        Ok((
            api_tokens::table.count().get_result(tx.conn)?,
            chats::table.count().get_result(tx.conn)?,
        ))
    };
    app.state.read(Actor::System, count).await.unwrap()
}

#[apply(on_both_databases)]
async fn weak_passwords_are_refused_wherever_one_is_chosen(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    for (password, problem) in [
        ("Password123", "\"CommonPassword\""),
        ("йцукенгшщз", "\"CommonPassword\""),
        ("ПРОДАВЕЦ-на-складе", "\"NameInPassword\""),
        ("магазин Сириус", "\"ShopInPassword\""),
        ("самовар", "{\"TooShort\":8}"),
    ] {
        for refused in [
            register(&mut app.browser(), "продавец", password).await,
            change(&mut browser, PASSWORD, password, "true").await,
        ] {
            let expected = format!("{{\"field\":\"password\",\"problem\":{problem}}}");
            assert_eq!(refused.status, 422, "{password}");
            assert!(refused.body.contains(&expected), "{}", refused.body);
        }
    }
}

#[apply(on_both_databases)]
async fn a_long_passphrase_signs_in_and_no_part_of_it_does(app: App) {
    assert_eq!(PASSPHRASE.chars().count(), 64);
    let mut browser = app.browser().on_this_machine();
    assert_eq!(
        register(&mut browser, "продавец", PASSPHRASE).await.status,
        200
    );
    assert!(stored_hash(&app).await.starts_with("sha256$$2b$"));
    assert_eq!(attempt(&mut app.browser(), PASSPHRASE).await.status, 200);
    for wrong in [&PASSPHRASE[..71], &PASSPHRASE[..PASSPHRASE.len() - 1]] {
        assert_eq!(attempt(&mut app.browser(), wrong).await.status, 401);
    }
    let changed = change(&mut browser, PASSPHRASE, &"я-".repeat(64), "true").await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let refused = change(&mut browser, &"я-".repeat(64), &"я-".repeat(65), "true").await;
    assert!(
        refused.body.contains("{\"TooLong\":128}"),
        "{}",
        refused.body
    );
}

#[apply(on_both_databases)]
async fn an_old_hash_verifies_and_is_renewed_without_signing_anybody_out(app: App) {
    let app = app.restarted(|config: &mut Config| config.bcrypt_cost = 5);
    let mut first = app.signed_in_browser(app.clerk()).await;
    // The account was created with the lower cost of the tests.
    let renewed = stored_hash(&app).await;
    assert!(renewed.starts_with("$2b$05$"), "{renewed}");
    assert_eq!(first.get("/orders").await.status, 200);
    // Earlier versions hashed what was typed, here with й as two characters.
    let typed = "чаи\u{306}ник на столе";
    store_hash(&app, bcrypt::hash(typed, 5).unwrap()).await;
    app.sql("UPDATE users SET auth_hash = NULL").await;
    let mut second = app.browser();
    assert_eq!(attempt(&mut second, typed).await.status, 200);
    assert_eq!(
        attempt(&mut app.browser(), "чайник на столе").await.status,
        200,
        "the renewed hash is not that of the normalized password"
    );
    assert_eq!(second.get("/orders").await.status, 200);
    assert_eq!(
        first.get("/orders").await.status,
        302,
        "a session survived a change of password"
    );
    let renewed = stored_hash(&app).await;
    assert_eq!(attempt(&mut app.browser(), typed).await.status, 200);
    assert_eq!(stored_hash(&app).await, renewed, "renewed twice");
    // A change of the password ends all sessions but the one that made it.
    let mut third = app.browser();
    attempt(&mut third, typed).await;
    assert_eq!(
        change(&mut third, typed, "battery staple", "true")
            .await
            .status,
        200
    );
    assert_eq!(third.get("/orders").await.status, 200);
    assert_eq!(second.get("/orders").await.status, 302);
}

#[apply(on_both_databases)]
async fn sign_ins_that_renew_a_hash_at_the_same_time_all_succeed(app: App) {
    app.create_account(app.clerk()).await;
    let app = app.restarted(|config| config.bcrypt_cost = 6);
    let browsers = (0..4).map(|_| {
        let mut browser = app.browser();
        async move {
            let status = attempt(&mut browser, PASSWORD).await.status;
            (status, browser.get("/orders").await.status)
        }
    });
    assert_eq!(join_all(browsers).await, [(200, 200); 4]);
    assert!(stored_hash(&app).await.starts_with("$2b$06$"));
}

#[apply(on_both_databases)]
async fn a_one_time_password_signs_in_once(app: App) {
    let admin = app.create_account(app.admin()).await;
    app.create_account(app.clerk()).await;
    let once = give_one_time_password(&app.state, admin.actor(), "продавец".to_owned())
        .await
        .unwrap();
    let mut first = app.browser();
    assert_eq!(attempt(&mut first, &once).await.status, 200);
    let second = attempt(&mut app.browser(), &once).await;
    assert_eq!(
        (second.status, second.body.as_str()),
        (403, "\"OneTimePasswordOver\"")
    );
    let mut browser = app.browser();
    let refused = browser.sign_in("продавец", &once).await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("Попросите у администратора новый.")
    );
    // Those who do not know it learn nothing.
    let wrong = attempt(&mut app.browser(), "wrong horse").await;
    assert_eq!(
        (wrong.status, wrong.body.as_str()),
        (401, "\"BadCredentials\"")
    );
    // The session that it began can choose a password, which then works as often as any other.
    assert_eq!(
        change(&mut first, &once, "battery staple", "true")
            .await
            .status,
        200
    );
    for _ in 0..2 {
        assert_eq!(
            attempt(&mut app.browser(), "battery staple").await.status,
            200
        );
    }
}

#[apply(on_both_databases)]
async fn of_two_sign_ins_with_a_one_time_password_one_succeeds(app: App) {
    let admin = app.create_account(app.admin()).await;
    app.create_account(app.clerk()).await;
    let once = give_one_time_password(&app.state, admin.actor(), "продавец".to_owned())
        .await
        .unwrap();
    let tries = (0..4).map(|_| {
        let (app, once) = (app.state.clone(), once.clone());
        async move { sign_in(&app, "продавец", once, &ClientOrigin::default()).await }
    });
    let results = join_all(tries).await;
    let signed_in = results.iter().filter(|result| result.is_ok()).count();
    let over = results
        .iter()
        .filter(|result| matches!(result, Err(Error::OneTimePasswordOver)))
        .count();
    assert_eq!((signed_in, over), (1, 3), "{results:?}");
}

#[apply(on_both_databases)]
async fn a_one_time_password_expires_after_a_day(app: App) {
    let admin = app.create_account(app.admin()).await;
    app.create_account(app.clerk()).await;
    let once = give_one_time_password(&app.state, admin.actor(), "продавец".to_owned())
        .await
        .unwrap();
    let until = |tx: &mut Tx<'_>| {
        let until = accounts::table.find("продавец");
        let until = until.select(accounts::one_time_until);
        Ok((until.first::<Option<NaiveDateTime>>(tx.conn)?, tx.now.utc()))
    };
    let (until, now) = app.state.read(Actor::System, until).await.unwrap();
    let left = until.unwrap() - now;
    assert!(left <= TimeDelta::hours(24) && left > TimeDelta::hours(23));
    let age = move |tx: &mut Tx<'_>| {
        diesel::update(accounts::table)
            .set(accounts::one_time_until.eq(tx.now.utc() - TimeDelta::seconds(1)))
            .execute(tx.conn)?;
        Ok(())
    };
    app.state.write(Actor::System, age).await.unwrap();
    assert_eq!(
        attempt(&mut app.browser(), &once).await.body,
        "\"OneTimePasswordOver\""
    );
    // A password that was set with the command line is not a one-time password.
    let hash = bcrypt::hash("battery staple", 4).unwrap();
    app.state
        .write(Actor::System, move |tx| {
            users::reset_password(tx, "продавец", &hash, false)
        })
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(
            attempt(&mut app.browser(), "battery staple").await.status,
            200
        );
    }
}

#[apply(on_both_databases)]
async fn a_password_change_revokes_tokens_and_chats_if_asked(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let link = "INSERT INTO chats (user_id, chat_id, name, created_at)
                VALUES ('продавец', 1, 'Аня', '2026-01-02 03:04:05')";
    app.sql(link).await;
    assert_eq!(browser.call("create_token", NEW_TOKEN).await.status, 200);
    assert!(
        browser
            .get("/account")
            .await
            .body
            .contains("name=\"revoke_access\" value=\"true\" checked")
    );
    let kept = change(&mut browser, PASSWORD, "battery staple", "").await;
    assert_eq!((kept.status, keys(&app).await), (200, (1, 1)));
    let revoked = change(&mut browser, "battery staple", PASSWORD, "true").await;
    assert_eq!((revoked.status, keys(&app).await), (200, (0, 0)));
    let log = app
        .signed_in_browser(app.admin())
        .await
        .get("/admin/logs")
        .await;
    assert!(
        log.body.contains("Токены API: 1") && log.body.contains("Чаты: 1"),
        "{}",
        log.body
    );
}

#[apply(on_both_databases)]
async fn the_migration_gives_existing_tokens_and_one_time_passwords_their_time(app: App) {
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    clerk.call("create_token", NEW_TOKEN).await;
    app.sql("UPDATE users SET must_change_password = TRUE")
        .await;
    let (down, up) = match app.state.config.database_url {
        DatabaseUrl::Sqlite(_) => (
            include_str!(
                "../../../migrations/sqlite/2026-11-27-000130_passwords_and_tokens/down.sql"
            ),
            include_str!(
                "../../../migrations/sqlite/2026-11-27-000130_passwords_and_tokens/up.sql"
            ),
        ),
        DatabaseUrl::Postgres(_) => (
            include_str!(
                "../../../migrations/postgres/2026-11-27-000130_passwords_and_tokens/down.sql"
            ),
            include_str!(
                "../../../migrations/postgres/2026-11-27-000130_passwords_and_tokens/up.sql"
            ),
        ),
    };
    app.sql(down).await;
    app.sql(up).await;
    let times = |tx: &mut Tx<'_>| {
        let token = api_tokens::table.select(api_tokens::expires_at);
        let account = accounts::table.select(accounts::one_time_until);
        Ok((
            token.first::<NaiveDateTime>(tx.conn)? - tx.now.utc(),
            account.first::<Option<NaiveDateTime>>(tx.conn)?.unwrap() - tx.now.utc(),
        ))
    };
    let (token, one_time) = app.state.read(Actor::System, times).await.unwrap();
    let minute = TimeDelta::minutes(1);
    assert!((token - TimeDelta::days(90)).abs() < minute, "{token}");
    assert!(
        (one_time - TimeDelta::hours(24)).abs() < minute,
        "{one_time}"
    );
    assert_eq!(attempt(&mut app.browser(), PASSWORD).await.status, 200);
}
