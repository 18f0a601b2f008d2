//! The first account, the setup code, and accounts that wait for approval.

use crate::tests::support::{Answer, App, Browser, PASSWORD, apply, on_both_databases};
use crate::{
    auth::{Actor, Role, setup, throttle, users::service as accounts},
    config::Registration,
    error::Error,
};
use chrono::TimeDelta;

const SECRET: &str = "a key of the tests, the same for every server";

/// Returns the shop with a secret key, and its setup code.
fn with_code(app: App) -> (App, String) {
    let app = app.restarted(|config| config.secret_key = Some(SECRET.to_owned()));
    let code = setup::code(&app.state.config).unwrap();
    crate::tests::support::logs::forbid_in_log(&code);
    (app, code)
}

/// Registers as a script does.
async fn register(browser: &mut Browser, name: &str, code: &str) -> Answer {
    let fields = [
        ("username", name),
        ("password", PASSWORD),
        ("password_repeated", PASSWORD),
        ("setup_code", code),
    ];
    browser.call("register", &fields).await
}

#[apply(on_both_databases)]
async fn the_first_account_needs_the_setup_code_from_another_machine(app: App) {
    let (app, code) = with_code(app);
    let app = app.behind_proxy(|_| {});
    let mut stranger = app.browser_at("203.0.113.1");
    let page = stranger.get("/register").await.body;
    assert!(page.contains("Код установки"), "{page}");
    for (entered, problem) in [("", "Required"), ("0000-0000-0000", "WrongSetupCode")] {
        let refused = register(&mut stranger, "чужой", entered).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(
            refused.body.contains("setup_code") && refused.body.contains(problem),
            "{}",
            refused.body
        );
    }
    assert_eq!(app.accounts().await, []);
    // Another server of the same shop accepts it, in any spelling.
    let app = app.behind_proxy(|_| {});
    let mut owner = app.browser_at("203.0.113.2");
    let spelled = code.replace('-', " ").to_uppercase();
    assert_eq!(register(&mut owner, "хозяин", &spelled).await.status, 200);
    assert_eq!(app.accounts().await[0].role.code(), "admin");
    // Later accounts need none.
    let page = stranger.get("/register").await.body;
    assert!(!page.contains("Код установки"), "{page}");
    assert_eq!(register(&mut stranger, "второй", "").await.status, 200);
    assert_eq!(app.accounts().await.len(), 2);
}

#[apply(on_both_databases)]
async fn the_machine_itself_needs_no_setup_code_but_a_proxy_on_it_does(app: App) {
    let (app, code) = with_code(app);
    let app = app.restarted(|config| config.allowed_hosts = vec!["shop.example".to_owned()]);
    let proxied = [
        app.browser()
            .via_loopback()
            .with_header("host", "shop.example"),
        app.browser()
            .on_this_machine()
            .with_header("x-forwarded-for", "203.0.113.1"),
        app.browser().with_header("host", "localhost"),
    ];
    for mut browser in proxied {
        let refused = register(&mut browser, "чужой", "").await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    let mut here = app.browser().on_this_machine();
    let page = here.get("/register").await.body;
    assert!(!page.contains("Код установки"), "{page}");
    assert!(page.contains("Это первый аккаунт"), "{page}");
    let fields = [
        ("username", "хозяин"),
        ("password", PASSWORD),
        ("password_repeated", PASSWORD),
    ];
    let made = here.submit("/register", "register", &fields).await;
    assert_eq!(made.location.as_deref(), Some("/?success=registered"));
    // The code gives nothing once there is an account.
    let app = app.restarted(|config| config.registration = Registration::Closed);
    let refused = register(&mut app.browser(), "второй", &code).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
}

#[apply(on_both_databases)]
async fn tries_of_the_setup_code_are_limited_for_each_address(app: App) {
    let (app, code) = with_code(app);
    let app = app.behind_proxy(|_| {});
    let mut stranger = app.browser_at("203.0.113.1");
    for _ in 0..5 {
        let refused = register(&mut stranger, "чужой", "0000-0000-0000").await;
        assert_eq!(refused.status, 422);
    }
    let later =
        |tx: &mut crate::transaction::Tx<'_>| throttle::age_attempts(tx, -TimeDelta::hours(1));
    app.state.write(Actor::System, later).await.unwrap();
    let refused = register(&mut stranger, "чужой", &code).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let mut owner = app.browser_at("203.0.113.2");
    assert_eq!(register(&mut owner, "хозяин", &code).await.status, 200);
}

#[apply(on_both_databases)]
async fn the_setup_code_never_gets_into_an_address(app: App) {
    let (app, code) = with_code(app);
    let fields = [
        ("username", "хозяин"),
        ("password", "short"),
        ("password_repeated", "short"),
        ("setup_code", code.as_str()),
    ];
    let mut browser = app.browser();
    let refused = browser.submit("/register", "register", &fields).await;
    let page = browser.follow(&refused).await;
    assert!(page.body.contains("value=\"хозяин\""), "{}", page.body);
    assert!(!page.body.contains(&code), "{}", page.body);
}

#[apply(on_both_databases)]
async fn admins_see_how_many_accounts_wait(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Approval);
    let mut admin = app.signed_in_browser(app.admin()).await;
    let clerk = app.person("кладовщик", Role::User);
    let mut clerk = app.signed_in_browser(clerk).await;
    let link = "href=\"/admin/users?state=pending\"";
    assert!(!admin.get("/").await.body.contains(link));
    for name in ["анна", "борис"] {
        assert_eq!(register(&mut app.browser(), name, "").await.status, 200);
    }
    let home = admin.get("/").await.body;
    assert_eq!(home.matches(link).count(), 2, "{home}");
    assert!(home.contains("Ждут подтверждения: 2"), "{home}");
    let orders = admin.get("/orders").await.body;
    assert!(orders.contains("Ждут доступа: 2"), "{orders}");
    let waiting = admin.get("/admin/users?state=pending").await.body;
    assert!(waiting.contains("анна") && waiting.contains("борис"));
    assert!(!waiting.contains("кладовщик"), "{waiting}");
    assert!(!clerk.get("/").await.body.contains(link));
    for name in ["анна", "борис"] {
        app.state
            .write(Actor::System, |tx| accounts::activate(tx, name))
            .await
            .unwrap();
    }
    assert!(!admin.get("/").await.body.contains(link));
}

#[apply(on_both_databases)]
async fn at_most_a_hundred_accounts_wait(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Approval);
    app.create_account(app.admin()).await;
    app.sql(
        "INSERT INTO users (username, username_key, hashed_password, role, state, created_at) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99) \
         SELECT 'waiting' || n, 'waiting' || n, '', 'user', 'pending', '2026-11-01 00:00:00' FROM numbers",
    )
    .await;
    assert_eq!(register(&mut app.browser(), "сотый", "").await.status, 200);
    let refused = register(&mut app.browser(), "лишний", "").await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (403, "\"TooManyPending\"")
    );
    assert_eq!(
        app.state
            .read(Actor::System, |tx| accounts::get(tx, "лишний"))
            .await,
        Err(Error::NotFound)
    );
    app.state
        .write(Actor::System, |tx| accounts::activate(tx, "сотый"))
        .await
        .unwrap();
    assert_eq!(register(&mut app.browser(), "лишний", "").await.status, 200);
}
