//! The management of accounts by admins, invitations, and a user's own devices.

use crate::tests::support::{
    Answer, App, Browser, PASSWORD, apply, on_both_databases, text_between,
};
use crate::{
    audit::{self, Action, Entity, service::history},
    auth::{
        Actor, Role, UserState,
        users::{invitations, service as users},
    },
    config::Registration,
    error::Error,
    transaction::Tx,
};

type Operation = fn(&mut Tx<'_>) -> Result<(), Error>;

const NEW_PASSWORD: &str = "battery staple";
/// The page of an invitation whose token is `link`.
const LINK: &str = "/register?invitation=link";

async fn register(browser: &mut Browser, name: &str, invitation: &str) -> Answer {
    let fields = [
        ("username", name),
        ("password", PASSWORD),
        ("password_repeated", PASSWORD),
    ];
    browser
        .get(&format!("/register?invitation={invitation}"))
        .await;
    browser.submit("/register", "register", &fields).await
}

#[apply(on_both_databases)]
async fn an_invited_user_can_register_while_registration_is_closed(app: App) {
    let app = app.restarted(|config| config.registration = Registration::Closed);
    let mut admin = app.signed_in_browser(app.admin()).await;
    let made = admin
        .submit("/admin/users", "invite_user", &[("role", "manager")])
        .await;
    let page = admin.follow(&made).await;
    let token = text_between(&page.body, "/register?invitation=", "<").to_owned();
    assert_eq!(
        made.location.as_deref(),
        Some("/admin/users?success=invited#secret"),
        "expected an anchor to the secret, and no secret in the URL"
    );
    assert!(
        !admin.get("/admin/users").await.body.contains(&token),
        "the invitation was shown twice"
    );

    let mut guest = app.browser();
    let link = format!("/register?invitation={token}");
    let opened = guest.get(&link).await;
    assert_eq!(
        (opened.status, opened.location.as_deref()),
        (303, Some("/register"))
    );
    let page = guest.follow(&opened).await;
    assert!(
        page.body.contains("как менеджера") && !page.body.contains(&token),
        "{}",
        page.body
    );
    assert_eq!(
        register(&mut guest, "гость", &token)
            .await
            .location
            .as_deref(),
        Some("/?success=registered")
    );
    assert_eq!(guest.get("/supplies").await.status, 200);

    let mut second = app.browser();
    let again = register(&mut second, "второй", &token).await;
    assert!(
        second
            .follow(&again)
            .await
            .body
            .contains("больше не действует")
    );
    // The page says so once; after that, the invitation is forgotten.
    let mut late = app.browser();
    late.get(&link).await;
    for is_over in [true, false] {
        let page = late.get("/register").await;
        assert_eq!(page.body.contains("больше не действует"), is_over);
    }
    assert_eq!(app.accounts().await.len(), 2);
}

#[apply(on_both_databases)]
async fn an_invitation_expires_after_three_days_or_when_revoked(app: App) {
    let admin = app.create_account(app.admin()).await;
    let invitation = admin
        .write(|tx| invitations::invite(tx, Role::User, "отозванный"))
        .await
        .unwrap();
    admin
        .write(move |tx| invitations::revoke(tx, invitation.id))
        .await
        .unwrap();
    assert_eq!(
        admin
            .write(move |tx| invitations::revoke(tx, invitation.id))
            .await,
        Err(Error::NotFound)
    );
    admin
        .write(|tx| invitations::invite(tx, Role::User, "старый"))
        .await
        .unwrap();
    let role = |hours: i64, token: &'static str| {
        app.state.write_at(
            crate::clock::at(chrono::Utc::now() + chrono::TimeDelta::hours(hours)),
            move |tx| {
                let found = invitations::redeemable(tx, &crate::crypto::sha256(token));
                found.map(|invitation| invitation.role)
            },
        )
    };
    assert_eq!(role(0, "отозванный").await, Err(Error::InvitationOver));
    assert_eq!(role(71, "старый").await, Ok(Role::User));
    assert_eq!(role(73, "старый").await, Err(Error::InvitationOver));
}

