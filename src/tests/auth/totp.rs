//! The second factor: setting it up, signing in with it, and losing it.

use crate::tests::server::access::percent_encode;
use crate::tests::support::{
    Answer, App, Browser, PASSWORD, Person, another_secret, apply, logs, on_both_databases,
    text_between, totp_code,
};
use crate::{
    audit::{Action, Query, search},
    auth::{
        Actor, Role,
        client_origin::ClientOrigin,
        service::sign_in,
        totp::{pending::PendingSignIn, sign_in as second_step},
        users::service as accounts,
    },
    error::{Error, Problem},
    schema::{recovery_codes, totp},
};
use diesel::prelude::*;
use futures::future::join_all;

/// Sets up the second factor of the browser's user. Returns the secret and the recovery codes.
async fn set_up(browser: &mut Browser) -> (String, Vec<String>) {
    let begun = browser
        .submit("/account", "begin_totp", &[("password", PASSWORD)])
        .await;
    assert_eq!(
        begun.location.as_deref(),
        Some("/account?success=totp_begun#second-factor")
    );
    let page = browser.follow(&begun).await;
    assert!(page.body.contains("data:image/svg+xml;base64,"));
    let secret = shown_secret(&page).to_owned();
    let confirmed = confirm(browser, &totp_code(&secret, 0)).await;
    assert_eq!(
        confirmed.location.as_deref(),
        Some("/account?success=totp_enabled#secret")
    );
    let page = browser.follow(&confirmed).await;
    let codes: Vec<_> = shown_secret(&page).lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    for code in &codes {
        logs::forbid_in_log(code);
    }
    (secret, codes)
}

async fn confirm(browser: &mut Browser, code: &str) -> Answer {
    browser
        .submit("/account", "confirm_totp", &[("code", code)])
        .await
}

/// Submits the form of the page that asks for the code.
async fn enter_code(browser: &mut Browser, code: &str) -> Answer {
    browser
        .submit("/login/code", "sign_in_code", &[("code", code)])
        .await
}

/// Signs in with a password and a code.
async fn sign_in_with_code(browser: &mut Browser, name: &str, code: &str) -> Answer {
    let asked = browser.sign_in(name, PASSWORD).await;
    assert_eq!(asked.location.as_deref(), Some("/login/code"));
    enter_code(browser, code).await
}

/// Returns the secret that a page shows once.
fn shown_secret(page: &Answer) -> &str {
    let rest = text_between(&page.body, "<code class=\"secret", "</code>");
    let shown = rest.split_once('>').unwrap().1;
    shown.split('<').next().unwrap()
}

/// Lets the codes of this and the next time step be used again.
async fn forget_used_codes(app: &App) {
    app.sql("UPDATE totp SET last_step = 0").await;
}

/// Returns the actions on record, newest first.
async fn actions(admin: &Person) -> Vec<Action> {
    let found = admin.read(|tx| search::list(tx, &Query::default())).await;
    let rows = found.unwrap().page.items;
    rows.iter().filter_map(|row| row.action.known()).collect()
}

#[apply(on_both_databases)]
async fn signing_in_takes_a_password_and_a_code(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let mut other = app.browser();
    let asked = other.sign_in("продавец", PASSWORD).await;
    assert_eq!(asked.location.as_deref(), Some("/login/code"));
    assert_eq!(other.get("/orders").await.status, 302, "the password alone");
    let page = other.follow(&asked).await;
    assert!(
        page.body.contains("autocomplete=\"one-time-code\"")
            && page.body.contains("inputmode=\"numeric\"")
    );
    for wrong in ["", "000000 0", &totp_code(&another_secret(), 0)] {
        let refused = enter_code(&mut other, wrong).await;
        let page = other.follow(&refused).await;
        let words = if wrong.is_empty() {
            "Заполните это поле"
        } else {
            "Код неверный или уже использован"
        };
        assert!(page.body.contains(words), "{wrong}: {}", page.body);
        assert_eq!(other.get("/orders").await.status, 302, "{wrong}");
    }
    assert_eq!(actions(&admin).await[..2], [Action::CodeFailed; 2]);
    let code = totp_code(&secret, 1);
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    assert_eq!(
        enter_code(&mut other, &spaced).await.location.as_deref(),
        Some("/")
    );
    assert_eq!(other.get("/orders").await.status, 200);
    assert_eq!(actions(&admin).await[0], Action::SignIn);
    assert!(actions(&admin).await.contains(&Action::EnableTotp));
}

