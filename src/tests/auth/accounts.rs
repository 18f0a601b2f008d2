//! Registration, sign-in and sessions.

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
    let mut browser = app.browser().on_this_machine();
    for name in ["анна", "boris.b-1_"] {
        assert_eq!(
            register(&mut browser, name, PASSWORD)
                .await
                .location
                .as_deref(),
            Some("/?success=registered")
        );
    }
    let accounts = app.accounts().await;
    assert!(
        browser.get("/orders").await.body.contains("boris.b-1_"),
        "registration did not sign the user in"
    );
    let roles: Vec<_> = accounts
        .iter()
        .map(|account| (account.username.as_str(), account.role.code()))
        .collect();
    assert_eq!(roles, [("boris.b-1_", "user"), ("анна", "admin")]);
}

#[apply(on_both_databases)]
async fn user_names_are_case_insensitive(app: App) {
    let mut browser = app.browser().on_this_machine();
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
async fn registration_errors_say_what_to_correct(app: App) {
    let mut browser = app.browser();
    for (name, password, words) in [
        ("аб", PASSWORD, "Не менее 3 символов"),
        ("анна анна", PASSWORD, "Только буквы, цифры, точка"),
        ("<анна>", PASSWORD, "Только буквы, цифры, точка"),
        ("анна", "1234567", "Не менее 8 символов"),
        ("анна", &"самовар! ".repeat(15), "Не более 128 символов"),
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
            "the URL contains a password"
        );
    }
    assert!(!app.state.read(Actor::Nobody, any_user).await.unwrap());
}

#[apply(on_both_databases)]
async fn closed_registration_allows_only_the_first_account(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Closed);
    let mut browser = app.browser().on_this_machine();
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
    assert_eq!(app.accounts().await.len(), 1);
}

#[apply(on_both_databases)]
async fn an_account_that_waits_for_approval_cannot_sign_in(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Approval);
    let mut browser = app.browser().on_this_machine();
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
        "a pending account was signed in"
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
async fn an_unknown_name_and_a_wrong_password_give_the_same_answer(app: App) {
    app.create_account(app.clerk()).await;
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
    let browser = app.signed_in_browser(app.clerk()).await;
    let app = app.restarted(|_| {});
    let mut browser = browser.connected_to(&app);
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
async fn the_session_cookie_is_http_only_same_site_and_secure(app: App) {
    app.create_account(app.clerk()).await;
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
async fn a_session_expires_at_its_maximum_age(app: App) {
    let app = app.restarted(|config| config.session_max_age = Duration::from_secs(1));
    let mut browser = app.signed_in_browser(app.clerk()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(browser.get("/orders").await.status, 302);
}

#[apply(on_both_databases)]
async fn a_new_password_signs_out_the_other_devices(app: App) {
    let mut here = app.signed_in_browser(app.clerk()).await;
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
async fn a_revoked_role_takes_effect_at_once(app: App) {
    let mut browser = app.signed_in_browser(app.manager()).await;
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
async fn nobody_changes_their_own_role_and_the_last_admin_is_kept(app: App) {
    let admin = app.create_account(app.admin()).await;
    let demoted = app
        .state
        .write(Actor::System, |tx| {
            accounts::change_role(tx, "АДМИН", Role::User)
        })
        .await;
    assert_eq!(demoted, Err(Error::LastAdmin));
    app.create_account(app.person("второй", Role::Admin)).await;
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