type End = fn(&mut Tx<'_>, &str) -> Result<(), Error>;

/// What may happen to an admin who has invited somebody.
const ENDS: [(&str, End); 4] = [
    ("blocked", |tx, name| users::block(tx, name).map(drop)),
    ("demoted", |tx, name| {
        users::change_role(tx, name, Role::Manager).map(drop)
    }),
    ("deleted", users::delete),
    ("with a new password", |tx, name| {
        users::reset_password(tx, name, "", true).map(drop)
    }),
];

#[apply(on_both_databases)]
async fn an_invitation_ends_with_the_rights_of_its_maker(app: App) {
    let admin = app.create_account(app.admin()).await;
    let stays = admin
        .write(|tx| invitations::invite(tx, Role::User, "остаётся"))
        .await
        .unwrap();
    for (n, (what, end)) in ENDS.into_iter().enumerate() {
        let name = format!("бывший-{n}");
        let former = app.create_account(app.person(&name, Role::Admin)).await;
        let token = format!("ссылка-{n}");
        let made = token.clone();
        let invitation = former
            .write(move |tx| invitations::invite(tx, Role::Admin, &made))
            .await
            .unwrap();
        admin.write(move |tx| end(tx, &name)).await.unwrap();
        let mut browser = app.browser();
        let refused = register(&mut browser, "гость", &token).await;
        let page = browser.follow(&refused).await.body;
        assert!(page.contains("больше не действует"), "{what}: {page}");
        let listed = admin.read(invitations::list).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&stays), "{what}");
        let history = move |tx: &mut Tx<'_>| history(tx, Entity::Invitation, invitation.id);
        let last = admin.read(history).await.unwrap().swap_remove(0);
        assert_eq!(
            (last.action.known(), last.user_id.as_deref()),
            (Some(Action::RevokeInvitation), Some("админ")),
            "{what}"
        );
    }
}

#[apply(on_both_databases)]
async fn an_invitation_is_refused_if_its_maker_may_not_invite_any_more(app: App) {
    let maker = app.create_account(app.admin()).await;
    maker
        .write(|tx| invitations::invite(tx, Role::Admin, "link"))
        .await
        .unwrap();
    // As if the account had been changed by a version that left the invitations.
    for change in [
        "UPDATE users SET role = 'manager'",
        "UPDATE users SET role = 'admin', state = 'blocked'",
        "UPDATE users SET state = 'active', deleted_at = created_at",
    ] {
        app.sql(change).await;
        let mut browser = app.browser();
        let link = browser.get(LINK).await;
        let page = browser.follow(&link).await.body;
        assert!(page.contains("больше не действует"), "{change}: {page}");
        let refused = register(&mut browser, "гость", "link").await;
        let page = browser.follow(&refused).await.body;
        assert!(page.contains("больше не действует"), "{change}: {page}");
    }
    app.sql("UPDATE users SET deleted_at = NULL").await;
    let made = register(&mut app.browser(), "гость", "link").await;
    assert_eq!(made.location.as_deref(), Some("/?success=registered"));
}

#[apply(on_both_databases)]
async fn the_log_says_which_invitation_an_account_came_by(app: App) {
    let admin = app.create_account(app.admin()).await;
    let invitation = admin
        .write(|tx| invitations::invite(tx, Role::User, "link"))
        .await
        .unwrap();
    register(&mut app.browser(), "гость", "link").await;
    let registered = admin
        .read(|tx| history(tx, Entity::User, "гость"))
        .await
        .unwrap()
        .swap_remove(0);
    let expected = [
        audit::set("role", "user"),
        audit::set("state", "active"),
        audit::set("invitation", invitation.id),
        audit::set("invited_by", "админ"),
    ];
    assert_eq!(
        (registered.action.known(), registered.changes.as_slice()),
        (Some(Action::Register), expected.as_slice())
    );
}