#[apply(on_both_databases)]
async fn a_code_works_once(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let refused = sign_in_with_code(&mut app.browser(), "продавец", &totp_code(&secret, 0)).await;
    assert!(
        refused.location.unwrap().contains("draft="),
        "the code of the set-up was used again"
    );
    let code = totp_code(&secret, 1);
    let first = sign_in_with_code(&mut app.browser(), "продавец", &code).await;
    assert_eq!(first.location.as_deref(), Some("/"));
    let mut thief = app.browser();
    let refused = sign_in_with_code(&mut thief, "продавец", &code).await;
    assert!(refused.location.unwrap().contains("draft="));
    assert_eq!(thief.get("/orders").await.status, 302);
}

#[apply(on_both_databases)]
async fn of_many_who_send_one_code_at_once_one_signs_in(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, codes) = set_up(&mut browser).await;
    for code in [totp_code(&secret, 1), codes[0].clone()] {
        let pending = pending_sign_in(&app).await;
        let tries = (0..4).map(|_| async {
            let place = ClientOrigin::default();
            second_step::complete(&app.state, pending.clone(), &code, false, &place).await
        });
        let done = join_all(tries).await;
        let signed_in = done.iter().filter(|done| done.is_ok()).count();
        assert_eq!(signed_in, 1, "{done:?}");
    }
}

/// Returns the sign-in of the clerk that waits for a code.
async fn pending_sign_in(app: &App) -> PendingSignIn {
    let place = ClientOrigin::default();
    let admitted = sign_in(&app.state, "продавец", PASSWORD.to_owned(), &place).await;
    match admitted.unwrap() {
        second_step::Admission::NeedsCode(pending) => pending,
        second_step::Admission::SignedIn(..) => panic!("no code was asked for"),
    }
}

#[apply(on_both_databases)]
async fn a_recovery_code_works_once(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (_, codes) = set_up(&mut browser).await;
    let typed = codes[3].to_uppercase().replace('-', " ");
    let mut other = app.browser();
    let page = other.get("/login/code?recovery=true").await;
    assert!(page.body.contains("Резервный код") && !page.body.contains("inputmode=\"numeric\""));
    let done = sign_in_with_code(&mut other, "продавец", &typed).await;
    assert_eq!(done.location.as_deref(), Some("/"));
    assert_eq!(
        actions(&admin).await[..2],
        [Action::SignIn, Action::UseRecoveryCode]
    );
    assert!(
        other
            .get("/account")
            .await
            .body
            .contains("Осталось резервных кодов: 9.")
    );
    let again = sign_in_with_code(&mut app.browser(), "продавец", &codes[3]).await;
    let location = again.location.unwrap();
    assert!(location.contains("draft=") && !location.contains(&codes[3]));
    let next = sign_in_with_code(&mut app.browser(), "продавец", &codes[4]).await;
    assert_eq!(next.location.as_deref(), Some("/"));
}

#[apply(on_both_databases)]
async fn secrets_are_shown_once_and_stored_encrypted(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let refused = browser
        .submit("/account", "begin_totp", &[("password", "wrong horse")])
        .await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("Неверный пароль")
    );
    let (secret, codes) = set_up(&mut browser).await;
    let page = browser.get("/account").await.body;
    assert!(page.contains("Включена"));
    assert!(
        !page.contains(&secret)
            && !page.contains(&codes[0])
            && !page.contains("data:image/svg+xml")
    );
    let kept = app
        .state
        .read(Actor::System, |tx| {
            let secret: String = totp::table.select(totp::secret).first(tx.conn)?;
            let hashes: Vec<String> = recovery_codes::table
                .select(recovery_codes::hash)
                .load(tx.conn)?;
            Ok(format!("{secret} {hashes:?}"))
        })
        .await
        .unwrap();
    assert!(!kept.contains(&secret) && !kept.contains(&codes[0]));
    let again = browser
        .submit("/account", "begin_totp", &[("password", PASSWORD)])
        .await;
    assert!(browser.follow(&again).await.body.contains("уже включена"));
}

