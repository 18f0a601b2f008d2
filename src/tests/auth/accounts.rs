//! Accounts and sessions.

use crate::tests::support::{Answer, App, PASSWORD, apply, on_both_databases};
use crate::{
    auth::{Actor, Role, UserState, service::any_user, users::service as accounts},
    config::{CookieSecure, Registration},
    error::Error,
};
use std::time::Duration;

async fn register(
    browser: &mut crate::tests::support::Browser,
    name: &str,
    password: &str,
) -> Answer {
    browser
        .submit(
            "/register",
            "register",
            &[
                ("username", name),
                ("password", password),
                ("password_repeated", password),
            ],
        )
        .await
}

#[apply(on_both_databases)]
async fn the_first_account_is_admin_and_the_second_is_not(app: App) {
    let mut browser = app.browser();
    for name in ["анна", "boris.b-1_"] {
        assert_eq!(
            register(&mut browser, name, PASSWORD)
                .await
                .location
                .as_deref(),
            Some("/?success=registered")
        );
    }
    let accounts = app.people().await;
    assert!(
        browser.get("/orders").await.body.contains("boris.b-1_"),
        "whoever registers is signed in"
    );
    let roles: Vec<_> = accounts
        .iter()
        .map(|account| (account.username.as_str(), account.role.code()))
        .collect();
    assert_eq!(roles, [("boris.b-1_", "user"), ("анна", "admin")]);
}

#[apply(on_both_databases)]
async fn names_are_compared_without_case(app: App) {
    let mut browser = app.browser();
    register(&mut browser, "Анна", PASSWORD).await;
    let again = register(&mut browser, "аННа", PASSWORD).await;
    assert!(browser.follow(&again).await.body.contains("Уже занято"));
    assert_eq!(
        browser.sign_in("АННА", PASSWORD).await.location.as_deref(),
        Some("/")
    );
    assert!(browser.get("/").await.body.contains("Анна"));
}

#[apply(on_both_databases)]
async fn a_wrong_registration_says_what_to_do(app: App) {
    let mut browser = app.browser();
    for (name, password, words) in [
        ("аб", PASSWORD, "Не менее 3 символов"),
        ("анна анна", PASSWORD, "Только буквы, цифры, точка"),
        ("<анна>", PASSWORD, "Только буквы, цифры, точка"),
        ("анна", "1234567", "Не менее 8 символов"),
        (
            "анна",
            "я23456789я23456789я23456789я23456789я23456789я23456789я23456789я23456789",
            "не больше 71 байта",
        ),
        ("", PASSWORD, "Заполните это поле"),
    ] {
        let refused = register(&mut browser, name, password).await;
        let page = browser.follow(&refused).await;
        assert!(
            page.body.contains(words),
            "{name} {password}: {}",
            page.body
        );
        assert!(
            !refused.location.unwrap().contains(password),
            "a password in a URL"
        );
    }
    assert!(!app.state.read(Actor::Nobody, any_user).await.unwrap());
}

#[apply(on_both_databases)]
async fn a_closed_shop_registers_nobody_but_the_first(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Closed);
    let mut browser = app.browser();
    assert_eq!(
        register(&mut browser, "анна", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/?success=registered")
    );
    let refused = register(&mut browser, "борис", PASSWORD).await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("Регистрация закрыта")
    );
    assert_eq!(app.people().await.len(), 1);
}

#[apply(on_both_databases)]
async fn an_account_that_waits_for_approval_cannot_sign_in(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Approval);
    let mut browser = app.browser();
    register(&mut browser, "анна", PASSWORD).await;
    assert_eq!(
        register(&mut browser, "борис", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/register/pending")
    );
    assert!(
        browser
            .get("/register/pending")
            .await
            .body
            .contains("когда его подтвердит администратор")
    );
    assert!(
        browser.get("/account").await.body.contains("анна"),
        "nobody is signed in as somebody who waits"
    );
    let refused = browser.sign_in("борис", PASSWORD).await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("ещё не подтвердил")
    );
    let account = app
        .state
        .write(Actor::System, |tx| accounts::activate(tx, "борис"))
        .await
        .unwrap();
    assert_eq!(account.state, UserState::Active);
    assert_eq!(
        browser.sign_in("борис", PASSWORD).await.location.as_deref(),
        Some("/")
    );
}