#[apply(on_both_databases)]
async fn a_blocked_user_is_signed_out_and_cannot_sign_in_until_unblocked(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    assert_eq!(browser.get("/orders").await.status, 200);
    let blocked = admin
        .write(|tx| users::block(tx, "Продавец"))
        .await
        .unwrap();
    assert_eq!(blocked.state, UserState::Blocked);
    assert_eq!(
        browser.get("/orders").await.location.as_deref(),
        Some("/login?next=%2Forders")
    );
    let refused = browser.sign_in("продавец", PASSWORD).await;
    assert!(browser.follow(&refused).await.body.contains("заблокирован"));
    admin
        .write(|tx| users::unblock(tx, "продавец"))
        .await
        .unwrap();
    assert_eq!(
        browser
            .sign_in("продавец", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/")
    );
}

#[apply(on_both_databases)]
async fn a_one_time_password_allows_only_a_password_change(app: App) {
    let mut admin = app.signed_in_browser(app.admin()).await;
    let mut clerk = app.signed_in_browser(app.clerk()).await;
    let reset = admin
        .submit(
            "/admin/users/%D0%BF%D1%80%D0%BE%D0%B4%D0%B0%D0%B2%D0%B5%D1%86",
            "reset_password",
            &[("username", "продавец")],
        )
        .await;
    assert!(
        reset
            .location
            .as_ref()
            .unwrap()
            .ends_with("?success=password_reset#secret"),
        "expected an anchor to the secret"
    );
    let page = admin.follow(&reset).await;
    let once = text_between(&page.body, "class=\"secret\">", "<").to_owned();
    assert_eq!(once.len(), 12, "{once}");
    assert_eq!(clerk.get("/orders").await.status, 302);
    assert_ne!(
        clerk
            .sign_in("продавец", PASSWORD)
            .await
            .location
            .as_deref(),
        Some("/")
    );
    assert_eq!(
        clerk.sign_in("продавец", &once).await.location.as_deref(),
        Some("/")
    );
    for page in ["/orders", "/products", "/orders/new", "/"] {
        assert_eq!(
            clerk.get(page).await.location.as_deref(),
            Some("/account?error=must_change_password"),
            "{page}"
        );
    }
    assert_eq!(clerk.call("list_orders", &[]).await.status, 405);
    let change = [
        ("current_password", once.as_str()),
        ("password", NEW_PASSWORD),
        ("password_repeated", NEW_PASSWORD),
    ];
    assert_eq!(
        clerk
            .submit("/account", "change_password", &change)
            .await
            .location
            .as_deref(),
        Some("/account?success=password_changed")
    );
    assert_eq!(clerk.get("/orders").await.status, 200);
}

#[apply(on_both_databases)]
async fn a_deleted_user_is_gone_but_their_name_stays_in_the_history(app: App) {
    let admin = app.create_account(app.admin()).await;
    let mut browser = app.signed_in_browser(app.clerk()).await;
    app.create_account(app.person("кладовщик", Role::Manager))
        .await
        .create_product("чай", 3)
        .await;
    let order = app.clerk().create_order("чай", 1).await.unwrap();
    admin
        .write(|tx| users::delete(tx, "продавец"))
        .await
        .unwrap();
    assert_eq!(browser.get("/orders").await.status, 302);
    assert!(
        browser
            .sign_in("продавец", PASSWORD)
            .await
            .location
            .unwrap()
            .contains("/login")
    );
    assert_eq!(
        admin.write(|tx| users::get(tx, "продавец")).await,
        Err(Error::NotFound)
    );
    assert_eq!(app.accounts().await.len(), 2);
    let kept = admin
        .read(move |tx| crate::orders::service::get(tx, order.id))
        .await
        .unwrap();
    assert_eq!(kept.user_id.as_deref(), Some("продавец"));
    let mut browser = app.browser();
    let taken = register(&mut browser, "ПРОДАВЕЦ", "").await;
    assert!(browser.follow(&taken).await.body.contains("Уже занято"));
}

#[apply(on_both_databases)]
async fn admins_cannot_manage_themselves_and_the_last_admin_is_kept(app: App) {
    let admin = app.create_account(app.admin()).await;
    let operations: [Operation; 4] = [
        |tx| users::block(tx, "админ").map(drop),
        |tx| users::delete(tx, "админ"),
        |tx| users::change_role(tx, "админ", Role::User).map(drop),
        |tx| users::reset_password(tx, "админ", "", true).map(drop),
    ];
    for operation in operations {
        assert_eq!(admin.write(operation).await, Err(Error::Yourself));
    }
    for operation in &operations[..3] {
        assert_eq!(
            app.state.write(Actor::System, *operation).await,
            Err(Error::LastAdmin)
        );
    }
}

#[apply(on_both_databases)]
async fn users_are_filtered_by_name_role_and_state(app: App) {
    let mut admin = app.signed_in_browser(app.admin()).await;
    for (name, role) in [
        ("Анна", Role::Manager),
        ("Борис", Role::User),
        ("Вера_1", Role::User),
    ] {
        app.create_account(app.person(name, role)).await;
    }
    app.state
        .write(Actor::System, |tx| users::block(tx, "борис"))
        .await
        .unwrap();
    for (query, expected) in [
        ("", vec!["Анна", "Борис", "Вера_1", "админ"]),
        ("?search=%D0%B0%D0%BD%D0%BD", vec!["Анна"]),
        ("?search=_", vec!["Вера_1"]),
        ("?role=user", vec!["Борис", "Вера_1"]),
        ("?state=blocked", vec!["Борис"]),
        ("?search=nobody", vec![]),
    ] {
        let page = admin.get(&format!("/admin/users{query}")).await;
        for name in ["Анна", "Борис", "Вера_1"] {
            let is_listed = page.body.contains(&format!(">{name}<"));
            assert_eq!(is_listed, expected.contains(&name), "{query}: {name}");
        }
    }
}

#[apply(on_both_databases)]
async fn users_list_and_sign_out_only_their_own_devices(app: App) {
    let mut here = app.signed_in_browser(app.clerk()).await;
    let mut there = app.browser();
    there.sign_in("продавец", PASSWORD).await;
    let mut elsewhere = app.browser();
    elsewhere.sign_in("продавец", PASSWORD).await;
    let mut other = app.signed_in_browser(app.manager()).await;
    let page = here.get("/account").await;
    assert!(page.body.contains("это устройство"));
    assert_eq!(
        page.body.matches("Завершить").count(),
        3,
        "expected a button for each of two other devices and one for all of them"
    );
    let id = page.hidden_field("id");
    assert_eq!(other.call("end_device", &[("id", &id)]).await.status, 200);
    assert_eq!(
        here.get("/account").await.body.matches("Завершить").count(),
        3,
        "another user ended the device"
    );
    here.submit("/account", "end_device", &[("id", &id)]).await;
    assert_eq!(
        here.get("/account").await.body.matches("Завершить").count(),
        2
    );
    here.submit("/account", "end_other_devices", &[]).await;
    let statuses = [
        here.get("/orders").await.status,
        there.get("/orders").await.status,
        elsewhere.get("/orders").await.status,
        other.get("/orders").await.status,
    ];
    assert_eq!(statuses, [200, 302, 302, 200]);
}

#[apply(on_both_databases)]
async fn the_last_visit_of_a_user_is_recorded(app: App) {
    let mut browser = app.signed_in_browser(app.clerk()).await;
    browser.get("/orders").await;
    for _ in 0..100 {
        if app.accounts().await[0].last_seen_at.is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the visit was not recorded");
}

#[apply(on_both_databases)]
async fn a_setting_shows_the_log_to_managers_but_never_the_users(app: App) {
    let app = app.restarted(|config| config.manager_in_admin = true);
    let mut manager = app.signed_in_browser(app.manager()).await;
    assert_eq!(manager.get("/admin/logs").await.status, 200);
    assert_eq!(manager.get("/admin/users").await.status, 403);
    assert_eq!(
        manager
            .call("block_user", &[("username", "менеджер")])
            .await
            .status,
        403
    );
}

#[apply(on_both_databases)]
async fn private_pages_are_not_indexed_by_search_engines(app: App) {
    let mut browser = app.browser();
    let answer = browser.get("/admin/users").await;
    assert_eq!(answer.robots.as_deref(), Some("noindex, nofollow"));
    assert_eq!(browser.get("/login").await.robots, None);
}