#[apply(on_both_databases)]
async fn an_unconfirmed_secret_asks_for_no_code(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let early = confirm(&mut browser, "123456").await;
    assert!(
        browser
            .follow(&early)
            .await
            .body
            .contains("Двухфакторная защита выключена")
    );
    browser
        .submit("/account", "begin_totp", &[("password", PASSWORD)])
        .await;
    let refused = confirm(&mut browser, &totp_code(&another_secret(), 0)).await;
    assert!(browser.follow(&refused).await.body.contains("Код неверный"));
    let signed_in = app.browser().sign_in("продавец", PASSWORD).await;
    assert_eq!(signed_in.location.as_deref(), Some("/"));
}

#[apply(on_both_databases)]
async fn turning_it_off_needs_the_password(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    set_up(&mut browser).await;
    let wrong = [("password", "wrong horse")];
    let refused = browser.submit("/account", "disable_totp", &wrong).await;
    assert!(
        browser
            .follow(&refused)
            .await
            .body
            .contains("Неверный пароль")
    );
    assert_eq!(actions(&admin).await[0], Action::ConfirmFailed);
    let right = [("password", PASSWORD)];
    let done = browser.submit("/account", "disable_totp", &right).await;
    assert_eq!(
        done.location.as_deref(),
        Some("/account?success=totp_disabled#second-factor")
    );
    assert_eq!(actions(&admin).await[0], Action::DisableTotp);
    let signed_in = app.browser().sign_in("продавец", PASSWORD).await;
    assert_eq!(signed_in.location.as_deref(), Some("/"));
    assert_eq!(rows(&app).await, (0, 0));
}

/// Returns the number of second factors and of recovery codes.
async fn rows(app: &App) -> (i64, i64) {
    let count = |tx: &mut crate::transaction::Tx<'_>| {
        Ok((
            totp::table.count().get_result(tx.conn)?,
            recovery_codes::table.count().get_result(tx.conn)?,
        ))
    };
    app.state.read(Actor::System, count).await.unwrap()
}

#[apply(on_both_databases)]
async fn a_remembered_browser_asks_for_no_code_until_the_factor_is_set_up_anew(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let mut own = app.browser();
    own.sign_in("продавец", PASSWORD).await;
    let code = totp_code(&secret, 1);
    let remembered = [("code", code.as_str()), ("remember", "true")];
    let done = own.submit("/login/code", "sign_in_code", &remembered).await;
    assert_eq!(done.location.as_deref(), Some("/"));
    assert!(own.cookie("remembered").is_some());
    own.submit("/", "sign_out", &[]).await;
    let again = own.sign_in("продавец", PASSWORD).await;
    assert_eq!(again.location.as_deref(), Some("/"));
    assert_eq!(own.get("/orders").await.status, 200);
    // Other accounts, other browsers and other keys are not remembered.
    let mut elsewhere = app.browser();
    let asked = elsewhere.sign_in("продавец", PASSWORD).await;
    assert_eq!(asked.location.as_deref(), Some("/login/code"));
    let right = [("password", PASSWORD)];
    own.submit("/account", "disable_totp", &right).await;
    set_up(&mut own).await;
    own.submit("/", "sign_out", &[]).await;
    let asked = own.sign_in("продавец", PASSWORD).await;
    assert_eq!(asked.location.as_deref(), Some("/login/code"));
}

#[apply(on_both_databases)]
async fn wrong_codes_have_to_wait_and_a_right_password_does_not_change_that(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let wrong = totp_code(&another_secret(), 0);
    let mut thief = app.browser();
    for _ in 0..5 {
        thief.sign_in("продавец", PASSWORD).await;
        let status = thief.call("sign_in_code", &[("code", &wrong)]).await.status;
        assert_eq!(status, 401);
    }
    thief.sign_in("продавец", PASSWORD).await;
    let right = totp_code(&secret, 1);
    let waits = thief.call("sign_in_code", &[("code", &right)]).await;
    assert_eq!(waits.status, 429, "{waits:?}");
    assert!(waits.headers.contains_key("retry-after"));
    assert_eq!(thief.get("/orders").await.status, 302);
    assert_eq!(actions(&admin).await[..5], [Action::CodeFailed; 5]);
}