#[apply(on_both_databases)]
async fn an_unknown_name_and_a_wrong_password_look_the_same(app: App) {
    app.hire(app.clerk()).await;
    let mut browser = app.browser();
    let unknown = browser
        .call("sign_in", &[("username", "никто"), ("password", PASSWORD)])
        .await;
    let wrong = browser
        .call(
            "sign_in",
            &[("username", "продавец"), ("password", "wrong horse")],
        )
        .await;
    assert_eq!((unknown.status, &unknown.body), (401, &wrong.body));
    assert_eq!(unknown.status, wrong.status);
    assert_eq!(unknown.set_cookie, None);
}

#[apply(on_both_databases)]
async fn a_session_survives_a_restart_and_ends_with_sign_out(app: App) {
    let browser = app.browser_of(app.clerk()).await;
    let app = app.restarted(|_| {});
    let mut browser = browser.in_shop(&app);
    assert_eq!(browser.get("/orders").await.status, 200);
    let mut copy = browser.clone();
    let out = browser.submit("/orders", "sign_out", &[]).await;
    assert_eq!(out.location.as_deref(), Some("/login?success=signed_out"));
    assert_eq!(
        copy.get("/orders").await.location.as_deref(),
        Some("/login?next=%2Forders")
    );
}

#[apply(on_both_databases)]
async fn the_cookie_is_kept_from_scripts_and_other_sites(app: App) {
    app.hire(app.clerk()).await;
    let cookie = app
        .browser()
        .sign_in("продавец", PASSWORD)
        .await
        .set_cookie
        .unwrap();
    assert!(
        cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
            && cookie.contains("Max-Age=3600"),
        "{cookie}"
    );
    let app = app.restarted(|config| config.cookie_secure = CookieSecure::Always);
    assert!(
        app.browser()
            .sign_in("продавец", PASSWORD)
            .await
            .set_cookie
            .unwrap()
            .contains("Secure")
    );
}

#[apply(on_both_databases)]
async fn a_session_is_over_after_its_age(app: App) {
    let app = app.restarted(|config| config.session_max_age = Duration::from_secs(1));
    let mut browser = app.browser_of(app.clerk()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(browser.get("/orders").await.status, 302);
}

#[apply(on_both_databases)]
async fn a_new_password_signs_the_other_devices_out(app: App) {
    let mut here = app.browser_of(app.clerk()).await;
    let mut there = app.browser();
    there.sign_in("продавец", PASSWORD).await;
    let change = |current: &'static str| {
        [
            ("current_password", current),
            ("password", "battery staple"),
            ("password_repeated", "battery staple"),
        ]
    };
    let refused = here
        .submit("/account", "change_password", &change("wrong"))
        .await;
    assert!(here.follow(&refused).await.body.contains("Неверный пароль"));
    assert_eq!(
        here.submit("/account", "change_password", &change(PASSWORD))
            .await
            .location
            .as_deref(),
        Some("/account?success=password_changed")
    );
    assert_eq!(here.get("/account").await.status, 200);
    assert_eq!(there.get("/account").await.status, 302);
    assert_ne!(
        there
            .sign_in("продавец", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/")
    );
    assert_eq!(
        there
            .sign_in("продавец", "battery staple")
            .await
            .location
            .as_deref(),
        Some("/")
    );
}

#[apply(on_both_databases)]
async fn a_role_that_was_taken_is_gone_at_once(app: App) {
    let mut browser = app.browser_of(app.manager()).await;
    assert_eq!(browser.get("/supplies").await.status, 200);
    app.state
        .write(Actor::System, |tx| {
            accounts::change_role(tx, "менеджер", Role::User)
        })
        .await
        .unwrap();
    assert_eq!(browser.get("/supplies").await.status, 302);
    browser.sign_in("менеджер", PASSWORD).await;
    assert_eq!(browser.get("/supplies").await.status, 403);
}

#[apply(on_both_databases)]
async fn the_last_admin_stays_and_nobody_changes_his_own_role(app: App) {
    let admin = app.hire(app.admin()).await;
    let alone = app
        .state
        .write(Actor::System, |tx| {
            accounts::change_role(tx, "АДМИН", Role::User)
        })
        .await;
    assert_eq!(alone, Err(Error::LastAdmin));
    app.hire(app.person("второй", Role::Admin)).await;
    assert_eq!(
        admin
            .write(|tx| accounts::change_role(tx, "админ", Role::User))
            .await,
        Err(Error::Yourself)
    );
    assert_eq!(
        admin
            .write(|tx| accounts::change_role(tx, "второй", Role::User))
            .await
            .unwrap()
            .role,
        Role::User
    );
}