#[apply(on_both_databases)]
async fn the_code_must_follow_the_password_within_five_minutes(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let mut slow = app.browser();
    slow.sign_in("продавец", PASSWORD).await;
    app.sql("UPDATE sessions SET data = REPLACE(data, '\"since\":', '\"since\":-')")
        .await;
    let code = totp_code(&secret, 1);
    let fields = [("code", code.as_str()), ("next", "/orders")];
    let late = slow.submit("/login/code", "sign_in_code", &fields).await;
    assert_eq!(
        late.location.as_deref(),
        Some("/login?next=%2Forders&error=code_too_late")
    );
    assert!(slow.follow(&late).await.body.contains("больше пяти минут"));
    assert_eq!(slow.get("/orders").await.status, 302);
    let without_password = enter_code(&mut app.browser(), &code).await;
    assert_eq!(
        without_password.location.as_deref(),
        Some("/login?error=code_too_late")
    );
}

#[apply(on_both_databases)]
async fn a_sign_in_that_waits_ends_with_a_new_password_and_with_a_block(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    for change in [
        "UPDATE users SET hashed_password = 'x' WHERE username = 'продавец'",
        "UPDATE users SET state = 'blocked' WHERE username = 'продавец'",
    ] {
        let waiting = pending_sign_in(&app).await;
        app.sql(change).await;
        let code = totp_code(&secret, 1);
        let place = ClientOrigin::default();
        let done = second_step::complete(&app.state, waiting, &code, false, &place).await;
        assert_eq!(done, Err(Error::BadCredentials), "{change}");
        let hash = bcrypt::hash(PASSWORD, 4).unwrap();
        app.state
            .write(Actor::System, move |tx| {
                accounts::reset_password(tx, "продавец", &hash, false)
            })
            .await
            .unwrap();
    }
}

#[apply(on_both_databases)]
async fn the_code_page_leads_where_the_visitor_wanted_to_go(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let mut other = app.browser();
    let fields = [
        ("username", "продавец"),
        ("password", PASSWORD),
        ("next", "/orders?phone=45"),
    ];
    let asked = other.submit("/login", "sign_in", &fields).await;
    assert_eq!(
        asked.location.as_deref(),
        Some("/login/code?next=%2Forders%3Fphone%3D45")
    );
    let page = other.follow(&asked).await;
    assert_eq!(page.hidden_field("next"), "/orders?phone=45");
    for (next, leads) in [
        ("https://evil.example", "/"),
        ("/orders?phone=45", "/orders?phone=45"),
    ] {
        forget_used_codes(&app).await;
        other.sign_in("продавец", PASSWORD).await;
        let code = totp_code(&secret, 0);
        let fields = [("code", code.as_str()), ("next", next)];
        let done = other.submit("/login/code", "sign_in_code", &fields).await;
        assert_eq!(done.location.as_deref(), Some(leads));
    }
}

#[apply(on_both_databases)]
async fn the_dialog_over_a_page_asks_for_the_code_too(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, _) = set_up(&mut browser).await;
    let mut other = app.browser();
    let fields = [("username", "продавец"), ("password", PASSWORD)];
    let asked = other.call("sign_in_again", &fields).await;
    let error: Error = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        (asked.status, error),
        (401, Error::SecondFactor(Problem::Required))
    );
    assert_eq!(other.get("/orders").await.status, 302);
    let code = totp_code(&secret, 1);
    let fields = [
        ("username", "продавец"),
        ("password", PASSWORD),
        ("code", code.as_str()),
    ];
    assert_eq!(other.call("sign_in_again", &fields).await.status, 200);
    assert_eq!(other.get("/orders").await.status, 200);
}

#[apply(on_both_databases)]
async fn a_role_that_must_have_a_second_factor_opens_only_its_account(app: App) {
    let app = app.restarted(|config| config.require_2fa = vec![Role::Admin, Role::Manager]);
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    assert_eq!(
        clerk.get("/orders").await.status,
        200,
        "the role needs none"
    );
    let mut manager = app.signed_in_browser(app.manager()).await;
    for page in ["/", "/orders", "/supplies"] {
        let led = manager.get(page).await;
        assert_eq!(
            (led.status, led.location.as_deref()),
            (302, Some("/account?error=must_set_up_totp")),
            "{page}"
        );
    }
    let page = manager.get("/account?error=must_set_up_totp").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains("Для вашей роли нужна двухфакторная защита")
    );
    assert!(!page.body.contains("Токены API"), "tokens are offered");
    let refused = manager.call("issue_order", &[("id", "1")]).await;
    let error: Error = serde_json::from_str(&refused.body).unwrap();
    assert_eq!((refused.status, error), (403, Error::MustSetUpTotp));
    assert_eq!(manager.get("/fn/list_tokens").await.status, 302);
    set_up(&mut manager).await;
    for page in ["/", "/orders", "/supplies"] {
        assert_eq!(manager.get(page).await.status, 200, "{page}");
    }
}

#[apply(on_both_databases)]
async fn an_admin_and_the_command_line_reset_a_lost_factor(app: App) {
    let mut admin = app.signed_in_browser(app.admin()).await;
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    set_up(&mut clerk).await;
    let page = percent_encode("/admin/users/продавец");
    assert!(
        admin
            .get(&page)
            .await
            .body
            .contains("Сбросить двухфакторную защиту")
    );
    let name = [("username", "продавец")];
    admin.submit(&page, "reset_second_factor", &name).await;
    assert_eq!(clerk.get("/orders").await.status, 302, "the sessions go on");
    assert_eq!(actions(&app.admin()).await[0], Action::ResetTotp);
    assert!(
        !admin
            .get(&page)
            .await
            .body
            .contains("Сбросить двухфакторную защиту")
    );
    let signed_in = clerk.sign_in("продавец", PASSWORD).await;
    assert_eq!(signed_in.location.as_deref(), Some("/"));
    // What `sirius user reset-2fa` calls; a second time changes nothing.
    set_up(&mut clerk).await;
    let before = actions(&app.admin()).await.len();
    for _ in 0..2 {
        app.state
            .write(Actor::System, |tx| {
                accounts::reset_second_factor(tx, "ПРОДАВЕЦ")
            })
            .await
            .unwrap();
    }
    assert_eq!(actions(&app.admin()).await.len(), before + 1);
    assert_eq!(rows(&app).await, (0, 0));
    let own = app
        .admin()
        .write(|tx| accounts::reset_second_factor(tx, "админ"))
        .await;
    assert_eq!(own, Err(Error::Yourself));
}

#[apply(on_both_databases)]
async fn a_change_of_role_keeps_the_factor_and_deletion_removes_it(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    set_up(&mut clerk).await;
    admin
        .write(|tx| accounts::change_role(tx, "продавец", Role::Manager))
        .await
        .unwrap();
    let asked = clerk.sign_in("продавец", PASSWORD).await;
    assert_eq!(asked.location.as_deref(), Some("/login/code"));
    admin
        .write(|tx| accounts::delete(tx, "продавец"))
        .await
        .unwrap();
    assert_eq!(rows(&app).await, (0, 0));
}

#[apply(on_both_databases)]
async fn recovery_codes_work_after_a_change_of_the_secret_key(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    let (secret, codes) = set_up(&mut browser).await;
    let app = app.restarted(|config| {
        config.secret_key = Some("another key of at least 32 characters".to_owned())
    });
    let refused = sign_in_with_code(&mut app.browser(), "продавец", &totp_code(&secret, 1)).await;
    assert!(refused.location.unwrap().contains("draft="));
    let done = sign_in_with_code(&mut app.browser(), "продавец", &codes[0]).await;
    assert_eq!(done.location.as_deref(), Some("/"));
}
